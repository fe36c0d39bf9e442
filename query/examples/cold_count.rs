//! How long the first answer takes: `SELECT count(*)` from the start of the process.
//!
//! `cold_count make DIR` writes a telemetry table of 720,000 rows and 29 columns;
//! `cold_count DIR [SQL]` answers and says how long it took on standard error.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Date32Array, Float64Array, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use deltalake::DeltaTable;
use query::{Format, Lake, Output, run};
use url::Url;

const ROWS: i64 = 720_000;
const COMMITS: i64 = 10;

fn main() -> ExitCode {
    let start = Instant::now();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [make, data] if make == "make" => make_table(Path::new(data)),
        [data] => answer(data, "SELECT count(*) FROM geolocation"),
        [data, sql] => answer(data, sql),
        _ => Err("usage: cold_count make DIR | cold_count DIR [SQL]".into()),
    };
    eprintln!("{:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cold_count: {error}");
            ExitCode::FAILURE
        }
    }
}

type Done = Result<(), Box<dyn std::error::Error>>;

fn answer(data: &str, sql: &str) -> Done {
    let lake = Lake::open(&PathBuf::from(data))?;
    run(
        &lake,
        sql,
        &Output::for_stdout(Format::Table),
        &mut std::io::stdout(),
    )?;
    Ok(())
}

fn make_table(data: &Path) -> Done {
    let folder = std::path::absolute(data.join("lake/geolocation"))?;
    std::fs::create_dir_all(&folder)?;
    let url = Url::from_directory_path(&folder).map_err(|()| "no absolute path")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut table = DeltaTable::try_from_url(url).await?;
        for commit in 0..COMMITS {
            table = table
                .write([batch(commit)?])
                .with_partition_columns(["day"])
                .await?;
        }
        Ok(())
    })
}

fn batch(commit: i64) -> Result<RecordBatch, arrow::error::ArrowError> {
    const START_US: i64 = 1_733_443_200_000_000;
    let rows = commit * ROWS / COMMITS..(commit + 1) * ROWS / COMMITS;
    let times = rows.clone().map(|row| START_US + row * 1_000_000);
    let time: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"));
    let mut columns = vec![("time".to_owned(), time)];
    for column in 0..27 {
        let values = rows
            .clone()
            .map(|row| (row as f64 * 0.001 + f64::from(column)).sin());
        columns.push((
            format!("value_{column}"),
            Arc::new(Float64Array::from_iter_values(values)),
        ));
    }
    let days = rows.map(|row| (20_063 + row / 86_400) as i32);
    columns.push((
        "day".to_owned(),
        Arc::new(Date32Array::from_iter_values(days)),
    ));
    RecordBatch::try_from_iter(columns)
}
