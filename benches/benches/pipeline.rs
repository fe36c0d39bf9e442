//! The services as they run: packets into a station over TCP, rows out of SQL, over the embedded
//! log and over a real Kafka on the same machine.
//!
//! `cargo bench -p benches --bench pipeline`: how fast, and how late at 10,000 packets a second.
//! `-- --minutes 10`: the paced load for so long, with the memory of each process.
//! `-- kafka`: that backend alone.

#![allow(clippy::print_stdout, reason = "a bench prints its results")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tests::kafka::KafkaCluster;
use tests::service::{Service, until};
use tests::{passline, shared, workspace};

const RECORDING: &str = "recordings/packets/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1";
const PACKET_OCTETS: usize = 71;
/// Parameters of a packet.
const VALUES: u64 = 27;
const WARM_UP_PACKETS: u64 = 720_000;
const THROUGHPUT_PACKETS: u64 = 2_880_000;
const PACED_PACKETS_A_SECOND: u64 = 10_000;
const TABLE: &str = "jpss_att_ephem";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let minutes = arguments
        .iter()
        .position(|argument| argument == "--minutes")
        .and_then(|at| arguments.get(at + 1)?.parse::<f64>().ok());
    let Some(recording) = shared(RECORDING) else {
        return;
    };
    let recording = std::fs::read(recording).expect("the recording");
    let folder = tempfile::tempdir().expect("a folder");
    let paced = Duration::from_secs_f64(minutes.map_or(30.0, |minutes| minutes * 60.0));
    for backend in [Backend::Embedded, Backend::Kafka] {
        let named = |backend: Backend| arguments.iter().any(|a| a == backend.name());
        if !named(backend) && (named(Backend::Embedded) || named(Backend::Kafka)) {
            continue;
        }
        let Some(mut pipeline) = Pipeline::start(backend, &folder.path().join(backend.name()))
        else {
            continue;
        };
        println!("{}", backend.name());
        if minutes.is_none() {
            pipeline.measure_throughput(&recording);
        }
        pipeline.measure_latency(&recording, paced);
        pipeline.stop();
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Backend {
    Embedded,
    Kafka,
}

impl Backend {
    fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Kafka => "kafka",
        }
    }
}

/// Services that run, and what has been sent to them.
struct Pipeline {
    services: Vec<Service>,
    address: std::net::SocketAddr,
    data: PathBuf,
    sent: u64,
    made: u64,
    _cluster: Option<KafkaCluster>,
}

impl Pipeline {
    fn start(backend: Backend, folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).expect("a folder");
        let data = folder.join("data");
        let cluster = match backend {
            Backend::Embedded => None,
            Backend::Kafka => Some(KafkaCluster::start(1)?),
        };
        let bus = cluster.as_ref().map_or(String::new(), |cluster| {
            format!(
                "[bus]\nbackend = \"kafka\"\n[bus.kafka]\nbootstrap_servers = [{:?}]\n",
                cluster.bootstrap()
            )
        });
        let http = "[http]\nlisten = \"127.0.0.1:0\"\n";
        let ingest = format!("[ingest]\nflush_age_ms = 1000\n[data]\nfolder = {data:?}\n");
        let station = format!(
            "[station]\nname = \"bench\"\n[mission]\nfolder = {:?}\n[[link]]\nname = \"tcp\"\n\
             kind = \"tcp-listen\"\naddress = \"127.0.0.1:0\"\nlevel = \"packets\"\n",
            workspace().join("tests/missions/jpss1-geolocation")
        );
        let services = match backend {
            Backend::Embedded => vec![Service::start(
                "station",
                folder,
                &format!("{station}{ingest}{http}"),
            )],
            Backend::Kafka => vec![
                Service::start("station", folder, &format!("{station}{bus}{http}")),
                Service::start("ingest", folder, &format!("{ingest}{bus}{http}")),
            ],
        };
        Some(Self {
            address: services[0].link("tcp"),
            services,
            data,
            sent: 0,
            made: 0,
            _cluster: cluster,
        })
    }

    /// The next packets: the recording's content, 10,000 a second of their own time.
    fn packets(&mut self, recording: &[u8], count: u64) -> Vec<u8> {
        const DAY_US: u64 = 86_400_000_000;
        let contents: Vec<&[u8]> = recording.chunks_exact(PACKET_OCTETS).collect();
        let first_day = u16::from_be_bytes([contents[0][6], contents[0][7]]);
        let mut octets = Vec::with_capacity(count as usize * PACKET_OCTETS);
        for number in self.made..self.made + count {
            let mut packet = contents[number as usize % contents.len()].to_vec();
            let sequence = (number % 16_384) as u16;
            packet[2..4].copy_from_slice(&(0xC000 | sequence).to_be_bytes());
            // CDS: day, millisecond of day, microsecond of millisecond.
            let time = number * 1_000_000 / PACED_PACKETS_A_SECOND;
            let day = first_day + (time / DAY_US) as u16;
            packet[6..8].copy_from_slice(&day.to_be_bytes());
            let of_day = time % DAY_US;
            packet[8..12].copy_from_slice(&((of_day / 1_000) as u32).to_be_bytes());
            packet[12..14].copy_from_slice(&((of_day % 1_000) as u16).to_be_bytes());
            octets.extend_from_slice(&packet);
        }
        self.made += count;
        octets
    }

    /// The services and the broker have run for a while before it counts.
    fn measure_throughput(&mut self, recording: &[u8]) {
        self.rows_after(recording, WARM_UP_PACKETS);
        let packets = THROUGHPUT_PACKETS;
        let elapsed = self.rows_after(recording, packets);
        println!(
            "  {packets} packets in {elapsed:.2} s: {:.2} M values/s, {:.0} packets/s",
            (packets * VALUES) as f64 / elapsed / 1e6,
            packets as f64 / elapsed
        );
    }

    /// Seconds from a contact's first octet until all its packets are rows.
    fn rows_after(&mut self, recording: &[u8], packets: u64) -> f64 {
        let octets = self.packets(recording, packets);
        let started = Instant::now();
        let mut link = TcpStream::connect(self.address).expect("the station listens");
        link.write_all(&octets).expect("the station reads");
        drop(link);
        self.sent += packets;
        let mut sql = Prompt::start(&self.data);
        while sql.count() < self.sent {
            std::thread::sleep(Duration::from_millis(100));
        }
        started.elapsed().as_secs_f64()
    }

    fn measure_latency(&mut self, recording: &[u8], duration: Duration) {
        let total = (duration.as_secs_f64() * PACED_PACKETS_A_SECOND as f64) as u64 / 100 * 100;
        let octets = self.packets(recording, total);
        let before = self.sent;
        let mut link = TcpStream::connect(self.address).expect("the station listens");
        let started = Instant::now();
        let sender = std::thread::spawn(move || {
            const STEP: u64 = 100;
            for step in 0..total / STEP {
                let due = Duration::from_secs_f64((step * STEP) as f64 / 1e4);
                std::thread::sleep(due.saturating_sub(started.elapsed()));
                let from = (step * STEP) as usize * PACKET_OCTETS;
                let to = from + STEP as usize * PACKET_OCTETS;
                link.write_all(&octets[from..to])
                    .expect("the station reads");
            }
        });
        let mut sql = Prompt::start(&self.data);
        let mut seen = 0;
        let mut latencies: Vec<(f64, u64)> = Vec::new();
        let mut memory: Vec<(f64, Vec<u64>)> = Vec::new();
        while seen < total {
            let now_seen = sql.count().saturating_sub(before);
            let now = started.elapsed().as_secs_f64();
            // The oldest of those that are new was sent at its place in the load.
            for packet in (seen..now_seen).step_by(100) {
                latencies.push((now - packet as f64 / PACED_PACKETS_A_SECOND as f64, 100));
            }
            seen = seen.max(now_seen);
            if memory.last().is_none_or(|(at, _)| now - at > 1.0) {
                memory.push((
                    now,
                    self.services.iter().map(|s| resident_kib(s.id())).collect(),
                ));
            }
            assert!(
                now < duration.as_secs_f64() + 120.0,
                "only {seen} of {total} packets arrived"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        sender.join().expect("the sender");
        self.sent += total;
        latencies.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = |part: f64| latencies[((latencies.len() - 1) as f64 * part) as usize].0;
        println!(
            "  10,000 packets/s for {:.0} s: sent to visible p50 {:.2} s, p99 {:.2} s, max {:.2} s",
            duration.as_secs_f64(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
        let minute = |from: f64, to: f64| -> Vec<u64> {
            (0..self.services.len())
                .map(|service| {
                    let within = memory.iter().filter(|(at, _)| (from..to).contains(at));
                    within
                        .map(|(_, all)| all[service] / 1024)
                        .max()
                        .unwrap_or(0)
                })
                .collect()
        };
        let end = duration.as_secs_f64();
        println!(
            "  resident MiB of each process, peak: second tenth {:?}, last tenth {:?}",
            minute(end * 0.1, end * 0.2),
            minute(end * 0.9, end + 10.0)
        );
    }

    fn stop(self) {
        for service in self.services {
            service.stop();
        }
    }
}

/// A `passline sql` that answers one question after the other.
struct Prompt {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Prompt {
    fn start(data: &Path) -> Self {
        // The first commit makes the lake.
        until("there are tables", || {
            data.join("lake")
                .join(TABLE)
                .join("_delta_log/00000000000000000000.json")
                .exists()
                .then_some(())
        });
        let mut command: Command = passline();
        let mut child = command
            .args(["sql", "--format", "csv", "--data"])
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("passline starts");
        Self {
            questions: child.stdin.take().expect("its input"),
            answers: BufReader::new(child.stdout.take().expect("its output")),
            child,
        }
    }

    fn count(&mut self) -> u64 {
        writeln!(self.questions, "SELECT count(*) AS rows FROM {TABLE};").expect("it reads");
        self.questions.flush().expect("it reads");
        let mut line = String::new();
        loop {
            line.clear();
            assert!(
                self.answers.read_line(&mut line).expect("it answers") > 0,
                "it ended"
            );
            if let Ok(count) = line.trim().parse() {
                return count;
            }
        }
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resident_kib(process: u32) -> u64 {
    std::fs::read_to_string(format!("/proc/{process}/status"))
        .ok()
        .and_then(|text| {
            let line = text
                .lines()
                .find(|line| line.starts_with("VmRSS:"))?
                .to_owned();
            line.split_whitespace().nth(1)?.parse().ok()
        })
        .unwrap_or_default()
}
