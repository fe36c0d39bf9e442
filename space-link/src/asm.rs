//! Attached sync marker: finding it at any bit offset and in either polarity, and cutting out what
//! follows it.

use thiserror::Error;

/// The marker of uncoded, convolutional and Reed-Solomon links (131.0-B-5 9.3).
const CCSDS_PATTERN: u64 = 0x1ACF_FC1D;
/// Filters are kept for searches that allow up to this many bit errors; others look everywhere.
const FILTERED_ERRORS: usize = 3;
/// A set of 16-bit values, one bit each.
const FILTER_WORDS: usize = 65_536 / 64;
/// From this length on, a marker covers two whole octets that begin at an even place, wherever it
/// starts; shorter ones must be looked for at every octet.
const TWO_OCTET_STRIDE_BITS: u32 = 31;

/// An attached sync marker of 16 to 64 bits.
///
/// CCSDS 131.0-B-5 section 9; the default is 1ACFFC1Dh.
#[derive(Clone)]
pub struct Asm {
    pattern: u64,
    bits: u32,
    /// For each number of allowed errors, which 16-bit values can occur at a place that the search
    /// looks at while a marker lies around it.
    filters: Box<[[u64; FILTER_WORDS]]>,
}

/// Where a marker was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Offset of the marker's first bit; bit 0 is the most significant bit of the first octet.
    pub bit: u64,
    /// Whether every bit is inverted (the carrier's phase ambiguity).
    pub inverted: bool,
    /// Bits that differ from the marker in this polarity.
    pub errors: u32,
}

/// A sync marker that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AsmError {
    /// The text is not hexadecimal.
    #[error("sync marker {text:?} is not hexadecimal: write it like 1ACFFC1D")]
    NotHexadecimal {
        /// The text given.
        text: String,
    },
    /// Too short to be found reliably, or longer than a search window.
    #[error("sync marker has {got} bits: it needs 16 to 64")]
    Length {
        /// Bits given.
        got: u32,
    },
}

impl Asm {
    /// The marker whose last bit is the least significant bit of `pattern`, of `bits` bits.
    ///
    /// # Errors
    /// When `bits` is not 16 to 64.
    pub fn new(pattern: u64, bits: u32) -> Result<Self, AsmError> {
        if !(16..=64).contains(&bits) {
            return Err(AsmError::Length { got: bits });
        }
        Ok(Self::of_checked_length(
            pattern & (u64::MAX >> (64 - bits)),
            bits,
        ))
    }

    /// The marker written as hexadecimal digits, four bits each, as in `1ACFFC1D`.
    ///
    /// # Errors
    /// When the text is not hexadecimal or not 4 to 16 digits long.
    pub fn from_hex(text: &str) -> Result<Self, AsmError> {
        if !text.bytes().all(|digit| digit.is_ascii_hexdigit()) || text.is_empty() {
            return Err(AsmError::NotHexadecimal {
                text: text.chars().take(64).collect(),
            });
        }
        let bits = u32::try_from(text.len().saturating_mul(4)).unwrap_or(u32::MAX);
        if !(16..=64).contains(&bits) {
            return Err(AsmError::Length { got: bits });
        }
        let pattern = text
            .bytes()
            .filter_map(|digit| char::from(digit).to_digit(16))
            .fold(0_u64, |value, digit| (value << 4) | u64::from(digit));
        Self::new(pattern, bits)
    }

    fn of_checked_length(pattern: u64, bits: u32) -> Self {
        Self {
            pattern,
            bits,
            filters: filters(pattern, bits),
        }
    }

    /// The marker's bits, the last one least significant.
    #[must_use]
    pub fn pattern(&self) -> u64 {
        self.pattern
    }

    /// The marker's length in bits.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The marker's length in whole octets.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.bits.div_ceil(8) as usize
    }

    /// The first marker at or after `from_bit`, in either polarity, with at most `max_errors` bits
    /// wrong.
    ///
    /// A marker that is not whole within `data` is not found.
    #[must_use]
    pub fn find(&self, data: &[u8], from_bit: u64, max_errors: u32) -> Option<Match> {
        let last = (data.len() as u64 * 8).checked_sub(u64::from(self.bits))?;
        if from_bit > last {
            return None;
        }
        let stride = self.stride();
        // At place p the search has seen every start up to bit 8p, and none after it.
        let mut place = usize::try_from(from_bit.div_ceil(8)).ok()?;
        if let Some(filter) = self.filters.get(max_errors as usize) {
            loop {
                let ahead = data.get(place..)?;
                let (skipped, hit) = skip(ahead, stride, filter);
                place += skipped;
                if !hit {
                    break;
                }
                if let Some(found) = self.find_at(data, place, from_bit, last, max_errors) {
                    return Some(found);
                }
                place += stride;
            }
        }
        // The last octets, or everything when there is no filter for so many errors.
        while place * 8 < data.len() * 8 + stride * 8 {
            if let Some(found) = self.find_at(data, place, from_bit, last, max_errors) {
                return Some(found);
            }
            place += stride;
        }
        None
    }

    /// Whether a marker begins exactly at `bit`, in the polarity that has fewer errors.
    #[must_use]
    pub fn match_at(&self, data: &[u8], bit: u64, max_errors: u32) -> Option<Match> {
        let differing = self.errors_at(data, bit)?;
        let (inverted, errors) = self.polarity(differing);
        (errors <= max_errors).then_some(Match {
            bit,
            inverted,
            errors,
        })
    }

    /// Bits at `bit` that differ from the marker; [`Asm::bits`] less this many differ from the
    /// inverted one. `None` where the data end before the marker would.
    #[must_use]
    pub fn errors_at(&self, data: &[u8], bit: u64) -> Option<u32> {
        let end = bit.checked_add(u64::from(self.bits))?;
        if end > data.len() as u64 * 8 {
            return None;
        }
        let octet = usize::try_from(bit / 8).ok()?;
        let window = window(data, octet) << (bit % 8) >> (128 - self.bits);
        Some((window as u64 ^ self.pattern).count_ones())
    }

    /// Octets between two places that the search looks at.
    fn stride(&self) -> usize {
        if self.bits >= TWO_OCTET_STRIDE_BITS {
            2
        } else {
            1
        }
    }

    fn polarity(&self, differing: u32) -> (bool, u32) {
        if differing * 2 > self.bits {
            (true, self.bits - differing)
        } else {
            (false, differing)
        }
    }

    /// Every start that belongs to `place`: the last one is bit 8 x `place`.
    fn find_at(
        &self,
        data: &[u8],
        place: usize,
        from_bit: u64,
        last: u64,
        max_errors: u32,
    ) -> Option<Match> {
        let end = place as u64 * 8;
        let first = (end + 1)
            .saturating_sub(self.stride() as u64 * 8)
            .max(from_bit);
        let last = end.min(last);
        if first > last {
            return None;
        }
        // 15 bits of starts, 7 bits to the octet's edge and 64 bits of marker fit.
        let ahead = window(data, usize::try_from(first / 8).ok()?) << (first % 8);
        // Without a branch for each start: which polarity is nearer is a toss of a coin in noise.
        let nearest: [u32; 16] = std::array::from_fn(|start| {
            let seen = ((ahead << start) >> 64) as u64 >> (64 - self.bits);
            let differing = (seen ^ self.pattern).count_ones();
            differing.min(self.bits.wrapping_sub(differing))
        });
        let near = nearest
            .iter()
            .fold(u32::MAX, |near, &errors| near.min(errors));
        if near > max_errors {
            return None;
        }
        let start = nearest.iter().position(|&errors| errors <= max_errors)?;
        let bit = first + start as u64;
        (bit <= last).then(|| self.match_at(data, bit, max_errors))?
    }
}

impl Default for Asm {
    fn default() -> Self {
        Self::of_checked_length(CCSDS_PATTERN, 32)
    }
}

impl PartialEq for Asm {
    fn eq(&self, other: &Self) -> bool {
        (self.pattern, self.bits) == (other.pattern, other.bits)
    }
}

impl Eq for Asm {}

impl std::fmt::Debug for Asm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Asm({self})")
    }
}

impl std::fmt::Display for Asm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.bits.div_ceil(4) as usize;
        write!(formatter, "{:0digits$X}", self.pattern)
    }
}

/// Copies `dst.len()` octets that begin at bit `from_bit` of `src`, each bit turned over when
/// `inverted`.
///
/// Bits beyond the end of `src` are copied as zeros (before inversion).
pub fn copy_bits(src: &[u8], from_bit: usize, dst: &mut [u8], inverted: bool) {
    let mask = if inverted { 0xFF } else { 0 };
    let src = src.get(from_bit / 8..).unwrap_or_default();
    let shift = from_bit % 8;
    // Output octet i needs octets i and i + 1 of the source.
    let whole = if shift == 0 {
        src.len()
    } else {
        src.len().saturating_sub(1)
    };
    let (body, tail) = dst.split_at_mut(whole.min(dst.len()));
    if shift == 0 {
        for (out, &octet) in body.iter_mut().zip(src) {
            *out = octet ^ mask;
        }
    } else {
        let (left, right) = (shift as u32, 8 - shift as u32);
        let next = src.get(1..).unwrap_or_default();
        for ((out, &octet), &next) in body.iter_mut().zip(src).zip(next) {
            *out = (octet << left | next >> right) ^ mask;
        }
    }
    let copied = body.len();
    for (index, out) in tail.iter_mut().enumerate() {
        let octet = src.get(copied + index).copied().unwrap_or_default();
        *out = (octet << shift) ^ mask;
    }
}

/// The 128 bits from octet `place` on, zeros after the end of the data.
fn window(data: &[u8], place: usize) -> u128 {
    let data = data.get(place..).unwrap_or_default();
    if let Some(octets) = data.first_chunk::<16>() {
        return u128::from_be_bytes(*octets);
    }
    let mut octets = [0; 16];
    octets[..data.len()].copy_from_slice(data);
    u128::from_be_bytes(octets)
}

/// Octets before the first place whose two octets are in the filter, and whether there is one;
/// otherwise the octets that were looked at.
fn skip(data: &[u8], stride: usize, filter: &[u64; FILTER_WORDS]) -> (usize, bool) {
    let candidate = |pair: &[u8; 2]| {
        let value = u16::from_be_bytes(*pair);
        (filter[usize::from(value >> 6)] >> (value & 63)) & 1 == 1
    };
    if stride == 2 {
        let (pairs, _) = data.as_chunks::<2>();
        match pairs.iter().position(candidate) {
            Some(index) => (index * 2, true),
            None => (pairs.len() * 2, false),
        }
    } else {
        match data.array_windows::<2>().position(candidate) {
            Some(index) => (index, true),
            None => (data.len().saturating_sub(1), false),
        }
    }
}

/// One set of 16-bit values for each number of errors up to [`FILTERED_ERRORS`].
fn filters(pattern: u64, bits: u32) -> Box<[[u64; FILTER_WORDS]]> {
    let starts = if bits >= TWO_OCTET_STRIDE_BITS {
        16_u32
    } else {
        8
    };
    let mut exact = [0_u64; FILTER_WORDS];
    for before in 0..starts {
        // The marker starts `before` bits ahead of the window and may end within it.
        let free = (16 + before).saturating_sub(bits).min(16);
        let aligned = (u128::from(pattern) << (128 - bits)) << before;
        let value = (aligned >> 112) as u16;
        let free_mask = ((1_u32 << free) - 1) as u16;
        for polarity in [value, !value] {
            for fill in 0..=free_mask {
                let value = polarity & !free_mask | fill;
                exact[usize::from(value >> 6)] |= 1 << (value & 63);
            }
        }
    }
    let mut filters = vec![exact];
    for _ in 0..FILTERED_ERRORS {
        let grown = filters.last().map_or(exact, one_more_error);
        filters.push(grown);
    }
    filters.into_boxed_slice()
}

/// The set and every value that differs from one of its values in one bit.
fn one_more_error(set: &[u64; FILTER_WORDS]) -> [u64; FILTER_WORDS] {
    // Bits whose index has bit 0, 1, .. 5 clear.
    const LOW: [u64; 6] = [
        0x5555_5555_5555_5555,
        0x3333_3333_3333_3333,
        0x0F0F_0F0F_0F0F_0F0F,
        0x00FF_00FF_00FF_00FF,
        0x0000_FFFF_0000_FFFF,
        0x0000_0000_FFFF_FFFF,
    ];
    std::array::from_fn(|index| {
        let word = set[index];
        let mut grown = word;
        for (bit, low) in LOW.iter().enumerate() {
            grown |= (word & low) << (1 << bit) | (word >> (1 << bit)) & low;
        }
        for bit in 0..10 {
            grown |= set[index ^ (1 << bit)];
        }
        grown
    })
}

#[cfg(test)]
mod tests;
