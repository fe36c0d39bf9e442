//! `passline run`: one service, until it is told to stop.

mod clock;
mod config;
mod missions;
mod resolve;
mod storing;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bus::{Bus, Forwarder, Topic};
use ingest::IngestConfig;
use lake::Location;
use service::{Check, Http, Metrics, Readiness, Shutdown};
use station::{LinkKind, LinkState, Station, StationConfig, Watch};

use self::clock::ClockWatch;
pub(crate) use self::config::LogFormat;
use self::config::{Backend, Config};
use self::missions::MissionWatch;
use self::resolve::Resolver;
use self::storing::{Storing, Trouble};
use crate::arguments::{HealthFlags, RunSubcommand};
use crate::report;

pub(crate) fn run(flags: &RunSubcommand, verbose: u8) -> Result<ExitCode> {
    let (flags, is_station) = match flags {
        RunSubcommand::Station(flags) => (flags, true),
        RunSubcommand::Ingest(flags) => (flags, false),
        RunSubcommand::Health(flags) => return health(flags),
    };
    let config = Config::load(&flags.config)?;
    let resolver = Resolver::new(&config, &flags.config);
    let plan = Plan::new(&config, &resolver, is_station).with_context(|| {
        format!(
            "the configuration {} cannot be used",
            flags.config.display()
        )
    })?;
    if flags.check {
        say!("{}: good: {plan}", flags.config.display());
        return Ok(ExitCode::SUCCESS);
    }
    let level = report::level(verbose).unwrap_or(&config.log.level);
    report::start_log(level, flags.log_format.unwrap_or(config.log.format));
    Ok(match serve(&plan, &config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    })
}

fn health(flags: &HealthFlags) -> Result<ExitCode> {
    let answer = service::probe(flags.address, "/readyz")?;
    report::print(|out| out.write_all(answer.as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}

/// Everything resolved: what runs in this process.
struct Plan {
    bus: resolve::BusPlace,
    data: Location,
    station: Option<StationConfig>,
    ingest: Option<IngestConfig>,
    shutdown_timeout: Duration,
}

impl Plan {
    fn new(config: &Config, resolver: &Resolver<'_>, is_station: bool) -> Result<Self> {
        let loaded = resolver.mission()?;
        let ingest = resolver.ingest(loaded.as_ref())?;
        let station = match (is_station, &loaded) {
            (false, _) => None,
            (true, None) => {
                bail!("there is no [mission]; add one with folder = \"the mission's folder\"")
            }
            (true, Some(loaded)) => Some(resolver.station(loaded)?),
        };
        if !is_station && ingest.is_none() {
            bail!("there is no [ingest]; add the section, it may be empty");
        }
        if ingest.is_none() && config.bus.backend == Backend::Embedded {
            bail!(
                "with the embedded bus no other process can read what the station publishes: add an [ingest] section, it may be empty"
            );
        }
        Ok(Self {
            bus: resolver.bus()?,
            data: resolver.data()?,
            station,
            ingest,
            shutdown_timeout: resolver.shutdown_timeout()?,
        })
    }
}

impl Plan {
    /// The spool, for a station whose datagrams would have to wait for the bus.
    fn spool(&self) -> Result<Option<Bus>> {
        let has_datagrams = self.station.iter().any(|station| {
            let mut links = station.links.iter();
            links.any(|link| matches!(link.kind, LinkKind::Udp { .. }))
        });
        if has_datagrams {
            self.bus.open_spool()
        } else {
            Ok(None)
        }
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(station) = &self.station {
            let links: Vec<&str> = station
                .links
                .iter()
                .map(|link| link.name.as_str())
                .collect();
            write!(
                f,
                "station {} of mission {} with links {}, ",
                station.name,
                station.mission.name,
                links.join(", ")
            )?;
        }
        if self.ingest.is_some() {
            write!(f, "ingest into {}, ", self.data)?;
        }
        write!(f, "over {}", self.bus)
    }
}

/// Starts everything, waits for the signal or a failure, and ends everything in order.
fn serve(plan: &Plan, config: &Config) -> Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let metrics = Metrics::install(env!("CARGO_PKG_VERSION"))?;
    let Some(bus) = connect(plan, &shutdown)? else {
        tracing::info!("stopped before the bus answered");
        return Ok(());
    };
    let mut storing = match &plan.ingest {
        Some(config) => {
            let config = IngestConfig {
                log: plan.bus.log_name(&plan.data)?,
                ..config.clone()
            };
            Some(Storing::start(&bus, plan.data.clone(), config)?)
        }
        None => None,
    };
    let spool = plan.spool()?;
    let mut forwarder = match &spool {
        Some(spool) => Some(Forwarder::start(spool, &bus)?),
        None => None,
    };
    let station = match &plan.station {
        Some(config) => Some(Station::start(&bus, spool.as_ref(), config)?),
        None => None,
    };
    let watch = station.as_ref().map(Station::watch);
    let trouble = storing.as_ref().map(Storing::trouble);
    let checks = checks(plan, &bus, watch.clone(), trouble, &shutdown)?;
    let http = Http::start(config.http.listen, metrics.clone(), Readiness::new(checks))?;
    tracing::info!("started: {plan}");

    let mut failure = None;
    let mut clock = ClockWatch::new();
    let mut mission = plan
        .station
        .as_ref()
        .zip(station.as_ref())
        .map(|(config, station)| MissionWatch::new(&config.mission, station.missions()));
    while !shutdown.wait(WATCH_PERIOD) {
        metrics.tidy();
        clock.look();
        if let Some(mission) = &mut mission {
            mission.look();
        }
        if let Some(storing) = &mut storing {
            storing.tend();
        }
        if let Some((link, reason)) = watch.as_ref().and_then(Watch::failed) {
            failure = Some(anyhow!("link {link} cannot go on: {reason}"));
            break;
        }
        if forwarder.as_ref().is_some_and(Forwarder::has_failed) {
            tracing::error!("the spool is not passed on any more; stopping");
            break;
        }
    }
    shutdown.request();
    tracing::info!(within = ?plan.shutdown_timeout, "stopping: taking in what has arrived");
    Shutdown::bound(plan.shutdown_timeout)?;
    if let Some(station) = station {
        let stopped = station.stop().map_err(anyhow::Error::new);
        failure = failure.or(stopped.err());
    }
    if let Some(forwarder) = forwarder.take() {
        match forwarder.finish() {
            Ok(forwarded) => tracing::info!(?forwarded, "the spool is passed on"),
            Err(error) => failure = failure.or(Some(anyhow::Error::new(error))),
        }
    }
    if let Some(storing) = storing {
        match storing.finish() {
            Ok(summary) => tracing::info!(rows = summary.rows(), "stored"),
            Err(error) => failure = Some(anyhow::Error::new(error)),
        }
    }
    drop(http);
    match failure {
        Some(error) => Err(error),
        None => {
            tracing::info!("stopped");
            Ok(())
        }
    }
}

/// Opens the bus; `None` if the service is to stop before it is there.
fn connect(plan: &Plan, shutdown: &Shutdown) -> Result<Option<Bus>> {
    let place = plan.bus.clone();
    let (answer, answered) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("connect".to_owned())
        .spawn(move || {
            let _ = answer.send(place.open());
        })?;
    loop {
        match answered.recv_timeout(Duration::from_millis(50)) {
            Ok(bus) => return bus.map(Some),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) if shutdown.is_requested() => {
                return Ok(None);
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                bail!("opening the bus ended without an answer; please report this")
            }
        }
    }
}

/// What `/readyz` asks.
fn checks(
    plan: &Plan,
    bus: &Bus,
    watch: Option<Watch>,
    trouble: Option<Trouble>,
    shutdown: &Shutdown,
) -> Result<Vec<Check>> {
    let shutdown = shutdown.clone();
    let bus = bus.clone();
    let asked = move || {
        let end = bus.end_offset(Topic::TmPackets, 0);
        end.map(|end| format!("{} ends at offset {end}", Topic::TmPackets))
            .map_err(|error| error.to_string())
    };
    let mut checks = vec![
        Check::new("process", move || {
            if shutdown.is_requested() {
                return Err("stopping".into());
            }
            Ok("running".into())
        }),
        Check::watched("bus", PATIENCE, asked)?,
    ];
    if let Some(trouble) = trouble {
        let data = plan.data.clone();
        checks.push(Check::new("lake", move || match trouble.get() {
            Some(reason) => Err(reason),
            None => writable(&data),
        }));
    }
    let names = plan.station.iter().flat_map(|station| &station.links);
    if let Some(watch) = watch {
        for (index, link) in names.enumerate() {
            let watch = watch.clone();
            checks.push(Check::new(
                format!("link {}", link.name),
                move || match watch.states().into_iter().nth(index) {
                    Some((_, state @ LinkState::Failed { .. })) => Err(state.to_string()),
                    Some((_, state)) => Ok(state.to_string()),
                    None => Err("unknown".into()),
                },
            ));
        }
    }
    Ok(checks)
}

/// Whether files can be made in the data folder: asked by making one. An object store that does
/// not take files makes ingest fail, which says why.
fn writable(data: &Location) -> Result<String, String> {
    let Some(folder) = data.as_folder() else {
        return Ok(format!("{data} takes files"));
    };
    let path = folder.join(".writable");
    std::fs::write(&path, b"")
        .and_then(|()| std::fs::remove_file(&path))
        .map(|()| format!("{data} is writable"))
        .map_err(|error| format!("{data} is not writable: {error}"))
}

/// A bus that does not answer for so long is not ready.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often failures are looked for.
const WATCH_PERIOD: Duration = Duration::from_millis(500);
