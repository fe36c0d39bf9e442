//! Any stream and any marker: a search finds the first match there is, and nothing else.

#![no_main]

use libfuzzer_sys::fuzz_target;
use space_link::asm::{Asm, copy_bits};
use space_link::randomizer::Randomizer;

fuzz_target!(|input: (u64, u8, u8, u16, &[u8])| {
    let (pattern, bits, errors, from, octets) = input;
    let octets = &octets[..octets.len().min(256)];
    let errors = u32::from(errors % 8);
    if let Ok(asm) = Asm::new(pattern, bits.into()) {
        let found = asm.find(octets, from.into(), errors);
        let slow = (u64::from(from)..octets.len() as u64 * 8)
            .find_map(|bit| asm.match_at(octets, bit, errors));
        assert_eq!(found, slow);
        if let Some(found) = found {
            assert!(found.errors <= errors);
            assert!(found.bit + u64::from(asm.bits()) <= octets.len() as u64 * 8);
        }
    }
    let _ = str::from_utf8(octets).map(Asm::from_hex);

    let room = (octets.len() * 8).saturating_sub(usize::from(from)) / 8;
    let (mut plain, mut inverted) = (vec![0; room], vec![0; room]);
    copy_bits(octets, from.into(), &mut plain, false);
    copy_bits(octets, from.into(), &mut inverted, true);
    assert!(plain.iter().zip(&inverted).all(|(a, b)| *a == !b));
    for randomizer in [Randomizer::Tm255, Randomizer::Tm131071] {
        let mut twice = plain.clone();
        randomizer.apply(&mut twice);
        randomizer.apply(&mut twice);
        assert_eq!(twice, plain);
    }
});
