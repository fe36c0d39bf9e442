//! Packets to Arrow batches, one core: the JPSS geolocation container beside ccsdspy.
//!
//! Both decode the same file in the same run: the recording of 7,200 packets a hundred times. A
//! value is a parameter of the container in one packet; the ten leading columns are built but not
//! counted. Times are the thread's own on its processor. ccsdspy gets its fastest path, a fixed-length definition with all fields.

#![allow(clippy::print_stdout, reason = "a bench prints its results")]

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use schemas::layout;
use schemas::record::{NO_TIME, NO_VIRTUAL_CHANNEL, PacketBlock, Quality, SpacecraftName};
use schemas::tables::{LEADING_COLUMNS, Source};
use schemas::xtce::model::MissionDatabase;
use tests::shared;
use tm_decoder::decommutate::Decommutator;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const RECORDING: &str = "recordings/packets/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1";
const DEFINITION: &str = "xtce/jpss1_geolocation_xtce_v1.xml";
const PACKET_OCTETS: usize = 71;
const REPEATS: usize = 100;
/// Packets a block has on the bus.
const BLOCK_PACKETS: usize = 4_096;
const RUNS: usize = 7;

fn main() {
    let (Some(recording), Some(definition)) = (shared(RECORDING), shared(DEFINITION)) else {
        return;
    };
    let recording = std::fs::read(recording).expect("the recording");
    let database = MissionDatabase::load_files(&[definition]).expect("definition");
    let mission = Arc::new(layout::compile(&database).expect("layouts"));
    let packets = recording.repeat(REPEATS);
    let blocks: Vec<PacketBlock> = packets
        .chunks(BLOCK_PACKETS * PACKET_OCTETS)
        .map(block)
        .collect();
    let ours = ours(&mission, &blocks);
    println!(
        "passline decommutate            {:8.1} M values/s",
        ours / 1e6
    );
    match ccsdspy(&packets) {
        Ok(theirs) => {
            println!(
                "ccsdspy                         {:8.1} M values/s",
                theirs / 1e6
            );
            println!("ratio                           {:8.1}", ours / theirs);
        }
        Err(reason) => eprintln!("SKIPPED: ccsdspy: {reason}; run tests/peers/setup.sh"),
    }
}

/// Values a second of the best run.
fn ours(mission: &Arc<layout::CompiledMission>, blocks: &[PacketBlock]) -> f64 {
    let source = Source {
        spacecraft: "noaa20".to_owned(),
        ..Source::default()
    };
    let mut best = f64::MAX;
    let mut values = 0;
    for _ in 0..RUNS {
        let mut decommutator = Decommutator::new(Arc::clone(mission));
        values = 0;
        let start = processor_seconds();
        for block in blocks {
            let decoded = decommutator
                .decode(block, &source)
                .expect("a block of whole packets");
            assert!(decoded.anomalies.is_empty());
            for (_, batch) in &decoded.batches {
                values += batch.num_rows() * (batch.num_columns() - LEADING_COLUMNS.len());
            }
            std::hint::black_box(&decoded);
        }
        best = best.min(processor_seconds() - start);
    }
    assert_eq!(values, REPEATS * 7_200 * 27);
    values as f64 / best
}

/// Time that this thread has had on a processor, which other load does not stretch; where the
/// system does not tell, time on the wall. ccsdspy is measured in the same way.
fn processor_seconds() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let wall = START.elapsed().as_secs_f64();
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok())
        .filter(|&nanoseconds| nanoseconds > 0.0)
        .map_or(wall, |nanoseconds| nanoseconds / 1e9)
}

fn block(octets: &[u8]) -> PacketBlock {
    let count = octets.len() / PACKET_OCTETS;
    PacketBlock {
        spacecraft: SpacecraftName::new("noaa20"),
        data: octets.to_vec(),
        offsets: (0..=count)
            .map(|index| (index * PACKET_OCTETS) as i32)
            .collect(),
        time: (0..count as i64).collect(),
        received: vec![NO_TIME; count],
        virtual_channel: vec![NO_VIRTUAL_CHANNEL; count],
        quality: vec![Quality::Unchecked as u8; count],
    }
}

fn ccsdspy(packets: &[u8]) -> Result<f64, String> {
    let python = tests::python().ok_or("absent")?;
    let file = std::env::temp_dir().join(format!("passline-bench-{}.bin", std::process::id()));
    std::fs::write(&file, packets).map_err(|error| error.to_string())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/ccsdspy_speed.py");
    let output = Command::new(&python).arg(&script).arg(&file).output();
    let _ = std::fs::remove_file(&file);
    let output = output.map_err(|error| format!("{}: {error}", python.display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .map_err(|_| format!("unexpected output: {text}"))
}
