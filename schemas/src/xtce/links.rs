//! The references inside the model, visited one by one.

use super::model::{
    Alarm, AlarmTrigger, Calibrator, CommandContainer, CommandContainerBase, CommandEntryContent,
    Condition, Container, ContainerId, Encoding, EntryContent, Epoch, IntegerValue, MathToken,
    MetaCommand, Operand, ParameterId, ParameterType, Size, TypeId, TypeKind, Verifier,
    VerifierCheck,
};

/// A reference inside the model.
pub(super) enum Link<'m> {
    Type(&'m mut TypeId),
    Parameter(&'m mut ParameterId),
    Container(&'m mut ContainerId),
}

type Visit<'v> = &'v mut dyn FnMut(Link<'_>);

/// All references of a type but those of its alarms.
pub(super) fn visit_type(built: &mut ParameterType, visit: Visit<'_>) {
    match &mut built.kind {
        TypeKind::Integer { encoding, .. }
        | TypeKind::Float { encoding, .. }
        | TypeKind::Boolean { encoding, .. }
        | TypeKind::Enumerated { encoding, .. }
        | TypeKind::String { encoding }
        | TypeKind::Binary { encoding }
        | TypeKind::RelativeTime { encoding, .. } => visit_encoding(encoding, visit),
        TypeKind::AbsoluteTime {
            epoch, encoding, ..
        } => {
            if let Epoch::OffsetFrom(parameter) = epoch {
                visit(Link::Parameter(parameter));
            }
            visit_encoding(encoding, visit);
        }
        TypeKind::Array {
            element,
            dimensions,
        } => {
            visit(Link::Type(element));
            dimensions
                .iter_mut()
                .for_each(|dimension| visit_integer(dimension, visit));
        }
        TypeKind::Aggregate { members } => {
            members
                .iter_mut()
                .for_each(|member| visit(Link::Type(&mut member.member_type)));
        }
    }
}

fn visit_encoding(encoding: &mut Encoding, visit: Visit<'_>) {
    if let Size::Dynamic(size) = &mut encoding.size {
        visit_integer(size, visit);
    }
    for (condition, calibrator) in &mut encoding.context_calibrators {
        visit_condition(condition, visit);
        visit_calibrator(calibrator, visit);
    }
    if let Some(calibrator) = &mut encoding.calibrator {
        visit_calibrator(calibrator, visit);
    }
}

fn visit_calibrator(calibrator: &mut Calibrator, visit: Visit<'_>) {
    if let Calibrator::Math(tokens) = calibrator {
        for token in tokens {
            if let MathToken::Parameter { parameter, .. } = token {
                visit(Link::Parameter(parameter));
            }
        }
    }
}

/// All references of an alarm.
pub(super) fn visit_alarm(alarm: &mut Alarm, visit: Visit<'_>) {
    if let Some(context) = &mut alarm.context {
        visit_condition(context, visit);
    }
    for level in &mut alarm.levels {
        if let AlarmTrigger::When(condition) = &mut level.trigger {
            visit_condition(condition, visit);
        }
    }
}

fn visit_integer(value: &mut IntegerValue, visit: Visit<'_>) {
    match value {
        IntegerValue::Fixed(_) => {}
        IntegerValue::Parameter { parameter, .. } => visit(Link::Parameter(parameter)),
        IntegerValue::Lookup(rows) => {
            rows.iter_mut()
                .for_each(|(condition, _)| visit_condition(condition, visit));
        }
    }
}

fn visit_condition(condition: &mut Condition, visit: Visit<'_>) {
    match condition {
        Condition::All(inner) | Condition::Any(inner) => {
            inner
                .iter_mut()
                .for_each(|condition| visit_condition(condition, visit));
        }
        Condition::Comparison(comparison) => {
            visit(Link::Parameter(&mut comparison.parameter));
            if let Operand::Parameter { parameter, .. } = &mut comparison.value {
                visit(Link::Parameter(parameter));
            }
        }
    }
}

/// All references of a container.
pub(super) fn visit_container(container: &mut Container, visit: Visit<'_>) {
    if let Some((base, condition)) = &mut container.base {
        visit(Link::Container(base));
        visit_condition(condition, visit);
    }
    if let Some(size) = &mut container.size_bits {
        visit_integer(size, visit);
    }
    for entry in &mut container.entries {
        match &mut entry.content {
            EntryContent::Parameter(parameter) => visit(Link::Parameter(parameter)),
            EntryContent::Array {
                parameter,
                dimensions,
            } => {
                visit(Link::Parameter(parameter));
                dimensions
                    .iter_mut()
                    .for_each(|dimension| visit_integer(dimension, visit));
            }
            EntryContent::Container(inner) => visit(Link::Container(inner)),
            EntryContent::Padding(_) => {}
        }
        if let Some(location) = &mut entry.location {
            visit_integer(&mut location.offset_bits, visit);
        }
        if let Some(condition) = &mut entry.include_condition {
            visit_condition(condition, visit);
        }
        if let Some(repeat) = &mut entry.repeat {
            visit_integer(&mut repeat.count, visit);
            visit_integer(&mut repeat.offset_bits, visit);
        }
    }
}

/// All references of a command to telemetry.
pub(super) fn visit_command(command: &mut MetaCommand, visit: Visit<'_>) {
    for (condition, _) in &mut command.context_significances {
        visit_condition(condition, visit);
    }
    for constraint in &mut command.constraints {
        visit_condition(&mut constraint.condition, visit);
    }
    for verifier in &mut command.verifiers {
        visit_verifier(verifier, visit);
    }
    for set in &mut command.parameters_to_set {
        visit(Link::Parameter(&mut set.parameter));
    }
}

/// All references of a verifier.
pub(super) fn visit_verifier(verifier: &mut Verifier, visit: Visit<'_>) {
    match &mut verifier.check {
        VerifierCheck::Container(container) => visit(Link::Container(container)),
        VerifierCheck::Condition(condition) => visit_condition(condition, visit),
    }
}

/// All references of a command's container to telemetry.
pub(super) fn visit_command_container(container: &mut CommandContainer, visit: Visit<'_>) {
    if let Some((base, condition)) = &mut container.base {
        visit_base(base, visit);
        visit_condition(condition, visit);
    }
    if let Some(size) = &mut container.size_bits {
        visit_integer(size, visit);
    }
    for entry in &mut container.entries {
        match &mut entry.content {
            CommandEntryContent::Argument { dimensions, .. } => dimensions
                .iter_mut()
                .for_each(|dimension| visit_integer(dimension, visit)),
            CommandEntryContent::Parameter(parameter) => visit(Link::Parameter(parameter)),
            CommandEntryContent::Container(inner) => visit_base(inner, visit),
            CommandEntryContent::Fixed { .. } => {}
        }
        if let Some(location) = &mut entry.location {
            visit_integer(&mut location.offset_bits, visit);
        }
        if let Some(condition) = &mut entry.include_condition {
            visit_condition(condition, visit);
        }
    }
}

fn visit_base(base: &mut CommandContainerBase, visit: Visit<'_>) {
    if let CommandContainerBase::Sequence(container) = base {
        visit(Link::Container(container));
    }
}
