//! Seeded random numbers: xoshiro256++ (Blackman and Vigna, 2019), seeded with SplitMix64.
//!
//! Its own few lines, so that a seed gives the same pass for ever, whatever a crate changes.

/// A generator; equal seeds give equal numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    /// A generator of its own for each `stream` of a seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut split = seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03);
        Self {
            state: std::array::from_fn(|_| split_mix(&mut split)),
        }
    }

    /// 64 random bits.
    #[inline]
    pub(crate) fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// Evenly from 0 to 1, 1 not included.
    #[inline]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Evenly between two values.
    #[inline]
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Whether something of this probability happens.
    #[inline]
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Noise of mean 0 and this standard deviation: the sum of four even numbers, so never more
    /// than 3.5 deviations.
    #[inline]
    pub(crate) fn noise(&mut self, deviation: f64) -> f64 {
        let bits = self.bits();
        let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
        // Each part has a variance of 1/12 of its range squared.
        (sum as f64 / 65_535.0 - 2.0) * 3.0_f64.sqrt() * deviation
    }

    /// Trials up to the first success, that one not counted, when each succeeds with `probability`.
    pub(crate) fn failures_before_success(&mut self, probability: f64) -> u64 {
        if probability <= 0.0 {
            return u64::MAX;
        }
        // A float beyond u64 saturates.
        ((1.0 - self.unit()).ln() / (1.0 - probability).ln()) as u64
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Random, split_mix};

    #[test]
    fn split_mix_gives_its_published_numbers() {
        // First outputs for seed 1234567, from the reference implementation's usual test.
        let mut state = 1_234_567;
        assert_eq!(split_mix(&mut state), 6_457_827_717_110_365_317);
        assert_eq!(split_mix(&mut state), 3_203_168_211_198_807_973);
    }

    #[test]
    fn xoshiro_gives_its_published_numbers() {
        let mut random = Random {
            state: [1, 2, 3, 4],
        };
        assert_eq!(random.bits(), 41_943_041);
        assert_eq!(random.bits(), 58_720_359);
    }

    #[test]
    fn noise_has_its_deviation() {
        let mut random = Random::new(7, 0);
        let count = 100_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..count {
            let value = random.noise(2.0);
            sum += value;
            squares += value * value;
        }
        let mean: f64 = sum / f64::from(count);
        assert!(mean.abs() < 0.05);
        assert!((squares / f64::from(count) - 4.0).abs() < 0.1);
    }

    #[test]
    fn rare_events_have_their_rate() {
        let mut random = Random::new(8, 0);
        let trials: u64 = (0..10_000)
            .map(|_| random.failures_before_success(1e-3))
            .sum();
        assert!((9_000_000..11_000_000).contains(&trials), "{trials}");
        assert_eq!(random.failures_before_success(0.0), u64::MAX);
    }
}
