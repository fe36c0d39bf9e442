//! Prices of antenna time: Lagrange multipliers of the antennas' capacity, slot by slot.
//!
//! For any prices of 0 or more, what all satellites would gain on their own, each with the best of
//! its passes at these prices, plus what the antennas would earn, is at least the value of any
//! plan. Subgradient steps lower that bound.

use super::grid::{Column, Grid};
use super::satellite::{Scratch, Tolls, best};

/// Prices and what they prove.
pub(crate) struct Prices {
    /// A group after the other, slot by slot.
    pub(crate) values: Vec<f64>,
    /// No plan is worth more.
    pub(crate) bound: f64,
}

/// The bound at given prices; `columns` gets the contacts that satellites would choose.
pub(crate) fn bound(
    grid: &Grid,
    prices: &[f64],
    tolls: &mut Tolls,
    scratch: &mut Scratch,
    columns: &mut Vec<Column>,
) -> f64 {
    tolls.set(prices);
    columns.clear();
    let slots = (grid.slots as usize).max(1);
    let mut total: f64 = prices
        .chunks(slots)
        .zip(&grid.groups)
        .map(|(prices, group)| prices.iter().sum::<f64>() * f64::from(group.count))
        .sum();
    for satellite in 0..grid.satellite_count() {
        total += best(grid, tolls, satellite, scratch, columns);
    }
    // Sums of many numbers are rounded; a bound must not fall short for that.
    total + total.abs() * ROUNDING
}

/// Lowers the bound from first prices, in `iterations` steps at most. `plan` makes a plan from
/// prices and the satellites' choices, and returns the value of the best so far; it is asked now
/// and then. Stops at a gap of `gap`.
pub(crate) fn descend(
    grid: &Grid,
    first: Option<Vec<f64>>,
    iterations: u32,
    gap: f64,
    mut plan: impl FnMut(&Tolls, &[Column]) -> f64,
) -> Prices {
    let mut prices = first.unwrap_or_else(|| first_prices(grid));
    let mut tolls = Tolls::new(grid.groups.len(), grid.slots);
    let (mut scratch, mut columns) = (Scratch::default(), Vec::new());
    let mut best = Prices {
        values: prices.clone(),
        bound: f64::INFINITY,
    };
    let mut excess = vec![0.0; prices.len()];
    let mut direction = vec![0.0; prices.len()];
    let (mut value, mut step, mut stalled) = (0.0_f64, 1.0_f64, 0_u32);
    for iteration in 0..iterations.max(1) {
        let now = bound(grid, &prices, &mut tolls, &mut scratch, &mut columns);
        if now < best.bound {
            // A crumb less is no progress.
            stalled = if now < best.bound - 1e-4 * (best.bound - value).abs() {
                0
            } else {
                stalled + 1
            };
            best.bound = now;
            best.values.copy_from_slice(&prices);
        } else {
            stalled += 1;
        }
        if iteration % PLAN_EVERY == 0 {
            value = value.max(plan(&tolls, &columns));
        }
        if best.bound - value <= gap * best.bound {
            break;
        }
        if stalled >= STALLED_MAX {
            step *= SHORTER;
            stalled = 0;
        }
        usage(grid, &columns, &mut excess);
        let mut norm = 0.0;
        for (index, direction) in direction.iter_mut().enumerate() {
            // Where the price is 0 and antennas are idle there is nothing to lower.
            if prices[index] <= 0.0 && excess[index] < 0.0 {
                *direction = 0.0;
                continue;
            }
            *direction = excess[index] + MEMORY * *direction;
            norm += *direction * *direction;
        }
        if norm == 0.0 {
            break;
        }
        let length = step * (now - value).max(0.0) / norm;
        for (price, direction) in prices.iter_mut().zip(&direction) {
            *price = (*price + length * direction).max(0.0);
        }
    }
    best
}

/// By slot and group: antennas wanted less antennas there.
fn usage(grid: &Grid, columns: &[Column], excess: &mut [f64]) {
    let slots = grid.slots as usize;
    excess.fill(0.0);
    for column in columns {
        let pass = &grid.passes[column.pass as usize];
        for held in pass.uses() {
            let row = &mut excess[held.group as usize * slots..][..slots];
            let from = pass.hold_start(held, column.a) as usize;
            let to = pass.hold_end(held, column.b) as usize;
            row[from] += 1.0;
            if to < slots {
                row[to] -= 1.0;
            }
        }
    }
    for (row, group) in excess.chunks_mut(slots.max(1)).zip(&grid.groups) {
        let mut sum = 0.0;
        for place in row {
            sum += *place;
            *place = sum - f64::from(group.count);
        }
    }
}

/// In each slot, what the first pass that gets no antenna would be worth in it.
fn first_prices(grid: &Grid) -> Vec<f64> {
    let slots = grid.slots as usize;
    let mut prices = vec![0.0; grid.groups.len() * slots];
    let mut wanting: Vec<Vec<f64>> = vec![Vec::new(); slots];
    for (group, passes) in grid.group_passes.iter().enumerate() {
        wanting.iter_mut().for_each(Vec::clear);
        for index in passes {
            let pass = &grid.passes[*index as usize];
            for (slot, pair) in grid.values(pass).windows(2).enumerate() {
                wanting[pass.first as usize + slot].push(pair[1] - pair[0]);
            }
        }
        let count = grid.groups[group].count as usize;
        for (slot, worth) in wanting.iter_mut().enumerate() {
            if worth.len() > count {
                let (_, price, _) = worth.select_nth_unstable_by(count, |a, b| b.total_cmp(a));
                prices[group * slots + slot] = *price;
            }
        }
    }
    prices
}

/// Steps between plans.
const PLAN_EVERY: u32 = 10;
/// Steps without progress before steps get shorter.
const STALLED_MAX: u32 = 3;
const SHORTER: f64 = 0.8;
/// How much of its direction a step takes from the one before.
const MEMORY: f64 = 0.3;
const ROUNDING: f64 = 1e-12;
