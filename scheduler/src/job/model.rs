//! Jobs, what they need, and what becomes of them.

use serde::{Deserialize, Serialize};

use crate::interval::Interval;
use crate::node::Node;
use crate::rate::RateProfile;
use crate::upload::Piece;

/// A payload job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The caller's number; unique.
    pub id: u64,
    /// Octets that must be aboard before it runs.
    pub upload_octets: u64,
    /// Octets that come down after it has run.
    pub download_octets: u64,
    /// Memory while it runs.
    pub memory_octets: u64,
    /// Accelerators while it runs.
    pub accelerators: u32,
    /// Microseconds of work at a speed of 1.
    pub duration: i64,
    /// Power modes that it may run in, by name; all if empty.
    pub modes: Vec<String>,
    /// Microseconds of running between checkpoints: only there it may pause. Without it runs in
    /// one go.
    pub checkpoint: Option<i64>,
    /// Microseconds of running that going on from a checkpoint costs.
    pub restore: i64,
    /// Not before, UTC in microseconds.
    pub release: i64,
    /// Its last octet is on the ground by, UTC in microseconds.
    pub deadline: i64,
    /// What it is worth.
    pub value: f64,
    /// Nodes that may run it; all if empty.
    pub nodes: Vec<u32>,
    /// Labels that its node must have.
    pub labels: Vec<String>,
    /// Jobs that it builds on: on the same node it runs after they have run, on another after
    /// their results are on the ground.
    pub after: Vec<u64>,
}

/// A contact as jobs use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactWindow {
    /// The contact, by its opportunity's number.
    pub contact: u64,
    /// The satellite's number.
    pub satellite: u32,
    /// From when to when.
    pub interval: Interval,
    /// Octets to the satellite.
    pub uplink: RateProfile,
    /// Octets from the satellite.
    pub downlink: RateProfile,
}

/// What is to be planned.
#[derive(Clone, Copy, Debug)]
pub struct JobRequest<'a> {
    /// Jobs run in it, in whole minutes.
    pub window: Interval,
    /// The nodes.
    pub nodes: &'a [Node],
    /// The contacts.
    pub contacts: &'a [ContactWindow],
    /// The jobs.
    pub jobs: &'a [Job],
    /// How much may be simulated: bins of 60 s, all searches together.
    pub effort_bins: u64,
}

impl<'a> JobRequest<'a> {
    /// A request with the usual effort.
    pub fn new(
        window: Interval,
        nodes: &'a [Node],
        contacts: &'a [ContactWindow],
        jobs: &'a [Job],
    ) -> Self {
        Self {
            window,
            nodes,
            contacts,
            jobs,
            effort_bins: EFFORT_BINS,
        }
    }
}

/// A request that cannot be planned at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobRequestError {
    /// The window is too long.
    #[error("the window has {minutes} minutes, at most {MINUTES_MAX}: plan less time")]
    TooLong {
        /// How many.
        minutes: i64,
    },
    /// The window lies beyond what times can hold.
    #[error("the window from {start} to {end} us lies too far from 1970")]
    Window {
        /// Its start.
        start: i64,
        /// Its end.
        end: i64,
    },
    /// A node's numbers make no sense.
    #[error("node {node}: {what} is out of range")]
    Node {
        /// Its number.
        node: u32,
        /// What is wrong.
        what: &'static str,
    },
    /// Two nodes have one number.
    #[error("two nodes have the number {node}")]
    RepeatedNode {
        /// The number.
        node: u32,
    },
}

/// A job in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobPlan {
    /// The job's number.
    pub job: u64,
    /// The node that runs it.
    pub node: u32,
    /// The power mode, by name.
    pub mode: String,
    /// What goes up when.
    pub upload: Vec<Piece>,
    /// When it runs; between two of them it waits at a checkpoint.
    pub run: Vec<Interval>,
    /// What comes down when.
    pub download: Vec<Piece>,
    /// When its last octet is down.
    pub finish: i64,
    /// What it is worth.
    pub value: f64,
}

/// A job that has no place, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusedJob {
    /// Its number.
    pub job: u64,
    /// Why.
    #[serde(flatten)]
    pub reason: JobRefusal,
}

/// Why a job has no place. Where several nodes were tried it is what stood in the way on the node
/// that came nearest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum JobRefusal {
    /// Another job has its number.
    #[error("another job has its number")]
    Repeated,
    /// A number of it makes no sense.
    #[error("its {what} is out of range")]
    Invalid {
        /// Which.
        what: String,
    },
    /// It builds on a job that is not there.
    #[error("it builds on job {on}, which is not there")]
    Unknown {
        /// That job.
        on: u64,
    },
    /// It is part of a circle of jobs that build on each other.
    #[error("it is part of a circle: {cycle:?}")]
    Cycle {
        /// The jobs of the circle, each building on the one before, the first on the last; of a
        /// long circle the first 32.
        cycle: Vec<u64>,
    },
    /// It builds on a job that has no place.
    #[error("it builds on job {on}, which is not planned")]
    Predecessor {
        /// That job.
        on: u64,
    },
    /// Its deadline is before anything could be done.
    #[error("there is no time between its release and its deadline within the plan")]
    Deadline,
    /// No node fits what it asks for.
    #[error(
        "no node has its labels, {accelerators} accelerators, {memory_octets} octets of memory and one of its power modes"
    )]
    NoNode {
        /// Accelerators asked for.
        accelerators: u32,
        /// Memory asked for.
        memory_octets: u64,
    },
    /// Its upload cannot be aboard in time.
    #[error("node {node}: of {needed} octets to go up, {available} can by the deadline")]
    Upload {
        /// The node.
        node: u32,
        /// Octets.
        needed: u64,
        /// Octets that the contacts still carry.
        available: u64,
    },
    /// Its download cannot be down in time.
    #[error("node {node}: of {needed} octets to come down, {available} can by the deadline")]
    Download {
        /// The node.
        node: u32,
        /// Octets.
        needed: u64,
        /// Octets that the contacts still carry.
        available: u64,
    },
    /// Accelerators or memory are taken, or the time is too short.
    #[error("node {node}: accelerators and memory are not free for long enough")]
    Busy {
        /// The node.
        node: u32,
    },
    /// The battery would be too low.
    #[error("node {node}: the state of charge would fall to {state_of_charge:.3}")]
    Charge {
        /// The node.
        node: u32,
        /// The state of charge, 0 to 1.
        state_of_charge: f64,
    },
    /// The battery would be discharged too deeply.
    #[error("node {node}: the depth of discharge would reach {depth:.3}")]
    Discharge {
        /// The node.
        node: u32,
        /// The depth, 0 to 1.
        depth: f64,
    },
    /// The radiator would be too hot.
    #[error("node {node}: the radiator would reach {kelvin:.1} K")]
    Temperature {
        /// The node.
        node: u32,
        /// The temperature.
        kelvin: f64,
    },
    /// The search was ended before a place was found.
    #[error("the effort that was allowed is spent: allow more, or plan fewer jobs at a time")]
    Effort,
}

/// A plan of jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobsPlan {
    /// What was planned.
    pub window: Interval,
    /// In the order of their numbers.
    pub jobs: Vec<JobPlan>,
    /// Jobs without a place, in the order of the request.
    pub refused: Vec<RefusedJob>,
    /// The sum of the jobs' values.
    pub value: f64,
}

/// The most minutes of a plan.
pub const MINUTES_MAX: i64 = 100_000;
/// Bins that a plan may simulate: some seconds' work.
const EFFORT_BINS: u64 = 50_000_000;
