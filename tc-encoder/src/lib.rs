//! From a command to the octets that leave the antenna, sans-IO.
//!
//! The modules stand in the order in which a command passes them.

pub mod fop;
