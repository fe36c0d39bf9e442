//! `passline replay`: a recorded pass becomes tables.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use bus::{Bus, BusConfig};
use ingest::{Ingest, IngestConfig, Summary};
use station::{Replay, ReplaySummary};

use crate::arguments::ReplayFlags;
use crate::mission;
use crate::place::Place;
use crate::report::{self, count, plural};

pub(crate) fn run(flags: &ReplayFlags) -> Result<ExitCode> {
    let started = Instant::now();
    let mission = mission::load(&flags.mission)?;
    let replay = Replay {
        recording: &flags.recording,
        mission: &mission,
        layouts: mission::layouts(&mission)?,
        level: mission::level(flags.level, &mission),
        station: flags.station.as_deref(),
    };
    let place = Place::resolve(&flags.place, flags.bus.as_deref())?;
    let (found, stored) = replay_into(&replay, &place)?;
    print_summary(&found, &stored, &place, started)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a replay through the embedded bus into the tables of a place.
pub(crate) fn replay_into(replay: &Replay<'_>, place: &Place) -> Result<(ReplaySummary, Summary)> {
    // Asked first, so that a wrong name leaves no empty data folder behind.
    let length = station::FileLink::open(replay.recording)?.length();
    let bus = Bus::open(&place.bus, BusConfig::default())?;
    let spacecraft = &replay.mission.spacecraft;
    let config = IngestConfig {
        scids: spacecraft
            .iter()
            .filter_map(|spacecraft| Some((spacecraft.name.to_string(), spacecraft.scid?)))
            .collect(),
        log: place.log.clone(),
        ..IngestConfig::default()
    };
    let ingest = Ingest::start(&bus, &place.location, &config)?;
    let bar = report::octets_bar(length, "replaying");
    let found = replay.run(&bus, &mut |position| bar.set_position(position))?;
    bar.set_message("storing");
    let stored = ingest.finish()?;
    bar.finish_and_clear();
    if found.already_stored > 0 && query::Lake::open(&place.location).is_err() {
        anyhow::bail!(
            "{0} says that this contact is stored, and {1} holds no table: \
             remove {0} and replay again",
            place.bus.display(),
            place.location
        );
    }
    Ok((found, stored))
}

fn print_summary(
    found: &ReplaySummary,
    stored: &Summary,
    place: &Place,
    started: Instant,
) -> Result<()> {
    let skipped = found.octets.saturating_sub(found.octets_used);
    say!(
        "contact {}: {}, {} and {} of telemetry in {} ({} skipped)",
        found.contact,
        plural(found.frames, "frame"),
        plural(found.packets, "packet"),
        plural(found.rows, "row"),
        plural(found.octets, "octet"),
        count(skipped),
    );
    if found.frames == 0 && found.packets == 0 {
        say!("no frame and no packet found; passline inspect says more");
    }
    for (kind, number) in &found.anomalies {
        say!("  {kind}: {}", count(*number));
    }
    if found.already_stored > 0 {
        say!(
            "{} were stored before and add nothing",
            plural(found.already_stored, "record")
        );
    }
    let duplicates: u64 = stored.tables.values().map(|table| table.duplicates).sum();
    if duplicates > 0 {
        say!(
            "{} came from another contact too; the better copies stay",
            plural(duplicates, "row")
        );
    }
    report::print(|out| {
        for (name, table) in &stored.tables {
            let (rows, octets) = (count(table.rows), count(table.octets));
            writeln!(out, "{name:<40} {rows:>12} rows {octets:>14} octets")?;
        }
        Ok(())
    })?;
    say!(
        "in {}, in {}",
        place.location,
        report::duration(started.elapsed())
    );
    Ok(())
}
