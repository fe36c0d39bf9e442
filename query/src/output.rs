//! How answers are printed. Each format is a sink that batches flow through.

mod columnar;
mod json;
mod table;
mod text;

use std::collections::HashSet;
use std::fmt;
use std::io::Write;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use thiserror::Error;

use crate::QueryError;

/// UTC, ISO 8601, microseconds.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

/// The same, where no time zone is known.
const TIME_LOCAL: &str = "%Y-%m-%dT%H:%M:%S%.6f";

/// What `--format` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Columns for people: numbers right-aligned, `NULL` spelled out.
    #[default]
    Table,
    /// RFC 4180 with a header; NULL is an empty field, the empty string is `""`.
    Csv,
    /// One array of objects an answer.
    Json,
    /// One object a line.
    Ndjson,
    /// A Parquet file, zstd, row groups of 128 Ki rows.
    Parquet,
    /// An Arrow IPC stream (not a file: a stream can be read while it is written).
    Arrow,
}

/// There is no such format.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("unknown format {0}: choose table, csv, json, ndjson, parquet or arrow")]
pub struct UnknownFormat(String);

/// How answers are to be printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The format.
    pub format: Format,
    /// For tables: the width of the terminal in columns. Wider rows are printed one column a
    /// line. Unlimited if `None`, as for files and pipes.
    pub width_columns: Option<usize>,
    /// For tables: print one column a line in any case.
    pub expanded: bool,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "table" => Ok(Self::Table),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "ndjson" => Ok(Self::Ndjson),
            "parquet" => Ok(Self::Parquet),
            "arrow" => Ok(Self::Arrow),
            other => Err(UnknownFormat(other.to_owned())),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Format {
    /// The name that `--format` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// Whether the output is octets rather than text, which a terminal should not receive.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }

    pub(crate) fn holds_one_answer(self) -> bool {
        self.is_binary()
    }
}

impl From<Format> for Output {
    fn from(format: Format) -> Self {
        Self {
            format,
            ..Self::default()
        }
    }
}

impl Output {
    /// As fits the process's standard output: tables as wide as the terminal, if it is one.
    pub fn for_stdout(format: Format) -> Self {
        let width_columns = terminal_size::terminal_size_of(std::io::stdout())
            .map(|(terminal_size::Width(columns), _)| usize::from(columns));
        Self {
            format,
            width_columns,
            expanded: false,
        }
    }

    pub(crate) fn sink<'a>(
        &self,
        schema: &SchemaRef,
        out: &'a mut dyn Write,
    ) -> Result<Box<dyn Sink + 'a>, QueryError> {
        Ok(match self.format {
            Format::Table => Box::new(table::Table::new(self, schema, out)),
            Format::Csv => Box::new(text::Csv::new(schema, out)?),
            Format::Json => Box::new(json::Json::array(schema, out)),
            Format::Ndjson => Box::new(json::Json::lines(schema, out)),
            Format::Parquet => Box::new(columnar::Parquet::new(schema, out)?),
            Format::Arrow => Box::new(columnar::Ipc::new(schema, out)?),
        })
    }
}

/// Takes an answer's batches, then its end.
pub(crate) trait Sink {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), QueryError>;
    fn finish(&mut self) -> Result<(), QueryError>;
}

/// How values are spelled in text formats.
pub(crate) fn spelling(null: &str) -> FormatOptions<'_> {
    FormatOptions::new()
        .with_null(null)
        .with_timestamp_format(Some(TIME_LOCAL))
        .with_timestamp_tz_format(Some(TIME))
        .with_datetime_format(Some(TIME_LOCAL))
        .with_display_error(false)
}

/// A buffer shared with a writer that wants to own its output: emptied after every batch, so
/// that errors of the real output keep their kind.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn drain(&self, out: &mut dyn Write) -> Result<(), QueryError> {
        let mut octets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&octets)?;
        octets.clear();
        Ok(())
    }
}

impl Write for Shared {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Brings answers into types and names that a format can hold.
struct Conform {
    schema: SchemaRef,
}

/// What a format cannot hold.
#[derive(Clone, Copy)]
struct Shape {
    /// String and binary views, which older readers of Arrow and Parquet do not know.
    views: bool,
    /// Intervals and durations.
    intervals: bool,
}

impl Conform {
    /// `schema` with names made unique (`x`, `x_2`) and types made plain.
    fn new(schema: &SchemaRef, shape: Shape) -> Self {
        let mut names = HashSet::new();
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .map(|field| {
                let mut name = field.name().clone();
                let mut number = 1_usize;
                while !names.insert(name.clone()) {
                    number += 1;
                    name = format!("{}_{number}", field.name());
                }
                Field::new(name, plain_type(field.data_type(), shape), true)
                    .with_metadata(field.metadata().clone())
            })
            .collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
        }
    }

    fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let columns = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(column, field)| conform(column, field.data_type()))
            .collect::<Result<Vec<_>, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

fn plain_type(data_type: &DataType, shape: Shape) -> DataType {
    match data_type {
        DataType::Utf8View if shape.views => DataType::Utf8,
        DataType::BinaryView if shape.views => DataType::Binary,
        DataType::Interval(_) | DataType::Duration(_) if shape.intervals => DataType::Utf8,
        // An instant is the same instant in every time zone; UTC is the one printed.
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
        other => other.clone(),
    }
}

fn conform(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    if column.data_type() == data_type {
        return Ok(Arc::clone(column));
    }
    if matches!(
        column.data_type(),
        DataType::Interval(_) | DataType::Duration(_)
    ) {
        let options = FormatOptions::new();
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
        let texts = (0..column.len())
            .map(|row| {
                (!column.is_null(row))
                    .then(|| formatter.value(row).try_to_string())
                    .transpose()
            })
            .collect::<Result<StringArray, _>>()?;
        return Ok(Arc::new(texts));
    }
    cast(column, data_type)
}

/// Whether a column's values line up at their right end.
fn is_numeric(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_numeric(values),
        other => other.is_numeric(),
    }
}

fn unwritable(format: Format, error: &ArrowError) -> QueryError {
    QueryError::Unwritable {
        format: format.name(),
        message: error.to_string(),
    }
}
