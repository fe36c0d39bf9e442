//! Values from texts and JSON.

use serde_json::{Map, Value as Json};
use space_link::time::UtcMicros;

use super::error::{CommandError, Problem, nearest};
use super::shape::{Leaf, Meaning, Shape};
use super::value::{Arguments, Value};
use super::write::Fault;
use super::{ArgumentSource, CompiledCommand};
use crate::layout::{Right, hexadecimal};

impl CompiledCommand {
    /// Arguments from typed values by name, with defaults; checked so far that they encode.
    ///
    /// # Errors
    /// [`CommandError`]: an unknown, repeated, missing or wrong argument.
    pub fn bind<'g>(
        &self,
        given: impl IntoIterator<Item = (&'g str, Value)>,
    ) -> Result<Arguments, CommandError> {
        let given = given.into_iter();
        self.fill(given.map(|(name, value)| (name, value.to_string(), move |_: &Shape| Ok(value))))
    }

    /// Arguments from texts such as `250`, `0x1F`, `250 W`, `nadir`, `2030-01-31T12:00:00Z`, octets
    /// in hexadecimal, and lists or aggregates as JSON or separated by commas.
    ///
    /// # Errors
    /// As [`CompiledCommand::bind`].
    pub fn parse<'g>(
        &self,
        given: impl IntoIterator<Item = (&'g str, &'g str)>,
    ) -> Result<Arguments, CommandError> {
        let given = given.into_iter();
        self.fill(given.map(|(name, given)| {
            (name, format!("`{given}`"), move |shape: &Shape| {
                text(shape, given)
            })
        }))
    }

    /// Arguments from a JSON object.
    ///
    /// # Errors
    /// As [`CompiledCommand::bind`].
    pub fn parse_json(&self, given: &Map<String, Json>) -> Result<Arguments, CommandError> {
        self.fill(given.iter().map(|(name, given)| {
            (name.as_str(), given.to_string(), move |shape: &Shape| {
                json(shape, given)
            })
        }))
    }

    fn fill<'g, P>(
        &self,
        given: impl Iterator<Item = (&'g str, String, P)>,
    ) -> Result<Arguments, CommandError>
    where
        P: FnOnce(&Shape) -> Result<Value, Problem>,
    {
        let mut values: Vec<Option<Value>> = self
            .arguments
            .iter()
            .map(|argument| argument.default.clone())
            .collect();
        let mut seen = vec![false; values.len()];
        for (name, got, parse) in given {
            let index = self
                .argument_index(name)
                .ok_or_else(|| self.unknown(name))?;
            let argument = &self.arguments[index];
            if !argument.is_free() {
                return Err(self.not_free(index));
            }
            if std::mem::replace(&mut seen[index], true) {
                return Err(CommandError::Repeated {
                    command: self.qualified_name.clone(),
                    argument: argument.name.clone(),
                });
            }
            let value = parse(&argument.shape).map_err(|problem| {
                self.explain(index, Fault::new(problem, got, argument.shape.expected()))
            })?;
            values[index] = Some(value);
        }
        let arguments = Arguments { values };
        self.encode(&arguments, &mut Vec::new())?;
        self.check_untransmitted(&arguments)?;
        Ok(arguments)
    }

    fn unknown(&self, name: &str) -> CommandError {
        let free = self.arguments.iter().filter(|argument| argument.is_free());
        let known: Vec<String> = free.map(|argument| argument.name.clone()).collect();
        CommandError::UnknownArgument {
            command: self.qualified_name.clone(),
            argument: name.to_owned(),
            nearest: nearest(name, known.iter().map(String::as_str)),
            known,
        }
    }

    fn not_free(&self, index: usize) -> CommandError {
        let argument = &self.arguments[index];
        let who = match (argument.source, &argument.default) {
            (ArgumentSource::Link, _) => "the link sets it".to_owned(),
            (_, Some(value)) => format!("the mission database says {value}"),
            (_, None) => "the mission database says it".to_owned(),
        };
        CommandError::NotFree {
            command: self.qualified_name.clone(),
            argument: argument.name.clone(),
            who,
        }
    }
}

/// A value of a shape from a text.
pub(super) fn text(shape: &Shape, given: &str) -> Result<Value, Problem> {
    match shape {
        Shape::Leaf(inner) => leaf(inner, given),
        Shape::Array { .. } | Shape::Aggregate(_) => {
            if let Ok(parsed @ (Json::Array(_) | Json::Object(_))) = serde_json::from_str(given) {
                return json(shape, &parsed);
            }
            let parts = given
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty());
            match shape {
                Shape::Array { element, .. } => parts
                    .map(|part| text(element, part))
                    .collect::<Result<_, _>>()
                    .map(Value::List),
                Shape::Aggregate(members) => {
                    let parts: Vec<&str> = parts.collect();
                    if parts.len() != members.len() {
                        return Err(Problem::WrongType);
                    }
                    let parts = members.iter().zip(parts);
                    let values = parts.map(|(member, part)| text(&member.shape, part));
                    values.collect::<Result<_, _>>().map(Value::Members)
                }
                Shape::Leaf(inner) => leaf(inner, given),
            }
        }
    }
}

/// A value of a shape from JSON.
fn json(shape: &Shape, given: &Json) -> Result<Value, Problem> {
    match (shape, given) {
        (Shape::Leaf(inner), Json::String(given)) => leaf(inner, given),
        (Shape::Leaf(inner), Json::Number(given)) => match inner.meaning {
            Meaning::Text | Meaning::Octets | Meaning::Time { .. } => Err(Problem::WrongType),
            _ => leaf(inner, &given.to_string()),
        },
        (Shape::Leaf(inner), Json::Bool(given)) => match inner.meaning {
            Meaning::Boolean { .. } => Ok(Value::Boolean(*given)),
            _ => Err(Problem::WrongType),
        },
        (Shape::Array { element, .. }, Json::Array(given)) => {
            let values = given.iter().map(|one| json(element, one));
            values.collect::<Result<_, _>>().map(Value::List)
        }
        (Shape::Aggregate(members), Json::Array(given)) if given.len() == members.len() => {
            let values = members
                .iter()
                .zip(given)
                .map(|(member, one)| json(&member.shape, one));
            values.collect::<Result<_, _>>().map(Value::Members)
        }
        (Shape::Aggregate(members), Json::Object(given)) if given.len() == members.len() => {
            let values = members.iter().map(|member| {
                json(
                    &member.shape,
                    given.get(&member.name).ok_or(Problem::WrongType)?,
                )
            });
            values.collect::<Result<_, _>>().map(Value::Members)
        }
        _ => Err(Problem::WrongType),
    }
}

/// A single value from a text, with or without its units.
pub(super) fn leaf(leaf: &Leaf, given: &str) -> Result<Value, Problem> {
    let trimmed = given.trim();
    match &leaf.meaning {
        Meaning::Text => return Ok(Value::Text(given.to_owned())),
        Meaning::Octets => {
            let octets = hexadecimal(trimmed).map(Value::Octets);
            return octets.ok_or(Problem::WrongType);
        }
        Meaning::Time { .. } => {
            let time = trimmed.parse::<UtcMicros>().ok();
            return time
                .map(|time| Value::Time(time.get()))
                .ok_or(Problem::WrongType);
        }
        Meaning::Boolean { zero, one } => {
            let is = |names: [&str; 3]| names.iter().any(|n| n.eq_ignore_ascii_case(trimmed));
            return if is([one, "true", "1"]) {
                Ok(Value::Boolean(true))
            } else if is([zero, "false", "0"]) {
                Ok(Value::Boolean(false))
            } else {
                Err(Problem::UnknownLabel)
            };
        }
        Meaning::Enumeration { labels, values } => {
            if values.iter().any(|(label, _)| label == given) {
                return Ok(Value::Text(given.to_owned()));
            }
            let mut alike = values
                .iter()
                .filter(|(label, _)| label.eq_ignore_ascii_case(trimmed));
            if let (Some((label, _)), None) = (alike.next(), alike.next()) {
                return Ok(Value::Text(label.clone()));
            }
            let label = match number(trimmed) {
                Some(Value::Integer(raw)) => i64::try_from(raw)
                    .ok()
                    .and_then(|raw| labels.index_of(raw))
                    .and_then(|index| labels.labels.get(index as usize)),
                _ => None,
            };
            return label
                .map(|label| Value::Text(label.clone()))
                .ok_or(Problem::UnknownLabel);
        }
        Meaning::Integer | Meaning::Float | Meaning::Duration => {}
    }
    let plain = match (&leaf.units, &leaf.meaning) {
        (Some(units), _) => trimmed
            .strip_suffix(units.as_str())
            .unwrap_or(trimmed)
            .trim_end(),
        (None, Meaning::Duration) => trimmed.strip_suffix('s').unwrap_or(trimmed).trim_end(),
        (None, _) => trimmed,
    };
    match (number(plain), &leaf.meaning) {
        (Some(Value::Integer(value)), Meaning::Integer) => Ok(Value::Integer(value)),
        (Some(Value::Float(value)), Meaning::Integer) if leaf.conversion.is_some() => {
            Ok(Value::Float(value))
        }
        (Some(value), Meaning::Float | Meaning::Duration) => {
            value.number().map(Value::Float).ok_or(Problem::WrongType)
        }
        _ => Err(Problem::WrongType),
    }
}

/// A number in any XTCE notation.
pub(super) fn number(given: &str) -> Option<Value> {
    match crate::layout::number(given)? {
        Right::Integer(value) => Some(Value::Integer(value)),
        Right::Float(value) if value.is_finite() => Some(Value::Float(value)),
        _ => None,
    }
}
