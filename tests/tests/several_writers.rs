//! Several writers on one table, in a folder and on S3: every row once, whoever wins a commit.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int16Type;
use bus::{Bus, BusConfig, Headers, Payload, Topic};
use deltalake::protocol::SaveMode;
use ingest::{Ingest, IngestConfig, IngestError};
use lake::{LakeError, Location, TableLog, Tables};
use schemas::record::{NO_TIME, PacketBlock, SpacecraftName};
use tests::s3::S3Server;

const START: i64 = 20_000 * 86_400_000_000;

fn packets(spacecraft: &str, first: u16, count: u16) -> PacketBlock {
    let mut block = PacketBlock::new(SpacecraftName::new(spacecraft));
    for number in first..first + count {
        let [high, low] = number.to_be_bytes();
        block
            .data
            .extend([0x03, 0x2d, 0xc0 | high & 0x3f, low, 0, 0, 7]);
        block.offsets.push(block.data.len() as i32);
        block.time.push(START + i64::from(number) * 1_000_000);
        block.received.push(NO_TIME);
        block.virtual_channel.push(16);
        block.quality.push(0);
    }
    block
}

fn open_bus(folder: &Path) -> Bus {
    Bus::open(folder, BusConfig::default()).expect("a fresh folder")
}

fn config(log: &str, flush_records: u64) -> IngestConfig {
    IngestConfig {
        log: log.to_owned(),
        flush_records,
        topics: vec![Topic::TmPackets],
        ..IngestConfig::default()
    }
}

fn publish(bus: &Bus, spacecraft: &str, contact: &str, blocks: u16) {
    let headers = Headers {
        spacecraft: spacecraft.to_owned(),
        contact: contact.to_owned(),
        station: String::new(),
        mission_version: String::new(),
    };
    let producer = bus.producer(headers).expect("a new contact");
    for block in 0..blocks {
        let payload = Payload::Packets(packets(spacecraft, block * 50, 50));
        producer
            .publish(Topic::TmPackets, payload)
            .expect("room on the disk");
    }
}

/// How many rows of each spacecraft and sequence count a table has.
fn counts(location: &Location) -> BTreeMap<(String, i16), usize> {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let tables = Tables::open(location).expect("a location");
    let log = runtime
        .block_on(TableLog::open(&tables, "packets", "reader"))
        .expect("a table");
    let mut counts = BTreeMap::new();
    for file in log.files().expect("a table").iter() {
        for batch in runtime.block_on(log.rows(&file.path)).expect("a file") {
            let batch = batch.expect("rows");
            let names = batch
                .column_by_name("spacecraft")
                .expect("a column")
                .as_string::<i32>();
            let numbers = batch
                .column_by_name("sequence_count")
                .expect("a column")
                .as_primitive::<Int16Type>();
            for row in 0..batch.num_rows() {
                let key = (names.value(row).to_owned(), numbers.value(row));
                *counts.entry(key).or_insert(0) += 1;
            }
        }
    }
    counts
}

/// Four logs, each with a spacecraft of its own, into one table at once.
fn four_at_once(location: &Location, folder: &Path) {
    let names = ["a", "b", "c", "d"];
    std::thread::scope(|scope| {
        for name in names {
            scope.spawn(move || {
                let bus = open_bus(&folder.join(name));
                let ingest = Ingest::start(&bus, location, &config(name, 100)).expect("a lake");
                publish(&bus, name, name, 20);
                ingest.finish().expect("commits");
            });
        }
    });
    let counts = counts(location);
    assert_eq!(counts.len(), 4_000);
    assert!(counts.values().all(|rows| *rows == 1));
}

/// Two logs that bring the same passes of the same spacecraft, so that each is a copy of the
/// other's, while both commit.
fn the_same_twice_at_once(location: &Location, folder: &Path) {
    std::thread::scope(|scope| {
        for name in ["one", "two"] {
            scope.spawn(move || {
                let bus = open_bus(&folder.join(name));
                let ingest = Ingest::start(&bus, location, &config(name, 100)).expect("a lake");
                publish(&bus, "twin", name, 20);
                ingest.finish().expect("commits");
            });
        }
    });
    let mut counts = counts(location);
    counts.retain(|(spacecraft, _), _| spacecraft == "twin");
    assert_eq!(counts.len(), 1_000);
    assert!(counts.values().all(|rows| *rows == 1), "{counts:?}");
}

/// Two workers take themselves for the owner of one partition.
fn a_zombie_is_fenced(location: &Location, folder: &Path) {
    let zombie_bus = open_bus(&folder.join("zombie"));
    let owner_bus = open_bus(&folder.join("owner"));
    let opened = Arc::new(std::sync::atomic::AtomicU32::new(0));
    publish(&zombie_bus, "z", "z", 4);
    publish(&owner_bus, "z", "z", 6);
    // Both know the table before either of them commits.
    let (go, wait) = std::sync::mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    let steps = Arc::clone(&opened);
    let hook = move |step| {
        if step == ingest::Step::FilesDurable
            && steps.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0
        {
            let _ = wait.lock().expect("one worker").recv();
        }
    };
    let zombie = IngestConfig {
        hook: Some(Arc::new(hook)),
        ..config("z", 100)
    };
    let zombie = Ingest::start(&zombie_bus, location, &zombie).expect("a lake");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while opened.load(std::sync::atomic::Ordering::SeqCst) == 0 {
        assert!(
            std::time::Instant::now() < deadline,
            "the zombie never flushed"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let owner = Ingest::start(&owner_bus, location, &config("z", 100)).expect("a lake");
    owner.finish().expect("commits");
    go.send(()).expect("the zombie waits");
    let error = zombie.finish().expect_err("the zombie is fenced");
    assert!(
        matches!(&error, IngestError::Lake(LakeError::Fenced { .. })),
        "{error}"
    );
    let mut counts = counts(location);
    counts.retain(|(spacecraft, _), _| spacecraft == "z");
    assert_eq!(counts.len(), 300);
    assert!(counts.values().all(|rows| *rows == 1));
}

fn all(location: &Location) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    four_at_once(location, folder.path());
    the_same_twice_at_once(location, folder.path());
    a_zombie_is_fenced(location, folder.path());
}

#[test]
fn writers_share_a_table_in_a_folder() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    all(&Location::folder(folder.path()));
}

#[test]
fn writers_share_a_table_on_s3() {
    let Some(server) = S3Server::start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let credentials = server.credentials(folder.path());
    let data = server.location("shared");
    let location = Location::parse(Path::new(&data), Some(&credentials)).expect("a location");
    all(&location);
}

#[test]
fn what_another_tool_did_to_a_table_is_taken_or_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let location = Location::folder(folder.path());
    let bus = open_bus(&folder.path().join("bus"));
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let store = |contact: &str| -> Result<(), IngestError> {
        let ingest = Ingest::start(&bus, &location, &config("", 100))?;
        publish(&bus, contact, contact, 4);
        ingest.finish().map(drop)
    };
    store("a").expect("a fresh table");
    let tables = Tables::open(&location).expect("a location");
    // Compacted by delta-rs between two flushes.
    runtime.block_on(async {
        let table = tables.load("packets").await.expect("a table");
        let (_, metrics) = table.optimize().await.expect("compaction");
        assert!(metrics.num_files_removed > 1, "{metrics:?}");
    });
    store("b").expect("a compacted table");
    // Rows of another writer, without any txn of ours.
    runtime.block_on(async {
        let table = tables.load("packets").await.expect("a table");
        let log = TableLog::open(&tables, "packets", "reader")
            .await
            .expect("a table");
        let file = log
            .files()
            .expect("files")
            .iter()
            .next()
            .expect("a file")
            .path
            .clone();
        let mut rows = log.rows(&file).await.expect("a file");
        let batch = rows.next().expect("rows").expect("rows").slice(0, 1);
        let written = table.write(vec![batch]).with_save_mode(SaveMode::Append);
        written
            .with_schema_mode(deltalake::operations::write::SchemaMode::Merge)
            .await
            .expect("an append");
    });
    store("c").expect("a table with foreign rows");
    assert_eq!(counts(&location).values().sum::<usize>(), 601);
    // A table that needs what this writer does not do.
    runtime.block_on(async {
        let table = tables.load("packets").await.expect("a table");
        let feed = [("delta.enableChangeDataFeed".to_owned(), "true".to_owned())];
        let set = table.set_tbl_properties().with_properties(feed.into());
        set.await.expect("a property");
    });
    let error = store("d").expect_err("a table with a change data feed");
    let text = error.to_string();
    assert!(
        text.contains("packets") && text.contains("delta.enableChangeDataFeed"),
        "{text}"
    );
}

#[test]
fn a_folder_that_is_no_table_is_a_clear_error() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let log = folder.path().join("lake/packets/_delta_log");
    std::fs::create_dir_all(&log).expect("a folder");
    std::fs::write(log.join("00000000000000000000.json"), "not a log\n").expect("a file");
    let bus = open_bus(&folder.path().join("bus"));
    publish(&bus, "a", "a", 1);
    let ingest = Ingest::start(&bus, folder.path(), &config("", 100)).expect("a lake");
    let error = ingest.finish().expect_err("no table");
    assert!(error.to_string().contains("packets"), "{error}");
}
