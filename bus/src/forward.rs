//! Forwarding: a station that cannot wait for Kafka publishes into an embedded log, and this passes
//! it on, in order, with the same contacts and numbers.
//!
//! What is forwarded is first made durable in the embedded log, then published, flushed, and only
//! then committed in the log. A process that is killed in between forwards some blocks again, which
//! Kafka has by their numbers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::block::{Headers, Record};
use crate::bus::{Backend, Bus};
use crate::embedded::locked;
use crate::error::BusError;
use crate::producer::{ContactState, Producer, Published};
use crate::subscription::Subscription;
use crate::topic::Topic;

/// What was forwarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// Blocks.
    pub blocks: u64,
    /// Records in them.
    pub records: u64,
    /// Blocks among these that were there already.
    pub duplicates: u64,
    /// Stretches of the log that could not be read; the embedded log keeps nothing of them.
    pub damaged: u64,
}

/// Passes on everything in an embedded log, on a thread of its own.
pub struct Forwarder {
    stop: Arc<AtomicBool>,
    producers: Arc<Mutex<Producers>>,
    thread: Option<JoinHandle<Result<Forwarded, BusError>>>,
}

/// The open producers, by contact, and when each was last used.
type Producers = HashMap<String, (Arc<Producer>, Instant)>;

impl Forwarder {
    /// Starts to forward from one bus to another, for as long as it lives.
    ///
    /// While the other bus is gone it waits; the embedded log grows meanwhile, up to the disk.
    ///
    /// # Errors
    /// No thread can be started; the log cannot be read.
    pub fn start(from: &Bus, to: &Bus) -> Result<Self, BusError> {
        let stop = Arc::new(AtomicBool::new(false));
        let producers = Arc::default();
        let forwarding = Forwarding {
            subscriptions: subscriptions(from)?,
            from: from.clone(),
            to: to.clone(),
            stop: Arc::clone(&stop),
            producers: Arc::clone(&producers),
            looked: None,
            forwarded: Forwarded::default(),
        };
        let thread = std::thread::Builder::new()
            .name("forward".to_owned())
            .spawn(move || forwarding.run())
            .map_err(BusError::Thread)?;
        Ok(Self {
            stop,
            producers,
            thread: Some(thread),
        })
    }

    /// Whether it has ended early; [`Forwarder::finish`] then says why.
    pub fn has_failed(&self) -> bool {
        !self.stop.load(Ordering::Acquire)
            && self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Forwards what the log holds now, and ends. While the other bus is gone this gives up after
    /// ten seconds; what is not forwarded stays in the log.
    ///
    /// # Errors
    /// The log cannot be read, or the other bus refuses.
    pub fn finish(mut self) -> Result<Forwarded, BusError> {
        self.end().unwrap_or_else(|| Ok(Forwarded::default()))
    }

    fn end(&mut self) -> Option<Result<Forwarded, BusError>> {
        let thread = self.thread.take()?;
        self.stop.store(true, Ordering::Release);
        let deadline = Instant::now() + STOP_WAIT;
        while !thread.is_finished() {
            std::thread::sleep(Duration::from_millis(10));
            if Instant::now() > deadline {
                for (producer, _) in locked(&self.producers).values() {
                    producer.abandon();
                }
            }
        }
        // A panic has been reported by its thread.
        thread.join().ok()
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.end() {
            tracing::warn!(%error, "forwarding ended early");
        }
    }
}

struct Forwarding {
    from: Bus,
    to: Bus,
    stop: Arc<AtomicBool>,
    subscriptions: Vec<Subscription>,
    producers: Arc<Mutex<Producers>>,
    /// When contacts were last looked at.
    looked: Option<Instant>,
    forwarded: Forwarded,
}

impl Forwarding {
    fn run(mut self) -> Result<Forwarded, BusError> {
        loop {
            // Read before polling: what was published before is then seen.
            let stopping = self.stop.load(Ordering::Acquire);
            let complete = self.newly_complete(stopping)?;
            let batch = self.collect()?;
            let idle = batch.is_empty();
            let passed = self.pass_on(batch).and_then(|()| match complete {
                Some(contact) if idle => self.finish_contact(contact).map(|()| false),
                _ => Ok(idle),
            });
            match passed {
                Ok(true) if stopping => return Ok(self.forwarded),
                Ok(true) => {
                    self.close_idle();
                    std::thread::sleep(IDLE_WAIT);
                }
                Ok(false) => {}
                Err(BusError::Abandoned { .. } | BusError::Unreachable { .. }) if stopping => {
                    return Ok(self.forwarded);
                }
                // What was polled and not committed is polled again.
                Err(error @ BusError::Unreachable { .. }) => {
                    tracing::warn!(%error, "forwarding waits");
                    locked(&self.producers).clear();
                    self.subscriptions = subscriptions(&self.from)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The next blocks of each topic, durable in the log.
    fn collect(&mut self) -> Result<Vec<Arc<Record>>, BusError> {
        let mut batch = Vec::new();
        for subscription in &mut self.subscriptions {
            let mut octets = 0;
            while octets < BATCH_OCTETS {
                match subscription.poll(Duration::ZERO) {
                    Ok(Some(record)) => {
                        octets += record.octets;
                        batch.push(record);
                    }
                    Ok(None) => break,
                    Err(error @ (BusError::Corrupt { .. } | BusError::Missing { .. })) => {
                        tracing::error!(%error, "records are lost, going on behind them");
                        self.forwarded.damaged += 1;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        if !batch.is_empty() {
            // Else a power failure could give the numbers of forwarded blocks to others.
            self.from.sync()?;
        }
        Ok(batch)
    }

    fn pass_on(&mut self, batch: Vec<Arc<Record>>) -> Result<(), BusError> {
        if batch.is_empty() {
            return Ok(());
        }
        for record in batch {
            let producer = self.producer(&record.block.headers)?;
            let (topic, records) = (record.topic, record.len() as u64);
            let block =
                Arc::try_unwrap(record).map_or_else(|shared| shared.block.clone(), |r| r.block);
            let published = producer.publish_block(topic, block)?;
            self.forwarded.blocks += 1;
            self.forwarded.records += records;
            self.forwarded.duplicates += u64::from(published == Published::Duplicate);
        }
        let open: Vec<_> = locked(&self.producers).values().cloned().collect();
        for (producer, _) in open {
            producer.flush()?;
        }
        for subscription in &mut self.subscriptions {
            let position = subscription.position();
            subscription.commit(position)?;
        }
        Ok(())
    }

    /// A contact that is complete in the log, and perhaps not yet on the other bus.
    fn newly_complete(
        &mut self,
        stopping: bool,
    ) -> Result<Option<(String, ContactState)>, BusError> {
        let Backend::Embedded(log) = &self.from.0 else {
            return Ok(None);
        };
        let recent = |looked: Instant| looked.elapsed() < LOOK_WAIT;
        if !stopping && self.looked.is_some_and(recent) {
            return Ok(None);
        }
        let found = log.unforwarded()?.into_iter().next();
        // Where there is one there may be more.
        self.looked = found.is_none().then(Instant::now);
        Ok(found)
    }

    /// Marks a contact as complete, all of whose blocks are forwarded.
    fn finish_contact(&mut self, (contact, state): (String, ContactState)) -> Result<(), BusError> {
        if !self
            .to
            .contact(&contact)?
            .is_some_and(|known| known.complete)
        {
            self.producer(&Arc::new(Headers {
                spacecraft: String::new(),
                station: String::new(),
                contact: contact.clone(),
                mission_version: state.mission_version,
            }))?
            .complete()?;
        }
        locked(&self.producers).remove(&contact);
        match &self.from.0 {
            Backend::Embedded(log) => log.note_forwarded(&contact),
            Backend::Kafka(_) => Ok(()),
        }
    }

    fn producer(&self, headers: &Arc<Headers>) -> Result<Arc<Producer>, BusError> {
        if let Some((producer, used)) = locked(&self.producers).get_mut(&headers.contact) {
            *used = Instant::now();
            return Ok(Arc::clone(producer));
        }
        let producer = Arc::new(self.to.producer(Headers::clone(headers))?);
        let open = (Arc::clone(&producer), Instant::now());
        locked(&self.producers).insert(headers.contact.clone(), open);
        Ok(producer)
    }

    /// A contact that has been silent for long is opened again when it speaks.
    fn close_idle(&self) {
        locked(&self.producers).retain(|_, (_, used)| used.elapsed() < PRODUCER_IDLE_MAX);
    }
}

fn subscriptions(from: &Bus) -> Result<Vec<Subscription>, BusError> {
    Topic::ALL
        .into_iter()
        .filter(|topic| *topic != Topic::DeadLetters)
        .map(|topic| from.subscribe(topic, 0, GROUP))
        .collect()
}

/// The consumer group that holds back what is not forwarded.
const GROUP: &str = "forward";
/// Octets of a topic that are passed on before they are flushed and committed.
const BATCH_OCTETS: usize = 8 << 20;
/// How often contacts are looked at.
const LOOK_WAIT: Duration = Duration::from_millis(500);
const IDLE_WAIT: Duration = Duration::from_millis(50);
const STOP_WAIT: Duration = Duration::from_secs(10);
const PRODUCER_IDLE_MAX: Duration = Duration::from_secs(300);
