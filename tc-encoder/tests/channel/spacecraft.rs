//! The spacecraft's end: FARM-1, a processor that takes its time, reports at an interval.

use std::time::Duration;

use simulator::{Farm, LinkChannel, Received};

use super::FrameLayer;

pub(crate) struct Spacecraft {
    pub(crate) farm: Farm<Vec<u8>>,
    /// Between two executions, at least.
    pub(crate) execution: Duration,
    /// Between two CLCWs.
    pub(crate) report_interval: Duration,
    pub(crate) next_execution: Duration,
    pub(crate) next_report: Duration,
    /// Commands executed, in this order.
    pub(crate) executed: Vec<u32>,
    /// Reports that said Wait.
    pub(crate) waits: u64,
}

impl Spacecraft {
    pub(crate) fn receive(&mut self, layer: &mut impl FrameLayer, unit: &[u8]) {
        if let Some(frame) = layer.decode(unit) {
            self.farm.handle_frame(frame);
        }
    }

    /// What is due at `now`: an execution, a report.
    pub(crate) fn work(
        &mut self,
        layer: &mut impl FrameLayer,
        downlink: &mut LinkChannel,
        now: Duration,
    ) {
        if now >= self.next_execution {
            self.next_execution = now + self.execution;
            if let Some(Received::Ad(data) | Received::Bd(data)) = self.farm.poll_received() {
                self.execute(layer, data);
            }
        }
        if now >= self.next_report {
            self.next_report = now + self.report_interval;
            self.waits += u64::from(self.farm.clcw().wait);
            let word = self.farm.clcw().encode().expect("a report has octets");
            downlink.send(&layer.encode_report(word), now);
        }
    }

    /// Executes what is still held.
    pub(crate) fn finish(&mut self, layer: &mut impl FrameLayer) {
        while let Some(Received::Ad(data) | Received::Bd(data)) = self.farm.poll_received() {
            self.execute(layer, data);
        }
    }

    fn execute(&mut self, layer: &mut impl FrameLayer, data: Vec<u8>) {
        if let Some(data) = layer.open(data) {
            let number = data[..4].try_into().expect("commands have a number");
            self.executed.push(u32::from_be_bytes(number));
        }
    }
}
