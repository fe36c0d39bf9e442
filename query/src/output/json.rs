//! JSON: an array an answer, or an object a line. Binary is lowercase hex, NaN and infinities
//! (which JSON has not) are null, keys with NULL are kept.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::json::WriterBuilder;
use arrow::json::writer::{JsonArray, LineDelimited, Writer};
use arrow::record_batch::RecordBatch;

use super::{Conform, Format, Shape, Shared, Sink, TIME, TIME_LOCAL, unwritable};
use crate::QueryError;

pub(super) struct Json<'a> {
    conform: Conform,
    buffer: Shared,
    writer: Either,
    out: &'a mut dyn Write,
}

enum Either {
    Array(Writer<Shared, JsonArray>),
    Lines(Writer<Shared, LineDelimited>),
}

impl<'a> Json<'a> {
    pub(super) fn array(schema: &SchemaRef, out: &'a mut dyn Write) -> Self {
        Self::new(schema, out, |buffer| Either::Array(builder().build(buffer)))
    }

    pub(super) fn lines(schema: &SchemaRef, out: &'a mut dyn Write) -> Self {
        Self::new(schema, out, |buffer| Either::Lines(builder().build(buffer)))
    }

    fn new(
        schema: &SchemaRef,
        out: &'a mut dyn Write,
        writer: impl FnOnce(Shared) -> Either,
    ) -> Self {
        let buffer = Shared::default();
        Self {
            conform: Conform::new(
                schema,
                Shape {
                    views: false,
                    intervals: true,
                },
            ),
            writer: writer(buffer.clone()),
            buffer,
            out,
        }
    }

    fn failed(&self, error: &ArrowError) -> QueryError {
        let format = match self.writer {
            Either::Array(_) => Format::Json,
            Either::Lines(_) => Format::Ndjson,
        };
        unwritable(format, error)
    }
}

fn builder() -> WriterBuilder {
    WriterBuilder::new()
        .with_explicit_nulls(true)
        .with_timestamp_tz_format(TIME.to_owned())
        .with_timestamp_format(TIME_LOCAL.to_owned())
        .with_datetime_format(TIME_LOCAL.to_owned())
}

impl Sink for Json<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let batch = self
            .conform
            .batch(batch)
            .map_err(|error| self.failed(&error))?;
        match &mut self.writer {
            Either::Array(writer) => writer.write(&batch),
            Either::Lines(writer) => writer.write(&batch),
        }
        .map_err(|error| self.failed(&error))?;
        self.buffer.drain(self.out)
    }

    fn finish(&mut self) -> Result<(), QueryError> {
        let is_array = matches!(self.writer, Either::Array(_));
        match &mut self.writer {
            Either::Array(writer) => writer.finish(),
            Either::Lines(writer) => writer.finish(),
        }
        .map_err(|error| self.failed(&error))?;
        self.buffer.drain(self.out)?;
        if is_array {
            self.out.write_all(b"\n")?;
        }
        Ok(self.out.flush()?)
    }
}
