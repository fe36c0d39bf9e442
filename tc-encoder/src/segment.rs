//! Cutting packets into segments that fit frames: CCSDS 232.0-B-4 4.1.3.2, the MAP packet service.

use space_link::frame::{MapId, SegmentHeader};
use space_link::packet::SequenceFlags;
use space_link::uplink::UplinkParameters;
use thiserror::Error;

/// Why a packet cannot be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SegmentError {
    /// There is nothing to send.
    #[error("a packet has at least one octet")]
    Empty,
    /// The channel has no segment headers and the packet does not fit one frame.
    #[error(
        "a packet of {got} octets does not fit a frame's {max}, and the channel has no segments"
    )]
    TooLong {
        /// Octets of the packet.
        got: usize,
        /// Octets of user data in a frame.
        max: usize,
    },
    /// The parameters leave no room for user data.
    #[error("the channel's frames have no room for user data")]
    NoRoom,
}

/// The pieces of a packet, each with its segment header if the channel has them.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    packet: &'a [u8],
    octets_max: usize,
    map_id: Option<MapId>,
    sent: usize,
}

impl<'a> Segments<'a> {
    /// Cuts a packet.
    ///
    /// # Errors
    /// [`SegmentError`], with numbers.
    pub fn new(
        parameters: &UplinkParameters,
        map_id: MapId,
        packet: &'a [u8],
    ) -> Result<Self, SegmentError> {
        let octets_max = parameters.user_data_octets_max();
        if packet.is_empty() {
            return Err(SegmentError::Empty);
        }
        if octets_max == 0 {
            return Err(SegmentError::NoRoom);
        }
        if !parameters.segment_header && packet.len() > octets_max {
            return Err(SegmentError::TooLong {
                got: packet.len(),
                max: octets_max,
            });
        }
        Ok(Self {
            packet,
            octets_max,
            map_id: parameters.segment_header.then_some(map_id),
            sent: 0,
        })
    }

    /// How many pieces there are in all.
    #[must_use]
    pub const fn pieces(&self) -> usize {
        self.packet.len().div_ceil(self.octets_max)
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = (Option<SegmentHeader>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self
            .packet
            .get(self.sent..)
            .filter(|rest| !rest.is_empty())?;
        let piece = &rest[..rest.len().min(self.octets_max)];
        let sequence_flags = match (self.sent == 0, piece.len() == rest.len()) {
            (true, true) => SequenceFlags::Unsegmented,
            (true, false) => SequenceFlags::First,
            (false, false) => SequenceFlags::Continuation,
            (false, true) => SequenceFlags::Last,
        };
        self.sent += piece.len();
        let header = self.map_id.map(|map_id| SegmentHeader {
            sequence_flags,
            map_id,
        });
        Some((header, piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use space_link::frame::{Scid, Vcid};

    fn parameters() -> UplinkParameters {
        UplinkParameters {
            frame_length_octets_max: 18,
            ..UplinkParameters::new(Scid::new(1).unwrap(), Vcid::new(0).unwrap())
        }
    }

    #[test]
    fn segments_fit_their_frames_and_say_their_place() {
        for octets in 1..60 {
            let packet: Vec<u8> = (0..octets).collect();
            let segments = Segments::new(&parameters(), MapId::ZERO, &packet).unwrap();
            let count = segments.pieces();
            let pieces: Vec<_> = segments.collect();
            assert_eq!(pieces.len(), count);
            let joined: Vec<u8> = pieces
                .iter()
                .flat_map(|(_, piece)| piece.to_vec())
                .collect();
            assert_eq!(joined, packet);
            for (index, (header, piece)) in pieces.iter().enumerate() {
                assert!(piece.len() <= 10);
                let expected = match (index == 0, index + 1 == count) {
                    (true, true) => SequenceFlags::Unsegmented,
                    (true, false) => SequenceFlags::First,
                    (false, false) => SequenceFlags::Continuation,
                    (false, true) => SequenceFlags::Last,
                };
                assert_eq!(header.unwrap().sequence_flags, expected);
            }
        }
    }

    #[test]
    fn without_segment_headers_a_packet_must_fit() {
        let mut parameters = parameters();
        parameters.segment_header = false;
        let packet = [0; 12];
        let mut pieces = Segments::new(&parameters, MapId::ZERO, &packet[..11]).unwrap();
        assert_eq!(pieces.next(), Some((None, &packet[..11])));
        assert_eq!(pieces.next(), None);
        assert_eq!(
            Segments::new(&parameters, MapId::ZERO, &packet).unwrap_err(),
            SegmentError::TooLong { got: 12, max: 11 }
        );
        assert_eq!(
            Segments::new(&parameters, MapId::ZERO, &[]).unwrap_err(),
            SegmentError::Empty
        );
    }
}
