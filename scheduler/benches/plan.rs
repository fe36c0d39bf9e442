//! Contact plans of whole constellations: time, gap, and what planning again costs.
//!
//! Passes are of circular orbits of some 95 minutes over four stations, 5 degrees above the
//! horizon, from a seed. How scarce antennas are depends on how many each station has: the part of
//! all passes' time that they could serve is printed beside each result. Times are of the processor,
//! so that what else runs on the machine does not count; without Linux's account they are the clock's.

#[allow(dead_code)]
#[path = "../tests/synthetic/mod.rs"]
mod synthetic;

use std::sync::LazyLock;
use std::time::Instant;

use scheduler::interval::{Interval, SECOND};
use scheduler::plan::{PlanRequest, ReplanRequest, plan_contacts, replan_contacts};

const HOURS: i64 = 24;

#[allow(clippy::print_stdout)]
fn main() {
    let mut missed = 0;
    let sizes = [
        (1_000, &[1, 2, 4, 8, 16, 32][..], 0.5, f64::INFINITY),
        (6_000, &[4, 8, 16, 32, 64][..], 0.3, 5.0),
    ];
    for (satellites, counts, gap_max, seconds_max) in sizes {
        let passes = synthetic::passes(1, satellites, HOURS);
        let visible: i64 = passes.iter().map(|pass| pass.window.duration()).sum();
        let minutes = visible as f64 / 60e6 / passes.len() as f64;
        println!(
            "{satellites} satellites, 4 stations, {HOURS} h: {} passes of {minutes:.1} min",
            passes.len()
        );
        let window = Interval::new(synthetic::START, synthetic::START + HOURS * 3_600 * SECOND);
        for count in counts {
            let antennas = synthetic::antennas(*count);
            let request = PlanRequest::new(window, &passes, &antennas);
            let begin = processor_s();
            let plan = plan_contacts(&request).expect("a plan");
            let seconds = processor_s() - begin;
            let lost = &plan.contacts[plan.contacts.len() / 2];
            let failed = [lost.opportunity];
            let again = ReplanRequest {
                request,
                previous: &plan,
                failed: &failed,
                now: lost.interval.start,
                lead: 1_800 * SECOND,
                churn_penalty: 0.1,
            };
            let begin = processor_s();
            let replanned = replan_contacts(&again).expect("a plan");
            let again_ms = (processor_s() - begin) * 1e3;
            let offered = 4.0 * f64::from(*count) * (window.duration() as f64);
            let gap = plan.gap() * 100.0;
            println!(
                "  {count:>2} antennas a station ({:>5.1} % of the passes' time): {:>6} contacts, \
                 gap {gap:.3} %, {seconds:.2} s; again after a failed pass: {} of {} contacts \
                 changed, gap {:.3} %, {again_ms:.0} ms",
                100.0 * offered / visible as f64,
                plan.contacts.len(),
                replanned.churn.diff.changes(),
                replanned.churn.contacts,
                replanned.plan.gap() * 100.0,
            );
            missed += u32::from(gap > gap_max || seconds > seconds_max);
            missed += u32::from(satellites == 1_000 && again_ms > 100.0);
        }
    }
    println!("{missed} of the goals missed");
}

/// Seconds that this thread has spent on a processor.
fn processor_s() -> f64 {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let clock = BEGIN.elapsed().as_secs_f64();
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok())
        .map_or(clock, |nanoseconds| nanoseconds / 1e9)
}
