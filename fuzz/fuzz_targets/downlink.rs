//! Any octets through the whole chain, from synchronisation to packets: cutting the input into
//! other pieces changes nothing, and every packet is as long as it says.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use schemas::mission::{Level, Mission};
use schemas::record::{FrameBlock, PacketBlock};
use space_link::packet::SpacePacket;
use tm_decoder::Downlink;

/// Short frames, so that a fuzzer's short inputs hold several.
static MISSIONS: LazyLock<Vec<Mission>> = LazyLock::new(|| {
    [
        "frame = \"aos\"\nframe_length_octets = 20\nasm = \"1ACFFC1D\"",
        "frame = \"aos\"\nframe_length_octets = 24\nframe_header_error_control = true\nfecf = true\n\
         ocf = true\nasm = \"034776C7272895B0\"",
        "frame = \"tm\"\nframe_length_octets = 22\nfecf = true\nocf = true\nasm = \"1ACFFC1D\"\n\
         randomized = true",
        "frame = \"tm\"\nframe_length_octets = 16\nasm = \"1ACFFC1D\"",
        "frame = \"aos\"\nframe_length_octets = 23\nasm = \"1ACFFC1D\"\nreed_solomon = \
         { code = \"255,223\", interleave = 1, virtual_fill_octets = 200 }",
    ]
    .iter()
    .map(|downlink| {
        let text = format!("name = \"fuzz\"\n[downlink]\n{downlink}\n");
        Mission::parse(&text, Path::new("mission")).expect("a mission")
    })
    .collect()
});

fn run(
    mission: &Mission,
    level: Level,
    pieces: impl Iterator<Item = impl AsRef<[u8]>>,
) -> (Vec<FrameBlock>, Vec<PacketBlock>, Vec<String>, String) {
    let mut downlink = Downlink::new(mission, level).expect("the mission has frames");
    for piece in pieces {
        downlink.handle_bytes(piece.as_ref());
    }
    downlink.handle_end();
    let frames = std::iter::from_fn(|| downlink.poll_frames()).collect();
    let packets = std::iter::from_fn(|| downlink.poll_packets()).collect();
    let anomalies = std::iter::from_fn(|| downlink.poll_anomaly())
        .map(|it| format!("{it:?}"))
        .collect();
    (
        frames,
        packets,
        anomalies,
        format!("{:?}", downlink.statistics()),
    )
}

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (choice, piece, octets) = input;
    let mission = &MISSIONS[usize::from(choice) / 3 % MISSIONS.len()];
    let level = [Level::Cadu, Level::Frames, Level::Packets][usize::from(choice) % 3];
    let whole = run(mission, level, std::iter::once(octets));
    let pieces = run(mission, level, octets.chunks(usize::from(piece).max(1)));
    assert_eq!(whole, pieces);
    for block in &whole.1 {
        for index in 0..block.len() {
            let octets = block.packet(index);
            let packet = SpacePacket::new_checked(octets).expect("a whole packet");
            assert_eq!(packet.octets().len(), octets.len());
        }
    }
});
