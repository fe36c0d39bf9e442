//! The storing thread of a producer: queue to transactions, each block once.
//!
//! ```text
//!          blocks                     size, age or flush
//! idle ------------> in transaction ----------------------> commit --ok--> idle
//!                        |   ^                                |
//!                        |   +---- abort, send again <--------+ abortable
//!                        +-> reopen: new client, read progress, send what is not stored
//! ```
//!
//! Whatever is not clear (a fatal error, a commit without answer) ends in a new client: beginning
//! it ends the old one's transaction for good, and the stored progress then says what became of
//! it. Where that progress has another owner, another process has taken over the contact.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Timestamp, ToBytes};
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};

use super::Kafka;
use super::client::Context;
use super::encode::Encoded;
use super::producer::{Failure, Shared, State};
use super::progress::{self, Progress, Until};
use crate::block::Headers;
use crate::embedded::locked;
use crate::error::BusError;

/// A client whose transactional identity is the contact's.
pub(crate) struct Link {
    cluster: Kafka,
    client: ThreadedProducer<Context>,
    headers: Arc<Headers>,
    progress_topic: String,
}

/// What went wrong in a transaction.
enum Trouble {
    /// The transaction is lost, the client is not.
    Abort(String),
    /// The client is of no use any more.
    Reopen(String),
    /// It will never work.
    Fail(Failure),
    /// Nobody waits any longer.
    GiveUp,
}

impl Link {
    /// Takes over the contact and says so in its progress.
    pub(crate) fn open(
        cluster: &Kafka,
        headers: &Arc<Headers>,
    ) -> Result<(Self, Progress), BusError> {
        let owner = identity();
        let mut tries = 0;
        loop {
            let (link, stored) = Self::begin(cluster, headers)?;
            if let Some(stored) = &stored {
                stored.state().check_version(headers)?;
            }
            let mut progress = stored.unwrap_or_else(|| Progress {
                mission_version: headers.mission_version.clone(),
                ..Progress::default()
            });
            progress.owner.clone_from(&owner);
            let registered = link
                .client
                .begin_transaction()
                .and_then(|()| link.send_progress(&progress))
                .and_then(|()| link.client.commit_transaction(cluster.timeout()));
            match registered {
                Ok(()) => return Ok((link, progress)),
                // A producer that this one fences may strike back before it sees the new owner.
                Err(error) if tries >= OPEN_TRIES_MAX => {
                    return Err(cluster.explain(OPENING, error));
                }
                Err(error) => tracing::debug!(%error, "opening a producer again"),
            }
            tries += 1;
        }
    }

    /// A new client, which ends what an earlier one of this contact left open, and what is stored
    /// of the contact then.
    fn begin(
        cluster: &Kafka,
        headers: &Arc<Headers>,
    ) -> Result<(Self, Option<Progress>), BusError> {
        let config = cluster.config();
        cluster.progress_topic()?;
        let identity = match config.topic_prefix.trim_end_matches('.') {
            "" => format!("passline-{}", headers.contact),
            prefix => format!("passline-{prefix}-{}", headers.contact),
        };
        let timeout = config.transaction_timeout_ms.to_string();
        let mut settings = cluster.sender();
        settings
            .set("transactional.id", identity)
            .set("transaction.timeout.ms", &timeout)
            .set("message.timeout.ms", &timeout);
        let client: ThreadedProducer<Context> = settings
            .create_with_context(cluster.context())
            .map_err(|error| cluster.explain(OPENING, error))?;
        let deadline = Instant::now() + cluster.timeout();
        while let Err(error) = client.init_transactions(SLICE) {
            if let Some(refusal) = client.context().refusal() {
                return Err(refusal);
            }
            let again = matches!(&error, KafkaError::Transaction(error) if error.is_retriable());
            if !again || Instant::now() > deadline {
                return Err(cluster.explain(OPENING, error));
            }
        }
        let stored = progress::read(cluster, &headers.contact, Until::Written)?;
        let link = Self {
            cluster: cluster.clone(),
            client,
            headers: Arc::clone(headers),
            progress_topic: config.prefixed(progress::TOPIC),
        };
        Ok((link, stored))
    }

    fn send_progress(&self, progress: &Progress) -> Result<(), KafkaError> {
        let contact = &self.headers.contact;
        let value = serde_json::to_vec(progress)
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        let record = BaseRecord::to(&self.progress_topic)
            .partition(progress::partition(contact))
            .key(contact.as_bytes())
            .payload(&value);
        self.send(record)
    }

    /// Hands a record to the library, waiting while its queue is full.
    fn send<P: ToBytes + ?Sized>(
        &self,
        mut record: BaseRecord<'_, [u8], P>,
    ) -> Result<(), KafkaError> {
        loop {
            match self.client.send(record) {
                Ok(()) => return Ok(()),
                Err((error, back)) if is_full(&error) => {
                    record = back;
                    std::thread::sleep(QUEUE_FULL_WAIT);
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    fn send_block(&self, block: &Encoded) -> Result<(), KafkaError> {
        let topic = self.cluster.config().prefixed(block.topic.as_str());
        let key = self.headers.spacecraft.as_bytes();
        // The library would ask the clock for each record.
        let now = Timestamp::from(SystemTime::now())
            .to_millis()
            .unwrap_or_default();
        block.each(|value, headers| {
            let record = BaseRecord::to(&topic).key(key).payload(value);
            self.send(record.timestamp(now).headers(headers))
        })
    }
}

/// The storing thread.
pub(crate) struct Storing {
    cluster: Kafka,
    shared: Arc<Shared>,
    link: Link,
    progress: Progress,
    /// When the open transaction began.
    begun: Option<Instant>,
    /// Octets in it.
    octets: usize,
}

/// What to do next.
enum Step {
    Send(Arc<Encoded>),
    Commit,
    End,
}

impl Storing {
    pub(crate) fn new(
        cluster: &Kafka,
        shared: Arc<Shared>,
        link: Link,
        progress: Progress,
    ) -> Self {
        Self {
            cluster: cluster.clone(),
            shared,
            link,
            progress,
            begun: None,
            octets: 0,
        }
    }

    pub(crate) fn run(mut self) {
        let failure = loop {
            let done = match self.next_step() {
                Step::Send(block) => self.send(&block),
                Step::Commit => self.commit(),
                Step::End => break Failure::Stopped,
            };
            self.cluster.listen();
            if let Err(trouble) = done
                && let Err(failure) = self.recover(trouble)
            {
                break failure;
            }
        };
        if self.begun.is_some() {
            // Consumers need not wait until the cluster ends it.
            let _ = self.link.client.abort_transaction(Duration::from_secs(1));
        }
        let mut state = locked(&self.shared.state);
        if !state.queue.is_empty() {
            tracing::warn!(
                contact = %self.shared.contact, octets = state.octets, ?failure,
                "blocks were not stored; publish them again"
            );
        }
        state.failure = Some(failure);
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Waits for something to do.
    fn next_step(&self) -> Step {
        let config = self.cluster.config();
        let age_max = Duration::from_millis(config.transaction_age_ms_max);
        let mut state = locked(&self.shared.state);
        loop {
            if state.is_given_up() {
                return Step::End;
            }
            let is_full = self.octets >= config.transaction_octets;
            if let Some(block) = state.queue.get(state.sent)
                && !is_full
            {
                return Step::Send(Arc::clone(block));
            }
            let age = self.begun.map(|begun| begun.elapsed());
            let wanted = state.flush_to > state.acknowledged
                || state.stop_at.is_some()
                || is_full
                || age.is_some_and(|age| age >= age_max);
            let completing = state.completing && !state.completed;
            if (state.sent > 0 && wanted) || completing {
                return Step::Commit;
            }
            if state.stop_at.is_some() && state.queue.is_empty() {
                return Step::End;
            }
            let left = age.map_or(IDLE, |age| age_max.saturating_sub(age));
            state = self
                .shared
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn send(&mut self, block: &Encoded) -> Result<(), Trouble> {
        self.begin()?;
        self.link.send_block(block).map_err(trouble)?;
        self.progress
            .set_next(block.topic, block.sequence.saturating_add(1));
        self.octets = self.octets.saturating_add(block.octets);
        locked(&self.shared.state).sent += 1;
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Trouble> {
        if self.begun.is_none() {
            self.link.client.begin_transaction().map_err(trouble)?;
            self.begun = Some(Instant::now());
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Trouble> {
        self.begin()?;
        let completing = locked(&self.shared.state).completing;
        self.progress.complete |= completing;
        self.link.send_progress(&self.progress).map_err(trouble)?;
        loop {
            match self.link.client.commit_transaction(SLICE) {
                Ok(()) => break,
                Err(KafkaError::Transaction(error)) if !error.is_retriable() => {
                    return Err(trouble(KafkaError::Transaction(error)));
                }
                // No answer yet, which says nothing; asking again goes on with the same commit.
                Err(error) => {
                    self.link.client.context().note_down(&error.to_string());
                    if locked(&self.shared.state).is_given_up() {
                        return Err(Trouble::GiveUp);
                    }
                }
            }
        }
        self.link.client.context().note_up();
        self.begun = None;
        self.octets = 0;
        let mut state = locked(&self.shared.state);
        let sent = std::mem::take(&mut state.sent);
        state.acknowledge(sent);
        state.completed |= self.progress.complete;
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }

    fn recover(&mut self, trouble: Trouble) -> Result<(), Failure> {
        let reason = match trouble {
            Trouble::Fail(failure) => return Err(failure),
            Trouble::GiveUp => return Err(Failure::Stopped),
            Trouble::Abort(reason) => {
                self.link.client.context().note_down(&reason);
                tracing::debug!(contact = %self.shared.contact, reason, "a transaction is aborted");
                match self.link.client.abort_transaction(ABORT_WAIT) {
                    Ok(()) => {
                        self.begun = None;
                        self.octets = 0;
                        let mut state = locked(&self.shared.state);
                        state.sent = 0;
                        // Sequence numbers of the aborted transaction are given again.
                        for block in state.queue.iter().rev() {
                            self.progress.set_next(block.topic, block.sequence);
                        }
                        return Ok(());
                    }
                    Err(error) => error.to_string(),
                }
            }
            Trouble::Reopen(reason) => reason,
        };
        tracing::debug!(contact = %self.shared.contact, reason, "a producer is opened again");
        loop {
            match self.reopen() {
                Ok(()) => return Ok(()),
                Err(Some(failure)) => return Err(failure),
                Err(None) => {}
            }
            if locked(&self.shared.state).is_given_up() {
                return Err(Failure::Stopped);
            }
            std::thread::sleep(REOPEN_WAIT);
        }
    }

    /// `Err(None)` is worth another try.
    fn reopen(&mut self) -> Result<(), Option<Failure>> {
        let headers = Arc::clone(&self.link.headers);
        let (link, stored) = Link::begin(&self.cluster, &headers).map_err(|error| match error {
            BusError::Authorization { reason, .. } => Some(Failure::Refused(reason)),
            error => {
                self.link.client.context().note_down(&error.to_string());
                None
            }
        })?;
        let stored = stored.unwrap_or_default();
        if stored.owner != self.progress.owner {
            return Err(Some(Failure::Fenced));
        }
        link.client.context().note_up();
        self.link = link;
        self.begun = None;
        self.octets = 0;
        let mut state = locked(&self.shared.state);
        state.sent = 0;
        // A commit whose answer was lost may have stored the first blocks of the queue.
        let is_stored = |block: &Arc<Encoded>| block.sequence < stored.next(block.topic);
        let kept = state
            .queue
            .iter()
            .take_while(|block| is_stored(block))
            .count();
        state.acknowledge(kept);
        state.completed = stored.complete;
        self.progress = stored;
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl State {
    fn acknowledge(&mut self, blocks: usize) {
        for block in self.queue.drain(..blocks) {
            self.octets = self.octets.saturating_sub(block.octets);
        }
        self.acknowledged += blocks as u64;
    }

    fn is_given_up(&self) -> bool {
        self.abandoned || self.stop_at.is_some_and(|at| Instant::now() >= at)
    }
}

fn is_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(Code::QueueFull)
}

/// What an error in a transaction calls for.
fn trouble(error: KafkaError) -> Trouble {
    let reason = error.to_string();
    match &error {
        KafkaError::Transaction(error) if error.txn_requires_abort() => Trouble::Abort(reason),
        _ => match error.rdkafka_error_code() {
            Some(
                Code::TopicAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed,
            ) => Trouble::Fail(Failure::Refused(reason)),
            // Sending after the transaction has failed.
            Some(Code::State | Code::PurgeQueue | Code::PurgeInflight) => Trouble::Abort(reason),
            _ => Trouble::Reopen(reason),
        },
    }
}

/// A name that no other producer has.
fn identity() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{}-{random:016x}", std::process::id())
}

const OPENING: &str = "opening a producer";
const OPEN_TRIES_MAX: u32 = 5;
/// How long the library is let alone before it is asked whether anybody still waits.
const SLICE: Duration = Duration::from_secs(1);
const ABORT_WAIT: Duration = Duration::from_secs(5);
const REOPEN_WAIT: Duration = Duration::from_millis(500);
const QUEUE_FULL_WAIT: Duration = Duration::from_millis(1);
/// Nothing is in work: only a change of the state matters.
const IDLE: Duration = Duration::from_secs(3_600);
