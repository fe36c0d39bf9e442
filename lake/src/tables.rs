//! The tables at a location: their names, and their logs.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use futures::StreamExt;
use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use url::Url;

use crate::LOG_FOLDER as LOG;
use crate::error::LakeError;
use crate::location::Location;
use crate::remote::{LAKE, Remote};

/// The tables at a location. Clones share a connection; use one only within one runtime.
#[derive(Clone)]
pub struct Tables {
    inner: Arc<Inner>,
}

struct Inner {
    location: Location,
    root: Root,
    /// Names found by the last [`Tables::names`].
    listed: Mutex<BTreeSet<String>>,
}

#[derive(Clone)]
pub(crate) enum Root {
    Folder(PathBuf),
    Remote(Remote),
}

impl Tables {
    /// The tables of a location; nothing is read yet.
    ///
    /// # Errors
    /// [`LakeError::Location`] for settings that an object store refuses.
    pub fn open(location: &Location) -> Result<Self, LakeError> {
        let root = match (location.as_folder(), location.as_store()) {
            (None, Some((url, settings))) => {
                Root::Remote(Remote::connect(url, settings, location.to_string())?)
            }
            (folder, _) => {
                let folder = folder.map_or_else(PathBuf::new, |folder| folder.join(LAKE));
                let absolute = std::path::absolute(&folder);
                Root::Folder(absolute.map_err(|source| LakeError::Unreadable {
                    path: folder,
                    source,
                })?)
            }
        };
        Ok(Self {
            inner: Arc::new(Inner {
                location: location.clone(),
                root,
                listed: Mutex::default(),
            }),
        })
    }

    /// Where they lie.
    pub fn location(&self) -> &Location {
        &self.inner.location
    }

    pub(crate) fn root(&self) -> &Root {
        &self.inner.root
    }

    /// A table's folder, if it lies on this machine.
    pub fn folder(&self, table: &str) -> Option<PathBuf> {
        match &self.inner.root {
            Root::Folder(lake) => Some(lake.join(table)),
            Root::Remote(_) => None,
        }
    }

    /// Names of the tables, sorted. A location without any is no error.
    ///
    /// # Errors
    /// [`LakeError::Unreadable`], or why an object store does not answer.
    pub async fn names(&self) -> Result<Vec<String>, LakeError> {
        let names = match &self.inner.root {
            Root::Folder(lake) => names_in_folder(lake)?,
            Root::Remote(remote) => {
                let known = self.listed();
                names_in_store(remote, &known).await?
            }
        };
        *self.lock_listed() = names.clone();
        Ok(names.into_iter().collect())
    }

    /// Names of the tables now, without waiting for an object store: there, those that the last
    /// [`Tables::names`] found.
    pub fn names_at_hand(&self) -> Vec<String> {
        match &self.inner.root {
            Root::Folder(lake) => names_in_folder(lake).unwrap_or_default(),
            Root::Remote(_) => self.listed(),
        }
        .into_iter()
        .collect()
    }

    /// The log of a table, which need not exist yet.
    ///
    /// # Errors
    /// [`LakeError::Delta`] for a name that is no path.
    pub fn log_store(&self, table: &str) -> Result<LogStoreRef, LakeError> {
        let failed = |source: DeltaTableError| LakeError::Delta {
            table: table.to_owned(),
            doing: "opening",
            source: Box::new(source),
        };
        match &self.inner.root {
            Root::Folder(lake) => {
                let folder = lake.join(table);
                let url = Url::from_directory_path(&folder).map_err(|()| {
                    failed(DeltaTableError::InvalidTableLocation(
                        folder.display().to_string(),
                    ))
                })?;
                DeltaTableBuilder::from_url(url)
                    .and_then(|builder| builder.build_storage())
                    .map_err(failed)
            }
            Root::Remote(remote) => {
                let path = remote.prefix.clone().join(table);
                let mut url = remote.bucket.clone();
                url.set_path(&format!("{path}/"));
                let prefixed: Arc<dyn ObjectStore> =
                    Arc::new(PrefixStore::new(Arc::clone(&remote.store), path));
                let config = StorageConfig::default();
                Ok(default_logstore(
                    prefixed,
                    Arc::clone(&remote.store),
                    &url,
                    &config,
                ))
            }
        }
    }

    /// A table as of its latest commit.
    ///
    /// # Errors
    /// [`LakeError::Delta`] if there is no such table or it is damaged, or why an object store
    /// does not answer.
    pub async fn load(&self, table: &str) -> Result<DeltaTable, LakeError> {
        let mut loaded = DeltaTable::new(self.log_store(table)?);
        let failed = self.delta_error(table, "reading");
        loaded.load().await.map_err(failed)?;
        Ok(loaded)
    }

    /// What an error of a table's log means.
    pub(crate) fn delta_error(
        &self,
        table: &str,
        doing: &'static str,
    ) -> impl Fn(DeltaTableError) -> LakeError + use<> {
        let (table, root) = (table.to_owned(), self.inner.root.clone());
        move |source| {
            if let Root::Remote(remote) = &root
                && is_of_the_store(&source)
            {
                return remote.refusal(doing, Box::new(source));
            }
            LakeError::Delta {
                table: table.clone(),
                doing,
                source: Box::new(source),
            }
        }
    }

    fn listed(&self) -> BTreeSet<String> {
        self.lock_listed().clone()
    }

    fn lock_listed(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        let listed = self.inner.listed.lock();
        listed.unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tables({})", self.inner.location)
    }
}

/// Whether an object store said no, rather than a log being damaged.
fn is_of_the_store(error: &DeltaTableError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let of_store = error.downcast_ref::<object_store::Error>();
        if of_store.is_some_and(|error| !matches!(error, object_store::Error::NotFound { .. })) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn names_in_folder(lake: &std::path::Path) -> Result<BTreeSet<String>, LakeError> {
    let failed = |source| LakeError::Unreadable {
        path: lake.to_owned(),
        source,
    };
    let entries = match std::fs::read_dir(lake) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string()
            && has_commit(&entry.path().join(LOG))
        {
            names.insert(name);
        }
    }
    Ok(names)
}

/// A table whose first commit is still being written is not there yet.
fn has_commit(log: &std::path::Path) -> bool {
    std::fs::read_dir(log).is_ok_and(|mut entries| {
        entries.any(|entry| {
            let name = entry.map(|entry| entry.file_name());
            name.is_ok_and(|name| {
                let name = name.to_string_lossy();
                name.starts_with(|first: char| first.is_ascii_digit())
                    && (name.ends_with(".json") || name.ends_with(".parquet"))
            })
        })
    })
}

async fn names_in_store(
    remote: &Remote,
    known: &BTreeSet<String>,
) -> Result<BTreeSet<String>, LakeError> {
    let listing = remote.store.list_with_delimiter(Some(&remote.prefix));
    let found = remote.ask("listing", listing).await?;
    let found: Vec<String> = found
        .common_prefixes
        .iter()
        .filter_map(|path| path.filename().map(str::to_owned))
        .collect();
    let is_table = |name: String| async move {
        if known.contains(&name) {
            return Ok(Some(name));
        }
        let log = remote.prefix.clone().join(name.as_str()).join(LOG);
        let listing = remote.store.list_with_delimiter(Some(&log));
        let log = remote.ask("listing", listing).await?;
        Ok((!log.objects.is_empty()).then_some(name))
    };
    let checked: Vec<Result<Option<String>, LakeError>> = futures::stream::iter(found)
        .map(is_table)
        .buffered(LISTINGS_AT_ONCE)
        .collect()
        .await;
    checked.into_iter().filter_map(Result::transpose).collect()
}

/// Folders of an object store that are looked into at once.
const LISTINGS_AT_ONCE: usize = 16;
