//! Programs: steps over packets or elements, their fields, conditions and calibrators.

use arrow::datatypes::{DataType, Field as ArrowField};

use crate::xtce::model::{Charset, ComparisonOperator, MathOperator, StringEnd};

/// Steps that read the fields of packets, or of the elements of a repeated entry.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// In order: a step only uses slots, masks and registers of earlier ones.
    pub steps: Vec<Step>,
    /// Number of slots (values read).
    pub slots: usize,
    /// Number of masks (which rows an entry is present in).
    pub masks: usize,
    /// Number of registers (bit positions by row).
    pub registers: usize,
    /// Where the last entry ends.
    pub end: Position,
    /// Furthest bit that fields at fixed positions reach, from the start.
    pub fixed_bits: u64,
}

/// A bit position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// From where.
    pub base: Base,
    /// Bits from there.
    pub bits: i64,
}

/// What a position counts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// Start of the packet or element.
    #[default]
    Start,
    /// End of the packet.
    End,
    /// A register.
    Register(usize),
}

/// One step of a program.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it reads.
    pub at: Position,
    /// Only rows of this mask.
    pub when: Option<usize>,
    /// What it does.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Reads a field into a slot; `end` gets the position behind it where its size is dynamic.
    Field {
        /// The field.
        field: Box<Field>,
        /// Its slot.
        slot: usize,
        /// Register for the position behind it.
        end: Option<usize>,
    },
    /// Reads a repeated entry into a slot.
    Repeat {
        /// The repeated entry.
        repeat: Box<Repeat>,
        /// Its slot: one array for each of its elements.
        slot: usize,
        /// Register for the position behind the last element.
        end: usize,
    },
    /// Evaluates a condition into a mask (and the step's own mask).
    Test {
        /// The condition.
        predicate: Predicate,
        /// The mask.
        mask: usize,
    },
    /// Sets a register to the position plus (or minus) a computed number of bits.
    Locate {
        /// Bits.
        offset: Integer,
        /// Count back.
        backwards: bool,
        /// The register.
        register: usize,
    },
    /// Sets a register to the position for the step's rows and to another for all others.
    Join {
        /// Position of the others.
        otherwise: Position,
        /// The register.
        register: usize,
    },
}

/// A single value in a packet.
#[derive(Clone, Debug)]
pub struct Field {
    /// Parameter or member, for messages.
    pub name: String,
    /// How the bits are read.
    pub raw: Raw,
    /// How many there are.
    pub size: FieldSize,
    /// Least significant bit first.
    pub bits_reversed: bool,
    /// Least significant octet first.
    pub octets_reversed: bool,
    /// Arrow type of raw values.
    pub raw_type: DataType,
    /// From raw to engineering value.
    pub engineering: Engineering,
    /// Arrow type of engineering values.
    pub engineering_type: DataType,
}

/// How bits become a raw value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the variants are the schema's encodings by name"
)]
pub enum Raw {
    Unsigned,
    TwosComplement,
    OnesComplement,
    SignMagnitude,
    Bcd,
    PackedBcd,
    /// 16, 32 or 64 bits.
    Ieee754,
    /// 32 or 48 bits.
    MilStd1750A,
    Text {
        charset: Charset,
        end: StringEnd,
    },
    Octets,
}

/// Number of bits of a field.
#[derive(Clone, Debug)]
pub enum FieldSize {
    /// The same in every packet.
    Fixed(u32),
    /// Computed.
    Dynamic(Integer),
    /// Found in the field itself; 0: up to the end of the packet.
    SelfDelimited {
        /// At most this many bits.
        max_bits: u32,
    },
}

/// From raw to engineering value.
#[derive(Clone, Debug)]
pub enum Engineering {
    /// The same value, perhaps of a wider type.
    AsRaw,
    /// Calibrated; the first context that holds, then the default, then the raw value.
    Calibrated {
        /// Context calibrators.
        contexts: Vec<(Predicate, Calibration)>,
        /// Default calibrator.
        default: Option<Calibration>,
    },
    /// Raw zero is false.
    Boolean,
    /// Labels by raw value.
    Enumerated(Labels),
    /// Microseconds since 1970-01-01 UTC.
    Time {
        /// Where zero lies.
        epoch: TimeEpoch,
        /// Microseconds = raw * scale + offset.
        scale: f64,
        /// See `scale`.
        offset: f64,
        /// A calibrator before scaling.
        calibration: Option<Calibration>,
    },
}

/// Where an absolute time's zero lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeEpoch {
    /// UTC, microseconds since 1970-01-01, without leap seconds in between.
    Utc(i64),
    /// A scale that counts leap seconds: TAI, microseconds since 1970-01-01 TAI.
    Tai(i64),
    /// Another parameter's time.
    Parameter(Reference),
}

/// Labels of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Sorted by first value, not overlapping: first, last, index of the label.
    pub ranges: Vec<(i64, i64, u32)>,
    /// The labels.
    pub labels: Vec<String>,
    /// Index of the label by raw value from `dense_first`, `u32::MAX` for none; empty if sparse.
    pub dense: Vec<u32>,
    /// Raw value of `dense[0]`.
    pub dense_first: i64,
}

impl Labels {
    /// Index of the label of a raw value.
    #[inline]
    pub fn index_of(&self, value: i64) -> Option<u32> {
        if !self.dense.is_empty() {
            let index = value.wrapping_sub(self.dense_first);
            let label = usize::try_from(index)
                .ok()
                .and_then(|index| self.dense.get(index));
            return label.copied().filter(|&label| label != u32::MAX);
        }
        let after = self.ranges.partition_point(|range| range.0 <= value);
        let (_, last, label) = *self.ranges.get(after.checked_sub(1)?)?;
        (value <= last).then_some(label)
    }
}

/// A calibrator whose parameters are slots.
#[derive(Clone, Debug)]
pub enum Calibration {
    /// Sum of coefficient[i] * raw^i.
    Polynomial(Vec<f64>),
    /// Points by raw value.
    Spline {
        /// 0 flat, 1 linear, more: Lagrange over the nearest points.
        order: u32,
        /// Continue the outer segments.
        extrapolate: bool,
        /// (raw, calibrated), sorted.
        points: Vec<(f64, f64)>,
    },
    /// Reverse Polish notation.
    Math(Vec<MathStep>),
}

/// One token of a calibration in reverse Polish notation.
#[derive(Clone, Debug)]
pub enum MathStep {
    /// A constant.
    Value(f64),
    /// The raw value.
    This,
    /// Another parameter.
    Parameter(Reference),
    /// An operator.
    Operator(MathOperator),
}

/// A value read earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// How many programs outwards: 0 the same one, 1 the one that repeats it.
    pub up: usize,
    /// The slot there.
    pub slot: usize,
    /// Engineering rather than raw value.
    pub calibrated: bool,
}

/// A condition on values read earlier; a value that is absent makes its comparison false.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// All hold.
    All(Vec<Predicate>),
    /// One holds.
    Any(Vec<Predicate>),
    /// A comparison.
    Compare {
        /// Left-hand side.
        left: Reference,
        /// How.
        operator: ComparisonOperator,
        /// Right-hand side.
        right: Right,
    },
    /// Cannot be evaluated; see [`CompiledMission::issues`](super::CompiledMission::issues).
    Never,
}

/// A right-hand side, typed like the left-hand one.
#[derive(Clone, Debug, PartialEq)]
pub enum Right {
    /// An integer.
    Integer(i128),
    /// A number that is none.
    Float(f64),
    /// A label or a string.
    Text(String),
    /// A boolean.
    Boolean(bool),
    /// Octets.
    Octets(Vec<u8>),
    /// Another value.
    Reference(Reference),
}

/// An integer known with the packet at hand.
#[derive(Clone, Debug)]
pub enum Integer {
    /// A constant.
    Fixed(i64),
    /// value * slope + intercept, truncated.
    Linear {
        /// Whose value.
        of: Reference,
        /// Slope.
        slope: f64,
        /// Intercept.
        intercept: f64,
    },
    /// The first condition that holds.
    Lookup(Vec<(Predicate, i64)>),
    /// Cannot be evaluated; see [`CompiledMission::issues`](super::CompiledMission::issues).
    Unknown,
}

/// A repeated entry, or one dimension of an array.
#[derive(Clone, Debug)]
pub struct Repeat {
    /// Parameter or container, for messages.
    pub name: String,
    /// How many times.
    pub count: Integer,
    /// Bits between one element and the next.
    pub gap_bits: Integer,
    /// Reads one element.
    pub body: Program,
    /// Bits of an element and its gap, if always the same.
    pub element_bits: Option<u64>,
    /// The elements' values: the lists' item fields and where they come from.
    pub elements: Vec<(ArrowField, Output)>,
}

/// Where a column comes from.
#[derive(Clone, Debug)]
pub enum Output {
    /// A slot's engineering value.
    Engineering(usize),
    /// A slot's raw value.
    Raw(usize),
    /// One of a repeat's lists.
    List {
        /// The repeat's slot.
        slot: usize,
        /// Which of its elements.
        element: usize,
    },
    /// An aggregate.
    Struct {
        /// Members.
        members: Vec<(ArrowField, Output)>,
        /// Null outside this mask.
        when: Option<usize>,
    },
}
