//! Calibrators over whole columns.

use schemas::layout::{Calibration, MathStep, Predicate};

use super::condition::evaluate;
use super::math;
use super::numbers::floats;
use super::run::Frame;

/// The first context that holds calibrates a value, else the default does, else it stays.
pub(super) fn calibrate(
    frame: &Frame<'_>,
    raw: &[f64],
    contexts: &[(Predicate, Calibration)],
    default: Option<&Calibration>,
) -> Vec<f64> {
    let mut values = match default {
        Some(calibration) => apply(frame, raw, calibration),
        None => raw.to_vec(),
    };
    // Last to first, so that the first one that holds has the last word.
    for (predicate, calibration) in contexts.iter().rev() {
        let held = evaluate(frame, predicate);
        if held.contains(&true) {
            let calibrated = apply(frame, raw, calibration);
            for (value, (calibrated, held)) in values.iter_mut().zip(calibrated.iter().zip(held)) {
                if held {
                    *value = *calibrated;
                }
            }
        }
    }
    values
}

pub(super) fn apply(frame: &Frame<'_>, raw: &[f64], calibration: &Calibration) -> Vec<f64> {
    match calibration {
        Calibration::Polynomial(coefficients) => polynomial(raw, coefficients),
        Calibration::Spline {
            order,
            extrapolate,
            points,
        } => raw
            .iter()
            .map(|&x| spline(x, points, *order, *extrapolate))
            .collect(),
        Calibration::Math(steps) => mathematics(frame, raw, steps),
    }
}

/// Horner's scheme; the usual straight line has a loop of its own.
fn polynomial(raw: &[f64], coefficients: &[f64]) -> Vec<f64> {
    match coefficients {
        [] => vec![0.0; raw.len()],
        [offset, slope] => raw.iter().map(|x| x * slope + offset).collect(),
        _ => raw
            .iter()
            .map(|x| {
                coefficients
                    .iter()
                    .rev()
                    .fold(0.0, |sum, coefficient| sum * x + coefficient)
            })
            .collect(),
    }
}

/// One value of a spline; NaN beyond the points unless the outer segments go on.
fn spline(x: f64, points: &[(f64, f64)], order: u32, extrapolate: bool) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return f64::NAN;
    };
    let inside = x >= first.0 && x <= last.0;
    if x.is_nan() || !(inside || extrapolate) {
        return f64::NAN;
    }
    let after = points.partition_point(|point| point.0 <= x);
    let before = after.saturating_sub(1);
    if order == 0 || points.len() == 1 {
        return points[before].1;
    }
    // As many neighbours as the order takes, as near as there are.
    let wanted = (order as usize + 1)
        .min(points.len())
        .min(SPLINE_POINTS_MAX);
    let from = before
        .saturating_sub((wanted - 1) / 2)
        .min(points.len() - wanted);
    let nearest = &points[from..from + wanted];
    if let [a, b] = nearest {
        let width = b.0 - a.0;
        return if width == 0.0 {
            a.1
        } else {
            a.1 + (x - a.0) * (b.1 - a.1) / width
        };
    }
    let terms = nearest.iter().enumerate().map(|(index, point)| {
        let others = nearest
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        others.fold(point.1, |term, (_, other)| {
            term * (x - other.0) / (point.0 - other.0)
        })
    });
    terms.sum()
}

fn mathematics(frame: &Frame<'_>, raw: &[f64], steps: &[MathStep]) -> Vec<f64> {
    let rows = raw.len();
    let mut stack: Vec<Vec<f64>> = Vec::new();
    for step in steps {
        match step {
            MathStep::Value(value) => stack.push(vec![*value; rows]),
            MathStep::This => stack.push(raw.to_vec()),
            MathStep::Parameter(reference) => {
                let value = frame.value(*reference).and_then(|array| {
                    let nulls = array.nulls().cloned();
                    let mut values = floats(&array)?;
                    if let Some(nulls) = nulls {
                        for (value, valid) in values.iter_mut().zip(nulls.iter()) {
                            *value = if valid { *value } else { f64::NAN };
                        }
                    }
                    Some(values)
                });
                stack.push(value.unwrap_or_else(|| vec![f64::NAN; rows]));
            }
            MathStep::Operator(operator) => {
                if !math::operate(&mut stack, *operator) {
                    return vec![f64::NAN; rows];
                }
            }
        }
        if stack.len() > MATH_STACK_MAX {
            return vec![f64::NAN; rows];
        }
    }
    stack.pop().unwrap_or_else(|| vec![f64::NAN; rows])
}

/// Most points of one interpolation polynomial.
const SPLINE_POINTS_MAX: usize = 16;
/// Most values on a calibrator's stack.
const MATH_STACK_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splines_of_each_order_meet_their_points() {
        let points = [(0.0, 1.0), (10.0, 3.0), (20.0, 9.0), (30.0, 27.0)];
        for order in 0..=3 {
            for (x, y) in points {
                assert!(
                    (spline(x, &points, order, false) - y).abs() < 1e-12,
                    "{order} {x}"
                );
            }
            assert!(spline(-1.0, &points, order, false).is_nan());
            assert!(spline(31.0, &points, order, false).is_nan());
        }
        assert_eq!(spline(5.0, &points, 0, false), 1.0);
        assert_eq!(spline(5.0, &points, 1, false), 2.0);
        assert_eq!(spline(-10.0, &points, 1, true), -1.0);
        assert_eq!(spline(40.0, &points, 1, true), 45.0);
        assert_eq!(spline(99.0, &points, 0, true), 27.0);
    }

    #[test]
    fn a_parabola_is_its_own_quadratic_spline() {
        let points: Vec<(f64, f64)> = (0..6).map(|x| (f64::from(x), f64::from(x * x))).collect();
        assert!((spline(2.5, &points, 2, false) - 6.25).abs() < 1e-12);
    }

    #[test]
    fn polynomials_of_any_degree() {
        assert_eq!(polynomial(&[2.0], &[]), [0.0]);
        assert_eq!(polynomial(&[2.0], &[7.0]), [7.0]);
        assert_eq!(polynomial(&[2.0], &[7.0, 3.0]), [13.0]);
        assert_eq!(polynomial(&[2.0, -1.0], &[1.0, 2.0, 3.0]), [17.0, 2.0]);
    }
}
