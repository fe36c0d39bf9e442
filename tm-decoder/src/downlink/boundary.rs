//! Boundaries of datagrams.

use schemas::event::{Anomaly, AnomalyKind};

use super::{Downlink, Input};

impl Downlink {
    /// A datagram has ended: no frame or packet goes on in the next one, so what is left of one is
    /// dropped and reported. CADUs are a stream of bits, found by their markers, and do go on.
    pub fn handle_boundary(&mut self) {
        let position = self.statistics.octets;
        let anomalies = &mut self.anomalies;
        let spacecraft = &self.spacecraft;
        let mut report = |kind, position, count| {
            anomalies.push_back(Anomaly {
                kind,
                spacecraft: Some(spacecraft.clone()),
                virtual_channel: None,
                apid: None,
                position,
                count,
            });
        };
        match &mut self.input {
            Input::Cadu(_) => {}
            Input::Frames(input) => {
                let left = input.partial.len() as u64;
                if left > 0 {
                    report(AnomalyKind::FrameTruncated, position - left, 1);
                    input.partial.clear();
                }
            }
            Input::Packets { stream, .. } => {
                let left = stream.handle_end(|refused| {
                    report(
                        AnomalyKind::PacketBadVersion,
                        refused.position,
                        refused.packets,
                    );
                });
                if let Some((position, _)) = left {
                    report(AnomalyKind::PacketTruncated, position, 1);
                }
            }
            Input::Edds { reader, .. } => {
                if reader.handle_end() {
                    report(AnomalyKind::BadEnvelope, position, 1);
                }
            }
        }
    }
}
