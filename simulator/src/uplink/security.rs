//! The receiver's end of space data link security: which frames are authentic and new. CCSDS
//! 355.0-B-2 3.3.3.

use space_link::frame::tc::HEADER_OCTETS;
use space_link::sdls::{
    Cipher, FrameSecurityReport, Key, SdlsError, SecurityHeader, Spi, TcSecurity, spi_of, unprotect,
};
use thiserror::Error;

/// Why a frame's data are not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameRefused {
    /// Not a protected frame, or not an authentic one.
    #[error(transparent)]
    Sdls(#[from] SdlsError),
    /// An association that does not exist or is not active.
    #[error("there is no active security association with SPI {0}")]
    Association(Spi),
    /// The sequence number was used before, or lies too far ahead.
    #[error("SPI {spi}: sequence number {got} is not in the window, {window} wide, behind {last}")]
    SequenceNumber {
        /// The association.
        spi: Spi,
        /// The last number that was accepted.
        last: u128,
        /// Numbers above it that are accepted.
        window: u128,
        /// The number that was received.
        got: u128,
    },
}

/// The numbers that are accepted next: the one after the last, and those above it up to a distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayWindow {
    /// The last number that was accepted.
    pub last: u128,
    /// How far above the next number one may lie: frames may have been lost.
    pub window: u128,
}

impl ReplayWindow {
    /// Whether a number is new and near enough.
    #[must_use]
    pub const fn accepts(&self, number: u128) -> bool {
        number > self.last && number - self.last - 1 <= self.window
    }

    fn check(&self, spi: Spi, got: u128) -> Result<(), FrameRefused> {
        if self.accepts(got) {
            return Ok(());
        }
        Err(FrameRefused::SequenceNumber {
            spi,
            last: self.last,
            window: self.window,
            got,
        })
    }
}

#[derive(Debug)]
struct Association {
    spi: Spi,
    security: TcSecurity,
    cipher: Cipher,
    vector: ReplayWindow,
    number: ReplayWindow,
    active: bool,
}

/// The security associations on board.
#[derive(Debug, Default)]
pub struct SecurityReceiver {
    associations: Vec<Association>,
    report: FrameSecurityReport,
}

impl SecurityReceiver {
    /// Numbers ahead that are accepted unless said otherwise: more than a ground segment skips when
    /// it crashes some hundred times without a frame that arrives.
    pub const WINDOW: u64 = 1 << 20;

    /// Adds an active association, or replaces the one of its index. `last` is the last number it
    /// accepted, 0 for a new key.
    pub fn add(&mut self, spi: Spi, security: TcSecurity, key: &Key, last: u64, window: u64) {
        let window = ReplayWindow {
            last: u128::from(last),
            window: u128::from(window),
        };
        self.associations.retain(|known| known.spi != spi);
        self.associations.push(Association {
            spi,
            security,
            cipher: Cipher::new(key),
            vector: window,
            number: window,
            active: true,
        });
    }

    /// Starts or stops accepting frames of an association; its numbers are kept. False if it does
    /// not exist.
    pub fn set_active(&mut self, spi: Spi, active: bool) -> bool {
        match self.associations.iter_mut().find(|known| known.spi == spi) {
            Some(association) => {
                association.active = active;
                true
            }
            None => false,
        }
    }

    /// The report of the last frame, for the operational control field.
    #[must_use]
    pub const fn report(&self) -> &FrameSecurityReport {
        &self.report
    }

    /// Verifies a frame that FARM-1 accepted and appends its user data, decrypted, to `out`.
    ///
    /// # Errors
    /// [`FrameRefused`]; nothing was appended, and what is accepted next is as it was.
    pub fn process(
        &mut self,
        header_octets: &[u8; HEADER_OCTETS],
        has_segment_header: bool,
        data_field: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Spi, FrameRefused> {
        let start = out.len();
        let result = self.verify(header_octets, has_segment_header, data_field, out);
        if result.is_err() {
            out.truncate(start);
        }
        self.note(has_segment_header, data_field, &result);
        result.map(|(spi, _)| spi)
    }

    fn verify(
        &mut self,
        header_octets: &[u8; HEADER_OCTETS],
        has_segment_header: bool,
        data_field: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(Spi, u128), FrameRefused> {
        let spi = spi_of(has_segment_header, data_field)?;
        let association = self
            .associations
            .iter_mut()
            .find(|known| known.spi == spi && known.active)
            .ok_or(FrameRefused::Association(spi))?;
        let SecurityHeader {
            iv,
            sequence_number,
            ..
        } = unprotect(
            &association.cipher,
            &association.security,
            header_octets,
            has_segment_header,
            data_field,
            out,
        )?;
        let vector = big_endian(iv);
        association.vector.check(spi, vector)?;
        let number = big_endian(sequence_number);
        if !sequence_number.is_empty() {
            association.number.check(spi, number)?;
            association.number.last = number;
        }
        association.vector.last = vector;
        Ok((spi, vector))
    }

    fn note(
        &mut self,
        has_segment_header: bool,
        data_field: &[u8],
        result: &Result<(Spi, u128), FrameRefused>,
    ) {
        let spi = spi_of(has_segment_header, data_field).map_or(0, Spi::get);
        let report = &mut self.report;
        report.last_spi = spi;
        report.bad_sequence_number = matches!(result, Err(FrameRefused::SequenceNumber { .. }));
        report.bad_association = matches!(result, Err(FrameRefused::Association(_)));
        report.bad_mac = matches!(result, Err(FrameRefused::Sdls(_)));
        report.alarm |= result.is_err();
        match result {
            Ok((_, number)) | Err(FrameRefused::SequenceNumber { got: number, .. }) => {
                report.sequence_number_low = *number as u8;
            }
            Err(_) => {}
        }
    }
}

fn big_endian(octets: &[u8]) -> u128 {
    octets
        .iter()
        .fold(0, |number, octet| number << 8 | u128::from(*octet))
}
