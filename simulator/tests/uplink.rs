//! What `tc-encoder` sends, the spacecraft receives; what somebody else sends or changes, it refuses.
//! FARM-1 is left out: every frame that is good reaches security, which is the worst case.

use std::path::Path;

use serde_json::Value;
use simulator::uplink::{
    FrameRefused, Reassembler, ReceivedFrame, ReplayWindow, SecurityReceiver, Uplink,
};
use space_link::cltu::{CltuCode, LdpcTail};
use space_link::crc::crc16;
use space_link::frame::{FrameType, MapId, Scid, SegmentHeader, TcFrame, Vcid};
use space_link::packet::Apid;
use space_link::pus::{PusTcHeader, PusTcLayout};
use space_link::sdls::{
    AuthenticationMask, Key, SdlsError, SecurityLayout, Service, Spi, TcSecurity,
};
use space_link::uplink::UplinkParameters;
use tc_encoder::sdls::{Persisted, SecurityError, SecuritySender};
use tc_encoder::{Encoder, FrameDataUnits};

const CODES: [CltuCode; 5] = [
    CltuCode::Bch { randomized: false },
    CltuCode::Bch { randomized: true },
    CltuCode::Ldpc128(LdpcTail::Corrected),
    CltuCode::Ldpc128(LdpcTail::Absent),
    CltuCode::Ldpc512,
];

fn spi(value: u16) -> Spi {
    Spi::new(value).unwrap()
}

fn security(service: Service) -> TcSecurity {
    TcSecurity {
        service,
        layout: SecurityLayout::AES_GCM,
        mask: AuthenticationMask::STRICT,
    }
}

fn key(value: u8) -> Key {
    Key::new(&mut [value; 32])
}

fn parameters(code: CltuCode, service: Option<Service>) -> UplinkParameters {
    UplinkParameters {
        code,
        frame_length_octets_max: 256,
        sdls: service.map(|service| (spi(1), security(service))),
        ..UplinkParameters::new(Scid::new(98).unwrap(), Vcid::new(1).unwrap())
    }
}

fn random(state: &mut u64) -> u64 {
    // Knuth's MMIX generator; any numbers will do.
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

struct Ground {
    encoder: Encoder,
    sequence_number: u8,
}

impl Ground {
    fn new(parameters: UplinkParameters, persisted: Persisted) -> Self {
        let sender = parameters.sdls.map(|(spi, security)| {
            let mut sender = SecuritySender::new(64);
            sender.add(spi, security, key(1), persisted).unwrap();
            sender.activate(spi).unwrap();
            sender
        });
        Self {
            encoder: Encoder::new(parameters, sender).unwrap(),
            sequence_number: 0,
        }
    }

    /// A telecommand and the frames that carry it.
    fn command(&mut self, data: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut packet = Vec::new();
        self.encoder
            .packets()
            .encode_telecommand(
                Apid::new(66).unwrap(),
                &PusTcLayout::PUS_C,
                &PusTcHeader::new(8, 1),
                data,
                &mut packet,
            )
            .unwrap();
        let mut units = FrameDataUnits::default();
        for _ in 0..2 {
            if let Some(security) = self.encoder.security()
                && let Some(reservation) = security.poll_reservation()
            {
                security.handle_reserved(reservation);
            }
            let result =
                self.encoder
                    .encode_packet(FrameType::Ad, MapId::ZERO, &packet, &mut units);
            if result.is_ok() {
                break;
            }
            // The packet needs more numbers than are reserved; now they are asked for.
            assert!(units.is_empty());
        }
        assert!(!units.is_empty());
        let frames = units.iter().map(|unit| {
            let mut frame = Vec::new();
            self.encoder
                .encode_frame(Some(self.sequence_number), unit, &mut frame)
                .unwrap();
            self.sequence_number = self.sequence_number.wrapping_add(1);
            frame
        });
        (packet, frames.collect())
    }

    fn transmission(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.encoder.encode_transmission(frame, &mut out);
        // Between CLTUs: what ends one without tail sequence.
        self.encoder.encode_idle(64, &mut out);
        out
    }
}

struct Spacecraft {
    parameters: UplinkParameters,
    uplink: Uplink,
    security: SecurityReceiver,
    reassembler: Reassembler,
    packets: Vec<Vec<u8>>,
    refused: Vec<FrameRefused>,
    segments_refused: usize,
}

impl Spacecraft {
    fn new(parameters: UplinkParameters) -> Self {
        let mut security = SecurityReceiver::default();
        if let Some((spi, association)) = parameters.sdls {
            security.add(spi, association, &key(1), 0, SecurityReceiver::WINDOW);
        }
        Self {
            parameters,
            uplink: Uplink::new(parameters),
            security,
            reassembler: Reassembler::default(),
            packets: Vec::new(),
            refused: Vec::new(),
            segments_refused: 0,
        }
    }

    fn receive(&mut self, octets: &[u8]) {
        let mut frames = Vec::new();
        self.uplink
            .handle_octets(octets, |frame| frames.push(ReceivedFrame::from(frame)));
        for frame in frames {
            self.process(&frame);
        }
    }

    fn process(&mut self, frame: &ReceivedFrame) {
        let (header, data) = if self.parameters.sdls.is_some() {
            let mut data = Vec::new();
            let result = self.security.process(
                &frame.header_octets,
                self.parameters.segment_header,
                &frame.data_field,
                &mut data,
            );
            if let Err(refused) = result {
                assert!(data.is_empty());
                self.refused.push(refused);
                return;
            }
            (frame.data_field[0], data)
        } else {
            (frame.data_field[0], frame.data_field[1..].to_vec())
        };
        let packets = &mut self.packets;
        let result = self.reassembler.handle_data(
            Some(SegmentHeader::from_octet(header)),
            &data,
            |packet| packets.push(packet.to_vec()),
        );
        self.segments_refused += usize::from(result.is_err());
    }
}

#[test]
fn commands_of_all_sizes_arrive_whole_and_in_order() {
    for code in CODES {
        for service in [
            None,
            Some(Service::Authentication),
            Some(Service::AuthenticatedEncryption),
        ] {
            let parameters = parameters(code, service);
            let mut ground = Ground::new(parameters, Persisted::NeverUsed);
            let mut spacecraft = Spacecraft::new(parameters);
            let mut sent = Vec::new();
            for octets in (0..80).chain([200, 211, 212, 213, 240, 500, 5_000, 20_000]) {
                let data: Vec<u8> = (0..octets).map(|index| (index * 7) as u8).collect();
                let (packet, frames) = ground.command(&data);
                for frame in frames {
                    let octets = ground.transmission(&frame);
                    spacecraft.receive(&octets);
                }
                sent.push(packet);
            }
            assert_eq!(spacecraft.packets, sent, "{code:?} {service:?}");
            assert_eq!(spacecraft.refused, []);
            let counts = spacecraft.uplink.counts();
            assert_eq!((counts.bad_frames, counts.corrected_bits), (0, 0));
        }
    }
}

#[test]
fn every_captured_cltu_is_refused_when_replayed() {
    for service in [Service::Authentication, Service::AuthenticatedEncryption] {
        let parameters = parameters(CODES[1], Some(service));
        let mut ground = Ground::new(parameters, Persisted::NeverUsed);
        let mut spacecraft = Spacecraft::new(parameters);
        let mut captured = Vec::new();
        for count in 0..1_000_u32 {
            let (_, frames) = ground.command(&count.to_be_bytes());
            for frame in frames {
                let octets = ground.transmission(&frame);
                spacecraft.receive(&octets);
                captured.push(octets);
            }
        }
        assert_eq!(spacecraft.packets.len(), 1_000);
        let mut replayed = 0;
        for octets in captured.iter().chain(captured.iter().rev()) {
            spacecraft.receive(octets);
            replayed += 1;
        }
        assert_eq!(spacecraft.packets.len(), 1_000, "none of them again");
        assert_eq!(spacecraft.refused.len(), replayed);
        assert!(
            spacecraft
                .refused
                .iter()
                .all(|refused| matches!(refused, FrameRefused::SequenceNumber { .. }))
        );
        assert!(spacecraft.security.report().bad_sequence_number);
        assert!(spacecraft.security.report().alarm);
        // The ground's next command is still accepted, and the report is in order again.
        let (packet, frames) = ground.command(b"next");
        let octets = ground.transmission(&frames[0]);
        spacecraft.receive(&octets);
        assert_eq!(spacecraft.packets.last(), Some(&packet));
        assert!(!spacecraft.security.report().bad_sequence_number);
    }
}

/// Somebody changes one bit of a frame that has not been received yet, and makes its frame error
/// control right again. The frame's own sequence number N(S) is FOP-1's and FARM-1's, set after
/// protection: changing it changes no data, and is not counted.
#[test]
fn of_a_million_changed_bits_none_is_accepted() {
    const FLIPS: usize = 1_000_000;
    let mut flipped = 0;
    let mut state = 7;
    for service in [Service::Authentication, Service::AuthenticatedEncryption] {
        let parameters = parameters(CODES[1], Some(service));
        let mut ground = Ground::new(parameters, Persisted::NeverUsed);
        let mut spacecraft = Spacecraft::new(parameters);
        let wanted = flipped + FLIPS / 2;
        while flipped < wanted {
            let data: Vec<u8> = (0..random(&mut state) % 60)
                .map(|_| random(&mut state) as u8)
                .collect();
            let (packet, frames) = ground.command(&data);
            let [frame] = &frames[..] else {
                panic!("one frame");
            };
            let covered = frame.len() - 2;
            for bit in (0..covered * 8).filter(|bit| bit / 8 != 4) {
                let mut forged = frame.clone();
                forged[bit / 8] ^= 0x80 >> (bit % 8);
                assert!(TcFrame::new_checked(&forged, true).is_err(), "as it is");
                let announced = 1 + (usize::from(forged[2] & 3) << 8 | usize::from(forged[3]));
                forged.resize(announced.max(8), 0x55);
                let covered = forged.len() - 2;
                let crc = crc16(&forged[..covered]).to_be_bytes();
                forged[covered..].copy_from_slice(&crc);
                if let Ok(good) = TcFrame::new_checked(&forged, true) {
                    spacecraft.process(&ReceivedFrame::from(&good));
                }
                assert!(spacecraft.packets.is_empty(), "bit {bit} was accepted");
                flipped += 1;
            }
            assert!(!spacecraft.refused.is_empty());
            spacecraft.refused.clear();
            // The frame as it was sent is still new.
            let good = TcFrame::new_checked(frame, true).unwrap();
            spacecraft.process(&ReceivedFrame::from(&good));
            assert_eq!(spacecraft.packets, [packet]);
            spacecraft.packets.clear();
        }
    }
    assert!(flipped >= FLIPS);
}

#[test]
fn bits_changed_on_the_channel_are_corrected_or_refused() {
    let mut state = 3;
    for code in CODES {
        let parameters = parameters(code, Some(Service::AuthenticatedEncryption));
        let mut ground = Ground::new(parameters, Persisted::NeverUsed);
        let mut spacecraft = Spacecraft::new(parameters);
        let (mut arrived, mut sent) = (0, 0);
        for _ in 0..1_500 {
            let (packet, frames) = ground.command(b"0123456789");
            let mut octets = ground.transmission(&frames[0]);
            let wrong = random(&mut state) % 6;
            for _ in 0..wrong {
                let bit = random(&mut state) as usize % (octets.len() * 8);
                octets[bit / 8] ^= 0x80 >> (bit % 8);
            }
            spacecraft.packets.clear();
            spacecraft.receive(&octets);
            assert!(spacecraft.packets.len() <= 1);
            if let Some(received) = spacecraft.packets.first() {
                assert_eq!(received, &packet, "only what was sent");
                arrived += 1;
            }
            sent += 1;
        }
        assert!(arrived > sent / 3, "{code:?}: {arrived} of {sent}");
        assert!(spacecraft.uplink.counts().corrected_bits > 0);
    }
}

#[test]
fn lost_frames_lose_their_packets_and_no_others() {
    let parameters = parameters(CODES[1], Some(Service::AuthenticatedEncryption));
    let mut ground = Ground::new(parameters, Persisted::NeverUsed);
    let mut spacecraft = Spacecraft::new(parameters);
    let mut state = 5;
    let mut whole = Vec::new();
    for count in 0..400_usize {
        let (packet, frames) = ground.command(&vec![count as u8; count * 3]);
        let mut lost = false;
        for frame in frames {
            let octets = ground.transmission(&frame);
            match random(&mut state) % 10 {
                0..3 => lost = true,
                3 => {
                    // The signal goes somewhere in the CLTU; what is whole of it counts.
                    let before = spacecraft.uplink.counts().frames;
                    spacecraft.receive(&octets[..octets.len() / 2]);
                    let mut whole = None;
                    spacecraft
                        .uplink
                        .handle_loss_of_signal(|frame| whole = Some(ReceivedFrame::from(frame)));
                    if let Some(frame) = whole {
                        spacecraft.process(&frame);
                    }
                    ground.encoder.handle_end_of_session();
                    lost |= spacecraft.uplink.counts().frames == before;
                }
                _ => spacecraft.receive(&octets),
            }
        }
        if !lost {
            whole.push(packet);
        }
    }
    assert!(whole.len() > 50);
    assert!(spacecraft.segments_refused > 50);
    assert_eq!(spacecraft.refused, []);
    // Segments of two packets never join into one that passes as a packet, unless by their lengths.
    for packet in &whole {
        assert!(spacecraft.packets.contains(packet));
    }
}

#[test]
fn a_restarted_ground_skips_numbers_and_goes_on() {
    let parameters = parameters(CODES[1], Some(Service::AuthenticatedEncryption));
    let mut spacecraft = Spacecraft::new(parameters);
    let mut persisted = Persisted::NeverUsed;
    let mut sent = Vec::new();
    let mut last = 0;
    for _ in 0..20 {
        let mut ground = Ground::new(parameters, persisted);
        let reservation = ground.encoder.security().unwrap().poll_reservation();
        persisted = Persisted::ReservedTo(reservation.unwrap().end);
        ground
            .encoder
            .security()
            .unwrap()
            .handle_reserved(reservation.unwrap());
        for _ in 0..3 {
            let (packet, frames) = ground.command(b"go");
            spacecraft.receive(&ground.transmission(&frames[0]));
            sent.push(packet);
        }
        last = ground
            .encoder
            .security()
            .unwrap()
            .next_number(spi(1))
            .unwrap()
            - 1;
    }
    assert_eq!(spacecraft.packets, sent);
    // A ground that was restored from an older copy learns it from the spacecraft's report.
    let report = *spacecraft.security.report();
    for (behind, is_old) in [(50, true), (1, true), (0, false)] {
        let mut ground = Ground::new(parameters, Persisted::ReservedTo(last + 1 - behind));
        let security = ground.encoder.security().unwrap();
        security.handle_reserved(security.poll_reservation().unwrap());
        security.handle_report(&report);
        let refused = security.require(FrameType::Ad, 1);
        assert_eq!(
            matches!(refused, Err(SecurityError::OldState { seen, .. }) if seen == last),
            is_old,
            "{refused:?}"
        );
    }
}

#[test]
fn keys_roll_over_and_unknown_ones_are_refused() {
    let parameters = parameters(CODES[1], Some(Service::AuthenticatedEncryption));
    let association = security(Service::AuthenticatedEncryption);
    let mut ground = Ground::new(parameters, Persisted::NeverUsed);
    let mut spacecraft = Spacecraft::new(parameters);
    let sender = ground.encoder.security().unwrap();
    sender
        .add(spi(2), association, key(2), Persisted::NeverUsed)
        .unwrap();
    sender.activate(spi(2)).unwrap();
    let (_, frames) = ground.command(b"too early");
    spacecraft.receive(&ground.transmission(&frames[0]));
    assert_eq!(spacecraft.refused, [FrameRefused::Association(spi(2))]);
    assert!(spacecraft.security.report().bad_association);
    spacecraft
        .security
        .add(spi(2), association, &key(9), 0, 100);
    let (_, frames) = ground.command(b"another key");
    spacecraft.receive(&ground.transmission(&frames[0]));
    assert_eq!(
        spacecraft.refused.last(),
        Some(&FrameRefused::Sdls(SdlsError::Mac { spi: spi(2) }))
    );
    spacecraft
        .security
        .add(spi(2), association, &key(2), 0, 100);
    assert!(spacecraft.security.set_active(spi(1), false));
    let (packet, frames) = ground.command(b"now");
    spacecraft.receive(&ground.transmission(&frames[0]));
    assert_eq!(spacecraft.packets, [packet]);
    ground.encoder.security().unwrap().activate(spi(1)).unwrap();
    let (_, frames) = ground.command(b"the old key");
    spacecraft.receive(&ground.transmission(&frames[0]));
    assert_eq!(
        spacecraft.refused.last(),
        Some(&FrameRefused::Association(spi(1)))
    );
}

#[test]
fn frames_of_other_channels_are_counted_and_left() {
    let parameters = parameters(CODES[1], None);
    let mut other = parameters;
    other.vcid = Vcid::new(2).unwrap();
    let mut ground = Ground::new(other, Persisted::NeverUsed);
    let mut spacecraft = Spacecraft::new(parameters);
    let (_, frames) = ground.command(b"x");
    spacecraft.receive(&ground.transmission(&frames[0]));
    assert!(spacecraft.packets.is_empty());
    assert_eq!(spacecraft.uplink.counts().other_channels, 1);
}

#[test]
fn two_frames_of_one_cltu_are_both_received() {
    for code in CODES {
        let parameters = parameters(code, None);
        let mut ground = Ground::new(parameters, Persisted::NeverUsed);
        let mut spacecraft = Spacecraft::new(parameters);
        let (first, a) = ground.command(b"one");
        let (second, b) = ground.command(b"two");
        let both = [&a[0][..], &b[0]].concat();
        spacecraft.receive(&ground.transmission(&both));
        assert_eq!(spacecraft.packets, [first, second], "{code:?}");
        assert_eq!(spacecraft.uplink.counts().bad_frames, 0);
    }
}

#[test]
fn windows_judge_as_the_vectors_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/sdls.json");
    let text = std::fs::read_to_string(path).expect("vectors");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let number = |value: &Value| {
        let digits = value.as_str()?;
        Some(u128::from_str_radix(digits, 16).expect("hexadecimal"))
    };
    let mut checked = 0;
    for vector in document["vectors"].as_array().expect("a list") {
        let Some(expected) = vector["expected_result"].as_str() else {
            continue;
        };
        let (params, fields) = (&vector["params"], &vector["fields"]);
        let window = params["window"]
            .as_u64()
            .or_else(|| params["arsn_window"].as_u64())
            .expect("a window");
        let accepted = [("last_iv", "iv"), ("last_arsn", "sn")]
            .into_iter()
            .filter_map(|(last, got)| Some((number(&params[last])?, number(&fields[got])?)))
            .map(|(last, got)| {
                let window = u128::from(window);
                ReplayWindow { last, window }.accepts(got)
            })
            .reduce(|a, b| a && b)
            .expect("numbers");
        assert_eq!(accepted, expected.starts_with("accept"), "{vector}");
        checked += 1;
    }
    assert_eq!(checked, 12);
}
