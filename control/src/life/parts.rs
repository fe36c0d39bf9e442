//! The parts of a command's life: how far, when, who approved, what verifies.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::command::{Constraint, Digest, RequestId, Significance, Stage, Verifier};

/// How far a command has come, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Written down, not yet validated.
    Requested,
    /// A second person has to approve it.
    AwaitingApproval,
    /// In the queue.
    Queued,
    /// Signed by the gate; not known to have been sent.
    Released,
    /// Sent by a station; not known to have arrived.
    Radiated,
    /// The spacecraft's frame acceptance has it; not known to be executed.
    Accepted,
    /// Being executed, or executed.
    Executed,
    /// The end: no more can be known, and nothing went wrong.
    Completed,
    /// The end: it went wrong, or it is not known whether it did not.
    Failed,
    /// The end: never taken.
    Rejected,
    /// The end: taken back before its release.
    Cancelled,
    /// The end: its window ended before its release.
    Expired,
}

impl Status {
    /// Whether no event changes it any more.
    pub fn is_finished(self) -> bool {
        self >= Self::Completed
    }

    /// Whether it is not released, and may be.
    pub fn is_waiting(self) -> bool {
        self < Self::Released
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "requested",
            Self::AwaitingApproval => "awaiting approval",
            Self::Queued => "queued",
            Self::Released => "released",
            Self::Radiated => "radiated",
            Self::Accepted => "accepted",
            Self::Executed => "executed",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        })
    }
}

/// A second person's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub user: String,
    /// For what.
    pub binding: Digest,
    /// Until when.
    pub expires: i64,
}

/// A verifier and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifierState {
    /// What is looked for.
    pub verifier: Verifier,
    /// The mission database looks for it; otherwise it came by itself.
    pub expected: bool,
    /// When it was reached, and whether well.
    pub seen: Option<(i64, bool)>,
}

/// What validation made of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validated {
    /// Qualified name.
    pub name: String,
    /// The packet; empty once the command is finished.
    pub packet: Vec<u8>,
    /// Its hash.
    pub packet_sha256: Digest,
    /// By which reports name it.
    pub request_id: Option<RequestId>,
    /// How much harm it can do.
    pub significance: Significance,
    /// It needs a second person.
    pub second_person: bool,
    /// It needs arming.
    pub arming: bool,
    /// Without which it is not released.
    pub constraints: Vec<Constraint>,
    /// Later ones wait for this stage of it.
    pub interlock: Option<Stage>,
    /// What approvals have to be bound to.
    pub binding: Digest,
}

/// When a command came to its stages; microseconds since 1970-01-01 UTC, `None`: not known to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the stages by name")]
pub struct Times {
    pub requested: Option<i64>,
    pub approved: Option<i64>,
    pub queued: Option<i64>,
    pub armed: Option<i64>,
    pub released: Option<i64>,
    pub radiated: Option<i64>,
    pub accepted: Option<i64>,
    pub executed: Option<i64>,
    pub verified: Option<i64>,
    pub finished: Option<i64>,
}
