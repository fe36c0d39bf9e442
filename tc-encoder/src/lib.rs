//! From a command to the octets that leave the antenna, sans-IO.
//!
//! The modules stand in the order in which a command passes them: its [`packet`] gets a sequence
//! count, is cut into pieces that fit frames ([`segment`]), each is protected ([`sdls`]), becomes a
//! [`frame`], and the frame a [`cltu`]. [`Encoder`] does all of it but for what is between the
//! pieces and the frames: FOP-1 ([`fop`]).

pub mod cltu;
mod encoder;
pub mod fop;
pub mod frame;
pub mod packet;
pub mod sdls;
pub mod segment;

pub use encoder::{EncodeError, Encoder, FrameDataUnits};
