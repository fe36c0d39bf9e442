//! UTC, TAI, GPS and TT, leap seconds, and the epochs that codes count from.

use std::borrow::Cow;

use super::calendar::days_from_civil;
use super::{DAY, SECOND, TimeError, UtcMicros};

/// TAI - GPS.
const TAI_AHEAD_OF_GPS: i64 = 19 * SECOND;

/// TT - TAI.
const TT_AHEAD_OF_TAI: i64 = 32_184_000;

/// A clock that an epoch is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeScale {
    /// Coordinated universal time: days of 86400 seconds, leap seconds not counted.
    Utc,
    /// International atomic time.
    Tai,
    /// GPS time, 19 s behind TAI.
    Gps,
    /// Terrestrial time, 32.184 s ahead of TAI.
    Tt,
}

impl TimeScale {
    /// How far the scale is ahead of TAI, in microseconds; nothing fixed for UTC.
    const fn ahead_of_tai(self) -> i64 {
        match self {
            Self::Utc | Self::Tai => 0,
            Self::Gps => -TAI_AHEAD_OF_GPS,
            Self::Tt => TT_AHEAD_OF_TAI,
        }
    }
}

/// What a clock showed when a code began to count.
///
/// A code with an epoch in UTC counts UTC days or seconds, without leap seconds, as most
/// spacecraft clocks that are set by hand do. One that counted leap seconds too has its epoch in
/// TAI, GPS or TT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch {
    scale: TimeScale,
    reading: i64,
}

impl Epoch {
    /// 1958-01-01 TAI, the epoch of CCSDS codes of level 1 (301.0-B-4 3.2.2).
    pub const TAI_1958: Self = Self::at_date(TimeScale::Tai, 1958, 1, 1);
    /// 1958-01-01 UTC: days in most CDS codes in use, and in SLE, are counted from here in UTC.
    pub const UTC_1958: Self = Self::at_date(TimeScale::Utc, 1958, 1, 1);
    /// 1970-01-01 UTC.
    pub const UNIX: Self = Self::at_date(TimeScale::Utc, 1970, 1, 1);
    /// 1980-01-06 GPS.
    pub const GPS: Self = Self::at_date(TimeScale::Gps, 1980, 1, 6);
    /// 2000-01-01 12:00 TT.
    pub const J2000: Self = Self {
        scale: TimeScale::Tt,
        reading: days_from_civil(2000, 1, 1) * DAY + DAY / 2,
    };

    const fn at_date(scale: TimeScale, year: i64, month: i64, day: i64) -> Self {
        Self {
            scale,
            reading: days_from_civil(year, month, day) * DAY,
        }
    }

    /// The moment when a clock of `scale` showed the date and time in `text`, ASCII code A or B.
    ///
    /// # Errors
    /// [`TimeError::Text`] when the text is not a time.
    pub fn parse(text: &str, scale: TimeScale) -> Result<Self, TimeError> {
        let reading = text.parse::<UtcMicros>()?.get();
        Ok(Self { scale, reading })
    }

    /// The clock.
    #[must_use]
    pub const fn scale(&self) -> TimeScale {
        self.scale
    }

    /// What the clock showed: microseconds since 1970-01-01T00:00:00 on that clock.
    #[inline]
    #[must_use]
    pub const fn reading(&self) -> i64 {
        self.reading
    }
}

/// The table of leap seconds: from when on TAI is how far ahead of UTC.
///
/// UTC before 1972, when it was steered by fractions of a second, is taken as TAI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeapSeconds {
    /// Microseconds since 1970 UTC, and TAI - UTC in microseconds from then on.
    entries: Cow<'static, [(i64, i64)]>,
}

impl LeapSeconds {
    /// The leap seconds up to that of 2016-12-31, the latest as of IERS Bulletin C 70 (2025).
    pub const IERS: Self = Self {
        entries: Cow::Borrowed(&IERS),
    };

    /// A table of (first day with a new difference, as seconds since 1970 UTC; TAI - UTC in
    /// seconds), in order of time. This is what IERS's `leap-seconds.list` holds.
    ///
    /// # Errors
    /// [`TimeError::LeapSeconds`] when an entry is not later than the one before,
    /// [`TimeError::OutOfRange`] when one is too far away.
    pub fn new(entries: &[(i64, i32)]) -> Result<Self, TimeError> {
        let later = |pair: &[(i64, i32)]| matches!(pair, [a, b] if a.0 < b.0);
        if let Some(wrong) = entries.windows(2).position(|pair| !later(pair)) {
            return Err(TimeError::LeapSeconds(wrong + 1));
        }
        let entries = entries
            .iter()
            .map(|(from, ahead)| {
                let from = from.checked_mul(SECOND).ok_or(TimeError::OutOfRange)?;
                Ok((from, i64::from(*ahead) * SECOND))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            entries: Cow::Owned(entries),
        })
    }

    /// TAI - UTC in microseconds at a time in UTC.
    #[inline]
    #[must_use]
    pub fn tai_minus_utc(&self, utc: UtcMicros) -> i64 {
        let found = self
            .entries
            .iter()
            .rev()
            .find(|(from, _)| utc.get() >= *from);
        found.map_or(0, |(_, ahead)| *ahead)
    }

    /// TAI, in microseconds since 1970-01-01T00:00:00 TAI.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] beyond 64 bits.
    #[inline]
    pub fn tai_from_utc(&self, utc: UtcMicros) -> Result<i64, TimeError> {
        utc.get()
            .checked_add(self.tai_minus_utc(utc))
            .ok_or(TimeError::OutOfRange)
    }

    /// UTC of microseconds since 1970-01-01T00:00:00 TAI.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] beyond 64 bits.
    #[inline]
    pub fn utc_from_tai(&self, tai: i64) -> Result<UtcMicros, TimeError> {
        let started = |(from, ahead): &&(i64, i64)| tai >= from.saturating_add(*ahead);
        let ahead = self
            .entries
            .iter()
            .rev()
            .find(started)
            .map_or(0, |(_, ahead)| *ahead);
        tai.checked_sub(ahead)
            .map(UtcMicros::new)
            .ok_or(TimeError::OutOfRange)
    }

    /// UTC when a clock of `scale` shows `reading` microseconds since its 1970-01-01T00:00:00.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] beyond 64 bits.
    #[inline]
    pub fn to_utc(&self, scale: TimeScale, reading: i64) -> Result<UtcMicros, TimeError> {
        match scale {
            TimeScale::Utc => Ok(UtcMicros::new(reading)),
            TimeScale::Tai | TimeScale::Gps | TimeScale::Tt => {
                let tai = reading.checked_sub(scale.ahead_of_tai());
                self.utc_from_tai(tai.ok_or(TimeError::OutOfRange)?)
            }
        }
    }

    /// What a clock of `scale` shows, in microseconds since its 1970-01-01T00:00:00.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] beyond 64 bits.
    #[inline]
    pub fn reading(&self, scale: TimeScale, utc: UtcMicros) -> Result<i64, TimeError> {
        match scale {
            TimeScale::Utc => Ok(utc.get()),
            TimeScale::Tai | TimeScale::Gps | TimeScale::Tt => {
                let reading = self.tai_from_utc(utc)?.checked_add(scale.ahead_of_tai());
                reading.ok_or(TimeError::OutOfRange)
            }
        }
    }
}

impl Default for LeapSeconds {
    fn default() -> Self {
        Self::IERS
    }
}

/// TAI from GPS time, both in microseconds since 1970-01-01T00:00:00 of their own.
#[must_use]
pub const fn tai_from_gps(gps: i64) -> Option<i64> {
    gps.checked_add(TAI_AHEAD_OF_GPS)
}

/// GPS time from TAI, both in microseconds since 1970-01-01T00:00:00 of their own.
#[must_use]
pub const fn gps_from_tai(tai: i64) -> Option<i64> {
    tai.checked_sub(TAI_AHEAD_OF_GPS)
}

/// IERS Bulletin C: years that began (1) or had their second half begin (7) with a leap second.
const IERS_DATES: [(i64, i64); 28] = [
    (1972, 1),
    (1972, 7),
    (1973, 1),
    (1974, 1),
    (1975, 1),
    (1976, 1),
    (1977, 1),
    (1978, 1),
    (1979, 1),
    (1980, 1),
    (1981, 7),
    (1982, 7),
    (1983, 7),
    (1985, 7),
    (1988, 1),
    (1990, 1),
    (1991, 1),
    (1992, 7),
    (1993, 7),
    (1994, 7),
    (1996, 1),
    (1997, 7),
    (1999, 1),
    (2006, 1),
    (2009, 1),
    (2012, 7),
    (2015, 7),
    (2017, 1),
];

/// From 10 s in 1972 to 37 s in 2017.
const IERS: [(i64, i64); 28] = {
    let mut table = [(0, 0); 28];
    let mut index = 0;
    while index < table.len() {
        let (year, month) = IERS_DATES[index];
        table[index] = (
            days_from_civil(year, month, 1) * DAY,
            (10 + index as i64) * SECOND,
        );
        index += 1;
    }
    table
};
