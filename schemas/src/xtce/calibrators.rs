//! Calibrators: polynomial, spline and math operation.

use roxmltree::Node;

use super::document::{child, elements, name_of, text_of};
use super::load::Loader;
use super::model::{Calibrator, Condition, MathOperator, MathToken};
use super::notes::{Built, mistake, unsupported};
use super::values::{attribute, boolean, double, integer, required};

/// Highest power of a polynomial; real ones stay below 10.
const EXPONENT_MAX: usize = 63;

impl<'a> Loader<'a> {
    /// DefaultCalibrator of a data encoding.
    pub(super) fn default_calibrator(
        &mut self,
        encoding: Node<'a, 'a>,
        system: u32,
    ) -> Built<'a, Option<Calibrator>> {
        match child(encoding, "DefaultCalibrator") {
            Some(node) => self.calibrator(node, system).map(Some),
            None => Ok(None),
        }
    }

    /// ContextCalibratorList of a data encoding.
    pub(super) fn context_calibrators(
        &mut self,
        encoding: Node<'a, 'a>,
        system: u32,
    ) -> Built<'a, Vec<(Condition, Calibrator)>> {
        let Some(list) = child(encoding, "ContextCalibratorList") else {
            return Ok(Vec::new());
        };
        let mut calibrators = Vec::new();
        for node in elements(list).filter(|node| name_of(*node) == "ContextCalibrator") {
            let context = child(node, "ContextMatch")
                .ok_or_else(|| mistake(node, "ContextCalibrator has no ContextMatch"))?;
            let condition = self
                .match_criteria(context, system)?
                .ok_or_else(|| mistake(context, "ContextMatch has no condition"))?;
            let calibrator = child(node, "Calibrator")
                .ok_or_else(|| mistake(node, "ContextCalibrator has no Calibrator"))?;
            calibrators.push((condition, self.calibrator(calibrator, system)?));
        }
        Ok(calibrators)
    }

    fn calibrator(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Calibrator> {
        for form in elements(node) {
            match name_of(form) {
                "PolynomialCalibrator" => return polynomial(form),
                "SplineCalibrator" => return spline(form),
                "MathOperationCalibrator" => return self.math(form, system),
                _ => {}
            }
        }
        Err(unsupported(
            node,
            "no polynomial, spline or math operation in this calibrator",
        ))
    }

    fn math(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Calibrator> {
        let mut tokens = Vec::new();
        let mut depth = 0_usize;
        for form in elements(node) {
            let token = match name_of(form) {
                "ValueOperand" => {
                    let text = text_of(form);
                    let value = double(&text)
                        .ok_or_else(|| mistake(form, format!("`{text}` is not a number")))?;
                    MathToken::Value(value)
                }
                "ThisParameterOperand" => MathToken::This,
                "ParameterInstanceRefOperand" => {
                    let (parameter, calibrated) = self.parameter_instance(form, system)?;
                    MathToken::Parameter {
                        parameter,
                        calibrated,
                    }
                }
                "Operator" => {
                    let text = text_of(form);
                    let operator = operator(&text)
                        .ok_or_else(|| unsupported(form, format!("the math operator `{text}`")))?;
                    let (takes, gives) = stack_effect(operator);
                    depth = depth.checked_sub(takes).ok_or_else(|| {
                        mistake(
                            form,
                            format!("`{text}` takes {takes} values, {depth} are there"),
                        )
                    })? + gives;
                    tokens.push(MathToken::Operator(operator));
                    continue;
                }
                _ => continue,
            };
            depth += 1;
            tokens.push(token);
        }
        match depth {
            0 => Err(mistake(node, "this math operation leaves no value")),
            _ => Ok(Calibrator::Math(tokens)),
        }
    }
}

fn polynomial<'a>(node: Node<'a, 'a>) -> Built<'a, Calibrator> {
    let mut coefficients: Vec<f64> = Vec::new();
    for term in elements(node).filter(|term| name_of(*term) == "Term") {
        let coefficient = required(term, "coefficient", double)?;
        let exponent = required(term, "exponent", |text| {
            integer(text).or_else(|| whole(double(text)?))
        })?;
        let power = usize::try_from(exponent)
            .ok()
            .filter(|power| *power <= EXPONENT_MAX)
            .ok_or_else(|| unsupported(term, format!("exponent {exponent} of a polynomial")))?;
        if coefficients.len() <= power {
            coefficients.resize(power + 1, 0.0);
        }
        if let Some(sum) = coefficients.get_mut(power) {
            *sum += coefficient;
        }
    }
    if coefficients.is_empty() {
        return Err(mistake(node, "this polynomial has no Term"));
    }
    Ok(Calibrator::Polynomial(coefficients))
}

/// `2.0` for an integer, as the schema of XTCE 1.0 lets one write.
fn whole(value: f64) -> Option<i64> {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and small"
    )]
    (value.fract() == 0.0 && value.abs() < 1e6).then_some(value as i64)
}

fn spline<'a>(node: Node<'a, 'a>) -> Built<'a, Calibrator> {
    let order = attribute(node, "order", integer)?.unwrap_or(1);
    let extrapolate = attribute(node, "extrapolate", boolean)?.unwrap_or(false);
    let mut points = Vec::new();
    for point in elements(node).filter(|point| name_of(*point) == "SplinePoint") {
        if attribute(point, "order", integer)?.is_some_and(|own| own != order) {
            return Err(unsupported(
                point,
                "an interpolation order of its own for one point",
            ));
        }
        let (raw, calibrated) = (
            required(point, "raw", double)?,
            required(point, "calibrated", double)?,
        );
        if !raw.is_finite() {
            return Err(mistake(point, "a spline point's raw value must be finite"));
        }
        points.push((raw, calibrated));
    }
    // Stable: two points with one raw value are a step, and keep their order.
    points.sort_by(|left: &(f64, f64), right| left.0.total_cmp(&right.0));
    let order = u32::try_from(order)
        .ok()
        .filter(|order| *order <= 8)
        .ok_or_else(|| unsupported(node, format!("interpolation order {order}")))?;
    if points.len() < 2 || points.len() <= order as usize {
        let what = format!(
            "{} points are too few for a spline of order {order}",
            points.len()
        );
        return Err(mistake(node, what));
    }
    Ok(Calibrator::Spline {
        order,
        extrapolate,
        points,
    })
}

/// MathOperatorsType.
fn operator(text: &str) -> Option<MathOperator> {
    use MathOperator as Op;
    Some(match text {
        "+" => Op::Add,
        "-" => Op::Subtract,
        "*" => Op::Multiply,
        "/" => Op::Divide,
        "%" => Op::Modulo,
        "^" => Op::Power,
        "y^x" => Op::ReversePower,
        "ln" => Op::NaturalLogarithm,
        "log" => Op::Logarithm10,
        "e^x" => Op::Exponential,
        "1/x" => Op::ReciprocalOf,
        "x!" => Op::Factorial,
        "tan" => Op::Tangent,
        "cos" => Op::Cosine,
        "sin" => Op::Sine,
        "atan" => Op::ArcTangent,
        "atan2" => Op::ArcTangent2,
        "acos" => Op::ArcCosine,
        "asin" => Op::ArcSine,
        "tanh" => Op::HyperbolicTangent,
        "cosh" => Op::HyperbolicCosine,
        "sinh" => Op::HyperbolicSine,
        "atanh" => Op::HyperbolicArcTangent,
        "acosh" => Op::HyperbolicArcCosine,
        "asinh" => Op::HyperbolicArcSine,
        "swap" => Op::Swap,
        "drop" => Op::Drop,
        "dup" => Op::Duplicate,
        "over" => Op::Over,
        "<<" => Op::ShiftLeft,
        ">>" => Op::ShiftRight,
        "&" => Op::BitwiseAnd,
        "|" => Op::BitwiseOr,
        "xor" => Op::BitwiseXor,
        "~" => Op::BitwiseNot,
        "&&" => Op::LogicalAnd,
        "||" => Op::LogicalOr,
        "!" => Op::LogicalNot,
        "abs" => Op::Absolute,
        "min" => Op::Minimum,
        "max" => Op::Maximum,
        "==" => Op::Equal,
        "!=" => Op::NotEqual,
        "<" => Op::Less,
        "<=" => Op::LessOrEqual,
        ">" => Op::Greater,
        ">=" => Op::GreaterOrEqual,
        _ => return None,
    })
}

/// How many values an operator takes from the stack and puts there.
fn stack_effect(operator: MathOperator) -> (usize, usize) {
    use MathOperator as Op;
    match operator {
        Op::Add
        | Op::Subtract
        | Op::Multiply
        | Op::Divide
        | Op::Modulo
        | Op::Power
        | Op::ReversePower
        | Op::ArcTangent2
        | Op::Minimum
        | Op::Maximum
        | Op::ShiftLeft
        | Op::ShiftRight
        | Op::BitwiseAnd
        | Op::BitwiseOr
        | Op::BitwiseXor
        | Op::LogicalAnd
        | Op::LogicalOr
        | Op::Equal
        | Op::NotEqual
        | Op::Less
        | Op::LessOrEqual
        | Op::Greater
        | Op::GreaterOrEqual => (2, 1),
        Op::Swap => (2, 2),
        Op::Over => (2, 3),
        Op::Drop => (1, 0),
        Op::Duplicate => (1, 2),
        Op::NaturalLogarithm
        | Op::Exponential
        | Op::ReciprocalOf
        | Op::SquareRoot
        | Op::Absolute
        | Op::Negate
        | Op::Sine
        | Op::Cosine
        | Op::Tangent
        | Op::ArcSine
        | Op::ArcCosine
        | Op::ArcTangent
        | Op::HyperbolicSine
        | Op::HyperbolicCosine
        | Op::HyperbolicTangent
        | Op::HyperbolicArcSine
        | Op::HyperbolicArcCosine
        | Op::HyperbolicArcTangent
        | Op::Logarithm10
        | Op::BitwiseNot
        | Op::LogicalNot
        | Op::Factorial => (1, 1),
    }
}
