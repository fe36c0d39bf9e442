//! From decoded blocks to the bus: each block to its topic, in the order of the stream.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use bus::{Bus, BusError, Headers, Payload, Producer, Published, Topic};
use schemas::event::{Anomaly, AnomalyKind, Event};
use schemas::layout::CompiledMission;
use schemas::record::{FrameBlock, NO_TIME, NO_VIRTUAL_CHANNEL, PacketBlock, SpacecraftName};
use tm_decoder::decommutate;

use crate::count;
use crate::error::StationError;
use crate::stop::Stop;

/// Publishes one contact's data: a producer for each spacecraft in it.
pub(crate) struct Publisher {
    bus: Bus,
    station: String,
    contact: String,
    mission_version: String,
    default_spacecraft: SpacecraftName,
    producers: HashMap<SpacecraftName, Producer>,
    /// Latest packet time seen; events are placed at it.
    latest: i64,
    /// Places events before the first packet time; [`NO_TIME`] in a replay.
    pub(crate) received: i64,
    /// Of a live link, whose octets come only once: what the bus refuses is tried again until the
    /// stop is overdue.
    persist_until: Option<Arc<Stop>>,
    /// What has been published, and how much of it the bus already had.
    pub(crate) counts: Counts,
}

/// Records published, by kind; duplicates are counted in `already_stored` too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) frames: u64,
    pub(crate) packets: u64,
    pub(crate) rows: u64,
    pub(crate) anomalies: std::collections::BTreeMap<AnomalyKind, u64>,
    pub(crate) already_stored: u64,
}

impl Publisher {
    pub(crate) fn new(
        bus: &Bus,
        station: &str,
        contact: &str,
        mission_version: &str,
        default_spacecraft: SpacecraftName,
    ) -> Self {
        Self {
            bus: bus.clone(),
            station: station.to_owned(),
            contact: contact.to_owned(),
            mission_version: mission_version.to_owned(),
            default_spacecraft,
            producers: HashMap::new(),
            latest: NO_TIME,
            received: NO_TIME,
            persist_until: None,
            counts: Counts::default(),
        }
    }

    /// Tries again what the bus refuses, until the stop is overdue.
    pub(crate) fn persisting(mut self, stop: &Arc<Stop>) -> Self {
        self.persist_until = Some(Arc::clone(stop));
        self
    }

    pub(crate) fn station(&self) -> &str {
        &self.station
    }

    pub(crate) fn contact(&self) -> &str {
        &self.contact
    }

    /// The contact that a spacecraft's records are of: a contact is with one spacecraft, others on
    /// the same link get their own.
    pub(crate) fn contact_of(&self, spacecraft: &SpacecraftName) -> String {
        if *spacecraft == self.default_spacecraft {
            self.contact.clone()
        } else {
            format!("{}-{spacecraft}", self.contact)
        }
    }

    pub(crate) fn mission_version(&self) -> &str {
        &self.mission_version
    }

    /// What follows is decoded with another version of the mission.
    pub(crate) fn set_mission_version(&mut self, version: &str) {
        version.clone_into(&mut self.mission_version);
        for producer in self.producers.values_mut() {
            producer.set_mission_version(version);
        }
    }

    pub(crate) fn frames(&mut self, block: FrameBlock) -> Result<(), StationError> {
        self.counts.frames += block.len() as u64;
        let spacecraft = block.spacecraft.clone();
        self.publish(&spacecraft, Topic::TmFrames, Payload::Frames(block))
    }

    pub(crate) fn packets(&mut self, block: PacketBlock) -> Result<(), StationError> {
        self.counts.packets += block.len() as u64;
        self.latest = block.time.iter().copied().fold(self.latest, i64::max);
        let spacecraft = block.spacecraft.clone();
        self.publish(&spacecraft, Topic::TmPackets, Payload::Packets(block))
    }

    pub(crate) fn rows(
        &mut self,
        spacecraft: &SpacecraftName,
        table: String,
        batch: arrow::record_batch::RecordBatch,
    ) -> Result<(), StationError> {
        self.counts.rows += batch.num_rows() as u64;
        self.publish(
            spacecraft,
            Topic::TmTelemetry,
            Payload::Telemetry { table, batch },
        )
    }

    /// Publishes anomalies, one record each, in blocks of one spacecraft's.
    pub(crate) fn anomalies(&mut self, anomalies: &[Anomaly]) -> Result<(), StationError> {
        let time = if self.latest == NO_TIME {
            self.received
        } else {
            self.latest
        };
        for anomaly in anomalies {
            tracing::debug!(
                contact = %self.contact,
                spacecraft = anomaly.spacecraft.as_ref().map(tracing::field::display),
                virtual_channel = anomaly.virtual_channel,
                kind = %anomaly.kind,
                position = anomaly.position,
                count = anomaly.count,
                "anomaly"
            );
            count::anomaly(anomaly.kind, anomaly.count);
            let count = self.counts.anomalies.entry(anomaly.kind).or_default();
            *count = count.saturating_add(anomaly.count);
        }
        for run in anomalies.chunk_by(|a, b| a.spacecraft == b.spacecraft) {
            for block in run.chunks(bus::BLOCK_RECORDS_MAX) {
                let texts = block
                    .iter()
                    .map(|anomaly| serde_json::to_string(&Event::of_anomaly(anomaly, time)))
                    .collect::<Result<_, _>>()?;
                let spacecraft = block[0]
                    .spacecraft
                    .clone()
                    .unwrap_or(self.default_spacecraft.clone());
                self.publish(&spacecraft, Topic::TmEvents, Payload::Json(texts))?;
            }
        }
        Ok(())
    }

    /// Publishes what was wrong with a block's fields, each placed at its first packet.
    pub(crate) fn field_anomalies(
        &mut self,
        block: &PacketBlock,
        mission: &CompiledMission,
        anomalies: &[decommutate::Anomaly],
    ) -> Result<(), StationError> {
        let mut texts = Vec::with_capacity(anomalies.len());
        for anomaly in anomalies {
            count::anomaly(anomaly.kind, anomaly.count);
            let count = self.counts.anomalies.entry(anomaly.kind).or_default();
            *count = count.saturating_add(anomaly.count);
            let first = anomaly.first_packet;
            let channel = block.virtual_channel.get(first).copied();
            let table = anomaly.table.and_then(|id| mission.table(id));
            let event = Event::of_anomaly(
                &Anomaly {
                    kind: anomaly.kind,
                    spacecraft: Some(block.spacecraft.clone()),
                    virtual_channel: channel.filter(|&channel| channel != NO_VIRTUAL_CHANNEL),
                    apid: Some(anomaly.apid),
                    position: 0,
                    count: anomaly.count,
                },
                block.time.get(first).copied().unwrap_or(NO_TIME),
            );
            let place = table.map_or("", |table| table.table.as_str());
            let message = event.message.unwrap_or_default();
            let event = Event {
                position: None,
                message: Some(format!("{message}, first in {place} {}", anomaly.field)),
                ..event
            };
            texts.push(serde_json::to_string(&event)?);
        }
        self.publish(&block.spacecraft, Topic::TmEvents, Payload::Json(texts))
    }

    /// Publishes what happened to the contact itself.
    pub(crate) fn event(&mut self, event: &Event) -> Result<(), StationError> {
        let text = serde_json::to_string(event)?;
        let spacecraft = self.default_spacecraft.clone();
        self.publish(&spacecraft, Topic::TmEvents, Payload::Json(vec![text]))
    }

    /// Notes that everything of the contact is published.
    pub(crate) fn complete(&mut self) -> Result<(), BusError> {
        let default = self.default_spacecraft.clone();
        self.producer(&default)?;
        for producer in self.producers.values() {
            producer.complete()?;
        }
        Ok(())
    }

    fn publish(
        &mut self,
        spacecraft: &SpacecraftName,
        topic: Topic,
        payload: Payload,
    ) -> Result<(), StationError> {
        let records = payload.len() as u64;
        let octets = payload.size_octets();
        let published = match self.persist_until.clone() {
            None => self.producer(spacecraft)?.publish(topic, payload)?,
            Some(stop) => stop.persist(topic, || {
                let payload = payload.clone();
                self.producer(spacecraft)?.publish(topic, payload)
            })?,
        };
        count::published(topic, records, octets as u64);
        if published == Some(Published::Duplicate) {
            self.counts.already_stored += records;
        }
        Ok(())
    }

    fn producer(&mut self, spacecraft: &SpacecraftName) -> Result<&Producer, BusError> {
        let contact = self.contact_of(spacecraft);
        match self.producers.entry(spacecraft.clone()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let producer = self.bus.producer(Headers {
                    spacecraft: spacecraft.to_string(),
                    station: self.station.clone(),
                    contact,
                    mission_version: self.mission_version.clone(),
                })?;
                Ok(entry.insert(producer))
            }
        }
    }
}
