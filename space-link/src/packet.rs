//! Space packets: CCSDS 133.0-B-2.
//!
//! ```text
//!  0                   1                   2
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
//! +-----+-+-+---------------------+---+-----------+
//! | ver |t|s| apid                |seq| sequence  |
//! +-----+-+-+---------------------+---+-----------+
//! | count         | packet data length (octets-1) |
//! +---------------+-------------------------------+
//! ```

use core::fmt;

use thiserror::Error;

/// Octets of the primary header.
pub const PRIMARY_HEADER_OCTETS: usize = 6;

/// Octets of the longest space packet: the header and 65536 octets of data.
pub const MAX_PACKET_OCTETS: usize = PRIMARY_HEADER_OCTETS + 65536;

/// Why octets are not a space packet, or a header has no octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PacketError {
    /// Fewer octets than a primary header.
    #[error("a packet primary header has 6 octets, there are {got}")]
    HeaderTruncated {
        /// Octets there are.
        got: usize,
    },
    /// Fewer octets than the length field announces.
    #[error("the packet announces {needed} octets, there are {got}")]
    Truncated {
        /// Octets of the whole packet by its length field.
        needed: usize,
        /// Octets there are.
        got: usize,
    },
    /// An application process identifier of more than 11 bits.
    #[error("apid {0} is above 2047")]
    Apid(u16),
    /// A sequence count of more than 14 bits.
    #[error("packet sequence count {0} is above 16383")]
    SequenceCount(u16),
    /// A packet version number of more than 3 bits.
    #[error("packet version number {0} is above 7")]
    Version(u8),
    /// A data field that the length field cannot express.
    #[error("a packet data field has 1 to 65536 octets, not {0}")]
    DataOctets(usize),
}

/// Application process identifier, 11 bits: who made the packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Apid(u16);

impl Apid {
    /// The highest identifier.
    pub const MAX: u16 = 2047;
    /// Identifier of idle packets (133.0-B-2 4.1.3.3.4.4).
    pub const IDLE: Self = Self(2047);

    /// An identifier of at most 11 bits.
    ///
    /// # Errors
    /// [`PacketError::Apid`] above 2047.
    pub const fn new(value: u16) -> Result<Self, PacketError> {
        if value > Self::MAX {
            return Err(PacketError::Apid(value));
        }
        Ok(Self(value))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether this is the identifier of idle packets.
    #[must_use]
    pub const fn is_idle(self) -> bool {
        self.0 == Self::IDLE.0
    }
}

impl fmt::Display for Apid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<Apid> for u16 {
    fn from(apid: Apid) -> Self {
        apid.0
    }
}

impl TryFrom<u16> for Apid {
    type Error = PacketError;

    fn try_from(value: u16) -> Result<Self, PacketError> {
        Self::new(value)
    }
}

/// Direction of a packet (133.0-B-2 4.1.3.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketType {
    /// From the spacecraft.
    Telemetry = 0,
    /// To the spacecraft.
    Telecommand = 1,
}

/// Place of a packet in a group of segments (133.0-B-2 4.1.3.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SequenceFlags {
    /// A middle segment of user data.
    Continuation = 0,
    /// The first segment of user data.
    First = 1,
    /// The last segment of user data.
    Last = 2,
    /// All user data in one packet.
    Unsegmented = 3,
}

impl SequenceFlags {
    /// From the two bits of the header; higher bits are ignored.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0b11 {
            0 => Self::Continuation,
            1 => Self::First,
            2 => Self::Last,
            _ => Self::Unsegmented,
        }
    }
}

/// Packet primary header (133.0-B-2 4.1.3), six octets, big endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacketHeader {
    /// Packet version number, 3 bits: 0 for space packets, 4 for ESA PSS segments.
    pub version: u8,
    /// Telemetry or telecommand.
    pub packet_type: PacketType,
    /// Whether the data field starts with a secondary header.
    pub secondary_header: bool,
    /// Application process identifier.
    pub apid: Apid,
    /// Segmentation.
    pub sequence_flags: SequenceFlags,
    /// Packet sequence count or name, 14 bits.
    pub sequence_count: u16,
    /// Packet data length field as it is: octets of the data field less one.
    pub data_length: u16,
}

impl PacketHeader {
    /// The highest sequence count; the next one is 0.
    pub const MAX_SEQUENCE_COUNT: u16 = 0x3FFF;

    /// A telemetry header for a data field of `data_octets` octets, unsegmented.
    ///
    /// # Errors
    /// [`PacketError::DataOctets`] unless there are 1 to 65536 octets.
    pub fn telemetry(
        apid: Apid,
        sequence_count: u16,
        data_octets: usize,
    ) -> Result<Self, PacketError> {
        let data_length = data_octets
            .checked_sub(1)
            .and_then(|length| u16::try_from(length).ok())
            .ok_or(PacketError::DataOctets(data_octets))?;
        Ok(Self {
            version: 0,
            packet_type: PacketType::Telemetry,
            secondary_header: false,
            apid,
            sequence_flags: SequenceFlags::Unsegmented,
            sequence_count,
            data_length,
        })
    }

    /// Reads the first six octets.
    ///
    /// # Errors
    /// [`PacketError::HeaderTruncated`] with fewer than six octets.
    #[inline]
    pub const fn parse(octets: &[u8]) -> Result<Self, PacketError> {
        match octets.first_chunk::<PRIMARY_HEADER_OCTETS>() {
            Some(header) => Ok(Self::from_octets(header)),
            None => Err(PacketError::HeaderTruncated { got: octets.len() }),
        }
    }

    /// Reads a header; every six octets are one.
    #[inline]
    #[must_use]
    pub const fn from_octets(octets: &[u8; PRIMARY_HEADER_OCTETS]) -> Self {
        let [a, b, c, d, e, f] = *octets;
        let identification = u16::from_be_bytes([a, b]);
        let sequence = u16::from_be_bytes([c, d]);
        Self {
            version: a >> 5,
            packet_type: if a & 0x10 == 0 {
                PacketType::Telemetry
            } else {
                PacketType::Telecommand
            },
            secondary_header: a & 0x08 != 0,
            apid: Apid(identification & Apid::MAX),
            sequence_flags: SequenceFlags::from_bits(c >> 6),
            sequence_count: sequence & Self::MAX_SEQUENCE_COUNT,
            data_length: u16::from_be_bytes([e, f]),
        }
    }

    /// The six octets of the header.
    ///
    /// # Errors
    /// [`PacketError::Version`] or [`PacketError::SequenceCount`] when a value has too many bits.
    pub const fn encode(&self) -> Result<[u8; PRIMARY_HEADER_OCTETS], PacketError> {
        if self.version > 7 {
            return Err(PacketError::Version(self.version));
        }
        if self.sequence_count > Self::MAX_SEQUENCE_COUNT {
            return Err(PacketError::SequenceCount(self.sequence_count));
        }
        let identification = (self.version as u16) << 13
            | (self.packet_type as u16) << 12
            | (self.secondary_header as u16) << 11
            | self.apid.0;
        let sequence = (self.sequence_flags as u16) << 14 | self.sequence_count;
        let [a, b] = identification.to_be_bytes();
        let [c, d] = sequence.to_be_bytes();
        let [e, f] = self.data_length.to_be_bytes();
        Ok([a, b, c, d, e, f])
    }

    /// Octets of the packet data field: 1 to 65536.
    #[inline]
    #[must_use]
    pub const fn data_octets(&self) -> usize {
        self.data_length as usize + 1
    }

    /// Octets of the whole packet: 7 to 65542.
    #[inline]
    #[must_use]
    pub const fn packet_octets(&self) -> usize {
        self.data_length as usize + 1 + PRIMARY_HEADER_OCTETS
    }

    /// Whether this is an idle packet.
    #[inline]
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.apid.is_idle()
    }

    /// The sequence count that follows this one.
    #[inline]
    #[must_use]
    pub const fn next_sequence_count(&self) -> u16 {
        self.sequence_count.wrapping_add(1) & Self::MAX_SEQUENCE_COUNT
    }
}

impl fmt::Display for PacketHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.packet_type {
            PacketType::Telemetry => "TM",
            PacketType::Telecommand => "TC",
        };
        let flags = match self.sequence_flags {
            SequenceFlags::Continuation => "continuation",
            SequenceFlags::First => "first",
            SequenceFlags::Last => "last",
            SequenceFlags::Unsegmented => "unsegmented",
        };
        write!(
            f,
            "{kind} packet version={} apid={} {flags} count={} octets={}",
            self.version,
            self.apid,
            self.sequence_count,
            self.packet_octets()
        )?;
        if self.secondary_header {
            f.write_str(" secondary header")?;
        }
        Ok(())
    }
}

/// One whole space packet, exactly as long as its length field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpacePacket<'a> {
    octets: &'a [u8],
    header: PacketHeader,
}

impl<'a> SpacePacket<'a> {
    /// The packet at the start of `octets`; what follows it is left out.
    ///
    /// # Errors
    /// [`PacketError::HeaderTruncated`] or [`PacketError::Truncated`].
    #[inline]
    pub fn new_checked(octets: &'a [u8]) -> Result<Self, PacketError> {
        Self::split_first(octets).map(|(packet, _)| packet)
    }

    /// The packet at the start of `octets`, and what follows it.
    ///
    /// # Errors
    /// [`PacketError::HeaderTruncated`] or [`PacketError::Truncated`].
    #[inline]
    pub fn split_first(octets: &'a [u8]) -> Result<(Self, &'a [u8]), PacketError> {
        let header = PacketHeader::parse(octets)?;
        let needed = header.packet_octets();
        match octets.split_at_checked(needed) {
            Some((octets, rest)) => Ok((Self { octets, header }, rest)),
            None => Err(PacketError::Truncated {
                needed,
                got: octets.len(),
            }),
        }
    }

    /// The primary header.
    #[inline]
    #[must_use]
    pub const fn header(&self) -> &PacketHeader {
        &self.header
    }

    /// All octets, primary header included.
    #[inline]
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The packet data field: secondary header (if any) and user data.
    #[inline]
    #[must_use]
    pub fn data_field(&self) -> &'a [u8] {
        self.octets.get(PRIMARY_HEADER_OCTETS..).unwrap_or_default()
    }
}

impl fmt::Display for SpacePacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // First packet of the NOAA-20 ephemeris and attitude recording (APID 11).
    const NOAA20: [u8; 16] = [
        0x08, 0x0b, 0xca, 0x2e, 0x00, 0x40, 0x5a, 0x45, 0x00, 0x00, 0x00, 0x07, 0x00, 0x89, 0x9f,
        0x5a,
    ];

    #[test]
    fn a_real_header_reads_and_writes() {
        let header = PacketHeader::parse(&NOAA20).unwrap();
        assert_eq!(header.version, 0);
        assert_eq!(header.packet_type, PacketType::Telemetry);
        assert!(header.secondary_header);
        assert_eq!(header.apid.get(), 11);
        assert_eq!(header.sequence_flags, SequenceFlags::Unsegmented);
        assert_eq!(header.sequence_count, 2606);
        assert_eq!(header.packet_octets(), 71);
        assert_eq!(header.encode().unwrap(), NOAA20[..6]);
        assert_eq!(
            header.to_string(),
            "TM packet version=0 apid=11 unsegmented count=2606 octets=71 secondary header"
        );
    }

    #[test]
    fn a_packet_is_as_long_as_its_length_field_says() {
        let mut octets = NOAA20.to_vec();
        assert_eq!(
            SpacePacket::new_checked(&octets),
            Err(PacketError::Truncated {
                needed: 71,
                got: 16
            })
        );
        octets.resize(80, 0xAA);
        let (packet, rest) = SpacePacket::split_first(&octets).unwrap();
        assert_eq!(packet.octets().len(), 71);
        assert_eq!(packet.data_field().len(), 65);
        assert_eq!(rest.len(), 9);
        assert_eq!(
            PacketHeader::parse(&octets[..5]),
            Err(PacketError::HeaderTruncated { got: 5 })
        );
    }

    #[test]
    fn values_with_too_many_bits_are_refused() {
        assert_eq!(Apid::new(2048), Err(PacketError::Apid(2048)));
        let mut header = PacketHeader::telemetry(Apid::IDLE, 0x3FFF, 65536).unwrap();
        assert_eq!(header.next_sequence_count(), 0);
        assert_eq!(header.packet_octets(), MAX_PACKET_OCTETS);
        header.sequence_count = 0x4000;
        assert_eq!(header.encode(), Err(PacketError::SequenceCount(0x4000)));
        header.sequence_count = 0;
        header.version = 8;
        assert_eq!(header.encode(), Err(PacketError::Version(8)));
        assert_eq!(
            PacketHeader::telemetry(Apid::IDLE, 0, 0),
            Err(PacketError::DataOctets(0))
        );
        assert_eq!(
            PacketHeader::telemetry(Apid::IDLE, 0, 65537),
            Err(PacketError::DataOctets(65537))
        );
    }
}
