//! Arrow types of encodings, and labels of enumerations.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;

use super::{Engineering, Field, FieldSize, Labels, Raw};
use crate::xtce::model::{Encoding, EncodingKind, EnumerationLabel, TypeKind};

pub(super) fn encoding_of(kind: &TypeKind) -> Option<&Encoding> {
    match kind {
        TypeKind::Integer { encoding, .. }
        | TypeKind::Float { encoding, .. }
        | TypeKind::Boolean { encoding, .. }
        | TypeKind::Enumerated { encoding, .. }
        | TypeKind::String { encoding }
        | TypeKind::Binary { encoding }
        | TypeKind::AbsoluteTime { encoding, .. }
        | TypeKind::RelativeTime { encoding, .. } => Some(encoding),
        TypeKind::Array { .. } | TypeKind::Aggregate { .. } => None,
    }
}

pub(super) fn octets(name: &str, size: FieldSize) -> Field {
    Field {
        name: name.to_owned(),
        raw: Raw::Octets,
        size,
        bits_reversed: false,
        octets_reversed: false,
        raw_type: DataType::Binary,
        engineering: Engineering::AsRaw,
        engineering_type: DataType::Binary,
    }
}

/// How to read an encoding and its Arrow type; `None` if its size is not supported.
pub(crate) fn raw_of(kind: &EncodingKind, size: &FieldSize) -> Option<(Raw, DataType)> {
    let bits = match size {
        FieldSize::Fixed(bits) => *bits,
        FieldSize::Dynamic(_) | FieldSize::SelfDelimited { .. } => 64,
    };
    let signed = |raw: Raw| (bits <= 64).then(|| (raw, integer_type(bits.saturating_sub(1))));
    let decimal = |raw: Raw, digits: u32| {
        // 10^digits needs digits * log2(10) bits.
        (digits <= 18).then(|| (raw, integer_type((digits * 3322).div_ceil(1000))))
    };
    match kind {
        EncodingKind::Unsigned => (bits <= 64).then(|| (Raw::Unsigned, integer_type(bits))),
        EncodingKind::TwosComplement => signed(Raw::TwosComplement),
        EncodingKind::OnesComplement => signed(Raw::OnesComplement),
        EncodingKind::SignMagnitude => signed(Raw::SignMagnitude),
        EncodingKind::Bcd => (bits <= 64)
            .then(|| decimal(Raw::Bcd, bits.div_ceil(8)))
            .flatten(),
        EncodingKind::PackedBcd => (bits <= 64)
            .then(|| decimal(Raw::PackedBcd, bits.div_ceil(4)))
            .flatten(),
        EncodingKind::Ieee754 => match bits {
            16 | 32 => Some((Raw::Ieee754, DataType::Float32)),
            64 => Some((Raw::Ieee754, DataType::Float64)),
            _ => None,
        },
        EncodingKind::MilStd1750A => {
            matches!(bits, 32 | 48).then_some((Raw::MilStd1750A, DataType::Float64))
        }
        EncodingKind::String(string) => {
            let raw = Raw::Text {
                charset: string.charset,
                end: string.end.clone(),
            };
            Some((raw, DataType::Utf8))
        }
        EncodingKind::Binary => Some((Raw::Octets, DataType::Binary)),
    }
}

/// The narrowest type whose positive half has this many bits.
fn integer_type(bits: u32) -> DataType {
    match bits {
        ..=7 => DataType::Int8,
        8..=15 => DataType::Int16,
        16..=31 => DataType::Int32,
        32..=63 => DataType::Int64,
        _ => DataType::Decimal128(20, 0),
    }
}

/// Sorted, without overlaps: where two ranges share a value the first in the document has it.
pub(crate) fn labels_of(labels: &[EnumerationLabel]) -> Labels {
    // By first value: last value and label.
    let mut taken: BTreeMap<i64, (i64, u32)> = BTreeMap::new();
    for (index, label) in labels.iter().enumerate().take(LABELS_MAX) {
        let mut free = vec![(label.first, label.last)];
        let overlapping = taken.range(..=label.last).rev();
        for (&first, &(last, _)) in overlapping.take_while(|(_, (last, _))| *last >= label.first) {
            free = free
                .into_iter()
                .flat_map(|part| without(part, (first, last)))
                .collect();
        }
        taken.extend(
            free.into_iter()
                .filter(|part| part.0 <= part.1)
                .map(|(first, last)| (first, (last, index as u32))),
        );
    }
    let ranges = taken
        .into_iter()
        .map(|(first, (last, label))| (first, last, label))
        .collect();
    let mut result = Labels {
        ranges,
        labels: labels.iter().map(|label| label.label.clone()).collect(),
        dense: Vec::new(),
        dense_first: 0,
    };
    if let (Some(first), Some(last)) = (result.ranges.first(), result.ranges.last())
        && let Some(span) = last.1.checked_sub(first.0)
        && (0..DENSE_MAX).contains(&span)
    {
        result.dense_first = first.0;
        let mut dense = vec![u32::MAX; span as usize + 1];
        for &(from, to, label) in &result.ranges {
            let (from, to) = ((from - first.0) as usize, (to - first.0) as usize);
            dense[from..=to].fill(label);
        }
        result.dense = dense;
    }
    result
}

/// What is left of a range without another one.
fn without(range: (i64, i64), taken: (i64, i64)) -> Vec<(i64, i64)> {
    if range.0 > range.1 {
        return Vec::new();
    }
    if taken.1 < range.0 || taken.0 > range.1 {
        return vec![range];
    }
    let mut left = Vec::new();
    if range.0 < taken.0 {
        left.push((range.0, taken.0 - 1));
    }
    if range.1 > taken.1 {
        left.push((taken.1 + 1, range.1));
    }
    left
}

/// Spans of raw values up to this are looked up in a table.
const DENSE_MAX: i64 = 4_096;
/// Most labels of one enumeration.
const LABELS_MAX: usize = 65_536;
