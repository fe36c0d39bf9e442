//! Bits to CADUs: finds the attached sync marker at any bit offset and in either polarity, and
//! cuts out what lies between markers (CCSDS 131.0-B-5 9).
//!
//! Every decision depends on the bits alone, never on how they were cut into chunks: where bits are
//! wanting to decide, the decision waits.

use schemas::mission::SynchronizationParameters;
use space_link::asm::{Asm, copy_bits};

/// Finds markers and cuts out code blocks.
#[derive(Debug)]
pub struct Synchronizer {
    asm: Asm,
    asm_bits: u64,
    block_octets: usize,
    cadu_bits: u64,
    bit_errors_search: u32,
    bit_errors_locked: u32,
    verify: u64,
    flywheel: u64,
    inverted_allowed: bool,
    /// Octets received and still needed.
    window: Vec<u8>,
    /// Octets received before the window.
    before: u64,
    /// Bit of the stream where the search, or the marker in question, is.
    cursor: u64,
    state: State,
    ended: bool,
    statistics: SynchronizerStatistics,
}

/// What the synchroniser has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SynchronizerStatistics {
    /// Markers found, also where their CADU was cut off.
    pub markers: u64,
    /// Bits before the first marker.
    pub first_marker_bit: Option<u64>,
}

/// What comes next out of the bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A code block was written; its marker began in this octet of the stream.
    Block {
        /// Octets before the one in which the marker begins.
        position: u64,
        /// The marker itself was too damaged to be recognised.
        marker_missed: bool,
    },
    /// The marker was not where it should be; the search begins again.
    Lost {
        /// Octets before the one in which the marker should have begun.
        position: u64,
    },
    /// The stream ended within a CADU.
    Truncated {
        /// Octets before the one in which its marker begins.
        position: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No marker is believed; the next one is searched from the cursor on.
    Search,
    /// The marker at the cursor is believed: its block is next.
    Block {
        inverted: bool,
        missed: bool,
    },
    /// A marker should begin at the cursor.
    Expect {
        inverted: bool,
    },
    Ended,
}

enum Verdict {
    Yes,
    No,
    MoreBits,
}

impl Synchronizer {
    /// A synchroniser for CADUs of a marker and `block_octets` octets.
    pub fn new(asm: Asm, parameters: &SynchronizationParameters, block_octets: usize) -> Self {
        let asm_bits = u64::from(asm.bits());
        Self {
            asm,
            asm_bits,
            block_octets,
            cadu_bits: asm_bits + block_octets as u64 * 8,
            bit_errors_search: parameters.bit_errors_search,
            bit_errors_locked: parameters.bit_errors_locked,
            verify: u64::from(parameters.verify),
            flywheel: u64::from(parameters.flywheel),
            inverted_allowed: parameters.inverted,
            window: Vec::new(),
            before: 0,
            cursor: 0,
            state: State::Search,
            ended: false,
            statistics: SynchronizerStatistics::default(),
        }
    }

    /// Takes the next octets of the stream; [`Synchronizer::next_block`] must be called until it
    /// has nothing more before the next ones are given, or they pile up.
    pub fn handle_bytes(&mut self, octets: &[u8]) {
        let used = usize::try_from((self.cursor / 8).saturating_sub(self.before))
            .unwrap_or(usize::MAX)
            // A search after a loss goes back by up to a marker.
            .saturating_sub(BACK_OCTETS)
            .min(self.window.len());
        self.window.drain(..used);
        self.before += used as u64;
        self.window.extend_from_slice(octets);
    }

    /// The stream has ended; what waited for more bits is decided without them.
    pub fn handle_end(&mut self) {
        self.ended = true;
    }

    /// What the synchroniser has seen so far.
    pub fn statistics(&self) -> SynchronizerStatistics {
        self.statistics
    }

    /// The next block, written to `block` (of the length given at the start), or the next event;
    /// `None` when more octets are needed.
    pub fn next_block(&mut self, block: &mut [u8]) -> Option<Found> {
        loop {
            match self.state {
                State::Ended => return None,
                State::Search => self.search()?,
                State::Block { inverted, missed } => {
                    return self.cut(block, inverted, missed);
                }
                State::Expect { inverted } => {
                    if let Some(found) = self.expect(inverted)? {
                        return Some(found);
                    }
                }
            }
        }
    }

    /// Looks for a marker that is confirmed by those after it; `None` when bits are wanting.
    fn search(&mut self) -> Option<()> {
        let from = self.cursor - self.before * 8;
        let found = self.asm.find(&self.window, from, self.bit_errors_search);
        let Some(found) = found else {
            // No marker begins in these bits but in the last ones.
            self.cursor = self
                .cursor
                .max((self.end() + 1).saturating_sub(self.asm_bits));
            return None;
        };
        let marker = self.before * 8 + found.bit;
        if found.inverted && !self.inverted_allowed {
            self.cursor = marker + 1;
            return Some(());
        }
        self.cursor = marker;
        match self.confirm(marker) {
            Verdict::Yes => self.believe(State::Block {
                inverted: found.inverted,
                missed: false,
            }),
            Verdict::No => self.cursor = marker + 1,
            Verdict::MoreBits => return None,
        }
        Some(())
    }

    /// Whether enough markers follow the one found; at the end of the stream a whole CADU will do.
    fn confirm(&self, marker: u64) -> Verdict {
        for cadu in 1..=self.verify {
            let at = marker + cadu * self.cadu_bits;
            if at + self.asm_bits > self.end() {
                let whole = marker + self.cadu_bits <= self.end();
                return match (self.ended, whole) {
                    (false, _) => Verdict::MoreBits,
                    (true, true) => Verdict::Yes,
                    (true, false) => Verdict::No,
                };
            }
            if self.marker_at(at).is_none() {
                return Verdict::No;
            }
        }
        Verdict::Yes
    }

    fn believe(&mut self, state: State) {
        self.statistics.markers += 1;
        self.statistics.first_marker_bit.get_or_insert(self.cursor);
        self.state = state;
    }

    fn cut(&mut self, block: &mut [u8], inverted: bool, missed: bool) -> Option<Found> {
        let position = self.cursor / 8;
        let end = self.cursor + self.cadu_bits;
        if end > self.end() {
            if !self.ended {
                return None;
            }
            self.state = State::Ended;
            return (!missed).then_some(Found::Truncated { position });
        }
        let from = self.cursor + self.asm_bits - self.before * 8;
        let length = self.block_octets.min(block.len());
        copy_bits(&self.window, from as usize, &mut block[..length], inverted);
        self.cursor = end;
        self.state = State::Expect { inverted };
        Some(Found::Block {
            position,
            marker_missed: missed,
        })
    }

    /// Decides on the marker that should begin at the cursor: there, damaged, or lost.
    ///
    /// The outer `None` means that bits are wanting.
    fn expect(&mut self, inverted: bool) -> Option<Option<Found>> {
        for cadu in 0..=self.flywheel {
            let at = self.cursor + cadu * self.cadu_bits;
            if at + self.asm_bits > self.end() {
                if !self.ended {
                    return None;
                }
                break;
            }
            let Some(inverted_there) = self.marker_at(at) else {
                continue;
            };
            if cadu == 0 {
                self.believe(State::Block {
                    inverted: inverted_there,
                    missed: false,
                });
            } else {
                // A later marker is where it should be: only the one in question is damaged.
                self.state = State::Block {
                    inverted,
                    missed: true,
                };
            }
            return Some(None);
        }
        let position = self.cursor / 8;
        if self.ended && self.cursor + self.asm_bits > self.end() {
            self.state = State::Ended;
            return Some(None);
        }
        // Bits may have been lost: the marker may begin before where it should.
        self.cursor = self
            .cursor
            .saturating_sub(self.asm_bits - 1)
            .max(self.before * 8);
        self.state = State::Search;
        Some(Some(Found::Lost { position }))
    }

    /// The polarity of the marker at a bit of the stream, if there is one.
    fn marker_at(&self, bit: u64) -> Option<bool> {
        let bit = bit - self.before * 8;
        let found = self
            .asm
            .match_at(&self.window, bit, self.bit_errors_locked)?;
        (self.inverted_allowed || !found.inverted).then_some(found.inverted)
    }

    /// Bits of the stream received so far.
    fn end(&self) -> u64 {
        (self.before + self.window.len() as u64) * 8
    }
}

/// The longest marker.
const BACK_OCTETS: usize = 8;

#[cfg(test)]
mod tests;
