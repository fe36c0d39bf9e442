//! Widening: a table gets the columns that new rows have and it has not.

use arrow::datatypes::{DataType as ArrowType, Field, Schema};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{DataType, StructField, StructType};

use crate::DAY_COLUMN;
use crate::error::LakeError;

/// The schema with the columns that a file has and the table has not; `None` if it has all.
pub(crate) fn widened(
    table: &str,
    schema: &StructType,
    file: &Schema,
) -> Result<Option<StructType>, LakeError> {
    let given = delta_schema(table, file)?;
    let mut added = Vec::new();
    for field in given.fields() {
        match schema.field(field.name()) {
            Some(stored) if same_type(stored.data_type(), field.data_type()) => {}
            Some(stored) => {
                return Err(LakeError::ColumnType {
                    table: table.to_owned(),
                    column: field.name().clone(),
                    stored: stored.data_type().to_string(),
                    given: field.data_type().to_string(),
                });
            }
            None => {
                let mut field = field.clone();
                field.nullable = true;
                added.push(field);
            }
        }
    }
    if added.is_empty() {
        return Ok(None);
    }
    // The partition column stays last: tables start with their time.
    let is_day = |field: &&StructField| field.name() == DAY_COLUMN;
    let fields = schema.fields().filter(|field| !is_day(field)).cloned();
    let day = schema.fields().filter(is_day).cloned();
    let fields: Vec<StructField> = fields.chain(added).chain(day).collect();
    StructType::try_new(fields)
        .map(Some)
        .map_err(|error| LakeError::Delta {
            table: table.to_owned(),
            doing: "widening",
            source: Box::new(error.into()),
        })
}

/// The schema of a table that has only its partition column yet.
pub(crate) fn empty_schema(table: &str) -> Result<StructType, LakeError> {
    let description = "day of time, else of received; UTC".to_owned();
    let day = Field::new(DAY_COLUMN, ArrowType::Date32, true)
        .with_metadata([("description".to_owned(), description)].into());
    delta_schema(table, &Schema::new(vec![day]))
}

fn delta_schema(table: &str, schema: &Schema) -> Result<StructType, LakeError> {
    schema
        .try_into_kernel()
        .map_err(|source| LakeError::Schema {
            table: table.to_owned(),
            source,
        })
}

/// Equal but for nullability, which Parquet files may differ in.
fn same_type(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::Array(a), DataType::Array(b)) => same_type(a.element_type(), b.element_type()),
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.fields().len() == b.fields().len()
                && a.fields()
                    .zip(b.fields())
                    .all(|(a, b)| a.name() == b.name() && same_type(a.data_type(), b.data_type()))
        }
        (a, b) => a == b,
    }
}
