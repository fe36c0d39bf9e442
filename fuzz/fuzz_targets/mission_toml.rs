//! Any text as a mission.toml: an error, or a mission whose downlink can be set up or says why not.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use schemas::mission::{Level, Mission};
use tm_decoder::Downlink;

fuzz_target!(|text: &str| {
    match Mission::parse(text, Path::new("mission")) {
        Ok(mission) => {
            for level in [Level::Cadu, Level::Frames, Level::Packets] {
                match Downlink::new(&mission, level) {
                    Ok(mut downlink) => {
                        downlink.handle_bytes(&[0x55; 64]);
                        downlink.handle_end();
                    }
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
