//! Reed-Solomon codes (255,223) and (255,239) of CCSDS 131.0-B-5 section 4: interleaving, virtual
//! fill, dual and conventional basis.
//!
//! A code block is checked by encoding its data again, with tables that are linear maps of the
//! symbols on the link; only words that fail are decoded.

mod decode;
mod field;
mod remainder;
mod simd;

use std::sync::{Arc, LazyLock};

use decode::SyndromeTable;
use field::WORD_SYMBOLS;
use remainder::{Remainder, RemainderTable, WordLayout};
use simd::LaneCheck;
use thiserror::Error;

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

/// One code as a link uses it: encoder, check and decoder.
#[derive(Clone)]
pub struct ReedSolomon {
    code: Code,
    basis: Basis,
    interleave: usize,
    virtual_fill_octets: usize,
    order: SymbolOrder,
    tables: &'static Tables,
    /// The check with vector instructions, where the processor has them.
    lane_check: Option<Arc<LaneCheck>>,
    /// The same for one word, its symbols side by side.
    word_check: Option<Arc<LaneCheck>>,
}

/// What depends on code and basis alone, built once.
struct Tables {
    remainders: RemainderTables,
    syndromes: SyndromeTable,
}

enum RemainderTables {
    Parity32(RemainderTable<4>),
    Parity16(RemainderTable<2>),
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
    const fn first_root(self) -> usize {
        128 - self.correctable_symbols()
    }
}

impl ReedSolomon {
    /// A code with words interleaved to a depth of 1, 2, 3, 4, 5 or 8.
    ///
    /// `virtual_fill_octets` counts for the whole code block (131.0-B-5 4.3.7: Q = q x I): each
    /// word begins with a depth's share of zeros that are not sent.
    ///
    /// # Errors
    /// When the depth is not in the standard, or the fill is no multiple of it or leaves no data.
    pub fn new(
        code: Code,
        basis: Basis,
        interleave: usize,
        virtual_fill_octets: usize,
    ) -> Result<Self, ReedSolomonError> {
        if !matches!(interleave, 1..=5 | 8) {
            return Err(ReedSolomonError::Interleave { got: interleave });
        }
        if !virtual_fill_octets.is_multiple_of(interleave) {
            return Err(ReedSolomonError::VirtualFillUneven {
                octets: virtual_fill_octets,
                interleave,
            });
        }
        let max = (code.data_symbols() - 1) * interleave;
        if virtual_fill_octets > max {
            return Err(ReedSolomonError::VirtualFillTooLong {
                octets: virtual_fill_octets,
                max,
            });
        }
        let lane_check = LaneCheck::new(code, basis, interleave).map(Arc::new);
        let word_check = LaneCheck::new(code, basis, 1).map(Arc::new);
        Ok(Self {
            code,
            basis,
            interleave,
            virtual_fill_octets,
            order: SymbolOrder::Interleaved,
            tables: Tables::of(code, basis),
            lane_check,
            word_check,
        })
    }

    /// The same code with its symbols in another order.
    #[must_use]
    pub fn with_symbol_order(mut self, order: SymbolOrder) -> Self {
        self.order = order;
        self
    }

    /// Which code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// Words of a code block.
    #[must_use]
    pub fn interleave(&self) -> usize {
        self.interleave
    }

    /// Octets of a code block as sent: data and parity, without virtual fill.
    #[must_use]
    pub fn codeblock_octets(&self) -> usize {
        self.word_octets() * self.interleave
    }

    /// Data octets of a code block: the transfer frame.
    #[must_use]
    pub fn data_octets(&self) -> usize {
        self.word_data_octets() * self.interleave
    }

    /// Parity octets of a code block.
    #[must_use]
    pub fn parity_octets(&self) -> usize {
        self.code.parity_symbols() * self.interleave
    }

    /// Computes the parity of `data`; in [`SymbolOrder::Interleaved`] the code block is `data`
    /// followed by `parity`, in [`SymbolOrder::Sequential`] both hold one word after the other
    /// (see [`ReedSolomon::encode_codeblock`]).
    ///
    /// # Errors
    /// When a length is not [`ReedSolomon::data_octets`] or [`ReedSolomon::parity_octets`].
    pub fn encode(&self, data: &[u8], parity: &mut [u8]) -> Result<(), ReedSolomonError> {
        check_length("data", self.data_octets(), data.len())?;
        check_length("parity", self.parity_octets(), parity.len())?;
        let symbols = self.code.parity_symbols();
        for word in 0..self.interleave {
            let layout = match self.order {
                SymbolOrder::Interleaved => self.layout(word),
                SymbolOrder::Sequential => WordLayout {
                    first: word * self.word_data_octets(),
                    ..self.layout(word)
                },
            };
            let remainder = self.remainder_of_data(data, layout);
            for (index, &octet) in remainder[..symbols].iter().enumerate() {
                let place = match self.order {
                    SymbolOrder::Interleaved => index * self.interleave + word,
                    SymbolOrder::Sequential => word * symbols + index,
                };
                if let Some(out) = parity.get_mut(place) {
                    *out = octet;
                }
            }
        }
        Ok(())
    }

    /// Writes the whole code block of `data`, in either symbol order.
    ///
    /// # Errors
    /// When a length is not [`ReedSolomon::data_octets`] or [`ReedSolomon::codeblock_octets`].
    pub fn encode_codeblock(
        &self,
        data: &[u8],
        codeblock: &mut [u8],
    ) -> Result<(), ReedSolomonError> {
        check_length("code block", self.codeblock_octets(), codeblock.len())?;
        let mut parity = vec![0; self.parity_octets()];
        self.encode(data, &mut parity)?;
        let words = match self.order {
            SymbolOrder::Interleaved => 1,
            SymbolOrder::Sequential => self.interleave,
        };
        let data = data.chunks_exact(self.data_octets() / words);
        let parity = parity.chunks_exact(self.parity_octets() / words);
        let out = codeblock.chunks_exact_mut(self.codeblock_octets() / words);
        for ((out, data), parity) in out.zip(data).zip(parity) {
            let (first, second) = out.split_at_mut(data.len());
            first.copy_from_slice(data);
            second.copy_from_slice(parity);
        }
        Ok(())
    }

    /// The data of a code block, without parity, in either symbol order.
    ///
    /// # Errors
    /// When a length is not [`ReedSolomon::codeblock_octets`] or [`ReedSolomon::data_octets`].
    pub fn copy_data(&self, codeblock: &[u8], data: &mut [u8]) -> Result<(), ReedSolomonError> {
        check_length("code block", self.codeblock_octets(), codeblock.len())?;
        check_length("data", self.data_octets(), data.len())?;
        let words = match self.order {
            SymbolOrder::Interleaved => 1,
            SymbolOrder::Sequential => self.interleave,
        };
        let blocks = codeblock.chunks_exact(self.codeblock_octets() / words);
        for (out, block) in data
            .chunks_exact_mut(self.data_octets() / words)
            .zip(blocks)
        {
            out.copy_from_slice(&block[..out.len()]);
        }
        Ok(())
    }

    /// Whether every word of the code block is a code word; octets of another length are not.
    #[must_use]
    pub fn is_clean(&self, codeblock: &[u8]) -> bool {
        if codeblock.len() != self.codeblock_octets() {
            return false;
        }
        match (self.order, &self.lane_check, &self.word_check) {
            (SymbolOrder::Interleaved, Some(check), _) => check.is_clean(codeblock),
            (SymbolOrder::Sequential, _, Some(check)) => codeblock
                .chunks_exact(self.word_octets())
                .all(|word| check.is_clean(word)),
            _ => self.is_clean_by_table(codeblock),
        }
    }

    /// Checks many code blocks: `clean[i]` says whether the one at octet i x `stride` is clean.
    ///
    /// A code block that is not whole within `codeblocks` is not clean.
    pub fn check_many(&self, codeblocks: &[u8], stride: usize, clean: &mut [bool]) {
        let length = self.codeblock_octets();
        for (index, clean) in clean.iter_mut().enumerate() {
            let first = index.saturating_mul(stride);
            let block = codeblocks.get(first..first.saturating_add(length));
            *clean = block.is_some_and(|block| self.is_clean(block));
        }
    }

    /// Corrects the code block in place, word by word.
    ///
    /// A word with more than E wrong symbols is left exactly as received (unless the errors happen
    /// to lead within E symbols of another code word, which no decoder can tell apart). Octets of
    /// another length than [`ReedSolomon::codeblock_octets`] are all uncorrectable.
    pub fn correct(&self, codeblock: &mut [u8]) -> Correction {
        let words = self.interleave as u32;
        if codeblock.len() != self.codeblock_octets() {
            return Correction {
                uncorrectable: words,
                ..Correction::default()
            };
        }
        if self.is_clean(codeblock) {
            return Correction {
                clean: words,
                ..Correction::default()
            };
        }
        let mut correction = Correction::default();
        for word in 0..self.interleave {
            match self.correct_word(codeblock, self.layout(word)) {
                Some(0) => correction.clean += 1,
                Some(symbols) => {
                    correction.corrected += 1;
                    correction.symbols += symbols;
                }
                None => correction.uncorrectable += 1,
            }
        }
        correction
    }

    /// Symbols corrected in one word, `None` when it cannot be corrected.
    fn correct_word(&self, codeblock: &mut [u8], layout: WordLayout) -> Option<u32> {
        let octets = self.word_octets();
        let mut word = [0; WORD_SYMBOLS];
        let word = word.get_mut(..octets)?;
        let symbols = codeblock.get(layout.first..)?.iter().step_by(layout.stride);
        for (out, &symbol) in word.iter_mut().zip(symbols) {
            *out = symbol;
        }
        let parity = self.code.parity_symbols();
        if self.is_clean_word(word) {
            return Some(0);
        }
        let remainder = self.remainder_of_word(word);
        let fill = WORD_SYMBOLS - octets;
        let errors = self.tables.syndromes.errors(&remainder[..parity], fill)?;
        for (index, value) in errors.iter() {
            *word.get_mut(index.checked_sub(fill)?)? ^= value;
        }
        // Nothing is accepted that is not a code word.
        if !self.is_clean_word(word) {
            return None;
        }
        for (index, _) in errors.iter() {
            let symbol = index.checked_sub(fill)?;
            let place = layout.first + symbol * layout.stride;
            *codeblock.get_mut(place)? = *word.get(symbol)?;
        }
        Some(errors.count())
    }

    /// [`ReedSolomon::is_clean`] without vector instructions, for tests and benches.
    #[doc(hidden)]
    #[must_use]
    pub fn is_clean_by_table(&self, codeblock: &[u8]) -> bool {
        match &self.tables.remainders {
            RemainderTables::Parity32(table) => self.all_clean(table, codeblock),
            RemainderTables::Parity16(table) => self.all_clean(table, codeblock),
        }
    }

    fn all_clean<const P: usize>(&self, table: &RemainderTable<P>, codeblock: &[u8]) -> bool {
        if codeblock.len() != self.codeblock_octets() {
            return false;
        }
        if self.order == SymbolOrder::Sequential {
            return (0..self.interleave)
                .all(|word| words_clean::<P, 1>(table, codeblock, self.layout(word)));
        }
        let at = |word| self.layout(word);
        match self.interleave {
            1 => words_clean::<P, 1>(table, codeblock, at(0)),
            2 => words_clean::<P, 2>(table, codeblock, at(0)),
            3 => words_clean::<P, 3>(table, codeblock, at(0)),
            4 => words_clean::<P, 4>(table, codeblock, at(0)),
            5 => {
                words_clean::<P, 3>(table, codeblock, at(0))
                    && words_clean::<P, 2>(table, codeblock, at(3))
            }
            _ => {
                words_clean::<P, 4>(table, codeblock, at(0))
                    && words_clean::<P, 4>(table, codeblock, at(4))
            }
        }
    }

    fn is_clean_word(&self, word: &[u8]) -> bool {
        match &self.word_check {
            Some(check) => check.is_clean(word),
            None => self.remainder_of_word(word) == [0; 32],
        }
    }

    /// The remainder of a whole word modulo g(x): zero for a code word.
    fn remainder_of_word(&self, word: &[u8]) -> [u8; 32] {
        let layout = WordLayout {
            first: 0,
            stride: 1,
            data_symbols: self.word_data_octets(),
        };
        let mut remainder = self.remainder_of_data(word, layout);
        let parity = word.get(self.word_data_octets()..).unwrap_or_default();
        for (out, octet) in remainder.iter_mut().zip(parity) {
            *out ^= octet;
        }
        remainder
    }

    fn remainder_of_data(&self, data: &[u8], layout: WordLayout) -> [u8; 32] {
        let mut octets = [0; 32];
        match &self.tables.remainders {
            RemainderTables::Parity32(table) => {
                write_remainder(&table.of_data::<1>(data, layout)[0], &mut octets);
            }
            RemainderTables::Parity16(table) => {
                write_remainder(&table.of_data::<1>(data, layout)[0], &mut octets);
            }
        }
        octets
    }

    fn layout(&self, word: usize) -> WordLayout {
        let data_symbols = self.word_data_octets();
        match self.order {
            SymbolOrder::Interleaved => WordLayout {
                first: word,
                stride: self.interleave,
                data_symbols,
            },
            SymbolOrder::Sequential => WordLayout {
                first: word * self.word_octets(),
                stride: 1,
                data_symbols,
            },
        }
    }

    fn word_octets(&self) -> usize {
        WORD_SYMBOLS - self.virtual_fill_octets / self.interleave
    }

    fn word_data_octets(&self) -> usize {
        self.word_octets() - self.code.parity_symbols()
    }
}

impl std::fmt::Debug for ReedSolomon {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ReedSolomon")
            .field("code", &self.code)
            .field("basis", &self.basis)
            .field("interleave", &self.interleave)
            .field("virtual_fill_octets", &self.virtual_fill_octets)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

impl Tables {
    fn of(code: Code, basis: Basis) -> &'static Self {
        static E16_DUAL: LazyLock<Tables> =
            LazyLock::new(|| Tables::new(Code::Rs255_223, Basis::Dual));
        static E16_CONVENTIONAL: LazyLock<Tables> =
            LazyLock::new(|| Tables::new(Code::Rs255_223, Basis::Conventional));
        static E8_DUAL: LazyLock<Tables> =
            LazyLock::new(|| Tables::new(Code::Rs255_239, Basis::Dual));
        static E8_CONVENTIONAL: LazyLock<Tables> =
            LazyLock::new(|| Tables::new(Code::Rs255_239, Basis::Conventional));
        match (code, basis) {
            (Code::Rs255_223, Basis::Dual) => &E16_DUAL,
            (Code::Rs255_223, Basis::Conventional) => &E16_CONVENTIONAL,
            (Code::Rs255_239, Basis::Dual) => &E8_DUAL,
            (Code::Rs255_239, Basis::Conventional) => &E8_CONVENTIONAL,
        }
    }

    fn new(code: Code, basis: Basis) -> Self {
        Self {
            remainders: match code {
                Code::Rs255_223 => RemainderTables::Parity32(RemainderTable::new(code, basis)),
                Code::Rs255_239 => RemainderTables::Parity16(RemainderTable::new(code, basis)),
            },
            syndromes: SyndromeTable::new(code, basis),
        }
    }
}

/// Whether `W` words side by side are code words: the parity received is that of the data.
fn words_clean<const P: usize, const W: usize>(
    table: &RemainderTable<P>,
    codeblock: &[u8],
    layout: WordLayout,
) -> bool {
    let remainders = table.of_data::<W>(codeblock, layout);
    let parity = layout.first + layout.data_symbols * layout.stride;
    let mut difference = 0;
    let columns = codeblock
        .get(parity..)
        .unwrap_or_default()
        .chunks(layout.stride);
    for (index, column) in columns.enumerate().take(P * 8) {
        for (remainder, octet) in remainders.iter().zip(column) {
            difference |= (remainder[index / 8] >> (index % 8 * 8)) as u8 ^ octet;
        }
    }
    difference == 0
}

fn write_remainder<const P: usize>(remainder: &Remainder<P>, octets: &mut [u8; 32]) {
    let (chunks, _) = octets.as_chunks_mut::<8>();
    for (out, word) in chunks.iter_mut().zip(remainder) {
        *out = word.to_le_bytes();
    }
}

fn check_length(what: &'static str, needed: usize, got: usize) -> Result<(), ReedSolomonError> {
    if needed == got {
        return Ok(());
    }
    Err(ReedSolomonError::Length { what, needed, got })
}
