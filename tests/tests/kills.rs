//! A running load on three Kafka nodes while station, ingest and brokers are killed in turn: the
//! tables are those of an undisturbed run, row by row.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use simulator::{Pass, PassConfig};
use tests::kafka::KafkaCluster;
use tests::lake::{replay, rows};
use tests::random::Random;
use tests::service::{Service, until};
use tests::{succeed, workspace};

const KILLS: usize = 200;
const NODES: usize = 3;
/// Simulated time of a recording.
const RECORDING_S: u64 = 600;
const STATION: &str = "svalbard";

#[test]
fn kills_of_station_ingest_and_broker_neither_lose_nor_repeat() {
    let Some(cluster) = KafkaCluster::start(NODES) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random::from_environment();
    let data = folder.path().join("disturbed");
    let mut load = Load::new(folder.path(), cluster.servers());
    let mut ingest = start_ingest(folder.path(), &cluster.servers(), &data);
    let mut station = load.next_station();
    let mut broker: Option<(usize, Instant)> = None;
    for kill in 0..kills() {
        // A second broker goes only when the first is back: two of three copies must be there.
        if let Some((node, since)) = broker
            && since.elapsed() > Duration::from_secs(2)
        {
            cluster.restart(node);
            broker = None;
        }
        if load.is_done(&station) {
            station = load.next_station();
        }
        std::thread::sleep(random.below(Duration::from_millis(600)));
        match kill % 3 {
            0 => {
                station.kill();
                station = load.same_station();
            }
            1 => {
                ingest.kill();
                ingest = start_ingest(folder.path(), &cluster.servers(), &data);
            }
            _ => {
                if let Some((node, _)) = broker.take() {
                    cluster.restart(node);
                }
                let node = random.number(NODES);
                cluster.kill(node);
                broker = Some((node, Instant::now()));
            }
        }
    }
    if let Some((node, _)) = broker {
        cluster.restart(node);
    }
    until("the last recording is published", || {
        load.is_done(&station).then_some(())
    });
    station.stop();
    until("nothing lags behind", || {
        lag(&ingest).filter(|lag| *lag == 0.0)
    });
    ingest.stop();

    let undisturbed = folder.path().join("undisturbed");
    for recording in &load.recordings {
        succeed(replay(recording, &mission(), &undisturbed).args(["--station", STATION]));
    }
    let expected = rows(&undisturbed);
    let found = rows(&data);
    eprintln!(
        "{} kills, {} recordings, {} rows",
        kills(),
        load.recordings.len(),
        expected.values().map(|rows| rows.len() - 1).sum::<usize>()
    );
    let names = |tables: &std::collections::BTreeMap<String, Vec<String>>| {
        tables.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(names(&found), names(&expected));
    for (table, rows) in &expected {
        assert_eq!(found[table].len(), rows.len(), "{table}: number of rows");
        assert!(&found[table] == rows, "{table}: rows differ");
    }
}

/// The station's work: recordings one after the other, each as a file link.
struct Load {
    folder: PathBuf,
    servers: Vec<String>,
    recordings: Vec<PathBuf>,
}

impl Load {
    fn new(folder: &Path, servers: Vec<String>) -> Self {
        Self {
            folder: folder.to_owned(),
            servers,
            recordings: Vec::new(),
        }
    }

    /// A station with a recording that is new.
    fn next_station(&mut self) -> Service {
        let number = self.recordings.len() as u64;
        let path = self.folder.join(format!("recording-{number}.cadu"));
        let start = EPOCH + (number * RECORDING_S * 1_000_000).cast_signed();
        let config = PassConfig {
            duration_s: RECORDING_S,
            ..PassConfig::new(number, SCID, start)
        };
        let mut pass = Pass::new(config).expect("a valid configuration");
        let mut octets = Vec::new();
        while pass.next_chunk(&mut octets) {}
        std::fs::write(&path, octets).expect("room for a recording");
        self.recordings.push(path);
        self.same_station()
    }

    /// A station with the newest recording: what a killed one has published, it must not repeat.
    fn same_station(&self) -> Service {
        let recording = self.recordings.last().expect("a recording");
        let config = format!(
            "[station]\nname = \"{STATION}\"\n[[link]]\nname = \"tape\"\n\
             kind = \"file\"\nfile = {recording:?}\n{}",
            kafka(&self.servers),
        );
        Service::start("station", &self.folder, &config)
    }

    fn is_done(&self, station: &Service) -> bool {
        !station.lines("recording published").is_empty()
    }
}

fn start_ingest(folder: &Path, servers: &[String], data: &Path) -> Service {
    let config = format!(
        "[ingest]\nflush_age_ms = 300\n[data]\nfolder = {data:?}\n{}",
        kafka(servers)
    );
    Service::start("ingest", folder, &config)
}

fn kafka(servers: &[String]) -> String {
    format!(
        "[mission]\nfolder = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n[bus]\nbackend = \"kafka\"\n\
         [bus.kafka]\nbootstrap_servers = {servers:?}\npartitions = 2\nreplication = 3\n\
         min_insync_replicas = 2\nsession_timeout_ms = 6000\n",
        mission()
    )
}

/// Records that ingest has not committed yet, over all partitions.
fn lag(ingest: &Service) -> Option<f64> {
    let (_, text) = ingest.get("/metrics");
    let lags: Vec<f64> = text
        .lines()
        .filter(|line| line.starts_with("passline_ingest_lag_records{"))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse().ok())
        .collect();
    (!lags.is_empty()).then(|| lags.iter().sum())
}

fn mission() -> PathBuf {
    workspace().join("schemas/missions/orbital-compute")
}

fn kills() -> usize {
    std::env::var("PASSLINE_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(KILLS)
}

const SCID: u16 = 81;
/// 2026-03-20T12:00:00Z.
const EPOCH: i64 = 1_774_008_000_000_000;
