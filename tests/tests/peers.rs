//! Decoders by others, on the same recordings, value by value.

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::{python, shared};

/// Every parameter of every packet equals what space_packet_parser says, raw and derived; cells of
/// the instrument teams' own tables, where they come with the recording, do too.
#[test]
fn packets_decode_to_the_same_values_as_space_packet_parser() {
    let (Some(recordings), Some(python)) = (shared("recordings"), python()) else {
        return;
    };
    let script = peers_folder().join("compare_decoding.py");
    let output = Command::new(python)
        .arg(script)
        .arg(decode_packets())
        .arg(recordings.parent().expect("the shared folder"))
        .output()
        .expect("the peers' Python starts");
    let report = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}{errors}");
    // One line for each recording with a definition; none may drop out unseen.
    assert!(report.lines().count() >= 11, "{report}");
    eprint!("{report}");
}

fn peers_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Builds tm-decoder's example and says where it is.
fn decode_packets() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--package",
            "tm-decoder",
            "--example",
            "decode_packets",
        ])
        .arg("--message-format=json")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let messages = String::from_utf8_lossy(&output.stdout);
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "decode_packets")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the example it built")
}
