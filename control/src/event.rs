//! The records of `tc.commands`: events, which the gate chains, and what stations report to it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::canonical::{self, hex};
use crate::command::{CommandId, Constraint, Digest, Group, Significance, Stage, Verifier};
use crate::keys::GateKey;
use crate::release::Release;

/// The version of the records' form.
pub const VERSION: u32 = 1;
/// Octets of the longest record: a packet in hexadecimal, its arguments and what goes with them.
pub const RECORD_OCTETS_MAX: usize = 4 << 20;

/// One step of a spacecraft's commands; times are microseconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// [`VERSION`].
    pub version: u32,
    /// Number of the event in its spacecraft's chain, from 0.
    pub sequence: u64,
    /// When the gate wrote it.
    pub time: i64,
    /// Whose chain.
    pub spacecraft: String,
    /// Of which command; absent for what concerns the whole queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandId>,
    /// Who made it happen: a user's id, `gate`, `station:NAME` or `spacecraft`.
    pub actor: String,
    /// What happened.
    pub event: Change,
    /// Hash of the event before it; zeros for the first.
    pub previous: Digest,
    /// SHA-256 over the canonical form of all of the above.
    pub hash: Digest,
    /// HMAC-SHA-256 of the hash under the gate's key; absent where a gate has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Digest>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Somebody wants a command.
    Requested {
        /// As typed.
        command: String,
        /// As typed.
        arguments: Map<String, Value>,
        /// When it was requested, by the requester's clock.
        at: i64,
        /// Not released before.
        not_before: i64,
        /// Not released after.
        not_after: i64,
        /// Higher leaves first.
        priority: u8,
        /// To how many it goes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<Group>,
        /// For people.
        comment: String,
        /// What makes a second request the same one.
        request: Digest,
    },
    /// It agrees with the mission database and the user may.
    Validated {
        /// Qualified name.
        name: String,
        /// The encoded packet.
        #[serde(with = "hex")]
        packet: Vec<u8>,
        /// Its hash.
        packet_sha256: Digest,
        /// How much harm it can do.
        significance: Significance,
        /// It needs a second person.
        second_person: bool,
        /// It needs arming.
        arming: bool,
        /// Without which it is not released.
        constraints: Vec<Constraint>,
        /// What shows what became of it.
        verifiers: Vec<Verifier>,
        /// Later ones wait for this stage of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interlock: Option<Stage>,
        /// What approvals are bound to.
        binding: Digest,
    },
    /// It does not, or the user may not.
    Rejected {
        /// Why.
        reason: String,
    },
    /// A second person wants it too.
    ApprovalGiven {
        /// What was approved.
        binding: Digest,
        /// Good until.
        expires: i64,
    },
    /// No longer.
    ApprovalWithdrawn {
        /// Whose approval.
        user: String,
        /// Why.
        reason: String,
    },
    /// Its time is over.
    ApprovalExpired {
        /// Whose approval.
        user: String,
    },
    /// Telemetry says that it can do more harm now than when it was requested.
    SignificanceRaised {
        /// How much.
        significance: Significance,
        /// It needs a second person now.
        second_person: bool,
        /// It needs arming now.
        arming: bool,
    },
    /// It waits for its release.
    Queued {},
    /// A dangerous one may leave.
    Armed {
        /// Until.
        expires: i64,
    },
    /// It may not any more.
    Disarmed {
        /// Why.
        reason: String,
    },
    /// It stays in the queue.
    Held {
        /// Why.
        reason: String,
    },
    /// It goes on.
    Resumed {},
    /// A user who may has told it to leave.
    ReleaseOrdered {},
    /// Its window is another one; approvals and arming are void.
    Rescheduled {
        /// Not released before.
        not_before: i64,
        /// Not released after.
        not_after: i64,
        /// What approvals are bound to.
        binding: Digest,
    },
    /// The first of its group was verified.
    CanaryVerified {
        /// Which.
        canary: CommandId,
    },
    /// A transmission constraint does not hold; it is tried again until a time.
    ConstraintFailed {
        /// Why.
        reason: String,
        /// Fails then.
        until: i64,
    },
    /// It may leave: this event is the release.
    Released {
        /// What stations take.
        release: Release,
    },
    /// A station has sent it.
    Radiated {
        /// When.
        at: i64,
        /// With or without confirmation.
        service: Service,
    },
    /// The spacecraft's frame acceptance has it, by its CLCW (232.1-B-2).
    Accepted {
        /// When that was known.
        at: i64,
    },
    /// Telemetry says how a stage ended.
    Verified {
        /// Which.
        stage: Stage,
        /// When, by the report.
        at: i64,
        /// Well or not.
        success: bool,
        /// The spacecraft's failure code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u64>,
        /// In words.
        text: String,
    },
    /// It is being executed, or was.
    Executed {
        /// Since when that is known.
        at: i64,
    },
    /// No more can be known of it, and nothing went wrong.
    Completed {
        /// The last thing that is known.
        known: Status,
    },
    /// It did not happen, or it is not known that it did.
    Failed {
        /// Where.
        stage: FailedAt,
        /// Why.
        reason: String,
    },
    /// Somebody took it out of the queue.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// Its window ended before its release.
    Expired {},
    /// The queue lets commands go.
    QueueEnabled {},
    /// The queue keeps its commands and takes more.
    QueueBlocked {
        /// Why.
        reason: String,
    },
    /// The queue keeps its commands and takes no more.
    QueueDisabled {
        /// Why.
        reason: String,
    },
}

pub use crate::life::Status;

/// How a station sends a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Sequence-controlled: the CLCW tells whether it arrived (232.0-B-4 2.2.2).
    Ad,
    /// Expedited: nothing tells.
    Bd,
}

/// Where a command failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "those of Stage are documented there")]
pub enum FailedAt {
    /// The first of its group failed.
    Canary,
    /// A transmission constraint.
    Constraint,
    /// A station refused it.
    Station,
    /// No station said that it has sent it.
    Radiation,
    /// The spacecraft's frame acceptance did not confirm it.
    Clcw,
    TransferredToRange,
    SentFromRange,
    Received,
    Acceptance,
    QueuedOnBoard,
    Start,
    Progress,
    Completion,
    Failure,
}

impl From<Stage> for FailedAt {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::TransferredToRange => Self::TransferredToRange,
            Stage::SentFromRange => Self::SentFromRange,
            Stage::Received => Self::Received,
            Stage::Acceptance => Self::Acceptance,
            Stage::QueuedOnBoard => Self::QueuedOnBoard,
            Stage::Start => Self::Start,
            Stage::Progress => Self::Progress,
            Stage::Completion => Self::Completion,
            Stage::Failure => Self::Failure,
        }
    }
}

/// What a station tells the gate of a release; not chained, and harmless when told twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationReport {
    /// [`VERSION`].
    pub version: u32,
    /// Which station.
    pub station: String,
    /// To which spacecraft.
    pub spacecraft: String,
    /// Which command.
    pub command: CommandId,
    /// Number of its release.
    pub release: u64,
    /// When, microseconds since 1970-01-01 UTC.
    pub time: i64,
    /// What became of it.
    pub report: ReportKind,
}

/// What became of a release at a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReportKind {
    /// The last bit left.
    Radiated {
        /// With or without confirmation.
        service: Service,
    },
    /// The CLCW acknowledges its last frame.
    Accepted {},
    /// It was not radiated, and will not be.
    Refused {
        /// Why.
        reason: String,
    },
    /// It was radiated, and frame acceptance will not be confirmed: the frame operation procedure
    /// gave up or was terminated.
    NotAccepted {
        /// Why.
        reason: String,
    },
}

impl ReportKind {
    /// The order in which they come about.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Radiated { .. } => 0,
            Self::Accepted {} => 1,
            Self::Refused { .. } => 2,
            Self::NotAccepted { .. } => 3,
        }
    }
}

/// One record of `tc.commands`.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// Of the chain.
    Event(Box<Event>),
    /// A station's word to the gate.
    Report(StationReport),
}

/// Why octets are no record of `tc.commands`.
#[derive(Debug, Error)]
pub enum RecordError {
    /// Longer than any record.
    #[error("a record of {got} octets, {max} at most")]
    TooLong {
        /// Octets there are.
        got: usize,
        /// Most.
        max: usize,
    },
    /// Not JSON of this form.
    #[error("neither an event nor a station's report")]
    Syntax(#[source] serde_json::Error),
    /// A version that this program does not know.
    #[error("records of version {got}, this program knows version {VERSION}")]
    Version {
        /// The version.
        got: u64,
    },
    /// It holds more than is known of it, so its hash would not cover all.
    #[error("fields that this version does not have, or values in another form")]
    Surplus,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError`] for anything that would not be written the same way.
    pub fn parse(octets: &[u8]) -> Result<Self, RecordError> {
        if octets.len() > RECORD_OCTETS_MAX {
            return Err(RecordError::TooLong {
                got: octets.len(),
                max: RECORD_OCTETS_MAX,
            });
        }
        let value: Value = serde_json::from_slice(octets).map_err(RecordError::Syntax)?;
        match value.get("version").and_then(Value::as_u64) {
            Some(version) if version != u64::from(VERSION) => {
                return Err(RecordError::Version { got: version });
            }
            _ => {}
        }
        // From the octets again: a repeated field is an error there, the last one in a value.
        let (record, again) = if value.get("report").is_some() {
            let report: StationReport =
                serde_json::from_slice(octets).map_err(RecordError::Syntax)?;
            let again = serde_json::to_value(&report).map_err(RecordError::Syntax)?;
            (Self::Report(report), again)
        } else {
            let event: Event = serde_json::from_slice(octets).map_err(RecordError::Syntax)?;
            let again = serde_json::to_value(&event).map_err(RecordError::Syntax)?;
            (Self::Event(Box::new(event)), again)
        };
        if canonical::canonical(&again) != canonical::canonical(&value) {
            return Err(RecordError::Surplus);
        }
        Ok(record)
    }

    /// The record as it is appended; its key is the spacecraft.
    ///
    /// # Errors
    /// Never for a record of the gate; the JSON library's otherwise.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Event(event) => serde_json::to_vec(event),
            Self::Report(report) => serde_json::to_vec(report),
        }
    }

    /// Of which spacecraft.
    pub fn spacecraft(&self) -> &str {
        match self {
            Self::Event(event) => &event.spacecraft,
            Self::Report(report) => &report.spacecraft,
        }
    }
}

impl Event {
    /// The hash that the event must have.
    pub fn expected_hash(&self) -> Digest {
        // An event is JSON by construction: no floats but those of JSON, no keys but texts.
        let mut value = serde_json::to_value(self).unwrap_or(Value::Null);
        if let Value::Object(map) = &mut value {
            map.remove("hash");
            map.remove("seal");
        }
        canonical::digest("passline event/1", &[&canonical::canonical(&value)])
    }

    /// Sets hash and seal.
    pub(crate) fn finish(mut self, key: Option<&GateKey>) -> Self {
        self.hash = self.expected_hash();
        self.seal = key.map(|key| key.seal(&self.hash));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let arguments =
            serde_json::json!({"power_w": 0.1, "n": 18446744073709551615_u64, "x": [null]});
        Event {
            version: VERSION,
            sequence: 3,
            time: -5,
            spacecraft: "node-1".into(),
            command: Some(CommandId::new("c").unwrap()),
            actor: "ada".into(),
            event: Change::Requested {
                command: "cap".into(),
                arguments: arguments.as_object().unwrap().clone(),
                at: 1,
                not_before: 2,
                not_after: 3,
                priority: 9,
                group: None,
                comment: "ü".into(),
                request: Digest([1; 32]),
            },
            previous: Digest([2; 32]),
            hash: Digest::default(),
            seal: None,
        }
        .finish(Some(&GateKey::new(&[1; 32])))
    }

    #[test]
    fn what_is_read_back_is_what_was_written() {
        let record = Record::Event(Box::new(event()));
        let octets = record.encode().unwrap();
        let read = Record::parse(&octets).unwrap();
        assert_eq!(read, record);
        let Record::Event(read) = read else {
            panic!("an event")
        };
        assert_eq!(read.expected_hash(), read.hash);
    }

    #[test]
    fn nothing_hides_in_a_record() {
        let text = String::from_utf8(Record::Event(Box::new(event())).encode().unwrap()).unwrap();
        for (from, to) in [
            ("\"sequence\":3", "\"sequence\":3,\"note\":1"),
            ("\"sequence\":3", "\"sequence\":3,\"sequence\":4"),
            (
                "\"type\":\"requested\"",
                "\"type\":\"requested\",\"also\":1",
            ),
            ("\"version\":1", "\"version\":2"),
            ("\"priority\":9", "\"priority\":900"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(Record::parse(changed.as_bytes()).is_err(), "{to}");
        }
        let unit = r#"{"type":"resumed","also":1}"#;
        assert!(serde_json::from_str::<Change>(unit).is_err());
    }
}
