//! From the frame of SGP4 to the Earth's, and from the celestial frames to that of SGP4.
//!
//! TEME, the true equator and mean equinox of date, turns into the Earth's frame by the Greenwich
//! mean sidereal time of 1982 (Vallado et al., "Revisiting Spacetrack Report #3", AIAA 2006-6753,
//! appendix C); the celestial frames come to TEME by precession and nutation.

mod celestial;
mod nutation;
mod nutation_terms;
mod orientation;
mod ut1_table;

pub(crate) use celestial::{Celestial, teme_from_true_of_date, true_of_date_from_ecliptic};
pub use orientation::{EarthOrientation, EarthOrientationError, EarthOrientationRow};

use space_link::time::UtcMicros;

use crate::orbit::State;
use crate::vector::Vector;

/// The Earth's rate of rotation in radians a second (IERS Conventions 2010, table 1.1).
pub(crate) const EARTH_RATE: f64 = 7.292_115e-5;

/// A place and a speed in the Earth's frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarthState {
    /// Position in km.
    pub position_km: [f64; 3],
    /// Velocity in km/s, as the turning Earth sees it.
    pub velocity_km_s: [f64; 3],
}

impl EarthOrientation {
    /// A state of TEME in the Earth's frame, ITRF.
    #[must_use]
    pub fn itrf(&self, time: UtcMicros, state: &State) -> EarthState {
        let earth = self.earth_at(time.get() as f64 * 1e-6);
        let (position_km, velocity_km_s) = earth.itrf(&state.position_km, &state.velocity_km_s);
        EarthState {
            position_km,
            velocity_km_s,
        }
    }

    /// A vector of the celestial frame GCRF in TEME.
    #[must_use]
    pub fn teme_from_gcrf(&self, time: UtcMicros, vector: [f64; 3]) -> [f64; 3] {
        let rotation = Celestial::Gcrf.to_teme(self, time.get() as f64 * 1e-6);
        rotation.apply(&vector)
    }
}

/// How the Earth stands at a moment: TEME to ITRF and back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EarthAt {
    sin: f64,
    cos: f64,
    /// x and y of the pole in radians.
    pole: [f64; 2],
}

impl EarthAt {
    #[inline]
    pub(crate) fn new(sidereal: f64, pole: [f64; 2]) -> Self {
        let (sin, cos) = sidereal.sin_cos();
        Self { sin, cos, pole }
    }

    /// Position and velocity in the rotating frame.
    #[inline]
    pub(crate) fn itrf(&self, position: &Vector, velocity: &Vector) -> (Vector, Vector) {
        let position = self.turn(position);
        let mut velocity = self.turn(velocity);
        velocity[0] += EARTH_RATE * position[1];
        velocity[1] -= EARTH_RATE * position[0];
        if self.pole == [0.0; 2] {
            return (position, velocity);
        }
        (self.tilt(&position, 1.0), self.tilt(&velocity, 1.0))
    }

    /// Position and velocity in TEME.
    pub(crate) fn teme(&self, position: &Vector, velocity: &Vector) -> (Vector, Vector) {
        let position = self.tilt(position, -1.0);
        let mut velocity = self.tilt(velocity, -1.0);
        velocity[0] -= EARTH_RATE * position[1];
        velocity[1] += EARTH_RATE * position[0];
        let back = Self {
            sin: -self.sin,
            ..*self
        };
        (back.turn(&position), back.turn(&velocity))
    }

    #[inline]
    fn turn(&self, vector: &Vector) -> Vector {
        let [x, y, z] = *vector;
        [self.cos * x + self.sin * y, self.cos * y - self.sin * x, z]
    }

    /// Polar motion, to first order: the pole is within 3e-6 of its place.
    fn tilt(&self, vector: &Vector, direction: f64) -> Vector {
        let ([x, y, z], [pole_x, pole_y]) = (*vector, self.pole.map(|angle| direction * angle));
        [x + pole_x * z, y - pole_y * z, z - pole_x * x + pole_y * y]
    }
}

#[cfg(test)]
mod tests {
    use space_link::time::LeapSeconds;

    use super::*;

    fn earth(pole_arcsec: [f64; 2]) -> EarthOrientation {
        let row = |mjd| EarthOrientationRow {
            mjd,
            ut1_minus_utc_s: 0.044_240_5,
            pole_arcsec,
        };
        let rows = [row(60_700.0), row(60_800.0)];
        EarthOrientation::from_rows(&rows, LeapSeconds::IERS).unwrap()
    }

    #[test]
    fn the_pole_moves_the_ground_as_skyfield_says() {
        // The ISS at this time, and by how many m it moves in ITRS when the pole goes to 0.3 and
        // -0.2 arc seconds: skyfield 1.55 with `polar_motion_table`.
        let at: UtcMicros = "2025-03-11T12:10:00Z".parse().unwrap();
        let moved = [2.348_259_49, 1.565_754_88, -6.376_219_65];
        let state = State {
            position_km: [915.717_106_930, 6_530.962_621_932, 1_614.804_560_026],
            velocity_km_s: [-5.0, 0.0, 5.0],
        };
        let (still, tilted) = (
            earth([0.0; 2]).itrf(at, &state),
            earth([0.3, -0.2]).itrf(at, &state),
        );
        assert!((still.position_km[0] + 12.592_828_54).abs() < 1e-3);
        for (axis, moved) in moved.iter().enumerate() {
            let metres = (tilted.position_km[axis] - still.position_km[axis]) * 1e3;
            assert!((metres - moved).abs() < 1e-3, "{axis}: {metres}");
        }
    }

    #[test]
    fn the_way_to_the_earth_and_back_is_none() {
        let state = State {
            position_km: [1_234.5, -6_789.0, 321.0],
            velocity_km_s: [5.0, 1.0, -5.5],
        };
        for pole in [[0.0; 2], [0.3, -0.2]] {
            let earth = earth(pole).earth_at(1_741_694_400.25);
            let (position, velocity) = earth.itrf(&state.position_km, &state.velocity_km_s);
            let (position, velocity) = earth.teme(&position, &velocity);
            for axis in 0..3 {
                // The pole is turned to first order only.
                assert!((position[axis] - state.position_km[axis]).abs() < 1e-7);
                assert!((velocity[axis] - state.velocity_km_s[axis]).abs() < 1e-10);
            }
        }
    }
}
