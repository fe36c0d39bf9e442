//! Looking at a data folder from outside: its tables' rows and its files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{passline, succeed};

/// A replay of a recording into a data folder.
pub fn replay(recording: &Path, mission: &Path, data: &Path) -> Command {
    let mut command = passline();
    command
        .arg("replay")
        .arg(recording)
        .arg("--mission")
        .arg(mission)
        .arg("--data")
        .arg(data);
    command
}

/// Answers of `passline sql` as CSV lines, the header first.
pub fn sql(data: &Path, statement: &str) -> Vec<String> {
    let text = succeed(
        passline()
            .args(["sql", "--format", "csv", "-c", statement])
            .arg("--data")
            .arg(data),
    );
    text.lines().map(str::to_owned).collect()
}

/// Names of the tables in a data folder.
pub fn tables(data: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(data.join("lake"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("_delta_log").is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Every row of every table, as sorted CSV lines.
pub fn rows(data: &Path) -> BTreeMap<String, Vec<String>> {
    rows_at(data, &[], &tables(data))
}

/// Every row of some tables that lie anywhere, with what a program needs in its environment for it.
pub fn rows_at(
    data: &Path,
    environment: &[(&str, String)],
    tables: &[String],
) -> BTreeMap<String, Vec<String>> {
    let statements: String = tables
        .iter()
        .map(|table| format!("SELECT '{table}' AS \"{TITLE}\"; SELECT * FROM \"{table}\";"))
        .collect();
    if statements.is_empty() {
        return BTreeMap::new();
    }
    let mut ask = passline();
    ask.args(["sql", "--format", "csv", "-c", &statements, "--data"])
        .arg(data);
    let text = succeed(ask.envs(environment.iter().map(|(name, value)| (name, value))));
    let answers: Vec<String> = text.lines().map(str::to_owned).collect();
    let found: BTreeMap<_, _> = answers
        .split(|line| line == TITLE)
        .filter_map(|answer| {
            let (table, rows) = answer.split_first()?;
            let mut rows = rows.to_vec();
            rows.sort();
            Some((table.clone(), rows))
        })
        .collect();
    assert_eq!(found.len(), tables.len(), "an answer for each table");
    found
}

/// Every Parquet file of a data folder: path below it, and content.
pub fn parquet_files(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, data: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, data, found);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "parquet")
            {
                let below = path.strip_prefix(data).unwrap_or(&path).to_path_buf();
                let content =
                    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                found.insert(below, content);
            }
        }
    }
    let mut found = BTreeMap::new();
    for table in tables(data) {
        let folder = data.join("lake").join(table);
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_name() != "_delta_log" {
                walk(&entry.path(), data, &mut found);
            }
        }
    }
    found
}

/// A simulated pass with telemetry of every kind, faults included: its recording and its mission.
///
/// # Panics
/// If it cannot be made.
pub fn simulated_pass(folder: &Path, minutes: u32) -> (PathBuf, PathBuf) {
    let data = folder.join("simulated");
    let minutes = minutes.to_string();
    succeed(
        passline()
            .args(["demo", "--minutes", &minutes, "--seed", "7", "--data"])
            .arg(&data),
    );
    (
        data.join(format!("demo/pass-7-{minutes}min.cadu")),
        data.join("demo/mission"),
    )
}

/// All that two ways of receiving the same octets must agree on: every row, but for where, when and
/// in which contact it was received.
fn contents(data: &Path) -> BTreeMap<String, Vec<String>> {
    let tables = tables(data);
    let rows = |table: &String| {
        let what = if table == "events" {
            "SELECT spacecraft, virtual_channel, apid, severity, kind, count, position, message, mission_version FROM events WHERE kind NOT LIKE 'link%' AND kind NOT LIKE 'contact%'".to_owned()
        } else {
            format!("SELECT * EXCEPT (received, contact, station, day) FROM \"{table}\"")
        };
        let mut rows = sql(data, &what);
        rows.sort();
        (table.clone(), rows)
    };
    let with_rows = |(_, rows): &(String, Vec<String>)| rows.len() > 1;
    tables.iter().map(rows).filter(with_rows).collect()
}

/// Asserts that two data folders hold the same contents.
///
/// # Panics
/// If they do not; the message shows the first row that differs.
pub fn assert_same(found: &Path, expected: &Path) {
    let (found, expected) = (contents(found), contents(expected));
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (table, rows) in &expected {
        let same = &found[table];
        assert!(
            same == rows,
            "{table}: {} rows, not {}: {:?}",
            same.len(),
            rows.len(),
            same.iter().zip(rows).find(|(a, b)| a != b)
        );
    }
}

/// Stands before each table's rows.
const TITLE: &str = "title of the next answer";
