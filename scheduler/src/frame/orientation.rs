//! How far the Earth has turned: UT1 and the pole.

use std::borrow::Cow;
use std::f64::consts::{PI, TAU};

use space_link::time::{LeapSeconds, UtcMicros};
use thiserror::Error;

use super::EarthAt;
use super::ut1_table::{FIRST_DAY, STEP_DAYS, UT1_MINUS_TAI};
use crate::window::DAY;

/// 2000-01-01T12:00:00, in seconds since 1970.
const J2000_S: f64 = 946_728_000.0;
/// The day 1970-01-01 as a Modified Julian Date.
const MJD_1970: f64 = 40_587.0;
const DAY_S: f64 = 86_400.0;
const ARCSECOND: f64 = PI / 648_000.0;
const ROWS_MAX: usize = 200_000;

/// One day of a table of the Earth's orientation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarthOrientationRow {
    /// Modified Julian Date, UTC.
    pub mjd: f64,
    /// UT1 - UTC in seconds.
    pub ut1_minus_utc_s: f64,
    /// The pole's x and y in arc seconds.
    pub pole_arcsec: [f64; 2],
}

/// UT1 and the pole by time, with the leap seconds they are told against.
///
/// The built-in table has UT1 every five days from 1973 to the end of 2026, from the IERS, and a
/// pole that does not move. Between rows values are linear; before the first and after the last
/// they stay as there.
#[derive(Clone, Debug)]
pub struct EarthOrientation {
    leap: LeapSeconds,
    /// Seconds since 1970 UTC of the first row.
    first_s: f64,
    /// Seconds from row to row, where they are even; else they are in `times`.
    step_s: f64,
    times: Cow<'static, [f64]>,
    /// UT1 - TAI in seconds, which has no steps.
    ut1: Cow<'static, [f64]>,
    /// The pole's x and y in radians; none if it is not to move.
    pole: Vec<[f64; 2]>,
}

/// Why a table of the Earth's orientation cannot be used.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EarthOrientationError {
    /// A line that should hold numbers holds something else.
    #[error(
        "line {line} of the Earth orientation file has no {what} in columns {from} to {to}: it is to be in the IERS's finals2000A format"
    )]
    Line {
        /// Counted from 1.
        line: usize,
        /// What should be there.
        what: &'static str,
        /// First column, counted from 1.
        from: usize,
        /// Last column.
        to: usize,
    },
    /// A value that cannot be.
    #[error("row {row} of the Earth orientation table: {what} is {got}")]
    Value {
        /// Counted from 0.
        row: usize,
        /// Which value.
        what: &'static str,
        /// What it is.
        got: f64,
    },
    /// Rows that do not follow each other.
    #[error("row {row} of the Earth orientation table is not later than the one before it")]
    Order {
        /// Counted from 0.
        row: usize,
    },
    /// Too few rows to go between, or too many.
    #[error("the Earth orientation table has {0} rows: it is to have 2 to {ROWS_MAX}")]
    Rows(usize),
}

impl EarthOrientation {
    /// The table that is built in.
    #[must_use]
    pub fn builtin() -> Self {
        let ut1 = UT1_MINUS_TAI.map(|value| f64::from(value) * 1e-5);
        Self {
            leap: LeapSeconds::IERS,
            first_s: (FIRST_DAY as f64) * DAY_S,
            step_s: (STEP_DAYS as f64) * DAY_S,
            times: Cow::Borrowed(&[]),
            ut1: Cow::Owned(ut1.to_vec()),
            pole: Vec::new(),
        }
    }

    /// A table of one's own. The pole moves if any row says so.
    ///
    /// # Errors
    /// [`EarthOrientationError`] when rows are few, out of order or out of range.
    pub fn from_rows(
        rows: &[EarthOrientationRow],
        leap: LeapSeconds,
    ) -> Result<Self, EarthOrientationError> {
        if !(2..=ROWS_MAX).contains(&rows.len()) {
            return Err(EarthOrientationError::Rows(rows.len()));
        }
        let mut times = Vec::with_capacity(rows.len());
        let mut ut1 = Vec::with_capacity(rows.len());
        for (row, values) in rows.iter().enumerate() {
            check(
                row,
                "the Modified Julian Date",
                values.mjd,
                36_204.0,
                125_000.0,
            )?;
            check(row, "UT1 - UTC", values.ut1_minus_utc_s, -2.0, 2.0)?;
            for pole in values.pole_arcsec {
                check(row, "the pole", pole, -5.0, 5.0)?;
            }
            let time = (values.mjd - MJD_1970) * DAY_S;
            if times.last().is_some_and(|last| *last >= time) {
                return Err(EarthOrientationError::Order { row });
            }
            times.push(time);
            ut1.push(values.ut1_minus_utc_s - tai_minus_utc(&leap, time));
        }
        let moves = rows.iter().any(|row| row.pole_arcsec != [0.0; 2]);
        let pole = rows
            .iter()
            .filter(|_| moves)
            .map(|row| row.pole_arcsec.map(|angle| angle * ARCSECOND))
            .collect();
        Ok(Self {
            leap,
            first_s: times[0],
            step_s: 0.0,
            times: Cow::Owned(times),
            ut1: Cow::Owned(ut1),
            pole,
        })
    }

    /// A file `finals2000A.all` or `finals2000A.daily` of the IERS; with its pole, or with one that
    /// does not move. Lines without a value of UT1 end it.
    ///
    /// # Errors
    /// [`EarthOrientationError`] names the line.
    pub fn from_finals2000a(
        text: &str,
        polar_motion: bool,
        leap: LeapSeconds,
    ) -> Result<Self, EarthOrientationError> {
        let mut rows = Vec::new();
        for (index, line) in text.lines().enumerate().take(ROWS_MAX) {
            let number = |what, from: usize, to: usize| {
                let field = line.get(from - 1..to.min(line.len())).map(str::trim);
                field
                    .and_then(|field| field.parse::<f64>().ok())
                    .filter(|value| value.is_finite())
                    .ok_or(EarthOrientationError::Line {
                        line: index + 1,
                        what,
                        from,
                        to,
                    })
            };
            if line.get(58..68).is_none_or(|field| field.trim().is_empty()) {
                break;
            }
            let pole_arcsec = if polar_motion {
                [
                    number("x of the pole", 19, 27)?,
                    number("y of the pole", 38, 46)?,
                ]
            } else {
                [0.0; 2]
            };
            rows.push(EarthOrientationRow {
                mjd: number("Modified Julian Date", 8, 15)?,
                ut1_minus_utc_s: number("UT1 - UTC", 59, 68)?,
                pole_arcsec,
            });
        }
        Self::from_rows(&rows, leap)
    }

    /// The leap seconds that UTC is told with.
    #[must_use]
    pub fn leap_seconds(&self) -> &LeapSeconds {
        &self.leap
    }

    /// From when until when the table has values.
    #[must_use]
    pub fn covers(&self) -> (UtcMicros, UtcMicros) {
        let last = self.times.last().copied().unwrap_or_else(|| {
            self.first_s + self.step_s * self.ut1.len().saturating_sub(1) as f64
        });
        let micros = |seconds: f64| UtcMicros::new((seconds * 1e6) as i64);
        (micros(self.first_s), micros(last))
    }

    /// UT1 - UTC in seconds.
    #[must_use]
    pub fn ut1_minus_utc_s(&self, utc: UtcMicros) -> f64 {
        self.ut1_minus_utc_at(utc.get() as f64 * 1e-6)
    }

    /// The Greenwich mean sidereal time of 1982 in radians, 0 to 2 pi.
    ///
    /// Aoki et al., Astronomy and Astrophysics 105 (1982).
    #[must_use]
    pub fn sidereal_time(&self, utc: UtcMicros) -> f64 {
        self.sidereal_at(utc.get() as f64 * 1e-6)
    }

    /// How the Earth stands, by seconds since 1970 UTC.
    #[inline]
    pub(crate) fn earth_at(&self, utc_s: f64) -> EarthAt {
        EarthAt::new(self.sidereal_at(utc_s), self.pole_at(utc_s))
    }

    pub(super) fn ut1_days_since_j2000(&self, utc_s: f64) -> f64 {
        (utc_s + self.ut1_minus_utc_at(utc_s) - J2000_S) / DAY_S
    }

    pub(super) fn tt_centuries_since_j2000(&self, utc_s: f64) -> f64 {
        let tt = utc_s + tai_minus_utc(&self.leap, utc_s) + 32.184;
        (tt - J2000_S) / (DAY_S * 36_525.0)
    }

    #[inline]
    pub(super) fn sidereal_at(&self, utc_s: f64) -> f64 {
        let days = self.ut1_days_since_j2000(utc_s);
        let centuries = days / 36_525.0;
        let seconds = 67_310.548_41
            + centuries * (8_640_184.812_866 + centuries * (0.093_104 - 6.2e-6 * centuries))
            + DAY_S * (days % 1.0);
        (seconds * (TAU / DAY_S)).rem_euclid(TAU)
    }

    #[inline]
    fn ut1_minus_utc_at(&self, utc_s: f64) -> f64 {
        let (row, part) = self.place(utc_s);
        let (a, b) = (self.ut1[row], self.ut1[row + 1]);
        a + part * (b - a) + tai_minus_utc(&self.leap, utc_s)
    }

    #[inline]
    fn pole_at(&self, utc_s: f64) -> [f64; 2] {
        if self.pole.is_empty() {
            return [0.0; 2];
        }
        let (row, part) = self.place(utc_s);
        let (a, b) = (self.pole[row], self.pole[row + 1]);
        [0, 1].map(|axis| a[axis] + part * (b[axis] - a[axis]))
    }

    /// The row at or before a time, never the last, and how much of the way to the next has gone.
    #[inline]
    fn place(&self, utc_s: f64) -> (usize, f64) {
        let last = self.ut1.len() - 2;
        if self.times.is_empty() {
            let steps = (utc_s - self.first_s) / self.step_s;
            let row = (steps.max(0.0) as usize).min(last);
            return (row, (steps - row as f64).clamp(0.0, 1.0));
        }
        let after = self.times.partition_point(|time| *time <= utc_s);
        let row = after.saturating_sub(1).min(last);
        let (from, to) = (self.times[row], self.times[row + 1]);
        (row, ((utc_s - from) / (to - from)).clamp(0.0, 1.0))
    }
}

impl Default for EarthOrientation {
    fn default() -> Self {
        Self::builtin()
    }
}

#[inline]
fn tai_minus_utc(leap: &LeapSeconds, utc_s: f64) -> f64 {
    leap.tai_minus_utc(UtcMicros::new((utc_s * 1e6) as i64)) as f64 * 1e-6
}

fn check(
    row: usize,
    what: &'static str,
    got: f64,
    min: f64,
    max: f64,
) -> Result<(), EarthOrientationError> {
    if (min..=max).contains(&got) {
        Ok(())
    } else {
        Err(EarthOrientationError::Value { row, what, got })
    }
}

const _: () = assert!(DAY == 86_400_000_000);

#[cfg(test)]
mod tests {
    use super::*;

    /// Two lines in the format of finals2000A.all (IERS), around the end of 2016 with its leap
    /// second.
    const LEAP: &str = "\
161231 57753.00 I  0.078206 0.000030  0.264917 0.000026  I-0.4064837 0.0000045  1.3467 0.0034  I
17 1 1 57754.00 I  0.076937 0.000031  0.265863 0.000027  I 0.5920973 0.0000046  1.3793 0.0033  I
17 1 2 57755.00 I  0.075514 0.000032  0.266854 0.000027  I 0.5906938 0.0000052  1.4291 0.0032  I
17 1 3 57756.00
";

    fn time(text: &str) -> UtcMicros {
        text.parse().unwrap()
    }

    #[test]
    fn ut1_steps_with_utc_and_is_even_between() {
        let table = EarthOrientation::from_finals2000a(LEAP, true, LeapSeconds::IERS).unwrap();
        let before = table.ut1_minus_utc_s(time("2016-12-31T23:59:59Z"));
        let after = table.ut1_minus_utc_s(time("2017-01-01T00:00:00Z"));
        assert!((after - before - 1.0).abs() < 1e-4, "{before} {after}");
        assert!((after - 0.592_097_3).abs() < 1e-9);
        let [x, y] = table.pole_at(1_483_228_800.0);
        assert!((x / ARCSECOND - 0.076_937).abs() < 1e-9);
        assert!((y / ARCSECOND - 0.265_863).abs() < 1e-9);
        assert_eq!(table.covers().1, time("2017-01-02"));
        // The built-in table holds the same, to its own accuracy.
        let builtin = EarthOrientation::builtin();
        assert!((builtin.ut1_minus_utc_s(time("2017-01-01")) - 0.592_097_3).abs() < 1e-3);
    }

    #[test]
    fn beyond_its_end_a_table_stays_as_it_was() {
        let table = EarthOrientation::builtin();
        let (first, last) = table.covers();
        assert_eq!(first, time("1973-01-02"));
        assert!(last > time("2026-12-01"));
        let far = table.ut1_minus_utc_s(time("2199-01-01"));
        assert!((far - table.ut1_minus_utc_s(last)).abs() < 1e-9);
        assert!(table.ut1_minus_utc_s(UtcMicros::new(i64::MIN)).is_finite());
    }

    #[test]
    fn a_bad_table_says_where() {
        let parse = |text| EarthOrientation::from_finals2000a(text, false, LeapSeconds::IERS);
        assert!(matches!(parse(""), Err(EarthOrientationError::Rows(0))));
        let garbled = LEAP.replace("57754.00", "57x54.00");
        assert!(matches!(
            parse(&garbled),
            Err(EarthOrientationError::Line { line: 2, .. })
        ));
        let twice = LEAP.replace("57755.00", "57754.00");
        assert!(matches!(
            parse(&twice),
            Err(EarthOrientationError::Order { row: 2 })
        ));
    }

    #[test]
    fn sidereal_time_is_vallados() {
        // Vallado, Fundamentals of Astrodynamics, example 3-5: 1992-08-20 12:14 UT1.
        let row = |mjd| EarthOrientationRow {
            mjd,
            ut1_minus_utc_s: 0.0,
            pole_arcsec: [0.0; 2],
        };
        let table = EarthOrientation::from_rows(&[row(48_810.0), row(48_900.0)], LeapSeconds::IERS)
            .unwrap();
        let angle = table
            .sidereal_time(time("1992-08-20T12:14:00Z"))
            .to_degrees();
        assert!((angle - 152.578_787_810).abs() < 1e-7, "{angle}");
    }
}
