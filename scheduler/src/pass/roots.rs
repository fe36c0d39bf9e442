//! Zeros of functions of one variable that change sign.

/// The most evaluations; bisection alone would need 40 for a nanosecond of an hour.
const STEPS_MAX: usize = 80;

/// The zero between `low` and `high`, where the values have different signs, by the function's
/// value and slope: Newton's steps, halving where they lead outside.
pub(crate) fn root(
    mut low: f64,
    mut high: f64,
    precision: f64,
    value: impl Fn(f64) -> (f64, f64),
) -> f64 {
    let rising = value(high).0 >= 0.0;
    let mut at = 0.5 * (low + high);
    for _ in 0..STEPS_MAX {
        let (here, slope) = value(at);
        if (here >= 0.0) == rising {
            high = at;
        } else {
            low = at;
        }
        let newton = at - here / slope;
        let next = if newton > low && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
        if (next - at).abs() < precision {
            return next;
        }
        at = next;
    }
    at
}

/// Where a function goes from above zero at `low` to zero or below at `high`: false position, the
/// stale end's value halved (Dowell and Jarratt's Illinois algorithm, BIT 11, 1971).
pub(crate) fn falling_zero(
    (mut low, mut low_value): (f64, f64),
    (mut high, mut high_value): (f64, f64),
    precision: f64,
    value: impl Fn(f64) -> f64,
) -> f64 {
    let mut kept = 0;
    for _ in 0..STEPS_MAX {
        if high - low < precision || high_value == 0.0 {
            break;
        }
        let between = (low * high_value - high * low_value) / (high_value - low_value);
        let at = if between > low && between < high {
            between
        } else {
            0.5 * (low + high)
        };
        let here = value(at);
        if here > 0.0 {
            let moved = at - low;
            (low, low_value) = (at, here);
            if kept > 0 {
                high_value *= 0.5;
            }
            kept = 1;
            if moved < precision {
                break;
            }
        } else {
            let moved = high - at;
            (high, high_value) = (at, here);
            if kept < 0 {
                low_value *= 0.5;
            }
            kept = -1;
            if moved < precision {
                break;
            }
        }
    }
    if low_value < -high_value { low } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_of_known_functions() {
        let found = root(0.0, 3.0, 1e-12, |x: f64| (x.cos(), -x.sin()));
        assert!((found - std::f64::consts::FRAC_PI_2).abs() < 1e-12);
        // A slope of 0 at the first guess.
        let found = root(-1.0, 3.0, 1e-12, |x: f64| {
            ((x - 1.0).powi(3) - 1e-3, 3.0 * (x - 1.0).powi(2))
        });
        assert!((found - 1.1).abs() < 1e-9, "{found}");
        for power in [1, 3, 9] {
            let f = |x: f64| 0.7_f64.powi(power) - x.powi(power);
            let found = falling_zero((0.0, f(0.0)), (2.0, f(2.0)), 1e-12, f);
            assert!((found - 0.7).abs() < 1e-9, "{power}: {found}");
        }
    }
}
