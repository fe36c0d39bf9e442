//! The records on the bus: blocks of frames and packets, column by column.
//!
//! A block holds records of one spacecraft in the order of their completion. Payloads lie end to
//! end in one buffer so that a block becomes Arrow arrays without copying a payload.

use std::fmt;
use std::sync::Arc;

/// No time is known: neither the packet nor the link carries one.
pub const NO_TIME: i64 = i64::MIN;
/// The record did not come through a virtual channel (packet files).
pub const NO_VIRTUAL_CHANNEL: u8 = u8::MAX;

/// A spacecraft's name as the mission spells it; key of every telemetry topic.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpacecraftName(Arc<str>);

impl SpacecraftName {
    /// Wraps a name taken from a mission.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SpacecraftName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SpacecraftName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// How far a record can be trusted; one octet on the bus, a word in tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Quality {
    /// An error detecting or correcting code covered it and found nothing.
    Good = 0,
    /// Reed-Solomon corrected symbols in a frame that carried it.
    Corrected = 1,
    /// No code covered it: the link has neither Reed-Solomon nor an FECF.
    Unchecked = 2,
    /// A code says that it is damaged; kept, since raw data are the ground truth.
    Bad = 3,
}

impl Quality {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Corrected => "corrected",
            Self::Unchecked => "unchecked",
            Self::Bad => "bad",
        }
    }

    /// The quality of a record octet; an unknown octet counts as [`Quality::Bad`].
    pub fn from_octet(octet: u8) -> Self {
        match octet {
            0 => Self::Good,
            1 => Self::Corrected,
            2 => Self::Unchecked,
            _ => Self::Bad,
        }
    }
}

/// Space packets of one spacecraft in order of completion, whole and raw.
///
/// All columns have one entry a packet; `offsets` has one more. Times are microseconds since
/// 1970-01-01 UTC, [`NO_TIME`] where unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketBlock {
    /// Whose packets these are.
    pub spacecraft: SpacecraftName,
    /// The packets' octets, end to end.
    pub data: Vec<u8>,
    /// Packet `i` is `data[offsets[i]..offsets[i + 1]]`; starts with 0.
    pub offsets: Vec<i32>,
    /// Generation time from the packet's time code.
    pub time: Vec<i64>,
    /// Earth reception time, if the link knows it.
    pub received: Vec<i64>,
    /// Virtual channel, or [`NO_VIRTUAL_CHANNEL`].
    pub virtual_channel: Vec<u8>,
    /// [`Quality`] as an octet: the worst of the frames that carried it.
    pub quality: Vec<u8>,
}

impl PacketBlock {
    /// An empty block.
    pub fn new(spacecraft: SpacecraftName) -> Self {
        Self {
            spacecraft,
            data: Vec::new(),
            offsets: vec![0],
            time: Vec::new(),
            received: Vec::new(),
            virtual_channel: Vec::new(),
            quality: Vec::new(),
        }
    }

    /// Number of packets.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether it holds no packet.
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Packet `index`, whole.
    pub fn packet(&self, index: usize) -> &[u8] {
        &self.data[self.offsets[index] as usize..self.offsets[index + 1] as usize]
    }
}

/// Transfer frames of one spacecraft in order of reception, whole and raw, after error correction.
///
/// All columns have one entry a frame; `offsets` has one more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameBlock {
    /// Whose frames these are.
    pub spacecraft: SpacecraftName,
    /// The frames' octets, end to end.
    pub data: Vec<u8>,
    /// Frame `i` is `data[offsets[i]..offsets[i + 1]]`; starts with 0.
    pub offsets: Vec<i32>,
    /// Earth reception time, if the link knows it.
    pub received: Vec<i64>,
    /// Virtual channel identifier.
    pub virtual_channel: Vec<u8>,
    /// Virtual channel frame count as in the header (8 bits TM, 24 or 28 bits AOS).
    pub frame_count: Vec<u32>,
    /// [`Quality`] as an octet.
    pub quality: Vec<u8>,
    /// Reed-Solomon symbols corrected in the frame's code block.
    pub corrected_symbols: Vec<u16>,
}

impl FrameBlock {
    /// An empty block.
    pub fn new(spacecraft: SpacecraftName) -> Self {
        Self {
            spacecraft,
            data: Vec::new(),
            offsets: vec![0],
            received: Vec::new(),
            virtual_channel: Vec::new(),
            frame_count: Vec::new(),
            quality: Vec::new(),
            corrected_symbols: Vec::new(),
        }
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.virtual_channel.len()
    }

    /// Whether it holds no frame.
    pub fn is_empty(&self) -> bool {
        self.virtual_channel.is_empty()
    }

    /// Frame `index`, whole.
    pub fn frame(&self, index: usize) -> &[u8] {
        &self.data[self.offsets[index] as usize..self.offsets[index + 1] as usize]
    }
}
