//! A table as its log has it, and commits that replace files by others.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::compute::kernels::cast_utils::{Parser, string_to_timestamp_nanos};
use arrow::datatypes::{Date32Type, Schema};
use deltalake::kernel::transaction::{CommitData, TransactionError};
use deltalake::kernel::{Action, Add, EagerSnapshot, Metadata, MetadataExt, Remove, StructType};
use deltalake::logstore::{CommitOrBytes, LogStoreRef};
use deltalake::protocol::DeltaOperation;
use serde_json::{Value, json};

use super::error::MaintainError;
use super::order::Key;
use crate::error::LakeError;
use crate::follow::{check_writable, read_entry};
use crate::log::{ATTEMPTS_MAX, checkpoint, day_value, pause, random, sync_entry};
use crate::stats::stats_text;
use crate::tables::Tables;
use crate::widen::widened;
use crate::write::{Day, FinishedFile, StoredFile, date};
use crate::{DAY_COLUMN, LOG_TAG};

/// Tag of a file in the log that maintenance wrote: `first` and `last`, the keys of its first and
/// last row, and `full`, whether rows behind the last went into another file.
pub(crate) const COMPACTED_TAG: &str = "passline.compacted";

/// A table at one version of its log.
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) tables: Tables,
    pub(crate) store: LogStoreRef,
    /// Its folder, if it lies on this machine.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) version: u64,
    pub(crate) metadata: Metadata,
    schema: StructType,
    /// By path.
    pub(crate) files: BTreeMap<String, Arc<TableFile>>,
}

/// A file of a table.
pub(crate) struct TableFile {
    pub(crate) add: Add,
    pub(crate) day: Day,
    /// Rows, if the log says how many.
    pub(crate) rows: Option<u64>,
    /// No row stands before this.
    pub(crate) low: Key,
    /// No row stands behind this.
    pub(crate) high: Key,
    /// Earliest and latest time, if the log says so and no row lacks one.
    pub(crate) times: Option<(i64, i64)>,
    /// It was ended because it was full: nothing small is to be added to it.
    pub(crate) full: bool,
}

/// A change that replaces files by others.
pub(crate) struct Replacement<'a> {
    pub(crate) removed: &'a [Arc<TableFile>],
    pub(crate) added: &'a [NewFile],
    /// Whether the rows are others than before, not only elsewhere.
    pub(crate) data_change: bool,
    /// What the log says was done.
    pub(crate) operation: DeltaOperation,
    /// Columns whose types the new files decide: no other file is left.
    pub(crate) retyped: bool,
}

/// A file that is stored and not yet in the table.
pub(crate) struct NewFile {
    pub(crate) file: FinishedFile,
    pub(crate) stored: StoredFile,
    pub(crate) tags: HashMap<String, Option<String>>,
}

/// What became of a replacement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// It is in the table, and durable.
    Done,
    /// Someone else has taken one of the files, or brought one that concerns it.
    Stale,
}

impl Table {
    /// Reads a table's log.
    pub(crate) async fn open(tables: &Tables, name: &str) -> Result<Self, MaintainError> {
        let known = tables.names().await?;
        if !known.iter().any(|table| table == name) {
            return Err(MaintainError::NoTable {
                table: name.to_owned(),
                location: tables.location().to_string(),
                tables: known,
            });
        }
        let failed = tables.delta_error(name, "reading");
        let store = tables.log_store(name)?;
        let snapshot = EagerSnapshot::try_new(store.as_ref(), None);
        let snapshot = snapshot.await.map_err(&failed)?;
        let mut files = BTreeMap::new();
        for file in snapshot.try_log_data().map_err(&failed)?.iter() {
            #[expect(deprecated, reason = "nothing else gives a file's tags")]
            let file = Arc::new(TableFile::new(file.add_action()));
            files.insert(file.add.path.clone(), file);
        }
        Ok(Self {
            name: name.to_owned(),
            tables: tables.clone(),
            folder: tables.folder(name),
            version: snapshot.version(),
            metadata: snapshot.metadata().clone(),
            schema: snapshot.schema().as_ref().clone(),
            files,
            store,
        }
        .checked(snapshot.protocol())?)
    }

    fn checked(self, protocol: &deltalake::kernel::Protocol) -> Result<Self, LakeError> {
        check_writable(&self.name, Some(protocol), &self.metadata)?;
        let deletes = |file: &&Arc<TableFile>| file.add.deletion_vector.is_some();
        if let Some(file) = self.files.values().find(deletes) {
            return Err(LakeError::Foreign {
                table: self.name,
                what: format!("rows of {} are deleted by a deletion vector", file.add.path),
            });
        }
        Ok(self)
    }

    /// Whether the table's owner has forbidden to take rows out again.
    pub(crate) fn is_append_only(&self) -> bool {
        let value = self.metadata.configuration().get("delta.appendOnly");
        value.is_some_and(|value| value == "true")
    }

    /// Names of the columns in their order, the day among them.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.schema
            .fields()
            .map(|field| field.name().clone())
            .collect()
    }

    /// Its schema with the columns that rows have and it has not; `None` if it has all.
    pub(crate) fn widened_by(&self, rows: &Schema) -> Result<Option<StructType>, LakeError> {
        widened(&self.name, &self.schema, rows)
    }

    /// The days that it has rows of.
    pub(crate) fn days(&self) -> Vec<Day> {
        let mut days: Vec<Day> = self.files.values().map(|file| file.day).collect();
        days.sort_unstable();
        days.dedup();
        days
    }

    /// The files of a day, in the order of their names: that of the offsets they begin with.
    pub(crate) fn files_of(&self, day: Day) -> Vec<Arc<TableFile>> {
        let of_day = self.files.values().filter(|file| file.day == day);
        of_day.cloned().collect()
    }

    /// The day that `--day` names.
    pub(crate) fn day_named(&self, day: i32) -> Result<Day, MaintainError> {
        let days = self.days();
        if days.contains(&Some(day)) {
            return Ok(Some(day));
        }
        let span = match (days.iter().flatten().next(), days.last()) {
            (Some(first), Some(Some(last))) => format!("{} to {}", date(*first), date(*last)),
            _ => "none with a date".to_owned(),
        };
        Err(MaintainError::NoDay {
            table: self.name.clone(),
            day: date(day),
            days: days.len(),
            span,
        })
    }

    /// Commits a replacement on the condition that its files are still there. Commits of others
    /// in between stay; `concerns` says of a file that they brought whether the replacement would
    /// have been another with it.
    pub(crate) async fn replace(
        &mut self,
        change: &Replacement<'_>,
        concerns: &dyn Fn(&TableFile) -> bool,
    ) -> Result<Replaced, MaintainError> {
        for attempt in 0..ATTEMPTS_MAX {
            if self.try_replace(change).await? {
                checkpoint(&self.store, &self.name, self.version).await;
                return Ok(Replaced::Done);
            }
            pause(attempt).await;
            if self.follow(change, concerns).await? == Replaced::Stale {
                return Ok(Replaced::Stale);
            }
        }
        Err(LakeError::Contended {
            table: self.name.clone(),
            attempts: ATTEMPTS_MAX,
        }
        .into())
    }

    /// Writes the next version; `false` if someone else did.
    async fn try_replace(&mut self, change: &Replacement<'_>) -> Result<bool, MaintainError> {
        let failed = self.tables.delta_error(&self.name, "writing");
        let mut schema = if change.retyped {
            crate::widen::empty_schema(&self.name)?
        } else {
            self.schema.clone()
        };
        for new in change.added {
            if let Some(wider) = widened(&self.name, &schema, &new.file.schema)? {
                schema = wider;
            }
        }
        let mut actions = Vec::new();
        let mut metadata = self.metadata.clone();
        if schema != self.schema {
            let wider = metadata.with_schema(&schema);
            metadata = wider.map_err(|error| failed(error.into()))?;
            actions.push(Action::Metadata(metadata.clone()));
        }
        let removed = change.removed.iter();
        actions.extend(removed.map(|file| Action::Remove(file.remove(change.data_change))));
        let added: Vec<Add> = change
            .added
            .iter()
            .map(|new| new.add(change.data_change))
            .collect();
        actions.extend(added.iter().cloned().map(Action::Add));
        // Tells this commit from all others, should its answer be lost on the way.
        let token = json!(format!("{:016x}", random()));
        let information = HashMap::from([("passlineCommit".to_owned(), token)]);
        let octets = CommitData::new(actions, change.operation.clone(), information, Vec::new())
            .get_bytes()
            .map_err(|error| failed(error.into()))?;
        let version = self.version + 1;
        let entry = CommitOrBytes::LogBytes(octets.clone());
        let written = self
            .store
            .write_commit_entry(version, entry, Default::default());
        if let Err(error) = written.await {
            let there = self.store.read_commit_entry(version).await;
            let is_own = matches!(&there, Ok(Some(entry)) if *entry == octets);
            match error {
                _ if is_own => {}
                TransactionError::VersionAlreadyExists(_) => return Ok(false),
                error => return Err(failed(error.into()).into()),
            }
        }
        if let Some(folder) = &self.folder {
            sync_entry(folder, version)?;
        }
        for file in change.removed {
            self.files.remove(&file.add.path);
        }
        for add in added {
            let file = TableFile::new(add);
            self.files.insert(file.add.path.clone(), Arc::new(file));
        }
        (self.version, self.schema, self.metadata) = (version, schema, metadata);
        Ok(true)
    }

    /// Reads what others committed, and says whether the change still fits.
    async fn follow(
        &mut self,
        change: &Replacement<'_>,
        concerns: &dyn Fn(&TableFile) -> bool,
    ) -> Result<Replaced, MaintainError> {
        let mut fits = Replaced::Done;
        let failed = self.tables.delta_error(&self.name, "reading");
        let first = self.version + 1;
        loop {
            let version = self.version + 1;
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
                self.schema = schema.map_err(|error| failed(error.into()))?;
                self.metadata = metadata;
            }
            check_writable(&self.name, entry.protocol.as_ref(), &self.metadata)?;
            for path in entry.removed {
                self.files.remove(&path);
                if change.removed.iter().any(|file| file.add.path == path) {
                    fits = Replaced::Stale;
                }
            }
            for add in entry.added {
                let file = Arc::new(TableFile::new(add));
                if concerns(&file) {
                    fits = Replaced::Stale;
                }
                self.files.insert(file.add.path.clone(), file);
            }
            self.version = version;
        }
        if self.version + 1 == first {
            // Somebody has cleaned the log behind a checkpoint.
            *self = Self::open(&self.tables, &self.name).await?;
            return Ok(Replaced::Stale);
        }
        Ok(fits)
    }
}

impl TableFile {
    pub(crate) fn new(add: Add) -> Self {
        let stats: Value = add
            .stats
            .as_deref()
            .and_then(|stats| serde_json::from_str(stats).ok())
            .unwrap_or(Value::Null);
        let day = add.partition_values.get(DAY_COLUMN).cloned().flatten();
        let day = day.and_then(|day| Date32Type::parse(&day));
        let rows = stats["numRecords"].as_u64();
        let bound = |which: &str, column: &str| stats[which][column].as_str().map(str::to_owned);
        let time = |which: &str| {
            let nanoseconds = string_to_timestamp_nanos(&bound(which, "time")?).ok()?;
            Some(nanoseconds.div_euclid(1_000))
        };
        let nulls = |column: &str| stats["nullCount"][column].as_u64();
        let (mut low, mut high) = (Key::first(), Key::last());
        if nulls("spacecraft") == Some(0) {
            if let Some(name) = bound("minValues", "spacecraft") {
                low.spacecraft = name.into();
            }
            if let Some(name) = bound("maxValues", "spacecraft") {
                high.spacecraft = name.into();
            }
        }
        if nulls("time") == Some(0) {
            low.time = time("minValues").unwrap_or(low.time);
        }
        // Other writers cut statistics to milliseconds.
        high.time = match time("maxValues") {
            Some(time) => time.saturating_add(if time % 1_000 == 0 { 999 } else { 0 }),
            None if rows.is_some() && nulls("time") == rows => i64::MIN,
            None => high.time,
        };
        let times = if nulls("time") == Some(0) {
            time("minValues").zip(time("maxValues").map(|_| high.time))
        } else {
            None
        };
        let full = false;
        let mut file = Self {
            add,
            day,
            rows,
            low,
            high,
            times,
            full,
        };
        file.take_compacted();
        file
    }

    /// What compaction noted: statistics do not tell where several spacecraft begin and end.
    fn take_compacted(&mut self) {
        let note = self
            .tag(COMPACTED_TAG)
            .and_then(|note| serde_json::from_str(note).ok());
        let note: Value = note.unwrap_or(Value::Null);
        let key = |which: &str| {
            Some(Key {
                spacecraft: note[which][0].as_str()?.into(),
                time: note[which][1].as_i64()?,
            })
        };
        if let (Some(low), Some(high)) = (key("first"), key("last")) {
            (self.low, self.high) = (low, high);
        }
        self.full = note["full"] == true;
    }

    /// Whether it came with rows that were not there before.
    pub(crate) fn data_change(&self) -> bool {
        self.add.data_change
    }

    pub(crate) fn size(&self) -> u64 {
        self.add.size.cast_unsigned()
    }

    fn tag(&self, name: &str) -> Option<&str> {
        self.add.tags.as_ref()?.get(name)?.as_deref()
    }

    /// Name of the log that its rows came from, if it is known.
    pub(crate) fn log(&self) -> Option<&str> {
        self.tag(LOG_TAG)
    }

    /// The offset that its name begins with.
    pub(crate) fn first_offset(&self) -> u64 {
        let name = self.add.path.rsplit('/').next().unwrap_or_default();
        let offset = name
            .strip_prefix("part-")
            .and_then(|name| name.split('-').next());
        offset.and_then(|offset| offset.parse().ok()).unwrap_or(0)
    }

    fn remove(&self, data_change: bool) -> Remove {
        // Vacuum keeps a removed file from here on, for those who still read it.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Remove {
            path: self.add.path.clone(),
            data_change,
            deletion_timestamp: now.ok().and_then(|now| i64::try_from(now.as_millis()).ok()),
            extended_file_metadata: Some(true),
            partition_values: Some([(DAY_COLUMN.to_owned(), day_value(self.day))].into()),
            size: Some(self.add.size),
            tags: self.add.tags.clone(),
            ..Remove::default()
        }
    }
}

impl NewFile {
    fn add(&self, data_change: bool) -> Add {
        Add {
            path: self.stored.path.clone(),
            partition_values: [(DAY_COLUMN.to_owned(), day_value(self.file.day))].into(),
            size: self.stored.size.cast_signed(),
            modification_time: 0,
            data_change,
            stats: Some(stats_text(&self.file.encoded.metadata)),
            tags: Some(self.tags.clone()),
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        }
    }
}
