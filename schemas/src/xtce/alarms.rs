//! Alarms: static ranges, multiple ranges, enumeration labels, conditions; default and in context.

use roxmltree::Node;

use super::document::{child, elements, name_of};
use super::load::Loader;
use super::model::{Alarm, AlarmLevel, AlarmTrigger, Range, Severity};
use super::notes::{Built, mistake, unsupported};
use super::values::{attribute, double, integer};

/// Concern levels, worst first, by the stem of their elements' names.
const LEVELS: [(&str, Severity); 5] = [
    ("Severe", Severity::Severe),
    ("Critical", Severity::Critical),
    ("Distress", Severity::Distress),
    ("Warning", Severity::Warning),
    ("Watch", Severity::Watch),
];

impl<'a> Loader<'a> {
    /// The alarms of a type, whose values may be no numbers. One that cannot be built is noted and left out; the type stays.
    pub(super) fn alarms(
        &mut self,
        default: Option<(Node<'a, 'a>, u32)>,
        contexts: Option<(Node<'a, 'a>, u32)>,
        no_number: bool,
    ) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        if let Some((list, system)) = contexts {
            for node in elements(list).filter(|node| name_of(*node) == "ContextAlarm") {
                let alarm = self.context_alarm(node, system, no_number);
                alarms.extend(self.kept_alarm(alarm));
            }
        }
        if let Some((node, system)) = default {
            let alarm = self.levels(node, system, no_number);
            let levels = self.kept_alarm(alarm).unwrap_or_default();
            if !levels.is_empty() {
                alarms.push(Alarm {
                    context: None,
                    levels,
                });
            }
        }
        alarms
    }

    fn kept_alarm<T>(&mut self, built: Built<'a, T>) -> Option<T> {
        built
            .map_err(|refusal| self.note(refusal.so("the alarm is left out")))
            .ok()
    }

    fn context_alarm(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
        no_number: bool,
    ) -> Built<'a, Alarm> {
        let context = child(node, "ContextMatch")
            .ok_or_else(|| mistake(node, "ContextAlarm has no ContextMatch"))?;
        let context = self
            .match_criteria(context, system)?
            .ok_or_else(|| mistake(context, "ContextMatch has no condition"))?;
        Ok(Alarm {
            context: Some(context),
            levels: self.levels(node, system, no_number)?,
        })
    }

    fn levels(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
        no_number: bool,
    ) -> Built<'a, Vec<AlarmLevel>> {
        if attribute(node, "minViolations", integer)?.is_some_and(|violations| violations > 1) {
            let what = "minViolations: the alarm is raised at the first violation";
            self.note(unsupported(node, what));
        }
        let mut levels = Vec::new();
        for form in elements(node) {
            match name_of(form) {
                "StaticAlarmRanges" | "AlarmMultiRanges" if no_number => {
                    let what = "an alarm range of values that are no numbers; it is left out";
                    self.note(unsupported(form, what));
                }
                "StaticAlarmRanges" => levels.extend(static_ranges(form)?),
                "AlarmMultiRanges" => levels.extend(multi_ranges(form)?),
                "EnumerationAlarmList" => levels.extend(labels(form)?),
                "AlarmConditions" => {
                    for (stem, severity) in LEVELS {
                        let Some(level) = child(form, &format!("{stem}Alarm")) else {
                            continue;
                        };
                        if let Some(condition) = self.match_criteria(level, system)? {
                            let trigger = AlarmTrigger::When(condition);
                            levels.push(AlarmLevel { severity, trigger });
                        }
                    }
                }
                "ChangeAlarmRanges"
                | "ChangePerSecondAlarmRanges"
                | "CustomAlarm"
                | "StringAlarmList" => {
                    let what = format!("{}: this alarm is not raised", name_of(form));
                    self.note(unsupported(form, what));
                }
                _ => {}
            }
        }
        if let Some(severity) = attribute(node, "defaultAlarmLevel", severity)?
            && severity != Severity::Normal
        {
            levels.push(AlarmLevel {
                severity,
                trigger: AlarmTrigger::OtherLabels,
            });
        }
        levels.sort_by_key(|level| std::cmp::Reverse(level.severity));
        Ok(levels)
    }
}

fn static_ranges<'a>(node: Node<'a, 'a>) -> Built<'a, Vec<AlarmLevel>> {
    let inside = inside(node)?;
    let mut levels = Vec::new();
    for (stem, severity) in LEVELS {
        if let Some(range) = child(node, &format!("{stem}Range")) {
            levels.push(AlarmLevel {
                severity,
                trigger: trigger(range, inside)?,
            });
        }
    }
    Ok(levels)
}

fn multi_ranges<'a>(node: Node<'a, 'a>) -> Built<'a, Vec<AlarmLevel>> {
    let mut levels = Vec::new();
    for range in elements(node).filter(|range| name_of(*range) == "Range") {
        let severity = attribute(range, "level", severity)?
            .ok_or_else(|| mistake(range, "Range has no level"))?;
        levels.push(AlarmLevel {
            severity,
            trigger: trigger(range, inside(range)?)?,
        });
    }
    Ok(levels)
}

fn labels<'a>(node: Node<'a, 'a>) -> Built<'a, Vec<AlarmLevel>> {
    let mut levels = Vec::new();
    for alarm in elements(node).filter(|alarm| name_of(*alarm) == "EnumerationAlarm") {
        // XTCE 1.0 and 1.1 call it enumerationValue.
        let label = alarm
            .attribute("enumerationLabel")
            .or(alarm.attribute("enumerationValue"));
        let label = label
            .ok_or_else(|| mistake(alarm, "EnumerationAlarm has no label"))?
            .to_owned();
        let severity = attribute(alarm, "alarmLevel", severity)?
            .ok_or_else(|| mistake(alarm, "EnumerationAlarm has no alarmLevel"))?;
        levels.push(AlarmLevel {
            severity,
            trigger: AlarmTrigger::Label(label),
        });
    }
    Ok(levels)
}

fn inside<'a>(node: Node<'a, 'a>) -> Built<'a, bool> {
    match node.attribute("rangeForm") {
        None | Some("outside") => Ok(false),
        Some("inside") => Ok(true),
        Some(other) => Err(mistake(node, format!("rangeForm=\"{other}\""))),
    }
}

fn trigger<'a>(node: Node<'a, 'a>, inside: bool) -> Built<'a, AlarmTrigger> {
    let bound = |end: &str| -> Built<'a, (Option<f64>, bool)> {
        let inclusive = attribute(node, &format!("{end}Inclusive"), double)?;
        let exclusive = attribute(node, &format!("{end}Exclusive"), double)?;
        Ok(match (inclusive, exclusive) {
            (Some(_), Some(_)) => {
                return Err(mistake(
                    node,
                    format!("both {end}Inclusive and {end}Exclusive"),
                ));
            }
            (Some(value), None) => (Some(value), false),
            (None, Some(value)) => (Some(value), true),
            (None, None) => (None, false),
        })
    };
    let (minimum, minimum_exclusive) = bound("min")?;
    let (maximum, maximum_exclusive) = bound("max")?;
    if minimum.is_none() && maximum.is_none() {
        return Err(mistake(node, "an alarm range without an end"));
    }
    let range = Range {
        minimum,
        minimum_exclusive,
        maximum,
        maximum_exclusive,
    };
    Ok(if inside {
        AlarmTrigger::Inside(range)
    } else {
        AlarmTrigger::Outside(range)
    })
}

fn severity(text: &str) -> Option<Severity> {
    Some(match text {
        "normal" => Severity::Normal,
        "watch" => Severity::Watch,
        "warning" => Severity::Warning,
        "distress" => Severity::Distress,
        "critical" => Severity::Critical,
        "severe" => Severity::Severe,
        _ => return None,
    })
}
