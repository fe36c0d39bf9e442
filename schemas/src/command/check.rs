//! Conditions of telemetry, evaluated over values that are handed in with their times.

use super::value::{Arguments, Value};
use crate::layout::DEPTH_MAX;
use crate::xtce::model::ComparisonOperator;

/// A condition of telemetry.
#[derive(Clone, Debug)]
pub enum Check {
    /// All hold.
    All(Vec<Check>),
    /// One holds.
    Any(Vec<Check>),
    /// A comparison.
    Compare {
        /// Left-hand side.
        left: Operand,
        /// How.
        operator: ComparisonOperator,
        /// Right-hand side.
        right: Operand,
    },
}

/// A side of a comparison.
#[derive(Clone, Debug)]
pub enum Operand {
    /// A constant, typed like the other side.
    Value(Value),
    /// A parameter, by its qualified name.
    Parameter {
        /// Qualified name.
        name: String,
        /// Tables and columns that hold it.
        columns: Vec<(String, String)>,
        /// Its engineering rather than its raw value.
        calibrated: bool,
    },
    /// An argument of the command, by its place.
    Argument {
        /// Its place.
        index: usize,
        /// Its name.
        name: String,
    },
}

/// A parameter's last value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Engineering value.
    pub value: Value,
    /// Raw value, where it is another one.
    pub raw: Option<Value>,
    /// Generation time: microseconds since 1970-01-01 UTC.
    pub time: i64,
}

/// Last values of parameters.
pub trait Telemetry {
    /// The last value of a parameter, by its qualified name.
    fn sample(&self, parameter: &str) -> Option<Sample>;
}

impl<F: Fn(&str) -> Option<Sample>> Telemetry for F {
    fn sample(&self, parameter: &str) -> Option<Sample> {
        self(parameter)
    }
}

/// Which values count: microseconds since 1970-01-01 UTC, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Not older.
    pub from: i64,
    /// Not newer.
    pub to: i64,
}

impl Freshness {
    /// Values not older than `age_max` microseconds; the future is no telemetry either, but for
    /// `ahead_max` microseconds by which clocks may differ.
    pub fn recent(now: i64, age_max: i64, ahead_max: i64) -> Self {
        Self {
            from: now.saturating_sub(age_max),
            to: now.saturating_add(ahead_max),
        }
    }

    fn holds(self, time: i64) -> bool {
        (self.from..=self.to).contains(&time)
    }
}

/// What a condition came to. Only [`CheckOutcome::Holds`] lets a command go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It holds.
    Holds,
    /// It does not, and why.
    Fails(String),
    /// It cannot be told: values are missing or stale, and which.
    Unknown(String),
}

impl Check {
    /// Evaluates the condition over telemetry inside `fresh` and the command's own arguments.
    ///
    /// A value that is missing or outside `fresh` makes its comparison unknown, never true.
    pub fn evaluate(
        &self,
        telemetry: &dyn Telemetry,
        arguments: &Arguments,
        fresh: Freshness,
    ) -> CheckOutcome {
        self.at_depth(telemetry, arguments, fresh, 0)
    }

    /// All parameters that it looks at: qualified name, tables and columns.
    pub fn parameters(&self) -> Vec<(&str, &[(String, String)])> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(check) = open.pop() {
            match check {
                Self::All(list) | Self::Any(list) => open.extend(list.iter().rev()),
                Self::Compare { left, right, .. } => {
                    for side in [left, right] {
                        if let Operand::Parameter { name, columns, .. } = side {
                            found.push((name.as_str(), columns.as_slice()));
                        }
                    }
                }
            }
        }
        found
    }

    fn at_depth(
        &self,
        telemetry: &dyn Telemetry,
        arguments: &Arguments,
        fresh: Freshness,
        depth: usize,
    ) -> CheckOutcome {
        if depth > DEPTH_MAX {
            return CheckOutcome::Unknown("the condition nests too deep".to_owned());
        }
        let evaluate = |inner: &Self| inner.at_depth(telemetry, arguments, fresh, depth + 1);
        match self {
            Self::All(list) => {
                let mut unknown = None;
                for outcome in list.iter().map(evaluate) {
                    match outcome {
                        CheckOutcome::Holds => {}
                        fails @ CheckOutcome::Fails(_) => return fails,
                        other @ CheckOutcome::Unknown(_) => unknown = unknown.or(Some(other)),
                    }
                }
                unknown.unwrap_or(CheckOutcome::Holds)
            }
            Self::Any(list) => {
                let mut worst = None;
                for outcome in list.iter().map(evaluate) {
                    match (outcome, &worst) {
                        (CheckOutcome::Holds, _) => return CheckOutcome::Holds,
                        (other @ CheckOutcome::Unknown(_), _) | (other, None) => {
                            worst = Some(other);
                        }
                        _ => {}
                    }
                }
                worst.unwrap_or_else(|| CheckOutcome::Fails("none of no conditions".to_owned()))
            }
            Self::Compare {
                left,
                operator,
                right,
            } => {
                let values = left
                    .value(telemetry, arguments, fresh)
                    .and_then(|left| Ok((left, right.value(telemetry, arguments, fresh)?)));
                let (left_value, right_value) = match values {
                    Ok(values) => values,
                    Err(why) => return CheckOutcome::Unknown(why),
                };
                match compare(&left_value, *operator, &right_value) {
                    Some(true) => CheckOutcome::Holds,
                    Some(false) => CheckOutcome::Fails(format!(
                        "{} is {left_value}, not {} {}",
                        left.in_words(),
                        sign(*operator),
                        right.in_words()
                    )),
                    None => CheckOutcome::Unknown(format!(
                        "{} is {}, which does not compare with {}",
                        left.in_words(),
                        left_value.kind(),
                        right_value.kind()
                    )),
                }
            }
        }
    }
}

impl Operand {
    fn value(
        &self,
        telemetry: &dyn Telemetry,
        arguments: &Arguments,
        fresh: Freshness,
    ) -> Result<Value, String> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::Argument { index, name } => arguments
                .get(*index)
                .cloned()
                .ok_or_else(|| format!("the argument {name} has no value")),
            Self::Parameter {
                name, calibrated, ..
            } => {
                let sample = telemetry
                    .sample(name)
                    .ok_or_else(|| format!("no value of {name}"))?;
                if !fresh.holds(sample.time) {
                    #[allow(clippy::cast_precision_loss, reason = "a time for people")]
                    let seconds = fresh.to.saturating_sub(sample.time) as f64 / 1e6;
                    return Err(format!(
                        "the last value of {name} is stale: {seconds:.1} s old"
                    ));
                }
                if *calibrated {
                    Ok(sample.value)
                } else {
                    Ok(sample.raw.unwrap_or(sample.value))
                }
            }
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            Self::Argument { name, .. } => format!("the argument {name}"),
            Self::Parameter { name, .. } => name.clone(),
        }
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (list, word) = match self {
            Self::All(list) => (list, " and "),
            Self::Any(list) => (list, " or "),
            Self::Compare {
                left,
                operator,
                right,
            } => {
                return write!(
                    f,
                    "{} {} {}",
                    left.in_words(),
                    sign(*operator),
                    right.in_words()
                );
            }
        };
        for (at, check) in list.iter().enumerate() {
            if at > 0 {
                f.write_str(word)?;
            }
            match check {
                Self::Compare { .. } => write!(f, "{check}")?,
                Self::All(_) | Self::Any(_) => write!(f, "({check})")?,
            }
        }
        Ok(())
    }
}

fn sign(operator: ComparisonOperator) -> &'static str {
    match operator {
        ComparisonOperator::Equal => "=",
        ComparisonOperator::NotEqual => "!=",
        ComparisonOperator::Less => "<",
        ComparisonOperator::LessOrEqual => "<=",
        ComparisonOperator::Greater => ">",
        ComparisonOperator::GreaterOrEqual => ">=",
    }
}

/// Compares two values; `None` where they are of kinds that do not compare, or no numbers.
pub(super) fn compare(left: &Value, operator: ComparisonOperator, right: &Value) -> Option<bool> {
    use std::cmp::Ordering;
    let ordering = match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Octets(left), Value::Octets(right)) => left.cmp(right),
        _ => left.number()?.partial_cmp(&right.number()?)?,
    };
    Some(match operator {
        ComparisonOperator::Equal => ordering == Ordering::Equal,
        ComparisonOperator::NotEqual => ordering != Ordering::Equal,
        ComparisonOperator::Less => ordering == Ordering::Less,
        ComparisonOperator::LessOrEqual => ordering != Ordering::Greater,
        ComparisonOperator::Greater => ordering == Ordering::Greater,
        ComparisonOperator::GreaterOrEqual => ordering != Ordering::Less,
    })
}
