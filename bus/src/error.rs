//! What can go wrong on the bus.

use std::path::PathBuf;

pub use records::error::CodecError;

use crate::topic::{Offset, Topic};

/// The log cannot be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// Another process has the data folder open for writing.
    #[error(
        "the data folder is in use: {lock} is locked by another process; wait until it ends, or use another data folder"
    )]
    Locked {
        /// The lock file.
        lock: PathBuf,
    },
    /// The folder holds something that this version cannot read.
    #[error(
        "{folder} does not hold a log that this version can read ({reason}); use another data folder, or the version that wrote it"
    )]
    Foreign {
        /// The log's folder.
        folder: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The operating system refused.
    #[error("{doing} in {folder} failed; is the disk full or read-only?")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The log's folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The store below failed.
    #[error(
        "{doing} in the log {folder} failed; what was published before is kept: start again once the cause is gone"
    )]
    Store {
        /// What was being done.
        doing: &'static str,
        /// The log's folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: fjall::Error,
    },
    /// A stored block cannot be decoded; the blocks after it can be read.
    #[error(
        "{topic} partition {partition} offset {base}: a stored block of {octets} octets is damaged; the recording can be replayed into a fresh data folder"
    )]
    Corrupt {
        /// Where.
        topic: Topic,
        /// Where.
        partition: u32,
        /// Offset of its first record.
        base: Offset,
        /// Size as stored.
        octets: usize,
        /// What is wrong with it.
        #[source]
        source: CodecError,
    },
    /// A stretch of offsets is neither stored nor released.
    #[error(
        "{topic} partition {partition}: offsets {from} to {to} are missing; replay the recordings of this time into a fresh data folder"
    )]
    Missing {
        /// Where.
        topic: Topic,
        /// Where.
        partition: u32,
        /// First missing offset.
        from: Offset,
        /// Offset after the last missing one.
        to: Offset,
    },
    /// A block that cannot be published.
    #[error("{topic}: the block cannot be published")]
    Publish {
        /// Where.
        topic: Topic,
        /// What is wrong with it.
        #[source]
        source: CodecError,
    },
    /// The contact is known with another mission version.
    #[error(
        "contact {contact} is stored as decoded with mission version {stored}, now it is {given}: use a fresh data folder (--data) for the new version"
    )]
    MissionVersion {
        /// Which contact.
        contact: String,
        /// As stored.
        stored: String,
        /// As given now.
        given: String,
    },
    /// The Kafka configuration is wrong.
    #[error("the Kafka configuration is wrong: {what}: {reason}")]
    Config {
        /// Which setting or file.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No broker answers.
    #[error(
        "{doing}: no Kafka broker of {servers} answered within {waited_ms} ms ({reason}); check the addresses, that a broker runs there, and whether it expects TLS"
    )]
    Unreachable {
        /// What was being done.
        doing: &'static str,
        /// The bootstrap servers.
        servers: String,
        /// How long it was tried.
        waited_ms: u64,
        /// The client library's last words.
        reason: String,
    },
    /// The brokers refuse the user name or password.
    #[error(
        "Kafka at {servers} refuses this user ({reason}); check the user name, the password file and the mechanism"
    )]
    Authentication {
        /// The bootstrap servers.
        servers: String,
        /// The broker's words.
        reason: String,
    },
    /// The TLS handshake fails.
    #[error(
        "TLS with Kafka at {servers} fails ({reason}); check that the certificates of broker and client are valid today and signed by the configured authority"
    )]
    Tls {
        /// The bootstrap servers.
        servers: String,
        /// The client library's words.
        reason: String,
    },
    /// The user may not do this.
    #[error(
        "{doing}: Kafka at {servers} does not allow it ({reason}); give this user the right, or use another one"
    )]
    Authorization {
        /// What was being done.
        doing: &'static str,
        /// The bootstrap servers.
        servers: String,
        /// What is not allowed.
        reason: String,
    },
    /// Kafka refuses for another reason.
    #[error("{doing}: Kafka at {servers} refuses")]
    Kafka {
        /// What was being done.
        doing: &'static str,
        /// The bootstrap servers.
        servers: String,
        /// Why.
        #[source]
        source: Box<rdkafka::error::KafkaError>,
    },
    /// Another producer has taken over the contact.
    #[error(
        "contact {contact} is published by another station process now; this one must not go on (start only one per contact)"
    )]
    Fenced {
        /// Which contact.
        contact: String,
    },
    /// The producer was told to give up while the cluster was gone.
    #[error("contact {contact}: given up with {octets} octets not yet stored; publish them again")]
    Abandoned {
        /// Which contact.
        contact: String,
        /// Octets that were not acknowledged.
        octets: u64,
    },
    /// The partition is another member's.
    #[error(
        "{topic} partition {partition} has gone to another member of the consumer group; it goes on from the last commit"
    )]
    Revoked {
        /// Where.
        topic: Topic,
        /// Where.
        partition: u32,
    },
    /// A record that is none of this bus's; the records after it can be read.
    #[error("{} partition {} offset {}: the record cannot be read: {}", .0.topic, .0.partition, .0.offset, .0.reason)]
    Unreadable(Box<crate::dead_letter::DeadLetter>),
    /// The operating system gives no thread.
    #[error("a thread for the bus cannot be started")]
    Thread(#[source] std::io::Error),
    /// The topic has no such partition.
    #[error("{topic} has no partition {partition}; it has {partitions}")]
    Partition {
        /// Which topic.
        topic: Topic,
        /// What was asked for.
        partition: u32,
        /// How many there are.
        partitions: u32,
    },
}
