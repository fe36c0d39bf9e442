//! A clock that is set while a service runs.

use std::time::{Duration, Instant, SystemTime};

/// Tells when this machine's clock was set: reception times jump with it.
pub(crate) struct ClockWatch {
    wall: SystemTime,
    steady: Instant,
}

impl ClockWatch {
    pub(crate) fn new() -> Self {
        Self {
            wall: SystemTime::now(),
            steady: Instant::now(),
        }
    }

    /// Compares the clock with what has passed since the last look.
    pub(crate) fn look(&mut self) {
        let passed = self.steady.elapsed();
        let expected = self.wall + passed;
        *self = Self::new();
        let (jump, direction) = match self.wall.duration_since(expected) {
            Ok(ahead) => (ahead, "ahead"),
            Err(error) => (error.duration(), "back"),
        };
        if jump >= JUMP_MIN {
            let seconds = jump.as_secs_f64();
            tracing::warn!(
                seconds,
                "the clock was set {direction}; reception times follow it"
            );
        }
    }
}

/// Less than this is the clock being steered.
const JUMP_MIN: Duration = Duration::from_secs(1);
