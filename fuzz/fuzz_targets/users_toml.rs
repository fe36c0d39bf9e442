//! Any text as a users' file: an error that says something, or users who may what their roles say.

#![no_main]

use control::{Users, Verb};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Users::parse(text) {
        Ok(users) => {
            assert!(!users.allows("gate", Verb::Release, "node-1", "/OC/Cap"));
            assert!(users.same_person("a", "a"));
            let _ = users.allows("a", Verb::Request, text, text);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
