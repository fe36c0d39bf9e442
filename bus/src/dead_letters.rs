//! Dead letters in the embedded log.

use std::sync::Mutex;

use records::dead_letter::DeadLetter;

use crate::block::{Headers, Payload};
use crate::bus::Bus;
use crate::embedded::locked;
use crate::error::BusError;
use crate::topic::Topic;

/// Stores them as JSON, each a record.
pub(crate) fn store(bus: &Bus, letters: &[DeadLetter]) -> Result<(), BusError> {
    let _one_at_a_time = locked(&STORING);
    let producer = bus.continuing_producer(Headers {
        spacecraft: String::new(),
        station: String::new(),
        contact: CONTACT.to_owned(),
        mission_version: String::new(),
    })?;
    for letters in letters.chunks(crate::BLOCK_RECORDS_MAX) {
        let texts = letters.iter().map(DeadLetter::to_json).collect();
        producer.publish(Topic::DeadLetters, Payload::Json(texts))?;
    }
    bus.sync()
}

/// Numbers of blocks must be given one after the other.
static STORING: Mutex<()> = Mutex::new(());
/// Numbers the dead letters.
const CONTACT: &str = "dead-letters";
