//! Time types: epochs, units of time, and dates.

use super::document::{child, elements, name_of, text_of};
use super::encodings::ENCODINGS;
use super::load::Loader;
use super::model::{Epoch, TypeKind};
use super::notes::{Built, mistake, unsupported};
use super::types::{Chain, is_number};
use super::values::{attribute, double};
use roxmltree::Node;

impl<'a> Loader<'a> {
    /// AbsoluteTimeParameterType or RelativeTimeParameterType.
    pub(super) fn time_type(
        &mut self,
        chain: &Chain<'a>,
        without_encoding: &mut bool,
    ) -> Built<'a, TypeKind> {
        let node = chain.own;
        // The schema has the data encoding inside Encoding; documents of XTCE 1.0 leave that out.
        let holder = chain.child("Encoding");
        let inner = holder.and_then(|(holder, system)| {
            let form = elements(holder).find(|form| ENCODINGS.contains(&name_of(*form)))?;
            Some((form, system))
        });
        let encoding = match inner {
            Some((form, system)) => self.encoding(form, system)?,
            None => self.encoding_of(chain, None, without_encoding)?,
        };
        let (mut scale, mut offset, mut unit_seconds) = (1.0, 0.0, Some(1.0));
        if let Some((holder, _)) = holder {
            scale = attribute(holder, "scale", double)?.unwrap_or(1.0);
            offset = attribute(holder, "offset", double)?.unwrap_or(0.0);
            let units = holder.attribute("units").unwrap_or("seconds");
            unit_seconds = seconds(units);
            if unit_seconds.is_none() {
                self.note(unsupported(
                    holder,
                    format!("time in {units}; the raw number is kept"),
                ));
            }
        }
        let (Some(unit_seconds), true) = (unit_seconds, is_number(&encoding.kind)) else {
            let named = unit_seconds.is_none();
            return Ok(self.as_is(node, encoding, |_| named));
        };
        if name_of(node).starts_with("RelativeTime") {
            return Ok(TypeKind::RelativeTime {
                scale,
                offset,
                unit_seconds,
                encoding,
            });
        }
        let epoch = match chain.child("ReferenceTime") {
            Some((reference, system)) => self.epoch(reference, system)?,
            None => Epoch::None,
        };
        Ok(TypeKind::AbsoluteTime {
            epoch,
            scale,
            offset,
            unit_seconds,
            encoding,
        })
    }

    fn epoch(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Epoch> {
        let offset = child(node, "OffsetFrom");
        let Some(epoch) = child(node, "Epoch") else {
            let offset = offset.ok_or_else(|| mistake(node, "ReferenceTime says no epoch"))?;
            let (parameter, _) = self.parameter_instance(offset, system)?;
            return Ok(Epoch::OffsetFrom(parameter));
        };
        if let Some(offset) = offset {
            self.note(mistake(
                offset,
                "OffsetFrom beside Epoch, which alone is used",
            ));
        }
        let text = text_of(epoch);
        Ok(match text.as_str() {
            "TAI" => Epoch::Tai,
            "J2000" => Epoch::J2000,
            "UNIX" | "POSIX" => Epoch::Unix,
            "GPS" => Epoch::Gps,
            date => Epoch::Date(
                date_time(date).ok_or_else(|| mistake(epoch, format!("the epoch `{date}`")))?,
            ),
        })
    }
}

/// TimeUnitsType, and what real documents write besides. Months and years have no fixed length.
fn seconds(units: &str) -> Option<f64> {
    Some(match units.to_ascii_lowercase().as_str() {
        "seconds" | "second" | "s" => 1.0,
        "milliseconds" | "ms" => 1e-3,
        "microseconds" | "us" => 1e-6,
        "nanoseconds" | "ns" => 1e-9,
        "picoseconds" => 1e-12,
        "minutes" => 60.0,
        "hours" => 3600.0,
        "days" => 86_400.0,
        _ => return None,
    })
}

/// An xs:date or xs:dateTime as UTC microseconds since 1970.
fn date_time(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, time),
        None => (text.strip_suffix('Z').unwrap_or(text), "00:00:00"),
    };
    let mut parts = date.splitn(3, '-').map(|part| number(part, 4));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let (time, zone_minutes) = zone(time)?;
    let mut parts = time.splitn(3, ':');
    let hour = number(parts.next()?, 2)?;
    let minute = number(parts.next()?, 2)?;
    let second = parts.next()?;
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let fraction = format!("{fraction:0<6}");
    let second = number(second, 2)?;
    let micros = number(fraction.get(..fraction.len().min(6))?, 6)?;
    let in_month = (1..=12).contains(&month) && (1..=31).contains(&day);
    if !in_month || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let minutes = (days_from_civil(year, month, day) * 24 + hour) * 60 + minute - zone_minutes;
    Some((minutes * 60 + second) * 1_000_000 + micros)
}

fn number(digits: &str, most: usize) -> Option<i64> {
    let plain = digits.bytes().all(|o| o.is_ascii_digit()) && digits.len() <= most;
    if plain { digits.parse().ok() } else { None }
}

/// Splits `Z`, `+hh:mm` or `-hh:mm` off a time, as minutes.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (hours, minutes) = time.get(at + 1..)?.split_once(':')?;
    let minutes = number(hours, 2)? * 60 + number(minutes, 2)?;
    let east = time.get(at..)?.starts_with('+');
    Some((time.get(..at)?, if east { minutes } else { -minutes }))
}

/// Days since 1970-01-01 of the proleptic Gregorian calendar, counted in eras of 400 years.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
