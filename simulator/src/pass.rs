//! A pass: what a ground station receives from one node.

use space_link::frame::Scid;
use space_link::reed_solomon::ReedSolomonError;
use thiserror::Error;

use crate::channel::Faults;
use crate::downlink::Downlink;
use crate::node::Node;
use crate::packet::{Application, cds};
use crate::telemetry;
use crate::truth::Truth;

/// Seconds between packets of each kind, 0 for never; events are sent when they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// Spacecraft computer.
    pub housekeeping: u32,
    /// Array, battery, bus.
    pub power: u32,
    /// Each of the 4 coolant loops.
    pub thermal: u32,
    /// Each of the 64 accelerators.
    pub compute_node: u32,
    /// Each job.
    pub compute_job: u32,
    /// Each of the 4 laser terminals.
    pub optical_link: u32,
    /// Ka-band transponder.
    pub rf_link: u32,
    /// Attitude and orbit.
    pub attitude: u32,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            housekeeping: 10,
            power: 10,
            thermal: 10,
            compute_node: 30,
            compute_job: 30,
            optical_link: 10,
            rf_link: 10,
            attitude: 5,
        }
    }
}

/// What the octets of a pass are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Channel access data units, as `schemas/missions/orbital-compute` has them.
    #[default]
    Cadu,
    /// The space packets end to end, in the order in which they are made.
    Packets,
}

/// Everything that a pass depends on: equal configurations give equal octets.
#[derive(Clone, Debug, PartialEq)]
pub struct PassConfig {
    /// Seed of the node's models and of the link's faults.
    pub seed: u64,
    /// Spacecraft identifier, at most 1023.
    pub scid: u16,
    /// Generation time of the first telemetry, microseconds since 1970-01-01 UTC.
    pub start: i64,
    /// Seconds of telemetry.
    pub duration_s: u64,
    /// How often each packet is sent.
    pub intervals: Intervals,
    /// Simulate this many seconds, then send the same packets over and over, moved on in time and
    /// sequence count: several hundred megabytes a second, at a memory of about 1 kB a second.
    pub repeat_every_s: Option<u32>,
    /// Stop after the frame that reaches this many octets.
    pub octets_max: Option<u64>,
    /// Idle frames, of a thousand, on virtual channel 63.
    pub idle_frames_per_thousand: u16,
    /// What the link does.
    pub faults: Faults,
    /// What comes out.
    pub output: Output,
}

impl PassConfig {
    /// Three hours of telemetry over a clean link, some idle frames.
    pub fn new(seed: u64, scid: u16, start: i64) -> Self {
        Self {
            seed,
            scid,
            start,
            duration_s: 3 * 3_600,
            intervals: Intervals::default(),
            repeat_every_s: None,
            octets_max: None,
            idle_frames_per_thousand: 40,
            faults: Faults::default(),
            output: Output::Cadu,
        }
    }
}

/// Why a pass cannot be made.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PassError {
    /// A spacecraft identifier that AOS frames cannot carry.
    #[error("spacecraft identifier {got} is above {max}", max = Scid::MAX)]
    Spacecraft {
        /// What was asked for.
        got: u16,
    },
    /// A time that a CDS time code with a 16-bit day cannot carry.
    #[error("telemetry at {got} us since 1970 is not between 1958-01-01 and 2137-06-06")]
    Time {
        /// Microseconds since 1970-01-01 UTC.
        got: i64,
    },
    /// Not a probability of bit errors.
    #[error("bit error rate {got} is not between 0 and 0.5")]
    BitErrorRate {
        /// What was asked for.
        got: f64,
    },
    /// More idle frames than frames.
    #[error("{got} idle frames of a thousand is more than {max}", max = IDLE_FRAMES_MAX)]
    IdleFrames {
        /// What was asked for.
        got: u16,
    },
    /// The code refused the mission's own parameters.
    #[error("the mission's Reed-Solomon code cannot be set up")]
    Code(#[from] ReedSolomonError),
}

/// Hands out the octets of a pass, chunk by chunk, in constant memory.
///
/// ```
/// let config = simulator::PassConfig { duration_s: 60, ..simulator::PassConfig::new(1, 81, 0) };
/// let mut pass = simulator::Pass::new(config)?;
/// let octets: Vec<u8> = pass.by_ref().flatten().collect();
/// assert_eq!(octets.len() as u64, pass.truth().octets);
/// # Ok::<(), simulator::PassError>(())
/// ```
#[derive(Clone)]
pub struct Pass {
    config: PassConfig,
    node: Node,
    seconds: u64,
    downlink: Downlink,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Before,
    Simulating,
    Repeating,
    Over,
}

impl Pass {
    /// A pass from its beginning.
    ///
    /// # Errors
    /// When the configuration asks for what frames, time codes or probabilities cannot express.
    pub fn new(config: PassConfig) -> Result<Self, PassError> {
        let scid =
            Scid::new(config.scid).map_err(|_| PassError::Spacecraft { got: config.scid })?;
        let rate = config.faults.bit_error_rate;
        if !(0.0..=0.5).contains(&rate) {
            return Err(PassError::BitErrorRate { got: rate });
        }
        if config.idle_frames_per_thousand > IDLE_FRAMES_MAX {
            return Err(PassError::IdleFrames {
                got: config.idle_frames_per_thousand,
            });
        }
        cds(config.start).ok_or(PassError::Time { got: config.start })?;
        Ok(Self {
            node: Node::new(config.seed, config.scid, config.start),
            seconds: 0,
            downlink: Downlink::new(&config, scid)?,
            phase: Phase::Before,
            config,
        })
    }

    /// Appends the next octets to `out`, about 64 KiB; says whether there were any.
    pub fn next_chunk(&mut self, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        while out.len() - before < CHUNK_OCTETS && self.phase != Phase::Over {
            let from = out.len();
            self.proceed(out);
            self.downlink.truth.octets += (out.len() - from) as u64;
        }
        out.len() > before
    }

    /// What was sent so far; complete once there are no more octets.
    pub fn truth(&self) -> Truth {
        self.downlink.truth()
    }

    fn proceed(&mut self, out: &mut Vec<u8>) {
        let enough = self
            .config
            .octets_max
            .is_some_and(|max| self.downlink.truth.octets >= max);
        match self.phase {
            Phase::Before => {
                self.downlink.start(out);
                self.phase = Phase::Simulating;
            }
            Phase::Simulating | Phase::Repeating if enough => self.end(out),
            Phase::Simulating if self.seconds >= self.config.duration_s => self.end(out),
            Phase::Simulating => {
                self.simulate(out);
                let every = self.config.repeat_every_s;
                if every.is_some_and(|every| self.seconds >= u64::from(every)) {
                    self.phase = Phase::Repeating;
                }
            }
            Phase::Repeating => {
                let end = self.time_of(self.config.duration_s);
                let period = self.time_of(self.seconds).saturating_sub(self.config.start);
                if !self.downlink.repeat(period, end, out) {
                    self.end(out);
                }
            }
            Phase::Over => {}
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.downlink.finish(out);
        self.phase = Phase::Over;
    }

    /// One second of the node, then the packets that are due.
    fn simulate(&mut self, out: &mut Vec<u8>) {
        let second = self.seconds;
        // Telemetry beyond the last day of the time code would lie about its time.
        if cds(self.time_of(second + 1)).is_none() {
            self.end(out);
            return;
        }
        self.node.step();
        let micros = self.time_of(second);
        self.seconds += 1;
        self.downlink.report_uplink(&self.node);
        let (node, downlink) = (&mut self.node, &mut self.downlink);
        let due = |every: u32| every > 0 && second.is_multiple_of(u64::from(every));
        let intervals = &self.config.intervals;

        for (index, event) in node.events.drain(..).enumerate() {
            let time = micros + index as i64 * 500;
            downlink.submit(Application::Event, time, out, |to| {
                telemetry::event(&event, to);
            });
        }
        if due(intervals.attitude) {
            let time = micros + 50_000;
            downlink.submit(Application::Attitude, time, out, |to| {
                telemetry::attitude(node, to);
            });
        }
        if due(intervals.housekeeping) {
            let time = micros + 60_000;
            downlink.submit(Application::Housekeeping, time, out, |to| {
                telemetry::housekeeping(node, to);
            });
        }
        if due(intervals.rf_link) {
            let time = micros + 70_000;
            let frames = downlink.truth.frames_made;
            downlink.submit(Application::RfLink, time, out, |to| {
                telemetry::rf_link(node, frames, to);
            });
        }
        if due(intervals.power) {
            let time = micros + 100_000;
            downlink.submit(Application::Power, time, out, |to| {
                telemetry::power(node, to);
            });
        }
        if due(intervals.thermal) {
            for index in 0..node.loops.len() {
                let time = micros + 150_000 + index as i64 * 1_000;
                downlink.submit(Application::Thermal, time, out, |to| {
                    telemetry::thermal(node, index, to);
                });
            }
        }
        if due(intervals.optical_link) {
            for (index, terminal) in node.terminals.iter().enumerate() {
                let time = micros + 200_000 + index as i64 * 1_000;
                downlink.submit(Application::OpticalLink, time, out, |to| {
                    telemetry::optical_link(terminal, index, to);
                });
            }
        }
        if due(intervals.compute_node) {
            for (index, accelerator) in node.compute.accelerators.iter().enumerate() {
                let time = micros + 300_000 + index as i64 * 1_000;
                downlink.submit(Application::ComputeNode, time, out, |to| {
                    telemetry::compute_node(accelerator, index, to);
                });
            }
        }
        if due(intervals.compute_job) {
            for index in 0..node.compute.jobs.len() {
                let time = micros + 400_000 + index as i64 * 1_000;
                let rate = node.compute.jobs[index].report_token_rate(node.elapsed_s);
                let job = &node.compute.jobs[index];
                downlink.submit(Application::ComputeJob, time, out, |to| {
                    telemetry::compute_job(node, job, rate, to);
                });
            }
        }
    }

    fn time_of(&self, seconds: u64) -> i64 {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        self.config
            .start
            .saturating_add(seconds.saturating_mul(MICROS_PER_S))
    }
}

impl Iterator for Pass {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut chunk = Vec::with_capacity(CHUNK_OCTETS + CHUNK_OCTETS / 8);
        self.next_chunk(&mut chunk).then_some(chunk)
    }
}

const MICROS_PER_S: i64 = 1_000_000;
const CHUNK_OCTETS: usize = 65_536;
const IDLE_FRAMES_MAX: u16 = 900;

#[cfg(test)]
mod tests;
