//! What arguments take and how they lie in a packet: the compiled form of an argument type.

use super::calibrate::Conversion;
use super::raw;
use super::value::Value;
use crate::layout::{Labels, Raw};
use crate::xtce::model::{ComparisonOperator, Range};

/// An argument's form: a single value, an array or an aggregate.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A single value.
    Leaf(Box<Leaf>),
    /// Elements one after the other.
    Array {
        /// Each of them.
        element: Box<Shape>,
        /// How many.
        count: Count,
    },
    /// Members one after the other.
    Aggregate(Vec<Member>),
}

/// One member of an aggregate.
#[derive(Clone, Debug)]
pub struct Member {
    /// Name as written.
    pub name: String,
    /// shortDescription.
    pub description: Option<String>,
    /// Its form.
    pub shape: Shape,
}

/// A number of elements or bits.
#[derive(Clone, Debug)]
pub enum Count {
    /// Always the same.
    Fixed(u32),
    /// Another argument says it.
    Dynamic(Integer),
}

/// A single value.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// What the value means.
    pub meaning: Meaning,
    /// Units as text.
    pub units: Option<String>,
    /// A value has to lie in one of these; empty: any that the field holds.
    pub ranges: Vec<Range>,
    /// The ranges are of raw values.
    pub ranges_of_raw: bool,
    /// Fewest and most characters of a text.
    pub characters: (Option<u32>, Option<u32>),
    pub(super) raw: Raw,
    pub(super) size: LeafSize,
    pub(super) bits_reversed: bool,
    pub(super) octets_reversed: bool,
    /// Raw values that the encoding holds, if they are integers.
    pub(super) integers: Option<(i128, i128)>,
    /// The first that holds, before `conversion`.
    pub(super) contexts: Vec<(Predicate, Conversion)>,
    /// `None`: the raw value is the engineering value.
    pub(super) conversion: Option<Conversion>,
}

/// How many bits a single value has.
#[derive(Clone, Debug)]
pub(super) enum LeafSize {
    Fixed(u32),
    Dynamic(Integer),
    /// A terminator or prefix says it, within so many bits; 0: within the packet.
    SelfDelimited(u32),
}

/// What a single value means.
#[derive(Clone, Debug)]
pub enum Meaning {
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// Texts of raw zero and of everything else.
    Boolean {
        /// Text of zero.
        zero: String,
        /// Text of one.
        one: String,
    },
    /// A label.
    Enumeration {
        /// Labels by raw value.
        labels: Labels,
        /// Each label's raw value, in document order.
        values: Vec<(String, i64)>,
    },
    /// A text.
    Text,
    /// Octets.
    Octets,
    /// A time: engineering values are microseconds from `zero`.
    Time {
        /// Microseconds since 1970 on the time's scale.
        zero: i64,
        /// The scale counts leap seconds: TAI.
        leap_seconds: bool,
    },
    /// Seconds.
    Duration,
}

/// An integer that other arguments say.
#[derive(Clone, Debug)]
pub enum Integer {
    /// A constant.
    Fixed(i64),
    /// value * slope + intercept, truncated.
    Linear {
        /// Which argument.
        argument: usize,
        /// Its engineering rather than its raw value.
        calibrated: bool,
        /// Slope.
        slope: f64,
        /// Intercept.
        intercept: f64,
    },
    /// The first condition that holds.
    Lookup(Vec<(Predicate, i64)>),
}

/// A condition on arguments.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// All hold.
    All(Vec<Predicate>),
    /// One holds.
    Any(Vec<Predicate>),
    /// A comparison; false where the argument has no value.
    Compare {
        /// Which argument.
        argument: usize,
        /// Its engineering rather than its raw value.
        calibrated: bool,
        /// How.
        operator: ComparisonOperator,
        /// With what.
        value: Value,
    },
}

impl Shape {
    /// What the argument takes, in words: its kind, values, range and units.
    pub fn expected(&self) -> String {
        match self {
            Self::Leaf(leaf) => leaf.expected(),
            Self::Array { element, count } => {
                let of = element.expected();
                match count {
                    Count::Fixed(count) => format!("a list of {count}: {of}"),
                    Count::Dynamic(_) => format!("a list: {of}"),
                }
            }
            Self::Aggregate(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|member| format!("{}: {}", member.name, member.shape.expected()))
                    .collect();
                format!("members {{{}}}", members.join("; "))
            }
        }
    }

    /// The value is a single one.
    pub fn leaf(&self) -> Option<&Leaf> {
        match self {
            Self::Leaf(leaf) => Some(leaf),
            Self::Array { .. } | Self::Aggregate(_) => None,
        }
    }
}

impl Leaf {
    /// The labels of an enumeration, or the texts of a truth value.
    pub fn labels(&self) -> Vec<&str> {
        match &self.meaning {
            Meaning::Enumeration { values, .. } => {
                values.iter().map(|(label, _)| label.as_str()).collect()
            }
            Meaning::Boolean { zero, one } => vec![zero, one],
            _ => Vec::new(),
        }
    }

    /// What kind of value it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self.meaning {
            Meaning::Integer => "integer",
            Meaning::Float => "number",
            Meaning::Boolean { .. } => "boolean",
            Meaning::Enumeration { .. } => "label",
            Meaning::Text => "text",
            Meaning::Octets => "octets",
            Meaning::Time { .. } => "time",
            Meaning::Duration => "duration",
        }
    }

    /// Raw values that the field holds, if they are integers.
    pub fn raw_integers(&self) -> Option<(i128, i128)> {
        self.integers
    }

    /// Least and greatest engineering value of a calibrated field whose raw values are integers.
    pub fn calibrated_span(&self) -> Option<(f64, f64)> {
        self.integers
            .and(self.conversion.as_ref())
            .map(Conversion::span)
    }

    /// Bits, if they are always the same.
    pub fn bits(&self) -> Option<u32> {
        match self.size {
            LeafSize::Fixed(bits) => Some(bits),
            LeafSize::Dynamic(_) | LeafSize::SelfDelimited(_) => None,
        }
    }

    /// The allowed values in words, without the kind; `None`: whatever the kind holds.
    pub fn allowed(&self) -> Option<String> {
        let unit = self
            .units
            .as_ref()
            .map_or_else(String::new, |unit| format!(" {unit}"));
        match &self.meaning {
            Meaning::Boolean { zero, one } => Some(format!("{zero} or {one}")),
            Meaning::Enumeration { values, .. } => {
                let mut labels: Vec<&str> = values
                    .iter()
                    .take(LABELS_SHOWN)
                    .map(|(label, _)| label.as_str())
                    .collect();
                if values.len() > LABELS_SHOWN {
                    labels.push("...");
                }
                Some(labels.join(", "))
            }
            Meaning::Text => {
                let (least, most) = self.characters;
                let octets = self.bits().map(|bits| bits / 8);
                match (least, most, octets) {
                    (None, None, None) => None,
                    (None, None, Some(octets)) => Some(format!("up to {octets} octets")),
                    (least, most, _) => Some(format!(
                        "{} to {} characters",
                        least.unwrap_or(0),
                        most.map_or_else(|| "any number of".to_owned(), |most| most.to_string())
                    )),
                }
            }
            Meaning::Octets => self
                .bits()
                .map(|bits| format!("{} of them", bits.div_ceil(8))),
            _ if !self.ranges.is_empty() => {
                let ranges: Vec<String> = self.ranges.iter().map(in_words).collect();
                let raw = if self.ranges_of_raw {
                    " (raw value)"
                } else {
                    ""
                };
                Some(format!("{}{unit}{raw}", ranges.join(", or ")))
            }
            Meaning::Time { .. } => None,
            _ => match (&self.conversion, self.integers) {
                (None, Some((least, most))) => Some(format!("{least} to {most}{unit}")),
                (Some(conversion), Some(_)) => {
                    let (least, most) = conversion.span();
                    Some(format!("{least} to {most}{unit}"))
                }
                _ if unit.is_empty() => None,
                _ => Some(format!("in{unit}")),
            },
        }
    }

    /// What it takes, in words.
    pub fn expected(&self) -> String {
        match self.allowed() {
            Some(allowed) => format!("{}, {allowed}", self.article()),
            None => self.article().to_owned(),
        }
    }

    fn article(&self) -> &'static str {
        match self.meaning {
            Meaning::Integer => "an integer",
            Meaning::Float => "a number",
            Meaning::Boolean { .. } => "a truth value",
            Meaning::Enumeration { .. } => "a label",
            Meaning::Text => "a text",
            Meaning::Octets => "octets in hexadecimal",
            Meaning::Time { .. } => "a UTC time such as 2030-01-31T12:00:00Z",
            Meaning::Duration => "a duration in seconds",
        }
    }

    pub(super) fn in_range(&self, value: f64) -> bool {
        self.ranges.is_empty()
            || self.ranges.iter().any(|range| {
                let above = range.minimum.is_none_or(|least| {
                    if range.minimum_exclusive {
                        value > least
                    } else {
                        value >= least
                    }
                });
                let below = range.maximum.is_none_or(|most| {
                    if range.maximum_exclusive {
                        value < most
                    } else {
                        value <= most
                    }
                });
                above && below
            })
    }

    pub(super) fn is_float(&self) -> bool {
        matches!(self.raw, Raw::Ieee754 | Raw::MilStd1750A)
    }

    /// The raw values' span as doubles, for calibrators.
    pub(super) fn domain(raw: &Raw, bits: u32) -> (f64, f64) {
        match raw::integers(raw, bits) {
            #[allow(clippy::cast_precision_loss, reason = "calibrators work on doubles")]
            Some((least, most)) => (least as f64, most as f64),
            None => (f64::MIN, f64::MAX),
        }
    }
}

fn in_words(range: &Range) -> String {
    let least = range.minimum.map(|least| {
        if range.minimum_exclusive {
            format!("above {least}")
        } else {
            format!("{least}")
        }
    });
    match (least, range.maximum) {
        (Some(least), Some(most)) if range.maximum_exclusive => format!("{least} to below {most}"),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) if range.minimum_exclusive => least,
        (Some(least), None) => format!("{least} or more"),
        (None, Some(most)) if range.maximum_exclusive => format!("below {most}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "any".to_owned(),
    }
}

/// Most labels that a message lists.
const LABELS_SHOWN: usize = 16;
