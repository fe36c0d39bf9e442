//! From blocks to Kafka records: one a frame, packet or JSON text, one a batch of telemetry rows.

use arrow::record_batch::RecordBatch;
use rdkafka::message::{Header, OwnedHeaders};
use schemas::record::{FrameBlock, NO_TIME, NO_VIRTUAL_CHANNEL, PacketBlock, Quality};

use super::names;
use super::text::{format_number, format_time};
use crate::block::{Block, Headers, Payload};
use crate::codec::check_payload;
use crate::error::CodecError;
use crate::topic::Topic;
use records::ipc::write_rows;

/// A block that is ready to be sent, as often as it takes.
pub(crate) struct Encoded {
    pub(crate) topic: Topic,
    pub(crate) sequence: u64,
    /// What it counts for in bounds.
    pub(crate) octets: usize,
    shared: OwnedHeaders,
    values: Values,
}

enum Values {
    Frames(FrameBlock),
    Packets(PacketBlock),
    /// Arrow IPC streams or JSON texts.
    Whole(Vec<Vec<u8>>),
}

impl Encoded {
    /// Encodes what the client library will not: telemetry rows, and the shared headers.
    ///
    /// A batch of rows that is larger than `value_octets_max` becomes several.
    pub(crate) fn new(
        topic: Topic,
        block: Block,
        value_octets_max: usize,
    ) -> Result<Self, CodecError> {
        check_kind(topic, &block.payload)?;
        check_payload(&block)?;
        let mut shared = shared_headers(&block.headers, block.sequence);
        let octets = block.payload.size_octets();
        let values = match block.payload {
            Payload::Frames(frames) => Values::Frames(frames),
            Payload::Packets(packets) => Values::Packets(packets),
            Payload::Json(texts) => {
                Values::Whole(texts.into_iter().map(String::into_bytes).collect())
            }
            Payload::Telemetry { table, batch } => {
                shared = add(shared, names::TABLE, table.as_bytes());
                let mut streams = Vec::new();
                write_streams(&batch, value_octets_max, &mut streams)?;
                Values::Whole(streams)
            }
        };
        if let Values::Whole(whole) = &values {
            for value in whole {
                if value.len() > value_octets_max {
                    return Err(CodecError::TooLong {
                        what: "a record's value",
                        max: value_octets_max as u64,
                        got: value.len() as u64,
                    });
                }
            }
        }
        Ok(Self {
            topic,
            sequence: block.sequence,
            octets,
            shared,
            values,
        })
    }

    /// Gives each record's value and headers to `send`, in order.
    pub(crate) fn each<E>(
        &self,
        mut send: impl FnMut(&[u8], OwnedHeaders) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.values {
            Values::Whole(values) => {
                for value in values {
                    send(value, self.shared.clone())?;
                }
            }
            Values::Packets(packets) => {
                for index in 0..packets.len() {
                    send(packets.packet(index), self.packet_headers(packets, index))?;
                }
            }
            Values::Frames(frames) => {
                for index in 0..frames.len() {
                    send(frames.frame(index), self.frame_headers(frames, index))?;
                }
            }
        }
        Ok(())
    }

    fn packet_headers(&self, packets: &PacketBlock, index: usize) -> OwnedHeaders {
        let mut headers = self.shared.clone();
        // CCSDS 133.0-B-2 4.1.3.3.3: the low eleven bits of the first two octets.
        if let Some([first, second]) = packets.packet(index).first_chunk() {
            let apid = u16::from_be_bytes([first & 7, *second]);
            headers = number(headers, names::APID, apid.into());
        }
        headers = time(headers, names::TIME, packets.time[index]);
        headers = time(headers, names::RECEIVED, packets.received[index]);
        headers = channel(headers, packets.virtual_channel[index]);
        quality(headers, packets.quality[index])
    }

    fn frame_headers(&self, frames: &FrameBlock, index: usize) -> OwnedHeaders {
        let mut headers = self.shared.clone();
        headers = time(headers, names::RECEIVED, frames.received[index]);
        headers = channel(headers, frames.virtual_channel[index]);
        headers = number(
            headers,
            names::FRAME_COUNT,
            frames.frame_count[index].into(),
        );
        let corrected = frames.corrected_symbols[index];
        if corrected > 0 {
            headers = number(headers, names::CORRECTED_SYMBOLS, corrected.into());
        }
        quality(headers, frames.quality[index])
    }
}

/// A topic holds one kind of payload.
fn check_kind(topic: Topic, payload: &Payload) -> Result<(), CodecError> {
    let kind = |payload: &Payload| match payload {
        Payload::Frames(_) => "frames",
        Payload::Packets(_) => "packets",
        Payload::Telemetry { .. } => "telemetry rows",
        Payload::Json(_) => "JSON texts",
    };
    let expected = match topic {
        Topic::TmFrames => "frames",
        Topic::TmPackets => "packets",
        Topic::TmTelemetry => "telemetry rows",
        Topic::TmEvents | Topic::TcCommands | Topic::OpsContacts | Topic::OpsJobs => "JSON texts",
        Topic::DeadLetters => "dead letters",
    };
    let found = kind(payload);
    if found == expected {
        Ok(())
    } else {
        Err(CodecError::Topic { found, expected })
    }
}

fn shared_headers(headers: &Headers, sequence: u64) -> OwnedHeaders {
    let mut all = OwnedHeaders::new_with_capacity(HEADERS);
    all = add(all, names::SPACECRAFT, headers.spacecraft.as_bytes());
    for (name, text) in [
        (names::STATION, &headers.station),
        (names::CONTACT, &headers.contact),
        (names::MISSION_VERSION, &headers.mission_version),
    ] {
        if !text.is_empty() {
            all = add(all, name, text.as_bytes());
        }
    }
    number(all, names::SEQUENCE, sequence)
}

fn add(headers: OwnedHeaders, key: &str, value: &[u8]) -> OwnedHeaders {
    headers.insert(Header {
        key,
        value: Some(value),
    })
}

fn number(headers: OwnedHeaders, name: &str, number: u64) -> OwnedHeaders {
    add(headers, name, format_number(number, &mut [0; 20]))
}

/// A time that is not known has no header.
fn time(headers: OwnedHeaders, name: &str, micros: i64) -> OwnedHeaders {
    if micros == NO_TIME {
        return headers;
    }
    match format_time(micros) {
        Some(text) => add(headers, name, &text),
        None => add(headers, name, micros.to_string().as_bytes()),
    }
}

fn channel(headers: OwnedHeaders, channel: u8) -> OwnedHeaders {
    if channel == NO_VIRTUAL_CHANNEL {
        return headers;
    }
    number(headers, names::VIRTUAL_CHANNEL, channel.into())
}

fn quality(headers: OwnedHeaders, octet: u8) -> OwnedHeaders {
    let word = Quality::from_octet(octet).as_str();
    add(headers, names::QUALITY, word.as_bytes())
}

/// The rows as one Arrow IPC stream, or halved until each fits; a single row stays whole.
fn write_streams(
    batch: &RecordBatch,
    octets_max: usize,
    streams: &mut Vec<Vec<u8>>,
) -> Result<(), CodecError> {
    let mut stream = Vec::new();
    write_rows(&mut stream, batch)?;
    let rows = batch.num_rows();
    if stream.len() <= octets_max || rows < 2 {
        streams.push(stream);
        return Ok(());
    }
    drop(stream);
    let half = rows / 2;
    write_streams(&batch.slice(0, half), octets_max, streams)?;
    write_streams(&batch.slice(half, rows - half), octets_max, streams)
}

/// Headers of a packet.
const HEADERS: usize = 10;
