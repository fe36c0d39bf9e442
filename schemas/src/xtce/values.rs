//! Numbers, truth values and integers that only the packet at hand gives.

use roxmltree::Node;

use super::document::{child, elements, name_of, text_of};
use super::load::Loader;
use super::model::IntegerValue;
use super::notes::{Built, mistake, unsupported};

/// An integer in any of XTCE's notations: decimal, `0x`, `0o`, `0b`.
pub(super) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let radix = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 10,
    };
    let digits = if radix == 10 {
        digits
    } else {
        digits.get(2..)?
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// An xs:double, also in the integer notations.
pub(super) fn double(text: &str) -> Option<f64> {
    let text = text.trim();
    match text {
        "INF" | "+INF" => return Some(f64::INFINITY),
        "-INF" => return Some(f64::NEG_INFINITY),
        "NaN" => return Some(f64::NAN),
        _ => {}
    }
    let plain = text
        .bytes()
        .all(|o| o.is_ascii_digit() || b"+-.eE".contains(&o));
    if plain {
        text.parse().ok()
    } else {
        #[allow(
            clippy::cast_precision_loss,
            reason = "an xs:double has 53 bits by definition"
        )]
        integer(text).map(|value| value as f64)
    }
}

/// An xs:boolean.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// An attribute that must be readable if it is there.
pub(super) fn attribute<'a, T>(
    node: Node<'a, 'a>,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Built<'a, Option<T>> {
    let Some(text) = node.attribute(name) else {
        return Ok(None);
    };
    match parse(text) {
        Some(value) => Ok(Some(value)),
        None => Err(mistake(node, format!("{name}=\"{text}\" cannot be read"))),
    }
}

/// An attribute that must be there and readable.
pub(super) fn required<'a, T>(
    node: Node<'a, 'a>,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Built<'a, T> {
    attribute(node, name, parse)?
        .ok_or_else(|| mistake(node, format!("{} has no {name}", name_of(node))))
}

impl<'a> Loader<'a> {
    /// IntegerValueType: FixedValue, DynamicValue or DiscreteLookupList inside `node`.
    pub(super) fn integer_value(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
    ) -> Built<'a, IntegerValue> {
        for form in elements(node) {
            match name_of(form) {
                "FixedValue" => {
                    let text = text_of(form);
                    return integer(&text)
                        .map(IntegerValue::Fixed)
                        .ok_or_else(|| mistake(form, format!("`{text}` is not an integer")));
                }
                "DynamicValue" => return self.dynamic_value(form, system),
                "DiscreteLookupList" => return self.lookup(form, system),
                _ => {}
            }
        }
        let what = format!(
            "{} has no FixedValue, DynamicValue or DiscreteLookupList",
            name_of(node)
        );
        Err(mistake(node, what))
    }

    fn dynamic_value(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, IntegerValue> {
        let reference = child(node, "ParameterInstanceRef")
            .or_else(|| child(node, "ArgumentInstanceRef"))
            .ok_or_else(|| mistake(node, "DynamicValue refers to no value"))?;
        let (parameter, calibrated) = self.parameter_instance(reference, system)?;
        let (mut slope, mut intercept) = (1.0, 0.0);
        if let Some(adjustment) = child(node, "LinearAdjustment") {
            slope = attribute(adjustment, "slope", double)?.unwrap_or(1.0);
            intercept = attribute(adjustment, "intercept", double)?.unwrap_or(0.0);
            if !slope.is_finite() || !intercept.is_finite() {
                return Err(mistake(adjustment, "slope and intercept must be finite"));
            }
        }
        Ok(IntegerValue::Parameter {
            parameter,
            calibrated,
            slope,
            intercept,
        })
    }

    fn lookup(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, IntegerValue> {
        let mut rows = Vec::new();
        for row in elements(node).filter(|row| name_of(*row) == "DiscreteLookup") {
            let value = required(row, "value", integer)?;
            let condition = self
                .match_criteria(row, system)?
                .ok_or_else(|| mistake(row, "DiscreteLookup has no condition"))?;
            rows.push((condition, value));
        }
        if rows.is_empty() {
            return Err(mistake(node, "DiscreteLookupList is empty"));
        }
        Ok(IntegerValue::Lookup(rows))
    }

    /// ParameterInstanceRefType or ArgumentInstanceRefType: which value, and whether its calibrated
    /// one.
    pub(super) fn parameter_instance(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
    ) -> Built<'a, (super::model::ParameterId, bool)> {
        let instance = attribute(node, "instance", integer)?.unwrap_or(0);
        if instance != 0 {
            let what =
                format!("instance=\"{instance}\": only values of the packet at hand are known");
            return Err(unsupported(node, what));
        }
        let calibrated = attribute(node, "useCalibratedValue", boolean)?.unwrap_or(true);
        if let Some(name) = node.attribute("argumentRef") {
            return Ok((self.argument_named(name), calibrated));
        }
        Ok((self.parameter(node, "parameterRef", system)?, calibrated))
    }
}
