//! Counting rows: by contact, of their own day, each once; and against what topics and packets
//! say that there should be.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int16Type, Int64Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use super::order::{Key, Keys};
use super::packets::{text, time};
use super::verify::{Finding, FindingKind};
use crate::write::Day;

/// A contact and the mission version of some of its rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Contact {
    pub(crate) contact: String,
    pub(crate) version: String,
}

/// Counts rows by contact and mission version.
pub(crate) fn contact_of(batch: &RecordBatch, counts: &mut BTreeMap<Contact, u64>) {
    let contact = batch.column_by_name("contact");
    let version = batch.column_by_name("mission_version");
    let mut from = 0;
    let same = |a: usize, b: usize| {
        text(contact, a) == text(contact, b) && text(version, a) == text(version, b)
    };
    while from < batch.num_rows() {
        let to = (from..batch.num_rows()).find(|row| !same(from, *row));
        let to = to.unwrap_or(batch.num_rows());
        let key = Contact {
            contact: text(contact, from).unwrap_or_default().to_owned(),
            version: text(version, from).unwrap_or_default().to_owned(),
        };
        *counts.entry(key).or_default() += (to - from) as u64;
        from = to;
    }
}

/// Looks at the rows of a day in order.
pub(crate) struct RowCheck {
    day: Day,
    pub(crate) rows: u64,
    /// Rows whose day is another.
    pub(crate) elsewhere: u64,
    /// Rows that are there already.
    pub(crate) duplicates: u64,
    /// Where the rows of `seen` stand.
    key: Key,
    /// Of each packet or frame at `key`: hashes of its contacts and of its rows.
    seen: HashMap<(i64, i64), Vec<(u64, u64)>>,
    converter: Option<RowConverter>,
}

impl RowCheck {
    pub(crate) fn new(day: Day) -> Self {
        Self {
            day,
            rows: 0,
            elsewhere: 0,
            duplicates: 0,
            key: Key::first(),
            seen: HashMap::new(),
            converter: None,
        }
    }

    pub(crate) fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let keys = Keys::of(batch);
        let received = batch.column_by_name("received");
        let own = |row: usize| {
            let time = Some(keys.time(row)).filter(|time| *time != i64::MIN);
            let time = time.or_else(|| self::time(received, row));
            time.and_then(|time| i32::try_from(time.div_euclid(DAY_MICROSECONDS)).ok())
        };
        let elsewhere = (0..keys.len()).filter(|row| own(*row) != self.day).count();
        self.elsewhere += elsewhere as u64;
        self.rows += keys.len() as u64;
        self.count_duplicates(batch, &keys)
    }

    /// A row is a duplicate of another of the same time if it is the same packet or frame in
    /// another contact, or the same in every column. Rows without a time tell nothing: their
    /// counters come round again.
    fn count_duplicates(&mut self, batch: &RecordBatch, keys: &Keys) -> Result<(), ArrowError> {
        let (a, b) = match batch.column_by_name("sequence_count") {
            Some(count) => (batch.column_by_name("apid"), count),
            None => match batch.column_by_name("frame_count") {
                Some(count) => (batch.column_by_name("virtual_channel"), count),
                None => return Ok(()),
            },
        };
        let contact = batch.column_by_name("contact");
        let known = (0..keys.len()).any(|row| keys.time(row) != i64::MIN);
        if !known {
            return Ok(());
        }
        let converter = match &mut self.converter {
            Some(converter) => converter,
            none => {
                let fields = batch.schema().fields().iter().cloned().collect::<Vec<_>>();
                let fields = fields
                    .iter()
                    .map(|field| SortField::new(field.data_type().clone()));
                none.insert(RowConverter::new(fields.collect())?)
            }
        };
        let rows = converter.convert_columns(batch.columns())?;
        for row in 0..keys.len() {
            if keys.time(row) == i64::MIN {
                continue;
            }
            if keys.compare(row, &self.key).is_ne() {
                self.key = keys.key(row, &self.key);
                self.seen.clear();
            }
            let name = (number(a, row), number(Some(b), row));
            let hashes = (hash(&text(contact, row)), hash(&rows.row(row).as_ref()));
            let seen = self.seen.entry(name).or_default();
            let again = |(contact, row): &(u64, u64)| *contact != hashes.0 || *row == hashes.1;
            if seen.iter().any(again) {
                self.duplicates += 1;
            } else {
                seen.push(hashes);
            }
        }
        Ok(())
    }
}

fn number(column: Option<&ArrayRef>, row: usize) -> i64 {
    let Some(column) = column.filter(|column| !column.is_null(row)) else {
        return -1;
    };
    let short = column
        .as_primitive_opt::<Int16Type>()
        .map(|column| i64::from(column.value(row)));
    let long = column.as_primitive_opt::<Int64Type>();
    short
        .or_else(|| long.map(|column| column.value(row)))
        .unwrap_or(-1)
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What `txn` actions say of the tables' topics: the last offset of each writer.
pub(crate) type Offsets = BTreeMap<String, u64>;

/// Compares a topic's tables with the offsets that they have.
pub(crate) fn compare_offsets(
    topic: &str,
    tables: &[(String, u64, Offsets)],
    findings: &mut Vec<Finding>,
) {
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, _, offsets) in tables {
        for (application, offset) in offsets {
            let parts: Vec<&str> = application.split('/').collect();
            if parts.first() == Some(&"passline") && parts.contains(&topic) {
                let known = last.entry(application).or_insert(*offset);
                *known = (*known).max(*offset);
            }
        }
    }
    if last.is_empty() {
        return;
    }
    let records: u64 = last.values().map(|offset| offset.saturating_add(1)).sum();
    let rows: u64 = tables.iter().map(|(_, rows, _)| rows).sum();
    let kind = match rows.cmp(&records) {
        std::cmp::Ordering::Equal => return,
        std::cmp::Ordering::Less => FindingKind::RowsMissing,
        std::cmp::Ordering::Greater => FindingKind::RowsSurplus,
    };
    let names: Vec<&str> = tables.iter().map(|(name, _, _)| name.as_str()).collect();
    findings.push(Finding {
        table: match names.as_slice() {
            [name] => (*name).to_owned(),
            _ => format!("{} tables", names.len()),
        },
        kind,
        place: topic.to_owned(),
        what: format!("{rows} rows of {records} records that were committed"),
    });
}

/// Compares telemetry tables with what the packets decode to.
pub(crate) fn compare_packets(
    version: &str,
    expected: &BTreeMap<(String, String), u64>,
    found: &BTreeMap<String, BTreeMap<Contact, u64>>,
    packets: &BTreeMap<Contact, u64>,
    findings: &mut Vec<Finding>,
) {
    let mut places: Vec<(String, String)> = expected.keys().cloned().collect();
    for (table, contacts) in found {
        places.extend(
            contacts
                .keys()
                .map(|contact| (table.clone(), contact.contact.clone())),
        );
    }
    places.sort();
    places.dedup();
    for (table, contact) in places {
        let wanted = expected.get(&(table.clone(), contact.clone())).copied();
        let wanted = wanted.unwrap_or(0);
        let rows = found.get(&table).into_iter().flatten();
        let rows = rows.filter(|(place, _)| place.contact == contact);
        let (mut of_version, mut others) = (0, Vec::new());
        for (place, number) in rows {
            if place.version == version {
                of_version += number;
            } else {
                others.push(format!("{number} by {}", place.version));
            }
        }
        let decoded_so = packets
            .iter()
            .any(|(place, _)| place.contact == contact && place.version == version);
        let finding = |kind, what| Finding {
            table: table.clone(),
            kind,
            place: format!("contact {contact}"),
            what,
        };
        if !others.is_empty() || (of_version == 0 && !decoded_so) {
            if wanted > 0 || !others.is_empty() {
                let others = match others.len() {
                    0 => "no rows".to_owned(),
                    _ => others.join(", "),
                };
                findings.push(finding(
                    FindingKind::Unchecked,
                    format!(
                        "{others}: decoded with another mission version than {version}; \
                         name that mission, or redecode"
                    ),
                ));
            }
            continue;
        }
        let kind = match of_version.cmp(&wanted) {
            std::cmp::Ordering::Equal => continue,
            std::cmp::Ordering::Less => FindingKind::RowsMissing,
            std::cmp::Ordering::Greater => FindingKind::RowsSurplus,
        };
        findings.push(finding(
            kind,
            format!("{of_version} rows, its packets decode to {wanted}"),
        ));
    }
}

const DAY_MICROSECONDS: i64 = 86_400_000_000;

#[cfg(test)]
mod tests;
