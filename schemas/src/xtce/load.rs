//! Loading: from documents to the model.

use std::cell::Cell;
use std::collections::HashMap;
use std::path::PathBuf;

use roxmltree::Node;

use super::XtceError;
use super::document::{NAMESPACES, OCTETS_MAX, Source};
use super::elements;
use super::model::{ContainerId, MissionDatabase, Parameter, ParameterId, TypeId};
use super::names::{Declared, Found, Names, Space, description, index};
use super::notes::{Built, Notes, Refusal, mistake, place, unsupported};
use super::prune::{self, Draft};
use super::prune_commands::{self, CommandDraft};
use super::structure;

/// After so many names that are nowhere, the nearest ones are no longer looked for.
const NEAREST_MAX: usize = 100;

impl MissionDatabase {
    /// Loads the documents of one mission; they share one tree of space systems.
    ///
    /// What a document says and this model does not carry is in `unsupported`; what is wrong in
    /// it, but harms only what depends on it, is in `mistakes`.
    ///
    /// # Errors
    /// When a document cannot be read, is no XTCE, exceeds a bound, or defines something by itself.
    pub fn load_files(paths: &[PathBuf]) -> Result<Self, XtceError> {
        let mut texts = Vec::new();
        for path in paths {
            let read = |source| XtceError::Read {
                path: path.clone(),
                source,
            };
            let file = path
                .file_name()
                .unwrap_or(path.as_os_str())
                .to_string_lossy()
                .into_owned();
            let metadata = std::fs::metadata(path).map_err(read)?;
            if !metadata.is_file() {
                return Err(read(std::io::Error::other("it is not a file")));
            }
            let octets = metadata.len();
            if octets > OCTETS_MAX {
                return Err(XtceError::TooLarge {
                    file,
                    octets,
                    limit: OCTETS_MAX,
                });
            }
            let octets = std::fs::read(path).map_err(read)?;
            let text = String::from_utf8(octets).map_err(|error| XtceError::NotUtf8 {
                file: file.clone(),
                offset: error.utf8_error().valid_up_to(),
            })?;
            texts.push((file, text));
        }
        let documents: Vec<_> = texts
            .iter()
            .map(|(file, text)| (file.as_str(), text.as_str()))
            .collect();
        Self::from_documents(&documents)
    }

    /// Loads documents given as (file name, text).
    ///
    /// # Errors
    /// As [`MissionDatabase::load_files`].
    pub fn from_documents(documents: &[(&str, &str)]) -> Result<Self, XtceError> {
        let mut sources = Vec::with_capacity(documents.len());
        for (file, text) in documents {
            sources.push(Source::parse(file, text)?);
        }
        if sources.is_empty() {
            return Err(XtceError::NoDocument);
        }
        for source in &sources {
            refuse_includes(source)?;
        }
        Loader::new(&sources).load()
    }
}

/// The state of one load.
pub(super) struct Loader<'a> {
    sources: &'a [Source<'a>],
    pub(super) names: Names<'a>,
    notes: Notes,
    /// Parts of parameters that references name, and who named them first.
    parts: Vec<Part<'a>>,
    part_index: HashMap<(u32, String), u32>,
    /// Names that arguments are referred to by.
    pub(super) argument_names: Vec<String>,
    pub(super) argument_index: HashMap<String, u32>,
    dangling: Cell<usize>,
    /// The encoding just built was not understood, and that has been noted.
    pub(super) degraded: bool,
}

/// A reference to a part of a parameter.
#[derive(Clone)]
pub(super) struct Part<'a> {
    pub(super) whole: ParameterId,
    pub(super) path: String,
    pub(super) node: Node<'a, 'a>,
}

impl<'a> Loader<'a> {
    fn new(sources: &'a [Source<'a>]) -> Self {
        let mut names = Names::default();
        for source in sources {
            names.collect(source.document.root_element());
        }
        Self {
            sources,
            names,
            notes: Notes::default(),
            parts: Vec::new(),
            part_index: HashMap::new(),
            argument_names: Vec::new(),
            argument_index: HashMap::new(),
            dangling: Cell::new(0),
            degraded: false,
        }
    }

    fn load(mut self) -> Result<MissionDatabase, XtceError> {
        for refusal in std::mem::take(&mut self.names.refusals) {
            self.note(refusal);
        }
        for source in self.sources {
            elements::audit(source.document.root_element(), &mut |refusal| {
                self.notes.add(self.sources, refusal);
            });
        }
        self.check_base_types(Space::Type)?;
        self.check_base_types(Space::ArgumentType)?;
        let mut draft = Draft::default();
        for declared in self.declared(Space::Type) {
            let built = self.parameter_type(declared);
            let built = self.kept(built, declared);
            draft
                .without_encoding
                .push(built.as_ref().is_some_and(|b| b.without_encoding));
            draft.types.push(built.map(|built| built.built));
        }
        for declared in self.declared(Space::Parameter) {
            let built = self.parameter_declaration(declared);
            draft.parameters.push(self.kept(built, declared));
        }
        for declared in self.declared(Space::Container) {
            let built = self.container(declared);
            draft.containers.push(self.kept(built, declared));
        }
        draft.types_at = self.declared(Space::Type);
        draft.parameters_at = self.declared(Space::Parameter);
        draft.containers_at = self.declared(Space::Container);
        let commands = self.commands()?;
        draft.parts = std::mem::take(&mut self.parts);
        structure::check(&draft, self.sources)?;
        let mut note = |refusal| self.notes.add(self.sources, refusal);
        let (mut database, numbers) = prune::complete(draft, &mut note);
        prune_commands::complete(commands, &numbers, &mut database, &mut note);
        database.argument_names = self.argument_names;
        self.notes.sort(self.sources);
        database.meta_commands = self.names.meta_commands;
        database.space_systems = self.names.space_systems();
        database.unsupported = self.notes.unsupported;
        database.mistakes = self.notes.mistakes;
        database.warnings = self.notes.warnings;
        Ok(database)
    }

    fn check_base_types(&self, space: Space) -> Result<(), XtceError> {
        let types = self.names.declared(space);
        let base = |declared: &Declared<'a>| {
            let reference = declared.node.attribute("baseType")?;
            Some(self.names.find(space, declared.system, reference)?.index)
        };
        let edges: Vec<Vec<u32>> = types
            .iter()
            .map(|d| base(d).into_iter().collect())
            .collect();
        structure::check_extends("types extend each other", &edges, types, self.sources)
    }

    /// Built before telemetry is pruned: commands too refer to parts of parameters.
    fn commands(&mut self) -> Result<CommandDraft<'a>, XtceError> {
        let mut draft = CommandDraft {
            types_at: self.declared(Space::ArgumentType),
            containers_at: self.declared(Space::CommandContainer),
            commands_at: self.declared(Space::MetaCommand),
            ..CommandDraft::default()
        };
        for declared in draft.types_at.clone() {
            let built = self.argument_type(declared);
            draft.types.push(self.kept(built, declared));
        }
        for declared in draft.containers_at.clone() {
            let built = self.command_container(declared);
            draft.containers.push(self.kept(built, declared));
        }
        for declared in draft.commands_at.clone() {
            let built = self.meta_command(declared);
            draft.commands.push(self.kept(built, declared));
        }
        structure::check_commands(&draft, self.sources)?;
        Ok(draft)
    }

    fn declared(&self, space: Space) -> Vec<Declared<'a>> {
        self.names.declared(space).to_vec()
    }

    fn parameter_declaration(&mut self, declared: Declared<'a>) -> Built<'a, Parameter> {
        Ok(Parameter {
            name: declared.name.to_owned(),
            qualified_name: self.names.qualified(&declared),
            parameter_type: self.type_reference(declared.node, "parameterTypeRef", declared)?,
            description: description(declared.node),
        })
    }

    /// Notes why a declaration is left out.
    fn kept<T>(&mut self, built: Built<'a, T>, declared: Declared<'a>) -> Option<T> {
        match built {
            Ok(built) => Some(built),
            Err(refusal) => {
                let consequence = format!("`{}` is left out", self.names.qualified(&declared));
                self.note(refusal.so(&consequence));
                None
            }
        }
    }

    /// File, line and column of a node.
    pub(super) fn place(&self, node: Node<'a, 'a>) -> (String, u32, u32) {
        place(self.sources, node)
    }

    pub(super) fn note(&mut self, refusal: Refusal<'a>) {
        self.notes.add(self.sources, refusal);
    }

    /// A reference from a declaration to a type: of arguments from an argument type, else of
    /// parameters.
    pub(super) fn type_reference(
        &mut self,
        node: Node<'a, 'a>,
        attribute: &str,
        from: Declared<'a>,
    ) -> Built<'a, TypeId> {
        let space = match from.space {
            Space::ArgumentType | Space::MetaCommand => Space::ArgumentType,
            _ => Space::Type,
        };
        Ok(TypeId(
            self.find(node, space, attribute, from.system)?.index,
        ))
    }

    /// A reference to a container.
    pub(super) fn container_reference(
        &mut self,
        node: Node<'a, 'a>,
        attribute: &str,
        system: u32,
    ) -> Built<'a, ContainerId> {
        Ok(ContainerId(
            self.find(node, Space::Container, attribute, system)?.index,
        ))
    }

    /// A reference to a parameter or a part of one.
    pub(super) fn parameter(
        &mut self,
        node: Node<'a, 'a>,
        attribute: &str,
        system: u32,
    ) -> Built<'a, ParameterId> {
        let found = self.find(node, Space::Parameter, attribute, system)?;
        let Some(path) = found.part else {
            return Ok(ParameterId(found.index));
        };
        let entry = matches!(
            node.tag_name().name(),
            "ParameterRefEntry" | "ArrayParameterRefEntry" | "ParameterSegmentRefEntry"
        );
        if entry {
            return Err(unsupported(
                node,
                "a part of a parameter as an entry of a container",
            ));
        }
        let declared = index(self.names.declared(Space::Parameter).len());
        let key = (found.index, path);
        if let Some(part) = self.part_index.get(&key) {
            return Ok(ParameterId(declared + part));
        }
        let part = index(self.parts.len());
        self.parts.push(Part {
            whole: ParameterId(key.0),
            path: key.1.clone(),
            node,
        });
        self.part_index.insert(key, part);
        Ok(ParameterId(declared + part))
    }

    /// What the reference in an attribute refers to.
    pub(super) fn find(
        &self,
        node: Node<'a, 'a>,
        space: Space,
        attribute: &str,
        system: u32,
    ) -> Built<'a, Found> {
        let Some(reference) = node.attribute(attribute) else {
            return Err(mistake(
                node,
                format!("{} has no {attribute}", node.tag_name().name()),
            ));
        };
        if let Some(found) = self.names.find(space, system, reference) {
            return Ok(found);
        }
        let searched = self.dangling.get();
        self.dangling.set(searched + 1);
        let nearest = if searched < NEAREST_MAX {
            self.names.nearest(space, reference)
        } else {
            None
        };
        let hint = nearest.map_or_else(String::new, |name| format!(", the nearest is `{name}`"));
        Err(mistake(
            node,
            format!("{attribute}=\"{reference}\" names nothing{hint}"),
        ))
    }
}

/// Refuses XInclude anywhere; other foreign elements are only named.
fn refuse_includes(source: &Source<'_>) -> Result<(), XtceError> {
    let include = source.document.descendants().find(|node| {
        node.tag_name().namespace().is_some_and(|namespace| {
            namespace.contains("XInclude") && !NAMESPACES.contains(&namespace)
        })
    });
    match include {
        Some(node) => {
            let (line, _) = source.place(node.range().start);
            Err(XtceError::Include {
                file: source.file.to_owned(),
                line,
            })
        }
        None => Ok(()),
    }
}

/// The place of a declaration, for errors.
pub(super) fn file_line(sources: &[Source<'_>], node: Node<'_, '_>) -> (String, u32) {
    let (file, line, _) = place(sources, node);
    (file, line)
}
