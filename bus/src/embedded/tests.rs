use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use crate::error::CodecError;
use crate::{Bus, Payload, Subscription};

use super::*;

fn headers(contact: &str) -> Headers {
    Headers {
        spacecraft: "noaa20".into(),
        station: "svalbard".into(),
        contact: contact.into(),
        mission_version: "v1".into(),
    }
}

fn json(first: usize, count: usize) -> Payload {
    Payload::Json(
        (first..first + count)
            .map(|n| format!("{{\"n\":{n}}}"))
            .collect(),
    )
}

fn large(count: usize) -> Payload {
    Payload::Json(vec!["x".repeat(10_000); count])
}

fn open(folder: &Path) -> Bus {
    Bus::open(
        folder,
        BusConfig {
            segment_octets_max: 4_096,
            ..BusConfig::default()
        },
    )
    .unwrap()
}

fn texts(subscription: &mut Subscription) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(record) = subscription.poll(Duration::from_millis(10)).unwrap() {
        let Payload::Json(texts) = &record.block.payload else {
            panic!("not JSON")
        };
        all.extend(texts.iter().cloned());
    }
    all
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("{{\"n\":{n}}}")).collect()
}

#[test]
fn blocks_are_consumed_in_order_from_memory_and_from_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let bus = open(folder.path());
    let producer = bus.producer(headers("c")).unwrap();
    let mut live = bus.subscribe(Topic::TmEvents, 0, "live").unwrap();
    for first in (0..300).step_by(3) {
        let published = producer.publish(Topic::TmEvents, json(first, 3)).unwrap();
        assert_eq!(published, Some(Published::Stored));
    }
    assert_eq!(texts(&mut live), numbers(0..300));
    let mut late = bus.read_from(Topic::TmEvents, 0, 150).unwrap();
    assert_eq!(texts(&mut late), numbers(150..300));
    let mut inside = bus.read_from(Topic::TmEvents, 0, 151).unwrap();
    assert_eq!(
        texts(&mut inside),
        numbers(150..300),
        "a block is given whole"
    );
    assert_eq!(bus.end_offset(Topic::TmEvents, 0).unwrap(), 300);
}

#[test]
fn publishing_a_recording_again_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let bus = open(folder.path());
        let producer = bus.producer(headers("c")).unwrap();
        for first in 0..50 {
            let published = producer.publish(Topic::TmEvents, json(first, 1)).unwrap();
            assert_eq!(published == Some(Published::Duplicate), round > 0);
        }
        let other = bus.producer(headers("other")).unwrap();
        let published = other.publish(Topic::TmEvents, json(0, 1)).unwrap();
        assert_eq!(published == Some(Published::Duplicate), round > 0);
        assert_eq!(bus.end_offset(Topic::TmEvents, 0).unwrap(), 51);
        producer.complete().unwrap();
        assert!(bus.contact("c").unwrap().unwrap().complete);
        assert!(!bus.contact("other").unwrap().unwrap().complete);
        let continuing = bus.continuing_producer(headers("control")).unwrap();
        let published = continuing.publish(Topic::OpsJobs, json(round, 1)).unwrap();
        assert_eq!(published, Some(Published::Stored));
    }
}

#[test]
fn another_mission_version_of_a_contact_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bus = open(folder.path());
    bus.producer(headers("c")).unwrap();
    let newer = Headers {
        mission_version: "v2".into(),
        ..headers("c")
    };
    let error = bus.producer(newer).err().unwrap();
    assert!(matches!(error, BusError::MissionVersion { .. }), "{error}");
}

#[test]
fn a_second_process_cannot_open_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let _bus = open(folder.path());
    let error = Bus::open(folder.path(), BusConfig::default())
        .err()
        .unwrap();
    assert!(
        matches!(&error, BusError::Locked { lock } if lock.ends_with("lock")),
        "{error}"
    );
}

#[test]
fn a_group_goes_on_where_it_committed_and_the_log_forgets() {
    let folder = tempfile::tempdir().unwrap();
    {
        let bus = open(folder.path());
        let producer = bus.producer(headers("c")).unwrap();
        let mut ingest = bus.subscribe(Topic::TmEvents, 0, "ingest").unwrap();
        for _ in 0..100 {
            producer.publish(Topic::TmEvents, large(2)).unwrap();
            ingest.poll(Duration::ZERO).unwrap().unwrap();
        }
        bus.sync().unwrap();
        let full = bus.disk_octets().unwrap();
        assert!(full > 2_000_000);
        ingest.commit(180).unwrap();
        bus.sync().unwrap();
        assert_eq!(bus.start_offset(Topic::TmEvents, 0).unwrap(), 180);
        assert!(bus.disk_octets().unwrap() < full / 4);
    }
    let bus = open(folder.path());
    let mut ingest = bus.subscribe(Topic::TmEvents, 0, "ingest").unwrap();
    assert_eq!(ingest.position(), 180);
    assert_eq!(texts(&mut ingest).len(), 20);
    ingest.commit(200).unwrap();
    bus.sync().unwrap();
    assert_eq!(bus.disk_octets().unwrap(), 0);
    // Offsets go on, though nothing is left of what was before.
    let producer = bus.continuing_producer(headers("c")).unwrap();
    let published = producer.publish(Topic::TmEvents, json(0, 1)).unwrap();
    assert_eq!(published, Some(Published::Stored));
}

#[test]
fn what_one_group_has_not_committed_stays() {
    let folder = tempfile::tempdir().unwrap();
    let bus = open(folder.path());
    let producer = bus.producer(headers("c")).unwrap();
    let mut fast = bus.subscribe(Topic::TmEvents, 0, "fast").unwrap();
    let mut slow = bus.subscribe(Topic::TmEvents, 0, "slow").unwrap();
    producer.publish(Topic::TmEvents, json(0, 10)).unwrap();
    producer.publish(Topic::TmEvents, json(10, 10)).unwrap();
    fast.commit(20).unwrap();
    assert_eq!(bus.start_offset(Topic::TmEvents, 0).unwrap(), 0);
    assert_eq!(texts(&mut slow), numbers(0..20));
    slow.commit(10).unwrap();
    assert_eq!(bus.start_offset(Topic::TmEvents, 0).unwrap(), 10);
}

#[test]
fn publishing_blocks_while_consumers_lag_and_drops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = BusConfig {
        unconsumed_octets_max: 200_000,
        ..BusConfig::default()
    };
    let bus = Bus::open(folder.path(), config).unwrap();
    let producer = bus.producer(headers("c")).unwrap();
    let mut slow = bus.subscribe(Topic::TmEvents, 0, "slow").unwrap();
    let publisher = std::thread::spawn(move || {
        for _ in 0..100 {
            producer.publish(Topic::TmEvents, large(2)).unwrap();
        }
    });
    std::thread::sleep(Duration::from_millis(300));
    let ahead = bus.end_offset(Topic::TmEvents, 0).unwrap();
    assert!(
        ahead <= 20,
        "{ahead} records of 10,000 octets are ahead of a bound of 200,000 octets"
    );
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut seen = 0;
    while seen < 200 && Instant::now() < deadline {
        seen += texts(&mut slow).len();
    }
    assert_eq!(seen, 200);
    publisher.join().unwrap();
    // A consumer that is gone holds no one up.
    drop(slow);
    let producer = bus.producer(headers("d")).unwrap();
    for _ in 0..50 {
        producer.publish(Topic::TmEvents, large(2)).unwrap();
    }
}

#[test]
fn a_damaged_block_is_an_error_with_its_offset_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    {
        let bus = open(folder.path());
        let producer = bus.producer(headers("c")).unwrap();
        for first in (0..30).step_by(10) {
            producer.publish(Topic::TmEvents, json(first, 10)).unwrap();
        }
        bus.sync().unwrap();
    }
    let segment = folder
        .path()
        .join("segments/tm.events-0-00000000000000000000");
    let length = std::fs::metadata(&segment).unwrap().len();
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&segment)
        .unwrap();
    file.write_all_at(b"?", length / 2).unwrap();
    let bus = open(folder.path());
    let mut all = bus.subscribe(Topic::TmEvents, 0, "all").unwrap();
    assert!(all.poll(Duration::ZERO).unwrap().is_some());
    let error = all.poll(Duration::ZERO).unwrap_err();
    let BusError::Corrupt {
        topic,
        base,
        source,
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!((*topic, *base), (Topic::TmEvents, 10));
    assert!(matches!(source, CodecError::Checksum { .. }));
    assert_eq!(texts(&mut all), numbers(20..30));
}

#[test]
fn a_lost_segment_is_an_error_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    {
        let bus = open(folder.path());
        let producer = bus.producer(headers("c")).unwrap();
        for _ in 0..3 {
            producer.publish(Topic::TmEvents, large(1)).unwrap();
        }
        bus.sync().unwrap();
    }
    std::fs::remove_file(
        folder
            .path()
            .join("segments/tm.events-0-00000000000000000001"),
    )
    .unwrap();
    let bus = open(folder.path());
    let mut all = bus.subscribe(Topic::TmEvents, 0, "all").unwrap();
    assert_eq!(all.poll(Duration::ZERO).unwrap().unwrap().base, 0);
    assert!(matches!(
        all.poll(Duration::ZERO),
        Err(BusError::Corrupt { base: 1, .. })
    ));
    assert_eq!(all.poll(Duration::ZERO).unwrap().unwrap().base, 2);
}

#[test]
fn unsynced_blocks_lost_in_a_power_failure_can_be_published_again() {
    let folder = tempfile::tempdir().unwrap();
    {
        let bus = open(folder.path());
        let producer = bus.producer(headers("c")).unwrap();
        producer.publish(Topic::TmEvents, json(0, 10)).unwrap();
        bus.sync().unwrap();
        producer.publish(Topic::TmEvents, json(10, 10)).unwrap();
        producer.publish(Topic::TmEvents, json(20, 10)).unwrap();
    }
    // The store's entries reached the disk, the end of the segment did not.
    let segment = folder
        .path()
        .join("segments/tm.events-0-00000000000000000000");
    let length = std::fs::metadata(&segment).unwrap().len();
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&segment)
        .unwrap();
    file.set_len(length / 2).unwrap();
    for round in 0..2 {
        let bus = open(folder.path());
        let mut all = bus.read_from(Topic::TmEvents, 0, 0).unwrap();
        assert_eq!(texts(&mut all).len(), if round == 0 { 10 } else { 30 });
        let producer = bus.producer(headers("c")).unwrap();
        for first in (0..30).step_by(10) {
            producer.publish(Topic::TmEvents, json(first, 10)).unwrap();
        }
        assert_eq!(
            texts(&mut bus.read_from(Topic::TmEvents, 0, 0).unwrap()),
            numbers(0..30)
        );
    }
}

#[test]
fn a_waiting_consumer_is_woken_by_a_block_and_by_wake() {
    let folder = tempfile::tempdir().unwrap();
    let bus = open(folder.path());
    let producer = bus.producer(headers("c")).unwrap();
    let mut waiting = bus.subscribe(Topic::TmEvents, 0, "waiting").unwrap();
    let started = Instant::now();
    let thread = std::thread::spawn(move || {
        let record = waiting.poll(Duration::from_secs(60)).unwrap();
        let woken = waiting.poll(Duration::from_secs(60)).unwrap();
        (record.is_some(), woken.is_none())
    });
    std::thread::sleep(Duration::from_millis(50));
    producer.publish(Topic::TmEvents, json(0, 1)).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    bus.wake();
    assert_eq!(thread.join().unwrap(), (true, true));
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_log_whose_creation_was_interrupted_is_created_again() {
    for left in ["0.jnl", "lock", "version", "keyspaces"] {
        let folder = tempfile::tempdir().unwrap();
        let index = folder.path().join("index");
        std::fs::create_dir(&index).unwrap();
        std::fs::write(index.join(left), "").unwrap();
        let bus = open(folder.path());
        bus.producer(headers("c"))
            .unwrap()
            .publish(Topic::TmEvents, json(0, 1))
            .unwrap();
    }
}

#[test]
fn a_store_of_another_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    std::fs::write(folder.path().join("index/version"), b"FJL\x09").unwrap();
    for _ in 0..2 {
        let error = Bus::open(folder.path(), BusConfig::default())
            .err()
            .unwrap();
        assert!(matches!(error, BusError::Foreign { .. }), "{error}");
    }
}

#[test]
fn a_file_where_the_log_should_be_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("segments"), "not a folder").unwrap();
    let error = Bus::open(folder.path(), BusConfig::default())
        .err()
        .unwrap();
    assert!(matches!(error, BusError::Io { .. }), "{error}");
}
