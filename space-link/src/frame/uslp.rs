//! USLP transfer frames: CCSDS 732.1-B-3.
//!
//! ```text
//! +----+------+-+------+------+-+--------+-+-+--+-+---+-----------+
//! |ver | scid |s| vcid | map  |e| length |b|p|sp|o|cnt| vc frame  |
//! |1100| 16   | | 6    | 4    | | 16     | | |  | |len| count 0-7 |
//! +----+------+-+------+------+-+--------+-+-+--+-+---+-----------+
//! ```

use core::fmt;
use core::ops::Range;

use super::{
    FECF_OCTETS, FirstHeader, FrameError, FrameKind, FrameLayout, OCF_OCTETS, Vcid, check_field,
};

/// Octets of a primary header without frame count.
pub const MIN_HEADER_OCTETS: usize = 7;

/// Octets of the longest primary header.
pub const MAX_HEADER_OCTETS: usize = 14;

/// Octets of a truncated primary header (annex D).
pub const TRUNCATED_HEADER_OCTETS: usize = 4;

const VERSION: u8 = 0b1100;

/// The first four octets of every USLP frame; all of a truncated header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UslpIdentification {
    /// Spacecraft identifier, 16 bits.
    pub spacecraft: u16,
    /// Whether the spacecraft above is the destination, not the source, of the frame.
    pub destination: bool,
    /// Virtual channel; 63 is idle.
    pub virtual_channel: Vcid,
    /// Multiplexer access point, 4 bits.
    pub map: u8,
}

impl UslpIdentification {
    /// Reads the first four octets, and whether the header ends there.
    ///
    /// # Errors
    /// [`FrameError::Length`] with fewer than four octets, [`FrameError::Version`] unless the
    /// version is 1100.
    #[inline]
    pub const fn parse(octets: &[u8]) -> Result<(Self, bool), FrameError> {
        let Some(first) = octets.first_chunk() else {
            return Err(FrameError::Length {
                needed: TRUNCATED_HEADER_OCTETS,
                got: octets.len(),
            });
        };
        let bits = u32::from_be_bytes(*first);
        let got = (bits >> 28) as u8;
        if got != VERSION {
            return Err(FrameError::Version {
                kind: FrameKind::Uslp,
                needed: VERSION,
                got,
            });
        }
        let identification = Self {
            spacecraft: (bits >> 12) as u16,
            destination: bits & 0x800 != 0,
            virtual_channel: Vcid::truncate((bits >> 5) as u8),
            map: (bits >> 1) as u8 & 0xF,
        };
        Ok((identification, bits & 1 != 0))
    }

    /// The four octets of a header that goes on after them, or is truncated there.
    ///
    /// # Errors
    /// [`FrameError::Field`] when a value has too many bits.
    pub const fn encode(
        &self,
        truncated: bool,
    ) -> Result<[u8; TRUNCATED_HEADER_OCTETS], FrameError> {
        if let Err(error) = check_field("map identifier", 15, self.map as u64) {
            return Err(error);
        }
        let bits = (VERSION as u32) << 28
            | (self.spacecraft as u32) << 12
            | (self.destination as u32) << 11
            | (self.virtual_channel.get() as u32) << 5
            | (self.map as u32) << 1
            | truncated as u32;
        Ok(bits.to_be_bytes())
    }
}

/// Primary header of a USLP transfer frame (732.1-B-3 4.1.2), 7 to 14 octets, big endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UslpHeader {
    /// Spacecraft, virtual channel, access point.
    pub identification: UslpIdentification,
    /// Frame length field as it is: octets of the frame less one.
    pub frame_length: u16,
    /// Bypass of the sequence checks: expedited.
    pub bypass: bool,
    /// Whether the data field carries protocol control commands.
    pub protocol_control: bool,
    /// Whether there is an operational control field.
    pub ocf_flag: bool,
    /// Octets of the virtual channel frame count, 0 to 7.
    pub count_octets: u8,
    /// Virtual channel frame count, 0 when it has no octets.
    pub virtual_channel_frame_count: u64,
}

impl UslpHeader {
    /// Reads the primary header at the start of `octets`.
    ///
    /// # Errors
    /// [`FrameError::Length`] when it is truncated or cut, [`FrameError::Version`] unless the
    /// version is 1100.
    #[inline]
    pub fn parse(octets: &[u8]) -> Result<Self, FrameError> {
        let (identification, truncated) = UslpIdentification::parse(octets)?;
        let short = |needed, got| FrameError::Length { needed, got };
        if truncated {
            return Err(short(MIN_HEADER_OCTETS, TRUNCATED_HEADER_OCTETS));
        }
        let Some(([_, _, _, _, high, low, flags], rest)) = octets.split_first_chunk::<7>() else {
            return Err(short(MIN_HEADER_OCTETS, octets.len()));
        };
        let count_octets = flags & 0b111;
        let Some(count) = rest.get(..usize::from(count_octets)) else {
            return Err(short(
                MIN_HEADER_OCTETS + usize::from(count_octets),
                octets.len(),
            ));
        };
        Ok(Self {
            identification,
            frame_length: u16::from_be_bytes([*high, *low]),
            bypass: flags & 0x80 != 0,
            protocol_control: flags & 0x40 != 0,
            ocf_flag: flags & 0x08 != 0,
            count_octets,
            virtual_channel_frame_count: count.iter().fold(0, |n, o| n << 8 | u64::from(*o)),
        })
    }

    /// Appends the header to `out`.
    ///
    /// # Errors
    /// [`FrameError::Field`] when a value has too many bits.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        check_field("octets of the frame count", 7, u64::from(self.count_octets))?;
        let max = self.count_modulus() - 1;
        check_field(
            "virtual channel frame count",
            max,
            self.virtual_channel_frame_count,
        )?;
        out.extend_from_slice(&self.identification.encode(false)?);
        out.extend_from_slice(&self.frame_length.to_be_bytes());
        out.push(
            u8::from(self.bypass) << 7
                | u8::from(self.protocol_control) << 6
                | u8::from(self.ocf_flag) << 3
                | self.count_octets,
        );
        let count = self.virtual_channel_frame_count.to_be_bytes();
        let skip = count.len() - usize::from(self.count_octets);
        out.extend_from_slice(count.get(skip..).unwrap_or_default());
        Ok(())
    }

    /// Octets of the header.
    #[inline]
    #[must_use]
    pub const fn octets(&self) -> usize {
        MIN_HEADER_OCTETS + self.count_octets as usize
    }

    /// Where the frame count wraps: 1 when there is none.
    #[inline]
    #[must_use]
    pub const fn count_modulus(&self) -> u64 {
        1 << (8 * (self.count_octets & 0b111))
    }
}

impl fmt::Display for UslpHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.identification;
        write!(
            f,
            "USLP frame scid={} vcid={} map={} vc={}",
            id.spacecraft, id.virtual_channel, id.map, self.virtual_channel_frame_count
        )?;
        if self.ocf_flag {
            f.write_str(" ocf")?;
        }
        Ok(())
    }
}

/// Header of a transfer frame data field (732.1-B-3 4.1.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UslpDataHeader {
    /// Construction rule, 3 bits: 0 for packets that span frames, 7 for no segmentation.
    pub construction_rule: u8,
    /// Protocol of the data, 5 bits: 0 for packets, 31 for idle data.
    pub protocol: u8,
    /// First header or last valid octet pointer; rules 0, 1 and 2 have one.
    pub pointer: Option<u16>,
}

impl UslpDataHeader {
    /// Protocol identifier of idle data (SANA registry).
    pub const IDLE: u8 = 31;

    /// Reads the header at the start of a data field, and gives the data zone after it.
    ///
    /// # Errors
    /// [`FrameError::Length`] when it is cut.
    #[inline]
    pub const fn split(data_field: &[u8]) -> Result<(Self, &[u8]), FrameError> {
        let Some((&first, rest)) = data_field.split_first() else {
            return Err(FrameError::Length { needed: 1, got: 0 });
        };
        let (construction_rule, protocol) = (first >> 5, first & 0x1F);
        if construction_rule > 2 {
            return Ok((
                Self {
                    construction_rule,
                    protocol,
                    pointer: None,
                },
                rest,
            ));
        }
        match rest.split_first_chunk() {
            Some((pointer, rest)) => {
                let pointer = Some(u16::from_be_bytes(*pointer));
                Ok((
                    Self {
                        construction_rule,
                        protocol,
                        pointer,
                    },
                    rest,
                ))
            }
            None => Err(FrameError::Length {
                needed: 3,
                got: data_field.len(),
            }),
        }
    }

    /// Where the first packet starts, for packets that span frames (rule 0).
    #[inline]
    #[must_use]
    pub const fn first_header(&self) -> Option<FirstHeader> {
        match (self.construction_rule, self.pointer) {
            (0, Some(u16::MAX)) => Some(FirstHeader::NoStart),
            (0, Some(offset)) => Some(FirstHeader::At(offset)),
            _ => None,
        }
    }
}

/// One USLP transfer frame of a known layout.
#[derive(Clone, Debug)]
pub struct UslpFrame<'a> {
    octets: &'a [u8],
    header: UslpHeader,
    insert_zone: Range<usize>,
    data: Range<usize>,
    layout: &'a FrameLayout,
}

impl<'a> UslpFrame<'a> {
    /// A frame of exactly the layout's length, which its length field confirms.
    ///
    /// Header length and operational control field come from the header: they differ by frame.
    ///
    /// # Errors
    /// [`FrameError::Length`], [`FrameError::Version`] or [`FrameError::Kind`].
    #[inline]
    pub fn new_checked(octets: &'a [u8], layout: &'a FrameLayout) -> Result<Self, FrameError> {
        layout.check(FrameKind::Uslp, octets)?;
        let header = UslpHeader::parse(octets)?;
        let needed = usize::from(header.frame_length) + 1;
        if needed != octets.len() {
            return Err(FrameError::Length {
                needed,
                got: octets.len(),
            });
        }
        let zone = header.octets();
        let start = zone.saturating_add(layout.options().insert_zone_octets);
        let trailer = if header.ocf_flag { OCF_OCTETS } else { 0 }
            + if layout.options().fecf {
                FECF_OCTETS
            } else {
                0
            };
        match octets.len().checked_sub(trailer) {
            Some(end) if end > start => Ok(Self {
                octets,
                header,
                insert_zone: zone..start,
                data: start..end,
                layout,
            }),
            _ => Err(FrameError::Length {
                needed: start.saturating_add(trailer).saturating_add(1),
                got: octets.len(),
            }),
        }
    }

    /// The primary header.
    #[inline]
    #[must_use]
    pub const fn header(&self) -> &UslpHeader {
        &self.header
    }

    /// All octets.
    #[inline]
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The insert zone; empty where there is none.
    #[inline]
    #[must_use]
    pub fn insert_zone(&self) -> &'a [u8] {
        self.octets
            .get(self.insert_zone.clone())
            .unwrap_or_default()
    }

    /// The transfer frame data field, its own header included; see [`UslpDataHeader::split`].
    #[inline]
    #[must_use]
    pub fn data_field(&self) -> &'a [u8] {
        self.octets.get(self.data.clone()).unwrap_or_default()
    }

    /// The operational control field, by the header.
    #[inline]
    #[must_use]
    pub fn ocf(&self) -> Option<[u8; OCF_OCTETS]> {
        if !self.header.ocf_flag {
            return None;
        }
        self.octets.get(self.data.end..)?.first_chunk().copied()
    }

    /// Whether the frame agrees with its error control field, if it has one.
    #[inline]
    #[must_use]
    pub fn fecf_valid(&self) -> Option<bool> {
        self.layout.fecf_valid(self.octets)
    }

    /// Whether the frame is on the idle channel.
    #[inline]
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.header.identification.virtual_channel == Vcid::IDLE
    }
}

impl fmt::Display for UslpFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets={}", self.header, self.octets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::FrameOptions;
    use super::*;

    #[test]
    fn a_header_reads_and_writes() {
        // spacepackets-py tests/test_uslp.py
        let octets = [0xcf, 0xff, 0xe6, 0xe6, 0xff, 0xfd, 0xca, 0xaf, 0xfe];
        let header = UslpHeader::parse(&octets).unwrap();
        assert_eq!(header.identification.spacecraft, 65534);
        assert_eq!(header.identification.virtual_channel.get(), 55);
        assert_eq!(header.virtual_channel_frame_count, 45054);
        assert_eq!(header.count_modulus(), 65536);
        let mut out = Vec::new();
        header.encode(&mut out).unwrap();
        assert_eq!(out, octets);
        for cut in 0..octets.len() {
            assert!(UslpHeader::parse(&octets[..cut]).is_err());
        }
    }

    #[test]
    fn a_length_field_that_lies_is_refused() {
        let layout = FrameLayout::new(FrameOptions::new(FrameKind::Uslp, 16)).unwrap();
        let mut octets = [0u8; 16];
        octets[..9].copy_from_slice(&[0xc0, 0x0a, 0xb8, 0x20, 0, 15, 0, 0xe0, 0xAA]);
        let frame = UslpFrame::new_checked(&octets, &layout).unwrap();
        assert_eq!(frame.data_field().len(), 9);
        let (data, zone) = UslpDataHeader::split(frame.data_field()).unwrap();
        assert_eq!(
            (data.construction_rule, data.pointer, zone.len()),
            (7, None, 8)
        );
        octets[5] = 16;
        assert_eq!(
            UslpFrame::new_checked(&octets, &layout).unwrap_err(),
            FrameError::Length {
                needed: 17,
                got: 16
            }
        );
    }
}
