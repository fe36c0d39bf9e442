//! Telecommand packets and their sequence counts, which run per application process.

use space_link::crc::crc16;
use space_link::packet::{
    Apid, PRIMARY_HEADER_OCTETS, PacketError, PacketHeader, PacketType, SequenceFlags, SpacePacket,
};
use space_link::pus::{PACKET_ERROR_CONTROL_OCTETS, PusError, PusTcHeader, PusTcLayout, RequestId};
use thiserror::Error;

/// Why a packet cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommandPacketError {
    /// Not a space packet.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// Values that do not fit its headers.
    #[error(transparent)]
    Pus(#[from] PusError),
    /// A telemetry packet.
    #[error("a telemetry packet is not sent to a spacecraft")]
    Telemetry,
    /// An idle packet.
    #[error("APID 2047 is that of idle packets, no command has it")]
    Idle,
    /// More octets than its length field says.
    #[error("{extra} octets follow the packet's {packet}")]
    Trailing {
        /// Octets of the packet.
        packet: usize,
        /// Octets behind it.
        extra: usize,
    },
    /// A packet too short for packet error control.
    #[error("a packet of {got} octets has no room for packet error control")]
    NoErrorControl {
        /// Octets of the packet.
        got: usize,
    },
}

/// The next sequence count of each application process.
#[derive(Clone, Debug)]
pub struct PacketCounts(Box<[u16; Apid::MAX as usize + 1]>);

impl Default for PacketCounts {
    fn default() -> Self {
        Self(Box::new([0; Apid::MAX as usize + 1]))
    }
}

impl PacketCounts {
    /// The count that the next packet of an application process gets.
    #[must_use]
    pub fn next(&self, apid: Apid) -> u16 {
        self.0[usize::from(apid.get())]
    }

    /// Continues from a count, as after a restart.
    ///
    /// # Errors
    /// [`PacketError::SequenceCount`] above 16383.
    pub fn set_next(&mut self, apid: Apid, count: u16) -> Result<(), PacketError> {
        if count > PacketHeader::MAX_SEQUENCE_COUNT {
            return Err(PacketError::SequenceCount(count));
        }
        self.0[usize::from(apid.get())] = count;
        Ok(())
    }

    fn advance(&mut self, apid: Apid) {
        let count = &mut self.0[usize::from(apid.get())];
        *count = count.wrapping_add(1) & PacketHeader::MAX_SEQUENCE_COUNT;
    }

    /// Appends a telecommand of the packet utilisation standard to `out` and gives the
    /// identification that reports of service 1 will have. After an error nothing was appended and
    /// no count used.
    ///
    /// # Errors
    /// [`CommandPacketError::Idle`], or [`CommandPacketError::Pus`] for what does not fit.
    pub fn encode_telecommand(
        &mut self,
        apid: Apid,
        layout: &PusTcLayout,
        header: &PusTcHeader,
        application_data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<RequestId, CommandPacketError> {
        if apid.is_idle() {
            return Err(CommandPacketError::Idle);
        }
        let start = out.len();
        header.encode_packet(layout, apid, self.next(apid), application_data, out)?;
        let request = RequestId::of(&PacketHeader::parse(&out[start..])?)?;
        self.advance(apid);
        Ok(request)
    }

    /// Gives a packet that was encoded elsewhere (from a mission database) its sequence count, and
    /// computes its packet error control anew where it has one.
    ///
    /// # Errors
    /// [`CommandPacketError`], and the packet is as it was and no count used.
    pub fn number(
        &mut self,
        packet: &mut [u8],
        packet_error_control: bool,
    ) -> Result<RequestId, CommandPacketError> {
        let (whole, rest) = SpacePacket::split_first(packet)?;
        let mut header = *whole.header();
        let octets = whole.octets().len();
        if !rest.is_empty() {
            return Err(CommandPacketError::Trailing {
                packet: octets,
                extra: rest.len(),
            });
        }
        if header.packet_type != PacketType::Telecommand {
            return Err(CommandPacketError::Telemetry);
        }
        if header.is_idle() {
            return Err(CommandPacketError::Idle);
        }
        if packet_error_control && octets <= PRIMARY_HEADER_OCTETS + PACKET_ERROR_CONTROL_OCTETS {
            return Err(CommandPacketError::NoErrorControl { got: octets });
        }
        header.sequence_count = self.next(header.apid);
        header.sequence_flags = SequenceFlags::Unsegmented;
        let primary = header.encode()?;
        packet[..PRIMARY_HEADER_OCTETS].copy_from_slice(&primary);
        if packet_error_control
            && let Some((covered, field)) =
                packet.split_last_chunk_mut::<PACKET_ERROR_CONTROL_OCTETS>()
        {
            *field = crc16(covered).to_be_bytes();
        }
        self.advance(header.apid);
        Ok(RequestId::of(&header)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use space_link::pus::PusTelecommand;

    #[test]
    fn counts_run_per_application_process_and_wrap() {
        let mut counts = PacketCounts::default();
        let (a, b) = (Apid::new(66).unwrap(), Apid::new(67).unwrap());
        counts.set_next(a, 0x3FFF).unwrap();
        let header = PusTcHeader::new(17, 1);
        let mut out = Vec::new();
        for (apid, count) in [(a, 0x3FFF), (a, 0), (b, 0), (a, 1)] {
            out.clear();
            let request = counts
                .encode_telecommand(apid, &PusTcLayout::PUS_C, &header, &[], &mut out)
                .unwrap();
            assert_eq!((request.apid(), request.sequence_count()), (apid, count));
        }
        assert_eq!(
            counts.set_next(a, 0x4000),
            Err(PacketError::SequenceCount(0x4000))
        );
    }

    #[test]
    fn packets_made_elsewhere_are_numbered_and_checked() {
        let mut counts = PacketCounts::default();
        let apid = Apid::new(66).unwrap();
        counts.set_next(apid, 5).unwrap();
        let mut packet = vec![
            0x18, 0x42, 0xC0, 0x01, 0x00, 0x06, 0x2F, 0x11, 0x01, 0, 0, 0, 0,
        ];
        counts.number(&mut packet, true).unwrap();
        let read = PusTelecommand::new_checked(
            SpacePacket::new_checked(&packet).unwrap(),
            &PusTcLayout::PUS_C,
        )
        .unwrap();
        assert_eq!(read.packet().header().sequence_count, 5);
        assert_eq!(counts.next(apid), 6);
        let before = packet.clone();
        packet.push(0);
        assert_eq!(
            counts.number(&mut packet, true),
            Err(CommandPacketError::Trailing {
                packet: 13,
                extra: 1
            })
        );
        assert_eq!(packet[..13], before);
        packet[0] = 0x08;
        assert_eq!(
            counts.number(&mut packet[..13], true),
            Err(CommandPacketError::Telemetry)
        );
        assert_eq!(counts.next(apid), 6, "no count was used");
    }
}
