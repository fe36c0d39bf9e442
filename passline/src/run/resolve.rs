//! From the configuration as written to what services take: defaults filled in, bounds checked,
//! the mission read.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bus::{Bus, BusConfig, KafkaConfig};
use ingest::IngestConfig;
use lake::Location;
use schemas::layout::CompiledMission;
use schemas::mission::{Level, Mission};
use station::{LinkConfig, LinkKind, StationConfig};

use super::config::{Backend, Config, IngestSection, Kind, LevelName, LinkSection};
use crate::mission;

/// Paths in a configuration file are relative to its folder.
pub(crate) struct Resolver<'a> {
    config: &'a Config,
    folder: PathBuf,
}

/// The mission and its database, compiled.
pub(crate) struct LoadedMission {
    pub(crate) mission: Arc<Mission>,
    pub(crate) layouts: Option<Arc<CompiledMission>>,
}

/// Where the bus is.
#[derive(Clone, Debug)]
pub(crate) enum BusPlace {
    /// The log in this folder, within bounds.
    Embedded(PathBuf, BusConfig),
    /// A cluster, and the folder of the spool for links that cannot wait for it.
    Kafka {
        config: Box<KafkaConfig>,
        spool: PathBuf,
        bounds: BusConfig,
    },
}

impl BusPlace {
    /// The log's name in tables: a log on this machine that does not lie beside its tables is one
    /// of several.
    pub(crate) fn log_name(&self, data: &Location) -> Result<String> {
        match self {
            Self::Embedded(folder, _)
                if data.as_folder().map(|d| d.join("bus")).as_ref() != Some(folder) =>
            {
                Ok(ingest::log_name(folder)?)
            }
            Self::Embedded(..) | Self::Kafka { .. } => Ok(String::new()),
        }
    }

    pub(crate) fn open(&self) -> Result<Bus> {
        match self {
            Self::Embedded(folder, bounds) => Ok(Bus::open(folder, bounds.clone())?),
            Self::Kafka { config, .. } => Ok(Bus::connect((**config).clone())?),
        }
    }

    /// The spool; none where the bus itself is on this machine.
    pub(crate) fn open_spool(&self) -> Result<Option<Bus>> {
        match self {
            Self::Embedded(..) => Ok(None),
            Self::Kafka { spool, bounds, .. } => Ok(Some(Bus::open(spool, bounds.clone())?)),
        }
    }
}

impl std::fmt::Display for BusPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Embedded(folder, _) => write!(f, "the embedded log in {}", folder.display()),
            Self::Kafka { config, .. } => {
                write!(f, "Kafka at {}", config.bootstrap_servers.join(", "))
            }
        }
    }
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(config: &'a Config, file: &Path) -> Self {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        Self { config, folder }
    }

    /// Where the tables lie.
    pub(crate) fn data(&self) -> Result<Location> {
        let section = &self.config.data;
        let named = std::env::var_os("PASSLINE_CREDENTIALS").map(PathBuf::from);
        let given = section.credentials.as_ref();
        let credentials = given.map(|file| self.folder.join(file)).or(named);
        let location = Location::parse(&section.folder, credentials.as_deref())?;
        Ok(match location.as_folder() {
            Some(folder) => Location::folder(&self.folder.join(folder)),
            None => location,
        })
    }

    /// The folder of the embedded log or spool, which is always on this machine.
    fn log_folder(&self, name: &str) -> Result<PathBuf> {
        if let Some(folder) = &self.config.bus.folder {
            return Ok(self.folder.join(folder));
        }
        let data = self.data()?;
        match data.as_folder() {
            Some(folder) => Ok(folder.join(name)),
            None => bail!(
                "[data] folder = \"{data}\" is not on this machine: add folder = \"FOLDER\" to [bus] for the log"
            ),
        }
    }

    pub(crate) fn bus(&self) -> Result<BusPlace> {
        let section = &self.config.bus;
        let waiting = section.waiting_octets_max.unwrap_or(WAITING_OCTETS_MAX);
        let bounds = BusConfig {
            unconsumed_octets_max: within(
                "[bus]",
                "waiting_octets_max",
                waiting,
                1 << 20..=1 << 40,
            )?,
            ..BusConfig::default()
        };
        match (section.backend, &section.kafka) {
            (Backend::Embedded, None) => Ok(BusPlace::Embedded(self.log_folder("bus")?, bounds)),
            (Backend::Embedded, Some(_)) => {
                bail!(
                    "there is a [bus.kafka], and the backend is embedded; write backend = \"kafka\" in [bus], or remove it"
                )
            }
            (Backend::Kafka, None) => {
                bail!("there is no [bus.kafka]; add one with bootstrap_servers = [\"host:port\"]")
            }
            (Backend::Kafka, Some(config)) => {
                let mut config = config.clone();
                let paths = config.tls.iter_mut().flat_map(|tls| {
                    [
                        &mut tls.authority,
                        &mut tls.certificate,
                        &mut tls.key,
                        &mut tls.key_password_file,
                    ]
                });
                for path in paths.flatten() {
                    *path = self.folder.join(&*path);
                }
                if let Some(sasl) = &mut config.sasl {
                    sasl.password_file = self.folder.join(&sasl.password_file);
                }
                config.check()?;
                if config.bootstrap_servers.is_empty() {
                    bail!("[bus.kafka]: bootstrap_servers is empty; name at least one host:port");
                }
                Ok(BusPlace::Kafka {
                    config: Box::new(config),
                    bounds,
                    spool: if self.config.station.is_some() {
                        self.log_folder("spool")?
                    } else {
                        PathBuf::new()
                    },
                })
            }
        }
    }

    pub(crate) fn shutdown_timeout(&self) -> Result<Duration> {
        seconds(
            "[shutdown]",
            "timeout_s",
            self.config.shutdown.timeout_s,
            0.1..=3_600.0,
        )
    }

    /// The mission, which a station needs and ingest may have.
    pub(crate) fn mission(&self) -> Result<Option<LoadedMission>> {
        let Some(section) = &self.config.mission else {
            return Ok(None);
        };
        let mission = mission::load(&self.folder.join(&section.folder))?;
        Ok(Some(LoadedMission {
            layouts: mission::layouts(&mission)?,
            mission: Arc::new(mission),
        }))
    }

    pub(crate) fn station(&self, loaded: &LoadedMission) -> Result<StationConfig> {
        let Some(section) = &self.config.station else {
            bail!("there is no [station]; add one with the station's name");
        };
        check_name("[station]", &section.name)?;
        if self.config.link.is_empty() {
            bail!(
                "there is no [[link]]; add one with name, kind (tcp-listen, tcp-connect, udp or file) and address"
            );
        }
        let mut names = BTreeSet::new();
        let mut links = Vec::new();
        for link in &self.config.link {
            check_name("[[link]]", &link.name)?;
            if !names.insert(&link.name) {
                bail!("two links are named {}; give each its own name", link.name);
            }
            links.push(self.link(link, &loaded.mission)?);
        }
        Ok(StationConfig {
            name: section.name.clone(),
            mission: Arc::clone(&loaded.mission),
            layouts: loaded.layouts.clone(),
            links,
            drain: seconds("[station]", "drain_s", section.drain_s, 0.0..=600.0)?,
        })
    }

    /// How tables are written; `None` where the file has no `[ingest]`.
    pub(crate) fn ingest(&self, loaded: Option<&LoadedMission>) -> Result<Option<IngestConfig>> {
        let Some(section) = &self.config.ingest else {
            return Ok(None);
        };
        let defaults = IngestConfig::default();
        let IngestSection {
            flush_age_ms,
            flush_octets,
            flush_records,
        } = section;
        let place = "[ingest]";
        let flush_age_ms = within(place, "flush_age_ms", *flush_age_ms, 10..=3_600_000)?;
        let spacecraft = loaded.map(|loaded| loaded.mission.spacecraft.iter());
        Ok(Some(IngestConfig {
            flush_age: Some(Duration::from_millis(flush_age_ms)),
            set_aside: true,
            flush_octets: match flush_octets {
                Some(octets) => within(place, "flush_octets", *octets, 1 << 10..=1 << 30)?,
                None => defaults.flush_octets,
            },
            flush_records: match flush_records {
                Some(records) => within(place, "flush_records", *records, 1..=100_000_000)?,
                None => defaults.flush_records,
            },
            scids: spacecraft
                .into_iter()
                .flatten()
                .filter_map(|spacecraft| Some((spacecraft.name.to_string(), spacecraft.scid?)))
                .collect(),
            ..defaults
        }))
    }

    fn link(&self, link: &LinkSection, mission: &Mission) -> Result<LinkConfig> {
        let place = format!("link {}", link.name);
        let duration = |key, given: Option<f64>, default, range| match given {
            Some(value) => seconds(&place, key, value, range),
            None => Ok(Duration::from_secs_f64(default)),
        };
        let milliseconds = |key, given: Option<u64>, default, range| {
            within(&place, key, given.unwrap_or(default), range).map(Duration::from_millis)
        };
        self.check_keys(link, &place)?;
        let address = || match &link.address {
            Some(address) => check_address(&place, address, link.kind),
            None => bail!("{place} has no address; add address = \"host:port\""),
        };
        let kind = match link.kind {
            Kind::TcpListen => LinkKind::TcpListen {
                address: address()?,
            },
            Kind::TcpConnect => {
                let range = 10..=3_600_000;
                let min = ("reconnect_min_ms", link.reconnect_min_ms, 500);
                let max = ("reconnect_max_ms", link.reconnect_max_ms, 30_000);
                let backoff_min = milliseconds(min.0, min.1, min.2, range.clone())?;
                let backoff_max = milliseconds(max.0, max.1, max.2, range)?;
                if backoff_max < backoff_min {
                    bail!("{place}: {} is less than {}", max.0, min.0);
                }
                LinkKind::TcpConnect {
                    address: address()?,
                    backoff_min,
                    backoff_max,
                }
            }
            Kind::Udp => LinkKind::Udp {
                address: address()?,
                receive_buffer_octets: within(
                    &place,
                    "receive_buffer_octets",
                    link.receive_buffer_octets.unwrap_or(8 << 20),
                    4 << 10..=1 << 30,
                )?,
                queue_octets_max: within(
                    &place,
                    "queue_octets",
                    link.queue_octets.unwrap_or(32 << 20),
                    128 << 10..=4 << 30,
                )?,
            },
            Kind::File => match &link.file {
                Some(file) => LinkKind::File {
                    path: self.folder.join(file),
                },
                None => bail!("{place} has no file; add file = \"PATH\""),
            },
        };
        Ok(LinkConfig {
            name: link.name.clone(),
            kind,
            level: match link.level {
                Some(LevelName::Cadu) => Level::Cadu,
                Some(LevelName::Frames) => Level::Frames,
                Some(LevelName::Packets) => Level::Packets,
                None => mission.downlink.input,
            },
            idle_timeout: duration(
                "idle_timeout_s",
                link.idle_timeout_s,
                60.0,
                0.1..=31_536_000.0,
            )?,
            block_age: milliseconds("block_age_ms", link.block_age_ms, 200, 1..=60_000)?,
        })
    }

    /// Keys that another kind of link has mean a mistake.
    fn check_keys(&self, link: &LinkSection, place: &str) -> Result<()> {
        let (tcp, udp, file) = (
            link.kind == Kind::TcpConnect,
            link.kind == Kind::Udp,
            link.kind == Kind::File,
        );
        for (key, given, fits) in [
            ("address", link.address.is_some(), !file),
            ("file", link.file.is_some(), file),
            ("reconnect_min_ms", link.reconnect_min_ms.is_some(), tcp),
            ("reconnect_max_ms", link.reconnect_max_ms.is_some(), tcp),
            (
                "receive_buffer_octets",
                link.receive_buffer_octets.is_some(),
                udp,
            ),
            ("queue_octets", link.queue_octets.is_some(), udp),
            ("idle_timeout_s", link.idle_timeout_s.is_some(), !file),
            ("block_age_ms", link.block_age_ms.is_some(), !file),
        ] {
            if given && !fits {
                bail!("{place}: {key} does not belong to a link of this kind; remove it");
            }
        }
        Ok(())
    }
}

/// Names go into contact identities, metrics and events.
fn check_name(place: &str, name: &str) -> Result<()> {
    let good = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > NAME_OCTETS_MAX || !name.bytes().all(good) {
        bail!(
            "{place} name {name:?}: use 1 to {NAME_OCTETS_MAX} letters, digits, hyphens, underscores and dots"
        );
    }
    Ok(())
}

/// `host:port`; what is listened on must be an address of this machine, so no name is looked up.
fn check_address(place: &str, address: &str, kind: Kind) -> Result<String> {
    if kind == Kind::TcpConnect {
        let port = address.rsplit_once(':').map(|(host, port)| {
            (!host.is_empty()).then(|| port.parse::<u16>().ok().filter(|port| *port > 0))
        });
        if !matches!(port, Some(Some(Some(_)))) {
            bail!("{place}: address {address:?} is not host:port with a port from 1 to 65535");
        }
    } else {
        address.parse::<std::net::SocketAddr>().with_context(|| {
            format!(
                "{place}: address {address:?} is not IP:port, as in 0.0.0.0:10001 or [::]:10001"
            )
        })?;
    }
    Ok(address.to_owned())
}

fn within<T: PartialOrd + std::fmt::Display>(
    place: &str,
    key: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<T> {
    if !range.contains(&value) {
        bail!(
            "{place}: {key} = {value} is outside {} to {}",
            range.start(),
            range.end()
        );
    }
    Ok(value)
}

fn seconds(place: &str, key: &str, value: f64, range: RangeInclusive<f64>) -> Result<Duration> {
    within(place, key, value, range).map(Duration::from_secs_f64)
}

/// On disk; a pass goes on while tables are written.
const WAITING_OCTETS_MAX: usize = 256 << 20;
const NAME_OCTETS_MAX: usize = 64;
