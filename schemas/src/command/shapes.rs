//! Argument and parameter types become shapes.

use std::collections::HashMap;

use super::NODES_MAX;
use super::calibrate::Conversion;
use super::raw;
use super::shape::{Count, Integer, Leaf, LeafSize, Meaning, Member, Predicate, Shape};
use crate::layout::{DEPTH_MAX, FieldSize, Raw, labels_of, raw_of};
use crate::xtce::model::{
    ArgumentType, Calibrator, Condition, Encoding, Epoch, IntegerValue, MissionDatabase, Operand,
    ParameterId, ParameterType, Size, StringEnd, TypeId, TypeKind,
};

/// Builds shapes of one command.
pub(super) struct Shaper<'d> {
    pub(super) database: &'d MissionDatabase,
    /// Places of arguments by name.
    pub(super) arguments: HashMap<String, usize>,
    /// Places of parameters that are entries of the packet.
    pub(super) parameters: HashMap<ParameterId, usize>,
    /// Shapes of the arguments there are so far, for literals compared with them.
    pub(super) known: Vec<Option<Shape>>,
    /// Nodes built so far for all commands.
    pub(super) nodes: usize,
}

/// Which of the two kinds of types a type's number means.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Of {
    Arguments,
    Parameters,
}

/// Conversions in a context, and the one elsewhere.
type Conversions = (Vec<(Predicate, Conversion)>, Option<Conversion>);

/// What was built, or why not.
pub(super) type Shaped<T> = Result<T, String>;

impl<'d> Shaper<'d> {
    /// The shape of a type; `dimensions` go before the array type's own.
    pub(super) fn shape(
        &mut self,
        of: Of,
        id: TypeId,
        dimensions: &[IntegerValue],
        depth: usize,
    ) -> Shaped<Shape> {
        self.count(1)?;
        if depth > DEPTH_MAX {
            return Err(format!("its type nests deeper than {DEPTH_MAX}"));
        }
        let (base, extra) = self.find(of, id)?;
        match &base.kind {
            TypeKind::Array {
                element,
                dimensions: own,
            } => {
                let dimensions = if dimensions.is_empty() {
                    own.as_slice()
                } else {
                    dimensions
                };
                if dimensions.is_empty() {
                    return Err(format!("the array `{}` has no dimensions", base.name));
                }
                let mut shape = self.shape(of, *element, &[], depth + 1)?;
                for dimension in dimensions.iter().rev() {
                    self.count(1)?;
                    let count = self.elements(dimension)?;
                    shape = Shape::Array {
                        element: Box::new(shape),
                        count,
                    };
                }
                Ok(shape)
            }
            TypeKind::Aggregate { members } => {
                let members = members.iter().map(|member| {
                    Ok(Member {
                        name: member.name.clone(),
                        description: member.description.clone(),
                        shape: self.shape(of, member.member_type, &[], depth + 1)?,
                    })
                });
                Ok(Shape::Aggregate(members.collect::<Shaped<_>>()?))
            }
            _ => Ok(Shape::Leaf(Box::new(self.leaf(base, extra)?))),
        }
    }

    fn find(&self, of: Of, id: TypeId) -> Shaped<(&'d ParameterType, Option<&'d ArgumentType>)> {
        let at = id.0 as usize;
        let found = match of {
            Of::Parameters => self.database.types.get(at).map(|found| (found, None)),
            Of::Arguments => {
                let found = self.database.argument_types.get(at);
                found.map(|found| (&found.base, Some(found)))
            }
        };
        let (base, extra) = found.ok_or_else(|| "its type is not there".to_owned())?;
        if extra.is_some_and(|extra| !extra.has_encoding)
            && !matches!(
                base.kind,
                TypeKind::Array { .. } | TypeKind::Aggregate { .. }
            )
        {
            return Err(format!("its type `{}` says no size", base.name));
        }
        Ok((base, extra))
    }

    fn leaf(&mut self, base: &ParameterType, extra: Option<&ArgumentType>) -> Shaped<Leaf> {
        let encoding = base.kind.encoding().ok_or("its type has no encoding")?;
        self.count(weight(base, extra))?;
        let size = self.size(&encoding.size)?;
        let bits = match size {
            LeafSize::Fixed(bits) => bits,
            LeafSize::Dynamic(_) | LeafSize::SelfDelimited(_) => 64,
        };
        // The columns' types do not matter here, but what an encoding can be is said there.
        let (raw, _) = raw_of(&encoding.kind, &FieldSize::Fixed(bits))
            .ok_or_else(|| format!("{:?} of {bits} bits is not supported", encoding.kind))?;
        let is_number = !matches!(raw, Raw::Text { .. } | Raw::Octets);
        if is_number && !matches!(size, LeafSize::Fixed(1..=64)) {
            return Err("a number of a size that is not fixed".to_owned());
        }
        if encoding.least_significant_byte_first && is_number && bits % 8 != 0 {
            return Err(format!("least significant octet first in {bits} bits"));
        }
        if matches!(raw, Raw::Text { .. }) && matches!(size, LeafSize::Fixed(bits) if bits % 8 != 0)
        {
            return Err(format!("a text in {bits} bits, which are not whole octets"));
        }
        if let Raw::Text {
            end: StringEnd::LeadingSize(prefix),
            ..
        } = &raw
            && prefix % 8 != 0
            && !matches!(size, LeafSize::SelfDelimited(_))
        {
            return Err(format!(
                "a length prefix of {prefix} bits in a field of its own size"
            ));
        }
        let (meaning, scale, offset) = meaning(&base.kind, &raw)?;
        let (contexts, conversion) = self.conversions(
            encoding,
            &meaning,
            (scale, offset),
            Leaf::domain(&raw, bits),
            &raw,
        )?;
        Ok(Leaf {
            meaning,
            units: base.units.clone(),
            ranges: extra
                .map(|extra| extra.valid_ranges.clone())
                .unwrap_or_default(),
            ranges_of_raw: extra.is_some_and(|extra| !extra.ranges_are_calibrated),
            characters: extra.map_or((None, None), |extra| extra.characters),
            integers: raw::integers(&raw, bits),
            raw,
            size,
            bits_reversed: encoding.least_significant_bit_first,
            octets_reversed: encoding.least_significant_byte_first,
            contexts,
            conversion,
        })
    }

    fn conversions(
        &mut self,
        encoding: &Encoding,
        meaning: &Meaning,
        (scale, offset): (f64, f64),
        domain: (f64, f64),
        raw: &Raw,
    ) -> Shaped<Conversions> {
        if matches!(
            meaning,
            Meaning::Boolean { .. } | Meaning::Enumeration { .. } | Meaning::Text | Meaning::Octets
        ) {
            return Ok((Vec::new(), None));
        }
        let whole = !matches!(raw, Raw::Ieee754 | Raw::MilStd1750A);
        let mut contexts = Vec::new();
        for (condition, calibrator) in &encoding.context_calibrators {
            let conversion = Conversion::new(Some(calibrator), scale, offset, domain, whole)?;
            contexts.push((self.predicate(condition, 0)?, conversion));
        }
        let as_raw = encoding.calibrator.is_none() && scale == 1.0 && offset == 0.0;
        let always = matches!(meaning, Meaning::Time { .. } | Meaning::Duration);
        let conversion = if as_raw && !always && contexts.is_empty() {
            None
        } else {
            let calibrator = encoding.calibrator.as_ref();
            Some(Conversion::new(calibrator, scale, offset, domain, whole)?)
        };
        Ok((contexts, conversion))
    }

    fn size(&mut self, size: &Size) -> Shaped<LeafSize> {
        Ok(match size {
            Size::Fixed(bits) => LeafSize::Fixed(*bits),
            Size::Dynamic(value) => LeafSize::Dynamic(self.integer(value)?),
            Size::SelfDelimited { max_bits } => LeafSize::SelfDelimited(*max_bits),
        })
    }

    /// Counts what takes memory or time, over all commands.
    pub(super) fn count(&mut self, nodes: usize) -> Shaped<()> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODES_MAX {
            return Err(format!(
                "the mission's commands have more than {NODES_MAX} values"
            ));
        }
        Ok(())
    }

    fn elements(&mut self, value: &IntegerValue) -> Shaped<Count> {
        Ok(match self.integer(value)? {
            Integer::Fixed(count) => Count::Fixed(
                u32::try_from(count)
                    .ok()
                    .filter(|count| *count as usize <= super::ELEMENTS_MAX)
                    .ok_or_else(|| format!("an array of {count} elements"))?,
            ),
            dynamic => Count::Dynamic(dynamic),
        })
    }

    pub(super) fn integer(&mut self, value: &IntegerValue) -> Shaped<Integer> {
        Ok(match value {
            IntegerValue::Fixed(value) => Integer::Fixed(*value),
            IntegerValue::Parameter {
                parameter,
                calibrated,
                slope,
                intercept,
            } => Integer::Linear {
                argument: self.reference(*parameter)?,
                calibrated: *calibrated,
                slope: *slope,
                intercept: *intercept,
            },
            IntegerValue::Lookup(rows) => {
                let rows = rows
                    .iter()
                    .map(|(condition, value)| Ok((self.predicate(condition, 0)?, *value)));
                Integer::Lookup(rows.collect::<Shaped<_>>()?)
            }
        })
    }

    pub(super) fn predicate(&mut self, condition: &Condition, depth: usize) -> Shaped<Predicate> {
        self.count(1)?;
        if depth > DEPTH_MAX {
            return Err("a condition nests too deep".to_owned());
        }
        let mut all = |list: &[Condition]| {
            let list = list.iter().map(|inner| self.predicate(inner, depth + 1));
            list.collect::<Shaped<Vec<_>>>()
        };
        match condition {
            Condition::All(list) => Ok(Predicate::All(all(list)?)),
            Condition::Any(list) => Ok(Predicate::Any(all(list)?)),
            Condition::Comparison(comparison) => {
                let argument = self.reference(comparison.parameter)?;
                let Operand::Literal(text) = &comparison.value else {
                    return Err("a condition between two values of the packet".to_owned());
                };
                let calibrated = comparison.calibrated;
                let shape = self.known.get(argument).and_then(Option::as_ref);
                let literal = shape.and_then(Shape::leaf).and_then(|leaf| {
                    if calibrated {
                        super::parse::leaf(leaf, text).ok()
                    } else {
                        super::parse::number(text)
                    }
                });
                let value = literal.ok_or_else(|| {
                    format!("a condition compares with `{text}`, which is no value of its argument")
                })?;
                Ok(Predicate::Compare {
                    argument,
                    calibrated,
                    operator: comparison.operator,
                    value,
                })
            }
        }
    }

    /// The place of an argument, or of a parameter of the packet.
    fn reference(&self, id: ParameterId) -> Shaped<usize> {
        if let Some(name) = id.as_argument() {
            let name = self.database.argument_names.get(name as usize);
            let name = name.ok_or("a reference leads nowhere")?;
            return self.arguments.get(name).copied().ok_or_else(|| {
                format!("it refers to `{name}`, which is no argument of the command")
            });
        }
        self.parameters.get(&id).copied().ok_or_else(|| {
            let parameter = self.database.parameters.get(id.0 as usize);
            let name = parameter.map_or("a parameter", |found| found.qualified_name.as_str());
            format!("it depends on `{name}`, which is not in the packet before it")
        })
    }
}

/// How much a type's labels, ranges and calibrators take, each time it is used.
fn weight(base: &ParameterType, extra: Option<&ArgumentType>) -> usize {
    let of = |calibrator: &Calibrator| match calibrator {
        Calibrator::Polynomial(coefficients) => coefficients.len(),
        Calibrator::Spline { points, .. } => points.len(),
        Calibrator::Math(tokens) => tokens.len(),
    };
    let labels = match &base.kind {
        TypeKind::Enumerated { labels, .. } => labels.len(),
        _ => 0,
    };
    let ranges = extra.map_or(0, |extra| extra.valid_ranges.len());
    let calibrators = base.kind.encoding().map_or(0, |encoding| {
        let contexts = encoding.context_calibrators.iter().map(|(_, one)| of(one));
        contexts.sum::<usize>() + encoding.calibrator.as_ref().map_or(0, of)
    });
    labels + ranges + calibrators
}

/// What a type's values mean, with scale and offset of times.
fn meaning(kind: &TypeKind, raw: &Raw) -> Shaped<(Meaning, f64, f64)> {
    let plain = |meaning| Ok((meaning, 1.0, 0.0));
    match kind {
        TypeKind::Integer { .. } => plain(Meaning::Integer),
        TypeKind::Float { .. } => plain(Meaning::Float),
        TypeKind::Boolean { zero, one, .. } => plain(Meaning::Boolean {
            zero: zero.clone(),
            one: one.clone(),
        }),
        TypeKind::Enumerated { labels, .. } if !matches!(raw, Raw::Ieee754 | Raw::MilStd1750A) => {
            plain(Meaning::Enumeration {
                labels: labels_of(labels),
                values: labels
                    .iter()
                    .map(|one| (one.label.clone(), one.first))
                    .collect(),
            })
        }
        TypeKind::Enumerated { .. } => Err("an enumeration of floats".to_owned()),
        TypeKind::String { .. } => plain(Meaning::Text),
        TypeKind::Binary { .. } => plain(Meaning::Octets),
        TypeKind::RelativeTime {
            scale,
            offset,
            unit_seconds,
            ..
        } => Ok((
            Meaning::Duration,
            scale * unit_seconds,
            offset * unit_seconds,
        )),
        TypeKind::AbsoluteTime {
            epoch,
            scale,
            offset,
            unit_seconds,
            ..
        } => {
            let (zero, leap_seconds) = match epoch {
                Epoch::None => {
                    return Ok((
                        Meaning::Duration,
                        scale * unit_seconds,
                        offset * unit_seconds,
                    ));
                }
                Epoch::Unix => (0, false),
                Epoch::J2000 => (crate::layout::J2000_UNIX_MICROSECONDS, false),
                Epoch::Date(microseconds) => (*microseconds, false),
                Epoch::Tai => (crate::layout::TAI_1958_MICROSECONDS, true),
                Epoch::Gps => (crate::layout::GPS_TAI_MICROSECONDS, true),
                Epoch::OffsetFrom(_) => {
                    return Err("a time that is an offset from a parameter".to_owned());
                }
            };
            let microseconds = unit_seconds * 1e6;
            Ok((
                Meaning::Time { zero, leap_seconds },
                scale * microseconds,
                offset * microseconds,
            ))
        }
        TypeKind::Array { .. } | TypeKind::Aggregate { .. } => {
            Err("a composite where a single value belongs".to_owned())
        }
    }
}
