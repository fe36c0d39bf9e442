//! The service: a worker for each partition of each topic that has tables.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bus::{Bus, BusError, Offset, Topic};
use lake::{Location, Tables};

use crate::assign::{Shared, Supervisor};
use crate::error::IngestError;

/// When to flush, and what else the tables need to know.
#[derive(Clone)]
pub struct IngestConfig {
    /// Topics that become tables.
    pub topics: Vec<Topic>,
    /// A topic's tables are written once so many octets of it are buffered.
    pub flush_octets: usize,
    /// Or so many records.
    pub flush_records: u64,
    /// Or when the oldest is so old; `None` in a replay, where only offsets decide.
    pub flush_age: Option<Duration>,
    /// Name of the log in the tables, where several logs feed them; see [`crate::log_name`].
    pub log: String,
    /// Rows that their table cannot take (another tool's table, a column whose type changed) go to
    /// the dead letters, so that the other tables go on; else ingest stops there.
    pub set_aside: bool,
    /// Spacecraft identifiers, for the table `frames`.
    pub scids: HashMap<String, u16>,
    /// Called after each step; for tests that end the process there.
    #[doc(hidden)]
    pub hook: Option<Arc<dyn Fn(Step) + Send + Sync>>,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            topics: vec![
                Topic::TmFrames,
                Topic::TmPackets,
                Topic::TmTelemetry,
                Topic::TmEvents,
            ],
            flush_octets: 36 << 20,
            flush_records: 1_000_000,
            flush_age: None,
            log: String::new(),
            set_aside: false,
            scids: HashMap::new(),
            hook: None,
        }
    }
}

/// A step of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A Parquet file is written.
    FileWritten,
    /// The flush's Parquet files are on the disk.
    FilesDurable,
    /// The bus's log is on the disk.
    BusSynced,
    /// A table's commit is on the disk.
    Committed,
    /// The bus has forgotten the offsets.
    Released,
}

/// A stretch of the log that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Which topic.
    pub topic: Topic,
    /// First offset.
    pub from: Offset,
    /// What is wrong.
    pub what: String,
}

impl Damage {
    pub(crate) fn new(error: &BusError) -> Self {
        let (topic, from) = match error {
            BusError::Corrupt { topic, base, .. } => (*topic, *base),
            BusError::Missing { topic, from, .. } => (*topic, *from),
            BusError::Unreadable(letter) => (letter.topic, letter.offset),
            _ => (Topic::TmEvents, 0),
        };
        Self {
            topic,
            from,
            what: error.to_string(),
        }
    }
}

/// What a table got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableSummary {
    /// Rows committed.
    pub rows: u64,
    /// Parquet files.
    pub files: u64,
    /// Their octets.
    pub octets: u64,
    /// Rows of frames and packets that the table has from another contact, or had.
    pub duplicates: u64,
}

/// What the service did from start to finish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// By table.
    pub tables: BTreeMap<String, TableSummary>,
    /// Stretches of the log that could not be read.
    pub damage: Vec<Damage>,
}

impl Summary {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (name, table) in other.tables {
            let sum = self.tables.entry(name).or_default();
            sum.rows += table.rows;
            sum.files += table.files;
            sum.octets += table.octets;
            sum.duplicates += table.duplicates;
        }
        self.damage.extend(other.damage);
    }
}

/// The running service.
pub struct Ingest {
    bus: Bus,
    draining: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
    supervisor: JoinHandle<Result<Summary, IngestError>>,
}

impl Ingest {
    /// Joins the consumer group of ingest workers and starts a worker thread for each partition
    /// that it is given, of each topic; tables go to `lake/` at a location.
    ///
    /// # Errors
    /// The lake cannot be reached, the group cannot be joined, or a thread cannot be started.
    pub fn start(
        bus: &Bus,
        data: impl Into<Location>,
        config: &IngestConfig,
    ) -> Result<Self, IngestError> {
        let lake = Tables::open(&data.into())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(IngestError::Thread)?;
        // Whatever is wrong with the location is said before anything is consumed.
        runtime.block_on(lake.names())?;
        let member = bus.join(&config.topics, GROUP)?;
        let (draining, failed) = (Arc::default(), Arc::default());
        let shared = Shared {
            bus: bus.clone(),
            lake,
            config: config.clone(),
            runtime: Arc::new(runtime),
            draining: Arc::clone(&draining),
            failed: Arc::clone(&failed),
        };
        let supervisor = Supervisor::new(shared, member);
        let supervisor = std::thread::Builder::new()
            .name("ingest".to_owned())
            .spawn(move || supervisor.run())
            .map_err(IngestError::Thread)?;
        Ok(Self {
            bus: bus.clone(),
            draining,
            failed,
            supervisor,
        })
    }

    /// Whether a worker has ended with an error; [`Ingest::finish`] then says which. Publishing
    /// goes on into the log, unread.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Consumes everything published so far, commits it, releases it, and ends.
    ///
    /// # Errors
    /// The first worker's error; what the tables do not have stays in the log.
    pub fn finish(self) -> Result<Summary, IngestError> {
        self.draining.store(true, Ordering::Release);
        self.bus.wake();
        let panicked = IngestError::Panicked {
            topic: "all topics",
        };
        let summary = self.supervisor.join().unwrap_or(Err(panicked))?;
        // Deletes the released segments.
        self.bus.sync()?;
        Ok(summary)
    }
}

/// The consumer group of this service.
pub(crate) const GROUP: &str = "ingest";
