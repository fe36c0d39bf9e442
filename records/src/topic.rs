//! The topics and the offsets in them.

use std::fmt;

/// Number of a record in a partition, from 0.
pub type Offset = u64;

/// A topic of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// `tm.frames`: transfer frames, raw.
    TmFrames,
    /// `tm.packets`: space packets, raw.
    TmPackets,
    /// `tm.telemetry`: rows of telemetry tables.
    TmTelemetry,
    /// `tm.events`: anomalies, gaps, limits, link states.
    TmEvents,
    /// `tc.commands`: the lives of commands.
    TcCommands,
    /// `ops.contacts`: contact states.
    OpsContacts,
    /// `ops.jobs`: job states.
    OpsJobs,
    /// `passline.dead-letters`: records that could not be read, and why.
    DeadLetters,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 8] = [
        Self::TmFrames,
        Self::TmPackets,
        Self::TmTelemetry,
        Self::TmEvents,
        Self::TcCommands,
        Self::OpsContacts,
        Self::OpsJobs,
        Self::DeadLetters,
    ];

    /// The topic's name on the bus.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TmFrames => "tm.frames",
            Self::TmPackets => "tm.packets",
            Self::TmTelemetry => "tm.telemetry",
            Self::TmEvents => "tm.events",
            Self::TcCommands => "tc.commands",
            Self::OpsContacts => "ops.contacts",
            Self::OpsJobs => "ops.jobs",
            Self::DeadLetters => "passline.dead-letters",
        }
    }

    /// The topic of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == name)
    }

    /// Its place in [`Topic::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
