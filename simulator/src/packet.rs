//! Space packets of the mission: applications, primary header, CDS time.

use space_link::packet::{Apid, PacketHeader};

/// What sends packets; the order is that of `schemas/missions/orbital-compute`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Application {
    Housekeeping,
    Power,
    Thermal,
    ComputeNode,
    ComputeJob,
    OpticalLink,
    RfLink,
    Attitude,
    Event,
}

pub(crate) const APPLICATIONS: [Application; 9] = [
    Application::Housekeeping,
    Application::Power,
    Application::Thermal,
    Application::ComputeNode,
    Application::ComputeJob,
    Application::OpticalLink,
    Application::RfLink,
    Application::Attitude,
    Application::Event,
];

impl Application {
    pub(crate) const fn apid(self) -> u16 {
        100 + self as u16
    }

    /// Index into [`VCIDS`].
    pub(crate) const fn channel(self) -> usize {
        match self {
            Self::Housekeeping | Self::RfLink | Self::Attitude | Self::Event => 0,
            Self::Power | Self::Thermal | Self::OpticalLink => 1,
            Self::ComputeNode | Self::ComputeJob => 2,
        }
    }
}

/// Virtual channels with packets.
pub(crate) const VCIDS: [u8; 3] = [0, 1, 2];

/// Octets before a telemetry packet's own fields.
pub(crate) const HEADERS_OCTETS: usize = 14;

/// Starts a packet: room for the headers, which [`seal`] fills in.
pub(crate) fn begin(packet: &mut Vec<u8>) {
    packet.clear();
    packet.resize(HEADERS_OCTETS, 0);
}

/// Fills in the headers once the fields are there.
pub(crate) fn seal(packet: &mut [u8], application: Application, count: u16, micros: i64) {
    let data_octets = packet.len().saturating_sub(6);
    let header = Apid::new(application.apid())
        .and_then(|apid| {
            PacketHeader::telemetry(apid, count & PacketHeader::MAX_SEQUENCE_COUNT, data_octets)
        })
        .map(|header| PacketHeader {
            secondary_header: true,
            ..header
        })
        .and_then(|header| header.encode());
    debug_assert!(
        header.is_ok(),
        "fields of this mission are far below 65536 octets"
    );
    if let (Ok(header), Some((first, rest))) = (header, packet.split_first_chunk_mut::<6>()) {
        *first = header;
        if let (Some(time), Some(code)) = (rest.first_chunk_mut::<8>(), cds(micros)) {
            *time = code;
        }
    }
}

/// Moves a sealed packet on to another time and count.
pub(crate) fn move_on(packet: &mut [u8], count: u16, micros: i64) {
    if let Some(field) = packet.get_mut(2..4) {
        field.copy_from_slice(
            &(UNSEGMENTED | (count & PacketHeader::MAX_SEQUENCE_COUNT)).to_be_bytes(),
        );
    }
    if let (Some(field), Some(code)) = (packet.get_mut(6..HEADERS_OCTETS), cds(micros)) {
        field.copy_from_slice(&code);
    }
}

/// CDS time code (301.0-B-4 3.3): 16-bit day from 1958-01-01, milliseconds, microseconds.
///
/// `None` before 1958 and after 2137-06-06.
pub(crate) fn cds(micros: i64) -> Option<[u8; 8]> {
    let since_1958 = micros.checked_add(MICROS_1958_TO_1970)?;
    let day = u16::try_from(since_1958.div_euclid(MICROS_PER_DAY)).ok()?;
    let of_day = since_1958.rem_euclid(MICROS_PER_DAY);
    let [a, b] = day.to_be_bytes();
    let [c, d, e, f] = ((of_day / 1_000) as u32).to_be_bytes();
    let [g, h] = ((of_day % 1_000) as u16).to_be_bytes();
    Some([a, b, c, d, e, f, g, h])
}

/// An idle packet (133.0-B-2 4.1.3.3.4.4) of this many octets, at least 7.
pub(crate) fn idle(octets: usize) -> Vec<u8> {
    let mut packet = vec![IDLE_FILL; octets.max(7)];
    let header =
        PacketHeader::telemetry(Apid::IDLE, 0, packet.len() - 6).and_then(|header| header.encode());
    debug_assert!(header.is_ok(), "idle packets fill at most two frames");
    if let (Ok(header), Some(first)) = (header, packet.first_chunk_mut::<6>()) {
        *first = header;
    }
    packet
}

pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;
pub(crate) const MICROS_1958_TO_1970: i64 = 4_383 * MICROS_PER_DAY;
const UNSEGMENTED: u16 = 0xC000;
const IDLE_FILL: u8 = 0x55;
