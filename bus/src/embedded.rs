//! The embedded backend: one folder, one writing process.
//!
//! `index/` is the store (where blocks lie, what producers have published, what consumer groups
//! have committed), `segments/` holds the blocks' octets. A block is written to its segment, then
//! its entry to the store in one atomic batch: a process killed in between leaves octets that
//! nothing refers to. [`Embedded::sync`] writes segments, then the store, to the disk. After a power
//! failure blocks that were published and not synced may be damaged: opening drops them from the
//! first damaged one on, and their producers' numbers with them, so that they can be published
//! again.

mod index;
mod partition;
mod recover;
mod segment;
mod subscription;

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::index::{Entry, Index, Place};
use self::partition::{Budget, Partition};
use self::recover::open_partition;
use self::segment::{Unsynced, list};
pub(crate) use self::subscription::Subscription;
use crate::block::{Block, Headers, Record};
use crate::codec::encode_block;
use crate::error::BusError;
use crate::producer::{ContactState, Published};
use crate::topic::{Offset, Topic};

/// What becomes of blocks that every consumer group has committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Retention {
    /// They are deleted: the tables have them.
    #[default]
    UntilCommitted,
    /// They stay.
    Keep,
}

/// Bounds of the embedded log.
#[derive(Clone, Debug)]
pub struct BusConfig {
    /// Octets published and not yet consumed by the slowest live subscription, over all topics.
    /// When full, publishing blocks; nothing is dropped.
    pub unconsumed_octets_max: usize,
    /// A segment file is closed at this size; deleting goes by whole segments.
    pub segment_octets_max: u64,
    /// What becomes of committed blocks.
    pub retention: Retention,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self {
            unconsumed_octets_max: 24 << 20,
            segment_octets_max: 32 << 20,
            retention: Retention::default(),
        }
    }
}

/// The log, opened. Clones share it.
#[derive(Clone)]
pub(crate) struct Embedded(Arc<Inner>);

struct Inner {
    /// Locked as long as the log is open.
    _lock: File,
    folder: PathBuf,
    config: BusConfig,
    index: Index,
    partitions: Vec<Arc<Partition>>,
    budget: Budget,
    /// Blocks published and releases made, for group commit.
    changes: AtomicU64,
    /// Value of `changes` that the last sync covered; held while syncing.
    synced: Mutex<u64>,
}

impl Embedded {
    /// Opens the log in a folder, creating it if there is none.
    pub(crate) fn open(folder: &Path, config: BusConfig) -> Result<Self, BusError> {
        let failed = io_error("opening the log", folder);
        let segments = folder.join(SEGMENTS);
        std::fs::create_dir_all(&segments).map_err(&failed)?;
        let lock = lock(folder)?;
        let index = Index::open(&folder.join(INDEX))?;
        let mut names: BTreeMap<usize, Vec<Offset>> = BTreeMap::new();
        for (place, name) in list(&segments).map_err(&failed)? {
            if place.partition == PARTITION {
                names.entry(place.topic.index()).or_default().push(name);
            }
        }
        let partitions = Topic::ALL
            .into_iter()
            .map(|topic| {
                let place = Place {
                    topic,
                    partition: PARTITION,
                };
                let names = names.remove(&topic.index()).unwrap_or_default();
                open_partition(&index, &segments, place, &names, &config).map(Arc::new)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Inner {
            _lock: lock,
            folder: folder.to_owned(),
            budget: Budget::new(config.unconsumed_octets_max),
            config,
            index,
            partitions,
            // What opening found released is deleted by the first sync.
            changes: AtomicU64::new(1),
            synced: Mutex::new(0),
        })))
    }

    /// Notes a contact, unless it is known with another mission version.
    pub(crate) fn register(&self, headers: &Headers) -> Result<(), BusError> {
        match self.0.index.contact(&headers.contact)? {
            Some(stored) => stored.check_version(headers),
            None => {
                let state = ContactState {
                    mission_version: headers.mission_version.clone(),
                    complete: false,
                };
                self.0.index.put_contact(&headers.contact, &state)
            }
        }
    }

    /// The next sequence numbers of a contact, by topic.
    pub(crate) fn next_sequences(
        &self,
        contact: &str,
    ) -> Result<[u64; Topic::ALL.len()], BusError> {
        let mut next = [0; Topic::ALL.len()];
        for topic in Topic::ALL {
            next[topic.index()] = self.0.index.next_sequence(topic, contact)?;
        }
        Ok(next)
    }

    /// Contacts that are complete, and of which that was not forwarded, by name.
    pub(crate) fn unforwarded(&self) -> Result<Vec<(String, ContactState)>, BusError> {
        self.0.index.unforwarded()
    }

    /// Remembers that a contact's completion was forwarded.
    pub(crate) fn note_forwarded(&self, contact: &str) -> Result<(), BusError> {
        self.0.index.note_forwarded(contact)
    }

    /// What is known of a contact.
    pub(crate) fn contact(&self, contact: &str) -> Result<Option<ContactState>, BusError> {
        self.0.index.contact(contact)
    }

    /// Subscribes a consumer group to a partition, from what it has committed on. The log keeps
    /// what a known group has not committed.
    pub(crate) fn subscribe(
        &self,
        topic: Topic,
        partition: u32,
        group: &str,
    ) -> Result<Subscription, BusError> {
        let partition = self.partition(topic, partition)?;
        let committed = {
            let mut writer = locked(&partition.writer);
            match writer.groups.get(group).copied() {
                Some(committed) => committed,
                None => {
                    let start = writer.start;
                    self.0
                        .index
                        .commit_group(partition.place, group, start, &[])?;
                    writer.groups.insert(group.to_owned(), start);
                    start
                }
            }
        };
        let group = Some(group.to_owned());
        Ok(Subscription::new(self.clone(), partition, group, committed))
    }

    /// Reads a partition from an offset on without being a group: it holds nothing back.
    pub(crate) fn read_from(
        &self,
        topic: Topic,
        partition: u32,
        from: Offset,
    ) -> Result<Subscription, BusError> {
        let partition = self.partition(topic, partition)?;
        Ok(Subscription::new(self.clone(), partition, None, from))
    }

    /// First offset that is stored.
    pub(crate) fn start_offset(&self, topic: Topic, partition: u32) -> Result<Offset, BusError> {
        Ok(locked(&self.partition(topic, partition)?.writer).start)
    }

    /// Offset that the next record gets.
    pub(crate) fn end_offset(&self, topic: Topic, partition: u32) -> Result<Offset, BusError> {
        Ok(locked(&self.partition(topic, partition)?.state).end)
    }

    /// Makes everything published before the call survive a power failure. Calls that come
    /// together share one sync.
    pub(crate) fn sync(&self) -> Result<(), BusError> {
        let wanted = self.0.changes.load(Ordering::Acquire);
        let mut synced = locked(&self.0.synced);
        if *synced >= wanted {
            return Ok(());
        }
        let covered = self.0.changes.load(Ordering::Acquire);
        let mut ends = Vec::new();
        let mut work = Vec::new();
        for partition in &self.0.partitions {
            let mut writer = locked(&partition.writer);
            ends.push((partition.place, writer.end));
            work.push(writer.segments.take_unsynced());
        }
        let result = self.write_out(&ends, &work);
        if result.is_err() {
            for (partition, unsynced) in self.0.partitions.iter().zip(work) {
                locked(&partition.writer).segments.put_back(unsynced);
            }
        } else {
            *synced = covered;
        }
        result
    }

    fn write_out(&self, ends: &[(Place, Offset)], work: &[Unsynced]) -> Result<(), BusError> {
        let failed = io_error("syncing", &self.0.folder);
        let mut any = false;
        for file in work.iter().flat_map(|unsynced| unsynced.files.values()) {
            file.sync_data().map_err(&failed)?;
            any = true;
        }
        if any {
            File::open(self.segments_folder())
                .and_then(|folder| folder.sync_all())
                .map_err(&failed)?;
        }
        self.0.index.note_synced(ends)?;
        self.0.index.persist()?;
        for path in work.iter().flat_map(|unsynced| &unsynced.doomed) {
            // One that stays is deleted when the log is opened again.
            if let Err(error) = std::fs::remove_file(path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "a released segment stays");
            }
        }
        Ok(())
    }

    /// Lets every waiting [`Subscription::poll`] return.
    pub(crate) fn wake(&self) {
        for partition in &self.0.partitions {
            locked(&partition.state).woken += 1;
            partition.published.notify_all();
        }
    }

    /// Counts the calls of [`Embedded::wake`].
    pub(crate) fn woken(&self) -> u64 {
        let first = self.0.partitions.first();
        first.map_or(0, |partition| locked(&partition.state).woken)
    }

    /// Octets that the log occupies on the disk.
    pub(crate) fn disk_octets(&self) -> Result<u64, BusError> {
        let failed = io_error("measuring", &self.0.folder);
        let mut octets = 0;
        for file in std::fs::read_dir(self.segments_folder()).map_err(&failed)? {
            octets += file
                .and_then(|file| file.metadata())
                .map_err(&failed)?
                .len();
        }
        Ok(octets)
    }

    pub(crate) fn index(&self) -> &Index {
        &self.0.index
    }

    pub(crate) fn segments_folder(&self) -> PathBuf {
        self.0.folder.join(SEGMENTS)
    }

    pub(crate) fn freed(&self, octets: usize) {
        self.0.budget.free(octets);
    }

    pub(crate) fn complete(&self, headers: &Headers) -> Result<(), BusError> {
        let state = ContactState {
            mission_version: headers.mission_version.clone(),
            complete: true,
        };
        self.0.index.put_contact(&headers.contact, &state)
    }

    pub(crate) fn publish(&self, topic: Topic, block: Block) -> Result<Published, BusError> {
        let next = self.0.index.next_sequence(topic, &block.headers.contact)?;
        if block.sequence < next {
            return Ok(Published::Duplicate);
        }
        let encoded = encode_block(&block).map_err(|source| BusError::Publish { topic, source })?;
        let partition = self.partition(topic, PARTITION)?;
        let octets = encoded.len();
        if !locked(&partition.state).consumed.is_empty() {
            self.0.budget.wait_for(octets);
        }
        self.append(&partition, block, &encoded)?;
        Ok(Published::Stored)
    }

    fn append(&self, partition: &Partition, block: Block, encoded: &[u8]) -> Result<(), BusError> {
        let octets = encoded.len();
        let mut writer = locked(&partition.writer);
        let base = writer.end;
        let (segment, position) = writer
            .segments
            .append(base, encoded)
            .map_err(io_error("publishing", &self.0.folder))?;
        let entry = Entry {
            base,
            count: block.payload.len() as u32,
            segment,
            position,
            length: encoded.len() as u64,
            sequence: block.sequence,
            contact: block.headers.contact.clone(),
        };
        if let Err(error) = self.0.index.append(partition.place, &entry) {
            writer
                .segments
                .take_back(position)
                .map_err(io_error("publishing", &self.0.folder))?;
            return Err(error);
        }
        writer.end = entry.end();
        self.0.changes.fetch_add(1, Ordering::AcqRel);
        let mut state = locked(&partition.state);
        state.end = entry.end();
        if !state.consumed.is_empty() {
            self.0.budget.add(octets);
            state.tail.push_back(Arc::new(Record {
                topic: partition.place.topic,
                partition: partition.place.partition,
                base,
                end: entry.end(),
                octets,
                block,
            }));
        }
        drop(state);
        partition.published.notify_all();
        Ok(())
    }

    pub(crate) fn commit(
        &self,
        partition: &Partition,
        group: &str,
        up_to: Offset,
    ) -> Result<(), BusError> {
        let mut writer = locked(&partition.writer);
        let up_to = up_to.min(writer.end);
        if writer
            .groups
            .get(group)
            .is_some_and(|committed| *committed >= up_to)
        {
            return Ok(());
        }
        let others = writer.groups.iter().filter(|(name, _)| *name != group);
        let floor = others
            .map(|(_, committed)| *committed)
            .min()
            .unwrap_or(up_to)
            .min(up_to);
        let released = match self.0.config.retention {
            Retention::Keep => Vec::new(),
            Retention::UntilCommitted => {
                let mut entries = self.0.index.entries(partition.place, writer.start, floor)?;
                entries.retain(|entry| entry.end() <= floor);
                entries
            }
        };
        self.0
            .index
            .commit_group(partition.place, group, up_to, &released)?;
        writer.groups.insert(group.to_owned(), up_to);
        if let Some(last) = released.last() {
            self.0.changes.fetch_add(1, Ordering::AcqRel);
            writer.start = last.end();
            if writer.start == writer.end {
                let end = writer.end;
                writer.segments.release_all(end);
            } else {
                let start = writer.start;
                writer.segments.release(start);
            }
        }
        Ok(())
    }

    fn partition(&self, topic: Topic, partition: u32) -> Result<Arc<Partition>, BusError> {
        let found = self
            .0
            .partitions
            .get(topic.index())
            .filter(|_| partition == PARTITION);
        found.cloned().ok_or(BusError::Partition {
            topic,
            partition,
            partitions: 1,
        })
    }
}

/// Locks the log for this process; the operating system unlocks it when the process ends.
fn lock(folder: &Path) -> Result<File, BusError> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(io_error("locking", folder))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BusError::Locked { lock: path }),
        Err(TryLockError::Error(error)) => Err(io_error("locking", folder)(error)),
    }
}

fn io_error(doing: &'static str, folder: &Path) -> impl Fn(std::io::Error) -> BusError {
    let folder = folder.to_owned();
    move |source| BusError::Io {
        doing,
        folder: folder.clone(),
        source,
    }
}

/// Locks; a thread that panicked with the lock held leaves consistent values behind, since values
/// change only after what they describe has been written.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const LOCK: &str = "lock";
const INDEX: &str = "index";
const SEGMENTS: &str = "segments";
/// The only partition of a topic in the embedded log.
const PARTITION: u32 = 0;

#[cfg(test)]
mod tests;
