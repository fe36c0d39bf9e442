//! Operators of math calibrators over columns (XTCE 1.2 MathOperatorsType).
//!
//! The stack's top is the last column. `x - y` has `y` on top.

use schemas::xtce::model::MathOperator;

/// Applies an operator to the stack; false when the stack has too few values.
pub(super) fn operate(stack: &mut Vec<Vec<f64>>, operator: MathOperator) -> bool {
    use MathOperator as M;
    match operator {
        M::Swap => {
            let length = stack.len();
            if length < 2 {
                return false;
            }
            stack.swap(length - 1, length - 2);
            true
        }
        M::Drop => stack.pop().is_some(),
        M::Duplicate => copy(stack, 1),
        M::Over => copy(stack, 2),
        M::NaturalLogarithm => unary(stack, f64::ln),
        M::Exponential => unary(stack, f64::exp),
        M::ReciprocalOf => unary(stack, f64::recip),
        M::SquareRoot => unary(stack, f64::sqrt),
        M::Absolute => unary(stack, f64::abs),
        M::Negate => unary(stack, |x| -x),
        M::Sine => unary(stack, f64::sin),
        M::Cosine => unary(stack, f64::cos),
        M::Tangent => unary(stack, f64::tan),
        M::ArcSine => unary(stack, f64::asin),
        M::ArcCosine => unary(stack, f64::acos),
        M::ArcTangent => unary(stack, f64::atan),
        M::HyperbolicSine => unary(stack, f64::sinh),
        M::HyperbolicCosine => unary(stack, f64::cosh),
        M::HyperbolicTangent => unary(stack, f64::tanh),
        M::HyperbolicArcSine => unary(stack, f64::asinh),
        M::HyperbolicArcCosine => unary(stack, f64::acosh),
        M::HyperbolicArcTangent => unary(stack, f64::atanh),
        M::Logarithm10 => unary(stack, f64::log10),
        M::Factorial => unary(stack, factorial),
        M::LogicalNot => unary(stack, |x| truth(x == 0.0)),
        M::BitwiseNot => unary(stack, |x| whole(x).map_or(f64::NAN, |x| !x as f64)),
        M::Add => binary(stack, |x, y| x + y),
        M::Subtract => binary(stack, |x, y| x - y),
        M::Multiply => binary(stack, |x, y| x * y),
        M::Divide => binary(stack, |x, y| x / y),
        M::Modulo => binary(stack, |x, y| x % y),
        M::Power => binary(stack, f64::powf),
        M::ReversePower => binary(stack, |x, y| y.powf(x)),
        M::ArcTangent2 => binary(stack, f64::atan2),
        M::Minimum => binary(stack, f64::min),
        M::Maximum => binary(stack, f64::max),
        M::ShiftLeft => bitwise(stack, |x, y| shift(y).map_or(0, |y| x.wrapping_shl(y))),
        M::ShiftRight => bitwise(stack, |x, y| x.wrapping_shr(shift(y).unwrap_or(63))),
        M::BitwiseAnd => bitwise(stack, |x, y| x & y),
        M::BitwiseOr => bitwise(stack, |x, y| x | y),
        M::BitwiseXor => bitwise(stack, |x, y| x ^ y),
        M::LogicalAnd => binary(stack, |x, y| truth(x != 0.0 && y != 0.0)),
        M::LogicalOr => binary(stack, |x, y| truth(x != 0.0 || y != 0.0)),
        M::Equal => binary(stack, |x, y| truth(x == y)),
        M::NotEqual => binary(stack, |x, y| truth(x != y)),
        M::Less => binary(stack, |x, y| truth(x < y)),
        M::LessOrEqual => binary(stack, |x, y| truth(x <= y)),
        M::Greater => binary(stack, |x, y| truth(x > y)),
        M::GreaterOrEqual => binary(stack, |x, y| truth(x >= y)),
    }
}

fn copy(stack: &mut Vec<Vec<f64>>, depth: usize) -> bool {
    let copied = stack
        .len()
        .checked_sub(depth)
        .and_then(|index| stack.get(index))
        .cloned();
    copied.map(|column| stack.push(column)).is_some()
}

fn unary(stack: &mut [Vec<f64>], operate: impl Fn(f64) -> f64) -> bool {
    let Some(top) = stack.last_mut() else {
        return false;
    };
    top.iter_mut().for_each(|value| *value = operate(*value));
    true
}

fn binary(stack: &mut Vec<Vec<f64>>, operate: impl Fn(f64, f64) -> f64) -> bool {
    let Some(y) = stack.pop() else { return false };
    let Some(x) = stack.last_mut() else {
        return false;
    };
    x.iter_mut().zip(y).for_each(|(x, y)| *x = operate(*x, y));
    true
}

fn bitwise(stack: &mut Vec<Vec<f64>>, operate: impl Fn(i64, i64) -> i64) -> bool {
    binary(stack, |x, y| match (whole(x), whole(y)) {
        (Some(x), Some(y)) => operate(x, y) as f64,
        _ => f64::NAN,
    })
}

/// The integer part, if it fits 64 bits.
fn whole(x: f64) -> Option<i64> {
    (x.abs() < 9.2e18).then_some(x as i64)
}

fn shift(bits: i64) -> Option<u32> {
    u32::try_from(bits).ok().filter(|&bits| bits < 64)
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// 0! to 170!, beyond which 64-bit floats are infinite; NaN for what has no factorial.
fn factorial(x: f64) -> f64 {
    if x < 0.0 || x.fract() != 0.0 {
        return f64::NAN;
    }
    if x > 170.0 {
        return f64::INFINITY;
    }
    (2..=x as u32).map(f64::from).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(values: &[f64], operator: MathOperator) -> f64 {
        let mut stack: Vec<Vec<f64>> = values.iter().map(|&value| vec![value]).collect();
        assert!(operate(&mut stack, operator));
        stack.pop().unwrap()[0]
    }

    #[test]
    fn operands_come_in_the_order_they_were_pushed() {
        assert_eq!(run(&[7.0, 2.0], MathOperator::Subtract), 5.0);
        assert_eq!(run(&[7.0, 2.0], MathOperator::Divide), 3.5);
        assert_eq!(run(&[2.0, 3.0], MathOperator::Power), 8.0);
        assert_eq!(run(&[2.0, 3.0], MathOperator::ReversePower), 9.0);
        assert_eq!(run(&[1.0, 4.0], MathOperator::ShiftLeft), 16.0);
        assert_eq!(run(&[2.0, 3.0], MathOperator::Over), 2.0);
        assert_eq!(run(&[5.0], MathOperator::Factorial), 120.0);
    }

    #[test]
    fn hostile_operands_give_no_number_and_no_panic() {
        for operator in [
            MathOperator::ShiftLeft,
            MathOperator::ShiftRight,
            MathOperator::BitwiseAnd,
            MathOperator::Modulo,
            MathOperator::Divide,
        ] {
            for x in [f64::NAN, f64::INFINITY, -1e300, 1e300, 0.0, -1.0] {
                run(&[x, x], operator);
            }
        }
        assert!(run(&[-3.0], MathOperator::Factorial).is_nan());
        assert!(!operate(&mut vec![vec![1.0]], MathOperator::Add));
        assert!(!operate(&mut Vec::new(), MathOperator::Duplicate));
    }
}
