//! The `commands` table: one row a command.

use serde::{Deserialize, Serialize};

use crate::command::{CommandId, Digest, Significance};
use crate::event::FailedAt;
use crate::life::{Command, Status};

/// One row of `commands`; times are microseconds since 1970-01-01 UTC, null: not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandRow {
    /// When the gate wrote down the request: the row's day.
    pub time: i64,
    /// For which spacecraft.
    pub spacecraft: String,
    /// Its identifier.
    pub command: CommandId,
    /// Qualified name; as typed where it was rejected.
    pub name: String,
    /// Its arguments as typed, as a JSON text.
    pub arguments: String,
    /// How much harm it can do.
    pub significance: Option<Significance>,
    /// The user who requested it.
    pub requested_by: String,
    /// The last user who approved it.
    pub approved_by: Option<String>,
    /// Higher leaves first.
    pub priority: u8,
    /// Identifier of the request to several spacecraft that it belongs to.
    pub command_group: Option<CommandId>,
    /// SHA-256 of its packet.
    pub packet_sha256: Option<Digest>,
    /// Number of its release among those of the spacecraft.
    pub release_sequence: Option<u64>,
    /// How far it has come, as far as is known.
    pub status: Status,
    /// Where it failed.
    pub failed_at: Option<FailedAt>,
    /// Why it is not further, or why it ended.
    pub reason: Option<String>,
    /// When it was requested.
    pub requested: i64,
    /// When it was last approved.
    pub approved: Option<i64>,
    /// When it came into the queue.
    pub queued: Option<i64>,
    /// When it was last armed.
    pub armed: Option<i64>,
    /// When the gate signed it.
    pub released: Option<i64>,
    /// When a station had sent it.
    pub radiated: Option<i64>,
    /// When the CLCW acknowledged it.
    pub accepted: Option<i64>,
    /// Since when it was known to be executed.
    pub executed: Option<i64>,
    /// When telemetry verified its completion.
    pub verified: Option<i64>,
    /// When it ended, well or not.
    pub finished: Option<i64>,
}

impl Command {
    /// The command's row.
    pub fn row(&self) -> CommandRow {
        let requested = self.times.requested.unwrap_or(self.requested_at);
        CommandRow {
            time: requested,
            spacecraft: self.spacecraft.clone(),
            command: self.id.clone(),
            name: self.name().to_owned(),
            arguments: serde_json::Value::Object(self.arguments.clone()).to_string(),
            significance: self.significance(),
            requested_by: self.requested_by().to_owned(),
            approved_by: self.approved_by.clone(),
            priority: self.priority,
            command_group: self.group.as_ref().map(|group| group.id.clone()),
            packet_sha256: self.validated.as_ref().map(|v| v.packet_sha256),
            release_sequence: self.release.as_ref().map(|release| release.sequence),
            status: self.status,
            failed_at: self.failed_at,
            reason: self.reason.clone(),
            requested,
            approved: self.times.approved,
            queued: self.times.queued,
            armed: self.times.armed,
            released: self.times.released,
            radiated: self.times.radiated,
            accepted: self.times.accepted,
            executed: self.times.executed,
            verified: self.times.verified,
            finished: self.times.finished,
        }
    }
}
