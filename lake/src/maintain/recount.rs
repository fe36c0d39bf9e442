//! Counting rows: by contact, of their own day, each once; and against what topics and packets
//! say that there should be.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Int16Type;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use super::TELEMETRY;
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
    /// The rows at `key`, by APID and sequence count, and virtual channel.
    seen: HashMap<([i64; 2], i64), Vec<Seen>>,
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

    /// A packet is there twice if two of its rows are of one contact and the same, or of two
    /// contacts, which ingest would have made one row: with equal octets or values, or of another
    /// quality. Rows without a time tell nothing: their counters come round again. Nor do frames,
    /// which have none.
    fn count_duplicates(&mut self, batch: &RecordBatch, keys: &Keys) -> Result<(), ArrowError> {
        let column = |name: &str| batch.column_by_name(name);
        let (Some(apid), Some(count)) = (column("apid"), column("sequence_count")) else {
            return Ok(());
        };
        if (0..keys.len()).all(|row| keys.time(row) == i64::MIN) {
            return Ok(());
        }
        let (contact, quality) = (column("contact"), column("quality"));
        // Values of different mission versions cannot be compared; octets can.
        let version = column("mission_version").filter(|_| column("data").is_none());
        let channel = column("virtual_channel");
        let contents = self.contents(batch)?;
        for (row, content) in contents.into_iter().enumerate() {
            if keys.time(row) == i64::MIN {
                continue;
            }
            if keys.compare(row, &self.key).is_ne() {
                self.key = keys.key(row, &self.key);
                self.seen.clear();
            }
            let name = [apid, count].map(|column| number(Some(column), row));
            let seen = self.seen.entry((name, number(channel, row))).or_default();
            let this = Seen {
                contact: hash(&text(contact, row)),
                grade: hash(&(text(quality, row), text(version, row))),
                content,
            };
            if seen.iter().any(|other| other.is_copy(&this)) {
                self.duplicates += 1;
            } else {
                seen.push(this);
            }
        }
        Ok(())
    }

    /// A hash of what each row says, not of where it is from.
    fn contents(&mut self, batch: &RecordBatch) -> Result<Vec<u64>, ArrowError> {
        let columns: Vec<ArrayRef> = match batch.column_by_name("data") {
            Some(data) => vec![Arc::clone(data)],
            None => {
                let schema = batch.schema();
                let fields = schema.fields().iter().zip(batch.columns());
                let own = fields.filter(|(field, _)| !is_leading(field.name()));
                own.map(|(_, column)| Arc::clone(column)).collect()
            }
        };
        let converter = match &mut self.converter {
            Some(converter) => converter,
            none => {
                let types = columns.iter().map(|column| column.data_type().clone());
                none.insert(RowConverter::new(types.map(SortField::new).collect())?)
            }
        };
        let rows = converter.convert_columns(&columns)?;
        Ok(rows.iter().map(|row| hash(&row.as_ref())).collect())
    }
}

/// A row of a packet, as far as it tells whether another is a copy.
struct Seen {
    contact: u64,
    /// Of quality and mission version.
    grade: u64,
    content: u64,
}

impl Seen {
    fn is_copy(&self, other: &Self) -> bool {
        let same = (self.grade == other.grade, self.content == other.content);
        if self.contact == other.contact {
            return same == (true, true);
        }
        !same.0 || same.1
    }
}

fn is_leading(name: &str) -> bool {
    schemas::tables::LEADING_COLUMNS.contains(&name)
}

fn number(column: Option<&ArrayRef>, row: usize) -> i64 {
    let column = column.and_then(|column| column.as_primitive_opt::<Int16Type>());
    let column = column.filter(|column| !column.is_null(row));
    column.map_or(-1, |column| i64::from(column.value(row)))
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
    let (kind, what) = match rows.cmp(&records) {
        std::cmp::Ordering::Equal => return,
        // Copies of rows from another contact leave no trace here.
        std::cmp::Ordering::Less => (
            FindingKind::Unchecked,
            format!(
                "{rows} rows of {records} records that were committed; the others are copies of \
                 rows from other contacts, or dead letters, or lost"
            ),
        ),
        // A record of Kafka holds a batch of rows.
        std::cmp::Ordering::Greater if topic == TELEMETRY => (
            FindingKind::Unchecked,
            format!(
                "{rows} rows of {records} records that were committed: over Kafka a record is a \
                 batch of rows; with a mission they are counted against the packets"
            ),
        ),
        std::cmp::Ordering::Greater => (
            FindingKind::RowsSurplus,
            format!("{rows} rows of {records} records that were committed"),
        ),
    };
    let names: Vec<&str> = tables.iter().map(|(name, _, _)| name.as_str()).collect();
    findings.push(Finding {
        table: match names.as_slice() {
            [name] => (*name).to_owned(),
            _ => format!("{} tables", names.len()),
        },
        kind,
        place: topic.to_owned(),
        what,
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
