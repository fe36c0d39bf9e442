//! Bits at any place of a slice of octets.

/// Up to 64 bits from a bit position, most significant first; beyond the slice come zeros.
#[inline]
pub(super) fn read_bits(data: &[u8], position: usize, width: u32) -> u64 {
    let (octet, shift) = (position >> 3, (position & 7) as u32);
    if width == 0 || width > 64 {
        return 0;
    }
    let nine = match data.get(octet..).and_then(<[u8]>::first_chunk::<9>) {
        Some(nine) => *nine,
        None => padded(data, octet),
    };
    let [high @ .., low] = nine;
    // The ninth octet holds the last bits of a wide field that does not start on an octet.
    let word = u64::from_be_bytes(high) << shift | u64::from(low) >> (8 - shift);
    word >> (64 - width)
}

#[cold]
fn padded(data: &[u8], octet: usize) -> [u8; 9] {
    let mut nine = [0; 9];
    let rest = data.get(octet..).unwrap_or(&[]);
    let length = rest.len().min(9);
    nine[..length].copy_from_slice(&rest[..length]);
    nine
}

/// A field of one width at one place of every packet of a batch of equal packets, end to end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strided<'a> {
    pub(super) data: &'a [u8],
    pub(super) stride: usize,
}

impl Strided<'_> {
    /// The field of every packet; `convert` gets its bits. The packets must hold the field.
    #[inline]
    pub(super) fn read<T>(
        &self,
        offset: usize,
        width: u32,
        convert: impl Fn(u64) -> T + Copy,
    ) -> Vec<T> {
        let first = offset >> 3;
        let last = (offset + width as usize).div_ceil(8);
        let aligned = offset & 7 == 0;
        match (last - first, aligned, width) {
            (1, true, 8) => self.load::<1, T>(first, |b| convert(u64::from(b[0]))),
            (2, true, 16) => {
                self.load::<2, T>(first, |b| convert(u64::from(u16::from_be_bytes(b))))
            }
            (4, true, 32) => {
                self.load::<4, T>(first, |b| convert(u64::from(u32::from_be_bytes(b))))
            }
            (8, true, 64) => self.load::<8, T>(first, |b| convert(u64::from_be_bytes(b))),
            (1, ..) => {
                let shift = (last * 8 - offset) as u32 - width;
                let mask = u64::MAX >> (64 - width);
                self.load::<1, T>(first, |b| {
                    convert(u64::from(b[0]).wrapping_shr(shift) & mask)
                })
            }
            (2, ..) => {
                let shift = (last * 8 - offset) as u32 - width;
                let mask = u64::MAX >> (64 - width);
                self.load::<2, T>(first, |b| {
                    convert(u64::from(u16::from_be_bytes(b)).wrapping_shr(shift) & mask)
                })
            }
            (3..=8, ..) if self.stride >= 8 => {
                // Eight octets that hold the field and lie in the packet.
                let start = first.min(self.stride - 8);
                let shift = ((start + 8) * 8 - offset) as u32 - width;
                let mask = u64::MAX >> (64 - width);
                self.load::<8, T>(start, |b| {
                    convert(u64::from_be_bytes(b).wrapping_shr(shift) & mask)
                })
            }
            _ => self
                .data
                .chunks_exact(self.stride)
                .map(|packet| convert(read_bits(packet, offset, width)))
                .collect(),
        }
    }

    /// One load for each packet; the slices have one length, so its bounds are checked once.
    #[inline]
    fn load<const N: usize, T>(&self, at: usize, convert: impl Fn([u8; N]) -> T) -> Vec<T> {
        self.data
            .chunks_exact(self.stride)
            .map(|packet| {
                let mut octets = [0; N];
                octets.copy_from_slice(&packet[at..at + N]);
                convert(octets)
            })
            .collect()
    }
}

/// Octets of a bit range; a range that is not whole octets is right-aligned with zeros before it.
pub(super) fn read_octets(data: &[u8], position: usize, bits: usize, into: &mut Vec<u8>) {
    let first = position >> 3;
    if position & 7 == 0 && bits & 7 == 0 {
        into.extend_from_slice(data.get(first..first + (bits >> 3)).unwrap_or(&[]));
        return;
    }
    let mut position = position;
    let mut left = bits;
    let head = bits & 7;
    if head > 0 {
        into.push(read_bits(data, position, head as u32) as u8);
        position += head;
        left -= head;
    }
    while left >= 8 {
        let width = left.min(64) & !7;
        let word = read_bits(data, position, width as u32) << (64 - width);
        into.extend_from_slice(&word.to_be_bytes()[..width >> 3]);
        position += width;
        left -= width;
    }
}

/// The bits of a field in reverse.
pub(super) fn reverse_bits(word: u64, width: u32) -> u64 {
    if width == 0 {
        0
    } else {
        word.reverse_bits() >> (64 - width.min(64))
    }
}

/// The octets of a field in reverse; a last octet that is not whole keeps its bits on top.
pub(super) fn reverse_octets(word: u64, width: u32) -> u64 {
    if width == 0 {
        return 0;
    }
    let rest = width % 8;
    if rest == 0 {
        return word.swap_bytes() >> (64 - width.min(64));
    }
    // The first octets are the low ones, the last bits the most significant.
    let whole = width - rest;
    let top = word & ((1 << rest) - 1);
    let low = if whole == 0 {
        0
    } else {
        (word >> rest).swap_bytes() >> (64 - whole)
    };
    top << whole | low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(data: &[u8], position: usize, width: u32) -> u64 {
        (0..width as usize).fold(0, |word, bit| {
            let at = position + bit;
            word << 1 | u64::from(data[at / 8] >> (7 - at % 8) & 1)
        })
    }

    #[test]
    fn every_width_at_every_place_reads_the_same_bit_by_bit() {
        let data: Vec<u8> = (0..60u32)
            .map(|i| (i.wrapping_mul(0x9e37_79b9) >> 24) as u8)
            .collect();
        for stride in [7, 12, 20] {
            let strided = Strided {
                data: &data[..60 / stride * stride],
                stride,
            };
            for width in 1..=64.min(stride * 8) {
                for offset in 0..=stride * 8 - width {
                    let read = strided.read(offset, width as u32, |word| word);
                    let expected: Vec<u64> = strided
                        .data
                        .chunks_exact(stride)
                        .map(|packet| slow(packet, offset, width as u32))
                        .collect();
                    assert_eq!(read, expected, "{stride} {offset} {width}");
                }
            }
        }
    }

    #[test]
    fn octets_that_are_not_whole_are_right_aligned() {
        let mut octets = Vec::new();
        read_octets(&[0xab, 0xcd, 0xef], 4, 12, &mut octets);
        assert_eq!(octets, [0x0b, 0xcd]);
        octets.clear();
        read_octets(&[0xab; 40], 4, 300, &mut octets);
        assert_eq!(octets.len(), 38);
        assert_eq!(octets[..3], [0x0b, 0xab, 0xab]);
    }

    #[test]
    fn octets_and_bits_turn_round() {
        assert_eq!(reverse_octets(0x1234, 16), 0x3412);
        assert_eq!(reverse_octets(0x0012_3456, 24), 0x0056_3412);
        assert_eq!(reverse_octets(0x0abc, 12), 0x0cab);
        assert_eq!(reverse_bits(0b0011, 4), 0b1100);
        assert_eq!(reverse_bits(1, 64), 1 << 63);
    }
}
