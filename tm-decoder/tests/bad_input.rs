//! Bad input is data: a counted anomaly, no panic, nothing good lost.

use std::path::Path;

use schemas::event::{Anomaly, AnomalyKind};
use schemas::mission::{Level, Mission};
use schemas::record::{FrameBlock, PacketBlock, Quality};
use space_link::crc::crc16;
use space_link::frame::{
    AosHeader, FirstHeader, FrameKind, FrameLayout, FrameOptions, FrameParts, Mpdu, Scid, TmHeader,
    Vcid,
};
use space_link::packet::{Apid, PacketHeader};
use space_link::reed_solomon::{Basis, Code, ReedSolomon};
use tm_decoder::Downlink;

const AOS: &str = "frame = \"aos\"\nframe_length_octets = 64\n";
const AOS_FECF: &str = "frame = \"aos\"\nframe_length_octets = 66\nfecf = true\n";
const TM: &str = "frame = \"tm\"\nframe_length_octets = 62\n";
const CODED: &str = "frame = \"aos\"\nframe_length_octets = 223\nrandomized = true\n\
                     reed_solomon = { code = \"255,223\", interleave = 1 }\n";
const PACKETS: &str = "input = \"packets\"\n";

#[derive(Debug)]
struct Output {
    frames: Vec<FrameBlock>,
    packets: Vec<PacketBlock>,
    anomalies: Vec<Anomaly>,
    downlink: Downlink,
}

impl Output {
    fn frames(&self) -> usize {
        self.frames.iter().map(FrameBlock::len).sum()
    }

    fn packets(&self) -> usize {
        self.packets.iter().map(PacketBlock::len).sum()
    }

    fn count(&self, kind: AnomalyKind) -> u64 {
        self.anomalies
            .iter()
            .filter(|anomaly| anomaly.kind == kind)
            .map(|a| a.count)
            .sum()
    }
}

fn decode(parameters: &str, level: Level, octets: &[u8]) -> Output {
    let text =
        format!("name = \"x\"\n[[spacecraft]]\nname = \"x\"\nscid = 42\n[downlink]\n{parameters}");
    let mission = Mission::parse(&text, Path::new(".")).unwrap();
    let mut downlink = Downlink::new(&mission, level).unwrap();
    downlink.handle_bytes(octets);
    downlink.handle_end();
    Output {
        frames: std::iter::from_fn(|| downlink.poll_frames()).collect(),
        packets: std::iter::from_fn(|| downlink.poll_packets()).collect(),
        anomalies: std::iter::from_fn(|| downlink.poll_anomaly()).collect(),
        downlink,
    }
}

fn packet(apid: u16, count: u16, data_octets: usize) -> Vec<u8> {
    let header = PacketHeader::telemetry(Apid::new(apid).unwrap(), count, data_octets).unwrap();
    let mut packet = header.encode().unwrap().to_vec();
    packet.resize(6 + data_octets, 0x5A);
    packet
}

/// An AOS frame with a pointer and a packet zone.
fn aos(octets: usize, fecf: bool, count: u32, first: FirstHeader, zone: &[u8]) -> Vec<u8> {
    let options = FrameOptions {
        fecf,
        ..FrameOptions::new(FrameKind::Aos, octets)
    };
    let layout = FrameLayout::new(options).unwrap();
    let header = AosHeader {
        virtual_channel_frame_count: count,
        ..AosHeader::new(Scid::new(42).unwrap(), Vcid::new(3).unwrap())
    };
    let mut data = Mpdu::encode_header(first).unwrap().to_vec();
    data.extend(zone);
    let mut frame = Vec::new();
    let parts = FrameParts {
        data: &data,
        ..FrameParts::default()
    };
    header.encode_frame(&layout, &parts, &mut frame).unwrap();
    frame
}

/// Three frames of 56 octets of packets, each packet of 28 octets but for the spanning ones.
fn three_frames() -> Vec<u8> {
    let stream: Vec<u8> = (0..6).flat_map(|count| packet(7, count, 22)).collect();
    (0..3)
        .flat_map(|index| {
            let zone = &stream[index * 56..(index + 1) * 56];
            aos(64, false, index as u32, FirstHeader::At(0), zone)
        })
        .collect()
}

#[test]
fn empty_input_gives_nothing() {
    for (parameters, level) in [
        (AOS, Level::Cadu),
        (AOS, Level::Frames),
        (TM, Level::Frames),
        (PACKETS, Level::Packets),
    ] {
        let output = decode(parameters, level, &[]);
        assert_eq!((output.frames(), output.packets()), (0, 0));
        assert_eq!(output.anomalies, []);
    }
}

#[test]
fn every_truncation_keeps_what_is_whole() {
    let octets = three_frames();
    assert_eq!(decode(AOS, Level::Frames, &octets).packets(), 6);
    for length in 0..octets.len() {
        let output = decode(AOS, Level::Frames, &octets[..length]);
        assert_eq!(output.frames(), length / 64);
        assert_eq!(output.packets(), length / 64 * 2);
        let cut = u64::from(length % 64 != 0);
        assert_eq!(output.count(AnomalyKind::FrameTruncated), cut, "{length}");
        let statistics = output.downlink.statistics();
        assert_eq!(statistics.octets_used, length as u64 / 64 * 64);
    }
    let octets: Vec<u8> = (0..3).flat_map(|count| packet(7, count, 10)).collect();
    for length in 0..=octets.len() {
        let output = decode(PACKETS, Level::Packets, &octets[..length]);
        assert_eq!(output.packets(), length / 16);
        assert_eq!(
            output.count(AnomalyKind::PacketTruncated),
            u64::from(length % 16 != 0)
        );
    }
}

#[test]
fn every_flipped_header_bit_is_counted_or_harmless() {
    let octets = three_frames();
    for bit in 0..64 {
        let mut damaged = octets.clone();
        damaged[64 + bit / 8] ^= 0x80 >> (bit % 8);
        let output = decode(AOS, Level::Frames, &damaged);
        // Every frame is kept raw whatever its header says.
        assert_eq!(output.frames(), 3, "bit {bit}");
        let kinds: Vec<_> = output
            .anomalies
            .iter()
            .map(|anomaly| anomaly.kind)
            .collect();
        match bit {
            0..2 => assert!(
                kinds.contains(&AnomalyKind::BadFrameVersion),
                "{bit}: {kinds:?}"
            ),
            2..10 => assert!(
                kinds.contains(&AnomalyKind::UnknownSpacecraft),
                "{bit}: {kinds:?}"
            ),
            // Another channel or count: the channel misses a frame.
            10..40 => assert!(kinds.contains(&AnomalyKind::FrameGap), "{bit}: {kinds:?}"),
            // Replay, count cycle; two bits of the spacecraft identifier.
            42..44 => assert!(
                kinds.contains(&AnomalyKind::UnknownSpacecraft),
                "{bit}: {kinds:?}"
            ),
            // Five spare bits of the M_PDU header.
            48..53 => assert_eq!((output.packets(), &kinds[..]), (6, &[][..]), "{bit}"),
            53..64 => assert!(
                output.packets() < 6 && !kinds.is_empty(),
                "{bit}: {kinds:?}"
            ),
            _ => {}
        }
        // With an error control field no damaged frame is used.
        let mut damaged: Vec<u8> = (0..3)
            .flat_map(|count| aos(66, true, count, FirstHeader::At(0), &octets[8..64]))
            .collect();
        damaged[66 + bit / 8] ^= 0x80 >> (bit % 8);
        let output = decode(AOS_FECF, Level::Frames, &damaged);
        assert_eq!(output.count(AnomalyKind::FecfMismatch), 1);
        assert_eq!(output.count(AnomalyKind::FrameGap), 1);
        assert_eq!(output.packets(), 4);
        let bad = output.frames.iter().flat_map(|block| &block.quality);
        assert_eq!(
            bad.filter(|quality| **quality == Quality::Bad as u8)
                .count(),
            1
        );
    }
}

#[test]
fn every_flipped_tm_header_bit_is_counted_or_harmless() {
    let layout = FrameLayout::new(FrameOptions::new(FrameKind::Tm, 62)).unwrap();
    let mut octets = Vec::new();
    for count in 0..3 {
        let header = TmHeader {
            virtual_channel_frame_count: count,
            first_header_pointer: 0,
            ..TmHeader::new(Scid::new(42).unwrap(), Vcid::new(3).unwrap())
        };
        let data: Vec<u8> = (0..2).flat_map(|index| packet(7, index, 22)).collect();
        let parts = FrameParts {
            data: &data,
            ..FrameParts::default()
        };
        header.encode_frame(&layout, &parts, &mut octets).unwrap();
    }
    assert_eq!(decode(TM, Level::Frames, &octets).packets(), 6);
    for bit in 0..48 {
        let mut damaged = octets.clone();
        damaged[62 + bit / 8] ^= 0x80 >> (bit % 8);
        let output = decode(TM, Level::Frames, &damaged);
        assert_eq!(output.frames(), 3, "bit {bit}");
        let kinds: Vec<_> = output
            .anomalies
            .iter()
            .map(|anomaly| anomaly.kind)
            .collect();
        match bit {
            0..2 => assert!(
                kinds.contains(&AnomalyKind::BadFrameVersion),
                "{bit}: {kinds:?}"
            ),
            2..12 => assert!(
                kinds.contains(&AnomalyKind::UnknownSpacecraft),
                "{bit}: {kinds:?}"
            ),
            12..15 => assert!(kinds.contains(&AnomalyKind::FrameGap), "{bit}: {kinds:?}"),
            // The flags of a field and of a secondary header that the mission does not have.
            15 | 32 => assert!(
                kinds.contains(&AnomalyKind::BadFrameHeader),
                "{bit}: {kinds:?}"
            ),
            24..32 => assert!(kinds.contains(&AnomalyKind::FrameGap), "{bit}: {kinds:?}"),
            37..48 => assert!(
                output.packets() < 6 && !kinds.is_empty(),
                "{bit}: {kinds:?}"
            ),
            _ => {}
        }
    }
}

#[test]
fn a_pointer_beyond_the_data_field_is_counted_though_the_crc_is_good() {
    let zone: Vec<u8> = (0..2).flat_map(|count| packet(7, count, 22)).collect();
    for pointer in 56..2046 {
        let mut octets = aos(66, true, 0, FirstHeader::At(0), &zone);
        octets.extend(aos(66, true, 1, FirstHeader::At(pointer), &zone));
        octets.extend(aos(66, true, 2, FirstHeader::At(0), &zone));
        let output = decode(AOS_FECF, Level::Frames, &octets);
        assert_eq!(
            output.count(AnomalyKind::FirstHeaderPointerBeyond),
            1,
            "{pointer}"
        );
        assert_eq!(output.packets(), 4);
    }
}

#[test]
fn the_shortest_and_the_longest_packet_are_taken() {
    let short = packet(7, 0, 1);
    let long = packet(8, 0, 65_536);
    let mut octets = short.clone();
    octets.extend(&long);
    octets.extend(&short);
    let output = decode(PACKETS, Level::Packets, &octets);
    assert_eq!(output.packets(), 3);
    assert_eq!(output.packets[0].packet(1), long);
    // The same through frames: the long packet spans more than a thousand.
    let mut frames = Vec::new();
    let mut start_of = vec![0, 7, 7 + long.len()];
    start_of.retain(|start| start / 56 < octets.len() / 56);
    for (count, zone) in octets.chunks_exact(56).enumerate() {
        let range = count * 56..(count + 1) * 56;
        let first = start_of.iter().find(|start| range.contains(start));
        let first = first.map_or(FirstHeader::NoStart, |at| FirstHeader::At((at % 56) as u16));
        frames.extend(aos(64, false, count as u32, first, zone));
    }
    let output = decode(AOS, Level::Frames, &frames);
    let whole = octets.len() / 56 * 56;
    assert_eq!(
        output.packets(),
        if whole >= 7 + long.len() { 2 } else { 1 }
    );
    // A length field of 65535 with nothing behind it is cut off, and that is said.
    let output = decode(PACKETS, Level::Packets, &long[..100]);
    assert_eq!(
        (output.packets(), output.count(AnomalyKind::PacketTruncated)),
        (0, 1)
    );
}

#[test]
fn a_lost_frame_costs_only_the_packets_it_carried() {
    let stream: Vec<u8> = (0..20).flat_map(|count| packet(7, count, 34)).collect();
    let frames: Vec<Vec<u8>> = stream
        .chunks_exact(56)
        .enumerate()
        .map(|(count, zone)| {
            let first = (40 - count * 56 % 40) % 40;
            aos(64, false, count as u32, FirstHeader::At(first as u16), zone)
        })
        .collect();
    let all = decode(AOS, Level::Frames, &frames.concat());
    assert_eq!(
        (all.packets(), all.anomalies.len()),
        (19, 1),
        "{:?}",
        all.anomalies
    );
    for lost in 1..frames.len() - 1 {
        let mut kept = frames.clone();
        kept.remove(lost);
        let output = decode(AOS, Level::Frames, &kept.concat());
        assert_eq!(output.count(AnomalyKind::FrameGap), 1);
        let carried = (lost * 56 / 40..=(lost * 56 + 55) / 40).count();
        assert_eq!(output.packets(), 19 - carried, "frame {lost}");
        // What came out is whole and in order.
        let counts: Vec<u16> = output
            .packets
            .iter()
            .flat_map(|block| (0..block.len()).map(|index| block.packet(index)[3].into()))
            .collect();
        assert!(counts.is_sorted());
    }
}

#[test]
fn random_octets_never_panic_and_are_accounted_for() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut octets = vec![0_u8; 300_000];
    for octet in &mut octets {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *octet = state as u8;
    }
    for (parameters, level) in [
        (AOS, Level::Cadu),
        (CODED, Level::Cadu),
        (AOS, Level::Frames),
        (AOS_FECF, Level::Frames),
        (TM, Level::Frames),
        (
            "frame = \"aos\"\nframe_length_octets = 64\npacket_version_any = true\n",
            Level::Frames,
        ),
        (
            "frame = \"aos\"\nframe_length_octets = 64\nframe_header_error_control = true\n",
            Level::Frames,
        ),
        (
            "frame = \"aos\"\nframe_length_octets = 64\n\
             one_packet_per_frame = { offset_octets = 2 }\n",
            Level::Frames,
        ),
        (PACKETS, Level::Packets),
        (
            "input = \"packets\"\npacket_prefix_octets = 3\n",
            Level::Packets,
        ),
        (
            "input = \"packets\"\npacket_envelope = \"edds\"\n",
            Level::Packets,
        ),
    ] {
        let output = decode(parameters, level, &octets);
        let statistics = output.downlink.statistics();
        assert_eq!(statistics.octets, 300_000);
        assert!(statistics.octets_used <= statistics.octets);
        assert_eq!(output.frames() as u64, statistics.frames);
        if level == Level::Frames {
            assert_eq!(
                statistics.frames,
                300_000
                    / if parameters == AOS_FECF {
                        66
                    } else if parameters == TM {
                        62
                    } else {
                        64
                    }
            );
            assert!(!output.anomalies.is_empty());
        }
    }
}

#[test]
fn encapsulation_packets_are_stepped_over() {
    // 133.1-B-3: idle of one octet, then one of 2 + 3 octets and one of 4 + 2 octets.
    let mut zone = vec![0xE0, 0xE0];
    zone.extend([0xE9, 5, 1, 2, 3]);
    zone.extend([0xEA, 0, 0, 6, 1, 2]);
    zone.extend(packet(7, 0, 22));
    zone.resize(56, 0xE0);
    let mut octets = aos(64, false, 0, FirstHeader::At(0), &zone);
    octets.extend(aos(64, false, 1, FirstHeader::At(0), &zone));
    let output = decode(AOS, Level::Frames, &octets);
    assert_eq!(output.packets(), 2);
    assert_eq!(output.count(AnomalyKind::EncapsulationPacket), 4);
    // One whose length reaches into the next frame.
    let mut first = vec![0xE9, 60];
    first.resize(56, 1);
    let mut second = vec![1; 4];
    second.extend(packet(7, 0, 22));
    second.resize(56, 0xE0);
    let mut octets = aos(64, false, 0, FirstHeader::At(0), &first);
    octets.extend(aos(64, false, 1, FirstHeader::At(4), &second));
    let output = decode(AOS, Level::Frames, &octets);
    assert_eq!(
        (output.packets(), output.count(AnomalyKind::PacketResync)),
        (1, 0)
    );
    // An impossible length.
    let mut zone = vec![0xE9, 1];
    zone.resize(56, 0);
    let output = decode(
        AOS,
        Level::Frames,
        &aos(64, false, 0, FirstHeader::At(0), &zone),
    );
    assert_eq!(output.count(AnomalyKind::PacketBadVersion), 1);
}

#[test]
fn corrected_and_uncorrectable_words_are_told_apart() {
    let code = ReedSolomon::new(Code::Rs255_223, Basis::Dual, 1, 0).unwrap();
    let zone: Vec<u8> = (0..5).flat_map(|count| packet(7, count, 37)).collect();
    let mut octets = Vec::new();
    for (count, errors) in [0, 16, 40, 1, 0].into_iter().enumerate() {
        let frame = aos(223, false, count as u32, FirstHeader::At(0), &zone);
        let mut block = vec![0; 255];
        code.encode_codeblock(&frame, &mut block).unwrap();
        for error in 0..errors {
            block[error * 6] ^= 0x41 + error as u8;
        }
        space_link::randomizer::Randomizer::Tm255.apply(&mut block);
        octets.extend([0x1A, 0xCF, 0xFC, 0x1D]);
        octets.extend(block);
    }
    let output = decode(CODED, Level::Cadu, &octets);
    let statistics = output.downlink.statistics();
    assert_eq!(statistics.frames, 5);
    assert_eq!(statistics.words_clean, 2);
    assert_eq!(
        (statistics.words_corrected, statistics.symbols_corrected),
        (2, 17)
    );
    assert_eq!(statistics.words_uncorrectable, 1);
    assert_eq!(output.count(AnomalyKind::UncorrectableCodeword), 1);
    assert_eq!(output.count(AnomalyKind::FrameGap), 1);
    assert_eq!(output.packets(), 20);
    let quality = |index: usize| Quality::from_octet(output.frames[0].quality[index]);
    assert_eq!(
        [0, 1, 2, 3, 4].map(quality),
        [
            Quality::Good,
            Quality::Corrected,
            Quality::Bad,
            Quality::Corrected,
            Quality::Good
        ]
    );
    assert_eq!(output.frames[0].corrected_symbols, [0, 16, 0, 1, 0]);
    let carried = output.packets[0]
        .quality
        .iter()
        .map(|octet| Quality::from_octet(*octet));
    assert_eq!(
        carried
            .filter(|quality| *quality == Quality::Corrected)
            .count(),
        10
    );
}

#[test]
fn a_repeated_frame_is_kept_raw_and_used_once() {
    let zone: Vec<u8> = (0..2).flat_map(|count| packet(7, count, 22)).collect();
    let frame = aos(64, false, 9, FirstHeader::At(0), &zone);
    let output = decode(AOS, Level::Frames, &frame.repeat(3));
    assert_eq!((output.frames(), output.packets()), (3, 2));
    assert_eq!(output.count(AnomalyKind::FrameDuplicate), 2);
    assert_eq!(output.count(AnomalyKind::FrameGap), 0);
}

#[test]
fn the_frame_count_wraps_without_a_gap() {
    let zone: Vec<u8> = (0..2).flat_map(|count| packet(7, count, 22)).collect();
    let octets: Vec<u8> = [0xFF_FFFE, 0xFF_FFFF, 0, 1]
        .into_iter()
        .flat_map(|count| aos(64, false, count, FirstHeader::At(0), &zone))
        .collect();
    let output = decode(AOS, Level::Frames, &octets);
    assert_eq!((output.packets(), output.anomalies.len()), (8, 0));
}

#[test]
fn a_damaged_crc_of_a_good_frame_is_a_bad_frame() {
    let zone: Vec<u8> = (0..2).flat_map(|count| packet(7, count, 22)).collect();
    let mut frame = aos(66, true, 0, FirstHeader::At(0), &zone);
    assert_eq!(crc16(&frame[..64]).to_be_bytes(), frame[64..]);
    frame[65] ^= 1;
    let output = decode(AOS_FECF, Level::Frames, &frame);
    assert_eq!((output.frames(), output.packets()), (1, 0));
}
