//! One request to many spacecraft: all or none, and above a number one goes first.

use std::collections::BTreeSet;

use super::{Gate, GateError};
use crate::command::{Answer, CommandId, Group, Prepared, Request, Stage};

impl Gate {
    /// One command to several spacecraft: a request and what the mission database made of it for
    /// each. All are taken or none. Above `canary_above` the first goes first; the others wait until
    /// it is verified, and fail if it fails.
    ///
    /// The same group again changes nothing but what is missing of it.
    ///
    /// # Errors
    /// [`GateError`]; nothing is written then.
    pub fn handle_group(
        &mut self,
        id: &CommandId,
        members: Vec<(Request, Result<Prepared, String>)>,
        now: i64,
    ) -> Result<Vec<Answer>, GateError> {
        let (got, max) = (members.len(), self.settings.group_max);
        if got == 0 || got > max as usize {
            return Err(GateError::GroupSize { got, max });
        }
        let many = got > self.settings.canary_above as usize;
        let (mut spacecraft, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for (request, _) in &members {
            if !spacecraft.insert(request.spacecraft.as_str()) {
                return Err(GateError::GroupTwice {
                    what: request.spacecraft.clone(),
                });
            }
            if !ids.insert(&request.id) {
                return Err(GateError::GroupTwice {
                    what: request.id.to_string(),
                });
            }
        }
        let group = Group {
            id: id.clone(),
            size: u32::try_from(got).unwrap_or(u32::MAX),
            canary: (members.first().filter(|_| many))
                .map(|(first, _)| (first.spacecraft.clone(), first.id.clone())),
        };
        let backlog = self.backlog() + got * crate::settings::EVENTS_PER_REQUEST;
        if backlog > self.settings.unappended_max {
            return Err(GateError::Backlog {
                got: backlog,
                max: self.settings.unappended_max,
            });
        }
        let mut checked = Vec::with_capacity(got);
        for (request, prepared) in members {
            let known = self.check_member(&request, &group, prepared, many, now);
            let (prepared, known) = known.map_err(|source| GateError::Group {
                spacecraft: request.spacecraft.clone(),
                source: Box::new(source),
            })?;
            checked.push((request, prepared, known));
        }
        let mut answers = Vec::with_capacity(got);
        for (request, prepared, known) in checked {
            answers.push(match known {
                super::request::Known::Whole(status) => Answer {
                    changed: false,
                    status,
                },
                known => {
                    self.write_request(&request, prepared, Some(group.clone()), &known, now)?
                }
            });
        }
        Ok(answers)
    }

    fn check_member(
        &self,
        request: &Request,
        group: &Group,
        prepared: Result<Prepared, String>,
        many: bool,
        now: i64,
    ) -> Result<(Prepared, super::request::Known), GateError> {
        let known = self.check_identity(request, now)?;
        if let Some(command) = self.state.find(&request.id)
            && command.group.as_ref() != Some(group)
        {
            return Err(GateError::IdInUse {
                id: request.id.clone(),
            });
        }
        let prepared = prepared.map_err(|reason| GateError::Invalid { reason })?;
        if matches!(known, super::request::Known::Whole(_)) {
            return Ok((prepared, known));
        }
        let verifiable = (prepared.verifiers.iter())
            .any(|v| v.stage >= Stage::Acceptance && v.stage != Stage::Failure);
        if many && !verifiable {
            return Err(GateError::CanaryUnverifiable {
                name: prepared.name,
                got: group.size as usize,
                max: self.settings.canary_above,
            });
        }
        self.check_request(request, &prepared, now)?;
        Ok((prepared, known))
    }
}
