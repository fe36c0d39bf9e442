//! The whole node: one step moves every model, in the order in which cause becomes effect.

use crate::compute::{ACCELERATORS_PER_LOOP, Compute, ComputeEvent, Surroundings};
use crate::links::{LinkChange, LinkState, Radio, TERMINALS, Terminal};
use crate::orbit::{Orbit, cross, length, period_s};
use crate::power::{Load, Power, PowerMode};
use crate::random::Random;
use crate::thermal::{CoolantLoop, LOOPS, PumpState};

/// Seconds of one step.
pub(crate) const STEP_S: f64 = 1.0;

/// Where the node is with respect to the Earth's shadow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eclipse {
    Sunlight,
    Penumbra,
    Umbra,
}

/// How bad an event is; values as in the XTCE file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Information,
    Watch,
    Warning,
}

/// Which subsystem reports; values as in the XTCE file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Power = 1,
    Thermal = 2,
    Compute = 3,
    Optical = 4,
    Radio = 5,
}

/// An event report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) severity: Severity,
    pub(crate) source: Source,
    pub(crate) id: u16,
    pub(crate) subject: u32,
    pub(crate) message: String,
}

/// A node at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    random: Random,
    pub(crate) start_unix_s: f64,
    pub(crate) elapsed_s: f64,
    pub(crate) orbit: Orbit,
    pub(crate) power: Power,
    pub(crate) loops: [CoolantLoop; LOOPS],
    pub(crate) compute: Compute,
    pub(crate) terminals: [Terminal; TERMINALS],
    pub(crate) radio: Radio,
    pub(crate) eclipse: Eclipse,
    pub(crate) eclipse_number: u16,
    pub(crate) eclipse_began_s: f64,
    pub(crate) uptime_at_start_s: f64,
    pub(crate) boot_count: u16,
    pub(crate) dose_gy: f64,
    pub(crate) processor_upsets: u32,
    pub(crate) processor_load: f64,
    pub(crate) processor_temperature: f64,
    pub(crate) recorder_fill: f64,
    pub(crate) storage_tb: f64,
    pub(crate) rates_deg_s: [f64; 3],
    pub(crate) attitude_error_deg: f64,
    pub(crate) wheel_rpm: [f64; 4],
    /// Reports since they were last taken; at most [`EVENTS_MAX`], later ones are dropped.
    pub(crate) events: Vec<Event>,
    compute_events: Vec<ComputeEvent>,
}

impl Node {
    pub(crate) fn new(seed: u64, scid: u16, start_micros: i64) -> Self {
        let mut random = Random::new(seed, 1);
        let orbit = Orbit::new(&mut random, start_micros);
        let eclipse = eclipse_of(orbit.illumination);
        let mut node = Self {
            start_unix_s: start_micros as f64 / 1e6,
            elapsed_s: 0.0,
            power: Power::new(&mut random),
            loops: std::array::from_fn(|_| CoolantLoop::new(&mut random)),
            compute: Compute::new(&mut random),
            terminals: std::array::from_fn(|index| Terminal::new(index, scid, &mut random)),
            radio: Radio::new(),
            eclipse,
            eclipse_number: 2_000 + (random.bits() & 0x7FF) as u16,
            eclipse_began_s: 0.0,
            uptime_at_start_s: random.between(2.0, 90.0) * 86_400.0,
            boot_count: 3 + (random.bits() & 0x7) as u16,
            dose_gy: random.between(4.0, 12.0),
            processor_upsets: (random.bits() & 0xFFF) as u32,
            processor_load: 31.0,
            processor_temperature: 26.0,
            recorder_fill: random.between(2.0, 8.0),
            storage_tb: random.between(180.0, 260.0),
            rates_deg_s: [0.0; 3],
            attitude_error_deg: 0.01,
            wheel_rpm: [1_900.0, -2_100.0, 1_750.0, -1_600.0],
            events: Vec::new(),
            compute_events: Vec::new(),
            orbit,
            random,
        };
        // The shock of a cold start is over before the pass begins.
        for _ in 0..SETTLING_STEPS {
            node.step_payload(STEP_S);
        }
        node.events.clear();
        for job in &mut node.compute.jobs {
            job.report_token_rate(0.0);
        }
        node
    }

    /// Moves everything on by one step of [`STEP_S`].
    pub(crate) fn step(&mut self) {
        self.elapsed_s += STEP_S;
        self.orbit.advance(STEP_S);
        self.see_eclipse();
        self.step_payload(STEP_S);
        let mode = self.power.mode;
        self.power.step(
            STEP_S,
            self.orbit.illumination,
            self.load(),
            &mut self.random,
        );
        if self.power.mode != mode {
            self.report_power_mode();
        }
        self.step_links();
        self.step_platform();
    }

    /// Accelerators on a loop, with the number of the first.
    pub(crate) fn on_loop(&self, index: usize) -> (usize, &[crate::compute::Accelerator]) {
        let first = index * ACCELERATORS_PER_LOOP;
        (
            first,
            &self.compute.accelerators[first..first + ACCELERATORS_PER_LOOP],
        )
    }

    fn load(&self) -> Load {
        let tracking = self
            .terminals
            .iter()
            .filter(|one| one.state == LinkState::Tracking)
            .count();
        Load {
            compute: self.compute.power(),
            thermal: self.loops.iter().map(CoolantLoop::pump_power).sum::<f64>()
                + self.power.heater_power(),
            communication: 4.0 * 95.0
                + 70.0 * tracking as f64
                + if self.radio.locked { 310.0 } else { 45.0 },
            platform: PLATFORM_POWER_W,
        }
    }

    fn see_eclipse(&mut self) {
        let before = std::mem::replace(&mut self.eclipse, eclipse_of(self.orbit.illumination));
        if before == Eclipse::Sunlight && self.eclipse != Eclipse::Sunlight {
            self.eclipse_number = self.eclipse_number.wrapping_add(1);
            self.eclipse_began_s = self.elapsed_s;
            let charge = 100.0 * self.power.state_of_charge();
            let message = format!("eclipse begins, battery at {charge:.1} %");
            self.report(
                Severity::Information,
                Source::Power,
                101,
                u32::from(self.eclipse_number),
                message,
            );
        } else if before != Eclipse::Sunlight && self.eclipse == Eclipse::Sunlight {
            let charge = 100.0 * self.power.state_of_charge();
            let minutes = (self.elapsed_s - self.eclipse_began_s) / 60.0;
            let message = format!("eclipse ends after {minutes:.1} min, battery at {charge:.1} %");
            self.report(
                Severity::Information,
                Source::Power,
                102,
                u32::from(self.eclipse_number),
                message,
            );
        }
    }

    fn step_payload(&mut self, seconds: f64) {
        let around = Surroundings {
            mode: self.power.mode,
            coolant: std::array::from_fn(|index| {
                (self.loops[index].supply + self.loops[index].returned) / 2.0
            }),
            in_south_atlantic_anomaly: self.orbit.in_south_atlantic_anomaly(),
            now_s: self.elapsed_s,
        };
        self.compute
            .step(seconds, &around, &mut self.random, &mut self.compute_events);
        let heat = self.compute.heat();
        for (index, heat) in heat.into_iter().enumerate() {
            let before = self.loops[index].pump;
            self.loops[index].step(seconds, heat, self.orbit.illumination, &mut self.random);
            if before != self.loops[index].pump {
                self.report_pump(index);
            }
        }
        for event in std::mem::take(&mut self.compute_events) {
            self.report_compute(event);
        }
    }

    fn step_links(&mut self) {
        let (elevation, distance) = self.orbit.seen_from(STATION_DEG.0, STATION_DEG.1);
        let was_locked = self.radio.locked;
        self.radio
            .step(STEP_S, elevation, distance, &mut self.random);
        if was_locked != self.radio.locked {
            let message = if self.radio.locked {
                "uplink acquired"
            } else {
                "uplink lost"
            };
            self.report(Severity::Information, Source::Radio, 501, 0, message.into());
        }
        let drained = f64::from(self.radio.downlink_bit_s) / 3.0e9;
        self.recorder_fill = (self.recorder_fill + (0.000_4 - drained) * STEP_S).clamp(0.0, 100.0);
        let angle = self.orbit.angle_rad();
        for index in 0..TERMINALS {
            let change = self.terminals[index].step(STEP_S, angle, 0.55, &mut self.random);
            let peer = &self.terminals[index].peer;
            let (severity, id, message) = match change {
                LinkChange::None => continue,
                LinkChange::Lost => (Severity::Watch, 401, format!("link to {peer} lost")),
                LinkChange::Acquired => (
                    Severity::Information,
                    402,
                    format!("link to {peer} acquired"),
                ),
            };
            self.report(severity, Source::Optical, id, index as u32 + 1, message);
        }
    }

    fn step_platform(&mut self) {
        let random = &mut self.random;
        let anomaly = self.orbit.in_south_atlantic_anomaly();
        self.dose_gy += if anomaly { 2.4e-7 } else { 1.1e-8 } * STEP_S;
        if random.happens(if anomaly { 0.02 } else { 0.001 }) {
            self.processor_upsets = self.processor_upsets.wrapping_add(1);
        }
        self.processor_load =
            (self.processor_load + (31.0 - self.processor_load) * 0.02 + random.noise(0.8))
                .clamp(5.0, 98.0);
        let warmth = 18.0 + 0.25 * self.processor_load + 2.0 * self.orbit.illumination;
        self.processor_temperature += (warmth - self.processor_temperature) * STEP_S / 500.0;
        self.storage_tb = (self.storage_tb + random.noise(0.01) + 2e-5).clamp(20.0, 600.0);
        self.attitude_error_deg = (self.attitude_error_deg * 0.98 + random.noise(0.004)).abs();
        let turning = 360.0 / period_s();
        self.rates_deg_s = [
            random.noise(6e-4),
            -turning + random.noise(6e-4),
            random.noise(6e-4),
        ];
        let angle = self.orbit.angle_rad();
        for (index, (speed, rest)) in self
            .wheel_rpm
            .iter_mut()
            .zip([1_900.0, -2_100.0, 1_750.0, -1_600.0])
            .enumerate()
        {
            let wanted = rest + 420.0 * (angle + index as f64 * 0.9).sin();
            *speed += (wanted - *speed) * STEP_S / 60.0 + random.noise(1.5);
        }
    }

    /// Rotation from the inertial to the body frame (x y z w): body z looks down, y against the
    /// orbit's normal.
    pub(crate) fn quaternion(&self) -> [f64; 4] {
        let position = self.orbit.position;
        let down = position.map(|part| -part / length(position));
        let flight = self.orbit.flight;
        let side = cross(down, flight);
        quaternion_of([flight, side, down])
    }

    fn report_power_mode(&mut self) {
        let charge = 100.0 * self.power.state_of_charge();
        let (severity, message) = match self.power.mode {
            PowerMode::Nominal => (
                Severity::Information,
                format!("full power again, battery at {charge:.1} %"),
            ),
            PowerMode::BatterySaving => (
                Severity::Watch,
                format!("accelerators capped, battery at {charge:.1} %"),
            ),
            PowerMode::Safe => (
                Severity::Warning,
                format!("accelerators off, battery at {charge:.1} %"),
            ),
        };
        self.report(severity, Source::Power, 103, 0, message);
    }

    fn report_pump(&mut self, index: usize) {
        let number = index + 1;
        let (severity, message) = match self.loops[index].pump {
            PumpState::Running => (
                Severity::Information,
                format!("pump {number} runs normally"),
            ),
            PumpState::Degraded => (
                Severity::Warning,
                format!("pump {number} slips, flow is limited"),
            ),
        };
        self.report(severity, Source::Thermal, 201, number as u32, message);
    }

    fn report_compute(&mut self, event: ComputeEvent) {
        let (severity, id, subject, message) = match event {
            ComputeEvent::MemoryError {
                accelerator,
                job_id,
            } => {
                let number = accelerator + 1;
                let text =
                    format!("uncorrected memory error, accelerator {number} resets, job {job_id}");
                (Severity::Warning, 301, number as u32, text)
            }
            ComputeEvent::JobStarted { job_id, name } => (
                Severity::Information,
                302,
                job_id,
                format!("job {job_id} ({name}) started"),
            ),
            ComputeEvent::JobCompleted { job_id, name } => (
                Severity::Information,
                303,
                job_id,
                format!("job {job_id} ({name}) completed"),
            ),
            ComputeEvent::JobRestarted { job_id, name } => {
                let text = format!("job {job_id} ({name}) goes on from its checkpoint");
                (Severity::Watch, 304, job_id, text)
            }
        };
        self.report(severity, Source::Compute, id, subject, message);
    }

    fn report(
        &mut self,
        severity: Severity,
        source: Source,
        id: u16,
        subject: u32,
        message: String,
    ) {
        if self.events.len() < EVENTS_MAX {
            self.events.push(Event {
                severity,
                source,
                id,
                subject,
                message,
            });
        }
    }
}

fn eclipse_of(illumination: f64) -> Eclipse {
    match illumination {
        seen if seen >= 1.0 => Eclipse::Sunlight,
        seen if seen > 0.0 => Eclipse::Penumbra,
        _ => Eclipse::Umbra,
    }
}

/// The unit quaternion of a rotation matrix, by its largest part (Shepperd, 1978).
fn quaternion_of(rows: [[f64; 3]; 3]) -> [f64; 4] {
    let [[a, b, c], [d, e, f], [g, h, i]] = rows;
    let candidates = [
        1.0 + a - e - i,
        1.0 - a + e - i,
        1.0 - a - e + i,
        1.0 + a + e + i,
    ];
    let largest = (0..4).fold(0, |best, index| {
        if candidates[index] > candidates[best] {
            index
        } else {
            best
        }
    });
    let twice = candidates[largest].sqrt();
    let quarter = 0.5 / twice;
    let half = twice / 2.0;
    match largest {
        0 => [
            half,
            (b + d) * quarter,
            (c + g) * quarter,
            (f - h) * quarter,
        ],
        1 => [
            (b + d) * quarter,
            half,
            (f + h) * quarter,
            (g - c) * quarter,
        ],
        2 => [
            (c + g) * quarter,
            (f + h) * quarter,
            half,
            (b - d) * quarter,
        ],
        _ => [
            (f - h) * quarter,
            (g - c) * quarter,
            (b - d) * quarter,
            half,
        ],
    }
}

const EVENTS_MAX: usize = 64;
const SETTLING_STEPS: usize = 600;
const PLATFORM_POWER_W: f64 = 1_850.0;
/// Where the Ka-band station of the model stands: Redu, Belgium.
const STATION_DEG: (f64, f64) = (50.0, 5.15);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Job;
    use crate::power::BATTERY_CAPACITY_J;

    const START: i64 = 1_800_000_000_000_000;

    #[test]
    fn energy_from_the_array_is_used_stored_or_lost() {
        for seed in 0..4 {
            let mut node = Node::new(seed, 81, START);
            let before = node.power.battery_energy;
            for _ in 0..20_000 {
                node.step();
                assert!((0.0..=BATTERY_CAPACITY_J).contains(&node.power.battery_energy));
            }
            let power = &node.power;
            let stored = power.battery_energy - before;
            let left = power.array_energy - power.load_energy - power.loss_energy - stored;
            assert!(
                left.abs() < 1e-6 * power.array_energy,
                "{left} J unaccounted for"
            );
            assert!(power.loss_energy > 0.0);
        }
    }

    #[test]
    fn the_battery_drains_in_the_umbra_and_fills_in_sunlight() {
        let mut node = Node::new(5, 81, START);
        let (mut umbra, mut lowest, mut highest) = (0_u32, 1.0_f64, 0.0_f64);
        for _ in 0..3 * 5_751 {
            let before = node.power.battery_energy;
            node.step();
            if node.eclipse == Eclipse::Umbra {
                umbra += 1;
                assert!(node.power.battery_energy < before);
                assert_eq!(node.power.array_power, 0.0);
            }
            lowest = lowest.min(node.power.state_of_charge());
            highest = highest.max(node.power.state_of_charge());
        }
        assert!(umbra > 3_000);
        assert!(lowest < 0.65, "lowest {lowest}");
        assert!(highest > 0.9, "highest {highest}");
    }

    #[test]
    fn a_job_has_the_energy_of_its_accelerators() {
        let mut node = Node::new(6, 81, START);
        let before: f64 = node.compute.jobs.iter().map(|job| job.energy).sum();
        let ids: Vec<u32> = node.compute.jobs.iter().map(|job| job.id).collect();
        let mut used = 0.0;
        // Shorter than any job, so that none ends.
        for _ in 0..120 {
            let powers: Vec<f64> = node
                .compute
                .jobs
                .iter()
                .map(Job::accelerators)
                .map(|held| {
                    node.compute.accelerators[held]
                        .iter()
                        .map(|one| one.energy)
                        .sum()
                })
                .collect();
            node.step();
            let after: f64 = node
                .compute
                .jobs
                .iter()
                .map(Job::accelerators)
                .flat_map(|held| node.compute.accelerators[held].iter().map(|one| one.energy))
                .sum();
            used += after - powers.iter().sum::<f64>();
        }
        assert_eq!(
            ids,
            node.compute
                .jobs
                .iter()
                .map(|job| job.id)
                .collect::<Vec<_>>()
        );
        let after: f64 = node.compute.jobs.iter().map(|job| job.energy).sum();
        assert!(used > 1e6);
        assert!(
            (after - before - used).abs() < 1e-6 * used,
            "{} of {used}",
            after - before
        );
    }

    #[test]
    fn everything_stays_where_hardware_survives() {
        for seed in 10..14 {
            let mut node = Node::new(seed, 81, START);
            for _ in 0..12_000 {
                node.step();
                let volts = node.power.bus_voltage();
                assert!((255.0..350.0).contains(&volts), "{volts} V");
                for coolant in &node.loops {
                    assert!(
                        (-40.0..70.0).contains(&coolant.supply),
                        "{} degC",
                        coolant.supply
                    );
                }
                for accelerator in &node.compute.accelerators {
                    assert!((0.0..110.0).contains(&accelerator.temperature));
                    assert!(accelerator.power < 1_300.0);
                }
                let [x, y, z, w] = node.quaternion();
                assert!((x * x + y * y + z * z + w * w - 1.0).abs() < 1e-9);
                node.events.clear();
            }
        }
    }
}
