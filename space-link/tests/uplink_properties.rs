//! What holds for every TC frame, CLTU, security header and PUS packet: writing and reading are
//! inverse, the `spacepackets` crate agrees, and no octets make a parser panic.

use proptest::collection::vec;
use proptest::prelude::*;
use space_link::bch::{self, Decoded, Mode};
use space_link::cltu::{CltuCode, CltuDecoder, CltuEnd, CltuLimits, LdpcTail, Search};
use space_link::cop::ControlCommand;
use space_link::frame::{FrameType, MapId, Scid, SegmentHeader, TcFrame, TcHeader, Vcid};
use space_link::ldpc::Ldpc;
use space_link::packet::{Apid, SequenceFlags, SpacePacket};
use space_link::pus::{
    AckFlags, Outcome, PusTcHeader, PusTcLayout, PusTelecommand, PusTelemetry, PusTmHeader,
    PusTmLayout, PusVersion, RequestId, Stage, VerificationLayout, VerificationReport,
};
use space_link::sdls::{
    AuthenticationMask, Cipher, FrameSecurityReport, Key, SecurityHeader, SecurityLayout, Service,
    Spi, TcSecurity, protect, spi_of, unprotect,
};
use spacepackets::ecss::tc::GenericPusTcSecondaryHeader;
use spacepackets::ecss::{PusPacket, tc, tc_pus_a};
use spacepackets::util::UnsignedByteField;

fn frame_type() -> impl Strategy<Value = FrameType> {
    prop_oneof![
        Just(FrameType::Ad),
        Just(FrameType::Bd),
        Just(FrameType::Bc)
    ]
}

fn header() -> impl Strategy<Value = TcHeader> {
    (frame_type(), 0..=Scid::MAX, 0..=Vcid::MAX, any::<u8>()).prop_map(
        |(frame_type, scid, vcid, sequence_number)| TcHeader {
            frame_type,
            spacecraft: Scid::new(scid).unwrap(),
            virtual_channel: Vcid::new(vcid).unwrap(),
            sequence_number,
        },
    )
}

fn cltu_code() -> impl Strategy<Value = CltuCode> {
    prop_oneof![
        any::<bool>().prop_map(|randomized| CltuCode::Bch { randomized }),
        Just(CltuCode::Ldpc128(LdpcTail::Corrected)),
        Just(CltuCode::Ldpc128(LdpcTail::Former)),
        Just(CltuCode::Ldpc128(LdpcTail::Absent)),
        Just(CltuCode::Ldpc512),
    ]
}

/// Bits of an octet stream, shifted by `offset` bits of idle sequence.
fn shifted(octets: &[u8], offset: usize) -> Vec<u8> {
    let bits: Vec<u8> = (0..offset)
        .map(|index| index as u8 & 1)
        .chain(
            octets
                .iter()
                .flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1)),
        )
        .collect();
    bits.chunks(8)
        .map(|chunk| {
            let octet = chunk.iter().fold(0, |octet, bit| octet << 1 | bit);
            octet << (8 - chunk.len())
        })
        .collect()
}

fn receive(code: CltuCode, stream: &[u8], mode: Mode) -> Vec<(Vec<u8>, u32, CltuEnd)> {
    let limits = CltuLimits {
        mode,
        ..CltuLimits::default()
    };
    let mut decoder = CltuDecoder::new(code, Search::of(code), limits);
    let mut found = Vec::new();
    decoder.handle_octets(stream, |cltu| {
        found.push((cltu.data.to_vec(), cltu.corrected_bits, cltu.end));
    });
    found
}

proptest! {
    #[test]
    fn tc_frames_come_back(
        header in header(),
        data in vec(any::<u8>(), 1..=1017),
        fecf in any::<bool>(),
        rest in vec(any::<u8>(), 0..9),
    ) {
        let mut octets = Vec::new();
        header.encode_frame(&data, fecf, &mut octets).unwrap();
        let length = octets.len();
        octets.extend(&rest);
        let (frame, after) = TcFrame::split_first(&octets, fecf).unwrap();
        prop_assert_eq!(frame.header(), &header);
        prop_assert_eq!(frame.data_field(), &data[..]);
        prop_assert_eq!(frame.octets(), &octets[..length]);
        prop_assert_eq!(after, &rest[..]);
    }

    #[test]
    fn one_wrong_bit_of_a_frame_with_error_control_is_seen(
        header in header(),
        data in vec(any::<u8>(), 1..200),
        place in any::<prop::sample::Index>(),
    ) {
        let mut octets = Vec::new();
        header.encode_frame(&data, true, &mut octets).unwrap();
        let bit = place.index(octets.len() * 8);
        octets[bit / 8] ^= 0x80 >> (bit % 8);
        // A longer length may announce more than there is; nothing makes it a good frame.
        prop_assert!(TcFrame::new_checked(&octets, true).is_err());
    }

    #[test]
    fn any_octets_are_a_frame_or_an_error(octets in vec(any::<u8>(), 0..64), fecf in any::<bool>()) {
        if let Ok((frame, rest)) = TcFrame::split_first(&octets, fecf) {
            prop_assert_eq!(frame.octets().len() + rest.len(), octets.len());
            let mut again = Vec::new();
            frame.header().encode_frame(frame.data_field(), fecf, &mut again).unwrap();
            prop_assert_eq!(again, frame.octets());
        }
        if let Ok(command) = ControlCommand::parse(&octets) {
            let mut again = Vec::new();
            command.encode(&mut again);
            prop_assert_eq!(again, octets);
        }
    }

    #[test]
    fn segment_headers_come_back(octet in any::<u8>(), map in 0..=MapId::MAX, flags in 0..4u8) {
        prop_assert_eq!(SegmentHeader::from_octet(octet).to_octet(), octet);
        let header = SegmentHeader {
            sequence_flags: SequenceFlags::from_bits(flags),
            map_id: MapId::new(map).unwrap(),
        };
        prop_assert_eq!(SegmentHeader::from_octet(header.to_octet()), header);
    }

    #[test]
    fn cltus_come_back_at_any_bit_and_polarity(
        code in cltu_code(),
        frames in vec(any::<u8>(), 1..300),
        offset in 0..40usize,
        inverted in any::<bool>(),
    ) {
        let mut stream = Vec::new();
        code.encode(&frames, &mut stream);
        // What ends a CLTU without tail: not a code word.
        stream.extend([0x55; 64]);
        let mut stream = shifted(&stream, offset);
        if inverted {
            stream.iter_mut().for_each(|octet| *octet = !*octet);
        }
        let found = receive(code, &stream, Mode::Correct);
        prop_assert!(!found.is_empty());
        prop_assert!(found[0].0.starts_with(&frames));
        prop_assert_eq!(found[0].1, 0);
        prop_assert!(found[0].0.len() < frames.len() + code.information_octets());
    }

    #[test]
    fn one_wrong_bit_in_each_bch_block_is_corrected(
        frames in vec(any::<u8>(), 1..200),
        randomized in any::<bool>(),
        places in vec(0..63usize, 40),
        start in 0..17usize,
    ) {
        let code = CltuCode::Bch { randomized };
        let mut stream = Vec::new();
        code.encode(&frames, &mut stream);
        let blocks = frames.len().div_ceil(7);
        for (block, place) in places.iter().enumerate().take(blocks) {
            stream[2 + block * 8 + place / 8] ^= 0x80 >> (place % 8);
        }
        if start < 16 {
            stream[start / 8] ^= 0x80 >> (start % 8);
        }
        let found = receive(code, &stream, Mode::Correct);
        prop_assert_eq!(found.len(), 1);
        prop_assert!(found[0].0.starts_with(&frames));
        prop_assert_eq!(found[0].1 as usize, blocks);
        prop_assert_eq!(found[0].2, CltuEnd::Tail);
        let detected = receive(code, &stream, Mode::Detect);
        prop_assert_eq!(&detected[0], &(Vec::new(), 0, CltuEnd::Rejected));
    }

    #[test]
    fn any_bits_are_cltus_or_nothing(code in cltu_code(), octets in vec(any::<u8>(), 0..400)) {
        for (data, _, _) in receive(code, &octets, Mode::Correct) {
            prop_assert!(data.len() <= CltuLimits::default().data_octets_max);
        }
    }

    #[test]
    fn bch_blocks_decode_to_code_words_or_are_left(block in any::<[u8; 8]>()) {
        let mut decoded = block;
        match bch::decode(&mut decoded, Mode::Correct) {
            Decoded::Rejected => prop_assert_eq!(decoded, block),
            Decoded::Clean | Decoded::Corrected(_) => {
                let information = decoded[..7].try_into().unwrap();
                prop_assert_eq!(bch::parity(&information), decoded[7] & 0xFE);
            }
        }
    }

    #[test]
    fn ldpc_code_words_decode_and_noise_ends(
        data in vec(any::<u8>(), 32),
        noise in vec(any::<u8>(), 64),
    ) {
        for code in [Ldpc::Tc128, Ldpc::Tc512] {
            let mut codeword = data.clone();
            codeword.resize(64, 0);
            codeword.truncate(code.codeword_octets());
            code.encode(&mut codeword);
            let sent = codeword.clone();
            codeword[3] ^= 0b1001;
            code.decode(&mut codeword);
            prop_assert_eq!(&codeword, &sent);
            let _ = code.decode(&mut noise[..code.codeword_octets()].to_vec());
        }
    }

    #[test]
    fn security_headers_come_back(
        spi in 1..=Spi::MAX,
        sizes in (0..17usize, 0..9usize, 0..3usize, 0..17usize),
        octets in vec(any::<u8>(), 64),
        data in vec(any::<u8>(), 0..50),
    ) {
        let (iv, number, pad, mac) = sizes;
        let layout = SecurityLayout {
            iv_octets: iv,
            sequence_number_octets: number,
            pad_length_octets: pad,
            mac_octets: mac,
        };
        let header = SecurityHeader {
            spi: Spi::new(spi).unwrap(),
            iv: &octets[..iv],
            sequence_number: &octets[20..20 + number],
            pad_length: &octets[30..30 + pad],
        };
        let mut out = Vec::new();
        header.encode(&layout, &mut out).unwrap();
        prop_assert_eq!(out.len(), layout.header_octets());
        out.extend(&data);
        out.extend(&octets[40..40 + mac]);
        let parts = layout.split(&out).unwrap();
        prop_assert_eq!(parts.header, header);
        prop_assert_eq!(parts.data, &data[..]);
        prop_assert_eq!(parts.mac, &octets[40..40 + mac]);
        prop_assert_eq!(spi_of(false, &out).unwrap(), header.spi);
        prop_assert!(layout.split(&out[..layout.overhead_octets() - 1]).is_err());
    }

    #[test]
    fn what_is_protected_is_recovered_with_its_key_only(
        key in any::<[u8; 32]>(),
        other in any::<[u8; 32]>(),
        primary in any::<[u8; 5]>(),
        later in any::<(u8, u8)>(),
        segment in any::<Option<u8>>(),
        iv in any::<[u8; 12]>(),
        data in vec(any::<u8>(), 0..200),
        encrypt in any::<bool>(),
        strict in any::<bool>(),
    ) {
        prop_assume!(key != other);
        let security = TcSecurity {
            service: if encrypt { Service::AuthenticatedEncryption } else { Service::Authentication },
            layout: SecurityLayout::AES_GCM,
            mask: if strict { AuthenticationMask::STRICT } else { AuthenticationMask::STANDARD },
        };
        let header = SecurityHeader {
            spi: Spi::new(7).unwrap(),
            iv: &iv,
            sequence_number: &[],
            pad_length: &[],
        };
        let cipher = Cipher::new(&Key::new(&mut key.clone()));
        let mut field = Vec::new();
        protect(&cipher, &security, &primary, segment, &header, &data, &mut field).unwrap();
        let sent = [primary[0], primary[1], primary[2], later.0, later.1];
        let mut out = Vec::new();
        let read = unprotect(&cipher, &security, &sent, segment.is_some(), &field, &mut out);
        prop_assert_eq!(read, Ok(header));
        prop_assert_eq!(&out, &data);
        let wrong = Cipher::new(&Key::new(&mut other.clone()));
        out.clear();
        prop_assert!(
            unprotect(&wrong, &security, &sent, segment.is_some(), &field, &mut out).is_err()
        );
        prop_assert!(out.is_empty());
    }

    #[test]
    fn frame_security_reports_come_back(octets in any::<[u8; 4]>()) {
        if let Ok(report) = FrameSecurityReport::parse(octets) {
            prop_assert_eq!(report.encode(), octets);
        }
    }

    #[test]
    fn pus_c_telecommands_agree_with_spacepackets(
        apid in 0..=Apid::MAX,
        count in 0..0x4000u16,
        ids in any::<(u8, u8, u16)>(),
        ack in 0..16u8,
        data in vec(any::<u8>(), 0..100),
    ) {
        let (service, message, source) = ids;
        let header = PusTcHeader {
            ack: AckFlags::from_bits(ack),
            service,
            message,
            source_id: u64::from(source),
        };
        let mut ours = Vec::new();
        header
            .encode_packet(&PusTcLayout::PUS_C, Apid::new(apid).unwrap(), count, &data, &mut ours)
            .unwrap();
        let theirs = tc::PusTcReader::new(&ours).unwrap();
        prop_assert_eq!(PusPacket::service_type_id(&theirs), service);
        prop_assert_eq!(PusPacket::message_subtype_id(&theirs), message);
        prop_assert_eq!(GenericPusTcSecondaryHeader::source_id(&theirs), source);
        prop_assert_eq!(theirs.ack_flags().raw_value().value(), ack);
        prop_assert_eq!(theirs.app_data(), &data[..]);
        let mut creator = tc::PusTcCreator::new(
            *theirs.sp_header(),
            tc::PusTcSecondaryHeader::new(
                spacepackets::ecss::MessageTypeId::new(service, message),
                theirs.ack_flags(),
                source,
            ),
            &data,
            spacepackets::ecss::CreatorConfig::default(),
        );
        creator.update_ccsds_data_len();
        prop_assert_eq!(creator.to_vec().unwrap(), ours.clone());
        let packet = SpacePacket::new_checked(&ours).unwrap();
        let read = PusTelecommand::new_checked(packet, &PusTcLayout::PUS_C).unwrap();
        prop_assert_eq!(read.header(), &header);
        prop_assert_eq!(read.application_data(), &data[..]);
    }

    #[test]
    fn pus_a_telecommands_agree_with_spacepackets(
        ids in any::<(u8, u8, u8)>(),
        source_octets in 0..2usize,
        spare_octets in 0..4usize,
        data in vec(any::<u8>(), 0..100),
    ) {
        let (service, message, source) = ids;
        let source = if source_octets == 0 { 0 } else { source };
        let layout = PusTcLayout {
            version: PusVersion::A,
            source_id_octets: source_octets,
            spare_octets,
            packet_error_control: true,
        };
        let header = PusTcHeader {
            source_id: u64::from(source),
            ..PusTcHeader::new(service, message)
        };
        let mut ours = Vec::new();
        header.encode(&layout, &mut ours).unwrap();
        let field = (source_octets == 1).then(|| UnsignedByteField::new(1, u64::from(source)));
        let theirs =
            tc_pus_a::PusTcSecondaryHeader::new(service, message, tc::ACK_ALL, field, spare_octets);
        prop_assert_eq!(theirs.to_vec().unwrap(), ours);
        let mut ours = Vec::new();
        header
            .encode_packet(&layout, Apid::new(5).unwrap(), 9, &data, &mut ours)
            .unwrap();
        let packet = SpacePacket::new_checked(&ours).unwrap();
        let read = PusTelecommand::new_checked(packet, &layout).unwrap();
        prop_assert_eq!(read.header(), &header);
        prop_assert_eq!(read.application_data(), &data[..]);
    }

    #[test]
    fn pus_telemetry_and_its_reports_come_back(
        version_a in any::<bool>(),
        sizes in (0..9usize, 0..9usize, 0..9usize, 0..3usize),
        numbers in any::<(u64, u64)>(),
        ids in (0..16u8, any::<u8>(), any::<u8>()),
        time in vec(any::<u8>(), 8),
        source_data in vec(any::<u8>(), 0..60),
        check in any::<bool>(),
    ) {
        let (counter, destination, time_octets, spare) = sizes;
        let layout = PusTmLayout {
            version: if version_a { PusVersion::A } else { PusVersion::C },
            counter_octets: counter,
            destination_octets: destination,
            time_octets,
            spare_octets: spare,
            packet_error_control: check,
        };
        let cut = |number: u64, octets: usize| match octets {
            0 => 0,
            _ => number >> (64 - 8 * octets),
        };
        let header = PusTmHeader {
            time_reference_status: ids.0,
            service: ids.1,
            message: ids.2,
            counter: cut(numbers.0, counter),
            destination_id: cut(numbers.1, destination),
            time: &time[..time_octets],
        };
        let mut packet = Vec::new();
        header
            .encode_packet(&layout, Apid::new(3).unwrap(), 7, &source_data, &mut packet)
            .unwrap();
        let read = PusTelemetry::new_checked(SpacePacket::new_checked(&packet).unwrap(), &layout);
        let read = read.unwrap();
        prop_assert_eq!(read.header(), &header);
        prop_assert_eq!(read.source_data(), &source_data[..]);
    }

    #[test]
    fn verification_reports_come_back(
        request in any::<[u8; 4]>(),
        stage in 0..5u8,
        step in any::<u64>(),
        failure in any::<Option<u64>>(),
        sizes in (1..9usize, 1..9usize),
        data in vec(any::<u8>(), 0..20),
    ) {
        let (step_octets, code_octets) = sizes;
        let layout = VerificationLayout { step_octets, code_octets };
        let stage = match stage {
            0 => Stage::Acceptance,
            1 => Stage::Start,
            2 => Stage::Progress { step: step >> (64 - 8 * step_octets) },
            3 => Stage::Completion,
            _ => Stage::Routing,
        };
        let outcome = match failure {
            Some(code) => Outcome::Failure { code: code >> (64 - 8 * code_octets), data: &data },
            None => Outcome::Success,
        };
        let report = VerificationReport { request: RequestId::from_octets(request), stage, outcome };
        let mut out = Vec::new();
        if stage == Stage::Routing && failure.is_none() {
            prop_assert!(report.encode(&layout, &mut out).is_err());
        } else {
            report.encode(&layout, &mut out).unwrap();
            let read = VerificationReport::parse_source_data(report.message(), &out, &layout);
            prop_assert_eq!(read, Ok(report));
        }
    }

    #[test]
    fn any_octets_are_pus_packets_or_errors(
        octets in vec(any::<u8>(), 0..80),
        sizes in any::<(u8, u8, u8, u8)>(),
    ) {
        let Ok(packet) = SpacePacket::new_checked(&octets) else { return Ok(()) };
        let (a, b, c, d) = sizes;
        let tc = PusTcLayout {
            version: PusVersion::C,
            source_id_octets: usize::from(a),
            spare_octets: usize::from(b),
            packet_error_control: a & 1 == 0,
        };
        let _ = PusTelecommand::new_checked(packet, &tc);
        let tm = PusTmLayout {
            version: PusVersion::A,
            counter_octets: usize::from(a),
            destination_octets: usize::from(b),
            time_octets: usize::from(c),
            spare_octets: usize::from(d),
            packet_error_control: false,
        };
        if let Ok(telemetry) = PusTelemetry::new_checked(packet, &tm) {
            let layout = VerificationLayout { step_octets: usize::from(c), code_octets: 2 };
            let _ = VerificationReport::parse(&telemetry, &layout);
        }
    }
}
