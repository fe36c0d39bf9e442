//! What a downlink gives, decommutated and handed to the publisher.

use std::sync::Arc;

use schemas::layout::CompiledMission;
use schemas::record::PacketBlock;
use schemas::tables::Source;
use tm_decoder::decommutate::Decommutator;
use tm_decoder::downlink::Downlink;

use crate::error::StationError;
use crate::publish::Publisher;

/// Where decoded blocks go.
pub(crate) struct Contents {
    pub(crate) publisher: Publisher,
    decommutator: Option<Decommutator>,
    source: Source,
}

impl Contents {
    pub(crate) fn new(publisher: Publisher, layouts: Option<Arc<CompiledMission>>) -> Self {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        Self {
            source: Source {
                spacecraft: String::new(),
                station: named(publisher.station()),
                contact: named(publisher.contact()),
                mission_version: named(publisher.mission_version()),
            },
            decommutator: layouts.map(Decommutator::new),
            publisher,
        }
    }

    /// Decodes what follows with another version of the mission database.
    pub(crate) fn adopt(&mut self, layouts: Option<Arc<CompiledMission>>, version: &str) {
        self.decommutator = layouts.map(Decommutator::new);
        self.source.mission_version = Some(version.to_owned());
        self.publisher.set_mission_version(version);
    }

    /// Publishes everything that the downlink has ready.
    pub(crate) fn drain(&mut self, downlink: &mut Downlink) -> Result<(), StationError> {
        while let Some(block) = downlink.poll_frames() {
            self.publisher.frames(block)?;
        }
        while let Some(block) = downlink.poll_packets() {
            self.packets(block)?;
        }
        let anomalies: Vec<_> = std::iter::from_fn(|| downlink.poll_anomaly()).collect();
        self.publisher.anomalies(&anomalies)
    }

    /// Publishes a block's rows, then the block.
    fn packets(&mut self, block: PacketBlock) -> Result<(), StationError> {
        if let Some(decommutator) = &mut self.decommutator {
            if self.source.spacecraft != block.spacecraft.as_str() {
                self.source.spacecraft = block.spacecraft.to_string();
                let contact = self.publisher.contact_of(&block.spacecraft);
                self.source.contact = (!contact.is_empty()).then_some(contact);
            }
            let decoded = decommutator.decode(&block, &self.source)?;
            let mission = Arc::clone(decommutator.mission());
            for (id, batch) in decoded.batches {
                if let Some(table) = mission.table(id) {
                    self.publisher
                        .rows(&block.spacecraft, table.table.clone(), batch)?;
                }
            }
            self.publisher
                .field_anomalies(&block, &mission, &decoded.anomalies)?;
        }
        self.publisher.packets(block)
    }
}
