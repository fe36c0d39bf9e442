//! CCSDS formats and codes, bytes to values and back: no sockets, no clocks, no threads, no state
//! beyond what a caller holds.
//!
//! The order below is the alphabet's; on the downlink the data meet [`asm`] first (where does a
//! frame begin), then [`randomizer`], [`reed_solomon`] or [`crc`], [`frame`], [`clcw`], [`packet`]
//! and [`time`]. On the uplink they go through [`pus`], [`packet`], [`sdls`], [`frame`],
//! [`randomizer`], [`bch`] or [`ldpc`], [`cltu`] and [`plop`].

pub mod asm;
pub mod bch;
pub mod clcw;
pub mod cltu;
pub mod cop;
pub mod crc;
pub mod frame;
pub mod ldpc;
pub mod packet;
pub mod plop;
pub mod pus;
pub mod randomizer;
pub mod reed_solomon;
pub mod sdls;
pub mod time;
pub mod uplink;
