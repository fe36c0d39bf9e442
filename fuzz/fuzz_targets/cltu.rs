//! Any bits as a stream of CLTUs, whole and in two parts: the same CLTUs, and none beyond the limit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use space_link::cltu::{CltuCode, CltuDecoder, CltuLimits, LdpcTail, Search};

fuzz_target!(|data: &[u8]| {
    let [first, second, stream @ ..] = data else {
        return;
    };
    let code = match first % 4 {
        0 => CltuCode::Bch { randomized: false },
        1 => CltuCode::Bch { randomized: true },
        2 => CltuCode::Ldpc128(LdpcTail::Corrected),
        _ => CltuCode::Ldpc512,
    };
    let limits = CltuLimits {
        data_octets_max: 64,
        ..CltuLimits::default()
    };
    let receive = |parts: &[&[u8]]| {
        let mut decoder = CltuDecoder::new(code, Search::of(code), limits);
        let mut found = Vec::new();
        for part in parts {
            decoder.handle_octets(part, |cltu| {
                assert!(cltu.data.len() <= limits.data_octets_max);
                found.push((cltu.data.to_vec(), cltu.corrected_bits, cltu.end));
            });
        }
        found
    };
    let (a, b) = stream.split_at(usize::from(*second).min(stream.len()));
    assert_eq!(receive(&[stream]), receive(&[a, b]));
    let mut cltu = Vec::new();
    code.encode(&stream[..stream.len().min(60)], &mut cltu);
    assert_eq!(cltu.len(), code.cltu_octets(stream.len().min(60)));
});
