//! Which container each packet of a block has.

use std::ops::Range;

use schemas::layout::{CompiledMission, TableId};
use schemas::record::PacketBlock;
use schemas::tables::Selection;
use space_link::packet::Apid;

use super::anomaly::{Anomalies, AnomalyKind};
use super::condition::evaluate;
use super::rows::{Rows, bits};
use super::run::{Frame, Run, apid};

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Its container's table.
    Table(TableId),
    /// No container.
    Unknown,
    /// More than one.
    Ambiguous,
}

/// Decisions for packets whose first two octets decide.
#[derive(Debug)]
pub(super) struct Dispatch {
    /// By the first two octets: a code of `known`, [`OPEN`] or [`LOOK`].
    by_header: Vec<u32>,
}

/// Not looked at yet.
const OPEN: u32 = u32::MAX;
/// More than the first two octets decide.
const LOOK: u32 = u32::MAX - 1;
const UNKNOWN: u32 = u32::MAX - 2;
const AMBIGUOUS: u32 = u32::MAX - 3;

impl Dispatch {
    pub(super) fn new() -> Self {
        Self {
            by_header: vec![OPEN; 1 << 16],
        }
    }

    /// The packets of each table, in order, and the anomalies of those without one.
    pub(super) fn sort(
        &mut self,
        mission: &CompiledMission,
        block: &PacketBlock,
        anomalies: &mut Anomalies,
    ) -> Vec<(TableId, Group)> {
        if let Some(table) = self.only_table(mission, block) {
            return vec![(table, Group::Range(0..block.len()))];
        }
        let mut groups: Vec<Vec<u32>> = vec![Vec::new(); mission.tables.len()];
        let mut open = Vec::new();
        let mut place = |index: usize, decision: Decision, anomalies: &mut Anomalies| {
            let kind = match decision {
                Decision::Table(TableId(table)) => {
                    if let Some(group) = groups.get_mut(table as usize) {
                        group.push(index as u32);
                    }
                    return;
                }
                // Idle packets are fill: that nothing describes them is as it should be.
                Decision::Unknown if apid(block, index) == Apid::IDLE.get() => return,
                Decision::Unknown => AnomalyKind::ContainerUnknown,
                Decision::Ambiguous => AnomalyKind::ContainerAmbiguous,
            };
            anomalies.add(kind, apid(block, index), None, index, "");
        };
        for index in 0..block.len() {
            match self.by_header[header(block, index)] {
                LOOK => open.push(index as u32),
                OPEN => {
                    let (decision, by_header) = decide_one(mission, block, index as u32);
                    if by_header {
                        self.by_header[header(block, index)] = code(decision);
                        place(index, decision, anomalies);
                    } else {
                        self.by_header[header(block, index)] = LOOK;
                        open.push(index as u32);
                    }
                }
                code => place(index, decision(code), anomalies),
            }
        }
        let had_open = !open.is_empty();
        for chunk in open.chunks(ROWS_MAX) {
            for (index, decision) in decide(mission, block, chunk).0 {
                place(index as usize, decision, anomalies);
            }
        }
        if had_open {
            groups.iter_mut().for_each(|group| group.sort_unstable());
        }
        groups
            .into_iter()
            .enumerate()
            .filter(|(_, group)| !group.is_empty())
            .map(|(table, group)| (TableId(table as u32), Group::of(group)))
            .collect()
    }

    /// The table of all packets, if they all begin with the same two octets and these decide.
    fn only_table(&self, mission: &CompiledMission, block: &PacketBlock) -> Option<TableId> {
        if block.is_empty() {
            return None;
        }
        let first = block.packet(0).first_chunk::<2>()?;
        let alike = block.offsets.iter().take(block.len()).all(|&offset| {
            let packet = block.data.get(offset as usize..).unwrap_or(&[]);
            packet.first_chunk::<2>() == Some(first)
        });
        let whole = block.offsets.windows(2).all(|edge| edge[1] - edge[0] >= 2);
        match self.by_header[usize::from(u16::from_be_bytes(*first))] {
            table if alike && whole && (table as usize) < mission.tables.len() => {
                Some(TableId(table))
            }
            _ => None,
        }
    }
}

/// The packets of one table.
#[derive(Debug)]
pub(super) enum Group {
    /// Neighbours.
    Range(Range<usize>),
    /// Any, in order.
    Rows(Vec<u32>),
}

impl Group {
    fn of(rows: Vec<u32>) -> Self {
        match (rows.first(), rows.last()) {
            (Some(&first), Some(&last)) if (last - first) as usize + 1 == rows.len() => {
                Self::Range(first as usize..last as usize + 1)
            }
            _ => Self::Rows(rows),
        }
    }

    /// All packets.
    pub(super) fn selection(&self) -> Selection<'_> {
        match self {
            Self::Range(range) => Selection::Range(range.clone()),
            Self::Rows(rows) => Selection::Rows(rows),
        }
    }
}

fn code(decision: Decision) -> u32 {
    match decision {
        Decision::Table(TableId(table)) => table,
        Decision::Unknown => UNKNOWN,
        Decision::Ambiguous => AMBIGUOUS,
    }
}

fn decision(code: u32) -> Decision {
    match code {
        UNKNOWN => Decision::Unknown,
        AMBIGUOUS => Decision::Ambiguous,
        table => Decision::Table(TableId(table)),
    }
}

/// The first two octets; a stump reads as zeros behind its end.
fn header(block: &PacketBlock, index: usize) -> usize {
    match block.packet(index) {
        [first, second, ..] => usize::from(u16::from_be_bytes([*first, *second])),
        [first] => usize::from(*first) << 8,
        [] => 0,
    }
}

fn decide_one(mission: &CompiledMission, block: &PacketBlock, index: u32) -> (Decision, bool) {
    // A stump says nothing about whole packets that begin alike.
    let stump = block.packet(index as usize).len() < 2;
    let (decisions, by_header) = decide(mission, block, &[index]);
    let decision = decisions
        .first()
        .map_or(Decision::Unknown, |(_, decision)| *decision);
    (decision, by_header && !stump)
}

/// Descends from the roots; also says whether the first two octets decided everything.
fn decide(
    mission: &CompiledMission,
    block: &PacketBlock,
    packets: &[u32],
) -> (Vec<(u32, Decision)>, bool) {
    let mut found: Vec<Option<Decision>> = vec![None; packets.len()];
    let mut by_header = true;
    // Rows (indices into `packets`) that have reached a node.
    let mut work: Vec<(usize, Vec<u32>)> = mission
        .roots
        .iter()
        .map(|&root| (root, (0..packets.len() as u32).collect()))
        .collect();
    while let Some((index, rows)) = work.pop() {
        let Some(node) = mission.nodes.get(index) else {
            continue;
        };
        by_header &= node.header_only;
        let mut matched: Vec<Option<usize>> = vec![None; rows.len()];
        let mut ambiguous = vec![false; rows.len()];
        if !node.children.is_empty() {
            let selected: Vec<u32> = rows.iter().map(|&row| packets[row as usize]).collect();
            let selection = Selection::Rows(&selected);
            let program_rows = whole_packets(block, &selection);
            let mut ignored = Anomalies::default();
            let octets = selected
                .iter()
                .map(|&packet| block.packet(packet as usize).len())
                .sum();
            let mut run = Run::new(&mut ignored, block, &selection, None, octets);
            let mut frame = Frame::new(&node.probe, &program_rows, None);
            frame.run(&node.probe, &mut run);
            for &child in &node.children {
                let held = mission
                    .nodes
                    .get(child)
                    .map_or_else(Vec::new, |child| evaluate(&frame, &child.condition));
                for (row, _) in held.iter().enumerate().filter(|(_, held)| **held) {
                    ambiguous[row] |= matched[row].is_some();
                    matched[row] = Some(child);
                }
            }
        }
        for &child in &node.children {
            let below: Vec<u32> = (0..rows.len())
                .filter(|&row| matched[row] == Some(child) && !ambiguous[row])
                .map(|row| rows[row])
                .collect();
            if !below.is_empty() {
                work.push((child, below));
            }
        }
        for (row, &packet) in rows.iter().enumerate() {
            let here = if ambiguous[row] {
                Decision::Ambiguous
            } else if matched[row].is_some() {
                continue;
            } else {
                node.table.map_or(Decision::Unknown, Decision::Table)
            };
            let slot = &mut found[packet as usize];
            *slot = Some(match (*slot, here) {
                (None | Some(Decision::Unknown), here) => here,
                (Some(before), Decision::Unknown) => before,
                // Two trees have a container for it.
                _ => Decision::Ambiguous,
            });
        }
    }
    let decisions = packets
        .iter()
        .zip(found)
        .map(|(&packet, found)| (packet, found.unwrap_or(Decision::Unknown)))
        .collect();
    (decisions, by_header)
}

/// Rows of whole packets anywhere in the block.
pub(super) fn whole_packets<'a>(block: &'a PacketBlock, selection: &Selection<'_>) -> Rows<'a> {
    let edge = |at: i32| bits(at.max(0) as usize);
    let behind = block.offsets.get(1..).unwrap_or(&[]);
    let starts = selection.pick(&block.offsets, edge).unwrap_or_default();
    let ends = selection.pick(behind, edge).unwrap_or_default();
    Rows::scattered(&block.data, starts, ends, None)
}

/// Packets looked at together.
const ROWS_MAX: usize = 4_096;
