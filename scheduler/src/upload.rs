//! Uploads: resumable, split over windows, earliest deadline first.
//!
//! A window carries exactly the octets of its rate's integral, rounded down, and no more. Within a
//! satellite's windows the upload with the earliest deadline goes first, as soon as it is
//! released; whatever it interrupts goes on later where it stopped. One that cannot make its
//! deadline any more takes no capacity from the others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};

use serde::{Deserialize, Serialize};

use crate::interval::Interval;
use crate::rate::RateProfile;

/// Something to be sent to a satellite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The caller's number; unique.
    pub id: u64,
    /// The satellite's number.
    pub satellite: u32,
    /// Its size.
    pub octets: u64,
    /// How many of them are aboard already.
    pub done: u64,
    /// Not before, UTC in microseconds.
    pub release: i64,
    /// Aboard by, UTC in microseconds.
    pub deadline: i64,
}

/// When octets flow to a satellite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadWindow {
    /// The contact, by its opportunity's number.
    pub contact: u64,
    /// The satellite's number.
    pub satellite: u32,
    /// From when to when.
    pub interval: Interval,
    /// The uplink's rate.
    pub rate: RateProfile,
}

/// A part that goes in one window without interruption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The contact, by its opportunity's number.
    pub contact: u64,
    /// When it flows.
    pub interval: Interval,
    /// Where it lies in what the window carries, from 0.
    pub offset: u64,
    /// How much.
    pub octets: u64,
}

/// What becomes of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum UploadOutcome {
    /// It is aboard in time.
    Planned {
        /// By when.
        finish: i64,
        /// How, in the order of time.
        pieces: Vec<Piece>,
    },
    /// It is not.
    Refused(UploadRefusal),
}

/// Why an upload is not planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum UploadRefusal {
    /// The satellite has no window between release and deadline.
    #[error("the satellite has no window between release and deadline")]
    NoWindow,
    /// Too little is left by its deadline.
    #[error(
        "{needed} octets are missing, {available} flow until the deadline once earlier deadlines are served"
    )]
    Late {
        /// Octets missing.
        needed: u64,
        /// Octets that its windows still carry when its turn comes.
        available: u64,
    },
    /// Another upload has its number.
    #[error("another upload has its number")]
    Repeated,
}

/// An upload and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadPlan {
    /// The upload's number.
    pub upload: u64,
    /// What becomes of it.
    #[serde(flatten)]
    pub outcome: UploadOutcome,
}

/// Plans uploads; the answers are in the order of the uploads.
///
/// Windows of one satellite that overlap are used one after the other: the later begins where the
/// earlier ends.
pub fn plan_uploads(uploads: &[Upload], windows: &[UploadWindow]) -> Vec<UploadPlan> {
    let mut ways: BTreeMap<u32, Vec<&UploadWindow>> = BTreeMap::new();
    for window in windows {
        ways.entry(window.satellite).or_default().push(window);
    }
    let mut satellites: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut seen = HashSet::new();
    let mut repeated = HashSet::new();
    for (index, upload) in uploads.iter().enumerate() {
        if !seen.insert(upload.id) {
            repeated.insert(upload.id);
        }
        satellites.entry(upload.satellite).or_default().push(index);
    }
    let mut outcomes: Vec<Option<UploadOutcome>> = vec![None; uploads.len()];
    for (satellite, mut list) in satellites {
        list.retain(|index| !repeated.contains(&uploads[*index].id));
        let way = Way::new(ways.remove(&satellite).unwrap_or_default());
        let mut left_out = HashSet::new();
        for round in 1..=ROUNDS {
            let mut run = Run::new(uploads, &list, &way, &left_out);
            run.all();
            let wasted = run.wasted;
            let last = wasted.is_empty() || round == ROUNDS;
            if last {
                for (index, outcome) in run.outcomes {
                    outcomes[index].get_or_insert(outcome);
                }
                break;
            }
            // What was begun in vain is left out, and its capacity given to others.
            for (index, refusal) in wasted {
                left_out.insert(index);
                outcomes[index] = Some(UploadOutcome::Refused(refusal));
            }
        }
    }
    uploads
        .iter()
        .zip(outcomes)
        .map(|(upload, outcome)| UploadPlan {
            upload: upload.id,
            outcome: outcome.unwrap_or(UploadOutcome::Refused(UploadRefusal::Repeated)),
        })
        .collect()
}

/// A satellite's windows, one after the other.
struct Way {
    windows: Vec<(UploadWindow, u64)>,
    /// Capacity of all windows before each.
    before: Vec<u128>,
}

impl Way {
    fn new(mut windows: Vec<&UploadWindow>) -> Self {
        windows.sort_by_key(|window| (window.interval, window.contact));
        let mut way = Self {
            windows: Vec::with_capacity(windows.len()),
            before: vec![0],
        };
        let mut free = i64::MIN;
        for window in windows {
            let mut window = window.clone();
            window.interval.start = window.interval.start.max(free);
            if window.interval.is_empty() {
                continue;
            }
            free = window.interval.end;
            let capacity = window.rate.octets(window.interval);
            let sum = way.before.last().copied().unwrap_or(0) + u128::from(capacity);
            way.before.push(sum);
            way.windows.push((window, capacity));
        }
        way
    }

    /// Octets that flow by a moment.
    fn until(&self, time: i64) -> u128 {
        let after = self
            .windows
            .partition_point(|(window, _)| window.interval.end <= time);
        let part = self.windows.get(after).map_or(0, |(window, _)| {
            let start = window.interval.start;
            window.rate.octets(Interval::new(start, time.max(start)))
        });
        self.before[after] + u128::from(part)
    }
}

/// One pass through a satellite's windows.
struct Run<'a> {
    uploads: &'a [Upload],
    way: &'a Way,
    /// In the order of release.
    waiting: Vec<usize>,
    next: usize,
    /// Released, the earliest deadline first.
    ready: BinaryHeap<Reverse<(i64, u64, usize)>>,
    /// What is missing of those that have begun, and where it went.
    begun: BTreeMap<usize, (u64, Vec<Piece>)>,
    outcomes: Vec<(usize, UploadOutcome)>,
    wasted: Vec<(usize, UploadRefusal)>,
}

impl<'a> Run<'a> {
    fn new(uploads: &'a [Upload], list: &[usize], way: &'a Way, left_out: &HashSet<usize>) -> Self {
        let mut run = Self {
            uploads,
            way,
            waiting: Vec::with_capacity(list.len()),
            next: 0,
            ready: BinaryHeap::new(),
            begun: BTreeMap::new(),
            outcomes: Vec::new(),
            wasted: Vec::new(),
        };
        for index in list.iter().filter(|index| !left_out.contains(index)) {
            let upload = &uploads[*index];
            if upload.done >= upload.octets {
                run.outcomes.push((
                    *index,
                    UploadOutcome::Planned {
                        finish: upload.release,
                        pieces: Vec::new(),
                    },
                ));
            } else {
                run.waiting.push(*index);
            }
        }
        run.waiting
            .sort_by_key(|index| (uploads[*index].release, uploads[*index].id));
        run
    }

    fn all(&mut self) {
        for number in 0..self.way.windows.len() {
            self.window(number);
        }
        self.release(i64::MAX);
        while let Some(Reverse((_, _, index))) = self.ready.pop() {
            self.refuse(index, 0);
        }
    }

    fn release(&mut self, time: i64) {
        while let Some(index) = self.waiting.get(self.next) {
            let upload = &self.uploads[*index];
            if upload.release > time {
                break;
            }
            self.ready
                .push(Reverse((upload.deadline, upload.id, *index)));
            self.next += 1;
        }
    }

    /// Fills one window.
    fn window(&mut self, number: usize) {
        let way = self.way;
        let (window, capacity) = &way.windows[number];
        let (mut time, mut offset) = (window.interval.start, 0);
        let at = |time: i64| {
            window
                .rate
                .octets(Interval::new(window.interval.start, time))
        };
        loop {
            self.release(time);
            let upcoming = self
                .waiting
                .get(self.next)
                .map(|index| self.uploads[*index].release)
                .filter(|release| *release < window.interval.end);
            let Some(Reverse((deadline, _, index))) = self.ready.peek().copied() else {
                match upcoming {
                    Some(release) => {
                        time = release;
                        offset = at(release);
                        continue;
                    }
                    None => return,
                }
            };
            let missing = self.missing(index);
            let here = way.before[number] + u128::from(offset);
            let available = way.until(deadline).saturating_sub(here);
            if available < u128::from(missing) {
                self.ready.pop();
                self.refuse(index, u64::try_from(available).unwrap_or(u64::MAX));
                continue;
            }
            let until = upcoming.map_or(*capacity, |release| at(release).max(offset));
            let octets = missing.min(until - offset);
            if octets > 0 {
                let end = window
                    .rate
                    .moment(window.interval, offset + octets)
                    .unwrap_or(window.interval.end);
                self.send(index, number, Interval::new(time, end), (offset, octets));
                offset += octets;
                time = end;
                if octets == missing {
                    self.ready.pop();
                    self.finish(index, end);
                    continue;
                }
            }
            match upcoming {
                Some(release) => time = release.max(time),
                None => return,
            }
        }
    }

    fn missing(&self, index: usize) -> u64 {
        let upload = &self.uploads[index];
        self.begun
            .get(&index)
            .map_or(upload.octets - upload.done, |(missing, _)| *missing)
    }

    fn send(
        &mut self,
        index: usize,
        number: usize,
        interval: Interval,
        (offset, octets): (u64, u64),
    ) {
        let missing = self.missing(index);
        let entry = self.begun.entry(index).or_insert((missing, Vec::new()));
        entry.0 -= octets;
        entry.1.push(Piece {
            contact: self.way.windows[number].0.contact,
            interval,
            offset,
            octets,
        });
    }

    fn finish(&mut self, index: usize, finish: i64) {
        let pieces = self.begun.remove(&index).map_or(Vec::new(), |(_, p)| p);
        self.outcomes
            .push((index, UploadOutcome::Planned { finish, pieces }));
    }

    fn refuse(&mut self, index: usize, available: u64) {
        let upload = &self.uploads[index];
        let range = Interval::new(upload.release, upload.deadline);
        let windows = &self.way.windows;
        let next = windows.partition_point(|(window, _)| window.interval.end <= range.start);
        let none = windows
            .get(next)
            .is_none_or(|(window, _)| !window.interval.overlaps(&range));
        let refusal = if none {
            UploadRefusal::NoWindow
        } else {
            UploadRefusal::Late {
                needed: self.missing(index),
                available,
            }
        };
        if self.begun.remove(&index).is_some() {
            self.wasted.push((index, refusal.clone()));
        }
        self.outcomes.push((index, UploadOutcome::Refused(refusal)));
    }
}

/// How often uploads that were begun in vain are taken out and the rest planned again.
const ROUNDS: u32 = 4;

#[cfg(test)]
mod tests;
