//! Calibrators of arguments: forward from raw to engineering value, inversely to encode.

use super::math::{Token, evaluate};
use crate::xtce::model::{Calibrator, MathToken};

/// From raw to engineering value: a calibrator, then a scale and an offset (of times).
#[derive(Clone, Debug)]
pub(super) struct Conversion {
    calibration: Calibration,
    scale: f64,
    offset: f64,
    /// The raw values that have an engineering value of their own.
    domain: (f64, f64),
    /// Engineering values grow with raw ones.
    rising: bool,
}

#[derive(Clone, Debug)]
enum Calibration {
    Identity,
    /// engineering = slope * raw + intercept
    Line(f64, f64),
    Polynomial(Vec<f64>),
    Spline {
        order: u32,
        extrapolate: bool,
        points: Vec<(f64, f64)>,
    },
    Math(Vec<Token>),
}

impl Conversion {
    /// Prepares a calibrator for raw values inside `domain`; integers if `whole`.
    ///
    /// # Errors
    /// In words, when it cannot be inverted there.
    pub(super) fn new(
        calibrator: Option<&Calibrator>,
        scale: f64,
        offset: f64,
        domain: (f64, f64),
        whole: bool,
    ) -> Result<Self, String> {
        let calibration = match calibrator {
            None => Calibration::Identity,
            Some(Calibrator::Polynomial(coefficients)) => match coefficients.as_slice() {
                [] | [_] => {
                    return Err("its calibrator gives one value for all raw ones".to_owned());
                }
                [intercept, slope] => Calibration::Line(*slope, *intercept),
                [intercept, slope, rest @ ..] if rest.iter().all(|c| *c == 0.0) => {
                    Calibration::Line(*slope, *intercept)
                }
                _ => Calibration::Polynomial(coefficients.clone()),
            },
            Some(Calibrator::Spline {
                order,
                extrapolate,
                points,
            }) => Calibration::Spline {
                order: *order,
                extrapolate: *extrapolate,
                points: points.clone(),
            },
            Some(Calibrator::Math(tokens)) => Calibration::Math(
                tokens
                    .iter()
                    .map(|token| match token {
                        MathToken::Value(value) => Ok(Token::Value(*value)),
                        MathToken::This => Ok(Token::This),
                        MathToken::Operator(operator) => Ok(Token::Operator(*operator)),
                        MathToken::Parameter { .. } => {
                            Err("its calibrator depends on a parameter".to_owned())
                        }
                    })
                    .collect::<Result<_, _>>()?,
            ),
        };
        let mut conversion = Self {
            calibration,
            scale,
            offset,
            domain,
            rising: true,
        };
        conversion.check(whole)?;
        Ok(conversion)
    }

    /// The engineering value of a raw one; NaN where the calibrator gives none.
    #[inline]
    pub(super) fn forward(&self, raw: f64) -> f64 {
        let calibrated = match &self.calibration {
            Calibration::Identity => raw,
            Calibration::Line(slope, intercept) => raw * slope + intercept,
            Calibration::Polynomial(coefficients) => coefficients
                .iter()
                .rev()
                .fold(0.0, |sum, coefficient| sum * raw + coefficient),
            Calibration::Spline {
                order,
                extrapolate,
                points,
            } => spline(raw, points, *order, *extrapolate),
            Calibration::Math(tokens) => evaluate(tokens, raw),
        };
        if self.is_scaled() {
            calibrated * self.scale + self.offset
        } else {
            calibrated
        }
    }

    /// The raw value whose engineering value is nearest; beyond the domain its end. Whole if `whole`.
    #[inline]
    pub(super) fn inverse(&self, engineering: f64, whole: bool) -> f64 {
        let unscaled = if self.is_scaled() {
            (engineering - self.offset) / self.scale
        } else {
            engineering
        };
        let raw = match &self.calibration {
            Calibration::Identity => unscaled,
            Calibration::Line(slope, intercept) => (unscaled - intercept) / slope,
            _ => return self.search(engineering, whole),
        };
        if whole { raw.round_ties_even() } else { raw }
    }

    /// The nearest whole raw value is always near enough.
    #[inline]
    pub(super) fn is_line(&self) -> bool {
        matches!(
            self.calibration,
            Calibration::Identity | Calibration::Line(..)
        )
    }

    /// Half the distance to the next raw value's engineering value: more than that off is not the
    /// value that was asked for.
    pub(super) fn tolerance(&self, raw: f64) -> f64 {
        let here = self.forward(raw);
        let step = |other: f64| (self.forward(other) - here).abs();
        let (below, above) = (step(raw - 1.0), step(raw + 1.0));
        let widest = f64::max(
            if below.is_finite() { below } else { 0.0 },
            if above.is_finite() { above } else { 0.0 },
        );
        widest * 0.500_001 + here.abs() * 1e-12
    }

    /// Engineering values at the ends of the domain, the lower one first.
    pub(super) fn span(&self) -> (f64, f64) {
        let (first, last) = (self.forward(self.domain.0), self.forward(self.domain.1));
        (first.min(last), first.max(last))
    }

    fn is_scaled(&self) -> bool {
        self.scale != 1.0 || self.offset != 0.0
    }

    /// Which way it goes, and that it never turns back.
    fn check(&mut self, whole: bool) -> Result<(), String> {
        if !(self.scale.is_finite() && self.offset.is_finite()) || self.scale == 0.0 {
            return Err("its scale gives no value".to_owned());
        }
        match &self.calibration {
            Calibration::Identity => return Ok(()),
            Calibration::Line(slope, intercept) => {
                return if *slope != 0.0 && slope.is_finite() && intercept.is_finite() {
                    Ok(())
                } else {
                    Err("its calibrator gives one value for all raw ones".to_owned())
                };
            }
            Calibration::Spline {
                points,
                extrapolate: false,
                ..
            } => {
                let (Some(first), Some(last)) = (points.first(), points.last()) else {
                    return Err("its calibrator has no points".to_owned());
                };
                self.domain = (self.domain.0.max(first.0), self.domain.1.min(last.0));
            }
            _ if !whole => {
                return Err(
                    "its calibrator is no straight line, and its raw value no integer".to_owned(),
                );
            }
            _ => {}
        }
        let (low, high) = self.domain;
        if low.partial_cmp(&high) != Some(std::cmp::Ordering::Less) {
            return Err("its calibrator has no raw values".to_owned());
        }
        let samples: Vec<f64> = (0..=SAMPLES)
            .map(|at| {
                let raw = low + (high - low) * f64::from(at) / f64::from(SAMPLES);
                self.forward(if whole { raw.round() } else { raw })
            })
            .collect();
        if samples.iter().any(|value| !value.is_finite()) {
            return Err("its calibrator gives no number for some raw values".to_owned());
        }
        let rises = samples.windows(2).any(|pair| pair[1] > pair[0]);
        let falls = samples.windows(2).any(|pair| pair[1] < pair[0]);
        if rises == falls {
            return Err(
                "its calibrator cannot be inverted: values do not only rise or only fall"
                    .to_owned(),
            );
        }
        self.rising = rises;
        Ok(())
    }

    /// Halves the domain until the raw value is known.
    fn search(&self, engineering: f64, whole: bool) -> f64 {
        let (mut low, mut high) = self.domain;
        for _ in 0..SEARCH_STEPS {
            let middle = low + (high - low) / 2.0;
            let middle = if whole { middle.floor() } else { middle };
            if middle <= low || middle >= high {
                break;
            }
            if (self.forward(middle) < engineering) == self.rising {
                low = middle;
            } else {
                high = middle;
            }
        }
        let away = |raw: f64| (self.forward(raw) - engineering).abs();
        if away(low) <= away(high) { low } else { high }
    }
}

/// One value of a spline; NaN beyond the points unless the outer segments go on.
fn spline(x: f64, points: &[(f64, f64)], order: u32, extrapolate: bool) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return f64::NAN;
    };
    if x.is_nan() || !((x >= first.0 && x <= last.0) || extrapolate) {
        return f64::NAN;
    }
    let after = points.partition_point(|point| point.0 <= x);
    let before = after.saturating_sub(1);
    if order == 0 || points.len() == 1 {
        return points[before].1;
    }
    // As many neighbours as the order takes, as near as there are.
    let wanted = (order as usize + 1).min(points.len());
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
    // Lagrange's polynomial through them.
    nearest
        .iter()
        .enumerate()
        .map(|(index, point)| {
            let others = nearest
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index);
            others.fold(point.1, |term, (_, other)| {
                term * (x - other.0) / (point.0 - other.0)
            })
        })
        .sum()
}

/// Raw values at which a calibrator is tried before it is trusted.
const SAMPLES: u32 = 1_024;
/// Enough to halve any range of doubles down to neighbours.
const SEARCH_STEPS: u32 = 2_100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xtce::model::MathOperator;

    fn conversion(calibrator: &Calibrator) -> Result<Conversion, String> {
        Conversion::new(Some(calibrator), 1.0, 0.0, (0.0, 4095.0), true)
    }

    #[test]
    fn every_raw_value_comes_back_through_every_calibrator() {
        let thermistor = [(0.0, 90.0), (900.0, 30.0), (2094.0, 0.0), (4095.0, -50.0)];
        let calibrators = [
            Calibrator::Polynomial(vec![-80.0, 0.05]),
            Calibrator::Polynomial(vec![-80.0, 0.05, -1.25e-6]),
            Calibrator::Spline {
                order: 1,
                extrapolate: true,
                points: thermistor.to_vec(),
            },
            Calibrator::Spline {
                order: 1,
                extrapolate: false,
                points: thermistor.to_vec(),
            },
            Calibrator::Math(vec![
                MathToken::This,
                MathToken::Value(1.0),
                MathToken::Operator(MathOperator::Add),
                MathToken::Operator(MathOperator::NaturalLogarithm),
            ]),
        ];
        for calibrator in calibrators {
            let conversion = conversion(&calibrator).unwrap();
            for raw in 0..=4095 {
                let raw = f64::from(raw);
                assert_eq!(
                    conversion.inverse(conversion.forward(raw), true),
                    raw,
                    "{calibrator:?}"
                );
            }
        }
    }

    #[test]
    fn calibrators_without_an_inverse_say_so() {
        for calibrator in [
            Calibrator::Polynomial(vec![3.0]),
            Calibrator::Polynomial(vec![3.0, 0.0]),
            Calibrator::Polynomial(vec![0.0, -4095.0, 1.0]),
            Calibrator::Polynomial(vec![f64::NAN, 1.0]),
            Calibrator::Math(vec![MathToken::Value(1.0)]),
        ] {
            assert!(conversion(&calibrator).is_err(), "{calibrator:?}");
        }
    }

    #[test]
    fn a_scale_comes_after_the_calibrator() {
        let line = Calibrator::Polynomial(vec![10.0, 2.0]);
        let conversion = Conversion::new(Some(&line), 0.5, 1.0, (0.0, 255.0), true).unwrap();
        assert_eq!(conversion.forward(4.0), 10.0);
        assert_eq!(conversion.inverse(10.0, true), 4.0);
        assert_eq!(conversion.span(), (6.0, 261.0));
    }
}
