//! Rows of serialisable values as columns to read, JSON or comma-separated values.

use std::io;

use serde::Serialize;
use serde_json::Value;

use crate::flight_flags::RowFormat;
use crate::report;

/// Prints rows; `columns` are keys of theirs, each with its heading. A list becomes a column an
/// element in comma-separated values.
pub(crate) fn print<T: Serialize>(
    rows: &[T],
    columns: &[(&str, &str)],
    format: RowFormat,
) -> io::Result<()> {
    if format == RowFormat::Json {
        return report::print(|out| {
            write!(out, "[")?;
            for (number, row) in rows.iter().enumerate() {
                write!(out, "{}", if number == 0 { "\n  " } else { ",\n  " })?;
                serde_json::to_writer(&mut *out, row).map_err(io::Error::from)?;
            }
            writeln!(out, "{}]", if rows.is_empty() { "" } else { "\n" })
        });
    }
    let values: Vec<Value> = rows
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<_, _>>()?;
    match format {
        RowFormat::Csv => csv(&values),
        RowFormat::Table | RowFormat::Json => table(&values, columns),
    }
}

fn csv(rows: &[Value]) -> io::Result<()> {
    report::print(|out| {
        for (number, row) in rows.iter().enumerate() {
            let Some(row) = row.as_object() else { continue };
            if number == 0 {
                let headings = row.iter().flat_map(|(key, value)| match value {
                    Value::Array(items) => (0..items.len()).map(|n| format!("{key}_{n}")).collect(),
                    _ => vec![key.clone()],
                });
                writeln!(out, "{}", headings.collect::<Vec<_>>().join(","))?;
            }
            let cells = row.values().flat_map(|value| match value {
                Value::Array(items) => items.iter().map(cell).collect(),
                other => vec![cell(other)],
            });
            let cells: Vec<String> = cells.map(|text| quoted(&text)).collect();
            writeln!(out, "{}", cells.join(","))?;
        }
        Ok(())
    })
}

fn table(rows: &[Value], columns: &[(&str, &str)]) -> io::Result<()> {
    let mut lines: Vec<Vec<String>> =
        vec![columns.iter().map(|(_, name)| (*name).into()).collect()];
    lines.extend(rows.iter().map(|row| {
        let cells = columns.iter().map(|(key, _)| readable(key, &row[*key]));
        cells.collect()
    }));
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    report::print(|out| {
        for line in &lines {
            let mut text = String::new();
            for (cell, &width) in line.iter().zip(&widths) {
                let is_number = cell.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                    && !cell.contains(':');
                if is_number {
                    text += &format!("{cell:>width$}  ");
                } else {
                    text += &format!("{cell:<width$}  ");
                }
            }
            writeln!(out, "{}", text.trim_end())?;
        }
        Ok(())
    })
}

/// Seconds and two decimals are enough for eyes.
fn readable(key: &str, value: &Value) -> String {
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| readable(key, item))
            .collect::<Vec<_>>()
            .join(" "),
        Value::Number(number) if number.is_f64() => {
            let decimals = if key.ends_with("_km") || key.ends_with("_deg") {
                1
            } else {
                4
            };
            format!("{:.decimals$}", number.as_f64().unwrap_or_default())
        }
        Value::String(text) if text.len() == 27 && text.ends_with('Z') => {
            format!("{} {}", &text[..10], &text[11..21])
        }
        other => cell(other),
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
