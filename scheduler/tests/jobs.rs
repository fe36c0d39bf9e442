//! Plans of jobs against the independent checker.

#[allow(dead_code)]
mod checker;
#[allow(dead_code)]
mod synthetic;

use scheduler::interval::{Interval, SECOND};
use scheduler::job::{
    ContactWindow, Job, JobReplanRequest, JobRequest, JobsPlan, Overrun, plan_jobs, replan_jobs,
};
use scheduler::node::{Battery, FixedLoad, Node, PowerMode, Radiator};
use scheduler::rate::{RateProfile, RateStep};
use synthetic::{Random, START};

const MINUTE: i64 = 60 * SECOND;

struct Small {
    window: Interval,
    nodes: Vec<Node>,
    contacts: Vec<ContactWindow>,
    jobs: Vec<Job>,
}

impl Small {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed ^ 0xABCD);
        let window = Interval::new(START, START + 400 * MINUTE);
        let count = 1 + random.below(3) as u32;
        let mut small = Self {
            window,
            nodes: Vec::new(),
            contacts: Vec::new(),
            jobs: Vec::new(),
        };
        for id in 0..count {
            small.node(&mut random, id);
        }
        let jobs = 5 + random.below(40);
        for id in 0..jobs {
            small.job(&mut random, id);
        }
        small
    }

    fn node(&mut self, random: &mut Random, id: u32) {
        let shift = random.below(5_700) as i64 * SECOND;
        let eclipses: Vec<Interval> = (0..5)
            .map(|orbit| START - shift + orbit * 5_700 * SECOND + 3_600 * SECOND)
            .map(|entry| Interval::new(entry, entry + 2_100 * SECOND))
            .collect();
        for number in 0..4 {
            let start = START + number * 95 * MINUTE + random.below(2_000) as i64 * SECOND;
            let rate = |random: &mut Random, scale: u64| {
                let steps = (0..4).map(|step| RateStep {
                    from: start + step * 100 * SECOND,
                    octets_per_second: scale * random.below(5),
                });
                RateProfile::new(steps.collect())
            };
            self.contacts.push(ContactWindow {
                contact: u64::from(id) * 10 + number as u64,
                satellite: id + 7,
                interval: Interval::new(start, start + 420 * SECOND),
                uplink: rate(random, 100_000),
                downlink: rate(random, 3_000_000),
            });
        }
        let loads = self.contacts.iter().filter(|c| c.satellite == id + 7);
        self.nodes.push(Node {
            id,
            satellite: id + 7,
            battery: Battery {
                capacity_j: random.between(5e6, 4e7),
                charge_efficiency: 0.95,
                discharge_efficiency: 0.94,
                charge_power_max_w: random.between(2_000.0, 8_000.0),
                initial_state_of_charge: random.between(0.6, 1.0),
                state_of_charge_min: random.between(0.1, 0.4),
                depth_of_discharge_max: random.between(0.3, 0.7),
            },
            array_power_w: random.between(5_000.0, 12_000.0),
            radiator: Radiator {
                area_m2: random.between(8.0, 30.0),
                emissivity: 0.85,
                sink_sunlit_k: 222.0,
                sink_shadow_k: 188.0,
                heat_capacity_j_k: random.between(5e4, 8e5),
                initial_k: random.between(260.0, 300.0),
                temperature_max_k: random.between(315.0, 340.0),
            },
            idle_power_w: random.between(200.0, 1_200.0),
            accelerators: 1 + random.below(8) as u32,
            memory_octets: 1_000 + random.below(1_000),
            modes: vec![
                PowerMode {
                    name: "full".into(),
                    power_w: 700.0,
                    speed: 1.0,
                },
                PowerMode {
                    name: "frugal".into(),
                    power_w: 300.0,
                    speed: 0.55,
                },
            ],
            labels: if random.below(2) == 0 {
                vec!["a".into()]
            } else {
                Vec::new()
            },
            eclipses,
            unavailable: if random.below(4) == 0 {
                vec![Interval::new(START + 70 * MINUTE, START + 100 * MINUTE + 1)]
            } else {
                Vec::new()
            },
            loads: loads
                .map(|contact| FixedLoad {
                    interval: contact.interval,
                    power_w: 400.0,
                })
                .collect(),
        });
    }

    fn job(&mut self, random: &mut Random, id: u64) {
        let release = START + random.below(200) as i64 * MINUTE;
        self.jobs.push(Job {
            id,
            upload_octets: random.below(8_000_000),
            download_octets: random.below(200_000_000),
            memory_octets: random.below(900),
            accelerators: 1 + random.below(5) as u32,
            duration: 30 * SECOND + random.below(7_000) as i64 * SECOND,
            modes: match random.below(4) {
                0 => vec!["frugal".into()],
                1 => vec!["full".into()],
                _ => Vec::new(),
            },
            checkpoint: (random.below(2) == 0).then(|| 60 * SECOND * (1 + random.below(12) as i64)),
            restore: random.below(3) as i64 * 45 * SECOND,
            release,
            deadline: release + (60 + random.below(340) as i64) * MINUTE,
            value: random.between(0.0, 10.0),
            nodes: if random.below(5) == 0 {
                vec![random.below(3) as u32]
            } else {
                Vec::new()
            },
            labels: if random.below(8) == 0 {
                vec!["a".into()]
            } else {
                Vec::new()
            },
            after: if id > 0 && random.below(4) == 0 {
                vec![random.below(id)]
            } else {
                Vec::new()
            },
        });
    }

    fn request(&self) -> JobRequest<'_> {
        JobRequest::new(self.window, &self.nodes, &self.contacts, &self.jobs)
    }

    fn wrong(&self, plan: &JobsPlan) -> Vec<String> {
        checker::jobs::jobs(plan, &self.nodes, &self.contacts, &self.jobs)
    }
}

#[test]
fn no_plan_of_jobs_breaks_a_rule() {
    let (mut planned, mut paused, mut stopped) = (0, 0, 0);
    for seed in 0..1_000 {
        let small = Small::new(seed);
        let plan = plan_jobs(&small.request()).expect("a plan");
        assert_eq!(small.wrong(&plan), [""; 0], "seed {seed}");
        planned += plan.jobs.len();
        paused += plan.jobs.iter().filter(|job| job.run.len() > 1).count();
        stopped += plan
            .refused
            .iter()
            .filter(|r| {
                use scheduler::job::JobRefusal::{Charge, Discharge, Temperature};
                matches!(
                    r.reason,
                    Charge { .. } | Discharge { .. } | Temperature { .. }
                )
            })
            .count();
    }
    // The instances have all of it in them.
    eprintln!("{planned} planned, {paused} with pauses, {stopped} stopped by energy or heat");
    assert!(
        planned > 3_000 && paused > 100 && stopped > 100,
        "{planned} {paused} {stopped}"
    );
}

#[test]
fn no_plan_again_breaks_a_rule_and_the_same_request_gives_the_same() {
    for seed in 0..100 {
        let mut small = Small::new(seed);
        let before = plan_jobs(&small.request()).expect("a plan");
        assert_eq!(before, plan_jobs(&small.request()).expect("a plan"));
        let now = START + 90 * MINUTE;
        let overruns: Vec<Overrun> = before
            .jobs
            .iter()
            .filter(|plan| plan.run[0].start < now)
            .take(1)
            .map(|plan| Overrun {
                job: plan.job,
                by: 7 * MINUTE,
            })
            .collect();
        small.nodes[0]
            .unavailable
            .push(Interval::new(START + 150 * MINUTE, START + 200 * MINUTE));
        let again = replan_jobs(&JobReplanRequest {
            request: small.request(),
            previous: &before,
            overruns: &overruns,
            now,
            lead: 5 * MINUTE,
        })
        .expect("a plan");
        assert_eq!(small.wrong(&again.plan), [""; 0], "seed {seed}");
    }
}
