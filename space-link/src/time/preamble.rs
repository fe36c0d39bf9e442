//! Preamble fields (P-fields) of binary time codes: CCSDS 301.0-B-4 3.2.2 and 3.3.2.

use super::{CdsFormat, CucFormat, Epoch, Submillisecond, TimeError};

/// What a preamble field says of the time after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preamble {
    /// Unsegmented: seconds and binary fractions.
    Cuc {
        /// Whether the epoch is the agency's own, not 1958-01-01 TAI.
        agency_epoch: bool,
        /// Octets of seconds, 1 to 7.
        coarse_octets: u8,
        /// Octets of fractions, 0 to 10.
        fine_octets: u8,
    },
    /// Day segmented.
    Cds {
        /// Whether the epoch is the agency's own, not 1958-01-01.
        agency_epoch: bool,
        /// Octets of days, 2 or 3.
        day_octets: u8,
        /// What is below the millisecond.
        submillisecond: Submillisecond,
    },
}

impl Preamble {
    /// Reads the preamble at the start of `octets`, and how many octets it has: 1 or 2.
    ///
    /// # Errors
    /// [`TimeError::Truncated`], or [`TimeError::Preamble`] for another code or reserved bits.
    pub const fn parse(octets: &[u8]) -> Result<(Self, usize), TimeError> {
        let [first, rest @ ..] = octets else {
            return Err(TimeError::Truncated {
                code: "time preamble",
                needed: 1,
                got: 0,
            });
        };
        let (first, extended) = (*first, *first & 0x80 != 0);
        match first >> 4 & 0b111 {
            code @ (0b001 | 0b010) => {
                let (mut coarse_octets, mut fine_octets) = ((first >> 2 & 0b11) + 1, first & 0b11);
                if extended {
                    let [second, ..] = rest else {
                        let code = "time preamble";
                        return Err(TimeError::Truncated {
                            code,
                            needed: 2,
                            got: 1,
                        });
                    };
                    // A third octet and the two lowest bits are reserved.
                    if *second & 0x83 != 0 {
                        return Err(TimeError::Preamble(*second));
                    }
                    coarse_octets += *second >> 5 & 0b11;
                    fine_octets += *second >> 2 & 0b111;
                }
                let agency_epoch = code == 0b010;
                let octets = 1 + extended as usize;
                Ok((
                    Self::Cuc {
                        agency_epoch,
                        coarse_octets,
                        fine_octets,
                    },
                    octets,
                ))
            }
            0b100 if !extended => {
                let submillisecond = match first & 0b11 {
                    0 => Submillisecond::None,
                    1 => Submillisecond::Micro,
                    2 => Submillisecond::Pico,
                    _ => return Err(TimeError::Preamble(first)),
                };
                let agency_epoch = first & 0x08 != 0;
                let day_octets = if first & 0x04 != 0 { 3 } else { 2 };
                Ok((
                    Self::Cds {
                        agency_epoch,
                        day_octets,
                        submillisecond,
                    },
                    1,
                ))
            }
            _ => Err(TimeError::Preamble(first)),
        }
    }

    /// Appends the preamble to `out`, in two octets only where one does not do.
    ///
    /// # Errors
    /// [`TimeError::Octets`] for sizes that no preamble can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), TimeError> {
        match *self {
            Self::Cuc {
                agency_epoch,
                coarse_octets,
                fine_octets,
            } => {
                CucFormat::new(Epoch::TAI_1958, coarse_octets, fine_octets)?;
                let more_coarse = coarse_octets.saturating_sub(4);
                let more_fine = fine_octets.saturating_sub(3);
                let extended = more_coarse > 0 || more_fine > 0;
                out.push(
                    u8::from(extended) << 7
                        | (1 + u8::from(agency_epoch)) << 4
                        | (coarse_octets - more_coarse - 1) << 2
                        | (fine_octets - more_fine),
                );
                if extended {
                    out.push(more_coarse << 5 | more_fine << 2);
                }
            }
            Self::Cds {
                agency_epoch,
                day_octets,
                submillisecond,
            } => {
                CdsFormat::new(Epoch::TAI_1958, day_octets, submillisecond)?;
                let code = match submillisecond {
                    Submillisecond::None => 0,
                    Submillisecond::Micro => 1,
                    Submillisecond::Pico => 2,
                };
                out.push(0x40 | u8::from(agency_epoch) << 3 | (day_octets - 2) << 2 | code);
            }
        }
        Ok(())
    }
}
