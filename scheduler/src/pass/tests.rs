use super::*;
use crate::orbit::{self, Elements};
use crate::window::seconds_between;
use proptest::prelude::*;

const ISS: &str = "\
ISS (ZARYA)
1 25544U 98067A   25070.45674914  .00013398  00000+0  24313-3 0  9993
2 25544  51.6369  71.0836 0006338  10.6648  86.8244 15.49895111500003
";

fn time(text: &str) -> UtcMicros {
    text.parse().unwrap()
}

fn window(from: &str, to: &str) -> Window {
    Window::new(time(from), time(to)).unwrap()
}

fn iss() -> Satellite {
    orbit::read(ISS.as_bytes()).unwrap().satellites.remove(0)
}

fn station(latitude_deg: f64, longitude_deg: f64, elevation_mask_deg: f64) -> Station {
    Station {
        name: format!("{latitude_deg}/{longitude_deg}"),
        latitude_deg,
        longitude_deg,
        height_m: 100.0,
        elevation_mask_deg,
        terminals: Vec::new(),
    }
}

fn predict(orbit: &Orbit, stations: &[Station], window: Window) -> Vec<Pass> {
    let earth = EarthOrientation::builtin();
    let predictor = Predictor::new(stations, &earth, window);
    let mut passes = Vec::new();
    predictor
        .passes(orbit, &mut Scratch::default(), &mut passes)
        .unwrap();
    passes
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

/// Looks at the orbit itself, second by second, and compares what is above the mask with passes.
fn check_by_samples(
    orbit: &Orbit,
    station: &Station,
    window: Window,
    passes: &[Pass],
    step_s: i64,
) {
    let earth = EarthOrientation::builtin();
    let mut at = window.from();
    let mut seen = vec![f64::MIN; passes.len()];
    while at <= window.to() {
        let state = orbit.state(at).unwrap();
        let look = station.look(&earth.itrf(at, &state));
        let height = look.elevation_deg - station.elevation_mask_deg;
        let within = passes
            .iter()
            .position(|pass| pass.aos.time <= at && at <= pass.los.time);
        // At the edges a millisecond may be either.
        if height > 1e-4 {
            let found = within.unwrap_or_else(|| panic!("{at}: {height} over the mask, no pass"));
            seen[found] = seen[found].max(look.elevation_deg);
        } else if height < -1e-4 {
            assert!(within.is_none(), "{at}: {height} below the mask in a pass");
        }
        at = UtcMicros::new(at.get() + step_s * 1_000_000);
    }
    for (pass, highest) in passes.iter().zip(seen) {
        let top = pass.tca.look.elevation_deg;
        assert!(top >= highest - 1e-5, "{pass:?}: {highest} was seen");
        assert!(pass.aos.time <= pass.tca.time && pass.tca.time <= pass.los.time);
        assert_eq!(pass.aos_clipped, pass.aos.time == window.from());
        assert_eq!(pass.los_clipped, pass.los.time == window.to());
        for (event, clipped) in [(&pass.aos, pass.aos_clipped), (&pass.los, pass.los_clipped)] {
            let above = event.look.elevation_deg - station.elevation_mask_deg;
            assert!(clipped || above.abs() < 1e-5, "{above} at {event:?}");
            assert!(event.look.elevation_deg <= top + 1e-5);
        }
    }
}

#[test]
fn passes_over_the_poles_are_like_others() {
    let polar = Orbit::from_elements(&elements(14.5, 0.001, 98.0, 10.0)).unwrap();
    let day = window("2025-03-11T12:00:00Z", "2025-03-12T12:00:00Z");
    for latitude in [90.0, -90.0] {
        for longitude in [0.0, 123.0] {
            let station = station(latitude, longitude, 5.0);
            let passes = predict(&polar, std::slice::from_ref(&station), day);
            // One a turn.
            assert!((13..=16).contains(&passes.len()), "{}", passes.len());
            check_by_samples(&polar, &station, day, &passes, 10);
        }
    }
    // Which meridian a station at the pole is put on changes the azimuth and nothing else.
    let [zero, turned] =
        [0.0, 90.0].map(|longitude| predict(&polar, &[station(90.0, longitude, 5.0)], day));
    assert_eq!(zero.len(), turned.len());
    for (a, b) in zero.iter().zip(&turned) {
        assert!((a.aos.time.get() - b.aos.time.get()).abs() <= 2);
        let turn = (b.aos.look.azimuth_deg - a.aos.look.azimuth_deg).rem_euclid(360.0);
        assert!(
            (turn - 90.0).abs() < 1e-6 || (turn - 270.0).abs() < 1e-6,
            "{turn}"
        );
    }
}

#[test]
fn a_mask_of_ninety_degrees_sees_nothing_and_says_so() {
    let orbit = iss().orbit().unwrap();
    let day = window("2025-03-11T12:00:00Z", "2025-03-12T12:00:00Z");
    let blind = station(20.0, 30.0, 90.0);
    assert!(predict(&orbit, std::slice::from_ref(&blind), day).is_empty());
    assert!(blind.sees_nothing().unwrap().contains("mask of 90 degrees"));
    assert!(station(20.0, 30.0, 89.0).sees_nothing().is_none());
}

#[test]
fn a_pass_that_the_window_cuts_has_its_edges() {
    let orbit = iss().orbit().unwrap();
    let here = [station(0.0, 100.0, 0.0)];
    let day = window("2025-03-11T12:00:00Z", "2025-03-13T12:00:00Z");
    let whole = predict(&orbit, &here, day);
    let pass = whole.iter().find(|pass| !pass.aos_clipped).unwrap();
    let at = |event: &Event, seconds: i64| UtcMicros::new(event.time.get() + seconds * 1_000_000);
    // From before AOS until before TCA.
    let early = Window::new(at(&pass.aos, -60), at(&pass.tca, -60)).unwrap();
    let found = predict(&orbit, &here, early);
    assert_eq!(found.len(), 1);
    assert!((found[0].aos.time.get() - pass.aos.time.get()).abs() <= 2);
    assert_eq!(found[0].los.time, early.to());
    assert_eq!(found[0].tca, found[0].los);
    assert!(found[0].los_clipped && !found[0].aos_clipped);
    // From after TCA on.
    let late = Window::new(at(&pass.tca, 60), at(&pass.los, 60)).unwrap();
    let found = predict(&orbit, &here, late);
    assert_eq!(found[0].tca, found[0].aos);
    assert!(found[0].aos_clipped && !found[0].los_clipped);
    // All within.
    let middle = Window::new(at(&pass.tca, -5), at(&pass.tca, 5)).unwrap();
    let found = predict(&orbit, &here, middle);
    assert!(found[0].aos_clipped && found[0].los_clipped);
    assert!((found[0].tca.time.get() - pass.tca.time.get()).abs() < 5_000);
    // A microsecond.
    let instant = Window::new(pass.tca.time, UtcMicros::new(pass.tca.time.get() + 1)).unwrap();
    assert_eq!(predict(&orbit, &here, instant).len(), 1);
}

#[test]
fn what_decays_within_the_window_has_its_passes_until_then() {
    let mut heavy = elements(16.35, 0.0005, 51.6, 40.0);
    heavy.bstar = 0.003;
    let satellites = [heavy, elements(15.0, 0.001, 51.6, 40.0)].map(|elements| Satellite {
        source: orbit::Source::Elements(elements),
    });
    let mut old = satellites[1].clone();
    if let orbit::Source::Elements(elements) = &mut old.source {
        elements.epoch = time("2019-01-01");
    }
    let all: Vec<Satellite> = satellites.into_iter().chain([old]).collect();
    let earth = EarthOrientation::builtin();
    let stations = [station(45.0, 0.0, 5.0), station(-30.0, 120.0, 5.0)];
    let days = window("2025-03-11T12:00:00Z", "2025-03-21T12:00:00Z");
    let predictor = Predictor::new(&stations, &earth, days);
    let mut seen = Vec::new();
    predictor.for_each(&all, |_, prediction| {
        seen.push((prediction.passes.to_vec(), prediction.fault));
    });
    let (passes, fault) = &seen[0];
    let Some(OrbitError::Decayed { at } | OrbitError::Diverged { at }) = fault else {
        panic!("{fault:?}");
    };
    assert!(!passes.is_empty());
    assert!(days.from() < *at && *at < days.to());
    assert!(passes.iter().all(|pass| pass.los.time < *at));
    assert!(seen[1].1.is_none() && seen[1].0.len() > 20);
    assert!(seen[2].0.is_empty());
    assert!(matches!(seen[2].1, Some(OrbitError::EpochTooFar { .. })));
}

#[test]
fn a_geostationary_satellite_is_seen_all_the_time_or_never() {
    let still = Orbit::from_elements(&elements(1.002_74, 1e-5, 0.01, 0.0)).unwrap();
    let day = window("2025-03-11T12:00:00Z", "2025-03-12T12:00:00Z");
    let all: Vec<Station> = (0..36)
        .map(|n| station(0.0, f64::from(n) * 10.0 - 180.0, 10.0))
        .collect();
    let passes = predict(&still, &all, day);
    assert!((14..=15).contains(&passes.len()), "{}", passes.len());
    for pass in &passes {
        assert!(pass.aos_clipped && pass.los_clipped);
    }
}

#[test]
fn a_track_is_cut_where_the_elevation_crosses() {
    let orbit = iss().orbit().unwrap();
    let earth = EarthOrientation::builtin();
    let here = station(20.82, -156.45, 5.0);
    let day = window("2025-03-11T12:00:00Z", "2025-03-13T12:00:00Z");
    let passes = predict(&orbit, std::slice::from_ref(&here), day);
    let thresholds = [0.0, 10.0, 20.0, 40.0, 60.0];
    for pass in passes.iter().filter(|pass| pass.aos.time < pass.los.time) {
        let window = Window::new(pass.aos.time, pass.los.time).unwrap();
        let track = Track::new(&orbit, &here, &earth, window).unwrap();
        let bands = track.bands(&thresholds);
        assert_eq!(bands[0].from, window.from());
        assert_eq!(bands[bands.len() - 1].to, window.to());
        for pair in bands.windows(2) {
            assert_eq!(pair[0].to, pair[1].from);
            assert_eq!(pair[0].reached.abs_diff(pair[1].reached), 1);
            let edge = pair[0].reached.max(pair[1].reached) - 1;
            let there = track.look(pair[0].to).elevation_deg;
            assert!((there - thresholds[edge]).abs() < 1e-5, "{there}");
        }
        for band in &bands {
            let middle = UtcMicros::new(i64::midpoint(band.from.get(), band.to.get()));
            let there = track.look(middle).elevation_deg;
            let reached = thresholds.partition_point(|threshold| *threshold <= there);
            assert_eq!(reached, band.reached);
        }
        let top = track.look(pass.tca.time);
        assert!((top.elevation_deg - pass.tca.look.elevation_deg).abs() < 1e-4);
        assert!(top.range_rate_km_s.abs() < 1.0);
    }
}

#[test]
fn the_doppler_shift_is_positive_while_it_comes_nearer() {
    let orbit = iss().orbit().unwrap();
    let here = [station(20.82, -156.45, 5.0)];
    let day = window("2025-03-11T13:00:00Z", "2025-03-13T12:00:00Z");
    for pass in predict(&orbit, &here, day) {
        let shift = pass.aos.look.doppler_hz(26e9);
        // 26 GHz times 7.5 km/s by the speed of light is 650 kHz.
        assert!((100e3..700e3).contains(&shift), "{shift}");
        assert!(pass.los.look.doppler_hz(26e9) < 0.0);
        // The change of the range is what the range rate says.
        let earth = EarthOrientation::builtin();
        let range = |seconds: i64| {
            let at = UtcMicros::new(pass.aos.time.get() + seconds * 1_000_000);
            here[0]
                .look(&earth.itrf(at, &orbit.state(at).unwrap()))
                .range_km
        };
        let slope = (range(1) - range(-1)) / 2.0;
        assert!((slope - pass.aos.look.range_rate_km_s).abs() < 1e-3);
    }
}

#[test]
fn an_ephemeris_has_the_passes_of_its_orbit_where_it_reaches() {
    use crate::orbit::{Ephemeris, EphemerisSegment, EphemerisState, Interpolation};
    let exact = iss().orbit().unwrap();
    let stations = [station(20.82, -156.45, 5.0), station(64.82, -147.72, 5.0)];
    let day = window("2025-03-11T12:00:00Z", "2025-03-12T12:00:00Z");
    let whole = predict(&exact, &stations, day);
    // Two parts with a gap between them, each of which may cut a pass.
    let first = whole.iter().find(|pass| !pass.aos_clipped).unwrap();
    let edge = first.tca.time.get() / 60_000_000 * 60_000_000;
    let minute = |count: i64| UtcMicros::new(edge + count * 60_000_000);
    let segment = |minutes: std::ops::RangeInclusive<i64>| {
        let state = |count| EphemerisState {
            time: minute(count),
            state: exact.state(minute(count)).unwrap(),
        };
        let states: Vec<EphemerisState> = minutes.map(state).collect();
        EphemerisSegment::new(states, Interpolation::Lagrange(9), None).unwrap()
    };
    let ephemeris = Ephemeris::new(vec![segment(-200..=0), segment(120..=600)]).unwrap();
    let orbit = Orbit::from_ephemeris(std::sync::Arc::new(ephemeris));
    let found = predict(&orbit, &stations, day);
    let parts = [
        (day.from(), minute(0)),
        (minute(120), day.to().min(minute(600))),
    ];
    let mut expected = 0;
    for (from, to) in parts {
        for pass in whole
            .iter()
            .filter(|pass| pass.aos.time < to && pass.los.time > from)
        {
            expected += 1;
            let same = found.iter().find(|other| {
                let near = |a: UtcMicros, b: UtcMicros| seconds_between(a, b).abs() < 1e-3;
                other.station == pass.station
                    && near(other.aos.time, pass.aos.time.max(from))
                    && near(other.los.time, pass.los.time.min(to))
            });
            let same = same.unwrap_or_else(|| panic!("{pass:?} is not in {found:?}"));
            assert_eq!(same.los_clipped, pass.los_clipped || pass.los.time > to);
            assert_eq!(same.aos_clipped, pass.aos_clipped || pass.aos.time < from);
        }
    }
    assert!(
        found
            .iter()
            .any(|pass| pass.los.time == minute(0) && pass.los_clipped)
    );
    assert_eq!(found.len(), expected);
}

#[test]
fn a_row_is_what_the_command_line_promises() {
    let orbit = iss().orbit().unwrap();
    let here = station(20.82, -156.45, 5.0);
    let day = window("2025-03-11T12:00:00Z", "2025-03-11T18:00:00Z");
    let passes = predict(&orbit, std::slice::from_ref(&here), day);
    let row = PassRow::new("ISS (ZARYA)", &here.name, &passes[0]);
    let json = serde_json::to_value(&row).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    let mut promised = [
        "satellite",
        "station",
        "aos",
        "tca",
        "los",
        "max_elevation_deg",
        "azimuth_deg",
        "range_km",
        "aos_clipped",
        "los_clipped",
    ];
    promised.sort_unstable();
    let mut keys: Vec<&str> = keys.into_iter().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, promised);
    assert_eq!(json["aos"], passes[0].aos.time.to_string().as_str());
    assert_eq!(
        json["aos"].as_str().unwrap().len(),
        "2025-03-11T12:00:00.000000Z".len()
    );
    assert_eq!(json["aos_clipped"], false);
    assert_eq!(json["range_km"].as_array().unwrap().len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn passes_are_when_the_satellite_is_seen(
        mean_motion in prop_oneof![11.0_f64..15.8, 1.0_f64..5.0],
        shape in 0.0_f64..1.0,
        inclination in 0.0_f64..180.0,
        turn in 0.0_f64..360.0,
        latitude in -90.0_f64..90.0,
        longitude in -180.0_f64..180.0,
        mask in prop_oneof![0.0_f64..30.0, 60.0_f64..89.0, -5.0_f64..0.0],
        offset in 0_i64..86_400,
    ) {
        // Perigees above 200 km.
        let axis = (86_400.0 / mean_motion / std::f64::consts::TAU).powi(2);
        let axis = (axis * 398_600.8).cbrt();
        let eccentricity = shape * (1.0 - 6_580.0 / axis).clamp(0.0, 0.75);
        let orbit = Orbit::from_elements(&elements(mean_motion, eccentricity, inclination, turn)).unwrap();
        let station = station(latitude, longitude, mask);
        let from = UtcMicros::new(time("2025-03-10").get() + offset * 1_000_000);
        let to = UtcMicros::new(from.get() + 12 * 3_600_000_000);
        let window = Window::new(from, to).unwrap();
        let passes = predict(&orbit, std::slice::from_ref(&station), window);
        check_by_samples(&orbit, &station, window, &passes, 7);
        // A pass is the same in whatever window, and whichever stations stand beside it.
        let half = Window::new(from, UtcMicros::new(from.get() + 6 * 3_600_000_000)).unwrap();
        let others = [station.clone(), Station { latitude_deg: -latitude, ..station.clone() }];
        let again = predict(&orbit, &others, half);
        let inside = passes.iter().filter(|pass| pass.los.time < half.to());
        for (a, b) in inside.zip(again.iter().filter(|pass| pass.station == 0)) {
            prop_assert!(seconds_between(a.aos.time, b.aos.time).abs() < 1e-4, "{:?} {:?}", a, b);
            prop_assert!(seconds_between(a.los.time, b.los.time).abs() < 1e-4, "{:?} {:?}", a, b);
        }
    }
}
