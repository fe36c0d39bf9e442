//! One run: everything about it follows from its seed.

use std::time::Duration;

use simulator::{
    BurstLoss, Farm, FarmSettings, Injection, LinkChannel, LinkCounts, LinkFaults, UplinkFrame,
    forged_clcws,
};
use space_link::cop::ControlCommand;
use space_link::frame::Vcid;
use tc_encoder::fop::{Directive, Fop, Settings, TimeoutType};

use super::ground::{Fate, Ground, Phase, Tally};
use super::spacecraft::Spacecraft;
use super::{Dice, FrameLayer};

/// Commands of the burst.
pub(crate) const COMMANDS: usize = 200;
const WINDOW: u8 = 100;
/// A run that takes longer than this has stalled.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

/// What a run showed.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) confirmed: usize,
    pub(crate) failed: usize,
    pub(crate) unsent: usize,
    pub(crate) tally: Tally,
    pub(crate) uplink: LinkCounts,
    pub(crate) waits: u64,
    pub(crate) took: Duration,
}

/// How bad a run's links are.
pub(crate) struct Severity {
    pub(crate) loss_max: f64,
    pub(crate) bit_error_rate_max: f64,
    pub(crate) disturbed: bool,
}

struct Links {
    uplink: LinkFaults,
    downlink: LinkFaults,
}

fn millis(value: f64) -> Duration {
    Duration::from_secs_f64(value / 1000.0)
}

fn links(
    dice: &mut Dice,
    severity: &Severity,
    vcid: Vcid,
    far: u8,
    layer: &mut impl FrameLayer,
) -> Links {
    let bit_error_rate = match dice.below(3) {
        0 => 0.0,
        _ => severity.bit_error_rate_max * 10_f64.powf(dice.between(-3.0, 0.0)),
    };
    let mut faults = LinkFaults {
        bits_per_second: 10_f64.powf(dice.between(3.6, 5.0)),
        delay: millis(dice.between(2.0, 300.0)),
        bit_error_rate,
        loss: dice.between(0.0, severity.loss_max),
        ..LinkFaults::default()
    };
    let mut down = LinkFaults {
        bits_per_second: 1e6,
        loss: dice.between(0.0, severity.loss_max),
        bit_error_rate: bit_error_rate * dice.unit(),
        ..faults.clone()
    };
    if severity.disturbed {
        faults.jitter = millis(dice.between(0.0, 50.0));
        faults.straggling = millis(dice.between(0.0, 400.0));
        if dice.happens(0.5) {
            faults.duplication = dice.between(0.0, 0.1);
            faults.reordering = dice.between(0.0, 0.1);
        }
        if dice.happens(0.3) {
            faults.bursts = Some(BurstLoss {
                begin: dice.between(0.0, 0.02),
                end: dice.between(0.05, 0.5),
            });
        }
        // CLCWs seldom overtake one another, but FOP-1 must come through it.
        if dice.happens(0.1) {
            down.duplication = dice.between(0.0, 0.05);
            down.reordering = dice.between(0.0, 0.005);
            down.straggling = millis(dice.between(0.0, 200.0));
        }
        let mut from = 0.0;
        for _ in 0..dice.below(4) {
            from += dice.between(100.0, 20_000.0);
            let to = from + dice.between(10.0, 5_000.0);
            faults.outages.push(millis(from)..millis(to));
            from = to;
        }
        down.outages.clone_from(&faults.outages);
        if dice.happens(0.25) {
            let units = forged_clcws(vcid, far).into_iter();
            down.injection = Some(Injection {
                probability: dice.between(0.0, 0.004),
                units: units.map(|word| layer.encode_report(word)).collect(),
            });
        }
    }
    Links {
        uplink: faults,
        downlink: down,
    }
}

/// Runs a burst of commands through the links of a seed, and checks what must be true of it.
///
/// # Errors
/// What was not true, in words.
pub(crate) fn run(
    seed: u64,
    severity: &Severity,
    layer: &mut impl FrameLayer,
) -> Result<Outcome, String> {
    let mut dice = Dice(seed);
    let vcid = Vcid::new(dice.below(64) as u8).expect("six bits");
    let first = dice.below(256) as u8;
    // Ahead of everything that is sent: neither window ever reaches it.
    let far = first.wrapping_add(COMMANDS as u8).wrapping_add(28);
    let faults = links(&mut dice, severity, vcid, far, layer);
    let report_interval = millis(dice.between(20.0, 200.0));
    let mut uplink = LinkChannel::new(faults.uplink, seed).expect("faults are in range");
    let mut downlink = LinkChannel::new(faults.downlink, !seed).expect("faults are in range");

    let mut farm = Farm::new(FarmSettings {
        virtual_channel: vcid,
        window: 254,
        buffers: 1 + dice.below(16) as usize,
    })
    .expect("settings are in range");
    farm.handle_frame(UplinkFrame::Bc(ControlCommand::SetVr(first)));
    let mut spacecraft = Spacecraft {
        farm,
        execution: millis(10_f64.powf(dice.between(-0.7, 2.0))),
        report_interval,
        next_execution: Duration::ZERO,
        next_report: Duration::ZERO,
        executed: Vec::new(),
        waits: 0,
    };

    let frame_time = millis(30.0 * 8.0 * 1000.0 / 4000.0);
    let depth = 1 + dice.below(4) as usize;
    let round_trip = uplink.slowest() + downlink.slowest() + report_interval * 3;
    let settings = Settings {
        window: WINDOW,
        t1_initial: round_trip + frame_time * (depth as u32 + 1),
        transmission_limit: 3 + dice.below(60) as u8,
        timeout_type: if dice.happens(0.5) {
            TimeoutType::Suspend
        } else {
            TimeoutType::Alert
        },
    };
    let fop = Fop::new(vcid, settings).expect("settings are in range");
    let mut ground = Ground::new(fop, COMMANDS, depth, dice.happens(0.5));
    begin(&mut dice, &mut ground, &mut spacecraft, first, &uplink);

    let mut now = Duration::ZERO;
    loop {
        while let Some(arrival) = uplink.receive(now) {
            spacecraft.receive(layer, &arrival.octets);
        }
        while let Some(arrival) = downlink.receive(now) {
            let fresh = ground
                .settled_at(&uplink)
                .is_some_and(|settled| now > settled + downlink.slowest() + millis(1.0));
            ground.receive(layer, &arrival.octets, fresh, now);
        }
        spacecraft.work(layer, &mut downlink, now);
        ground.work(layer, &mut uplink, now);
        if ground.is_done() && ground.queue.is_empty() && uplink.next_arrival().is_none() {
            break;
        }
        if now > LONGEST {
            return Err(format!(
                "stalled in {:?} and {}: {:?}",
                ground.phase,
                ground.fop.state(),
                ground.fates
            ));
        }
        now = next_moment(now, &ground, &spacecraft, &uplink, &downlink);
    }
    spacecraft.finish(layer);
    judge(&ground.fates, &spacecraft.executed)?;
    let count = |fate| ground.fates.iter().filter(|f| **f == fate).count();
    Ok(Outcome {
        confirmed: count(Fate::Confirmed),
        failed: count(Fate::Failed),
        unsent: count(Fate::Unsent),
        tally: ground.tally,
        uplink: uplink.counts(),
        waits: spacecraft.waits,
        took: now,
    })
}

/// Begins AD service in one of its four ways.
fn begin(
    dice: &mut Dice,
    ground: &mut Ground,
    spacecraft: &mut Spacecraft,
    first: u8,
    uplink: &LinkChannel,
) {
    let now = Duration::ZERO;
    match dice.below(4) {
        0 => {
            ground.direct(Directive::SetVs(first), now);
            ground.initiate(Directive::InitiateWithoutClcw, now);
        }
        1 => {
            ground.direct(Directive::SetVs(first), now);
            ground.initiate(Directive::InitiateWithClcw, now);
        }
        2 => {
            let n_s = first.wrapping_add(128);
            let payload = Vec::new();
            spacecraft
                .farm
                .handle_frame(UplinkFrame::Ad { n_s, payload });
            assert!(spacecraft.farm.lockout());
            ground.direct(Directive::SetVs(first), now);
            ground.initiate(Directive::InitiateWithUnlock, now);
        }
        _ => {
            // A repeated Set V(R) that comes late would make frames execute twice: COP-1 cannot
            // tell it from a new one.
            ground.pause_after_initiation = uplink.slowest() + millis(500.0);
            ground.initiate(Directive::InitiateWithSetVr(first), now);
        }
    }
}

fn next_moment(
    now: Duration,
    ground: &Ground,
    spacecraft: &Spacecraft,
    uplink: &LinkChannel,
    downlink: &LinkChannel,
) -> Duration {
    let pause = match ground.phase {
        Phase::Pausing(until) => Some(until),
        _ => None,
    };
    let sending = (!ground.queue.is_empty()).then(|| uplink.free_at());
    [
        uplink.next_arrival(),
        downlink.next_arrival(),
        ground.fop.poll_timeout(),
        sending,
        pause,
        Some(spacecraft.next_execution),
        Some(spacecraft.next_report),
    ]
    .into_iter()
    .flatten()
    .filter(|moment| *moment > now)
    .min()
    .unwrap_or(now)
    .max(now + Duration::from_micros(1))
}

/// Exactly once and in order, or reported failed.
fn judge(fates: &[Fate], executed: &[u32]) -> Result<(), String> {
    if let Some(pair) = executed.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(format!("command {} executed after {}", pair[1], pair[0]));
    }
    for (number, fate) in (0..).zip(fates) {
        let done = executed.binary_search(&number).is_ok();
        match fate {
            Fate::Confirmed if !done => return Err(format!("command {number} was lost silently")),
            Fate::Unsent if done => return Err(format!("command {number} executed unsent")),
            Fate::Submitted | Fate::UnderWay => return Err(format!("{number} is {fate:?}")),
            _ => {}
        }
    }
    Ok(())
}
