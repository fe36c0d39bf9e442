//! Tables for people.
//!
//! Widths are taken from the first rows; later rows that are wider push their line out, and
//! widen the column from there on.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use arrow::util::display::ArrayFormatter;
use unicode_width::UnicodeWidthStr;

use super::{Conform, Format, Output, Shape, Sink, is_numeric, spelling, unwritable};
use crate::QueryError;

/// Rows looked at for the widths of the columns.
const SAMPLE_ROWS: usize = 1_000;

/// Octets looked at; whichever comes first.
const SAMPLE_OCTETS: usize = 1 << 20;

pub(super) struct Table<'a> {
    conform: Conform,
    names: Vec<String>,
    right: Vec<bool>,
    widths: Vec<usize>,
    layout: Layout,
    width_columns: usize,
    sample: Vec<Vec<Cell>>,
    sample_octets: usize,
    rows: u64,
    out: &'a mut dyn Write,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Looking at the first rows.
    Undecided,
    Rows,
    /// One column a line.
    Expanded,
}

/// A value's lines.
struct Cell(Vec<String>);

impl Cell {
    fn new(value: &str) -> Self {
        Self(value.split('\n').map(printable).collect())
    }

    fn width(&self) -> usize {
        self.0.iter().map(|line| line.width()).max().unwrap_or(0)
    }
}

/// Control characters could move the cursor, or worse: they are spelled out.
fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

impl<'a> Table<'a> {
    pub(super) fn new(output: &Output, schema: &SchemaRef, out: &'a mut dyn Write) -> Self {
        let names: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| printable(field.name()))
            .collect();
        Self {
            conform: Conform::new(
                schema,
                Shape {
                    views: false,
                    intervals: false,
                },
            ),
            right: schema
                .fields()
                .iter()
                .map(|field| is_numeric(field.data_type()))
                .collect(),
            widths: names.iter().map(|name| name.width()).collect(),
            names,
            layout: if output.expanded {
                Layout::Expanded
            } else {
                Layout::Undecided
            },
            width_columns: output.width_columns.unwrap_or(usize::MAX),
            sample: Vec::new(),
            sample_octets: 0,
            rows: 0,
            out,
        }
    }

    fn row(&mut self, cells: Vec<Cell>) -> Result<(), QueryError> {
        self.rows += 1;
        match self.layout {
            Layout::Undecided => {
                for (width, cell) in self.widths.iter_mut().zip(&cells) {
                    *width = cell.width().max(*width);
                }
                self.sample_octets += cells
                    .iter()
                    .flat_map(|cell| &cell.0)
                    .map(String::len)
                    .sum::<usize>();
                self.sample.push(cells);
                if self.sample.len() >= SAMPLE_ROWS || self.sample_octets >= SAMPLE_OCTETS {
                    self.decide()?;
                }
                Ok(())
            }
            Layout::Rows => self.print(&cells),
            Layout::Expanded => self.print_expanded(self.rows, &cells),
        }
    }

    fn decide(&mut self) -> Result<(), QueryError> {
        let separators = self.widths.len().saturating_mul(3);
        let width = self
            .widths
            .iter()
            .fold(separators, |sum, width| sum.saturating_add(*width));
        let sample = std::mem::take(&mut self.sample);
        if width.saturating_sub(1) > self.width_columns && !sample.is_empty() {
            self.layout = Layout::Expanded;
            for (number, cells) in (1..).zip(&sample) {
                self.print_expanded(number, cells)?;
            }
            return Ok(());
        }
        self.layout = Layout::Rows;
        let header: Vec<Cell> = self
            .names
            .iter()
            .map(|name| Cell(vec![name.clone()]))
            .collect();
        self.print(&header)?;
        let rule: Vec<String> = self
            .widths
            .iter()
            .map(|width| "-".repeat(width.saturating_add(2)))
            .collect();
        writeln!(self.out, "{}", rule.join("+"))?;
        for cells in &sample {
            self.print(cells)?;
        }
        Ok(())
    }

    fn print(&mut self, cells: &[Cell]) -> Result<(), QueryError> {
        let height = cells.iter().map(|cell| cell.0.len()).max().unwrap_or(0);
        let mut text = String::new();
        for line_index in 0..height {
            let mut line = String::new();
            for (index, cell) in cells.iter().enumerate() {
                let value = cell.0.get(line_index).map_or("", String::as_str);
                let width = self.widths[index].max(cell.width());
                self.widths[index] = width;
                let pad = " ".repeat(width.saturating_sub(value.width()));
                line.push_str(if index > 0 { " | " } else { " " });
                if self.right[index] {
                    line.push_str(&pad);
                    line.push_str(value);
                } else {
                    line.push_str(value);
                    line.push_str(&pad);
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        Ok(self.out.write_all(text.as_bytes())?)
    }

    fn print_expanded(&mut self, number: u64, cells: &[Cell]) -> Result<(), QueryError> {
        let name_width = self
            .names
            .iter()
            .map(|name| name.width())
            .max()
            .unwrap_or(0);
        let mut text = format!("-[ row {number} ]-\n");
        for (name, cell) in self.names.iter().zip(cells) {
            for (index, value) in cell.0.iter().enumerate() {
                let name = if index == 0 { name.as_str() } else { "" };
                let pad = " ".repeat(name_width.saturating_sub(name.width()));
                let line = format!("{name}{pad} | {value}");
                text.push_str(line.trim_end());
                text.push('\n');
            }
        }
        Ok(self.out.write_all(text.as_bytes())?)
    }
}

impl Sink for Table<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let failed = |error| unwritable(Format::Table, &error);
        let batch = self.conform.batch(batch).map_err(failed)?;
        let options = spelling("NULL");
        let formatters = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        for row in 0..batch.num_rows() {
            let cells = formatters
                .iter()
                .map(|formatter| Ok(Cell::new(&formatter.value(row).try_to_string()?)))
                .collect::<Result<Vec<_>, _>>()
                .map_err(failed)?;
            self.row(cells)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), QueryError> {
        if self.layout == Layout::Undecided {
            self.decide()?;
        }
        let s = if self.rows == 1 { "" } else { "s" };
        writeln!(self.out, "({} row{s})", self.rows)?;
        Ok(self.out.flush()?)
    }
}
