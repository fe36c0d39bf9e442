//! Assigning: a worker for each partition that the consumer group gives to this process.
//!
//! A partition that is to go to another process is flushed and let go of; one that is lost already
//! is dropped as it is, since its new owner has it from the last commit on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bus::{Assignment, Bus, BusError, Member, Subscription, Topic};
use lake::{LakeError, Tables};
use tokio::runtime::Runtime;

use crate::consume::Worker;
use crate::error::IngestError;
use crate::service::{IngestConfig, Summary};

/// What every worker shares.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) bus: Bus,
    pub(crate) lake: Tables,
    pub(crate) config: IngestConfig,
    pub(crate) runtime: Arc<Runtime>,
    /// Workers end once they have what is published.
    pub(crate) draining: Arc<AtomicBool>,
    /// One has ended with an error.
    pub(crate) failed: Arc<AtomicBool>,
}

/// Starts and ends workers as the group says.
pub(crate) struct Supervisor {
    shared: Shared,
    member: Member,
    workers: Vec<Running>,
    summary: Summary,
    error: Option<IngestError>,
}

struct Running {
    topic: Topic,
    partition: u32,
    lost: Arc<AtomicBool>,
    thread: JoinHandle<Result<Summary, IngestError>>,
}

impl Supervisor {
    pub(crate) fn new(shared: Shared, member: Member) -> Self {
        Self {
            shared,
            member,
            workers: Vec::new(),
            summary: Summary::default(),
            error: None,
        }
    }

    /// Runs until the service drains and all workers have ended.
    pub(crate) fn run(mut self) -> Result<Summary, IngestError> {
        loop {
            // Read before polling: what was assigned before the drain is then seen.
            let draining = self.shared.draining.load(Ordering::Acquire);
            self.reap();
            let patience = if draining { DRAINING_POLL } else { POLL };
            match self.member.poll(patience) {
                Ok(Some(change)) => self.handle(change),
                Ok(None) if draining && self.workers.is_empty() => break,
                Ok(None) => {}
                Err(error) => {
                    self.fail(error.into());
                    // The workers end with what they have.
                    self.shared.draining.store(true, Ordering::Release);
                    break;
                }
            }
        }
        for worker in std::mem::take(&mut self.workers) {
            self.join(worker);
        }
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.summary),
        }
    }

    fn handle(&mut self, change: Assignment) {
        match change {
            Assignment::Assigned(subscription) => {
                if let Err(error) = self.start(subscription) {
                    self.fail(error);
                }
            }
            // Its worker hears of it when it polls.
            Assignment::Revoked(topic, partition) => {
                tracing::info!(%topic, partition, "a partition goes to another process");
            }
            Assignment::Lost(topic, partition) => {
                tracing::warn!(%topic, partition, "a partition was lost to another process");
                let lost = self.workers.iter();
                let lost = lost.filter(|w| (w.topic, w.partition) == (topic, partition));
                lost.for_each(|worker| worker.lost.store(true, Ordering::Release));
            }
        }
    }

    fn start(&mut self, subscription: Subscription) -> Result<(), IngestError> {
        let (topic, partition) = (subscription.topic(), subscription.partition());
        tracing::info!(%topic, partition, from = subscription.position(), "a partition is consumed");
        let lost = Arc::new(AtomicBool::new(false));
        let worker = Worker::new(self.shared.clone(), subscription, Arc::clone(&lost));
        let thread = std::thread::Builder::new()
            .name(format!("ingest {topic}"))
            .spawn(move || worker.run())
            .map_err(IngestError::Thread)?;
        self.workers.push(Running {
            topic,
            partition,
            lost,
            thread,
        });
        Ok(())
    }

    /// Takes in what ended workers have to say.
    fn reap(&mut self) {
        let ended = self
            .workers
            .extract_if(.., |worker| worker.thread.is_finished());
        for worker in ended.collect::<Vec<_>>() {
            self.join(worker);
        }
    }

    fn join(&mut self, worker: Running) {
        let panicked = IngestError::Panicked {
            topic: worker.topic.as_str(),
        };
        match worker.thread.join().unwrap_or(Err(panicked)) {
            Ok(part) => self.summary.add(part),
            Err(IngestError::Bus(BusError::Revoked { .. })) => {}
            Err(IngestError::Lake(LakeError::Fenced { table, .. }))
                if worker.lost.load(Ordering::Acquire) =>
            {
                tracing::info!(table, "the partition's new owner has committed");
            }
            Err(error) => self.fail(error),
        }
    }

    /// The first error is the one that is told.
    fn fail(&mut self, error: IngestError) {
        self.shared.failed.store(true, Ordering::Release);
        self.error.get_or_insert(error);
    }
}

/// How soon an ended worker is noticed.
const POLL: Duration = Duration::from_millis(20);
const DRAINING_POLL: Duration = Duration::from_millis(2);
