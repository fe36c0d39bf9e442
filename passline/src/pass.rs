//! `passline pass`: passes, and contact plans made of them.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use scheduler::frame::EarthOrientation;
use scheduler::interval::Interval;
use scheduler::pass::PassRow;
use scheduler::plan::{
    ContactPlan, Names, PlanDiff, PlanRequest, along, plan_contacts, simple_schedule, timeline,
};
use scheduler::window::Window;
use serde::{Deserialize, Serialize};
use space_link::time::UtcMicros;

use crate::flight::{passes, satellites, stations};
use crate::flight_flags::{
    PassListFlags, PassPlanFlags, PassSubcommand, PlanDiffFlags, PlanFormat, RowFormat,
};
use crate::{report, rows};

pub(crate) fn run(subcommand: &PassSubcommand) -> Result<ExitCode> {
    match subcommand {
        PassSubcommand::List(flags) => list(flags),
        PassSubcommand::Plan(flags) => plan(flags),
        PassSubcommand::Diff(flags) => diff(flags),
    }
}

fn list(flags: &PassListFlags) -> Result<ExitCode> {
    let window = Window::new(flags.window.from, flags.window.to)?;
    let (satellites, stations) = (satellites(&flags.orbits)?, stations(&flags.stations)?);
    let passes = passes(&satellites, &stations, window, &EarthOrientation::builtin());
    let rows: Vec<PassRow<'_>> = passes
        .iter()
        .map(|(satellite, pass)| {
            let station = &stations[pass.station as usize].name;
            PassRow::new(satellites[*satellite].name(), station, pass)
        })
        .collect();
    let columns = [
        ("satellite", "satellite"),
        ("station", "station"),
        ("aos", "AOS"),
        ("tca", "TCA"),
        ("los", "LOS"),
        ("max_elevation_deg", "elevation"),
        ("azimuth_deg", "azimuth"),
        ("range_km", "range km"),
    ];
    rows::print(&rows, &columns, flags.format)?;
    Ok(ExitCode::SUCCESS)
}

/// A contact plan with the names that its numbers stand for.
#[derive(Serialize, Deserialize)]
struct NamedPlan {
    satellites: Vec<String>,
    stations: Vec<String>,
    gap: f64,
    plan: ContactPlan,
}

impl Names for NamedPlan {
    fn satellite(&self, number: u32) -> String {
        self.satellites
            .get(number as usize)
            .cloned()
            .unwrap_or_default()
    }

    fn station(&self, number: u32) -> String {
        self.stations
            .get(number as usize)
            .cloned()
            .unwrap_or_default()
    }
}

/// A contact as a line of the plan.
#[derive(Serialize)]
struct ContactRow {
    satellite: String,
    station: String,
    band: String,
    antenna: u32,
    begin: String,
    end: String,
    megabytes: u64,
    fallback: String,
}

fn plan(flags: &PassPlanFlags) -> Result<ExitCode> {
    let window = Window::new(flags.window.from, flags.window.to)?;
    let (satellites, stations) = (satellites(&flags.orbits)?, stations(&flags.stations)?);
    let earth = EarthOrientation::builtin();
    let passes = passes(&satellites, &stations, window, &earth);
    for station in stations
        .iter()
        .filter(|station| station.terminals.is_empty())
    {
        say!(
            "station {} has no [[station.terminal]]: planned with one antenna in Ka-band at 100 Mbit/s",
            station.name
        );
    }
    let made = along(&satellites, &stations, &passes, &earth);
    let interval = Interval::new(window.from().get(), window.to().get());
    let mut request = PlanRequest::new(interval, &made.opportunities, &made.antennas);
    request.contacts_per_day_max = flags.contacts_per_day;
    let plan = plan_contacts(&request)?;
    let named = NamedPlan {
        satellites: satellites.iter().map(|one| one.name().to_owned()).collect(),
        stations: stations.iter().map(|one| one.name.clone()).collect(),
        gap: plan.gap(),
        plan,
    };
    print_plan(&named, flags.format, passes.len())?;
    Ok(ExitCode::SUCCESS)
}

fn print_plan(named: &NamedPlan, format: PlanFormat, passes: usize) -> Result<()> {
    let plan = &named.plan;
    let format = match format {
        PlanFormat::Json => {
            let text = serde_json::to_string_pretty(named)?;
            return Ok(report::print(|out| writeln!(out, "{text}"))?);
        }
        PlanFormat::Timeline => {
            return Ok(report::print(|out| {
                write!(out, "{}", timeline(plan, named))
            })?);
        }
        PlanFormat::Xml => {
            // A plan's own beginning, so that the same input gives the same file.
            let text = simple_schedule(plan, named, "passline", plan.window.start);
            return Ok(report::print(|out| write!(out, "{text}"))?);
        }
        PlanFormat::Table => RowFormat::Table,
        PlanFormat::Csv => RowFormat::Csv,
    };
    let time = |micros| UtcMicros::new(micros).to_string();
    let rows: Vec<ContactRow> = plan
        .contacts
        .iter()
        .map(|contact| ContactRow {
            satellite: named.satellite(contact.satellite),
            station: named.station(contact.station),
            band: format!("{:?}", contact.band).to_lowercase(),
            antenna: contact.antenna,
            begin: time(contact.interval.start),
            end: time(contact.interval.end),
            megabytes: contact.octets / 1_000_000,
            fallback: contact.fallback.as_ref().map_or(String::new(), |spare| {
                format!("{:?} {}", spare.band, spare.antenna).to_lowercase()
            }),
        })
        .collect();
    let columns = [
        "satellite",
        "station",
        "band",
        "antenna",
        "begin",
        "end",
        "megabytes",
        "fallback",
    ];
    rows::print(&rows, &columns.map(|key| (key, key)), format)?;
    say!(
        "{} contacts of {passes} passes; expected {:.3} GB, at most {:.3} GB: gap {:.3} %",
        plan.contacts.len(),
        plan.value / 1e9,
        plan.bound / 1e9,
        named.gap * 100.0
    );
    Ok(())
}

fn diff(flags: &PlanDiffFlags) -> Result<ExitCode> {
    let (old, new) = (read_plan(&flags.old)?, read_plan(&flags.new)?);
    let diff = PlanDiff::new(&old.plan, &new.plan);
    report::print(|out| write!(out, "{diff}"))?;
    Ok(ExitCode::SUCCESS)
}

fn read_plan(path: &Path) -> Result<NamedPlan> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is no plan that pass plan --format json has written",
            path.display()
        )
    })
}
