use super::*;

const NOW: i64 = 1_000_000;

fn key() -> GateKey {
    GateKey::new(&[7; 32])
}

fn release(sequence: u64, command: &str) -> Release {
    Release {
        spacecraft: "node-1".into(),
        command: CommandId::new(command).unwrap(),
        sequence,
        not_before: NOW - 10,
        not_after: NOW + 10,
        packet: vec![0x18, 1, 2, 3],
        packet_sha256: Digest::default(),
        previous: Digest([3; 32]),
        signature: Vec::new(),
    }
    .sign(&key())
}

#[test]
fn a_release_is_taken_once() {
    let mut guard = ReleaseGuard::default();
    let public = key().public();
    let take = |guard: &mut ReleaseGuard, r: &Release| guard.take(&public, r, "node-1", NOW);
    assert_eq!(take(&mut guard, &release(1, "a")), Ok(()));
    assert!(matches!(
        take(&mut guard, &release(1, "a")),
        Err(ReleaseError::Replayed {
            sequence: 1,
            last: 1,
            ..
        })
    ));
    // Two gates could give one command two numbers.
    assert!(matches!(
        take(&mut guard, &release(2, "a")),
        Err(ReleaseError::CommandReplayed { .. })
    ));
    assert_eq!(guard.last(), 1, "a refusal changes nothing");
    assert_eq!(take(&mut guard, &release(5, "b")), Ok(()));
    assert!(take(&mut guard, &release(4, "c")).is_err());

    let text = serde_json::to_string(&guard).unwrap();
    let mut restarted: ReleaseGuard = serde_json::from_str(&text).unwrap();
    assert_eq!(restarted, guard);
    assert!(take(&mut restarted, &release(5, "b")).is_err());
}

#[test]
fn each_field_is_signed() {
    let public = key().public();
    let good = release(1, "a");
    assert_eq!(verify_release(&public, &good, "node-1", NOW), Ok(()));
    let changes: [fn(&mut Release); 9] = [
        |r| r.spacecraft = "node-2".into(),
        |r| r.command = CommandId::new("b").unwrap(),
        |r| r.sequence += 1,
        |r| r.not_before -= 1,
        |r| r.not_after += 1,
        |r| r.packet[3] ^= 1,
        |r| {
            r.packet[3] ^= 1;
            r.packet_sha256 = sha256(&r.packet);
        },
        |r| r.previous = Digest([4; 32]),
        |r| {
            r.signature.pop();
        },
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(
            matches!(
                verify_release(&public, &bad, "node-1", NOW),
                Err(ReleaseError::Tampered { .. })
            ),
            "change {index}"
        );
    }
    for bit in 0..512 {
        let mut bad = good.clone();
        bad.signature[bit / 8] ^= 1 << (bit % 8);
        assert!(
            verify_release(&public, &bad, "node-1", NOW).is_err(),
            "bit {bit}"
        );
    }
}

#[test]
fn another_gate_another_spacecraft_and_another_time_are_refused() {
    let public = key().public();
    let good = release(1, "a");
    assert!(matches!(
        verify_release(&GateKey::new(&[8; 32]).public(), &good, "node-1", NOW),
        Err(ReleaseError::Tampered { .. })
    ));
    assert!(matches!(
        verify_release(&public, &good, "node-2", NOW),
        Err(ReleaseError::WrongSpacecraft { .. })
    ));
    assert!(matches!(
        verify_release(&public, &good, "node-1", NOW + 11),
        Err(ReleaseError::Expired { .. })
    ));
    assert!(matches!(
        verify_release(&public, &good, "node-1", NOW - 11),
        Err(ReleaseError::TooEarly { .. })
    ));
}
