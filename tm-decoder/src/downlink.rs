//! The whole way down as one state machine: octets in, blocks of frames and packets out.

pub mod blocks;
mod boundary;
mod input;

use std::collections::VecDeque;

use schemas::event::{Anomaly, AnomalyKind};
use schemas::mission::{Level, Mission, PacketTimes, Service};
use schemas::record::{FrameBlock, PacketBlock, SpacecraftName};
use space_link::asm::{Asm, AsmError};
use space_link::frame::LayoutError;
use space_link::packet::MAX_PACKET_OCTETS;
use space_link::reed_solomon::ReedSolomonError;
use thiserror::Error;

use crate::correct::{BATCH_BLOCKS, BlockState, Corrector};
use crate::demultiplex::{
    Demultiplexer, OperationalControl, Outlets, VirtualChannelStatistics, spacecraft_slots,
};
use crate::reassemble::edds::{EddsReader, Element};
use crate::reassemble::{PacketStream, ReassemblyStatistics};
use crate::synchronize::{Found, Synchronizer};
use blocks::{FrameBlocks, PacketBlocks};
use input::{CaduInput, FrameInput, PacketInput};

/// Decodes one stream of a mission's downlink.
///
/// Give octets with [`Downlink::handle_bytes`], then poll until nothing is left, then give the
/// next ones. What is queued between two polls is bounded by what was given, so give chunks of at
/// most some MiB. How the stream is cut into chunks never changes what comes out.
#[derive(Debug)]
pub struct Downlink {
    input: Input,
    frames: FrameBlocks,
    packets: PacketBlocks,
    anomalies: VecDeque<Anomaly>,
    controls: VecDeque<OperationalControl>,
    statistics: Statistics,
    /// Whose records are that name no spacecraft.
    spacecraft: SpacecraftName,
}

/// Where a level's octets enter.
#[derive(Debug)]
enum Input {
    Cadu(Box<CaduInput>),
    Frames(Box<FrameInput>),
    Packets {
        stream: PacketStream,
        times: PacketTimes,
    },
    Edds {
        reader: EddsReader,
        prefix: usize,
        version_any: bool,
        packets: PacketInput,
    },
}

/// What went through a downlink so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Octets given.
    pub octets: u64,
    /// Octets that became frames (with marker and parity) or, in packet files, packets.
    pub octets_used: u64,
    /// Frames, good or bad.
    pub frames: u64,
    /// Reed-Solomon words that were clean.
    pub words_clean: u64,
    /// Reed-Solomon words that were corrected.
    pub words_corrected: u64,
    /// Symbols corrected in them.
    pub symbols_corrected: u64,
    /// Reed-Solomon words beyond correction.
    pub words_uncorrectable: u64,
    /// Sync markers found.
    pub markers: u64,
    /// Bits before the first of them.
    pub first_marker_bit: Option<u64>,
}

/// A mission's parameters do not make a downlink at the level asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DownlinkError {
    /// The level needs frames and the mission describes none.
    #[error(
        "mission {mission} describes no frames, so its {level} cannot be read: \
         add frame and frame_length_octets to [downlink], or use level packets"
    )]
    NoFrame {
        /// The mission.
        mission: String,
        /// The level asked for.
        level: Level,
    },
    /// The sync marker cannot be used.
    #[error("the mission's sync marker cannot be used")]
    Marker(#[from] AsmError),
    /// The Reed-Solomon parameters are no code.
    #[error("the mission's Reed-Solomon parameters cannot be used")]
    ReedSolomon(#[from] ReedSolomonError),
    /// The frame's parts do not fit.
    #[error("the mission's frame parameters cannot be used")]
    Layout(#[from] LayoutError),
}

impl Downlink {
    /// A downlink of `mission` whose octets are of `level`.
    ///
    /// # Errors
    /// [`DownlinkError`] if the mission's parameters do not suffice for the level.
    pub fn new(mission: &Mission, level: Level) -> Result<Self, DownlinkError> {
        let (names, _) = spacecraft_slots(mission);
        let mut packets = PacketBlocks::new(&names);
        let parameters = &mission.downlink;
        let frame = parameters
            .frame
            .as_ref()
            .ok_or_else(|| DownlinkError::NoFrame {
                mission: mission.name.clone(),
                level,
            });
        let times = mission.packet_times.clone();
        let input = match level {
            Level::Cadu => {
                let frame = frame?;
                let marker = &frame.synchronization.asm;
                let pattern = marker
                    .iter()
                    .fold(0, |value, &octet| value << 8 | u64::from(octet));
                let asm = Asm::new(pattern, marker.len() as u32 * 8)?;
                let corrector = Corrector::new(frame)?;
                let block = corrector.block_octets();
                Input::Cadu(Box::new(CaduInput {
                    synchronizer: Synchronizer::new(asm, &frame.synchronization, block),
                    corrector,
                    demultiplexer: Demultiplexer::new(mission, frame)?,
                    marker_octets: marker.len(),
                    batch: vec![0; block * BATCH_BLOCKS],
                    waiting: Vec::with_capacity(BATCH_BLOCKS),
                    states: vec![BlockState::default(); BATCH_BLOCKS],
                    scratch: Vec::new(),
                }))
            }
            Level::Frames => {
                let frame = frame?;
                Input::Frames(Box::new(FrameInput {
                    corrector: Corrector::new(frame)?,
                    demultiplexer: Demultiplexer::new(mission, frame)?,
                    frame_octets: frame.length_octets,
                    partial: Vec::with_capacity(frame.length_octets),
                    scratch: Vec::new(),
                }))
            }
            Level::Packets => {
                let (_, credited) = spacecraft_slots(mission);
                packets.select(credited);
                let prefix = parameters.packet_prefix_octets;
                let version_any = parameters.packet_version_any;
                if parameters.packet_envelope_edds {
                    Input::Edds {
                        reader: EddsReader::new(prefix + MAX_PACKET_OCTETS),
                        prefix,
                        version_any,
                        packets: PacketInput {
                            times,
                            statistics: ReassemblyStatistics::default(),
                        },
                    }
                } else {
                    Input::Packets {
                        stream: PacketStream::new(prefix, version_any),
                        times,
                    }
                }
            }
        };
        Ok(Self {
            input,
            frames: FrameBlocks::new(&names),
            packets,
            anomalies: VecDeque::new(),
            controls: VecDeque::new(),
            statistics: Statistics::default(),
            spacecraft: mission.default_spacecraft(),
        })
    }

    /// Whether frames come out too; they do unless told otherwise.
    pub fn keep_frames(&mut self, keep: bool) {
        self.frames.set_keep(keep);
    }

    /// Earth reception time of the octets given from now on, microseconds since 1970-01-01 UTC or
    /// [`schemas::record::NO_TIME`].
    pub fn set_received(&mut self, received: i64) {
        self.frames.set_received(received);
        self.packets.set_received(received);
    }

    /// Takes the next octets of the stream, of any number.
    pub fn handle_bytes(&mut self, octets: &[u8]) {
        for piece in octets.chunks(PIECE_OCTETS) {
            self.handle_piece(piece);
        }
    }

    /// The stream has ended: what waited for more octets is decided, open blocks are sealed.
    pub fn handle_end(&mut self) {
        let position = self.statistics.octets;
        self.handle_boundary();
        match &mut self.input {
            Input::Cadu(_) => self.end_cadus(position),
            Input::Frames(input) => {
                let mut out = Outlets {
                    frames: &mut self.frames,
                    packets: &mut self.packets,
                    anomalies: &mut self.anomalies,
                    controls: &mut self.controls,
                };
                input.demultiplexer.handle_end(position, &mut out);
            }
            Input::Packets { .. } | Input::Edds { .. } => {}
        }
        self.flush();
    }

    /// Seals open blocks now, for a link that is live and slow; block boundaries then depend on
    /// when this is called, the records in them do not.
    pub fn flush(&mut self) {
        self.frames.flush();
        self.packets.flush();
    }

    /// The next sealed block of frames.
    pub fn poll_frames(&mut self) -> Option<FrameBlock> {
        self.frames.poll()
    }

    /// The next sealed block of packets.
    pub fn poll_packets(&mut self) -> Option<PacketBlock> {
        self.packets.poll()
    }

    /// The next anomaly, in the order in which they were seen.
    pub fn poll_anomaly(&mut self) -> Option<Anomaly> {
        self.anomalies.pop_front()
    }

    /// The next operational control field; the oldest are dropped beyond 65,536.
    pub fn poll_operational_control(&mut self) -> Option<OperationalControl> {
        self.controls.pop_front()
    }

    /// Counts so far.
    pub fn statistics(&self) -> Statistics {
        let mut statistics = self.statistics;
        match &self.input {
            Input::Cadu(input) => {
                let found = input.synchronizer.statistics();
                statistics.markers = found.markers;
                statistics.first_marker_bit = found.first_marker_bit;
            }
            Input::Packets { stream, .. } => {
                statistics.octets_used = stream.statistics().packet_octets;
            }
            Input::Frames(_) | Input::Edds { .. } => {}
        }
        statistics
    }

    /// Counts of packets that came through no virtual channel, for packet files.
    pub fn packet_statistics(&self) -> Option<&ReassemblyStatistics> {
        match &self.input {
            Input::Packets { stream, .. } => Some(stream.statistics()),
            Input::Edds { packets, .. } => Some(&packets.statistics),
            Input::Cadu(_) | Input::Frames(_) => None,
        }
    }

    /// Every virtual channel seen, in order of appearance.
    pub fn virtual_channels(
        &self,
    ) -> impl Iterator<Item = (&SpacecraftName, u8, Service, &VirtualChannelStatistics)> {
        let demultiplexer = match &self.input {
            Input::Cadu(input) => Some(&input.demultiplexer),
            Input::Frames(input) => Some(&input.demultiplexer),
            Input::Packets { .. } | Input::Edds { .. } => None,
        };
        demultiplexer
            .into_iter()
            .flat_map(Demultiplexer::virtual_channels)
    }

    fn handle_piece(&mut self, octets: &[u8]) {
        let position = self.statistics.octets;
        self.statistics.octets += octets.len() as u64;
        match &mut self.input {
            Input::Cadu(input) => {
                input.synchronizer.handle_bytes(octets);
                self.drain_cadus();
            }
            Input::Frames(_) => self.take_frames(octets, position),
            Input::Packets { stream, times } => {
                let (anomalies, spacecraft) = (&mut self.anomalies, &self.spacecraft);
                stream.handle_bytes(octets, times, &mut self.packets, |refused| {
                    anomalies.push_back(Anomaly {
                        kind: AnomalyKind::PacketBadVersion,
                        spacecraft: Some(spacecraft.clone()),
                        virtual_channel: None,
                        apid: None,
                        position: refused.position,
                        count: refused.packets,
                    });
                });
            }
            Input::Edds { .. } => self.take_elements(octets, position),
        }
    }

    /// Cuts out and decodes all CADUs that are whole.
    fn drain_cadus(&mut self) {
        let Input::Cadu(input) = &mut self.input else {
            return;
        };
        let block_octets = input.corrector.block_octets();
        let mut out = Outlets {
            frames: &mut self.frames,
            packets: &mut self.packets,
            anomalies: &mut self.anomalies,
            controls: &mut self.controls,
        };
        loop {
            let at = input.waiting.len() * block_octets;
            let Some(space) = input.batch.get_mut(at..at + block_octets) else {
                input.decode_batch(&mut self.statistics, &mut out);
                continue;
            };
            let found = input.synchronizer.next_block(space);
            if let Some(Found::Block {
                position,
                marker_missed,
            }) = found
            {
                input.waiting.push((position, marker_missed));
                continue;
            }
            // Anomalies stay in the order of the stream.
            input.decode_batch(&mut self.statistics, &mut out);
            let (kind, position) = match found {
                Some(Found::Lost { position }) => (AnomalyKind::SyncLost, position),
                Some(Found::Truncated { position }) => (AnomalyKind::FrameTruncated, position),
                Some(Found::Block { .. }) | None => return,
            };
            out.anomalies.push_back(Anomaly {
                kind,
                spacecraft: Some(self.spacecraft.clone()),
                virtual_channel: None,
                apid: None,
                position,
                count: 1,
            });
        }
    }

    fn end_cadus(&mut self, position: u64) {
        if let Input::Cadu(input) = &mut self.input {
            input.synchronizer.handle_end();
        }
        self.drain_cadus();
        if let Input::Cadu(input) = &mut self.input {
            let mut out = Outlets {
                frames: &mut self.frames,
                packets: &mut self.packets,
                anomalies: &mut self.anomalies,
                controls: &mut self.controls,
            };
            input.demultiplexer.handle_end(position, &mut out);
        }
    }

    fn take_frames(&mut self, mut octets: &[u8], mut position: u64) {
        let Input::Frames(input) = &mut self.input else {
            return;
        };
        let mut out = Outlets {
            frames: &mut self.frames,
            packets: &mut self.packets,
            anomalies: &mut self.anomalies,
            controls: &mut self.controls,
        };
        let length = input.frame_octets;
        if !input.partial.is_empty() {
            let before = input.partial.len();
            let (taken, rest) = octets.split_at((length - before).min(octets.len()));
            input.partial.extend_from_slice(taken);
            octets = rest;
            if input.partial.len() < length {
                return;
            }
            let partial = std::mem::take(&mut input.partial);
            input.decode(
                &partial,
                position - before as u64,
                &mut self.statistics,
                &mut out,
            );
            position += taken.len() as u64;
            input.partial = partial;
            input.partial.clear();
        }
        let frames = octets.chunks_exact(length);
        input.partial.extend_from_slice(frames.remainder());
        for frame in frames {
            input.decode(frame, position, &mut self.statistics, &mut out);
            position += length as u64;
        }
    }

    fn take_elements(&mut self, octets: &[u8], position: u64) {
        let Input::Edds {
            reader,
            prefix,
            version_any,
            packets,
        } = &mut self.input
        else {
            return;
        };
        let statistics = &mut self.statistics;
        reader.handle_bytes(octets, |end, element| {
            let trouble = match element {
                Element::Octets(octets) => packets.take_element(
                    octets.get(*prefix..).unwrap_or_default(),
                    *version_any,
                    &mut self.packets,
                ),
                Element::Damaged => Some(AnomalyKind::BadEnvelope),
            };
            statistics.octets_used = packets.statistics.packet_octets;
            if let Some(kind) = trouble {
                self.anomalies.push_back(Anomaly {
                    kind,
                    spacecraft: Some(self.spacecraft.clone()),
                    virtual_channel: None,
                    apid: None,
                    position: position + end as u64,
                    count: 1,
                });
            }
        });
    }
}

/// Octets worked on at once: few enough to stay in the cache from stage to stage.
const PIECE_OCTETS: usize = 64 << 10;
