//! Metrics: what the process counted, as Prometheus text.

use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use schemas::metric::{ALL, BUILD_INFO, MetricKind, MetricUnit};

use crate::error::ServiceError;

/// The process's metrics. Clones show the same ones.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Collects metrics from now on; once a process.
    ///
    /// # Errors
    /// They are collected already.
    pub fn install(version: &'static str) -> Result<Self, ServiceError> {
        let failed = |error: &dyn std::fmt::Display| ServiceError::Metrics {
            reason: error.to_string(),
        };
        let mut builder = PrometheusBuilder::new();
        for metric in ALL {
            if metric.kind == MetricKind::Histogram {
                builder = builder
                    .set_buckets_for_metric(Matcher::Full(metric.name.into()), &SECONDS_BUCKETS)
                    .map_err(|error| failed(&error))?;
            }
        }
        let handle = builder.install_recorder().map_err(|error| failed(&error))?;
        for metric in ALL {
            let unit = match metric.unit {
                MetricUnit::Count => Unit::Count,
                MetricUnit::Octets => Unit::Bytes,
                MetricUnit::Seconds => Unit::Seconds,
            };
            match metric.kind {
                MetricKind::Counter => metrics::describe_counter!(metric.name, unit, metric.help),
                MetricKind::Gauge => metrics::describe_gauge!(metric.name, unit, metric.help),
                MetricKind::Histogram => {
                    metrics::describe_histogram!(metric.name, unit, metric.help);
                }
            }
        }
        metrics::gauge!(BUILD_INFO.name, "version" => version).set(1.0);
        Ok(Self(handle))
    }

    /// All metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds histogram samples together, so that they do not pile up while nobody asks; to be
    /// called every few seconds.
    pub fn tidy(&self) {
        self.0.run_upkeep();
    }
}

/// From a millisecond to a minute.
const SECONDS_BUCKETS: [f64; 15] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_come_with_their_help_and_labels() {
        let metrics = Metrics::install("1.2.3").unwrap();
        metrics::counter!("passline_station_records_total", "topic" => "tm.packets").increment(41);
        metrics::counter!("passline_station_records_total", "topic" => "tm.packets").increment(1);
        metrics::histogram!("passline_ingest_commit_seconds", "topic" => "tm.packets").record(0.3);
        metrics.tidy();
        let text = metrics.render();
        for line in [
            "# HELP passline_station_records_total Records published to the bus.",
            "# TYPE passline_station_records_total counter",
            "passline_station_records_total{topic=\"tm.packets\"} 42",
            "passline_build_info{version=\"1.2.3\"} 1",
            "passline_ingest_commit_seconds_bucket{topic=\"tm.packets\",le=\"0.2\"} 0",
            "passline_ingest_commit_seconds_bucket{topic=\"tm.packets\",le=\"0.5\"} 1",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(Metrics::install("again").is_err());
    }
}
