//! Any octets, taken as packets one after the other: each comes back as it was written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use space_link::packet::{PRIMARY_HEADER_OCTETS, PacketHeader, SpacePacket};

fuzz_target!(|octets: &[u8]| {
    let mut rest = octets;
    while let Ok((packet, after)) = SpacePacket::split_first(rest) {
        let header = packet.header();
        assert_eq!(packet.octets().len() + after.len(), rest.len());
        assert_eq!(packet.data_field().len(), header.data_octets());
        let written = header.encode().expect("what was read can be written");
        assert_eq!(written, packet.octets()[..PRIMARY_HEADER_OCTETS]);
        assert_eq!(PacketHeader::from_octets(&written), *header);
        assert!(!packet.to_string().is_empty());
        rest = after;
    }
});
