//! Commands encoded and decoded a second, on one core: `start_job` of the mission that ships, with
//! ten arguments, and every command of it in turn.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use schemas::command::{Arguments, CommandDatabase, CompiledCommand, finish_packet};
use schemas::layout::compile;
use schemas::mission::Mission;
use schemas::xtce::model::MissionDatabase;

const JOB: [(&str, &str); 10] = [
    ("job_id", "7"),
    ("kind", "training"),
    ("priority", "120"),
    ("first_accelerator", "1"),
    ("accelerators", "64"),
    ("cap", "1000"),
    ("steps", "100000"),
    ("checkpoint_interval", "900"),
    ("from_checkpoint", "true"),
    ("job_name", "llm-7"),
];

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("missions/orbital-compute");
    let mission = Mission::load(&folder).expect("the mission that ships");
    let database = MissionDatabase::load_files(&mission.xtce).expect("its database");
    let commands = CommandDatabase::compile(&database, &compile(&database).expect("its layouts"));
    let start = commands.find("start_job").expect("a command");
    let arguments = start.parse(JOB).expect("its arguments");
    let mut packet = Vec::new();
    start.encode(&arguments, &mut packet).expect("its packet");
    println!("start_job: 10 arguments, {} octets", packet.len());
    let mut out = Vec::with_capacity(1 << 20);
    rate("encode", || encode(start, &arguments, &mut out));
    rate("encode, error control, count", || {
        encode(start, &arguments, &mut out);
        assert!(finish_packet(&mut out, 0, 7, true));
    });
    rate("decode", || {
        black_box(start.decode(black_box(&packet)).expect("it decodes"));
    });
    rate("identify among all", || {
        black_box(commands.identify(black_box(&packet)).expect("it is known"));
    });
    rate("parse, check and encode", || {
        black_box(start.parse(black_box(JOB)).expect("it parses"));
    });
}

fn encode(command: &CompiledCommand, arguments: &Arguments, out: &mut Vec<u8>) {
    out.clear();
    command
        .encode(black_box(arguments), out)
        .expect("it encodes");
    black_box(out.as_slice());
}

/// Runs for half a second, five times, and prints the best.
fn rate(name: &str, mut once: impl FnMut()) {
    let mut best = 0.0_f64;
    for _ in 0..5 {
        let (begun, mut runs) = (Instant::now(), 0_u32);
        while begun.elapsed() < Duration::from_millis(500) {
            for _ in 0..1_000 {
                once();
            }
            runs += 1_000;
        }
        best = best.max(f64::from(runs) / begun.elapsed().as_secs_f64());
    }
    println!("{name:<32} {:>8.2} M/s  {:>6.0} ns", best / 1e6, 1e9 / best);
}
