//! Consuming: one worker folds one partition of one topic into its tables.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bus::{Bus, BusError, Offset, Record, Subscription, Topic};
use lake::{TableLog, Tables};
use tokio::runtime::Runtime;

use crate::batch::TableBatch;
use crate::count;
use crate::duplicates::{Admission, Duplicates};
use crate::error::IngestError;
use crate::rows::{Rows, rows_of};
use crate::service::{Damage, GROUP, IngestConfig, Step, Summary};

/// Folds one partition of one topic.
pub(crate) struct Worker {
    pub(crate) bus: Bus,
    lake: Tables,
    pub(crate) config: IngestConfig,
    pub(crate) runtime: Arc<Runtime>,
    draining: Arc<AtomicBool>,
    pub(crate) topic: Topic,
    pub(crate) partition: u32,
    application: String,
    pub(crate) subscription: Subscription,
    pub(crate) tables: BTreeMap<String, Table>,
    /// First offset of what is buffered.
    pub(crate) first: Offset,
    /// Octets and records buffered, as the bus counts them.
    pub(crate) octets: usize,
    pub(crate) records: u64,
    pub(crate) since: Option<Instant>,
    pub(crate) summary: Summary,
}

/// One table, as far as this worker is concerned.
pub(crate) struct Table {
    pub(crate) log: TableLog,
    /// Rows since the last flush, but for those that are held.
    pub(crate) batch: TableBatch,
    pub(crate) duplicates: Duplicates,
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
                self.flush(self.subscription.position())?;
            }
            count::lag(&self.bus, self.topic, self.partition, self.first);
        }
        self.flush(self.subscription.position())?;
        Ok(self.summary)
    }

    fn take(&mut self, record: Arc<Record>) -> Result<(), IngestError> {
        let (base, last) = (record.base, record.end().saturating_sub(1));
        let (records, octets) = (record.len() as u64, record.octets);
        count::consumed(self.topic, self.partition, records, octets as u64);
        let rows = rows_of(record, &self.config.scids)?;
        if !self.tables.contains_key(&rows.table) {
            let opening = TableLog::open(&self.lake, &rows.table, &self.application);
            let table = Table {
                log: self.runtime.block_on(opening)?,
                batch: TableBatch::new(&rows.table),
                duplicates: Duplicates::new(&rows.table, &rows.batch, &self.config.log),
            };
            self.tables.insert(rows.table.clone(), table);
        }
        self.add(&rows, base, last)?;
        self.octets = self.octets.saturating_add(octets);
        self.records += records;
        self.since.get_or_insert_with(Instant::now);
        Ok(())
    }

    fn add(&mut self, rows: &Rows, base: Offset, last: Offset) -> Result<(), IngestError> {
        let Some(table) = self.tables.get_mut(&rows.table) else {
            return Ok(());
        };
        // Committed by a process that ended before it could release.
        if table.log.last_offset().is_some_and(|stored| stored >= last) {
            return Ok(());
        }
        let source = (rows.spacecraft.as_str(), rows.contact.as_str());
        let admission = table
            .duplicates
            .admit(source, rows.batch.clone(), table.log.files());
        match admission {
            Admission::Straight(batch) => table.batch.add(&rows.spacecraft, &batch),
            Admission::Held => Ok(()),
            Admission::AfterFlush => {
                self.flush(base)?;
                self.add(rows, base, last)
            }
        }
    }

    fn is_full(&self) -> bool {
        let aged = |age: Duration| self.since.is_some_and(|since| since.elapsed() >= age);
        self.octets >= self.config.flush_octets
            || self.records >= self.config.flush_records
            || self.config.flush_age.is_some_and(aged)
    }

    pub(crate) fn step(&self, step: Step) {
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
