//! What is in this recording? Sums up everything a [`Downlink`] yields.

mod render;

use std::collections::BTreeMap;

use schemas::event::{AnomalyKind, format_time};
use schemas::mission::{Level, Mission, Service};
use schemas::record::{NO_TIME, NO_VIRTUAL_CHANNEL, PacketBlock, SpacecraftName};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use space_link::packet::PacketHeader;

use crate::downlink::{Downlink, DownlinkError, Statistics};

/// Runs a downlink over a recording and keeps counts and digests only.
#[derive(Debug)]
pub struct Inspector {
    downlink: Downlink,
    level: Level,
    several: bool,
    found: BTreeMap<SpacecraftName, BTreeMap<u8, Channel>>,
    anomalies: BTreeMap<AnomalyKind, u64>,
}

/// What a recording holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// What the octets were taken for.
    pub level: Level,
    /// Octets, frames, code words.
    pub statistics: Statistics,
    /// By virtual channel; packets of packet files are under [`ChannelKey::None`].
    pub virtual_channels: BTreeMap<ChannelKey, ChannelInspection>,
    /// By kind, in the kind's unit; kinds that did not occur are 0.
    pub anomalies: BTreeMap<AnomalyKind, u64>,
}

/// A virtual channel, with its spacecraft where the mission has several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChannelKey {
    /// No virtual channel: a packet file.
    None,
    /// A virtual channel of the mission's only spacecraft.
    One(u8),
    /// A virtual channel of a named spacecraft.
    Of(String, u8),
}

/// What a virtual channel holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelInspection {
    /// What the mission says it carries; `None` in packet files.
    pub service: Option<Service>,
    /// Frames.
    pub frames: u64,
    /// Frames of idle data only.
    pub idle_frames: u64,
    /// Times the frame count did not follow.
    pub gaps: u64,
    /// Frames missing in those gaps.
    pub frames_lost: u64,
    /// Whole packets.
    pub packets: u64,
    /// SHA-256 of all packets in order of completion, in hexadecimal; `None` without packets.
    pub packets_sha256: Option<String>,
    /// By APID.
    pub apids: BTreeMap<u16, ApidInspection>,
}

/// What the packets of one APID are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApidInspection {
    /// Packets.
    pub packets: u64,
    /// Their octets.
    pub octets: u64,
    /// Times the sequence count did not follow.
    pub sequence_gaps: u64,
    /// Sequence count of the first packet.
    pub first_sequence_count: u16,
    /// Sequence count of the last packet.
    pub last_sequence_count: u16,
    /// Generation time of the first packet that has one.
    pub first_time: Option<i64>,
    /// Generation time of the last packet that has one.
    pub last_time: Option<i64>,
    /// SHA-256 of the packets, in hexadecimal.
    pub sha256: String,
}

#[derive(Debug, Default)]
struct Channel {
    packets: u64,
    digest: Sha256,
    apids: BTreeMap<u16, Apid>,
}

#[derive(Debug, Default)]
struct Apid {
    counts: ApidInspection,
    digest: Sha256,
}

impl Inspector {
    /// An inspector of a recording of `mission` at `level`.
    ///
    /// # Errors
    /// [`DownlinkError`] if the mission's parameters do not suffice for the level.
    pub fn new(mission: &Mission, level: Level) -> Result<Self, DownlinkError> {
        let mut downlink = Downlink::new(mission, level)?;
        downlink.keep_frames(false);
        Ok(Self {
            downlink,
            level,
            several: mission.spacecraft.len() > 1,
            found: BTreeMap::new(),
            anomalies: BTreeMap::new(),
        })
    }

    /// Takes the next octets of the recording.
    pub fn handle_bytes(&mut self, octets: &[u8]) {
        for piece in octets.chunks(PIECE_OCTETS) {
            self.downlink.handle_bytes(piece);
            self.drain();
        }
    }

    /// The recording has ended: what it holds.
    pub fn finish(mut self) -> Inspection {
        self.downlink.handle_end();
        self.drain();
        let mut virtual_channels = BTreeMap::new();
        for (spacecraft, vcid, service, counts) in self.downlink.virtual_channels() {
            let channels = self.found.get_mut(spacecraft);
            let found = channels
                .and_then(|found| found.remove(&vcid))
                .unwrap_or_default();
            let key = if self.several {
                ChannelKey::Of(spacecraft.to_string(), vcid)
            } else {
                ChannelKey::One(vcid)
            };
            virtual_channels.insert(
                key,
                ChannelInspection {
                    service: Some(service),
                    frames: counts.frames,
                    idle_frames: counts.idle_frames,
                    gaps: counts.gaps,
                    frames_lost: counts.frames_lost,
                    ..found.finish()
                },
            );
        }
        if let Some(found) = self
            .found
            .values_mut()
            .find_map(|channels| channels.remove(&NO_VIRTUAL_CHANNEL))
        {
            virtual_channels.insert(ChannelKey::None, found.finish());
        }
        Inspection {
            level: self.level,
            statistics: self.downlink.statistics(),
            virtual_channels,
            anomalies: AnomalyKind::ALL
                .into_iter()
                .filter(|kind| !kind.is_of_fields())
                .map(|kind| (kind, self.anomalies.get(&kind).copied().unwrap_or(0)))
                .collect(),
        }
    }

    fn drain(&mut self) {
        while let Some(block) = self.downlink.poll_packets() {
            self.take_packets(&block);
        }
        while let Some(anomaly) = self.downlink.poll_anomaly() {
            *self.anomalies.entry(anomaly.kind).or_default() += anomaly.count;
        }
        while self.downlink.poll_operational_control().is_some() {}
    }

    fn take_packets(&mut self, block: &PacketBlock) {
        let channels = self.found.entry(block.spacecraft.clone()).or_default();
        for index in 0..block.len() {
            let channel = channels.entry(block.virtual_channel[index]).or_default();
            channel.take(block.packet(index), block.time[index]);
        }
    }
}

impl Channel {
    fn take(&mut self, packet: &[u8], time: i64) {
        let Ok(header) = PacketHeader::parse(packet) else {
            return;
        };
        self.packets += 1;
        self.digest.update(packet);
        let apid = self.apids.entry(header.apid.get()).or_default();
        apid.digest.update(packet);
        let counts = &mut apid.counts;
        let count = header.sequence_count;
        if counts.packets == 0 {
            counts.first_sequence_count = count;
        } else {
            let expected =
                counts.last_sequence_count.wrapping_add(1) & PacketHeader::MAX_SEQUENCE_COUNT;
            counts.sequence_gaps += u64::from(count != expected);
        }
        counts.last_sequence_count = count;
        counts.packets += 1;
        counts.octets += packet.len() as u64;
        if time != NO_TIME {
            counts.first_time.get_or_insert(time);
            counts.last_time = Some(time);
        }
    }

    fn finish(self) -> ChannelInspection {
        let apids = self.apids.into_iter().map(|(apid, found)| {
            (
                apid,
                ApidInspection {
                    sha256: hex(found.digest),
                    ..found.counts
                },
            )
        });
        ChannelInspection {
            packets: self.packets,
            packets_sha256: (self.packets > 0).then(|| hex(self.digest)),
            apids: apids.collect(),
            ..ChannelInspection::default()
        }
    }
}

impl Inspection {
    /// The inspection as JSON: counts, digests and times, nothing that depends on when or where it
    /// was made.
    ///
    /// Packets of packet files, which came through no virtual channel, are under `"-"`; where a
    /// mission has several spacecraft the keys are `spacecraft/vcid`. Digests of nothing and times
    /// that no packet carries are `null`.
    pub fn to_json(&self) -> Value {
        let statistics = &self.statistics;
        let channels: Map<_, _> = self
            .virtual_channels
            .iter()
            .map(|(key, channel)| (key.to_string(), channel.to_json()))
            .collect();
        let anomalies: Map<_, _> = self
            .anomalies
            .iter()
            .map(|(kind, count)| (kind.to_string(), json!(count)))
            .collect();
        json!({
            "frames": statistics.frames,
            "octets": {
                "total": statistics.octets,
                "frames": statistics.octets_used,
                "skipped": statistics.octets.saturating_sub(statistics.octets_used),
            },
            "codewords": {
                "clean": statistics.words_clean,
                "corrected": statistics.words_corrected,
                "symbols": statistics.symbols_corrected,
                "uncorrectable": statistics.words_uncorrectable,
            },
            "virtual_channels": channels,
            "anomalies": anomalies,
        })
    }
}

impl ChannelInspection {
    fn to_json(&self) -> Value {
        let apids: Map<_, _> = self
            .apids
            .iter()
            .map(|(apid, found)| {
                let value = json!({
                    "packets": found.packets,
                    "sequence_gaps": found.sequence_gaps,
                    "first_time": found.first_time.map(format_time),
                    "last_time": found.last_time.map(format_time),
                    "sha256": found.sha256,
                });
                (apid.to_string(), value)
            })
            .collect();
        json!({
            "frames": self.frames,
            "idle_frames": self.idle_frames,
            "gaps": self.gaps,
            "frames_lost": self.frames_lost,
            "packets": self.packets,
            "packets_sha256": self.packets_sha256,
            "apids": apids,
        })
    }
}

impl std::fmt::Display for ChannelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("-"),
            Self::One(vcid) => write!(f, "{vcid}"),
            Self::Of(spacecraft, vcid) => write!(f, "{spacecraft}/{vcid}"),
        }
    }
}

fn hex(digest: Sha256) -> String {
    digest
        .finalize()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}

/// Octets given to the downlink between two polls.
const PIECE_OCTETS: usize = 1 << 20;
