//! Other programs on the same topics: they read what the bus writes, and write what it cannot read.

use std::time::Duration;

use bus::{Bus, BusError, KafkaConfig, Payload, Record, Subscription, Topic};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::support::{broker, config, headers, json, packets, read_exactly, wait_for};

/// A header's name and value.
type Pair<'a> = (&'a str, &'a [u8]);

fn plain_producer(config: &KafkaConfig) -> BaseProducer {
    ClientConfig::new()
        .set("bootstrap.servers", config.bootstrap_servers.join(","))
        .create()
        .unwrap()
}

fn send(config: &KafkaConfig, topic: Topic, value: Option<&[u8]>, headers: &[Pair]) {
    let producer = plain_producer(config);
    let topic = format!("{}{topic}", config.topic_prefix);
    let mut all = OwnedHeaders::new();
    for (key, value) in headers {
        all = all.insert(Header {
            key,
            value: Some(*value),
        });
    }
    let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&topic).partition(0).headers(all);
    record.payload = value;
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
}

#[test]
fn any_client_sees_the_packet_as_it_is_and_readable_headers() {
    let Some(cluster) = broker() else { return };
    let config = config(cluster);
    let bus = Bus::connect(config.clone()).unwrap();
    let producer = bus.producer(headers("pass-7")).unwrap();
    let block = packets(0, 2);
    let octets = block.packet(1).to_vec();
    producer
        .publish(Topic::TmPackets, Payload::Packets(block))
        .unwrap();
    producer.flush().unwrap();
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", config.bootstrap_servers.join(","))
        .set("group.id", "some-other-program")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    let name = format!("{}tm.packets", config.topic_prefix);
    list.add_partition_offset(&name, 0, rdkafka::Offset::Offset(1))
        .unwrap();
    consumer.assign(&list).unwrap();
    let message = wait_for("a message", || {
        consumer
            .poll(Duration::from_millis(200))
            .map(Result::unwrap)
    });
    assert_eq!(message.key().unwrap(), b"noaa20");
    assert_eq!(message.payload().unwrap(), octets);
    let seen: Vec<String> = message
        .headers()
        .unwrap()
        .iter()
        .map(|header| {
            let text = std::str::from_utf8(header.value.unwrap()).unwrap();
            format!("{}={text}", header.key)
        })
        .collect();
    assert_eq!(
        seen,
        [
            "spacecraft=noaa20",
            "station=svalbard",
            "contact=pass-7",
            "mission-version=v1",
            "sequence=0",
            "apid=11",
            "time=2026-11-21T16:43:36.124457Z",
            "received=2026-11-21T16:43:36.374457Z",
            "virtual-channel=16",
            "quality=corrected",
        ]
    );
}

/// Everything that comes, good or not, until the end.
fn everything(subscription: &mut Subscription) -> (Vec<std::sync::Arc<Record>>, Vec<BusError>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    wait_for("the end", || {
        match subscription.poll(Duration::from_millis(200)) {
            Ok(Some(record)) => good.push(record),
            Ok(None) => {}
            Err(error) => bad.push(error),
        }
        subscription.at_end().then_some(())
    });
    (good, bad)
}

#[test]
fn records_that_cannot_be_read_are_named_and_the_rest_goes_on() {
    let Some(cluster) = broker() else { return };
    let config = config(cluster);
    let bus = Bus::connect(config.clone()).unwrap();
    let producer = bus.producer(headers("c")).unwrap();
    let publish = |first| {
        producer
            .publish(Topic::TmPackets, Payload::Packets(packets(first, 10)))
            .unwrap();
        producer.flush().unwrap();
    };
    publish(0);
    let foreign: &[(Option<&[u8]>, &[Pair])] = &[
        (Some(b"hello from another program"), &[]),
        (None, &[("spacecraft", b"noaa20")]),
        (
            Some(b"\x08\x0b\xc0\x00\x00\x00\x01"),
            &[
                ("spacecraft", b"noaa20"),
                ("sequence", b"-1"),
                ("quality", b"good"),
            ],
        ),
        (
            Some(b"\x08\x0b\xc0\x00\x00\x00\x01"),
            &[
                ("spacecraft", b"\xff\xfe"),
                ("sequence", b"1"),
                ("quality", b"good"),
            ],
        ),
        (
            Some(b""),
            &[
                ("spacecraft", b"noaa20"),
                ("sequence", b"1"),
                ("quality", b"good"),
            ],
        ),
    ];
    for (value, headers) in foreign {
        send(&config, Topic::TmPackets, *value, headers);
    }
    publish(10);
    let mut subscription = bus.subscribe(Topic::TmPackets, 0, "ingest").unwrap();
    let (good, bad) = everything(&mut subscription);
    let records: usize = good.iter().map(|record| record.len()).sum();
    assert_eq!(records, 20);
    assert_eq!(bad.len(), foreign.len(), "{bad:?}");
    let mut last = good[0].end - 1;
    for (error, (value, _)) in bad.iter().zip(foreign) {
        let BusError::Unreadable(letter) = error else {
            panic!("{error}")
        };
        assert!(letter.offset > last && !letter.reason.is_empty());
        last = letter.offset;
        assert_eq!(letter.record.value, value.unwrap_or_default());
        let said = error.to_string();
        let named = format!("tm.packets partition 0 offset {}", letter.offset);
        assert!(said.starts_with(&named), "{said}");
        bus.dead_letter(std::slice::from_ref(letter)).unwrap();
    }
    subscription.commit(subscription.position()).unwrap();
    let letters = read_exactly(
        &mut bus.read_from(Topic::DeadLetters, 0, 0).unwrap(),
        bad.len(),
    );
    assert_eq!(
        letters.iter().map(|record| record.len()).sum::<usize>(),
        bad.len()
    );
}

#[test]
fn rows_that_were_cut_off_are_named_and_the_rest_goes_on() {
    let Some(cluster) = broker() else { return };
    let config = config(cluster);
    let bus = Bus::connect(config.clone()).unwrap();
    // The topic exists once it is used.
    bus.partitions(Topic::TmTelemetry).unwrap();
    let headers: &[Pair] = &[
        ("spacecraft", b"noaa20"),
        ("sequence", b"0"),
        ("table", b"power"),
    ];
    let huge = [&[0xff; 4][..], &[0xff, 0xff, 0xff, 0x7f], &[0; 16]].concat();
    for value in [&b"ARROW1"[..], &[0xff; 8], &huge, b""] {
        send(&config, Topic::TmTelemetry, Some(value), headers);
    }
    let (good, bad) = everything(&mut bus.read_from(Topic::TmTelemetry, 0, 0).unwrap());
    assert_eq!((good.len(), bad.len()), (0, 4), "{bad:?}");
}

#[test]
fn a_topic_with_other_settings_is_used_as_it_is() {
    let Some(cluster) = broker() else { return };
    let first = Bus::connect(config(cluster)).unwrap();
    first.partitions(Topic::TmEvents).unwrap();
    drop(first);
    let config = config(cluster);
    let one = Bus::connect(config.clone()).unwrap();
    assert_eq!(one.partitions(Topic::TmEvents).unwrap(), 1);
    let other = Bus::connect(KafkaConfig {
        partitions: 5,
        ..config
    })
    .unwrap();
    assert_eq!(other.partitions(Topic::TmEvents).unwrap(), 1);
    let producer = other.producer(headers("c")).unwrap();
    producer.publish(Topic::TmEvents, json(0..5)).unwrap();
    producer.flush().unwrap();
    read_exactly(&mut one.read_from(Topic::TmEvents, 0, 0).unwrap(), 5);
}
