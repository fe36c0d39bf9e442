//! Merging: rows of many sorted sources come out in one order, a batch at a time.
//!
//! A source is opened when the merge reaches its first row, so that memory holds a batch of each
//! source that overlaps with others here, not of all. Rows of one key come out in the order of
//! their sources.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;

use super::error::MaintainError;
use super::order::{Key, Keys};

/// Batches of one source, in order.
pub(crate) type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch, MaintainError>> + 'a>;

/// Something sorted that has not been opened yet.
pub(crate) struct Source<'a> {
    /// None of its rows stands before this.
    pub(crate) low: Key,
    /// What errors name.
    pub(crate) name: String,
    /// Opens it.
    pub(crate) open: Box<dyn FnOnce() -> Result<Batches<'a>, MaintainError> + 'a>,
}

/// Where an open source stands.
struct Cursor<'a> {
    batches: Batches<'a>,
    name: String,
    /// Its batch in [`Merge::slots`].
    slot: usize,
    keys: Keys,
    row: usize,
    key: Key,
}

/// The rows of all sources in order. Nothing comes behind an error.
pub(crate) struct Merge<'a> {
    table: String,
    /// The next to be opened last; with its place among the sources.
    waiting: Vec<(usize, Source<'a>)>,
    cursors: Vec<Option<Cursor<'a>>>,
    heap: BinaryHeap<Reverse<(Key, usize)>>,
    /// Batches that cursors stand in or `picked` refers to.
    slots: Vec<RecordBatch>,
    /// Rows of `slots` that come next.
    picked: Vec<(usize, usize)>,
    rows_max: usize,
}

impl<'a> Merge<'a> {
    /// A merge of sources; of two with a row of the same key, the one named first comes first.
    /// Batches of about `rows_max` rows come out.
    pub(crate) fn new(table: &str, sources: Vec<Source<'a>>, rows_max: usize) -> Self {
        let mut waiting: Vec<(usize, Source<'a>)> = sources.into_iter().enumerate().collect();
        let cursors = waiting.iter().map(|_| None).collect();
        waiting.sort_by(|(place, source), (other_place, other)| {
            (&other.low, other_place).cmp(&(&source.low, place))
        });
        Self {
            table: table.to_owned(),
            waiting,
            cursors,
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            picked: Vec::new(),
            rows_max: rows_max.max(1),
        }
    }

    /// The next rows; `None` behind the last.
    fn next_rows(&mut self) -> Result<Option<RecordBatch>, MaintainError> {
        loop {
            self.open_reached()?;
            let Some(Reverse((_, place))) = self.heap.pop() else {
                return self.take_picked();
            };
            let Some(cursor) = self.cursors.get_mut(place).and_then(Option::as_mut) else {
                continue;
            };
            let mut end = cursor.keys.len();
            if let Some(Reverse((key, other))) = self.heap.peek() {
                end = end.min(cursor.keys.end_before(cursor.row, key, place < *other));
            }
            if let Some((other, source)) = self.waiting.last() {
                end = end.min(
                    cursor
                        .keys
                        .end_before(cursor.row, &source.low, place < *other),
                );
            }
            // Its first row is the least of all that are open.
            let end = end.max(cursor.row + 1);
            let (slot, from) = (cursor.slot, cursor.row);
            cursor.row = end;
            if end - from >= self.rows_max / 4 {
                let rows = self.slots[slot].slice(from, end - from);
                let before = self.take_picked()?;
                if before.is_none() {
                    self.settle(place)?;
                    return Ok(Some(rows));
                }
                // What was picked goes first; the run is looked at again.
                if let Some(cursor) = self.cursors.get_mut(place).and_then(Option::as_mut) {
                    cursor.row = from;
                }
                self.settle(place)?;
                return Ok(before);
            }
            self.picked.extend((from..end).map(|row| (slot, row)));
            self.settle(place)?;
            if self.picked.len() >= self.rows_max || self.slots.len() > SLOTS_MAX {
                return self.take_picked();
            }
        }
    }

    /// Opens the sources whose first rows may come next.
    fn open_reached(&mut self) -> Result<(), MaintainError> {
        while let Some((place, source)) = self.waiting.last() {
            let reached = match self.heap.peek() {
                None => true,
                Some(Reverse((key, other))) => (&source.low, place) < (key, other),
            };
            if !reached {
                break;
            }
            let Some((place, source)) = self.waiting.pop() else {
                break;
            };
            let low = source.low;
            self.cursors[place] = Some(Cursor {
                batches: (source.open)()?,
                name: source.name,
                slot: usize::MAX,
                keys: Keys::of(&RecordBatch::new_empty(Arc::new(
                    arrow::datatypes::Schema::empty(),
                ))),
                row: 0,
                key: low,
            });
            self.settle(place)?;
        }
        Ok(())
    }

    /// Puts a source back in line at the row where it stands; closes it behind its last.
    fn settle(&mut self, place: usize) -> Result<(), MaintainError> {
        let Some(cursor) = self.cursors.get_mut(place).and_then(Option::as_mut) else {
            return Ok(());
        };
        while cursor.row >= cursor.keys.len() {
            let Some(batch) = cursor.batches.next().transpose()? else {
                self.cursors[place] = None;
                return Ok(());
            };
            let keys = Keys::of(&batch);
            if keys.len() == 0 {
                continue;
            }
            let disorder = keys.compare(0, &cursor.key).is_lt() || keys.first_disorder().is_some();
            if disorder {
                return Err(MaintainError::Unsorted {
                    table: self.table.clone(),
                    path: cursor.name.clone(),
                });
            }
            cursor.key = keys.key(keys.len() - 1, &cursor.key);
            cursor.keys = keys;
            cursor.row = 0;
            cursor.slot = self.slots.len();
            self.slots.push(batch);
        }
        let key = cursor.keys.key(cursor.row, &cursor.key);
        self.heap.push(Reverse((key, place)));
        Ok(())
    }

    /// The rows picked so far; batches that nobody stands in any more are let go.
    fn take_picked(&mut self) -> Result<Option<RecordBatch>, MaintainError> {
        let batch = if self.picked.is_empty() {
            None
        } else {
            let slots: Vec<&RecordBatch> = self.slots.iter().collect();
            let rows = interleave_record_batch(&slots, &self.picked);
            self.picked.clear();
            Some(rows.map_err(|source| MaintainError::Rows {
                table: self.table.clone(),
                path: "its files".to_owned(),
                source,
            })?)
        };
        let mut kept = Vec::new();
        for cursor in self.cursors.iter_mut().flatten() {
            if let Some(batch) = self.slots.get(cursor.slot) {
                kept.push(batch.clone());
                cursor.slot = kept.len() - 1;
            }
        }
        self.slots = kept;
        Ok(batch)
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<RecordBatch, MaintainError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_rows();
        if next.is_err() {
            self.waiting.clear();
            self.heap.clear();
            self.picked.clear();
        }
        next.transpose()
    }
}

/// Batches held at once; then what was picked of them comes out, however little it is.
const SLOTS_MAX: usize = 4_096;

#[cfg(test)]
mod tests;
