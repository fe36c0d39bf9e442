//! The files of a table as its log has them, with what their statistics say of their rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::compute::kernels::cast_utils::{Parser, string_to_timestamp_nanos};
use arrow::datatypes::Date32Type;
use deltalake::kernel::Add;
use serde_json::Value;

use crate::write::Day;

/// A file of a table. About 200 octets each; a table that has more than some 100,000 files wants
/// to be compacted for other reasons too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFile {
    /// Relative to the table, with its partition folder.
    pub path: String,
    /// The day of its rows.
    pub day: Day,
    /// Octets.
    pub size: u64,
    /// Earliest and latest `time`, in microseconds since 1970-01-01 UTC.
    pub time: Known<(i64, i64)>,
    /// Earliest and latest `received`.
    pub received: Known<(i64, i64)>,
    /// Whose rows these are, if all are one spacecraft's.
    pub spacecraft: Known<Arc<str>>,
    /// The contact of all its rows.
    pub contact: Known<Arc<str>>,
    /// The log that the rows came from ([`crate::LOG_TAG`]).
    pub log: Known<Arc<str>>,
}

/// What statistics say of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// This.
    Is(T),
    /// All its values are null.
    Nothing,
    /// They do not say.
    Unknown,
}

/// The files of a table, by day.
#[derive(Clone, Debug, Default)]
pub struct FileIndex {
    days: BTreeMap<Day, BTreeMap<String, Arc<TableFile>>>,
    texts: BTreeSet<Arc<str>>,
}

impl FileIndex {
    /// Number of files.
    pub fn len(&self) -> usize {
        self.days.values().map(BTreeMap::len).sum()
    }

    /// Whether the table has no file.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// All files in the order of their days and paths.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<TableFile>> {
        self.days.values().flat_map(BTreeMap::values)
    }

    /// Files of the days given, and of those whose rows have no day.
    pub fn of_days(&self, days: (i32, i32)) -> impl Iterator<Item = &Arc<TableFile>> {
        self.days
            .range(Some(days.0)..=Some(days.1))
            .flat_map(|(_, files)| files.values())
    }

    pub(crate) fn add(&mut self, add: &Add) -> Arc<TableFile> {
        let file = Arc::new(self.describe(add));
        let day = self.days.entry(file.day).or_default();
        day.insert(file.path.clone(), Arc::clone(&file));
        file
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.days.retain(|_, files| {
            files.remove(path);
            !files.is_empty()
        });
    }

    fn describe(&mut self, add: &Add) -> TableFile {
        let stats: Value = add
            .stats
            .as_deref()
            .and_then(|stats| serde_json::from_str(stats).ok())
            .unwrap_or(Value::Null);
        let day = add.partition_values.get(crate::DAY_COLUMN).cloned();
        let tag = |tag: &Option<String>| tag.as_deref().map(|text| self.intern(text));
        let log = add.tags.as_ref().and_then(|tags| tags.get(crate::LOG_TAG));
        TableFile {
            path: add.path.clone(),
            day: day.flatten().and_then(|day| Date32Type::parse(&day)),
            size: add.size.cast_unsigned(),
            log: log.and_then(tag).map_or(Known::Unknown, Known::Is),
            time: times(&stats, "time"),
            received: times(&stats, "received"),
            spacecraft: self.text(&stats, "spacecraft"),
            contact: self.text(&stats, "contact"),
        }
    }

    fn text(&mut self, stats: &Value, column: &str) -> Known<Arc<str>> {
        match range(stats, column) {
            Known::Is((low, high)) if low == high => Known::Is(self.intern(low)),
            Known::Nothing => Known::Nothing,
            Known::Is(_) | Known::Unknown => Known::Unknown,
        }
    }

    /// Few texts stand in many files.
    fn intern(&mut self, text: &str) -> Arc<str> {
        match self.texts.get(text) {
            Some(known) => Arc::clone(known),
            None => {
                let text: Arc<str> = text.into();
                self.texts.insert(Arc::clone(&text));
                text
            }
        }
    }
}

fn times(stats: &Value, column: &str) -> Known<(i64, i64)> {
    let parse = |text: &str| {
        let nanoseconds = string_to_timestamp_nanos(text).ok()?;
        Some(nanoseconds.div_euclid(1_000))
    };
    match range(stats, column) {
        Known::Is((low, high)) => match (parse(low), parse(high)) {
            // Other writers cut statistics to milliseconds.
            (Some(low), Some(high)) => Known::Is((low, high.saturating_add(999))),
            _ => Known::Unknown,
        },
        Known::Nothing => Known::Nothing,
        Known::Unknown => Known::Unknown,
    }
}

fn range<'a>(stats: &'a Value, column: &str) -> Known<(&'a str, &'a str)> {
    let bound = |which: &str| stats[which][column].as_str();
    let (rows, nulls) = (
        stats["numRecords"].as_u64(),
        stats["nullCount"][column].as_u64(),
    );
    match (bound("minValues"), bound("maxValues")) {
        // Beside nulls a range does not speak for all rows.
        (Some(low), Some(high)) if column == "contact" && nulls != Some(0) && low == high => {
            Known::Unknown
        }
        (Some(low), Some(high)) => Known::Is((low, high)),
        _ if rows.is_some() && rows == nulls => Known::Nothing,
        _ => Known::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(path: &str, stats: &str) -> Add {
        Add {
            path: path.to_owned(),
            partition_values: [("day".to_owned(), Some("2024-12-06".to_owned()))].into(),
            size: 10,
            stats: Some(stats.to_owned()),
            ..Add::default()
        }
    }

    #[test]
    fn statistics_say_whose_rows_a_file_holds_and_when() {
        let mut index = FileIndex::default();
        let file = index.add(&add(
            "a",
            r#"{"numRecords":2,"minValues":{"time":"2024-12-06T00:00:00.000001Z","spacecraft":"n","contact":"c"},
                "maxValues":{"time":"2024-12-06T00:00:01.000Z","spacecraft":"n","contact":"c"},
                "nullCount":{"time":0,"received":2,"contact":0}}"#,
        ));
        let midnight = 20_063 * 86_400_000_000;
        assert_eq!(file.day, Some(20_063));
        assert_eq!(file.time, Known::Is((midnight + 1, midnight + 1_000_999)));
        assert_eq!(file.received, Known::Nothing);
        assert_eq!(file.spacecraft, Known::Is("n".into()));
        assert_eq!(file.contact, Known::Is("c".into()));
        assert_eq!(file.log, Known::Unknown);
    }

    #[test]
    fn what_statistics_do_not_say_is_unknown() {
        let mut index = FileIndex::default();
        for stats in ["", "{}", "no json", r#"{"numRecords":"2","minValues":7}"#] {
            let file = index.add(&add("a", stats));
            assert_eq!(
                (&file.time, &file.contact),
                (&Known::Unknown, &Known::Unknown)
            );
        }
        let some_null = r#"{"numRecords":2,"minValues":{"contact":"c"},"maxValues":{"contact":"c"},"nullCount":{"contact":1}}"#;
        assert_eq!(index.add(&add("a", some_null)).contact, Known::Unknown);
        assert_eq!(index.len(), 1);
        index.remove("a");
        assert!(index.is_empty());
    }
}
