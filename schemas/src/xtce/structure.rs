//! Circles and definitions that unfold without bound, refused before anything follows them.

use super::XtceError;
use super::document::Source;
use super::load::file_line;
use super::model::{CommandContainerBase, CommandEntryContent, EntryContent, TypeKind};
use super::names::Declared;
use super::prune::Draft;
use super::prune_commands::{CommandDraft, inner_types};

/// Most entries or members that one container or type may unfold to.
const UNFOLDED_MAX: u64 = 1 << 18;
/// Most entries of all containers together, each with its bases' entries.
const TOTAL_MAX: u64 = 1 << 23;
/// Longest chain of containers or types inside each other.
const NESTING_MAX: u32 = 64;

/// Checks types and containers.
pub(super) fn check(draft: &Draft<'_>, sources: &[Source<'_>]) -> Result<(), XtceError> {
    let types: Vec<Vec<u32>> = draft
        .types
        .iter()
        .map(|built| match built.as_ref().map(|built| &built.kind) {
            Some(TypeKind::Array { element, .. }) => vec![element.0],
            Some(TypeKind::Aggregate { members }) => {
                members.iter().map(|member| member.member_type.0).collect()
            }
            _ => Vec::new(),
        })
        .collect();
    unfold(
        &Graph {
            what: "types contain each other",
            edges: &types,
            own: &|_| 1,
            at: &draft.types_at,
        },
        sources,
    )?;
    let containers: Vec<Vec<u32>> = draft
        .containers
        .iter()
        .map(|built| {
            let Some(container) = built else {
                return Vec::new();
            };
            let base = container.base.iter().map(|(base, _)| base.0);
            let inner = container
                .entries
                .iter()
                .filter_map(|entry| match entry.content {
                    EntryContent::Container(inner) => Some(inner.0),
                    EntryContent::Parameter(_)
                    | EntryContent::Array { .. }
                    | EntryContent::Padding(_) => None,
                });
            base.chain(inner).collect()
        })
        .collect();
    let own = |index: usize| {
        let container = draft.containers.get(index).and_then(Option::as_ref);
        container.map_or(0, |container| container.entries.len() as u64)
    };
    let graph = Graph {
        what: "containers refer to each other",
        edges: &containers,
        own: &own,
        at: &draft.containers_at,
    };
    unfold(&graph, sources)
}

/// Checks what the commands are made of.
pub(super) fn check_commands(
    draft: &CommandDraft<'_>,
    sources: &[Source<'_>],
) -> Result<(), XtceError> {
    let types = draft.types.iter().map(|built| {
        let kind = built.as_ref().map(|built| &built.base.kind);
        kind.map(inner_types).unwrap_or_default()
    });
    let containers = draft.containers.iter().map(|built| {
        let Some(container) = built else {
            return Vec::new();
        };
        let base = container.base.iter().map(|(base, _)| *base);
        let inner = container
            .entries
            .iter()
            .filter_map(|entry| match entry.content {
                CommandEntryContent::Container(inner) => Some(inner),
                _ => None,
            });
        // Sequence containers do not refer to those of commands.
        base.chain(inner)
            .filter_map(|base| match base {
                CommandContainerBase::Command(id) => Some(id.0),
                CommandContainerBase::Sequence(_) => None,
            })
            .collect()
    });
    let own = |index: usize| {
        let container = draft.containers.get(index).and_then(Option::as_ref);
        container.map_or(0, |container| container.entries.len() as u64)
    };
    unfold(
        &Graph {
            what: "argument types contain each other",
            edges: &types.collect::<Vec<_>>(),
            own: &|_| 1,
            at: &draft.types_at,
        },
        sources,
    )?;
    unfold(
        &Graph {
            what: "command containers refer to each other",
            edges: &containers.collect::<Vec<_>>(),
            own: &own,
            at: &draft.containers_at,
        },
        sources,
    )?;
    let commands = draft.commands.iter().map(|built| {
        let base = built.as_ref().and_then(|built| built.base);
        base.into_iter().map(|base| base.0).collect()
    });
    let commands: Vec<Vec<u32>> = commands.collect();
    check_extends(
        "commands extend each other",
        &commands,
        &draft.commands_at,
        sources,
    )
}

/// Checks that nothing extends itself.
pub(super) fn check_extends(
    what: &'static str,
    edges: &[Vec<u32>],
    at: &[Declared<'_>],
    sources: &[Source<'_>],
) -> Result<(), XtceError> {
    unfold(
        &Graph {
            what,
            edges,
            own: &|_| 1,
            at,
        },
        sources,
    )
}

struct Graph<'g, 'a> {
    what: &'static str,
    edges: &'g [Vec<u32>],
    own: &'g dyn Fn(usize) -> u64,
    at: &'g [Declared<'a>],
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Unseen,
    Open,
    Done { count: u64, height: u32 },
}

/// Depth first with a stack of its own: the input decides how deep it goes.
fn unfold(graph: &Graph<'_, '_>, sources: &[Source<'_>]) -> Result<(), XtceError> {
    let mut states = vec![State::Unseen; graph.edges.len()];
    let mut total = 0_u64;
    for start in 0..graph.edges.len() {
        let mut stack = vec![(start, 0_usize)];
        while let Some((node, next)) = stack.pop() {
            if next == 0 {
                match states.get(node) {
                    Some(State::Unseen) => set(&mut states, node, State::Open),
                    _ => continue,
                }
            }
            let edges = graph.edges.get(node).map_or(&[][..], Vec::as_slice);
            if let Some(target) = edges.get(next).map(|target| *target as usize) {
                stack.push((node, next + 1));
                match states.get(target) {
                    Some(State::Open) => return Err(cycle(graph, sources, &stack, target)),
                    Some(State::Unseen) => stack.push((target, 0)),
                    _ => {}
                }
                continue;
            }
            let (mut count, mut height) = ((graph.own)(node), 1);
            for target in edges {
                if let Some(State::Done {
                    count: inner,
                    height: below,
                }) = states.get(*target as usize)
                {
                    count = count.saturating_add(*inner);
                    height = height.max(below + 1);
                }
            }
            total = total.saturating_add(count);
            set(&mut states, node, State::Done { count, height });
            let bounds = [
                (count, "entries", UNFOLDED_MAX),
                (u64::from(height), "levels", u64::from(NESTING_MAX)),
                (total, "entries together with those before it", TOTAL_MAX),
            ];
            if let Some((count, what, limit)) = bounds.into_iter().find(|(n, _, most)| n > most) {
                let (file, line) = place(graph, sources, node);
                return Err(XtceError::Unfolds {
                    file,
                    line,
                    name: name(graph, node),
                    count,
                    what,
                    limit,
                });
            }
        }
    }
    Ok(())
}

fn set(states: &mut [State], node: usize, state: State) {
    if let Some(slot) = states.get_mut(node) {
        *slot = state;
    }
}

fn cycle(
    graph: &Graph<'_, '_>,
    sources: &[Source<'_>],
    stack: &[(usize, usize)],
    target: usize,
) -> XtceError {
    // The stack holds open nodes only where their edges are still being followed.
    let from = stack
        .iter()
        .position(|(node, _)| *node == target)
        .unwrap_or(0);
    let open = stack.get(from..).unwrap_or_default();
    let mut chain: Vec<String> = open.iter().map(|(node, _)| name(graph, *node)).collect();
    chain.push(name(graph, target));
    let (file, line) = place(graph, sources, target);
    XtceError::Cycle {
        file,
        line,
        what: graph.what,
        chain,
    }
}

fn name(graph: &Graph<'_, '_>, node: usize) -> String {
    graph
        .at
        .get(node)
        .map_or_else(String::new, |declared| declared.name.to_owned())
}

fn place(graph: &Graph<'_, '_>, sources: &[Source<'_>], node: usize) -> (String, u32) {
    graph.at.get(node).map_or((String::new(), 0), |declared| {
        file_line(sources, declared.node)
    })
}
