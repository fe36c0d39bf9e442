//! From the mission database's model to layouts.

use std::collections::HashMap;

use arrow::datatypes::Field as ArrowField;

use super::columns::{self, Named};
use super::names::{UniqueNames, snake_case, table_names};
use super::probe;
use super::{
    Action, Base, COLUMNS_MAX, CompiledMission, ContainerLayout, DEPTH_MAX, Field, FieldSize,
    Integer, LayoutError, LayoutIssue, Node, Output, Position, Predicate, Program, Repeat,
    STEPS_MAX, Step, TableId,
};
use crate::tables;
use crate::xtce::model::{
    Container, ContainerId, Entry, EntryContent, IntegerValue, Location, LocationReference,
    MemberReference, MemberStep, MissionDatabase, ParameterId, TypeId, TypeKind,
};

/// Compiles a mission database.
///
/// # Errors
/// When the layouts would grow beyond [`COLUMNS_MAX`], [`STEPS_MAX`] or [`DEPTH_MAX`], or an index
/// of the model points nowhere. Constructs that cannot be decoded are no error: they are in
/// [`CompiledMission::issues`].
pub fn compile(database: &MissionDatabase) -> Result<CompiledMission, LayoutError> {
    let mut inheritors: HashMap<ContainerId, Vec<ContainerId>> = HashMap::new();
    let mut included = vec![false; database.containers.len()];
    for (index, container) in database.containers.iter().enumerate() {
        if let Some((base, _)) = &container.base {
            inheritors.entry(*base).or_default().push(ContainerId(index as u32));
        }
        for entry in &container.entries {
            if let EntryContent::Container(id) = entry.content
                && let Some(mark) = included.get_mut(id.0 as usize)
            {
                *mark = true;
            }
        }
    }
    let mut parts: HashMap<ParameterId, Vec<&MemberReference>> = HashMap::new();
    for reference in &database.member_references {
        parts.entry(reference.whole).or_default().push(reference);
    }
    let mut compiler = Compiler {
        database,
        parts,
        inheritors,
        steps: 0,
        scopes: Vec::new(),
        container: String::new(),
        depth: 0,
        compiled: CompiledMission::default(),
    };
    let roots = compiler.roots(&included);
    for root in roots {
        let root = compiler.node(root, Predicate::All(Vec::new()), 0)?;
        compiler.compiled.roots.push(root);
    }
    compiler.tables()?;
    Ok(compiler.compiled)
}

/// What has been compiled of a program so far.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) program: Program,
    /// Where the next entry begins.
    at: Position,
    /// The mask that entries are under.
    mask: Option<usize>,
    /// The last field of each parameter, with its type.
    pub(super) slots: HashMap<ParameterId, (usize, TypeId)>,
}

/// Which part of which parameter a value is.
type Origin = (ParameterId, Vec<MemberStep>);

pub(super) struct Compiler<'a> {
    pub(super) database: &'a MissionDatabase,
    /// Parameters that stand for parts of another one.
    parts: HashMap<ParameterId, Vec<&'a MemberReference>>,
    inheritors: HashMap<ContainerId, Vec<ContainerId>>,
    steps: usize,
    pub(super) scopes: Vec<Scope>,
    container: String,
    depth: usize,
    compiled: CompiledMission,
}

impl<'a> Compiler<'a> {
    /// Containers at which a packet may start.
    fn roots(&self, included: &[bool]) -> Vec<ContainerId> {
        let candidates = |inherited: bool, may_be_included: bool| -> Vec<ContainerId> {
            (0..self.database.containers.len())
                .filter(|&index| {
                    let id = ContainerId(index as u32);
                    self.database.containers[index].base.is_none()
                        && self.inheritors.contains_key(&id) == inherited
                        && (may_be_included || !included[index])
                })
                .map(|index| ContainerId(index as u32))
                .collect()
        };
        let orders = [(true, false), (true, true), (false, false)];
        orders
            .into_iter()
            .map(|(inherited, may_be_included)| candidates(inherited, may_be_included))
            .find(|roots| !roots.is_empty())
            .unwrap_or_default()
    }

    /// Compiles a container and its inheritors into nodes.
    fn node(
        &mut self,
        id: ContainerId,
        condition: Predicate,
        depth: usize,
    ) -> Result<usize, LayoutError> {
        let container = self.container(id)?;
        self.container.clone_from(&container.qualified_name);
        if depth > DEPTH_MAX {
            return Err(LayoutError::TooDeep { container: self.container.clone() });
        }
        let index = self.compiled.nodes.len();
        self.compiled.nodes.push(Node {
            container: id,
            name: container.qualified_name.clone(),
            condition,
            table: None,
            children: Vec::new(),
            probe: Program::default(),
            header_only: true,
        });
        let children = self.inheritors.get(&id).cloned().unwrap_or_default();
        if children.is_empty() {
            return Ok(index);
        }
        self.chain(id)?;
        let mut conditions = Vec::with_capacity(children.len());
        for &child in &children {
            if let Some((_, restriction)) = &self.container(child)?.base {
                conditions.push(self.predicate(restriction));
            }
        }
        let scope = self.scopes.pop().unwrap_or_default();
        let (probe, header_only) = probe::prune(scope.program, &conditions);
        self.compiled.nodes[index].probe = probe;
        self.compiled.nodes[index].header_only = header_only;
        for (child, condition) in children.into_iter().zip(conditions) {
            let child = self.node(child, condition, depth + 1)?;
            self.compiled.nodes[index].children.push(child);
        }
        Ok(index)
    }

    /// Makes the tables of all concrete containers among the nodes.
    fn tables(&mut self) -> Result<(), LayoutError> {
        let concrete: Vec<(usize, ContainerId, &'a str)> = self
            .compiled
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(node, entry)| {
                let container = self.database.containers.get(entry.container.0 as usize)?;
                (!container.is_abstract)
                    .then_some((node, entry.container, container.qualified_name.as_str()))
            })
            .collect();
        let named: Vec<(ContainerId, &str)> =
            concrete.iter().map(|&(_, id, name)| (id, name)).collect();
        let mut names = table_names(&named);
        for (node, id, qualified) in concrete {
            let columns = self.chain(id)?;
            let scope = self.scopes.pop().unwrap_or_default();
            let mut unique = UniqueNames::with_taken(tables::LEADING_COLUMNS);
            let (fields, outputs): (Vec<_>, Vec<_>) = columns::rename(columns, &mut unique)
                .into_iter()
                .map(|named| (named.field, named.output))
                .unzip();
            self.compiled.nodes[node].table = Some(TableId(self.compiled.tables.len() as u32));
            self.compiled.tables.push(ContainerLayout {
                table: names.remove(&id).unwrap_or_else(|| snake_case(qualified)),
                container: id,
                name: qualified.to_owned(),
                schema: tables::telemetry_schema(fields),
                program: scope.program,
                columns: outputs,
            });
        }
        Ok(())
    }

    /// Compiles a container with its bases into a new scope, which is left on top.
    fn chain(&mut self, id: ContainerId) -> Result<Vec<Named>, LayoutError> {
        self.container.clone_from(&self.container(id)?.qualified_name);
        self.scopes.clear();
        self.scopes.push(Scope::default());
        self.depth = 0;
        let mut columns = Vec::new();
        self.entries_of(id, &mut columns)?;
        self.finish();
        Ok(columns)
    }

    fn finish(&mut self) {
        let scope = self.scope();
        scope.program.end = scope.at;
        if scope.at.base == Base::Start {
            let end = u64::try_from(scope.at.bits).unwrap_or(0);
            scope.program.fixed_bits = scope.program.fixed_bits.max(end);
        }
    }

    /// Entries of a container, its bases' first.
    fn entries_of(&mut self, id: ContainerId, columns: &mut Vec<Named>) -> Result<(), LayoutError> {
        let mut chain = vec![id];
        let mut base = self.container(id)?.base.as_ref().map(|(base, _)| *base);
        while let Some(next) = base {
            if chain.len() > DEPTH_MAX {
                return Err(LayoutError::TooDeep { container: self.container.clone() });
            }
            chain.push(next);
            base = self.container(next)?.base.as_ref().map(|(base, _)| *base);
        }
        self.deeper()?;
        let start = self.scope().at;
        for id in chain.into_iter().rev() {
            for entry in &self.container(id)?.entries {
                self.entry(entry, start, columns)?;
                if columns.len() > COLUMNS_MAX {
                    return Err(LayoutError::TooManyColumns { container: self.container.clone() });
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &Entry,
        start: Position,
        columns: &mut Vec<Named>,
    ) -> Result<(), LayoutError> {
        self.count_step()?;
        let outer = (self.scope().at, self.scope().mask);
        if let Some(condition) = &entry.include_condition {
            let predicate = self.predicate(condition);
            let mask = self.new_mask();
            self.push(outer.0, Action::Test { predicate, mask })?;
            self.scope().mask = Some(mask);
        }
        if let Some(location) = &entry.location {
            self.locate(location, start)?;
        }
        match &entry.repeat {
            None => self.content(&entry.content, columns)?,
            Some(repeat) => {
                let name = self.content_name(&entry.content)?;
                let count = self.integer(&repeat.count);
                let gap = self.integer(&repeat.offset_bits);
                let repeated = self.repeated(&name, count, gap, |compiler, columns| {
                    compiler.content(&entry.content, columns)
                })?;
                columns.extend(repeated);
            }
        }
        if entry.include_condition.is_some() {
            // Where the entry is absent, the next one follows what came before it.
            let (inside, mask) = (self.scope().at, self.scope().mask);
            let register = self.new_register();
            self.scope().mask = outer.1;
            let action = Action::Join { otherwise: outer.0, register };
            self.count_step()?;
            self.scope().program.steps.push(Step { at: inside, when: mask, action });
            self.scope().at = Position { base: Base::Register(register), bits: 0 };
        }
        Ok(())
    }

    fn content_name(&self, content: &EntryContent) -> Result<String, LayoutError> {
        Ok(match content {
            EntryContent::Parameter(id) | EntryContent::Array { parameter: id, .. } => {
                self.parameter(*id)?.name.clone()
            }
            EntryContent::Container(id) => self.container(*id)?.name.clone(),
            EntryContent::Padding(_) => "padding".to_owned(),
        })
    }

    fn content(
        &mut self,
        content: &EntryContent,
        columns: &mut Vec<Named>,
    ) -> Result<(), LayoutError> {
        match content {
            EntryContent::Padding(bits) => self.advance(i64::from(*bits)),
            EntryContent::Parameter(id) => {
                let parameter = self.parameter(*id)?;
                let described = columns::Described::parameter(parameter);
                let origin = Some((*id, Vec::new()));
                columns.extend(self.value(parameter.parameter_type, &described, &[], origin)?);
            }
            EntryContent::Array { parameter, dimensions } => {
                let parameter = self.parameter(*parameter)?;
                let described = columns::Described::parameter(parameter);
                columns.extend(self.value(
                    parameter.parameter_type,
                    &described,
                    dimensions,
                    None,
                )?);
            }
            EntryContent::Container(id) => {
                let before = self.scope().at;
                self.entries_of(*id, columns)?;
                if let Some(size) = self.container_size(*id)? {
                    let size = self.integer(&size);
                    self.scope().at = before;
                    self.move_by(size, false)?;
                }
            }
        }
        Ok(())
    }

    /// The size a container or one of its bases declares.
    fn container_size(&self, id: ContainerId) -> Result<Option<IntegerValue>, LayoutError> {
        let mut next = Some(id);
        for _ in 0..=DEPTH_MAX {
            let Some(id) = next else { break };
            let container = self.container(id)?;
            if let Some(size) = &container.size_bits {
                return Ok(Some(size.clone()));
            }
            next = container.base.as_ref().map(|(base, _)| *base);
        }
        Ok(None)
    }

    /// A value of a type at the current position.
    fn value(
        &mut self,
        id: TypeId,
        described: &columns::Described<'_>,
        dimensions: &[IntegerValue],
        origin: Option<Origin>,
    ) -> Result<Vec<Named>, LayoutError> {
        self.deeper()?;
        let parameter_type = self.parameter_type(id)?;
        let described = &described.of_type(parameter_type);
        let named = match &parameter_type.kind {
            TypeKind::Aggregate { members } => {
                let mut unique = UniqueNames::default();
                let mut outputs = Vec::new();
                for (index, member) in members.iter().enumerate() {
                    let described = columns::Described::member(member);
                    let origin = origin.clone().map(|(whole, mut path)| {
                        path.push(MemberStep::Member(index as u32));
                        (whole, path)
                    });
                    outputs.extend(self.value(member.member_type, &described, &[], origin)?);
                }
                let when = self.scope().mask;
                vec![columns::aggregate(
                    described,
                    columns::rename(outputs, &mut unique),
                    when,
                )]
            }
            TypeKind::Array { element, dimensions: own } => {
                let dimensions = if dimensions.is_empty() { own } else { dimensions };
                self.array(*element, described, dimensions)?
            }
            _ => {
                let field = self.field(parameter_type, described);
                self.leaf(field, described, id, origin)?
            }
        };
        self.depth -= 1;
        Ok(named)
    }

    fn array(
        &mut self,
        element: TypeId,
        described: &columns::Described<'_>,
        dimensions: &[IntegerValue],
    ) -> Result<Vec<Named>, LayoutError> {
        let Some((first, rest)) = dimensions.split_first() else {
            return self.value(element, described, &[], None);
        };
        self.deeper()?;
        let count = self.integer(first);
        let name = described.name.to_owned();
        let named = self.repeated(&name, count, Integer::Fixed(0), |compiler, columns| {
            // Sizes of the inner dimensions are values of the packet, outside the element.
            columns.extend(compiler.array(element, described, rest)?);
            Ok(())
        })?;
        self.depth -= 1;
        Ok(named)
    }

    /// A single field; its slot is known to later references if it is a parameter's.
    fn leaf(
        &mut self,
        field: Field,
        described: &columns::Described<'_>,
        id: TypeId,
        origin: Option<Origin>,
    ) -> Result<Vec<Named>, LayoutError> {
        let at = self.scope().at;
        let size = match field.size {
            FieldSize::Fixed(bits) => Some(i64::from(bits)),
            FieldSize::Dynamic(_) | FieldSize::SelfDelimited { .. } => None,
        };
        let slot = self.scope().program.slots;
        self.scope().program.slots += 1;
        let named = columns::leaf(described, &field, slot);
        let end = if size.is_none() { Some(self.new_register()) } else { None };
        let field = Box::new(field);
        self.push(at, Action::Field { field, slot, end })?;
        match (size, end) {
            (Some(bits), _) => self.advance(bits),
            (None, Some(register)) => {
                self.scope().at = Position { base: Base::Register(register), bits: 0 };
            }
            (None, None) => {}
        }
        if let Some(parameter) = origin.and_then(|(whole, path)| self.parameter_at(whole, &path)) {
            self.scope().slots.insert(parameter, (slot, id));
        }
        Ok(named)
    }

    /// The parameter that stands for a part of another one, or for all of it.
    fn parameter_at(&self, whole: ParameterId, path: &[MemberStep]) -> Option<ParameterId> {
        if path.is_empty() {
            return Some(whole);
        }
        let parts = self.parts.get(&whole)?;
        parts.iter().find(|part| part.path == path).map(|part| part.part)
    }

    /// Compiles `body` as the element of a repeated entry.
    fn repeated(
        &mut self,
        name: &str,
        count: Integer,
        gap_bits: Integer,
        body: impl FnOnce(&mut Self, &mut Vec<Named>) -> Result<(), LayoutError>,
    ) -> Result<Vec<Named>, LayoutError> {
        self.deeper()?;
        self.scopes.push(Scope::default());
        let mut elements = Vec::new();
        body(self, &mut elements)?;
        self.finish();
        let program = self.scopes.pop().unwrap_or_default().program;
        self.depth -= 1;
        let element_bits = match (program.end.base, &gap_bits) {
            (Base::Start, Integer::Fixed(gap)) => program
                .end
                .bits
                .checked_add(*gap)
                .and_then(|bits| u64::try_from(bits).ok()),
            _ => None,
        };
        let elements = columns::element_names(name, elements);
        let slot = self.scope().program.slots;
        self.scope().program.slots += 1;
        let named = columns::lists(&elements, slot);
        let end = self.new_register();
        let at = self.scope().at;
        let items = elements
            .into_iter()
            .map(|element| (columns::item(&element.field), element.output))
            .collect::<Vec<(ArrowField, Output)>>();
        let fixed_end = match (&count, element_bits, &gap_bits) {
            // Behind the last element stands no gap.
            (Integer::Fixed(count), Some(bits), Integer::Fixed(0)) => i64::try_from(bits)
                .ok()
                .and_then(|bits| bits.checked_mul((*count).max(0))),
            _ => None,
        };
        let repeat = Repeat {
            name: name.to_owned(),
            count,
            gap_bits,
            body: program,
            element_bits,
            elements: items,
        };
        self.push(at, Action::Repeat { repeat: Box::new(repeat), slot, end })?;
        match fixed_end {
            Some(bits) => self.advance(bits),
            None => self.scope().at = Position { base: Base::Register(end), bits: 0 },
        }
        Ok(named)
    }

    fn locate(&mut self, location: &Location, start: Position) -> Result<(), LayoutError> {
        let offset = self.integer(&location.offset_bits);
        let backwards = location.reference == LocationReference::ContainerEnd;
        match location.reference {
            LocationReference::ContainerStart => self.scope().at = start,
            LocationReference::ContainerEnd => {
                self.scope().at = Position { base: Base::End, bits: 0 };
            }
            LocationReference::PreviousEntry => {}
        }
        self.move_by(offset, backwards)
    }

    /// Moves the position by a computed number of bits.
    fn move_by(&mut self, offset: Integer, backwards: bool) -> Result<(), LayoutError> {
        if let Integer::Fixed(bits) = offset {
            self.advance(if backwards { bits.saturating_neg() } else { bits });
            return Ok(());
        }
        let register = self.new_register();
        let at = self.scope().at;
        self.push(at, Action::Locate { offset, backwards, register })?;
        self.scope().at = Position { base: Base::Register(register), bits: 0 };
        Ok(())
    }

    fn advance(&mut self, bits: i64) {
        let scope = self.scope();
        scope.at.bits = scope.at.bits.saturating_add(bits);
        if scope.at.base == Base::Start && scope.mask.is_none() {
            let end = u64::try_from(scope.at.bits).unwrap_or(0);
            scope.program.fixed_bits = scope.program.fixed_bits.max(end);
        }
    }

    fn push(&mut self, at: Position, action: Action) -> Result<(), LayoutError> {
        self.count_step()?;
        let when = self.scope().mask;
        self.scope().program.steps.push(Step { at, when, action });
        Ok(())
    }

    fn count_step(&mut self) -> Result<(), LayoutError> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(LayoutError::TooManySteps { container: self.container.clone() });
        }
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), LayoutError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(LayoutError::TooDeep { container: self.container.clone() });
        }
        Ok(())
    }

    pub(super) fn issue(&mut self, what: String) {
        let issue = LayoutIssue { container: self.container.clone(), what };
        if !self.compiled.issues.contains(&issue) && self.compiled.issues.len() < ISSUES_MAX {
            self.compiled.issues.push(issue);
        }
    }

    fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::default());
        }
        let top = self.scopes.len() - 1;
        &mut self.scopes[top]
    }

    fn new_mask(&mut self) -> usize {
        let program = &mut self.scope().program;
        program.masks += 1;
        program.masks - 1
    }

    fn new_register(&mut self) -> usize {
        let program = &mut self.scope().program;
        program.registers += 1;
        program.registers - 1
    }

    fn container(&self, id: ContainerId) -> Result<&'a Container, LayoutError> {
        let found = self.database.containers.get(id.0 as usize);
        found.ok_or_else(|| self.dangling("container", id.0))
    }

    fn parameter(
        &self,
        id: ParameterId,
    ) -> Result<&'a crate::xtce::model::Parameter, LayoutError> {
        let found = self.database.parameters.get(id.0 as usize);
        found.ok_or_else(|| self.dangling("parameter", id.0))
    }

    fn parameter_type(
        &self,
        id: TypeId,
    ) -> Result<&'a crate::xtce::model::ParameterType, LayoutError> {
        let found = self.database.types.get(id.0 as usize);
        found.ok_or_else(|| self.dangling("type", id.0))
    }

    fn dangling(&self, what: &'static str, index: u32) -> LayoutError {
        LayoutError::Dangling { container: self.container.clone(), what, index }
    }
}

/// Most issues kept: a hostile document does not fill the memory with complaints.
const ISSUES_MAX: usize = 10_000;
