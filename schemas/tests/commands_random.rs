//! Every command of every public mission definition comes back from its octets.

#[path = "commands/random.rs"]
mod random;

use random::Random;
use schemas::command::{Arguments, CommandDatabase, CompiledCommand, DecodeError, Shape, Value};
use schemas::layout::compile;
use schemas::xtce::model::MissionDatabase;

/// Files with commands: MetaCommands, those that can be sent, issues; found by reading the files.
///
/// Of the 10 of BogusSAT, 8 extend a command that is nowhere and 2 are abstract.
const FILES: [(&str, usize, usize); 5] = [
    (
        "fprime_ReferenceDeploymentTopologyDictionary.ref.xml",
        49,
        47,
    ),
    ("xtcesim_full_features.xml", 3, 2),
    ("xtcesim_imaging_sat.xml", 43, 41),
    ("xtcetools_BogusSAT-1.xml", 10, 0),
    ("xtcetools_GovSat_2_0_1.xml", 180, 177),
];

const ROUNDS: usize = 100;

#[test]
fn every_command_of_every_definition_comes_back_from_its_octets() {
    let mut random = Random::new(0x5EED);
    let mut packets = 0;
    for (file, meta_commands, commands) in FILES {
        let Some(path) = tests::shared(&format!("xtce/{file}")) else {
            return;
        };
        let database = MissionDatabase::load_files(&[path]).expect(file);
        let mission = compile(&database).expect(file);
        let compiled = CommandDatabase::compile(&database, &mission);
        assert_eq!(database.meta_commands, meta_commands, "{file}");
        assert_eq!(
            compiled.commands.len(),
            commands,
            "{file}: {:#?}",
            compiled.issues
        );
        for command in &compiled.commands {
            for _ in 0..ROUNDS {
                comes_back(command, &mut random);
                packets += 1;
            }
        }
    }
    assert_eq!(packets, (47 + 2 + 41 + 177) * ROUNDS);
}

/// Encoding and decoding undo each other, and no octet of the packet is out of sight.
fn comes_back(command: &CompiledCommand, random: &mut Random) -> Arguments {
    let name = &command.qualified_name;
    let given = random.arguments(command);
    let bound = command.bind(
        given
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone())),
    );
    let bound = bound.unwrap_or_else(|error| panic!("{error}"));
    let mut out = vec![0xEE; 3];
    command.encode(&bound, &mut out).expect(name);
    assert_eq!(out[..3], [0xEE; 3], "{name}");
    let packet = &out[3..];
    let decoded = command
        .decode(packet)
        .unwrap_or_else(|error| panic!("{error}"));
    for (index, argument) in command.arguments.iter().enumerate() {
        if argument.transmitted && argument.is_free() {
            let (sent, got) = (bound.get(index).unwrap(), decoded.get(index).unwrap());
            assert!(
                same(&argument.shape, sent, got),
                "{name}: {sent} became {got}"
            );
        }
    }
    let mut again = Vec::new();
    command.encode(&decoded, &mut again).expect(name);
    assert_eq!(again, packet, "{name}");
    assert_eq!(command.decode(&again).expect(name), decoded, "{name}");

    let fields = command.breakdown(packet).expect(name);
    let mut seen = vec![0_u8; packet.len()];
    for field in &fields {
        for bit in field.bit_offset..field.bit_offset + field.bit_length {
            seen[bit / 8] |= 0x80 >> (bit % 8);
        }
    }
    for (seen, octet) in seen.iter().zip(packet) {
        assert_eq!(octet & !seen, 0, "{name}: bits that no field names");
    }

    let short = command.decode(&packet[..packet.len().saturating_sub(1)]);
    assert!(
        short.is_err() || packet.is_empty(),
        "{name}: a cut packet was taken"
    );
    let longer = [packet, &[0, 0, 0, 0, 0, 0, 0, 0]].concat();
    if let Err(error) = command.decode(&longer) {
        assert!(
            matches!(error, DecodeError::Trailing { octets: 8, .. }),
            "{error}"
        );
    }
    decoded
}

#[test]
fn a_packet_says_which_command_it_is() {
    let file = "fprime_ReferenceDeploymentTopologyDictionary.ref.xml";
    let Some(path) = tests::shared(&format!("xtce/{file}")) else {
        return;
    };
    let database = MissionDatabase::load_files(&[path]).expect(file);
    let compiled = CommandDatabase::compile(&database, &compile(&database).expect(file));
    let mut random = Random::new(7);
    for command in &compiled.commands {
        let arguments = comes_back(command, &mut random);
        let mut packet = Vec::new();
        command.encode(&arguments, &mut packet).unwrap();
        let (found, again) = compiled.identify(&packet).unwrap();
        assert_eq!(found.qualified_name, command.qualified_name);
        assert_eq!(again, arguments);
    }
    assert!(matches!(
        compiled.identify(&[0xFF; 9]),
        Err(DecodeError::NoCommand { octets: 9 })
    ));
    assert!(matches!(
        compiled.identify(&[]),
        Err(DecodeError::NoCommand { octets: 0 })
    ));
}

/// Equal, calibrated values up to the steps of their field.
fn same(shape: &Shape, sent: &Value, got: &Value) -> bool {
    match (shape, sent, got) {
        (Shape::Leaf(leaf), Value::Float(sent), Value::Float(got)) => {
            let step = match (leaf.calibrated_span(), leaf.raw_integers()) {
                (Some((least, most)), Some((low, high))) => (most - least) / (high - low) as f64,
                _ => 0.0,
            };
            (sent - got).abs() <= step + sent.abs() * 1e-6
        }
        (Shape::Array { element, .. }, Value::List(sent), Value::List(got)) => {
            sent.len() == got.len()
                && sent
                    .iter()
                    .zip(got)
                    .all(|(sent, got)| same(element, sent, got))
        }
        (Shape::Aggregate(members), Value::Members(sent), Value::Members(got)) => members
            .iter()
            .zip(sent.iter().zip(got))
            .all(|(member, (sent, got))| same(&member.shape, sent, got)),
        (_, sent, got) => sent == got,
    }
}
