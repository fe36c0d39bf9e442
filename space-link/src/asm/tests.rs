use proptest::prelude::*;

use super::{Asm, AsmError, Match, copy_bits};

fn bit_at(data: &[u8], bit: usize) -> u8 {
    (data.get(bit / 8).copied().unwrap_or_default() >> (7 - bit % 8)) & 1
}

fn flip(data: &mut [u8], bit: usize) {
    data[bit / 8] ^= 0x80 >> (bit % 8);
}

/// Bit by bit, as the definition says.
fn slow_find(asm: &Asm, data: &[u8], from_bit: u64, max_errors: u32) -> Option<Match> {
    let last = (data.len() * 8).checked_sub(asm.bits() as usize)?;
    (from_bit as usize..=last).find_map(|bit| {
        let differing = (0..asm.bits() as usize)
            .filter(|&index| {
                let expected = (asm.pattern() >> (asm.bits() as usize - 1 - index)) & 1;
                u64::from(bit_at(data, bit + index)) != expected
            })
            .count() as u32;
        let (inverted, errors) = if differing * 2 > asm.bits() {
            (true, asm.bits() - differing)
        } else {
            (false, differing)
        };
        (errors <= max_errors).then_some(Match {
            bit: bit as u64,
            inverted,
            errors,
        })
    })
}

fn write_marker(asm: &Asm, data: &mut [u8], bit: usize, inverted: bool) {
    for index in 0..asm.bits() as usize {
        let wanted = (asm.pattern() >> (asm.bits() as usize - 1 - index)) as u8 & 1;
        if bit_at(data, bit + index) != wanted ^ u8::from(inverted) {
            flip(data, bit + index);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_search_is_the_definition(
        mut data in prop::collection::vec(any::<u8>(), 0..120),
        pattern in any::<u64>(),
        bits in 16_u32..=64,
        from_bit in 0_u64..200,
        max_errors in 0_u32..6,
        markers in prop::collection::vec((0_usize..900, any::<bool>(), 0_usize..6), 0..3),
    ) {
        let asm = Asm::new(pattern, bits).expect("a length that is allowed");
        for (bit, inverted, errors) in markers {
            if bit + bits as usize <= data.len() * 8 {
                write_marker(&asm, &mut data, bit, inverted);
                for error in 0..errors {
                    flip(&mut data, bit + error * 5 % bits as usize);
                }
            }
        }
        prop_assert_eq!(
            asm.find(&data, from_bit, max_errors),
            slow_find(&asm, &data, from_bit, max_errors)
        );
        let at = slow_find(&asm, &data, from_bit, bits)
            .filter(|found| found.bit == from_bit)
            .map(|found| if found.inverted { bits - found.errors } else { found.errors });
        prop_assert_eq!(asm.errors_at(&data, from_bit), at);
    }

    #[test]
    fn copied_bits_are_the_bits(
        data in prop::collection::vec(any::<u8>(), 0..80),
        from_bit in 0_usize..700,
        length in 0_usize..80,
        inverted in any::<bool>(),
    ) {
        let mut copy = vec![0x5A; length];
        copy_bits(&data, from_bit, &mut copy, inverted);
        for bit in 0..length * 8 {
            let expected = bit_at(&data, from_bit + bit) ^ u8::from(inverted);
            prop_assert_eq!(bit_at(&copy, bit), expected, "bit {}", bit);
        }
    }
}

#[test]
fn offsets_beyond_everything_are_no_place() {
    let asm = Asm::default();
    let data = [0x1A, 0xCF, 0xFC, 0x1D];
    assert_eq!(asm.find(&data, 0, 0).map(|found| found.bit), Some(0));
    for from_bit in [1, 31, 32, 33, u64::MAX - 31, u64::MAX] {
        assert_eq!(asm.find(&data, from_bit, 0), None);
        assert_eq!(asm.errors_at(&data, from_bit), None);
    }
    assert_eq!(asm.find(&data, u64::MAX, 40), None);
    assert_eq!(asm.find(&[], 0, 40), None);
    let mut copy = [1; 4];
    copy_bits(&data, usize::MAX, &mut copy, false);
    assert_eq!(copy, [0; 4]);
}

#[test]
fn text_that_is_no_marker_is_refused() {
    assert_eq!(Asm::from_hex("1acffc1d").as_ref(), Ok(&Asm::default()));
    assert_eq!(
        Asm::from_hex("00B").unwrap_err(),
        AsmError::Length { got: 12 }
    );
    assert_eq!(
        Asm::from_hex(&"1".repeat(17)).unwrap_err(),
        AsmError::Length { got: 68 }
    );
    for text in ["", "1ACFFC1G", "0x1ACFFC1D", "1ACF FC1D", "\u{e9}\u{e9}"] {
        let error = Asm::from_hex(text).unwrap_err();
        assert_eq!(error, AsmError::NotHexadecimal { text: text.into() });
    }
    assert_eq!(
        Asm::from_hex("00EB90").expect("24 bits").to_string(),
        "00EB90"
    );
    assert_eq!(Asm::new(0, 65).unwrap_err(), AsmError::Length { got: 65 });
}
