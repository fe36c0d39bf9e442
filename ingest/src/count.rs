//! Counting: metrics of ingest, once a block or flush, never once a record.

use std::time::Duration;

use bus::{Bus, Offset, Topic};
use metrics::{counter, gauge, histogram};
use schemas::metric;

pub(crate) fn consumed(topic: Topic, partition: u32, records: u64, octets: u64) {
    let place = [
        ("topic", topic.as_str().to_owned()),
        ("partition", partition.to_string()),
    ];
    counter!(metric::INGEST_RECORDS.name, &place).increment(records);
    counter!(metric::INGEST_CONSUMED.name, &place).increment(octets);
}

pub(crate) fn committed(table: &str, rows: u64, octets: u64) {
    counter!(metric::INGEST_ROWS.name, "table" => table.to_owned()).increment(rows);
    counter!(metric::INGEST_STORED.name, "table" => table.to_owned()).increment(octets);
}

pub(crate) fn duplicates(table: &str, rows: u64) {
    if rows > 0 {
        let table = table.to_owned();
        counter!(metric::INGEST_DUPLICATES.name, "table" => table).increment(rows);
    }
}

pub(crate) fn flushed(topic: Topic, took: Duration) {
    histogram!(metric::INGEST_COMMIT.name, "topic" => topic.as_str()).record(took.as_secs_f64());
}

/// What is published beyond `committed`.
pub(crate) fn lag(bus: &Bus, topic: Topic, partition: u32, committed: Offset) {
    if let Ok(end) = bus.end_offset(topic, partition) {
        set_lag(topic, partition, end.saturating_sub(committed));
    }
}

/// Everything published is in the tables.
pub(crate) fn no_lag(topic: Topic, partition: u32) {
    set_lag(topic, partition, 0);
}

fn set_lag(topic: Topic, partition: u32, records: u64) {
    gauge!(
        metric::INGEST_LAG.name,
        "topic" => topic.as_str(), "partition" => partition.to_string()
    )
    .set(records as f64);
}

pub(crate) fn dead_letters(topic: Topic, number: u64) {
    counter!(metric::INGEST_DEAD_LETTERS.name, "topic" => topic.as_str()).increment(number);
}
