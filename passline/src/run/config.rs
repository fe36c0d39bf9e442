//! The configuration file of services, as written: sections and keys, nothing derived from them.
//!
//! Any key of a section that stands once can be given by the environment instead, as
//! `PASSLINE_<SECTION>__<KEY>`: `PASSLINE_HTTP__LISTEN=0.0.0.0:9464`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bus::KafkaConfig;
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) station: Option<StationSection>,
    #[serde(default)]
    pub(crate) link: Vec<LinkSection>,
    pub(crate) mission: Option<MissionSection>,
    #[serde(default)]
    pub(crate) bus: BusSection,
    pub(crate) ingest: Option<IngestSection>,
    #[serde(default)]
    pub(crate) data: DataSection,
    #[serde(default)]
    pub(crate) http: HttpSection,
    #[serde(default)]
    pub(crate) log: LogSection,
    #[serde(default)]
    pub(crate) shutdown: ShutdownSection,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StationSection {
    pub(crate) name: String,
    #[serde(default = "default_drain_s")]
    pub(crate) drain_s: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkSection {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) address: Option<String>,
    pub(crate) file: Option<PathBuf>,
    pub(crate) level: Option<LevelName>,
    pub(crate) idle_timeout_s: Option<f64>,
    pub(crate) block_age_ms: Option<u64>,
    pub(crate) reconnect_min_ms: Option<u64>,
    pub(crate) reconnect_max_ms: Option<u64>,
    pub(crate) receive_buffer_octets: Option<usize>,
    pub(crate) queue_octets: Option<usize>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    TcpListen,
    TcpConnect,
    Udp,
    File,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LevelName {
    Cadu,
    Frames,
    Packets,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MissionSection {
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BusSection {
    #[serde(default)]
    pub(crate) backend: Backend,
    /// Of the embedded log, or of the spool before Kafka; `bus` or `spool` in the data folder if
    /// not given.
    pub(crate) folder: Option<PathBuf>,
    /// Octets that the embedded log or the spool holds before its links have to wait.
    pub(crate) waiting_octets_max: Option<usize>,
    /// Of Kafka.
    pub(crate) kafka: Option<KafkaConfig>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Backend {
    #[default]
    Embedded,
    Kafka,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IngestSection {
    #[serde(default = "default_flush_age_ms")]
    pub(crate) flush_age_ms: u64,
    pub(crate) flush_octets: Option<usize>,
    pub(crate) flush_records: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSection {
    /// A folder, or a place in an object store (`s3://BUCKET/PREFIX`).
    #[serde(default = "default_folder")]
    pub(crate) folder: PathBuf,
    /// Keys of the object store; what `PASSLINE_CREDENTIALS` names if not given.
    pub(crate) credentials: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpSection {
    #[serde(default = "default_listen")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSection {
    #[serde(default)]
    pub(crate) format: LogFormat,
    #[serde(default = "default_level")]
    pub(crate) level: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShutdownSection {
    #[serde(default = "default_shutdown_timeout_s")]
    pub(crate) timeout_s: f64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines to read.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

impl Default for DataSection {
    fn default() -> Self {
        Self {
            folder: default_folder(),
            credentials: None,
        }
    }
}

impl Default for HttpSection {
    fn default() -> Self {
        Self {
            listen: default_listen(),
        }
    }
}

impl Default for LogSection {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            level: default_level(),
        }
    }
}

impl Default for ShutdownSection {
    fn default() -> Self {
        Self {
            timeout_s: default_shutdown_timeout_s(),
        }
    }
}

impl Config {
    /// Reads a file; the environment's values take the place of the file's.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the configuration {} cannot be read", path.display()))?;
        Self::parse(&text, &overrides(std::env::vars()))
            .with_context(|| format!("the configuration {} cannot be used", path.display()))
    }

    fn parse(text: &str, overrides: &[Override]) -> Result<Self> {
        if overrides.is_empty() {
            // Straight from the text, so that errors tell the line.
            return Ok(toml::from_str(text)?);
        }
        let mut table: toml::Table = toml::from_str(text)?;
        for Override {
            variable,
            section,
            key,
            value,
        } in overrides
        {
            let section = table
                .entry(section.clone())
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            let Some(section) = section.as_table_mut() else {
                bail!("{variable} names a section that stands more than once; edit the file");
            };
            section.insert(key.clone(), value.clone());
        }
        table.try_into().map_err(|error: toml::de::Error| {
            // The file's own mistakes are told with their line.
            let own = toml::from_str::<Self>(text).err();
            let variables: Vec<_> = overrides.iter().map(|o| o.variable.as_str()).collect();
            anyhow::Error::new(own.unwrap_or(error))
                .context(format!("with {} applied", variables.join(", ")))
        })
    }
}

/// A value that the environment gives.
#[derive(Debug, PartialEq)]
struct Override {
    variable: String,
    section: String,
    key: String,
    value: toml::Value,
}

fn overrides(variables: impl Iterator<Item = (String, String)>) -> Vec<Override> {
    let mut found: Vec<Override> = variables
        .filter_map(|(variable, text)| {
            let (section, key) = variable.strip_prefix("PASSLINE_")?.split_once("__")?;
            Some(Override {
                section: section.to_lowercase(),
                key: key.to_lowercase(),
                value: scalar(&text),
                variable,
            })
        })
        .collect();
    found.sort_by(|a, b| a.variable.cmp(&b.variable));
    found
}

/// A TOML value if it is one, else a text.
fn scalar(text: &str) -> toml::Value {
    toml::from_str::<toml::Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

fn default_drain_s() -> f64 {
    5.0
}

fn default_flush_age_ms() -> u64 {
    1_000
}

fn default_folder() -> PathBuf {
    "passline-data".into()
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9464))
}

fn default_level() -> String {
    "info".to_owned()
}

fn default_shutdown_timeout_s() -> f64 {
    30.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "[station]\nname = \"svalbard\"\n[mission]\nfolder = \"m\"\n";

    #[test]
    fn unknown_keys_are_errors_with_their_line() {
        let text = format!("{MINIMAL}[http]\nlisten = \"127.0.0.1:1\"\nlissen = 3\n");
        let message = Config::parse(&text, &[]).unwrap_err().to_string();
        assert!(message.contains("line 7"), "{message}");
        assert!(message.contains("lissen"), "{message}");
        let text = format!("{MINIMAL}[[link]]\nname = \"a\"\nkind = \"udp\"\nport = 3\n");
        let message = Config::parse(&text, &[]).unwrap_err().to_string();
        assert!(message.contains("line 8"), "{message}");
    }

    #[test]
    fn the_environment_takes_precedence() {
        let variables = [
            ("PASSLINE_HTTP__LISTEN", "0.0.0.0:80"),
            ("PASSLINE_INGEST__FLUSH_AGE_MS", "250"),
            ("PASSLINE_STATION__NAME", "kiruna"),
            ("PASSLINE_LOG", "debug"),
            ("PASSLINE_SHARED", "x"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let overrides = overrides(variables.into_iter());
        assert_eq!(overrides.len(), 3);
        let config = Config::parse(MINIMAL, &overrides).unwrap();
        assert_eq!(config.http.listen.to_string(), "0.0.0.0:80");
        assert_eq!(config.ingest.unwrap().flush_age_ms, 250);
        assert_eq!(config.station.unwrap().name, "kiruna");
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let variables = [("PASSLINE_HTTP__LISSEN".to_owned(), "1".to_owned())];
        let overrides = overrides(variables.into_iter());
        let error = Config::parse(MINIMAL, &overrides).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains("PASSLINE_HTTP__LISSEN"), "{message}");
        assert!(message.contains("lissen"), "{message}");
        let variables = [("PASSLINE_LINK__NAME".to_owned(), "1".to_owned())];
        let overrides = super::overrides(variables.into_iter());
        let text = format!("{MINIMAL}[[link]]\nname = \"a\"\nkind = \"udp\"\n");
        let message = Config::parse(&text, &overrides).unwrap_err().to_string();
        assert!(message.contains("PASSLINE_LINK__NAME"), "{message}");
    }
}
