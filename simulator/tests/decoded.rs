//! What the simulator sends, through the project's own decoder and the mission that ships.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches, max, min};
use arrow::datatypes::{DataType, Float64Type};
use schemas::layout::compile;
use schemas::mission::{Level, Mission};
use schemas::tables::Source;
use schemas::xtce::model::MissionDatabase;
use simulator::{Faults, Pass, PassConfig, Truth};
use tm_decoder::Downlink;
use tm_decoder::decommutate::Decommutator;
use tm_decoder::inspect::{ChannelKey, Inspector};

const START: i64 = 1_795_000_000_000_000;

fn mission() -> Mission {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../schemas/missions/orbital-compute"
    );
    Mission::load(Path::new(folder)).unwrap()
}

fn inspect(config: PassConfig) -> (tm_decoder::inspect::Inspection, Truth) {
    let mut pass = Pass::new(config).unwrap();
    let mut inspector = Inspector::new(&mission(), Level::Cadu).unwrap();
    for chunk in pass.by_ref() {
        inspector.handle_bytes(&chunk);
    }
    (inspector.finish(), pass.truth())
}

/// The decoder and the truth must agree on frames, words, gaps and packets.
fn agree(config: PassConfig) -> Truth {
    let (found, truth) = inspect(config);
    assert_eq!(found.statistics.octets, truth.octets);
    assert_eq!(found.statistics.frames, truth.frames_sent());
    assert_eq!(found.statistics.words_clean, truth.codewords_clean);
    assert_eq!(
        found.statistics.words_corrected,
        truth.codewords_correctable
    );
    assert_eq!(
        found.statistics.symbols_corrected,
        truth.symbols_correctable
    );
    assert_eq!(
        found.statistics.words_uncorrectable,
        truth.codewords_uncorrectable
    );
    let mut packets = BTreeMap::new();
    for (&vcid, sent) in &truth.virtual_channels {
        let channel = &found.virtual_channels[&ChannelKey::Of("odc-083".into(), vcid)];
        assert_eq!(channel.frames, sent.frames_whole, "virtual channel {vcid}");
        if vcid == 63 {
            assert_eq!(channel.idle_frames, sent.frames_whole);
            continue;
        }
        assert_eq!(channel.gaps, sent.gaps, "virtual channel {vcid}");
        assert_eq!(
            channel.frames_lost, sent.frames_missing,
            "virtual channel {vcid}"
        );
        for (&apid, one) in &channel.apids {
            packets.insert(apid, one.packets);
        }
    }
    packets.remove(&2_047);
    let sent: BTreeMap<u16, u64> = truth
        .apids
        .iter()
        .map(|(&apid, one)| (apid, one.packets_whole))
        .collect();
    assert_eq!(packets, sent);
    truth
}

#[test]
fn the_decoder_finds_what_a_clean_pass_sent() {
    let config = PassConfig {
        duration_s: 1_500,
        ..PassConfig::new(21, 83, START)
    };
    let truth = agree(config);
    assert_eq!(truth.packets(), truth.packets_whole());
}

#[test]
fn the_decoder_finds_what_a_bad_link_left_over() {
    let faults = Faults {
        bit_error_rate: 4e-4,
        dropped_frames: BTreeSet::from([7, 8, 100]),
        bit_offset: 5,
        ..Faults::default()
    };
    let config = PassConfig {
        duration_s: 1_500,
        faults,
        ..PassConfig::new(22, 83, START)
    };
    let truth = agree(config);
    assert_eq!(truth.frames_dropped, 3);
    assert!(truth.symbols_correctable > 500);
    assert!(truth.packets_whole() < truth.packets());
}

#[test]
fn every_packet_becomes_a_row_without_a_null() {
    let mission = mission();
    let database = MissionDatabase::load_files(&mission.xtce).unwrap();
    assert!(
        database.unsupported.is_empty(),
        "{:?}",
        database.unsupported
    );
    let layouts = Arc::new(compile(&database).unwrap());
    assert!(layouts.issues.is_empty(), "{:?}", layouts.issues);
    let mut pass = Pass::new(PassConfig::new(23, 83, START)).unwrap();
    let mut downlink = Downlink::new(&mission, Level::Cadu).unwrap();
    let mut octets = Vec::new();
    while pass.next_chunk(&mut octets) {}
    downlink.handle_bytes(&octets);
    downlink.handle_end();
    let mut decommutator = Decommutator::new(Arc::clone(&layouts));
    let mut batches: BTreeMap<String, Vec<RecordBatch>> = BTreeMap::new();
    while let Some(block) = downlink.poll_packets() {
        let decoded = decommutator.decode(&block, &Source::default()).unwrap();
        for (table, batch) in decoded.batches {
            let name = layouts.table(table).unwrap().table.clone();
            batches.entry(name).or_default().push(batch);
        }
    }
    let tables: BTreeMap<String, RecordBatch> = batches
        .into_iter()
        .map(|(name, batches)| {
            (
                name,
                concat_batches(&batches[0].schema(), &batches).unwrap(),
            )
        })
        .collect();
    let truth = pass.truth();
    let rows: BTreeMap<&str, u64> = tables
        .iter()
        .map(|(name, batch)| (name.as_str(), batch.num_rows() as u64))
        .collect();
    let sent = [
        "housekeeping",
        "power",
        "thermal",
        "compute_node",
        "compute_job",
        "optical_link",
        "rf_link",
        "attitude",
        "event",
    ];
    let sent = (100..)
        .zip(sent)
        .map(|(apid, name)| (name, truth.apids[&apid].packets));
    assert_eq!(rows, sent.collect());

    for (name, batch) in &tables {
        // Station, contact and reception time are not known here.
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()).skip(10) {
            assert_eq!(column.null_count(), 0, "{name}.{}", field.name());
        }
        let times = batch.column_by_name("time").unwrap();
        assert_eq!(times.null_count(), 0, "{name}");
    }
    let within = |table: &str, column: &str, low: f64, high: f64| {
        let values = tables[table].column_by_name(column).unwrap();
        let values = cast(values, &DataType::Float64).unwrap();
        let values = values.as_primitive::<Float64Type>();
        let (least, most) = (min(values).unwrap(), max(values).unwrap());
        assert!(
            low <= least && most <= high,
            "{table}.{column}: {least} to {most}"
        );
        most - least
    };
    // Three hours hold an eclipse at least.
    assert!(within("power", "battery_state_of_charge", 15.0, 100.0) > 20.0);
    assert!(within("power", "array_temperature", -110.0, 100.0) > 80.0);
    assert!(within("power", "battery_temperature", 0.0, 45.0) < 20.0);
    within("power", "bus_voltage", 255.0, 345.0);
    within("thermal", "radiator_sink_temperature", 150.0, 250.0);
    within("thermal", "radiator_panel_4_temperature", -40.0, 60.0);
    assert_eq!(within("thermal", "coolant_loop", 1.0, 4.0), 3.0);
    assert_eq!(within("compute_node", "accelerator", 1.0, 64.0), 63.0);
    within("compute_node", "gpu_temperature", 0.0, 95.0);
    within("compute_job", "progress", 0.0, 100.0);
    within("attitude", "latitude", -53.1, 53.1);
    assert_eq!(within("optical_link", "rate", 0.0, 100.0), 100.0);
}
