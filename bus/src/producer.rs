//! Producers: numbered blocks, so that publishing again adds nothing.

use std::sync::{Arc, Mutex};

use crate::block::{Block, Headers, Payload};
use crate::embedded::{Bus, locked};
use crate::error::BusError;
use crate::topic::{Offset, Topic};

/// What the bus knows of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactState {
    /// Version of the mission folder that it was decoded with.
    pub mission_version: String,
    /// Whether everything of it has been published.
    pub complete: bool,
}

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// It is stored, its first record has this offset.
    Stored(Offset),
    /// A block of this number is stored already; this one was dropped.
    Duplicate,
}

/// Publishes the blocks of one contact, numbered from 0 in each topic.
///
/// A source that is read again (a recording) must give the same blocks in the same order; the bus
/// drops those that it has. Different topics may be published from different threads.
pub struct Producer {
    bus: Bus,
    headers: Arc<Headers>,
    next: [Mutex<u64>; Topic::ALL.len()],
}

impl Producer {
    pub(crate) fn new(bus: Bus, headers: Headers, next: [u64; Topic::ALL.len()]) -> Self {
        Self {
            bus,
            headers: Arc::new(headers),
            next: next.map(Mutex::new),
        }
    }

    /// The headers of its blocks.
    pub fn headers(&self) -> &Arc<Headers> {
        &self.headers
    }

    /// Publishes the next block of a topic. An empty payload is nothing and takes no number.
    ///
    /// Blocks while more than [`crate::BusConfig::unconsumed_octets_max`] are published and not
    /// yet consumed. On return the block survives the end of the process, not yet a power failure
    /// (see [`Bus::sync`]).
    ///
    /// # Errors
    /// The block cannot be encoded, or the log cannot be written; it is then not stored and the
    /// same call may be repeated.
    pub fn publish(&self, topic: Topic, payload: Payload) -> Result<Option<Published>, BusError> {
        if payload.is_empty() {
            return Ok(None);
        }
        let mut next = locked(&self.next[topic.index()]);
        let block = Block {
            headers: Arc::clone(&self.headers),
            sequence: *next,
            payload,
        };
        let published = self.bus.publish(topic, block)?;
        *next += 1;
        Ok(Some(published))
    }

    /// Notes that everything of the contact has been published.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn complete(&self) -> Result<(), BusError> {
        self.bus.complete(&self.headers)
    }
}
