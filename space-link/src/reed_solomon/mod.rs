//! Reed-Solomon codes (255,223) and (255,239) of CCSDS 131.0-B-5 section 4: interleaving, virtual
//! fill, dual and conventional basis.
//!
//! A code block is checked by encoding its data again, with tables that are linear maps of the
//! symbols on the link; only words that fail are decoded.

mod decode;
mod field;
mod parameters;
mod remainder;
mod simd;
mod tables;

use std::sync::Arc;

use field::WORD_SYMBOLS;
pub use parameters::{Basis, Code, Correction, ReedSolomonError, SymbolOrder};
use remainder::WordLayout;
use simd::LaneCheck;
use tables::{PARITY_MAX, Tables};

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
        match self.order {
            SymbolOrder::Interleaved => {
                let words = self.tables.parity(data, self.layout(0), self.interleave);
                for (index, column) in parity.chunks_mut(self.interleave).enumerate() {
                    for (out, word) in column.iter_mut().zip(&words) {
                        *out = word[index];
                    }
                }
            }
            SymbolOrder::Sequential => {
                let data = data.chunks(self.word_data_octets());
                for (out, data) in parity.chunks_mut(symbols).zip(data) {
                    out.copy_from_slice(&self.parity_of_word(data)[..symbols]);
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
        if codeblock.len() != self.codeblock_octets() {
            return false;
        }
        match self.order {
            SymbolOrder::Interleaved => {
                let words = self
                    .tables
                    .parity(codeblock, self.layout(0), self.interleave);
                let received = codeblock.get(self.data_octets()..).unwrap_or_default();
                let mut difference = 0;
                for (index, column) in received.chunks(self.interleave).enumerate() {
                    for (octet, word) in column.iter().zip(&words) {
                        difference |= octet ^ word[index];
                    }
                }
                difference == 0
            }
            SymbolOrder::Sequential => codeblock
                .chunks_exact(self.word_octets())
                .all(|word| self.remainder_of_word(word) == [0; PARITY_MAX]),
        }
    }

    fn is_clean_word(&self, word: &[u8]) -> bool {
        match &self.word_check {
            Some(check) => check.is_clean(word),
            None => self.remainder_of_word(word) == [0; PARITY_MAX],
        }
    }

    /// The remainder of a whole word modulo g(x): zero for a code word.
    fn remainder_of_word(&self, word: &[u8]) -> [u8; PARITY_MAX] {
        let mut remainder = self.parity_of_word(word);
        let parity = word.get(self.word_data_octets()..).unwrap_or_default();
        for (out, octet) in remainder.iter_mut().zip(parity) {
            *out ^= octet;
        }
        remainder
    }

    /// The parity of a word whose symbols lie side by side.
    fn parity_of_word(&self, word: &[u8]) -> [u8; PARITY_MAX] {
        let layout = WordLayout {
            first: 0,
            stride: 1,
            data_symbols: self.word_data_octets(),
        };
        self.tables.parity(word, layout, 1)[0]
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

fn check_length(what: &'static str, needed: usize, got: usize) -> Result<(), ReedSolomonError> {
    if needed == got {
        return Ok(());
    }
    Err(ReedSolomonError::Length { what, needed, got })
}

#[cfg(test)]
mod tests;
