//! Antenna bytes to packets to Arrow batches, sans-IO: no sockets, no clocks, no threads.
//!
//! The modules are the stages of the data path in its order; [`downlink`] runs the first four as
//! one state machine, [`inspect`] sums up what came out of it.

pub mod synchronize;

pub mod correct;

pub mod demultiplex;

pub mod reassemble;

pub mod decommutate;

pub mod downlink;
pub mod inspect;

pub use downlink::{Downlink, DownlinkError};
