//! The mission that a station decodes with, which may change while it runs.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::Schema;
use schemas::layout::CompiledMission;
use schemas::mission::Mission;

/// A mission and its database, compiled.
pub(crate) struct Loaded {
    pub(crate) mission: Arc<Mission>,
    pub(crate) layouts: Option<Arc<CompiledMission>>,
}

impl Loaded {
    /// Whether frames and packets are read in the same way as with `other`: only the mission
    /// database differs.
    pub(crate) fn reads_alike(&self, other: &Self) -> bool {
        let (a, b) = (&self.mission, &other.mission);
        a.downlink == b.downlink
            && a.packet_times == b.packet_times
            && a.spacecraft == b.spacecraft
            && a.name == b.name
    }
}

/// The mission of a running station, shared by its links.
///
/// A link takes a new version at the next boundary between packets: what it had complete is decoded
/// with the version before, and rows say which one decoded them.
#[derive(Clone)]
pub struct Missions(Arc<Mutex<Arc<Loaded>>>);

/// A new version of the mission does not fit the tables that the running one fills.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "table {table}: column {column} is {running} in mission version {running_version} and {given} in {given_version}, which is not taken; give the parameter a name of its own, or stop the station, let ingest catch up, change the stored rows with passline lake redecode --table {table} --replace-type, and start it again"
)]
pub struct MissionRefused {
    /// The table.
    pub table: String,
    /// Its column.
    pub column: String,
    /// The column's type as it is written now.
    pub running: String,
    /// The version that writes it.
    pub running_version: String,
    /// The type that the new version has.
    pub given: String,
    /// The new version.
    pub given_version: String,
}

impl Missions {
    pub(crate) fn new(mission: Arc<Mission>, layouts: Option<Arc<CompiledMission>>) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(Loaded { mission, layouts }))))
    }

    pub(crate) fn get(&self) -> Arc<Loaded> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn has_changed(&self, since: &Arc<Loaded>) -> bool {
        !Arc::ptr_eq(
            &self.0.lock().unwrap_or_else(PoisonError::into_inner),
            since,
        )
    }

    /// The version in use.
    pub fn version(&self) -> String {
        self.get().mission.version.clone()
    }

    /// Gives the links another version of the mission.
    ///
    /// # Errors
    /// A column that both versions have changes its type: the version in use stays.
    pub fn adopt(
        &self,
        mission: Arc<Mission>,
        layouts: Option<Arc<CompiledMission>>,
    ) -> Result<(), Box<MissionRefused>> {
        let running = self.get();
        if let (Some(old), Some(new)) = (&running.layouts, &layouts) {
            for table in &new.tables {
                let same = old.tables.iter().find(|other| other.table == table.table);
                let changed = same.and_then(|other| changed_type(&other.schema, &table.schema));
                if let Some((column, was, is)) = changed {
                    return Err(Box::new(MissionRefused {
                        table: table.table.clone(),
                        column,
                        running: was,
                        running_version: running.mission.version.clone(),
                        given: is,
                        given_version: mission.version.clone(),
                    }));
                }
            }
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Loaded { mission, layouts });
        Ok(())
    }
}

/// The first column that both have with different types: its name and both types.
fn changed_type(old: &Schema, new: &Schema) -> Option<(String, String, String)> {
    new.fields().iter().find_map(|field| {
        let other = old.field_with_name(field.name()).ok()?;
        (other.data_type() != field.data_type()).then(|| {
            let text = |field: &arrow::datatypes::Field| field.data_type().to_string();
            (field.name().clone(), text(other), text(field))
        })
    })
}
