//! One partition: its writer, its consumers, and the tail of blocks handed over in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex};

use crate::block::Record;
use crate::embedded::index::Place;
use crate::embedded::segment::Segments;
use crate::topic::Offset;

/// A partition of the embedded log.
pub(crate) struct Partition {
    pub(crate) place: Place,
    /// Held while a block is appended or released; before `state` where both are.
    pub(crate) writer: Mutex<Writer>,
    /// What consumers see.
    pub(crate) state: Mutex<State>,
    /// A block was published.
    pub(crate) published: Condvar,
}

/// What appending needs.
pub(crate) struct Writer {
    pub(crate) segments: Segments,
    /// Offset of the next record.
    pub(crate) end: Offset,
    /// First offset that is stored.
    pub(crate) start: Offset,
    /// What each consumer group has committed.
    pub(crate) groups: BTreeMap<String, Offset>,
}

/// What consuming needs.
#[derive(Default)]
pub(crate) struct State {
    /// Offset after the last record that consumers may have.
    pub(crate) end: Offset,
    /// Blocks which not every consumer has had, in order, up to `end`.
    pub(crate) tail: VecDeque<Arc<Record>>,
    /// What each live consumer is done with, by its number.
    pub(crate) consumed: BTreeMap<u64, Offset>,
    pub(crate) next_consumer: u64,
    /// Counts calls of `Bus::wake`.
    pub(crate) woken: u64,
}

impl State {
    /// The tail's block that holds an offset.
    pub(crate) fn find(&self, offset: Offset) -> Option<Arc<Record>> {
        let after = self.tail.partition_point(|record| record.end() <= offset);
        let record = self.tail.get(after)?;
        (record.base <= offset).then(|| Arc::clone(record))
    }

    /// Drops what every consumer is done with; gives the octets freed.
    pub(crate) fn trim(&mut self) -> usize {
        let done = self.consumed.values().copied().min().unwrap_or(Offset::MAX);
        let mut freed = 0;
        while let Some(record) = self.tail.front() {
            if record.end() > done {
                break;
            }
            freed += record.octets;
            self.tail.pop_front();
        }
        freed
    }
}

/// Octets published and not yet consumed, over all partitions. When full, publishing blocks.
pub(crate) struct Budget {
    used: Mutex<usize>,
    freed: Condvar,
    max: usize,
}

impl Budget {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            used: Mutex::new(0),
            freed: Condvar::new(),
            max,
        }
    }

    /// Waits until these octets fit; a block larger than the bound waits for an empty tail.
    pub(crate) fn wait_for(&self, octets: usize) {
        let used = crate::embedded::locked(&self.used);
        drop(
            self.freed
                .wait_while(used, |used| {
                    *used > 0 && used.saturating_add(octets) > self.max
                })
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
    }

    pub(crate) fn add(&self, octets: usize) {
        let mut used = crate::embedded::locked(&self.used);
        *used = used.saturating_add(octets);
    }

    pub(crate) fn free(&self, octets: usize) {
        if octets > 0 {
            let mut used = crate::embedded::locked(&self.used);
            *used = used.saturating_sub(octets);
            self.freed.notify_all();
        }
    }
}
