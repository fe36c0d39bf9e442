//! Recovering: what a partition still has after the process or the machine stopped.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Condvar, Mutex};

use crate::codec::check_block;
use crate::embedded::BusConfig;
use crate::embedded::index::{Entry, Index, Place};
use crate::embedded::partition::{Partition, State, Writer};
use crate::embedded::segment::{Segments, file_name, read_block};
use crate::error::BusError;
use crate::topic::Offset;

/// Reads what the store says of a partition and drops unsynced blocks from the first damaged on.
pub(crate) fn open_partition(
    index: &Index,
    folder: &Path,
    place: Place,
    names: &[Offset],
    config: &BusConfig,
) -> Result<Partition, BusError> {
    let mut end = index.end(place)?;
    let entries = index.entries(place, index.synced(place)?, Offset::MAX)?;
    let damaged = entries
        .iter()
        .position(|entry| !is_whole(folder, place, entry));
    if let Some(first) = damaged {
        let cut = entries[first].base;
        tracing::warn!(
            topic = %place.topic, from = cut, to = end,
            "unsynced blocks were damaged and are dropped; publish them again"
        );
        index.cut(place, cut, &entries[first..])?;
        end = cut;
    }
    let groups: BTreeMap<_, _> = index.groups(place)?.into_iter().collect();
    let start = index.next_entry(place, 0)?.map_or(end, |entry| entry.base);
    let segments = Segments::open(folder, place, config.segment_octets_max, names, start, end);
    Ok(Partition {
        place,
        writer: Mutex::new(Writer {
            segments,
            end,
            start,
            groups,
        }),
        state: Mutex::new(State {
            end,
            ..State::default()
        }),
        published: Condvar::new(),
    })
}

fn is_whole(folder: &Path, place: Place, entry: &Entry) -> bool {
    File::open(folder.join(file_name(place, entry.segment)))
        .and_then(|file| read_block(&file, entry.position, entry.length))
        .is_ok_and(|octets| check_block(&octets).is_ok())
}
