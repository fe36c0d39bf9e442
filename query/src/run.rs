//! Statements in, formatted answers out.

use std::io::Write;

use crate::{Answer, Lake, Output, QueryError};

/// What was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Statements answered.
    pub statements: u64,
    /// Rows written, of all answers.
    pub rows: u64,
    /// The reader of the output went away before its end, as `head` does.
    pub closed_early: bool,
}

/// Answers statements, separated by `;`, one after the other.
///
/// All are parsed and checked before the first is answered. `parquet` and `arrow` hold one
/// answer, so they take exactly one statement. Rows are written while they are computed; no
/// format holds more than a thousand of them or one row group. A closed pipe ends quietly.
///
/// # Errors
/// [`QueryError`] at the first statement that cannot be answered; what was answered before it
/// has been written.
pub fn run(
    lake: &Lake,
    sql: &str,
    output: &Output,
    out: &mut dyn Write,
) -> Result<Summary, QueryError> {
    let statements = lake.parse(sql)?;
    if output.format.holds_one_answer() && statements.len() != 1 {
        return Err(QueryError::NotOneStatement {
            found: statements.len(),
        });
    }
    let mut summary = Summary::default();
    for statement in statements {
        let written = lake
            .answer(statement)
            .and_then(|mut answer| write_answer(&mut answer, output, out));
        match written {
            Ok(rows) => {
                summary.statements += 1;
                summary.rows = summary.rows.saturating_add(rows);
            }
            Err(error) if error.is_closed_pipe() => {
                summary.closed_early = true;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(summary)
}

fn write_answer(
    answer: &mut Answer<'_>,
    output: &Output,
    out: &mut dyn Write,
) -> Result<u64, QueryError> {
    let mut sink = output.sink(&answer.schema(), out)?;
    let mut rows = 0_u64;
    while let Some(batch) = answer.next_batch()? {
        rows = rows.saturating_add(batch.num_rows() as u64);
        sink.batch(&batch)?;
    }
    sink.finish()?;
    Ok(rows)
}

#[cfg(test)]
mod tests;
