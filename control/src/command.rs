//! What a command is to the gate: who wants what of which spacecraft when, and its encoded packet.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use space_link::packet::{PacketHeader, PacketType};
use thiserror::Error;

use crate::canonical;

/// Octets of the longest packet that the gate takes (CCSDS 133.0-B-2 4.1.2).
pub const PACKET_OCTETS_MAX: usize = space_link::packet::MAX_PACKET_OCTETS;
/// Octets of the longest arguments, as canonical text.
pub const ARGUMENTS_OCTETS_MAX: usize = 1 << 20;
/// Octets of the longest name, comment or reason; longer reasons are cut.
pub const TEXT_OCTETS_MAX: usize = 1_024;
/// Most verifiers of a command.
pub const VERIFIERS_MAX: usize = 16;
/// Most transmission constraints of a command.
pub const CONSTRAINTS_MAX: usize = 64;

/// SHA-256, as 64 hexadecimal digits in JSON.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&canonical::hex::encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        canonical::hex::decode(text)
            .and_then(|octets| octets.try_into().ok())
            .map(Self)
            .ok_or(DigestError)
    }
}

/// A text is not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a digest is 64 lower-case hexadecimal digits")]
pub struct DigestError;

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'d> Deserialize<'d> for Digest {
    fn deserialize<D: serde::Deserializer<'d>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Identifies a command: chosen by who requests it, never used again.
///
/// 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommandId(String);

/// A text is not a command's identifier.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a command's identifier is 1 to 64 letters, digits, '.', '_' or '-', not {got:?}")]
pub struct CommandIdError {
    /// The text, cut where it is long.
    pub got: String,
}

impl CommandId {
    /// Octets of the longest.
    pub const MAX: usize = 64;

    /// The identifier of a text.
    ///
    /// # Errors
    /// [`CommandIdError`] for anything that is not one.
    pub fn new(text: &str) -> Result<Self, CommandIdError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if text.is_empty() || text.len() > Self::MAX || !text.chars().all(fits) {
            return Err(CommandIdError {
                got: text.chars().take(Self::MAX).collect(),
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CommandId {
    type Error = CommandIdError;

    fn try_from(text: String) -> Result<Self, CommandIdError> {
        Self::new(&text)
    }
}

impl From<CommandId> for String {
    fn from(id: CommandId) -> Self {
        id.0
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// How much harm a command can do (XTCE consequence levels, mildest first).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the variants are the schema's levels by name")]
pub enum Significance {
    #[default]
    None,
    Watch,
    Warning,
    Distress,
    Critical,
    Severe,
}

impl Significance {
    /// Whether nothing can be configured that lets one person release it.
    pub fn always_needs_second_person(self) -> bool {
        self >= Self::Critical
    }
}

impl fmt::Display for Significance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Watch => "watch",
            Self::Warning => "warning",
            Self::Distress => "distress",
            Self::Critical => "critical",
            Self::Severe => "severe",
        })
    }
}

/// Stages of a command's life after release, in order (XTCE verifiers; ECSS-E-ST-70-41C 8 for
/// acceptance, start, progress and completion).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The network has it (XTCE TransferredToRange).
    TransferredToRange,
    /// The antenna has sent it (XTCE SentFromRange).
    SentFromRange,
    /// The spacecraft has it (XTCE Received).
    Received,
    /// The application took it (XTCE Accepted; PUS 1,1).
    Acceptance,
    /// It waits on board (XTCE Queued).
    QueuedOnBoard,
    /// Its execution began (XTCE Execution; PUS 1,3).
    Start,
    /// A step of its execution is done (PUS 1,5).
    Progress,
    /// Its execution is complete (XTCE Complete; PUS 1,7).
    Completion,
    /// It failed on board (XTCE Failed): seeing this one is bad news.
    Failure,
}

/// What a verifier's window is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowStart {
    /// The command's radiation where it is known, else its release.
    Release,
    /// The time at which the latest stage before it was reached.
    LastVerifier,
}

/// When a verifier is looked for; milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifierWindow {
    /// Opens so long after its start.
    pub from_ms: u64,
    /// Closes so long after its start.
    pub to_ms: u64,
    /// Its start.
    pub start: WindowStart,
}

/// A stage that telemetry shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verifier {
    /// Which.
    pub stage: Stage,
    /// When it is looked for; `None`: from release on, for as long as the gate's settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<VerifierWindow>,
}

/// A condition of telemetry without which the command is not released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// The condition in words.
    pub text: String,
    /// How long to wait for it; `None`: it has to hold at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// What became of a command's transmission constraints, all of them together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConstraintOutcome {
    /// All hold, by telemetry of which the oldest value used is of this time (microseconds since
    /// 1970-01-01 UTC). The gate refuses it where it is older than its settings allow.
    Hold {
        /// Time of the oldest value; `None` lets go only a command without constraints.
        as_of: Option<i64>,
    },
    /// One does not hold, or it cannot be told: values are missing or stale.
    Fail {
        /// Which and why.
        why: String,
    },
}

/// A command as the mission database made it: what the gate releases.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// Qualified name of the command.
    pub name: String,
    /// The encoded packet, as it will leave.
    pub packet: Vec<u8>,
    /// How much harm it can do, in the context of its request.
    pub significance: Significance,
    /// Without which it is not released.
    pub constraints: Vec<Constraint>,
    /// What shows that it arrived and was done.
    pub verifiers: Vec<Verifier>,
    /// Later commands of the spacecraft wait until this one has come to the stage.
    pub interlock: Option<Stage>,
}

/// A command's place among the commands of one request to several spacecraft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The request's identifier.
    pub id: CommandId,
    /// How many spacecraft.
    pub size: u32,
    /// The command that goes first, and the spacecraft that it goes to; absent where the group is
    /// small enough to go at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<(String, CommandId)>,
}

/// Who wants what; times are microseconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its identifier: the same request, sent twice, is one command.
    pub id: CommandId,
    /// For which spacecraft.
    pub spacecraft: String,
    /// By whom: a user's id.
    pub user: String,
    /// When it was made, by the clock of who made it.
    pub time: i64,
    /// The command, as typed.
    pub command: String,
    /// Its arguments, as typed.
    pub arguments: Map<String, Value>,
    /// Not released before.
    pub not_before: Option<i64>,
    /// Not released, and not radiated, after.
    pub not_after: Option<i64>,
    /// Higher ones leave first; equal ones in the order of their queueing.
    pub priority: u8,
    /// For people.
    pub comment: String,
}

impl Request {
    /// What two requests of one identifier must agree in to be the same request. The packet is not
    /// in it: its sequence count may be another one at a second try.
    pub fn digest(&self) -> Digest {
        let arguments = canonical::canonical(&Value::Object(self.arguments.clone()));
        let optional = |time: Option<i64>| time.map(i64::to_be_bytes);
        canonical::digest(
            "passline request/1",
            &[
                self.id.as_str().as_bytes(),
                self.spacecraft.as_bytes(),
                self.user.as_bytes(),
                &self.time.to_be_bytes(),
                self.command.as_bytes(),
                &arguments,
                optional(self.not_before).as_ref().map_or(&[], |t| &t[..]),
                optional(self.not_after).as_ref().map_or(&[], |t| &t[..]),
                &[self.priority],
                self.comment.as_bytes(),
            ],
        )
    }
}

/// What an approval is bound to: this packet for this spacecraft in this window, as this command.
pub fn binding(
    id: &CommandId,
    spacecraft: &str,
    packet_sha256: Digest,
    not_before: i64,
    not_after: i64,
) -> Digest {
    canonical::digest(
        "passline approval/1",
        &[
            id.as_str().as_bytes(),
            spacecraft.as_bytes(),
            &packet_sha256.0,
            &not_before.to_be_bytes(),
            &not_after.to_be_bytes(),
        ],
    )
}

/// The request identifier by which a spacecraft's reports name a command (ECSS-E-ST-70-41C 8.1.2.1,
/// reduced to what differs between packets of one spacecraft).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    /// APID of the command's packet.
    pub apid: u16,
    /// Packet sequence count of the command's packet.
    pub sequence_count: u16,
}

impl RequestId {
    /// The identifier of a telecommand packet; `None` where the octets are not one (133.0-B-2 4.1.3).
    pub fn of_packet(packet: &[u8]) -> Option<Self> {
        let header = PacketHeader::parse(packet).ok()?;
        (header.version == 0 && header.packet_type == PacketType::Telecommand).then_some(Self {
            apid: header.apid.get(),
            sequence_count: header.sequence_count,
        })
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "apid {} count {}", self.apid, self.sequence_count)
    }
}

/// What became of an operator's input that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// False: all of it was so already, and nothing was written.
    pub changed: bool,
    /// The command's status now.
    pub status: crate::life::Status,
}

/// A text of at most [`TEXT_OCTETS_MAX`] octets.
pub(crate) fn cut(text: &str) -> String {
    let mut end = text.len().min(TEXT_OCTETS_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_short_and_plain() {
        assert!(CommandId::new("stack-7.1_A").is_ok());
        for wrong in ["", "a b", "ä", "a/b", &"x".repeat(65)] {
            assert!(CommandId::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn request_identifiers_are_read_from_telecommand_packets_only() {
        let packet = [0x18, 0x2A, 0xC1, 0x02, 0, 0, 9];
        assert_eq!(
            RequestId::of_packet(&packet),
            Some(RequestId {
                apid: 42,
                sequence_count: 0x102
            })
        );
        assert_eq!(RequestId::of_packet(&[0x08, 0x2A, 0xC1, 0x02, 0, 0]), None);
        assert_eq!(RequestId::of_packet(&[0x18, 0x2A]), None);
    }

    #[test]
    fn reasons_are_cut_between_characters() {
        assert_eq!(cut(&"ä".repeat(600)).len(), TEXT_OCTETS_MAX);
    }
}
