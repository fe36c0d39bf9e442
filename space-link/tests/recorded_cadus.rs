//! Real CADUs through the codes alone: marker, randomiser, Reed-Solomon; the frames that come out
//! have the digest that tools independent of this project computed.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::{Digest, Sha256};
use space_link::{
    asm::{Asm, copy_bits},
    randomizer::Randomizer,
    reed_solomon::{Basis, Code, Correction, ReedSolomon},
};

const CADU_OCTETS: usize = 1024;

/// The folder of shared recordings; `None` where there is none, which CI does not accept.
fn recordings() -> Option<PathBuf> {
    let shared = env::var_os("PASSLINE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let recordings = shared.join("recordings");
    if recordings.is_dir() {
        return Some(recordings);
    }
    assert!(
        env::var_os("CI").is_none(),
        "no recordings at {recordings:?}"
    );
    eprintln!("SKIPPED: no recordings at {recordings:?}");
    None
}

#[test]
fn recorded_frames_have_the_digest_others_computed() {
    let Some(recordings) = recordings() else {
        return;
    };
    let rs = ReedSolomon::new(Code::Rs255_223, Basis::Dual, 4, 0).expect("a standard code");
    let asm = Asm::default();
    for name in [
        "noaa20.20241206T162710.dat",
        "npp.20241206T173815.dat",
        "aqua.20241206T175646.dat",
        "snpp_synchronized_cadus.dat",
    ] {
        let data = fs::read(recordings.join("cadu").join(name)).expect("the recording");
        let expected = fs::read(recordings.join("expected").join(format!("{name}.json")));
        let expected: Value =
            serde_json::from_slice(&expected.expect("its expectation")).expect("JSON");
        let first = asm.find(&data, 0, 0).expect("a marker").bit;
        if let Some(bit) = expected["first_asm_bit_offset"].as_u64() {
            assert_eq!(first, bit, "{name}");
        }
        let mut digest = Sha256::new();
        let mut frames = 0;
        let mut bit = first;
        while asm.match_at(&data, bit, 0).is_some()
            && bit as usize + CADU_OCTETS * 8 <= data.len() * 8
        {
            let mut block = vec![0; rs.codeblock_octets()];
            copy_bits(&data, bit as usize + 32, &mut block, false);
            Randomizer::Tm255.apply(&mut block);
            assert!(
                rs.is_clean(&block) && rs.is_clean_by_table(&block),
                "{name} {frames}"
            );
            // And with the full number of errors in each word.
            let mut broken = block.clone();
            for octet in broken.iter_mut().skip(frames % 900).take(16 * 4) {
                *octet ^= 0xA5;
            }
            let correction = Correction {
                corrected: 4,
                symbols: 64,
                ..Correction::default()
            };
            assert_eq!(rs.correct(&mut broken), correction, "{name} {frames}");
            assert_eq!(broken, block);
            digest.update(&block[..rs.data_octets()]);
            frames += 1;
            bit += CADU_OCTETS as u64 * 8;
        }
        assert_eq!(
            Some(frames as u64),
            expected["frames_total"].as_u64(),
            "{name}"
        );
        let digest: String = digest
            .finalize()
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        assert_eq!(
            Some(digest.as_str()),
            expected["frames_sha256"].as_str(),
            "{name}"
        );
    }
}

#[test]
fn a_recording_without_markers_has_none() {
    let Some(recordings) = recordings() else {
        return;
    };
    let path = recordings.join("cadu/gcomw1.20241206T165853.dat");
    let data = fs::read(path).expect("the recording");
    assert_eq!(Asm::default().find(&data, 0, 0), None);
}
