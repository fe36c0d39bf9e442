//! TM transfer frames: CCSDS 132.0-B-3.
//!
//! ```text
//! +---+----------+---+-+--------+--------+-+-+-+--+-----------+
//! |ver| scid     |vc |o| mc     | vc     |s|y|p|sl| first     |
//! |00 | 10 bits  | 3 | | count  | count  | | | |2 | header 11 |
//! +---+----------+---+-+--------+--------+-+-+-+--+-----------+
//! ```

use core::fmt;

use super::mpdu::FirstHeader;
use super::{
    FrameError, FrameKind, FrameLayout, FrameParts, GlobalVirtualChannel, OCF_OCTETS, Scid, Vcid,
    check_field,
};

/// Octets of the primary header.
pub const HEADER_OCTETS: usize = 6;

/// Both frame counters wrap here.
pub const COUNT_MODULUS: u32 = 256;

const VERSION: u8 = 0b00;

/// Primary header of a TM transfer frame (132.0-B-3 4.1.2), six octets, big endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TmHeader {
    /// Spacecraft identifier.
    pub spacecraft: Scid,
    /// Virtual channel, 0 to 7.
    pub virtual_channel: Vcid,
    /// Whether the frame says that it has an operational control field.
    pub ocf_flag: bool,
    /// Master channel frame count.
    pub master_channel_frame_count: u8,
    /// Virtual channel frame count.
    pub virtual_channel_frame_count: u8,
    /// Whether the frame says that it has a secondary header.
    pub secondary_header_flag: bool,
    /// False for packets, true for data of which only the user knows the bounds (VCA).
    pub synchronization_flag: bool,
    /// Reserved by the standard, 0 for packets.
    pub packet_order_flag: bool,
    /// Segment length identifier, 2 bits: 11 for packets, others in old telemetry.
    pub segment_length_id: u8,
    /// First header pointer as it is, 11 bits; see [`TmHeader::first_header`].
    pub first_header_pointer: u16,
}

impl TmHeader {
    /// A header for packets, without secondary header and operational control field.
    #[must_use]
    pub const fn new(spacecraft: Scid, virtual_channel: Vcid) -> Self {
        Self {
            spacecraft,
            virtual_channel,
            ocf_flag: false,
            master_channel_frame_count: 0,
            virtual_channel_frame_count: 0,
            secondary_header_flag: false,
            synchronization_flag: false,
            packet_order_flag: false,
            segment_length_id: 0b11,
            first_header_pointer: 0,
        }
    }

    /// Reads the first six octets.
    ///
    /// # Errors
    /// [`FrameError::Length`] with fewer than six octets, [`FrameError::Version`] unless the
    /// version is 00.
    #[inline]
    pub const fn parse(octets: &[u8]) -> Result<Self, FrameError> {
        let Some([a, b, c, d, e, f]) = octets.first_chunk::<HEADER_OCTETS>() else {
            return Err(FrameError::Length {
                needed: HEADER_OCTETS,
                got: octets.len(),
            });
        };
        let got = *a >> 6;
        if got != VERSION {
            return Err(FrameError::Version {
                kind: FrameKind::Tm,
                needed: VERSION,
                got,
            });
        }
        let identification = u16::from_be_bytes([*a, *b]);
        Ok(Self {
            spacecraft: Scid::truncate(identification >> 4),
            virtual_channel: Vcid::truncate(*b >> 1 & Vcid::MAX_TM),
            ocf_flag: *b & 1 != 0,
            master_channel_frame_count: *c,
            virtual_channel_frame_count: *d,
            secondary_header_flag: *e & 0x80 != 0,
            synchronization_flag: *e & 0x40 != 0,
            packet_order_flag: *e & 0x20 != 0,
            segment_length_id: *e >> 3 & 0b11,
            first_header_pointer: u16::from_be_bytes([*e, *f]) & FirstHeader::MASK,
        })
    }

    /// The six octets of the header.
    ///
    /// # Errors
    /// [`FrameError::Field`] when a value has too many bits.
    pub const fn encode(&self) -> Result<[u8; HEADER_OCTETS], FrameError> {
        let fields = [
            (
                "TM virtual channel",
                Vcid::MAX_TM as u64,
                self.virtual_channel.get() as u64,
            ),
            (
                "segment length identifier",
                3,
                self.segment_length_id as u64,
            ),
            (
                "first header pointer",
                FirstHeader::MASK as u64,
                self.first_header_pointer as u64,
            ),
        ];
        let mut index = 0;
        while index < fields.len() {
            let (field, max, got) = fields[index];
            if let Err(error) = check_field(field, max, got) {
                return Err(error);
            }
            index += 1;
        }
        let identification = self.spacecraft.get() << 4
            | (self.virtual_channel.get() as u16) << 1
            | self.ocf_flag as u16;
        let status = (self.secondary_header_flag as u16) << 15
            | (self.synchronization_flag as u16) << 14
            | (self.packet_order_flag as u16) << 13
            | (self.segment_length_id as u16) << 11
            | self.first_header_pointer;
        let [a, b] = identification.to_be_bytes();
        let [e, f] = status.to_be_bytes();
        Ok([
            a,
            b,
            self.master_channel_frame_count,
            self.virtual_channel_frame_count,
            e,
            f,
        ])
    }

    /// Appends a whole frame of `layout` to `out`; flags and field sizes come from both.
    ///
    /// # Errors
    /// [`FrameError::Field`] or [`FrameError::Part`] when a value or a part does not fit,
    /// [`FrameError::Kind`] when the layout is not for TM.
    pub fn encode_frame(
        &self,
        layout: &FrameLayout,
        parts: &FrameParts<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), FrameError> {
        if layout.kind() != FrameKind::Tm {
            return Err(FrameError::Kind {
                kind: FrameKind::Tm,
                layout: layout.kind(),
            });
        }
        layout.encode(&self.encode()?, parts, out)
    }

    /// Where the first packet starts; meaningless when the synchronization flag is set.
    #[inline]
    #[must_use]
    pub const fn first_header(&self) -> FirstHeader {
        FirstHeader::from_pointer(self.first_header_pointer)
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

impl fmt::Display for TmHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "TM frame scid={} vcid={} mc={} vc={}",
            self.spacecraft,
            self.virtual_channel,
            self.master_channel_frame_count,
            self.virtual_channel_frame_count
        )?;
        if self.synchronization_flag {
            f.write_str(" vca")?;
        } else {
            write!(f, " {}", self.first_header())?;
        }
        if self.secondary_header_flag {
            f.write_str(" secondary header")?;
        }
        if self.ocf_flag {
            f.write_str(" ocf")?;
        }
        Ok(())
    }
}

/// One TM transfer frame of a known layout.
#[derive(Clone, Copy, Debug)]
pub struct TmFrame<'a> {
    octets: &'a [u8],
    layout: &'a FrameLayout,
    header: TmHeader,
}

impl<'a> TmFrame<'a> {
    /// A frame of exactly the layout's length and of version 00.
    ///
    /// The layout says where the parts are, not the flags of the header: noise in them must not
    /// move the data field. See [`TmFrame::flags_agree`]. The error control is not checked here.
    ///
    /// # Errors
    /// [`FrameError::Length`], [`FrameError::Version`] or [`FrameError::Kind`].
    #[inline]
    pub fn new_checked(octets: &'a [u8], layout: &'a FrameLayout) -> Result<Self, FrameError> {
        layout.check(FrameKind::Tm, octets)?;
        let header = TmHeader::parse(octets)?;
        Ok(Self {
            octets,
            layout,
            header,
        })
    }

    /// The primary header.
    #[inline]
    #[must_use]
    pub const fn header(&self) -> &TmHeader {
        &self.header
    }

    /// All octets.
    #[inline]
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The secondary header, its identification octet included; empty where there is none.
    #[inline]
    #[must_use]
    pub fn secondary_header(&self) -> &'a [u8] {
        self.octets.get(self.layout.extra()).unwrap_or_default()
    }

    /// The transfer frame data field.
    #[inline]
    #[must_use]
    pub fn data_field(&self) -> &'a [u8] {
        self.octets
            .get(self.layout.data_field())
            .unwrap_or_default()
    }

    /// The operational control field, by the layout.
    #[inline]
    #[must_use]
    pub fn ocf(&self) -> Option<[u8; OCF_OCTETS]> {
        self.layout.ocf(self.octets)
    }

    /// The frame error control field, by the layout.
    #[inline]
    #[must_use]
    pub fn fecf(&self) -> Option<u16> {
        self.layout.fecf(self.octets)
    }

    /// Whether the frame agrees with its error control field, if it has one.
    #[inline]
    #[must_use]
    pub fn fecf_valid(&self) -> Option<bool> {
        self.layout.fecf_valid(self.octets)
    }

    /// Whether the frame carries only idle data (132.0-B-3 4.1.2.7.6.5).
    #[inline]
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        !self.header.synchronization_flag
            && matches!(self.header.first_header(), FirstHeader::OnlyIdle)
    }

    /// Whether secondary header and operational control field flags are those of the layout.
    #[inline]
    #[must_use]
    pub const fn flags_agree(&self) -> bool {
        let options = self.layout.options();
        self.header.ocf_flag == options.ocf
            && self.header.secondary_header_flag == (options.secondary_header_octets > 0)
    }
}

impl fmt::Display for TmFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets={}", self.header, self.octets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::FrameOptions;
    use super::*;

    // First octets of a frame of DART's launch day: spacecraft 318, idle, secondary header.
    const DART: [u8; 16] = [
        0x13, 0xe1, 0x66, 0xed, 0x9f, 0xfe, 0x07, 0x34, 0x16, 0x60, 0xbb, 0xd4, 0x0c, 0x0f, 0x00,
        0x01,
    ];

    #[test]
    fn a_real_header_reads_and_writes() {
        let header = TmHeader::parse(&DART).unwrap();
        assert_eq!(header.spacecraft.get(), 318);
        assert_eq!(header.virtual_channel.get(), 0);
        assert!(header.ocf_flag && header.secondary_header_flag);
        assert_eq!(header.master_channel_frame_count, 102);
        assert_eq!(header.virtual_channel_frame_count, 237);
        assert_eq!(header.segment_length_id, 3);
        assert_eq!(header.first_header(), FirstHeader::OnlyIdle);
        assert_eq!(header.encode().unwrap(), DART[..6]);
        assert_eq!(
            header.to_string(),
            "TM frame scid=318 vcid=0 mc=102 vc=237 only idle secondary header ocf"
        );
    }

    #[test]
    fn a_frame_comes_back_as_it_was_built() {
        let layout = FrameLayout::new(FrameOptions {
            secondary_header_octets: 4,
            ocf: true,
            fecf: true,
            ..FrameOptions::new(FrameKind::Tm, 32)
        })
        .unwrap();
        let header = TmHeader {
            ocf_flag: true,
            secondary_header_flag: true,
            first_header_pointer: 3,
            ..TmHeader::new(Scid::new(77).unwrap(), Vcid::new(5).unwrap())
        };
        let data: Vec<u8> = (0..16).collect();
        let parts = FrameParts {
            extra: &[3, 9, 8, 7],
            data: &data,
            ocf: Some([1, 2, 3, 4]),
        };
        let mut octets = Vec::new();
        header.encode_frame(&layout, &parts, &mut octets).unwrap();
        assert_eq!(octets.len(), 32);
        let frame = TmFrame::new_checked(&octets, &layout).unwrap();
        assert_eq!(frame.header(), &header);
        assert_eq!(frame.secondary_header(), &[3, 9, 8, 7]);
        assert_eq!(frame.data_field(), data);
        assert_eq!(frame.ocf(), Some([1, 2, 3, 4]));
        assert_eq!(frame.fecf_valid(), Some(true));
        assert!(frame.flags_agree() && !frame.is_idle());
        octets[20] ^= 1;
        assert_eq!(
            TmFrame::new_checked(&octets, &layout).unwrap().fecf_valid(),
            Some(false)
        );
    }

    #[test]
    fn other_frames_are_refused() {
        let layout = FrameLayout::new(FrameOptions::new(FrameKind::Tm, 16)).unwrap();
        let mut octets = DART;
        assert_eq!(
            TmFrame::new_checked(&octets[..15], &layout).unwrap_err(),
            FrameError::Length {
                needed: 16,
                got: 15
            }
        );
        octets[0] |= 0x40;
        assert_eq!(
            TmFrame::new_checked(&octets, &layout)
                .unwrap_err()
                .to_string(),
            "transfer frame version 0b01 where TM has 0b00"
        );
        let header = TmHeader::new(Scid::default(), Vcid::IDLE);
        assert!(matches!(
            header.encode(),
            Err(FrameError::Field { got: 63, .. })
        ));
    }
}
