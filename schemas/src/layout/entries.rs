//! Entries of containers become steps.

use arrow::datatypes::Field as ArrowField;

use super::columns::{self, Named};
use super::compile::{Compiler, Origin, Scope};
use super::names::UniqueNames;
use super::{
    Action, Base, COLUMNS_MAX, DEPTH_MAX, Field, FieldSize, Integer, LayoutError, Output, Position,
    Repeat, Step,
};
use crate::xtce::model::{
    ContainerId, Entry, EntryContent, IntegerValue, Location, LocationReference, MemberStep,
    ParameterId, TypeId, TypeKind,
};

impl Compiler<'_> {
    /// Entries of a container, its bases' first.
    pub(super) fn entries_of(
        &mut self,
        id: ContainerId,
        columns: &mut Vec<Named>,
    ) -> Result<(), LayoutError> {
        let mut chain = vec![id];
        let mut base = self.container(id)?.base.as_ref().map(|(base, _)| *base);
        while let Some(next) = base {
            if chain.len() > DEPTH_MAX {
                return Err(LayoutError::TooDeep {
                    container: self.container.clone(),
                });
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
                    return Err(LayoutError::TooManyColumns {
                        container: self.container.clone(),
                    });
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
            let action = Action::Join {
                otherwise: outer.0,
                register,
            };
            self.count_step()?;
            self.scope().program.steps.push(Step {
                at: inside,
                when: mask,
                action,
            });
            self.scope().at = Position {
                base: Base::Register(register),
                bits: 0,
            };
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
            EntryContent::Array {
                parameter,
                dimensions,
            } => {
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
            TypeKind::Array {
                element,
                dimensions: own,
            } => {
                let dimensions = if dimensions.is_empty() {
                    own
                } else {
                    dimensions
                };
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
        let end = if size.is_none() {
            Some(self.new_register())
        } else {
            None
        };
        let field = Box::new(field);
        self.push(at, Action::Field { field, slot, end })?;
        match (size, end) {
            (Some(bits), _) => self.advance(bits),
            (None, Some(register)) => {
                self.scope().at = Position {
                    base: Base::Register(register),
                    bits: 0,
                };
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
        parts
            .iter()
            .find(|part| part.path == path)
            .map(|part| part.part)
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
        self.push(
            at,
            Action::Repeat {
                repeat: Box::new(repeat),
                slot,
                end,
            },
        )?;
        match fixed_end {
            Some(bits) => self.advance(bits),
            None => {
                self.scope().at = Position {
                    base: Base::Register(end),
                    bits: 0,
                }
            }
        }
        Ok(named)
    }

    fn locate(&mut self, location: &Location, start: Position) -> Result<(), LayoutError> {
        let offset = self.integer(&location.offset_bits);
        let backwards = location.reference == LocationReference::ContainerEnd;
        match location.reference {
            LocationReference::ContainerStart => self.scope().at = start,
            LocationReference::ContainerEnd => {
                self.scope().at = Position {
                    base: Base::End,
                    bits: 0,
                };
            }
            LocationReference::PreviousEntry => {}
        }
        self.move_by(offset, backwards)
    }

    /// Moves the position by a computed number of bits.
    fn move_by(&mut self, offset: Integer, backwards: bool) -> Result<(), LayoutError> {
        if let Integer::Fixed(bits) = offset {
            self.advance(if backwards {
                bits.saturating_neg()
            } else {
                bits
            });
            return Ok(());
        }
        let register = self.new_register();
        let at = self.scope().at;
        self.push(
            at,
            Action::Locate {
                offset,
                backwards,
                register,
            },
        )?;
        self.scope().at = Position {
            base: Base::Register(register),
            bits: 0,
        };
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
}
