//! `passline pass` and `passline orbit` from outside, beside the passes that skyfield found.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::{passline, run, shared, succeed};

const FROM: &str = "2025-03-11T12:00:00Z";
const TO: &str = "2025-03-13T12:00:00Z";

/// The reference as the files that the program reads, with one mask for all stations.
struct Reference {
    folder: tempfile::TempDir,
    value: Value,
}

impl Reference {
    fn read() -> Option<Self> {
        let text = fs::read_to_string(shared("passes/reference.json")?).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut orbits = String::new();
        for satellite in value["satellites"].as_array().unwrap() {
            orbits += &format!("{}\n", satellite["name"].as_str().unwrap());
            for line in satellite["tle"].as_array().unwrap() {
                orbits += &format!("{}\n", line.as_str().unwrap());
            }
        }
        fs::write(folder.path().join("orbits.tle"), orbits).unwrap();
        Some(Self { folder, value })
    }

    fn orbits(&self) -> PathBuf {
        self.folder.path().join("orbits.tle")
    }

    fn stations(&self, mask_deg: f64) -> PathBuf {
        let mut text = String::new();
        for station in self.value["stations"].as_array().unwrap() {
            text += &format!(
                "[[station]]\nname = {}\nlatitude_deg = {}\nlongitude_deg = {}\nheight_m = {}\n\
                 elevation_mask_deg = {mask_deg:?}\n",
                station["id"], station["lat_deg"], station["lon_deg"], station["height_m"]
            );
        }
        let path = self.folder.path().join(format!("stations-{mask_deg}.toml"));
        fs::write(&path, text).unwrap();
        path
    }
}

fn ask(subcommand: [&str; 2], orbits: &Path, more: &[&str]) -> Value {
    let mut command = passline();
    command.args(subcommand).arg("--orbits").arg(orbits);
    command.args(["--from", FROM, "--to", TO, "--format", "json"]);
    serde_json::from_str(&succeed(command.args(more))).unwrap()
}

/// Microseconds since the reference's begin.
fn micros(time: &Value) -> f64 {
    let text = time.as_str().unwrap();
    let number = |from: usize, to: usize| text[from..to].parse::<f64>().unwrap();
    let day = number(8, 10) - 11.0;
    let seconds = ((day * 24.0 + number(11, 13)) * 60.0 + number(14, 16)) * 60.0 + number(17, 26);
    (seconds - 12.0 * 3_600.0) * 1e6
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn no_pass_is_missed_or_invented() {
    let Some(reference) = Reference::read() else {
        return;
    };
    let mut compared = 0;
    for mask in [5.0, 10.0] {
        let stations = reference.stations(mask);
        let stations = ["--stations", stations.to_str().unwrap()];
        let found = ask(["pass", "list"], &reference.orbits(), &stations);
        let found = found.as_array().unwrap();
        let mut expected_passes = 0;
        for satellite in reference.value["satellites"].as_array().unwrap() {
            for expected in satellite["passes"].as_array().unwrap() {
                if number(&expected["mask_deg"]) != mask {
                    continue;
                }
                expected_passes += 1;
                let same = found.iter().find(|pass| {
                    pass["satellite"] == satellite["name"]
                        && pass["station"] == expected["station"]
                        && (micros(&pass["tca"]) - number(&expected["tca_s"]) * 1e6).abs() < 2e6
                });
                let same = same.unwrap_or_else(|| panic!("missed: {expected}"));
                for (key, reference) in [("aos", "aos_s"), ("los", "los_s")] {
                    let apart = micros(&same[key]) - number(&expected[reference]) * 1e6;
                    assert!(apart.abs() <= 5_000.0, "{key} {apart} us: {same}");
                }
                assert_eq!(same["aos_clipped"], expected["aos_clipped"], "{same}");
                assert_eq!(same["los_clipped"], expected["los_clipped"], "{same}");
            }
        }
        assert_eq!(
            found.len(),
            expected_passes,
            "mask {mask}: some were invented"
        );
        compared += expected_passes;
    }
    assert!(compared > 600, "{compared}");
}

#[test]
fn eclipses_are_those_of_the_reference() {
    let Some(reference) = Reference::read() else {
        return;
    };
    let found = ask(["orbit", "eclipses"], &reference.orbits(), &[]);
    let found = found.as_array().unwrap();
    let mut expected_eclipses = 0;
    for satellite in reference.value["satellites"].as_array().unwrap() {
        for kind in ["penumbra", "umbra"] {
            for expected in satellite["eclipses"][kind].as_array().unwrap() {
                expected_eclipses += 1;
                let is_same = |eclipse: &&Value| {
                    let near = |key: &str, reference: &str| {
                        let apart = micros(&eclipse[key]) - number(&expected[reference]) * 1e6;
                        apart.abs() <= 200_000.0
                    };
                    eclipse["satellite"] == satellite["name"]
                        && eclipse["shadow"] == kind
                        && near("entry", "entry_s")
                        && near("exit", "exit_s")
                };
                assert!(
                    found.iter().any(|eclipse| is_same(&eclipse)),
                    "{kind} {expected}"
                );
            }
        }
    }
    assert!(expected_eclipses > 100, "{expected_eclipses}");
    assert_eq!(found.len(), expected_eclipses);
}

#[test]
fn a_plan_keeps_to_passes_and_antennas_and_can_be_compared() {
    let Some(reference) = Reference::read() else {
        return;
    };
    let stations = reference.stations(5.0);
    let stations = ["--stations", stations.to_str().unwrap()];
    let passes = ask(["pass", "list"], &reference.orbits(), &stations);
    let plan = ask(["pass", "plan"], &reference.orbits(), &stations);
    assert!(number(&plan["gap"]) < 0.01, "{}", plan["gap"]);
    let names = |kind: &str, at: &Value| plan[kind][at.as_u64().unwrap() as usize].clone();
    let contacts = plan["plan"]["contacts"].as_array().unwrap();
    assert!(contacts.len() > 50, "{}", contacts.len());
    let start = 1_741_694_400_000_000.0;
    let of = |contact: &Value| {
        let interval = &contact["interval"];
        (
            number(&interval["start"]) - start,
            number(&interval["end"]) - start,
        )
    };
    for contact in contacts {
        let (begin, end) = of(contact);
        let satellite = names("satellites", &contact["satellite"]);
        let station = names("stations", &contact["station"]);
        assert!(
            passes
                .as_array()
                .unwrap()
                .iter()
                .any(|pass| pass["satellite"] == satellite
                    && pass["station"] == station
                    && micros(&pass["aos"]) <= begin + 1.0
                    && end <= micros(&pass["los"]) + 1.0),
            "{contact}"
        );
        for other in contacts.iter().filter(|other| *other != contact) {
            let (other_begin, other_end) = of(other);
            let apart = end <= other_begin || other_end <= begin;
            assert!(
                apart || other["station"] != contact["station"],
                "{contact} {other}"
            );
            assert!(
                apart || other["satellite"] != contact["satellite"],
                "{contact} {other}"
            );
        }
    }
    let mut files = Vec::new();
    for limit in ["1", "100"] {
        let more = [stations[0], stations[1], "--contacts-per-day", limit];
        let path = reference.folder.path().join(format!("plan-{limit}.json"));
        let limited = ask(["pass", "plan"], &reference.orbits(), &more);
        fs::write(&path, limited.to_string()).unwrap();
        files.push(path);
    }
    let differs = succeed(passline().args(["pass", "diff"]).args(&files));
    assert!(differs.lines().count() > 10, "{differs}");
    let same = succeed(
        passline()
            .args(["pass", "diff"])
            .args([&files[0], &files[0]]),
    );
    assert!(same.lines().count() <= 1, "{same}");
}

#[test]
fn what_cannot_be_used_is_told_and_the_rest_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let stations = folder.path().join("stations.toml");
    let pole =
        "[[station]]\nname = \"pole\"\nlatitude_deg = 90.0\nlongitude_deg = 0.0\nheight_m = 0.0\n";
    fs::write(&stations, pole).unwrap();
    let orbits = tests::workspace().join("tests/orbits/iss.tle");
    let list = |stations: &Path, orbits: &Path, from: &str, to: &str, more: &[&str]| {
        let mut command = passline();
        command
            .args(["pass", "list", "--orbits"])
            .arg(orbits)
            .arg("--stations")
            .arg(stations);
        let output = run(command.args(["--from", from, "--to", to]).args(more));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!told.contains("panicked"), "{told}");
        (output.status.code(), told)
    };
    let from = "2025-03-11T12:00:00Z";
    for (to, more, expected, code) in [
        (from, &[][..], "no length", 1),
        ("2025-03-11T11:00:00Z", &[], "before its beginning", 1),
        ("tomorrow", &[], "2026-03-20T12:00:00Z", 2),
        (
            "2025-03-12T12:00:00Z",
            &["--satellite", "ISS"],
            "the nearest is ISS (ZARYA)",
            1,
        ),
        (
            "2025-03-12T12:00:00Z",
            &["--station", "poles"],
            "the nearest is pole",
            1,
        ),
        // The station sees nothing of this orbit, which is no mistake.
        ("2025-03-12T12:00:00Z", &[], "", 0),
    ] {
        let (status, told) = list(&stations, &orbits, from, to, more);
        assert_eq!(status, Some(code), "{told}");
        assert!(told.contains(expected), "{expected}: {told}");
    }
    // Elements of years ago: a reason for the satellite, no invented pass.
    let (status, told) = list(
        &stations,
        &orbits,
        "2031-01-01T00:00:00Z",
        "2031-01-02T00:00:00Z",
        &[],
    );
    assert_eq!(status, Some(0), "{told}");
    assert!(
        told.contains("ISS (ZARYA)") && told.contains("days"),
        "{told}"
    );
    fs::write(&stations, format!("{pole}elevation_mask_deg = 90.0\n")).unwrap();
    let (status, told) = list(&stations, &orbits, from, "2025-03-12T12:00:00Z", &[]);
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("pole"), "{told}");
    fs::write(&stations, format!("{pole}colour = \"white\"\n")).unwrap();
    let (status, told) = list(&stations, &orbits, from, "2025-03-12T12:00:00Z", &[]);
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("colour"), "{told}");
    let garbage = folder.path().join("orbits.json");
    fs::write(&garbage, b"[{\"OBJECT_NAME\": 1}]").unwrap();
    let (status, told) = list(&stations, &garbage, from, "2025-03-12T12:00:00Z", &[]);
    assert_eq!(status, Some(1), "{told}");
}
