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
    /// A folder of the lake cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// Which folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// `--data` names no place for tables.
    #[error("{location} is no place for tables: {what}")]
    Location {
        /// As given, without keys.
        location: String,
        /// What is wrong with it.
        what: String,
    },
    /// The credentials file cannot be used.
    #[error("the credentials file {} cannot be used: {what}", .path.display())]
    Credentials {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, without its content.
        what: String,
    },
    /// An object store wants a key and none is set.
    #[error(
        "{location}: no key is set: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or GOOGLE_..., AZURE_...), or name a file with them by --credentials or PASSLINE_CREDENTIALS"
    )]
    NoKey {
        /// Which location.
        location: String,
    },
    /// An object store does not know the key, or its secret is wrong.
    #[error(
        "{location}: the key was refused: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the credentials file"
    )]
    WrongKey {
        /// Which location.
        location: String,
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A key may not do this.
    #[error("{location}: {doing} is not allowed with this key: grant it read and write there")]
    Denied {
        /// Which location.
        location: String,
        /// What was being done.
        doing: &'static str,
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bucket does not exist.
    #[error("{location}: there is no bucket {bucket}: create it, or correct --data")]
    NoBucket {
        /// Which location.
        location: String,
        /// Which bucket.
        bucket: String,
    },
    /// Nobody answers.
    #[error(
        "{location}: the object store does not answer: check the network and AWS_ENDPOINT_URL (for http:// also AWS_ALLOW_HTTP=true)"
    )]
    Unreachable {
        /// Which location.
        location: String,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An object store failed in another way.
    #[error("{location}: {doing} failed")]
    Store {
        /// Which location.
        location: String,
        /// What was being done.
        doing: &'static str,
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
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
    /// A file that the log names is not there.
    #[error("table {table}: {path} is gone; was it vacuumed, or deleted by hand?")]
    Gone {
        /// Which table.
        table: String,
        /// Which file.
        path: String,
    },
    /// A file of a table cannot be read.
    #[error("table {table}: {path} is no Parquet file that can be read")]
    File {
        /// Which table.
        table: String,
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// An entry of the Delta log is damaged.
    #[error("table {table}: version {version} of its Delta log cannot be read")]
    Entry {
        /// Which table.
        table: String,
        /// Which version.
        version: u64,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Another tool changed the table.
    #[error(
        "table {table} is or was made another tool's and cannot be written: {what}; use a fresh data folder (--data), or undo that change"
    )]
    Foreign {
        /// Which table.
        table: String,
        /// What about it.
        what: String,
    },
    /// Someone else committed under this worker's name.
    #[error(
        "table {table}: another worker has taken over {application} (offset {found:?} is committed, {known:?} was known): this one stops, what it had not committed is the other's"
    )]
    Fenced {
        /// Which table.
        table: String,
        /// The worker's name in the table.
        application: String,
        /// Last offset that this worker knew.
        known: Option<u64>,
        /// Last offset that the table has.
        found: Option<u64>,
    },
    /// A commit kept losing against other writers.
    #[error(
        "table {table}: {attempts} commits lost against other writers: let fewer workers write it, or flush less often"
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
