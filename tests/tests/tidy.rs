//! The project's structure stays what ARCHITECTURE.md says it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tests::workspace;

/// The most lines of a source file before its tests.
const LINES_MAX: usize = 500;

/// Which crates of this workspace a crate may name; the order of the data path.
const EDGES: &[(&str, &[&str])] = &[
    ("space-link", &[]),
    ("schemas", &["space-link"]),
    ("tm-decoder", &["schemas", "space-link"]),
    ("tc-encoder", &["schemas", "space-link"]),
    ("scheduler", &["schemas", "space-link"]),
    ("simulator", &["scheduler", "schemas", "space-link"]),
    ("records", &["schemas"]),
    ("bus", &["records", "schemas"]),
    ("station", &["bus", "schemas", "space-link", "tm-decoder"]),
    ("lake", &["schemas"]),
    ("ingest", &["bus", "lake", "schemas"]),
    ("query", &["lake"]),
    ("service", &["schemas"]),
    ("control", &["bus", "schemas", "space-link"]),
    (
        "passline",
        &[
            "bus",
            "ingest",
            "lake",
            "query",
            "scheduler",
            "schemas",
            "service",
            "simulator",
            "space-link",
            "station",
            "tm-decoder",
        ],
    ),
];

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&workspace(), "rs", &mut found);
    assert!(
        found.len() > 20,
        "the walk found only {} files",
        found.len()
    );
    found
}

#[test]
fn files_stay_short() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|path| {
            !path
                .components()
                .any(|c| c.as_os_str() == "tests" || c.as_os_str() == "benches")
                && path.file_name().is_some_and(|name| name != "tests.rs")
        })
        .filter_map(|path| {
            let text = fs::read_to_string(path).ok()?;
            let lines = text
                .lines()
                .take_while(|line| !line.starts_with("#[cfg(test)]"))
                .count();
            (lines > LINES_MAX).then(|| format!("{}: {lines}", path.display()))
        })
        .collect();
    assert!(
        long.is_empty(),
        "over {LINES_MAX} lines before their tests: {long:#?}"
    );
}

#[test]
fn crates_use_only_what_stands_below_them() {
    let edges: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    for (name, allowed) in &edges {
        let manifest = fs::read_to_string(workspace().join(name).join("Cargo.toml"))
            .unwrap_or_else(|error| panic!("{name}/Cargo.toml: {error}"));
        let dependencies = manifest
            .split("[dependencies]")
            .nth(1)
            .and_then(|rest| rest.split("\n[").next())
            .unwrap_or_default();
        for other in edges.keys() {
            let named = dependencies
                .lines()
                .any(|line| line.split(['.', ' ', '=']).next() == Some(*other));
            assert!(
                !named || allowed.contains(other),
                "{name} must not depend on {other}"
            );
        }
    }
}

#[test]
fn pure_crates_have_no_clock_socket_or_thread() {
    const FORBIDDEN: &[&str] = &[
        "std::net",
        "std::thread",
        "SystemTime::now",
        "Instant::now",
        "tokio::",
        "std::process",
    ];
    for name in [
        "space-link",
        "schemas",
        "records",
        "tm-decoder",
        "tc-encoder",
        "scheduler",
        "simulator",
    ] {
        let mut found = Vec::new();
        files(&workspace().join(name).join("src"), "rs", &mut found);
        for path in found {
            let text = fs::read_to_string(&path).unwrap_or_default();
            for word in FORBIDDEN {
                assert!(!text.contains(word), "{} uses {word}", path.display());
            }
        }
    }
}

#[test]
fn documents_name_real_paths() {
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(workspace().join(document))
            .unwrap_or_else(|error| panic!("{document}: {error}"));
        for word in text.split('`').skip(1).step_by(2) {
            let is_path = word.contains('/')
                && !word.contains([' ', '*', '<', '{', '$', ':'])
                && !word.starts_with(['/', '~'])
                && !word.starts_with("../")
                && !word.starts_with("pass-data")
                && !word.starts_with("DATA/");
            if is_path {
                let path = word.trim_start_matches("./");
                assert!(workspace().join(path).exists(), "{document} names {word}");
            }
        }
    }
}
