//! Ingest within a service: started again when it fails, since what it has not stored stays on the
//! bus and what keeps it from storing (a full disk, a store that is gone) may pass.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bus::Bus;
use ingest::{Ingest, IngestConfig, IngestError};
use lake::Location;

pub(crate) struct Storing {
    bus: Bus,
    data: Location,
    config: IngestConfig,
    running: Option<Ingest>,
    /// When it was started, or is to be.
    at: Instant,
    pause: Duration,
    trouble: Trouble,
}

/// Why ingest is not running, shared with whoever asks.
#[derive(Clone, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    pub(crate) fn get(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, reason: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

impl Storing {
    /// Starts it; at first it must start.
    pub(crate) fn start(
        bus: &Bus,
        data: Location,
        config: IngestConfig,
    ) -> Result<Self, IngestError> {
        Ok(Self {
            running: Some(Ingest::start(bus, &data, &config)?),
            bus: bus.clone(),
            data,
            config,
            at: Instant::now(),
            pause: PAUSE_MIN,
            trouble: Trouble::default(),
        })
    }

    pub(crate) fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    /// Looks after it; to be called again and again.
    pub(crate) fn tend(&mut self) {
        if let Some(failed) = self.running.take_if(|ingest| ingest.has_failed()) {
            if self.at.elapsed() > PAUSE_MAX {
                self.pause = PAUSE_MIN;
            }
            if let Err(error) = failed.finish() {
                self.failed(error);
            }
        } else if self.running.is_none() && Instant::now() >= self.at {
            match Ingest::start(&self.bus, &self.data, &self.config) {
                Ok(ingest) => {
                    tracing::info!("ingest runs again");
                    self.trouble.set(None);
                    self.running = Some(ingest);
                    self.at = Instant::now();
                }
                Err(error) => self.failed(error),
            }
        }
    }

    /// Stores what is published and ends; one that is not running is tried once more.
    pub(crate) fn finish(self) -> Result<ingest::Summary, IngestError> {
        match self.running {
            Some(ingest) if !ingest.has_failed() => ingest.finish(),
            _ => Ingest::start(&self.bus, &self.data, &self.config)?.finish(),
        }
    }

    fn failed(&mut self, error: IngestError) {
        let reason = format!("{:#}", anyhow::Error::new(error));
        tracing::error!(reason, again_in = ?self.pause, "ingest failed; what it has not stored stays on the bus");
        self.trouble.set(Some(reason));
        self.at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }
}

const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
