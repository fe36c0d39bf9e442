//! What follows by itself: queueing, expiry, verdicts, and the release.

use super::report::closes;
use super::{GATE, Gate, GateError, ReleaseCheck, Waiting};
use crate::command::{CommandId, ConstraintOutcome, Digest, Stage, cut};
use crate::event::{Change, FailedAt, Service};
use crate::life::{Command, Status};
use crate::release::Release;
use crate::settings::micros;
use crate::users::Verb;

/// More events than one command can make at one moment.
const STEPS_MAX: usize = 64;

impl Gate {
    /// Time has passed, or telemetry has changed: whatever follows is written, and what may leave is
    /// released. `check` asks telemetry of one command, when everything else lets it go.
    ///
    /// Stops where too much is not durable; what is left follows at the next call.
    ///
    /// # Errors
    /// [`GateError::Illegal`], which says that the gate contradicts itself.
    pub fn handle_time(
        &mut self,
        now: i64,
        check: &mut dyn FnMut(&Command) -> ReleaseCheck,
    ) -> Result<(), GateError> {
        let ours = self.settings.spacecraft.clone();
        for spacecraft in &ours {
            if self.fenced.contains(spacecraft) {
                continue;
            }
            let open: Vec<CommandId> = (self.state.open(spacecraft))
                .filter(|command| self.next_change(command, now).is_some())
                .map(|command| command.id.clone())
                .collect();
            for id in open {
                if self.backlog() >= self.settings.unappended_max {
                    return Ok(());
                }
                self.advance(spacecraft, &id, now)?;
            }
            self.release_queue(spacecraft, now, check)?;
        }
        Ok(())
    }

    /// When [`Gate::handle_time`] has something to do next, if nothing else happens; microseconds
    /// since 1970-01-01 UTC. Transmission constraints that do not hold are not in it: ask again when
    /// telemetry changes.
    pub fn poll_timeout(&self, now: i64) -> Option<i64> {
        let ours = self.settings.spacecraft.iter();
        ours.filter(|spacecraft| !self.fenced.contains(*spacecraft))
            .flat_map(|spacecraft| self.state.open(spacecraft))
            .flat_map(|command| self.deadlines(command, now))
            .min()
    }

    fn deadlines(&self, command: &Command, now: i64) -> Vec<i64> {
        let mut times = Vec::new();
        if self.next_change(command, now).is_some() {
            return vec![now];
        }
        if command.status.is_waiting() {
            times.push(command.not_after.saturating_add(1));
            times.extend(command.approvals.iter().map(|approval| approval.expires));
            times.extend(command.armed);
            match self.waiting(command, now) {
                Some(Waiting::Window { not_before }) => times.push(not_before),
                None => times.push(command.constraint_until.unwrap_or(now)),
                Some(_) => {}
            }
        } else {
            let stages = command.verifiers.iter().filter(|v| v.seen.is_none());
            let ends = stages.filter_map(|v| closes(command, v.verifier.stage));
            times.extend(
                ends.chain(self.link_deadline(command))
                    .map(|end| end.saturating_add(1)),
            );
        }
        times.retain(|time| *time > now || command.status.is_waiting());
        times
    }

    /// Writes all that follows for one command.
    pub(super) fn advance(
        &mut self,
        spacecraft: &str,
        id: &CommandId,
        now: i64,
    ) -> Result<(), GateError> {
        for _ in 0..STEPS_MAX {
            let Some(command) = self.state.command(spacecraft, id) else {
                break;
            };
            let Some(change) = self.next_change(command, now) else {
                break;
            };
            self.emit(spacecraft, Some(id), GATE, change, now)?;
        }
        Ok(())
    }

    fn next_change(&self, command: &Command, now: i64) -> Option<Change> {
        if command.status.is_finished() {
            None
        } else if command.status.is_waiting() {
            self.next_before_release(command, now)
        } else {
            self.next_after_release(command, now)
        }
    }

    fn next_before_release(&self, command: &Command, now: i64) -> Option<Change> {
        if now > command.not_after {
            return Some(Change::Expired {});
        }
        command.validated.as_ref()?;
        if let Some(change) = self.canary_verdict(command) {
            return Some(change);
        }
        for approval in &command.approvals {
            let user = approval.user.clone();
            if approval.expires <= now {
                return Some(Change::ApprovalExpired { user });
            }
            if !self.may_still_approve(command, &user) {
                let reason = "the user may not approve it any more".to_owned();
                return Some(Change::ApprovalWithdrawn { user, reason });
            }
        }
        if command.armed.is_some_and(|until| until <= now) {
            let reason = "its time is over".to_owned();
            return Some(Change::Disarmed { reason });
        }
        let author = command.requested_by();
        let may = self
            .users
            .allows(author, Verb::Request, &command.spacecraft, command.name());
        if !may && !command.held {
            let reason = format!("{author} may not request it any more");
            return Some(Change::Held { reason });
        }
        (command.status == Status::AwaitingApproval && command.is_approved())
            .then_some(Change::Queued {})
    }

    fn canary_verdict(&self, command: &Command) -> Option<Change> {
        let (spacecraft, id) = command.canary()?;
        if command.canary_verified {
            return None;
        }
        let canary = self.state.command(spacecraft, id)?;
        if canary.status == Status::Completed && canary.has_reached(Stage::Acceptance) {
            return Some(Change::CanaryVerified { canary: id.clone() });
        }
        canary.status.is_finished().then(|| {
            let why = canary.reason.as_deref().unwrap_or("nothing verified it");
            Change::Failed {
                stage: FailedAt::Canary,
                reason: cut(&format!(
                    "command {id} to {spacecraft} went first and is {}: {why}",
                    canary.status
                )),
            }
        })
    }

    fn next_after_release(&self, command: &Command, now: i64) -> Option<Change> {
        for state in &command.verifiers {
            if let Some((_, false)) = state.seen {
                return Some(Change::Failed {
                    stage: state.verifier.stage.into(),
                    reason: "the spacecraft says so".into(),
                });
            }
        }
        let executed = (command.verifiers.iter())
            .filter(|v| v.verifier.stage >= Stage::Start)
            .filter_map(|v| v.seen)
            .map(|(at, _)| at)
            .min();
        if let Some(at) = executed
            && command.times.executed.is_none()
        {
            return Some(Change::Executed { at });
        }
        if let Some(change) = completed(command, now) {
            return Some(change);
        }
        let seen = command.verifiers.iter().any(|v| v.seen.is_some());
        if let Some(end) = self.link_deadline(command)
            && now > end
        {
            let (stage, reason) = if command.times.radiated.is_none() {
                let reason = "no station said that it has sent it: it may have, and may not";
                (FailedAt::Radiation, reason)
            } else {
                let reason = "sent, and not acknowledged: it may have arrived, and may not";
                (FailedAt::Clcw, reason)
            };
            let reason = reason.to_owned();
            return Some(Change::Failed { stage, reason });
        }
        if command.times.radiated.is_none() && command.times.accepted.is_none() && !seen {
            return None;
        }
        let missed = command.verifiers.iter().find(|v| {
            let stage = v.verifier.stage;
            stage != Stage::Failure
                && v.seen.is_none()
                && !command.has_reached(stage)
                && closes(command, stage).is_some_and(|end| now > end)
        })?;
        Some(Change::Failed {
            stage: missed.verifier.stage.into(),
            reason: format!(
                "nothing showed {:?} in its window: whether it was reached is not known",
                missed.verifier.stage
            ),
        })
    }

    /// Until when the link has to say what it did; `None`: it has, or telemetry knows more.
    fn link_deadline(&self, command: &Command) -> Option<i64> {
        let seen = command.verifiers.iter().any(|v| v.seen.is_some());
        if seen || command.times.accepted.is_some() {
            return None;
        }
        match (command.times.radiated, command.service) {
            (None, _) => {
                let end = command.release.as_ref()?.not_after;
                Some(end.saturating_add(micros(self.settings.radiation_ms_max)))
            }
            (Some(at), Some(Service::Ad)) => {
                Some(at.saturating_add(micros(self.settings.acceptance_ms_max)))
            }
            (Some(_), _) => None,
        }
    }

    fn release_queue(
        &mut self,
        spacecraft: &str,
        now: i64,
        check: &mut dyn FnMut(&Command) -> ReleaseCheck,
    ) -> Result<(), GateError> {
        let queue = self.state.queue(spacecraft);
        let ids: Vec<CommandId> = queue.iter().map(|command| command.id.clone()).collect();
        for id in ids {
            if self.backlog() >= self.settings.unappended_max {
                break;
            }
            let command = self.command(spacecraft, &id)?;
            match self.waiting(command, now) {
                None => {}
                Some(Waiting::Interlock { .. } | Waiting::Mode | Waiting::Queue { .. }) => break,
                Some(_) => continue,
            }
            let answer = check(command);
            if command.significance() < Some(answer.significance) {
                let change = Change::SignificanceRaised {
                    significance: answer.significance,
                    second_person: answer.significance >= self.settings.second_person_from,
                    arming: answer.significance >= self.settings.arming_from,
                };
                self.emit(spacecraft, Some(&id), GATE, change, now)?;
                self.advance(spacecraft, &id, now)?;
                if self.waiting(self.command(spacecraft, &id)?, now).is_some() {
                    continue;
                }
            }
            match self.constraints_fail(self.command(spacecraft, &id)?, answer.constraints, now) {
                None => self.release(spacecraft, &id, now)?,
                Some(why) => self.constraint_failed(spacecraft, &id, why, now)?,
            }
        }
        Ok(())
    }

    /// Why the constraints do not let a command go; stale telemetry does not.
    fn constraints_fail(
        &self,
        command: &Command,
        outcome: ConstraintOutcome,
        now: i64,
    ) -> Option<String> {
        let constraints = &command.validated.as_ref()?.constraints;
        let as_of = match outcome {
            ConstraintOutcome::Fail { why } => return Some(cut(&why)),
            ConstraintOutcome::Hold { .. } if constraints.is_empty() => return None,
            ConstraintOutcome::Hold { as_of } => as_of,
        };
        let Some(as_of) = as_of else {
            return Some("there is no telemetry to say that its constraints hold".into());
        };
        let oldest = now.saturating_sub(micros(self.settings.telemetry_age_ms_max));
        let newest = now.saturating_add(micros(self.settings.clock_ahead_ms_max));
        if as_of < oldest {
            return Some(format!(
                "telemetry is too old to say that its constraints hold: {} ms",
                now.saturating_sub(as_of) / 1_000
            ));
        }
        (as_of > newest).then(|| "telemetry is from the future".into())
    }

    fn constraint_failed(
        &mut self,
        spacecraft: &str,
        id: &CommandId,
        reason: String,
        now: i64,
    ) -> Result<(), GateError> {
        let command = self.command(spacecraft, id)?;
        let until = match (command.constraint_until, &command.validated) {
            (Some(until), _) => until,
            (None, validated) => {
                let constraints = validated.iter().flat_map(|v| &v.constraints);
                let waits = constraints.map(|c| c.timeout_ms.unwrap_or(0)).min();
                let until = now.saturating_add(micros(waits.unwrap_or(0)));
                let reason = reason.clone();
                let change = Change::ConstraintFailed { reason, until };
                self.emit(spacecraft, Some(id), GATE, change, now)?;
                until
            }
        };
        if now < until {
            return Ok(());
        }
        let change = Change::Failed {
            stage: FailedAt::Constraint,
            reason,
        };
        self.emit(spacecraft, Some(id), GATE, change, now)
    }

    fn release(&mut self, spacecraft: &str, id: &CommandId, now: i64) -> Result<(), GateError> {
        let Some(key) = self.mode.key().cloned() else {
            return Err(GateError::Mode);
        };
        let command = self.command(spacecraft, id)?;
        let Some(validated) = &command.validated else {
            return Err(GateError::NotNow {
                id: id.clone(),
                status: command.status,
            });
        };
        // What people said is good for the radiation, not only for the signature.
        let approval = self
            .approved_until(command, now)
            .filter(|_| validated.second_person);
        let armed = command.armed.filter(|_| validated.arming);
        let not_after = [approval, armed]
            .into_iter()
            .flatten()
            .fold(command.not_after, i64::min)
            .min(now.saturating_add(micros(self.settings.release_ms)));
        let release = Release {
            spacecraft: spacecraft.to_owned(),
            command: id.clone(),
            sequence: self.state.last_release(spacecraft).saturating_add(1),
            not_before: command.not_before,
            not_after,
            packet: validated.packet.clone(),
            packet_sha256: Digest::default(),
            previous: self.state.head(spacecraft).0,
            signature: Vec::new(),
        }
        .sign(&key);
        let actor = command
            .ordered_by
            .clone()
            .unwrap_or_else(|| GATE.to_owned());
        self.emit(
            spacecraft,
            Some(id),
            &actor,
            Change::Released { release },
            now,
        )
    }
}

/// Whether no more can be known of a command, and nothing went wrong.
fn completed(command: &Command, now: i64) -> Option<Change> {
    let known = command.status;
    if let Some(last) = command.last_stage() {
        return command
            .has_reached(last)
            .then_some(Change::Completed { known });
    }
    // Nobody looks for anything but a failure: wait for that as long as it may come.
    let failure = command
        .verifiers
        .iter()
        .any(|v| v.verifier.stage == Stage::Failure);
    if failure && closes(command, Stage::Failure).is_some_and(|end| now <= end) {
        return None;
    }
    let enough = match command.service? {
        Service::Bd => command.times.radiated.is_some(),
        Service::Ad => command.times.accepted.is_some(),
    };
    enough.then_some(Change::Completed { known })
}
