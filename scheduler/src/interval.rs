//! A stretch of time.

use serde::{Deserialize, Serialize};

/// From `start` until just before `end`, both UTC in microseconds since 1970-01-01.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Interval {
    /// The first microsecond.
    pub start: i64,
    /// The first microsecond after.
    pub end: i64,
}

impl Interval {
    /// From `start` until just before `end`.
    pub fn new(start: i64, end: i64) -> Self {
        Self { start, end }
    }

    /// Whether nothing lies in it.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// Microseconds from start to end, 0 if empty.
    pub fn duration(&self) -> i64 {
        self.end.saturating_sub(self.start).max(0)
    }

    /// What lies in both; possibly empty.
    pub fn intersection(&self, other: &Self) -> Self {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }

    /// Whether a moment lies in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.intersection(other).is_empty()
    }

    /// What remains of it without `holes`, in order; empty parts are left out.
    pub fn without(&self, holes: &[Self]) -> Vec<Self> {
        let mut holes: Vec<Self> = holes
            .iter()
            .filter(|hole| hole.overlaps(self))
            .copied()
            .collect();
        holes.sort_unstable();
        let (mut rest, mut from) = (Vec::new(), self.start);
        for hole in holes {
            if hole.start > from {
                rest.push(Self::new(from, hole.start));
            }
            from = from.max(hole.end);
        }
        if from < self.end {
            rest.push(Self::new(from, self.end));
        }
        rest
    }
}

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a day of UTC without a leap second.
pub const DAY: i64 = 86_400 * SECOND;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_cut_out_wherever_they_lie() {
        let whole = Interval::new(10, 100);
        let holes = [
            Interval::new(90, 200),
            Interval::new(20, 30),
            Interval::new(25, 40),
            Interval::new(0, 5),
            Interval::new(50, 50),
        ];
        assert_eq!(
            whole.without(&holes),
            [Interval::new(10, 20), Interval::new(40, 90)]
        );
        assert_eq!(whole.without(&[Interval::new(0, 1_000)]), []);
        assert_eq!(whole.without(&[]), [whole]);
    }
}
