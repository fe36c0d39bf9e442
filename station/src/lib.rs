//! Runs one contact: a link gives octets, the decoder turns them into frames, packets and rows,
//! the bus gets them.
//!
//! ```text
//! file link --1 MiB chunks--> Downlink --blocks--> Publisher --> tm.frames, tm.packets,
//!                                                                tm.telemetry, tm.events
//! ```
//!
//! One loop on one thread: nothing is queued here, and the bus holds the reader back when its
//! consumers fall behind.

mod error;
mod file;
mod publish;
mod replay;

pub use error::StationError;
pub use file::{CHUNK_OCTETS, FileLink, recording_identity};
pub use replay::{Replay, ReplaySummary};
