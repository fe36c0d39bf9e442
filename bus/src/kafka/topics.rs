//! Topics of the cluster: created on first use, used as they are where they exist.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::Kafka;
use super::client::Context;
use super::progress;
use crate::embedded::locked;
use crate::error::BusError;
use crate::topic::Topic;

/// What must be known of a topic to use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TopicInfo {
    pub(crate) partitions: u32,
    /// The longest value that it takes.
    pub(crate) value_octets_max: usize,
}

/// How a topic is created.
struct Wanted {
    name: String,
    partitions: u32,
    replication: Option<u32>,
    settings: Vec<(&'static str, String)>,
}

impl Kafka {
    /// A topic, created if there is none.
    pub(crate) fn topic(&self, topic: Topic) -> Result<TopicInfo, BusError> {
        self.ensure(topic.as_str(), || self.wanted(topic))
    }

    /// The topic of contacts' progress, created if there is none.
    pub(crate) fn progress_topic(&self) -> Result<TopicInfo, BusError> {
        self.ensure(progress::TOPIC, || self.wanted_progress())
    }

    fn ensure(
        &self,
        key: &'static str,
        wanted: impl FnOnce() -> Wanted,
    ) -> Result<TopicInfo, BusError> {
        // Held while the topic is created, so that one thread does it.
        let mut topics = locked(&self.0.topics);
        if let Some(info) = topics.get(key) {
            return Ok(*info);
        }
        let info = self.find_or_create(&wanted())?;
        topics.insert(key, info);
        Ok(info)
    }

    fn find_or_create(&self, wanted: &Wanted) -> Result<TopicInfo, BusError> {
        let deadline = Instant::now() + self.timeout();
        let mut asked = false;
        loop {
            let failed = match self.find(&wanted.name) {
                Ok(Some(found)) if asked => {
                    return Ok(TopicInfo {
                        partitions: found.0,
                        value_octets_max: VALUE_OCTETS_MAX - ENVELOPE_OCTETS,
                    });
                }
                Ok(Some(found)) => return Ok(self.compare(wanted, found)),
                Ok(None) if asked => None,
                Ok(None) => self.create(wanted).map(|()| asked = true).err(),
                Err(error) => Some(error),
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if let Some(error) = failed {
                let transient = error
                    .rdkafka_error_code()
                    .is_some_and(super::client::is_transient);
                if !transient || left.is_zero() {
                    return Err(self.explain(CREATING, error));
                }
            } else if left.is_zero() {
                let error = KafkaError::Global(Code::LeaderNotAvailable);
                return Err(self.explain(CREATING, error));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Partitions and copies of a topic all of whose partitions have a leader.
    fn find(&self, name: &str) -> Result<Option<(u32, u32)>, KafkaError> {
        let slice = self.timeout().min(Duration::from_secs(5));
        let metadata = self.0.asker.fetch_metadata(Some(name), slice)?;
        let Some(topic) = metadata.topics().first() else {
            return Ok(None);
        };
        if let Some(error) = topic.error() {
            return match Code::from(error) {
                Code::UnknownTopicOrPartition | Code::UnknownTopic => Ok(None),
                Code::LeaderNotAvailable => Ok(None),
                code => Err(KafkaError::MetadataFetch(code)),
            };
        }
        let partitions = topic.partitions();
        let led = !partitions.is_empty() && partitions.iter().all(|one| one.leader() >= 0);
        let copies = partitions.first().map_or(0, |one| one.replicas().len());
        if led {
            Ok(Some((partitions.len() as u32, copies as u32)))
        } else {
            Err(KafkaError::MetadataFetch(Code::LeaderNotAvailable))
        }
    }

    fn create(&self, wanted: &Wanted) -> Result<(), KafkaError> {
        let replication = wanted.replication.map_or(-1, |copies| copies as i32);
        let mut topic = NewTopic::new(
            &wanted.name,
            wanted.partitions as i32,
            TopicReplication::Fixed(replication),
        );
        for (key, value) in &wanted.settings {
            topic = topic.set(key, value);
        }
        let admin = self.admin()?;
        let slice = self.timeout().min(Duration::from_secs(15));
        let options = AdminOptions::new()
            .request_timeout(Some(slice))
            .operation_timeout(Some(slice));
        for result in block_on(admin.create_topics([&topic], &options))? {
            match result {
                Ok(name) => tracing::info!(topic = %name, "topic created"),
                // Another process was first.
                Err((_, Code::TopicAlreadyExists)) => {}
                Err((_, code)) => return Err(KafkaError::Global(code)),
            }
        }
        Ok(())
    }

    /// Takes a topic as it is, and says what is not as configured.
    fn compare(&self, wanted: &Wanted, (partitions, copies): (u32, u32)) -> TopicInfo {
        let mut differs = Vec::new();
        if partitions != wanted.partitions {
            differs.push(format!(
                "{partitions} partitions, not {}",
                wanted.partitions
            ));
        }
        if let Some(replication) = wanted.replication.filter(|wanted| *wanted != copies) {
            differs.push(format!("{copies} copies, not {replication}"));
        }
        let mut value_octets_max = VALUE_OCTETS_MAX;
        match self.settings(&wanted.name) {
            Ok(settings) => {
                for (key, value) in &wanted.settings {
                    let found = settings.iter().find(|(name, _)| name == key);
                    let Some((_, Some(found))) = found else {
                        continue;
                    };
                    if *key == MAX_OCTETS {
                        let most = found.parse().unwrap_or(VALUE_OCTETS_MAX);
                        value_octets_max = value_octets_max.min(most);
                    }
                    if found != value {
                        differs.push(format!("{key} {found}, not {value}"));
                    }
                }
            }
            Err(error) => {
                tracing::debug!(topic = %wanted.name, %error, "settings are not shown");
                value_octets_max = value_octets_max.min(BROKER_DEFAULT_OCTETS);
            }
        }
        if !differs.is_empty() {
            tracing::warn!(
                topic = %wanted.name,
                differs = %differs.join("; "),
                "the topic exists with other settings and is used as it is"
            );
        }
        TopicInfo {
            partitions,
            value_octets_max: value_octets_max.saturating_sub(ENVELOPE_OCTETS).max(1),
        }
    }

    fn settings(&self, name: &str) -> Result<Vec<(String, Option<String>)>, KafkaError> {
        let admin = self.admin()?;
        let slice = self.timeout().min(Duration::from_secs(5));
        let options = AdminOptions::new().request_timeout(Some(slice));
        let resource = ResourceSpecifier::Topic(name);
        let mut all = Vec::new();
        for result in block_on(admin.describe_configs([&resource], &options))? {
            let resource = result.map_err(KafkaError::Global)?;
            all.extend(
                resource
                    .entries
                    .into_iter()
                    .map(|one| (one.name, one.value)),
            );
        }
        Ok(all)
    }

    fn admin(&self) -> Result<AdminClient<Context>, KafkaError> {
        self.0.client.create_with_context(self.context())
    }

    fn wanted(&self, topic: Topic) -> Wanted {
        let config = self.config();
        let retention = config.retention.get(topic.as_str()).copied();
        let hours = match retention {
            Some(retention) => retention.hours,
            None => match topic {
                Topic::TmFrames | Topic::TmPackets | Topic::TmTelemetry | Topic::TmEvents => {
                    Some(TELEMETRY_HOURS)
                }
                Topic::DeadLetters => Some(DEAD_LETTER_HOURS),
                // Their key is the spacecraft or station, so compaction would delete history.
                Topic::TcCommands | Topic::OpsContacts | Topic::OpsJobs => None,
            },
        };
        let octets = retention.and_then(|retention| retention.octets);
        let unbounded = || "-1".to_owned();
        let policy = match topic {
            // Their key is the place of the record, which may be found twice.
            Topic::DeadLetters => "compact,delete",
            _ => "delete",
        };
        let milliseconds = |hours: u64| hours.saturating_mul(3_600_000).to_string();
        self.wanted_with(
            topic.as_str(),
            config.partitions,
            vec![
                ("cleanup.policy", policy.to_owned()),
                ("retention.ms", hours.map_or_else(unbounded, milliseconds)),
                (
                    "retention.bytes",
                    octets.map_or_else(unbounded, |octets| octets.to_string()),
                ),
            ],
        )
    }

    fn wanted_progress(&self) -> Wanted {
        let settings = vec![
            ("cleanup.policy", "compact".to_owned()),
            // Read as a whole when a contact begins: old values go soon.
            ("segment.bytes", (4 << 20).to_string()),
            ("segment.ms", "600000".to_owned()),
            ("min.cleanable.dirty.ratio", "0.2".to_owned()),
        ];
        self.wanted_with(progress::TOPIC, progress::PARTITIONS, settings)
    }

    fn wanted_with(
        &self,
        name: &str,
        partitions: u32,
        mut settings: Vec<(&'static str, String)>,
    ) -> Wanted {
        let config = self.config();
        settings.push((MAX_OCTETS, VALUE_OCTETS_MAX.to_string()));
        if let Some(copies) = config.min_insync_replicas {
            settings.push(("min.insync.replicas", copies.to_string()));
        }
        Wanted {
            name: config.prefixed(name),
            partitions,
            replication: config.replication,
            settings,
        }
    }
}

/// Waits for a future on this thread; the library's answers come from its own.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = TaskContext::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// The longest record: a batch of telemetry rows, seldom over 1 MiB.
pub(crate) const VALUE_OCTETS_MAX: usize = 16 << 20;
/// What a record's headers and its batch's framing may add to its value.
const ENVELOPE_OCTETS: usize = 64 << 10;
/// What a topic takes where nobody said anything: `message.max.bytes` of Kafka's brokers.
const BROKER_DEFAULT_OCTETS: usize = 1_048_588;
const MAX_OCTETS: &str = "max.message.bytes";
const TELEMETRY_HOURS: u64 = 7 * 24;
const DEAD_LETTER_HOURS: u64 = 30 * 24;
const CREATING: &str = "creating a topic";
