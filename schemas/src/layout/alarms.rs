//! Alarms as column metadata: JSON, default alarms and those that hold in a context.

use serde_json::{Map, Value, json};

use crate::xtce::model::{Alarm, AlarmTrigger, Range, Severity};

/// The `alarms` metadata of a column, `None` without alarms.
///
/// A list of objects: `severity`, one of `outside`, `inside`, `label`, `other_labels` or `condition`, and
/// `in_context: true` where the alarm holds in some contexts only.
pub(super) fn describe(alarms: &[Alarm]) -> Option<String> {
    let levels: Vec<Value> = alarms
        .iter()
        .flat_map(|alarm| {
            alarm
                .levels
                .iter()
                .map(|level| (alarm.context.is_some(), level))
        })
        .map(|(in_context, level)| {
            let mut object = Map::new();
            object.insert("severity".to_owned(), json!(severity(level.severity)));
            let (key, value) = match &level.trigger {
                AlarmTrigger::Outside(ends) => ("outside", range(*ends)),
                AlarmTrigger::Inside(ends) => ("inside", range(*ends)),
                AlarmTrigger::Label(label) => ("label", json!(label)),
                AlarmTrigger::OtherLabels => ("other_labels", json!(true)),
                AlarmTrigger::When(_) => ("condition", json!(true)),
            };
            object.insert(key.to_owned(), value);
            if in_context {
                object.insert("in_context".to_owned(), json!(true));
            }
            Value::Object(object)
        })
        .collect();
    (!levels.is_empty()).then(|| Value::Array(levels).to_string())
}

fn range(range: Range) -> Value {
    let mut object = Map::new();
    let mut end = |key: &str, exclusive_key: &str, value: Option<f64>, exclusive: bool| {
        if let Some(value) = value {
            let key = if exclusive { exclusive_key } else { key };
            object.insert(key.to_owned(), json!(value));
        }
    };
    end(
        "minimum",
        "minimum_exclusive",
        range.minimum,
        range.minimum_exclusive,
    );
    end(
        "maximum",
        "maximum_exclusive",
        range.maximum,
        range.maximum_exclusive,
    );
    Value::Object(object)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Normal => "normal",
        Severity::Watch => "watch",
        Severity::Warning => "warning",
        Severity::Distress => "distress",
        Severity::Critical => "critical",
        Severity::Severe => "severe",
    }
}
