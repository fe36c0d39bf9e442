//! A station that cannot wait: into the embedded log first, from there to Kafka.

use std::time::Duration;

use bus::{Bus, BusConfig, Forwarder, Payload, Topic};

use crate::faults::{Random, child, child_config, packet_numbers};
use crate::support::{
    broker, config, headers, json, numbers, packets, read_exactly, texts, wait_for,
};

#[test]
fn what_is_spooled_arrives_in_order_and_the_log_forgets_it() {
    let Some(cluster) = broker() else { return };
    let kafka = Bus::connect(config(cluster)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let log = Bus::open(folder.path(), BusConfig::default()).unwrap();
    let forwarder = Forwarder::start(&log, &kafka).unwrap();
    let producer = log.producer(headers("c")).unwrap();
    for first in (0..100).step_by(10) {
        producer
            .publish(Topic::TmEvents, json(first..first + 10))
            .unwrap();
        producer
            .publish(Topic::TmPackets, Payload::Packets(packets(first, 10)))
            .unwrap();
    }
    producer.complete().unwrap();
    wait_for("completion", || {
        kafka
            .contact("c")
            .unwrap()
            .is_some_and(|contact| contact.complete)
            .then_some(())
    });
    assert!(!forwarder.has_failed());
    let forwarded = forwarder.finish().unwrap();
    assert_eq!(
        (forwarded.blocks, forwarded.records, forwarded.duplicates),
        (20, 200, 0)
    );
    let events = read_exactly(&mut kafka.read_from(Topic::TmEvents, 0, 0).unwrap(), 100);
    assert_eq!(texts(&events), numbers(0..100));
    assert_eq!(*events[0].block.headers, headers("c"));
    let found = packet_numbers(&mut kafka.read_from(Topic::TmPackets, 0, 0).unwrap(), 100);
    assert!(found.into_iter().eq(0..100));
    log.sync().unwrap();
    assert_eq!(log.disk_octets().unwrap(), 0);
}

#[test]
fn a_killed_forwarder_loses_and_doubles_nothing() {
    let Some(cluster) = broker() else { return };
    let config = config(cluster);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let mut random = Random::new();
    for _ in 0..6 {
        let mut station = child("spool::station", &config, place).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(300 + random.below(1_500)));
        let _ = station.kill();
        station.wait().unwrap();
    }
    let status = child("spool::station", &config, place).status().unwrap();
    assert!(status.success());
    let bus = Bus::connect(config).unwrap();
    assert!(bus.contact("recording").unwrap().unwrap().complete);
    let found = packet_numbers(
        &mut bus.read_from(Topic::TmPackets, 0, 0).unwrap(),
        RECORDING,
    );
    assert!(found.iter().copied().eq(0..RECORDING as u64));
}

/// Not a test by itself: the station that is killed.
#[test]
#[ignore = "run by a_killed_forwarder_loses_and_doubles_nothing"]
fn station() {
    let Some(config) = child_config() else { return };
    let folder = std::env::var_os("BUS_TEST_FOLDER").unwrap();
    let log = Bus::open(folder.as_ref(), BusConfig::default()).unwrap();
    let kafka = Bus::connect(config).unwrap();
    let forwarder = Forwarder::start(&log, &kafka).unwrap();
    let producer = log.producer(headers("recording")).unwrap();
    for first in (0..RECORDING).step_by(250) {
        let block = packets(first, 250);
        let published = producer
            .publish(Topic::TmPackets, Payload::Packets(block))
            .unwrap();
        if published == Some(bus::Published::Stored) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    producer.complete().unwrap();
    wait_for("completion", || {
        let contact = kafka.contact("recording").unwrap();
        contact
            .is_some_and(|contact| contact.complete)
            .then_some(())
    });
    forwarder.finish().unwrap();
}

const RECORDING: usize = 100_000;
