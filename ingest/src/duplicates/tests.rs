use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{ArrayRef, Int32Array};
use arrow::datatypes::{Field, Int32Type};
use arrow::util::display::array_value_to_string;
use bus::{Bus, BusConfig, Headers, Payload, Topic};
use lake::{Location, Tables};
use schemas::record::{FrameBlock, NO_TIME, PacketBlock, SpacecraftName};
use schemas::tables::{LeadingColumns, Selection, Source, telemetry_schema};

use super::*;
use crate::{Ingest, IngestConfig, Summary};

const START: i64 = 20_000 * 86_400_000_000 + 3_600_000_000;
const SECOND: i64 = 1_000_000;

fn headers(contact: &str) -> Headers {
    Headers {
        spacecraft: "noaa20".into(),
        station: format!("station of {contact}"),
        contact: contact.into(),
        mission_version: "v1".into(),
    }
}

/// Packets of the numbers given, a second apart; octets follow from the number and `damage`.
fn packets(
    numbers: impl Iterator<Item = u16>,
    quality: impl Fn(u16) -> u8,
    damage: u8,
) -> PacketBlock {
    let mut block = PacketBlock::new(SpacecraftName::new("noaa20"));
    for number in numbers {
        let [high, low] = number.to_be_bytes();
        let damage = if quality(number) == 3 { damage } else { 0 };
        block
            .data
            .extend([0x03, 0x2d, 0xc0 | high & 0x3f, low, 0, 1, 7, damage]);
        block.offsets.push(block.data.len() as i32);
        block.time.push(START + i64::from(number) * SECOND);
        block.received.push(NO_TIME);
        block.virtual_channel.push(16);
        block.quality.push(quality(number));
    }
    block
}

/// What these packets say, in the table `power`.
fn telemetry(block: &PacketBlock, contact: &str) -> Payload {
    let headers = headers(contact);
    let source = Source {
        spacecraft: headers.spacecraft,
        station: Some(headers.station),
        contact: Some(headers.contact),
        mission_version: Some(headers.mission_version),
    };
    let all = Selection::Range(0..block.len());
    let mut columns = LeadingColumns::default()
        .arrays(block, &all, &source)
        .unwrap();
    let values = (0..block.len()).map(|row| i32::from(block.packet(row)[7]));
    columns.push(Arc::new(Int32Array::from_iter_values(values)) as ArrayRef);
    let field = Field::new("value", arrow::datatypes::DataType::Int32, true);
    let batch = RecordBatch::try_new(telemetry_schema(vec![field]), columns).unwrap();
    Payload::Telemetry {
        table: "power".into(),
        batch,
    }
}

/// Publishes blocks in this order and stores them.
fn ingest(folder: &Path, flush_records: u64, blocks: &[(&str, PacketBlock)]) -> Summary {
    let bus = Bus::open(&folder.join("bus"), BusConfig::default()).unwrap();
    let config = IngestConfig {
        flush_records,
        ..IngestConfig::default()
    };
    let ingest = Ingest::start(&bus, folder, &config).unwrap();
    let mut producers = BTreeMap::new();
    for (contact, block) in blocks {
        let producer = producers
            .entry(*contact)
            .or_insert_with(|| bus.producer(headers(contact)).unwrap());
        let rows = telemetry(block, contact);
        producer
            .publish(Topic::TmPackets, Payload::Packets(block.clone()))
            .unwrap();
        producer.publish(Topic::TmTelemetry, rows).unwrap();
    }
    ingest.finish().unwrap()
}

/// Columns of every row of a table, sorted.
fn rows(folder: &Path, table: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let tables = Tables::open(&Location::folder(folder)).unwrap();
    let log = runtime
        .block_on(TableLog::open(&tables, table, "reader"))
        .unwrap();
    let mut found = Vec::new();
    for file in log.files().unwrap().iter() {
        for batch in runtime.block_on(log.rows(&file.path)).unwrap() {
            let batch = batch.unwrap();
            for row in 0..batch.num_rows() {
                let text = |name: &&str| {
                    array_value_to_string(batch.column_by_name(name).unwrap(), row).unwrap()
                };
                found.push(columns.iter().map(text).collect());
            }
        }
    }
    found.sort();
    found
}

/// Number and quality of each row, sorted.
fn qualities(folder: &Path, table: &str) -> Vec<(u16, String)> {
    let mut found: Vec<(u16, String)> = rows(folder, table, &["sequence_count", "quality"])
        .into_iter()
        .map(|row| (row[0].parse().unwrap(), row[1].clone()))
        .collect();
    found.sort();
    found
}

/// Two stations hear the same pass; each has its bad packets and its gaps.
fn two_stations() -> Vec<(&'static str, PacketBlock)> {
    let mut blocks = Vec::new();
    for part in 0..20u16 {
        let numbers = part * 50..part * 50 + 50;
        let a = packets(
            numbers.clone().filter(|n| n % 11 != 0),
            |n| if n % 7 == 0 { 3 } else { 0 },
            1,
        );
        let b = packets(
            numbers.filter(|n| n % 13 != 0),
            |n| if n % 5 == 0 { 3 } else { 1 },
            2,
        );
        blocks.push(("a", a));
        blocks.push(("b", b));
    }
    blocks
}

/// The best that either station has of each packet.
fn best_of_two() -> Vec<(u16, String)> {
    let best = |n: u16| {
        let a = (!n.is_multiple_of(11)).then_some(if n.is_multiple_of(7) { 3 } else { 0 });
        let b = (!n.is_multiple_of(13)).then_some(if n.is_multiple_of(5) { 3 } else { 1 });
        let best = [a, b].into_iter().flatten().min()?;
        // Both are bad, with other octets: nobody can say which is right.
        let copies = if a == Some(3) && b == Some(3) { 2 } else { 1 };
        let word = schemas::record::Quality::from_octet(best).as_str();
        Some(vec![(n, word.to_owned()); copies])
    };
    (0..1_000).filter_map(best).flatten().collect()
}

#[test]
fn two_stations_give_each_packet_once_at_its_best_wherever_flushes_lie() {
    let blocks = two_stations();
    let one_after_the_other = {
        let mut sorted = blocks.clone();
        sorted.sort_by_key(|(contact, _)| *contact);
        sorted
    };
    for flush_records in [90, 470, 1_000_000] {
        for blocks in [&blocks, &one_after_the_other] {
            let folder = tempfile::tempdir().unwrap();
            let summary = ingest(folder.path(), flush_records, blocks);
            for table in ["packets", "power"] {
                assert_eq!(
                    qualities(folder.path(), table),
                    best_of_two(),
                    "{flush_records}"
                );
                assert!(summary.tables[table].duplicates > 700, "{summary:?}");
            }
        }
    }
}

#[test]
fn copies_are_found_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    for station in ["a", "b"] {
        let mut blocks = two_stations();
        blocks.retain(|(contact, _)| *contact == station);
        ingest(folder.path(), 120, &blocks);
    }
    assert_eq!(qualities(folder.path(), "packets"), best_of_two());
    assert_eq!(qualities(folder.path(), "power"), best_of_two());
}

#[test]
fn what_a_spacecraft_repeats_within_a_contact_stays() {
    let folder = tempfile::tempdir().unwrap();
    let block = packets(0..100, |_| 0, 0);
    let blocks = [("a", block.clone()), ("a", block)];
    let summary = ingest(folder.path(), 1_000_000, &blocks);
    assert_eq!(qualities(folder.path(), "packets").len(), 200);
    assert_eq!(summary.tables["packets"].duplicates, 0);
}

#[test]
fn packets_without_a_time_are_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let mut block = packets(0..100, |_| 0, 0);
    block.time.fill(NO_TIME);
    let blocks = [("a", block.clone()), ("b", block)];
    ingest(folder.path(), 1_000_000, &blocks);
    assert_eq!(qualities(folder.path(), "packets").len(), 200);
}

#[test]
fn another_log_with_the_same_recording_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let block = packets(0..500, |_| 0, 0);
    for log in ["", "0123456789abcdef"] {
        let bus = Bus::open(
            &folder.path().join(format!("bus{log}")),
            BusConfig::default(),
        );
        let bus = bus.unwrap();
        let config = IngestConfig {
            log: log.into(),
            ..IngestConfig::default()
        };
        let ingest = Ingest::start(&bus, folder.path(), &config).unwrap();
        let producer = bus.producer(headers("a")).unwrap();
        let payload = Payload::Packets(block.clone());
        producer.publish(Topic::TmPackets, payload).unwrap();
        ingest.finish().unwrap();
    }
    assert_eq!(qualities(folder.path(), "packets").len(), 500);
}

/// TM frames: `counts` as received at the times given; data frames say their place in the stream.
fn frames(received: &[(i64, u32)], quality: u8, idle: bool) -> FrameBlock {
    let mut block = FrameBlock::new(SpacecraftName::new("noaa20"));
    for (place, (time, count)) in received.iter().enumerate() {
        let pointer: [u8; 2] = if idle { [0x1f, 0xfe] } else { [0x18, 0] };
        let place = if idle { 0 } else { place as u16 };
        let [high, low] = place.to_be_bytes();
        block.data.extend([
            0x02,
            0x10,
            0,
            *count as u8,
            pointer[0],
            pointer[1],
            high,
            low,
            quality,
        ]);
        block.offsets.push(block.data.len() as i32);
        block.received.push(*time);
        block.virtual_channel.push(0);
        block.frame_count.push(*count);
        block.quality.push(quality);
        block.corrected_symbols.push(0);
    }
    block
}

fn ingest_frames(folder: &Path, blocks: &[(&str, FrameBlock)]) -> usize {
    let bus = Bus::open(&folder.join("bus"), BusConfig::default()).unwrap();
    let ingest = Ingest::start(&bus, folder, &IngestConfig::default()).unwrap();
    for (contact, block) in blocks {
        let producer = bus.producer(headers(contact)).unwrap();
        let payload = Payload::Frames(block.clone());
        producer.publish(Topic::TmFrames, payload).unwrap();
    }
    ingest.finish().unwrap();
    rows(folder, "frames", &["frame_count"]).len()
}

#[test]
fn counters_that_wrap_do_not_hide_frames() {
    // 4 frames a second: an 8-bit count comes again after 64 s.
    let at = |delay: i64| -> Vec<(i64, u32)> {
        let frame = |n: i64| (START + n * SECOND / 4 + delay, (n % 256) as u32);
        (0..1_000).map(frame).collect()
    };
    let count = |idle: bool, delay: i64| {
        let folder = tempfile::tempdir().unwrap();
        let blocks = [
            ("a", frames(&at(0), 0, idle)),
            ("b", frames(&at(delay), 0, idle)),
        ];
        ingest_frames(folder.path(), &blocks)
    };
    assert_eq!(count(false, 300_000), 1_000, "one station's clock is late");
    assert_eq!(
        count(true, 20_000),
        1_000,
        "light takes longer to the other"
    );
    assert_eq!(
        count(true, 300_000),
        2_000,
        "idle frames say nothing of themselves"
    );
}

#[test]
fn a_good_frame_replaces_a_bad_one_that_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let times: Vec<(i64, u32)> = (0..200).map(|n| (START + n * SECOND, n as u32)).collect();
    let bad = [("a", frames(&times, 3, false))];
    assert_eq!(ingest_frames(folder.path(), &bad), 200);
    let good = [("b", frames(&times[..150], 0, false))];
    assert_eq!(ingest_frames(folder.path(), &good), 200);
    let found = rows(folder.path(), "frames", &["quality", "contact"]);
    assert_eq!(
        found.iter().filter(|row| row[..] == ["good", "b"]).count(),
        150
    );
    assert_eq!(
        found.iter().filter(|row| row[..] == ["bad", "a"]).count(),
        50
    );
}

#[test]
fn values_are_compared_whatever_columns_others_have() {
    let mut texts = Texts::default();
    let block = packets(0..3, |_| 3, 9);
    let Payload::Telemetry { batch, .. } = telemetry(&block, "a") else {
        return;
    };
    let narrow = identities(&batch, Kind::Telemetry, &mut texts, None).unwrap();
    let mut fields: Vec<_> = batch.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(
        "more",
        arrow::datatypes::DataType::Int32,
        true,
    )));
    let mut columns = batch.columns().to_vec();
    columns.push(Arc::new(Int32Array::new_null(3)));
    let wide = RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), columns);
    let wide = wide.unwrap();
    assert_eq!(
        wide.column_by_name("value")
            .unwrap()
            .as_primitive::<Int32Type>()
            .value(0),
        9
    );
    assert_eq!(
        identities(&wide, Kind::Telemetry, &mut texts, None).unwrap(),
        narrow
    );
}
