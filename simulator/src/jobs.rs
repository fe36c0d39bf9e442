//! Compute jobs: what they are, how they make progress, what they cost.

use crate::random::Random;

/// What kind of work a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    Training,
    Inference,
    Batch,
}

/// State of a job on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobState {
    Running,
    Checkpointing,
    Completed,
    Failed,
}

/// What all jobs of one name have in common.
#[derive(Debug)]
pub(crate) struct JobTemplate {
    pub(crate) name: &'static str,
    pub(crate) kind: JobKind,
    pub(crate) priority: u8,
    pub(crate) accelerators: usize,
    /// Optimiser steps, requests or items a second with every accelerator busy.
    pub(crate) steps_per_second: f64,
    pub(crate) tokens_per_step: f64,
    pub(crate) utilisation: f64,
    pub(crate) bandwidth: f64,
    pub(crate) memory_gib: f64,
    pub(crate) fabric_gbit_s: f64,
    /// Seconds of work between checkpoints; 0 for none.
    checkpoint_every_s: f64,
    pub(crate) checkpoint_gib: f64,
    hours: f64,
    loss: Option<(f64, f64)>,
}

/// A job that the node works on.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: u32,
    pub(crate) template: &'static JobTemplate,
    /// Accelerators it holds, the first and how many.
    pub(crate) first_accelerator: usize,
    pub(crate) state: JobState,
    /// Until the state ends by itself.
    state_left_s: f64,
    pub(crate) started_s: f64,
    pub(crate) steps: f64,
    pub(crate) steps_total: f64,
    pub(crate) tokens: f64,
    /// Integral of its accelerators' power, J.
    pub(crate) energy: f64,
    pub(crate) power: f64,
    pub(crate) loss_noise: f64,
    pub(crate) checkpoint_step: f64,
    pub(crate) checkpoint_s: f64,
    pub(crate) checkpoints: u32,
    pub(crate) restarts: u8,
    reported: (f64, f64),
}

/// What a step of a job led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobChange {
    None,
    Completed,
    /// It has been shown as completed for a while; its accelerators are free.
    Released,
    Restarted,
}

impl Job {
    /// A job that starts now.
    pub(crate) fn new(
        id: u32,
        template: &'static JobTemplate,
        first_accelerator: usize,
        now_s: f64,
        random: &mut Random,
    ) -> Self {
        let seconds = template.hours * 3_600.0 * random.between(0.6, 1.4);
        Self {
            id,
            template,
            first_accelerator,
            state: JobState::Running,
            state_left_s: 0.0,
            started_s: now_s,
            steps: 0.0,
            steps_total: (seconds * template.steps_per_second).ceil(),
            tokens: 0.0,
            energy: 0.0,
            power: 0.0,
            loss_noise: 0.0,
            checkpoint_step: 0.0,
            checkpoint_s: now_s,
            checkpoints: 0,
            restarts: 0,
            reported: (now_s, 0.0),
        }
    }

    /// The same job after it has run for a while before the pass.
    pub(crate) fn underway(mut self, random: &mut Random) -> Self {
        let part = random.between(0.05, 0.8);
        let seconds = part * self.steps_total / self.template.steps_per_second;
        self.steps = (part * self.steps_total).floor();
        self.tokens = self.steps * self.template.tokens_per_step;
        self.energy = seconds * 780.0 * self.template.accelerators as f64;
        self.started_s -= seconds;
        if self.template.checkpoint_every_s > 0.0 {
            let since = random.between(0.0, self.template.checkpoint_every_s.min(seconds));
            self.checkpoint_s -= since;
            self.checkpoint_step = (self.steps - since * self.template.steps_per_second)
                .max(0.0)
                .floor();
            self.checkpoints = 1;
        }
        self.reported = (self.reported.0, self.tokens);
        self
    }

    /// The accelerators it holds.
    pub(crate) fn accelerators(&self) -> std::ops::Range<usize> {
        self.first_accelerator..self.first_accelerator + self.template.accelerators
    }

    /// One step; `speed` is 1 when every accelerator works at full clock.
    pub(crate) fn step(
        &mut self,
        seconds: f64,
        now_s: f64,
        speed: f64,
        random: &mut Random,
    ) -> JobChange {
        self.energy += self.power * seconds;
        self.state_left_s -= seconds;
        match self.state {
            JobState::Running => {
                let steps = self.template.steps_per_second * speed * seconds;
                let steps = steps.min(self.steps_total - self.steps);
                self.steps += steps;
                self.tokens += steps * self.template.tokens_per_step;
                self.loss_noise = random.noise(0.012);
                if self.steps >= self.steps_total {
                    self.state = JobState::Completed;
                    self.state_left_s = SHOWN_AT_END_S;
                    return JobChange::Completed;
                }
                let due = self.template.checkpoint_every_s;
                if due > 0.0 && now_s - self.checkpoint_s >= due {
                    self.state = JobState::Checkpointing;
                    self.state_left_s = 5.0 + self.template.checkpoint_gib / CHECKPOINT_GIB_S;
                }
                JobChange::None
            }
            _ if self.state_left_s > 0.0 => JobChange::None,
            JobState::Checkpointing => {
                self.checkpoint_step = self.steps.floor();
                self.checkpoint_s = now_s;
                self.checkpoints += 1;
                self.state = JobState::Running;
                JobChange::None
            }
            JobState::Completed => JobChange::Released,
            JobState::Failed => {
                self.restarts = self.restarts.saturating_add(1);
                self.steps = self.checkpoint_step;
                self.state = JobState::Running;
                JobChange::Restarted
            }
        }
    }

    /// An accelerator of it failed: what it did since the last checkpoint is lost.
    pub(crate) fn fail(&mut self) {
        if self.state != JobState::Completed {
            self.state = JobState::Failed;
            self.state_left_s = SHOWN_AT_FAILURE_S;
        }
    }

    pub(crate) fn progress_percent(&self) -> f64 {
        100.0 * self.steps / self.steps_total
    }

    /// A power law of the steps done, down to the loss that data of this kind allow.
    pub(crate) fn loss(&self) -> f64 {
        self.template.loss.map_or(0.0, |(first, floor)| {
            let falls = (1.0 + self.steps / (0.004 * self.steps_total)).powf(-0.45);
            (floor + (first - floor) * falls) * (1.0 + self.loss_noise)
        })
    }

    /// Tokens a second since the last call.
    pub(crate) fn report_token_rate(&mut self, now_s: f64) -> f64 {
        let (then, tokens) = std::mem::replace(&mut self.reported, (now_s, self.tokens));
        if now_s > then {
            (self.tokens - tokens) / (now_s - then)
        } else {
            0.0
        }
    }
}

/// The jobs that users of this node submit, over and over; the first seven fill it.
pub(crate) static CATALOGUE: [JobTemplate; 11] = [
    JobTemplate {
        name: "llm-34b-train",
        kind: JobKind::Training,
        priority: 5,
        accelerators: 24,
        steps_per_second: 0.41,
        tokens_per_step: 114_688.0,
        utilisation: 0.94,
        bandwidth: 0.66,
        memory_gib: 171.0,
        fabric_gbit_s: 2_450.0,
        checkpoint_every_s: 1_800.0,
        checkpoint_gib: 476.0,
        hours: 30.0,
        loss: Some((9.8, 1.92)),
    },
    JobTemplate {
        name: "chat-serving",
        kind: JobKind::Inference,
        priority: 9,
        accelerators: 16,
        steps_per_second: 46.0,
        tokens_per_step: 610.0,
        utilisation: 0.71,
        bandwidth: 0.88,
        memory_gib: 158.0,
        fabric_gbit_s: 610.0,
        checkpoint_every_s: 0.0,
        checkpoint_gib: 0.0,
        hours: 9.0,
        loss: None,
    },
    JobTemplate {
        name: "llm-7b-finetune",
        kind: JobKind::Training,
        priority: 4,
        accelerators: 8,
        steps_per_second: 1.15,
        tokens_per_step: 65_536.0,
        utilisation: 0.91,
        bandwidth: 0.61,
        memory_gib: 132.0,
        fabric_gbit_s: 1_900.0,
        checkpoint_every_s: 900.0,
        checkpoint_gib: 98.0,
        hours: 2.2,
        loss: Some((2.6, 1.15)),
    },
    JobTemplate {
        name: "sar-focus",
        kind: JobKind::Batch,
        priority: 6,
        accelerators: 6,
        steps_per_second: 0.7,
        tokens_per_step: 0.0,
        utilisation: 0.83,
        bandwidth: 0.92,
        memory_gib: 96.0,
        fabric_gbit_s: 240.0,
        checkpoint_every_s: 0.0,
        checkpoint_gib: 0.0,
        hours: 0.8,
        loss: None,
    },
    JobTemplate {
        name: "speech-to-text",
        kind: JobKind::Inference,
        priority: 8,
        accelerators: 4,
        steps_per_second: 21.0,
        tokens_per_step: 240.0,
        utilisation: 0.58,
        bandwidth: 0.74,
        memory_gib: 88.0,
        fabric_gbit_s: 130.0,
        checkpoint_every_s: 0.0,
        checkpoint_gib: 0.0,
        hours: 3.0,
        loss: None,
    },
    JobTemplate {
        name: "embed-archive",
        kind: JobKind::Batch,
        priority: 2,
        accelerators: 4,
        steps_per_second: 26.0,
        tokens_per_step: 2_048.0,
        utilisation: 0.88,
        bandwidth: 0.57,
        memory_gib: 64.0,
        fabric_gbit_s: 60.0,
        checkpoint_every_s: 0.0,
        checkpoint_gib: 0.0,
        hours: 1.4,
        loss: None,
    },
    JobTemplate {
        name: "weather-emulate",
        kind: JobKind::Training,
        priority: 3,
        accelerators: 2,
        steps_per_second: 3.1,
        tokens_per_step: 0.0,
        utilisation: 0.86,
        bandwidth: 0.79,
        memory_gib: 149.0,
        fabric_gbit_s: 900.0,
        checkpoint_every_s: 600.0,
        checkpoint_gib: 22.0,
        hours: 1.1,
        loss: Some((0.9, 0.062)),
    },
    JobTemplate {
        name: "llm-70b-serving",
        kind: JobKind::Inference,
        priority: 9,
        accelerators: 16,
        steps_per_second: 17.0,
        tokens_per_step: 740.0,
        utilisation: 0.78,
        bandwidth: 0.93,
        memory_gib: 176.0,
        fabric_gbit_s: 980.0,
        checkpoint_every_s: 0.0,
        checkpoint_gib: 0.0,
        hours: 7.0,
        loss: None,
    },
    JobTemplate {
        name: "diffusion-train",
        kind: JobKind::Training,
        priority: 4,
        accelerators: 8,
        steps_per_second: 2.4,
        tokens_per_step: 0.0,
        utilisation: 0.96,
        bandwidth: 0.71,
        memory_gib: 118.0,
        fabric_gbit_s: 1_450.0,
        checkpoint_every_s: 1_200.0,
        checkpoint_gib: 41.0,
        hours: 3.4,
        loss: Some((1.1, 0.094)),
    },
    JobTemplate {
        name: "ship-detect",
        kind: JobKind::Batch,
        priority: 7,
        accelerators: 2,
        steps_per_second: 5.5,
        tokens_per_step: 0.0,
        utilisation: 0.77,
        bandwidth: 0.48,
        memory_gib: 41.0,
        fabric_gbit_s: 25.0,
        checkpoint_every_s: 0.0,
        checkpoint_gib: 0.0,
        hours: 0.5,
        loss: None,
    },
    JobTemplate {
        name: "code-assist",
        kind: JobKind::Inference,
        priority: 8,
        accelerators: 2,
        steps_per_second: 4.2,
        tokens_per_step: 890.0,
        utilisation: 0.64,
        bandwidth: 0.81,
        memory_gib: 74.0,
        fabric_gbit_s: 80.0,
        checkpoint_every_s: 0.0,
        checkpoint_gib: 0.0,
        hours: 2.0,
        loss: None,
    },
];

const CHECKPOINT_GIB_S: f64 = 12.0;
const SHOWN_AT_END_S: f64 = 60.0;
const SHOWN_AT_FAILURE_S: f64 = 45.0;
