//! A satellite's way through one station's sky during one pass.

use space_link::time::UtcMicros;

use super::cubic::Cubic;
use super::roots::{falling_zero, root};
use super::sky::elevation;
use crate::frame::EarthOrientation;
use crate::orbit::{Orbit, OrbitError};
use crate::station::{Look, Site, Station};
use crate::vector::Vector;
use crate::window::{Window, seconds_between};

/// The longest step between nodes: a polynomial is then good to centimetres.
const STEP_S_MAX: f64 = 30.0;
/// The most nodes; the passes of high orbits have longer steps, which their speed allows.
const NODES_MAX: f64 = 20_000.0;

/// Positions in the Earth's frame from a time until another, seen from a station.
#[derive(Clone, Debug)]
pub struct Track {
    window: Window,
    step: f64,
    nodes: Vec<(Vector, Vector)>,
    site: Site,
}

/// A time during which the elevation lies between two of some thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElevationBand {
    /// Its beginning.
    pub from: UtcMicros,
    /// Its end.
    pub to: UtcMicros,
    /// How many thresholds are at or below the elevation.
    pub reached: usize,
}

impl Track {
    /// Follows an orbit over a station.
    ///
    /// # Errors
    /// [`OrbitError`] where the orbit ends or is not known.
    pub fn new(
        orbit: &Orbit,
        station: &Station,
        earth: &EarthOrientation,
        window: Window,
    ) -> Result<Self, OrbitError> {
        let length = window.seconds();
        let wanted = (orbit.node_step_s() / 4.0)
            .min(STEP_S_MAX)
            .max(length / NODES_MAX);
        let intervals = (length / wanted).ceil().max(1.0);
        let step = length / intervals;
        let from_s = window.from().get() as f64 * 1e-6;
        let mut sweep = orbit.sweep(window.from());
        let nodes = (0..=intervals as usize)
            .map(|node| {
                let seconds = node as f64 * step;
                let state = sweep.state(seconds)?;
                let earth = earth.earth_at(from_s + seconds);
                Ok(earth.itrf(&state.position_km, &state.velocity_km_s))
            })
            .collect::<Result<_, OrbitError>>()?;
        Ok(Self {
            window,
            step,
            nodes,
            site: Site::new(station),
        })
    }

    /// From when until when.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Where the satellite stands at a time; at the nearer end for times outside.
    #[must_use]
    pub fn look(&self, time: UtcMicros) -> Look {
        let seconds = seconds_between(self.window.from(), time).clamp(0.0, self.window.seconds());
        let node = ((seconds / self.step) as usize).min(self.nodes.len() - 2);
        let (position, velocity) = self.cubic(node).at(seconds - node as f64 * self.step);
        self.site.look(&position, &velocity)
    }

    /// Cuts the track where the elevation crosses thresholds, in degrees and in rising order.
    #[must_use]
    pub fn bands(&self, thresholds_deg: &[f64]) -> Vec<ElevationBand> {
        let sines: Vec<f64> = thresholds_deg
            .iter()
            .map(|degrees| degrees.to_radians().sin())
            .collect();
        let mut bands: Vec<ElevationBand> = Vec::new();
        for node in 0..self.nodes.len() - 1 {
            let begin = node as f64 * self.step;
            let cubic = self.cubic(node);
            let sky = |seconds: f64| {
                let (position, velocity) = cubic.at(seconds);
                elevation(&self.site, &position, &velocity)
            };
            for (from, to) in monotonous(self.step, &sky).into_iter().flatten() {
                self.cut(begin, (from, to), &sines, &sky, &mut bands);
            }
        }
        bands
    }

    /// Adds the bands of a part in which the elevation only rises or only falls.
    fn cut(
        &self,
        begin: f64,
        (from, to): (f64, f64),
        sines: &[f64],
        sky: &impl Fn(f64) -> (f64, f64),
        bands: &mut Vec<ElevationBand>,
    ) {
        let reached = |sine: f64| sines.partition_point(|threshold| *threshold <= sine);
        let (first, last) = (reached(sky(from).0), reached(sky(to).0));
        let mut add = |from: f64, to: f64, reached| {
            let (from, to) = (self.window.at(begin + from), self.window.at(begin + to));
            match bands.last_mut() {
                _ if from >= to => {}
                Some(band) if band.reached == reached && band.to == from => band.to = to,
                _ => bands.push(ElevationBand { from, to, reached }),
            }
        };
        let mut at = from;
        let mut level = first;
        while level != last {
            let rises = last > first;
            let sine = sines[if rises { level } else { level - 1 }];
            let cross = root(at, to, 1e-7, |seconds| {
                let (value, slope) = sky(seconds);
                let range = self.range(begin + seconds).max(f64::MIN_POSITIVE);
                (value - sine, slope / range.powi(3))
            });
            let cross = cross.clamp(at, to);
            add(at, cross, level);
            at = cross;
            level = if rises { level + 1 } else { level - 1 };
        }
        add(at, to, level);
    }

    fn range(&self, seconds: f64) -> f64 {
        let node = ((seconds / self.step) as usize).min(self.nodes.len() - 2);
        let (position, _) = self.cubic(node).at(seconds - node as f64 * self.step);
        crate::vector::norm(&crate::vector::difference(&position, &self.site.position))
    }

    fn cubic(&self, node: usize) -> Cubic {
        let [a, b] = [&self.nodes[node], &self.nodes[node + 1]];
        Cubic::new(self.step, (&a.0, &a.1), (&b.0, &b.1))
    }
}

/// One or two parts, the elevation's extremum between them.
fn monotonous(step: f64, sky: &impl Fn(f64) -> (f64, f64)) -> [Option<(f64, f64)>; 2] {
    let slopes = (sky(0.0).1, sky(step).1);
    let sign = if slopes.0 > 0.0 { 1.0 } else { -1.0 };
    if sign * slopes.0 > 0.0 && sign * slopes.1 < 0.0 {
        let ends = ((0.0, sign * slopes.0), (step, sign * slopes.1));
        let top = falling_zero(ends.0, ends.1, 1e-7, |at| sign * sky(at).1);
        return [Some((0.0, top)), Some((top, step))];
    }
    [Some((0.0, step)), None]
}
