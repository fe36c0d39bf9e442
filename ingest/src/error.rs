//! What can go wrong between the bus and the tables.

use std::path::PathBuf;

use bus::BusError;

/// A worker cannot go on. What the tables do not have yet stays in the bus's log.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The bus failed.
    #[error("the log cannot be read or released")]
    Bus(#[from] BusError),
    /// A file or folder of the lake cannot be written.
    #[error("{doing} {path} failed; is the disk full or the lake read-only?")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
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
    /// Rows cannot be encoded as Parquet.
    #[error("table {table}: rows cannot be encoded")]
    Parquet {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// The Delta log cannot be read or written.
    #[error("table {table}: {doing} its Delta log failed")]
    Delta {
        /// Which table.
        table: String,
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: Box<deltalake::DeltaTableError>,
    },
    /// A commit kept losing against other writers.
    #[error(
        "table {table}: {attempts} commits lost against other writers; only one process may write a data folder"
    )]
    Contended {
        /// Which table.
        table: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// A column's type is not the stored one.
    #[error(
        "table {table}: column {column} is stored as {stored}, now it is {given}: use a fresh data folder (--data), or name the parameter differently in the mission"
    )]
    ColumnType {
        /// Which table.
        table: String,
        /// Which column.
        column: String,
        /// Type in the table.
        stored: String,
        /// Type of the new rows.
        given: String,
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
