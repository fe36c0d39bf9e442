//! The schedule under construction: contacts on antennas, and what they leave free.

use std::collections::HashMap;

use super::grid::{Column, Grid, Pass};
use super::lane::Memory;
use super::opportunity::{Antennas, Band};

/// A contact and the antennas, numbered within their groups, that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Booked {
    pub(crate) column: Column,
    pub(crate) lanes: [u32; 2],
    /// Never moved: it starts too soon, or is under way.
    pub(crate) frozen: bool,
}

pub(crate) struct Schedule<'a> {
    pub(crate) grid: &'a Grid,
    /// By group and antenna the contacts, in order; each is in `booked`.
    pub(super) lanes: Vec<Vec<Vec<u32>>>,
    pub(super) booked: Vec<Option<Booked>>,
    spare: Vec<u32>,
    /// By group the passes that a new contact may use, in the order of their first slots.
    pub(super) candidates: Vec<Vec<u32>>,
    pub(super) partners: Vec<Vec<usize>>,
    /// By satellite and slot, 64 slots a word.
    busy: Vec<u64>,
    words: usize,
    /// By group and slot: antennas held.
    pub(super) used: Vec<Vec<u32>>,
    /// By satellite and day.
    contacts: Vec<u32>,
    pub(crate) value: f64,
    pub(super) memory: Memory,
}

impl<'a> Schedule<'a> {
    pub(crate) fn new(grid: &'a Grid) -> Self {
        let words = (grid.slots as usize).div_ceil(64);
        let lanes = |count: u32| vec![Vec::new(); count as usize];
        Self {
            grid,
            lanes: grid.groups.iter().map(|g| lanes(g.count)).collect(),
            booked: Vec::new(),
            spare: Vec::new(),
            candidates: grid.group_passes.clone(),
            partners: partners(grid),
            busy: vec![0; words * grid.satellite_count()],
            words,
            used: vec![vec![0; grid.slots as usize]; grid.groups.len()],
            contacts: vec![0; grid.satellite_count() * grid.days()],
            value: 0.0,
            memory: Memory::default(),
        }
    }

    /// Leaves passes out of improvement from now on.
    pub(crate) fn keep_candidates(&mut self, mut keep: impl FnMut(u32) -> bool) {
        for list in &mut self.candidates {
            list.retain(|pass| keep(*pass));
        }
    }

    pub(crate) fn booked(&self) -> impl Iterator<Item = &Booked> {
        self.booked.iter().flatten()
    }

    /// The groups' numbers by station and band.
    pub(crate) fn group_numbers(&self, antennas: &[Antennas]) -> HashMap<(u32, Band), usize> {
        // Groups are numbered in this order.
        let mut keys: Vec<(u32, Band)> = antennas
            .iter()
            .filter(|antennas| antennas.count > 0)
            .map(|antennas| (antennas.station, antennas.band))
            .collect();
        keys.sort_unstable();
        keys.into_iter().zip(0..self.grid.groups.len()).collect()
    }

    pub(super) fn pass(&self, column: Column) -> &'a Pass {
        &self.grid.passes[column.pass as usize]
    }

    pub(super) fn is_busy(&self, satellite: u32, slot: u32) -> bool {
        let word = self.busy[satellite as usize * self.words + slot as usize / 64];
        word >> (slot % 64) & 1 == 1
    }

    pub(super) fn count_place(&self, pass: &Pass, a: u32) -> usize {
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
    pub(super) fn hold(&self, index: u32, group: usize) -> (i32, i32) {
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

    /// Whether a satellite may start no more contacts on the day of an edge.
    pub(super) fn day_is_full(&self, pass: &Pass, a: u32) -> bool {
        self.grid
            .contacts_per_day_max
            .is_some_and(|max| self.contacts[self.count_place(pass, a)] >= max)
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

/// By group, the groups that some of its passes hold besides.
fn partners(grid: &Grid) -> Vec<Vec<usize>> {
    let mut partners = vec![Vec::new(); grid.groups.len()];
    for pass in grid.passes.iter().filter(|pass| pass.use_count == 2) {
        let [x, y] = [0, 1].map(|index| pass.uses[index].group as usize);
        for (one, other) in [(x, y), (y, x)] {
            if !partners[one].contains(&other) {
                partners[one].push(other);
            }
        }
    }
    partners
}
