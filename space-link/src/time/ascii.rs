//! ASCII time codes A and B: CCSDS 301.0-B-4 3.5.

use core::fmt;

use super::calendar::{civil_from_days, days_from_civil, days_of_month, is_leap};
use super::{DAY, PICOS_PER_MICRO, SECOND, TimeError, UtcMicros, UtcPicos};

/// Shows a time as ASCII time code B, `2024-341T16:28:08.182000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayOfYear(pub UtcMicros);

impl fmt::Display for DayOfYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.get().div_euclid(DAY);
        let (year, _, _) = civil_from_days(days);
        let day = days - days_from_civil(year, 1, 1) + 1;
        write!(f, "{year:04}-{day:03}")?;
        write_time_of_day(f, self.0.get().rem_euclid(DAY))
    }
}

/// Writes `T16:28:08.182000Z` for microseconds of a day.
pub(super) fn write_time_of_day(f: &mut fmt::Formatter<'_>, micros: i64) -> fmt::Result {
    let seconds = micros / SECOND;
    write!(
        f,
        "T{:02}:{:02}:{:02}.{:06}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        micros % SECOND
    )
}

/// Reads either code; what stands after the date may be left off from the right.
pub(super) fn parse(text: &str) -> Result<UtcPicos, TimeError> {
    let mut rest = Reader {
        octets: text.as_bytes(),
        at: 0,
    };
    let year = rest.number(4, 0, 9999)?;
    rest.expect(b'-')?;
    let (days, last_of_month) = match rest.octets.get(rest.at + 2) {
        Some(b'-') => {
            let month = rest.number(2, 1, 12)?;
            rest.expect(b'-')?;
            let day = rest.number(2, 1, days_of_month(year, month))?;
            (
                days_from_civil(year, month, day),
                day == days_of_month(year, month),
            )
        }
        _ => {
            let day = rest.number(3, 1, 365 + i64::from(is_leap(year)))?;
            (days_from_civil(year, 1, 1) + day - 1, true)
        }
    };
    let mut micros = days * DAY;
    let mut picoseconds = 0;
    if rest.take(b'T') {
        let hour = rest.number(2, 0, 23)?;
        let minute = if rest.take(b':') {
            rest.number(2, 0, 59)?
        } else {
            0
        };
        let second = if rest.take(b':') {
            // Leap seconds come at the end of a month only (ITU-R TF.460).
            let leap = hour == 23 && minute == 59 && last_of_month;
            rest.number(2, 0, if leap { 60 } else { 59 })?
        } else {
            0
        };
        micros += (hour * 3600 + minute * 60 + second) * SECOND;
        if rest.take(b'.') {
            let picos = rest.fraction()?;
            micros += picos / i64::from(PICOS_PER_MICRO);
            picoseconds = (picos % i64::from(PICOS_PER_MICRO)) as u32;
        }
    }
    rest.take(b'Z');
    if rest.at != rest.octets.len() {
        return Err(rest.error());
    }
    Ok(UtcPicos {
        micros: UtcMicros::new(micros),
        picoseconds,
    })
}

struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn error(&self) -> TimeError {
        TimeError::Text { at: self.at }
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.octets.get(self.at) == Some(&wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: u8) -> Result<(), TimeError> {
        if self.take(wanted) {
            Ok(())
        } else {
            Err(self.error())
        }
    }

    fn digit(&mut self) -> Option<i64> {
        let digit = self
            .octets
            .get(self.at)
            .filter(|octet| octet.is_ascii_digit())?;
        self.at += 1;
        Some(i64::from(*digit - b'0'))
    }

    /// Exactly `digits` digits, within bounds.
    fn number(&mut self, digits: usize, min: i64, max: i64) -> Result<i64, TimeError> {
        let start = TimeError::Text { at: self.at };
        let mut number = 0;
        for _ in 0..digits {
            number = number * 10 + self.digit().ok_or(self.error())?;
        }
        if (min..=max).contains(&number) {
            Ok(number)
        } else {
            Err(start)
        }
    }

    /// The digits of a decimal fraction of a second, in picoseconds; what is below is cut off.
    fn fraction(&mut self) -> Result<i64, TimeError> {
        let mut scale = 1_000_000_000_000;
        let mut picos = 0;
        let mut digits = 0;
        while let Some(digit) = self.digit() {
            scale /= 10;
            picos += digit * scale;
            digits += 1;
        }
        if digits == 0 {
            Err(self.error())
        } else {
            Ok(picos)
        }
    }
}
