//! The release gate: no command reaches a satellite but through it.
//!
//! A command is requested, validated, authorised, approved, queued, armed, released and verified.
//! Each step is an [`Event`] on `tc.commands`; the events of a spacecraft are a hash chain, and what
//! the gate knows is a fold over them ([`State`]). Inputs make new events; nothing else changes.
//! Time, keys and telemetry are arguments: no clocks, sockets, threads or randomness.
//!
//! # Writing ahead
//! 1. The caller appends what [`Gate::poll_append`] gives, in that order, and answers its user only
//!    when the events of the call are durable. After each it calls [`Gate::handle_appended`].
//! 2. A release leaves [`Gate::poll_release`] only once its event is durable. A station may as well
//!    take it from the topic, where the event *is* the release.
//! 3. An append that failed, or of which it is not known whether it failed, ends the gate: drop it
//!    and fold the log again.
//! 4. A station passes each release through [`ReleaseGuard`], and makes the guard durable before the
//!    first bit leaves.
//!
//! # Who may write
//! The hash of an event is no secret: who can write to the topic can continue a chain. So events
//! carry a seal that only the gate's key makes (HMAC-SHA-256), and a gate takes no others; and a
//! release carries an Ed25519 signature over itself and the hash of the event before it, so that
//! anyone with the public key can check it and all that led to it.

pub mod canonical;
pub mod command;
pub mod event;
pub mod gate;
pub mod keys;
pub mod life;
pub mod log;
pub mod release;
pub mod row;
pub mod settings;
pub mod state;
pub mod users;

pub use command::{
    Answer, CommandId, Constraint, ConstraintOutcome, Digest, Group, Prepared, Request, RequestId,
    Significance, Stage, Verifier, VerifierWindow, WindowStart,
};
pub use event::{Change, Event, FailedAt, Record, RecordError, ReportKind, Service, StationReport};
pub use gate::{Gate, GateError, Mode, ReleaseCheck, ReportBy, TelemetryReport};
pub use keys::{GateKey, PublicKey};
pub use life::{Command, Status};
pub use log::{LogBreak, LogProblem, LogSummary, verify_log};
pub use release::{Release, ReleaseError, ReleaseGuard, verify_release};
pub use row::CommandRow;
pub use settings::{Settings, SettingsError};
pub use state::{Folded, Illegal, QueueState, State, Void};
pub use users::{Users, UsersError, Verb};
