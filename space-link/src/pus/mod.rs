//! Packet utilisation standard: secondary headers of telecommands and telemetry, packet error
//! control, and the verification reports of service 1. ECSS-E-ST-70-41C (PUS-C) and
//! ECSS-E-70-41A (PUS-A).

mod telecommand;
mod telemetry;
mod verification;

pub use telecommand::{AckFlags, PusTcHeader, PusTcLayout, PusTelecommand};
pub use telemetry::{PusTelemetry, PusTmHeader, PusTmLayout};
pub use verification::{
    Outcome, RequestId, SERVICE as VERIFICATION_SERVICE, Stage, VerificationLayout,
    VerificationReport,
};

use thiserror::Error;

use crate::crc::crc16;
use crate::packet::PacketError;

/// Octets of the packet error control field.
pub const PACKET_ERROR_CONTROL_OCTETS: usize = 2;

/// Which issue of the standard a mission follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PusVersion {
    /// ECSS-E-70-41A of 2003: version number 1.
    A,
    /// ECSS-E-ST-70-41C of 2016: version number 2.
    #[default]
    C,
}

impl PusVersion {
    /// The number in secondary headers.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::A => 1,
            Self::C => 2,
        }
    }
}

/// Why a packet is not one of the packet utilisation standard, or a header has no octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PusError {
    /// Not a space packet, or not one of the length.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// The packet is of the other direction.
    #[error("the packet is not a {0}")]
    Direction(&'static str),
    /// The packet has no secondary header.
    #[error("the packet has no secondary header")]
    NoSecondaryHeader,
    /// Another version number than the mission's.
    #[error("PUS version number {got} where the mission has {needed}")]
    Version {
        /// The mission's.
        needed: u8,
        /// The number there is.
        got: u8,
    },
    /// Fewer octets than the headers and packet error control have.
    #[error("the data field has at least {needed} octets here, there are {got}")]
    Truncated {
        /// Octets of the shortest.
        needed: usize,
        /// Octets there are.
        got: usize,
    },
    /// The packet error control field does not agree with the packet.
    #[error("packet error control is {got:#06x} where the octets give {computed:#06x}")]
    ErrorControl {
        /// The field as it is.
        got: u16,
        /// The CRC of what precedes it.
        computed: u16,
    },
    /// A field of more octets than a layout may have.
    #[error("the {field} has at most {max} octets, not {got}")]
    FieldOctets {
        /// Name of the field.
        field: &'static str,
        /// The most it may have.
        max: usize,
        /// Octets of the layout.
        got: usize,
    },
    /// A value with more bits than its field.
    #[error("{field} is at most {max}, not {got}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Highest value.
        max: u64,
        /// Value there is.
        got: u64,
    },
    /// Not a report of service 1.
    #[error("service {service} message {message} is no verification report")]
    NotVerification {
        /// Service type.
        service: u8,
        /// Message subtype.
        message: u8,
    },
}

/// Splits off and checks packet error control, which covers the whole packet.
fn check_error_control(packet: &[u8]) -> Result<(), PusError> {
    if let Some((covered, field)) = packet.split_last_chunk::<PACKET_ERROR_CONTROL_OCTETS>() {
        let got = u16::from_be_bytes(*field);
        let computed = crc16(covered);
        if got != computed {
            return Err(PusError::ErrorControl { got, computed });
        }
    }
    Ok(())
}

/// A big-endian number of at most eight octets.
fn number(octets: &[u8]) -> u64 {
    octets
        .iter()
        .fold(0, |number, octet| number << 8 | u64::from(*octet))
}

/// Appends the low `octets` octets of a number, big endian, if it has no more.
fn put_number(
    field: &'static str,
    value: u64,
    octets: usize,
    out: &mut Vec<u8>,
) -> Result<(), PusError> {
    let max = max_of(octets);
    if value > max {
        return Err(PusError::Field {
            field,
            max,
            got: value,
        });
    }
    let all = value.to_be_bytes();
    out.extend_from_slice(&all[all.len() - octets.min(all.len())..]);
    Ok(())
}

/// The highest number of some octets.
const fn max_of(octets: usize) -> u64 {
    match octets {
        0 => 0,
        1..8 => (1 << (octets * 8)) - 1,
        _ => u64::MAX,
    }
}

fn check_octets(field: &'static str, max: usize, got: usize) -> Result<(), PusError> {
    if got > max {
        return Err(PusError::FieldOctets { field, max, got });
    }
    Ok(())
}
