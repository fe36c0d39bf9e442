//! Time codes of CCSDS 301.0-B-4, and the scales and epochs they count in.
//!
//! A time is microseconds since 1970-01-01 UTC as POSIX counts them ([`UtcMicros`]), with the
//! picoseconds below where a code has them ([`UtcPicos`]).

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

mod ascii;
mod calendar;
mod cds;
mod cuc;
mod preamble;
mod scale;

pub use ascii::DayOfYear;
pub use cds::{CdsFormat, CdsTime, Submillisecond};
pub use cuc::{CucFormat, CucTime};
pub use preamble::Preamble;
pub use scale::{Epoch, LeapSeconds, TimeScale, gps_from_tai, tai_from_gps};

/// Microseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000;
/// Microseconds of a day without leap second.
pub(crate) const DAY: i64 = 86_400 * SECOND;
/// Picoseconds of a microsecond.
pub(crate) const PICOS_PER_MICRO: u32 = 1_000_000;

/// Why octets or text are not a time, or a time has no octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Fewer octets than the code has.
    #[error("a {code} here has {needed} octets, there are {got}")]
    Truncated {
        /// Name of the code.
        code: &'static str,
        /// Octets it has.
        needed: usize,
        /// Octets there are.
        got: usize,
    },
    /// A segment beyond its range.
    #[error("{segment} is at most {max}, not {got}")]
    Segment {
        /// Name of the segment.
        segment: &'static str,
        /// Highest value.
        max: u64,
        /// Value there is.
        got: u64,
    },
    /// A code with another number of octets than the standard allows.
    #[error("{part} has {min} to {max} octets, not {got}")]
    Octets {
        /// Name of the part.
        part: &'static str,
        /// Fewest octets.
        min: u8,
        /// Most octets.
        max: u8,
        /// Octets asked for.
        got: u8,
    },
    /// A preamble field of a code that is not CUC or CDS, or reserved bits in it.
    #[error("time code preamble {0:#04x} is neither CUC nor CDS")]
    Preamble(u8),
    /// A time too far from 1970 for 64 bits of microseconds, or before the epoch of a code.
    #[error("the time is out of the range of this code or of 64 bits of microseconds")]
    OutOfRange,
    /// Text that is not a time.
    #[error(
        "not a time (octet {at}): write it as 2024-12-06T16:28:08.182Z or 2024-341T16:28:08.182Z"
    )]
    Text {
        /// Where it stops to be one.
        at: usize,
    },
    /// Leap seconds that do not follow each other.
    #[error("leap second entry {0} is not later than the one before it")]
    LeapSeconds(usize),
}

/// Microseconds since 1970-01-01T00:00:00 UTC, leap seconds not counted, as in POSIX.
///
/// A leap second has the same numbers as the first second of the day after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMicros(i64);

impl UtcMicros {
    /// From microseconds since 1970.
    #[inline]
    #[must_use]
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    #[inline]
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for UtcMicros {
    /// ASCII time code A with six decimals: `2024-12-06T16:28:08.182000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = calendar::civil_from_days(self.0.div_euclid(DAY));
        write!(f, "{year:04}-{month:02}-{day:02}")?;
        ascii::write_time_of_day(f, self.0.rem_euclid(DAY))
    }
}

impl FromStr for UtcMicros {
    type Err = TimeError;

    /// Reads ASCII time code A or B; decimals beyond the sixth are cut off.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        text.parse::<UtcPicos>().map(|time| time.micros)
    }
}

impl From<UtcMicros> for UtcPicos {
    fn from(micros: UtcMicros) -> Self {
        Self {
            micros,
            picoseconds: 0,
        }
    }
}

/// A time to the picosecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcPicos {
    /// The microseconds.
    pub micros: UtcMicros,
    /// Picoseconds after them, below a million.
    pub picoseconds: u32,
}

impl fmt::Display for UtcPicos {
    /// ASCII time code A with twelve decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.micros.to_string();
        write!(f, "{}{:06}Z", text.trim_end_matches('Z'), self.picoseconds)
    }
}

impl FromStr for UtcPicos {
    type Err = TimeError;

    /// Reads ASCII time code A or B (301.0-B-4 3.5), the `Z` and trailing parts being optional.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        ascii::parse(text)
    }
}

/// The big-endian number that the octets are; only the last eight count.
#[inline]
pub(crate) fn big_endian(octets: &[u8]) -> u64 {
    octets
        .iter()
        .fold(0, |number, octet| number << 8 | u64::from(*octet))
}

#[cfg(test)]
mod tests;
