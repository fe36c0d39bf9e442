//! What people do to commands and queues between request and release.

use super::{Gate, GateError};
use crate::command::{Answer, CommandId, Digest, binding, cut};
use crate::event::Change;
use crate::life::{Command, Status};
use crate::settings::micros;
use crate::state::QueueState;
use crate::users::Verb;

impl Gate {
    /// A second person wants the command too. `bound` is the binding of what that person saw
    /// ([`crate::command::binding`]): packet, spacecraft and window.
    ///
    /// Twice by one person is once. Two persons at once are two approvals; one is enough.
    ///
    /// # Errors
    /// [`GateError`]; nothing has changed then.
    pub fn handle_approve(
        &mut self,
        user: &str,
        spacecraft: &str,
        id: &CommandId,
        bound: Digest,
        now: i64,
    ) -> Result<Answer, GateError> {
        let command = self.waiting_command(user, &[Verb::Approve], spacecraft, id)?;
        let Some(validated) = &command.validated else {
            return Err(not_now(command));
        };
        if !validated.second_person {
            return Err(GateError::ApprovalNotNeeded {
                id: id.clone(),
                significance: validated.significance,
            });
        }
        let same = |author: &&String| self.users.same_person(user, author);
        if let Some(author) = command.authors.iter().find(same) {
            return Err(GateError::SamePerson {
                id: id.clone(),
                user: user.to_owned(),
                author: author.clone(),
            });
        }
        if validated.binding != bound {
            return Err(GateError::BindingMismatch {
                id: id.clone(),
                expected: validated.binding,
                got: bound,
            });
        }
        if let Some(before) = command.approvals.iter().find(|a| a.user == user)
            && before.expires > now
        {
            return Ok(unchanged(command));
        }
        let expires = now
            .saturating_add(micros(self.settings.approval_ms))
            .min(command.not_after);
        // One that has expired and was not yet struck goes first.
        self.advance(spacecraft, id, now)?;
        if self.command(spacecraft, id)?.status.is_finished() {
            return Err(not_now(self.command(spacecraft, id)?));
        }
        let change = Change::ApprovalGiven {
            binding: bound,
            expires,
        };
        self.act(user, spacecraft, id, change, now)
    }

    /// An approval is taken back: by who gave it, or by an administrator for somebody else.
    ///
    /// # Errors
    /// [`GateError`]; nothing has changed then.
    pub fn handle_withdraw(
        &mut self,
        user: &str,
        spacecraft: &str,
        id: &CommandId,
        whose: &str,
        reason: &str,
        now: i64,
    ) -> Result<Answer, GateError> {
        let verb = if user == whose {
            Verb::Approve
        } else {
            Verb::Administer
        };
        let command = self.waiting_command(user, &[verb], spacecraft, id)?;
        if !command
            .approvals
            .iter()
            .any(|approval| approval.user == whose)
        {
            return Ok(unchanged(command));
        }
        let change = Change::ApprovalWithdrawn {
            user: whose.to_owned(),
            reason: cut(reason),
        };
        self.act(user, spacecraft, id, change, now)
    }

    /// A dangerous command may leave, for a while.
    ///
    /// # Errors
    /// [`GateError`]; nothing has changed then.
    pub fn handle_arm(
        &mut self,
        user: &str,
        spacecraft: &str,
        id: &CommandId,
        now: i64,
    ) -> Result<Answer, GateError> {
        let command = self.waiting_command(user, &[Verb::Arm], spacecraft, id)?;
        let Some(validated) = &command.validated else {
            return Err(not_now(command));
        };
        if !validated.arming {
            return Err(GateError::ArmingNotNeeded { id: id.clone() });
        }
        let expires = now
            .saturating_add(micros(self.settings.arming_ms))
            .min(command.not_after);
        if command.armed.is_some_and(|until| until >= expires) {
            return Ok(unchanged(command));
        }
        self.act(user, spacecraft, id, Change::Armed { expires }, now)
    }

    /// It may not leave any more.
    ///
    /// # Errors
    /// [`GateError`]; nothing has changed then.
    pub fn handle_disarm(
        &mut self,
        user: &str,
        spacecraft: &str,
        id: &CommandId,
        reason: &str,
        now: i64,
    ) -> Result<Answer, GateError> {
        let command = self.waiting_command(user, &[Verb::Arm], spacecraft, id)?;
        if command.armed.is_none() {
            return Ok(unchanged(command));
        }
        let reason = cut(reason);
        self.act(user, spacecraft, id, Change::Disarmed { reason }, now)
    }

    /// It stays in the queue.
    ///
    /// # Errors
    /// [`GateError`]; nothing has changed then.
    pub fn handle_hold(
        &mut self,
        user: &str,
        spacecraft: &str,
        id: &CommandId,
        reason: &str,
        now: i64,
    ) -> Result<Answer, GateError> {
        let command = self.waiting_command(user, HANDLERS, spacecraft, id)?;
        if command.held {
            return Ok(unchanged(command));
        }
        let reason = cut(reason);
        self.act(user, spacecraft, id, Change::Held { reason }, now)
    }

    /// It goes on.
    ///
    /// # Errors
    /// [`GateError`]; nothing has changed then.
    pub fn handle_resume(
        &mut self,
        user: &str,
        spacecraft: &str,
        id: &CommandId,
        now: i64,
    ) -> Result<Answer, GateError> {
        let command = self.waiting_command(user, HANDLERS, spacecraft, id)?;
        if !command.held {
            return Ok(unchanged(command));
        }
        self.act(user, spacecraft, id, Change::Resumed {}, now)
    }

    /// It leaves when everything else lets it: for commands of users who may not release.
    ///
    /// # Errors
    /// [`GateError::Mode`] on a replay or a test bus; otherwise [`GateError`]; nothing has changed
    /// then.
    pub fn handle_release(
        &mut self,
        user: &str,
        spacecraft: &str,
        id: &CommandId,
        now: i64,
    ) -> Result<Answer, GateError> {
        if self.mode.key().is_none() {
            return Err(GateError::Mode);
        }
        let command = self.waiting_command(user, &[Verb::Release], spacecraft, id)?;
        if command.validated.is_none() {
            return Err(not_now(command));
        }
        if command.ordered_by.is_some() {
            return Ok(unchanged(command));
        }
        self.act(user, spacecraft, id, Change::ReleaseOrdered {}, now)
    }

    /// It is taken out of the queue.
    ///
    /// # Errors
    /// [`GateError::NotNow`] once it is released; otherwise [`GateError`]; nothing has changed then.
    pub fn handle_cancel(
        &mut self,
        user: &str,
        spacecraft: &str,
        id: &CommandId,
        reason: &str,
        now: i64,
    ) -> Result<Answer, GateError> {
        self.check_open(spacecraft)?;
        let command = self.command(spacecraft, id)?;
        if command.status == Status::Cancelled {
            return Ok(unchanged(command));
        }
        self.waiting_command(user, HANDLERS, spacecraft, id)?;
        let reason = cut(reason);
        self.act(user, spacecraft, id, Change::Cancelled { reason }, now)
    }

    /// Its window is another one: approvals, arming and the order to release are void, and who
    /// changed it is no second person any more.
    ///
    /// # Errors
    /// [`GateError`]; nothing has changed then.
    pub fn handle_reschedule(
        &mut self,
        user: &str,
        spacecraft: &str,
        id: &CommandId,
        (not_before, not_after): (i64, i64),
        now: i64,
    ) -> Result<Answer, GateError> {
        let command = self.waiting_command(user, &[Verb::Request], spacecraft, id)?;
        let Some(validated) = &command.validated else {
            return Err(not_now(command));
        };
        if (command.not_before, command.not_after) == (not_before, not_after) {
            return Ok(unchanged(command));
        }
        let sha256 = validated.packet_sha256;
        self.check_window(not_before, not_after, now)?;
        let change = Change::Rescheduled {
            not_before,
            not_after,
            binding: binding(id, spacecraft, sha256, not_before, not_after),
        };
        self.act(user, spacecraft, id, change, now)
    }

    /// A spacecraft's queue is enabled, blocked or disabled.
    ///
    /// # Errors
    /// [`GateError`]; nothing has changed then.
    pub fn handle_queue(
        &mut self,
        user: &str,
        spacecraft: &str,
        state: &QueueState,
        now: i64,
    ) -> Result<bool, GateError> {
        self.check_open(spacecraft)?;
        if !self.users.contains(user) {
            return Err(GateError::UnknownUser {
                user: user.to_owned(),
            });
        }
        if !self
            .users
            .allows_spacecraft(user, Verb::Administer, spacecraft)
        {
            return Err(GateError::NotAllowed {
                user: user.to_owned(),
                verb: Verb::Administer,
                command: "its queue".into(),
                spacecraft: spacecraft.to_owned(),
            });
        }
        if self.state.queue_state(spacecraft) == *state {
            return Ok(false);
        }
        let change = match state {
            QueueState::Enabled => Change::QueueEnabled {},
            QueueState::Blocked { reason } => Change::QueueBlocked {
                reason: cut(reason),
            },
            QueueState::Disabled { reason } => Change::QueueDisabled {
                reason: cut(reason),
            },
        };
        self.emit(spacecraft, None, user, change, now)?;
        Ok(true)
    }

    /// A command that is not released, and of which the user may do one of several things.
    fn waiting_command(
        &self,
        user: &str,
        verbs: &[Verb],
        spacecraft: &str,
        id: &CommandId,
    ) -> Result<&Command, GateError> {
        self.check_open(spacecraft)?;
        let command = self.command(spacecraft, id)?;
        let mut refused = Ok(());
        for verb in verbs {
            refused = self.check_user(user, *verb, spacecraft, command.name());
            if refused.is_ok() {
                break;
            }
        }
        refused?;
        if !command.status.is_waiting() {
            return Err(not_now(command));
        }
        Ok(command)
    }

    fn act(
        &mut self,
        user: &str,
        spacecraft: &str,
        id: &CommandId,
        change: Change,
        now: i64,
    ) -> Result<Answer, GateError> {
        self.emit(spacecraft, Some(id), user, change, now)?;
        self.advance(spacecraft, id, now)?;
        Ok(Answer {
            changed: true,
            status: self.command(spacecraft, id)?.status,
        })
    }
}

/// Who may hold, resume and cancel a command.
const HANDLERS: &[Verb] = &[Verb::Administer, Verb::Release, Verb::Request];

fn unchanged(command: &Command) -> Answer {
    Answer {
        changed: false,
        status: command.status,
    }
}

fn not_now(command: &Command) -> GateError {
    GateError::NotNow {
        id: command.id.clone(),
        status: command.status,
    }
}
