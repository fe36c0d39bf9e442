//! Orbit ephemeris messages: CCSDS 502.0-B-3 section 5.

mod read;
mod write;

pub(super) use read::{read_kvn, read_xml};
pub use write::{OemHeader, OemSegment, write_kvn, write_xml};
