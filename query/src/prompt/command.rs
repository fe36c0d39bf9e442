//! The commands that start with `\`.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;

use crate::output::{Format, Output};
use crate::{Lake, QueryError};

pub(super) const HELP: &str = "\
SELECT ...;    ask; statements end with ; and may span lines
\\d             list the tables
\\d TABLE       list a table's columns: type, unit, description
\\x             one column a line, on or off
\\timing        print how long answers took, on or off
\\?             this help
\\q             quit (also Ctrl-D)
Ctrl-C clears the line or interrupts the query; Tab completes.
";

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Quit,
    Help,
    Tables,
    Columns(String),
    Timing,
    Expanded,
    Unknown(String),
}

impl Command {
    /// `None` if the text is not a command. `quit`, `exit` and `help` are, as people type them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches(';').trim_end();
        let (name, argument) = match text.split_once(char::is_whitespace) {
            Some((name, argument)) => (name, argument.trim()),
            None => (text, ""),
        };
        if !text.starts_with('\\') {
            return match (name.to_ascii_lowercase().as_str(), argument) {
                ("quit" | "exit", "") => Some(Self::Quit),
                ("help", "") => Some(Self::Help),
                _ => None,
            };
        }
        Some(match (name, argument) {
            ("\\q", _) => Self::Quit,
            ("\\?" | "\\h", _) => Self::Help,
            ("\\d" | "\\dt", "") => Self::Tables,
            ("\\d", table) => Self::Columns(table.trim_matches('"').to_owned()),
            ("\\timing", "") => Self::Timing,
            ("\\x", "") => Self::Expanded,
            _ => Self::Unknown(name.to_owned()),
        })
    }
}

/// A table's columns; the columns of units and descriptions only where there are some.
pub(super) fn print_columns(
    lake: &Lake,
    table: &str,
    out: &mut dyn Write,
) -> Result<(), QueryError> {
    let columns = lake.columns(table)?;
    let texts = |of: fn(&crate::ColumnDescription) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(columns.iter().map(of)))
    };
    let mut arrays = vec![
        ("column", texts(|column| &column.name)),
        ("type", texts(|column| &column.data_type)),
    ];
    if columns.iter().any(|column| !column.unit.is_empty()) {
        arrays.push(("unit", texts(|column| &column.unit)));
    }
    if columns.iter().any(|column| !column.description.is_empty()) {
        arrays.push(("description", texts(|column| &column.description)));
    }
    let batch = RecordBatch::try_from_iter(arrays)
        .map_err(|error| QueryError::Failed(error.to_string()))?;
    let mut sink = Output::from(Format::Table).sink(&batch.schema(), out)?;
    sink.batch(&batch)?;
    sink.finish()
}
