//! Contact plans of whole constellations: time and gap.

#[path = "../tests/synthetic/mod.rs"]
mod synthetic;

use std::time::Instant;

use scheduler::interval::{Interval, SECOND};
use scheduler::plan::{PlanRequest, plan_contacts};

#[allow(clippy::print_stdout)]
fn main() {
    for (satellites, counts) in [(1_000, &[16, 32][..]), (6_000, &[8, 16, 32, 64, 128][..])] {
        let passes = synthetic::passes(1, satellites, 24);
        println!("{satellites} satellites, {} passes", passes.len());
        let window = Interval::new(synthetic::START, synthetic::START + 24 * 3_600 * SECOND);
        for count in counts {
            let antennas = synthetic::antennas(*count);
            let request = PlanRequest::new(window, &passes, &antennas);
            let begin = Instant::now();
            let plan = plan_contacts(&request).expect("a plan");
            println!(
                "  {count:>3} antennas: {:>6} contacts, gap {:.3} %, {:.2} s",
                plan.contacts.len(),
                plan.gap() * 100.0,
                begin.elapsed().as_secs_f64()
            );
        }
    }
}
