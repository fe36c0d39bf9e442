//! Members of consumer groups, which share partitions.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::embedded::Embedded;
use crate::error::BusError;
use crate::kafka;
use crate::subscription::Subscription;
use crate::topic::Topic;

/// A change of what a member has.
pub enum Assignment {
    /// A partition to consume, from what the group has committed on.
    Assigned(Subscription),
    /// The partition goes to another member: its subscription says [`BusError::Revoked`]. Until
    /// the subscription is dropped, or [`crate::KafkaConfig::hand_over_ms_max`] is over, its
    /// commits are accepted; only then is the partition handed over.
    Revoked(Topic, u32),
    /// The partition is another member's already, because this one was not heard of in time: its
    /// commits are refused.
    Lost(Topic, u32),
}

/// A member of a consumer group.
///
/// [`Member::poll`] must be called again and again, even while nothing changes: the group takes a
/// member that does not poll for five minutes for dead.
pub struct Member(Inner);

enum Inner {
    Embedded {
        log: Embedded,
        waiting: VecDeque<Subscription>,
        woken: u64,
    },
    Kafka(Box<kafka::member::Member>),
}

impl Member {
    pub(crate) fn embedded(
        log: &Embedded,
        topics: &[Topic],
        group: &str,
    ) -> Result<Self, BusError> {
        let waiting = topics
            .iter()
            .map(|topic| log.subscribe(*topic, 0, group).map(Into::into))
            .collect::<Result<_, _>>()?;
        Ok(Self(Inner::Embedded {
            log: log.clone(),
            waiting,
            woken: log.woken(),
        }))
    }

    pub(crate) fn kafka(member: kafka::member::Member) -> Self {
        Self(Inner::Kafka(Box::new(member)))
    }

    /// Gives the next change, waiting for it at most `timeout`. `None` comes early when
    /// [`crate::Bus::wake`] is called.
    ///
    /// # Errors
    /// The group refuses this member. An unreachable cluster is no error: it is waited for.
    pub fn poll(&mut self, timeout: Duration) -> Result<Option<Assignment>, BusError> {
        match &mut self.0 {
            Inner::Embedded {
                log,
                waiting,
                woken,
            } => {
                if let Some(subscription) = waiting.pop_front() {
                    return Ok(Some(Assignment::Assigned(subscription)));
                }
                let deadline = Instant::now() + timeout;
                while log.woken() == *woken {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    std::thread::sleep(left.min(SLICE));
                }
                *woken = log.woken();
                Ok(None)
            }
            Inner::Kafka(member) => member.poll(timeout),
        }
    }
}

/// How soon a wake is noticed.
const SLICE: Duration = Duration::from_millis(20);
