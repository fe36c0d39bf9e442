//! The code of telecommand code blocks: a modified BCH(63,56) code, CCSDS 231.0-B-4 section 3.
//!
//! g(x) = x^7 + x^6 + x^2 + 1. A block of 64 bits has 56 information bits, 7 parity bits in
//! complement, and a filler bit of 0. Any two code words differ in at least 4 bits.

/// Octets of information in a code block.
pub const INFORMATION_OCTETS: usize = 7;

/// Octets of a code block: information, and one with parity and filler.
pub const BLOCK_OCTETS: usize = 8;

/// The remainder register holds its 7 bits in the upper part of an octet, as the block does.
const GENERATOR: u8 = 0b1000_1010;

const PARITY_BITS: u8 = 0b1111_1110;

/// `TABLES[k][v]`: remainder of octet `v` with `k` octets of zeros behind it.
static TABLES: [[u8; 256]; INFORMATION_OCTETS] = tables();

/// The bit to correct by syndrome: 1 to 63 from the left, 0 where no single bit explains it.
static ERRORS: [u8; 128] = errors();

/// What a decoder does with a block that is not a code word (231.0-B-4 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Single error correction: one wrong bit is corrected, two are detected.
    #[default]
    Correct,
    /// Triple error detection: up to three wrong bits are detected, none is corrected.
    Detect,
}

/// What a block turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decoded {
    /// A code word.
    Clean,
    /// One bit was wrong and has been corrected: its place from the left, 0 to 62.
    Corrected(u8),
    /// Not a code word, and not one with a single wrong bit; left as received.
    Rejected,
}

/// The last octet of a block: parity in complement, then the filler bit.
#[inline]
#[must_use]
pub fn parity(information: &[u8; INFORMATION_OCTETS]) -> u8 {
    !remainder(information) & PARITY_BITS
}

/// Decodes a block in place. The filler bit is not looked at.
#[inline]
pub fn decode(block: &mut [u8; BLOCK_OCTETS], mode: Mode) -> Decoded {
    let [information @ .., last] = block;
    let syndrome = (parity(information) ^ *last) >> 1;
    if syndrome == 0 {
        return Decoded::Clean;
    }
    match (mode, ERRORS[usize::from(syndrome)]) {
        (Mode::Detect, _) | (_, 0) => Decoded::Rejected,
        (Mode::Correct, place) => {
            let bit = place - 1;
            block[usize::from(bit / 8)] ^= 0x80 >> (bit % 8);
            Decoded::Corrected(bit)
        }
    }
}

#[inline]
fn remainder(information: &[u8; INFORMATION_OCTETS]) -> u8 {
    let mut remainder = 0;
    for (index, octet) in information.iter().enumerate() {
        remainder ^= TABLES[INFORMATION_OCTETS - 1 - index][usize::from(*octet)];
    }
    remainder
}

const fn tables() -> [[u8; 256]; INFORMATION_OCTETS] {
    let mut tables = [[0; 256]; INFORMATION_OCTETS];
    let mut value = 0;
    while value < 256 {
        tables[0][value] = shift_in(value as u8);
        value += 1;
    }
    let mut zeros = 1;
    while zeros < INFORMATION_OCTETS {
        let mut value = 0;
        while value < 256 {
            tables[zeros][value] = shift_in(tables[zeros - 1][value]);
            value += 1;
        }
        zeros += 1;
    }
    tables
}

/// The register after eight steps without input.
const fn shift_in(mut register: u8) -> u8 {
    let mut bit = 0;
    while bit < 8 {
        register = if register & 0x80 == 0 {
            register << 1
        } else {
            (register << 1) ^ GENERATOR
        };
        bit += 1;
    }
    register
}

const fn errors() -> [u8; 128] {
    let mut errors = [0; 128];
    // A wrong bit at place p of 63 leaves x^(62-p) mod g(x).
    let mut syndrome: u8 = 0b10;
    let mut place = 63;
    while place > 0 {
        errors[(syndrome >> 1) as usize] = place;
        syndrome = if syndrome & 0x80 == 0 {
            syndrome << 1
        } else {
            (syndrome << 1) ^ GENERATOR
        };
        place -= 1;
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(information: [u8; 7]) -> [u8; 8] {
        let [a, b, c, d, e, f, g] = information;
        [a, b, c, d, e, f, g, parity(&information)]
    }

    #[test]
    fn every_single_wrong_bit_is_corrected_and_every_pair_detected() {
        let sent = block([0x22, 0xF6, 0x00, 0xFF, 0x00, 0x42, 0x1A]);
        assert_eq!(sent[7], 0x12);
        let flip = |block: &mut [u8; 8], bit: usize| block[bit / 8] ^= 0x80 >> (bit % 8);
        for first in 0..63 {
            let mut received = sent;
            flip(&mut received, first);
            let once = received;
            assert_eq!(decode(&mut received, Mode::Detect), Decoded::Rejected);
            assert_eq!(received, once, "left as received");
            assert_eq!(
                decode(&mut received, Mode::Correct),
                Decoded::Corrected(first as u8)
            );
            assert_eq!(received, sent);
            for second in first + 1..63 {
                let mut received = once;
                flip(&mut received, second);
                let twice = received;
                assert_eq!(decode(&mut received, Mode::Correct), Decoded::Rejected);
                assert_eq!(received, twice);
                for third in second + 1..63 {
                    let mut received = twice;
                    flip(&mut received, third);
                    assert_eq!(decode(&mut received, Mode::Detect), Decoded::Rejected);
                }
            }
        }
    }

    #[test]
    fn the_filler_bit_is_not_looked_at() {
        let mut received = block([1, 2, 3, 4, 5, 6, 7]);
        received[7] |= 1;
        assert_eq!(decode(&mut received, Mode::Correct), Decoded::Clean);
    }

    #[test]
    fn the_tail_sequence_is_beyond_correction() {
        let mut tail = [0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0x79];
        assert_eq!(decode(&mut tail, Mode::Correct), Decoded::Rejected);
    }
}
