//! Which satellite talks to which antenna when, what is uploaded in each window, and which orbital
//! node runs which job. Pure: time is an argument, and the same input gives the same plan.
//!
//! The order is the data path's: an [`orbit`] is propagated and turned into the Earth's [`frame`],
//! where a [`station`] sees a [`pass`]; the Sun gives an [`eclipse`]; terminals make a pass a
//! [`link`]. A [`plan`] gives antennas to passes, an [`upload`] is split over the contacts, and a
//! [`job`] is placed on a [`node`]. [`constellation`] makes orbits that no file has.

pub mod constellation;
pub mod eclipse;
pub mod frame;
pub mod interval;
pub mod job;
pub mod link;
pub mod node;
pub mod orbit;
pub mod pass;
pub mod plan;
pub mod rate;
pub mod station;
pub mod upload;
pub mod window;

mod vector;
