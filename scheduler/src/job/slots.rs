//! A node's time: what its accelerators, memory, battery and radiator still bear.

use crate::node::{Bins, Limit, Node, State};

/// What a stretch of running takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) accelerators: u32,
    pub(crate) memory: u64,
    pub(crate) bins: usize,
    pub(crate) power_w: f64,
}

/// Why a stretch of running has no place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Obstacle {
    Busy,
    Limit(Limit),
    Effort,
}

/// A node with what it runs, bin by bin.
pub(crate) struct Slots<'a> {
    pub(crate) node: &'a Node,
    pub(crate) bins: Bins,
    accelerators: Vec<u32>,
    memory: Vec<u64>,
    load_w: Vec<f64>,
    /// At the start of each bin, and at the end of the last.
    states: Vec<State>,
    /// Searches that failed: what asks for no less has no place either. At most `FAILED_MAX`.
    failed: Vec<(Shape, usize, usize, Obstacle)>,
    /// Accelerators times bins in use.
    pub(crate) taken: u64,
}

impl<'a> Slots<'a> {
    pub(crate) fn new(node: &'a Node, bins: Bins) -> Self {
        let count = bins.count;
        let mut slots = Self {
            node,
            accelerators: vec![0; count],
            memory: vec![0; count],
            load_w: vec![0.0; count],
            states: vec![bins.initial(); count + 1],
            bins,
            failed: Vec::new(),
            taken: 0,
        };
        let mut state = slots.bins.initial();
        for bin in 0..count {
            slots.bins.step(bin, &mut state, 0.0);
            slots.states[bin + 1] = state;
        }
        slots
    }

    /// The first bin from `from` at which a shape can start so that it ends by `to`; each bin that
    /// is simulated is taken from `effort`.
    pub(crate) fn find(
        &mut self,
        shape: Shape,
        from: usize,
        to: usize,
        effort: &mut u64,
    ) -> Result<usize, Obstacle> {
        let known = self.failed.iter().find(|(less, start, end, _)| {
            less.accelerators <= shape.accelerators
                && less.memory <= shape.memory
                && less.bins <= shape.bins
                && less.power_w <= shape.power_w
                && *start <= from
                && to <= *end
        });
        if let Some((_, _, _, obstacle)) = known {
            return Err(*obstacle);
        }
        let found = self.search(shape, from, to, effort);
        match found {
            Err(obstacle) if obstacle != Obstacle::Effort && self.failed.len() < FAILED_MAX => {
                self.failed.push((shape, from, to, obstacle));
            }
            _ => {}
        }
        found
    }

    /// How many failed searches are known.
    pub(crate) fn failures(&self) -> usize {
        self.failed.len()
    }

    /// Forgets failed searches but the first, as after something was given back.
    pub(crate) fn forget_failures(&mut self, but: usize) {
        self.failed.truncate(but);
    }

    fn search(
        &self,
        shape: Shape,
        from: usize,
        to: usize,
        effort: &mut u64,
    ) -> Result<usize, Obstacle> {
        let to = to.min(self.bins.count);
        let (mut start, mut obstacle) = (from, Obstacle::Busy);
        while start.saturating_add(shape.bins) <= to {
            // From behind: the last bin that is taken tells where to go on.
            let taken = (start..start + shape.bins)
                .rev()
                .find(|bin| !self.is_free(*bin, &shape));
            *effort = effort.saturating_sub(1);
            if let Some(bin) = taken {
                start = bin + 1;
                continue;
            }
            match self.simulate(start, &shape, effort, |_, _| {}) {
                Ok(_) => return Ok(start),
                Err(None) => return Err(Obstacle::Effort),
                Err(Some((limit, bin))) => {
                    obstacle = Obstacle::Limit(limit);
                    start += self
                        .bins
                        .skip(limit, shape.power_w, bin, start + shape.bins);
                }
            }
        }
        if *effort == 0 {
            Err(Obstacle::Effort)
        } else {
            Err(obstacle)
        }
    }

    fn is_free(&self, bin: usize, shape: &Shape) -> bool {
        self.bins.open[bin]
            && self.accelerators[bin] + shape.accelerators <= self.node.accelerators
            && self.memory[bin].saturating_add(shape.memory) <= self.node.memory_octets
    }

    /// Runs a shape from a bin until nothing differs from before; calls `set` for each new state.
    /// The error is the limit that broke and the bin, or none if the effort is spent.
    fn simulate(
        &self,
        start: usize,
        shape: &Shape,
        effort: &mut u64,
        mut set: impl FnMut(usize, State),
    ) -> Result<(), Option<(Limit, usize)>> {
        let mut state = self.states[start];
        for bin in start..self.bins.count {
            if *effort == 0 {
                return Err(None);
            }
            *effort -= 1;
            let running = bin < start + shape.bins;
            let load = self.load_w[bin] + if running { shape.power_w } else { 0.0 };
            if let Some(limit) = self.bins.step(bin, &mut state, load) {
                return Err(Some((limit, bin)));
            }
            let before = &self.states[bin + 1];
            let settled = (state.energy_j - before.energy_j).abs() <= SETTLED * before.energy_j
                && (state.top_j - before.top_j).abs() <= SETTLED * before.top_j
                && (state.temperature_k - before.temperature_k).abs() <= SETTLED_K;
            if settled && bin + 1 >= start + shape.bins {
                break;
            }
            set(bin + 1, state);
        }
        Ok(())
    }

    /// Whether a shape can start at a bin.
    pub(crate) fn fits(&self, shape: &Shape, start: usize, effort: &mut u64) -> bool {
        start + shape.bins <= self.bins.count
            && (start..start + shape.bins).all(|bin| self.is_free(bin, shape))
            && self.simulate(start, shape, effort, |_, _| {}).is_ok()
    }

    /// Lets a shape that fits run from a bin.
    pub(crate) fn take(&mut self, shape: &Shape, start: usize) {
        let mut changed = Vec::new();
        let mut enough = u64::MAX;
        let _ = self.simulate(start, shape, &mut enough, |bin, state| {
            changed.push((bin, state));
        });
        for (bin, state) in changed {
            self.states[bin] = state;
        }
        for bin in start..start + shape.bins {
            self.accelerators[bin] += shape.accelerators;
            self.memory[bin] += shape.memory;
            self.load_w[bin] += shape.power_w;
        }
        self.taken += u64::from(shape.accelerators) * shape.bins as u64;
    }

    /// Takes back what was taken last, with all states after.
    pub(crate) fn give_back(&mut self, shape: &Shape, start: usize) {
        for bin in start..start + shape.bins {
            self.accelerators[bin] -= shape.accelerators;
            self.memory[bin] -= shape.memory;
            self.load_w[bin] = (self.load_w[bin] - shape.power_w).max(0.0);
        }
        self.taken -= u64::from(shape.accelerators) * shape.bins as u64;
        let mut state = self.states[start];
        for bin in start..self.bins.count {
            self.bins.step(bin, &mut state, self.load_w[bin]);
            self.states[bin + 1] = state;
        }
    }
}

const FAILED_MAX: usize = 256;
const SETTLED: f64 = 1e-12;
const SETTLED_K: f64 = 1e-5;
