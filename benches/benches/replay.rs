//! The whole way, as its users run it: `passline replay` of 720,000 packets into tables, beside
//! ccsdspy decoding the same file into memory; `passline sql` over what came out; and the memory
//! of a 4 GiB replay with `--large`.

#![allow(clippy::print_stdout, reason = "a bench prints its results")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 7;
const REPEATS: u32 = 100;
const PACKETS: f64 = 720_000.0;
/// Parameters in a packet, without the six of its primary header.
const RECORDING: &str = "recordings/packets/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1";

fn main() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var_os("PASSLINE_SHARED")
        .map_or_else(|| workspace.join("../shared"), PathBuf::from);
    let Ok(short) = std::fs::read(shared.join(RECORDING)) else {
        eprintln!("SKIPPED: {} is absent", shared.join(RECORDING).display());
        return;
    };
    let passline = passline();
    let folder = tempfile::tempdir().expect("a temporary folder");
    if std::env::args().any(|argument| argument == "--large") {
        large(&passline, &workspace, folder.path());
        return;
    }
    let recording = folder.path().join("geolocation.pkts");
    let shift = 7_200 * 1_000_000;
    let packets = simulator::repeat_packets(&short, REPEATS, shift).expect("a packet file");
    std::fs::write(&recording, packets).expect("room for 51 MB");
    let mission = workspace.join("tests/missions/jpss1-geolocation");

    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    let mut peak_kib = 0;
    let data = folder.path().join("data");
    for _ in 0..RUNS {
        let _ = std::fs::remove_dir_all(&data);
        let mut replay = Command::new(&passline);
        replay
            .arg("replay")
            .arg(&recording)
            .arg("--mission")
            .arg(&mission);
        replay
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let (elapsed, peak) = timed(&mut replay);
        ours.push(elapsed);
        peak_kib = peak_kib.max(peak);
        theirs.extend(ccsdspy(&recording));
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    println!(
        "passline replay, whole process     {:>8.3} s  peak {} MiB",
        ours.as_secs_f64(),
        peak_kib / 1024
    );
    if theirs.is_zero() {
        println!("ccsdspy                            absent: run tests/peers/setup.sh");
    } else {
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!(
            "ccsdspy, decoding into memory      {:>8.3} s  ratio {ratio:.2}",
            theirs.as_secs_f64()
        );
    }
    for table in tables(&data) {
        let octets = parquet_octets(&data.join("lake").join(&table));
        let columns = columns(&passline, &data, &table);
        println!(
            "{table:<34} {octets:>10} octets  {:.2} a value ({columns} columns)",
            octets as f64 / PACKETS / columns as f64
        );
    }
    let mut counting: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let table = tables(&data)
                .into_iter()
                .find(|name| name != "packets")
                .unwrap_or_default();
            let mut sql = Command::new(&passline);
            sql.args([
                "sql",
                "-c",
                &format!("SELECT count(*) FROM {table}"),
                "--data",
            ])
            .arg(&data);
            timed(sql.stdout(Stdio::null())).0
        })
        .collect();
    println!(
        "passline sql count(*), process     {:>8.3} s",
        median(&mut counting).as_secs_f64()
    );
}

/// Replays 4 GiB of simulated CADUs and prints the peak of memory.
fn large(passline: &Path, workspace: &Path, folder: &Path) {
    use std::io::Write;
    const OCTETS: u64 = 4 << 30;
    let recording = folder.join("large.cadu");
    let config = simulator::PassConfig {
        duration_s: u64::MAX / 2_000_000,
        repeat_every_s: Some(3_600),
        octets_max: Some(OCTETS),
        ..simulator::PassConfig::new(1, 81, 1_774_008_000_000_000)
    };
    let mut pass = simulator::Pass::new(config).expect("a valid configuration");
    let mut file = std::fs::File::create(&recording).expect("a file");
    let mut chunk = Vec::new();
    let mut more = true;
    while more {
        chunk.clear();
        more = pass.next_chunk(&mut chunk);
        file.write_all(&chunk).expect("room for 4 GiB");
    }
    let mut replay = Command::new(passline);
    replay.arg("replay").arg(&recording).arg("--mission");
    replay.arg(workspace.join("schemas/missions/orbital-compute"));
    replay.arg("--data").arg(folder.join("data"));
    let (elapsed, peak) = timed(&mut replay);
    println!(
        "4 GiB of CADUs: {:.1} s, peak {} MiB",
        elapsed.as_secs_f64(),
        peak / 1024
    );
}

fn passline() -> PathBuf {
    let mut path = std::env::current_exe().expect("a bench has a path");
    path.pop();
    path.pop();
    path.push("passline");
    assert!(
        path.exists(),
        "{}: run cargo build --release --bin passline",
        path.display()
    );
    path
}

/// Elapsed time, and the peak of resident memory in KiB where the system tells.
fn timed(command: &mut Command) -> (Duration, u64) {
    let started = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    let mut peak = 0;
    loop {
        peak = peak.max(resident_peak(&child));
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            assert!(status.success(), "{command:?}: {status}");
            return (started.elapsed(), peak);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn resident_peak(child: &Child) -> u64 {
    std::fs::read_to_string(format!("/proc/{}/status", child.id()))
        .ok()
        .and_then(|status| {
            let line = status
                .lines()
                .find(|line| line.starts_with("VmHWM:"))?
                .to_owned();
            line.split_whitespace().nth(1)?.parse().ok()
        })
        .unwrap_or_default()
}

/// ccsdspy's own time for the same packets, interpreter start and imports not counted.
fn ccsdspy(recording: &Path) -> Option<Duration> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("ccsdspy_geolocation.py");
    let output = Command::new(tests::python()?)
        .arg(script)
        .arg(recording)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim()
        .lines()
        .last()?
        .parse()
        .ok()
        .map(Duration::from_secs_f64)
}

fn tables(data: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(data.join("lake"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

fn columns(passline: &Path, data: &Path, table: &str) -> usize {
    let output = Command::new(passline)
        .args([
            "sql",
            "--format",
            "csv",
            "-c",
            &format!("SELECT * FROM {table} LIMIT 1"),
            "--data",
        ])
        .arg(data)
        .output()
        .expect("the program starts");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .next()
        .map_or(1, |line| line.split(',').count())
}

fn parquet_octets(folder: &Path) -> u64 {
    let mut octets = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            octets += parquet_octets(&path);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            octets += entry.metadata().map_or(0, |metadata| metadata.len());
        }
    }
    octets
}

fn median(durations: &mut [Duration]) -> Duration {
    durations.sort();
    durations
        .get(durations.len() / 2)
        .copied()
        .unwrap_or_default()
}
