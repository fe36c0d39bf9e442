//! Spilling: sorted rows that do not fit into memory wait in a temporary file without a name,
//! which is gone with the process.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::error::MaintainError;
use super::merge::Batches;

/// Sorted rows on the disk.
pub(crate) struct Spill {
    table: String,
    file: File,
}

impl Spill {
    /// Writes rows away.
    pub(crate) fn write(
        table: &str,
        schema: &SchemaRef,
        rows: impl Iterator<Item = Result<RecordBatch, MaintainError>>,
    ) -> Result<Self, MaintainError> {
        let failed = |source| rows_error(table, source);
        let file = tempfile::tempfile().map_err(MaintainError::Scratch)?;
        let mut writer = StreamWriter::try_new(BufWriter::new(file), schema).map_err(failed)?;
        for batch in rows {
            writer.write(&batch?).map_err(failed)?;
        }
        writer.finish().map_err(failed)?;
        let mut buffer = writer.into_inner().map_err(failed)?;
        buffer.flush().map_err(MaintainError::Scratch)?;
        let into = buffer.into_inner();
        let mut file = into.map_err(|error| MaintainError::Scratch(error.into_error()))?;
        file.rewind().map_err(MaintainError::Scratch)?;
        Ok(Self {
            table: table.to_owned(),
            file,
        })
    }

    /// Reads them back.
    pub(crate) fn rows(self) -> Result<Batches<'static>, MaintainError> {
        let table = self.table;
        let reader = StreamReader::try_new(BufReader::new(self.file), None);
        let reader = reader.map_err(|source| rows_error(&table, source))?;
        Ok(Box::new(reader.map(move |batch| {
            batch.map_err(|source| rows_error(&table, source))
        })))
    }
}

fn rows_error(table: &str, source: ArrowError) -> MaintainError {
    MaintainError::Rows {
        table: table.to_owned(),
        path: "a temporary file".to_owned(),
        source,
    }
}
