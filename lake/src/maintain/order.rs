//! The order of a table's rows: by spacecraft, then by time; what is unknown comes first.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;

/// Where a row stands. Rows without a spacecraft or a time come before all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) spacecraft: Arc<str>,
    pub(crate) time: i64,
}

impl Key {
    /// Before every row.
    pub(crate) fn first() -> Self {
        Self {
            spacecraft: "".into(),
            time: i64::MIN,
        }
    }

    /// Behind every row: no text is greater than the greatest character again and again.
    pub(crate) fn last() -> Self {
        Self {
            spacecraft: "\u{10FFFF}\u{10FFFF}\u{10FFFF}\u{10FFFF}".into(),
            time: i64::MAX,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.time {
            i64::MIN => write!(f, "{} without a time", self.spacecraft),
            i64::MAX => f.write_str("unknown"),
            time => write!(
                f,
                "{} {}",
                self.spacecraft,
                schemas::event::format_time(time)
            ),
        }
    }
}

/// The keys of a batch.
#[derive(Clone)]
pub(crate) struct Keys {
    spacecraft: Option<ArrayRef>,
    time: Option<ArrayRef>,
    rows: usize,
}

impl Keys {
    pub(crate) fn of(batch: &RecordBatch) -> Self {
        let column = |name: &str| batch.column_by_name(name).cloned();
        Self {
            spacecraft: column("spacecraft").filter(|c| c.as_string_opt::<i32>().is_some()),
            time: column("time")
                .filter(|c| c.as_primitive_opt::<TimestampMicrosecondType>().is_some()),
            rows: batch.num_rows(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    pub(crate) fn spacecraft(&self, row: usize) -> &str {
        match &self.spacecraft {
            Some(column) if !column.is_null(row) => column.as_string::<i32>().value(row),
            _ => "",
        }
    }

    pub(crate) fn time(&self, row: usize) -> i64 {
        match &self.time {
            Some(column) if !column.is_null(row) => {
                column.as_primitive::<TimestampMicrosecondType>().value(row)
            }
            _ => i64::MIN,
        }
    }

    /// The key of a row; `known` lends its name where it is the same.
    pub(crate) fn key(&self, row: usize, known: &Key) -> Key {
        let spacecraft = self.spacecraft(row);
        Key {
            spacecraft: if *known.spacecraft == *spacecraft {
                Arc::clone(&known.spacecraft)
            } else {
                spacecraft.into()
            },
            time: self.time(row),
        }
    }

    pub(crate) fn compare(&self, row: usize, key: &Key) -> Ordering {
        self.spacecraft(row)
            .cmp(&key.spacecraft)
            .then_with(|| self.time(row).cmp(&key.time))
    }

    fn compare_rows(&self, a: usize, b: usize) -> Ordering {
        self.spacecraft(a)
            .cmp(self.spacecraft(b))
            .then_with(|| self.time(a).cmp(&self.time(b)))
    }

    /// The first row that stands before the one ahead of it.
    pub(crate) fn first_disorder(&self) -> Option<usize> {
        (1..self.rows).find(|&row| self.compare_rows(row - 1, row) == Ordering::Greater)
    }

    /// The row behind those from `row` on that stand before a key (or at it, with `inclusive`).
    /// Few rows are the usual answer where files overlap, all where they do not.
    pub(crate) fn end_before(&self, row: usize, key: &Key, inclusive: bool) -> usize {
        let before = |row: usize| match self.compare(row, key) {
            Ordering::Less => true,
            Ordering::Equal => inclusive,
            Ordering::Greater => false,
        };
        if self.rows > 0 && before(self.rows - 1) {
            return self.rows;
        }
        let mut step = 1;
        let mut low = row;
        while low + step < self.rows && before(low + step) {
            low += step;
            step *= 2;
        }
        let mut high = (low + step).min(self.rows);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// All rows of some batches in order; those of one key stay in the order in which they came.
pub(crate) fn sorted(batches: &[RecordBatch]) -> Result<Option<RecordBatch>, ArrowError> {
    let Some(schema) = batches.first().map(RecordBatch::schema) else {
        return Ok(None);
    };
    let whole = concat_batches(&schema, batches)?;
    let keys = Keys::of(&whole);
    let mut rows: Vec<u32> = (0..whole.num_rows() as u32).collect();
    rows.sort_by(|a, b| keys.compare_rows(*a as usize, *b as usize));
    let rows = UInt32Array::from(rows);
    let columns = whole
        .columns()
        .iter()
        .map(|column| take(column, &rows, None))
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema, columns).map(Some)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{StringArray, TimestampMicrosecondArray};

    use super::*;

    fn batch(rows: &[(&str, Option<i64>)]) -> RecordBatch {
        let spacecraft: StringArray = rows.iter().map(|(name, _)| Some(*name)).collect();
        let time: TimestampMicrosecondArray = rows.iter().map(|(_, time)| *time).collect();
        RecordBatch::try_from_iter([
            ("spacecraft", Arc::new(spacecraft) as ArrayRef),
            ("time", Arc::new(time) as ArrayRef),
        ])
        .unwrap()
    }

    #[test]
    fn unknown_times_come_first_and_equal_keys_keep_their_order() {
        let rows = [("b", Some(1)), ("a", Some(5)), ("a", None), ("a", Some(-3))];
        let whole = sorted(&[batch(&rows)]).unwrap().unwrap();
        let keys = Keys::of(&whole);
        let found: Vec<_> = (0..4)
            .map(|row| (keys.spacecraft(row), keys.time(row)))
            .collect();
        assert_eq!(found, [("a", i64::MIN), ("a", -3), ("a", 5), ("b", 1)]);
        assert_eq!(keys.first_disorder(), None);
        assert_eq!(Keys::of(&batch(&rows)).first_disorder(), Some(1));
    }

    #[test]
    fn the_end_before_a_key_is_found_from_anywhere() {
        let rows: Vec<(&str, Option<i64>)> = (0..100).map(|row| ("a", Some(row / 2))).collect();
        let keys = Keys::of(&batch(&rows));
        for from in [0, 1, 37] {
            for time in 19..60 {
                let key = Key {
                    spacecraft: "a".into(),
                    time,
                };
                let (before, at) = (
                    keys.end_before(from, &key, false),
                    keys.end_before(from, &key, true),
                );
                assert_eq!(
                    before,
                    (time as usize * 2).clamp(from, 100),
                    "{from} {time}"
                );
                assert_eq!(
                    at,
                    (time as usize * 2 + 2).clamp(from, 100),
                    "{from} {time}"
                );
            }
        }
    }
}
