//! The best use of some antennas of one group while all others stay as they are, as a flow.
//!
//! An antenna's day is a path through time: idle, or on a pass from one edge to the next. Each
//! stretch of a pass carries one antenna at most, which is the rule that a satellite has one
//! contact at a time; so the best paths of all antennas together are a flow of greatest value, and
//! successive shortest paths find it. The one rule that a flow cannot see is the shortest contact;
//! what breaks it is left out of the result.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::grid::{Column, Grid, Pass};

/// What is to be used how. All antennas are of one group.
pub(crate) struct Task<'a> {
    pub(crate) grid: &'a Grid,
    pub(crate) antennas: usize,
    /// Passes that may be used, none of them with a second antenna.
    pub(crate) passes: &'a [u32],
    /// Holds of antennas that stay, in slots.
    pub(crate) fixed: &'a [(i32, i32)],
}

/// The best contacts, or fewer where a contact would be too short. `busy` says whether a
/// satellite is elsewhere in a slot.
pub(crate) fn best_flow(task: &Task, busy: impl Fn(&Pass, u32) -> bool) -> Vec<Column> {
    let mut flow = Flow::new(task, busy);
    flow.first_potentials();
    for _ in 0..task.antennas {
        if !flow.augment() {
            break;
        }
    }
    flow.columns()
}

struct Flow<'a> {
    grid: &'a Grid,
    passes: &'a [u32],
    /// Slots of the plan; nodes from 0 to `slots` are idle antennas, then come the passes' edges.
    slots: usize,
    base: Vec<u32>,
    /// By node of a pass: its pass's place.
    owner: Vec<u32>,
    /// By node: whether the stretch to the next edge may be, and is, used.
    open: Vec<bool>,
    used: Vec<bool>,
    started: Vec<bool>,
    ended: Vec<bool>,
    idle: Vec<u32>,
    /// By slot: nodes that a hold beginning there leads to.
    starts: Vec<Vec<u32>>,
    /// By slot: nodes from which flow comes back to idle there.
    returns: Vec<Vec<u32>>,
    fixed: Vec<Fixed>,
    potential: Vec<f64>,
    distance: Vec<f64>,
    parent: Vec<u32>,
    heap: BinaryHeap<Step>,
}

struct Fixed {
    from: usize,
    to: usize,
    used: bool,
}

struct Step {
    distance: f64,
    node: u32,
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Step {}
impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Step {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest: the nearest.
        (other.distance.total_cmp(&self.distance)).then(other.node.cmp(&self.node))
    }
}

impl<'a> Flow<'a> {
    fn new(task: &Task<'a>, busy: impl Fn(&Pass, u32) -> bool) -> Self {
        let grid = task.grid;
        let slots = grid.slots as usize;
        let mut flow = Self {
            grid,
            passes: task.passes,
            slots,
            base: Vec::with_capacity(task.passes.len()),
            owner: vec![0; slots + 1],
            open: vec![false; slots + 1],
            used: Vec::new(),
            started: Vec::new(),
            ended: Vec::new(),
            idle: vec![0; slots],
            starts: vec![Vec::new(); slots + 1],
            returns: vec![Vec::new(); slots + 1],
            fixed: task
                .fixed
                .iter()
                .map(|(from, to)| Fixed {
                    from: *from as usize,
                    to: *to as usize,
                    used: false,
                })
                .collect(),
            potential: Vec::new(),
            distance: Vec::new(),
            parent: Vec::new(),
            heap: BinaryHeap::new(),
        };
        for (place, index) in task.passes.iter().enumerate() {
            let pass = &grid.passes[*index as usize];
            let base = flow.open.len() as u32;
            flow.base.push(base);
            for edge in 0..=pass.len {
                let open = edge < pass.end_max && edge >= pass.start_min;
                flow.open.push(open && !busy(pass, edge));
                flow.owner.push(place as u32);
                if edge >= pass.start_min && edge < pass.end_max {
                    let from = pass.hold_start(&pass.uses[0], edge) as usize;
                    flow.starts[from].push(base + edge);
                }
            }
        }
        let nodes = flow.open.len();
        flow.used = vec![false; nodes];
        flow.started = vec![false; nodes];
        flow.ended = vec![false; nodes];
        flow.potential = vec![FAR; nodes];
        flow.distance = vec![FAR; nodes];
        flow.parent = vec![0; nodes];
        flow
    }

    fn pass(&self, node: usize) -> (&'a Pass, u32) {
        let place = self.owner[node] as usize;
        let pass = &self.grid.passes[self.passes[place] as usize];
        (pass, node as u32 - self.base[place])
    }

    fn worth(&self, node: usize) -> f64 {
        let (pass, edge) = self.pass(node);
        let values = self.grid.values(pass);
        values[edge as usize + 1] - values[edge as usize]
    }

    fn end_slot(&self, node: usize) -> Option<usize> {
        let (pass, edge) = self.pass(node);
        (edge > pass.start_min && edge <= pass.end_max)
            .then(|| pass.hold_end(&pass.uses[0], edge) as usize)
    }

    fn start_slot(&self, node: usize) -> usize {
        let (pass, edge) = self.pass(node);
        pass.hold_start(&pass.uses[0], edge).max(0) as usize
    }

    /// Distances in the empty network, in the order of time.
    fn first_potentials(&mut self) {
        let mut by_slot: Vec<Vec<u32>> = vec![Vec::new(); self.slots + 1];
        for node in self.slots + 1..self.open.len() {
            let (pass, edge) = self.pass(node);
            by_slot[(pass.first + edge) as usize].push(node as u32);
        }
        self.potential[0] = 0.0;
        for (slot, nodes) in by_slot.iter().enumerate() {
            for node in nodes {
                let node = *node as usize;
                let (_, edge) = self.pass(node);
                if edge > 0 && self.open[node - 1] {
                    let far = self.potential[node - 1] - self.worth(node - 1);
                    self.potential[node] = self.potential[node].min(far);
                }
                if let Some(end) = self.end_slot(node) {
                    self.potential[end] = self.potential[end].min(self.potential[node]);
                }
            }
            if slot > 0 {
                self.potential[slot] = self.potential[slot].min(self.potential[slot - 1]);
            }
            let here = self.potential[slot];
            for fixed in self.fixed.iter().filter(|fixed| fixed.from == slot) {
                self.potential[fixed.to] = self.potential[fixed.to].min(here - FIXED);
            }
            for node in &self.starts[slot] {
                let place = &mut self.potential[*node as usize];
                *place = place.min(here);
            }
        }
    }

    /// Sends one more antenna from the first slot to the last; false if none can gain.
    fn augment(&mut self) -> bool {
        self.distance.fill(FAR);
        self.heap.clear();
        self.distance[0] = 0.0;
        self.heap.push(Step {
            distance: 0.0,
            node: 0,
        });
        let target = self.slots;
        while let Some(Step { distance, node }) = self.heap.pop() {
            let node = node as usize;
            if distance > self.distance[node] {
                continue;
            }
            if node == target {
                break;
            }
            self.relax(node);
        }
        let reach = self.distance[target];
        if reach >= FAR {
            return false;
        }
        for (potential, distance) in self.potential.iter_mut().zip(&self.distance) {
            *potential += distance.min(reach);
        }
        let mut node = target;
        while node != 0 {
            let before = self.parent[node] as usize;
            self.send(before, node);
            node = before;
        }
        true
    }

    fn reach(&mut self, from: usize, to: usize, cost: f64) {
        let reduced = (cost + self.potential[from] - self.potential[to]).max(0.0);
        let distance = self.distance[from] + reduced;
        // Beyond the end nothing is of use.
        if distance < self.distance[to] && distance < self.distance[self.slots] {
            self.distance[to] = distance;
            self.parent[to] = from as u32;
            self.heap.push(Step {
                distance,
                node: to as u32,
            });
        }
    }

    fn relax(&mut self, node: usize) {
        if node > self.slots {
            if self.open[node] && !self.used[node] {
                self.reach(node, node + 1, -self.worth(node));
            }
            let (_, edge) = self.pass(node);
            if edge > 0 && self.used[node - 1] {
                self.reach(node, node - 1, self.worth(node - 1));
            }
            if let Some(slot) = self.end_slot(node).filter(|_| !self.ended[node]) {
                self.reach(node, slot, 0.0);
            }
            if self.started[node] {
                self.reach(node, self.start_slot(node), 0.0);
            }
            return;
        }
        if node < self.slots {
            self.reach(node, node + 1, 0.0);
        }
        if node > 0 && self.idle[node - 1] > 0 {
            self.reach(node, node - 1, 0.0);
        }
        for index in 0..self.starts[node].len() {
            let to = self.starts[node][index] as usize;
            if !self.started[to] {
                self.reach(node, to, 0.0);
            }
        }
        for index in 0..self.returns[node].len() {
            self.reach(node, self.returns[node][index] as usize, 0.0);
        }
        for index in 0..self.fixed.len() {
            let Fixed { from, to, used } = self.fixed[index];
            if from == node && !used {
                self.reach(node, to, -FIXED);
            } else if to == node && used {
                self.reach(node, from, FIXED);
            }
        }
    }

    /// Changes the flow along one step of a path.
    fn send(&mut self, from: usize, to: usize) {
        let idle = |node: usize| node <= self.slots;
        match (idle(from), idle(to)) {
            (false, false) if to == from + 1 => self.used[from] = true,
            (false, false) => self.used[to] = false,
            (true, false) if self.ended[to] && self.returns[from].contains(&(to as u32)) => {
                self.ended[to] = false;
                self.returns[from].retain(|node| *node as usize != to);
            }
            (true, false) => self.started[to] = true,
            (false, true) if self.started[from] && self.start_slot(from) == to => {
                self.started[from] = false;
            }
            (false, true) => {
                self.ended[from] = true;
                self.returns[to].push(from as u32);
            }
            (true, true) => self.send_idle(from, to),
        }
    }

    fn send_idle(&mut self, from: usize, to: usize) {
        let fixed = |fixed: &&mut Fixed| {
            (fixed.from, fixed.to, fixed.used) == (from, to, false)
                || (fixed.from, fixed.to, fixed.used) == (to, from, true)
        };
        if let Some(fixed) = self.fixed.iter_mut().find(fixed) {
            fixed.used = !fixed.used;
        } else if to == from + 1 {
            self.idle[from] += 1;
        } else {
            self.idle[to] -= 1;
        }
    }

    fn columns(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        for (place, index) in self.passes.iter().enumerate() {
            let pass = &self.grid.passes[*index as usize];
            let base = self.base[place] as usize;
            let mut a = 0;
            while a < pass.len {
                if !self.used[base + a as usize] {
                    a += 1;
                    continue;
                }
                let mut b = a;
                while b < pass.len && self.used[base + b as usize] {
                    b += 1;
                }
                if pass.start_limit(b) >= a as i32 {
                    columns.push(Column { pass: *index, a, b });
                }
                a = b;
            }
        }
        columns
    }
}

const FAR: f64 = f64::INFINITY;
/// More than any day is worth, so that what stays does stay.
const FIXED: f64 = 1e17;
