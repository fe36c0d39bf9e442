//! The burst of 200 commands of `channel_runs.rs` with everything between: packets, SDLS, frames and
//! CLTUs in every code. Every command executes once and in order, or is reported failed; what
//! FARM-1 accepts, security accepts, unless it was sent before.
//!
//! `PASSLINE_SECURED_RUNS` says how many seeds for each code (10), `PASSLINE_SEED` repeats one.

mod channel;

use channel::cltu_frames::CltuFrames;
use channel::run::{COMMANDS, Severity, run};
use space_link::cltu::{CltuCode, LdpcTail};

const CODES: [CltuCode; 3] = [
    CltuCode::Bch { randomized: true },
    CltuCode::Ldpc128(LdpcTail::Corrected),
    CltuCode::Ldpc512,
];

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn protected_commands_execute_once_and_in_order_or_are_reported_failed() {
    let severity = Severity {
        loss_max: 0.3,
        bit_error_rate_max: 1e-3,
        disturbed: true,
    };
    let seeds = match number("PASSLINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("PASSLINE_SECURED_RUNS").unwrap_or(10),
    };
    for code in CODES {
        let (mut confirmed, mut failed, mut refused) = (0, 0, 0);
        for seed in seeds.clone() {
            let mut layer = CltuFrames::new(code);
            let outcome = run(seed, &severity, &mut layer)
                .unwrap_or_else(|wrong| panic!("PASSLINE_SEED={seed} {code:?}: {wrong}"));
            confirmed += outcome.confirmed;
            failed += outcome.failed;
            refused += layer.refused;
        }
        eprintln!("{code:?}: {confirmed} confirmed, {failed} failed, {refused} refused");
        assert!(confirmed > 0);
    }
}

#[test]
fn on_a_clean_link_every_protected_command_is_confirmed() {
    let severity = Severity {
        loss_max: 0.0,
        bit_error_rate_max: 0.0,
        disturbed: false,
    };
    for code in CODES {
        let mut layer = CltuFrames::new(code);
        let outcome = run(1, &severity, &mut layer).unwrap();
        assert_eq!(outcome.confirmed, COMMANDS, "{code:?}: {outcome:?}");
        assert_eq!(layer.refused, 0);
    }
}
