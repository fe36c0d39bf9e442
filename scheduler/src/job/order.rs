//! The order in which jobs are placed, and the circles that have none.

use std::collections::{BinaryHeap, HashMap, HashSet};

use super::model::{Job, JobRefusal};

/// Jobs in the order of placing: those that others build on before these, else what is worth most
/// for its accelerators' time; and jobs that cannot be ordered, with the reason.
pub(crate) fn order(jobs: &[Job]) -> (Vec<usize>, Vec<(usize, JobRefusal)>) {
    let mut refused = Vec::new();
    let mut numbers: HashMap<u64, usize> = HashMap::with_capacity(jobs.len());
    let mut repeated = HashSet::new();
    for (index, job) in jobs.iter().enumerate() {
        if numbers.insert(job.id, index).is_some() {
            repeated.insert(job.id);
        }
    }
    let mut missing = vec![0_u32; jobs.len()];
    let mut followers: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut out = vec![false; jobs.len()];
    for (index, job) in jobs.iter().enumerate() {
        let unknown = job.after.iter().find(|on| !numbers.contains_key(on));
        let reason = if repeated.contains(&job.id) {
            Some(JobRefusal::Repeated)
        } else if let Some(what) = invalid(job) {
            Some(JobRefusal::Invalid { what: what.into() })
        } else {
            unknown.map(|on| JobRefusal::Unknown { on: *on })
        };
        if let Some(reason) = reason {
            refused.push((index, reason));
            out[index] = true;
            continue;
        }
        let on: HashSet<usize> = job
            .after
            .iter()
            .filter_map(|on| numbers.get(on))
            .copied()
            .collect();
        missing[index] = on.len() as u32;
        for other in on {
            followers.entry(other).or_default().push(index);
        }
    }
    let mut heap: BinaryHeap<Rank> = (0..jobs.len())
        .filter(|index| !out[*index] && missing[*index] == 0)
        .map(|index| Rank::new(jobs, index))
        .collect();
    // What is refused above does not hold up those that build on it: they are told so in turn.
    let mut given_up: Vec<usize> = refused.iter().map(|(index, _)| *index).collect();
    let mut order = Vec::with_capacity(jobs.len());
    let mut done = out;
    loop {
        let index = match given_up.pop() {
            Some(index) => index,
            None => match heap.pop() {
                Some(rank) => {
                    order.push(rank.index);
                    done[rank.index] = true;
                    rank.index
                }
                None => break,
            },
        };
        for follower in followers.get(&index).into_iter().flatten() {
            missing[*follower] -= 1;
            if missing[*follower] == 0 && !done[*follower] {
                heap.push(Rank::new(jobs, *follower));
            }
        }
    }
    circles(jobs, &numbers, &done, &mut refused);
    (order, refused)
}

fn invalid(job: &Job) -> Option<&'static str> {
    let far = i64::MAX / 8;
    let moment = |time: i64| (-far..=far).contains(&time);
    let rules = [
        (job.duration > 0 && job.duration <= far, "duration"),
        (job.accelerators > 0, "number of accelerators"),
        (job.checkpoint.is_none_or(|time| time > 0), "checkpoint"),
        ((0..=far).contains(&job.restore), "restore time"),
        (job.value.is_finite() && job.value >= 0.0, "value"),
        (moment(job.release), "release"),
        (moment(job.deadline), "deadline"),
    ];
    rules.iter().find(|(good, _)| !good).map(|(_, what)| *what)
}

/// Names a circle for each job that is part of one, and for the rest what they build on.
fn circles(
    jobs: &[Job],
    numbers: &HashMap<u64, usize>,
    done: &[bool],
    refused: &mut Vec<(usize, JobRefusal)>,
) {
    // Each job left has a predecessor that is left: following them leads into a circle.
    let before = |index: usize| {
        let left = jobs[index].after.iter().filter_map(|on| numbers.get(on));
        left.copied().find(|on| !done[*on])
    };
    let mut seen = vec![0_u32; jobs.len()];
    let mut in_circle: HashMap<usize, JobRefusal> = HashMap::new();
    let left: Vec<usize> = (0..jobs.len()).filter(|index| !done[*index]).collect();
    for (round, start) in (1..).zip(&left) {
        let (mut at, mut path) = (*start, Vec::new());
        while seen[at] == 0 {
            seen[at] = round;
            path.push(at);
            match before(at) {
                Some(next) => at = next,
                None => break,
            }
        }
        // A path that ends in what was seen before has met no new circle.
        let place = path
            .iter()
            .position(|index| *index == at && seen[at] == round);
        let Some(place) = place.filter(|_| before(at).is_some()) else {
            continue;
        };
        let circle = &path[place..];
        let named = circle.iter().rev().map(|index| jobs[*index].id);
        let cycle: Vec<u64> = named.take(NAMED).collect();
        for index in circle {
            let cycle = cycle.clone();
            in_circle.insert(*index, JobRefusal::Cycle { cycle });
        }
    }
    for index in left {
        let reason = in_circle.remove(&index).or_else(|| {
            let on = jobs[before(index)?].id;
            Some(JobRefusal::Predecessor { on })
        });
        refused.extend(reason.map(|reason| (index, reason)));
    }
}

/// A job's place in the order.
struct Rank {
    density: f64,
    deadline: i64,
    id: u64,
    index: usize,
}

impl Rank {
    fn new(jobs: &[Job], index: usize) -> Self {
        let job = &jobs[index];
        Self {
            density: job.value / (f64::from(job.accelerators) * job.duration as f64),
            deadline: job.deadline,
            id: job.id,
            index,
        }
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Rank {}
impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Rank {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.density.total_cmp(&other.density))
            .then(other.deadline.cmp(&self.deadline))
            .then(other.id.cmp(&self.id))
    }
}

/// Jobs of a circle that are named.
const NAMED: usize = 32;
