//! What data means: missions, mission databases, bus records, table schemas.

pub mod command;
pub mod event;
pub mod layout;
pub mod metric;
pub mod mission;
pub mod record;
pub mod tables;
pub mod xtce;
