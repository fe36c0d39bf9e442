//! Consumer groups whose members come and go.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::{Assignment, Bus, BusError, KafkaConfig, Payload, Subscription, Topic};

use crate::support::{broker, config, headers, packets, wait_for};

/// Sets a flag when it goes, on a failure too.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// How often each packet was committed, by its number.
type Counts = Arc<Mutex<BTreeMap<u64, usize>>>;

/// A member with a worker for each partition: takes a block, then commits it and counts it.
fn consume(bus: &Bus, counts: &Counts, stop: &AtomicBool, held: &Mutex<usize>) {
    let mut member = bus.join(&[Topic::TmPackets], "workers").unwrap();
    std::thread::scope(|scope| {
        while !stop.load(Ordering::Acquire) {
            match member.poll(Duration::from_millis(50)).unwrap() {
                Some(Assignment::Assigned(subscription)) => {
                    *held.lock().unwrap() += 1;
                    scope.spawn(|| work(subscription, counts, stop));
                }
                Some(Assignment::Revoked(..) | Assignment::Lost(..)) => {
                    *held.lock().unwrap() -= 1;
                }
                None => {}
            }
        }
    });
}

fn work(mut subscription: Subscription, counts: &Counts, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let record = match subscription.poll(Duration::from_millis(50)) {
            Ok(Some(record)) => record,
            Ok(None) => continue,
            Err(BusError::Revoked { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        // A revocation may come in between; then the commit counts, or this block does not.
        std::thread::sleep(Duration::from_millis(5));
        match subscription.commit(record.end) {
            Ok(()) => {}
            Err(BusError::Revoked { .. }) => return,
            Err(error) => panic!("{error}"),
        }
        let Payload::Packets(block) = &record.block.payload else {
            panic!("not packets")
        };
        let mut counts = counts.lock().unwrap();
        for index in 0..block.len() {
            let octets = block.packet(index)[6..14].try_into().unwrap();
            *counts.entry(u64::from_be_bytes(octets)).or_default() += 1;
        }
    }
}

#[test]
fn members_share_partitions_and_hand_them_over_without_loss() {
    let Some(cluster) = broker() else { return };
    let config = KafkaConfig {
        partitions: 4,
        ..config(cluster)
    };
    let bus = Bus::connect(config).unwrap();
    let counts = Counts::default();
    let (stop, stop_second) = (AtomicBool::new(false), AtomicBool::new(false));
    let (first, second) = (Mutex::new(0), Mutex::new(0));
    std::thread::scope(|scope| {
        // Else a failure would wait for the others for ever.
        let _ends = (Ends(&stop), Ends(&stop_second));
        let publisher = scope.spawn(|| publish(&bus));
        scope.spawn(|| consume(&bus, &counts, &stop, &first));
        wait_for("all partitions", || {
            (*first.lock().unwrap() == 4).then_some(())
        });
        let joined = scope.spawn(|| consume(&bus, &counts, &stop_second, &second));
        wait_for("a fair share", || {
            (*first.lock().unwrap() == 2 && *second.lock().unwrap() == 2).then_some(())
        });
        stop_second.store(true, Ordering::Release);
        joined.join().unwrap();
        wait_for("all partitions again", || {
            (*first.lock().unwrap() == 4).then_some(())
        });
        publisher.join().unwrap();
        wait_for("every packet", || {
            (counts.lock().unwrap().len() == PACKETS).then_some(())
        });
        stop.store(true, Ordering::Release);
    });
    let counts = counts.lock().unwrap();
    assert!(
        counts.values().all(|count| *count == 1),
        "packets were committed twice"
    );
}

/// Eight spacecraft, a block of each every 50 ms.
fn publish(bus: &Bus) {
    let producers: Vec<_> = (0..8)
        .map(|number| {
            let mut headers = headers(&format!("contact-{number}"));
            headers.spacecraft = format!("sat-{number}");
            bus.producer(headers).unwrap()
        })
        .collect();
    for round in 0..ROUNDS {
        for (number, producer) in producers.iter().enumerate() {
            let mut block = packets((round * 8 + number) * 10, 10);
            block.spacecraft = schemas::record::SpacecraftName::new(&format!("sat-{number}"));
            producer
                .publish(Topic::TmPackets, Payload::Packets(block))
                .unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    for producer in &producers {
        producer.flush().unwrap();
    }
}

const ROUNDS: usize = 100;
const PACKETS: usize = ROUNDS * 80;
