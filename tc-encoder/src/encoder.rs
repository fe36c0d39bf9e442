//! All stages of one virtual channel in a row, with FOP-1 between frame data units and frames.

use space_link::cop::ControlCommand;
use space_link::frame::{FrameType, MapId, TcFrameError};
use space_link::uplink::{UplinkError, UplinkParameters};
use thiserror::Error;

use crate::cltu::PhysicalChannel;
use crate::fop::Frame;
use crate::frame;
use crate::packet::{CommandPacketError, PacketCounts};
use crate::sdls::{SecurityError, SecuritySender};
use crate::segment::{SegmentError, Segments};

/// Why a command is not encoded. What was there before is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// Parameters that cannot work.
    #[error(transparent)]
    Parameters(#[from] UplinkError),
    /// The parameters have security and no associations were given, or the other way round.
    #[error("the channel's parameters and its security associations do not agree")]
    Security,
    /// The packet.
    #[error(transparent)]
    Packet(#[from] CommandPacketError),
    /// Cutting it.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// Protecting it.
    #[error(transparent)]
    Protection(#[from] SecurityError),
    /// The frame.
    #[error(transparent)]
    Frame(#[from] TcFrameError),
}

/// Frame data units: what FOP-1 takes, one for each frame of a packet. Meant to be used again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameDataUnits {
    octets: Vec<u8>,
    ends: Vec<usize>,
}

impl FrameDataUnits {
    /// Lets go of all units, not of the memory.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The units, in the order in which they must be sent.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let unit = &self.octets[start..end];
            start = end;
            unit
        })
    }
}

/// Encodes the uplink of one virtual channel.
#[derive(Debug)]
pub struct Encoder {
    parameters: UplinkParameters,
    counts: PacketCounts,
    security: Option<SecuritySender>,
    channel: PhysicalChannel,
}

impl Encoder {
    /// An encoder; `security` exactly if the parameters have it.
    ///
    /// # Errors
    /// [`EncodeError::Parameters`] or [`EncodeError::Security`].
    pub fn new(
        parameters: UplinkParameters,
        security: Option<SecuritySender>,
    ) -> Result<Self, EncodeError> {
        parameters.check()?;
        if parameters.sdls.is_some() != security.is_some() {
            return Err(EncodeError::Security);
        }
        Ok(Self {
            parameters,
            counts: PacketCounts::default(),
            security,
            channel: PhysicalChannel::default(),
        })
    }

    /// The managed parameters.
    #[must_use]
    pub const fn parameters(&self) -> &UplinkParameters {
        &self.parameters
    }

    /// Sequence counts of packets; packets are made and numbered through it.
    pub const fn packets(&mut self) -> &mut PacketCounts {
        &mut self.counts
    }

    /// The security associations: reservations, reports and rollover go through it.
    pub const fn security(&mut self) -> Option<&mut SecuritySender> {
        self.security.as_mut()
    }

    /// Appends the frame data units of a numbered packet, protected, to `out`: all or none.
    ///
    /// # Errors
    /// [`EncodeError::Segment`] or [`EncodeError::Protection`].
    pub fn encode_packet(
        &mut self,
        frame_type: FrameType,
        map_id: MapId,
        packet: &[u8],
        out: &mut FrameDataUnits,
    ) -> Result<(), EncodeError> {
        let segments = Segments::new(&self.parameters, map_id, packet)?;
        // Only what is known before FOP-1 gives a number is protected, so any length will do.
        let header = self
            .parameters
            .header(frame_type, 0)
            .encode(self.parameters.frame_length_octets_max)?;
        if let Some(security) = &mut self.security {
            security.require(frame_type, segments.pieces())?;
        }
        let (octets, ends) = (out.octets.len(), out.ends.len());
        for (segment_header, data) in segments {
            let segment_header = segment_header.map(space_link::frame::SegmentHeader::to_octet);
            match &mut self.security {
                Some(security) => {
                    let protected = security.protect(
                        frame_type,
                        &header,
                        segment_header,
                        data,
                        &mut out.octets,
                    );
                    if let Err(error) = protected {
                        out.octets.truncate(octets);
                        out.ends.truncate(ends);
                        return Err(error.into());
                    }
                }
                None => {
                    out.octets.extend(segment_header);
                    out.octets.extend_from_slice(data);
                }
            }
            out.ends.push(out.octets.len());
        }
        Ok(())
    }

    /// Appends the frame that carries a frame data unit: AD with the number that FOP-1 gave it, or
    /// BD.
    ///
    /// # Errors
    /// [`TcFrameError`] when it is too long.
    pub fn encode_frame(
        &self,
        sequence_number: Option<u8>,
        frame_data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), TcFrameError> {
        frame::encode_data(&self.parameters, sequence_number, frame_data, out)
    }

    /// Appends the frame that FOP-1 asks for, its payload a frame data unit.
    ///
    /// # Errors
    /// [`TcFrameError`] when it is too long.
    pub fn encode_requested<P: AsRef<[u8]>>(
        &self,
        frame: &Frame<P>,
        out: &mut Vec<u8>,
    ) -> Result<(), TcFrameError> {
        match frame {
            Frame::Ad { n_s, payload, .. } => self.encode_frame(Some(*n_s), payload.as_ref(), out),
            Frame::Bd { payload, .. } => self.encode_frame(None, payload.as_ref(), out),
            Frame::Bc(command) => self.encode_control(*command, out),
        }
    }

    /// Appends the BC frame of a control command.
    ///
    /// # Errors
    /// [`TcFrameError`] when it is too long.
    pub fn encode_control(
        &self,
        command: ControlCommand,
        out: &mut Vec<u8>,
    ) -> Result<(), TcFrameError> {
        frame::encode_control(&self.parameters, command, out)
    }

    /// Appends the CLTU that carries frames, alone.
    pub fn encode_cltu(&self, frames: &[u8], out: &mut Vec<u8>) {
        self.parameters.code.encode(frames, out);
    }

    /// Appends what the antenna sends for frames: the CLTU, and the sequences around it.
    pub fn encode_transmission(&mut self, frames: &[u8], out: &mut Vec<u8>) {
        self.channel.encode(&self.parameters, frames, out);
    }

    /// Appends idle sequence, to keep the receiver in lock between CLTUs.
    pub fn encode_idle(&self, octets: usize, out: &mut Vec<u8>) {
        self.channel.idle(octets, out);
    }

    /// The contact ended, or the signal was lost.
    pub const fn handle_end_of_session(&mut self) {
        self.channel.handle_end_of_session();
    }
}
