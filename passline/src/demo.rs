//! `passline demo`: a simulated pass, replayed for real, and three questions in SQL.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use query::{Format, Lake, Output};
use simulator::{Faults, Pass, PassConfig, Truth};
use station::Replay;

use crate::arguments::DemoFlags;
use crate::place::Place;
use crate::report::{self, count, plural};
use crate::{mission, replay};

pub(crate) fn run(flags: &DemoFlags) -> Result<ExitCode> {
    let started = Instant::now();
    let folder = flags.data.join("demo");
    let mission_folder = write_mission(&folder)?;
    let recording = folder.join(format!("pass-{}-{}min.cadu", flags.seed, flags.minutes));
    let truth = write_recording(&recording, flags)?;
    say!(
        "1. simulated {} minutes of an orbital compute node: {} in {}, {} dropped, {} bits flipped",
        flags.minutes,
        plural(truth.packets(), "packet"),
        plural(truth.frames_sent(), "frame"),
        truth.frames_dropped,
        truth.bits_flipped,
    );

    let mission = mission::load(&mission_folder)?;
    let contact = Replay {
        recording: &recording,
        mission: &mission,
        layouts: mission::layouts(&mission)?,
        level: mission.downlink.input,
        station: Some("svalbard"),
    };
    let (found, stored) = replay::replay_into(&contact, &Place::folder(&flags.data))?;
    say!(
        "2. replayed {}: {} decoded, {} stored before, {} new rows in {} tables",
        recording.display(),
        plural(found.packets, "packet"),
        count(found.already_stored),
        count(stored.rows()),
        stored.tables.len(),
    );
    for (kind, number) in &found.anomalies {
        say!("   {kind}: {}", count(*number));
    }

    say!("3. three questions in SQL");
    ask(&flags.data)?;
    say!(
        "\ndone in {}; ask more: passline sql --data {}",
        report::duration(started.elapsed()),
        flags.data.display()
    );
    if found.rows != truth.packets_whole() {
        anyhow::bail!(
            "{} packets became rows where {} arrived whole; please report this with the seed {}",
            found.rows,
            truth.packets_whole(),
            flags.seed
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The mission travels in the program, so that the demo needs no checkout.
fn write_mission(folder: &Path) -> Result<PathBuf> {
    let folder = folder.join("mission");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be made; choose another --data", folder.display()))?;
    for (name, text) in [
        ("mission.toml", MISSION),
        ("orbital-compute.xml", DATABASE),
        ("commands.xml", COMMANDS),
        ("commands-node.xml", NODE_COMMANDS),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(folder)
}

fn write_recording(path: &Path, flags: &DemoFlags) -> Result<Truth> {
    let context = || format!("{} cannot be written", path.display());
    let config = PassConfig {
        duration_s: u64::from(flags.minutes) * 60,
        faults: Faults {
            bit_error_rate: 1e-5,
            dropped_frames: [200].into(),
            bit_offset: 3,
            ..Faults::default()
        },
        ..PassConfig::new(flags.seed, SPACECRAFT_ID, START)
    };
    let mut pass = Pass::new(config)?;
    let mut file = BufWriter::new(File::create(path).with_context(context)?);
    let mut chunk = Vec::new();
    let mut more = true;
    while more {
        chunk.clear();
        more = pass.next_chunk(&mut chunk);
        file.write_all(&chunk).with_context(context)?;
    }
    file.flush().with_context(context)?;
    Ok(pass.truth())
}

/// Asks the questions of the mission's README and prints their answers.
fn ask(data: &Path) -> Result<()> {
    let lake = Lake::open(data)?;
    let output = Output::from(Format::Table);
    for (title, sql) in questions() {
        let mut answer = Vec::new();
        query::run(&lake, sql, &output, &mut answer)?;
        report::print(|out| {
            writeln!(out, "\n-- {title}\n{}\n", sql.trim_end())?;
            out.write_all(&answer)
        })?;
    }
    Ok(())
}

/// SQL blocks of the mission's README, each with the sentence before it.
fn questions() -> impl Iterator<Item = (&'static str, &'static str)> {
    README.match_indices(SQL_BEGIN).filter_map(|(at, _)| {
        let title = README[..at]
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())?;
        let sql = README[at + SQL_BEGIN.len()..].split("\n```").next()?;
        Some((title.trim_matches('*'), sql))
    })
}

const SQL_BEGIN: &str = "```sql\n";
const README: &str = include_str!("../../schemas/missions/orbital-compute/README.md");
const MISSION: &str = include_str!("../../schemas/missions/orbital-compute/mission.toml");
const DATABASE: &str = include_str!("../../schemas/missions/orbital-compute/orbital-compute.xml");
const COMMANDS: &str = include_str!("../../schemas/missions/orbital-compute/commands.xml");
const NODE_COMMANDS: &str =
    include_str!("../../schemas/missions/orbital-compute/commands-node.xml");
const SPACECRAFT_ID: u16 = 81;
/// 2026-03-20T12:00:00Z in microseconds since 1970-01-01: an equinox, with long eclipses.
const START: i64 = 1_774_008_000_000_000;

#[cfg(test)]
mod tests {
    use super::questions;

    #[test]
    fn the_readme_asks_three_questions() {
        let questions: Vec<_> = questions().collect();
        assert_eq!(questions.len(), 3);
        assert!(
            questions
                .iter()
                .all(|(title, sql)| !title.is_empty() && sql.contains("FROM"))
        );
    }
}
