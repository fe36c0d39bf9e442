//! Any octets as a file of orbits: OMM in JSON, XML and KVN, TLE, OEM. What is read can be asked
//! for states, and what is written of it is read back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scheduler::orbit::{
    Elements, Interpolation, OemHeader, OemSegment, Source, read, write_oem_kvn, write_oem_xml,
    write_omm_json, write_omm_kvn, write_omm_xml,
};
use space_link::time::UtcMicros;

fuzz_target!(|octets: &[u8]| {
    let file = match read(octets) {
        Ok(file) => file,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    for fault in &file.faults {
        assert!(!fault.to_string().is_empty());
    }
    for satellite in &file.satellites {
        let Ok(orbit) = satellite.orbit() else {
            continue;
        };
        let near = orbit.epoch().map_or(0, UtcMicros::get);
        for away in [-86_400_000_000, 0, 5_400_000_000, 2_592_000_000_000] {
            if let Ok(state) = orbit.state(UtcMicros::new(near + away)) {
                assert!(state.position_km.iter().all(|part| part.is_finite()));
            }
        }
        match &satellite.source {
            Source::Elements(elements) => written(elements),
            Source::Ephemeris { ephemeris, .. } => {
                let header = OemHeader {
                    created: UtcMicros::new(0),
                    originator: "FUZZ",
                };
                let segments: Vec<OemSegment<'_>> = ephemeris
                    .segments()
                    .iter()
                    .map(|segment| OemSegment {
                        object_name: "FUZZ",
                        object_id: "",
                        comments: &[],
                        interpolation: Interpolation::Hermite(3),
                        states: segment.states(),
                    })
                    .collect();
                for text in [
                    write_oem_kvn(&header, &segments),
                    write_oem_xml(&header, &segments),
                ] {
                    read(text.as_bytes()).expect("what was written is a file");
                }
            }
        }
    }
});

fn written(elements: &Elements) {
    let one = std::slice::from_ref(elements);
    let json = write_omm_json(one).expect("JSON");
    for text in [json, write_omm_kvn(one, "FUZZ"), write_omm_xml(one, "FUZZ")] {
        let again = read(text.as_bytes()).expect("what was written is a file");
        assert_eq!(again.satellites.len(), 1, "{text}: {:?}", again.faults);
    }
}
