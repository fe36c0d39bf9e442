//! What can go wrong between the bus and the tables.

use bus::BusError;
use lake::LakeError;

/// A worker cannot go on. What the tables do not have yet stays in the bus's log.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The bus failed.
    #[error("the log cannot be read or released")]
    Bus(#[from] BusError),
    /// A table cannot be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The log's name cannot be read or made.
    #[error("the log's name in {} cannot be read or written", .path.display())]
    Name {
        /// The file with the name.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Rows cannot be built or sorted.
    #[error("table {table}: rows cannot be built")]
    Arrow {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        source: arrow::error::ArrowError,
    },
    /// A table name that is no folder name.
    #[error("{table:?} is not a table name: use a letter, then letters, digits and underscores")]
    TableName {
        /// As given.
        table: String,
    },
    /// The log ends before what a table says that it has of it.
    #[error(
        "table {table} has records of {topic} up to offset {stored}, the log ends at {end}: the log was removed; use a fresh data folder (--data)"
    )]
    LogBehind {
        /// Which table.
        table: String,
        /// Which topic.
        topic: &'static str,
        /// Last offset that the table has.
        stored: u64,
        /// Where the log ends.
        end: u64,
    },
    /// A worker thread panicked.
    #[error("the worker of {topic} panicked; its records stay in the log")]
    Panicked {
        /// Which topic.
        topic: &'static str,
    },
    /// A worker cannot be started.
    #[error("a worker cannot be started")]
    Thread(#[source] std::io::Error),
}
