//! TC transfer frames: CCSDS 232.0-B-4.
//!
//! ```text
//! +---+-+-+--+----------+------+----------+--------+------------------+------+
//! |ver|b|c|sp| scid     | vcid | length   | seq    | data field       | fecf |
//! |00 | | |00| 10 bits  | 6    | 10, less | number | segment header,  |      |
//! |   | | |  |          |      | one      | 8      | then user data   | 16   |
//! +---+-+-+--+----------+------+----------+--------+------------------+------+
//! ```

use core::fmt;

use thiserror::Error;

use super::{FECF_OCTETS, GlobalVirtualChannel, Scid, Vcid};
use crate::crc::crc16;
use crate::packet::SequenceFlags;

/// Octets of the primary header.
pub const HEADER_OCTETS: usize = 5;

/// Octets of the longest frame.
pub const MAX_FRAME_OCTETS: usize = 1024;

/// Why octets are not a TC transfer frame, or a frame has no octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TcFrameError {
    /// Fewer octets than a primary header.
    #[error("a TC frame header has 5 octets, there are {got}")]
    HeaderTruncated {
        /// Octets there are.
        got: usize,
    },
    /// Another transfer frame version number than 00.
    #[error("transfer frame version {got:#04b} where TC has 0b00")]
    Version {
        /// The version number there is.
        got: u8,
    },
    /// Bits that the standard reserves are not zero (232.0-B-4 4.1.2.5).
    #[error("reserved bits of the TC frame header are {got:#04b}, not 0b00")]
    Spare {
        /// The bits there are.
        got: u8,
    },
    /// A control command in a sequence-controlled frame, a combination that is reserved.
    #[error("a TC frame of type A holds data, not control commands")]
    TypeAc,
    /// Fewer octets than the frame length field announces.
    #[error("the TC frame announces {needed} octets, there are {got}")]
    Truncated {
        /// Octets of the frame by its length field.
        needed: usize,
        /// Octets there are.
        got: usize,
    },
    /// A length field that leaves no octet for the data field.
    #[error("a TC frame has at least {needed} octets here, this one announces {got}")]
    Short {
        /// Octets of the shortest frame.
        needed: usize,
        /// Octets by the length field.
        got: usize,
    },
    /// The frame error control field does not agree with the frame.
    #[error("TC frame error control is {got:#06x} where the octets give {computed:#06x}")]
    ErrorControl {
        /// The field as it is.
        got: u16,
        /// The CRC of what precedes it.
        computed: u16,
    },
    /// A data field that no frame can hold.
    #[error("a TC frame's data field has 1 to {max} octets here, not {got}")]
    DataOctets {
        /// The most there can be.
        max: usize,
        /// Octets there are.
        got: usize,
    },
    /// A multiplexer access point identifier of more than 6 bits.
    #[error("map_id is at most 63, not {0}")]
    MapId(u8),
}

/// Type of a frame: the bypass flag (A or B) and the control command flag (D or C), 232.0-B-4
/// 4.1.2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameType {
    /// Data, in sequence: FARM-1 takes it only if it is the next one.
    Ad,
    /// Data that bypasses the check of the sequence.
    Bd,
    /// A control command for FARM-1.
    Bc,
}

impl fmt::Display for FrameType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ad => "AD",
            Self::Bd => "BD",
            Self::Bc => "BC",
        })
    }
}

/// Primary header of a TC transfer frame (232.0-B-4 4.1.2), five octets, big endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TcHeader {
    /// AD, BD or BC.
    pub frame_type: FrameType,
    /// Spacecraft identifier.
    pub spacecraft: Scid,
    /// Virtual channel, 0 to 63.
    pub virtual_channel: Vcid,
    /// Frame sequence number N(S); 0 in frames of type B.
    pub sequence_number: u8,
}

impl TcHeader {
    /// Reads the first five octets: the header, and the octets of the frame that it announces.
    ///
    /// # Errors
    /// [`TcFrameError`] for fewer octets, another version, reserved bits or combinations.
    pub const fn parse(octets: &[u8]) -> Result<(Self, usize), TcFrameError> {
        let Some([a, b, c, d, e]) = octets.first_chunk::<HEADER_OCTETS>() else {
            return Err(TcFrameError::HeaderTruncated { got: octets.len() });
        };
        if *a >> 6 != 0 {
            return Err(TcFrameError::Version { got: *a >> 6 });
        }
        if *a & 0b1100 != 0 {
            return Err(TcFrameError::Spare {
                got: *a >> 2 & 0b11,
            });
        }
        let frame_type = match *a >> 4 & 0b11 {
            0b00 => FrameType::Ad,
            0b10 => FrameType::Bd,
            0b11 => FrameType::Bc,
            _ => return Err(TcFrameError::TypeAc),
        };
        let header = Self {
            frame_type,
            spacecraft: Scid::truncate(u16::from_be_bytes([*a, *b])),
            virtual_channel: Vcid::truncate(*c >> 2),
            sequence_number: *e,
        };
        let length = u16::from_be_bytes([*c, *d]) & 0x3FF;
        Ok((header, length as usize + 1))
    }

    /// The five octets of the header of a frame of `frame_octets` octets.
    ///
    /// # Errors
    /// [`TcFrameError::DataOctets`] unless there are 6 to 1024 octets.
    pub const fn encode(&self, frame_octets: usize) -> Result<[u8; HEADER_OCTETS], TcFrameError> {
        if frame_octets <= HEADER_OCTETS || frame_octets > MAX_FRAME_OCTETS {
            return Err(TcFrameError::DataOctets {
                max: MAX_FRAME_OCTETS - HEADER_OCTETS,
                got: frame_octets.saturating_sub(HEADER_OCTETS),
            });
        }
        let flags: u8 = match self.frame_type {
            FrameType::Ad => 0b00,
            FrameType::Bd => 0b10,
            FrameType::Bc => 0b11,
        };
        let [a, b] = self.spacecraft.get().to_be_bytes();
        let [c, d] = ((frame_octets - 1) as u16).to_be_bytes();
        Ok([
            flags << 4 | a,
            b,
            self.virtual_channel.get() << 2 | c,
            d,
            self.sequence_number,
        ])
    }

    /// Appends a whole frame to `out`, with frame error control if `fecf` says so.
    ///
    /// # Errors
    /// [`TcFrameError::DataOctets`] when the data field is empty or too long.
    pub fn encode_frame(
        &self,
        data_field: &[u8],
        fecf: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), TcFrameError> {
        let check = if fecf { FECF_OCTETS } else { 0 };
        let max = MAX_FRAME_OCTETS - HEADER_OCTETS - check;
        if data_field.is_empty() || data_field.len() > max {
            return Err(TcFrameError::DataOctets {
                max,
                got: data_field.len(),
            });
        }
        let start = out.len();
        let header = self.encode(HEADER_OCTETS + data_field.len() + check)?;
        out.extend_from_slice(&header);
        out.extend_from_slice(data_field);
        if fecf {
            let crc = crc16(&out[start..]);
            out.extend_from_slice(&crc.to_be_bytes());
        }
        Ok(())
    }

    /// Spacecraft and virtual channel.
    #[must_use]
    pub const fn channel(&self) -> GlobalVirtualChannel {
        GlobalVirtualChannel {
            spacecraft: self.spacecraft,
            virtual_channel: self.virtual_channel,
        }
    }
}

impl fmt::Display for TcHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "TC frame {} scid={} vcid={} sequence={}",
            self.frame_type, self.spacecraft, self.virtual_channel, self.sequence_number
        )
    }
}

/// One whole TC transfer frame, exactly as long as its length field says, and good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcFrame<'a> {
    octets: &'a [u8],
    header: TcHeader,
    check: usize,
}

impl<'a> TcFrame<'a> {
    /// The frame at the start of `octets`; what follows it (fill of a code block) is left out.
    /// `fecf` says whether frames of this channel have frame error control.
    ///
    /// # Errors
    /// [`TcFrameError`], saying what is wrong.
    pub fn new_checked(octets: &'a [u8], fecf: bool) -> Result<Self, TcFrameError> {
        Self::split_first(octets, fecf).map(|(frame, _)| frame)
    }

    /// The frame at the start of `octets`, and what follows it.
    ///
    /// # Errors
    /// As [`TcFrame::new_checked`].
    pub fn split_first(octets: &'a [u8], fecf: bool) -> Result<(Self, &'a [u8]), TcFrameError> {
        let (header, announced) = TcHeader::parse(octets)?;
        let check = if fecf { FECF_OCTETS } else { 0 };
        let needed = HEADER_OCTETS + 1 + check;
        if announced < needed {
            return Err(TcFrameError::Short {
                needed,
                got: announced,
            });
        }
        let Some((octets, rest)) = octets.split_at_checked(announced) else {
            return Err(TcFrameError::Truncated {
                needed: announced,
                got: octets.len(),
            });
        };
        if fecf && let Some((covered, field)) = octets.split_last_chunk::<FECF_OCTETS>() {
            let got = u16::from_be_bytes(*field);
            let computed = crc16(covered);
            if got != computed {
                return Err(TcFrameError::ErrorControl { got, computed });
            }
        }
        let frame = Self {
            octets,
            header,
            check,
        };
        Ok((frame, rest))
    }

    /// The primary header.
    #[must_use]
    pub const fn header(&self) -> &TcHeader {
        &self.header
    }

    /// The primary header's octets, as they were received.
    #[must_use]
    pub fn header_octets(&self) -> [u8; HEADER_OCTETS] {
        self.octets
            .first_chunk()
            .copied()
            .unwrap_or([0; HEADER_OCTETS])
    }

    /// All octets, header and frame error control included.
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The data field: segment header (if the channel has one) and user data, or a control command.
    #[must_use]
    pub fn data_field(&self) -> &'a [u8] {
        self.octets
            .get(HEADER_OCTETS..self.octets.len() - self.check)
            .unwrap_or_default()
    }
}

impl fmt::Display for TcFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets={}", self.header, self.octets.len())
    }
}

/// Multiplexer access point identifier, 6 bits: which stream of a virtual channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MapId(u8);

impl MapId {
    /// The highest identifier.
    pub const MAX: u8 = 63;
    /// The first stream.
    pub const ZERO: Self = Self(0);

    /// An identifier of at most 6 bits.
    ///
    /// # Errors
    /// [`TcFrameError::MapId`] above 63.
    pub const fn new(value: u8) -> Result<Self, TcFrameError> {
        if value > Self::MAX {
            return Err(TcFrameError::MapId(value));
        }
        Ok(Self(value))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The number as an index into a table of 64.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for MapId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Segment header, one octet: the first of the data field where the channel has one (232.0-B-4
/// 4.1.3.2.2). Every octet is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SegmentHeader {
    /// Place of the segment in its user data; the bits are those of packets.
    pub sequence_flags: SequenceFlags,
    /// The stream.
    pub map_id: MapId,
}

impl SegmentHeader {
    /// Reads the octet.
    #[must_use]
    pub const fn from_octet(octet: u8) -> Self {
        Self {
            sequence_flags: SequenceFlags::from_bits(octet >> 6),
            map_id: MapId(octet & MapId::MAX),
        }
    }

    /// The octet.
    #[must_use]
    pub const fn to_octet(self) -> u8 {
        (self.sequence_flags as u8) << 6 | self.map_id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_are_not_right_are_refused_with_numbers() {
        let header = TcHeader {
            frame_type: FrameType::Ad,
            spacecraft: Scid::new(1023).unwrap(),
            virtual_channel: Vcid::new(63).unwrap(),
            sequence_number: 255,
        };
        let mut frame = Vec::new();
        header.encode_frame(&[7; 1017], true, &mut frame).unwrap();
        assert_eq!(frame.len(), MAX_FRAME_OCTETS);
        assert_eq!(
            header.encode_frame(&[7; 1018], true, &mut frame),
            Err(TcFrameError::DataOctets {
                max: 1017,
                got: 1018
            })
        );
        assert_eq!(
            header.encode_frame(&[], false, &mut frame),
            Err(TcFrameError::DataOctets { max: 1019, got: 0 })
        );
        assert_eq!(frame.len(), MAX_FRAME_OCTETS, "nothing was appended");
        let parsed = TcFrame::new_checked(&frame, true).unwrap();
        assert_eq!(parsed.header(), &header);
        assert_eq!(parsed.data_field(), [7; 1017]);
        assert_eq!(
            parsed.to_string(),
            "TC frame AD scid=1023 vcid=63 sequence=255 octets=1024"
        );
        frame[5] ^= 1;
        assert!(matches!(
            TcFrame::new_checked(&frame, true),
            Err(TcFrameError::ErrorControl { .. })
        ));
        assert_eq!(
            TcFrame::new_checked(&frame[..9], true),
            Err(TcFrameError::Truncated {
                needed: 1024,
                got: 9
            })
        );
        for (first, error) in [
            (0x43, TcFrameError::Version { got: 1 }),
            (0x07, TcFrameError::Spare { got: 1 }),
            (0x13, TcFrameError::TypeAc),
        ] {
            frame[0] = first;
            assert_eq!(TcFrame::new_checked(&frame, true), Err(error));
        }
        assert_eq!(
            TcFrame::new_checked(&[0, 0, 0, 6, 0, 0, 0], true),
            Err(TcFrameError::Short { needed: 8, got: 7 })
        );
    }

    #[test]
    fn streams_have_six_bits() {
        assert_eq!(MapId::new(64), Err(TcFrameError::MapId(64)));
        assert_eq!(MapId::new(63).map(MapId::index), Ok(63));
    }
}
