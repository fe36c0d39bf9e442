//! Golden vectors of the uplink from outside: TC frames, BCH, LDPC, CLTUs, SDLS, PUS. Each entry of
//! `tests/vectors/*.json` names its source; an entry that no test here knows fails the test.

use std::path::Path;

use serde_json::Value;
use space_link::bch::{self, Decoded, Mode};
use space_link::clcw::Clcw;
use space_link::cltu::{self, CltuCode, CltuDecoder, CltuEnd, CltuLimits, LdpcTail, Search};
use space_link::cop::ControlCommand;
use space_link::crc::crc16;
use space_link::frame::{FrameType, MapId, Scid, SegmentHeader, TcFrame, TcHeader, Vcid};
use space_link::ldpc::{self, Ldpc};
use space_link::packet::{Apid, SequenceFlags, SpacePacket};
use space_link::pus::{
    AckFlags, Outcome, PusTcLayout, PusTelecommand, PusTelemetry, PusTmHeader, PusTmLayout,
    RequestId, Stage, VerificationLayout, VerificationReport,
};
use space_link::randomizer::Randomizer;
use space_link::sdls::{
    AuthenticationMask, Cipher, Key, SecurityHeader, SecurityLayout, Service, TcSecurity,
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
fn octets(value: &Value, key: &str) -> Vec<u8> {
    let digits = text(value, key).trim_end_matches("...");
    assert!(digits.len().is_multiple_of(2), "{digits}");
    let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(pair).collect()
}

fn number(fields: &Value, key: &str) -> u64 {
    match &fields[key] {
        Value::String(digits) => u64::from_str_radix(digits, 16).expect("hexadecimal"),
        value => value
            .as_u64()
            .unwrap_or_else(|| panic!("{key} in {fields}")),
    }
}

fn array<const N: usize>(octets: &[u8]) -> [u8; N] {
    octets.try_into().expect("as many octets")
}

fn tc_header(fields: &Value) -> TcHeader {
    TcHeader {
        frame_type: match (number(fields, "bypass"), number(fields, "control_command")) {
            (0, 0) => FrameType::Ad,
            (1, 0) => FrameType::Bd,
            (1, 1) => FrameType::Bc,
            other => panic!("{other:?}"),
        },
        spacecraft: Scid::new(number(fields, "scid") as u16).unwrap(),
        virtual_channel: Vcid::new(number(fields, "vcid") as u8).unwrap(),
        sequence_number: number(fields, "seq") as u8,
    }
}

#[test]
fn tc_frames_read_and_write() {
    let (mut data, mut control) = (0, 0);
    for vector in vectors("tc_frame.json") {
        if vector["facts"].is_object() {
            for (bits, flags) in [
                (0b01, SequenceFlags::First),
                (0b00, SequenceFlags::Continuation),
                (0b10, SequenceFlags::Last),
                (0b11, SequenceFlags::Unsegmented),
            ] {
                let header = SegmentHeader::from_octet(bits << 6 | 5);
                assert_eq!(header.sequence_flags, flags);
                assert_eq!(header.to_octet(), bits << 6 | 5);
            }
            continue;
        }
        let fields = &vector["fields"];
        let key = if vector["input_hex"].is_string() {
            "input_hex"
        } else {
            "expected_hex"
        };
        let whole = octets(&vector, key);
        // A source may hold less or more than the frame announces; what it announces is whole.
        let total = number(fields, "total_length") as usize;
        let frame = TcFrame::new_checked(&whole, true).expect("a frame");
        assert_eq!(frame.octets().len(), total, "{vector}");
        assert_eq!(frame.header(), &tc_header(fields));
        let mut again = Vec::new();
        frame
            .header()
            .encode_frame(frame.data_field(), true, &mut again)
            .unwrap();
        assert_eq!(again, whole[..total]);
        if frame.header().frame_type == FrameType::Bc {
            let command = ControlCommand::parse(frame.data_field()).unwrap();
            let expected = match text(&vector["params"], "control_command") {
                "Unlock" => ControlCommand::Unlock,
                "Set V(R) = 5" => ControlCommand::SetVr(5),
                other => panic!("{other}"),
            };
            assert_eq!(command, expected);
            let mut field = Vec::new();
            command.encode(&mut field);
            assert_eq!(field, frame.data_field());
            control += 1;
        } else {
            let header = SegmentHeader::from_octet(frame.data_field()[0]);
            assert_eq!(
                header.sequence_flags as u64,
                number(fields, "segment_flags")
            );
            assert_eq!(u64::from(header.map_id.get()), number(fields, "map_id"));
            assert_eq!(
                u64::from(header.to_octet()),
                number(fields, "segment_header")
            );
            data += 1;
        }
    }
    assert_eq!((data, control), (3, 2));
}

fn decode_cltu(code: CltuCode, stream: &[u8]) -> Vec<u8> {
    let mut decoder = CltuDecoder::new(code, Search::of(code), CltuLimits::default());
    let mut found = Vec::new();
    decoder.handle_octets(stream, |cltu| {
        assert_eq!(cltu.end, CltuEnd::Tail);
        assert_eq!((cltu.corrected_bits, cltu.start_errors), (0, 0));
        found.push(cltu.data.to_vec());
    });
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[test]
fn bch_code_blocks_and_cltus_read_and_write() {
    let (mut blocks, mut cltus) = (0, 0);
    for vector in vectors("tc_bch_cltu.json") {
        let name = text(&vector, "name");
        if name.starts_with("codeblock") {
            let input: [u8; 7] = array(&octets(&vector, "input_hex"));
            assert_eq!(
                bch::parity(&input),
                octets(&vector, "expected_hex")[0],
                "{name}"
            );
            let mut block: [u8; 8] = array(&[&input[..], &[bch::parity(&input)]].concat());
            assert_eq!(bch::decode(&mut block, Mode::Correct), Decoded::Clean);
            blocks += 1;
        } else if name.starts_with("CLTU") {
            let randomized = vector["params"]["randomized"].as_bool() == Some(true);
            let code = CltuCode::new(None, randomized).unwrap();
            let input = octets(&vector, "input_hex");
            let expected = octets(&vector, "expected_hex");
            let mut out = Vec::new();
            code.encode(&input, &mut out);
            assert_eq!(out, expected, "{name}");
            let data = decode_cltu(code, &expected);
            assert!(data.starts_with(&input), "{name}");
            cltus += 1;
        } else if name == "tail sequence syndrome" {
            // Neither a code word nor one bit beside one.
            assert_eq!(
                bch::decode(&mut cltu::TAIL_BCH.clone(), Mode::Correct),
                Decoded::Rejected
            );
            let parity = bch::parity(&array(&cltu::TAIL_BCH[..7]));
            let syndrome = u64::from((parity ^ cltu::TAIL_BCH[7]) >> 1);
            assert_eq!(syndrome, number(&vector["params"], "syndrome"));
        } else {
            // Bit by bit in space_link::bch's own tests.
            assert_eq!(name, "BCH decoding behaviour");
        }
    }
    assert_eq!((blocks, cltus), (4, 4));
}

#[test]
fn ldpc_code_words_read_and_write() {
    let mut checked = 0;
    for vector in vectors("ldpc.json") {
        let code = match text(&vector, "name") {
            name if name.starts_with("TC128") => Ldpc::Tc128,
            name if name.starts_with("TC512") => Ldpc::Tc512,
            // Codes of other links.
            name => {
                assert!(
                    name.starts_with("TC256") || name.starts_with("TM"),
                    "{name}"
                );
                continue;
            }
        };
        let mut codeword = octets(&vector, "input_hex");
        let half = codeword.len();
        codeword.resize(2 * half, 0);
        code.encode(&mut codeword);
        assert_eq!(
            codeword[half..],
            octets(&vector, "expected_hex"),
            "{vector}"
        );
        let sent = codeword.clone();
        codeword[1] ^= 0x20;
        assert_eq!(
            code.decode(&mut codeword),
            ldpc::Decoded::Codeword { corrected: 1 }
        );
        assert_eq!(codeword, sent);
        checked += 1;
    }
    assert_eq!(checked, 10);
}

#[test]
fn what_the_standards_print_is_what_is_written() {
    let mut checked = 0;
    for vector in vectors("tc_published.json") {
        let expected = octets(&vector, "expected_hex");
        let params = &vector["params"];
        let written = match text(&vector, "name") {
            name if name.starts_with("BCH block") => {
                let input = octets(&vector, "input_hex");
                let parity = bch::parity(&array(&input));
                [input, vec![parity]].concat()
            }
            name if name.contains("generator row") => {
                let code = if name.starts_with("LDPC(128,64)") {
                    Ldpc::Tc128
                } else {
                    Ldpc::Tc512
                };
                let bit = number(params, "row") as usize - 1;
                let mut codeword = vec![0; code.codeword_octets()];
                codeword[bit / 8] = 0x80 >> (bit % 8);
                code.encode(&mut codeword);
                codeword.split_off(code.information_octets())
            }
            "CLTU start, BCH" => cltu::START_BCH.to_vec(),
            "CLTU start, LDPC" => cltu::START_LDPC.to_vec(),
            "CLTU tail, BCH" => cltu::TAIL_BCH.to_vec(),
            "CLTU tail, LDPC(128,64)" => CltuCode::Ldpc128(LdpcTail::Corrected).tail().to_vec(),
            "CLTU tail, LDPC(128,64), derandomised" => {
                let mut tail = cltu::TAIL_LDPC128;
                Randomizer::Tc255.apply(&mut tail);
                tail.to_vec()
            }
            "TC frame primary header" => {
                let mut out = Vec::new();
                tc_header(params)
                    .encode_frame(&octets(&vector, "input_hex"), false, &mut out)
                    .unwrap();
                out
            }
            "segment header, last, MAP 42" => {
                let header = SegmentHeader {
                    sequence_flags: SequenceFlags::Last,
                    map_id: MapId::new(number(params, "map_id") as u8).unwrap(),
                };
                vec![header.to_octet()]
            }
            "Set V(R) = 219" => {
                let mut out = Vec::new();
                ControlCommand::SetVr(219).encode(&mut out);
                out
            }
            "CLCW" => {
                let flag = |key| number(params, key) == 1;
                let clcw = Clcw {
                    version: 0,
                    status: number(params, "status") as u8,
                    cop_in_effect: number(params, "cop_in_effect") as u8,
                    virtual_channel: Vcid::new(number(params, "vcid") as u8).unwrap(),
                    no_rf_available: flag("no_rf_available"),
                    no_bit_lock: flag("no_bit_lock"),
                    lockout: flag("lockout"),
                    wait: flag("wait"),
                    retransmit: flag("retransmit"),
                    farm_b_counter: number(params, "farm_b_counter") as u8,
                    report_value: number(params, "report_value") as u8,
                };
                assert_eq!(Clcw::parse(array(&expected)), Ok(clcw));
                clcw.encode().unwrap().to_vec()
            }
            other => panic!("{other}"),
        };
        assert_eq!(written, expected, "{vector}");
        checked += 1;
    }
    assert_eq!(checked, 19);
    assert_eq!(
        cltu::TAIL_LDPC128_FORMER.to_vec(),
        vectors("asm.json")
            .iter()
            .find(|vector| text(vector, "name") == "CLTU tail, LDPC(128,64)")
            .map(|vector| octets(vector, "expected_hex"))
            .expect("the tail of before the corrigendum")
    );
}

fn cipher(vector: &Value) -> Cipher {
    Cipher::new(&Key::from_hex(text(&vector["params"], "key_hex")).unwrap())
}

/// The octets that follow the segment header of a vector's frame, which has an FECF or not.
fn secured(frame: &[u8], fecf: bool) -> Vec<u8> {
    let frame = TcFrame::new_checked(frame, fecf).expect("a frame");
    frame.data_field()[1..].to_vec()
}

fn layout(iv: usize, sequence_number: usize, mac: usize) -> SecurityLayout {
    SecurityLayout {
        iv_octets: iv,
        sequence_number_octets: sequence_number,
        pad_length_octets: 0,
        mac_octets: mac,
    }
}

#[test]
fn sdls_frames_read_and_write() {
    let mut checked = 0;
    for vector in vectors("sdls.json") {
        let name = text(&vector, "name");
        let fields = &vector["fields"];
        match name {
            _ if name.starts_with("TC AES-256-GCM encryption only") => {
                let secured = secured(&octets(&vector, "input_hex"), true);
                let layout = layout(12, 0, 0);
                let parts = layout.split(&secured).unwrap();
                check_header(&layout, &parts.header, fields, &secured);
                assert_eq!(parts.data, octets(fields, "ciphertext"));
                // Without a code there is nothing to open: the counter mode works both ways.
                let mut data = parts.data.to_vec();
                let iv = array(parts.header.iv);
                cipher(&vector).seal(&iv, &[], &mut data).unwrap();
                assert_eq!(data, octets(&vector, "expected_plaintext_hex"), "{name}");
            }
            _ if name.starts_with("TC GCM IV and ARSN") => {
                let secured = secured(&octets(&vector, "input_hex"), false);
                let layout = layout(12, 2, 16);
                let parts = layout.split(&secured).unwrap();
                check_header(&layout, &parts.header, fields, &secured);
                assert_eq!(parts.mac, octets(fields, "mac"));
                // The source masks all headers, whose 22 octets then count as zeros.
                let cipher = cipher(&vector);
                let mut data = parts.data.to_vec();
                let iv = array(parts.header.iv);
                let mac: [u8; 16] = array(parts.mac);
                assert!(cipher.open(&iv, &[0; 22], &mut data, &mac), "{name}");
                assert_eq!(cipher.seal(&iv, &[0; 22], &mut data), Ok(mac));
                assert_eq!(data, parts.data);
            }
            _ if name.starts_with("TC CMAC-AES256") => {
                // The format only: CMAC is not among the services here.
                let secured = secured(&octets(&vector, "input_hex"), true);
                let layout = layout(0, 2, 16);
                let parts = layout.split(&secured).unwrap();
                check_header(&layout, &parts.header, fields, &secured);
                assert_eq!(parts.data, octets(fields, "payload"));
                assert_eq!(parts.mac, octets(fields, "mac"));
            }
            _ if name.starts_with("TM frame 42 bytes AES-256-GCM") => {
                let params = &vector["params"];
                let input = octets(&vector, "input_hex");
                let expected = octets(&vector, "expected_hex");
                let mask = octets(params, "primary_header_mask_hex");
                let mut associated: Vec<u8> = input[..6]
                    .iter()
                    .zip(mask)
                    .map(|(octet, mask)| octet & mask)
                    .collect();
                associated.extend(&input[6..20]);
                assert_eq!(associated, octets(params, "aad_hex"));
                let layout = SecurityLayout::AES_GCM;
                let parts = layout.split(&expected[6..]).unwrap();
                assert_eq!(u64::from(parts.header.spi.get()), 42);
                let mut data = input[20..].to_vec();
                let iv = array(parts.header.iv);
                let mac = cipher(&vector).seal(&iv, &associated, &mut data).unwrap();
                assert_eq!([&input[..20], &data[..], &mac].concat(), expected, "{name}");
                assert!(cipher(&vector).open(&iv, &associated, &mut data, &mac));
                assert_eq!(data, input[20..]);
            }
            "NIST CAVS gcmEncryptExtIV256 used by CryptoLib" => {
                let mut data = octets(&vector, "input_hex");
                let iv = array(&octets(&vector["params"], "iv_hex"));
                cipher(&vector).seal(&iv, &[], &mut data).unwrap();
                assert_eq!(data, octets(&vector, "expected_ciphertext_hex"));
            }
            other => {
                assert_eq!(other, "more");
                continue;
            }
        }
        checked += 1;
    }
    assert_eq!(checked, 15);
}

fn check_header(
    layout: &SecurityLayout,
    header: &SecurityHeader<'_>,
    fields: &Value,
    secured: &[u8],
) {
    if fields["iv"].is_string() {
        assert_eq!(header.iv, octets(fields, "iv"));
    }
    if fields["sn"].is_string() {
        assert_eq!(header.sequence_number, octets(fields, "sn"));
    }
    assert_eq!(header.spi.get(), 9);
    let mut again = Vec::new();
    header.encode(layout, &mut again).unwrap();
    assert_eq!(again, secured[..layout.header_octets()]);
}

#[test]
fn the_tm_vector_is_what_the_tc_mask_would_give() {
    // The mask for TC leaves of five octets the virtual channel; what is sealed is the vector's.
    let security = TcSecurity {
        service: Service::AuthenticatedEncryption,
        layout: SecurityLayout::AES_GCM,
        mask: AuthenticationMask::STANDARD,
    };
    let cipher = Cipher::new(&Key::new(&mut [1; 32]));
    let header = SecurityHeader {
        spi: space_link::sdls::Spi::new(42).unwrap(),
        iv: &[3; 12],
        sequence_number: &[],
        pad_length: &[],
    };
    let mut out = Vec::new();
    space_link::sdls::protect(
        &cipher,
        &security,
        &[0x23, 0xFF, 0xA7, 0x12, 0x99],
        Some(0xC5),
        &header,
        b"data",
        &mut out,
    )
    .unwrap();
    let mut associated = vec![0, 0, 0xA4, 0, 0, 0xC5, 0, 42];
    associated.extend([3; 12]);
    let mut data = *b"data";
    let mac = cipher.seal(&[3; 12], &associated, &mut data).unwrap();
    assert_eq!(out[15..], [&data[..], &mac].concat());
}

fn check_tc(vector: &Value, layout: &PusTcLayout, application_data: &[u8]) {
    let fields = &vector["fields"];
    let expected = octets(vector, "expected_hex");
    let packet = SpacePacket::new_checked(&expected).unwrap();
    let telecommand = PusTelecommand::new_checked(packet, layout).unwrap();
    let header = telecommand.header();
    assert_eq!(u64::from(header.service), number(fields, "service"));
    assert_eq!(u64::from(header.message), number(fields, "subservice"));
    assert_eq!(
        header.ack,
        AckFlags::from_bits(number(fields, "ack_flags") as u8)
    );
    assert_eq!(telecommand.application_data(), application_data);
    let mut again = Vec::new();
    let apid = Apid::new(number(fields, "apid") as u16).unwrap();
    header
        .encode_packet(
            layout,
            apid,
            number(fields, "seq_count") as u16,
            application_data,
            &mut again,
        )
        .unwrap();
    assert_eq!(again, expected, "{vector}");
    let mut damaged = expected.clone();
    damaged[7] ^= 1;
    let packet = SpacePacket::new_checked(&damaged).unwrap();
    assert!(PusTelecommand::new_checked(packet, layout).is_err());
}

/// Checks a telemetry packet and writes it again; gives its source data.
fn check_tm(vector: &Value, layout: &PusTmLayout, packet: &[u8]) -> Vec<u8> {
    let fields = &vector["fields"];
    let packet = SpacePacket::new_checked(packet).unwrap();
    let telemetry = PusTelemetry::new_checked(packet, layout).unwrap();
    let header = telemetry.header();
    assert_eq!(u64::from(header.service), number(fields, "service"));
    assert_eq!(u64::from(header.message), number(fields, "subservice"));
    if fields["message_counter"].is_u64() {
        assert_eq!(header.counter, number(fields, "message_counter"));
        assert_eq!(header.destination_id, number(fields, "destination_id"));
    }
    if fields["time_field_hex"].is_string() {
        assert_eq!(header.time, octets(fields, "time_field_hex"));
    }
    if fields["dest"].is_u64() {
        assert_eq!(header.destination_id, number(fields, "dest"));
        let coarse = u64::from(u32::from_be_bytes(array(&header.time[..4])));
        let fine = u64::from(u16::from_be_bytes(array(&header.time[4..])));
        assert_eq!(coarse, number(fields, "obt_coarse"), "{vector}");
        assert_eq!(fine, number(fields, "obt_fine"), "{vector}");
    }
    let mut again = Vec::new();
    header
        .encode_packet(
            layout,
            packet.header().apid,
            packet.header().sequence_count,
            telemetry.source_data(),
            &mut again,
        )
        .unwrap();
    // Real packets may be segments, which are not written here.
    if packet.header().sequence_flags == SequenceFlags::Unsegmented {
        assert_eq!(again, packet.octets(), "{vector}");
    }
    if header.service == 1 {
        check_verification(&telemetry);
    }
    telemetry.source_data().to_vec()
}

fn check_verification(telemetry: &PusTelemetry<'_>) {
    let layout = VerificationLayout::default();
    let report = VerificationReport::parse(telemetry, &layout).unwrap();
    assert_eq!(report.message(), telemetry.header().message);
    assert!(report.request.is_telecommand());
    let mut source_data = Vec::new();
    report.encode(&layout, &mut source_data).unwrap();
    assert_eq!(source_data, telemetry.source_data());
}

#[test]
fn pus_packets_read_and_write() {
    let stix = PusTmLayout {
        destination_octets: 1,
        packet_error_control: false,
        ..PusTmLayout::pus_a(6)
    };
    let (mut telecommands, mut telemetry, mut shortened) = (0, 0, 0);
    for vector in vectors("pus.json") {
        let name = text(&vector, "name");
        if vector["app_data_hex"].is_string() {
            check_tc(
                &vector,
                &PusTcLayout::PUS_C,
                &octets(&vector, "app_data_hex"),
            );
            telecommands += 1;
            continue;
        }
        if name == "PUS-A TC[17,1]" {
            check_tc(&vector, &PusTcLayout::PUS_A, &[]);
            telecommands += 1;
            continue;
        }
        let layout = match name {
            _ if vector["time_field_hex"].is_string() => {
                PusTmLayout::pus_c(octets(&vector, "time_field_hex").len())
            }
            "PUS-A TM[17,2] with CDS-short time" => PusTmLayout::pus_a(7),
            _ if name.contains("PUS-C") => PusTmLayout::pus_c(7),
            _ if name.contains("Euclid") => PusTmLayout::pus_a(7),
            _ if name.contains("STIX") => stix,
            other => panic!("{other}"),
        };
        let key = if vector["input_hex"].is_string() {
            "input_hex"
        } else {
            "expected_hex"
        };
        let packet = octets(&vector, key);
        if text(&vector, key).ends_with("...") {
            let header = PusTmHeader::parse(&layout, &packet[6..]).unwrap();
            assert_eq!(
                u64::from(header.service),
                number(&vector["fields"], "service")
            );
            shortened += 1;
            continue;
        }
        let source_data = check_tm(&vector, &layout, &packet);
        if vector["source_data_hex"].is_string() {
            assert_eq!(source_data, octets(&vector, "source_data_hex"));
        }
        telemetry += 1;
    }
    assert_eq!((telecommands, telemetry, shortened), (17, 55, 3));
}

#[test]
fn verification_reports_say_what_the_vectors_are_named() {
    let layout = VerificationLayout::default();
    let request = RequestId::from_octets([0x18, 0x42, 0xC0, 0x01]);
    assert_eq!(request.to_string(), "apid=66 count=1");
    let failed = |code, data| Outcome::Failure { code, data };
    for (message, digits, stage, outcome) in [
        (1, "", Stage::Acceptance, Outcome::Success),
        (2, "00050102", Stage::Acceptance, failed(5, &[1, 2])),
        (3, "", Stage::Start, Outcome::Success),
        (4, "0006", Stage::Start, failed(6, &[])),
        (5, "0003", Stage::Progress { step: 3 }, Outcome::Success),
        (6, "00030007", Stage::Progress { step: 3 }, failed(7, &[])),
        (7, "", Stage::Completion, Outcome::Success),
        (8, "0009", Stage::Completion, failed(9, &[])),
        (10, "0001", Stage::Routing, failed(1, &[])),
    ] {
        let mut source_data = request.octets().to_vec();
        source_data.extend(octets(&serde_json::json!({ "hex": digits }), "hex"));
        let report = VerificationReport::parse_source_data(message, &source_data, &layout).unwrap();
        assert_eq!(
            (report.request, report.stage, report.outcome),
            (request, stage, outcome)
        );
    }
    // ECSS-E-ST-70-41C annex B: packet error control is the CRC of frames.
    assert_eq!(crc16(&[0, 0]), 0x1D0F);
}
