use control::{
    Change, Digest, Event, Gate, GateError, LogProblem, Mode, Record, Significance, Stage, Status,
    Void, verify_log,
};

use crate::world::*;

fn event(octets: &[u8]) -> Event {
    match Record::parse(octets).unwrap() {
        Record::Event(event) => *event,
        Record::Report(_) => panic!("a report"),
    }
}

fn octets(event: Event) -> Vec<u8> {
    Record::Event(Box::new(event)).encode().unwrap()
}

/// A critical command that waits for its second person.
fn waiting() -> World {
    let mut world = World::new();
    world.ask("c1", Significance::Critical).unwrap();
    world
        .gate
        .handle_arm("ada", NODE, &id("c1"), world.now)
        .unwrap();
    world.append();
    world
}

/// The next event of the chain, hashed as it has to be, by somebody without the gate's key.
fn forged(world: &World, actor: &str, change: Change) -> Event {
    let last = event(world.log.last().unwrap());
    let mut forged = Event {
        sequence: last.sequence + 1,
        previous: last.hash,
        actor: actor.into(),
        event: change,
        ..last
    };
    forged.hash = forged.expected_hash();
    forged
}

#[test]
fn an_approval_written_into_the_topic_by_hand_approves_nothing() {
    let mut world = waiting();
    let change = Change::ApprovalGiven {
        binding: world.binding("c1"),
        expires: world.now + 1_000 * SECOND,
    };
    let forged = forged(&world, "bob", change);
    assert_eq!(forged.hash, forged.expected_hash(), "a hash is no secret");
    // To a gate that runs, and to one that starts on it.
    let record = Record::Event(Box::new(forged.clone()));
    assert_eq!(world.gate.handle_record(&record, world.now), Ok(()));
    world.tick();
    assert!(world.radiated.is_empty());
    world.log.push(octets(forged));
    world.restart();
    world.tick();
    assert!(world.radiated.is_empty());
    assert_eq!(world.status("c1"), Status::AwaitingApproval);
    let (voids, mut last) = world.gate.state().voids();
    assert_eq!(voids, 1);
    assert!(matches!(last.next(), Some(Void::Seal { .. })));
    drop(last);
    // The real one goes on behind it.
    world.approve("bob", "c1").unwrap();
    world.tick();
    assert_eq!(world.radiated.len(), 1);
}

#[test]
fn a_release_written_by_hand_does_not_pass_a_station() {
    let mut world = waiting();
    // The best that can be made without the key: the signature of an earlier release.
    world.ask("c2", Significance::None).unwrap();
    world.tick();
    let real = world.radiated[0].clone();
    let mut release = real.clone();
    release.command = id("c1");
    release.sequence = 2;
    world.take(release);
    world.take(real);
    assert_eq!(world.radiated.len(), 1);
}

#[test]
fn a_gate_with_another_key_reads_nothing_of_this_log() {
    let world = waiting();
    let other = control::GateKey::new(&[1; 32]);
    let gate = open(
        &world.log,
        Mode::Operational(Box::new(other.clone())),
        settings(),
        world.now,
    );
    assert!(gate.state().find(&id("c1")).is_none());
    let heir = other.with_retired(&[42; 32]);
    let gate = open(
        &world.log,
        Mode::Operational(Box::new(heir)),
        settings(),
        world.now,
    );
    assert!(gate.state().find(&id("c1")).is_some());
}

#[test]
fn a_changed_log_is_found_at_the_first_change() {
    let mut world = World::new();
    world.ask("c1", Significance::Critical).unwrap();
    world.approve("bob", "c1").unwrap();
    world
        .gate
        .handle_arm("ada", NODE, &id("c1"), world.now)
        .unwrap();
    world.tick();
    world.sent("c1");
    world.seen("c1", Stage::Completion, true).unwrap();
    world.append();
    let public = key().public();
    let verify = |log: &[Vec<u8>]| verify_log(log.iter().map(Vec::as_slice), Some(&public));
    let whole = verify(&world.log).unwrap();
    assert_eq!(whole.heads[NODE].1, world.log.len() as u64);

    for (position, record) in world.log.iter().enumerate() {
        // Any octet changed: no longer a record, or no longer in the chain.
        for at in 0..record.len() {
            let mut log = world.log.clone();
            log[position][at] ^= 1;
            match verify(&log) {
                Err(found) => assert_eq!(found.position, position as u64, "octet {at}"),
                // The seal is the gate's alone: nobody else can check it.
                Ok(_) => {
                    let seal = event(record).seal.unwrap().to_string();
                    let text = String::from_utf8(record.clone()).unwrap();
                    let start = text.find(&seal).unwrap();
                    assert!(
                        (start..start + 64).contains(&at),
                        "record {position} octet {at}"
                    );
                }
            }
        }
        if position + 1 == world.log.len() {
            let cut = verify(&world.log[..position]).unwrap();
            assert_ne!(
                cut.heads[NODE], whole.heads[NODE],
                "a lost end shows in the heads"
            );
            continue;
        }
        let mut log = world.log.clone();
        log.remove(position);
        assert_eq!(verify(&log).unwrap_err().position, position as u64);
        let mut log = world.log.clone();
        log.swap(position, position + 1);
        assert_eq!(verify(&log).unwrap_err().position, position as u64);
        let mut log = world.log.clone();
        log.insert(position + 1, record.clone());
        assert_eq!(
            verify(&log).unwrap().duplicates,
            1,
            "an append tried again is no change"
        );
    }
}

#[test]
fn who_hashes_the_whole_log_anew_still_needs_the_key() {
    let mut world = World::new();
    world.ask("c1", Significance::Critical).unwrap();
    world.approve("bob", "c1").unwrap();
    world
        .gate
        .handle_arm("ada", NODE, &id("c1"), world.now)
        .unwrap();
    world.tick();
    let mut previous = Digest::default();
    let log: Vec<Vec<u8>> = (world.log.iter())
        .map(|record| {
            let mut event = event(record);
            if event.actor == "bob" {
                event.actor = "cyd".into();
            }
            event.previous = previous;
            if let Change::Released { release } = &mut event.event {
                release.previous = previous;
            }
            event.hash = event.expected_hash();
            previous = event.hash;
            octets(event)
        })
        .collect();
    let records = || log.iter().map(Vec::as_slice);
    assert!(
        verify_log(records(), None).is_ok(),
        "the chain alone is consistent"
    );
    let found = verify_log(records(), Some(&key().public())).unwrap_err();
    assert!(matches!(found.problem, LogProblem::Release(_)));
}

#[test]
fn even_the_gate_cannot_release_twice_or_unapproved() {
    // Sealed events that the fold does not believe.
    let mut world = waiting();
    world.approve("bob", "c1").unwrap();
    world.tick();
    let released = world
        .log
        .iter()
        .map(|o| event(o))
        .find(|e| matches!(e.event, Change::Released { .. }));
    let again = forged(&world, "gate", released.unwrap().event);
    let mut log = world.log.clone();
    log.push(octets(again));
    let found = verify_log(log.iter().map(Vec::as_slice), None).unwrap_err();
    assert_eq!(found.position, world.log.len() as u64);
    assert!(matches!(
        found.problem,
        LogProblem::Event(Void::Illegal { .. })
    ));

    let world = waiting();
    for change in [
        Change::Queued {},
        Change::ApprovalGiven {
            binding: world.binding("c1"),
            expires: i64::MAX,
        },
    ] {
        // The second is ada's own.
        let mut log = world.log.clone();
        log.push(octets(forged(&world, "ada", change)));
        assert!(verify_log(log.iter().map(Vec::as_slice), None).is_err());
    }
}

/// Two gates on one log: what both append lands in one order.
fn second(world: &World) -> Gate {
    open(
        &world.log,
        Mode::Operational(Box::new(key())),
        settings(),
        world.now,
    )
}

fn drain(gate: &mut Gate) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = gate.poll_append() {
        gate.handle_appended(&event.hash).unwrap();
        events.push(event);
    }
    events
}

#[test]
fn of_two_gates_on_one_log_nothing_leaves_twice() {
    let mut world = World::new();
    world.ask("c1", Significance::None).unwrap();
    world.append();
    let mut other = second(&world);
    let check = &mut hold(world.now);
    world.gate.handle_time(world.now, check).unwrap();
    other.handle_time(world.now, check).unwrap();
    let (ours, theirs) = (drain(&mut world.gate), drain(&mut other));
    assert_eq!((ours.len(), theirs.len()), (1, 1), "both have released it");
    // Each reads the other's: both stop.
    for (gate, foreign) in [(&mut world.gate, &theirs[0]), (&mut other, &ours[0])] {
        // The same release of the same state at the same moment is the same event.
        assert_eq!(foreign.hash, ours[0].hash);
        let record = Record::Event(Box::new(foreign.clone()));
        assert_eq!(gate.handle_record(&record, world.now), Ok(()));
    }
    for release in [world.gate.poll_release(), other.poll_release()] {
        world.take(release.unwrap());
    }
    assert_eq!(world.radiated.len(), 1);
}

#[test]
fn a_gate_that_reads_what_it_did_not_write_stops() {
    let mut world = World::new();
    for name in ["c1", "c2"] {
        world.ask(name, Significance::None).unwrap();
    }
    world.append();
    let mut other = second(&world);
    // One releases now, the other a moment later, in another order.
    world
        .gate
        .handle_hold("ada", NODE, &id("c1"), "", world.now)
        .unwrap();
    let check = &mut hold(world.now);
    world.gate.handle_time(world.now, check).unwrap();
    other.handle_time(world.now + 1, check).unwrap();
    let (ours, theirs) = (drain(&mut world.gate), drain(&mut other));
    let log: Vec<Event> = ours.iter().chain(&theirs).cloned().collect();
    for event in &log {
        let record = Record::Event(Box::new(event.clone()));
        let _ = world.gate.handle_record(&record, world.now);
        let fenced = other.handle_record(&record, world.now);
        if ours.contains(event) {
            assert!(matches!(fenced, Err(GateError::Fenced { .. })));
        }
    }
    for gate in [&mut world.gate, &mut other] {
        assert!(gate.poll_release().is_none());
        let stopped = gate.handle_cancel("ada", NODE, &id("c1"), "", world.now);
        assert!(matches!(stopped, Err(GateError::Fenced { .. })));
        gate.handle_time(world.now + 5, check).unwrap();
        assert!(gate.poll_append().is_none());
    }
    // A station that takes all of it from the topic, and a third gate that is opened on it.
    for event in &log {
        if let Change::Released { release } = &event.event {
            world.take(release.clone());
        }
        world.log.push(octets(event.clone()));
    }
    world.restart();
    assert!(
        world.status("c1") >= Status::Released,
        "the second gate's release is known"
    );
    world
        .gate
        .handle_time(world.now, &mut hold(world.now))
        .unwrap();
    world.append();
    world.radiate();
    let mut sent: Vec<&str> = world.radiated.iter().map(|r| r.command.as_str()).collect();
    sent.sort_unstable();
    let before = sent.len();
    sent.dedup();
    assert_eq!(sent.len(), before, "nothing left twice");
}

#[test]
fn an_append_out_of_order_is_refused() {
    let mut world = World::new();
    world.ask("c1", Significance::None).unwrap();
    let first = world.gate.poll_append().unwrap();
    let second = world.gate.poll_append().unwrap();
    assert!(matches!(
        world.gate.handle_appended(&second.hash),
        Err(GateError::NotNext { .. })
    ));
    world.gate.handle_appended(&first.hash).unwrap();
}

#[test]
fn a_release_waits_until_its_event_is_durable() {
    let mut world = World::new();
    world.ask("c1", Significance::None).unwrap();
    world
        .gate
        .handle_time(world.now, &mut hold(world.now))
        .unwrap();
    let mut events = Vec::new();
    while let Some(event) = world.gate.poll_append() {
        events.push(event);
    }
    for event in events {
        assert!(world.gate.poll_release().is_none());
        world.gate.handle_appended(&event.hash).unwrap();
    }
    assert!(world.gate.poll_release().is_some());
}
