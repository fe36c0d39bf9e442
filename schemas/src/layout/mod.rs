//! Compiled layouts: what a mission database says about packets, ready to be decoded by column.
//!
//! A container becomes a [`Program`]: steps that each read one field of all packets of a batch.
//! Positions are known when compiling wherever the document allows it; behind a dynamic size or an
//! optional entry they are registers, filled while decoding. No name is looked up while decoding.
//!
//! Which container a packet has: from the roots (containers without a base that nothing includes,
//! and that others inherit from) down to the inheritor whose restriction holds, again and again.
//! The deepest container reached gives the table, unless it is abstract. Two inheritors that both
//! hold are ambiguous and give no row; so does space_packet_parser, which calls both cases an
//! unrecognised packet type.

mod alarms;
mod columns;
mod compile;
mod condition;
mod entries;
mod names;
mod probe;
mod program;
mod types;

pub(crate) use columns::{GPS_TAI_MICROSECONDS, J2000_UNIX_MICROSECONDS, TAI_1958_MICROSECONDS};
pub use compile::compile;
pub(crate) use condition::{hexadecimal, number};
pub use names::snake_case;
pub use program::*;
pub(crate) use types::{labels_of, raw_of};

use arrow::datatypes::SchemaRef;

use crate::xtce::model::ContainerId;

/// Most columns of one table, raw columns included.
pub const COLUMNS_MAX: usize = 16_384;
/// Most steps of all programs of a mission: bounds definitions that include each other many times.
pub const STEPS_MAX: usize = 2_000_000;
/// Deepest nesting of inheritance, container entries, aggregates and arrays together.
pub const DEPTH_MAX: usize = 64;
/// Most elements of one repeated entry in one packet; what lies beyond is counted and left out.
pub const ELEMENTS_MAX: usize = 65_536;

/// Index into [`CompiledMission::tables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub u32);

/// A mission database compiled for decoding.
#[derive(Clone, Debug, Default)]
pub struct CompiledMission {
    /// One per concrete container that a packet can have.
    pub tables: Vec<ContainerLayout>,
    /// The inheritance trees, parents before their children.
    pub nodes: Vec<Node>,
    /// Roots of the trees, indices into `nodes`.
    pub roots: Vec<usize>,
    /// What the database says and cannot be decoded.
    pub issues: Vec<LayoutIssue>,
}

impl CompiledMission {
    /// The layout of a table.
    pub fn table(&self, id: TableId) -> Option<&ContainerLayout> {
        self.tables.get(id.0 as usize)
    }

    /// The table with this name.
    pub fn table_named(&self, name: &str) -> Option<TableId> {
        self.tables
            .iter()
            .position(|layout| layout.table == name)
            .map(|index| TableId(index as u32))
    }
}

/// Something the database says and a layout cannot carry out; the rest is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutIssue {
    /// Qualified name of the container.
    pub container: String,
    /// What, and what it means for the data.
    pub what: String,
}

/// A mission database that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// More columns than a table may have.
    #[error(
        "container {container} has more than {COLUMNS_MAX} columns; split it or use arrays for repeated parameters"
    )]
    TooManyColumns {
        /// Qualified name.
        container: String,
    },
    /// Containers include each other so often that the layouts grow beyond any packet.
    #[error(
        "container {container} brings the mission beyond {STEPS_MAX} fields; its container entries multiply"
    )]
    TooManySteps {
        /// Qualified name.
        container: String,
    },
    /// Nested too deep, or in a cycle.
    #[error("container {container} nests deeper than {DEPTH_MAX}: too deep, or in a cycle")]
    TooDeep {
        /// Qualified name.
        container: String,
    },
    /// An index of the model points nowhere.
    #[error("container {container} refers to {what} number {index}, which does not exist")]
    Dangling {
        /// Qualified name.
        container: String,
        /// A parameter, a type or a container.
        what: &'static str,
        /// The index.
        index: u32,
    },
}

/// A container of the inheritance trees.
#[derive(Clone, Debug)]
pub struct Node {
    /// Which container.
    pub container: ContainerId,
    /// Its qualified name.
    pub name: String,
    /// Holds for the packets of the parent that are of this container; in the parent's probe.
    pub condition: Predicate,
    /// Its table, unless it is abstract.
    pub table: Option<TableId>,
    /// Inheritors, indices into [`CompiledMission::nodes`].
    pub children: Vec<usize>,
    /// Reads what the children's conditions look at.
    pub probe: Program,
    /// The children's conditions look at the first two octets only.
    pub header_only: bool,
}

/// One table: a concrete container with everything it inherits and includes.
#[derive(Clone, Debug)]
pub struct ContainerLayout {
    /// Name of the table.
    pub table: String,
    /// Which container.
    pub container: ContainerId,
    /// Its qualified name.
    pub name: String,
    /// Leading columns (see [`crate::tables`]), then one per entry of `columns`.
    pub schema: SchemaRef,
    /// Reads the fields.
    pub program: Program,
    /// Columns behind the leading ones, in order.
    pub columns: Vec<Output>,
}

#[cfg(test)]
mod tests;
