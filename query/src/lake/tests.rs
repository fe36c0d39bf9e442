use super::*;
use crate::fixture;

#[test]
fn an_empty_or_missing_data_folder_says_what_to_do() {
    let empty = tempfile::tempdir().expect("a folder");
    for data in [empty.path().to_owned(), empty.path().join("missing")] {
        let error = Lake::open(&data)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(error.contains("passline replay"), "{error}");
        assert!(error.contains(&data.display().to_string()), "{error}");
    }
    std::fs::create_dir_all(empty.path().join("lake/no_table")).expect("a folder");
    assert!(matches!(
        Lake::open(empty.path()),
        Err(QueryError::NoTables { .. })
    ));
}

#[test]
fn tables_are_folders_with_a_delta_log() {
    let data = fixture::lake();
    std::fs::create_dir_all(data.path().join("lake/no_table")).expect("a folder");
    std::fs::write(data.path().join("lake/file"), "").expect("a file");
    let begun = data.path().join("lake/begun/_delta_log");
    std::fs::create_dir_all(&begun).expect("a folder");
    std::fs::write(begun.join("_commit_1234.tmp"), "").expect("a file");
    let lake = Lake::open(data.path()).expect("a lake");
    assert_eq!(lake.tables().expect("names"), ["packets", "power"]);
}

#[test]
fn columns_have_types_units_and_descriptions() {
    let data = fixture::lake();
    let lake = Lake::open(data.path()).expect("a lake");
    let columns = lake.columns("power").expect("columns");
    let types: Vec<_> = columns
        .iter()
        .map(|c| (c.name.as_str(), c.data_type.as_str()))
        .collect();
    assert_eq!(
        types,
        [
            ("time", "timestamp with time zone"),
            ("state_of_charge", "double"),
            ("mode", "text"),
            ("cells", "double[]"),
            ("day", "date"),
        ]
    );
    assert_eq!(columns[1].unit, "%");
    let packets = lake.columns("packets").expect("columns");
    assert_eq!(packets[2].description, "application process identifier");
    assert!(matches!(
        lake.columns("pover"),
        Err(QueryError::UnknownTable {
            nearest: Some(_),
            ..
        })
    ));
}

#[test]
fn one_statement_is_answered_with_batches() {
    let data = fixture::lake();
    let lake = Lake::open(data.path()).expect("a lake");
    let mut answer = lake.ask("SELECT apid FROM packets").expect("an answer");
    assert_eq!(answer.schema().field(0).name(), "apid");
    let mut rows = 0;
    while let Some(batch) = answer.next_batch().expect("rows") {
        rows += batch.num_rows();
    }
    assert_eq!(rows, 6);
    for (sql, statements) in [("", 0), ("SELECT 1; SELECT 2", 2)] {
        let error = lake.ask(sql).err();
        assert!(
            matches!(error, Some(QueryError::NotOneStatement { found }) if found == statements),
            "{error:?}"
        );
    }
}

#[test]
fn an_interrupt_ends_the_query_and_not_the_lake() {
    let data = fixture::lake();
    let lake = Lake::open(data.path()).expect("a lake");
    let mut answer = lake
        .ask("SELECT sum(a.value * b.value) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b")
        .expect("an answer");
    let interrupt = Arc::clone(&lake.interrupt);
    let key = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(1500));
        interrupt.notify_one();
    });
    assert!(matches!(answer.next_batch(), Err(QueryError::Interrupted)));
    drop(answer);
    key.join().expect("the key was pressed");
    let mut answer = lake.ask("SELECT 1").expect("an answer");
    assert!(answer.next_batch().expect("rows").is_some());
}
