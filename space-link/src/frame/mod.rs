//! Transfer frames: TM (132.0-B-3), AOS (732.0-B-4), USLP (732.1-B-3), TC (232.0-B-4), and what
//! they carry.

use core::fmt;

use thiserror::Error;

pub mod aos;
pub mod bpdu;
pub mod fhec;
mod layout;
pub mod mpdu;
pub mod tc;
pub mod tm;
pub mod uslp;

pub use aos::{AosFrame, AosHeader, HeaderCheck};
pub use bpdu::Bpdu;
pub use layout::{FrameKind, FrameLayout, FrameOptions, FrameParts, LayoutError};
pub use mpdu::{FirstHeader, Mpdu};
pub use tc::{FrameType, MapId, SegmentHeader, TcFrame, TcFrameError, TcHeader};
pub use tm::{TmFrame, TmHeader};
pub use uslp::{UslpFrame, UslpHeader};

/// Octets of the frame error control field (CRC-16).
pub const FECF_OCTETS: usize = 2;

/// Octets of the operational control field.
pub const OCF_OCTETS: usize = 4;

/// Why octets are not a transfer frame of the layout, or a header has no octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Another number of octets than the layout has.
    #[error("a frame has {needed} octets here, there are {got}")]
    Length {
        /// Octets of a frame by its layout or its own length field.
        needed: usize,
        /// Octets there are.
        got: usize,
    },
    /// Another transfer frame version number than this kind of frame has.
    #[error("transfer frame version {got:#04b} where {kind} has {needed:#04b}")]
    Version {
        /// The kind of frame asked for.
        kind: FrameKind,
        /// Its version number.
        needed: u8,
        /// The version number there is.
        got: u8,
    },
    /// A layout for another kind of frame.
    #[error("the layout is for {layout} frames, not {kind}")]
    Kind {
        /// The kind of frame asked for.
        kind: FrameKind,
        /// The kind of frame of the layout.
        layout: FrameKind,
    },
    /// More header symbols wrong than the header error control can correct.
    #[error("frame header beyond correction (more than 2 symbols wrong)")]
    HeaderErrors,
    /// A header field whose value has too many bits.
    #[error("{field} is at most {max}, not {got}")]
    Field {
        /// Name of the field in the standard.
        field: &'static str,
        /// Highest value.
        max: u64,
        /// Value there is.
        got: u64,
    },
    /// A part of the frame of another size than the layout has.
    #[error("the {part} has {needed} octets here, not {got}")]
    Part {
        /// Name of the part.
        part: &'static str,
        /// Octets by the layout.
        needed: usize,
        /// Octets there are.
        got: usize,
    },
}

/// Checks that a value to be encoded fits its field.
pub(crate) const fn check_field(field: &'static str, max: u64, got: u64) -> Result<(), FrameError> {
    if got > max {
        return Err(FrameError::Field { field, max, got });
    }
    Ok(())
}

/// Spacecraft identifier of TM and AOS frames, 10 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scid(u16);

impl Scid {
    /// The highest identifier.
    pub const MAX: u16 = 1023;

    /// An identifier of at most 10 bits.
    ///
    /// # Errors
    /// [`FrameError::Field`] above 1023.
    pub const fn new(value: u16) -> Result<Self, FrameError> {
        match check_field("spacecraft identifier", Self::MAX as u64, value as u64) {
            Ok(()) => Ok(Self(value)),
            Err(error) => Err(error),
        }
    }

    /// The low ten bits.
    #[inline]
    pub(crate) const fn truncate(value: u16) -> Self {
        Self(value & Self::MAX)
    }

    /// The number.
    #[inline]
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Scid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl TryFrom<u16> for Scid {
    type Error = FrameError;

    fn try_from(value: u16) -> Result<Self, FrameError> {
        Self::new(value)
    }
}

/// Virtual channel identifier: 6 bits in AOS and USLP, of which TM has 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vcid(u8);

impl Vcid {
    /// The highest identifier.
    pub const MAX: u8 = 63;
    /// The highest identifier in a TM frame.
    pub const MAX_TM: u8 = 7;
    /// Frames on this channel are only idle data (732.0-B-4 4.1.2.3.2, 732.1-B-3 4.1.2.2.5).
    pub const IDLE: Self = Self(63);

    /// An identifier of at most 6 bits.
    ///
    /// # Errors
    /// [`FrameError::Field`] above 63.
    pub const fn new(value: u8) -> Result<Self, FrameError> {
        match check_field("virtual channel identifier", Self::MAX as u64, value as u64) {
            Ok(()) => Ok(Self(value)),
            Err(error) => Err(error),
        }
    }

    /// The low six bits.
    #[inline]
    pub(crate) const fn truncate(value: u8) -> Self {
        Self(value & Self::MAX)
    }

    /// The number.
    #[inline]
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The number as an index into a table of 64.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Vcid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl TryFrom<u8> for Vcid {
    type Error = FrameError;

    fn try_from(value: u8) -> Result<Self, FrameError> {
        Self::new(value)
    }
}

/// A virtual channel of one spacecraft, whatever the kind of frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlobalVirtualChannel {
    /// The spacecraft.
    pub spacecraft: Scid,
    /// Its virtual channel.
    pub virtual_channel: Vcid,
}

impl fmt::Display for GlobalVirtualChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "spacecraft {} virtual channel {}",
            self.spacecraft, self.virtual_channel
        )
    }
}

/// Frames missing between two counts of a counter that wraps at `modulus` (a power of two).
///
/// 0 for the next frame; `modulus - 1` for a repeated one.
#[inline]
#[must_use]
pub const fn frames_missing(previous: u32, current: u32, modulus: u32) -> u32 {
    current.wrapping_sub(previous).wrapping_sub(1) & modulus.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_bounds() {
        assert_eq!(Scid::new(1023).unwrap().get(), 1023);
        assert_eq!(
            Scid::new(1024).unwrap_err().to_string(),
            "spacecraft identifier is at most 1023, not 1024"
        );
        assert_eq!(Vcid::new(63).unwrap(), Vcid::IDLE);
        assert!(Vcid::new(64).is_err());
    }

    #[test]
    fn counters_wrap() {
        assert_eq!(frames_missing(255, 0, 256), 0);
        assert_eq!(frames_missing(254, 0, 256), 1);
        assert_eq!(frames_missing(7, 7, 256), 255);
        assert_eq!(frames_missing(0xFF_FFFF, 2, 1 << 24), 2);
    }
}
