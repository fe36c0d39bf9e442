//! The two pseudo-randomisers of telemetry (CCSDS 131.0-B-5 section 10) and that of telecommand
//! (231.0-B-4 section 6): the transmitter adds a fixed bit sequence to each code block or frame, the
//! receiver adds it again.

use std::sync::LazyLock;

/// Octets after which each sequence begins again: its period in bits is odd, so it takes eight
/// periods to come back to the same bit of an octet.
const PERIOD_255: usize = 255;
const PERIOD_131071: usize = 131_071;

// Shift registers of 8 bits, bit 7 leaves first; the taps say which bits make the next one.
static SEQUENCE_255: [u8; PERIOD_255 * 16] = sequence_255(0b1001_0101);
static SEQUENCE_TC: [u8; PERIOD_255 * 16] = sequence_255(0b1111_1010);
static SEQUENCE_131071: LazyLock<Vec<u8>> = LazyLock::new(sequence_131071);

/// Which pseudo-random sequence a link uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Randomizer {
    /// h(x) = x^8 + x^7 + x^5 + x^3 + 1, seed all ones, 255 bits (131.0-B-5 10.4.1; all missions
    /// before 2023).
    Tm255,
    /// h(x) = x^17 + x^14 + 1, seed 18E38h, 131071 bits (131.0-B-5 10.4.2; for new missions).
    Tm131071,
    /// h(x) = x^8 + x^6 + x^4 + x^3 + x^2 + x + 1, seed all ones, 255 bits (231.0-B-4 6.2).
    Tc255,
}

impl Randomizer {
    /// The sequence, a whole number of periods.
    pub(crate) fn sequence(&self) -> &'static [u8] {
        match self {
            Self::Tm255 => &SEQUENCE_255,
            Self::Tm131071 => SEQUENCE_131071.as_slice(),
            Self::Tc255 => &SEQUENCE_TC,
        }
    }

    /// Adds the sequence, from its first bit, to `data`: both directions are the same.
    pub fn apply(&self, data: &mut [u8]) {
        let sequence = self.sequence();
        for chunk in data.chunks_mut(sequence.len()) {
            for (octet, &mask) in chunk.iter_mut().zip(sequence) {
                *octet ^= mask;
            }
        }
    }
}

const fn sequence_255(taps: u8) -> [u8; PERIOD_255 * 16] {
    let mut sequence = [0; PERIOD_255 * 16];
    let mut register = 0xFF_u8;
    let mut index = 0;
    while index < sequence.len() {
        let mut bit = 0;
        while bit < 8 {
            sequence[index] = (sequence[index] << 1) | (register >> 7);
            let feedback = (register & taps).count_ones() as u8 & 1;
            register = (register << 1) | feedback;
            bit += 1;
        }
        index += 1;
    }
    sequence
}

fn sequence_131071() -> Vec<u8> {
    let mut register = 0x18E38_u32; // bit 0 leaves first
    (0..PERIOD_131071)
        .map(|_| {
            let mut octet = 0;
            for _ in 0..8 {
                octet = (octet << 1) | (register & 1) as u8;
                let feedback = (register ^ (register >> 14)) & 1;
                register = (register >> 1) | (feedback << 16);
            }
            octet
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Randomizer;

    #[test]
    fn sequences_have_their_periods_and_no_shorter_one() {
        for (randomizer, period) in [
            (Randomizer::Tm255, 255),
            (Randomizer::Tm131071, 131_071),
            (Randomizer::Tc255, 255),
        ] {
            let mut data = vec![0; period * 3 + 5];
            randomizer.apply(&mut data);
            assert!(data.iter().zip(&data[period..]).all(|(a, b)| a == b));
            let bits: u32 = data[..period].iter().map(|octet| octet.count_ones()).sum();
            // A maximal-length sequence has one more one than zeros; eight periods are counted.
            assert_eq!(bits as usize, 8 * period.div_ceil(2));
        }
    }

    #[test]
    fn twice_is_nothing() {
        let original: Vec<u8> = (0..5000_u32).map(|i| (i * 7) as u8).collect();
        for randomizer in [Randomizer::Tm255, Randomizer::Tm131071, Randomizer::Tc255] {
            let mut data = original.clone();
            randomizer.apply(&mut data);
            assert_ne!(data, original);
            randomizer.apply(&mut data);
            assert_eq!(data, original);
        }
    }
}
