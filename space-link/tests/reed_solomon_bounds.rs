//! Reed-Solomon up to its bound and beyond it, in every code, basis, depth and symbol order.

use space_link::reed_solomon::{
    Basis, Code, Correction, ReedSolomon, ReedSolomonError, SymbolOrder,
};

const CODES: [Code; 2] = [Code::Rs255_223, Code::Rs255_239];
const BASES: [Basis; 2] = [Basis::Dual, Basis::Conventional];
const DEPTHS: [usize; 6] = [1, 2, 3, 4, 5, 8];
const ORDERS: [SymbolOrder; 2] = [SymbolOrder::Interleaved, SymbolOrder::Sequential];

/// Xorshift: the same trials in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % bound as u64) as usize
    }

    fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }

    /// Adds errors to `count` different symbols out of `places`.
    fn disturb(&mut self, block: &mut [u8], places: &mut [usize], count: usize) {
        for index in 0..count {
            places.swap(index, index + self.below(places.len() - index));
            block[places[index]] ^= 1 + self.below(255) as u8;
        }
    }
}

fn every_shape(mut test: impl FnMut(&ReedSolomon, Code, usize, SymbolOrder)) {
    for code in CODES {
        for basis in BASES {
            for depth in DEPTHS {
                for order in ORDERS {
                    for fill in [0, 35, 150] {
                        let rs = ReedSolomon::new(code, basis, depth, fill * depth)
                            .expect("a standard code")
                            .with_symbol_order(order);
                        test(&rs, code, depth, order);
                    }
                }
            }
        }
    }
}

/// The octets of one word within a code block.
fn places(rs: &ReedSolomon, depth: usize, order: SymbolOrder, word: usize) -> Vec<usize> {
    let symbols = rs.codeblock_octets() / depth;
    (0..symbols)
        .map(|symbol| match order {
            SymbolOrder::Interleaved => symbol * depth + word,
            SymbolOrder::Sequential => word * symbols + symbol,
        })
        .collect()
}

#[test]
fn errors_up_to_the_bound_are_corrected_and_counted() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    every_shape(|rs, code, depth, order| {
        let data = random.octets(rs.data_octets());
        let mut sent = vec![0; rs.codeblock_octets()];
        rs.encode_codeblock(&data, &mut sent).expect("lengths");
        let mut back = vec![0; data.len()];
        rs.copy_data(&sent, &mut back).expect("lengths");
        assert_eq!(back, data);
        for _ in 0..12 {
            let mut block = sent.clone();
            let mut expected = Correction::default();
            for word in 0..depth {
                let errors = random.below(code.correctable_symbols() + 1);
                let mut places = places(rs, depth, order, word);
                random.disturb(&mut block, &mut places, errors);
                expected.clean += u32::from(errors == 0);
                expected.corrected += u32::from(errors > 0);
                expected.symbols += errors as u32;
            }
            assert_eq!(rs.is_clean(&block), expected.symbols == 0, "{rs:?}");
            assert_eq!(rs.correct(&mut block), expected, "{rs:?}");
            assert_eq!(block, sent, "{rs:?}");
        }
        // Every word full.
        let mut block = sent.clone();
        for word in 0..depth {
            let mut places = places(rs, depth, order, word);
            random.disturb(&mut block, &mut places, code.correctable_symbols());
        }
        let correction = rs.correct(&mut block);
        assert_eq!(correction.corrected as usize, depth, "{rs:?}");
        assert_eq!(block, sent, "{rs:?}");
    });
}

#[test]
fn a_word_beyond_the_bound_is_left_as_received_and_its_neighbours_are_corrected() {
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    every_shape(|rs, code, depth, order| {
        // Beyond E = 8 one word in 40,000 is within reach of another code word: not tested here.
        if code == Code::Rs255_239 {
            return;
        }
        let mut sent = vec![0; rs.codeblock_octets()];
        rs.encode_codeblock(&random.octets(rs.data_octets()), &mut sent)
            .expect("lengths");
        for bad in 0..depth {
            let mut block = sent.clone();
            for word in 0..depth {
                let mut places = places(rs, depth, order, word);
                let errors = if word == bad {
                    17 + random.below(40)
                } else {
                    3
                };
                random.disturb(&mut block, &mut places, errors);
            }
            let received = block.clone();
            let correction = rs.correct(&mut block);
            let others = depth as u32 - 1;
            let expected = Correction {
                clean: 0,
                corrected: others,
                symbols: 3 * others,
                uncorrectable: 1,
            };
            assert_eq!(correction, expected, "{rs:?}");
            for word in 0..depth {
                let wanted = if word == bad { &received } else { &sent };
                for place in places(rs, depth, order, word) {
                    assert_eq!(block[place], wanted[place], "{rs:?} word {word}");
                }
            }
        }
    });
}

/// A million words with 17 to 255 wrong symbols: none is accepted. (A decoder that corrects every
/// word within E = 16 symbols of a code word would accept one in 10^13.)
#[test]
fn no_false_acceptance_in_a_million_trials() {
    const TRIALS: usize = 1_000_000;
    const THREADS: usize = 4;
    let workers: Vec<_> = (0..THREADS)
        .map(|worker| std::thread::spawn(move || trials(worker as u64, TRIALS / THREADS)))
        .collect();
    for worker in workers {
        worker.join().expect("no trial was accepted");
    }
}

fn trials(seed: u64, count: usize) {
    let mut random = Random(0xA076_1D64_78BD_642F ^ (seed << 32));
    let rs = ReedSolomon::new(Code::Rs255_223, Basis::Dual, 1, 0).expect("a standard code");
    let data = random.octets(rs.data_octets());
    let mut sent = vec![0; rs.codeblock_octets()];
    rs.encode_codeblock(&data, &mut sent).expect("lengths");
    let mut places: Vec<usize> = (0..sent.len()).collect();
    let mut block = sent.clone();
    let mut received = sent.clone();
    let uncorrectable = Correction {
        uncorrectable: 1,
        ..Correction::default()
    };
    for trial in 0..count {
        block.copy_from_slice(&sent);
        // Half of them just beyond the bound, where a decoder errs first.
        let errors = if trial % 2 == 0 {
            17 + random.below(8)
        } else {
            17 + random.below(239)
        };
        random.disturb(&mut block, &mut places, errors);
        received.copy_from_slice(&block);
        let correction = rs.correct(&mut block);
        assert_eq!(correction, uncorrectable, "trial {trial}: {errors} errors");
        assert_eq!(block, received, "trial {trial}: changed");
    }
}

/// With E = 8 the code itself lets one word in about 8! = 40,320 through: what is accepted must be
/// a code word within eight symbols of what was received.
#[test]
fn what_is_accepted_is_a_code_word_within_reach() {
    let mut random = Random(0xE703_7ED1_A0B4_28DB);
    let rs = ReedSolomon::new(Code::Rs255_239, Basis::Dual, 1, 0).expect("a standard code");
    let mut accepted = 0;
    for _ in 0..200_000 {
        let received = random.octets(rs.codeblock_octets());
        let mut block = received.clone();
        let correction = rs.correct(&mut block);
        let changed = block.iter().zip(&received).filter(|(a, b)| a != b).count();
        if correction.uncorrectable == 1 {
            assert_eq!(changed, 0);
            continue;
        }
        assert!(rs.is_clean(&block) && rs.is_clean_by_table(&block));
        assert!((1..=8).contains(&changed));
        assert_eq!(correction.symbols as usize, changed);
        accepted += 1;
    }
    // 200,000 / 40,320, less what shortening and the field's size take off.
    assert!((1..20).contains(&accepted), "{accepted} accepted");
}

#[test]
fn many_blocks_are_checked_at_their_stride() {
    let mut random = Random(0x8EBC_6AF0_9C88_C6E3);
    every_shape(|rs, _, _, _| {
        let (gap, count) = (7, 9);
        let stride = rs.codeblock_octets() + gap;
        let mut blocks = Vec::new();
        for index in 0..count {
            let start = blocks.len();
            blocks.resize(start + rs.codeblock_octets(), 0);
            rs.encode_codeblock(&random.octets(rs.data_octets()), &mut blocks[start..])
                .expect("lengths");
            if index % 3 == 1 {
                let place = start + random.below(rs.codeblock_octets());
                blocks[place] ^= 1 << random.below(8);
            }
            blocks.extend(random.octets(gap));
        }
        // One more than there are, and one that is cut short.
        let mut clean = vec![true; count + 1];
        rs.check_many(&blocks[..blocks.len() - gap - 1], stride, &mut clean);
        let expected: Vec<bool> = (0..count + 1)
            .map(|index| index % 3 != 1 && index < count - 1)
            .collect();
        assert_eq!(clean, expected, "{rs:?}");
    });
}

#[test]
fn wrong_lengths_and_codes_that_do_not_exist_are_refused() {
    let new = |interleave, fill| {
        ReedSolomon::new(Code::Rs255_223, Basis::Dual, interleave, fill).map(|_| ())
    };
    for got in [0, 6, 7, 9, usize::MAX] {
        assert_eq!(new(got, 0), Err(ReedSolomonError::Interleave { got }));
    }
    assert_eq!(
        new(4, 6),
        Err(ReedSolomonError::VirtualFillUneven {
            octets: 6,
            interleave: 4
        })
    );
    assert_eq!(
        new(4, 892),
        Err(ReedSolomonError::VirtualFillTooLong {
            octets: 892,
            max: 888
        })
    );
    assert_eq!(new(4, 888), Ok(()));
    every_shape(|rs, _, depth, _| {
        for length in [0, 1, rs.codeblock_octets() - 1, rs.codeblock_octets() + 1] {
            let mut block = vec![0; length];
            assert!(!rs.is_clean(&block) && !rs.is_clean_by_table(&block));
            let correction = rs.correct(&mut block);
            assert_eq!(correction.uncorrectable as usize, depth);
            let mut data = vec![0; rs.data_octets()];
            assert!(rs.copy_data(&block, &mut data).is_err());
            assert!(rs.encode_codeblock(&data, &mut block).is_err());
            assert!(rs.encode(&data, &mut block[..length.min(5)]).is_err());
        }
    });
}
