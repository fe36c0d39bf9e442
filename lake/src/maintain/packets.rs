//! Packets out of the table `packets`, in blocks as they were before they became rows.

use std::collections::VecDeque;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int16Type, TimestampMicrosecondType};
use schemas::record::{NO_TIME, NO_VIRTUAL_CHANNEL, PacketBlock, Quality, SpacecraftName};
use schemas::tables::Source;

use super::error::MaintainError;

/// Decodes packets as a mission says.
pub trait Decoder {
    /// Version of the mission that it decodes with.
    fn version(&self) -> &str;

    /// Columns of a table's rows; `None` if the mission has no such table.
    fn schema(&self, table: &str) -> Option<arrow::datatypes::SchemaRef>;

    /// Names of all tables that it decodes to.
    fn tables(&self) -> Vec<String>;

    /// The rows that packets decode to, by table, in the order of the packets.
    ///
    /// # Errors
    /// Why the block cannot be decoded; packets of any content can.
    fn decode(
        &mut self,
        block: &PacketBlock,
        source: &Source,
    ) -> Result<Vec<(String, RecordBatch)>, Box<dyn std::error::Error + Send + Sync>>;
}

/// Packets that came from one place, and where that is.
pub(crate) struct SourcedBlock {
    pub(crate) block: PacketBlock,
    /// With the mission version of the decoder.
    pub(crate) source: Source,
    /// The mission version that stands at the packets.
    pub(crate) stored_version: String,
}

/// The rows of `packets` as blocks, in the order of the rows.
pub(crate) struct PacketBlocks<I> {
    rows: I,
    version: String,
    ready: VecDeque<SourcedBlock>,
}

impl<I: Iterator<Item = Result<RecordBatch, MaintainError>>> PacketBlocks<I> {
    /// Blocks of `rows`, to be decoded with a mission of this version.
    pub(crate) fn new(rows: I, version: &str) -> Self {
        Self {
            rows,
            version: version.to_owned(),
            ready: VecDeque::new(),
        }
    }

    fn take(&mut self, batch: &RecordBatch) {
        let columns = Columns::of(batch);
        let mut from = 0;
        while from < batch.num_rows() {
            let (mut to, mut octets) = (from, 0);
            while to < batch.num_rows()
                && to - from < BLOCK_RECORDS
                && octets < BLOCK_OCTETS
                && columns.same_source(from, to)
            {
                octets += columns.data(to).len();
                to += 1;
            }
            self.ready.push_back(columns.block(from, to, &self.version));
            from = to;
        }
    }
}

impl<I: Iterator<Item = Result<RecordBatch, MaintainError>>> Iterator for PacketBlocks<I> {
    type Item = Result<SourcedBlock, MaintainError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() {
            match self.rows.next()? {
                Ok(batch) => self.take(&batch),
                Err(error) => return Some(Err(error)),
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

/// The columns of `packets` that a block has.
struct Columns {
    texts: [Option<ArrayRef>; 4],
    time: Option<ArrayRef>,
    received: Option<ArrayRef>,
    virtual_channel: Option<ArrayRef>,
    quality: Option<ArrayRef>,
    data: Option<ArrayRef>,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Self {
        let column = |name: &str| batch.column_by_name(name).cloned();
        Self {
            texts: ["spacecraft", "station", "contact", "mission_version"].map(column),
            time: column("time"),
            received: column("received"),
            virtual_channel: column("virtual_channel"),
            quality: column("quality"),
            data: column("data"),
        }
    }

    fn same_source(&self, a: usize, b: usize) -> bool {
        self.texts
            .iter()
            .all(|column| text(column.as_ref(), a) == text(column.as_ref(), b))
    }

    fn data(&self, row: usize) -> &[u8] {
        let column = self
            .data
            .as_ref()
            .and_then(|data| data.as_binary_opt::<i32>());
        column
            .filter(|data| !data.is_null(row))
            .map_or(&[], |data| data.value(row))
    }

    fn block(&self, from: usize, to: usize, version: &str) -> SourcedBlock {
        let [spacecraft, station, contact, stored] =
            [0, 1, 2, 3].map(|at: usize| text(self.texts[at].as_ref(), from).map(str::to_owned));
        let spacecraft = spacecraft.unwrap_or_default();
        let mut block = PacketBlock::new(SpacecraftName::new(&spacecraft));
        for row in from..to {
            block.data.extend_from_slice(self.data(row));
            block
                .offsets
                .push(i32::try_from(block.data.len()).unwrap_or(i32::MAX));
            block
                .time
                .push(time(self.time.as_ref(), row).unwrap_or(NO_TIME));
            block
                .received
                .push(time(self.received.as_ref(), row).unwrap_or(NO_TIME));
            let channel = self.virtual_channel.as_ref();
            let channel = channel.and_then(|channel| channel.as_primitive_opt::<Int16Type>());
            let channel = channel.filter(|channel| !channel.is_null(row));
            let channel = channel.and_then(|channel| u8::try_from(channel.value(row)).ok());
            block
                .virtual_channel
                .push(channel.unwrap_or(NO_VIRTUAL_CHANNEL));
            block
                .quality
                .push(quality(text(self.quality.as_ref(), row)) as u8);
        }
        SourcedBlock {
            block,
            source: Source {
                spacecraft,
                station,
                contact,
                mission_version: Some(version.to_owned()),
            },
            stored_version: stored.unwrap_or_default(),
        }
    }
}

/// A text of a row.
pub(crate) fn text(column: Option<&ArrayRef>, row: usize) -> Option<&str> {
    let column = column?.as_string_opt::<i32>()?;
    (!column.is_null(row)).then(|| column.value(row))
}

/// Microseconds of a row.
pub(crate) fn time(column: Option<&ArrayRef>, row: usize) -> Option<i64> {
    let column = column?.as_primitive_opt::<TimestampMicrosecondType>()?;
    (!column.is_null(row)).then(|| column.value(row))
}

fn quality(word: Option<&str>) -> Quality {
    let all = [Quality::Good, Quality::Corrected, Quality::Unchecked];
    let known = all
        .into_iter()
        .find(|quality| word == Some(quality.as_str()));
    known.unwrap_or(Quality::Bad)
}

/// As the decoder's own blocks.
const BLOCK_RECORDS: usize = 4_096;
const BLOCK_OCTETS: usize = 1 << 20;
