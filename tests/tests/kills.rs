//! A running load on three Kafka nodes while station, ingest and brokers are killed in turn: the
//! tables, in a folder or in an object store, are those of an undisturbed run, row by row.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::MetadataTopic;
use simulator::{Pass, PassConfig};
use tests::kafka::KafkaCluster;
use tests::lake::{replay, rows, rows_at, tables};
use tests::random::Random;
use tests::s3::S3Server;
use tests::service::{Service, until};
use tests::{succeed, workspace};

/// Unless `PASSLINE_KILLS` says how many.
const KILLS: usize = 15;
/// Of these, in the run whose tables lie in an object store.
const KILLS_ON_S3: usize = 9;
const NODES: usize = 3;
/// Clusters of several nodes are enough for one machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// A member of the group that is silent for so long is given up.
const SESSION: Duration = Duration::from_secs(3);
/// Simulated time of a recording.
const RECORDING_S: u64 = 600;
/// Topics that become tables, and the partitions of each.
const TOPICS: usize = 4;
const PARTITIONS: usize = 2;
const STATION: &str = "svalbard";

#[test]
fn kills_of_station_ingest_and_broker_neither_lose_nor_repeat() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Place {
        data: folder.path().join("disturbed"),
        credentials: None,
        environment: Vec::new(),
    };
    run(folder.path(), &lake, kills(KILLS));
}

#[test]
fn kills_with_the_lake_in_an_object_store_neither_lose_nor_repeat() {
    let Some(server) = S3Server::start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Place {
        data: server.location("killed").into(),
        credentials: Some(server.credentials(folder.path())),
        environment: server.environment().to_vec(),
    };
    run(folder.path(), &lake, kills(KILLS_ON_S3));
}

/// A member of the group is stopped where it is, mostly in the middle of a flush, for longer than
/// its session; the other takes its partitions, and what the first goes on with must not count.
#[test]
fn rebalances_in_the_middle_of_flushes_neither_lose_nor_repeat() {
    const ROUNDS: usize = 6;
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(cluster) = KafkaCluster::start(1) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Place {
        data: folder.path().join("disturbed"),
        credentials: None,
        environment: Vec::new(),
    };
    let mut random = Random::from_environment();
    let mut load = Load::new(folder.path(), cluster.servers());
    let mut station = load.next_station();
    let members = [(); 2].map(|()| start_ingest(folder.path(), &cluster.servers(), &lake));
    for round in 0..ROUNDS {
        if load.is_done(&station) {
            station = load.next_station();
        }
        std::thread::sleep(random.below(Duration::from_millis(900)));
        let member = &members[round % 2];
        member.signal("STOP");
        std::thread::sleep(2 * SESSION);
        member.signal("CONT");
    }
    let logs: String = members.iter().map(Service::log).collect();
    let lost = logs.matches("lost to another process").count();
    eprintln!("{lost} partitions were lost to the other member");
    assert!(lost > 0, "{logs}");
    finish(folder.path(), load, station, &members, &lake);
}

/// Where the tables lie.
struct Place {
    data: PathBuf,
    credentials: Option<PathBuf>,
    environment: Vec<(&'static str, String)>,
}

fn run(folder: &Path, lake: &Place, kills: usize) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(cluster) = KafkaCluster::start(NODES) else {
        return;
    };
    let cluster = Arc::new(cluster);
    let mut random = Random::from_environment();
    let mut load = Load::new(folder, cluster.servers());
    let mut ingest = start_ingest(folder, &cluster.servers(), lake);
    let mut station = load.next_station();
    let mut restarting: Option<JoinHandle<()>> = None;
    for kill in 0..kills {
        if kill % 20 == 19 {
            eprintln!("{kill} kills, {} recordings", load.recordings.len());
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
                ingest = start_ingest(folder, &cluster.servers(), lake);
            }
            _ => {
                // Two of three copies must be there: the next broker goes when all are back.
                if let Some(restarting) = restarting.take() {
                    restarting.join().expect("the broker starts again");
                }
                until("all copies are in sync", || in_sync(&cluster).then_some(()));
                let node = random.number(NODES);
                let down = random.below(Duration::from_secs(3));
                cluster.kill(node);
                let cluster = Arc::clone(&cluster);
                restarting = Some(std::thread::spawn(move || {
                    std::thread::sleep(down);
                    cluster.restart(node);
                }));
            }
        }
    }
    if let Some(restarting) = restarting {
        restarting.join().expect("the broker starts again");
    }
    finish(folder, load, station, &[ingest], lake);
    eprintln!("{kills} kills");
}

/// Ends the load and the services, and compares the tables with those of an undisturbed run.
fn finish(folder: &Path, load: Load, station: Service, ingest: &[Service], lake: &Place) {
    until("the last recording is published", || {
        load.is_done(&station).then_some(())
    });
    station.stop();
    wait_until_nothing_lags(ingest);
    for ingest in ingest {
        ingest.signal("TERM");
    }

    let undisturbed = folder.join("undisturbed");
    for recording in &load.recordings {
        succeed(replay(recording, &mission(), &undisturbed).args(["--station", STATION]));
    }
    let expected = rows(&undisturbed);
    let names: Vec<String> = expected.keys().cloned().collect();
    if lake.credentials.is_none() {
        assert_eq!(tables(&lake.data), names);
    }
    let found = rows_at(&lake.data, &lake.environment, &names);
    eprintln!(
        "{} recordings, {} rows",
        load.recordings.len(),
        expected.values().map(|rows| rows.len() - 1).sum::<usize>()
    );
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

fn start_ingest(folder: &Path, servers: &[String], lake: &Place) -> Service {
    let credentials = lake.credentials.as_ref();
    let config = format!(
        "[ingest]\nflush_age_ms = 50\n[data]\nfolder = {:?}\n{}{}",
        lake.data,
        credentials.map_or(String::new(), |file| format!("credentials = {file:?}\n")),
        kafka(servers)
    );
    Service::start("ingest", folder, &config)
}

fn kafka(servers: &[String]) -> String {
    format!(
        "[mission]\nfolder = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n[bus]\nbackend = \"kafka\"\n\
         [bus.kafka]\nbootstrap_servers = {servers:?}\npartitions = {PARTITIONS}\nreplication = {}\n\
         min_insync_replicas = {}\nsession_timeout_ms = {}\n",
        mission(),
        servers.len(),
        servers.len().div_ceil(2),
        SESSION.as_millis(),
    )
}

/// Whether every partition has a leader and all its copies.
fn in_sync(cluster: &KafkaCluster) -> bool {
    let asker: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap())
        .create()
        .expect("a client");
    let Ok(metadata) = asker.fetch_metadata(None, Duration::from_secs(10)) else {
        return false;
    };
    let mut partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    metadata.brokers().len() == NODES
        && partitions.all(|partition| {
            partition.leader() >= 0 && partition.isr().len() == partition.replicas().len()
        })
}

/// Waits until the members have committed everything, of every partition.
fn wait_until_nothing_lags(members: &[Service]) {
    let deadline = Instant::now() + Duration::from_secs(150);
    loop {
        let text: String = members
            .iter()
            .map(|member| member.get("/metrics").1)
            .collect();
        let lags: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("passline_ingest_lag_records{"))
            .collect();
        if lags.len() >= TOPICS * PARTITIONS && lags.iter().all(|lag| lag.ends_with(" 0")) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "still behind: {lags:#?}\n{}",
            members.iter().map(Service::log).collect::<String>()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn mission() -> PathBuf {
    workspace().join("schemas/missions/orbital-compute")
}

fn kills(unless_told: usize) -> usize {
    std::env::var("PASSLINE_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(unless_told)
}

const SCID: u16 = 81;
/// 2026-03-20T12:00:00Z.
const EPOCH: i64 = 1_774_008_000_000_000;
