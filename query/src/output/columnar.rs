//! Parquet files and Arrow IPC streams.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::{Conform, Format, Shape, Shared, Sink, unwritable};
use crate::QueryError;

/// Rows of a row group; the group being written is held in memory.
const ROW_GROUP_ROWS: usize = 128 << 10;

pub(super) struct Parquet<'a> {
    conform: Conform,
    buffer: Shared,
    writer: ArrowWriter<Shared>,
    out: &'a mut dyn Write,
}

impl<'a> Parquet<'a> {
    pub(super) fn new(schema: &SchemaRef, out: &'a mut dyn Write) -> Result<Self, QueryError> {
        let conform = Conform::new(
            schema,
            Shape {
                views: true,
                intervals: true,
            },
        );
        let buffer = Shared::default();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(Default::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let schema = SchemaRef::clone(&conform.schema);
        let writer =
            ArrowWriter::try_new(buffer.clone(), schema, Some(properties)).map_err(parquet)?;
        Ok(Self {
            conform,
            buffer,
            writer,
            out,
        })
    }
}

impl Sink for Parquet<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let batch = self
            .conform
            .batch(batch)
            .map_err(|e| unwritable(Format::Parquet, &e))?;
        self.writer.write(&batch).map_err(parquet)?;
        self.buffer.drain(self.out)
    }

    fn finish(&mut self) -> Result<(), QueryError> {
        self.writer.finish().map_err(parquet)?;
        self.buffer.drain(self.out)?;
        Ok(self.out.flush()?)
    }
}

fn parquet(error: ParquetError) -> QueryError {
    unwritable(Format::Parquet, &ArrowError::from(error))
}

pub(super) struct Ipc<'a> {
    conform: Conform,
    buffer: Shared,
    writer: StreamWriter<Shared>,
    out: &'a mut dyn Write,
}

impl<'a> Ipc<'a> {
    pub(super) fn new(schema: &SchemaRef, out: &'a mut dyn Write) -> Result<Self, QueryError> {
        let conform = Conform::new(
            schema,
            Shape {
                views: true,
                intervals: false,
            },
        );
        let buffer = Shared::default();
        let writer = StreamWriter::try_new(buffer.clone(), &conform.schema)
            .map_err(|error| unwritable(Format::Arrow, &error))?;
        Ok(Self {
            conform,
            buffer,
            writer,
            out,
        })
    }
}

impl Sink for Ipc<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let failed = |error| unwritable(Format::Arrow, &error);
        let batch = self.conform.batch(batch).map_err(failed)?;
        self.writer.write(&batch).map_err(failed)?;
        self.buffer.drain(self.out)
    }

    fn finish(&mut self) -> Result<(), QueryError> {
        self.writer
            .finish()
            .map_err(|error| unwritable(Format::Arrow, &error))?;
        self.buffer.drain(self.out)?;
        Ok(self.out.flush()?)
    }
}
