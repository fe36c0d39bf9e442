//! Decoding again: a telemetry table's rows are rebuilt from the stored packets with the current
//! mission.
//!
//! The rows of a time range are replaced by what the packets of that range decode to now; rows
//! outside stay, with null in columns that are new. One commit a day, on the condition that
//! nobody brought rows of the range meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use deltalake::protocol::{DeltaOperation, SaveMode};
use tokio::runtime::Handle;

use super::compact::leave_equal;
use super::error::MaintainError;
use super::files::Fit;
use super::merge::{Batches, Merge, Source};
use super::order::Key;
use super::packets::{Decoder, PacketBlocks, SourcedBlock, time};
use super::recount::{Contact, contact_of};
use super::rewrite::{DayWriter, Reading, filtered};
use super::table::{NewFile, Replaced, Replacement, Table, TableFile};
use crate::tables::Tables;
use crate::write::{Day, date};

/// What to decode again.
#[derive(Clone, Debug, Default)]
pub struct RedecodeOptions {
    /// First time, in microseconds since 1970-01-01 UTC.
    pub from: Option<i64>,
    /// Time behind the last.
    pub to: Option<i64>,
    /// Columns may change their types: all rows are decoded again, in one commit.
    pub replace_type: bool,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl RedecodeOptions {
    fn holds(&self, time: Option<i64>) -> bool {
        match time {
            Some(time) => {
                self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
            }
            None => self.is_unbounded(),
        }
    }

    fn is_unbounded(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether a day may hold rows of the range.
    fn holds_day(&self, day: Day) -> bool {
        let Some(day) = day else {
            return self.is_unbounded();
        };
        let begin = i64::from(day).saturating_mul(DAY_MICROSECONDS);
        let end = begin.saturating_add(DAY_MICROSECONDS);
        self.from.is_none_or(|from| end > from) && self.to.is_none_or(|to| begin < to)
    }

    /// Whether a file may hold rows of the range.
    fn concerns(&self, day: Day, file: &TableFile) -> bool {
        let inside = file.times.is_none_or(|(first, last)| {
            self.from.is_none_or(|from| last >= from) && self.to.is_none_or(|to| first < to)
        });
        file.day == day && inside
    }

    fn rows_of(&self, batch: &RecordBatch, inside: bool) -> BooleanArray {
        let (times, received) = (
            batch.column_by_name("time"),
            batch.column_by_name("received"),
        );
        let own = |row| time(times, row).or_else(|| time(received, row));
        let held = |row| Some(self.holds(own(row)) == inside);
        (0..batch.num_rows()).map(held).collect()
    }
}

/// A day whose rows were looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedecodedDay {
    /// Which table.
    pub table: String,
    /// Which day.
    pub day: Day,
    /// Packets of the range.
    pub packets: u64,
    /// Rows of the range before.
    pub before: u64,
    /// Rows that its packets decode to.
    pub after: u64,
    /// Rows of the day outside of the range, in the files that were rewritten.
    pub kept: u64,
    /// Whether the table is another now, or would be; else it was decoded so before.
    pub changed: bool,
}

/// One table, its packets, and how they are decoded.
struct Redecoding<'a> {
    table: Table,
    packets: Table,
    runtime: &'a Handle,
    options: &'a RedecodeOptions,
    schema: SchemaRef,
}

/// What a day's rows and packets are found to be.
#[derive(Default)]
struct Counted {
    before: BTreeMap<Contact, u64>,
    after: BTreeMap<String, u64>,
    packets: BTreeMap<String, u64>,
}

/// Decodes a table's packets again.
pub(crate) fn redecode(
    tables: &Tables,
    runtime: &Handle,
    name: &str,
    decoder: &mut dyn Decoder,
    options: &RedecodeOptions,
    done: &mut dyn FnMut(&RedecodedDay),
) -> Result<(), MaintainError> {
    let Some(schema) = decoder.schema(name) else {
        return Err(MaintainError::NotDecoded {
            table: name.to_owned(),
            version: decoder.version().to_owned(),
            tables: decoder.tables(),
        });
    };
    let table = runtime.block_on(Table::open(tables, name))?;
    let packets = runtime.block_on(Table::open(tables, PACKETS))?;
    if table.is_append_only() {
        return Err(MaintainError::AppendOnly {
            table: name.to_owned(),
        });
    }
    let mut redecoding = Redecoding {
        table,
        packets,
        runtime,
        options,
        schema,
    };
    redecoding.check_types()?;
    let mut days: BTreeSet<Day> = redecoding.table.days().into_iter().collect();
    days.extend(redecoding.packets.days());
    days.retain(|day| options.holds_day(*day));
    if options.replace_type {
        return redecoding.all_days(&days, decoder, done);
    }
    for day in days {
        let day = redecoding.one_day(day, decoder)?;
        if day.before > 0 || day.after > 0 {
            done(&day);
        }
    }
    Ok(())
}

impl Redecoding<'_> {
    /// Refuses columns whose types are others than the table's, unless they are to be replaced.
    fn check_types(&self) -> Result<(), MaintainError> {
        if self.options.replace_type {
            return Ok(());
        }
        match self.table.widened_by(&self.schema) {
            Err(crate::LakeError::ColumnType {
                table,
                column,
                stored,
                given,
            }) => Err(MaintainError::TypeChanged {
                table,
                column,
                stored,
                given,
            }),
            other => Ok(other.map(drop)?),
        }
    }

    fn one_day(
        &mut self,
        day: Day,
        decoder: &mut dyn Decoder,
    ) -> Result<RedecodedDay, MaintainError> {
        for _ in 0..ATTEMPTS_MAX {
            let (mut summary, counted) = self.count(day, decoder)?;
            summary.changed = !is_same(&counted, decoder.version());
            if !summary.changed || self.options.dry_run {
                return Ok(summary);
            }
            let mut removed = self.involved(day);
            let mut added = self.decode_day(day, &removed, decoder, &mut summary)?;
            leave_equal(&mut removed, &mut added);
            if self.commit(&removed, &added, day)? == Replaced::Done {
                return Ok(summary);
            }
            // Rows that came have packets that came.
            self.packets = self
                .runtime
                .block_on(Table::open(&self.packets.tables, PACKETS))?;
        }
        Err(MaintainError::Contended {
            table: self.table.name.clone(),
            day: day.map_or_else(|| "no day".to_owned(), date),
        })
    }

    /// All days in one commit, since a table has one type a column.
    fn all_days(
        &mut self,
        days: &BTreeSet<Day>,
        decoder: &mut dyn Decoder,
        done: &mut dyn FnMut(&RedecodedDay),
    ) -> Result<(), MaintainError> {
        let (mut removed, mut added, mut summaries) = (Vec::new(), Vec::new(), Vec::new());
        let mut changed = self.table.widened_by(&self.schema).is_err();
        for day in days {
            let (summary, counted) = self.count(*day, decoder)?;
            changed |= !is_same(&counted, decoder.version());
            summaries.push(summary);
        }
        for summary in &mut summaries {
            summary.changed = changed;
            if changed && !self.options.dry_run {
                let files = self.involved(summary.day);
                added.extend(self.decode_day(summary.day, &files, decoder, summary)?);
                removed.extend(files);
            }
        }
        if !added.is_empty() {
            leave_equal(&mut removed, &mut added);
            if self.commit(&removed, &added, None)? == Replaced::Stale {
                return Err(MaintainError::Contended {
                    table: self.table.name.clone(),
                    day: "all days".to_owned(),
                });
            }
        }
        summaries.iter().for_each(done);
        Ok(())
    }

    fn commit(
        &mut self,
        removed: &[Arc<TableFile>],
        added: &[NewFile],
        day: Day,
    ) -> Result<Replaced, MaintainError> {
        if removed.is_empty() && added.is_empty() {
            return Ok(Replaced::Done);
        }
        let change = Replacement {
            removed,
            added,
            data_change: true,
            operation: DeltaOperation::Write {
                mode: SaveMode::Overwrite,
                partition_by: None,
                predicate: day.map(|day| format!("day = '{}'", date(day))),
            },
            retyped: self.options.replace_type,
        };
        let options = self.options;
        let concerns = |file: &TableFile| {
            options.replace_type || (file.data_change() && options.concerns(day, file))
        };
        self.runtime
            .block_on(self.table.replace(&change, &concerns))
    }

    /// The files that may hold rows of the range.
    fn involved(&self, day: Day) -> Vec<Arc<TableFile>> {
        let mut files = self.table.files_of(day);
        files.retain(|file| self.options.concerns(day, file));
        files
    }

    /// Counts what is there and what would be.
    fn count(
        &self,
        day: Day,
        decoder: &mut dyn Decoder,
    ) -> Result<(RedecodedDay, Counted), MaintainError> {
        let mut counted = Counted::default();
        let mut reading = Reading::new(&self.table, self.runtime, self.involved(day))?;
        reading.project(&["time", "received", "contact", "mission_version"]);
        let mut all = 0;
        for place in 0..reading.files.len() {
            let file = &reading.files[place];
            let rows = self
                .table
                .rows(self.runtime, file, &reading.schema, reading.rows_max)?;
            let inside = |batch: &RecordBatch| self.options.rows_of(batch, true);
            all += reading.footers[place].rows();
            for batch in filtered(&self.table.name, rows, inside) {
                contact_of(&batch?, &mut counted.before);
            }
        }
        let files = self.packets.files_of(day);
        let packets = Reading::new(&self.packets, self.runtime, files)?;
        for block in self.blocks(&packets, decoder.version())? {
            let block = block?;
            let contact = block.source.contact.clone().unwrap_or_default();
            *counted.packets.entry(contact.clone()).or_default() += block.block.len() as u64;
            let rows = decode(&self.table.name, decoder, &block)?;
            let rows = rows
                .iter()
                .map(|batch| batch.num_rows() as u64)
                .sum::<u64>();
            *counted.after.entry(contact).or_default() += rows;
        }
        let before: u64 = counted.before.values().sum();
        for (place, rows) in &counted.before {
            if !counted.packets.contains_key(&place.contact) {
                return Err(MaintainError::PacketsMissing {
                    table: self.table.name.clone(),
                    contact: place.contact.clone(),
                    rows: *rows,
                });
            }
        }
        let summary = RedecodedDay {
            table: self.table.name.clone(),
            day,
            packets: counted.packets.values().sum(),
            before,
            after: counted.after.values().sum(),
            kept: all - before,
            changed: false,
        };
        Ok((summary, counted))
    }

    /// The packets of the range, in order.
    fn blocks<'s>(
        &'s self,
        packets: &'s Reading<'s>,
        version: &str,
    ) -> Result<PacketBlocks<Batches<'s>>, MaintainError> {
        let inside = |batch: &RecordBatch| self.options.rows_of(batch, true);
        let rows = filtered(PACKETS, Box::new(packets.merged()?), inside);
        Ok(PacketBlocks::new(rows, version))
    }

    /// Writes the rows of a day: those of the range decoded again, the others as they are.
    fn decode_day(
        &self,
        day: Day,
        removed: &[Arc<TableFile>],
        decoder: &mut dyn Decoder,
        summary: &mut RedecodedDay,
    ) -> Result<Vec<NewFile>, MaintainError> {
        let mut kept = Reading::new(&self.table, self.runtime, removed.to_vec())?;
        let schema = if summary.kept > 0 {
            together(&self.schema, &kept.schema)
        } else {
            Arc::clone(&self.schema)
        };
        kept.schema = Arc::clone(&schema);
        let packets = self.packets.files_of(day);
        let packets = Reading::new(&self.packets, self.runtime, packets)?;
        let fit = Fit::new(&self.table.name, &self.schema, &schema)?;
        let name = self.table.name.as_str();
        let version = decoder.version().to_owned();
        let blocks = self.blocks(&packets, &version)?;
        let decoded = blocks.flat_map(|block| {
            let rows = block.and_then(|block| decode(name, decoder, &block));
            let (rows, error) = match rows {
                Ok(rows) => (rows, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            let rows = rows.into_iter().map(|batch| fit.apply(name, &batch));
            rows.collect::<Vec<_>>().into_iter().chain(error)
        });
        let mut sources = vec![Source {
            low: Key::first(),
            name: "decoded packets".to_owned(),
            open: Box::new(move || Ok(Box::new(decoded) as Batches<'_>)),
        }];
        let old = if summary.kept > 0 {
            kept.sources()?
        } else {
            Vec::new()
        };
        for source in old {
            let open = source.open;
            let outside = |batch: &RecordBatch| self.options.rows_of(batch, false);
            sources.push(Source {
                low: source.low,
                name: source.name,
                open: Box::new(move || Ok(filtered(name, open()?, outside))),
            });
        }
        let rows_max = kept.rows_max.min(packets.rows_max.max(1_024));
        let mut writer = DayWriter::new(&self.table, self.runtime, day, removed, &schema);
        for batch in Merge::new(name, sources, rows_max) {
            writer.write(&batch?)?;
        }
        let (files, written) = writer.finish()?;
        let wanted = summary.after + summary.kept;
        if written != wanted {
            return Err(MaintainError::RowsDiffer {
                table: name.to_owned(),
                day: day.map_or_else(|| "no day".to_owned(), date),
                read: wanted,
                written,
            });
        }
        Ok(files)
    }
}

/// The rows of one table that a block decodes to.
fn decode(
    table: &str,
    decoder: &mut dyn Decoder,
    block: &SourcedBlock,
) -> Result<Vec<RecordBatch>, MaintainError> {
    let decoded = decoder.decode(&block.block, &block.source);
    let decoded = decoded.map_err(|source| MaintainError::Decode {
        table: table.to_owned(),
        source,
    })?;
    let own = decoded.into_iter().filter(|(name, _)| name == table);
    Ok(own.map(|(_, batch)| batch).collect())
}

/// Whether the rows that are there are those that the packets decode to: decoding is
/// deterministic, so that the same version and number say it.
fn is_same(counted: &Counted, version: &str) -> bool {
    let mut there: BTreeMap<&str, u64> = BTreeMap::new();
    for (place, rows) in &counted.before {
        if place.version != version {
            return false;
        }
        *there.entry(&place.contact).or_default() += rows;
    }
    let after = counted.after.iter().filter(|(_, rows)| **rows > 0);
    let after: BTreeMap<&str, u64> = after.map(|(place, rows)| (place.as_str(), *rows)).collect();
    there == after
}

/// The columns of new rows, then those that only old rows have.
fn together(new: &SchemaRef, old: &SchemaRef) -> SchemaRef {
    let mut fields: Vec<_> = new.fields().iter().cloned().collect();
    let only_old = old
        .fields()
        .iter()
        .filter(|field| new.index_of(field.name()).is_err());
    fields.extend(only_old.cloned());
    Arc::new(Schema::new(fields))
}

/// The table of packets.
pub(crate) const PACKETS: &str = "packets";

const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// How often a day is decoded anew because someone else brought rows of it.
const ATTEMPTS_MAX: usize = 5;
