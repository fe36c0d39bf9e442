//! Alarms of the model.

use super::Condition;

/// Alarms that hold in a context.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// When; `None` for the default alarm.
    pub context: Option<Condition>,
    /// Ranges or labels, worst first.
    pub levels: Vec<AlarmLevel>,
}

/// One level of an alarm.
#[derive(Clone, Debug)]
pub struct AlarmLevel {
    /// How bad.
    pub severity: Severity,
    /// What sets it off.
    pub trigger: AlarmTrigger,
}

/// XTCE concern levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(
    missing_docs,
    reason = "the variants are the schema's concern levels by name"
)]
pub enum Severity {
    Normal,
    Watch,
    Warning,
    Distress,
    Critical,
    Severe,
}

/// What sets an alarm off.
#[derive(Clone, Debug)]
pub enum AlarmTrigger {
    /// The engineering value lies outside this range.
    Outside(Range),
    /// The engineering value lies inside this range (`rangeForm="inside"`).
    Inside(Range),
    /// The enumeration label is this one.
    Label(String),
    /// Any label without an alarm of its own (EnumerationAlarm defaultAlarmLevel).
    OtherLabels,
    /// A condition on any parameters holds (AlarmConditions).
    When(Condition),
}

/// A range of engineering values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Lower end, if any.
    pub minimum: Option<f64>,
    /// The lower end itself lies outside.
    pub minimum_exclusive: bool,
    /// Upper end, if any.
    pub maximum: Option<f64>,
    /// The upper end itself lies outside.
    pub maximum_exclusive: bool,
}
