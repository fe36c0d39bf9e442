//! Calibrators of the model.

use super::ParameterId;

/// From raw to engineering value.
#[derive(Clone, Debug)]
pub enum Calibrator {
    /// Sum of coefficient[i] * raw^i.
    Polynomial(Vec<f64>),
    /// Points sorted by raw value, interpolated with polynomials of `order` (0 flat, 1 linear).
    Spline {
        /// Interpolation order; orders above 1 use Lagrange over the nearest points.
        order: u32,
        /// Continue the outer segments beyond the points, else clamp is an anomaly-free NaN.
        extrapolate: bool,
        /// (raw, calibrated).
        points: Vec<(f64, f64)>,
    },
    /// MathOperationCalibrator in reverse Polish notation.
    Math(Vec<MathToken>),
}

/// One token of a math operation.
#[derive(Clone, Debug)]
pub enum MathToken {
    /// ValueOperand.
    Value(f64),
    /// ThisParameterOperand: the raw value under calibration.
    This,
    /// ParameterInstanceRefOperand.
    Parameter {
        /// Whose value.
        parameter: ParameterId,
        /// Calibrated rather than raw.
        calibrated: bool,
    },
    /// An operator.
    Operator(MathOperator),
}

/// Operators of MathOperationCalibrator (XTCE MathOperatorsType).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the variants are the schema's operators by name"
)]
pub enum MathOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    ReversePower,
    NaturalLogarithm,
    Exponential,
    ReciprocalOf,
    SquareRoot,
    Absolute,
    Negate,
    Sine,
    Cosine,
    Tangent,
    ArcSine,
    ArcCosine,
    ArcTangent,
    ArcTangent2,
    HyperbolicSine,
    HyperbolicCosine,
    HyperbolicTangent,
    HyperbolicArcSine,
    HyperbolicArcCosine,
    HyperbolicArcTangent,
    Logarithm10,
    Minimum,
    Maximum,
    Swap,
    Drop,
    Duplicate,
    Over,
    ShiftLeft,
    ShiftRight,
    BitwiseAnd,
    BitwiseOr,
    BitwiseXor,
    BitwiseNot,
    LogicalAnd,
    LogicalOr,
    LogicalNot,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Factorial,
}
