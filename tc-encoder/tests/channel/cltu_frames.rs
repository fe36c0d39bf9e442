//! All that lies between FOP-1 and FARM-1, and behind FARM-1: packets, SDLS, frames, CLTUs.

use std::collections::HashMap;

use simulator::UplinkFrame;
use simulator::uplink::{Reassembler, ReceivedFrame, SecurityReceiver, Uplink};
use space_link::clcw::Clcw;
use space_link::cltu::CltuCode;
use space_link::frame::{FrameType, MapId, Scid, SegmentHeader, TcFrame, Vcid};
use space_link::packet::{Apid, SpacePacket};
use space_link::plop::Plop;
use space_link::pus::{PusTcHeader, PusTcLayout, PusTelecommand};
use space_link::sdls::{AuthenticationMask, Key, SecurityLayout, Service, Spi, TcSecurity};
use space_link::uplink::UplinkParameters;
use tc_encoder::fop::{Frame, RequestId};
use tc_encoder::sdls::{Persisted, SecuritySender};
use tc_encoder::{Encoder, FrameDataUnits};

use super::{FrameLayer, with_crc, without_crc};

const HEADER_OCTETS: usize = 5;

/// Both ends of a link with the given code; each CLTU is a transmission of its own (PLOP-1).
pub(crate) struct CltuFrames {
    encoder: Encoder,
    /// What FOP-1 was given for each request: sent again, it is the same.
    units: HashMap<RequestId, Vec<u8>>,
    uplink: Uplink,
    security: SecurityReceiver,
    reassembler: Reassembler,
    pub(crate) refused: u64,
}

impl CltuFrames {
    pub(crate) fn new(code: CltuCode) -> Self {
        let spi = Spi::new(1).unwrap();
        let association = TcSecurity {
            service: Service::AuthenticatedEncryption,
            layout: SecurityLayout::AES_GCM,
            mask: AuthenticationMask::STRICT,
        };
        let parameters = UplinkParameters {
            code,
            plop: Plop::Plop1,
            frame_length_octets_max: 256,
            sdls: Some((spi, association)),
            ..UplinkParameters::new(Scid::new(98).unwrap(), Vcid::new(1).unwrap())
        };
        let key = || Key::new(&mut [9; 32]);
        let mut sender = SecuritySender::new(64);
        sender
            .add(spi, association, key(), Persisted::NeverUsed)
            .unwrap();
        sender.activate(spi).unwrap();
        let mut security = SecurityReceiver::default();
        security.add(spi, association, &key(), 0, SecurityReceiver::WINDOW);
        Self {
            encoder: Encoder::new(parameters, Some(sender)).unwrap(),
            units: HashMap::new(),
            uplink: Uplink::new(parameters),
            security,
            reassembler: Reassembler::default(),
            refused: 0,
        }
    }

    fn protect(&mut self, frame_type: FrameType, data: &[u8]) -> Vec<u8> {
        let security = self.encoder.security().unwrap();
        if let Some(reservation) = security.poll_reservation() {
            security.handle_reserved(reservation);
        }
        let mut packet = Vec::new();
        let header = PusTcHeader::new(8, 1);
        self.encoder
            .packets()
            .encode_telecommand(
                Apid::new(66).unwrap(),
                &PusTcLayout::PUS_C,
                &header,
                data,
                &mut packet,
            )
            .unwrap();
        let mut units = FrameDataUnits::default();
        self.encoder
            .encode_packet(frame_type, MapId::ZERO, &packet, &mut units)
            .unwrap();
        assert_eq!(units.len(), 1);
        units.iter().next().unwrap().to_vec()
    }
}

impl FrameLayer for CltuFrames {
    fn encode(&mut self, frame: &Frame<Vec<u8>>) -> Vec<u8> {
        let mut requested = frame.clone();
        match &mut requested {
            Frame::Ad {
                request, payload, ..
            } => {
                if !self.units.contains_key(request) {
                    let unit = self.protect(FrameType::Ad, payload);
                    self.units.insert(*request, unit);
                }
                payload.clone_from(&self.units[request]);
            }
            Frame::Bd { payload, .. } => *payload = self.protect(FrameType::Bd, payload),
            Frame::Bc(_) => {}
        }
        let (mut octets, mut out) = (Vec::new(), Vec::new());
        self.encoder
            .encode_requested(&requested, &mut octets)
            .unwrap();
        self.encoder.encode_transmission(&octets, &mut out);
        out
    }

    fn decode(&mut self, unit: &[u8]) -> Option<UplinkFrame<Vec<u8>>> {
        let mut received = None;
        let mut note = |frame: &TcFrame<'_>| received = Some(ReceivedFrame::from(frame));
        self.uplink.handle_octets(unit, &mut note);
        self.uplink.handle_loss_of_signal(&mut note);
        let payload = |frame: ReceivedFrame| [&frame.header_octets[..], &frame.data_field].concat();
        Some(match received?.for_farm() {
            UplinkFrame::Ad { n_s, payload: p } => UplinkFrame::Ad {
                n_s,
                payload: payload(p),
            },
            UplinkFrame::Bd(p) => UplinkFrame::Bd(payload(p)),
            UplinkFrame::Bc(command) => UplinkFrame::Bc(command),
            UplinkFrame::Invalid => UplinkFrame::Invalid,
        })
    }

    fn open(&mut self, payload: Vec<u8>) -> Option<Vec<u8>> {
        let (header, field) = payload.split_first_chunk::<HEADER_OCTETS>()?;
        let mut data = Vec::new();
        if self
            .security
            .process(header, true, field, &mut data)
            .is_err()
        {
            self.refused += 1;
            return None;
        }
        let mut packet = None;
        self.reassembler
            .handle_data(Some(SegmentHeader::from_octet(field[0])), &data, |whole| {
                packet = Some(whole.to_vec());
            })
            .ok()?;
        let packet = packet?;
        let packet = SpacePacket::new_checked(&packet).ok()?;
        let command = PusTelecommand::new_checked(packet, &PusTcLayout::PUS_C).ok()?;
        Some(command.application_data().to_vec())
    }

    fn encode_report(&mut self, word: [u8; 4]) -> Vec<u8> {
        with_crc(word.to_vec())
    }

    fn decode_report(&mut self, unit: &[u8]) -> Option<Clcw> {
        let word = without_crc(unit)?.try_into().ok()?;
        Clcw::parse(word).ok()
    }
}
