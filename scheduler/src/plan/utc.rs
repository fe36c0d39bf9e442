//! UTC as people and schedules write it.

use crate::interval::{DAY, SECOND};

/// `2026-03-01T12:34:56.789012Z`.
pub(crate) fn text(time: i64) -> String {
    let (year, month, day) = civil(time.div_euclid(DAY));
    let (hour, minute, second, micro) = clock(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}Z")
}

/// CCSDS time code B, `2026-060T12:34:56.789Z`, to the millisecond. CCSDS 301.0-B-4 3.5.1.2.
pub(crate) fn day_of_year(time: i64) -> String {
    let days = time.div_euclid(DAY);
    let (year, _, _) = civil(days);
    let first = first_day(year);
    let (hour, minute, second, micro) = clock(time);
    format!(
        "{year:04}-{:03}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        days - first + 1,
        micro / 1_000
    )
}

/// `2026-03-01`.
pub(crate) fn date(time: i64) -> String {
    let (year, month, day) = civil(time.div_euclid(DAY));
    format!("{year:04}-{month:02}-{day:02}")
}

/// `12:34:56`.
pub(crate) fn clock_text(time: i64) -> String {
    let (hour, minute, second, _) = clock(time);
    format!("{hour:02}:{minute:02}:{second:02}")
}

fn clock(time: i64) -> (i64, i64, i64, i64) {
    let rest = time.rem_euclid(DAY);
    let seconds = rest / SECOND;
    (
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        rest % SECOND,
    )
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that a leap day is the last; 400 years have 146,097 days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// The first of January of a year, in days from 1970-01-01.
fn first_day(year: i64) -> i64 {
    let before = year - 1;
    let leaps = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    365 * (year - 1970) + leaps - (1969 / 4 - 1969 / 100 + 1969 / 400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_calendar_says() {
        // From GNU date: date -u -d @N.
        let noon = 1_772_368_496_789_012;
        assert_eq!(text(noon), "2026-03-01T12:34:56.789012Z");
        assert_eq!(day_of_year(noon), "2026-060T12:34:56.789Z");
        assert_eq!(text(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(text(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(day_of_year(951_782_400_000_000), "2000-060T00:00:00.000Z");
        assert_eq!(date(951_782_400_000_000), "2000-02-29");
        assert_eq!(day_of_year(1_735_603_200_000_000), "2024-366T00:00:00.000Z");
        assert_eq!(clock_text(1_735_603_199_000_000), "23:59:59");
    }
}
