//! From arguments to octets.

use std::borrow::Cow;

use space_link::crc::crc16;
use space_link::time::{LeapSeconds, TimeScale, UtcMicros};

use super::check::compare;
use super::error::{CommandError, Problem, nearest};
use super::raw::{self, Number};
use super::shape::{Count, Integer, Leaf, LeafSize, Meaning, Predicate, Shape};
use super::value::{Arguments, Value};
use super::{
    ArgumentLayout, At, CompiledCommand, Content, ELEMENTS_MAX, PACKET_OCTETS_MAX, bits, text,
};
use crate::layout::Raw;
use crate::xtce::model::{Charset, StringEnd};

impl CompiledCommand {
    /// Appends the command's packet to a buffer; nothing is appended when it fails.
    ///
    /// Without packet error control; where there is a primary header, with packet sequence count 0
    /// and the length of what was appended. See [`finish_packet`].
    ///
    /// # Errors
    /// [`CommandError`]: an argument that is missing, of the wrong kind, out of range or too large
    /// for its field, or a packet too long.
    pub fn encode(&self, arguments: &Arguments, out: &mut Vec<u8>) -> Result<(), CommandError> {
        let start = out.len();
        let encoded = self.encode_at(arguments, out, start);
        if encoded.is_err() {
            out.truncate(start);
        }
        encoded
    }

    fn encode_at(
        &self,
        arguments: &Arguments,
        out: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), CommandError> {
        out.extend_from_slice(&self.template);
        let context = Context {
            arguments: &self.arguments,
            values: &arguments.values,
        };
        let mut writer = Writer {
            context,
            out,
            start,
            at: 0,
            elements: 0,
        };
        for &index in &self.variable {
            let field = &self.fields[index];
            let Some(at) = context.position(&field.at, writer.at) else {
                return Err(self.misplaced(&field.name));
            };
            if field.when.as_ref().is_some_and(|when| !context.holds(when)) {
                if let At::Bit(_, before) = field.at {
                    writer.at = before;
                }
                continue;
            }
            writer.at = at;
            match &field.content {
                Content::Fixed(width, octets) => writer.fixed(*width, octets),
                Content::Argument(argument) => {
                    let value = context
                        .value(*argument)
                        .ok_or_else(|| self.missing(*argument))?;
                    writer
                        .shape(&self.arguments[*argument].shape, value)
                        .map_err(|fault| self.explain(*argument, *fault))?;
                }
            }
            if writer.out.len() - start > PACKET_OCTETS_MAX {
                break;
            }
        }
        let octets = out.len() - start;
        let limit = self
            .octets
            .unwrap_or(PACKET_OCTETS_MAX)
            .min(PACKET_OCTETS_MAX);
        if octets > limit {
            return Err(CommandError::TooLong {
                command: self.qualified_name.clone(),
                octets,
                limit,
            });
        }
        if let Some(octets) = self.octets {
            out.resize(start + octets, 0);
        }
        if self.has_primary_header {
            set_length(&mut out[start..]);
        }
        Ok(())
    }

    /// Arguments that are in no entry: sizes and conditions use them all the same.
    pub(super) fn check_untransmitted(&self, arguments: &Arguments) -> Result<(), CommandError> {
        let context = Context {
            arguments: &self.arguments,
            values: &arguments.values,
        };
        let mut scratch = Vec::new();
        for (index, argument) in self.arguments.iter().enumerate() {
            let value = arguments.values.get(index).and_then(Option::as_ref);
            if let (false, Some(value)) = (argument.transmitted, value) {
                let mut writer = Writer {
                    context,
                    out: &mut scratch,
                    start: 0,
                    at: 0,
                    elements: 0,
                };
                writer
                    .shape(&argument.shape, value)
                    .map_err(|fault| self.explain(index, *fault))?;
            }
        }
        Ok(())
    }

    fn missing(&self, index: usize) -> CommandError {
        let argument = &self.arguments[index];
        CommandError::Missing {
            command: self.qualified_name.clone(),
            argument: argument.name.clone(),
            expected: argument.shape.expected(),
        }
    }

    fn misplaced(&self, field: &str) -> CommandError {
        CommandError::DoesNotFit {
            command: self.qualified_name.clone(),
            argument: field.to_owned(),
            got: "misplaced".to_owned(),
            why: "the arguments give it no place inside the packet".to_owned(),
        }
    }

    /// An error that names the command and the argument.
    pub(super) fn explain(&self, index: usize, fault: Fault) -> CommandError {
        let command = self.qualified_name.clone();
        let name = self
            .arguments
            .get(index)
            .map_or("", |argument| argument.name.as_str());
        let argument = format!("{name}{}", fault.path);
        let (got, expected) = (fault.got, fault.expected);
        match fault.problem {
            Problem::WrongType => CommandError::WrongType {
                command,
                argument,
                got,
                expected,
            },
            Problem::OutOfRange => CommandError::OutOfRange {
                command,
                argument,
                got,
                expected,
            },
            Problem::DoesNotFit(why) => CommandError::DoesNotFit {
                command,
                argument,
                got,
                why,
            },
            Problem::UnknownLabel => {
                let got = got.trim_matches(['`', '"']).to_owned();
                let labels = self.arguments.get(index).and_then(|a| a.shape.leaf());
                let labels = labels.map(Leaf::labels).unwrap_or_default();
                let nearest = nearest(&got, labels);
                CommandError::UnknownLabel {
                    command,
                    argument,
                    got,
                    nearest,
                    expected,
                }
            }
        }
    }
}

/// Sets the packet sequence count (modulo 16384), appends the packet error control if wanted, and
/// sets the packet data length of the packet that begins at `start`.
///
/// The error control is the CRC of ECSS-E-ST-70-41C annex B, over all octets before it. False if
/// there is no primary header or no data: nothing is changed then.
pub fn finish_packet(
    out: &mut Vec<u8>,
    start: usize,
    sequence_count: u16,
    error_control: bool,
) -> bool {
    let Some(packet) = out.get_mut(start..).filter(|packet| packet.len() >= 6) else {
        return false;
    };
    let octets = packet.len() + if error_control { 2 } else { 0 };
    if octets < 7 || octets > PACKET_OCTETS_MAX {
        return false;
    }
    let [high, low] = (sequence_count & 0x3fff).to_be_bytes();
    packet[2] = packet[2] & 0xc0 | high;
    packet[3] = low;
    if error_control {
        out.extend_from_slice(&[0, 0]);
    }
    set_length(&mut out[start..]);
    if error_control {
        let end = out.len() - 2;
        let crc = crc16(&out[start..end]).to_be_bytes();
        out[end..].copy_from_slice(&crc);
    }
    true
}

/// Packet data length: one less than the octets behind the header (CCSDS 133.0-B-2 4.1.3.5.3).
fn set_length(packet: &mut [u8]) {
    let length = u16::try_from(packet.len().saturating_sub(7)).unwrap_or(u16::MAX);
    if let Some(field) = packet.get_mut(4..6) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

/// Why a value of an argument, or a part of it, cannot be encoded.
#[derive(Debug)]
pub(super) struct Fault {
    problem: Problem,
    /// The way from the argument to the part: `.x`, `[3]`.
    path: String,
    got: String,
    expected: String,
}

impl Fault {
    pub(super) fn new(problem: Problem, got: String, expected: String) -> Self {
        Self {
            problem,
            path: String::new(),
            got,
            expected,
        }
    }

    fn inside(mut self: Box<Self>, step: &str) -> Box<Self> {
        self.path.insert_str(0, step);
        self
    }
}

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
            let off = (conversion.forward(raw) - engineering).abs();
            if !held || off > conversion.tolerance(raw) {
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

pub(super) struct Writer<'c, 'o> {
    pub(super) context: Context<'c>,
    pub(super) out: &'o mut Vec<u8>,
    /// Where the packet begins in the buffer.
    pub(super) start: usize,
    /// Where the next value goes, in bits from there.
    pub(super) at: usize,
    pub(super) elements: usize,
}

impl Writer<'_, '_> {
    pub(super) fn fixed(&mut self, width: u32, octets: &[u8]) {
        bits::write_octets(self.out, self.start, self.at, width as usize, octets);
        self.at += width as usize;
    }

    pub(super) fn shape(&mut self, shape: &Shape, value: &Value) -> Result<(), Box<Fault>> {
        let fault =
            |problem: Problem| Box::new(Fault::new(problem, value.to_string(), shape.expected()));
        match (shape, value) {
            (Shape::Leaf(leaf), value) => self.leaf(leaf, value).map_err(fault),
            (Shape::Array { element, count }, Value::List(values)) => {
                let wanted = match count {
                    Count::Fixed(count) => Some(*count as usize),
                    Count::Dynamic(integer) => {
                        let count = self.context.integer(integer);
                        count.and_then(|count| usize::try_from(count).ok())
                    }
                };
                if wanted != Some(values.len()) {
                    let wanted =
                        wanted.map_or_else(|| "no".to_owned(), |wanted| wanted.to_string());
                    let why = format!("it has {} elements where {wanted} belong", values.len());
                    return Err(fault(Problem::DoesNotFit(why)));
                }
                self.elements += values.len();
                if self.elements > ELEMENTS_MAX || self.at > PACKET_OCTETS_MAX * 8 {
                    let why = format!("more than {ELEMENTS_MAX} elements in one packet");
                    return Err(fault(Problem::DoesNotFit(why)));
                }
                for (at, value) in values.iter().enumerate() {
                    self.shape(element, value)
                        .map_err(|f| f.inside(&format!("[{at}]")))?;
                }
                Ok(())
            }
            (Shape::Aggregate(members), Value::Members(values))
                if members.len() == values.len() =>
            {
                for (member, value) in members.iter().zip(values) {
                    self.shape(&member.shape, value)
                        .map_err(|f| f.inside(&format!(".{}", member.name)))?;
                }
                Ok(())
            }
            _ => Err(fault(Problem::WrongType)),
        }
    }

    #[inline]
    fn leaf(&mut self, leaf: &Leaf, value: &Value) -> Result<(), Problem> {
        match (&leaf.raw, value) {
            (Raw::Text { charset, end }, Value::Text(text)) => self.text(leaf, *charset, end, text),
            (Raw::Octets, Value::Octets(octets)) => self.octets(leaf, octets),
            (Raw::Text { .. } | Raw::Octets, _) => Err(Problem::WrongType),
            (raw, value) => {
                let LeafSize::Fixed(width) = leaf.size else {
                    return Err(Problem::WrongType);
                };
                let mut word = match self.context.number(leaf, value)? {
                    Number::Integer(value) => raw::integer_bits(raw, width, value),
                    Number::Float(value) => {
                        raw::float_bits(raw, width, value).ok_or_else(|| {
                            Problem::DoesNotFit(format!("it is too large for {width} bits"))
                        })?
                    }
                };
                if leaf.bits_reversed {
                    word = bits::reverse_bits(word, width);
                }
                if leaf.octets_reversed {
                    word = bits::reverse_octets(word, width);
                }
                bits::write(self.out, self.start, self.at, width, word);
                self.at += width as usize;
                Ok(())
            }
        }
    }

    fn octets(&mut self, leaf: &Leaf, octets: &[u8]) -> Result<(), Problem> {
        let width = match self.size_bits(leaf)? {
            Some(width) => width,
            None => octets.len() * 8,
        };
        let spare = width.div_ceil(8) * 8 - width;
        let top = octets
            .first()
            .map_or(8, |first| first.leading_zeros() as usize);
        if octets.len() != width.div_ceil(8) || (spare > 0 && top < spare) {
            return Err(Problem::DoesNotFit(format!(
                "it has {} octets where {width} bits belong",
                octets.len()
            )));
        }
        let reversed: Cow<'_, [u8]> = if leaf.octets_reversed {
            octets.iter().rev().copied().collect::<Vec<u8>>().into()
        } else {
            octets.into()
        };
        bits::write_octets(self.out, self.start, self.at, width, &reversed);
        self.at += width;
        Ok(())
    }

    fn text(
        &mut self,
        leaf: &Leaf,
        charset: Charset,
        end: &StringEnd,
        text: &str,
    ) -> Result<(), Problem> {
        let (least, most) = leaf.characters;
        if least.is_some() || most.is_some() {
            let count = text.chars().count();
            if least.is_some_and(|least| count < least as usize)
                || most.is_some_and(|most| count > most as usize)
            {
                return Err(Problem::OutOfRange);
            }
        }
        let misfit = |why: String| Err(Problem::DoesNotFit(why));
        let octets = match text::encode(text, charset) {
            Ok(octets) => octets,
            Err(c) => return misfit(format!("{charset:?} has no character {c:?}")),
        };
        let field = self.size_bits(leaf)?;
        if field.is_some_and(|bits| bits % 8 != 0) {
            return misfit("a text of bits that are no whole octets".to_owned());
        }
        let length = octets.len();
        let (before, behind): (usize, &[u8]) = match end {
            StringEnd::Whole if text.ends_with('\0') && field.is_some() => {
                return misfit("its end could not be told from the padding".to_owned());
            }
            StringEnd::Whole => (0, &[]),
            StringEnd::Terminated(terminator) => {
                if text::find(&octets, terminator, charset).is_some() {
                    return misfit("it holds the terminator".to_owned());
                }
                // A text may fill a field of a given size.
                match field {
                    Some(bits) if length * 8 + terminator.len() * 8 > bits => (0, &[]),
                    _ => (0, terminator),
                }
            }
            StringEnd::LeadingSize(bits) => {
                if *bits < 64 && length as u64 >> bits != 0 {
                    return misfit(format!("a length of {length} does not fit {bits} bits"));
                }
                (*bits as usize, &[])
            }
        };
        let used = before + (length + behind.len()) * 8;
        let limit = match (field, &leaf.size) {
            (Some(bits), _) => bits,
            (None, LeafSize::SelfDelimited(most @ 1..)) => *most as usize,
            _ => PACKET_OCTETS_MAX * 8,
        };
        if used > limit {
            let (has, holds) = (length, (limit.saturating_sub(before)) / 8);
            return misfit(format!("it has {has} octets, the field holds {holds}"));
        }
        bits::write(
            self.out,
            self.start,
            self.at,
            before.min(64) as u32,
            length as u64,
        );
        bits::write_octets(self.out, self.start, self.at + before, length * 8, &octets);
        let at = self.at + before + length * 8;
        bits::write_octets(self.out, self.start, at, behind.len() * 8, behind);
        self.at += field.unwrap_or(used);
        let filled = self.start + self.at.div_ceil(8);
        if self.out.len() < filled {
            self.out.resize(filled, 0);
        }
        Ok(())
    }

    /// Bits of a field whose size does not depend on its value; `None` otherwise.
    fn size_bits(&self, leaf: &Leaf) -> Result<Option<usize>, Problem> {
        match &leaf.size {
            LeafSize::Fixed(bits) => Ok(Some(*bits as usize)),
            LeafSize::SelfDelimited(_) => Ok(None),
            LeafSize::Dynamic(integer) => {
                let bits = self.context.integer(integer);
                let bits = bits.and_then(|bits| usize::try_from(bits).ok());
                let bits = bits.filter(|bits| *bits <= PACKET_OCTETS_MAX * 8);
                bits.map(Some)
                    .ok_or_else(|| Problem::DoesNotFit("the arguments give it no size".to_owned()))
            }
        }
    }
}
