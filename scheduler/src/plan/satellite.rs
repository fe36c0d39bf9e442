//! One satellite's best contacts at given prices, exactly, by dynamic programming over its passes.

use super::grid::{Column, Grid};

/// Prices of antennas, summed up to each slot, a group after the other.
pub(crate) struct Tolls {
    sums: Vec<f64>,
    stride: usize,
}

impl Tolls {
    pub(crate) fn new(groups: usize, slots: u32) -> Self {
        let stride = slots as usize + 1;
        Self {
            sums: vec![0.0; groups * stride],
            stride,
        }
    }

    /// Takes in the price of every slot of every group.
    pub(crate) fn set(&mut self, prices: &[f64]) {
        for (sums, prices) in self
            .sums
            .chunks_mut(self.stride)
            .zip(prices.chunks((self.stride - 1).max(1)))
        {
            let mut sum = 0.0;
            for (place, price) in sums[1..].iter_mut().zip(prices) {
                sum += price;
                *place = sum;
            }
        }
    }

    pub(crate) fn at(&self, group: u32, slot: i32) -> f64 {
        self.sums[group as usize * self.stride + slot as usize]
    }
}

/// Working memory of the dynamic programme, used again for each satellite.
#[derive(Default)]
pub(crate) struct Scratch {
    active: Vec<Active>,
    /// The best value by each edge of the cluster, and by the contacts of the day so far.
    idle: Vec<f64>,
    choice: Vec<Choice>,
    /// Of a single pass: by the edge where a contact ends, where it starts.
    ends: Vec<u32>,
    spare: Vec<Vec<Run>>,
}

struct Active {
    pass: u32,
    next_start: u32,
    /// By contacts of the day: the best start so far, less what the pass was worth before it.
    runs: Vec<Run>,
}

#[derive(Clone, Copy)]
struct Run {
    worth: f64,
    a: u32,
    /// The layer in which the contact started.
    layer: u32,
}

#[derive(Clone, Copy)]
enum Choice {
    /// As an edge before, in a layer.
    Wait(u32),
    Contact {
        pass: u32,
        a: u32,
        layer: u32,
    },
}

const NONE: u32 = u32::MAX;
const NEVER: f64 = f64::NEG_INFINITY;
const NO_RUN: Run = Run {
    worth: NEVER,
    a: 0,
    layer: 0,
};

/// Adds the best contacts of a satellite and returns what they are worth less what they pay.
pub(crate) fn best(
    grid: &Grid,
    tolls: &Tolls,
    satellite: usize,
    scratch: &mut Scratch,
    columns: &mut Vec<Column>,
) -> f64 {
    let passes = grid.passes_of(satellite);
    let Some(max) = grid.contacts_per_day_max else {
        // Passes that do not meet have nothing to do with each other.
        let (mut total, mut from) = (0.0, passes.start);
        while from < passes.end {
            let to = cluster_end(grid, from, passes.end);
            total += match to - from {
                1 => single(grid, tolls, from, scratch, columns),
                _ => solve(grid, tolls, from..to, 0, scratch, columns),
            };
            from = to;
        }
        return total;
    };
    if max == 0 || passes.is_empty() {
        return 0.0;
    }
    // No satellite has more contacts than its passes have slots.
    let slots: u32 = passes.clone().map(|pass| grid.passes[pass].len).sum();
    solve(
        grid,
        tolls,
        passes,
        max.min(slots) as usize,
        scratch,
        columns,
    )
}

/// The best that a pass could gain, if its satellite had no other; below 0 if it gains nothing.
pub(crate) fn gain(grid: &Grid, tolls: &Tolls, index: usize, starts: &mut Vec<f64>) -> f64 {
    let pass = &grid.passes[index];
    let values = grid.values(pass);
    starts.clear();
    starts.extend((pass.start_min..pass.len).map(|a| {
        let tolls = pass.uses().iter().map(|held| {
            let from = pass.hold_start(held, a);
            tolls.at(held.group, from)
        });
        tolls.sum::<f64>() - values[a as usize]
    }));
    let (mut best, mut run, mut next) = (NEVER, NEVER, 0);
    for b in 1..=pass.end_max {
        let limit = pass.start_limit(b) - pass.start_min as i32;
        while next as i32 <= limit {
            run = run.max(starts[next]);
            next += 1;
        }
        let tolls = pass.uses().iter().map(|held| {
            let to = pass.hold_end(held, b);
            tolls.at(held.group, to)
        });
        best = best.max(run + values[b as usize] - tolls.sum::<f64>());
    }
    best
}

fn cluster_end(grid: &Grid, from: usize, end: usize) -> usize {
    let mut last = grid.passes[from].first + grid.passes[from].len;
    let mut to = from + 1;
    while to < end && grid.passes[to].first < last {
        last = last.max(grid.passes[to].first + grid.passes[to].len);
        to += 1;
    }
    to
}

/// A pass that meets no other: the same as `solve`, the usual case.
fn single(
    grid: &Grid,
    tolls: &Tolls,
    index: usize,
    scratch: &mut Scratch,
    columns: &mut Vec<Column>,
) -> f64 {
    let pass = &grid.passes[index];
    let values = grid.values(pass);
    let Scratch { idle, ends, .. } = scratch;
    idle.clear();
    ends.clear();
    idle.push(0.0);
    ends.push(NONE);
    let (mut next, mut run, mut start) = (pass.start_min, NEVER, 0);
    let mut best = 0.0;
    for b in 1..=pass.end_max {
        let limit = pass.start_limit(b);
        while next as i32 <= limit {
            let mut worth = idle[next as usize] - values[next as usize];
            for held in pass.uses() {
                worth += tolls.at(held.group, pass.hold_start(held, next));
            }
            if worth > run {
                (run, start) = (worth, next);
            }
            next += 1;
        }
        let mut end = NONE;
        if run > NEVER {
            let mut worth = run + values[b as usize];
            for held in pass.uses() {
                worth -= tolls.at(held.group, pass.hold_end(held, b));
            }
            if worth > best {
                (best, end) = (worth, start);
            }
        }
        idle.push(best);
        ends.push(end);
    }
    let mut b = pass.end_max;
    while b > 0 {
        match ends[b as usize] {
            NONE => b -= 1,
            a => {
                let pass = index as u32;
                columns.push(Column { pass, a, b });
                b = a;
            }
        }
    }
    best
}

/// With `max` contacts a day, or any number if it is 0.
fn solve(
    grid: &Grid,
    tolls: &Tolls,
    passes: std::ops::Range<usize>,
    max: usize,
    scratch: &mut Scratch,
    columns: &mut Vec<Column>,
) -> f64 {
    let layers = max + 1;
    let begin = grid.passes[passes.start].first;
    let end = passes
        .clone()
        .map(|pass| grid.passes[pass].first + grid.passes[pass].len)
        .max()
        .unwrap_or(begin);
    let edges = (end - begin) as usize + 1;
    scratch.active.clear();
    scratch.idle.clear();
    scratch.idle.resize(edges * layers, NEVER);
    scratch.choice.clear();
    scratch.choice.resize(edges * layers, Choice::Wait(0));
    let Scratch {
        active,
        idle,
        choice,
        spare,
        ..
    } = scratch;
    idle[0] = 0.0;
    let mut upcoming = passes;
    for edge in 0..edges {
        let slot = begin + edge as u32;
        let midnight = max > 0 && edge > 0 && grid.day(slot) != grid.day(slot - 1);
        if edge > 0 {
            wait(idle, choice, edge, layers, midnight);
        }
        active.retain_mut(|state| {
            if midnight {
                state.new_day();
            }
            state.step(grid, tolls, (begin, edge), (layers, max), idle, choice);
            let pass = &grid.passes[state.pass as usize];
            let goes_on = slot < pass.first + pass.end_max;
            if !goes_on {
                spare.push(std::mem::take(&mut state.runs));
            }
            goes_on
        });
        while upcoming.start < upcoming.end && grid.passes[upcoming.start].first == slot {
            let mut runs = spare.pop().unwrap_or_default();
            runs.clear();
            runs.resize(layers, NO_RUN);
            active.push(Active {
                pass: upcoming.start as u32,
                next_start: grid.passes[upcoming.start].start_min,
                runs,
            });
            upcoming.start += 1;
        }
    }
    walk_back(grid, begin, edges - 1, layers, idle, choice, columns)
}

/// Nothing happens between two edges; at midnight the count of contacts begins again.
fn wait(idle: &mut [f64], choice: &mut [Choice], edge: usize, layers: usize, midnight: bool) {
    let (before, now) = idle.split_at_mut(edge * layers);
    let before = &before[(edge - 1) * layers..];
    for (layer, value) in before.iter().enumerate() {
        let place = if midnight { 0 } else { layer };
        if *value > now[place] {
            now[place] = *value;
            choice[edge * layers + place] = Choice::Wait(layer as u32);
        }
    }
}

impl Active {
    /// Contacts that go on over midnight count on the day before.
    fn new_day(&mut self) {
        let mut best = NO_RUN;
        for run in &mut self.runs {
            if run.worth > best.worth {
                best = *run;
            }
            *run = NO_RUN;
        }
        self.runs[0] = best;
    }

    /// Lets contacts start that may end at this edge, and ends the best of them.
    fn step(
        &mut self,
        grid: &Grid,
        tolls: &Tolls,
        (begin, edge): (u32, usize),
        (layers, max): (usize, usize),
        idle: &mut [f64],
        choice: &mut [Choice],
    ) {
        let pass = &grid.passes[self.pass as usize];
        let values = grid.values(pass);
        let b = begin + edge as u32 - pass.first;
        let limit = pass.start_limit(b);
        let offset = (pass.first - begin) as usize;
        while self.next_start as i32 <= limit {
            let a = self.next_start;
            let mut worth = -values[a as usize];
            for held in pass.uses() {
                worth += tolls.at(held.group, pass.hold_start(held, a));
            }
            let from = &idle[(offset + a as usize) * layers..][..layers];
            let crossed = max > 0 && grid.day(pass.first + a) != grid.day(pass.first + b);
            for (layer, idle) in from.iter().enumerate() {
                let to = match max {
                    0 => 0,
                    _ if layer == max => continue,
                    _ if crossed => 0,
                    _ => layer + 1,
                };
                if idle + worth > self.runs[to].worth {
                    self.runs[to] = Run {
                        worth: idle + worth,
                        a,
                        layer: layer as u32,
                    };
                }
            }
            self.next_start += 1;
        }
        if b > pass.end_max || limit < 0 {
            return;
        }
        let mut gain = values[b as usize];
        for held in pass.uses() {
            gain -= tolls.at(held.group, pass.hold_end(held, b));
        }
        for (layer, run) in self.runs.iter().enumerate() {
            let place = edge * layers + layer;
            if run.worth + gain > idle[place] {
                idle[place] = run.worth + gain;
                choice[place] = Choice::Contact {
                    pass: self.pass,
                    a: run.a,
                    layer: run.layer,
                };
            }
        }
    }
}

fn walk_back(
    grid: &Grid,
    begin: u32,
    mut edge: usize,
    layers: usize,
    idle: &[f64],
    choice: &[Choice],
    columns: &mut Vec<Column>,
) -> f64 {
    let last = &idle[edge * layers..][..layers];
    let mut layer = (0..layers)
        .rev()
        .max_by(|x, y| last[*x].total_cmp(&last[*y]))
        .unwrap_or(0);
    let total = last[layer];
    while edge > 0 {
        match choice[edge * layers + layer] {
            Choice::Wait(before) => {
                edge -= 1;
                layer = before as usize;
            }
            Choice::Contact {
                pass,
                a,
                layer: before,
            } => {
                let first = grid.passes[pass as usize].first;
                let b = begin + edge as u32 - first;
                columns.push(Column { pass, a, b });
                edge = (first + a - begin) as usize;
                layer = before as usize;
            }
        }
    }
    total
}
