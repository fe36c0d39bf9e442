//! What was really sent, for tests to compare with what came out.

use std::collections::BTreeMap;

/// Everything that a pass sent so far, and what the link did to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// Octets handed out, noise and last padding included.
    pub octets: u64,
    /// Frames made, dropped ones and idle ones included.
    pub frames_made: u64,
    /// Frames that were dropped and are not in the octets.
    pub frames_dropped: u64,
    /// Bits inverted by bit errors and bursts.
    pub bits_flipped: u64,
    /// Those of them in sync markers.
    pub marker_bits_flipped: u64,
    /// Code words sent without an error.
    pub codewords_clean: u64,
    /// Code words sent with at most 16 wrong symbols.
    pub codewords_correctable: u64,
    /// Wrong symbols in those.
    pub symbols_correctable: u64,
    /// Code words sent with more than 16 wrong symbols.
    pub codewords_uncorrectable: u64,
    /// By virtual channel.
    pub virtual_channels: BTreeMap<u8, VirtualChannelTruth>,
    /// By application process identifier.
    pub apids: BTreeMap<u16, ApidTruth>,
}

impl Truth {
    /// Frames in the octets.
    pub fn frames_sent(&self) -> u64 {
        self.frames_made - self.frames_dropped
    }

    /// Packets made, idle ones not counted.
    pub fn packets(&self) -> u64 {
        self.apids.values().map(|apid| apid.packets).sum()
    }

    /// Packets that a receiver can put together again.
    pub fn packets_whole(&self) -> u64 {
        self.apids.values().map(|apid| apid.packets_whole).sum()
    }
}

/// What was sent on one virtual channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VirtualChannelTruth {
    /// Frames made.
    pub frames_made: u64,
    /// Frames that arrive and can be corrected.
    pub frames_whole: u64,
    /// Jumps of the frame count from one whole frame to the next.
    pub gaps: u64,
    /// Frames missing in those jumps; frames lost before the first or after the last whole one
    /// cannot be seen.
    pub frames_missing: u64,
    /// Idle packets that filled the last frame.
    pub idle_packets: u64,
}

/// What was sent under one application process identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApidTruth {
    /// Virtual channel that carries it.
    pub virtual_channel: u8,
    /// Packets made.
    pub packets: u64,
    /// Packets all of whose frames arrive whole; what is still in an unfinished frame is not yet
    /// counted.
    pub packets_whole: u64,
    /// Octets of the packets made.
    pub octets: u64,
    /// Generation time of the first packet, microseconds since 1970-01-01 UTC.
    pub first_time: i64,
    /// Generation time of the last one.
    pub last_time: i64,
}
