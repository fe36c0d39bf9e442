//! The sender's end of space data link security: associations, key rollover, sequence numbers.
//! CCSDS 355.0-B-2.

mod sequence;

pub use sequence::{Persisted, Reservation};

use sequence::SequenceNumbers;
use space_link::frame::FrameType;
use space_link::sdls::{
    Cipher, FrameSecurityReport, IV_OCTETS, Key, SdlsError, SecurityHeader, Spi, TcSecurity,
    protect,
};
use thiserror::Error;

/// Numbers that are reserved at once unless said otherwise. After a crash up to one and a half
/// blocks are skipped, which the spacecraft's window must allow.
pub const RESERVATION_BLOCK: u64 = 1024;

/// Why a frame is not protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecurityError {
    /// The format or the cipher refused.
    #[error(transparent)]
    Sdls(#[from] SdlsError),
    /// An association that does not exist.
    #[error("there is no security association with SPI {0}")]
    Unknown(Spi),
    /// A second association of the same index.
    #[error("there already is a security association with SPI {0}")]
    Duplicate(Spi),
    /// Two associations with one key, which would use the same vectors with it.
    #[error("SPI {a} and SPI {b} have the same key: give each association a key of its own")]
    SameKey {
        /// The one.
        a: Spi,
        /// The other.
        b: Spi,
    },
    /// No association is in use for this type of frame.
    #[error("no security association is active for {0} frames")]
    NotActive(FrameType),
    /// A layout whose sequence number field is too short, or has a pad length.
    #[error("SPI {spi}: a sequence number of {octets} octets cannot hold {number}")]
    NumberTooLarge {
        /// The association.
        spi: Spi,
        /// Octets of the field.
        octets: usize,
        /// The number.
        number: u64,
    },
    /// The numbers needed are not written down yet: write the reservation, confirm it, try again.
    #[error("SPI {spi}: sequence numbers from {next} on, {needed} of them, are not reserved yet")]
    NotReserved {
        /// The association.
        spi: Spi,
        /// The next number.
        next: u64,
        /// How many are needed.
        needed: u64,
    },
    /// A number was used that this state knows nothing of: it was restored from an older copy.
    #[error(
        "SPI {spi}: sequence number {seen} has been used, but the next one here is {next}: this \
         state is an old copy, and sending would use a nonce twice"
    )]
    OldState {
        /// The association.
        spi: Spi,
        /// The next number by this state.
        next: u64,
        /// A number that was used.
        seen: u64,
    },
    /// A skip to numbers that may have been used.
    #[error("SPI {spi}: sequence numbers below {lowest} may have been used, {got} is one of them")]
    SkipBack {
        /// The association.
        spi: Spi,
        /// The lowest that is free.
        lowest: u64,
        /// The number asked for.
        got: u64,
    },
    /// All numbers are used; a new key is needed.
    #[error("SPI {spi}: all sequence numbers are used, the key must be replaced")]
    Exhausted {
        /// The association.
        spi: Spi,
    },
}

#[derive(Debug)]
struct Association {
    spi: Spi,
    security: TcSecurity,
    key: Key,
    cipher: Cipher,
    numbers: SequenceNumbers,
}

/// The security associations of one spacecraft's uplink.
///
/// A number is used once per key. AD and BD frames overtake each other, and a spacecraft takes
/// numbers only in order; a mission that sends both gives each an association of its own.
#[derive(Debug, Default)]
pub struct SecuritySender {
    associations: Vec<Association>,
    active_ad: Option<Spi>,
    active_bd: Option<Spi>,
    block: Option<u64>,
}

impl SecuritySender {
    /// No association; `block` numbers are reserved at once.
    #[must_use]
    pub fn new(block: u64) -> Self {
        Self {
            block: Some(block),
            ..Self::default()
        }
    }

    /// Adds an association with its key and what was written down of its numbers. It is not active.
    ///
    /// # Errors
    /// [`SecurityError::Duplicate`] or [`SecurityError::SameKey`].
    pub fn add(
        &mut self,
        spi: Spi,
        security: TcSecurity,
        key: Key,
        persisted: Persisted,
    ) -> Result<(), SecurityError> {
        for other in &self.associations {
            if other.spi == spi {
                return Err(SecurityError::Duplicate(spi));
            }
            if other.key.same(&key) {
                return Err(SecurityError::SameKey {
                    a: other.spi,
                    b: spi,
                });
            }
        }
        let block = self.block.unwrap_or(RESERVATION_BLOCK);
        self.associations.push(Association {
            spi,
            security,
            cipher: Cipher::new(&key),
            key,
            numbers: SequenceNumbers::new(spi, persisted, block),
        });
        Ok(())
    }

    /// Uses an association from the next frame on, for AD and BD frames: key rollover.
    ///
    /// # Errors
    /// [`SecurityError::Unknown`].
    pub fn activate(&mut self, spi: Spi) -> Result<(), SecurityError> {
        self.find(spi)?;
        self.active_ad = Some(spi);
        self.active_bd = Some(spi);
        Ok(())
    }

    /// Uses an association for one type of frame only. BC frames have none.
    ///
    /// # Errors
    /// [`SecurityError::Unknown`], or [`SecurityError::NotActive`] for BC frames.
    pub fn activate_for(&mut self, frame_type: FrameType, spi: Spi) -> Result<(), SecurityError> {
        self.find(spi)?;
        match frame_type {
            FrameType::Ad => self.active_ad = Some(spi),
            FrameType::Bd => self.active_bd = Some(spi),
            FrameType::Bc => return Err(SecurityError::NotActive(frame_type)),
        }
        Ok(())
    }

    /// The association in use for a type of frame.
    #[must_use]
    pub const fn active(&self, frame_type: FrameType) -> Option<Spi> {
        match frame_type {
            FrameType::Ad => self.active_ad,
            FrameType::Bd => self.active_bd,
            FrameType::Bc => None,
        }
    }

    /// The next sequence number of an association.
    #[must_use]
    pub fn next_number(&self, spi: Spi) -> Option<u64> {
        let association = self.associations.iter().find(|known| known.spi == spi)?;
        Some(association.numbers.next())
    }

    /// The number that must be written down, durably, before it is confirmed; the same one until
    /// then. Only associations in use reserve.
    #[must_use]
    pub fn poll_reservation(&self) -> Option<Reservation> {
        self.associations
            .iter()
            .filter(|known| self.active_ad == Some(known.spi) || self.active_bd == Some(known.spi))
            .find_map(|known| known.numbers.poll_reservation())
    }

    /// A reservation was written down and will be there after any crash.
    pub fn handle_reserved(&mut self, reservation: Reservation) {
        if let Ok(association) = self.find(reservation.spi) {
            association.numbers.handle_reserved(reservation.end);
        }
    }

    /// The command history knows that a number was used. If it is one that this state would use,
    /// the state is an old copy: nothing is protected with that association any more.
    pub fn handle_used(&mut self, spi: Spi, number: u64) {
        if let Ok(association) = self.find(spi) {
            association.numbers.handle_seen(number);
        }
    }

    /// The spacecraft's report of the last frame that it verified. Reports of refused frames say
    /// what somebody else may have sent, and are not looked at.
    pub fn handle_report(&mut self, report: &FrameSecurityReport) {
        if report.bad_mac || report.bad_sequence_number || report.bad_association {
            return;
        }
        if let Ok(spi) = Spi::new(report.last_spi)
            && let Ok(association) = self.find(spi)
        {
            association
                .numbers
                .handle_seen_low(report.sequence_number_low);
        }
    }

    /// Continues at a number that is certainly free: how an operator recovers from an old copy.
    ///
    /// # Errors
    /// [`SecurityError::Unknown`], or [`SecurityError::SkipBack`] for a number that is not free.
    pub fn skip_to(&mut self, spi: Spi, number: u64) -> Result<(), SecurityError> {
        self.find(spi)?.numbers.skip_to(number)
    }

    /// Checks that some frames can be protected now.
    ///
    /// # Errors
    /// [`SecurityError`]: what [`SecuritySender::protect`] would say.
    pub fn require(&mut self, frame_type: FrameType, frames: usize) -> Result<(), SecurityError> {
        let spi = self
            .active(frame_type)
            .ok_or(SecurityError::NotActive(frame_type))?;
        let association = self.find(spi)?;
        association.numbers.require(frames as u64)?;
        let last = association.numbers.next() + (frames as u64).saturating_sub(1);
        association.check_number(last)
    }

    /// Appends a protected data field to `out` and gives the sequence number that it has. Nothing
    /// is appended after an error.
    ///
    /// # Errors
    /// [`SecurityError`]; [`SecurityError::NotReserved`] until a reservation is confirmed.
    pub fn protect(
        &mut self,
        frame_type: FrameType,
        primary_header: &[u8; 5],
        segment_header: Option<u8>,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<u64, SecurityError> {
        self.require(frame_type, 1)?;
        let spi = self
            .active(frame_type)
            .ok_or(SecurityError::NotActive(frame_type))?;
        let association = self.find(spi)?;
        // A number is used up even if what follows fails.
        let number = association.numbers.take()?;
        let iv = iv(number);
        let octets = number.to_be_bytes();
        let size = association.security.layout.sequence_number_octets;
        let header = SecurityHeader {
            spi,
            iv: &iv,
            sequence_number: &octets[octets.len() - size.min(octets.len())..],
            pad_length: &[],
        };
        protect(
            &association.cipher,
            &association.security,
            primary_header,
            segment_header,
            &header,
            data,
            out,
        )?;
        Ok(number)
    }

    fn find(&mut self, spi: Spi) -> Result<&mut Association, SecurityError> {
        self.associations
            .iter_mut()
            .find(|known| known.spi == spi)
            .ok_or(SecurityError::Unknown(spi))
    }
}

impl Association {
    fn check_number(&self, number: u64) -> Result<(), SecurityError> {
        let octets = self.security.layout.sequence_number_octets;
        if octets > 0 && octets < 8 && number >> (8 * octets) != 0 {
            return Err(SecurityError::NumberTooLarge {
                spi: self.spi,
                octets,
                number,
            });
        }
        Ok(())
    }
}

/// A number as initialisation vector: 96 bits, big endian.
fn iv(number: u64) -> [u8; IV_OCTETS] {
    let mut iv = [0; IV_OCTETS];
    iv[IV_OCTETS - 8..].copy_from_slice(&number.to_be_bytes());
    iv
}

#[cfg(test)]
mod tests;
