//! Maintenance of tables: few sorted files a day, nothing that nobody needs, and proof that
//! nothing is missing.
//!
//! ```text
//! files of a day --Merge--> rows in order --DayWriter--> files --Table::replace--> a commit
//! ```
//!
//! Every change is one commit a day, on the condition that the files it replaces are still
//! there: maintenance runs beside ingest and queries, and may be killed at any moment.

mod compact;
mod error;
mod files;
#[cfg(test)]
mod fixture;
mod merge;
mod offsets;
mod order;
mod packets;
mod plan;
mod recount;
mod redecode;
mod rewrite;
mod spill;
mod table;
mod vacuum;
mod verify;

pub use compact::{CompactOptions, CompactedDay, Size};
pub use error::MaintainError;
pub use packets::Decoder;
pub use redecode::{RedecodeOptions, RedecodedDay};
pub use vacuum::{RETENTION_MIN, VacuumOptions, Vacuumed};
pub use verify::{Finding, FindingKind, TableCount, Verified};

use std::collections::BTreeMap;

use tokio::runtime::{Handle, Runtime};

use crate::error::LakeError;
use crate::location::Location;
use crate::tables::Tables;
use packets::PacketBlocks;
use recount::{Contact, Offsets, compare_offsets, compare_packets};
use redecode::PACKETS;
use rewrite::Reading;
use table::Table;

/// Maintains the tables of a location.
pub struct Maintenance {
    tables: Tables,
    runtime: Runtime,
}

impl Maintenance {
    /// Prepares to maintain tables; nothing is read yet.
    ///
    /// # Errors
    /// The location is none, or threads cannot be started.
    pub fn open(location: &Location) -> Result<Self, MaintainError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(MaintainError::Start)?;
        Ok(Self {
            tables: Tables::open(location)?,
            runtime,
        })
    }

    /// Names of the tables, sorted.
    ///
    /// # Errors
    /// The location cannot be read.
    pub fn tables(&self) -> Result<Vec<String>, MaintainError> {
        Ok(self.runtime.block_on(self.tables.names())?)
    }

    /// Compacts the dirty days of a table; `done` hears of each.
    ///
    /// # Errors
    /// [`MaintainError`]; days that were committed before stay compacted.
    pub fn compact(
        &self,
        table: &str,
        options: &CompactOptions,
        done: &mut dyn FnMut(&CompactedDay),
    ) -> Result<(), MaintainError> {
        let mut table = self.table(table)?;
        compact::compact(&mut table, self.handle(), options, done)
    }

    /// Deletes the files of a table that no version within the retention refers to.
    ///
    /// # Errors
    /// [`MaintainError::Retention`] for one that is too short, or why files cannot be deleted.
    pub fn vacuum(&self, table: &str, options: &VacuumOptions) -> Result<Vacuumed, MaintainError> {
        let table = self.table(table)?;
        self.runtime.block_on(vacuum::vacuum(&table, options))
    }

    /// Verifies one table, or all and how they fit together; with a decoder, telemetry tables
    /// against the packets too.
    ///
    /// # Errors
    /// Why something cannot be read; what is wrong with tables is no error.
    pub fn verify(
        &self,
        only: Option<&str>,
        decoder: Option<&mut dyn Decoder>,
        done: &mut dyn FnMut(&TableCount),
    ) -> Result<Verified, MaintainError> {
        let names = match only {
            Some(name) => vec![name.to_owned()],
            None => self.tables()?,
        };
        let mut verified = Verified::default();
        let mut contacts: BTreeMap<String, BTreeMap<Contact, u64>> = BTreeMap::new();
        let mut topics: BTreeMap<&str, Vec<(String, u64, Offsets)>> = BTreeMap::new();
        for name in names {
            let table = match self.table(&name) {
                Err(MaintainError::Lake(error @ LakeError::Foreign { .. })) if only.is_none() => {
                    verified.findings.push(Finding {
                        table: name,
                        kind: FindingKind::Unchecked,
                        place: "the table".to_owned(),
                        what: error.to_string(),
                    });
                    continue;
                }
                table => table?,
            };
            let found = verify::verify_table(&table, self.handle(), &mut verified.findings)?;
            let offsets = self.runtime.block_on(table.offsets())?;
            let entry = (name.clone(), found.count.rows, offsets);
            topics.entry(topic_of(&name)).or_default().push(entry);
            done(&found.count);
            verified.tables.push(found.count);
            contacts.insert(name, found.contacts);
        }
        for (topic, tables) in &topics {
            // A topic's records lie in all of its tables together.
            if only.is_none() || *topic != TELEMETRY {
                compare_offsets(topic, tables, &mut verified.findings);
            }
        }
        if let Some(decoder) = decoder {
            self.verify_packets(only, decoder, contacts, &mut verified.findings)?;
        }
        Ok(verified)
    }

    fn verify_packets(
        &self,
        only: Option<&str>,
        decoder: &mut dyn Decoder,
        mut contacts: BTreeMap<String, BTreeMap<Contact, u64>>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), MaintainError> {
        let packets = self.table(PACKETS)?;
        let version = decoder.version().to_owned();
        let mut expected: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut versions: BTreeMap<Contact, u64> = BTreeMap::new();
        for day in packets.days() {
            let mut files = packets.files_of(day);
            // Named already.
            files.retain(|file| {
                let place = &file.add.path;
                !findings.iter().any(|finding| finding.place == *place)
            });
            let reading = Reading::new(&packets, self.handle(), files)?;
            for block in PacketBlocks::new(reading.merged()?, &version) {
                let block = block?;
                let contact = block.source.contact.clone().unwrap_or_default();
                let decoded = decoder.decode(&block.block, &block.source);
                let decoded = decoded.map_err(|source| MaintainError::Decode {
                    table: PACKETS.to_owned(),
                    source,
                })?;
                for (table, batch) in decoded {
                    if only.is_none_or(|only| only == table) {
                        let place = expected.entry((table, contact.clone())).or_default();
                        *place += batch.num_rows() as u64;
                    }
                }
                let place = Contact {
                    contact,
                    version: block.stored_version,
                };
                *versions.entry(place).or_default() += block.block.len() as u64;
            }
        }
        contacts.retain(|name, _| topic_of(name) == TELEMETRY);
        compare_packets(&version, &expected, &contacts, &versions, findings);
        Ok(())
    }

    /// Decodes a telemetry table's packets again; `done` hears of each day with rows.
    ///
    /// # Errors
    /// [`MaintainError`]; days that were committed before stay decoded.
    pub fn redecode(
        &self,
        table: &str,
        decoder: &mut dyn Decoder,
        options: &RedecodeOptions,
        done: &mut dyn FnMut(&RedecodedDay),
    ) -> Result<(), MaintainError> {
        let (tables, handle) = (&self.tables, self.handle());
        redecode::redecode(tables, handle, table, decoder, options, done)
    }

    fn table(&self, name: &str) -> Result<Table, MaintainError> {
        self.runtime.block_on(Table::open(&self.tables, name))
    }

    fn handle(&self) -> &Handle {
        self.runtime.handle()
    }
}

/// Microseconds since 1970-01-01 UTC of a day or an RFC 3339 time.
pub fn microseconds(text: &str) -> Option<i64> {
    let nanoseconds = arrow::compute::kernels::cast_utils::string_to_timestamp_nanos(text).ok()?;
    Some(nanoseconds.div_euclid(1_000))
}

/// The topic whose records a table has.
fn topic_of(table: &str) -> &'static str {
    match table {
        "frames" => "tm.frames",
        PACKETS => "tm.packets",
        "events" => "tm.events",
        _ => TELEMETRY,
    }
}

const TELEMETRY: &str = "tm.telemetry";
