//! Subscriptions of the embedded log.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::block::Record;
use crate::codec::decode_block;
use crate::embedded::index::Entry;
use crate::embedded::partition::Partition;
use crate::embedded::segment::{file_name, read_block};
use crate::embedded::{Embedded, locked};
use crate::error::{BusError, CodecError};
use crate::topic::{Offset, Topic};

/// Reads the blocks of one partition in offset order.
///
/// Blocks published since it was opened come from memory, older ones from the store.
pub(crate) struct Subscription {
    bus: Embedded,
    partition: Arc<Partition>,
    group: Option<String>,
    number: u64,
    position: Offset,
    woken: u64,
    segment: Option<(Offset, File)>,
}

impl Subscription {
    pub(crate) fn new(
        bus: Embedded,
        partition: Arc<Partition>,
        group: Option<String>,
        position: Offset,
    ) -> Self {
        let (number, woken) = {
            let mut state = locked(&partition.state);
            let number = state.next_consumer;
            state.next_consumer += 1;
            state.consumed.insert(number, position);
            (number, state.woken)
        };
        Self {
            bus,
            partition,
            group,
            number,
            position,
            woken,
            segment: None,
        }
    }

    /// The topic.
    pub(crate) fn topic(&self) -> Topic {
        self.partition.place.topic
    }

    /// The partition.
    pub(crate) fn partition(&self) -> u32 {
        self.partition.place.partition
    }

    /// Whether everything published has been given.
    pub(crate) fn at_end(&self) -> bool {
        locked(&self.partition.state).end <= self.position
    }

    /// Offset of the next record that [`Subscription::poll`] gives.
    pub(crate) fn position(&self) -> Offset {
        self.position
    }

    /// Gives the next block, waiting for it at most `timeout`.
    ///
    /// A block counts as consumed once it is given; with a single consumer the `Arc` is then the
    /// only one. The first block may start before the position where the subscription began, if
    /// that lies inside a block. `None` comes early when [`Embedded::wake`] is called.
    pub(crate) fn poll(&mut self, timeout: Duration) -> Result<Option<Arc<Record>>, BusError> {
        let deadline = Instant::now() + timeout;
        let mut freed = 0;
        let found = {
            let mut state = locked(&self.partition.state);
            while state.end <= self.position {
                if self.woken != state.woken {
                    self.woken = state.woken;
                    return Ok(None);
                }
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(None);
                }
                state = self
                    .partition
                    .published
                    .wait_timeout(state, left)
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .0;
            }
            let found = state.find(self.position);
            if let Some(record) = &found {
                self.position = record.end();
                state.consumed.insert(self.number, self.position);
                freed = state.trim();
            }
            found
        };
        self.bus.freed(freed);
        match found {
            Some(record) => Ok(Some(record)),
            None => {
                let record = self.read_stored();
                self.consume(self.position);
                record.map(Some)
            }
        }
    }

    /// Remembers that the group needs nothing below `up_to` any more; what no group needs is
    /// deleted, as [`crate::Retention`] says.
    ///
    /// Survives a power failure only after the next [`Embedded::sync`].
    pub(crate) fn commit(&mut self, up_to: Offset) -> Result<(), BusError> {
        match &self.group {
            Some(group) => self.bus.commit(&self.partition, group, up_to),
            None => Ok(()),
        }
    }

    fn consume(&self, up_to: Offset) {
        let freed = {
            let mut state = locked(&self.partition.state);
            state.consumed.insert(self.number, up_to);
            state.trim()
        };
        self.bus.freed(freed);
    }

    fn read_stored(&mut self) -> Result<Arc<Record>, BusError> {
        let place = self.partition.place;
        let from = self.position;
        let index = self.bus.index();
        let inside = index
            .entry_before(place, from)?
            .filter(|entry| entry.end() > from);
        let entry = match inside {
            Some(entry) => Some(entry),
            None => index.next_entry(place, from)?,
        };
        let missing_to = match &entry {
            Some(entry) => entry.base,
            None => locked(&self.partition.state).end,
        };
        let Some(entry) = entry.filter(|entry| entry.base <= from) else {
            self.position = missing_to;
            return Err(BusError::Missing {
                topic: place.topic,
                partition: place.partition,
                from,
                to: missing_to,
            });
        };
        self.position = entry.end();
        self.load(&entry).map_err(|source| BusError::Corrupt {
            topic: place.topic,
            partition: place.partition,
            base: entry.base,
            octets: entry.length as usize,
            source,
        })
    }

    fn load(&mut self, entry: &Entry) -> Result<Arc<Record>, CodecError> {
        let place = self.partition.place;
        let file = match self.segment.take() {
            Some((name, file)) if name == entry.segment => file,
            _ => File::open(
                self.bus
                    .segments_folder()
                    .join(file_name(place, entry.segment)),
            )
            .map_err(CodecError::Io)?,
        };
        let octets = read_block(&file, entry.position, entry.length).map_err(CodecError::Io)?;
        self.segment = Some((entry.segment, file));
        let block = decode_block(&octets)?;
        if block.payload.len() != entry.count as usize || block.sequence != entry.sequence {
            return Err(CodecError::Inconsistent {
                what: "number of records",
                expected: entry.count.into(),
                got: block.payload.len() as u64,
            });
        }
        Ok(Arc::new(Record {
            topic: place.topic,
            partition: place.partition,
            base: entry.base,
            end: entry.end(),
            octets: octets.len(),
            block,
        }))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let freed = {
            let mut state = locked(&self.partition.state);
            state.consumed.remove(&self.number);
            state.trim()
        };
        self.bus.freed(freed);
    }
}
