//! Frame by frame and packet by packet, the `ccsds` crate agrees on the recordings it can read:
//! CADUs of AOS frames at any bit offset.

mod recording_files;

use ccsds::framing::{
    DecodedFrame, DefaultDerandomizer, DefaultReedSolomon, Synchronizer, decode_framed_packets,
    decode_frames,
};
use recording_files::{recordings, shared};
use schemas::mission::Level;
use schemas::record::{FrameBlock, PacketBlock};
use tm_decoder::Downlink;

#[test]
fn the_ccsds_crate_agrees_frame_by_frame_and_packet_by_packet() {
    let Some(shared) = shared() else { return };
    let mut compared = 0;
    for recording in recordings().filter(|recording| recording.level == Level::Cadu) {
        let octets = recording.octets(&shared);
        let (frames, packets) = decode(recording, &octets);
        let theirs = decode_with_peer(octets);
        let their_packets: Vec<_> =
            decode_framed_packets(theirs.clone().into_iter(), 0, 0).collect();
        let name = recording.expected;
        assert_eq!(
            frames.iter().map(FrameBlock::len).sum::<usize>(),
            theirs.len(),
            "{name}"
        );
        let ours = frames
            .iter()
            .flat_map(|block| (0..block.len()).map(move |i| (block, i)));
        for (index, ((block, at), their)) in ours.zip(&theirs).enumerate() {
            assert_eq!(block.frame(at), their.frame.data, "{name}: frame {index}");
            let header = &their.frame.header;
            assert_eq!(
                u16::from(block.virtual_channel[at]),
                header.vcid,
                "{name}: {index}"
            );
            assert_eq!(
                block.frame_count[at] & 0xFF_FFFF,
                header.counter,
                "{name}: {index}"
            );
        }
        let ours = packets
            .iter()
            .flat_map(|block| (0..block.len()).map(move |i| (block, i)));
        for (index, ((block, at), their)) in ours.zip(&their_packets).enumerate() {
            assert_eq!(
                block.packet(at),
                their.packet.data,
                "{name}: packet {index}"
            );
            assert_eq!(
                u16::from(block.virtual_channel[at]),
                their.vcid,
                "{name}: {index}"
            );
        }
        let count: usize = packets.iter().map(PacketBlock::len).sum();
        assert_eq!(count, their_packets.len(), "{name}");
        compared += 1;
    }
    assert_eq!(compared, 5);
}

fn decode(
    recording: &recording_files::Recording,
    octets: &[u8],
) -> (Vec<FrameBlock>, Vec<PacketBlock>) {
    let mut downlink = Downlink::new(&recording.mission(), Level::Cadu).unwrap();
    downlink.handle_bytes(octets);
    downlink.handle_end();
    let frames = std::iter::from_fn(|| downlink.poll_frames()).collect();
    (
        frames,
        std::iter::from_fn(|| downlink.poll_packets()).collect(),
    )
}

fn decode_with_peer(octets: Vec<u8>) -> Vec<DecodedFrame> {
    let blocks = Synchronizer::new(std::io::Cursor::new(octets), 1020);
    decode_frames(
        blocks.into_iter().filter_map(Result::ok),
        Some(Box::new(DefaultReedSolomon::new(4))),
        Some(Box::new(DefaultDerandomizer)),
    )
    .map(|frame| frame.expect("the peer decodes every frame"))
    .collect()
}
