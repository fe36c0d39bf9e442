//! Frames' data fields, or packet files, to whole space packets (CCSDS 132.0-B-3 4.1.4,
//! 732.0-B-4 4.1.4.2, 133.0-B-2).

pub mod edds;
mod stream;

use schemas::event::AnomalyKind;
use schemas::mission::PacketTimes;
use schemas::record::Quality;
use space_link::frame::FirstHeader;
use space_link::packet::{MAX_PACKET_OCTETS, PRIMARY_HEADER_OCTETS, PacketHeader};

pub use stream::PacketStream;

use crate::downlink::blocks::PacketBlocks;

/// Puts the packets of one virtual channel together again.
#[derive(Debug)]
pub struct Reassembler {
    pending: Pending,
    /// The first octets of the packet under way.
    partial: Vec<u8>,
    /// The worst of the frames that carried it.
    quality: Quality,
}

/// What the next octets of the channel belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    /// Unknown, until a first header pointer tells.
    Unknown,
    /// A new packet.
    Nothing,
    /// A packet whose header is not whole yet.
    Header,
    /// A space packet of so many octets.
    Packet(usize),
    /// So many more octets of an encapsulation packet, not kept.
    Skipped(u64),
}

/// Where packets and troubles go.
pub(crate) struct Sink<'a> {
    pub(crate) packets: &'a mut PacketBlocks,
    pub(crate) times: &'a PacketTimes,
    pub(crate) version_any: bool,
    pub(crate) virtual_channel: u8,
    pub(crate) quality: Quality,
    pub(crate) statistics: &'a mut ReassemblyStatistics,
    /// Reported once a frame, by kind.
    pub(crate) troubles: Troubles,
}

/// Counts of one virtual channel's packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReassemblyStatistics {
    /// Whole packets.
    pub packets: u64,
    /// Their octets.
    pub packet_octets: u64,
    /// Packets of another version than 0, whether taken or not.
    pub bad_version: u64,
    /// Packets that did not end where the next was said to begin.
    pub resyncs: u64,
    /// First header pointers beyond the data field.
    pub bad_first_header_pointers: u64,
    /// Frames in which no packet starts.
    pub no_start_frames: u64,
    /// Packets cut short by lost frames or the end.
    pub truncated: u64,
    /// Encapsulation packets that are not idle.
    pub encapsulation: u64,
}

/// What one data field showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Troubles {
    pub(crate) bad_version: u64,
    pub(crate) resyncs: u64,
    pub(crate) pointer_beyond: u64,
    pub(crate) truncated: u64,
    pub(crate) encapsulation: u64,
    pub(crate) apid: Option<u16>,
}

impl Troubles {
    /// The kinds that occurred, with their counts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (AnomalyKind, u64)> {
        [
            (AnomalyKind::FirstHeaderPointerBeyond, self.pointer_beyond),
            (AnomalyKind::PacketResync, self.resyncs),
            (AnomalyKind::PacketBadVersion, self.bad_version),
            (AnomalyKind::PacketTruncated, self.truncated),
            (AnomalyKind::EncapsulationPacket, self.encapsulation),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
    }
}

impl Reassembler {
    /// A channel of which nothing is known yet.
    pub fn new() -> Self {
        Self {
            pending: Pending::Unknown,
            partial: Vec::new(),
            quality: Quality::Good,
        }
    }

    /// Frames were lost: the packet under way will not be completed.
    pub(crate) fn handle_loss(&mut self, sink: &mut Sink<'_>) {
        if matches!(self.pending, Pending::Header | Pending::Packet(_)) {
            sink.troubles.truncated += 1;
            sink.statistics.truncated += 1;
            sink.troubles.apid = self.apid();
        }
        self.forget();
    }

    /// Takes the packet zone of a frame.
    pub(crate) fn handle_zone(&mut self, first: FirstHeader, zone: &[u8], sink: &mut Sink<'_>) {
        match first {
            // The packet under way, if any, goes on in a later frame.
            FirstHeader::OnlyIdle => {}
            FirstHeader::NoStart => {
                sink.statistics.no_start_frames += 1;
                self.handle_continuation(zone, false, sink);
            }
            FirstHeader::At(offset) => {
                let Some((before, from)) = zone
                    .split_at_checked(usize::from(offset))
                    .filter(|(_, from)| !from.is_empty())
                else {
                    sink.troubles.pointer_beyond += 1;
                    sink.statistics.bad_first_header_pointers += 1;
                    self.handle_loss(sink);
                    return;
                };
                self.handle_continuation(before, true, sink);
                self.forget();
                self.handle_starts(from, sink);
            }
        }
    }

    /// Takes a data field that holds one packet at `offset` and no pointer.
    pub(crate) fn handle_one_packet(field: &[u8], offset: usize, sink: &mut Sink<'_>) {
        let octets = field.get(offset..).unwrap_or_default();
        let Ok(header) = PacketHeader::parse(octets) else {
            sink.troubles.truncated += 1;
            sink.statistics.truncated += 1;
            return;
        };
        if !sink.accepts(&header) {
            return;
        }
        match octets.get(..header.packet_octets()) {
            Some(packet) => sink.push(packet, sink.quality),
            None => {
                sink.troubles.truncated += 1;
                sink.troubles.apid = Some(header.apid.get());
                sink.statistics.truncated += 1;
            }
        }
    }

    /// Octets that belong to the packet under way; `ends` when the next packet is said to begin
    /// right after them.
    fn handle_continuation(&mut self, mut octets: &[u8], ends: bool, sink: &mut Sink<'_>) {
        loop {
            match self.pending {
                // What comes before the first known start cannot be told.
                Pending::Unknown => return,
                Pending::Nothing if octets.is_empty() => return,
                // A packet starts here and the pointer does not say so.
                Pending::Nothing => return self.resync(sink),
                Pending::Header => {
                    let needed = PRIMARY_HEADER_OCTETS.saturating_sub(self.partial.len());
                    let (taken, rest) = octets.split_at(needed.min(octets.len()));
                    self.partial.extend_from_slice(taken);
                    octets = rest;
                    if !self.handle_header(sink) {
                        if self.pending == Pending::Header && ends {
                            self.resync(sink);
                        }
                        return;
                    }
                }
                Pending::Packet(needed) => {
                    self.quality = self.quality.max(sink.quality);
                    let missing = needed.saturating_sub(self.partial.len());
                    if octets.len() < missing {
                        self.partial.extend_from_slice(octets);
                        if ends {
                            self.resync(sink);
                        }
                        return;
                    }
                    let (taken, rest) = octets.split_at(missing);
                    if !rest.is_empty() {
                        return self.resync(sink);
                    }
                    self.partial.extend_from_slice(taken);
                    sink.push(&self.partial, self.quality);
                    self.partial.clear();
                    self.pending = Pending::Nothing;
                    return;
                }
                Pending::Skipped(missing) => {
                    let length = octets.len() as u64;
                    match missing.checked_sub(length) {
                        Some(0) => self.pending = Pending::Nothing,
                        Some(left) if !ends => self.pending = Pending::Skipped(left),
                        Some(_) | None => self.resync(sink),
                    }
                    return;
                }
            }
        }
    }

    /// Packets that start at the first of these octets and follow one another.
    fn handle_starts(&mut self, mut octets: &[u8], sink: &mut Sink<'_>) {
        loop {
            self.pending = Pending::Nothing;
            let Some(&first) = octets.first() else {
                return;
            };
            if first >> 5 == ENCAPSULATION_VERSION && !sink.version_any {
                match encapsulation_octets(octets) {
                    Encapsulation::Whole {
                        octets: length,
                        idle,
                    } => {
                        sink.count_encapsulation(idle);
                        match usize::try_from(length)
                            .ok()
                            .and_then(|at| octets.split_at_checked(at))
                        {
                            Some((_, rest)) => octets = rest,
                            None => {
                                self.pending = Pending::Skipped(length - octets.len() as u64);
                                return;
                            }
                        }
                        continue;
                    }
                    Encapsulation::MoreOctets => {}
                    Encapsulation::Impossible => {
                        sink.refuse_version(None);
                        self.pending = Pending::Unknown;
                        return;
                    }
                }
            }
            let Ok(header) = PacketHeader::parse(octets) else {
                self.partial.extend_from_slice(octets);
                self.quality = sink.quality;
                self.pending = Pending::Header;
                return;
            };
            if !sink.accepts(&header) {
                self.pending = Pending::Unknown;
                return;
            }
            let needed = header.packet_octets();
            match octets.split_at_checked(needed) {
                Some((packet, rest)) => {
                    sink.push(packet, sink.quality);
                    octets = rest;
                }
                None => {
                    self.partial.extend_from_slice(octets);
                    self.quality = sink.quality;
                    self.pending = Pending::Packet(needed);
                    return;
                }
            }
        }
    }

    /// Looks at the header that was split over frames; false when it is not whole or not taken.
    fn handle_header(&mut self, sink: &mut Sink<'_>) -> bool {
        let Some(&first) = self.partial.first() else {
            return false;
        };
        if first >> 5 == ENCAPSULATION_VERSION && !sink.version_any {
            return match encapsulation_octets(&self.partial) {
                Encapsulation::Whole { octets, idle } => {
                    sink.count_encapsulation(idle);
                    let held = self.partial.len() as u64;
                    self.partial.clear();
                    self.pending = match octets.checked_sub(held) {
                        Some(0) => Pending::Nothing,
                        Some(left) => Pending::Skipped(left),
                        // Shorter than the octets collected for a space packet's header: the
                        // next start is told by the next pointer.
                        None => Pending::Unknown,
                    };
                    true
                }
                Encapsulation::MoreOctets if self.partial.len() < PRIMARY_HEADER_OCTETS => false,
                // A length field that reaches over the sixth octet: not followed.
                Encapsulation::MoreOctets => {
                    sink.count_encapsulation(false);
                    self.forget();
                    true
                }
                Encapsulation::Impossible => {
                    sink.refuse_version(None);
                    self.forget();
                    false
                }
            };
        }
        let Ok(header) = PacketHeader::parse(&self.partial) else {
            return false;
        };
        if !sink.accepts(&header) {
            self.forget();
            return false;
        }
        self.pending = Pending::Packet(header.packet_octets());
        true
    }

    fn resync(&mut self, sink: &mut Sink<'_>) {
        sink.troubles.resyncs += 1;
        sink.troubles.apid = self.apid();
        sink.statistics.resyncs += 1;
        self.forget();
    }

    fn forget(&mut self) {
        self.partial.clear();
        self.pending = Pending::Unknown;
    }

    fn apid(&self) -> Option<u16> {
        PacketHeader::parse(&self.partial)
            .ok()
            .map(|header| header.apid.get())
    }
}

impl Default for Reassembler {
    fn default() -> Self {
        Self::new()
    }
}

impl Sink<'_> {
    fn push(&mut self, packet: &[u8], quality: Quality) {
        self.statistics.packets += 1;
        self.statistics.packet_octets += packet.len() as u64;
        let time = self.times.time_of(packet);
        self.packets
            .push(packet, time, self.virtual_channel, quality);
    }

    /// Whether a packet's version is taken; counts those that are not 0.
    fn accepts(&mut self, header: &PacketHeader) -> bool {
        if header.version == 0 {
            return true;
        }
        if self.version_any {
            self.statistics.bad_version += 1;
            return true;
        }
        self.refuse_version(Some(header.apid.get()));
        false
    }

    fn refuse_version(&mut self, apid: Option<u16>) {
        self.statistics.bad_version += 1;
        self.troubles.bad_version += 1;
        self.troubles.apid = apid;
    }

    fn count_encapsulation(&mut self, idle: bool) {
        if !idle {
            self.statistics.encapsulation += 1;
            self.troubles.encapsulation += 1;
        }
    }
}

enum Encapsulation {
    Whole { octets: u64, idle: bool },
    MoreOctets,
    Impossible,
}

/// Length of an encapsulation packet by its header (CCSDS 133.1-B-3 4.1.2).
fn encapsulation_octets(octets: &[u8]) -> Encapsulation {
    let Some(&first) = octets.first() else {
        return Encapsulation::MoreOctets;
    };
    let idle = first >> 2 & 0b111 == 0;
    let (header, length) = match first & 0b11 {
        0 if idle => return Encapsulation::Whole { octets: 1, idle },
        0 => return Encapsulation::Impossible,
        1 => (2, octets.get(1..2)),
        2 => (4, octets.get(2..4)),
        _ => (8, octets.get(4..8)),
    };
    let Some(length) = length else {
        return Encapsulation::MoreOctets;
    };
    let length = length
        .iter()
        .fold(0, |value, &octet| value << 8 | u64::from(octet));
    if length < header {
        return Encapsulation::Impossible;
    }
    Encapsulation::Whole {
        octets: length,
        idle,
    }
}

/// Version of encapsulation packets, CCSDS 133.1-B-3.
const ENCAPSULATION_VERSION: u8 = 0b111;

/// What is held back of one channel never exceeds the longest packet.
pub const PARTIAL_OCTETS_MAX: usize = MAX_PACKET_OCTETS;
