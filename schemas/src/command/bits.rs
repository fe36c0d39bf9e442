//! Bits at any place of a packet, read and written.

/// Up to 64 bits from a bit position, most significant first; `None` beyond the octets.
#[inline]
pub(super) fn read(data: &[u8], position: usize, width: u32) -> Option<u64> {
    if width == 0 {
        return Some(0);
    }
    let end = position.checked_add(width as usize)?;
    if width > 64 || end > data.len().checked_mul(8)? {
        return None;
    }
    let octets = data.get(position >> 3..end.div_ceil(8))?;
    let word = octets
        .iter()
        .fold(0_u128, |word, octet| word << 8 | u128::from(*octet));
    let below = octets.len() * 8 - (position & 7) - width as usize;
    let mask = u64::MAX >> (64 - width);
    #[allow(clippy::cast_possible_truncation, reason = "masked to 64 bits")]
    Some((word >> below) as u64 & mask)
}

/// Writes the low `width` bits (up to 64) of a word at a bit position of the packet that begins at
/// `start`; the packet grows with zeros as far as it takes.
#[inline]
pub(super) fn write(out: &mut Vec<u8>, start: usize, position: usize, width: u32, word: u64) {
    let end = start + (position + width as usize).div_ceil(8);
    if out.len() < end {
        out.resize(end, 0);
    }
    let first = start + (position >> 3);
    let octets = &mut out[first..end];
    if position & 7 == 0 && width & 7 == 0 {
        let bytes = word.to_be_bytes();
        octets.copy_from_slice(&bytes[8 - octets.len()..]);
        return;
    }
    let below = octets.len() * 8 - (position & 7) - width as usize;
    let mask = ((1_u128 << width) - 1) << below;
    let bits = (u128::from(word) << below) & mask;
    for (at, octet) in octets.iter_mut().rev().enumerate() {
        let keep = (mask >> (at * 8)).to_le_bytes()[0];
        let new = (bits >> (at * 8)).to_le_bytes()[0];
        *octet = *octet & !keep | new;
    }
}

/// Octets of a bit range; a range that is not whole octets is right-aligned with zeros before it.
pub(super) fn read_octets(data: &[u8], position: usize, bits: usize) -> Option<Vec<u8>> {
    let end = position.checked_add(bits)?;
    if end > data.len().checked_mul(8)? {
        return None;
    }
    if position & 7 == 0 && bits & 7 == 0 {
        return data.get(position >> 3..end >> 3).map(<[u8]>::to_vec);
    }
    let mut octets = Vec::with_capacity(bits.div_ceil(8));
    let (mut at, head) = (position, (bits & 7) as u32);
    if head > 0 {
        octets.push(read(data, at, head)?.to_le_bytes()[0]);
        at += head as usize;
    }
    while at < end {
        octets.push(read(data, at, 8)?.to_le_bytes()[0]);
        at += 8;
    }
    Some(octets)
}

/// Writes right-aligned octets as a field of so many bits.
pub(super) fn write_octets(
    out: &mut Vec<u8>,
    start: usize,
    position: usize,
    bits: usize,
    octets: &[u8],
) {
    if position & 7 == 0 && bits & 7 == 0 {
        let first = start + (position >> 3);
        let end = first + (bits >> 3);
        if out.len() < end {
            out.resize(end, 0);
        }
        let length = octets.len().min(bits >> 3);
        out[first..first + length].copy_from_slice(&octets[..length]);
        out[first + length..end].fill(0);
        return;
    }
    let mut at = position;
    let mut head = (bits & 7) as u32;
    for octet in octets.iter().take(bits.div_ceil(8)) {
        let width = if head > 0 {
            std::mem::take(&mut head)
        } else {
            8
        };
        write(out, start, at, width, u64::from(*octet));
        at += width as usize;
    }
}

/// The bits of a field in reverse.
pub(super) fn reverse_bits(word: u64, width: u32) -> u64 {
    match width {
        1..=64 => word.reverse_bits() >> (64 - width),
        _ => 0,
    }
}

/// The octets of a field of whole octets in reverse.
pub(super) fn reverse_octets(word: u64, width: u32) -> u64 {
    match width {
        8..=64 => word.swap_bytes() >> (64 - width),
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_and_the_rest_stays(
            before in proptest::collection::vec(any::<u8>(), 0..24),
            position in 0_usize..160,
            width in 1_u32..=64,
            word in any::<u64>(),
        ) {
            let word = word & (u64::MAX >> (64 - width));
            let mut out = before.clone();
            write(&mut out, 0, position, width, word);
            prop_assert_eq!(read(&out, position, width), Some(word));
            let inside = |bit: usize| (position..position + width as usize).contains(&bit);
            for bit in (0..out.len() * 8).filter(|bit| !inside(*bit)) {
                let old = before.get(bit / 8).map_or(0, |octet| octet >> (7 - bit % 8) & 1);
                prop_assert_eq!(out[bit / 8] >> (7 - bit % 8) & 1, old);
            }
        }

        #[test]
        fn octets_come_back_from_any_place(
            octets in proptest::collection::vec(any::<u8>(), 1..20),
            position in 0_usize..40,
        ) {
            let mut out = vec![0xAA; 3];
            write_octets(&mut out, 3, position, octets.len() * 8, &octets);
            prop_assert_eq!(read_octets(&out[3..], position, octets.len() * 8), Some(octets));
            prop_assert_eq!(&out[..3], [0xAA; 3]);
        }
    }
}
