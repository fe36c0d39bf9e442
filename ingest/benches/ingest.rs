//! Publishing and storing 720,000 packets of 71 octets and their telemetry of 29 columns.
//!
//! `cargo bench -p ingest [-- FOLDER]`: seconds from the first block published to everything
//! durable in tables, the log released. The rows imitate JPSS geolocation packets: ten leading
//! columns, eight 16 or 32 bit integers, eleven floats of which some hardly change.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float32Array, Float64Array, Int32Array, RecordBatch};
use arrow::datatypes::Field;
use bus::{Bus, BusConfig, Headers, Payload, Topic};
use ingest::{Ingest, IngestConfig};
use schemas::record::{NO_TIME, PacketBlock, SpacecraftName};
use schemas::tables::{LeadingColumns, Selection, Source, telemetry_schema};

const PACKETS: usize = 720_000;
const BLOCK: usize = 4_096;
const PACKET_OCTETS: usize = 71;
const START: i64 = 1_733_502_488_182_535;

fn main() {
    let folder = std::env::args()
        .nth(1)
        .filter(|argument| !argument.starts_with("--"));
    let folder = folder.unwrap_or_else(|| "target/bench-ingest".to_owned());
    let folder = Path::new(&folder);
    let blocks = blocks();
    for _ in 0..5 {
        let copies: Vec<_> = blocks.clone();
        std::fs::remove_dir_all(folder).ok();
        run(folder, copies);
    }
    std::fs::remove_dir_all(folder).ok();
}

fn run(folder: &Path, blocks: Vec<(PacketBlock, RecordBatch)>) {
    let started = Instant::now();
    let bus = Bus::open(&folder.join("bus"), BusConfig::default()).expect("a fresh folder");
    let opened = started.elapsed();
    let ingest = Ingest::start(&bus, folder, &IngestConfig::default()).expect("a fresh folder");
    let producer = bus.producer(headers()).expect("a new contact");
    let ready = started.elapsed();
    for (packets, batch) in blocks {
        producer
            .publish(Topic::TmPackets, Payload::Packets(packets))
            .expect("room on the disk");
        let telemetry = Payload::Telemetry {
            table: "geolocation".into(),
            batch,
        };
        producer
            .publish(Topic::TmTelemetry, telemetry)
            .expect("room on the disk");
    }
    producer.complete().expect("room on the disk");
    let published = started.elapsed();
    let summary = ingest.finish().expect("room on the disk");
    let finished = started.elapsed();
    assert_eq!(summary.rows(), 2 * PACKETS as u64);
    let octets = summary.tables["geolocation"].octets as f64;
    eprintln!(
        "bus opened {:.3} s, service ready {:.3} s, published {:.3} s, durable {:.3} s; {} files, \
         telemetry {:.2} octets a value, packets {:.1} octets each, {} octets left in the log",
        opened.as_secs_f64(),
        ready.as_secs_f64(),
        published.as_secs_f64(),
        finished.as_secs_f64(),
        summary
            .tables
            .values()
            .map(|table| table.files)
            .sum::<u64>(),
        octets / (PACKETS as f64 * 29.0),
        summary.tables["packets"].octets as f64 / PACKETS as f64,
        bus.disk_octets().expect("a folder"),
    );
}

fn headers() -> Headers {
    Headers {
        spacecraft: "noaa20".into(),
        station: String::new(),
        contact: "bench".into(),
        mission_version: "0123456789ab".into(),
    }
}

fn blocks() -> Vec<(PacketBlock, RecordBatch)> {
    let mut leading = LeadingColumns::default();
    let source = Source {
        spacecraft: "noaa20".into(),
        station: None,
        contact: Some("bench".into()),
        mission_version: Some("0123456789ab".into()),
    };
    (0..PACKETS)
        .step_by(BLOCK)
        .map(|first| {
            let numbers = first..(first + BLOCK).min(PACKETS);
            let packets = packets(numbers.clone());
            let selection = Selection::Range(0..packets.len());
            let mut columns = leading
                .arrays(&packets, &selection, &source)
                .expect("whole packets");
            let mut fields = Vec::new();
            for column in 0..19 {
                let values = numbers.clone().map(|number| value(number, column));
                let array: ArrayRef = match column {
                    0..8 => Arc::new(Int32Array::from_iter_values(values.map(|v| v as i32))),
                    8..14 => Arc::new(Float32Array::from_iter_values(values.map(|v| v as f32))),
                    _ => Arc::new(Float64Array::from_iter_values(values)),
                };
                let name = format!("parameter_{column}");
                fields.push(Field::new(name, array.data_type().clone(), true));
                columns.push(array);
            }
            let batch = RecordBatch::try_new(telemetry_schema(fields), columns);
            (packets, batch.expect("columns of one length"))
        })
        .collect()
}

fn packets(numbers: std::ops::Range<usize>) -> PacketBlock {
    let mut block = PacketBlock::new(SpacecraftName::new("noaa20"));
    for number in numbers {
        let count = 0xc000 | (number as u16 & 0x3fff);
        block.data.extend_from_slice(&0x080b_u16.to_be_bytes());
        block.data.extend_from_slice(&count.to_be_bytes());
        block
            .data
            .extend_from_slice(&(PACKET_OCTETS as u16 - 7).to_be_bytes());
        for column in 0..16 {
            let value = value(number, column) as f32;
            block.data.extend_from_slice(&value.to_be_bytes());
        }
        block.data.push(number as u8);
        block.offsets.push(block.data.len() as i32);
        block.time.push(START + number as i64 * 1_000_000);
        block.received.push(NO_TIME);
        block.virtual_channel.push(0);
        block.quality.push(2);
    }
    block
}

/// Slow orbits, noise of an instrument, and columns that hardly change.
fn value(number: usize, column: usize) -> f64 {
    let noise = (number.wrapping_mul(2_654_435_761) >> 7 & 0x3ff) as f64 / 1_024.0;
    let orbit = (number as f64 / 6_060.0 + column as f64).sin();
    match column % 4 {
        0 => (number / 500) as f64,
        1 => orbit * 7_000_000.0,
        2 => orbit + noise * 1e-3,
        _ => (number / 9 % 86_400_000) as f64,
    }
}
