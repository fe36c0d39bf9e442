//! A real Apache Kafka cluster for tests: nodes on loopback, gone when the test process is.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::{skip, workspace};

/// What a cluster is like, besides its number of nodes.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// `PLAINTEXT` if empty, or what clients must speak: `SSL`, `SASL_PLAINTEXT`, `SASL_SSL`.
    pub protocol: &'static str,
    /// Users and passwords for SCRAM-SHA-256.
    pub users: Vec<(&'static str, &'static str)>,
    /// Lines for each node's properties.
    pub properties: Vec<String>,
}

/// A running cluster.
pub struct KafkaCluster {
    folder: PathBuf,
    jars: PathBuf,
    nodes: Mutex<Vec<Node>>,
}

struct Node {
    folder: PathBuf,
    port: u16,
    running: Option<Running>,
}

struct Running {
    keeper: Child,
    /// The node lives as long as this is open.
    lifeline: Option<ChildStdin>,
    broker: u32,
}

impl KafkaCluster {
    /// Starts one or three nodes; `None`, said aloud, where Java or the jars are absent.
    ///
    /// # Panics
    /// In CI where they are absent; if a node does not start.
    pub fn start(nodes: usize) -> Option<Self> {
        Self::start_with(nodes, &Setup::default())
    }

    /// Starts nodes of a certain kind.
    ///
    /// # Panics
    /// As [`KafkaCluster::start`].
    pub fn start_with(nodes: usize, setup: &Setup) -> Option<Self> {
        let jars = jars()?;
        let folder = std::env::temp_dir().join(format!("passline-kafka-{}", unique()));
        let cluster = Self {
            nodes: Mutex::new(prepare(&jars, &folder, nodes, setup)),
            folder,
            jars,
        };
        for number in 0..nodes {
            cluster.launch(number);
        }
        for number in 0..nodes {
            cluster.wait_until_up(number);
        }
        Some(cluster)
    }

    /// The nodes' addresses, with commas between them.
    pub fn bootstrap(&self) -> String {
        let addresses: Vec<String> = self.servers();
        addresses.join(",")
    }

    /// The nodes' addresses.
    ///
    /// # Panics
    /// If another thread panicked while it changed a node.
    pub fn servers(&self) -> Vec<String> {
        let nodes = self.nodes.lock().expect("nodes");
        nodes
            .iter()
            .map(|node| format!("localhost:{}", node.port))
            .collect()
    }

    /// Kills a node with SIGKILL, counted from 0; it keeps its data.
    ///
    /// # Panics
    /// If `kill` is not there.
    pub fn kill(&self, number: usize) {
        self.signal(number, "-KILL");
    }

    /// Stops a node where it is, as if the machine hung, with SIGSTOP.
    ///
    /// # Panics
    /// If `kill` is not there.
    pub fn pause(&self, number: usize) {
        self.signal(number, "-STOP");
    }

    /// Lets a paused node go on.
    ///
    /// # Panics
    /// If `kill` is not there.
    pub fn resume(&self, number: usize) {
        self.signal(number, "-CONT");
    }

    /// Starts a killed node again and waits until it listens.
    ///
    /// # Panics
    /// If it does not within a minute.
    pub fn restart(&self, number: usize) {
        {
            let mut nodes = self.nodes.lock().expect("nodes");
            if let Some(mut running) = nodes[number].running.take() {
                running.end("keep\n");
            }
        }
        self.launch(number);
        self.wait_until_up(number);
    }

    /// What a node has logged.
    ///
    /// # Panics
    /// If another thread panicked while it changed a node.
    pub fn log(&self, number: usize) -> String {
        let nodes = self.nodes.lock().expect("nodes");
        fs::read_to_string(nodes[number].folder.join("log")).unwrap_or_default()
    }

    fn signal(&self, number: usize, signal: &str) {
        let nodes = self.nodes.lock().expect("nodes");
        if let Some(running) = &nodes[number].running {
            let status = Command::new("kill")
                .args([signal, &running.broker.to_string()])
                .status();
            assert!(status.expect("kill").success(), "kill {signal} of a node");
        }
    }

    fn launch(&self, number: usize) {
        let mut nodes = self.nodes.lock().expect("nodes");
        let node = &mut nodes[number];
        let mut keeper = Command::new(workspace().join("tests/kafka/node.sh"))
            .args([&self.jars, &node.folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tests/kafka/node.sh");
        let mut line = String::new();
        let output = keeper.stdout.take().expect("a pipe");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("a number");
        node.running = Some(Running {
            lifeline: keeper.stdin.take(),
            keeper,
            broker: line.trim().parse().expect("a process number"),
        });
    }

    fn wait_until_up(&self, number: usize) {
        let port = self.nodes.lock().expect("nodes")[number].port;
        let deadline = Instant::now() + START_WAIT;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                Instant::now() < deadline,
                "node {number} does not listen after {START_WAIT:?}:\n{}",
                self.log(number)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for KafkaCluster {
    fn drop(&mut self) {
        if let Ok(mut nodes) = self.nodes.lock() {
            for node in nodes.iter_mut() {
                if let Some(mut running) = node.running.take() {
                    running.end("");
                }
            }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Running {
    /// Ends the node; the keeper kills the broker and knows what to do with its folder.
    fn end(&mut self, order: &str) {
        if let Some(mut lifeline) = self.lifeline.take() {
            let _ = lifeline.write_all(order.as_bytes());
        }
        let _ = self.keeper.wait();
    }
}

/// The folder with Kafka's jars.
fn jars() -> Option<PathBuf> {
    if !Command::new("java")
        .arg("-version")
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        skip("Java is absent, so there is no Kafka; tests/kafka/README.md says more");
        return None;
    }
    let output = Command::new(workspace().join("tests/kafka/resolve.sh")).output();
    match output {
        Ok(output) if output.status.success() => {
            let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Some(PathBuf::from(path))
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            skip(&format!("Kafka's jars cannot be had: {}", said.trim()));
            None
        }
        Err(error) => {
            skip(&format!("Kafka's jars cannot be had: {error}"));
            None
        }
    }
}

/// Writes each node's properties and formats its storage.
fn prepare(jars: &Path, folder: &Path, count: usize, setup: &Setup) -> Vec<Node> {
    let ports: Vec<[u16; 3]> = (0..count).map(|_| free_ports()).collect();
    let mut nodes = Vec::new();
    for (number, [client, broker, controller]) in ports.iter().copied().enumerate() {
        let node = folder.join(format!("node-{number}"));
        fs::create_dir_all(&node).expect("a folder for a node");
        let text = properties(&node, number, [client, broker, controller], &ports, setup);
        fs::write(node.join("node.properties"), text).expect("a node's properties");
        nodes.push(Node {
            folder: node,
            port: client,
            running: None,
        });
    }
    let formatting: Vec<Child> = nodes
        .iter()
        .map(|node| {
            let mut format = Command::new("java");
            format
                .args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
                .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
                .arg("-cp")
                .arg(format!("{}/*", jars.display()))
                .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c"])
                .arg(node.folder.join("node.properties"))
                .stdout(Stdio::null());
            if count == 1 {
                format.arg("--standalone");
            }
            for (user, password) in &setup.users {
                format
                    .arg("--add-scram")
                    .arg(format!("SCRAM-SHA-256=[name={user},password={password}]"));
            }
            format.spawn().expect("java")
        })
        .collect();
    for mut process in formatting {
        let status = process.wait().expect("java");
        assert!(status.success(), "formatting a node's storage: {status}");
    }
    nodes
}

fn properties(
    folder: &Path,
    number: usize,
    [client, broker, controller]: [u16; 3],
    all: &[[u16; 3]],
    setup: &Setup,
) -> String {
    let count = all.len();
    let protocol = match setup.protocol {
        "" => "PLAINTEXT",
        protocol => protocol,
    };
    let quorum = if count == 1 {
        format!("controller.quorum.bootstrap.servers=localhost:{controller}")
    } else {
        let voters: Vec<String> = all
            .iter()
            .enumerate()
            .map(|(id, ports)| format!("{}@localhost:{}", id + 1, ports[2]))
            .collect();
        format!("controller.quorum.voters={}", voters.join(","))
    };
    let copies = count.min(3);
    let insync = if count == 1 { 1 } else { 2 };
    let mut lines = vec![
        "process.roles=broker,controller".to_owned(),
        format!("node.id={}", number + 1),
        format!(
            "listeners=CLIENT://127.0.0.1:{client},BROKER://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}"
        ),
        format!("advertised.listeners=CLIENT://localhost:{client},BROKER://localhost:{broker}"),
        "inter.broker.listener.name=BROKER".to_owned(),
        "controller.listener.names=CONTROLLER".to_owned(),
        format!(
            "listener.security.protocol.map=CLIENT:{protocol},BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT"
        ),
        quorum,
        format!("log.dirs={}", folder.join("data").display()),
        format!("default.replication.factor={copies}"),
        format!("min.insync.replicas={insync}"),
        format!("offsets.topic.replication.factor={copies}"),
        "offsets.topic.num.partitions=4".to_owned(),
        format!("transaction.state.log.replication.factor={copies}"),
        format!("transaction.state.log.min.isr={insync}"),
        "transaction.state.log.num.partitions=4".to_owned(),
        format!("share.coordinator.state.topic.replication.factor={copies}"),
        format!("share.coordinator.state.topic.min.isr={insync}"),
        "group.initial.rebalance.delay.ms=0".to_owned(),
        "group.min.session.timeout.ms=1000".to_owned(),
        "log.cleaner.backoff.ms=1000".to_owned(),
        "broker.session.timeout.ms=3000".to_owned(),
        "broker.heartbeat.interval.ms=500".to_owned(),
    ];
    if protocol.starts_with("SASL") {
        lines.push("sasl.enabled.mechanisms=SCRAM-SHA-256".to_owned());
        lines.push(
            "listener.name.client.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;"
                .to_owned(),
        );
    }
    lines.extend(setup.properties.iter().cloned());
    lines.join("\n") + "\n"
}

/// Ports that are free now, on which nothing else listens soon, one hopes.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

/// A name that no other cluster has.
fn unique() -> String {
    static COUNT: Mutex<u32> = Mutex::new(0);
    let mut count = COUNT.lock().expect("a number");
    *count += 1;
    format!("{}-{count}", std::process::id())
}

const START_WAIT: Duration = Duration::from_secs(60);
/// Any cluster identity will do.
const CLUSTER: &str = "MkU3OEVBNTcwNTJENDM2Qg";
