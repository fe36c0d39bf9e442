//! Why a file, a record in it, or an orbit cannot be used.

use space_link::time::UtcMicros;
use thiserror::Error;

use super::ephemeris::EphemerisError;

/// Why a file of orbits cannot be read at all.
#[derive(Debug, Error)]
pub enum FileError {
    /// Nothing in it.
    #[error("the orbit file is empty")]
    Empty,
    /// More than is read at once.
    #[error("the orbit file has {got} octets, {max} are the most in {format}: split it{hint}")]
    TooLarge {
        /// Octets there are.
        got: usize,
        /// Octets there may be.
        max: usize,
        /// Which format it is.
        format: &'static str,
        /// What else may help.
        hint: &'static str,
    },
    /// Not text.
    #[error("the orbit file is not UTF-8 text from octet {at} on")]
    NotText {
        /// The first octet that is not.
        at: usize,
    },
    /// None of the formats.
    #[error(
        "the orbit file is neither OMM nor OEM (JSON, XML or KVN of CCSDS 502.0-B-3) nor TLE: it begins with {begins:?}"
    )]
    Unknown {
        /// Its first characters.
        begins: String,
    },
    /// XML that is not well-formed, or that has what is not taken.
    #[error(
        "the orbit file is not XML as it is read here (no DTD, no entities, at most {nodes_max} nodes)"
    )]
    Xml {
        /// The most nodes.
        nodes_max: u32,
        /// What the parser says.
        source: roxmltree::Error,
    },
    /// XML of something else.
    #[error("the orbit file's root element is {got}, not ndm, omm or oem")]
    Root {
        /// The element's name.
        got: String,
    },
    /// JSON that is not well-formed, or is not objects.
    #[error("the orbit file is not JSON with an object, or an array of objects, of OMM keywords")]
    Json(#[source] serde_json::Error),
}

/// Why one record of a file is left out. The others are read.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{satellite}{}: {reason}", Line(*line))]
pub struct RecordFault {
    /// The satellite's name, or which record it is.
    pub satellite: String,
    /// The line that it begins at, counted from 1, where the format has lines.
    pub line: Option<usize>,
    /// What is wrong.
    pub reason: RecordError,
}

struct Line(Option<usize>);

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, " (line {line})"))
    }
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RecordError {
    /// A keyword that must be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value that is not what it should be.
    #[error("{keyword} is {got:?}, not {wanted}")]
    Malformed {
        /// The keyword.
        keyword: &'static str,
        /// The value, cut to a line.
        got: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A number out of its range.
    #[error("{keyword} is {got}, not {min} to {max}")]
    OutOfRange {
        /// The keyword.
        keyword: &'static str,
        /// The value.
        got: f64,
        /// The lowest.
        min: f64,
        /// The highest.
        max: f64,
    },
    /// A value of the standard that is not supported.
    #[error("{keyword} {got:?} is not supported: {supported} is")]
    Unsupported {
        /// The keyword.
        keyword: &'static str,
        /// The value.
        got: String,
        /// What is.
        supported: &'static str,
    },
    /// A TLE line whose last digit is not the sum of the others.
    #[error("TLE line {line} has the checksum {got}, its other columns give {expected}")]
    Checksum {
        /// 1 or 2.
        line: u8,
        /// What they give.
        expected: u8,
        /// What stands there.
        got: char,
    },
    /// A TLE line that is too short, or not ASCII.
    #[error("TLE line {line} has {got} columns, not 69 of ASCII")]
    Columns {
        /// 1 or 2.
        line: u8,
        /// How many it has.
        got: usize,
    },
    /// A TLE line without its other.
    #[error("TLE line {0} stands without the other")]
    Unpaired(u8),
    /// Two TLE lines of different satellites.
    #[error("TLE lines of two satellites, {0} and {1}")]
    Mismatch(String, String),
    /// Something in an OEM that is not its place.
    #[error("line {line}: {got:?} where {wanted} should be")]
    Unexpected {
        /// Counted from 1.
        line: usize,
        /// What stands there.
        got: String,
        /// What should.
        wanted: &'static str,
    },
    /// States that cannot be interpolated.
    #[error(transparent)]
    Ephemeris(#[from] EphemerisError),
}

/// Why an orbit does not tell where its satellite is.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum OrbitError {
    /// Elements that SGP4 does not take.
    #[error("SGP4 cannot start from these elements: {0}")]
    Elements(String),
    /// Elements of another time.
    #[error(
        "its elements are of {epoch}, {days} days away from the window; {days_max} are the most: get newer ones"
    )]
    EpochTooFar {
        /// When the elements hold.
        epoch: UtcMicros,
        /// How many days away.
        days: i64,
        /// How many may be.
        days_max: u32,
    },
    /// SGP4 has brought it down.
    #[error("it has decayed: by its elements it is below the Earth's surface at {at}")]
    Decayed {
        /// When it was found there.
        at: UtcMicros,
    },
    /// SGP4 gives no orbit.
    #[error("it has decayed, or its elements are stale: SGP4 gives no orbit for it at {at}")]
    Diverged {
        /// When that was found.
        at: UtcMicros,
    },
    /// A time without ephemeris.
    #[error("its ephemeris is from {from} to {to} only")]
    NoEphemeris {
        /// Its beginning.
        from: UtcMicros,
        /// Its end.
        to: UtcMicros,
    },
}
