//! A burst of 200 commands through FOP-1 with a window of 100, a bad link and FARM-1: every command
//! executes exactly once and in order, or is reported failed.
//!
//! `PASSLINE_CHANNEL_RUNS` says how many seeds (200), `PASSLINE_SEED` repeats one.

mod channel;

use std::time::{Duration, Instant};

use channel::CrcFrames;
use channel::run::{COMMANDS, Outcome, Severity, run};

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn seeds() -> std::ops::Range<u64> {
    match number("PASSLINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("PASSLINE_CHANNEL_RUNS").unwrap_or(200),
    }
}

fn outcome(seed: u64, severity: &Severity) -> Outcome {
    run(seed, severity, &mut CrcFrames)
        .unwrap_or_else(|wrong| panic!("PASSLINE_SEED={seed}: {wrong}"))
}

#[test]
fn commands_execute_once_and_in_order_or_are_reported_failed() {
    let severity = Severity {
        loss_max: 0.3,
        bit_error_rate_max: 1e-3,
        disturbed: true,
    };
    let begun = Instant::now();
    let outcomes: Vec<Outcome> = seeds().map(|seed| outcome(seed, &severity)).collect();
    let sum = |value: fn(&Outcome) -> u64| outcomes.iter().map(value).sum::<u64>();
    let runs = outcomes.len() as u64;
    let confirmed = sum(|o| o.confirmed as u64);
    let failed = sum(|o| o.failed as u64);
    let frames = sum(|o| o.uplink.sent);
    let damaged = sum(|o| o.uplink.lost + o.uplink.corrupted + o.uplink.truncated);
    let simulated: Duration = outcomes.iter().map(|o| o.took).sum();
    eprintln!(
        "{runs} runs of {COMMANDS} commands in {:.1} s: {confirmed} confirmed, {failed} failed, \
         {} unsent; {frames} frames sent, {damaged} damaged; {} alerts, {} suspensions, {} aborts, \
         {} CLCWs refused, {} said Wait; {:.1} h simulated",
        begun.elapsed().as_secs_f64(),
        sum(|o| o.unsent as u64),
        sum(|o| u64::from(o.tally.alerts)),
        sum(|o| u64::from(o.tally.suspensions)),
        sum(|o| u64::from(o.tally.aborts)),
        sum(|o| u64::from(o.tally.foreign_clcws)),
        sum(|o| o.waits),
        simulated.as_secs_f64() / 3600.0,
    );
    // The runs are worth something: most commands get through, and everything was met.
    if runs >= 100 {
        let total = runs * COMMANDS as u64;
        assert!(confirmed * 10 > total * 6, "only {confirmed} of {total}");
        assert!(damaged * 10 > frames, "the links are bad");
        assert!(sum(|o| o.uplink.truncated) > 0 && sum(|o| o.uplink.duplicated) > 0);
        assert!(sum(|o| o.waits) > 0 && sum(|o| u64::from(o.tally.alerts)) > 0);
        assert!(sum(|o| u64::from(o.tally.suspensions)) > 0);
        assert!(sum(|o| u64::from(o.tally.foreign_clcws)) > 0);
    }
}

#[test]
fn on_a_clean_link_every_command_is_confirmed_and_sent_once() {
    let severity = Severity {
        loss_max: 0.0,
        bit_error_rate_max: 0.0,
        disturbed: false,
    };
    for seed in 0..20 {
        let outcome = outcome(seed, &severity);
        assert_eq!(outcome.confirmed, COMMANDS, "seed {seed}: {outcome:?}");
        assert_eq!(outcome.uplink.lost + outcome.uplink.corrupted, 0);
    }
}
