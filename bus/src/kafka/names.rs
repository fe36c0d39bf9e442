//! The names of record headers; their values are UTF-8 text.

pub(crate) const SPACECRAFT: &str = "spacecraft";
pub(crate) const STATION: &str = "station";
pub(crate) const CONTACT: &str = "contact";
pub(crate) const MISSION_VERSION: &str = "mission-version";
pub(crate) const SEQUENCE: &str = "sequence";
pub(crate) const TIME: &str = "time";
pub(crate) const RECEIVED: &str = "received";
pub(crate) const VIRTUAL_CHANNEL: &str = "virtual-channel";
pub(crate) const QUALITY: &str = "quality";
pub(crate) const APID: &str = "apid";
pub(crate) const FRAME_COUNT: &str = "frame-count";
pub(crate) const CORRECTED_SYMBOLS: &str = "corrected-symbols";
pub(crate) const TABLE: &str = "table";
pub(crate) const DEAD_TOPIC: &str = "dead-letter-topic";
pub(crate) const DEAD_PARTITION: &str = "dead-letter-partition";
pub(crate) const DEAD_OFFSET: &str = "dead-letter-offset";
pub(crate) const DEAD_REASON: &str = "dead-letter-reason";
