//! What the user typed of orbits, passes and plans.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use space_link::time::UtcMicros;

#[derive(Subcommand)]
pub(crate) enum OrbitSubcommand {
    /// The satellites of an orbit file; with --from, where they are.
    Show(OrbitShowFlags),
    /// When satellites are in the Earth's shadow.
    Eclipses(EclipseFlags),
}

#[derive(Subcommand)]
pub(crate) enum PassSubcommand {
    /// When satellites are above stations' masks.
    List(PassListFlags),
    /// Which satellite talks to which antenna when.
    Plan(PassPlanFlags),
    /// What changed from one plan to another, both written by `pass plan --format json`.
    Diff(PlanDiffFlags),
}

/// Whose orbits.
#[derive(Args)]
pub(crate) struct OrbitFlags {
    /// Orbit file: OMM (JSON, XML, KVN), OEM (XML, KVN) or TLE.
    #[arg(long, value_name = "FILE")]
    pub(crate) orbits: PathBuf,
    /// Only this satellite, by its name in the orbit file; may be given again.
    #[arg(long, value_name = "NAME")]
    pub(crate) satellite: Vec<String>,
}

/// When.
#[derive(Args)]
pub(crate) struct WindowFlags {
    /// Begin, UTC, as 2026-03-20T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: UtcMicros,
    /// End, UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) to: UtcMicros,
}

#[derive(Args)]
pub(crate) struct OrbitShowFlags {
    #[command(flatten)]
    pub(crate) orbits: OrbitFlags,
    /// Where the satellites are from this time on, UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: Option<UtcMicros>,
    /// Until this time; without it, at --from only.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "from")]
    pub(crate) to: Option<UtcMicros>,
    /// Seconds between two positions.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) step: u32,
    /// How to print them.
    #[arg(long, default_value = "table")]
    pub(crate) format: RowFormat,
}

#[derive(Args)]
pub(crate) struct EclipseFlags {
    #[command(flatten)]
    pub(crate) orbits: OrbitFlags,
    #[command(flatten)]
    pub(crate) window: WindowFlags,
    /// How to print them.
    #[arg(long, default_value = "table")]
    pub(crate) format: RowFormat,
}

/// From where.
#[derive(Args)]
pub(crate) struct StationFlags {
    /// Stations: TOML with [[station]] tables.
    #[arg(long, value_name = "FILE")]
    pub(crate) stations: PathBuf,
    /// Only this station; may be given again.
    #[arg(long, value_name = "NAME")]
    pub(crate) station: Vec<String>,
}

#[derive(Args)]
pub(crate) struct PassListFlags {
    #[command(flatten)]
    pub(crate) orbits: OrbitFlags,
    #[command(flatten)]
    pub(crate) stations: StationFlags,
    #[command(flatten)]
    pub(crate) window: WindowFlags,
    /// How to print them.
    #[arg(long, default_value = "table")]
    pub(crate) format: RowFormat,
}

#[derive(Args)]
pub(crate) struct PassPlanFlags {
    #[command(flatten)]
    pub(crate) orbits: OrbitFlags,
    #[command(flatten)]
    pub(crate) stations: StationFlags,
    #[command(flatten)]
    pub(crate) window: WindowFlags,
    /// At most so many contacts of a satellite a day.
    #[arg(long, value_name = "N")]
    pub(crate) contacts_per_day: Option<u32>,
    /// How to print the plan.
    #[arg(long, default_value = "table")]
    pub(crate) format: PlanFormat,
}

#[derive(Args)]
pub(crate) struct PlanDiffFlags {
    /// The plan before.
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The plan after.
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum RowFormat {
    /// Columns to read.
    Table,
    /// One JSON array.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum PlanFormat {
    /// Columns to read.
    Table,
    /// One JSON object, which `pass diff` reads.
    Json,
    /// Comma-separated values with a header.
    Csv,
    /// Each antenna's day in plain text.
    Timeline,
    /// CCSDS simple schedule (902.1-B-1) in XML.
    Xml,
}

fn time(text: &str) -> Result<UtcMicros, String> {
    text.parse()
        .map_err(|error| format!("{error}; write it as 2026-03-20T12:00:00Z"))
}
