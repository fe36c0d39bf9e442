//! Packets out of segments, a stream for each multiplexer access point: CCSDS 232.0-B-4 4.5.

use std::collections::BTreeMap;

use space_link::frame::{MapId, SegmentHeader};
use space_link::packet::{MAX_PACKET_OCTETS, PacketError, PacketType, SequenceFlags, SpacePacket};
use thiserror::Error;

/// Why a segment brings no packet. What was collected of its packet is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SegmentRefused {
    /// No octets at all.
    #[error("the frame holds no segment")]
    Empty,
    /// A segment that continues nothing.
    #[error("MAP {0}: a segment without the beginning of its packet")]
    NoBeginning(MapId),
    /// A new packet before the one before was whole, which is lost; the new one is taken.
    #[error("MAP {map_id}: the {lost} octets of a packet that was never finished are lost")]
    Unfinished {
        /// The stream.
        map_id: MapId,
        /// Octets of it.
        lost: usize,
    },
    /// More octets than a packet can have.
    #[error("MAP {map_id}: a packet of more than {MAX_PACKET_OCTETS} octets")]
    TooLong {
        /// The stream.
        map_id: MapId,
    },
    /// Not a telecommand packet of the length that it says.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// A telemetry packet.
    #[error("a telemetry packet was sent to the spacecraft")]
    Telemetry,
    /// Octets behind a packet that are none.
    #[error("{0} octets follow a packet made of segments")]
    Trailing(usize),
}

/// Collects the segments of at most 64 streams, a packet's octets of each.
#[derive(Clone, Debug, Default)]
pub struct Reassembler {
    packets: BTreeMap<MapId, Vec<u8>>,
}

impl Reassembler {
    /// A frame's user data behind its segment header, if the channel has them. `each` gets the
    /// packets that are whole; without segmentation there may be several.
    ///
    /// # Errors
    /// [`SegmentRefused`]; packets ahead of what was wrong have been given out.
    pub fn handle_data(
        &mut self,
        header: Option<SegmentHeader>,
        data: &[u8],
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), SegmentRefused> {
        if data.is_empty() {
            return Err(SegmentRefused::Empty);
        }
        let Some(SegmentHeader {
            sequence_flags,
            map_id,
        }) = header
        else {
            return unsegmented(data, &mut each);
        };
        match sequence_flags {
            SequenceFlags::Unsegmented => {
                let unfinished = self.begin(map_id);
                unsegmented(data, &mut each)?;
                unfinished
            }
            SequenceFlags::First => {
                let unfinished = self.begin(map_id);
                self.packets.insert(map_id, data.to_vec());
                unfinished
            }
            SequenceFlags::Continuation | SequenceFlags::Last => {
                let collected = self
                    .packets
                    .get_mut(&map_id)
                    .ok_or(SegmentRefused::NoBeginning(map_id))?;
                if collected.len() + data.len() > MAX_PACKET_OCTETS {
                    self.packets.remove(&map_id);
                    return Err(SegmentRefused::TooLong { map_id });
                }
                collected.extend_from_slice(data);
                if sequence_flags == SequenceFlags::Continuation {
                    return Ok(());
                }
                let whole = self.packets.remove(&map_id).unwrap_or_default();
                let (packet, rest) = telecommand(&whole)?;
                if !rest.is_empty() {
                    return Err(SegmentRefused::Trailing(rest.len()));
                }
                each(packet);
                Ok(())
            }
        }
    }

    fn begin(&mut self, map_id: MapId) -> Result<(), SegmentRefused> {
        match self.packets.remove(&map_id) {
            Some(lost) => Err(SegmentRefused::Unfinished {
                map_id,
                lost: lost.len(),
            }),
            None => Ok(()),
        }
    }
}

fn unsegmented(data: &[u8], each: &mut impl FnMut(&[u8])) -> Result<(), SegmentRefused> {
    let mut rest = data;
    while !rest.is_empty() {
        let (packet, after) = telecommand(rest)?;
        each(packet);
        rest = after;
    }
    Ok(())
}

fn telecommand(octets: &[u8]) -> Result<(&[u8], &[u8]), SegmentRefused> {
    let (packet, rest) = SpacePacket::split_first(octets)?;
    if packet.header().version != 0 {
        return Err(PacketError::Version(packet.header().version).into());
    }
    if packet.header().packet_type != PacketType::Telecommand {
        return Err(SegmentRefused::Telemetry);
    }
    Ok((packet.octets(), rest))
}
