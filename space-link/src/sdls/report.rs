//! Frame security report: what the spacecraft says of the security of received frames, in the
//! operational control field, CCSDS 355.0-B-2 4.2.2.

use super::SdlsError;

const CONTROL_WORD_TYPE: u8 = 0x80;
const VERSION: u8 = 0b100 << 4;

/// A frame security report, four octets, big endian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FrameSecurityReport {
    /// A frame was refused since the alarm was last reset.
    pub alarm: bool,
    /// The last frame's sequence number was not in the window.
    pub bad_sequence_number: bool,
    /// The last frame's authentication code was wrong.
    pub bad_mac: bool,
    /// The last frame named an association that does not exist or is not active.
    pub bad_association: bool,
    /// Security parameter index of the last frame.
    pub last_spi: u16,
    /// The low eight bits of the last frame's sequence number.
    pub sequence_number_low: u8,
}

impl FrameSecurityReport {
    /// Reads four octets.
    ///
    /// # Errors
    /// [`SdlsError::OtherReport`] for another control word or version.
    pub const fn parse(octets: [u8; 4]) -> Result<Self, SdlsError> {
        let [a, b, c, sequence_number_low] = octets;
        if a & 0xF0 != CONTROL_WORD_TYPE | VERSION {
            return Err(SdlsError::OtherReport(a));
        }
        Ok(Self {
            alarm: a & 0x08 != 0,
            bad_sequence_number: a & 0x04 != 0,
            bad_mac: a & 0x02 != 0,
            bad_association: a & 0x01 != 0,
            last_spi: u16::from_be_bytes([b, c]),
            sequence_number_low,
        })
    }

    /// The four octets.
    #[must_use]
    pub const fn encode(&self) -> [u8; 4] {
        let [b, c] = self.last_spi.to_be_bytes();
        [
            CONTROL_WORD_TYPE
                | VERSION
                | (self.alarm as u8) << 3
                | (self.bad_sequence_number as u8) << 2
                | (self.bad_mac as u8) << 1
                | self.bad_association as u8,
            b,
            c,
            self.sequence_number_low,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_no_clcw_and_reads_back() {
        let report = FrameSecurityReport {
            alarm: true,
            bad_mac: true,
            last_spi: 9,
            sequence_number_low: 0x4C,
            ..FrameSecurityReport::default()
        };
        let octets = report.encode();
        assert_eq!(octets, [0xCA, 0x00, 0x09, 0x4C]);
        assert_eq!(FrameSecurityReport::parse(octets), Ok(report));
        assert!(crate::clcw::Clcw::parse(octets).is_err());
        assert_eq!(
            FrameSecurityReport::parse([0x01, 0, 0, 0]),
            Err(SdlsError::OtherReport(1))
        );
    }
}
