//! From Kafka records to blocks.

use std::sync::Arc;

use schemas::record::{FrameBlock, NO_VIRTUAL_CHANNEL, PacketBlock, Quality, SpacecraftName};

use crate::block::{BLOCK_RECORDS_MAX, Block, Headers, Payload, Record};
use crate::codec::check_count;
use crate::dead_letter::DeadLetter;
use crate::error::CodecError;
use crate::fields::{Fields, quality, required_number, text, time, virtual_channel};
use crate::ipc::read_ipc;
use crate::names;
use crate::text::parse_number;
use crate::topic::{Offset, Topic};

/// A Kafka record as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRecord {
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; a deletion mark has none.
    pub value: Vec<u8>,
    /// Its headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Puts the records of one partition together to blocks: as many as follow each other with the
/// same spacecraft, station, contact and mission version.
pub struct Reader {
    topic: Topic,
    partition: u32,
    /// The headers of the last record, reused while they stay the same.
    shared: Arc<Headers>,
    building: Option<Building>,
}

/// A block that may still grow.
struct Building {
    base: Offset,
    end: Offset,
    sequence: u64,
    octets: usize,
    payload: Payload,
}

impl Reader {
    /// Starts at any record of a partition.
    pub fn new(topic: Topic, partition: u32) -> Self {
        let none = Headers {
            spacecraft: String::new(),
            station: String::new(),
            contact: String::new(),
            mission_version: String::new(),
        };
        Self {
            topic,
            partition,
            shared: Arc::new(none),
            building: None,
        }
    }

    /// Takes the next record; gives the block before it, if it begins another.
    ///
    /// # Errors
    /// The record is none of this bus's. Nothing of it is kept, and what came before stays.
    pub fn push<'a>(
        &mut self,
        offset: Offset,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
    ) -> Result<Option<Record>, CodecError> {
        if self.topic == Topic::DeadLetters {
            let text = dead_letter(key, value, headers).to_json();
            return self.add_text(offset, text);
        }
        let fields = Fields::read(headers);
        let value = value.ok_or(CodecError::Absent { what: "the value" })?;
        let sequence = required_number(names::SEQUENCE, fields.sequence, u64::MAX)?;
        let shared = self.headers(&fields)?;
        let same = Arc::ptr_eq(&shared, &self.shared);
        match self.topic {
            Topic::TmPackets => {
                check_length("a packet", value, PACKET_OCTETS)?;
                let packet = Packet::read(&fields, value)?;
                let finished = self.begin(same, &shared, |building| {
                    matches!(&building.payload, Payload::Packets(_))
                });
                let building = self.building.get_or_insert_with(|| {
                    let block = PacketBlock::new(SpacecraftName::new(&shared.spacecraft));
                    Building::new(offset, sequence, Payload::Packets(block))
                });
                if let Payload::Packets(block) = &mut building.payload {
                    packet.append(block);
                }
                building.grow(offset, value.len());
                Ok(finished)
            }
            Topic::TmFrames => {
                check_length("a frame", value, FRAME_OCTETS)?;
                let frame = Frame::read(&fields, value)?;
                let finished = self.begin(same, &shared, |building| {
                    matches!(&building.payload, Payload::Frames(_))
                });
                let building = self.building.get_or_insert_with(|| {
                    let block = FrameBlock::new(SpacecraftName::new(&shared.spacecraft));
                    Building::new(offset, sequence, Payload::Frames(block))
                });
                if let Payload::Frames(block) = &mut building.payload {
                    frame.append(block);
                }
                building.grow(offset, value.len());
                Ok(finished)
            }
            Topic::TmTelemetry => {
                let table = text(names::TABLE, fields.table)?
                    .ok_or(CodecError::Absent {
                        what: "header table",
                    })?
                    .to_owned();
                let batch = read_ipc(value)?;
                check_count(batch.num_rows())?;
                let finished = self.begin(same, &shared, |_| false);
                let payload = Payload::Telemetry { table, batch };
                let building = self
                    .building
                    .insert(Building::new(offset, sequence, payload));
                building.grow(offset, value.len());
                Ok(finished)
            }
            _ => {
                let text = std::str::from_utf8(value)
                    .map_err(|_| CodecError::Text { what: "the value" })?
                    .to_owned();
                let finished = self.begin(same, &shared, |_| true);
                self.append_text(offset, sequence, text);
                Ok(finished)
            }
        }
    }

    /// The block that has been put together so far.
    pub fn take(&mut self) -> Option<Record> {
        let building = self.building.take()?;
        Some(building.finish(self.topic, self.partition, &self.shared))
    }

    /// Whether the block is as large as blocks get.
    pub fn is_full(&self) -> bool {
        self.building.as_ref().is_some_and(Building::is_full)
    }

    /// Whether no record waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.building.is_none()
    }

    /// Finishes the block in work unless the next record fits into it.
    fn begin(
        &mut self,
        same: bool,
        shared: &Arc<Headers>,
        fits: impl Fn(&Building) -> bool,
    ) -> Option<Record> {
        let goes_on = self
            .building
            .as_ref()
            .is_some_and(|building| same && !building.is_full() && fits(building));
        let finished = if goes_on { None } else { self.take() };
        self.shared = Arc::clone(shared);
        finished
    }

    fn add_text(&mut self, offset: Offset, text: String) -> Result<Option<Record>, CodecError> {
        let shared = Arc::clone(&self.shared);
        let finished = self.begin(true, &shared, |_| true);
        self.append_text(offset, offset, text);
        Ok(finished)
    }

    fn append_text(&mut self, offset: Offset, sequence: u64, text: String) {
        let building = self
            .building
            .get_or_insert_with(|| Building::new(offset, sequence, Payload::Json(Vec::new())));
        let octets = text.len();
        if let Payload::Json(texts) = &mut building.payload {
            texts.push(text);
        }
        building.grow(offset, octets);
    }

    /// The shared headers; the last record's again where they are the same.
    fn headers(&self, fields: &Fields<'_>) -> Result<Arc<Headers>, CodecError> {
        let spacecraft = fields.spacecraft.ok_or(CodecError::Absent {
            what: "header spacecraft",
        })?;
        let or_empty = |field: Option<&'_ [u8]>| field.unwrap_or_default().to_vec();
        let same = |text: &str, field: Option<&[u8]>| text.as_bytes() == field.unwrap_or_default();
        let last = &self.shared;
        if same(&last.spacecraft, Some(spacecraft))
            && same(&last.station, fields.station)
            && same(&last.contact, fields.contact)
            && same(&last.mission_version, fields.mission_version)
        {
            return Ok(Arc::clone(last));
        }
        let owned = |name, field: Option<&[u8]>| {
            text(name, Some(or_empty(field).as_slice()))
                .map(|text| text.unwrap_or_default().to_owned())
        };
        Ok(Arc::new(Headers {
            spacecraft: owned(names::SPACECRAFT, fields.spacecraft)?,
            station: owned(names::STATION, fields.station)?,
            contact: owned(names::CONTACT, fields.contact)?,
            mission_version: owned(names::MISSION_VERSION, fields.mission_version)?,
        }))
    }
}

impl Building {
    fn new(base: Offset, sequence: u64, payload: Payload) -> Self {
        Self {
            base,
            end: base,
            sequence,
            octets: 0,
            payload,
        }
    }

    fn grow(&mut self, offset: Offset, octets: usize) {
        self.end = offset.saturating_add(1);
        self.octets = self
            .octets
            .saturating_add(octets)
            .saturating_add(RECORD_OCTETS);
    }

    fn is_full(&self) -> bool {
        self.payload.len() >= BLOCK_RECORDS_MAX || self.octets >= BLOCK_OCTETS
    }

    fn finish(self, topic: Topic, partition: u32, headers: &Arc<Headers>) -> Record {
        Record {
            topic,
            partition,
            base: self.base,
            end: self.end,
            octets: self.octets,
            block: Block {
                headers: Arc::clone(headers),
                sequence: self.sequence,
                payload: self.payload,
            },
        }
    }
}

/// A packet with what its headers say.
struct Packet<'a> {
    octets: &'a [u8],
    time: i64,
    received: i64,
    virtual_channel: u8,
    quality: Quality,
}

impl<'a> Packet<'a> {
    fn read(fields: &Fields<'_>, octets: &'a [u8]) -> Result<Self, CodecError> {
        Ok(Self {
            octets,
            time: time(names::TIME, fields.time)?,
            received: time(names::RECEIVED, fields.received)?,
            virtual_channel: virtual_channel(fields)?.unwrap_or(NO_VIRTUAL_CHANNEL),
            quality: quality(fields)?,
        })
    }

    fn append(self, block: &mut PacketBlock) {
        block.data.extend_from_slice(self.octets);
        // A block is closed long before 2 GiB.
        block
            .offsets
            .push(i32::try_from(block.data.len()).unwrap_or(i32::MAX));
        block.time.push(self.time);
        block.received.push(self.received);
        block.virtual_channel.push(self.virtual_channel);
        block.quality.push(self.quality as u8);
    }
}

/// A frame with what its headers say.
struct Frame<'a> {
    octets: &'a [u8],
    received: i64,
    virtual_channel: u8,
    frame_count: u32,
    quality: Quality,
    corrected_symbols: u16,
}

impl<'a> Frame<'a> {
    fn read(fields: &Fields<'_>, octets: &'a [u8]) -> Result<Self, CodecError> {
        let corrected = match fields.corrected_symbols {
            None => 0,
            some => required_number(names::CORRECTED_SYMBOLS, some, u16::MAX.into())?,
        };
        let count = required_number(names::FRAME_COUNT, fields.frame_count, u32::MAX.into())?;
        Ok(Self {
            octets,
            received: time(names::RECEIVED, fields.received)?,
            virtual_channel: virtual_channel(fields)?.ok_or(CodecError::Absent {
                what: "header virtual-channel",
            })?,
            frame_count: count as u32,
            quality: quality(fields)?,
            corrected_symbols: corrected as u16,
        })
    }

    fn append(self, block: &mut FrameBlock) {
        block.data.extend_from_slice(self.octets);
        block
            .offsets
            .push(i32::try_from(block.data.len()).unwrap_or(i32::MAX));
        block.received.push(self.received);
        block.virtual_channel.push(self.virtual_channel);
        block.frame_count.push(self.frame_count);
        block.quality.push(self.quality as u8);
        block.corrected_symbols.push(self.corrected_symbols);
    }
}

fn check_length(
    what: &'static str,
    value: &[u8],
    (least, most): (usize, usize),
) -> Result<(), CodecError> {
    let got = value.len() as u64;
    if value.len() < least {
        let needed = least as u64;
        return Err(CodecError::Truncated { what, needed, got });
    }
    if value.len() > most {
        let max = most as u64;
        return Err(CodecError::TooLong { what, max, got });
    }
    Ok(())
}

/// A dead letter as it was stored; what another tool put there is shown as well as it goes.
fn dead_letter<'a>(
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
) -> DeadLetter {
    let mut letter = DeadLetter {
        topic: Topic::DeadLetters,
        partition: 0,
        offset: 0,
        reason: String::new(),
        record: RawRecord {
            key: key.map(<[u8]>::to_vec),
            value: value.unwrap_or_default().to_vec(),
            headers: Vec::new(),
        },
    };
    for (name, value) in headers {
        let value = value.unwrap_or_default();
        let number = parse_number(value).unwrap_or_default();
        match name {
            names::DEAD_TOPIC => {
                let topic = std::str::from_utf8(value).ok().and_then(Topic::from_name);
                letter.topic = topic.unwrap_or(Topic::DeadLetters);
            }
            names::DEAD_PARTITION => letter.partition = number.try_into().unwrap_or_default(),
            names::DEAD_OFFSET => letter.offset = number,
            names::DEAD_REASON => letter.reason = String::from_utf8_lossy(value).into_owned(),
            _ => letter
                .record
                .headers
                .push((name.to_owned(), value.to_vec())),
        }
    }
    letter
}

/// CCSDS 133.0-B-2 4.1.2: a primary header and at least one octet of data field.
const PACKET_OCTETS: (usize, usize) = (7, 65_542);
/// From the shortest primary header (CCSDS 732.1-B, 4 octets) to the longest USLP frame.
const FRAME_OCTETS: (usize, usize) = (4, 65_536);
/// A block is closed once it holds so much.
const BLOCK_OCTETS: usize = 1 << 20;
/// What a record counts for besides its value.
const RECORD_OCTETS: usize = 22;

#[cfg(test)]
mod tests;
