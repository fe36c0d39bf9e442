//! Multiplexing protocol data units: packets in AOS frames, CCSDS 732.0-B-4 4.1.4.2.

use core::fmt;

use super::FrameError;

/// Octets of the header.
pub const HEADER_OCTETS: usize = 2;

/// Where the first packet that starts in a frame starts (132.0-B-3 4.1.2.7.6, 732.0-B-4
/// 4.1.4.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FirstHeader {
    /// At this octet of the packet zone; may lie beyond it in a damaged frame.
    At(u16),
    /// No packet starts in this frame: 11111111111.
    NoStart,
    /// There is only idle data in this frame: 11111111110.
    OnlyIdle,
}

impl FirstHeader {
    /// The bits of the pointer.
    pub const MASK: u16 = 0x7FF;
    const NO_START: u16 = 0x7FF;
    const ONLY_IDLE: u16 = 0x7FE;

    /// From the eleven bits of the pointer; higher bits are ignored.
    #[inline]
    #[must_use]
    pub const fn from_pointer(pointer: u16) -> Self {
        match pointer & Self::MASK {
            Self::NO_START => Self::NoStart,
            Self::ONLY_IDLE => Self::OnlyIdle,
            offset => Self::At(offset),
        }
    }

    /// The eleven bits of the pointer.
    ///
    /// # Errors
    /// [`FrameError::Field`] for an offset above 2045.
    pub const fn pointer(self) -> Result<u16, FrameError> {
        match self {
            Self::NoStart => Ok(Self::NO_START),
            Self::OnlyIdle => Ok(Self::ONLY_IDLE),
            Self::At(offset) if offset < Self::ONLY_IDLE => Ok(offset),
            Self::At(offset) => Err(FrameError::Field {
                field: "first header pointer",
                max: Self::ONLY_IDLE as u64 - 1,
                got: offset as u64,
            }),
        }
    }
}

impl fmt::Display for FirstHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(offset) => write!(f, "first header={offset}"),
            Self::NoStart => f.write_str("no start"),
            Self::OnlyIdle => f.write_str("only idle"),
        }
    }
}

/// A multiplexing protocol data unit: two octets of header, then the packet zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mpdu<'a> {
    header: [u8; HEADER_OCTETS],
    packet_zone: &'a [u8],
}

impl<'a> Mpdu<'a> {
    /// The unit that fills an AOS data field.
    ///
    /// The five spare bits are not looked at: real idle frames set them.
    ///
    /// # Errors
    /// [`FrameError::Length`] with fewer than two octets.
    #[inline]
    pub const fn new_checked(data_field: &'a [u8]) -> Result<Self, FrameError> {
        match data_field.split_first_chunk::<HEADER_OCTETS>() {
            Some((header, packet_zone)) => Ok(Self {
                header: *header,
                packet_zone,
            }),
            None => Err(FrameError::Length {
                needed: HEADER_OCTETS,
                got: data_field.len(),
            }),
        }
    }

    /// Where the first packet starts.
    #[inline]
    #[must_use]
    pub const fn first_header(&self) -> FirstHeader {
        FirstHeader::from_pointer(u16::from_be_bytes(self.header))
    }

    /// The packets, the first of which may have started in an earlier frame.
    #[inline]
    #[must_use]
    pub const fn packet_zone(&self) -> &'a [u8] {
        self.packet_zone
    }

    /// The two octets of the header.
    ///
    /// # Errors
    /// [`FrameError::Field`] for an offset above 2045.
    pub const fn encode_header(
        first_header: FirstHeader,
    ) -> Result<[u8; HEADER_OCTETS], FrameError> {
        match first_header.pointer() {
            Ok(pointer) => Ok(pointer.to_be_bytes()),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Mpdu<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "M_PDU {} octets={}",
            self.first_header(),
            self.packet_zone.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_read_and_write() {
        for pointer in 0..=FirstHeader::MASK {
            let first = FirstHeader::from_pointer(pointer);
            assert_eq!(Mpdu::encode_header(first).unwrap(), pointer.to_be_bytes());
        }
        assert_eq!(FirstHeader::from_pointer(0x7FF), FirstHeader::NoStart);
        assert_eq!(FirstHeader::from_pointer(0x7FE), FirstHeader::OnlyIdle);
        assert!(FirstHeader::At(0x7FE).pointer().is_err());
    }

    #[test]
    fn spare_bits_are_not_part_of_the_pointer() {
        let unit = Mpdu::new_checked(&[0xF8, 0x03, 1, 2, 3]).unwrap();
        assert_eq!(unit.first_header(), FirstHeader::At(3));
        assert_eq!(unit.packet_zone(), &[1, 2, 3]);
        assert_eq!(unit.to_string(), "M_PDU first header=3 octets=3");
        assert!(Mpdu::new_checked(&[0]).is_err());
    }
}
