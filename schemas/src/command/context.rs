//! What an argument's values depend on: other arguments' values; and from engineering to raw value.

use space_link::time::{LeapSeconds, TimeScale, UtcMicros};

use super::check::compare;
use super::error::Problem;
use super::raw::Number;
use super::shape::{Integer, Leaf, Meaning, Predicate};
use super::value::Value;
use super::{ArgumentLayout, At, PACKET_OCTETS_MAX};
use crate::layout::Raw;

/// The values that sizes, places and conditions depend on.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) arguments: &'c [ArgumentLayout],
    pub(super) values: &'c [Option<Value>],
}

impl<'c> Context<'c> {
    #[inline]
    pub(super) fn value(self, index: usize) -> Option<&'c Value> {
        match self.values.get(index) {
            Some(Some(value)) => Some(value),
            _ => self.arguments.get(index)?.default.as_ref(),
        }
    }

    pub(super) fn integer(self, integer: &Integer) -> Option<i64> {
        match integer {
            Integer::Fixed(value) => Some(*value),
            Integer::Linear {
                argument,
                calibrated,
                slope,
                intercept,
            } => {
                let value = self.operand(*argument, *calibrated)?.number()? * slope + intercept;
                #[allow(clippy::cast_possible_truncation, reason = "checked to fit")]
                (value.abs() < 9e15).then_some(value as i64)
            }
            Integer::Lookup(rows) => rows
                .iter()
                .find(|(when, _)| self.holds(when))
                .map(|(_, value)| *value),
        }
    }

    pub(super) fn holds(self, predicate: &Predicate) -> bool {
        match predicate {
            Predicate::All(list) => list.iter().all(|inner| self.holds(inner)),
            Predicate::Any(list) => list.iter().any(|inner| self.holds(inner)),
            Predicate::Compare {
                argument,
                calibrated,
                operator,
                value,
            } => self
                .operand(*argument, *calibrated)
                .and_then(|left| compare(&left, *operator, value))
                .unwrap_or(false),
        }
    }

    fn operand(self, index: usize, calibrated: bool) -> Option<Value> {
        let value = self.value(index)?;
        if calibrated {
            return Some(value.clone());
        }
        match self.arguments.get(index)?.shape.leaf() {
            Some(leaf) if !matches!(leaf.raw, Raw::Text { .. } | Raw::Octets) => {
                Some(match self.number(leaf, value).ok()? {
                    Number::Integer(raw) => Value::Integer(raw),
                    Number::Float(raw) => Value::Float(raw),
                })
            }
            _ => Some(value.clone()),
        }
    }

    /// The bit at which an entry begins, if the packet can have it.
    pub(super) fn position(self, at: &At, cursor: usize) -> Option<usize> {
        let from = |base: usize, offset: i64| {
            base.checked_add_signed(isize::try_from(offset).ok()?)
                .filter(|bit| *bit <= PACKET_OCTETS_MAX * 8)
        };
        match at {
            At::Bit(bit, _) => Some(*bit),
            At::Behind(offset) => from(cursor, *offset),
            At::Computed(base, offset) => from(base.unwrap_or(cursor), self.integer(offset)?),
        }
    }

    /// The raw number of an engineering value.
    #[inline]
    pub(super) fn number(self, leaf: &Leaf, value: &Value) -> Result<Number, Problem> {
        let engineering = match (&leaf.meaning, value) {
            (Meaning::Integer, Value::Integer(value)) => {
                if leaf.conversion.is_none() && leaf.integers.is_some() {
                    #[allow(clippy::cast_precision_loss, reason = "XTCE's ranges are doubles")]
                    if !leaf.in_range(*value as f64) {
                        return Err(Problem::OutOfRange);
                    }
                    return fits(leaf, *value);
                }
                #[allow(clippy::cast_precision_loss, reason = "calibrators work on doubles")]
                let number = *value as f64;
                number
            }
            (Meaning::Integer, Value::Float(value)) if leaf.conversion.is_some() => *value,
            (Meaning::Float | Meaning::Duration, Value::Float(_) | Value::Integer(_)) => {
                value.number().ok_or(Problem::WrongType)?
            }
            (Meaning::Boolean { .. }, Value::Boolean(value)) => {
                return Ok(if leaf.is_float() {
                    Number::Float(f64::from(u8::from(*value)))
                } else {
                    return fits(leaf, i128::from(*value));
                });
            }
            (Meaning::Enumeration { values, .. }, Value::Text(text)) => {
                let found = values.iter().find(|(label, _)| label == text);
                let (_, raw) = found.ok_or(Problem::UnknownLabel)?;
                return fits(leaf, i128::from(*raw));
            }
            (Meaning::Time { zero, leap_seconds }, Value::Time(time)) => {
                since(*time, *zero, *leap_seconds)
                    .ok_or_else(|| Problem::DoesNotFit("too far from the epoch".to_owned()))?
            }
            _ => return Err(Problem::WrongType),
        };
        if !engineering.is_finite() {
            return Err(Problem::DoesNotFit(
                "only finite numbers are sent".to_owned(),
            ));
        }
        if !leaf.ranges_of_raw && !leaf.in_range(engineering) {
            return Err(Problem::OutOfRange);
        }
        let context = leaf.contexts.iter().find(|(when, _)| self.holds(when));
        let conversion = context
            .map(|(_, conversion)| conversion)
            .or(leaf.conversion.as_ref());
        let whole = leaf.integers.is_some();
        let raw = conversion.map_or(engineering, |conversion| {
            conversion.inverse(engineering, whole)
        });
        if !whole {
            if leaf.ranges_of_raw && !leaf.in_range(raw) {
                return Err(Problem::OutOfRange);
            }
            return Ok(Number::Float(raw));
        }
        if raw.fract() != 0.0 || raw.abs() > 1e37 {
            return Err(Problem::DoesNotFit(
                "its field holds whole numbers".to_owned(),
            ));
        }
        if let Some(conversion) = conversion {
            #[allow(clippy::cast_possible_truncation, reason = "whole and bounded")]
            let held = leaf
                .integers
                .is_none_or(|(least, most)| (least..=most).contains(&(raw as i128)));
            let near = conversion.is_line()
                || (conversion.forward(raw) - engineering).abs() <= conversion.tolerance(raw);
            if !held || !near {
                let (least, most) = conversion.span();
                let unit = leaf.units.as_deref().unwrap_or_default();
                let why = format!("it holds {least} to {most} {unit}");
                return Err(Problem::DoesNotFit(why.trim_end().to_owned()));
            }
        }
        #[allow(clippy::cast_possible_truncation, reason = "whole and bounded")]
        fits(leaf, raw as i128)
    }
}

#[inline]
fn fits(leaf: &Leaf, value: i128) -> Result<Number, Problem> {
    #[allow(clippy::cast_precision_loss, reason = "XTCE's ranges are doubles")]
    if leaf.ranges_of_raw && !leaf.in_range(value as f64) {
        return Err(Problem::OutOfRange);
    }
    match leaf.integers {
        Some((least, most)) if !(least..=most).contains(&value) => {
            Err(Problem::DoesNotFit(format!("it holds {least} to {most}")))
        }
        _ => Ok(Number::Integer(value)),
    }
}

/// Microseconds from a time type's zero to a UTC time.
fn since(time: i64, zero: i64, leap_seconds: bool) -> Option<f64> {
    let reading = if leap_seconds {
        LeapSeconds::IERS
            .reading(TimeScale::Tai, UtcMicros::new(time))
            .ok()?
    } else {
        time
    };
    #[allow(
        clippy::cast_precision_loss,
        reason = "microseconds of centuries fit 53 bits"
    )]
    reading.checked_sub(zero).map(|micros| micros as f64)
}
