//! The mission database: XTCE documents loaded into a typed model.
//!
//! Documents are read in the order of the modules: checked as XML ([`document`]), their
//! declarations collected and names made resolvable ([`names`]), types and containers built, what
//! cannot be built left out with all that depends on it, cycles refused. XTCE 1.0 to 1.3.

mod alarms;
mod calibrators;
mod conditions;
mod containers;
mod document;
mod elements;
mod encodings;
mod error;
mod load;
pub mod model;
mod names;
mod notes;
mod prune;
mod report;
mod structure;
mod types;
mod values;

pub use error::XtceError;
pub use report::Report;
