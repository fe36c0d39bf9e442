//! The lake: Delta tables, where they lie, their logs and their files.
//!
//! ```text
//! sorted rows --RunWriter--> Parquet --store, make_durable--> files --TableLog--> a commit
//! ```
//!
//! A table is a folder: Parquet files partitioned by day, named by their content, and a Delta log
//! that says which of them belong to it and how far each worker has come (`txn`).

mod error;
mod log;
mod stats;
mod write;

pub use error::LakeError;
pub use log::TableLog;
pub use stats::STATISTICS_COLUMNS;
pub use write::{
    Day, Encoded, FinishedFile, ROW_GROUP_ROWS, RunWriter, StoredFile, date, make_durable,
    make_folder, partition_folder, store,
};
