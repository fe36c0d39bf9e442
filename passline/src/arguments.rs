//! What the user typed, and nothing derived from it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

use crate::command_flags::CommandSubcommand;
use crate::flight_flags::{OrbitSubcommand, PassSubcommand};
use crate::lake_flags::LakeSubcommand;
use crate::run::LogFormat;

/// Ground segment for orbital data centres: recorded passes become SQL tables.
#[derive(Parser)]
#[command(name = "passline", version, propagate_version = true)]
pub(crate) struct Arguments {
    /// Say more on standard error; twice for debug.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) subcommand: Subcommand,
}

#[derive(clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Simulate a pass of an orbital compute node, decode it, and ask three questions in SQL.
    Demo(DemoFlags),
    /// Turn a recorded pass into tables.
    Replay(ReplayFlags),
    /// Ask the tables; without -c or -f, at a prompt.
    Sql(SqlFlags),
    /// Say what is in a recording, without writing anything.
    Inspect(InspectFlags),
    /// Missions: the folders that say what a spacecraft's bytes mean.
    #[command(subcommand)]
    Mission(MissionSubcommand),
    /// A mission's commands: what they take, and their packets bit by bit.
    #[command(subcommand)]
    Command(CommandSubcommand),
    /// Orbits: which satellites a file holds, where they are, when they are in the dark.
    #[command(subcommand)]
    Orbit(OrbitSubcommand),
    /// Passes over stations, and contact plans made of them.
    #[command(subcommand)]
    Pass(PassSubcommand),
    /// The tables' files: compact, clean up, verify, export, decode again.
    #[command(subcommand)]
    Lake(LakeSubcommand),
    /// Run one service until it is told to stop (SIGTERM or SIGINT).
    #[command(subcommand)]
    Run(RunSubcommand),
}

#[derive(clap::Subcommand)]
pub(crate) enum RunSubcommand {
    /// Receive on the station's links, decode, publish.
    Station(RunFlags),
    /// Write what is published into the tables.
    Ingest(RunFlags),
    /// Ask a running service whether it is ready; for health checks of containers.
    Health(HealthFlags),
}

#[derive(Args)]
pub(crate) struct RunFlags {
    /// Configuration file; paths in it are relative to its folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Only say whether the configuration is good.
    #[arg(long)]
    pub(crate) check: bool,
    /// How log lines are written, if not as the configuration says.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

#[derive(Args)]
pub(crate) struct HealthFlags {
    /// The service's HTTP address.
    #[arg(long, default_value = "127.0.0.1:9464")]
    pub(crate) address: SocketAddr,
}

#[derive(clap::Subcommand)]
pub(crate) enum MissionSubcommand {
    /// Validate a mission folder and name everything in it that is not supported.
    Check(MissionCheckFlags),
}

#[derive(Args)]
pub(crate) struct DemoFlags {
    /// Folder for the demo's recording and tables.
    #[arg(long, value_name = "DIR", default_value = "passline-data")]
    pub(crate) data: PathBuf,
    /// Seed of the simulated pass: the same seed gives the same tables.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Minutes of telemetry in the simulated pass.
    #[arg(long, value_name = "MINUTES", default_value_t = 190, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) minutes: u32,
}

/// Where the tables lie.
#[derive(Args)]
pub(crate) struct PlaceFlags {
    /// Where the tables lie: a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or
    /// az://CONTAINER/PREFIX.
    #[arg(long, value_name = "DIR|URL", default_value = DATA)]
    pub(crate) data: PathBuf,
    /// TOML file with the keys of the object store, named as in the environment
    /// (aws_access_key_id, ...) [default: what PASSLINE_CREDENTIALS names].
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,
}

/// Where data lie, if nobody says otherwise.
pub(crate) const DATA: &str = "passline-data";

#[derive(Args)]
pub(crate) struct ReplayFlags {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(crate) recording: PathBuf,
    /// Mission folder: says how bytes become packets and packets become values.
    #[arg(long, value_name = "DIR")]
    pub(crate) mission: PathBuf,
    #[command(flatten)]
    pub(crate) place: PlaceFlags,
    /// Folder for the log of what is not stored yet [default: bus/ in --data, passline-data/bus
    /// where that is an object store].
    #[arg(long, value_name = "DIR")]
    pub(crate) bus: Option<PathBuf>,
    /// What the recording holds, if not what the mission says.
    #[arg(long)]
    pub(crate) level: Option<LevelFlag>,
    /// Name of the station that received it.
    #[arg(long, value_name = "NAME")]
    pub(crate) station: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LevelFlag {
    /// A bit stream of attached sync markers and code blocks.
    Cadu,
    /// Transfer frames end to end, coding removed.
    Frames,
    /// Space packets end to end.
    Packets,
}

#[derive(Args)]
pub(crate) struct SqlFlags {
    /// SQL to run; several statements are separated by semicolons.
    #[arg(short, long, value_name = "SQL", conflicts_with = "file")]
    pub(crate) command: Option<String>,
    /// File with SQL to run; - for standard input.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: PlaceFlags,
    /// How to print answers.
    #[arg(long, default_value = "table")]
    pub(crate) format: FormatFlag,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum FormatFlag {
    Table,
    Csv,
    Json,
    Ndjson,
    Parquet,
    Arrow,
}

#[derive(Args)]
pub(crate) struct InspectFlags {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(crate) recording: PathBuf,
    /// Mission folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) mission: PathBuf,
    /// What the recording holds, if not what the mission says.
    #[arg(long)]
    pub(crate) level: Option<LevelFlag>,
    /// How to print it.
    #[arg(long, default_value = "text")]
    pub(crate) format: InspectFormat,
    /// One line a virtual channel.
    #[arg(long, conflicts_with = "format")]
    pub(crate) keys: bool,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum InspectFormat {
    /// A summary to read.
    Text,
    /// One JSON object.
    Json,
}

#[derive(Args)]
pub(crate) struct MissionCheckFlags {
    /// Mission folder.
    #[arg(value_name = "DIR")]
    pub(crate) mission: PathBuf,
}
