//! Any octets as records of `tc.commands`, a line each: read or refused; what is read is written the
//! same way, and folded without harm, sealed or not.

#![no_main]

use control::{Gate, GateKey, Mode, Record, Settings, State, Users, verify_log};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let lines: Vec<&[u8]> = octets.split(|octet| *octet == b'\n').collect();
    let settings = Settings::default();
    let mut state = State::new(&settings, None);
    let mut records = Vec::new();
    for line in &lines {
        let Ok(record) = Record::parse(line) else {
            continue;
        };
        let Ok(again) = record.encode() else {
            panic!("what was read can be written")
        };
        assert_eq!(Record::parse(&again).ok().as_ref(), Some(&record));
        if let Record::Event(event) = &record {
            let mut event = event.clone();
            state.handle_event(&event);
            // As if its writer knew how to hash, and where the chain ends.
            (event.previous, event.sequence) = state.head(&event.spacecraft);
            event.hash = event.expected_hash();
            state.handle_event(&event);
        }
        records.push(record);
    }
    let _ = verify_log(
        lines.iter().copied(),
        Some(&GateKey::new(&[1; 32]).public()),
    );
    let mode = Mode::Operational(Box::new(GateKey::new(&[1; 32])));
    let Ok(mut gate) = Gate::open(settings, Users::default(), mode, records.clone(), 0) else {
        panic!("the settings agree with each other")
    };
    for record in &records {
        let _ = gate.handle_record(record, 1);
    }
    assert!(gate.poll_release().is_none(), "nobody has the gate's key");
});
