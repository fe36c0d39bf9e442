//! Channel coding and the link: Reed-Solomon, randomiser, sync marker, then whatever goes wrong.

use std::collections::BTreeSet;

use space_link::randomizer::Randomizer;
use space_link::reed_solomon::{Basis, Code, ReedSolomon, ReedSolomonError};

use crate::bit_errors::BitErrors;
use crate::random::Random;
use crate::truth::Truth;

/// Octets of a transfer frame.
pub(crate) const FRAME_OCTETS: usize = 892;
/// Octets of a channel access data unit: marker, frame, parity.
pub(crate) const CADU_OCTETS: usize = MARKER.len() + FRAME_OCTETS + PARITY_OCTETS;
/// Attached sync marker (131.0-B-5 9.3.2).
pub(crate) const MARKER: [u8; 4] = [0x1A, 0xCF, 0xFC, 0x1D];

/// What the link does to the octets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Probability that a bit is inverted, 0 to 0.5.
    pub bit_error_rate: f64,
    /// Frames dropped at random, of a million.
    pub dropped_frames_per_million: u32,
    /// Frames dropped for certain, by their number from 0 in the order in which they are made.
    pub dropped_frames: BTreeSet<u64>,
    /// Frames in which 80 octets in a row are inverted: more than any of their code words corrects.
    pub burst_frames: BTreeSet<u64>,
    /// Bits of noise before the first frame; frames then begin at any bit of an octet.
    pub bit_offset: u32,
    /// Every bit is inverted, as after a phase slip.
    pub inverted: bool,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Whole,
    Uncorrectable,
    Dropped,
}

/// The coder and the link behind it.
#[derive(Clone)]
pub(crate) struct Channel {
    code: ReedSolomon,
    faults: Faults,
    random: Random,
    bit_errors: BitErrors,
    /// Octets of the current frame that have a wrong bit, in order.
    touched: Vec<usize>,
    /// Bits that do not fill an octet yet, in the low end.
    carry: u8,
    carry_bits: u32,
}

impl Channel {
    pub(crate) fn new(faults: Faults, seed: u64) -> Result<Self, ReedSolomonError> {
        let code = ReedSolomon::new(Code::Rs255_223, Basis::Dual, INTERLEAVE, 0)?;
        // Lengths are constants: what encodes here always does.
        code.encode(&[0; FRAME_OCTETS], &mut [0; PARITY_OCTETS])?;
        let mut random = Random::new(seed, 2);
        let bit_errors = BitErrors::new(faults.bit_error_rate, &mut random);
        Ok(Self {
            code,
            faults,
            random,
            bit_errors,
            touched: Vec::new(),
            carry: 0,
            carry_bits: 0,
        })
    }

    /// The noise before the first frame.
    pub(crate) fn start(&mut self, out: &mut Vec<u8>) {
        for _ in 0..self.faults.bit_offset / 8 {
            let noise = self.random.bits() as u8;
            out.push(noise);
        }
        self.carry_bits = self.faults.bit_offset % 8;
        self.carry = self.random.bits() as u8 & !(0xFF << self.carry_bits);
    }

    /// Codes the frame inside `cadu` and sends it.
    pub(crate) fn send(
        &mut self,
        cadu: &mut [u8; CADU_OCTETS],
        out: &mut Vec<u8>,
        truth: &mut Truth,
    ) -> Fate {
        let number = truth.frames_made;
        truth.frames_made += 1;
        let chance = self.faults.dropped_frames_per_million;
        let unlucky = chance > 0 && self.random.happens(f64::from(chance) * 1e-6);
        if unlucky || self.faults.dropped_frames.contains(&number) {
            truth.frames_dropped += 1;
            return Fate::Dropped;
        }
        let (marker, block) = cadu.split_at_mut(MARKER.len());
        marker.copy_from_slice(&MARKER);
        let (frame, parity) = block.split_at_mut(FRAME_OCTETS);
        let coded = self.code.encode(frame, parity);
        debug_assert!(coded.is_ok(), "the lengths were tried in new");
        Randomizer::Tm255.apply(block);
        let fate = self.disturb(number, cadu, truth);
        if self.faults.inverted {
            for octet in cadu.iter_mut() {
                *octet = !*octet;
            }
        }
        self.put(cadu, out);
        fate
    }

    /// The bits left over, padded with zeros.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.carry_bits > 0 {
            out.push(self.carry << (8 - self.carry_bits));
            self.carry_bits = 0;
        }
    }

    fn disturb(&mut self, number: u64, cadu: &mut [u8; CADU_OCTETS], truth: &mut Truth) -> Fate {
        let burst = self.faults.burst_frames.contains(&number);
        if self.bit_errors.spare(CADU_BITS) && !burst {
            self.bit_errors.pass(CADU_BITS, &mut self.random, |_| {});
            truth.codewords_clean += INTERLEAVE as u64;
            return Fate::Whole;
        }
        self.touched.clear();
        if burst {
            for octet in BURST {
                cadu[octet] = !cadu[octet];
                self.touched.push(octet);
            }
            truth.bits_flipped += 8 * BURST.len() as u64;
        }
        let touched = &mut self.touched;
        self.bit_errors.pass(CADU_BITS, &mut self.random, |bit| {
            let octet = (bit / 8) as usize;
            // A burst has already spoilt its octets: errors there would mend some of its bits.
            if !(burst && BURST.contains(&octet)) {
                cadu[octet] ^= 0x80 >> (bit % 8);
                touched.push(octet);
                truth.bits_flipped += 1;
                truth.marker_bits_flipped += u64::from(octet < MARKER.len());
            }
        });
        self.count_words(truth)
    }

    fn count_words(&mut self, truth: &mut Truth) -> Fate {
        self.touched.sort_unstable();
        self.touched.dedup();
        let mut wrong = [0_u64; INTERLEAVE];
        for octet in self
            .touched
            .iter()
            .filter_map(|octet| octet.checked_sub(MARKER.len()))
        {
            wrong[octet % INTERLEAVE] += 1;
        }
        let mut fate = Fate::Whole;
        for symbols in wrong {
            match symbols {
                0 => truth.codewords_clean += 1,
                1..=CORRECTABLE_SYMBOLS => {
                    truth.codewords_correctable += 1;
                    truth.symbols_correctable += symbols;
                }
                _ => {
                    truth.codewords_uncorrectable += 1;
                    fate = Fate::Uncorrectable;
                }
            }
        }
        fate
    }

    fn put(&mut self, cadu: &[u8; CADU_OCTETS], out: &mut Vec<u8>) {
        let shift = self.carry_bits;
        if shift == 0 {
            out.extend_from_slice(cadu);
            return;
        }
        let from = out.len();
        out.extend_from_slice(cadu);
        let shifted = &mut out[from..];
        shifted[0] = self.carry << (8 - shift) | cadu[0] >> shift;
        for (octet, pair) in shifted[1..].iter_mut().zip(cadu.windows(2)) {
            *octet = pair[0] << (8 - shift) | pair[1] >> shift;
        }
        self.carry = cadu[CADU_OCTETS - 1] & !(0xFF << shift);
    }
}

const INTERLEAVE: usize = 4;
const PARITY_OCTETS: usize = 32 * INTERLEAVE;
const CADU_BITS: u64 = CADU_OCTETS as u64 * 8;
const CORRECTABLE_SYMBOLS: u64 = 16;
const BURST: std::ops::Range<usize> = 400..480;
