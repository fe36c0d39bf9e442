//! From the model's MetaCommands to layouts.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::context::Context;
use super::entries::{Flattener, header_value, is_links, spans};
use super::parse;
use super::shape::Shape;
use super::shapes::{Of, Shaper};
use super::telemetry::{Checker, Columns, Constraint, columns};
use super::value::Value;
use super::write::Writer;
use super::{
    ArgumentLayout, ArgumentSource, At, CommandDatabase, CommandIssue, CompiledCommand, Content,
    Field, OCTETS_A_NODE,
};
use crate::layout::{CompiledMission, DEPTH_MAX};
use crate::xtce::model::{
    CommandContainerBase, CommandEntryContent, CommandId, ConsequenceLevel, IntegerValue,
    MetaCommand, MissionDatabase, Significance, Verifier,
};

pub(super) fn compile<'d>(
    database: &'d MissionDatabase,
    mission: &'d CompiledMission,
) -> CommandDatabase {
    let columns = columns(mission);
    let mut compiled = CommandDatabase::default();
    let mut nodes = 0;
    for (at, command) in database.commands.iter().enumerate() {
        if command.is_abstract {
            continue;
        }
        let mut compiler = Compiler {
            database,
            mission,
            columns: &columns,
            nodes,
            issues: Vec::new(),
        };
        let id = CommandId(u32::try_from(at).unwrap_or(u32::MAX));
        let built = compiler.command(id, command);
        nodes = compiler.nodes;
        let notes = std::mem::take(&mut compiler.issues);
        let left_out = match built {
            Ok(command) => {
                compiled.commands.push(command);
                None
            }
            Err(why) => Some(format!("{why}; the command is left out")),
        };
        for what in notes.into_iter().chain(left_out) {
            if compiled.issues.len() < ISSUES_MAX {
                compiled.issues.push(CommandIssue {
                    command: command.qualified_name.clone(),
                    place: command.place.clone(),
                    what,
                });
            }
        }
    }
    compiled
}

struct Compiler<'d, 'c> {
    database: &'d MissionDatabase,
    mission: &'d CompiledMission,
    columns: &'c Columns<'d>,
    nodes: usize,
    issues: Vec<String>,
}

impl<'d> Compiler<'d, '_> {
    fn command(&mut self, id: CommandId, own: &'d MetaCommand) -> Result<CompiledCommand, String> {
        let chain = self.chain(id)?;
        let container = chain.iter().rev().find_map(|command| command.container);
        let container = container.ok_or("it has no container, so no packet")?;
        let container = CommandContainerBase::Command(container);
        let mut flattener = Flattener::new(self.database, container)?;
        flattener.shaper.nodes = self.nodes;
        let built = self.build(own, &chain, &mut flattener);
        // What failed took memory and time too.
        self.nodes = flattener.shaper.nodes;
        self.issues.append(&mut flattener.issues);
        built
    }

    fn build(
        &mut self,
        own: &'d MetaCommand,
        chain: &[&'d MetaCommand],
        flattener: &mut Flattener<'d>,
    ) -> Result<CompiledCommand, String> {
        let (mut arguments, known) = self.arguments(chain, flattener)?;
        flattener.shaper.known = known;
        flattener.flatten(&mut arguments)?;
        let has_primary_header = give_header(&flattener.fields, &mut arguments);
        let mut command = CompiledCommand {
            name: own.name.clone(),
            qualified_name: own.qualified_name.clone(),
            description: own.description.clone(),
            place: own.place.clone(),
            arguments,
            significance: Significance {
                level: ConsequenceLevel::None,
                reason: None,
                at_risk: None,
            },
            context_significances: Vec::new(),
            constraints: Vec::new(),
            interlock: chain
                .iter()
                .rev()
                .find_map(|command| command.interlock.clone()),
            verifiers: Vec::new(),
            parameters_to_set: Vec::new(),
            has_primary_header,
            fields: std::mem::take(&mut flattener.fields),
            template: Vec::new(),
            mask: Vec::new(),
            variable: Vec::new(),
            octets: flattener.octets,
        };
        render(&mut command)?;
        flattener
            .shaper
            .count(command.template.len() / OCTETS_A_NODE)?;
        self.conditions(chain, &flattener.shaper, &mut command)?;
        for argument in command
            .arguments
            .iter()
            .filter(|argument| !argument.transmitted)
        {
            self.issues.push(format!(
                "the argument `{}` is in no entry of the packet; its value is not sent",
                argument.name
            ));
        }
        Ok(command)
    }

    /// The command and those it extends, the root first.
    fn chain(&self, id: CommandId) -> Result<Vec<&'d MetaCommand>, String> {
        let mut chain = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            let command = self.database.commands.get(id.0 as usize);
            let command = command.ok_or("it extends a command that is not there")?;
            chain.push(command);
            if chain.len() > DEPTH_MAX {
                return Err(format!("it extends more than {DEPTH_MAX} commands"));
            }
            next = command.base;
        }
        chain.reverse();
        Ok(chain)
    }

    fn arguments(
        &mut self,
        chain: &[&'d MetaCommand],
        flattener: &mut Flattener<'d>,
    ) -> Result<(Vec<ArgumentLayout>, Vec<Option<Shape>>), String> {
        let declared = || chain.iter().flat_map(|command| &command.arguments);
        for (at, argument) in declared().enumerate() {
            if flattener
                .shaper
                .arguments
                .insert(argument.name.clone(), at)
                .is_some()
            {
                return Err(format!(
                    "the argument `{}` is declared in a base too",
                    argument.name
                ));
            }
        }
        let mut assigned: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, value) in chain.iter().flat_map(|command| &command.assignments) {
            if !flattener.shaper.arguments.contains_key(name) {
                return Err(format!("it assigns `{name}`, which is no argument of it"));
            }
            assigned.insert(name, value);
        }
        for (name, value) in &flattener.restricted_arguments {
            assigned.entry(name).or_insert(value);
        }
        let dimensions: HashMap<&str, &[IntegerValue]> = flattener.dimensions.clone();
        let count = declared().count();
        flattener.shaper.known = vec![None; count];
        let mut layouts = Vec::with_capacity(count);
        for (at, argument) in declared().enumerate() {
            let name = argument.name.as_str();
            let given = dimensions.get(name).copied().unwrap_or_default();
            let shape = flattener
                .shaper
                .shape(Of::Arguments, argument.argument_type, given, 0)
                .map_err(|why| format!("the argument `{name}` cannot be encoded: {why}"))?;
            let of_type = self
                .database
                .argument_types
                .get(argument.argument_type.0 as usize);
            let initial = argument
                .initial_value
                .as_deref()
                .or_else(|| of_type.and_then(|found| found.initial_value.as_deref()));
            let text = assigned.get(name).copied();
            let default = match text.or(initial) {
                Some(text) => Some(parse::text(&shape, text).map_err(|_| {
                    format!(
                        "`{text}` is no value of the argument `{name}`, which takes {}",
                        shape.expected()
                    )
                })?),
                None => None,
            };
            flattener.shaper.known[at] = Some(shape.clone());
            layouts.push(ArgumentLayout {
                name: argument.name.clone(),
                description: argument
                    .description
                    .clone()
                    .or_else(|| of_type.and_then(|found| found.base.description.clone())),
                shape,
                source: if text.is_some() {
                    ArgumentSource::Assigned
                } else {
                    ArgumentSource::Operator
                },
                default,
                transmitted: false,
            });
        }
        let known = std::mem::take(&mut flattener.shaper.known);
        Ok((layouts, known))
    }

    fn conditions(
        &mut self,
        chain: &[&'d MetaCommand],
        shaper: &Shaper<'d>,
        command: &mut CompiledCommand,
    ) -> Result<(), String> {
        let checker = Checker {
            database: self.database,
            mission: self.mission,
            columns: self.columns,
            shaper,
            notes: RefCell::default(),
        };
        if let Some(significance) = chain
            .iter()
            .rev()
            .find_map(|command| command.significance.clone())
        {
            command.significance = significance;
        }
        for (condition, significance) in chain
            .iter()
            .rev()
            .flat_map(|command| &command.context_significances)
        {
            let check = checker.check(condition, 0)?;
            command
                .context_significances
                .push((check, significance.clone()));
        }
        for constraint in chain.iter().flat_map(|command| &command.constraints) {
            command.constraints.push(Constraint {
                check: checker.check(&constraint.condition, 0)?,
                timeout_ms: constraint.timeout_ms,
                suspendable: constraint.suspendable,
            });
        }
        for verifier in verifiers(chain) {
            match checker.verifier(verifier) {
                Ok(verifier) => command.verifiers.push(verifier),
                Err(why) => self.issues.push(format!("{why}; the verifier is left out")),
            }
        }
        self.issues.append(&mut checker.notes.borrow_mut());
        for set in chain.iter().flat_map(|command| &command.parameters_to_set) {
            let parameter = self.database.parameters.get(set.parameter.0 as usize);
            let name = parameter
                .map(|found| found.qualified_name.clone())
                .unwrap_or_default();
            command
                .parameters_to_set
                .push((name, set.value.clone(), set.stage));
        }
        Ok(())
    }
}

/// Those of a stage replace the base's of it; in the order of the stages.
fn verifiers<'d>(chain: &[&'d MetaCommand]) -> Vec<&'d Verifier> {
    let mut stages: BTreeMap<_, Vec<&Verifier>> = BTreeMap::new();
    for command in chain {
        let mut own: BTreeMap<_, Vec<&Verifier>> = BTreeMap::new();
        for verifier in &command.verifiers {
            own.entry(verifier.stage).or_default().push(verifier);
        }
        stages.extend(own);
    }
    stages.into_values().flatten().collect()
}

/// Whether the packet begins with a primary header; its fields are the link's, or have the values
/// of a telecommand where the database says none.
fn give_header(fields: &[Field], arguments: &mut [ArgumentLayout]) -> bool {
    let mut found = Vec::new();
    for field in fields {
        let At::Bit(at, _) = field.at else { continue };
        match &field.content {
            Content::Fixed(width, _) => found.push((at, *width as usize, None)),
            Content::Argument(index) => {
                if let Some(argument) = arguments.get(*index) {
                    let spans = spans(&argument.shape, at);
                    let single = argument.shape.leaf().map(|_| *index);
                    found.extend(spans.into_iter().map(|(at, width)| (at, width, single)));
                }
            }
        }
    }
    let has = |at, width| {
        found
            .iter()
            .any(|(from, bits, _)| (*from, *bits) == (at, width))
    };
    // Version, type, flag, APID, sequence flags, count, length: CCSDS 133.0-B-2 figure 4-2.
    if !(has(5, 11) && has(18, 14) && has(32, 16)) {
        return false;
    }
    for &(at, width, argument) in &found {
        let Some(argument) = argument.and_then(|index| arguments.get_mut(index)) else {
            continue;
        };
        if is_links(at, width) {
            argument.source = ArgumentSource::Link;
            argument.default = header_value(at, width, &argument.shape);
        } else if argument.source == ArgumentSource::Parameter
            && argument.default.is_none()
            && let Some(value) = header_value(at, width, &argument.shape)
        {
            argument.default = Some(value);
            argument.source = ArgumentSource::Assigned;
        }
    }
    true
}

/// Renders what every packet has in common.
fn render(command: &mut CompiledCommand) -> Result<(), String> {
    let mut template = Vec::new();
    let mut mask = Vec::new();
    let mut ends: Vec<(usize, usize, &str)> = Vec::new();
    for (index, field) in command.fields.iter().enumerate() {
        let (At::Bit(at, _), None) = (&field.at, &field.when) else {
            command.variable.push(index);
            continue;
        };
        let (at, before) = (*at, template.len());
        let context = Context {
            arguments: &command.arguments,
            values: &[],
        };
        let mut writer = Writer {
            context,
            out: &mut template,
            start: 0,
            at,
            elements: 0,
        };
        let fixed = match &field.content {
            Content::Fixed(width, octets) => {
                writer.fixed(*width, octets);
                true
            }
            Content::Argument(argument) => {
                let argument = &command.arguments[*argument];
                let known = matches!(
                    argument.source,
                    ArgumentSource::Assigned | ArgumentSource::Link
                );
                let fixed = !spans(&argument.shape, at).is_empty();
                match (&argument.default, known && fixed) {
                    (Some(value), true) => {
                        writer.shape(&argument.shape, value).map_err(|_| {
                            format!(
                                "{value} cannot be encoded as `{}`, which takes {}",
                                argument.name,
                                argument.shape.expected()
                            )
                        })?;
                        true
                    }
                    _ => false,
                }
            }
        };
        let end = writer.at;
        if !fixed {
            template.truncate(before);
            command.variable.push(index);
            let argument = match &field.content {
                Content::Argument(argument) => command.arguments.get(*argument),
                Content::Fixed(..) => None,
            };
            let spans = argument
                .map(|argument| spans(&argument.shape, at))
                .unwrap_or_default();
            if let Some((last, width)) = spans.last() {
                ends.push((at, last + width, &field.name));
            }
            continue;
        }
        ends.push((at, end, &field.name));
        let width = end - at;
        let compared = !(command.has_primary_header && is_links(at, width));
        for bit in at..end {
            let octet = bit / 8;
            if mask.len() <= octet {
                mask.resize(octet + 1, 0_u8);
            }
            if compared {
                mask[octet] |= 0x80 >> (bit % 8);
            }
        }
    }
    ends.sort_unstable();
    for pair in ends.windows(2) {
        if pair[1].0 < pair[0].1 {
            return Err(format!(
                "its entries `{}` and `{}` overlap",
                pair[0].2, pair[1].2
            ));
        }
    }
    mask.resize(template.len(), 0);
    command.template = template;
    command.mask = mask;
    Ok(())
}

/// Entries that an argument's name leads to, for dimensions that entries give.
pub(super) fn dimensions_of<'d>(
    database: &'d MissionDatabase,
    container: CommandContainerBase,
    depth: usize,
    found: &mut HashMap<&'d str, &'d [IntegerValue]>,
) {
    let CommandContainerBase::Command(id) = container else {
        return;
    };
    let Some(container) = database.command_containers.get(id.0 as usize) else {
        return;
    };
    if depth > DEPTH_MAX {
        return;
    }
    if let Some((base, _)) = &container.base {
        dimensions_of(database, *base, depth + 1, found);
    }
    for entry in &container.entries {
        match &entry.content {
            CommandEntryContent::Argument { name, dimensions } if !dimensions.is_empty() => {
                found.insert(name.as_str(), dimensions.as_slice());
            }
            CommandEntryContent::Container(inner) => {
                dimensions_of(database, *inner, depth + 1, found);
            }
            _ => {}
        }
    }
}

/// Most issues kept: a hostile document does not fill the memory with complaints.
const ISSUES_MAX: usize = 10_000;

/// A value of a field that has to be a whole number, from it.
pub(super) fn of_integer(shape: &Shape, raw: i64) -> Option<Value> {
    let leaf = shape.leaf()?;
    parse::leaf(leaf, &raw.to_string()).ok()
}
