//! Accelerators under load: power, temperature, errors; and the jobs that run on them.

use crate::jobs::{CATALOGUE, Job, JobChange, JobState};
use crate::power::PowerMode;
use crate::random::Random;
use crate::thermal::LOOPS;

pub(crate) const ACCELERATORS: usize = 64;
pub(crate) const ACCELERATORS_PER_LOOP: usize = ACCELERATORS / LOOPS;

/// State of an accelerator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceleratorState {
    Off,
    Idle,
    Busy,
    Throttled,
    Resetting,
}

/// Why a clock is lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Throttle {
    None,
    Temperature,
    Power,
}

/// One accelerator at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Accelerator {
    pub(crate) state: AcceleratorState,
    pub(crate) throttle: Throttle,
    pub(crate) job_id: u32,
    /// Parts of 1.
    pub(crate) utilisation: f64,
    pub(crate) bandwidth: f64,
    pub(crate) memory_gib: f64,
    pub(crate) fabric_gbit_s: f64,
    pub(crate) clock_mhz: f64,
    pub(crate) power: f64,
    /// Degrees Celsius.
    pub(crate) temperature: f64,
    pub(crate) memory_temperature: f64,
    pub(crate) energy: f64,
    pub(crate) corrected: u32,
    pub(crate) uncorrected: u16,
    pub(crate) upsets: u16,
    pub(crate) resets: u8,
    reset_left_s: f64,
    /// Heat into its cold plate, W.
    heat: f64,
    /// No two chips are alike: power at equal load, thermal resistance, weak memory.
    leakage: f64,
    resistance_k_w: f64,
    error_rate: f64,
}

/// Something that the node tells the ground in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ComputeEvent {
    MemoryError { accelerator: usize, job_id: u32 },
    JobStarted { job_id: u32, name: &'static str },
    JobCompleted { job_id: u32, name: &'static str },
    JobRestarted { job_id: u32, name: &'static str },
}

/// All accelerators and jobs.
#[derive(Clone, Debug)]
pub(crate) struct Compute {
    pub(crate) accelerators: Vec<Accelerator>,
    pub(crate) jobs: Vec<Job>,
    next_job_id: u32,
    next_template: usize,
}

/// What bounds the accelerators in one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings {
    pub(crate) mode: PowerMode,
    pub(crate) coolant: [f64; LOOPS],
    pub(crate) in_south_atlantic_anomaly: bool,
    pub(crate) now_s: f64,
}

impl Compute {
    pub(crate) fn new(random: &mut Random) -> Self {
        let accelerators = (0..ACCELERATORS)
            .map(|_| Accelerator::new(random))
            .collect();
        let mut compute = Self {
            accelerators,
            jobs: Vec::new(),
            next_job_id: 4_000 + (random.bits() & 0xFFF) as u32,
            next_template: 0,
        };
        let mut first = 0;
        for template in &CATALOGUE {
            if first + template.accelerators <= ACCELERATORS {
                compute.next_job_id += 1;
                let job = Job::new(compute.next_job_id, template, first, 0.0, random);
                compute.jobs.push(job.underway(random));
                first += template.accelerators;
                compute.next_template += 1;
            }
        }
        compute
    }

    /// One step of everything; what is worth telling goes to `events`.
    pub(crate) fn step(
        &mut self,
        seconds: f64,
        around: &Surroundings,
        random: &mut Random,
        events: &mut Vec<ComputeEvent>,
    ) {
        for accelerator in &mut self.accelerators {
            accelerator.job_id = 0;
            accelerator.ask(0.0, 0.0, 4.0, 0.0);
        }
        for job in &mut self.jobs {
            let wave = match job.template.kind {
                // Users sleep and wake under the orbit.
                crate::jobs::JobKind::Inference => 0.86 + 0.14 * (around.now_s / 1_900.0).sin(),
                _ => 1.0,
            };
            let part = match job.state {
                JobState::Running => wave,
                JobState::Checkpointing => 0.06,
                JobState::Completed | JobState::Failed => 0.0,
            };
            let memory = if part > 0.0 {
                job.template.memory_gib
            } else {
                4.0
            };
            for accelerator in self
                .accelerators
                .iter_mut()
                .skip(job.first_accelerator)
                .take(job.template.accelerators)
            {
                accelerator.job_id = job.id;
                accelerator.ask(
                    job.template.utilisation * part,
                    job.template.bandwidth * part,
                    memory,
                    job.template.fabric_gbit_s * part,
                );
            }
        }
        for (index, accelerator) in self.accelerators.iter_mut().enumerate() {
            let coolant = around.coolant[index / ACCELERATORS_PER_LOOP % LOOPS];
            accelerator.run(seconds, around.mode, coolant, random);
            if accelerator.suffer(seconds, around.in_south_atlantic_anomaly, random) {
                events.push(ComputeEvent::MemoryError {
                    accelerator: index,
                    job_id: accelerator.job_id,
                });
                if let Some(job) = self
                    .jobs
                    .iter_mut()
                    .find(|job| job.id == accelerator.job_id)
                {
                    job.fail();
                }
            }
        }
        self.step_jobs(seconds, around.now_s, random, events);
    }

    fn step_jobs(
        &mut self,
        seconds: f64,
        now_s: f64,
        random: &mut Random,
        events: &mut Vec<ComputeEvent>,
    ) {
        let mut released = None;
        for (index, job) in self.jobs.iter_mut().enumerate() {
            let held = &self.accelerators[job.accelerators()];
            job.power = held.iter().map(|accelerator| accelerator.power).sum();
            // All wait for the slowest.
            let slowest = held.iter().map(Accelerator::speed).fold(1.0, f64::min);
            let wave = if job.template.kind == crate::jobs::JobKind::Inference {
                held.first()
                    .map_or(1.0, |first| first.utilisation / job.template.utilisation)
            } else {
                1.0
            };
            let (job_id, name) = (job.id, job.template.name);
            match job.step(seconds, now_s, slowest * wave.min(1.05), random) {
                JobChange::None => {}
                JobChange::Completed => events.push(ComputeEvent::JobCompleted { job_id, name }),
                JobChange::Restarted => events.push(ComputeEvent::JobRestarted { job_id, name }),
                JobChange::Released => released = released.or(Some(index)),
            }
        }
        if let Some(index) = released {
            self.jobs.remove(index);
            while let Some(job) = self.next_job(now_s, random) {
                events.push(ComputeEvent::JobStarted {
                    job_id: job.id,
                    name: job.template.name,
                });
                self.jobs.push(job);
            }
        }
    }

    /// The largest job of the catalogue that fits into free accelerators in a row; those of equal
    /// size take turns.
    fn next_job(&mut self, now_s: f64, random: &mut Random) -> Option<Job> {
        let mut taken = [false; ACCELERATORS];
        for job in &self.jobs {
            taken[job.accelerators()].fill(true);
        }
        let place = |count: usize| {
            taken
                .windows(count)
                .position(|window| window.iter().all(|taken| !taken))
        };
        let mut best: Option<(usize, usize)> = None;
        for ahead in 0..CATALOGUE.len() {
            let index = (self.next_template + ahead) % CATALOGUE.len();
            let count = CATALOGUE[index].accelerators;
            if best.is_none_or(|(best, _)| count > CATALOGUE[best].accelerators) {
                best = place(count).map(|first| (index, first)).or(best);
            }
        }
        let (index, first) = best?;
        self.next_template = (index + 1) % CATALOGUE.len();
        self.next_job_id += 1;
        Some(Job::new(
            self.next_job_id,
            &CATALOGUE[index],
            first,
            now_s,
            random,
        ))
    }

    /// Power of the accelerators with their hosts and switches.
    pub(crate) fn power(&self) -> f64 {
        self.accelerators
            .iter()
            .map(|accelerator| accelerator.power)
            .sum::<f64>()
            + HOST_POWER_W
    }

    /// Heat into each coolant loop; hosts and switches share the cold plates.
    pub(crate) fn heat(&self) -> [f64; LOOPS] {
        let mut heat = [HOST_POWER_W / LOOPS as f64; LOOPS];
        for (heat, held) in heat
            .iter_mut()
            .zip(self.accelerators.chunks(ACCELERATORS_PER_LOOP))
        {
            *heat += held.iter().map(|accelerator| accelerator.heat).sum::<f64>();
        }
        heat
    }
}

impl Accelerator {
    fn new(random: &mut Random) -> Self {
        Self {
            state: AcceleratorState::Idle,
            throttle: Throttle::None,
            job_id: 0,
            utilisation: 0.0,
            bandwidth: 0.0,
            memory_gib: 4.0,
            fabric_gbit_s: 0.0,
            clock_mhz: CLOCK_MHZ,
            power: IDLE_POWER_W,
            temperature: 55.0,
            memory_temperature: 60.0,
            energy: random.between(0.0, 4e9),
            corrected: (random.bits() & 0x3FF) as u32,
            uncorrected: (random.bits() & 0x3) as u16,
            upsets: (random.bits() & 0x1F) as u16,
            resets: (random.bits() & 0x3) as u8,
            reset_left_s: 0.0,
            heat: 0.0,
            leakage: random.between(0.94, 1.07),
            resistance_k_w: random.between(0.030, 0.043),
            // A few have a weak row that shows up again and again.
            error_rate: if random.happens(0.06) {
                4e-3
            } else {
                random.between(5e-5, 3e-4)
            },
        }
    }

    fn ask(&mut self, utilisation: f64, bandwidth: f64, memory_gib: f64, fabric_gbit_s: f64) {
        self.utilisation = utilisation;
        self.bandwidth = bandwidth;
        self.memory_gib = memory_gib;
        self.fabric_gbit_s = fabric_gbit_s;
    }

    fn run(&mut self, seconds: f64, mode: PowerMode, coolant: f64, random: &mut Random) {
        self.reset_left_s = (self.reset_left_s - seconds).max(0.0);
        if mode == PowerMode::Safe || self.reset_left_s > 0.0 {
            self.ask(0.0, 0.0, 0.0, 0.0);
        }
        self.utilisation =
            (self.utilisation + random.noise(0.01) * self.utilisation).clamp(0.0, 1.0);
        self.throttle = match mode {
            PowerMode::BatterySaving if self.utilisation > 0.0 => Throttle::Power,
            _ if self.temperature
                > THROTTLE_C
                    - if self.throttle == Throttle::Temperature {
                        3.0
                    } else {
                        0.0
                    } =>
            {
                Throttle::Temperature
            }
            _ => Throttle::None,
        };
        let clock = match (mode, self.throttle) {
            (PowerMode::Safe, _) => 0.0,
            (_, Throttle::Power) => 1_260.0,
            (_, Throttle::Temperature) => 1_500.0,
            (_, Throttle::None) => CLOCK_MHZ,
        };
        self.clock_mhz += (clock - self.clock_mhz) * (seconds / 2.0).min(1.0);
        self.state = match () {
            () if mode == PowerMode::Safe => AcceleratorState::Off,
            () if self.reset_left_s > 0.0 => AcceleratorState::Resetting,
            () if self.throttle != Throttle::None => AcceleratorState::Throttled,
            () if self.utilisation > 0.02 => AcceleratorState::Busy,
            () => AcceleratorState::Idle,
        };
        let relative = self.clock_mhz / CLOCK_MHZ;
        let active =
            (BUSY_POWER_W - IDLE_POWER_W) * (0.82 * self.utilisation + 0.18 * self.bandwidth);
        // Dynamic power goes with clock and the square of voltage, which follows the clock.
        let dynamic = active * relative * relative * (0.6 + 0.4 * relative);
        let base = if self.state == AcceleratorState::Off {
            6.0
        } else {
            IDLE_POWER_W
        };
        self.power = (base + dynamic) * self.leakage * (1.0 + random.noise(0.006));
        self.heat = (self.temperature - coolant) / self.resistance_k_w;
        self.temperature += (self.power - self.heat) / CHIP_HEAT_J_K * seconds;
        let memory = self.temperature + 3.0 + 9.0 * self.bandwidth;
        self.memory_temperature += (memory - self.memory_temperature) * seconds / 30.0;
        self.energy += self.power * seconds;
    }

    /// Radiation; says whether an error could not be corrected, which resets the accelerator.
    fn suffer(&mut self, seconds: f64, in_anomaly: bool, random: &mut Random) -> bool {
        let flux = if in_anomaly { 14.0 } else { 1.0 } * seconds;
        if random.happens(self.error_rate * flux) {
            self.corrected = self
                .corrected
                .wrapping_add(1 + (random.bits() & 0x3) as u32);
        }
        let draw = random.unit();
        if draw < UPSET_RATE * flux {
            self.upsets = self.upsets.wrapping_add(1);
        }
        if draw < UNCORRECTED_RATE * flux && self.state != AcceleratorState::Off {
            self.uncorrected = self.uncorrected.wrapping_add(1);
            self.resets = self.resets.wrapping_add(1);
            self.reset_left_s = 40.0;
            return true;
        }
        false
    }

    /// Speed of its work, 1 at full clock.
    pub(crate) fn speed(&self) -> f64 {
        if self.reset_left_s > 0.0 {
            0.0
        } else {
            self.clock_mhz / CLOCK_MHZ
        }
    }

    pub(crate) fn voltage(&self) -> f64 {
        if self.state == AcceleratorState::Off {
            0.0
        } else {
            0.52 + 0.26 * self.clock_mhz / CLOCK_MHZ
        }
    }

    pub(crate) fn current(&self) -> f64 {
        // The core takes most of it, the rest goes to memory and regulators.
        if self.voltage() > 0.0 {
            0.72 * self.power / self.voltage()
        } else {
            0.0
        }
    }
}

const CLOCK_MHZ: f64 = 1_830.0;
const IDLE_POWER_W: f64 = 92.0;
const BUSY_POWER_W: f64 = 1_120.0;
const HOST_POWER_W: f64 = 15_500.0;
const THROTTLE_C: f64 = 86.0;
const CHIP_HEAT_J_K: f64 = 620.0;
const UPSET_RATE: f64 = 6e-6;
const UNCORRECTED_RATE: f64 = 2.5e-7;
