//! CCSDS formats and codes, bytes to values and back: no sockets, no clocks, no threads, no state
//! beyond what a caller holds.
//!
//! The order below is the alphabet's; on the downlink the data meet [`asm`] first (where does a
//! frame begin), then [`randomizer`], [`reed_solomon`] or [`crc`], [`frame`], [`clcw`], [`packet`]
//! and [`time`].

pub mod asm;
pub mod clcw;
pub mod cop;
pub mod crc;
pub mod frame;
pub mod packet;
pub mod randomizer;
pub mod reed_solomon;
pub mod time;
