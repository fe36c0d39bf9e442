//! Any octets as a TC transfer frame, and what its data field may be.

#![no_main]

use libfuzzer_sys::fuzz_target;
use space_link::cop::ControlCommand;
use space_link::frame::{SegmentHeader, TcFrame};

fuzz_target!(|data: &[u8]| {
    for fecf in [false, true] {
        let Ok((frame, rest)) = TcFrame::split_first(data, fecf) else {
            continue;
        };
        assert_eq!(frame.octets().len() + rest.len(), data.len());
        let field = frame.data_field();
        let mut again = Vec::new();
        frame
            .header()
            .encode_frame(field, fecf, &mut again)
            .unwrap();
        assert_eq!(again, frame.octets());
        assert_eq!(SegmentHeader::from_octet(field[0]).to_octet(), field[0]);
        if let Ok(command) = ControlCommand::parse(field) {
            again.clear();
            command.encode(&mut again);
            assert_eq!(again, field);
        }
    }
});
