//! Parameter types: what a value is, and what lies in the packet for it.

use roxmltree::Node;

use super::document::{child, elements, name_of, text_of};
use super::encodings::{ENCODINGS, plain};
use super::load::Loader;
use super::model::{
    AggregateMember, Encoding, EncodingKind, EnumerationLabel, ParameterType, Size, TypeKind,
};
use super::names::{Declared, description};
use super::notes::{Built, mistake, unsupported, warning};
use super::values::{attribute, boolean, double, integer, required};

/// A type and those it extends by baseType, itself first: what it does not say, they say.
pub(super) struct Chain<'a> {
    pub(super) own: Node<'a, 'a>,
    links: Vec<Declared<'a>>,
}

impl<'a> Chain<'a> {
    pub(super) fn child(&self, name: &str) -> Option<(Node<'a, 'a>, u32)> {
        self.links
            .iter()
            .find_map(|link| Some((child(link.node, name)?, link.system)))
    }

    pub(super) fn attribute<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Built<'a, Option<T>> {
        match self.links.iter().find(|link| link.node.has_attribute(name)) {
            Some(link) => attribute(link.node, name, parse),
            None => Ok(None),
        }
    }
}

/// What was built of a type.
pub(super) struct BuiltType {
    pub(super) built: ParameterType,
    /// It has no data encoding, so it can lie in no container.
    pub(super) without_encoding: bool,
}

/// No field is larger than the largest space packet (CCSDS 133.0-B-2 4.1.3.5.3).
const SIZE_BITS_MAX: u32 = 65_542 * 8;

impl<'a> Loader<'a> {
    /// One parameter or argument type.
    pub(super) fn parameter_type(&mut self, declared: Declared<'a>) -> Built<'a, BuiltType> {
        let chain = self.chain(declared)?;
        let node = declared.node;
        let mut without_encoding = false;
        let mut encoding = |loader: &mut Self, default: Option<Encoding>| {
            loader.encoding_of(&chain, default, &mut without_encoding)
        };
        let form = name_of(node);
        let form = form
            .strip_suffix("ParameterType")
            .or(form.strip_suffix("ArgumentType"))
            .unwrap_or(form);
        let kind = match form {
            "Integer" => {
                let encoding = encoding(self, Some(unsigned(8)))?;
                self.integer_type(&chain, encoding)?
            }
            "Float" => {
                let encoding = encoding(self, Some(plain(EncodingKind::Ieee754, Size::Fixed(32))))?;
                self.float_type(&chain, encoding)?
            }
            "Boolean" => {
                let encoding = encoding(self, Some(unsigned(8)))?;
                let text = |name, or: &str| -> Built<'a, String> {
                    let text = chain.attribute(name, |text| Some(text.to_owned()))?;
                    Ok(text.unwrap_or_else(|| or.to_owned()))
                };
                let zero = text("zeroStringValue", "False")?;
                let one = text("oneStringValue", "True")?;
                self.of_number(node, encoding, |encoding| TypeKind::Boolean {
                    zero,
                    one,
                    encoding,
                })
            }
            "Enumerated" => {
                let encoding = encoding(self, Some(unsigned(8)))?;
                let labels = labels(&chain)?;
                self.of_number(node, encoding, |encoding| TypeKind::Enumerated {
                    labels,
                    encoding,
                })
            }
            "String" => {
                let encoding = encoding(self, None)?;
                self.as_is(node, encoding, |kind| {
                    matches!(kind, EncodingKind::String(_))
                })
            }
            "Binary" => {
                // No attribute of the schema, but real argument types say their size with it.
                let bits = chain.attribute("sizeInBits", integer)?;
                let bits = bits.and_then(|bits| u32::try_from(bits).ok());
                let bits = bits.filter(|bits| (1..=SIZE_BITS_MAX).contains(bits));
                let plain = bits.map(|bits| plain(EncodingKind::Binary, Size::Fixed(bits)));
                let encoding = encoding(self, plain)?;
                self.as_is(node, encoding, |kind| *kind == EncodingKind::Binary)
            }
            "AbsoluteTime" | "RelativeTime" => self.time_type(&chain, &mut without_encoding)?,
            "Array" => TypeKind::Array {
                element: self.type_reference(node, "arrayTypeRef", declared)?,
                dimensions: self.dimensions(node, declared.system)?,
            },
            "Aggregate" => self.aggregate(declared)?,
            _ => return Err(unsupported(node, format!("the type {}", name_of(node)))),
        };
        let alarms = match &kind {
            TypeKind::Array { .. } | TypeKind::Aggregate { .. } => Vec::new(),
            kind => {
                let text = !matches!(kind, TypeKind::Integer { .. } | TypeKind::Float { .. });
                self.alarms(
                    chain.child("DefaultAlarm"),
                    chain.child("ContextAlarmList"),
                    text,
                )
            }
        };
        let built = ParameterType {
            name: declared.name.to_owned(),
            qualified_name: self.names.qualified(&declared),
            description: chain.links.iter().find_map(|link| description(link.node)),
            units: chain.child("UnitSet").and_then(|(set, _)| units(set)),
            kind,
            alarms,
        };
        Ok(BuiltType {
            built,
            without_encoding,
        })
    }

    /// Circles have been refused by then.
    pub(super) fn chain(&self, declared: Declared<'a>) -> Built<'a, Chain<'a>> {
        let mut links = vec![declared];
        let mut last = declared;
        while let Some(base) = last.node.attribute("baseType") {
            let found = self.find(last.node, declared.space, "baseType", last.system)?;
            let link = self
                .names
                .declared(declared.space)
                .get(found.index as usize)
                .copied();
            let Some(link) = link else { break };
            if name_of(link.node) != name_of(declared.node) {
                let what = format!("baseType `{base}` is a {}", name_of(link.node));
                return Err(mistake(last.node, what));
            }
            links.push(link);
            last = link;
        }
        Ok(Chain {
            own: declared.node,
            links,
        })
    }

    pub(super) fn encoding_of(
        &mut self,
        chain: &Chain<'a>,
        default: Option<Encoding>,
        without_encoding: &mut bool,
    ) -> Built<'a, Encoding> {
        self.degraded = false;
        for name in ENCODINGS {
            if let Some((node, system)) = chain.child(name) {
                return self.encoding(node, system);
            }
        }
        *without_encoding = default.is_none();
        self.degraded = default.is_none();
        Ok(default.unwrap_or_else(|| {
            // Never decoded: a container with such a parameter is refused.
            plain(EncodingKind::Binary, Size::SelfDelimited { max_bits: 0 })
        }))
    }

    fn integer_type(&mut self, chain: &Chain<'a>, encoding: Encoding) -> Built<'a, TypeKind> {
        let node = chain.own;
        let bits = encoding_bits(&encoding);
        let said = chain.attribute("sizeInBits", integer)?;
        let said = said.map(|bits| u32::try_from(bits).unwrap_or(0).clamp(1, 64));
        let said_signed = chain.attribute("signed", boolean)?;
        if !is_number(&encoding.kind) {
            return Ok(self.as_is(node, encoding, |_| false));
        }
        let calibrated = encoding.calibrator.is_some() || !encoding.context_calibrators.is_empty();
        let raw_signed = is_signed(&encoding.kind);
        if calibrated || encoding.kind == EncodingKind::Ieee754 {
            let signed = said_signed.unwrap_or(true);
            let size_bits = said.unwrap_or(if bits > 32 { 64 } else { 32 });
            return Ok(TypeKind::Integer {
                signed,
                size_bits,
                encoding,
            });
        }
        // Both are hints for the implementation (XTCE IntegerDataType): every raw value has to fit.
        let mut signed = said_signed.unwrap_or(raw_signed);
        if raw_signed && !signed {
            let what = "signed=\"false\" with a signed encoding; values are taken as signed";
            self.note(warning(node, what));
            signed = true;
        }
        let needed = if signed && !raw_signed {
            bits.saturating_add(1)
        } else {
            bits
        };
        if needed > 64 {
            signed = raw_signed;
        }
        let size_bits = said.unwrap_or(needed).max(needed).min(64);
        Ok(TypeKind::Integer {
            signed,
            size_bits,
            encoding,
        })
    }

    fn float_type(&mut self, chain: &Chain<'a>, encoding: Encoding) -> Built<'a, TypeKind> {
        let node = chain.own;
        if !is_number(&encoding.kind) {
            return Ok(self.as_is(node, encoding, |_| false));
        }
        let said = chain.attribute("sizeInBits", integer)?;
        let calibrated = encoding.calibrator.is_some() || !encoding.context_calibrators.is_empty();
        let exact_in_32 = match encoding.kind {
            EncodingKind::Ieee754 | EncodingKind::MilStd1750A => encoding_bits(&encoding) <= 32,
            _ => encoding_bits(&encoding) <= 24,
        };
        let size_bits = match said {
            Some(..=32) if calibrated || exact_in_32 => 32,
            None if !calibrated && exact_in_32 => 32,
            Some(65..) => {
                self.note(warning(
                    node,
                    "a float of more than 64 bits; values are kept with 64",
                ));
                64
            }
            _ => 64,
        };
        Ok(TypeKind::Float {
            size_bits,
            encoding,
        })
    }

    /// A kind that needs a number; other bits are kept as they are.
    fn of_number(
        &mut self,
        node: Node<'a, 'a>,
        encoding: Encoding,
        kind: impl FnOnce(Encoding) -> TypeKind,
    ) -> TypeKind {
        if is_number(&encoding.kind) {
            kind(encoding)
        } else {
            self.as_is(node, encoding, |_| false)
        }
    }

    /// The type that an encoding has by itself; named if the document wanted another one.
    pub(super) fn as_is(
        &mut self,
        node: Node<'a, 'a>,
        encoding: Encoding,
        expected: impl Fn(&EncodingKind) -> bool,
    ) -> TypeKind {
        let wanted = expected(&encoding.kind);
        let bits = encoding_bits(&encoding);
        let (kind, word) = match encoding.kind {
            EncodingKind::String(_) => (TypeKind::String { encoding }, "string"),
            EncodingKind::Binary => (TypeKind::Binary { encoding }, "binary"),
            EncodingKind::Ieee754 | EncodingKind::MilStd1750A => (
                TypeKind::Float {
                    size_bits: 64,
                    encoding,
                },
                "float",
            ),
            ref number => {
                let signed = is_signed(number);
                (
                    TypeKind::Integer {
                        signed,
                        size_bits: bits.min(64),
                        encoding,
                    },
                    "integer",
                )
            }
        };
        if !wanted && !std::mem::take(&mut self.degraded) {
            let what = format!("{} encoded as {word}; values stay {word}", name_of(node));
            self.note(unsupported(node, what));
        }
        kind
    }

    fn aggregate(&mut self, declared: Declared<'a>) -> Built<'a, TypeKind> {
        let node = declared.node;
        let list = child(node, "MemberList")
            .ok_or_else(|| mistake(node, format!("{} has no MemberList", name_of(node))))?;
        let mut members: Vec<AggregateMember> = Vec::new();
        for member in elements(list).filter(|member| name_of(*member) == "Member") {
            let name = required(member, "name", |name| Some(name.trim().to_owned()))?;
            if members.iter().any(|known| known.name == name) {
                return Err(mistake(
                    member,
                    format!("the member `{name}` is declared twice"),
                ));
            }
            members.push(AggregateMember {
                name,
                member_type: self.type_reference(member, "typeRef", declared)?,
                description: description(member),
            });
        }
        Ok(TypeKind::Aggregate { members })
    }
}

fn unsigned(bits: u32) -> Encoding {
    plain(EncodingKind::Unsigned, Size::Fixed(bits))
}

fn encoding_bits(encoding: &Encoding) -> u32 {
    match encoding.size {
        Size::Fixed(bits) => bits,
        Size::Dynamic(_) | Size::SelfDelimited { .. } => 64,
    }
}

pub(super) fn is_number(kind: &EncodingKind) -> bool {
    !matches!(kind, EncodingKind::String(_) | EncodingKind::Binary)
}

fn is_signed(kind: &EncodingKind) -> bool {
    matches!(
        kind,
        EncodingKind::TwosComplement
            | EncodingKind::OnesComplement
            | EncodingKind::SignMagnitude
            | EncodingKind::Ieee754
            | EncodingKind::MilStd1750A
    )
}

fn labels<'a>(chain: &Chain<'a>) -> Built<'a, Vec<EnumerationLabel>> {
    let Some((list, _)) = chain.child("EnumerationList") else {
        return Err(mistake(
            chain.own,
            format!("{} has no EnumerationList", name_of(chain.own)),
        ));
    };
    let mut labels = Vec::new();
    for node in elements(list).filter(|node| name_of(*node) == "Enumeration") {
        let first = required(node, "value", integer)?;
        let last = attribute(node, "maxValue", integer)?.unwrap_or(first);
        if last < first {
            return Err(mistake(
                node,
                format!("maxValue {last} is below value {first}"),
            ));
        }
        let label = required(node, "label", |label| Some(label.to_owned()))?;
        labels.push(EnumerationLabel { first, last, label });
    }
    Ok(labels)
}

/// UnitSet as text: `m s^-2`.
fn units<'a>(set: Node<'a, 'a>) -> Option<String> {
    let units: Vec<String> = elements(set)
        .filter(|unit| name_of(*unit) == "Unit" && unit.attribute("form") != Some("raw"))
        .filter_map(|unit| {
            let mut text = text_of(unit);
            if text.is_empty() {
                return None;
            }
            if let Some(factor) = unit.attribute("factor").filter(|factor| *factor != "1") {
                text = format!("{factor} {text}");
            }
            if let Some(power) = unit
                .attribute("power")
                .and_then(double)
                .filter(|p| *p != 1.0)
            {
                text = format!("{text}^{power}");
            }
            Some(text)
        })
        .collect();
    (!units.is_empty()).then(|| units.join(" "))
}
