//! The tables' Arrow schemas, and batches of `packets` and `frames` from blocks of records.
//!
//! Types are those that Delta Lake has: signed integers, Float32/64, Decimal, Utf8, Binary,
//! Boolean, Timestamp in microseconds UTC, List and Struct.

mod batches;

mod leading;

pub use batches::{frames_batch, packets_batch};
pub use leading::{LeadingColumns, Selection, Source};

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// Time zone of every timestamp column.
pub const UTC: &str = "UTC";

/// Names of the columns that every telemetry table starts with, in order.
pub const LEADING_COLUMNS: [&str; 10] = [
    "time",
    "spacecraft",
    "received",
    "apid",
    "sequence_count",
    "virtual_channel",
    "station",
    "contact",
    "quality",
    "mission_version",
];

/// Type of time columns.
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

fn leading_fields() -> Vec<Field> {
    let types = [
        (timestamp(), "generation time"),
        (DataType::Utf8, "name of the spacecraft"),
        (timestamp(), "earth reception time"),
        (DataType::Int16, "application process identifier"),
        (DataType::Int16, "packet sequence count"),
        (DataType::Int16, "virtual channel"),
        (DataType::Utf8, "ground station"),
        (DataType::Utf8, "contact in which it was received"),
        (DataType::Utf8, "good, corrected, unchecked or bad"),
        (
            DataType::Utf8,
            "version of the mission folder that decoded it",
        ),
    ];
    LEADING_COLUMNS
        .into_iter()
        .zip(types)
        .map(|(name, (data_type, description))| described(name, data_type, description))
        .collect()
}

/// Schema of a telemetry table: the leading columns, then the parameters'.
pub fn telemetry_schema(columns: Vec<Field>) -> SchemaRef {
    let mut fields = leading_fields();
    fields.extend(columns);
    Arc::new(Schema::new(fields))
}

/// Schema of `packets`: every packet as received.
pub fn packets_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        telemetry_schema(vec![
            described("packet_version", DataType::Int8, "packet version number"),
            described("packet_type", DataType::Int8, "0 telemetry, 1 telecommand"),
            described(
                "secondary_header",
                DataType::Boolean,
                "has a secondary header",
            ),
            described(
                "sequence_flags",
                DataType::Int8,
                "0 continuation, 1 first, 2 last segment, 3 unsegmented",
            ),
            described("length", DataType::Int32, "octets of the whole packet"),
            described(
                "data",
                DataType::Binary,
                "the whole packet, primary header included",
            ),
        ])
    });
    Arc::clone(&SCHEMA)
}

/// Schema of `frames`: every transfer frame as received, after error correction.
pub fn frames_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(vec![
            described("time", timestamp(), "generation time; frames carry none"),
            described("spacecraft", DataType::Utf8, "name of the spacecraft"),
            described("received", timestamp(), "earth reception time"),
            described(
                "scid",
                DataType::Int32,
                "spacecraft identifier of the mission",
            ),
            described("virtual_channel", DataType::Int16, "virtual channel"),
            described(
                "frame_count",
                DataType::Int64,
                "virtual channel frame count",
            ),
            described("station", DataType::Utf8, "ground station"),
            described(
                "contact",
                DataType::Utf8,
                "contact in which it was received",
            ),
            described(
                "quality",
                DataType::Utf8,
                "good, corrected, unchecked or bad",
            ),
            described(
                "corrected_symbols",
                DataType::Int32,
                "Reed-Solomon symbols corrected",
            ),
            described(
                "mission_version",
                DataType::Utf8,
                "version of the mission folder",
            ),
            described("data", DataType::Binary, "the whole transfer frame"),
        ]))
    });
    Arc::clone(&SCHEMA)
}

/// Schema of `events`: anomalies, gaps, limits and link states.
pub fn events_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(vec![
            described("time", timestamp(), "when it happened, if known"),
            described("spacecraft", DataType::Utf8, "name of the spacecraft"),
            described(
                "received",
                timestamp(),
                "earth reception time of what it is about",
            ),
            described("virtual_channel", DataType::Int16, "virtual channel"),
            described("apid", DataType::Int16, "application process identifier"),
            described("station", DataType::Utf8, "ground station"),
            described("contact", DataType::Utf8, "contact in which it happened"),
            described(
                "severity",
                DataType::Utf8,
                "info, watch, warning, distress, critical, severe",
            ),
            described("kind", DataType::Utf8, "what kind of event"),
            described("count", DataType::Int64, "how many times"),
            described(
                "position",
                DataType::Int64,
                "octet of the input at which it first happened",
            ),
            described("message", DataType::Utf8, "the event in words"),
            described(
                "mission_version",
                DataType::Utf8,
                "version of the mission folder",
            ),
        ]))
    });
    Arc::clone(&SCHEMA)
}

fn described(name: &str, data_type: DataType, description: &str) -> Field {
    Field::new(name, data_type, true)
        .with_metadata([("description".to_owned(), description.to_owned())].into())
}
