//! Raw numbers from bits (XTCE 1.2 IntegerDataEncoding, FloatDataEncoding).

use schemas::layout::Raw;

/// A native type of a column, made from what bits mean.
pub(super) trait FromBits: Default {
    fn from_unsigned(word: u64) -> Self;
    fn from_signed(value: i64) -> Self;
    fn from_single(value: f32) -> Self;
    fn from_double(value: f64) -> Self;
}

macro_rules! from_bits {
    ($($native:ty),*) => {$(
        impl FromBits for $native {
            #[inline]
            fn from_unsigned(word: u64) -> Self {
                word as Self
            }
            #[inline]
            fn from_signed(value: i64) -> Self {
                value as Self
            }
            #[inline]
            fn from_single(value: f32) -> Self {
                value as Self
            }
            #[inline]
            fn from_double(value: f64) -> Self {
                value as Self
            }
        }
    )*};
}

from_bits!(i8, i16, i32, i64, i128, f32, f64);

/// An integer of any encoding.
pub(super) fn integer(raw: &Raw, word: u64, width: u32) -> i64 {
    if width == 0 || width > 64 {
        return 0;
    }
    let unused = 64 - width;
    let sign = word >> (width - 1) & 1 == 1;
    let signed = word.wrapping_shl(unused).cast_signed() >> unused;
    match raw {
        Raw::TwosComplement => signed,
        // A negative number is the positive one's complement; minus zero is zero.
        Raw::OnesComplement if sign => signed.wrapping_add(1),
        Raw::SignMagnitude if sign => {
            let magnitude = word & !(1 << (width - 1));
            magnitude.cast_signed().wrapping_neg()
        }
        Raw::Bcd => digits(word, width, 8),
        Raw::PackedBcd => digits(word, width, 4),
        Raw::Ieee754 | Raw::MilStd1750A => float(raw, word, width) as i64,
        Raw::Unsigned
        | Raw::OnesComplement
        | Raw::SignMagnitude
        | Raw::Text { .. }
        | Raw::Octets => word.cast_signed(),
    }
}

/// Decimal digits, most significant first, each in the low four bits of `step` bits.
fn digits(word: u64, width: u32, step: u32) -> i64 {
    let count = width.div_ceil(step);
    (0..count).rev().fold(0, |sum: i64, digit| {
        let value = word.wrapping_shr(digit * step) & 0x0f;
        sum.wrapping_mul(10).wrapping_add(value.cast_signed())
    })
}

/// Whether all digits of a decimal are digits; true for everything else.
pub(super) fn is_decimal(raw: &Raw, word: u64, width: u32) -> bool {
    let step = match raw {
        Raw::Bcd => 8,
        Raw::PackedBcd => 4,
        _ => return true,
    };
    (0..width.div_ceil(step)).all(|digit| word.wrapping_shr(digit * step) & 0x0f <= 9)
}

/// A float of any encoding; integers as they are.
pub(super) fn float(raw: &Raw, word: u64, width: u32) -> f64 {
    match (raw, width) {
        (Raw::Ieee754, 16) => half(word as u16),
        (Raw::Ieee754, 32) => f64::from(f32::from_bits(word as u32)),
        (Raw::Ieee754, 64) => f64::from_bits(word),
        (Raw::MilStd1750A, 32 | 48) => mil_std_1750a(word, width),
        (Raw::Ieee754 | Raw::MilStd1750A, _) => f64::NAN,
        (Raw::Unsigned, _) => word as f64,
        _ => integer(raw, word, width) as f64,
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f64::from(bits & 0x03ff);
    match bits >> 10 & 0x1f {
        0 => sign * fraction * (-24f64).exp2(),
        0x1f if bits & 0x03ff == 0 => sign * f64::INFINITY,
        0x1f => f64::NAN,
        exponent => sign * (1024.0 + fraction) * (f64::from(exponent) - 25.0).exp2(),
    }
}

/// MIL-STD-1750A 4.1.3: mantissa and exponent in two's complement, the 48-bit form's low 16 bits
/// of mantissa behind the exponent.
fn mil_std_1750a(word: u64, width: u32) -> f64 {
    let (high, exponent, low) = if width == 32 {
        (word >> 8, word as u8, 0)
    } else {
        (word >> 24, (word >> 16) as u8, word & 0xffff)
    };
    let mantissa = (high << 40 | low << 24).cast_signed();
    // The mantissa is a fraction with its sign in the top bit.
    let fraction = mantissa as f64 * (-63f64).exp2();
    fraction * f64::from(exponent.cast_signed()).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complements_and_magnitudes() {
        assert_eq!(integer(&Raw::TwosComplement, 0b1111, 4), -1);
        assert_eq!(integer(&Raw::OnesComplement, 0b1110, 4), -1);
        assert_eq!(integer(&Raw::OnesComplement, 0b1111, 4), 0);
        assert_eq!(integer(&Raw::SignMagnitude, 0b1001, 4), -1);
        assert_eq!(integer(&Raw::SignMagnitude, 0b0111, 4), 7);
        assert_eq!(integer(&Raw::TwosComplement, u64::MAX, 64), -1);
        assert_eq!(integer(&Raw::SignMagnitude, u64::MAX, 64), -i64::MAX);
    }

    #[test]
    fn decimals() {
        assert_eq!(integer(&Raw::PackedBcd, 0x1234, 16), 1234);
        assert_eq!(integer(&Raw::Bcd, 0x0901_0203, 32), 9123);
        assert_eq!(integer(&Raw::PackedBcd, 0x19, 7), 19);
        assert!(is_decimal(&Raw::PackedBcd, 0x1299, 16));
        assert!(!is_decimal(&Raw::PackedBcd, 0x1a, 8));
    }

    /// Values of MIL-STD-1750A table of 32-bit and 48-bit floating point numbers (notice 1, 4.1.3).
    #[test]
    fn mil_std_1750a_examples() {
        for (word, value) in [
            (0x7fff_ff7f, 0.999_999_880_790_710_4 * 127f64.exp2()),
            (0x4000_007f, 0.5 * 127f64.exp2()),
            (0x5000_0004, 0.625 * 16.0),
            (0x4000_0001, 1.0),
            (0x4000_0000, 0.5),
            (0x4000_00ff, 0.25),
            (0x4000_0080, 0.5 * (-128f64).exp2()),
            (0x0000_0000, 0.0),
            (0x8000_0000, -1.0),
            (0xbfff_ff80, -0.500_000_119_209_289_6 * (-128f64).exp2()),
            (0x9fff_ff04, -0.750_000_119_209_289_6 * 16.0),
        ] {
            assert_eq!(float(&Raw::MilStd1750A, word, 32), value, "{word:08x}");
        }
        assert_eq!(float(&Raw::MilStd1750A, 0x4000_0001_0000, 48), 1.0);
        assert_eq!(float(&Raw::MilStd1750A, 0xa000_00ff_0000, 48), -0.375);
    }

    #[test]
    fn halves() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x3555, 0.333_251_953_125),
            (0x7c00, f64::INFINITY),
        ] {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7e00).is_nan());
    }
}
