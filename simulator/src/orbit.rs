//! Where the node is, where the Sun is, and whether the Earth is between them.
//!
//! A circular orbit and the low-precision Sun of the Astronomical Almanac: good to a fraction of a
//! degree, which decides eclipses to a few seconds.

use std::f64::consts::{PI, TAU};

use crate::random::Random;

pub(crate) type Vector = [f64; 3];

/// A circular orbit at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Orbit {
    /// Days since 2000-01-01 12:00 at the start.
    epoch_days: f64,
    elapsed_s: f64,
    node_rad: f64,
    phase_rad: f64,
    /// Inertial position in km and direction of flight.
    pub(crate) position: Vector,
    pub(crate) flight: Vector,
    /// Direction to the Sun.
    pub(crate) sun: Vector,
    /// Part of the solar disc that is seen: 0 in the umbra, 1 in sunlight.
    pub(crate) illumination: f64,
    pub(crate) latitude_deg: f64,
    pub(crate) longitude_deg: f64,
}

impl Orbit {
    /// An orbit that has eclipses: its node lies within 40 degrees of the Sun's right ascension.
    pub(crate) fn new(random: &mut Random, start_micros: i64) -> Self {
        let epoch_days = start_micros as f64 / 86_400e6 - DAYS_1970_TO_J2000;
        let [x, y, _] = sun_direction(epoch_days);
        let mut orbit = Self {
            epoch_days,
            elapsed_s: 0.0,
            node_rad: y.atan2(x) + random.between(-40.0, 40.0).to_radians(),
            phase_rad: random.between(0.0, TAU),
            position: [0.0; 3],
            flight: [0.0; 3],
            sun: [0.0; 3],
            illumination: 1.0,
            latitude_deg: 0.0,
            longitude_deg: 0.0,
        };
        orbit.locate();
        orbit
    }

    pub(crate) fn advance(&mut self, seconds: f64) {
        self.elapsed_s += seconds;
        self.locate();
    }

    /// Height above the mean equatorial radius.
    pub(crate) fn altitude_km(&self) -> f64 {
        length(self.position) - EARTH_RADIUS_KM
    }

    /// Angle flown since the start.
    pub(crate) fn angle_rad(&self) -> f64 {
        TAU * self.elapsed_s / period_s() + self.phase_rad
    }

    /// Inside the South Atlantic Anomaly, taken as an ellipse on the map.
    pub(crate) fn in_south_atlantic_anomaly(&self) -> bool {
        let across = (self.longitude_deg + 45.0) / 45.0;
        let along = (self.latitude_deg + 26.0) / 22.0;
        across * across + along * along < 1.0
    }

    /// Elevation in degrees and distance in km as seen from a place on the ground.
    pub(crate) fn seen_from(&self, latitude_deg: f64, longitude_deg: f64) -> (f64, f64) {
        let (here, there) = (self.latitude_deg.to_radians(), latitude_deg.to_radians());
        let cos_angle = here.sin() * there.sin()
            + here.cos() * there.cos() * (self.longitude_deg - longitude_deg).to_radians().cos();
        let radius = length(self.position);
        let squared = radius * radius + EARTH_RADIUS_KM * EARTH_RADIUS_KM
            - 2.0 * radius * EARTH_RADIUS_KM * cos_angle;
        let distance = squared.max(1.0).sqrt();
        let sine = (radius * cos_angle - EARTH_RADIUS_KM) / distance;
        (sine.clamp(-1.0, 1.0).asin().to_degrees(), distance)
    }

    fn locate(&mut self) {
        let (sin, cos) = self.angle_rad().sin_cos();
        let (sin_node, cos_node) = self.node_rad.sin_cos();
        let (sin_tilt, cos_tilt) = INCLINATION_DEG.to_radians().sin_cos();
        let in_plane = |x: f64, y: f64| {
            [
                x * cos_node - y * cos_tilt * sin_node,
                x * sin_node + y * cos_tilt * cos_node,
                y * sin_tilt,
            ]
        };
        let radius = EARTH_RADIUS_KM + ALTITUDE_KM;
        self.position = in_plane(cos, sin).map(|part| part * radius);
        self.flight = in_plane(-sin, cos);
        let days = self.epoch_days + self.elapsed_s / 86_400.0;
        self.sun = sun_direction(days);
        self.illumination = illumination(self.position, self.sun);
        let [x, y, z] = self.position;
        self.latitude_deg = (z / radius).clamp(-1.0, 1.0).asin().to_degrees();
        let sidereal_deg = 280.460_618_37 + 360.985_647_366_29 * days;
        let longitude = y.atan2(x).to_degrees() - sidereal_deg;
        self.longitude_deg = (longitude + 180.0).rem_euclid(360.0) - 180.0;
    }
}

/// Seconds of one revolution.
pub(crate) fn period_s() -> f64 {
    TAU * ((EARTH_RADIUS_KM + ALTITUDE_KM).powi(3) / EARTH_GRAVITY_KM3_S2).sqrt()
}

pub(crate) fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

pub(crate) fn length(a: Vector) -> f64 {
    dot(a, a).sqrt()
}

fn sun_direction(days_since_j2000: f64) -> Vector {
    let mean = (280.460 + 0.985_647_4 * days_since_j2000).to_radians();
    let anomaly = (357.528 + 0.985_600_3 * days_since_j2000).to_radians();
    let longitude = mean + 1.915_f64.to_radians() * anomaly.sin();
    let (sin_tilt, cos_tilt) = 23.439_f64.to_radians().sin_cos();
    [
        longitude.cos(),
        cos_tilt * longitude.sin(),
        sin_tilt * longitude.sin(),
    ]
}

/// The Earth's shadow is a cone: the penumbra widens by the Sun's apparent radius.
fn illumination(position: Vector, sun: Vector) -> f64 {
    let along = dot(position, sun);
    if along >= 0.0 {
        return 1.0;
    }
    let across = (dot(position, position) - along * along).max(0.0).sqrt();
    let half_width = -along * SUN_HALF_ANGLE_RAD;
    let seen = ((across - EARTH_RADIUS_KM) / half_width).clamp(-1.0, 1.0);
    // Part of a disc beyond a straight edge at `seen` radii from its centre.
    0.5 + (seen * (1.0 - seen * seen).sqrt() + seen.asin()) / PI
}

const EARTH_RADIUS_KM: f64 = 6_378.137;
const EARTH_GRAVITY_KM3_S2: f64 = 398_600.441_8;
const ALTITUDE_KM: f64 = 560.0;
const INCLINATION_DEG: f64 = 53.0;
const SUN_HALF_ANGLE_RAD: f64 = 0.004_65;
const DAYS_1970_TO_J2000: f64 = 10_957.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revolution_takes_96_minutes_and_a_third_of_it_lies_in_the_shadow() {
        assert!((period_s() / 60.0 - 95.9).abs() < 0.2);
        for seed in 0..8 {
            let mut orbit = Orbit::new(&mut Random::new(seed, 0), 1_800_000_000_000_000);
            let seconds = period_s() as u32;
            let mut dark = 0;
            for _ in 0..seconds {
                orbit.advance(1.0);
                assert!((length(orbit.position) - 6_938.137).abs() < 1e-6);
                dark += u32::from(orbit.illumination == 0.0);
            }
            assert!((30 * 60..=36 * 60).contains(&dark), "{dark} s of umbra");
        }
    }

    #[test]
    fn the_sun_stands_over_the_equator_at_an_equinox_and_over_a_tropic_at_a_solstice() {
        // 2025-03-20T09:01 and 2025-06-21T02:42 UTC.
        let [_, _, equinox] = sun_direction(9_209.876);
        let [_, _, solstice] = sun_direction(9_302.613);
        assert!(equinox.abs() < 0.001, "{equinox}");
        assert!((solstice.asin().to_degrees() - 23.44).abs() < 0.02);
    }

    #[test]
    fn overhead_is_at_ninety_degrees() {
        let orbit = Orbit::new(&mut Random::new(1, 0), 0);
        let (elevation, distance) = orbit.seen_from(orbit.latitude_deg, orbit.longitude_deg);
        assert!((elevation - 90.0).abs() < 1e-3);
        assert!((distance - ALTITUDE_KM).abs() < 1e-3);
    }
}
