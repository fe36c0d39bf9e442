//! Values of arguments.

use std::fmt;

use space_link::time::UtcMicros;

/// An engineering value of an argument, a parameter or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(i128),
    /// A number; seconds for durations.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A text, or the label of an enumeration.
    Text(String),
    /// Octets.
    Octets(Vec<u8>),
    /// Microseconds since 1970-01-01 UTC.
    Time(i64),
    /// Elements of an array, one list a dimension.
    List(Vec<Value>),
    /// Members of an aggregate, in order.
    Members(Vec<Value>),
}

impl Value {
    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "a truth value",
            Self::Text(_) => "a text",
            Self::Octets(_) => "octets",
            Self::Time(_) => "a time",
            Self::List(_) => "a list",
            Self::Members(_) => "members",
        }
    }

    /// The value as a number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            #[allow(
                clippy::cast_precision_loss,
                reason = "64 bits to 53, as XTCE's doubles"
            )]
            Self::Integer(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Boolean(value) => Some(f64::from(u8::from(*value))),
            #[allow(clippy::cast_precision_loss, reason = "microseconds of this era fit")]
            Self::Time(value) => Some(*value as f64),
            Self::Text(_) | Self::Octets(_) | Self::List(_) | Self::Members(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, open: &str, list: &[Value], close: &str| {
            f.write_str(open)?;
            for (at, value) in list.iter().enumerate() {
                if at > 0 {
                    f.write_str(",")?;
                }
                write!(f, "{value}")?;
            }
            f.write_str(close)
        };
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Text(text) => f.write_str(text),
            Self::Octets(octets) => {
                f.write_str("0x")?;
                octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
            Self::Time(microseconds) => write!(f, "{}", UtcMicros::new(*microseconds)),
            Self::List(values) => list(f, "[", values, "]"),
            Self::Members(values) => list(f, "{", values, "}"),
        }
    }
}

/// Values of a command's arguments, by their place in
/// [`CompiledCommand::arguments`](super::CompiledCommand::arguments).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments {
    pub(super) values: Vec<Option<Value>>,
}

impl Arguments {
    /// The value at a place.
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.values.get(index)?.as_ref()
    }

    /// Replaces the value at a place; false if the command has no such argument. Encoding checks it.
    pub fn set(&mut self, index: usize, value: Value) -> bool {
        let slot = self.values.get_mut(index);
        slot.map(|slot| *slot = Some(value)).is_some()
    }
}
