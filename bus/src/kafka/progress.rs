//! How far each contact has been published: `passline.progress`, compacted, keyed by contact.
//!
//! A transaction that stores blocks stores the contact's progress too, so that both are visible or
//! neither is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionList;
use serde::{Deserialize, Serialize};

use super::Kafka;
use super::client::Context;
use crate::error::BusError;
use crate::producer::ContactState;
use crate::topic::Topic;

/// The topic's name, without prefix.
pub(crate) const TOPIC: &str = "passline.progress";
/// Its partitions: a contact's is fixed by its name. One producer that dies in a transaction holds
/// up the opening of producers in its partition only.
pub(crate) const PARTITIONS: u32 = 8;

/// A contact's progress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The producer that stored it; another one here means that it has taken over.
    pub(crate) owner: String,
    pub(crate) mission_version: String,
    pub(crate) complete: bool,
    /// The next sequence number of each topic that has any.
    pub(crate) next: BTreeMap<String, u64>,
}

impl Progress {
    pub(crate) fn state(&self) -> ContactState {
        ContactState {
            mission_version: self.mission_version.clone(),
            complete: self.complete,
        }
    }

    pub(crate) fn next(&self, topic: Topic) -> u64 {
        self.next.get(topic.as_str()).copied().unwrap_or(0)
    }

    pub(crate) fn set_next(&mut self, topic: Topic, next: u64) {
        self.next.insert(topic.as_str().to_owned(), next);
    }

    pub(crate) fn sequences(&self) -> [u64; Topic::ALL.len()] {
        Topic::ALL.map(|topic| self.next(topic))
    }
}

/// What must be read before an answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// What consumers may see now.
    Visible,
    /// Everything written before the call, even behind a transaction of another contact that is
    /// still open: it is waited for.
    Written,
}

/// The partition of a contact.
pub(crate) fn partition(contact: &str) -> i32 {
    // As clients in other languages would choose it.
    ((murmur2(contact.as_bytes()) & 0x7fff_ffff) % PARTITIONS) as i32
}

/// Reads what is stored of a contact.
pub(crate) fn read(
    cluster: &Kafka,
    contact: &str,
    until: Until,
) -> Result<Option<Progress>, BusError> {
    cluster.progress_topic()?;
    let name = cluster.config().prefixed(TOPIC);
    let partition = partition(contact);
    let failed = |error| cluster.explain(READING, error);
    let mut settings = cluster.consumer("passline-progress");
    settings
        .set("auto.offset.reset", "earliest")
        .set("fetch.wait.max.ms", "20");
    let consumer: BaseConsumer<Context> = settings
        .create_with_context(cluster.context())
        .map_err(failed)?;
    let started = Instant::now();
    // An open transaction of a dead producer ends by itself after this long.
    let patience =
        cluster.timeout() + Duration::from_millis(cluster.config().transaction_timeout_ms);
    if until == Until::Written {
        settings.set("isolation.level", "read_uncommitted");
        let all: BaseConsumer<Context> = settings
            .create_with_context(cluster.context())
            .map_err(failed)?;
        let (_, written) = cluster.watermarks(&all, &name, partition).map_err(failed)?;
        loop {
            let (_, visible) = cluster
                .watermarks(&consumer, &name, partition)
                .map_err(failed)?;
            if visible >= written {
                break;
            }
            if started.elapsed() > patience {
                return Err(stuck(cluster, patience));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let mut assignment = TopicPartitionList::new();
    assignment
        .add_partition_offset(&name, partition, Offset::Beginning)
        .map_err(failed)?;
    consumer.assign(&assignment).map_err(failed)?;
    let mut found = None;
    loop {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) if message.key() == Some(contact.as_bytes()) => {
                found = message.payload().map(<[u8]>::to_vec);
            }
            Some(Ok(_)) => {}
            Some(Err(KafkaError::PartitionEOF(_))) => break,
            Some(Err(error)) => {
                let code = error.rdkafka_error_code();
                if !code.is_some_and(super::client::is_transient) {
                    return Err(failed(error));
                }
            }
            None => {}
        }
        if started.elapsed() > patience {
            return Err(stuck(cluster, patience));
        }
    }
    found
        .map(|value| {
            serde_json::from_slice(&value).map_err(|error| BusError::Config {
                what: format!("{name} partition {partition}, contact {contact}"),
                reason: format!("the progress stored there is not this program's: {error}"),
            })
        })
        .transpose()
}

fn stuck(cluster: &Kafka, waited: Duration) -> BusError {
    BusError::Unreachable {
        doing: READING,
        servers: cluster.servers().to_owned(),
        waited_ms: waited.as_millis() as u64,
        reason: "the progress topic could not be read to its end".to_owned(),
    }
}

/// The hash by which Kafka's clients choose partitions: `org.apache.kafka.common.utils.Utils`.
fn murmur2(octets: &[u8]) -> u32 {
    const FACTOR: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ octets.len() as u32;
    let (words, rest) = octets.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(FACTOR);
        word ^= word >> 24;
        hash = hash.wrapping_mul(FACTOR) ^ word.wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        for (at, octet) in rest.iter().enumerate() {
            hash ^= u32::from(*octet) << (8 * at);
        }
        hash = hash.wrapping_mul(FACTOR);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(FACTOR);
    hash ^ (hash >> 15)
}

const READING: &str = "reading the progress of contacts";

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `UtilsTest.testMurmur2` in Apache Kafka's own tests.
    #[test]
    fn murmur2_is_that_of_kafka() {
        for (text, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()) as i32, hash, "{text}");
        }
    }
}
