//! Live links: what is configured, and how a link is doing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemas::mission::Level;

use crate::count::LinkCounters;

/// A link, as configured.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Its name, in logs, metrics and contact identities.
    pub name: String,
    /// Where octets come from.
    pub kind: LinkKind,
    /// What they are.
    pub level: Level,
    /// A contact ends when nothing has arrived for so long.
    pub idle_timeout: Duration,
    /// What has arrived is published after so long, whether a block is full or not.
    pub block_age: Duration,
}

/// Where a link's octets come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Peers connect here and send a stream; one at a time, others wait in the kernel's backlog.
    TcpListen {
        /// Address and port to listen on.
        address: String,
    },
    /// Connects to a peer that sends a stream; again and again until it is there.
    TcpConnect {
        /// Host and port of the peer.
        address: String,
        /// Pause before the second attempt; doubled before each further one.
        backoff_min: Duration,
        /// Longest pause between attempts.
        backoff_max: Duration,
    },
    /// Datagrams arrive here. Of frames and packets a datagram holds whole ones; CADUs may be cut
    /// anywhere.
    Udp {
        /// Address and port to bind.
        address: String,
        /// Receive buffer asked of the kernel, which may grant less.
        receive_buffer_octets: usize,
        /// Datagrams received and not yet decoded. When full, further ones are dropped and
        /// counted.
        queue_octets_max: usize,
    },
    /// A recording, once.
    File {
        /// The recording.
        path: PathBuf,
    },
}

/// How a link is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Bound; no peer is connected.
    Listening {
        /// Where.
        address: String,
    },
    /// Not connected.
    Connecting {
        /// Failed attempts in a row.
        failures: u64,
        /// Why the last one failed.
        reason: String,
    },
    /// Connected, or bound where there are no connections.
    Up {
        /// Who sends.
        peer: String,
    },
    /// At its end, as asked.
    Ended,
    /// It cannot go on.
    Failed {
        /// Why.
        reason: String,
    },
}

impl std::fmt::Display for LinkState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listening { address } => write!(f, "listening on {address}"),
            Self::Connecting {
                failures: 0,
                reason: _,
            } => f.write_str("connecting"),
            Self::Connecting { failures, reason } => {
                write!(f, "connecting, {failures} attempts failed: {reason}")
            }
            Self::Up { peer } => write!(f, "up: {peer}"),
            Self::Ended => f.write_str("ended"),
            Self::Failed { reason } => write!(f, "failed: {reason}"),
        }
    }
}

/// A link's state and counters, shared with whoever watches it.
pub(crate) struct LinkStatus {
    state: Mutex<LinkState>,
    pub(crate) counters: LinkCounters,
}

impl LinkStatus {
    pub(crate) fn new(link: &str, state: LinkState) -> Arc<Self> {
        let status = Self {
            state: Mutex::new(state.clone()),
            counters: LinkCounters::new(link),
        };
        status.set(state);
        Arc::new(status)
    }

    pub(crate) fn set(&self, state: LinkState) {
        self.counters.up(matches!(state, LinkState::Up { .. }));
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    pub(crate) fn get(&self) -> LinkState {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
