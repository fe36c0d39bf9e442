//! Any octets as a packet of a command: an error, or arguments that encode to octets which decode to
//! the same. Half of the inputs bring an XTCE document of their own.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use schemas::command::CommandDatabase;
use schemas::layout::compile;
use schemas::xtce::model::MissionDatabase;

const FIXED: [&str; 2] = [
    include_str!("../../tests/vectors/xtce/commands.xml"),
    include_str!("../../tests/vectors/xtce/telecommands.xml"),
];

static DATABASES: LazyLock<Vec<CommandDatabase>> =
    LazyLock::new(|| FIXED.iter().filter_map(|text| load(text)).collect());

fn load(text: &str) -> Option<CommandDatabase> {
    let database = MissionDatabase::from_documents(&[("fuzz.xml", text)]).ok()?;
    let mission = compile(&database).ok()?;
    Some(CommandDatabase::compile(&database, &mission))
}

fn try_all(commands: &CommandDatabase, packet: &[u8]) {
    let _ = commands.identify(packet);
    for command in &commands.commands {
        let Ok(arguments) = command.decode(packet) else {
            continue;
        };
        let _ = command.breakdown(packet);
        let mut again = Vec::new();
        // Values out of the valid ranges decode, and are not sent.
        if command.encode(&arguments, &mut again).is_ok() {
            let decoded = command.decode(&again).expect("what was encoded decodes");
            let mut last = Vec::new();
            command
                .encode(&decoded, &mut last)
                .expect("what was decoded encodes");
            assert_eq!(again, last);
        }
    }
}

fuzz_target!(|input: (Option<&str>, &[u8])| {
    let (text, packet) = input;
    DATABASES
        .iter()
        .for_each(|commands| try_all(commands, packet));
    if let Some(commands) = text.and_then(load) {
        try_all(&commands, packet);
    }
});
