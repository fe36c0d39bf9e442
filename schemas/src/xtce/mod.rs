//! The mission database: XTCE documents loaded into a typed model.
//!
//! A document is checked as XML (`document`), its declarations are collected (`names`) and every
//! element is looked up in one table (`elements`); types and containers are built, circles refused
//! (`structure`), and what cannot be built is left out with all that depends on it (`prune`).
//! XTCE 1.0 to 1.3.

mod alarms;
mod arguments;
mod calibrators;
mod command_containers;
mod commands;
mod conditions;
mod containers;
mod document;
mod elements;
mod encodings;
mod error;
mod links;
mod load;
pub mod model;
mod names;
mod notes;
mod prune;
mod prune_commands;
mod report;
mod structure;
mod times;
mod types;
mod values;

pub use error::XtceError;
pub use report::Report;
