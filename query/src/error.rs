//! What can go wrong with a question, in words that say what to do.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use thiserror::Error;

use crate::guard;
use crate::lake::MEMORY_OCTETS_MAX;

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The data folder holds no table.
    #[error(
        "there are no tables in {}: replay a recording into it first, \
         `passline replay FILE --mission DIR --data {}`",
        .data, .data
    )]
    NoTables {
        /// The data folder.
        data: String,
    },
    /// The tables cannot be read.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// The threads that answer cannot be started.
    #[error("cannot start the query engine")]
    Start(#[source] std::io::Error),
    /// There is no such table.
    #[error("there is no table {name}{}; the tables are {}", did_you_mean(.nearest.as_deref()), .tables.join(", "))]
    UnknownTable {
        /// The name asked for.
        name: String,
        /// The most similar name, if one is similar.
        nearest: Option<String>,
        /// The tables there are.
        tables: Vec<String>,
    },
    /// There is no such column.
    #[error("there is no column {name}{}{}", did_you_mean(.nearest.as_deref()), listed(.columns))]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The most similar name, if one is similar.
        nearest: Option<String>,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// The text is not SQL.
    #[error("syntax error: {0}")]
    Syntax(String),
    /// The statement would change something.
    #[error(
        "{statement} is refused: passline sql only reads (SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES, SHOW COLUMNS, DESCRIBE)"
    )]
    Refused {
        /// The kind of statement.
        statement: String,
    },
    /// The text is too long to be planned.
    #[error(
        "the SQL has {octets} octets; at most {} are accepted",
        guard::SQL_OCTETS_MAX
    )]
    TooLong {
        /// Its length.
        octets: usize,
    },
    /// A statement has too many operators and keywords to be planned.
    #[error(
        "a statement has {operators} operators and keywords; at most {} are accepted \
         (for many values use `column IN (...)`)",
        guard::OPERATORS_MAX
    )]
    TooManyOperators {
        /// How many it has.
        operators: usize,
    },
    /// A statement is nested too deeply to be planned.
    #[error(
        "a statement is nested too deeply; about {} levels are accepted",
        guard::NESTING_MAX
    )]
    TooDeep,
    /// Common table expressions that refer to each other multiply beyond measure.
    #[error(
        "a statement reads {relations} tables once its WITH clauses are expanded; at most {} are accepted",
        guard::RELATIONS_MAX
    )]
    TooManyRelations {
        /// How many it reads.
        relations: u64,
    },
    /// Exactly one statement was expected.
    #[error("expected one statement, found {found}")]
    NotOneStatement {
        /// How many there are.
        found: usize,
    },
    /// The statement is SQL but cannot be planned.
    #[error("{0}")]
    Plan(String),
    /// The answer needs more memory than allowed.
    #[error(
        "the answer needs more than the {} MiB of memory that queries may use: \
         narrow it with WHERE, or aggregate fewer groups ({message})",
        MEMORY_OCTETS_MAX >> 20
    )]
    Memory {
        /// What needed it.
        message: String,
    },
    /// Answering failed.
    #[error("the query failed: {0}")]
    Failed(String),
    /// The answer has a type that the output format has not.
    #[error("cannot write the answer as {format}: {message}")]
    Unwritable {
        /// The output format.
        format: &'static str,
        /// What it cannot represent.
        message: String,
    },
    /// The user interrupted the query.
    #[error("interrupted")]
    Interrupted,
    /// The answer could not be written.
    #[error("cannot write the answer")]
    Write(#[from] std::io::Error),
    /// The line editor failed.
    #[error("cannot read from the terminal: {0}")]
    Terminal(String),
}

impl QueryError {
    /// Whether the reader of the output went away, which is no failure.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Write(source) if source.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// The planner's or executor's error, without its wrapping.
    pub(crate) fn from_datafusion(error: &DataFusionError) -> Self {
        match error {
            DataFusionError::SQL(parser, _) => Self::from_parser(parser),
            DataFusionError::SchemaError(schema, _) => from_schema(schema),
            DataFusionError::Diagnostic(_, inner) => Self::from_datafusion(inner),
            DataFusionError::Shared(inner) => Self::from_datafusion(inner),
            DataFusionError::Collection(errors) if !errors.is_empty() => {
                Self::from_datafusion(&errors[0])
            }
            DataFusionError::Context(context, inner) => from_context(context, inner),
            DataFusionError::ResourcesExhausted(message) => Self::Memory {
                message: first_line(message),
            },
            DataFusionError::Plan(message) => Self::Plan(message.clone()),
            DataFusionError::NotImplemented(message) => {
                Self::Plan(format!("not supported: {message}"))
            }
            other => Self::Failed(other.message().into_owned()),
        }
    }

    pub(crate) fn from_parser(error: &ParserError) -> Self {
        match error {
            ParserError::RecursionLimitExceeded => Self::TooDeep,
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
                Self::Syntax(message.clone())
            }
        }
    }

    /// An unknown table beside those that there are.
    pub(crate) fn unknown_table(name: &str, tables: Vec<String>) -> Self {
        Self::UnknownTable {
            name: name.to_owned(),
            nearest: nearest(name, &tables),
            tables,
        }
    }
}

fn from_context(context: &str, inner: &DataFusionError) -> QueryError {
    // sqlparser's own limit arrives as a context around `RecursionLimitExceeded`.
    match QueryError::from_datafusion(inner) {
        QueryError::Failed(message) => QueryError::Failed(format!("{context}: {message}")),
        other => other,
    }
}

fn from_schema(error: &SchemaError) -> QueryError {
    match error {
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => {
            let columns: Vec<String> = valid_fields
                .iter()
                .map(|column| column.name.clone())
                .collect();
            // A qualifier that is no table of the statement is as likely as a wrong column.
            let qualified = field
                .relation
                .as_ref()
                .filter(|_| columns.contains(&field.name));
            let name = qualified.map_or_else(|| field.name.clone(), |_| field.flat_name());
            QueryError::UnknownColumn {
                nearest: nearest(&field.name, &columns),
                name,
                columns: valid_fields
                    .iter()
                    .map(|column| match qualified {
                        Some(_) => column.flat_name(),
                        None => column.name.clone(),
                    })
                    .collect(),
            }
        }
        SchemaError::AmbiguousReference { field } => QueryError::Plan(format!(
            "column {} is in several tables: say which",
            field.name
        )),
        other => QueryError::Plan(other.to_string()),
    }
}

/// The columns there are, if the statement has any at hand.
fn listed(columns: &[String]) -> String {
    if columns.is_empty() {
        return "; the statement names no table".to_owned();
    }
    format!("; the columns are {}", columns.join(", "))
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean {name}?"))
}

/// The most similar of some names, unless all are quite different.
fn nearest(name: &str, names: &[String]) -> Option<String> {
    const SIMILAR_MIN: f64 = 0.75;
    names
        .iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&name.to_lowercase(), candidate),
                candidate,
            )
        })
        .filter(|(similarity, _)| *similarity >= SIMILAR_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.clone())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
