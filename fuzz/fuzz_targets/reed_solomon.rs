//! Any data and any errors: up to E errors in a word are corrected, more are never made worse
//! without saying so.

#![no_main]

use libfuzzer_sys::fuzz_target;
use space_link::reed_solomon::{Basis, Code, ReedSolomon, SymbolOrder};

fuzz_target!(|input: (u8, u16, Vec<(u16, u8)>, &[u8])| {
    let (choice, fill, errors, octets) = input;
    let code = if choice & 1 == 0 {
        Code::Rs255_223
    } else {
        Code::Rs255_239
    };
    let basis = if choice & 2 == 0 {
        Basis::Dual
    } else {
        Basis::Conventional
    };
    let order = if choice & 4 == 0 {
        SymbolOrder::Interleaved
    } else {
        SymbolOrder::Sequential
    };
    let interleave = usize::from(choice >> 3) % 10;
    let Ok(codec) = ReedSolomon::new(code, basis, interleave, fill.into()) else {
        return;
    };
    let codec = codec.with_symbol_order(order);
    let mut data = octets.to_vec();
    data.resize(codec.data_octets(), 0);
    let mut sent = vec![0; codec.codeblock_octets()];
    codec
        .encode_codeblock(&data, &mut sent)
        .expect("data of the code's length");
    assert!(codec.is_clean(&sent) && codec.is_clean_by_table(&sent));

    let mut received = sent.clone();
    let length = received.len();
    for (place, error) in &errors {
        received[usize::from(*place) % length] ^= error;
    }
    let damaged = received.clone();
    let wrong = damaged.iter().zip(&sent).filter(|(a, b)| a != b).count();
    assert_eq!(
        codec.is_clean(&received),
        codec.is_clean_by_table(&received)
    );
    let correction = codec.correct(&mut received);
    let words = correction.clean + correction.corrected + correction.uncorrectable;
    assert_eq!(words as usize, interleave);
    let changed = received
        .iter()
        .zip(&damaged)
        .filter(|(a, b)| a != b)
        .count();
    assert_eq!(changed, correction.symbols as usize);
    if wrong <= code.correctable_symbols() {
        assert_eq!(received, sent);
        assert_eq!(changed, wrong);
    }
    assert_eq!(correction.uncorrectable == 0, codec.is_clean(&received));
    let mut out = vec![0; codec.data_octets()];
    codec
        .copy_data(&received, &mut out)
        .expect("a block of the code's length");
});
