//! Header values: readable text.

use schemas::record::Quality;

/// Octets of a time as text: `2026-11-21T16:43:36.123456Z`.
pub const TIME_OCTETS: usize = 27;

/// A time in microseconds since 1970 as text, unless its year has not four digits.
pub fn format_time(micros: i64) -> Option<[u8; TIME_OCTETS]> {
    let days = micros.div_euclid(DAY_MICROS);
    let mut rest = micros.rem_euclid(DAY_MICROS);
    let (year, month, day) = civil(days);
    if !(0..=9999).contains(&year) {
        return None;
    }
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    put(&mut text[0..4], year);
    put(&mut text[5..7], month);
    put(&mut text[8..10], day);
    put(&mut text[20..26], rest % 1_000_000);
    rest /= 1_000_000;
    put(&mut text[11..13], rest / 3_600);
    put(&mut text[14..16], rest / 60 % 60);
    put(&mut text[17..19], rest % 60);
    Some(text)
}

/// The time that a text says, in microseconds since 1970: as [`format_time`] writes it, or a plain
/// number where that cannot.
pub fn parse_time(text: &[u8]) -> Option<i64> {
    let Ok(text): Result<&[u8; TIME_OCTETS], _> = text.try_into() else {
        return std::str::from_utf8(text).ok()?.parse().ok();
    };
    let separators = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
    ];
    let separated = separators.iter().all(|(at, octet)| text[*at] == *octet);
    if !separated || text[26] != b'Z' {
        return None;
    }
    let (year, month, day) = (get(&text[0..4])?, get(&text[5..7])?, get(&text[8..10])?);
    let (hour, minute) = (get(&text[11..13])?, get(&text[14..16])?);
    let (second, micro) = (get(&text[17..19])?, get(&text[20..26])?);
    if !(1..=12).contains(&month) || day < 1 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    // The 31st of a short month is none.
    if civil(days) != (year, month, day) {
        return None;
    }
    Some(days * DAY_MICROS + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micro)
}

/// The quality of a word.
pub fn parse_quality(text: &[u8]) -> Option<Quality> {
    [
        Quality::Good,
        Quality::Corrected,
        Quality::Unchecked,
        Quality::Bad,
    ]
    .into_iter()
    .find(|quality| quality.as_str().as_bytes() == text)
}

/// A decimal number without sign.
pub fn parse_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    text.iter().try_fold(0_u64, |number, octet| {
        let digit = octet.wrapping_sub(b'0');
        (digit < 10).then_some(())?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// A number as decimal text, in a buffer of the caller's.
pub fn format_number(mut number: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &buffer[at..];
        }
    }
}

fn put(text: &mut [u8], mut number: i64) {
    for octet in text.iter_mut().rev() {
        *octet = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn get(text: &[u8]) -> Option<i64> {
    parse_number(text).and_then(|number| i64::try_from(number).ok())
}

/// Year, month and day of a day since 1970-01-01, proleptic Gregorian: 400-year eras that begin
/// in March, so that the leap day is the last of a year.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = (month + 9) % 12;
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

const DAY_MICROS: i64 = 86_400_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_read_as_people_write_them() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_795_279_416_123_456, "2026-11-21T16:43:36.123456Z"),
        ] {
            assert_eq!(format_time(micros).unwrap(), text.as_bytes());
            assert_eq!(parse_time(text.as_bytes()), Some(micros));
        }
        assert_eq!(format_time(i64::MAX), None);
        assert_eq!(parse_time(i64::MAX.to_string().as_bytes()), Some(i64::MAX));
        for wrong in [
            "2026-02-29T00:00:00.000000Z",
            "2026-11-21 16:43:36.123456Z",
            "",
            "x",
        ] {
            assert_eq!(parse_time(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn times_come_back(micros in -60_000_000_000_000_000_i64..250_000_000_000_000_000) {
            if let Some(text) = format_time(micros) {
                prop_assert_eq!(parse_time(&text), Some(micros));
            }
        }

        #[test]
        fn numbers_come_back(number: u64) {
            let mut buffer = [0; 20];
            let text = format_number(number, &mut buffer);
            prop_assert_eq!(text.to_vec(), number.to_string().into_bytes());
            prop_assert_eq!(parse_number(text), Some(number));
        }

        #[test]
        fn any_text_is_read_or_refused(text: Vec<u8>) {
            parse_time(&text);
            parse_number(&text);
            parse_quality(&text);
        }
    }
}
