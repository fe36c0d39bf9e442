//! Station and ingest as services of their own, with a real Kafka between them.

use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use tests::kafka::KafkaCluster;
use tests::lake::sql;
use tests::service::{Service, until};
use tests::{shared, workspace};

const FRAMES: &str = "passline_ingest_rows_total{table=\"frames\"}";
const PACKETS: &str = "passline_ingest_rows_total{table=\"packets\"}";
const FRAME_COPIES: &str = "passline_ingest_duplicates_total{table=\"frames\"}";
const PACKET_COPIES: &str = "passline_ingest_duplicates_total{table=\"packets\"}";

fn bus(cluster: &KafkaCluster) -> String {
    format!(
        "[bus]\nbackend = \"kafka\"\n\n[bus.kafka]\nbootstrap_servers = {:?}\npartitions = 2\n\n\
         [http]\nlisten = \"127.0.0.1:0\"\n\n[mission]\nfolder = {:?}\n\n",
        cluster.servers(),
        workspace().join("tests/missions/noaa20"),
    )
}

fn station(cluster: &KafkaCluster) -> String {
    let link = |name: &str, kind: &str| {
        format!("[[link]]\nname = {name:?}\nkind = {kind:?}\naddress = \"127.0.0.1:0\"\n\n")
    };
    format!(
        "{}[station]\nname = \"svalbard\"\n\n[data]\nfolder = \"station-data\"\n\n{}{}",
        bus(cluster),
        link("stream", "tcp-listen"),
        link("datagrams", "udp"),
    )
}

fn ingest(cluster: &KafkaCluster) -> String {
    format!(
        "{}[ingest]\nflush_age_ms = 300\n\n[data]\nfolder = \"data\"\n",
        bus(cluster)
    )
}

fn count(data: &Path, table: &str) -> Vec<String> {
    let question = format!("SELECT count(*) FROM {table} GROUP BY contact ORDER BY min(received)");
    sql(data, &question)[1..].to_vec()
}

fn send_datagrams(octets: &[u8], to: std::net::SocketAddr) {
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (number, datagram) in octets.chunks(1_024).enumerate() {
        sender.send_to(datagram, to).unwrap();
        if number % 16 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_station_reaches_the_tables_over_kafka_and_datagrams_outlive_its_absence() {
    let Some(recording) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let Some(cluster) = KafkaCluster::start(1) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let octets = std::fs::read(&recording).unwrap();
    let station = Service::start("station", folder.path(), &station(&cluster));
    let ingest = Service::start("ingest", folder.path(), &ingest(&cluster));
    TcpStream::connect(station.link("stream"))
        .unwrap()
        .write_all(&octets)
        .unwrap();
    until("the stream is in the tables", || {
        let rows = (ingest.metric(FRAMES), ingest.metric(PACKETS));
        (rows == (Some(1_023.0), Some(285.0))).then_some(())
    });
    assert_eq!(station.get("/readyz").0, 200);

    // The broker hangs while datagrams arrive: the spool takes them.
    cluster.pause(0);
    send_datagrams(&octets, station.link("datagrams"));
    until("the datagrams are decoded", || {
        let octets = "passline_station_received_octets_total{link=\"datagrams\"}";
        (station.metric(octets) == Some(1_048_576.0)).then_some(())
    });
    let dropped = "passline_station_datagrams_dropped_total{link=\"datagrams\",by=\"queue\"}";
    assert_eq!(station.metric(dropped), Some(0.0));
    cluster.resume(0);
    station.stop();
    // The same frames, within a minute, over another link: all of them arrive, and are one row.
    // Of packets, those are copies that tell their time.
    until("the datagrams are ingested", || {
        // What the end of the contact gives comes with the stop.
        let copies = (ingest.metric(FRAME_COPIES), ingest.metric(PACKET_COPIES));
        (copies == (Some(1_023.0), Some(54.0))).then_some(())
    });
    ingest.stop();
    let data = folder.path().join("data");
    assert_eq!(count(&data, "frames"), ["1023"]);
    assert_eq!(count(&data, "packets"), ["285", "231"]);
}

#[test]
fn a_link_that_kafka_held_back_is_not_taken_for_silent() {
    let Some(recording) = shared("recordings/cadu/noaa20.20241206T162710.dat") else {
        return;
    };
    let Some(cluster) = KafkaCluster::start(1) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let octets = std::fs::read(&recording).unwrap();
    let text = station(&cluster).replace(
        "kind = \"tcp-listen\"",
        "kind = \"tcp-listen\"\nidle_timeout_s = 2",
    );
    let station = Service::start("station", folder.path(), &text);
    let ingest = Service::start("ingest", folder.path(), &ingest(&cluster));
    // The contact begins while the broker hangs for longer than a link may be silent.
    cluster.pause(0);
    let address = station.link("stream");
    let sender =
        std::thread::spawn(move || TcpStream::connect(address).unwrap().write_all(&octets));
    std::thread::sleep(Duration::from_secs(8));
    cluster.resume(0);
    sender.join().unwrap().unwrap();
    until("all of it is in the tables", || {
        let rows = (ingest.metric(FRAMES), ingest.metric(PACKETS));
        (rows == (Some(1_023.0), Some(285.0))).then_some(())
    });
    station.stop();
    ingest.stop();
}

#[test]
fn a_cluster_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ingest.toml");
    let text = "[bus]\nbackend = \"kafka\"\n\n[bus.kafka]\nbootstrap_servers = [\"127.0.0.1:1\"]\n\
                connect_timeout_ms = 500\n\n[ingest]\n\n[http]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(&file, text).unwrap();
    let output = tests::run(
        tests::passline()
            .args(["run", "ingest", "--config"])
            .arg(&file),
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("127.0.0.1:1"), "{message}");
    for (from, to, expected) in [
        ("[\"127.0.0.1:1\"]", "[]", "bootstrap_servers"),
        ("connect_timeout_ms", "connect_time_out_ms", "line 6"),
        ("\"kafka\"", "\"embedded\"", "[bus.kafka]"),
    ] {
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
        let output = tests::run(
            tests::passline()
                .args(["run", "ingest", "--check", "--config"])
                .arg(&file),
        );
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(expected), "{message}");
    }
}
