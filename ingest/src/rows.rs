//! From records on the bus to rows of tables.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int16Builder, Int64Array, RecordBatch, StringArray};
use arrow::array::{StringBuilder, TimestampMicrosecondBuilder};
use arrow::error::ArrowError;
use bus::{Headers, Payload, Record};
use schemas::tables::{Source, UTC, events_schema, frames_batch, packets_batch};
use serde_json::Value;

use crate::error::IngestError;

/// Rows of one table.
pub(crate) struct Rows {
    pub(crate) table: String,
    pub(crate) spacecraft: String,
    pub(crate) contact: String,
    pub(crate) batch: RecordBatch,
}

/// The rows of a block.
pub(crate) fn rows_of(
    record: Arc<Record>,
    scids: &HashMap<String, u16>,
) -> Result<Rows, IngestError> {
    // The consumer has the only reference, unless someone else reads the topic too.
    let block = Arc::try_unwrap(record).map_or_else(|shared| shared.block.clone(), |r| r.block);
    let source = source_of(&block.headers);
    let spacecraft = source.spacecraft.clone();
    let contact = source.contact.clone().unwrap_or_default();
    let (table, batch) = match block.payload {
        Payload::Frames(frames) => {
            let scid = scids.get(&spacecraft).copied();
            ("frames".to_owned(), frames_batch(frames, scid, &source))
        }
        Payload::Packets(packets) => ("packets".to_owned(), packets_batch(packets, &source)),
        Payload::Telemetry { table, batch } => (table, Ok(batch)),
        Payload::Json(texts) => ("events".to_owned(), events_batch(&texts, &source)),
    };
    if !is_table_name(&table) {
        return Err(IngestError::TableName { table });
    }
    match batch {
        Ok(batch) => Ok(Rows {
            table,
            spacecraft,
            contact,
            batch,
        }),
        Err(source) => Err(IngestError::Arrow { table, source }),
    }
}

/// What a block's headers say, in the columns' terms: nothing known is null.
fn source_of(headers: &Headers) -> Source {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Source {
        spacecraft: headers.spacecraft.clone(),
        station: known(&headers.station),
        contact: known(&headers.contact),
        mission_version: known(&headers.mission_version),
    }
}

/// A table's name is its folder's: no separators, no dots.
pub(crate) fn is_table_name(name: &str) -> bool {
    name.len() <= 200
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'_')
}

/// Rows of `events`. A text that is not an object becomes an event with the text as its message.
fn events_batch(texts: &[String], source: &Source) -> Result<RecordBatch, ArrowError> {
    let events: Vec<Value> = texts
        .iter()
        .map(|text| match serde_json::from_str(text) {
            Ok(value @ Value::Object(_)) => value,
            _ => serde_json::json!({ "event": "unreadable", "message": text }),
        })
        .collect();
    let schema = events_schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| event_column(field.name(), &events, source))
        .collect();
    RecordBatch::try_new(schema, columns)
}

fn event_column(name: &str, events: &[Value], source: &Source) -> ArrayRef {
    match name {
        "time" | "received" => {
            let mut times = TimestampMicrosecondBuilder::new().with_timezone(UTC);
            for event in events {
                times.append_option(event[name].as_str().and_then(parse_time));
            }
            Arc::new(times.finish())
        }
        "virtual_channel" | "apid" => {
            let mut numbers = Int16Builder::new();
            for event in events {
                let number = event[name]
                    .as_i64()
                    .and_then(|number| i16::try_from(number).ok());
                numbers.append_option(number);
            }
            Arc::new(numbers.finish())
        }
        "count" | "position" => Arc::new(
            events
                .iter()
                .map(|event| event[name].as_i64())
                .collect::<Int64Array>(),
        ),
        _ => {
            let mut texts = StringBuilder::new();
            for event in events {
                texts.append_option(event_text(name, event, source));
            }
            Arc::new(texts.finish()) as Arc<StringArray>
        }
    }
}

fn event_text(name: &str, event: &Value, source: &Source) -> Option<String> {
    let own = event[name].as_str().map(str::to_owned);
    match name {
        "spacecraft" => own.or_else(|| Some(source.spacecraft.clone())),
        "station" => own.or_else(|| source.station.clone()),
        "contact" => own.or_else(|| source.contact.clone()),
        "mission_version" => own.or_else(|| source.mission_version.clone()),
        // An anomaly's kind is what an operator asks for.
        "kind" => own
            .or_else(|| event["anomaly"].as_str().map(str::to_owned))
            .or_else(|| event["event"].as_str().map(str::to_owned)),
        "severity" => own.or_else(|| Some("info".to_owned())),
        "message" => own.or_else(|| Some(event.to_string())),
        _ => own,
    }
}

/// Microseconds since 1970-01-01 UTC of an RFC 3339 time.
fn parse_time(text: &str) -> Option<i64> {
    arrow::compute::kernels::cast_utils::string_to_timestamp_nanos(text)
        .ok()
        .map(|nanoseconds| nanoseconds.div_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_names_cannot_leave_the_lake() {
        for good in ["packets", "attitude_2", "A"] {
            assert!(is_table_name(good), "{good}");
        }
        for bad in ["", "..", "a/b", "_delta_log", "1a", "a.b", "a b", "\u{e9}"] {
            assert!(!is_table_name(bad), "{bad}");
        }
    }

    #[test]
    fn events_keep_what_they_say_and_take_the_rest_from_their_headers() {
        let texts = [
            r#"{"time":"2024-12-06T16:28:08.182535Z","event":"anomaly","anomaly":"frame_gap","virtual_channel":16,"position":1024,"count":3}"#.to_owned(),
            "no json".to_owned(),
        ];
        let source = Source {
            spacecraft: "noaa20".into(),
            ..Source::default()
        };
        let batch = events_batch(&texts, &source).unwrap();
        let text = |column: &str, row: usize| {
            let column = batch.column_by_name(column).unwrap();
            arrow::util::display::array_value_to_string(column, row).unwrap()
        };
        assert_eq!(text("time", 0), "2024-12-06T16:28:08.182535Z");
        assert_eq!(text("kind", 0), "frame_gap");
        assert_eq!(text("virtual_channel", 0), "16");
        assert_eq!(text("count", 0), "3");
        assert_eq!(text("spacecraft", 1), "noaa20");
        assert_eq!(text("kind", 1), "unreadable");
        assert!(text("message", 1).contains("no json"));
    }
}
