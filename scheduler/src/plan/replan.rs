//! A plan again after something happened: what is near stays frozen, what must change changes.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::contact::{Contact, ContactPlan, RefusedOpportunity, assemble};
use super::diff::{PlanDiff, same};
use super::grid::{Column, Grid};
use super::improve::fill;
use super::lane::Inertia;
use super::opportunity::{PlanError, PlanRequest};
use super::price::{bound, descend};
use super::satellite::{Scratch, Tolls};
use super::schedule::{Booked, Schedule};
use super::state::ContactState;

/// What happened, and when.
#[derive(Clone, Debug)]
pub struct ReplanRequest<'a> {
    /// What is to be planned now, with what has changed: passes, antennas that are closed,
    /// satellites that are unavailable. Window and slot are those of the plan before.
    pub request: PlanRequest<'a>,
    /// The plan before.
    pub previous: &'a ContactPlan,
    /// Opportunities that cannot be used any more, as after a failed pass.
    pub failed: &'a [u64],
    /// UTC in microseconds.
    pub now: i64,
    /// Contacts whose setup begins within so many microseconds from now stay as they are.
    pub lead: i64,
    /// What a contact that appears or disappears costs, as a part of the mean contact's value.
    pub churn_penalty: f64,
}

/// A plan again, and what it costs in changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replanned {
    /// The plan from now on, with the contacts before now.
    pub plan: ContactPlan,
    /// What changed.
    pub churn: Churn,
}

/// How much a plan was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Churn {
    /// Contacts of the plan before.
    pub contacts: usize,
    /// Those that were too near to be touched.
    pub frozen: usize,
    /// Those that could not stay: changes that had to be.
    pub forced: usize,
    /// The changes.
    pub diff: PlanDiff,
}

impl Churn {
    /// Changed contacts as a part of the plan before.
    pub fn rate(&self) -> f64 {
        self.diff.changes() as f64 / self.contacts.max(1) as f64
    }
}

/// Plans again.
///
/// Contacts that can stay do, on their antennas, unless another use of the same antenna gains more
/// than the churn costs. New contacts fill what was freed, and serve the satellites that lost one.
///
/// # Errors
/// A request whose rules contradict themselves, or that is too large for the grid.
pub fn replan_contacts(replan: &ReplanRequest) -> Result<Replanned, PlanError> {
    let request = &replan.request;
    let mut failed: HashSet<u64> = replan.failed.iter().copied().collect();
    let given_up = replan.previous.contacts.iter().filter(|contact| {
        matches!(
            contact.state,
            ContactState::Failed | ContactState::Cancelled
        )
    });
    failed.extend(given_up.map(|contact| contact.opportunity));
    let (grid, refused) = Grid::new(request, &failed)?;
    let near = replan.now.saturating_add(replan.lead);
    let mut schedule = Schedule::new(&grid);
    let (frozen, lost) = keep(&mut schedule, replan, near);
    repair(&mut schedule, replan, &lost, near);
    let mut plan = assemble(request, &schedule);
    carry_states(&mut plan, replan.previous);
    let (limit, prices) = limit(&grid, replan);
    plan.bound = limit.max(plan.value);
    plan.prices = prices;
    plan.refused = refused
        .into_iter()
        .map(|(opportunity, reason)| RefusedOpportunity {
            opportunity,
            reason,
        })
        .collect();
    let churn = Churn {
        contacts: replan.previous.contacts.len(),
        frozen,
        forced: lost.len(),
        diff: PlanDiff::new(replan.previous, &plan),
    };
    Ok(Replanned { plan, churn })
}

/// Books what can stay; returns how many of them are frozen, and what cannot stay.
fn keep<'a>(
    schedule: &mut Schedule,
    replan: &ReplanRequest<'a>,
    near: i64,
) -> (usize, Vec<&'a Contact>) {
    let grid = schedule.grid;
    let numbers: HashMap<u64, u32> = replan
        .request
        .opportunities
        .iter()
        .enumerate()
        .map(|(index, opportunity)| (opportunity.id, index as u32))
        .collect();
    let mut passes: HashMap<u32, Vec<u32>> = HashMap::with_capacity(grid.passes.len());
    for (index, pass) in grid.passes.iter().enumerate() {
        passes
            .entry(pass.opportunity)
            .or_default()
            .push(index as u32);
    }
    let (mut frozen, mut lost) = (0, Vec::new());
    for contact in &replan.previous.contacts {
        let booked = numbers
            .get(&contact.opportunity)
            .and_then(|number| passes.get(number))
            .and_then(|list| list.iter().find_map(|pass| column(grid, *pass, contact)))
            .map(|column| Booked {
                column,
                lanes: [
                    contact.antenna,
                    contact.fallback.as_ref().map_or(0, |f| f.antenna),
                ],
                frozen: contact.hold.start < near,
            });
        match booked.filter(|booked| is_free(schedule, booked)) {
            Some(booked) => {
                frozen += usize::from(booked.frozen);
                schedule.book(booked);
            }
            None => lost.push(contact),
        }
    }
    (frozen, lost)
}

/// A contact of the plan before on the grid, if it still is just that.
fn column(grid: &Grid, index: u32, contact: &Contact) -> Option<Column> {
    let pass = &grid.passes[index as usize];
    let edge = |time: i64| ((time - grid.origin).div_euclid(grid.slot)) - i64::from(pass.first);
    let a = edge(contact.interval.start);
    let b = edge(contact.interval.end + grid.slot - 1);
    let (a, b) = (u32::try_from(a).ok()?, u32::try_from(b).ok()?);
    if a < pass.start_min || b > pass.end_max || a >= b || pass.start_limit(b) < a as i32 {
        return None;
    }
    let column = Column { pass: index, a, b };
    let time = |slot: i32| grid.origin + i64::from(slot) * grid.slot;
    let held = &pass.uses()[0];
    let hold = (time(pass.hold_start(held, a)), time(pass.hold_end(held, b)));
    let same = grid.interval(column) == contact.interval
        && hold == (contact.hold.start, contact.hold.end)
        && (pass.use_count == 2) == contact.fallback.is_some();
    same.then_some(column)
}

fn is_free(schedule: &Schedule, booked: &Booked) -> bool {
    let grid = schedule.grid;
    let pass = &grid.passes[booked.column.pass as usize];
    schedule.satellite_is_free(booked.column)
        && pass.uses().iter().zip(booked.lanes).all(|(held, lane)| {
            let span = (
                pass.hold_start(held, booked.column.a),
                pass.hold_end(held, booked.column.b),
            );
            let group = held.group as usize;
            lane < grid.groups[group].count && schedule.lane_is_free(group, lane as usize, span)
        })
}

/// Uses freed antennas anew, and looks for other contacts of the satellites that lost one.
fn repair(schedule: &mut Schedule, replan: &ReplanRequest, lost: &[&Contact], near: i64) {
    let grid = schedule.grid;
    let from = slot_after(grid, near);
    let contacts = &replan.previous.contacts;
    let mean = contacts.iter().map(|c| c.value).sum::<f64>() / contacts.len().max(1) as f64;
    let cost = (mean * replan.churn_penalty).max(0.0);
    let inertia = Inertia {
        new: cost,
        kept: cost,
    };
    let all = (from, grid.slots as i32);
    if lost.len() > LOST_MAX {
        for group in 0..grid.groups.len() {
            for lane in 0..grid.groups[group].count as usize {
                schedule.improve(group, lane, all, inertia);
            }
        }
        return;
    }
    let groups: HashMap<_, _> = schedule.group_numbers(replan.request.antennas);
    for contact in lost {
        let mut holds = vec![(contact.band, contact.antenna, contact.hold)];
        if let Some(f) = &contact.fallback {
            holds.push((f.band, f.antenna, f.hold));
        }
        for (band, antenna, hold) in holds {
            let Some(group) = groups.get(&(contact.station, band)) else {
                continue;
            };
            if antenna >= grid.groups[*group].count {
                continue;
            }
            // Neighbours may take a part of what was freed.
            let margin = grid.longest as i32;
            let span = (
                (slot_after(grid, hold.start) - margin).max(from),
                slot_after(grid, hold.end) + margin,
            );
            schedule.improve(*group, antenna as usize, span, inertia);
        }
    }
    let mut satellites: Vec<u32> = lost.iter().map(|contact| contact.satellite).collect();
    satellites.sort_unstable();
    satellites.dedup();
    for (index, pass) in grid.passes.iter().enumerate() {
        let number = replan.request.opportunities[pass.opportunity as usize].satellite;
        if (pass.first + pass.len) as i32 <= from || satellites.binary_search(&number).is_err() {
            continue;
        }
        let held = &pass.uses()[0];
        let span = (
            pass.hold_start(held, 0).max(from),
            pass.hold_end(held, pass.len),
        );
        let group = held.group as usize;
        for lane in 0..grid.groups[group].count as usize {
            // One contact more is sought, of this satellite, where an antenna is free.
            schedule.insert_best(index as u32, group, lane, span, inertia.new);
        }
    }
}

fn slot_after(grid: &Grid, time: i64) -> i32 {
    let slot = (time
        .saturating_sub(grid.origin)
        .saturating_add(grid.slot - 1))
    .div_euclid(grid.slot);
    slot.clamp(0, i64::from(grid.slots)) as i32
}

fn carry_states(plan: &mut ContactPlan, previous: &ContactPlan) {
    let mut before: HashMap<u64, Vec<&Contact>> = HashMap::new();
    for contact in &previous.contacts {
        before.entry(contact.opportunity).or_default().push(contact);
    }
    for contact in &mut plan.contacts {
        let old = before
            .get(&contact.opportunity)
            .and_then(|list| list.iter().find(|old| same(old, contact)));
        if let Some(old) = old {
            contact.state = old.state;
        }
    }
}

/// The bound at the old plan's prices, which hold for any plan; new prices where it has none.
fn limit(grid: &Grid, replan: &ReplanRequest) -> (f64, Vec<f64>) {
    let old = &replan.previous.prices;
    if old.len() == grid.groups.len() * grid.slots as usize {
        let mut tolls = Tolls::new(grid.groups.len(), grid.slots);
        let (mut scratch, mut columns) = (Scratch::default(), Vec::new());
        let bound = bound(grid, old, &mut tolls, &mut scratch, &mut columns);
        return (bound, old.clone());
    }
    let effort = replan.request.effort;
    let prices = descend(
        grid,
        None,
        effort.iterations,
        effort.gap,
        |tolls, columns| fill(grid, tolls, columns).0,
    );
    (prices.bound, prices.values)
}

/// With more lost contacts than this, all antennas are used anew at once.
const LOST_MAX: usize = 64;
