//! Nodes of a grid, and what happens between them.

use super::cubic::Cubic;
use super::roots::{falling_zero, root};
use super::sky::{above_mask, elevation};
use super::{Event, Pass};
use crate::frame::EarthOrientation;
use crate::orbit::{Orbit, OrbitError, Sweep};
use crate::station::Site;
use crate::vector::{Vector, norm, sum};
use crate::window::Window;

/// Intervals that are held at once: what bounds the memory of any window.
const PART: usize = 128;
/// The speed between nodes over that at the faster of them, at most.
const FASTER: f64 = 1.1;
/// Closer to the mask than this in km a culmination is decided by the orbit itself.
const GRAZING_KM: f64 = 0.1;
/// Seconds to which times are found.
const PRECISION_S: f64 = 1e-7;
/// Steps from the polynomial's time of an event to the orbit's.
const STEPS_MAX: usize = 8;

/// The part of the grid that is looked at, and the passes that go on.
#[derive(Debug, Default)]
pub(super) struct Search {
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    velocities: Vec<Vector>,
    /// By node, how far above one station's mask.
    above: Vec<f64>,
    /// By station.
    open: Vec<Option<Open>>,
}

/// A pass that has begun.
#[derive(Clone, Copy, Debug)]
struct Open {
    aos: Event,
    clipped: bool,
    /// The sine of the highest elevation so far, and when it was.
    best: (f64, f64),
}

/// The orbit itself, in the Earth's frame, by seconds after the span's beginning.
struct Exact<'a> {
    sweep: Sweep<'a>,
    earth: &'a EarthOrientation,
    span: Window,
    from_s: f64,
}

impl Exact<'_> {
    #[inline]
    fn at(&mut self, seconds: f64) -> Result<(Vector, Vector), OrbitError> {
        let state = self.sweep.state(seconds)?;
        let earth = self.earth.earth_at(self.from_s + seconds);
        Ok(earth.itrf(&state.position_km, &state.velocity_km_s))
    }
}

impl Search {
    /// Adds the passes of a span without gaps.
    pub(super) fn run(
        &mut self,
        orbit: &Orbit,
        span: Window,
        sites: &[Site],
        earth: &EarthOrientation,
        passes: &mut Vec<Pass>,
    ) -> Result<(), OrbitError> {
        let length = span.seconds();
        let intervals = (length / orbit.node_step_s()).ceil().max(1.0) as usize;
        let step = length / intervals as f64;
        let exact = || Exact {
            sweep: orbit.sweep(span.from()),
            earth,
            span,
            from_s: span.from().get() as f64 * 1e-6,
        };
        // Events are behind the nodes: an integrator of its own for each.
        let (mut nodes, mut events) = (exact(), exact());
        self.open.clear();
        self.open.resize(sites.len(), None);
        let mut result = Ok(());
        for first in (0..intervals).step_by(PART) {
            let wanted = PART.min(intervals - first);
            result = self.fill(&mut nodes, first, wanted, step);
            let there = self.velocities.len();
            for (index, site) in sites.iter().enumerate() {
                let mut scan = Scan {
                    site,
                    station: index as u32,
                    events: &mut events,
                    passes,
                };
                self.scan(&mut scan, first, step);
            }
            let is_last = first + wanted == intervals;
            if result.is_err() || is_last {
                let end_s = (first + there.saturating_sub(1)) as f64 * step;
                self.close_all(sites, end_s.min(length), &mut events, passes);
                break;
            }
        }
        result
    }

    /// Propagates to the nodes of a part, as far as the orbit goes.
    fn fill(
        &mut self,
        nodes: &mut Exact<'_>,
        first: usize,
        intervals: usize,
        step: f64,
    ) -> Result<(), OrbitError> {
        self.x.clear();
        self.y.clear();
        self.z.clear();
        self.velocities.clear();
        for node in first..=first + intervals {
            let (position, velocity) = nodes.at(node as f64 * step)?;
            self.x.push(position[0]);
            self.y.push(position[1]);
            self.z.push(position[2]);
            self.velocities.push(velocity);
        }
        Ok(())
    }

    fn position(&self, node: usize) -> Vector {
        [self.x[node], self.y[node], self.z[node]]
    }

    /// Looks for what one station sees in a part.
    fn scan(&mut self, scan: &mut Scan<'_, '_>, first: usize, step: f64) {
        let site = scan.site;
        let nodes = self.velocities.len();
        if nodes == 0 {
            return;
        }
        self.above.clear();
        let coordinates = self.x.iter().zip(&self.y).zip(&self.z);
        self.above.extend(coordinates.map(|((x, y), z)| {
            let [dx, dy, dz] = [
                x - site.position[0],
                y - site.position[1],
                z - site.position[2],
            ];
            let up = site.up[0] * dx + site.up[1] * dy + site.up[2] * dz;
            up - site.sin_mask * (dx * dx + dy * dy + dz * dz).sqrt()
        }));
        let speed = self.velocities.iter().map(norm).fold(0.0, f64::max);
        // Between two nodes the satellite cannot come closer to the mask than this.
        let reach = 0.5 * step * speed * FASTER * (1.0 + site.sin_mask.abs());
        let mut open = self.open[scan.station as usize];
        if first == 0 && self.above[0] >= 0.0 {
            let begin = scan.event_at(0.0, (self.position(0), self.velocities[0]));
            open = Some(Open::new(begin, true, 0.0));
        }
        for node in 0..nodes - 1 {
            let (a, b) = (self.above[node], self.above[node + 1]);
            if a < 0.0 && b < 0.0 && 0.5 * (a + b) + reach < 0.0 {
                continue;
            }
            let ends = [node, node + 1].map(|node| (self.position(node), self.velocities[node]));
            let interval = Interval {
                from_s: (first + node) as f64 * step,
                step,
                cubic: Cubic::new(step, (&ends[0].0, &ends[0].1), (&ends[1].0, &ends[1].1)),
                above: [a, b],
                ends,
                reach,
            };
            scan.interval(&interval, &mut open);
        }
        self.open[scan.station as usize] = open;
    }

    /// Ends the passes that go on where the orbit or the window does.
    fn close_all(
        &mut self,
        sites: &[Site],
        end_s: f64,
        events: &mut Exact<'_>,
        passes: &mut Vec<Pass>,
    ) {
        let Some(last) = self.velocities.len().checked_sub(1) else {
            return;
        };
        let state = (self.position(last), self.velocities[last]);
        for (index, site) in sites.iter().enumerate() {
            if let Some(open) = self.open[index].take() {
                let mut scan = Scan {
                    site,
                    station: index as u32,
                    events,
                    passes,
                };
                let los = scan.event_at(end_s, state);
                scan.close(&open, los, end_s, true);
            }
        }
    }
}

impl Open {
    fn new(aos: Event, clipped: bool, seconds: f64) -> Self {
        let sine = aos.look.elevation_deg.to_radians().sin();
        Self {
            aos,
            clipped,
            best: (sine, seconds),
        }
    }
}

/// Two nodes and what is known between them.
struct Interval {
    from_s: f64,
    step: f64,
    cubic: Cubic,
    above: [f64; 2],
    ends: [(Vector, Vector); 2],
    reach: f64,
}

/// One station's look at an orbit.
struct Scan<'a, 'b> {
    site: &'a Site,
    station: u32,
    events: &'a mut Exact<'b>,
    passes: &'a mut Vec<Pass>,
}

impl Scan<'_, '_> {
    /// At most one culmination lies between two nodes, so that two crossings are the most.
    fn interval(&mut self, interval: &Interval, open: &mut Option<Open>) {
        let step = interval.step;
        let [a, b] = interval.above;
        match (a >= 0.0, b >= 0.0) {
            (false, true) => {
                let rise = self.crossing(interval, 0.0, step);
                *open = Some(self.opened(interval, rise));
                self.culminate(interval, rise, step, open);
            }
            (true, false) => {
                let set = self.crossing(interval, 0.0, step);
                self.culminate(interval, 0.0, set, open);
                self.set(interval, set, open);
            }
            (true, true) => {
                if let Some([set, rise]) = self.both(interval, -1.0) {
                    self.culminate(interval, 0.0, set, open);
                    self.set(interval, set, open);
                    *open = Some(self.opened(interval, rise));
                    self.culminate(interval, rise, step, open);
                } else {
                    self.culminate(interval, 0.0, step, open);
                }
            }
            (false, false) => {
                if let Some([rise, set]) = self.both(interval, 1.0) {
                    *open = Some(self.opened(interval, rise));
                    self.culminate(interval, rise, set, open);
                    self.set(interval, set, open);
                }
            }
        }
    }

    /// The two crossings between nodes on the same side of the mask: above it for a while
    /// (`sign` 1) or below it (`sign` -1).
    fn both(&mut self, interval: &Interval, sign: f64) -> Option<[f64; 2]> {
        let [a, b] = interval.above;
        if sign * 0.5 * (a + b) + interval.reach < 0.0 {
            return None;
        }
        let slope = |(position, velocity): &(Vector, Vector)| {
            sign * above_mask(self.site, position, velocity).1
        };
        let slopes = [slope(&interval.ends[0]), slope(&interval.ends[1])];
        if slopes[0] <= 0.0 || slopes[1] >= 0.0 {
            return None;
        }
        let top = falling_zero(
            (0.0, slopes[0]),
            (interval.step, slopes[1]),
            1e-4,
            |seconds| slope(&interval.cubic.at(seconds)),
        );
        let (position, velocity) = interval.cubic.at(top);
        let height = sign * above_mask(self.site, &position, &velocity).0;
        if height > GRAZING_KM {
            let low = self.crossing(interval, 0.0, top);
            return Some([low, self.crossing(interval, top, interval.step)]);
        }
        if height < -GRAZING_KM || sign * self.exact_above(interval, top)? <= 0.0 {
            return None;
        }
        let low = self.bisect(interval, 0.0, top)?;
        Some([low, self.bisect(interval, interval.step, top)?])
    }

    fn exact_above(&mut self, interval: &Interval, seconds: f64) -> Option<f64> {
        let (position, velocity) = self.events.at(interval.from_s + seconds).ok()?;
        Some(above_mask(self.site, &position, &velocity).0)
    }

    /// The orbit's crossing between a time of one side of the mask and `inside`, of the other.
    fn bisect(&mut self, interval: &Interval, mut outside: f64, mut inside: f64) -> Option<f64> {
        let side = self.exact_above(interval, inside)? >= 0.0;
        while (inside - outside).abs() > PRECISION_S {
            let middle = 0.5 * (inside + outside);
            if (self.exact_above(interval, middle)? >= 0.0) == side {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        Some(inside)
    }

    /// The polynomial's crossing of the mask between two times of the interval.
    fn crossing(&self, interval: &Interval, low: f64, high: f64) -> f64 {
        root(low, high, 1e-4, |seconds| {
            let (position, velocity) = interval.cubic.at(seconds);
            above_mask(self.site, &position, &velocity)
        })
    }

    /// From the polynomial's crossing to the orbit's, and what is seen there.
    fn event(&mut self, interval: &Interval, seconds: f64) -> (Event, f64) {
        let end_s = self.events.span.seconds();
        let mut at = interval.from_s + seconds;
        for _ in 0..STEPS_MAX {
            let Ok((position, velocity)) = self.events.at(at) else {
                break;
            };
            let (value, slope) = above_mask(self.site, &position, &velocity);
            let change = -value / slope;
            // Where the mask is only grazed the slope is no guide.
            if change.is_nan() || change.abs() > 1.0 {
                break;
            }
            let moved = (at + change).clamp(0.0, end_s);
            if change.abs() < 1e-3 {
                let position = sum(&position, moved - at, &velocity);
                return (self.event_at(moved, (position, velocity)), moved);
            }
            at = moved;
        }
        let at = interval.from_s + seconds;
        let state = interval.cubic.at(seconds);
        (self.event_at(at, state), at)
    }

    fn event_at(&self, seconds: f64, (position, velocity): (Vector, Vector)) -> Event {
        Event {
            time: self.events.span.at(seconds),
            look: self.site.look(&position, &velocity),
        }
    }

    fn opened(&mut self, interval: &Interval, seconds: f64) -> Open {
        let (aos, at) = self.event(interval, seconds);
        Open::new(aos, false, at)
    }

    /// Keeps the highest elevation between two times at which the satellite is seen.
    fn culminate(&self, interval: &Interval, from: f64, to: f64, open: &mut Option<Open>) {
        let Some(open) = open else {
            return;
        };
        let sky = |seconds: f64| {
            let (position, velocity) = interval.cubic.at(seconds);
            elevation(self.site, &position, &velocity)
        };
        let slopes = (sky(from).1, sky(to).1);
        if slopes.0 > 0.0 && slopes.1 <= 0.0 {
            let top = falling_zero((from, slopes.0), (to, slopes.1), 1e-6, |at| sky(at).1);
            let sine = sky(top).0;
            if sine > open.best.0 {
                open.best = (sine, interval.from_s + top);
            }
        }
    }

    fn set(&mut self, interval: &Interval, seconds: f64, open: &mut Option<Open>) {
        if let Some(begun) = open.take() {
            let (los, at) = self.event(interval, seconds);
            self.close(&begun, los, at, false);
        }
    }

    fn close(&mut self, open: &Open, los: Event, los_s: f64, clipped: bool) {
        if los.time <= open.aos.time {
            return;
        }
        let (mut sine, mut best_s) = open.best;
        let last = los.look.elevation_deg.to_radians().sin();
        if last > sine {
            (sine, best_s) = (last, los_s);
        }
        let tca = if sine == last && best_s == los_s {
            los
        } else if self.events.span.at(best_s) <= open.aos.time {
            open.aos
        } else {
            match self.events.at(best_s) {
                Ok(state) => self.event_at(best_s, state),
                Err(_) => los,
            }
        };
        self.passes.push(Pass {
            station: self.station,
            aos: open.aos,
            tca,
            los,
            aos_clipped: open.clipped,
            los_clipped: clipped,
        });
    }
}
