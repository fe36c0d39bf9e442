//! The best use of one antenna, or of some antennas of a group, while all others stay as they are.

use super::flow::{Task, best_flow};
use super::grid::{Column, Pass};
use super::schedule::{Booked, Schedule, hold};

/// What staying the same is worth, in the plan's value.
#[derive(Clone, Copy, Default)]
pub(crate) struct Inertia {
    /// Taken off for each contact that was not there.
    pub(crate) new: f64,
    /// Added for each that stays as it was.
    pub(crate) kept: f64,
}

/// Working memory of one antenna's dynamic programme.
#[derive(Default)]
pub(crate) struct Memory {
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

impl Schedule<'_> {
    /// Whether the satellite is free in a pass for long enough for some contact.
    fn has_room(&self, pass: &Pass) -> bool {
        let mut a = pass.start_min;
        for b in pass.start_min + 1..=pass.end_max {
            if self.is_busy(pass.satellite, pass.first + b - 1) {
                a = b;
            } else if pass.start_limit(b) >= a as i32 {
                return true;
            }
        }
        false
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
            // What cannot move bounds what can; a frozen contact in the middle cuts the span.
            if start < span.0 || (frozen && old.is_empty()) {
                span.0 = end;
                continue;
            }
            if end > span.1 || frozen {
                span.1 = start;
                break;
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

    /// Books the best contact of one pass on one antenna, if one is free that is worth more than
    /// `cost`.
    pub(crate) fn insert_best(
        &mut self,
        index: u32,
        group: usize,
        lane: usize,
        (from, to): (i32, i32),
        cost: f64,
    ) {
        let pass = &self.grid.passes[index as usize];
        let mut best: Option<(f64, Column)> = None;
        for b in 1..=pass.end_max {
            // The longest contact to this end is the best.
            let limit = pass.start_limit(b);
            let start = (pass.start_min..=limit.max(0) as u32).find(|a| {
                let column = Column {
                    pass: index,
                    a: *a,
                    b,
                };
                let span = hold(self.grid, column, group);
                limit >= *a as i32
                    && span.0 >= from
                    && span.1 <= to
                    && self.lane_is_free(group, lane, span)
                    && self.satellite_is_free(column)
                    && self.has_capacity(column)
            });
            if let Some(a) = start {
                let column = Column { pass: index, a, b };
                let worth = self.grid.value(column);
                if worth > cost && best.is_none_or(|(most, _)| worth > most) {
                    best = Some((worth, column));
                }
            }
        }
        let fitting = best.and_then(|(_, column)| self.fitting(column, group, lane as u32, &[]));
        if let Some(booked) = fitting {
            self.book(booked);
        }
    }

    /// Uses some antennas of a group anew, together; takes it back unless it gains.
    pub(crate) fn reflow(&mut self, group: usize, lanes: std::ops::Range<usize>) -> bool {
        let before = self.value;
        let grid = self.grid;
        let alone = |index: u32| grid.passes[index as usize].use_count == 1;
        let mut old = Vec::new();
        let mut fixed = Vec::new();
        let antennas = lanes.len();
        for index in self.lanes[group][lanes].concat() {
            match self.booked[index as usize] {
                Some(booked) if !booked.frozen && alone(booked.column.pass) => old.push(index),
                _ => fixed.push(self.hold(index, group)),
            }
        }
        let old: Vec<Booked> = old.iter().filter_map(|index| self.remove(*index)).collect();
        let passes: Vec<u32> = self.candidates[group]
            .iter()
            .filter(|index| alone(**index) && self.has_room(&grid.passes[**index as usize]))
            .copied()
            .collect();
        let task = Task {
            grid,
            antennas,
            passes: &passes,
            fixed: &fixed,
        };
        let mut columns = best_flow(&task, |pass, edge| {
            edge < pass.len && self.is_busy(pass.satellite, pass.first + edge)
        });
        columns.sort_by_key(|column| (hold(grid, *column, group).0, *column));
        let mut added = Vec::new();
        for column in columns {
            if !self.satellite_is_free(column) {
                continue;
            }
            if let Some(lanes) = self.free_lanes(column) {
                added.push(self.book(Booked {
                    column,
                    lanes,
                    frozen: false,
                }));
            }
        }
        if self.value > before + before.abs() * 1e-12 {
            return true;
        }
        for index in added {
            self.remove(index);
        }
        for booked in old {
            self.book(booked);
        }
        self.value = before;
        false
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
            .map(|booked| {
                (
                    hold(self.grid, booked.column, group).1 as u32,
                    booked.column,
                )
            })
            .collect();
        let list = &self.candidates[group];
        let mut upcoming = list.partition_point(|index| {
            self.grid.passes[*index as usize].first as i32 <= from - self.grid.longest as i32
        });
        for slot in from..=to {
            self.step(group, (from, to), slot, inertia.new, &mut memory);
            for (_, column) in kept.iter().filter(|(end, _)| *end as i32 == slot) {
                let start = hold(self.grid, *column, group).0;
                let worth =
                    memory.best[(start - from) as usize] + self.grid.value(*column) + inertia.kept;
                offer(&mut memory, (slot - from) as usize, worth, *column);
            }
            let place = (slot - from) as usize;
            let before = if place > 0 {
                memory.best[place - 1]
            } else {
                0.0
            };
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
            next_start: (pass.start_min..pass.len)
                .find(|a| !early(a))
                .unwrap_or(pass.len),
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
                let full = other
                    .is_some_and(|u| any(&blocked[u.group as usize], slot, pass.hold_end(u, b)));
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

    /// For the other groups that this one's passes hold: how many slots before each are full.
    fn blocked(&self, group: usize) -> Vec<Vec<u32>> {
        if self.partners[group].is_empty() {
            return Vec::new();
        }
        let mut blocked = vec![Vec::new(); self.lanes.len()];
        for other in &self.partners[group] {
            let count = self.grid.groups[*other].count;
            let mut full = 0;
            blocked[*other].push(0);
            for used in &self.used[*other] {
                full += u32::from(*used >= count);
                blocked[*other].push(full);
            }
        }
        blocked
    }
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
