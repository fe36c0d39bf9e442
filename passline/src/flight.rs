//! What commands on orbits and passes have in common: their files, and who is meant.

use std::num::NonZero;
use std::path::Path;

use anyhow::{Context, Result, bail};
use scheduler::frame::EarthOrientation;
use scheduler::orbit::{Orbit, OrbitError, Satellite, read};
use scheduler::pass::{Pass, Predictor, Scratch};
use scheduler::station::Station;

use crate::flight_flags::{OrbitFlags, StationFlags};

/// The satellites asked for; a record that cannot be used is told, and the others are taken.
pub(crate) fn satellites(flags: &OrbitFlags) -> Result<Vec<Satellite>> {
    let path = flags.orbits.display();
    let octets = std::fs::read(&flags.orbits).with_context(|| format!("{path} cannot be read"))?;
    let file = read(&octets).with_context(|| format!("{path} cannot be used"))?;
    for fault in &file.faults {
        say!("{path}: {fault}");
    }
    let names: Vec<&str> = file.satellites.iter().map(Satellite::name).collect();
    check_names("satellite", &flags.orbits, &names, &flags.satellite)?;
    let wanted = |satellite: &Satellite| {
        flags.satellite.is_empty() || flags.satellite.iter().any(|name| name == satellite.name())
    };
    let found: Vec<Satellite> = file.satellites.into_iter().filter(wanted).collect();
    if found.is_empty() {
        bail!("{path} holds no satellite that can be used");
    }
    Ok(found)
}

/// The stations asked for.
pub(crate) fn stations(flags: &StationFlags) -> Result<Vec<Station>> {
    let path = flags.stations.display();
    let text = std::fs::read_to_string(&flags.stations)
        .with_context(|| format!("{path} cannot be read"))?;
    let all = Station::parse_all(&text).with_context(|| format!("{path} cannot be used"))?;
    let names: Vec<&str> = all.iter().map(|station| station.name.as_str()).collect();
    check_names("station", &flags.stations, &names, &flags.station)?;
    let wanted =
        |station: &Station| flags.station.is_empty() || flags.station.contains(&station.name);
    let found: Vec<Station> = all.into_iter().filter(wanted).collect();
    for reason in found.iter().filter_map(Station::sees_nothing) {
        say!("{reason}");
    }
    Ok(found)
}

fn check_names(what: &str, file: &Path, known: &[&str], asked: &[String]) -> Result<()> {
    for name in asked {
        if !known.contains(&name.as_str()) {
            let near = known.iter().max_by(|a, b| {
                strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name))
            });
            let hint = near.map_or(String::new(), |near| format!("; the nearest is {near}"));
            bail!("{} has no {what} {name}{hint}", file.display());
        }
    }
    Ok(())
}

/// Does something for each satellite's orbit, on all processors, and gives the answers in the
/// satellites' order. Why an orbit gives nothing, or ends, is told.
pub(crate) fn for_each_orbit<T: Send>(
    satellites: &[Satellite],
    work: impl Fn(&Orbit, &mut Vec<T>) -> Result<(), OrbitError> + Sync,
) -> Vec<(usize, T)> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let part = satellites.len().div_ceil(threads).max(1);
    let run = |first: usize, satellites: &[Satellite]| {
        let mut found = Vec::new();
        let mut own = Vec::new();
        for (number, satellite) in satellites.iter().enumerate() {
            own.clear();
            let result = satellite.orbit().and_then(|orbit| work(&orbit, &mut own));
            if let Err(error) = result {
                say!("{}: {error}", satellite.name());
            }
            found.extend(own.drain(..).map(|item| (first + number, item)));
        }
        found
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = satellites
            .chunks(part)
            .enumerate()
            .map(|(number, chunk)| {
                scope.spawn({
                    let run = &run;
                    move || run(number * part, chunk)
                })
            })
            .collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_default())
            .collect()
    })
}

/// All passes, each with its satellite's number, in the order of time.
pub(crate) fn passes(
    satellites: &[Satellite],
    stations: &[Station],
    window: scheduler::window::Window,
    earth: &EarthOrientation,
) -> Vec<(usize, Pass)> {
    let predictor = Predictor::new(stations, earth, window);
    let mut found = for_each_orbit(satellites, |orbit, passes| {
        predictor.passes(orbit, &mut Scratch::default(), passes)
    });
    found.sort_by_key(|(satellite, pass)| (pass.aos.time, *satellite, pass.station));
    found
}
