//! Commands: a mission database's MetaCommands compiled into layouts that encode and decode.
//!
//! One layout serves both directions, so that `decode(encode(arguments)) == arguments`. What has
//! one value in every packet of a command (assigned arguments, fixed entries, restrictions of its
//! base containers) and lies at a known place is rendered once, when compiling; encoding copies it
//! and writes what varies. Decoding compares it: a packet with other values is another command.
//!
//! Where the container begins with a space packet primary header (CCSDS 133.0-B-2 4.1.3), its
//! packet sequence count and packet data length belong to the link: no argument gives them, and
//! decoding does not look at them. [`CompiledCommand::encode`] writes count 0 and the length of what
//! it wrote; [`finish_packet`] sets the count, appends the packet error control and sets the length.

mod bits;
mod breakdown;
mod calibrate;
mod check;
mod compile;
mod context;
mod decode;
mod describe;
mod encode;
mod entries;
mod error;
mod math;
mod parse;
mod raw;
mod shape;
mod shapes;
mod telemetry;
mod text;
mod value;
mod write;

pub use breakdown::BreakdownField;
pub use check::{Check, CheckOutcome, Freshness, Operand, Sample, Telemetry};
pub use describe::{ArgumentDescription, CommandDescription, VerifierDescription};
pub use encode::finish_packet;
pub use error::{CommandError, DecodeError};
pub use shape::{Count, Integer, Leaf, Meaning, Member, Predicate, Shape};
pub use telemetry::{CompiledVerifier, Constraint, RequestColumns, VerifierState, VerifierTarget};
pub use value::{Arguments, Value};

use std::fmt;

use crate::layout::CompiledMission;
use crate::xtce::model::{ConsequenceLevel, Interlock, MissionDatabase, Significance, Stage};

/// Most entries of one command's packet; arrays count as one.
pub const FIELDS_MAX: usize = 4_096;
/// Most entries, members, labels and calibrators' terms of all commands of a mission together.
pub const NODES_MAX: usize = 4_000_000;
/// So many octets of what packets begin with count as one of them.
const OCTETS_A_NODE: usize = 32;
/// Most elements of all arrays of one packet.
pub const ELEMENTS_MAX: usize = 65_536;
/// The longest space packet (CCSDS 133.0-B-2 4.1.3.5.3).
pub const PACKET_OCTETS_MAX: usize = 65_542;

/// All commands of a mission that can be sent.
#[derive(Clone, Debug, Default)]
pub struct CommandDatabase {
    /// In document order.
    pub commands: Vec<CompiledCommand>,
    /// Commands that are left out and constructs that are not carried out, each with its place.
    pub issues: Vec<CommandIssue>,
}

/// Something the database says of a command and the layout cannot carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandIssue {
    /// Qualified name of the command.
    pub command: String,
    /// Where the command stands: file name, line and column from 1.
    pub place: (String, u32, u32),
    /// What, and what follows from it.
    pub what: String,
}

impl fmt::Display for CommandIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line, column) = &self.place;
        write!(f, "{file}:{line}:{column}: {}: {}", self.command, self.what)
    }
}

/// A command that can be sent.
#[derive(Clone, Debug)]
pub struct CompiledCommand {
    /// Name as written.
    pub name: String,
    /// Space systems from the root, joined with `/`, then the name.
    pub qualified_name: String,
    /// shortDescription, or the first line of LongDescription.
    pub description: Option<String>,
    /// Where it stands: file name, line and column from 1.
    pub place: (String, u32, u32),
    /// Inherited arguments first, then its own, then parameters of its packet.
    pub arguments: Vec<ArgumentLayout>,
    /// How much harm it can do where no context says otherwise.
    pub significance: Significance,
    /// How much in a context; the first that holds.
    pub context_significances: Vec<(Check, Significance)>,
    /// All must hold before it is sent.
    pub constraints: Vec<Constraint>,
    /// What later commands wait for.
    pub interlock: Option<Interlock>,
    /// How it is known what became of it.
    pub verifiers: Vec<CompiledVerifier>,
    /// Parameters of the ground to set: qualified name, value as written, at which stage.
    pub parameters_to_set: Vec<(String, String, Stage)>,
    /// Its packet begins with a space packet primary header.
    pub has_primary_header: bool,
    fields: Vec<Field>,
    /// What every packet begins with, and which of its bits are compared when decoding.
    template: Vec<u8>,
    mask: Vec<u8>,
    /// Fields that encoding writes over the template, indices into `fields`.
    variable: Vec<usize>,
    /// The packet's octets, if its container says them.
    octets: Option<usize>,
}

/// An argument as its command has it.
#[derive(Clone, Debug)]
pub struct ArgumentLayout {
    /// Name as written.
    pub name: String,
    /// shortDescription, of the argument or of its type.
    pub description: Option<String>,
    /// What it takes and how it lies in the packet.
    pub shape: Shape,
    /// Who gives its value.
    pub source: ArgumentSource,
    /// The value where none is given; the assigned one, if it is assigned.
    pub default: Option<Value>,
    /// An entry of the packet holds it.
    pub transmitted: bool,
}

/// Who gives an argument's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentSource {
    /// Whoever sends the command.
    Operator,
    /// Whoever sends the command: a parameter's value at the time of sending.
    Parameter,
    /// The mission database.
    Assigned,
    /// The link: sequence count and length of a packet.
    Link,
}

impl ArgumentLayout {
    /// Whoever sends the command may give it.
    pub fn is_free(&self) -> bool {
        matches!(
            self.source,
            ArgumentSource::Operator | ArgumentSource::Parameter
        )
    }

    /// The command cannot be sent without it.
    pub fn is_required(&self) -> bool {
        self.is_free() && self.transmitted && self.default.is_none()
    }
}

/// An entry of a command's packet.
#[derive(Clone, Debug)]
struct Field {
    name: String,
    at: At,
    when: Option<Predicate>,
    content: Content,
}

/// Where an entry begins.
#[derive(Clone, Debug)]
enum At {
    /// Known: the bit, and where the entry before it ends.
    Bit(usize, usize),
    /// So many bits behind the entry before it.
    Behind(i64),
    /// So many bits as arguments say behind the packet's bit, or behind the entry before it.
    Computed(Option<usize>, Integer),
}

#[derive(Clone, Debug)]
enum Content {
    /// Right-aligned octets of so many bits.
    Fixed(u32, Vec<u8>),
    /// An argument.
    Argument(usize),
}

impl CommandDatabase {
    /// Compiles all commands that are not abstract; `mission` says in which tables telemetry lies.
    pub fn compile(database: &MissionDatabase, mission: &CompiledMission) -> Self {
        compile::compile(database, mission)
    }

    /// The command of a name: the qualified one, or as much of its end as says which.
    ///
    /// # Errors
    /// [`CommandError::UnknownCommand`] with the nearest name, or
    /// [`CommandError::AmbiguousCommand`].
    pub fn find(&self, name: &str) -> Result<&CompiledCommand, CommandError> {
        let name = name.trim();
        let exact = self
            .commands
            .iter()
            .find(|command| command.qualified_name == name);
        if let Some(exact) = exact {
            return Ok(exact);
        }
        let ends = |command: &&CompiledCommand| {
            let rest = command
                .qualified_name
                .strip_suffix(name.trim_start_matches('/'));
            !name.is_empty() && rest.is_some_and(|rest| rest.ends_with('/'))
        };
        let found: Vec<&CompiledCommand> = self.commands.iter().filter(ends).collect();
        match found.as_slice() {
            [only] => Ok(only),
            [] => {
                let names = self.commands.iter();
                let nearest = if name.contains('/') {
                    error::nearest(name, names.map(|command| command.qualified_name.as_str()))
                } else {
                    error::nearest(name, names.map(|command| command.name.as_str()))
                };
                Err(CommandError::UnknownCommand {
                    name: name.to_owned(),
                    nearest,
                })
            }
            several => Err(CommandError::AmbiguousCommand {
                name: name.to_owned(),
                candidates: several
                    .iter()
                    .map(|command| command.qualified_name.clone())
                    .collect(),
            }),
        }
    }

    /// Which command a packet is, and its arguments; the packet error control is taken off before.
    ///
    /// Of several that fit, the one with most bits of one value.
    ///
    /// # Errors
    /// [`DecodeError::NoCommand`], [`DecodeError::Ambiguous`], or what is wrong with the packet if
    /// only one command begins like it.
    pub fn identify(&self, packet: &[u8]) -> Result<(&CompiledCommand, Arguments), DecodeError> {
        let mut candidates: Vec<(&CompiledCommand, u32)> = self
            .commands
            .iter()
            .filter(|command| command.begins(packet))
            .map(|command| (command, command.constant_bits()))
            .collect();
        candidates.sort_by_key(|(_, bits)| std::cmp::Reverse(*bits));
        let mut wrong = None;
        let mut found: Option<(&CompiledCommand, Arguments, u32)> = None;
        for &(command, bits) in &candidates {
            if found.as_ref().is_some_and(|(.., best)| *best > bits) {
                break;
            }
            match (command.decode(packet), &found) {
                (Ok(arguments), None) => found = Some((command, arguments, bits)),
                (Ok(_), Some((other, ..))) => {
                    return Err(DecodeError::Ambiguous {
                        candidates: vec![
                            other.qualified_name.clone(),
                            command.qualified_name.clone(),
                        ],
                    });
                }
                (Err(error), _) => wrong = wrong.or(Some(error)),
            }
        }
        match (found, wrong) {
            (Some((command, arguments, _)), _) => Ok((command, arguments)),
            (None, Some(wrong)) if candidates.len() == 1 => Err(wrong),
            _ => Err(DecodeError::NoCommand {
                octets: packet.len(),
            }),
        }
    }
}

impl CompiledCommand {
    /// Place of an argument of this name.
    pub fn argument_index(&self, name: &str) -> Option<usize> {
        self.arguments
            .iter()
            .position(|argument| argument.name == name)
    }

    /// The significance without a context.
    pub fn level(&self) -> ConsequenceLevel {
        self.significance.level
    }

    fn begins(&self, packet: &[u8]) -> bool {
        packet.len() >= self.template.len()
            && (self.template.iter().zip(&self.mask).zip(packet))
                .all(|((want, mask), got)| want & mask == got & mask)
    }

    fn constant_bits(&self) -> u32 {
        self.mask.iter().map(|octet| octet.count_ones()).sum()
    }
}
