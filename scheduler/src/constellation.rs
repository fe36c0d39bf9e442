//! Constellations as mean elements: for simulations and benches, by rule and without chance.

use std::f64::consts::TAU;

use space_link::time::UtcMicros;
use thiserror::Error;

use crate::orbit::Elements;

/// WGS-72, which SGP4 is used with: the Earth's radius in km, its gravity in km^3/s^2, J2.
const RADIUS_KM: f64 = 6_378.135;
const GRAVITY: f64 = 398_600.8;
const J2: f64 = 0.001_082_616;
/// 2000-01-01T12:00:00, in microseconds since 1970.
const J2000: i64 = 946_728_000_000_000;
const DAY_S: f64 = 86_400.0;
/// Nearly circular; SGP4's terms of drag divide by it.
const ECCENTRICITY: f64 = 1e-4;
/// The lowest and highest circular orbits that are made.
const ALTITUDES_KM: std::ops::RangeInclusive<f64> = 200.0..=40_000.0;
const SATELLITES_MAX: u32 = 2_000_000;
/// The first number: beyond what catalogues have given away.
const CATALOGUE_FIRST: u32 = 900_000_001;

/// Which satellites of a shell stand where: Walker's t/p/f.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walker {
    /// t, how many there are.
    pub satellites: u32,
    /// p, over how many planes; t is a multiple of it.
    pub planes: u32,
    /// f, below p: by how many t-ths of a turn a plane is ahead of the one before it.
    pub phasing: u32,
    /// Whether the planes' nodes are spread over half a turn (star) instead of a turn (delta).
    pub star: bool,
}

/// What every satellite of a shell has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shell<'a> {
    /// Names are this and a number.
    pub name: &'a str,
    /// Height over the equator in km.
    pub altitude_km: f64,
    /// When the elements hold.
    pub epoch: UtcMicros,
    /// Drag term in 1/Earth radii.
    pub bstar: f64,
}

/// Why there is no such constellation.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum ConstellationError {
    /// Planes that cannot all have as many.
    #[error("{satellites} satellites do not fit {planes} planes with phasing {phasing}")]
    Planes {
        /// How many satellites.
        satellites: u32,
        /// How many planes.
        planes: u32,
        /// The phasing.
        phasing: u32,
    },
    /// An altitude without orbits.
    #[error("an altitude of {0} km is not within 200 to 40,000 km")]
    Altitude(f64),
    /// An inclination that is none.
    #[error("an inclination of {0} degrees is not within 0 to 180")]
    Inclination(f64),
    /// An orbit that cannot follow the Sun.
    #[error("no inclination makes an orbit at {0} km follow the Sun")]
    NotSunSynchronous(f64),
    /// An epoch that elements cannot have.
    #[error("the epoch {0} is not within 1957 to 2199")]
    Epoch(UtcMicros),
}

/// A shell by Walker's pattern (Journal of the British Interplanetary Society 37, 1984).
///
/// # Errors
/// [`ConstellationError`] when the pattern or the orbit cannot be.
pub fn walker(
    shell: &Shell<'_>,
    inclination_deg: f64,
    pattern: Walker,
) -> Result<Vec<Elements>, ConstellationError> {
    let Walker {
        satellites,
        planes,
        phasing,
        star,
    } = pattern;
    if planes == 0
        || satellites == 0
        || satellites > SATELLITES_MAX
        || satellites % planes != 0
        || phasing >= planes
    {
        return Err(ConstellationError::Planes {
            satellites,
            planes,
            phasing,
        });
    }
    if !(0.0..=180.0).contains(&inclination_deg) {
        return Err(ConstellationError::Inclination(inclination_deg));
    }
    let in_plane = satellites / planes;
    let spread = if star { 180.0 } else { 360.0 };
    (0..satellites)
        .map(|number| {
            let (plane, place) = (f64::from(number / in_plane), f64::from(number % in_plane));
            let node = spread * plane / f64::from(planes);
            let along = 360.0 * place / f64::from(in_plane)
                + 360.0 * f64::from(phasing) * plane / f64::from(satellites);
            elements(shell, number, inclination_deg, node, along % 360.0)
        })
        .collect()
}

/// Satellites evenly along one orbit that keeps its angle to the Sun: with an ascending node at 6
/// or 18 hours of local time it stays on the border of day and night, dawn-dusk.
///
/// # Errors
/// [`ConstellationError::NotSunSynchronous`] for orbits that are too high.
pub fn sun_synchronous(
    shell: &Shell<'_>,
    satellites: u32,
    ascending_node_hours: f64,
) -> Result<Vec<Elements>, ConstellationError> {
    if satellites == 0 || satellites > SATELLITES_MAX || !ascending_node_hours.is_finite() {
        return Err(ConstellationError::Planes {
            satellites,
            planes: 1,
            phasing: 0,
        });
    }
    if !ALTITUDES_KM.contains(&shell.altitude_km) {
        return Err(ConstellationError::Altitude(shell.altitude_km));
    }
    // The node must go round once a tropical year (Vallado, equation 11-15).
    let rate = TAU / (365.242_19 * DAY_S);
    let axis = RADIUS_KM + shell.altitude_km;
    let cosine = -2.0 * rate * axis.powf(3.5) / (3.0 * J2 * RADIUS_KM.powi(2) * GRAVITY.sqrt());
    if cosine < -1.0 {
        return Err(ConstellationError::NotSunSynchronous(shell.altitude_km));
    }
    let inclination_deg = cosine.acos().to_degrees();
    let days = (shell.epoch.get() as f64 - J2000 as f64) * 1e-6 / DAY_S;
    // The mean Sun, which local time follows.
    let sun = 280.460 + 0.985_647_4 * days;
    let node = (sun + 15.0 * (ascending_node_hours - 12.0)).rem_euclid(360.0);
    (0..satellites)
        .map(|number| {
            let along = 360.0 * f64::from(number) / f64::from(satellites);
            elements(shell, number, inclination_deg, node, along)
        })
        .collect()
}

fn elements(
    shell: &Shell<'_>,
    number: u32,
    inclination_deg: f64,
    ascending_node_deg: f64,
    mean_anomaly_deg: f64,
) -> Result<Elements, ConstellationError> {
    if !ALTITUDES_KM.contains(&shell.altitude_km) {
        return Err(ConstellationError::Altitude(shell.altitude_km));
    }
    let axis = RADIUS_KM + shell.altitude_km;
    let mean_motion = (GRAVITY / axis.powi(3)).sqrt() * DAY_S / TAU;
    let elements = Elements {
        name: format!("{}-{:05}", shell.name, number + 1).into(),
        object_id: "".into(),
        catalogue_number: Some(CATALOGUE_FIRST + number),
        epoch: shell.epoch,
        mean_motion,
        eccentricity: ECCENTRICITY,
        inclination_deg,
        ascending_node_deg,
        pericenter_deg: 0.0,
        mean_anomaly_deg,
        bstar: shell.bstar,
        mean_motion_dot: 0.0,
    };
    match elements.check() {
        Ok(()) => Ok(elements),
        Err(_) => Err(ConstellationError::Epoch(shell.epoch)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: Shell<'_> = Shell {
        name: "NODE",
        altitude_km: 650.0,
        epoch: UtcMicros::new(1_741_694_400_000_000),
        bstar: 2e-5,
    };

    #[test]
    fn a_walker_pattern_is_even() {
        let pattern = Walker {
            satellites: 12,
            planes: 3,
            phasing: 1,
            star: false,
        };
        let found = walker(&SHELL, 53.0, pattern).unwrap();
        assert_eq!(found.len(), 12);
        let names: std::collections::HashSet<_> = found.iter().map(|one| &one.name).collect();
        assert_eq!(names.len(), 12);
        assert_eq!(found[4].ascending_node_deg, 120.0);
        assert_eq!(found[4].mean_anomaly_deg, 30.0);
        assert_eq!(found[1].mean_anomaly_deg, 90.0);
        assert!((found[0].mean_motion - 14.73).abs() < 0.01);
        let odd = Walker {
            planes: 5,
            ..pattern
        };
        assert!(walker(&SHELL, 53.0, odd).is_err());
        assert!(walker(&SHELL, f64::NAN, pattern).is_err());
    }

    #[test]
    fn a_sun_synchronous_orbit_has_the_known_inclination() {
        // 97.99 degrees at 650 km: Boain, "A-B-Cs of Sun-Synchronous Orbit Mission Design" (2004).
        let found = sun_synchronous(&SHELL, 8, 18.0).unwrap();
        assert!((found[0].inclination_deg - 97.99).abs() < 0.05);
        let high = Shell {
            altitude_km: 7_000.0,
            ..SHELL
        };
        assert_eq!(
            sun_synchronous(&high, 1, 6.0),
            Err(ConstellationError::NotSunSynchronous(7_000.0))
        );
    }
}
