//! An orbital compute node, from its physics to the bits that leave its antenna: pure and seeded.
//!
//! [`Pass`] simulates the node of `schemas/missions/orbital-compute` (orbit and eclipses, array and
//! battery, coolant and radiators, accelerators and jobs, links) and hands out what a ground
//! station receives: packets in AOS frames, Reed-Solomon, randomiser, sync marker, and the
//! [`Faults`] asked for. [`Pass::truth`] says what was really sent. Equal configurations give equal
//! octets: there is no clock and no randomness but the seed's.
//!
//! [`uplink`] is the other direction: what the spacecraft makes of the octets that reach it.
//!
//! [`RepeatedPackets`] makes a long recording of packets out of a short one.
//!
//! Of the uplink, [`Farm`] is the spacecraft's end of COP-1 (FARM-1), and [`LinkChannel`] what lies
//! between it and the ground, in both directions.
//!
//! The modules follow the data: models (`node` and what it moves), fields, packets, frames, link.

mod bit_errors;
mod channel;
mod compute;
mod downlink;
mod farm;
mod jobs;
mod link_channel;
mod links;
mod multiplex;
mod node;
mod orbit;
mod packet;
mod pass;
mod power;
mod random;
mod repeat;
mod sink;
mod telemetry;
mod thermal;
mod truth;
pub mod uplink;

pub use channel::Faults;
pub use farm::{Farm, FarmError, FarmEvent, FarmSettings, FarmState, Received, UplinkFrame};
pub use link_channel::{
    Arrival, BurstLoss, Injection, LinkChannel, LinkChannelError, LinkCounts, LinkFaults,
    forged_clcws,
};
pub use pass::{Intervals, Output, Pass, PassConfig, PassError};
pub use repeat::{RepeatError, RepeatedPackets, repeat_packets};
pub use truth::{ApidTruth, Truth, VirtualChannelTruth};
