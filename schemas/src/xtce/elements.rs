//! Every XTCE element this loader knows, and what becomes of it.
//!
//! The table is the one place that says so: an element is handled (and its children are looked
//! at), harmless (it changes no decoded value), or reported. What is not in the table is reported
//! as unknown, so that nothing is skipped in silence.

mod commands;

use std::collections::HashMap;

use roxmltree::Node;

use super::document::{is_xtce, name_of};
use super::notes::{Refusal, unsupported};

/// What becomes of the children of an element.
struct Rule {
    /// The elements that this rule is for, separated by spaces.
    parents: &'static str,
    handled: &'static str,
    harmless: &'static str,
    /// Name, and what follows from it not being supported.
    reported: &'static [(&'static str, &'static str)],
}

/// Children that every named element may have.
const EVERYWHERE: &str = "LongDescription ShortDescription AliasSet AncillaryDataSet";

const CRITERIA: &str = "Comparison ComparisonList BooleanExpression CustomAlgorithm";
const INTEGER_VALUE: &str = "FixedValue DynamicValue DiscreteLookupList";
const TRIGGERS: &str = "the parameters it computes have no values";

const RULES: &[Rule] = &[
    Rule {
        parents: "SpaceSystem",
        handled: "TelemetryMetaData CommandMetaData SpaceSystem",
        harmless: "Header ServiceSet",
        reported: &[],
    },
    Rule {
        parents: "TelemetryMetaData",
        handled: "ParameterTypeSet ParameterSet ContainerSet",
        harmless: "",
        reported: &[
            (
                "StreamSet",
                "streams are not read; mission.toml describes the frames",
            ),
            ("AlgorithmSet", TRIGGERS),
            (
                "MessageSet",
                "messages are not read; containers are told apart by their criteria",
            ),
        ],
    },
    Rule {
        parents: "CommandMetaData",
        handled: "ParameterTypeSet ParameterSet ArgumentTypeSet MetaCommandSet CommandContainerSet",
        harmless: "",
        reported: &[
            (
                "StreamSet",
                "streams are not read; mission.toml describes the uplink",
            ),
            ("AlgorithmSet", "no algorithm of a mission database is run"),
        ],
    },
    Rule {
        parents: "ParameterTypeSet",
        handled: "IntegerParameterType FloatParameterType BooleanParameterType \
                  EnumeratedParameterType StringParameterType BinaryParameterType \
                  AbsoluteTimeParameterType RelativeTimeParameterType ArrayParameterType \
                  AggregateParameterType",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "IntegerParameterType FloatParameterType BooleanParameterType \
                  EnumeratedParameterType StringParameterType BinaryParameterType",
        handled: "UnitSet IntegerDataEncoding FloatDataEncoding StringDataEncoding \
                  BinaryDataEncoding EnumerationList DefaultAlarm ContextAlarmList",
        harmless: "ValidRange ValidRangeSet ToString SizeRangeInCharacters",
        reported: &[
            ("BinaryContextAlarmList", "these alarms are not raised"),
            ("BooleanContextAlarmList", "these alarms are not raised"),
        ],
    },
    Rule {
        parents: "AbsoluteTimeParameterType RelativeTimeParameterType",
        handled: "Encoding ReferenceTime UnitSet IntegerDataEncoding FloatDataEncoding \
                  DefaultAlarm ContextAlarmList",
        harmless: "ValidRange ValidRangeSet ToString",
        reported: &[],
    },
    Rule {
        parents: "Encoding",
        handled: "IntegerDataEncoding FloatDataEncoding StringDataEncoding BinaryDataEncoding",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ReferenceTime",
        handled: "Epoch OffsetFrom",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ArrayParameterType ArrayParameterRefEntry",
        handled: "DimensionList LocationInContainerInBits RepeatEntry IncludeCondition",
        harmless: "UnitSet",
        reported: &[("TimeAssociation", "values have their packet's time")],
    },
    Rule {
        parents: "DimensionList",
        handled: "Dimension",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "Dimension",
        handled: "StartingIndex EndingIndex",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "AggregateParameterType",
        handled: "MemberList",
        harmless: "UnitSet",
        reported: &[
            (
                "DefaultAlarm",
                "an aggregate's alarm is not raised; its members' are",
            ),
            (
                "ContextAlarmList",
                "an aggregate's alarm is not raised; its members' are",
            ),
        ],
    },
    Rule {
        parents: "MemberList",
        handled: "Member",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "UnitSet",
        handled: "Unit",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "EnumerationList",
        handled: "Enumeration",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "IntegerDataEncoding FloatDataEncoding",
        handled: "DefaultCalibrator ContextCalibratorList ByteOrderList",
        harmless: "",
        reported: &[("ErrorDetectCorrect", "the field's check is not made")],
    },
    Rule {
        parents: "StringDataEncoding",
        handled: "SizeInBits Variable ByteOrderList",
        harmless: "",
        reported: &[("ErrorDetectCorrect", "the field's check is not made")],
    },
    // FromBinaryTransformAlgorithm is named where the encoding is built.
    Rule {
        parents: "BinaryDataEncoding",
        handled: "SizeInBits ByteOrderList",
        harmless: "FromBinaryTransformAlgorithm ToBinaryTransformAlgorithm",
        reported: &[("ErrorDetectCorrect", "the field's check is not made")],
    },
    Rule {
        parents: "BinaryEncoding",
        handled: "SizeInBits",
        harmless: "ToBinaryTransformAlgorithm",
        reported: &[
            ("ErrorDetectCorrect", "the container's check is not made"),
            (
                "ByteOrderList",
                "the container's octet order is not changed",
            ),
            (
                "FromBinaryTransformAlgorithm",
                "it is not run; the octets are taken as they are",
            ),
        ],
    },
    Rule {
        parents: "ByteOrderList",
        handled: "Byte",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "SizeInBits",
        handled: "Fixed FixedValue DynamicValue DiscreteLookupList TerminationChar LeadingSize",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "Variable",
        handled: "DynamicValue DiscreteLookupList TerminationChar LeadingSize",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "Fixed StartingIndex EndingIndex Count Offset LocationInContainerInBits",
        handled: INTEGER_VALUE,
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "DynamicValue",
        handled: "ParameterInstanceRef ArgumentInstanceRef LinearAdjustment",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "DiscreteLookupList",
        handled: "DiscreteLookup",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "DiscreteLookup ContextMatch IncludeCondition RestrictionCriteria WatchAlarm \
                  WarningAlarm DistressAlarm CriticalAlarm SevereAlarm",
        handled: CRITERIA,
        // NextContainer and CustomAlgorithm are named where the condition is built.
        harmless: "NextContainer",
        reported: &[],
    },
    Rule {
        parents: "CustomAlgorithm",
        handled: "",
        harmless: "InputSet OutputSet TriggerSet \
        AlgorithmText ExternalAlgorithmSet InputAlgorithm",
        reported: &[],
    },
    Rule {
        parents: "ComparisonList",
        handled: "Comparison",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "BooleanExpression ANDedConditions ORedConditions",
        handled: "Condition ANDedConditions ORedConditions",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "Condition",
        handled: "ParameterInstanceRef ParameterInstanceRef1 ParameterInstanceRef2 \
                  ArgumentInstanceRef ComparisonOperator Value",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "DefaultCalibrator Calibrator",
        handled: "PolynomialCalibrator SplineCalibrator MathOperationCalibrator",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ContextCalibratorList",
        handled: "ContextCalibrator",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ContextCalibrator",
        handled: "ContextMatch Calibrator",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "PolynomialCalibrator",
        handled: "Term",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "SplineCalibrator",
        handled: "SplinePoint",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "MathOperationCalibrator",
        handled: "ValueOperand ThisParameterOperand ParameterInstanceRefOperand Operator",
        harmless: "",
        reported: &[],
    },
    // Alarms that are not raised are named where alarms are built.
    Rule {
        parents: "DefaultAlarm ContextAlarm",
        handled: "StaticAlarmRanges AlarmMultiRanges EnumerationAlarmList AlarmConditions ContextMatch",
        harmless: "ChangeAlarmRanges ChangePerSecondAlarmRanges CustomAlarm StringAlarmList",
        reported: &[],
    },
    Rule {
        parents: "ContextAlarmList",
        handled: "ContextAlarm",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "StaticAlarmRanges",
        handled: "WatchRange WarningRange DistressRange CriticalRange SevereRange",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "AlarmMultiRanges",
        handled: "Range",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "EnumerationAlarmList",
        handled: "EnumerationAlarm",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "AlarmConditions",
        handled: "WatchAlarm WarningAlarm DistressAlarm CriticalAlarm SevereAlarm",
        harmless: "",
        reported: &[],
    },
    // ParameterRef is named where declarations are collected.
    Rule {
        parents: "ParameterSet",
        handled: "Parameter",
        harmless: "ParameterRef",
        reported: &[],
    },
    Rule {
        parents: "Parameter",
        handled: "ParameterProperties",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ParameterProperties",
        handled: "",
        harmless: "SystemName PhysicalAddressSet",
        reported: &[
            (
                "ValidityCondition",
                "values are kept whether it holds or not",
            ),
            ("TimeAssociation", "values have their packet's time"),
        ],
    },
    Rule {
        parents: "ContainerSet",
        handled: "SequenceContainer",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "SequenceContainer",
        handled: "EntryList BaseContainer BinaryEncoding",
        harmless: "DefaultRateInStream RateInStreamSet",
        reported: &[],
    },
    Rule {
        parents: "BaseContainer",
        handled: "RestrictionCriteria",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "EntryList",
        handled: "ParameterRefEntry ContainerRefEntry ArrayParameterRefEntry \
                  ParameterSegmentRefEntry ContainerSegmentRefEntry StreamSegmentEntry \
                  FixedValueEntry IndirectParameterRefEntry ArgumentRefEntry \
                  ArrayArgumentRefEntry",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ParameterRefEntry ContainerRefEntry ParameterSegmentRefEntry \
                  ContainerSegmentRefEntry StreamSegmentEntry FixedValueEntry \
                  IndirectParameterRefEntry",
        handled: "LocationInContainerInBits RepeatEntry IncludeCondition",
        harmless: "ParameterInstance",
        reported: &[("TimeAssociation", "values have their packet's time")],
    },
    // Leaves, which may have descriptions.
    Rule {
        parents: "Member Enumeration Unit EnumerationAlarm Range Term SplinePoint",
        handled: "",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "RepeatEntry",
        handled: "Count Offset",
        harmless: "",
        reported: &[],
    },
];

#[derive(Clone, Copy)]
enum Fate {
    Handled,
    Harmless,
    Reported(&'static str),
}

/// Names everything below `root` that is not supported or not known.
pub(super) fn audit<'a>(root: Node<'a, 'a>, note: &mut dyn FnMut(Refusal<'a>)) {
    let fates = fates();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        for child in parent.children().filter(Node::is_element) {
            let name = name_of(child);
            if !is_xtce(child) {
                let namespace = child.tag_name().namespace().unwrap_or_default();
                note(unsupported(
                    child,
                    format!("the element {name} of `{namespace}` is not read"),
                ));
                continue;
            }
            match fates.get(&(name_of(parent), name)) {
                Some(Fate::Handled) => open.push(child),
                Some(Fate::Harmless) => {}
                Some(Fate::Reported(consequence)) => {
                    note(unsupported(child, format!("{name}: {consequence}")));
                }
                None => {
                    let what = format!("the element {name} in {} is not known", name_of(parent));
                    note(unsupported(child, what));
                }
            }
        }
    }
}

/// The table by parent and child.
fn fates() -> HashMap<(&'static str, &'static str), Fate> {
    let mut fates = HashMap::new();
    for rule in RULES.iter().chain(commands::RULES) {
        for parent in rule.parents.split_whitespace() {
            let mut add = |names: &'static str, fate| {
                fates.extend(
                    names
                        .split_whitespace()
                        .map(|child| ((parent, child), fate)),
                );
            };
            add(EVERYWHERE, Fate::Harmless);
            add(rule.harmless, Fate::Harmless);
            add(rule.handled, Fate::Handled);
            for (child, consequence) in rule.reported {
                add(child, Fate::Reported(consequence));
            }
        }
    }
    fates
}
