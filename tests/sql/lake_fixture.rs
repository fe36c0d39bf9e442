//! The lake that the SQL and reader tests ask, written with deltalake as `ingest` writes: the
//! columns of DESIGN's tables that matter to a query, `day` last and partitioning.
//!
//! Replaying a recording here instead makes the same tests run over the whole pipeline.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, Date32Array, Float64Array, Int16Array, ListArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Float64Type, Schema};
use arrow::record_batch::RecordBatch;
use deltalake::DeltaTable;
use tempfile::TempDir;
use url::Url;

/// 2024-12-06T16:00:00Z, and its day since 1970.
const START_US: i64 = 1_733_500_800_000_000;
const START_DAY: i32 = 20_063;
const DAY_US: i64 = 86_400_000_000;

/// `packets`: 1,000 rows of each of two days; `power`: 5 rows with NULLs, NaN and lists.
///
/// # Panics
/// If the tables cannot be written.
pub(crate) fn lake_fixture() -> TempDir {
    let data = TempDir::new().expect("a folder for temporary files");
    for day in 0..2 {
        append(data.path(), "packets", packets(day));
    }
    append(data.path(), "power", power());
    data
}

/// 1,000 packets, 100 ms apart: APIDs 801, 813 and 826 in turn.
fn packets(day: i32) -> RecordBatch {
    let times = (0..1_000).map(|n| START_US + i64::from(day) * DAY_US + n * 100_000);
    let apids: Vec<i16> = (0..1_000).map(|n| [801, 813, 826][n % 3]).collect();
    let data: Vec<[u8; 4]> = (0..1_000_u32).map(u32::to_be_bytes).collect();
    batch(vec![
        time(times),
        (
            "spacecraft",
            Arc::new(StringArray::from(vec!["noaa20"; 1_000])),
        ),
        ("apid", Arc::new(Int16Array::from(apids))),
        (
            "sequence_count",
            Arc::new(Int16Array::from_iter_values(0..1_000)),
        ),
        ("data", Arc::new(BinaryArray::from_iter_values(data))),
        (
            "day",
            Arc::new(Date32Array::from(vec![START_DAY + day; 1_000])),
        ),
    ])
}

fn power() -> RecordBatch {
    let cells = ListArray::from_iter_primitive::<Float64Type, _, _>([
        Some(vec![Some(4.1), Some(4.0)]),
        Some(vec![Some(4.1), None]),
        None,
        Some(vec![]),
        Some(vec![Some(3.9)]),
    ]);
    let charge = vec![Some(81.5), Some(79.25), None, Some(f64::NAN), Some(77.0)];
    let modes = vec![Some("sun"), Some("sun"), Some(""), None, Some("eclipse")];
    batch(vec![
        time((0..5).map(|n| START_US + n * 60_000_000)),
        ("state_of_charge", Arc::new(Float64Array::from(charge))),
        ("mode", Arc::new(StringArray::from(modes))),
        ("cells", Arc::new(cells)),
        ("day", Arc::new(Date32Array::from(vec![START_DAY; 5]))),
    ])
}

fn time(times: impl Iterator<Item = i64>) -> (&'static str, ArrayRef) {
    (
        "time",
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
    )
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns of one length")
}

fn append(data: &Path, table: &str, rows: RecordBatch) {
    let folder = data.join("lake").join(table);
    std::fs::create_dir_all(&folder).expect("a folder for the table");
    let url = Url::from_directory_path(&folder).expect("an absolute path");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        DeltaTable::try_from_url(url)
            .await
            .expect("a table")
            .write([rows])
            .with_partition_columns(["day"])
            .await
            .expect("a commit");
    });
}
