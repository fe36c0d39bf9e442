//! Parameter types: what a value is, and what lies in the packet for it.

use roxmltree::Node;

use super::document::{child, elements, name_of, text_of};
use super::encodings::{ENCODINGS, plain};
use super::load::Loader;
use super::model::{
    AggregateMember, Encoding, EncodingKind, EnumerationLabel, Epoch, ParameterType, Size, TypeKind,
};
use super::names::{Declared, Space, description};
use super::notes::{Built, Kind, Refusal, mistake, unsupported};
use super::values::{attribute, boolean, double, integer, required};

/// A type and those it extends by baseType, itself first: what it does not say, they say.
struct Chain<'a> {
    own: Node<'a, 'a>,
    links: Vec<Declared<'a>>,
}

impl<'a> Chain<'a> {
    fn child(&self, name: &str) -> Option<(Node<'a, 'a>, u32)> {
        self.links.iter().find_map(|link| Some((child(link.node, name)?, link.system)))
    }

    fn attribute<T>(
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

impl<'a> Loader<'a> {
    /// One parameter type.
    pub(super) fn parameter_type(&mut self, declared: Declared<'a>) -> Built<'a, BuiltType> {
        let chain = self.chain(declared)?;
        let node = declared.node;
        let mut without_encoding = false;
        let mut encoding = |loader: &mut Self, default: Option<Encoding>| {
            loader.encoding_of(&chain, default, &mut without_encoding)
        };
        let kind = match name_of(node) {
            "IntegerParameterType" => {
                let encoding = encoding(self, Some(unsigned(8)))?;
                self.integer_type(&chain, encoding)?
            }
            "FloatParameterType" => {
                let encoding = encoding(self, Some(plain(EncodingKind::Ieee754, Size::Fixed(32))))?;
                self.float_type(&chain, encoding)?
            }
            "BooleanParameterType" => {
                let encoding = encoding(self, Some(unsigned(8)))?;
                let text = |name, or: &str| -> Built<'a, String> {
                    let text = chain.attribute(name, |text| Some(text.to_owned()))?;
                    Ok(text.unwrap_or_else(|| or.to_owned()))
                };
                let zero = text("zeroStringValue", "False")?;
                let one = text("oneStringValue", "True")?;
                self.of_number(node, encoding, |encoding| TypeKind::Boolean { zero, one, encoding })
            }
            "EnumeratedParameterType" => {
                let encoding = encoding(self, Some(unsigned(8)))?;
                let labels = labels(&chain)?;
                self.of_number(node, encoding, |encoding| TypeKind::Enumerated { labels, encoding })
            }
            "StringParameterType" => {
                let encoding = encoding(self, None)?;
                self.as_is(node, encoding, |kind| matches!(kind, EncodingKind::String(_)))
            }
            "BinaryParameterType" => {
                let encoding = encoding(self, None)?;
                self.as_is(node, encoding, |kind| *kind == EncodingKind::Binary)
            }
            "AbsoluteTimeParameterType" | "RelativeTimeParameterType" => {
                self.time_type(&chain, &mut without_encoding)?
            }
            "ArrayParameterType" => TypeKind::Array {
                element: self.type_reference(node, "arrayTypeRef", declared.system)?,
                dimensions: self.dimensions(node, declared.system)?,
            },
            "AggregateParameterType" => self.aggregate(declared)?,
            other => return Err(unsupported(node, format!("the parameter type {other}"))),
        };
        let alarms = match &kind {
            TypeKind::Array { .. } | TypeKind::Aggregate { .. } => Vec::new(),
            _ => self.alarms(chain.child("DefaultAlarm"), chain.child("ContextAlarmList")),
        };
        let built = ParameterType {
            name: declared.name.to_owned(),
            qualified_name: self.names.qualified(&declared),
            description: chain.links.iter().find_map(|link| description(link.node)),
            units: chain.child("UnitSet").and_then(|(set, _)| units(set)),
            kind,
            alarms,
        };
        Ok(BuiltType { built, without_encoding })
    }

    fn chain(&self, declared: Declared<'a>) -> Built<'a, Chain<'a>> {
        let mut links = vec![declared];
        let mut last = declared;
        while let Some(base) = last.node.attribute("baseType") {
            let found = self.find(last.node, Space::Type, "baseType", last.system)?;
            let link = self.names.declared(Space::Type).get(found.index as usize).copied();
            let Some(link) = link else { break };
            if links.iter().any(|known| known.node == link.node) {
                let names: Vec<_> = links.iter().map(|link| link.name).collect();
                let what = format!("baseType runs in a circle: {} -> {}", names.join(" -> "), link.name);
                return Err(mistake(last.node, what));
            }
            if name_of(link.node) != name_of(declared.node) {
                let what = format!("baseType `{base}` is a {}", name_of(link.node));
                return Err(mistake(last.node, what));
            }
            links.push(link);
            last = link;
        }
        Ok(Chain { own: declared.node, links })
    }

    fn encoding_of(
        &mut self,
        chain: &Chain<'a>,
        default: Option<Encoding>,
        without_encoding: &mut bool,
    ) -> Built<'a, Encoding> {
        for name in ENCODINGS {
            if let Some((node, system)) = chain.child(name) {
                return self.encoding(node, system);
            }
        }
        *without_encoding = default.is_none();
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
            return Ok(TypeKind::Integer { signed, size_bits, encoding });
        }
        // Both are hints for the implementation (XTCE IntegerDataType): every raw value has to fit.
        let mut signed = said_signed.unwrap_or(raw_signed);
        if raw_signed && !signed {
            let what = "signed=\"false\" with a signed encoding; values are taken as signed";
            self.note(warning(node, what));
            signed = true;
        }
        let needed = if signed && !raw_signed { bits.saturating_add(1) } else { bits };
        if needed > 64 {
            signed = raw_signed;
        }
        let size_bits = said.unwrap_or(needed).max(needed).min(64);
        Ok(TypeKind::Integer { signed, size_bits, encoding })
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
                self.note(warning(node, "a float of more than 64 bits; values are kept with 64"));
                64
            }
            _ => 64,
        };
        Ok(TypeKind::Float { size_bits, encoding })
    }

    /// A kind that needs a number; other bits are kept as they are.
    fn of_number(
        &mut self,
        node: Node<'a, 'a>,
        encoding: Encoding,
        kind: impl FnOnce(Encoding) -> TypeKind,
    ) -> TypeKind {
        if is_number(&encoding.kind) { kind(encoding) } else { self.as_is(node, encoding, |_| false) }
    }

    /// The type that an encoding has by itself; named if the document wanted another one.
    fn as_is(
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
            EncodingKind::Ieee754 | EncodingKind::MilStd1750A => {
                (TypeKind::Float { size_bits: 64, encoding }, "float")
            }
            ref number => {
                let signed = is_signed(number);
                (TypeKind::Integer { signed, size_bits: bits.min(64), encoding }, "integer")
            }
        };
        if !wanted {
            let what = format!("{} encoded as {word}; values stay {word}", name_of(node));
            self.note(unsupported(node, what));
        }
        kind
    }

    fn aggregate(&mut self, declared: Declared<'a>) -> Built<'a, TypeKind> {
        let Declared { node, system, .. } = declared;
        let list = child(node, "MemberList")
            .ok_or_else(|| mistake(node, "AggregateParameterType has no MemberList"))?;
        let mut members: Vec<AggregateMember> = Vec::new();
        for member in elements(list).filter(|member| name_of(*member) == "Member") {
            let name = required(member, "name", |name| Some(name.trim().to_owned()))?;
            if members.iter().any(|known| known.name == name) {
                return Err(mistake(member, format!("the member `{name}` is declared twice")));
            }
            members.push(AggregateMember {
                name,
                member_type: self.type_reference(member, "typeRef", system)?,
                description: description(member),
            });
        }
        Ok(TypeKind::Aggregate { members })
    }

    fn time_type(&mut self, chain: &Chain<'a>, without_encoding: &mut bool) -> Built<'a, TypeKind> {
        let node = chain.own;
        // The schema has the data encoding inside Encoding; documents of XTCE 1.0 leave that out.
        let holder = chain.child("Encoding");
        let inner = holder.and_then(|(holder, system)| {
            let form = elements(holder).find(|form| ENCODINGS.contains(&name_of(*form)))?;
            Some((form, system))
        });
        let encoding = match inner {
            Some((form, system)) => self.encoding(form, system)?,
            None => self.encoding_of(chain, None, without_encoding)?,
        };
        let (mut scale, mut offset, mut unit_seconds) = (1.0, 0.0, Some(1.0));
        if let Some((holder, _)) = holder {
            scale = attribute(holder, "scale", double)?.unwrap_or(1.0);
            offset = attribute(holder, "offset", double)?.unwrap_or(0.0);
            let units = holder.attribute("units").unwrap_or("seconds");
            unit_seconds = seconds(units);
            if unit_seconds.is_none() {
                self.note(unsupported(holder, format!("time in {units}; the raw number is kept")));
            }
        }
        let (Some(unit_seconds), true) = (unit_seconds, is_number(&encoding.kind)) else {
            let named = *without_encoding || unit_seconds.is_none();
            return Ok(self.as_is(node, encoding, |_| named));
        };
        if name_of(node) == "RelativeTimeParameterType" {
            return Ok(TypeKind::RelativeTime { scale, offset, unit_seconds, encoding });
        }
        let epoch = match chain.child("ReferenceTime") {
            Some((reference, system)) => self.epoch(reference, system)?,
            None => Epoch::None,
        };
        Ok(TypeKind::AbsoluteTime { epoch, scale, offset, unit_seconds, encoding })
    }

    fn epoch(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Epoch> {
        let offset = child(node, "OffsetFrom");
        let Some(epoch) = child(node, "Epoch") else {
            let offset = offset.ok_or_else(|| mistake(node, "ReferenceTime says no epoch"))?;
            let (parameter, _) = self.parameter_instance(offset, system)?;
            return Ok(Epoch::OffsetFrom(parameter));
        };
        if let Some(offset) = offset {
            self.note(mistake(offset, "OffsetFrom beside Epoch, which alone is used"));
        }
        let text = text_of(epoch);
        Ok(match text.as_str() {
            "TAI" => Epoch::Tai,
            "J2000" => Epoch::J2000,
            "UNIX" | "POSIX" => Epoch::Unix,
            "GPS" => Epoch::Gps,
            date => Epoch::Date(
                date_time(date).ok_or_else(|| mistake(epoch, format!("the epoch `{date}`")))?,
            ),
        })
    }
}

fn unsigned(bits: u32) -> Encoding {
    plain(EncodingKind::Unsigned, Size::Fixed(bits))
}

fn warning<'a>(node: Node<'a, 'a>, what: &str) -> Refusal<'a> {
    Refusal { node, kind: Kind::Warning, what: what.to_owned() }
}

fn encoding_bits(encoding: &Encoding) -> u32 {
    match encoding.size {
        Size::Fixed(bits) => bits,
        Size::Dynamic(_) | Size::SelfDelimited { .. } => 64,
    }
}

fn is_number(kind: &EncodingKind) -> bool {
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
        return Err(mistake(chain.own, "EnumeratedParameterType has no EnumerationList"));
    };
    let mut labels = Vec::new();
    for node in elements(list).filter(|node| name_of(*node) == "Enumeration") {
        let first = required(node, "value", integer)?;
        let last = attribute(node, "maxValue", integer)?.unwrap_or(first);
        if last < first {
            return Err(mistake(node, format!("maxValue {last} is below value {first}")));
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
            if let Some(power) = unit.attribute("power").and_then(double).filter(|p| *p != 1.0) {
                text = format!("{text}^{power}");
            }
            Some(text)
        })
        .collect();
    (!units.is_empty()).then(|| units.join(" "))
}

/// TimeUnitsType, and what real documents write besides. Months and years have no fixed length.
fn seconds(units: &str) -> Option<f64> {
    Some(match units.to_ascii_lowercase().as_str() {
        "seconds" | "second" | "s" => 1.0,
        "milliseconds" | "ms" => 1e-3,
        "microseconds" | "us" => 1e-6,
        "nanoseconds" | "ns" => 1e-9,
        "picoseconds" => 1e-12,
        "minutes" => 60.0,
        "hours" => 3600.0,
        "days" => 86_400.0,
        _ => return None,
    })
}

/// An xs:date or xs:dateTime as UTC microseconds since 1970.
fn date_time(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, time),
        None => (text.strip_suffix('Z').unwrap_or(text), "00:00:00"),
    };
    let mut parts = date.splitn(3, '-').map(|part| number(part, 4));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let (time, zone_minutes) = zone(time)?;
    let mut parts = time.splitn(3, ':');
    let hour = number(parts.next()?, 2)?;
    let minute = number(parts.next()?, 2)?;
    let second = parts.next()?;
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let fraction = format!("{fraction:0<6}");
    let second = number(second, 2)?;
    let micros = number(fraction.get(..fraction.len().min(6))?, 6)?;
    let in_month = (1..=12).contains(&month) && (1..=31).contains(&day);
    if !in_month || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let minutes = (days_from_civil(year, month, day) * 24 + hour) * 60 + minute - zone_minutes;
    Some((minutes * 60 + second) * 1_000_000 + micros)
}

fn number(digits: &str, most: usize) -> Option<i64> {
    let plain = digits.bytes().all(|o| o.is_ascii_digit()) && digits.len() <= most;
    if plain { digits.parse().ok() } else { None }
}

/// Splits `Z`, `+hh:mm` or `-hh:mm` off a time, as minutes.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (hours, minutes) = time.get(at + 1..)?.split_once(':')?;
    let minutes = number(hours, 2)? * 60 + number(minutes, 2)?;
    let east = time.get(at..)?.starts_with('+');
    Some((time.get(..at)?, if east { minutes } else { -minutes }))
}

/// Days since 1970-01-01 of the proleptic Gregorian calendar, counted in eras of 400 years.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
