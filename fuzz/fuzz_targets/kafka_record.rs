//! Kafka records that anybody may have written, on every topic: a block comes out or an error does,
//! offsets rise, and memory stays in bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use records::block::{BLOCK_RECORDS_MAX, Record};
use records::reader::Reader;
use records::topic::Topic;

/// Topic, then records: header choices, header values, value.
type Input = (u8, Vec<(u16, Vec<Vec<u8>>, Option<Vec<u8>>)>);

const NAMES: [&str; 16] = [
    "spacecraft",
    "sequence",
    "quality",
    "table",
    "virtual-channel",
    "frame-count",
    "time",
    "received",
    "station",
    "contact",
    "mission-version",
    "corrected-symbols",
    "dead-letter-topic",
    "dead-letter-offset",
    "dead-letter-reason",
    "something else",
];
/// Values that chance would not find.
const GOOD: [&[u8]; 4] = [b"7", b"good", b"2026-11-21T16:43:36.123456Z", b"noaa20"];

fuzz_target!(|input: Input| {
    let (topic, records) = input;
    let topic = Topic::ALL[usize::from(topic) % Topic::ALL.len()];
    let mut reader = Reader::new(topic, 0);
    let mut last = 0;
    for (index, (given, values, value)) in records.iter().enumerate() {
        let headers = NAMES
            .iter()
            .enumerate()
            .filter(|(at, _)| given >> at & 1 == 1);
        let headers = headers.map(|(at, name)| {
            let value = values.get(at % values.len().max(1)).map(Vec::as_slice);
            let value = match value {
                Some([choice, 0xff]) => Some(GOOD[usize::from(*choice) % GOOD.len()]),
                other => other,
            };
            (*name, value)
        });
        let offset = index as u64 * 2;
        if let Ok(Some(record)) = reader.push(offset, None, value.as_deref(), headers) {
            check(&record, &mut last);
        }
        if reader.is_full() {
            reader
                .take()
                .iter()
                .for_each(|record| check(record, &mut last));
        }
    }
    reader
        .take()
        .iter()
        .for_each(|record| check(record, &mut last));
});

fn check(record: &Record, last: &mut u64) {
    assert!(record.base >= *last && record.end > record.base);
    assert!((1..=BLOCK_RECORDS_MAX).contains(&record.len()));
    *last = record.end;
}
