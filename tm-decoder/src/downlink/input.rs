//! What each level holds between two chunks, and how its units are decoded.

use schemas::event::{Anomaly, AnomalyKind};
use schemas::mission::PacketTimes;
use schemas::record::{NO_VIRTUAL_CHANNEL, Quality};
use space_link::packet::PacketHeader;
use space_link::reed_solomon::Correction;

use super::Statistics;
use super::blocks::PacketBlocks;
use crate::correct::{BlockState, Corrector};
use crate::demultiplex::{Demultiplexer, Outlets, ReceivedFrame};
use crate::reassemble::ReassemblyStatistics;
use crate::synchronize::Synchronizer;

#[derive(Debug)]
pub(super) struct CaduInput {
    pub(super) synchronizer: Synchronizer,
    pub(super) corrector: Corrector,
    pub(super) demultiplexer: Demultiplexer,
    pub(super) marker_octets: usize,
    /// Code blocks waiting to be corrected together.
    pub(super) batch: Vec<u8>,
    pub(super) waiting: Vec<(u64, bool)>,
    pub(super) states: Vec<BlockState>,
    pub(super) scratch: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct FrameInput {
    pub(super) corrector: Corrector,
    pub(super) demultiplexer: Demultiplexer,
    pub(super) frame_octets: usize,
    pub(super) partial: Vec<u8>,
    pub(super) scratch: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct PacketInput {
    pub(super) times: PacketTimes,
    pub(super) statistics: ReassemblyStatistics,
}

impl CaduInput {
    /// Corrects the waiting blocks together and hands their frames on.
    pub(super) fn decode_batch(&mut self, statistics: &mut Statistics, out: &mut Outlets<'_>) {
        let block_octets = self.corrector.block_octets();
        let blocks = &mut self.batch[..self.waiting.len() * block_octets];
        let states = &mut self.states[..self.waiting.len()];
        self.corrector.correct(blocks, states);
        let blocks = blocks.chunks_exact(block_octets);
        for ((block, state), &(position, missed)) in blocks.zip(&*states).zip(&self.waiting) {
            let words = state.words;
            statistics.frames += 1;
            statistics.octets_used += (self.marker_octets + block_octets) as u64;
            statistics.words_clean += u64::from(words.clean);
            statistics.words_corrected += u64::from(words.corrected);
            statistics.symbols_corrected += u64::from(words.symbols);
            statistics.words_uncorrectable += u64::from(words.uncorrectable);
            if missed {
                out.anomalies.push_back(Anomaly {
                    kind: AnomalyKind::SyncMarkerMissed,
                    spacecraft: None,
                    virtual_channel: None,
                    apid: None,
                    position,
                    count: 1,
                });
            }
            let frame = self.corrector.frame(block, &mut self.scratch);
            let verdict = self.corrector.judge(frame, Some(words));
            let received = ReceivedFrame {
                octets: frame,
                position,
                verdict,
                words,
            };
            self.demultiplexer.handle_frame(&received, out);
        }
        self.waiting.clear();
    }
}

impl FrameInput {
    pub(super) fn decode(
        &mut self,
        octets: &[u8],
        position: u64,
        statistics: &mut Statistics,
        out: &mut Outlets<'_>,
    ) {
        statistics.frames += 1;
        statistics.octets_used += octets.len() as u64;
        let frame = self.corrector.received_frame(octets, &mut self.scratch);
        let verdict = self.corrector.judge(frame, None);
        let words = Correction::default();
        let received = ReceivedFrame {
            octets: frame,
            position,
            verdict,
            words,
        };
        self.demultiplexer.handle_frame(&received, out);
    }
}

impl PacketInput {
    /// Takes the packet that an element holds.
    pub(super) fn take_element(
        &mut self,
        octets: &[u8],
        version_any: bool,
        packets: &mut PacketBlocks,
    ) -> Option<AnomalyKind> {
        let Ok(header) = PacketHeader::parse(octets) else {
            return Some(AnomalyKind::PacketTruncated);
        };
        self.statistics.bad_version += u64::from(header.version != 0);
        if header.version != 0 && !version_any {
            return Some(AnomalyKind::PacketBadVersion);
        }
        let Some((packet, rest)) = octets.split_at_checked(header.packet_octets()) else {
            self.statistics.truncated += 1;
            return Some(AnomalyKind::PacketTruncated);
        };
        self.statistics.packets += 1;
        self.statistics.packet_octets += packet.len() as u64;
        let time = self.times.time_of(packet);
        let quality = Quality::Unchecked;
        packets.push(packet, time, NO_VIRTUAL_CHANNEL, quality);
        (!rest.is_empty()).then_some(AnomalyKind::BadEnvelope)
    }
}
