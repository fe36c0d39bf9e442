//! Re-encoding with tables: the remainder of code words modulo g(x), in the symbols of the link.
//!
//! Multiplication by a constant is linear over GF(2) in either basis, so the tables are built for
//! the basis of the link and no symbol is converted.

use super::{Basis, Code, field};

/// Symbols folded into the remainder at once.
const SLICES: usize = 8;

/// The remainder of a word: `P` x 8 octets, the coefficient of the highest power first.
pub(super) type Remainder<const P: usize> = [u64; P];

/// `rows[k][v]`: the remainder of the symbol `v` followed by 7 - k symbols, then by the parity
/// symbols, all zero. 64 KiB for `P` = 4, 32 KiB for `P` = 2.
pub(super) struct RemainderTable<const P: usize> {
    rows: Box<[[Remainder<P>; 256]; SLICES]>,
}

/// Where one word's symbols lie within a code block.
#[derive(Clone, Copy)]
pub(super) struct WordLayout {
    /// Octet of the first word's first symbol.
    pub(super) first: usize,
    /// Octets from one symbol of a word to its next.
    pub(super) stride: usize,
    /// Data symbols of a word.
    pub(super) data_symbols: usize,
}

impl<const P: usize> RemainderTable<P> {
    pub(super) fn new(code: Code, basis: Basis) -> Self {
        let generator = generator(code);
        let parity = P * 8;
        let mut rows = Box::new([[[0; P]; 256]; SLICES]);
        for value in 0..=255_u8 {
            // The remainder, then its products with x, one symbol at a time.
            let mut remainder = vec![0_u8; parity + 1];
            remainder[0] = field::from_link(basis, value);
            for slice in (0..SLICES).rev() {
                let lead = remainder[0];
                for index in 0..parity {
                    remainder[index] =
                        remainder[index + 1] ^ field::multiply(lead, generator[parity - 1 - index]);
                }
                let octets: Vec<u8> = remainder[..parity]
                    .iter()
                    .map(|&symbol| field::to_link(basis, symbol))
                    .collect();
                let (words, _) = octets.as_chunks::<8>();
                for (out, word) in rows[slice][usize::from(value)].iter_mut().zip(words) {
                    *out = u64::from_le_bytes(*word);
                }
            }
        }
        Self { rows }
    }

    /// The remainders of the data symbols of `W` neighbouring words: their parity symbols. Several
    /// words at once hide the latency of the table.
    pub(super) fn of_data<const W: usize>(
        &self,
        data: &[u8],
        layout: WordLayout,
    ) -> [Remainder<P>; W] {
        let mut states = [[0; P]; W];
        let mut symbols = [[0; SLICES]; W];
        let mut rest = data.get(layout.first..).unwrap_or_default();
        // The word begins as if with zeros, which leave the remainder at zero.
        let mut take = layout.data_symbols % SLICES;
        if take == 0 {
            take = SLICES;
        }
        let mut left = layout.data_symbols;
        while left > 0 {
            let step = take * layout.stride;
            gather(rest, layout.stride, SLICES - take, &mut symbols);
            for (state, symbols) in states.iter_mut().zip(&symbols) {
                *state = self.fold(state, u64::from_le_bytes(*symbols));
            }
            rest = rest.get(step..).unwrap_or_default();
            left -= take;
            take = SLICES;
        }
        states
    }

    #[inline(always)]
    fn fold(&self, state: &Remainder<P>, symbols: u64) -> Remainder<P> {
        let lead = (state[0] ^ symbols).to_le_bytes();
        let mut next = [0; P];
        next[..P - 1].copy_from_slice(&state[1..]);
        for (rows, &symbol) in self.rows.iter().zip(&lead) {
            let row = &rows[usize::from(symbol)];
            for (out, row) in next.iter_mut().zip(row) {
                *out ^= row;
            }
        }
        next
    }
}

/// Eight symbols of each word; those before `from` are zero.
#[inline(always)]
fn gather<const W: usize>(
    octets: &[u8],
    stride: usize,
    from: usize,
    symbols: &mut [[u8; SLICES]; W],
) {
    *symbols = [[0; SLICES]; W];
    let mut rest = octets;
    for index in from..SLICES {
        if let Some(column) = rest.first_chunk::<W>() {
            for (word, &octet) in symbols.iter_mut().zip(column) {
                word[index] = octet;
            }
        }
        rest = rest.get(stride..).unwrap_or_default();
    }
}

/// Coefficients of g(x), x^0 first: the product of (x - beta^j), j = 128 - E .. 127 + E.
fn generator(code: Code) -> Vec<u8> {
    let mut generator = vec![1_u8];
    for index in 0..code.parity_symbols() {
        let root = field::root_power(code.first_root() + index);
        let mut next = vec![0; generator.len() + 1];
        for (power, &coefficient) in generator.iter().enumerate() {
            next[power + 1] ^= coefficient;
            next[power] ^= field::multiply(coefficient, root);
        }
        generator = next;
    }
    generator
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The coefficients as printed in CCSDS 131.0-B-5 annex G, as powers of alpha, x^0 first.
    #[test]
    fn generator_polynomials_are_the_standards() {
        let e16 = [
            0, 249, 59, 66, 4, 43, 126, 251, 97, 30, 3, 213, 50, 66, 170, 5, 24,
        ];
        let generator = generator(Code::Rs255_223);
        for (power, exponent) in e16.into_iter().enumerate() {
            assert_eq!(generator[power], field::EXP[exponent], "x^{power}");
            assert_eq!(
                generator[power],
                generator[32 - power],
                "palindrome at {power}"
            );
        }
    }
}
