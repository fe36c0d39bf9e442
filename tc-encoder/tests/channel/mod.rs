//! A ground and a spacecraft with two seeded links between them, run by their own clock.
//!
//! What turns frames into octets is a [`FrameLayer`]: a stand-in of a few octets with a CRC, or all
//! that is between FOP-1 and FARM-1 on a real link (`cltu_frames.rs`).

#![allow(
    dead_code,
    reason = "each test uses one of the layers and a part of the outcome"
)]

use simulator::UplinkFrame;
use space_link::clcw::Clcw;
use space_link::cop::ControlCommand;
use space_link::crc::{crc16, crc16_is_good};
use tc_encoder::fop::Frame;

pub(crate) mod cltu_frames;
pub(crate) mod ground;
pub(crate) mod run;
pub(crate) mod spacecraft;

/// Between FOP-1 and FARM-1's values and what the links carry.
pub(crate) trait FrameLayer {
    /// The transmission unit of a frame.
    fn encode(&mut self, frame: &Frame<Vec<u8>>) -> Vec<u8>;
    /// What the spacecraft makes of a unit: nothing if it is not a valid frame.
    fn decode(&mut self, unit: &[u8]) -> Option<UplinkFrame<Vec<u8>>>;
    /// What is in a data unit that FARM-1 handed over; nothing if security refuses it.
    fn open(&mut self, data: Vec<u8>) -> Option<Vec<u8>> {
        Some(data)
    }
    /// The unit that carries a control word down.
    fn encode_report(&mut self, word: [u8; 4]) -> Vec<u8>;
    /// What the ground makes of it.
    fn decode_report(&mut self, unit: &[u8]) -> Option<Clcw>;
}

/// A type, a number, a length, the data, a CRC.
pub(crate) struct CrcFrames;

const AD: u8 = 0;
const BD: u8 = 2;
const BC: u8 = 3;

impl FrameLayer for CrcFrames {
    fn encode(&mut self, frame: &Frame<Vec<u8>>) -> Vec<u8> {
        let mut data = Vec::new();
        let (kind, number) = match frame {
            Frame::Ad { n_s, payload, .. } => {
                data.extend(payload);
                (AD, *n_s)
            }
            Frame::Bd { payload, .. } => {
                data.extend(payload);
                (BD, 0)
            }
            Frame::Bc(command) => {
                command.encode(&mut data);
                (BC, 0)
            }
        };
        let length = u8::try_from(data.len()).expect("test data are short");
        with_crc([&[kind, number, length], data.as_slice()].concat())
    }

    fn decode(&mut self, unit: &[u8]) -> Option<UplinkFrame<Vec<u8>>> {
        let [kind, n_s, length, data @ ..] = without_crc(unit)? else {
            return None;
        };
        if data.len() != usize::from(*length) {
            return None;
        }
        Some(match *kind {
            AD => UplinkFrame::Ad {
                n_s: *n_s,
                payload: data.to_vec(),
            },
            BD => UplinkFrame::Bd(data.to_vec()),
            BC => ControlCommand::parse(data).map_or(UplinkFrame::Invalid, UplinkFrame::Bc),
            _ => return None,
        })
    }

    fn encode_report(&mut self, word: [u8; 4]) -> Vec<u8> {
        with_crc(word.to_vec())
    }

    fn decode_report(&mut self, unit: &[u8]) -> Option<Clcw> {
        let word = without_crc(unit)?.try_into().ok()?;
        Clcw::parse(word).ok()
    }
}

pub(crate) fn with_crc(mut octets: Vec<u8>) -> Vec<u8> {
    let crc = crc16(&octets);
    octets.extend(crc.to_be_bytes());
    octets
}

pub(crate) fn without_crc(octets: &[u8]) -> Option<&[u8]> {
    crc16_is_good(octets).then(|| &octets[..octets.len() - 2])
}

/// Seeded numbers of the test itself: SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Evenly from 0 to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Evenly between two values.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Below a number.
    pub(crate) fn below(&mut self, count: u32) -> u32 {
        (self.unit() * f64::from(count)) as u32
    }

    /// Whether something of this probability happens.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}
