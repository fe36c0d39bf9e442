//! Data encodings: how many bits, what they mean, in which order.
//!
//! Where the meaning is not supported but the size is known, the bits are kept as they are, so
//! that what follows is still found.

use roxmltree::Node;

use super::document::{child, elements, name_of, text_of};
use super::load::Loader;
use super::model::{
    Calibrator, Charset, Condition, Encoding, EncodingKind, IntegerValue, Size, StringEncoding,
    StringEnd,
};
use super::notes::{Built, mistake, unsupported};
use super::values::{attribute, integer, required};

/// No field is larger than the largest space packet (CCSDS 133.0-B-2 4.1.3.5.3).
const SIZE_BITS_MAX: i64 = 65_542 * 8;
/// A DynamicValue that refers to this says, by convention, that the string's own prefix counts.
const IGNORED_REFERENCE: &str = "_yamcs_ignore";

/// The element names of data encodings.
pub(super) const ENCODINGS: [&str; 4] = [
    "IntegerDataEncoding",
    "FloatDataEncoding",
    "StringDataEncoding",
    "BinaryDataEncoding",
];

impl<'a> Loader<'a> {
    /// One of the four data encodings.
    pub(super) fn encoding(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Encoding> {
        self.degraded = false;
        match name_of(node) {
            "IntegerDataEncoding" => self.number(node, system, 8, integer_kind),
            "FloatDataEncoding" => self.number(node, system, 32, float_kind),
            "StringDataEncoding" => self.string(node, system),
            _ => self.binary(node, system),
        }
    }

    fn number(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
        default_bits: i64,
        kind: fn(Node<'a, 'a>, u32) -> Built<'a, EncodingKind>,
    ) -> Built<'a, Encoding> {
        let bits = attribute(node, "sizeInBits", integer)?.unwrap_or(default_bits);
        let bits = size_bits(node, bits)?;
        let size = Size::Fixed(bits);
        let understood =
            kind(node, bits).and_then(|kind| Ok((kind, bit_order(node)?, byte_order(node, bits)?)));
        let (kind, least_significant_bit_first, least_significant_byte_first) = match understood {
            Ok(understood) => understood,
            Err(refusal) => {
                self.note(refusal.so(&format!("its {bits} bits are kept as binary")));
                self.degraded = true;
                return Ok(plain(EncodingKind::Binary, size));
            }
        };
        let (context_calibrators, calibrator) = self.calibrators(node, system);
        Ok(Encoding {
            kind,
            size,
            least_significant_bit_first,
            least_significant_byte_first,
            context_calibrators,
            calibrator,
        })
    }

    /// All of a number's calibrators, or none: half of them would give wrong values.
    fn calibrators(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
    ) -> (Vec<(Condition, Calibrator)>, Option<Calibrator>) {
        let default = self.default_calibrator(node, system);
        let both = default.and_then(|d| Ok((self.context_calibrators(node, system)?, d)));
        both.unwrap_or_else(|refusal| {
            self.note(refusal.so("values stay uncalibrated"));
            (Vec::new(), None)
        })
    }

    fn binary(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Encoding> {
        let size = child(node, "SizeInBits")
            .ok_or_else(|| mistake(node, "BinaryDataEncoding has no SizeInBits"))?;
        let size = self.size(size, system)?;
        if let Some(transform) = child(node, "FromBinaryTransformAlgorithm") {
            let what = "FromBinaryTransformAlgorithm is not run; the octets are kept as they are";
            self.note(unsupported(transform, what));
        }
        if bit_order(node)? {
            let what = "bitOrder=\"leastSignificantBitFirst\" of binary data; kept as it lies";
            self.note(unsupported(node, what));
        }
        Ok(plain(EncodingKind::Binary, size))
    }

    /// A size written as IntegerValueType, or wrapped in `Fixed` as real documents do.
    fn size(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Size> {
        let holder = child(node, "Fixed").unwrap_or(node);
        Ok(match self.integer_value(holder, system)? {
            IntegerValue::Fixed(bits) => Size::Fixed(size_bits(node, bits)?),
            dynamic => Size::Dynamic(dynamic),
        })
    }

    fn string(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Encoding> {
        let (size, end) = if let Some(variable) = child(node, "Variable") {
            self.variable_string(variable, system)?
        } else if let Some(holder) = child(node, "SizeInBits") {
            let end = string_end(holder)?;
            let sized = ["Fixed", "FixedValue", "DynamicValue", "DiscreteLookupList"];
            if sized.into_iter().any(|name| child(holder, name).is_some()) {
                (self.size(holder, system)?, end)
            } else if end == StringEnd::Whole {
                return Err(mistake(holder, "SizeInBits says no size"));
            } else {
                (Size::SelfDelimited { max_bits: 0 }, end)
            }
        } else {
            return Err(mistake(
                node,
                "StringDataEncoding has neither SizeInBits nor Variable",
            ));
        };
        let name = node.attribute("encoding").unwrap_or("UTF-8");
        match charset(node, name) {
            Ok(charset) => Ok(plain(
                EncodingKind::String(StringEncoding { charset, end }),
                size,
            )),
            Err(refusal) => match (size, end) {
                (size @ (Size::Fixed(_) | Size::Dynamic(_)), _) => {
                    self.note(refusal.so("its octets are kept as binary"));
                    self.degraded = true;
                    Ok(plain(EncodingKind::Binary, size))
                }
                _ => Err(refusal),
            },
        }
    }

    /// Variable of XTCE 1.2: a box of dynamic size, a prefix, a terminator, or several of them.
    fn variable_string(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, (Size, StringEnd)> {
        let end = string_end(node)?;
        let max_bits = match attribute(node, "maxSizeInBits", integer)? {
            Some(bits) => size_bits(node, bits)?,
            None => 0,
        };
        let ignored = child(node, "DynamicValue")
            .into_iter()
            .flat_map(elements)
            .filter_map(|form| {
                form.attribute("parameterRef")
                    .or(form.attribute("argumentRef"))
            })
            .any(|reference| reference == IGNORED_REFERENCE);
        let boxed = ["DynamicValue", "DiscreteLookupList"];
        let boxed = boxed.into_iter().any(|name| child(node, name).is_some());
        if boxed && !(ignored && end != StringEnd::Whole) {
            return Ok((self.size(node, system)?, end));
        }
        // The schema's bound is the string's; the field holds its prefix or terminator besides.
        let beside = match &end {
            StringEnd::Whole => return Err(mistake(node, "Variable says no size")),
            StringEnd::Terminated(octets) => octets.len().saturating_mul(8),
            StringEnd::LeadingSize(bits) => *bits as usize,
        };
        let beside = u32::try_from(beside).unwrap_or(u32::MAX);
        let max_bits = if max_bits == 0 {
            0
        } else {
            max_bits.saturating_add(beside)
        };
        Ok((Size::SelfDelimited { max_bits }, end))
    }
}

/// An encoding without calibrators, most significant first.
pub(super) fn plain(kind: EncodingKind, size: Size) -> Encoding {
    Encoding {
        kind,
        size,
        least_significant_bit_first: false,
        least_significant_byte_first: false,
        context_calibrators: Vec::new(),
        calibrator: None,
    }
}

fn size_bits<'a>(node: Node<'a, 'a>, bits: i64) -> Built<'a, u32> {
    match u32::try_from(bits) {
        Ok(size @ 1..) if bits <= SIZE_BITS_MAX => Ok(size),
        _ => Err(mistake(
            node,
            format!("a size of {bits} bits; 1 to {SIZE_BITS_MAX} are possible"),
        )),
    }
}

fn integer_kind<'a>(node: Node<'a, 'a>, bits: u32) -> Built<'a, EncodingKind> {
    let (kind, fits) = match node.attribute("encoding").unwrap_or("unsigned") {
        "unsigned" => (EncodingKind::Unsigned, bits <= 64),
        // `signed` is no value of the schema, but real documents mean two's complement by it.
        "twosComplement" | "twosCompliment" | "signed" => {
            (EncodingKind::TwosComplement, bits <= 64)
        }
        "onesComplement" | "onesCompliment" => (EncodingKind::OnesComplement, bits <= 64),
        "signMagnitude" => (EncodingKind::SignMagnitude, bits <= 64),
        "BCD" => (EncodingKind::Bcd, bits.is_multiple_of(8) && bits <= 144),
        "packedBCD" => (
            EncodingKind::PackedBcd,
            bits.is_multiple_of(4) && bits <= 72,
        ),
        other => return Err(unsupported(node, format!("the integer encoding `{other}`"))),
    };
    if fits {
        Ok(kind)
    } else {
        Err(unsupported(node, format!("an integer of {bits} bits")))
    }
}

fn float_kind<'a>(node: Node<'a, 'a>, bits: u32) -> Built<'a, EncodingKind> {
    let encoding = node.attribute("encoding").unwrap_or("IEEE754_1985");
    match (encoding, bits) {
        ("IEEE754" | "IEEE754_1985", 16 | 32 | 64) => Ok(EncodingKind::Ieee754),
        ("MILSTD_1750A", 32 | 48) => Ok(EncodingKind::MilStd1750A),
        _ => Err(unsupported(
            node,
            format!("a float encoded as {encoding} in {bits} bits"),
        )),
    }
}

/// True for least significant bit first.
fn bit_order<'a>(node: Node<'a, 'a>) -> Built<'a, bool> {
    match node.attribute("bitOrder") {
        None | Some("mostSignificantBitFirst") => Ok(false),
        Some("leastSignificantBitFirst") => Ok(true),
        Some(other) => Err(mistake(node, format!("bitOrder=\"{other}\""))),
    }
}

/// True for least significant octet first: `byteOrder` of XTCE 1.2, ByteOrderList of 1.0.
fn byte_order<'a>(node: Node<'a, 'a>, bits: u32) -> Built<'a, bool> {
    let octets = i64::from(bits.div_ceil(8));
    if let Some(order) = written_byte_order(node)? {
        let big = order.iter().copied().eq((0..octets).rev());
        let little = order.iter().copied().eq(0..octets);
        if octets > 1 && !big && !little {
            let what = format!("an octet order of {order:?} in {octets} octets");
            return Err(unsupported(node, what));
        }
        return Ok(little && octets > 1);
    }
    match node.attribute("byteOrder") {
        Some("leastSignificantByteFirst") if !bits.is_multiple_of(8) => Err(unsupported(
            node,
            format!("least significant octet first in {bits} bits"),
        )),
        Some("leastSignificantByteFirst") => Ok(true),
        _ => Ok(false),
    }
}

/// Significance of each octet as it is transmitted, if it is written out.
fn written_byte_order<'a>(node: Node<'a, 'a>) -> Built<'a, Option<Vec<i64>>> {
    if let Some(list) = child(node, "ByteOrderList") {
        let bytes = elements(list).filter(|byte| name_of(*byte) == "Byte");
        let bytes = bytes.map(|byte| required(byte, "byteSignificance", integer));
        return bytes.collect::<Built<_>>().map(Some);
    }
    match node.attribute("byteOrder") {
        None | Some("mostSignificantByteFirst" | "leastSignificantByteFirst") => Ok(None),
        Some(list) => list
            .split_whitespace()
            .map(integer)
            .collect::<Option<_>>()
            .map(Some)
            .ok_or_else(|| mistake(node, format!("byteOrder=\"{list}\""))),
    }
}

fn charset<'a>(node: Node<'a, 'a>, name: &str) -> Built<'a, Charset> {
    let little = node.attribute("byteOrder") == Some("leastSignificantByteFirst")
        || written_byte_order(node)?.is_some_and(|order| order == [0, 1]);
    Ok(match name {
        "UTF-8" => Charset::Utf8,
        "US-ASCII" | "ASCII" => Charset::Ascii,
        "ISO-8859-1" => Charset::Latin1,
        "Windows-1252" => Charset::Windows1252,
        "UTF-16" if little => Charset::Utf16Le,
        "UTF-16" => Charset::Utf16,
        "UTF-16LE" => Charset::Utf16Le,
        "UTF-16BE" => Charset::Utf16Be,
        other => {
            return Err(unsupported(
                node,
                format!("the character encoding `{other}`"),
            ));
        }
    })
}

fn string_end<'a>(node: Node<'a, 'a>) -> Built<'a, StringEnd> {
    if let Some(leading) = child(node, "LeadingSize") {
        let bits = attribute(leading, "sizeInBitsOfSizeTag", integer)?.unwrap_or(16);
        return match u32::try_from(bits) {
            Ok(bits @ 1..=32) => Ok(StringEnd::LeadingSize(bits)),
            _ => Err(unsupported(
                leading,
                format!("a length prefix of {bits} bits"),
            )),
        };
    }
    if let Some(terminator) = child(node, "TerminationChar") {
        let text = text_of(terminator);
        let text = if text.is_empty() { "00" } else { text.as_str() };
        return octets(text).map(StringEnd::Terminated).ok_or_else(|| {
            mistake(
                terminator,
                format!("`{text}` is not a hexadecimal terminator"),
            )
        });
    }
    Ok(StringEnd::Whole)
}

/// An xs:hexBinary of 1 to 8 octets.
fn octets(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) || digits.len() > 16 {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            pair.bytes().all(|o| o.is_ascii_hexdigit()).then_some(())?;
            u8::from_str_radix(pair, 16).ok()
        })
        .collect()
}
