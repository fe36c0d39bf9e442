//! Leaves out commands that depend on something that is left out, and numbers the rest anew.

use super::links::{Link, visit_command, visit_command_container, visit_type, visit_verifier};
use super::model::{
    ArgumentType, CommandContainer, CommandContainerBase, CommandEntryContent, MetaCommand,
    MissionDatabase, TypeKind,
};
use super::names::{Declared, index};
use super::notes::{Refusal, mistake};
use super::prune::Numbers;

/// The commands built so far; what is `None` could not be.
#[derive(Default)]
pub(super) struct CommandDraft<'a> {
    pub(super) types: Vec<Option<ArgumentType>>,
    pub(super) containers: Vec<Option<CommandContainer>>,
    pub(super) commands: Vec<Option<MetaCommand>>,
    pub(super) types_at: Vec<Declared<'a>>,
    pub(super) containers_at: Vec<Declared<'a>>,
    pub(super) commands_at: Vec<Declared<'a>>,
}

/// Adds the commands of a draft without circles to the model of their telemetry.
pub(super) fn complete<'a>(
    mut draft: CommandDraft<'a>,
    numbers: &Numbers,
    database: &mut MissionDatabase,
    note: &mut dyn FnMut(Refusal<'a>),
) {
    drop_verifiers(&mut draft, numbers, note);
    while pass(&mut draft, numbers, note) {}
    let types = renumbered(&draft.types);
    let containers = renumbered(&draft.containers);
    let commands = renumbered(&draft.commands);
    for built in draft.types.iter_mut().flatten() {
        visit_type(&mut built.base, &mut |link| match link {
            Link::Type(id) => set(&mut id.0, &types),
            other => numbers.renumber(other),
        });
    }
    for built in draft.containers.iter_mut().flatten() {
        each_base(built, &mut |base| {
            if let CommandContainerBase::Command(id) = base {
                set(&mut id.0, &containers);
            }
        });
        visit_command_container(built, &mut |link| numbers.renumber(link));
    }
    for built in draft.commands.iter_mut().flatten() {
        if let Some(base) = &mut built.base {
            set(&mut base.0, &commands);
        }
        if let Some(container) = &mut built.container {
            set(&mut container.0, &containers);
        }
        for argument in &mut built.arguments {
            set(&mut argument.argument_type.0, &types);
        }
        visit_command(built, &mut |link| numbers.renumber(link));
    }
    database.argument_types = draft.types.into_iter().flatten().collect();
    database.command_containers = draft.containers.into_iter().flatten().collect();
    database.commands = draft.commands.into_iter().flatten().collect();
}

/// Takes out what depends on what is not there, once; false when nothing did.
///
/// Nesting is bounded, and so is the number of passes.
fn pass<'a>(
    draft: &mut CommandDraft<'a>,
    numbers: &Numbers,
    note: &mut dyn FnMut(Refusal<'a>),
) -> bool {
    let there = |list: &[bool], id: u32| list.get(id as usize).copied().unwrap_or(false);
    let mut changed = false;
    let mut leave_out = |at: &Declared<'a>, name: &str, missing: &str| {
        let what = format!("`{name}` is left out: it depends on {missing}, which is left out");
        note(mistake(at.node, what));
        changed = true;
    };
    let types: Vec<bool> = draft.types.iter().map(Option::is_some).collect();
    for (slot, at) in draft.types.iter_mut().zip(&draft.types_at) {
        let Some(built) = slot else { continue };
        let mut missing = None;
        visit_type(&mut built.base, &mut |link| match link {
            Link::Type(id) if !there(&types, id.0) => missing = Some("an argument type"),
            Link::Type(_) => {}
            other => missing = missing.or(numbers.missing(&other)),
        });
        if let Some(missing) = missing {
            leave_out(at, &built.base.qualified_name, missing);
            *slot = None;
        }
    }
    let types: Vec<bool> = draft.types.iter().map(Option::is_some).collect();
    let containers: Vec<bool> = draft.containers.iter().map(Option::is_some).collect();
    for (slot, at) in draft.containers.iter_mut().zip(&draft.containers_at) {
        let Some(built) = slot else { continue };
        let mut missing = None;
        each_base(built, &mut |base| {
            if let CommandContainerBase::Command(id) = base
                && !there(&containers, id.0)
            {
                missing = Some("a command container");
            }
        });
        visit_command_container(built, &mut |link| {
            missing = missing.or(numbers.missing(&link));
        });
        if let Some(missing) = missing {
            leave_out(at, &built.qualified_name, missing);
            *slot = None;
        }
    }
    let containers: Vec<bool> = draft.containers.iter().map(Option::is_some).collect();
    let commands: Vec<bool> = draft.commands.iter().map(Option::is_some).collect();
    for (slot, at) in draft.commands.iter_mut().zip(&draft.commands_at) {
        let Some(built) = slot else { continue };
        let mut missing = None;
        if built.base.is_some_and(|base| !there(&commands, base.0)) {
            missing = Some("the command that it extends".to_owned());
        } else if built.container.is_some_and(|id| !there(&containers, id.0)) {
            missing = Some("its container".to_owned());
        } else if let Some(argument) =
            (built.arguments.iter()).find(|one| !there(&types, one.argument_type.0))
        {
            missing = Some(format!("the type of its argument `{}`", argument.name));
        }
        visit_command(built, &mut |link| {
            if missing.is_none() {
                missing = numbers.missing(&link).map(str::to_owned);
            }
        });
        if let Some(missing) = missing {
            leave_out(at, &built.qualified_name, &missing);
            *slot = None;
        }
    }
    changed
}

/// A verifier whose telemetry is left out goes alone: the command can be sent without it.
fn drop_verifiers<'a>(
    draft: &mut CommandDraft<'a>,
    numbers: &Numbers,
    note: &mut dyn FnMut(Refusal<'a>),
) {
    for (built, at) in draft.commands.iter_mut().zip(&draft.commands_at) {
        let Some(built) = built else { continue };
        built.verifiers.retain_mut(|verifier| {
            let mut missing = None;
            visit_verifier(verifier, &mut |link| {
                missing = missing.or(numbers.missing(&link));
            });
            if let Some(missing) = missing {
                let what =
                    format!("a verifier depends on {missing} that is left out; so is the verifier");
                note(mistake(at.node, what));
            }
            missing.is_none()
        });
    }
}

/// The containers that a container extends or includes.
pub(super) fn each_base(
    container: &mut CommandContainer,
    visit: &mut dyn FnMut(&mut CommandContainerBase),
) {
    if let Some((base, _)) = &mut container.base {
        visit(base);
    }
    for entry in &mut container.entries {
        if let CommandEntryContent::Container(inner) = &mut entry.content {
            visit(inner);
        }
    }
}

/// The argument types that a type is made of.
pub(super) fn inner_types(kind: &TypeKind) -> Vec<u32> {
    match kind {
        TypeKind::Array { element, .. } => vec![element.0],
        TypeKind::Aggregate { members } => {
            members.iter().map(|member| member.member_type.0).collect()
        }
        _ => Vec::new(),
    }
}

fn renumbered<T>(built: &[Option<T>]) -> Vec<Option<u32>> {
    let mut next = 0;
    let number = |built: &Option<T>| {
        built.as_ref()?;
        next += 1;
        Some(index(next) - 1)
    };
    built.iter().map(number).collect()
}

fn set(id: &mut u32, numbers: &[Option<u32>]) {
    if let Some(Some(number)) = numbers.get(*id as usize) {
        *id = *number;
    }
}
