//! Writing: sorted rows become Parquet in memory, then a file named by its content.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, Encoding, LogicalType, Type, ZstdLevel};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use tokio::task::JoinHandle;

use crate::error::LakeError;
use crate::log::TableLog;
use crate::remote::Remote;
use crate::tables::{Root, Tables};

/// Rows of a row group.
pub const ROW_GROUP_ROWS: usize = 128 * 1_024;

/// Days since 1970-01-01; `None` where no time is known.
pub type Day = Option<i32>;

/// A finished Parquet file of one table.
pub struct FinishedFile {
    /// The day of all its rows.
    pub day: Day,
    /// Its columns, the partition's not among them.
    pub schema: SchemaRef,
    /// What it holds.
    pub encoded: Encoded,
}

/// A Parquet file in memory.
pub struct Encoded {
    /// The file.
    pub octets: Vec<u8>,
    /// Its footer.
    pub metadata: ParquetMetaData,
}

/// Encodes one file.
pub struct RunWriter {
    table: String,
    writer: ArrowWriter<Vec<u8>>,
}

impl RunWriter {
    /// Starts a file of a table.
    ///
    /// # Errors
    /// [`LakeError::Parquet`] if Parquet has no such columns.
    pub fn new(table: &str, schema: &SchemaRef) -> Result<Self, LakeError> {
        Self::sized(table, schema, usize::MAX)
    }

    /// Starts a file of a table that will hold so many rows. A small file's numbers are not
    /// compressed: for a wide table, making a compressor for each column takes more time than
    /// everything else, and compaction compresses them.
    ///
    /// # Errors
    /// As [`RunWriter::new`].
    pub fn sized(table: &str, schema: &SchemaRef, rows: usize) -> Result<Self, LakeError> {
        let failed = parquet_error(table);
        let options = ArrowWriterOptions::new()
            // Types read the same without it, and it would carry field metadata into every file.
            .with_skip_arrow_metadata(true)
            .with_properties(properties(schema, rows <= SMALL_ROWS).map_err(&failed)?);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(schema), options)
            .map_err(&failed)?;
        Ok(Self {
            table: table.to_owned(),
            writer,
        })
    }

    /// Adds rows behind those before.
    ///
    /// # Errors
    /// [`LakeError::Parquet`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        self.writer.write(batch).map_err(parquet_error(&self.table))
    }

    /// Octets that the file has so far, as far as they can be told.
    pub fn octets(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`LakeError::Parquet`].
    pub fn finish(mut self) -> Result<Encoded, LakeError> {
        let failed = parquet_error(&self.table);
        let metadata = self.writer.finish().map_err(failed)?;
        let octets = std::mem::take(self.writer.inner_mut());
        Ok(Encoded { octets, metadata })
    }
}

/// A file of a table, as the Delta log names it.
pub struct StoredFile {
    /// Relative to the table, with its partition folder.
    pub path: String,
    /// Octets.
    pub size: u64,
    /// Name of the log that its rows came from, for [`crate::LOG_TAG`].
    pub log: String,
    written: Written,
}

/// How far a file has come.
enum Written {
    /// On this machine; the open file until it is durable.
    Folder(PathBuf, Option<File>),
    /// On its way to an object store.
    Remote(Option<JoinHandle<Result<(), LakeError>>>),
}

impl TableLog {
    /// Stores a file of the table: same content, same name. Not durable yet, and not part of the
    /// table before it is committed. `log` names
    /// the log that its rows came from. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`LakeError::Io`].
    pub async fn store(
        &self,
        day: Day,
        first_offset: u64,
        octets: Vec<u8>,
        log: &str,
    ) -> Result<StoredFile, LakeError> {
        store_file(self.tables(), self.name(), (day, first_offset), octets, log).await
    }

    pub(crate) fn object_path(&self, remote: &Remote, path: &str) -> object_store::path::Path {
        object_path(remote, self.name(), path)
    }
}

/// Stores a file of a table, as [`TableLog::store`] does.
pub(crate) async fn store_file(
    tables: &Tables,
    table: &str,
    (day, first_offset): (Day, u64),
    octets: Vec<u8>,
    log: &str,
) -> Result<StoredFile, LakeError> {
    let path = file_path(day, first_offset, &octets);
    let size = octets.len() as u64;
    let written = match tables.root() {
        Root::Remote(remote) => {
            let (remote, object) = (remote.clone(), object_path(remote, table, &path));
            let turn = remote.turns.clone().acquire_owned().await;
            Written::Remote(Some(tokio::spawn(async move {
                let written = remote.put(&object, octets.into()).await;
                drop(turn);
                written
            })))
        }
        Root::Folder(lake) => {
            let folder = lake.join(table);
            make_folder(&folder.join(partition_folder(day)))?;
            let location = folder.join(&path);
            // Not in the log yet: a half-written file of a killed process is written over.
            let file = File::create(&location)
                .and_then(|mut file| file.write_all(&octets).map(|()| file))
                .map_err(io_error("writing", &location))?;
            Written::Folder(location, Some(file))
        }
    };
    Ok(StoredFile {
        path,
        size,
        log: log.to_owned(),
        written,
    })
}

impl StoredFile {
    /// A file that the table has already, durable.
    pub(crate) fn present(path: String, size: u64, log: &str) -> Self {
        Self {
            path,
            size,
            log: log.to_owned(),
            written: Written::Remote(None),
        }
    }
}

/// Name of a file, relative to its table: the same for the same content.
pub(crate) fn file_path(day: Day, first_offset: u64, octets: &[u8]) -> String {
    let hash = blake3::hash(octets).to_hex();
    let partition = partition_folder(day);
    format!(
        "{partition}/part-{first_offset:020}-{}.parquet",
        &hash[..16]
    )
}

/// Where a file of a table lies in an object store.
pub(crate) fn object_path(remote: &Remote, table: &str, path: &str) -> object_store::path::Path {
    let table = remote.prefix.clone().join(table);
    path.split('/').fold(table, object_store::path::Path::join)
}

/// Makes files and the folders they lie in durable. Together, after all are written: the first
/// sync of a file system's journal takes most of the others along.
///
/// # Errors
/// [`LakeError::Io`], or why an object store refused a file.
pub async fn make_durable<'a>(
    files: impl Iterator<Item = &'a mut StoredFile>,
) -> Result<(), LakeError> {
    let mut folders = BTreeSet::new();
    for stored in files {
        match &mut stored.written {
            Written::Folder(location, file) => {
                if let Some(file) = file.take() {
                    file.sync_all().map_err(io_error("syncing", location))?;
                }
                // The file's entry, and its partition folder's.
                folders.extend(location.ancestors().skip(1).take(2).map(Path::to_owned));
            }
            Written::Remote(task) => {
                if let Some(task) = task.take() {
                    task.await.map_err(|error| LakeError::Io {
                        doing: "uploading",
                        path: stored.path.clone().into(),
                        source: error.into(),
                    })??;
                }
            }
        }
    }
    folders.iter().try_for_each(|folder| sync_folder(folder))
}

/// Creates a folder and its parents.
///
/// # Errors
/// [`LakeError::Io`].
pub fn make_folder(folder: &Path) -> Result<(), LakeError> {
    std::fs::create_dir_all(folder).map_err(io_error("creating", folder))
}

/// Makes a folder's entries durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), LakeError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io_error("syncing", folder))
}

/// The partition folder of a day.
pub fn partition_folder(day: Day) -> String {
    match day {
        Some(day) => format!("day={}", date(day)),
        None => "day=__HIVE_DEFAULT_PARTITION__".to_owned(),
    }
}

/// A day as `2024-12-06`.
pub fn date(day: i32) -> String {
    let text = schemas::event::format_time(i64::from(day) * 86_400_000_000);
    text.split('T').next().unwrap_or_default().to_owned()
}

pub(crate) fn io_error(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> LakeError {
    let path: PathBuf = path.to_owned();
    move |source| LakeError::Io {
        doing,
        path: path.clone(),
        source,
    }
}

fn parquet_error(table: &str) -> impl Fn(parquet::errors::ParquetError) -> LakeError {
    let table = table.to_owned();
    move |source| LakeError::Parquet {
        table: table.clone(),
        source,
    }
}

/// How each column is encoded: DELTA_BINARY_PACKED for integers and times, BYTE_STREAM_SPLIT for
/// floats, a dictionary for texts, octets as they are; zstd at its fastest over all.
fn properties(
    schema: &SchemaRef,
    small: bool,
) -> Result<WriterProperties, parquet::errors::ParquetError> {
    let columns = ArrowSchemaConverter::new().convert(schema)?;
    let mut builder = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    let deltas = columns.num_columns() <= DELTA_COLUMNS_MAX;
    for column in columns.columns() {
        let path = column.path().clone();
        if small && column.physical_type() != Type::BYTE_ARRAY {
            builder = builder.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
        }
        let text = matches!(column.logical_type_ref(), Some(LogicalType::String));
        builder = match column.physical_type() {
            Type::INT32 | Type::INT64 if deltas => {
                builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED)
            }
            Type::FLOAT | Type::DOUBLE => {
                builder.set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT)
            }
            Type::BYTE_ARRAY if text => builder.set_column_dictionary_enabled(path, true),
            Type::BYTE_ARRAY => builder
                .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
                .set_column_statistics_enabled(path, EnabledStatistics::None),
            _ => builder,
        };
    }
    Ok(builder.build())
}

/// Columns of a table whose integers are stored as deltas. The encoder reserves a MiB a column,
/// which wide tables cannot have; theirs are stored as they are, and compressed.
const DELTA_COLUMNS_MAX: usize = 96;

/// A file of so few rows is small.
const SMALL_ROWS: usize = 2_048;

/// Constant, so that files compare equal.
const CREATED_BY: &str = "passline";
