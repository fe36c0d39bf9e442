//! `passline orbit`: satellites, where they are, and when they are in the dark.

use std::process::ExitCode;

use anyhow::Result;
use scheduler::eclipse::{EclipseRow, Sun, eclipses};
use scheduler::frame::EarthOrientation;
use scheduler::orbit::{Orbit, OrbitError, Satellite, Source};
use scheduler::station::geodetic;
use scheduler::window::Window;
use serde::Serialize;
use space_link::time::UtcMicros;

use crate::flight::{for_each_orbit, satellites};
use crate::flight_flags::{EclipseFlags, OrbitShowFlags, OrbitSubcommand};
use crate::rows;

pub(crate) fn run(subcommand: &OrbitSubcommand) -> Result<ExitCode> {
    match subcommand {
        OrbitSubcommand::Show(flags) => show(flags),
        OrbitSubcommand::Eclipses(flags) => list_eclipses(flags),
    }
}

/// A satellite of an orbit file. Of an ephemeris, only its names are known.
#[derive(Serialize)]
struct SatelliteRow<'a> {
    satellite: &'a str,
    object_id: &'a str,
    catalogue_number: Option<u32>,
    epoch: Option<String>,
    period_min: Option<f64>,
    inclination_deg: Option<f64>,
    eccentricity: Option<f64>,
    perigee_km: Option<f64>,
    apogee_km: Option<f64>,
}

/// Where a satellite is: in the true equator and mean equinox of date, and above the Earth.
#[derive(Serialize)]
struct StateRow<'a> {
    satellite: &'a str,
    time: String,
    position_km: [f64; 3],
    velocity_km_s: [f64; 3],
    latitude_deg: f64,
    longitude_deg: f64,
    height_km: f64,
}

fn show(flags: &OrbitShowFlags) -> Result<ExitCode> {
    let satellites = satellites(&flags.orbits)?;
    let Some(from) = flags.from else {
        let rows: Vec<SatelliteRow<'_>> = satellites.iter().map(satellite_row).collect();
        let columns = [
            ("satellite", "satellite"),
            ("catalogue_number", "number"),
            ("epoch", "epoch"),
            ("period_min", "period min"),
            ("inclination_deg", "inclination"),
            ("perigee_km", "perigee km"),
            ("apogee_km", "apogee km"),
        ];
        rows::print(&rows, &columns, flags.format)?;
        return Ok(ExitCode::SUCCESS);
    };
    let to = flags.to.unwrap_or(UtcMicros::new(from.get() + 1));
    let window = Window::new(from, to)?;
    let earth = EarthOrientation::builtin();
    let step = i64::from(flags.step) * 1_000_000;
    let states = for_each_orbit(&satellites, |orbit, states| {
        states_of(orbit, window, step, &earth, states)
    });
    let rows: Vec<StateRow<'_>> = states
        .into_iter()
        .map(|(satellite, row)| StateRow {
            satellite: satellites[satellite].name(),
            ..row
        })
        .collect();
    let columns = [
        ("satellite", "satellite"),
        ("time", "time"),
        ("latitude_deg", "latitude"),
        ("longitude_deg", "longitude"),
        ("height_km", "height km"),
        ("position_km", "position km (TEME)"),
    ];
    rows::print(&rows, &columns, flags.format)?;
    Ok(ExitCode::SUCCESS)
}

fn satellite_row(satellite: &Satellite) -> SatelliteRow<'_> {
    match &satellite.source {
        Source::Elements(elements) => {
            let rate = elements.mean_motion * std::f64::consts::TAU / 86_400.0;
            let semi_major_km = (EARTH_KM3_S2 / (rate * rate)).cbrt();
            let height = |factor: f64| Some(semi_major_km * factor - EARTH_KM);
            SatelliteRow {
                satellite: &elements.name,
                object_id: &elements.object_id,
                catalogue_number: elements.catalogue_number,
                epoch: Some(elements.epoch.to_string()),
                period_min: Some(1_440.0 / elements.mean_motion),
                inclination_deg: Some(elements.inclination_deg),
                eccentricity: Some(elements.eccentricity),
                perigee_km: height(1.0 - elements.eccentricity),
                apogee_km: height(1.0 + elements.eccentricity),
            }
        }
        Source::Ephemeris {
            name, object_id, ..
        } => SatelliteRow {
            satellite: name,
            object_id,
            catalogue_number: None,
            epoch: None,
            period_min: None,
            inclination_deg: None,
            eccentricity: None,
            perigee_km: None,
            apogee_km: None,
        },
    }
}

fn states_of(
    orbit: &Orbit,
    window: Window,
    step: i64,
    earth: &EarthOrientation,
    states: &mut Vec<StateRow<'static>>,
) -> Result<(), OrbitError> {
    let mut time = window.from();
    while time < window.to() {
        let state = orbit.state(time)?;
        let [latitude_deg, longitude_deg, height_km] =
            geodetic(earth.itrf(time, &state).position_km);
        states.push(StateRow {
            satellite: "",
            time: time.to_string(),
            position_km: state.position_km,
            velocity_km_s: state.velocity_km_s,
            latitude_deg,
            longitude_deg,
            height_km,
        });
        time = UtcMicros::new(time.get() + step);
    }
    Ok(())
}

fn list_eclipses(flags: &EclipseFlags) -> Result<ExitCode> {
    let satellites = satellites(&flags.orbits)?;
    let window = Window::new(flags.window.from, flags.window.to)?;
    let sun = Sun::new(window, &EarthOrientation::builtin());
    let found = for_each_orbit(&satellites, |orbit, found| {
        eclipses(orbit, window, &sun, found)
    });
    let rows: Vec<EclipseRow<'_>> = found
        .iter()
        .map(|(satellite, eclipse)| EclipseRow::new(satellites[*satellite].name(), eclipse))
        .collect();
    let columns = ["satellite", "shadow", "entry", "exit"].map(|key| (key, key));
    rows::print(&rows, &columns, flags.format)?;
    Ok(ExitCode::SUCCESS)
}

/// WGS-72, which SGP4's elements are made with.
const EARTH_KM3_S2: f64 = 398_600.8;
const EARTH_KM: f64 = 6_378.135;
