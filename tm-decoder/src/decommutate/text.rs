//! Texts and octet strings.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, StringBuilder};
use schemas::layout::{Field, FieldSize, Raw};
use schemas::xtce::model::{Charset, StringEnd};

use super::anomaly::AnomalyKind;
use super::bits::{read_bits, read_octets};
use super::field::Spans;
use super::run::{Frame, Run};

/// A column of octet strings.
pub(super) fn octets(
    frame: &Frame<'_>,
    run: &mut Run<'_>,
    spans: &Spans,
    field: &Field,
) -> ArrayRef {
    let rows = spans.positions.len();
    let mut builder = BinaryBuilder::with_capacity(rows, 0);
    let mut copy = Vec::new();
    for row in 0..rows {
        match octets_of(frame, run, spans, row, field, &mut copy) {
            Some(octets) if field.octets_reversed => {
                let reversed: Vec<u8> = octets.iter().rev().copied().collect();
                builder.append_value(reversed);
            }
            Some(octets) => builder.append_value(octets),
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

/// A column of texts.
pub(super) fn strings(
    frame: &Frame<'_>,
    run: &mut Run<'_>,
    spans: &Spans,
    charset: Charset,
    end: &StringEnd,
    field: &Field,
) -> ArrayRef {
    let rows = spans.positions.len();
    let mut builder = StringBuilder::with_capacity(rows, 0);
    let mut copy = Vec::new();
    for row in 0..rows {
        let Some(octets) = octets_of(frame, run, spans, row, field, &mut copy) else {
            builder.append_null();
            continue;
        };
        let (octets, complaint) = content(octets, charset, end, &field.size);
        let (text, clean) = decode(octets, charset);
        builder.append_value(&text);
        if let Some(kind) = complaint {
            run.report(kind, frame.rows, row, &field.name);
        }
        if !clean {
            run.report(AnomalyKind::TextInvalid, frame.rows, row, &field.name);
        }
    }
    Arc::new(builder.finish())
}

/// A row's octets, borrowed from the packet where they lie on octets.
fn octets_of<'b>(
    frame: &Frame<'b>,
    run: &mut Run<'_>,
    spans: &Spans,
    row: usize,
    field: &Field,
    copy: &'b mut Vec<u8>,
) -> Option<&'b [u8]> {
    let data: &'b [u8] = frame.rows.data;
    if !spans.valid[row] {
        return None;
    }
    let position = usize::try_from(spans.positions[row]).ok()?;
    let bits = usize::try_from(spans.sizes[row]).ok()?;
    let length = bits.div_ceil(8);
    if length > run.octets_left {
        run.report(AnomalyKind::OctetsExceeded, frame.rows, row, &field.name);
        return None;
    }
    run.octets_left -= length;
    if position & 7 == 0 && bits & 7 == 0 {
        return data.get(position >> 3..(position >> 3) + length);
    }
    copy.clear();
    read_octets(data, position, bits, copy);
    Some(copy)
}

/// The text inside its field.
fn content<'b>(
    octets: &'b [u8],
    charset: Charset,
    end: &StringEnd,
    size: &FieldSize,
) -> (&'b [u8], Option<AnomalyKind>) {
    match end {
        StringEnd::Whole => (octets, None),
        StringEnd::Terminated(terminator) => match find(octets, terminator, charset) {
            Some(at) => (&octets[..at], None),
            // A text may fill a field of a given size.
            None if !matches!(size, FieldSize::SelfDelimited { .. }) => (octets, None),
            None => (octets, Some(AnomalyKind::TextUnterminated)),
        },
        StringEnd::LeadingSize(bits) => {
            let prefix = (*bits as usize).div_ceil(8);
            let rest = octets.get(prefix..).unwrap_or(&[]);
            // Right-aligned octets keep a size that is not whole octets at the front.
            let size = read_bits(
                octets,
                prefix * 8 - (*bits).min(64) as usize,
                (*bits).min(64),
            );
            match usize::try_from(size).ok().and_then(|size| rest.get(..size)) {
                Some(text) => (text, None),
                None => (rest, Some(AnomalyKind::SizeInvalid)),
            }
        }
    }
}

/// Bits of a field that says its own size; `None` when it goes beyond the packet.
pub(super) fn self_delimited(
    data: &[u8],
    position: i64,
    end: i64,
    max_bits: u32,
    raw: &Raw,
) -> Option<i64> {
    let rest = end.checked_sub(position).filter(|&rest| rest >= 0)?;
    let limit = if max_bits == 0 {
        rest
    } else {
        rest.min(i64::from(max_bits))
    };
    let Raw::Text { charset, end } = raw else {
        return Some(limit);
    };
    let start = usize::try_from(position).ok()?;
    match end {
        StringEnd::Whole => Some(limit),
        StringEnd::LeadingSize(bits) => {
            let bits = (*bits).min(64);
            if i64::from(bits) > rest {
                return None;
            }
            let octets = i64::try_from(read_bits(data, start, bits)).ok()?;
            let size = octets.checked_mul(8)?.checked_add(i64::from(bits))?;
            (size <= limit).then_some(size)
        }
        StringEnd::Terminated(terminator) => {
            let whole = usize::try_from(limit & !7).ok()?;
            let copy;
            let octets = if start & 7 == 0 {
                data.get(start >> 3..(start + whole) >> 3)?
            } else {
                let mut shifted = Vec::with_capacity(whole >> 3);
                read_octets(data, start, whole, &mut shifted);
                copy = shifted;
                &copy
            };
            let found = find(octets, terminator, *charset);
            let length = found.map_or(octets.len(), |at| at + terminator.len());
            i64::try_from(length).ok()?.checked_mul(8)
        }
    }
}

/// Where a terminator begins, on the character set's units.
fn find(octets: &[u8], terminator: &[u8], charset: Charset) -> Option<usize> {
    if terminator.is_empty() {
        return None;
    }
    let unit = match charset {
        Charset::Utf16 | Charset::Utf16Le | Charset::Utf16Be => 2,
        Charset::Utf8 | Charset::Ascii | Charset::Latin1 | Charset::Windows1252 => 1,
    };
    (0..octets.len())
        .step_by(unit)
        .find(|&at| octets[at..].starts_with(terminator))
}

/// The text, and whether all of it was valid.
fn decode(octets: &[u8], charset: Charset) -> (Cow<'_, str>, bool) {
    match charset {
        Charset::Utf8 => {
            let text = String::from_utf8_lossy(octets);
            let clean = matches!(text, Cow::Borrowed(_));
            (text, clean)
        }
        Charset::Ascii => match std::str::from_utf8(octets) {
            Ok(text) if octets.is_ascii() => (Cow::Borrowed(text), true),
            _ => {
                let text = octets.iter().map(|&octet| {
                    if octet.is_ascii() {
                        char::from(octet)
                    } else {
                        char::REPLACEMENT_CHARACTER
                    }
                });
                (Cow::Owned(text.collect()), false)
            }
        },
        Charset::Latin1 => (
            Cow::Owned(octets.iter().copied().map(char::from).collect()),
            true,
        ),
        Charset::Windows1252 => {
            let text: String = octets.iter().copied().map(windows_1252).collect();
            let clean = !text.contains(char::REPLACEMENT_CHARACTER);
            (Cow::Owned(text), clean)
        }
        Charset::Utf16Le => utf16(octets, u16::from_le_bytes),
        Charset::Utf16Be => utf16(octets, u16::from_be_bytes),
        Charset::Utf16 => match octets {
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
            _ => utf16(octets, u16::from_be_bytes),
        },
    }
}

fn utf16(octets: &[u8], unit: impl Fn([u8; 2]) -> u16) -> (Cow<'_, str>, bool) {
    let (pairs, odd) = octets.as_chunks::<2>();
    let mut clean = odd.is_empty();
    let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .map(|character| {
            character.unwrap_or_else(|_| {
                clean = false;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    (Cow::Owned(text), clean)
}

fn windows_1252(octet: u8) -> char {
    match octet {
        0x80..=0x9f => WINDOWS_1252[usize::from(octet - 0x80)],
        _ => char::from(octet),
    }
}

/// 0x80 to 0x9f; five of them have no character.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{fffd}', '\u{201a}', '\u{0192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{02c6}', '\u{2030}', '\u{0160}', '\u{2039}', '\u{0152}', '\u{fffd}', '\u{017d}', '\u{fffd}',
    '\u{fffd}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{02dc}', '\u{2122}', '\u{0161}', '\u{203a}', '\u{0153}', '\u{fffd}', '\u{017e}', '\u{0178}',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_set_reads_its_own() {
        for (octets, charset, text) in [
            (b"caf\xc3\xa9".as_slice(), Charset::Utf8, "caf\u{e9}"),
            (b"caf\xe9", Charset::Latin1, "caf\u{e9}"),
            (b"\x80\x93", Charset::Windows1252, "\u{20ac}\u{201c}"),
            (b"\x00A\x20\xac", Charset::Utf16, "A\u{20ac}"),
            (b"\xff\xfeA\x00", Charset::Utf16, "A"),
            (b"A\x00", Charset::Utf16Le, "A"),
            (b"\xd8\x34\xdd\x1e", Charset::Utf16Be, "\u{1d11e}"),
        ] {
            assert_eq!(decode(octets, charset), (Cow::Borrowed(text), true));
        }
    }

    #[test]
    fn what_is_not_valid_is_replaced_and_said() {
        assert_eq!(decode(b"a\xff", Charset::Utf8), ("a\u{fffd}".into(), false));
        assert_eq!(
            decode(b"a\xff", Charset::Ascii),
            ("a\u{fffd}".into(), false)
        );
        assert_eq!(
            decode(b"\xd8\x34", Charset::Utf16Be),
            ("\u{fffd}".into(), false)
        );
        assert_eq!(decode(b"\x00A\x00", Charset::Utf16Be), ("A".into(), false));
    }

    #[test]
    fn a_utf16_terminator_stands_on_whole_characters() {
        assert_eq!(
            find(b"\x01\x00\x00\x02\x00\x00", &[0, 0], Charset::Utf16Be),
            Some(4)
        );
        assert_eq!(
            find(b"\x01\x00\x00\x02\x00\x00", &[0, 0], Charset::Utf8),
            Some(1)
        );
    }
}
