//! A mission folder that changes while a station runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::Result;
use schemas::mission::Mission;
use station::Missions;

use super::WATCH_PERIOD;
use crate::mission;

/// Looks at a mission's files now and then, and gives the station what they have become.
pub(crate) struct MissionWatch {
    folder: PathBuf,
    missions: Missions,
    /// The files as they were when they were last read.
    seen: Vec<FileState>,
    /// The files as they were at the last look, if they differed: somebody may still be writing.
    changing: Option<Vec<FileState>>,
    looked: Instant,
}

#[derive(Clone, PartialEq)]
struct FileState {
    path: PathBuf,
    state: Option<(u64, SystemTime)>,
}

impl MissionWatch {
    pub(crate) fn new(mission: &Mission, missions: Missions) -> Self {
        Self {
            folder: mission.folder.clone(),
            missions,
            seen: states(mission),
            changing: None,
            looked: Instant::now(),
        }
    }

    /// Takes a new version once its files have been the same at two looks, a second apart or so.
    pub(crate) fn look(&mut self) {
        if self.looked.elapsed() < 2 * WATCH_PERIOD {
            return;
        }
        self.looked = Instant::now();
        let now: Vec<FileState> = self.seen.iter().map(FileState::again).collect();
        if now == self.seen {
            self.changing = None;
        } else if self.changing.as_ref() == Some(&now) {
            self.changing = None;
            self.seen = now;
            if let Err(error) = self.take() {
                tracing::error!(
                    "the changed mission is not taken, version {} stays in use: {error:#}",
                    self.missions.version()
                );
            }
        } else {
            self.changing = Some(now);
        }
    }

    fn take(&mut self) -> Result<()> {
        let mission = mission::load(&self.folder)?;
        self.seen = states(&mission);
        if mission.version == self.missions.version() {
            return Ok(());
        }
        let (layouts, version) = (mission::layouts(&mission)?, mission.version.clone());
        self.missions.adopt(Arc::new(mission), layouts)?;
        tracing::info!(%version, "the mission folder changed; links take it at the next packet boundary");
        Ok(())
    }
}

impl FileState {
    fn of(path: PathBuf) -> Self {
        let data = std::fs::metadata(&path).ok();
        Self {
            state: data.and_then(|data| Some((data.len(), data.modified().ok()?))),
            path,
        }
    }

    fn again(&self) -> Self {
        Self::of(self.path.clone())
    }
}

/// The files of which a mission's version is made.
fn states(mission: &Mission) -> Vec<FileState> {
    let named = mission.xtce.iter().chain(&mission.orbits).cloned();
    std::iter::once(mission.folder.join("mission.toml"))
        .chain(named)
        .map(FileState::of)
        .collect()
}
