//! Any text as a file of stations: an error that says something, or stations that see a pass or
//! none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scheduler::frame::{EarthOrientation, EarthState};
use scheduler::station::Station;
use space_link::time::LeapSeconds;

fuzz_target!(|text: &str| {
    match Station::parse_all(text) {
        Ok(stations) => {
            for station in stations {
                let look = station.look(&EarthState {
                    position_km: [7_000.0, 100.0, 50.0],
                    velocity_km_s: [0.0, 7.5, 0.0],
                });
                assert!((-90.0..=90.0).contains(&look.elevation_deg));
                assert!((0.0..=360.0).contains(&look.azimuth_deg));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(earth) = EarthOrientation::from_finals2000a(text, true, LeapSeconds::IERS) {
        let (first, last) = earth.covers();
        assert!(first < last);
        assert!(earth.ut1_minus_utc_s(first).is_finite());
        assert!(earth.sidereal_time(last).is_finite());
    }
});
