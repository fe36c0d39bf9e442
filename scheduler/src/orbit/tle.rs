//! Two-line elements, the legacy: the "TLE Format" of Space-Track, with Alpha-5 numbers.

use space_link::time::UtcMicros;

use super::Elements;
use super::error::{RecordError, RecordFault};
use super::file::{OrbitFile, Satellite, Source};
use super::ndm;
use crate::window::DAY;

const COLUMNS: usize = 69;
/// How far into a file its first line 1 is looked for.
const LINES_LOOKED_AT: usize = 50;

/// Whether a file looks like two-line elements.
pub(super) fn is_like(text: &str) -> bool {
    text.lines()
        .take(LINES_LOOKED_AT)
        .any(|line| line_number(line).is_some_and(|number| number == 1 || number == 2))
}

/// Reads pairs of lines, each with or without a line with a name before it.
pub(super) fn read(text: &str, file: &mut OrbitFile) {
    let mut name = None;
    let mut first: Option<(usize, &str)> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match (line_number(line), first.take()) {
            (Some(1), before) => {
                unpaired(before, name.filter(|_| before.is_some()), 1, file);
                first = Some((index + 1, line));
            }
            (Some(2), Some((at, one))) => match elements(name.take(), one, line) {
                Ok(elements) => file.satellites.push(Satellite {
                    source: Source::Elements(elements),
                }),
                Err((satellite, reason)) => file.faults.push(RecordFault {
                    satellite,
                    line: Some(at),
                    reason,
                }),
            },
            (Some(2), None) => {
                unpaired(Some((index + 1, line)), name.take(), 2, file);
            }
            (_, before) => {
                unpaired(before, name.take(), 1, file);
                name = Some(line.strip_prefix("0 ").unwrap_or(line).trim());
            }
        }
    }
    unpaired(first, name, 1, file);
}

/// 1 or 2 for a line of elements.
fn line_number(line: &str) -> Option<u8> {
    let line = line.trim_end();
    // A name may begin with a digit; a line of elements is as long as it is, and has a number.
    if line.len() < 60 {
        return None;
    }
    match line.as_bytes() {
        [b'1', b' ', ..] => Some(1),
        [b'2', b' ', ..] => Some(2),
        _ => None,
    }
}

fn unpaired(line: Option<(usize, &str)>, name: Option<&str>, number: u8, file: &mut OrbitFile) {
    let Some((at, line)) = line else {
        return;
    };
    let catalogue = line.get(2..7).unwrap_or_default().trim();
    file.faults.push(RecordFault {
        satellite: ndm::shown(name.unwrap_or(catalogue)),
        line: Some(at),
        reason: RecordError::Unpaired(number),
    });
}

fn elements(name: Option<&str>, one: &str, two: &str) -> Result<Elements, (String, RecordError)> {
    let field = one.get(2..7).unwrap_or_default().trim();
    let called = name.filter(|name| !name.is_empty());
    parse(called, one, two).map_err(|reason| (ndm::shown(called.unwrap_or(field)), reason))
}

fn parse(name: Option<&str>, one: &str, two: &str) -> Result<Elements, RecordError> {
    for (number, line) in [(1, one), (2, two)] {
        check_line(number, line)?;
    }
    let (number, other) = (&one[2..7], &two[2..7]);
    if number != other {
        return Err(RecordError::Mismatch(number.to_owned(), other.to_owned()));
    }
    let catalogue_number = alpha5(number)?;
    let eccentricity = format!("0.{}", two[26..33].trim());
    let elements = Elements {
        name: name.map_or_else(|| catalogue_number.to_string().into(), Into::into),
        object_id: designator(one[9..17].trim()).into(),
        catalogue_number: Some(catalogue_number),
        epoch: epoch(one[18..32].trim())?,
        mean_motion: ndm::number("MEAN_MOTION", two[52..63].trim())?,
        eccentricity: ndm::number("ECCENTRICITY", &eccentricity)?,
        inclination_deg: ndm::number("INCLINATION", two[8..16].trim())?,
        ascending_node_deg: ndm::number("RA_OF_ASC_NODE", two[17..25].trim())?,
        pericenter_deg: ndm::number("ARG_OF_PERICENTER", two[34..42].trim())?,
        mean_anomaly_deg: ndm::number("MEAN_ANOMALY", two[43..51].trim())?,
        bstar: assumed_point("BSTAR", &one[53..61])?,
        // Half the derivative stands there.
        mean_motion_dot: ndm::number("MEAN_MOTION_DOT", one[33..43].trim())? * 2.0,
    };
    elements.check()?;
    Ok(elements)
}

fn check_line(number: u8, line: &str) -> Result<(), RecordError> {
    if line.len() < COLUMNS || !line.is_ascii() {
        return Err(RecordError::Columns {
            line: number,
            got: line.len(),
        });
    }
    let sum: u32 = line.as_bytes()[..COLUMNS - 1]
        .iter()
        .map(|octet| match octet {
            b'0'..=b'9' => u32::from(octet - b'0'),
            b'-' => 1,
            _ => 0,
        })
        .sum();
    let expected = (sum % 10) as u8;
    let got = char::from(line.as_bytes()[COLUMNS - 1]);
    if got == char::from(b'0' + expected) {
        Ok(())
    } else {
        Err(RecordError::Checksum {
            line: number,
            expected,
            got,
        })
    }
}

/// Five digits, or a letter for the first two digits, without I and O: up to 339,999.
fn alpha5(field: &str) -> Result<u32, RecordError> {
    let malformed = || RecordError::Malformed {
        keyword: "NORAD_CAT_ID",
        got: field.to_owned(),
        wanted: "five digits, or a letter but I and O and four digits",
    };
    let trimmed = field.trim();
    let (high, low) = match trimmed.as_bytes() {
        [letter @ b'A'..=b'Z', rest @ ..] if rest.len() == 4 && !matches!(letter, b'I' | b'O') => {
            let skipped = u32::from(*letter > b'I') + u32::from(*letter > b'O');
            let tens = u32::from(letter - b'A') + 10 - skipped;
            (tens * 10_000, &trimmed[1..])
        }
        _ => (0, trimmed),
    };
    if low.is_empty() || !low.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(malformed());
    }
    let low: u32 = low.parse().map_err(|_| malformed())?;
    Ok(high + low)
}

/// `25070.45674914`: two digits of the year, 1957 to 2056, and the day with decimals, of which the
/// eighth is 864 microseconds.
fn epoch(field: &str) -> Result<UtcMicros, RecordError> {
    let malformed = || RecordError::Malformed {
        keyword: "EPOCH",
        got: ndm::shown(field),
        wanted: "a year and day as 25070.45674914",
    };
    let (whole, decimals) = field.split_once('.').unwrap_or((field, ""));
    let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    if whole.len() != 5 || !digits(whole) || !digits(decimals) || decimals.len() > 12 {
        return Err(malformed());
    }
    let year: u32 = whole[..2].parse().map_err(|_| malformed())?;
    let year = if year < 57 { 2000 + year } else { 1900 + year };
    let day: UtcMicros = format!("{year}-{}", &whole[2..])
        .parse()
        .map_err(|_| malformed())?;
    let padded = format!("{decimals:0<12}");
    let trillionths: i64 = padded.parse().map_err(|_| malformed())?;
    // A day has 864e8 microseconds: a trillionth of it is 0.0864 of them.
    let micros = i128::from(trillionths) * i128::from(DAY) / 1_000_000_000_000;
    Ok(UtcMicros::new(day.get() + micros as i64))
}

/// ` 24313-3` is 0.24313e-3.
fn assumed_point(keyword: &'static str, field: &str) -> Result<f64, RecordError> {
    let trimmed = field.trim();
    let (sign, rest) = match trimmed.as_bytes().first() {
        Some(b'-') => (-1.0, &trimmed[1..]),
        Some(b'+') => (1.0, &trimmed[1..]),
        _ => (1.0, trimmed),
    };
    let malformed = || RecordError::Malformed {
        keyword,
        got: field.to_owned(),
        wanted: "a number as 24313-3, which is 0.24313e-3",
    };
    let (mantissa, exponent) = match rest.rfind(['+', '-']) {
        Some(at) => rest.split_at(at),
        None => (rest, "0"),
    };
    if mantissa.is_empty() || !mantissa.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(malformed());
    }
    ndm::number(keyword, &format!("0.{mantissa}e{exponent}"))
        .map(|value| sign * value)
        .map_err(|_| malformed())
}

/// `98067A` is 1998-067A.
fn designator(field: &str) -> String {
    match (field.get(..2), field.get(2..)) {
        (Some(year), Some(rest)) if rest.len() >= 4 && year.bytes().all(|o| o.is_ascii_digit()) => {
            let century = if year < "57" { "20" } else { "19" };
            format!("{century}{year}-{rest}")
        }
        _ => field.to_owned(),
    }
}
