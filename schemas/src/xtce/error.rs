//! Why a mission database cannot be loaded at all.

use std::path::PathBuf;

/// A document that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum XtceError {
    /// The file cannot be read.
    #[error("cannot read the XTCE file {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No document was given.
    #[error("no XTCE document is given; name at least one under `xtce` in mission.toml")]
    NoDocument,
    /// The file is larger than is accepted.
    #[error("{file}: {octets} octets, more than the {limit} that are accepted")]
    TooLarge {
        /// Which document.
        file: String,
        /// How large it is.
        octets: u64,
        /// How large it may be.
        limit: u64,
    },
    /// The file is not UTF-8.
    #[error("{file}: not UTF-8 at octet {offset}; save the document as UTF-8")]
    NotUtf8 {
        /// Which document.
        file: String,
        /// First octet that is not UTF-8.
        offset: usize,
    },
    /// A document type definition, which could declare entities.
    #[error("{file}:{line}: a DOCTYPE is not accepted; remove it, XTCE needs none")]
    DocumentType {
        /// Which document.
        file: String,
        /// Line, from 1.
        line: u32,
    },
    /// Elements inside each other without end.
    #[error("{file}:{line}: elements nest deeper than {limit}")]
    TooDeep {
        /// Which document.
        file: String,
        /// Line, from 1.
        line: u32,
        /// How deep they may nest.
        limit: usize,
    },
    /// An element with attributes without end.
    #[error("{file}:{line}: more than {limit} attributes in one element")]
    TooManyAttributes {
        /// Which document.
        file: String,
        /// Line, from 1.
        line: u32,
        /// How many there may be.
        limit: usize,
    },
    /// More elements and texts than are accepted.
    #[error("{file}: more than {limit} elements")]
    TooManyNodes {
        /// Which document.
        file: String,
        /// How many there may be.
        limit: u32,
    },
    /// Not well-formed XML.
    #[error("{file}: not well-formed XML")]
    Xml {
        /// Which document.
        file: String,
        /// Where and why.
        source: roxmltree::Error,
    },
    /// The root element is not an XTCE SpaceSystem.
    #[error("{file}:{line}: the root element is `{element}`, not an XTCE `SpaceSystem`")]
    NotSpaceSystem {
        /// Which document.
        file: String,
        /// Line, from 1.
        line: u32,
        /// What the root element is.
        element: String,
    },
    /// A namespace that is not XTCE's.
    #[error(
        "{file}:{line}: the namespace `{namespace}` is not XTCE's; known are {}",
        super::document::NAMESPACES.join(", ")
    )]
    Namespace {
        /// Which document.
        file: String,
        /// Line, from 1.
        line: u32,
        /// The namespace found.
        namespace: String,
    },
    /// `xi:include`: nothing outside the given files is read.
    #[error("{file}:{line}: XInclude is not followed; give each file in mission.toml")]
    Include {
        /// Which document.
        file: String,
        /// Line, from 1.
        line: u32,
    },
    /// Something that contains or extends itself.
    #[error("{file}:{line}: {what} in a circle: {}", chain.join(" -> "))]
    Cycle {
        /// Which document.
        file: String,
        /// Line, from 1.
        line: u32,
        /// What runs in a circle.
        what: &'static str,
        /// The names, the first one again at the end.
        chain: Vec<String>,
    },
    /// Definitions that unfold to more than a machine can hold.
    #[error("{file}:{line}: `{name}` unfolds to {count} {what}, more than {limit}")]
    Unfolds {
        /// Which document.
        file: String,
        /// Line, from 1.
        line: u32,
        /// Which container or type.
        name: String,
        /// How many.
        count: u64,
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
}
