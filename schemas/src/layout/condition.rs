//! Conditions, computed integers and calibrators: names become slots, literals become values.

use super::compile::Compiler;
use super::{Calibration, Integer, MathStep, Predicate, Reference, Right};
use crate::xtce::model::{
    Calibrator, Comparison, Condition, EncodingKind, IntegerValue, MathToken, Operand, ParameterId,
    TypeId, TypeKind,
};

impl Compiler<'_> {
    pub(super) fn predicate(&mut self, condition: &Condition) -> Predicate {
        self.predicate_at(condition, 0)
    }

    fn predicate_at(&mut self, condition: &Condition, depth: usize) -> Predicate {
        if depth > super::DEPTH_MAX {
            self.issue("a condition nests too deep; it counts as false".to_owned());
            return Predicate::Never;
        }
        let all = |compiler: &mut Self, list: &[Condition]| {
            list.iter()
                .map(|condition| compiler.predicate_at(condition, depth + 1))
                .collect()
        };
        match condition {
            Condition::All(list) => Predicate::All(all(self, list)),
            Condition::Any(list) => Predicate::Any(all(self, list)),
            Condition::Comparison(comparison) => self.comparison(comparison),
        }
    }

    fn comparison(&mut self, comparison: &Comparison) -> Predicate {
        let Some(left) = self.reference(comparison.parameter, comparison.calibrated, "a condition")
        else {
            return Predicate::Never;
        };
        match &comparison.value {
            Operand::Parameter {
                parameter,
                calibrated,
            } => match self.reference(*parameter, *calibrated, "a condition") {
                Some(right) => Predicate::Compare {
                    left,
                    operator: comparison.operator,
                    right: Right::Reference(right),
                },
                None => Predicate::Never,
            },
            Operand::Literal(text) => {
                let Some((left, right)) = self.literal(comparison.parameter, left, text) else {
                    let name = self.parameter_name(comparison.parameter);
                    self.issue(format!(
                        "a condition compares {name} with {text:?}, which is no value of its type; it counts as false"
                    ));
                    return Predicate::Never;
                };
                Predicate::Compare {
                    left,
                    operator: comparison.operator,
                    right,
                }
            }
        }
    }

    /// A literal typed like the parameter it is compared with.
    fn literal(
        &self,
        parameter: ParameterId,
        left: Reference,
        text: &str,
    ) -> Option<(Reference, Right)> {
        let raw = Reference {
            calibrated: false,
            ..left
        };
        let trimmed = text.trim();
        let (_, type_id) = self.find(parameter)?.1;
        let kind = &self.database.types.get(type_id.0 as usize)?.kind;
        let encoding = match kind {
            TypeKind::Integer { encoding, .. }
            | TypeKind::Float { encoding, .. }
            | TypeKind::Boolean { encoding, .. }
            | TypeKind::Enumerated { encoding, .. }
            | TypeKind::String { encoding }
            | TypeKind::Binary { encoding }
            | TypeKind::AbsoluteTime { encoding, .. }
            | TypeKind::RelativeTime { encoding, .. } => encoding,
            TypeKind::Array { .. } | TypeKind::Aggregate { .. } => return None,
        };
        match (&encoding.kind, kind) {
            (EncodingKind::String(_), _) => Some((left, Right::Text(text.to_owned()))),
            (EncodingKind::Binary, _) => Some((left, Right::Octets(hexadecimal(trimmed)?))),
            (_, TypeKind::Enumerated { labels, .. }) if left.calibrated => {
                if labels.iter().any(|label| label.label == text) {
                    return Some((left, Right::Text(text.to_owned())));
                }
                Some((raw, number(trimmed)?))
            }
            (_, TypeKind::Boolean { zero, one, .. }) if left.calibrated => {
                let is = |names: [&str; 3]| names.iter().any(|n| n.eq_ignore_ascii_case(trimmed));
                if is([one.as_str(), "true", "1"]) {
                    Some((left, Right::Boolean(true)))
                } else if is([zero.as_str(), "false", "0"]) {
                    Some((left, Right::Boolean(false)))
                } else {
                    None
                }
            }
            // A time's engineering value is a date; documents compare the count.
            (_, TypeKind::AbsoluteTime { .. }) => Some((raw, number(trimmed)?)),
            _ => Some((left, number(trimmed)?)),
        }
    }

    pub(super) fn integer(&mut self, value: &IntegerValue) -> Integer {
        match value {
            IntegerValue::Fixed(value) => Integer::Fixed(*value),
            IntegerValue::Parameter {
                parameter,
                calibrated,
                slope,
                intercept,
            } => match self.reference(*parameter, *calibrated, "a size, count or location") {
                Some(of) => Integer::Linear {
                    of,
                    slope: *slope,
                    intercept: *intercept,
                },
                None => Integer::Unknown,
            },
            IntegerValue::Lookup(list) => Integer::Lookup(
                list.iter()
                    .map(|(condition, value)| (self.predicate(condition), *value))
                    .collect(),
            ),
        }
    }

    pub(super) fn calibration(&mut self, calibrator: &Calibrator) -> Calibration {
        match calibrator {
            Calibrator::Polynomial(coefficients) => Calibration::Polynomial(coefficients.clone()),
            Calibrator::Spline {
                order,
                extrapolate,
                points,
            } => {
                let mut points = points.clone();
                points.sort_by(|a, b| a.0.total_cmp(&b.0));
                Calibration::Spline {
                    order: *order,
                    extrapolate: *extrapolate,
                    points,
                }
            }
            Calibrator::Math(tokens) => Calibration::Math(
                tokens
                    .iter()
                    .map(|token| match token {
                        MathToken::Value(value) => MathStep::Value(*value),
                        MathToken::This => MathStep::This,
                        MathToken::Operator(operator) => MathStep::Operator(*operator),
                        MathToken::Parameter {
                            parameter,
                            calibrated,
                        } => self
                            .reference(*parameter, *calibrated, "a calibrator")
                            .map_or(MathStep::Value(f64::NAN), MathStep::Parameter),
                    })
                    .collect(),
            ),
        }
    }

    /// A parameter read earlier, in this program or in one around it.
    pub(super) fn reference(
        &mut self,
        parameter: ParameterId,
        calibrated: bool,
        user: &str,
    ) -> Option<Reference> {
        let found = self.find(parameter).map(|(up, (slot, _))| Reference {
            up,
            slot,
            calibrated,
        });
        if found.is_none() {
            let name = self.parameter_name(parameter);
            self.issue(format!(
                "{user} refers to {name}, which is not read before it; what depends on it is null"
            ));
        }
        found
    }

    fn find(&self, parameter: ParameterId) -> Option<(usize, (usize, TypeId))> {
        let scopes = self.scopes.iter().rev().enumerate();
        scopes
            .filter_map(|(up, scope)| Some((up, *scope.slots.get(&parameter)?)))
            .next()
    }

    fn parameter_name(&self, id: ParameterId) -> &str {
        let parameter = self.database.parameters.get(id.0 as usize);
        parameter.map_or("an unknown parameter", |parameter| {
            &parameter.qualified_name
        })
    }
}

/// A number in any XTCE notation: decimal, 0x, 0o, 0b, floating point.
pub(crate) fn number(text: &str) -> Option<Right> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let radix = |prefix: &str, radix| {
        lower
            .strip_prefix(prefix)
            .map(|digits| i128::from_str_radix(digits, radix))
    };
    let based = radix("0x", 16)
        .or_else(|| radix("0b", 2))
        .or_else(|| radix("0o", 8));
    let integer = match based {
        Some(parsed) => parsed.ok()?,
        None => match lower.parse::<i128>() {
            Ok(integer) => integer,
            Err(_) => return text.parse::<f64>().ok().map(Right::Float),
        },
    };
    Some(Right::Integer(if negative {
        integer.checked_neg()?
    } else {
        integer
    }))
}

/// Octets in hexadecimal, with or without `0x`.
pub(crate) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()
        })
        .collect()
}
