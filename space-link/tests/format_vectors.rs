//! Golden vectors from outside: packets, frames, CLCWs, time codes. Each entry of
//! `tests/vectors/*.json` names its source; an entry that no test here knows fails the test.

use std::path::Path;

use serde_json::Value;
use space_link::clcw::Clcw;
use space_link::crc::crc16_is_good;
use space_link::frame::uslp::{UslpDataHeader, UslpIdentification};
use space_link::frame::{
    AosFrame, AosHeader, FirstHeader, FrameKind, FrameLayout, FrameOptions, FrameParts,
    HeaderCheck, Mpdu, Scid, TmFrame, TmHeader, UslpFrame, UslpHeader, Vcid, fhec,
};
use space_link::packet::{Apid, PacketHeader, PacketType, SequenceFlags, SpacePacket};
use space_link::time::{
    CdsFormat, CdsTime, CucFormat, DayOfYear, Epoch, LeapSeconds, Preamble, Submillisecond,
    TimeScale, UtcMicros,
};

fn vectors(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/vectors")
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let document: Value = serde_json::from_str(&text).expect("vectors are JSON");
    document["vectors"]
        .as_array()
        .expect("a list of vectors")
        .clone()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} in {value}"))
}

/// Octets of hexadecimal text, of which "..." ends a shortened one.
fn octets(digits: &str) -> Vec<u8> {
    let digits = digits.trim_end_matches("...");
    assert!(digits.len().is_multiple_of(2), "{digits}");
    let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(pair).collect()
}

/// A number, whether the vector has it as a number, as 0 and 1 for a flag, or in hexadecimal.
fn number(fields: &Value, key: &str) -> u64 {
    match &fields[key] {
        Value::String(digits) => u64::from_str_radix(digits, 16).expect("hexadecimal"),
        value => value
            .as_u64()
            .unwrap_or_else(|| panic!("{key} in {fields}")),
    }
}

fn flag(fields: &Value, key: &str) -> bool {
    fields[key]
        .as_bool()
        .unwrap_or_else(|| number(fields, key) == 1)
}

fn check_packet(header: &PacketHeader, fields: &Value) {
    assert_eq!(u64::from(header.version), number(fields, "version"));
    assert_eq!(
        header.packet_type == PacketType::Telecommand,
        flag(fields, "type")
    );
    assert_eq!(header.secondary_header, flag(fields, "sec_header_flag"));
    assert_eq!(u64::from(header.apid.get()), number(fields, "apid"));
    assert_eq!(header.sequence_flags as u64, number(fields, "seq_flags"));
    assert_eq!(
        u64::from(header.sequence_count),
        number(fields, "seq_count")
    );
    assert_eq!(
        u64::from(header.data_length),
        number(fields, "data_length_field")
    );
    assert_eq!(
        header.packet_octets() as u64,
        number(fields, "total_length")
    );
}

#[test]
fn space_packets() {
    let vectors = vectors("space_packet.json");
    assert_eq!(vectors.len(), 11);
    for vector in &vectors {
        if vector["facts"].is_string() {
            assert_eq!(text(vector, "name"), "idle packet");
            assert_eq!(Apid::IDLE.get(), 0b111_1111_1111);
            continue;
        }
        if vector["expected_hex"].is_string() {
            let fields = &vector["input"];
            let header = PacketHeader {
                version: number(fields, "version") as u8,
                packet_type: if flag(fields, "type") {
                    PacketType::Telecommand
                } else {
                    PacketType::Telemetry
                },
                secondary_header: flag(fields, "sec_header_flag"),
                apid: Apid::new(number(fields, "apid") as u16).unwrap(),
                sequence_flags: SequenceFlags::from_bits(number(fields, "seq_flags") as u8),
                sequence_count: number(fields, "seq_count") as u16,
                data_length: number(fields, "data_length_field") as u16,
            };
            let expected = octets(text(vector, "expected_hex"));
            assert_eq!(header.encode().unwrap(), expected[..], "{vector}");
            check_packet(&PacketHeader::parse(&expected).unwrap(), fields);
        } else {
            let input = octets(text(vector, "input_hex"));
            let header = PacketHeader::parse(&input).unwrap();
            check_packet(&header, &vector["fields"]);
            assert_eq!(header.encode().unwrap(), input[..6]);
        }
    }
}

fn check_tm(header: &TmHeader, fields: &Value) {
    assert_eq!(number(fields, "version"), 0);
    assert_eq!(u64::from(header.spacecraft.get()), number(fields, "scid"));
    assert_eq!(
        u64::from(header.virtual_channel.get()),
        number(fields, "vcid")
    );
    assert_eq!(header.ocf_flag, flag(fields, "ocf_flag"));
    assert_eq!(
        u64::from(header.master_channel_frame_count),
        number(fields, "mcfc")
    );
    assert_eq!(
        u64::from(header.virtual_channel_frame_count),
        number(fields, "vcfc")
    );
    assert_eq!(
        header.secondary_header_flag,
        flag(fields, "secondary_header")
    );
    assert_eq!(header.synchronization_flag, flag(fields, "sync"));
    assert_eq!(header.packet_order_flag, flag(fields, "packet_order"));
    assert_eq!(
        u64::from(header.segment_length_id),
        number(fields, "segment_length_id")
    );
    assert_eq!(
        u64::from(header.first_header_pointer),
        number(fields, "first_header_pointer")
    );
}

fn check_tm_frame(input: &[u8], fields: &Value) {
    let header = TmHeader::parse(input).unwrap();
    let layout = FrameLayout::new(FrameOptions {
        // 132.0-B-3 4.1.3.2.3: the identification octet says the length, less one.
        secondary_header_octets: if header.secondary_header_flag {
            usize::from(input[6] & 0x3F) + 1
        } else {
            0
        },
        ocf: header.ocf_flag,
        fecf: fields["fecf"].is_string(),
        ..FrameOptions::new(FrameKind::Tm, input.len())
    })
    .unwrap();
    let frame = TmFrame::new_checked(input, &layout).unwrap();
    check_tm(frame.header(), fields);
    assert!(frame.flags_agree());
    if fields["fecf"].is_string() {
        assert_eq!(frame.fecf().map(u64::from), Some(number(fields, "fecf")));
        assert_eq!(frame.fecf_valid(), Some(true));
    }
    if fields["ocf"].is_string() {
        assert_eq!(frame.ocf().unwrap(), octets(text(fields, "ocf"))[..]);
    }
    // The packet that the pointer points at is one.
    if let FirstHeader::At(offset) = frame.header().first_header() {
        let packet = SpacePacket::new_checked(&frame.data_field()[usize::from(offset)..]).unwrap();
        assert_eq!(packet.header().version, 0);
    }
    let mut again = Vec::new();
    let parts = FrameParts {
        extra: frame.secondary_header(),
        data: frame.data_field(),
        ocf: frame.ocf(),
    };
    frame
        .header()
        .encode_frame(&layout, &parts, &mut again)
        .unwrap();
    assert_eq!(again, input);
}

fn check_clcw(input: &[u8], fields: &Value) {
    let clcw = Clcw::parse(*input.first_chunk().unwrap()).unwrap();
    assert_eq!(number(fields, "type"), 0);
    assert_eq!(u64::from(clcw.version), number(fields, "version"));
    assert_eq!(u64::from(clcw.status), number(fields, "status"));
    assert_eq!(
        u64::from(clcw.cop_in_effect),
        number(fields, "cop_in_effect")
    );
    assert_eq!(
        u64::from(clcw.virtual_channel.get()),
        number(fields, "vcid")
    );
    assert_eq!(clcw.no_rf_available, flag(fields, "no_rf"));
    assert_eq!(clcw.no_bit_lock, flag(fields, "no_bitlock"));
    assert_eq!(clcw.lockout, flag(fields, "lockout"));
    assert_eq!(clcw.wait, flag(fields, "wait"));
    assert_eq!(clcw.retransmit, flag(fields, "retransmit"));
    assert_eq!(u64::from(clcw.farm_b_counter), number(fields, "farm_b"));
    assert_eq!(u64::from(clcw.report_value), number(fields, "report_value"));
    // Two of the words have a spare bit set, which is not kept.
    let spare = [0, 0b11, 0b1, 0];
    let expected: Vec<u8> = input
        .iter()
        .zip(spare)
        .map(|(octet, spare)| octet & !spare)
        .collect();
    assert_eq!(clcw.encode().unwrap(), expected[..]);
}

#[test]
fn tm_frames_and_clcws() {
    let vectors = vectors("tm_frame_clcw.json");
    assert_eq!(vectors.len(), 23);
    for vector in &vectors {
        if vector["facts"].is_object() {
            assert_eq!(text(vector, "name"), "first header pointer special values");
            assert_eq!(FirstHeader::from_pointer(2047), FirstHeader::NoStart);
            assert_eq!(FirstHeader::from_pointer(2046), FirstHeader::OnlyIdle);
            let packets = TmHeader::new(Scid::default(), Vcid::default());
            assert!(!packets.synchronization_flag);
            assert_eq!(packets.segment_length_id, 0b11);
            continue;
        }
        let fields = &vector["fields"];
        let input = octets(text(vector, "input_hex"));
        if vector["standard"].as_str().unwrap().contains("232.0-B") {
            check_clcw(&input, fields);
        } else if input.len() as u64 == number(fields, "length") {
            check_tm_frame(&input, fields);
        } else {
            // A real frame of which the vector has only the first octets.
            let header = TmHeader::parse(&input).unwrap();
            check_tm(&header, fields);
            assert_eq!(header.encode().unwrap(), input[..6]);
        }
    }
}

fn check_fhec(vector: &Value) {
    if vector["expected_hex"].is_string() {
        let input = octets(text(vector, "input_hex"));
        let field = u16::from_be_bytes(octets(text(vector, "expected_hex")).try_into().unwrap());
        let identification = u16::from_be_bytes([input[0], input[1]]);
        assert_eq!(fhec::encode(identification, input[5]), field);
        assert_eq!(
            fhec::decode(identification, input[5], field),
            Some(fhec::Corrected::Clean)
        );
        return;
    }
    let (params, expected) = (&vector["params"], &vector["expected"]);
    let decoded = fhec::decode(
        number(params, "gvcid") as u16,
        number(params, "signalling") as u8,
        number(params, "fhec") as u16,
    );
    if !flag(expected, "correctable") {
        assert_eq!(decoded, None, "{vector}");
        return;
    }
    match decoded {
        Some(fhec::Corrected::Symbols {
            identification,
            signaling,
            ..
        }) => {
            assert_eq!(u64::from(identification), number(expected, "gvcid"));
            assert_eq!(u64::from(signaling), number(expected, "signalling"));
        }
        other => panic!("{other:?} for {vector}"),
    }
}

/// Whole frames; their FHEC, where there are octets for one, is known to be wrong, so that the
/// octets count as insert zone.
fn check_aos_frame(vector: &Value) {
    let fields = &vector["fields"];
    let input = octets(text(vector, "input_hex"));
    let fecf = crc16_is_good(&input);
    let layout = FrameLayout::new(FrameOptions {
        insert_zone_octets: if fields["fhec_in_frame"].is_string() {
            2
        } else {
            0
        },
        fecf,
        ..FrameOptions::new(FrameKind::Aos, input.len())
    })
    .unwrap();
    let frame = AosFrame::new_checked(&input, &layout).unwrap();
    let header = frame.header();
    let signaling = number(fields, "signalling");
    assert_eq!(number(fields, "version"), 1);
    // Issue 4 put two bits of the spacecraft identifier where this source has spare bits.
    assert_eq!(
        u64::from(header.spacecraft.get() & 0xFF),
        number(fields, "scid")
    );
    assert_eq!(u64::from(header.spacecraft.get() >> 8), signaling >> 4 & 3);
    assert_eq!(
        u64::from(header.virtual_channel.get()),
        number(fields, "vcid")
    );
    assert_eq!(
        u64::from(header.virtual_channel_frame_count),
        number(fields, "vcfc")
    );
    assert_eq!(header.replay, signaling & 0x80 != 0);
    assert_eq!(header.frame_count_cycle_in_use, signaling & 0x40 != 0);
    assert_eq!(u64::from(header.frame_count_cycle), signaling & 0xF);
    if fields["first_header_pointer"].is_u64() {
        let unit = Mpdu::new_checked(frame.data_field()).unwrap();
        let pointer = u64::from(unit.first_header().pointer().unwrap());
        assert_eq!(pointer, number(fields, "first_header_pointer"));
        assert_eq!(frame.fecf().map(u64::from), Some(number(fields, "fecf")));
    }
    let mut again = Vec::new();
    let parts = FrameParts {
        extra: frame.insert_zone(),
        data: frame.data_field(),
        ocf: frame.ocf(),
    };
    header.encode_frame(&layout, &parts, &mut again).unwrap();
    assert_eq!(again, input);

    if fields["fhec_in_frame"].is_string() {
        let options = FrameOptions {
            frame_header_error_control: true,
            insert_zone_octets: 0,
            ..*layout.options()
        };
        let layout = FrameLayout::new(options).unwrap();
        let checked = AosFrame::new_checked(&input, &layout);
        assert!(!checked.is_ok_and(|frame| frame.header_check() == HeaderCheck::Clean));
    }
}

#[test]
fn aos_frames() {
    let vectors = vectors("aos_frame.json");
    assert_eq!(vectors.len(), 12);
    for vector in &vectors {
        match text(vector, "name") {
            name if name.starts_with("FHEC") => check_fhec(vector),
            // What the recordings have, checked on them in recorded_frames.rs.
            "real frames" => {
                assert!(text(vector, "facts").contains("idle VC 63"));
                assert_eq!(Vcid::IDLE.get(), 63);
            }
            _ => check_aos_frame(vector),
        }
    }
    let header = AosHeader::parse(&octets("5eeafed1234a")).unwrap();
    assert_eq!(header.encode().unwrap(), octets("5eeafed1234a")[..]);
}

fn uslp_identification(params: &Value) -> UslpIdentification {
    UslpIdentification {
        spacecraft: number(params, "scid") as u16,
        destination: text(params, "src_dest") == "DEST",
        virtual_channel: Vcid::new(number(params, "vcid") as u8).unwrap(),
        map: number(params, "map_id") as u8,
    }
}

fn check_uslp_frame(input: &[u8], fields: &Value) {
    let layout = FrameLayout::new(FrameOptions {
        fecf: true,
        ..FrameOptions::new(FrameKind::Uslp, input.len())
    })
    .unwrap();
    let frame = UslpFrame::new_checked(input, &layout).unwrap();
    let header = frame.header();
    let identification = &header.identification;
    assert_eq!(u64::from(identification.spacecraft), number(fields, "scid"));
    assert_eq!(identification.destination, flag(fields, "src_dest"));
    assert_eq!(
        u64::from(identification.virtual_channel.get()),
        number(fields, "vcid")
    );
    assert_eq!(u64::from(identification.map), number(fields, "map_id"));
    assert_eq!(
        u64::from(header.frame_length),
        number(fields, "frame_length_field")
    );
    assert_eq!(header.bypass, flag(fields, "bypass"));
    assert_eq!(header.protocol_control, flag(fields, "prot_ctrl"));
    assert_eq!(header.ocf_flag, flag(fields, "ocf_flag"));
    assert_eq!(
        u64::from(header.count_octets),
        number(fields, "vcf_count_len")
    );
    assert_eq!(header.virtual_channel_frame_count, number(fields, "vcfc"));
    assert_eq!(frame.fecf_valid(), Some(flag(fields, "fecf_ok")));
    let (data, zone) = UslpDataHeader::split(frame.data_field()).unwrap();
    assert_eq!(
        u64::from(data.construction_rule),
        number(fields, "construction_rule")
    );
    assert_eq!(u64::from(data.protocol), number(fields, "upid"));
    assert!(zone.iter().all(|octet| *octet == 0xAA) && !zone.is_empty());
    let mut again = Vec::new();
    header.encode(&mut again).unwrap();
    assert_eq!(again, input[..header.octets()]);
}

#[test]
fn uslp_frames() {
    let vectors = vectors("uslp_frame.json");
    assert_eq!(vectors.len(), 6);
    for vector in &vectors {
        if vector["input_hex"].is_string() {
            check_uslp_frame(&octets(text(vector, "input_hex")), &vector["fields"]);
            continue;
        }
        let params = &vector["params"];
        let expected = octets(text(vector, "expected_hex"));
        let identification = uslp_identification(params);
        if params["frame_len"].is_null() {
            assert_eq!(identification.encode(true).unwrap(), expected[..]);
            assert_eq!(
                UslpIdentification::parse(&expected).unwrap(),
                (identification, true)
            );
            continue;
        }
        let header = UslpHeader {
            identification,
            frame_length: number(params, "frame_len") as u16,
            bypass: text(params, "bypass_seq_ctrl_flag") == "EXPEDITED_QOS",
            protocol_control: text(params, "prot_ctrl_cmd_flag") == "PROTOCOL_INFORMATION",
            ocf_flag: flag(params, "op_ctrl_flag"),
            count_octets: number(params, "vcf_count_len") as u8,
            virtual_channel_frame_count: params["vcf_count"].as_u64().unwrap_or(0),
        };
        let mut out = Vec::new();
        header.encode(&mut out).unwrap();
        assert_eq!(out, expected, "{vector}");
        assert_eq!(UslpHeader::parse(&expected).unwrap(), header);
    }
}

fn utc(text: &str) -> UtcMicros {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn check_cds_with_preamble(vector: &Value) {
    let (params, expected) = (&vector["params"], octets(text(vector, "expected_hex")));
    let (preamble, used) = Preamble::parse(&expected).unwrap();
    let Preamble::Cds {
        agency_epoch: false,
        day_octets,
        submillisecond,
    } = preamble
    else {
        panic!("{preamble:?}");
    };
    let format = CdsFormat::new(Epoch::TAI_1958, day_octets, submillisecond).unwrap();
    let time = CdsTime {
        days: number(params, "days") as u32,
        millisecond: number(params, "ms_of_day") as u32,
        picosecond: 0,
    };
    assert_eq!(format.read(&expected[used..]).unwrap(), time);
    let mut out = Vec::new();
    preamble.encode(&mut out).unwrap();
    format.write(&time, &mut out).unwrap();
    assert_eq!(out, expected);
}

fn check_cds(vector: &Value) {
    let (fields, input) = (&vector["fields"], octets(text(vector, "input_hex")));
    let format = CdsFormat::new(Epoch::UTC_1958, 2, Submillisecond::Micro).unwrap();
    let read = format.read(&input).unwrap();
    assert_eq!(u64::from(read.days), number(fields, "days"));
    assert_eq!(u64::from(read.millisecond), number(fields, "ms"));
    assert_eq!(u64::from(read.picosecond), number(fields, "us") * 1_000_000);
    let time = format.decode(&input).unwrap();
    assert_eq!(time, utc(text(fields, "utc")));
    let mut out = Vec::new();
    format
        .encode(time.into(), &LeapSeconds::IERS, &mut out)
        .unwrap();
    assert_eq!(out, input);
}

/// A preamble field alone, or one with a time after it.
fn check_cuc(vector: &Value, input: &[u8]) {
    let fields = &vector["fields"];
    let mut octets = input.to_vec();
    if input.len() == 1 && input[0] & 0x80 != 0 {
        // The vector has the first octet only; an extension that adds nothing makes it whole.
        assert!(Preamble::parse(input).is_err());
        assert!(flag(fields, "extension"));
        octets.push(0);
    }
    let (preamble, used) = Preamble::parse(&octets).unwrap();
    let Preamble::Cuc {
        agency_epoch,
        coarse_octets,
        fine_octets,
    } = preamble
    else {
        panic!("{preamble:?}");
    };
    if !fields["code_id"].is_null() {
        assert_eq!(agency_epoch, number(fields, "code_id") == 2);
        assert_eq!(u64::from(coarse_octets), number(fields, "coarse_octets"));
        assert_eq!(u64::from(fine_octets), number(fields, "fine_octets"));
    }
    let mut out = Vec::new();
    preamble.encode(&mut out).unwrap();
    if input[0] & 0x80 == 0 {
        assert_eq!(out, input[..used]);
    }
    if octets.len() == used {
        return;
    }
    let format = CucFormat::new(Epoch::UNIX, coarse_octets, fine_octets).unwrap();
    let read = format.read(&octets[used..]).unwrap();
    assert_eq!(read.coarse, number(fields, "coarse"));
    assert_eq!(
        read.fraction,
        number(fields, "fine") << (64 - 8 * u32::from(fine_octets))
    );
    let micros = format.decode(&octets[used..]).unwrap().get();
    let expected = match fields["seconds"].as_f64() {
        Some(seconds) => (seconds * 1e6) as i64,
        None => utc(text(fields, "unix_utc")).get(),
    };
    let near = if fields["seconds"].is_f64() { 1 } else { 500 };
    assert!((micros - expected).abs() <= near, "{micros} for {vector}");
    format.write(&read, &mut out).unwrap();
    assert_eq!(out, input);
}

/// The two clocks that are CUC with an epoch of their own, after an identification octet or two.
fn check_agency_clock(vector: &Value) {
    let (fields, input) = (&vector["fields"], octets(text(vector, "input_hex")));
    let (epoch, coarse_octets, fine_octets, skip) = match text(vector, "name") {
        "DART TM secondary header time" => ("2010-01-01T00:00:00", 4, 2, 2),
        _ => ("2006-10-25T12:00:00", 4, 1, 1),
    };
    let epoch = Epoch::parse(epoch, TimeScale::Utc).unwrap();
    let format = CucFormat::new(epoch, coarse_octets, fine_octets).unwrap();
    let time = format.decode(&input[skip..]).unwrap();
    assert_eq!(time, utc(text(fields, "time")));
    let mut out = Vec::new();
    format
        .encode(time.into(), &LeapSeconds::IERS, &mut out)
        .unwrap();
    assert_eq!(out, input[skip..skip + format.octets()]);
}

#[test]
fn time_codes() {
    let vectors = vectors("time_codes.json");
    assert_eq!(vectors.len(), 23);
    for vector in &vectors {
        match text(vector, "name") {
            name if name.starts_with("CDS P-field") => check_cds_with_preamble(vector),
            name if name.starts_with("CDS") => check_cds(vector),
            name if name.starts_with("CUC P-field") => {
                check_cuc(vector, &octets(text(vector, "input_hex")));
            }
            name if name.ends_with("spacecraft time packet") => {
                let input = octets(text(vector, "input_hex"));
                let packet = SpacePacket::new_checked(&input).unwrap();
                check_packet(packet.header(), &vector["fields"]);
                let (rate, time) = packet.data_field().split_first().unwrap();
                assert_eq!(u64::from(*rate), number(&vector["fields"], "rate_field"));
                check_cuc(vector, time);
            }
            "DART TM secondary header time" | "STEREO-A TM secondary header time" => {
                check_agency_clock(vector);
            }
            "ASCII code A" => {
                let input = text(vector, "input");
                assert_eq!(utc(input).to_string(), input);
            }
            "ASCII code B" => {
                let input = text(vector, "input");
                assert_eq!(DayOfYear(utc(input)).to_string(), input);
                assert_eq!(utc(input), utc("2022-09-24T10:45:49.832031Z"));
            }
            name => panic!("no test for {name}"),
        }
    }
}

#[test]
fn lunar_flashlight_counts_2_to_the_minus_16_seconds_from_j2000() {
    // First packet of frames/lunar_flashlight_frames_20221212_170854Z.u8 (recordings/README.md:
    // 48 bits of 2^-16 s since J2000); the expected time is by Python's datetime.
    let octets = octets("2b29739d0923");
    let epoch = Epoch::parse("2000-01-01T12:00:00", TimeScale::Utc).unwrap();
    let time = CucFormat::new(epoch, 4, 2)
        .unwrap()
        .decode(&octets)
        .unwrap();
    assert_eq!(time, utc("2022-12-12T17:07:41.035690Z"));
    // By the letter J2000 is noon in TT, and leap seconds count: 64.184 s less 5 s.
    let letter = CucFormat::new(Epoch::J2000, 4, 2)
        .unwrap()
        .decode(&octets)
        .unwrap();
    assert_eq!(time.get() - letter.get(), 69_184_000);
}
