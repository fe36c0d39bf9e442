//! Reads one field of all rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, PrimitiveArray, new_null_array};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type,
};
use schemas::layout::{Base, Engineering, Field, FieldSize, Raw, Step};

use super::anomaly::AnomalyKind;
use super::bits::{Strided, read_bits, reverse_bits, reverse_octets};
use super::condition::{NO_INTEGER, integers};
use super::engineering;
use super::numeric::{self, FromBits};
use super::rows::NOWHERE;
use super::run::{Frame, Run, go};
use super::text;

/// What reading a field gives.
pub(super) struct ReadField {
    pub(super) raw: ArrayRef,
    pub(super) engineering: ArrayRef,
    /// Positions behind it, if its size is dynamic.
    pub(super) ends: Vec<i64>,
}

/// Reads a field; rows without it get null.
pub(super) fn read(frame: &Frame<'_>, run: &mut Run<'_>, step: &Step, field: &Field) -> ReadField {
    let (raw, ends) = match &field.raw {
        Raw::Text { .. } | Raw::Octets => {
            let spans = spans(frame, run, step, field);
            let ends = match field.size {
                FieldSize::Fixed(_) => Vec::new(),
                FieldSize::Dynamic(_) | FieldSize::SelfDelimited { .. } => spans.ends(),
            };
            let array = match &field.raw {
                Raw::Text { charset, end } => {
                    text::strings(frame, run, &spans, *charset, end, field)
                }
                _ => text::octets(frame, run, &spans, field),
            };
            (array, ends)
        }
        _ => numbers(frame, run, step, field),
    };
    let (raw, engineering) = match &field.engineering {
        Engineering::AsRaw => (raw.clone(), raw),
        other => {
            let engineering = engineering::convert(frame, run, field, other, &raw);
            (raw, engineering)
        }
    };
    ReadField {
        raw,
        engineering,
        ends,
    }
}

/// Bit ranges of a field, one a row.
pub(super) struct Spans {
    pub(super) positions: Vec<i64>,
    /// Bits; meaningless where not valid.
    pub(super) sizes: Vec<i64>,
    pub(super) valid: Vec<bool>,
    /// The field is known to lie elsewhere than in a row: the rows behind it are unknown.
    lost: Vec<bool>,
}

impl Spans {
    /// Positions behind the field: rows without it go on where it would have been.
    fn ends(&self) -> Vec<i64> {
        (0..self.positions.len())
            .map(|row| {
                if self.lost[row] {
                    NOWHERE
                } else {
                    go(self.positions[row], self.sizes[row])
                }
            })
            .collect()
    }
}

/// Where the field lies in each row; counts those that do not hold it.
pub(super) fn spans(frame: &Frame<'_>, run: &mut Run<'_>, step: &Step, field: &Field) -> Spans {
    let rows = frame.rows;
    let positions = frame.positions(step.at);
    let mut sizes = match &field.size {
        FieldSize::Fixed(bits) => vec![i64::from(*bits); rows.len()],
        FieldSize::Dynamic(integer) => integers(frame, integer),
        FieldSize::SelfDelimited { .. } => vec![0; rows.len()],
    };
    let mask = frame.mask(step.when);
    let (starts, ends) = (rows.starts(), rows.ends());
    let mut valid = vec![true; rows.len()];
    let mut lost = vec![false; rows.len()];
    for row in 0..rows.len() {
        let position = positions[row];
        if mask.is_some_and(|mask| !mask[row]) {
            (valid[row], sizes[row]) = (false, 0);
            continue;
        }
        if position >= NOWHERE {
            (valid[row], lost[row]) = (false, true);
            continue;
        }
        if position < starts[row] {
            (valid[row], lost[row]) = (false, true);
            run.report(AnomalyKind::SizeInvalid, rows, row, &field.name);
            continue;
        }
        if let FieldSize::SelfDelimited { max_bits } = field.size {
            let found = text::self_delimited(rows.data, position, ends[row], max_bits, &field.raw);
            sizes[row] = found.unwrap_or(NO_INTEGER);
            if found.is_none() {
                (valid[row], lost[row]) = (false, true);
                run.report(AnomalyKind::PacketShort, rows, row, &field.name);
            }
            continue;
        }
        if sizes[row] < 0 {
            (valid[row], lost[row]) = (false, true);
            run.report(AnomalyKind::SizeInvalid, rows, row, &field.name);
        } else if go(position, sizes[row]) > ends[row] {
            (valid[row], lost[row]) = (false, true);
            run.report(AnomalyKind::PacketShort, rows, row, &field.name);
        }
    }
    Spans {
        positions,
        sizes,
        valid,
        lost,
    }
}

/// Where the bits of a number come from.
enum Place<'a> {
    /// The same place of equal packets: the hot loop.
    Strided(Strided<'a>, usize),
    /// One place in each row.
    Spread(&'a [u8], &'a [i64], Option<&'a [bool]>),
    /// Already read.
    Words(Vec<u64>),
}

impl Place<'_> {
    fn read<T: Default>(&self, width: u32, convert: impl Fn(u64) -> T + Copy) -> Vec<T> {
        match self {
            Self::Strided(strided, offset) => strided.read(*offset, width, convert),
            Self::Words(words) => words.iter().map(|&word| convert(word)).collect(),
            Self::Spread(data, positions, None) => positions
                .iter()
                .map(|&position| convert(read_bits(data, position as usize, width)))
                .collect(),
            Self::Spread(data, positions, Some(valid)) => positions
                .iter()
                .zip(*valid)
                .map(|(&position, &valid)| {
                    if valid {
                        convert(read_bits(data, position as usize, width))
                    } else {
                        T::default()
                    }
                })
                .collect(),
        }
    }
}

fn numbers(
    frame: &Frame<'_>,
    run: &mut Run<'_>,
    step: &Step,
    field: &Field,
) -> (ArrayRef, Vec<i64>) {
    // An integer that a float type takes as it is becomes a float at once.
    let target = match field.engineering {
        Engineering::AsRaw => &field.engineering_type,
        _ => &field.raw_type,
    };
    if let FieldSize::Fixed(width @ 1..=64) = field.size {
        if let Some(place) = everywhere(frame, step, width) {
            return (
                number_array(frame, run, &place, width, None, field, target),
                Vec::new(),
            );
        }
        let spans = spans(frame, run, step, field);
        let nulls = spans
            .valid
            .contains(&false)
            .then(|| NullBuffer::from(spans.valid.clone()));
        let valid = nulls.is_some().then_some(spans.valid.as_slice());
        let place = Place::Spread(frame.rows.data, &spans.positions, valid);
        return (
            number_array(frame, run, &place, width, nulls, field, target),
            Vec::new(),
        );
    }
    let spans = spans(frame, run, step, field);
    (
        numeric_of_spans(frame, run, &spans, field, target),
        spans.ends(),
    )
}

/// The place of a field that every row holds at the same offset.
fn everywhere<'a>(frame: &Frame<'a>, step: &Step, width: u32) -> Option<Place<'a>> {
    let strided = frame.rows.as_strided()?;
    let fits = step.at.bits >= 0 && step.at.bits + i64::from(width) <= frame.rows.shortest;
    let offset = usize::try_from(step.at.bits).ok()?;
    (step.at.base == Base::Start && step.when.is_none() && fits)
        .then_some(Place::Strided(strided, offset))
}

fn number_array(
    frame: &Frame<'_>,
    run: &mut Run<'_>,
    place: &Place<'_>,
    width: u32,
    mut nulls: Option<NullBuffer>,
    field: &Field,
    target: &DataType,
) -> ArrayRef {
    let turned;
    let place = if field.octets_reversed || field.bits_reversed {
        turned = Place::Words(place.read(width, |word| {
            let word = if field.octets_reversed {
                reverse_octets(word, width)
            } else {
                word
            };
            if field.bits_reversed {
                reverse_bits(word, width)
            } else {
                word
            }
        }));
        &turned
    } else {
        place
    };
    if matches!(field.raw, Raw::Bcd | Raw::PackedBcd) {
        let valid = place.read(width, |word| numeric::is_decimal(&field.raw, word, width));
        if valid.contains(&false) {
            for row in (0..valid.len()).filter(|&row| !valid[row]) {
                if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                    run.report(AnomalyKind::DecimalInvalid, frame.rows, row, &field.name);
                }
            }
            nulls = NullBuffer::union(nulls.as_ref(), Some(&NullBuffer::from(valid)));
        }
    }
    let raw = &field.raw;
    match target {
        DataType::Int8 => primitive::<Int8Type>(place, width, raw, nulls),
        DataType::Int16 => primitive::<Int16Type>(place, width, raw, nulls),
        DataType::Int32 => primitive::<Int32Type>(place, width, raw, nulls),
        DataType::Int64 => primitive::<Int64Type>(place, width, raw, nulls),
        DataType::Float32 => primitive::<Float32Type>(place, width, raw, nulls),
        DataType::Float64 => primitive::<Float64Type>(place, width, raw, nulls),
        DataType::Decimal128(precision, scale) => {
            let values = values::<Decimal128Type>(place, width, raw);
            let array = Decimal128Array::new(ScalarBuffer::from(values), nulls);
            match array.with_precision_and_scale(*precision, *scale) {
                Ok(array) => Arc::new(array),
                Err(_) => new_null_array(target, frame.rows.len()),
            }
        }
        _ => new_null_array(target, frame.rows.len()),
    }
}

fn primitive<P: ArrowPrimitiveType>(
    place: &Place<'_>,
    width: u32,
    raw: &Raw,
    nulls: Option<NullBuffer>,
) -> ArrayRef
where
    P::Native: FromBits,
{
    let values = values::<P>(place, width, raw);
    Arc::new(PrimitiveArray::<P>::new(ScalarBuffer::from(values), nulls))
}

fn values<P: ArrowPrimitiveType>(place: &Place<'_>, width: u32, raw: &Raw) -> Vec<P::Native>
where
    P::Native: FromBits,
{
    match (raw, width) {
        (Raw::Unsigned, _) => place.read(width, P::Native::from_unsigned),
        (Raw::TwosComplement, _) => {
            let unused = 64 - width;
            place.read(width, |word| {
                P::Native::from_signed(word.wrapping_shl(unused).cast_signed().wrapping_shr(unused))
            })
        }
        (Raw::Ieee754, 32) => place.read(width, |word| {
            P::Native::from_single(f32::from_bits(word as u32))
        }),
        (Raw::Ieee754, 64) => {
            place.read(width, |word| P::Native::from_double(f64::from_bits(word)))
        }
        (Raw::Ieee754 | Raw::MilStd1750A, _) => place.read(width, |word| {
            P::Native::from_double(numeric::float(raw, word, width))
        }),
        _ => place.read(width, |word| {
            P::Native::from_signed(numeric::integer(raw, word, width))
        }),
    }
}

/// Numbers whose size is computed, or of no bits at all.
fn numeric_of_spans(
    frame: &Frame<'_>,
    run: &mut Run<'_>,
    spans: &Spans,
    field: &Field,
    target: &DataType,
) -> ArrayRef {
    let rows = frame.rows;
    let mut valid = spans.valid.clone();
    let mut floats = vec![0.0; rows.len()];
    let mut whole = vec![0i128; rows.len()];
    for row in 0..rows.len() {
        let Ok(width @ 0..=64) = u32::try_from(spans.sizes[row]) else {
            if std::mem::take(&mut valid[row]) {
                run.report(AnomalyKind::SizeInvalid, rows, row, &field.name);
            }
            continue;
        };
        if !valid[row] {
            continue;
        }
        let mut word = read_bits(rows.data, spans.positions[row] as usize, width);
        if field.octets_reversed {
            word = reverse_octets(word, width);
        }
        if field.bits_reversed {
            word = reverse_bits(word, width);
        }
        if !numeric::is_decimal(&field.raw, word, width) {
            run.report(AnomalyKind::DecimalInvalid, rows, row, &field.name);
            valid[row] = false;
            continue;
        }
        floats[row] = numeric::float(&field.raw, word, width);
        whole[row] = match field.raw {
            Raw::Unsigned => i128::from(word),
            _ => i128::from(numeric::integer(&field.raw, word, width)),
        };
    }
    let is_float = matches!(field.raw, Raw::Ieee754 | Raw::MilStd1750A);
    let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
    if is_float || target.is_floating() {
        let values: Vec<f64> = if is_float {
            floats
        } else {
            whole.iter().map(|&value| value as f64).collect()
        };
        return match target {
            DataType::Float32 => {
                let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
                Arc::new(PrimitiveArray::<Float32Type>::new(values.into(), nulls))
            }
            _ => Arc::new(PrimitiveArray::<Float64Type>::new(values.into(), nulls)),
        };
    }
    match target {
        DataType::Decimal128(precision, scale) => {
            let array = Decimal128Array::new(whole.into(), nulls);
            match array.with_precision_and_scale(*precision, *scale) {
                Ok(array) => Arc::new(array),
                Err(_) => new_null_array(target, rows.len()),
            }
        }
        DataType::Int64 => narrow::<Int64Type>(&whole, nulls),
        DataType::Int32 => narrow::<Int32Type>(&whole, nulls),
        DataType::Int16 => narrow::<Int16Type>(&whole, nulls),
        DataType::Int8 => narrow::<Int8Type>(&whole, nulls),
        _ => new_null_array(target, rows.len()),
    }
}

fn narrow<P: ArrowPrimitiveType>(whole: &[i128], nulls: Option<NullBuffer>) -> ArrayRef
where
    P::Native: FromBits,
{
    let values: Vec<P::Native> = whole
        .iter()
        .map(|&value| P::Native::from_signed(value as i64))
        .collect();
    Arc::new(PrimitiveArray::<P>::new(values.into(), nulls))
}
