//! Random moments for tests that kill, seeded so that a failure can be repeated.

use std::time::Duration;

/// SplitMix64: seeded from `PASSLINE_SEED` or the clock, printed when a test fails.
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// From `PASSLINE_SEED`, else from the clock; says which.
    pub fn from_environment() -> Self {
        let seed = std::env::var("PASSLINE_SEED")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| {
                std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .map_or(0, |now| now.as_nanos() as u64)
            });
        eprintln!("PASSLINE_SEED={seed}");
        Self { seed, state: seed }
    }

    /// What it began with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A duration below another.
    pub fn below(&mut self, duration: Duration) -> Duration {
        duration.mul_f64(self.fraction())
    }

    /// A number below another.
    pub fn number(&mut self, below: usize) -> usize {
        (self.fraction() * below as f64) as usize
    }

    fn fraction(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}
