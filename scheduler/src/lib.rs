//! Which satellite talks to which antenna when, what is uploaded in each window, and which orbital
//! node runs which job. Pure: time is an argument, and the same input gives the same plan.

pub mod interval;
pub mod job;
pub mod node;
pub mod plan;
pub mod rate;
pub mod upload;
