//! Texts as octets, both ways.

use std::borrow::Cow;

use crate::xtce::model::Charset;

/// The octets of a text; the character that the set does not have otherwise.
pub(super) fn encode(text: &str, charset: Charset) -> Result<Cow<'_, [u8]>, char> {
    let latin = |c: char| u8::try_from(u32::from(c)).map_err(|_| c);
    let octets: Vec<u8> = match charset {
        Charset::Utf8 => return Ok(text.as_bytes().into()),
        Charset::Ascii => match text.chars().find(|c| !c.is_ascii()) {
            Some(other) => return Err(other),
            None => return Ok(text.as_bytes().into()),
        },
        Charset::Latin1 => text.chars().map(latin).collect::<Result<_, _>>()?,
        Charset::Windows1252 => text.chars().map(windows_1252).collect::<Result<_, _>>()?,
        Charset::Utf16 | Charset::Utf16Be => {
            text.encode_utf16().flat_map(u16::to_be_bytes).collect()
        }
        Charset::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    };
    Ok(octets.into())
}

/// The text of some octets; `None` if they are none.
pub(super) fn decode(octets: &[u8], charset: Charset) -> Option<String> {
    let pairs = |from: fn([u8; 2]) -> u16| {
        let (pairs, rest) = octets.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| from(*pair)).collect();
        rest.is_empty()
            .then(|| String::from_utf16(&units).ok())
            .flatten()
    };
    match charset {
        Charset::Utf8 => String::from_utf8(octets.to_vec()).ok(),
        Charset::Ascii => octets
            .is_ascii()
            .then(|| octets.iter().map(|octet| char::from(*octet)).collect()),
        Charset::Latin1 => Some(octets.iter().map(|octet| char::from(*octet)).collect()),
        Charset::Windows1252 => octets
            .iter()
            .map(|octet| match octet {
                0x80..=0x9f => {
                    char::from_u32(WINDOWS_1252[usize::from(octet - 0x80)]).filter(|c| *c != '\0')
                }
                octet => Some(char::from(*octet)),
            })
            .collect(),
        Charset::Utf16 | Charset::Utf16Be => pairs(u16::from_be_bytes),
        Charset::Utf16Le => pairs(u16::from_le_bytes),
    }
}

/// Octets of the character set's units.
pub(super) fn unit(charset: Charset) -> usize {
    match charset {
        Charset::Utf16 | Charset::Utf16Be | Charset::Utf16Le => 2,
        Charset::Utf8 | Charset::Ascii | Charset::Latin1 | Charset::Windows1252 => 1,
    }
}

/// Where a terminator begins, on the character set's units.
pub(super) fn find(octets: &[u8], terminator: &[u8], charset: Charset) -> Option<usize> {
    if terminator.is_empty() {
        return None;
    }
    let step = unit(charset);
    (0..octets.len()).step_by(step).find(|at| {
        octets
            .get(*at..)
            .is_some_and(|rest| rest.starts_with(terminator))
    })
}

fn windows_1252(c: char) -> Result<u8, char> {
    let code = u32::from(c);
    if let Some(at) = WINDOWS_1252
        .iter()
        .position(|known| *known == code && code != 0)
    {
        return u8::try_from(at + 0x80).map_err(|_| c);
    }
    match code {
        0..=0x7f | 0xa0..=0xff => u8::try_from(code).map_err(|_| c),
        _ => Err(c),
    }
}

/// Characters of octets 80 to 9F; 0 for none (Microsoft code page 1252).
const WINDOWS_1252: [u32; 32] = [
    0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
    0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc,
    0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_in_every_character_set() {
        let cases = [
            (Charset::Utf8, "häß€\u{1f6f0}"),
            (Charset::Ascii, "job 7"),
            (Charset::Latin1, "häß"),
            (Charset::Windows1252, "hä€ß"),
            (Charset::Utf16, "ä€\u{1f6f0}"),
            (Charset::Utf16Le, "ä€\u{1f6f0}"),
        ];
        for (charset, text) in cases {
            let octets = encode(text, charset).unwrap();
            assert_eq!(
                decode(&octets, charset).as_deref(),
                Some(text),
                "{charset:?}"
            );
        }
        assert_eq!(encode("ä", Charset::Ascii), Err('ä'));
        assert_eq!(encode("€", Charset::Latin1), Err('€'));
        assert_eq!(encode("\u{81}", Charset::Windows1252), Err('\u{81}'));
        assert_eq!(decode(&[0xff], Charset::Utf8), None);
        assert_eq!(decode(&[0x81], Charset::Windows1252), None);
        assert_eq!(find(b"a\0\0\0", &[0, 0], Charset::Utf16), Some(2));
    }
}
