//! A command's containers, flattened into one list of fields with their places.

use std::collections::HashMap;

use super::compile::{dimensions_of, of_integer};
use super::parse;
use super::shape::{Count, Integer, LeafSize, Predicate, Shape};
use super::shapes::{Of, Shaper};
use super::value::Value;
use super::{
    ArgumentLayout, ArgumentSource, At, Content, FIELDS_MAX, Field, OCTETS_A_NODE,
    PACKET_OCTETS_MAX,
};
use crate::layout::DEPTH_MAX;
use crate::xtce::model::{
    CommandContainerBase, CommandEntryContent, ComparisonOperator, Condition, ContainerId,
    EntryContent, IntegerValue, Location, LocationReference, MissionDatabase, Operand, ParameterId,
};

/// Flattens the containers of one command.
pub(super) struct Flattener<'d> {
    pub(super) database: &'d MissionDatabase,
    pub(super) shaper: Shaper<'d>,
    pub(super) fields: Vec<Field>,
    pub(super) issues: Vec<String>,
    /// Octets of the packet, if its container says them.
    pub(super) octets: Option<usize>,
    /// Dimensions that entries give to array arguments.
    pub(super) dimensions: HashMap<&'d str, &'d [IntegerValue]>,
    /// Values that restrictions of base containers give to arguments.
    pub(super) restricted_arguments: Vec<(String, String)>,
    container: CommandContainerBase,
    restricted: HashMap<ParameterId, String>,
    /// Bit at which the last field ends, while it is known.
    end: Option<usize>,
}

impl<'d> Flattener<'d> {
    pub(super) fn new(
        database: &'d MissionDatabase,
        container: CommandContainerBase,
    ) -> Result<Self, String> {
        let mut flattener = Self {
            database,
            shaper: Shaper {
                database,
                arguments: HashMap::new(),
                parameters: HashMap::new(),
                known: Vec::new(),
                nodes: 0,
            },
            fields: Vec::new(),
            issues: Vec::new(),
            octets: None,
            dimensions: HashMap::new(),
            restricted_arguments: Vec::new(),
            container,
            restricted: HashMap::new(),
            end: Some(0),
        };
        dimensions_of(database, container, 0, &mut flattener.dimensions);
        flattener.restrictions(container)?;
        Ok(flattener)
    }

    /// All entries, the outermost base's first.
    pub(super) fn flatten(&mut self, arguments: &mut Vec<ArgumentLayout>) -> Result<(), String> {
        let container = self.container;
        self.container(container, arguments, 0)?;
        let mut next = Some(container);
        for _ in 0..=DEPTH_MAX {
            let Some(CommandContainerBase::Command(id)) = next else {
                break;
            };
            let Some(found) = self.database.command_containers.get(id.0 as usize) else {
                break;
            };
            match &found.size_bits {
                Some(IntegerValue::Fixed(bits)) => {
                    let octets = usize::try_from(*bits).ok().filter(|bits| bits % 8 == 0);
                    let octets = octets
                        .map(|bits| bits / 8)
                        .filter(|o| *o <= PACKET_OCTETS_MAX);
                    self.octets =
                        Some(octets.ok_or_else(|| format!("its container has {bits} bits"))?);
                    break;
                }
                Some(_) => return Err("its container's size depends on a value".to_owned()),
                None => next = found.base.as_ref().map(|(base, _)| *base),
            }
        }
        Ok(())
    }

    /// What restrictions say of the bases' entries: equal to a constant gives a value.
    fn restrictions(&mut self, from: CommandContainerBase) -> Result<(), String> {
        let mut next = Some(from);
        for _ in 0..=2 * DEPTH_MAX {
            let Some(container) = next else { return Ok(()) };
            let database = self.database;
            let base = match container {
                CommandContainerBase::Command(id) => {
                    let found = database.command_containers.get(id.0 as usize);
                    found
                        .and_then(|found| found.base.as_ref())
                        .map(|(base, condition)| (*base, condition))
                }
                CommandContainerBase::Sequence(id) => {
                    let found = database.containers.get(id.0 as usize);
                    found
                        .and_then(|found| found.base.as_ref())
                        .map(|(base, condition)| (CommandContainerBase::Sequence(*base), condition))
                }
            };
            if let Some((_, condition)) = base {
                self.restriction(condition, 0);
            }
            next = base.map(|(base, _)| base);
        }
        Err(format!(
            "its containers extend more than {DEPTH_MAX} others"
        ))
    }

    fn restriction(&mut self, condition: &Condition, depth: usize) {
        match condition {
            Condition::All(list) if depth <= DEPTH_MAX => {
                list.iter()
                    .for_each(|inner| self.restriction(inner, depth + 1));
            }
            Condition::Comparison(comparison)
                if comparison.operator == ComparisonOperator::Equal =>
            {
                let Operand::Literal(text) = &comparison.value else {
                    self.issues
                        .push("a restriction between two parameters gives no value".to_owned());
                    return;
                };
                if let Some(name) = comparison.parameter.as_argument() {
                    let name = self.database.argument_names.get(name as usize).cloned();
                    self.restricted_arguments
                        .extend(name.map(|name| (name, text.clone())));
                } else {
                    // The nearest restriction has the last word, and comes first here.
                    self.restricted
                        .entry(comparison.parameter)
                        .or_insert_with(|| text.clone());
                }
            }
            _ => self.issues.push(
                "a restriction of its base container that is no equality gives no value".to_owned(),
            ),
        }
    }

    fn container(
        &mut self,
        container: CommandContainerBase,
        arguments: &mut Vec<ArgumentLayout>,
        depth: usize,
    ) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("its containers nest deeper than {DEPTH_MAX}"));
        }
        let CommandContainerBase::Command(id) = container else {
            return match container {
                CommandContainerBase::Sequence(id) => self.sequence(id, arguments, depth),
                CommandContainerBase::Command(_) => Ok(()),
            };
        };
        let found = self.database.command_containers.get(id.0 as usize);
        let found = found.ok_or("its container is not there")?;
        let start = self.end;
        if let Some((base, _)) = &found.base {
            self.container(*base, arguments, depth + 1)?;
        }
        for entry in &found.entries {
            let when = self.when(entry.include_condition.as_ref())?;
            let at = self.place(entry.location.as_ref(), start)?;
            match &entry.content {
                CommandEntryContent::Argument { name, .. } => {
                    let index = self.shaper.arguments.get(name.as_str()).copied();
                    let index = index.ok_or_else(|| {
                        format!("its packet holds `{name}`, which is no argument of it")
                    })?;
                    arguments[index].transmitted = true;
                    self.argument(index, at, when, arguments)?;
                }
                CommandEntryContent::Parameter(id) => {
                    let index = self.parameter(*id, arguments)?;
                    self.argument(index, at, when, arguments)?;
                }
                CommandEntryContent::Fixed { name, bits, octets } => {
                    let name = if name.is_empty() { "fixed" } else { name };
                    let content = self.fixed(*bits, octets)?;
                    self.push(name, at, when, content, Some(*bits as usize))?;
                }
                CommandEntryContent::Container(inner) => {
                    if when.is_some() {
                        return Err("a container that is included under a condition".to_owned());
                    }
                    self.include(&at)?;
                    self.container(*inner, arguments, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    /// A container that telemetry has too.
    fn sequence(
        &mut self,
        id: ContainerId,
        arguments: &mut Vec<ArgumentLayout>,
        depth: usize,
    ) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("its containers nest deeper than {DEPTH_MAX}"));
        }
        let found = self.database.containers.get(id.0 as usize);
        let found = found.ok_or("its base container is not there")?;
        let start = self.end;
        if let Some((base, _)) = &found.base {
            self.sequence(*base, arguments, depth + 1)?;
        }
        for entry in &found.entries {
            if entry.repeat.is_some() {
                return Err(format!("`{}` repeats an entry", found.qualified_name));
            }
            let when = self.when(entry.include_condition.as_ref())?;
            let at = self.place(entry.location.as_ref(), start)?;
            match &entry.content {
                EntryContent::Parameter(id) => {
                    let index = self.parameter(*id, arguments)?;
                    self.argument(index, at, when, arguments)?;
                }
                EntryContent::Padding(bits) => {
                    let content = self.fixed(*bits, &[])?;
                    self.push("padding", at, when, content, Some(*bits as usize))?;
                }
                EntryContent::Container(inner) if when.is_none() => {
                    self.include(&at)?;
                    self.sequence(*inner, arguments, depth + 1)?;
                }
                EntryContent::Container(_) => {
                    return Err("a container that is included under a condition".to_owned());
                }
                EntryContent::Array { .. } => {
                    return Err(format!("`{}` has an array parameter", found.qualified_name));
                }
            }
        }
        Ok(())
    }

    /// An included container follows what is before it; elsewhere it is not supported.
    fn include(&mut self, at: &At) -> Result<(), String> {
        match (at, self.end) {
            (At::Bit(bit, _), Some(end)) if *bit == end => Ok(()),
            (At::Behind(0), _) => Ok(()),
            (At::Bit(bit, _), _) => {
                self.end = Some(*bit);
                Ok(())
            }
            _ => Err("a container that is included at a computed place".to_owned()),
        }
    }

    /// A fixed entry, filled up with zeros in front; its octets count against the mission's.
    fn fixed(&mut self, bits: u32, octets: &[u8]) -> Result<Content, String> {
        let length = bits.div_ceil(8) as usize;
        self.shaper.count(length / OCTETS_A_NODE)?;
        let mut filled = vec![0; length.saturating_sub(octets.len())];
        filled.extend_from_slice(octets);
        Ok(Content::Fixed(bits, filled))
    }

    fn when(&mut self, condition: Option<&Condition>) -> Result<Option<Predicate>, String> {
        condition
            .map(|condition| self.shaper.predicate(condition, 0))
            .transpose()
    }

    fn place(&mut self, location: Option<&Location>, start: Option<usize>) -> Result<At, String> {
        let behind = |end: Option<usize>, offset: i64| {
            let Some(end) = end else {
                return Ok(At::Behind(offset));
            };
            let bit = isize::try_from(offset)
                .ok()
                .and_then(|offset| end.checked_add_signed(offset));
            let bit = bit.filter(|bit| *bit <= PACKET_OCTETS_MAX * 8);
            let bit = bit.ok_or_else(|| format!("an entry at {offset} bits behind bit {end}"))?;
            Ok(At::Bit(bit, end))
        };
        let Some(location) = location else {
            return behind(self.end, 0);
        };
        let offset = self.shaper.integer(&location.offset_bits)?;
        match (location.reference, offset) {
            (LocationReference::PreviousEntry, Integer::Fixed(offset)) => behind(self.end, offset),
            (LocationReference::PreviousEntry, offset) => Ok(At::Computed(None, offset)),
            (LocationReference::ContainerStart, Integer::Fixed(offset)) if start.is_some() => {
                behind(start, offset)
            }
            (LocationReference::ContainerStart, offset) => {
                let start =
                    start.ok_or("an entry in a container that begins at a computed place")?;
                Ok(At::Computed(Some(start), offset))
            }
            (LocationReference::ContainerEnd, _) => {
                Err("an entry counted from its container's end".to_owned())
            }
        }
    }

    fn argument(
        &mut self,
        index: usize,
        at: At,
        when: Option<Predicate>,
        arguments: &[ArgumentLayout],
    ) -> Result<(), String> {
        let argument = &arguments[index];
        let bits = bits_of(&argument.shape);
        self.push(&argument.name, at, when, Content::Argument(index), bits)
    }

    fn push(
        &mut self,
        name: &str,
        at: At,
        when: Option<Predicate>,
        content: Content,
        bits: Option<usize>,
    ) -> Result<(), String> {
        if self.fields.len() >= FIELDS_MAX {
            return Err(format!("its packet has more than {FIELDS_MAX} entries"));
        }
        self.shaper.count(1)?;
        self.end = match (&at, bits, &when) {
            (At::Bit(bit, _), Some(bits), None) => {
                let end = bit
                    .checked_add(bits)
                    .filter(|end| *end <= PACKET_OCTETS_MAX * 8);
                Some(end.ok_or_else(|| format!("`{name}` reaches beyond any packet"))?)
            }
            _ => None,
        };
        self.fields.push(Field {
            name: name.to_owned(),
            at,
            when,
            content,
        });
        Ok(())
    }

    /// The place of a parameter among the arguments; it is added when it is new.
    fn parameter(
        &mut self,
        id: ParameterId,
        arguments: &mut Vec<ArgumentLayout>,
    ) -> Result<usize, String> {
        if let Some(index) = self.shaper.parameters.get(&id) {
            return Ok(*index);
        }
        let parameter = self.database.parameters.get(id.0 as usize);
        let parameter = parameter.ok_or("its packet holds a parameter that is not there")?;
        let name = if self.shaper.arguments.contains_key(&parameter.name) {
            &parameter.qualified_name
        } else {
            &parameter.name
        };
        let shape = self
            .shaper
            .shape(Of::Parameters, parameter.parameter_type, &[], 0)
            .map_err(|why| format!("the parameter `{name}` cannot be encoded: {why}"))?;
        let default = match self.restricted.get(&id) {
            Some(text) => {
                let value = restricted(&shape, text);
                Some(value.ok_or_else(|| {
                    format!("its restriction to `{text}` is no value of `{name}`")
                })?)
            }
            None => None,
        };
        let index = arguments.len();
        self.shaper.parameters.insert(id, index);
        self.shaper.known.push(Some(shape.clone()));
        arguments.push(ArgumentLayout {
            name: name.clone(),
            description: parameter.description.clone(),
            shape,
            source: if default.is_some() {
                ArgumentSource::Assigned
            } else {
                ArgumentSource::Parameter
            },
            default,
            transmitted: true,
        });
        Ok(index)
    }
}

/// A restriction's text as a value; documents compare enumerations and truth values with numbers too.
fn restricted(shape: &Shape, text: &str) -> Option<Value> {
    parse::text(shape, text).ok()
}

/// Bits of a shape, if they are always the same.
fn bits_of(shape: &Shape) -> Option<usize> {
    match shape {
        Shape::Leaf(leaf) => leaf.bits().map(|bits| bits as usize),
        Shape::Array {
            element,
            count: Count::Fixed(count),
        } => bits_of(element)?.checked_mul(*count as usize),
        Shape::Array { .. } => None,
        Shape::Aggregate(members) => members.iter().try_fold(0_usize, |sum, member| {
            sum.checked_add(bits_of(&member.shape)?)
        }),
    }
}

/// Bit and width of a shape's values, arrays as one; empty if a size is not always the same.
pub(super) fn spans(shape: &Shape, at: usize) -> Vec<(usize, usize)> {
    match shape {
        Shape::Leaf(leaf) => match leaf.size {
            LeafSize::Fixed(bits) => vec![(at, bits as usize)],
            LeafSize::Dynamic(_) | LeafSize::SelfDelimited(_) => Vec::new(),
        },
        Shape::Array { .. } => bits_of(shape)
            .map(|bits| vec![(at, bits)])
            .unwrap_or_default(),
        Shape::Aggregate(members) => {
            let (mut all, mut next) = (Vec::new(), at);
            for member in members {
                let inner = spans(&member.shape, next);
                match inner.last() {
                    Some((last, width)) => next = last + width,
                    None => return Vec::new(),
                }
                all.extend(inner);
            }
            all
        }
    }
}

/// Packet sequence count and packet data length, which the link sets.
pub(super) fn is_links(at: usize, width: usize) -> bool {
    matches!((at, width), (18, 14) | (32, 16))
}

/// What the primary header of a telecommand holds where the database does not say it: version 0,
/// type 1, no secondary header, unsegmented; 0 for what the link sets.
pub(super) fn header_value(at: usize, width: usize, shape: &Shape) -> Option<Value> {
    let raw = match (at, width) {
        (0, 3) | (4, 1) | (18, 14) | (32, 16) => 0,
        (3, 1) => 1,
        (16, 2) => 3,
        _ => return None,
    };
    of_integer(shape, raw)
}
