//! The orderly end of a station: asked for once, overdue after a while.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bus::{BusError, Topic};

use crate::count;

/// Whether the station is to end, and until when it may take in what has arrived.
#[derive(Debug)]
pub(crate) struct Stop {
    since: OnceLock<Instant>,
    drain: Duration,
}

impl Stop {
    pub(crate) fn new(drain: Duration) -> Self {
        Self {
            since: OnceLock::new(),
            drain,
        }
    }

    pub(crate) fn request(&self) {
        self.since.get_or_init(Instant::now);
    }

    /// Links take in what has arrived already, and end.
    pub(crate) fn is_requested(&self) -> bool {
        self.since.get().is_some()
    }

    /// Links end even if more arrives.
    pub(crate) fn is_overdue(&self) -> bool {
        self.since
            .get()
            .is_some_and(|since| since.elapsed() >= self.drain)
    }

    /// Waits; comes back early when the stop is asked for, and says whether it is.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        while !self.is_requested() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(POLL));
        }
        true
    }

    /// Does it again and again while the bus or its disk refuses, until the stop is overdue.
    ///
    /// The link is not read meanwhile: TCP holds its peer back, a datagram link fills its queue.
    pub(crate) fn persist<T>(
        &self,
        topic: Topic,
        mut attempt: impl FnMut() -> Result<T, BusError>,
    ) -> Result<T, BusError> {
        let mut pause = RETRY_MIN;
        loop {
            let error = match attempt() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let may_pass = matches!(
                error,
                BusError::Io { .. } | BusError::Store { .. } | BusError::Unreachable { .. }
            );
            if !may_pass || self.is_overdue() {
                return Err(error);
            }
            count::publish_retry(topic);
            tracing::warn!(
                %topic, cause = %chain(&error), again_in = ?pause,
                "the bus does not take a block; trying it again"
            );
            std::thread::sleep(pause);
            pause = (pause * 2).min(RETRY_MAX);
        }
    }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// How soon a request to stop is noticed.
pub(crate) const POLL: Duration = Duration::from_millis(20);
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> BusError {
        BusError::Io {
            doing: "publishing",
            folder: "log".into(),
            source: std::io::ErrorKind::StorageFull.into(),
        }
    }

    #[test]
    fn a_block_is_tried_again_until_it_is_taken() {
        let stop = Stop::new(Duration::from_secs(60));
        let mut refusals = 3;
        let taken = stop.persist(Topic::TmPackets, || {
            if refusals == 0 {
                return Ok(7);
            }
            refusals -= 1;
            Err(refusal())
        });
        assert_eq!((taken.unwrap(), refusals), (7, 0));
    }

    #[test]
    fn it_is_given_up_when_the_stop_is_overdue() {
        let stop = Stop::new(Duration::ZERO);
        stop.request();
        assert!(stop.is_overdue());
        let taken: Result<(), _> = stop.persist(Topic::TmPackets, || Err(refusal()));
        assert!(taken.is_err());
    }

    #[test]
    fn a_block_that_can_never_be_published_is_not_tried_again() {
        let stop = Stop::new(Duration::from_secs(60));
        let mut attempts = 0;
        let taken: Result<(), _> = stop.persist(Topic::TmPackets, || {
            attempts += 1;
            Err(BusError::Partition {
                topic: Topic::TmPackets,
                partition: 3,
                partitions: 1,
            })
        });
        assert!(taken.is_err());
        assert_eq!(attempts, 1);
    }
}
