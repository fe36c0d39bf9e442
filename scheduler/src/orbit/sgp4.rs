//! SGP4 with the constants of WGS-72.

use space_link::time::UtcMicros;

use super::{Elements, OrbitError, State, in_orbit};
use crate::window::after;

/// 2000-01-01T12:00:00, in microseconds since 1970.
const J2000: i64 = 946_728_000_000_000;
const MINUTE: f64 = 60e6;
/// Microseconds of a Julian year.
const YEAR: f64 = 365.25 * 86_400e6;

/// An orbit that SGP4 or SDP4 propagates.
///
/// Vallado et al., AIAA 2006-6753; improved mode of operation, not that of AFSPC.
#[derive(Clone, Debug)]
pub struct Sgp4 {
    constants: sgp4::Constants,
    epoch: UtcMicros,
    turn_rate_max: f64,
}

impl Sgp4 {
    /// From mean elements.
    ///
    /// # Errors
    /// [`OrbitError::Elements`] when there is no such orbit.
    pub fn new(elements: &Elements) -> Result<Self, OrbitError> {
        elements
            .check()
            .map_err(|error| OrbitError::Elements(error.to_string()))?;
        // The crate's own way from elements to constants takes WGS-84, up to 109 m off.
        let orbit = sgp4::Orbit::from_kozai_elements(
            &sgp4::WGS72,
            elements.inclination_deg.to_radians(),
            elements.ascending_node_deg.to_radians(),
            elements.eccentricity,
            elements.pericenter_deg.to_radians(),
            elements.mean_anomaly_deg.to_radians(),
            elements.mean_motion * (std::f64::consts::PI / 720.0),
        )
        .map_err(|error| OrbitError::Elements(error.to_string()))?;
        let years = (elements.epoch.get() - J2000) as f64 / YEAR;
        let constants = sgp4::Constants::new(
            sgp4::WGS72,
            sgp4::iau_epoch_to_sidereal_time,
            years,
            elements.bstar,
            orbit,
        )
        .map_err(|error| OrbitError::Elements(error.to_string()))?;
        let eccentricity = elements.eccentricity;
        let mean = elements.mean_motion * std::f64::consts::TAU / 86_400.0;
        let at_perigee = (1.0 + eccentricity).powi(2) / (1.0 - eccentricity.powi(2)).powf(1.5);
        Ok(Self {
            constants,
            epoch: elements.epoch,
            turn_rate_max: mean * at_perigee,
        })
    }

    /// The time its elements hold for.
    #[must_use]
    pub const fn epoch(&self) -> UtcMicros {
        self.epoch
    }

    /// Where the satellite is at a time.
    ///
    /// # Errors
    /// [`OrbitError`] where there is no orbit any more.
    #[inline]
    pub fn state(&self, time: UtcMicros) -> Result<State, OrbitError> {
        let minutes = self.minutes(time);
        let prediction = self.constants.propagate(sgp4::MinutesSinceEpoch(minutes));
        self.checked(prediction, minutes)
    }

    /// Minutes from the epoch to a time. UTC is taken as even, as those who fit elements do.
    #[inline]
    pub(super) fn minutes(&self, time: UtcMicros) -> f64 {
        time.get().saturating_sub(self.epoch.get()) as f64 / MINUTE
    }

    /// The state so many minutes after the epoch, going on from an earlier call's resonance.
    #[inline]
    pub(super) fn sweep(
        &self,
        minutes: f64,
        resonance: &mut Resonance,
    ) -> Result<State, OrbitError> {
        let state = resonance.prepare(&self.constants, minutes);
        let prediction =
            self.constants
                .propagate_from_state(sgp4::MinutesSinceEpoch(minutes), state, false);
        self.checked(prediction, minutes)
    }

    pub(super) const fn turn_rate_max(&self) -> f64 {
        self.turn_rate_max
    }

    #[inline]
    fn checked(
        &self,
        prediction: Result<sgp4::Prediction, sgp4::Error>,
        minutes: f64,
    ) -> Result<State, OrbitError> {
        let time = || after(self.epoch, minutes * 60.0);
        match prediction {
            Ok(prediction) => {
                let state = State {
                    position_km: prediction.position,
                    velocity_km_s: prediction.velocity,
                };
                in_orbit(state, time)
            }
            Err(_) => Err(OrbitError::Diverged { at: time() }),
        }
    }
}

/// How far the integrator of resonant deep-space orbits has come.
#[derive(Default)]
pub(crate) struct Resonance {
    state: Option<sgp4::ResonanceState>,
    known: bool,
}

impl Resonance {
    /// The integrator goes away from the epoch only; a time that it has passed starts it again.
    #[inline]
    fn prepare(
        &mut self,
        constants: &sgp4::Constants,
        minutes: f64,
    ) -> Option<&mut sgp4::ResonanceState> {
        let passed = self.state.as_ref().is_some_and(|state| {
            state.t() != 0.0
                && (state.t().is_sign_positive() != minutes.is_sign_positive()
                    || minutes.abs() < state.t().abs())
        });
        if passed || !self.known {
            self.state = constants.initial_state();
            self.known = true;
        }
        self.state.as_mut()
    }
}
