//! Subscriptions on Kafka: one partition, by itself or as a member of a group has it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::Kafka;
use super::client::{Context, is_transient};
use super::member::GroupContext;
use super::reader::{RawRecord, Reader};
use super::tenure::Hold;
use crate::block::Record;
use crate::dead_letter::DeadLetter;
use crate::error::{BusError, CodecError};
use crate::topic::{Offset, Topic};

/// Reads one partition.
pub(crate) struct Subscription {
    cluster: Kafka,
    topic: Topic,
    partition: u32,
    name: String,
    source: Source,
    reader: Reader,
    /// Offset after what was given.
    position: Offset,
    /// Offset after what was read.
    read_to: Offset,
    /// What is to be said once the block before it is given.
    waiting: Option<(BusError, Offset)>,
    at_end: bool,
    woken: u64,
}

enum Source {
    /// A consumer of its own; `true` if the group's offsets are its to commit.
    Own(BaseConsumer<Context>, bool),
    /// A queue of a member's consumer.
    Shared {
        queue: PartitionQueue<GroupContext>,
        consumer: Arc<BaseConsumer<GroupContext>>,
        hold: Hold,
    },
}

impl Kafka {
    pub(crate) fn subscribe(
        &self,
        topic: Topic,
        partition: u32,
        group: &str,
    ) -> Result<Subscription, BusError> {
        let consumer = self.own_consumer(topic, partition, group)?;
        let name = self.config().prefixed(topic.as_str());
        let committed = committed(self, &consumer, &[(name, partition)])?;
        let from = committed.first().copied().flatten();
        self.own_subscription(topic, partition, consumer, from, true)
    }

    pub(crate) fn read_from(
        &self,
        topic: Topic,
        partition: u32,
        from: Offset,
    ) -> Result<Subscription, BusError> {
        let consumer = self.own_consumer(topic, partition, "passline-reader")?;
        // Below the first offset is at the first offset, as in the embedded log.
        let (first, _) = self.offsets(topic, partition)?;
        self.own_subscription(topic, partition, consumer, Some(from.max(first)), false)
    }

    fn own_consumer(
        &self,
        topic: Topic,
        partition: u32,
        group: &str,
    ) -> Result<BaseConsumer<Context>, BusError> {
        self.check_partition(topic, partition)?;
        self.consumer(group)
            .create_with_context(self.context())
            .map_err(|error| self.explain(SUBSCRIBING, error))
    }

    fn own_subscription(
        &self,
        topic: Topic,
        partition: u32,
        consumer: BaseConsumer<Context>,
        from: Option<Offset>,
        commits: bool,
    ) -> Result<Subscription, BusError> {
        let (position, lost) = self.position(topic, partition, from)?;
        let assignment = self.assignment(topic, partition, position)?;
        consumer
            .assign(&assignment)
            .map_err(|error| self.explain(SUBSCRIBING, error))?;
        let source = Source::Own(consumer, commits);
        Ok(Subscription::new(
            self,
            (topic, partition),
            source,
            position,
            lost,
        ))
    }

    /// Where to begin, and what is lost before it: a group that has committed nothing begins at the
    /// first offset.
    pub(crate) fn position(
        &self,
        topic: Topic,
        partition: u32,
        committed: Option<Offset>,
    ) -> Result<(Offset, Option<BusError>), BusError> {
        let (first, end) = self.offsets(topic, partition)?;
        match committed {
            None => Ok((first, None)),
            Some(from) if from >= first && from <= end.max(first) => Ok((from, None)),
            // Deleted by retention, or the topic was made anew.
            Some(from) => Ok((first, Some(missing(topic, partition, from, first)))),
        }
    }

    pub(crate) fn assignment(
        &self,
        topic: Topic,
        partition: u32,
        position: Offset,
    ) -> Result<TopicPartitionList, BusError> {
        let mut list = TopicPartitionList::new();
        let name = self.config().prefixed(topic.as_str());
        list.add_partition_offset(&name, partition as i32, kafka_offset(position))
            .map_err(|error| self.explain(SUBSCRIBING, error))?;
        Ok(list)
    }
}

/// What a group has committed of each partition.
pub(crate) fn committed<C: rdkafka::consumer::ConsumerContext>(
    cluster: &Kafka,
    consumer: &BaseConsumer<C>,
    places: &[(String, u32)],
) -> Result<Vec<Option<Offset>>, BusError> {
    let mut list = TopicPartitionList::new();
    for (name, partition) in places {
        list.add_partition(name, *partition as i32);
    }
    let deadline = Instant::now() + cluster.timeout();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match consumer.committed_offsets(list.clone(), left.min(Duration::from_secs(5))) {
            Ok(found) => {
                return Ok(places
                    .iter()
                    .map(|(name, partition)| {
                        let element = found.find_partition(name, *partition as i32)?;
                        match element.offset() {
                            rdkafka::Offset::Offset(offset) => offset.try_into().ok(),
                            _ => None,
                        }
                    })
                    .collect());
            }
            Err(error) => {
                let again = error.rdkafka_error_code().is_some_and(is_transient);
                if !again || left.is_zero() {
                    return Err(cluster.explain("asking what the group has committed", error));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

impl Subscription {
    pub(crate) fn shared(
        cluster: &Kafka,
        place: (Topic, u32),
        queue: PartitionQueue<GroupContext>,
        consumer: Arc<BaseConsumer<GroupContext>>,
        hold: Hold,
        (position, lost): (Offset, Option<BusError>),
    ) -> Self {
        let source = Source::Shared {
            queue,
            consumer,
            hold,
        };
        Self::new(cluster, place, source, position, lost)
    }

    fn new(
        cluster: &Kafka,
        (topic, partition): (Topic, u32),
        source: Source,
        position: Offset,
        lost: Option<BusError>,
    ) -> Self {
        Self {
            cluster: cluster.clone(),
            topic,
            partition,
            name: cluster.config().prefixed(topic.as_str()),
            source,
            reader: Reader::new(topic, partition),
            position,
            read_to: position,
            waiting: lost.map(|error| (error, position)),
            at_end: false,
            woken: cluster.woken(),
        }
    }

    pub(crate) fn topic(&self) -> Topic {
        self.topic
    }

    pub(crate) fn partition(&self) -> u32 {
        self.partition
    }

    pub(crate) fn position(&self) -> Offset {
        self.position
    }

    pub(crate) fn at_end(&self) -> bool {
        self.at_end && self.reader.is_empty() && self.waiting.is_none()
    }

    pub(crate) fn poll(&mut self, timeout: Duration) -> Result<Option<Arc<Record>>, BusError> {
        let deadline = Instant::now() + timeout;
        loop {
            if !self.source.is_current() {
                return Err(self.revoked());
            }
            if self.reader.is_full() || (self.waiting.is_some() && !self.reader.is_empty()) {
                return Ok(self.reader.take().map(|record| self.give(record)));
            }
            if let Some((error, next)) = self.waiting.take() {
                self.position = self.position.max(next);
                return Err(error);
            }
            // While a block is begun, only what is there already goes on with it.
            let slice = if self.reader.is_empty() {
                deadline
                    .saturating_duration_since(Instant::now())
                    .min(SLICE)
            } else {
                Duration::ZERO
            };
            let taken = match self.source.next(slice) {
                Some(Ok(message)) => {
                    self.cluster.note_up();
                    self.at_end = false;
                    take(
                        &mut self.reader,
                        (self.topic, self.partition),
                        &message,
                        &mut self.read_to,
                    )
                }
                Some(Err(error)) => {
                    self.handle(error)?;
                    continue;
                }
                None => {
                    self.cluster.listen();
                    if let Some(record) = self.reader.take() {
                        return Ok(Some(self.give(record)));
                    }
                    let woken = self.cluster.woken();
                    if woken != self.woken || Instant::now() >= deadline {
                        self.woken = woken;
                        return Ok(None);
                    }
                    continue;
                }
            };
            match taken {
                Ok(None) => {}
                Ok(Some(record)) => return Ok(Some(self.give(record))),
                Err(letter) => {
                    let next = letter.offset.saturating_add(1);
                    self.waiting = Some((BusError::Unreadable(letter), next));
                }
            }
        }
    }

    fn give(&mut self, record: Record) -> Arc<Record> {
        self.position = record.end;
        Arc::new(record)
    }

    fn handle(&mut self, error: KafkaError) -> Result<(), BusError> {
        match &error {
            KafkaError::PartitionEOF(_) => {
                self.cluster.note_up();
                self.at_end = true;
                Ok(())
            }
            _ => match error.rdkafka_error_code() {
                Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => self.skip_lost(),
                Some(code) if is_transient(code) => Ok(()),
                // The library reports these and goes on by itself.
                Some(Code::Authentication | Code::SSL | Code::UnknownTopicOrPartition) => {
                    tracing::debug!(%error, topic = %self.topic, "consuming");
                    Ok(())
                }
                _ => Err(self.cluster.explain("consuming", error)),
            },
        }
    }

    /// What is wanted next is not there any more: says so and goes on at the first offset there is.
    fn skip_lost(&mut self) -> Result<(), BusError> {
        let (first, _) = self.cluster.offsets(self.topic, self.partition)?;
        let offset = kafka_offset(first);
        let partition = self.partition as i32;
        let seek = Duration::from_secs(10);
        match &self.source {
            Source::Own(consumer, _) => consumer.seek(&self.name, partition, offset, seek),
            Source::Shared { consumer, .. } => consumer.seek(&self.name, partition, offset, seek),
        }
        .map_err(|error| self.cluster.explain("consuming", error))?;
        let lost = missing(self.topic, self.partition, self.read_to, first);
        self.read_to = first;
        self.waiting = Some((lost, first));
        Ok(())
    }

    pub(crate) fn commit(&mut self, up_to: Offset) -> Result<(), BusError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, self.partition as i32, kafka_offset(up_to))
            .map_err(|error| self.cluster.explain(COMMITTING, error))?;
        let started = Instant::now();
        loop {
            let result = match &self.source {
                Source::Own(_, false) => return Ok(()),
                Source::Own(consumer, true) => consumer.commit(&list, CommitMode::Sync),
                Source::Shared { hold, .. } if !hold.0.may_commit() => {
                    return Err(self.revoked());
                }
                Source::Shared { consumer, .. } => consumer.commit(&list, CommitMode::Sync),
            };
            let Err(error) = result else {
                return Ok(());
            };
            let code = error.rdkafka_error_code();
            let again = match code {
                Some(Code::NoOffset) => return Ok(()),
                // The group is changing: this member's turn comes, or its tenure ends.
                Some(
                    Code::IllegalGeneration
                    | Code::UnknownMemberId
                    | Code::FencedInstanceId
                    | Code::AssignmentLost
                    | Code::RebalanceInProgress,
                ) => match &self.source {
                    Source::Own(..) => return Err(self.revoked()),
                    Source::Shared { .. } => true,
                },
                Some(code) => is_transient(code),
                None => false,
            };
            if !again || started.elapsed() > COMMIT_WAIT || self.cluster.woken() != self.woken {
                return Err(self.cluster.explain(COMMITTING, error));
            }
            std::thread::sleep(COMMIT_RETRY);
        }
    }

    fn revoked(&self) -> BusError {
        BusError::Revoked {
            topic: self.topic,
            partition: self.partition,
        }
    }
}

impl Source {
    fn is_current(&self) -> bool {
        match self {
            Self::Own(..) => true,
            Self::Shared { hold, .. } => hold.0.is_current(),
        }
    }

    fn next(&self, timeout: Duration) -> Option<KafkaResult<BorrowedMessage<'_>>> {
        match self {
            Self::Own(consumer, _) => consumer.poll(timeout),
            Self::Shared { queue, .. } => queue.poll(timeout),
        }
    }
}

/// Takes a message into the block in work.
fn take(
    reader: &mut Reader,
    (topic, partition): (Topic, u32),
    message: &BorrowedMessage<'_>,
    read_to: &mut Offset,
) -> Result<Option<Record>, Box<DeadLetter>> {
    let offset = Offset::try_from(message.offset()).unwrap_or_default();
    *read_to = offset.saturating_add(1);
    // rdkafka 0.39 panics on a header whose name is not UTF-8, before anything is taken.
    let pushed = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let headers = message.headers();
        let count = headers.map_or(0, rdkafka::message::Headers::count);
        let all = (0..count).filter_map(|index| headers?.try_get(index));
        let all = all.map(|header| (header.key, header.value));
        reader.push(offset, message.key(), message.payload(), all)
    }));
    let error = match pushed {
        Ok(Ok(finished)) => return Ok(finished),
        Ok(Err(error)) => error,
        Err(_) => CodecError::Text {
            what: "the name of a header",
        },
    };
    let mut reason = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        reason = format!("{reason}: {source}");
    }
    Err(Box::new(DeadLetter {
        topic,
        partition,
        offset,
        reason,
        record: raw(message),
    }))
}

/// The message as it is, as far as it can be had.
fn raw(message: &BorrowedMessage<'_>) -> RawRecord {
    let mut record = RawRecord {
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().unwrap_or_default().to_vec(),
        headers: Vec::new(),
    };
    let Some(headers) = message.headers() else {
        return record;
    };
    for index in 0..headers.count() {
        let header = std::panic::catch_unwind(AssertUnwindSafe(|| headers.try_get(index)));
        if let Ok(Some(header)) = header {
            let value = header.value.unwrap_or_default().to_vec();
            record.headers.push((header.key.to_owned(), value));
        }
    }
    record
}

fn missing(topic: Topic, partition: u32, from: Offset, to: Offset) -> BusError {
    BusError::Missing {
        topic,
        partition,
        from,
        to,
    }
}

pub(crate) fn kafka_offset(offset: Offset) -> rdkafka::Offset {
    rdkafka::Offset::Offset(offset.try_into().unwrap_or(i64::MAX))
}

/// How soon a wake or a revocation is noticed.
const SLICE: Duration = Duration::from_millis(50);
/// How soon a commit is tried again.
const COMMIT_RETRY: Duration = Duration::from_millis(20);
/// How long a commit waits for a cluster that is gone.
const COMMIT_WAIT: Duration = Duration::from_secs(60);
const SUBSCRIBING: &str = "subscribing";
const COMMITTING: &str = "committing offsets";
