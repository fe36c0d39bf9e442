//! What can be wrong with a command, its arguments or its octets.

/// A command that cannot be found, or arguments that it cannot be sent with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No command has this name.
    #[error("there is no command `{name}`{}", nearest_hint(nearest.as_ref()))]
    UnknownCommand {
        /// The name given.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
    },
    /// Several commands have this name.
    #[error("`{name}` could be {}; give the whole name", candidates.join(", "))]
    AmbiguousCommand {
        /// The name given.
        name: String,
        /// Qualified names.
        candidates: Vec<String>,
    },
    /// The command has no such argument.
    #[error(
        "{command} has no argument `{argument}`{}; its arguments are: {}",
        nearest_hint(nearest.as_ref()),
        if known.is_empty() { "none".to_owned() } else { known.join(", ") }
    )]
    UnknownArgument {
        /// The command.
        command: String,
        /// The name given.
        argument: String,
        /// The most similar name.
        nearest: Option<String>,
        /// All names that can be given.
        known: Vec<String>,
    },
    /// An argument is given twice.
    #[error("{command}: `{argument}` is given twice")]
    Repeated {
        /// The command.
        command: String,
        /// The argument.
        argument: String,
    },
    /// The mission database, or the link, says this value.
    #[error("{command}: `{argument}` cannot be given, {who}")]
    NotFree {
        /// The command.
        command: String,
        /// The argument.
        argument: String,
        /// Who says its value.
        who: String,
    },
    /// An argument without a default is not given.
    #[error("{command} needs `{argument}`: {expected}")]
    Missing {
        /// The command.
        command: String,
        /// The argument.
        argument: String,
        /// What it takes.
        expected: String,
    },
    /// A value of another kind.
    #[error("{command}: `{argument}` is {got}; it takes {expected}")]
    WrongType {
        /// The command.
        command: String,
        /// The argument.
        argument: String,
        /// The value given.
        got: String,
        /// What it takes.
        expected: String,
    },
    /// A label that the enumeration does not have.
    #[error(
        "{command}: `{argument}` has no label `{got}`{}; it takes {expected}",
        nearest_hint(nearest.as_ref())
    )]
    UnknownLabel {
        /// The command.
        command: String,
        /// The argument.
        argument: String,
        /// The label given.
        got: String,
        /// The most similar label.
        nearest: Option<String>,
        /// What it takes.
        expected: String,
    },
    /// A value outside the mission database's valid ranges.
    #[error("{command}: `{argument}` is {got}, out of range; it takes {expected}")]
    OutOfRange {
        /// The command.
        command: String,
        /// The argument.
        argument: String,
        /// The value given.
        got: String,
        /// What it takes.
        expected: String,
    },
    /// A value that its field cannot hold.
    #[error("{command}: `{argument}` is {got}, which its field cannot hold: {why}")]
    DoesNotFit {
        /// The command.
        command: String,
        /// The argument.
        argument: String,
        /// The value given.
        got: String,
        /// Why not, and what the field holds.
        why: String,
    },
    /// Longer than any space packet.
    #[error("{command}: its packet has {octets} octets; {limit} are the most (CCSDS 133.0-B-2)")]
    TooLong {
        /// The command.
        command: String,
        /// Octets so far.
        octets: usize,
        /// The most there may be.
        limit: usize,
    },
}

/// Octets that are no packet of a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The octets end inside the command.
    #[error("{command}: `{field}` ends at bit {needed_bits}, the packet at bit {bits}")]
    Truncated {
        /// The command.
        command: String,
        /// The field.
        field: String,
        /// Where the field ends.
        needed_bits: u64,
        /// Where the octets end.
        bits: u64,
    },
    /// Octets behind the command.
    #[error("{command}: {octets} octets are left behind its last field")]
    Trailing {
        /// The command.
        command: String,
        /// How many.
        octets: usize,
    },
    /// A field of one value has another.
    #[error("{command}: `{field}` is not what the mission database says; it is another command")]
    Another {
        /// The command.
        command: String,
        /// The field.
        field: String,
    },
    /// Bits that are no value of the field.
    #[error("{command}: `{field}`: {why}")]
    Invalid {
        /// The command.
        command: String,
        /// The field.
        field: String,
        /// Why not.
        why: String,
    },
    /// The octets are of no command of the mission.
    #[error("{octets} octets that are no command of this mission")]
    NoCommand {
        /// How many octets.
        octets: usize,
    },
    /// The octets fit several commands equally well.
    #[error("the packet could be {}", candidates.join(", "))]
    Ambiguous {
        /// Qualified names.
        candidates: Vec<String>,
    },
}

/// Why a value cannot be encoded; the command and the argument are added by whoever knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    WrongType,
    UnknownLabel,
    OutOfRange,
    DoesNotFit(String),
}

fn nearest_hint(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |nearest| {
        format!(" (do you mean `{nearest}`?)")
    })
}

/// The name most like the one given; ties go to the first.
pub(super) fn nearest<'n>(
    wanted: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<String> {
    let limit = wanted.chars().count() / 2 + 1;
    names
        .into_iter()
        .filter(|name| name.len().abs_diff(wanted.len()) <= limit)
        .map(|name| {
            (
                strsim::osa_distance(&name.to_lowercase(), &wanted.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.to_owned())
}
