//! What a link's code is made of, and what its decoder reports.

use thiserror::Error;

use super::field::WORD_SYMBOLS;

/// Which code: symbols of a word, of which data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// 32 parity symbols, corrects E = 16 symbol errors in each word.
    Rs255_223,
    /// 16 parity symbols, corrects E = 8 symbol errors in each word.
    Rs255_239,
}

/// How a symbol is written in eight bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The dual (Berlekamp) basis, which the standard asks for (131.0-B-5 4.4.1).
    Dual,
    /// Powers of alpha, most significant bit first.
    Conventional,
}

/// Where the symbols of a word lie in the code block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SymbolOrder {
    /// Symbol i of the block belongs to word i modulo the depth (131.0-B-5 4.3.5).
    #[default]
    Interleaved,
    /// Whole words, data then parity, one after the other.
    Sequential,
}

/// What [`ReedSolomon::correct`] found, in code words; symbols are those it changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Correction {
    /// Words that had no error.
    pub clean: u32,
    /// Words that had errors, all of them corrected.
    pub corrected: u32,
    /// Symbols that were corrected.
    pub symbols: u32,
    /// Words that have more errors than the code corrects; they stay as received.
    pub uncorrectable: u32,
}

/// A code that does not exist, or octets that are not one of its code blocks.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReedSolomonError {
    /// Interleaving depth not in the standard.
    #[error("interleaving depth {got} is not one of 1, 2, 3, 4, 5, 8")]
    Interleave {
        /// The depth given.
        got: usize,
    },
    /// Virtual fill that the words cannot share evenly.
    #[error(
        "virtual fill of {octets} octets is not a multiple of the interleaving depth {interleave}"
    )]
    VirtualFillUneven {
        /// Virtual fill of the whole code block.
        octets: usize,
        /// The depth given.
        interleave: usize,
    },
    /// Virtual fill that leaves no data.
    #[error("virtual fill of {octets} octets leaves no data: at most {max}")]
    VirtualFillTooLong {
        /// Virtual fill of the whole code block.
        octets: usize,
        /// The most that leaves one data symbol to each word.
        max: usize,
    },
    /// A buffer of the wrong length.
    #[error("{what} has {got} octets: it needs {needed}")]
    Length {
        /// Which buffer.
        what: &'static str,
        /// Octets it must have.
        needed: usize,
        /// Octets it has.
        got: usize,
    },
}

impl Code {
    /// Parity symbols of a word: 2E.
    #[must_use]
    pub const fn parity_symbols(self) -> usize {
        match self {
            Self::Rs255_223 => 32,
            Self::Rs255_239 => 16,
        }
    }

    /// Symbol errors that a word may have: E.
    #[must_use]
    pub const fn correctable_symbols(self) -> usize {
        self.parity_symbols() / 2
    }

    /// Data symbols of a word that has no virtual fill.
    #[must_use]
    pub const fn data_symbols(self) -> usize {
        WORD_SYMBOLS - self.parity_symbols()
    }

    /// g(x) has the roots beta^j, j = 128 - E .. 127 + E.
    pub(super) const fn first_root(self) -> usize {
        128 - self.correctable_symbols()
    }
}
