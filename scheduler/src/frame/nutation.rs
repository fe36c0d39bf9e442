//! Nutation: how the true pole swings about the mean one.

use std::f64::consts::PI;

use super::nutation_terms::TERMS;

const ARCSECOND: f64 = PI / 648_000.0;

/// Nutation in longitude and obliquity, the mean obliquity, and the Moon's node, in radians.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nutation {
    pub(super) longitude: f64,
    pub(super) obliquity: f64,
    pub(super) mean_obliquity: f64,
    pub(super) node: f64,
}

impl Nutation {
    /// By Julian centuries of TT since J2000; within 1 mas of IAU 2000A.
    pub(super) fn at(t: f64) -> Self {
        let arguments = fundamental_arguments(t);
        // The mean effect of the planetary terms (McCarthy and Luzum 2003).
        let (mut longitude, mut obliquity) = (-0.000_135, 0.000_388);
        for (multiples, values) in &TERMS {
            let argument: f64 = multiples
                .iter()
                .zip(&arguments)
                .map(|(multiple, argument)| f64::from(*multiple) * argument)
                .sum();
            let (sin, cos) = argument.sin_cos();
            let [a, a_t, a_cos, b, b_t, b_sin] = values.map(f64::from);
            longitude += ((a + a_t * t) * sin + a_cos * cos) * 1e-7;
            obliquity += ((b + b_t * t) * cos + b_sin * sin) * 1e-7;
        }
        // IAU 2006 (Capitaine, Wallace and Chapront 2003).
        let mean = 84_381.406 - t * (46.836_769 + t * (0.000_183_1 - 0.002_003_40 * t));
        Self {
            longitude: longitude * ARCSECOND,
            obliquity: obliquity * ARCSECOND,
            mean_obliquity: mean * ARCSECOND,
            node: arguments[4],
        }
    }

    pub(super) fn true_obliquity(&self) -> f64 {
        self.mean_obliquity + self.obliquity
    }

    /// Apparent less mean sidereal time in radians (IERS Conventions 2010, equation 5.30).
    pub(super) fn equation_of_equinoxes(&self) -> f64 {
        let complement = 0.002_640_96 * self.node.sin() + 0.000_063_52 * (2.0 * self.node).sin();
        self.longitude * self.mean_obliquity.cos() + complement * ARCSECOND
    }
}

/// l, l', F, D and Omega in radians (IERS Conventions 2010, equation 5.43).
fn fundamental_arguments(t: f64) -> [f64; 5] {
    [
        [485_868.249_036, 1_717_915_923.217_8, 31.879_2, 0.051_635],
        [1_287_104.793_05, 129_596_581.048_1, -0.553_2, 0.000_136],
        [335_779.526_232, 1_739_527_262.847_8, -12.751_2, -0.001_037],
        [1_072_260.703_69, 1_602_961_601.209_0, -6.370_6, 0.006_593],
        [450_160.398_036, -6_962_890.543_1, 7.472_2, 0.007_702],
    ]
    .map(|[c0, c1, c2, c3]| {
        let arcseconds: f64 = c0 + t * (c1 + t * (c2 + t * c3));
        (arcseconds % 1_296_000.0) * ARCSECOND
    })
}
