//! Containers of commands and their entries.

use roxmltree::Node;

use super::document::{child, elements, name_of};
use super::load::Loader;
use super::model::{
    CommandContainer, CommandContainerBase, CommandContainerId, CommandEntry, CommandEntryContent,
    Condition, ContainerId,
};
use super::names::{Declared, Space};
use super::notes::{Built, mistake, unsupported};
use super::values::{integer, required};

/// Largest fixed entry: no field is larger than the largest space packet.
const BITS_MAX: i64 = 65_542 * 8;

impl<'a> Loader<'a> {
    /// One container of a command.
    pub(super) fn command_container(
        &mut self,
        declared: Declared<'a>,
    ) -> Built<'a, CommandContainer> {
        let Declared { node, system, .. } = declared;
        let base = match child(node, "BaseContainer") {
            Some(form) => {
                let base = self.command_container_reference(form, system)?;
                let condition = match child(form, "RestrictionCriteria") {
                    Some(criteria) => self.match_criteria(criteria, system)?,
                    None => None,
                };
                Some((base, condition.unwrap_or(Condition::All(Vec::new()))))
            }
            None => None,
        };
        let size_bits = match child(node, "BinaryEncoding").and_then(|n| child(n, "SizeInBits")) {
            Some(size) => Some(self.integer_value(child(size, "Fixed").unwrap_or(size), system)?),
            None => None,
        };
        let mut entries = Vec::new();
        for entry in child(node, "EntryList").into_iter().flat_map(elements) {
            if let Some(entry) = self.command_entry(entry, system)? {
                entries.push(entry);
            }
        }
        Ok(CommandContainer {
            name: declared.name.to_owned(),
            qualified_name: self.names.qualified(&declared),
            base,
            size_bits,
            entries,
        })
    }

    /// A container of a command, else one of telemetry.
    fn command_container_reference(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
    ) -> Built<'a, CommandContainerBase> {
        let reference = node.attribute("containerRef").unwrap_or_default();
        if self
            .names
            .find(Space::CommandContainer, system, reference)
            .is_none()
            && self
                .names
                .find(Space::Container, system, reference)
                .is_some()
        {
            let found = self.find(node, Space::Container, "containerRef", system)?;
            return Ok(CommandContainerBase::Sequence(ContainerId(found.index)));
        }
        let found = self.find(node, Space::CommandContainer, "containerRef", system)?;
        Ok(CommandContainerBase::Command(CommandContainerId(
            found.index,
        )))
    }

    /// One entry; `None` for an element that is none (the audit names it).
    fn command_entry(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
    ) -> Built<'a, Option<CommandEntry>> {
        let content = match name_of(node) {
            "ArgumentRefEntry" => CommandEntryContent::Argument {
                name: required(node, "argumentRef", |name| Some(name.trim().to_owned()))?,
                dimensions: Vec::new(),
            },
            "ArrayArgumentRefEntry" => CommandEntryContent::Argument {
                name: required(node, "argumentRef", |name| Some(name.trim().to_owned()))?,
                dimensions: self.dimensions(node, system)?,
            },
            "ParameterRefEntry" => {
                CommandEntryContent::Parameter(self.parameter(node, "parameterRef", system)?)
            }
            "FixedValueEntry" => fixed(node)?,
            "ContainerRefEntry" => {
                CommandEntryContent::Container(self.command_container_reference(node, system)?)
            }
            "ParameterSegmentRefEntry"
            | "ContainerSegmentRefEntry"
            | "StreamSegmentEntry"
            | "IndirectParameterRefEntry"
            | "ArrayParameterRefEntry" => {
                let what = format!("{} in a container of a command", name_of(node));
                return Err(unsupported(node, what));
            }
            _ => return Ok(None),
        };
        if let Some(repeat) = child(node, "RepeatEntry") {
            return Err(unsupported(
                repeat,
                "RepeatEntry in a container of a command; use an array argument",
            ));
        }
        let location = match child(node, "LocationInContainerInBits") {
            Some(location) => Some(self.location(location, system)?),
            None => None,
        };
        let include_condition = match child(node, "IncludeCondition") {
            Some(condition) => self.match_criteria(condition, system)?,
            None => None,
        };
        Ok(Some(CommandEntry {
            content,
            location,
            include_condition,
        }))
    }
}

/// Bits of a FixedValueEntry: the lowest ones of its hexadecimal digits.
fn fixed<'a>(node: Node<'a, 'a>) -> Built<'a, CommandEntryContent> {
    let bits = required(node, "sizeInBits", integer)?;
    let bits = u32::try_from(bits)
        .ok()
        .filter(|_| (1..=BITS_MAX).contains(&bits))
        .ok_or_else(|| mistake(node, format!("a fixed value of {bits} bits")))?;
    let text = required(node, "binaryValue", |text| Some(text.trim().to_owned()))?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    let wrong = || mistake(node, format!("binaryValue=\"{text}\" is not hexadecimal"));
    if digits.is_empty() || !digits.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    // Leading zeros say nothing: what is kept is as long as the text, whatever the size says.
    let digits = digits.trim_start_matches('0');
    let mut nibbles: Vec<u8> = digits
        .chars()
        .filter_map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    if nibbles.len() % 2 == 1 {
        nibbles.insert(0, 0);
    }
    let octets: Vec<u8> = nibbles
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |octet, nibble| octet << 4 | nibble))
        .collect();
    let zeros = octets.first().map_or(0, |first| first.leading_zeros());
    let used = octets.len() as u64 * 8 - u64::from(zeros);
    if used > u64::from(bits) {
        let what = format!("binaryValue=\"{text}\" has more than sizeInBits=\"{bits}\" bits");
        return Err(mistake(node, what));
    }
    Ok(CommandEntryContent::Fixed {
        name: node.attribute("name").unwrap_or_default().trim().to_owned(),
        bits,
        octets,
    })
}
