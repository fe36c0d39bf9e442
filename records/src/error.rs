//! What can be wrong with octets.

/// A block cannot be encoded or decoded.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The octets end too early.
    #[error("{what} needs {needed} octets, {got} are left")]
    Truncated {
        /// Which part.
        what: &'static str,
        /// Octets needed.
        needed: u64,
        /// Octets left.
        got: u64,
    },
    /// The checksum does not match.
    #[error("checksum {found:016x} stored, {computed:016x} computed")]
    Checksum {
        /// As stored.
        found: u64,
        /// As computed.
        computed: u64,
    },
    /// Written by a version not known here.
    #[error("format {found}, this version reads {known}")]
    Version {
        /// As stored.
        found: u8,
        /// Known here.
        known: u8,
    },
    /// An unknown kind of payload.
    #[error("payload kind {found} is unknown")]
    Kind {
        /// As stored.
        found: u8,
    },
    /// Lengths that contradict each other.
    #[error("{what}: {got} where {expected} is expected")]
    Inconsistent {
        /// Which part.
        what: &'static str,
        /// What must be.
        expected: u64,
        /// What is.
        got: u64,
    },
    /// Text that is not UTF-8.
    #[error("{what} is not UTF-8")]
    Text {
        /// Which part.
        what: &'static str,
    },
    /// A payload of one spacecraft under the headers of another.
    #[error("the payload is of spacecraft {block}, its headers say {headers}")]
    Spacecraft {
        /// As the payload says.
        block: String,
        /// As the headers say.
        headers: String,
    },
    /// A record without something that it must have.
    #[error("{what} is missing")]
    Absent {
        /// Which part.
        what: &'static str,
    },
    /// A header whose text is not what it must be.
    #[error("header {name} is {text:?}, not {expected}")]
    Header {
        /// Which header.
        name: &'static str,
        /// Its text, shortened.
        text: String,
        /// What is expected.
        expected: &'static str,
    },
    /// A payload that does not belong in its topic.
    #[error("a payload of {found} does not belong there, {expected} do")]
    Topic {
        /// What was to be published.
        found: &'static str,
        /// What the topic holds.
        expected: &'static str,
    },
    /// Too many records for one block.
    #[error("{got} records, a block holds 1 to {max}")]
    Records {
        /// The bound.
        max: usize,
        /// How many there are.
        got: usize,
    },
    /// A part is larger than the format's length field.
    #[error("{what} has {got} octets, at most {max} fit")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// The bound.
        max: u64,
        /// Its size.
        got: u64,
    },
    /// The stored octets cannot be read.
    #[error("the stored octets cannot be read")]
    Io(#[source] std::io::Error),
    /// Arrow IPC of telemetry.
    #[error("telemetry rows")]
    Arrow(#[source] arrow::error::ArrowError),
    /// An Arrow IPC stream that its reader cannot cope with.
    #[error("telemetry rows: the Arrow IPC stream is malformed")]
    ArrowPanicked,
}
