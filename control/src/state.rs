//! What `tc.commands` says: a fold over its events, a chain for each spacecraft.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use thiserror::Error;

use crate::command::{CommandId, Digest, RequestId};
use crate::event::{Change, Event, VERSION};
use crate::keys::GateKey;
use crate::life::{Command, Status, Times};
use crate::settings::{Settings, micros};

/// How many hashes of a chain's last events are kept, to tell a repeated event from a forged one.
const RECENT_MAX: usize = 4_096;
/// How many void records are kept to be shown; the older are only counted.
const VOIDS_MAX: usize = 64;

/// Whether a queue lets commands go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum QueueState {
    /// It does.
    #[default]
    Enabled,
    /// It keeps what it has and takes more.
    Blocked {
        /// Why.
        reason: String,
    },
    /// It keeps what it has and takes no more.
    Disabled {
        /// Why.
        reason: String,
    },
}

/// An event that cannot follow what was before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an event that cannot follow: {}", self.status.map_or_else(|| "the command is unknown, or there already".to_owned(), |s| format!("the command is {s}")))]
pub struct Illegal {
    /// The command's status; `None`: there is no such command, or there already is one.
    pub status: Option<Status>,
}

/// Why a record has no effect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Void {
    /// Another version.
    #[error("an event of version {got}")]
    Version {
        /// Which.
        got: u32,
    },
    /// Its hash is not that of its content.
    #[error("event {sequence} of {spacecraft} was changed: its hash does not agree")]
    Hash {
        /// Whose chain.
        spacecraft: String,
        /// Its number.
        sequence: u64,
    },
    /// The gate did not write it.
    #[error(
        "event {sequence} of {spacecraft} was not written by the gate: its seal does not agree"
    )]
    Seal {
        /// Whose chain.
        spacecraft: String,
        /// Its number.
        sequence: u64,
    },
    /// It does not follow the last one: a second gate was at work, or events are missing.
    #[error(
        "event {sequence} of {spacecraft} does not follow event {after}: a second gate was at work, or events are missing"
    )]
    Fork {
        /// Whose chain.
        spacecraft: String,
        /// Its number.
        sequence: u64,
        /// How many events the chain has.
        after: u64,
    },
    /// The gate should not have written it.
    #[error("event {sequence} of {spacecraft}")]
    Illegal {
        /// Whose chain.
        spacecraft: String,
        /// Its number.
        sequence: u64,
        /// What is wrong.
        source: Illegal,
    },
}

/// What became of an event in the fold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Folded {
    /// It is part of the state.
    Applied,
    /// It was there already.
    Duplicate,
    /// It has no effect; a release among them is remembered all the same, so that the command is
    /// not released again.
    Void(Void),
}

/// The commands of one spacecraft.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    pub(crate) head: Digest,
    pub(crate) next: u64,
    pub(crate) queue: QueueState,
    pub(crate) commands: BTreeMap<CommandId, Command>,
    /// Those that are not finished.
    pub(crate) open: BTreeSet<CommandId>,
    /// Those that are, by the time of their request.
    pub(crate) finished: BTreeSet<(i64, CommandId)>,
    /// Requests up to this time may have been forgotten.
    pub(crate) forgotten: i64,
    /// Number of the last release.
    pub(crate) releases: u64,
    pub(crate) by_request: BTreeMap<RequestId, CommandId>,
    pub(crate) counts: BTreeMap<u16, u16>,
    recent: VecDeque<Digest>,
}

/// The fold over all events.
#[derive(Clone, Debug)]
pub struct State {
    chains: BTreeMap<String, Chain>,
    key: Option<GateKey>,
    remembered: i64,
    voids: u64,
    last_voids: VecDeque<Void>,
}

impl State {
    /// Before the first event. With a key, only events that it sealed count; without, a reader
    /// trusts the chain alone.
    pub fn new(settings: &Settings, key: Option<GateKey>) -> Self {
        Self {
            chains: BTreeMap::new(),
            key,
            remembered: micros(settings.request_age_ms_max)
                .saturating_add(micros(settings.clock_ahead_ms_max)),
            voids: 0,
            last_voids: VecDeque::new(),
        }
    }

    /// Takes the next event of the log. Never fails: what does not belong has no effect.
    pub fn handle_event(&mut self, event: &Event) -> Folded {
        let void = match self.check(event) {
            Ok(true) => match self.append(event) {
                Ok(()) => return Folded::Applied,
                Err(source) => {
                    self.advance(event);
                    Void::Illegal {
                        spacecraft: event.spacecraft.clone(),
                        sequence: event.sequence,
                        source,
                    }
                }
            },
            Ok(false) => return Folded::Duplicate,
            Err(void) => void,
        };
        if let (Void::Fork { .. }, Change::Released { release }) = (&void, &event.event) {
            let chain = self.chains.entry(event.spacecraft.clone()).or_default();
            chain.observe(&release.command, release.sequence, event);
        }
        self.voids = self.voids.saturating_add(1);
        if self.last_voids.len() >= VOIDS_MAX {
            self.last_voids.pop_front();
        }
        self.last_voids.push_back(void.clone());
        Folded::Void(void)
    }

    /// Whether an event is the next one (`true`), or was there already.
    fn check(&self, event: &Event) -> Result<bool, Void> {
        let (spacecraft, sequence) = (event.spacecraft.clone(), event.sequence);
        if event.version != VERSION {
            return Err(Void::Version { got: event.version });
        }
        if event.expected_hash() != event.hash {
            return Err(Void::Hash {
                spacecraft,
                sequence,
            });
        }
        if let Some(key) = &self.key
            && !event
                .seal
                .is_some_and(|seal| key.is_sealed(&event.hash, &seal))
        {
            return Err(Void::Seal {
                spacecraft,
                sequence,
            });
        }
        let (head, next) = self.head(&event.spacecraft);
        if event.previous == head && sequence == next {
            return Ok(true);
        }
        let chain = self.chains.get(&event.spacecraft);
        if chain.is_some_and(|chain| chain.recent.contains(&event.hash)) {
            return Ok(false);
        }
        Err(Void::Fork {
            spacecraft,
            sequence,
            after: next,
        })
    }

    /// Takes an event that is known to be the next of its chain.
    ///
    /// # Errors
    /// [`Illegal`]; nothing has changed then.
    pub(crate) fn append(&mut self, event: &Event) -> Result<(), Illegal> {
        let remembered = self.remembered;
        let chain = self.chains.entry(event.spacecraft.clone()).or_default();
        chain.apply(event)?;
        chain.forget(event.time.saturating_sub(remembered));
        self.advance(event);
        Ok(())
    }

    fn advance(&mut self, event: &Event) {
        if let Some(chain) = self.chains.get_mut(&event.spacecraft) {
            chain.head = event.hash;
            chain.next = event.sequence.saturating_add(1);
            if chain.recent.len() >= RECENT_MAX {
                chain.recent.pop_front();
            }
            chain.recent.push_back(event.hash);
        }
    }

    /// Hash of a chain's last event, and the number of the next.
    pub fn head(&self, spacecraft: &str) -> (Digest, u64) {
        self.chains
            .get(spacecraft)
            .map_or((Digest::default(), 0), |chain| (chain.head, chain.next))
    }

    /// A command of a spacecraft; finished ones for as long as they are remembered.
    pub fn command(&self, spacecraft: &str, id: &CommandId) -> Option<&Command> {
        self.chains.get(spacecraft)?.commands.get(id)
    }

    /// Which spacecraft a command is for.
    pub fn find(&self, id: &CommandId) -> Option<&Command> {
        self.chains
            .values()
            .find_map(|chain| chain.commands.get(id))
    }

    /// All commands of a spacecraft that are remembered, by identifier.
    pub fn commands(&self, spacecraft: &str) -> impl Iterator<Item = &Command> {
        self.chains
            .get(spacecraft)
            .into_iter()
            .flat_map(|chain| chain.commands.values())
    }

    /// The commands of a spacecraft that are not finished, by identifier.
    pub fn open(&self, spacecraft: &str) -> impl Iterator<Item = &Command> {
        let chain = self.chains.get(spacecraft);
        chain.into_iter().flat_map(|chain| {
            let open = chain.open.iter();
            open.filter_map(|id| chain.commands.get(id))
        })
    }

    /// A spacecraft's commands in the order in which they leave.
    pub fn queue(&self, spacecraft: &str) -> Vec<&Command> {
        let mut queue: Vec<&Command> = self
            .open(spacecraft)
            .filter(|command| command.status == Status::Queued)
            .collect();
        queue.sort_by_key(|command| (std::cmp::Reverse(command.priority), command.order));
        queue
    }

    /// Whether a spacecraft's queue lets commands go.
    pub fn queue_state(&self, spacecraft: &str) -> QueueState {
        self.chains
            .get(spacecraft)
            .map(|chain| chain.queue.clone())
            .unwrap_or_default()
    }

    /// The packet sequence count for the next command to an application process.
    pub fn next_sequence_count(&self, spacecraft: &str, apid: u16) -> u16 {
        let chain = self.chains.get(spacecraft);
        let last = chain.and_then(|chain| chain.counts.get(&apid).copied());
        last.map_or(0, |last| last.wrapping_add(1) & 0x3FFF)
    }

    /// Number of a spacecraft's last release; 0 before the first.
    pub fn last_release(&self, spacecraft: &str) -> u64 {
        self.chains
            .get(spacecraft)
            .map_or(0, |chain| chain.releases)
    }

    /// How many records had no effect, and the last of them.
    pub fn voids(&self) -> (u64, impl Iterator<Item = &Void>) {
        (self.voids, self.last_voids.iter())
    }

    pub(crate) fn chain(&self, spacecraft: &str) -> Option<&Chain> {
        self.chains.get(spacecraft)
    }
}

impl Chain {
    fn apply(&mut self, event: &Event) -> Result<(), Illegal> {
        let Some(id) = &event.command else {
            self.queue = match &event.event {
                Change::QueueEnabled {} => QueueState::Enabled,
                Change::QueueBlocked { reason } => QueueState::Blocked {
                    reason: reason.clone(),
                },
                Change::QueueDisabled { reason } => QueueState::Disabled {
                    reason: reason.clone(),
                },
                _ => return Err(Illegal { status: None }),
            };
            return Ok(());
        };
        if let Change::Requested { .. } = &event.event {
            if let Some(before) = self.commands.get(id) {
                // A gate with a shorter memory may have forgotten it.
                if !before.status.is_finished() {
                    return Err(Illegal { status: None });
                }
                self.finished.remove(&(before.requested_at, id.clone()));
            }
            if let Some(command) = requested(event, id) {
                self.open.insert(id.clone());
                self.commands.insert(id.clone(), command);
            }
            return Ok(());
        }
        let command = self.commands.get_mut(id).ok_or(Illegal { status: None })?;
        if let Change::Released { release } = &event.event
            && release.sequence <= self.releases
        {
            return Err(Illegal {
                status: Some(command.status),
            });
        }
        command.apply(event)?;
        match &event.event {
            Change::Released { release } => self.releases = release.sequence,
            Change::Validated { packet, .. } => {
                if let Some(request) = RequestId::of_packet(packet) {
                    self.counts.insert(request.apid, request.sequence_count);
                    self.by_request.insert(request, id.clone());
                }
            }
            _ => {}
        }
        if command.status.is_finished() && self.open.remove(id) {
            self.finished.insert((command.requested_at, id.clone()));
        }
        Ok(())
    }

    /// A second gate's release: what it says counts as released, so that it is not done again.
    fn observe(&mut self, id: &CommandId, sequence: u64, event: &Event) {
        self.releases = self.releases.max(sequence);
        if let (Some(command), Change::Released { release }) =
            (self.commands.get_mut(id), &event.event)
            && command.status.is_waiting()
        {
            command.release = Some(release.clone());
            command.status = Status::Released;
            command.times.released = Some(event.time);
            command.reason = Some("released by a second gate".into());
        }
    }

    /// Forgets finished commands that were requested before a time.
    fn forget(&mut self, before: i64) {
        while let Some((at, _)) = self.finished.first()
            && *at < before
            && let Some((at, id)) = self.finished.pop_first()
        {
            self.forgotten = self.forgotten.max(at);
            let gone = self
                .commands
                .remove(&id)
                .and_then(|command| command.validated);
            if let Some(request) = gone.and_then(|validated| validated.request_id)
                && self.by_request.get(&request) == Some(&id)
            {
                self.by_request.remove(&request);
            }
        }
    }
}

fn requested(event: &Event, id: &CommandId) -> Option<Command> {
    let Change::Requested {
        command,
        arguments,
        at,
        not_before,
        not_after,
        priority,
        group,
        comment,
        request,
    } = &event.event
    else {
        return None;
    };
    Some(Command {
        id: id.clone(),
        spacecraft: event.spacecraft.clone(),
        authors: vec![event.actor.clone()],
        command: command.clone(),
        arguments: arguments.clone(),
        requested_at: *at,
        not_before: *not_before,
        not_after: *not_after,
        priority: *priority,
        order: event.sequence,
        group: group.clone(),
        comment: comment.clone(),
        request: *request,
        validated: None,
        approvals: Vec::new(),
        approved_by: None,
        armed: None,
        held: false,
        ordered_by: None,
        canary_verified: false,
        constraint_until: None,
        release: None,
        service: None,
        verifiers: Vec::new(),
        status: Status::Requested,
        times: Times {
            requested: Some(event.time),
            ..Times::default()
        },
        failed_at: None,
        reason: None,
    })
}
