//! Code blocks to frames: removes the randomiser, checks and corrects the Reed-Solomon words of
//! many blocks at once, checks the frame error control field (CCSDS 131.0-B-5 4 and 10).

use schemas::mission::{self, FrameParameters, RandomizerKind};
use schemas::record::Quality;
use space_link::crc;
use space_link::randomizer::Randomizer;
use space_link::reed_solomon::{self, Code, Correction, ReedSolomon, ReedSolomonError};

/// Blocks corrected in one go, so that a check can work on many side by side.
pub const BATCH_BLOCKS: usize = 64;

/// Removes channel coding.
#[derive(Clone)]
pub struct Corrector {
    randomizer: Option<Randomizer>,
    reed_solomon: Option<ReedSolomon>,
    /// Whether the code is used, or its parity only removed.
    checked: bool,
    sequential: bool,
    frame_octets: usize,
    block_octets: usize,
    fecf: bool,
}

/// What is known about a code block after correction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockState {
    /// The words of the block.
    pub words: Correction,
}

/// What the codes say about a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How far it can be trusted.
    pub quality: Quality,
    /// The frame error control field does not agree with the frame.
    pub fecf_mismatch: bool,
}

impl Corrector {
    /// A corrector for the frames of a downlink.
    ///
    /// # Errors
    /// [`ReedSolomonError`] if the parameters are no code of the standard.
    pub fn new(frame: &FrameParameters) -> Result<Self, ReedSolomonError> {
        let reed_solomon = frame
            .reed_solomon
            .map(|code| {
                let basis = match code.basis {
                    mission::Basis::Dual => reed_solomon::Basis::Dual,
                    mission::Basis::Conventional => reed_solomon::Basis::Conventional,
                };
                let name = match code.information {
                    239 => Code::Rs255_239,
                    _ => Code::Rs255_223,
                };
                let order = match frame.symbol_order {
                    mission::SymbolOrder::Interleaved => reed_solomon::SymbolOrder::Interleaved,
                    mission::SymbolOrder::Sequential => reed_solomon::SymbolOrder::Sequential,
                };
                ReedSolomon::new(name, basis, code.interleave, code.virtual_fill_octets)
                    .map(|code| code.with_symbol_order(order))
            })
            .transpose()?;
        Ok(Self {
            randomizer: frame.randomizer.map(|kind| match kind {
                RandomizerKind::Bits255 => Randomizer::Tm255,
                RandomizerKind::Bits131071 => Randomizer::Tm131071,
            }),
            reed_solomon,
            checked: frame.reed_solomon.is_some_and(|code| code.checked),
            sequential: frame.symbol_order == mission::SymbolOrder::Sequential,
            frame_octets: frame.length_octets,
            block_octets: frame.code_block_octets(),
            fecf: frame.fecf,
        })
    }

    /// Octets of a code block.
    pub fn block_octets(&self) -> usize {
        self.block_octets
    }

    /// Corrects whole blocks that lie end to end, in place; `states` has one entry a block.
    pub fn correct(&self, blocks: &mut [u8], states: &mut [BlockState]) {
        if let Some(randomizer) = &self.randomizer {
            for block in blocks.chunks_exact_mut(self.block_octets) {
                randomizer.apply(block);
            }
        }
        let Some(code) = self.reed_solomon.as_ref().filter(|_| self.checked) else {
            states.fill(BlockState::default());
            return;
        };
        let clean_block = Correction {
            clean: code.interleave() as u32,
            ..Correction::default()
        };
        let mut clean = [false; BATCH_BLOCKS];
        let batches = blocks.chunks_mut(self.block_octets * BATCH_BLOCKS);
        for (batch, states) in batches.zip(states.chunks_mut(BATCH_BLOCKS)) {
            let clean = &mut clean[..states.len()];
            code.check_many(batch, self.block_octets, clean);
            let blocks = batch.chunks_exact_mut(self.block_octets);
            for ((block, state), &clean) in blocks.zip(states).zip(&*clean) {
                state.words = if clean {
                    clean_block
                } else {
                    code.correct(block)
                };
            }
        }
    }

    /// The frame of a corrected block; `scratch` is used where its symbols must be gathered.
    pub fn frame<'a>(&self, block: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        match &self.reed_solomon {
            Some(code) if self.sequential => {
                scratch.resize(self.frame_octets, 0);
                // Lengths are the code's own; a block of another length would leave zeros.
                if code.copy_data(block, scratch).is_err() {
                    scratch.fill(0);
                }
                scratch
            }
            _ => block.get(..self.frame_octets).unwrap_or_default(),
        }
    }

    /// A frame from which a receiver has removed the coding; where the link's symbol order is
    /// sequential, such receivers have interleaved its symbols, which is undone in `scratch`.
    pub fn received_frame<'a>(&self, frame: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let words = match &self.reed_solomon {
            Some(code) if self.sequential => code.interleave(),
            _ => return frame,
        };
        let symbols = frame.len() / words;
        scratch.resize(frame.len(), 0);
        for (index, &octet) in frame.iter().enumerate() {
            if let Some(out) = scratch.get_mut(index % words * symbols + index / words) {
                *out = octet;
            }
        }
        scratch
    }

    /// What Reed-Solomon (`None` where it did not run) and the error control field say of a frame.
    pub fn judge(&self, frame: &[u8], words: Option<Correction>) -> Verdict {
        let coded = words.filter(|_| self.checked);
        let fecf_mismatch = self.fecf && !crc::crc16_is_good(frame);
        let quality = match coded {
            Some(words) if words.uncorrectable > 0 => Quality::Bad,
            _ if fecf_mismatch => Quality::Bad,
            Some(words) if words.corrected > 0 => Quality::Corrected,
            None if !self.fecf => Quality::Unchecked,
            Some(_) | None => Quality::Good,
        };
        Verdict {
            quality,
            fecf_mismatch,
        }
    }
}

impl std::fmt::Debug for Corrector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Corrector")
            .field("frame_octets", &self.frame_octets)
            .field("block_octets", &self.block_octets)
            .finish_non_exhaustive()
    }
}
