//! Bits that a link inverts at random, at a rate.

use crate::random::Random;

/// Where the next bit error is.
#[derive(Clone, Debug)]
pub(crate) struct BitErrors {
    rate: f64,
    /// Bits until the next bit error.
    until: u64,
}

impl BitErrors {
    /// Errors of this probability a bit.
    pub(crate) fn new(rate: f64, random: &mut Random) -> Self {
        Self {
            rate,
            until: random.failures_before_success(rate),
        }
    }

    /// Whether the next `bits` bits have none.
    pub(crate) fn spare(&self, bits: u64) -> bool {
        self.until >= bits
    }

    /// The next `bits` bits pass; `hit` is called with the number of each that is inverted.
    pub(crate) fn pass(&mut self, bits: u64, random: &mut Random, mut hit: impl FnMut(u64)) {
        while self.until < bits {
            let gap = random.failures_before_success(self.rate);
            hit(self.until);
            self.until = self.until.saturating_add(gap).saturating_add(1);
        }
        self.until -= bits;
    }
}
