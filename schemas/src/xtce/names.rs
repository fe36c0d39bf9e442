//! Declarations and the names that refer to them.
//!
//! Names are found as XTCE's NameReferenceType says: `/a/b/c` from the root, `../b/c` and `b/c`
//! from the space system of the reference, a bare name in that space system; a relative name that
//! is not there is looked for in the enclosing space systems, the nearest first. `..` at the root
//! stays at the root, as in a file system.

use std::collections::HashMap;

use roxmltree::{Node, NodeId};

use super::document::{child, elements, name_of, text_of};
use super::notes::{Refusal, mistake, unsupported, warning};

/// After so many refused declarations, the first of two is no longer looked for.
const PLACES_MAX: usize = 100;

/// What kind of thing a name is for; they do not clash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Type,
    Parameter,
    Container,
    ArgumentType,
    MetaCommand,
    CommandContainer,
}

impl Space {
    fn word(self) -> &'static str {
        match self {
            Self::Type => "parameter type",
            Self::Parameter => "parameter",
            Self::Container => "container",
            Self::ArgumentType => "argument type",
            Self::MetaCommand => "command",
            Self::CommandContainer => "command container",
        }
    }
}

/// A space system.
pub(super) struct System<'a> {
    parent: Option<u32>,
    qualified: String,
    children: HashMap<&'a str, u32>,
}

/// Something with a name.
#[derive(Clone, Copy)]
pub(super) struct Declared<'a> {
    pub(super) node: Node<'a, 'a>,
    pub(super) system: u32,
    pub(super) name: &'a str,
    pub(super) space: Space,
}

/// What a reference found: a declaration, and a part of it if the reference says so.
pub(super) struct Found {
    pub(super) index: u32,
    pub(super) part: Option<String>,
}

/// All space systems and what they declare.
#[derive(Default)]
pub(super) struct Names<'a> {
    systems: Vec<System<'a>>,
    roots: HashMap<&'a str, u32>,
    types: Table<'a>,
    parameters: Table<'a>,
    containers: Table<'a>,
    argument_types: Table<'a>,
    commands: Table<'a>,
    command_containers: Table<'a>,
    /// The container of each MetaCommand that has one, by the MetaCommand's element.
    container_of: HashMap<NodeId, u32>,
    /// MetaCommands and BlockMetaCommands seen.
    pub(super) meta_commands: usize,
    /// What is wrong with the declarations themselves.
    pub(super) refusals: Vec<Refusal<'a>>,
}

#[derive(Default)]
struct Table<'a> {
    declared: Vec<Declared<'a>>,
    index: HashMap<(u32, &'a str), u32>,
}

impl<'a> Names<'a> {
    /// Collects the declarations of one document.
    pub(super) fn collect(&mut self, root: Node<'a, 'a>) {
        // A stack of its own: children are pushed in reverse, so that document order is kept.
        let mut open = vec![(root, None)];
        while let Some((node, parent)) = open.pop() {
            let system = self.system(node, parent);
            self.collect_system(node, system);
            let inner: Vec<_> = elements(node)
                .filter(|child| name_of(*child) == "SpaceSystem")
                .collect();
            open.extend(inner.into_iter().rev().map(|node| (node, Some(system))));
        }
    }

    /// Everything of one kind, in document order.
    pub(super) fn declared(&self, space: Space) -> &[Declared<'a>] {
        &self.table(space).declared
    }

    /// How many space systems there are.
    pub(super) fn space_systems(&self) -> usize {
        self.systems.len()
    }

    /// `/A/B/name`.
    pub(super) fn qualified(&self, declared: &Declared<'_>) -> String {
        let path = self
            .systems
            .get(declared.system as usize)
            .map_or("", |s| s.qualified.as_str());
        format!("{path}/{}", declared.name)
    }

    /// What `reference`, written in `system`, refers to.
    pub(super) fn find(&self, space: Space, system: u32, reference: &str) -> Option<Found> {
        let reference = reference.trim();
        let segments: Vec<&str> = reference
            .split('/')
            .filter(|segment| !segment.is_empty() && *segment != ".")
            .collect();
        if reference.starts_with('/') {
            return self.find_from_roots(space, &segments);
        }
        let climbs = segments.first() == Some(&"..");
        let mut from = Some(system);
        while let Some(start) = from {
            if let Some(found) = self.find_from(space, start, &segments) {
                return Some(found);
            }
            from = if climbs {
                None
            } else {
                self.systems.get(start as usize)?.parent
            };
        }
        self.find_from_roots(space, &segments)
    }

    /// The name most like the one that is missing.
    pub(super) fn nearest(&self, space: Space, reference: &str) -> Option<String> {
        let wanted = reference.rsplit('/').next().unwrap_or(reference);
        let limit = wanted.chars().count() / 2 + 1;
        self.declared(space)
            .iter()
            .filter(|declared| declared.name.len().abs_diff(wanted.len()) <= limit)
            .map(|declared| (edit_distance(declared.name, wanted), declared))
            .filter(|(distance, _)| *distance <= limit)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, declared)| self.qualified(declared))
    }

    fn find_from_roots(&self, space: Space, segments: &[&str]) -> Option<Found> {
        let (first, rest) = segments.split_first()?;
        self.find_from(space, *self.roots.get(first)?, rest)
    }

    fn find_from(&self, space: Space, start: u32, segments: &[&str]) -> Option<Found> {
        let mut system = start;
        // `whole/part`: kept in case no space system of that name leads on.
        let mut part = None;
        let (last, path) = segments.split_last()?;
        for (at, segment) in path.iter().enumerate() {
            if space == Space::Parameter && part.is_none() {
                let rest = segments.get(at + 1..).unwrap_or_default().join("/");
                part = self.find_whole(system, segment, &rest);
            }
            let here = self.systems.get(system as usize)?;
            let next = match *segment {
                ".." => Some(here.parent.unwrap_or(system)),
                name => here.children.get(name).copied(),
            };
            match next {
                Some(next) => system = next,
                None => return part,
            }
        }
        match self.table(space).index.get(&(system, *last)) {
            Some(index) => Some(Found {
                index: *index,
                part: None,
            }),
            None if space == Space::Parameter => part.or_else(|| self.find_whole(system, last, "")),
            None => None,
        }
    }

    /// `segment` is a parameter, or starts with one: `P`, `P.member`, `P[3]`. Names in real
    /// documents hold dots themselves, so the longest name wins.
    fn find_whole(&self, system: u32, segment: &str, rest: &str) -> Option<Found> {
        let index = &self.parameters.index;
        let mut end = segment.len();
        loop {
            let name = segment.get(..end)?;
            if let Some(index) = index.get(&(system, name)) {
                // One way of writing: `a.b[2].c`, whatever the document's.
                let part = format!("{}/{rest}", segment.get(end..)?).replace('/', ".");
                let part = part.trim_matches('.').to_owned();
                return Some(Found {
                    index: *index,
                    part: (!part.is_empty()).then_some(part),
                });
            }
            end = name.rfind(['.', '['])?;
        }
    }

    fn system(&mut self, node: Node<'a, 'a>, parent: Option<u32>) -> u32 {
        let name = node.attribute("name").unwrap_or_default().trim();
        if name.is_empty() {
            self.refusals
                .push(mistake(node, "a SpaceSystem without a name"));
        }
        let siblings = match parent.and_then(|parent| self.systems.get(parent as usize)) {
            Some(parent) => &parent.children,
            None => &self.roots,
        };
        if let Some(system) = siblings.get(name) {
            // Documents that share a root, or a space system written in two places, are one.
            return *system;
        }
        let system = index(self.systems.len());
        let above = parent.and_then(|parent| self.systems.get(parent as usize));
        let qualified = format!(
            "{}/{name}",
            above.map_or("", |above| above.qualified.as_str())
        );
        self.systems.push(System {
            parent,
            qualified,
            children: HashMap::new(),
        });
        match parent.and_then(|parent| self.systems.get_mut(parent as usize)) {
            Some(parent) => parent.children.insert(name, system),
            None => self.roots.insert(name, system),
        };
        system
    }

    fn collect_system(&mut self, node: Node<'a, 'a>, system: u32) {
        for section in elements(node) {
            let telemetry = match name_of(section) {
                "TelemetryMetaData" => true,
                "CommandMetaData" => false,
                _ => continue,
            };
            for set in elements(section) {
                match name_of(set) {
                    "ParameterTypeSet" => {
                        for node in elements(set).filter(|n| name_of(*n).ends_with("ParameterType"))
                        {
                            self.declare(Space::Type, node, system);
                        }
                    }
                    "ParameterSet" => self.collect_parameters(set, system),
                    "ContainerSet" if telemetry => {
                        for node in elements(set).filter(|n| name_of(*n) == "SequenceContainer") {
                            self.declare(Space::Container, node, system);
                        }
                    }
                    "ArgumentTypeSet" => {
                        for node in elements(set).filter(|n| name_of(*n).ends_with("ArgumentType"))
                        {
                            self.declare(Space::ArgumentType, node, system);
                        }
                    }
                    "MetaCommandSet" => self.collect_commands(set, system),
                    "CommandContainerSet" => {
                        for node in elements(set).filter(|n| {
                            matches!(name_of(*n), "CommandContainer" | "SequenceContainer")
                        }) {
                            self.declare_container(node, system);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn collect_parameters(&mut self, set: Node<'a, 'a>, system: u32) {
        for node in elements(set) {
            match name_of(node) {
                "Parameter" => self.declare(Space::Parameter, node, system),
                "ParameterRef" => self.refusals.push(unsupported(
                    node,
                    "ParameterRef does not make the parameter a member of this space system; \
                     refer to it where it is declared",
                )),
                _ => {}
            }
        }
    }

    fn collect_commands(&mut self, set: Node<'a, 'a>, system: u32) {
        for node in elements(set) {
            match name_of(node) {
                "MetaCommand" => {
                    self.meta_commands += 1;
                    self.declare(Space::MetaCommand, node, system);
                    if let Some(container) = child(node, "CommandContainer") {
                        let container = self.declare_container(container, system);
                        self.container_of.insert(node.id(), container);
                    }
                }
                "BlockMetaCommand" => {
                    self.meta_commands += 1;
                    self.refusals.push(unsupported(
                        node,
                        "BlockMetaCommand: a sequence of commands is a stack file, not a command; \
                         it is left out",
                    ));
                }
                "MetaCommandRef" => self.refusals.push(unsupported(
                    node,
                    "MetaCommandRef does not make the command a member of this space system; \
                     use it where it is declared",
                )),
                _ => {}
            }
        }
    }

    /// Two command containers of one name are both kept, since each belongs to its MetaCommand;
    /// the name means the first.
    fn declare_container(&mut self, node: Node<'a, 'a>, system: u32) -> u32 {
        let name = node.attribute("name").map(str::trim).unwrap_or_default();
        let table = &mut self.command_containers;
        let this = index(table.declared.len());
        if name.is_empty() {
            let what = "a command container without a name; none can extend it";
            self.refusals.push(warning(node, what));
        } else if *table.index.entry((system, name)).or_insert(this) != this {
            let what = format!("a second command container `{name}`; its name means the first");
            self.refusals.push(warning(node, what));
        }
        table.declared.push(Declared {
            node,
            system,
            name,
            space: Space::CommandContainer,
        });
        this
    }

    /// Index of the container inside a MetaCommand's element.
    pub(super) fn container_of(&self, command: Node<'a, 'a>) -> Option<u32> {
        self.container_of.get(&command.id()).copied()
    }

    fn declare(&mut self, space: Space, node: Node<'a, 'a>, system: u32) {
        let Some(name) = node
            .attribute("name")
            .map(str::trim)
            .filter(|name| !name.is_empty())
        else {
            self.refusals.push(mistake(
                node,
                format!("a {} without a name; left out", space.word()),
            ));
            return;
        };
        let table = match space {
            Space::Type => &mut self.types,
            Space::Parameter => &mut self.parameters,
            Space::Container => &mut self.containers,
            Space::ArgumentType => &mut self.argument_types,
            Space::MetaCommand => &mut self.commands,
            Space::CommandContainer => &mut self.command_containers,
        };
        if let Some(first) = table.index.get(&(system, name)) {
            let first = table
                .declared
                .get(*first as usize)
                .map(|declared| declared.node);
            // Finding a line reads the document from its start, so not for thousands of them.
            let first = first.filter(|_| self.refusals.len() < PLACES_MAX);
            self.refusals.push(twice(space, node, first, name));
            return;
        }
        table
            .index
            .insert((system, name), index(table.declared.len()));
        table.declared.push(Declared {
            node,
            system,
            name,
            space,
        });
    }

    fn table(&self, space: Space) -> &Table<'a> {
        match space {
            Space::Type => &self.types,
            Space::Parameter => &self.parameters,
            Space::Container => &self.containers,
            Space::ArgumentType => &self.argument_types,
            Space::MetaCommand => &self.commands,
            Space::CommandContainer => &self.command_containers,
        }
    }
}

fn twice<'a>(
    space: Space,
    node: Node<'a, 'a>,
    first: Option<Node<'a, 'a>>,
    name: &str,
) -> Refusal<'a> {
    let place = first.map_or_else(String::new, |first| {
        format!(
            ", first in line {}",
            first.document().text_pos_at(first.range().start).row
        )
    });
    let word = space.word();
    mistake(
        node,
        format!("the {word} `{name}` is declared twice{place}; this one is left out"),
    )
}

/// A count as an index; documents are bounded far below.
pub(super) fn index(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Levenshtein distance, one row at a time.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, from) in left.chars().enumerate() {
        let mut diagonal = above;
        let mut previous = above + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(&right) {
            let changed = diagonal + usize::from(!from.eq_ignore_ascii_case(to));
            diagonal = *cell;
            previous = changed.min(diagonal + 1).min(previous + 1);
            *cell = previous;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// The element's description: its attribute, or its text's first line.
pub(super) fn description<'a>(node: Node<'a, 'a>) -> Option<String> {
    let attribute = node.attribute("shortDescription").map(str::to_owned);
    let texts = ["ShortDescription", "LongDescription"]
        .into_iter()
        .filter_map(|name| child(node, name).map(text_of));
    attribute
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .into_iter()
        .chain(texts.map(|text| text.lines().next().unwrap_or_default().trim().to_owned()))
        .find(|text| !text.is_empty())
}
