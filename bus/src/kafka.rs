//! The Kafka backend.
//!
//! Each record of the bus is a Kafka record: its value is the frame or packet as the standard
//! defines it, an Arrow IPC stream, or a JSON text; its key is the spacecraft; the rest is in
//! headers, as readable text. Publishing is transactional: a contact's progress is a record of the
//! same transaction, so that a block is stored once whatever happens to the producer.

mod client;
pub(crate) mod config;
mod encode;
pub(crate) mod member;
pub(crate) mod producer;
mod progress;
pub(crate) mod subscription;
mod tenure;
mod topics;
mod transaction;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use records::{names, reader, text};

use self::client::{Context, Outage, explain, is_transient};
use self::config::KafkaConfig;
use self::topics::TopicInfo;
use crate::dead_letter::DeadLetter;
use crate::error::BusError;
use crate::producer::ContactState;
use crate::topic::{Offset, Topic};

/// A cluster that answers. Clones share it.
#[derive(Clone)]
pub(crate) struct Kafka(Arc<Inner>);

struct Inner {
    config: KafkaConfig,
    servers: String,
    outage: Arc<Outage>,
    /// What all clients share, secrets included.
    client: ClientConfig,
    /// Asks for metadata and offsets.
    asker: BaseConsumer<Context>,
    /// Topics that are known to be there, by name without prefix.
    topics: Mutex<BTreeMap<&'static str, TopicInfo>>,
    /// When the asker last told what it has to tell.
    told: Mutex<Instant>,
    /// Counts calls of [`Kafka::wake`].
    woken: AtomicU64,
}

impl Kafka {
    pub(crate) fn connect(config: KafkaConfig) -> Result<Self, BusError> {
        let client = config.client()?;
        let servers = config.servers();
        let mut asking = client.clone();
        // A group is never joined; without a name the library refuses to assign partitions.
        asking.set("group.id", config.prefixed("passline-asker"));
        let outage = Arc::new(Outage::new(&servers));
        let context = Context::new(Arc::clone(&outage));
        let asker = BaseConsumer::from_config_and_context(&asking, context)
            .map_err(|error| refused(&servers, error))?;
        let cluster = Self(Arc::new(Inner {
            config,
            servers,
            outage,
            client,
            asker,
            topics: Mutex::default(),
            told: Mutex::new(Instant::now()),
            woken: AtomicU64::new(0),
        }));
        cluster.wait_for_answer()?;
        Ok(cluster)
    }

    pub(crate) fn config(&self) -> &KafkaConfig {
        &self.0.config
    }

    pub(crate) fn servers(&self) -> &str {
        &self.0.servers
    }

    /// How long calls wait that need the cluster's answer.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.0.config.connect_timeout_ms)
    }

    pub(crate) fn explain(&self, doing: &'static str, error: KafkaError) -> BusError {
        explain(
            doing,
            self.servers(),
            self.0.config.connect_timeout_ms,
            error,
        )
    }

    pub(crate) fn partitions(&self, topic: Topic) -> Result<u32, BusError> {
        self.topic(topic).map(|info| info.partitions)
    }

    /// First offset stored and the one after the last that consumers may have.
    pub(crate) fn offsets(
        &self,
        topic: Topic,
        partition: u32,
    ) -> Result<(Offset, Offset), BusError> {
        self.check_partition(topic, partition)?;
        let name = self.config().prefixed(topic.as_str());
        self.listen();
        let offsets = self
            .watermarks(&self.0.asker, &name, partition as i32)
            .map_err(|error| self.explain("asking for offsets", error))?;
        self.note_up();
        Ok(offsets)
    }

    /// The first offset and the one after the last that a consumer may have; waits while leaders
    /// change, as they do when a topic is new.
    pub(crate) fn watermarks(
        &self,
        consumer: &BaseConsumer<Context>,
        name: &str,
        partition: i32,
    ) -> Result<(Offset, Offset), KafkaError> {
        let deadline = Instant::now() + self.timeout();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let slice = left.min(Duration::from_secs(5));
            match consumer.fetch_watermarks(name, partition, slice) {
                Ok((first, end)) => {
                    return Ok((first.try_into().unwrap_or(0), end.try_into().unwrap_or(0)));
                }
                Err(error) => {
                    let again = error.rdkafka_error_code().is_some_and(is_transient);
                    if !again || left.is_zero() {
                        return Err(error);
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }

    pub(crate) fn check_partition(&self, topic: Topic, partition: u32) -> Result<(), BusError> {
        let partitions = self.partitions(topic)?;
        if partition < partitions {
            return Ok(());
        }
        Err(BusError::Partition {
            topic,
            partition,
            partitions,
        })
    }

    pub(crate) fn contact(&self, contact: &str) -> Result<Option<ContactState>, BusError> {
        let progress = progress::read(self, contact, progress::Until::Visible)?;
        Ok(progress.map(|progress| progress.state()))
    }

    pub(crate) fn wake(&self) {
        self.0.woken.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes what the asker has to tell, now and then: its library keeps that until it is asked.
    pub(crate) fn listen(&self) {
        if let Ok(mut told) = self.0.told.try_lock()
            && told.elapsed() > LISTEN_EVERY
        {
            *told = Instant::now();
            while let Some(Err(_)) = self.0.asker.poll(Duration::ZERO) {}
        }
    }

    pub(crate) fn woken(&self) -> u64 {
        self.0.woken.load(Ordering::Acquire)
    }

    /// Settings of every consumer: only committed records, offsets only when told.
    pub(crate) fn consumer(&self, group: &str) -> ClientConfig {
        let config = self.config();
        let kibioctets = (config.fetch_octets_max >> 10).to_string();
        let fetch = config.fetch_octets_max.min(4 << 20).to_string();
        let mut client = self.0.client.clone();
        client
            .set("group.id", config.prefixed(group))
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            // What retention has deleted is said, not skipped.
            .set("auto.offset.reset", "error")
            .set("queued.min.messages", "1000000")
            .set("queued.max.messages.kbytes", kibioctets)
            .set("fetch.message.max.bytes", &fetch)
            .set("fetch.max.bytes", &fetch)
            .set("receive.message.max.bytes", (64 << 20).to_string())
            .set("fetch.wait.max.ms", "100")
            .set("check.crcs", "true");
        client
    }

    /// Settings of every producer: everything acknowledged by all, once, in order.
    pub(crate) fn sender(&self) -> ClientConfig {
        let config = self.config();
        let mut client = self.0.client.clone();
        client
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "zstd")
            .set("compression.level", "1")
            // A commit does not wait for it.
            .set("linger.ms", "50")
            .set("batch.size", (1 << 20).to_string())
            .set("batch.num.messages", "20000")
            .set("message.max.bytes", topics::VALUE_OCTETS_MAX.to_string())
            .set("queue.buffering.max.messages", "1000000")
            .set(
                "queue.buffering.max.kbytes",
                (config.in_flight_octets_max >> 10).to_string(),
            )
            // As the Java client does it: one spacecraft, one partition, in every language.
            .set("partitioner", "murmur2_random")
            .set("delivery.report.only.error", "true");
        client
    }

    pub(crate) fn context(&self) -> Context {
        Context::new(Arc::clone(&self.0.outage))
    }

    /// A broker has answered.
    pub(crate) fn note_up(&self) {
        self.0.outage.end();
    }

    pub(crate) fn dead_letter(&self, letters: &[DeadLetter]) -> Result<(), BusError> {
        const DOING: &str = "storing dead letters";
        self.topic(Topic::DeadLetters)?;
        let name = self.config().prefixed(Topic::DeadLetters.as_str());
        let sender: BaseProducer<Context> = self
            .sender()
            .create_with_context(self.context())
            .map_err(|error| self.explain(DOING, error))?;
        for letter in letters {
            let key = format!("{}/{}/{}", letter.topic, letter.partition, letter.offset);
            let mut record = BaseRecord::to(&name)
                .key(&key)
                .payload(&letter.record.value)
                .headers(dead_headers(letter));
            while let Err((error, back)) = sender.send(record) {
                if error.rdkafka_error_code() != Some(rdkafka::error::RDKafkaErrorCode::QueueFull) {
                    return Err(self.explain(DOING, error));
                }
                sender.poll(Duration::from_millis(20));
                record = back;
            }
        }
        sender
            .flush(self.timeout())
            .map_err(|error| self.explain(DOING, error))?;
        match sender.context().take_undelivered() {
            Some(error) => Err(self.explain(DOING, error)),
            None => Ok(()),
        }
    }

    fn wait_for_answer(&self) -> Result<(), BusError> {
        let started = Instant::now();
        let name = self.config().prefixed(progress::TOPIC);
        loop {
            let left = self.timeout().saturating_sub(started.elapsed());
            let asker = &self.0.asker;
            let slice = left.min(Duration::from_millis(500));
            let answer = asker.fetch_metadata(Some(&name), slice);
            // Lets the library report what it found.
            while let Some(Err(_)) = asker.poll(Duration::ZERO) {}
            match answer {
                Ok(_) => return Ok(()),
                Err(_) if asker.context().refusal().is_some() => {
                    return Err(asker.context().refusal().unwrap_or(BusError::Unreachable {
                        doing: CONNECTING,
                        servers: self.servers().to_owned(),
                        waited_ms: 0,
                        reason: String::new(),
                    }));
                }
                Err(error) if left.is_zero() => {
                    return Err(match self.explain(CONNECTING, error) {
                        BusError::Unreachable { doing, servers, .. } => BusError::Unreachable {
                            doing,
                            servers,
                            waited_ms: self.0.config.connect_timeout_ms,
                            reason: asker.context().last_words(),
                        },
                        other => other,
                    });
                }
                Err(_) => {}
            }
        }
    }
}

/// What the record had, and where it was.
fn dead_headers(letter: &DeadLetter) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new();
    for (name, value) in &letter.record.headers {
        // A name with a zero octet cannot be stored again.
        if !name.contains('\0') {
            headers = headers.insert(Header {
                key: name,
                value: Some(value),
            });
        }
    }
    for (key, value) in [
        (names::DEAD_TOPIC, letter.topic.to_string()),
        (names::DEAD_PARTITION, letter.partition.to_string()),
        (names::DEAD_OFFSET, letter.offset.to_string()),
        (names::DEAD_REASON, letter.reason.clone()),
    ] {
        headers = headers.insert(Header {
            key,
            value: Some(&value),
        });
    }
    headers
}

/// A client that cannot be made: its settings contradict each other, or a file holds no certificate.
fn refused(servers: &str, error: KafkaError) -> BusError {
    match error {
        KafkaError::ClientCreation(reason) => BusError::Config {
            what: format!("the client for {servers}"),
            reason,
        },
        KafkaError::ClientConfig(_, reason, key, _) => BusError::Config { what: key, reason },
        error => explain(CONNECTING, servers, 0, error),
    }
}

/// How often the asker is listened to.
const LISTEN_EVERY: Duration = Duration::from_secs(1);
const CONNECTING: &str = "connecting";
