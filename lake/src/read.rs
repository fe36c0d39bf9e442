//! Reading a table's files again: their rows, as they were written.

use std::fs::File;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::reader::ChunkReader;

use crate::error::LakeError;
use crate::log::TableLog;
use crate::tables::Root;

/// The rows of a file, batch by batch; the partition's column is not among theirs.
pub struct FileRows {
    reader: ParquetRecordBatchReader,
}

impl Iterator for FileRows {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.reader.next()
    }
}

impl TableLog {
    /// The rows of a file of the table, by its path. From an object store a file comes whole.
    ///
    /// # Errors
    /// [`LakeError::Gone`] if somebody has deleted it, or if it cannot be read.
    pub async fn rows(&self, path: &str) -> Result<FileRows, LakeError> {
        let gone = || LakeError::Gone {
            table: self.name().to_owned(),
            path: path.to_owned(),
        };
        let reader = match (self.tables().root(), self.folder()) {
            (Root::Remote(remote), _) => {
                let object = self.object_path(remote, path);
                let got = async { remote.store.get(&object).await?.bytes().await };
                match got.await {
                    Err(object_store::Error::NotFound { .. }) => return Err(gone()),
                    Err(error) => return Err(remote.refusal("reading", Box::new(error))),
                    Ok(octets) => reader(octets),
                }
            }
            (Root::Folder(lake), folder) => {
                let path = folder.unwrap_or(lake).join(path);
                match File::open(&path) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                        return Err(gone());
                    }
                    Err(source) => return Err(LakeError::Unreadable { path, source }),
                    Ok(file) => reader(file),
                }
            }
        };
        let reader = reader.map_err(|source| LakeError::File {
            table: self.name().to_owned(),
            path: path.to_owned(),
            source,
        })?;
        Ok(FileRows { reader })
    }
}

fn reader(
    file: impl ChunkReader + 'static,
) -> Result<ParquetRecordBatchReader, parquet::errors::ParquetError> {
    // Other tools store their own Arrow types beside Parquet's.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?
        .with_batch_size(BATCH_ROWS)
        .build()
}

const BATCH_ROWS: usize = 8_192;
