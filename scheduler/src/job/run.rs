//! When a job runs on a node: in one go, or from checkpoint to checkpoint.

use super::model::Job;
use super::slots::{Obstacle, Shape, Slots};
use crate::interval::Interval;
use crate::node::{BIN, PowerMode};

/// Whether a job may run in a mode.
pub(crate) fn allows(job: &Job, mode: &PowerMode) -> bool {
    job.modes.is_empty() || job.modes.contains(&mode.name)
}

/// What a job takes in a mode, without a length.
pub(crate) fn shape(job: &Job, mode: &PowerMode) -> Shape {
    Shape {
        accelerators: job.accelerators,
        memory: job.memory_octets,
        bins: 0,
        power_w: mode.power_w * f64::from(job.accelerators),
    }
}

/// When a job would run in a mode: in one go, or from checkpoint to checkpoint.
pub(crate) fn runs(
    job: &Job,
    slots: &mut Slots,
    mode: usize,
    (from, to): (usize, usize),
    effort: &mut u64,
) -> Result<Vec<(usize, Shape)>, Obstacle> {
    let mode = &slots.node.modes[mode];
    let one = shape(job, mode);
    let bins = |time: f64| (time / BIN as f64).ceil().clamp(1.0, 1e9) as usize;
    let work = job.duration as f64 / mode.speed;
    let whole = Shape {
        bins: bins(work),
        ..one
    };
    let Some(checkpoint) = job.checkpoint else {
        return Ok(vec![(slots.find(whole, from, to, effort)?, whole)]);
    };
    if let Ok(start) = slots.find(whole, from, to, effort) {
        return Ok(vec![(start, whole)]);
    }
    let failures = slots.failures();
    let mut found: Vec<(usize, Shape)> = Vec::new();
    let (mut left, mut earliest, mut in_the_way) = (work, from, None);
    while left > 0.0 {
        // The state is restored if the run was paused, which is known once the place is.
        let piece = (checkpoint as f64).min(left);
        let restore = if found.is_empty() {
            0.0
        } else {
            job.restore as f64
        };
        let follows = Shape {
            bins: bins(piece),
            ..one
        };
        let resumed = Shape {
            bins: bins(piece + restore),
            ..one
        };
        let next = if !found.is_empty()
            && slots.fits(&follows, earliest, effort)
            && earliest + follows.bins <= to
        {
            Ok((earliest, follows))
        } else {
            slots
                .find(resumed, earliest, to, effort)
                .map(|start| (start, resumed))
        };
        match next {
            Ok((start, shape)) if found.len() < PIECES_MAX => {
                slots.take(&shape, start);
                earliest = start + shape.bins;
                found.push((start, shape));
                left -= piece;
            }
            Ok(_) => in_the_way = Some(Obstacle::Busy),
            Err(obstacle) => in_the_way = Some(obstacle),
        }
        if in_the_way.is_some() {
            break;
        }
    }
    for (start, shape) in found.iter().rev() {
        slots.give_back(shape, *start);
    }
    slots.forget_failures(failures);
    in_the_way.map_or(Ok(found), Err)
}

/// Runs that follow each other without a pause are one.
pub(crate) fn joined(slots: &Slots, runs: &[(usize, Shape)]) -> Vec<Interval> {
    let mut intervals: Vec<Interval> = Vec::new();
    for (start, shape) in runs {
        let time = |bin: usize| slots.bins.time(bin);
        let run = Interval::new(time(*start), time(start + shape.bins));
        match intervals.last_mut() {
            Some(last) if last.end == run.start => last.end = run.end,
            _ => intervals.push(run),
        }
    }
    intervals
}

/// Pieces of one job's run.
const PIECES_MAX: usize = 1_024;
