use super::*;

const BLOCK: usize = 60;

fn parameters() -> SynchronizationParameters {
    SynchronizationParameters {
        asm: vec![0x1A, 0xCF, 0xFC, 0x1D],
        bit_errors_search: 0,
        bit_errors_locked: 3,
        verify: 1,
        flywheel: 1,
        inverted: true,
    }
}

/// A bit a place, so that bits can be dropped, added and turned over.
fn bits_of(octets: &[u8]) -> Vec<bool> {
    octets
        .iter()
        .flat_map(|octet| (0..8).map(move |bit| octet >> (7 - bit) & 1 == 1))
        .collect()
}

fn octets_of(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8)
        .map(|chunk| {
            chunk
                .iter()
                .enumerate()
                .fold(0, |o, (i, bit)| o | u8::from(*bit) << (7 - i))
        })
        .collect()
}

/// Block `index`, in which no marker occurs.
fn block(index: u8) -> Vec<u8> {
    (0..BLOCK as u8)
        .map(|at| at.wrapping_mul(5).wrapping_add(index) & 0x77)
        .collect()
}

fn cadu(index: u8) -> Vec<bool> {
    let mut octets = vec![0x1A, 0xCF, 0xFC, 0x1D];
    octets.extend(block(index));
    bits_of(&octets)
}

fn run(
    bits: &[bool],
    parameters: &SynchronizationParameters,
    chunk: usize,
) -> (Vec<Vec<u8>>, Vec<Found>) {
    let mut synchronizer = Synchronizer::new(Asm::default(), parameters, BLOCK);
    let (mut blocks, mut found) = (Vec::new(), Vec::new());
    let mut drain = |synchronizer: &mut Synchronizer| {
        let mut out = vec![0; BLOCK];
        while let Some(event) = synchronizer.next_block(&mut out) {
            if matches!(event, Found::Block { .. }) {
                blocks.push(out.clone());
            }
            found.push(event);
        }
    };
    for chunk in octets_of(bits).chunks(chunk) {
        synchronizer.handle_bytes(chunk);
        drain(&mut synchronizer);
    }
    synchronizer.handle_end();
    drain(&mut synchronizer);
    (blocks, found)
}

fn blocks_of(bits: &[bool], parameters: &SynchronizationParameters) -> Vec<Vec<u8>> {
    let whole = run(bits, parameters, usize::MAX);
    for chunk in [1, 5, 67] {
        assert_eq!(run(bits, parameters, chunk), whole, "chunks of {chunk}");
    }
    whole.0
}

fn expected(indices: &[u8]) -> Vec<Vec<u8>> {
    indices.iter().copied().map(block).collect()
}

#[test]
fn cadus_are_found_at_every_bit_offset_and_in_either_polarity() {
    for offset in 0..16 {
        let mut bits = vec![false; offset];
        (0..4).for_each(|index| bits.extend(cadu(index)));
        assert_eq!(
            blocks_of(&bits, &parameters()),
            expected(&[0, 1, 2, 3]),
            "offset {offset}"
        );
        let inverted: Vec<bool> = bits.iter().map(|bit| !bit).collect();
        assert_eq!(blocks_of(&inverted, &parameters()), expected(&[0, 1, 2, 3]));
        let only_upright = SynchronizationParameters {
            inverted: false,
            ..parameters()
        };
        assert_eq!(blocks_of(&inverted, &only_upright), expected(&[]));
    }
}

#[test]
fn polarity_may_change_at_any_marker() {
    let mut bits: Vec<bool> = (0..3).flat_map(cadu).collect();
    bits.extend((3..6).flat_map(cadu).map(|bit| !bit));
    assert_eq!(
        blocks_of(&bits, &parameters()),
        expected(&[0, 1, 2, 3, 4, 5])
    );
}

#[test]
fn bits_lost_or_gained_cost_one_block() {
    for slip in [-9_isize, -8, -1, 1, 2, 8, 13] {
        let mut bits: Vec<bool> = (0..3).flat_map(cadu).collect();
        let at = bits.len() - 100;
        if slip < 0 {
            bits.drain(at..at + slip.unsigned_abs());
        } else {
            bits.splice(at..at, vec![false; slip as usize]);
        }
        bits.extend((3..7).flat_map(cadu));
        let blocks = blocks_of(&bits, &parameters());
        assert_eq!(blocks.len(), 7, "slip {slip}");
        assert_eq!(blocks[..2], expected(&[0, 1]));
        assert_ne!(blocks[2], block(2));
        assert_eq!(blocks[3..], expected(&[3, 4, 5, 6]));
    }
}

#[test]
fn a_damaged_marker_is_flown_over_and_a_slightly_damaged_one_is_one() {
    let mut bits: Vec<bool> = (0..5).flat_map(cadu).collect();
    let second = cadu(0).len() * 2;
    for bit in 0..3 {
        bits[second + 7 * bit] ^= true;
    }
    let (blocks, found) = run(&bits, &parameters(), usize::MAX);
    assert_eq!(blocks, expected(&[0, 1, 2, 3, 4]));
    assert!(found.iter().all(|event| matches!(
        event,
        Found::Block {
            marker_missed: false,
            ..
        }
    )));
    for bit in 3..12 {
        bits[second + 2 * bit] ^= true;
    }
    let (blocks, found) = run(&bits, &parameters(), usize::MAX);
    assert_eq!(blocks, expected(&[0, 1, 2, 3, 4]));
    let missed = Found::Block {
        position: second as u64 / 8,
        marker_missed: true,
    };
    assert_eq!(found[2], missed);
    assert_eq!(found.iter().filter(|event| **event == missed).count(), 1);
    // Without a flywheel the block is lost, those after it are not.
    let strict = SynchronizationParameters {
        flywheel: 0,
        ..parameters()
    };
    assert_eq!(blocks_of(&bits, &strict), expected(&[0, 1, 3, 4]));
}

#[test]
fn a_marker_in_the_data_is_not_believed() {
    let mut bits = bits_of(&[0x1A, 0xCF, 0xFC, 0x1D, 0x55]);
    (0..3).for_each(|index| bits.extend(cadu(index)));
    assert_eq!(blocks_of(&bits, &parameters()), expected(&[0, 1, 2]));
    // Believed at once, it costs the block that begins within it.
    let hasty = SynchronizationParameters {
        verify: 0,
        ..parameters()
    };
    assert_eq!(blocks_of(&bits, &hasty)[1..], expected(&[1, 2]));
}

#[test]
fn a_lone_cadu_at_the_end_is_taken_and_a_cut_one_is_reported() {
    assert_eq!(blocks_of(&cadu(0), &parameters()), expected(&[0]));
    let mut bits: Vec<bool> = (0..3).flat_map(cadu).collect();
    bits.truncate(bits.len() - 8);
    let (blocks, found) = run(&bits, &parameters(), usize::MAX);
    assert_eq!(blocks, expected(&[0, 1]));
    assert_eq!(found.last(), Some(&Found::Truncated { position: 128 }));
    assert_eq!(blocks_of(&cadu(0)[..200], &parameters()), expected(&[]));
}

#[test]
fn the_search_allows_bit_errors_where_told_to() {
    let mut bits: Vec<bool> = (0..2).flat_map(cadu).collect();
    bits[3] ^= true;
    assert_eq!(blocks_of(&bits, &parameters()), expected(&[1]));
    let tolerant = SynchronizationParameters {
        bit_errors_search: 1,
        ..parameters()
    };
    assert_eq!(blocks_of(&bits, &tolerant), expected(&[0, 1]));
}

#[test]
fn the_window_stays_short_whatever_comes() {
    let mut synchronizer = Synchronizer::new(Asm::default(), &parameters(), BLOCK);
    let mut out = vec![0; BLOCK];
    for _ in 0..1_000 {
        synchronizer.handle_bytes(&[0x1A; 100]);
        while synchronizer.next_block(&mut out).is_some() {}
        assert!(synchronizer.window.len() < 500);
    }
}
