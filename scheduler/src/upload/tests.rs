use proptest::prelude::*;

use super::*;
use crate::interval::SECOND;

fn window(contact: u64, start: i64, end: i64) -> UploadWindow {
    UploadWindow {
        contact,
        satellite: 1,
        interval: Interval::new(start * SECOND, end * SECOND),
        rate: RateProfile::constant(10),
    }
}

fn upload(id: u64, octets: u64, release: i64, deadline: i64) -> Upload {
    Upload {
        id,
        satellite: 1,
        octets,
        done: 0,
        release: release * SECOND,
        deadline: deadline * SECOND,
    }
}

fn finish(plan: &UploadPlan) -> Option<i64> {
    match &plan.outcome {
        UploadOutcome::Planned { finish, .. } => Some(finish / SECOND),
        UploadOutcome::Refused(_) => None,
    }
}

#[test]
fn an_upload_goes_on_in_the_next_window_where_it_stopped() {
    let windows = [window(7, 0, 10), window(8, 100, 110)];
    let mut big = upload(1, 250, 0, 200);
    big.done = 100;
    let plan = plan_uploads(&[big], &windows);
    let UploadOutcome::Planned { finish, pieces } = &plan[0].outcome else {
        panic!("{plan:?}");
    };
    assert_eq!(*finish, 105 * SECOND);
    let parts: Vec<_> = pieces
        .iter()
        .map(|p| (p.contact, p.offset, p.octets))
        .collect();
    assert_eq!(parts, [(7, 0, 100), (8, 0, 50)]);
}

#[test]
fn the_earlier_deadline_interrupts() {
    let windows = [window(7, 0, 100)];
    let plan = plan_uploads(&[upload(1, 600, 0, 100), upload(2, 200, 30, 60)], &windows);
    assert_eq!(finish(&plan[1]), Some(50));
    assert_eq!(finish(&plan[0]), Some(80));
}

#[test]
fn what_cannot_be_in_time_takes_nothing_from_the_others() {
    let windows = [window(7, 0, 100)];
    let uploads = [
        upload(1, 900, 0, 80),
        upload(2, 500, 0, 90),
        // Released late, with an early deadline: the second is begun by then.
        upload(3, 600, 20, 85),
    ];
    let plan = plan_uploads(&uploads, &windows);
    let late = UploadRefusal::Late {
        needed: 900,
        available: 800,
    };
    assert_eq!(plan[0].outcome, UploadOutcome::Refused(late));
    assert_eq!(plan.iter().filter_map(finish).count(), 1);
    assert_eq!(finish(&plan[2]), Some(80));
}

#[test]
fn reasons_are_given() {
    let windows = [window(7, 0, 100)];
    let mut other = upload(4, 1, 0, 100);
    other.satellite = 2;
    let uploads = [
        upload(1, 1, 200, 300),
        upload(2, 1, 0, 100),
        upload(2, 1, 0, 100),
        other,
        upload(5, 0, 3, 1),
        upload(6, 10, 50, 20),
    ];
    let plan = plan_uploads(&uploads, &windows);
    let refusal = |index: usize| match &plan[index].outcome {
        UploadOutcome::Refused(refusal) => refusal.clone(),
        UploadOutcome::Planned { .. } => panic!("{:?}", plan[index]),
    };
    assert_eq!(refusal(0), UploadRefusal::NoWindow);
    assert_eq!(refusal(1), UploadRefusal::Repeated);
    assert_eq!(refusal(2), UploadRefusal::Repeated);
    assert_eq!(refusal(3), UploadRefusal::NoWindow);
    assert_eq!(finish(&plan[4]), Some(3));
    assert_eq!(refusal(5), UploadRefusal::NoWindow);
    assert!(plan_uploads(&[], &windows).is_empty());
}

#[test]
fn a_million_uploads_for_one_satellite_are_answered() {
    let windows: Vec<_> = (0..100)
        .map(|n| window(n as u64, n * 100, n * 100 + 50))
        .collect();
    let uploads: Vec<_> = (0..1_000_000)
        .map(|n| upload(n, 1 + n % 7, (n % 9_000) as i64, 10_000))
        .collect();
    let plan = plan_uploads(&uploads, &windows);
    let planned = plan.iter().filter(|p| finish(p).is_some()).count();
    assert!((10_000..50_000).contains(&planned), "{planned}");
}

proptest! {
    #[test]
    fn windows_carry_no_more_than_they_can_and_deadlines_hold(
        uploads in prop::collection::vec((1..400_u64, 0..90_i64, 1..80_i64), 0..30),
        windows in prop::collection::vec((0..100_i64, 1..30_i64, 0..20_u64), 0..6),
    ) {
        let uploads: Vec<Upload> = uploads
            .into_iter()
            .enumerate()
            .map(|(id, (octets, release, length))| upload(id as u64, octets, release, release + length))
            .collect();
        let windows: Vec<UploadWindow> = windows
            .into_iter()
            .enumerate()
            .map(|(id, (start, length, rate))| UploadWindow {
                rate: RateProfile::constant(rate),
                ..window(id as u64, start, start + length)
            })
            .collect();
        let plan = plan_uploads(&uploads, &windows);
        let mut pieces: Vec<Piece> = Vec::new();
        for (upload, plan) in uploads.iter().zip(&plan) {
            let UploadOutcome::Planned { finish, pieces: parts } = &plan.outcome else {
                continue;
            };
            prop_assert!(*finish <= upload.deadline);
            prop_assert_eq!(parts.iter().map(|p| p.octets).sum::<u64>(), upload.octets);
            for part in parts {
                prop_assert!(part.interval.start >= upload.release && part.interval.end <= *finish);
            }
            pieces.extend(parts.iter().cloned());
        }
        pieces.sort_by_key(|piece| piece.interval);
        for pair in pieces.windows(2) {
            prop_assert!(pair[0].interval.end <= pair[1].interval.start, "{:?}", pair);
        }
        for piece in &pieces {
            let window = &windows[piece.contact as usize];
            let by = Interval::new(window.interval.start, piece.interval.end);
            prop_assert!(piece.interval.start >= window.interval.start);
            prop_assert!(piece.interval.end <= window.interval.end);
            // Octets flow one after the other: all before are gone by the end.
            prop_assert!(piece.offset + piece.octets <= window.rate.octets(by).max(piece.octets));
        }
    }
}
