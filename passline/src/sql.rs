//! `passline sql`: ask the tables.

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use query::{Format, Lake, Output};

use crate::arguments::{FormatFlag, SqlFlags};
use crate::place;

pub(crate) fn run(flags: SqlFlags) -> Result<ExitCode> {
    let lake = Lake::open(place::location(&flags.place)?)?;
    let mut out = std::io::stdout().lock();
    let output = Output::for_stdout(format(flags.format));
    let statements = match (flags.command, flags.file) {
        (Some(command), _) => command,
        (None, Some(file)) => read_statements(&file)?,
        (None, None) => {
            query::prompt::run(&lake, &output, &mut out, &mut std::io::stderr().lock())?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    query::run(&lake, &statements, &output, &mut out)?;
    out.flush().or_else(crate::report::closed_pipe_is_fine)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn format(flag: FormatFlag) -> Format {
    match flag {
        FormatFlag::Table => Format::Table,
        FormatFlag::Csv => Format::Csv,
        FormatFlag::Json => Format::Json,
        FormatFlag::Ndjson => Format::Ndjson,
        FormatFlag::Parquet => Format::Parquet,
        FormatFlag::Arrow => Format::Arrow,
    }
}

fn read_statements(file: &Path) -> Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("standard input cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}
