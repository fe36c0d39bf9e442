//! Commands of the model.

use super::{
    Condition, ContainerId, IntegerValue, Location, ParameterId, ParameterType, Range, TypeId,
};

/// Index into [`MissionDatabase::commands`](super::MissionDatabase::commands).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub u32);

/// Index into [`MissionDatabase::command_containers`](super::MissionDatabase::command_containers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandContainerId(pub u32);

/// An argument type: as a parameter type, and what may be sent.
///
/// A calibrator goes from raw to engineering value here too: forward when a packet is decoded,
/// inversely when a command is encoded.
#[derive(Clone, Debug)]
pub struct ArgumentType {
    /// Name, units, kind and encoding; types inside it are argument types.
    pub base: ParameterType,
    /// A value has to lie in one of these; empty: any that the encoding holds.
    pub valid_ranges: Vec<Range>,
    /// The ranges are of engineering values (`validRangeAppliesToCalibrated`), not of raw ones.
    pub ranges_are_calibrated: bool,
    /// Fewest and most characters of a string (SizeRangeInCharacters).
    pub characters: (Option<u32>, Option<u32>),
    /// Value of an argument that is not given, as written.
    pub initial_value: Option<String>,
    /// The type says how its values lie in a packet.
    pub has_encoding: bool,
}

/// A MetaCommand: what it says itself; see `base` for what it inherits.
#[derive(Clone, Debug)]
pub struct MetaCommand {
    /// Name as written.
    pub name: String,
    /// Qualified like a parameter's.
    pub qualified_name: String,
    /// shortDescription, or the first line of LongDescription.
    pub description: Option<String>,
    /// Abstract commands cannot be sent; others extend them.
    pub is_abstract: bool,
    /// Where it stands: file name, line and column from 1.
    pub place: (String, u32, u32),
    /// BaseMetaCommand.
    pub base: Option<CommandId>,
    /// ArgumentAssignmentList: values of inherited arguments, as written.
    pub assignments: Vec<(String, String)>,
    /// ArgumentList.
    pub arguments: Vec<Argument>,
    /// Its own packet; `None`: the base's.
    pub container: Option<CommandContainerId>,
    /// DefaultSignificance; `None`: the base's.
    pub significance: Option<Significance>,
    /// Significances that hold in a context; the first match wins, before the base's.
    pub context_significances: Vec<(Condition, Significance)>,
    /// All must hold before the command is sent, besides the base's.
    pub constraints: Vec<TransmissionConstraint>,
    /// What later commands wait for; `None`: the base's.
    pub interlock: Option<Interlock>,
    /// How it is known what became of the command; those of a stage replace the base's of it.
    pub verifiers: Vec<Verifier>,
    /// Parameters of the ground that are set once the command is verified.
    pub parameters_to_set: Vec<ParameterToSet>,
}

/// An argument.
#[derive(Clone, Debug)]
pub struct Argument {
    /// Name as written.
    pub name: String,
    /// shortDescription, or the first line of LongDescription.
    pub description: Option<String>,
    /// Index into [`MissionDatabase::argument_types`](super::MissionDatabase::argument_types).
    pub argument_type: TypeId,
    /// Value where none is given, as written; goes before its type's.
    pub initial_value: Option<String>,
}

/// A container of a command.
#[derive(Clone, Debug)]
pub struct CommandContainer {
    /// Name as written; may be empty.
    pub name: String,
    /// Qualified like a parameter's.
    pub qualified_name: String,
    /// What it extends, and the values that this gives the base's entries.
    pub base: Option<(CommandContainerBase, Condition)>,
    /// Fixed size in bits, from its BinaryEncoding.
    pub size_bits: Option<IntegerValue>,
    /// Entries in order.
    pub entries: Vec<CommandEntry>,
}

/// What a command's container extends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandContainerBase {
    /// Another command's container.
    Command(CommandContainerId),
    /// A sequence container that telemetry has too, as a packet header.
    Sequence(ContainerId),
}

/// One entry of a command's container.
#[derive(Clone, Debug)]
pub struct CommandEntry {
    /// What lies here.
    pub content: CommandEntryContent,
    /// Where; `None`: right after the previous entry.
    pub location: Option<Location>,
    /// Only present when this holds.
    pub include_condition: Option<Condition>,
}

/// What an entry of a command's container holds.
#[derive(Clone, Debug)]
pub enum CommandEntryContent {
    /// An argument's value.
    Argument {
        /// Name of the argument.
        name: String,
        /// Number of entries of each dimension; empty: as its type says.
        dimensions: Vec<IntegerValue>,
    },
    /// A parameter's value at the time of sending.
    Parameter(ParameterId),
    /// Always these bits.
    Fixed {
        /// Name as written; may be empty.
        name: String,
        /// How many bits.
        bits: u32,
        /// Right-aligned, without leading zeros.
        octets: Vec<u8>,
    },
    /// All entries of another container, its base's first.
    Container(CommandContainerBase),
}

/// How much harm a command can do (XTCE SignificanceType).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Significance {
    /// The level.
    pub level: ConsequenceLevel,
    /// reasonForWarning.
    pub reason: Option<String>,
    /// spaceSystemAtRisk.
    pub at_risk: Option<String>,
}

/// XTCE consequence levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    missing_docs,
    reason = "the variants are the schema's consequence levels by name"
)]
pub enum ConsequenceLevel {
    #[default]
    None,
    Watch,
    Warning,
    Distress,
    Critical,
    Severe,
}

/// A condition of telemetry without which the command is not sent.
#[derive(Clone, Debug)]
pub struct TransmissionConstraint {
    /// What has to hold.
    pub condition: Condition,
    /// How long to wait for it; `None`: it has to hold at once.
    pub timeout_ms: Option<u64>,
    /// The operator may set it aside.
    pub suspendable: bool,
}

/// Holds back later commands until this one has come to a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interlock {
    /// Space system whose commands wait, as written; `None`: all.
    pub scope: Option<String>,
    /// They wait for this stage.
    pub stage: Stage,
    /// The operator may set it aside.
    pub suspendable: bool,
}

/// Stages of a command's life, in order (XTCE VerifierEnumerationType).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    missing_docs,
    reason = "the variants are the schema's verifiers by name"
)]
pub enum Stage {
    Release,
    TransferredToRange,
    SentFromRange,
    Received,
    Accepted,
    Queued,
    Execution,
    Complete,
    Failed,
}

/// How it is known that a command has come to a stage.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// Which stage.
    pub stage: Stage,
    /// What shows it.
    pub check: VerifierCheck,
    /// When it is looked for; `None`: at any time after release.
    pub window: Option<CheckWindow>,
}

/// What shows that a command has come to a stage.
#[derive(Clone, Debug)]
pub enum VerifierCheck {
    /// A packet of this container, or of one that extends it.
    Container(ContainerId),
    /// A condition of telemetry.
    Condition(Condition),
}

/// When a verifier is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckWindow {
    /// Opens so long after its start.
    pub from_ms: u64,
    /// Closes so long after its start.
    pub to_ms: u64,
    /// Its start.
    pub start: WindowStart,
}

/// What a verifier's window is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowStart {
    /// The command's release.
    Release,
    /// The time at which the stage before it was reached.
    LastVerifier,
}

/// A parameter of the ground that a command sets.
#[derive(Clone, Debug)]
pub struct ParameterToSet {
    /// Which.
    pub parameter: ParameterId,
    /// Its new value, as written.
    pub value: String,
    /// Set when this stage is reached.
    pub stage: Stage,
}
