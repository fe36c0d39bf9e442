//! Runs contacts: a link gives octets, the decoder turns them into frames, packets and rows, the
//! bus gets them.
//!
//! ```text
//! file link --1 MiB chunks-----------+
//! TCP link --at most 256 KiB a read--+--> Downlink --blocks--> Publisher --> tm.frames, tm.packets,
//! UDP link --queue, 32 MiB-----------+                                       tm.telemetry, tm.events
//! ```
//!
//! A [`Replay`] is one loop on one thread: nothing is queued here, and the bus holds the reader
//! back when its consumers fall behind. A [`Station`] has such a loop for each live link; what
//! arrives there is published after [`LinkConfig::block_age`] at the latest, and carries the time
//! at which it was received.

mod contact;
mod contents;
mod count;
mod error;
mod file;
mod link;
mod live;
mod mission;
mod publish;
mod replay;
mod stop;
mod tcp;
mod udp;

pub use error::StationError;
pub use file::{CHUNK_OCTETS, FileLink, recording_identity};
pub use link::{LinkConfig, LinkKind, LinkState};
pub use live::{Station, StationConfig, Watch};
pub use mission::{MissionRefused, Missions};
pub use replay::{Replay, ReplaySummary};
