//! What travels on the bus, and how it looks as octets: pure, so that it can be read from anywhere
//! and fuzzed.
//!
//! A [`block::Block`] holds records of one kind. The embedded log stores it as [`codec`] says; in
//! Kafka each record stands by itself, with headers as [`names`] and [`text`] say, and a
//! [`reader::Reader`] puts blocks together again.

pub mod block;
pub mod codec;
pub mod dead_letter;
pub mod error;
mod fields;
pub mod ipc;
pub mod names;
pub mod reader;
pub mod text;
pub mod topic;
