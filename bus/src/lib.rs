//! Topics: what decoders publish and services consume, in an embedded durable log or in Kafka.
//!
//! A topic has partitions, a partition has records with rising offsets. Records of one kind travel
//! in a [`Block`] of up to [`BLOCK_RECORDS_MAX`] with a base offset and shared [`Headers`]. A
//! [`Producer`] numbers its blocks, so that publishing a recording again adds nothing; a
//! [`Subscription`] reads blocks in offset order and commits what it has made durable elsewhere.
//! A [`Member`] of a consumer group gets subscriptions as partitions are given to it.
//!
//! ```text
//! embedded   Producer --publish--> [log in the data folder] --tail cache, 24 MiB--> Subscription
//! Kafka      Producer --queue, 32 MiB--> transactions --> [topics] --fetched, 16 MiB--> Subscription
//! both       [embedded] --Forwarder: same contacts, same numbers--> [Kafka]
//! ```
//!
//! Where a queue is full, publishing blocks and fetching pauses; nothing is dropped.

mod bus;
mod dead_letters;
mod embedded;
mod error;
mod forward;
mod kafka;
mod member;
mod producer;
mod subscription;

use records::{block, codec, dead_letter, topic};

pub use block::{BLOCK_RECORDS_MAX, Block, Headers, Payload, Record};
pub use bus::Bus;
pub use codec::{decode_block, encode_block};
pub use dead_letter::DeadLetter;
pub use embedded::{BusConfig, Retention};
pub use error::{BusError, CodecError};
pub use forward::{Forwarded, Forwarder};
pub use kafka::config::{KafkaConfig, Mechanism, Sasl, Tls, TopicRetention};
pub use member::{Assignment, Member};
pub use producer::{ContactState, Producer, Published};
pub use records::reader::{RawRecord, Reader};
pub use subscription::Subscription;
pub use topic::{Offset, Topic};
