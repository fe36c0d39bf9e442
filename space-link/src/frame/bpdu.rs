//! Bitstream protocol data units: bits in AOS frames, CCSDS 732.0-B-4 4.1.4.3.

use core::fmt;

use super::FrameError;

/// Octets of the header.
pub const HEADER_OCTETS: usize = 2;

const ALL_VALID: u16 = 0x3FFF;
const ONLY_IDLE: u16 = 0x3FFE;

/// A bitstream protocol data unit: two octets of header, then the bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bpdu<'a> {
    pointer: u16,
    zone: &'a [u8],
}

impl<'a> Bpdu<'a> {
    /// The unit that fills an AOS data field.
    ///
    /// # Errors
    /// [`FrameError::Length`] with fewer than two octets.
    #[inline]
    pub const fn new_checked(data_field: &'a [u8]) -> Result<Self, FrameError> {
        match data_field.split_first_chunk::<HEADER_OCTETS>() {
            Some((header, zone)) => Ok(Self {
                pointer: u16::from_be_bytes(*header) & ALL_VALID,
                zone,
            }),
            None => Err(FrameError::Length {
                needed: HEADER_OCTETS,
                got: data_field.len(),
            }),
        }
    }

    /// The bitstream data zone, valid up to [`Bpdu::valid_bits`].
    #[must_use]
    pub const fn zone(&self) -> &'a [u8] {
        self.zone
    }

    /// How many bits of the zone are user data; at most all of them.
    ///
    /// The pointer is the number of the last valid bit (732.0-B-4 4.1.4.3.3): all ones when all
    /// are, all ones but the last when none is.
    #[must_use]
    pub fn valid_bits(&self) -> usize {
        let all = self.zone.len().saturating_mul(8);
        match self.pointer {
            ALL_VALID => all,
            ONLY_IDLE => 0,
            last => all.min(usize::from(last) + 1),
        }
    }

    /// The two octets of the header of a zone of `zone_octets` of which `valid_bits` are valid.
    ///
    /// # Errors
    /// [`FrameError::Field`] when there are more valid bits than the pointer or zone can hold.
    pub fn encode_header(
        valid_bits: usize,
        zone_octets: usize,
    ) -> Result<[u8; HEADER_OCTETS], FrameError> {
        let all = zone_octets.saturating_mul(8);
        let pointer = if valid_bits == all {
            ALL_VALID
        } else {
            let max = all.min(usize::from(ONLY_IDLE));
            match valid_bits.checked_sub(1) {
                None => ONLY_IDLE,
                Some(last) if valid_bits <= max => u16::try_from(last).unwrap_or(ALL_VALID),
                Some(_) => {
                    return Err(FrameError::Field {
                        field: "bitstream valid bits",
                        max: max as u64,
                        got: valid_bits as u64,
                    });
                }
            }
        };
        Ok(pointer.to_be_bytes())
    }
}

impl fmt::Display for Bpdu<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "B_PDU bits={} octets={}",
            self.valid_bits(),
            self.zone.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_bits_read_and_write() {
        let mut field = vec![0; 12];
        for bits in 0..=80 {
            let header = Bpdu::encode_header(bits, 10).unwrap();
            field[..2].copy_from_slice(&header);
            let unit = Bpdu::new_checked(&field).unwrap();
            assert_eq!(unit.valid_bits(), bits);
            assert_eq!(unit.zone().len(), 10);
        }
        assert!(Bpdu::encode_header(81, 10).is_err());
        field[..2].copy_from_slice(&[0xFF, 0x00]);
        assert_eq!(Bpdu::new_checked(&field).unwrap().valid_bits(), 80);
    }
}
