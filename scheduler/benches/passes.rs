//! Speed of propagation and passes: `cargo bench -p scheduler --bench passes`.
//!
//! The Python peers sgp4 and skyfield run beside it where they are installed.

#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use scheduler::constellation::{Shell, Walker, walker};
use scheduler::eclipse::{Sun, eclipses};
use scheduler::frame::EarthOrientation;
use scheduler::orbit::{self, Elements, Orbit, Satellite, Source, write_omm_json};
use scheduler::pass::{Predictor, Scratch};
use scheduler::station::Station;
use scheduler::window::Window;
use space_link::time::UtcMicros;

/// CelesTrak, 2025-03-11.
const ISS: &str = "\
ISS (ZARYA)
1 25544U 98067A   25070.45674914  .00013398  00000+0  24313-3 0  9993
2 25544  51.6369  71.0836 0006338  10.6648  86.8244 15.49895111500003
";
const BEGIN: &str = "2025-03-11T12:00:00Z";
const RUNS: usize = 7;
/// Few at a time and often, so that what else the machine does falls on neither side.
const PROPAGATIONS: usize = 20_000;
const PROPAGATION_RUNS: usize = 200;
const THREADS: usize = 2;
/// Whatever is predicted for this many in little memory, is for a million.
const STREAMED: u32 = 100_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, task, count] = arguments.as_slice()
        && task == "stream"
    {
        stream(count.parse().expect("a number"));
        return;
    }
    let iss = orbit::read(ISS.as_bytes())
        .expect("a TLE")
        .satellites
        .remove(0);
    let Source::Elements(elements) = iss.source else {
        unreachable!("a TLE is elements");
    };
    let bare = propagation(&elements);
    one_satellite(&elements, bare);
    ten_thousand();
    let exe = std::env::current_exe().expect("a path");
    let mut child = Command::new(exe);
    child.args(["stream", &STREAMED.to_string()]);
    print!("{}", tests::succeed(&mut child));
    peers();
}

/// Seconds of one propagation by a bare loop over the crate.
fn propagation(elements: &Elements) -> f64 {
    let orbit_0 = sgp4::Orbit::from_kozai_elements(
        &sgp4::WGS72,
        elements.inclination_deg.to_radians(),
        elements.ascending_node_deg.to_radians(),
        elements.eccentricity,
        elements.pericenter_deg.to_radians(),
        elements.mean_anomaly_deg.to_radians(),
        elements.mean_motion * (std::f64::consts::PI / 720.0),
    )
    .expect("an orbit");
    let years = (elements.epoch.get() - 946_728_000_000_000) as f64 / (365.25 * 86_400e6);
    let constants = sgp4::Constants::new(
        sgp4::WGS72,
        sgp4::iau_epoch_to_sidereal_time,
        years,
        elements.bstar,
        orbit_0,
    )
    .expect("constants");
    let orbit = Orbit::from_elements(elements).expect("an orbit");
    let step = 8.64;
    let (mut bare, mut ours) = (f64::MAX, f64::MAX);
    for _ in 0..PROPAGATION_RUNS {
        bare = bare.min(seconds(|| {
            for index in 0..PROPAGATIONS {
                let minutes = sgp4::MinutesSinceEpoch(index as f64 * step / 60.0);
                black_box(constants.propagate(black_box(minutes)).expect("a state"));
            }
        }));
        ours = ours.min(seconds(|| {
            for index in 0..PROPAGATIONS {
                let micros = elements.epoch.get() + index as i64 * 8_640_000;
                black_box(
                    orbit
                        .state(black_box(UtcMicros::new(micros)))
                        .expect("a state"),
                );
            }
        }));
    }
    let each = |total: f64| total / PROPAGATIONS as f64;
    println!(
        "propagation: bare loop over the sgp4 crate {:.2} M/s, Orbit::state {:.2} M/s ({:+.1} % time; at most +10)",
        1e-6 / each(bare),
        1e-6 / each(ours),
        (ours / bare - 1.0) * 100.0
    );
    each(bare)
}

fn one_satellite(elements: &Elements, bare: f64) {
    let (earth, stations) = (EarthOrientation::builtin(), stations());
    let window = window(48);
    let predictor = Predictor::new(&stations, &earth, window);
    let orbit = Orbit::from_elements(elements).expect("an orbit");
    let (mut scratch, mut passes) = (Scratch::default(), Vec::new());
    let best = (0..RUNS * 5)
        .map(|_| {
            seconds(|| {
                predictor
                    .passes(&orbit, &mut scratch, &mut passes)
                    .expect("passes");
            })
        })
        .fold(f64::MAX, f64::min);
    println!(
        "one satellite, 20 stations, 48 h: {:.3} ms for {} passes, as much as {:.0} bare propagations (at most 6,000)",
        best * 1e3,
        passes.len(),
        best / bare
    );
    let sun = Sun::new(window, &earth);
    let mut found = Vec::new();
    let best = (0..RUNS)
        .map(|_| seconds(|| eclipses(&orbit, window, &sun, &mut found).expect("eclipses")))
        .fold(f64::MAX, f64::min);
    println!("its {} eclipses: {:.3} ms", found.len(), best * 1e3);
}

fn ten_thousand() {
    let satellites = constellation(10_000);
    let (earth, stations) = (EarthOrientation::builtin(), stations());
    let predictor = Predictor::new(&stations, &earth, window(24));
    let begin = Instant::now();
    let passes: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = satellites
            .chunks(satellites.len().div_ceil(THREADS))
            .map(|part| scope.spawn(|| count(&predictor, part)))
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, usize>| thread.join().expect("a sum");
        threads.into_iter().map(join).sum()
    });
    println!(
        "10,000 satellites, 20 stations, 24 h, {THREADS} threads: {:.2} s for {passes} passes (at most 60 s)",
        begin.elapsed().as_secs_f64()
    );
}

/// Runs in a process of its own, whose memory is then its own.
fn stream(satellites: u32) {
    let (earth, stations) = (EarthOrientation::builtin(), stations());
    let predictor = Predictor::new(&stations, &earth, window(24));
    let before = resident_mib();
    let text = text(satellites);
    let begin = Instant::now();
    let file = orbit::read(text.as_bytes()).expect("a file");
    println!(
        "{} satellites read from {} MB of OMM in JSON: {:.2} s",
        file.satellites.len(),
        text.len() / 1_000_000,
        begin.elapsed().as_secs_f64()
    );
    let satellites = file.satellites;
    let held = resident_mib();
    let begin = Instant::now();
    let passes = count(&predictor, &satellites);
    let peak = resident_mib();
    let million = before + (peak - before) * 1e6 / satellites.len() as f64;
    println!(
        "{} satellites streamed, 20 stations, 24 h, one thread: {:.1} s for {passes} passes; {held:.0} MiB with the file before, {peak:.0} MiB at the peak; a million: {:.0} s and {million:.0} MiB (at most 4,096)",
        satellites.len(),
        begin.elapsed().as_secs_f64(),
        begin.elapsed().as_secs_f64() * 1e6 / satellites.len() as f64,
    );
}

fn count(predictor: &Predictor<'_>, satellites: &[Satellite]) -> usize {
    let mut count = 0;
    predictor.for_each(satellites, |satellite, prediction| {
        if let Some(fault) = prediction.fault {
            panic!("{}: {fault}", satellite.name());
        }
        count += prediction.passes.len();
    });
    count
}

/// The file that the constellation would come in.
fn text(satellites: u32) -> String {
    let elements: Vec<Elements> = constellation(satellites)
        .into_iter()
        .filter_map(|satellite| match satellite.source {
            Source::Elements(elements) => Some(elements),
            Source::Ephemeris { .. } => None,
        })
        .collect();
    write_omm_json(&elements).expect("JSON")
}

/// Shells of a Walker pattern between 500 and 1,200 km.
fn constellation(satellites: u32) -> Vec<Satellite> {
    let each = 1_000;
    let shells = (0..satellites.div_ceil(each)).flat_map(|number| {
        let shell = Shell {
            name: &format!("SHELL{number}"),
            altitude_km: 500.0 + f64::from(number * 37 % 700),
            epoch: BEGIN.parse().expect("a time"),
            bstar: 2e-5,
        };
        let pattern = Walker {
            satellites: each,
            planes: 20,
            phasing: number % 20,
            star: false,
        };
        walker(&shell, 40.0 + f64::from(number * 11 % 58), pattern).expect("a shell")
    });
    let satellite = |elements| Satellite {
        source: Source::Elements(elements),
    };
    shells.map(satellite).collect()
}

/// Twenty stations from south to north; `tests/peers/passes_speed.py` has the same.
fn stations() -> Vec<Station> {
    (0..20)
        .map(|number| Station {
            name: format!("station-{number}"),
            latitude_deg: -76.0 + 8.0 * f64::from(number),
            longitude_deg: (137.5 * f64::from(number)) % 360.0 - 180.0,
            height_m: 0.0,
            elevation_mask_deg: 5.0,
            terminals: Vec::new(),
        })
        .collect()
}

fn window(hours: i64) -> Window {
    let from: UtcMicros = BEGIN.parse().expect("a time");
    let to = UtcMicros::new(from.get() + hours * 3_600_000_000);
    Window::new(from, to).expect("a window")
}

fn peers() {
    let Some(python) = tests::python() else {
        return;
    };
    let file = std::env::temp_dir().join(format!("passline-passes-{}.tle", std::process::id()));
    std::fs::write(&file, ISS).expect("a file");
    let script = tests::workspace().join("tests/peers/passes_speed.py");
    let output = tests::run(Command::new(python).arg(script).arg(&file));
    let _ = std::fs::remove_file(&file);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in said.lines() {
        println!("peer {line}");
    }
    if !output.status.success() {
        println!("peers failed: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn seconds(mut task: impl FnMut()) -> f64 {
    let begin = Instant::now();
    task();
    let spent: Duration = begin.elapsed();
    spent.as_secs_f64()
}

/// The most memory the process has had, where Linux tells.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<f64> = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}
