//! Arrow arrays as plain numbers, for conditions, sizes and calibrators.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType,
};

/// A column's numbers; what stands in null rows means nothing.
#[derive(Debug)]
pub(super) enum Numbers {
    /// Whole ones.
    Integers(Vec<i128>),
    /// Others.
    Floats(Vec<f64>),
}

impl Numbers {
    /// As 64-bit floats.
    pub(super) fn into_floats(self) -> Vec<f64> {
        match self {
            Self::Floats(values) => values,
            Self::Integers(values) => values.into_iter().map(|value| value as f64).collect(),
        }
    }
}

macro_rules! by_type {
    ($array:expr, $map:expr, {$($variant:pat => $primitive:ty),* $(,)?}) => {
        match $array.data_type() {
            $($variant => Some($array.as_primitive::<$primitive>().values().iter().copied().map($map).collect()),)*
            _ => None,
        }
    };
}

/// The numbers of a column, `None` if it holds none.
pub(super) fn numbers(array: &ArrayRef) -> Option<Numbers> {
    match array.data_type() {
        DataType::Float32 | DataType::Float64 => floats(array).map(Numbers::Floats),
        DataType::Boolean => {
            let values = array.as_boolean().values();
            Some(Numbers::Integers(values.iter().map(i128::from).collect()))
        }
        DataType::Decimal128(..) => {
            let values = array.as_primitive::<Decimal128Type>().values();
            Some(Numbers::Integers(values.to_vec()))
        }
        _ => by_type!(array, i128::from, {
            DataType::Int8 => Int8Type,
            DataType::Int16 => Int16Type,
            DataType::Int32 => Int32Type,
            DataType::Int64 => Int64Type,
            DataType::Timestamp(TimeUnit::Microsecond, _) => TimestampMicrosecondType,
        })
        .map(Numbers::Integers),
    }
}

/// A column of numbers as 64-bit floats, `None` if it holds none.
pub(super) fn floats(array: &ArrayRef) -> Option<Vec<f64>> {
    match array.data_type() {
        DataType::Decimal128(..) => by_type!(array, |value| value as f64, {
            DataType::Decimal128(..) => Decimal128Type,
        }),
        DataType::Int64 => by_type!(array, |value| value as f64, { DataType::Int64 => Int64Type }),
        _ => by_type!(array, f64::from, {
            DataType::Int8 => Int8Type,
            DataType::Int16 => Int16Type,
            DataType::Int32 => Int32Type,
            DataType::Float32 => Float32Type,
            DataType::Float64 => Float64Type,
        }),
    }
}

/// A column of integers as 64-bit ones; `None` if it holds none, or values beyond 64 bits
/// become the largest.
pub(super) fn integers(array: &ArrayRef) -> Option<Vec<i64>> {
    match array.data_type() {
        DataType::Decimal128(..) => {
            by_type!(array, |value: i128| i64::try_from(value).unwrap_or(i64::MAX), {
                DataType::Decimal128(..) => Decimal128Type,
            })
        }
        _ => by_type!(array, i64::from, {
            DataType::Int8 => Int8Type,
            DataType::Int16 => Int16Type,
            DataType::Int32 => Int32Type,
            DataType::Int64 => Int64Type,
        }),
    }
}
