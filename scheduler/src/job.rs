//! Payload jobs: upload, run, download, on nodes whose battery and radiator bear it.
//!
//! Jobs are placed one after the other, what is worth most for its accelerators' time first, after
//! the jobs that it builds on. A job's place is the earliest that its contacts, the node's
//! accelerators and memory, and the node's energy and temperature, simulated forward, allow.

mod links;
mod model;
mod order;
mod place;
mod replan;
mod run;
mod slots;

pub use model::{
    ContactWindow, Job, JobPlan, JobRefusal, JobRequest, JobRequestError, JobsPlan, MINUTES_MAX,
    RefusedJob,
};
pub use place::plan_jobs;
pub use replan::{JobChurn, JobReplanRequest, Overrun, ReplannedJobs, replan_jobs};

#[cfg(test)]
mod tests;
