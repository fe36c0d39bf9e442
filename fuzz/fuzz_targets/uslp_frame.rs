//! Any octets as a USLP frame: every part lies inside the frame.

#![no_main]

use libfuzzer_sys::fuzz_target;
use space_link::frame::uslp::{UslpDataHeader, UslpIdentification};
use space_link::frame::{FrameKind, FrameLayout, FrameOptions, UslpFrame, UslpHeader};

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (insert_zone, fecf, octets) = input;
    let _ = UslpIdentification::parse(octets);
    if let Ok(header) = UslpHeader::parse(octets) {
        let mut written = Vec::new();
        header
            .encode(&mut written)
            .expect("what was read can be written");
        // Two spare bits are not kept.
        assert_eq!(UslpHeader::parse(&written), Ok(header));
    }
    let Ok(layout) = FrameLayout::new(FrameOptions {
        insert_zone_octets: insert_zone.into(),
        fecf,
        ..FrameOptions::new(FrameKind::Uslp, octets.len())
    }) else {
        return;
    };
    if let Ok(frame) = UslpFrame::new_checked(octets, &layout) {
        assert!(!frame.to_string().is_empty());
        let ocf = if frame.ocf().is_some() { 4 } else { 0 };
        let fecf = if frame.fecf_valid().is_some() { 2 } else { 0 };
        let header = frame.header().octets() + frame.insert_zone().len();
        assert_eq!(header + frame.data_field().len() + ocf + fecf, octets.len());
        let _ = UslpDataHeader::split(frame.data_field());
    }
});
