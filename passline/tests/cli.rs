//! The command line itself. (A test of this package also makes `cargo test --workspace` build the
//! program with the features of that build, once, for the end-to-end tests.)

use std::process::{Command, Output};

fn passline(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_passline"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn help_names_every_command() {
    let help = passline(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    for command in ["demo", "replay", "sql", "inspect", "mission", "run"] {
        assert!(text.contains(command), "{command} in {text}");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_failure_with_1() {
    assert_eq!(passline(&["replay"]).status.code(), Some(2));
    assert_eq!(
        passline(&["replay", "f", "--mission", "m", "--level", "bits"])
            .status
            .code(),
        Some(2)
    );
    let failed = passline(&["mission", "check", "no-such-folder"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(failed.stdout.is_empty());
    let message = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(message.contains("no-such-folder"), "{message}");
}

#[test]
fn errors_go_to_standard_error_and_data_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("absent");
    let output = passline(&["sql", "-c", "SELECT 1", "--data", &data.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("replay"),
        "{output:?}"
    );
}
