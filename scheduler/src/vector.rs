//! Vectors of three numbers.

pub(crate) type Vector = [f64; 3];

#[inline]
pub(crate) fn dot(a: &Vector, b: &Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[inline]
pub(crate) fn norm(a: &Vector) -> f64 {
    dot(a, a).sqrt()
}

#[inline]
pub(crate) fn difference(a: &Vector, b: &Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// `a` and `factor` times `b`.
#[inline]
pub(crate) fn sum(a: &Vector, factor: f64, b: &Vector) -> Vector {
    [
        a[0] + factor * b[0],
        a[1] + factor * b[1],
        a[2] + factor * b[2],
    ]
}

/// A rotation: its rows are the new axes in the old frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rotation(pub(crate) [Vector; 3]);

impl Rotation {
    /// The frame turned by an angle in radians about its axis 0, 1 or 2: R1, R2, R3 of the
    /// astronomers.
    pub(crate) fn about(axis: usize, angle: f64) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self(match axis {
            0 => [[1.0, 0.0, 0.0], [0.0, cos, sin], [0.0, -sin, cos]],
            1 => [[cos, 0.0, -sin], [0.0, 1.0, 0.0], [sin, 0.0, cos]],
            _ => [[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]],
        })
    }

    #[inline]
    pub(crate) fn apply(&self, vector: &Vector) -> Vector {
        [
            dot(&self.0[0], vector),
            dot(&self.0[1], vector),
            dot(&self.0[2], vector),
        ]
    }

    /// First `self`, then `next`.
    pub(crate) fn then(&self, next: &Self) -> Self {
        let columns = self.inverse();
        Self(next.0.map(|row| columns.apply(&row)))
    }

    pub(crate) fn inverse(&self) -> Self {
        let rows = &self.0;
        Self([0, 1, 2].map(|column| [rows[0][column], rows[1][column], rows[2][column]]))
    }
}
