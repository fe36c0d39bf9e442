//! Batches of `packets` and `frames`: a block's columns become Arrow arrays, payloads uncopied.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Int8Array, Int32Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;

use super::leading::{constant_text, outside, quality_words, times, virtual_channels};
use super::{LeadingColumns, Selection, Source, UTC, frames_schema, packets_schema};
use crate::record::{FrameBlock, PacketBlock};

/// A batch of `packets`; the block's octets become the `data` column without being copied.
///
/// # Errors
/// When the block's columns differ in length or its offsets do not fit its octets.
pub fn packets_batch(block: PacketBlock, source: &Source) -> Result<RecordBatch, ArrowError> {
    let length = block.len();
    let selection = Selection::Range(0..length);
    let mut columns = LeadingColumns::default().arrays(&block, &selection, source)?;
    let data = binary(block.data, block.offsets, length)?;
    let (mut version, mut packet_type, mut header, mut flags) = (
        Vec::with_capacity(length),
        Vec::with_capacity(length),
        Vec::with_capacity(length),
        Vec::with_capacity(length),
    );
    let mut lengths = Vec::with_capacity(length);
    for packet in &data {
        let packet = packet.unwrap_or(&[]);
        // CCSDS 133.0-B-2 4.1.3; a stump of less than three octets reads as zeros.
        let [first, _, third] = packet.first_chunk::<3>().copied().unwrap_or_default();
        version.push((first >> 5).cast_signed());
        packet_type.push((first >> 4 & 1).cast_signed());
        header.push(first & 0x08 != 0);
        flags.push((third >> 6).cast_signed());
        lengths.push(i32::try_from(packet.len()).unwrap_or(i32::MAX));
    }
    let headers: [ArrayRef; 5] = [
        Arc::new(Int8Array::from(version)),
        Arc::new(Int8Array::from(packet_type)),
        Arc::new(BooleanArray::from(header)),
        Arc::new(Int8Array::from(flags)),
        Arc::new(Int32Array::from(lengths)),
    ];
    columns.extend(headers);
    columns.push(Arc::new(data));
    RecordBatch::try_new(packets_schema(), columns)
}

/// A batch of `frames`; the block's octets become the `data` column without being copied.
///
/// # Errors
/// When the block's columns differ in length or its offsets do not fit its octets.
pub fn frames_batch(
    block: FrameBlock,
    scid: Option<u16>,
    source: &Source,
) -> Result<RecordBatch, ArrowError> {
    let length = block.len();
    let frame_counts = block.frame_count.iter().copied().map(i64::from);
    let corrected = block.corrected_symbols.iter().copied().map(i32::from);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::new_null(length).with_timezone(UTC)),
        constant_text(Some(&source.spacecraft), length),
        times(block.received),
        Arc::new(Int32Array::from(vec![scid.map(i32::from); length])),
        virtual_channels(&block.virtual_channel),
        Arc::new(Int64Array::from_iter_values(frame_counts)),
        constant_text(source.station.as_deref(), length),
        constant_text(source.contact.as_deref(), length),
        quality_words(&block.quality),
        Arc::new(Int32Array::from_iter_values(corrected)),
        constant_text(source.mission_version.as_deref(), length),
        Arc::new(binary(block.data, block.offsets, length)?),
    ];
    RecordBatch::try_new(frames_schema(), columns)
}

/// Adopts octets and offsets as a Binary column.
fn binary(data: Vec<u8>, offsets: Vec<i32>, rows: usize) -> Result<BinaryArray, ArrowError> {
    let ordered = offsets.first().is_some_and(|&first| first >= 0)
        && offsets.windows(2).all(|pair| pair[0] <= pair[1]);
    if !ordered || offsets.len() != rows + 1 {
        return Err(outside());
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    BinaryArray::try_new(offsets, Buffer::from_vec(data), None)
}
