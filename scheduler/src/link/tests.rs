use super::*;
use crate::frame::EarthOrientation;
use crate::orbit::{self, Orbit};
use crate::pass::{Predictor, Scratch};
use crate::station::{Station, StationError};
use crate::window::Window;
use proptest::prelude::*;

const ISS: &str = "\
ISS (ZARYA)
1 25544U 98067A   25070.45674914  .00013398  00000+0  24313-3 0  9993
2 25544  51.6369  71.0836 0006338  10.6648  86.8244 15.49895111500003
";

const STATIONS: &str = r#"
[[station]]
name = "hawaii"
latitude_deg = 20.82
longitude_deg = -156.45
height_m = 3000.0
elevation_mask_deg = 5.0

[[station.terminal]]
band = "ka"
count = 2
downlink = [{ elevation_deg = 5.0, bits_per_second = 400_000_000 }, { elevation_deg = 20.0, bits_per_second = 1_200_000_000 }]
uplink = [{ elevation_deg = 10.0, bits_per_second = 20_000_000 }]
setup_s = 20.0
teardown_s = 5.0
minimum_contact_s = 60.0

[[station.terminal]]
band = "optical"
downlink = [{ elevation_deg = 25.0, bits_per_second = 100_000_000_000 }]
setup_s = 45.0
clear_sky_probability = 0.6
"#;

fn spacecraft(medium: Medium, bits_per_second: u64) -> Terminal {
    let rates = vec![Rate {
        elevation_deg: -90.0,
        bits_per_second,
    }];
    Terminal {
        medium,
        count: 1,
        downlink: rates.clone(),
        uplink: rates,
        setup_s: 10.0,
        teardown_s: 10.0,
        minimum_contact_s: 0.0,
        clear_sky_probability: 1.0,
    }
}

/// The station of the file, and the tracks of its passes.
fn tracks() -> (Station, Vec<Track>) {
    let station = Station::parse_all(STATIONS).unwrap().remove(0);
    let file = orbit::read(ISS.as_bytes()).unwrap();
    let orbit: Orbit = file.satellites[0].orbit().unwrap();
    let earth = EarthOrientation::builtin();
    let window = Window::new(
        "2025-03-11T12:00:00Z".parse().unwrap(),
        "2025-03-13T12:00:00Z".parse().unwrap(),
    )
    .unwrap();
    let stations = std::slice::from_ref(&station);
    let mut passes = Vec::new();
    Predictor::new(stations, &earth, window)
        .passes(&orbit, &mut Scratch::default(), &mut passes)
        .unwrap();
    let tracks = passes
        .iter()
        .map(|pass| Window::new(pass.aos.time, pass.los.time).unwrap())
        .map(|window| Track::new(&orbit, &station, &earth, window).unwrap())
        .collect();
    (station, tracks)
}

#[test]
fn octets_are_the_integral_of_the_rate() {
    let (station, tracks) = tracks();
    let link = Link::between(
        &station.terminals[0],
        &spacecraft(Medium::Ka, 1_000_000_000),
    )
    .unwrap();
    let mut checked = 0;
    for track in &tracks {
        let Some(window) = link.window(track) else {
            continue;
        };
        checked += 1;
        assert_eq!(window.from.get(), track.window().from().get() + 20_000_000);
        assert_eq!(window.to.get(), track.window().to().get() - 10_000_000);
        assert_eq!(window.booked_from, track.window().from());
        assert_eq!(window.booked_to, track.window().to());
        // By summing milliseconds: the spacecraft's 1 Gbit/s is less than the station's 1.2.
        let (mut down, mut up) = (0.0, 0.0);
        let mut at = window.from.get() + 500;
        while at < window.to.get() {
            let elevation = track.look(UtcMicros::new(at)).elevation_deg;
            down += if elevation >= 20.0 { 1e9 } else { 4e8 } * 1e-3 / 8.0 * 0.95;
            up += if elevation >= 10.0 { 2e7 } else { 0.0 } * 1e-3 / 8.0 * 0.95;
            at += 1_000;
        }
        let found = window.downlink.octets() as f64;
        assert!((found - down).abs() < 3e-6 * down + 3e5, "{found} {down}");
        let found = window.uplink.octets() as f64;
        assert!((found - up).abs() < 3e-6 * up + 1e4, "{found} {up}");
    }
    assert!(checked >= 4, "{checked}");
}

#[test]
fn a_contact_too_short_is_none() {
    let (station, tracks) = tracks();
    let mut terminal = station.terminals[0].clone();
    terminal.minimum_contact_s = 3_600.0;
    let link = Link::between(&terminal, &spacecraft(Medium::Ka, 1)).unwrap();
    assert!(tracks.iter().all(|track| link.window(track).is_none()));
    terminal.minimum_contact_s = 0.0;
    terminal.setup_s = 86_400.0;
    let link = Link::between(&terminal, &spacecraft(Medium::Ka, 1)).unwrap();
    assert!(tracks.iter().all(|track| link.window(track).is_none()));
    assert!(Link::between(&terminal, &spacecraft(Medium::Optical, 1)).is_none());
}

#[test]
fn a_laser_is_booked_with_a_radio_behind_it() {
    let (station, tracks) = tracks();
    let [ka, optical] = [
        (0, Medium::Ka, 1_000_000_000),
        (1, Medium::Optical, 10_000_000_000),
    ]
    .map(|(index, medium, bits)| {
        Link::between(&station.terminals[index], &spacecraft(medium, bits)).unwrap()
    });
    let mut lasers = 0;
    for track in &tracks {
        let bookings = Booking::along(track, &[optical.clone(), ka.clone()]);
        for booking in &bookings {
            match booking.window.medium {
                Medium::Ka => assert!(booking.fallback.is_none()),
                Medium::Optical => {
                    lasers += 1;
                    let fallback = booking.fallback.as_ref().unwrap();
                    assert_eq!(fallback.medium, Medium::Ka);
                    let expected = 0.6 * booking.window.downlink.octets() as f64
                        + 0.4 * fallback.downlink.octets() as f64;
                    let found = booking.expected_downlink_octets() as f64;
                    assert!((found - expected).abs() < 3.0);
                    assert_eq!(booking.window.clear_sky_probability, 0.6);
                }
            }
        }
        assert!(Booking::along(track, std::slice::from_ref(&optical)).is_empty());
    }
    assert!(lasers >= 2, "{lasers}");
}

#[test]
fn a_stations_file_is_taken_at_its_word() {
    let plain = "[[station]]\nname = \"svalbard\"\nlatitude_deg = 78.23\nlongitude_deg = 15.41\nheight_m = 458.0\nelevation_mask_deg = 5.0\n";
    let stations = Station::parse_all(plain).unwrap();
    assert_eq!(stations[0].name, "svalbard");
    assert!(stations[0].terminals.is_empty());
    let says = |text: &str| Station::parse_all(text).unwrap_err();
    assert!(matches!(
        says(&format!("{plain}colour = 1\n")),
        StationError::Toml(_)
    ));
    assert!(matches!(says(""), StationError::Count(0)));
    assert!(matches!(says(&plain.repeat(2)), StationError::Name(_)));
    assert_eq!(
        says(&plain.replace("78.23", "98.0")).to_string(),
        "station svalbard: latitude_deg is 98, not -90 to 90"
    );
    assert!(
        says(&plain.replace("458.0", "nan"))
            .to_string()
            .contains("height_m is NaN")
    );
    for (from, to, expected) in [
        (
            "elevation_deg = 20.0",
            "elevation_deg = 5.0",
            "downlink: the elevation of entry 2 is not above that of the one before it",
        ),
        (
            "setup_s = 20.0",
            "setup_s = -1.0",
            "setup_s is -1, not 0 to 86400",
        ),
        (
            "minimum_contact_s = 60.0",
            "clear_sky_probability = 0.5",
            "clear_sky_probability is for optical terminals only",
        ),
    ] {
        let StationError::Terminal { source, .. } = says(&STATIONS.replace(from, to)) else {
            panic!("{to}");
        };
        assert_eq!(source.to_string(), expected);
    }
    assert!(matches!(
        says(&STATIONS.replace("\"ka\"", "\"x-band\"")),
        StationError::Toml(_)
    ));
}

proptest! {
    #[test]
    fn parts_of_a_window_carry_what_the_whole_does(
        lengths in proptest::collection::vec((1_i64..500_000_000, 0_u64..200_000_000_000, 0_i64..1_000_000), 1..12),
        cut in 0.0_f64..1.0,
        octets in 0_u64..10_000_000_000_000,
    ) {
        let mut at = 1_741_694_400_000_000;
        let pieces: Vec<Piece> = lengths
            .iter()
            .filter_map(|(length, rate, gap)| {
                let from = at + gap;
                at = from + length;
                Piece::new(from, at, *rate)
            })
            .collect();
        let capacity = Capacity::new(pieces, MARGIN_PPM);
        let Some((from, to)) = capacity.ends() else {
            return Ok(());
        };
        let middle = UtcMicros::new(from.get() + ((to.get() - from.get()) as f64 * cut) as i64);
        let parts = capacity.octets_between(from, middle) + capacity.octets_between(middle, to);
        let whole = capacity.octets();
        prop_assert!(parts <= whole && whole <= parts + 1);
        match capacity.done_at(from, octets) {
            Some(done) => {
                // As early as can be, and late enough.
                prop_assert!(capacity.octets_between(from, done) >= octets);
                let before = UtcMicros::new(done.get() - 1);
                prop_assert!(octets == 0 || capacity.octets_between(from, before) < octets);
            }
            None => prop_assert!(whole < octets),
        }
    }
}
