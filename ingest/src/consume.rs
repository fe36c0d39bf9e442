//! Consuming: one worker folds one partition of one topic into its tables.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bus::{Bus, BusError, Offset, Record, Subscription, Topic};
use lake::{Change, FinishedFile, StoredFile, TableLog, Tables, make_durable};
use tokio::runtime::Runtime;

use crate::batch::TableBatch;
use crate::count;
use crate::error::IngestError;
use crate::rows::rows_of;
use crate::service::{Damage, GROUP, IngestConfig, Step, Summary};

/// Folds one partition of one topic.
pub(crate) struct Worker {
    bus: Bus,
    lake: Tables,
    config: IngestConfig,
    runtime: Arc<Runtime>,
    draining: Arc<AtomicBool>,
    topic: Topic,
    partition: u32,
    application: String,
    subscription: Subscription,
    logs: HashMap<String, TableLog>,
    tables: BTreeMap<String, TableBatch>,
    /// First offset of what is buffered.
    first: Offset,
    /// Octets and records buffered, as the bus counts them.
    octets: usize,
    records: u64,
    since: Option<Instant>,
    summary: Summary,
}

/// A table's files of one flush, on the disk and not yet committed.
struct Written {
    name: String,
    files: Vec<(FinishedFile, StoredFile)>,
    rows: u64,
}

impl Worker {
    pub(crate) fn open(
        bus: &Bus,
        lake: Tables,
        config: &IngestConfig,
        runtime: &Arc<Runtime>,
        draining: &Arc<AtomicBool>,
        (topic, partition): (Topic, u32),
    ) -> Result<Self, IngestError> {
        let subscription = bus.subscribe(topic, partition, GROUP)?;
        Ok(Self {
            bus: bus.clone(),
            lake,
            config: config.clone(),
            runtime: Arc::clone(runtime),
            draining: Arc::clone(draining),
            topic,
            partition,
            application: application(&config.log, topic, partition),
            first: subscription.position(),
            subscription,
            logs: HashMap::new(),
            tables: BTreeMap::new(),
            octets: 0,
            records: 0,
            since: None,
            summary: Summary::default(),
        })
    }

    /// Runs until the service drains and the topic's end is reached.
    pub(crate) fn run(mut self) -> Result<Summary, IngestError> {
        loop {
            // Read before polling: what was published before the drain is then seen.
            let draining = self.draining.load(Ordering::Acquire);
            match self.subscription.poll(POLL) {
                Ok(Some(record)) => self.take(record)?,
                Ok(None) if draining => break,
                Ok(None) => {}
                Err(error @ (BusError::Corrupt { .. } | BusError::Missing { .. })) => {
                    tracing::error!(%error, "records are lost, going on behind them");
                    count::dead_letters(self.topic, 1);
                    self.summary.damage.push(Damage::new(&error));
                }
                Err(error) => return Err(error.into()),
            }
            if self.is_full() {
                self.flush()?;
            }
            count::lag(&self.bus, self.topic, self.partition, self.first);
        }
        self.flush()?;
        Ok(self.summary)
    }

    fn take(&mut self, record: Arc<Record>) -> Result<(), IngestError> {
        let (records, octets) = (record.len() as u64, record.octets as u64);
        count::consumed(self.topic, self.partition, records, octets);
        self.octets = self.octets.saturating_add(record.octets);
        self.records += record.len() as u64;
        self.since.get_or_insert_with(Instant::now);
        let last = record.end() - 1;
        let rows = rows_of(record, &self.config.scids)?;
        let log = match self.logs.entry(rows.table.clone()) {
            std::collections::hash_map::Entry::Occupied(log) => log.into_mut(),
            std::collections::hash_map::Entry::Vacant(vacant) => {
                let opening = TableLog::open(&self.lake, &rows.table, &self.application);
                vacant.insert(self.runtime.block_on(opening)?)
            }
        };
        // Committed by a process that ended before it could release.
        if log.last_offset().is_some_and(|stored| stored >= last) {
            return Ok(());
        }
        let table = self
            .tables
            .entry(rows.table)
            .or_insert_with_key(|table| TableBatch::new(table));
        table.add(&rows.spacecraft, &rows.batch)
    }

    fn is_full(&self) -> bool {
        let aged = |age: Duration| self.since.is_some_and(|since| since.elapsed() >= age);
        self.octets >= self.config.flush_octets
            || self.records >= self.config.flush_records
            || self.config.flush_age.is_some_and(aged)
    }

    /// Writes and commits all tables up to the current offset, then releases it.
    fn flush(&mut self) -> Result<(), IngestError> {
        let end = self.subscription.position();
        if end == self.first {
            return Ok(());
        }
        let started = Instant::now();
        let mut written: Vec<Written> = Vec::new();
        for (name, table) in std::mem::take(&mut self.tables) {
            let Some(log) = self.logs.get(&name) else {
                continue;
            };
            let rows = table.rows;
            let mut files = Vec::new();
            for mut file in table.finish()? {
                let octets = std::mem::take(&mut file.encoded.octets);
                let stored = self
                    .runtime
                    .block_on(log.store(file.day, self.first, octets))?;
                self.step(Step::FileWritten);
                files.push((file, stored));
            }
            written.push(Written { name, files, rows });
        }
        let files = written.iter_mut().flat_map(|table| &mut table.files);
        self.runtime
            .block_on(make_durable(files.map(|(_, stored)| stored)))?;
        self.step(Step::FilesDurable);
        let encoded = started.elapsed();
        self.bus.sync()?;
        self.step(Step::BusSynced);
        let synced = started.elapsed();
        for Written { name, files, rows } in written {
            let Some(log) = self.logs.get_mut(&name) else {
                continue;
            };
            let change = Change {
                added: &files,
                removed: &[],
                last_offset: end - 1,
                log: &self.config.log,
            };
            self.runtime.block_on(log.commit(&change, &|_| false))?;
            let octets = files.iter().map(|(_, stored)| stored.size).sum::<u64>();
            count::committed(&name, rows, octets);
            let summary = self.summary.tables.entry(name).or_default();
            summary.rows += rows;
            summary.files += files.len() as u64;
            summary.octets += octets;
            self.step(Step::Committed);
        }
        let committed = started.elapsed();
        self.subscription.commit(end)?;
        self.step(Step::Released);
        count::flushed(self.topic, started.elapsed());
        tracing::debug!(
            topic = %self.topic, partition = self.partition, from = self.first, to = end,
            ?encoded, ?synced, ?committed, released = ?started.elapsed(), "flushed"
        );
        self.first = end;
        self.octets = 0;
        self.records = 0;
        self.since = None;
        Ok(())
    }

    fn step(&self, step: Step) {
        if let Some(hook) = &self.config.hook {
            hook(step);
        }
    }
}

/// The worker's name in the tables. Logs number their records each from 0, so that tables must
/// tell them apart.
fn application(log: &str, topic: Topic, partition: u32) -> String {
    if log.is_empty() {
        format!("passline/{topic}/{partition}")
    } else {
        format!("passline/{log}/{topic}/{partition}")
    }
}

/// How long a poll waits; `Bus::wake` ends it early.
const POLL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
