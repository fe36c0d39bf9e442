//! What the bus promises, whichever backend stands behind it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use bus::{
    Assignment, BusConfig, BusError, DeadLetter, Headers, Payload, Published, RawRecord, Topic,
};

use crate::support::{
    Backend, PATIENCE, error_of, frames, headers, json, numbers, packets, read, read_exactly,
    texts, wait_for,
};

/// Each function is a test on each backend.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod embedded {
            $(#[test] fn $name() { crate::support::Backend::embedded().iter().for_each(super::$name); })*
        }
        mod kafka {
            $(#[test] fn $name() { crate::support::Backend::kafka().iter().for_each(super::$name); })*
        }
    };
}

on_both! {
    blocks_come_in_order_with_their_headers
    frames_packets_and_rows_come_back_as_they_were
    publishing_a_recording_again_adds_nothing
    a_restart_in_the_middle_goes_on_where_it_stopped
    a_continuing_producer_goes_on
    another_mission_version_is_refused
    two_groups_do_not_disturb_each_other
    a_group_goes_on_where_it_committed
    reading_from_an_offset_begins_there
    a_waiting_consumer_is_woken_by_a_block_and_by_wake
    publishing_blocks_at_its_bound_and_loses_nothing
    a_member_gets_every_partition
    an_unknown_partition_is_named
    dead_letters_are_kept_with_their_reason
    contacts_of_many_threads_do_not_mix
}

fn blocks_come_in_order_with_their_headers(backend: &Backend) {
    let bus = backend.open();
    let producer = bus.producer(headers("c")).unwrap();
    let mut live = bus.subscribe(Topic::TmEvents, 0, "live").unwrap();
    for first in (0..300).step_by(3) {
        let published = producer
            .publish(Topic::TmEvents, json(first..first + 3))
            .unwrap();
        assert_eq!(published, Some(Published::Stored));
    }
    assert_eq!(producer.publish(Topic::TmEvents, json(0..0)).unwrap(), None);
    producer.flush().unwrap();
    let records = read_exactly(&mut live, 300);
    assert_eq!(texts(&records), numbers(0..300));
    for pair in records.windows(2) {
        assert!(pair[0].end <= pair[1].base && pair[0].base < pair[0].end);
        assert!(pair[0].block.sequence < pair[1].block.sequence);
    }
    for record in &records {
        assert_eq!(*record.block.headers, headers("c"));
        assert_eq!((record.topic, record.partition), (Topic::TmEvents, 0));
    }
    assert_eq!(live.position(), records.last().unwrap().end);
    assert!(live.position() <= bus.end_offset(Topic::TmEvents, 0).unwrap());
    assert_eq!(bus.start_offset(Topic::TmEvents, 0).unwrap(), 0);
}

fn frames_packets_and_rows_come_back_as_they_were(backend: &Backend) {
    let bus = backend.open();
    let producer = bus.producer(headers("c")).unwrap();
    let schema = Schema::new(vec![
        Field::new("v", DataType::Int64, true).with_metadata([("unit".into(), "V".into())].into()),
        Field::new("mode", DataType::Utf8, true),
    ]);
    let batch = RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
            Arc::new(StringArray::from(vec!["safe", "nominal", ""])),
        ],
    )
    .unwrap();
    let rows = Payload::Telemetry {
        table: "power".into(),
        batch,
    };
    for (topic, payload) in [
        (Topic::TmFrames, Payload::Frames(frames(0, 40))),
        (Topic::TmPackets, Payload::Packets(packets(0, 1_000))),
        (Topic::TmTelemetry, rows),
    ] {
        producer.publish(topic, payload.clone()).unwrap();
        producer.flush().unwrap();
        let mut subscription = bus.read_from(topic, 0, 0).unwrap();
        let records = read_exactly(&mut subscription, payload.len());
        let whole: Vec<_> = records.iter().map(|record| &record.block.payload).collect();
        assert_eq!(whole, [&payload]);
    }
}

fn publishing_a_recording_again_adds_nothing(backend: &Backend) {
    for round in 0..3 {
        let bus = backend.open();
        let producer = bus.producer(headers("c")).unwrap();
        for first in 0..50 {
            let published = producer
                .publish(Topic::TmEvents, json(first..first + 1))
                .unwrap();
            assert_eq!(published == Some(Published::Duplicate), round > 0);
        }
        let other = bus.producer(headers("other")).unwrap();
        let published = other.publish(Topic::TmEvents, json(0..1)).unwrap();
        assert_eq!(published == Some(Published::Duplicate), round > 0);
        producer.complete().unwrap();
        other.flush().unwrap();
        assert!(bus.contact("c").unwrap().unwrap().complete);
        assert!(!bus.contact("other").unwrap().unwrap().complete);
        assert_eq!(bus.contact("third").unwrap(), None);
        read_exactly(&mut bus.read_from(Topic::TmEvents, 0, 0).unwrap(), 51);
    }
}

fn a_restart_in_the_middle_goes_on_where_it_stopped(backend: &Backend) {
    {
        let bus = backend.open();
        let producer = bus.producer(headers("c")).unwrap();
        for first in (0..70).step_by(10) {
            producer
                .publish(Topic::TmEvents, json(first..first + 10))
                .unwrap();
        }
        producer.flush().unwrap();
    }
    let bus = backend.open();
    let producer = bus.producer(headers("c")).unwrap();
    let duplicates = (0..200)
        .step_by(10)
        .filter(|first| {
            let published = producer
                .publish(Topic::TmEvents, json(*first..first + 10))
                .unwrap();
            published == Some(Published::Duplicate)
        })
        .count();
    assert_eq!(duplicates, 7);
    producer.complete().unwrap();
    let records = read_exactly(&mut bus.read_from(Topic::TmEvents, 0, 0).unwrap(), 200);
    assert_eq!(texts(&records), numbers(0..200));
}

fn a_continuing_producer_goes_on(backend: &Backend) {
    let bus = backend.open();
    for round in 0..3 {
        let producer = bus.continuing_producer(headers("control")).unwrap();
        let published = producer
            .publish(Topic::OpsJobs, json(round..round + 1))
            .unwrap();
        assert_eq!(published, Some(Published::Stored));
        producer.flush().unwrap();
    }
    let records = read_exactly(&mut bus.read_from(Topic::OpsJobs, 0, 0).unwrap(), 3);
    assert_eq!(texts(&records), numbers(0..3));
}

fn another_mission_version_is_refused(backend: &Backend) {
    let bus = backend.open();
    drop(bus.producer(headers("c")).unwrap());
    let newer = Headers {
        mission_version: "v2".into(),
        ..headers("c")
    };
    let error = error_of(bus.producer(newer));
    assert!(
        matches!(&error, BusError::MissionVersion { stored, given, .. } if stored == "v1" && given == "v2"),
        "{error}"
    );
}

fn two_groups_do_not_disturb_each_other(backend: &Backend) {
    let bus = backend.open();
    let producer = bus.producer(headers("c")).unwrap();
    let mut fast = bus.subscribe(Topic::TmEvents, 0, "fast").unwrap();
    producer.publish(Topic::TmEvents, json(0..10)).unwrap();
    producer.publish(Topic::TmEvents, json(10..20)).unwrap();
    producer.flush().unwrap();
    read_exactly(&mut fast, 20);
    fast.commit(fast.position()).unwrap();
    let mut slow = bus.subscribe(Topic::TmEvents, 0, "slow").unwrap();
    assert_eq!(texts(&read_exactly(&mut slow, 20)), numbers(0..20));
}

fn a_group_goes_on_where_it_committed(backend: &Backend) {
    let committed;
    {
        let bus = backend.open();
        let producer = bus.producer(headers("c")).unwrap();
        producer.publish(Topic::TmEvents, json(0..10)).unwrap();
        producer.flush().unwrap();
        let mut group = bus.subscribe(Topic::TmEvents, 0, "ingest").unwrap();
        committed = read_exactly(&mut group, 10).last().unwrap().end;
        group.commit(committed).unwrap();
        producer.publish(Topic::TmEvents, json(10..30)).unwrap();
        producer.flush().unwrap();
        // Taken and not committed: it comes again.
        read(&mut group, 20);
        bus.sync().unwrap();
    }
    let bus = backend.open();
    let mut group = bus.subscribe(Topic::TmEvents, 0, "ingest").unwrap();
    assert_eq!(group.position(), committed);
    assert_eq!(texts(&read_exactly(&mut group, 20)), numbers(10..30));
}

fn reading_from_an_offset_begins_there(backend: &Backend) {
    let bus = backend.open();
    let producer = bus.producer(headers("c")).unwrap();
    let mut live = bus.subscribe(Topic::TmEvents, 0, "live").unwrap();
    let mut ends = Vec::new();
    for first in (0..50).step_by(10) {
        producer
            .publish(Topic::TmEvents, json(first..first + 10))
            .unwrap();
        producer.flush().unwrap();
        ends.push(read(&mut live, 10)[0].end);
    }
    let mut late = bus.read_from(Topic::TmEvents, 0, ends[2]).unwrap();
    assert_eq!(late.position(), ends[2]);
    let records = read_exactly(&mut late, 20);
    assert!(records[0].base >= ends[2]);
    assert_eq!(texts(&records), numbers(30..50));
}

fn a_waiting_consumer_is_woken_by_a_block_and_by_wake(backend: &Backend) {
    let bus = backend.open();
    let producer = bus.producer(headers("c")).unwrap();
    let mut waiting = bus.subscribe(Topic::TmEvents, 0, "waiting").unwrap();
    let started = Instant::now();
    let thread = std::thread::spawn(move || {
        let record = waiting.poll(PATIENCE).unwrap();
        let woken = waiting.poll(PATIENCE).unwrap();
        (record.is_some(), woken.is_none())
    });
    std::thread::sleep(Duration::from_millis(200));
    producer.publish(Topic::TmEvents, json(0..1)).unwrap();
    // Visible by itself, without a flush.
    std::thread::sleep(Duration::from_secs(2));
    bus.wake();
    assert_eq!(thread.join().unwrap(), (true, true));
    assert!(started.elapsed() < PATIENCE / 2);
}

fn publishing_blocks_at_its_bound_and_loses_nothing(backend: &Backend) {
    let embedded = BusConfig {
        unconsumed_octets_max: 200_000,
        ..BusConfig::default()
    };
    let bus = backend.open_with(|config| config.in_flight_octets_max = 1 << 20, embedded);
    let producer = bus.producer(headers("c")).unwrap();
    let mut slow = bus.subscribe(Topic::TmEvents, 0, "slow").unwrap();
    let large = || Payload::Json(vec!["x".repeat(10_000); 20]);
    let publisher = std::thread::spawn(move || {
        for _ in 0..100 {
            producer.publish(Topic::TmEvents, large()).unwrap();
        }
        producer.flush().unwrap();
    });
    read_exactly_after(&mut slow, 2_000, || publisher.join().unwrap());
}

fn read_exactly_after(slow: &mut bus::Subscription, records: usize, end: impl FnOnce()) {
    let all = read(slow, records);
    end();
    let seen: usize = all.iter().map(|record| record.len()).sum();
    assert_eq!(seen, records);
    wait_for("the end", || {
        assert_eq!(slow.poll(Duration::from_millis(20)).unwrap(), None);
        slow.at_end().then_some(())
    });
}

fn a_member_gets_every_partition(backend: &Backend) {
    let bus = backend.open_with(|config| config.partitions = 3, BusConfig::default());
    let topics = [Topic::TmEvents, Topic::TmPackets];
    for spacecraft in ["a", "b", "c", "d", "e"] {
        let headers = Headers {
            spacecraft: spacecraft.into(),
            ..headers(&format!("contact-{spacecraft}"))
        };
        let producer = bus.producer(headers).unwrap();
        producer.publish(Topic::TmEvents, json(0..10)).unwrap();
        producer.flush().unwrap();
    }
    let places: usize = topics
        .iter()
        .map(|topic| bus.partitions(*topic).unwrap() as usize)
        .sum();
    let mut member = bus.join(&topics, "members").unwrap();
    let mut subscriptions = BTreeMap::new();
    wait_for("all partitions", || {
        match member.poll(Duration::from_millis(200)).unwrap() {
            Some(Assignment::Assigned(subscription)) => {
                let place = (subscription.topic(), subscription.partition());
                assert!(subscriptions.insert(place, subscription).is_none());
            }
            Some(_) => panic!("nobody else is in the group"),
            None => {}
        }
        (subscriptions.len() == places).then_some(())
    });
    let mut seen = BTreeMap::new();
    wait_for("all records", || {
        member.poll(Duration::ZERO).unwrap();
        for subscription in subscriptions.values_mut() {
            if let Some(record) = subscription.poll(Duration::from_millis(20)).unwrap() {
                let contact = record.block.headers.contact.clone();
                *seen.entry(contact).or_insert(0) += record.len();
                subscription.commit(record.end).unwrap();
            }
        }
        (seen.values().sum::<usize>() >= 50).then_some(())
    });
    assert_eq!(seen.len(), 5);
    assert!(seen.values().all(|records| *records == 10), "{seen:?}");
}

fn an_unknown_partition_is_named(backend: &Backend) {
    let bus = backend.open();
    let error = error_of(bus.subscribe(Topic::TmEvents, 7, "group"));
    assert_eq!(error.to_string(), "tm.events has no partition 7; it has 1");
}

fn dead_letters_are_kept_with_their_reason(backend: &Backend) {
    let bus = backend.open();
    let letter = |offset| DeadLetter {
        topic: Topic::TmPackets,
        partition: 2,
        offset,
        reason: "header quality is missing".into(),
        record: RawRecord {
            key: Some(b"noaa20".to_vec()),
            value: vec![0xca, 0xfe],
            headers: vec![("station".into(), b"svalbard".to_vec())],
        },
    };
    bus.dead_letter(&[]).unwrap();
    bus.dead_letter(&[letter(5), letter(6)]).unwrap();
    bus.dead_letter(&[letter(9)]).unwrap();
    let records = read_exactly(&mut bus.read_from(Topic::DeadLetters, 0, 0).unwrap(), 3);
    let found: Vec<serde_json::Value> = texts(&records)
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    assert_eq!(found[0]["topic"], "tm.packets");
    assert_eq!(found[0]["partition"], 2);
    assert_eq!(found[0]["reason"], "header quality is missing");
    assert_eq!(found[0]["value"], "cafe");
    assert_eq!(found[0]["headers"]["station"], "svalbard");
    let offsets: Vec<_> = found
        .iter()
        .map(|letter| letter["offset"].as_u64().unwrap())
        .collect();
    assert_eq!(offsets, [5, 6, 9]);
}

fn contacts_of_many_threads_do_not_mix(backend: &Backend) {
    let bus = backend.open();
    std::thread::scope(|scope| {
        for contact in 0..4 {
            let bus = &bus;
            scope.spawn(move || {
                let producer = bus.producer(headers(&format!("c{contact}"))).unwrap();
                for first in (0..2_000).step_by(100) {
                    let block = packets(contact * 10_000 + first, 100);
                    producer
                        .publish(Topic::TmPackets, Payload::Packets(block))
                        .unwrap();
                }
                producer.complete().unwrap();
            });
        }
    });
    let records = read_exactly(&mut bus.read_from(Topic::TmPackets, 0, 0).unwrap(), 8_000);
    let mut next = BTreeMap::new();
    for record in records {
        let Payload::Packets(block) = &record.block.payload else {
            panic!("not packets")
        };
        for index in 0..block.len() {
            let octets = block.packet(index)[6..14].try_into().unwrap();
            let number = u64::from_be_bytes(octets);
            let contact = format!("c{}", number / 10_000);
            assert_eq!(record.block.headers.contact, contact);
            let expected = next.entry(contact).or_insert(number / 10_000 * 10_000);
            assert_eq!(number, *expected);
            *expected += 1;
        }
    }
}
