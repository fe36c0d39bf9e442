//! The managed parameters of a downlink: how bytes from the antenna become packets.

mod resolve;

use std::fmt;
use std::str::FromStr;

pub(super) use resolve::resolve;

use super::KeyProblem;

/// What a stream of bytes consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Channel access data units at any bit offset, either polarity.
    Cadu,
    /// Transfer frames end to end, synchronisation and channel coding removed.
    Frames,
    /// Space packets end to end.
    Packets,
}

impl FromStr for Level {
    type Err = KeyProblem;

    fn from_str(text: &str) -> Result<Self, KeyProblem> {
        match text {
            "cadu" => Ok(Self::Cadu),
            "frames" => Ok(Self::Frames),
            "packets" => Ok(Self::Packets),
            _ => Err(KeyProblem::Unknown {
                got: text.escape_default().to_string(),
                allowed: "cadu, frames, packets",
            }),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cadu => "cadu",
            Self::Frames => "frames",
            Self::Packets => "packets",
        })
    }
}

/// Everything the decoder must be told, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownlinkParameters {
    /// What recordings of this mission hold, unless said otherwise.
    pub input: Level,
    /// Frames and their coding; absent only where `input` is packets.
    pub frame: Option<FrameParameters>,
    /// Octets before each packet of a packet file, dropped.
    pub packet_prefix_octets: usize,
    /// Packet files are EDDS XML with packets in hexadecimal.
    pub packet_envelope_edds: bool,
    /// Packets of any version are taken (ESA PSS packets), not only version 0.
    pub packet_version_any: bool,
}

/// Transfer frames and the layers below them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameParameters {
    /// Which frame.
    pub format: FrameFormat,
    /// Length without marker and parity.
    pub length_octets: usize,
    /// AOS insert zone.
    pub insert_zone_octets: usize,
    /// AOS header carries its own error control field.
    pub frame_header_error_control: bool,
    /// Frames end in an operational control field, before the frame error control field.
    pub ocf: bool,
    /// Frames end in a frame error control field.
    pub fecf: bool,
    /// Length of the TM secondary header, its identification octet included; 0 for none.
    pub secondary_header_octets: usize,
    /// No M_PDU header: one packet lies this many octets into the data field.
    pub one_packet_per_frame: Option<usize>,
    /// Each virtual channel's parameters, by VCID.
    pub channels: [ChannelParameters; 64],
    /// Marker search.
    pub synchronization: SynchronizationParameters,
    /// Randomiser, if any.
    pub randomizer: Option<RandomizerKind>,
    /// Reed-Solomon, if any.
    pub reed_solomon: Option<ReedSolomonParameters>,
    /// How frame octets are dealt out to code words.
    pub symbol_order: SymbolOrder,
}

impl FrameParameters {
    /// Length of a CADU without its marker: frame and parity.
    pub fn code_block_octets(&self) -> usize {
        self.length_octets + self.reed_solomon.map_or(0, |code| code.parity_octets())
    }
}

/// The transfer frames known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameFormat {
    /// CCSDS 132.0-B-3.
    Tm,
    /// CCSDS 732.0-B-4.
    Aos,
}

/// A virtual channel's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelParameters {
    /// What it carries.
    pub service: Service,
    /// Whether its frame count is followed; unless said otherwise that of an idle channel is not,
    /// since real ones stand still.
    pub counter_checked: bool,
}

/// What a virtual channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Packets (M_PDU in AOS).
    Packet,
    /// Bits (B_PDU); frames are kept, nothing is extracted.
    Bitstream,
    /// The mission's own units; frames are kept, nothing is extracted.
    VirtualChannelAccess,
    /// Only idle data.
    Idle,
}

/// How the attached sync marker is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynchronizationParameters {
    /// The marker, 4 or 8 octets.
    pub asm: Vec<u8>,
    /// Bits that may differ while searching.
    pub bit_errors_search: u32,
    /// Bits that may differ where a marker is expected.
    pub bit_errors_locked: u32,
    /// Markers that must follow a found one, a CADU apart, before it is believed.
    pub verify: u32,
    /// Markers in a row that may be missing where they are expected.
    pub flywheel: u32,
    /// Whether an inverted stream is taken too.
    pub inverted: bool,
}

/// The randomisers of CCSDS 131.0-B-5 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RandomizerKind {
    /// Period 255.
    Bits255,
    /// Period 131071.
    Bits131071,
}

/// A Reed-Solomon code, CCSDS 131.0-B-5 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReedSolomonParameters {
    /// Information symbols of a word: 223 or 239.
    pub information: usize,
    /// Words side by side: 1, 2, 3, 4, 5 or 8.
    pub interleave: usize,
    /// Virtual fill of the whole code block.
    pub virtual_fill_octets: usize,
    /// Representation of symbols.
    pub basis: Basis,
    /// Whether words are checked and corrected; if not, their parity is only removed.
    pub checked: bool,
}

impl ReedSolomonParameters {
    /// Parity of the whole code block.
    pub fn parity_octets(&self) -> usize {
        (255 - self.information) * self.interleave
    }
}

/// Representation of Reed-Solomon symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Berlekamp's dual basis, as CCSDS 131.0-B-5 has it.
    Dual,
    /// The conventional one.
    Conventional,
}

/// How frame octets are dealt out to the words of a code block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolOrder {
    /// In turn, as CCSDS 131.0-B-5 4.4 has it.
    Interleaved,
    /// The first word is filled, then the second, and so on.
    Sequential,
}
