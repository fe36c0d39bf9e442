//! The elements of commands, and what becomes of them.

use super::{CRITERIA, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        parents: "ArgumentTypeSet",
        handled: "IntegerArgumentType FloatArgumentType BooleanArgumentType \
                  EnumeratedArgumentType StringArgumentType BinaryArgumentType \
                  AbsoluteTimeArgumentType RelativeTimeArgumentType ArrayArgumentType \
                  AggregateArgumentType",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "IntegerArgumentType FloatArgumentType BooleanArgumentType \
                  EnumeratedArgumentType StringArgumentType BinaryArgumentType",
        handled: "UnitSet IntegerDataEncoding FloatDataEncoding StringDataEncoding \
                  BinaryDataEncoding",
        harmless: "ToString",
        reported: &[],
    },
    Rule {
        parents: "IntegerArgumentType FloatArgumentType",
        handled: "ValidRange ValidRangeSet",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ValidRangeSet",
        handled: "ValidRange",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "StringArgumentType",
        handled: "SizeRangeInCharacters",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "EnumeratedArgumentType",
        handled: "EnumerationList",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "AbsoluteTimeArgumentType RelativeTimeArgumentType",
        handled: "Encoding ReferenceTime UnitSet IntegerDataEncoding FloatDataEncoding",
        harmless: "ToString",
        reported: &[
            ("ValidRange", "a range of times is not checked"),
            ("ValidRangeSet", "a range of times is not checked"),
        ],
    },
    Rule {
        parents: "ArrayArgumentType ArrayArgumentRefEntry",
        handled: "DimensionList LocationInContainerInBits IncludeCondition RepeatEntry",
        harmless: "UnitSet",
        reported: &[],
    },
    Rule {
        parents: "AggregateArgumentType",
        handled: "MemberList",
        harmless: "UnitSet",
        reported: &[],
    },
    // BlockMetaCommand and MetaCommandRef are named where declarations are collected.
    Rule {
        parents: "MetaCommandSet",
        handled: "MetaCommand",
        harmless: "BlockMetaCommand MetaCommandRef",
        reported: &[],
    },
    Rule {
        parents: "MetaCommand",
        handled: "BaseMetaCommand ArgumentList CommandContainer TransmissionConstraintList \
                  DefaultSignificance ContextSignificanceList Interlock VerifierSet \
                  ParameterToSetList",
        harmless: "SystemName",
        reported: &[(
            "ParameterToSuspendAlarmsOnSet",
            "alarms are raised while the command is under way too",
        )],
    },
    Rule {
        parents: "BaseMetaCommand",
        handled: "ArgumentAssignmentList",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ArgumentAssignmentList",
        handled: "ArgumentAssignment",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ArgumentList",
        handled: "Argument",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "Argument ArgumentAssignment DefaultSignificance Significance Interlock \
                  ValidRange SizeRangeInCharacters",
        handled: "",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "CommandContainerSet",
        handled: "CommandContainer SequenceContainer",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "CommandContainer",
        handled: "EntryList BaseContainer BinaryEncoding",
        harmless: "DefaultRateInStream RateInStreamSet",
        reported: &[],
    },
    Rule {
        parents: "ArgumentRefEntry",
        handled: "LocationInContainerInBits RepeatEntry IncludeCondition",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "TransmissionConstraintList",
        handled: "TransmissionConstraint",
        harmless: "",
        reported: &[],
    },
    // What a constraint or verifier cannot be is named where it is built.
    Rule {
        parents: "TransmissionConstraint",
        handled: CRITERIA,
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ContextSignificanceList",
        handled: "ContextSignificance",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ContextSignificance",
        handled: "ContextMatch Significance",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "VerifierSet",
        handled: "TransferredToRangeVerifier SentFromRangeVerifier ReceivedVerifier \
                  AcceptedVerifier QueuedVerifier ExecutionVerifier CompleteVerifier FailedVerifier",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "TransferredToRangeVerifier SentFromRangeVerifier ReceivedVerifier \
                  AcceptedVerifier QueuedVerifier ExecutionVerifier CompleteVerifier FailedVerifier",
        handled: "ContainerRef Comparison ComparisonList BooleanExpression CustomAlgorithm \
                  CheckWindow",
        harmless: "ParameterValueChange CheckWindowAlgorithms",
        reported: &[
            (
                "ReturnParmRef",
                "the returned parameter is read from its table",
            ),
            ("PercentComplete", "the share of the work is not followed"),
        ],
    },
    Rule {
        parents: "ContainerRef CheckWindow",
        handled: "",
        harmless: "",
        reported: &[],
    },
    Rule {
        parents: "ParameterToSetList",
        handled: "ParameterToSet",
        harmless: "",
        reported: &[],
    },
    // Derivation is named where the list is built.
    Rule {
        parents: "ParameterToSet",
        handled: "NewValue",
        harmless: "Derivation",
        reported: &[],
    },
    Rule {
        parents: "Comparison",
        handled: "ParameterInstanceRef ArgumentInstanceRef",
        harmless: "",
        reported: &[],
    },
];
