use std::collections::{BTreeMap, BTreeSet};

use control::{
    Change, CommandId, ConstraintOutcome, QueueState, Record, ReleaseCheck, ReportKind, Request,
    Service, Significance, Stage, Status, verify_log,
};
use proptest::prelude::*;

use crate::world::*;

#[derive(Clone, Debug)]
enum Input {
    Request {
        command: u8,
        spacecraft: u8,
        user: u8,
        level: u8,
        not_after: u16,
    },
    Group {
        first: u8,
    },
    Approve {
        command: u8,
        user: u8,
    },
    Withdraw {
        command: u8,
        user: u8,
    },
    Arm {
        command: u8,
        user: u8,
    },
    Hold {
        command: u8,
        user: u8,
    },
    Resume {
        command: u8,
        user: u8,
    },
    Release {
        command: u8,
        user: u8,
    },
    Cancel {
        command: u8,
        user: u8,
    },
    Reschedule {
        command: u8,
        user: u8,
        seconds: u16,
    },
    Queue {
        spacecraft: u8,
        state: u8,
        user: u8,
    },
    Report {
        command: u8,
        kind: u8,
    },
    Telemetry {
        command: u8,
        stage: u8,
        success: bool,
    },
    Wait {
        seconds: u16,
    },
    Time {
        good: bool,
    },
    /// So many of the events that wait become durable.
    Append {
        events: u8,
    },
    /// Killed; of what was not told to be durable, so many events are.
    Kill {
        durable: u8,
    },
    /// The station takes all releases from the log once more.
    Reread,
}

const USER_IDS: [&str; 6] = ["ada", "bob", "cyd", "ada.director", "eve", "stack"];
const LEVELS: [Significance; 4] = [
    Significance::None,
    Significance::Distress,
    Significance::Critical,
    Significance::Severe,
];
const STAGES: [Stage; 5] = [
    Stage::Acceptance,
    Stage::Start,
    Stage::Progress,
    Stage::Completion,
    Stage::Failure,
];

/// Mostly who may, sometimes who may not.
fn user(likely: u8) -> impl Strategy<Value = u8> {
    prop_oneof![5 => Just(likely), 2 => 0..6_u8]
}

fn input() -> impl Strategy<Value = Input> {
    let command = || 0..8_u8;
    let any_command = || prop_oneof![6 => 0..8_u8, 1 => 20..28_u8];
    let report = || prop_oneof![3 => 0..3_u8, 1 => 0..5_u8];
    prop_oneof![
        6 => (command(), 0..2_u8, user(0), 0..4_u8, 60..4_000_u16).prop_map(
            |(command, spacecraft, user, level, not_after)| Input::Request {
                command, spacecraft, user, level, not_after
            }),
        1 => (20..24_u8).prop_map(|first| Input::Group { first }),
        6 => (command(), user(1)).prop_map(|(command, user)| Input::Approve { command, user }),
        1 => (command(), user(1)).prop_map(|(command, user)| Input::Withdraw { command, user }),
        6 => (command(), user(0)).prop_map(|(command, user)| Input::Arm { command, user }),
        1 => (command(), user(0)).prop_map(|(command, user)| Input::Hold { command, user }),
        2 => (command(), user(0)).prop_map(|(command, user)| Input::Resume { command, user }),
        1 => (command(), user(2)).prop_map(|(command, user)| Input::Release { command, user }),
        1 => (command(), user(0)).prop_map(|(command, user)| Input::Cancel { command, user }),
        2 => (command(), user(1), 60..4_000_u16).prop_map(
            |(command, user, seconds)| Input::Reschedule { command, user, seconds }),
        1 => (0..2_u8, 0..12_u8, user(1)).prop_map(
            |(spacecraft, state, user)| Input::Queue { spacecraft, state, user }),
        4 => (any_command(), report()).prop_map(|(command, kind)| Input::Report { command, kind }),
        4 => (any_command(), 0..5_u8, prop::bool::weighted(0.8)).prop_map(
            |(command, stage, success)| Input::Telemetry { command, stage, success }),
        3 => (0..40_u16).prop_map(|seconds| Input::Wait { seconds }),
        1 => (0..2_000_u16).prop_map(|seconds| Input::Wait { seconds }),
        8 => prop::bool::weighted(0.8).prop_map(|good| Input::Time { good }),
        6 => (1..24_u8).prop_map(|events| Input::Append { events }),
        2 => (0..12_u8).prop_map(|durable| Input::Kill { durable }),
        1 => Just(Input::Reread),
    ]
}

/// A world whose appends can stop halfway.
struct Torn {
    world: World,
    /// Given to the caller, and not told to be durable.
    open: Vec<control::Event>,
    requests: BTreeMap<CommandId, Request>,
    /// Requests whose events were all durable: their users were answered.
    answered: BTreeSet<CommandId>,
}

impl Torn {
    fn name(command: u8) -> CommandId {
        id(&format!("c-{command}"))
    }

    fn append(&mut self, mut events: usize) {
        while events > 0 {
            let Some(event) = self.world.gate.poll_append() else {
                break;
            };
            self.world.gate.handle_appended(&event.hash).unwrap();
            self.world
                .log
                .push(Record::Event(Box::new(event)).encode().unwrap());
            events -= 1;
        }
        self.world.radiate();
        if self
            .world
            .gate
            .poll_append()
            .map(|event| self.open.push(event))
            .is_none()
        {
            for command in self.requests.keys() {
                if self.world.gate.state().find(command).is_some() {
                    self.answered.insert(command.clone());
                }
            }
        }
        // What was polled to see whether there is more.
        for event in std::mem::take(&mut self.open) {
            self.world.gate.handle_appended(&event.hash).unwrap();
            self.world
                .log
                .push(Record::Event(Box::new(event)).encode().unwrap());
        }
    }

    fn kill(&mut self, durable: usize) {
        for _ in 0..durable {
            let Some(event) = self.world.gate.poll_append() else {
                break;
            };
            // Durable, and the gate was never told.
            self.world
                .log
                .push(Record::Event(Box::new(event)).encode().unwrap());
        }
        self.world.restart();
    }

    fn handle(&mut self, input: &Input) {
        let now = self.world.now;
        let user = |user: u8| USER_IDS[usize::from(user) % USER_IDS.len()];
        let place = |state: &control::State, command: u8| {
            let id = Self::name(command);
            state
                .find(&id)
                .map(|command| (command.spacecraft.clone(), id, command.binding()))
        };
        let found = |command: u8| place(self.world.gate.state(), command);
        match *input {
            Input::Request {
                command,
                spacecraft,
                user: by,
                level,
                not_after,
            } => {
                let name = Self::name(command);
                let spacecraft = [NODE, OTHER][usize::from(spacecraft)];
                let mut request = self.world.request(name.as_str(), spacecraft, user(by));
                request.not_after = Some(now + i64::from(not_after) * SECOND);
                // Often the same one again.
                let request = match self.requests.get(&name) {
                    Some(before) if level % 2 == 0 => before.clone(),
                    _ => request,
                };
                let count = self.world.gate.state().next_sequence_count(spacecraft, 42);
                let made = prepared(count, LEVELS[usize::from(level)]);
                let new = self.world.gate.state().find(&name).is_none();
                if self
                    .world
                    .gate
                    .handle_request(&request, Ok(made), now)
                    .is_ok()
                    && new
                {
                    self.requests.insert(name, request);
                }
            }
            Input::Group { first } => {
                let members = (0..4_u8).map(|n| {
                    let name = Self::name(first + n);
                    let spacecraft = format!("node-{}", n + 1);
                    let count = self.world.gate.state().next_sequence_count(&spacecraft, 42);
                    let request = self.world.request(name.as_str(), &spacecraft, "ada");
                    let request = self.requests.get(&name).cloned().unwrap_or(request);
                    (request, Ok(prepared(count, Significance::None)))
                });
                let members: Vec<_> = members.collect();
                let requests: Vec<Request> = members.iter().map(|(r, _)| r.clone()).collect();
                let group = Self::name(first);
                if self.world.gate.handle_group(&group, members, now).is_ok() {
                    for request in requests {
                        self.requests.insert(request.id.clone(), request);
                    }
                }
            }
            Input::Approve { command, user: by } => {
                if let Some((spacecraft, id, bound)) = found(command) {
                    let _ = self
                        .world
                        .gate
                        .handle_approve(user(by), &spacecraft, &id, bound, now);
                }
            }
            Input::Withdraw { command, user: by } => {
                if let Some((spacecraft, id, _)) = found(command) {
                    let (by, whose) = (user(by), user(by.wrapping_add(1)));
                    let _ = self
                        .world
                        .gate
                        .handle_withdraw(by, &spacecraft, &id, whose, "", now);
                }
            }
            Input::Arm { command, user: by } => {
                if let Some((spacecraft, id, _)) = found(command) {
                    let _ = self.world.gate.handle_arm(user(by), &spacecraft, &id, now);
                }
            }
            Input::Hold { command, user: by } => {
                if let Some((spacecraft, id, _)) = found(command) {
                    let _ = self
                        .world
                        .gate
                        .handle_hold(user(by), &spacecraft, &id, "", now);
                }
            }
            Input::Resume { command, user: by } => {
                if let Some((spacecraft, id, _)) = found(command) {
                    let _ = self
                        .world
                        .gate
                        .handle_resume(user(by), &spacecraft, &id, now);
                }
            }
            Input::Release { command, user: by } => {
                if let Some((spacecraft, id, _)) = found(command) {
                    let _ = self
                        .world
                        .gate
                        .handle_release(user(by), &spacecraft, &id, now);
                }
            }
            Input::Cancel { command, user: by } => {
                if let Some((spacecraft, id, _)) = found(command) {
                    let _ = self
                        .world
                        .gate
                        .handle_cancel(user(by), &spacecraft, &id, "", now);
                }
            }
            Input::Reschedule {
                command,
                user: by,
                seconds,
            } => {
                if let Some((spacecraft, id, _)) = found(command) {
                    let window = (now, now + i64::from(seconds) * SECOND);
                    let gate = &mut self.world.gate;
                    let _ = gate.handle_reschedule(user(by), &spacecraft, &id, window, now);
                }
            }
            Input::Queue {
                spacecraft,
                state,
                user: by,
            } => {
                let state = match state {
                    0 => QueueState::Blocked { reason: "b".into() },
                    1 => QueueState::Disabled { reason: "d".into() },
                    _ => QueueState::Enabled,
                };
                let spacecraft = [NODE, OTHER][usize::from(spacecraft)];
                let _ = self
                    .world
                    .gate
                    .handle_queue(user(by), spacecraft, &state, now);
            }
            Input::Report { command, kind } => {
                let id = Self::name(command);
                if self
                    .world
                    .gate
                    .state()
                    .find(&id)
                    .is_some_and(|c| c.release.is_some())
                {
                    let kind = match kind {
                        0 => ReportKind::Radiated {
                            service: Service::Ad,
                        },
                        1 => ReportKind::Radiated {
                            service: Service::Bd,
                        },
                        2 => ReportKind::Accepted {},
                        3 => ReportKind::Refused { reason: "r".into() },
                        _ => ReportKind::NotAccepted { reason: "n".into() },
                    };
                    let report = self.world.report_of(id.as_str(), kind);
                    let _ = self.world.gate.handle_station_report(&report, now);
                }
            }
            Input::Telemetry {
                command,
                stage,
                success,
            } => {
                let id = Self::name(command);
                if self
                    .world
                    .gate
                    .state()
                    .find(&id)
                    .is_some_and(|c| c.release.is_some())
                {
                    let stage = STAGES[usize::from(stage)];
                    let _ = self.world.seen(id.as_str(), stage, success);
                }
            }
            Input::Wait { seconds } => self.world.now += i64::from(seconds) * SECOND,
            Input::Time { good } => {
                let check = &mut |command: &control::Command| ReleaseCheck {
                    constraints: if good {
                        ConstraintOutcome::Hold { as_of: Some(now) }
                    } else {
                        ConstraintOutcome::Fail { why: "bad".into() }
                    },
                    significance: command.significance().unwrap_or_default(),
                };
                self.world.gate.handle_time(now, check).unwrap();
            }
            Input::Append { events } => self.append(usize::from(events)),
            Input::Kill { durable } => self.kill(usize::from(durable)),
            Input::Reread => {
                for octets in self.world.log.clone() {
                    if let Record::Event(event) = Record::parse(&octets).unwrap()
                        && let Change::Released { release } = event.event
                    {
                        self.world.take(release);
                    }
                }
            }
        }
    }

    fn check(&self) {
        let public = key().public();
        let records = self.world.log.iter().map(Vec::as_slice);
        verify_log(records, Some(&public)).expect("the log is whole");

        // Never twice, in the log and on the air.
        let mut released = BTreeSet::new();
        let mut approvers: BTreeMap<CommandId, BTreeSet<String>> = BTreeMap::new();
        let mut authors: BTreeMap<CommandId, BTreeSet<String>> = BTreeMap::new();
        let mut levels = BTreeMap::new();
        let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
        for octets in &self.world.log {
            let Record::Event(event) = Record::parse(octets).unwrap() else {
                continue;
            };
            let Some(command) = event.command.clone() else {
                continue;
            };
            match event.event {
                Change::Requested { .. } | Change::Rescheduled { .. } => {
                    approvers.remove(&command);
                    authors.entry(command).or_default().insert(event.actor);
                }
                Change::Validated { significance, .. } => {
                    levels.insert(command, significance);
                }
                Change::ApprovalGiven { .. } => {
                    approvers.entry(command).or_default().insert(event.actor);
                }
                Change::ApprovalExpired { user } | Change::ApprovalWithdrawn { user, .. } => {
                    approvers.entry(command).or_default().remove(&user);
                }
                Change::Released { release } => {
                    let last = numbers.entry(release.spacecraft).or_insert(0);
                    *last += 1;
                    assert_eq!(release.sequence, *last, "a number is used once");
                    assert!(
                        released.insert(command.clone()),
                        "{command} was released twice"
                    );
                    if levels[&command] >= Significance::Critical {
                        let person = |user: &String| user.split('.').next().unwrap().to_owned();
                        let authors: BTreeSet<String> =
                            authors[&command].iter().map(person).collect();
                        let second = approvers.get(&command).into_iter().flatten().map(person);
                        assert!(
                            second.into_iter().any(|person| !authors.contains(&person)),
                            "{command} was released by one person"
                        );
                    }
                }
                _ => {}
            }
        }
        let mut radiated = BTreeSet::new();
        for release in &self.world.radiated {
            assert!(
                radiated.insert(&release.command),
                "{} left twice",
                release.command
            );
            assert!(
                released.contains(&release.command),
                "what left is in the log"
            );
        }
        // Never lost.
        for command in &self.answered {
            assert!(
                self.world.gate.state().find(command).is_some(),
                "{command} was lost"
            );
        }
    }
}

trait Binding {
    fn binding(&self) -> control::Digest;
}

impl Binding for control::Command {
    fn binding(&self) -> control::Digest {
        self.validated
            .as_ref()
            .map(|v| v.binding)
            .unwrap_or_default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn whatever_happens_nothing_is_lost_released_twice_or_by_one_person(
        inputs in prop::collection::vec(input(), 1..300)
    ) {
        let mut settings = settings();
        // Nothing is forgotten here: what was answered has to be found.
        settings.request_age_ms_max = 1 << 40;
        let mut torn = Torn {
            world: World::with(settings.clone(), control::Mode::Operational(Box::new(key()))),
            open: Vec::new(),
            requests: BTreeMap::new(),
            answered: BTreeSet::new(),
        };
        for input in &inputs {
            torn.handle(input);
        }
        torn.append(usize::MAX);
        torn.check();

        // Folded again, it is the same.
        let again = open(&torn.world.log, control::Mode::Replay, settings, torn.world.now);
        for spacecraft in ["node-1", "node-2", "node-3", "node-4"] {
            let ours: Vec<_> = torn.world.gate.state().commands(spacecraft).collect();
            let theirs: Vec<_> = again.state().commands(spacecraft).collect();
            prop_assert_eq!(ours, theirs);
        }

        // Left alone, every command comes to its end.
        for _ in 0..400 {
            let Some(next) = torn.world.gate.poll_timeout(torn.world.now) else { break };
            torn.world.now = next.max(torn.world.now);
            torn.world.tick();
        }
        for spacecraft in ["node-1", "node-2", "node-3", "node-4"] {
            prop_assert_eq!(torn.world.gate.state().open(spacecraft).count(), 0);
        }
        torn.check();
        // What was never validated never left.
        for command in torn.world.gate.state().commands(NODE) {
            prop_assert!(command.validated.is_some() || command.release.is_none());
            prop_assert!(command.validated.is_some() || command.status > Status::Failed);
        }
    }
}
