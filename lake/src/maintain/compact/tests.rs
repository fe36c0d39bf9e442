use super::super::fixture::{DAY, Fixture, Row, batch};
use super::super::plan;
use super::*;

fn compact_all(fixture: &Fixture, options: &CompactOptions) -> Vec<CompactedDay> {
    let mut done = Vec::new();
    let mut table = fixture.open();
    let handle = fixture.runtime.handle();
    compact(&mut table, handle, options, &mut |day| {
        done.push(day.clone());
    })
    .unwrap();
    done
}

#[test]
fn overlapping_files_become_one_in_order() {
    let mut fixture = Fixture::new();
    fixture.add(&[("a", 1, 0), ("a", 5, 3), ("b", 0, 5)]);
    fixture.add(&[("a", 2, 1), ("a", 2, 2), ("a", 9, 4)]);
    let done = compact_all(&fixture, &CompactOptions::default());
    assert_eq!(done.len(), 1);
    assert_eq!((done[0].rows, done[0].before.files), (6, 2));
    assert_eq!(done[0].after.unwrap().files, 1);
    assert_eq!(fixture.numbers(), [0, 1, 2, 3, 4, 5]);
    assert!(compact_all(&fixture, &CompactOptions::default()).is_empty());
    let all = CompactOptions {
        all: true,
        ..CompactOptions::default()
    };
    assert!(
        compact_all(&fixture, &all).is_empty(),
        "a file is not replaced by itself"
    );
}

#[test]
fn what_ingest_commits_meanwhile_stays() {
    let mut fixture = Fixture::new();
    fixture.add(&[("a", 1, 0)]);
    fixture.add(&[("a", 1, 1)]);
    let mut table = fixture.open();
    fixture.add_batch(&batch(&[("a", 0, 7)], true), "");
    let done = compact_day(
        &mut table,
        fixture.runtime.handle(),
        Some(DAY),
        &CompactOptions::default(),
    );
    assert_eq!(done.unwrap().unwrap().before.files, 2);
    assert_eq!(fixture.numbers(), [7, 0, 1]);
    assert_eq!(fixture.open().files.len(), 2);
    assert!(
        table.columns().contains(&"more".to_owned()),
        "{:?}",
        table.columns()
    );
}

#[test]
fn a_day_whose_file_was_taken_is_planned_anew() {
    let mut fixture = Fixture::new();
    for number in 0..3 {
        fixture.add(&[("a", number, number)]);
    }
    let mut table = fixture.open();
    fixture.remove_first();
    let done = compact_day(
        &mut table,
        fixture.runtime.handle(),
        Some(DAY),
        &CompactOptions::default(),
    );
    assert_eq!(done.unwrap().unwrap().before.files, 2);
    assert_eq!(fixture.numbers(), [1, 2]);
}

#[test]
fn columns_that_came_later_are_null_in_older_rows() {
    let mut fixture = Fixture::new();
    fixture.add(&[("a", 1, 1)]);
    fixture.add_batch(&batch(&[("a", 0, 0)], true), "");
    compact_all(&fixture, &CompactOptions::default());
    let table = fixture.open();
    let files = table.files.values().cloned().collect();
    let reading = Reading::new(&table, fixture.runtime.handle(), files).unwrap();
    let rows: Vec<_> = reading.merged().unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].schema().field(3).name(), "more");
    let more = rows[0].column(3);
    assert!(!more.is_null(0) && more.is_null(1));
}

#[test]
fn files_of_different_logs_stay_apart() {
    let mut fixture = Fixture::new();
    for number in 0..4 {
        let log = ["", "other"][number as usize % 2];
        fixture.add_batch(&batch(&[("a", number, number)], false), log);
    }
    compact_all(&fixture, &CompactOptions::default());
    let table = fixture.open();
    let mut logs: Vec<_> = table.files.values().map(|file| file.log()).collect();
    logs.sort_unstable();
    assert_eq!(logs, [Some(""), Some("other")]);
    assert_eq!(fixture.numbers(), [0, 1, 2, 3]);
}

#[test]
fn a_file_out_of_order_is_sorted() {
    let mut fixture = Fixture::new();
    fixture.add(&[("a", 5, 3), ("a", 1, 0), ("a", 2, 1)]);
    fixture.add(&[("a", 4, 2)]);
    compact_all(&fixture, &CompactOptions::default());
    assert_eq!(fixture.numbers(), [0, 1, 2, 3]);
}

#[test]
fn more_than_memory_holds_is_merged_in_steps_into_full_files() {
    const FILES: i64 = 40;
    const ROWS: i64 = 6_000;
    let mut fixture = Fixture::new();
    for file in 0..FILES {
        let mut mixed = file.cast_unsigned() + 1;
        let rows: Vec<Row> = (0..ROWS)
            .map(|row| {
                mixed = mixed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                // Numbers that compress badly, and tell the rows apart.
                let number = (mixed >> 20).cast_signed() * FILES + file;
                ("a", row * 1_000 + file, number)
            })
            .collect();
        fixture.add(&rows);
    }
    let before = fixture.numbers();
    assert_eq!(before.len() as i64, FILES * ROWS);
    let done = compact_all(&fixture, &CompactOptions::default());
    let after = done[0].after.unwrap();
    assert!(after.files > 2, "{after:?}");
    assert!(
        after.octets / after.files < 2 * plan::FILE_OCTETS,
        "{after:?}"
    );
    assert!(fixture.numbers() == before);
    assert!(compact_all(&fixture, &CompactOptions::default()).is_empty());
}

#[test]
fn a_log_that_counts_other_rows_than_its_files_is_left_alone() {
    let mut fixture = Fixture::new();
    fixture.add(&[("a", 1, 0)]);
    fixture.add(&[("a", 1, 1)]);
    let log = fixture
        .folder
        .path()
        .join("lake/t/_delta_log/00000000000000000001.json");
    let text = std::fs::read_to_string(&log).unwrap();
    let changed = text.replace(r#"\"numRecords\":1"#, r#"\"numRecords\":2"#);
    assert_ne!(text, changed);
    std::fs::write(&log, changed).unwrap();
    let mut table = fixture.open();
    let failed = compact(
        &mut table,
        fixture.runtime.handle(),
        &CompactOptions::default(),
        &mut |_| (),
    );
    assert!(matches!(
        failed,
        Err(MaintainError::RowsDiffer {
            read: 2,
            written: 3,
            ..
        })
    ));
    assert_eq!(fixture.open().files.len(), 2);
}
