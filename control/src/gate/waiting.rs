//! What a command in the queue waits for.

use std::fmt;

use super::{Gate, GateError};
use crate::command::CommandId;
use crate::command::Stage;
use crate::life::{Command, Status};
use crate::state::QueueState;
use crate::users::Verb;

/// Why a command is not released now; telemetry is asked last, and not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It is not in the queue.
    Status(Status),
    /// The gate is opened on a replay or a test bus.
    Mode,
    /// A second gate is at work.
    Fenced,
    /// The queue lets nothing go.
    Queue {
        /// Why.
        reason: String,
    },
    /// Somebody holds it.
    Held,
    /// It needs a second person.
    Approval,
    /// It needs arming.
    Arming,
    /// Its window begins later.
    Window {
        /// When, microseconds since 1970-01-01 UTC.
        not_before: i64,
    },
    /// Another spacecraft goes first.
    Canary {
        /// Its command.
        canary: CommandId,
    },
    /// Who requested it may not release it, and nobody who may has told it to leave.
    Order,
    /// An earlier command has to come to a stage first.
    Interlock {
        /// Which command.
        earlier: CommandId,
        /// To which stage.
        stage: Stage,
    },
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "it is {status}"),
            Self::Mode => write!(f, "{}", GateError::Mode),
            Self::Fenced => f.write_str("a second gate is at work"),
            Self::Queue { reason } => write!(f, "its queue lets nothing go: {reason}"),
            Self::Held => f.write_str("it is held"),
            Self::Approval => f.write_str("a second person has to approve it"),
            Self::Arming => f.write_str("it has to be armed"),
            Self::Window { not_before } => write!(f, "its window begins at {not_before}"),
            Self::Canary { canary } => write!(f, "command {canary} goes first"),
            Self::Order => f.write_str("somebody who may release has to let it go"),
            Self::Interlock { earlier, stage } => {
                write!(f, "command {earlier} has to come to {stage:?} first")
            }
        }
    }
}

impl Gate {
    /// What a command waits for, apart from its transmission constraints; `None`: it leaves as soon
    /// as they hold.
    pub fn waiting(&self, command: &Command, now: i64) -> Option<Waiting> {
        let spacecraft = &command.spacecraft;
        let validated = command.validated.as_ref();
        if command.status == Status::AwaitingApproval && !command.is_approved() {
            return Some(Waiting::Approval);
        }
        if command.status != Status::Queued {
            return Some(Waiting::Status(command.status));
        }
        if self.mode.key().is_none() {
            return Some(Waiting::Mode);
        }
        if self.fenced.contains(spacecraft) {
            return Some(Waiting::Fenced);
        }
        match self.state.queue_state(spacecraft) {
            QueueState::Enabled => {}
            QueueState::Blocked { reason } | QueueState::Disabled { reason } => {
                return Some(Waiting::Queue { reason });
            }
        }
        if command.held {
            return Some(Waiting::Held);
        }
        if !self.is_approved_now(command, now) {
            return Some(Waiting::Approval);
        }
        let armed = command.armed.is_some_and(|until| until > now);
        if validated.is_none_or(|validated| validated.arming) && !armed {
            return Some(Waiting::Arming);
        }
        if now < command.not_before {
            return Some(Waiting::Window {
                not_before: command.not_before,
            });
        }
        if now > command.not_after {
            return Some(Waiting::Status(Status::Expired));
        }
        if let Some((_, canary)) = command.canary()
            && !command.canary_verified
        {
            return Some(Waiting::Canary {
                canary: canary.clone(),
            });
        }
        let may = |user: &str| {
            self.users
                .allows(user, Verb::Release, spacecraft, command.name())
        };
        if !may(command
            .ordered_by
            .as_deref()
            .unwrap_or(command.requested_by()))
        {
            return Some(Waiting::Order);
        }
        self.interlock(spacecraft)
    }

    /// Until when the approval that counts is good; `None`: there is none, or none is needed.
    pub(super) fn approved_until(&self, command: &Command, now: i64) -> Option<i64> {
        let validated = command.validated.as_ref()?;
        command
            .approvals
            .iter()
            .filter(|approval| approval.binding == validated.binding && approval.expires > now)
            .filter(|approval| self.may_still_approve(command, &approval.user))
            .map(|approval| approval.expires)
            .max()
    }

    fn is_approved_now(&self, command: &Command, now: i64) -> bool {
        (command.validated.as_ref()).is_some_and(|validated| !validated.second_person)
            || self.approved_until(command, now).is_some()
    }

    pub(super) fn may_still_approve(&self, command: &Command, user: &str) -> bool {
        let name = command.name();
        self.users
            .allows(user, Verb::Approve, &command.spacecraft, name)
            && !command
                .authors
                .iter()
                .any(|author| self.users.same_person(user, author))
    }

    fn interlock(&self, spacecraft: &str) -> Option<Waiting> {
        self.state.open(spacecraft).find_map(|earlier| {
            let stage = earlier.validated.as_ref()?.interlock?;
            let sent = stage <= Stage::SentFromRange && earlier.times.radiated.is_some();
            let holds = earlier.release.is_some() && !sent && !earlier.has_reached(stage);
            holds.then(|| Waiting::Interlock {
                earlier: earlier.id.clone(),
                stage,
            })
        })
    }
}
