//! Ephemerides: states at times, and what lies between them.

use space_link::time::UtcMicros;
use thiserror::Error;

use super::{OrbitError, State, in_orbit, turn_rate};
use crate::window::{Window, after, seconds_between};

/// The highest degree of an interpolating polynomial.
const DEGREE_MAX: usize = 15;
/// Values that a polynomial goes through.
const VALUES_MAX: usize = DEGREE_MAX + 1;
/// The most states of one ephemeris.
const STATES_MAX: usize = 10_000_000;

/// How states between two are found: `INTERPOLATION` and `INTERPOLATION_DEGREE` of CCSDS
/// 502.0-B-3 5.2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// A polynomial through positions and velocities, of an odd degree up to 15. Not for states of
    /// SGP4, whose velocities are some cm/s off the change of its positions.
    Hermite(u8),
    /// A polynomial through positions and one through velocities, of a degree up to 15.
    Lagrange(u8),
}

/// One state of an ephemeris, in TEME.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EphemerisState {
    /// UTC.
    pub time: UtcMicros,
    /// Position and velocity.
    pub state: State,
}

/// States that belong together, in order of time.
#[derive(Clone, Debug)]
pub struct EphemerisSegment {
    states: Vec<EphemerisState>,
    interpolation: Interpolation,
    usable: Window,
}

/// A satellite's ephemeris: segments in order of time.
#[derive(Clone, Debug)]
pub struct Ephemeris {
    segments: Vec<EphemerisSegment>,
    turn_rate_max: f64,
}

/// Why states are no ephemeris.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EphemerisError {
    /// Too few states, or too many.
    #[error("an ephemeris has 2 to {STATES_MAX} states a segment, this one has {0}")]
    States(usize),
    /// States out of order.
    #[error("the state at {0} is not later than the one before it")]
    Order(UtcMicros),
    /// A state that is no number, or not near the Earth.
    #[error("the state at {0} is not within 2,000,000 km of the Earth, or has no speed")]
    Value(UtcMicros),
    /// A polynomial of a degree that is not computed.
    #[error(
        "an interpolation of degree {0} is not supported: 1 to {DEGREE_MAX} are, odd ones for HERMITE"
    )]
    Degree(u8),
    /// A usable time that is none.
    #[error("no time of the segment is usable")]
    Unusable,
    /// No segments.
    #[error("the ephemeris has no segment")]
    Empty,
}

impl EphemerisSegment {
    /// States in order of time; `usable` is where they may be interpolated, if not everywhere
    /// between them (`USEABLE_START_TIME`, `USEABLE_STOP_TIME`). Where the segment has fewer states
    /// than the degree needs, the degree is lowered.
    ///
    /// # Errors
    /// [`EphemerisError`] when the states are out of order or range.
    pub fn new(
        states: Vec<EphemerisState>,
        interpolation: Interpolation,
        usable: Option<(UtcMicros, UtcMicros)>,
    ) -> Result<Self, EphemerisError> {
        let (Some(first), Some(last)) = (states.first(), states.last()) else {
            return Err(EphemerisError::States(0));
        };
        if !(2..=STATES_MAX).contains(&states.len()) {
            return Err(EphemerisError::States(states.len()));
        }
        for pair in states.windows(2) {
            if pair[0].time >= pair[1].time {
                return Err(EphemerisError::Order(pair[1].time));
            }
        }
        for EphemerisState { time, state } in &states {
            let distance = crate::vector::norm(&state.position_km);
            let speed = crate::vector::norm(&state.velocity_km_s);
            if !(1.0..=2e6).contains(&distance) || !(1e-6..=100.0).contains(&speed) {
                return Err(EphemerisError::Value(*time));
            }
        }
        let (Interpolation::Hermite(degree) | Interpolation::Lagrange(degree)) = interpolation;
        let odd = !matches!(interpolation, Interpolation::Hermite(_)) || degree % 2 == 1;
        if !(1..=DEGREE_MAX as u8).contains(&degree) || !odd {
            return Err(EphemerisError::Degree(degree));
        }
        let (from, to) = usable.unwrap_or((first.time, last.time));
        let usable = Window::new(from.max(first.time), to.min(last.time))
            .map_err(|_| EphemerisError::Unusable)?;
        Ok(Self {
            states,
            interpolation,
            usable,
        })
    }

    /// When it may be asked.
    #[must_use]
    pub const fn usable(&self) -> Window {
        self.usable
    }

    /// Its states.
    #[must_use]
    pub fn states(&self) -> &[EphemerisState] {
        &self.states
    }

    fn at(&self, from: UtcMicros, seconds: f64) -> State {
        let time = after(from, seconds);
        let (hermite, nodes) = match self.interpolation {
            Interpolation::Hermite(degree) => (true, usize::from(degree).div_ceil(2)),
            Interpolation::Lagrange(degree) => (false, usize::from(degree) + 1),
        };
        let nodes = nodes.min(self.states.len()).max(1);
        // Nodes on both sides, as many on each as there are.
        let after_index = self.states.partition_point(|state| state.time <= time);
        let first = after_index
            .saturating_sub(nodes.div_ceil(2))
            .min(self.states.len() - nodes);
        let chosen = &self.states[first..first + nodes];
        // About the time asked for, so that no digits are lost.
        let t = |state: &EphemerisState| seconds_between(time, state.time);
        let rest = seconds - seconds_between(from, time);
        if hermite {
            hermite_state(chosen, t, rest)
        } else {
            lagrange_state(chosen, t, rest)
        }
    }
}

impl Ephemeris {
    /// From segments in order of time; where two overlap, the later one holds.
    ///
    /// # Errors
    /// [`EphemerisError`] when there is none, or they are out of order.
    pub fn new(segments: Vec<EphemerisSegment>) -> Result<Self, EphemerisError> {
        if segments.is_empty() {
            return Err(EphemerisError::Empty);
        }
        for pair in segments.windows(2) {
            if pair[0].usable.from() > pair[1].usable.from() {
                return Err(EphemerisError::Order(pair[1].usable.from()));
            }
        }
        let turn_rate_max = segments
            .iter()
            .flat_map(|segment| &segment.states)
            .map(|state| turn_rate(&state.state.position_km, &state.state.velocity_km_s))
            .fold(1e-6, f64::max);
        Ok(Self {
            segments,
            turn_rate_max,
        })
    }

    /// Its segments.
    #[must_use]
    pub fn segments(&self) -> &[EphemerisSegment] {
        &self.segments
    }

    /// From when until when, gaps not counted.
    #[must_use]
    pub fn covers(&self) -> (UtcMicros, UtcMicros) {
        let from = self.segments[0].usable.from();
        let ends = self.segments.iter().map(|segment| segment.usable.to());
        (from, ends.max().unwrap_or(from))
    }

    /// Where the satellite is at a time.
    ///
    /// # Errors
    /// [`OrbitError::NoEphemeris`] outside the segments.
    pub fn state(&self, time: UtcMicros) -> Result<State, OrbitError> {
        self.state_after(time, 0.0)
    }

    pub(super) fn state_after(&self, from: UtcMicros, seconds: f64) -> Result<State, OrbitError> {
        let time = after(from, seconds);
        let segment = self
            .segments
            .iter()
            .rev()
            .find(|segment| segment.usable.from() <= time && time <= segment.usable.to());
        let Some(segment) = segment else {
            let (from, to) = self.covers();
            return Err(OrbitError::NoEphemeris { from, to });
        };
        in_orbit(segment.at(from, seconds), || time)
    }

    /// The parts of a window without gaps.
    pub(super) fn spans(&self, window: Window) -> Vec<Window> {
        let mut spans: Vec<Window> = Vec::new();
        for segment in &self.segments {
            let Some(span) = segment.usable.intersection(&window) else {
                continue;
            };
            match spans.last_mut() {
                Some(last) if span.from() <= last.to() => {
                    if let Ok(longer) = Window::new(last.from(), span.to().max(last.to())) {
                        *last = longer;
                    }
                }
                _ => spans.push(span),
            }
        }
        spans
    }

    pub(super) const fn turn_rate_max(&self) -> f64 {
        self.turn_rate_max
    }
}

/// Neville's scheme for each of the six numbers.
fn lagrange_state(
    nodes: &[EphemerisState],
    time: impl Fn(&EphemerisState) -> f64,
    at: f64,
) -> State {
    let mut times = [0.0; VALUES_MAX];
    for (slot, node) in times.iter_mut().zip(nodes) {
        *slot = time(node);
    }
    let value = |pick: &dyn Fn(&State) -> f64| {
        let mut table = [0.0; VALUES_MAX];
        for (slot, node) in table.iter_mut().zip(nodes) {
            *slot = pick(&node.state);
        }
        for order in 1..nodes.len() {
            for low in 0..nodes.len() - order {
                let high = low + order;
                table[low] = ((at - times[high]) * table[low] + (times[low] - at) * table[low + 1])
                    / (times[low] - times[high]);
            }
        }
        table[0]
    };
    State {
        position_km: [0, 1, 2].map(|axis| value(&|state| state.position_km[axis])),
        velocity_km_s: [0, 1, 2].map(|axis| value(&|state| state.velocity_km_s[axis])),
    }
}

/// Newton's form with each node twice; the velocity is the polynomial's derivative.
fn hermite_state(
    nodes: &[EphemerisState],
    time: impl Fn(&EphemerisState) -> f64,
    at: f64,
) -> State {
    let count = 2 * nodes.len();
    let mut times = [0.0; VALUES_MAX];
    for (index, node) in nodes.iter().enumerate() {
        times[2 * index] = time(node);
        times[2 * index + 1] = times[2 * index];
    }
    let mut state = State {
        position_km: [0.0; 3],
        velocity_km_s: [0.0; 3],
    };
    for axis in 0..3 {
        let mut table = [0.0; VALUES_MAX];
        for (index, node) in nodes.iter().enumerate() {
            table[2 * index] = node.state.position_km[axis];
            table[2 * index + 1] = node.state.position_km[axis];
        }
        // Divided differences from the highest down; those of one node are its velocity.
        for order in 1..count {
            for high in (order..count).rev() {
                let low = high - order;
                table[high] = if order == 1 && high % 2 == 1 {
                    nodes[high / 2].state.velocity_km_s[axis]
                } else {
                    (table[high] - table[high - 1]) / (times[high] - times[low])
                };
            }
        }
        let (mut value, mut slope) = (0.0, 0.0);
        for index in (0..count).rev() {
            slope = slope * (at - times[index]) + value;
            value = value * (at - times[index]) + table[index];
        }
        state.position_km[axis] = value;
        state.velocity_km_s[axis] = slope;
    }
    state
}
