//! CLTUs out of the stream of bits, and frames out of CLTUs: CCSDS 231.0-B-4 5.3, 232.0-B-4 4.4.

use space_link::cltu::{Cltu, CltuDecoder, CltuLimits, Search};
use space_link::cop::ControlCommand;
use space_link::frame::tc::{HEADER_OCTETS, TcHeader};
use space_link::frame::{FrameType, TcFrame};
use space_link::uplink::UplinkParameters;

use crate::farm::UplinkFrame;

/// What was received and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UplinkCounts {
    /// CLTUs whose start sequence was found and that ended.
    pub cltus: u64,
    /// Of these, those whose first block could not be decoded.
    pub empty_cltus: u64,
    /// Wrong bits that the channel code corrected.
    pub corrected_bits: u64,
    /// Frames that passed the frame validation check.
    pub frames: u64,
    /// CLTUs in which no frame, or another frame than the ones before, was good.
    pub bad_frames: u64,
    /// Good frames of other spacecraft or virtual channels.
    pub other_channels: u64,
}

/// A frame that passed the frame validation check, owned: what FARM-1 holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedFrame {
    /// The header.
    pub header: TcHeader,
    /// Its octets as they were received, which security looks at.
    pub header_octets: [u8; HEADER_OCTETS],
    /// The data field.
    pub data_field: Vec<u8>,
}

impl ReceivedFrame {
    /// The frame as FARM-1 takes it: its payload is all that security needs.
    #[must_use]
    pub fn for_farm(self) -> UplinkFrame<Self> {
        match self.header.frame_type {
            FrameType::Ad => UplinkFrame::Ad {
                n_s: self.header.sequence_number,
                payload: self,
            },
            FrameType::Bd => UplinkFrame::Bd(self),
            FrameType::Bc => ControlCommand::parse(&self.data_field)
                .map_or(UplinkFrame::Invalid, UplinkFrame::Bc),
        }
    }
}

impl From<&TcFrame<'_>> for ReceivedFrame {
    fn from(frame: &TcFrame<'_>) -> Self {
        Self {
            header: *frame.header(),
            header_octets: frame.header_octets(),
            data_field: frame.data_field().to_vec(),
        }
    }
}

/// Receiver of one virtual channel: octets in, frames out. Holds one CLTU at most.
#[derive(Clone, Debug)]
pub struct Uplink {
    parameters: UplinkParameters,
    decoder: CltuDecoder,
    counts: UplinkCounts,
}

impl Uplink {
    /// A receiver that searches for start sequences.
    #[must_use]
    pub fn new(parameters: UplinkParameters) -> Self {
        let code = parameters.code;
        let limits = CltuLimits {
            data_octets_max: parameters.frame_length_octets_max + code.information_octets(),
            ..CltuLimits::default()
        };
        Self {
            parameters,
            decoder: CltuDecoder::new(code, Search::of(code), limits),
            counts: UplinkCounts::default(),
        }
    }

    /// What was received so far.
    #[must_use]
    pub const fn counts(&self) -> &UplinkCounts {
        &self.counts
    }

    /// Octets of the channel, first bit first; `each` gets the good frames of this virtual channel
    /// that end in them: FARM-1 is next.
    pub fn handle_octets(&mut self, octets: &[u8], mut each: impl FnMut(&TcFrame<'_>)) {
        let Self {
            parameters,
            decoder,
            counts,
        } = self;
        decoder.handle_octets(octets, |cltu| frames(parameters, counts, &cltu, &mut each));
    }

    /// The signal was lost: `each` gets the frames that are whole in the CLTU that has not ended.
    pub fn handle_loss_of_signal(&mut self, mut each: impl FnMut(&TcFrame<'_>)) {
        let Self {
            parameters,
            decoder,
            counts,
        } = self;
        decoder.handle_loss_of_signal(|cltu| frames(parameters, counts, &cltu, &mut each));
    }
}

fn frames(
    parameters: &UplinkParameters,
    counts: &mut UplinkCounts,
    cltu: &Cltu<'_>,
    each: &mut impl FnMut(&TcFrame<'_>),
) {
    counts.cltus += 1;
    counts.corrected_bits += u64::from(cltu.corrected_bits);
    if cltu.data.is_empty() {
        counts.empty_cltus += 1;
        return;
    }
    let mut rest = cltu.data;
    let mut first = true;
    // Less than a block may be fill; only error control would tell it from a frame.
    let block = parameters.code.information_octets();
    while first || rest.len() >= block || parameters.fecf && rest.len() > HEADER_OCTETS {
        match TcFrame::split_first(rest, parameters.fecf) {
            Ok((frame, after)) => {
                rest = after;
                let length = frame.octets().len();
                if frame.header().channel() != parameters.channel() {
                    counts.other_channels += 1;
                } else if length > parameters.frame_length_octets_max {
                    counts.bad_frames += 1;
                } else {
                    counts.frames += 1;
                    each(&frame);
                }
            }
            Err(_) => {
                counts.bad_frames += u64::from(first || rest.len() >= block);
                return;
            }
        }
        first = false;
    }
}
