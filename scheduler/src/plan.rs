//! The contact plan: which satellite talks to which antenna when.
//!
//! Antennas of one station and band are interchangeable, and time is cut into slots. A contact is
//! a stretch of a pass; it holds an antenna from its setup to its teardown, in whole slots. A
//! satellite has one contact at a time. The plan with the greatest value, octets times weight, is
//! sought:
//!
//! 1. prices: each slot of each group of antennas gets a price, and each satellite chooses its
//!    best contacts at these prices, exactly; what they gain bounds any plan from above;
//! 2. schedule: the satellites' choices enter the plan by what they gain, as antennas allow;
//! 3. improvement: one antenna after the other is used anew, exactly, while all others stay.

mod contact;
mod diff;
mod export;
mod flow;
mod grid;
mod improve;
mod lane;
mod opportunity;
mod price;
mod replan;
mod satellite;
mod schedule;
mod state;
mod utc;

pub use contact::{Contact, ContactPlan, FallbackBooking, RefusedOpportunity, plan_contacts};
pub use diff::PlanDiff;
pub use export::{Names, Numbers, simple_schedule, timeline};
pub use opportunity::{
    ANTENNAS_MAX, Antennas, Band, Effort, Opportunity, PlanError, PlanRequest, SLOTS_MAX,
    Unavailable, Unusable, VALUES_MAX,
};
pub use replan::{Churn, ReplanRequest, Replanned, replan_contacts};
pub use state::{ContactEvent, ContactState, ContactStateError};
