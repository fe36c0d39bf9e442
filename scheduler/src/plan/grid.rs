//! The request on its grid: passes in slots, the value of each slot, antennas as groups.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::opportunity::{
    Antennas, Band, Opportunity, PlanError, PlanRequest, Unusable, VALUES_MAX,
};
use crate::interval::{DAY, Interval};

/// Antennas that are interchangeable.
pub(crate) struct Group {
    pub(crate) count: u32,
}

/// How a pass holds an antenna of a group; slots are absolute.
#[derive(Clone, Copy, Default)]
pub(crate) struct Use {
    pub(crate) group: u32,
    setup: i32,
    teardown: i32,
    /// Where the hold begins if the contact begins with the pass.
    head: i32,
    /// Where it ends if the contact ends with the pass.
    tail: i32,
}

/// A stretch of an opportunity that one contact may use, or a part of it. Edges count slots from
/// its first: a contact from edge `a` to edge `b` takes the slots between them.
pub(crate) struct Pass {
    pub(crate) opportunity: u32,
    /// Numbered from 0 in the order of the satellites' own numbers.
    pub(crate) satellite: u32,
    pub(crate) window: Interval,
    pub(crate) first: u32,
    pub(crate) len: u32,
    value: u32,
    /// Slots of the shortest contact between edges inside.
    minimum: u32,
    /// The first edge at which a contact from edge 0 may end.
    head_end: u32,
    /// The last edge from which a contact to edge `len` may start; below 0 if there is none.
    tail_start: i32,
    /// The first edge from which the antenna can be set up within the plan.
    pub(crate) start_min: u32,
    /// The last edge after which it can be torn down within the plan.
    pub(crate) end_max: u32,
    pub(crate) uses: [Use; 2],
    pub(crate) use_count: u8,
}

impl Pass {
    pub(crate) fn uses(&self) -> &[Use] {
        &self.uses[..usize::from(self.use_count)]
    }

    /// The slot in which the hold of an antenna begins.
    pub(crate) fn hold_start(&self, held: &Use, a: u32) -> i32 {
        if a == 0 {
            held.head
        } else {
            (self.first + a) as i32 - held.setup
        }
    }

    /// The slot in which the antenna is free again.
    pub(crate) fn hold_end(&self, held: &Use, b: u32) -> i32 {
        if b == self.len {
            held.tail
        } else {
            (self.first + b) as i32 + held.teardown
        }
    }

    /// The last edge from which a contact may start to end at `b`; below 0 if there is none.
    pub(crate) fn start_limit(&self, b: u32) -> i32 {
        if b == self.len {
            self.tail_start
        } else if b < self.head_end {
            -1
        } else {
            b as i32 - self.minimum as i32
        }
    }
}

/// A contact: a pass from edge `a` to edge `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Column {
    pub(crate) pass: u32,
    pub(crate) a: u32,
    pub(crate) b: u32,
}

pub(crate) struct Grid {
    pub(crate) origin: i64,
    pub(crate) slot: i64,
    pub(crate) slots: u32,
    pub(crate) groups: Vec<Group>,
    /// In the order of satellite, first slot, opportunity number.
    pub(crate) passes: Vec<Pass>,
    /// Of each pass the value up to each of its edges.
    values: Vec<f64>,
    /// Of each satellite where its passes begin; one more at the end.
    satellites: Vec<u32>,
    /// Of each group its passes in the order of their first slots.
    pub(crate) group_passes: Vec<Vec<u32>>,
    pub(crate) longest: u32,
    pub(crate) contacts_per_day_max: Option<u32>,
}

/// An opportunity that is left out, and why.
pub(crate) type Refused = (u64, Unusable);

impl Grid {
    pub(crate) fn new(
        request: &PlanRequest,
        failed: &HashSet<u64>,
    ) -> Result<(Self, Vec<Refused>), PlanError> {
        request.check()?;
        let origin = request.window.start.div_euclid(request.slot) * request.slot;
        let slots = (request.window.end - origin).max(0) as u64;
        let slots = slots.div_ceil(request.slot as u64) as u32;
        let mut maker = Maker {
            request,
            origin,
            slots,
            groups: BTreeMap::new(),
            unavailable: HashMap::new(),
            by_id: HashMap::with_capacity(request.opportunities.len()),
            refused: Vec::new(),
            found: Vec::new(),
        };
        maker.run(failed);
        let Maker {
            groups,
            by_id,
            refused,
            mut found,
            ..
        } = maker;
        let key = |pass: &Pass| {
            let opportunity = &request.opportunities[pass.opportunity as usize];
            (opportunity.satellite, pass.first, opportunity.id)
        };
        found.sort_by_key(key);
        let total: usize = found.iter().map(|pass| pass.len as usize + 1).sum();
        if total > VALUES_MAX {
            return Err(PlanError::TooMany { got: total });
        }
        let mut grid = Self {
            origin,
            slot: request.slot,
            slots,
            groups: groups
                .into_values()
                .map(|(_, antennas)| Group {
                    count: antennas.count,
                })
                .collect(),
            passes: found,
            values: Vec::with_capacity(total),
            satellites: Vec::new(),
            group_passes: Vec::new(),
            longest: 0,
            contacts_per_day_max: request.contacts_per_day_max,
        };
        grid.fill(request, &by_id);
        Ok((grid, refused))
    }

    /// Numbers satellites, values slots, sorts passes by group.
    fn fill(&mut self, request: &PlanRequest, by_id: &HashMap<u64, u32>) {
        let mut last = None;
        self.group_passes = vec![Vec::new(); self.groups.len()];
        for (index, pass) in self.passes.iter_mut().enumerate() {
            let opportunity = &request.opportunities[pass.opportunity as usize];
            if last != Some(opportunity.satellite) {
                last = Some(opportunity.satellite);
                self.satellites.push(index as u32);
            }
            pass.satellite = self.satellites.len() as u32 - 1;
            pass.value = self.values.len() as u32;
            self.longest = self.longest.max(pass.len);
            let fallback = opportunity.fallback.and_then(|id| by_id.get(&id));
            let fallback = fallback.map(|index| &request.opportunities[*index as usize]);
            let steps = worth(opportunity, fallback);
            cumulate(pass, self.origin, self.slot, &steps, &mut self.values);
            for held in pass.uses() {
                self.group_passes[held.group as usize].push(index as u32);
            }
        }
        self.satellites.push(self.passes.len() as u32);
        for list in &mut self.group_passes {
            list.sort_by_key(|index| (self.passes[*index as usize].first, *index));
        }
    }

    pub(crate) fn satellite_count(&self) -> usize {
        self.satellites.len().saturating_sub(1)
    }

    pub(crate) fn passes_of(&self, satellite: usize) -> std::ops::Range<usize> {
        self.satellites[satellite] as usize..self.satellites[satellite + 1] as usize
    }

    /// The value of a pass up to each of its edges.
    pub(crate) fn values(&self, pass: &Pass) -> &[f64] {
        &self.values[pass.value as usize..=pass.value as usize + pass.len as usize]
    }

    pub(crate) fn value(&self, column: Column) -> f64 {
        let values = self.values(&self.passes[column.pass as usize]);
        values[column.b as usize] - values[column.a as usize]
    }

    /// When a contact begins and ends.
    pub(crate) fn interval(&self, column: Column) -> Interval {
        let pass = &self.passes[column.pass as usize];
        let at = |edge: u32| self.origin + i64::from(pass.first + edge) * self.slot;
        Interval::new(
            at(column.a).max(pass.window.start),
            at(column.b).min(pass.window.end),
        )
    }

    /// The day on which a contact that starts in a slot counts.
    pub(crate) fn day(&self, slot: u32) -> i64 {
        (self.origin + i64::from(slot) * self.slot).div_euclid(DAY)
    }

    pub(crate) fn days(&self) -> usize {
        (self.day(self.slots) - self.day(0) + 1) as usize
    }
}

/// What a stretch of time is worth a microsecond.
type Worth = (Interval, f64);

/// The expected value of an opportunity: the laser's where the sky is clear, else its fallback's.
fn worth(opportunity: &Opportunity, fallback: Option<&Opportunity>) -> Vec<Worth> {
    let scale = opportunity.weight / 1e6;
    let mut steps: Vec<Worth> = opportunity
        .rate
        .pieces(opportunity.window)
        .map(|(piece, rate)| (piece, rate as f64 * opportunity.clear_sky * scale))
        .collect();
    if let Some(fallback) = fallback {
        let share = (1.0 - opportunity.clear_sky) * scale;
        steps.extend(
            fallback
                .rate
                .pieces(opportunity.window.intersection(&fallback.window))
                .map(|(piece, rate)| (piece, rate as f64 * share)),
        );
    }
    steps
}

fn cumulate(pass: &Pass, origin: i64, slot: i64, steps: &[Worth], values: &mut Vec<f64>) {
    let base = values.len();
    values.resize(base + pass.len as usize + 1, 0.0);
    let first = origin + i64::from(pass.first) * slot;
    for (piece, worth) in steps {
        let piece = piece.intersection(&pass.window);
        if piece.is_empty() {
            continue;
        }
        let from = (piece.start - first) / slot;
        let to = (piece.end - 1 - first) / slot;
        for index in from..=to {
            let cell = Interval::new(first + index * slot, first + (index + 1) * slot);
            let part = cell.intersection(&piece).duration();
            values[base + index as usize + 1] += part as f64 * worth;
        }
    }
    for index in base + 1..values.len() {
        values[index] += values[index - 1];
    }
}

struct Maker<'a> {
    request: &'a PlanRequest<'a>,
    origin: i64,
    slots: u32,
    groups: BTreeMap<(u32, Band), (u32, &'a Antennas)>,
    unavailable: HashMap<u32, Vec<Interval>>,
    by_id: HashMap<u64, u32>,
    refused: Vec<Refused>,
    found: Vec<Pass>,
}

impl<'a> Maker<'a> {
    fn run(&mut self, failed: &HashSet<u64>) {
        let working = self.request.antennas.iter().filter(|a| a.count > 0);
        self.groups = working
            .map(|a| ((a.station, a.band), (0, a)))
            .collect::<BTreeMap<_, _>>();
        for (index, entry) in self.groups.values_mut().enumerate() {
            entry.0 = index as u32;
        }
        for item in self.request.unavailable {
            let list = self.unavailable.entry(item.satellite).or_default();
            list.push(item.interval);
        }
        let mut repeated = HashSet::new();
        for (index, opportunity) in self.request.opportunities.iter().enumerate() {
            if self.by_id.insert(opportunity.id, index as u32).is_some() {
                repeated.insert(opportunity.id);
            }
        }
        for (index, opportunity) in self.request.opportunities.iter().enumerate() {
            let result = if repeated.contains(&opportunity.id) {
                Err(Unusable::Repeated)
            } else if failed.contains(&opportunity.id) {
                Err(Unusable::Failed)
            } else {
                self.opportunity(index as u32, opportunity)
            };
            if let Err(reason) = result {
                self.refused.push((opportunity.id, reason));
            }
        }
    }

    fn opportunity(&mut self, index: u32, opportunity: &Opportunity) -> Result<(), Unusable> {
        let Opportunity {
            weight, clear_sky, ..
        } = *opportunity;
        if opportunity.window.is_empty() {
            return Err(Unusable::Empty);
        }
        if !weight.is_finite() || weight < 0.0 {
            return Err(Unusable::Weight { weight });
        }
        if !(0.0..=1.0).contains(&clear_sky) {
            return Err(Unusable::ClearSky { clear_sky });
        }
        let mut window = opportunity.window.intersection(&self.request.window);
        if window.is_empty() {
            return Err(Unusable::Outside);
        }
        let mut held = vec![self.antennas(opportunity)?];
        let mut fallback = None;
        if let Some(id) = opportunity.fallback {
            let refused = Unusable::Fallback { fallback: id };
            let other = self.by_id.get(&id).ok_or(refused.clone())?;
            let other = &self.request.opportunities[*other as usize];
            let alike =
                (other.satellite, other.station) == (opportunity.satellite, opportunity.station);
            if !alike || other.band == Band::Optical || opportunity.band != Band::Optical {
                return Err(refused);
            }
            window = window.intersection(&other.window);
            held.push(self.antennas(other)?);
            fallback = Some(other);
        }
        let shortest = held.iter().map(|(_, a)| a.contact_min).max().unwrap_or(0);
        // A contact has a length.
        let shortest = shortest.max(1);
        let short = |available| Unusable::Short {
            available,
            needed: shortest,
        };
        if window.duration() < shortest {
            return Err(short(window.duration()));
        }
        if worth(opportunity, fallback)
            .iter()
            .all(|(piece, worth)| *worth <= 0.0 || !piece.overlaps(&window))
        {
            return Err(Unusable::Worthless);
        }
        let parts = window.without(&self.holes(opportunity.satellite, &held));
        let longest = parts.iter().map(Interval::duration).max();
        let longest = longest.ok_or(Unusable::Closed)?;
        let before = self.found.len();
        for part in parts {
            self.found.extend(self.pass(index, part, &held, shortest));
        }
        if self.found.len() == before {
            return Err(short(longest));
        }
        Ok(())
    }

    fn antennas(&self, opportunity: &Opportunity) -> Result<(u32, &'a Antennas), Unusable> {
        let key = (opportunity.station, opportunity.band);
        self.groups.get(&key).copied().ok_or(Unusable::NoAntenna)
    }

    /// When no contact may be: each closure with the slots that setup and teardown take around it.
    fn holes(&self, satellite: u32, held: &[(u32, &Antennas)]) -> Vec<Interval> {
        let mut holes: Vec<Interval> = self
            .unavailable
            .get(&satellite)
            .cloned()
            .unwrap_or_default();
        let slot = self.request.slot;
        for (_, antennas) in held {
            for closed in antennas.closed.iter().filter(|closed| !closed.is_empty()) {
                // Holds are whole slots, so a closure takes the slots that it touches.
                let from = closed.start.div_euclid(slot).saturating_mul(slot);
                let to = closed.end.saturating_add(slot - 1).div_euclid(slot);
                holes.push(Interval::new(
                    from.saturating_sub(antennas.teardown),
                    to.saturating_mul(slot).saturating_add(antennas.setup),
                ));
            }
        }
        holes
    }

    fn pass(
        &self,
        opportunity: u32,
        window: Interval,
        held: &[(u32, &Antennas)],
        shortest: i64,
    ) -> Option<Pass> {
        let slot = self.request.slot;
        let floor = |time: i64| (time - self.origin).div_euclid(slot) as i32;
        let ceil = |time: i64| (time - self.origin + slot - 1).div_euclid(slot) as i32;
        let first = floor(window.start);
        let len = ceil(window.end) - first;
        let minimum = (shortest + slot - 1) / slot;
        let head_end = ceil(window.start + shortest) - first;
        let tail_start = match floor(window.end - shortest) - first {
            edge if edge > 0 => edge.min(len - 1),
            _ if window.duration() >= shortest => 0,
            _ => -1,
        };
        let mut pass = Pass {
            opportunity,
            satellite: 0,
            window,
            first: first as u32,
            len: len as u32,
            value: 0,
            minimum: minimum as u32,
            head_end: head_end as u32,
            tail_start,
            start_min: 0,
            end_max: len as u32,
            uses: [Use::default(); 2],
            use_count: held.len() as u8,
        };
        for (place, (group, antennas)) in pass.uses.iter_mut().zip(held) {
            *place = Use {
                group: *group,
                setup: ((antennas.setup + slot - 1) / slot) as i32,
                teardown: ((antennas.teardown + slot - 1) / slot) as i32,
                head: floor(window.start - antennas.setup),
                tail: ceil(window.end + antennas.teardown),
            };
        }
        let (uses, count) = (pass.uses, held.len());
        let starts = |a: &u32| uses[..count].iter().all(|u| pass.hold_start(u, *a) >= 0);
        let start_min = (0..pass.len).find(starts)?;
        let ends = |b: &u32| {
            let limit = self.slots as i32;
            uses[..count].iter().all(|u| pass.hold_end(u, *b) <= limit)
        };
        let end_max = (1..=pass.len).rev().find(ends)?;
        pass.start_min = start_min;
        pass.end_max = end_max;
        let possible = (1..=end_max).any(|b| pass.start_limit(b) >= start_min as i32);
        possible.then_some(pass)
    }
}
