//! Dead letters: records that could not be read, kept with the reason.

use std::sync::Mutex;

use serde_json::{Map, Value, json};

use crate::block::{Headers, Payload};
use crate::bus::Bus;
use crate::embedded::locked;
use crate::error::BusError;
use crate::kafka::record::RawRecord;
use crate::topic::{Offset, Topic};

/// A record that could not be read, as it was found, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The topic that it was found in.
    pub topic: Topic,
    /// The partition.
    pub partition: u32,
    /// Its offset there.
    pub offset: Offset,
    /// Why it could not be read.
    pub reason: String,
    /// What was found.
    pub record: RawRecord,
}

impl DeadLetter {
    /// As one JSON text: the embedded backend stores it so, and consumers of
    /// [`Topic::DeadLetters`] get it so from both. The octets are in hexadecimal, the first 64 KiB
    /// of them; Kafka has all of them at the place that the text names.
    pub fn to_json(&self) -> String {
        let shown = &self.record.value[..self.record.value.len().min(SHOWN_OCTETS_MAX)];
        let headers: Map<String, Value> = self
            .record
            .headers
            .iter()
            .map(|(name, value)| {
                let text = String::from_utf8_lossy(value).into_owned();
                (name.clone(), Value::String(text))
            })
            .collect();
        json!({
            "topic": self.topic.as_str(),
            "partition": self.partition,
            "offset": self.offset,
            "reason": self.reason,
            "key": self.record.key.as_deref().map(String::from_utf8_lossy),
            "headers": headers,
            "octets": self.record.value.len(),
            "value": hexadecimal(shown),
        })
        .to_string()
    }

    pub(crate) fn store_embedded(bus: &Bus, letters: &[Self]) -> Result<(), BusError> {
        let _one_at_a_time = locked(&STORING);
        let producer = bus.continuing_producer(Headers {
            spacecraft: String::new(),
            station: String::new(),
            contact: CONTACT.to_owned(),
            mission_version: String::new(),
        })?;
        for letters in letters.chunks(crate::BLOCK_RECORDS_MAX) {
            let texts = letters.iter().map(Self::to_json).collect();
            producer.publish(Topic::DeadLetters, Payload::Json(texts))?;
        }
        bus.sync()
    }
}

fn hexadecimal(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    octets
        .iter()
        .flat_map(|octet| [octet >> 4, octet & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// Numbers of blocks must be given one after the other.
static STORING: Mutex<()> = Mutex::new(());
/// Octets of a value in the JSON form.
const SHOWN_OCTETS_MAX: usize = 64 << 10;
/// Numbers the dead letters of an embedded log.
const CONTACT: &str = "dead-letters";
