//! Counting: metrics of the station, once a block or read, never once a record.

use bus::Topic;
use metrics::{counter, gauge};
use schemas::event::AnomalyKind;
use schemas::metric;

pub(crate) fn published(topic: Topic, records: u64, octets: u64) {
    let topic = topic.as_str();
    counter!(metric::STATION_RECORDS.name, "topic" => topic).increment(records);
    counter!(metric::STATION_PUBLISHED.name, "topic" => topic).increment(octets);
}

pub(crate) fn publish_retry(topic: Topic) {
    counter!(metric::STATION_PUBLISH_RETRIES.name, "topic" => topic.as_str()).increment(1);
}

pub(crate) fn anomaly(kind: AnomalyKind, count: u64) {
    counter!(metric::STATION_ANOMALIES.name, "kind" => kind.as_str()).increment(count);
}

/// A link's counters, looked up once.
pub(crate) struct LinkCounters {
    name: String,
    received: metrics::Counter,
    used: metrics::Counter,
}

impl LinkCounters {
    pub(crate) fn new(link: &str) -> Self {
        let name = link.to_owned();
        // Shown from the start, not only once something has happened.
        counter!(metric::STATION_CONTACTS.name, "link" => name.clone()).increment(0);
        gauge!(metric::STATION_CONTACT_ACTIVE.name, "link" => name.clone()).set(0);
        gauge!(metric::STATION_LINK_UP.name, "link" => name.clone()).set(0);
        Self {
            received: counter!(metric::STATION_RECEIVED.name, "link" => name.clone()),
            used: counter!(metric::STATION_USED.name, "link" => name.clone()),
            name,
        }
    }

    pub(crate) fn received(&self, octets: u64, used: u64) {
        self.received.increment(octets);
        self.used.increment(used);
    }

    pub(crate) fn contact(&self, active: bool) {
        if active {
            counter!(metric::STATION_CONTACTS.name, "link" => self.name.clone()).increment(1);
        }
        gauge!(metric::STATION_CONTACT_ACTIVE.name, "link" => self.name.clone())
            .set(f64::from(u8::from(active)));
    }

    pub(crate) fn up(&self, up: bool) {
        gauge!(metric::STATION_LINK_UP.name, "link" => self.name.clone())
            .set(f64::from(u8::from(up)));
    }

    pub(crate) fn connect_failure(&self) {
        counter!(metric::STATION_CONNECT_FAILURES.name, "link" => self.name.clone()).increment(1);
    }

    pub(crate) fn datagrams(&self, number: u64) {
        counter!(metric::STATION_DATAGRAMS.name, "link" => self.name.clone()).increment(number);
    }

    pub(crate) fn datagrams_dropped(&self, by: &'static str, number: u64) {
        counter!(
            metric::STATION_DATAGRAMS_DROPPED.name,
            "link" => self.name.clone(), "by" => by
        )
        .increment(number);
    }
}
