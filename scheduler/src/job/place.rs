//! Placing jobs on nodes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::links::Link;
use super::model::{
    Job, JobPlan, JobRefusal, JobRequest, JobRequestError, JobsPlan, MINUTES_MAX, RefusedJob,
};
use super::order::order;
use super::run::{allows, joined, runs, shape};
use super::slots::{Obstacle, Shape, Slots};
use crate::interval::Interval;
use crate::node::{BIN, Bins, Limit, check_node};
use crate::upload::Piece;

/// Plans jobs.
///
/// The same request gives the same plan. A job without a place is named with its reason; the rest
/// is planned.
///
/// # Errors
/// A window that is too long, or a node whose numbers make no sense.
pub fn plan_jobs(request: &JobRequest) -> Result<JobsPlan, JobRequestError> {
    let mut board = Board::new(request)?;
    let (order, refused) = order(request.jobs);
    let mut outcome = Outcome::new(refused);
    for index in order {
        let placed = board.place(&request.jobs[index], request.window.start, &outcome.placed);
        outcome.note(request.jobs, index, placed);
    }
    Ok(outcome.plan(request))
}

/// Jobs that are placed, and those that are not.
pub(crate) struct Outcome {
    pub(crate) placed: HashMap<u64, JobPlan>,
    refused: BTreeMap<usize, JobRefusal>,
}

impl Outcome {
    pub(crate) fn new(refused: Vec<(usize, JobRefusal)>) -> Self {
        Self {
            placed: HashMap::new(),
            refused: refused.into_iter().collect(),
        }
    }

    pub(crate) fn note(&mut self, jobs: &[Job], index: usize, placed: Result<JobPlan, JobRefusal>) {
        match placed {
            Ok(plan) => {
                self.placed.insert(jobs[index].id, plan);
            }
            Err(reason) => {
                self.refused.insert(index, reason);
            }
        }
    }

    pub(crate) fn plan(self, request: &JobRequest) -> JobsPlan {
        let mut jobs: Vec<JobPlan> = self.placed.into_values().collect();
        jobs.sort_by_key(|plan| plan.job);
        JobsPlan {
            window: request.window,
            value: jobs.iter().map(|plan| plan.value).sum(),
            jobs,
            refused: self
                .refused
                .into_iter()
                .map(|(index, reason)| RefusedJob {
                    job: request.jobs[index].id,
                    reason,
                })
                .collect(),
        }
    }
}

/// All nodes and contacts with what they still bear.
pub(crate) struct Board<'a> {
    request: &'a JobRequest<'a>,
    pub(crate) nodes: Vec<Slots<'a>>,
    /// The least loaded first.
    by_load: BTreeSet<(u64, usize)>,
    numbers: HashMap<u32, usize>,
    uplinks: HashMap<u32, Link>,
    downlinks: HashMap<u32, Link>,
    effort: u64,
}

/// A place that was found, not taken yet.
struct Place {
    upload: Vec<Piece>,
    runs: Vec<(usize, Shape)>,
    download: Vec<Piece>,
    finish: i64,
    mode: usize,
}

impl<'a> Board<'a> {
    pub(crate) fn new(request: &'a JobRequest<'a>) -> Result<Self, JobRequestError> {
        let window = request.window;
        let far = i64::MAX / 8;
        if window.start < -far || window.end > far {
            return Err(JobRequestError::Window {
                start: window.start,
                end: window.end,
            });
        }
        let minutes = window.duration() / BIN;
        if minutes > MINUTES_MAX {
            return Err(JobRequestError::TooLong { minutes });
        }
        // Bins begin within the window.
        let first = (window.start + BIN - 1).div_euclid(BIN) * BIN;
        let whole = Interval::new(first, window.end.max(first));
        let mut board = Self {
            request,
            nodes: Vec::with_capacity(request.nodes.len()),
            by_load: BTreeSet::new(),
            numbers: HashMap::new(),
            uplinks: HashMap::new(),
            downlinks: HashMap::new(),
            effort: request.effort_bins,
        };
        for (index, node) in request.nodes.iter().enumerate() {
            if let Some(what) = check_node(node) {
                return Err(JobRequestError::Node {
                    node: node.id,
                    what,
                });
            }
            if board.numbers.insert(node.id, index).is_some() {
                return Err(JobRequestError::RepeatedNode { node: node.id });
            }
            board.nodes.push(Slots::new(node, Bins::new(node, whole)));
            board.by_load.insert((0, index));
        }
        let mut ways: BTreeMap<u32, [Vec<_>; 2]> = BTreeMap::new();
        for contact in request.contacts {
            let [up, down] = ways.entry(contact.satellite).or_default();
            let interval = contact.interval.intersection(&window);
            up.push((contact.contact, interval, contact.uplink.clone()));
            down.push((contact.contact, interval, contact.downlink.clone()));
        }
        for (satellite, [up, down]) in ways {
            board.uplinks.insert(satellite, Link::new(up));
            board.downlinks.insert(satellite, Link::new(down));
        }
        for node in request.nodes {
            for links in [&mut board.uplinks, &mut board.downlinks] {
                let none = || Link::new(Vec::new());
                links.entry(node.satellite).or_insert_with(none);
            }
        }
        Ok(board)
    }

    /// Finds a job its place, not before a moment, and takes it.
    pub(crate) fn place(
        &mut self,
        job: &Job,
        not_before: i64,
        placed: &HashMap<u64, JobPlan>,
    ) -> Result<JobPlan, JobRefusal> {
        if let Some(on) = job.after.iter().find(|on| !placed.contains_key(on)) {
            return Err(JobRefusal::Predecessor { on: *on });
        }
        let release = job.release.max(not_before).max(self.request.window.start);
        let deadline = job.deadline.min(self.request.window.end);
        if release >= deadline {
            return Err(JobRefusal::Deadline);
        }
        let candidates: Vec<usize> = if job.nodes.is_empty() {
            self.by_load.iter().map(|(_, index)| *index).collect()
        } else {
            let mut named: Vec<(u64, usize)> = job
                .nodes
                .iter()
                .filter_map(|number| self.numbers.get(number))
                .map(|index| (self.nodes[*index].taken, *index))
                .collect();
            named.sort_unstable();
            named.dedup();
            named.into_iter().map(|(_, index)| index).collect()
        };
        let mut nearest: Option<(u32, JobRefusal)> = None;
        let mut best: Option<(i64, usize, Place)> = None;
        let (mut tried, mut feasible) = (0, 0);
        for index in candidates {
            if !self.suits(job, index) {
                continue;
            }
            tried += 1;
            match self.try_node(job, index, release, deadline, placed) {
                Ok(place) => {
                    feasible += 1;
                    if best
                        .as_ref()
                        .is_none_or(|(finish, ..)| place.finish < *finish)
                    {
                        best = Some((place.finish, index, place));
                    }
                }
                Err(reason) => {
                    let stage = stage(&reason);
                    if nearest.as_ref().is_none_or(|(far, _)| stage > *far) {
                        nearest = Some((stage, reason));
                    }
                }
            }
            if feasible >= FEASIBLE_MAX || tried >= TRIED_MAX {
                break;
            }
        }
        let Some((_, index, place)) = best else {
            let none = JobRefusal::NoNode {
                accelerators: job.accelerators,
                memory_octets: job.memory_octets,
            };
            return Err(nearest.map_or(none, |(_, reason)| reason));
        };
        Ok(self.take(job, index, place))
    }

    fn suits(&self, job: &Job, index: usize) -> bool {
        let node = self.nodes[index].node;
        node.accelerators >= job.accelerators
            && node.memory_octets >= job.memory_octets
            && job.labels.iter().all(|label| node.labels.contains(label))
            && node.modes.iter().any(|mode| allows(job, mode))
    }

    fn try_node(
        &mut self,
        job: &Job,
        index: usize,
        release: i64,
        deadline: i64,
        placed: &HashMap<u64, JobPlan>,
    ) -> Result<Place, JobRefusal> {
        let node = self.nodes[index].node;
        let (up, down) = (
            &self.uplinks[&node.satellite],
            &self.downlinks[&node.satellite],
        );
        let (upload, aboard) =
            up.find(job.upload_octets, release, deadline)
                .map_err(|available| JobRefusal::Upload {
                    node: node.id,
                    needed: job.upload_octets,
                    available,
                })?;
        let ready = job
            .after
            .iter()
            .filter_map(|on| placed.get(on))
            .map(|before| match before.run.last() {
                Some(run) if before.node == node.id => run.end,
                _ => before.finish,
            })
            .fold(aboard, i64::max);
        let short = |available| JobRefusal::Download {
            node: node.id,
            needed: job.download_octets,
            available,
        };
        let Some(latest) = down.latest(job.download_octets, deadline) else {
            let carried = down.find(job.download_octets, ready, deadline);
            return Err(short(carried.err().unwrap_or(0)));
        };
        let slots = &mut self.nodes[index];
        let (from, to) = (slots.bins.after(ready), slots.bins.before(latest));
        let mut modes: Vec<usize> = (0..node.modes.len())
            .filter(|mode| allows(job, &node.modes[*mode]))
            .collect();
        modes.sort_by(|x, y| node.modes[*y].speed.total_cmp(&node.modes[*x].speed));
        let mut obstacle = Obstacle::Busy;
        for mode in modes {
            match runs(job, slots, mode, (from, to), &mut self.effort) {
                Ok(runs) => {
                    let end = runs
                        .last()
                        .map_or(from, |(start, shape)| start + shape.bins);
                    let end = slots.bins.time(end);
                    let down = &self.downlinks[&node.satellite];
                    let (download, finish) = down
                        .find(job.download_octets, end, deadline)
                        .map_err(short)?;
                    return Ok(Place {
                        upload,
                        runs,
                        download,
                        finish,
                        mode,
                    });
                }
                // The slowest mode draws least: what stands in its way is what counts.
                Err(in_the_way) => obstacle = in_the_way,
            }
        }
        Err(refusal(node.id, obstacle))
    }

    fn take(&mut self, job: &Job, index: usize, place: Place) -> JobPlan {
        let node = self.nodes[index].node;
        if let Some(link) = self.uplinks.get_mut(&node.satellite) {
            link.take(&place.upload);
        }
        if let Some(link) = self.downlinks.get_mut(&node.satellite) {
            link.take(&place.download);
        }
        self.by_load.remove(&(self.nodes[index].taken, index));
        let slots = &mut self.nodes[index];
        for (start, shape) in &place.runs {
            slots.take(shape, *start);
        }
        self.by_load.insert((slots.taken, index));
        JobPlan {
            job: job.id,
            node: node.id,
            mode: node.modes[place.mode].name.clone(),
            upload: place.upload,
            run: joined(slots, &place.runs),
            download: place.download,
            finish: place.finish,
            value: job.value,
        }
    }

    /// Takes the place that a job had, with runs that may have changed; false if it cannot.
    pub(crate) fn take_again(&mut self, job: &Job, plan: &JobPlan) -> bool {
        let Some(index) = self.numbers.get(&plan.node).copied() else {
            return false;
        };
        let node = self.nodes[index].node;
        let mode = node.modes.iter().find(|mode| mode.name == plan.mode);
        let Some(mode) = mode.filter(|_| self.suits(job, index)) else {
            return false;
        };
        let slots = &mut self.nodes[index];
        let mut taken = Vec::new();
        for run in &plan.run {
            let (from, to) = (slots.bins.after(run.start), slots.bins.after(run.end));
            let shape = Shape {
                bins: to.saturating_sub(from),
                ..shape(job, mode)
            };
            if slots.bins.time(from) != run.start || !slots.fits(&shape, from, &mut self.effort) {
                break;
            }
            slots.take(&shape, from);
            taken.push((from, shape));
        }
        let satellite = node.satellite;
        let good = taken.len() == plan.run.len()
            && self
                .uplinks
                .get_mut(&satellite)
                .is_some_and(|l| l.take(&plan.upload));
        let good = good && {
            let down = self.downlinks.get_mut(&satellite);
            let good = down.is_some_and(|link| link.take(&plan.download));
            if let Some(link) = self.uplinks.get_mut(&satellite).filter(|_| !good) {
                plan.upload.iter().for_each(|piece| link.give_back(piece));
            }
            good
        };
        let slots = &mut self.nodes[index];
        let before: u64 = taken
            .iter()
            .map(|(_, s)| u64::from(s.accelerators) * s.bins as u64)
            .sum();
        self.by_load.remove(&(slots.taken - before, index));
        if !good {
            for (start, shape) in taken.iter().rev() {
                slots.give_back(shape, *start);
            }
            slots.forget_failures(0);
        }
        self.by_load.insert((slots.taken, index));
        good
    }

    /// Gives back the place of a job.
    pub(crate) fn give_back(&mut self, job: &Job, plan: &JobPlan) {
        let Some(index) = self.numbers.get(&plan.node).copied() else {
            return;
        };
        let node = self.nodes[index].node;
        let Some(mode) = node.modes.iter().find(|mode| mode.name == plan.mode) else {
            return;
        };
        if let Some(link) = self.uplinks.get_mut(&node.satellite) {
            plan.upload.iter().for_each(|piece| link.give_back(piece));
        }
        if let Some(link) = self.downlinks.get_mut(&node.satellite) {
            plan.download.iter().for_each(|piece| link.give_back(piece));
        }
        self.by_load.remove(&(self.nodes[index].taken, index));
        let slots = &mut self.nodes[index];
        for run in plan.run.iter().rev() {
            let (from, to) = (slots.bins.after(run.start), slots.bins.after(run.end));
            let shape = Shape {
                bins: to - from,
                ..shape(job, mode)
            };
            slots.give_back(&shape, from);
        }
        slots.forget_failures(0);
        self.by_load.insert((slots.taken, index));
    }

    /// The earliest download of a job on its node after a moment.
    pub(crate) fn download(&self, job: &Job, node: u32, from: i64) -> Option<(Vec<Piece>, i64)> {
        let node = self.nodes[*self.numbers.get(&node)?].node;
        let deadline = job.deadline.min(self.request.window.end);
        let down = self.downlinks.get(&node.satellite)?;
        down.find(job.download_octets, from, deadline).ok()
    }
}

fn refusal(node: u32, obstacle: Obstacle) -> JobRefusal {
    match obstacle {
        Obstacle::Busy => JobRefusal::Busy { node },
        Obstacle::Effort => JobRefusal::Effort,
        Obstacle::Limit(Limit::Charge {
            state_of_charge, ..
        }) => JobRefusal::Charge {
            node,
            state_of_charge,
        },
        Obstacle::Limit(Limit::Discharge { depth, .. }) => JobRefusal::Discharge { node, depth },
        Obstacle::Limit(Limit::Temperature { kelvin, .. }) => {
            JobRefusal::Temperature { node, kelvin }
        }
    }
}

/// How far a job came on a node.
fn stage(reason: &JobRefusal) -> u32 {
    match reason {
        JobRefusal::Upload { .. } => 1,
        JobRefusal::Download { .. } => 2,
        JobRefusal::Busy { .. } => 3,
        _ => 4,
    }
}

/// Nodes with a place among which the earliest is taken.
const FEASIBLE_MAX: u32 = 4;
/// Nodes that are tried, the least loaded first.
const TRIED_MAX: u32 = 256;
