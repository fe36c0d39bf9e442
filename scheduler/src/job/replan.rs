//! Jobs again after something happened: what can stay does.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::model::{Job, JobPlan, JobRequest, JobRequestError, JobsPlan};
use super::order::order;
use super::place::{Board, Outcome};
use crate::node::BIN;

/// A job that runs longer than planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrun {
    /// Its number.
    pub job: u64,
    /// By how many microseconds.
    pub by: i64,
}

/// What happened, and when.
#[derive(Clone, Debug)]
pub struct JobReplanRequest<'a> {
    /// What is to be planned now, with what has changed: nodes in safe mode, contacts that failed,
    /// new jobs. The window is that of the plan before.
    pub request: JobRequest<'a>,
    /// The plan before.
    pub previous: &'a JobsPlan,
    /// Jobs that run longer.
    pub overruns: &'a [Overrun],
    /// UTC in microseconds.
    pub now: i64,
    /// What moves, moves to no earlier than so many microseconds from now.
    pub lead: i64,
}

/// How much a plan of jobs was changed, by the jobs' numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobChurn {
    /// Jobs in the place that they had.
    pub kept: usize,
    /// Jobs that have begun, or begin too soon to be moved, and are as they were.
    pub frozen: usize,
    /// Jobs in another place.
    pub moved: Vec<u64>,
    /// Jobs that had a place and have none.
    pub dropped: Vec<u64>,
    /// Jobs that had none.
    pub added: Vec<u64>,
}

/// A plan of jobs again, and what it costs in changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplannedJobs {
    /// The plan.
    pub plan: JobsPlan,
    /// What changed.
    pub churn: JobChurn,
}

/// Plans jobs again: what overruns first, then what has begun, then what can stay, then the rest.
///
/// # Errors
/// A window that is too long, or a node whose numbers make no sense.
pub fn replan_jobs(replan: &JobReplanRequest) -> Result<ReplannedJobs, JobRequestError> {
    let request = &replan.request;
    let mut board = Board::new(request)?;
    let (order, refused) = order(request.jobs);
    let mut outcome = Outcome::new(refused);
    let near = replan.now.saturating_add(replan.lead);
    let before: HashMap<u64, &JobPlan> = replan
        .previous
        .jobs
        .iter()
        .map(|plan| (plan.job, plan))
        .collect();
    let overruns: HashMap<u64, i64> = replan.overruns.iter().map(|o| (o.job, o.by)).collect();
    let rank = |index: &usize| {
        let id = request.jobs[*index].id;
        let started = before.get(&id).is_some_and(|plan| begins(plan) < near);
        (!overruns.contains_key(&id), !started)
    };
    let mut staying: Vec<usize> = order
        .iter()
        .filter(|index| before.contains_key(&request.jobs[**index].id))
        .copied()
        .collect();
    staying.sort_by_key(rank);
    let mut kept: HashMap<u64, JobPlan> = HashMap::new();
    for index in staying {
        let job = &request.jobs[index];
        let Some(plan) = before.get(&job.id) else {
            continue;
        };
        let longer = overruns.get(&job.id).copied().unwrap_or(0);
        if let Some(plan) = stay(&mut board, job, plan, longer) {
            kept.insert(job.id, plan);
        }
    }
    // Jobs follow those that they build on; one whose predecessor moved too far moves too.
    let mut frozen = 0;
    for index in order {
        let job = &request.jobs[index];
        let stays = kept.remove(&job.id).and_then(|plan| {
            let good = follows(job, &plan, &outcome);
            if !good {
                board.give_back(job, &plan);
            }
            good.then_some(plan)
        });
        let placed = match stays {
            Some(plan) => {
                frozen += usize::from(begins(&plan) < near);
                Ok(plan)
            }
            None => board.place(job, near, &outcome.placed),
        };
        outcome.note(request.jobs, index, placed);
    }
    let plan = outcome.plan(request);
    let mut churn = JobChurn {
        frozen,
        ..JobChurn::default()
    };
    let after: HashMap<u64, &JobPlan> = plan.jobs.iter().map(|plan| (plan.job, plan)).collect();
    for plan in &plan.jobs {
        match before.get(&plan.job) {
            Some(old) if *old == plan => churn.kept += 1,
            Some(_) => churn.moved.push(plan.job),
            None => churn.added.push(plan.job),
        }
    }
    let gone = replan
        .previous
        .jobs
        .iter()
        .filter(|plan| !after.contains_key(&plan.job));
    churn.dropped.extend(gone.map(|plan| plan.job));
    Ok(ReplannedJobs { plan, churn })
}

fn begins(plan: &JobPlan) -> i64 {
    let upload = plan.upload.first().map(|piece| piece.interval.start);
    let run = plan.run.first().map(|run| run.start);
    upload.into_iter().chain(run).min().unwrap_or(i64::MAX)
}

/// A job in the place that it had, its last run longer and its download later if it overruns.
fn stay(board: &mut Board, job: &Job, plan: &JobPlan, longer: i64) -> Option<JobPlan> {
    let mut plan = plan.clone();
    plan.value = job.value;
    if longer > 0 {
        let run = plan.run.last_mut()?;
        // Whole bins.
        run.end = run
            .end
            .checked_add(longer.checked_add(BIN - 1)? / BIN * BIN)?;
        let (download, finish) = board.download(job, plan.node, run.end)?;
        plan.download = download;
        plan.finish = finish;
    }
    board.take_again(job, &plan).then_some(plan)
}

/// Whether a job still runs after those that it builds on.
fn follows(job: &Job, plan: &JobPlan, outcome: &Outcome) -> bool {
    let start = plan.run.first().map_or(i64::MAX, |run| run.start);
    job.after.iter().all(|on| {
        outcome.placed.get(on).is_some_and(|before| {
            let ready = match before.run.last() {
                Some(run) if before.node == plan.node => run.end,
                _ => before.finish,
            };
            ready <= start
        })
    })
}
