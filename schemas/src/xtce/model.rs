//! The typed model of a mission database: what an XTCE document says, names resolved.
//!
//! Every reference is an index, every condition is typed, and nothing here is XML any more.
//! Source: XTCE 1.2 and 1.3 (OMG formal/2018-10-02), CCSDS 660.0-B-2.

mod alarms;
mod calibrators;
mod commands;
mod containers;

pub use alarms::{Alarm, AlarmLevel, AlarmTrigger, Range, Severity};
pub use calibrators::{Calibrator, MathOperator, MathToken};
pub use commands::{
    Argument, ArgumentType, CheckWindow, CommandContainer, CommandContainerBase,
    CommandContainerId, CommandEntry, CommandEntryContent, CommandId, ConsequenceLevel, Interlock,
    MetaCommand, ParameterToSet, Significance, Stage, TransmissionConstraint, Verifier,
    VerifierCheck, WindowStart,
};
pub use containers::{Container, Entry, EntryContent, Location, LocationReference, Repeat};

/// Index into [`MissionDatabase::parameters`]; in what belongs to commands also an argument, see
/// [`ParameterId::as_argument`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterId(pub u32);

/// Index into [`MissionDatabase::types`]; inside an argument type, into
/// [`MissionDatabase::argument_types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// Index into [`MissionDatabase::containers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerId(pub u32);

impl ParameterId {
    /// The argument of this name, index into [`MissionDatabase::argument_names`].
    ///
    /// Argument types, conditions and sizes of commands refer to arguments by name, and are shared
    /// by commands: which argument it is, only the command at hand says.
    pub fn argument(name: u32) -> Self {
        Self(name | ARGUMENT)
    }

    /// Index of an argument's name, if this is no parameter.
    pub fn as_argument(self) -> Option<u32> {
        (self.0 & ARGUMENT != 0).then_some(self.0 & !ARGUMENT)
    }
}

/// Documents are bounded far below so many parameters.
const ARGUMENT: u32 = 1 << 31;

/// A mission database: one or more XTCE documents.
#[derive(Clone, Debug, Default)]
pub struct MissionDatabase {
    /// All parameters, in document order.
    pub parameters: Vec<Parameter>,
    /// All parameter types, in document order.
    pub types: Vec<ParameterType>,
    /// All sequence containers, in document order.
    pub containers: Vec<Container>,
    /// All argument types, in document order.
    pub argument_types: Vec<ArgumentType>,
    /// All commands, in document order.
    pub commands: Vec<MetaCommand>,
    /// The containers of commands, in document order.
    pub command_containers: Vec<CommandContainer>,
    /// Names that argument types, conditions and sizes refer to arguments by.
    pub argument_names: Vec<String>,
    /// Number of MetaCommands and BlockMetaCommands seen, those included that are left out.
    pub meta_commands: usize,
    /// Number of space systems.
    pub space_systems: usize,
    /// What the documents say and this model does not carry, each with its place.
    pub unsupported: Vec<Unsupported>,
    /// What is wrong in the documents (a name that is nowhere, a name given twice): what depends
    /// on it is left out and named here too.
    pub mistakes: Vec<Unsupported>,
    /// What was understood in one of several ways; nothing is left out for it.
    pub warnings: Vec<Unsupported>,
    /// Parameters that stand for a part of another one: a reference such as
    /// `CCSDS_Packet_ID/APID` or `samples[2]` gets a [`Parameter`] of its own, after those that
    /// are declared, named `CCSDS_Packet_ID.APID`, with the part's type; no container has it as an entry. Sorted by `part`.
    pub member_references: Vec<MemberReference>,
}

/// A parameter that is a part of an aggregate or array parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberReference {
    /// The parameter that conditions, sizes and calibrators refer to.
    pub part: ParameterId,
    /// The declared parameter it is a part of.
    pub whole: ParameterId,
    /// The way from the whole to the part.
    pub path: Vec<MemberStep>,
}

/// One step into an aggregate or an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStep {
    /// Index into [`TypeKind::Aggregate`]'s members.
    Member(u32),
    /// Index of an array's element along the next dimension, from 0.
    Index(u32),
}

/// A construct that is not supported, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// File name of the document.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Elements from the root, with names: `SpaceSystem[JPSS]/TelemetryMetaData/...`.
    pub path: String,
    /// What is not supported and what that means for the data.
    pub what: String,
}

/// A parameter: a name, a type, its place in the space system tree.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Name as written.
    pub name: String,
    /// Space systems from the root, joined with `/`, then the name: `/JPSS/ADAET1DAY`.
    pub qualified_name: String,
    /// Its type.
    pub parameter_type: TypeId,
    /// shortDescription, or the first line of LongDescription.
    pub description: Option<String>,
}

/// A parameter type: how it lies in a packet and what the value means.
#[derive(Clone, Debug)]
pub struct ParameterType {
    /// Name as written.
    pub name: String,
    /// Qualified like a parameter's.
    pub qualified_name: String,
    /// shortDescription.
    pub description: Option<String>,
    /// Units as text, several joined with a space, powers as `m^2`.
    pub units: Option<String>,
    /// The kind of value.
    pub kind: TypeKind,
    /// Alarms: context alarms first match wins, the default last.
    pub alarms: Vec<Alarm>,
}

/// The kind of an engineering value.
#[derive(Clone, Debug)]
pub enum TypeKind {
    /// IntegerParameterType. Engineering width and sign say the column's type.
    Integer {
        /// Engineering value is signed.
        signed: bool,
        /// Engineering size in bits, 1 to 64.
        size_bits: u32,
        /// Lies in the packet like this.
        encoding: Encoding,
    },
    /// FloatParameterType.
    Float {
        /// Engineering size in bits: 32, 64 (128 is not supported).
        size_bits: u32,
        /// Lies in the packet like this.
        encoding: Encoding,
    },
    /// BooleanParameterType: raw zero is `zero`, anything else `one`.
    Boolean {
        /// Text of raw 0, `False` unless said.
        zero: String,
        /// Text of raw non-zero, `True` unless said.
        one: String,
        /// Lies in the packet like this.
        encoding: Encoding,
    },
    /// EnumeratedParameterType.
    Enumerated {
        /// Ranges of raw values and their labels, in document order; the first match wins.
        labels: Vec<EnumerationLabel>,
        /// Lies in the packet like this.
        encoding: Encoding,
    },
    /// StringParameterType.
    String {
        /// Lies in the packet like this.
        encoding: Encoding,
    },
    /// BinaryParameterType.
    Binary {
        /// Lies in the packet like this.
        encoding: Encoding,
    },
    /// AbsoluteTimeParameterType: a count of seconds (scaled) since an epoch.
    AbsoluteTime {
        /// Where zero lies.
        epoch: Epoch,
        /// Value = raw * scale + offset, in `unit_seconds`.
        scale: f64,
        /// See `scale`.
        offset: f64,
        /// Seconds per unit of the Encoding element: 1 for seconds, 1e-3 for milliSeconds,
        /// 86400 for days and so on.
        unit_seconds: f64,
        /// Lies in the packet like this.
        encoding: Encoding,
    },
    /// RelativeTimeParameterType: a duration in seconds after scaling.
    RelativeTime {
        /// Value = raw * scale + offset, in `unit_seconds`.
        scale: f64,
        /// See `scale`.
        offset: f64,
        /// Seconds per unit.
        unit_seconds: f64,
        /// Lies in the packet like this.
        encoding: Encoding,
    },
    /// ArrayParameterType: elements one after the other, last index fastest.
    Array {
        /// Type of each element.
        element: TypeId,
        /// Number of entries of each dimension (end index - start index + 1), outermost first.
        /// An ArrayParameterRefEntry may override them.
        dimensions: Vec<IntegerValue>,
    },
    /// AggregateParameterType: members one after the other.
    Aggregate {
        /// Members in order.
        members: Vec<AggregateMember>,
    },
}

/// One member of an aggregate.
#[derive(Clone, Debug)]
pub struct AggregateMember {
    /// Name as written.
    pub name: String,
    /// Its type.
    pub member_type: TypeId,
    /// shortDescription.
    pub description: Option<String>,
}

/// A label for one raw value or a range of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumerationLabel {
    /// First raw value.
    pub first: i64,
    /// Last raw value, inclusive; equals `first` for a single one.
    pub last: i64,
    /// The label.
    pub label: String,
}

/// Where an absolute time's zero lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Epoch {
    /// 1958-01-01 TAI.
    Tai,
    /// J2000: 2000-01-01T12:00:00 TT, counted here as UTC 2000-01-01T11:58:55.816.
    J2000,
    /// 1970-01-01 UTC.
    Unix,
    /// 1980-01-06 GPS time.
    Gps,
    /// An xs:date or xs:dateTime of the document, UTC, microseconds since 1970-01-01.
    Date(i64),
    /// OffsetFrom another parameter's time: value is added to it.
    OffsetFrom(ParameterId),
    /// No ReferenceTime is given: a plain number of seconds.
    None,
}

/// How raw bits lie in a packet.
#[derive(Clone, Debug)]
pub struct Encoding {
    /// What the bits mean.
    pub kind: EncodingKind,
    /// How many bits there are.
    pub size: Size,
    /// Bits come least significant first within the field (`bitOrder`).
    pub least_significant_bit_first: bool,
    /// Octets come least significant first (`byteOrder`); an explicit octet permutation is refused.
    pub least_significant_byte_first: bool,
    /// Context calibrators, the first match wins; only for numbers.
    pub context_calibrators: Vec<(Condition, Calibrator)>,
    /// The default calibrator.
    pub calibrator: Option<Calibrator>,
}

/// What a field's bits mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodingKind {
    /// Unsigned integer.
    Unsigned,
    /// Two's complement; `signed` in real files means this.
    TwosComplement,
    /// One's complement.
    OnesComplement,
    /// Sign bit, then magnitude.
    SignMagnitude,
    /// One decimal digit an octet.
    Bcd,
    /// Two decimal digits an octet.
    PackedBcd,
    /// IEEE 754 of 16, 32 or 64 bits; `IEEE754` and `IEEE754_1985` alike.
    Ieee754,
    /// MIL-STD-1750A of 32 or 48 bits.
    MilStd1750A,
    /// A string; `size` is the whole field's size, or its bound if terminated or prefixed.
    String(StringEncoding),
    /// Octets as they are.
    Binary,
}

/// A string field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringEncoding {
    /// The character set.
    pub charset: Charset,
    /// How its end is found inside the field.
    pub end: StringEnd,
}

/// A character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// US-ASCII.
    Ascii,
    /// ISO 8859-1.
    Latin1,
    /// ISO 8859-1's Windows extension (Windows-1252).
    Windows1252,
    /// UTF-16, big endian unless a byte order mark says otherwise.
    Utf16,
    /// UTF-16 little endian.
    Utf16Le,
    /// UTF-16 big endian.
    Utf16Be,
}

/// How a string's end is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StringEnd {
    /// The field is the string.
    Whole,
    /// Octets before this terminator; without a fixed size the field ends after the terminator.
    Terminated(Vec<u8>),
    /// An unsigned big-endian length in octets of this many bits stands before the string.
    LeadingSize(u32),
}

/// A field's size in bits.
#[derive(Clone, Debug)]
pub enum Size {
    /// Always this many bits.
    Fixed(u32),
    /// Computed for each packet; negative or beyond the packet is an anomaly.
    Dynamic(IntegerValue),
    /// The field says it itself (terminated or length-prefixed strings), at most this many bits.
    SelfDelimited {
        /// Bound in bits; 0 means the rest of the packet.
        max_bits: u32,
    },
}

/// An integer known only with the packet at hand.
#[derive(Clone, Debug)]
pub enum IntegerValue {
    /// A constant.
    Fixed(i64),
    /// `raw or engineering value * slope + intercept`.
    Parameter {
        /// Whose value.
        parameter: ParameterId,
        /// Calibrated value rather than raw.
        calibrated: bool,
        /// LinearAdjustment slope, 1 unless said.
        slope: f64,
        /// LinearAdjustment intercept, 0 unless said.
        intercept: f64,
    },
    /// DiscreteLookupList: the first condition that holds gives the value.
    Lookup(Vec<(Condition, i64)>),
}

/// A condition on the packet at hand.
#[derive(Clone, Debug)]
pub enum Condition {
    /// All hold (ComparisonList, ANDedConditions). An empty list holds.
    All(Vec<Condition>),
    /// At least one holds (ORedConditions).
    Any(Vec<Condition>),
    /// One comparison.
    Comparison(Comparison),
}

/// One comparison of a parameter with a constant or another parameter.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Left-hand side.
    pub parameter: ParameterId,
    /// Compare the calibrated (engineering) value; the schema's default is true.
    pub calibrated: bool,
    /// How.
    pub operator: ComparisonOperator,
    /// Right-hand side.
    pub value: Operand,
}

/// A right-hand side.
#[derive(Clone, Debug)]
pub enum Operand {
    /// Text as written: a number in any XTCE notation, an enumeration label, a string, a boolean.
    Literal(String),
    /// Another parameter.
    Parameter {
        /// Which.
        parameter: ParameterId,
        /// Calibrated rather than raw.
        calibrated: bool,
    },
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are the operators by name")]
pub enum ComparisonOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}
