//! Blocks as octets: how the embedded log stores them.
//!
//! All integers are little-endian. A block is
//!
//! | octets | what |
//! |---|---|
//! | 1 | format version, [`FORMAT`] |
//! | 1 | payload kind |
//! | 2 | zero |
//! | 4 | number of records |
//! | 8 | sequence number |
//! | | spacecraft, station, contact, mission version: each a length of 2 octets and UTF-8 text |
//! | | the payload's columns, one after the other |
//! | 8 | XXH3 of everything before |
//!
//! Decoding checks the checksum first and every length before it allocates.

use std::sync::Arc;

use schemas::record::{FrameBlock, PacketBlock, SpacecraftName};
use xxhash_rust::xxh3::xxh3_64;

use crate::block::{BLOCK_RECORDS_MAX, Block, Headers, Payload};
use crate::error::CodecError;
use crate::ipc::{read_ipc, write_rows};

/// Encodes a block.
///
/// # Errors
/// A part that does not fit its length field, columns of different lengths, too many records, a
/// payload of another spacecraft than the headers'.
pub fn encode_block(block: &Block) -> Result<Vec<u8>, CodecError> {
    let payload = &block.payload;
    let count = payload.len();
    check_count(count)?;
    let mut out = Vec::with_capacity(payload.size_octets() + 4_096);
    let kind = match payload {
        Payload::Frames(_) => KIND_FRAMES,
        Payload::Packets(_) => KIND_PACKETS,
        Payload::Telemetry { .. } => KIND_TELEMETRY,
        Payload::Json(_) => KIND_JSON,
    };
    out.extend_from_slice(&[FORMAT, kind, 0, 0]);
    out.extend_from_slice(&(count as u32).to_le_bytes());
    out.extend_from_slice(&block.sequence.to_le_bytes());
    let headers = &block.headers;
    put_text(&mut out, "spacecraft", &headers.spacecraft)?;
    put_text(&mut out, "station", &headers.station)?;
    put_text(&mut out, "contact", &headers.contact)?;
    put_text(&mut out, "mission version", &headers.mission_version)?;
    match payload {
        Payload::Frames(frames) => {
            same_spacecraft(&frames.spacecraft, headers)?;
            put_data(&mut out, &frames.data, &frames.offsets, count)?;
            put_i64(&mut out, "received", &frames.received, count)?;
            put_u8(&mut out, "virtual channel", &frames.virtual_channel, count)?;
            check_column("frame count", frames.frame_count.len(), count)?;
            out.extend(frames.frame_count.iter().flat_map(|v| v.to_le_bytes()));
            put_u8(&mut out, "quality", &frames.quality, count)?;
            check_column("corrected symbols", frames.corrected_symbols.len(), count)?;
            out.extend(
                frames
                    .corrected_symbols
                    .iter()
                    .flat_map(|v| v.to_le_bytes()),
            );
        }
        Payload::Packets(packets) => {
            same_spacecraft(&packets.spacecraft, headers)?;
            put_data(&mut out, &packets.data, &packets.offsets, count)?;
            put_i64(&mut out, "time", &packets.time, count)?;
            put_i64(&mut out, "received", &packets.received, count)?;
            put_u8(&mut out, "virtual channel", &packets.virtual_channel, count)?;
            put_u8(&mut out, "quality", &packets.quality, count)?;
        }
        Payload::Telemetry { table, batch } => {
            put_text(&mut out, "table", table)?;
            write_rows(&mut out, batch)?;
        }
        Payload::Json(texts) => {
            for text in texts {
                let length = length_u32("JSON text", text.len())?;
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
    let checksum = xxh3_64(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    Ok(out)
}

/// Decodes a block.
///
/// # Errors
/// Anything that [`encode_block`] would not have written.
pub fn decode_block(octets: &[u8]) -> Result<Block, CodecError> {
    let body = check_block(octets)?;
    let mut input = Input { rest: body };
    let fixed: [u8; 4] = input.array("format")?;
    let count = u32::from_le_bytes(input.array("number of records")?) as usize;
    check_count(count)?;
    let sequence = u64::from_le_bytes(input.array("sequence number")?);
    let headers = Arc::new(Headers {
        spacecraft: input.text("spacecraft")?,
        station: input.text("station")?,
        contact: input.text("contact")?,
        mission_version: input.text("mission version")?,
    });
    let spacecraft = SpacecraftName::new(&headers.spacecraft);
    let payload = match fixed[1] {
        KIND_FRAMES => {
            let (data, offsets) = input.data(count)?;
            Payload::Frames(FrameBlock {
                spacecraft,
                data,
                offsets,
                received: input.column("received", count, i64::from_le_bytes)?,
                virtual_channel: input.take("virtual channel", count)?.to_vec(),
                frame_count: input.column("frame count", count, u32::from_le_bytes)?,
                quality: input.take("quality", count)?.to_vec(),
                corrected_symbols: input.column("corrected symbols", count, u16::from_le_bytes)?,
            })
        }
        KIND_PACKETS => {
            let (data, offsets) = input.data(count)?;
            Payload::Packets(PacketBlock {
                spacecraft,
                data,
                offsets,
                time: input.column("time", count, i64::from_le_bytes)?,
                received: input.column("received", count, i64::from_le_bytes)?,
                virtual_channel: input.take("virtual channel", count)?.to_vec(),
                quality: input.take("quality", count)?.to_vec(),
            })
        }
        KIND_TELEMETRY => {
            let table = input.text("table")?;
            let ipc = std::mem::take(&mut input.rest);
            let batch = read_ipc(ipc)?;
            check_column("telemetry rows", batch.num_rows(), count)?;
            Payload::Telemetry { table, batch }
        }
        KIND_JSON => {
            let texts = (0..count)
                .map(|_| {
                    let length = u32::from_le_bytes(input.array("length of JSON text")?);
                    utf8("JSON text", input.take("JSON text", length as usize)?)
                })
                .collect::<Result<_, _>>()?;
            Payload::Json(texts)
        }
        found => return Err(CodecError::Kind { found }),
    };
    check_column("octets left over", input.rest.len(), 0)?;
    Ok(Block {
        headers,
        sequence,
        payload,
    })
}

/// Checks what a backend relies on: number of records, columns of one length, one spacecraft.
///
/// # Errors
/// One of these is not so.
pub fn check_payload(block: &Block) -> Result<(), CodecError> {
    let count = block.payload.len();
    check_count(count)?;
    match &block.payload {
        Payload::Frames(frames) => {
            same_spacecraft(&frames.spacecraft, &block.headers)?;
            check_offsets(&frames.offsets, frames.data.len(), count)?;
            check_column("received", frames.received.len(), count)?;
            check_column("frame count", frames.frame_count.len(), count)?;
            check_column("quality", frames.quality.len(), count)?;
            check_column("corrected symbols", frames.corrected_symbols.len(), count)
        }
        Payload::Packets(packets) => {
            same_spacecraft(&packets.spacecraft, &block.headers)?;
            check_offsets(&packets.offsets, packets.data.len(), count)?;
            check_column("received", packets.received.len(), count)?;
            check_column("virtual channel", packets.virtual_channel.len(), count)?;
            check_column("quality", packets.quality.len(), count)
        }
        Payload::Telemetry { .. } | Payload::Json(_) => Ok(()),
    }
}

/// Checks a stored block's checksum and version; gives what the checksum covers.
///
/// # Errors
/// The block is not as it was written, or of another version.
pub fn check_block(octets: &[u8]) -> Result<&[u8], CodecError> {
    let truncated = CodecError::Truncated {
        what: "block",
        needed: 40,
        got: octets.len() as u64,
    };
    let (body, stored) = octets.split_last_chunk::<8>().ok_or(truncated)?;
    let found = u64::from_le_bytes(*stored);
    let computed = xxh3_64(body);
    if found != computed {
        return Err(CodecError::Checksum { found, computed });
    }
    match body.first() {
        Some(&FORMAT) => Ok(body),
        Some(&found) => Err(CodecError::Version {
            found,
            known: FORMAT,
        }),
        None => Err(CodecError::Truncated {
            what: "format",
            needed: 1,
            got: 0,
        }),
    }
}

/// What is left of a block.
struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, what: &'static str, length: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(CodecError::Truncated {
                what,
                needed: length as u64,
                got: self.rest.len() as u64,
            })?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], CodecError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(what, N)?);
        Ok(array)
    }

    fn text(&mut self, what: &'static str) -> Result<String, CodecError> {
        let length = u16::from_le_bytes(self.array(what)?);
        utf8(what, self.take(what, length.into())?)
    }

    fn column<T, const N: usize>(
        &mut self,
        what: &'static str,
        count: usize,
        value: fn([u8; N]) -> T,
    ) -> Result<Vec<T>, CodecError> {
        let octets = self.take(what, count * N)?;
        let (values, _) = octets.as_chunks::<N>();
        Ok(values.iter().map(|octets| value(*octets)).collect())
    }

    /// Payload octets and their offsets: from 0, never falling, to the data's end.
    fn data(&mut self, count: usize) -> Result<(Vec<u8>, Vec<i32>), CodecError> {
        let length = u32::from_le_bytes(self.array("length of data")?) as usize;
        let data = self.take("data", length)?.to_vec();
        let offsets = self.column("offsets", count + 1, i32::from_le_bytes)?;
        check_offsets(&offsets, data.len(), count)?;
        Ok((data, offsets))
    }
}

/// Checks the number of records of a block.
///
/// # Errors
/// None, or more than [`BLOCK_RECORDS_MAX`].
pub fn check_count(count: usize) -> Result<(), CodecError> {
    if (1..=BLOCK_RECORDS_MAX).contains(&count) {
        Ok(())
    } else {
        Err(CodecError::Records {
            max: BLOCK_RECORDS_MAX,
            got: count,
        })
    }
}

fn check_column(what: &'static str, got: usize, expected: usize) -> Result<(), CodecError> {
    if got == expected {
        Ok(())
    } else {
        Err(CodecError::Inconsistent {
            what,
            expected: expected as u64,
            got: got as u64,
        })
    }
}

fn check_offsets(offsets: &[i32], data: usize, count: usize) -> Result<(), CodecError> {
    check_column("offsets", offsets.len(), count + 1)?;
    let last = offsets.last().copied().unwrap_or_default();
    check_column(
        "last offset",
        usize::try_from(last).unwrap_or(usize::MAX),
        data,
    )?;
    let rising = offsets.is_sorted() && offsets.first() == Some(&0);
    check_column("offsets out of order", usize::from(!rising), 0)
}

fn same_spacecraft(block: &SpacecraftName, headers: &Headers) -> Result<(), CodecError> {
    if block.as_str() == headers.spacecraft {
        Ok(())
    } else {
        Err(CodecError::Spacecraft {
            block: block.to_string(),
            headers: headers.spacecraft.clone(),
        })
    }
}

fn utf8(what: &'static str, octets: &[u8]) -> Result<String, CodecError> {
    std::str::from_utf8(octets)
        .map(str::to_owned)
        .map_err(|_| CodecError::Text { what })
}

fn length_u32(what: &'static str, length: usize) -> Result<u32, CodecError> {
    u32::try_from(length).map_err(|_| CodecError::TooLong {
        what,
        max: u32::MAX.into(),
        got: length as u64,
    })
}

fn put_text(out: &mut Vec<u8>, what: &'static str, text: &str) -> Result<(), CodecError> {
    let length = u16::try_from(text.len()).map_err(|_| CodecError::TooLong {
        what,
        max: u16::MAX.into(),
        got: text.len() as u64,
    })?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn put_data(
    out: &mut Vec<u8>,
    data: &[u8],
    offsets: &[i32],
    count: usize,
) -> Result<(), CodecError> {
    check_offsets(offsets, data.len(), count)?;
    out.extend_from_slice(&length_u32("data", data.len())?.to_le_bytes());
    out.extend_from_slice(data);
    out.extend(offsets.iter().flat_map(|v| v.to_le_bytes()));
    Ok(())
}

fn put_i64(
    out: &mut Vec<u8>,
    what: &'static str,
    values: &[i64],
    count: usize,
) -> Result<(), CodecError> {
    check_column(what, values.len(), count)?;
    out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    Ok(())
}

fn put_u8(
    out: &mut Vec<u8>,
    what: &'static str,
    values: &[u8],
    count: usize,
) -> Result<(), CodecError> {
    check_column(what, values.len(), count)?;
    out.extend_from_slice(values);
    Ok(())
}

/// Version of the format above.
const FORMAT: u8 = 1;
const KIND_FRAMES: u8 = 1;
const KIND_PACKETS: u8 = 2;
const KIND_TELEMETRY: u8 = 3;
const KIND_JSON: u8 = 4;

#[cfg(test)]
mod tests;
