//! The prompt of `passline sql`: statements end with `;`, commands start with `\`.

mod command;
mod complete;

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use self::command::{Command, HELP};
use self::complete::Assistant;
use crate::guard::{self, SQL_OCTETS_MAX};
use crate::{Lake, Output, QueryError, run as answer};

/// Most statements kept in the history.
const HISTORY_ENTRIES_MAX: usize = 5_000;

/// Reads statements from standard input and answers them, until `\q` or its end.
///
/// On a terminal there is a line editor with history and completion; errors are printed to
/// `messages` and the prompt goes on; Ctrl-C clears the line or interrupts the query. From a
/// pipe or file, statements are answered as they come and the first error ends it, so that
/// scripts notice.
///
/// # Errors
/// [`QueryError`]: from a pipe, the first error; on a terminal, only if it cannot be read or the
/// output cannot be written.
pub fn run(
    lake: &Lake,
    output: &Output,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<(), QueryError> {
    if std::io::stdin().is_terminal() {
        run_on_terminal(lake, output, out, messages)
    } else {
        run_from(lake, output, &mut std::io::stdin().lock(), out)
    }
}

/// Answers the statements and commands of a text, as from a pipe.
///
/// # Errors
/// The first error; what was answered before it has been written.
pub fn run_from(
    lake: &Lake,
    output: &Output,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<(), QueryError> {
    let mut session = Session {
        lake,
        output: *output,
        timing: false,
        closed: false,
    };
    let mut text = String::new();
    let mut line = String::new();
    loop {
        line.clear();
        // One octet more than accepted is enough to refuse it.
        let room = SQL_OCTETS_MAX.saturating_add(1).saturating_sub(text.len()) as u64;
        let read = std::io::Read::take(&mut *input, room).read_line(&mut line)?;
        text.push_str(&line);
        if text.len() > SQL_OCTETS_MAX {
            return Err(QueryError::TooLong { octets: text.len() });
        }
        let is_command = text.trim_start().starts_with('\\');
        if read == 0 || is_command || guard::is_complete(&text) {
            if session.submit(&text, out)?.is_break() || read == 0 {
                return Ok(());
            }
            text.clear();
        }
    }
}

/// Where the history is kept: a place of the user's, whatever the data folder.
pub fn history_file() -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("passline/history"))
}

fn run_on_terminal(
    lake: &Lake,
    output: &Output,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<(), QueryError> {
    lake.interrupt_on_ctrl_c()?;
    let terminal = |error: ReadlineError| QueryError::Terminal(error.to_string());
    let mut editor = editor(lake).map_err(terminal)?;
    let history = history_file();
    if let Some(path) = history.as_deref().filter(|path| path.exists())
        && let Err(error) = editor.load_history(path)
    {
        writeln!(
            messages,
            "passline: cannot read the history {}: {error}",
            path.display()
        )?;
    }
    let tables = lake.tables()?.len();
    let s = if tables == 1 { "" } else { "s" };
    writeln!(
        messages,
        "SQL over {tables} table{s}. \\? for help, \\q to quit."
    )?;
    let mut session = Session {
        lake,
        output: *output,
        timing: false,
        closed: false,
    };
    loop {
        match editor.readline("passline> ") {
            Ok(text) => {
                if !text.trim().is_empty() {
                    remember(&mut editor, history.as_deref(), &text, messages)?;
                }
                match session.submit(&text, out) {
                    Ok(flow) if flow.is_break() => return Ok(()),
                    Ok(_) => {}
                    Err(error @ QueryError::Write(_)) => return Err(error),
                    Err(error) => writeln!(messages, "passline: {error}")?,
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(terminal(error)),
        }
    }
}

type LineEditor<'a> = Editor<Assistant<'a>, FileHistory>;

fn editor(lake: &Lake) -> rustyline::Result<LineEditor<'_>> {
    let config = Config::builder()
        .max_history_size(HISTORY_ENTRIES_MAX)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Assistant::new(lake)));
    Ok(editor)
}

/// Kept at once, so that a crash loses nothing. A history that cannot be kept is said once.
fn remember(
    editor: &mut LineEditor<'_>,
    path: Option<&Path>,
    text: &str,
    messages: &mut dyn Write,
) -> Result<(), QueryError> {
    let added = editor.add_history_entry(text).unwrap_or(false);
    let Some(path) = path.filter(|_| added) else {
        return Ok(());
    };
    let kept = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .map_err(ReadlineError::from)
        .and_then(|()| editor.append_history(path));
    if let Err(error) = kept {
        writeln!(
            messages,
            "passline: cannot keep the history {}: {error}",
            path.display()
        )?;
    }
    Ok(())
}

/// What `\timing` and `\x` have switched, and the lake asked.
struct Session<'a> {
    lake: &'a Lake,
    output: Output,
    timing: bool,
    /// The output's reader went away.
    closed: bool,
}

type Flow = std::ops::ControlFlow<()>;

impl Session<'_> {
    /// One command, or statements.
    fn submit(&mut self, text: &str, out: &mut dyn Write) -> Result<Flow, QueryError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Flow::Continue(()));
        }
        let done = match Command::parse(text) {
            Some(command) => self.command(&command, out),
            None => self.statements(text, out),
        };
        match done {
            Err(error) if error.is_closed_pipe() => Ok(Flow::Break(())),
            Ok(_) if self.closed => Ok(Flow::Break(())),
            other => other,
        }
    }

    fn statements(&mut self, text: &str, out: &mut dyn Write) -> Result<Flow, QueryError> {
        let start = Instant::now();
        let summary = answer(self.lake, text, &self.output, out)?;
        self.closed = summary.closed_early;
        if self.timing && !self.closed {
            writeln!(out, "Time: {:.1} ms", start.elapsed().as_secs_f64() * 1e3)?;
        }
        Ok(Flow::Continue(()))
    }

    fn command(&mut self, command: &Command, out: &mut dyn Write) -> Result<Flow, QueryError> {
        match command {
            Command::Quit => return Ok(Flow::Break(())),
            Command::Help => out.write_all(HELP.as_bytes())?,
            Command::Tables => {
                for table in self.lake.tables()? {
                    writeln!(out, "{table}")?;
                }
            }
            Command::Columns(table) => command::print_columns(self.lake, table, out)?,
            Command::Timing => {
                self.timing = !self.timing;
                writeln!(out, "Timing is {}.", on_off(self.timing))?;
            }
            Command::Expanded => {
                self.output.expanded = !self.output.expanded;
                writeln!(out, "Expanded display is {}.", on_off(self.output.expanded))?;
            }
            Command::Unknown(name) => {
                return Err(QueryError::Syntax(format!(
                    "unknown command {name}; \\? lists them"
                )));
            }
        }
        out.flush()?;
        Ok(Flow::Continue(()))
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

#[cfg(test)]
mod tests;
