//! Finding CLTUs in a stream of bits and decoding them: CCSDS 231.0-B-4 5.3, states and events of
//! the CLTU reception logic.

use super::CltuCode;
use crate::bch::{self, Mode};
use crate::ldpc::{self, CODEWORD_OCTETS_MAX, Ldpc};
use crate::randomizer::Randomizer;

/// How a start sequence is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Search {
    /// Wrong bits that a start sequence may have: at most 1 with BCH.
    pub errors_max: u32,
    /// Whether a stream whose bits are all inverted is recognised and inverted again.
    pub inverted: bool,
}

impl Search {
    /// One wrong bit of 16 with BCH, 8 of 64 with LDPC; either polarity.
    #[must_use]
    pub const fn of(code: CltuCode) -> Self {
        Self {
            errors_max: match code {
                CltuCode::Bch { .. } => 1,
                CltuCode::Ldpc128(_) | CltuCode::Ldpc512 => 8,
            },
            inverted: true,
        }
    }
}

/// What a receiver does with the blocks of a CLTU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CltuLimits {
    /// Correct single errors of BCH blocks, or only detect errors.
    pub mode: Mode,
    /// Octets after which a CLTU is ended: a bound for one whose end was lost.
    pub data_octets_max: usize,
}

impl Default for CltuLimits {
    /// Correction, and room for one frame of the longest kind.
    fn default() -> Self {
        Self {
            mode: Mode::Correct,
            data_octets_max: 1024 + 32,
        }
    }
}

/// Why a CLTU ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CltuEnd {
    /// The tail sequence, all bits right.
    Tail,
    /// A block that could not be decoded: a tail sequence with wrong bits, or lost data.
    Rejected,
    /// More octets than the limit.
    TooLong,
    /// The signal was lost.
    SignalLost,
}

/// A CLTU that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cltu<'a> {
    /// The data of its blocks, derandomised: frames, then fill. Empty if already the first block
    /// could not be decoded.
    pub data: &'a [u8],
    /// Wrong bits that were corrected.
    pub corrected_bits: u32,
    /// Wrong bits of its start sequence.
    pub start_errors: u32,
    /// Whether all its bits were inverted.
    pub inverted: bool,
    /// Why it ended.
    pub end: CltuEnd,
}

/// Receives bits and gives CLTUs. Holds one CLTU's data at most.
#[derive(Clone, Debug)]
pub struct CltuDecoder {
    code: CltuCode,
    search: Search,
    limits: CltuLimits,
    start: u64,
    start_bits: u32,
    /// The last bits while searching, and how many of them there are.
    window: u64,
    window_bits: u32,
    /// In a CLTU: the block that is being filled.
    decoding: bool,
    block: [u8; CODEWORD_OCTETS_MAX],
    block_bits: usize,
    data: Vec<u8>,
    corrected_bits: u32,
    start_errors: u32,
    inverted: bool,
}

impl CltuDecoder {
    /// A receiver that searches.
    #[must_use]
    pub fn new(code: CltuCode, search: Search, limits: CltuLimits) -> Self {
        let start = code
            .start()
            .iter()
            .fold(0, |start, octet| start << 8 | u64::from(*octet));
        Self {
            code,
            search,
            limits,
            start,
            start_bits: code.start().len() as u32 * 8,
            window: 0,
            window_bits: 0,
            decoding: false,
            block: [0; CODEWORD_OCTETS_MAX],
            block_bits: 0,
            data: Vec::new(),
            corrected_bits: 0,
            start_errors: 0,
            inverted: false,
        }
    }

    /// Whether a start sequence has been found and blocks are being decoded.
    #[must_use]
    pub const fn is_decoding(&self) -> bool {
        self.decoding
    }

    /// Bits of the channel, first bit first; `each` gets the CLTUs that end in them.
    pub fn handle_octets(&mut self, octets: &[u8], mut each: impl FnMut(Cltu<'_>)) {
        for octet in octets {
            for bit in (0..8).rev() {
                self.handle_bit(octet >> bit & 1, &mut each);
            }
        }
    }

    /// The signal was lost (event E2): `each` gets what was decoded of a CLTU. A CLTU without tail
    /// sequence ends in no other way when nothing follows it; a frame says itself whether it is
    /// whole.
    pub fn handle_loss_of_signal(&mut self, mut each: impl FnMut(Cltu<'_>)) {
        if self.decoding && !self.data.is_empty() {
            self.end(CltuEnd::SignalLost, &mut each);
        }
        self.search_again();
    }

    /// One bit of the channel.
    pub fn handle_bit(&mut self, bit: u8, each: &mut impl FnMut(Cltu<'_>)) {
        let bit = bit & 1;
        if !self.decoding {
            self.window = self.window << 1 | u64::from(bit);
            self.window_bits = (self.window_bits + 1).min(self.start_bits);
            if self.window_bits == self.start_bits {
                self.look_for_start();
            }
            return;
        }
        let bit = bit ^ u8::from(self.inverted);
        if let Some(octet) = self.block.get_mut(self.block_bits / 8) {
            *octet = *octet << 1 | bit;
        }
        self.block_bits += 1;
        if self.block_bits == self.code.block_octets() * 8 {
            self.block_bits = 0;
            self.end_of_block(each);
        }
    }

    fn look_for_start(&mut self) {
        let mask = u64::MAX >> (64 - self.start_bits);
        let errors = ((self.window ^ self.start) & mask).count_ones();
        let inverted = self.search.inverted && self.start_bits - errors <= self.search.errors_max;
        if errors <= self.search.errors_max || inverted {
            self.decoding = true;
            self.inverted = inverted;
            self.start_errors = errors.min(self.start_bits - errors);
            self.window_bits = 0;
        }
    }

    fn end_of_block(&mut self, each: &mut impl FnMut(Cltu<'_>)) {
        let octets = self.code.block_octets();
        let information = self.code.information_octets();
        let (tail, decoded) = {
            let block = &mut self.block[..octets];
            let tail = block == self.code.tail();
            (tail, decode(self.code, self.limits.mode, block))
        };
        let end = match decoded {
            _ if tail => CltuEnd::Tail,
            Some(corrected) => {
                self.corrected_bits += corrected;
                if self.data.len() + information <= self.limits.data_octets_max {
                    self.data.extend_from_slice(&self.block[..information]);
                    return;
                }
                CltuEnd::TooLong
            }
            None => CltuEnd::Rejected,
        };
        self.end(end, each);
        self.search_again();
    }

    fn end(&mut self, end: CltuEnd, each: &mut impl FnMut(Cltu<'_>)) {
        if matches!(self.code, CltuCode::Bch { randomized: true }) {
            Randomizer::Tc255.apply(&mut self.data);
        }
        each(Cltu {
            data: &self.data,
            corrected_bits: self.corrected_bits,
            start_errors: self.start_errors,
            inverted: self.inverted,
            end,
        });
    }

    fn search_again(&mut self) {
        self.decoding = false;
        self.window_bits = 0;
        self.block_bits = 0;
        self.data.clear();
        self.corrected_bits = 0;
    }
}

/// Decodes a block in place; the bits corrected, or `None` if it is rejected.
fn decode(code: CltuCode, mode: Mode, block: &mut [u8]) -> Option<u32> {
    match code {
        CltuCode::Bch { .. } => match bch::decode(block.as_mut_array()?, mode) {
            bch::Decoded::Clean => Some(0),
            bch::Decoded::Corrected(_) => Some(1),
            bch::Decoded::Rejected => None,
        },
        CltuCode::Ldpc128(_) => decode_ldpc(Ldpc::Tc128, block),
        CltuCode::Ldpc512 => decode_ldpc(Ldpc::Tc512, block),
    }
}

fn decode_ldpc(code: Ldpc, block: &mut [u8]) -> Option<u32> {
    Randomizer::Tc255.apply(block);
    match code.decode(block) {
        ldpc::Decoded::Codeword { corrected } => Some(corrected),
        ldpc::Decoded::Rejected => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cltu::LdpcTail;

    fn receive(code: CltuCode, octets: &[u8]) -> Vec<(Vec<u8>, u32, CltuEnd)> {
        let mut decoder = CltuDecoder::new(code, Search::of(code), CltuLimits::default());
        let mut found = Vec::new();
        decoder.handle_octets(octets, |cltu| {
            found.push((cltu.data.to_vec(), cltu.corrected_bits, cltu.end));
        });
        found
    }

    #[test]
    fn two_cltus_between_idle_sequences_are_found_in_either_polarity() {
        let codes = [
            CltuCode::Bch { randomized: false },
            CltuCode::Bch { randomized: true },
            CltuCode::Ldpc128(LdpcTail::Corrected),
            CltuCode::Ldpc128(LdpcTail::Former),
        ];
        for code in codes {
            let mut stream = vec![0x55; 16];
            code.encode(&[1, 2, 3, 4, 5, 6, 7], &mut stream);
            stream.push(0x55);
            code.encode(&[9; 40], &mut stream);
            stream.extend([0x55; 4]);
            for polarity in [0, 0xFF] {
                let received: Vec<u8> = stream.iter().map(|octet| octet ^ polarity).collect();
                let found = receive(code, &received);
                assert_eq!(found.len(), 2, "{code:?} {polarity}");
                assert!(found[0].0.starts_with(&[1, 2, 3, 4, 5, 6, 7]));
                assert!(found[1].0.starts_with(&[9; 40]));
                assert!(found.iter().all(|(_, _, end)| *end == CltuEnd::Tail));
            }
        }
    }

    #[test]
    fn without_a_tail_the_first_noise_ends_a_cltu() {
        for code in [CltuCode::Ldpc512, CltuCode::Ldpc128(LdpcTail::Absent)] {
            let mut stream = Vec::new();
            code.encode(&[7; 64], &mut stream);
            stream.extend([0x55; 64]);
            let found = receive(code, &stream);
            assert_eq!(found, [(vec![7; 64], 0, CltuEnd::Rejected)], "{code:?}");
        }
    }

    #[test]
    fn a_cltu_that_never_ends_is_cut() {
        let code = CltuCode::Bch { randomized: false };
        let mut stream = Vec::new();
        code.encode(&[0; 1400], &mut stream);
        let found = receive(code, &stream);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].2, CltuEnd::TooLong);
        assert!(found[0].0.len() <= 1056);
    }

    #[test]
    fn when_the_signal_is_lost_whole_blocks_are_left() {
        let code = CltuCode::Bch { randomized: true };
        let mut stream = Vec::new();
        code.encode(&[1; 14], &mut stream);
        let mut decoder = CltuDecoder::new(code, Search::of(code), CltuLimits::default());
        let mut found = Vec::new();
        let mut note = |cltu: Cltu<'_>| found.push((cltu.data.to_vec(), cltu.end));
        decoder.handle_octets(&stream[..12], &mut note);
        assert!(decoder.is_decoding());
        decoder.handle_loss_of_signal(&mut note);
        assert!(!decoder.is_decoding());
        decoder.handle_loss_of_signal(&mut note);
        decoder.handle_octets(&stream, &mut note);
        assert_eq!(
            found,
            [
                (vec![1; 7], CltuEnd::SignalLost),
                (vec![1; 14], CltuEnd::Tail)
            ]
        );
    }
}
