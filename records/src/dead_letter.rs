//! Dead letters: records that could not be read, kept with the reason.

use serde_json::{Map, Value, json};

use crate::reader::RawRecord;
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
}

fn hexadecimal(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    octets
        .iter()
        .flat_map(|octet| [octet >> 4, octet & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// Octets of a value in the JSON form.
const SHOWN_OCTETS_MAX: usize = 64 << 10;
