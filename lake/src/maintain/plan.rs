//! Planning: which files of a day are to be rewritten together.
//!
//! Files that overlap, in the order of spacecraft and time, form a heap; a heap of more than one
//! file is dirty. Small heaps next to each other become one. What is neither stays as it is, so
//! that late rows cost the files that they fall into, not the day, and a compacted day is not
//! rewritten again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::table::TableFile;

/// Octets at which a file is ended: what a reader takes at once, and a writer holds in memory.
pub(crate) const FILE_OCTETS: u64 = if cfg!(test) { 128 << 10 } else { 64 << 20 };

/// A heap below this is small.
const SMALL_OCTETS: u64 = FILE_OCTETS / 2;

/// Neighbouring files.
#[derive(Default)]
struct Heap {
    files: Vec<Arc<TableFile>>,
    octets: u64,
    /// Ended because it was full.
    full: bool,
}

impl Heap {
    fn is_small(&self) -> bool {
        !self.full && self.octets < SMALL_OCTETS
    }

    fn take(&mut self, other: Self) {
        self.files.extend(other.files);
        self.octets = self.octets.saturating_add(other.octets);
        self.full &= other.full;
    }
}

/// The groups of a day's files to rewrite, each into files of its own; none if the day is clean.
/// A day of fewer than `files_min` files is left alone; with `all` every file is rewritten.
///
/// Files of different logs stay apart: by its log a contact is told from the same contact that was
/// replayed elsewhere.
pub(crate) fn plan(
    files: &[Arc<TableFile>],
    files_min: usize,
    all: bool,
) -> Vec<Vec<Arc<TableFile>>> {
    let mut logs: BTreeMap<Option<&str>, Vec<Arc<TableFile>>> = BTreeMap::new();
    for file in files {
        logs.entry(file.log()).or_default().push(Arc::clone(file));
    }
    if all {
        return logs.into_values().collect();
    }
    if files.len() < files_min {
        return Vec::new();
    }
    logs.values()
        .flat_map(|files| dirty_groups(files))
        .collect()
}

fn dirty_groups(files: &[Arc<TableFile>]) -> Vec<Vec<Arc<TableFile>>> {
    let mut groups: Vec<Heap> = Vec::new();
    for heap in heaps(files) {
        match groups.last_mut() {
            Some(last) if last.is_small() && heap.is_small() => last.take(heap),
            _ => groups.push(heap),
        }
    }
    let groups = groups.into_iter().map(|group| group.files);
    groups.filter(|files| files.len() > 1).collect()
}

/// The heaps of overlapping files, in order.
fn heaps(files: &[Arc<TableFile>]) -> Vec<Heap> {
    let mut sorted = files.to_vec();
    sorted.sort_by(|a, b| (&a.low, &a.add.path).cmp(&(&b.low, &b.add.path)));
    let mut heaps: Vec<Heap> = Vec::new();
    let mut end = None;
    for file in sorted {
        let alone = Heap {
            octets: file.size(),
            full: file.full,
            files: vec![Arc::clone(&file)],
        };
        match heaps.last_mut() {
            Some(last) if end.as_ref().is_some_and(|end| file.low < *end) => last.take(alone),
            _ => {
                heaps.push(alone);
                end = None;
            }
        }
        end = end.max(Some(file.high.clone()));
    }
    heaps
}

#[cfg(test)]
mod tests {
    use deltalake::kernel::Add;

    use super::*;

    /// A file of rows from one second of a minute to another.
    fn file(path: &str, size: u64, from: u32, to: u32, full: bool) -> Arc<TableFile> {
        let time = |second: u32| format!("2024-12-06T00:00:{second:02}.000001Z");
        let stats = format!(
            r#"{{"numRecords":2,"minValues":{{"time":"{}","spacecraft":"a"}},
                "maxValues":{{"time":"{}","spacecraft":"a"}},"nullCount":{{"time":0,"spacecraft":0}}}}"#,
            time(from),
            time(to)
        );
        let mut file = TableFile::new(Add {
            path: path.to_owned(),
            size: size.cast_signed(),
            stats: Some(stats),
            ..Add::default()
        });
        file.full = full;
        Arc::new(file)
    }

    fn planned(files: &[Arc<TableFile>], files_min: usize) -> Vec<Vec<&str>> {
        let mut groups = Vec::new();
        for group in plan(files, files_min, false) {
            let names = group.iter().map(|file| file.add.path.clone());
            let names: Vec<String> = names.collect();
            let known = files.iter().map(|file| file.add.path.as_str());
            groups.push(
                known
                    .filter(|name| names.iter().any(|n| n == name))
                    .collect(),
            );
        }
        groups
    }

    #[test]
    fn one_file_is_clean_and_small_neighbours_become_one() {
        let large = FILE_OCTETS;
        assert!(planned(&[file("a", 1, 0, 5, false)], 2).is_empty());
        let files = [
            file("a", 1, 0, 5, false),
            file("b", 1, 5, 9, false),
            file("c", large, 10, 20, false),
            file("d", 1, 21, 22, false),
        ];
        assert_eq!(planned(&files, 2), [["a", "b"]]);
        assert!(planned(&files, 5).is_empty());
    }

    #[test]
    fn overlapping_files_are_rewritten_and_their_full_neighbours_stay() {
        let large = FILE_OCTETS;
        let files = [
            file("a", large, 0, 10, true),
            file("b", large, 10, 20, true),
            file("c", 1, 12, 13, false),
            file("d", 1, 20, 30, false),
        ];
        assert_eq!(planned(&files, 2), [["b", "c"]]);
    }

    #[test]
    fn what_a_compaction_leaves_is_clean() {
        let files = [
            file("a", FILE_OCTETS / 3, 0, 10, true),
            file("b", FILE_OCTETS / 3, 10, 20, true),
            file("c", 1, 20, 30, false),
        ];
        assert!(planned(&files, 2).is_empty());
        assert_eq!(plan(&files, 2, true).len(), 1);
    }

    #[test]
    fn files_that_say_nothing_of_their_rows_overlap_with_all() {
        let unknown = Arc::new(TableFile::new(Add {
            path: "x".to_owned(),
            size: 1,
            ..Add::default()
        }));
        let files = [file("a", FILE_OCTETS, 0, 10, true), unknown];
        assert_eq!(planned(&files, 2).len(), 1);
    }
}
