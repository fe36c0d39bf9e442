//! What can keep a service process from starting.

use std::net::SocketAddr;

/// A part of the process around the service cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The HTTP address cannot be listened on.
    #[error(
        "[http] listen = \"{address}\" cannot be listened on; choose another address or end the process that has it"
    )]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A thread cannot be started.
    #[error("a thread for {what} cannot be started")]
    Thread {
        /// What it is for.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Signals cannot be received.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
    /// Metrics cannot be collected.
    #[error("metrics cannot be collected: {reason}")]
    Metrics {
        /// What the recorder says.
        reason: String,
    },
    /// A running service does not answer, or says that it is not well.
    #[error("{address}{path}: {reason}")]
    Probe {
        /// Where it was asked.
        address: SocketAddr,
        /// What was asked.
        path: String,
        /// What is wrong.
        reason: String,
    },
}
