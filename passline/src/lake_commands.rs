//! `passline lake`: keep the tables' files in order, and prove that nothing is missing.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use lake::maintain::{
    CompactOptions, Decoder, FindingKind, Maintenance, RedecodeOptions, VacuumOptions,
};
use query::{Lake, Output};
use schemas::layout::CompiledMission;
use schemas::record::PacketBlock;
use schemas::tables::Source;
use tm_decoder::decommutate::Decommutator;

use crate::arguments::PlaceFlags;
use crate::lake_flags::{
    CompactFlags, ExportFlags, LakeSubcommand, RedecodeFlags, VacuumFlags, VerifyFlags,
};
use crate::report::{self, count, plural};
use crate::{mission, place, sql};

pub(crate) fn run(subcommand: &LakeSubcommand) -> Result<ExitCode> {
    match subcommand {
        LakeSubcommand::Compact(flags) => compact(flags),
        LakeSubcommand::Vacuum(flags) => vacuum(flags),
        LakeSubcommand::Verify(flags) => verify(flags),
        LakeSubcommand::Export(flags) => export(flags),
        LakeSubcommand::Redecode(flags) => redecode(flags),
    }
}

/// The tables of a place, and those that a command is about.
fn open(place: &PlaceFlags, table: Option<&String>) -> Result<(Maintenance, Vec<String>)> {
    let location = place::location(place)?;
    let maintenance = Maintenance::open(&location)?;
    let tables = match table {
        Some(table) => vec![table.clone()],
        None => maintenance.tables()?,
    };
    if tables.is_empty() {
        bail!("there are no tables in {location}");
    }
    Ok((maintenance, tables))
}

fn compact(flags: &CompactFlags) -> Result<ExitCode> {
    let (maintenance, tables) = open(&flags.place, flags.table.as_ref())?;
    let options = CompactOptions {
        day: flags.day,
        files_min: flags.min_files,
        all: flags.all,
        dry_run: flags.dry_run,
    };
    let mut dirty = 0;
    for table in &tables {
        let mut closed = Ok(());
        let done = maintenance.compact(table, &options, &mut |day| {
            dirty += 1;
            let (before, name) = (day.before, day_name(day.day));
            let after = match day.after {
                Some(after) => format!(
                    "{:>6} -> {} files {:>14} -> {} octets",
                    before.files,
                    after.files,
                    count(before.octets),
                    count(after.octets)
                ),
                None => format!(
                    "{:>6} files {:>14} octets, dirty",
                    before.files,
                    count(before.octets)
                ),
            };
            closed = report::print(|out| {
                writeln!(
                    out,
                    "{table:<32} {name} {:>12} rows {after}",
                    count(day.rows)
                )
            });
        });
        match done {
            // Not every table has rows of every day.
            Err(lake::maintain::MaintainError::NoDay { .. }) if flags.table.is_none() => {}
            done => done?,
        }
        closed?;
    }
    if dirty == 0 {
        say!("nothing to do: every day is clean");
    }
    Ok(ExitCode::SUCCESS)
}

fn vacuum(flags: &VacuumFlags) -> Result<ExitCode> {
    let (maintenance, tables) = open(&flags.place, flags.table.as_ref())?;
    let options = VacuumOptions {
        retention: flags.retention,
        force: flags.force,
        dry_run: flags.dry_run,
    };
    let (mut files, mut octets) = (0, 0_u64);
    for table in &tables {
        let vacuumed = maintenance.vacuum(table, &options)?;
        files += vacuumed.paths.len() as u64;
        octets = octets.saturating_add(vacuumed.octets);
        report::print(|out| {
            if flags.dry_run {
                for path in &vacuumed.paths {
                    writeln!(out, "{table}/{path}")?;
                }
            } else if !vacuumed.paths.is_empty() {
                let number = vacuumed.paths.len() as u64;
                writeln!(
                    out,
                    "{table:<32} {:>8} files {:>14} octets",
                    count(number),
                    count(vacuumed.octets)
                )?;
            }
            Ok(())
        })?;
    }
    let verb = if flags.dry_run {
        "would be deleted"
    } else {
        "deleted"
    };
    say!(
        "{} {verb}, {}",
        plural(files, "file"),
        plural(octets, "octet")
    );
    Ok(ExitCode::SUCCESS)
}

fn verify(flags: &VerifyFlags) -> Result<ExitCode> {
    let (maintenance, _) = open(&flags.place, flags.table.as_ref())?;
    let mut decoder = flags
        .mission
        .as_deref()
        .map(MissionDecoder::open)
        .transpose()?;
    let decoder = decoder.as_mut().map(|decoder| decoder as &mut dyn Decoder);
    let mut closed = Ok(());
    let verified = maintenance.verify(flags.table.as_deref(), decoder, &mut |table| {
        closed = report::print(|out| {
            writeln!(
                out,
                "{:<32} {:>12} rows {:>6} files {:>14} octets {:>5} days",
                table.table,
                count(table.rows),
                count(table.files),
                count(table.octets),
                count(table.days)
            )
        });
    })?;
    closed?;
    report::print(|out| {
        for finding in &verified.findings {
            let kind = finding.kind.as_str();
            writeln!(
                out,
                "{kind}: {} {}: {}",
                finding.table, finding.place, finding.what
            )?;
        }
        Ok(())
    })?;
    let wrong = |kind: FindingKind| kind != FindingKind::Unchecked;
    let number = verified
        .findings
        .iter()
        .filter(|finding| wrong(finding.kind))
        .count();
    if verified.is_wrong() {
        say!("{} wrong", plural(number as u64, "thing"));
        return Ok(ExitCode::FAILURE);
    }
    say!("nothing is wrong");
    Ok(ExitCode::SUCCESS)
}

fn export(flags: &ExportFlags) -> Result<ExitCode> {
    let lake = Lake::open(place::location(&flags.place)?)?;
    let columns: Vec<String> = flags.columns.iter().map(|name| quoted(name)).collect();
    let columns = if columns.is_empty() {
        "*".to_owned()
    } else {
        columns.join(", ")
    };
    let mut bounds = Vec::new();
    for (bound, operator) in [(flags.from, ">="), (flags.to, "<")] {
        if let Some(time) = bound {
            let time = schemas::event::format_time(time);
            // Rows whose time is unknown lie where they were received, as their days do.
            bounds.push(format!(
                "coalesce(\"time\", \"received\") {operator} TIMESTAMP '{time}'"
            ));
            bounds.push(format!(
                "\"day\" {operator}{} DATE '{}'",
                equal(operator),
                &time[..10]
            ));
        }
    }
    let condition = if bounds.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", bounds.join(" AND "))
    };
    let statement = format!(
        "SELECT {columns} FROM {}{condition} ORDER BY \"day\", \"spacecraft\", \"time\"",
        quoted(&flags.table)
    );
    let output = Output::from(sql::format(flags.format));
    if flags.out.as_os_str() == "-" {
        let mut out = std::io::stdout().lock();
        query::run(&lake, &statement, &output, &mut out)?;
        out.flush().or_else(report::closed_pipe_is_fine)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = write_whole(&flags.out, |out| {
        Ok(query::run(&lake, &statement, &output, out)?.rows)
    })?;
    say!("{} in {}", plural(rows, "row"), flags.out.display());
    Ok(ExitCode::SUCCESS)
}

/// A day before the end is one at most as late.
fn equal(operator: &str) -> &'static str {
    if operator == "<" { "=" } else { "" }
}

/// Writes a file that is there whole or not at all.
fn write_whole<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = || format!("{} cannot be written", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    let mut out = std::io::BufWriter::new(&mut file);
    let written = write(&mut out)?;
    out.flush().with_context(failed)?;
    drop(out);
    file.as_file().sync_all().with_context(failed)?;
    file.persist(path).with_context(failed)?;
    Ok(written)
}

fn redecode(flags: &RedecodeFlags) -> Result<ExitCode> {
    let (maintenance, _) = open(&flags.place, Some(&flags.table))?;
    let mut decoder = MissionDecoder::open(&flags.mission)?;
    let options = RedecodeOptions {
        from: flags.from,
        to: flags.to,
        replace_type: flags.replace_type,
        dry_run: flags.dry_run,
    };
    let mut days = 0;
    let mut closed = Ok(());
    maintenance.redecode(&flags.table, &mut decoder, &options, &mut |day| {
        days += 1;
        let what = match (day.changed, flags.dry_run) {
            (true, false) => "decoded again",
            (true, true) => "would be decoded again",
            (false, _) => "is decoded so",
        };
        closed = report::print(|out| {
            writeln!(
                out,
                "{:<32} {} {:>12} packets {:>12} -> {} rows, {} stay: {what}",
                day.table,
                day_name(day.day),
                count(day.packets),
                count(day.before),
                count(day.after),
                count(day.kept)
            )
        });
    })?;
    closed?;
    if days == 0 {
        say!("there are no packets and no rows in this range");
    }
    Ok(ExitCode::SUCCESS)
}

/// Decodes with a mission folder.
struct MissionDecoder {
    version: String,
    decommutator: Decommutator,
}

impl MissionDecoder {
    fn open(folder: &Path) -> Result<Self> {
        let mission = mission::load(folder)?;
        let Some(layouts) = mission::layouts(&mission)? else {
            bail!(
                "{} has no mission database: name its XTCE files in mission.toml",
                folder.display()
            );
        };
        Ok(Self {
            version: mission.version,
            decommutator: Decommutator::new(layouts),
        })
    }

    fn mission(&self) -> &Arc<CompiledMission> {
        self.decommutator.mission()
    }
}

impl Decoder for MissionDecoder {
    fn version(&self) -> &str {
        &self.version
    }

    fn schema(&self, table: &str) -> Option<SchemaRef> {
        let mut tables = self.mission().tables.iter();
        let layout = tables.find(|layout| layout.table == table);
        layout.map(|layout| Arc::clone(&layout.schema))
    }

    fn tables(&self) -> Vec<String> {
        let tables = self.mission().tables.iter();
        tables.map(|layout| layout.table.clone()).collect()
    }

    fn decode(
        &mut self,
        block: &PacketBlock,
        source: &Source,
    ) -> Result<Vec<(String, RecordBatch)>, Box<dyn std::error::Error + Send + Sync>> {
        let decoded = self.decommutator.decode(block, source)?;
        let mission = self.mission();
        let named = decoded.batches.into_iter().filter_map(|(id, batch)| {
            let layout = mission.table(id)?;
            Some((layout.table.clone(), batch))
        });
        Ok(named.collect())
    }
}

fn day_name(day: lake::Day) -> String {
    day.map_or_else(|| "no day    ".to_owned(), lake::date)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
