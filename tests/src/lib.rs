//! What the end-to-end tests share: where recordings lie, and the program under test.

pub mod disk;
pub mod kafka;
pub mod lake;
pub mod random;
pub mod s3;
pub mod service;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The checkout's root.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// A path among the shared recordings and definitions, or `None`, said aloud, where they are
/// absent.
///
/// # Panics
/// In CI, where they must be present.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PASSLINE_SHARED")
        .map_or_else(|| workspace().join("../shared"), PathBuf::from);
    let full = root.join(path);
    if full.exists() {
        return Some(full);
    }
    skip(&format!("{} is absent", full.display()));
    None
}

/// Says that a test is skipped and why.
///
/// # Panics
/// In CI, where nothing may be skipped.
pub fn skip(why: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "must not be skipped in CI: {why}"
    );
    eprintln!("SKIPPED: {why}");
}

/// The passline program, built in the profile of the tests.
///
/// # Panics
/// If it has not been built: `./test.sh` does, or `cargo build --bin passline`.
pub fn passline() -> Command {
    let mut path = std::env::current_exe().expect("a test has a path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.push("passline");
    assert!(
        path.exists(),
        "{} is missing: run cargo build --bin passline",
        path.display()
    );
    Command::new(path)
}

/// Runs a command that must succeed and returns what it printed.
///
/// # Panics
/// If it fails; the message holds its standard error.
pub fn succeed(command: &mut Command) -> String {
    let output = run(command);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a command and returns its output, whatever its status.
///
/// # Panics
/// If it cannot be started.
pub fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The interpreter that `tests/peers/setup.sh` installs, with the peers that Passline is compared
/// with; `None`, said aloud, where it is absent.
///
/// # Panics
/// In CI, where it must be present.
pub fn python() -> Option<PathBuf> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let base = || {
        Some(
            std::env::var_os("XDG_CACHE_HOME")
                .map_or_else(home, |path| Some(path.into()))?
                .join("passline"),
        )
    };
    let cache = std::env::var_os("PASSLINE_CACHE")
        .map(PathBuf::from)
        .or_else(base);
    let python = cache?.join("peers-venv/bin/python");
    if python.exists() {
        return Some(python);
    }
    skip("the Python peers are not installed: run tests/peers/setup.sh");
    None
}
