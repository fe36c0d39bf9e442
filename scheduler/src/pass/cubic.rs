//! A polynomial through two positions with their velocities.

use crate::vector::Vector;

/// A position by seconds after the first node: Hermite's cubic.
///
/// Its error is at most the step's fourth power times the fourth derivative by 384, 5 m for a low
/// orbit and 120 s, and what comes from SGP4's velocities, which are some cm/s off the change of its
/// positions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cubic([Vector; 4]);

impl Cubic {
    #[inline]
    pub(crate) fn new(
        step: f64,
        (p0, v0): (&Vector, &Vector),
        (p1, v1): (&Vector, &Vector),
    ) -> Self {
        let inverse = 1.0 / step;
        let mut terms = [*p0, *v0, [0.0; 3], [0.0; 3]];
        for axis in 0..3 {
            let chord = (p1[axis] - p0[axis]) * inverse;
            terms[2][axis] = (3.0 * chord - 2.0 * v0[axis] - v1[axis]) * inverse;
            terms[3][axis] = (v0[axis] + v1[axis] - 2.0 * chord) * inverse * inverse;
        }
        Self(terms)
    }

    #[inline]
    pub(crate) fn at(&self, seconds: f64) -> (Vector, Vector) {
        let [a, b, c, d] = &self.0;
        let position = [0, 1, 2]
            .map(|axis| a[axis] + seconds * (b[axis] + seconds * (c[axis] + seconds * d[axis])));
        let velocity =
            [0, 1, 2].map(|axis| b[axis] + seconds * (2.0 * c[axis] + seconds * 3.0 * d[axis]));
        (position, velocity)
    }
}
