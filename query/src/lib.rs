//! SQL over the tables of a data folder.
//!
//! A [`Lake`] is the folder of Delta tables that `ingest` writes. Every statement loads the
//! tables that it names, as of their latest commit, and no others. Users read only: whatever
//! would write, copy or change a setting is refused before it is planned ([`QueryError::Refused`]).
//!
//! - [`run`] answers statements in one of the [`Format`]s, streaming to any `Write`.
//! - [`Lake::ask`] answers one statement with record batches, for callers that want values.
//! - [`prompt::run`] is the prompt of `passline sql`.
//!
//! Columns come in the order in which the tables declare them. The partition column `day` is an
//! ordinary column, declared last, so `SELECT *` shows it last; filters on it skip files.

mod catalog;
mod error;
#[cfg(test)]
mod fixture;
mod guard;
mod lake;
mod output;
pub mod prompt;
mod run;

pub use error::QueryError;
pub use lake::{Answer, ColumnDescription, Lake};
pub use output::{Format, Output, UnknownFormat};
pub use run::{Summary, run};
