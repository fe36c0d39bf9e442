//! Statistics of a file for the Delta log, from its Parquet footer.
//!
//! With `numRecords` and null counts `count(*)` needs no file; with the range of `time` and a few
//! more columns a query opens only the files that it needs.

use parquet::basic::{LogicalType, TimeUnit};
use parquet::data_type::AsBytes;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde_json::{Map, Value, json};

/// Columns with a range in the Delta log.
pub const STATISTICS_COLUMNS: [&str; 6] = [
    "time",
    "spacecraft",
    "received",
    "apid",
    "virtual_channel",
    "contact",
];

/// The `stats` text of an add action.
pub(crate) fn stats_text(metadata: &ParquetMetaData) -> String {
    let mut minimum = Map::new();
    let mut maximum = Map::new();
    let mut nulls = Map::new();
    let columns = metadata.file_metadata().schema_descr().columns();
    for (index, column) in columns.iter().enumerate() {
        let name = column.name();
        if column.path().parts().len() != 1 || !STATISTICS_COLUMNS.contains(&name) {
            continue;
        }
        let chunks = || {
            metadata
                .row_groups()
                .iter()
                .map(|group| group.column(index).statistics())
        };
        let microseconds = matches!(
            column.logical_type_ref(),
            Some(LogicalType::Timestamp(time)) if time.unit == TimeUnit::MICROS
        );
        let null_count: Option<u64> = chunks()
            .map(|statistics| statistics.and_then(Statistics::null_count_opt))
            .sum();
        if let Some(null_count) = null_count {
            nulls.insert(name.to_owned(), null_count.into());
        }
        let (mut low, mut high): (Option<Bound>, Option<Bound>) = (None, None);
        let mut known = true;
        for statistics in chunks() {
            let Some(statistics) = statistics else {
                known = false;
                continue;
            };
            let Some((min, max)) = bounds(statistics) else {
                // No range: all its values are null, or the range cannot be told.
                let all_null = statistics.min_bytes_opt().is_none();
                known &= all_null;
                continue;
            };
            low = Some(low.map_or(min.clone(), |low| low.min(min)));
            high = Some(high.map_or(max.clone(), |high| high.max(max)));
        }
        if let (true, Some(low), Some(high)) = (known, low, high) {
            minimum.insert(name.to_owned(), low.into_value(microseconds));
            maximum.insert(name.to_owned(), high.into_value(microseconds));
        }
    }
    json!({
        "numRecords": metadata.file_metadata().num_rows(),
        "minValues": minimum,
        "maxValues": maximum,
        "nullCount": nulls,
    })
    .to_string()
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Number(i64),
    Text(String),
}

impl Bound {
    fn into_value(self, microseconds: bool) -> Value {
        match self {
            Self::Number(time) if microseconds => schemas::event::format_time(time).into(),
            Self::Number(number) => number.into(),
            Self::Text(text) => text.into(),
        }
    }
}

/// A chunk's range; `None` where there is none, or a bound is cut short.
fn bounds(statistics: &Statistics) -> Option<(Bound, Bound)> {
    if !statistics.min_is_exact() || !statistics.max_is_exact() {
        return None;
    }
    match statistics {
        Statistics::Int32(v) => Some((
            Bound::Number((*v.min_opt()?).into()),
            Bound::Number((*v.max_opt()?).into()),
        )),
        Statistics::Int64(v) => Some((Bound::Number(*v.min_opt()?), Bound::Number(*v.max_opt()?))),
        Statistics::ByteArray(v) => {
            let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).ok().map(Bound::Text);
            Some((
                text(v.min_opt()?.as_bytes())?,
                text(v.max_opt()?.as_bytes())?,
            ))
        }
        _ => None,
    }
}
