//! A data rate over time and the octets that it carries, exactly.

use serde::{Deserialize, Serialize};

use crate::interval::{Interval, SECOND};

/// A rate that holds from a moment until the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateStep {
    /// UTC in microseconds.
    pub from: i64,
    /// Octets in a second, margins already taken off.
    pub octets_per_second: u64,
}

/// A rate in steps; nothing flows before the first, and the last holds for ever.
///
/// Octets are whole numbers: an integral is rounded down once, at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<RateStep>", into = "Vec<RateStep>")]
pub struct RateProfile {
    steps: Vec<RateStep>,
}

impl RateProfile {
    /// From steps in any order; of steps at one moment the last counts.
    pub fn new(mut steps: Vec<RateStep>) -> Self {
        if !steps.is_sorted_by(|a, b| a.from < b.from) {
            steps.sort_by_key(|step| step.from);
            steps.reverse();
            steps.dedup_by_key(|step| step.from);
            steps.reverse();
        }
        Self { steps }
    }

    /// The same rate from the beginning of time.
    pub fn constant(octets_per_second: u64) -> Self {
        Self {
            steps: vec![RateStep {
                from: i64::MIN,
                octets_per_second,
            }],
        }
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[RateStep] {
        &self.steps
    }

    /// Octets of an interval.
    pub fn octets(&self, interval: Interval) -> u64 {
        u64::try_from(self.microoctets(interval) / MILLION).unwrap_or(u64::MAX)
    }

    /// Millionths of an octet in an interval: the integral before it is rounded.
    pub fn microoctets(&self, interval: Interval) -> u128 {
        self.pieces(interval)
            .map(|(piece, rate)| micro(piece, rate))
            .fold(0, u128::saturating_add)
    }

    /// The earliest moment by which `octets` have flowed since the interval's start; `None` if the
    /// interval carries less.
    pub fn moment(&self, interval: Interval, octets: u64) -> Option<i64> {
        let mut wanted = u128::from(octets) * MILLION;
        if wanted == 0 {
            return Some(interval.start);
        }
        for (piece, rate) in self.pieces(interval) {
            let carried = micro(piece, rate);
            if carried >= wanted {
                let microseconds = wanted.div_ceil(u128::from(rate));
                return Some(piece.start + i64::try_from(microseconds).ok()?);
            }
            wanted -= carried;
        }
        None
    }

    /// Constant pieces of an interval with their rates.
    pub(crate) fn pieces(&self, interval: Interval) -> impl Iterator<Item = (Interval, u64)> + '_ {
        let first = self
            .steps
            .partition_point(|step| step.from <= interval.start)
            .saturating_sub(1);
        let steps = self.steps.get(first..).unwrap_or_default();
        steps
            .iter()
            .enumerate()
            .map(move |(index, step)| {
                let end = steps.get(index + 1).map_or(i64::MAX, |next| next.from);
                let piece = Interval::new(step.from, end).intersection(&interval);
                (piece, step.octets_per_second)
            })
            .take_while(move |(piece, _)| piece.start < interval.end)
            .filter(|(piece, _)| !piece.is_empty())
    }
}

impl From<Vec<RateStep>> for RateProfile {
    fn from(steps: Vec<RateStep>) -> Self {
        Self::new(steps)
    }
}

impl From<RateProfile> for Vec<RateStep> {
    fn from(profile: RateProfile) -> Self {
        profile.steps
    }
}

fn micro(piece: Interval, rate: u64) -> u128 {
    u128::from(piece.duration().unsigned_abs()) * u128::from(rate)
}

const MILLION: u128 = SECOND as u128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps() -> impl Strategy<Value = RateProfile> {
        prop::collection::vec((0..10_000_000_i64, 0..5_000_u64), 0..8).prop_map(|steps| {
            RateProfile::new(
                steps
                    .into_iter()
                    .map(|(from, octets_per_second)| RateStep {
                        from,
                        octets_per_second,
                    })
                    .collect(),
            )
        })
    }

    #[test]
    fn an_integral_is_the_sum_of_its_steps() {
        let profile = RateProfile::new(vec![
            RateStep {
                from: 2_000_000,
                octets_per_second: 10,
            },
            RateStep {
                from: 1_000_000,
                octets_per_second: 1_000,
            },
        ]);
        assert_eq!(profile.octets(Interval::new(0, 1_000_000)), 0);
        assert_eq!(profile.octets(Interval::new(0, 2_000_000)), 1_000);
        assert_eq!(profile.octets(Interval::new(1_500_000, 3_100_000)), 511);
        assert_eq!(
            profile.moment(Interval::new(0, 9_000_000), 1_001),
            Some(2_100_000)
        );
        assert_eq!(profile.moment(Interval::new(0, 2_000_000), 1_001), None);
        assert_eq!(
            RateProfile::constant(7).octets(Interval::new(-1_000_000, 0)),
            7
        );
    }

    proptest! {
        #[test]
        fn the_moment_of_an_amount_is_the_earliest(
            profile in steps(), start in 0..9_000_000_i64, length in 0..9_000_000_i64, part in 0.0..=1.0
        ) {
            let interval = Interval::new(start, start + length);
            let octets = (profile.octets(interval) as f64 * part) as u64;
            let moment = profile.moment(interval, octets).expect("the interval carries it");
            prop_assert!(profile.octets(Interval::new(start, moment)) >= octets);
            if moment > start {
                prop_assert!(profile.octets(Interval::new(start, moment - 1)) < octets);
            }
        }
    }
}
