//! From the satellites' choices to a schedule, and from that to a better one.

use super::grid::{Column, Grid};
use super::lane::Inertia;
use super::price::Prices;
use super::satellite::{Tolls, gain};
use super::schedule::{Booked, Schedule, hold};

/// The satellites' choices in the order of what they gain, as long as antennas are free; the
/// value of what was taken.
pub(crate) fn fill(grid: &Grid, tolls: &Tolls, columns: &[Column]) -> (f64, Vec<Column>) {
    let worth = |column: &Column| {
        let pass = &grid.passes[column.pass as usize];
        let mut gain = grid.value(*column);
        for held in pass.uses() {
            gain += tolls.at(held.group, pass.hold_start(held, column.a));
            gain -= tolls.at(held.group, pass.hold_end(held, column.b));
        }
        gain
    };
    let mut order: Vec<(f64, Column)> = columns.iter().map(|c| (worth(c), *c)).collect();
    order.sort_unstable_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
    let mut used = vec![vec![0_u32; grid.slots as usize]; grid.groups.len()];
    let (mut value, mut taken) = (0.0, Vec::new());
    for (_, column) in order {
        let pass = &grid.passes[column.pass as usize];
        let span = |group: u32| {
            let (from, to) = hold(grid, column, group as usize);
            from as usize..to as usize
        };
        let free = pass.uses().iter().all(|held| {
            let count = grid.groups[held.group as usize].count;
            let row = &used[held.group as usize][span(held.group)];
            row.iter().all(|used| *used < count)
        });
        if free {
            for held in pass.uses() {
                let row = &mut used[held.group as usize][span(held.group)];
                row.iter_mut().for_each(|used| *used += 1);
            }
            value += grid.value(column);
            taken.push(column);
        }
    }
    (value, taken)
}

/// Books contacts in the order of time, where antennas are free.
pub(crate) fn book_all(schedule: &mut Schedule, mut columns: Vec<Column>) {
    let grid = schedule.grid;
    columns.sort_by_key(|column| {
        let pass = &grid.passes[column.pass as usize];
        (pass.hold_start(&pass.uses[0], column.a), *column)
    });
    for column in columns {
        if !schedule.satellite_is_free(column) || !schedule.has_capacity(column) {
            continue;
        }
        if let Some(lanes) = schedule.free_lanes(column) {
            schedule.book(Booked {
                column,
                lanes,
                frozen: false,
            });
        }
    }
}

/// Leaves out passes that the prices say are far from gaining anything.
pub(crate) fn prune(schedule: &mut Schedule, prices: &[f64]) {
    let grid = schedule.grid;
    let mut tolls = Tolls::new(grid.groups.len(), grid.slots);
    tolls.set(prices);
    let mut idle = Vec::new();
    schedule.keep_candidates(|index| {
        let pass = &grid.passes[index as usize];
        let worth = grid.values(pass).last().copied().unwrap_or(0.0);
        gain(grid, &tolls, index as usize, &mut idle) >= -FAR_OFF * worth
    });
}

/// Uses one group after the other anew, then one antenna after the other, until nothing gains;
/// stops at a gap of `gap`, or after `rounds`.
pub(crate) fn improve(schedule: &mut Schedule, prices: &Prices, rounds: u32, gap: f64) {
    let mut random = Random(0x5EED);
    for round in 0..rounds {
        let before = schedule.value;
        let done = |schedule: &Schedule| prices.bound - schedule.value <= gap * prices.bound;
        for group in 0..schedule.grid.groups.len() {
            let count = schedule.grid.groups[group].count as usize;
            for from in (0..count).step_by(BATCH) {
                if done(schedule) {
                    return;
                }
                schedule.reflow(group, from..count.min(from + BATCH));
            }
        }
        if done(schedule) {
            return;
        }
        sweep(schedule);
        if schedule.value - before <= 1e-5 * schedule.value.abs() {
            return;
        }
        if round + 1 < rounds {
            schedule.deal(|count| random.below(count));
        }
    }
}

/// Every antenna once.
pub(crate) fn sweep(schedule: &mut Schedule) {
    let grid: &Grid = schedule.grid;
    for group in 0..grid.groups.len() {
        for lane in 0..grid.groups[group].count as usize {
            schedule.improve(group, lane, (0, grid.slots as i32), Inertia::default());
        }
    }
}

/// SplitMix64 from a seed of its own: the same input gives the same plan.
struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % count.max(1) as u64) as usize
    }
}

/// Antennas that one flow uses anew together: more gain more, and cost more each.
const BATCH: usize = 8;
/// What a pass may lose at the prices, as a part of its value, and still be tried.
const FAR_OFF: f64 = 0.02;
