use std::io;

use super::*;
use crate::{Format, fixture};

fn answer_in(format: Format, sql: &str) -> Result<Vec<u8>, QueryError> {
    let data = fixture::lake();
    let lake = Lake::open(data.path())?;
    let mut out = Vec::new();
    run(&lake, sql, &format.into(), &mut out)?;
    Ok(out)
}

fn text(format: Format, sql: &str) -> String {
    match answer_in(format, sql) {
        Ok(out) => String::from_utf8_lossy(&out).into_owned(),
        Err(error) => panic!("{sql}: {error}"),
    }
}

fn error(sql: &str) -> QueryError {
    answer_in(Format::Csv, sql)
        .err()
        .unwrap_or_else(|| panic!("answered: {sql}"))
}

const POWER: &str = "SELECT * FROM power ORDER BY time";

#[test]
fn csv_tells_null_from_empty_and_quotes_what_needs_it() {
    assert_eq!(
        text(Format::Csv, POWER),
        "time,state_of_charge,mode,cells,day\n\
         2024-12-06T00:00:00.000000Z,81.5,\"sun, \"\"full\"\"\",\"[4.1, ]\",2024-12-06\n\
         2024-12-06T00:01:00.000000Z,,\"\",,2024-12-06\n\
         2024-12-06T00:02:00.000000Z,NaN,,[],2024-12-06\n"
    );
}

#[test]
fn tables_align_numbers_right_and_spell_null() {
    assert_eq!(
        text(
            Format::Table,
            "SELECT mode, state_of_charge FROM power ORDER BY time"
        ),
        " mode        | state_of_charge\n\
         -------------+-----------------\n \
          sun, \"full\" |            81.5\n \
         \u{20}           |            NULL\n \
          NULL        |             NaN\n\
         (3 rows)\n"
    );
}

#[test]
fn json_is_one_array_and_ndjson_one_object_a_line() {
    let rows: serde_json::Value =
        serde_json::from_str(&text(Format::Json, POWER)).expect("valid JSON");
    assert_eq!(
        rows,
        serde_json::json!([
            {"time": "2024-12-06T00:00:00.000000Z", "state_of_charge": 81.5,
             "mode": "sun, \"full\"", "cells": [4.1, null], "day": "2024-12-06"},
            {"time": "2024-12-06T00:01:00.000000Z", "state_of_charge": null,
             "mode": "", "cells": null, "day": "2024-12-06"},
            {"time": "2024-12-06T00:02:00.000000Z", "state_of_charge": null,
             "mode": null, "cells": [], "day": "2024-12-06"},
        ])
    );
    let lines = text(Format::Ndjson, "SELECT apid FROM packets ORDER BY time");
    assert_eq!(lines.lines().count(), 6);
    assert_eq!(lines.lines().next(), Some("{\"apid\":801}"));
    assert_eq!(text(Format::Json, "SELECT 1 AS x WHERE false"), "[]\n");
}

#[test]
fn binary_is_hex() {
    let sql = "SELECT data FROM packets ORDER BY time LIMIT 1";
    assert_eq!(text(Format::Csv, sql), "data\n0321\n");
    assert_eq!(text(Format::Ndjson, sql), "{\"data\":\"0321\"}\n");
    assert!(text(Format::Table, sql).contains("0321"));
}

#[test]
fn parquet_and_arrow_hold_the_same_rows() {
    use arrow::compute::concat_batches;
    use arrow::ipc::reader::StreamReader;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let sql = "SELECT time, apid, data, spacecraft FROM packets ORDER BY time";
    let octets = answer_in(Format::Parquet, sql).expect("a Parquet file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file(&octets))
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .expect("readable Parquet");
    let from_parquet: Vec<_> = reader.map(|batch| batch.expect("a batch")).collect();
    let stream = answer_in(Format::Arrow, sql).expect("an Arrow stream");
    let reader = StreamReader::try_new(io::Cursor::new(stream), None).expect("readable Arrow");
    let schema = reader.schema();
    let from_arrow: Vec<_> = reader.map(|batch| batch.expect("a batch")).collect();
    let a = concat_batches(&from_parquet[0].schema(), &from_parquet).expect("one batch");
    let b = concat_batches(&schema, &from_arrow).expect("one batch");
    assert_eq!(a.num_rows(), 6);
    assert_eq!(a.columns(), b.columns());
}

/// Parquet's readers want a file.
fn file(octets: &[u8]) -> std::fs::File {
    use std::io::Seek;
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(octets).expect("written");
    file.rewind().expect("rewound");
    file
}

#[test]
fn intervals_and_equal_names_fit_every_format() {
    let sql = "SELECT max(time) - min(time) AS d, INTERVAL '1 day' AS i, NULL AS n FROM power";
    let twice = "SELECT a.apid, b.apid FROM packets a JOIN packets b USING (time) LIMIT 1";
    for format in [
        Format::Table,
        Format::Csv,
        Format::Json,
        Format::Ndjson,
        Format::Parquet,
        Format::Arrow,
    ] {
        for sql in [sql, twice] {
            if let Err(error) = answer_in(format, sql) {
                panic!("{format}: {sql}: {error}");
            }
        }
    }
    assert!(text(Format::Ndjson, twice).contains("\"apid_2\""));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let printed = text(Format::Table, "SELECT chr(27) || '[2J' AS x");
    assert!(printed.contains("\\u{1b}[2J"), "{printed}");
}

#[test]
fn wide_rows_are_printed_one_column_a_line_on_a_terminal() {
    let data = fixture::lake();
    let lake = Lake::open(data.path()).expect("a lake");
    let mut out = Vec::new();
    let output = Output {
        width_columns: Some(20),
        ..Output::default()
    };
    run(
        &lake,
        "SELECT time, apid FROM packets ORDER BY time LIMIT 2",
        &output,
        &mut out,
    )
    .expect("an answer");
    assert_eq!(
        String::from_utf8_lossy(&out),
        "-[ row 1 ]-\ntime | 2024-12-06T00:00:00.000182Z\napid | 801\n\
         -[ row 2 ]-\ntime | 2024-12-06T00:00:01.000182Z\napid | 801\n(2 rows)\n"
    );
}

#[test]
fn the_partition_column_is_last_and_filters_files() {
    assert!(
        text(Format::Csv, "SELECT * FROM packets LIMIT 0")
            .trim()
            .ends_with(",day")
    );
    assert_eq!(
        text(
            Format::Csv,
            "SELECT count(*) AS n FROM packets WHERE day = '2024-12-07'"
        ),
        "n\n3\n"
    );
    let plan = text(
        Format::Csv,
        "EXPLAIN ANALYZE SELECT apid FROM packets WHERE day = '2024-12-07'",
    );
    assert!(plan.contains("count_files_scanned=1"), "{plan}");
}

#[test]
fn counts_come_from_statistics_without_reading_files() {
    let data = fixture::lake();
    for entry in walk(&data.path().join("lake/packets")) {
        if entry
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            std::fs::remove_file(entry).expect("removed");
        }
    }
    let lake = Lake::open(data.path()).expect("a lake");
    let mut out = Vec::new();
    run(
        &lake,
        "SELECT count(*) AS n FROM packets",
        &Format::Csv.into(),
        &mut out,
    )
    .expect("an answer");
    assert_eq!(out, b"n\n6\n");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn a_new_commit_is_seen_by_the_next_statement() {
    let data = fixture::lake();
    let lake = Lake::open(data.path()).expect("a lake");
    let count = || {
        let mut out = Vec::new();
        run(
            &lake,
            "SELECT count(*) AS n FROM packets",
            &Format::Csv.into(),
            &mut out,
        )
        .expect("an answer");
        String::from_utf8_lossy(&out).into_owned()
    };
    assert_eq!(count(), "n\n6\n");
    fixture::append(data.path(), "packets", &fixture::packets(2, &[11]));
    assert_eq!(count(), "n\n7\n");
    fixture::append(data.path(), "fresh", &fixture::packets(2, &[11]));
    let mut out = Vec::new();
    run(
        &lake,
        "SELECT apid FROM fresh",
        &Format::Csv.into(),
        &mut out,
    )
    .expect("an answer");
    assert_eq!(out, b"apid\n11\n");
}

#[test]
fn only_the_tables_that_a_statement_names_are_loaded() {
    let data = fixture::lake();
    let broken = data.path().join("lake/broken/_delta_log");
    std::fs::create_dir_all(&broken).expect("a folder");
    std::fs::write(broken.join("00000000000000000000.json"), "no JSON").expect("a file");
    let lake = Lake::open(data.path()).expect("a lake");
    let mut out = Vec::new();
    for sql in ["SELECT count(*) FROM packets", "SHOW TABLES"] {
        run(&lake, sql, &Format::Csv.into(), &mut out).expect(sql);
    }
    let error = run(&lake, "SELECT * FROM broken", &Format::Csv.into(), &mut out)
        .err()
        .map(|error| error.to_string());
    assert!(
        error
            .as_deref()
            .is_some_and(|error| error.contains("broken")),
        "{error:?}"
    );
}

#[test]
fn the_catalogue_describes_itself() {
    assert_eq!(
        text(Format::Csv, "SHOW TABLES"),
        "table_name\npackets\npower\n"
    );
    assert!(text(Format::Csv, "DESCRIBE packets").contains("apid,Int16"));
    assert!(text(Format::Csv, "SHOW COLUMNS FROM power").contains("state_of_charge"));
    assert_eq!(
        text(
            Format::Csv,
            "SELECT count(*) AS n FROM information_schema.columns WHERE table_name = 'packets'"
        ),
        "n\n5\n"
    );
}

#[test]
fn unknown_names_are_answered_with_their_neighbours() {
    let error_text = error("SELECT * FROM packet").to_string();
    assert_eq!(
        error_text,
        "there is no table packet, did you mean packets?; the tables are packets, power"
    );
    let error_text = error("SELECT apidd FROM packets").to_string();
    assert!(
        error_text.starts_with("there is no column apidd, did you mean apid?"),
        "{error_text}"
    );
    assert!(
        error_text.ends_with("time, spacecraft, apid, data, day"),
        "{error_text}"
    );
    assert!(matches!(
        error("SELECT x.apid FROM packets"),
        QueryError::UnknownColumn { .. }
    ));
    assert!(matches!(error("SELECT nosuch(1)"), QueryError::Plan(_)));
}

#[test]
fn files_cannot_be_read() {
    for sql in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM \"../lake/packets\"",
        "SELECT * FROM 'file:///etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('/tmp/x.parquet')",
        "SELECT * FROM parquet_metadata('/tmp/x.parquet')",
        "SELECT * FROM other.public.packets",
    ] {
        match error(sql) {
            QueryError::UnknownTable { .. } | QueryError::Plan(_) => {}
            other => panic!("{sql}: {other}"),
        }
    }
}

#[test]
fn several_statements_are_answered_in_order_and_none_if_one_is_refused() {
    assert_eq!(
        text(Format::Csv, "SELECT 1 AS a; SELECT 2 AS b;"),
        "a\n1\nb\n2\n"
    );
    let data = fixture::lake();
    let lake = Lake::open(data.path()).expect("a lake");
    let mut out = Vec::new();
    let refused = run(
        &lake,
        "SELECT 1; DROP TABLE packets",
        &Format::Csv.into(),
        &mut out,
    );
    assert!(matches!(refused, Err(QueryError::Refused { .. })));
    assert!(out.is_empty());
    let two = run(
        &lake,
        "SELECT 1; SELECT 2",
        &Format::Parquet.into(),
        &mut out,
    );
    assert!(matches!(two, Err(QueryError::NotOneStatement { found: 2 })));
}

#[test]
fn hostile_statements_are_errors_and_no_overflow() {
    let data = fixture::lake();
    let lake = Lake::open(data.path()).expect("a lake");
    let mut out = Vec::new();
    for sql in [
        format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("SELECT 1 WHERE 1 = 0{}", " OR 1 = 2".repeat(100_000)),
    ] {
        let error = run(&lake, &sql, &Format::Csv.into(), &mut out);
        assert!(
            matches!(
                error,
                Err(QueryError::TooDeep | QueryError::TooManyOperators { .. })
            ),
            "{error:?}"
        );
    }
    for sql in [
        "SELECT 1/0",
        "SELECT CAST('x' AS INT)",
        "SELECT apid / 0 FROM packets",
    ] {
        assert!(
            run(&lake, sql, &Format::Csv.into(), &mut out).is_err(),
            "{sql}"
        );
    }
}

#[test]
fn the_longest_chain_that_is_accepted_is_answered() {
    let terms = crate::guard::OPERATORS_MAX / 2 - 8;
    let sql = format!(
        "SELECT count(*) AS n FROM packets WHERE apid = 0{}",
        " OR apid = 801".repeat(terms / 2)
    );
    assert_eq!(text(Format::Csv, &sql), "n\n3\n");
}

#[test]
fn what_needs_too_much_memory_says_so() {
    let wide =
        "SELECT value AS k, repeat('x', 1000) || value AS v FROM generate_series(1, 2000000)";
    let sql = format!("SELECT max(a.v || b.v) FROM ({wide}) a JOIN ({wide}) b ON a.k = b.k");
    match error(&sql) {
        QueryError::Memory { .. } => {}
        other => panic!("{other}"),
    }
}

/// Takes some octets, then fails as a pipe does whose reader has gone.
struct ClosedPipe(usize);

impl Write for ClosedPipe {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self.0.checked_sub(octets.len()) {
            Some(left) => {
                self.0 = left;
                Ok(octets.len())
            }
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_ends_quietly_and_a_full_disk_does_not() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let data = fixture::lake();
    let lake = Lake::open(data.path()).expect("a lake");
    let sql = "SELECT * FROM generate_series(1, 100000000)";
    for format in [
        Format::Table,
        Format::Csv,
        Format::Json,
        Format::Ndjson,
        Format::Arrow,
    ] {
        let summary = run(&lake, sql, &format.into(), &mut ClosedPipe(100_000)).expect("success");
        assert!(summary.closed_early, "{format}");
        let failed = run(&lake, "SELECT 1", &format.into(), &mut Full);
        assert!(
            matches!(failed, Err(QueryError::Write(_))),
            "{format}: {failed:?}"
        );
    }
}

#[test]
fn answers_are_written_while_they_are_computed() {
    // Without streaming, a hundred million rows would not fit or not end in time.
    let data = fixture::lake();
    let lake = Lake::open(data.path()).expect("a lake");
    let summary = run(
        &lake,
        "SELECT * FROM generate_series(1, 1000000000000)",
        &Format::Csv.into(),
        &mut ClosedPipe(10_000_000),
    );
    assert!(summary.is_ok_and(|summary| summary.closed_early));
}

#[test]
fn formats_are_named_as_on_the_command_line() {
    for name in ["table", "csv", "json", "ndjson", "parquet", "arrow"] {
        let format: Format = name.parse().expect(name);
        assert_eq!(format.to_string(), name);
    }
    let error = "xml"
        .parse::<Format>()
        .expect_err("no such format")
        .to_string();
    assert_eq!(
        error,
        "unknown format xml: choose table, csv, json, ndjson, parquet or arrow"
    );
}
