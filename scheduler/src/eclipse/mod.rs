//! Eclipses: when the Earth is between a satellite and the Sun.
//!
//! The Earth is a sphere of its equatorial radius without an atmosphere, the Sun a sphere: the
//! shadow is two cones. In the penumbra part of the Sun is hidden, in the umbra all of it.

mod earth_terms;
mod sun;

use serde::{Serialize, Serializer};
use space_link::time::UtcMicros;

pub use sun::Sun;

use crate::orbit::{EPOCH_AGE_DAYS_MAX, Orbit, OrbitError, Sweep};
use crate::pass::{Cubic, falling_zero};
use crate::vector::{Vector, difference, dot, norm};
use crate::window::Window;

/// Radii in km: the Earth's equator (WGS-84) and the Sun (IAU 2015 resolution B3).
const EARTH_KM: f64 = 6_378.137;
const SUN_KM: f64 = 695_700.0;
/// Seconds to which edges are found.
const PRECISION_S: f64 = 1e-6;
/// Cuts to a minimum between two nodes.
const CUTS: usize = 40;

/// How deep the shadow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shadow {
    /// Part of the Sun is hidden, or all of it.
    Penumbra,
    /// All of the Sun is hidden.
    Umbra,
}

/// A time in the shadow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eclipse {
    /// Which shadow; the time in the penumbra includes that in the umbra.
    pub shadow: Shadow,
    /// Its beginning, or that of what was asked for.
    pub entry: UtcMicros,
    /// Its end, or that of what was asked for.
    pub exit: UtcMicros,
    /// Whether the satellite was in the shadow before.
    pub entry_clipped: bool,
    /// Whether it still is after.
    pub exit_clipped: bool,
}

/// An eclipse with its satellite: what `orbit eclipses` prints. Times are UTC with microseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EclipseRow<'a> {
    /// The satellite's name in the orbit file.
    pub satellite: &'a str,
    /// Which shadow.
    pub shadow: Shadow,
    /// Its beginning.
    #[serde(serialize_with = "time")]
    pub entry: UtcMicros,
    /// Its end.
    #[serde(serialize_with = "time")]
    pub exit: UtcMicros,
}

impl<'a> EclipseRow<'a> {
    /// Names an eclipse.
    #[must_use]
    pub const fn new(satellite: &'a str, eclipse: &Eclipse) -> Self {
        Self {
            satellite,
            shadow: eclipse.shadow,
            entry: eclipse.entry,
            exit: eclipse.exit,
        }
    }
}

fn time<S: Serializer>(time: &UtcMicros, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// How much of the Sun a satellite sees: 1 all of it, 0 nothing.
///
/// By the overlap of two discs (Montenbruck and Gill, "Satellite Orbits", section 3.4.2);
/// positions in km in one frame.
#[must_use]
pub fn sunlight(position_km: [f64; 3], sun_km: [f64; 3]) -> f64 {
    let Discs { sun, earth, apart } = Discs::new(&position_km, &sun_km);
    if apart >= sun + earth {
        1.0
    } else if apart <= earth - sun {
        0.0
    } else if apart <= sun - earth {
        1.0 - (earth / sun).powi(2)
    } else {
        let along = (apart * apart + sun * sun - earth * earth) / (2.0 * apart);
        let across = (sun * sun - along * along).max(0.0).sqrt();
        let part =
            |radius: f64, along: f64| radius * radius * (along / radius).clamp(-1.0, 1.0).acos();
        let hidden = part(sun, along) + part(earth, apart - along) - apart * across;
        (1.0 - hidden / (std::f64::consts::PI * sun * sun)).clamp(0.0, 1.0)
    }
}

/// Puts the penumbras and umbras of a satellite in a window in place of what `found` held, in order
/// of entry.
///
/// # Errors
/// [`OrbitError`] when the orbit ends within the window, or is not known there; the eclipses before
/// its end are there.
pub fn eclipses(
    orbit: &Orbit,
    window: Window,
    sun: &Sun,
    found: &mut Vec<Eclipse>,
) -> Result<(), OrbitError> {
    found.clear();
    let mut result = Ok(());
    for span in orbit.spans(window, EPOCH_AGE_DAYS_MAX)? {
        let mut shadows =
            [Shadow::Penumbra, Shadow::Umbra].map(|shadow| Tracker { shadow, open: None });
        result = result.and(span_eclipses(orbit, span, sun, &mut shadows, found));
    }
    found.sort_unstable_by_key(|eclipse| (eclipse.entry, eclipse.shadow));
    result
}

fn span_eclipses(
    orbit: &Orbit,
    span: Window,
    sun: &Sun,
    shadows: &mut [Tracker; 2],
    found: &mut Vec<Eclipse>,
) -> Result<(), OrbitError> {
    let length = span.seconds();
    let intervals = (length / orbit.node_step_s()).ceil().max(1.0) as usize;
    let step = length / intervals as f64;
    let from_s = span.from().get() as f64 * 1e-6;
    let mut sweep = orbit.sweep(span.from());
    let node = |sweep: &mut Sweep<'_>, index: usize| {
        let state = sweep.state(index as f64 * step)?;
        Ok((state.position_km, state.velocity_km_s))
    };
    let mut last: (Vector, Vector) = node(&mut sweep, 0)?;
    let mut margins = Discs::new(&last.0, &sun.at(from_s)).margins();
    for (tracker, margin) in shadows.iter_mut().zip(margins) {
        tracker.open = (margin < 0.0).then_some((span.from(), true));
    }
    for index in 0..intervals {
        let begin = index as f64 * step;
        let next = match node(&mut sweep, index + 1) {
            Ok(next) => next,
            Err(error) => {
                for tracker in shadows {
                    tracker.close(span.at(begin), true, found);
                }
                return Err(error);
            }
        };
        let cubic = Cubic::new(step, (&last.0, &last.1), (&next.0, &next.1));
        let discs = |seconds: f64| {
            let (position, _) = cubic.at(seconds);
            Discs::new(&position, &sun.at(from_s + begin + seconds))
        };
        let after = discs(step).margins();
        // Between nodes a margin changes by what the satellite turns, and the Earth's disc grows.
        let turned =
            1.5 * step * norm(&next.1).max(norm(&last.1)) / norm(&next.0).min(norm(&last.0));
        for (which, tracker) in shadows.iter_mut().enumerate() {
            let margin = |seconds: f64| discs(seconds).margins()[which];
            let time = |seconds: f64| span.at(begin + seconds);
            tracker.interval(
                (margins[which], after[which]),
                step,
                turned,
                margin,
                time,
                found,
            );
        }
        (last, margins) = (next, after);
    }
    for tracker in shadows {
        tracker.close(span.to(), true, found);
    }
    Ok(())
}

/// The discs of the Sun and the Earth in a satellite's sky: radii and distance in radians.
#[derive(Clone, Copy, Debug)]
struct Discs {
    sun: f64,
    earth: f64,
    apart: f64,
}

impl Discs {
    #[inline]
    fn new(position: &Vector, sun: &Vector) -> Self {
        let to_sun = difference(sun, position);
        let (distance, radius) = (norm(&to_sun), norm(position));
        let cosine = -dot(&to_sun, position) / (distance * radius);
        Self {
            sun: (SUN_KM / distance).clamp(0.0, 1.0).asin(),
            earth: (EARTH_KM / radius).clamp(0.0, 1.0).asin(),
            apart: cosine.clamp(-1.0, 1.0).acos(),
        }
    }

    /// How far from the penumbra and the umbra, negative inside.
    #[inline]
    fn margins(&self) -> [f64; 2] {
        let edge = self.apart - self.earth;
        [edge - self.sun, edge + self.sun]
    }
}

/// The way into and out of one shadow.
struct Tracker {
    shadow: Shadow,
    open: Option<(UtcMicros, bool)>,
}

impl Tracker {
    fn interval(
        &mut self,
        (before, after): (f64, f64),
        step: f64,
        turned: f64,
        margin: impl Fn(f64) -> f64,
        time: impl Fn(f64) -> UtcMicros,
        found: &mut Vec<Eclipse>,
    ) {
        let entry =
            |from: (f64, f64), to: (f64, f64)| time(falling_zero(from, to, PRECISION_S, &margin));
        let exit = |from: (f64, f64), to: (f64, f64)| {
            let negative = |seconds: f64| -margin(seconds);
            time(falling_zero(
                (from.0, -from.1),
                (to.0, -to.1),
                PRECISION_S,
                negative,
            ))
        };
        let (begin, end) = ((0.0, before), (step, after));
        match (before < 0.0, after < 0.0) {
            (false, true) => self.open = Some((entry(begin, end), false)),
            (true, false) => self.close(exit(begin, end), false, found),
            (false, false) if before + after < turned => {
                let deepest = minimum(step, &margin);
                if deepest.1 < 0.0 {
                    self.open = Some((entry(begin, deepest), false));
                    self.close(exit(deepest, end), false, found);
                }
            }
            (true, true) if before + after > -turned => {
                let (at, depth) = minimum(step, |seconds| -margin(seconds));
                if depth < 0.0 {
                    self.close(exit(begin, (at, -depth)), false, found);
                    self.open = Some((entry((at, -depth), end), false));
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, exit: UtcMicros, exit_clipped: bool, found: &mut Vec<Eclipse>) {
        if let Some((entry, entry_clipped)) = self.open.take().filter(|(entry, _)| *entry < exit) {
            found.push(Eclipse {
                shadow: self.shadow,
                entry,
                exit,
                entry_clipped,
                exit_clipped,
            });
        }
    }
}

/// Where and how low a function of one minimum is lowest, or as soon as it is below zero: golden
/// section.
fn minimum(step: f64, value: impl Fn(f64) -> f64) -> (f64, f64) {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let (mut low, mut high) = (0.0, step);
    let mut left = (high - GOLDEN * (high - low), 0.0);
    let mut right = (low + GOLDEN * (high - low), 0.0);
    left.1 = value(left.0);
    right.1 = value(right.0);
    for _ in 0..CUTS {
        let best = if left.1 < right.1 { left } else { right };
        if best.1 < 0.0 {
            return best;
        }
        if left.1 < right.1 {
            high = right.0;
            right = left;
            left.0 = high - GOLDEN * (high - low);
            left.1 = value(left.0);
        } else {
            low = left.0;
            left = right;
            right.0 = low + GOLDEN * (high - low);
            right.1 = value(right.0);
        }
    }
    if left.1 < right.1 { left } else { right }
}

#[cfg(test)]
mod tests;
