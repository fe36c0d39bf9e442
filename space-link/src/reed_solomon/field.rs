//! GF(2^8) as the code uses it (CCSDS 131.0-B-5 4.3.2): F(x) = x^8 + x^7 + x^2 + x + 1, and the
//! dual (Berlekamp) basis of annex F.

use std::sync::LazyLock;

use super::Basis;

/// Exponent of the code's primitive element: the roots of g(x) are powers of alpha^11.
pub(super) const ROOT_EXPONENT: usize = 11;
/// Symbols of a code word.
pub(super) const WORD_SYMBOLS: usize = 255;

const FIELD_POLYNOMIAL: u16 = 0x187;
/// Annex F: the dual-basis symbols of alpha^7 .. alpha^0.
const DUAL_OF_BIT: [u8; 8] = [0x7B, 0xAF, 0x99, 0xFA, 0x86, 0xEC, 0xEF, 0x8D];

/// alpha^i, twice over so that the sum of two logarithms needs no reduction.
pub(super) static EXP: [u8; 510] = exponentials();
/// `LOG[v]`: i with alpha^i = v; 0 for v = 0, which has none.
pub(super) static LOG: [u8; 256] = logarithms();
/// Dual-basis symbol of each conventional one, and back.
pub(super) static TO_DUAL: [u8; 256] = to_dual();
pub(super) static FROM_DUAL: [u8; 256] = inverse(&TO_DUAL);

/// All products: 64 KiB, since a lookup costs less than two logarithms and a test for zero.
pub(super) static PRODUCTS: LazyLock<Box<[[u8; 256]]>> = LazyLock::new(|| {
    (0..=255_u8)
        .map(|a| std::array::from_fn(|b| multiply(a, b as u8)))
        .collect()
});

pub(super) fn multiply(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 {
        return 0;
    }
    EXP[usize::from(LOG[usize::from(a)]) + usize::from(LOG[usize::from(b)])]
}

/// 1/a; 0 for 0, which has none.
pub(super) fn invert(a: u8) -> u8 {
    if a == 0 {
        0
    } else {
        EXP[255 - usize::from(LOG[usize::from(a)])]
    }
}

/// beta^exponent, beta = alpha^11.
pub(super) fn root_power(exponent: usize) -> u8 {
    EXP[ROOT_EXPONENT * (exponent % WORD_SYMBOLS) % WORD_SYMBOLS]
}

/// The symbol on the link of a conventional one.
pub(super) fn to_link(basis: Basis, symbol: u8) -> u8 {
    match basis {
        Basis::Dual => TO_DUAL[usize::from(symbol)],
        Basis::Conventional => symbol,
    }
}

/// The conventional symbol of one on the link.
pub(super) fn from_link(basis: Basis, symbol: u8) -> u8 {
    match basis {
        Basis::Dual => FROM_DUAL[usize::from(symbol)],
        Basis::Conventional => symbol,
    }
}

const fn exponentials() -> [u8; 510] {
    let mut table = [0; 510];
    let mut value = 1_u16;
    let mut index = 0;
    while index < table.len() {
        table[index] = value as u8;
        value <<= 1;
        if value & 0x100 != 0 {
            value ^= FIELD_POLYNOMIAL;
        }
        index += 1;
    }
    table
}

const fn logarithms() -> [u8; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 255 {
        table[EXP[index] as usize] = index as u8;
        index += 1;
    }
    table
}

const fn to_dual() -> [u8; 256] {
    let mut table = [0; 256];
    let mut value = 0;
    while value < 256 {
        let mut bit = 0;
        while bit < 8 {
            if value >> bit & 1 == 1 {
                table[value] ^= DUAL_OF_BIT[bit];
            }
            bit += 1;
        }
        value += 1;
    }
    table
}

const fn inverse(table: &[u8; 256]) -> [u8; 256] {
    let mut inverted = [0; 256];
    let mut value = 0;
    while value < 256 {
        inverted[table[value] as usize] = value as u8;
        value += 1;
    }
    inverted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_but_zero_has_an_inverse() {
        for a in 1..=255 {
            assert_eq!(multiply(a, invert(a)), 1);
            assert_eq!(FROM_DUAL[usize::from(TO_DUAL[usize::from(a)])], a);
            for b in 0..=255 {
                assert_eq!(PRODUCTS[usize::from(a)][usize::from(b)], multiply(a, b));
            }
        }
    }
}
