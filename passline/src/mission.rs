//! `passline mission check`, and what other commands need of a mission.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use schemas::command::CommandDatabase;
use schemas::layout::{CompiledMission, compile};
use schemas::mission::{Level, Mission};
use schemas::xtce::model::MissionDatabase;

use crate::arguments::{LevelFlag, MissionCheckFlags};
use crate::report;

/// Reads a mission folder.
pub(crate) fn load(folder: &Path) -> Result<Mission> {
    // Whoever names the file means its folder.
    let folder = match folder.file_name() {
        Some(name) if name == "mission.toml" && folder.is_file() => {
            folder.parent().unwrap_or(folder)
        }
        _ => folder,
    };
    Ok(Mission::load(folder)?)
}

/// Compiles a mission's database, if it has one.
pub(crate) fn layouts(mission: &Mission) -> Result<Option<Arc<CompiledMission>>> {
    if mission.xtce.is_empty() {
        return Ok(None);
    }
    let database = MissionDatabase::load_files(&mission.xtce)?;
    Ok(Some(Arc::new(compile(&database)?)))
}

/// The level asked for, or the mission's own.
pub(crate) fn level(flag: Option<LevelFlag>, mission: &Mission) -> Level {
    match flag {
        Some(LevelFlag::Cadu) => Level::Cadu,
        Some(LevelFlag::Frames) => Level::Frames,
        Some(LevelFlag::Packets) => Level::Packets,
        None => mission.downlink.input,
    }
}

pub(crate) fn check(flags: &MissionCheckFlags) -> Result<ExitCode> {
    let mission = load(&flags.mission)?;
    report::print(|out| write!(out, "{mission}"))?;
    if mission.xtce.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let database = MissionDatabase::load_files(&mission.xtce)?;
    let report = database.report();
    report::print(|out| write!(out, "{report}"))?;
    let compiled = compile(&database)?;
    report::print(|out| {
        writeln!(out, "tables            {}", compiled.tables.len())?;
        for table in &compiled.tables {
            writeln!(
                out,
                "  {:<40} {:>5} columns",
                table.table,
                table.schema.fields().len()
            )?;
        }
        for issue in &compiled.issues {
            writeln!(out, "not decoded: {}: {}", issue.container, issue.what)?;
        }
        for issue in &CommandDatabase::compile(&database, &compiled).issues {
            writeln!(out, "command: {issue}")?;
        }
        Ok(())
    })?;
    if !report.mistakes.is_empty() {
        say!("the mission database has mistakes; what depends on them is left out");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
