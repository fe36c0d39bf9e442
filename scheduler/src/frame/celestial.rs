//! The celestial frames and that of the true equator of date.

use std::f64::consts::{PI, TAU};

use super::nutation::Nutation;
use super::orientation::EarthOrientation;
use crate::vector::Rotation;

const ARCSECOND: f64 = PI / 648_000.0;

/// A frame that does not turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Celestial {
    /// The geocentric celestial reference frame, with ICRF's axes.
    Gcrf,
    /// Mean equator and equinox of J2000.
    Eme2000,
}

impl Celestial {
    /// The rotation to TEME at a time in seconds since 1970 UTC.
    pub(crate) fn to_teme(self, earth: &EarthOrientation, utc_s: f64) -> Rotation {
        let t = earth.tt_centuries_since_j2000(utc_s);
        let nutation = Nutation::at(t);
        let mean_of_date = match self {
            Self::Gcrf => bias().then(&precession(t)),
            Self::Eme2000 => precession(t),
        };
        mean_of_date
            .then(&Rotation::about(0, nutation.mean_obliquity))
            .then(&true_of_date(&nutation))
            .then(&to_teme(earth, utc_s, t, &nutation))
    }
}

/// The rotation from the mean ecliptic and equinox of date to the true equator and equinox.
pub(crate) fn true_of_date_from_ecliptic(earth: &EarthOrientation, utc_s: f64) -> Rotation {
    true_of_date(&Nutation::at(earth.tt_centuries_since_j2000(utc_s)))
}

/// The rotation from the true equator and equinox of date to TEME.
pub(crate) fn teme_from_true_of_date(earth: &EarthOrientation, utc_s: f64) -> Rotation {
    let t = earth.tt_centuries_since_j2000(utc_s);
    to_teme(earth, utc_s, t, &Nutation::at(t))
}

fn true_of_date(nutation: &Nutation) -> Rotation {
    Rotation::about(2, -nutation.longitude).then(&Rotation::about(0, -nutation.true_obliquity()))
}

/// TEME is where the sidereal time of 1982 leads to the Earth's frame, so that both ways agree.
fn to_teme(earth: &EarthOrientation, utc_s: f64, t: f64, nutation: &Nutation) -> Rotation {
    let days = earth.ut1_days_since_j2000(utc_s);
    // The Earth rotation angle, IERS Conventions 2010, equation 5.15.
    let turned = 0.779_057_273_264_0 + 0.002_737_811_911_354_48 * days + days % 1.0;
    // Greenwich mean sidereal time by IAU 2006, equation 5.32.
    let arcseconds = 0.014_506 + t * (4_612.156_534 + t * (1.391_581_7 - 0.000_000_44 * t));
    let apparent = turned * TAU + arcseconds * ARCSECOND + nutation.equation_of_equinoxes();
    Rotation::about(2, apparent - earth.sidereal_at(utc_s))
}

/// Precession of the equator by IAU 2006 (Capitaine, Wallace and Chapront 2003, equation 40).
fn precession(t: f64) -> Rotation {
    let zeta = 2.650_545
        + t * (2_306.083_227 + t * (0.298_849_9 + t * (0.018_018_28 - 0.000_005_971 * t)));
    let z = -2.650_545
        + t * (2_306.077_181 + t * (1.092_734_8 + t * (0.018_268_37 - 0.000_028_596 * t)));
    let theta = t * (2_004.191_903 - t * (0.429_493_4 + t * (0.041_822_64 + 0.000_007_089 * t)));
    Rotation::about(2, -zeta * ARCSECOND)
        .then(&Rotation::about(1, theta * ARCSECOND))
        .then(&Rotation::about(2, -z * ARCSECOND))
}

/// From GCRF to the mean equator and equinox of J2000 (IERS Conventions 2010, section 5.4.4).
fn bias() -> Rotation {
    let [alpha, xi, eta] = [-0.0146, -0.016_617, -0.006_819_2].map(|angle| angle * ARCSECOND);
    Rotation([[1.0, alpha, -xi], [-alpha, 1.0, -eta], [xi, eta, 1.0]])
}
