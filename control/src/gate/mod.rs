//! The gate: inputs in, events and releases out.

mod advance;
mod error;
mod group;
mod operate;
mod report;
mod request;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use error::GateError;
pub use report::{ReportBy, TelemetryReport};
pub use waiting::Waiting;

use crate::command::{CommandId, ConstraintOutcome, Digest, Significance};
use crate::event::{Change, Event, Record, StationReport, VERSION};
use crate::keys::GateKey;
use crate::life::Command;
use crate::release::Release;
use crate::settings::Settings;
use crate::state::{Folded, State, Void};
use crate::users::{Users, Verb};

/// The actor of what nobody in particular did.
pub(crate) const GATE: &str = "gate";

/// Where a gate is opened. Only an operational one has a key: without, nothing can be released.
#[derive(Clone, Debug)]
pub enum Mode {
    /// On the bus that stations listen to.
    Operational(Box<GateKey>),
    /// On a bus for tests.
    Test,
    /// On a replay of a log.
    Replay,
}

impl Mode {
    fn key(&self) -> Option<&GateKey> {
        match self {
            Self::Operational(key) => Some(key),
            Self::Test | Self::Replay => None,
        }
    }
}

/// What telemetry says of a command at the moment of its release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseCheck {
    /// Whether its transmission constraints hold.
    pub constraints: ConstraintOutcome,
    /// How much harm it can do now.
    pub significance: Significance,
}

/// The release gate. See the crate for what the caller owes it.
///
/// Holds at most `queue_max` commands a spacecraft that are not released, `remembered_max` that are
/// finished, and `unappended_max` events and releases that were not taken; inputs are refused at the
/// bounds. Commands that are released and not finished end by their verifiers' windows.
#[derive(Debug)]
pub struct Gate {
    settings: Settings,
    users: Users,
    mode: Mode,
    state: State,
    /// Written, not given to the caller.
    pending: VecDeque<Event>,
    /// Given to the caller, not durable.
    in_flight: VecDeque<Digest>,
    /// Releases whose events are not durable.
    unsafe_releases: VecDeque<(Digest, Release)>,
    /// Releases that may leave.
    releases: VecDeque<Release>,
    fenced: BTreeSet<String>,
}

impl Gate {
    /// Opens a gate on a log: all records of `tc.commands`, in order.
    ///
    /// Releases that no station reported are offered by [`Gate::poll_release`] again; stations take
    /// each once. Timeouts wait for [`Gate::handle_time`]: tell it first what telemetry came since.
    ///
    /// # Errors
    /// [`GateError::Settings`].
    pub fn open(
        settings: Settings,
        users: Users,
        mode: Mode,
        log: impl IntoIterator<Item = Record>,
        now: i64,
    ) -> Result<Self, GateError> {
        settings.check()?;
        let mut state = State::new(&settings, mode.key().cloned());
        // What stations reported may not have become events before the last gate ended.
        // One of each kind for each release that is not finished.
        let mut reports: BTreeMap<(String, CommandId, u8), StationReport> = BTreeMap::new();
        for record in log {
            match record {
                Record::Event(event) => {
                    state.handle_event(&event);
                }
                Record::Report(report) => {
                    let command = state.command(&report.spacecraft, &report.command);
                    let ours = command.and_then(|command| command.release.as_ref());
                    if ours.is_some_and(|release| release.sequence == report.release)
                        && command.is_some_and(|command| !command.status.is_finished())
                    {
                        let (spacecraft, id) = (report.spacecraft.clone(), report.command.clone());
                        let key = (spacecraft, id, report.report.rank());
                        reports.entry(key).or_insert(report);
                    }
                }
            }
        }
        let mut gate = Self {
            settings,
            users,
            mode,
            state,
            pending: VecDeque::new(),
            in_flight: VecDeque::new(),
            unsafe_releases: VecDeque::new(),
            releases: VecDeque::new(),
            fenced: BTreeSet::new(),
        };
        for report in reports.values() {
            // One that says nothing new, or of an unknown release, is no reason not to open.
            let _ = gate.handle_station_report(report, now);
        }
        let ours = gate.settings.spacecraft.iter();
        gate.releases = ours
            .flat_map(|spacecraft| gate.state.open(spacecraft))
            .filter(|command| command.times.radiated.is_none())
            .filter_map(|command| command.release.clone())
            .filter(|release| release.not_after >= now)
            .collect();
        gate.releases
            .make_contiguous()
            .sort_by(|a, b| (&a.spacecraft, a.sequence).cmp(&(&b.spacecraft, b.sequence)));
        Ok(gate)
    }

    /// What the log says, with the events that are not durable yet.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The gate's settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Other users from now on: approvals of those who may not any more are withdrawn.
    pub fn handle_users(&mut self, users: Users) {
        self.users = users;
    }

    /// The next event to append to `tc.commands`, with the spacecraft as its key.
    pub fn poll_append(&mut self) -> Option<Event> {
        let event = self.pending.pop_front()?;
        self.in_flight.push_back(event.hash);
        Some(event)
    }

    /// An event is durable; they become so in the order in which they were given.
    ///
    /// # Errors
    /// [`GateError::NotNext`].
    pub fn handle_appended(&mut self, hash: &Digest) -> Result<(), GateError> {
        if self.in_flight.front() != Some(hash) {
            return Err(GateError::NotNext { got: *hash });
        }
        self.in_flight.pop_front();
        if let Some((_, release)) = self
            .unsafe_releases
            .pop_front_if(|(event, _)| event == hash)
            && !self.fenced.contains(&release.spacecraft)
        {
            self.releases.push_back(release);
        }
        Ok(())
    }

    /// The next release whose event is durable.
    pub fn poll_release(&mut self) -> Option<Release> {
        self.releases.pop_front()
    }

    /// A record of `tc.commands` as it was read back: stations' reports, the gate's own events, and
    /// those that it did not write. One that carries the gate's seal means that a second gate is at
    /// work: this one then takes nothing more for the spacecraft, until it is opened again.
    ///
    /// # Errors
    /// [`GateError::Fenced`] where the record is a second gate's; for a report, those of
    /// [`Gate::handle_station_report`].
    pub fn handle_record(&mut self, record: &Record, now: i64) -> Result<(), GateError> {
        let event = match record {
            Record::Event(event) => event,
            Record::Report(report) => {
                return self.handle_station_report(report, now).map(|_| ());
            }
        };
        match self.state.handle_event(event) {
            Folded::Duplicate
            | Folded::Void(Void::Version { .. } | Void::Hash { .. } | Void::Seal { .. }) => Ok(()),
            Folded::Applied | Folded::Void(Void::Fork { .. } | Void::Illegal { .. }) => {
                let spacecraft = event.spacecraft.clone();
                self.fenced.insert(spacecraft.clone());
                self.pending.retain(|event| event.spacecraft != spacecraft);
                let lost = |release: &Release| release.spacecraft == spacecraft;
                self.unsafe_releases.retain(|(_, release)| !lost(release));
                self.releases.retain(|release| !lost(release));
                Err(GateError::Fenced { spacecraft })
            }
        }
    }

    /// Writes an event: into the state, and for the caller to append.
    fn emit(
        &mut self,
        spacecraft: &str,
        command: Option<&CommandId>,
        actor: &str,
        change: Change,
        now: i64,
    ) -> Result<(), GateError> {
        let (previous, sequence) = self.state.head(spacecraft);
        let event = Event {
            version: VERSION,
            sequence,
            time: now,
            spacecraft: spacecraft.to_owned(),
            command: command.cloned(),
            actor: actor.to_owned(),
            event: change,
            previous,
            hash: Digest::default(),
            seal: None,
        }
        .finish(self.mode.key());
        self.state
            .append(&event)
            .map_err(|source| GateError::Illegal {
                spacecraft: spacecraft.to_owned(),
                source,
            })?;
        if let Change::Released { release } = &event.event {
            self.unsafe_releases
                .push_back((event.hash, release.clone()));
        }
        self.pending.push_back(event);
        Ok(())
    }

    /// Refuses everything while too much is not durable, or a second gate is at work.
    fn check_open(&self, spacecraft: &str) -> Result<(), GateError> {
        if !self
            .settings
            .spacecraft
            .iter()
            .any(|name| name == spacecraft)
        {
            return Err(GateError::UnknownSpacecraft {
                spacecraft: spacecraft.to_owned(),
            });
        }
        if self.fenced.contains(spacecraft) {
            return Err(GateError::Fenced {
                spacecraft: spacecraft.to_owned(),
            });
        }
        let got = self.backlog();
        let max = self.settings.unappended_max;
        if got >= max {
            return Err(GateError::Backlog { got, max });
        }
        Ok(())
    }

    fn backlog(&self) -> usize {
        self.pending.len() + self.in_flight.len() + self.releases.len()
    }

    fn check_user(
        &self,
        user: &str,
        verb: Verb,
        spacecraft: &str,
        command: &str,
    ) -> Result<(), GateError> {
        if !self.users.contains(user) {
            return Err(GateError::UnknownUser {
                user: user.to_owned(),
            });
        }
        if !self.users.allows(user, verb, spacecraft, command) {
            return Err(GateError::NotAllowed {
                user: user.to_owned(),
                verb,
                command: command.to_owned(),
                spacecraft: spacecraft.to_owned(),
            });
        }
        Ok(())
    }

    /// A command that is the spacecraft's.
    fn command(&self, spacecraft: &str, id: &CommandId) -> Result<&Command, GateError> {
        if let Some(command) = self.state.command(spacecraft, id) {
            return Ok(command);
        }
        Err(match self.state.find(id) {
            Some(other) => GateError::WrongSpacecraft {
                id: id.clone(),
                its: other.spacecraft.clone(),
                asked: spacecraft.to_owned(),
            },
            None => GateError::UnknownCommand {
                id: id.clone(),
                spacecraft: spacecraft.to_owned(),
            },
        })
    }
}
