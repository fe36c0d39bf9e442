//! Checks a log from its first record to its last: the chains, the releases, the order of events.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::command::Digest;
use crate::event::{Change, Record, RecordError};
use crate::keys::PublicKey;
use crate::release::ReleaseError;
use crate::settings::Settings;
use crate::state::{Folded, State, Void};

/// What a good log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSummary {
    /// Records.
    pub records: u64,
    /// Events among them; the rest are stations' reports.
    pub events: u64,
    /// Events that came twice and are the same: an append that was tried again.
    pub duplicates: u64,
    /// Releases.
    pub releases: u64,
    /// Of each spacecraft, the hash of the last event and the number of events: who kept them from
    /// last time sees whether the end of a log was cut off.
    pub heads: BTreeMap<String, (Digest, u64)>,
}

/// The first record that is not as the gate wrote it.
#[derive(Debug, Error)]
#[error("record {position} breaks the log")]
pub struct LogBreak {
    /// Number of the record, from 0.
    pub position: u64,
    /// Why.
    #[source]
    pub problem: LogProblem,
}

/// What is wrong with a record.
#[derive(Debug, Error)]
pub enum LogProblem {
    /// It cannot be read.
    #[error("not a record")]
    Record(#[from] RecordError),
    /// It does not belong into the chain.
    #[error("not an event of the chain")]
    Event(#[from] Void),
    /// The release in it is not the gate's.
    #[error("not a release of the gate")]
    Release(#[from] ReleaseError),
}

/// Reads a log and says where it was first changed; with the gate's public key, checks releases too.
///
/// What is behind the last release of a spacecraft is under no signature yet, and a log whose end
/// was cut off is a good log: compare [`LogSummary::heads`].
///
/// # Errors
/// [`LogBreak`], the first.
pub fn verify_log<'a>(
    records: impl IntoIterator<Item = &'a [u8]>,
    key: Option<&PublicKey>,
) -> Result<LogSummary, LogBreak> {
    let mut summary = LogSummary::default();
    // Forgets nothing: what a gate still knew must be known here.
    let settings = Settings {
        request_age_ms_max: u64::MAX,
        ..Settings::default()
    };
    let mut state = State::new(&settings, None);
    for (position, octets) in (0_u64..).zip(records) {
        let fault = |problem| LogBreak { position, problem };
        summary.records += 1;
        let event = match Record::parse(octets).map_err(|e| fault(e.into()))? {
            Record::Event(event) => event,
            Record::Report(_) => continue,
        };
        summary.events += 1;
        match state.handle_event(&event) {
            Folded::Applied => {}
            Folded::Duplicate => {
                summary.duplicates += 1;
                continue;
            }
            Folded::Void(void) => return Err(fault(void.into())),
        }
        if let Change::Released { release } = &event.event {
            summary.releases += 1;
            if let Some(key) = key {
                release.check_signature(key).map_err(|e| fault(e.into()))?;
            }
        }
        let head = state.head(&event.spacecraft);
        summary.heads.insert(event.spacecraft, head);
    }
    Ok(summary)
}
