//! Sequence containers and their entries.

use roxmltree::Node;

use super::document::{child, elements, name_of};
use super::load::Loader;
use super::model::{
    Condition, Container, ContainerId, Entry, EntryContent, IntegerValue, Location,
    LocationReference, Repeat,
};
use super::names::{Declared, description};
use super::notes::{Built, mistake, unsupported};
use super::values::{attribute, boolean, integer};

impl<'a> Loader<'a> {
    /// One SequenceContainer.
    pub(super) fn container(&mut self, declared: Declared<'a>) -> Built<'a, Container> {
        let Declared {
            node, system, name, ..
        } = declared;
        let base = match child(node, "BaseContainer") {
            Some(base) => Some(self.base(base, system)?),
            None => None,
        };
        let size_bits = match child(node, "BinaryEncoding").and_then(|n| child(n, "SizeInBits")) {
            Some(size) => Some(self.integer_value(child(size, "Fixed").unwrap_or(size), system)?),
            None => None,
        };
        let mut entries = Vec::new();
        if let Some(list) = child(node, "EntryList") {
            for entry in elements(list) {
                if let Some(entry) = self.entry(entry, system)? {
                    entries.push(entry);
                }
            }
        }
        Ok(Container {
            name: name.to_owned(),
            qualified_name: self.names.qualified(&declared),
            description: description(node),
            is_abstract: attribute(node, "abstract", boolean)?.unwrap_or(false),
            base,
            size_bits,
            entries,
        })
    }

    fn base(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, (ContainerId, Condition)> {
        let container = self.container_reference(node, "containerRef", system)?;
        let condition = match child(node, "RestrictionCriteria") {
            Some(criteria) => self.match_criteria(criteria, system)?,
            None => None,
        };
        Ok((container, condition.unwrap_or(Condition::All(Vec::new()))))
    }

    /// One entry; `None` for an element that is none (the audit names it).
    fn entry(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Option<Entry>> {
        let content = match name_of(node) {
            "ParameterRefEntry" => {
                EntryContent::Parameter(self.parameter(node, "parameterRef", system)?)
            }
            "ArrayParameterRefEntry" => EntryContent::Array {
                parameter: self.parameter(node, "parameterRef", system)?,
                dimensions: self.dimensions(node, system)?,
            },
            "ContainerRefEntry" => {
                EntryContent::Container(self.container_reference(node, "containerRef", system)?)
            }
            "ParameterSegmentRefEntry"
            | "ContainerSegmentRefEntry"
            | "StreamSegmentEntry"
            | "FixedValueEntry" => self.padding(node)?,
            "IndirectParameterRefEntry" => {
                return Err(unsupported(
                    node,
                    "IndirectParameterRefEntry: its size is not known",
                ));
            }
            "ArgumentRefEntry" | "ArrayArgumentRefEntry" => {
                return Err(mistake(
                    node,
                    format!("{} in a container of telemetry", name_of(node)),
                ));
            }
            _ => return Ok(None),
        };
        let location = match child(node, "LocationInContainerInBits") {
            Some(location) => Some(self.location(location, system)?),
            None => None,
        };
        let include_condition = match child(node, "IncludeCondition") {
            Some(condition) => self.match_criteria(condition, system)?,
            None => None,
        };
        let repeat = match child(node, "RepeatEntry") {
            Some(repeat) => Some(self.repeat(repeat, system)?),
            None => None,
        };
        Ok(Some(Entry {
            content,
            location,
            include_condition,
            repeat,
        }))
    }

    /// An entry of known size that is not decoded.
    fn padding(&mut self, node: Node<'a, 'a>) -> Built<'a, EntryContent> {
        let what = name_of(node);
        let bits =
            attribute(node, "sizeInBits", integer)?.and_then(|bits| u32::try_from(bits).ok());
        let bits = bits.ok_or_else(|| unsupported(node, format!("{what} without a size")))?;
        self.note(unsupported(
            node,
            format!("{what}: its {bits} bits are skipped"),
        ));
        Ok(EntryContent::Padding(bits))
    }

    pub(super) fn location(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Location> {
        let reference = match node.attribute("referenceLocation") {
            None | Some("previousEntry") => LocationReference::PreviousEntry,
            Some("containerStart") => LocationReference::ContainerStart,
            Some("containerEnd") => LocationReference::ContainerEnd,
            Some("nextEntry") => {
                return Err(unsupported(node, "referenceLocation=\"nextEntry\""));
            }
            Some(other) => return Err(mistake(node, format!("referenceLocation=\"{other}\""))),
        };
        Ok(Location {
            reference,
            offset_bits: self.integer_value(node, system)?,
        })
    }

    fn repeat(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Repeat> {
        let count =
            child(node, "Count").ok_or_else(|| mistake(node, "RepeatEntry has no Count"))?;
        let count = self.integer_value(count, system)?;
        let offset_bits = match child(node, "Offset") {
            Some(offset) => self.integer_value(offset, system)?,
            None => IntegerValue::Fixed(0),
        };
        Ok(Repeat { count, offset_bits })
    }

    /// DimensionList inside an array type or an array entry: the number of entries of each
    /// dimension, end index less start index and one more.
    pub(super) fn dimensions(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
    ) -> Built<'a, Vec<IntegerValue>> {
        let Some(list) = child(node, "DimensionList") else {
            return Ok(Vec::new());
        };
        let mut dimensions = Vec::new();
        for dimension in elements(list).filter(|dimension| name_of(*dimension) == "Dimension") {
            let start = match child(dimension, "StartingIndex") {
                Some(start) => self.integer_value(start, system)?,
                None => IntegerValue::Fixed(0),
            };
            let end = child(dimension, "EndingIndex")
                .ok_or_else(|| mistake(dimension, "Dimension has no EndingIndex"))?;
            let end = self.integer_value(end, system)?;
            dimensions.push(length(dimension, &start, end)?);
        }
        Ok(dimensions)
    }
}

fn length<'a>(
    node: Node<'a, 'a>,
    start: &IntegerValue,
    end: IntegerValue,
) -> Built<'a, IntegerValue> {
    let IntegerValue::Fixed(start) = *start else {
        return Err(unsupported(node, "a StartingIndex that is not fixed"));
    };
    let beyond = || mistake(node, "indices of this Dimension are too large");
    let more = 1_i64.checked_sub(start).ok_or_else(beyond)?;
    Ok(match end {
        IntegerValue::Fixed(end) => {
            let length = end.checked_add(more).ok_or_else(beyond)?;
            if length < 0 {
                return Err(mistake(node, format!("indices from {start} to {end}")));
            }
            IntegerValue::Fixed(length)
        }
        IntegerValue::Parameter {
            parameter,
            calibrated,
            slope,
            intercept,
        } => {
            #[allow(clippy::cast_precision_loss, reason = "indices are small")]
            let intercept = intercept + more as f64;
            IntegerValue::Parameter {
                parameter,
                calibrated,
                slope,
                intercept,
            }
        }
        IntegerValue::Lookup(rows) => {
            let rows = rows
                .into_iter()
                .map(|(condition, end)| Ok((condition, end.checked_add(more).ok_or_else(beyond)?)));
            IntegerValue::Lookup(rows.collect::<Built<_>>()?)
        }
    })
}
