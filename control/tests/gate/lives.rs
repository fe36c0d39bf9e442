use control::{
    ConstraintOutcome, FailedAt, GateError, Mode, ReleaseCheck, ReportKind, Service, Significance,
    Stage, Status, verify_log,
};

use crate::world::*;
use control::gate::Waiting;

#[test]
fn a_command_is_requested_released_executed_and_verified() {
    let mut world = World::new();
    let answer = world.ask("c1", Significance::Watch).unwrap();
    assert_eq!((answer.changed, answer.status), (true, Status::Queued));
    world.tick();
    assert_eq!(world.radiated.len(), 1);
    assert_eq!(world.radiated[0].packet, packet(1));
    assert_eq!(world.status("c1"), Status::Released);
    world.now += SECOND;
    world.sent("c1");
    assert_eq!(world.status("c1"), Status::Accepted);
    assert!(world.seen("c1", Stage::Acceptance, true).unwrap());
    assert!(
        !world.seen("c1", Stage::Acceptance, true).unwrap(),
        "told twice is told once"
    );
    world.now += SECOND;
    assert!(world.seen("c1", Stage::Completion, true).unwrap());
    world.append();
    let row = world.get("c1").row();
    assert_eq!(row.status, Status::Completed);
    assert_eq!((row.requested, row.released), (START, Some(START)));
    assert_eq!(
        (row.radiated, row.accepted),
        (Some(START + SECOND), Some(START + SECOND))
    );
    assert_eq!(
        (row.executed, row.verified),
        (Some(START + 2 * SECOND), Some(START + 2 * SECOND))
    );
    assert_eq!((row.approved, &row.reason), (None, &None));
    assert_eq!(row.name, "/OC/Cap");
    assert_eq!(row.arguments, r#"{"power_w":350.5}"#);
    let text = serde_json::to_string(&row).unwrap();
    assert!(text.contains(r#""status":"completed""#), "{text}");

    let summary = verify_log(world.log.iter().map(Vec::as_slice), Some(&key().public())).unwrap();
    assert_eq!(
        (summary.events, summary.releases),
        (world.log.len() as u64, 1)
    );
    world.restart();
    assert_eq!(world.get("c1").row(), row, "folded again, it is the same");
}

#[test]
fn a_critical_command_needs_a_second_person_and_arming() {
    for level in [Significance::Critical, Significance::Severe] {
        let mut world = World::new();
        world.ask("c1", level).unwrap();
        world.tick();
        assert_eq!(world.waiting("c1"), Some(Waiting::Approval));
        assert_eq!(
            world.binding("c1"),
            world.bind("c1"),
            "what a client computes for itself"
        );
        assert_eq!(world.approve("bob", "c1").unwrap().status, Status::Queued);
        world.tick();
        assert_eq!(world.waiting("c1"), Some(Waiting::Arming));
        world
            .gate
            .handle_arm("ada", NODE, &id("c1"), world.now)
            .unwrap();
        world.tick();
        assert_eq!(world.radiated.len(), 1);
        assert_eq!(world.get("c1").row().approved_by.as_deref(), Some("bob"));
        // The release is good no longer than the arming (5 min) and the approval (30 min).
        assert_eq!(world.radiated[0].not_after, START + 300 * SECOND);
    }
}

#[test]
fn an_approval_expires_and_a_changed_window_voids_it() {
    let mut world = World::new();
    world.ask("c1", Significance::Critical).unwrap();
    world.approve("bob", "c1").unwrap();
    world.wait(30 * 60);
    assert_eq!(world.status("c1"), Status::AwaitingApproval);
    let before = world.binding("c1");
    world.approve("bob", "c1").unwrap();
    let window = (world.now, world.now + 60 * SECOND);
    let answer = world
        .gate
        .handle_reschedule("cyd", NODE, &id("c1"), window, world.now)
        .unwrap();
    assert_eq!(answer.status, Status::AwaitingApproval);
    // Who changed it is no second person, and an approval of what it was is none of what it is.
    assert!(matches!(
        world.approve("cyd", "c1"),
        Err(GateError::SamePerson { .. })
    ));
    let stale = world
        .gate
        .handle_approve("bob", NODE, &id("c1"), before, world.now);
    assert!(matches!(stale, Err(GateError::BindingMismatch { .. })));
    world.approve("bob", "c1").unwrap();
    world
        .gate
        .handle_arm("ada", NODE, &id("c1"), world.now)
        .unwrap();
    world.tick();
    assert_eq!(world.radiated.len(), 1);
}

#[test]
fn two_operators_who_approve_at_once_both_have() {
    let mut world = World::new();
    world.ask("c1", Significance::Critical).unwrap();
    assert!(world.approve("bob", "c1").unwrap().changed);
    assert!(world.approve("cyd", "c1").unwrap().changed);
    assert!(!world.approve("bob", "c1").unwrap().changed);
    world
        .gate
        .handle_arm("ada", NODE, &id("c1"), world.now)
        .unwrap();
    world.tick();
    assert_eq!(world.radiated.len(), 1);
    let late = world.approve("cyd", "c1");
    assert!(matches!(
        late,
        Err(GateError::NotNow {
            status: Status::Released,
            ..
        })
    ));
}

#[test]
fn one_approval_withdrawn_leaves_the_other() {
    let mut world = World::new();
    world.ask("c1", Significance::Critical).unwrap();
    world.approve("bob", "c1").unwrap();
    world.approve("cyd", "c1").unwrap();
    world
        .gate
        .handle_withdraw("bob", NODE, &id("c1"), "bob", "no", world.now)
        .unwrap();
    assert_eq!(world.status("c1"), Status::Queued);
    world
        .gate
        .handle_withdraw("bob", NODE, &id("c1"), "cyd", "no", world.now)
        .unwrap();
    assert_eq!(world.status("c1"), Status::AwaitingApproval);
}

#[test]
fn who_lost_a_role_has_approved_nothing() {
    let mut world = World::new();
    world.ask("c1", Significance::Critical).unwrap();
    world.approve("bob", "c1").unwrap();
    world
        .gate
        .handle_arm("ada", NODE, &id("c1"), world.now)
        .unwrap();
    let text = USERS.replacen(
        "id = \"bob\"\n    roles = [\"director\"]",
        "id = \"bob\"\n    roles = []",
        1,
    );
    assert_ne!(text, USERS);
    world
        .gate
        .handle_users(control::Users::parse(&text).unwrap());
    world.tick();
    assert_eq!(world.status("c1"), Status::AwaitingApproval);
    assert!(world.radiated.is_empty());
}

#[test]
fn higher_priorities_leave_first_and_equal_ones_in_order() {
    let mut world = World::new();
    for (count, (name, priority)) in [("a", 5), ("b", 9), ("c", 5), ("d", 9)].iter().enumerate() {
        let mut request = world.request(name, NODE, "ada");
        request.priority = *priority;
        let prepared = prepared(count as u16, Significance::None);
        world
            .gate
            .handle_request(&request, Ok(prepared), world.now)
            .unwrap();
    }
    world.tick();
    let order: Vec<&str> = world.radiated.iter().map(|r| r.command.as_str()).collect();
    assert_eq!(order, ["b", "d", "a", "c"]);
    let numbers: Vec<u64> = world.radiated.iter().map(|r| r.sequence).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[test]
fn holding_blocking_and_cancelling_keep_a_command() {
    use control::QueueState;
    let mut world = World::new();
    let blocked = QueueState::Blocked {
        reason: "eclipse".into(),
    };
    assert!(
        world
            .gate
            .handle_queue("bob", NODE, &blocked, world.now)
            .unwrap()
    );
    assert!(
        !world
            .gate
            .handle_queue("bob", NODE, &blocked, world.now)
            .unwrap()
    );
    world.ask("c1", Significance::None).unwrap();
    world.ask("c2", Significance::None).unwrap();
    world.tick();
    assert!(world.radiated.is_empty());
    assert_eq!(
        world.waiting("c1"),
        Some(Waiting::Queue {
            reason: "eclipse".into()
        })
    );
    world
        .gate
        .handle_hold("ada", NODE, &id("c1"), "wait", world.now)
        .unwrap();
    world
        .gate
        .handle_cancel("ada", NODE, &id("c2"), "no", world.now)
        .unwrap();
    world.append();
    world.restart();
    world
        .gate
        .handle_queue("bob", NODE, &QueueState::Enabled, world.now)
        .unwrap();
    world.tick();
    assert!(world.radiated.is_empty());
    assert_eq!(world.waiting("c1"), Some(Waiting::Held));
    world
        .gate
        .handle_resume("ada", NODE, &id("c1"), world.now)
        .unwrap();
    world.tick();
    assert_eq!(world.radiated.len(), 1);
    let late = world
        .gate
        .handle_cancel("ada", NODE, &id("c1"), "no", world.now);
    assert!(matches!(late, Err(GateError::NotNow { .. })));
    assert_eq!(world.status("c2"), Status::Cancelled);
}

#[test]
fn a_window_is_kept_at_both_ends() {
    let mut world = World::new();
    let mut request = world.request("c1", NODE, "ada");
    (request.not_before, request.not_after) =
        (Some(START + 10 * SECOND), Some(START + 20 * SECOND));
    world
        .gate
        .handle_request(&request, Ok(prepared(1, Significance::None)), world.now)
        .unwrap();
    request.id = id("c2");
    world
        .gate
        .handle_request(&request, Ok(prepared(2, Significance::None)), world.now)
        .unwrap();
    world
        .gate
        .handle_hold("ada", NODE, &id("c2"), "", world.now)
        .unwrap();
    world.wait(9);
    assert!(world.radiated.is_empty());
    assert_eq!(
        world.gate.poll_timeout(world.now),
        Some(START + 10 * SECOND)
    );
    world.wait(1);
    assert_eq!(world.radiated.len(), 1);
    assert_eq!(world.radiated[0].not_after, START + 20 * SECOND);
    world.wait(11);
    assert_eq!(world.status("c2"), Status::Expired);
}

#[test]
fn who_may_not_release_needs_somebody_who_may() {
    let mut world = World::new();
    let request = world.request("c1", NODE, "stack");
    world
        .gate
        .handle_request(&request, Ok(prepared(1, Significance::None)), world.now)
        .unwrap();
    world.tick();
    assert_eq!(world.waiting("c1"), Some(Waiting::Order));
    let own = world
        .gate
        .handle_release("stack", NODE, &id("c1"), world.now);
    assert!(matches!(own, Err(GateError::NotAllowed { .. })));
    world
        .gate
        .handle_release("bob", NODE, &id("c1"), world.now)
        .unwrap();
    world.tick();
    assert_eq!(world.radiated.len(), 1);
}

#[test]
fn constraints_hold_by_fresh_telemetry_only() {
    let outcomes = [
        (ConstraintOutcome::Hold { as_of: None }, false),
        (
            ConstraintOutcome::Hold {
                as_of: Some(START - 61 * SECOND),
            },
            false,
        ),
        (
            ConstraintOutcome::Hold {
                as_of: Some(START + 61 * SECOND),
            },
            false,
        ),
        (
            ConstraintOutcome::Fail {
                why: "too hot".into(),
            },
            false,
        ),
        (
            ConstraintOutcome::Hold {
                as_of: Some(START - 59 * SECOND),
            },
            true,
        ),
    ];
    for (outcome, leaves) in outcomes {
        let mut world = World::new();
        let request = world.request("c1", NODE, "ada");
        let mut prepared = prepared(1, Significance::None);
        prepared.constraints = vec![control::Constraint {
            text: "cool".into(),
            timeout_ms: None,
        }];
        world
            .gate
            .handle_request(&request, Ok(prepared), world.now)
            .unwrap();
        world.tick_with(&mut |_| ReleaseCheck {
            constraints: outcome.clone(),
            significance: Significance::None,
        });
        assert_eq!(world.radiated.len(), usize::from(leaves), "{outcome:?}");
        if !leaves {
            assert_eq!(world.get("c1").failed_at, Some(FailedAt::Constraint));
        }
    }
}

#[test]
fn a_constraint_is_waited_for() {
    let mut world = World::new();
    for name in ["c1", "c2"] {
        let request = world.request(name, NODE, "ada");
        let mut prepared = prepared(if name == "c1" { 1 } else { 2 }, Significance::None);
        prepared.constraints = vec![control::Constraint {
            text: "cool".into(),
            timeout_ms: Some(10_000),
        }];
        world
            .gate
            .handle_request(&request, Ok(prepared), world.now)
            .unwrap();
    }
    let mut hot = |_: &control::Command| ReleaseCheck {
        constraints: ConstraintOutcome::Fail {
            why: "too hot".into(),
        },
        significance: Significance::None,
    };
    world.tick_with(&mut hot);
    assert_eq!(world.status("c1"), Status::Queued);
    assert_eq!(world.get("c1").reason.as_deref(), Some("too hot"));
    world.restart();
    world.now += 5 * SECOND;
    let now = world.now;
    let mut one = hold(now);
    world.tick_with(&mut |command| {
        if command.id == id("c1") {
            one(command)
        } else {
            hot(command)
        }
    });
    assert_eq!(world.radiated.len(), 1);
    world.now += 5 * SECOND;
    world.tick_with(&mut hot);
    assert_eq!(world.status("c2"), Status::Failed);
}

#[test]
fn what_became_dangerous_since_its_request_needs_its_second_person() {
    let mut world = World::new();
    world.ask("c1", Significance::Watch).unwrap();
    world.tick_with(&mut |_| ReleaseCheck {
        constraints: ConstraintOutcome::Hold { as_of: None },
        significance: Significance::Critical,
    });
    assert!(world.radiated.is_empty());
    assert_eq!(world.waiting("c1"), Some(Waiting::Approval));
    world.approve("bob", "c1").unwrap();
    world
        .gate
        .handle_arm("ada", NODE, &id("c1"), world.now)
        .unwrap();
    world.tick();
    assert_eq!(world.radiated.len(), 1);
}

#[test]
fn later_commands_wait_for_an_interlock() {
    let mut world = World::new();
    let request = world.request("c1", NODE, "ada");
    let mut first = prepared(1, Significance::None);
    first.interlock = Some(Stage::Completion);
    world
        .gate
        .handle_request(&request, Ok(first), world.now)
        .unwrap();
    world.count = 1;
    world.ask("c2", Significance::None).unwrap();
    world.tick();
    assert_eq!(world.radiated.len(), 1);
    assert!(matches!(
        world.waiting("c2"),
        Some(Waiting::Interlock { .. })
    ));
    world.sent("c1");
    world.seen("c1", Stage::Acceptance, true).unwrap();
    world.tick();
    assert_eq!(world.radiated.len(), 1);
    world.seen("c1", Stage::Completion, true).unwrap();
    world.tick();
    assert_eq!(world.radiated.len(), 2);
}

#[test]
fn sent_is_not_executed() {
    // Each step, how far it is known to have come, and where the silence after it fails it.
    type Step = fn(&mut World);
    let radiate: Step = |w| {
        w.report(
            "c1",
            ReportKind::Radiated {
                service: Service::Ad,
            },
        );
    };
    let accept: Step = |w| {
        w.report("c1", ReportKind::Accepted {});
    };
    let take: Step = |w| {
        w.seen("c1", Stage::Acceptance, true).unwrap();
    };
    let steps = [
        (vec![], Status::Released, FailedAt::Radiation),
        (vec![radiate], Status::Radiated, FailedAt::Acceptance),
        (
            vec![radiate, accept],
            Status::Accepted,
            FailedAt::Acceptance,
        ),
        (
            vec![radiate, accept, take],
            Status::Accepted,
            FailedAt::Completion,
        ),
    ];
    for (done, status, fails_at) in steps {
        let mut world = World::new();
        world.ask("c1", Significance::None).unwrap();
        world.tick();
        for step in &done {
            step(&mut world);
        }
        assert_eq!(world.status("c1"), status);
        world.append();
        world.restart();
        // The driver sleeps until the gate says so.
        while world.status("c1") != Status::Failed {
            world.now = world
                .gate
                .poll_timeout(world.now)
                .expect("something is still to come");
            world.tick();
        }
        assert_eq!(world.get("c1").failed_at, Some(fails_at));
        let row = world.get("c1").row();
        assert_eq!(row.radiated.is_some(), !done.is_empty());
        assert_eq!((row.executed, row.verified), (None, None));
        // What comes after that is written down, and changes no verdict.
        world.seen("c1", Stage::Completion, true).unwrap();
        assert_eq!(world.status("c1"), Status::Failed);
        assert!(world.get("c1").row().verified.is_some());
    }
}

#[test]
fn a_failure_report_fails_with_its_stage() {
    for (stage, at) in [
        (Stage::Acceptance, FailedAt::Acceptance),
        (Stage::Start, FailedAt::Start),
        (Stage::Progress, FailedAt::Progress),
        (Stage::Completion, FailedAt::Completion),
        (Stage::Failure, FailedAt::Failure),
    ] {
        let mut world = World::new();
        world.ask("c1", Significance::None).unwrap();
        world.tick();
        world.sent("c1");
        world.seen("c1", stage, false).unwrap();
        assert_eq!(world.get("c1").failed_at, Some(at));
    }
}

#[test]
fn without_verifiers_the_link_says_all_there_is_to_know() {
    for (service, after_radiation) in [
        (Service::Bd, Status::Completed),
        (Service::Ad, Status::Radiated),
    ] {
        let mut world = World::new();
        let mut prepared = prepared(1, Significance::None);
        prepared.verifiers.clear();
        let request = world.request("c1", NODE, "ada");
        world
            .gate
            .handle_request(&request, Ok(prepared), world.now)
            .unwrap();
        world.tick();
        world.report("c1", ReportKind::Radiated { service });
        assert_eq!(world.status("c1"), after_radiation);
        if service == Service::Ad {
            world.wait(301);
            assert_eq!(world.get("c1").failed_at, Some(FailedAt::Clcw));
        }
    }
}

#[test]
fn a_station_refuses_or_gives_up() {
    for (report, at) in [
        (
            ReportKind::Refused {
                reason: "no link".into(),
            },
            FailedAt::Station,
        ),
        (
            ReportKind::NotAccepted {
                reason: "limit".into(),
            },
            FailedAt::Clcw,
        ),
    ] {
        let mut world = World::new();
        world.ask("c1", Significance::None).unwrap();
        world.tick();
        assert!(world.report("c1", report.clone()));
        assert!(!world.report("c1", report));
        assert_eq!(world.get("c1").failed_at, Some(at));
    }
    // A station that forgot that it has sent it cannot unsend it.
    let mut world = World::new();
    world.ask("c1", Significance::None).unwrap();
    world.tick();
    world.sent("c1");
    assert!(!world.report(
        "c1",
        ReportKind::Refused {
            reason: "replayed".into()
        }
    ));
    assert_eq!(world.status("c1"), Status::Accepted);
}

#[test]
fn nothing_leaves_a_replay_or_a_test_bus() {
    for mode in [Mode::Test, Mode::Replay] {
        let mut world = World::with(settings(), mode);
        world.ask("c1", Significance::None).unwrap();
        world.tick();
        assert_eq!(world.waiting("c1"), Some(Waiting::Mode));
        let order = world.gate.handle_release("ada", NODE, &id("c1"), world.now);
        assert_eq!(order, Err(GateError::Mode));
        world.wait(10);
        assert!(world.radiated.is_empty());
        // And its log is not one for an operational gate.
        world.restart();
        assert!(world.gate.state().find(&id("c1")).is_none());
    }
    // A replay of an operational log shows what was, and does nothing.
    let mut world = World::new();
    world.ask("c1", Significance::None).unwrap();
    world.append();
    let mut replay = open(&world.log, Mode::Replay, settings(), world.now);
    replay.handle_time(world.now, &mut hold(world.now)).unwrap();
    assert!(replay.poll_release().is_none());
    assert!(replay.state().find(&id("c1")).is_some());
}

#[test]
fn what_a_station_reported_while_no_gate_ran_is_known_to_the_next() {
    use control::Record;
    let mut world = World::new();
    world.ask("c1", Significance::None).unwrap();
    world.tick();
    for report in [
        ReportKind::Radiated {
            service: Service::Ad,
        },
        ReportKind::Accepted {},
    ] {
        let report = Record::Report(world.report_of("c1", report));
        for _ in 0..3 {
            world.log.push(report.encode().unwrap());
        }
    }
    world.restart();
    assert_eq!(world.status("c1"), Status::Accepted);
    world.append();
    let before = world.log.len();
    world.restart();
    world.append();
    assert_eq!(world.log.len(), before, "once");
}

#[test]
fn a_release_that_was_not_handed_over_is_offered_again() {
    let mut world = World::new();
    world.ask("c1", Significance::None).unwrap();
    world
        .gate
        .handle_time(world.now, &mut hold(world.now))
        .unwrap();
    world.append();
    // Killed before anybody asked for the release; and once more after somebody did.
    for _ in 0..2 {
        world.restart();
        world.radiate();
    }
    assert_eq!(world.radiated.len(), 1);
}
