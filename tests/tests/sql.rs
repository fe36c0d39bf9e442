//! SQL is answered as `tests/sql/*.slt` say.

#[path = "../sql/lake_fixture.rs"]
mod lake_fixture;

use std::path::PathBuf;

use query::{Format, Lake, QueryError, run};
use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner};
use tests::workspace;

/// The lake as sqllogictest asks it: through the CSV that users get.
struct Engine {
    lake: Lake,
}

impl DB for Engine {
    type Error = QueryError;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, QueryError> {
        let mut out = Vec::new();
        run(&self.lake, sql, &Format::Csv.into(), &mut out)?;
        let mut rows = parse_csv(&String::from_utf8_lossy(&out));
        let header = if rows.is_empty() {
            Vec::new()
        } else {
            rows.remove(0)
        };
        Ok(DBOutput::Rows {
            types: vec![DefaultColumnType::Any; header.len()],
            rows,
        })
    }

    fn engine_name(&self) -> &'static str {
        "passline"
    }
}

/// Fields of CSV; NULL (nothing) becomes `NULL`, the empty string (`""`) `(empty)`.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut was_quoted) = (false, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => {
                quoted = !quoted;
                was_quoted = true;
            }
            ',' | '\n' if !quoted => {
                let value = std::mem::take(&mut field);
                row.push(match (value.is_empty(), was_quoted) {
                    (true, true) => "(empty)".to_owned(),
                    (true, false) => "NULL".to_owned(),
                    (false, _) => value,
                });
                was_quoted = false;
                if character == '\n' {
                    rows.push(std::mem::take(&mut row));
                }
            }
            other => field.push(other),
        }
    }
    rows
}

#[test]
fn sql_is_answered_as_the_slt_files_say() {
    let data = lake_fixture::lake_fixture();
    let mut files: Vec<PathBuf> = std::fs::read_dir(workspace().join("tests/sql"))
        .expect("tests/sql")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    files.sort();
    assert!(files.len() >= 4, "only {files:?}");
    for file in files {
        let folder = data.path().to_owned();
        let mut runner = Runner::new(move || {
            let lake = Lake::open(&folder);
            async move { lake.map(|lake| Engine { lake }) }
        });
        if let Err(error) = runner.run_file(&file) {
            panic!("{}", error.display(false));
        }
    }
}
