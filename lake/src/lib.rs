//! The lake: Delta tables, where they lie, their logs and their files.
//!
//! ```text
//! sorted rows --RunWriter--> Parquet --store, make_durable--> files --TableLog--> a commit
//! ```
//!
//! A table is a folder: Parquet files partitioned by day, named by their content, and a Delta log
//! that says which of them belong to it and how far each worker has come (`txn`).

mod error;
mod files;
mod follow;
mod location;
mod log;
pub mod maintain;
mod read;
mod remote;
mod stats;
mod tables;
mod widen;
mod write;

pub use error::LakeError;
pub use files::{FileIndex, Known, TableFile};
pub use location::Location;
pub use log::{Change, Committed, TableLog};
pub use read::FileRows;
pub use stats::STATISTICS_COLUMNS;
pub use tables::Tables;
pub use write::{
    Day, Encoded, FinishedFile, ROW_GROUP_ROWS, RunWriter, StoredFile, date, make_durable,
    make_folder, partition_folder,
};

/// The partition column.
pub const DAY_COLUMN: &str = "day";

/// Tag of a file in the log: name of the topic log that its rows came from.
pub const LOG_TAG: &str = "passline.log";

const LOG_FOLDER: &str = "_delta_log";
