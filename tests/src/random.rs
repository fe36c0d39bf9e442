//! Random numbers for tests that kill.

use std::time::Duration;

/// SplitMix64: seeded from `PASSLINE_SEED` or the clock, printed when a test fails.
pub struct Random {
    /// What to set `PASSLINE_SEED` to for the same numbers.
    pub seed: u64,
    state: u64,
}

impl Random {
    /// Seeded from the environment or the clock.
    pub fn from_environment() -> Self {
        let seed = std::env::var("PASSLINE_SEED")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| {
                std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .map_or(0, |now| now.as_nanos() as u64)
            });
        Self { seed, state: seed }
    }

    /// A part of a duration, chosen at random.
    pub fn below(&mut self, duration: Duration) -> Duration {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        duration.mul_f64((mixed >> 11) as f64 / (1_u64 << 53) as f64)
    }
}
