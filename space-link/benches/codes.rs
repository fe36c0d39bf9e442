//! Speed of the codes on one core: `cargo bench -p space-link --bench codes`.

#![allow(clippy::print_stdout)]

use std::{hint::black_box, time::Instant};

use space_link::{
    asm::{Asm, copy_bits},
    crc::crc16,
    randomizer::Randomizer,
    reed_solomon::{Basis, Code, ReedSolomon, SymbolOrder},
};

const RUNS: usize = 15;
const FRAMES: usize = 1_000;

fn main() {
    let mut noise = Noise(1);
    let stream = noise.octets(1 << 20);
    let mut frame = vec![0; 1020];
    let octets = FRAMES * frame.len();
    for offset in [0, 3] {
        best(&format!("copy_bits, bit {offset}"), octets, || {
            for index in 0..FRAMES {
                copy_bits(&stream, index * 8160 + offset, black_box(&mut frame), true);
            }
        });
    }
    for (name, randomizer) in [("255", Randomizer::Tm255), ("131071", Randomizer::Tm131071)] {
        best(&format!("derandomise, {name} bits"), octets, || {
            for _ in 0..FRAMES {
                randomizer.apply(black_box(&mut frame));
            }
        });
    }
    best("CRC-16", octets, || {
        for _ in 0..FRAMES {
            black_box(crc16(black_box(&frame)));
        }
    });
    markers(&stream);
    for (code, interleave) in [
        (Code::Rs255_223, 1),
        (Code::Rs255_223, 2),
        (Code::Rs255_223, 3),
        (Code::Rs255_223, 4),
        (Code::Rs255_223, 5),
        (Code::Rs255_223, 8),
        (Code::Rs255_239, 4),
    ] {
        reed_solomon(code, interleave, &mut noise);
    }
}

fn markers(stream: &[u8]) {
    let asm = Asm::default();
    // Random octets hold no marker but by chance; starting past one measures the rest.
    for errors in 0..=4 {
        best(
            &format!("marker search, {errors} errors allowed"),
            stream.len(),
            || {
                let mut from = 0;
                while let Some(found) = asm.find(black_box(stream), from, errors) {
                    from = found.bit + 1;
                }
            },
        );
    }
    let short = Asm::new(0xEB90, 16).expect("16 bits");
    best("marker search, 16 bits", stream.len(), || {
        let mut from = 0;
        while let Some(found) = short.find(black_box(stream), from, 0) {
            from = found.bit + 1;
        }
    });
}

fn reed_solomon(code: Code, interleave: usize, noise: &mut Noise) {
    let rs = ReedSolomon::new(code, Basis::Dual, interleave, 0).expect("a standard code");
    let length = rs.codeblock_octets();
    let mut blocks = Vec::new();
    for _ in 0..FRAMES {
        let data = noise.octets(rs.data_octets());
        let mut block = vec![0; length];
        rs.encode_codeblock(&data, &mut block).expect("lengths");
        blocks.extend(block);
    }
    let name = format!("{code:?} I={interleave}");
    let octets = blocks.len();
    let mut parity = vec![0; rs.parity_octets()];
    best(&format!("{name}, encode"), octets, || {
        for block in blocks.chunks(length) {
            black_box(rs.encode(&block[..rs.data_octets()], &mut parity)).expect("lengths");
        }
    });
    best(&format!("{name}, is_clean by table"), octets, || {
        for block in blocks.chunks(length) {
            assert!(rs.is_clean_by_table(black_box(block)));
        }
    });
    best(&format!("{name}, is_clean"), octets, || {
        for block in blocks.chunks(length) {
            assert!(rs.is_clean(black_box(block)));
        }
    });
    let mut clean = vec![false; FRAMES];
    best(&format!("{name}, check_many"), octets, || {
        rs.check_many(black_box(&blocks), length, &mut clean);
        assert!(clean.iter().all(|&clean| clean));
    });
    for errors in [
        1,
        code.correctable_symbols(),
        code.correctable_symbols() + 8,
    ] {
        let mut broken = blocks.clone();
        for block in broken.chunks_mut(length) {
            for word in 0..interleave {
                for error in 0..errors {
                    block[(error * 9 + word) * interleave + word] ^= 1 + (noise.next() % 255) as u8;
                }
            }
        }
        let mut work = vec![0; length];
        best(
            &format!("{name}, correct {errors} errors in each word"),
            octets,
            || {
                for block in broken.chunks(length) {
                    work.copy_from_slice(block);
                    black_box(rs.correct(black_box(&mut work)));
                }
            },
        );
    }
    let sequential = rs.with_symbol_order(SymbolOrder::Sequential);
    for block in blocks.chunks_mut(length) {
        let data = block[..sequential.data_octets()].to_vec();
        sequential.encode_codeblock(&data, block).expect("lengths");
    }
    best(
        &format!("{name}, is_clean of sequential words"),
        octets,
        || {
            for block in blocks.chunks(length) {
                assert!(sequential.is_clean(black_box(block)));
            }
        },
    );
}

fn best(name: &str, octets: usize, mut run: impl FnMut()) {
    let seconds = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    println!("{name:<55} {:>9.1} MB/s", octets as f64 / seconds / 1e6);
}

/// Xorshift: the same octets in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 24) as u8).collect()
    }
}
