//! Days and dates of the Gregorian calendar, before its introduction too.

/// Days of 400 years.
const ERA: i64 = 146_097;

/// Days from 0000-03-01 to 1970-01-01.
const UNIX: i64 = 719_468;

/// Days since 1970-01-01 of a date, whose month and day need not be checked.
pub(super) const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years here begin in March, so that the leap day is their last.
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year.rem_euclid(400);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    year.div_euclid(400) * ERA + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - UNIX
}

/// Year, month and day of a number of days since 1970-01-01.
pub(super) const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + UNIX;
    let of_era = days.rem_euclid(ERA);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = days.div_euclid(ERA) * 400 + year_of_era + (month <= 2) as i64;
    (year, month, day)
}

/// Whether a year has 366 days.
pub(super) const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month, 1 to 12.
pub(super) const fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
