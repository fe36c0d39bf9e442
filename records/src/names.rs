//! The names of record headers; their values are UTF-8 text.

/// Whose record it is; the key too.
pub const SPACECRAFT: &str = "spacecraft";
/// Who received it; absent where unknown.
pub const STATION: &str = "station";
/// The contact it came in.
pub const CONTACT: &str = "contact";
/// Version of the mission folder it was decoded with.
pub const MISSION_VERSION: &str = "mission-version";
/// Number of its block among those of the contact in the topic.
pub const SEQUENCE: &str = "sequence";
/// Generation time, RFC 3339 with microseconds, UTC; absent where unknown.
pub const TIME: &str = "time";
/// Earth reception time, likewise.
pub const RECEIVED: &str = "received";
/// Virtual channel identifier.
pub const VIRTUAL_CHANNEL: &str = "virtual-channel";
/// `good`, `corrected`, `unchecked` or `bad`.
pub const QUALITY: &str = "quality";
/// Application process identifier, for people; the packet has it.
pub const APID: &str = "apid";
/// Virtual channel frame count.
pub const FRAME_COUNT: &str = "frame-count";
/// Reed-Solomon symbols corrected; absent where none.
pub const CORRECTED_SYMBOLS: &str = "corrected-symbols";
/// The table of telemetry rows.
pub const TABLE: &str = "table";
/// Topic of a record that could not be read.
pub const DEAD_TOPIC: &str = "dead-letter-topic";
/// Its partition.
pub const DEAD_PARTITION: &str = "dead-letter-partition";
/// Its offset.
pub const DEAD_OFFSET: &str = "dead-letter-offset";
/// Why it could not be read.
pub const DEAD_REASON: &str = "dead-letter-reason";
