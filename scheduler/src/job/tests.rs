use super::*;
use crate::interval::{Interval, SECOND};
use crate::node::{Battery, Node, PowerMode, Radiator};
use crate::rate::RateProfile;

const START: i64 = 1_772_323_200 * SECOND;
const HOUR: i64 = 3_600 * SECOND;
const MINUTE: i64 = 60 * SECOND;

fn node(id: u32) -> Node {
    Node {
        id,
        satellite: id,
        battery: Battery {
            capacity_j: 3.6e7,
            charge_efficiency: 0.95,
            discharge_efficiency: 0.95,
            charge_power_max_w: 6_000.0,
            initial_state_of_charge: 1.0,
            state_of_charge_min: 0.3,
            depth_of_discharge_max: 0.5,
        },
        array_power_w: 12_000.0,
        radiator: Radiator {
            area_m2: 30.0,
            emissivity: 0.85,
            sink_sunlit_k: 222.0,
            sink_shadow_k: 188.0,
            heat_capacity_j_k: 400_000.0,
            initial_k: 280.0,
            temperature_max_k: 330.0,
        },
        idle_power_w: 1_000.0,
        accelerators: 8,
        memory_octets: 1 << 40,
        modes: vec![
            PowerMode {
                name: "full".into(),
                power_w: 700.0,
                speed: 1.0,
            },
            PowerMode {
                name: "frugal".into(),
                power_w: 300.0,
                speed: 0.6,
            },
        ],
        labels: vec!["h100".into()],
        // 35 minutes of every 95.
        eclipses: (0..20)
            .map(|orbit| START + orbit * 95 * MINUTE + 60 * MINUTE)
            .map(|entry| Interval::new(entry, entry + 35 * MINUTE))
            .collect(),
        unavailable: Vec::new(),
        loads: Vec::new(),
    }
}

fn contacts(satellite: u32) -> Vec<ContactWindow> {
    (0..12)
        .map(|index| {
            let start = START + index * 2 * HOUR;
            ContactWindow {
                contact: u64::from(satellite) * 100 + index as u64,
                satellite,
                interval: Interval::new(start, start + 8 * MINUTE),
                uplink: RateProfile::constant(1_000_000),
                downlink: RateProfile::constant(100_000_000),
            }
        })
        .collect()
}

fn job(id: u64) -> Job {
    Job {
        id,
        upload_octets: 10_000_000,
        download_octets: 1_000_000_000,
        memory_octets: 1 << 30,
        accelerators: 2,
        duration: 30 * MINUTE,
        modes: Vec::new(),
        checkpoint: None,
        restore: 0,
        release: START,
        deadline: START + 24 * HOUR,
        value: 1.0,
        nodes: Vec::new(),
        labels: Vec::new(),
        after: Vec::new(),
    }
}

fn day() -> Interval {
    Interval::new(START, START + 24 * HOUR)
}

fn plan(nodes: &[Node], jobs: &[Job]) -> JobsPlan {
    let contacts: Vec<_> = nodes.iter().flat_map(|n| contacts(n.satellite)).collect();
    plan_jobs(&JobRequest::new(day(), nodes, &contacts, jobs)).expect("a plan")
}

fn reason(plan: &JobsPlan, job: u64) -> JobRefusal {
    let found = plan.refused.iter().find(|refused| refused.job == job);
    found
        .unwrap_or_else(|| panic!("{job} is planned"))
        .reason
        .clone()
}

#[test]
fn a_job_goes_up_runs_and_comes_down() {
    let plan = plan(&[node(1)], &[job(5)]);
    let placed = &plan.jobs[0];
    assert_eq!(
        (placed.job, placed.node, placed.mode.as_str()),
        (5, 1, "full")
    );
    // 10 s of uplink, then the next whole minute; down in the contact two hours later.
    assert_eq!(
        placed.upload[0].interval,
        Interval::new(START, START + 10 * SECOND)
    );
    assert_eq!(
        placed.run,
        [Interval::new(START + MINUTE, START + 31 * MINUTE)]
    );
    assert_eq!(placed.finish, START + 2 * HOUR + 10 * SECOND);
    assert_eq!(plan.value, 1.0);
}

#[test]
fn circles_are_named_and_the_rest_is_planned() {
    let mut jobs: Vec<Job> = (0..8).map(job).collect();
    jobs[1].after = vec![3];
    jobs[2].after = vec![1];
    jobs[3].after = vec![2];
    // Builds on the circle; builds on itself; builds on what is not there; builds on a good job.
    jobs[4].after = vec![0, 2];
    jobs[5].after = vec![5];
    jobs[6].after = vec![99];
    jobs[7].after = vec![0];
    let plan = plan(&[node(1)], &jobs);
    for id in [1, 2, 3] {
        let JobRefusal::Cycle { mut cycle } = reason(&plan, id) else {
            panic!("{:?}", reason(&plan, id));
        };
        // Each builds on the one before.
        for (index, this) in cycle.iter().enumerate() {
            let before = cycle[(index + cycle.len() - 1) % cycle.len()];
            assert_eq!(jobs[*this as usize].after, [before]);
        }
        cycle.sort_unstable();
        assert_eq!(cycle, [1, 2, 3]);
    }
    assert_eq!(reason(&plan, 4), JobRefusal::Predecessor { on: 2 });
    assert_eq!(reason(&plan, 5), JobRefusal::Cycle { cycle: vec![5] });
    assert_eq!(reason(&plan, 6), JobRefusal::Unknown { on: 99 });
    let planned: Vec<u64> = plan.jobs.iter().map(|plan| plan.job).collect();
    assert_eq!(planned, [0, 7]);
    assert!(plan.jobs[1].run[0].start >= plan.jobs[0].run[0].end);
}

#[test]
fn what_fits_nowhere_is_told_why() {
    let mut jobs: Vec<Job> = (0..12).map(job).collect();
    jobs[0].accelerators = 9;
    jobs[1].labels = vec!["tpu".into()];
    jobs[2].modes = vec!["turbo".into()];
    jobs[3].deadline = START - 1;
    jobs[4].upload_octets = 1 << 40;
    jobs[5].download_octets = 1 << 50;
    jobs[6].duration = 25 * HOUR;
    jobs[7].nodes = vec![77];
    jobs[8].value = f64::NAN;
    jobs[9].duration = 0;
    jobs[10].id = 11;
    let plan = plan(&[node(1)], &jobs);
    for id in [0, 1, 2, 7] {
        assert!(
            matches!(reason(&plan, id), JobRefusal::NoNode { .. }),
            "{id}"
        );
    }
    assert_eq!(reason(&plan, 3), JobRefusal::Deadline);
    assert!(
        matches!(reason(&plan, 4), JobRefusal::Upload { node: 1, available, .. } if available > 0)
    );
    assert!(matches!(
        reason(&plan, 5),
        JobRefusal::Download { node: 1, .. }
    ));
    assert_eq!(reason(&plan, 6), JobRefusal::Busy { node: 1 });
    assert!(matches!(reason(&plan, 8), JobRefusal::Invalid { .. }));
    assert!(matches!(reason(&plan, 9), JobRefusal::Invalid { .. }));
    assert_eq!(reason(&plan, 11), JobRefusal::Repeated);
    assert_eq!(plan.jobs.len(), 0);
}

#[test]
fn battery_and_radiator_refuse_what_they_cannot_bear() {
    let mut dark = node(1);
    dark.eclipses = vec![day()];
    let mut long = job(1);
    long.accelerators = 8;
    long.duration = 2 * HOUR;
    long.modes = vec!["full".into()];
    let found = reason(&plan(&[dark.clone()], &[long.clone()]), 1);
    assert!(
        matches!(found, JobRefusal::Charge { state_of_charge, .. } if state_of_charge < 0.31),
        "{found}"
    );
    dark.battery.state_of_charge_min = 0.0;
    dark.idle_power_w = 10.0;
    let found = reason(&plan(&[dark], &[long.clone()]), 1);
    assert!(
        matches!(found, JobRefusal::Discharge { depth, .. } if depth > 0.499),
        "{found}"
    );
    let mut hot = node(1);
    hot.radiator.area_m2 = 3.0;
    let found = reason(&plan(&[hot], &[long]), 1);
    assert!(
        matches!(found, JobRefusal::Temperature { kelvin, .. } if kelvin > 329.9),
        "{found}"
    );
}

#[test]
fn a_job_with_checkpoints_waits_where_it_could_not_run_in_one_go() {
    let mut small = node(1);
    small.battery.capacity_j = 7.2e6;
    small.array_power_w = 9_000.0;
    let mut long = job(1);
    long.accelerators = 8;
    long.duration = 100 * MINUTE;
    long.modes = vec!["full".into()];
    let whole = plan(&[small.clone()], &[long.clone()]);
    assert!(whole.jobs.is_empty(), "{:?}", whole.jobs);
    long.checkpoint = Some(10 * MINUTE);
    long.restore = 2 * MINUTE;
    let pieces = plan(&[small], &[long]);
    let run = &pieces.jobs[0].run;
    assert!(run.len() > 1, "{run:?}");
    let total: i64 = run.iter().map(Interval::duration).sum();
    let restores = 2 * MINUTE * (run.len() as i64 - 1);
    assert_eq!(total, 100 * MINUTE + restores);
}

#[test]
fn a_million_jobs_for_one_node_are_answered() {
    let jobs: Vec<Job> = (0..1_000_000)
        .map(|id| Job {
            upload_octets: 1_000,
            download_octets: 1_000,
            duration: MINUTE * (1 + id as i64 % 50),
            accelerators: 1 + id as u32 % 8,
            value: (id % 13) as f64,
            checkpoint: (id % 3 == 0).then_some(10 * MINUTE),
            ..job(id)
        })
        .collect();
    let plan = plan(&[node(1)], &jobs);
    assert_eq!(plan.jobs.len() + plan.refused.len(), 1_000_000);
    assert!(plan.jobs.len() > 100, "{}", plan.jobs.len());
    let effort = plan
        .refused
        .iter()
        .filter(|r| r.reason == JobRefusal::Effort);
    assert_eq!(effort.count(), 0);
}

#[test]
fn an_effort_that_is_spent_is_said() {
    let jobs: Vec<Job> = (0..20).map(job).collect();
    let nodes = [node(1)];
    let contacts = contacts(1);
    let mut request = JobRequest::new(day(), &nodes, &contacts, &jobs);
    request.effort_bins = 5_000;
    let plan = plan_jobs(&request).expect("a plan");
    assert_eq!(
        plan.refused.last().map(|r| r.reason.clone()),
        Some(JobRefusal::Effort)
    );
    assert!(!plan.jobs.is_empty());
}

#[test]
fn nodes_that_make_no_sense_are_errors() {
    let mut nodes = vec![node(1), node(1)];
    let error = plan_jobs(&JobRequest::new(day(), &nodes, &[], &[])).unwrap_err();
    assert_eq!(error, JobRequestError::RepeatedNode { node: 1 });
    nodes[1].id = 2;
    nodes[1].radiator.heat_capacity_j_k = 0.0;
    let error = plan_jobs(&JobRequest::new(day(), &nodes, &[], &[])).unwrap_err();
    assert!(matches!(error, JobRequestError::Node { node: 2, .. }));
    let long = Interval::new(START, START + 100 * 24 * HOUR);
    assert!(plan_jobs(&JobRequest::new(long, &[], &[], &[])).is_err());
}

#[test]
fn after_safe_mode_and_overrun_only_what_must_move_moves() {
    let nodes = [node(1), node(2)];
    let contacts: Vec<_> = nodes.iter().flat_map(|n| contacts(n.satellite)).collect();
    let jobs: Vec<Job> = (0..30).map(job).collect();
    let request = JobRequest::new(day(), &nodes, &contacts, &jobs);
    let before = plan_jobs(&request).expect("a plan");
    let replan = |request, overruns: &[Overrun], now| {
        replan_jobs(&JobReplanRequest {
            request,
            previous: &before,
            overruns,
            now,
            lead: 10 * MINUTE,
        })
        .expect("a plan")
    };
    let again = replan(request, &[], START);
    assert_eq!(again.plan, before);
    assert_eq!(again.churn.kept, before.jobs.len());

    let mut safe = nodes.clone();
    let now = START + 20 * MINUTE;
    safe[0].unavailable = vec![Interval::new(now, START + 3 * HOUR)];
    let again = replan(
        JobRequest {
            nodes: &safe,
            ..request
        },
        &[],
        now,
    );
    for old in &before.jobs {
        let hit = old.node == 1
            && old
                .run
                .iter()
                .any(|run| run.overlaps(&safe[0].unavailable[0]));
        let moved = again.churn.moved.contains(&old.job) || again.churn.dropped.contains(&old.job);
        assert_eq!(hit, moved, "{old:?}");
    }

    let first = before
        .jobs
        .iter()
        .min_by_key(|plan| plan.run[0])
        .expect("a job");
    let overruns = [Overrun {
        job: first.job,
        by: 20 * MINUTE,
    }];
    let again = replan(request, &overruns, now);
    let longer = again
        .plan
        .jobs
        .iter()
        .find(|plan| plan.job == first.job)
        .expect("it runs");
    assert_eq!(longer.run[0].end, first.run[0].end + 20 * MINUTE);
    assert!(again.churn.moved.len() <= 8, "{:?}", again.churn);
    assert!(again.churn.kept >= 20, "{:?}", again.churn);
}
