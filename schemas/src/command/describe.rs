//! What a command takes, in a form to be shown.

use serde::Serialize;

use super::shape::Shape;
use super::telemetry::{CompiledVerifier, VerifierTarget};
use super::{ArgumentLayout, ArgumentSource, CompiledCommand};
use crate::xtce::model::{ConsequenceLevel, Stage, WindowStart};

/// A command described.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommandDescription {
    /// Qualified name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// Consequence level where no context says otherwise.
    pub significance: String,
    /// Why to be careful.
    pub reason: Option<String>,
    /// Conditions under which another level holds.
    pub context_significances: Vec<(String, String)>,
    /// Arguments that can be given, then those that have a value.
    pub arguments: Vec<ArgumentDescription>,
    /// What has to hold before it is sent.
    pub constraints: Vec<String>,
    /// What later commands wait for.
    pub interlock: Option<String>,
    /// How it is known what became of it.
    pub verifiers: Vec<VerifierDescription>,
}

/// An argument described.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArgumentDescription {
    /// Name; members of aggregates as `a.b`.
    pub name: String,
    /// What it means.
    pub description: Option<String>,
    /// `integer`, `number`, `boolean`, `label`, `text`, `octets`, `time`, `duration`, `list` or
    /// `members`.
    pub kind: String,
    /// Units.
    pub units: Option<String>,
    /// What it takes, in words.
    pub takes: String,
    /// The labels it can have.
    pub labels: Vec<String>,
    /// Value where none is given; the one it always has, if it is not `free`.
    pub default: Option<String>,
    /// The command cannot be sent without it.
    pub required: bool,
    /// Whoever sends the command may give it.
    pub free: bool,
}

/// A verifier described.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerifierDescription {
    /// Which stage it shows.
    pub stage: String,
    /// What is looked for.
    pub looks_for: String,
    /// When.
    pub window: Option<String>,
}

impl CompiledCommand {
    /// The command described, for people and for completion.
    pub fn describe(&self) -> CommandDescription {
        let (free, given): (Vec<_>, Vec<_>) = self
            .arguments
            .iter()
            .partition(|argument| argument.is_free());
        CommandDescription {
            name: self.qualified_name.clone(),
            description: self.description.clone(),
            significance: level(self.significance.level).to_owned(),
            reason: self.significance.reason.clone(),
            context_significances: self
                .context_significances
                .iter()
                .map(|(check, significance)| {
                    (check.to_string(), level(significance.level).to_owned())
                })
                .collect(),
            arguments: free.into_iter().chain(given).map(argument).collect(),
            constraints: self
                .constraints
                .iter()
                .map(|constraint| match constraint.timeout_ms {
                    Some(wait) => format!("{}, waited for {wait} ms", constraint.check),
                    None => constraint.check.to_string(),
                })
                .collect(),
            interlock: self.interlock.as_ref().map(|interlock| {
                let scope = interlock.scope.as_deref().unwrap_or("all space systems");
                format!(
                    "later commands of {scope} wait until it is {}",
                    stage(interlock.stage)
                )
            }),
            verifiers: self.verifiers.iter().map(verifier).collect(),
        }
    }
}

fn argument(argument: &ArgumentLayout) -> ArgumentDescription {
    let leaf = argument.shape.leaf();
    let takes = match argument.source {
        ArgumentSource::Link => "set by the link".to_owned(),
        _ => argument.shape.expected(),
    };
    ArgumentDescription {
        name: argument.name.clone(),
        description: argument.description.clone(),
        kind: match &argument.shape {
            Shape::Leaf(leaf) => leaf.kind(),
            Shape::Array { .. } => "list",
            Shape::Aggregate(_) => "members",
        }
        .to_owned(),
        units: leaf.and_then(|leaf| leaf.units.clone()),
        takes,
        labels: leaf
            .map(|leaf| leaf.labels().into_iter().map(str::to_owned).collect())
            .unwrap_or_default(),
        default: argument.default.as_ref().map(ToString::to_string),
        required: argument.is_required(),
        free: argument.is_free(),
    }
}

fn verifier(verifier: &CompiledVerifier) -> VerifierDescription {
    let looks_for = match &verifier.target {
        VerifierTarget::Packet {
            container,
            request: Some(_),
            ..
        } => {
            format!("a packet of {container} with this command's request identifier")
        }
        VerifierTarget::Packet {
            container,
            request: None,
            ..
        } => {
            format!("a packet of {container}")
        }
        VerifierTarget::Condition(check) => check.to_string(),
    };
    let window = verifier.window.map(|window| {
        let after = match window.start {
            WindowStart::Release => "release",
            WindowStart::LastVerifier => "the stage before",
        };
        format!("{} to {} ms after {after}", window.from_ms, window.to_ms)
    });
    VerifierDescription {
        stage: stage(verifier.stage).to_owned(),
        looks_for,
        window,
    }
}

/// The level's name in XTCE.
pub(super) fn level(level: ConsequenceLevel) -> &'static str {
    match level {
        ConsequenceLevel::None => "none",
        ConsequenceLevel::Watch => "watch",
        ConsequenceLevel::Warning => "warning",
        ConsequenceLevel::Distress => "distress",
        ConsequenceLevel::Critical => "critical",
        ConsequenceLevel::Severe => "severe",
    }
}

/// The stage in words.
fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Release => "released",
        Stage::TransferredToRange => "transferred to range",
        Stage::SentFromRange => "sent from range",
        Stage::Received => "received",
        Stage::Accepted => "accepted",
        Stage::Queued => "queued",
        Stage::Execution => "executing",
        Stage::Complete => "complete",
        Stage::Failed => "failed",
    }
}
