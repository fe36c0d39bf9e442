//! What goes wrong around the program: a broker that is gone, a disk that is full, a clock that is
//! set. Nothing is lost, nothing is there twice, and the log says what happened.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tests::disk::SmallDisk;
use tests::kafka::KafkaCluster;
use tests::lake::{assert_same, replay, rows, simulated_pass, sql, tables};
use tests::service::{Service, until};
use tests::{run, skip, succeed, workspace};

/// A station with a link over TCP, and whatever else is given.
fn config(mission: &Path, more: &str) -> String {
    format!(
        "[station]\nname = \"svalbard\"\n[mission]\nfolder = {mission:?}\n[[link]]\nname = \"ka\"\n\
         kind = \"tcp-listen\"\naddress = \"127.0.0.1:0\"\n[data]\nfolder = \"data\"\n\
         [http]\nlisten = \"127.0.0.1:0\"\n{more}"
    )
}

/// Sends a recording in pieces over so long a time, as a pass does.
fn send(octets: Vec<u8>, to: std::net::SocketAddr, over: Duration) -> std::thread::JoinHandle<()> {
    const PIECES: u32 = 200;
    std::thread::spawn(move || {
        let mut link = TcpStream::connect(to).expect("the station listens");
        let started = Instant::now();
        let pieces = octets.chunks(octets.len().div_ceil(PIECES as usize));
        for (number, piece) in pieces.enumerate() {
            let due = over * u32::try_from(number).unwrap_or(PIECES) / PIECES;
            std::thread::sleep(due.saturating_sub(started.elapsed()));
            link.write_all(piece).expect("the station reads");
        }
    })
}

fn contact_ended(station: &Service, number: usize) {
    until("the contact has ended", || {
        (station.lines("contact ended").len() == number).then_some(())
    });
}

#[test]
fn a_broker_that_is_gone_for_a_minute_is_waited_for() {
    const ABSENCE: Duration = Duration::from_secs(60);
    let Some(cluster) = KafkaCluster::start(1) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (recording, mission) = simulated_pass(folder.path(), 10);
    let bus = format!(
        "[bus]\nbackend = \"kafka\"\n[bus.kafka]\nbootstrap_servers = {:?}\npartitions = 2\n",
        cluster.servers()
    );
    let station = Service::start("station", folder.path(), &config(&mission, &bus));
    let ingest = format!("[ingest]\nflush_age_ms = 300\n{bus}");
    let ingest = Service::start("ingest", folder.path(), &config(&mission, &ingest));
    let octets = std::fs::read(&recording).unwrap();
    let sender = send(octets, station.link("ka"), Duration::from_secs(20));
    until("rows arrive", || {
        ingest
            .metric("passline_ingest_rows_total{table=\"frames\"}")
            .filter(|&rows| rows > 0.0)
    });
    cluster.kill(0);
    std::thread::sleep(ABSENCE);
    for service in [&station, &ingest] {
        assert!(service.log().contains("Kafka is gone"), "{}", service.log());
        assert_eq!(service.get("/healthz").0, 200);
        assert_eq!(service.get("/readyz").0, 503);
    }
    cluster.restart(0);
    sender.join().unwrap();
    contact_ended(&station, 1);
    for service in [&station, &ingest] {
        until("it is told that Kafka is back", || {
            service.log().contains("Kafka is back").then_some(())
        });
    }
    let data = folder.path().join("data");
    let replayed = folder.path().join("replayed");
    succeed(&mut replay(&recording, &mission, &replayed));
    for table in tables(&replayed).iter().filter(|table| *table != "events") {
        let count = sql(&replayed, &format!("SELECT count(*) FROM \"{table}\""))[1]
            .parse()
            .ok();
        let metric = format!("passline_ingest_rows_total{{table=\"{table}\"}}");
        // A transaction that was open when the broker died holds its readers up to a minute.
        let deadline = Instant::now() + Duration::from_secs(120);
        while ingest.metric(&metric) != count {
            assert!(
                Instant::now() < deadline,
                "{table}: {:?} rows, not {count:?}\n{}\n{}",
                ingest.metric(&metric),
                station.log(),
                ingest.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    station.stop();
    ingest.stop();
    assert_same(&data, &replayed);
}

#[test]
fn a_disk_that_is_full_at_any_write_loses_nothing() {
    const STEP_KIB: usize = 96;
    let folder = tempfile::tempdir().unwrap();
    let (recording, mission) = simulated_pass(folder.path(), 10);
    let expected = folder.path().join("expected");
    succeed(&mut replay(&recording, &mission, &expected));
    let disk_path = folder.path().join("small");
    let Some(disk) = SmallDisk::mount(&disk_path, "size=64k") else {
        return;
    };
    // Each attempt finds what the one before has left, and a little more room.
    let mut attempts = 0;
    loop {
        let output = run(&mut replay(&recording, &mission, &disk_path));
        if output.status.success() {
            break;
        }
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("No space left"), "{told}");
        assert!(!told.contains("panicked"), "{told}");
        attempts += 1;
        assert!(attempts < 500, "{told}");
        disk.grow(&format!("size={}k", 64 + attempts * STEP_KIB));
    }
    eprintln!("the disk was full {attempts} times");
    assert!(attempts > 10, "only {attempts}");
    assert!(rows(&disk_path) == rows(&expected), "rows differ");
}

/// A library that gives a process a clock of its own.
fn clock_library(folder: &Path) -> Option<PathBuf> {
    let library = folder.join("set_back.so");
    let compiled = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(workspace().join("tests/clock/set_back.c"))
        .status();
    if compiled.is_ok_and(|status| status.success()) {
        return Some(library);
    }
    skip("there is no C compiler cc for the library that sets the clock");
    None
}

#[test]
fn a_clock_that_is_set_back_an_hour_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = clock_library(folder.path()) else {
        return;
    };
    let (recording, mission) = simulated_pass(folder.path(), 10);
    let clock = folder.path().join("clock");
    let environment = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("SET_BACK_WHEN", clock.to_str().unwrap()),
    ];
    let text = config(&mission, "[ingest]\nflush_age_ms = 300\n");
    let station = Service::start_with("station", folder.path(), &text, &environment);
    let octets = std::fs::read(&recording).unwrap();
    let sender = send(octets.clone(), station.link("ka"), Duration::from_secs(4));
    std::thread::sleep(Duration::from_secs(2));
    std::fs::write(&clock, "").unwrap();
    sender.join().unwrap();
    contact_ended(&station, 1);
    let told = until("the log tells of it", || {
        let lines = station.lines("the clock was set back; reception times follow it");
        lines.first().cloned()
    });
    let seconds = told["seconds"].as_f64().unwrap();
    assert!((3_590.0..=3_610.0).contains(&seconds), "{told}");
    station.stop();
    let data = folder.path().join("data");
    let replayed = folder.path().join("replayed");
    succeed(&mut replay(&recording, &mission, &replayed));
    assert_same(&data, &replayed);

    // The clock still goes wrong: the same octets again are a contact of its own, an hour before
    // the one that was first, and its packets are copies.
    let station = Service::start_with("station", folder.path(), &text, &environment);
    send(octets, station.link("ka"), Duration::ZERO)
        .join()
        .unwrap();
    contact_ended(&station, 1);
    station.stop();
    for table in ["packets", "power", "compute_node"] {
        let count = format!("SELECT count(*) FROM {table} WHERE time IS NOT NULL");
        assert_eq!(sql(&data, &count), sql(&replayed, &count), "{table}");
    }
}
