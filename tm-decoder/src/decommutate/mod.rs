//! Packets become Arrow batches: one table a container, decoded column by column.
//!
//! The packets of a block are sorted by container, then each container's program runs over up to
//! 4,096 of them at a time: one loop a field, no allocation and no look-up by value. Whatever a
//! packet says, the output is bounded by its size; what is wrong with it is counted.

mod anomaly;
mod bits;
mod calibrate;
mod condition;
mod dispatch;
mod engineering;
mod field;
mod math;
mod numbers;
mod numeric;
mod repeat;
mod rows;
mod run;
mod text;

pub use anomaly::{Anomaly, AnomalyKind};

use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::error::ArrowError;
use schemas::layout::{Action, CompiledMission, ContainerLayout, Program, TableId};
use schemas::record::PacketBlock;
use schemas::tables::{LeadingColumns, Selection, Source};

use anomaly::Anomalies;
use dispatch::Dispatch;
use rows::Rows;
use run::{Frame, Run};

/// Why a block could not be decoded at all.
#[derive(Debug, thiserror::Error)]
pub enum DecommutateError {
    /// The block contradicts itself; packets of any content are never an error.
    #[error("the block of packets is not well formed at packet {packet} of {packets}")]
    Block {
        /// Index of the packet.
        packet: usize,
        /// Number of packets.
        packets: usize,
    },
    /// Arrow refused a batch.
    #[error("no batch can be made for table {table}")]
    Batch {
        /// Name of the table.
        table: String,
        /// What Arrow says.
        source: ArrowError,
    },
}

/// What a block of packets decodes to.
#[derive(Debug, Default)]
pub struct Decommutated {
    /// Batches by table; those of one table are in the order of the packets.
    pub batches: Vec<(TableId, RecordBatch)>,
    /// What was wrong, counted.
    pub anomalies: Vec<Anomaly>,
}

/// Decodes blocks of packets with a compiled mission.
#[derive(Debug)]
pub struct Decommutator {
    mission: Arc<CompiledMission>,
    dispatch: Dispatch,
    leading: LeadingColumns,
    /// Packets of one length that do not lie end to end are copied here.
    scratch: Vec<u8>,
}

impl Decommutator {
    /// A decommutator for a mission.
    pub fn new(mission: Arc<CompiledMission>) -> Self {
        Self {
            mission,
            dispatch: Dispatch::new(),
            leading: LeadingColumns::default(),
            scratch: Vec::new(),
        }
    }

    /// The mission it decodes with.
    pub fn mission(&self) -> &Arc<CompiledMission> {
        &self.mission
    }

    /// Decodes a block: batches of up to 4,096 rows, and what was wrong with its packets.
    ///
    /// # Errors
    /// When the block itself is not well formed (columns or offsets that do not fit).
    pub fn decode(
        &mut self,
        block: &PacketBlock,
        source: &Source,
    ) -> Result<Decommutated, DecommutateError> {
        check(block)?;
        let mut anomalies = Anomalies::default();
        let mut batches = Vec::new();
        let mission = Arc::clone(&self.mission);
        for (table, group) in self.dispatch.sort(&mission, block, &mut anomalies) {
            let Some(layout) = mission.table(table) else {
                continue;
            };
            for chunk in chunks(block, group.selection(), layout) {
                let batch = self
                    .batch(block, &chunk, table, layout, source, &mut anomalies)
                    .map_err(|source| DecommutateError::Batch {
                        table: layout.table.clone(),
                        source,
                    })?;
                batches.push((table, batch));
            }
        }
        Ok(Decommutated {
            batches,
            anomalies: anomalies.into_vec(),
        })
    }

    fn batch(
        &mut self,
        block: &PacketBlock,
        selection: &Selection<'_>,
        table: TableId,
        layout: &ContainerLayout,
        source: &Source,
        anomalies: &mut Anomalies,
    ) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.leading.arrays(block, selection, source)?;
        let rows = rows_of(block, selection, &mut self.scratch);
        let octets = octets_of(block, selection);
        let mut run = Run::new(anomalies, block, selection, Some(table), octets);
        let mut frame = Frame::new(&layout.program, &rows, None);
        frame.run(&layout.program, &mut run);
        frame.check_surplus(&layout.program, &mut run, &layout.name);
        let leading = columns.len();
        for (output, field) in layout
            .columns
            .iter()
            .zip(layout.schema.fields().iter().skip(leading))
        {
            let column = frame.output(output);
            columns
                .push(column.unwrap_or_else(|| new_null_array(field.data_type(), selection.len())));
        }
        RecordBatch::try_new(Arc::clone(&layout.schema), columns)
    }
}

/// Refuses blocks whose columns or offsets do not fit.
fn check(block: &PacketBlock) -> Result<(), DecommutateError> {
    let packets = block.len();
    let lengths = [
        block.received.len(),
        block.virtual_channel.len(),
        block.quality.len(),
    ] == [packets; 3];
    if !lengths || block.offsets.len() != packets + 1 {
        return Err(DecommutateError::Block { packet: 0, packets });
    }
    let mut before = 0;
    for (packet, &offset) in block.offsets.iter().enumerate() {
        if offset < before || offset as usize > block.data.len() {
            return Err(DecommutateError::Block { packet, packets });
        }
        before = offset;
    }
    Ok(())
}

/// Cuts a table's packets so that a batch has a bounded number of rows, values and octets.
fn chunks<'a>(
    block: &'a PacketBlock,
    packets: Selection<'a>,
    layout: &ContainerLayout,
) -> impl Iterator<Item = Selection<'a>> {
    let rows_max = (VALUES_MAX / layout.columns.len().max(1)).clamp(ROWS_MIN, ROWS_MAX);
    let octets_max = if has_repeats(&layout.program) {
        REPEATED_OCTETS_MAX
    } else {
        OCTETS_MAX
    };
    let mut rest = packets;
    std::iter::from_fn(move || {
        let chunk = match &mut rest {
            Selection::Range(range) => {
                let first = range.start;
                let edges = block.offsets.get(first + 1..=range.end).unwrap_or(&[]);
                let start = block.offsets.get(first).copied().unwrap_or(0);
                let edges = &edges[..edges.len().min(rows_max)];
                let count = edges.partition_point(|&edge| (edge - start) as usize <= octets_max);
                let behind = first + count.max(1).min(range.len());
                range.start = behind;
                Selection::Range(first..behind)
            }
            Selection::Rows(rows) => {
                let mut octets = 0;
                let fits = rows.iter().take(rows_max).take_while(|&&packet| {
                    octets += block.packet(packet as usize).len();
                    octets <= octets_max
                });
                let count = fits.count().max(1).min(rows.len());
                let (chunk, behind) = rows.split_at(count);
                *rows = behind;
                Selection::Rows(chunk)
            }
        };
        (!chunk.is_empty()).then_some(chunk)
    })
}

fn has_repeats(program: &Program) -> bool {
    program
        .steps
        .iter()
        .any(|step| matches!(step.action, Action::Repeat { .. }))
}

/// Packets as rows: equal ones end to end, which the hot loop needs, if they are equal.
fn rows_of<'a>(
    block: &'a PacketBlock,
    selection: &Selection<'_>,
    scratch: &'a mut Vec<u8>,
) -> Rows<'a> {
    let stride = selection
        .first()
        .map_or(0, |packet| block.packet(packet).len());
    let equal = match selection {
        Selection::Range(range) => {
            let edges = block.offsets.get(range.start..=range.end).unwrap_or(&[]);
            edges
                .windows(2)
                .all(|edge| (edge[1] - edge[0]) as usize == stride)
        }
        Selection::Rows(rows) => rows
            .iter()
            .all(|&packet| block.packet(packet as usize).len() == stride),
    };
    if !equal || stride == 0 {
        return dispatch::whole_packets(block, selection);
    }
    match selection {
        Selection::Range(range) => {
            let (first, last) = (block.offsets[range.start], block.offsets[range.end]);
            Rows::strided(&block.data[first as usize..last as usize], stride)
        }
        Selection::Rows(rows) => {
            scratch.clear();
            for &packet in *rows {
                scratch.extend_from_slice(block.packet(packet as usize));
            }
            Rows::strided(scratch, stride)
        }
    }
}

fn octets_of(block: &PacketBlock, selection: &Selection<'_>) -> usize {
    match selection {
        Selection::Range(range) => {
            let edge = |index: usize| block.offsets.get(index).map_or(0, |&at| at as usize);
            edge(range.end).saturating_sub(edge(range.start))
        }
        Selection::Rows(rows) => rows
            .iter()
            .map(|&row| block.packet(row as usize).len())
            .sum(),
    }
}

/// Most rows of a batch: its columns and packets stay in the processor's caches.
const ROWS_MAX: usize = 4_096;
/// Fewest, however many columns there are.
const ROWS_MIN: usize = 64;
/// Values of a batch that wide tables stay near.
const VALUES_MAX: usize = 1 << 20;
/// Octets of a batch's packets.
const OCTETS_MAX: usize = 16 << 20;
/// The same where entries repeat, since each bit may become a value.
const REPEATED_OCTETS_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests;
