//! Committing: one Delta commit a table and flush, with the offset that it reaches.
//!
//! The commit entry is written as delta-rs writes it, through its log store and with the condition
//! that the version is new, but without loading the table's files: the worker is the only writer
//! of its table, so that version, schema and `txn` are known from the commit before. Whoever
//! writes a version in between makes it load the table again and look at `txn` first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arrow::datatypes::{Field, Schema};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitData, TransactionError};
use deltalake::kernel::{
    Action, Add, DataType, EagerSnapshot, Metadata, MetadataExt, StructField, StructType,
    Transaction, new_metadata,
};
use deltalake::logstore::{CommitOrBytes, LogStoreRef};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTableBuilder, DeltaTableError, ensure_table_uri};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::error::LakeError;
use crate::stats::{STATISTICS_COLUMNS, stats_text};
use crate::write::{Day, FinishedFile, StoredFile, date, io_error, make_folder, sync_folder};

/// The Delta log of one table.
pub struct TableLog {
    name: String,
    folder: PathBuf,
    application: String,
    store: LogStoreRef,
    state: Option<TableState>,
}

struct TableState {
    version: u64,
    schema: StructType,
    metadata: Metadata,
    /// Last offset that the table has, from its `txn`.
    last_offset: Option<u64>,
}

impl TableLog {
    /// Opens a table's log; the table is created with its first commit.
    ///
    /// # Errors
    /// [`LakeError::Io`] or [`LakeError::Delta`] if the folder or its log cannot be read.
    pub fn open(
        runtime: &Runtime,
        lake: &Path,
        name: &str,
        application: &str,
    ) -> Result<Self, LakeError> {
        let folder = lake.join(name);
        make_folder(&folder.join(LOG_FOLDER))?;
        let failed = delta_error(name, "opening");
        let store = ensure_table_uri(folder.to_string_lossy())
            .and_then(DeltaTableBuilder::from_url)
            .and_then(|builder| builder.build_storage())
            .map_err(&failed)?;
        let mut log = Self {
            name: name.to_owned(),
            folder,
            application: application.to_owned(),
            store,
            state: None,
        };
        log.load(runtime)?;
        Ok(log)
    }

    /// Last offset that the table has.
    pub fn last_offset(&self) -> Option<u64> {
        self.state.as_ref().and_then(|state| state.last_offset)
    }

    /// The table's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Commits files that reach up to `last_offset` and makes the commit durable.
    ///
    /// # Errors
    /// [`LakeError::ColumnType`] if rows do not fit the table, [`LakeError::Contended`] if other
    /// writers kept winning, or if the log cannot be written.
    pub fn commit(
        &mut self,
        runtime: &Runtime,
        files: &[(FinishedFile, StoredFile)],
        last_offset: u64,
    ) -> Result<(), LakeError> {
        for _ in 0..ATTEMPTS_MAX {
            if self
                .last_offset()
                .is_some_and(|stored| stored >= last_offset)
            {
                return Ok(());
            }
            match self.try_commit(runtime, files, last_offset)? {
                Some(state) => {
                    self.state = Some(state);
                    return self.checkpoint(runtime);
                }
                None => self.load(runtime)?,
            }
        }
        Err(LakeError::Contended {
            table: self.name.clone(),
            attempts: ATTEMPTS_MAX,
        })
    }

    /// Writes the next version; `None` if someone else did.
    fn try_commit(
        &self,
        runtime: &Runtime,
        files: &[(FinishedFile, StoredFile)],
        last_offset: u64,
    ) -> Result<Option<TableState>, LakeError> {
        let failed = delta_error(&self.name, "writing");
        let mut schema = match &self.state {
            Some(state) => state.schema.clone(),
            None => self.delta_schema(&Schema::new(vec![day_field()]))?,
        };
        let mut grown = self.state.is_none();
        for (file, _) in files {
            if let Some(wider) = self.widened(&schema, &file.schema)? {
                schema = wider;
                grown = true;
            }
        }
        let mut actions = Vec::new();
        let (version, metadata) = match &self.state {
            Some(state) if grown => {
                let metadata = state.metadata.clone().with_schema(&schema);
                let metadata = metadata.map_err(|error| failed(error.into()))?;
                (state.version + 1, metadata)
            }
            Some(state) => (state.version + 1, state.metadata.clone()),
            None => {
                let has = |name: &&str| schema.field(name).is_some();
                let columns: Vec<_> = STATISTICS_COLUMNS.into_iter().filter(has).collect();
                let columns = columns.join(",");
                let configuration = [("delta.dataSkippingStatsColumns", columns)];
                let metadata = new_metadata(&schema, [DAY_COLUMN], configuration)
                    .map_err(|error| failed(error.into()))?;
                let protocol = json!({ "minReaderVersion": 1, "minWriterVersion": 2 });
                let protocol = serde_json::from_value(protocol)
                    .map_err(|error| failed(DeltaTableError::from(error)))?;
                actions.push(Action::Protocol(protocol));
                (0, metadata)
            }
        };
        if grown {
            actions.push(Action::Metadata(metadata.clone()));
        }
        actions.extend(
            files
                .iter()
                .map(|(file, stored)| Action::Add(add_action(file, stored))),
        );
        let transaction = Transaction::new(&self.application, last_offset.cast_signed());
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec![DAY_COLUMN.to_owned()]),
            predicate: None,
        };
        let octets = CommitData::new(actions, operation, HashMap::new(), vec![transaction])
            .get_bytes()
            .map_err(|error| failed(error.into()))?;
        let entry = CommitOrBytes::LogBytes(octets);
        let written = runtime.block_on(self.store.write_commit_entry(
            version,
            entry,
            Default::default(),
        ));
        match written {
            Ok(()) => {}
            Err(TransactionError::VersionAlreadyExists(_)) => return Ok(None),
            Err(error) => return Err(failed(error.into())),
        }
        let log = self.folder.join(LOG_FOLDER);
        let file = log.join(format!("{version:020}.json"));
        std::fs::File::open(&file)
            .and_then(|file| file.sync_all())
            .map_err(io_error("syncing", &file))?;
        sync_folder(&log)?;
        if version == 0 {
            // The table's own folder and its log's are new as well.
            sync_folder(&self.folder)?;
            self.folder.parent().map_or(Ok(()), sync_folder)?;
        }
        Ok(Some(TableState {
            version,
            schema,
            metadata,
            last_offset: Some(last_offset),
        }))
    }

    /// The schema with the columns that a file has and the table has not; `None` if it has all.
    fn widened(&self, schema: &StructType, file: &Schema) -> Result<Option<StructType>, LakeError> {
        let given = self.delta_schema(file)?;
        let mut added = Vec::new();
        for field in given.fields() {
            match schema.field(field.name()) {
                Some(stored) if same_type(stored.data_type(), field.data_type()) => {}
                Some(stored) => {
                    return Err(LakeError::ColumnType {
                        table: self.name.clone(),
                        column: field.name().clone(),
                        stored: stored.data_type().to_string(),
                        given: field.data_type().to_string(),
                    });
                }
                None => {
                    let mut field = field.clone();
                    field.nullable = true;
                    added.push(field);
                }
            }
        }
        if added.is_empty() {
            return Ok(None);
        }
        // The partition column stays last: tables start with their time.
        let is_day = |field: &&StructField| field.name() == DAY_COLUMN;
        let fields = schema.fields().filter(|field| !is_day(field)).cloned();
        let day = schema.fields().filter(is_day).cloned();
        let fields: Vec<StructField> = fields.chain(added).chain(day).collect();
        StructType::try_new(fields)
            .map(Some)
            .map_err(|error| delta_error(&self.name, "widening")(error.into()))
    }

    fn delta_schema(&self, schema: &Schema) -> Result<StructType, LakeError> {
        schema
            .try_into_kernel()
            .map_err(|source| LakeError::Schema {
                table: self.name.clone(),
                source,
            })
    }

    fn load(&mut self, runtime: &Runtime) -> Result<(), LakeError> {
        let log = self.folder.join(LOG_FOLDER);
        let entries = std::fs::read_dir(&log).map_err(io_error("reading", &log))?;
        // A first commit that was killed leaves its temporary file.
        if !entries
            .flatten()
            .any(|entry| is_version(&entry.file_name()))
        {
            self.state = None;
            return Ok(());
        }
        let failed = delta_error(&self.name, "reading");
        let store = self.store.as_ref();
        let state = runtime.block_on(async {
            let snapshot = EagerSnapshot::try_new(store, None).await?;
            let stored = snapshot
                .transaction_version(store, &self.application)
                .await?;
            let schema: StructType = snapshot.schema().as_ref().clone();
            Ok(TableState {
                version: snapshot.version(),
                schema,
                metadata: snapshot.metadata().clone(),
                last_offset: stored.map(i64::cast_unsigned),
            })
        });
        self.state = Some(state.map_err(failed)?);
        Ok(())
    }

    /// A checkpoint every so many versions keeps opening the table fast.
    fn checkpoint(&self, runtime: &Runtime) -> Result<(), LakeError> {
        let version = self.state.as_ref().map_or(0, |state| state.version);
        if version == 0 || !version.is_multiple_of(CHECKPOINT_VERSIONS) {
            return Ok(());
        }
        let failed = delta_error(&self.name, "checkpointing");
        runtime
            .block_on(async {
                let mut table = deltalake::DeltaTable::new(self.store.clone());
                table.load().await?;
                deltalake::checkpoints::create_checkpoint(&table, None).await
            })
            .map_err(failed)
    }
}

/// Whether a file of the log says something: a commit or a checkpoint.
fn is_version(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    digits == 20 && (name.ends_with(".json") || name.ends_with(".parquet"))
}

fn add_action(file: &FinishedFile, stored: &StoredFile) -> Add {
    Add {
        path: stored.path.clone(),
        partition_values: [(DAY_COLUMN.to_owned(), day_value(file.day))].into(),
        size: stored.size.cast_signed(),
        // The Delta log is allowed a clock; zero says that nothing depends on it.
        modification_time: 0,
        data_change: true,
        stats: Some(stats_text(&file.encoded.metadata)),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

fn day_value(day: Day) -> Option<String> {
    day.map(date)
}

fn day_field() -> Field {
    Field::new(DAY_COLUMN, arrow::datatypes::DataType::Date32, true).with_metadata(
        [(
            "description".to_owned(),
            "day of time, else of received; UTC".to_owned(),
        )]
        .into(),
    )
}

/// Equal but for nullability, which Parquet files may differ in.
fn same_type(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::Array(a), DataType::Array(b)) => same_type(a.element_type(), b.element_type()),
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.fields().len() == b.fields().len()
                && a.fields()
                    .zip(b.fields())
                    .all(|(a, b)| a.name() == b.name() && same_type(a.data_type(), b.data_type()))
        }
        (a, b) => a == b,
    }
}

fn delta_error(table: &str, doing: &'static str) -> impl Fn(DeltaTableError) -> LakeError {
    let table = table.to_owned();
    move |source| LakeError::Delta {
        table: table.clone(),
        doing,
        source: Box::new(source),
    }
}

/// The partition column.
const DAY_COLUMN: &str = "day";
const LOG_FOLDER: &str = "_delta_log";
const CHECKPOINT_VERSIONS: u64 = 100;
const ATTEMPTS_MAX: u32 = 10;
