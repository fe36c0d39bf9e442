//! Orbits: read from files, and propagated.
//!
//! Mean elements go through SGP4 with the constants of WGS-72, which is what they were fitted with,
//! and the sidereal time of the IAU; ephemerides are interpolated as their file says.

mod elements;
mod ephemeris;
mod error;
mod file;
mod ndm;
mod oem;
mod omm;
mod sgp4;
mod tle;

use std::sync::Arc;

use space_link::time::UtcMicros;

pub use elements::Elements;
pub use ephemeris::{Ephemeris, EphemerisError, EphemerisSegment, EphemerisState, Interpolation};
pub use error::{FileError, OrbitError, RecordError, RecordFault};
pub use file::{Format, OrbitFile, Satellite, Source, read, read_with};
pub use oem::{OemHeader, OemSegment, write_kvn as write_oem_kvn, write_xml as write_oem_xml};
pub use omm::{
    write_json as write_omm_json, write_kvn as write_omm_kvn, write_xml as write_omm_xml,
};
pub use sgp4::Sgp4;

pub(crate) use sgp4::Resonance;

use crate::vector::{Vector, dot, norm};
use crate::window::{DAY, Window};

/// Days between an orbit's epoch and a window beyond which the orbit tells nothing.
pub const EPOCH_AGE_DAYS_MAX: u32 = 30;
/// Below this distance from the Earth's centre in km a satellite is not in orbit any more.
const DECAYED_KM: f64 = 6_378.135;
/// Radians that a satellite may turn about the Earth between nodes of a grid.
const NODE_TURN: f64 = 0.13;

/// Where a satellite is: true equator, mean equinox of date.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// Position in km.
    pub position_km: [f64; 3],
    /// Velocity in km/s.
    pub velocity_km_s: [f64; 3],
}

/// An orbit that can be asked where its satellite is.
#[derive(Clone, Debug)]
pub struct Orbit(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Sgp4(Box<Sgp4>),
    Ephemeris(Arc<Ephemeris>),
}

impl Orbit {
    /// From mean elements.
    ///
    /// # Errors
    /// [`OrbitError::Elements`] when SGP4 cannot start from them.
    pub fn from_elements(elements: &Elements) -> Result<Self, OrbitError> {
        Ok(Self(Kind::Sgp4(Box::new(Sgp4::new(elements)?))))
    }

    /// From an ephemeris.
    #[must_use]
    pub const fn from_ephemeris(ephemeris: Arc<Ephemeris>) -> Self {
        Self(Kind::Ephemeris(ephemeris))
    }

    /// Where the satellite is at a time.
    ///
    /// # Errors
    /// [`OrbitError`] where the orbit has decayed, or the ephemeris has nothing.
    #[inline]
    pub fn state(&self, time: UtcMicros) -> Result<State, OrbitError> {
        match &self.0 {
            Kind::Sgp4(sgp4) => sgp4.state(time),
            Kind::Ephemeris(ephemeris) => ephemeris.state(time),
        }
    }

    /// The time its elements hold for, if it has elements.
    #[must_use]
    pub fn epoch(&self) -> Option<UtcMicros> {
        match &self.0 {
            Kind::Sgp4(sgp4) => Some(sgp4.epoch()),
            Kind::Ephemeris(_) => None,
        }
    }

    /// Seconds between nodes from which positions may be interpolated.
    pub(crate) fn node_step_s(&self) -> f64 {
        let rate = match &self.0 {
            Kind::Sgp4(sgp4) => sgp4.turn_rate_max(),
            Kind::Ephemeris(ephemeris) => ephemeris.turn_rate_max(),
        };
        (NODE_TURN / rate).clamp(5.0, 1_200.0)
    }

    /// The parts of a window for which the orbit tells something.
    ///
    /// # Errors
    /// [`OrbitError::EpochTooFar`] and [`OrbitError::NoEphemeris`] when there is none.
    pub fn spans(&self, window: Window, age_days_max: u32) -> Result<Vec<Window>, OrbitError> {
        match &self.0 {
            Kind::Sgp4(sgp4) => {
                let epoch = sgp4.epoch();
                let before = window.from().get() - epoch.get();
                let after = epoch.get() - window.to().get();
                let away = before.max(after).max(0);
                if away > i64::from(age_days_max) * DAY {
                    return Err(OrbitError::EpochTooFar {
                        epoch,
                        days: away / DAY,
                        days_max: age_days_max,
                    });
                }
                Ok(vec![window])
            }
            Kind::Ephemeris(ephemeris) => {
                let spans = ephemeris.spans(window);
                if spans.is_empty() {
                    let (from, to) = ephemeris.covers();
                    return Err(OrbitError::NoEphemeris { from, to });
                }
                Ok(spans)
            }
        }
    }

    /// Propagation forward from a time.
    pub(crate) fn sweep(&self, from: UtcMicros) -> Sweep<'_> {
        let minutes = match &self.0 {
            Kind::Sgp4(sgp4) => sgp4.minutes(from),
            Kind::Ephemeris(_) => 0.0,
        };
        Sweep {
            orbit: self,
            from,
            minutes,
            resonance: Resonance::default(),
        }
    }
}

/// States at seconds after a time, cheapest in order.
pub(crate) struct Sweep<'a> {
    orbit: &'a Orbit,
    from: UtcMicros,
    minutes: f64,
    resonance: Resonance,
}

impl Sweep<'_> {
    #[inline]
    pub(crate) fn state(&mut self, seconds: f64) -> Result<State, OrbitError> {
        match &self.orbit.0 {
            Kind::Sgp4(sgp4) => sgp4.sweep(self.minutes + seconds / 60.0, &mut self.resonance),
            Kind::Ephemeris(ephemeris) => ephemeris.state_after(self.from, seconds),
        }
    }
}

/// Ephemerides and elements alike: an orbit does not go through the Earth.
#[inline]
fn in_orbit(state: State, time: impl FnOnce() -> UtcMicros) -> Result<State, OrbitError> {
    let squared = dot(&state.position_km, &state.position_km);
    if (DECAYED_KM * DECAYED_KM..f64::INFINITY).contains(&squared) {
        Ok(state)
    } else if !squared.is_finite() {
        Err(OrbitError::Diverged { at: time() })
    } else {
        Err(OrbitError::Decayed { at: time() })
    }
}

/// Radians a second of a state about the Earth's centre, at most.
fn turn_rate(position: &Vector, velocity: &Vector) -> f64 {
    norm(velocity) / norm(position).max(1.0)
}

#[cfg(test)]
mod tests;
