use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use space_link::reed_solomon::{Basis, Code, ReedSolomon};

use super::*;
use crate::truth::Truth;

const START: i64 = 1_795_000_000_000_000;
const ZONE: usize = 880;

fn run(config: &PassConfig) -> (Vec<u8>, Truth) {
    let mut pass = Pass::new(config.clone()).unwrap();
    let octets = pass.by_ref().flatten().collect();
    (octets, pass.truth())
}

fn short(seed: u64) -> PassConfig {
    PassConfig {
        duration_s: 400,
        ..PassConfig::new(seed, 81, START)
    }
}

/// What a receiver finds that knows nothing of the encoder but the mission's parameters.
#[derive(Debug, Default, PartialEq)]
struct Found {
    frames: u64,
    clean: u64,
    corrected: u64,
    symbols: u64,
    uncorrectable: u64,
    /// Whole frames, gaps and frames missing by virtual channel.
    channels: BTreeMap<u8, (u64, u64, u64)>,
    /// Packets by APID, in order.
    packets: BTreeMap<u16, Vec<Vec<u8>>>,
}

/// Sequence of 131.0-B-5 10.4.1, written out here once more.
fn randomiser() -> Vec<u8> {
    let mut register = [true; 8];
    (0..1_020)
        .map(|_| {
            (0..8).fold(0, |octet, _| {
                let bit = register[0];
                let feedback = register[0] ^ register[3] ^ register[5] ^ register[7];
                register.rotate_left(1);
                register[7] = feedback;
                octet << 1 | u8::from(bit)
            })
        })
        .collect()
}

fn receive(octets: &[u8], offset: u32, inverted: bool) -> Found {
    let code = ReedSolomon::new(Code::Rs255_223, Basis::Dual, 4, 0).unwrap();
    let sequence = randomiser();
    let mut found = Found::default();
    let mut counts: BTreeMap<u8, u32> = BTreeMap::new();
    let mut partial: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    let flip = if inverted { 0xFF } else { 0 };
    let bit = |at: usize| (octets[at / 8] ^ flip) >> (7 - at % 8) & 1;
    let frames = (octets.len() * 8 - offset as usize) / 8 / 1_024;
    for frame in 0..frames {
        let from = offset as usize + frame * 8_192;
        let cadu: Vec<u8> = (0..1_024)
            .map(|octet| (0..8).fold(0, |value, index| value << 1 | bit(from + octet * 8 + index)))
            .collect();
        let mut block: Vec<u8> = cadu[4..]
            .iter()
            .zip(&sequence)
            .map(|(a, b)| a ^ b)
            .collect();
        let correction = code.correct(&mut block);
        found.frames += 1;
        found.clean += u64::from(correction.clean);
        found.corrected += u64::from(correction.corrected);
        found.symbols += u64::from(correction.symbols);
        found.uncorrectable += u64::from(correction.uncorrectable);
        if correction.uncorrectable > 0 {
            continue;
        }
        assert_eq!(block[0] >> 6, 1, "AOS version");
        assert_eq!(u16::from_be_bytes([block[0], block[1]]) >> 6 & 0xFF, 81);
        let vcid = block[1] & 0x3F;
        let count = u32::from_be_bytes([0, block[2], block[3], block[4]]);
        let channel = found.channels.entry(vcid).or_default();
        channel.0 += 1;
        if let Some(last) = counts.insert(vcid, count) {
            let missing = count - last - 1;
            channel.1 += u64::from(missing > 0);
            channel.2 += u64::from(missing);
            if missing > 0 {
                partial.remove(&vcid);
            }
        }
        let pointer = usize::from(u16::from_be_bytes([block[6], block[7]]) & 0x7FF);
        let zone = &block[8..8 + ZONE];
        if pointer == 0x7FE {
            assert_eq!(vcid, 63);
            continue;
        }
        demultiplex(
            partial.entry(vcid).or_default(),
            zone,
            pointer,
            &mut found.packets,
        );
    }
    found
}

fn demultiplex(
    partial: &mut Vec<u8>,
    zone: &[u8],
    pointer: usize,
    packets: &mut BTreeMap<u16, Vec<Vec<u8>>>,
) {
    if pointer == 0x7FF {
        if !partial.is_empty() {
            partial.extend(zone);
        }
        return;
    }
    if !partial.is_empty() {
        partial.extend(&zone[..pointer]);
        assert_eq!(
            take(partial, packets),
            partial.len(),
            "the pointer is where the packet ends"
        );
    }
    let used = take(&zone[pointer..], packets);
    *partial = zone[pointer + used..].to_vec();
}

/// Takes whole packets from the front; says how many octets they have.
fn take(octets: &[u8], packets: &mut BTreeMap<u16, Vec<Vec<u8>>>) -> usize {
    let mut used = 0;
    while let Some(header) = octets[used..].first_chunk::<6>() {
        let length = usize::from(u16::from_be_bytes([header[4], header[5]])) + 7;
        let Some(packet) = octets[used..].get(..length) else {
            break;
        };
        let apid = u16::from_be_bytes([header[0], header[1]]) & 0x7FF;
        packets.entry(apid).or_default().push(packet.to_vec());
        used += length;
    }
    used
}

fn compare(found: &Found, truth: &Truth) {
    assert_eq!(found.frames, truth.frames_sent());
    assert_eq!(found.clean, truth.codewords_clean);
    assert_eq!(found.corrected, truth.codewords_correctable);
    assert_eq!(found.symbols, truth.symbols_correctable);
    assert_eq!(found.uncorrectable, truth.codewords_uncorrectable);
    let channels: BTreeMap<u8, (u64, u64, u64)> = truth
        .virtual_channels
        .iter()
        .filter(|(_, channel)| channel.frames_whole > 0)
        .map(|(&vcid, channel)| {
            (
                vcid,
                (channel.frames_whole, channel.gaps, channel.frames_missing),
            )
        })
        .collect();
    assert_eq!(found.channels, channels);
    let mut packets: BTreeMap<u16, u64> = found
        .packets
        .iter()
        .map(|(&apid, packets)| (apid, packets.len() as u64))
        .collect();
    packets.remove(&0x7FF);
    let sent = truth
        .apids
        .iter()
        .map(|(&apid, one)| (apid, one.packets_whole));
    assert_eq!(packets, sent.filter(|(_, packets)| *packets > 0).collect());
}

#[test]
fn equal_seeds_give_equal_octets() {
    let mut config = short(7);
    config.faults.bit_error_rate = 1e-4;
    config.faults.dropped_frames_per_million = 20_000;
    let (first, truth) = run(&config);
    assert_eq!(run(&config), (first.clone(), truth));
    assert_ne!(
        run(&PassConfig {
            seed: 8,
            ..config.clone()
        })
        .0,
        first
    );
    // Bit errors aside, the same node sends the same telemetry.
    let packets = PassConfig {
        output: Output::Packets,
        ..config.clone()
    };
    let clean = PassConfig {
        faults: Faults::default(),
        ..packets.clone()
    };
    assert_eq!(run(&packets).0, run(&clean).0);
}

#[test]
fn a_clean_pass_arrives_whole_and_as_it_was_made() {
    let config = PassConfig {
        duration_s: 1_800,
        ..short(3)
    };
    let (octets, truth) = run(&config);
    let found = receive(&octets, 0, false);
    compare(&found, &truth);
    assert_eq!(truth.octets, octets.len() as u64);
    assert_eq!(truth.packets(), truth.packets_whole());
    assert_eq!(truth.codewords_clean, 4 * truth.frames_made);
    assert!(truth.virtual_channels[&63].frames_made > 0);
    let (packets, made) = run(&PassConfig {
        output: Output::Packets,
        ..config
    });
    let mut by_apid = BTreeMap::new();
    assert_eq!(take(&packets, &mut by_apid), packets.len());
    for (apid, packets) in by_apid {
        assert_eq!(made.apids[&apid].packets, packets.len() as u64);
        assert_eq!(
            made.apids[&apid].octets,
            packets.iter().map(Vec::len).sum::<usize>() as u64
        );
        // The transponder counts the frames sent, of which there are none here.
        if apid != Application::RfLink.apid() {
            assert_eq!(found.packets[&apid], packets, "APID {apid}");
        }
    }
}

#[test]
fn losses_are_where_they_were_asked_for() {
    let mut config = PassConfig {
        duration_s: 1_200,
        idle_frames_per_thousand: 0,
        ..short(5)
    };
    config.faults.dropped_frames = BTreeSet::from([0, 4, 5, 30]);
    config.faults.burst_frames = BTreeSet::from([9, 20]);
    config.faults.bit_offset = 13;
    let (octets, truth) = run(&config);
    compare(&receive(&octets, 13, false), &truth);
    assert_eq!(truth.frames_dropped, 4);
    assert_eq!(truth.codewords_uncorrectable, 8);
    assert_eq!(truth.bits_flipped, 2 * 640);
    assert!(truth.packets_whole() < truth.packets());
}

#[test]
fn repeated_packets_go_on_in_time_and_count() {
    let config = PassConfig {
        duration_s: 600,
        repeat_every_s: Some(60),
        output: Output::Packets,
        ..short(11)
    };
    let (octets, truth) = run(&config);
    let mut packets = BTreeMap::new();
    take(&octets, &mut packets);
    for (apid, packets) in &packets {
        let period = packets.len() / 10;
        assert_eq!(packets.len() % 10, 0, "APID {apid}");
        for (index, packet) in packets.iter().enumerate() {
            let count = usize::from(u16::from_be_bytes([packet[2], packet[3]]) & 0x3FFF);
            assert_eq!(count, index % 16_384, "APID {apid}");
            let millis =
                |packet: &[u8]| u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
            if let Some(earlier) = index.checked_sub(period).map(|before| &packets[before]) {
                assert_eq!(millis(packet), millis(earlier) + 60_000);
                assert_eq!(packet[14..], earlier[14..]);
            }
        }
        assert_eq!(truth.apids[apid].packets, packets.len() as u64);
    }
    assert_eq!(packets.len(), truth.apids.len());
    let last = truth.apids[&Application::Attitude.apid()].last_time;
    assert_eq!(last, START + 595_050_000);
}

#[test]
fn a_bound_on_octets_ends_the_pass() {
    let config = PassConfig {
        duration_s: u64::MAX,
        repeat_every_s: Some(120),
        octets_max: Some(3_000_000),
        ..short(12)
    };
    let (octets, truth) = run(&config);
    assert!(
        (3_000_000..3_100_000).contains(&octets.len()),
        "{}",
        octets.len()
    );
    compare(&receive(&octets, 0, false), &truth);
}

#[test]
fn the_last_day_of_the_time_code_ends_the_pass() {
    // 2137-06-06T23:59:00 UTC is in day 65535 of 1958.
    let start = (65_535 - 4_383) * 86_400_000_000 + 86_340_000_000;
    for repeat_every_s in [None, Some(20)] {
        let config = PassConfig {
            start,
            repeat_every_s,
            duration_s: u64::MAX,
            ..short(1)
        };
        let (_, truth) = run(&config);
        assert_eq!(truth.apids[&100].packets, 6);
    }
    let late = Pass::new(PassConfig {
        start: start + 60_000_000,
        ..short(1)
    });
    assert!(matches!(late, Err(PassError::Time { .. })));
}

#[test]
fn what_frames_cannot_carry_is_refused() {
    let refused = |config: PassConfig| Pass::new(config).err().map(|error| error.to_string());
    assert_eq!(
        refused(PassConfig {
            scid: 1_024,
            ..short(1)
        })
        .unwrap(),
        "spacecraft identifier 1024 is above 1023"
    );
    for rate in [-0.1, 0.6, f64::NAN] {
        let faults = Faults {
            bit_error_rate: rate,
            ..Faults::default()
        };
        assert!(refused(PassConfig { faults, ..short(1) }).is_some());
    }
    assert!(
        refused(PassConfig {
            idle_frames_per_thousand: 901,
            ..short(1)
        })
        .is_some()
    );
    assert!(
        refused(PassConfig {
            start: i64::MIN,
            ..short(1)
        })
        .is_some()
    );
}

#[test]
fn nothing_to_send_is_an_empty_pass() {
    let none = Intervals {
        housekeeping: 0,
        power: 0,
        thermal: 0,
        compute_node: 0,
        compute_job: 0,
        optical_link: 0,
        rf_link: 0,
        attitude: 0,
    };
    let config = PassConfig {
        duration_s: 30,
        intervals: none,
        repeat_every_s: Some(3),
        ..short(2)
    };
    let (octets, truth) = run(&config);
    assert!(octets.is_empty());
    assert_eq!(truth, Truth::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_receiver_finds_what_was_sent(
        seed: u64,
        bit_error_rate in prop_oneof![Just(0.0), 1e-6..3e-3_f64],
        dropped in 0_u32..150_000,
        bit_offset in 0_u32..70,
        inverted: bool,
        idle in 0_u16..300,
        bursts in proptest::collection::btree_set(0_u64..40, 0..4),
    ) {
        let mut config = PassConfig { idle_frames_per_thousand: idle, ..short(seed) };
        config.faults = Faults {
            bit_error_rate,
            dropped_frames_per_million: dropped,
            dropped_frames: BTreeSet::new(),
            burst_frames: bursts,
            bit_offset,
            inverted,
        };
        let (octets, truth) = run(&config);
        compare(&receive(&octets, bit_offset, inverted), &truth);
    }
}
