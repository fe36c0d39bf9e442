//! Comma-separated values (RFC 4180).

use std::fmt::Write as _;
use std::io::Write;

use arrow::array::Array;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use arrow::util::display::ArrayFormatter;

use super::{Conform, Format, Shape, Sink, spelling, unwritable};
use crate::QueryError;

/// Rows are written when this much text has gathered.
const TEXT_OCTETS: usize = 1 << 16;

pub(super) struct Csv<'a> {
    conform: Conform,
    text: String,
    out: &'a mut dyn Write,
}

impl<'a> Csv<'a> {
    pub(super) fn new(schema: &SchemaRef, out: &'a mut dyn Write) -> Result<Self, QueryError> {
        let conform = Conform::new(
            schema,
            Shape {
                views: false,
                intervals: false,
            },
        );
        let mut text = String::new();
        for (index, field) in schema.fields().iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            quote(field.name(), &mut text);
        }
        text.push('\n');
        out.write_all(text.as_bytes())?;
        text.clear();
        Ok(Self { conform, text, out })
    }
}

impl Sink for Csv<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let failed = |error| unwritable(Format::Csv, &error);
        let batch = self.conform.batch(batch).map_err(failed)?;
        let options = spelling("");
        let formatters = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        let mut value = String::new();
        for row in 0..batch.num_rows() {
            for (index, (column, formatter)) in batch.columns().iter().zip(&formatters).enumerate()
            {
                if index > 0 {
                    self.text.push(',');
                }
                if !column.is_null(row) {
                    value.clear();
                    write!(value, "{}", formatter.value(row)).map_err(|_| {
                        failed(arrow::error::ArrowError::CastError(format!("row {row}")))
                    })?;
                    quote(&value, &mut self.text);
                }
            }
            self.text.push('\n');
            if self.text.len() >= TEXT_OCTETS {
                self.out.write_all(self.text.as_bytes())?;
                self.text.clear();
            }
        }
        self.out.write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), QueryError> {
        Ok(self.out.flush()?)
    }
}

/// Quotes what needs it, and the empty string, to tell it from NULL.
fn quote(value: &str, text: &mut String) {
    if value.is_empty() || value.contains([',', '"', '\n', '\r']) {
        text.push('"');
        for (index, part) in value.split('"').enumerate() {
            if index > 0 {
                text.push_str("\"\"");
            }
            text.push_str(part);
        }
        text.push('"');
    } else {
        text.push_str(value);
    }
}
