//! What travels on the bus: blocks of records with shared headers.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use schemas::record::{FrameBlock, PacketBlock};

use crate::topic::{Offset, Topic};

/// Most records in one block.
pub const BLOCK_RECORDS_MAX: usize = 4_096;

/// What all records of a block share; Kafka record headers on that backend.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Headers {
    /// Whose data; the partition key.
    pub spacecraft: String,
    /// Who received them; empty where unknown (a file without its station).
    pub station: String,
    /// The contact they came in; empty for records outside contacts.
    pub contact: String,
    /// Version of the mission folder they were decoded with; empty without a mission.
    pub mission_version: String,
}

/// The records of one block.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// Transfer frames.
    Frames(FrameBlock),
    /// Space packets.
    Packets(PacketBlock),
    /// Rows of one telemetry table.
    Telemetry {
        /// The table, in snake_case.
        table: String,
        /// Its rows.
        batch: RecordBatch,
    },
    /// JSON texts, one a record: events, commands, contacts, jobs.
    Json(Vec<String>),
}

impl Payload {
    /// Number of records.
    pub fn len(&self) -> usize {
        match self {
            Self::Frames(block) => block.len(),
            Self::Packets(block) => block.len(),
            Self::Telemetry { batch, .. } => batch.num_rows(),
            Self::Json(texts) => texts.len(),
        }
    }

    /// Whether it holds no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets in memory, about what they are encoded.
    pub fn size_octets(&self) -> usize {
        match self {
            Self::Frames(block) => block.data.len() + block.len() * 20,
            Self::Packets(block) => block.data.len() + block.len() * 22,
            Self::Telemetry { batch, .. } => batch_octets(batch),
            Self::Json(texts) => texts.iter().map(|text| text.len() + 24).sum(),
        }
    }
}

/// Octets of the rows of a batch; a slice counts only its own rows.
fn batch_octets(batch: &RecordBatch) -> usize {
    batch
        .columns()
        .iter()
        .map(|column| {
            let data = column.to_data();
            data.get_slice_memory_size()
                .unwrap_or_else(|_| column.get_array_memory_size())
        })
        .sum()
}

/// Records as they are published: headers and payload, offsets not yet given.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Shared by its records.
    pub headers: Arc<Headers>,
    /// Number of the block among those of its contact in its topic, from 0.
    pub sequence: u64,
    /// The records.
    pub payload: Payload,
}

/// A block in its place in a partition, as consumers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its topic.
    pub topic: Topic,
    /// Its partition.
    pub partition: u32,
    /// Offset of its first record.
    pub base: Offset,
    /// Offset after its last record. Kafka's offsets have holes, where transactions ended, and a
    /// batch of telemetry rows is one record there: it is not `base` and the number of records.
    pub end: Offset,
    /// Octets in the log; what it counts for in bounds.
    pub octets: usize,
    /// The records themselves.
    pub block: Block,
}

impl Record {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.block.payload.len()
    }

    /// Whether it holds no record (it never does).
    pub fn is_empty(&self) -> bool {
        self.block.payload.is_empty()
    }

    /// Offset after its last record.
    pub fn end(&self) -> Offset {
        self.end
    }
}
