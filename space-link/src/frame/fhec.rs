//! Frame header error control of AOS: CCSDS 732.0-B-4 4.1.2.6.
//!
//! A Reed-Solomon (10,6) code over GF(16), x^4 + x + 1, whose generator has the roots a^6 to a^9.
//! It protects master channel, virtual channel and signalling field, not the frame count, and
//! corrects two of its ten 4-bit symbols.

/// Octets of the field.
pub const FHEC_OCTETS: usize = 2;

const SYMBOLS: usize = 10;
const INFORMATION: usize = 6;
const ROOTS: [u8; 4] = [6, 7, 8, 9];

/// Powers of a, twice over, so that two logarithms can be added without a remainder.
const POWER: [u8; 30] = powers();
const LOGARITHM: [u8; 16] = logarithms();

/// What a header with error control turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Corrected {
    /// No symbol was wrong.
    Clean,
    /// One or two symbols were wrong.
    Symbols {
        /// How many.
        corrected: u8,
        /// Master and virtual channel, as sent.
        identification: u16,
        /// Signalling field, as sent.
        signaling: u8,
    },
}

/// The error control field of the identification (version, spacecraft, virtual channel) and
/// signalling field of a header.
#[must_use]
pub fn encode(identification: u16, signaling: u8) -> u16 {
    let mut remainder = [0u8; 4];
    for symbol in information(identification, signaling) {
        let feedback = symbol ^ remainder[0];
        remainder = [
            remainder[1] ^ multiply(feedback, GENERATOR[1]),
            remainder[2] ^ multiply(feedback, GENERATOR[2]),
            remainder[3] ^ multiply(feedback, GENERATOR[3]),
            multiply(feedback, GENERATOR[4]),
        ];
    }
    remainder
        .iter()
        .fold(0, |field, symbol| field << 4 | u16::from(*symbol))
}

/// Checks a header against its error control field and corrects up to two symbols.
///
/// `None` when more are wrong than can be corrected.
#[must_use]
pub fn decode(identification: u16, signaling: u8, field: u16) -> Option<Corrected> {
    if encode(identification, signaling) == field {
        return Some(Corrected::Clean);
    }
    let mut word = [0u8; SYMBOLS];
    for (to, from) in word.iter_mut().zip(information(identification, signaling)) {
        *to = from;
    }
    for (place, to) in word.iter_mut().skip(INFORMATION).enumerate() {
        *to = nibble(u64::from(field), 3 - place);
    }
    let syndromes = ROOTS.map(|root| {
        word.iter()
            .fold(0, |sum, symbol| multiply(sum, power(root)) ^ symbol)
    });
    let (first, second) = locate(&syndromes)?;
    let mut corrected = 0;
    for (place, value) in [Some(first), second].into_iter().flatten() {
        if let Some(symbol) = word.get_mut(SYMBOLS - 1 - usize::from(place)) {
            *symbol ^= value;
            corrected += 1;
        }
    }
    let bits = word
        .iter()
        .take(INFORMATION)
        .fold(0u32, |bits, s| bits << 4 | u32::from(*s));
    let [_, high, low, signaling] = bits.to_be_bytes();
    Some(Corrected::Symbols {
        corrected,
        identification: u16::from_be_bytes([high, low]),
        signaling,
    })
}

/// An error: the power of x of its symbol, and its value.
type SymbolError = (u8, u8);

/// The one or two errors that give these syndromes, S(i) = sum of value * a^(root * place).
///
/// Ten places make 45 pairs: trying them all is simpler than a key equation and rare.
fn locate(syndromes: &[u8; 4]) -> Option<(SymbolError, Option<SymbolError>)> {
    let places = 0..SYMBOLS as u8;
    let explains = |errors: &[SymbolError]| {
        ROOTS.iter().zip(syndromes).all(|(root, syndrome)| {
            errors.iter().fold(0, |sum, (place, value)| {
                sum ^ multiply(*value, power(root * place))
            }) == *syndrome
        })
    };
    for place in places.clone() {
        let error = (place, divide(syndromes[0], power(ROOTS[0] * place)));
        if error.1 != 0 && explains(&[error]) {
            return Some((error, None));
        }
    }
    for first in places {
        for second in 0..first {
            // With X = a^first, Y = a^second, u = value X^6, v = value Y^6:
            // S6 = u + v, S7 = u X + v Y.
            let (x, y) = (power(first), power(second));
            let u = divide(syndromes[1] ^ multiply(syndromes[0], y), x ^ y);
            let v = syndromes[0] ^ u;
            let errors = [
                (first, divide(u, power(ROOTS[0] * first))),
                (second, divide(v, power(ROOTS[0] * second))),
            ];
            if u != 0 && v != 0 && explains(&errors) {
                return Some((errors[0], Some(errors[1])));
            }
        }
    }
    None
}

/// The six information symbols, first sent first.
fn information(identification: u16, signaling: u8) -> [u8; INFORMATION] {
    let bits = u64::from(identification) << 8 | u64::from(signaling);
    core::array::from_fn(|place| nibble(bits, INFORMATION - 1 - place))
}

fn nibble(bits: u64, place: usize) -> u8 {
    (bits >> (4 * place) & 0xF) as u8
}

/// (x + a^6)(x + a^7)(x + a^8)(x + a^9), highest power first.
const GENERATOR: [u8; 5] = {
    let mut product = [0u8; 5];
    product[4] = 1;
    let mut degree = 0;
    while degree < ROOTS.len() {
        let root = power(ROOTS[degree]);
        let mut place = 0;
        // Multiply by (x + root): shift up by one, add root times the old.
        while place < 4 {
            product[place] = product[place + 1] ^ multiply(product[place], root);
            place += 1;
        }
        product[4] = multiply(product[4], root);
        degree += 1;
    }
    product
};

const fn powers() -> [u8; 30] {
    let mut table = [0; 30];
    let mut value = 1u8;
    let mut exponent = 0;
    while exponent < 30 {
        table[exponent] = value;
        value <<= 1;
        if value & 0x10 != 0 {
            value ^= 0x13;
        }
        exponent += 1;
    }
    table
}

const fn logarithms() -> [u8; 16] {
    let mut table = [0; 16];
    let mut exponent = 0;
    while exponent < 15 {
        table[POWER[exponent] as usize] = exponent as u8;
        exponent += 1;
    }
    table
}

const fn power(exponent: u8) -> u8 {
    POWER[(exponent % 15) as usize]
}

const fn multiply(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 {
        return 0;
    }
    POWER[(LOGARITHM[(a & 0xF) as usize] + LOGARITHM[(b & 0xF) as usize]) as usize]
}

/// `b` is never 0 here.
const fn divide(a: u8, b: u8) -> u8 {
    multiply(a, power(15 - LOGARITHM[(b & 0xF) as usize]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_come_out() {
        // yamcs AosFrameHeaderErrorCorrTest and cadu-generator, see tests/vectors/aos_frame.json.
        assert_eq!(encode(0x1234, 0x56), 0x94dc);
        assert_eq!(encode(0x369c, 0xfa), 0x457c);
        assert_eq!(encode(0x5eea, 0x4a), 0xd377);
        assert_eq!(decode(0x1234, 0x56, 0x94dc), Some(Corrected::Clean));
        assert_eq!(decode(0x1230, 0x00, 0x94dc), None);
    }

    #[test]
    fn every_error_of_two_symbols_is_corrected() {
        let (identification, signaling) = (0x5eea, 0x4a);
        let sent = u64::from(identification) << 24
            | u64::from(signaling) << 16
            | u64::from(encode(identification, signaling));
        for first in 0..SYMBOLS {
            for second in 0..SYMBOLS {
                for error in 1..256u64 {
                    let pattern = (error >> 4) << (4 * first) ^ (error & 0xF) << (4 * second);
                    let received = sent ^ pattern;
                    let wrong = (0..SYMBOLS).filter(|s| nibble(pattern, *s) != 0).count() as u8;
                    let decoded = decode(
                        (received >> 24) as u16,
                        (received >> 16) as u8,
                        received as u16,
                    );
                    let expected = if wrong == 0 {
                        Corrected::Clean
                    } else {
                        Corrected::Symbols {
                            corrected: wrong,
                            identification,
                            signaling,
                        }
                    };
                    assert_eq!(decoded, Some(expected));
                }
            }
        }
    }
}
