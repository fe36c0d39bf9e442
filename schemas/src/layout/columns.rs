//! Columns: Arrow types, names and metadata of what a program reads.
//!
//! Types are those that Delta Lake has: no unsigned integers, no half floats. Integers take the
//! narrowest type that holds every value of their width; 64-bit unsigned ones are Decimal(20,0).

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, TimeUnit};

use super::alarms;
use super::compile::Compiler;
use super::names::{UniqueNames, snake_case};
use super::types::{encoding_of, labels_of, octets, raw_of};
use super::{COLUMNS_MAX, Calibration, Engineering, Field, FieldSize, MathStep, Output, TimeEpoch};
use crate::tables::UTC;
use crate::xtce::model::{
    AggregateMember, Encoding, Epoch, MathOperator, Parameter, ParameterType, Size, TypeKind,
};

/// A column (or member) and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// Named as in the document until [`rename`].
    pub(super) field: ArrowField,
    pub(super) output: Output,
    /// The raw values of the column before it.
    pub(super) is_raw: bool,
}

/// What the document says of a value in words.
#[derive(Clone, Debug, Default)]
pub(super) struct Described<'a> {
    pub(super) name: &'a str,
    metadata: HashMap<String, String>,
}

impl<'a> Described<'a> {
    pub(super) fn parameter(parameter: &'a Parameter) -> Self {
        let mut described = Self {
            name: &parameter.name,
            metadata: HashMap::new(),
        };
        described.set("parameter", Some(&parameter.qualified_name));
        described.set("description", parameter.description.as_ref());
        described
    }

    pub(super) fn member(member: &'a AggregateMember) -> Self {
        let mut described = Self {
            name: &member.name,
            metadata: HashMap::new(),
        };
        described.set("description", member.description.as_ref());
        described
    }

    /// With what its type adds.
    pub(super) fn of_type(&self, parameter_type: &ParameterType) -> Self {
        let mut described = self.clone();
        if !described.metadata.contains_key("description") {
            described.set("description", parameter_type.description.as_ref());
        }
        described.set("unit", parameter_type.units.as_ref());
        described.set("alarms", alarms::describe(&parameter_type.alarms).as_ref());
        described
    }

    fn set(&mut self, key: &str, value: Option<&String>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.metadata.insert(key.to_owned(), value.clone());
        }
    }
}

/// The columns of a single field: its engineering value and, where it differs, its raw one.
pub(super) fn leaf(described: &Described<'_>, field: &Field, slot: usize) -> Vec<Named> {
    let engineering = ArrowField::new(described.name, field.engineering_type.clone(), true)
        .with_metadata(described.metadata.clone());
    let mut named = vec![Named {
        field: engineering,
        output: Output::Engineering(slot),
        is_raw: false,
    }];
    let one_bit = matches!(field.size, FieldSize::Fixed(1));
    let keeps_raw = match field.engineering {
        Engineering::AsRaw => false,
        Engineering::Boolean => !one_bit,
        Engineering::Calibrated { .. } | Engineering::Enumerated(_) | Engineering::Time { .. } => {
            true
        }
    };
    if keeps_raw {
        named.push(Named {
            field: ArrowField::new(described.name, field.raw_type.clone(), true),
            output: Output::Raw(slot),
            is_raw: true,
        });
    }
    named
}

/// A Struct of members.
pub(super) fn aggregate(
    described: &Described<'_>,
    members: Vec<Named>,
    when: Option<usize>,
) -> Named {
    let members: Vec<(ArrowField, Output)> = members
        .into_iter()
        .map(|member| (member.field, member.output))
        .collect();
    let fields: Fields = members.iter().map(|(field, _)| field.clone()).collect();
    Named {
        field: ArrowField::new(described.name, DataType::Struct(fields), true)
            .with_metadata(described.metadata.clone()),
        output: Output::Struct { members, when },
        is_raw: false,
    }
}

/// Elements of a repeated entry: one value stays as it is, several become a Struct.
pub(super) fn element_names(name: &str, elements: Vec<Named>) -> Vec<Named> {
    if elements.iter().filter(|element| !element.is_raw).count() <= 1 {
        return elements;
    }
    let members = rename(elements, &mut UniqueNames::default());
    let described = Described {
        name,
        metadata: HashMap::new(),
    };
    vec![aggregate(&described, members, None)]
}

/// Lists of a repeat's elements.
pub(super) fn lists(elements: &[Named], slot: usize) -> Vec<Named> {
    elements
        .iter()
        .enumerate()
        .map(|(index, element)| Named {
            field: ArrowField::new(
                element.field.name(),
                DataType::List(item(&element.field).into()),
                true,
            )
            .with_metadata(element.field.metadata().clone()),
            output: Output::List {
                slot,
                element: index,
            },
            is_raw: element.is_raw,
        })
        .collect()
}

/// The item field of a list; Parquet and Delta call it `element`.
pub(super) fn item(field: &ArrowField) -> ArrowField {
    ArrowField::new("element", field.data_type().clone(), true)
}

/// Gives columns their final names.
pub(super) fn rename(columns: Vec<Named>, unique: &mut UniqueNames) -> Vec<Named> {
    let mut before = String::new();
    columns
        .into_iter()
        .take(COLUMNS_MAX)
        .map(|mut named| {
            let name = if named.is_raw {
                unique.take_raw(&before)
            } else {
                before = unique.take(&snake_case(named.field.name()));
                before.clone()
            };
            named.field = named.field.with_name(name);
            named
        })
        .collect()
}

impl Compiler<'_> {
    /// How a single value is read.
    pub(super) fn field(
        &mut self,
        parameter_type: &ParameterType,
        described: &Described<'_>,
    ) -> Field {
        let Some(encoding) = encoding_of(&parameter_type.kind) else {
            return octets(described.name, FieldSize::Fixed(0));
        };
        let size = match &encoding.size {
            Size::Fixed(bits) => FieldSize::Fixed(*bits),
            Size::Dynamic(value) => FieldSize::Dynamic(self.integer(value)),
            Size::SelfDelimited { max_bits } => FieldSize::SelfDelimited {
                max_bits: *max_bits,
            },
        };
        let Some((raw, raw_type)) = raw_of(&encoding.kind, &size) else {
            self.issue(format!(
                "{}: {:?} of this size is not supported; its octets are kept as they are",
                described.name, encoding.kind
            ));
            return octets(described.name, size);
        };
        let (engineering, engineering_type) =
            self.engineering(parameter_type, described.name, encoding, &raw_type, &size);
        Field {
            name: described.name.to_owned(),
            raw,
            size,
            bits_reversed: encoding.least_significant_bit_first,
            octets_reversed: encoding.least_significant_byte_first,
            raw_type,
            engineering,
            engineering_type,
        }
    }

    fn engineering(
        &mut self,
        parameter_type: &ParameterType,
        name: &str,
        encoding: &Encoding,
        raw_type: &DataType,
        size: &FieldSize,
    ) -> (Engineering, DataType) {
        let is_number = raw_type.is_numeric();
        let is_integer = is_number && !raw_type.is_floating();
        let as_raw = (Engineering::AsRaw, raw_type.clone());
        match &parameter_type.kind {
            TypeKind::Integer { .. } | TypeKind::Float { .. } if is_number => {
                if encoding.calibrator.is_some() || !encoding.context_calibrators.is_empty() {
                    return (self.calibrated(encoding), DataType::Float64);
                }
                match &parameter_type.kind {
                    // An integer of up to 24 bits is exact in 32-bit floats.
                    TypeKind::Float { size_bits, .. } if is_integer => {
                        let narrow = matches!(size, FieldSize::Fixed(..=24)) && *size_bits <= 32;
                        let float = if narrow {
                            DataType::Float32
                        } else {
                            DataType::Float64
                        };
                        (Engineering::AsRaw, float)
                    }
                    _ => as_raw,
                }
            }
            TypeKind::Boolean { .. } if is_number => (Engineering::Boolean, DataType::Boolean),
            TypeKind::Enumerated { labels, .. } if is_integer => {
                (Engineering::Enumerated(labels_of(labels)), DataType::Utf8)
            }
            TypeKind::AbsoluteTime {
                epoch,
                scale,
                offset,
                unit_seconds,
                ..
            } if is_number => {
                let calibration = encoding
                    .calibrator
                    .as_ref()
                    .map(|calibrator| self.calibration(calibrator));
                let epoch = match epoch {
                    Epoch::None => None,
                    Epoch::Unix => Some(TimeEpoch::Utc(0)),
                    Epoch::J2000 => Some(TimeEpoch::Utc(J2000_UNIX_MICROSECONDS)),
                    Epoch::Date(microseconds) => Some(TimeEpoch::Utc(*microseconds)),
                    Epoch::Tai => Some(TimeEpoch::Tai(TAI_1958_MICROSECONDS)),
                    Epoch::Gps => Some(TimeEpoch::Tai(GPS_TAI_MICROSECONDS)),
                    Epoch::OffsetFrom(parameter) => self
                        .reference(*parameter, true, name)
                        .map(TimeEpoch::Parameter),
                };
                let Some(epoch) = epoch else {
                    let seconds = linear(calibration, scale * unit_seconds, offset * unit_seconds);
                    return (seconds, DataType::Float64);
                };
                let microseconds = unit_seconds * 1e6;
                let time = Engineering::Time {
                    epoch,
                    scale: round_trip(scale * microseconds),
                    offset: round_trip(offset * microseconds),
                    calibration,
                };
                (
                    time,
                    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
                )
            }
            TypeKind::RelativeTime {
                scale,
                offset,
                unit_seconds,
                ..
            } if is_number => {
                let calibration = encoding
                    .calibrator
                    .as_ref()
                    .map(|calibrator| self.calibration(calibrator));
                let seconds = linear(calibration, scale * unit_seconds, offset * unit_seconds);
                (seconds, DataType::Float64)
            }
            TypeKind::String { .. } | TypeKind::Binary { .. } => as_raw,
            _ => {
                self.issue(format!(
                    "{name}: its type cannot be made from {:?}; the raw value is the column",
                    encoding.kind
                ));
                as_raw
            }
        }
    }

    fn calibrated(&mut self, encoding: &Encoding) -> Engineering {
        let contexts = encoding
            .context_calibrators
            .iter()
            .map(|(condition, calibrator)| {
                (self.predicate(condition), self.calibration(calibrator))
            })
            .collect();
        let default = encoding
            .calibrator
            .as_ref()
            .map(|calibrator| self.calibration(calibrator));
        Engineering::Calibrated { contexts, default }
    }
}

/// Raw to seconds: scale and offset behind a calibrator, if there is one.
fn linear(calibration: Option<Calibration>, scale: f64, offset: f64) -> Engineering {
    let default = match calibration {
        None => Calibration::Polynomial(vec![offset, scale]),
        Some(Calibration::Polynomial(mut coefficients)) => {
            coefficients
                .iter_mut()
                .for_each(|coefficient| *coefficient *= scale);
            match coefficients.first_mut() {
                Some(first) => *first += offset,
                None => coefficients.push(offset),
            }
            Calibration::Polynomial(coefficients)
        }
        Some(Calibration::Spline {
            order,
            extrapolate,
            mut points,
        }) => {
            points
                .iter_mut()
                .for_each(|point| point.1 = point.1.mul_add(scale, offset));
            Calibration::Spline {
                order,
                extrapolate,
                points,
            }
        }
        Some(Calibration::Math(mut steps)) => {
            steps.extend([
                MathStep::Value(scale),
                MathStep::Operator(MathOperator::Multiply),
                MathStep::Value(offset),
                MathStep::Operator(MathOperator::Add),
            ]);
            Calibration::Math(steps)
        }
    };
    Engineering::Calibrated {
        contexts: Vec::new(),
        default: Some(default),
    }
}

/// A product like 1e-3 * 1e6 that should be a whole number of microseconds is made one.
fn round_trip(value: f64) -> f64 {
    let whole = value.round();
    if (value - whole).abs() <= value.abs() * 4.0 * f64::EPSILON {
        whole
    } else {
        value
    }
}

/// 2000-01-01T11:58:55.816 UTC.
pub(crate) const J2000_UNIX_MICROSECONDS: i64 = 946_727_935_816_000;
/// 1958-01-01 in TAI since 1970: 4,383 days before.
pub(crate) const TAI_1958_MICROSECONDS: i64 = -4_383 * 86_400 * 1_000_000;
/// 1980-01-06 UTC in TAI since 1970: 3,657 days and 19 leap seconds.
pub(crate) const GPS_TAI_MICROSECONDS: i64 = (3_657 * 86_400 + 19) * 1_000_000;
