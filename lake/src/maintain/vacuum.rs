//! Vacuuming: files that no version of the table within the retention refers to are deleted.
//!
//! A query reads the files of the version that it began with; a worker stores files before it
//! commits them. Both are safe as long as neither takes longer than the retention: a file goes
//! only when it was written before it began, and was taken out of the table before it began, or
//! never was in it (a killed worker's).

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::Value;

use super::error::MaintainError;
use super::table::Table;
use crate::LOG_FOLDER;
use crate::error::LakeError;
use crate::follow::percent_decoded;
use crate::log::is_version;
use crate::tables::Root;

/// What to vacuum.
#[derive(Clone, Debug)]
pub struct VacuumOptions {
    /// Files of versions younger than this stay.
    pub retention: Duration,
    /// Allow less than [`RETENTION_MIN`].
    pub force: bool,
    /// Only say what would be deleted.
    pub dry_run: bool,
}

impl Default for VacuumOptions {
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(7 * 86_400),
            force: false,
            dry_run: false,
        }
    }
}

/// The shortest retention without force: longer than any query and any flush.
pub const RETENTION_MIN: Duration = Duration::from_secs(86_400);

/// What was deleted, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vacuumed {
    /// Files, relative to the table.
    pub paths: Vec<String>,
    /// Their octets.
    pub octets: u64,
    /// Files that no current version needs and that stay for the retention's sake.
    pub kept: u64,
}

/// Vacuums a table.
pub(crate) async fn vacuum(
    table: &Table,
    options: &VacuumOptions,
) -> Result<Vacuumed, MaintainError> {
    if options.retention < RETENTION_MIN && !options.force {
        return Err(MaintainError::Retention {
            minimum: RETENTION_MIN.as_secs() / 3_600,
        });
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let cutoff = now.saturating_sub(options.retention).as_millis();
    let cutoff = i64::try_from(cutoff).unwrap_or(i64::MAX);
    let store = table.store.object_store(None);
    let failed = |source| refused(table, "listing", source);
    let mut needed = recently_removed(table, store.as_ref(), cutoff).await?;
    needed.extend(table.files.keys().cloned());
    let mut vacuumed = Vacuumed::default();
    let mut objects = store.list(None);
    while let Some(object) = objects.try_next().await.map_err(failed)? {
        let path = object.location.as_ref();
        // Folders of other tools, as Delta's own rule has it.
        let hidden = path.split('/').next().is_some_and(|first| {
            (first.starts_with('_') || first.starts_with('.')) && !first.contains('=')
        });
        let decoded = percent_decoded(path);
        if hidden || table.files.contains_key(path) || table.files.contains_key(&decoded) {
            continue;
        }
        let young = object.last_modified.timestamp_millis() >= cutoff;
        if young || needed.contains(path) || needed.contains(&decoded) {
            vacuumed.kept += 1;
            continue;
        }
        vacuumed.octets = vacuumed.octets.saturating_add(object.size);
        vacuumed.paths.push(path.to_owned());
    }
    vacuumed.paths.sort_unstable();
    if !options.dry_run {
        let deleting = futures::stream::iter(&vacuumed.paths)
            .map(|path| delete(table, store.as_ref(), path))
            .buffer_unordered(DELETES_AT_ONCE);
        deleting.try_collect::<()>().await?;
    }
    Ok(vacuumed)
}

async fn delete(table: &Table, store: &dyn ObjectStore, path: &str) -> Result<(), MaintainError> {
    let location = Path::parse(path).map_err(|error| refused(table, "deleting", error.into()))?;
    match store.delete(&location).await {
        // Another vacuum was faster.
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(refused(table, "deleting", error)),
    }
}

/// Files that the log says were taken out of the table since a time: versions from then on need
/// them. Log entries that are gone belong to versions that nobody can read any more.
async fn recently_removed(
    table: &Table,
    store: &dyn ObjectStore,
    cutoff: i64,
) -> Result<BTreeSet<String>, MaintainError> {
    let folder = Path::from(LOG_FOLDER);
    let failed = |source| refused(table, "reading the log", source);
    let entries: Vec<_> = store
        .list(Some(&folder))
        .try_collect()
        .await
        .map_err(failed)?;
    let mut removed = BTreeSet::new();
    for entry in entries {
        let name = entry.location.filename().unwrap_or_default();
        // An entry holds removals of its own time.
        let written = entry.last_modified.timestamp_millis();
        if !is_version(name) || !name.ends_with(".json") || written < cutoff {
            continue;
        }
        let octets = store.get(&entry.location).await.map_err(failed)?;
        let octets = octets.bytes().await.map_err(failed)?;
        for line in octets.split(|octet| *octet == b'\n') {
            let line: Value = serde_json::from_slice(line).unwrap_or(Value::Null);
            removed.extend(line["remove"]["path"].as_str().map(percent_decoded));
        }
    }
    Ok(removed)
}

fn refused(table: &Table, doing: &'static str, source: object_store::Error) -> MaintainError {
    match table.tables.root() {
        Root::Remote(remote) => remote.refusal(doing, Box::new(source)).into(),
        Root::Folder(_) => LakeError::Io {
            doing,
            path: table.folder.clone().unwrap_or_default(),
            source: std::io::Error::other(source),
        }
        .into(),
    }
}

const DELETES_AT_ONCE: usize = 16;

#[cfg(test)]
mod tests;
