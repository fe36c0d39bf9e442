//! How to reach a Kafka cluster, and what its topics are like.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rdkafka::ClientConfig;
use serde::Deserialize;

use crate::error::BusError;

/// A Kafka cluster and the bounds of what this process holds for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaConfig {
    /// Where brokers are found first: `host:port`.
    pub bootstrap_servers: Vec<String>,
    /// Put before the names of topics and consumer groups, so that several missions share a
    /// cluster.
    pub topic_prefix: String,
    /// Partitions of a topic that is created; one spacecraft is always in one partition.
    pub partitions: u32,
    /// Copies of a topic that is created; `None` is what the brokers do by default.
    pub replication: Option<u32>,
    /// Copies that must have a record before it counts as stored; `None` is the brokers' default.
    pub min_insync_replicas: Option<u32>,
    /// How long topics keep their records, by topic name without the prefix. A topic that is not
    /// named here keeps telemetry for seven days, commands and operations for ever.
    pub retention: BTreeMap<String, TopicRetention>,
    /// Octets that one producer has accepted and the cluster has not acknowledged. When full,
    /// publishing blocks; nothing is dropped. The client library holds as much again, encoded.
    pub in_flight_octets_max: usize,
    /// A transaction is committed at this size.
    pub transaction_octets: usize,
    /// Or when it is so old; what a quiet link gives is visible so soon.
    pub transaction_age_ms_max: u64,
    /// The cluster ends a transaction that a dead producer left open; until then consumers of its
    /// partitions wait, unless the producer comes back before.
    pub transaction_timeout_ms: u64,
    /// Octets fetched ahead for each partition that is consumed. When full, fetching pauses.
    pub fetch_octets_max: usize,
    /// How long to wait for the cluster before a call that needs its answer fails.
    pub connect_timeout_ms: u64,
    /// A consumer that is not heard of for so long loses its partitions.
    pub session_timeout_ms: u64,
    /// How long a member of a consumer group may take to finish with a revoked partition.
    pub hand_over_ms_max: u64,
    /// TLS, unless absent.
    pub tls: Option<Tls>,
    /// A user name and password, unless absent.
    pub sasl: Option<Sasl>,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            bootstrap_servers: Vec::new(),
            topic_prefix: String::new(),
            partitions: 6,
            replication: None,
            min_insync_replicas: None,
            retention: BTreeMap::new(),
            in_flight_octets_max: 32 << 20,
            transaction_octets: 16 << 20,
            transaction_age_ms_max: 200,
            transaction_timeout_ms: 60_000,
            fetch_octets_max: 16 << 20,
            connect_timeout_ms: 30_000,
            session_timeout_ms: 10_000,
            hand_over_ms_max: 30_000,
            tls: None,
            sasl: None,
        }
    }
}

/// How long a topic keeps its records; a record goes when either bound is passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicRetention {
    /// Age; `None` is without bound.
    pub hours: Option<u64>,
    /// Size of a partition; `None` is without bound.
    pub octets: Option<u64>,
}

/// TLS; PEM files.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The authority that signed the brokers' certificates; `None` takes the system's.
    pub authority: Option<PathBuf>,
    /// This client's certificate, where brokers ask for one.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// A file that holds the key's password.
    pub key_password_file: Option<PathBuf>,
}

/// A user and how to prove it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// The user.
    pub username: String,
    /// A file that holds the password; a line break at its end is not part of it.
    pub password_file: PathBuf,
}

/// A SASL mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Mechanism {
    /// RFC 5802 with SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// RFC 5802 with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    /// RFC 4616; only over TLS, since it shows the password.
    #[serde(rename = "PLAIN")]
    Plain,
}

impl KafkaConfig {
    /// The bootstrap servers, as messages name them.
    pub(crate) fn servers(&self) -> String {
        self.bootstrap_servers.join(",")
    }

    /// A topic's or group's name on the cluster.
    pub(crate) fn prefixed(&self, name: &str) -> String {
        format!("{}{name}", self.topic_prefix)
    }

    /// What all clients share; reads the password files.
    pub(crate) fn client(&self) -> Result<ClientConfig, BusError> {
        self.check()?;
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", self.servers())
            .set("client.id", "passline")
            .set("reconnect.backoff.max.ms", "2000")
            .set("socket.keepalive.enable", "true")
            .set("topic.metadata.refresh.interval.ms", "30000")
            // Topics are created with their settings, never by a question for them.
            .set("allow.auto.create.topics", "false");
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "PLAINTEXT",
            (Some(_), None) => "SSL",
            (None, Some(_)) => "SASL_PLAINTEXT",
            (Some(_), Some(_)) => "SASL_SSL",
        };
        client.set("security.protocol", protocol);
        if let Some(tls) = &self.tls {
            tls.apply(&mut client)?;
        }
        if let Some(sasl) = &self.sasl {
            let mechanism = match sasl.mechanism {
                Mechanism::ScramSha256 => "SCRAM-SHA-256",
                Mechanism::ScramSha512 => "SCRAM-SHA-512",
                Mechanism::Plain => "PLAIN",
            };
            client
                .set("sasl.mechanism", mechanism)
                .set("sasl.username", &sasl.username)
                .set("sasl.password", secret(&sasl.password_file)?);
        }
        Ok(client)
    }

    /// Checks what can be checked without the cluster.
    ///
    /// # Errors
    /// [`BusError::Config`], naming the setting.
    pub fn check(&self) -> Result<(), BusError> {
        let empty = self.bootstrap_servers.is_empty()
            || self.bootstrap_servers.iter().any(|server| {
                let port = server.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
                !matches!(port, Some(Ok(1..)))
                    || server.contains(|c: char| c == ',' || c.is_whitespace())
            });
        if empty {
            return Err(wrong("bootstrap_servers", "each must be host:port"));
        }
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.topic_prefix.len() > 100 || !self.topic_prefix.chars().all(named) {
            return Err(wrong(
                "topic_prefix",
                "up to 100 letters, digits, dots, underscores and hyphens",
            ));
        }
        if let (Some(copies), Some(insync)) = (self.replication, self.min_insync_replicas)
            && insync > copies
        {
            let what = format!("{insync} copies cannot be in sync of replication = {copies}");
            return Err(wrong("min_insync_replicas", &what));
        }
        for (name, value) in [
            ("replication", self.replication),
            ("min_insync_replicas", self.min_insync_replicas),
        ] {
            if value == Some(0) {
                return Err(wrong(
                    name,
                    "0 copies hold nothing; leave it out for the brokers' default",
                ));
            }
        }
        for name in self.retention.keys() {
            if crate::Topic::from_name(name).is_none() {
                return Err(wrong(
                    &format!("retention.{name}"),
                    "there is no such topic",
                ));
            }
        }
        for (name, value, (least, most)) in [
            ("partitions", u64::from(self.partitions), (1, 10_000)),
            (
                "in_flight_octets_max",
                self.in_flight_octets_max as u64,
                (1 << 20, 1 << 31),
            ),
            (
                "transaction_octets",
                self.transaction_octets as u64,
                (1 << 16, 1 << 30),
            ),
            (
                "transaction_age_ms_max",
                self.transaction_age_ms_max,
                (1, 60_000),
            ),
            (
                "transaction_timeout_ms",
                self.transaction_timeout_ms,
                (1_000, 900_000),
            ),
            (
                "fetch_octets_max",
                self.fetch_octets_max as u64,
                (1 << 20, 1 << 31),
            ),
            (
                "connect_timeout_ms",
                self.connect_timeout_ms,
                (100, 3_600_000),
            ),
            (
                "session_timeout_ms",
                self.session_timeout_ms,
                (1_000, 1_800_000),
            ),
            ("hand_over_ms_max", self.hand_over_ms_max, (0, 250_000)),
        ] {
            if value < least || value > most {
                return Err(wrong(name, &format!("{value} is not in {least} to {most}")));
            }
        }
        Ok(())
    }
}

impl Tls {
    fn apply(&self, client: &mut ClientConfig) -> Result<(), BusError> {
        match &self.authority {
            Some(path) => client.set("ssl.ca.location", readable(path)?),
            None => client.set("ssl.ca.location", "probe"),
        };
        if let Some(path) = &self.certificate {
            client.set("ssl.certificate.location", readable(path)?);
        }
        if let Some(path) = &self.key {
            client.set("ssl.key.location", readable(path)?);
        }
        if let Some(path) = &self.key_password_file {
            client.set("ssl.key.password", secret(path)?);
        }
        Ok(())
    }
}

fn wrong(what: &str, reason: &str) -> BusError {
    BusError::Config {
        what: what.to_owned(),
        reason: reason.to_owned(),
    }
}

/// A file that must be there, as the client library takes paths.
fn readable(path: &Path) -> Result<String, BusError> {
    let name = path.display().to_string();
    std::fs::File::open(path).map_err(|error| wrong(&name, &error.to_string()))?;
    Ok(name)
}

fn secret(path: &Path) -> Result<String, BusError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(&path.display().to_string(), &error.to_string()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
