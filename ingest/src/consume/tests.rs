use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU64;

use arrow::array::{ArrayRef, AsArray, Float32Array, Int32Array, RecordBatch};
use arrow::array::{StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use bus::{BusConfig, Headers, Payload};
use deltalake::{DeltaTableBuilder, ensure_table_uri};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemas::record::{PacketBlock, SpacecraftName};
use schemas::tables::timestamp;

use crate::Ingest;

use super::*;

const DAY: i64 = 86_400_000_000;

fn headers() -> Headers {
    Headers {
        spacecraft: "noaa20".into(),
        station: String::new(),
        contact: "c".into(),
        mission_version: "v1".into(),
    }
}

/// Rows with the times given; `number` is each row's own.
fn rows(times: &[Option<i64>], first: i32) -> RecordBatch {
    let numbers = first..first + times.len() as i32;
    let fields = vec![
        Field::new("time", timestamp(), true),
        Field::new("spacecraft", DataType::Utf8, true),
        Field::new("number", DataType::Int32, true)
            .with_metadata([("unit".into(), "1".into())].into()),
        Field::new("value", DataType::Float32, true),
    ];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::from(times.to_vec()).with_timezone("UTC")),
        Arc::new(StringArray::from(vec!["noaa20"; times.len()])),
        Arc::new(Int32Array::from_iter_values(numbers.clone())),
        Arc::new(Float32Array::from_iter_values(
            numbers.map(|n| n as f32 / 3.0),
        )),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn telemetry(table: &str, batch: RecordBatch) -> Payload {
    Payload::Telemetry {
        table: table.into(),
        batch,
    }
}

fn packets(first: usize, count: usize) -> Payload {
    let mut block = PacketBlock::new(SpacecraftName::new("noaa20"));
    for number in first..first + count {
        block.data.extend([
            0x03,
            0x2d,
            0xc0 | (number >> 8 & 0x3f) as u8,
            number as u8,
            0,
            0,
            7,
        ]);
        block.offsets.push(block.data.len() as i32);
        block.time.push(20_000 * DAY + number as i64 * 1_000_000);
        block.received.push(schemas::record::NO_TIME);
        block.virtual_channel.push(16);
        block.quality.push(0);
    }
    Payload::Packets(block)
}

/// What a recording gives: two tables and packets, in blocks of 100.
fn publish_recording(bus: &Bus) {
    let producer = bus.producer(headers()).unwrap();
    for block in 0..40 {
        let first = block * 100;
        let times: Vec<_> = (first..first + 100)
            .map(|n| Some(20_000 * DAY + n as i64 * 40_000_000))
            .collect();
        producer
            .publish(Topic::TmPackets, packets(first, 100))
            .unwrap();
        let table = if block % 3 == 0 { "power" } else { "attitude" };
        let batch = rows(&times, first as i32);
        producer
            .publish(Topic::TmTelemetry, telemetry(table, batch))
            .unwrap();
    }
    producer.complete().unwrap();
}

fn config() -> IngestConfig {
    IngestConfig {
        flush_records: 1_000,
        ..IngestConfig::default()
    }
}

fn replay(folder: &Path, config: &IngestConfig) -> Result<Summary, IngestError> {
    ingest_with(folder, config, publish_recording)
}

fn ingest_with(
    folder: &Path,
    config: &IngestConfig,
    publish: impl FnOnce(&Bus),
) -> Result<Summary, IngestError> {
    let bus = Bus::open(&folder.join("bus"), BusConfig::default())?;
    let ingest = Ingest::start(&bus, folder, config)?;
    publish(&bus);
    let summary = ingest.finish()?;
    assert_eq!(
        bus.disk_octets()?,
        0,
        "the log keeps nothing that the tables have"
    );
    Ok(summary)
}

/// The files of a table as its Delta log has them.
fn files(folder: &Path, table: &str) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let uri = ensure_table_uri(folder.join("lake").join(table).to_string_lossy()).unwrap();
    let table = runtime
        .block_on(DeltaTableBuilder::from_url(uri).unwrap().load())
        .unwrap();
    let mut files: Vec<String> = table.get_file_uris().unwrap().collect();
    files.sort();
    files
}

fn read(folder: &Path, table: &str) -> Vec<RecordBatch> {
    let open = |uri: &String| {
        let file = File::open(uri.trim_start_matches("file://")).unwrap();
        ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap()
    };
    files(folder, table)
        .iter()
        .flat_map(open)
        .map(Result::unwrap)
        .collect()
}

/// The rows' own numbers, sorted.
fn numbers(folder: &Path, table: &str) -> Vec<i32> {
    let mut numbers: Vec<i32> = read(folder, table)
        .iter()
        .flat_map(|batch| {
            let column = batch.column_by_name("number").unwrap();
            column.as_primitive::<Int32Type>().values().to_vec()
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

fn packet_count(folder: &Path) -> usize {
    read(folder, "packets")
        .iter()
        .map(RecordBatch::num_rows)
        .sum()
}

fn assert_complete(folder: &Path) {
    let (power, attitude): (Vec<i32>, Vec<i32>) = (0..4_000).partition(|n| n / 100 % 3 == 0);
    assert_eq!(numbers(folder, "power"), power);
    assert_eq!(numbers(folder, "attitude"), attitude);
    assert_eq!(packet_count(folder), 4_000);
}

/// Every Parquet file and its octets' hash.
fn parquet_files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.join("lake")];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "parquet")
            {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                let hash = blake3::hash(&std::fs::read(&path).unwrap());
                found.insert(name, hash.to_hex().to_string());
            }
        }
    }
    found
}

#[test]
fn a_recording_becomes_tables_and_replaying_it_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let summary = replay(folder.path(), &config()).unwrap();
    assert_eq!(summary.rows(), 8_000);
    assert_complete(folder.path());
    let before = parquet_files(folder.path());
    let again = replay(folder.path(), &config()).unwrap();
    assert_eq!(again.rows(), 0);
    assert_complete(folder.path());
    assert_eq!(parquet_files(folder.path()), before);
}

#[test]
fn a_log_that_was_removed_is_an_error_and_not_a_silent_gap() {
    let folder = tempfile::tempdir().unwrap();
    replay(folder.path(), &config()).unwrap();
    std::fs::remove_dir_all(folder.path().join("bus")).unwrap();
    let less = |bus: &Bus| {
        let producer = bus.producer(headers()).unwrap();
        producer.publish(Topic::TmPackets, packets(0, 100)).unwrap();
    };
    let bus = Bus::open(&folder.path().join("bus"), BusConfig::default()).unwrap();
    let ingest = Ingest::start(&bus, folder.path(), &config()).unwrap();
    less(&bus);
    let error = ingest.finish().unwrap_err();
    assert!(matches!(error, IngestError::LogBehind { .. }), "{error}");
    assert_eq!(packet_count(folder.path()), 4_000);
}

#[test]
fn replays_are_byte_identical() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let all = folders.map(|folder| {
        replay(folder.path(), &config()).unwrap();
        parquet_files(folder.path())
    });
    assert!(all[0].len() >= 10, "{all:?}");
    assert_eq!(all[0], all[1]);
}

/// Runs in a child process: replays, and aborts at the given step.
#[test]
fn child_replays_until_it_is_killed() {
    let Ok(folder) = std::env::var("PASSLINE_INGEST_CHILD") else {
        return;
    };
    let abort_at: u64 = std::env::var("PASSLINE_INGEST_STEP")
        .unwrap()
        .parse()
        .unwrap();
    let steps = AtomicU64::new(0);
    let hook = move |_| {
        if steps.fetch_add(1, Ordering::SeqCst) == abort_at {
            std::process::abort();
        }
    };
    let config = IngestConfig {
        hook: Some(Arc::new(hook)),
        ..config()
    };
    replay(Path::new(&folder), &config).unwrap();
}

fn child(folder: &Path, step: u64) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "consume::tests::child_replays_until_it_is_killed",
        ])
        .env("PASSLINE_INGEST_CHILD", folder)
        .env("PASSLINE_INGEST_STEP", step.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn restart_after_an_abort_at_any_step_neither_loses_nor_repeats() {
    let mut aborted = 0;
    for step in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let finished = child(folder.path(), step).wait().unwrap().success();
        replay(folder.path(), &config()).unwrap();
        assert_complete(folder.path());
        if finished {
            break;
        }
        aborted += 1;
    }
    assert!(aborted >= 20, "only {aborted} steps");
}

#[test]
fn restart_after_kill_neither_loses_nor_repeats() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..12 {
        let mut child = child(folder.path(), u64::MAX);
        std::thread::sleep(Duration::from_millis(20 + round * 23));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    replay(folder.path(), &config()).unwrap();
    assert_complete(folder.path());
}

#[test]
fn a_first_start_that_is_killed_can_be_repeated() {
    for round in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let mut child = child(folder.path(), u64::MAX);
        std::thread::sleep(Duration::from_millis(5 + round * 6));
        child.kill().unwrap();
        child.wait().unwrap();
        replay(folder.path(), &config()).unwrap();
        assert_complete(folder.path());
    }
}

#[test]
fn late_and_disordered_rows_go_to_their_day_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let at = |day: i64, second: i64| Some(day * DAY + second * 1_000_000);
    let times = [
        at(20_001, 5),
        at(20_000, 9),
        None,
        at(20_001, 1),
        at(20_000, 3),
        at(20_001, 5),
    ];
    ingest_with(folder.path(), &config(), |bus| {
        let producer = bus.producer(headers()).unwrap();
        producer
            .publish(Topic::TmTelemetry, telemetry("t", rows(&times, 0)))
            .unwrap();
    })
    .unwrap();
    let of_day = |day: &str| {
        let uri = files(folder.path(), "t")
            .into_iter()
            .find(|uri| uri.contains(day))
            .unwrap();
        let file = File::open(uri.trim_start_matches("file://")).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap();
        let numbers = reader.map(|batch| {
            let batch = batch.unwrap();
            batch
                .column_by_name("number")
                .unwrap()
                .as_primitive::<Int32Type>()
                .values()
                .to_vec()
        });
        numbers.flatten().collect::<Vec<_>>()
    };
    assert_eq!(of_day("day=2024-10-04"), [4, 1]);
    assert_eq!(of_day("day=2024-10-05"), [3, 0, 5]);
    assert_eq!(of_day("day=__HIVE_DEFAULT_PARTITION__"), [2]);
}

#[test]
fn new_columns_widen_a_table_and_other_types_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let time = [Some(20_000 * DAY)];
    let plain = rows(&time, 0);
    let with = |name: &str, column: ArrayRef| {
        let mut fields: Vec<_> = plain.schema().fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(name, column.data_type().clone(), true)));
        let mut columns = plain.columns().to_vec();
        columns.push(column);
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    };
    let wide = with("more", Arc::new(Int32Array::from(vec![7])));
    let other = with("more", Arc::new(StringArray::from(vec!["seven"])));
    let publish = |contact: &'static str, batch: &RecordBatch| {
        let (batch, headers) = (
            batch.clone(),
            Headers {
                contact: contact.into(),
                ..headers()
            },
        );
        move |bus: &Bus| {
            let producer = bus.producer(headers).unwrap();
            producer
                .publish(Topic::TmTelemetry, telemetry("t", batch))
                .unwrap();
        }
    };
    ingest_with(folder.path(), &config(), publish("a", &plain)).unwrap();
    ingest_with(folder.path(), &config(), publish("b", &wide)).unwrap();
    assert_eq!(numbers(folder.path(), "t"), [0, 0]);
    for _ in 0..2 {
        let error = ingest_with(folder.path(), &config(), publish("c", &other)).unwrap_err();
        assert!(
            matches!(&error, IngestError::Lake(lake::LakeError::ColumnType { table, column, .. }) if table == "t" && column == "more"),
            "{error}"
        );
    }
    assert_eq!(numbers(folder.path(), "t"), [0, 0], "what is stored stays");
}

#[test]
fn damaged_blocks_are_reported_and_the_rest_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    {
        let bus = Bus::open(&folder.path().join("bus"), BusConfig::default()).unwrap();
        publish_recording(&bus);
        bus.sync().unwrap();
    }
    let segment = folder
        .path()
        .join("bus/segments/tm.packets-0-00000000000000000000");
    let mut octets = std::fs::read(&segment).unwrap();
    let middle = octets.len() / 2;
    octets[middle] ^= 1;
    std::fs::write(&segment, octets).unwrap();
    let summary = ingest_with(folder.path(), &config(), |_| ()).unwrap();
    assert_eq!(summary.damage.len(), 1);
    assert_eq!(summary.damage[0].topic, Topic::TmPackets);
    assert_eq!(packet_count(folder.path()), 3_900);
}

#[test]
fn a_lake_that_cannot_be_written_is_an_error_and_the_log_keeps_the_data() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lake")).unwrap();
    std::fs::write(folder.path().join("lake/packets"), "in the way").unwrap();
    let error = replay(folder.path(), &config()).unwrap_err();
    assert!(
        matches!(error, IngestError::Lake(lake::LakeError::Io { .. })),
        "{error}"
    );
    std::fs::remove_file(folder.path().join("lake/packets")).unwrap();
    replay(folder.path(), &config()).unwrap();
    assert_complete(folder.path());
}
