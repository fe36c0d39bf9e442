//! AOS transfer frames: CCSDS 732.0-B-4.
//!
//! ```text
//! +---+--------+------+------------------------+-+-+--+----+--------+
//! |ver| scid   | vcid | virtual channel        |r|u|sc|cyc | header |
//! |01 | low 8  | 6    | frame count, 24 bits   | | |id|le  | FEC 16 |
//! +---+--------+------+------------------------+-+-+--+----+--------+
//! ```

use core::fmt;

use super::{
    FrameError, FrameKind, FrameLayout, FrameParts, GlobalVirtualChannel, OCF_OCTETS, Scid, Vcid,
    check_field, fhec,
};

/// Octets of the primary header without its error control field.
pub const HEADER_OCTETS: usize = 6;

/// The frame count wraps here.
pub const COUNT_MODULUS: u32 = 1 << 24;

/// The frame count extended by its cycle wraps here.
pub const EXTENDED_COUNT_MODULUS: u32 = 1 << 28;

const VERSION: u8 = 0b01;

/// Primary header of an AOS transfer frame (732.0-B-4 4.1.2), six octets, big endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AosHeader {
    /// Spacecraft identifier: eight bits of the identification, and above them two of the
    /// signalling field, which were spare (zero) before issue 4.
    pub spacecraft: Scid,
    /// Virtual channel; 63 is idle.
    pub virtual_channel: Vcid,
    /// Virtual channel frame count, 24 bits.
    pub virtual_channel_frame_count: u32,
    /// Whether the frame was stored and is replayed.
    pub replay: bool,
    /// Whether the cycle below extends the frame count.
    pub frame_count_cycle_in_use: bool,
    /// Virtual channel frame count cycle, 4 bits.
    pub frame_count_cycle: u8,
}

impl AosHeader {
    /// A header with frame count 0.
    #[must_use]
    pub const fn new(spacecraft: Scid, virtual_channel: Vcid) -> Self {
        Self {
            spacecraft,
            virtual_channel,
            virtual_channel_frame_count: 0,
            replay: false,
            frame_count_cycle_in_use: false,
            frame_count_cycle: 0,
        }
    }

    /// Reads the first six octets.
    ///
    /// # Errors
    /// [`FrameError::Length`] with fewer than six octets, [`FrameError::Version`] unless the
    /// version is 01.
    #[inline]
    pub const fn parse(octets: &[u8]) -> Result<Self, FrameError> {
        match octets.first_chunk() {
            Some(header) => Self::from_octets(header),
            None => Err(FrameError::Length {
                needed: HEADER_OCTETS,
                got: octets.len(),
            }),
        }
    }

    #[inline]
    const fn from_octets(octets: &[u8; HEADER_OCTETS]) -> Result<Self, FrameError> {
        let [a, b, c, d, e, signaling] = *octets;
        let got = a >> 6;
        if got != VERSION {
            return Err(FrameError::Version {
                kind: FrameKind::Aos,
                needed: VERSION,
                got,
            });
        }
        let identification = u16::from_be_bytes([a, b]);
        Ok(Self {
            spacecraft: Scid::truncate(
                (signaling as u16 & 0x30) << 4 | (identification >> 6 & 0xFF),
            ),
            virtual_channel: Vcid::truncate(b),
            virtual_channel_frame_count: u32::from_be_bytes([0, c, d, e]),
            replay: signaling & 0x80 != 0,
            frame_count_cycle_in_use: signaling & 0x40 != 0,
            frame_count_cycle: signaling & 0x0F,
        })
    }

    /// The six octets of the header, without error control.
    ///
    /// # Errors
    /// [`FrameError::Field`] when a value has too many bits.
    pub const fn encode(&self) -> Result<[u8; HEADER_OCTETS], FrameError> {
        if let Err(error) = check_field(
            "virtual channel frame count",
            COUNT_MODULUS as u64 - 1,
            self.virtual_channel_frame_count as u64,
        ) {
            return Err(error);
        }
        if let Err(error) = check_field(
            "virtual channel frame count cycle",
            15,
            self.frame_count_cycle as u64,
        ) {
            return Err(error);
        }
        let identification = (VERSION as u16) << 14
            | (self.spacecraft.get() & 0xFF) << 6
            | self.virtual_channel.get() as u16;
        let signaling = (self.replay as u8) << 7
            | (self.frame_count_cycle_in_use as u8) << 6
            | (self.spacecraft.get() >> 4) as u8 & 0x30
            | self.frame_count_cycle;
        let [a, b] = identification.to_be_bytes();
        let [_, c, d, e] = self.virtual_channel_frame_count.to_be_bytes();
        Ok([a, b, c, d, e, signaling])
    }

    /// Appends a whole frame of `layout` to `out`, header and frame error control computed.
    ///
    /// # Errors
    /// [`FrameError::Field`] or [`FrameError::Part`] when a value or a part does not fit,
    /// [`FrameError::Kind`] when the layout is not for AOS.
    pub fn encode_frame(
        &self,
        layout: &FrameLayout,
        parts: &FrameParts<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), FrameError> {
        if layout.kind() != FrameKind::Aos {
            return Err(FrameError::Kind {
                kind: FrameKind::Aos,
                layout: layout.kind(),
            });
        }
        let [a, b, c, d, e, signaling] = self.encode()?;
        let header = [a, b, c, d, e, signaling];
        if layout.options().frame_header_error_control {
            let [g, h] = fhec::encode(u16::from_be_bytes([a, b]), signaling).to_be_bytes();
            layout.encode(&[a, b, c, d, e, signaling, g, h], parts, out)
        } else {
            layout.encode(&header, parts, out)
        }
    }

    /// The frame count, extended by its cycle when that is in use, and where it wraps.
    #[inline]
    #[must_use]
    pub const fn count(&self) -> (u32, u32) {
        if self.frame_count_cycle_in_use {
            let count = (self.frame_count_cycle as u32) << 24 | self.virtual_channel_frame_count;
            (count, EXTENDED_COUNT_MODULUS)
        } else {
            (self.virtual_channel_frame_count, COUNT_MODULUS)
        }
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

impl fmt::Display for AosHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "AOS frame scid={} vcid={} vc={}",
            self.spacecraft, self.virtual_channel, self.virtual_channel_frame_count
        )?;
        if self.frame_count_cycle_in_use {
            write!(f, " cycle={}", self.frame_count_cycle)?;
        }
        if self.replay {
            f.write_str(" replay")?;
        }
        Ok(())
    }
}

/// What the header error control said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeaderCheck {
    /// The layout has no header error control.
    Absent,
    /// No symbol was wrong.
    Clean,
    /// This many 4-bit symbols were wrong, and the header values are the corrected ones.
    Corrected(u8),
}

/// One AOS transfer frame of a known layout.
#[derive(Clone, Copy, Debug)]
pub struct AosFrame<'a> {
    octets: &'a [u8],
    layout: &'a FrameLayout,
    header: AosHeader,
    check: HeaderCheck,
}

impl<'a> AosFrame<'a> {
    /// A frame of exactly the layout's length and of version 01, its header corrected where the
    /// layout has header error control. The frame error control is not checked here.
    ///
    /// # Errors
    /// [`FrameError::Length`], [`FrameError::Version`], [`FrameError::HeaderErrors`] or
    /// [`FrameError::Kind`].
    #[inline]
    pub fn new_checked(octets: &'a [u8], layout: &'a FrameLayout) -> Result<Self, FrameError> {
        layout.check(FrameKind::Aos, octets)?;
        let (header, check) = if layout.options().frame_header_error_control {
            corrected_header(octets)?
        } else {
            (AosHeader::parse(octets)?, HeaderCheck::Absent)
        };
        Ok(Self {
            octets,
            layout,
            header,
            check,
        })
    }

    /// The primary header, corrected.
    #[inline]
    #[must_use]
    pub const fn header(&self) -> &AosHeader {
        &self.header
    }

    /// What the header error control said.
    #[inline]
    #[must_use]
    pub const fn header_check(&self) -> HeaderCheck {
        self.check
    }

    /// All octets, as received.
    #[inline]
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The insert zone; empty where there is none.
    #[inline]
    #[must_use]
    pub fn insert_zone(&self) -> &'a [u8] {
        self.octets.get(self.layout.extra()).unwrap_or_default()
    }

    /// The transfer frame data field: an M_PDU, a B_PDU, user data or idle data.
    #[inline]
    #[must_use]
    pub fn data_field(&self) -> &'a [u8] {
        self.octets
            .get(self.layout.data_field())
            .unwrap_or_default()
    }

    /// The operational control field.
    #[inline]
    #[must_use]
    pub fn ocf(&self) -> Option<[u8; OCF_OCTETS]> {
        self.layout.ocf(self.octets)
    }

    /// The frame error control field.
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

    /// Whether the frame is on the idle channel (732.0-B-4 4.1.2.3.2).
    #[inline]
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.header.virtual_channel == Vcid::IDLE
    }
}

impl fmt::Display for AosFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets={}", self.header, self.octets.len())
    }
}

fn corrected_header(octets: &[u8]) -> Result<(AosHeader, HeaderCheck), FrameError> {
    let Some(&[a, b, c, d, e, signaling, g, h]) = octets.first_chunk::<8>() else {
        return Err(FrameError::Length {
            needed: 8,
            got: octets.len(),
        });
    };
    let field = u16::from_be_bytes([g, h]);
    match fhec::decode(u16::from_be_bytes([a, b]), signaling, field) {
        Some(fhec::Corrected::Clean) => Ok((
            AosHeader::from_octets(&[a, b, c, d, e, signaling])?,
            HeaderCheck::Clean,
        )),
        Some(fhec::Corrected::Symbols {
            corrected,
            identification,
            signaling,
        }) => {
            let [a, b] = identification.to_be_bytes();
            let header = AosHeader::from_octets(&[a, b, c, d, e, signaling])?;
            Ok((header, HeaderCheck::Corrected(corrected)))
        }
        None => Err(FrameError::HeaderErrors),
    }
}

#[cfg(test)]
mod tests {
    use super::super::FrameOptions;
    use super::*;

    // nasa/channel-emulator aos_frame_test.cpp, spacecraft 171, channel 1, count 343.
    const CHANNEL_EMULATOR: [u8; 6] = [0x6a, 0xc1, 0x00, 0x01, 0x57, 0x00];

    #[test]
    fn a_known_header_reads_and_writes() {
        let header = AosHeader::parse(&CHANNEL_EMULATOR).unwrap();
        assert_eq!(header.spacecraft.get(), 171);
        assert_eq!(header.virtual_channel.get(), 1);
        assert_eq!(header.count(), (343, COUNT_MODULUS));
        assert_eq!(header.encode().unwrap(), CHANNEL_EMULATOR);
        assert_eq!(header.to_string(), "AOS frame scid=171 vcid=1 vc=343");
    }

    #[test]
    fn ten_bit_spacecraft_identifiers_and_cycles_read_and_write() {
        let header = AosHeader {
            virtual_channel_frame_count: 0xFF_FFFF,
            replay: true,
            frame_count_cycle_in_use: true,
            frame_count_cycle: 10,
            ..AosHeader::new(Scid::new(0x2A5).unwrap(), Vcid::IDLE)
        };
        let octets = header.encode().unwrap();
        assert_eq!(octets, [0x69, 0x7f, 0xff, 0xff, 0xff, 0xea]);
        assert_eq!(AosHeader::parse(&octets), Ok(header));
        assert_eq!(header.count(), (0xAFF_FFFF, EXTENDED_COUNT_MODULUS));
    }

    #[test]
    fn a_frame_comes_back_as_it_was_built_and_its_header_is_corrected() {
        let layout = FrameLayout::new(FrameOptions {
            frame_header_error_control: true,
            insert_zone_octets: 3,
            ocf: true,
            fecf: true,
            ..FrameOptions::new(FrameKind::Aos, 40)
        })
        .unwrap();
        let header = AosHeader {
            virtual_channel_frame_count: 99,
            ..AosHeader::new(Scid::new(159).unwrap(), Vcid::new(16).unwrap())
        };
        let data = [0x55; 23];
        let parts = FrameParts {
            extra: &[1, 2, 3],
            data: &data,
            ocf: Some([9; 4]),
        };
        let mut octets = Vec::new();
        header.encode_frame(&layout, &parts, &mut octets).unwrap();
        let frame = AosFrame::new_checked(&octets, &layout).unwrap();
        assert_eq!(frame.header(), &header);
        assert_eq!(frame.header_check(), HeaderCheck::Clean);
        assert_eq!(frame.insert_zone(), &[1, 2, 3]);
        assert_eq!(frame.data_field(), data);
        assert_eq!(frame.ocf(), Some([9; 4]));
        assert_eq!(frame.fecf_valid(), Some(true));

        octets[0] ^= 0xF0; // the version too
        octets[5] ^= 0x0F;
        let frame = AosFrame::new_checked(&octets, &layout).unwrap();
        assert_eq!(frame.header(), &header);
        assert_eq!(frame.header_check(), HeaderCheck::Corrected(2));
        assert_eq!(frame.fecf_valid(), Some(false));
        octets[1] ^= 0xFF;
        assert!(AosFrame::new_checked(&octets, &layout).is_err());
    }
}
