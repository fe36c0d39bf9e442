//! An independent checker: it replays a plan second by second and knows the rules, not the
//! planner. It shares no code with it beyond the types that it reads.

pub(crate) mod jobs;

use std::collections::HashMap;

use scheduler::plan::{Antennas, Band, Contact, ContactPlan, Opportunity};

pub(crate) const SECOND: i64 = 1_000_000;

/// What flows between two moments, by walking the steps.
pub(crate) fn octets(opportunity: &Opportunity, start: i64, end: i64) -> u64 {
    let steps = opportunity.rate.steps();
    let mut sum: i128 = 0;
    for (index, step) in steps.iter().enumerate() {
        let until = steps.get(index + 1).map_or(end, |next| next.from.min(end));
        let from = step.from.max(start);
        if until > from {
            sum += i128::from(until - from) * i128::from(step.octets_per_second);
        }
    }
    (sum / 1_000_000) as u64
}

/// The rules of the plan, apart from its passes.
pub(crate) struct Rules<'a> {
    pub(crate) antennas: &'a [Antennas],
    pub(crate) unavailable: &'a [(u32, i64, i64)],
    pub(crate) contacts_per_day_max: Option<u32>,
}

/// All violations, in words.
pub(crate) fn contacts(plan: &ContactPlan, passes: &[Opportunity], rules: &Rules) -> Vec<String> {
    let mut wrong = Vec::new();
    let by_id: HashMap<u64, &Opportunity> = passes.iter().map(|p| (p.id, p)).collect();
    let mut antennas: HashMap<(u32, Band, u32), Vec<(i64, i64)>> = HashMap::new();
    let mut satellites: HashMap<u32, Vec<(i64, i64)>> = HashMap::new();
    let mut days: HashMap<(u32, i64), u32> = HashMap::new();
    let mut value = 0.0;
    for contact in &plan.contacts {
        let Some(pass) = by_id.get(&contact.opportunity) else {
            wrong.push(format!("{contact:?}: no such opportunity"));
            continue;
        };
        one(contact, pass, &by_id, plan, rules, &mut wrong);
        value += contact.value;
        antennas
            .entry((contact.station, contact.band, contact.antenna))
            .or_default()
            .push((contact.hold.start, contact.hold.end));
        if let Some(fallback) = &contact.fallback {
            antennas
                .entry((contact.station, fallback.band, fallback.antenna))
                .or_default()
                .push((fallback.hold.start, fallback.hold.end));
        }
        satellites
            .entry(contact.satellite)
            .or_default()
            .push((contact.interval.start, contact.interval.end));
        // Which day: that of the contact's first slot.
        let slot = contact.interval.start.div_euclid(plan.slot) * plan.slot;
        let day = slot.div_euclid(86_400 * SECOND);
        *days.entry((contact.satellite, day)).or_default() += 1;
    }
    for (antenna, holds) in &antennas {
        exclusive(plan, holds, &format!("antenna {antenna:?}"), &mut wrong);
    }
    for (satellite, intervals) in &satellites {
        exclusive(
            plan,
            intervals,
            &format!("satellite {satellite}"),
            &mut wrong,
        );
    }
    for (key, count) in &days {
        if rules.contacts_per_day_max.is_some_and(|max| *count > max) {
            wrong.push(format!("{key:?}: {count} contacts on one day"));
        }
    }
    if (value - plan.value).abs() > 1e-9 * value.abs() {
        wrong.push(format!(
            "the plan says {}, its contacts {value}",
            plan.value
        ));
    }
    if plan.value > plan.bound {
        wrong.push(format!("value {} above bound {}", plan.value, plan.bound));
    }
    wrong
}

fn one(
    contact: &Contact,
    pass: &Opportunity,
    by_id: &HashMap<u64, &Opportunity>,
    plan: &ContactPlan,
    rules: &Rules,
    wrong: &mut Vec<String>,
) {
    let (start, end) = (contact.interval.start, contact.interval.end);
    let mut say = |what: &str| wrong.push(format!("{what}: {contact:?}"));
    if (pass.satellite, pass.station, pass.band)
        != (contact.satellite, contact.station, contact.band)
    {
        say("not its opportunity's satellite, station and band");
    }
    if start < pass.window.start || end > pass.window.end || end <= start {
        say("outside the pass");
    }
    let mut holds = vec![(contact.band, contact.antenna, contact.hold)];
    let radio = pass.fallback.and_then(|id| by_id.get(&id));
    match (&contact.fallback, radio) {
        (None, None) => {}
        (Some(booking), Some(radio)) => {
            holds.push((booking.band, booking.antenna, booking.hold));
            if start < radio.window.start || end > radio.window.end {
                say("outside the fallback's pass");
            }
            if booking.octets != octets(radio, start, end) {
                say("wrong octets of the fallback");
            }
        }
        _ => say("a fallback is missing, or not asked for"),
    }
    for (band, number, hold) in holds {
        let antenna = rules
            .antennas
            .iter()
            .find(|a| (a.station, a.band) == (contact.station, band));
        let Some(antenna) = antenna else {
            say("no such antennas");
            continue;
        };
        if number >= antenna.count {
            say("no such antenna");
        }
        if start - hold.start < antenna.setup || hold.end - end < antenna.teardown {
            say("setup or teardown too short");
        }
        if end - start < antenna.contact_min {
            say("shorter than the shortest contact");
        }
        if hold.start < plan.window.start.div_euclid(plan.slot) * plan.slot
            || hold.end - plan.slot >= plan.window.end
        {
            say("antenna held outside the plan");
        }
        for closed in &antenna.closed {
            if hold.start < closed.end && closed.start < hold.end {
                say("antenna held while closed");
            }
        }
    }
    for (satellite, from, to) in rules.unavailable {
        if *satellite == contact.satellite && start < *to && *from < end {
            say("satellite unavailable");
        }
    }
    if contact.octets != octets(pass, start, end) {
        say("wrong octets");
    }
    let clear = octets(pass, start, end) as f64 * pass.clear_sky;
    let cloudy = radio.map_or(0.0, |radio| {
        octets(radio, start, end) as f64 * (1.0 - pass.clear_sky)
    });
    let value = (clear + cloudy) * pass.weight;
    if (value - contact.value).abs() > 1e-9 * value.abs() + 2.0 * pass.weight {
        say("wrong value");
    }
}

/// Walks the seconds of the plan: at none of them two may hold the same.
fn exclusive(plan: &ContactPlan, holds: &[(i64, i64)], what: &str, wrong: &mut Vec<String>) {
    let first = plan.window.start - plan.slot;
    let seconds = (plan.window.end - first + plan.slot) / SECOND + 1;
    let mut taken = vec![0_u8; seconds as usize];
    for (start, end) in holds {
        // A second belongs to whoever has its beginning.
        let mut at = (start - first + SECOND - 1) / SECOND;
        while first + at * SECOND < *end {
            let Some(place) = taken.get_mut(at as usize) else {
                wrong.push(format!("{what} held outside the plan"));
                return;
            };
            *place += 1;
            if *place > 1 {
                wrong.push(format!("{what} held twice at {}", first + at * SECOND));
                return;
            }
            at += 1;
        }
    }
}
