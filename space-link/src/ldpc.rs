//! The LDPC codes of telecommand, (128,64) and (512,256): CCSDS 231.0-B-4 section 4. The codes
//! themselves are the crate `labrador-ldpc`'s.

use std::sync::LazyLock;

use labrador_ldpc::LDPCCode;

/// Iterations after which a code word is given up.
const ITERATIONS_MAX: usize = 50;

/// 64-bit words of the longest parity.
const PARITY_WORDS_MAX: usize = 4;

/// Parity of each value of each four bits of information, the others 0; parities add up. 2 KiB that
/// are used with the one code, 32 KiB with the other.
static PARITIES_128: LazyLock<Vec<[u64; PARITY_WORDS_MAX]>> =
    LazyLock::new(|| parities(LDPCCode::TC128));
static PARITIES_512: LazyLock<Vec<[u64; PARITY_WORDS_MAX]>> =
    LazyLock::new(|| parities(LDPCCode::TC512));

/// Octets of the longest code word.
pub const CODEWORD_OCTETS_MAX: usize = 64;

/// Which of the two codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ldpc {
    /// 64 information bits in 128.
    Tc128,
    /// 256 information bits in 512.
    Tc512,
}

/// What a code word turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decoded {
    /// As received, or with this many bits corrected.
    Codeword {
        /// Bits that were wrong, parity included.
        corrected: u32,
    },
    /// No code word was found within the iterations; left as received.
    Rejected,
}

impl Ldpc {
    /// Octets of information in a code word.
    #[must_use]
    pub const fn information_octets(self) -> usize {
        self.code().k() / 8
    }

    /// Octets of a code word.
    #[must_use]
    pub const fn codeword_octets(self) -> usize {
        self.code().n() / 8
    }

    const fn code(self) -> LDPCCode {
        match self {
            Self::Tc128 => LDPCCode::TC128,
            Self::Tc512 => LDPCCode::TC512,
        }
    }

    /// Writes the parity of the first half of `codeword` into its second half.
    ///
    /// Does nothing with a slice of another length than a code word's.
    pub fn encode(self, codeword: &mut [u8]) {
        if codeword.len() != self.codeword_octets() {
            return;
        }
        let table = match self {
            Self::Tc128 => &PARITIES_128,
            Self::Tc512 => &PARITIES_512,
        };
        let (information, parity) = codeword.split_at_mut(self.information_octets());
        let mut sum = [0; PARITY_WORDS_MAX];
        for (octet, parities) in information.iter().zip(table.as_chunks::<32>().0) {
            let high = &parities[usize::from(octet >> 4)];
            let low = &parities[16 + usize::from(octet & 0xF)];
            for (word, (high, low)) in sum.iter_mut().zip(high.iter().zip(low)) {
                *word ^= high ^ low;
            }
        }
        for (octets, word) in parity.chunks_exact_mut(8).zip(sum) {
            octets.copy_from_slice(&word.to_be_bytes());
        }
    }

    /// Decodes a code word of hard bits in place, with the min-sum algorithm.
    ///
    /// A slice of another length than a code word's is rejected.
    pub fn decode(self, codeword: &mut [u8]) -> Decoded {
        const CODE: LDPCCode = LDPCCode::TC512;
        // The longer code's sizes are enough for both.
        let mut llrs = [0_i8; CODE.n()];
        let mut output = [0; CODE.output_len()];
        let mut working = [0_i8; CODE.decode_ms_working_len()];
        let mut signs = [0; CODE.decode_ms_working_u8_len()];
        let code = self.code();
        let octets = self.codeword_octets();
        if codeword.len() != octets {
            return Decoded::Rejected;
        }
        let llrs = &mut llrs[..code.n()];
        code.hard_to_llrs(codeword, llrs);
        let output = &mut output[..code.output_len()];
        let (found, _) = code.decode_ms(
            llrs,
            output,
            &mut working[..code.decode_ms_working_len()],
            &mut signs[..code.decode_ms_working_u8_len()],
            ITERATIONS_MAX,
        );
        if !found {
            return Decoded::Rejected;
        }
        let corrected = codeword
            .iter()
            .zip(output.iter())
            .map(|(received, decoded)| (received ^ decoded).count_ones())
            .sum();
        codeword.copy_from_slice(output);
        Decoded::Codeword { corrected }
    }
}

fn parities(code: LDPCCode) -> Vec<[u64; PARITY_WORDS_MAX]> {
    let half = code.k() / 8;
    (0..half * 32)
        .map(|index| {
            let mut codeword = [0_u8; CODEWORD_OCTETS_MAX];
            let codeword = &mut codeword[..2 * half];
            let (nibble, value) = (index / 16, (index % 16) as u8);
            codeword[nibble / 2] = if nibble % 2 == 0 { value << 4 } else { value };
            code.encode(codeword);
            let mut words = [0; PARITY_WORDS_MAX];
            for (word, octets) in words.iter_mut().zip(codeword[half..].as_chunks::<8>().0) {
                *word = u64::from_be_bytes(*octets);
            }
            words
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_agree_with_the_crate() {
        for code in [Ldpc::Tc128, Ldpc::Tc512] {
            for seed in 0..50_u32 {
                let half = code.information_octets();
                let mut ours: Vec<u8> = (0..2 * half as u32)
                    .map(|index| (((index + 1) * (seed * 7_919 + 31)) >> 3) as u8)
                    .collect();
                let mut theirs = ours.clone();
                code.encode(&mut ours);
                code.code().encode(&mut theirs[..]);
                assert_eq!(ours, theirs);
            }
        }
    }

    #[test]
    fn wrong_bits_are_corrected() {
        for (code, wrong) in [(Ldpc::Tc128, 5), (Ldpc::Tc512, 25)] {
            let mut sent = [0x5A; CODEWORD_OCTETS_MAX];
            let sent = &mut sent[..code.codeword_octets()];
            code.encode(sent);
            let mut received = sent.to_vec();
            assert_eq!(
                code.decode(&mut received),
                Decoded::Codeword { corrected: 0 }
            );
            for index in 0..wrong {
                let bit = index * 37 % (sent.len() * 8);
                received[bit / 8] ^= 0x80 >> (bit % 8);
            }
            assert_eq!(
                code.decode(&mut received),
                Decoded::Codeword {
                    corrected: wrong as u32
                }
            );
            assert_eq!(received, sent);
        }
    }

    #[test]
    fn other_lengths_are_rejected() {
        assert_eq!(Ldpc::Tc128.decode(&mut [0; 15]), Decoded::Rejected);
        assert_eq!(Ldpc::Tc512.decode(&mut [0; 16]), Decoded::Rejected);
    }
}
