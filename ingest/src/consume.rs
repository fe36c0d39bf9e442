//! Consuming: one worker folds one partition of one topic into its tables.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use bus::{
    Bus, BusError, DeadLetter, Offset, Payload, RawRecord, Record, Subscription, Topic,
    encode_block,
};
use lake::{LakeError, TableLog, Tables};
use tokio::runtime::Runtime;

use crate::assign::Shared;
use crate::batch::TableBatch;
use crate::count;
use crate::duplicates::{Admission, Duplicates};
use crate::error::IngestError;
use crate::rows::{Rows, is_table_name, rows_of};
use crate::service::{Damage, IngestConfig, Step, Summary};

/// Folds one partition of one topic.
pub(crate) struct Worker {
    pub(crate) bus: Bus,
    pub(crate) lake: Tables,
    pub(crate) config: IngestConfig,
    pub(crate) runtime: Arc<Runtime>,
    draining: Arc<AtomicBool>,
    /// The partition is another process's already.
    lost: Arc<AtomicBool>,
    pub(crate) topic: Topic,
    pub(crate) partition: u32,
    application: String,
    pub(crate) subscription: Subscription,
    pub(crate) tables: BTreeMap<String, Table>,
    /// Records that cannot be read, at most [`LETTERS_MAX`]; then they are sent.
    letters: Vec<DeadLetter>,
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
    /// Columns that the table is known to take.
    checked: Option<SchemaRef>,
    /// Rows since the last flush, but for those that are held.
    pub(crate) batch: TableBatch,
    pub(crate) duplicates: Duplicates,
}

impl Worker {
    pub(crate) fn new(shared: Shared, subscription: Subscription, lost: Arc<AtomicBool>) -> Self {
        let (topic, partition) = (subscription.topic(), subscription.partition());
        Self {
            bus: shared.bus,
            lake: shared.lake,
            runtime: shared.runtime,
            draining: shared.draining,
            lost,
            topic,
            partition,
            application: application(&shared.config.log, topic, partition),
            config: shared.config,
            first: subscription.position(),
            subscription,
            tables: BTreeMap::new(),
            letters: Vec::new(),
            octets: 0,
            records: 0,
            since: None,
            summary: Summary::default(),
        }
    }

    /// Runs until the service drains and the partition's end is reached, or until the partition
    /// goes to another process.
    pub(crate) fn run(self) -> Result<Summary, IngestError> {
        let (topic, partition) = (self.topic, self.partition);
        let result = self.fold();
        // Whoever has the partition now tells how far it is.
        count::no_lag(topic, partition);
        result
    }

    fn fold(mut self) -> Result<Summary, IngestError> {
        let mut until = None;
        let mut lag_noted = None;
        loop {
            // Read before polling: what was published before the drain is then seen.
            let draining = self.draining.load(Ordering::Acquire);
            if draining && until.is_none() {
                until = Some(self.bus.end_offset(self.topic, self.partition)?);
            }
            match self.subscription.poll(POLL) {
                Ok(Some(record)) => self.take(record)?,
                Ok(None) if draining && self.subscription.at_end() => break,
                Ok(None) => {}
                Err(error @ (BusError::Corrupt { .. } | BusError::Missing { .. })) => {
                    tracing::error!(%error, "records are lost, going on behind them");
                    count::dead_letters(self.topic, 1);
                    self.summary.damage.push(Damage::new(&error));
                }
                Err(BusError::Unreadable(letter)) => self.set_aside(*letter)?,
                Err(BusError::Revoked { .. }) if self.lost.load(Ordering::Acquire) => {
                    return Ok(self.summary);
                }
                Err(BusError::Revoked { .. }) => break,
                Err(error) => return Err(error.into()),
            }
            if self.is_full() {
                self.flush(self.subscription.position())?;
            }
            self.note_lag(&mut lag_noted);
            if until.is_some_and(|end| self.subscription.position() >= end) {
                break;
            }
        }
        self.flush(self.subscription.position())?;
        Ok(self.summary)
    }

    /// Tells how far the tables are behind: asking the bus for its end may cost a round trip, so
    /// once in a while only.
    fn note_lag(&self, noted: &mut Option<Instant>) {
        // Behind the last record there may be offsets that no record has.
        let done = self.subscription.at_end() && self.since.is_none();
        if done {
            count::no_lag(self.topic, self.partition);
        } else if noted.is_none_or(|noted| noted.elapsed() >= LAG_INTERVAL) {
            *noted = Some(Instant::now());
            count::lag(&self.bus, self.topic, self.partition, self.first);
        }
    }

    /// Keeps a record that cannot be read for those who want to know.
    fn set_aside(&mut self, letter: DeadLetter) -> Result<(), IngestError> {
        let (partition, offset) = (letter.partition, letter.offset);
        let reason = &letter.reason;
        tracing::error!(topic = %self.topic, partition, offset, reason, "a record cannot be stored");
        count::dead_letters(self.topic, 1);
        let error = BusError::Unreadable(Box::new(letter.clone()));
        if self.summary.damage.len() < DAMAGE_MAX {
            self.summary.damage.push(Damage::new(&error));
        }
        self.letters.push(letter);
        // They are released with the next flush.
        self.records += 1;
        self.since.get_or_insert_with(Instant::now);
        if self.letters.len() >= LETTERS_MAX {
            self.send_letters()?;
        }
        Ok(())
    }

    /// Before the bus lets go of them.
    pub(crate) fn send_letters(&mut self) -> Result<(), IngestError> {
        if !self.letters.is_empty() {
            self.bus.dead_letter(&self.letters)?;
            self.letters.clear();
        }
        Ok(())
    }

    fn take(&mut self, record: Arc<Record>) -> Result<(), IngestError> {
        let (base, last) = (record.base, record.end().saturating_sub(1));
        let (records, octets) = (record.len() as u64, record.octets);
        count::consumed(self.topic, self.partition, records, octets as u64);
        if let Some(letter) = foreign(&record) {
            return self.set_aside(letter);
        }
        let rows = rows_of(Arc::clone(&record), &self.config.scids)?;
        match self.admit_to_table(&rows) {
            Err(IngestError::Lake(
                error @ (LakeError::Foreign { .. } | LakeError::ColumnType { .. }),
            )) if self.config.set_aside => {
                return self.set_aside(letter(&record, error.to_string()));
            }
            admitted => admitted?,
        }
        self.add(&rows, base, last)?;
        self.octets = self.octets.saturating_add(octets);
        self.records += records;
        self.since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Opens the rows' table if it is not, and checks that it takes their columns.
    fn admit_to_table(&mut self, rows: &Rows) -> Result<(), IngestError> {
        if !self.tables.contains_key(&rows.table) {
            let opening = TableLog::open(&self.lake, &rows.table, &self.application);
            let log = self.runtime.block_on(opening)?;
            self.check_log(&log)?;
            let table = Table {
                log,
                checked: None,
                batch: TableBatch::new(&rows.table),
                duplicates: Duplicates::new(&rows.table, &rows.batch, &self.config.log),
            };
            self.tables.insert(rows.table.clone(), table);
        }
        let schema = rows.batch.schema();
        if let Some(table) = self.tables.get_mut(&rows.table)
            && table.checked.as_ref() != Some(&schema)
        {
            table.log.check_columns(&schema)?;
            table.checked = Some(schema);
        }
        Ok(())
    }

    /// A table cannot have more of a log than there is: the log was removed and begun anew.
    fn check_log(&self, log: &TableLog) -> Result<(), IngestError> {
        let Some(stored) = log.last_offset() else {
            return Ok(());
        };
        let end = self.bus.end_offset(self.topic, self.partition)?;
        if stored < end {
            return Ok(());
        }
        Err(IngestError::LogBehind {
            table: log.name().to_owned(),
            topic: self.topic.as_str(),
            stored,
            end,
        })
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

/// A record whose table is none: some other program's.
fn foreign(record: &Record) -> Option<DeadLetter> {
    let Payload::Telemetry { table, .. } = &record.block.payload else {
        return None;
    };
    if is_table_name(table) {
        return None;
    }
    let error = IngestError::TableName {
        table: table.clone(),
    };
    Some(letter(record, error.to_string()))
}

/// A record that no table takes, for those who want to know.
fn letter(record: &Record, reason: String) -> DeadLetter {
    DeadLetter {
        topic: record.topic,
        partition: record.partition,
        offset: record.base,
        reason,
        record: RawRecord {
            key: Some(record.block.headers.spacecraft.clone().into_bytes()),
            value: encode_block(&record.block).unwrap_or_default(),
            headers: Vec::new(),
        },
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

/// Unreadable records held.
const LETTERS_MAX: usize = 64;

/// Unreadable records told at the end; all are counted.
const DAMAGE_MAX: usize = 1_000;

/// How long a poll waits; `Bus::wake` ends it early.
const POLL: Duration = Duration::from_millis(100);

/// How often the bus is asked for its end, while rows are on their way.
const LAG_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
