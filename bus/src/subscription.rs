//! Subscriptions: blocks in offset order, from either backend.

use std::sync::Arc;
use std::time::Duration;

use crate::block::Record;
use crate::embedded;
use crate::error::BusError;
use crate::kafka;
use crate::topic::{Offset, Topic};

/// Reads the blocks of one partition in offset order.
pub struct Subscription(Inner);

enum Inner {
    Embedded(embedded::Subscription),
    Kafka(Box<kafka::subscription::Subscription>),
}

impl From<embedded::Subscription> for Subscription {
    fn from(subscription: embedded::Subscription) -> Self {
        Self(Inner::Embedded(subscription))
    }
}

impl From<kafka::subscription::Subscription> for Subscription {
    fn from(subscription: kafka::subscription::Subscription) -> Self {
        Self(Inner::Kafka(Box::new(subscription)))
    }
}

impl Subscription {
    /// The topic.
    pub fn topic(&self) -> Topic {
        match &self.0 {
            Inner::Embedded(inner) => inner.topic(),
            Inner::Kafka(inner) => inner.topic(),
        }
    }

    /// The partition.
    pub fn partition(&self) -> u32 {
        match &self.0 {
            Inner::Embedded(inner) => inner.partition(),
            Inner::Kafka(inner) => inner.partition(),
        }
    }

    /// Offset after what [`Subscription::poll`] has given; what to commit once that is durable.
    pub fn position(&self) -> Offset {
        match &self.0 {
            Inner::Embedded(inner) => inner.position(),
            Inner::Kafka(inner) => inner.position(),
        }
    }

    /// Whether everything that was visible at the last [`Subscription::poll`] has been given.
    pub fn at_end(&self) -> bool {
        match &self.0 {
            Inner::Embedded(inner) => inner.at_end(),
            Inner::Kafka(inner) => inner.at_end(),
        }
    }

    /// Gives the next block, waiting for it at most `timeout`.
    ///
    /// A block counts as consumed once it is given; with a single consumer the `Arc` is then the
    /// only one. The first block of an embedded log may start before the position where the
    /// subscription began, if that lies inside a block. `None` comes early when
    /// [`crate::Bus::wake`] is called.
    ///
    /// # Errors
    /// A damaged, missing or unreadable stretch ([`BusError::Corrupt`], [`BusError::Missing`],
    /// [`BusError::Unreadable`]): the next call goes on behind it. [`BusError::Revoked`]: the
    /// partition goes to another member of the group; nothing more comes.
    pub fn poll(&mut self, timeout: Duration) -> Result<Option<Arc<Record>>, BusError> {
        match &mut self.0 {
            Inner::Embedded(inner) => inner.poll(timeout),
            Inner::Kafka(inner) => inner.poll(timeout),
        }
    }

    /// Remembers that the group needs nothing below `up_to` any more. The embedded log deletes
    /// what no group needs, as [`crate::Retention`] says, and survives a power failure only after
    /// the next [`crate::Bus::sync`].
    ///
    /// # Errors
    /// The log cannot be written; the partition is another member's by now
    /// ([`BusError::Revoked`]).
    pub fn commit(&mut self, up_to: Offset) -> Result<(), BusError> {
        match &mut self.0 {
            Inner::Embedded(inner) => inner.commit(up_to),
            Inner::Kafka(inner) => inner.commit(up_to),
        }
    }
}
