//! What the navigation data messages have in common: keywords and values in KVN and XML
//! (CCSDS 502.0-B-3 section 7, CCSDS 505.0-B-3).

use space_link::time::UtcMicros;

use super::error::{FileError, RecordError};

/// The most nodes of an XML document: some 80,000 satellites.
const NODES_MAX: u32 = 8_000_000;
/// How much of a wrong value is repeated.
const SHOWN_MAX: usize = 60;

/// A line of KVN with something in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    pub(super) content: Content<'a>,
}

/// What stands in a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Content<'a> {
    /// `KEYWORD = value`, without unit.
    Value(&'a str, &'a str),
    /// Anything else: `META_START`, a line of an ephemeris.
    Bare(&'a str),
}

/// The lines that are not empty and no comments.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let line = line.trim();
        let is_comment = line == "COMMENT" || line.starts_with("COMMENT ");
        if line.is_empty() || is_comment {
            return None;
        }
        let content = match line.split_once('=') {
            Some((keyword, value)) => Content::Value(keyword.trim(), without_unit(value.trim())),
            None => Content::Bare(line),
        };
        Some(Line {
            number: index + 1,
            content,
        })
    })
}

/// `98.2 [deg]` is 98.2; brackets after anything but a number are part of a name.
fn without_unit(value: &str) -> &str {
    match value.split_once('[') {
        Some((number, unit)) if unit.ends_with(']') && number.trim().parse::<f64>().is_ok() => {
            number.trim_end()
        }
        _ => value,
    }
}

/// Reads XML without DTD, so without entities of its own, within bounds.
pub(super) fn parse_xml(text: &str) -> Result<roxmltree::Document<'_>, FileError> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: false,
        nodes_limit: NODES_MAX,
        ..Default::default()
    };
    roxmltree::Document::parse_with_options(text, options).map_err(|source| FileError::Xml {
        nodes_max: NODES_MAX,
        source,
    })
}

/// Counts lines up to places of a text that come in order, so that the text is gone through once.
pub(super) struct LineCounter<'a> {
    rest: &'a str,
    at: usize,
    line: usize,
}

impl<'a> LineCounter<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            at: 0,
            line: 1,
        }
    }

    /// The line, counted from 1, of an octet that is not before the last one asked for.
    pub(super) fn line(&mut self, octet: usize) -> usize {
        let passed = octet.saturating_sub(self.at).min(self.rest.len());
        let (before, rest) = self
            .rest
            .split_at_checked(passed)
            .unwrap_or(("", self.rest));
        self.line += before.bytes().filter(|octet| *octet == b'\n').count();
        self.at += before.len();
        self.rest = rest;
        self.line
    }
}

/// The text of an element.
pub(super) fn text<'a>(node: roxmltree::Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

/// The text of the first child element of a name.
pub(super) fn child<'a>(node: roxmltree::Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.children()
        .find(|child| child.is_element() && child.tag_name().name() == name)
        .map(text)
}

/// A time in ASCII code A or B.
pub(super) fn time(keyword: &'static str, value: &str) -> Result<UtcMicros, RecordError> {
    value.parse().map_err(|_| RecordError::Malformed {
        keyword,
        got: shown(value),
        wanted: "a time as 2025-03-11T12:00:00 or 2025-070T12:00:00",
    })
}

/// A finite number.
pub(super) fn number(keyword: &'static str, value: &str) -> Result<f64, RecordError> {
    value
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| RecordError::Malformed {
            keyword,
            got: shown(value),
            wanted: "a number",
        })
}

/// A value as a message repeats it.
pub(super) fn shown(value: &str) -> String {
    value.chars().take(SHOWN_MAX).collect()
}

/// Text as it stands between XML tags.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // What XML 1.0 has no place for (2.2).
            '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            character if character.is_control() => escaped.push('?'),
            character => escaped.push(character),
        }
    }
    escaped
}
