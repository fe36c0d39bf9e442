//! `passline run station` and `passline run ingest` from outside: real sockets, real signals.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tests::disk::SmallDisk;
use tests::lake::{assert_same, replay, simulated_pass, sql};
use tests::service::{Service, until};
use tests::{passline, run, shared, succeed, workspace};

fn mission(name: &str) -> PathBuf {
    workspace().join("tests/missions").join(name)
}

/// A configuration whose data lie in `data` beside it.
fn config(mission: &Path, links: &str) -> String {
    format!(
        "[station]\nname = \"svalbard\"\ndrain_s = 5\n\n[mission]\nfolder = {mission:?}\n\n{links}\n\
         [ingest]\nflush_age_ms = 300\n\n[data]\nfolder = \"data\"\n\n[http]\nlisten = \"127.0.0.1:0\"\n"
    )
}

fn link(kind: &str, more: &str) -> String {
    format!("[[link]]\nname = \"ka\"\nkind = \"{kind}\"\naddress = \"127.0.0.1:0\"\n{more}\n")
}

/// Whether a table has its first commit.
fn committed(data: &Path, table: &str) -> bool {
    let log = data.join("lake").join(table).join("_delta_log");
    log.join("00000000000000000000.json").exists()
}

fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).unwrap()
}

fn contacts_ended(service: &Service, number: usize) {
    until("the contacts have ended", || {
        (service.lines("contact ended").len() >= number).then_some(())
    });
}

#[test]
fn a_stream_over_tcp_becomes_the_tables_of_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let (recording, mission) = simulated_pass(folder.path(), 10);
    let expected = folder.path().join("replayed");
    succeed(&mut replay(&recording, &mission, &expected));
    let octets = std::fs::read(&recording).unwrap();
    for (name, chunk) in [("at-once", octets.len()), ("oddly", 997)] {
        let place = folder.path().join(name);
        std::fs::create_dir(&place).unwrap();
        let service = Service::start(
            "station",
            &place,
            &config(&mission, &link("tcp-listen", "")),
        );
        let mut stream = connect(service.link("ka"));
        for piece in octets.chunks(chunk) {
            stream.write_all(piece).unwrap();
        }
        drop(stream);
        // At once: what the kernel has taken must be in the tables all the same.
        let log = service.stop();
        assert!(log.contains("the peer closed the connection"), "{log}");
        assert_same(&place.join("data"), &expected);
    }
    let received = sql(
        &folder.path().join("at-once/data"),
        "SELECT count(*), count(received), min(received) > '2025-01-01', count(DISTINCT contact), min(station) FROM packets",
    );
    let fields: Vec<&str> = received[1].split(',').collect();
    assert_eq!(fields[0], fields[1], "every packet has its reception time");
    assert_eq!(fields[2..], ["true", "1", "svalbard"]);
}

#[test]
fn datagrams_become_the_tables_of_a_replay() {
    let Some(recording) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mission = mission("noaa20");
    let expected = folder.path().join("replayed");
    succeed(&mut replay(&recording, &mission, &expected));
    let octets = std::fs::read(&recording).unwrap();
    let service = Service::start(
        "station",
        folder.path(),
        &config(&mission, &link("udp", "")),
    );
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = service.link("ka");
    // CADUs may be cut anywhere.
    for (number, datagram) in octets.chunks(1_021).enumerate() {
        sender.send_to(datagram, address).unwrap();
        if number % 16 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let log = service.stop();
    assert!(!log.contains("dropped"), "{log}");
    assert_same(&folder.path().join("data"), &expected);
}

#[test]
fn frames_arrive_by_stream_and_by_datagram() {
    let Some(recording) = shared("recordings/frames/lucy_frames_eb3frn_20211020_235911.u8") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mission = mission("lucy");
    let expected = folder.path().join("replayed");
    succeed(&mut replay(&recording, &mission, &expected));
    let octets = std::fs::read(&recording).unwrap();
    let frame = octets.len() / 158;
    for kind in ["tcp-listen", "udp"] {
        let place = folder.path().join(kind);
        std::fs::create_dir(&place).unwrap();
        let text = config(&mission, &link(kind, "level = \"frames\""));
        let service = Service::start("station", &place, &text);
        let address = service.link("ka");
        if kind == "udp" {
            let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
            for datagram in octets.chunks(frame) {
                sender.send_to(datagram, address).unwrap();
            }
        } else {
            connect(address).write_all(&octets).unwrap();
        }
        service.stop();
        assert_same(&place.join("data"), &expected);
    }
}

#[test]
fn a_damaged_datagram_of_packets_costs_only_itself() {
    let Some(recording) = shared("recordings/packets") else {
        return;
    };
    let recording = recording.join("J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1");
    let folder = tempfile::tempdir().unwrap();
    let octets = std::fs::read(&recording).unwrap();
    let mission = folder.path().join("mission");
    std::fs::create_dir(&mission).unwrap();
    let text = "name = \"noaa20\"\n\n[downlink]\ninput = \"packets\"\n";
    std::fs::write(mission.join("mission.toml"), text).unwrap();
    let service = Service::start(
        "station",
        folder.path(),
        &config(&mission, &link("udp", "")),
    );
    let address = service.link("ka");
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut packets = 0;
    let mut rest = &octets[..];
    while packets < 500 && rest.len() > 6 {
        let length = 7 + usize::from(u16::from_be_bytes([rest[4], rest[5]]));
        let (packet, after) = rest.split_at(length);
        sender.send_to(packet, address).unwrap();
        packets += 1;
        rest = after;
        if packets % 100 == 0 {
            // The start of a packet, and of nothing.
            sender.send_to(&packet[..40], address).unwrap();
            sender.send_to(&packet[..3], address).unwrap();
            sender.send_to(&[], address).unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    service.stop();
    let data = folder.path().join("data");
    assert_eq!(sql(&data, "SELECT count(*) FROM packets")[1], "500");
    assert_eq!(
        sql(
            &data,
            "SELECT count(*) FROM events WHERE kind = 'packet_truncated'"
        )[1],
        "10"
    );
}

#[test]
fn a_station_connects_again_until_its_peer_is_there() {
    let Some(recording) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let octets = std::fs::read(&recording).unwrap();
    let reserved = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let links = format!(
        "[[link]]\nname = \"modem\"\nkind = \"tcp-connect\"\naddress = \"{address}\"\n\
         reconnect_min_ms = 20\nreconnect_max_ms = 200\nidle_timeout_s = 0.5\n"
    );
    let service = Service::start(
        "station",
        folder.path(),
        &config(&mission("noaa20"), &links),
    );
    until("attempts have failed", || {
        service
            .metric("passline_station_connect_failures_total{link=\"modem\"}")
            .filter(|failures| *failures >= 3.0)
    });
    let (status, ready) = service.get("/readyz");
    assert_eq!(status, 200, "{ready}");
    assert!(ready.contains("attempts failed"), "{ready}");
    assert!(ready.contains("refused"), "{ready}");
    let listener = TcpListener::bind(address).unwrap();
    let (mut modem, _) = listener.accept().unwrap();
    modem.write_all(&octets).unwrap();
    // Silence ends the contact, not the connection.
    contacts_ended(&service, 1);
    modem.write_all(&octets).unwrap();
    contacts_ended(&service, 2);
    drop(modem);
    let (mut modem, _) = listener.accept().unwrap();
    modem.write_all(&octets[..100_000]).unwrap();
    drop(modem);
    contacts_ended(&service, 3);
    service.stop();
    let data = folder.path().join("data");
    let by_contact = sql(
        &data,
        "SELECT count(*) FROM frames GROUP BY contact ORDER BY min(received)",
    );
    // The same frames within a minute are copies of the first.
    assert_eq!(by_contact[1..], ["1023"]);
    let kinds = sql(
        &data,
        "SELECT kind, count(*) FROM events WHERE kind LIKE 'link%' OR kind LIKE 'contact%' GROUP BY kind ORDER BY kind",
    );
    assert_eq!(
        kinds[1..3],
        ["contact_begin,3", "contact_end,3"],
        "{kinds:?}"
    );
}

#[test]
fn garbage_and_broken_peers_leave_the_link_to_the_next_one() {
    let Some(recording) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let octets = std::fs::read(&recording).unwrap();
    let links = link("tcp-listen", "idle_timeout_s = 0.5");
    let service = Service::start(
        "station",
        folder.path(),
        &config(&mission("noaa20"), &links),
    );
    let address = service.link("ka");
    let noise: Vec<u8> = (0..300_000_u64)
        .map(|i| (i.wrapping_mul(i).wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    connect(address).write_all(&noise).unwrap();
    // Cut within a frame.
    connect(address)
        .write_all(&octets[..10 * 1_024 + 500])
        .unwrap();
    // Connected and silent: the link does not wait for ever.
    let silent = connect(address);
    connect(address).write_all(&octets).unwrap();
    contacts_ended(&service, 3);
    drop(silent);
    service.stop();
    let data = folder.path().join("data");
    let by_contact = sql(
        &data,
        "SELECT count(*) FROM frames GROUP BY contact ORDER BY min(received)",
    );
    // Ten of the second contact are copies of the first's.
    assert_eq!(by_contact[1..], ["10", "1013"]);
    let ends = sql(
        &data,
        "SELECT message FROM events WHERE kind = 'contact_end' ORDER BY time",
    );
    assert!(
        ends[1].contains("300000 octets, 0 of them used, 0 frames"),
        "{ends:?}"
    );
}

#[test]
fn what_arrived_is_visible_while_the_link_is_open_and_quiet() {
    let Some(recording) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let octets = std::fs::read(&recording).unwrap();
    let service = Service::start(
        "station",
        folder.path(),
        &config(&mission("noaa20"), &link("tcp-listen", "")),
    );
    let mut stream = connect(service.link("ka"));
    // A few frames: far less than a block.
    stream.write_all(&octets[..20 * 1_024]).unwrap();
    let data = folder.path().join("data");
    until("frames are in the table", || {
        committed(&data, "frames").then_some(())
    });
    until("nineteen frames are visible", || {
        let count = &sql(&data, "SELECT count(*) FROM frames")[1];
        (count.parse::<u32>().unwrap() >= 19).then_some(())
    });
    let up = service.metric("passline_station_link_up{link=\"ka\"}");
    let active = service.metric("passline_station_contact_active{link=\"ka\"}");
    assert_eq!((up, active), (Some(1.0), Some(1.0)));
    // The peer stays connected: the station stops all the same.
    let log = service.stop();
    assert!(log.contains("the station stopped"), "{log}");
    drop(stream);
}

#[test]
fn whoever_watches_is_told_how_it_is() {
    let Some(recording) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let octets = std::fs::read(&recording).unwrap();
    let service = Service::start(
        "station",
        folder.path(),
        &config(&mission("noaa20"), &link("tcp-listen", "")),
    );
    assert_eq!(service.get("/healthz"), (200, "alive\n".to_owned()));
    assert_eq!(service.get("/nothing").0, 404);
    let post = service.ask(b"POST /metrics HTTP/1.1\r\n\r\n").unwrap();
    assert!(post.starts_with("HTTP/1.1 405"), "{post}");
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\r\n\r\n"[..],
        &[b'x'; 40_000],
    ] {
        // The connection may also be reset while the nonsense is still being sent.
        if let Ok(answer) = service.ask(nonsense) {
            assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        }
    }
    connect(service.link("ka")).write_all(&octets).unwrap();
    until("everything is committed", || {
        let rows = service.metric("passline_ingest_rows_total{table=\"packets\"}");
        (rows == Some(285.0)).then_some(())
    });
    for (name, value) in [
        (
            "passline_station_received_octets_total{link=\"ka\"}",
            1_048_576.0,
        ),
        (
            "passline_station_used_octets_total{link=\"ka\"}",
            1_047_552.0,
        ),
        (
            "passline_station_records_total{topic=\"tm.frames\"}",
            1_023.0,
        ),
        (
            "passline_station_records_total{topic=\"tm.packets\"}",
            285.0,
        ),
        (
            "passline_station_anomalies_total{kind=\"packet_truncated\"}",
            3.0,
        ),
        ("passline_station_contacts_total{link=\"ka\"}", 1.0),
        (
            "passline_ingest_records_total{topic=\"tm.packets\",partition=\"0\"}",
            285.0,
        ),
        ("passline_ingest_rows_total{table=\"frames\"}", 1_023.0),
    ] {
        until(name, || (service.metric(name) == Some(value)).then_some(()));
    }
    until("no lag is left", || {
        let lag = "passline_ingest_lag_records{topic=\"tm.packets\",partition=\"0\"}";
        (service.metric(lag) == Some(0.0)).then_some(())
    });
    let (_, metrics) = service.get("/metrics");
    for line in [
        "# HELP passline_ingest_lag_records Records published and not yet committed to the tables.",
        "# TYPE passline_ingest_commit_seconds histogram",
        "# TYPE passline_station_records_total counter",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    let health = run(passline().args(["run", "health", "--address"]).arg(
        service.lines("answering /healthz, /readyz and /metrics")[0]["address"]
            .as_str()
            .unwrap(),
    ));
    assert!(health.status.success(), "{health:?}");

    // A data folder that is gone is no place to write to.
    let (data, gone) = (folder.path().join("data"), folder.path().join("gone"));
    std::fs::rename(&data, &gone).unwrap();
    let (status, reasons) = service.get("/readyz");
    std::fs::rename(&gone, &data).unwrap();
    assert_eq!(status, 503, "{reasons}");
    let reasons: serde_json::Value = serde_json::from_str(&reasons).unwrap();
    assert_eq!(reasons["checks"]["lake"]["ok"], false, "{reasons}");
    assert_eq!(reasons["checks"]["link ka"]["ok"], true, "{reasons}");
    let (status, answer) = service.get("/readyz");
    assert_eq!(status, 200, "{answer}");

    let contact = &service.lines("contact ended")[0];
    let span = contact["spans"].as_array().unwrap().last().unwrap();
    assert_eq!(span["station"], "svalbard");
    assert_eq!(span["spacecraft"], "noaa20");
    assert!(
        span["contact"]
            .as_str()
            .unwrap()
            .starts_with("svalbard-ka-20")
    );
    service.stop();
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = config(&mission("noaa20"), &link("tcp-listen", ""));
    let text = text.replace("drain_s = 5", "drain_s = 300");
    let mut service = Service::start("station", folder.path(), &text);
    let mut stream = connect(service.link("ka"));
    // A peer that never stops sending keeps the drain busy.
    let sender = std::thread::spawn(move || while stream.write_all(&[0x55; 4_096]).is_ok() {});
    until("the contact has begun", || {
        (!service.lines("contact begun").is_empty()).then_some(())
    });
    service.signal("INT");
    until("it is stopping", || {
        service.log().contains("stopping").then_some(())
    });
    std::thread::sleep(Duration::from_millis(300));
    service.signal("TERM");
    let started = Instant::now();
    let status = service.wait(Duration::from_secs(10));
    assert_eq!(status.code(), Some(128 + 15), "{}", service.log());
    assert!(started.elapsed() < Duration::from_secs(5));
    sender.join().unwrap();
}

#[test]
fn a_stop_that_takes_too_long_is_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let text = config(&mission("noaa20"), &link("tcp-listen", ""));
    let text = text.replace("drain_s = 5", "drain_s = 300") + "\n[shutdown]\ntimeout_s = 1\n";
    let mut service = Service::start("station", folder.path(), &text);
    let mut stream = connect(service.link("ka"));
    let sender = std::thread::spawn(move || while stream.write_all(&[0x55; 4_096]).is_ok() {});
    until("the contact has begun", || {
        (!service.lines("contact begun").is_empty()).then_some(())
    });
    service.signal("TERM");
    let status = service.wait(Duration::from_secs(20));
    assert_eq!(status.code(), Some(1));
    assert!(
        service.log().contains("takes too long"),
        "{}",
        service.log()
    );
    sender.join().unwrap();
}

#[test]
fn ingest_stores_what_a_killed_station_had_published() {
    let Some(recording) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let octets = std::fs::read(&recording).unwrap();
    let text = config(&mission("noaa20"), &link("tcp-listen", ""));
    let slow = text.replace("flush_age_ms = 300", "flush_age_ms = 3600000");
    let mut station = Service::start("station", folder.path(), &slow);
    connect(station.link("ka")).write_all(&octets).unwrap();
    contacts_ended(&station, 1);
    station.kill();
    let data = folder.path().join("data");
    assert!(!committed(&data, "frames"), "nothing was flushed");
    let ingest = Service::start("ingest", folder.path(), &text);
    assert_eq!(ingest.get("/readyz").0, 200);
    ingest.stop();
    assert_eq!(sql(&data, "SELECT count(*) FROM frames")[1], "1023");
    assert_eq!(sql(&data, "SELECT count(*) FROM packets")[1], "285");
}

#[test]
fn a_full_disk_makes_the_peer_wait_and_loses_nothing() {
    const CONTACTS: usize = 5;
    let Some(recording) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&folder.path().join("data"), "size=6m") else {
        return;
    };
    let octets = std::fs::read(&recording).unwrap();
    let text = config(&mission("noaa20"), &link("tcp-listen", ""));
    let service = Service::start("station", folder.path(), &text);
    let address = service.link("ka");
    let sender = std::thread::spawn(move || {
        for _ in 0..CONTACTS {
            connect(address).write_all(&octets).unwrap();
        }
    });
    until("the disk is full", || {
        service.log().contains("No space left").then_some(())
    });
    until("it is not ready", || {
        (service.get("/readyz").0 == 503).then_some(())
    });
    disk.grow("size=300m");
    contacts_ended(&service, CONTACTS);
    until("it is ready again", || {
        (service.get("/readyz").0 == 200).then_some(())
    });
    sender.join().unwrap();
    service.stop();
    let data = folder.path().join("data");
    // The contacts bring the same frames and packets, which are rows once.
    let replayed = folder.path().join("replayed");
    succeed(&mut replay(&recording, &mission("noaa20"), &replayed));
    for question in [
        "SELECT DISTINCT virtual_channel, frame_count, data FROM frames",
        "SELECT DISTINCT virtual_channel, apid, sequence_count, time, data FROM packets",
    ] {
        let count = format!("SELECT count(*) FROM ({question})");
        assert_eq!(sql(&data, &count), sql(&replayed, &count), "{question}");
    }
    let per_time = "SELECT max(n) FROM (SELECT count(*) AS n FROM packets WHERE time IS NOT NULL \
                    GROUP BY virtual_channel, apid, sequence_count, time)";
    assert_eq!(sql(&data, per_time)[1], "1");
}

#[test]
fn a_recording_can_be_a_link() {
    let Some(recording) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let links = format!("[[link]]\nname = \"tape\"\nkind = \"file\"\nfile = {recording:?}\n");
    let text = config(&mission("noaa20"), &links);
    for _ in 0..2 {
        let service = Service::start("station", folder.path(), &text);
        until("the recording is published", || {
            (!service.lines("recording published").is_empty()).then_some(())
        });
        service.stop();
    }
    let data = folder.path().join("data");
    assert_eq!(sql(&data, "SELECT count(*) FROM frames")[1], "1023");
}

#[test]
fn a_wrong_configuration_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let good = config(&mission("noaa20"), &link("tcp-listen", ""));
    let file = folder.path().join("station.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let output = run(passline()
            .args(["run", "station", "--check", "--config"])
            .arg(&file));
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, message) = check(&good);
    assert_eq!(code, Some(0), "{message}");
    assert!(
        message.contains("station svalbard of mission noaa20"),
        "{message}"
    );
    for (from, to, expected) in [
        ("drain_s = 5", "drain = 5", "line 3"),
        ("kind = \"tcp-listen\"", "kind = \"serial\"", "serial"),
        ("\"127.0.0.1:0\"\n\n", "\"localhost\"\n\n", "IP:port"),
        ("name = \"ka\"", "name = \"k a\"", "letters, digits"),
        (
            "flush_age_ms = 300",
            "flush_age_ms = 0",
            "flush_age_ms = 0 is outside",
        ),
        ("drain_s = 5", "drain_s = -1", "drain_s = -1 is outside"),
        ("drain_s = 5", "drain_s = nan", "drain_s = NaN is outside"),
        ("[ingest]", "[ingestion]", "ingestion"),
        (
            "[ingest]\nflush_age_ms = 300\n",
            "",
            "add an [ingest] section",
        ),
        (
            "kind = \"tcp-listen\"\n",
            "kind = \"tcp-listen\"\nqueue_octets = 9\n",
            "queue_octets",
        ),
        (
            "tests/missions/noaa20",
            "tests/missions/none",
            "missions/none",
        ),
        ("[station]\n", "[station\n", "line 1"),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from} is in the configuration");
        let (code, message) = check(&text);
        assert_eq!(code, Some(1), "{to}: {message}");
        assert!(message.contains(expected), "{to}: {message}");
        assert!(
            message.contains("station.toml") || message.contains("none"),
            "{message}"
        );
    }
    let absent = run(passline().args(["run", "station", "--config", "/nonexistent.toml"]));
    assert_eq!(absent.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("/nonexistent.toml"));
}

#[test]
fn a_port_in_use_is_told_with_the_link() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let good = config(&mission("noaa20"), &link("tcp-listen", ""));
    let file = folder.path().join("station.toml");
    for (from, expected) in [
        ("address = \"127.0.0.1:0\"", "link ka"),
        ("listen = \"127.0.0.1:0\"", "[http] listen"),
    ] {
        let to = from.replace("127.0.0.1:0", &address);
        std::fs::write(&file, good.replace(from, &to)).unwrap();
        let output = run(passline().args(["run", "station", "--config"]).arg(&file));
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains(&address), "{message}");
    }
}
