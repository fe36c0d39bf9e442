use super::*;

fn refusal(sql: &str) -> QueryError {
    parse(sql)
        .err()
        .unwrap_or_else(|| panic!("accepted: {sql}"))
}

#[test]
fn reading_statements_are_accepted() {
    for sql in [
        "SELECT 1",
        "select apid, count(*) from packets group by apid order by 1;",
        "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT * FROM n",
        "VALUES (1), (2)",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
        "SHOW TABLES",
        "SHOW COLUMNS FROM packets",
        "DESCRIBE packets",
        "(SELECT 1) UNION ALL (SELECT 2)",
    ] {
        assert!(parse(sql).is_ok(), "{sql}: {:?}", parse(sql).err());
    }
    assert_eq!(
        parse("SELECT 1; SELECT 2;")
            .map(|all| all.len())
            .unwrap_or(0),
        2
    );
    assert_eq!(parse("-- nothing\n").map(|all| all.len()).unwrap_or(9), 0);
}

#[test]
fn statements_that_change_anything_are_refused_by_name() {
    for (sql, name) in [
        ("CREATE TABLE t (a INT)", "CREATE TABLE"),
        ("CREATE TABLE t AS SELECT 1", "CREATE TABLE"),
        ("CREATE VIEW v AS SELECT 1", "CREATE VIEW"),
        (
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "CREATE EXTERNAL TABLE",
        ),
        ("DROP TABLE packets", "DROP TABLE"),
        ("ALTER TABLE packets ADD COLUMN x INT", "ALTER TABLE"),
        ("TRUNCATE TABLE packets", "TRUNCATE TABLE"),
        ("INSERT INTO packets VALUES (1)", "INSERT INTO"),
        ("UPDATE packets SET apid = 1", "UPDATE"),
        ("DELETE FROM packets", "DELETE FROM"),
        ("COPY packets TO '/tmp/x.csv'", "COPY"),
        ("COPY (SELECT 1) TO '/tmp/x.parquet'", "COPY"),
        ("SET datafusion.execution.batch_size = 1", "SET"),
        ("RESET datafusion.execution.batch_size", "RESET"),
        ("PREPARE p AS SELECT 1", "PREPARE"),
        ("EXECUTE p", "EXECUTE"),
        ("DEALLOCATE p", "DEALLOCATE"),
        ("BEGIN", "BEGIN"),
        ("SHOW ALL", "SHOW ALL"),
        (
            "EXPLAIN ANALYZE INSERT INTO packets SELECT * FROM packets",
            "INSERT INTO",
        ),
        ("EXPLAIN COPY packets TO '/tmp/x.csv'", "COPY"),
        ("EXPLAIN CREATE TABLE t AS SELECT 1", "CREATE TABLE"),
        ("SELECT 1; DROP TABLE packets", "DROP TABLE"),
        ("SELECT * INTO copy FROM packets", "SELECT INTO"),
        ("SELECT * FROM packets FOR UPDATE", "SELECT ... FOR UPDATE"),
        (
            "WITH a AS (SELECT 1) INSERT INTO packets SELECT * FROM a",
            "INSERT INTO",
        ),
        (
            "WITH a AS (DELETE FROM packets RETURNING *) SELECT * FROM a",
            "DELETE FROM",
        ),
    ] {
        match refusal(sql) {
            QueryError::Refused { statement } => {
                assert!(statement.starts_with(name), "{sql}: named {statement}");
            }
            other => panic!("{sql}: {other}"),
        }
    }
}

#[test]
fn what_is_no_sql_is_a_syntax_error_with_its_place() {
    for sql in [
        "SELEC 1",
        "SELECT 'open",
        "SELECT * FROM t WHERE",
        "\u{0}",
        "🛰",
        "SELECT 1 SELECT",
    ] {
        assert!(
            matches!(refusal(sql), QueryError::Syntax(_)),
            "{sql}: {}",
            refusal(sql)
        );
    }
    assert!(
        refusal("SELECT 1\nFROM x WHERE )")
            .to_string()
            .contains("Line: 2")
    );
}

/// Runs on a stack as large as the engine's.
fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(256 << 20)
            .spawn_scoped(scope, work)
            .expect("a thread")
            .join()
            .expect("no panic")
    })
}

#[test]
fn deep_nesting_is_an_error_and_no_stack_overflow() {
    let n = 100_000;
    for (sql, what) in [
        (
            format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n)),
            "parentheses",
        ),
        (
            format!("SELECT {}1{}", "abs(".repeat(n), ")".repeat(n)),
            "functions",
        ),
        (
            format!("SELECT {}1", "-".to_owned() + &" -".repeat(n)),
            "minus",
        ),
        (format!("SELECT {}true", "NOT ".repeat(n)), "not"),
        (format!("SELECT 1{}", " OR 1".repeat(n)), "or"),
        (format!("SELECT 1{}", " + 1".repeat(n)), "plus"),
        (format!("SELECT 1{}", "::int".repeat(n)), "casts"),
        (format!("SELECT 1{}", " IS NULL".repeat(n)), "is null"),
        (
            format!("SELECT 1{}", " UNION SELECT 1".repeat(n / 2)),
            "union",
        ),
        (format!("SELECT * FROM t{}", " JOIN t".repeat(n)), "join"),
        (format!("SELECT {}", "CASE WHEN ".repeat(n)), "case"),
        (format!("SELECT {}", "[".repeat(n)), "brackets"),
        (format!("SELECT x{}", "[1]".repeat(n)), "subscripts"),
        ("EXPLAIN ".repeat(n / 2), "explain"),
        (format!("{}SELECT 1", "WITH a AS (".repeat(n / 4)), "with"),
    ] {
        let error = deep(|| refusal(&sql));
        assert!(
            matches!(
                error,
                QueryError::TooDeep | QueryError::TooManyOperators { .. }
            ),
            "{what}: {error}"
        );
    }
}

#[test]
fn long_lists_are_no_depth() {
    let list: Vec<String> = (0..50_000).map(|n| n.to_string()).collect();
    let sql = format!("SELECT * FROM packets WHERE apid IN ({})", list.join(","));
    assert!(
        parse(&sql).is_ok(),
        "{:?}",
        parse(&sql).err().map(|e| e.to_string())
    );
}

#[test]
fn text_beyond_the_limit_is_refused_unread() {
    let sql = format!("SELECT '{}'", "x".repeat(SQL_OCTETS_MAX));
    assert!(matches!(refusal(&sql), QueryError::TooLong { octets } if octets == sql.len()));
}

#[test]
fn expressions_that_multiply_are_refused() {
    use std::fmt::Write as _;
    let mut sql = "WITH a0 AS (SELECT 1 AS x)".to_owned();
    for n in 1..40 {
        write!(
            sql,
            ", a{n} AS (SELECT l.x FROM a{} l, a{} r)",
            n - 1,
            n - 1
        )
        .expect("a string");
    }
    sql.push_str(" SELECT count(*) FROM a39");
    assert!(
        matches!(refusal(&sql), QueryError::TooManyRelations { .. }),
        "{}",
        refusal(&sql)
    );
    assert!(
        parse("WITH a AS (SELECT 1 AS x), b AS (SELECT * FROM a, a AS c) SELECT * FROM b").is_ok()
    );
}

#[test]
fn a_semicolon_completes_outside_of_quotes_and_comments() {
    for whole in [
        "SELECT 1;",
        "SELECT ';';",
        "SELECT 1; -- done",
        "SELECT 1;\n",
        ";",
    ] {
        assert!(is_complete(whole), "{whole}");
    }
    for open in [
        "SELECT 1",
        "SELECT ';",
        "SELECT 1 -- ;",
        "SELECT 1 /* ; ",
        "SELECT \";",
        "",
    ] {
        assert!(!is_complete(open), "{open}");
    }
}
