//! Passes: when a satellite rises, culminates and sets at each station.
//!
//! An orbit is propagated once, on an even grid of nodes as wide as its motion allows; between
//! nodes a polynomial through positions and velocities says whether and when the satellite crosses
//! a station's mask, and one exact propagation an event settles the time.

mod cubic;
mod roots;
mod row;
mod search;
mod sky;
mod track;

pub(crate) use cubic::Cubic;
pub(crate) use roots::falling_zero;
pub use row::PassRow;
pub use track::{ElevationBand, Track};

use space_link::time::UtcMicros;

use crate::frame::EarthOrientation;
use crate::orbit::{EPOCH_AGE_DAYS_MAX, Orbit, OrbitError, Satellite};
use crate::station::{Look, Site, Station};
use crate::window::Window;

use search::Search;

/// A moment of a pass, and where the satellite then stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// UTC.
    pub time: UtcMicros,
    /// Azimuth, elevation, range and its change.
    pub look: Look,
}

/// The time from rising above a station's mask until setting below it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pass {
    /// Which of the predictor's stations.
    pub station: u32,
    /// Acquisition of signal, or the beginning of what was asked for.
    pub aos: Event,
    /// The highest elevation within the pass.
    pub tca: Event,
    /// Loss of signal, or the end of what was asked for.
    pub los: Event,
    /// Whether the satellite was above the mask before.
    pub aos_clipped: bool,
    /// Whether it still is above the mask after.
    pub los_clipped: bool,
}

/// What is predicted for one satellite.
#[derive(Debug)]
pub struct Prediction<'a> {
    /// Its passes in order of AOS, then of stations.
    pub passes: &'a [Pass],
    /// Why there are none, or none after a time.
    pub fault: Option<OrbitError>,
}

/// Predicts passes over some stations in a window. It holds no state: threads may share it, each
/// with a [`Scratch`] of its own.
#[derive(Clone, Debug)]
pub struct Predictor<'a> {
    sites: Vec<Site>,
    earth: &'a EarthOrientation,
    window: Window,
    epoch_age_days_max: u32,
}

/// Memory that is used again for each satellite; as large as a part of the grid.
#[derive(Debug, Default)]
pub struct Scratch {
    search: Search,
}

impl<'a> Predictor<'a> {
    /// For stations in the order in which passes will number them.
    #[must_use]
    pub fn new(stations: &[Station], earth: &'a EarthOrientation, window: Window) -> Self {
        Self {
            sites: stations.iter().map(Site::new).collect(),
            earth,
            window,
            epoch_age_days_max: EPOCH_AGE_DAYS_MAX,
        }
    }

    /// With other elements than those of [`EPOCH_AGE_DAYS_MAX`] days around the window.
    #[must_use]
    pub const fn epoch_age_days_max(mut self, days: u32) -> Self {
        self.epoch_age_days_max = days;
        self
    }

    /// The time that is asked for.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Puts the passes of one satellite in place of what `passes` held, in order of AOS, then of
    /// stations.
    ///
    /// # Errors
    /// [`OrbitError`] when the orbit ends within the window, or is not known there; the passes
    /// before its end are there.
    pub fn passes(
        &self,
        orbit: &Orbit,
        scratch: &mut Scratch,
        passes: &mut Vec<Pass>,
    ) -> Result<(), OrbitError> {
        passes.clear();
        let mut result = Ok(());
        for span in orbit.spans(self.window, self.epoch_age_days_max)? {
            let found = scratch
                .search
                .run(orbit, span, &self.sites, self.earth, passes);
            result = result.and(found);
        }
        passes.sort_unstable_by_key(|pass| (pass.aos.time, pass.station));
        result
    }

    /// Predicts satellite by satellite and hands over each one's passes; nothing of a satellite
    /// stays. To use several threads, give each a part of the satellites.
    pub fn for_each<'s>(
        &self,
        satellites: impl IntoIterator<Item = &'s Satellite>,
        mut handle: impl FnMut(&'s Satellite, Prediction<'_>),
    ) {
        let mut scratch = Scratch::default();
        let mut passes = Vec::new();
        for satellite in satellites {
            let result = match satellite.orbit() {
                Ok(orbit) => self.passes(&orbit, &mut scratch, &mut passes),
                Err(error) => {
                    passes.clear();
                    Err(error)
                }
            };
            let prediction = Prediction {
                passes: &passes,
                fault: result.err(),
            };
            handle(satellite, prediction);
        }
    }
}

#[cfg(test)]
mod tests;
