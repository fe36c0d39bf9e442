//! MetaCommands: arguments, significance, constraints, interlocks and verifiers.

use roxmltree::Node;

use super::arguments::listed;
use super::document::{child, elements, name_of, text_of};
use super::load::Loader;
use super::model::{
    Argument, CheckWindow, CommandContainerId, CommandId, Condition, ConsequenceLevel, Interlock,
    MetaCommand, ParameterToSet, Significance, Stage, TransmissionConstraint, Verifier,
    VerifierCheck, WindowStart,
};
use super::names::{Declared, Space, description};
use super::notes::{Built, Refusal, mistake, unsupported, warning};
use super::values::{attribute, boolean, required};

/// The elements of a VerifierSet and their stages.
const VERIFIERS: [(&str, Stage); 8] = [
    ("TransferredToRangeVerifier", Stage::TransferredToRange),
    ("SentFromRangeVerifier", Stage::SentFromRange),
    ("ReceivedVerifier", Stage::Received),
    ("AcceptedVerifier", Stage::Accepted),
    ("QueuedVerifier", Stage::Queued),
    ("ExecutionVerifier", Stage::Execution),
    ("CompleteVerifier", Stage::Complete),
    ("FailedVerifier", Stage::Failed),
];

impl<'a> Loader<'a> {
    /// One MetaCommand.
    pub(super) fn meta_command(&mut self, declared: Declared<'a>) -> Built<'a, MetaCommand> {
        let Declared {
            node, system, name, ..
        } = declared;
        let mut base = None;
        let mut assignments = Vec::new();
        if let Some(form) = child(node, "BaseMetaCommand") {
            let found = self.find(form, Space::MetaCommand, "metaCommandRef", system)?;
            base = Some(CommandId(found.index));
            for row in listed(form, "ArgumentAssignmentList", "ArgumentAssignment") {
                let text = |name| required(row, name, |text| Some(text.trim().to_owned()));
                assignments.push((text("argumentName")?, text("argumentValue")?));
            }
        }
        let mut arguments: Vec<Argument> = Vec::new();
        for row in listed(node, "ArgumentList", "Argument") {
            let name = required(row, "name", |name| Some(name.trim().to_owned()))?;
            if arguments.iter().any(|known| known.name == name) {
                return Err(mistake(
                    row,
                    format!("the argument `{name}` is declared twice"),
                ));
            }
            arguments.push(Argument {
                name,
                description: description(row),
                argument_type: self.type_reference(row, "argumentTypeRef", declared)?,
                initial_value: row.attribute("initialValue").map(str::to_owned),
            });
        }
        let significance = child(node, "DefaultSignificance").map(|form| self.significance(form));
        Ok(MetaCommand {
            name: name.to_owned(),
            qualified_name: self.names.qualified(&declared),
            description: description(node),
            is_abstract: attribute(node, "abstract", boolean)?.unwrap_or(false),
            place: self.place(node),
            base,
            assignments,
            arguments,
            container: self.names.container_of(node).map(CommandContainerId),
            significance,
            context_significances: self.context_significances(node, system)?,
            constraints: self.constraints(node, system)?,
            interlock: self.interlock(node)?,
            verifiers: self.verifiers(node, system)?,
            parameters_to_set: self.parameters_to_set(node, system),
        })
    }

    /// A level that is not known counts as the worst: it asks for more than it has to.
    fn significance(&mut self, node: Node<'a, 'a>) -> Significance {
        let text = node.attribute("consequenceLevel").unwrap_or("none");
        let level = match text {
            "none" | "normal" => ConsequenceLevel::None,
            "watch" => ConsequenceLevel::Watch,
            "warning" => ConsequenceLevel::Warning,
            "distress" => ConsequenceLevel::Distress,
            "critical" => ConsequenceLevel::Critical,
            "severe" => ConsequenceLevel::Severe,
            // XTCE 1.0 has the levels of ISO 14490: normal, vital, critical, forbidden.
            "vital" => {
                self.note(warning(
                    node,
                    "consequenceLevel=\"vital\" is taken as distress",
                ));
                ConsequenceLevel::Distress
            }
            "forbidden" => {
                self.note(warning(
                    node,
                    "consequenceLevel=\"forbidden\" is taken as severe",
                ));
                ConsequenceLevel::Severe
            }
            other => {
                let what = format!("consequenceLevel=\"{other}\"; the command counts as severe");
                self.note(mistake(node, what));
                ConsequenceLevel::Severe
            }
        };
        let text = |name| node.attribute(name).map(str::to_owned);
        Significance {
            level,
            reason: text("reasonForWarning"),
            at_risk: text("spaceSystemAtRisk"),
        }
    }

    fn context_significances(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
    ) -> Built<'a, Vec<(Condition, Significance)>> {
        let mut significances = Vec::new();
        for row in listed(node, "ContextSignificanceList", "ContextSignificance") {
            let context = child(row, "ContextMatch")
                .ok_or_else(|| mistake(row, "ContextSignificance has no ContextMatch"))?;
            let condition = self
                .match_criteria(context, system)?
                .ok_or_else(|| mistake(context, "ContextMatch has no condition"))?;
            let significance = child(row, "Significance")
                .ok_or_else(|| mistake(row, "ContextSignificance has no Significance"))?;
            significances.push((condition, self.significance(significance)));
        }
        Ok(significances)
    }

    /// A constraint that cannot be built takes its command along: it would be sent unchecked.
    fn constraints(
        &mut self,
        node: Node<'a, 'a>,
        system: u32,
    ) -> Built<'a, Vec<TransmissionConstraint>> {
        let mut constraints = Vec::new();
        for row in listed(node, "TransmissionConstraintList", "TransmissionConstraint") {
            let condition = self
                .match_criteria(row, system)?
                .ok_or_else(|| mistake(row, "TransmissionConstraint has no condition"))?;
            constraints.push(TransmissionConstraint {
                condition,
                timeout_ms: duration_attribute(row, "timeOut")?,
                suspendable: attribute(row, "suspendable", boolean)?.unwrap_or(false),
            });
        }
        Ok(constraints)
    }

    fn interlock(&mut self, node: Node<'a, 'a>) -> Built<'a, Option<Interlock>> {
        let Some(form) = child(node, "Interlock") else {
            return Ok(None);
        };
        if form.has_attribute("verificationProgressPercentage") {
            let what = "verificationProgressPercentage: the whole stage is waited for";
            self.note(unsupported(form, what));
        }
        let stage = form
            .attribute("verificationToWaitFor")
            .unwrap_or("complete");
        Ok(Some(Interlock {
            scope: form.attribute("scopeToSpaceSystem").map(str::to_owned),
            stage: stage_named(form, stage)?,
            suspendable: attribute(form, "suspendable", boolean)?.unwrap_or(false),
        }))
    }

    fn verifiers(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, Vec<Verifier>> {
        let mut verifiers = Vec::new();
        for row in child(node, "VerifierSet").into_iter().flat_map(elements) {
            let known = VERIFIERS.iter().find(|(name, _)| *name == name_of(row));
            let Some(&(_, stage)) = known else { continue };
            match self.verifier(row, system, stage) {
                Ok(verifier) => verifiers.push(verifier),
                // Without it, less is known of the command; that it is sent stays right.
                Err(refusal) => self.note(refusal.so("the verifier is left out")),
            }
        }
        Ok(verifiers)
    }

    fn verifier(&mut self, node: Node<'a, 'a>, system: u32, stage: Stage) -> Built<'a, Verifier> {
        if let Some(form) = child(node, "ParameterValueChange") {
            return Err(unsupported(form, "ParameterValueChange is not followed"));
        }
        let check = match child(node, "ContainerRef") {
            Some(reference) => VerifierCheck::Container(self.container_reference(
                reference,
                "containerRef",
                system,
            )?),
            None => VerifierCheck::Condition(
                self.match_criteria(node, system)?
                    .ok_or_else(|| mistake(node, format!("{} checks nothing", name_of(node))))?,
            ),
        };
        if let Some(form) = child(node, "CheckWindowAlgorithms") {
            return Err(unsupported(form, "CheckWindowAlgorithms are not run"));
        }
        let window = match child(node, "CheckWindow") {
            Some(form) => Some(check_window(form)?),
            None => None,
        };
        Ok(Verifier {
            stage,
            check,
            window,
        })
    }

    fn parameters_to_set(&mut self, node: Node<'a, 'a>, system: u32) -> Vec<ParameterToSet> {
        let mut set = Vec::new();
        for row in listed(node, "ParameterToSetList", "ParameterToSet") {
            match self.parameter_to_set(row, system) {
                Ok(one) => set.push(one),
                Err(refusal) => self.note(refusal.so("the parameter is not set")),
            }
        }
        set
    }

    fn parameter_to_set(&mut self, node: Node<'a, 'a>, system: u32) -> Built<'a, ParameterToSet> {
        let value = child(node, "NewValue")
            .ok_or_else(|| unsupported(node, "a ParameterToSet without a NewValue"))?;
        let stage = node.attribute("setOnVerification").unwrap_or("complete");
        Ok(ParameterToSet {
            parameter: self.parameter(node, "parameterRef", system)?,
            value: text_of(value),
            stage: stage_named(node, stage)?,
        })
    }
}

fn check_window<'a>(node: Node<'a, 'a>) -> Built<'a, CheckWindow> {
    let from_ms = duration_attribute(node, "timeToStartChecking")?.unwrap_or(0);
    let to_ms = duration_attribute(node, "timeToStopChecking")?
        .ok_or_else(|| mistake(node, "CheckWindow has no timeToStopChecking"))?;
    if to_ms < from_ms {
        let what =
            format!("a CheckWindow that closes {to_ms} ms and opens {from_ms} ms after its start");
        return Err(mistake(node, what));
    }
    let start = match node.attribute("timeWindowIsRelativeTo") {
        None | Some("timeLastVerifierPassed") => WindowStart::LastVerifier,
        Some("commandRelease") => WindowStart::Release,
        Some(other) => return Err(mistake(node, format!("timeWindowIsRelativeTo=\"{other}\""))),
    };
    Ok(CheckWindow {
        from_ms,
        to_ms,
        start,
    })
}

fn stage_named<'a>(node: Node<'a, 'a>, text: &str) -> Built<'a, Stage> {
    Ok(match text {
        "release" => Stage::Release,
        "transferredToRange" => Stage::TransferredToRange,
        "sentFromRange" => Stage::SentFromRange,
        "received" => Stage::Received,
        "accepted" => Stage::Accepted,
        "queued" => Stage::Queued,
        "executing" | "execution" => Stage::Execution,
        "complete" => Stage::Complete,
        "failed" => Stage::Failed,
        other => {
            return Err(mistake(
                node,
                format!("`{other}` is not a stage of a command"),
            ));
        }
    })
}

fn duration_attribute<'a>(node: Node<'a, 'a>, name: &str) -> Result<Option<u64>, Refusal<'a>> {
    attribute(node, name, duration_ms)
}

/// An xs:duration in milliseconds, or seconds as a plain number, as real documents write; years and
/// months have no fixed length and have to be 0.
fn duration_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let milliseconds = |seconds: f64| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be positive and below 2^53"
        )]
        ((0.0..9e12).contains(&seconds)).then(|| (seconds * 1000.0).round() as u64)
    };
    let Some(body) = text.strip_prefix('P') else {
        let plain = text.bytes().all(|o| o.is_ascii_digit() || o == b'.');
        return if plain {
            milliseconds(text.parse().ok()?)
        } else {
            None
        };
    };
    let (mut seconds, mut in_time, mut number) = (0.0, false, String::new());
    let mut parts = 0;
    for character in body.chars() {
        let unit = match (character, in_time) {
            ('0'..='9' | '.', _) => {
                number.push(character);
                continue;
            }
            ('T', false) if number.is_empty() => {
                in_time = true;
                continue;
            }
            ('Y' | 'M', false) => {
                if number.parse::<f64>().ok()? != 0.0 {
                    return None;
                }
                0.0
            }
            ('D', false) => 86_400.0,
            ('H', true) => 3_600.0,
            ('M', true) => 60.0,
            ('S', true) => 1.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit;
        number.clear();
        parts += 1;
    }
    if parts > 0 && number.is_empty() {
        milliseconds(seconds)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::duration_ms;

    #[test]
    fn durations_are_milliseconds() {
        for (text, expected) in [
            ("PT5S", Some(5_000)),
            ("P0Y0M0DT0H10M0S", Some(600_000)),
            ("PT0.25S", Some(250)),
            ("P1DT1H1M1.5S", Some(90_061_500)),
            ("30", Some(30_000)),
            ("P1M", None),
            ("P1Y", None),
            ("PT", None),
            ("P", None),
            ("PT5", None),
            ("-PT5S", None),
            ("PT1e3S", None),
            ("PTS", None),
            ("", None),
            ("P99999999999999999D", None),
        ] {
            assert_eq!(duration_ms(text), expected, "{text}");
        }
    }
}
