//! Energy and temperature of a node, bin by bin.

use super::Node;
use crate::interval::{Interval, SECOND};

/// The length of a bin in microseconds.
pub const BIN: i64 = 60 * SECOND;

/// Battery and radiator at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) energy_j: f64,
    /// The energy when the battery last charged.
    pub(crate) top_j: f64,
    pub(crate) temperature_k: f64,
}

/// A limit that would be broken, and by how much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    /// The state of charge reached; how much energy is missing.
    Charge {
        state_of_charge: f64,
        missing_j: f64,
    },
    /// The depth of discharge reached; how much energy is missing.
    Discharge { depth: f64, missing_j: f64 },
    /// The temperature reached.
    Temperature { kelvin: f64, excess_k: f64 },
}

/// A part of a bin in which nothing changes.
#[derive(Clone, Copy)]
struct Part {
    seconds: f64,
    sunlit: bool,
    load_w: f64,
}

/// A node's time in bins.
pub(crate) struct Bins {
    pub(crate) start: i64,
    pub(crate) count: usize,
    parts: Vec<Part>,
    /// Where each bin's parts begin; one more at the end.
    first: Vec<u32>,
    /// Whether a job may run.
    pub(crate) open: Vec<bool>,
    node: Numbers,
}

/// A node's numbers, ready for use.
#[derive(Clone, Copy)]
struct Numbers {
    capacity_j: f64,
    charge: f64,
    discharge: f64,
    charge_max_w: f64,
    floor_j: f64,
    drawn_max_j: f64,
    array_w: f64,
    idle_w: f64,
    /// e s A / C, in 1/(K^3 s).
    radiated: f64,
    heat_capacity: f64,
    sink_sunlit4: f64,
    sink_shadow4: f64,
    ceiling_k: f64,
    step_s: f64,
    initial: State,
}

/// What is wrong with a node's numbers, or nothing.
pub(crate) fn check_node(node: &Node) -> Option<&'static str> {
    let battery = &node.battery;
    let radiator = &node.radiator;
    let part = |value: f64| (0.0..=1.0).contains(&value);
    let positive = |value: f64| value.is_finite() && value > 0.0;
    let natural = |value: f64| value.is_finite() && value >= 0.0;
    let efficiency = |value: f64| part(value) && value > 0.0;
    let kelvin = |value: f64| (0.0..=2_000.0).contains(&value);
    let rules = [
        (positive(battery.capacity_j), "its battery's capacity"),
        (
            efficiency(battery.charge_efficiency) && efficiency(battery.discharge_efficiency),
            "its battery's efficiency",
        ),
        (natural(battery.charge_power_max_w), "its charging power"),
        (
            part(battery.initial_state_of_charge) && part(battery.state_of_charge_min),
            "its state of charge",
        ),
        (
            part(battery.depth_of_discharge_max),
            "its depth of discharge",
        ),
        (natural(node.array_power_w), "its array's power"),
        (natural(node.idle_power_w), "its idle power"),
        (
            node.loads.iter().all(|load| natural(load.power_w)),
            "a fixed load's power",
        ),
        (natural(radiator.area_m2), "its radiator's area"),
        (part(radiator.emissivity), "its radiator's emissivity"),
        (
            [
                radiator.sink_sunlit_k,
                radiator.sink_shadow_k,
                radiator.initial_k,
                radiator.temperature_max_k,
            ]
            .into_iter()
            .all(kelvin),
            "a temperature",
        ),
        (
            positive(radiator.heat_capacity_j_k) && time_constant(node) >= 1.0,
            "its radiator's heat capacity",
        ),
        (
            node.modes
                .iter()
                .all(|mode| natural(mode.power_w) && positive(mode.speed)),
            "a power mode",
        ),
    ];
    rules.iter().find(|(good, _)| !good).map(|(_, what)| *what)
}

/// Seconds in which a small difference of temperature dies away, at the hottest.
fn time_constant(node: &Node) -> f64 {
    let radiator = &node.radiator;
    let hottest = radiator.temperature_max_k.max(radiator.initial_k).max(1.0);
    let conductance =
        4.0 * radiator.emissivity * STEFAN_BOLTZMANN * radiator.area_m2 * hottest.powi(3);
    radiator.heat_capacity_j_k / conductance.max(1e-9)
}

impl Bins {
    /// The bins of a window.
    pub(crate) fn new(node: &Node, window: Interval) -> Self {
        let start = window.start.div_euclid(BIN) * BIN;
        let count = ((window.end - start).max(0) / BIN) as usize;
        let end = start + count as i64 * BIN;
        let whole = Interval::new(start, end);
        let mut cuts: Vec<i64> = (0..=count as i64).map(|bin| start + bin * BIN).collect();
        let loads = node.loads.iter().map(|load| load.interval);
        for interval in node.eclipses.iter().copied().chain(loads) {
            let inside = interval.intersection(&whole);
            if !inside.is_empty() {
                cuts.extend([inside.start, inside.end]);
            }
        }
        cuts.sort_unstable();
        cuts.dedup();
        let mut bins = Self {
            start,
            count,
            parts: Vec::with_capacity(cuts.len()),
            first: Vec::with_capacity(count + 1),
            open: vec![true; count],
            node: Numbers::new(node),
        };
        let dark = changes(node.eclipses.iter().map(|eclipse| (*eclipse, 1.0)));
        let load = changes(node.loads.iter().map(|load| (load.interval, load.power_w)));
        let (mut dark, mut load) = (dark.into_iter().peekable(), load.into_iter().peekable());
        let (mut shadows, mut load_w) = (0.0, 0.0);
        for pair in cuts.windows(2) {
            while let Some((_, by)) = dark.next_if(|(time, _)| *time <= pair[0]) {
                shadows += by;
            }
            while let Some((_, by)) = load.next_if(|(time, _)| *time <= pair[0]) {
                load_w += by;
            }
            if (pair[0] - start) % BIN == 0 {
                bins.first.push(bins.parts.len() as u32);
            }
            bins.parts.push(Part {
                seconds: (pair[1] - pair[0]) as f64 / 1e6,
                sunlit: shadows < 0.5,
                load_w: f64::max(load_w, 0.0),
            });
        }
        bins.first.push(bins.parts.len() as u32);
        for closed in &node.unavailable {
            let closed = closed.intersection(&whole);
            if !closed.is_empty() {
                let from = ((closed.start - start) / BIN) as usize;
                let to = ((closed.end - start + BIN - 1) / BIN) as usize;
                bins.open[from..to.min(count)].fill(false);
            }
        }
        bins
    }

    pub(crate) fn initial(&self) -> State {
        self.node.initial
    }

    /// When a bin begins.
    pub(crate) fn time(&self, bin: usize) -> i64 {
        self.start + bin as i64 * BIN
    }

    /// The first bin that does not begin before a moment.
    pub(crate) fn after(&self, time: i64) -> usize {
        let bins = time
            .saturating_sub(self.start)
            .max(0)
            .saturating_add(BIN - 1)
            / BIN;
        usize::try_from(bins).unwrap_or(usize::MAX).min(self.count)
    }

    /// The last bin edge not after a moment.
    pub(crate) fn before(&self, time: i64) -> usize {
        let bins = time.saturating_sub(self.start).max(0) / BIN;
        usize::try_from(bins).unwrap_or(usize::MAX).min(self.count)
    }

    /// Goes through one bin with a load of jobs; the first limit that breaks, if any.
    pub(crate) fn step(&self, bin: usize, state: &mut State, jobs_w: f64) -> Option<Limit> {
        let node = &self.node;
        let mut broken = None;
        let range = self.first[bin] as usize..self.first[bin + 1] as usize;
        for part in &self.parts[range] {
            let load = node.idle_w + part.load_w + jobs_w;
            let net = if part.sunlit { node.array_w } else { 0.0 } - load;
            if net >= 0.0 {
                let stored = net.min(node.charge_max_w) * node.charge * part.seconds;
                state.energy_j = (state.energy_j + stored).min(node.capacity_j);
                state.top_j = state.energy_j;
            } else {
                state.energy_j += net / node.discharge * part.seconds;
            }
            self.warm(state, part, load);
            broken = broken.or_else(|| self.limit(state));
        }
        broken
    }

    fn limit(&self, state: &State) -> Option<Limit> {
        let node = &self.node;
        let margin = node.capacity_j * MARGIN;
        let drawn = state.top_j - state.energy_j;
        if state.energy_j < node.floor_j + margin {
            return Some(Limit::Charge {
                state_of_charge: state.energy_j / node.capacity_j,
                missing_j: node.floor_j + margin - state.energy_j,
            });
        }
        if drawn > node.drawn_max_j - margin && drawn > 0.0 {
            return Some(Limit::Discharge {
                depth: drawn / node.capacity_j,
                missing_j: drawn - node.drawn_max_j + margin,
            });
        }
        (state.temperature_k > node.ceiling_k - MARGIN_K).then_some(Limit::Temperature {
            kelvin: state.temperature_k,
            excess_k: state.temperature_k - node.ceiling_k + MARGIN_K,
        })
    }

    fn warm(&self, state: &mut State, part: &Part, load: f64) {
        let node = &self.node;
        let sink4 = if part.sunlit {
            node.sink_sunlit4
        } else {
            node.sink_shadow4
        };
        let heat = load / node.heat_capacity + node.radiated * sink4;
        let slope = |kelvin: f64| {
            let square = kelvin * kelvin;
            heat - node.radiated * square * square
        };
        let steps = (part.seconds / node.step_s).ceil().max(1.0);
        let step = part.seconds / steps;
        let mut kelvin = state.temperature_k;
        for _ in 0..steps as u32 {
            let one = slope(kelvin);
            let two = slope(kelvin + 0.5 * step * one);
            let three = slope(kelvin + 0.5 * step * two);
            let four = slope(kelvin + step * three);
            kelvin += step / 6.0 * (one + 2.0 * (two + three) + four);
        }
        state.temperature_k = kelvin;
    }

    /// After a limit broke in a bin: how many bins later a run of `length` bins must start at
    /// least, since every bin later takes so much less from battery and radiator by then.
    pub(crate) fn skip(&self, limit: Limit, power_w: f64, broken: usize, end: usize) -> usize {
        let node = &self.node;
        let bin_s = BIN as f64 / 1e6;
        let needed = match limit {
            Limit::Charge { missing_j, .. } | Limit::Discharge { missing_j, .. } => {
                missing_j / (power_w / node.discharge * bin_s)
            }
            Limit::Temperature { excess_k, .. } => {
                excess_k / (power_w / node.heat_capacity * bin_s)
            }
        };
        // What ran before the limit broke only shrinks once the run reaches that far.
        let idle = (broken + 1).saturating_sub(end);
        idle + if needed.is_finite() {
            (needed as usize).max(1)
        } else {
            self.count
        }
    }
}

impl Numbers {
    fn new(node: &Node) -> Self {
        let battery = &node.battery;
        let radiator = &node.radiator;
        let capacity_j = battery.capacity_j;
        let energy_j = capacity_j * battery.initial_state_of_charge;
        Self {
            capacity_j,
            charge: battery.charge_efficiency,
            discharge: battery.discharge_efficiency,
            charge_max_w: battery.charge_power_max_w,
            floor_j: capacity_j * battery.state_of_charge_min,
            drawn_max_j: capacity_j * battery.depth_of_discharge_max,
            array_w: node.array_power_w,
            idle_w: node.idle_power_w,
            radiated: radiator.emissivity * STEFAN_BOLTZMANN * radiator.area_m2
                / radiator.heat_capacity_j_k,
            heat_capacity: radiator.heat_capacity_j_k,
            sink_sunlit4: radiator.sink_sunlit_k.powi(4),
            sink_shadow4: radiator.sink_shadow_k.powi(4),
            ceiling_k: radiator.temperature_max_k,
            step_s: (time_constant(node) / 4.0).clamp(0.25, 60.0),
            initial: State {
                energy_j,
                top_j: energy_j,
                temperature_k: radiator.initial_k,
            },
        }
    }
}

/// By time, what begins and what ends.
fn changes(items: impl Iterator<Item = (Interval, f64)>) -> Vec<(i64, f64)> {
    let mut changes: Vec<(i64, f64)> = items
        .filter(|(interval, _)| !interval.is_empty())
        .flat_map(|(interval, by)| [(interval.start, by), (interval.end, -by)])
        .collect();
    changes.sort_by_key(|(time, _)| *time);
    changes
}

const STEFAN_BOLTZMANN: f64 = 5.670_374_419e-8;
/// Kept from the battery's limits, as a part of its capacity, for the rounding of many bins.
const MARGIN: f64 = 1e-6;
/// Kept from the temperature's limit, for what is left of it when a plan stops comparing.
const MARGIN_K: f64 = 0.02;
