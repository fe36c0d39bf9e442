//! Every metric that a service counts: its name, kind, unit, labels and help text.
//!
//! Whoever counts takes the name from here, and whoever shows metrics takes the help from here.
//! Names follow Prometheus: `passline_<crate>_<what>_<unit>`, counters end in `_total`.

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution over buckets.
    Histogram,
}

/// What a metric's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricUnit {
    /// Things counted.
    Count,
    /// Octets.
    Octets,
    /// Seconds.
    Seconds,
}

/// A metric's declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: MetricKind,
    /// What its numbers are.
    pub unit: MetricUnit,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What it tells, in one sentence.
    pub help: &'static str,
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind: MetricKind::Counter,
        unit: MetricUnit::Count,
        labels,
        help,
    }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric {
        kind: MetricKind::Gauge,
        ..counter(name, labels, help)
    }
}

const fn octets(metric: Metric) -> Metric {
    Metric {
        unit: MetricUnit::Octets,
        ..metric
    }
}

/// 1, with the version of the program as a label.
pub const BUILD_INFO: Metric = gauge(
    "passline_build_info",
    &["version"],
    "Always 1; the label tells the version of the program.",
);
/// Octets that a link received.
pub const STATION_RECEIVED: Metric = octets(counter(
    "passline_station_received_octets_total",
    &["link"],
    "Octets received by a link.",
));
/// Octets that became frames or packets.
pub const STATION_USED: Metric = octets(counter(
    "passline_station_used_octets_total",
    &["link"],
    "Octets received by a link that are part of a frame or packet.",
));
/// Records published.
pub const STATION_RECORDS: Metric = counter(
    "passline_station_records_total",
    &["topic"],
    "Records published to the bus.",
);
/// Octets published.
pub const STATION_PUBLISHED: Metric = octets(counter(
    "passline_station_published_octets_total",
    &["topic"],
    "Octets of the records published to the bus.",
));
/// Anomalies, in the unit of their kind.
pub const STATION_ANOMALIES: Metric = counter(
    "passline_station_anomalies_total",
    &["kind"],
    "Anomalies found in what was received, each in the unit of its kind.",
);
/// Times that the bus refused a block.
pub const STATION_PUBLISH_RETRIES: Metric = counter(
    "passline_station_publish_retries_total",
    &["topic"],
    "Times that the bus did not take a block and it was tried again.",
);
/// Contacts begun.
pub const STATION_CONTACTS: Metric = counter(
    "passline_station_contacts_total",
    &["link"],
    "Contacts begun on a link.",
);
/// Whether a contact is going on.
pub const STATION_CONTACT_ACTIVE: Metric = gauge(
    "passline_station_contact_active",
    &["link"],
    "1 while a contact is going on on a link.",
);
/// Whether a link can receive.
pub const STATION_LINK_UP: Metric = gauge(
    "passline_station_link_up",
    &["link"],
    "1 while a link is connected or, without connections, bound.",
);
/// Failed attempts to connect.
pub const STATION_CONNECT_FAILURES: Metric = counter(
    "passline_station_connect_failures_total",
    &["link"],
    "Attempts of a link to connect that failed.",
);
/// Datagrams received.
pub const STATION_DATAGRAMS: Metric = counter(
    "passline_station_datagrams_total",
    &["link"],
    "Datagrams received by a link.",
);
/// Datagrams lost on this machine.
pub const STATION_DATAGRAMS_DROPPED: Metric = counter(
    "passline_station_datagrams_dropped_total",
    &["link", "by"],
    "Datagrams dropped on this machine, by the kernel (receive buffer full) or the queue behind it.",
);
/// Records consumed.
pub const INGEST_RECORDS: Metric = counter(
    "passline_ingest_records_total",
    &["topic", "partition"],
    "Records consumed from the bus.",
);
/// Octets consumed.
pub const INGEST_CONSUMED: Metric = octets(counter(
    "passline_ingest_consumed_octets_total",
    &["topic", "partition"],
    "Octets consumed from the bus.",
));
/// Rows committed.
pub const INGEST_ROWS: Metric = counter(
    "passline_ingest_rows_total",
    &["table"],
    "Rows committed to a table.",
);
/// Octets of Parquet files committed.
pub const INGEST_STORED: Metric = octets(counter(
    "passline_ingest_stored_octets_total",
    &["table"],
    "Octets of the Parquet files committed to a table.",
));
/// Records published and not yet committed.
pub const INGEST_LAG: Metric = gauge(
    "passline_ingest_lag_records",
    &["topic", "partition"],
    "Records published and not yet committed to the tables.",
);
/// How long a flush takes.
pub const INGEST_COMMIT: Metric = Metric {
    name: "passline_ingest_commit_seconds",
    kind: MetricKind::Histogram,
    unit: MetricUnit::Seconds,
    labels: &["topic"],
    help: "Time to write and commit all tables of a topic once.",
};
/// Records that could not be read.
pub const INGEST_DEAD_LETTERS: Metric = counter(
    "passline_ingest_dead_letters_total",
    &["topic"],
    "Records that could not be read.",
);
/// Rows of frames and packets that came from another contact too.
pub const INGEST_DUPLICATES: Metric = counter(
    "passline_ingest_duplicates_total",
    &["table"],
    "Rows of frames and packets that came from another contact too, the worse copies.",
);

/// Every metric.
pub const ALL: [&Metric; 21] = [
    &BUILD_INFO,
    &STATION_RECEIVED,
    &STATION_USED,
    &STATION_RECORDS,
    &STATION_PUBLISHED,
    &STATION_ANOMALIES,
    &STATION_PUBLISH_RETRIES,
    &STATION_CONTACTS,
    &STATION_CONTACT_ACTIVE,
    &STATION_LINK_UP,
    &STATION_CONNECT_FAILURES,
    &STATION_DATAGRAMS,
    &STATION_DATAGRAMS_DROPPED,
    &INGEST_RECORDS,
    &INGEST_CONSUMED,
    &INGEST_ROWS,
    &INGEST_STORED,
    &INGEST_LAG,
    &INGEST_COMMIT,
    &INGEST_DEAD_LETTERS,
    &INGEST_DUPLICATES,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        let mut names = std::collections::BTreeSet::new();
        for metric in ALL {
            assert!(names.insert(metric.name), "{} twice", metric.name);
            assert!(metric.name.starts_with("passline_"), "{}", metric.name);
            assert!(
                metric
                    .name
                    .bytes()
                    .all(|octet| octet.is_ascii_lowercase() || octet == b'_'),
                "{}",
                metric.name
            );
            let is_counter = metric.kind == MetricKind::Counter;
            assert_eq!(
                metric.name.ends_with("_total"),
                is_counter,
                "{}",
                metric.name
            );
            let unit = match metric.unit {
                MetricUnit::Count => "",
                MetricUnit::Octets => "octets",
                MetricUnit::Seconds => "seconds",
            };
            assert!(metric.name.contains(unit), "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.help);
        }
    }
}
