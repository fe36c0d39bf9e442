//! The tables of each code and basis, built once, when a link first needs them.

use std::sync::LazyLock;

use super::{
    Basis, Code,
    decode::SyndromeTable,
    remainder::{Remainder, RemainderTable, WordLayout},
};

/// Most words of a code block.
pub(super) const DEPTH_MAX: usize = 8;
/// Most parity symbols of a word; the shorter code leaves the rest zero.
pub(super) const PARITY_MAX: usize = 32;

/// Parity symbols of the words of a code block.
pub(super) type Parity = [[u8; PARITY_MAX]; DEPTH_MAX];

/// What depends on code and basis alone.
pub(super) struct Tables {
    remainders: RemainderTables,
    pub(super) syndromes: SyndromeTable,
}

enum RemainderTables {
    Parity32(RemainderTable<4>),
    Parity16(RemainderTable<2>),
}

impl Tables {
    pub(super) fn of(code: Code, basis: Basis) -> &'static Self {
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

    /// The parity of `words` neighbouring words, the first one as `layout` says.
    pub(super) fn parity(&self, data: &[u8], layout: WordLayout, words: usize) -> Parity {
        let mut parity = [[0; PARITY_MAX]; DEPTH_MAX];
        let mut first = 0;
        while first < words {
            let layout = WordLayout {
                first: layout.first + first,
                ..layout
            };
            // Four words at once keep the processor busy; five are better as three and two.
            let count = match words - first {
                5 => 3,
                left => left.min(4),
            };
            let out = parity.get_mut(first..first + count).unwrap_or_default();
            match &self.remainders {
                RemainderTables::Parity32(table) => side_by_side(table, data, layout, out),
                RemainderTables::Parity16(table) => side_by_side(table, data, layout, out),
            }
            first += count;
        }
        parity
    }
}

fn side_by_side<const P: usize>(
    table: &RemainderTable<P>,
    data: &[u8],
    layout: WordLayout,
    parity: &mut [[u8; PARITY_MAX]],
) {
    match parity.len() {
        4 => write(&table.of_data::<4>(data, layout), parity),
        3 => write(&table.of_data::<3>(data, layout), parity),
        2 => write(&table.of_data::<2>(data, layout), parity),
        _ => write(&table.of_data::<1>(data, layout), parity),
    }
}

fn write<const P: usize>(remainders: &[Remainder<P>], parity: &mut [[u8; PARITY_MAX]]) {
    for (remainder, octets) in remainders.iter().zip(parity) {
        let (chunks, _) = octets.as_chunks_mut::<8>();
        for (out, word) in chunks.iter_mut().zip(remainder) {
            *out = word.to_le_bytes();
        }
    }
}
