//! What can be wrong with a mission folder.

use std::path::PathBuf;

use thiserror::Error;

/// A mission could not be loaded.
#[derive(Debug, Error)]
pub enum MissionError {
    /// A file of the mission cannot be read.
    #[error("cannot read {}: check that the mission folder holds it and that it may be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is larger than anything a mission needs.
    #[error("{} is larger than {octets_max} octets: is it the right file?", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound.
        octets_max: u64,
    },
    /// `mission.toml` is not UTF-8.
    #[error("{} is not UTF-8 text: save it as UTF-8", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// `mission.toml` is not TOML, or has an unknown key or a value of the wrong type.
    #[error("{} is not a mission file", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, column and what was expected there.
        source: Box<toml::de::Error>,
    },
    /// A key's value cannot be used.
    #[error("{}: {key}: {problem}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The key, as a dotted path.
        key: String,
        /// What is wrong with its value, and what to do.
        problem: KeyProblem,
    },
}

/// What is wrong with one key of `mission.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyProblem {
    /// The key is needed and absent.
    #[error("missing; {hint}")]
    Missing {
        /// When it is needed and what it holds.
        hint: &'static str,
    },
    /// A number outside its range.
    #[error("{got} is out of range, use {min} to {max}")]
    OutOfRange {
        /// The number given.
        got: u64,
        /// The least allowed.
        min: u64,
        /// The most allowed.
        max: u64,
    },
    /// A word or number that is none of the known ones.
    #[error("`{got}` is not known, use one of: {allowed}")]
    Unknown {
        /// What was given.
        got: String,
        /// What is known.
        allowed: &'static str,
    },
    /// An entry repeats the identifier of an earlier one.
    #[error("repeats an earlier entry, remove one of them")]
    Duplicate,
    /// A name that cannot be a key of topics and tables.
    #[error("`{got}` is not a name, use 1 to 64 of A-Z a-z 0-9 - _ .")]
    Name {
        /// What was given.
        got: String,
    },
    /// A path that is empty or absolute.
    #[error("`{got}` is not a relative path, give one relative to the mission folder")]
    Path {
        /// What was given.
        got: String,
    },
    /// The marker is not hexadecimal of 4 or 8 octets.
    #[error("`{got}` is not a sync marker, give 8 or 16 hexadecimal digits such as 1ACFFC1D")]
    Marker {
        /// What was given.
        got: String,
    },
    /// The frame does not fill the Reed-Solomon code block.
    #[error(
        "a frame of {frame} octets and a virtual fill of {fill} do not make interleave x k = {block} octets; \
         correct frame_length_octets, interleave or virtual_fill_octets"
    )]
    CodeBlock {
        /// `frame_length_octets`.
        frame: usize,
        /// `virtual_fill_octets`.
        fill: usize,
        /// Interleave times information symbols.
        block: usize,
    },
    /// Two keys contradict each other.
    #[error("{hint}")]
    Conflict {
        /// What contradicts what, and what to do.
        hint: &'static str,
    },
    /// A text that is not a UTC date or date and time.
    #[error("`{got}` is not a date, write 1958-01-01 or 2000-01-01T12:00:00")]
    Date {
        /// What was given.
        got: String,
    },
    /// A list entry that is neither an APID nor a range of them.
    #[error("`{got}` is not an APID (0 to 2047) nor a range such as \"800-826\"")]
    Apid {
        /// What was given.
        got: String,
    },
}
