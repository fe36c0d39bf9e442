//! Members of consumer groups on Kafka, with cooperative rebalancing.
//!
//! A partition that is revoked is handed over once its subscription is dropped, so that a consumer
//! can finish and commit what it has taken; the group waits for that, within bounds.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::Kafka;
use super::client::{Context, is_transient};
use super::subscription::{Subscription, committed, kafka_offset};
use super::tenure::{Hold, Tenure};
use crate::embedded::locked;
use crate::error::BusError;
use crate::member::Assignment;
use crate::topic::Topic;

/// A member of a group.
pub(crate) struct Member {
    cluster: Kafka,
    consumer: Arc<BaseConsumer<GroupContext>>,
    tenures: HashMap<(Topic, u32), Arc<Tenure>>,
    /// Partitions that are revoked and not handed over.
    handing_over: Option<HandingOver>,
    changes: VecDeque<Assignment>,
    woken: u64,
}

struct HandingOver {
    list: TopicPartitionList,
    tenures: Vec<Arc<Tenure>>,
    until: Instant,
}

/// Listens to a group's consumer.
pub(crate) struct GroupContext {
    client: Context,
    changes: Mutex<VecDeque<Change>>,
    /// Nobody handles changes any more.
    closing: AtomicBool,
}

enum Change {
    Assign(TopicPartitionList),
    Revoke(TopicPartitionList),
    Lose(TopicPartitionList),
}

impl ClientContext for GroupContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.client.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client.error(error, reason);
    }
}

impl ConsumerContext for GroupContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let assigns = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Acquire) {
            let answered = if assigns {
                consumer.incremental_assign(list)
            } else {
                consumer.incremental_unassign(list)
            };
            if let Err(error) = answered {
                tracing::debug!(%error, "leaving a consumer group");
            }
            return;
        }
        let list = list.clone();
        let change = if assigns {
            Change::Assign(list)
        } else if consumer.assignment_lost() {
            Change::Lose(list)
        } else {
            Change::Revoke(list)
        };
        locked(&self.changes).push_back(change);
    }
}

impl Kafka {
    pub(crate) fn join(&self, topics: &[Topic], group: &str) -> Result<Member, BusError> {
        for topic in topics {
            self.topic(*topic)?;
        }
        let config = self.config();
        let mut settings = self.consumer(group);
        settings
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", config.session_timeout_ms.to_string())
            .set(
                "heartbeat.interval.ms",
                (config.session_timeout_ms / 4).max(100).to_string(),
            );
        let context = GroupContext {
            client: self.context(),
            changes: Mutex::default(),
            closing: AtomicBool::new(false),
        };
        let consumer: BaseConsumer<GroupContext> = settings
            .create_with_context(context)
            .map_err(|error| self.explain(JOINING, error))?;
        let names: Vec<String> = topics
            .iter()
            .map(|topic| config.prefixed(topic.as_str()))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        consumer
            .subscribe(&names)
            .map_err(|error| self.explain(JOINING, error))?;
        Ok(Member {
            cluster: self.clone(),
            consumer: Arc::new(consumer),
            tenures: HashMap::new(),
            handing_over: None,
            changes: VecDeque::new(),
            woken: self.woken(),
        })
    }
}

impl Member {
    pub(crate) fn poll(&mut self, timeout: Duration) -> Result<Option<Assignment>, BusError> {
        let deadline = Instant::now() + timeout;
        loop {
            self.cluster.listen();
            self.hand_over()?;
            self.handle_change()?;
            if let Some(change) = self.changes.pop_front() {
                return Ok(Some(change));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.consumer.poll(left.min(SLICE)) {
                Some(Ok(_)) => {
                    // Every partition has a queue of its own before it is fetched.
                    tracing::error!("a record came outside its partition's queue");
                }
                Some(Err(error)) => self.handle_error(error)?,
                None => {}
            }
            let woken = self.cluster.woken();
            if woken != self.woken || left.is_zero() {
                self.woken = woken;
                self.handle_change()?;
                return Ok(self.changes.pop_front());
            }
        }
    }

    fn handle_error(&self, error: KafkaError) -> Result<(), BusError> {
        if let Some(refusal) = self.consumer.context().client.refusal() {
            return Err(refusal);
        }
        match error.rdkafka_error_code() {
            Some(code) if is_transient(code) => Ok(()),
            Some(Code::PartitionEOF | Code::UnknownTopicOrPartition) | None => Ok(()),
            // The library joins again by itself; what was held has been reported as lost.
            Some(Code::PollExceeded) => {
                tracing::warn!("a consumer was not polled in time and lost its partitions");
                Ok(())
            }
            _ => Err(self.cluster.explain("consuming as a group", error)),
        }
    }

    fn handle_change(&mut self) -> Result<(), BusError> {
        // One after the other: the group goes on once a change is answered.
        if self.handing_over.is_some() {
            return Ok(());
        }
        let change = locked(&self.consumer.context().changes).pop_front();
        match change {
            None => Ok(()),
            Some(Change::Assign(list)) => {
                let assigned = self.assign(&list);
                if let Err(BusError::Unreachable { .. }) = &assigned {
                    locked(&self.consumer.context().changes).push_front(Change::Assign(list));
                    return Ok(());
                }
                assigned
            }
            Some(Change::Revoke(list)) => {
                let mut tenures = Vec::new();
                for place in self.places(&list) {
                    if let Some(tenure) = self.tenures.remove(&place) {
                        tenure.revoke();
                        tenures.push(tenure);
                        self.changes
                            .push_back(Assignment::Revoked(place.0, place.1));
                    }
                }
                let patience = Duration::from_millis(self.cluster.config().hand_over_ms_max);
                self.handing_over = Some(HandingOver {
                    list,
                    tenures,
                    until: Instant::now() + patience,
                });
                self.hand_over()
            }
            Some(Change::Lose(list)) => {
                for place in self.places(&list) {
                    if let Some(tenure) = self.tenures.remove(&place) {
                        tenure.end();
                        self.changes.push_back(Assignment::Lost(place.0, place.1));
                    }
                }
                self.unassign(&list)
            }
        }
    }

    fn assign(&mut self, list: &TopicPartitionList) -> Result<(), BusError> {
        let places = self.places(list);
        let names: Vec<(String, u32)> = places
            .iter()
            .map(|(topic, partition)| (self.cluster.config().prefixed(topic.as_str()), *partition))
            .collect();
        let committed = committed(&self.cluster, &*self.consumer, &names)?;
        let mut assignment = TopicPartitionList::new();
        let mut positions = Vec::new();
        for ((place, (name, partition)), committed) in places.iter().zip(&names).zip(committed) {
            let position = self.cluster.position(place.0, place.1, committed)?;
            assignment
                .add_partition_offset(name, *partition as i32, kafka_offset(position.0))
                .map_err(|error| self.cluster.explain(JOINING, error))?;
            positions.push(position);
        }
        let mut subscriptions = Vec::new();
        for ((place, (name, partition)), position) in places.iter().zip(&names).zip(positions) {
            let queue = self
                .consumer
                .split_partition_queue(name, *partition as i32)
                .ok_or_else(|| {
                    let error = KafkaError::Global(Code::UnknownPartition);
                    self.cluster.explain(JOINING, error)
                })?;
            let tenure = Arc::new(Tenure::default());
            self.tenures.insert(*place, Arc::clone(&tenure));
            let consumer = Arc::clone(&self.consumer);
            let hold = Hold(tenure);
            subscriptions.push(Subscription::shared(
                &self.cluster,
                *place,
                queue,
                consumer,
                hold,
                position,
            ));
        }
        self.consumer
            .incremental_assign(&assignment)
            .map_err(|error| self.cluster.explain(JOINING, error))?;
        self.changes.extend(
            subscriptions
                .into_iter()
                .map(|one| Assignment::Assigned(one.into())),
        );
        Ok(())
    }

    /// Hands revoked partitions over once nobody here uses them, or took too long.
    fn hand_over(&mut self) -> Result<(), BusError> {
        let Some(going) = &self.handing_over else {
            return Ok(());
        };
        let released = going.tenures.iter().all(|tenure| tenure.is_released());
        if !released && Instant::now() < going.until {
            return Ok(());
        }
        if !released {
            tracing::warn!("revoked partitions are handed over before they were finished with");
        }
        for tenure in &going.tenures {
            tenure.end();
        }
        match self.handing_over.take() {
            Some(going) => self.unassign(&going.list),
            None => Ok(()),
        }
    }

    fn unassign(&self, list: &TopicPartitionList) -> Result<(), BusError> {
        self.consumer
            .incremental_unassign(list)
            .map_err(|error| self.cluster.explain("leaving partitions", error))
    }

    /// The partitions of a list that are of this bus's topics.
    fn places(&self, list: &TopicPartitionList) -> Vec<(Topic, u32)> {
        let prefix = &self.cluster.config().topic_prefix;
        list.elements()
            .iter()
            .filter_map(|element| {
                let topic = Topic::from_name(element.topic().strip_prefix(prefix.as_str())?)?;
                Some((topic, element.partition().try_into().ok()?))
            })
            .collect()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let context = self.consumer.context();
        context.closing.store(true, Ordering::Release);
        for tenure in self.tenures.values() {
            tenure.end();
        }
        // What is still to be answered, so that the group need not wait for its timeout.
        let mut lists: Vec<TopicPartitionList> = self
            .handing_over
            .take()
            .map(|going| going.list)
            .into_iter()
            .collect();
        for change in locked(&context.changes).drain(..) {
            match change {
                Change::Revoke(list) | Change::Lose(list) => lists.push(list),
                Change::Assign(_) => {}
            }
        }
        for list in &lists {
            let _ = self.consumer.incremental_unassign(list);
        }
        self.consumer.unsubscribe();
        let deadline = Instant::now() + LEAVE_WAIT;
        while Instant::now() < deadline {
            let _ = self.consumer.poll(SLICE);
            if self
                .consumer
                .assignment()
                .is_ok_and(|list| list.count() == 0)
            {
                break;
            }
        }
    }
}

const JOINING: &str = "joining a consumer group";
/// How soon a wake or a finished hand-over is noticed.
const SLICE: Duration = Duration::from_millis(50);
/// How long a member that goes waits for the group's answer.
const LEAVE_WAIT: Duration = Duration::from_secs(2);
