//! Topics: what decoders publish and services consume, in an embedded durable log.
//!
//! A topic has partitions, a partition has records with consecutive offsets. Records of one kind
//! travel in a [`Block`] of up to [`BLOCK_RECORDS_MAX`] with a base offset and shared
//! [`Headers`]. A [`Producer`] numbers its blocks, so that publishing a recording again adds
//! nothing; a [`Subscription`] reads blocks in offset order and commits what it has made durable
//! elsewhere, after which the embedded log forgets it.
//!
//! ```text
//! Producer --publish--> [log in the data folder] --tail cache, 24 MiB, publish blocks--> Subscription
//!                                ^                                                          |
//!                                +------------------ commit: retention ---------------------+
//! ```

mod block;
mod codec;
mod embedded;
mod error;
mod index;
mod partition;
mod producer;
mod recover;
mod segment;
mod subscription;
mod topic;

pub use block::{BLOCK_RECORDS_MAX, Block, Headers, Payload, Record};
pub use codec::{decode_block, encode_block};
pub use embedded::{Bus, BusConfig, Retention};
pub use error::{BusError, CodecError};
pub use producer::{ContactState, Producer, Published};
pub use subscription::Subscription;
pub use topic::{Offset, Topic};
