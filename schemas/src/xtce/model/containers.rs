//! Containers of the model.

use super::{Condition, ContainerId, IntegerValue, ParameterId};

/// A sequence container.
#[derive(Clone, Debug)]
pub struct Container {
    /// Name as written.
    pub name: String,
    /// Qualified like a parameter's.
    pub qualified_name: String,
    /// shortDescription.
    pub description: Option<String>,
    /// Abstract containers make no table of their own.
    pub is_abstract: bool,
    /// BaseContainer and its RestrictionCriteria; `All([])` when it has none.
    pub base: Option<(ContainerId, Condition)>,
    /// Fixed size in bits from the container's BinaryEncoding, if given.
    pub size_bits: Option<IntegerValue>,
    /// Entries in order.
    pub entries: Vec<Entry>,
}

/// One entry of a container.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What lies here.
    pub content: EntryContent,
    /// Where; `None`: right after the previous entry.
    pub location: Option<Location>,
    /// Only present when this holds.
    pub include_condition: Option<Condition>,
    /// Repeated this many times (a List in tables).
    pub repeat: Option<Repeat>,
}

/// What an entry holds.
#[derive(Clone, Debug)]
pub enum EntryContent {
    /// A parameter.
    Parameter(ParameterId),
    /// An array parameter whose entry gives the number of entries of each dimension.
    Array {
        /// The parameter, of an array type.
        parameter: ParameterId,
        /// Number of entries of each dimension, outermost first; empty: as its type says.
        dimensions: Vec<IntegerValue>,
    },
    /// Another container's entries, its base's first.
    Container(ContainerId),
    /// Bits that belong to nothing (an entry that is not supported but whose size is known).
    Padding(u32),
}

/// LocationInContainerInBits.
#[derive(Clone, Debug)]
pub struct Location {
    /// From where.
    pub reference: LocationReference,
    /// How many bits.
    pub offset_bits: IntegerValue,
}

/// Reference point of a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationReference {
    /// From the start of the (outermost base) container.
    ContainerStart,
    /// Back from the end of the container.
    ContainerEnd,
    /// From the end of the previous entry.
    PreviousEntry,
}

/// RepeatEntry.
#[derive(Clone, Debug)]
pub struct Repeat {
    /// How many times.
    pub count: IntegerValue,
    /// Bits between one and the next.
    pub offset_bits: IntegerValue,
}
