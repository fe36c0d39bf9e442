//! Where the parts of a fixed-length frame are: managed parameters, resolved once.

use core::fmt;
use core::ops::Range;

use thiserror::Error;

use super::{FECF_OCTETS, FrameError, OCF_OCTETS, aos, fhec, tm};
use crate::crc;

/// Longest frame accepted; the longest of the standards are 2048 (TM) and 65536 (AOS, USLP).
const MAX_FRAME_OCTETS: usize = 65536;

/// Longest TM secondary header: an identification octet and 63 octets (132.0-B-3 4.1.3).
const MAX_SECONDARY_HEADER_OCTETS: usize = 64;

/// The kinds of transfer frame of fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// TM transfer frame, CCSDS 132.0-B-3.
    Tm,
    /// AOS transfer frame, CCSDS 732.0-B-4.
    Aos,
    /// USLP transfer frame, CCSDS 732.1-B-3.
    Uslp,
}

impl fmt::Display for FrameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tm => "TM",
            Self::Aos => "AOS",
            Self::Uslp => "USLP",
        })
    }
}

/// Managed parameters of a physical channel that fix where the parts of a frame are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameOptions {
    /// Kind of frame.
    pub kind: FrameKind,
    /// Octets of a frame, without attached synchronisation marker and parity.
    pub frame_octets: usize,
    /// Octets of the secondary header, its identification octet included; TM only, 0 for none.
    pub secondary_header_octets: usize,
    /// Whether the primary header ends with its error control field; AOS only.
    pub frame_header_error_control: bool,
    /// Octets of the insert zone; AOS and USLP, 0 for none.
    pub insert_zone_octets: usize,
    /// Whether there is an operational control field.
    pub ocf: bool,
    /// Whether there is a frame error control field.
    pub fecf: bool,
}

impl FrameOptions {
    /// Frames of a header and a data field, nothing else.
    #[must_use]
    pub const fn new(kind: FrameKind, frame_octets: usize) -> Self {
        Self {
            kind,
            frame_octets,
            secondary_header_octets: 0,
            frame_header_error_control: false,
            insert_zone_octets: 0,
            ocf: false,
            fecf: false,
        }
    }
}

/// Why managed parameters do not make a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LayoutError {
    /// The parts leave no room for data.
    #[error("frames of {frame_octets} octets have no room for data: the other parts take {other}")]
    NoData {
        /// Octets of the frame.
        frame_octets: usize,
        /// Octets of everything but the data field.
        other: usize,
    },
    /// A frame longer than any standard has.
    #[error("frames have at most 65536 octets, not {0}")]
    TooLong(usize),
    /// A secondary header of a length that the header cannot express.
    #[error("a TM secondary header has 2 to 64 octets, not {0}")]
    SecondaryHeader(usize),
    /// A part that this kind of frame does not have.
    #[error("{kind} frames have no {part}")]
    NotInKind {
        /// Kind of frame.
        kind: FrameKind,
        /// Name of the part.
        part: &'static str,
    },
}

/// Where the parts of a frame are, computed once for all frames of a physical channel.
///
/// A USLP layout gives only the ends of the frame: its header has no fixed length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameLayout {
    options: FrameOptions,
    extra: Range<usize>,
    data: Range<usize>,
}

impl FrameLayout {
    /// Computes the places of all parts.
    ///
    /// # Errors
    /// [`LayoutError`] when a part is not in this kind of frame or nothing is left for data.
    pub fn new(options: FrameOptions) -> Result<Self, LayoutError> {
        let FrameOptions {
            kind, frame_octets, ..
        } = options;
        if frame_octets > MAX_FRAME_OCTETS {
            return Err(LayoutError::TooLong(frame_octets));
        }
        let refuse = |part| Err(LayoutError::NotInKind { kind, part });
        if options.secondary_header_octets > 0 {
            if kind != FrameKind::Tm {
                return refuse("secondary header");
            }
            if !(2..=MAX_SECONDARY_HEADER_OCTETS).contains(&options.secondary_header_octets) {
                return Err(LayoutError::SecondaryHeader(
                    options.secondary_header_octets,
                ));
            }
        }
        if options.insert_zone_octets > 0 && kind == FrameKind::Tm {
            return refuse("insert zone");
        }
        if options.frame_header_error_control && kind != FrameKind::Aos {
            return refuse("frame header error control");
        }
        let header = match kind {
            FrameKind::Tm => tm::HEADER_OCTETS,
            FrameKind::Aos if options.frame_header_error_control => {
                aos::HEADER_OCTETS + fhec::FHEC_OCTETS
            }
            FrameKind::Aos => aos::HEADER_OCTETS,
            FrameKind::Uslp => super::uslp::MIN_HEADER_OCTETS,
        };
        let start = header
            .saturating_add(options.secondary_header_octets)
            .saturating_add(options.insert_zone_octets);
        let trailer =
            if options.ocf { OCF_OCTETS } else { 0 } + if options.fecf { FECF_OCTETS } else { 0 };
        match frame_octets.checked_sub(trailer) {
            Some(end) if end > start => Ok(Self {
                options,
                extra: header..start,
                data: start..end,
            }),
            _ => Err(LayoutError::NoData {
                frame_octets,
                other: start.saturating_add(trailer),
            }),
        }
    }

    /// The managed parameters.
    #[must_use]
    pub const fn options(&self) -> &FrameOptions {
        &self.options
    }

    /// Kind of frame.
    #[inline]
    #[must_use]
    pub const fn kind(&self) -> FrameKind {
        self.options.kind
    }

    /// Octets of a frame.
    #[inline]
    #[must_use]
    pub const fn frame_octets(&self) -> usize {
        self.options.frame_octets
    }

    /// Place of the transfer frame data field.
    #[inline]
    #[must_use]
    pub const fn data_field(&self) -> Range<usize> {
        self.data.start..self.data.end
    }

    /// Octets of the transfer frame data field, at least 1.
    #[inline]
    #[must_use]
    pub const fn data_field_octets(&self) -> usize {
        self.data.end - self.data.start
    }

    /// Place of the secondary header (TM) or insert zone (AOS); empty where there is none.
    #[inline]
    #[must_use]
    pub const fn extra(&self) -> Range<usize> {
        self.extra.start..self.extra.end
    }

    /// The operational control field of a frame of this layout.
    #[inline]
    pub(crate) fn ocf(&self, frame: &[u8]) -> Option<[u8; OCF_OCTETS]> {
        if !self.options.ocf {
            return None;
        }
        frame.get(self.data.end..)?.first_chunk().copied()
    }

    /// The frame error control field of a frame of this layout.
    #[inline]
    pub(crate) fn fecf(&self, frame: &[u8]) -> Option<u16> {
        if !self.options.fecf {
            return None;
        }
        frame.last_chunk().copied().map(u16::from_be_bytes)
    }

    /// Whether a frame of this layout agrees with its error control field, if it has one.
    #[inline]
    pub(crate) fn fecf_valid(&self, frame: &[u8]) -> Option<bool> {
        if !self.options.fecf {
            return None;
        }
        let (protected, field) = frame.split_last_chunk::<FECF_OCTETS>()?;
        Some(crc::crc16(protected) == u16::from_be_bytes(*field))
    }

    /// Refuses a frame of another length, and a layout of another kind.
    #[inline]
    pub(crate) fn check(&self, kind: FrameKind, octets: &[u8]) -> Result<(), FrameError> {
        if self.kind() != kind {
            return Err(FrameError::Kind {
                kind,
                layout: self.kind(),
            });
        }
        if octets.len() != self.frame_octets() {
            return Err(FrameError::Length {
                needed: self.frame_octets(),
                got: octets.len(),
            });
        }
        Ok(())
    }

    /// Appends a frame to `out`: header, parts, and the computed error control field.
    pub(crate) fn encode(
        &self,
        header: &[u8],
        parts: &FrameParts<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), FrameError> {
        let part = |part, needed, got| {
            if needed == got {
                Ok(())
            } else {
                Err(FrameError::Part { part, needed, got })
            }
        };
        part("primary header", self.extra.start, header.len())?;
        let name = match self.kind() {
            FrameKind::Tm => "secondary header",
            FrameKind::Aos | FrameKind::Uslp => "insert zone",
        };
        part(name, self.extra.len(), parts.extra.len())?;
        part("data field", self.data.len(), parts.data.len())?;
        let ocf_octets = |there| if there { OCF_OCTETS } else { 0 };
        part(
            "operational control field",
            ocf_octets(self.options.ocf),
            ocf_octets(parts.ocf.is_some()),
        )?;
        let start = out.len();
        out.reserve(self.frame_octets());
        out.extend_from_slice(header);
        out.extend_from_slice(parts.extra);
        out.extend_from_slice(parts.data);
        out.extend_from_slice(parts.ocf.as_ref().map_or(&[], |ocf| ocf.as_slice()));
        if self.options.fecf {
            let field = crc::crc16(out.get(start..).unwrap_or_default());
            out.extend_from_slice(&field.to_be_bytes());
        }
        Ok(())
    }
}

/// What a frame carries besides its primary header, for encoding.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameParts<'a> {
    /// Secondary header (TM) or insert zone (AOS).
    pub extra: &'a [u8],
    /// Transfer frame data field, exactly as long as the layout says.
    pub data: &'a [u8],
    /// Operational control field.
    pub ocf: Option<[u8; OCF_OCTETS]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_take_their_place() {
        let layout = FrameLayout::new(FrameOptions {
            frame_header_error_control: true,
            insert_zone_octets: 9,
            ocf: true,
            fecf: true,
            ..FrameOptions::new(FrameKind::Aos, 892)
        })
        .unwrap();
        assert_eq!(layout.extra(), 8..17);
        assert_eq!(layout.data_field(), 17..886);
    }

    #[test]
    fn impossible_layouts_are_refused() {
        let tm = FrameOptions::new(FrameKind::Tm, 12);
        assert_eq!(
            FrameLayout::new(FrameOptions {
                ocf: true,
                fecf: true,
                ..tm
            }),
            Err(LayoutError::NoData {
                frame_octets: 12,
                other: 12
            })
        );
        assert_eq!(
            FrameLayout::new(FrameOptions {
                insert_zone_octets: 2,
                ..tm
            }),
            Err(LayoutError::NotInKind {
                kind: FrameKind::Tm,
                part: "insert zone"
            })
        );
        assert_eq!(
            FrameLayout::new(FrameOptions {
                secondary_header_octets: 1,
                ..tm
            }),
            Err(LayoutError::SecondaryHeader(1))
        );
        assert_eq!(
            FrameLayout::new(FrameOptions {
                insert_zone_octets: usize::MAX,
                ..FrameOptions::new(FrameKind::Aos, 892)
            }),
            Err(LayoutError::NoData {
                frame_octets: 892,
                other: usize::MAX
            })
        );
        assert_eq!(
            FrameLayout::new(FrameOptions::new(FrameKind::Tm, 65537)),
            Err(LayoutError::TooLong(65537))
        );
    }
}
