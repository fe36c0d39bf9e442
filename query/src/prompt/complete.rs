//! What Tab offers, and when Enter ends a statement.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::command::Command;
use crate::{Lake, guard};

const KEYWORDS: &[&str] = &[
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COUNT",
    "CROSS",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "RIGHT",
    "SELECT",
    "SHOW",
    "TABLES",
    "THEN",
    "TIMESTAMP",
    "TRUE",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
    "avg",
    "date_bin",
    "date_trunc",
    "max",
    "median",
    "min",
    "stddev",
    "sum",
];

const COMMANDS: &[&str] = &["\\?", "\\d", "\\q", "\\timing", "\\x"];

/// Completes names and decides whether a text is whole.
pub(super) struct Assistant<'a> {
    lake: &'a Lake,
    /// Columns of the tables named so far; a table's columns change rarely.
    columns: RefCell<BTreeMap<String, Vec<String>>>,
}

impl<'a> Assistant<'a> {
    pub(super) fn new(lake: &'a Lake) -> Self {
        Self {
            lake,
            columns: RefCell::default(),
        }
    }

    /// Where the word under the cursor starts, and what it may become.
    pub(super) fn candidates(&self, line: &str, position: usize) -> (usize, Vec<String>) {
        let before = line.get(..position).unwrap_or(line);
        let start = before
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '\\' || c == '?'))
            .map_or(0, |index| {
                before[index..].chars().next().map_or(0, char::len_utf8) + index
            });
        let word = &before[start..];
        let tables = self.lake.tables().unwrap_or_default();
        let mut found: Vec<String> = if word.starts_with('\\') {
            matching(COMMANDS.iter().copied(), word).collect()
        } else if before.trim_start().starts_with("\\d") {
            matching(tables.iter().map(String::as_str), word).collect()
        } else {
            let columns = self.columns_of(line, &tables);
            matching(columns.iter().map(String::as_str), word)
                .chain(matching(tables.iter().map(String::as_str), word))
                .chain(matching(KEYWORDS.iter().copied(), word).filter(|_| !word.is_empty()))
                .collect()
        };
        let mut seen = std::collections::HashSet::new();
        found.retain(|name| seen.insert(name.clone()));
        (start, found)
    }

    /// Columns of the tables that the text names.
    fn columns_of(&self, line: &str, tables: &[String]) -> Vec<String> {
        let mut cache = self.columns.borrow_mut();
        let mut columns = Vec::new();
        for word in line.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
            if !tables.iter().any(|table| table == word) {
                continue;
            }
            let known = cache.entry(word.to_owned()).or_insert_with(|| {
                let described = self.lake.columns(word).unwrap_or_default();
                described.into_iter().map(|column| column.name).collect()
            });
            columns.extend(known.iter().cloned());
        }
        columns
    }
}

/// Names that start with what was typed, in either case.
fn matching<'n>(
    names: impl Iterator<Item = &'n str> + 'n,
    word: &'n str,
) -> impl Iterator<Item = String> + 'n {
    names
        .filter(move |name| {
            name.get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word))
        })
        .map(str::to_owned)
}

impl Completer for Assistant<'_> {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.candidates(line, position))
    }
}

impl Validator for Assistant<'_> {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input().trim();
        let whole = text.is_empty() || Command::parse(text).is_some() || guard::is_complete(text);
        Ok(if whole {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

impl Hinter for Assistant<'_> {
    type Hint = String;
}

impl Highlighter for Assistant<'_> {}

impl Helper for Assistant<'_> {}
