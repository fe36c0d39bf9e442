use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use proptest::prelude::*;
use schemas::record::NO_TIME;

use super::*;

fn headers() -> Arc<Headers> {
    Arc::new(Headers {
        spacecraft: "noaa20".into(),
        station: String::new(),
        contact: "c-1".into(),
        mission_version: "v1".into(),
    })
}

fn packets(sizes: &[usize]) -> Payload {
    let mut block = PacketBlock::new(SpacecraftName::new("noaa20"));
    for (index, size) in sizes.iter().enumerate() {
        block
            .data
            .extend((0..*size).map(|octet| (octet + index) as u8));
        block.offsets.push(block.data.len() as i32);
        block.time.push(if index == 1 {
            NO_TIME
        } else {
            index as i64 * 1_000
        });
        block.received.push(index as i64);
        block.virtual_channel.push(16);
        block.quality.push(0);
    }
    Payload::Packets(block)
}

fn frames(count: usize) -> Payload {
    let mut block = FrameBlock::new(SpacecraftName::new("noaa20"));
    for index in 0..count {
        block.data.extend([index as u8; 7]);
        block.offsets.push(block.data.len() as i32);
        block.received.push(NO_TIME);
        block.virtual_channel.push(6);
        block.frame_count.push(0x00ff_fff0 + index as u32);
        block.quality.push(1);
        block.corrected_symbols.push(300);
    }
    Payload::Frames(block)
}

fn telemetry() -> Payload {
    let schema = Schema::new(vec![
        Field::new("a", DataType::Int64, true).with_metadata([("unit".into(), "V".into())].into()),
        Field::new("b", DataType::Utf8, true),
    ]);
    let batch = RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
            Arc::new(StringArray::from(vec!["x", "yy", ""])),
        ],
    );
    Payload::Telemetry {
        table: "attitude".into(),
        batch: batch.unwrap(),
    }
}

fn every_kind() -> Vec<Block> {
    let json = Payload::Json(vec!["{}".into(), "{\"a\":\"\u{e9}\"}".into()]);
    [packets(&[7, 65_542, 9]), frames(5), telemetry(), json]
        .into_iter()
        .map(|payload| Block {
            headers: headers(),
            sequence: 9,
            payload,
        })
        .collect()
}

#[test]
fn every_kind_of_block_comes_back() {
    for block in every_kind() {
        let octets = encode_block(&block).unwrap();
        assert_eq!(decode_block(&octets).unwrap(), block);
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_an_error() {
    for block in every_kind() {
        let octets = encode_block(&block).unwrap();
        let positions = (0..octets.len()).step_by(1 + octets.len() / 150);
        for position in positions {
            for bit in 0..8 {
                let mut damaged = octets.clone();
                damaged[position] ^= 1 << bit;
                assert!(matches!(
                    decode_block(&damaged),
                    Err(CodecError::Checksum { .. })
                ));
            }
            assert!(decode_block(&octets[..position]).is_err());
        }
    }
}

#[test]
fn lengths_that_lie_are_errors_even_with_a_right_checksum() {
    for block in every_kind() {
        let octets = encode_block(&block).unwrap();
        let body = &octets[..octets.len() - 8];
        // The fixed part, the texts and the start of the columns: wherever a length may stand.
        for position in 0..body.len().min(120) {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut lie = body.to_vec();
                lie[position] = value;
                let checksum = xxh3_64(&lie);
                lie.extend(checksum.to_le_bytes());
                // Whatever comes out, it comes without a panic and says the same when written.
                if let Ok(decoded) = decode_block(&lie) {
                    assert!(encode_block(&decoded).is_ok(), "octet {position} = {value}");
                }
            }
        }
    }
}

#[test]
fn blocks_that_cannot_be_stored_are_refused() {
    let block = |payload| Block {
        headers: headers(),
        sequence: 0,
        payload,
    };
    let too_many = packets(&vec![7; BLOCK_RECORDS_MAX + 1]);
    assert!(matches!(
        encode_block(&block(too_many)),
        Err(CodecError::Records { .. })
    ));
    assert!(matches!(
        encode_block(&block(Payload::Json(Vec::new()))),
        Err(CodecError::Records { got: 0, .. })
    ));
    let Payload::Packets(mut uneven) = packets(&[7, 7]) else {
        unreachable!()
    };
    uneven.quality.pop();
    assert!(matches!(
        encode_block(&block(Payload::Packets(uneven))),
        Err(CodecError::Inconsistent {
            what: "quality",
            expected: 2,
            got: 1
        })
    ));
    let Payload::Packets(mut foreign) = packets(&[7]) else {
        unreachable!()
    };
    foreign.spacecraft = SpacecraftName::new("jpss1");
    assert!(matches!(
        encode_block(&block(Payload::Packets(foreign))),
        Err(CodecError::Spacecraft { .. })
    ));
}

proptest! {
    #[test]
    fn any_packets_come_back(sizes in prop::collection::vec(0_usize..300, 1..200)) {
        let block = Block { headers: headers(), sequence: 1, payload: packets(&sizes) };
        prop_assert_eq!(decode_block(&encode_block(&block).unwrap()).unwrap(), block);
    }

    #[test]
    fn any_octets_decode_or_not_without_a_panic(
        mut octets in prop::collection::vec(any::<u8>(), 0..400),
        kind in 1_u8..5,
    ) {
        let _ = decode_block(&octets);
        if octets.len() > 16 {
            octets[0] = FORMAT;
            octets[1] = kind;
            octets[5..8].fill(0);
            let checksum = xxh3_64(&octets);
            octets.extend(checksum.to_le_bytes());
            let _ = decode_block(&octets);
        }
    }
}
