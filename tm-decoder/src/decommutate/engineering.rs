//! From raw columns to engineering columns.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::TimestampMicrosecondType;
use schemas::layout::{Calibration, Engineering, Field, Labels, TimeEpoch};
use schemas::tables::UTC;
use space_link::time::{LeapSeconds, UtcMicros};

use super::anomaly::AnomalyKind;
use super::calibrate::{apply, calibrate};
use super::numbers::{Numbers, floats, integers, numbers};
use super::run::{Frame, Run};

/// The engineering column of a raw one.
pub(super) fn convert(
    frame: &Frame<'_>,
    run: &mut Run<'_>,
    field: &Field,
    engineering: &Engineering,
    raw: &ArrayRef,
) -> ArrayRef {
    let column = match engineering {
        Engineering::AsRaw => Some(Arc::clone(raw)),
        Engineering::Calibrated { contexts, default } => floats(raw).map(|values| {
            let values = calibrate(frame, &values, contexts, default.as_ref());
            Arc::new(Float64Array::new(values.into(), raw.nulls().cloned())) as ArrayRef
        }),
        Engineering::Boolean => boolean(raw),
        Engineering::Enumerated(labels) => enumerated(frame, run, field, labels, raw),
        Engineering::Time {
            epoch,
            scale,
            offset,
            calibration,
        } => time(
            frame,
            run,
            field,
            raw,
            (epoch, *scale, *offset, calibration.as_ref()),
        ),
    };
    column.unwrap_or_else(|| new_null_array(&field.engineering_type, raw.len()))
}

fn boolean(raw: &ArrayRef) -> Option<ArrayRef> {
    let values: BooleanBuffer = match numbers(raw)? {
        Numbers::Integers(values) => values.into_iter().map(|value| value != 0).collect(),
        Numbers::Floats(values) => values.into_iter().map(|value| value != 0.0).collect(),
    };
    Some(Arc::new(BooleanArray::new(values, raw.nulls().cloned())))
}

/// Labels; a raw value without one gets null and is counted.
fn enumerated(
    frame: &Frame<'_>,
    run: &mut Run<'_>,
    field: &Field,
    labels: &Labels,
    raw: &ArrayRef,
) -> Option<ArrayRef> {
    let values = integers(raw)?;
    let found: Vec<Option<&str>> = values
        .iter()
        .map(|&value| {
            let index = labels.index_of(value)?;
            labels.labels.get(index as usize).map(String::as_str)
        })
        .collect();
    let mut nulls = raw.nulls().cloned();
    if found.contains(&None) {
        for row in (0..found.len()).filter(|&row| found[row].is_none() && raw.is_valid(row)) {
            run.report(
                AnomalyKind::EnumerationUnknown,
                frame.rows,
                row,
                &field.name,
            );
        }
        let known = NullBuffer::from_iter(found.iter().map(Option::is_some));
        nulls = NullBuffer::union(nulls.as_ref(), Some(&known));
    }
    let length = found.iter().map(|label| label.map_or(0, str::len)).sum();
    let mut octets: Vec<u8> = Vec::with_capacity(length);
    for label in &found {
        octets.extend_from_slice(label.unwrap_or("").as_bytes());
    }
    let offsets = OffsetBuffer::from_lengths(found.iter().map(|label| label.map_or(0, str::len)));
    let array = StringArray::try_new(offsets, Buffer::from_vec(octets), nulls).ok()?;
    Some(Arc::new(array))
}

fn time(
    frame: &Frame<'_>,
    run: &mut Run<'_>,
    field: &Field,
    raw: &ArrayRef,
    (epoch, scale, offset, calibration): (&TimeEpoch, f64, f64, Option<&Calibration>),
) -> Option<ArrayRef> {
    let since = match (numbers(raw)?, calibration) {
        // Whole microseconds stay exact.
        (Numbers::Integers(values), None) if is_whole(scale) && is_whole(offset) => {
            let (scale, offset) = (scale as i128, offset as i128);
            values
                .into_iter()
                .map(|value| value.checked_mul(scale)?.checked_add(offset))
                .map(|value| value.and_then(|value| i64::try_from(value).ok()))
                .collect()
        }
        (values, calibration) => {
            let values = values.into_floats();
            let values = match calibration {
                Some(calibration) => apply(frame, &values, calibration),
                None => values,
            };
            let microseconds = |value: f64| {
                let value = (value * scale + offset).round();
                (value.abs() < 9.2e18).then_some(value as i64)
            };
            values
                .into_iter()
                .map(microseconds)
                .collect::<Vec<Option<i64>>>()
        }
    };
    let base = match epoch {
        TimeEpoch::Parameter(reference) => Some(frame.value(*reference)?),
        TimeEpoch::Utc(_) | TimeEpoch::Tai(_) => None,
    };
    let base = match &base {
        Some(array) => Some(array.as_primitive_opt::<TimestampMicrosecondType>()?),
        None => None,
    };
    let mut valid = Vec::with_capacity(since.len());
    let mut times = Vec::with_capacity(since.len());
    for (row, since) in since.into_iter().enumerate() {
        let present = raw.is_valid(row) && base.is_none_or(|base| base.is_valid(row));
        let time = since.and_then(|since| match epoch {
            TimeEpoch::Utc(zero) => zero.checked_add(since),
            TimeEpoch::Tai(zero) => {
                let tai = zero.checked_add(since)?;
                LeapSeconds::IERS.utc_from_tai(tai).ok().map(UtcMicros::get)
            }
            TimeEpoch::Parameter(_) => base?.value(row).checked_add(since),
        });
        if present && time.is_none() {
            run.report(AnomalyKind::TimeOutOfRange, frame.rows, row, &field.name);
        }
        valid.push(present && time.is_some());
        times.push(time.unwrap_or_default());
    }
    let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
    Some(Arc::new(
        TimestampMicrosecondArray::new(times.into(), nulls).with_timezone(UTC),
    ))
}

/// A whole number that 128-bit arithmetic can take.
fn is_whole(value: f64) -> bool {
    value.fract() == 0.0 && value.abs() < 1e18
}
