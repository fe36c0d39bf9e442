//! What holds for every packet, frame, control word and time: writing and reading are inverse,
//! the `spacepackets` crate agrees, and no octets make a parser panic.

use proptest::collection::vec;
use proptest::prelude::*;
use space_link::clcw::Clcw;
use space_link::frame::uslp::{UslpDataHeader, UslpIdentification};
use space_link::frame::{
    AosFrame, AosHeader, Bpdu, FrameKind, FrameLayout, FrameOptions, FrameParts, Mpdu, Scid,
    TmFrame, TmHeader, UslpFrame, UslpHeader, Vcid, frames_missing,
};
use space_link::packet::{Apid, PacketHeader, PacketType, SequenceFlags, SpacePacket};
use space_link::time::{
    CdsFormat, CucFormat, DayOfYear, Epoch, LeapSeconds, Preamble, Submillisecond, TimeScale,
    UtcMicros, UtcPicos,
};
use spacepackets::CcsdsPacket;
use spacepackets::time::CcsdsTimeProvider;

fn packet_header() -> impl Strategy<Value = PacketHeader> {
    (
        0..8u8,
        any::<(bool, bool)>(),
        0..=Apid::MAX,
        0..4u8,
        0..0x4000u16,
        any::<u16>(),
    )
        .prop_map(
            |(
                version,
                (telecommand, secondary_header),
                apid,
                flags,
                sequence_count,
                data_length,
            )| {
                PacketHeader {
                    version,
                    packet_type: if telecommand {
                        PacketType::Telecommand
                    } else {
                        PacketType::Telemetry
                    },
                    secondary_header,
                    apid: Apid::new(apid).unwrap(),
                    sequence_flags: SequenceFlags::from_bits(flags),
                    sequence_count,
                    data_length,
                }
            },
        )
}

fn tm_header() -> impl Strategy<Value = TmHeader> {
    (
        0..=Scid::MAX,
        0..=Vcid::MAX_TM,
        any::<[bool; 4]>(),
        any::<(u8, u8)>(),
        0..4u8,
        0..0x800u16,
    )
        .prop_map(
            |(scid, vcid, flags, counts, segment_length_id, first_header_pointer)| TmHeader {
                spacecraft: Scid::new(scid).unwrap(),
                virtual_channel: Vcid::new(vcid).unwrap(),
                ocf_flag: flags[0],
                master_channel_frame_count: counts.0,
                virtual_channel_frame_count: counts.1,
                secondary_header_flag: flags[1],
                synchronization_flag: flags[2],
                packet_order_flag: flags[3],
                segment_length_id,
                first_header_pointer,
            },
        )
}

fn aos_header() -> impl Strategy<Value = AosHeader> {
    (
        0..=Scid::MAX,
        0..=Vcid::MAX,
        0..1u32 << 24,
        any::<(bool, bool)>(),
        0..16u8,
    )
        .prop_map(
            |(scid, vcid, virtual_channel_frame_count, flags, frame_count_cycle)| AosHeader {
                spacecraft: Scid::new(scid).unwrap(),
                virtual_channel: Vcid::new(vcid).unwrap(),
                virtual_channel_frame_count,
                replay: flags.0,
                frame_count_cycle_in_use: flags.1,
                frame_count_cycle,
            },
        )
}

fn uslp_header() -> impl Strategy<Value = UslpHeader> {
    let identification = (any::<u16>(), any::<bool>(), 0..=Vcid::MAX, 0..16u8);
    (
        identification,
        any::<u16>(),
        any::<[bool; 3]>(),
        0..8u8,
        any::<u64>(),
    )
        .prop_map(
            |((spacecraft, destination, vcid, map), frame_length, flags, count_octets, count)| {
                UslpHeader {
                    identification: UslpIdentification {
                        spacecraft,
                        destination,
                        virtual_channel: Vcid::new(vcid).unwrap(),
                        map,
                    },
                    frame_length,
                    bypass: flags[0],
                    protocol_control: flags[1],
                    ocf_flag: flags[2],
                    count_octets,
                    virtual_channel_frame_count: count & ((1 << (8 * count_octets)) - 1),
                }
            },
        )
}

fn clcw() -> impl Strategy<Value = Clcw> {
    (
        (0..4u8, 0..8u8, 0..4u8, 0..4u8),
        0..=Vcid::MAX,
        any::<[bool; 5]>(),
        any::<u8>(),
    )
        .prop_map(
            |((version, status, cop_in_effect, farm_b_counter), vcid, flags, report_value)| Clcw {
                version,
                status,
                cop_in_effect,
                virtual_channel: Vcid::new(vcid).unwrap(),
                no_rf_available: flags[0],
                no_bit_lock: flags[1],
                lockout: flags[2],
                wait: flags[3],
                retransmit: flags[4],
                farm_b_counter,
                report_value,
            },
        )
}

fn options() -> impl Strategy<Value = FrameOptions> {
    let kind = prop_oneof![Just(FrameKind::Tm), Just(FrameKind::Aos)];
    (kind, 16..200usize, 0..20usize, any::<[bool; 3]>()).prop_map(
        |(kind, room, extra, [ocf, fecf, fhec])| {
            let tm = kind == FrameKind::Tm;
            FrameOptions {
                secondary_header_octets: if tm && extra > 1 { extra } else { 0 },
                insert_zone_octets: if tm { 0 } else { extra },
                frame_header_error_control: fhec && !tm,
                ocf,
                fecf,
                ..FrameOptions::new(kind, room + extra)
            }
        },
    )
}

/// Times that every code here can say: 1980 to 2040.
fn time() -> impl Strategy<Value = UtcPicos> {
    (
        316_000_000_000_000..2_208_988_800_000_000i64,
        0..1_000_000u32,
    )
        .prop_map(|(micros, picoseconds)| UtcPicos {
            micros: UtcMicros::new(micros),
            picoseconds,
        })
}

/// Reads octets as everything there is; what comes out is of no interest.
fn read_all(octets: &[u8]) {
    if let Ok(header) = PacketHeader::parse(octets) {
        assert_eq!(header.encode().unwrap(), octets[..6]);
        assert!(!header.to_string().is_empty());
    }
    if let Ok((packet, rest)) = SpacePacket::split_first(octets) {
        assert_eq!(packet.octets().len() + rest.len(), octets.len());
        assert_eq!(packet.data_field().len(), packet.header().data_octets());
    }
    for kind in [FrameKind::Tm, FrameKind::Aos, FrameKind::Uslp] {
        for everything in [false, true] {
            let layout = FrameLayout::new(FrameOptions {
                secondary_header_octets: if kind == FrameKind::Tm { 2 } else { 0 },
                frame_header_error_control: everything && kind == FrameKind::Aos,
                insert_zone_octets: if kind == FrameKind::Tm { 0 } else { 3 },
                ocf: everything,
                fecf: everything,
                ..FrameOptions::new(kind, octets.len())
            });
            let Ok(layout) = layout else { continue };
            if let Ok(frame) = TmFrame::new_checked(octets, &layout) {
                assert_eq!(frame.data_field().len(), layout.data_field_octets());
                assert_eq!(frame.ocf().is_some(), everything);
                assert!(!frame.to_string().is_empty());
            }
            if let Ok(frame) = AosFrame::new_checked(octets, &layout) {
                assert_eq!(frame.insert_zone().len(), 3);
                assert_eq!(frame.fecf_valid().is_some(), everything);
                assert!(!frame.to_string().is_empty());
            }
            if let Ok(frame) = UslpFrame::new_checked(octets, &layout) {
                let _ = UslpDataHeader::split(frame.data_field());
                assert_eq!(frame.ocf().is_some(), frame.header().ocf_flag);
                assert!(!frame.to_string().is_empty());
            }
        }
    }
    if let Ok(unit) = Mpdu::new_checked(octets) {
        assert!(unit.first_header().pointer().is_ok());
    }
    if let Ok(unit) = Bpdu::new_checked(octets) {
        assert!(unit.valid_bits() <= unit.zone().len() * 8);
    }
    if let Some(word) = octets.first_chunk() {
        let _ = Clcw::parse(*word).map(|clcw| clcw.to_string());
    }
    let _ = Preamble::parse(octets);
    for epoch in [Epoch::TAI_1958, Epoch::UNIX] {
        for day_octets in 2..=3 {
            for below in [
                Submillisecond::None,
                Submillisecond::Micro,
                Submillisecond::Pico,
            ] {
                let _ = CdsFormat::new(epoch, day_octets, below)
                    .unwrap()
                    .decode(octets);
            }
        }
        for coarse in 1..=7 {
            for fine in 0..=10 {
                let _ = CucFormat::new(epoch, coarse, fine).unwrap().decode(octets);
            }
        }
    }
    let _ = String::from_utf8_lossy(octets).parse::<UtcPicos>();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packet_headers_come_back(header in packet_header()) {
        let octets = header.encode().unwrap();
        prop_assert_eq!(PacketHeader::parse(&octets), Ok(header));
    }

    #[test]
    fn packet_headers_are_those_of_spacepackets(mut header in packet_header()) {
        header.version = 0;
        let octets = header.encode().unwrap();
        let (peer, _) = spacepackets::SpHeader::from_be_bytes(&octets).unwrap();
        prop_assert_eq!(peer.apid().value(), header.apid.get());
        prop_assert_eq!(peer.seq_count().value(), header.sequence_count);
        prop_assert_eq!(peer.sequence_flags() as u8, header.sequence_flags as u8);
        prop_assert_eq!(peer.packet_type() as u8, header.packet_type as u8);
        prop_assert_eq!(peer.sec_header_flag(), header.secondary_header);
        prop_assert_eq!(peer.packet_len(), header.packet_octets());
        prop_assert_eq!(peer.to_vec(), octets);
    }

    #[test]
    fn tm_headers_come_back(header in tm_header()) {
        prop_assert_eq!(TmHeader::parse(&header.encode().unwrap()), Ok(header));
    }

    #[test]
    fn aos_headers_come_back(header in aos_header()) {
        prop_assert_eq!(AosHeader::parse(&header.encode().unwrap()), Ok(header));
    }

    #[test]
    fn uslp_headers_come_back_and_are_those_of_spacepackets(header in uslp_header()) {
        let mut octets = Vec::new();
        header.encode(&mut octets).unwrap();
        prop_assert_eq!(octets.len(), header.octets());
        prop_assert_eq!(UslpHeader::parse(&octets), Ok(header));
        let peer = spacepackets::uslp::PrimaryHeader::from_bytes(&octets).unwrap();
        prop_assert_eq!(peer.vc_frame_count(), header.virtual_channel_frame_count);
        prop_assert_eq!(peer.len_frame(), usize::from(header.frame_length) + 1);
        prop_assert_eq!(peer.to_vec(), octets);
    }

    #[test]
    fn clcws_come_back(clcw in clcw()) {
        prop_assert_eq!(Clcw::parse(clcw.encode().unwrap()), Ok(clcw));
    }

    #[test]
    fn frames_come_back(
        options in options(), tm in tm_header(), aos in aos_header(),
        fill in any::<u8>(), ocf in any::<[u8; 4]>(),
    ) {
        let layout = FrameLayout::new(options);
        prop_assume!(layout.is_ok());
        let layout = layout.unwrap();
        let extra = vec![fill ^ 0xFF; layout.extra().len()];
        let data = vec![fill; layout.data_field_octets()];
        let parts = FrameParts { extra: &extra, data: &data, ocf: options.ocf.then_some(ocf) };
        let mut octets = Vec::new();
        if options.kind == FrameKind::Tm {
            tm.encode_frame(&layout, &parts, &mut octets).unwrap();
            let frame = TmFrame::new_checked(&octets, &layout).unwrap();
            prop_assert_eq!(frame.header(), &tm);
            prop_assert_eq!(frame.secondary_header(), parts.extra);
            prop_assert_eq!(frame.data_field(), parts.data);
            prop_assert_eq!(frame.ocf(), parts.ocf);
            prop_assert_ne!(frame.fecf_valid(), Some(false));
        } else {
            aos.encode_frame(&layout, &parts, &mut octets).unwrap();
            let frame = AosFrame::new_checked(&octets, &layout).unwrap();
            prop_assert_eq!(frame.header(), &aos);
            prop_assert_eq!(frame.insert_zone(), parts.extra);
            prop_assert_eq!(frame.data_field(), parts.data);
            prop_assert_eq!(frame.ocf(), parts.ocf);
            prop_assert_ne!(frame.fecf_valid(), Some(false));
        }
        prop_assert_eq!(octets.len(), options.frame_octets);
    }

    #[test]
    fn counters_miss_what_was_left_out(previous in 0..1u32 << 24, lost in 0..1000u32) {
        let current = (previous + lost + 1) % (1 << 24);
        prop_assert_eq!(frames_missing(previous, current, 1 << 24), lost);
    }

    #[test]
    fn times_come_back_from_every_code(time in time(), scale in 0..4usize) {
        let scale = [TimeScale::Utc, TimeScale::Tai, TimeScale::Gps, TimeScale::Tt][scale];
        let epoch = Epoch::parse("1958-01-01T00:00:00", scale).unwrap();
        let leap = LeapSeconds::IERS;
        for day_octets in 2..=3 {
            for below in [Submillisecond::None, Submillisecond::Micro, Submillisecond::Pico] {
                let format = CdsFormat::new(epoch, day_octets, below).unwrap();
                let mut octets = Vec::new();
                format.encode(time, &leap, &mut octets).unwrap();
                let read = format.to_utc(&format.read(&octets).unwrap(), &leap).unwrap();
                let whole = time.micros.get();
                let expected = match below {
                    // TT is 184 ms off a whole second, the rest whole seconds.
                    Submillisecond::None => UtcMicros::new(whole - whole.rem_euclid(1000)).into(),
                    Submillisecond::Micro => time.micros.into(),
                    Submillisecond::Pico => time,
                };
                prop_assert_eq!(read, expected);
                prop_assert_eq!(format.decode(&octets), Ok(expected.micros));
            }
        }
        for coarse in 4..=7 {
            for fine in 0..=10 {
                let format = CucFormat::new(epoch, coarse, fine).unwrap();
                let mut octets = Vec::new();
                format.encode(time, &leap, &mut octets).unwrap();
                let read = format.to_utc(&format.read(&octets).unwrap(), &leap).unwrap();
                prop_assert_eq!(format.decode(&octets), Ok(read.micros));
                if fine >= 6 {
                    prop_assert_eq!(read, time);
                } else {
                    // The next tick; one tick is 256^-fine s.
                    let tick = 1e12 / 256f64.powi(fine.into());
                    let late = (read.micros.get() - time.micros.get()) as f64 * 1e6
                        + f64::from(read.picoseconds) - f64::from(time.picoseconds);
                    prop_assert!((-1.0..=tick + 1.0).contains(&late), "{} ps of {}", late, tick);
                }
            }
        }
        prop_assert_eq!(time.to_string().parse(), Ok(time));
        prop_assert_eq!(time.micros.to_string().parse(), Ok(time.micros));
        prop_assert_eq!(DayOfYear(time.micros).to_string().parse(), Ok(time.micros));
    }

    #[test]
    fn day_segmented_times_are_those_of_spacepackets(
        // Before 1970, day 4383, spacepackets 0.19 subtracts the time of day.
        days in 4383..=u16::MAX, ms in 0..86_400_000u32,
    ) {
        let peer = spacepackets::time::cds::CdsTime::new_with_u16_days(days, ms);
        let octets = peer.to_vec().unwrap();
        let format = CdsFormat::new(Epoch::UTC_1958, 2, Submillisecond::None).unwrap();
        let time = format.decode(&octets[1..]).unwrap();
        prop_assert_eq!(time.get().div_euclid(1_000_000), peer.unix_secs());
        prop_assert_eq!(time.get().rem_euclid(1_000_000) / 1000, i64::from(peer.subsec_millis()));
    }

    #[test]
    fn octets_never_make_a_parser_panic(octets in vec(any::<u8>(), 0..300)) {
        read_all(&octets);
    }

    #[test]
    fn likely_octets_never_make_a_parser_panic(
        first in prop_oneof![Just(0x08u8), Just(0x6A), Just(0xC0)],
        mut octets in vec(any::<u8>(), 7..120),
    ) {
        octets[0] = first;
        octets[4] = 0;
        octets[5] = octets.len() as u8 - 1;
        read_all(&octets);
    }
}

/// Headers of real or well-known frames and packets, with some data behind them.
#[test]
fn no_single_bit_flip_of_a_header_makes_a_parser_panic() {
    let headers: [&[u8]; 4] = [
        &[0x08, 0x0b, 0xca, 0x2e, 0x00, 0x40, 0x5a, 0x45],
        &[0x0e, 0xaf, 0x20, 0xfb, 0x98, 0x00, 0x0e, 0x1d],
        &[0x6a, 0xc1, 0x00, 0x01, 0x57, 0x00, 0xea, 0x00],
        &[0xcf, 0xff, 0xe6, 0xe6, 0x00, 0x63, 0xca, 0xaf, 0xfe],
    ];
    for header in headers {
        let mut octets = header.to_vec();
        octets.resize(100, 0x55);
        for bit in 0..header.len() * 8 {
            octets[bit / 8] ^= 0x80 >> (bit % 8);
            read_all(&octets);
            octets[bit / 8] ^= 0x80 >> (bit % 8);
        }
    }
}
