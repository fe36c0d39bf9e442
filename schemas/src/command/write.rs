//! Values written into a packet.

use std::borrow::Cow;

use super::context::Context;
use super::error::Problem;
use super::raw::{self, Number};
use super::shape::{Count, Leaf, LeafSize, Shape};
use super::value::Value;
use super::{ELEMENTS_MAX, PACKET_OCTETS_MAX, bits, text};
use crate::layout::Raw;
use crate::xtce::model::{Charset, StringEnd};

/// Why a value of an argument, or a part of it, cannot be encoded.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) problem: Problem,
    /// The way from the argument to the part: `.x`, `[3]`.
    pub(super) path: String,
    pub(super) got: String,
    pub(super) expected: String,
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

/// Writes the values of one packet.
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
