//! Following a log: what other writers committed since a version.
//!
//! Only the new entries are read. Of them a worker needs its own `txn`, which nobody else may
//! move, changes of the schema and the protocol, and the files that came and went.

use std::sync::Arc;

use deltalake::kernel::{Add, Metadata, Protocol, Transaction};
use serde::Deserialize;
use serde_json::Value;

use crate::error::LakeError;
use crate::files::TableFile;

/// One line of a log entry; what it says otherwise is no matter here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    txn: Option<Transaction>,
    meta_data: Option<Metadata>,
    protocol: Option<Protocol>,
    add: Option<Add>,
    remove: Option<Removed>,
}

#[derive(Deserialize)]
struct Removed {
    path: String,
}

/// What one log entry says.
#[derive(Default)]
pub(crate) struct Entry {
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) added: Vec<Add>,
    pub(crate) removed: Vec<String>,
}

/// Files that other writers brought and took.
#[derive(Default)]
pub(crate) struct Others {
    pub(crate) added: Vec<Arc<TableFile>>,
    pub(crate) removed: Vec<String>,
}

/// Reads a log entry.
pub(crate) fn read_entry(octets: &[u8]) -> Result<Entry, serde_json::Error> {
    let mut entry = Entry::default();
    for line in octets.split(|octet| *octet == b'\n') {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line: Line = serde_json::from_slice(line)?;
        entry.transactions.extend(line.txn);
        entry.metadata = line.meta_data.or(entry.metadata);
        entry.protocol = line.protocol.or(entry.protocol);
        entry.added.extend(line.add);
        if let Some(removed) = line.remove {
            // Paths are URIs in the log; `Add` decodes its own.
            let path = percent_decoded(&removed.path);
            entry.removed.push(path);
        }
    }
    Ok(entry)
}

pub(crate) fn percent_decoded(path: &str) -> String {
    let octets = path.as_bytes();
    let mut decoded = Vec::with_capacity(octets.len());
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        let code = path.get(at + 1..at + 3).filter(|_| octet == b'%');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => {
                decoded.push(code);
                at += 3;
            }
            None => {
                decoded.push(octet);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| path.to_owned())
}

/// Refuses a table that needs of its writers what this one does not do.
pub(crate) fn check_writable(
    table: &str,
    protocol: Option<&Protocol>,
    metadata: &Metadata,
) -> Result<(), LakeError> {
    let foreign = |what: String| {
        Err(LakeError::Foreign {
            table: table.to_owned(),
            what,
        })
    };
    let partitions: Vec<&str> = metadata
        .partition_columns()
        .iter()
        .map(AsRef::as_ref)
        .collect();
    if partitions != [crate::DAY_COLUMN] {
        return foreign(format!(
            "it is partitioned by [{}] instead of [{}]",
            partitions.join(", "),
            crate::DAY_COLUMN
        ));
    }
    for (key, value) in metadata.configuration() {
        let enabled = match key.as_str() {
            "delta.enableChangeDataFeed" | "delta.enableDeletionVectors" => value == "true",
            "delta.columnMapping.mode" => value != "none",
            key => key.starts_with("delta.constraints."),
        };
        if enabled {
            return foreign(format!("its property {key} is {value}"));
        }
    }
    let Some(protocol) = protocol else {
        return Ok(());
    };
    let protocol = serde_json::to_value(protocol).unwrap_or(Value::Null);
    let version = protocol["minWriterVersion"].as_u64().unwrap_or(0);
    if version > WRITER_VERSION_MAX {
        return foreign(format!("it needs writers of version {version}"));
    }
    let features = protocol["writerFeatures"].as_array();
    for feature in features.into_iter().flatten().filter_map(Value::as_str) {
        if !WRITER_FEATURES.contains(&feature) {
            return foreign(format!("it needs writers that know {feature}"));
        }
    }
    Ok(())
}

/// The protocol's newest table version, whose needs are named one by one.
const WRITER_VERSION_MAX: u64 = 7;

/// What a table may need: kept without doing anything, as long as no property asks for it.
const WRITER_FEATURES: [&str; 5] = [
    "appendOnly",
    "invariants",
    "checkConstraints",
    "changeDataFeed",
    "timestampNtz",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_another_writer_is_read_line_by_line() {
        let entry = read_entry(
            br#"{"commitInfo":{"operation":"OPTIMIZE"}}
{"txn":{"appId":"a","version":7}}
{"domainMetadata":{"domain":"d","configuration":"","removed":false}}
{"remove":{"path":"day=1/a%20b.parquet","dataChange":false,"deletionTimestamp":1}}
{"add":{"path":"day=1/c%20d.parquet","partitionValues":{"day":null},"size":3,"modificationTime":0,"dataChange":false}}

"#,
        )
        .unwrap();
        assert_eq!(entry.transactions[0].version, 7);
        assert_eq!(entry.removed, ["day=1/a b.parquet"]);
        assert_eq!(entry.added[0].path, "day=1/c d.parquet");
        assert!(read_entry(b"{\"add\":7}").is_err());
        assert_eq!(percent_decoded("50%"), "50%");
    }
}
