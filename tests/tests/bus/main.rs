//! The bus: one suite for both backends, the embedded log and a real Apache Kafka; and what only
//! Kafka can show.

mod conformance;
mod faults;
mod foreign;
mod groups;
mod security;
mod spool;
mod support;
mod throughput;
