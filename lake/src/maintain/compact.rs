//! Compacting: the files of a dirty day become few, sorted by spacecraft and time.
//!
//! The rows stay what they are (`dataChange` is false), and a commit takes the old files out and
//! the new ones in at once: whoever reads sees the one or the other. What ingest commits meanwhile
//! stays beside it.

use std::collections::BTreeSet;
use std::sync::Arc;

use deltalake::protocol::DeltaOperation;
use tokio::runtime::Handle;

use super::error::MaintainError;
use super::plan::{FILE_OCTETS, plan};
use super::rewrite::{DayWriter, Reading};
use super::table::{NewFile, Replaced, Replacement, Table, TableFile};
use crate::write::{Day, date};

/// What to compact.
#[derive(Clone, Debug)]
pub struct CompactOptions {
    /// Only this day: days since 1970-01-01.
    pub day: Option<i32>,
    /// Days of fewer files are left alone.
    pub files_min: usize,
    /// Rewrite days that look clean too.
    pub all: bool,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Default for CompactOptions {
    fn default() -> Self {
        Self {
            day: None,
            files_min: 2,
            all: false,
            dry_run: false,
        }
    }
}

/// A dirty day and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactedDay {
    /// Which table.
    pub table: String,
    /// Which day.
    pub day: Day,
    /// Rows of the files concerned.
    pub rows: u64,
    /// Files and octets of the day before.
    pub before: Size,
    /// The same after; `None` if nothing was done.
    pub after: Option<Size>,
}

/// How much a day takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Files.
    pub files: u64,
    /// Their octets.
    pub octets: u64,
}

impl Size {
    fn of<'a>(files: impl Iterator<Item = &'a Arc<TableFile>>) -> Self {
        files.fold(Self::default(), |size, file| Self {
            files: size.files + 1,
            octets: size.octets.saturating_add(file.size()),
        })
    }
}

/// Compacts the dirty days of a table, one commit each.
pub(crate) fn compact(
    table: &mut Table,
    runtime: &Handle,
    options: &CompactOptions,
    done: &mut dyn FnMut(&CompactedDay),
) -> Result<(), MaintainError> {
    let days = match options.day {
        Some(day) => vec![table.day_named(day)?],
        None => table.days(),
    };
    for day in days {
        if let Some(day) = compact_day(table, runtime, day, options)? {
            done(&day);
        }
    }
    Ok(())
}

/// `None` if the day is clean.
fn compact_day(
    table: &mut Table,
    runtime: &Handle,
    day: Day,
    options: &CompactOptions,
) -> Result<Option<CompactedDay>, MaintainError> {
    for _ in 0..ATTEMPTS_MAX {
        let files = table.files_of(day);
        let groups = plan(&files, options.files_min, options.all);
        if groups.is_empty() {
            return Ok(None);
        }
        let mut compacted = CompactedDay {
            table: table.name.clone(),
            day,
            rows: groups.iter().flatten().filter_map(|file| file.rows).sum(),
            before: Size::of(files.iter()),
            after: None,
        };
        if options.dry_run {
            return Ok(Some(compacted));
        }
        let mut added = Vec::new();
        let mut rows = 0;
        for group in &groups {
            let (files, count) = rewrite(table, runtime, day, group)?;
            added.extend(files);
            rows += count;
        }
        let mut removed: Vec<Arc<TableFile>> = groups.into_iter().flatten().collect();
        leave_equal(&mut removed, &mut added);
        compacted.rows = rows;
        if removed.is_empty() && added.is_empty() {
            return Ok(None);
        }
        let change = Replacement {
            removed: &removed,
            added: &added,
            data_change: false,
            operation: DeltaOperation::Optimize {
                predicate: None,
                target_size: FILE_OCTETS.cast_signed(),
            },
            retyped: false,
        };
        if runtime.block_on(table.replace(&change, &|_| false))? == Replaced::Done {
            compacted.after = Some(Size::of(table.files_of(day).iter()));
            return Ok(Some(compacted));
        }
    }
    Err(MaintainError::Contended {
        table: table.name.clone(),
        day: day.map_or_else(|| "the day without a date".to_owned(), date),
    })
}

/// Rewrites files that belong together; nothing is committed.
fn rewrite(
    table: &Table,
    runtime: &Handle,
    day: Day,
    files: &[Arc<TableFile>],
) -> Result<(Vec<NewFile>, u64), MaintainError> {
    let mut reading = Reading::new(table, runtime, files.to_vec())?;
    let read = reading.rows();
    let noted: u64 = files.iter().filter_map(|file| file.rows).sum();
    let differ = |written| MaintainError::RowsDiffer {
        table: table.name.clone(),
        day: day.map_or_else(|| "no day".to_owned(), date),
        read,
        written,
    };
    // Footers and log must agree before anything is taken for the truth.
    if files.iter().all(|file| file.rows.is_some()) && noted != read {
        return Err(differ(noted));
    }
    loop {
        match write_sorted(&reading, day, files) {
            Ok((added, written)) if written == read => return Ok((added, written)),
            Ok((_, written)) => return Err(differ(written)),
            Err(error) if reading.note_unsorted(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn write_sorted(
    reading: &Reading<'_>,
    day: Day,
    files: &[Arc<TableFile>],
) -> Result<(Vec<NewFile>, u64), MaintainError> {
    let mut writer = DayWriter::new(reading.table, reading.runtime, day, files, &reading.schema);
    for batch in reading.merged()? {
        writer.write(&batch?)?;
    }
    writer.finish()
}

/// A file that would replace itself stays out of the commit.
pub(crate) fn leave_equal(removed: &mut Vec<Arc<TableFile>>, added: &mut Vec<NewFile>) {
    let old: BTreeSet<String> = removed.iter().map(|file| file.add.path.clone()).collect();
    let new: BTreeSet<String> = added.iter().map(|new| new.stored.path.clone()).collect();
    removed.retain(|file| !new.contains(&file.add.path));
    added.retain(|new| !old.contains(&new.stored.path));
}

/// How often a day is planned anew because someone else changed its files.
const ATTEMPTS_MAX: usize = 5;

#[cfg(test)]
mod tests;
