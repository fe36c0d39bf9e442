//! A table's log: one commit a flush, with the offset that it reaches.
//!
//! The commit entry is written as delta-rs writes it, through its log store and with the condition
//! that the version is new, but without loading the table's files again: version, schema, files
//! and `txn` are known from the commit before. Whoever writes a version in between makes a worker
//! read that entry, and look at its own `txn` first: if someone moved it, the partition has a new
//! owner, and this worker must not write any more.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deltalake::kernel::transaction::{CommitData, TransactionError};
use deltalake::kernel::{
    Action, Add, EagerSnapshot, Metadata, MetadataExt, Protocol, Remove, StructType, Transaction,
    new_metadata,
};
use deltalake::logstore::{CommitOrBytes, LogStoreRef};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableError};
use serde_json::json;

use crate::error::LakeError;
use crate::files::{FileIndex, TableFile};
use crate::follow::{Others, check_writable, read_entry};
use crate::stats::{STATISTICS_COLUMNS, stats_text};
use crate::tables::{Root, Tables};
use crate::widen::{empty_schema, widened};
use crate::write::{Day, FinishedFile, StoredFile, date, io_error, make_folder, sync_folder};
use crate::{DAY_COLUMN, LOG_FOLDER, LOG_TAG};

/// The Delta log of one table, as one worker sees it.
pub struct TableLog {
    name: String,
    tables: Tables,
    folder: Option<PathBuf>,
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
    files: FileIndex,
}

/// What a commit changes.
pub struct Change<'a> {
    /// Files that the table gets.
    pub added: &'a [(FinishedFile, StoredFile)],
    /// Files that it loses: some of their rows are among the added ones.
    pub removed: &'a [Arc<TableFile>],
    /// Last offset that the table then has.
    pub last_offset: u64,
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is in the table, and durable.
    Done,
    /// Other writers brought or took files that the change was not made for; make it anew from
    /// [`TableLog::files`].
    Stale,
}

impl TableLog {
    /// Opens a table's log; the table is created with its first commit. `application` names the
    /// one writer whose offsets its `txn` counts.
    ///
    /// # Errors
    /// If the folder cannot be made or the log cannot be read, [`LakeError::Foreign`] if another
    /// tool made the table into what this one cannot write, or why an object store does not
    /// answer.
    pub async fn open(tables: &Tables, name: &str, application: &str) -> Result<Self, LakeError> {
        let folder = tables.folder(name);
        if let Some(folder) = &folder {
            make_folder(&folder.join(LOG_FOLDER))?;
        }
        let mut log = Self {
            name: name.to_owned(),
            tables: tables.clone(),
            folder,
            application: application.to_owned(),
            store: tables.log_store(name)?,
            state: None,
        };
        log.load().await?;
        Ok(log)
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tables that it is one of.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Last offset that the table has.
    pub fn last_offset(&self) -> Option<u64> {
        self.state.as_ref().and_then(|state| state.last_offset)
    }

    /// Whether the table has a file's columns or can be given them.
    ///
    /// # Errors
    /// [`LakeError::ColumnType`] if it has one with another type.
    pub fn check_columns(&self, schema: &arrow::datatypes::Schema) -> Result<(), LakeError> {
        match &self.state {
            Some(state) => widened(&self.name, &state.schema, schema).map(|_| ()),
            None => Ok(()),
        }
    }

    /// The table's folder, if it lies on this machine.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The table's files as of the last version that this worker knows.
    pub fn files(&self) -> Option<&FileIndex> {
        self.state.as_ref().map(|state| &state.files)
    }

    /// Whether the table's owner has forbidden to take rows out again.
    pub fn is_append_only(&self) -> bool {
        let configuration = self.state.as_ref().map(|s| s.metadata.configuration());
        configuration
            .and_then(|c| c.get("delta.appendOnly"))
            .is_some_and(|value| value == "true")
    }

    /// Commits a change that reaches up to `last_offset`, and makes the commit durable.
    /// `concerns` says of a file that another writer brought meanwhile whether the change depends
    /// on it.
    ///
    /// # Errors
    /// [`LakeError::Fenced`] if someone else moved this worker's `txn`: it must stop.
    /// [`LakeError::ColumnType`] if rows do not fit the table, [`LakeError::Contended`] if other
    /// writers kept winning, or if the log cannot be written.
    pub async fn commit(
        &mut self,
        change: &Change<'_>,
        concerns: &dyn Fn(&TableFile) -> bool,
    ) -> Result<Committed, LakeError> {
        for attempt in 0..ATTEMPTS_MAX {
            if self.try_commit(change).await? {
                let version = self.state.as_ref().map_or(0, |state| state.version);
                checkpoint(&self.store, &self.name, version).await;
                return Ok(Committed::Done);
            }
            pause(attempt).await;
            let others = self.follow_unless_fenced().await?;
            let taken = |path: &String| change.removed.iter().any(|file| file.path == *path);
            let stale = others.is_none_or(|others| {
                others.removed.iter().any(taken) || others.added.iter().any(|file| concerns(file))
            });
            if stale {
                return Ok(Committed::Stale);
            }
        }
        Err(LakeError::Contended {
            table: self.name.clone(),
            attempts: ATTEMPTS_MAX,
        })
    }

    /// Reads what others committed meanwhile.
    ///
    /// # Errors
    /// As of [`TableLog::commit`].
    pub async fn refresh(&mut self) -> Result<(), LakeError> {
        self.follow_unless_fenced().await.map(drop)
    }

    async fn follow_unless_fenced(&mut self) -> Result<Option<Others>, LakeError> {
        let known = self.last_offset();
        let others = self.follow().await?;
        if self.last_offset() == known {
            return Ok(others);
        }
        Err(LakeError::Fenced {
            table: self.name.clone(),
            application: self.application.clone(),
            known,
            found: self.last_offset(),
        })
    }

    /// Writes the next version; `false` if someone else did.
    async fn try_commit(&mut self, change: &Change<'_>) -> Result<bool, LakeError> {
        let failed = self.tables.delta_error(&self.name, "writing");
        let mut schema = match &self.state {
            Some(state) => state.schema.clone(),
            None => empty_schema(&self.name)?,
        };
        let mut grown = self.state.is_none();
        for (file, _) in change.added {
            if let Some(wider) = widened(&self.name, &schema, &file.schema)? {
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
                actions.push(Action::Protocol(first_protocol().map_err(&failed)?));
                (0, first_metadata(&schema).map_err(&failed)?)
            }
        };
        if grown {
            actions.push(Action::Metadata(metadata.clone()));
        }
        let removed = change.removed.iter().map(|file| remove_action(file));
        actions.extend(removed.map(Action::Remove));
        let added: Vec<Add> = change
            .added
            .iter()
            .map(|(file, stored)| add_action(file, stored))
            .collect();
        actions.extend(added.iter().cloned().map(Action::Add));
        let transaction = Transaction::new(&self.application, change.last_offset.cast_signed());
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec![DAY_COLUMN.to_owned()]),
            predicate: None,
        };
        // Tells this commit from all others, should its answer be lost on the way.
        let token = json!(format!("{:016x}", random()));
        let information = HashMap::from([("passlineCommit".to_owned(), token)]);
        let octets = CommitData::new(actions, operation, information, vec![transaction])
            .get_bytes()
            .map_err(|error| failed(error.into()))?;
        let entry = CommitOrBytes::LogBytes(octets.clone());
        let written = self
            .store
            .write_commit_entry(version, entry, Default::default())
            .await;
        if let Err(error) = written {
            let there = self.store.read_commit_entry(version).await;
            let is_own = matches!(&there, Ok(Some(entry)) if *entry == octets);
            match error {
                _ if is_own => {}
                TransactionError::VersionAlreadyExists(_) => return Ok(false),
                error => return Err(failed(error.into())),
            }
        }
        if let Some(folder) = &self.folder {
            sync_entry(folder, version)?;
        }
        let mut files = self
            .state
            .take()
            .map(|state| state.files)
            .unwrap_or_default();
        for file in change.removed {
            files.remove(&file.path);
        }
        for add in &added {
            files.add(add);
        }
        self.state = Some(TableState {
            version,
            schema,
            metadata,
            last_offset: Some(change.last_offset),
            files,
        });
        Ok(true)
    }

    /// Reads what others committed behind the known version. `None` if the log had to be read
    /// from its beginning, so that nobody can tell which files are new.
    async fn follow(&mut self) -> Result<Option<Others>, LakeError> {
        let Some(mut state) = self.state.take() else {
            self.load().await?;
            return Ok(None);
        };
        let mut others = Others::default();
        let first = state.version + 1;
        loop {
            let version = state.version + 1;
            let failed = self.tables.delta_error(&self.name, "reading");
            let entry = self.store.read_commit_entry(version).await;
            let Some(octets) = entry.map_err(&failed)? else {
                break;
            };
            let entry = read_entry(&octets).map_err(|source| LakeError::Entry {
                table: self.name.clone(),
                version,
                source,
            })?;
            if let Some(metadata) = entry.metadata {
                let schema = metadata.parse_schema();
                state.schema = schema.map_err(|error| failed(error.into()))?;
                state.metadata = metadata;
            }
            check_writable(&self.name, entry.protocol.as_ref(), &state.metadata)?;
            let own = |transaction: &&Transaction| transaction.app_id == self.application;
            if let Some(own) = entry.transactions.iter().rfind(own) {
                state.last_offset = Some(own.version.cast_unsigned());
            }
            for path in entry.removed {
                state.files.remove(&path);
                others.removed.push(path);
            }
            for add in &entry.added {
                others.added.push(state.files.add(add));
            }
            state.version = version;
        }
        if state.version + 1 == first {
            // Nothing new, or somebody has cleaned the log behind a checkpoint.
            self.load().await?;
            return Ok(None);
        }
        self.state = Some(state);
        Ok(Some(others))
    }

    async fn load(&mut self) -> Result<(), LakeError> {
        self.state = None;
        if !self.exists().await? {
            return Ok(());
        }
        let failed = self.tables.delta_error(&self.name, "reading");
        let store = self.store.as_ref();
        let snapshot = EagerSnapshot::try_new(store, None).await.map_err(&failed)?;
        let (protocol, metadata) = (snapshot.protocol(), snapshot.metadata());
        check_writable(&self.name, Some(protocol), metadata)?;
        let stored = snapshot.transaction_version(store, &self.application).await;
        let mut files = FileIndex::default();
        for file in snapshot.try_log_data().map_err(&failed)?.iter() {
            #[expect(deprecated, reason = "nothing else gives a file's tags")]
            files.add(&file.add_action());
        }
        self.state = Some(TableState {
            version: snapshot.version(),
            schema: snapshot.schema().as_ref().clone(),
            metadata: metadata.clone(),
            last_offset: stored.map_err(&failed)?.map(i64::cast_unsigned),
            files,
        });
        Ok(())
    }

    /// Whether the log has an entry. A first commit that was killed leaves a temporary file.
    async fn exists(&self) -> Result<bool, LakeError> {
        match (self.tables.root(), &self.folder) {
            (Root::Remote(remote), _) => {
                let log = remote.prefix.clone().join(self.name.as_str());
                let log = log.join(LOG_FOLDER);
                let listing = remote.store.list_with_delimiter(Some(&log));
                let listed = remote.ask("listing", listing).await?;
                let mut names = listed.objects.iter().filter_map(|o| o.location.filename());
                Ok(names.any(is_version))
            }
            (Root::Folder(_), None) => Ok(false),
            (Root::Folder(_), Some(folder)) => {
                let log = folder.join(LOG_FOLDER);
                let entries = std::fs::read_dir(&log).map_err(io_error("reading", &log))?;
                let names = entries.flatten().map(|entry| entry.file_name());
                Ok(names
                    .into_iter()
                    .any(|name| is_version(&name.to_string_lossy())))
            }
        }
    }
}

/// A checkpoint every so many versions keeps opening the table fast. Without it the table is
/// slower to open, not wrong.
pub(crate) async fn checkpoint(store: &LogStoreRef, name: &str, version: u64) {
    if version == 0 || !version.is_multiple_of(CHECKPOINT_VERSIONS) {
        return;
    }
    let mut table = DeltaTable::new(store.clone());
    let written = async {
        table.load().await?;
        deltalake::checkpoints::create_checkpoint(&table, None).await
    };
    if let Err(error) = written.await {
        tracing::warn!(table = name, version, %error, "no checkpoint was written");
    }
}

/// Makes a commit durable on this machine; an object store's answer means that it is.
pub(crate) fn sync_entry(folder: &Path, version: u64) -> Result<(), LakeError> {
    let log = folder.join(LOG_FOLDER);
    let file = log.join(format!("{version:020}.json"));
    std::fs::File::open(&file)
        .and_then(|file| file.sync_all())
        .map_err(io_error("syncing", &file))?;
    sync_folder(&log)?;
    if version == 0 {
        // The table's own folder and its log's are new as well.
        sync_folder(folder)?;
        folder.parent().map_or(Ok(()), sync_folder)?;
    }
    Ok(())
}

fn first_protocol() -> Result<Protocol, DeltaTableError> {
    let protocol = json!({ "minReaderVersion": 1, "minWriterVersion": 2 });
    Ok(serde_json::from_value(protocol)?)
}

fn first_metadata(schema: &StructType) -> Result<Metadata, DeltaTableError> {
    let has = |name: &&str| schema.field(name).is_some();
    let columns: Vec<_> = STATISTICS_COLUMNS.into_iter().filter(has).collect();
    let configuration = [("delta.dataSkippingStatsColumns", columns.join(","))];
    Ok(new_metadata(schema, [DAY_COLUMN], configuration)?)
}

/// Whether a file of the log says something: a commit or a checkpoint.
pub(crate) fn is_version(name: &str) -> bool {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let path = Path::new(name);
    digits == 20
        && path
            .extension()
            .is_some_and(|extension| extension == "json" || extension == "parquet")
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
        tags: Some([(LOG_TAG.to_owned(), Some(stored.log.clone()))].into()),
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

fn remove_action(file: &TableFile) -> Remove {
    // Vacuum keeps a removed file for a week from here, for those who still read it.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Remove {
        path: file.path.clone(),
        data_change: true,
        deletion_timestamp: now.ok().and_then(|now| i64::try_from(now.as_millis()).ok()),
        extended_file_metadata: Some(true),
        partition_values: Some([(DAY_COLUMN.to_owned(), day_value(file.day))].into()),
        size: Some(file.size.cast_signed()),
        ..Remove::default()
    }
}

pub(crate) fn day_value(day: Day) -> Option<String> {
    day.map(date)
}

/// Waits a little, longer each time, and not all writers equally long.
pub(crate) async fn pause(attempt: u32) {
    let longest = PAUSE_MAX.min(PAUSE.saturating_mul(1 << attempt.min(10)));
    let part = (random() % 1_000) as u32;
    tokio::time::sleep(longest.saturating_mul(part) / 1_000).await;
}

/// Differs in each call, process and machine.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

const CHECKPOINT_VERSIONS: u64 = 100;

/// Commits tried before a worker gives up: some 10 seconds of losing.
pub(crate) const ATTEMPTS_MAX: u32 = 40;
const PAUSE: Duration = Duration::from_millis(4);
const PAUSE_MAX: Duration = Duration::from_millis(500);
