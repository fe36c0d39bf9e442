//! One form of octets for one value: what hashes and signatures are computed over.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::command::Digest;

/// The canonical octets of a JSON value.
///
/// Keys in ascending order of their octets; each value behind a letter for its type, texts and
/// collections behind their length in decimal; floating-point numbers as the sixteen hexadecimal
/// digits of their IEEE 754 representation, whole ones in decimal.
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write(value, &mut out);
    out
}

/// SHA-256 over a domain's name and texts, each behind its length (64 bits, big-endian): no two
/// lists of texts have the same octets.
pub fn digest(domain: &str, parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Digest(hash.finalize().into())
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(b'n'),
        Value::Bool(true) => out.push(b't'),
        Value::Bool(false) => out.push(b'f'),
        Value::Number(number) => {
            let text = if let Some(whole) = number.as_u64() {
                format!("i{whole};")
            } else if let Some(whole) = number.as_i64() {
                format!("i{whole};")
            } else {
                let bits = number.as_f64().unwrap_or(f64::NAN).to_bits();
                format!("d{bits:016x};")
            };
            out.extend_from_slice(text.as_bytes());
        }
        Value::String(text) => write_text(text, out),
        Value::Array(values) => {
            out.extend_from_slice(format!("a{}:", values.len()).as_bytes());
            for value in values {
                write(value, out);
            }
        }
        Value::Object(map) => {
            out.extend_from_slice(format!("o{}:", map.len()).as_bytes());
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            for (key, value) in entries {
                write_text(key, out);
                write(value, out);
            }
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("s{}:", text.len()).as_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Octets as hexadecimal text in JSON.
pub(crate) mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Lower-case hexadecimal digits.
    pub(crate) fn encode(octets: &[u8]) -> String {
        use std::fmt::Write as _;
        octets.iter().fold(
            String::with_capacity(octets.len() * 2),
            |mut text, octet| {
                let _ = write!(text, "{octet:02x}");
                text
            },
        )
    }

    /// The octets of lower-case hexadecimal digits; `None` for anything else.
    pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
        let digit = |octet: u8| match octet {
            b'0'..=b'9' => Some(octet - b'0'),
            b'a'..=b'f' => Some(octet - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        pairs
            .iter()
            .map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?))
            .collect()
    }

    pub(crate) fn serialize<S: Serializer>(octets: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&encode(octets))
    }

    pub(crate) fn deserialize<'d, D: Deserializer<'d>>(d: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(d)?;
        decode(&text).ok_or_else(|| serde::de::Error::custom("not lower-case hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_have_one_order_and_numbers_one_form() {
        let value = json!({"b": [1, -1, 1.5, "x"], "a": null});
        assert_eq!(
            String::from_utf8(canonical(&value)).unwrap(),
            "o2:s1:ans1:ba4:i1;i-1;d3ff8000000000000;s1:x"
        );
    }

    #[test]
    fn parts_cannot_move_into_each_other() {
        assert_ne!(digest("d", &[b"ab", b"c"]), digest("d", &[b"a", b"bc"]));
        assert_ne!(digest("d", &[b"a"]), digest("da", &[]));
    }

    proptest! {
        #[test]
        fn numbers_survive_their_text(number in any::<f64>().prop_filter("JSON", |f| f.is_finite())) {
            let value = json!({"n": number});
            let read: Value = serde_json::from_str(&value.to_string()).unwrap();
            prop_assert_eq!(canonical(&value), canonical(&read));
        }

        #[test]
        fn octets_survive_hexadecimal(octets in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(hex::decode(&hex::encode(&octets)), Some(octets));
        }
    }
}
