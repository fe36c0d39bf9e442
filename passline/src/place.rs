//! Where tables and logs lie, resolved once from flags and environment.

use std::path::{Path, PathBuf};

use anyhow::Result;
use lake::Location;

use crate::arguments::{DATA, PlaceFlags};

/// Where a replay stores what it finds.
pub(crate) struct Place {
    /// Of the tables.
    pub(crate) location: Location,
    /// Folder of the embedded log.
    pub(crate) bus: PathBuf,
    /// The log's name in the tables; empty for the one that lies beside them.
    pub(crate) log: String,
}

impl Place {
    /// A data folder with the log beside the tables.
    pub(crate) fn folder(data: &Path) -> Self {
        Self {
            location: Location::folder(data),
            bus: data.join(BUS),
            log: String::new(),
        }
    }

    /// The place that flags name.
    pub(crate) fn resolve(flags: &PlaceFlags, bus: Option<&Path>) -> Result<Self> {
        let location = location(flags)?;
        let beside = location.as_folder().map(|folder| folder.join(BUS));
        let bus = match (bus, &beside) {
            (Some(bus), _) => bus.to_owned(),
            (None, Some(beside)) => beside.clone(),
            (None, None) => Path::new(DATA).join(BUS),
        };
        let log = if beside.as_ref() == Some(&bus) {
            String::new()
        } else {
            ingest::log_name(&bus)?
        };
        Ok(Self { location, bus, log })
    }
}

/// Where the tables lie.
pub(crate) fn location(flags: &PlaceFlags) -> Result<Location> {
    let named = std::env::var_os("PASSLINE_CREDENTIALS").map(PathBuf::from);
    let credentials = flags.credentials.as_ref().or(named.as_ref());
    Ok(Location::parse(
        &flags.data,
        credentials.map(PathBuf::as_path),
    )?)
}

const BUS: &str = "bus";
