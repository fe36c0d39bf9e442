//! Numbers as bits: the integer and float encodings of XTCE, both ways.

use crate::layout::Raw;

/// A number as it lies in a packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Integer(i128),
    Float(f64),
}

/// The integers that an encoding of so many bits holds; `None` for floats, texts and octets.
pub(super) fn integers(raw: &Raw, bits: u32) -> Option<(i128, i128)> {
    let power = |bits: u32| 1_i128 << bits.min(100);
    let digits = |count: u32| 10_i128.checked_pow(count.min(30)).map(|most| most - 1);
    Some(match raw {
        Raw::Unsigned => (0, power(bits) - 1),
        Raw::TwosComplement => (
            -power(bits.saturating_sub(1)),
            power(bits.saturating_sub(1)) - 1,
        ),
        Raw::OnesComplement | Raw::SignMagnitude => {
            let most = power(bits.saturating_sub(1)) - 1;
            (-most, most)
        }
        Raw::Bcd => (0, digits(bits / 8)?),
        Raw::PackedBcd => (0, digits(bits / 4)?),
        Raw::Ieee754 | Raw::MilStd1750A | Raw::Text { .. } | Raw::Octets => return None,
    })
}

/// The bits of an integer inside [`integers`].
#[inline]
pub(super) fn integer_bits(raw: &Raw, bits: u32, value: i128) -> u64 {
    let mask = u64::MAX >> (64 - bits.clamp(1, 64));
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "masked"
    )]
    let low = |value: i128| value as u64 & mask;
    match raw {
        Raw::OnesComplement if value < 0 => !low(-value) & mask,
        Raw::SignMagnitude if value < 0 => low(-value) | 1 << (bits.clamp(1, 64) - 1),
        Raw::Bcd => decimal(value, 8),
        Raw::PackedBcd => decimal(value, 4),
        _ => low(value),
    }
}

/// The integer of some bits; `None` where digits are none.
pub(super) fn integer(raw: &Raw, bits: u32, word: u64) -> Option<i128> {
    let sign = word >> (bits.clamp(1, 64) - 1) & 1 == 1;
    let value = i128::from(word);
    let whole = 1_i128 << bits;
    Some(match raw {
        Raw::TwosComplement if sign => value - whole,
        Raw::OnesComplement if sign => value - (whole - 1),
        Raw::SignMagnitude if sign => -(value - whole / 2),
        Raw::Bcd => digits(word, bits, 8)?,
        Raw::PackedBcd => digits(word, bits, 4)?,
        _ => value,
    })
}

fn decimal(value: i128, step: u32) -> u64 {
    let (mut left, mut word, mut shift) = (value.max(0), 0_u64, 0);
    while left > 0 && shift < 64 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a digit"
        )]
        let digit = (left % 10) as u64;
        word |= digit << shift;
        left /= 10;
        shift += step;
    }
    word
}

fn digits(word: u64, bits: u32, step: u32) -> Option<i128> {
    (0..bits / step).rev().try_fold(0_i128, |sum, at| {
        let digit = word >> (at * step) & ((1 << step) - 1);
        (digit <= 9).then(|| sum * 10 + i128::from(digit))
    })
}

/// The bits of a finite float, rounded to the nearest; `None` if it is too large for the encoding.
pub(super) fn float_bits(raw: &Raw, bits: u32, value: f64) -> Option<u64> {
    match (raw, bits) {
        (Raw::Ieee754, 64) => Some(value.to_bits()),
        (Raw::Ieee754, 32) => {
            #[allow(clippy::cast_possible_truncation, reason = "rounding is meant")]
            let single = value as f32;
            (single.is_finite() || !value.is_finite()).then(|| u64::from(single.to_bits()))
        }
        (Raw::Ieee754, 16) => half_bits(value),
        (Raw::MilStd1750A, 32 | 48) => mil_std_1750a_bits(value, bits),
        _ => None,
    }
}

/// The float of some bits.
pub(super) fn float(raw: &Raw, bits: u32, word: u64) -> Option<f64> {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "as many bits as the encoding has"
    )]
    match (raw, bits) {
        (Raw::Ieee754, 64) => Some(f64::from_bits(word)),
        (Raw::Ieee754, 32) => Some(f64::from(f32::from_bits(word as u32))),
        (Raw::Ieee754, 16) => Some(half(word as u16)),
        (Raw::MilStd1750A, 32 | 48) => Some(mil_std_1750a(word, bits)),
        _ => None,
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f64::from(bits & 0x03ff);
    match bits >> 10 & 0x1f {
        0 => sign * fraction * (-24_f64).exp2(),
        0x1f if bits & 0x03ff == 0 => sign * f64::INFINITY,
        0x1f => f64::NAN,
        exponent => sign * (1024.0 + fraction) * (f64::from(exponent) - 25.0).exp2(),
    }
}

fn half_bits(value: f64) -> Option<u64> {
    let sign = u64::from(value.is_sign_negative()) << 15;
    let magnitude = value.abs();
    // Steps of 2^-24 up to 2^-14, then 1024 steps a power of two.
    let exponent = magnitude.log2().floor().clamp(-14.0, 15.0);
    let mut steps = (magnitude / (exponent - 10.0).exp2()).round_ties_even();
    let mut exponent = exponent;
    if steps >= 2048.0 {
        steps /= 2.0;
        exponent += 1.0;
    }
    if exponent > 15.0 || !steps.is_finite() {
        return None;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "in range"
    )]
    let (steps, biased) = (steps as u64, (exponent + 15.0) as u64);
    Some(if steps < 1024 {
        sign | steps
    } else {
        sign | biased << 10 | (steps - 1024)
    })
}

/// MIL-STD-1750A 4.1.3: mantissa and exponent in two's complement, the 48-bit form's low 16 bits
/// of mantissa behind the exponent.
fn mil_std_1750a(word: u64, width: u32) -> f64 {
    let (high, exponent, low) = if width == 32 {
        (word >> 8, word & 0xff, 0)
    } else {
        (word >> 24, word >> 16 & 0xff, word & 0xffff)
    };
    let mantissa = (high << 40 | low << 24).cast_signed();
    #[allow(clippy::cast_possible_truncation, reason = "eight bits")]
    let exponent = (exponent as u8).cast_signed();
    #[allow(clippy::cast_precision_loss, reason = "40 bits at most are set")]
    let fraction = mantissa as f64 * (-63_f64).exp2();
    fraction * f64::from(exponent).exp2()
}

fn mil_std_1750a_bits(value: f64, width: u32) -> Option<u64> {
    let mantissa_bits = if width == 32 { 24 } else { 40 };
    if value == 0.0 {
        return Some(0);
    }
    // Normalised: 0.5 <= mantissa < 1 or -1 <= mantissa < -0.5.
    let mut exponent = value.abs().log2().floor() + 1.0;
    let scaled = |exponent: f64| {
        (value * (f64::from(mantissa_bits - 1) - exponent.max(-128.0)).exp2()).round_ties_even()
    };
    let most = f64::from(mantissa_bits - 1).exp2();
    let mut mantissa = scaled(exponent);
    if mantissa >= most {
        exponent += 1.0;
        mantissa = scaled(exponent);
    } else if mantissa == -most / 2.0 && exponent > -128.0 {
        exponent -= 1.0;
        mantissa = scaled(exponent);
    }
    if exponent > 127.0 || !mantissa.is_finite() {
        return None;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "in range"
    )]
    let (mantissa, exponent) = (
        mantissa as i64 as u64 & ((1 << mantissa_bits) - 1),
        u64::from((exponent.max(-128.0) as i8).cast_unsigned()),
    );
    Some(if width == 32 {
        mantissa << 8 | exponent
    } else {
        (mantissa >> 16) << 24 | exponent << 16 | mantissa & 0xffff
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn encodings_hold_what_their_bits_say() {
        let cases = [
            (Raw::TwosComplement, 4, -1, 0b1111),
            (Raw::OnesComplement, 4, -1, 0b1110),
            (Raw::SignMagnitude, 4, -1, 0b1001),
            (Raw::PackedBcd, 16, 1234, 0x1234),
            (Raw::Bcd, 32, 9123, 0x0901_0203),
            (Raw::Unsigned, 64, i128::from(u64::MAX), u64::MAX),
        ];
        for (raw, bits, value, word) in cases {
            assert_eq!(integer_bits(&raw, bits, value), word, "{raw:?}");
            assert_eq!(integer(&raw, bits, word), Some(value), "{raw:?}");
        }
        assert_eq!(integer(&Raw::PackedBcd, 8, 0x1a), None);
    }

    /// Values of MIL-STD-1750A table of 32-bit and 48-bit floating point numbers (notice 1, 4.1.3).
    #[test]
    fn mil_std_1750a_examples() {
        let cases: [(u64, u32, f64); 8] = [
            (0x7fff_ff7f, 32, 0.999_999_880_790_710_4 * 127_f64.exp2()),
            (0x4000_007f, 32, 0.5 * 127_f64.exp2()),
            (0x5000_0004, 32, 0.625 * 16.0),
            (0x4000_0001, 32, 1.0),
            (0x4000_0080, 32, 0.5 * (-128_f64).exp2()),
            (0x8000_0000, 32, -1.0),
            (0xa000_00ff_0000, 48, -0.375),
            (0x4000_0001_0000, 48, 1.0),
        ];
        for (word, width, value) in cases {
            assert_eq!(mil_std_1750a(word, width), value, "{word:x}");
            assert_eq!(mil_std_1750a_bits(value, width), Some(word), "{value}");
        }
        assert_eq!(mil_std_1750a_bits(1e300, 32), None);
    }

    #[test]
    fn every_half_float_comes_back() {
        for bits in 0..=u16::MAX {
            let value = half(bits);
            if value.is_finite() {
                assert_eq!(half_bits(value), Some(u64::from(bits)), "{bits:04x}");
            }
        }
        assert_eq!(half_bits(65_520.0), None);
        assert_eq!(half_bits(65_519.0), Some(0x7bff));
    }

    proptest! {
        #[test]
        fn integers_come_back(bits in 1_u32..=64, word in any::<u64>()) {
            let word = word & (u64::MAX >> (64 - bits));
            for raw in [Raw::Unsigned, Raw::TwosComplement, Raw::OnesComplement, Raw::SignMagnitude] {
                let value = integer(&raw, bits, word).unwrap();
                let (least, most) = integers(&raw, bits).unwrap();
                prop_assert!((least..=most).contains(&value));
                let again = integer(&raw, bits, integer_bits(&raw, bits, value));
                prop_assert_eq!(again, Some(value));
            }
        }

        #[test]
        fn floats_of_1750a_come_back(word in 0_u64..1 << 48) {
            for (word, width) in [(word >> 16, 32), (word, 48)] {
                let value = mil_std_1750a(word, width);
                let bits = mil_std_1750a_bits(value, width).unwrap();
                prop_assert_eq!(mil_std_1750a(bits, width), value);
            }
        }
    }
}
