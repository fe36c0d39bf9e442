//! The bus: one type, two backends.

use std::path::Path;

use crate::block::Headers;
use crate::dead_letter::DeadLetter;
use crate::dead_letters;
use crate::embedded::{BusConfig, Embedded};
use crate::error::BusError;
use crate::kafka::Kafka;
use crate::kafka::config::KafkaConfig;
use crate::member::Member;
use crate::producer::{ContactState, Producer};
use crate::subscription::Subscription;
use crate::topic::{Offset, Topic};

/// The bus: topics, partitions, records. Clones share one log or one cluster.
#[derive(Clone)]
pub struct Bus(pub(crate) Backend);

#[derive(Clone)]
pub(crate) enum Backend {
    Embedded(Embedded),
    Kafka(Kafka),
}

impl Bus {
    /// Opens the embedded log in a folder, creating it if there is none.
    ///
    /// # Errors
    /// Another process has it open; the folder holds something else; the disk refuses.
    pub fn open(folder: &Path, config: BusConfig) -> Result<Self, BusError> {
        Embedded::open(folder, config).map(|log| Self(Backend::Embedded(log)))
    }

    /// Connects to a Kafka cluster. Topics are created on first use.
    ///
    /// # Errors
    /// The configuration is wrong, or no broker answers within
    /// [`KafkaConfig::connect_timeout_ms`] and lets this client in.
    pub fn connect(config: KafkaConfig) -> Result<Self, BusError> {
        Kafka::connect(config).map(|cluster| Self(Backend::Kafka(cluster)))
    }

    /// Number of partitions of a topic: one in the embedded log.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn partitions(&self, topic: Topic) -> Result<u32, BusError> {
        match &self.0 {
            Backend::Embedded(_) => Ok(1),
            Backend::Kafka(cluster) => cluster.partitions(topic),
        }
    }

    /// Opens a producer for the contact named in the headers; its blocks are numbered from 0.
    ///
    /// On Kafka this fences any other producer of the contact: its next call fails.
    ///
    /// # Errors
    /// The contact is stored with another mission version; the log cannot be read or written.
    pub fn producer(&self, headers: Headers) -> Result<Producer, BusError> {
        Producer::open(self, headers, false)
    }

    /// Opens a producer that goes on where the last one of this contact ended: for sources that
    /// are never read again, such as a live link or a control service.
    ///
    /// # Errors
    /// As [`Bus::producer`].
    pub fn continuing_producer(&self, headers: Headers) -> Result<Producer, BusError> {
        Producer::open(self, headers, true)
    }

    /// What is known of a contact.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn contact(&self, contact: &str) -> Result<Option<ContactState>, BusError> {
        match &self.0 {
            Backend::Embedded(log) => log.contact(contact),
            Backend::Kafka(cluster) => cluster.contact(contact),
        }
    }

    /// Subscribes a consumer group to a partition, from what it has committed on. The embedded log
    /// keeps what a known group has not committed; Kafka keeps what its retention says.
    ///
    /// # Errors
    /// No such partition; the log cannot be read or written.
    pub fn subscribe(
        &self,
        topic: Topic,
        partition: u32,
        group: &str,
    ) -> Result<Subscription, BusError> {
        match &self.0 {
            Backend::Embedded(log) => log.subscribe(topic, partition, group).map(Into::into),
            Backend::Kafka(cluster) => cluster.subscribe(topic, partition, group).map(Into::into),
        }
    }

    /// Reads a partition from an offset on without being a group: it holds nothing back.
    ///
    /// # Errors
    /// No such partition.
    pub fn read_from(
        &self,
        topic: Topic,
        partition: u32,
        from: Offset,
    ) -> Result<Subscription, BusError> {
        match &self.0 {
            Backend::Embedded(log) => log.read_from(topic, partition, from).map(Into::into),
            Backend::Kafka(cluster) => cluster.read_from(topic, partition, from).map(Into::into),
        }
    }

    /// Joins a consumer group: its members share the partitions of these topics. In the embedded
    /// log one member gets all of them at once and for good.
    ///
    /// # Errors
    /// The log cannot be read or written; the cluster does not answer or refuses.
    pub fn join(&self, topics: &[Topic], group: &str) -> Result<Member, BusError> {
        match &self.0 {
            Backend::Embedded(log) => Member::embedded(log, topics, group),
            Backend::Kafka(cluster) => cluster.join(topics, group).map(Member::kafka),
        }
    }

    /// First offset that is stored.
    ///
    /// # Errors
    /// No such partition.
    pub fn start_offset(&self, topic: Topic, partition: u32) -> Result<Offset, BusError> {
        match &self.0 {
            Backend::Embedded(log) => log.start_offset(topic, partition),
            Backend::Kafka(cluster) => Ok(cluster.offsets(topic, partition)?.0),
        }
    }

    /// Offset after the last record that consumers may have. In Kafka what a consumer has read may
    /// end a few offsets before it: see [`Subscription::at_end`].
    ///
    /// # Errors
    /// No such partition.
    pub fn end_offset(&self, topic: Topic, partition: u32) -> Result<Offset, BusError> {
        match &self.0 {
            Backend::Embedded(log) => log.end_offset(topic, partition),
            Backend::Kafka(cluster) => Ok(cluster.offsets(topic, partition)?.1),
        }
    }

    /// Makes everything published before the call survive a power failure. Calls that come
    /// together share one sync. In Kafka everything that consumers see is on as many brokers as the
    /// topic demands, so there is nothing to do.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn sync(&self) -> Result<(), BusError> {
        match &self.0 {
            Backend::Embedded(log) => log.sync(),
            Backend::Kafka(_) => Ok(()),
        }
    }

    /// Lets every waiting [`Subscription::poll`] and [`Member::poll`] return.
    pub fn wake(&self) {
        match &self.0 {
            Backend::Embedded(log) => log.wake(),
            Backend::Kafka(cluster) => cluster.wake(),
        }
    }

    /// Octets that the embedded log occupies on the disk; of a cluster, nothing is on this one.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn disk_octets(&self) -> Result<u64, BusError> {
        match &self.0 {
            Backend::Embedded(log) => log.disk_octets(),
            Backend::Kafka(_) => Ok(0),
        }
    }

    /// Puts records that cannot be read onto [`Topic::DeadLetters`]; on return they are stored.
    ///
    /// A consumer that ends between this and its commit puts them there again; on Kafka their key
    /// is their place, so that compaction keeps one.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn dead_letter(&self, letters: &[DeadLetter]) -> Result<(), BusError> {
        if letters.is_empty() {
            return Ok(());
        }
        match &self.0 {
            Backend::Embedded(_) => dead_letters::store(self, letters),
            Backend::Kafka(cluster) => cluster.dead_letter(letters),
        }
    }
}
