//! Duplicates: the same frame or packet received twice is one row, the better one.
//!
//! Two rows are of the same frame or packet if spacecraft, virtual channel and count (frames), or
//! spacecraft, virtual channel, APID, sequence count and time (packets and their telemetry) are
//! the same, and their contacts are not; see [`identity::Identity::is_copy`] for time, octets and
//! quality. Within a contact nothing is a duplicate: what a spacecraft repeats, it repeats, and
//! what a station publishes twice the bus knows by its number. The better quality stays, of equals
//! the one that was published first.
//!
//! Most rows have nothing to be compared with: no file of the table holds another contact of that
//! spacecraft at that time, as the files' statistics say, and they take the straight way. Where
//! contacts overlap, rows are held until the flush (which bounds them), compared with each other
//! and with the files that overlap, and only then encoded. A worse row that is stored already
//! leaves its file in the commit that brings the better one.

mod identity;
mod stored;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use lake::{FileIndex, FinishedFile, Known, TableFile, TableLog};
use tokio::runtime::Runtime;

pub(crate) use self::identity::Kind;
use self::identity::{Identity, Texts, identities};
use self::stored::{Stored, arrow_error, filtered, other_log, without};
use crate::error::IngestError;

/// What one table's rows must be compared with.
pub(crate) struct Duplicates {
    kind: Option<Kind>,
    /// Name of the log that this worker reads.
    log: String,
    texts: Texts,
    stored: Stored,
    /// What was taken since the last flush.
    spans: Vec<Span>,
    held: Vec<RecordBatch>,
    /// Spacecraft whose rows are held, since contacts overlap.
    overlapping: HashSet<String>,
}

/// Rows of one contact since the last flush.
struct Span {
    spacecraft: String,
    contact: String,
    first: i64,
    last: i64,
    held: bool,
}

/// What to do with rows.
pub(crate) enum Admission {
    /// They have nothing to be compared with.
    Straight(RecordBatch),
    /// They are held until the flush.
    Held,
    /// Flush what came before, then ask again: some of it may be worse, and is encoded already.
    AfterFlush,
}

/// Rows that are no duplicates, and what is to be done about those that are stored.
#[derive(Default)]
pub(crate) struct Resolved {
    /// By spacecraft, in the order of their publication.
    pub(crate) rows: Vec<(String, RecordBatch)>,
    /// Files that lose rows.
    pub(crate) removed: Vec<Arc<TableFile>>,
    /// The same without these rows, and the name of the log that they are from.
    pub(crate) rewritten: Vec<(FinishedFile, String)>,
    /// Rows that are not stored, or not any more.
    pub(crate) duplicates: u64,
    /// How many of them were stored already.
    pub(crate) replaced: u64,
}

impl Duplicates {
    pub(crate) fn new(table: &str, batch: &RecordBatch, log: &str) -> Self {
        Self {
            kind: Kind::of(table, batch),
            log: log.to_owned(),
            texts: Texts::default(),
            stored: Stored::default(),
            spans: Vec::new(),
            held: Vec::new(),
            overlapping: HashSet::new(),
        }
    }

    /// Says what to do with rows of one spacecraft and contact.
    pub(crate) fn admit(
        &mut self,
        (spacecraft, contact): (&str, &str),
        batch: RecordBatch,
        files: Option<&FileIndex>,
    ) -> Admission {
        let Some(kind) = self.kind else {
            return Admission::Straight(batch);
        };
        let Some((first, last)) = span_of(&batch, kind) else {
            return Admission::Straight(batch);
        };
        if !self.overlapping.contains(spacecraft) {
            let apart = kind.spread();
            let is_near = |span: &Span| {
                span.spacecraft == spacecraft
                    && span.contact != contact
                    && span.first <= last.saturating_add(apart)
                    && first.saturating_sub(apart) <= span.last
            };
            if self.spans.iter().any(is_near) {
                self.overlapping.insert(spacecraft.to_owned());
                return Admission::AfterFlush;
            }
            let mut near = near_files(files, kind, (first, last));
            let is_other = |file: &Arc<TableFile>| {
                concerns(file, kind, spacecraft, (first, last))
                    && !is_same_source(file, contact, &self.log)
            };
            if near.any(is_other) {
                self.overlapping.insert(spacecraft.to_owned());
            }
        }
        let held = self.overlapping.contains(spacecraft);
        self.note(spacecraft, contact, (first, last), held);
        if held {
            self.held.push(batch);
            return Admission::Held;
        }
        Admission::Straight(batch)
    }

    /// Whether rows are held.
    pub(crate) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether rows taken since the last flush may have copies in a file that another writer
    /// brought.
    pub(crate) fn concerns(&self, file: &TableFile) -> bool {
        let Some(kind) = self.kind else {
            return false;
        };
        self.spans.iter().any(|span| {
            concerns(file, kind, &span.spacecraft, (span.first, span.last))
                && (span.held || !is_same_source(file, &span.contact, &self.log))
        })
    }

    /// Compares the rows held.
    pub(crate) fn resolve_held(
        &mut self,
        log: &TableLog,
        runtime: &Runtime,
    ) -> Result<Resolved, IngestError> {
        // Kept until the flush is done: it may have to be asked again.
        let held = self.held.clone();
        self.resolve(log, runtime, held)
    }

    /// Compares rows with each other and with what the table has.
    pub(crate) fn resolve(
        &mut self,
        log: &TableLog,
        runtime: &Runtime,
        batches: Vec<RecordBatch>,
    ) -> Result<Resolved, IngestError> {
        let Some(kind) = self.kind else {
            return Ok(Resolved::default());
        };
        if self.texts.len() > TEXTS_MAX {
            self.texts = Texts::default();
            self.stored.clear();
        }
        let mut own = Vec::with_capacity(batches.len());
        for batch in &batches {
            let found = identities(batch, kind, &mut self.texts, None);
            own.push(found.map_err(|source| arrow_error(log, source))?);
        }
        let mut candidates = self.stored_candidates(log, runtime, kind, &own)?;
        let keeps_worse = log.is_append_only();
        let mut kept: Vec<Vec<bool>> = own.iter().map(|rows| vec![true; rows.len()]).collect();
        let mut worse: BTreeMap<String, (Arc<TableFile>, HashSet<Identity>)> = BTreeMap::new();
        let mut resolved = Resolved::default();
        for (number, rows) in own.iter().enumerate() {
            for (row, identity) in rows.iter().enumerate() {
                let Some(identity) = identity else {
                    continue;
                };
                let key = (identity.spacecraft, identity.number);
                let rivals = candidates.entry(key).or_default();
                let is_rival = |rival: &Candidate| {
                    rival.identity.contact != identity.contact
                        && rival.identity.is_copy(identity, kind)
                };
                let beaten = rivals
                    .iter()
                    .any(|rival| is_rival(rival) && rival.identity.quality <= identity.quality);
                if beaten {
                    kept[number][row] = false;
                    resolved.duplicates += 1;
                    continue;
                }
                rivals.retain(|rival| {
                    if !is_rival(rival) {
                        return true;
                    }
                    match &rival.place {
                        Place::Held(number, row) => kept[*number][*row] = false,
                        Place::Stored(_) if keeps_worse => return true,
                        Place::Stored(file) => {
                            let entry = worse.entry(file.path.clone());
                            let entry = entry.or_insert_with(|| (Arc::clone(file), HashSet::new()));
                            entry.1.insert(rival.identity);
                            resolved.replaced += 1;
                        }
                    }
                    resolved.duplicates += 1;
                    false
                });
                rivals.push(Candidate {
                    identity: *identity,
                    place: Place::Held(number, row),
                });
            }
        }
        for (batch, kept) in batches.iter().zip(kept) {
            let rows = filtered(batch, kept).map_err(|source| arrow_error(log, source))?;
            resolved.rows.extend(by_spacecraft(&rows));
        }
        for (file, rows) in worse.into_values() {
            let log_of = other_log(&file, &self.log).unwrap_or(&self.log).to_owned();
            let context = (kind, &mut self.texts, self.log.as_str());
            let rest = without((log, runtime), &file, context, &rows)?;
            resolved.rewritten.extend(rest.map(|rest| (rest, log_of)));
            resolved.removed.push(file);
        }
        Ok(resolved)
    }

    /// Rows of the table that are not of the same contact, and have a number that is asked for.
    fn stored_candidates(
        &mut self,
        log: &TableLog,
        runtime: &Runtime,
        kind: Kind,
        own: &[Vec<Option<Identity>>],
    ) -> Result<HashMap<(u32, u64), Vec<Candidate>>, IngestError> {
        let mut candidates: HashMap<(u32, u64), Vec<Candidate>> = HashMap::new();
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        for identity in own.iter().flatten().flatten() {
            candidates
                .entry((identity.spacecraft, identity.number))
                .or_default();
            first = first.min(identity.time);
            last = last.max(identity.time);
        }
        let mut still_overlapping = HashSet::new();
        for span in &self.spans {
            let other = |other: &&Span| {
                other.spacecraft == span.spacecraft && other.contact != span.contact
            };
            if self.spans.iter().find(other).is_some() {
                still_overlapping.insert(span.spacecraft.clone());
            }
        }
        let near: Vec<Arc<TableFile>> = near_files(log.files(), kind, (first, last))
            .filter(|file| {
                self.spans.iter().any(|span| {
                    let near = concerns(file, kind, &span.spacecraft, (span.first, span.last));
                    let other = near && !is_same_source(file, &span.contact, &self.log);
                    if other {
                        still_overlapping.insert(span.spacecraft.clone());
                    }
                    other
                })
            })
            .cloned()
            .collect();
        // Whoever has not met another contact this time takes the straight way again.
        self.overlapping
            .retain(|spacecraft| still_overlapping.contains(spacecraft));
        for file in near {
            let wanted = |identity: &Identity| {
                candidates.contains_key(&(identity.spacecraft, identity.number))
            };
            let context = (kind, &mut self.texts, self.log.as_str());
            let rows = self.stored.of((log, runtime), &file, context, &wanted)?;
            for identity in rows.iter() {
                let key = (identity.spacecraft, identity.number);
                if let Some(found) = candidates.get_mut(&key) {
                    found.push(Candidate {
                        identity: *identity,
                        place: Place::Stored(Arc::clone(&file)),
                    });
                }
            }
        }
        Ok(candidates)
    }

    /// Begins the next flush.
    pub(crate) fn flushed(&mut self) {
        self.spans.clear();
        self.held.clear();
    }

    fn note(&mut self, spacecraft: &str, contact: &str, (first, last): (i64, i64), held: bool) {
        let same = |span: &&mut Span| {
            span.spacecraft == spacecraft && span.contact == contact && span.held == held
        };
        match self.spans.iter_mut().find(same) {
            Some(span) => {
                span.first = span.first.min(first);
                span.last = span.last.max(last);
            }
            None => self.spans.push(Span {
                spacecraft: spacecraft.to_owned(),
                contact: contact.to_owned(),
                first,
                last,
                held,
            }),
        }
    }
}

/// A row that another may be a copy of.
struct Candidate {
    identity: Identity,
    place: Place,
}

enum Place {
    /// Batch and row.
    Held(usize, usize),
    Stored(Arc<TableFile>),
}

/// Earliest and latest time of rows; `None` if none has one.
fn span_of(batch: &RecordBatch, kind: Kind) -> Option<(i64, i64)> {
    let times = batch.column_by_name(kind.time_column())?;
    let times = times.as_primitive_opt::<TimestampMicrosecondType>()?;
    Some((arrow::compute::min(times)?, arrow::compute::max(times)?))
}

/// Files of the days around a time.
fn near_files(
    files: Option<&FileIndex>,
    kind: Kind,
    (first, last): (i64, i64),
) -> impl Iterator<Item = &Arc<TableFile>> {
    let day = |time: i64| i32::try_from(time.div_euclid(DAY_MICROSECONDS)).unwrap_or(i32::MAX);
    let days = (
        day(first.saturating_sub(kind.spread())),
        day(last.saturating_add(kind.spread())),
    );
    files
        .filter(|_| days.0 <= days.1)
        .into_iter()
        .flat_map(move |files| files.of_days(days))
}

/// Whether a file may hold rows of a spacecraft at a time.
fn concerns(file: &TableFile, kind: Kind, spacecraft: &str, (first, last): (i64, i64)) -> bool {
    let time = match kind {
        Kind::Frames => &file.received,
        Kind::Packets | Kind::Telemetry => &file.time,
    };
    let is_near = match time {
        Known::Is((from, to)) => {
            *from <= last.saturating_add(kind.spread())
                && first.saturating_sub(kind.spread()) <= *to
        }
        Known::Nothing => false,
        Known::Unknown => true,
    };
    let is_other = match &file.spacecraft {
        Known::Is(name) => **name != *spacecraft,
        Known::Nothing => true,
        Known::Unknown => false,
    };
    is_near && !is_other
}

/// Whether all of a file's rows are known to be of one contact, through this worker's log.
fn is_same_source(file: &TableFile, contact: &str, own_log: &str) -> bool {
    let same = match &file.contact {
        Known::Is(name) => **name == *contact,
        Known::Nothing => contact.is_empty(),
        Known::Unknown => false,
    };
    same && other_log(file, own_log).is_none()
}

/// Runs of one spacecraft.
fn by_spacecraft(batch: &RecordBatch) -> Vec<(String, RecordBatch)> {
    let column = batch.column_by_name("spacecraft");
    let Some(names) = column.and_then(|column| column.as_string_opt::<i32>()) else {
        return Vec::new();
    };
    let name = |row: usize| match names.is_null(row) {
        true => "",
        false => names.value(row),
    };
    let mut runs = Vec::new();
    let mut first = 0;
    for row in 0..batch.num_rows() {
        if row + 1 == batch.num_rows() || name(row + 1) != name(row) {
            runs.push((name(row).to_owned(), batch.slice(first, row + 1 - first)));
            first = row + 1;
        }
    }
    runs
}

const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// Names of contacts and spacecraft kept by number; then all are forgotten.
const TEXTS_MAX: usize = 65_536;

#[cfg(test)]
mod tests;
