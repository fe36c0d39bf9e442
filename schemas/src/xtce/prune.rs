//! Leaves out what depends on something that is left out, and numbers the rest anew.

use super::links::{Link, visit_alarm, visit_container, visit_type};
use super::load::Part;
use super::model::{
    Container, EntryContent, MemberReference, MemberStep, MissionDatabase, Parameter, ParameterId,
    ParameterType, TypeId, TypeKind,
};
use super::names::{Declared, index};
use super::notes::{Refusal, mistake};

/// Everything built so far; what is `None` could not be.
#[derive(Default)]
pub(super) struct Draft<'a> {
    pub(super) types: Vec<Option<ParameterType>>,
    /// Types that have no data encoding and so can lie in no container.
    pub(super) without_encoding: Vec<bool>,
    pub(super) parameters: Vec<Option<Parameter>>,
    pub(super) containers: Vec<Option<Container>>,
    pub(super) types_at: Vec<Declared<'a>>,
    pub(super) parameters_at: Vec<Declared<'a>>,
    pub(super) containers_at: Vec<Declared<'a>>,
    pub(super) parts: Vec<Part<'a>>,
}

/// Turns a draft without circles into the model.
pub(super) fn complete<'a>(
    mut draft: Draft<'a>,
    note: &mut dyn FnMut(Refusal<'a>),
) -> (MissionDatabase, Numbers) {
    let mut references = add_parts(&mut draft, note);
    refuse_unplaceable(&mut draft, note);
    propagate(&mut draft, note);
    let numbers = Numbers {
        types: numbers(&draft.types),
        parameters: numbers(&draft.parameters),
        containers: numbers(&draft.containers),
    };
    let parameters = &numbers.parameters;
    let mut renumber = |link: Link<'_>| numbers.renumber(link);
    for (at, built) in draft.types.iter_mut().enumerate() {
        let Some(built) = built else { continue };
        built.alarms.retain_mut(|alarm| {
            let mut present = true;
            visit_alarm(alarm, &mut |link| {
                if let Link::Parameter(id) = link {
                    present &= parameters.get(id.0 as usize).is_some_and(Option::is_some);
                }
            });
            if let (false, Some(declared)) = (present, draft.types_at.get(at)) {
                let what = "an alarm depends on a parameter that is left out; so is the alarm";
                note(mistake(declared.node, what));
            }
            present
        });
        built
            .alarms
            .iter_mut()
            .for_each(|alarm| visit_alarm(alarm, &mut renumber));
        visit_type(built, &mut renumber);
    }
    for parameter in draft.parameters.iter_mut().flatten() {
        renumber(Link::Type(&mut parameter.parameter_type));
    }
    for container in draft.containers.iter_mut().flatten() {
        visit_container(container, &mut renumber);
    }
    references.retain(|reference| {
        parameters
            .get(reference.part.0 as usize)
            .is_some_and(Option::is_some)
    });
    for reference in &mut references {
        renumber(Link::Parameter(&mut reference.part));
        renumber(Link::Parameter(&mut reference.whole));
    }
    let database = MissionDatabase {
        parameters: draft.parameters.into_iter().flatten().collect(),
        types: draft.types.into_iter().flatten().collect(),
        containers: draft.containers.into_iter().flatten().collect(),
        member_references: references,
        ..MissionDatabase::default()
    };
    (database, numbers)
}

/// New numbers of what stays, by those of the draft.
pub(super) struct Numbers {
    types: Vec<Option<u32>>,
    parameters: Vec<Option<u32>>,
    containers: Vec<Option<u32>>,
}

impl Numbers {
    pub(super) fn renumber(&self, link: Link<'_>) {
        match link {
            Link::Type(id) => set(&mut id.0, &self.types),
            Link::Parameter(id) => set(&mut id.0, &self.parameters),
            Link::Container(id) => set(&mut id.0, &self.containers),
        }
    }

    /// What a reference leads to, if that is left out; arguments are not told here.
    pub(super) fn missing(&self, link: &Link<'_>) -> Option<&'static str> {
        let (numbers, id, what) = match link {
            Link::Type(id) => (&self.types, id.0, "a type"),
            Link::Parameter(id) if id.as_argument().is_some() => return None,
            Link::Parameter(id) => (&self.parameters, id.0, "a parameter"),
            Link::Container(id) => (&self.containers, id.0, "a container"),
        };
        let there = numbers.get(id as usize).is_some_and(Option::is_some);
        (!there).then_some(what)
    }
}

/// A parameter of its own for each part that is referred to.
fn add_parts<'a>(draft: &mut Draft<'a>, note: &mut dyn FnMut(Refusal<'a>)) -> Vec<MemberReference> {
    let mut references = Vec::new();
    for part in &draft.parts {
        let id = ParameterId(index(draft.parameters.len()));
        let whole = draft
            .parameters
            .get(part.whole.0 as usize)
            .and_then(Option::as_ref);
        let found = whole.and_then(|whole| {
            let (parameter_type, path) = follow(draft, whole.parameter_type, &part.path)?;
            let suffix = &part.path;
            let joint = if suffix.starts_with('[') { "" } else { "." };
            let parameter = Parameter {
                name: format!("{}{joint}{suffix}", whole.name),
                qualified_name: format!("{}{joint}{suffix}", whole.qualified_name),
                parameter_type,
                description: whole.description.clone(),
            };
            Some((parameter, path))
        });
        if let (None, Some(whole)) = (&found, whole) {
            let what = format!("`{}` has no part `{}`", whole.qualified_name, part.path);
            note(mistake(part.node, what));
        }
        let (parameter, path) = match found {
            Some((parameter, path)) => (Some(parameter), path),
            None => (None, Vec::new()),
        };
        draft.parameters.push(parameter);
        references.push(MemberReference {
            part: id,
            whole: part.whole,
            path,
        });
    }
    references
}

/// Follows `member.member[index]` through types.
fn follow(draft: &Draft<'_>, start: TypeId, path: &str) -> Option<(TypeId, Vec<MemberStep>)> {
    let mut at = start;
    let mut steps = Vec::new();
    for step in path.split('.') {
        let (name, indices) = match step.find('[') {
            Some(bracket) => step.split_at(bracket),
            None => (step, ""),
        };
        if !name.is_empty() {
            let kind = &draft.types.get(at.0 as usize)?.as_ref()?.kind;
            let TypeKind::Aggregate { members } = kind else {
                return None;
            };
            let member = members.iter().position(|member| member.name == name)?;
            at = members.get(member)?.member_type;
            steps.push(MemberStep::Member(index(member)));
        }
        let indices = indices.split('[').filter(|text| !text.is_empty());
        let mut left = 0_usize;
        for text in indices {
            let element = text.strip_suffix(']')?.trim().parse().ok()?;
            if left == 0 {
                let kind = &draft.types.get(at.0 as usize)?.as_ref()?.kind;
                let TypeKind::Array {
                    element,
                    dimensions,
                } = kind
                else {
                    return None;
                };
                left = dimensions.len().max(1);
                at = *element;
            }
            left -= 1;
            steps.push(MemberStep::Index(element));
        }
        if left > 0 {
            return None;
        }
    }
    (!steps.is_empty()).then_some((at, steps))
}

/// Leaves out containers with an entry of unknown size.
fn refuse_unplaceable<'a>(draft: &mut Draft<'a>, note: &mut dyn FnMut(Refusal<'a>)) {
    let mut known = vec![None; draft.types.len()];
    for at in 0..draft.containers.len() {
        let Some(container) = draft.containers.get(at).and_then(Option::as_ref) else {
            continue;
        };
        let wrong = container.entries.iter().find_map(|entry| {
            let (id, dimensions_given) = match &entry.content {
                EntryContent::Parameter(id) => (id, false),
                EntryContent::Array {
                    parameter,
                    dimensions,
                } => (parameter, !dimensions.is_empty()),
                EntryContent::Container(_) | EntryContent::Padding(_) => return None,
            };
            let parameter = draft.parameters.get(id.0 as usize)?.as_ref()?;
            let kind = &draft
                .types
                .get(parameter.parameter_type.0 as usize)?
                .as_ref()?
                .kind;
            let placeable = match kind {
                TypeKind::Array { element, .. } if dimensions_given => {
                    placeable(draft, *element, &mut known)
                }
                _ => placeable(draft, parameter.parameter_type, &mut known),
            };
            (!placeable).then(|| parameter.qualified_name.clone())
        });
        if let (Some(parameter), Some(declared)) = (wrong, draft.containers_at.get(at)) {
            let what = format!(
                "`{}` is left out: the type of its entry `{parameter}` says no size",
                container.qualified_name
            );
            note(mistake(declared.node, what));
            if let Some(slot) = draft.containers.get_mut(at) {
                *slot = None;
            }
        }
    }
}

/// Whether values of a type can lie in a packet. Nesting is bounded by then.
fn placeable(draft: &Draft<'_>, id: TypeId, known: &mut [Option<bool>]) -> bool {
    let at = id.0 as usize;
    if let Some(Some(answer)) = known.get(at) {
        return *answer;
    }
    let answer = match draft
        .types
        .get(at)
        .and_then(Option::as_ref)
        .map(|built| &built.kind)
    {
        Some(TypeKind::Array {
            element,
            dimensions,
        }) => !dimensions.is_empty() && placeable(draft, *element, known),
        Some(TypeKind::Aggregate { members }) => members
            .iter()
            .all(|member| placeable(draft, member.member_type, known)),
        // A type that is left out takes its container along anyway, with a better reason.
        _ => !draft.without_encoding.get(at).copied().unwrap_or(false),
    };
    if let Some(slot) = known.get_mut(at) {
        *slot = Some(answer);
    }
    answer
}

/// Leaves out all that depends on what is left out, however far.
fn propagate<'a>(draft: &mut Draft<'a>, note: &mut dyn FnMut(Refusal<'a>)) {
    let types = draft.types.len();
    let parameters = draft.parameters.len();
    let mut dependants: Vec<Vec<usize>> =
        vec![Vec::new(); types + parameters + draft.containers.len()];
    let mut depend = |on: usize, who: usize| {
        if let Some(list) = dependants.get_mut(on) {
            list.push(who);
        }
    };
    let number = |link: Link<'_>| match link {
        Link::Type(id) => id.0 as usize,
        Link::Parameter(id) => types + id.0 as usize,
        Link::Container(id) => types + parameters + id.0 as usize,
    };
    for (at, built) in draft.types.iter_mut().enumerate() {
        if let Some(built) = built {
            visit_type(built, &mut |link| depend(number(link), at));
        }
    }
    for (at, parameter) in draft.parameters.iter_mut().enumerate() {
        if let Some(parameter) = parameter {
            depend(parameter.parameter_type.0 as usize, types + at);
        }
    }
    let declared = draft.parameters_at.len();
    for (at, part) in draft.parts.iter().enumerate() {
        depend(types + part.whole.0 as usize, types + declared + at);
    }
    for (at, container) in draft.containers.iter_mut().enumerate() {
        if let Some(container) = container {
            visit_container(container, &mut |link| {
                depend(number(link), types + parameters + at);
            });
        }
    }
    let missing = |draft: &Draft<'_>, at: usize| {
        if at < types {
            draft.types.get(at).is_none_or(Option::is_none)
        } else if at < types + parameters {
            draft.parameters.get(at - types).is_none_or(Option::is_none)
        } else {
            draft
                .containers
                .get(at - types - parameters)
                .is_none_or(Option::is_none)
        }
    };
    let mut gone: Vec<usize> = (0..dependants.len())
        .filter(|at| missing(draft, *at))
        .collect();
    while let Some(cause) = gone.pop() {
        for who in dependants.get(cause).cloned().unwrap_or_default() {
            if missing(draft, who) {
                continue;
            }
            let name = name_at(draft, types, cause);
            let (node, left_out) = take(draft, types, who);
            if let (Some(node), Some(left_out)) = (node, left_out) {
                let what =
                    format!("`{left_out}` is left out: it depends on `{name}`, which is left out");
                note(mistake(node, what));
            }
            gone.push(who);
        }
    }
}

fn name_at(draft: &Draft<'_>, types: usize, at: usize) -> String {
    let parameters = draft.parameters.len();
    let declared = if at < types {
        draft.types_at.get(at)
    } else if at < types + parameters {
        let at = at - types;
        if let Some(part) = at.checked_sub(draft.parameters_at.len()) {
            return draft
                .parts
                .get(part)
                .map_or_else(String::new, |part| part.path.clone());
        }
        draft.parameters_at.get(at)
    } else {
        draft.containers_at.get(at - types - parameters)
    };
    declared.map_or_else(String::new, |declared| declared.name.to_owned())
}

type Taken<'a> = (Option<roxmltree::Node<'a, 'a>>, Option<String>);

fn take<'a>(draft: &mut Draft<'a>, types: usize, at: usize) -> Taken<'a> {
    let parameters = draft.parameters.len();
    if at < types {
        let node = draft.types_at.get(at).map(|declared| declared.node);
        (
            node,
            draft
                .types
                .get_mut(at)
                .and_then(Option::take)
                .map(|built| built.qualified_name),
        )
    } else if at < types + parameters {
        let at = at - types;
        let part = at
            .checked_sub(draft.parameters_at.len())
            .and_then(|at| draft.parts.get(at));
        let declared = draft.parameters_at.get(at).map(|declared| declared.node);
        let node = declared.or(part.map(|part| part.node));
        (
            node,
            draft
                .parameters
                .get_mut(at)
                .and_then(Option::take)
                .map(|built| built.qualified_name),
        )
    } else {
        let at = at - types - parameters;
        let node = draft.containers_at.get(at).map(|declared| declared.node);
        (
            node,
            draft
                .containers
                .get_mut(at)
                .and_then(Option::take)
                .map(|built| built.qualified_name),
        )
    }
}

/// New numbers of those that stay.
fn numbers<T>(built: &[Option<T>]) -> Vec<Option<u32>> {
    let mut next = 0;
    built
        .iter()
        .map(|built| {
            built.as_ref()?;
            next += 1;
            Some(next - 1)
        })
        .collect()
}

fn set(id: &mut u32, numbers: &[Option<u32>]) {
    // What stays refers only to what stays; see `propagate`.
    if let Some(Some(number)) = numbers.get(*id as usize) {
        *id = *number;
    }
}
