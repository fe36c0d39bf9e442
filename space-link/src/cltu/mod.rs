//! Communications link transmission units, what carries telecommand frames: CCSDS 231.0-B-4
//! section 5.
//!
//! ```text
//! +----------------+------------+-----+------------+---------------+
//! | start sequence | code block | ... | code block | tail sequence |
//! +----------------+------------+-----+------------+---------------+
//! ```
//!
//! With BCH the frames are randomised (if at all) and filled up to whole blocks, then encoded. With
//! LDPC the frames are filled up and encoded, and each code word is randomised, from the beginning
//! of the sequence (231.0-B-4 section 6).

mod decode;

pub use decode::{Cltu, CltuDecoder, CltuEnd, CltuLimits, Search};

use thiserror::Error;

use crate::bch;
use crate::ldpc::{CODEWORD_OCTETS_MAX, Ldpc};
use crate::randomizer::Randomizer;

/// Start sequence of CLTUs with BCH.
pub const START_BCH: [u8; 2] = [0xEB, 0x90];

/// Start sequence of CLTUs with LDPC.
pub const START_LDPC: [u8; 8] = [0x03, 0x47, 0x76, 0xC7, 0x27, 0x28, 0x95, 0xB0];

/// Tail sequence of CLTUs with BCH: a block with more wrong bits than can be corrected.
pub const TAIL_BCH: [u8; 8] = [0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0xC5, 0x79];

/// Tail sequence of CLTUs with LDPC(128,64) since corrigendum 1 of 231.0-B-4 (5.2.4.2).
pub const TAIL_LDPC128: [u8; 16] = [
    0x63, 0xA1, 0xED, 0x72, 0xC6, 0xAC, 0x79, 0xE2, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55,
];

/// Tail sequence of CLTUs with LDPC(128,64) before corrigendum 1.
pub const TAIL_LDPC128_FORMER: [u8; 16] = [
    0x55, 0x55, 0x55, 0x56, 0xAA, 0xAA, 0xAA, 0xAA, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55,
];

/// Alternating bits that begin with 0 fill the last block.
const FILL: u8 = 0b0101_0101;

/// A combination that the standard does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CltuError {
    /// LDPC code words must be randomised (231.0-B-4 6.1).
    #[error("CLTUs with LDPC are always randomized: set randomized = true")]
    NotRandomized,
}

/// How a CLTU with LDPC(128,64) ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LdpcTail {
    /// Without tail sequence: the receiver stops at the first code word it cannot decode.
    Absent,
    /// With [`TAIL_LDPC128`].
    #[default]
    Corrected,
    /// With [`TAIL_LDPC128_FORMER`], for receivers built before the corrigendum.
    Former,
}

/// The code of a channel's CLTUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CltuCode {
    /// BCH(63,56), `randomized` or not.
    Bch {
        /// Whether frames are randomised before encoding.
        randomized: bool,
    },
    /// LDPC(128,64), always randomised.
    Ldpc128(LdpcTail),
    /// LDPC(512,256), always randomised, without tail sequence.
    Ldpc512,
}

impl CltuCode {
    /// The code of a mission's managed parameters.
    ///
    /// # Errors
    /// [`CltuError::NotRandomized`] for LDPC without randomiser.
    pub const fn new(code: Option<Ldpc>, randomized: bool) -> Result<Self, CltuError> {
        match (code, randomized) {
            (None, randomized) => Ok(Self::Bch { randomized }),
            (Some(_), false) => Err(CltuError::NotRandomized),
            (Some(Ldpc::Tc128), true) => Ok(Self::Ldpc128(LdpcTail::Corrected)),
            (Some(Ldpc::Tc512), true) => Ok(Self::Ldpc512),
        }
    }

    /// Octets of information in a block.
    #[must_use]
    pub const fn information_octets(self) -> usize {
        match self {
            Self::Bch { .. } => bch::INFORMATION_OCTETS,
            Self::Ldpc128(_) => Ldpc::Tc128.information_octets(),
            Self::Ldpc512 => Ldpc::Tc512.information_octets(),
        }
    }

    /// Octets of a block.
    #[must_use]
    pub const fn block_octets(self) -> usize {
        match self {
            Self::Bch { .. } => bch::BLOCK_OCTETS,
            Self::Ldpc128(_) => Ldpc::Tc128.codeword_octets(),
            Self::Ldpc512 => Ldpc::Tc512.codeword_octets(),
        }
    }

    /// The start sequence.
    #[must_use]
    pub const fn start(self) -> &'static [u8] {
        match self {
            Self::Bch { .. } => &START_BCH,
            Self::Ldpc128(_) | Self::Ldpc512 => &START_LDPC,
        }
    }

    /// The tail sequence, which may be empty.
    #[must_use]
    pub const fn tail(self) -> &'static [u8] {
        match self {
            Self::Bch { .. } => &TAIL_BCH,
            Self::Ldpc128(LdpcTail::Corrected) => &TAIL_LDPC128,
            Self::Ldpc128(LdpcTail::Former) => &TAIL_LDPC128_FORMER,
            Self::Ldpc128(LdpcTail::Absent) | Self::Ldpc512 => &[],
        }
    }

    /// Octets of the CLTU that carries `frame_octets` octets.
    #[must_use]
    pub const fn cltu_octets(self, frame_octets: usize) -> usize {
        self.start().len()
            + frame_octets.div_ceil(self.information_octets()) * self.block_octets()
            + self.tail().len()
    }

    /// Appends the CLTU that carries `frames`: one transfer frame, or several one after the other.
    pub fn encode(self, frames: &[u8], out: &mut Vec<u8>) {
        out.reserve(self.cltu_octets(frames.len()));
        out.extend_from_slice(self.start());
        match self {
            Self::Bch { randomized } => encode_bch(frames, randomized, out),
            Self::Ldpc128(_) => encode_ldpc(Ldpc::Tc128, frames, out),
            Self::Ldpc512 => encode_ldpc(Ldpc::Tc512, frames, out),
        }
        out.extend_from_slice(self.tail());
    }
}

fn encode_bch(frames: &[u8], randomized: bool, out: &mut Vec<u8>) {
    let sequence = Randomizer::Tc255.sequence();
    for (index, part) in frames.chunks(bch::INFORMATION_OCTETS).enumerate() {
        let mut information = [FILL; bch::INFORMATION_OCTETS];
        information[..part.len()].copy_from_slice(part);
        if randomized {
            // The sequence has a period of 255 octets and is stored 16 times.
            let start = index * bch::INFORMATION_OCTETS % 255;
            let masks = &sequence[start..start + part.len()];
            for (octet, mask) in information.iter_mut().zip(masks) {
                *octet ^= mask;
            }
        }
        let [a, b, c, d, e, f, g] = information;
        out.extend_from_slice(&[a, b, c, d, e, f, g, bch::parity(&information)]);
    }
}

fn encode_ldpc(code: Ldpc, frames: &[u8], out: &mut Vec<u8>) {
    for part in frames.chunks(code.information_octets()) {
        let mut codeword = [FILL; CODEWORD_OCTETS_MAX];
        let codeword = &mut codeword[..code.codeword_octets()];
        codeword[..part.len()].copy_from_slice(part);
        code.encode(codeword);
        Randomizer::Tc255.apply(codeword);
        out.extend_from_slice(codeword);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_what_is_written() {
        let codes = [
            CltuCode::Bch { randomized: true },
            CltuCode::Ldpc128(LdpcTail::Absent),
            CltuCode::Ldpc128(LdpcTail::Corrected),
            CltuCode::Ldpc128(LdpcTail::Former),
            CltuCode::Ldpc512,
        ];
        for code in codes {
            for octets in [0, 1, 7, 8, 32, 33, 1024] {
                let mut out = vec![9];
                code.encode(&vec![3; octets], &mut out);
                assert_eq!(out.len(), 1 + code.cltu_octets(octets), "{code:?}");
            }
        }
    }

    #[test]
    fn ldpc_is_always_randomised() {
        assert_eq!(
            CltuCode::new(Some(Ldpc::Tc128), false),
            Err(CltuError::NotRandomized)
        );
        assert_eq!(
            CltuCode::new(None, false),
            Ok(CltuCode::Bch { randomized: false })
        );
    }

    #[test]
    fn no_tail_decodes_to_a_code_word() {
        // 231.0-B-4 with corrigendum 1, note 3 of 5.2.4.2, gives the derandomised tail.
        let mut tail = TAIL_LDPC128;
        Randomizer::Tc255.apply(&mut tail);
        assert_eq!(
            tail,
            0x9C98_7328_AE45_7F17_39DC_7AF4_640B_5D95_u128.to_be_bytes()
        );
        let mut former = TAIL_LDPC128_FORMER;
        Randomizer::Tc255.apply(&mut former);
        for mut tail in [tail, former] {
            assert_eq!(
                Ldpc::Tc128.decode(&mut tail),
                crate::ldpc::Decoded::Rejected
            );
        }
    }
}
