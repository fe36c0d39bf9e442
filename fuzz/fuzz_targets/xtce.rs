//! Any text as an XTCE document: an error, or a database that compiles or says why not.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schemas::layout::compile;
use schemas::xtce::model::MissionDatabase;

fuzz_target!(|text: &str| {
    match MissionDatabase::from_documents(&[("fuzz.xml", text)]) {
        Ok(database) => {
            let _ = database.report();
            let _ = compile(&database);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
