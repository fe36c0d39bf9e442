//! The JPSS geolocation packets that the benches multiply.

use std::path::PathBuf;

use simulator::RepeatedPackets;

const RECORDING: &str = "recordings/packets/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1";

fn recording() -> Option<Vec<u8>> {
    let shared = std::env::var_os("PASSLINE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
        PathBuf::from,
    );
    let path = shared.join(RECORDING);
    let octets = std::fs::read(&path);
    if octets.is_err() {
        assert!(
            std::env::var_os("CI").is_none(),
            "{} is missing",
            path.display()
        );
        eprintln!("SKIPPED: {} is missing", path.display());
    }
    octets.ok()
}

#[test]
fn repeated_recordings_go_on_where_they_end() {
    let Some(recording) = recording() else {
        return;
    };
    let once = RepeatedPackets::new(&recording, 1, 0).unwrap();
    assert_eq!(once.packets(), 7_200);
    let (first, last) = once.span().unwrap();
    // One packet a second: the next repetition begins a second after the last packet.
    let shift = last - first + 1_000_000;
    let mut repeated = RepeatedPackets::new(&recording, 100, shift).unwrap();
    let (mut packets, mut expected_count) = (0, None);
    for (index, repetition) in repeated.by_ref().enumerate() {
        assert_eq!(repetition.len(), recording.len());
        assert_eq!(repetition == recording, index == 0);
        let mut rest = repetition.as_slice();
        while let Some(header) = rest.first_chunk::<6>() {
            let count = u16::from_be_bytes([header[2] & 0x3F, header[3]]);
            assert_eq!(expected_count.unwrap_or(count), count, "packet {packets}");
            expected_count = Some((count + 1) & 0x3FFF);
            packets += 1;
            rest = &rest[usize::from(u16::from_be_bytes([header[4], header[5]])) + 7..];
        }
        let moved = RepeatedPackets::new(&repetition, 1, 0)
            .unwrap()
            .span()
            .unwrap();
        let by = index as i64 * shift;
        assert_eq!(moved, (first + by, last + by));
    }
    assert_eq!(packets, 720_000);
}
