//! Where the Sun is seen.

use std::f64::consts::PI;

use space_link::time::UtcMicros;

use super::earth_terms::{B0, B1, L0, L1, L2, L3, L4, L5, R0, R1, R2, R3, R4, Term};
use crate::frame::{EarthOrientation, teme_from_true_of_date, true_of_date_from_ecliptic};
use crate::vector::{Vector, sum};
use crate::window::Window;

const AU_KM: f64 = 149_597_870.7;
const ARCSECOND: f64 = PI / 648_000.0;
/// Seconds between computed places; a polynomial through four of them is within a metre.
const STEP_S: f64 = 21_600.0;
const J2000_S: f64 = 946_728_000.0;
/// Seconds of a Julian millennium.
const MILLENNIUM_S: f64 = 365_250.0 * 86_400.0;

/// The Sun's apparent places during a window, computed once for all satellites.
///
/// By the largest terms of VSOP87, with aberration: within 1 arc second.
#[derive(Clone, Debug)]
pub struct Sun {
    first_s: f64,
    places: Vec<Vector>,
}

impl Sun {
    /// The places for a window.
    #[must_use]
    pub fn new(window: Window, earth: &EarthOrientation) -> Self {
        let first_s = window.from().get() as f64 * 1e-6 - STEP_S;
        let steps = (window.seconds() / STEP_S).ceil() as usize + 3;
        let place = |index| place(earth, first_s + index as f64 * STEP_S);
        Self {
            first_s,
            places: (0..=steps).map(place).collect(),
        }
    }

    /// The place in TEME in km from the Earth's centre; outside the window it grows wrong.
    #[must_use]
    pub fn position_km(&self, time: UtcMicros) -> [f64; 3] {
        self.at(time.get() as f64 * 1e-6)
    }

    /// By seconds since 1970 UTC.
    #[inline]
    pub(super) fn at(&self, utc_s: f64) -> Vector {
        let steps = (utc_s - self.first_s) / STEP_S;
        let node = (steps.max(1.0) as usize).min(self.places.len() - 3);
        let t = steps - node as f64;
        // Lagrange's polynomial through -1, 0, 1 and 2.
        let weights = [
            -t * (t - 1.0) * (t - 2.0) / 6.0,
            (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0,
            -(t + 1.0) * t * (t - 2.0) / 2.0,
            (t + 1.0) * t * (t - 1.0) / 6.0,
        ];
        let places = &self.places[node - 1..node + 3];
        places
            .iter()
            .zip(weights)
            .fold([0.0; 3], |total, (place, weight)| {
                sum(&total, weight, place)
            })
    }
}

/// The apparent place at a time in seconds since 1970 UTC.
fn place(earth: &EarthOrientation, utc_s: f64) -> Vector {
    let leap = earth.leap_seconds();
    let tai_minus_utc = leap.tai_minus_utc(UtcMicros::new((utc_s * 1e6) as i64)) as f64 * 1e-6;
    let t = (utc_s + tai_minus_utc + 32.184 - J2000_S) / MILLENNIUM_S;
    let longitude = series(t, &[&L0, &L1, &L2, &L3, &L4, &L5]);
    let latitude = series(t, &[&B0, &B1]);
    let distance = series(t, &[&R0, &R1, &R2, &R3, &R4]);
    // Seen from the Earth; VSOP87's equinox is 0.09 arc seconds from that of FK5, and the light
    // comes from where the Sun was (Meeus, "Astronomical Algorithms", chapter 25).
    let aberration = 20.489_8 / distance;
    let longitude = longitude + PI - (0.090_33 + aberration) * ARCSECOND;
    let (sin_l, cos_l) = longitude.sin_cos();
    let (sin_b, cos_b) = (-latitude).sin_cos();
    let ecliptic = [cos_b * cos_l, cos_b * sin_l, sin_b].map(|part| part * distance * AU_KM);
    let equatorial = true_of_date_from_ecliptic(earth, utc_s).apply(&ecliptic);
    teme_from_true_of_date(earth, utc_s).apply(&equatorial)
}

fn series(t: f64, powers: &[&[Term]]) -> f64 {
    let sums = powers.iter().rev().fold(0.0, |total, terms| {
        let sum: f64 = terms
            .iter()
            .map(|(amplitude, phase, rate)| amplitude * (phase + rate * t).cos())
            .sum();
        total * t + sum
    });
    sums * 1e-8
}
