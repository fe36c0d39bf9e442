//! Packet files: space packets end to end, each perhaps behind a prefix.

use schemas::mission::PacketTimes;
use schemas::record::{NO_VIRTUAL_CHANNEL, Quality};
use space_link::packet::{PRIMARY_HEADER_OCTETS, PacketHeader};

use super::ReassemblyStatistics;
use crate::downlink::blocks::PacketBlocks;

/// Splits a stream of octets into packets by their length fields.
///
/// Nothing marks a packet's start: one of another version than 0 is counted and stepped over by its
/// own length field.
#[derive(Debug)]
pub struct PacketStream {
    prefix: usize,
    version_any: bool,
    /// The first octets of a packet, prefix included, that the last chunk cut.
    partial: Vec<u8>,
    /// Octets of the stream before `partial`.
    before: u64,
    statistics: ReassemblyStatistics,
    /// Position and number of refused packets in a row, reported when the row ends.
    refused: Option<(u64, u64)>,
}

/// What a stream has to tell besides packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) position: u64,
    pub(crate) packets: u64,
}

impl PacketStream {
    /// A stream with `prefix` octets to drop before each packet.
    pub fn new(prefix: usize, version_any: bool) -> Self {
        Self {
            prefix,
            version_any,
            partial: Vec::new(),
            before: 0,
            statistics: ReassemblyStatistics::default(),
            refused: None,
        }
    }

    /// Counts so far; octets are those of packets, without prefixes.
    pub fn statistics(&self) -> &ReassemblyStatistics {
        &self.statistics
    }

    /// Takes the next octets of the stream.
    pub(crate) fn handle_bytes(
        &mut self,
        mut octets: &[u8],
        times: &PacketTimes,
        packets: &mut PacketBlocks,
        mut report: impl FnMut(Refused),
    ) {
        while !self.partial.is_empty() && !octets.is_empty() {
            let wanted = self
                .wanted(&self.partial)
                .saturating_sub(self.partial.len());
            let (taken, rest) = octets.split_at(wanted.min(octets.len()));
            self.partial.extend_from_slice(taken);
            octets = rest;
            let partial = std::mem::take(&mut self.partial);
            let used = self.handle_whole(&partial, times, packets, &mut report);
            self.partial = partial;
            self.partial.drain(..used);
        }
        let used = self.handle_whole(octets, times, packets, &mut report);
        self.partial
            .extend_from_slice(octets.get(used..).unwrap_or_default());
    }

    /// The stream has ended; tells how many octets were left of a packet, and where.
    pub(crate) fn handle_end(&mut self, mut report: impl FnMut(Refused)) -> Option<(u64, u64)> {
        if let Some((position, packets)) = self.refused.take() {
            report(Refused { position, packets });
        }
        let (position, left) = (self.before, self.partial.len() as u64);
        self.partial.clear();
        self.before += left;
        (left > 0).then_some((position, left))
    }

    /// Octets from the start of a packet's prefix to where more is known: header, then packet.
    fn wanted(&self, octets: &[u8]) -> usize {
        match octets.get(self.prefix..).map(PacketHeader::parse) {
            Some(Ok(header)) => self.prefix + header.packet_octets(),
            Some(Err(_)) | None => self.prefix + PRIMARY_HEADER_OCTETS,
        }
    }

    /// Takes all whole packets at the start of `octets`; returns the octets used.
    fn handle_whole(
        &mut self,
        octets: &[u8],
        times: &PacketTimes,
        packets: &mut PacketBlocks,
        report: &mut impl FnMut(Refused),
    ) -> usize {
        let mut at = 0;
        while let Some(start) = octets.get(at..) {
            let length = if self.prefix == 0 {
                // Packets of version 0 that lie end to end are taken in one go.
                let run = packets.push_run(start, times, self.version_any);
                self.statistics.packets += run.packets;
                self.statistics.packet_octets += run.octets as u64;
                self.statistics.bad_version += run.other_versions;
                if run.packets > 0 {
                    self.flush_refused(report);
                }
                run.octets
            } else {
                0
            };
            at += length;
            let start = start.get(length..).unwrap_or_default();
            let Some(Ok(header)) = start.get(self.prefix..).map(PacketHeader::parse) else {
                break;
            };
            let end = self.prefix + header.packet_octets();
            let Some(packet) = start.get(self.prefix..end) else {
                break;
            };
            if header.version == 0 || self.version_any {
                self.flush_refused(report);
                self.statistics.packets += 1;
                self.statistics.packet_octets += packet.len() as u64;
                self.statistics.bad_version += u64::from(header.version != 0);
                let time = times.time_of(packet);
                packets.push(packet, time, NO_VIRTUAL_CHANNEL, Quality::Unchecked);
            } else {
                self.statistics.bad_version += 1;
                let position = self.before + at as u64;
                self.refused.get_or_insert((position, 0)).1 += 1;
            }
            at += end;
        }
        self.before += at as u64;
        at
    }

    fn flush_refused(&mut self, report: &mut impl FnMut(Refused)) {
        if let Some((position, packets)) = self.refused.take() {
            report(Refused { position, packets });
        }
    }
}
