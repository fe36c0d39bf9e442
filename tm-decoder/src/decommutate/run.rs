//! Runs a program over rows, column by column.

use arrow::array::{ArrayRef, StructArray, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{Field as ArrowField, Fields};
use schemas::layout::{Action, Base, Output, Position, Program, Reference, Step, TableId};
use schemas::record::PacketBlock;
use schemas::tables::Selection;

use super::anomaly::{Anomalies, AnomalyKind};
use super::condition::{NO_INTEGER, evaluate, integers};
use super::rows::{NOWHERE, Rows};
use super::{field, repeat};

/// What one run over a batch of packets counts and may spend.
pub(super) struct Run<'a> {
    pub(super) anomalies: &'a mut Anomalies,
    pub(super) block: &'a PacketBlock,
    pub(super) selection: &'a Selection<'a>,
    pub(super) table: Option<TableId>,
    /// Packets already counted as short.
    short: Vec<bool>,
    /// Octets that texts and octet strings may still copy.
    pub(super) octets_left: usize,
    /// Elements that repeated entries may still make.
    pub(super) elements_left: usize,
    /// Reads for a decision only: nothing is counted.
    quiet: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        anomalies: &'a mut Anomalies,
        block: &'a PacketBlock,
        selection: &'a Selection<'a>,
        table: Option<TableId>,
        octets: usize,
    ) -> Self {
        Self {
            anomalies,
            block,
            selection,
            table,
            short: Vec::new(),
            octets_left: octets.saturating_mul(COPIES_MAX).saturating_add(OCTETS_MIN),
            elements_left: octets
                .saturating_mul(ELEMENTS_PER_OCTET)
                .saturating_add(OCTETS_MIN),
            quiet: table.is_none(),
        }
    }

    /// Counts an anomaly of a row.
    pub(super) fn report(&mut self, kind: AnomalyKind, rows: &Rows<'_>, row: usize, field: &str) {
        if self.quiet {
            return;
        }
        let packet = rows.packet(row);
        if kind == AnomalyKind::PacketShort {
            if self.short.is_empty() {
                self.short = vec![false; self.selection.len()];
            }
            match self.short.get_mut(packet) {
                Some(short) if !*short => *short = true,
                _ => return,
            }
        }
        let index = match self.selection {
            Selection::Range(range) => range.start + packet,
            Selection::Rows(rows) => rows.get(packet).map_or(0, |&row| row as usize),
        };
        let apid = apid(self.block, index);
        self.anomalies.add(kind, apid, self.table, index, field);
    }
}

/// APID of a packet of the block; 0 for a stump.
pub(super) fn apid(block: &PacketBlock, index: usize) -> u16 {
    let start = block
        .offsets
        .get(index)
        .map_or(usize::MAX, |&offset| offset as usize);
    let header = block.data.get(start..).and_then(<[u8]>::first_chunk::<2>);
    header.map_or(0, |header| u16::from_be_bytes(*header) & 0x07ff)
}

/// What a slot holds.
#[derive(Debug)]
pub(super) enum Slot {
    /// Not read.
    Empty,
    /// A field.
    Value {
        /// Raw values.
        raw: ArrayRef,
        /// Engineering values.
        engineering: ArrayRef,
    },
    /// A repeated entry's lists.
    Lists(Vec<ArrayRef>),
}

/// A program's state: columns read so far.
pub(super) struct Frame<'a> {
    pub(super) rows: &'a Rows<'a>,
    slots: Vec<Slot>,
    masks: Vec<Vec<bool>>,
    registers: Vec<Vec<i64>>,
    /// The program around this one, and its row for each row here.
    outer: Option<(&'a Frame<'a>, &'a [u32])>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(
        program: &Program,
        rows: &'a Rows<'a>,
        outer: Option<(&'a Frame<'a>, &'a [u32])>,
    ) -> Self {
        Self {
            rows,
            slots: (0..program.slots).map(|_| Slot::Empty).collect(),
            masks: vec![Vec::new(); program.masks],
            registers: vec![Vec::new(); program.registers],
            outer,
        }
    }

    /// A value read earlier, one for each row here.
    pub(super) fn value(&self, reference: Reference) -> Option<ArrayRef> {
        if reference.up > 0 {
            let (outer, parents) = self.outer?;
            let inner = Reference {
                up: reference.up - 1,
                ..reference
            };
            let values = outer.value(inner)?;
            let parents = UInt32Array::from(parents.to_vec());
            return take(&values, &parents, None).ok();
        }
        match self.slots.get(reference.slot)? {
            Slot::Value { engineering, .. } if reference.calibrated => Some(engineering.clone()),
            Slot::Value { raw, .. } => Some(raw.clone()),
            Slot::Empty | Slot::Lists(_) => None,
        }
    }

    /// The rows of a mask; `None`: all.
    pub(super) fn mask(&self, when: Option<usize>) -> Option<&[bool]> {
        self.masks.get(when?).map(Vec::as_slice)
    }

    /// A position in each row, in bits of the rows' data.
    pub(super) fn positions(&self, at: Position) -> Vec<i64> {
        let from = match at.base {
            Base::Start => self.rows.starts(),
            Base::End => self.rows.ends(),
            Base::Register(register) => match self.registers.get(register) {
                Some(register) if register.len() == self.rows.len() => register,
                _ => return vec![NOWHERE; self.rows.len()],
            },
        };
        from.iter().map(|&from| go(from, at.bits)).collect()
    }

    /// The column of an output.
    pub(super) fn output(&self, output: &Output) -> Option<ArrayRef> {
        match output {
            Output::Engineering(slot) => match self.slots.get(*slot)? {
                Slot::Value { engineering, .. } => Some(engineering.clone()),
                Slot::Empty | Slot::Lists(_) => None,
            },
            Output::Raw(slot) => match self.slots.get(*slot)? {
                Slot::Value { raw, .. } => Some(raw.clone()),
                Slot::Empty | Slot::Lists(_) => None,
            },
            Output::List { slot, element } => match self.slots.get(*slot)? {
                Slot::Lists(lists) => lists.get(*element).cloned(),
                Slot::Empty | Slot::Value { .. } => None,
            },
            Output::Struct { members, when } => self.aggregate(members, *when),
        }
    }

    fn aggregate(&self, members: &[(ArrowField, Output)], when: Option<usize>) -> Option<ArrayRef> {
        let nulls = self.mask(when).map(|mask| NullBuffer::from(mask.to_vec()));
        let fields: Fields = members.iter().map(|(field, _)| field.clone()).collect();
        let columns: Option<Vec<ArrayRef>> = members
            .iter()
            .map(|(_, output)| self.output(output))
            .collect();
        let length = self.rows.len();
        StructArray::try_new_with_length(fields, columns?, nulls, length)
            .ok()
            .map(|array| std::sync::Arc::new(array) as ArrayRef)
    }

    /// Runs all steps.
    pub(super) fn run(&mut self, program: &Program, run: &mut Run<'_>) {
        for step in &program.steps {
            self.step(step, run);
        }
    }

    fn step(&mut self, step: &Step, run: &mut Run<'_>) {
        match &step.action {
            Action::Field { field, slot, end } => {
                let read = field::read(self, run, step, field);
                if let Some(slot) = self.slots.get_mut(*slot) {
                    *slot = Slot::Value {
                        raw: read.raw,
                        engineering: read.engineering,
                    };
                }
                self.set(*end, read.ends);
            }
            Action::Repeat { repeat, slot, end } => {
                let (lists, ends) = repeat::read(self, run, step, repeat);
                if let Some(slot) = self.slots.get_mut(*slot) {
                    *slot = Slot::Lists(lists);
                }
                self.set(Some(*end), ends);
            }
            Action::Test { predicate, mask } => {
                let mut held = evaluate(self, predicate);
                if let Some(outer) = self.mask(step.when) {
                    held.iter_mut()
                        .zip(outer)
                        .for_each(|(held, outer)| *held &= outer);
                }
                if let Some(mask) = self.masks.get_mut(*mask) {
                    *mask = held;
                }
            }
            Action::Locate {
                offset,
                backwards,
                register,
            } => {
                let offsets = integers(self, offset);
                let mut positions = self.positions(step.at);
                for (row, position) in positions.iter_mut().enumerate() {
                    let offset = offsets[row];
                    let active = self.mask(step.when).is_none_or(|mask| mask[row]);
                    if offset == NO_INTEGER {
                        *position = NOWHERE;
                        if active {
                            run.report(AnomalyKind::SizeInvalid, self.rows, row, "a location");
                        }
                    } else {
                        *position = go(*position, if *backwards { -offset } else { offset });
                    }
                }
                self.set(Some(*register), positions);
            }
            Action::Join {
                otherwise,
                register,
            } => {
                let mut positions = self.positions(step.at);
                if let Some(mask) = self.mask(step.when) {
                    let others = self.positions(*otherwise);
                    for (row, position) in positions.iter_mut().enumerate() {
                        if !mask[row] {
                            *position = others[row];
                        }
                    }
                }
                self.set(Some(*register), positions);
            }
        }
    }

    fn set(&mut self, register: Option<usize>, positions: Vec<i64>) {
        if let Some(register) = register.and_then(|register| self.registers.get_mut(register)) {
            *register = positions;
        }
    }

    /// Counts packets that go on behind the program's end.
    pub(super) fn check_surplus(&self, program: &Program, run: &mut Run<'_>, container: &str) {
        let fixed = i64::try_from(program.fixed_bits).unwrap_or(NOWHERE);
        if program.end.base == Base::Start
            && let Some(strided) = self.rows.as_strided()
            && super::rows::bits(strided.stride) <= fixed.max(program.end.bits)
        {
            return;
        }
        let ends = self.positions(program.end);
        let (starts, packet_ends) = (self.rows.starts(), self.rows.ends());
        for row in 0..self.rows.len() {
            let reached = ends[row].max(go(starts[row], fixed));
            if reached < packet_ends[row] {
                run.report(AnomalyKind::PacketSurplus, self.rows, row, container);
            }
        }
    }
}

/// A position some bits on; nowhere stays nowhere.
pub(super) fn go(from: i64, bits: i64) -> i64 {
    if from >= NOWHERE {
        NOWHERE
    } else {
        from.saturating_add(bits).min(NOWHERE)
    }
}

/// Texts and octet strings may overlap: so many copies of the batch's octets are made.
const COPIES_MAX: usize = 64;
/// An element has a bit or more; overlapping ones count too.
const ELEMENTS_PER_OCTET: usize = 16;
/// Allowed even for tiny batches.
const OCTETS_MIN: usize = 65_536;
