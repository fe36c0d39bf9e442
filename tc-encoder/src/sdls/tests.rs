use std::collections::BTreeSet;

use proptest::prelude::*;
use space_link::sdls::{AuthenticationMask, SecurityLayout, Service};

use super::*;

const HEADER: [u8; 5] = [0; 5];

fn spi(value: u16) -> Spi {
    Spi::new(value).unwrap()
}

fn security() -> TcSecurity {
    TcSecurity {
        service: Service::AuthenticatedEncryption,
        layout: SecurityLayout::AES_GCM,
        mask: AuthenticationMask::STANDARD,
    }
}

fn key(value: u8) -> Key {
    Key::new(&mut [value; 32])
}

fn sender(persisted: Persisted, block: u64) -> SecuritySender {
    let mut sender = SecuritySender::new(block);
    sender.add(spi(1), security(), key(1), persisted).unwrap();
    sender.activate(spi(1)).unwrap();
    sender
}

fn protect_one(sender: &mut SecuritySender) -> Result<u64, SecurityError> {
    let mut out = Vec::new();
    let number = sender.protect(FrameType::Ad, &HEADER, Some(0xC0), b"x", &mut out)?;
    // The number that is given is the one in the frame.
    assert_eq!(out[3..15], iv(number));
    Ok(number)
}

#[test]
fn nothing_leaves_before_its_number_is_written_down() {
    let mut sender = sender(Persisted::NeverUsed, 4);
    assert_eq!(
        protect_one(&mut sender),
        Err(SecurityError::NotReserved {
            spi: spi(1),
            next: 1,
            needed: 1
        })
    );
    let reservation = sender.poll_reservation().unwrap();
    assert_eq!(
        sender.poll_reservation(),
        Some(reservation),
        "until confirmed"
    );
    assert!(protect_one(&mut sender).is_err());
    sender.handle_reserved(reservation);
    for number in 1..reservation.end {
        assert_eq!(protect_one(&mut sender), Ok(number));
    }
    assert!(matches!(
        protect_one(&mut sender),
        Err(SecurityError::NotReserved { .. })
    ));
}

#[test]
fn a_packet_of_more_frames_than_a_block_gets_its_numbers() {
    let mut sender = sender(Persisted::NeverUsed, 4);
    assert!(sender.require(FrameType::Ad, 100).is_err());
    let reservation = sender.poll_reservation().unwrap();
    assert!(reservation.end >= 101);
    sender.handle_reserved(reservation);
    sender.require(FrameType::Ad, 100).unwrap();
}

#[test]
fn an_old_copy_is_refused_until_an_operator_decides() {
    let mut sender = sender(Persisted::ReservedTo(100), 8);
    let reservation = sender.poll_reservation().unwrap();
    sender.handle_reserved(reservation);
    assert_eq!(protect_one(&mut sender), Ok(100));
    // What was used before is known to have been used.
    sender.handle_used(spi(1), 100);
    assert_eq!(protect_one(&mut sender), Ok(101));
    sender.handle_used(spi(1), 250);
    let refused = protect_one(&mut sender).unwrap_err();
    assert_eq!(
        refused,
        SecurityError::OldState {
            spi: spi(1),
            next: 102,
            seen: 250
        }
    );
    assert!(refused.to_string().contains("old copy"));
    assert_eq!(sender.poll_reservation(), None);
    assert_eq!(
        sender.skip_to(spi(1), 250),
        Err(SecurityError::SkipBack {
            spi: spi(1),
            lowest: 251,
            got: 250
        })
    );
    sender.skip_to(spi(1), 300).unwrap();
    assert!(protect_one(&mut sender).is_err(), "not reserved");
    let reservation = sender.poll_reservation().unwrap();
    sender.handle_reserved(reservation);
    assert_eq!(protect_one(&mut sender), Ok(300));
}

#[test]
fn the_spacecrafts_report_shows_an_old_copy() {
    let report = |low, bad_mac| FrameSecurityReport {
        last_spi: 1,
        sequence_number_low: low,
        bad_mac,
        ..FrameSecurityReport::default()
    };
    let mut sender = sender(Persisted::ReservedTo(1000), 8);
    let reservation = sender.poll_reservation().unwrap();
    sender.handle_reserved(reservation);
    assert_eq!(protect_one(&mut sender), Ok(1000));
    // The last and older ones are in order; refused frames say nothing of ours.
    sender.handle_report(&report(1000_u64 as u8, false));
    sender.handle_report(&report(990_u64 as u8, false));
    sender.handle_report(&report(1050_u64 as u8, true));
    assert_eq!(protect_one(&mut sender), Ok(1001));
    sender.handle_report(&report(1050_u64 as u8, false));
    assert_eq!(
        protect_one(&mut sender),
        Err(SecurityError::OldState {
            spi: spi(1),
            next: 1002,
            seen: 1050
        })
    );
}

#[test]
fn keys_roll_over_and_are_never_shared() {
    let mut sender = sender(Persisted::NeverUsed, 8);
    assert_eq!(
        sender.add(spi(2), security(), key(1), Persisted::NeverUsed),
        Err(SecurityError::SameKey {
            a: spi(1),
            b: spi(2)
        })
    );
    assert_eq!(
        sender.add(spi(1), security(), key(2), Persisted::NeverUsed),
        Err(SecurityError::Duplicate(spi(1)))
    );
    assert_eq!(sender.activate(spi(2)), Err(SecurityError::Unknown(spi(2))));
    sender
        .add(spi(2), security(), key(2), Persisted::ReservedTo(50))
        .unwrap();
    sender.handle_reserved(Reservation {
        spi: spi(1),
        end: 10,
    });
    assert_eq!(protect_one(&mut sender), Ok(1));
    sender.activate_for(FrameType::Ad, spi(2)).unwrap();
    assert_eq!(sender.active(FrameType::Bd), Some(spi(1)));
    assert_eq!(
        sender.poll_reservation(),
        Some(Reservation {
            spi: spi(2),
            end: 62
        })
    );
    sender.handle_reserved(Reservation {
        spi: spi(2),
        end: 62,
    });
    assert_eq!(protect_one(&mut sender), Ok(50));
    let printed = format!("{sender:?}");
    assert!(printed.contains("Key(secret)"));
    assert!(!printed.contains("1, 1, 1"));
}

#[test]
fn the_end_of_the_numbers_is_an_error() {
    let mut sender = sender(Persisted::ReservedTo(u64::MAX), 8);
    assert_eq!(
        protect_one(&mut sender),
        Err(SecurityError::Exhausted { spi: spi(1) })
    );
    assert_eq!(sender.poll_reservation(), None);
}

proptest! {
    /// Crashes at any moment: whatever was written down survives, everything else is lost.
    #[test]
    fn no_number_is_used_twice_whatever_crashes(
        steps in proptest::collection::vec(0..5u8, 1..300),
        block in 1..9u64,
    ) {
        let mut disk = Persisted::NeverUsed;
        let mut sender = sender(disk, block);
        let mut used = BTreeSet::new();
        for step in steps {
            match step {
                // Written down, and the crash comes before or after the confirmation.
                0 => {
                    if let Some(reservation) = sender.poll_reservation() {
                        disk = Persisted::ReservedTo(reservation.end);
                    }
                }
                1 => {
                    if let Some(reservation) = sender.poll_reservation() {
                        disk = Persisted::ReservedTo(reservation.end);
                        sender.handle_reserved(reservation);
                    }
                }
                2 => sender = self::sender(disk, block),
                _ => {
                    if let Ok(number) = protect_one(&mut sender) {
                        prop_assert!(used.insert(number), "{number} was used before");
                    }
                }
            }
        }
    }
}
