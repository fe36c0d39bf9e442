//! Every public mission definition loads, and what it holds is what counting its elements says.

use std::path::{Path, PathBuf};

use schemas::xtce::XtceError;
use schemas::xtce::model::MissionDatabase;

/// The folder of definitions; `None` where it is absent, which CI does not accept.
fn definitions() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("PASSLINE_SHARED")
        .map_or_else(beside, PathBuf::from)
        .join("xtce");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} is not there",
        folder.display()
    );
    eprintln!("SKIPPED: {} is not there", folder.display());
    None
}

/// Mistakes and unsupported constructs of each file that has any, found by reading it: file,
/// types and containers left out, mistakes, unsupported. Of BogusSAT's mistakes 16 are of the 8
/// commands that extend `CCSDSDirectTelecommand` or `CCSDSPUSTelecommand`, which are nowhere.
const NOTED: [(&str, usize, usize, usize, usize); 7] = [
    ("imap_ialirt.xml", 1, 0, 1, 0),
    ("imap_ultra_sci_combined.xml", 1, 0, 1, 0),
    ("xtcesim_full_features.xml", 0, 1, 2, 2),
    ("xtcetools_BogusSAT-1.xml", 0, 1, 21, 7),
    ("xtcetools_Diagnostic_Log_Packets.xml", 0, 0, 0, 1),
    ("xtcetools_GovSat_2_0_1.xml", 0, 0, 0, 2),
    ("xtcetools_UnitTests.xml", 0, 0, 0, 3),
];

#[test]
fn every_definition_holds_what_its_elements_say() {
    let Some(folder) = definitions() else { return };
    let index = std::fs::read_to_string(folder.join("index.json")).expect("an index");
    let index: serde_json::Value = serde_json::from_str(&index).expect("JSON");
    let entries = index.as_array().expect("a list");
    assert!(entries.len() >= 21, "{} definitions", entries.len());
    for entry in entries {
        let file = entry["file"].as_str().expect("a name");
        let count = |element: &str| entry["features"][element].as_u64().unwrap_or(0) as usize;
        let database = MissionDatabase::load_files(&[folder.join(file)]).expect(file);
        let report = database.report();
        let noted = NOTED.iter().find(|(name, ..)| *name == file).copied();
        let (_, types, containers, mistakes, unsupported) = noted.unwrap_or((file, 0, 0, 0, 0));
        assert_eq!(report.mistakes.len(), mistakes, "{file}: {report}");
        assert_eq!(report.unsupported.len(), unsupported, "{file}: {report}");
        assert_eq!(report.space_systems, count("SpaceSystem").max(1), "{file}");
        let commands = report.commands + report.abstract_commands + report.commands_left_out;
        assert_eq!(commands, count("MetaCommand"), "{file}");
        let built = report.packets + report.abstract_containers;
        assert_eq!(built + containers, count("SequenceContainer"), "{file}");
        let kinds = [
            "Integer",
            "Float",
            "Boolean",
            "Enumerated",
            "String",
            "Binary",
            "AbsoluteTime",
            "RelativeTime",
            "Array",
            "Aggregate",
        ];
        let declared: usize = kinds
            .iter()
            .map(|kind| count(&format!("{kind}ParameterType")))
            .sum();
        assert_eq!(report.types + types, declared, "{file}");
        for container in &database.containers {
            assert!(
                !container.entries.is_empty() || container.base.is_some(),
                "{file}"
            );
        }
    }
}

#[test]
fn changed_definitions_never_panic() {
    let Some(folder) = definitions() else { return };
    let files = [
        "xtcesim_full_features.xml",
        "xtcetools_BogusSAT-1.xml",
        "jpss1_geolocation_xtce_v1.xml",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    for file in files {
        let text = std::fs::read_to_string(folder.join(file)).expect(file);
        for _ in 0..24 {
            let mut octets = text.as_bytes().to_vec();
            match random(3) {
                0 => octets.truncate(random(octets.len())),
                1 => (0..8).for_each(|_| {
                    let at = random(octets.len());
                    octets[at] = random(256) as u8;
                }),
                _ => {
                    // Quoted texts swapped: well-formed, but wrong.
                    let mut words: Vec<_> = text.split('"').collect();
                    for _ in 0..16 {
                        let quoted = words.len() / 2;
                        words.swap(random(quoted) * 2 + 1, random(quoted) * 2 + 1);
                    }
                    octets = words.join("\"").into_bytes();
                }
            }
            let text = String::from_utf8_lossy(&octets);
            let result: Result<_, XtceError> = MissionDatabase::from_documents(&[(file, &text)]);
            if let Ok(database) = result {
                assert!(!database.report().to_string().is_empty());
            }
        }
    }
}
