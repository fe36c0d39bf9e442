//! Tables for tests: few rows, written as ingest writes them.

use std::sync::Arc;

use arrow::array::TimestampMicrosecondArray;
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use tokio::runtime::Runtime;

use super::rewrite::Reading;
use super::table::Table;
use crate::location::Location;
use crate::log::{Change, Committed, TableLog};
use crate::tables::Tables;
use crate::write::{FinishedFile, RunWriter, make_durable};

/// The day of all rows: 1970-01-11.
pub(crate) const DAY: i32 = 10;

pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) tables: Tables,
    pub(crate) runtime: Runtime,
    offset: u64,
}

/// A row: spacecraft, microseconds of the day, number.
pub(crate) type Row = (&'static str, i64, i64);

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            tables: Tables::open(&Location::folder(folder.path())).unwrap(),
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
            folder,
            offset: 0,
        }
    }

    pub(crate) fn open(&self) -> Table {
        self.runtime
            .block_on(Table::open(&self.tables, "t"))
            .unwrap()
    }

    /// Commits a file of rows as they are given.
    pub(crate) fn add(&mut self, rows: &[Row]) {
        self.add_batch(&batch(rows, false), "");
    }

    pub(crate) fn add_batch(&mut self, batch: &RecordBatch, from: &str) {
        let mut log = self.log();
        let first = self.offset;
        self.offset += batch.num_rows() as u64;
        let mut run = RunWriter::new("t", &batch.schema()).unwrap();
        run.write(batch).unwrap();
        let mut encoded = run.finish().unwrap();
        let octets = std::mem::take(&mut encoded.octets);
        self.runtime.block_on(async {
            let mut stored = log.store(Some(DAY), first, octets, from).await.unwrap();
            make_durable(std::iter::once(&mut stored)).await.unwrap();
            let file = FinishedFile {
                day: Some(DAY),
                schema: batch.schema(),
                encoded,
            };
            let change = Change {
                added: &[(file, stored)],
                removed: &[],
                last_offset: self.offset - 1,
            };
            let committed = log.commit(&change, &|_| false).await.unwrap();
            assert_eq!(committed, Committed::Done);
        });
    }

    /// Removes the table's first file, as ingest does when it has a better copy of its rows.
    pub(crate) fn remove_first(&mut self) {
        let mut log = self.log();
        let removed = [Arc::clone(log.files().unwrap().iter().next().unwrap())];
        self.offset += 1;
        let change = Change {
            added: &[],
            removed: &removed,
            last_offset: self.offset - 1,
        };
        self.runtime
            .block_on(log.commit(&change, &|_| false))
            .unwrap();
    }

    fn log(&self) -> TableLog {
        let opening = TableLog::open(&self.tables, "t", "passline/tm.packets/0");
        self.runtime.block_on(opening).unwrap()
    }

    /// Numbers of all rows, in the order of spacecraft and time.
    pub(crate) fn numbers(&self) -> Vec<i64> {
        let table = self.open();
        let files = table.files.values().cloned().collect();
        let reading = Reading::new(&table, self.runtime.handle(), files).unwrap();
        let mut numbers = Vec::new();
        for batch in reading.merged().unwrap() {
            let batch = batch.unwrap();
            let column = batch.column_by_name("number").unwrap();
            numbers.extend(column.as_primitive::<Int64Type>().values().iter());
        }
        numbers
    }
}

/// Rows as a batch, with a column more if asked for.
pub(crate) fn batch(rows: &[Row], wide: bool) -> RecordBatch {
    let spacecraft: StringArray = rows.iter().map(|row| Some(row.0)).collect();
    let time = rows
        .iter()
        .map(|row| i64::from(DAY) * 86_400_000_000 + row.1);
    let time = TimestampMicrosecondArray::from_iter_values(time).with_timezone("UTC");
    let number: Int64Array = rows.iter().map(|row| Some(row.2)).collect();
    let mut columns = vec![
        ("spacecraft", Arc::new(spacecraft) as ArrayRef, true),
        ("time", Arc::new(time) as ArrayRef, true),
        ("number", Arc::new(number) as ArrayRef, true),
    ];
    if wide {
        let more: Int64Array = rows.iter().map(|row| Some(row.2 * 2)).collect();
        columns.push(("more", Arc::new(more) as ArrayRef, true));
    }
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}
