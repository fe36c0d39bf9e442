//! The same for jobs: contacts' octets, accelerators, memory, precedence, and battery and radiator
//! second by second.

use std::collections::HashMap;

use scheduler::interval::Interval;
use scheduler::job::{ContactWindow, Job, JobPlan, JobsPlan};
use scheduler::node::Node;
use scheduler::rate::RateProfile;
use scheduler::upload::Piece;

use super::SECOND;

/// All violations, in words.
pub(crate) fn jobs(
    plan: &JobsPlan,
    nodes: &[Node],
    contacts: &[ContactWindow],
    jobs: &[Job],
) -> Vec<String> {
    let mut wrong = Vec::new();
    let by_id: HashMap<u64, &Job> = jobs.iter().map(|job| (job.id, job)).collect();
    let plans: HashMap<u64, &JobPlan> = plan.jobs.iter().map(|plan| (plan.job, plan)).collect();
    if plan.jobs.len() + plan.refused.len() != jobs.len() {
        wrong.push("a job is neither planned nor refused".into());
    }
    for placed in &plan.jobs {
        let Some(job) = by_id.get(&placed.job) else {
            wrong.push(format!("no such job: {placed:?}"));
            continue;
        };
        one(placed, job, nodes, &plans, plan, &mut wrong);
    }
    for up in [true, false] {
        links(plan, nodes, contacts, up, &mut wrong);
    }
    for node in nodes {
        replay(plan, node, &by_id, &mut wrong);
    }
    wrong
}

fn one(
    placed: &JobPlan,
    job: &Job,
    nodes: &[Node],
    plans: &HashMap<u64, &JobPlan>,
    plan: &JobsPlan,
    wrong: &mut Vec<String>,
) {
    let mut say = |what: &str| wrong.push(format!("{what}: {placed:?}"));
    let Some(node) = nodes.iter().find(|node| node.id == placed.node) else {
        return say("no such node");
    };
    if !job.nodes.is_empty() && !job.nodes.contains(&node.id) {
        say("not a node that it may use");
    }
    if job.labels.iter().any(|label| !node.labels.contains(label)) {
        say("a label is missing");
    }
    let Some(mode) = node.modes.iter().find(|mode| mode.name == placed.mode) else {
        return say("no such mode");
    };
    if !job.modes.is_empty() && !job.modes.contains(&mode.name) {
        say("not a mode that it may use");
    }
    let sum = |pieces: &[Piece]| pieces.iter().map(|piece| piece.octets).sum::<u64>();
    if sum(&placed.upload) != job.upload_octets || sum(&placed.download) != job.download_octets {
        say("octets are missing");
    }
    let ordered = placed
        .run
        .windows(2)
        .all(|pair| pair[0].end < pair[1].start);
    let (Some(first), Some(last)) = (placed.run.first(), placed.run.last()) else {
        return say("it never runs");
    };
    if !ordered || placed.run.iter().any(|run| run.end <= run.start) {
        say("runs overlap");
    }
    let uploaded = placed.upload.iter().map(|piece| piece.interval.end).max();
    if uploaded.is_some_and(|time| time > first.start) || first.start < job.release {
        say("runs before it is aboard");
    }
    if placed
        .upload
        .iter()
        .any(|piece| piece.interval.start < job.release)
    {
        say("goes up before its release");
    }
    if placed
        .download
        .iter()
        .any(|piece| piece.interval.start < last.end)
    {
        say("comes down before it has run");
    }
    let down = placed.download.iter().map(|piece| piece.interval.end).max();
    if placed.finish != down.unwrap_or(last.end) || placed.finish > job.deadline {
        say("not done by its deadline");
    }
    if first.start < plan.window.start || last.end > plan.window.end {
        say("outside the plan");
    }
    let work = job.duration as f64 / mode.speed;
    let pauses = placed.run.len() as i64 - 1;
    let ran: i64 = placed.run.iter().map(|run| run.end - run.start).sum();
    if (ran as f64) < work - 1.0 + (pauses * job.restore) as f64 {
        say("runs too short");
    }
    match job.checkpoint {
        None if pauses > 0 => say("pauses without a checkpoint"),
        // What runs between two pauses reaches a checkpoint at least.
        Some(checkpoint) => {
            let short = placed.run[..placed.run.len() - 1]
                .iter()
                .any(|run| run.end - run.start < checkpoint);
            if short {
                say("pauses before a checkpoint");
            }
        }
        None => {}
    }
    for on in &job.after {
        match plans.get(on) {
            None => say("runs without a job that it builds on"),
            Some(before) => {
                let ready = if before.node == placed.node {
                    before.run.last().map_or(0, |run| run.end)
                } else {
                    before.finish
                };
                if ready > first.start {
                    say("runs before a job that it builds on");
                }
            }
        }
    }
}

fn integral(rate: &RateProfile, start: i64, end: i64) -> u64 {
    let steps = rate.steps();
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

/// In each contact and direction octets follow each other, none twice, none before it can flow.
fn links(
    plan: &JobsPlan,
    nodes: &[Node],
    contacts: &[ContactWindow],
    up: bool,
    wrong: &mut Vec<String>,
) {
    let satellite: HashMap<u32, u32> = nodes.iter().map(|n| (n.id, n.satellite)).collect();
    let mut taken: HashMap<u64, Vec<(u64, u64)>> = HashMap::new();
    for placed in &plan.jobs {
        for piece in if up { &placed.upload } else { &placed.download } {
            let Some(contact) = contacts.iter().find(|c| c.contact == piece.contact) else {
                wrong.push(format!("no such contact: {piece:?}"));
                continue;
            };
            if satellite.get(&placed.node) != Some(&contact.satellite) {
                wrong.push(format!("another satellite's contact: {piece:?}"));
            }
            let (start, end) = (contact.interval.start, contact.interval.end);
            let rate = if up {
                &contact.uplink
            } else {
                &contact.downlink
            };
            if piece.interval.start < start || piece.interval.end > end {
                wrong.push(format!("outside the contact: {piece:?}"));
            }
            // Times are whole microseconds, in which several octets may flow.
            let begun = integral(rate, start, piece.interval.start - 1);
            let ended = integral(rate, start, piece.interval.end);
            if piece.offset + piece.octets > ended || begun > piece.offset {
                wrong.push(format!("octets flow faster than they can: {piece:?}"));
            }
            taken
                .entry(piece.contact)
                .or_default()
                .push((piece.offset, piece.offset + piece.octets));
        }
    }
    for (contact, mut ranges) in taken {
        ranges.sort_unstable();
        if ranges.windows(2).any(|pair| pair[0].1 > pair[1].0) {
            wrong.push(format!("octets of contact {contact} are given twice"));
        }
    }
}

/// Walks the seconds of a node.
fn replay(plan: &JobsPlan, node: &Node, jobs: &HashMap<u64, &Job>, wrong: &mut Vec<String>) {
    let here: Vec<(&JobPlan, &Job)> = plan
        .jobs
        .iter()
        .filter(|placed| placed.node == node.id)
        .filter_map(|placed| Some((placed, *jobs.get(&placed.job)?)))
        .collect();
    if here.is_empty() {
        return;
    }
    let first = plan.window.start / SECOND;
    let seconds = (plan.window.end / SECOND - first) as usize;
    let (mut used, mut memory, mut load) = (
        vec![0_u32; seconds],
        vec![0_u64; seconds],
        vec![node.idle_power_w; seconds],
    );
    let range = |interval: &Interval| {
        let at = |time: i64| (time / SECOND - first).clamp(0, seconds as i64) as usize;
        at(interval.start)..at(interval.end)
    };
    for (placed, job) in &here {
        let mode = node.modes.iter().find(|mode| mode.name == placed.mode);
        let power = mode.map_or(0.0, |mode| mode.power_w) * f64::from(job.accelerators);
        for run in &placed.run {
            for second in range(run) {
                used[second] += job.accelerators;
                memory[second] += job.memory_octets;
                load[second] += power;
            }
            if node
                .unavailable
                .iter()
                .any(|u| u.start < run.end && run.start < u.end)
            {
                wrong.push(format!("runs on node {} while it is unavailable", node.id));
            }
        }
    }
    let mut dark = vec![false; seconds];
    for eclipse in &node.eclipses {
        dark[range(eclipse)].fill(true);
    }
    for fixed in &node.loads {
        for second in range(&fixed.interval) {
            load[second] += fixed.power_w;
        }
    }
    let battery = &node.battery;
    let radiator = &node.radiator;
    let mut energy = battery.capacity_j * battery.initial_state_of_charge;
    let (mut top, mut kelvin) = (energy, radiator.initial_k);
    for second in 0..seconds {
        if used[second] > node.accelerators || memory[second] > node.memory_octets {
            wrong.push(format!(
                "node {} has too few accelerators or memory at {second}",
                node.id
            ));
            return;
        }
        let sun = if dark[second] {
            0.0
        } else {
            node.array_power_w
        };
        let net = sun - load[second];
        if net >= 0.0 {
            energy += net.min(battery.charge_power_max_w) * battery.charge_efficiency;
            energy = energy.min(battery.capacity_j);
            top = energy;
        } else {
            energy += net / battery.discharge_efficiency;
        }
        let sink: f64 = if dark[second] {
            radiator.sink_shadow_k
        } else {
            radiator.sink_sunlit_k
        };
        let slope = |kelvin: f64| {
            let radiated = radiator.emissivity
                * 5.670_374_419e-8
                * radiator.area_m2
                * (kelvin.powi(4) - sink.powi(4));
            (load[second] - radiated) / radiator.heat_capacity_j_k
        };
        kelvin += slope(kelvin + 0.5 * slope(kelvin));
        let charge = energy / battery.capacity_j;
        let depth = (top - energy) / battery.capacity_j;
        if charge < battery.state_of_charge_min
            || depth > battery.depth_of_discharge_max
            || kelvin > radiator.temperature_max_k
        {
            wrong.push(format!(
                "node {} at {second} s: charge {charge:.4}, depth {depth:.4}, {kelvin:.2} K",
                node.id
            ));
            return;
        }
    }
}
