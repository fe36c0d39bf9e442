//! Batching: rows of one table become runs sorted by time, day by day.
//!
//! A part is one day of one spacecraft in one schema. Its rows are taken in chunks of exactly
//! [`ROW_GROUP_ROWS`]; a chunk that does not lie behind the one before starts a new run, so each
//! file is sorted by (spacecraft, time) and memory holds one chunk, not the flush. What is left of
//! small parts shares one file a day.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{Schema, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;

use lake::{Day, FinishedFile, ROW_GROUP_ROWS, RunWriter};

use crate::error::IngestError;

/// Octets of a chunk of large rows: it is held raw, sorted and encoded at once.
pub(crate) const CHUNK_OCTETS: usize = 16 << 20;

/// Octets of rows that are encoded at once where they need no sorting, while others arrive.
const READY_OCTETS: usize = 7 << 20;

/// The rows of one table since the last flush.
pub(crate) struct TableBatch {
    table: String,
    schemas: Vec<SchemaRef>,
    parts: BTreeMap<PartKey, Part>,
    finished: Vec<FinishedFile>,
    pub(crate) rows: u64,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct PartKey {
    day: Day,
    schema: usize,
    spacecraft: String,
}

#[derive(Default)]
struct Part {
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    pending_octets: usize,
    /// Time of the first and the last pending row; `None` without rows.
    pending_span: Option<(i64, i64)>,
    /// Pending rows are not in the order of time.
    disordered: bool,
    run: Option<RunWriter>,
    last_time: i64,
}

impl TableBatch {
    pub(crate) fn new(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            schemas: Vec::new(),
            parts: BTreeMap::new(),
            finished: Vec::new(),
            rows: 0,
        }
    }

    /// Takes rows in.
    pub(crate) fn add(&mut self, spacecraft: &str, batch: &RecordBatch) -> Result<(), IngestError> {
        let schema = self.schema_number(batch.schema_ref());
        self.rows += batch.num_rows() as u64;
        for (day, rows) in split_days(batch).map_err(|source| self.arrow_error(source))? {
            let key = PartKey {
                day,
                schema,
                spacecraft: spacecraft.to_owned(),
            };
            let part = self.parts.entry(key.clone()).or_default();
            part.pending_rows += rows.num_rows();
            part.pending_octets += octets_of(&rows);
            part.note_order(&rows);
            part.pending.push(rows);
            while let Some(chunk) = self.parts.get_mut(&key).and_then(Part::take_chunk) {
                self.write_chunk(&key, &chunk)?;
            }
        }
        Ok(())
    }

    /// Ends all runs; gives the files in the order of day, then of their first row.
    pub(crate) fn finish(mut self) -> Result<Vec<FinishedFile>, IngestError> {
        let keys: Vec<PartKey> = self.parts.keys().cloned().collect();
        let mut shared: Option<(Day, usize, RunWriter)> = None;
        for key in keys {
            let Some(part) = self.parts.get_mut(&key) else {
                continue;
            };
            let rest = part.take_pending();
            if part.run.is_some() {
                self.write_chunk(&key, &rest)?;
                let run = self.parts.get_mut(&key).and_then(|part| part.run.take());
                self.end_run(&key, run)?;
                continue;
            }
            // Its run took everything when it ended.
            if rest.is_empty() {
                continue;
            }
            if shared
                .as_ref()
                .is_some_and(|(day, schema, _)| (*day, *schema) != (key.day, key.schema))
                && let Some((day, schema, run)) = shared.take()
            {
                self.finish_file(day, schema, run)?;
            }
            let (sorted, _) = sort_chunk(&rest).map_err(|source| self.arrow_error(source))?;
            let mut run = match shared.take() {
                Some((_, _, run)) => run,
                None => {
                    let rows = sorted.iter().map(RecordBatch::num_rows).sum();
                    RunWriter::sized(&self.table, &self.schemas[key.schema], rows)?
                }
            };
            for batch in &sorted {
                run.write(batch)?;
            }
            shared = Some((key.day, key.schema, run));
        }
        if let Some((day, schema, run)) = shared {
            self.finish_file(day, schema, run)?;
        }
        self.finished.sort_by_key(|file| file.day);
        Ok(self.finished)
    }

    fn write_chunk(&mut self, key: &PartKey, chunk: &[RecordBatch]) -> Result<(), IngestError> {
        if chunk.is_empty() {
            return Ok(());
        }
        let (sorted, range) = sort_chunk(chunk).map_err(|source| self.arrow_error(source))?;
        let Some(part) = self.parts.get_mut(key) else {
            return Ok(());
        };
        let overlapping = part.run.is_some() && range.0 < part.last_time;
        let mut run = part.run.take();
        part.last_time = range.1;
        if overlapping {
            self.end_run(key, run.take())?;
        }
        let mut run = match run {
            Some(run) => run,
            None => {
                self.end_other_runs(key)?;
                RunWriter::new(&self.table, &self.schemas[key.schema])?
            }
        };
        for batch in &sorted {
            run.write(batch)?;
        }
        if let Some(part) = self.parts.get_mut(key) {
            part.run = Some(run);
        }
        Ok(())
    }

    /// A table has one open run: each column of one holds a compressor. The others end with what
    /// is pending and lies behind them, so that it needs no file of its own.
    fn end_other_runs(&mut self, key: &PartKey) -> Result<(), IngestError> {
        let open = |(other, part): (&PartKey, &Part)| {
            (other != key && part.run.is_some()).then(|| other.clone())
        };
        let others: Vec<PartKey> = self.parts.iter().filter_map(open).collect();
        for other in others {
            let Some(part) = self.parts.get_mut(&other) else {
                continue;
            };
            let behind = part.lies_behind();
            let Some(mut run) = part.run.take() else {
                continue;
            };
            if behind {
                for batch in part.take_pending() {
                    run.write(&batch)?;
                }
            }
            self.end_run(&other, Some(run))?;
        }
        Ok(())
    }

    fn end_run(&mut self, key: &PartKey, run: Option<RunWriter>) -> Result<(), IngestError> {
        match run {
            Some(run) => self.finish_file(key.day, key.schema, run),
            None => Ok(()),
        }
    }

    fn finish_file(&mut self, day: Day, schema: usize, run: RunWriter) -> Result<(), IngestError> {
        let encoded = run.finish()?;
        self.finished.push(FinishedFile {
            day,
            schema: Arc::clone(&self.schemas[schema]),
            encoded,
        });
        Ok(())
    }

    fn schema_number(&mut self, schema: &SchemaRef) -> usize {
        let known = self.schemas.iter().position(|known| same(known, schema));
        known.unwrap_or_else(|| {
            self.schemas.push(Arc::clone(schema));
            self.schemas.len() - 1
        })
    }

    fn arrow_error(&self, source: ArrowError) -> IngestError {
        IngestError::Arrow {
            table: self.table.clone(),
            source,
        }
    }
}

impl Part {
    /// Takes the order of rows that become pending into account.
    fn note_order(&mut self, rows: &RecordBatch) {
        let Some((sorted, first, last)) = order_of(rows) else {
            return;
        };
        let (begin, end) = self.pending_span.unwrap_or((first, first));
        self.disordered |= !sorted || first < end;
        self.pending_span = Some((begin, last));
    }

    /// All pending rows; none are left.
    fn take_pending(&mut self) -> Vec<RecordBatch> {
        self.pending_rows = 0;
        self.pending_octets = 0;
        self.pending_span = None;
        self.disordered = false;
        std::mem::take(&mut self.pending)
    }

    /// Whether the pending rows are in order and lie behind the run: sorting would change nothing.
    fn lies_behind(&self) -> bool {
        let first = self.pending_span.map(|(first, _)| first);
        !self.disordered && first.is_some_and(|first| self.run.is_none() || first >= self.last_time)
    }

    /// The first [`ROW_GROUP_ROWS`] rows, once there are as many; all rows, once they hold
    /// [`CHUNK_OCTETS`], or [`READY_OCTETS`] if they need no sorting.
    fn take_chunk(&mut self) -> Option<Vec<RecordBatch>> {
        if self.pending_rows < ROW_GROUP_ROWS {
            let enough = if self.lies_behind() {
                READY_OCTETS
            } else {
                CHUNK_OCTETS
            };
            if self.pending_octets < enough {
                return None;
            }
            return Some(self.take_pending());
        }
        let mut rows = 0;
        let mut chunk = Vec::new();
        let mut rest = Vec::new();
        for batch in std::mem::take(&mut self.pending) {
            let wanted = (ROW_GROUP_ROWS - rows).min(batch.num_rows());
            if wanted > 0 {
                chunk.push(batch.slice(0, wanted));
                rows += wanted;
            }
            if wanted < batch.num_rows() {
                rest.push(batch.slice(wanted, batch.num_rows() - wanted));
            }
        }
        self.pending_octets = rest.iter().map(octets_of).sum();
        self.pending_span = None;
        self.disordered = false;
        for batch in &rest {
            self.note_order(batch);
        }
        self.pending = rest;
        self.pending_rows -= rows;
        Some(chunk)
    }
}

/// Octets of the rows themselves, whatever buffers they share.
fn octets_of(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    columns
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0))
        .sum()
}

fn same(a: &SchemaRef, b: &SchemaRef) -> bool {
    Arc::ptr_eq(a, b) || Schema::eq(a, b)
}

/// The rows of each day, in the order of their appearance within it.
fn split_days(batch: &RecordBatch) -> Result<Vec<(Day, RecordBatch)>, ArrowError> {
    let times = microseconds(batch, "time");
    let received = microseconds(batch, "received");
    let day_of = |row: usize| {
        let time = times.as_ref().and_then(|times| times.at(row));
        let time = time.or_else(|| received.as_ref().and_then(|received| received.at(row)));
        time.and_then(|time| i32::try_from(time.div_euclid(DAY_MICROSECONDS)).ok())
    };
    let mut days: BTreeMap<Day, Vec<u32>> = BTreeMap::new();
    let first = day_of(0);
    if (1..batch.num_rows()).all(|row| day_of(row) == first) {
        return Ok(vec![(first, batch.clone())]);
    }
    for row in 0..batch.num_rows() {
        days.entry(day_of(row)).or_default().push(row as u32);
    }
    days.into_iter()
        .map(|(day, rows)| Ok((day, take_rows(batch, rows)?)))
        .collect()
}

/// Whether rows are in the order of time, and their first and last; unknown times count as first.
fn order_of(rows: &RecordBatch) -> Option<(bool, i64, i64)> {
    let times = microseconds(rows, "time");
    let at = |row: usize| {
        times
            .as_ref()
            .and_then(|times| times.at(row))
            .unwrap_or(i64::MIN)
    };
    let last_row = rows.num_rows().checked_sub(1)?;
    let sorted = (0..last_row).all(|row| at(row) <= at(row + 1));
    Some((sorted, at(0), at(last_row)))
}

/// Sorts a chunk by time, unknown times first, stable; gives its first and last time.
fn sort_chunk(chunk: &[RecordBatch]) -> Result<(Vec<RecordBatch>, (i64, i64)), ArrowError> {
    let mut last = i64::MIN;
    let mut first = None;
    let mut sorted = true;
    for batch in chunk {
        let times = microseconds(batch, "time");
        for row in 0..batch.num_rows() {
            let time = times
                .as_ref()
                .and_then(|times| times.at(row))
                .unwrap_or(i64::MIN);
            sorted &= time >= last;
            last = time;
            first.get_or_insert(time);
        }
    }
    if sorted {
        return Ok((chunk.to_vec(), (first.unwrap_or(i64::MIN), last)));
    }
    let Some(schema) = chunk.first().map(RecordBatch::schema) else {
        return Ok((Vec::new(), (i64::MIN, i64::MIN)));
    };
    let whole = concat_batches(&schema, chunk)?;
    let times = microseconds(&whole, "time");
    let time_of = |row: u32| {
        times
            .as_ref()
            .and_then(|times| times.at(row as usize))
            .unwrap_or(i64::MIN)
    };
    let mut rows: Vec<u32> = (0..whole.num_rows() as u32).collect();
    rows.sort_by_key(|row| time_of(*row));
    let range = (
        rows.first().map_or(i64::MIN, |row| time_of(*row)),
        rows.last().map_or(i64::MIN, |row| time_of(*row)),
    );
    Ok((vec![take_rows(&whole, rows)?], range))
}

fn take_rows(batch: &RecordBatch, rows: Vec<u32>) -> Result<RecordBatch, ArrowError> {
    let rows = UInt32Array::from(rows);
    let columns = batch
        .columns()
        .iter()
        .map(|column| take(column, &rows, None))
        .collect::<Result<Vec<ArrayRef>, _>>()?;
    RecordBatch::try_new(batch.schema(), columns)
}

/// A column of microseconds.
struct Times {
    array: ArrayRef,
}

impl Times {
    fn at(&self, row: usize) -> Option<i64> {
        let times = self.array.as_primitive::<TimestampMicrosecondType>();
        (!times.is_null(row)).then(|| times.value(row))
    }
}

fn microseconds(batch: &RecordBatch, column: &str) -> Option<Times> {
    let array = batch.column_by_name(column)?;
    array.as_primitive_opt::<TimestampMicrosecondType>()?;
    Some(Times {
        array: Arc::clone(array),
    })
}

const DAY_MICROSECONDS: i64 = 86_400_000_000;

#[cfg(test)]
mod tests;
