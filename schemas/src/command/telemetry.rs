//! Transmission constraints, significance in context and verifiers: conditions compiled, windows.

use std::cell::RefCell;
use std::collections::HashMap;

use super::CompiledCommand;
use super::check::{Check, CheckOutcome, Freshness, Operand, Telemetry};
use super::shapes::Shaper;
use super::value::{Arguments, Value};
use crate::layout::{CompiledMission, DEPTH_MAX, hexadecimal};
use crate::xtce::model::{
    CheckWindow, Condition, ContainerId, MissionDatabase, Operand as Right, ParameterId,
    Significance, Stage, TypeKind, Verifier, VerifierCheck, WindowStart,
};

/// A condition of telemetry without which the command is not sent.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// What has to hold.
    pub check: Check,
    /// How long to wait for it; `None`: it has to hold at once.
    pub timeout_ms: Option<u64>,
    /// The operator may set it aside.
    pub suspendable: bool,
}

/// How it is known that a command has come to a stage.
#[derive(Clone, Debug)]
pub struct CompiledVerifier {
    /// Which stage.
    pub stage: Stage,
    /// What shows it.
    pub target: VerifierTarget,
    /// When it is looked for; `None`: at any time after release.
    pub window: Option<CheckWindow>,
}

/// What shows that a command has come to a stage.
#[derive(Clone, Debug)]
pub enum VerifierTarget {
    /// A packet.
    Packet {
        /// Qualified name of its container.
        container: String,
        /// Tables of the container and of those that extend it.
        tables: Vec<String>,
        /// The packet says of which command it is.
        request: Option<RequestColumns>,
    },
    /// A condition on values from inside the window.
    Condition(Check),
}

/// Columns that say which command a report is of: the request identifier of PUS service 1
/// (ECSS-E-ST-70-41C 8.1), by the names of their parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestColumns {
    /// APID of the command's packet.
    pub apid: &'static str,
    /// Packet sequence count of the command's packet.
    pub sequence_count: &'static str,
}

/// Names of the request identifier's columns.
const REQUEST: RequestColumns = RequestColumns {
    apid: "request_apid",
    sequence_count: "request_sequence_count",
};

/// How a verifier stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifierState {
    /// Its window is not open yet.
    NotYet,
    /// Its window is open, and what it looks for was not seen; why.
    Open(String),
    /// It was seen.
    Passed,
    /// Its window closed without it.
    TimedOut,
}

impl CompiledVerifier {
    /// The window, in microseconds since 1970-01-01 UTC.
    ///
    /// `reached` is when the stage before this verifier's was reached; the release, if none was.
    pub fn window_at(&self, released: i64, reached: i64) -> Freshness {
        let Some(window) = self.window else {
            return Freshness {
                from: released,
                to: i64::MAX,
            };
        };
        let start = match window.start {
            WindowStart::Release => released,
            WindowStart::LastVerifier => reached.max(released),
        };
        let at = |ms: u64| {
            let micros = i64::try_from(ms).ok().and_then(|ms| ms.checked_mul(1_000));
            start.saturating_add(micros.unwrap_or(i64::MAX))
        };
        Freshness {
            from: at(window.from_ms),
            to: at(window.to_ms),
        }
    }

    /// Whether a packet is a report that this verifier looks for: its table, the command that it
    /// says it is of if it does (APID and sequence count), and the command's packet.
    pub fn is_report(&self, table: &str, request: Option<(u16, u16)>, sent: (u16, u16)) -> bool {
        match &self.target {
            VerifierTarget::Packet {
                tables,
                request: columns,
                ..
            } => {
                tables.iter().any(|known| known == table)
                    && (columns.is_none() || request == Some(sent))
            }
            VerifierTarget::Condition(_) => false,
        }
    }

    /// How the verifier stands at `now`; `seen` is the generation time of a report that
    /// [`CompiledVerifier::is_report`] took, if there was one.
    ///
    /// A condition counts with values from inside the window only: what was true before the command
    /// does not verify it.
    pub fn evaluate(
        &self,
        telemetry: &dyn Telemetry,
        arguments: &Arguments,
        seen: Option<i64>,
        window: Freshness,
        now: i64,
    ) -> VerifierState {
        let why = match &self.target {
            VerifierTarget::Packet { container, .. } => match seen {
                Some(time) if (window.from..=window.to).contains(&time) => {
                    return VerifierState::Passed;
                }
                Some(_) => format!("{container} came outside the window"),
                None => format!("no packet of {container}"),
            },
            VerifierTarget::Condition(check) => {
                match check.evaluate(telemetry, arguments, window) {
                    CheckOutcome::Holds => return VerifierState::Passed,
                    CheckOutcome::Fails(why) | CheckOutcome::Unknown(why) => why,
                }
            }
        };
        if now < window.from {
            VerifierState::NotYet
        } else if now > window.to {
            VerifierState::TimedOut
        } else {
            VerifierState::Open(why)
        }
    }
}

impl CompiledCommand {
    /// How much harm the command can do now: the first context that holds says, else the default.
    ///
    /// Where it cannot be told whether a context holds, the worse of the two counts.
    pub fn significance_in(
        &self,
        telemetry: &dyn Telemetry,
        arguments: &Arguments,
        fresh: Freshness,
    ) -> &Significance {
        let mut worst: Option<&Significance> = None;
        for (check, significance) in &self.context_significances {
            match check.evaluate(telemetry, arguments, fresh) {
                CheckOutcome::Fails(_) => {}
                CheckOutcome::Holds => {
                    let unknown = worst.filter(|worst| worst.level > significance.level);
                    return unknown.unwrap_or(significance);
                }
                CheckOutcome::Unknown(_) => {
                    if worst.is_none_or(|worst| worst.level < significance.level) {
                        worst = Some(significance);
                    }
                }
            }
        }
        match worst {
            Some(worst) if worst.level > self.significance.level => worst,
            _ => &self.significance,
        }
    }
}

/// Compiles conditions of one command.
pub(super) struct Checker<'d, 's> {
    pub(super) database: &'d MissionDatabase,
    pub(super) mission: &'d CompiledMission,
    pub(super) columns: &'s Columns<'d>,
    pub(super) shaper: &'s Shaper<'d>,
    /// What was noticed, and leaves nothing out.
    pub(super) notes: RefCell<Vec<String>>,
}

/// Tables and columns that hold a parameter, by its qualified name.
pub(super) type Columns<'d> = HashMap<&'d str, Vec<(String, String)>>;

/// Where each parameter lies.
pub(super) fn columns(mission: &CompiledMission) -> Columns<'_> {
    let mut columns = Columns::new();
    for layout in &mission.tables {
        for field in layout.schema.fields() {
            if let Some(name) = field.metadata().get("parameter") {
                let place = (layout.table.clone(), field.name().clone());
                columns.entry(name.as_str()).or_default().push(place);
            }
        }
    }
    columns
}

impl Checker<'_, '_> {
    pub(super) fn verifier(&self, verifier: &Verifier) -> Result<CompiledVerifier, String> {
        let target = match &verifier.check {
            VerifierCheck::Container(id) => self.packet(*id)?,
            VerifierCheck::Condition(condition) => {
                VerifierTarget::Condition(self.check(condition, 0)?)
            }
        };
        Ok(CompiledVerifier {
            stage: verifier.stage,
            target,
            window: verifier.window,
        })
    }

    pub(super) fn check(&self, condition: &Condition, depth: usize) -> Result<Check, String> {
        if depth > DEPTH_MAX {
            return Err("a condition nests too deep".to_owned());
        }
        let all = |list: &[Condition]| {
            let list = list.iter().map(|inner| self.check(inner, depth + 1));
            list.collect::<Result<Vec<_>, _>>()
        };
        match condition {
            Condition::All(list) => Ok(Check::All(all(list)?)),
            Condition::Any(list) => Ok(Check::Any(all(list)?)),
            Condition::Comparison(comparison) => {
                let left = self.operand(comparison.parameter, comparison.calibrated)?;
                let right = match &comparison.value {
                    Right::Parameter {
                        parameter,
                        calibrated,
                    } => self.operand(*parameter, *calibrated)?,
                    Right::Literal(text) => {
                        let typed = self.literal(comparison.parameter, comparison.calibrated, text);
                        Operand::Value(typed.ok_or_else(|| {
                            format!("a condition compares with `{text}`, which is no value of its parameter")
                        })?)
                    }
                };
                Ok(Check::Compare {
                    left,
                    operator: comparison.operator,
                    right,
                })
            }
        }
    }

    fn operand(&self, id: ParameterId, calibrated: bool) -> Result<Operand, String> {
        if let Some(name) = id.as_argument() {
            let name = self
                .database
                .argument_names
                .get(name as usize)
                .cloned()
                .unwrap_or_default();
            let index = self.shaper.arguments.get(&name).copied();
            let index = index.ok_or_else(|| format!("`{name}` is no argument of the command"))?;
            return Ok(Operand::Argument { index, name });
        }
        let parameter = self.database.parameters.get(id.0 as usize);
        let parameter = parameter.ok_or("a condition refers to nothing")?;
        let columns = self.columns.get(parameter.qualified_name.as_str());
        let columns = columns.cloned().unwrap_or_default();
        if columns.is_empty() && !self.is_part(id) {
            self.notes.borrow_mut().push(format!(
                "`{}` is in no packet of telemetry; unless the ground sets it, what depends on it is not known",
                parameter.qualified_name
            ));
        }
        Ok(Operand::Parameter {
            name: parameter.qualified_name.clone(),
            columns,
            calibrated,
        })
    }

    fn is_part(&self, id: ParameterId) -> bool {
        self.database
            .member_references
            .iter()
            .any(|reference| reference.part == id)
    }

    /// A literal typed like the parameter or argument that it is compared with.
    fn literal(&self, id: ParameterId, calibrated: bool, text: &str) -> Option<Value> {
        let trimmed = text.trim();
        if let Some(name) = id.as_argument() {
            let name = self.database.argument_names.get(name as usize)?;
            let index = *self.shaper.arguments.get(name)?;
            let shape = self.shaper.known.get(index)?.as_ref()?;
            return super::parse::text(shape, text).ok();
        }
        let parameter = self.database.parameters.get(id.0 as usize)?;
        let kind = &self
            .database
            .types
            .get(parameter.parameter_type.0 as usize)?
            .kind;
        match kind {
            TypeKind::Enumerated { labels, .. } if calibrated => {
                if labels.iter().any(|label| label.label == text) {
                    return Some(Value::Text(text.to_owned()));
                }
                let Value::Integer(raw) = super::parse::number(trimmed)? else {
                    return None;
                };
                let found = labels
                    .iter()
                    .find(|one| (i128::from(one.first)..=i128::from(one.last)).contains(&raw));
                found.map(|one| Value::Text(one.label.clone()))
            }
            TypeKind::Boolean { zero, one, .. } if calibrated => {
                let is = |names: [&str; 3]| names.iter().any(|n| n.eq_ignore_ascii_case(trimmed));
                if is([one, "true", "1"]) {
                    Some(Value::Boolean(true))
                } else if is([zero, "false", "0"]) {
                    Some(Value::Boolean(false))
                } else {
                    None
                }
            }
            TypeKind::String { .. } => Some(Value::Text(text.to_owned())),
            TypeKind::Binary { .. } => hexadecimal(trimmed).map(Value::Octets),
            TypeKind::AbsoluteTime { .. } if calibrated => {
                let time = trimmed.parse::<space_link::time::UtcMicros>().ok()?;
                Some(Value::Time(time.get()))
            }
            TypeKind::Array { .. } | TypeKind::Aggregate { .. } => None,
            _ => super::parse::number(trimmed),
        }
    }

    fn packet(&self, id: ContainerId) -> Result<VerifierTarget, String> {
        let container = self.database.containers.get(id.0 as usize);
        let container = container.ok_or("a verifier refers to no container")?;
        let nodes = &self.mission.nodes;
        let mut open: Vec<usize> = (0..nodes.len())
            .filter(|at| nodes[*at].container == id)
            .collect();
        let mut layouts = Vec::new();
        while let Some(node) = open.pop().and_then(|at| nodes.get(at)) {
            layouts.extend(node.table.and_then(|table| self.mission.table(table)));
            open.extend(node.children.iter().rev());
        }
        if layouts.is_empty() {
            return Err(format!(
                "no packet can be of `{}`",
                container.qualified_name
            ));
        }
        let has = |name| {
            layouts
                .iter()
                .all(|layout| layout.schema.index_of(name).is_ok())
        };
        let request = (has(REQUEST.apid) && has(REQUEST.sequence_count)).then_some(REQUEST);
        Ok(VerifierTarget::Packet {
            container: container.qualified_name.clone(),
            tables: layouts.iter().map(|layout| layout.table.clone()).collect(),
            request,
        })
    }
}
