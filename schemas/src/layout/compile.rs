//! From the mission database's model to layouts.

use std::collections::HashMap;

use super::columns::{self, Named};
use super::names::{UniqueNames, snake_case, table_names};
use super::probe;
use super::{
    Base, CompiledMission, ContainerLayout, DEPTH_MAX, LayoutError, LayoutIssue, Node, Position,
    Predicate, Program, STEPS_MAX, TableId,
};
use crate::tables;
use crate::xtce::model::{
    Container, ContainerId, EntryContent, MemberReference, MemberStep, MissionDatabase,
    ParameterId, TypeId,
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
            inheritors
                .entry(*base)
                .or_default()
                .push(ContainerId(index as u32));
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
    pub(super) at: Position,
    /// The mask that entries are under.
    pub(super) mask: Option<usize>,
    /// The last field of each parameter, with its type.
    pub(super) slots: HashMap<ParameterId, (usize, TypeId)>,
}

/// Which part of which parameter a value is.
pub(super) type Origin = (ParameterId, Vec<MemberStep>);

pub(super) struct Compiler<'a> {
    pub(super) database: &'a MissionDatabase,
    /// Parameters that stand for parts of another one.
    pub(super) parts: HashMap<ParameterId, Vec<&'a MemberReference>>,
    inheritors: HashMap<ContainerId, Vec<ContainerId>>,
    steps: usize,
    pub(super) scopes: Vec<Scope>,
    pub(super) container: String,
    pub(super) depth: usize,
    compiled: CompiledMission,
}

impl<'a> Compiler<'a> {
    /// Containers at which a packet may start.
    pub(super) fn roots(&self, included: &[bool]) -> Vec<ContainerId> {
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
    pub(super) fn node(
        &mut self,
        id: ContainerId,
        condition: Predicate,
        depth: usize,
    ) -> Result<usize, LayoutError> {
        let container = self.container(id)?;
        self.container.clone_from(&container.qualified_name);
        if depth > DEPTH_MAX {
            return Err(LayoutError::TooDeep {
                container: self.container.clone(),
            });
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
    pub(super) fn tables(&mut self) -> Result<(), LayoutError> {
        let concrete: Vec<(usize, ContainerId, &'a str)> = self
            .compiled
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(node, entry)| {
                let container = self.database.containers.get(entry.container.0 as usize)?;
                (!container.is_abstract).then_some((
                    node,
                    entry.container,
                    container.qualified_name.as_str(),
                ))
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
    pub(super) fn chain(&mut self, id: ContainerId) -> Result<Vec<Named>, LayoutError> {
        self.container
            .clone_from(&self.container(id)?.qualified_name);
        self.scopes.clear();
        self.scopes.push(Scope::default());
        self.depth = 0;
        let mut columns = Vec::new();
        self.entries_of(id, &mut columns)?;
        self.finish();
        Ok(columns)
    }

    pub(super) fn finish(&mut self) {
        let scope = self.scope();
        scope.program.end = scope.at;
        if scope.at.base == Base::Start {
            let end = u64::try_from(scope.at.bits).unwrap_or(0);
            scope.program.fixed_bits = scope.program.fixed_bits.max(end);
        }
    }

    pub(super) fn count_step(&mut self) -> Result<(), LayoutError> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(LayoutError::TooManySteps {
                container: self.container.clone(),
            });
        }
        Ok(())
    }

    pub(super) fn deeper(&mut self) -> Result<(), LayoutError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(LayoutError::TooDeep {
                container: self.container.clone(),
            });
        }
        Ok(())
    }

    pub(super) fn issue(&mut self, what: String) {
        let issue = LayoutIssue {
            container: self.container.clone(),
            what,
        };
        if !self.compiled.issues.contains(&issue) && self.compiled.issues.len() < ISSUES_MAX {
            self.compiled.issues.push(issue);
        }
    }

    pub(super) fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::default());
        }
        let top = self.scopes.len() - 1;
        &mut self.scopes[top]
    }

    pub(super) fn new_mask(&mut self) -> usize {
        let program = &mut self.scope().program;
        program.masks += 1;
        program.masks - 1
    }

    pub(super) fn new_register(&mut self) -> usize {
        let program = &mut self.scope().program;
        program.registers += 1;
        program.registers - 1
    }

    pub(super) fn container(&self, id: ContainerId) -> Result<&'a Container, LayoutError> {
        let found = self.database.containers.get(id.0 as usize);
        found.ok_or_else(|| self.dangling("container", id.0))
    }

    pub(super) fn parameter(
        &self,
        id: ParameterId,
    ) -> Result<&'a crate::xtce::model::Parameter, LayoutError> {
        let found = self.database.parameters.get(id.0 as usize);
        found.ok_or_else(|| self.dangling("parameter", id.0))
    }

    pub(super) fn parameter_type(
        &self,
        id: TypeId,
    ) -> Result<&'a crate::xtce::model::ParameterType, LayoutError> {
        let found = self.database.types.get(id.0 as usize);
        found.ok_or_else(|| self.dangling("type", id.0))
    }

    pub(super) fn dangling(&self, what: &'static str, index: u32) -> LayoutError {
        LayoutError::Dangling {
            container: self.container.clone(),
            what,
            index,
        }
    }
}

/// Most issues kept: a hostile document does not fill the memory with complaints.
const ISSUES_MAX: usize = 10_000;
