//! The spacecraft's end of the uplink: bits to CLTUs to frames, and what FARM-1 accepted of them to
//! verified data to packets.
//!
//! ```text
//! octets ─► Uplink ─► frames ─► FARM-1 ─► data fields ─► Security ─► segments ─► Reassembler ─► packets
//! ```

mod reassemble;
mod receive;
mod security;

pub use reassemble::{Reassembler, SegmentRefused};
pub use receive::{ReceivedFrame, Uplink, UplinkCounts};
pub use security::{FrameRefused, ReplayWindow, SecurityReceiver};
