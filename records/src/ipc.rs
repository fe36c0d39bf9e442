//! Arrow IPC streams of one batch: writing them, and reading octets that may be anything.

use std::io::Cursor;

use arrow::ipc::MetadataVersion;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::root_as_message;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow::record_batch::RecordBatch;

use crate::error::CodecError;

/// The one batch of an Arrow IPC stream.
///
/// arrow-ipc 59 believes the lengths in a stream before it allocates, and panics on some streams
/// that it did not write: the framing is checked first, and a panic is caught.
///
/// # Errors
/// It is no such stream, or ends early.
pub fn read_ipc(ipc: &[u8]) -> Result<RecordBatch, CodecError> {
    check_framing(ipc)?;
    let read = || {
        StreamReader::try_new(Cursor::new(ipc), None)
            .and_then(|mut reader| reader.next().transpose())
    };
    match std::panic::catch_unwind(read) {
        Ok(Ok(Some(batch))) => Ok(batch),
        Ok(Ok(None)) => Err(CodecError::Inconsistent {
            what: "number of row batches",
            expected: 1,
            got: 0,
        }),
        Ok(Err(error)) => Err(CodecError::Arrow(error)),
        Err(_) => Err(CodecError::ArrowPanicked),
    }
}

/// Walks over the encapsulated messages: each length must lie within the stream.
fn check_framing(ipc: &[u8]) -> Result<(), CodecError> {
    let mut rest = ipc;
    while !rest.is_empty() {
        let (marker, after) = split("an IPC marker", rest, 4)?;
        if marker != CONTINUATION {
            return Err(CodecError::Inconsistent {
                what: "IPC continuation marker",
                expected: u32::MAX.into(),
                got: marker
                    .iter()
                    .rev()
                    .fold(0, |all, octet| all << 8 | u64::from(*octet)),
            });
        }
        let (length, after) = split("an IPC length", after, 4)?;
        let length = length
            .iter()
            .rev()
            .fold(0, |all, octet| all << 8 | u64::from(*octet));
        if length == 0 {
            return Ok(());
        }
        let (metadata, after) = split("IPC metadata", after, length)?;
        let message = root_as_message(metadata).map_err(|error| {
            CodecError::Arrow(arrow::error::ArrowError::IpcError(error.to_string()))
        })?;
        let body = u64::try_from(message.bodyLength()).unwrap_or(u64::MAX);
        (_, rest) = split("an IPC body", after, body)?;
    }
    Ok(())
}

fn split<'a>(
    what: &'static str,
    octets: &'a [u8],
    needed: u64,
) -> Result<(&'a [u8], &'a [u8]), CodecError> {
    usize::try_from(needed)
        .ok()
        .and_then(|length| octets.split_at_checked(length))
        .ok_or(CodecError::Truncated {
            what,
            needed,
            got: octets.len() as u64,
        })
}

/// Before each message, since Arrow 0.15.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Appends rows as one Arrow IPC stream. Buffers are aligned to 8 octets: a wide table's rows of a
/// second are a few values a column, which 64 octets for each would double.
///
/// # Errors
/// [`CodecError::Arrow`] for a schema or values that Arrow cannot write.
pub fn write_rows(out: &mut Vec<u8>, batch: &RecordBatch) -> Result<(), CodecError> {
    let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5);
    let mut writer = options
        .and_then(|options| StreamWriter::try_new_with_options(out, &batch.schema(), options))
        .map_err(CodecError::Arrow)?;
    writer.write(batch).map_err(CodecError::Arrow)?;
    writer.finish().map_err(CodecError::Arrow)
}
