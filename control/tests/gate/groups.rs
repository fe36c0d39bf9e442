use control::{FailedAt, GateError, Prepared, Request, Significance, Stage, Status};

use crate::world::*;
use control::gate::Waiting;

type Member = (Request, Result<Prepared, String>);

fn members(world: &World, number: usize) -> Vec<Member> {
    (1..=number)
        .map(|n| {
            let request = world.request(&format!("g-{n}"), &format!("node-{n}"), "ada");
            (request, Ok(prepared(1, Significance::None)))
        })
        .collect()
}

fn sent(world: &World) -> Vec<&str> {
    world
        .radiated
        .iter()
        .map(|r| r.spacecraft.as_str())
        .collect()
}

#[test]
fn few_go_at_once() {
    let mut world = World::new();
    let group = members(&world, 3);
    world.gate.handle_group(&id("g"), group, world.now).unwrap();
    world.tick();
    assert_eq!(world.radiated.len(), 3);
}

#[test]
fn of_many_one_goes_first_and_the_rest_when_it_is_verified() {
    let mut world = World::new();
    let group = members(&world, 5);
    world.gate.handle_group(&id("g"), group, world.now).unwrap();
    world.tick();
    assert_eq!(sent(&world), ["node-1"]);
    assert_eq!(
        world.waiting("g-2"),
        Some(Waiting::Canary { canary: id("g-1") })
    );
    world.sent("g-1");
    world.seen("g-1", Stage::Acceptance, true).unwrap();
    world.tick();
    assert_eq!(world.radiated.len(), 1, "accepted is not verified");
    world.append();
    world.restart();
    world.seen("g-1", Stage::Completion, true).unwrap();
    assert_eq!(world.gate.poll_timeout(world.now), Some(world.now));
    world.tick();
    assert_eq!(
        sent(&world),
        ["node-1", "node-2", "node-3", "node-4", "node-5"]
    );
}

#[test]
fn a_canary_that_fails_takes_the_rest_with_it() {
    type Failing = fn(&mut World);
    let fails: [Failing; 3] = [
        |world| {
            world.sent("g-1");
            world.seen("g-1", Stage::Completion, false).unwrap();
        },
        |world| world.wait(12 * 60),
        |world| {
            let reason = control::ReportKind::Refused {
                reason: "no".into(),
            };
            world.report("g-1", reason);
        },
    ];
    for fail in fails {
        let mut world = World::new();
        let group = members(&world, 4);
        world.gate.handle_group(&id("g"), group, world.now).unwrap();
        world.tick();
        fail(&mut world);
        world.tick();
        world.tick();
        for n in 2..=4 {
            let command = world.get(&format!("g-{n}"));
            assert_eq!(command.failed_at, Some(FailedAt::Canary));
            assert!(command.reason.as_ref().unwrap().contains("g-1"));
        }
        assert_eq!(world.radiated.len(), 1);
    }
}

#[test]
fn a_cancelled_canary_has_verified_nothing() {
    let mut world = World::new();
    let group = members(&world, 4);
    world.gate.handle_group(&id("g"), group, world.now).unwrap();
    world
        .gate
        .handle_cancel("ada", NODE, &id("g-1"), "no", world.now)
        .unwrap();
    world.tick();
    assert!(world.radiated.is_empty());
    assert_eq!(world.status("g-3"), Status::Failed);
}

#[test]
fn a_group_is_taken_whole_or_not_at_all() {
    type Spoil = fn(&mut Vec<Member>);
    type Expected = fn(&GateError) -> bool;
    let spoils: [(Spoil, Expected); 6] = [
        (
            |g| g[3].0.user = "nobody".into(),
            |e| matches!(e, GateError::Group { .. }),
        ),
        (
            |g| g[3].0.spacecraft = "moon".into(),
            |e| matches!(e, GateError::Group { .. }),
        ),
        (
            |g| g[3].1 = Err("out of range".into()),
            |e| matches!(e, GateError::Group { .. }),
        ),
        (
            |g| g[3].0.spacecraft = "node-1".into(),
            |e| matches!(e, GateError::GroupTwice { .. }),
        ),
        (
            |g| g[3].0.id = id("g-1"),
            |e| matches!(e, GateError::GroupTwice { .. }),
        ),
        (Vec::clear, |e| matches!(e, GateError::GroupSize { .. })),
    ];
    for (spoil, expected) in spoils {
        let mut world = World::new();
        let mut group = members(&world, 4);
        spoil(&mut group);
        let error = world
            .gate
            .handle_group(&id("g"), group, world.now)
            .unwrap_err();
        assert!(expected(&error), "{error:?}");
        assert!(world.gate.poll_append().is_none(), "nothing is written");
    }
}

#[test]
fn nobody_goes_first_where_nobody_would_know() {
    let mut world = World::new();
    let mut group = members(&world, 4);
    for (_, prepared) in &mut group {
        prepared.as_mut().unwrap().verifiers.clear();
    }
    let error = world
        .gate
        .handle_group(&id("g"), group, world.now)
        .unwrap_err();
    let GateError::Group { source, .. } = error else {
        panic!("{error:?}")
    };
    assert!(matches!(
        *source,
        GateError::CanaryUnverifiable { got: 4, max: 3, .. }
    ));
}

#[test]
fn a_group_cut_off_by_a_kill_is_completed_by_asking_again() {
    let mut whole = World::new();
    let group = members(&whole, 5);
    whole
        .gate
        .handle_group(&id("g"), group.clone(), whole.now)
        .unwrap();
    whole.append();
    for kept in 0..=whole.log.len() {
        let mut world = World::new();
        world.log = whole.log[..kept].to_vec();
        world.restart();
        world.tick();
        world.tick();
        assert!(
            world.radiated.iter().all(|r| r.spacecraft == "node-1"),
            "after {kept} events"
        );
        world
            .gate
            .handle_group(&id("g"), group.clone(), world.now)
            .unwrap();
        world.tick();
        assert_eq!(sent(&world), ["node-1"], "after {kept} events");
        assert_eq!(world.gate.state().open("node-5").count(), 1);
    }
}
