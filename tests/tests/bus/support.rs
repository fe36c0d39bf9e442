//! Buses to test, and records for them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bus::{
    Bus, BusConfig, BusError, Headers, KafkaConfig, Payload, Record, Retention, Subscription,
};
use schemas::record::{FrameBlock, NO_TIME, NO_VIRTUAL_CHANNEL, PacketBlock, SpacecraftName};
use tests::kafka::KafkaCluster;

/// How long anything may take that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A fresh, empty bus, which can be opened again and again.
pub(crate) enum Backend {
    Embedded(tempfile::TempDir),
    Kafka(Box<KafkaConfig>),
}

impl Backend {
    pub(crate) fn embedded() -> Option<Self> {
        Some(Self::Embedded(tempfile::tempdir().unwrap()))
    }

    pub(crate) fn kafka() -> Option<Self> {
        broker().map(|cluster| Self::Kafka(Box::new(config(cluster))))
    }

    pub(crate) fn open(&self) -> Bus {
        self.open_with(|_| {}, BusConfig::default())
    }

    pub(crate) fn open_with(
        &self,
        kafka: impl FnOnce(&mut KafkaConfig),
        embedded: BusConfig,
    ) -> Bus {
        match self {
            Self::Embedded(folder) => {
                let config = BusConfig {
                    retention: Retention::Keep,
                    ..embedded
                };
                Bus::open(folder.path(), config).unwrap()
            }
            Self::Kafka(config) => {
                let mut config = KafkaConfig::clone(config);
                kafka(&mut config);
                Bus::connect(config).unwrap()
            }
        }
    }
}

/// One broker for all tests of this binary; it goes with the process.
pub(crate) fn broker() -> Option<&'static KafkaCluster> {
    static BROKER: OnceLock<Option<KafkaCluster>> = OnceLock::new();
    BROKER.get_or_init(|| KafkaCluster::start(1)).as_ref()
}

/// Topics of its own on a cluster.
pub(crate) fn config(cluster: &KafkaCluster) -> KafkaConfig {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    KafkaConfig {
        bootstrap_servers: cluster.servers(),
        topic_prefix: format!("t{}.", COUNT.fetch_add(1, Ordering::Relaxed)),
        partitions: 1,
        ..KafkaConfig::default()
    }
}

pub(crate) fn headers(contact: &str) -> Headers {
    Headers {
        spacecraft: "noaa20".into(),
        station: "svalbard".into(),
        contact: contact.into(),
        mission_version: "v1".into(),
    }
}

pub(crate) fn json(range: std::ops::Range<usize>) -> Payload {
    Payload::Json(numbers(range))
}

pub(crate) fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("{{\"n\":{n}}}")).collect()
}

/// Packets of 71 octets with consecutive sequence counts, one without time.
pub(crate) fn packets(first: usize, count: usize) -> PacketBlock {
    let mut block = PacketBlock::new(SpacecraftName::new("noaa20"));
    for number in first..first + count {
        let mut packet = [0_u8; 71];
        packet[..6].copy_from_slice(&[0x08, 0x0b, 0xc0, 0, 0, 64]);
        packet[2..4].copy_from_slice(&(0xc000 | (number as u16 & 0x3fff)).to_be_bytes());
        packet[6..14].copy_from_slice(&(number as u64).to_be_bytes());
        block.data.extend_from_slice(&packet);
        block.offsets.push(block.data.len() as i32);
        let time = 1_795_279_416_123_456 + number as i64 * 1_001;
        block
            .time
            .push(if number % 7 == 3 { NO_TIME } else { time });
        block.received.push(time + 250_000);
        let channel = if number % 5 == 4 {
            NO_VIRTUAL_CHANNEL
        } else {
            16
        };
        block.virtual_channel.push(channel);
        block.quality.push((number % 4) as u8);
    }
    block
}

pub(crate) fn frames(first: usize, count: usize) -> FrameBlock {
    let mut block = FrameBlock::new(SpacecraftName::new("noaa20"));
    for number in first..first + count {
        block
            .data
            .extend((0..892).map(|octet| (octet + number) as u8));
        block.offsets.push(block.data.len() as i32);
        block.received.push(1_795_279_416_000_000 + number as i64);
        block.virtual_channel.push(6);
        block.frame_count.push(0x0fff_fff0 + number as u32);
        block.quality.push((number % 4) as u8);
        block.corrected_symbols.push((number % 3) as u16 * 100);
    }
    block
}

/// Everything that comes until so many records are there, or nothing more does.
pub(crate) fn read(subscription: &mut Subscription, records: usize) -> Vec<std::sync::Arc<Record>> {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    let mut seen = 0;
    while seen < records && Instant::now() < deadline {
        if let Some(record) = subscription.poll(Duration::from_millis(200)).unwrap() {
            seen += record.len();
            all.push(record);
        }
    }
    assert!(seen >= records, "{seen} records of {records} came");
    all
}

/// The same, then looks whether more comes than that.
pub(crate) fn read_exactly(
    subscription: &mut Subscription,
    records: usize,
) -> Vec<std::sync::Arc<Record>> {
    let all = read(subscription, records);
    let deadline = Instant::now() + PATIENCE;
    while !subscription.at_end() && Instant::now() < deadline {
        let more = subscription.poll(Duration::from_millis(50)).unwrap();
        assert_eq!(more, None, "more than {records} records came");
    }
    assert!(subscription.at_end());
    let seen: usize = all.iter().map(|record| record.len()).sum();
    assert_eq!(seen, records);
    all
}

pub(crate) fn texts(records: &[std::sync::Arc<Record>]) -> Vec<String> {
    records
        .iter()
        .flat_map(|record| match &record.block.payload {
            Payload::Json(texts) => texts.clone(),
            other => panic!("not JSON: {other:?}"),
        })
        .collect()
}

/// Repeats until something is there.
pub(crate) fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited for {what} in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn error_of<T>(result: Result<T, BusError>) -> BusError {
    result.err().expect("an error")
}
