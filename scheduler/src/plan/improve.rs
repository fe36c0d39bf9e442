//! From the satellites' choices to a schedule, and from that to a better one.

use super::grid::{Column, Grid};
use super::lane::{Booked, Inertia, Schedule};
use super::price::Prices;

/// Books the satellites' choices in the order of what they gain at the prices, as antennas allow.
pub(crate) fn fill(schedule: &mut Schedule, prices: &[f64], columns: &[Column]) {
    let grid = schedule.grid;
    let slots = grid.slots as usize;
    let mut sums = vec![0.0; prices.len() + grid.groups.len()];
    for (sums, prices) in sums.chunks_mut(slots + 1).zip(prices.chunks(slots.max(1))) {
        for (index, price) in prices.iter().enumerate() {
            sums[index + 1] = sums[index] + price;
        }
    }
    let gain = |column: Column| {
        let pass = &grid.passes[column.pass as usize];
        let mut gain = grid.value(column);
        for held in pass.uses() {
            let row = &sums[held.group as usize * (slots + 1)..];
            let from = pass.hold_start(held, column.a) as usize;
            gain -= row[pass.hold_end(held, column.b) as usize] - row[from];
        }
        gain
    };
    let mut order: Vec<(f64, Column)> = columns.iter().map(|c| (gain(*c), *c)).collect();
    order.sort_unstable_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
    for (_, column) in order {
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

/// Uses one antenna after the other anew until nothing gains, deals the antennas again and goes
/// on; stops at a gap of `gap`, or after `rounds`.
pub(crate) fn improve(schedule: &mut Schedule, prices: &Prices, rounds: u32, gap: f64) {
    let mut random = Random(0x5EED);
    for round in 0..rounds {
        if prices.bound - schedule.value <= gap * prices.bound {
            break;
        }
        if round > 0 {
            schedule.deal(|count| random.below(count));
        }
        let before = schedule.value;
        sweep(schedule);
        let gain = schedule.value - before;
        if round > 2 && gain <= 1e-6 * schedule.value.abs() {
            break;
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
