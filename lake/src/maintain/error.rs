//! What can go wrong while tables are maintained.

use crate::error::LakeError;

/// A table cannot be maintained.
#[derive(Debug, thiserror::Error)]
pub enum MaintainError {
    /// The lake cannot be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// There is no such table.
    #[error("there is no table {table} in {location}; there are: {}", known(.tables))]
    NoTable {
        /// As asked for.
        table: String,
        /// Where.
        location: String,
        /// Those that there are.
        tables: Vec<String>,
    },
    /// The table has no rows of a day.
    #[error("table {table} has no rows of {day}; it has {days} days, {span}")]
    NoDay {
        /// Which table.
        table: String,
        /// As asked for.
        day: String,
        /// How many days it has.
        days: usize,
        /// The first and the last.
        span: String,
    },
    /// A file that the log names is not there.
    #[error(
        "table {table}: {path} is in the log and not in the table's folder: `passline lake verify` names all that are missing; take them from a copy, or replay their contacts into a fresh data folder"
    )]
    MissingFile {
        /// Which table.
        table: String,
        /// Which file.
        path: String,
    },
    /// A file cannot be read as Parquet.
    #[error("table {table}: {path} cannot be read as Parquet; take it from a copy")]
    Damaged {
        /// Which table.
        table: String,
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// Rows cannot be read or rearranged.
    #[error("table {table}: rows cannot be read from {path}")]
    Rows {
        /// Which table.
        table: String,
        /// From where.
        path: String,
        /// Why.
        #[source]
        source: arrow::error::ArrowError,
    },
    /// The rows of a file are not in order.
    #[error("table {table}: {path} is not sorted by spacecraft and time")]
    Unsorted {
        /// Which table.
        table: String,
        /// Which file.
        path: String,
    },
    /// Fewer or more rows were written than read; nothing is committed.
    #[error(
        "table {table}, {day}: {read} rows were read and {written} written: nothing is changed"
    )]
    RowsDiffer {
        /// Which table.
        table: String,
        /// Which day.
        day: String,
        /// Rows of the files that would have been replaced.
        read: u64,
        /// Rows of those that would have replaced them.
        written: u64,
    },
    /// Another process kept changing the same files.
    #[error(
        "table {table}, {day}: another process keeps changing the same files; is another compaction running?"
    )]
    Contended {
        /// Which table.
        table: String,
        /// Which day.
        day: String,
    },
    /// Nothing may be taken out of the table.
    #[error("table {table} is append-only (delta.appendOnly): its rows cannot be replaced")]
    AppendOnly {
        /// Which table.
        table: String,
    },
    /// A retention that endangers readers and writers.
    #[error(
        "a retention of less than {minimum} hours may delete files that queries still read and workers have yet to commit: stop them and say --force"
    )]
    Retention {
        /// The shortest without force.
        minimum: u64,
    },
    /// The mission decodes nothing to the table.
    #[error(
        "mission version {version} decodes nothing to a table {table}; it decodes to: {}",
        known(.tables)
    )]
    NotDecoded {
        /// Which table.
        table: String,
        /// Version of the mission.
        version: String,
        /// What it has.
        tables: Vec<String>,
    },
    /// A column has another type in the mission than in the table.
    #[error(
        "table {table}: column {column} is stored as {stored}, the mission has it as {given}: decode the whole table again with --replace-type, or name the parameter differently in the mission"
    )]
    TypeChanged {
        /// Which table.
        table: String,
        /// Which column.
        column: String,
        /// Type in the table.
        stored: String,
        /// Type in the mission.
        given: String,
    },
    /// Rows whose packets are not stored would be lost.
    #[error(
        "table {table} has {rows} rows of contact {contact} in this range, and packets has none of that contact: they cannot be decoded again; choose another range"
    )]
    PacketsMissing {
        /// Which table.
        table: String,
        /// Which contact.
        contact: String,
        /// How many rows.
        rows: u64,
    },
    /// A block of packets cannot be decoded.
    #[error("table {table}: a block of packets cannot be decoded")]
    Decode {
        /// Which table.
        table: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A temporary file cannot be used.
    #[error("the temporary folder {} cannot be used", std::env::temp_dir().display())]
    Scratch(#[source] std::io::Error),
    /// Threads cannot be started.
    #[error("cannot start the maintenance engine")]
    Start(#[source] std::io::Error),
}

fn known(tables: &[String]) -> String {
    if tables.is_empty() {
        return "none".to_owned();
    }
    tables.join(", ")
}
