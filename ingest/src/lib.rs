//! Bus to Delta Lake tables, exactly once.
//!
//! One worker a topic and partition: a fold over its blocks in offset order.
//!
//! ```text
//! bus --consume--> rows of tables --batch--> sorted runs --write--> Parquet --commit--> Delta
//!  ^                                                                                      |
//!  +------------------------------ release what is durable ------------------------------+
//! ```
//!
//! A flush writes all tables of the topic up to one offset. Order of durability: Parquet files on
//! the disk, the bus's log on the disk, then a Delta commit a table that carries
//! `txn {appId: "passline/<topic>/<partition>", version: <last offset>}`, on the disk, then the
//! bus forgets the offsets. A process killed anywhere starts again from what the bus has not
//! forgotten and skips what a table's `txn` covers.
//!
//! Where a replay flushes depends on offsets alone and nothing in a Parquet file on the clock, so
//! two replays into fresh folders write the same files octet for octet.

mod assign;
mod batch;
mod consume;
mod count;
mod duplicates;
mod error;
mod flush;
mod name;
mod rows;
mod service;

pub use error::IngestError;
pub use name::log_name;
pub use service::{Damage, Ingest, IngestConfig, Step, Summary, TableSummary};
