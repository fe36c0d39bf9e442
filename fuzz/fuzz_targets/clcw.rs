//! Any word: a CLCW that is read can be written again, but for its spare bits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use space_link::clcw::Clcw;

fuzz_target!(|word: u32| {
    if let Ok(clcw) = Clcw::parse(word.to_be_bytes()) {
        assert!(!clcw.to_string().is_empty());
        let written = clcw.encode().expect("what was read can be written");
        assert_eq!(u32::from_be_bytes(written), word & 0x7FFC_FEFF);
    }
});
