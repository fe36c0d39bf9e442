//! Conditions and computed integers over columns read earlier.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use schemas::layout::{Integer, Predicate, Reference, Right};
use schemas::xtce::model::ComparisonOperator;

use super::numbers::{Numbers, numbers};
use super::run::Frame;

/// An integer that has no value for a row.
pub(super) const NO_INTEGER: i64 = i64::MIN;

/// For which rows a condition holds; where a value is absent, its comparison does not.
pub(super) fn evaluate(frame: &Frame<'_>, predicate: &Predicate) -> Vec<bool> {
    let rows = frame.rows.len();
    match predicate {
        Predicate::Never => vec![false; rows],
        Predicate::All(list) => list.iter().fold(vec![true; rows], |mut held, predicate| {
            if held.contains(&true) {
                let other = evaluate(frame, predicate);
                held.iter_mut()
                    .zip(other)
                    .for_each(|(held, other)| *held &= other);
            }
            held
        }),
        Predicate::Any(list) => list.iter().fold(vec![false; rows], |mut held, predicate| {
            let other = evaluate(frame, predicate);
            held.iter_mut()
                .zip(other)
                .for_each(|(held, other)| *held |= other);
            held
        }),
        Predicate::Compare {
            left,
            operator,
            right,
        } => compare(frame, *left, *operator, right).unwrap_or_else(|| vec![false; rows]),
    }
}

fn compare(
    frame: &Frame<'_>,
    left: Reference,
    operator: ComparisonOperator,
    right: &Right,
) -> Option<Vec<bool>> {
    let array = frame.value(left)?;
    let holds = |ordering: Option<Ordering>| ordering.is_some_and(|o| holds(operator, o));
    let valid = |row: usize| array.is_valid(row);
    let rows = 0..array.len();
    Some(match right {
        Right::Text(text) => {
            let values = array.as_string_opt::<i32>()?;
            rows.map(|row| valid(row) && holds(Some(values.value(row).cmp(text))))
                .collect()
        }
        Right::Octets(octets) => {
            let values = array.as_binary_opt::<i32>()?;
            rows.map(|row| valid(row) && holds(Some(values.value(row).cmp(octets))))
                .collect()
        }
        Right::Boolean(boolean) => {
            let values = array.as_boolean_opt()?;
            rows.map(|row| valid(row) && holds(Some(values.value(row).cmp(boolean))))
                .collect()
        }
        Right::Integer(integer) => match numbers(&array)? {
            Numbers::Integers(values) => rows
                .map(|row| valid(row) && holds(Some(values[row].cmp(integer))))
                .collect(),
            Numbers::Floats(values) => {
                let number = *integer as f64;
                rows.map(|row| valid(row) && holds(values[row].partial_cmp(&number)))
                    .collect()
            }
        },
        Right::Float(number) => {
            let values = numbers(&array)?.into_floats();
            rows.map(|row| valid(row) && holds(values[row].partial_cmp(number)))
                .collect()
        }
        Right::Reference(right) => {
            let other = frame.value(*right)?;
            let ordering = orderings(&array, &other)?;
            rows.map(|row| valid(row) && other.is_valid(row) && holds(ordering[row]))
                .collect()
        }
    })
}

fn orderings(left: &ArrayRef, right: &ArrayRef) -> Option<Vec<Option<Ordering>>> {
    if let (DataType::Utf8, DataType::Utf8) = (left.data_type(), right.data_type()) {
        let (left, right) = (left.as_string::<i32>(), right.as_string::<i32>());
        let rows = 0..left.len();
        return Some(
            rows.map(|row| Some(left.value(row).cmp(right.value(row))))
                .collect(),
        );
    }
    Some(match (numbers(left)?, numbers(right)?) {
        (Numbers::Integers(left), Numbers::Integers(right)) => left
            .iter()
            .zip(&right)
            .map(|(left, right)| Some(left.cmp(right)))
            .collect(),
        (left, right) => {
            let (left, right) = (left.into_floats(), right.into_floats());
            left.iter()
                .zip(&right)
                .map(|(left, right)| left.partial_cmp(right))
                .collect()
        }
    })
}

fn holds(operator: ComparisonOperator, ordering: Ordering) -> bool {
    match operator {
        ComparisonOperator::Equal => ordering.is_eq(),
        ComparisonOperator::NotEqual => ordering.is_ne(),
        ComparisonOperator::Less => ordering.is_lt(),
        ComparisonOperator::LessOrEqual => ordering.is_le(),
        ComparisonOperator::Greater => ordering.is_gt(),
        ComparisonOperator::GreaterOrEqual => ordering.is_ge(),
    }
}

/// A computed integer for each row, [`NO_INTEGER`] where it has no value.
pub(super) fn integers(frame: &Frame<'_>, integer: &Integer) -> Vec<i64> {
    let rows = frame.rows.len();
    match integer {
        Integer::Fixed(value) => vec![*value; rows],
        Integer::Unknown => vec![NO_INTEGER; rows],
        Integer::Lookup(list) => {
            let mut values = vec![NO_INTEGER; rows];
            let mut open = vec![true; rows];
            for (predicate, value) in list {
                let held = evaluate(frame, predicate);
                for row in (0..rows).filter(|&row| held[row]) {
                    if std::mem::take(&mut open[row]) {
                        values[row] = *value;
                    }
                }
            }
            values
        }
        Integer::Linear {
            of,
            slope,
            intercept,
        } => linear(frame, *of, *slope, *intercept).unwrap_or_else(|| vec![NO_INTEGER; rows]),
    }
}

fn linear(frame: &Frame<'_>, of: Reference, slope: f64, intercept: f64) -> Option<Vec<i64>> {
    let array = frame.value(of)?;
    let values = numbers(&array)?.into_floats();
    let row = |(row, value): (usize, f64)| {
        let result = (value * slope + intercept).trunc();
        // Anything a packet can mean by a size is far inside; NaN is not.
        let known = array.is_valid(row) && result.abs() < 1e15;
        if known { result as i64 } else { NO_INTEGER }
    };
    Some(values.into_iter().enumerate().map(row).collect())
}
