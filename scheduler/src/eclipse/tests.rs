use super::*;
use crate::frame::EarthOrientation;
use crate::orbit::Elements;
use proptest::prelude::*;

fn time(text: &str) -> UtcMicros {
    text.parse().unwrap()
}

fn elements(mean_motion: f64, eccentricity: f64, inclination_deg: f64, turn: f64) -> Elements {
    Elements {
        name: "TEST".into(),
        object_id: "".into(),
        catalogue_number: None,
        epoch: time("2025-03-11T12:00:00Z"),
        mean_motion,
        eccentricity,
        inclination_deg,
        ascending_node_deg: turn,
        pericenter_deg: turn * 0.7,
        mean_anomaly_deg: turn * 0.3,
        bstar: 0.0,
        mean_motion_dot: 0.0,
    }
}

#[test]
fn the_discs_tell_how_much_of_the_sun_is_left() {
    let sun = [149_597_870.7, 0.0, 0.0];
    assert_eq!(sunlight([7_000.0, 0.0, 0.0], sun), 1.0);
    assert_eq!(sunlight([-7_000.0, 0.0, 0.0], sun), 0.0);
    assert_eq!(sunlight([0.0, 7_000.0, 0.0], sun), 1.0);
    // Where the Earth's edge is before the Sun's middle about half of it is left.
    let half = sunlight([-7_000.0, EARTH_KM - 0.33, 0.0], sun);
    assert!((half - 0.5).abs() < 0.02, "{half}");
    // Beyond the umbra's tip the Sun is a ring.
    let ring = sunlight([-2_000_000.0, 0.0, 0.0], sun);
    assert!((0.2..0.6).contains(&ring), "{ring}");
}

#[test]
fn the_sun_stands_where_the_almanac_has_it() {
    // The March equinox of 2025 was on the 20th at 09:01 UT: the Sun crossed the true equator.
    let earth = EarthOrientation::builtin();
    let at = time("2025-03-20T09:01:25Z");
    let window = Window::new(time("2025-03-19"), time("2025-03-22")).unwrap();
    let [x, y, z] = Sun::new(window, &earth).position_km(at);
    assert!((z / x).abs() < 1e-5, "{z}");
    assert!(x > 0.0 && (y / x).abs() < 1e-3);
    // An interpolated place is the computed one.
    let sun = Sun::new(window, &earth);
    for hours in 0..72 {
        let at = UtcMicros::new(window.from().get() + hours * 3_600_000_000 + 1_234_567);
        let alone = Sun::new(
            Window::new(at, UtcMicros::new(at.get() + 1)).unwrap(),
            &earth,
        );
        let apart = difference(&sun.position_km(at), &alone.position_km(at));
        assert!(norm(&apart) < 5.0, "{apart:?} km");
    }
}

#[test]
fn an_eclipse_that_the_window_cuts_has_its_edges() {
    let earth = EarthOrientation::builtin();
    let orbit = Orbit::from_elements(&elements(15.2, 0.001, 28.0, 0.0)).unwrap();
    let day = Window::new(time("2025-03-11T12:00:00Z"), time("2025-03-12T12:00:00Z")).unwrap();
    let sun = Sun::new(day, &earth);
    let mut found = Vec::new();
    eclipses(&orbit, day, &sun, &mut found).unwrap();
    let umbra = found
        .iter()
        .find(|eclipse| eclipse.shadow == Shadow::Umbra && !eclipse.entry_clipped)
        .copied()
        .unwrap();
    let middle = UtcMicros::new(i64::midpoint(umbra.entry.get(), umbra.exit.get()));
    let part = Window::new(middle, UtcMicros::new(middle.get() + 1_000_000)).unwrap();
    eclipses(&orbit, part, &sun, &mut found).unwrap();
    assert_eq!(found.len(), 2);
    for eclipse in &found {
        assert_eq!((eclipse.entry, eclipse.exit), (part.from(), part.to()));
        assert!(eclipse.entry_clipped && eclipse.exit_clipped);
    }
    let row = serde_json::to_value(EclipseRow::new("A", &umbra)).unwrap();
    let text = umbra.entry.to_string();
    assert_eq!(row["shadow"], "umbra");
    assert_eq!(row["entry"], text.as_str());
}

#[test]
fn what_decays_has_its_eclipses_until_then() {
    let earth = EarthOrientation::builtin();
    let mut heavy = elements(16.35, 0.0005, 51.6, 40.0);
    heavy.bstar = 0.02;
    let orbit = Orbit::from_elements(&heavy).unwrap();
    let days = Window::new(time("2025-03-11T12:00:00Z"), time("2025-03-21T12:00:00Z")).unwrap();
    let mut found = Vec::new();
    let error = eclipses(&orbit, days, &Sun::new(days, &earth), &mut found).unwrap_err();
    let (OrbitError::Decayed { at } | OrbitError::Diverged { at }) = error else {
        panic!("{error}");
    };
    assert!(!found.is_empty());
    assert!(found.iter().all(|eclipse| eclipse.exit <= at));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn eclipses_are_when_the_sun_is_hidden(
        mean_motion in prop_oneof![11.0_f64..15.8, 1.0_f64..5.0],
        shape in 0.0_f64..1.0,
        inclination in 0.0_f64..180.0,
        turn in 0.0_f64..360.0,
        day in -20_i64..20,
    ) {
        let axis = (86_400.0 / mean_motion / std::f64::consts::TAU).powi(2);
        let axis = (axis * 398_600.8).cbrt();
        let eccentricity = shape * (1.0 - 6_580.0 / axis).clamp(0.0, 0.75);
        let orbit = Orbit::from_elements(&elements(mean_motion, eccentricity, inclination, turn)).unwrap();
        let from = UtcMicros::new(time("2025-03-11T12:00:00Z").get() + day * 86_400_000_000);
        let window = Window::new(from, UtcMicros::new(from.get() + 12 * 3_600_000_000)).unwrap();
        let sun = Sun::new(window, &EarthOrientation::builtin());
        let mut found = Vec::new();
        eclipses(&orbit, window, &sun, &mut found).unwrap();
        for second in (0..43_200).step_by(7) {
            let at = UtcMicros::new(from.get() + second * 1_000_000);
            let state = orbit.state(at).unwrap();
            let margins = Discs::new(&state.position_km, &sun.position_km(at)).margins();
            for (shadow, margin) in [Shadow::Penumbra, Shadow::Umbra].into_iter().zip(margins) {
                let within = found.iter().any(|eclipse| {
                    eclipse.shadow == shadow && eclipse.entry <= at && at <= eclipse.exit
                });
                // The polynomial between nodes is some metres off.
                if margin.abs() > 1e-5 {
                    prop_assert_eq!(within, margin < 0.0, "{:?} {} {}", shadow, at, margin);
                }
            }
        }
        for eclipse in found.iter().filter(|eclipse| eclipse.shadow == Shadow::Umbra) {
            let around = found.iter().any(|outer| {
                outer.shadow == Shadow::Penumbra && outer.entry <= eclipse.entry && eclipse.exit <= outer.exit
            });
            prop_assert!(around);
        }
    }
}
