//! How fast packets go to one broker on this machine and back; run with `--ignored --nocapture`.

use std::time::Instant;

use bus::{Bus, Payload, Topic};

use crate::support::{broker, config, headers, packets, read_exactly};

#[test]
#[ignore = "a measurement"]
fn packets_of_71_octets() {
    let Some(cluster) = broker() else { return };
    let bus = Bus::connect(config(cluster)).unwrap();
    let producer = bus.producer(headers("c")).unwrap();
    let blocks: Vec<_> = (0..PACKETS)
        .step_by(4_000)
        .map(|first| packets(first, 4_000))
        .collect();
    let started = Instant::now();
    for block in blocks {
        producer
            .publish(Topic::TmPackets, Payload::Packets(block))
            .unwrap();
    }
    producer.flush().unwrap();
    let published = started.elapsed();
    let started = Instant::now();
    let mut subscription = bus.read_from(Topic::TmPackets, 0, 0).unwrap();
    read_exactly(&mut subscription, PACKETS);
    let consumed = started.elapsed();
    let rate = |elapsed: std::time::Duration| (PACKETS as f64 / elapsed.as_secs_f64()).round();
    eprintln!(
        "published {} packets/s, consumed {} packets/s",
        rate(published),
        rate(consumed)
    );
}

const PACKETS: usize = 1_000_000;
