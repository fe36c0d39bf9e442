//! The flags of `passline lake`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::arguments::{FormatFlag, PlaceFlags};

#[derive(clap::Subcommand)]
pub(crate) enum LakeSubcommand {
    /// Rewrite the files of dirty days into few, sorted by spacecraft and time.
    Compact(CompactFlags),
    /// Delete files that no version of the tables within the retention needs.
    Vacuum(VacuumFlags),
    /// Check that every file and every row is there once.
    Verify(VerifyFlags),
    /// Write a table into a file.
    Export(ExportFlags),
    /// Decode a telemetry table's packets again with the current mission database.
    Redecode(RedecodeFlags),
}

#[derive(Args)]
pub(crate) struct CompactFlags {
    #[command(flatten)]
    pub(crate) place: PlaceFlags,
    /// Only this table.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// Only this day, as 2024-12-06.
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) day: Option<i32>,
    /// Leave days of fewer files alone.
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    pub(crate) min_files: usize,
    /// Rewrite days that look clean too.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only say what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args)]
pub(crate) struct VacuumFlags {
    #[command(flatten)]
    pub(crate) place: PlaceFlags,
    /// Only this table.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// Keep files of versions younger than this: 7d, 36h, 90m, 30s.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = duration)]
    pub(crate) retention: Duration,
    /// Allow a retention of less than a day, which breaks running queries and workers.
    #[arg(long)]
    pub(crate) force: bool,
    /// Only say what would be deleted.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args)]
pub(crate) struct VerifyFlags {
    #[command(flatten)]
    pub(crate) place: PlaceFlags,
    /// Only this table.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// Mission folder: telemetry tables are then counted against the packets.
    #[arg(long, value_name = "DIR")]
    pub(crate) mission: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ExportFlags {
    #[command(flatten)]
    pub(crate) place: PlaceFlags,
    /// The table.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: String,
    /// First time, as 2024-12-06 or 2024-12-06T16:28:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: Option<i64>,
    /// Time behind the last.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) to: Option<i64>,
    /// Only these columns, in this order.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// How to write it.
    #[arg(long, default_value = "parquet")]
    pub(crate) format: FormatFlag,
    /// The file to write; - for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Args)]
pub(crate) struct RedecodeFlags {
    #[command(flatten)]
    pub(crate) place: PlaceFlags,
    /// The telemetry table.
    #[arg(long, value_name = "NAME")]
    pub(crate) table: String,
    /// Mission folder to decode with.
    #[arg(long, value_name = "DIR")]
    pub(crate) mission: PathBuf,
    /// First time, as 2024-12-06 or 2024-12-06T16:28:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: Option<i64>,
    /// Time behind the last.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) to: Option<i64>,
    /// Let columns change their types: decodes the whole table, in one commit.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub(crate) replace_type: bool,
    /// Only say what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Days since 1970-01-01.
fn day(text: &str) -> Result<i32, String> {
    let wrong = || format!("{text} is no day; write it as 2024-12-06");
    if text.len() != 10 {
        return Err(wrong());
    }
    lake::maintain::microseconds(text)
        .and_then(|time| i32::try_from(time.div_euclid(DAY_MICROSECONDS)).ok())
        .ok_or_else(wrong)
}

/// Microseconds since 1970-01-01 UTC.
fn time(text: &str) -> Result<i64, String> {
    lake::maintain::microseconds(text)
        .ok_or_else(|| format!("{text} is no time; write it as 2024-12-06 or 2024-12-06T16:28:00Z"))
}

/// `7d`, `36h`, `90m`, `30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let seconds = match text.chars().last() {
        Some('d') => 86_400,
        Some('h') => 3_600,
        Some('m') => 60,
        Some('s') => 1,
        _ => 0,
    };
    let number = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
    let number: Option<u64> = number.parse().ok().filter(|_| seconds > 0);
    number
        .and_then(|number| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| format!("{text} is no time; write it as 7d, 36h, 90m or 30s"))
}

const DAY_MICROSECONDS: i64 = 86_400_000_000;
