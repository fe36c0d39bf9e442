//! Telecommand packets: ECSS-E-ST-70-41C 7.4.4, ECSS-E-70-41A 5.3.

use super::{
    PACKET_ERROR_CONTROL_OCTETS, PusError, PusVersion, check_error_control, check_octets, number,
    put_number,
};
use crate::crc::crc16;
use crate::packet::{
    Apid, PRIMARY_HEADER_OCTETS, PacketHeader, PacketType, SequenceFlags, SpacePacket,
};

/// Octets of version, acknowledgement flags, service and message subtype.
const FIXED_OCTETS: usize = 3;

/// Which verification reports a telecommand asks for, four flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AckFlags {
    /// Successful acceptance.
    pub acceptance: bool,
    /// Successful start of execution.
    pub start: bool,
    /// Successful progress of execution.
    pub progress: bool,
    /// Successful completion of execution.
    pub completion: bool,
}

impl AckFlags {
    /// All reports.
    pub const ALL: Self = Self {
        acceptance: true,
        start: true,
        progress: true,
        completion: true,
    };

    /// From the low four bits: completion, progress, start, acceptance. The standard numbers bits
    /// from the left, so its bit 3, acceptance, is the last (ECSS-E-ST-70-41C 7.4.4.1; some
    /// libraries read it as the first).
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self {
            completion: bits & 0b1000 != 0,
            progress: bits & 0b0100 != 0,
            start: bits & 0b0010 != 0,
            acceptance: bits & 0b0001 != 0,
        }
    }

    /// The four bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        (self.completion as u8) << 3
            | (self.progress as u8) << 2
            | (self.start as u8) << 1
            | self.acceptance as u8
    }
}

/// What a mission chose of the secondary header's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PusTcLayout {
    /// Issue of the standard.
    pub version: PusVersion,
    /// Octets of the source identifier: 2 in PUS-C, 0 to 8 in PUS-A.
    pub source_id_octets: usize,
    /// Spare octets at the end of the secondary header.
    pub spare_octets: usize,
    /// Whether packets end with packet error control.
    pub packet_error_control: bool,
}

impl PusTcLayout {
    /// PUS-C without spare octets.
    pub const PUS_C: Self = Self {
        version: PusVersion::C,
        source_id_octets: 2,
        spare_octets: 0,
        packet_error_control: true,
    };

    /// PUS-A without source identifier and spare octets.
    pub const PUS_A: Self = Self {
        version: PusVersion::A,
        source_id_octets: 0,
        spare_octets: 0,
        packet_error_control: true,
    };

    /// Octets of the secondary header.
    #[must_use]
    pub const fn header_octets(&self) -> usize {
        FIXED_OCTETS + self.source_id_octets + self.spare_octets
    }

    /// Octets that a packet has besides its application data.
    #[must_use]
    pub const fn overhead_octets(&self) -> usize {
        let check = if self.packet_error_control {
            PACKET_ERROR_CONTROL_OCTETS
        } else {
            0
        };
        PRIMARY_HEADER_OCTETS + self.header_octets() + check
    }

    fn check(&self) -> Result<(), PusError> {
        check_octets("source identifier", 8, self.source_id_octets)?;
        check_octets("spare field", 8, self.spare_octets)
    }
}

/// Secondary header of a telecommand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PusTcHeader {
    /// Reports that are asked for.
    pub ack: AckFlags,
    /// Service type.
    pub service: u8,
    /// Message subtype.
    pub message: u8,
    /// Source identifier: who sent it.
    pub source_id: u64,
}

impl PusTcHeader {
    /// A header that asks for all reports.
    #[must_use]
    pub const fn new(service: u8, message: u8) -> Self {
        Self {
            ack: AckFlags::ALL,
            service,
            message,
            source_id: 0,
        }
    }

    /// Reads a secondary header at the start of a packet's data field.
    ///
    /// # Errors
    /// [`PusError::Truncated`] or [`PusError::Version`].
    pub fn parse(layout: &PusTcLayout, data_field: &[u8]) -> Result<Self, PusError> {
        layout.check()?;
        let needed = layout.header_octets();
        let Some([first, service, message, rest @ ..]) = data_field.get(..needed) else {
            return Err(PusError::Truncated {
                needed,
                got: data_field.len(),
            });
        };
        // PUS-A has a spare bit ahead of a version number of three bits; both read as four.
        let got = first >> 4;
        if got != layout.version.number() {
            return Err(PusError::Version {
                needed: layout.version.number(),
                got,
            });
        }
        Ok(Self {
            ack: AckFlags::from_bits(*first),
            service: *service,
            message: *message,
            source_id: number(&rest[..layout.source_id_octets]),
        })
    }

    /// Appends the header to `out`, spare octets 0.
    ///
    /// # Errors
    /// [`PusError::Field`] when the source identifier is too large.
    pub fn encode(&self, layout: &PusTcLayout, out: &mut Vec<u8>) -> Result<(), PusError> {
        layout.check()?;
        let start = out.len();
        out.extend_from_slice(&[
            layout.version.number() << 4 | self.ack.bits(),
            self.service,
            self.message,
        ]);
        let put = put_number(
            "source identifier",
            self.source_id,
            layout.source_id_octets,
            out,
        );
        if let Err(error) = put {
            out.truncate(start);
            return Err(error);
        }
        out.resize(start + layout.header_octets(), 0);
        Ok(())
    }

    /// Appends a whole telecommand packet to `out`, unsegmented; nothing after an error.
    ///
    /// # Errors
    /// [`PusError::Packet`] for a sequence count or length that does not fit, [`PusError::Field`]
    /// for a source identifier that does not.
    pub fn encode_packet(
        &self,
        layout: &PusTcLayout,
        apid: Apid,
        sequence_count: u16,
        application_data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), PusError> {
        let octets = layout.overhead_octets() - PRIMARY_HEADER_OCTETS + application_data.len();
        let mut header = PacketHeader::telemetry(apid, sequence_count, octets)?;
        header.packet_type = PacketType::Telecommand;
        header.secondary_header = true;
        header.sequence_flags = SequenceFlags::Unsegmented;
        let start = out.len();
        let primary = header.encode()?;
        out.extend_from_slice(&primary);
        if let Err(error) = self.encode(layout, out) {
            out.truncate(start);
            return Err(error);
        }
        out.extend_from_slice(application_data);
        if layout.packet_error_control {
            let crc = crc16(&out[start..]);
            out.extend_from_slice(&crc.to_be_bytes());
        }
        Ok(())
    }
}

/// A telecommand packet, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PusTelecommand<'a> {
    packet: SpacePacket<'a>,
    header: PusTcHeader,
    application_data: &'a [u8],
}

impl<'a> PusTelecommand<'a> {
    /// Checks a packet: direction, secondary header, packet error control.
    ///
    /// # Errors
    /// [`PusError`], saying what is wrong.
    pub fn new_checked(packet: SpacePacket<'a>, layout: &PusTcLayout) -> Result<Self, PusError> {
        if packet.header().packet_type != PacketType::Telecommand {
            return Err(PusError::Direction("telecommand"));
        }
        if !packet.header().secondary_header {
            return Err(PusError::NoSecondaryHeader);
        }
        let field = packet.data_field();
        let needed = layout.overhead_octets() - PRIMARY_HEADER_OCTETS;
        let Some(data) = field.len().checked_sub(needed) else {
            return Err(PusError::Truncated {
                needed,
                got: field.len(),
            });
        };
        if layout.packet_error_control {
            check_error_control(packet.octets())?;
        }
        let header = PusTcHeader::parse(layout, field)?;
        let start = layout.header_octets();
        Ok(Self {
            packet,
            header,
            application_data: field.get(start..start + data).unwrap_or_default(),
        })
    }

    /// The whole packet.
    #[must_use]
    pub const fn packet(&self) -> &SpacePacket<'a> {
        &self.packet
    }

    /// The secondary header.
    #[must_use]
    pub const fn header(&self) -> &PusTcHeader {
        &self.header
    }

    /// What follows the secondary header.
    #[must_use]
    pub const fn application_data(&self) -> &'a [u8] {
        self.application_data
    }
}
