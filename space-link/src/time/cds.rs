//! CCSDS day segmented time code (CDS): 301.0-B-4 3.3.

use super::{
    DAY, Epoch, LeapSeconds, PICOS_PER_MICRO, SECOND, TimeError, UtcMicros, UtcPicos, big_endian,
};

/// Milliseconds of a day with a leap second at its end, less one.
const MAX_MILLISECOND: u32 = 86_400_999;

const MILLISECOND: i64 = SECOND / 1000;

/// What a CDS code has below the millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Submillisecond {
    /// Nothing.
    #[default]
    None,
    /// Microseconds of the millisecond, two octets.
    Micro,
    /// Picoseconds of the millisecond, four octets.
    Pico,
}

impl Submillisecond {
    /// Octets of the segment.
    #[must_use]
    pub const fn octets(self) -> usize {
        match self {
            Self::None => 0,
            Self::Micro => 2,
            Self::Pico => 4,
        }
    }
}

/// The segments of a CDS code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CdsTime {
    /// Days since the epoch.
    pub days: u32,
    /// Milliseconds of the day; 86400000 to 86400999 in a leap second.
    pub millisecond: u32,
    /// Picoseconds of the millisecond.
    pub picosecond: u32,
}

/// How a mission writes CDS times: epoch and sizes of the segments, big endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CdsFormat {
    epoch: Epoch,
    day_octets: u8,
    submillisecond: Submillisecond,
}

impl CdsFormat {
    /// Days in two or three octets, four octets of milliseconds, and what is below them.
    ///
    /// # Errors
    /// [`TimeError::Octets`] unless days have two or three octets.
    pub const fn new(
        epoch: Epoch,
        day_octets: u8,
        submillisecond: Submillisecond,
    ) -> Result<Self, TimeError> {
        if day_octets < 2 || day_octets > 3 {
            let part = "the CDS day segment";
            return Err(TimeError::Octets {
                part,
                min: 2,
                max: 3,
                got: day_octets,
            });
        }
        Ok(Self {
            epoch,
            day_octets,
            submillisecond,
        })
    }

    /// The epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Octets of a time, without preamble: 6 to 11.
    #[inline]
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.day_octets as usize + 4 + self.submillisecond.octets()
    }

    /// Reads the segments at the start of `octets`.
    ///
    /// # Errors
    /// [`TimeError::Truncated`], or [`TimeError::Segment`] when one is beyond its range.
    #[inline]
    pub fn read(&self, octets: &[u8]) -> Result<CdsTime, TimeError> {
        let (days, rest) = match (self.day_octets, octets) {
            (2, [a, b, rest @ ..]) => (u32::from_be_bytes([0, 0, *a, *b]), rest),
            (_, [a, b, c, rest @ ..]) => (u32::from_be_bytes([0, *a, *b, *c]), rest),
            _ => return Err(self.truncated(octets)),
        };
        let (millisecond, picosecond, max) = match (self.submillisecond, rest) {
            (Submillisecond::None, [a, b, c, d, ..]) => ([a, b, c, d], 0, 0),
            (Submillisecond::Micro, [a, b, c, d, e, f, ..]) => (
                [a, b, c, d],
                u64::from(u16::from_be_bytes([*e, *f])) * 1_000_000,
                999_000_000,
            ),
            (Submillisecond::Pico, [a, b, c, d, rest @ ..]) if rest.len() >= 4 => (
                [a, b, c, d],
                big_endian(rest.get(..4).unwrap_or_default()),
                999_999_999,
            ),
            _ => return Err(self.truncated(octets)),
        };
        let millisecond = u32::from_be_bytes(millisecond.map(|octet| *octet));
        if millisecond > MAX_MILLISECOND {
            return Err(segment(
                "CDS millisecond of the day",
                MAX_MILLISECOND,
                millisecond.into(),
            ));
        }
        if picosecond > max {
            return Err(segment(
                "CDS picosecond of the millisecond",
                max as u32,
                picosecond,
            ));
        }
        Ok(CdsTime {
            days,
            millisecond,
            picosecond: picosecond as u32,
        })
    }

    /// Appends the segments to `out`.
    ///
    /// # Errors
    /// [`TimeError::Segment`] when one is beyond its range.
    pub fn write(&self, time: &CdsTime, out: &mut Vec<u8>) -> Result<(), TimeError> {
        let max = (1 << (8 * u32::from(self.day_octets))) - 1;
        if time.days > max {
            return Err(segment("CDS day", max, time.days.into()));
        }
        if time.millisecond > MAX_MILLISECOND {
            let got = time.millisecond.into();
            return Err(segment("CDS millisecond of the day", MAX_MILLISECOND, got));
        }
        if time.picosecond > 999_999_999 {
            let got = time.picosecond.into();
            return Err(segment(
                "CDS picosecond of the millisecond",
                999_999_999,
                got,
            ));
        }
        let skip = 4 - usize::from(self.day_octets);
        out.extend_from_slice(time.days.to_be_bytes().get(skip..).unwrap_or_default());
        out.extend_from_slice(&time.millisecond.to_be_bytes());
        match self.submillisecond {
            Submillisecond::None => {}
            Submillisecond::Micro => {
                let micros = (time.picosecond / PICOS_PER_MICRO) as u16;
                out.extend_from_slice(&micros.to_be_bytes());
            }
            Submillisecond::Pico => out.extend_from_slice(&time.picosecond.to_be_bytes()),
        }
        Ok(())
    }

    /// The time at the start of `octets`, with the leap seconds known when this was built.
    ///
    /// # Errors
    /// As [`CdsFormat::read`], and [`TimeError::OutOfRange`].
    #[inline]
    pub fn decode(&self, octets: &[u8]) -> Result<UtcMicros, TimeError> {
        self.decode_with(octets, &LeapSeconds::IERS)
    }

    /// The time at the start of `octets`.
    ///
    /// # Errors
    /// As [`CdsFormat::read`], and [`TimeError::OutOfRange`].
    #[inline]
    pub fn decode_with(
        &self,
        octets: &[u8],
        leap_seconds: &LeapSeconds,
    ) -> Result<UtcMicros, TimeError> {
        self.to_utc(&self.read(octets)?, leap_seconds)
            .map(|time| time.micros)
    }

    /// The time that the segments say.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] beyond 64 bits of microseconds.
    #[inline]
    pub fn to_utc(
        &self,
        time: &CdsTime,
        leap_seconds: &LeapSeconds,
    ) -> Result<UtcPicos, TimeError> {
        // 2^32 days and 2^32 milliseconds are below 2^70 microseconds, so days are checked.
        let since_epoch = i64::from(time.days)
            .checked_mul(DAY)
            .and_then(|micros| micros.checked_add(i64::from(time.millisecond) * MILLISECOND))
            .and_then(|micros| micros.checked_add(i64::from(time.picosecond / PICOS_PER_MICRO)))
            .and_then(|micros| micros.checked_add(self.epoch.reading()))
            .ok_or(TimeError::OutOfRange)?;
        let micros = leap_seconds.to_utc(self.epoch.scale(), since_epoch)?;
        Ok(UtcPicos {
            micros,
            picoseconds: time.picosecond % PICOS_PER_MICRO,
        })
    }

    /// The segments of a time; what is below the format's resolution is cut off when written.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] before the epoch or after 2^32 days.
    pub fn from_utc(
        &self,
        time: UtcPicos,
        leap_seconds: &LeapSeconds,
    ) -> Result<CdsTime, TimeError> {
        let reading = leap_seconds.reading(self.epoch.scale(), time.micros)?;
        let since_epoch = reading
            .checked_sub(self.epoch.reading())
            .ok_or(TimeError::OutOfRange)?;
        let of_day = since_epoch.rem_euclid(DAY);
        let below = (of_day % MILLISECOND) as u32;
        Ok(CdsTime {
            days: u32::try_from(since_epoch.div_euclid(DAY)).map_err(|_| TimeError::OutOfRange)?,
            millisecond: (of_day / MILLISECOND) as u32,
            picosecond: below
                .saturating_mul(PICOS_PER_MICRO)
                .saturating_add(time.picoseconds.min(PICOS_PER_MICRO - 1)),
        })
    }

    /// Appends a time to `out`.
    ///
    /// # Errors
    /// As [`CdsFormat::from_utc`] and [`CdsFormat::write`].
    pub fn encode(
        &self,
        time: UtcPicos,
        leap_seconds: &LeapSeconds,
        out: &mut Vec<u8>,
    ) -> Result<(), TimeError> {
        self.write(&self.from_utc(time, leap_seconds)?, out)
    }

    #[cold]
    fn truncated(&self, octets: &[u8]) -> TimeError {
        TimeError::Truncated {
            code: "CDS time",
            needed: self.octets(),
            got: octets.len(),
        }
    }
}

#[cold]
fn segment(segment: &'static str, max: u32, got: u64) -> TimeError {
    TimeError::Segment {
        segment,
        max: max.into(),
        got,
    }
}
