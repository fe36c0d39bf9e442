//! Communications link control word: what the spacecraft's FARM says of the uplink, in the
//! operational control field. CCSDS 232.0-B-4 4.2.1.

use core::fmt;

use thiserror::Error;

use crate::frame::Vcid;

/// Why four octets are not a CLCW, or a CLCW has no octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ClcwError {
    /// Control word type 1: another report is in the operational control field.
    #[error("the operational control field holds a type-2 report, not a CLCW")]
    OtherReport,
    /// A value with too many bits.
    #[error("CLCW {field} is at most {max}, not {got}")]
    Field {
        /// Name of the field in the standard.
        field: &'static str,
        /// Highest value.
        max: u8,
        /// Value there is.
        got: u8,
    },
}

/// A communications link control word, four octets, big endian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Clcw {
    /// CLCW version number, 2 bits.
    pub version: u8,
    /// Status field, 3 bits, for the mission.
    pub status: u8,
    /// COP in effect, 2 bits: 1 for COP-1.
    pub cop_in_effect: u8,
    /// The virtual channel of the uplink that is reported on.
    pub virtual_channel: Vcid,
    /// No RF available: the physical channel is not ready.
    pub no_rf_available: bool,
    /// No bit lock: symbols are not received well enough.
    pub no_bit_lock: bool,
    /// Lockout: FARM-1 accepts no sequence-controlled frames until it is unlocked.
    pub lockout: bool,
    /// Wait: no buffer for more frames.
    pub wait: bool,
    /// Retransmit: frames were lost or refused.
    pub retransmit: bool,
    /// FARM-B counter, 2 bits: accepted bypass frames.
    pub farm_b_counter: u8,
    /// Report value: V(R), the next frame sequence number expected.
    pub report_value: u8,
}

impl Clcw {
    /// Reads four octets. Spare bits are not looked at.
    ///
    /// # Errors
    /// [`ClcwError::OtherReport`] when the control word type is 1.
    #[inline]
    pub const fn parse(octets: [u8; 4]) -> Result<Self, ClcwError> {
        let [a, b, c, report_value] = octets;
        if a & 0x80 != 0 {
            return Err(ClcwError::OtherReport);
        }
        Ok(Self {
            version: a >> 5 & 0b11,
            status: a >> 2 & 0b111,
            cop_in_effect: a & 0b11,
            virtual_channel: Vcid::truncate(b >> 2),
            no_rf_available: c & 0x80 != 0,
            no_bit_lock: c & 0x40 != 0,
            lockout: c & 0x20 != 0,
            wait: c & 0x10 != 0,
            retransmit: c & 0x08 != 0,
            farm_b_counter: c >> 1 & 0b11,
            report_value,
        })
    }

    /// The four octets, spare bits 0.
    ///
    /// # Errors
    /// [`ClcwError::Field`] when a value has too many bits.
    pub const fn encode(&self) -> Result<[u8; 4], ClcwError> {
        let fields = [
            ("version number", 3, self.version),
            ("status field", 7, self.status),
            ("COP in effect", 3, self.cop_in_effect),
            ("FARM-B counter", 3, self.farm_b_counter),
        ];
        let mut index = 0;
        while index < fields.len() {
            let (field, max, got) = fields[index];
            if got > max {
                return Err(ClcwError::Field { field, max, got });
            }
            index += 1;
        }
        Ok([
            self.version << 5 | self.status << 2 | self.cop_in_effect,
            self.virtual_channel.get() << 2,
            (self.no_rf_available as u8) << 7
                | (self.no_bit_lock as u8) << 6
                | (self.lockout as u8) << 5
                | (self.wait as u8) << 4
                | (self.retransmit as u8) << 3
                | self.farm_b_counter << 1,
            self.report_value,
        ])
    }
}

impl fmt::Display for Clcw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "CLCW vcid={} report={} farm_b={}",
            self.virtual_channel, self.report_value, self.farm_b_counter
        )?;
        let flags = [
            (self.no_rf_available, "no_rf"),
            (self.no_bit_lock, "no_bit_lock"),
            (self.lockout, "lockout"),
            (self.wait, "wait"),
            (self.retransmit, "retransmit"),
        ];
        flags
            .iter()
            .filter(|(set, _)| *set)
            .try_for_each(|(_, name)| write!(f, " {name}"))?;
        if self.status != 0 {
            write!(f, " status={}", self.status)?;
        }
        if self.cop_in_effect != 1 {
            write!(f, " cop={}", self.cop_in_effect)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_words_read_and_write() {
        // Hera after launch, Euclid before acquisition (see tests/vectors/tm_frame_clcw.json).
        let hera = Clcw::parse([0x01, 0x04, 0x22, 0x00]).unwrap();
        assert_eq!(hera.to_string(), "CLCW vcid=1 report=0 farm_b=1 lockout");
        assert_eq!(hera.encode().unwrap(), [0x01, 0x04, 0x22, 0x00]);
        let euclid = Clcw::parse([0x01, 0x08, 0xc0, 0x03]).unwrap();
        assert_eq!(
            euclid.to_string(),
            "CLCW vcid=2 report=3 farm_b=0 no_rf no_bit_lock"
        );
        assert_eq!(euclid.encode().unwrap(), [0x01, 0x08, 0xc0, 0x03]);
    }

    #[test]
    fn other_reports_and_wide_values_are_refused() {
        assert_eq!(Clcw::parse([0x80, 0, 0, 0]), Err(ClcwError::OtherReport));
        let clcw = Clcw {
            farm_b_counter: 4,
            ..Clcw::default()
        };
        assert_eq!(
            clcw.encode(),
            Err(ClcwError::Field {
                field: "FARM-B counter",
                max: 3,
                got: 4
            })
        );
    }
}
