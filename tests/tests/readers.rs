//! DuckDB and Polars read what a replay wrote, and count the same rows as `query`.

use std::collections::BTreeMap;
use std::process::Command;

use query::{Format, Lake, run};
use tests::{passline, python, succeed, workspace};

#[test]
fn duckdb_and_polars_count_the_same_rows() {
    let Some(python) = python() else {
        return;
    };
    let data = tempfile::tempdir().expect("a folder for temporary files");
    succeed(
        passline()
            .args(["demo", "--minutes", "30", "--data"])
            .arg(data.path()),
    );
    let lake = Lake::open(data.path()).expect("a lake");
    let mut own = BTreeMap::new();
    for table in lake.tables().expect("names") {
        let mut out = Vec::new();
        let sql = format!("SELECT count(*) AS n FROM \"{table}\"");
        run(&lake, &sql, &Format::Ndjson.into(), &mut out).expect("a count");
        let row: serde_json::Value = serde_json::from_slice(&out).expect("a row");
        own.insert(table, row["n"].as_u64().expect("a number"));
    }
    assert!(own.len() >= 11, "{own:?}");
    assert!(own.values().all(|rows| *rows > 0), "{own:?}");
    let script = workspace().join("tests/readers/read_counts.py");
    let printed = succeed(Command::new(python).arg(script).arg(data.path()));
    let theirs: BTreeMap<String, BTreeMap<String, u64>> =
        serde_json::from_str(&printed).expect("JSON");
    for reader in ["duckdb", "polars"] {
        assert_eq!(theirs.get(reader), Some(&own), "{reader}");
    }
}
