//! The gate from outside: lives of commands, what is refused, what is forged, kills and second gates.

mod forgery;
mod groups;
mod lives;
mod properties;
mod refusals;
mod world;
