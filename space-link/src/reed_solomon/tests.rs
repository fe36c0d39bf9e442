use super::{Basis, Code, Correction, ReedSolomon, SymbolOrder};

/// The path of processors without GFNI gives the same answers.
#[test]
fn without_vector_instructions_nothing_changes() {
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let mut below = move |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        ((seed >> 16) % bound as u64) as usize
    };
    for code in [Code::Rs255_223, Code::Rs255_239] {
        for interleave in [1, 2, 3, 4, 5, 8] {
            for order in [SymbolOrder::Interleaved, SymbolOrder::Sequential] {
                let vector = ReedSolomon::new(code, Basis::Dual, interleave, 9 * interleave)
                    .expect("a standard code")
                    .with_symbol_order(order);
                let mut table = vector.clone();
                table.lane_check = None;
                table.word_check = None;
                let data: Vec<u8> = (0..vector.data_octets())
                    .map(|_| below(256) as u8)
                    .collect();
                let mut sent = vec![0; vector.codeblock_octets()];
                vector.encode_codeblock(&data, &mut sent).expect("lengths");
                for _ in 0..40 {
                    let mut received = sent.clone();
                    for _ in 0..below(25 * interleave) {
                        let place = below(received.len());
                        received[place] ^= below(256) as u8;
                    }
                    assert_eq!(vector.is_clean(&received), table.is_clean(&received));
                    let (mut one, mut other) = (received.clone(), received);
                    let correction: Correction = vector.correct(&mut one);
                    assert_eq!(correction, table.correct(&mut other));
                    assert_eq!(one, other);
                }
            }
        }
    }
}
