use super::*;
use crate::{Format, fixture};

fn piped(input: &str) -> (String, Result<(), QueryError>) {
    let data = fixture::lake();
    let lake = Lake::open(data.path()).expect("a lake");
    let mut out = Vec::new();
    let result = run_from(&lake, &Format::Csv.into(), &mut input.as_bytes(), &mut out);
    (String::from_utf8_lossy(&out).into_owned(), result)
}

#[test]
fn statements_from_a_pipe_span_lines_and_the_last_needs_no_semicolon() {
    let (out, result) = piped("SELECT\n 1 AS a;\n\nSELECT ';' AS b; SELECT 2 AS c;\nSELECT 3 AS d");
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(out, "a\n1\nb\n;\nc\n2\nd\n3\n");
}

#[test]
fn the_first_error_from_a_pipe_ends_it() {
    let (out, result) = piped("SELECT 1 AS a;\nSELEC 2;\nSELECT 3 AS c;\n");
    assert!(matches!(result, Err(QueryError::Syntax(_))), "{result:?}");
    assert_eq!(out, "a\n1\n");
    let (_, result) = piped("\\nonsense\n");
    assert!(result.is_err());
}

#[test]
fn text_without_end_is_refused_at_the_limit() {
    let endless = "x".repeat(SQL_OCTETS_MAX * 2);
    assert!(matches!(piped(&endless).1, Err(QueryError::TooLong { .. })));
}

#[test]
fn commands_list_describe_and_quit() {
    let (out, result) = piped("\\d\n\\d power\n\\q\nSELECT 1;\n");
    assert!(result.is_ok(), "{result:?}");
    assert!(out.starts_with("packets\npower\n"), "{out}");
    assert!(out.contains(" state_of_charge | double"), "{out}");
    assert!(out.contains("%"), "{out}");
    assert!(out.ends_with("(5 rows)\n"), "nothing after \\q: {out}");
    let (out, _) = piped("\\?\n");
    assert!(out.contains("\\timing"), "{out}");
    let (out, _) = piped("\\timing\nSELECT 1 AS a;\n");
    assert!(out.starts_with("Timing is on.\na\n1\nTime: "), "{out}");
}

#[test]
fn commands_are_told_from_statements() {
    assert_eq!(
        Command::parse("\\d packets;"),
        Some(Command::Columns("packets".to_owned()))
    );
    assert_eq!(Command::parse("  \\d "), Some(Command::Tables));
    assert_eq!(Command::parse("exit"), Some(Command::Quit));
    assert_eq!(
        Command::parse("\\nope"),
        Some(Command::Unknown("\\nope".to_owned()))
    );
    assert_eq!(Command::parse("SELECT 1;"), None);
}

#[test]
fn tab_completes_tables_columns_keywords_and_commands() {
    let data = fixture::lake();
    let lake = Lake::open(data.path()).expect("a lake");
    let assistant = Assistant::new(&lake);
    let at_end = |line: &str| assistant.candidates(line, line.len());
    assert_eq!(
        at_end("SELECT * FROM pa"),
        (14, vec!["packets".to_owned(), "PARTITION".to_owned()])
    );
    assert_eq!(at_end("\\d po").1, ["power"]);
    assert_eq!(at_end("\\ti").1, ["\\timing"]);
    assert_eq!(at_end("sel").1, ["SELECT"]);
    let line = "SELECT st FROM power";
    assert!(
        assistant
            .candidates(line, 9)
            .1
            .contains(&"state_of_charge".to_owned())
    );
    assert_eq!(at_end("SELECT 'ü").0, 8, "starts after the quote");
    assert!(at_end("").1.contains(&"packets".to_owned()));
}

#[test]
fn the_history_is_the_users_and_not_the_datas() {
    let path = history_file();
    if let Some(path) = path {
        assert!(path.is_absolute());
        assert!(path.ends_with("passline/history"), "{}", path.display());
    }
}
