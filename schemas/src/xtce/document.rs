//! One XML document, checked before anything trusts it.
//!
//! Bounds come first: octets, then nesting and DOCTYPE by a scan that keeps no stack, then the
//! parser with its own bound on nodes.

use roxmltree::{Document, Node, ParsingOptions};

use super::XtceError;

/// The namespaces of XTCE 1.0/1.1, 1.2 and 1.3.
pub(super) const NAMESPACES: [&str; 3] = [
    "http://www.omg.org/space/xtce",
    "http://www.omg.org/spec/XTCE/20180204",
    "http://www.omg.org/spec/XTCE/20250214",
];

/// Largest document, in octets.
pub(super) const OCTETS_MAX: u64 = 64 << 20;
/// Deepest nesting of elements; real documents stay below 40.
const DEPTH_MAX: usize = 128;
/// Most attributes of one element; the parser compares each with each.
const ATTRIBUTES_MAX: usize = 256;
/// Most elements, texts and comments in one document.
const NODES_MAX: u32 = 4_000_000;

/// A parsed document, its name, and where its lines start.
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) document: Document<'a>,
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Checks and parses one document.
    pub(super) fn parse(file: &'a str, text: &'a str) -> Result<Self, XtceError> {
        let octets = text.len() as u64;
        if octets > OCTETS_MAX {
            return Err(XtceError::TooLarge {
                file: file.to_owned(),
                octets,
                limit: OCTETS_MAX,
            });
        }
        scan(file, text)?;
        let options = ParsingOptions {
            allow_dtd: false,
            nodes_limit: NODES_MAX,
            ..ParsingOptions::default()
        };
        let document =
            Document::parse_with_options(text, options).map_err(|source| match source {
                roxmltree::Error::NodesLimitReached => XtceError::TooManyNodes {
                    file: file.to_owned(),
                    limit: NODES_MAX,
                },
                source => XtceError::Xml {
                    file: file.to_owned(),
                    source,
                },
            })?;
        let line_starts = std::iter::once(0)
            .chain(
                text.bytes()
                    .enumerate()
                    .filter(|(_, octet)| *octet == b'\n')
                    .map(|(at, _)| at + 1),
            )
            .collect();
        let source = Self {
            file,
            document,
            text,
            line_starts,
        };
        source.check_root()?;
        Ok(source)
    }

    /// Line and column of an octet, both from 1; columns count characters
    /// (octets far into a long line).
    pub(super) fn place(&self, octet: usize) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= octet);
        let start = self
            .line_starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(0);
        // A line of megabytes is counted in octets: each place in it would be read from its start.
        let column = match self.text.get(start..octet) {
            Some(before) if before.len() < 4096 => before.chars().count(),
            _ => octet.saturating_sub(start),
        };
        (saturate(line), saturate(column + 1))
    }

    fn check_root(&self) -> Result<(), XtceError> {
        let root = self.document.root_element();
        let line = self.place(root.range().start).0;
        let file = self.file.to_owned();
        if root.tag_name().name() != "SpaceSystem" {
            let element = root.tag_name().name().to_owned();
            return Err(XtceError::NotSpaceSystem {
                file,
                line,
                element,
            });
        }
        match root.tag_name().namespace() {
            Some(namespace) if !NAMESPACES.contains(&namespace) => Err(XtceError::Namespace {
                file,
                line,
                namespace: namespace.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// True for an element of any XTCE version, or of a document without a namespace.
pub(super) fn is_xtce(node: Node<'_, '_>) -> bool {
    node.is_element()
        && node
            .tag_name()
            .namespace()
            .is_none_or(|namespace| NAMESPACES.contains(&namespace))
}

/// The XTCE elements directly below `node`.
pub(super) fn elements<'a>(node: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(|child| is_xtce(*child))
}

/// The first XTCE element of this name directly below `node`.
pub(super) fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    elements(node).find(|child| child.tag_name().name() == name)
}

/// The element's local name.
pub(super) fn name_of<'a>(node: Node<'a, 'a>) -> &'a str {
    node.tag_name().name()
}

/// All text directly below `node`, trimmed (comments may split it).
pub(super) fn text_of(node: Node<'_, '_>) -> String {
    let text: String = node
        .children()
        .filter(Node::is_text)
        .filter_map(|child| child.text())
        .collect();
    text.trim().to_owned()
}

fn saturate(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Refuses DOCTYPE and deep nesting; whether it is well-formed is the parser's to say.
fn scan(file: &str, text: &str) -> Result<(), XtceError> {
    let octets = text.as_bytes();
    let line_at = |at: usize| {
        saturate(
            octets
                .iter()
                .take(at)
                .filter(|octet| **octet == b'\n')
                .count()
                + 1,
        )
    };
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(open) = octets
        .get(at..)
        .and_then(|rest| rest.iter().position(|o| *o == b'<'))
    {
        let start = at + open;
        let rest = octets.get(start..).unwrap_or_default();
        at = if rest.starts_with(b"<!--") {
            skip_past(octets, start + 4, b"-->")
        } else if rest.starts_with(b"<![CDATA[") {
            skip_past(octets, start + 9, b"]]>")
        } else if rest.starts_with(b"<?") {
            skip_past(octets, start + 2, b"?>")
        } else if rest.starts_with(b"<!") {
            return Err(XtceError::DocumentType {
                file: file.to_owned(),
                line: line_at(start),
            });
        } else {
            let Some(end) = tag_end(octets, start + 1) else {
                return Err(XtceError::TooManyAttributes {
                    file: file.to_owned(),
                    line: line_at(start),
                    limit: ATTRIBUTES_MAX,
                });
            };
            let closes = rest.starts_with(b"</");
            let empty = end >= 2 && octets.get(end - 2) == Some(&b'/');
            if closes {
                depth = depth.saturating_sub(1);
            } else if !empty {
                depth += 1;
            }
            if depth > DEPTH_MAX {
                let line = line_at(start);
                return Err(XtceError::TooDeep {
                    file: file.to_owned(),
                    line,
                    limit: DEPTH_MAX,
                });
            }
            end
        };
    }
    Ok(())
}

/// The octet after the `>` that ends a tag; quoted attribute values may hold one. `None` if there
/// are too many attributes.
fn tag_end(octets: &[u8], from: usize) -> Option<usize> {
    let mut quote = None;
    let mut attributes = 0;
    for (at, octet) in octets.iter().enumerate().skip(from) {
        match (quote, octet) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(octet),
            (None, b'=') if attributes == ATTRIBUTES_MAX => return None,
            (None, b'=') => attributes += 1,
            (Some(open), octet) if open == octet => quote = None,
            _ => {}
        }
    }
    Some(octets.len())
}

fn skip_past(octets: &[u8], from: usize, end: &[u8]) -> usize {
    let rest = octets.get(from..).unwrap_or_default();
    rest.windows(end.len())
        .position(|w| w == end)
        .map_or(octets.len(), |at| from + at + end.len())
}
