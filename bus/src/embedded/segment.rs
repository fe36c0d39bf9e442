//! Segment files: the blocks' octets, appended one after the other.
//!
//! `<topic>-<partition>-<base offset of the first block>`. A file is deleted as a whole once all
//! its blocks are released and the store says so on the disk.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::embedded::index::Place;
use crate::topic::{Offset, Topic};

/// The segments of one partition.
pub(crate) struct Segments {
    folder: PathBuf,
    place: Place,
    octets_max: u64,
    current: Option<Current>,
    /// Segments and the offset where each ends; the current one's end is not kept up to date.
    closed: BTreeMap<Offset, Offset>,
    /// Written since the last sync, by name.
    dirty: BTreeMap<Offset, Arc<File>>,
    /// To be deleted once the store's release is on the disk.
    doomed: Vec<PathBuf>,
}

struct Current {
    name: Offset,
    file: Arc<File>,
    length: u64,
}

/// What a sync has to write to the disk, then to delete.
#[derive(Default)]
pub(crate) struct Unsynced {
    pub(crate) files: BTreeMap<Offset, Arc<File>>,
    pub(crate) doomed: Vec<PathBuf>,
}

impl Segments {
    /// Takes over the segments found in the folder; those that end at or before `start` go.
    pub(crate) fn open(
        folder: &Path,
        place: Place,
        octets_max: u64,
        names: &[Offset],
        start: Offset,
        end: Offset,
    ) -> Self {
        let mut segments = Self {
            folder: folder.to_owned(),
            place,
            octets_max,
            current: None,
            closed: BTreeMap::new(),
            dirty: BTreeMap::new(),
            doomed: Vec::new(),
        };
        for (index, name) in names.iter().enumerate() {
            let until = names.get(index + 1).copied().unwrap_or(end).min(end);
            segments.closed.insert(*name, until);
        }
        segments.release(start);
        segments
    }

    /// Appends a block; gives the segment's name and the position in it.
    pub(crate) fn append(&mut self, base: Offset, octets: &[u8]) -> io::Result<(Offset, u64)> {
        let mut current = match self.current.take() {
            Some(current) if current.length < self.octets_max => current,
            full => {
                if let Some(full) = full {
                    self.closed.insert(full.name, base);
                }
                self.create(base)?
            }
        };
        let position = current.length;
        let written = (&*current.file).write_all(octets);
        if written.is_ok() {
            current.length += octets.len() as u64;
        } else {
            // A full disk: what was written of the block must not stay before the next one.
            current.file.set_len(position)?;
        }
        let name = current.name;
        self.current = Some(current);
        written.map(|()| (name, position))
    }

    /// Takes the last appended block back.
    pub(crate) fn take_back(&mut self, position: u64) -> io::Result<()> {
        if let Some(current) = &mut self.current {
            current.file.set_len(position)?;
            current.length = position;
        }
        Ok(())
    }

    /// Dooms the segments of which every block is below `floor`.
    pub(crate) fn release(&mut self, floor: Offset) {
        let over: Vec<Offset> = self
            .closed
            .iter()
            .filter(|(_, end)| **end <= floor)
            .map(|(name, _)| *name)
            .collect();
        for name in over {
            self.closed.remove(&name);
            // Nobody will read it again.
            self.dirty.remove(&name);
            self.doomed.push(self.path(name));
        }
    }

    /// Dooms the current segment as well: every block published is released.
    pub(crate) fn release_all(&mut self, end: Offset) {
        if let Some(current) = self.current.take() {
            self.closed.insert(current.name, end);
        }
        self.release(end);
    }

    /// Hands over what a sync has to do.
    pub(crate) fn take_unsynced(&mut self) -> Unsynced {
        let unsynced = Unsynced {
            files: std::mem::take(&mut self.dirty),
            doomed: std::mem::take(&mut self.doomed),
        };
        // The current segment gets more blocks.
        let current = self.current.as_ref();
        self.dirty
            .extend(current.map(|current| (current.name, Arc::clone(&current.file))));
        unsynced
    }

    /// Puts back what a failed sync has not done.
    pub(crate) fn put_back(&mut self, unsynced: Unsynced) {
        self.dirty.extend(unsynced.files);
        self.doomed.extend(unsynced.doomed);
    }

    /// The path of a segment.
    pub(crate) fn path(&self, name: Offset) -> PathBuf {
        self.folder.join(file_name(self.place, name))
    }

    fn create(&mut self, base: Offset) -> io::Result<Current> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(self.path(base))?;
        // Left over from a process that ended before it told the store.
        file.set_len(0)?;
        let file = Arc::new(file);
        self.dirty.insert(base, Arc::clone(&file));
        Ok(Current {
            name: base,
            file,
            length: 0,
        })
    }
}

/// Reads a block's octets; allocates no more than the file holds.
pub(crate) fn read_block(file: &File, position: u64, length: u64) -> io::Result<Vec<u8>> {
    let available = file.metadata()?.len().saturating_sub(position);
    let mut octets = vec![0; length.min(available) as usize];
    file.read_exact_at(&mut octets, position)?;
    Ok(octets)
}

/// The segments in a folder, by partition, in order.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<(Place, Offset)>> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let name = file?.file_name();
        found.extend(name.to_str().and_then(parse_file_name));
    }
    found.sort_by_key(|(_, name)| *name);
    Ok(found)
}

pub(crate) fn file_name(place: Place, name: Offset) -> String {
    format!("{}-{}-{name:020}", place.topic, place.partition)
}

fn parse_file_name(name: &str) -> Option<(Place, Offset)> {
    let (rest, base) = name.rsplit_once('-')?;
    let (topic, partition) = rest.rsplit_once('-')?;
    let place = Place {
        topic: Topic::from_name(topic)?,
        partition: partition.parse().ok()?,
    };
    Some((place, base.parse().ok()?))
}
