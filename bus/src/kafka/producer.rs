//! Producers on Kafka: blocks are queued here and stored by a thread of their own.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Kafka;
use super::encode::Encoded;
use super::transaction::{Link, Storing};
use crate::block::{Block, Headers};
use crate::embedded::locked;
use crate::error::BusError;
use crate::producer::Published;
use crate::topic::Topic;

/// The producer of one contact.
pub(crate) struct KafkaProducer {
    cluster: Kafka,
    shared: Arc<Shared>,
    stored: [u64; Topic::ALL.len()],
    thread: Option<JoinHandle<()>>,
}

/// What the callers and the storing thread share.
pub(crate) struct Shared {
    pub(crate) contact: String,
    pub(crate) state: Mutex<State>,
    /// Something of the state changed.
    pub(crate) changed: Condvar,
}

/// Blocks that are accepted and not acknowledged, and what is wanted.
pub(crate) struct State {
    /// In the order of publishing. Bounded by [`super::config::KafkaConfig::in_flight_octets_max`]:
    /// publishing waits while it is full.
    pub(crate) queue: VecDeque<Arc<Encoded>>,
    pub(crate) octets: usize,
    /// How many of the queue are in the open transaction.
    pub(crate) sent: usize,
    /// The sequence number after the last accepted, by topic.
    next: [u64; Topic::ALL.len()],
    /// Blocks accepted and blocks acknowledged, ever.
    accepted: u64,
    pub(crate) acknowledged: u64,
    /// The most blocks that a flush waits for.
    pub(crate) flush_to: u64,
    /// The contact is to be marked as complete, and is.
    pub(crate) completing: bool,
    pub(crate) completed: bool,
    /// Blocks are given up after this.
    pub(crate) stop_at: Option<Instant>,
    pub(crate) abandoned: bool,
    pub(crate) failure: Option<Failure>,
}

/// Why nothing more can be stored.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Fenced,
    /// Not allowed: the broker's words.
    Refused(String),
    /// The thread ended.
    Stopped,
}

impl Kafka {
    pub(crate) fn producer(&self, headers: &Arc<Headers>) -> Result<KafkaProducer, BusError> {
        let (link, progress) = Link::open(self, headers)?;
        let stored = progress.sequences();
        let shared = Arc::new(Shared {
            contact: headers.contact.clone(),
            state: Mutex::new(State {
                queue: VecDeque::new(),
                octets: 0,
                sent: 0,
                next: stored,
                accepted: 0,
                acknowledged: 0,
                flush_to: 0,
                completing: false,
                completed: false,
                stop_at: None,
                abandoned: false,
                failure: None,
            }),
            changed: Condvar::new(),
        });
        let storing = Storing::new(self, Arc::clone(&shared), link, progress);
        let thread = std::thread::Builder::new()
            .name("Kafka producer".to_owned())
            .spawn(move || storing.run())
            .map_err(BusError::Thread)?;
        Ok(KafkaProducer {
            cluster: self.clone(),
            shared,
            stored,
            thread: Some(thread),
        })
    }
}

impl KafkaProducer {
    /// The next sequence numbers as they were stored when it was opened, by topic.
    pub(crate) fn stored(&self) -> [u64; Topic::ALL.len()] {
        self.stored
    }

    pub(crate) fn publish(&self, topic: Topic, block: Block) -> Result<Published, BusError> {
        let sequence = block.sequence;
        if sequence < self.stored[topic.index()] {
            return Ok(Published::Duplicate);
        }
        let info = self.cluster.topic(topic)?;
        let encoded = Encoded::new(topic, block, info.value_octets_max)
            .map_err(|source| BusError::Publish { topic, source })?;
        let octets = encoded.octets;
        let bound = self.cluster.config().in_flight_octets_max;
        let mut state = self
            .wait(|state| state.queue.is_empty() || state.octets.saturating_add(octets) <= bound)?;
        if sequence < state.next[topic.index()] {
            return Ok(Published::Duplicate);
        }
        state.next[topic.index()] = sequence.saturating_add(1);
        state.queue.push_back(Arc::new(encoded));
        state.octets = state.octets.saturating_add(octets);
        state.accepted += 1;
        drop(state);
        self.shared.changed.notify_all();
        Ok(Published::Stored)
    }

    pub(crate) fn flush(&self) -> Result<(), BusError> {
        let mut state = locked(&self.shared.state);
        let ticket = state.accepted;
        state.flush_to = state.flush_to.max(ticket);
        drop(state);
        self.shared.changed.notify_all();
        self.wait(|state| state.acknowledged >= ticket).map(drop)
    }

    pub(crate) fn complete(&self) -> Result<(), BusError> {
        locked(&self.shared.state).completing = true;
        self.shared.changed.notify_all();
        self.wait(|state| state.completed && state.acknowledged >= state.accepted)
            .map(drop)
    }

    pub(crate) fn abandon(&self) {
        locked(&self.shared.state).abandoned = true;
        self.shared.changed.notify_all();
    }

    /// Waits until something is so, or can never be.
    fn wait(&self, done: impl Fn(&State) -> bool) -> Result<MutexGuard<'_, State>, BusError> {
        let mut state = locked(&self.shared.state);
        loop {
            if let Some(failure) = &state.failure {
                let contact = self.shared.contact.clone();
                return Err(match failure {
                    Failure::Fenced => BusError::Fenced { contact },
                    Failure::Refused(reason) => BusError::Authorization {
                        doing: "publishing",
                        servers: self.cluster.servers().to_owned(),
                        reason: reason.clone(),
                    },
                    Failure::Stopped => BusError::Abandoned {
                        contact,
                        octets: state.octets as u64,
                    },
                });
            }
            if done(&state) {
                return Ok(state);
            }
            if state.abandoned {
                return Err(BusError::Abandoned {
                    contact: self.shared.contact.clone(),
                    octets: state.octets as u64,
                });
            }
            state = self
                .shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for KafkaProducer {
    fn drop(&mut self) {
        locked(&self.shared.state).stop_at = Some(Instant::now() + GIVE_UP_AFTER);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It gives up by itself; a panic in it has been reported.
            let _ = thread.join();
        }
    }
}

/// How long a dropped producer tries to store what was not flushed.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);
