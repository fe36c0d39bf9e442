//! The commands of the missions that ship: what they take, their octets, what verifies them.

#[path = "commands/random.rs"]
mod random;

use std::path::Path;

use random::Random;
use schemas::command::{
    CheckOutcome, CommandDatabase, Freshness, Sample, Value, VerifierTarget, finish_packet,
};
use schemas::layout::{CompiledMission, compile};
use schemas::mission::{Cop1Parameters, Mission};
use schemas::xtce::model::{ConsequenceLevel, MissionDatabase, Stage};
use space_link::cltu::{CltuCode, LdpcTail};
use space_link::frame::{Scid, Vcid};
use space_link::sdls::{AuthenticationMask, SecurityLayout, Service, Spi, TcSecurity};
use space_link::uplink::UplinkParameters;
use spacepackets::CcsdsPacket;
use spacepackets::ecss::PusPacket;
use spacepackets::ecss::tc::{GenericPusTcSecondaryHeader, PusTcReader};

fn mission(name: &str) -> (Mission, CompiledMission, CommandDatabase) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("missions")
        .join(name);
    let mission = Mission::load(&folder).unwrap();
    let database = MissionDatabase::load_files(&mission.xtce).unwrap();
    let report = database.report();
    assert!(
        report.mistakes.is_empty() && report.unsupported.is_empty(),
        "{report}"
    );
    assert!(
        report.warnings.is_empty() && report.commands_left_out == 0,
        "{report}"
    );
    let compiled = compile(&database).unwrap();
    assert_eq!(compiled.issues, []);
    let commands = CommandDatabase::compile(&database, &compiled);
    assert_eq!(commands.issues, []);
    assert_eq!(commands.commands.len(), report.commands);
    (mission, compiled, commands)
}

/// Name, service, subtype, level.
const COMMON: [(&str, u8, u8, ConsequenceLevel); 10] = [
    ("pause_job", 142, 2, ConsequenceLevel::Watch),
    ("resume_job", 142, 3, ConsequenceLevel::Watch),
    ("cancel_job", 142, 4, ConsequenceLevel::Warning),
    ("checkpoint_job", 142, 5, ConsequenceLevel::None),
    ("begin_upload", 143, 1, ConsequenceLevel::None),
    ("end_upload", 143, 2, ConsequenceLevel::Watch),
    ("switch_unit", 145, 1, ConsequenceLevel::Critical),
    ("reset_node", 145, 2, ConsequenceLevel::Critical),
    ("enter_safe_mode", 146, 1, ConsequenceLevel::Critical),
    ("roll_key", 147, 1, ConsequenceLevel::Severe),
];
const OWN: [(&str, u8, u8, ConsequenceLevel); 5] = [
    ("set_accelerator_power_cap", 140, 1, ConsequenceLevel::Watch),
    ("set_node_power_cap", 140, 2, ConsequenceLevel::Warning),
    ("set_radiator_mode", 141, 1, ConsequenceLevel::Warning),
    ("start_job", 142, 1, ConsequenceLevel::Watch),
    ("select_ttc_path", 144, 1, ConsequenceLevel::Distress),
];

#[test]
fn both_classes_have_their_commands_and_others_read_them() {
    let mut random = Random::new(42);
    for (name, own) in [("orbital-compute", 5), ("orbital-compute-small", 4)] {
        let (_, _, commands) = mission(name);
        assert_eq!(commands.commands.len(), COMMON.len() + own);
        for (name, service, subtype, level) in COMMON.iter().chain(&OWN[..own]).copied() {
            let command = commands.find(name).unwrap();
            assert_eq!(command.level(), level, "{name}");
            let stages: Vec<_> = command.verifiers.iter().map(|v| v.stage).collect();
            let expected = [
                Stage::Accepted,
                Stage::Execution,
                Stage::Complete,
                Stage::Failed,
            ];
            assert_eq!(stages, expected, "{name}");
            assert_eq!(
                command.interlock.is_some(),
                level >= ConsequenceLevel::Critical,
                "{name}"
            );
            assert!(command.significance.reason.is_some() || level == ConsequenceLevel::None);
            for argument in command.arguments.iter().filter(|a| a.is_free()) {
                assert!(argument.description.is_some(), "{name}: {}", argument.name);
            }
            for _ in 0..200 {
                let given = random.arguments(command);
                let given = given
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.clone()));
                let arguments = command.bind(given).unwrap();
                let mut packet = Vec::new();
                command.encode(&arguments, &mut packet).unwrap();
                let (found, decoded) = commands.identify(&packet).unwrap();
                assert_eq!(found.name, name);
                let mut again = Vec::new();
                command.encode(&decoded, &mut again).unwrap();
                assert_eq!(again, packet, "{name}");

                assert!(finish_packet(&mut packet, 0, 7, true));
                let read = PusTcReader::new(&packet).unwrap();
                assert_eq!(read.packet_len(), packet.len());
                let kind = (
                    PusPacket::service_type_id(&read),
                    PusPacket::message_subtype_id(&read),
                );
                assert_eq!(kind, (service, subtype));
                assert_eq!(read.apid().value(), 200);
                assert_eq!(read.seq_count().value(), 7);
                let flags = GenericPusTcSecondaryHeader::ack_flags(&read);
                assert_eq!(flags.raw_value().value(), 15);
                assert_eq!(read.user_data(), &again[11..]);
            }
        }
    }
}

#[test]
fn a_class_takes_what_its_hardware_can_do() {
    let (_, _, node) = mission("orbital-compute");
    let (_, _, small) = mission("orbital-compute-small");
    let cap = |commands: &CommandDatabase, given: &[(&str, &str)]| {
        let command = commands.find("set_accelerator_power_cap").unwrap();
        command.parse(given.iter().copied()).map(|arguments| {
            let mut packet = Vec::new();
            command.encode(&arguments, &mut packet).unwrap();
            packet
        })
    };
    // 142 W in steps of 0.05 W: 2840.
    let large = cap(&node, &[("accelerator", "1"), ("cap", "142")]).unwrap();
    assert_eq!(large[..11], [0x18, 0xC8, 0xC0, 0, 0, 7, 0x2F, 140, 1, 0, 0]);
    assert_eq!(large[11..], [1, 0x0B, 0x18]);
    assert_eq!(cap(&small, &[("cap", "142")]).unwrap(), large);
    assert_eq!(
        cap(&node, &[("accelerator", "65"), ("cap", "900")])
            .unwrap_err()
            .to_string(),
        "/orbital_compute/set_accelerator_power_cap: `accelerator` is 65, out of range; \
         it takes an integer, 1 to 64"
    );
    assert_eq!(
        cap(&small, &[("cap", "900")]).unwrap_err().to_string(),
        "/orbital_compute/set_accelerator_power_cap: `cap` is 900, out of range; \
         it takes a number, 20 to 300 W"
    );
    assert!(small.find("select_ttc_path").is_err());
    let start = node.find("start_job").unwrap();
    assert_eq!(start.arguments.iter().filter(|a| a.is_free()).count(), 10);
}

#[test]
fn jobs_start_only_with_fresh_telemetry_of_a_node_that_can() {
    let (_, _, commands) = mission("orbital-compute");
    let start = commands.find("start_job").unwrap();
    let arguments = start
        .parse([
            ("job_id", "7"),
            ("kind", "training"),
            ("first_accelerator", "1"),
            ("accelerators", "64"),
            ("cap", "1000 W"),
            ("steps", "100000"),
            ("job_name", "llm-7"),
        ])
        .unwrap();
    let now = 1_800_000_000_000_000;
    let fresh = Freshness::recent(now, 120_000_000, 0);
    let allowed = |mode: &str, charge: f64, age_s: i64| {
        let (mode, time) = (mode.to_owned(), now - age_s * 1_000_000);
        let telemetry = move |name: &str| {
            let value = match name {
                "/orbital_compute/spacecraft_mode" => Value::Text(mode.clone()),
                "/orbital_compute/power_mode" => Value::Text("nominal".to_owned()),
                "/orbital_compute/battery_state_of_charge" => Value::Float(charge),
                _ => return None,
            };
            Some(Sample {
                value,
                raw: None,
                time,
            })
        };
        let outcomes = start
            .constraints
            .iter()
            .map(|c| c.check.evaluate(&telemetry, &arguments, fresh));
        outcomes
            .filter(|outcome| *outcome != CheckOutcome::Holds)
            .count()
    };
    assert_eq!(start.constraints.len(), 3);
    assert_eq!(allowed("compute", 80.0, 10), 0);
    assert_eq!(allowed("safe", 80.0, 10), 1);
    assert_eq!(allowed("compute", 29.0, 10), 1);
    assert_eq!(allowed("compute", 80.0, 121), 3);
}

#[test]
fn reports_name_the_command_that_they_are_of() {
    let (_, compiled, commands) = mission("orbital-compute");
    let failed = commands
        .find("pause_job")
        .unwrap()
        .verifiers
        .last()
        .unwrap()
        .clone();
    let VerifierTarget::Packet {
        tables, request, ..
    } = &failed.target
    else {
        panic!()
    };
    let mut tables = tables.clone();
    tables.sort();
    assert_eq!(
        tables,
        ["command_failed", "command_rejected", "command_start_failed"]
    );
    assert!(request.is_some());
    for table in [
        "command_accepted",
        "command_rejected",
        "command_started",
        "command_start_failed",
        "command_progress",
        "command_completed",
        "command_failed",
    ] {
        let layout = compiled
            .table(compiled.table_named(table).unwrap())
            .unwrap();
        assert!(
            layout.schema.index_of("request_sequence_count").is_ok(),
            "{table}"
        );
    }
    // Every parameter that a condition looks at is a column of some table.
    for command in &commands.commands {
        let checks = command
            .constraints
            .iter()
            .map(|constraint| &constraint.check);
        let contexts = command.context_significances.iter().map(|(check, _)| check);
        for (parameter, columns) in checks.chain(contexts).flat_map(|check| check.parameters()) {
            assert!(!columns.is_empty(), "{}: {parameter}", command.name);
        }
    }
    let safe = commands.find("enter_safe_mode").unwrap();
    let complete = safe
        .verifiers
        .iter()
        .find(|v| v.stage == Stage::Complete)
        .unwrap();
    assert!(matches!(&complete.target, VerifierTarget::Condition(_)));
}

#[test]
fn the_uplinks_are_those_of_their_classes() {
    let (node, _, _) = mission("orbital-compute");
    let (small, _, _) = mission("orbital-compute-small");
    for (mission, scid, frame_length_octets_max, code, window, t1_initial_ms) in [
        (
            &node,
            96,
            1024,
            CltuCode::Bch { randomized: true },
            10,
            3_000,
        ),
        (
            &small,
            204,
            256,
            CltuCode::Ldpc128(LdpcTail::Corrected),
            4,
            5_000,
        ),
    ] {
        let uplink = mission
            .uplink_of(mission.spacecraft.last().unwrap())
            .unwrap();
        let association = TcSecurity {
            service: Service::AuthenticatedEncryption,
            layout: SecurityLayout::AES_GCM,
            mask: AuthenticationMask::STANDARD,
        };
        let (scid, vcid) = (Scid::new(scid).unwrap(), Vcid::new(0).unwrap());
        assert_eq!(
            uplink.parameters,
            UplinkParameters {
                frame_length_octets_max,
                code,
                sdls: Some((Spi::new(1).unwrap(), association)),
                ..UplinkParameters::new(scid, vcid)
            }
        );
        assert!(uplink.packet_error_control);
        assert_eq!(
            uplink.cop1,
            Cop1Parameters {
                window,
                t1_initial_ms,
                ..Cop1Parameters::default()
            }
        );
    }
    assert!(
        node.spacecraft
            .iter()
            .all(|one| one.class.as_deref() == Some("node"))
    );
    assert!(
        small
            .spacecraft
            .iter()
            .all(|one| one.class.as_deref() == Some("small"))
    );
    let shown = node.to_string();
    for line in [
        "spacecraft        odc-081, SCID 81, class node",
        "uplink            TC, up to 1024 octets, VCID 0, MAP 0, FECF, packet error control",
        "uplink coding     BCH (63,56), randomised, PLOP-2",
        "uplink COP-1      window 10, T1 3000 ms, 3 transmissions, then alert",
        "uplink security   authenticated encryption, SPI 1",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}
