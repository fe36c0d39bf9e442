//! Frames to virtual channels: reads headers, follows each channel's counter, hands data fields to
//! the channel's reassembler (CCSDS 132.0-B-3, 732.0-B-4).

use std::collections::VecDeque;

use schemas::event::{Anomaly, AnomalyKind};
use schemas::mission::{
    ChannelParameters, FrameFormat, FrameParameters, Mission, PacketTimes, Service,
};
use schemas::record::{NO_VIRTUAL_CHANNEL, Quality, SpacecraftName};
use space_link::frame::{
    AosFrame, FirstHeader, FrameError, FrameKind, FrameLayout, FrameOptions, LayoutError, Mpdu,
    TmFrame, frames_missing, tm,
};
use space_link::reed_solomon::Correction;

use crate::correct::Verdict;
use crate::downlink::blocks::{FrameBlocks, PacketBlocks};
use crate::reassemble::{Reassembler, ReassemblyStatistics, Sink, Troubles};

/// Keeps the state of every virtual channel of every spacecraft of the mission.
#[derive(Debug)]
pub struct Demultiplexer {
    layout: FrameLayout,
    one_packet_per_frame: Option<usize>,
    version_any: bool,
    parameters: Box<[ChannelParameters; 64]>,
    times: PacketTimes,
    /// The mission's spacecraft, then perhaps one for what cannot be told.
    spacecraft: Vec<SpacecraftName>,
    /// Identifier of each, `None` for any.
    scids: Vec<Option<u16>>,
    /// The spacecraft credited with what cannot be told.
    unknown: usize,
    /// For each spacecraft and VCID the place in `channels`.
    index: Vec<[Option<u16>; 64]>,
    channels: Vec<VirtualChannel>,
}

/// One virtual channel's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VirtualChannelStatistics {
    /// Frames, also those of idle data and repeated ones.
    pub frames: u64,
    /// Frames of idle data only.
    pub idle_frames: u64,
    /// Times the frame count did not follow.
    pub gaps: u64,
    /// Frames missing in those gaps.
    pub frames_lost: u64,
    /// Frames that came twice in a row.
    pub duplicates: u64,
    /// Frame count of the first frame.
    pub first_frame_count: u32,
    /// Frame count of the last frame.
    pub last_frame_count: u32,
    /// Counts of its packets.
    pub reassembly: ReassemblyStatistics,
}

/// An operational control field: with type 0 a CLCW (CCSDS 232.0-B-4 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationalControl {
    /// Whose.
    pub spacecraft: SpacecraftName,
    /// The virtual channel whose frame carried it.
    pub virtual_channel: u8,
    /// The field.
    pub value: u32,
    /// Octets of input before its frame.
    pub position: u64,
}

#[derive(Debug)]
struct VirtualChannel {
    slot: usize,
    vcid: u8,
    parameters: ChannelParameters,
    statistics: VirtualChannelStatistics,
    last: Option<u32>,
    /// The first octets of the last data field: a short counter alone does not tell a repeated
    /// frame from one that comes a whole turn later.
    head: Vec<u8>,
    reassembler: Reassembler,
}

/// What the header of a good frame says, whatever its format.
struct Fields<'a> {
    scid: u16,
    vcid: u8,
    count: u32,
    modulus: u32,
    /// The first header pointer of a TM header.
    first: Option<FirstHeader>,
    /// The TM header says that the data are not packets.
    access: bool,
    data: &'a [u8],
    ocf: Option<[u8; 4]>,
    flags_agree: bool,
}

/// A frame on its way into the demultiplexer.
pub(crate) struct ReceivedFrame<'a> {
    pub(crate) octets: &'a [u8],
    pub(crate) position: u64,
    pub(crate) verdict: Verdict,
    pub(crate) words: Correction,
}

/// Where everything goes.
pub(crate) struct Outlets<'a> {
    pub(crate) frames: &'a mut FrameBlocks,
    pub(crate) packets: &'a mut PacketBlocks,
    pub(crate) anomalies: &'a mut VecDeque<Anomaly>,
    pub(crate) controls: &'a mut VecDeque<OperationalControl>,
}

impl Demultiplexer {
    /// A demultiplexer for the frames of a mission.
    ///
    /// # Errors
    /// [`LayoutError`] if the parts leave no room for data.
    pub fn new(mission: &Mission, frame: &FrameParameters) -> Result<Self, LayoutError> {
        let kind = match frame.format {
            FrameFormat::Tm => FrameKind::Tm,
            FrameFormat::Aos => FrameKind::Aos,
        };
        let layout = FrameLayout::new(FrameOptions {
            secondary_header_octets: frame.secondary_header_octets,
            frame_header_error_control: frame.frame_header_error_control,
            insert_zone_octets: frame.insert_zone_octets,
            ocf: frame.ocf,
            fecf: frame.fecf,
            ..FrameOptions::new(kind, frame.length_octets)
        })?;
        let (spacecraft, unknown) = spacecraft_slots(mission);
        Ok(Self {
            layout,
            one_packet_per_frame: frame.one_packet_per_frame,
            version_any: mission.downlink.packet_version_any,
            parameters: Box::new(frame.channels),
            times: mission.packet_times.clone(),
            index: vec![[None; 64]; spacecraft.len()],
            scids: mission
                .spacecraft
                .iter()
                .map(|spacecraft| spacecraft.scid)
                .collect(),
            spacecraft,
            unknown,
            channels: Vec::new(),
        })
    }

    /// Every virtual channel seen, in order of appearance.
    pub fn virtual_channels(
        &self,
    ) -> impl Iterator<Item = (&SpacecraftName, u8, Service, &VirtualChannelStatistics)> {
        self.channels.iter().map(|channel| {
            let name = &self.spacecraft[channel.slot];
            (
                name,
                channel.vcid,
                channel.parameters.service,
                &channel.statistics,
            )
        })
    }

    /// Takes a frame with what the codes say about it.
    pub(crate) fn handle_frame(&mut self, frame: &ReceivedFrame<'_>, out: &mut Outlets<'_>) {
        let kind = if frame.words.uncorrectable > 0 {
            Some((
                AnomalyKind::UncorrectableCodeword,
                u64::from(frame.words.uncorrectable),
            ))
        } else {
            frame
                .verdict
                .fecf_mismatch
                .then_some((AnomalyKind::FecfMismatch, 1))
        };
        if let Some((kind, count)) = kind {
            return self.reject(kind, count, frame, Quality::Bad, out);
        }
        let fields = match Fields::read(frame.octets, &self.layout) {
            Ok(fields) => fields,
            Err(error) => {
                let kind = match error {
                    FrameError::Version { .. } => AnomalyKind::BadFrameVersion,
                    FrameError::HeaderErrors => AnomalyKind::HeaderErrorControlMismatch,
                    FrameError::Length { .. }
                    | FrameError::Kind { .. }
                    | FrameError::Field { .. }
                    | FrameError::Part { .. } => AnomalyKind::BadFrameHeader,
                };
                return self.reject(kind, 1, frame, Quality::Bad, out);
            }
        };
        let listed = self
            .scids
            .iter()
            .position(|scid| scid.is_none_or(|scid| scid == fields.scid));
        let Some(slot) = listed else {
            let quality = frame.verdict.quality;
            return self.reject(AnomalyKind::UnknownSpacecraft, 1, frame, quality, out);
        };
        out.frames.push(
            slot,
            frame.octets,
            fields.vcid,
            fields.count,
            frame.verdict.quality,
            symbols_of(frame),
        );
        let place = place_of(
            &mut self.index[slot],
            &mut self.channels,
            slot,
            fields.vcid,
            &self.parameters,
        );
        let Some(channel) = self.channels.get_mut(place) else {
            return;
        };
        let spacecraft = &self.spacecraft[slot];
        if let Some(ocf) = fields.ocf {
            if out.controls.len() >= CONTROLS_MAX {
                out.controls.pop_front();
            }
            out.controls.push_back(OperationalControl {
                spacecraft: spacecraft.clone(),
                virtual_channel: fields.vcid,
                value: u32::from_be_bytes(ocf),
                position: frame.position,
            });
        }
        let mut report = |kind, count, apid| {
            out.anomalies.push_back(Anomaly {
                kind,
                spacecraft: Some(spacecraft.clone()),
                virtual_channel: Some(fields.vcid),
                apid,
                position: frame.position,
                count,
            });
        };
        if !fields.flags_agree {
            report(AnomalyKind::BadFrameHeader, 1, None);
        }
        let missing = match channel.follow(&fields) {
            Follow::Next => 0,
            Follow::Repeated => return report(AnomalyKind::FrameDuplicate, 1, None),
            Follow::Missing(frames) => {
                report(AnomalyKind::FrameGap, u64::from(frames), None);
                frames
            }
        };
        out.packets.select(slot);
        let mut sink = Sink {
            packets: out.packets,
            times: &self.times,
            version_any: self.version_any,
            virtual_channel: fields.vcid,
            quality: frame.verdict.quality,
            statistics: &mut channel.statistics.reassembly,
            troubles: Troubles::default(),
        };
        if missing > 0 {
            channel.reassembler.handle_loss(&mut sink);
        }
        let idle = match channel.parameters.service {
            Service::Idle => true,
            Service::Bitstream | Service::VirtualChannelAccess => false,
            Service::Packet if fields.access => false,
            Service::Packet => {
                if let Some(offset) = self.one_packet_per_frame {
                    Reassembler::handle_one_packet(fields.data, offset, &mut sink);
                    false
                } else {
                    let (first, zone) = fields.packet_zone();
                    channel.reassembler.handle_zone(first, zone, &mut sink);
                    first == FirstHeader::OnlyIdle
                }
            }
        };
        let troubles = sink.troubles;
        channel.statistics.idle_frames += u64::from(idle);
        for (kind, count) in troubles.iter() {
            report(kind, count, troubles.apid);
        }
    }

    /// The input has ended: packets under way will not be completed.
    pub(crate) fn handle_end(&mut self, position: u64, out: &mut Outlets<'_>) {
        for channel in &mut self.channels {
            out.packets.select(channel.slot);
            let mut sink = Sink {
                packets: out.packets,
                times: &self.times,
                version_any: self.version_any,
                virtual_channel: channel.vcid,
                quality: Quality::Good,
                statistics: &mut channel.statistics.reassembly,
                troubles: Troubles::default(),
            };
            channel.reassembler.handle_loss(&mut sink);
            let troubles = sink.troubles;
            for (kind, count) in troubles.iter() {
                out.anomalies.push_back(Anomaly {
                    kind,
                    spacecraft: Some(self.spacecraft[channel.slot].clone()),
                    virtual_channel: Some(channel.vcid),
                    apid: troubles.apid,
                    position,
                    count,
                });
            }
        }
    }

    /// Keeps a frame raw that is not used.
    fn reject(
        &self,
        kind: AnomalyKind,
        count: u64,
        frame: &ReceivedFrame<'_>,
        quality: Quality,
        out: &mut Outlets<'_>,
    ) {
        let symbols = symbols_of(frame);
        out.frames.push(
            self.unknown,
            frame.octets,
            NO_VIRTUAL_CHANNEL,
            0,
            quality,
            symbols,
        );
        out.anomalies.push_back(Anomaly {
            kind,
            spacecraft: Some(self.spacecraft[self.unknown].clone()),
            virtual_channel: None,
            apid: None,
            position: frame.position,
            count,
        });
    }
}

/// The place of a virtual channel's state, made on its first frame.
fn place_of(
    index: &mut [Option<u16>; 64],
    channels: &mut Vec<VirtualChannel>,
    slot: usize,
    vcid: u8,
    parameters: &[ChannelParameters; 64],
) -> usize {
    let entry = &mut index[usize::from(vcid & 63)];
    if let Some(place) = entry {
        return usize::from(*place);
    }
    let place = channels.len();
    *entry = u16::try_from(place).ok();
    channels.push(VirtualChannel {
        slot,
        vcid,
        parameters: parameters[usize::from(vcid & 63)],
        statistics: VirtualChannelStatistics::default(),
        last: None,
        head: Vec::with_capacity(HEAD_OCTETS),
        reassembler: Reassembler::new(),
    });
    place
}

enum Follow {
    Next,
    Repeated,
    Missing(u32),
}

impl VirtualChannel {
    /// Compares the frame count with the last one.
    fn follow(&mut self, fields: &Fields<'_>) -> Follow {
        let statistics = &mut self.statistics;
        statistics.frames += 1;
        statistics.last_frame_count = fields.count;
        let Some(last) = self.last.replace(fields.count) else {
            statistics.first_frame_count = fields.count;
            self.keep_head(fields.data);
            return Follow::Next;
        };
        if !self.parameters.counter_checked {
            return Follow::Next;
        }
        let missing = frames_missing(last, fields.count, fields.modulus);
        if missing == 0 {
            self.keep_head(fields.data);
            return Follow::Next;
        }
        if last == fields.count && fields.data.starts_with(&self.head) {
            statistics.duplicates += 1;
            return Follow::Repeated;
        }
        statistics.gaps += 1;
        statistics.frames_lost += u64::from(missing);
        self.keep_head(fields.data);
        Follow::Missing(missing)
    }

    fn keep_head(&mut self, data: &[u8]) {
        self.head.clear();
        self.head
            .extend_from_slice(data.get(..HEAD_OCTETS).unwrap_or(data));
    }
}

impl<'a> Fields<'a> {
    #[inline]
    fn read(octets: &'a [u8], layout: &'a FrameLayout) -> Result<Self, FrameError> {
        if layout.kind() == FrameKind::Tm {
            let frame = TmFrame::new_checked(octets, layout)?;
            let header = frame.header();
            return Ok(Self {
                scid: header.spacecraft.get(),
                vcid: header.virtual_channel.get(),
                count: header.virtual_channel_frame_count.into(),
                modulus: tm::COUNT_MODULUS,
                first: Some(header.first_header()),
                access: header.synchronization_flag,
                data: frame.data_field(),
                ocf: frame.ocf(),
                flags_agree: frame.flags_agree(),
            });
        }
        let frame = AosFrame::new_checked(octets, layout)?;
        let header = frame.header();
        let (count, modulus) = header.count();
        Ok(Self {
            scid: header.spacecraft.get(),
            vcid: header.virtual_channel.get(),
            count,
            modulus,
            first: None,
            access: false,
            data: frame.data_field(),
            ocf: frame.ocf(),
            flags_agree: true,
        })
    }

    /// The octets that hold packets, and where the first one starts.
    fn packet_zone(&self) -> (FirstHeader, &'a [u8]) {
        if let Some(first) = self.first {
            return (first, self.data);
        }
        match Mpdu::new_checked(self.data) {
            Ok(mpdu) => (mpdu.first_header(), mpdu.packet_zone()),
            // The mission's check leaves room for the pointer.
            Err(_) => (FirstHeader::OnlyIdle, &[]),
        }
    }
}

/// The mission's spacecraft, and the place of the one credited with what cannot be told.
pub(crate) fn spacecraft_slots(mission: &Mission) -> (Vec<SpacecraftName>, usize) {
    let mut names: Vec<_> = mission
        .spacecraft
        .iter()
        .map(|spacecraft| spacecraft.name.clone())
        .collect();
    let credited = mission.default_spacecraft();
    let place = names
        .iter()
        .position(|name| *name == credited)
        .unwrap_or_else(|| {
            names.push(credited);
            names.len() - 1
        });
    (names, place)
}

fn symbols_of(frame: &ReceivedFrame<'_>) -> u16 {
    u16::try_from(frame.words.symbols).unwrap_or(u16::MAX)
}

/// Operational control fields kept until they are polled; beyond it the oldest is dropped, since
/// a newer one replaces it.
const CONTROLS_MAX: usize = 65_536;
const HEAD_OCTETS: usize = 128;
