//! Reading a table's files: rows of one, in batches of bounded size.
//!
//! A file on this machine is read page by page; one of an object store is fetched whole and held
//! as it is stored, some ten MiB.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, RecordBatchReader, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use bytes::Bytes;
use object_store::{GetOptions, GetRange, ObjectStore};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::error::MaintainError;
use super::merge::Batches;
use super::table::{Table, TableFile};
use crate::error::LakeError;
use crate::tables::Root;
use crate::write::object_path;

/// What a file's footer says.
pub(crate) struct Footer {
    pub(crate) metadata: Arc<ParquetMetaData>,
    pub(crate) schema: SchemaRef,
}

impl Footer {
    /// Rows of the file.
    pub(crate) fn rows(&self) -> u64 {
        let rows = self.metadata.file_metadata().num_rows();
        u64::try_from(rows).unwrap_or(0)
    }

    /// Octets of a row, as it lies in memory, about.
    pub(crate) fn row_octets(&self) -> u64 {
        let groups = self.metadata.row_groups().iter();
        let octets: i64 = groups.map(RowGroupMetaData::total_byte_size).sum();
        u64::try_from(octets).unwrap_or(0) / self.rows().max(1) + 1
    }
}

impl Table {
    /// The footer of a file.
    pub(crate) async fn footer(&self, file: &TableFile) -> Result<Footer, MaintainError> {
        let metadata = match self.tables.root() {
            Root::Folder(_) => {
                let opened = self.open_local(file)?;
                let read = ParquetMetaDataReader::new().parse_and_finish(&opened);
                read.map_err(|source| self.damaged(file, source))?
            }
            Root::Remote(_) => self.remote_footer(file).await?,
        };
        let descriptor = metadata.file_metadata().schema_descr();
        let schema = parquet::arrow::parquet_to_arrow_schema(descriptor, None)
            .map_err(|source| self.damaged(file, source))?;
        Ok(Footer {
            metadata: Arc::new(metadata),
            schema: Arc::new(schema),
        })
    }

    async fn remote_footer(&self, file: &TableFile) -> Result<ParquetMetaData, MaintainError> {
        let mut wanted = FOOTER_OCTETS.min(file.size());
        loop {
            let octets = self.fetch(file, Some(wanted)).await?;
            let mut reader = ParquetMetaDataReader::new();
            match reader.try_parse_sized(&octets, file.size()) {
                Ok(()) => return reader.finish().map_err(|source| self.damaged(file, source)),
                Err(ParquetError::NeedMoreData(needed)) if (needed as u64) > wanted => {
                    wanted = needed as u64;
                }
                Err(source) => return Err(self.damaged(file, source)),
            }
        }
    }

    /// A file of an object store: its last octets, or all.
    async fn fetch(&self, file: &TableFile, last: Option<u64>) -> Result<Bytes, MaintainError> {
        let Root::Remote(remote) = self.tables.root() else {
            return Ok(Bytes::new());
        };
        let object = object_path(remote, &self.name, &file.add.path);
        let options = GetOptions {
            range: last.map(GetRange::Suffix),
            ..GetOptions::default()
        };
        let fetching = async { remote.store.get_opts(&object, options).await?.bytes().await };
        fetching.await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => self.missing(file),
            error => remote.refusal("reading", Box::new(error)).into(),
        })
    }

    fn open_local(&self, file: &TableFile) -> Result<File, MaintainError> {
        let path = self.folder.clone().unwrap_or_default().join(&file.add.path);
        File::open(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => self.missing(file),
            _ => LakeError::Unreadable { path, source }.into(),
        })
    }

    /// The rows of a file in batches of `rows_max`: the columns of `wanted` in its order, nulls
    /// where the file has none.
    pub(crate) fn rows(
        &self,
        runtime: &tokio::runtime::Handle,
        file: &TableFile,
        wanted: &SchemaRef,
        rows_max: usize,
    ) -> Result<Batches<'static>, MaintainError> {
        match self.tables.root() {
            Root::Folder(_) => self.decode(self.open_local(file)?, file, wanted, rows_max),
            Root::Remote(_) => {
                let octets = runtime.block_on(self.fetch(file, None))?;
                self.decode(octets, file, wanted, rows_max)
            }
        }
    }

    fn decode<R: ChunkReader + 'static>(
        &self,
        reader: R,
        file: &TableFile,
        wanted: &SchemaRef,
        rows_max: usize,
    ) -> Result<Batches<'static>, MaintainError> {
        let failed = |source| self.damaged(file, source);
        // Types are those of the file itself, whatever its writer noted.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(reader, options)
            .map_err(failed)?;
        let roots = builder.schema().fields().iter().enumerate();
        let roots = roots.filter(|(_, field)| wanted.index_of(field.name()).is_ok());
        let roots: Vec<usize> = roots.map(|(root, _)| root).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let reader = builder
            .with_projection(mask)
            .with_batch_size(rows_max)
            .build()
            .map_err(failed)?;
        let fit = Fit::new(&self.name, &reader.schema(), wanted)?;
        let (table, path) = (self.name.clone(), file.add.path.clone());
        Ok(Box::new(reader.map(move |batch| {
            let batch = batch.map_err(|source| MaintainError::Rows {
                table: table.clone(),
                path: path.clone(),
                source,
            })?;
            fit.apply(&path, &batch)
        })))
    }

    /// Columns of some files together, in the order of the table's, each with its type in the
    /// files.
    pub(crate) fn columns_of<'a>(
        &self,
        footers: impl Iterator<Item = &'a Footer>,
    ) -> Result<SchemaRef, MaintainError> {
        let mut found: Vec<Field> = Vec::new();
        for footer in footers {
            for field in footer.schema.fields() {
                match found.iter().find(|known| known.name() == field.name()) {
                    Some(known) if same_shape(known.data_type(), field.data_type()) => {}
                    Some(known) => {
                        return Err(LakeError::ColumnType {
                            table: self.name.clone(),
                            column: field.name().clone(),
                            stored: known.data_type().to_string(),
                            given: field.data_type().to_string(),
                        }
                        .into());
                    }
                    None => found.push(field.as_ref().clone().with_nullable(true)),
                }
            }
        }
        let order = self.columns();
        let place = |field: &Field| order.iter().position(|name| name == field.name());
        found.sort_by_key(|field| place(field).unwrap_or(usize::MAX));
        Ok(Arc::new(Schema::new(found)))
    }

    pub(crate) fn missing(&self, file: &TableFile) -> MaintainError {
        MaintainError::MissingFile {
            table: self.name.clone(),
            path: file.add.path.clone(),
        }
    }

    fn damaged(&self, file: &TableFile, source: ParquetError) -> MaintainError {
        MaintainError::Damaged {
            table: self.name.clone(),
            path: file.add.path.clone(),
            source,
        }
    }
}

/// How batches of one schema become batches of another that has the same columns, more or fewer.
pub(crate) struct Fit {
    table: String,
    wanted: SchemaRef,
    /// For each wanted column, its place in what is given.
    places: Vec<Option<usize>>,
}

impl Fit {
    pub(crate) fn new(table: &str, given: &Schema, wanted: &SchemaRef) -> Result<Self, LakeError> {
        let mut places = Vec::new();
        for field in wanted.fields() {
            let place = given.index_of(field.name()).ok();
            if let Some(other) = place.map(|place| given.field(place))
                && !same_shape(other.data_type(), field.data_type())
            {
                return Err(LakeError::ColumnType {
                    table: table.to_owned(),
                    column: field.name().clone(),
                    stored: other.data_type().to_string(),
                    given: field.data_type().to_string(),
                });
            }
            places.push(place);
        }
        Ok(Self {
            table: table.to_owned(),
            wanted: Arc::clone(wanted),
            places,
        })
    }

    /// The columns wanted; `path` is what errors name.
    pub(crate) fn apply(
        &self,
        path: &str,
        batch: &RecordBatch,
    ) -> Result<RecordBatch, MaintainError> {
        let columns = self.wanted.fields().iter().zip(&self.places);
        let columns = columns.map(|(field, place)| match place {
            Some(place) if batch.column(*place).data_type() == field.data_type() => {
                Ok(Arc::clone(batch.column(*place)))
            }
            // Only names of list elements and notes at nested fields differ.
            Some(place) => cast(batch.column(*place), field.data_type()),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        });
        let columns: Result<Vec<_>, ArrowError> = columns.collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let fitted = columns.and_then(|columns| {
            RecordBatch::try_new_with_options(Arc::clone(&self.wanted), columns, &options)
        });
        fitted.map_err(|source| MaintainError::Rows {
            table: self.table.clone(),
            path: path.to_owned(),
            source,
        })
    }
}

/// Whether types are the same but for the names of list elements and notes at nested fields.
fn same_shape(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::List(a), DataType::List(b)) => same_shape(a.data_type(), b.data_type()),
        (DataType::Struct(a), DataType::Struct(b)) => {
            let same = |(a, b): (&Arc<Field>, &Arc<Field>)| {
                a.name() == b.name() && same_shape(a.data_type(), b.data_type())
            };
            a.len() == b.len() && a.iter().zip(b.iter()).all(same)
        }
        (a, b) => a == b,
    }
}

/// Octets fetched at a file's end, which hold most footers whole.
const FOOTER_OCTETS: u64 = 64 << 10;
