//! `passline command` from outside: what an operator sees of a mission's commands.

use std::path::PathBuf;

use serde_json::Value;
use tests::{passline, run, succeed, workspace};

fn mission() -> PathBuf {
    workspace().join("schemas/missions/orbital-compute")
}

fn ask(arguments: &[&str]) -> String {
    succeed(
        passline()
            .arg("command")
            .args(arguments)
            .arg("--mission")
            .arg(mission()),
    )
}

#[test]
fn every_command_is_listed_and_described() {
    let list: Value = serde_json::from_str(&ask(&["list", "--format", "json"])).unwrap();
    let list = list.as_array().unwrap();
    assert!(list.len() >= 15, "{}", list.len());
    for command in list {
        let name = command["command"].as_str().unwrap();
        let described = ask(&["describe", name]);
        assert!(described.contains("significance"), "{described}");
        assert!(described.contains("verified by"), "{described}");
        let json: Value =
            serde_json::from_str(&ask(&["describe", name, "--format", "json"])).unwrap();
        for argument in json["arguments"].as_array().unwrap() {
            let name = argument["name"].as_str().unwrap();
            assert!(
                described.contains(name) || argument["free"] == false,
                "{name}: {described}"
            );
        }
    }
    let levels: Vec<_> = list
        .iter()
        .map(|command| &command["significance"])
        .collect();
    assert!(
        levels.iter().any(|level| *level == "critical"),
        "{levels:?}"
    );
    assert!(levels.iter().any(|level| *level == "severe"), "{levels:?}");
}

#[test]
fn a_packet_is_shown_bit_by_bit_and_read_back() {
    let given = ["cap=450 W", "accelerator=3"];
    let command = "set_accelerator_power_cap";
    let mut arguments = vec!["encode", command];
    arguments.extend(given);
    arguments.extend(["--sequence-count", "77"]);
    let hex = ask(&[arguments.as_slice(), &["--format", "hex"]].concat());
    let fields: Value =
        serde_json::from_str(&ask(&[arguments.as_slice(), &["--format", "json"]].concat()))
            .unwrap();
    let fields = fields.as_array().unwrap();
    let bits: u64 = fields
        .iter()
        .map(|field| field["bits"].as_u64().unwrap())
        .sum();
    assert_eq!(
        bits as usize,
        hex.trim().len() * 4,
        "every bit is of a field"
    );
    let count = u16::from_str_radix(&hex[4..8], 16).unwrap();
    assert_eq!(count & 0x3FFF, 77);
    let read: Value =
        serde_json::from_str(&ask(&["decode", hex.trim(), "--format", "json"])).unwrap();
    assert_eq!(read.as_array().unwrap(), fields);
    // One bit that is wrong is noticed.
    let mut damaged = hex.trim().to_owned();
    let last = damaged.pop().unwrap();
    damaged.push(if last == '0' { '1' } else { '0' });
    let output = run(passline()
        .args(["command", "decode", &damaged, "--mission"])
        .arg(mission()));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("damaged"),
        "{output:?}"
    );
}

#[test]
fn what_is_wrong_is_told_with_what_would_be_right() {
    let command = "set_accelerator_power_cap";
    for (arguments, expected) in [
        (vec!["encode", "set_powr"], "no command"),
        (vec!["encode", command, "accelerator=3"], "cap"),
        (
            vec!["encode", command, "accelerator=3", "cap=9999999"],
            "9999999",
        ),
        (
            vec!["encode", command, "accelerator=three", "cap=450"],
            "three",
        ),
        (
            vec!["encode", &command, "accelerator=3", "cap=450", "colour=red"],
            "colour",
        ),
        (vec!["encode", command, "accelerator"], "NAME=VALUE"),
        (vec!["decode", "ABC"], "two for each"),
        (vec!["decode", "zz"], "hexadecimal"),
    ] {
        let output = run(passline()
            .arg("command")
            .args(&arguments)
            .arg("--mission")
            .arg(mission()));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains(expected), "{arguments:?}: {told}");
        assert!(!told.contains("panicked"), "{told}");
    }
}
