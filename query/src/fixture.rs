//! A small lake for tests, written with deltalake as `ingest` writes: a column `day`, declared
//! last, partitions every table.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Float64Array, Int16Array, ListArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use deltalake::DeltaTable;
use tempfile::TempDir;
use url::Url;

/// 2024-12-06T00:00:00Z.
const MIDNIGHT_US: i64 = 1_733_443_200_000_000;
const DAY_US: i64 = 86_400_000_000;
const MIDNIGHT_DAYS: i32 = 20_063;

/// `packets`: 6 rows over two days; `power`: 3 rows with NULL, NaN and a list.
pub(crate) fn lake() -> TempDir {
    let data = TempDir::new().expect("a folder for temporary files");
    append(data.path(), "packets", &packets(0, &[801, 801, 813]));
    append(data.path(), "packets", &packets(1, &[801, 813, 826]));
    append(data.path(), "power", &power());
    data
}

/// Packets of day `day`, one second apart, whose data are their APID's two octets.
pub(crate) fn packets(day: i32, apids: &[i16]) -> RecordBatch {
    let times = (0..apids.len() as i64)
        .map(|second| MIDNIGHT_US + i64::from(day) * DAY_US + second * 1_000_000 + 182);
    let data: Vec<[u8; 2]> = apids.iter().map(|apid| apid.to_be_bytes()).collect();
    let description = [(
        "description".to_owned(),
        "application process identifier".to_owned(),
    )];
    let fields = vec![
        time(),
        Field::new("spacecraft", DataType::Utf8, true),
        Field::new("apid", DataType::Int16, true).with_metadata(description.into()),
        Field::new("data", DataType::Binary, true),
        Field::new("day", DataType::Date32, true),
    ];
    batch(
        fields,
        vec![
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
            Arc::new(StringArray::from(vec!["noaa20"; apids.len()])),
            Arc::new(Int16Array::from(apids.to_vec())),
            Arc::new(BinaryArray::from_iter_values(data)),
            Arc::new(Date32Array::from(vec![MIDNIGHT_DAYS + day; apids.len()])),
        ],
    )
}

fn power() -> RecordBatch {
    let times = (0..3).map(|minute| MIDNIGHT_US + minute * 60_000_000);
    let unit = [("unit".to_owned(), "%".to_owned())];
    let cells = ListArray::from_iter_primitive::<Float64Type, _, _>([
        Some(vec![Some(4.1), None]),
        None,
        Some(vec![]),
    ]);
    let fields = vec![
        time(),
        Field::new("state_of_charge", DataType::Float64, true).with_metadata(unit.into()),
        Field::new("mode", DataType::Utf8, true),
        Field::new_list(
            "cells",
            Field::new_list_field(DataType::Float64, true),
            true,
        ),
        Field::new("day", DataType::Date32, true),
    ];
    batch(
        fields,
        vec![
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
            Arc::new(Float64Array::from(vec![Some(81.5), None, Some(f64::NAN)])),
            Arc::new(StringArray::from(vec![
                Some("sun, \"full\""),
                Some(""),
                None,
            ])),
            Arc::new(cells),
            Arc::new(Date32Array::from(vec![MIDNIGHT_DAYS; 3])),
        ],
    )
}

fn time() -> Field {
    Field::new(
        "time",
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        true,
    )
}

fn batch(fields: Vec<Field>, columns: Vec<ArrayRef>) -> RecordBatch {
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    RecordBatch::try_new(schema, columns).expect("columns that fit their schema")
}

/// Appends rows in one commit; creates the table if it is new.
pub(crate) fn append(data: &Path, table: &str, batch: &RecordBatch) {
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
            .write([batch.clone()])
            .with_partition_columns(["day"])
            .await
            .expect("a commit");
    });
}
