//! What every service process has besides its work: HTTP endpoints for those who watch it,
//! metrics, logs, and an orderly end.
//!
//! ```text
//! signals --> Shutdown --asked by--> the service's own loop
//! counters, gauges, histograms --> Metrics --/metrics--+
//! checks of what it needs --> Readiness --/readyz------+--> Http, at most 16 connections
//! ```

mod error;
mod health;
mod http;
pub mod log;
mod metrics;
mod probe;
mod shutdown;

pub use error::ServiceError;
pub use health::{Check, Readiness};
pub use http::{CONNECTIONS_MAX, Http};
pub use metrics::Metrics;
pub use probe::probe;
pub use shutdown::Shutdown;
