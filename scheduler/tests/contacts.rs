//! Contact plans against an exact solver, an independent checker and bad input.

#[allow(dead_code)]
mod checker;
mod synthetic;

use std::collections::HashMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};
use scheduler::interval::{Interval, SECOND};
use scheduler::plan::{
    Antennas, Band, ContactPlan, Effort, Opportunity, PlanRequest, ReplanRequest, Unavailable,
    Unusable, plan_contacts, replan_contacts,
};
use scheduler::rate::{RateProfile, RateStep};
use synthetic::{Random, START};

/// A small instance with everything in it: odd times, lasers, closures, limits.
struct Small {
    window: Interval,
    passes: Vec<Opportunity>,
    antennas: Vec<Antennas>,
    unavailable: Vec<Unavailable>,
    per_day: Option<u32>,
}

impl Small {
    fn new(seed: u64, satellites: u32, minutes: u64) -> Self {
        let mut random = Random(seed);
        // Every third instance goes over midnight.
        let start = match seed % 3 {
            0 => START - (minutes as i64 / 2) * 60 * SECOND,
            _ => START + random.below(1_000) as i64 * 7_654_321,
        };
        let window = Interval::new(start, start + minutes as i64 * 60 * SECOND);
        let mut small = Self {
            window,
            passes: Vec::new(),
            antennas: Vec::new(),
            unavailable: Vec::new(),
            per_day: seed.is_multiple_of(4).then(|| 1 + random.below(2) as u32),
        };
        for station in 0..2 {
            for band in [Band::Ka, Band::Optical] {
                small.antennas.push(Antennas {
                    station,
                    band,
                    count: 1 + random.below(2) as u32,
                    setup: random.below(3) as i64 * 45 * SECOND,
                    teardown: random.below(3) as i64 * 25 * SECOND,
                    contact_min: random.below(4) as i64 * 50 * SECOND,
                    closed: Vec::new(),
                });
            }
        }
        if seed.is_multiple_of(5) {
            let at = window.start + random.below(minutes * 60) as i64 * SECOND;
            small.antennas[0].closed = vec![Interval::new(at, at + 400 * SECOND)];
        }
        for satellite in 0..satellites {
            for station in 0..2 {
                if random.below(4) > 0 {
                    small.pass(&mut random, satellite, station, minutes);
                }
            }
        }
        if seed.is_multiple_of(7) {
            small.unavailable.push(Unavailable {
                satellite: 0,
                interval: Interval::new(window.start, window.start + 900 * SECOND),
            });
        }
        small
    }

    fn pass(&mut self, random: &mut Random, satellite: u32, station: u32, minutes: u64) {
        let length = 240_000_000 + random.below(360_000_000) as i64;
        let from = self.window.start - 60 * SECOND + random.below(minutes * 60_000_000) as i64;
        let window = Interval::new(from, from + length);
        let rate = |random: &mut Random, scale: u64| {
            let steps = (0..6).map(|index| RateStep {
                from: from + index * length / 6,
                octets_per_second: scale * (1 + random.below(5)),
            });
            RateProfile::new(steps.collect())
        };
        let id = self.passes.len() as u64;
        let radio = Opportunity {
            id,
            satellite,
            station,
            band: Band::Ka,
            window,
            rate: rate(random, 1_000_000),
            weight: 1.0 + random.below(3) as f64,
            clear_sky: 1.0,
            fallback: None,
        };
        if random.below(3) == 0 {
            self.passes.push(Opportunity {
                id: id + 1,
                band: Band::Optical,
                window: Interval::new(window.start + 30 * SECOND, window.end - 17 * SECOND),
                rate: rate(random, 4_000_000),
                clear_sky: 0.6,
                fallback: Some(id),
                ..radio.clone()
            });
        }
        self.passes.push(radio);
    }

    fn request(&self) -> PlanRequest<'_> {
        PlanRequest {
            unavailable: &self.unavailable,
            contacts_per_day_max: self.per_day,
            ..PlanRequest::new(self.window, &self.passes, &self.antennas)
        }
    }

    fn wrong(&self, plan: &ContactPlan) -> Vec<String> {
        let unavailable: Vec<_> = self
            .unavailable
            .iter()
            .map(|u| (u.satellite, u.interval.start, u.interval.end))
            .collect();
        let rules = checker::Rules {
            antennas: &self.antennas,
            unavailable: &unavailable,
            contacts_per_day_max: self.per_day,
        };
        checker::contacts(plan, &self.passes, &rules)
    }

    /// The greatest value of any plan on the grid, by mixed-integer programming: a variable for
    /// each contact that there could be.
    fn optimum(&self) -> f64 {
        let slot = 60 * SECOND;
        let mut problem = Problem::new(OptimizationDirection::Maximize);
        let mut antennas: HashMap<(u32, Band, i64), Vec<(Variable, f64)>> = HashMap::new();
        let mut satellites: HashMap<(u32, i64), Vec<(Variable, f64)>> = HashMap::new();
        let mut days: HashMap<(u32, i64), Vec<(Variable, f64)>> = HashMap::new();
        for pass in &self.passes {
            let radio = pass
                .fallback
                .and_then(|id| self.passes.iter().find(|other| other.id == id));
            let bands: Vec<Band> = [Some(pass.band), radio.map(|r| r.band)]
                .into_iter()
                .flatten()
                .collect();
            let groups: Vec<&Antennas> = bands
                .iter()
                .filter_map(|band| {
                    self.antennas
                        .iter()
                        .find(|a| (a.station, a.band) == (pass.station, *band))
                })
                .collect();
            let edge = |from: i64, to: i64| (from.max(self.window.start), to.min(self.window.end));
            let (mut from, mut to) = edge(pass.window.start, pass.window.end);
            if let Some(radio) = radio {
                from = from.max(radio.window.start);
                to = to.min(radio.window.end);
            }
            // Starts and ends: the pass's own, those of closures and safe modes, whole slots.
            let mut times = vec![from, to];
            for group in &groups {
                for closed in &group.closed {
                    let close = closed.start.div_euclid(slot) * slot;
                    let open = (closed.end + slot - 1).div_euclid(slot) * slot;
                    times.extend([close - group.teardown, open + group.setup]);
                }
            }
            for item in self
                .unavailable
                .iter()
                .filter(|u| u.satellite == pass.satellite)
            {
                times.extend([item.interval.start, item.interval.end]);
            }
            let mut whole = from.div_euclid(slot) * slot;
            while whole < to {
                times.push(whole);
                whole += slot;
            }
            times.retain(|time| (from..=to).contains(time));
            times.sort_unstable();
            times.dedup();
            for start in &times {
                for end in times.iter().filter(|end| *end > start) {
                    if !self.allowed(pass.satellite, &groups, *start, *end) {
                        continue;
                    }
                    let clear = checker::octets(pass, *start, *end) as f64 * pass.clear_sky;
                    let cloudy = radio.map_or(0.0, |radio| {
                        checker::octets(radio, *start, *end) as f64 * (1.0 - pass.clear_sky)
                    });
                    let contact = problem.add_binary_var((clear + cloudy) * pass.weight / 1e9);
                    for group in &groups {
                        let (first, last) = held(group, *start, *end);
                        for number in first..last {
                            let key = (group.station, group.band, number);
                            antennas.entry(key).or_default().push((contact, 1.0));
                        }
                    }
                    let first = start.div_euclid(slot);
                    for number in first..(end + slot - 1).div_euclid(slot) {
                        let key = (pass.satellite, number);
                        satellites.entry(key).or_default().push((contact, 1.0));
                    }
                    let day = (first * slot).div_euclid(86_400 * SECOND);
                    let key = (pass.satellite, day);
                    days.entry(key).or_default().push((contact, 1.0));
                }
            }
        }
        for ((station, band, _), terms) in antennas {
            let group = self
                .antennas
                .iter()
                .find(|a| (a.station, a.band) == (station, band))
                .expect("it was there above");
            problem.add_constraint(terms.as_slice(), ComparisonOp::Le, f64::from(group.count));
        }
        for terms in satellites.into_values() {
            problem.add_constraint(terms.as_slice(), ComparisonOp::Le, 1.0);
        }
        if let Some(max) = self.per_day {
            for terms in days.into_values() {
                problem.add_constraint(terms.as_slice(), ComparisonOp::Le, f64::from(max));
            }
        }
        let solution = problem.solve().expect("there is a plan: the empty one");
        assert!(solution.is_optimal());
        solution.solution().expect("it is optimal").objective() * 1e9
    }

    fn allowed(&self, satellite: u32, groups: &[&Antennas], start: i64, end: i64) -> bool {
        let slot = 60 * SECOND;
        let first = self.window.start.div_euclid(slot);
        let last = (self.window.end + slot - 1).div_euclid(slot);
        let free = self.unavailable.iter().all(|u| {
            u.satellite != satellite || end <= u.interval.start || u.interval.end <= start
        });
        free && groups.iter().all(|group| {
            let (from, to) = held(group, start, end);
            end - start >= group.contact_min
                && from >= first
                && to <= last
                && group
                    .closed
                    .iter()
                    .all(|c| to * slot <= c.start || c.end <= from * slot)
        })
    }
}

/// The slots in which an antenna is held.
fn held(group: &Antennas, start: i64, end: i64) -> (i64, i64) {
    let slot = 60 * SECOND;
    (
        (start - group.setup).div_euclid(slot),
        (end + group.teardown + slot - 1).div_euclid(slot),
    )
}

#[test]
fn the_exact_optimum_lies_between_plan_and_bound() {
    let (mut best, mut gaps) = (0, 0.0);
    for seed in 0..100 {
        let small = Small::new(seed, 5, 45);
        let request = PlanRequest {
            effort: Effort {
                gap: 0.0,
                ..Effort::default()
            },
            ..small.request()
        };
        let plan = plan_contacts(&request).expect("a plan");
        assert_eq!(small.wrong(&plan), [""; 0], "seed {seed}");
        let optimum = small.optimum();
        // The solver's own tolerance.
        let crumb = 1e-6 * optimum + 10.0;
        assert!(
            plan.bound >= optimum - crumb,
            "seed {seed}: {} {optimum}",
            plan.bound
        );
        assert!(
            plan.value <= optimum + crumb,
            "seed {seed}: {} {optimum}",
            plan.value
        );
        best += u32::from(plan.value >= optimum - crumb);
        gaps += 1.0 - plan.value / optimum.max(1.0);
    }
    eprintln!("{best} of 100 plans are optimal; {gaps:.3} % lost on average");
    assert!(best >= 60, "only {best} plans are optimal");
    assert!(gaps < 1.5, "{gaps} % lost on average");
}

#[test]
fn no_plan_breaks_a_rule() {
    for seed in 1_000..2_000 {
        let small = Small::new(seed, 4 + (seed % 23) as u32, 60 + seed % 200);
        let request = PlanRequest {
            slot: [10, 30, 60][seed as usize % 3] * SECOND,
            effort: Effort {
                iterations: 20,
                rounds: 2,
                gap: 1e-3,
            },
            ..small.request()
        };
        let plan = plan_contacts(&request).expect("a plan");
        assert_eq!(small.wrong(&plan), [""; 0], "seed {seed}");
        if seed.is_multiple_of(5) {
            replanned_keeps_the_rules(seed, &small, &request, &plan);
        }
    }
}

fn replanned_keeps_the_rules(seed: u64, small: &Small, request: &PlanRequest, plan: &ContactPlan) {
    let Some(contact) = plan.contacts.get(plan.contacts.len() / 2) else {
        return;
    };
    let failed = [contact.opportunity];
    let again = replan_contacts(&ReplanRequest {
        request: request.clone(),
        previous: plan,
        failed: &failed,
        now: contact.hold.start - 600 * SECOND,
        lead: 300 * SECOND,
        churn_penalty: 0.1,
    })
    .expect("a plan");
    assert_eq!(small.wrong(&again.plan), [""; 0], "seed {seed}");
    assert!(
        again
            .plan
            .contacts
            .iter()
            .all(|c| c.opportunity != failed[0])
    );
}

#[test]
fn the_same_request_gives_the_same_plan_in_any_order_of_passes() {
    let mut passes = synthetic::passes(3, 40, 12);
    let antennas = synthetic::antennas(1);
    let window = Interval::new(START, START + 12 * 3_600 * SECOND);
    let first = plan_contacts(&PlanRequest::new(window, &passes, &antennas)).expect("a plan");
    let again = plan_contacts(&PlanRequest::new(window, &passes, &antennas)).expect("a plan");
    assert_eq!(first, again);
    passes.reverse();
    let turned = plan_contacts(&PlanRequest::new(window, &passes, &antennas)).expect("a plan");
    assert_eq!(first.contacts, turned.contacts);
}

#[test]
fn after_a_failed_pass_only_what_must_change_changes() {
    let passes = synthetic::passes(5, 100, 24);
    let antennas = synthetic::antennas(2);
    let window = Interval::new(START, START + 24 * 3_600 * SECOND);
    let request = PlanRequest::new(window, &passes, &antennas);
    let plan = plan_contacts(&request).expect("a plan");
    let lost = &plan.contacts[plan.contacts.len() / 3];
    let failed = [lost.opportunity];
    let now = lost.interval.start;
    let lead = 1_800 * SECOND;
    let again = replan_contacts(&ReplanRequest {
        request,
        previous: &plan,
        failed: &failed,
        now,
        lead,
        churn_penalty: 0.1,
    })
    .expect("a plan");
    let churn = &again.churn;
    assert!(churn.forced >= 1);
    assert!(churn.frozen > 0);
    // What is lost, and at most what takes its place.
    assert!(
        churn.diff.changes() <= 2 * churn.forced + 2,
        "{}",
        churn.diff
    );
    assert_eq!(churn.contacts, plan.contacts.len());
    assert!(churn.rate() < 0.01, "{}", churn.rate());
    for contact in plan.contacts.iter().filter(|c| c.hold.start < now + lead) {
        let kept = again.plan.contacts.contains(contact);
        assert!(kept || failed.contains(&contact.opportunity), "{contact:?}");
    }
    for contact in &churn.diff.added {
        assert!(contact.hold.start >= now + lead, "{contact:?}");
    }
    assert!(again.plan.value <= again.plan.bound);
}

#[test]
fn nothing_happened_nothing_changes() {
    let passes = synthetic::passes(6, 60, 24);
    let antennas = synthetic::antennas(1);
    let window = Interval::new(START, START + 24 * 3_600 * SECOND);
    let request = PlanRequest::new(window, &passes, &antennas);
    let plan = plan_contacts(&request).expect("a plan");
    let again = replan_contacts(&ReplanRequest {
        request,
        previous: &plan,
        failed: &[],
        now: START,
        lead: 0,
        churn_penalty: 0.0,
    })
    .expect("a plan");
    assert_eq!(again.churn.diff.changes(), 0);
    assert_eq!(again.churn.forced, 0);
    assert_eq!(again.plan, plan);
}

#[test]
fn a_satellite_in_safe_mode_loses_its_contacts_and_no_other_does() {
    let passes = synthetic::passes(8, 80, 24);
    let antennas = synthetic::antennas(1);
    let window = Interval::new(START, START + 24 * 3_600 * SECOND);
    let request = PlanRequest::new(window, &passes, &antennas);
    let plan = plan_contacts(&request).expect("a plan");
    let satellite = plan.contacts[plan.contacts.len() / 2].satellite;
    let unavailable = [Unavailable {
        satellite,
        interval: Interval::new(START + 6 * 3_600 * SECOND, window.end),
    }];
    let again = replan_contacts(&ReplanRequest {
        request: PlanRequest {
            unavailable: &unavailable,
            ..request
        },
        previous: &plan,
        failed: &[],
        now: START + 5 * 3_600 * SECOND,
        lead: 900 * SECOND,
        churn_penalty: 0.2,
    })
    .expect("a plan");
    let away = |c: &&scheduler::plan::Contact| {
        c.satellite == satellite && c.interval.end > unavailable[0].interval.start
    };
    assert_eq!(again.plan.contacts.iter().filter(away).count(), 0);
    assert_eq!(
        again.churn.forced,
        plan.contacts.iter().filter(away).count()
    );
    let others = again.churn.diff.removed.iter().filter(|c| !away(c)).count();
    assert!(others <= again.churn.forced, "{}", again.churn.diff);
}

#[test]
fn what_cannot_be_used_is_named_with_its_reason() {
    let pass = Opportunity {
        id: 0,
        satellite: 1,
        station: 0,
        band: Band::Ka,
        window: Interval::new(START + 600 * SECOND, START + 1_200 * SECOND),
        rate: RateProfile::constant(1_000),
        weight: 1.0,
        clear_sky: 1.0,
        fallback: None,
    };
    let passes = [
        Opportunity {
            id: 1,
            window: Interval::new(START, START),
            ..pass.clone()
        },
        Opportunity {
            id: 2,
            window: Interval::new(START - 90 * SECOND, START - 30 * SECOND),
            ..pass.clone()
        },
        Opportunity {
            id: 3,
            station: 9,
            ..pass.clone()
        },
        Opportunity {
            id: 4,
            window: Interval::new(START + 600 * SECOND, START + 659 * SECOND),
            ..pass.clone()
        },
        Opportunity {
            id: 5,
            weight: f64::NAN,
            ..pass.clone()
        },
        Opportunity {
            id: 6,
            clear_sky: 1.5,
            ..pass.clone()
        },
        Opportunity {
            id: 7,
            rate: RateProfile::default(),
            ..pass.clone()
        },
        Opportunity {
            id: 8,
            fallback: Some(77),
            band: Band::Optical,
            ..pass.clone()
        },
        Opportunity {
            id: 10,
            window: Interval::new(i64::MIN, i64::MAX),
            ..pass.clone()
        },
        Opportunity {
            id: 11,
            ..pass.clone()
        },
        Opportunity {
            id: 11,
            ..pass.clone()
        },
    ];
    let antennas = [Band::Ka, Band::Optical].map(|band| Antennas {
        station: 0,
        band,
        count: 1,
        setup: 60 * SECOND,
        teardown: 0,
        contact_min: 60 * SECOND,
        closed: Vec::new(),
    });
    let window = Interval::new(START, START + 3_600 * SECOND);
    let plan = plan_contacts(&PlanRequest::new(window, &passes, &antennas)).expect("a plan");
    let reason = |id: u64| {
        let found = plan.refused.iter().find(|r| r.opportunity == id);
        found.map(|r| r.reason.clone())
    };
    assert_eq!(reason(1), Some(Unusable::Empty));
    assert_eq!(reason(2), Some(Unusable::Outside));
    assert_eq!(reason(3), Some(Unusable::NoAntenna));
    let short = Unusable::Short {
        available: 59 * SECOND,
        needed: 60 * SECOND,
    };
    assert_eq!(reason(4), Some(short));
    assert!(matches!(reason(5), Some(Unusable::Weight { .. })));
    assert!(matches!(reason(6), Some(Unusable::ClearSky { .. })));
    assert_eq!(reason(7), Some(Unusable::Worthless));
    assert_eq!(reason(8), Some(Unusable::Fallback { fallback: 77 }));
    assert_eq!(reason(11), Some(Unusable::Repeated));
    // The rest is planned, an endless pass within the plan's window.
    assert_eq!(plan.contacts.len(), 1);
    assert_eq!(plan.contacts[0].opportunity, 10);
    assert_eq!(plan.contacts[0].interval.start, START + 60 * SECOND);
}

#[test]
fn an_empty_request_gives_an_empty_plan() {
    let window = Interval::new(START, START);
    for window in [
        window,
        Interval::new(START, START - 5),
        Interval::new(START, START + 1),
    ] {
        let plan = plan_contacts(&PlanRequest::new(window, &[], &[])).expect("a plan");
        assert!(plan.contacts.is_empty());
        assert_eq!((plan.value, plan.bound, plan.gap()), (0.0, 0.0, 0.0));
    }
}

#[test]
fn contradictory_requests_are_errors() {
    let window = Interval::new(START, START + 3_600 * SECOND);
    let mut antennas = synthetic::antennas(1);
    let mut request = PlanRequest::new(window, &[], &antennas);
    request.slot = 7 * SECOND;
    assert!(plan_contacts(&request).is_err());
    request.slot = 0;
    assert!(plan_contacts(&request).is_err());
    request.slot = SECOND;
    request.window.end = START + 400 * 86_400 * SECOND;
    assert!(plan_contacts(&request).is_err());
    request.window = Interval::new(i64::MIN, i64::MAX);
    assert!(plan_contacts(&request).is_err());
    antennas[0].setup = -1;
    assert!(plan_contacts(&PlanRequest::new(window, &[], &antennas)).is_err());
    antennas[0].setup = 0;
    antennas[1].station = 0;
    assert!(plan_contacts(&PlanRequest::new(window, &[], &antennas)).is_err());
}
