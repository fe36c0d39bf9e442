use control::{
    GateError, QueueState, ReportBy, ReportKind, Service, Settings, Significance, Stage, Status,
    TelemetryReport, Verb,
};

use crate::world::*;

/// A refusal leaves the queue as it was; `written`: the row says why.
fn refused(
    change: impl FnOnce(&mut World, &mut control::Request, &mut Result<control::Prepared, String>),
    written: bool,
) -> GateError {
    let mut world = World::new();
    world.ask("before", Significance::None).unwrap();
    let mut request = world.request("c1", NODE, "ada");
    let mut made = Ok(prepared(2, Significance::None));
    change(&mut world, &mut request, &mut made);
    let queue: Vec<_> = world
        .gate
        .state()
        .queue(NODE)
        .into_iter()
        .cloned()
        .collect();
    let error = world
        .gate
        .handle_request(&request, made, world.now)
        .unwrap_err();
    let after: Vec<_> = world
        .gate
        .state()
        .queue(NODE)
        .into_iter()
        .cloned()
        .collect();
    assert_eq!(queue, after);
    match world
        .gate
        .state()
        .find(&request.id)
        .filter(|c| c.status == Status::Rejected)
    {
        Some(command) => assert_eq!(command.reason, Some(error.to_string())),
        None => assert!(!written, "{error}"),
    }
    assert!(!error.to_string().is_empty());
    error
}

#[test]
fn what_the_mission_database_refuses() {
    for why in [
        "power_w: 900 is above 700",
        "power_w: not a number",
        "there is no command Cpa",
    ] {
        let error = refused(|_, _, prepared| *prepared = Err(why.into()), true);
        assert_eq!(error.to_string(), why);
    }
}

#[test]
fn users_who_may_not() {
    let error = refused(|_, r, _| r.user = "eve".into(), true);
    assert!(matches!(
        error,
        GateError::NotAllowed {
            verb: Verb::Request,
            ..
        }
    ));
    let error = refused(
        |_, _, p| p.as_mut().unwrap().name = "/Bus/Reset".into(),
        true,
    );
    assert!(matches!(error, GateError::NotAllowed { .. }));
    for user in ["Ada", "ADA", " ada", "ada ", "", "аda", "nobody"] {
        let error = refused(|_, r, _| r.user = user.into(), false);
        assert!(matches!(error, GateError::UnknownUser { .. }), "{user:?}");
    }
}

#[test]
fn spacecraft_that_are_not_behind_this_gate() {
    for name in ["moon", "Node-1", ""] {
        let error = refused(|_, r, _| r.spacecraft = name.into(), false);
        assert!(matches!(error, GateError::UnknownSpacecraft { .. }));
    }
}

#[test]
fn windows_that_are_none() {
    for (from, to) in [(10, 10), (20, 10), (-20, -10), (0, 8 * 24 * 3600)] {
        let error = refused(
            |_, r, _| {
                (r.not_before, r.not_after) =
                    (Some(START + from * SECOND), Some(START + to * SECOND));
            },
            true,
        );
        assert!(matches!(error, GateError::Window { .. }), "{from} {to}");
    }
    for (from, to) in [
        (i64::MIN, i64::MAX),
        (i64::MAX, i64::MIN),
        (i64::MAX, i64::MAX),
    ] {
        let error = refused(
            |_, r, _| (r.not_before, r.not_after) = (Some(from), Some(to)),
            true,
        );
        assert!(matches!(error, GateError::Window { .. }));
    }
    refused(|_, r, _| r.not_before = Some(i64::MAX), true);
}

#[test]
fn requests_from_another_time() {
    for seconds in [-3601, 3, i64::MIN / SECOND, i64::MAX / SECOND] {
        let error = refused(
            |_, r, _| r.time = r.time.saturating_add(seconds * SECOND),
            false,
        );
        assert!(matches!(error, GateError::RequestTime { .. }), "{seconds}");
    }
}

#[test]
fn packets_of_no_length() {
    for length in [0, 65_543] {
        let error = refused(|_, _, p| p.as_mut().unwrap().packet = vec![0; length], true);
        assert!(matches!(error, GateError::PacketLength { max: 65_542, .. }));
    }
    let error = refused(|_, r, _| r.comment = "x".repeat(1_025), false);
    assert!(matches!(error, GateError::TooLong { .. }));
}

#[test]
fn a_request_identifier_that_is_in_use() {
    let error = refused(|_, _, p| p.as_mut().unwrap().packet = packet(1), true);
    assert!(matches!(error, GateError::RequestIdInUse { .. }));
    let world = {
        let mut world = World::new();
        world.ask("c1", Significance::None).unwrap();
        world
    };
    assert_eq!(world.gate.state().next_sequence_count(NODE, 42), 2);
    assert_eq!(world.gate.state().next_sequence_count(NODE, 43), 0);
}

#[test]
fn an_identifier_that_is_another_requests() {
    let error = refused(|_, r, _| (r.id, r.priority) = (id("before"), 1), false);
    assert!(matches!(error, GateError::IdInUse { .. }));
    // For another spacecraft too.
    let error = refused(
        |_, r, _| (r.id, r.spacecraft) = (id("before"), OTHER.into()),
        false,
    );
    assert!(matches!(error, GateError::IdInUse { .. }));
}

#[test]
fn the_same_request_again_is_the_same_command() {
    let mut world = World::new();
    let request = world.request("c1", NODE, "ada");
    for changed in [true, false, false] {
        let made = Ok(prepared(1, Significance::None));
        let answer = world
            .gate
            .handle_request(&request, made, world.now)
            .unwrap();
        assert_eq!(answer.changed, changed);
        world.tick();
    }
    assert_eq!(world.radiated.len(), 1);
    // Long after its end too, and then it is too old.
    world.sent("c1");
    world.seen("c1", Stage::Completion, true).unwrap();
    world.append();
    for _ in 0..20 {
        world.wait(300);
        world.restart();
        let made = Ok(prepared(9, Significance::None));
        match world.gate.handle_request(&request, made, world.now) {
            Ok(answer) => assert!(!answer.changed),
            Err(error) => assert!(matches!(error, GateError::RequestTime { .. })),
        }
        // Other commands make it forget.
        let name = format!("other-{}", world.now);
        world.count += 100;
        world.ask(&name, Significance::None).unwrap();
    }
    assert!(
        world.gate.state().find(&id("c1")).is_none(),
        "forgotten at last"
    );
    assert_eq!(
        world
            .radiated
            .iter()
            .filter(|r| r.command == id("c1"))
            .count(),
        1
    );
}

#[test]
fn a_full_queue_takes_no_more() {
    let error = refused(
        |world, request, made| {
            for n in 0..7 {
                world
                    .ask(&format!("c-{n}"), Significance::Critical)
                    .unwrap();
            }
            request.id = id("one-more");
            *made = Ok(prepared(99, Significance::None));
        },
        true,
    );
    assert!(matches!(error, GateError::QueueFull { max: 8, .. }));
}

#[test]
fn a_disabled_queue_takes_nothing() {
    let disabled = QueueState::Disabled {
        reason: "handed over".into(),
    };
    let error = refused(
        |world, _, _| {
            world
                .gate
                .handle_queue("bob", NODE, &disabled, world.now)
                .unwrap();
        },
        true,
    );
    assert!(error.to_string().contains("handed over"));
    let mut world = World::new();
    let ada = world.gate.handle_queue("ada", NODE, &disabled, world.now);
    assert!(matches!(
        ada,
        Err(GateError::NotAllowed {
            verb: Verb::Administer,
            ..
        })
    ));
}

#[test]
fn a_full_memory_takes_no_more() {
    let mut world = World::with(
        Settings {
            remembered_max: 3,
            ..settings()
        },
        control::Mode::Operational(Box::new(key())),
    );
    for n in 0..3 {
        let name = format!("c-{n}");
        world.ask(&name, Significance::None).unwrap();
        world
            .gate
            .handle_cancel("ada", NODE, &id(&name), "", world.now)
            .unwrap();
    }
    assert!(matches!(
        world.ask("c-4", Significance::None),
        Err(GateError::HistoryFull { max: 3, .. })
    ));
}

#[test]
fn a_caller_that_appends_nothing_is_stopped() {
    let mut world = World::with(
        Settings {
            unappended_max: 40,
            group_max: 4,
            ..settings()
        },
        control::Mode::Operational(Box::new(key())),
    );
    let mut stopped = false;
    for n in 0..100 {
        let name = format!("c-{n}");
        let asked = world.ask(&name, Significance::None);
        if let Err(GateError::Backlog { max: 40, .. }) = asked {
            stopped = true;
            break;
        }
        let cancel = world
            .gate
            .handle_cancel("ada", NODE, &id(&name), "", world.now);
        stopped = stopped || cancel.is_err();
    }
    assert!(stopped);
    world.append();
    world.ask("after", Significance::None).unwrap();
}

#[test]
fn one_person_is_not_two() {
    let mut world = World::new();
    world.ask("c1", Significance::Severe).unwrap();
    world
        .gate
        .handle_arm("ada", NODE, &id("c1"), world.now)
        .unwrap();
    for user in ["ada", "ada.director"] {
        let own = world.approve(user, "c1");
        assert!(matches!(own, Err(GateError::SamePerson { .. })), "{user}");
    }
    for user in [
        "ADA",
        "Bob",
        "bob ",
        "gate",
        "spacecraft",
        "station:svalbard",
    ] {
        let unknown = world.approve(user, "c1");
        assert!(
            matches!(unknown, Err(GateError::UnknownUser { .. })),
            "{user}"
        );
    }
    for user in ["eve", "stack"] {
        let not = world.approve(user, "c1");
        assert!(matches!(not, Err(GateError::NotAllowed { .. })), "{user}");
    }
    world
        .gate
        .handle_release("ada", NODE, &id("c1"), world.now)
        .unwrap();
    world.tick();
    assert!(world.radiated.is_empty());
    assert_eq!(world.status("c1"), Status::AwaitingApproval);
}

#[test]
fn approvals_of_something_else() {
    let mut world = World::new();
    world.ask("c1", Significance::Critical).unwrap();
    world.ask("c2", Significance::Critical).unwrap();
    world.ask("mild", Significance::Watch).unwrap();
    let (of_c2, of_mild) = (world.binding("c2"), world.binding("mild"));
    let now = world.now;
    let gate = &mut world.gate;
    let other = gate.handle_approve("bob", NODE, &id("c1"), of_c2, now);
    assert!(matches!(other, Err(GateError::BindingMismatch { .. })));
    let wrong = gate.handle_approve("bob", OTHER, &id("c1"), of_c2, now);
    assert!(matches!(wrong, Err(GateError::WrongSpacecraft { .. })));
    let none = gate.handle_approve("bob", NODE, &id("c9"), of_c2, now);
    assert!(matches!(none, Err(GateError::UnknownCommand { .. })));
    let mild = gate.handle_approve("bob", NODE, &id("mild"), of_mild, now);
    assert!(matches!(mild, Err(GateError::ApprovalNotNeeded { .. })));
    let arm = gate.handle_arm("ada", NODE, &id("mild"), now);
    assert!(matches!(arm, Err(GateError::ArmingNotNeeded { .. })));
    let late = gate.handle_approve("bob", NODE, &id("c1"), of_c2, now + 7200 * SECOND);
    assert!(late.is_err());
}

#[test]
fn an_approval_after_the_window_is_too_late() {
    let mut world = World::new();
    world.ask("c1", Significance::Critical).unwrap();
    world.now += 3601 * SECOND;
    assert!(matches!(
        world.approve("bob", "c1"),
        Err(GateError::NotNow { .. })
    ));
    assert_eq!(world.status("c1"), Status::Expired);
}

#[test]
fn reports_of_nothing_change_nothing() {
    let mut world = World::new();
    world.ask("c1", Significance::None).unwrap();
    let early = world.seen("c1", Stage::Acceptance, true);
    assert!(matches!(
        early,
        Err(GateError::NotNow {
            status: Status::Queued,
            ..
        })
    ));
    world.tick();
    let good = world.report_of(
        "c1",
        ReportKind::Radiated {
            service: Service::Bd,
        },
    );
    let before = world.get("c1").clone();

    let mut wrong = good.clone();
    wrong.release = 2;
    let answer = world.gate.handle_station_report(&wrong, world.now);
    assert!(matches!(
        answer,
        Err(GateError::UnknownRelease { release: 2, .. })
    ));
    let mut wrong = good.clone();
    wrong.spacecraft = OTHER.into();
    let answer = world.gate.handle_station_report(&wrong, world.now);
    assert!(matches!(answer, Err(GateError::WrongSpacecraft { .. })));

    let report = |count, at| TelemetryReport {
        spacecraft: NODE.into(),
        by: ReportBy::Request(control::RequestId {
            apid: 42,
            sequence_count: count,
        }),
        stage: Stage::Acceptance,
        at,
        success: true,
        code: None,
        text: String::new(),
    };
    let answer = world
        .gate
        .handle_telemetry(&report(77, world.now), world.now);
    assert!(matches!(answer, Err(GateError::UnknownRequest { .. })));
    // Of the command that had this sequence count before it came round.
    let answer = world
        .gate
        .handle_telemetry(&report(1, START - 10 * SECOND), world.now);
    assert!(matches!(answer, Err(GateError::TooEarly { .. })));
    assert_eq!(*world.get("c1"), before);
    assert!(world.gate.handle_station_report(&good, world.now).unwrap());
    assert!(!world.gate.handle_station_report(&good, world.now).unwrap());
}

#[test]
fn settings_that_contradict_themselves_open_no_gate() {
    let users = control::Users::parse(USERS).unwrap();
    for settings in [
        Settings {
            second_person_from: Significance::Severe,
            ..settings()
        },
        Settings {
            queue_max: 0,
            ..settings()
        },
        Settings {
            unappended_max: 1,
            ..settings()
        },
        Settings {
            spacecraft: vec!["a".into(), "a".into()],
            ..settings()
        },
    ] {
        let opened = control::Gate::open(settings, users.clone(), control::Mode::Test, [], START);
        assert!(matches!(opened, Err(GateError::Settings(_))));
    }
}
