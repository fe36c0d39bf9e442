//! Any octets as a TM frame of any layout: a frame that is read can be written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use space_link::frame::{FirstHeader, FrameKind, FrameLayout, FrameOptions, FrameParts, TmFrame};

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (secondary, ocf, octets) = input;
    let Ok(layout) = FrameLayout::new(FrameOptions {
        secondary_header_octets: secondary.into(),
        ocf,
        ..FrameOptions::new(FrameKind::Tm, octets.len())
    }) else {
        return;
    };
    let Ok(frame) = TmFrame::new_checked(octets, &layout) else {
        return;
    };
    assert!(!frame.to_string().is_empty());
    if let FirstHeader::At(offset) = frame.header().first_header() {
        assert!(offset < 0x7FE);
    }
    let parts = FrameParts {
        extra: frame.secondary_header(),
        data: frame.data_field(),
        ocf: frame.ocf(),
    };
    let mut written = Vec::new();
    let header = frame.header();
    header
        .encode_frame(&layout, &parts, &mut written)
        .expect("what was read can be written");
    assert_eq!(written, octets);
});
