use schemas::record::NO_TIME;

use super::*;

type Header = (&'static str, &'static str);

const SHARED: [Header; 5] = [
    ("spacecraft", "noaa20"),
    ("station", "svalbard"),
    ("contact", "c"),
    ("mission-version", "v1"),
    ("sequence", "7"),
];
const PACKET: [Header; 4] = [
    ("time", "2026-11-21T16:43:36.123456Z"),
    ("virtual-channel", "16"),
    ("quality", "good"),
    ("apid", "11"),
];

fn push(
    reader: &mut Reader,
    offset: Offset,
    value: &[u8],
    headers: &[Header],
) -> Result<Option<Record>, CodecError> {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, Some(value.as_bytes())));
    reader.push(offset, None, Some(value), headers)
}

#[test]
fn records_with_the_same_headers_are_one_block_and_holes_are_kept() {
    let mut reader = Reader::new(Topic::TmPackets, 3);
    let headers = [&SHARED[..], &PACKET[..]].concat();
    for offset in [10, 11, 15] {
        assert!(
            push(&mut reader, offset, &[8, 11, 0, 0, 0, 0, 1], &headers)
                .unwrap()
                .is_none()
        );
    }
    let mut other = headers.clone();
    other[2] = ("contact", "d");
    let first = push(&mut reader, 16, &[8, 11, 0, 0, 0, 0, 2], &other)
        .unwrap()
        .unwrap();
    assert_eq!((first.base, first.end, first.len()), (10, 16, 3));
    assert_eq!(first.block.headers.contact, "c");
    assert_eq!(first.block.sequence, 7);
    let Payload::Packets(packets) = &first.block.payload else {
        panic!("not packets")
    };
    assert_eq!(packets.time, [1_795_279_416_123_456; 3]);
    assert_eq!(packets.received, [NO_TIME; 3]);
    assert_eq!(packets.virtual_channel, [16; 3]);
    let second = reader.take().unwrap();
    assert_eq!((second.base, second.end), (16, 17));
    assert_eq!(second.block.headers.contact, "d");
    assert!(reader.take().is_none());
}

#[test]
fn what_is_wrong_is_said_and_what_came_before_stays() {
    let mut reader = Reader::new(Topic::TmPackets, 0);
    let headers = [&SHARED[..], &PACKET[..]].concat();
    let octets = [8, 11, 0, 0, 0, 0, 1];
    push(&mut reader, 0, &octets, &headers).unwrap();
    let without = |name: &str| {
        let kept = headers.iter().filter(|(header, _)| *header != name);
        kept.copied().collect::<Vec<_>>()
    };
    let with = |name: &'static str, value: &'static str| {
        let mut all = without(name);
        all.push((name, value));
        all
    };
    for (headers, says) in [
        (without("spacecraft"), "header spacecraft is missing"),
        (without("sequence"), "header sequence is \"\", not a number"),
        (without("quality"), "header quality is missing"),
        (
            with("quality", "fine"),
            "header quality is \"fine\", not good, corrected, unchecked or bad",
        ),
        (
            with("virtual-channel", "255"),
            "header virtual-channel is \"255\", not a number in its range",
        ),
        (
            with("sequence", "99999999999999999999999"),
            "header sequence is \"99999999999999999999999\", not a number in its range",
        ),
        (
            with("time", "yesterday"),
            "header time is \"yesterday\", not a time as in RFC 3339",
        ),
    ] {
        let error = push(&mut reader, 1, &octets, &headers).unwrap_err();
        assert_eq!(error.to_string(), says);
    }
    let error = push(&mut reader, 1, &[1, 2, 3], &headers).unwrap_err();
    assert_eq!(error.to_string(), "a packet needs 7 octets, 3 are left");
    let error = reader.push(1, None, None, std::iter::empty()).unwrap_err();
    assert_eq!(error.to_string(), "the value is missing");
    assert_eq!(reader.take().unwrap().len(), 1);
}

#[test]
fn an_arrow_stream_that_lies_about_its_lengths_is_refused() {
    let headers = [&SHARED[..], &[("table", "power")]].concat();
    let mut reader = Reader::new(Topic::TmTelemetry, 0);
    for stream in [
        &b""[..],
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\xff\xff\xff\xff\x08\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08",
        b"not Arrow at all",
    ] {
        push(&mut reader, 0, stream, &headers).unwrap_err();
    }
    assert!(reader.is_empty());
}
