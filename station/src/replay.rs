//! A replay: one recording, as a contact of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bus::Bus;
use schemas::event::AnomalyKind;
use schemas::layout::CompiledMission;
use schemas::mission::{Level, Mission};
use tm_decoder::downlink::Downlink;

use crate::contents::Contents;
use crate::error::StationError;
use crate::file::{FileLink, recording_identity};
use crate::publish::Publisher;

/// What to replay, and how to read it.
#[derive(Debug)]
pub struct Replay<'a> {
    /// The recording.
    pub recording: &'a Path,
    /// The mission.
    pub mission: &'a Mission,
    /// The mission database, compiled; `None` keeps to frames and packets.
    pub layouts: Option<Arc<CompiledMission>>,
    /// What the recording holds.
    pub level: Level,
    /// The station that received it, if known.
    pub station: Option<&'a str>,
}

/// What a replay found and published.
#[derive(Clone, Debug, Default)]
pub struct ReplaySummary {
    /// The contact's identity.
    pub contact: String,
    /// Octets of the recording.
    pub octets: u64,
    /// Octets that were part of a frame or packet.
    pub octets_used: u64,
    /// Transfer frames.
    pub frames: u64,
    /// Space packets.
    pub packets: u64,
    /// Rows of telemetry tables.
    pub rows: u64,
    /// Anomalies by kind, each in its unit.
    pub anomalies: BTreeMap<AnomalyKind, u64>,
    /// Records among these that an earlier replay had published.
    pub already_stored: u64,
}

impl Replay<'_> {
    /// Decodes the recording and publishes everything in it; `progress` gets the octets read.
    ///
    /// # Errors
    /// The recording cannot be read, the mission does not fit its level, or the bus refuses. What
    /// was published stays, and the same replay goes on from there.
    pub fn run(
        &self,
        bus: &Bus,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ReplaySummary, StationError> {
        let mut downlink = Downlink::new(self.mission, self.level)?;
        let contact = recording_identity(self.recording)?;
        let mut link = FileLink::open(self.recording)?;
        let length = link.length();
        let publisher = Publisher::new(
            bus,
            self.station.unwrap_or_default(),
            &contact,
            &self.mission.version,
            self.mission.default_spacecraft(),
        );
        let mut contents = Contents::new(publisher, self.layouts.clone());
        loop {
            let chunk = link.next_chunk()?;
            if chunk.is_empty() {
                break;
            }
            downlink.handle_bytes(chunk);
            contents.drain(&mut downlink)?;
            progress(link.position());
        }
        if link.position() != length {
            return Err(StationError::Changed {
                path: self.recording.into(),
            });
        }
        downlink.handle_end();
        contents.drain(&mut downlink)?;
        contents.publisher.complete()?;
        let counts = contents.publisher.counts;
        Ok(ReplaySummary {
            contact,
            octets: length,
            octets_used: downlink.statistics().octets_used,
            frames: counts.frames,
            packets: counts.packets,
            rows: counts.rows,
            anomalies: counts.anomalies,
            already_stored: counts.already_stored,
        })
    }
}
