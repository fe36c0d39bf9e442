//! Golden vectors from outside: CRC, randomisers, sync markers, Reed-Solomon. Each entry of
//! `tests/vectors/*.json` names its source.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};
use space_link::{
    asm::{Asm, AsmError, copy_bits},
    crc::{crc16, crc16_is_good},
    randomizer::Randomizer,
    reed_solomon::{Basis, Code, Correction, ReedSolomon},
};

fn vectors(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/vectors")
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let document: Value = serde_json::from_str(&text).expect("vectors are JSON");
    document["vectors"]
        .as_array()
        .expect("a list of vectors")
        .clone()
}

fn name(vector: &Value) -> &str {
    vector["name"].as_str().expect("a name")
}

fn octets(vector: &Value, key: &str) -> Option<Vec<u8>> {
    let text = vector[key].as_str()?;
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).expect("hexadecimal") as u8)
        .collect();
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

#[test]
fn crc_agrees_with_every_vector() {
    let vectors = vectors("crc.json");
    let crc16_vectors = vectors
        .iter()
        .filter(|vector| name(vector).starts_with("crc16"));
    let mut checked = 0;
    for vector in crc16_vectors {
        let mut data = octets(vector, "input_hex").expect("input");
        let expected = octets(vector, "expected_hex").expect("expected");
        assert_eq!(
            crc16(&data).to_be_bytes()[..],
            expected[..],
            "{}",
            name(vector)
        );
        data.extend(expected);
        assert!(crc16_is_good(&data), "{}", name(vector));
        checked += 1;
    }
    assert_eq!(checked, 7);
}

#[test]
fn randomisers_agree_with_every_sequence() {
    let mut checked = 0;
    for vector in vectors("randomizers.json") {
        let randomizer = match name(&vector) {
            name if name.starts_with("TM randomizer (old)") => Randomizer::Tm255,
            name if name.starts_with("TM randomizer (new)") => Randomizer::Tm131071,
            name if name.starts_with("TC randomizer") => Randomizer::Tc255,
            _ => continue,
        };
        let expected = octets(&vector, "expected_hex").expect("expected");
        let mut data = vec![0; expected.len()];
        randomizer.apply(&mut data);
        assert_eq!(data, expected, "{}", name(&vector));
        randomizer.apply(&mut data);
        assert!(data.iter().all(|&octet| octet == 0));
        if let Some(expected) = octets(&vector, "expected_sha256_first_131071_bytes") {
            let mut data = vec![0; 131_071];
            randomizer.apply(&mut data);
            assert_eq!(Sha256::digest(&data)[..], expected[..], "a whole period");
        }
        checked += 1;
    }
    assert_eq!(checked, 3);
}

#[test]
fn every_marker_up_to_64_bits_is_found_at_any_bit_in_either_polarity() {
    let mut checked = 0;
    for vector in vectors("asm.json") {
        let text = vector["expected_hex"].as_str().expect("a pattern");
        let asm = match Asm::from_hex(text) {
            Ok(asm) => asm,
            Err(error) => {
                let bits = text.len() as u32 * 4;
                assert_eq!(error, AsmError::Length { got: bits }, "{}", name(&vector));
                assert!(bits > 64);
                continue;
            }
        };
        let marker = octets(&vector, "expected_hex").expect("a pattern");
        for offset in 0..40_u64 {
            for inverted in [false, true] {
                let mut stream = vec![0_u8; 16 + marker.len()];
                put(&mut stream, offset, &marker, inverted);
                let found = asm
                    .find(&stream, 0, 0)
                    .unwrap_or_else(|| panic!("{asm} at {offset}"));
                // A run of zeros ahead can complete a marker that begins with zeros.
                assert_eq!(
                    (found.bit, found.inverted, found.errors),
                    (offset, inverted, 0)
                );
                let mut cut = vec![0; marker.len()];
                copy_bits(&stream, offset as usize, &mut cut, inverted);
                assert_eq!(cut, marker);
            }
        }
        checked += 1;
    }
    assert_eq!(checked, 6);
}

fn put(stream: &mut [u8], offset: u64, octets: &[u8], inverted: bool) {
    for (index, octet) in octets.iter().enumerate() {
        for bit in 0..8 {
            let value = (octet >> (7 - bit) & 1) ^ u8::from(inverted);
            let place = offset as usize + index * 8 + bit;
            let mask = 0x80 >> (place % 8);
            stream[place / 8] = stream[place / 8] & !mask | if value == 1 { mask } else { 0 };
        }
    }
}

#[test]
fn reed_solomon_agrees_with_every_vector() {
    let (mut parities, mut blocks, mut decoded) = (0, 0, 0);
    for vector in vectors("reed_solomon.json") {
        let params = &vector["params"];
        let code = match params["E"].as_u64() {
            Some(16) => Code::Rs255_223,
            Some(8) => Code::Rs255_239,
            _ => continue,
        };
        let basis = match params["basis"].as_str() {
            Some("dual") => Basis::Dual,
            _ => Basis::Conventional,
        };
        let number = |key: &str| params[key].as_u64().unwrap_or(0) as usize;
        let interleave = number("interleave").max(1);
        let code = ReedSolomon::new(code, basis, interleave, number("virtual_fill"))
            .unwrap_or_else(|error| panic!("{}: {error}", name(&vector)));
        let input = octets(&vector, "input_hex").expect("input");
        if params["errors"].is_u64() {
            decodes(&code, &vector, &input);
            decoded += 1;
        } else if let Some(expected) = octets(&vector, "expected_parity_hex") {
            let mut parity = vec![0; code.parity_octets()];
            code.encode(&input, &mut parity).expect("lengths");
            assert_eq!(parity, expected, "{}", name(&vector));
            assert!(code.is_clean(&[input, parity].concat()));
            parities += 1;
        } else {
            let expected = octets(&vector, "expected_hex").expect("expected");
            let mut block = vec![0; code.codeblock_octets()];
            code.encode_codeblock(&input, &mut block).expect("lengths");
            assert_eq!(block, expected, "{}", name(&vector));
            assert!(code.is_clean(&block));
            blocks += 1;
        }
    }
    assert_eq!((parities, blocks, decoded), (15, 1, 2));
}

fn decodes(code: &ReedSolomon, vector: &Value, received: &[u8]) {
    assert!(!code.is_clean(received));
    let mut block = received.to_vec();
    let correction = code.correct(&mut block);
    match octets(vector, "expected_hex") {
        Some(expected) => {
            assert_eq!(block, expected, "{}", name(vector));
            let symbols = vector["params"]["errors"].as_u64().expect("a count") as u32;
            assert_eq!(
                correction,
                Correction {
                    corrected: 1,
                    symbols,
                    ..Correction::default()
                }
            );
        }
        None => {
            assert_eq!(block, received, "left as received");
            assert_eq!(
                correction,
                Correction {
                    uncorrectable: 1,
                    ..Correction::default()
                }
            );
        }
    }
}
