//! Requests: who, what, when; validated, or refused and written down.

use serde_json::Value;

use super::{GATE, Gate, GateError};
use crate::canonical;
use crate::command::{
    ARGUMENTS_OCTETS_MAX, Answer, CONSTRAINTS_MAX, Group, PACKET_OCTETS_MAX, Prepared, Request,
    RequestId, TEXT_OCTETS_MAX, VERIFIERS_MAX, Verifier, VerifierWindow, WindowStart, binding, cut,
};
use crate::event::Change;
use crate::life::Status;
use crate::release::sha256;
use crate::settings::micros;
use crate::state::QueueState;
use crate::users::Verb;

/// What is known of a request before anything is written.
pub(super) enum Known {
    /// It is new.
    New,
    /// It was written down, and the gate ended before it was validated.
    Unfinished,
    /// It is all there.
    Whole(Status),
}

impl Gate {
    /// Somebody wants a command. `prepared` is what the mission database made of it, or why it
    /// refuses it.
    ///
    /// The same request again changes nothing: who got no answer asks again.
    ///
    /// # Errors
    /// [`GateError`]; where the user and the spacecraft are known, the refusal is an event.
    pub fn handle_request(
        &mut self,
        request: &Request,
        prepared: Result<Prepared, String>,
        now: i64,
    ) -> Result<Answer, GateError> {
        let known = self.check_identity(request, now)?;
        if let Known::Whole(status) = known {
            return Ok(Answer {
                changed: false,
                status,
            });
        }
        let checked = prepared
            .map_err(|reason| GateError::Invalid {
                reason: cut(&reason),
            })
            .and_then(|prepared| {
                self.check_request(request, &prepared, now)
                    .map(|()| prepared)
            });
        match checked {
            Ok(prepared) => self.write_request(request, prepared, None, &known, now),
            Err(error) => {
                self.write_requested(request, None, &known, now)?;
                let reason = cut(&error.to_string());
                let change = Change::Rejected { reason };
                self.emit(&request.spacecraft, Some(&request.id), GATE, change, now)?;
                Err(error)
            }
        }
    }

    /// What has to be right for a refusal to be written at all.
    pub(super) fn check_identity(&self, request: &Request, now: i64) -> Result<Known, GateError> {
        self.check_open(&request.spacecraft)?;
        if !self.users.contains(&request.user) {
            return Err(GateError::UnknownUser {
                user: cut(&request.user),
            });
        }
        let arguments = canonical::canonical(&Value::Object(request.arguments.clone()));
        for (what, got, max) in [
            ("octets of the name", request.command.len(), TEXT_OCTETS_MAX),
            (
                "octets of the comment",
                request.comment.len(),
                TEXT_OCTETS_MAX,
            ),
            (
                "octets of the arguments",
                arguments.len(),
                ARGUMENTS_OCTETS_MAX,
            ),
        ] {
            if got > max {
                return Err(GateError::TooLong { what, got, max });
            }
        }
        if let Some(command) = self.state.find(&request.id) {
            let same =
                command.spacecraft == request.spacecraft && command.request == request.digest();
            return match command.status {
                _ if !same => Err(GateError::IdInUse {
                    id: request.id.clone(),
                }),
                Status::Requested => Ok(Known::Unfinished),
                status => Ok(Known::Whole(status)),
            };
        }
        let chain = self.state.chain(&request.spacecraft);
        let forgotten = chain.map_or(0, |chain| chain.forgotten);
        let oldest = now
            .saturating_sub(micros(self.settings.request_age_ms_max))
            .max(forgotten.saturating_add(1));
        let newest = now.saturating_add(micros(self.settings.clock_ahead_ms_max));
        if request.time < oldest || request.time > newest {
            return Err(GateError::RequestTime {
                time: request.time,
                oldest,
                newest,
            });
        }
        let max = self.settings.remembered_max;
        if chain.is_some_and(|chain| chain.finished.len() >= max) {
            return Err(GateError::HistoryFull {
                spacecraft: request.spacecraft.clone(),
                max,
            });
        }
        Ok(Known::New)
    }

    /// What has to be right for a request to be queued.
    pub(super) fn check_request(
        &self,
        request: &Request,
        prepared: &Prepared,
        now: i64,
    ) -> Result<(), GateError> {
        let spacecraft = &request.spacecraft;
        self.check_user(&request.user, Verb::Request, spacecraft, &prepared.name)?;
        let (got, max) = (prepared.packet.len(), PACKET_OCTETS_MAX);
        if got == 0 || got > max {
            return Err(GateError::PacketLength { got, max });
        }
        let longest = (prepared.constraints.iter()).map(|c| c.text.len()).max();
        for (what, got, max) in [
            ("octets of the name", prepared.name.len(), TEXT_OCTETS_MAX),
            ("constraints", prepared.constraints.len(), CONSTRAINTS_MAX),
            (
                "octets of a constraint",
                longest.unwrap_or(0),
                TEXT_OCTETS_MAX,
            ),
            ("verifiers", prepared.verifiers.len(), VERIFIERS_MAX),
        ] {
            if got > max {
                return Err(GateError::TooLong { what, got, max });
            }
        }
        let (not_before, not_after) = self.window(request, now);
        self.check_window(not_before, not_after, now)?;
        if let QueueState::Disabled { reason } = self.state.queue_state(spacecraft) {
            return Err(GateError::QueueDisabled {
                spacecraft: spacecraft.clone(),
                reason,
            });
        }
        let waiting = (self.state.open(spacecraft))
            .filter(|command| command.status.is_waiting() && command.id != request.id)
            .count();
        if waiting >= self.settings.queue_max {
            return Err(GateError::QueueFull {
                spacecraft: spacecraft.clone(),
                max: self.settings.queue_max,
            });
        }
        if let Some(id) = RequestId::of_packet(&prepared.packet)
            && let Some(chain) = self.state.chain(spacecraft)
            && let Some(other) = chain.by_request.get(&id)
            && chain.open.contains(other)
        {
            return Err(GateError::RequestIdInUse {
                request: id,
                other: other.clone(),
            });
        }
        Ok(())
    }

    pub(super) fn check_window(
        &self,
        not_before: i64,
        not_after: i64,
        now: i64,
    ) -> Result<(), GateError> {
        let latest = now.saturating_add(micros(self.settings.window_ms_max));
        if not_after <= now || not_after <= not_before || not_after > latest {
            return Err(GateError::Window {
                not_before,
                not_after,
                now,
                latest,
            });
        }
        Ok(())
    }

    /// The window that a request has: from its own time, for as long as the settings say.
    fn window(&self, request: &Request, now: i64) -> (i64, i64) {
        let from = request.not_before.unwrap_or(request.time.min(now));
        let begin = from.max(now);
        let to = begin.saturating_add(micros(self.settings.window_ms));
        (from, request.not_after.unwrap_or(to))
    }

    fn write_requested(
        &mut self,
        request: &Request,
        group: Option<Group>,
        known: &Known,
        now: i64,
    ) -> Result<(), GateError> {
        if !matches!(known, Known::New) {
            return Ok(());
        }
        let (not_before, not_after) = self.window(request, now);
        let change = Change::Requested {
            command: request.command.clone(),
            arguments: request.arguments.clone(),
            at: request.time,
            not_before,
            not_after,
            priority: request.priority,
            group,
            comment: request.comment.clone(),
            request: request.digest(),
        };
        let id = Some(&request.id);
        self.emit(&request.spacecraft, id, &request.user, change, now)
    }

    pub(super) fn write_request(
        &mut self,
        request: &Request,
        prepared: Prepared,
        group: Option<Group>,
        known: &Known,
        now: i64,
    ) -> Result<Answer, GateError> {
        let (spacecraft, id) = (&request.spacecraft, &request.id);
        self.write_requested(request, group, known, now)?;
        let (not_before, not_after) = {
            let command = self.command(spacecraft, id)?;
            (command.not_before, command.not_after)
        };
        let packet_sha256 = sha256(&prepared.packet);
        let level = prepared.significance;
        let change = Change::Validated {
            name: prepared.name,
            packet: prepared.packet,
            packet_sha256,
            significance: level,
            second_person: level >= self.settings.second_person_from,
            arming: level >= self.settings.arming_from,
            constraints: prepared.constraints,
            verifiers: merged(&prepared.verifiers, self.settings.verification_ms_max),
            interlock: prepared.interlock,
            binding: binding(id, spacecraft, packet_sha256, not_before, not_after),
        };
        self.emit(spacecraft, Some(id), GATE, change, now)?;
        self.advance(spacecraft, id, now)?;
        Ok(Answer {
            changed: true,
            status: self.command(spacecraft, id)?.status,
        })
    }
}

/// One verifier a stage, in the order of the stages; of several, the one that waits longest. None
/// waits without end: every command comes to its own.
fn merged(verifiers: &[Verifier], longest_ms: u64) -> Vec<Verifier> {
    let mut merged: Vec<Verifier> = Vec::with_capacity(verifiers.len());
    for verifier in verifiers {
        let window = verifier.window.unwrap_or(VerifierWindow {
            from_ms: 0,
            to_ms: longest_ms,
            start: WindowStart::Release,
        });
        let verifier = Verifier {
            stage: verifier.stage,
            window: Some(window),
        };
        let end = |v: &Verifier| v.window.map_or(longest_ms, |window| window.to_ms);
        match merged.iter_mut().find(|v| v.stage == verifier.stage) {
            Some(before) if end(before) < end(&verifier) => *before = verifier,
            Some(_) => {}
            None => merged.push(verifier),
        }
    }
    merged.sort_by_key(|verifier| verifier.stage);
    merged
}
