//! What can go wrong between rows and a table.

use std::path::PathBuf;

/// A table cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
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
    /// A schema that Delta tables cannot have.
    #[error("table {table}: its columns cannot be stored")]
    Schema {
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
}
