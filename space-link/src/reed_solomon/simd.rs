//! The check for clean code blocks with GFNI: 64 (or 32) octets of the code block at a time.
//!
//! A code block is clean when all syndromes of all words are zero. Neighbouring octets are
//! neighbouring words' symbols, so one register holds a few symbols of every word, and Horner's
//! rule steps over all of them at once with one product for each syndrome. At the end each lane is
//! weighted by its place and the lanes of a word are added up.
//!
//! GF2P8MULB multiplies in the field of x^8 + x^4 + x^3 + x + 1; all fields of 256 elements are
//! isomorphic, so one affine map of each symbol takes it from the link's basis to that field.
//!
//! This module alone may use `unsafe`: `cargo bench --bench codes` shows what it brings over the
//! tables ("`is_clean`" against "`is_clean` by table").

#![allow(unsafe_code)]

use super::{Basis, Code, field};

/// Syndromes that are computed in one pass over the code block: with the accumulators in registers.
const GROUP_512: usize = 16;
const GROUP_256: usize = 8;

/// Constants of one code, basis and interleaving depth, for a processor that has GFNI.
#[derive(Clone)]
pub(super) struct LaneCheck {
    width: Width,
    interleave: usize,
    /// Octets taken at once: the most that hold whole symbols of every word.
    lanes: usize,
    /// From a symbol on the link to the instructions' field, as GF2P8AFFINEQB takes it.
    to_field: u64,
    /// For each syndrome: the root to the power of the symbols taken at once, in every lane.
    steps: Box<[[u8; 64]]>,
    /// For each syndrome: the root to the power of the symbols that follow the lane's.
    weights: Box<[[u8; 64]]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// GFNI, AVX-512BW and VBMI.
    Octets64,
    /// GFNI and AVX2.
    Octets32,
}

impl Width {
    /// Every width that this processor has, the best one first.
    pub(super) fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut widths = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let gfni = is_x86_feature_detected!("gfni");
            if gfni
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vbmi")
            {
                widths.push(Self::Octets64);
            }
            if gfni && is_x86_feature_detected!("avx2") {
                widths.push(Self::Octets32);
            }
        }
        widths
    }

    fn octets(self) -> usize {
        match self {
            Self::Octets64 => 64,
            Self::Octets32 => 32,
        }
    }
}

impl LaneCheck {
    /// `None` when this processor has no such instructions.
    pub(super) fn new(code: Code, basis: Basis, interleave: usize) -> Option<Self> {
        let width = Width::available().into_iter().next()?;
        Some(Self::with_width(code, basis, interleave, width))
    }

    /// For a width out of [`Width::available`]: only [`LaneCheck::new`] and tests call this.
    fn with_width(code: Code, basis: Basis, interleave: usize, width: Width) -> Self {
        let symbols = width.octets() / interleave;
        let lanes = symbols * interleave;
        let to_instructions = field_map();
        let constants = |power: &dyn Fn(usize) -> usize| {
            (0..code.parity_symbols())
                .map(|syndrome| {
                    std::array::from_fn(|lane| {
                        if lane >= lanes {
                            return 0;
                        }
                        let exponent = (code.first_root() + syndrome) * power(lane / interleave);
                        to_instructions[usize::from(field::root_power(exponent))]
                    })
                })
                .collect()
        };
        Self {
            width,
            interleave,
            lanes,
            to_field: affine(|symbol| {
                to_instructions[usize::from(field::from_link(basis, symbol))]
            }),
            steps: constants(&|_| symbols),
            weights: constants(&|symbol| symbols - 1 - symbol),
        }
    }

    /// Whether every word of the code block, of whole columns of symbols, is a code word.
    pub(super) fn is_clean(&self, codeblock: &[u8]) -> bool {
        #[cfg(target_arch = "x86_64")]
        match self.width {
            // SAFETY: `Width::available` found gfni, avx512f, avx512bw and avx512vbmi.
            Width::Octets64 => unsafe { x86::is_clean_512(self, codeblock) },
            // SAFETY: `Width::available` found gfni and avx2.
            Width::Octets32 => unsafe { x86::is_clean_256(self, codeblock) },
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = codeblock;
            false
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{GROUP_256, GROUP_512, LaneCheck};

    #[target_feature(enable = "gfni,avx512f,avx512bw,avx512vbmi")]
    pub(super) fn is_clean_512(check: &LaneCheck, codeblock: &[u8]) -> bool {
        let matrix = _mm512_set1_epi64(check.to_field.cast_signed());
        let mask = u64::MAX >> (64 - check.lanes);
        let (head, body) = codeblock.split_at(codeblock.len() % check.lanes);
        // As if the words began with zeros.
        let mut first = [0; 64];
        first[check.lanes - head.len()..check.lanes].copy_from_slice(head);
        let first = _mm512_gf2p8affine_epi64_epi8::<0>(load(&first), matrix);
        let (steps, _) = check.steps.as_chunks::<GROUP_512>();
        let (weights, _) = check.weights.as_chunks::<GROUP_512>();
        let mut any = _mm512_setzero_si512();
        for (steps, weights) in steps.iter().zip(weights) {
            let mut sums = [first; GROUP_512];
            for octets in body.chunks_exact(check.lanes) {
                // SAFETY: the mask keeps the load within the `lanes` octets of the chunk.
                let symbols = unsafe { _mm512_maskz_loadu_epi8(mask, octets.as_ptr().cast()) };
                let symbols = _mm512_gf2p8affine_epi64_epi8::<0>(symbols, matrix);
                for (sum, step) in sums.iter_mut().zip(steps) {
                    *sum = _mm512_xor_si512(_mm512_gf2p8mul_epi8(*sum, load(step)), symbols);
                }
            }
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = _mm512_gf2p8mul_epi8(*sum, load(weight));
            }
            any = _mm512_or_si512(any, add_lanes_512(check, sums));
        }
        _mm512_test_epi64_mask(any, any) == 0
    }

    /// Adds up the lanes of each word; zero when all sums are.
    #[target_feature(enable = "gfni,avx512f,avx512bw,avx512vbmi")]
    fn add_lanes_512(check: &LaneCheck, sums: [__m512i; GROUP_512]) -> __m512i {
        let interleave = check.interleave;
        if 8 % interleave == 0 {
            // A word's symbols lie at the same octets of each eight.
            let (first, second) = (add_eights(&sums[..8]), add_eights(&sums[8..]));
            return _mm512_or_si512(
                add_within_eight(first, interleave),
                add_within_eight(second, interleave),
            );
        }
        let identity: [u8; 64] = std::array::from_fn(|lane| lane as u8);
        let identity = load(&identity);
        let mut sums = sums;
        let mut symbols = check.lanes / interleave;
        while symbols > 1 {
            let kept = symbols.div_ceil(2);
            let moved = (symbols - kept) * interleave;
            let mask = u64::MAX >> (64 - moved);
            let offset = _mm512_set1_epi8((kept * interleave) as i8);
            let index = _mm512_add_epi8(identity, offset);
            for sum in &mut sums {
                let upper = _mm512_maskz_permutexvar_epi8(mask, index, *sum);
                *sum = _mm512_xor_si512(*sum, upper);
            }
            symbols = kept;
        }
        let any = sums
            .into_iter()
            .fold(_mm512_setzero_si512(), |any, sum| _mm512_or_si512(any, sum));
        _mm512_maskz_mov_epi8(u64::MAX >> (64 - interleave), any)
    }

    /// Eight registers of eight times eight octets to one: each eight octets the sum of one.
    #[target_feature(enable = "gfni,avx512f,avx512bw,avx512vbmi")]
    fn add_eights(sums: &[__m512i]) -> __m512i {
        let pairs =
            |a, b| _mm512_xor_si512(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
        let quarters = |a, b| {
            let even = _mm512_shuffle_i64x2::<0b10_00_10_00>(a, b);
            _mm512_xor_si512(even, _mm512_shuffle_i64x2::<0b11_01_11_01>(a, b))
        };
        quarters(
            quarters(pairs(sums[0], sums[1]), pairs(sums[2], sums[3])),
            quarters(pairs(sums[4], sums[5]), pairs(sums[6], sums[7])),
        )
    }

    /// Adds the symbols of each word within eight octets; the others are cleared.
    #[target_feature(enable = "gfni,avx512f,avx512bw,avx512vbmi")]
    fn add_within_eight(sums: __m512i, interleave: usize) -> __m512i {
        let mut sums = sums;
        if interleave <= 4 {
            sums = _mm512_xor_si512(sums, _mm512_srli_epi64::<32>(sums));
        }
        if interleave <= 2 {
            sums = _mm512_xor_si512(sums, _mm512_srli_epi64::<16>(sums));
        }
        if interleave == 1 {
            sums = _mm512_xor_si512(sums, _mm512_srli_epi64::<8>(sums));
        }
        let mask = u64::MAX >> (64 - 8 * interleave);
        _mm512_and_si512(sums, _mm512_set1_epi64(mask.cast_signed()))
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn load(octets: &[u8; 64]) -> __m512i {
        // SAFETY: 64 octets are readable, and the load asks for no alignment.
        unsafe { _mm512_loadu_si512(octets.as_ptr().cast()) }
    }

    #[target_feature(enable = "gfni,avx2")]
    pub(super) fn is_clean_256(check: &LaneCheck, codeblock: &[u8]) -> bool {
        let matrix = _mm256_set1_epi64x(check.to_field.cast_signed());
        let (head, body) = codeblock.split_at(codeblock.len() % check.lanes);
        let mut first = [0; 64];
        first[check.lanes - head.len()..check.lanes].copy_from_slice(head);
        let first = _mm256_gf2p8affine_epi64_epi8::<0>(load_256(&first), matrix);
        let (steps, _) = check.steps.as_chunks::<GROUP_256>();
        let (weights, _) = check.weights.as_chunks::<GROUP_256>();
        for (steps, weights) in steps.iter().zip(weights) {
            let mut sums = [first; GROUP_256];
            for chunk in body.chunks_exact(check.lanes) {
                let symbols = if let Some(octets) = chunk.first_chunk::<32>() {
                    // SAFETY: 32 octets are readable, and the load asks for no alignment.
                    unsafe { _mm256_loadu_si256(octets.as_ptr().cast()) }
                } else {
                    let mut octets = [0; 64];
                    octets[..chunk.len()].copy_from_slice(chunk);
                    load_256(&octets)
                };
                let symbols = _mm256_gf2p8affine_epi64_epi8::<0>(symbols, matrix);
                for (sum, step) in sums.iter_mut().zip(steps) {
                    *sum = _mm256_xor_si256(_mm256_gf2p8mul_epi8(*sum, load_256(step)), symbols);
                }
            }
            for (sum, weight) in sums.iter().zip(weights) {
                let weighted = _mm256_gf2p8mul_epi8(*sum, load_256(weight));
                if !adds_to_zero(weighted, check) {
                    return false;
                }
            }
        }
        true
    }

    /// Whether the lanes of each word add up to zero.
    #[target_feature(enable = "gfni,avx2")]
    fn adds_to_zero(sum: __m256i, check: &LaneCheck) -> bool {
        if 8 % check.interleave == 0 {
            let halves = _mm_xor_si128(
                _mm256_castsi256_si128(sum),
                _mm256_extracti128_si256::<1>(sum),
            );
            let halves = _mm_xor_si128(halves, _mm_unpackhi_epi64(halves, halves));
            let mut eight = _mm_cvtsi128_si64(halves).cast_unsigned();
            let mut octets = 8;
            while octets > check.interleave {
                octets /= 2;
                eight ^= eight >> (8 * octets);
            }
            return eight << (64 - 8 * check.interleave) == 0;
        }
        let mut lanes = [0_u8; 32];
        // SAFETY: 32 octets are writable, and the store asks for no alignment.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sum) };
        let mut words = [0_u8; 8];
        for column in lanes[..check.lanes].chunks_exact(check.interleave) {
            for (word, octet) in words.iter_mut().zip(column) {
                *word ^= octet;
            }
        }
        words == [0; 8]
    }

    #[target_feature(enable = "avx2")]
    fn load_256(octets: &[u8; 64]) -> __m256i {
        // SAFETY: 32 of 64 octets are read, and the load asks for no alignment.
        unsafe { _mm256_loadu_si256(octets.as_ptr().cast()) }
    }
}

/// Takes each element of the code's field to the one of the instructions' field that behaves alike.
fn field_map() -> [u8; 256] {
    // alpha's image is a root of the code's field polynomial.
    let image = (2..=255)
        .find(|&root| {
            let mut power = 1;
            let mut sum = 0;
            for exponent in 0..=8 {
                if matches!(exponent, 0 | 1 | 2 | 7 | 8) {
                    sum ^= power;
                }
                power = multiply(power, root);
            }
            sum == 0
        })
        .unwrap_or_default();
    let mut map = [0; 256];
    let mut value = 1;
    for exponent in 0..255 {
        map[usize::from(field::EXP[exponent])] = value;
        value = multiply(value, image);
    }
    map
}

/// The product modulo x^8 + x^4 + x^3 + x + 1, as GF2P8MULB has it.
fn multiply(a: u8, b: u8) -> u8 {
    let mut product = 0_u8;
    for bit in (0..8).rev() {
        let overflow = product >> 7;
        product = (product << 1) ^ (overflow * 0x1B);
        if (b >> bit) & 1 == 1 {
            product ^= a;
        }
    }
    product
}

/// The matrix of a linear map: octet 7 - i selects the input bits whose sum is output bit i.
fn affine(map: impl Fn(u8) -> u8) -> u64 {
    let mut rows = [0_u8; 8];
    for input in 0..8 {
        let image = map(1 << input);
        for output in 0..8 {
            rows[7 - output] |= ((image >> output) & 1) << input;
        }
    }
    u64::from_le_bytes(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_between_the_fields_keeps_products_and_sums() {
        let map = field_map();
        for a in 0..=255_u8 {
            for b in 0..=255_u8 {
                let image = multiply(map[usize::from(a)], map[usize::from(b)]);
                assert_eq!(map[usize::from(field::multiply(a, b))], image);
                assert_eq!(
                    map[usize::from(a ^ b)],
                    map[usize::from(a)] ^ map[usize::from(b)]
                );
            }
        }
    }

    /// Words of which all syndromes but one are zero: multiples of g(x) / (x - root).
    #[test]
    fn one_syndrome_that_is_not_zero_is_enough() {
        for width in Width::available() {
            for code in [Code::Rs255_223, Code::Rs255_239] {
                let parity = code.parity_symbols();
                for interleave in [1, 2, 3, 4, 5, 8] {
                    let check = LaneCheck::with_width(code, Basis::Dual, interleave, width);
                    for missing in 0..parity {
                        let mut product = vec![1_u8];
                        for index in (0..parity).filter(|index| *index != missing) {
                            let root = field::root_power(code.first_root() + index);
                            product.push(0);
                            for power in (1..product.len()).rev() {
                                product[power] ^= field::multiply(product[power - 1], root);
                            }
                        }
                        for shift in [0, 1, 100, 255 - parity] {
                            let word = missing % interleave;
                            let mut block = vec![0; 255 * interleave];
                            for (index, &symbol) in product.iter().enumerate() {
                                let place = (255 - parity - shift + index) * interleave + word;
                                block[place] = field::to_link(Basis::Dual, symbol);
                            }
                            assert!(!check.is_clean(&block), "{code:?} {interleave} {missing}");
                        }
                    }
                }
            }
        }
    }

    /// One wrong bit anywhere in a code block of any shape is seen, by every width there is.
    #[test]
    fn every_width_agrees_with_the_tables() {
        use crate::reed_solomon::ReedSolomon;
        for width in Width::available() {
            for code in [Code::Rs255_223, Code::Rs255_239] {
                for basis in [Basis::Dual, Basis::Conventional] {
                    for interleave in [1, 2, 3, 4, 5, 8] {
                        let check = LaneCheck::with_width(code, basis, interleave, width);
                        for fill in [0, 1, 7, 100, code.data_symbols() - 1] {
                            let rs = ReedSolomon::new(code, basis, interleave, fill * interleave)
                                .expect("a standard code");
                            let data: Vec<u8> = (0..rs.data_octets())
                                .map(|index| (index * index / 3 + index) as u8)
                                .collect();
                            let mut block = vec![0; rs.codeblock_octets()];
                            rs.encode_codeblock(&data, &mut block).expect("lengths");
                            assert!(check.is_clean(&block), "{rs:?}");
                            assert!(rs.is_clean_by_table(&block), "{rs:?}");
                            for place in 0..block.len() {
                                let bit = 1 << (place % 8);
                                block[place] ^= bit;
                                assert!(!check.is_clean(&block), "{rs:?} octet {place}");
                                if place % 64 == 5 {
                                    assert!(!rs.is_clean_by_table(&block), "{rs:?} octet {place}");
                                }
                                block[place] ^= bit;
                            }
                        }
                    }
                }
            }
        }
    }
}
