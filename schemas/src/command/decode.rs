//! From octets to arguments.

use space_link::time::{LeapSeconds, UtcMicros};

use super::breakdown::BreakdownField;
use super::context::Context;
use super::error::DecodeError;
use super::shape::{Count, Leaf, LeafSize, Meaning, Shape};
use super::value::{Arguments, Value};
use super::{
    ArgumentSource, At, CompiledCommand, Content, ELEMENTS_MAX, Field, PACKET_OCTETS_MAX, bits,
    raw, text,
};
use crate::layout::Raw;
use crate::xtce::model::{Charset, StringEnd};

impl CompiledCommand {
    /// The arguments of a packet of this command, without its packet error control.
    ///
    /// Arguments that the link sets have no value; those that are in no entry have their default.
    ///
    /// # Errors
    /// [`DecodeError`]: the packet is of another command, too short or too long, or a field holds
    /// bits that are no value.
    pub fn decode(&self, packet: &[u8]) -> Result<Arguments, DecodeError> {
        if !self.begins(packet) {
            return Err(self.not_this(packet));
        }
        let fields = self.variable.iter().map(|index| &self.fields[*index]);
        self.read(packet, fields, None)
    }

    /// Reads fields; static ones that are not among them have been compared.
    pub(super) fn read<'f>(
        &'f self,
        packet: &[u8],
        fields: impl Iterator<Item = &'f Field>,
        trace: Option<&mut Vec<BreakdownField>>,
    ) -> Result<Arguments, DecodeError> {
        if packet.len() > PACKET_OCTETS_MAX {
            let octets = packet.len() - PACKET_OCTETS_MAX;
            return Err(DecodeError::Trailing {
                command: self.qualified_name.clone(),
                octets,
            });
        }
        let values = self
            .arguments
            .iter()
            .map(|argument| {
                let known = argument.source == ArgumentSource::Assigned || !argument.transmitted;
                argument.default.clone().filter(|_| known)
            })
            .collect();
        let mut reader = Reader {
            command: self,
            packet,
            values,
            at: 0,
            elements: 0,
            trace,
        };
        let mut end = self.template.len() * 8;
        for field in fields {
            reader.field(field)?;
            end = end.max(reader.at);
        }
        let octets = self.octets.unwrap_or(end.div_ceil(8));
        if packet.len() < octets {
            return Err(self.truncated("the packet", octets * 8, packet));
        }
        if packet.len() > octets {
            let octets = packet.len() - octets;
            return Err(DecodeError::Trailing {
                command: self.qualified_name.clone(),
                octets,
            });
        }
        Ok(Arguments {
            values: reader.values,
        })
    }

    /// Which field of the template differs.
    fn not_this(&self, packet: &[u8]) -> DecodeError {
        let differs = |bit: usize| {
            let octet = |list: &[u8]| list.get(bit / 8).map_or(0, |o| o >> (7 - bit % 8) & 1);
            octet(&self.mask) == 1 && octet(&self.template) != octet(packet)
        };
        let bits = self.template.len().min(packet.len()) * 8;
        if let Some(bit) = (0..bits).find(|bit| differs(*bit)) {
            let before = self.fields.iter().filter_map(|field| match field.at {
                At::Bit(at, _) if at <= bit => Some((at, &field.name)),
                _ => None,
            });
            let field = before
                .max_by_key(|(at, _)| *at)
                .map_or("", |(_, name)| name.as_str());
            return DecodeError::Another {
                command: self.qualified_name.clone(),
                field: field.to_owned(),
            };
        }
        self.truncated("the packet", self.template.len() * 8, packet)
    }

    fn truncated(&self, field: &str, needed: usize, packet: &[u8]) -> DecodeError {
        DecodeError::Truncated {
            command: self.qualified_name.clone(),
            field: field.to_owned(),
            needed_bits: needed as u64,
            bits: packet.len() as u64 * 8,
        }
    }
}

struct Reader<'c, 'p, 't> {
    command: &'c CompiledCommand,
    packet: &'p [u8],
    values: Vec<Option<Value>>,
    at: usize,
    elements: usize,
    trace: Option<&'t mut Vec<BreakdownField>>,
}

impl Reader<'_, '_, '_> {
    fn context(&self) -> Context<'_> {
        Context {
            arguments: &self.command.arguments,
            values: &self.values,
        }
    }

    fn field(&mut self, field: &Field) -> Result<(), DecodeError> {
        let Some(at) = self.context().position(&field.at, self.at) else {
            return Err(self.invalid(
                &field.name,
                "the arguments give it no place inside the packet",
            ));
        };
        if field
            .when
            .as_ref()
            .is_some_and(|when| !self.context().holds(when))
        {
            if let At::Bit(_, before) = field.at {
                self.at = before;
            }
            return Ok(());
        }
        self.at = at;
        let index = match &field.content {
            Content::Fixed(width, octets) => return self.fixed(&field.name, *width, octets),
            Content::Argument(index) => *index,
        };
        let command = self.command;
        let Some(argument) = command.arguments.get(index) else {
            return Ok(());
        };
        let value = self.shape(&argument.shape, &field.name)?;
        match argument.source {
            ArgumentSource::Link => {}
            ArgumentSource::Assigned => {
                if argument.default.as_ref() != Some(&value) {
                    return Err(DecodeError::Another {
                        command: command.qualified_name.clone(),
                        field: field.name.clone(),
                    });
                }
            }
            ArgumentSource::Operator | ArgumentSource::Parameter => {
                if let Some(slot) = self.values.get_mut(index) {
                    *slot = Some(value);
                }
            }
        }
        Ok(())
    }

    fn fixed(&mut self, name: &str, width: u32, octets: &[u8]) -> Result<(), DecodeError> {
        let width = width as usize;
        let found = bits::read_octets(self.packet, self.at, width)
            .ok_or_else(|| self.short(name, width))?;
        // The link's fields are fixed in some databases, and set afterwards.
        let links = self.command.has_primary_header && super::entries::is_links(self.at, width);
        if found != octets && !links {
            return Err(DecodeError::Another {
                command: self.command.qualified_name.clone(),
                field: name.to_owned(),
            });
        }
        self.note(name, self.at, width, &Value::Octets(found), None);
        self.at += width;
        Ok(())
    }

    fn shape(&mut self, shape: &Shape, name: &str) -> Result<Value, DecodeError> {
        match shape {
            Shape::Leaf(leaf) => self.leaf(leaf, name),
            Shape::Array { element, count } => {
                let count = match count {
                    Count::Fixed(count) => Some(*count as usize),
                    Count::Dynamic(integer) => {
                        let count = self.context().integer(integer);
                        count.and_then(|count| usize::try_from(count).ok())
                    }
                };
                let left = ELEMENTS_MAX - self.elements;
                let Some(count) = count.filter(|count| *count <= left) else {
                    return Err(self.invalid(name, "a number of elements that no packet has"));
                };
                self.elements += count;
                let mut values = Vec::with_capacity(count.min(1_024));
                for at in 0..count {
                    let name = if self.trace.is_some() {
                        format!("{name}[{at}]")
                    } else {
                        name.to_owned()
                    };
                    values.push(self.shape(element, &name)?);
                }
                Ok(Value::List(values))
            }
            Shape::Aggregate(members) => {
                let mut values = Vec::with_capacity(members.len());
                for member in members {
                    values.push(self.shape(&member.shape, &format!("{name}.{}", member.name))?);
                }
                Ok(Value::Members(values))
            }
        }
    }

    fn leaf(&mut self, leaf: &Leaf, name: &str) -> Result<Value, DecodeError> {
        let at = self.at;
        let value = match &leaf.raw {
            Raw::Text { charset, end } => self.text(leaf, *charset, end, name)?,
            Raw::Octets => {
                let width = self.box_bits(leaf, name)?;
                let mut octets = bits::read_octets(self.packet, at, width)
                    .ok_or_else(|| self.short(name, width))?;
                if leaf.octets_reversed {
                    octets.reverse();
                }
                self.at += width;
                Value::Octets(octets)
            }
            _ => self.number(leaf, name)?,
        };
        self.note(name, at, self.at - at, &value, leaf.units.as_ref());
        Ok(value)
    }

    fn number(&mut self, leaf: &Leaf, name: &str) -> Result<Value, DecodeError> {
        let LeafSize::Fixed(width) = leaf.size else {
            return Err(self.invalid(name, "a number without a size"));
        };
        let mut word = bits::read(self.packet, self.at, width)
            .ok_or_else(|| self.short(name, width as usize))?;
        self.at += width as usize;
        if leaf.octets_reversed {
            word = bits::reverse_octets(word, width);
        }
        if leaf.bits_reversed {
            word = bits::reverse_bits(word, width);
        }
        if leaf.integers.is_none() {
            let raw = raw::float(&leaf.raw, width, word);
            let raw = raw.ok_or_else(|| self.invalid(name, "bits that are no number"))?;
            return self.engineering(leaf, raw, name);
        }
        let raw = raw::integer(&leaf.raw, width, word)
            .ok_or_else(|| self.invalid(name, "digits that are none"))?;
        match &leaf.meaning {
            Meaning::Integer if leaf.conversion.is_none() => Ok(Value::Integer(raw)),
            Meaning::Boolean { .. } => Ok(Value::Boolean(raw != 0)),
            Meaning::Enumeration { labels, .. } => {
                let label = i64::try_from(raw).ok().and_then(|raw| labels.index_of(raw));
                let label = label.and_then(|label| labels.labels.get(label as usize));
                let label = label.cloned().map(Value::Text);
                label.ok_or_else(|| self.invalid(name, &format!("{raw} has no label")))
            }
            #[allow(clippy::cast_precision_loss, reason = "calibrators work on doubles")]
            _ => self.engineering(leaf, raw as f64, name),
        }
    }

    fn engineering(&self, leaf: &Leaf, raw: f64, name: &str) -> Result<Value, DecodeError> {
        let context = leaf
            .contexts
            .iter()
            .find(|(when, _)| self.context().holds(when));
        let conversion = context
            .map(|(_, conversion)| conversion)
            .or(leaf.conversion.as_ref());
        let value = conversion.map_or(raw, |conversion| conversion.forward(raw));
        match leaf.meaning {
            Meaning::Boolean { .. } => Ok(Value::Boolean(raw != 0.0)),
            #[allow(clippy::cast_possible_truncation, reason = "whole and bounded")]
            Meaning::Integer if value.fract() == 0.0 && value.abs() < 1e37 => {
                Ok(Value::Integer(value as i128))
            }
            Meaning::Time { zero, leap_seconds } => {
                #[allow(clippy::cast_possible_truncation, reason = "checked to fit")]
                let reading = (value.abs() < 9e18).then(|| value.round() as i64);
                let reading = reading.and_then(|reading| reading.checked_add(zero));
                let time = reading.and_then(|reading| {
                    if !leap_seconds {
                        return Some(reading);
                    }
                    LeapSeconds::IERS
                        .utc_from_tai(reading)
                        .ok()
                        .map(UtcMicros::get)
                });
                time.map(Value::Time)
                    .ok_or_else(|| self.invalid(name, "a time beyond all calendars"))
            }
            _ => Ok(Value::Float(value)),
        }
    }

    /// Bits of a field whose size is not in it; the rest of the packet for one without a bound.
    fn box_bits(&self, leaf: &Leaf, name: &str) -> Result<usize, DecodeError> {
        let rest = (self.packet.len() * 8).saturating_sub(self.at);
        match &leaf.size {
            LeafSize::Fixed(bits) => Ok(*bits as usize),
            LeafSize::SelfDelimited(0) => Ok(rest),
            LeafSize::SelfDelimited(most) => Ok(rest.min(*most as usize)),
            LeafSize::Dynamic(integer) => {
                let bits = self.context().integer(integer);
                let bits = bits.and_then(|bits| usize::try_from(bits).ok());
                let bits = bits.filter(|bits| *bits <= PACKET_OCTETS_MAX * 8);
                bits.ok_or_else(|| self.invalid(name, "a size that no packet has"))
            }
        }
    }

    fn text(
        &mut self,
        leaf: &Leaf,
        charset: Charset,
        end: &StringEnd,
        name: &str,
    ) -> Result<Value, DecodeError> {
        let open = matches!(leaf.size, LeafSize::SelfDelimited(_));
        let width = self.box_bits(leaf, name)?;
        let prefix = match end {
            StringEnd::LeadingSize(bits) => *bits as usize,
            StringEnd::Whole | StringEnd::Terminated(_) => 0,
        };
        if prefix > width {
            return Err(self.short(name, prefix));
        }
        let (octets, used) = if prefix > 0 {
            let length = bits::read(self.packet, self.at, prefix.min(64) as u32)
                .and_then(|length| usize::try_from(length).ok())
                .ok_or_else(|| self.short(name, prefix))?;
            let inside = length.checked_mul(8).filter(|bits| prefix + bits <= width);
            let length = inside.ok_or_else(|| self.invalid(name, "a length beyond its field"))?;
            let octets = bits::read_octets(self.packet, self.at + prefix, length)
                .ok_or_else(|| self.short(name, prefix + length))?;
            (octets, prefix + length)
        } else {
            let whole = width & !7;
            let octets = bits::read_octets(self.packet, self.at, whole)
                .ok_or_else(|| self.short(name, whole))?;
            self.ended(octets, charset, end, open, name)?
        };
        let decoded = text::decode(&octets, charset);
        let decoded = decoded
            .ok_or_else(|| self.invalid(name, &format!("octets that are no {charset:?}")))?;
        self.at += if open { used } else { width };
        Ok(Value::Text(decoded))
    }

    /// The octets of a text in its box, and the bits that it takes with its terminator.
    fn ended(
        &self,
        mut octets: Vec<u8>,
        charset: Charset,
        end: &StringEnd,
        open: bool,
        name: &str,
    ) -> Result<(Vec<u8>, usize), DecodeError> {
        let whole = octets.len() * 8;
        match end {
            StringEnd::Terminated(terminator) => match text::find(&octets, terminator, charset) {
                Some(at) => {
                    octets.truncate(at);
                    Ok((octets, (at + terminator.len()) * 8))
                }
                None if open => Err(self.invalid(name, "a text without its terminator")),
                None => Ok((octets, whole)),
            },
            StringEnd::Whole if !open => {
                let unit = text::unit(charset);
                while octets.len() >= unit
                    && octets.iter().rev().take(unit).all(|octet| *octet == 0)
                {
                    octets.truncate(octets.len() - unit);
                }
                Ok((octets, whole))
            }
            StringEnd::Whole | StringEnd::LeadingSize(_) => Ok((octets, whole)),
        }
    }

    fn note(&mut self, name: &str, at: usize, width: usize, value: &Value, units: Option<&String>) {
        let packet = self.packet;
        if let Some(trace) = &mut self.trace {
            trace.push(BreakdownField {
                name: name.to_owned(),
                bit_offset: at,
                bit_length: width,
                raw: bits::read_octets(packet, at, width).unwrap_or_default(),
                value: value.to_string(),
                units: units.cloned(),
            });
        }
    }

    fn short(&self, name: &str, width: usize) -> DecodeError {
        self.command.truncated(name, self.at + width, self.packet)
    }

    fn invalid(&self, name: &str, why: &str) -> DecodeError {
        DecodeError::Invalid {
            command: self.command.qualified_name.clone(),
            field: name.to_owned(),
            why: why.to_owned(),
        }
    }
}
