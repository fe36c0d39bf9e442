//! Telemetry packets: ECSS-E-ST-70-41C 7.4.3, ECSS-E-70-41A 5.4.

use super::{
    PACKET_ERROR_CONTROL_OCTETS, PusError, PusVersion, check_error_control, check_octets, number,
    put_number,
};
use crate::crc::crc16;
use crate::packet::{Apid, PRIMARY_HEADER_OCTETS, PacketHeader, PacketType, SpacePacket};

/// Octets of version, time reference status, service and message subtype.
const FIXED_OCTETS: usize = 3;

/// What a mission chose of the secondary header's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PusTmLayout {
    /// Issue of the standard.
    pub version: PusVersion,
    /// Octets of the message type counter: 2 in PUS-C, 0 or 1 in PUS-A.
    pub counter_octets: usize,
    /// Octets of the destination identifier: 2 in PUS-C, 0 to 8 in PUS-A.
    pub destination_octets: usize,
    /// Octets of the time.
    pub time_octets: usize,
    /// Spare octets at the end of the secondary header.
    pub spare_octets: usize,
    /// Whether packets end with packet error control.
    pub packet_error_control: bool,
}

impl PusTmLayout {
    /// PUS-C with a time of some octets.
    #[must_use]
    pub const fn pus_c(time_octets: usize) -> Self {
        Self {
            version: PusVersion::C,
            counter_octets: 2,
            destination_octets: 2,
            time_octets,
            spare_octets: 0,
            packet_error_control: true,
        }
    }

    /// PUS-A with a time of some octets, without counter and destination.
    #[must_use]
    pub const fn pus_a(time_octets: usize) -> Self {
        Self {
            version: PusVersion::A,
            counter_octets: 0,
            destination_octets: 0,
            time_octets,
            spare_octets: 0,
            packet_error_control: true,
        }
    }

    /// Octets of the secondary header.
    #[must_use]
    pub const fn header_octets(&self) -> usize {
        FIXED_OCTETS
            + self.counter_octets
            + self.destination_octets
            + self.time_octets
            + self.spare_octets
    }

    const fn check_octets(&self) -> usize {
        if self.packet_error_control {
            PACKET_ERROR_CONTROL_OCTETS
        } else {
            0
        }
    }

    fn check(&self) -> Result<(), PusError> {
        check_octets("message type counter", 8, self.counter_octets)?;
        check_octets("destination identifier", 8, self.destination_octets)?;
        check_octets("time", 16, self.time_octets)?;
        check_octets("spare field", 8, self.spare_octets)
    }
}

/// Secondary header of a telemetry packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PusTmHeader<'a> {
    /// Spacecraft time reference status, 4 bits; 0 in PUS-A.
    pub time_reference_status: u8,
    /// Service type.
    pub service: u8,
    /// Message subtype.
    pub message: u8,
    /// Message type counter, 0 if the mission has none.
    pub counter: u64,
    /// Destination identifier, 0 if the mission has none.
    pub destination_id: u64,
    /// The time, as the mission writes it.
    pub time: &'a [u8],
}

impl<'a> PusTmHeader<'a> {
    /// Reads a secondary header at the start of a packet's data field.
    ///
    /// # Errors
    /// [`PusError::Truncated`] or [`PusError::Version`].
    pub fn parse(layout: &PusTmLayout, data_field: &'a [u8]) -> Result<Self, PusError> {
        layout.check()?;
        let needed = layout.header_octets();
        let Some([first, service, message, rest @ ..]) = data_field.get(..needed) else {
            return Err(PusError::Truncated {
                needed,
                got: data_field.len(),
            });
        };
        let got = first >> 4;
        if got != layout.version.number() {
            return Err(PusError::Version {
                needed: layout.version.number(),
                got,
            });
        }
        let (counter, rest) = rest.split_at(layout.counter_octets);
        let (destination, rest) = rest.split_at(layout.destination_octets);
        Ok(Self {
            time_reference_status: first & 0x0F,
            service: *service,
            message: *message,
            counter: number(counter),
            destination_id: number(destination),
            time: &rest[..layout.time_octets],
        })
    }

    /// Appends the header to `out`, spare octets 0; nothing after an error.
    ///
    /// # Errors
    /// [`PusError::Field`] for a value with too many bits, [`PusError::Truncated`] for a time of
    /// another size.
    pub fn encode(&self, layout: &PusTmLayout, out: &mut Vec<u8>) -> Result<(), PusError> {
        layout.check()?;
        if self.time_reference_status > 15 {
            return Err(PusError::Field {
                field: "time reference status",
                max: 15,
                got: u64::from(self.time_reference_status),
            });
        }
        if self.time.len() != layout.time_octets {
            return Err(PusError::Truncated {
                needed: layout.time_octets,
                got: self.time.len(),
            });
        }
        let start = out.len();
        out.extend_from_slice(&[
            layout.version.number() << 4 | self.time_reference_status,
            self.service,
            self.message,
        ]);
        let put = put_number(
            "message type counter",
            self.counter,
            layout.counter_octets,
            out,
        )
        .and_then(|()| {
            put_number(
                "destination identifier",
                self.destination_id,
                layout.destination_octets,
                out,
            )
        });
        if let Err(error) = put {
            out.truncate(start);
            return Err(error);
        }
        out.extend_from_slice(self.time);
        out.resize(start + layout.header_octets(), 0);
        Ok(())
    }

    /// Appends a whole telemetry packet to `out`, unsegmented; nothing after an error.
    ///
    /// # Errors
    /// As [`PusTmHeader::encode`], and [`PusError::Packet`].
    pub fn encode_packet(
        &self,
        layout: &PusTmLayout,
        apid: Apid,
        sequence_count: u16,
        source_data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), PusError> {
        let octets = layout.header_octets() + layout.check_octets() + source_data.len();
        let mut header = PacketHeader::telemetry(apid, sequence_count, octets)?;
        header.secondary_header = true;
        let primary = header.encode()?;
        let start = out.len();
        out.extend_from_slice(&primary);
        if let Err(error) = self.encode(layout, out) {
            out.truncate(start);
            return Err(error);
        }
        out.extend_from_slice(source_data);
        if layout.packet_error_control {
            let crc = crc16(&out[start..]);
            out.extend_from_slice(&crc.to_be_bytes());
        }
        Ok(())
    }
}

/// A telemetry packet, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PusTelemetry<'a> {
    packet: SpacePacket<'a>,
    header: PusTmHeader<'a>,
    source_data: &'a [u8],
}

impl<'a> PusTelemetry<'a> {
    /// Checks a packet: direction, secondary header, packet error control.
    ///
    /// # Errors
    /// [`PusError`], saying what is wrong.
    pub fn new_checked(packet: SpacePacket<'a>, layout: &PusTmLayout) -> Result<Self, PusError> {
        if packet.header().packet_type != PacketType::Telemetry {
            return Err(PusError::Direction("telemetry packet"));
        }
        if !packet.header().secondary_header {
            return Err(PusError::NoSecondaryHeader);
        }
        let field = packet.data_field();
        let needed = layout.header_octets() + layout.check_octets();
        let Some(data) = field.len().checked_sub(needed) else {
            return Err(PusError::Truncated {
                needed,
                got: field.len(),
            });
        };
        if layout.packet_error_control {
            check_error_control(packet.octets())?;
        }
        let header = PusTmHeader::parse(layout, field)?;
        let start = layout.header_octets();
        debug_assert_eq!(
            packet.octets().len(),
            PRIMARY_HEADER_OCTETS + needed + data,
            "a checked packet is as long as its field"
        );
        Ok(Self {
            packet,
            header,
            source_data: field.get(start..start + data).unwrap_or_default(),
        })
    }

    /// The whole packet.
    #[must_use]
    pub const fn packet(&self) -> &SpacePacket<'a> {
        &self.packet
    }

    /// The secondary header.
    #[must_use]
    pub const fn header(&self) -> &PusTmHeader<'a> {
        &self.header
    }

    /// What follows the secondary header.
    #[must_use]
    pub const fn source_data(&self) -> &'a [u8] {
        self.source_data
    }
}
