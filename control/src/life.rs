//! One command's life: what its events made of it, and which events may come next.

mod parts;

use serde_json::{Map, Value};

pub use parts::{Approval, Status, Times, Validated, VerifierState};

use crate::command::{CommandId, Digest, Group, RequestId, Significance, Stage, Verifier};
use crate::event::{Change, Event, FailedAt, Service};
use crate::release::Release;
use crate::state::Illegal;

/// A command as its events made it.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Its identifier.
    pub id: CommandId,
    /// For which spacecraft.
    pub spacecraft: String,
    /// Who requested it, and who changed it since: none of them is the second person.
    pub authors: Vec<String>,
    /// As typed.
    pub command: String,
    /// As typed.
    pub arguments: Map<String, Value>,
    /// When it was requested, by the requester's clock.
    pub requested_at: i64,
    /// Not released before.
    pub not_before: i64,
    /// Not released after.
    pub not_after: i64,
    /// Higher leaves first.
    pub priority: u8,
    /// Among commands of one priority, lower leaves first.
    pub order: u64,
    /// To how many it goes.
    pub group: Option<Group>,
    /// For people.
    pub comment: String,
    /// What makes a second request the same one.
    pub request: Digest,
    /// What validation made of it.
    pub validated: Option<Validated>,
    /// Who approved it.
    pub approvals: Vec<Approval>,
    /// Who was the last to approve it, good or not any more.
    pub approved_by: Option<String>,
    /// Armed until.
    pub armed: Option<i64>,
    /// It stays in the queue.
    pub held: bool,
    /// Who told it to leave.
    pub ordered_by: Option<String>,
    /// The first of its group was verified.
    pub canary_verified: bool,
    /// A constraint does not hold, and is tried until.
    pub constraint_until: Option<i64>,
    /// Its release; without the packet once the command is finished.
    pub release: Option<Release>,
    /// How it was sent.
    pub service: Option<Service>,
    /// What shows what became of it.
    pub verifiers: Vec<VerifierState>,
    /// How far it has come.
    pub status: Status,
    /// When it came there.
    pub times: Times,
    /// Where it failed.
    pub failed_at: Option<FailedAt>,
    /// Why it is not further, or ended.
    pub reason: Option<String>,
}

impl Command {
    /// Who requested it.
    pub fn requested_by(&self) -> &str {
        self.authors.first().map_or("", String::as_str)
    }

    /// The qualified name; as typed where it was never validated.
    pub fn name(&self) -> &str {
        self.validated.as_ref().map_or(&self.command, |v| &v.name)
    }

    /// How much harm it can do, once that is known.
    pub fn significance(&self) -> Option<Significance> {
        self.validated
            .as_ref()
            .map(|validated| validated.significance)
    }

    /// Whether all that people have to say has been said: a second person, where one is needed.
    pub fn is_approved(&self) -> bool {
        self.validated.as_ref().is_some_and(|validated| {
            !validated.second_person
                || self.approvals.iter().any(|approval| {
                    approval.binding == validated.binding && !self.authors.contains(&approval.user)
                })
        })
    }

    /// Whether a stage, or a later one, was reached well.
    pub fn has_reached(&self, stage: Stage) -> bool {
        self.verifiers.iter().any(|state| {
            state.verifier.stage >= stage
                && state.verifier.stage != Stage::Failure
                && state.seen.is_some_and(|(_, success)| success)
        })
    }

    /// The stage after which nothing more is looked for.
    pub fn last_stage(&self) -> Option<Stage> {
        let expected = self.verifiers.iter().filter(|state| state.expected);
        let stages = expected.map(|state| state.verifier.stage);
        stages.filter(|stage| *stage != Stage::Failure).max()
    }

    /// Takes the next event of this command.
    ///
    /// # Errors
    /// [`Illegal`] where it cannot follow; the command is then as it was.
    pub(crate) fn apply(&mut self, event: &Event) -> Result<(), Illegal> {
        if !self.may(&event.event, event) {
            return Err(Illegal {
                status: Some(self.status),
            });
        }
        let time = event.time;
        match &event.event {
            Change::Requested { .. }
            | Change::QueueEnabled {}
            | Change::QueueBlocked { .. }
            | Change::QueueDisabled { .. } => {}
            Change::Validated { .. } => self.validate(&event.event),
            Change::ApprovalGiven { binding, expires } => {
                self.approvals.push(Approval {
                    user: event.actor.clone(),
                    binding: *binding,
                    expires: *expires,
                });
                self.approved_by = Some(event.actor.clone());
                self.times.approved = Some(time);
            }
            Change::ApprovalWithdrawn { user, .. } | Change::ApprovalExpired { user } => {
                self.approvals.retain(|approval| approval.user != *user);
                self.back_to_approval();
            }
            Change::SignificanceRaised {
                significance,
                second_person,
                arming,
            } => {
                if let Some(validated) = &mut self.validated {
                    validated.significance = *significance;
                    validated.second_person |= second_person;
                    validated.arming |= arming;
                }
                self.approvals.clear();
                self.armed = None;
                self.back_to_approval();
            }
            Change::Queued {} => {
                self.status = Status::Queued;
                self.order = event.sequence;
                self.times.queued = Some(time);
            }
            Change::Armed { expires } => {
                self.armed = Some(*expires);
                self.times.armed = Some(time);
            }
            Change::Disarmed { .. } => self.armed = None,
            Change::Held { reason } => {
                self.held = true;
                self.reason = Some(reason.clone());
            }
            Change::Resumed {} => {
                self.held = false;
                self.reason = None;
            }
            Change::ReleaseOrdered {} => self.ordered_by = Some(event.actor.clone()),
            Change::Rescheduled {
                not_before,
                not_after,
                binding,
            } => {
                (self.not_before, self.not_after) = (*not_before, *not_after);
                if let Some(validated) = &mut self.validated {
                    validated.binding = *binding;
                }
                if !self.authors.contains(&event.actor) {
                    self.authors.push(event.actor.clone());
                }
                self.approvals.clear();
                self.armed = None;
                self.ordered_by = None;
                self.constraint_until = None;
                self.back_to_approval();
            }
            Change::CanaryVerified { .. } => self.canary_verified = true,
            Change::ConstraintFailed { reason, until } => {
                self.constraint_until = Some(*until);
                self.reason = Some(reason.clone());
            }
            Change::Released { release } => {
                self.release = Some(release.clone());
                self.status = Status::Released;
                self.reason = None;
                self.times.released = Some(time);
            }
            Change::Radiated { at, service } => {
                self.service = Some(*service);
                self.times.radiated = Some(*at);
                self.reach(Status::Radiated);
            }
            Change::Accepted { at } => {
                self.times.accepted = Some(*at);
                self.reach(Status::Accepted);
            }
            Change::Verified {
                stage, at, success, ..
            } => {
                let seen = Some((*at, *success));
                match self
                    .verifiers
                    .iter_mut()
                    .find(|v| v.verifier.stage == *stage)
                {
                    Some(state) => state.seen = seen,
                    None => self.verifiers.push(VerifierState {
                        verifier: Verifier {
                            stage: *stage,
                            window: None,
                        },
                        expected: false,
                        seen,
                    }),
                }
                let last = self.last_stage().unwrap_or(Stage::Completion);
                if *success && *stage >= last && self.times.verified.is_none() {
                    self.times.verified = Some(*at);
                }
            }
            Change::Executed { at } => {
                self.times.executed = Some(*at);
                self.reach(Status::Executed);
            }
            Change::Completed { .. } => self.finish(Status::Completed, None, time),
            Change::Failed { stage, reason } => {
                self.failed_at = Some(*stage);
                self.finish(Status::Failed, Some(reason), time);
            }
            Change::Rejected { reason } => self.finish(Status::Rejected, Some(reason), time),
            Change::Cancelled { reason } => self.finish(Status::Cancelled, Some(reason), time),
            Change::Expired {} => self.finish(
                Status::Expired,
                Some("its window ended before its release"),
                time,
            ),
        }
        Ok(())
    }

    /// Which events may follow: the fold does not trust even the gate.
    fn may(&self, change: &Change, event: &Event) -> bool {
        let waiting = self.status.is_waiting();
        let prepared = waiting && self.validated.is_some();
        let queued = self.status == Status::Queued;
        let sent = self.release.is_some();
        let approved = |user: &str| self.approvals.iter().any(|a| a.user == user);
        match change {
            Change::Requested { .. }
            | Change::QueueEnabled {}
            | Change::QueueBlocked { .. }
            | Change::QueueDisabled { .. } => false,
            Change::Validated { .. } | Change::Rejected { .. } => {
                self.status == Status::Requested && self.validated.is_none()
            }
            Change::ApprovalGiven { binding, .. } => {
                prepared
                    && !self.authors.contains(&event.actor)
                    && !approved(&event.actor)
                    && self
                        .validated
                        .as_ref()
                        .is_some_and(|v| v.binding == *binding)
            }
            Change::ApprovalWithdrawn { user, .. } | Change::ApprovalExpired { user } => {
                prepared && approved(user)
            }
            Change::SignificanceRaised { significance, .. } => {
                prepared && self.significance() < Some(*significance)
            }
            Change::Queued {} => self.status == Status::AwaitingApproval && self.is_approved(),
            Change::Armed { .. } | Change::Rescheduled { .. } => prepared,
            Change::Disarmed { .. } => prepared && self.armed.is_some(),
            Change::Held { .. } => waiting && !self.held,
            Change::Resumed {} => waiting && self.held,
            Change::ReleaseOrdered {} => prepared && self.ordered_by.is_none(),
            Change::CanaryVerified { canary } => {
                prepared
                    && !self.canary_verified
                    && self.canary().is_some_and(|(_, id)| id == canary)
            }
            Change::ConstraintFailed { .. } => queued && self.constraint_until.is_none(),
            Change::Released { release } => queued && !sent && self.may_release(release, event),
            Change::Radiated { .. } => sent && self.times.radiated.is_none(),
            Change::Accepted { .. } => sent && self.times.accepted.is_none(),
            Change::Verified { stage, success, .. } => {
                let seen = self.verifiers.iter().find(|v| v.verifier.stage == *stage);
                sent && match seen.and_then(|state| state.seen) {
                    None => true,
                    Some((_, before)) => before && !success,
                }
            }
            Change::Executed { .. } => {
                sent && !self.status.is_finished() && self.times.executed.is_none()
            }
            Change::Completed { .. } => sent && !self.status.is_finished(),
            Change::Failed { .. } => !self.status.is_finished(),
            Change::Cancelled { .. } | Change::Expired {} => waiting,
        }
    }

    fn may_release(&self, release: &Release, event: &Event) -> bool {
        self.validated.as_ref().is_some_and(|validated| {
            self.is_approved()
                && !self.held
                && (!validated.arming || self.armed.is_some())
                && (self.canary().is_none() || self.canary_verified)
                && release.packet_sha256 == validated.packet_sha256
                && release.packet == validated.packet
                && release.command == self.id
                && release.spacecraft == self.spacecraft
                && release.not_before >= self.not_before
                && release.not_after <= self.not_after
                && release.previous == event.previous
        })
    }

    /// The command that has to be verified before this one leaves.
    pub fn canary(&self) -> Option<(&str, &CommandId)> {
        let (spacecraft, id) = self.group.as_ref()?.canary.as_ref()?;
        (*id != self.id).then_some((spacecraft, id))
    }

    fn validate(&mut self, change: &Change) {
        if let Change::Validated {
            name,
            packet,
            packet_sha256,
            significance,
            second_person,
            arming,
            constraints,
            verifiers,
            interlock,
            binding,
        } = change
        {
            self.verifiers = (verifiers.iter())
                .map(|verifier| VerifierState {
                    verifier: *verifier,
                    expected: true,
                    seen: None,
                })
                .collect();
            self.validated = Some(Validated {
                name: name.clone(),
                packet: packet.clone(),
                packet_sha256: *packet_sha256,
                request_id: RequestId::of_packet(packet),
                significance: *significance,
                second_person: *second_person || significance.always_needs_second_person(),
                arming: *arming,
                constraints: constraints.clone(),
                interlock: *interlock,
                binding: *binding,
            });
            self.status = Status::AwaitingApproval;
        }
    }

    fn back_to_approval(&mut self) {
        if self.status == Status::Queued && !self.is_approved() {
            self.status = Status::AwaitingApproval;
        }
    }

    fn reach(&mut self, status: Status) {
        if !self.status.is_finished() {
            self.status = self.status.max(status);
        }
    }

    fn finish(&mut self, status: Status, reason: Option<&str>, time: i64) {
        self.status = status;
        self.reason = reason.map(str::to_owned);
        self.times.finished = Some(time);
        // Finished commands are remembered for long; their packets need not be.
        if let Some(validated) = &mut self.validated {
            validated.packet = Vec::new();
        }
        if let Some(release) = &mut self.release {
            release.packet = Vec::new();
        }
    }
}
