//! Operators of math calibrators on single values (XTCE 1.2 MathOperatorsType).

use crate::xtce::model::MathOperator;

/// Most values on a calibrator's stack.
const STACK_MAX: usize = 64;

/// A token of a calibrator whose only variable is the raw value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token {
    Value(f64),
    This,
    Operator(MathOperator),
}

/// The value that is left on top; NaN where operands are missing.
pub(super) fn evaluate(tokens: &[Token], raw: f64) -> f64 {
    let mut stack = Vec::with_capacity(8);
    for token in tokens {
        let done = match token {
            Token::Value(value) => {
                stack.push(*value);
                true
            }
            Token::This => {
                stack.push(raw);
                true
            }
            Token::Operator(operator) => operate(&mut stack, *operator).is_some(),
        };
        if !done || stack.len() > STACK_MAX {
            return f64::NAN;
        }
    }
    stack.pop().unwrap_or(f64::NAN)
}

fn operate(stack: &mut Vec<f64>, operator: MathOperator) -> Option<()> {
    use MathOperator as M;
    let y = stack.pop()?;
    let result = match operator {
        M::Drop => return Some(()),
        M::Duplicate => {
            stack.push(y);
            y
        }
        M::Swap => {
            let x = stack.pop()?;
            stack.push(y);
            x
        }
        M::Over => {
            let x = *stack.last()?;
            stack.push(y);
            x
        }
        M::NaturalLogarithm => y.ln(),
        M::Exponential => y.exp(),
        M::ReciprocalOf => y.recip(),
        M::SquareRoot => y.sqrt(),
        M::Absolute => y.abs(),
        M::Negate => -y,
        M::Sine => y.sin(),
        M::Cosine => y.cos(),
        M::Tangent => y.tan(),
        M::ArcSine => y.asin(),
        M::ArcCosine => y.acos(),
        M::ArcTangent => y.atan(),
        M::HyperbolicSine => y.sinh(),
        M::HyperbolicCosine => y.cosh(),
        M::HyperbolicTangent => y.tanh(),
        M::HyperbolicArcSine => y.asinh(),
        M::HyperbolicArcCosine => y.acosh(),
        M::HyperbolicArcTangent => y.atanh(),
        M::Logarithm10 => y.log10(),
        M::Factorial => factorial(y),
        M::LogicalNot => truth(y == 0.0),
        M::BitwiseNot => bits(y, 0.0, |y, _| !y),
        other => binary(stack.pop()?, y, other),
    };
    stack.push(result);
    Some(())
}

fn binary(x: f64, y: f64, operator: MathOperator) -> f64 {
    use MathOperator as M;
    let shift = |y: i64| u32::try_from(y).ok().filter(|y| *y < 64);
    match operator {
        M::Add => x + y,
        M::Subtract => x - y,
        M::Multiply => x * y,
        M::Divide => x / y,
        M::Modulo => x % y,
        M::Power => x.powf(y),
        M::ReversePower => y.powf(x),
        M::ArcTangent2 => x.atan2(y),
        M::Minimum => x.min(y),
        M::Maximum => x.max(y),
        M::ShiftLeft => bits(x, y, |x, y| shift(y).map_or(0, |y| x.wrapping_shl(y))),
        M::ShiftRight => bits(x, y, |x, y| x.wrapping_shr(shift(y).unwrap_or(63))),
        M::BitwiseAnd => bits(x, y, |x, y| x & y),
        M::BitwiseOr => bits(x, y, |x, y| x | y),
        M::BitwiseXor => bits(x, y, |x, y| x ^ y),
        M::LogicalAnd => truth(x != 0.0 && y != 0.0),
        M::LogicalOr => truth(x != 0.0 || y != 0.0),
        M::Equal => truth(x == y),
        M::NotEqual => truth(x != y),
        M::Less => truth(x < y),
        M::LessOrEqual => truth(x <= y),
        M::Greater => truth(x > y),
        M::GreaterOrEqual => truth(x >= y),
        _ => f64::NAN,
    }
}

fn bits(x: f64, y: f64, operate: impl Fn(i64, i64) -> i64) -> f64 {
    #[allow(clippy::cast_possible_truncation, reason = "checked to fit")]
    let whole = |x: f64| (x.abs() < 9.2e18).then_some(x as i64);
    match (whole(x), whole(y)) {
        #[allow(clippy::cast_precision_loss, reason = "calibrators work on doubles")]
        (Some(x), Some(y)) => operate(x, y) as f64,
        _ => f64::NAN,
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// 0! to 170!, beyond which 64-bit floats are infinite; NaN for what has no factorial.
fn factorial(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 || x.fract() != 0.0 {
        return f64::NAN;
    }
    if x > 170.0 {
        return f64::INFINITY;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 170"
    )]
    (2..=x as u32).map(f64::from).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_come_in_the_order_they_were_pushed() {
        let run = |x: f64, y: f64, operator| {
            evaluate(
                &[Token::Value(x), Token::This, Token::Operator(operator)],
                y,
            )
        };
        assert_eq!(run(7.0, 2.0, MathOperator::Subtract), 5.0);
        assert_eq!(run(7.0, 2.0, MathOperator::Swap), 7.0);
        assert_eq!(run(2.0, 3.0, MathOperator::Over), 2.0);
        assert_eq!(run(2.0, 3.0, MathOperator::ReversePower), 9.0);
        assert_eq!(run(1.0, 4.0, MathOperator::ShiftLeft), 16.0);
        assert_eq!(run(1.0, 5.0, MathOperator::Factorial), 120.0);
        assert!(evaluate(&[Token::Operator(MathOperator::Add)], 1.0).is_nan());
        assert!(run(1e300, f64::NAN, MathOperator::BitwiseAnd).is_nan());
    }
}
