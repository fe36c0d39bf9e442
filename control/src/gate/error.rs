//! Why the gate refuses an input.

use thiserror::Error;

use crate::command::{CommandId, Digest, RequestId, Significance, Stage};
use crate::life::Status;
use crate::settings::SettingsError;
use crate::state::Illegal;
use crate::users::Verb;

/// Why the gate refuses an input. Nothing else changes; of a request that a known user made for a
/// known spacecraft, the refusal is written down.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum GateError {
    /// The settings contradict themselves.
    #[error("the gate's settings")]
    Settings(#[from] SettingsError),
    /// There is no user of exactly this id.
    #[error("there is no user {user:?}; ids are compared letter by letter")]
    UnknownUser {
        /// As given.
        user: String,
    },
    /// The gate is not for this spacecraft.
    #[error("there is no spacecraft {spacecraft:?} behind this gate")]
    UnknownSpacecraft {
        /// As given.
        spacecraft: String,
    },
    /// No role of the user allows it.
    #[error("no role of {user} allows to {verb} {command} of {spacecraft}")]
    NotAllowed {
        /// Who.
        user: String,
        /// What.
        verb: Verb,
        /// Which command, or `its queue`.
        command: String,
        /// Of which spacecraft.
        spacecraft: String,
    },
    /// There is no such command, or it ended long ago.
    #[error("there is no command {id} of {spacecraft}, or it ended long ago")]
    UnknownCommand {
        /// Which.
        id: CommandId,
        /// Of which spacecraft.
        spacecraft: String,
    },
    /// The command is another spacecraft's.
    #[error("command {id} is for {its}, not for {asked}")]
    WrongSpacecraft {
        /// Which.
        id: CommandId,
        /// For which it is.
        its: String,
        /// As given.
        asked: String,
    },
    /// Another request has the identifier.
    #[error("the identifier {id} belongs to another request; take a new one")]
    IdInUse {
        /// Which.
        id: CommandId,
    },
    /// A request that a network delivered too late, or from a clock that is wrong.
    #[error("the request was made at {time}; requests from {oldest} to {newest} are taken")]
    RequestTime {
        /// When it was made, microseconds since 1970-01-01 UTC.
        time: i64,
        /// The oldest that is taken.
        oldest: i64,
        /// The newest that is taken.
        newest: i64,
    },
    /// The mission database refuses it.
    #[error("{reason}")]
    Invalid {
        /// Why.
        reason: String,
    },
    /// A packet that the gate does not take.
    #[error("the packet has {got} octets; 1 to {max} are taken")]
    PacketLength {
        /// Octets there are.
        got: usize,
        /// Most.
        max: usize,
    },
    /// A text or list that is too long.
    #[error("{what}: {got}, {max} at most")]
    TooLong {
        /// Which.
        what: &'static str,
        /// How long it is.
        got: usize,
        /// How long it may be.
        max: usize,
    },
    /// A window that ends before it begins, or in the past, or too late.
    #[error(
        "the window from {not_before} to {not_after}: it has to end after {now}, after it begins, and until {latest}"
    )]
    Window {
        /// Its begin, microseconds since 1970-01-01 UTC.
        not_before: i64,
        /// Its end.
        not_after: i64,
        /// The time.
        now: i64,
        /// Latest end.
        latest: i64,
    },
    /// Reports could not tell two commands apart.
    #[error("command {other} has the same request identifier ({request}) and is not finished")]
    RequestIdInUse {
        /// The identifier.
        request: RequestId,
        /// Whose it is.
        other: CommandId,
    },
    /// The spacecraft's queue is full.
    #[error("the queue of {spacecraft} is full: {max} commands wait")]
    QueueFull {
        /// Which.
        spacecraft: String,
        /// Most.
        max: usize,
    },
    /// The spacecraft's queue takes nothing.
    #[error("the queue of {spacecraft} is disabled: {reason}")]
    QueueDisabled {
        /// Which.
        spacecraft: String,
        /// Why.
        reason: String,
    },
    /// Too many finished commands are too young to be forgotten.
    #[error(
        "{max} commands of {spacecraft} ended and are too young to be forgotten; request later"
    )]
    HistoryFull {
        /// Which.
        spacecraft: String,
        /// Most.
        max: usize,
    },
    /// The second person has to be another one.
    #[error(
        "{user} cannot approve {id}: {author} requested or changed it, and that is the same person"
    )]
    SamePerson {
        /// Which command.
        id: CommandId,
        /// Who would approve.
        user: String,
        /// Who requested or changed it.
        author: String,
    },
    /// The approval is for something else than what is queued.
    #[error(
        "command {id} is not what was approved: it is {expected} now, the approval is for {got}; look at it again"
    )]
    BindingMismatch {
        /// Which command.
        id: CommandId,
        /// What approvals have to be bound to.
        expected: Digest,
        /// What this one is bound to.
        got: Digest,
    },
    /// One person is enough.
    #[error("command {id} ({significance}) needs no second person")]
    ApprovalNotNeeded {
        /// Which command.
        id: CommandId,
        /// How much harm it can do.
        significance: Significance,
    },
    /// It needs no arming.
    #[error("command {id} needs no arming")]
    ArmingNotNeeded {
        /// Which command.
        id: CommandId,
    },
    /// The command has come too far, or not far enough.
    #[error("command {id} is {status}: too late, or too early, for this")]
    NotNow {
        /// Which command.
        id: CommandId,
        /// How far it has come.
        status: Status,
    },
    /// Releases do not leave a replay or a test bus.
    #[error("this gate is opened on a replay or a test bus: nothing is released")]
    Mode,
    /// Another gate writes to the log.
    #[error("another gate writes the events of {spacecraft}; this one has to be opened again")]
    Fenced {
        /// Which.
        spacecraft: String,
    },
    /// Too much is not durable yet.
    #[error("{got} events are not durable yet, {max} may be; append them first")]
    Backlog {
        /// How many.
        got: usize,
        /// Most.
        max: usize,
    },
    /// An append was told that was not next.
    #[error("event {got} is not the next one to be durable")]
    NotNext {
        /// Which.
        got: Digest,
    },
    /// A group that is empty or too large.
    #[error("a request goes to 1 to {max} spacecraft, not to {got}")]
    GroupSize {
        /// How many.
        got: usize,
        /// Most.
        max: u32,
    },
    /// Two commands of a group for one spacecraft, or of one identifier.
    #[error("{what} is in the group twice")]
    GroupTwice {
        /// Which.
        what: String,
    },
    /// Nothing could show that the canary lives.
    #[error(
        "{name} has no verifiers, and {got} spacecraft are more than {max}: nobody would know whether the first one took it well"
    )]
    CanaryUnverifiable {
        /// Which command.
        name: String,
        /// To how many it goes.
        got: usize,
        /// To how many it may go at once.
        max: u32,
    },
    /// One command of a group is refused, so all are.
    #[error("the command for {spacecraft} is refused, and so the whole group")]
    Group {
        /// Which.
        spacecraft: String,
        /// Why.
        source: Box<GateError>,
    },
    /// A report of a release that the gate did not make.
    #[error("command {id} of {spacecraft} has no release {release}")]
    UnknownRelease {
        /// Which command.
        id: CommandId,
        /// Of which spacecraft.
        spacecraft: String,
        /// The number in the report.
        release: u64,
    },
    /// A report of a command that the gate does not know.
    #[error("no command of {spacecraft} has the request identifier {request}")]
    UnknownRequest {
        /// Of which spacecraft.
        spacecraft: String,
        /// The identifier in the report.
        request: RequestId,
    },
    /// A report from before its window.
    #[error("a report of {stage:?} from {at}, before {from}: it is of an earlier command")]
    TooEarly {
        /// Which stage.
        stage: Stage,
        /// When, microseconds since 1970-01-01 UTC.
        at: i64,
        /// When its window opens.
        from: i64,
    },
    /// The gate's own rules contradict its fold.
    #[error("the event for {spacecraft} was not written")]
    Illegal {
        /// Which.
        spacecraft: String,
        /// Why.
        source: Illegal,
    },
}
