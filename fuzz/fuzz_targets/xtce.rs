//! Any text as an XTCE document: an error, or a database that compiles or says why not.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schemas::command::CommandDatabase;
use schemas::layout::compile;
use schemas::xtce::model::MissionDatabase;

fuzz_target!(|text: &str| {
    match MissionDatabase::from_documents(&[("fuzz.xml", text)]) {
        Ok(database) => {
            let _ = database.report();
            if let Ok(mission) = compile(&database) {
                let commands = CommandDatabase::compile(&database, &mission);
                for command in &commands.commands {
                    let _ = command.describe();
                    let _ = command.parse([]);
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
