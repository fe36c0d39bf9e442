//! CRC-16 of the frame error control field: g(x) = x^16 + x^12 + x^5 + 1, register preset to ones.

/// Octets folded into the register at once; the tables take 16 x 256 x 2 = 8 KiB.
const SLICES: usize = 16;

/// `TABLES[k][v]`: the register after octet `v` and `k` octets of zeros, from a register of zeros.
static TABLES: [[u16; 256]; SLICES] = tables();

/// The CRC-16 of `data`, sent most significant bit first.
///
/// CCSDS 132.0-B-3 4.1.6, 732.0-B-4 4.1.6, 232.0-B-4 4.1.4.
#[must_use]
pub fn crc16(data: &[u8]) -> u16 {
    let mut register = 0xFFFF_u16;
    let (chunks, rest) = data.as_chunks::<SLICES>();
    for chunk in chunks {
        let [first, second] = register.to_be_bytes();
        let mut next = TABLES[SLICES - 1][usize::from(chunk[0] ^ first)]
            ^ TABLES[SLICES - 2][usize::from(chunk[1] ^ second)];
        for index in 2..SLICES {
            next ^= TABLES[SLICES - 1 - index][usize::from(chunk[index])];
        }
        register = next;
    }
    for &octet in rest {
        let [first, second] = register.to_be_bytes();
        register = (u16::from(second) << 8) ^ TABLES[0][usize::from(octet ^ first)];
    }
    register
}

/// Whether a frame that ends with its two-octet error control field agrees with it.
///
/// A slice shorter than the field itself is not good.
#[must_use]
pub fn crc16_is_good(frame_with_fecf: &[u8]) -> bool {
    // The register ends at zero when the field is the CRC of what precedes it.
    frame_with_fecf.len() >= 2 && crc16(frame_with_fecf) == 0
}

const fn tables() -> [[u16; 256]; SLICES] {
    let mut tables = [[0; 256]; SLICES];
    let mut value = 0;
    while value < 256 {
        let mut register = (value as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            register = if register & 0x8000 == 0 {
                register << 1
            } else {
                (register << 1) ^ 0x1021
            };
            bit += 1;
        }
        tables[0][value] = register;
        value += 1;
    }
    let mut slice = 1;
    while slice < SLICES {
        let mut value = 0;
        while value < 256 {
            let register = tables[slice - 1][value];
            tables[slice][value] = (register << 8) ^ tables[0][(register >> 8) as usize];
            value += 1;
        }
        slice += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::{crc16, crc16_is_good};

    fn bit_by_bit(data: &[u8]) -> u16 {
        let mut register = 0xFFFF_u16;
        for &octet in data {
            for bit in (0..8).rev() {
                let feedback = (register >> 15) as u8 ^ (octet >> bit & 1);
                register <<= 1;
                if feedback == 1 {
                    register ^= 0x1021;
                }
            }
        }
        register
    }

    #[test]
    fn tables_agree_with_the_shift_register_at_every_length() {
        let data: Vec<u8> = (0..200_u32).map(|i| (i * i * 31 + 7) as u8).collect();
        for length in 0..data.len() {
            assert_eq!(crc16(&data[..length]), bit_by_bit(&data[..length]));
        }
    }

    #[test]
    fn every_single_bit_flip_is_seen() {
        let mut frame: Vec<u8> = (0..64_u8).collect();
        let crc = crc16(&frame);
        frame.extend(crc.to_be_bytes());
        assert!(crc16_is_good(&frame));
        for bit in 0..frame.len() * 8 {
            frame[bit / 8] ^= 1 << (bit % 8);
            assert!(!crc16_is_good(&frame), "bit {bit}");
            frame[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(!crc16_is_good(&[]));
        assert!(!crc16_is_good(&[0xFF]));
    }
}
