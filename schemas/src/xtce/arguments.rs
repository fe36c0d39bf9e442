//! Argument types: what a parameter type says too, and what may be sent.

use roxmltree::Node;

use super::document::{child, elements, name_of};
use super::load::Loader;
use super::model::{ArgumentType, ParameterId, Range};
use super::names::{Declared, index};
use super::notes::{Built, mistake};
use super::types::Chain;
use super::values::{attribute, boolean, double, integer};

impl<'a> Loader<'a> {
    /// One argument type.
    pub(super) fn argument_type(&mut self, declared: Declared<'a>) -> Built<'a, ArgumentType> {
        let chain = self.chain(declared)?;
        let built = self.parameter_type(declared)?;
        let (valid_ranges, ranges_are_calibrated) = valid_ranges(&chain)?;
        let characters = match chain.child("SizeRangeInCharacters") {
            Some((node, _)) => (count(node, "minInclusive")?, count(node, "maxInclusive")?),
            None => (None, None),
        };
        Ok(ArgumentType {
            base: built.built,
            valid_ranges,
            ranges_are_calibrated,
            characters,
            initial_value: chain.attribute("initialValue", |text| Some(text.to_owned()))?,
            has_encoding: !built.without_encoding,
        })
    }

    /// The id that stands for the argument of this name, whichever command it is of.
    pub(super) fn argument_named(&mut self, name: &str) -> ParameterId {
        // A path leads to a member of an aggregate argument; the name is its first step.
        let name = name.trim();
        let known = self.argument_index.get(name).copied();
        ParameterId::argument(known.unwrap_or_else(|| {
            let next = index(self.argument_names.len());
            self.argument_names.push(name.to_owned());
            self.argument_index.insert(name.to_owned(), next);
            next
        }))
    }
}

/// Ranges of the nearest type in the chain that has any, and whether they are of engineering values.
fn valid_ranges<'a>(chain: &Chain<'a>) -> Built<'a, (Vec<Range>, bool)> {
    let calibrated = |node: Node<'a, 'a>| {
        attribute(node, "validRangeAppliesToCalibrated", boolean)
            .map(|applies| applies.unwrap_or(true))
    };
    if let Some((set, _)) = chain.child("ValidRangeSet") {
        let nodes = elements(set).filter(|node| name_of(*node) == "ValidRange");
        let ranges = nodes.map(range).collect::<Built<Vec<_>>>()?;
        return Ok((ranges, calibrated(set)?));
    }
    match chain.child("ValidRange") {
        Some((node, _)) => Ok((vec![range(node)?], calibrated(node)?)),
        None => Ok((Vec::new(), true)),
    }
}

/// FloatRangeType and IntegerRangeType; here the ends' exclusiveness is of the allowed values.
fn range<'a>(node: Node<'a, 'a>) -> Built<'a, Range> {
    let bound = |end: &str| -> Built<'a, (Option<f64>, bool)> {
        let inclusive = attribute(node, &format!("{end}Inclusive"), double)?;
        let exclusive = attribute(node, &format!("{end}Exclusive"), double)?;
        match (inclusive, exclusive) {
            (Some(_), Some(_)) => Err(mistake(
                node,
                format!("both {end}Inclusive and {end}Exclusive"),
            )),
            (Some(value), None) => Ok((Some(value), false)),
            (None, exclusive) => Ok((exclusive, exclusive.is_some())),
        }
    };
    let (minimum, minimum_exclusive) = bound("min")?;
    let (maximum, maximum_exclusive) = bound("max")?;
    if let (Some(minimum), Some(maximum)) = (minimum, maximum)
        && minimum > maximum
    {
        let what = format!("no value lies from {minimum} to {maximum}");
        return Err(mistake(node, what));
    }
    Ok(Range {
        minimum,
        minimum_exclusive,
        maximum,
        maximum_exclusive,
    })
}

fn count<'a>(node: Node<'a, 'a>, name: &str) -> Built<'a, Option<u32>> {
    attribute(node, name, |text| u32::try_from(integer(text)?).ok())
}

/// The list below `node` and its elements of one name.
pub(super) fn listed<'a>(
    node: Node<'a, 'a>,
    list: &str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'a>> {
    child(node, list)
        .into_iter()
        .flat_map(elements)
        .filter(move |inner| name_of(*inner) == name)
}
