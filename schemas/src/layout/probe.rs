//! The part of a program that an inheritance decision needs.

use super::{Action, Base, Engineering, FieldSize, Predicate, Program, Reference, Right, Step};

/// Bits of a packet that dispatch may key on: version, type, secondary header flag and APID
/// (CCSDS 133.0-B-2 4.1.3.2, 4.1.3.3).
const HEADER_KEY_BITS: i64 = 16;

/// Drops the steps that the conditions do not need, and says whether those left read the first two
/// octets only.
pub(super) fn prune(mut program: Program, conditions: &[Predicate]) -> (Program, bool) {
    let mut needed = vec![false; program.slots];
    for condition in conditions {
        mark(condition, &mut needed);
    }
    let wanted = |step: &Step| matches!(step.action, Action::Field { slot, .. } if needed[slot]);
    let simple = program
        .steps
        .iter()
        .filter(|step| wanted(step))
        .all(stands_alone);
    if simple {
        program.steps.retain(wanted);
    }
    let header_only = simple
        && program.steps.iter().all(|step| match &step.action {
            Action::Field { field, .. } => match field.size {
                FieldSize::Fixed(bits) => step.at.bits + i64::from(bits) <= HEADER_KEY_BITS,
                FieldSize::Dynamic(_) | FieldSize::SelfDelimited { .. } => false,
            },
            Action::Repeat { .. }
            | Action::Test { .. }
            | Action::Locate { .. }
            | Action::Join { .. } => false,
        });
    (program, header_only)
}

/// At a fixed place, of a fixed size, in every packet, and a function of its own bits.
fn stands_alone(step: &Step) -> bool {
    let Action::Field { field, .. } = &step.action else {
        return false;
    };
    let alone = match &field.engineering {
        Engineering::AsRaw | Engineering::Boolean | Engineering::Enumerated(_) => true,
        Engineering::Calibrated { contexts, default } => {
            contexts.is_empty() && !matches!(default, Some(super::Calibration::Math(_)))
        }
        Engineering::Time { .. } => false,
    };
    step.at.base == Base::Start
        && step.when.is_none()
        && matches!(field.size, FieldSize::Fixed(_))
        && alone
}

fn mark(predicate: &Predicate, needed: &mut [bool]) {
    match predicate {
        Predicate::All(list) | Predicate::Any(list) => {
            list.iter().for_each(|predicate| mark(predicate, needed));
        }
        Predicate::Compare { left, right, .. } => {
            mark_reference(left, needed);
            if let Right::Reference(reference) = right {
                mark_reference(reference, needed);
            }
        }
        Predicate::Never => {}
    }
}

fn mark_reference(reference: &Reference, needed: &mut [bool]) {
    if let Some(needed) = needed.get_mut(reference.slot) {
        *needed = true;
    }
}
