//! Producers: numbered blocks, so that publishing again adds nothing.

use std::sync::{Arc, Mutex};

use crate::block::{Block, Headers, Payload};
use crate::bus::{Backend, Bus};
use crate::embedded::{Embedded, locked};
use crate::error::BusError;
use crate::kafka::producer::KafkaProducer;
use crate::topic::Topic;

/// What the bus knows of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactState {
    /// Version of the mission folder that it was decoded with.
    pub mission_version: String,
    /// Whether everything of it has been published.
    pub complete: bool,
}

impl ContactState {
    /// A contact keeps the mission version that it began with.
    pub(crate) fn check_version(&self, headers: &Headers) -> Result<(), BusError> {
        if self.mission_version == headers.mission_version {
            return Ok(());
        }
        Err(BusError::MissionVersion {
            contact: headers.contact.clone(),
            stored: self.mission_version.clone(),
            given: headers.mission_version.clone(),
        })
    }
}

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// It is stored, or will be: see [`Producer::publish`].
    Stored,
    /// A block of this number is stored already; this one was dropped.
    Duplicate,
}

/// Publishes the blocks of one contact, numbered from 0 in each topic.
///
/// A source that is read again (a recording) must give the same blocks in the same order; the bus
/// drops those that it has. Different topics may be published from different threads.
///
/// Dropping a Kafka producer waits a few seconds at most for what is not flushed, then gives it up.
pub struct Producer {
    /// Of the next block.
    headers: Arc<Headers>,
    /// As the contact began, which is what the bus knows it by.
    begun: Arc<Headers>,
    /// The number of each topic's next block; held while it is published.
    next: [Mutex<u64>; Topic::ALL.len()],
    inner: Inner,
}

enum Inner {
    Embedded(Embedded),
    Kafka(Box<KafkaProducer>),
}

impl Producer {
    pub(crate) fn open(bus: &Bus, headers: Headers, continuing: bool) -> Result<Self, BusError> {
        let headers = Arc::new(headers);
        let (inner, stored) = match &bus.0 {
            Backend::Embedded(log) => {
                log.register(&headers)?;
                let stored = log.next_sequences(&headers.contact)?;
                (Inner::Embedded(log.clone()), stored)
            }
            Backend::Kafka(cluster) => {
                let producer = cluster.producer(&headers)?;
                let stored = producer.stored();
                (Inner::Kafka(Box::new(producer)), stored)
            }
        };
        let first = |stored| if continuing { stored } else { 0 };
        Ok(Self {
            begun: Arc::clone(&headers),
            headers,
            next: stored.map(|stored| Mutex::new(first(stored))),
            inner,
        })
    }

    /// The headers of its blocks.
    pub fn headers(&self) -> &Arc<Headers> {
        &self.headers
    }

    /// Blocks from here on say that they were decoded with another version of the mission: for a
    /// live contact during which it changed. The contact stays known by the version it began with.
    pub fn set_mission_version(&mut self, version: &str) {
        self.headers = Arc::new(Headers {
            mission_version: version.to_owned(),
            ..(*self.headers).clone()
        });
    }

    /// Publishes the next block of a topic. An empty payload is nothing and takes no number.
    ///
    /// Embedded: blocks while more than [`crate::BusConfig::unconsumed_octets_max`] are published
    /// and not yet consumed; on return the block survives the end of the process, not yet a power
    /// failure (see [`Bus::sync`]).
    ///
    /// Kafka: blocks while more than [`crate::KafkaConfig::in_flight_octets_max`] are published and
    /// not yet acknowledged, for as long as the cluster is gone; the block is visible and survives
    /// anything after the next [`Producer::flush`], or on its own within
    /// [`crate::KafkaConfig::transaction_age_ms_max`] and a round trip.
    ///
    /// # Errors
    /// The block cannot be encoded or does not belong in the topic; the log cannot be written:
    /// it is then not stored and the same call may be repeated. Another producer has taken over
    /// the contact ([`BusError::Fenced`]): this one is of no use any more.
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
        let published = self.publish_block(topic, block)?;
        *next += 1;
        Ok(Some(published))
    }

    /// Publishes a block that has its number already.
    pub(crate) fn publish_block(&self, topic: Topic, block: Block) -> Result<Published, BusError> {
        match &self.inner {
            Inner::Embedded(log) => log.publish(topic, block),
            Inner::Kafka(producer) => producer.publish(topic, block),
        }
    }

    /// Waits until everything published so far is visible to consumers and as durable as the
    /// backend makes it without [`Bus::sync`].
    ///
    /// # Errors
    /// As [`Producer::publish`].
    pub fn flush(&self) -> Result<(), BusError> {
        match &self.inner {
            Inner::Embedded(_) => Ok(()),
            Inner::Kafka(producer) => producer.flush(),
        }
    }

    /// Notes that everything of the contact has been published; flushes.
    ///
    /// # Errors
    /// As [`Producer::publish`].
    pub fn complete(&self) -> Result<(), BusError> {
        match &self.inner {
            Inner::Embedded(log) => log.complete(&self.begun),
            Inner::Kafka(producer) => producer.complete(),
        }
    }

    /// Lets calls that wait for the cluster fail with [`BusError::Abandoned`], these and all later
    /// ones: for a service that must stop while the cluster is gone.
    pub fn abandon(&self) {
        match &self.inner {
            Inner::Embedded(_) => {}
            Inner::Kafka(producer) => producer.abandon(),
        }
    }
}
