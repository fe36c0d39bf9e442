//! What was wrong with packets: counted by kind, APID and table.

use std::collections::BTreeMap;

pub use schemas::event::AnomalyKind;
use schemas::layout::TableId;

/// Something wrong with some packets of one APID and table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// What.
    pub kind: AnomalyKind,
    /// Whose packets.
    pub apid: u16,
    /// Their table, if they have one.
    pub table: Option<TableId>,
    /// How often: packets for packet kinds, values for value kinds.
    pub count: u64,
    /// Index in the block of the first packet.
    pub first_packet: usize,
    /// The field (or entry, or container) of that packet.
    pub field: String,
}

/// Collects anomalies of one block.
#[derive(Debug, Default)]
pub(super) struct Anomalies {
    found: BTreeMap<(AnomalyKind, u16, Option<TableId>), Anomaly>,
}

impl Anomalies {
    pub(super) fn add(
        &mut self,
        kind: AnomalyKind,
        apid: u16,
        table: Option<TableId>,
        packet: usize,
        field: &str,
    ) {
        let entry = self
            .found
            .entry((kind, apid, table))
            .or_insert_with(|| Anomaly {
                kind,
                apid,
                table,
                count: 0,
                first_packet: packet,
                field: field.to_owned(),
            });
        entry.count += 1;
        if packet < entry.first_packet {
            entry.first_packet = packet;
            field.clone_into(&mut entry.field);
        }
    }

    pub(super) fn into_vec(self) -> Vec<Anomaly> {
        self.found.into_values().collect()
    }
}
