//! Decodes a file of space packets with an XTCE document: one Arrow IPC file a table.
//!
//! ```text
//! cargo run -p tm-decoder --example decode_packets -- --xtce FILE --packets FILE --out FOLDER [--skip OCTETS]
//! ```
//! `received` holds the packet's index in the file, in microseconds, so that a row can be traced
//! to its packet. Anomalies and what the definition says in vain go to stdout as JSON.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::ipc::writer::FileWriter;
use schemas::layout;
use schemas::record::{NO_TIME, NO_VIRTUAL_CHANNEL, PacketBlock, Quality, SpacecraftName};
use schemas::tables::Source;
use schemas::xtce::model::MissionDatabase;
use tm_decoder::decommutate::Decommutator;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = BTreeMap::new();
    let mut words = std::env::args().skip(1);
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        arguments.insert(key, value);
    }
    let argument = |key: &str| {
        arguments
            .get(key)
            .ok_or_else(|| format!("{key} is missing: --xtce F --packets F --out D"))
    };
    let skip = arguments.get("--skip").map_or(Ok(0), |text| text.parse())?;
    let database = MissionDatabase::load_files(&[PathBuf::from(argument("--xtce")?)])?;
    let mission = Arc::new(layout::compile(&database)?);
    let block = split(&std::fs::read(argument("--packets")?)?, skip);
    let decoded = Decommutator::new(Arc::clone(&mission)).decode(&block, &Source::default())?;
    let out = Path::new(argument("--out")?);
    std::fs::create_dir_all(out)?;
    let mut tables: BTreeMap<&str, Vec<&RecordBatch>> = BTreeMap::new();
    for (table, batch) in &decoded.batches {
        if let Some(layout) = mission.table(*table) {
            tables.entry(&layout.table).or_default().push(batch);
        }
    }
    for (name, batches) in tables {
        let file = File::create(out.join(format!("{name}.arrow")))?;
        let mut writer = FileWriter::try_new(file, &batches[0].schema())?;
        for batch in batches {
            writer.write(batch)?;
        }
        writer.finish()?;
    }
    let anomalies: Vec<serde_json::Value> = decoded
        .anomalies
        .iter()
        .map(|anomaly| {
            serde_json::json!({
                "kind": anomaly.kind.as_str(),
                "apid": anomaly.apid,
                "table": anomaly.table.and_then(|table| Some(&mission.table(table)?.table)),
                "count": anomaly.count,
                "first_packet": anomaly.first_packet,
                "field": anomaly.field,
            })
        })
        .collect();
    let issues: Vec<String> = mission
        .issues
        .iter()
        .map(|issue| format!("{}: {}", issue.container, issue.what))
        .collect();
    let report = serde_json::json!({
        "packets": block.len(), "anomalies": anomalies, "issues": issues
    });
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}

/// Packets of a file, each behind `skip` octets of something else.
fn split(octets: &[u8], skip: usize) -> PacketBlock {
    let mut block = PacketBlock::new(SpacecraftName::new("recorded"));
    let mut rest = octets;
    while let Some(packet) = rest.get(skip..)
        && let Some(header) = packet.first_chunk::<6>()
        && let length = usize::from(u16::from_be_bytes([header[4], header[5]])) + 7
        && let Some((packet, behind)) = packet.split_at_checked(length)
    {
        block.received.push(block.time.len() as i64);
        block.time.push(NO_TIME);
        block.virtual_channel.push(NO_VIRTUAL_CHANNEL);
        block.quality.push(Quality::Unchecked as u8);
        block.data.extend_from_slice(packet);
        block.offsets.push(block.data.len() as i32);
        rest = behind;
    }
    block
}
