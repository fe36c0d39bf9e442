//! A plan of contacts, and how it is made.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::grid::{Column, Grid};
use super::improve::{book_all, fill, improve, prune};
use super::opportunity::{Band, Opportunity, PlanError, PlanRequest, Unusable};
use super::price::descend;
use super::schedule::Schedule;
use super::state::ContactState;
use crate::interval::Interval;

/// One contact of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// The opportunity that it uses, or a part of it.
    pub opportunity: u64,
    /// The satellite's number.
    pub satellite: u32,
    /// The station's number.
    pub station: u32,
    /// The band.
    pub band: Band,
    /// The antenna, from 0, among the station's for this band.
    pub antenna: u32,
    /// When data may flow.
    pub interval: Interval,
    /// When the antenna is held: setup, contact, teardown, in whole slots.
    pub hold: Interval,
    /// Octets that the link carries if it works.
    pub octets: u64,
    /// Expected value: octets times weight, over clear and cloudy skies.
    pub value: f64,
    /// What is booked beside a laser.
    pub fallback: Option<FallbackBooking>,
    /// Where it is in its life.
    pub state: ContactState,
}

/// A radio contact that is booked beside a laser's, for the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallbackBooking {
    /// The opportunity.
    pub opportunity: u64,
    /// The band.
    pub band: Band,
    /// The antenna, from 0, among the station's for this band.
    pub antenna: u32,
    /// When the antenna is held.
    pub hold: Interval,
    /// Octets if the radio is used throughout.
    pub octets: u64,
}

/// An opportunity that was not considered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusedOpportunity {
    /// Its number.
    pub opportunity: u64,
    /// Why.
    #[serde(flatten)]
    pub reason: Unusable,
}

/// A contact plan with what it is worth, and what no plan can be worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactPlan {
    /// What was planned.
    pub window: Interval,
    /// The grid's slot in microseconds.
    pub slot: i64,
    /// In the order of time, station, band and antenna.
    pub contacts: Vec<Contact>,
    /// The sum of the contacts' values.
    pub value: f64,
    /// No plan on this grid is worth more.
    pub bound: f64,
    /// What was left out, and why.
    pub refused: Vec<RefusedOpportunity>,
    /// Prices of antenna time that prove the bound, a group after the other, slot by slot.
    #[serde(skip)]
    pub(crate) prices: Vec<f64>,
}

impl ContactPlan {
    /// How far the plan may be from the best one, as a part of the bound: 0 is proven best.
    pub fn gap(&self) -> f64 {
        if self.bound > 0.0 {
            ((self.bound - self.value) / self.bound).max(0.0)
        } else {
            0.0
        }
    }
}

/// Plans contacts.
///
/// The same request gives the same plan. An opportunity that cannot be used is named with its
/// reason in the plan; the rest is planned.
///
/// # Errors
/// A request whose rules contradict themselves, or that is too large for the grid.
pub fn plan_contacts(request: &PlanRequest) -> Result<ContactPlan, PlanError> {
    let (grid, refused) = Grid::new(request, &HashSet::new())?;
    let effort = request.effort;
    let mut found: (f64, Vec<Column>) = (0.0, Vec::new());
    let prices = descend(
        &grid,
        None,
        effort.iterations,
        effort.gap,
        |tolls, columns| {
            let (value, taken) = fill(&grid, tolls, columns);
            if value > found.0 {
                found = (value, taken);
            }
            found.0
        },
    );
    let mut schedule = Schedule::new(&grid);
    book_all(&mut schedule, found.1);
    prune(&mut schedule, &prices.values);
    improve(&mut schedule, &prices, effort.rounds, effort.gap);
    let mut plan = assemble(request, &schedule);
    plan.bound = prices.bound.max(plan.value);
    plan.prices = prices.values;
    plan.refused = refused
        .into_iter()
        .map(|(opportunity, reason)| RefusedOpportunity {
            opportunity,
            reason,
        })
        .collect();
    Ok(plan)
}

/// The schedule as a plan; bound and prices are the caller's.
pub(crate) fn assemble(request: &PlanRequest, schedule: &Schedule) -> ContactPlan {
    let grid = schedule.grid;
    let by_id: HashMap<u64, &Opportunity> = request
        .opportunities
        .iter()
        .filter(|opportunity| opportunity.fallback.is_none())
        .map(|opportunity| (opportunity.id, opportunity))
        .collect();
    let time = |slot: i32| grid.origin + i64::from(slot) * grid.slot;
    let mut contacts: Vec<Contact> = schedule
        .booked()
        .map(|booked| {
            let column = booked.column;
            let pass = &grid.passes[column.pass as usize];
            let opportunity = &request.opportunities[pass.opportunity as usize];
            let interval = grid.interval(column);
            let hold = |index: usize| {
                let held = &pass.uses()[index];
                let from = pass.hold_start(held, column.a);
                Interval::new(time(from), time(pass.hold_end(held, column.b)))
            };
            let fallback = opportunity.fallback.and_then(|id| by_id.get(&id));
            Contact {
                opportunity: opportunity.id,
                satellite: opportunity.satellite,
                station: opportunity.station,
                band: opportunity.band,
                antenna: booked.lanes[0],
                interval,
                hold: hold(0),
                octets: opportunity.rate.octets(interval),
                value: grid.value(column),
                fallback: fallback.map(|radio| FallbackBooking {
                    opportunity: radio.id,
                    band: radio.band,
                    antenna: booked.lanes[1],
                    hold: hold(1),
                    octets: radio.rate.octets(interval),
                }),
                state: ContactState::Scheduling,
            }
        })
        .collect();
    contacts.sort_by_key(|c| {
        (
            c.interval.start,
            c.station,
            c.band,
            c.antenna,
            c.opportunity,
        )
    });
    let value = contacts.iter().map(|contact| contact.value).sum();
    ContactPlan {
        window: request.window,
        slot: request.slot,
        contacts,
        value,
        bound: value,
        refused: Vec::new(),
        prices: Vec::new(),
    }
}
