//! What is noticed while loading, each with its place.

use roxmltree::Node;

use super::document::Source;
use super::model::Unsupported;

/// Why something cannot be built, and where.
#[derive(Clone, Debug)]
pub(super) struct Refusal<'a> {
    pub(super) node: Node<'a, 'a>,
    pub(super) kind: Kind,
    pub(super) what: String,
}

/// What was built, or why not.
pub(super) type Built<'a, T> = Result<T, Refusal<'a>>;

/// Which list a note belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unsupported,
    Mistake,
    Warning,
}

/// The document says something that is not supported.
pub(super) fn unsupported<'a>(node: Node<'a, 'a>, what: impl Into<String>) -> Refusal<'a> {
    Refusal {
        node,
        kind: Kind::Unsupported,
        what: what.into(),
    }
}

/// The document is wrong.
pub(super) fn mistake<'a>(node: Node<'a, 'a>, what: impl Into<String>) -> Refusal<'a> {
    Refusal {
        node,
        kind: Kind::Mistake,
        what: what.into(),
    }
}

/// The document can be understood in several ways; one was taken.
pub(super) fn warning<'a>(node: Node<'a, 'a>, what: impl Into<String>) -> Refusal<'a> {
    Refusal {
        node,
        kind: Kind::Warning,
        what: what.into(),
    }
}

impl Refusal<'_> {
    /// Adds what follows from it for the data.
    pub(super) fn so(mut self, consequence: &str) -> Self {
        self.what.push_str("; ");
        self.what.push_str(consequence);
        self
    }
}

/// Most notes of one kind that are kept.
const NOTES_MAX: usize = 10_000;

/// All notes of a load.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) unsupported: Vec<Unsupported>,
    pub(super) mistakes: Vec<Unsupported>,
    pub(super) warnings: Vec<Unsupported>,
}

impl Notes {
    pub(super) fn add(&mut self, sources: &[Source<'_>], refusal: Refusal<'_>) {
        let list = match refusal.kind {
            Kind::Unsupported => &mut self.unsupported,
            Kind::Mistake => &mut self.mistakes,
            Kind::Warning => &mut self.warnings,
        };
        if list.len() < NOTES_MAX {
            list.push(note(sources, refusal.node, refusal.what));
        } else if let Some(last) = list.last_mut() {
            // Told once more notes come than anyone reads: a hostile document has millions.
            last.what = format!("more than {NOTES_MAX} notes; the others are not listed");
        }
    }

    /// Puts each list into document order, once each.
    pub(super) fn sort(&mut self, sources: &[Source<'_>]) {
        for list in [
            &mut self.unsupported,
            &mut self.mistakes,
            &mut self.warnings,
        ] {
            list.sort_by_key(|note| {
                let file = sources.iter().position(|source| source.file == note.file);
                (file, note.line, note.column)
            });
            list.dedup();
        }
    }
}

/// File and line of a node.
pub(super) fn place(sources: &[Source<'_>], node: Node<'_, '_>) -> (String, u32, u32) {
    // Each node belongs to one of the documents; which one is a question of identity.
    match sources.iter().find(|source| {
        std::ptr::eq(
            &raw const source.document,
            std::ptr::from_ref(node.document()).cast(),
        )
    }) {
        Some(source) => {
            let (line, column) = source.place(node.range().start);
            (source.file.to_owned(), line, column)
        }
        None => (String::new(), 0, 0),
    }
}

fn note(sources: &[Source<'_>], node: Node<'_, '_>, what: String) -> Unsupported {
    let (file, line, column) = place(sources, node);
    let mut steps: Vec<String> = node
        .ancestors()
        .filter(Node::is_element)
        .map(|element| match element.attribute("name") {
            Some(name) => format!("{}[{name}]", element.tag_name().name()),
            None => element.tag_name().name().to_owned(),
        })
        .collect();
    steps.reverse();
    Unsupported {
        file,
        line,
        column,
        path: steps.join("/"),
        what,
    }
}
