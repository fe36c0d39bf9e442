//! The schedule under construction: contacts on antennas, and the best use of one antenna while
//! all others stay as they are.

use super::grid::{Column, Grid, Pass};

/// A contact and the antennas, numbered within their groups, that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Booked {
    pub(crate) column: Column,
    pub(crate) lanes: [u32; 2],
    /// Never moved: it starts too soon, or is under way.
    pub(crate) frozen: bool,
}

/// What staying the same is worth, in the plan's value.
#[derive(Clone, Copy, Default)]
pub(crate) struct Inertia {
    /// Taken off for each contact that was not there.
    pub(crate) new: f64,
    /// Added for each that stays as it was.
    pub(crate) kept: f64,
}

pub(crate) struct Schedule<'a> {
    pub(crate) grid: &'a Grid,
    /// By group and antenna the contacts, in order; each is in `booked`.
    lanes: Vec<Vec<Vec<u32>>>,
    booked: Vec<Option<Booked>>,
    spare: Vec<u32>,
    /// By satellite and slot, 64 slots a word.
    busy: Vec<u64>,
    words: usize,
    /// By group and slot: antennas held.
    used: Vec<Vec<u32>>,
    /// By satellite and day.
    contacts: Vec<u32>,
    pub(crate) value: f64,
    memory: Memory,
}

/// Working memory of one antenna's dynamic programme.
#[derive(Default)]
struct Memory {
    best: Vec<f64>,
    pending: Vec<f64>,
    from: Vec<Option<Column>>,
    active: Vec<Active>,
    blocked: Vec<Vec<u32>>,
}

struct Active {
    pass: u32,
    place: usize,
    next_start: u32,
    run: f64,
    a: u32,
}

const NEVER: f64 = f64::NEG_INFINITY;

impl<'a> Schedule<'a> {
    pub(crate) fn new(grid: &'a Grid) -> Self {
        let words = (grid.slots as usize).div_ceil(64);
        let lanes = |count: u32| vec![Vec::new(); count as usize];
        Self {
            grid,
            lanes: grid.groups.iter().map(|g| lanes(g.count)).collect(),
            booked: Vec::new(),
            spare: Vec::new(),
            busy: vec![0; words * grid.satellite_count()],
            words,
            used: vec![vec![0; grid.slots as usize]; grid.groups.len()],
            contacts: vec![0; grid.satellite_count() * grid.days()],
            value: 0.0,
            memory: Memory::default(),
        }
    }

    pub(crate) fn booked(&self) -> impl Iterator<Item = &Booked> {
        self.booked.iter().flatten()
    }

    pub(crate) fn lane(&self, group: usize, lane: usize) -> impl Iterator<Item = &Booked> {
        self.lanes[group][lane]
            .iter()
            .filter_map(|index| self.booked[*index as usize].as_ref())
    }

    fn pass(&self, column: Column) -> &'a Pass {
        &self.grid.passes[column.pass as usize]
    }

    fn is_busy(&self, satellite: u32, slot: u32) -> bool {
        let word = self.busy[satellite as usize * self.words + slot as usize / 64];
        word >> (slot % 64) & 1 == 1
    }

    fn count_place(&self, pass: &Pass, a: u32) -> usize {
        let day = self.grid.day(pass.first + a) - self.grid.day(0);
        pass.satellite as usize * self.grid.days() + day as usize
    }

    /// Whether the satellite is free and may have one more contact that day.
    pub(crate) fn satellite_is_free(&self, column: Column) -> bool {
        let pass = self.pass(column);
        (column.a..column.b).all(|edge| !self.is_busy(pass.satellite, pass.first + edge))
            && self
                .grid
                .contacts_per_day_max
                .is_none_or(|max| self.contacts[self.count_place(pass, column.a)] < max)
    }

    /// Whether each group has an antenna to spare in every slot.
    pub(crate) fn has_capacity(&self, column: Column) -> bool {
        let pass = self.pass(column);
        pass.uses().iter().all(|held| {
            let from = pass.hold_start(held, column.a);
            let to = pass.hold_end(held, column.b);
            let count = self.grid.groups[held.group as usize].count;
            let row = &self.used[held.group as usize];
            from >= 0
                && to as usize <= row.len()
                && row[from as usize..to as usize].iter().all(|u| *u < count)
        })
    }

    /// Antennas that are free throughout, the lowest of each group.
    pub(crate) fn free_lanes(&self, column: Column) -> Option<[u32; 2]> {
        let pass = self.pass(column);
        let mut lanes = [0; 2];
        for (place, held) in lanes.iter_mut().zip(pass.uses()) {
            let span = (
                pass.hold_start(held, column.a),
                pass.hold_end(held, column.b),
            );
            let group = held.group as usize;
            let free = (0..self.lanes[group].len()).find(|l| self.lane_is_free(group, *l, span));
            *place = free? as u32;
        }
        Some(lanes)
    }

    pub(crate) fn lane_is_free(&self, group: usize, lane: usize, (from, to): (i32, i32)) -> bool {
        let list = &self.lanes[group][lane];
        let after = list.partition_point(|index| self.hold(*index, group).1 <= from);
        list.get(after)
            .is_none_or(|index| self.hold(*index, group).0 >= to)
    }

    /// The slots in which a contact holds an antenna of a group.
    fn hold(&self, index: u32, group: usize) -> (i32, i32) {
        self.booked[index as usize].map_or((0, 0), |booked| hold(self.grid, booked.column, group))
    }

    /// Books a contact on antennas that are known to be free.
    pub(crate) fn book(&mut self, booked: Booked) -> u32 {
        let index = self.spare.pop().unwrap_or(self.booked.len() as u32);
        if index as usize == self.booked.len() {
            self.booked.push(None);
        }
        self.booked[index as usize] = Some(booked);
        let pass = self.pass(booked.column);
        for (held, lane) in pass.uses().iter().zip(booked.lanes) {
            let group = held.group as usize;
            let from = pass.hold_start(held, booked.column.a);
            let list = &self.lanes[group][lane as usize];
            let at = list.partition_point(|other| self.hold(*other, group).0 < from);
            self.lanes[group][lane as usize].insert(at, index);
        }
        self.account(booked.column, true);
        index
    }

    pub(crate) fn remove(&mut self, index: u32) -> Option<Booked> {
        let booked = self.booked[index as usize].take()?;
        let pass = self.pass(booked.column);
        for (held, lane) in pass.uses().iter().zip(booked.lanes) {
            self.lanes[held.group as usize][lane as usize].retain(|other| *other != index);
        }
        self.account(booked.column, false);
        self.spare.push(index);
        Some(booked)
    }

    fn account(&mut self, column: Column, more: bool) {
        let pass = self.pass(column);
        for slot in pass.first + column.a..pass.first + column.b {
            let word = pass.satellite as usize * self.words + slot as usize / 64;
            self.busy[word] ^= 1 << (slot % 64);
        }
        for held in pass.uses() {
            let from = pass.hold_start(held, column.a) as usize;
            let to = pass.hold_end(held, column.b) as usize;
            for place in &mut self.used[held.group as usize][from..to] {
                *place = if more { *place + 1 } else { *place - 1 };
            }
        }
        let place = self.count_place(pass, column.a);
        let value = self.grid.value(column);
        if more {
            self.contacts[place] += 1;
            self.value += value;
        } else {
            self.contacts[place] -= 1;
            self.value -= value;
        }
    }

    /// Gives every contact an antenna anew, among free ones as `choose` says; the contacts, in
    /// time order, always fit.
    pub(crate) fn deal(&mut self, mut choose: impl FnMut(usize) -> usize) {
        for group in 0..self.lanes.len() {
            let mut list: Vec<u32> = self.lanes[group].concat();
            list.sort_by_key(|index| (self.hold(*index, group).0, *index));
            let mut free_at = vec![0_i32; self.lanes[group].len()];
            self.lanes[group].iter_mut().for_each(Vec::clear);
            let mut free: Vec<usize> = Vec::new();
            for index in list {
                let (from, to) = self.hold(index, group);
                free.clear();
                free.extend((0..free_at.len()).filter(|lane| free_at[*lane] <= from));
                let Some(lane) = free.get(choose(free.len().max(1))).copied() else {
                    continue;
                };
                free_at[lane] = to;
                self.lanes[group][lane].push(index);
                self.set_lane(index, group, lane as u32);
            }
        }
    }

    fn set_lane(&mut self, index: u32, group: usize, lane: u32) {
        let grid = self.grid;
        if let Some(booked) = &mut self.booked[index as usize] {
            let uses = grid.passes[booked.column.pass as usize].uses();
            for (place, held) in booked.lanes.iter_mut().zip(uses) {
                if held.group as usize == group {
                    *place = lane;
                }
            }
        }
    }

    /// Makes the best of one antenna from one slot to another while all others stay as they are;
    /// returns what that gained, `inertia` included.
    pub(crate) fn improve(
        &mut self,
        group: usize,
        lane: usize,
        (from, to): (i32, i32),
        inertia: Inertia,
    ) -> f64 {
        let mut span = (from.max(0), to.min(self.grid.slots as i32));
        let mut old = Vec::new();
        for index in self.lanes[group][lane].clone() {
            let (start, end) = self.hold(index, group);
            let frozen = self.booked[index as usize].is_some_and(|booked| booked.frozen);
            if end <= span.0 || start >= span.1 {
                continue;
            }
            if frozen || start < span.0 || end > span.1 {
                // What cannot move bounds what can; a frozen contact in the middle ends the span.
                if start <= span.0 || old.is_empty() {
                    span.0 = span.0.max(end);
                } else {
                    span.1 = start;
                    break;
                }
                continue;
            }
            old.push(index);
        }
        if span.0 >= span.1 {
            return 0.0;
        }
        let before = self.value;
        let old: Vec<Booked> = old.iter().filter_map(|index| self.remove(*index)).collect();
        let columns = self.best_use(group, span, &old, inertia);
        let mut added = Vec::new();
        for column in columns {
            if let Some(booked) = self.fitting(column, group, lane as u32, &old) {
                added.push((self.book(booked), booked));
            }
        }
        let kept = added.iter().filter(|(_, b)| old.contains(b)).count();
        let fresh = added.len() - kept;
        let lost = old.len() - kept;
        let gain = self.value - before - inertia.new * fresh as f64 - inertia.kept * lost as f64;
        if gain > self.value.abs() * 1e-12 {
            return gain;
        }
        for (index, _) in added {
            self.remove(index);
        }
        for booked in old {
            self.book(booked);
        }
        // Rounding must not creep in.
        self.value = before;
        0.0
    }

    /// A contact of the new use with its antennas, if rules that the antenna's programme does not
    /// know, the contacts a day and a second antenna, still allow it.
    fn fitting(&self, column: Column, group: usize, lane: u32, old: &[Booked]) -> Option<Booked> {
        if !self.satellite_is_free(column) || !self.has_capacity(column) {
            return None;
        }
        if let Some(same) = old.iter().find(|booked| booked.column == column) {
            return Some(*same);
        }
        let pass = self.pass(column);
        let mut lanes = [0; 2];
        for (place, held) in lanes.iter_mut().zip(pass.uses()) {
            *place = if held.group as usize == group {
                lane
            } else {
                let span = (
                    pass.hold_start(held, column.a),
                    pass.hold_end(held, column.b),
                );
                let other = held.group as usize;
                (0..self.lanes[other].len()).find(|l| self.lane_is_free(other, *l, span))? as u32
            };
        }
        Some(Booked {
            column,
            lanes,
            frozen: false,
        })
    }

    /// The best contacts on an empty antenna within a span of slots, by dynamic programming.
    fn best_use(
        &mut self,
        group: usize,
        (from, to): (i32, i32),
        old: &[Booked],
        inertia: Inertia,
    ) -> Vec<Column> {
        let mut memory = std::mem::take(&mut self.memory);
        let length = (to - from) as usize + 1;
        memory.best.clear();
        memory.best.resize(length, 0.0);
        memory.pending.clear();
        memory.pending.resize(length, NEVER);
        memory.from.clear();
        memory.from.resize(length, None);
        memory.active.clear();
        memory.blocked = self.blocked(group);
        let kept: Vec<(u32, Column)> = old
            .iter()
            .map(|booked| (hold(self.grid, booked.column, group).1 as u32, booked.column))
            .collect();
        let list = &self.grid.group_passes[group];
        let mut upcoming = list.partition_point(|index| {
            self.grid.passes[*index as usize].first as i32 <= from - self.grid.longest as i32
        });
        for slot in from..=to {
            self.step(group, (from, to), slot, inertia.new, &mut memory);
            for (_, column) in kept.iter().filter(|(end, _)| *end as i32 == slot) {
                let start = hold(self.grid, *column, group).0;
                let worth = memory.best[(start - from) as usize]
                    + self.grid.value(*column)
                    + inertia.kept;
                offer(&mut memory, (slot - from) as usize, worth, *column);
            }
            let place = (slot - from) as usize;
            let before = if place > 0 { memory.best[place - 1] } else { 0.0 };
            if memory.pending[place] > before {
                memory.best[place] = memory.pending[place];
            } else {
                memory.best[place] = before;
                memory.from[place] = None;
            }
            while let Some(index) = list.get(upcoming) {
                let pass = &self.grid.passes[*index as usize];
                if pass.first as i32 > slot {
                    break;
                }
                upcoming += 1;
                if (pass.first + pass.len) as i32 > slot {
                    memory.active.push(self.active(*index, group, from));
                }
            }
        }
        let mut columns = Vec::new();
        let mut place = length - 1;
        while place > 0 {
            match memory.from[place] {
                Some(column) => {
                    columns.push(column);
                    place = (hold(self.grid, column, group).0 - from) as usize;
                }
                None => place -= 1,
            }
        }
        self.memory = memory;
        columns.reverse();
        columns
    }

    fn active(&self, index: u32, group: usize, from: i32) -> Active {
        let pass = &self.grid.passes[index as usize];
        let uses = pass.uses();
        let place = uses.iter().position(|u| u.group as usize == group);
        let place = place.unwrap_or(0);
        let early = |a: &u32| pass.hold_start(&uses[place], *a) < from;
        Active {
            pass: index,
            place,
            next_start: (pass.start_min..pass.len).find(|a| !early(a)).unwrap_or(pass.len),
            run: NEVER,
            a: 0,
        }
    }

    /// One slot of the dynamic programme: contacts start, go on and end.
    fn step(&self, group: usize, span: (i32, i32), slot: i32, fresh: f64, memory: &mut Memory) {
        let Memory {
            best,
            pending,
            from,
            active,
            blocked,
        } = memory;
        let (begin, end) = span;
        active.retain_mut(|state| {
            let pass = &self.grid.passes[state.pass as usize];
            let held = &pass.uses()[state.place];
            let other = pass.uses().iter().find(|u| u.group as usize != group);
            let b = slot as u32 - pass.first;
            if b == 0 {
                return true;
            }
            let taken = self.is_busy(pass.satellite, slot as u32 - 1)
                || other.is_some_and(|u| any(&blocked[u.group as usize], slot - 1, slot));
            if taken {
                state.run = NEVER;
                state.next_start = state.next_start.max(b);
                return b < pass.end_max;
            }
            let values = self.grid.values(pass);
            let limit = pass.start_limit(b);
            while state.next_start as i32 <= limit {
                let a = state.next_start;
                state.next_start += 1;
                let full = other.is_some_and(|u| {
                    let first = (pass.first + a) as i32;
                    any(&blocked[u.group as usize], pass.hold_start(u, a), first)
                });
                if full || self.day_is_full(pass, a) {
                    continue;
                }
                let start = pass.hold_start(held, a) - begin;
                let worth = best[start as usize] - values[a as usize] - fresh;
                if worth > state.run {
                    (state.run, state.a) = (worth, a);
                }
            }
            let free = pass.hold_end(held, b);
            if b <= pass.end_max && limit >= 0 && state.run > NEVER && free <= end {
                let worth = state.run + values[b as usize];
                let place = (free - begin) as usize;
                let full =
                    other.is_some_and(|u| any(&blocked[u.group as usize], slot, pass.hold_end(u, b)));
                if !full && worth > pending[place] {
                    pending[place] = worth;
                    from[place] = Some(Column {
                        pass: state.pass,
                        a: state.a,
                        b,
                    });
                }
            }
            b < pass.end_max
        });
    }

    fn day_is_full(&self, pass: &Pass, a: u32) -> bool {
        self.grid
            .contacts_per_day_max
            .is_some_and(|max| self.contacts[self.count_place(pass, a)] >= max)
    }

    /// For the other groups that this one's passes hold: how many slots before each are full.
    fn blocked(&self, group: usize) -> Vec<Vec<u32>> {
        let mut blocked = vec![Vec::new(); self.lanes.len()];
        for index in &self.grid.group_passes[group] {
            for held in self.grid.passes[*index as usize].uses() {
                let other = held.group as usize;
                if other != group && blocked[other].is_empty() {
                    let count = self.grid.groups[other].count;
                    let mut full = 0;
                    blocked[other].push(0);
                    for used in &self.used[other] {
                        full += u32::from(*used >= count);
                        blocked[other].push(full);
                    }
                }
            }
        }
        blocked
    }
}

/// The slots in which a contact holds an antenna of a group.
pub(crate) fn hold(grid: &Grid, column: Column, group: usize) -> (i32, i32) {
    let pass = &grid.passes[column.pass as usize];
    pass.uses()
        .iter()
        .find(|held| held.group as usize == group)
        .map_or((0, 0), |held| {
            (
                pass.hold_start(held, column.a),
                pass.hold_end(held, column.b),
            )
        })
}

fn offer(memory: &mut Memory, place: usize, worth: f64, column: Column) {
    if worth > memory.pending[place] {
        memory.pending[place] = worth;
        memory.from[place] = Some(column);
    }
}

/// Whether a slot of a range is full.
fn any(full_before: &[u32], from: i32, to: i32) -> bool {
    let at = |slot: i32| full_before.get(slot.max(0) as usize).copied();
    // Beyond the plan nothing is free.
    from < to && (from < 0 || at(to).is_none() || at(from) != at(to))
}
