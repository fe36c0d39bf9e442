//! Any octets as an AOS frame of any layout, and its data field as M_PDU and B_PDU.

#![no_main]

use libfuzzer_sys::fuzz_target;
use space_link::frame::{
    AosFrame, Bpdu, FrameKind, FrameLayout, FrameOptions, FrameParts, HeaderCheck, Mpdu,
};

fuzz_target!(|input: (u8, bool, bool, &[u8])| {
    let (insert_zone, fhec, ocf, octets) = input;
    let Ok(layout) = FrameLayout::new(FrameOptions {
        insert_zone_octets: insert_zone.into(),
        frame_header_error_control: fhec,
        ocf,
        ..FrameOptions::new(FrameKind::Aos, octets.len())
    }) else {
        return;
    };
    let Ok(frame) = AosFrame::new_checked(octets, &layout) else {
        return;
    };
    assert!(!frame.to_string().is_empty());
    let (count, modulus) = frame.header().count();
    assert!(count < modulus);
    let parts = FrameParts {
        extra: frame.insert_zone(),
        data: frame.data_field(),
        ocf: frame.ocf(),
    };
    let mut written = Vec::new();
    let header = frame.header();
    header
        .encode_frame(&layout, &parts, &mut written)
        .expect("what was read can be written");
    match frame.header_check() {
        HeaderCheck::Absent | HeaderCheck::Clean => assert_eq!(written, octets),
        HeaderCheck::Corrected(symbols) => {
            // What was written is the frame that was sent: a code word, a few symbols away.
            assert!(matches!(symbols, 1 | 2));
            let again = AosFrame::new_checked(&written, &layout).expect("a frame was written");
            assert_eq!(again.header_check(), HeaderCheck::Clean);
            assert_eq!(again.header(), header);
        }
    }
    if let Ok(unit) = Mpdu::new_checked(frame.data_field()) {
        let written =
            Mpdu::encode_header(unit.first_header()).expect("what was read can be written");
        assert_eq!(
            u16::from_be_bytes(written),
            u16::from_be_bytes([
                octets[layout.data_field().start],
                octets[layout.data_field().start + 1]
            ]) & 0x7FF
        );
    }
    if let Ok(unit) = Bpdu::new_checked(frame.data_field()) {
        assert!(unit.valid_bits() <= unit.zone().len() * 8);
    }
});
