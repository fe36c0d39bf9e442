//! CADUs at an odd bit offset to packets, one core, beside the `ccsds` crate in the same run; and
//! packet files to packets.

// A bench talks to the terminal and may stop on what cannot happen.
#![allow(clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::time::Instant;

use ccsds::framing::{
    DefaultDerandomizer, DefaultReedSolomon, FrameDecoder, Synchronizer, decode_framed_packets,
};
use schemas::mission::{Level, Mission};
use space_link::frame::{
    AosHeader, FirstHeader, FrameKind, FrameLayout, FrameOptions, FrameParts, Mpdu, Scid, Vcid,
};
use space_link::packet::{Apid, PacketHeader};
use space_link::randomizer::Randomizer;
use space_link::reed_solomon::{Basis, Code, ReedSolomon};
use tm_decoder::Downlink;

const FRAME_OCTETS: usize = 892;
const BIT_OFFSET: u32 = 3;

/// What went through: packets and their octets, to see that both did the same work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Yield {
    packets: u64,
    octets: u64,
}

fn main() {
    // `cargo test` runs benches without this argument, to see that they work.
    let measure = std::env::args().any(|argument| argument == "--bench");
    let (frames, runs) = if measure { (65_536, 5) } else { (256, 1) };
    let peer_frames = frames / 8;
    println!("octets of CADUs a second, one core, best of {runs} (peer: ccsds 0.1.0-beta.25)\n");
    println!("{:<44} {:>10} {:>10} {:>7}", "", "MB/s", "peer", "ratio");
    let clean = stream(frames, 0);
    let peer_clean = stream(peer_frames, 0);
    compare(
        "synchronise, derandomise, RS, packets",
        runs,
        &clean,
        &peer_clean,
        true,
        true,
    );
    compare("the same, frames kept too", runs, &clean, &[], true, false);
    compare(
        "without Reed-Solomon",
        runs,
        &clean,
        &peer_clean,
        false,
        true,
    );
    let damaged_frames = (frames / 16).max(64);
    let damaged = stream(damaged_frames, 16);
    let peer_damaged = stream((damaged_frames / 8).max(64), 16);
    compare(
        "16 errors in every word",
        runs,
        &damaged,
        &peer_damaged,
        true,
        true,
    );
    packet_file(runs, if measure { 720_000 } else { 1_000 });
}

fn compare(name: &str, runs: usize, input: &[u8], peer: &[u8], coded: bool, drop_frames: bool) {
    let mission = mission(coded);
    let (ours, seconds) = best(runs, || decode(&mission, input, !drop_frames));
    assert!(ours.packets > 0, "nothing was decoded");
    let rate = input.len() as f64 / seconds / 1e6;
    if peer.is_empty() {
        println!("{name:<44} {rate:>10.0}");
        return;
    }
    let (theirs, seconds) = best(runs.min(2), || decode_with_peer(peer, coded));
    assert_eq!(
        decode(&mission, peer, false),
        theirs,
        "both must find the same packets"
    );
    let peer_rate = peer.len() as f64 / seconds / 1e6;
    println!(
        "{name:<44} {rate:>10.0} {peer_rate:>10.1} {:>7.1}",
        rate / peer_rate
    );
}

fn best<T>(runs: usize, mut run: impl FnMut() -> T) -> (T, f64) {
    let mut result = None;
    let mut seconds = f64::INFINITY;
    for _ in 0..runs {
        let start = Instant::now();
        let value = run();
        seconds = seconds.min(start.elapsed().as_secs_f64());
        result = Some(value);
    }
    (result.expect("at least one run"), seconds)
}

fn decode(mission: &Mission, input: &[u8], keep_frames: bool) -> Yield {
    let mut downlink = Downlink::new(mission, Level::Cadu).expect("a valid mission");
    downlink.keep_frames(keep_frames);
    let mut found = Yield::default();
    let drain = |downlink: &mut Downlink, found: &mut Yield| {
        while let Some(block) = downlink.poll_packets() {
            found.packets += block.len() as u64;
            found.octets += block.data.len() as u64;
        }
        while downlink.poll_frames().is_some() {}
        while downlink.poll_anomaly().is_some() {}
    };
    for chunk in input.chunks(1 << 20) {
        downlink.handle_bytes(chunk);
        drain(&mut downlink, &mut found);
    }
    downlink.handle_end();
    drain(&mut downlink, &mut found);
    found
}

fn decode_with_peer(input: &[u8], coded: bool) -> Yield {
    let input = std::io::Cursor::new(input.to_vec());
    let blocks = Synchronizer::new(input, 1020)
        .into_iter()
        .filter_map(Result::ok);
    let integrity = if coded {
        DefaultReedSolomon::new(4)
    } else {
        DefaultReedSolomon::noop(4)
    };
    let frames = FrameDecoder::new()
        .with_derandomization(Box::new(DefaultDerandomizer))
        .with_integrity(Box::new(integrity))
        .with_integrity_threads(1)
        .decode(blocks)
        .filter_map(Result::ok);
    let mut found = Yield::default();
    for packet in decode_framed_packets(frames.collect::<Vec<_>>().into_iter(), 0, 0) {
        found.packets += 1;
        found.octets += packet.packet.data.len() as u64;
    }
    found
}

fn packet_file(runs: usize, packets: usize) {
    let mut file = Vec::new();
    for count in 0..packets {
        let mut header =
            PacketHeader::telemetry(apid(11), count as u16 & 0x3FFF, 65).expect("a small packet");
        header.secondary_header = true;
        file.extend(header.encode().expect("a valid header"));
        file.extend([0x5A, 0x45, 0, 0, 0, 7, 0, 0x89]);
        file.extend([count as u8; 57]);
    }
    let mission = Mission::parse(
        "name = \"bench\"\n[downlink]\ninput = \"packets\"\n\
         [[packet_time]]\ncode = \"cds\"\noffset_octets = 6\n",
        Path::new("."),
    )
    .expect("a valid mission");
    let (found, seconds) = best(runs, || {
        let mut downlink = Downlink::new(&mission, Level::Packets).expect("a valid mission");
        let mut found = 0;
        for chunk in file.chunks(1 << 20) {
            downlink.handle_bytes(chunk);
            while let Some(block) = downlink.poll_packets() {
                found += block.len();
            }
        }
        downlink.handle_end();
        while let Some(block) = downlink.poll_packets() {
            found += block.len();
        }
        found
    });
    assert_eq!(found, packets);
    println!(
        "\n{packets} packets of 71 octets with a CDS time: {:.2} ms",
        seconds * 1e3
    );
}

fn mission(coded: bool) -> Mission {
    let text = format!(
        "name = \"bench\"\n[downlink]\nframe = \"aos\"\nframe_length_octets = 892\n\
         randomized = true\n\
         reed_solomon = {{ code = \"255,223\", interleave = 4, checked = {coded} }}\n"
    );
    Mission::parse(&text, Path::new(".")).expect("a valid mission")
}

/// CADUs of packets of 71 to 2,000 octets on three channels, from bit [`BIT_OFFSET`] on.
fn stream(frames: usize, errors_of_each_word: usize) -> Vec<u8> {
    let layout = FrameLayout::new(FrameOptions::new(FrameKind::Aos, FRAME_OCTETS)).expect("fits");
    let code = ReedSolomon::new(Code::Rs255_223, Basis::Dual, 4, 0).expect("in the standard");
    let mut channels: Vec<Channel> = [1, 6, 16].into_iter().map(Channel::new).collect();
    let mut random = 1_u64;
    let mut octets = Vec::with_capacity(frames * 1024 + 8);
    let (mut frame, mut block) = (Vec::new(), vec![0; 1020]);
    for _ in 0..frames {
        let channel = (next(&mut random) % 3) as usize;
        frame.clear();
        channels[channel].frame(&layout, &mut random, &mut frame);
        code.encode_codeblock(&frame, &mut block)
            .expect("lengths agree");
        for word in 0..4 {
            for error in 0..errors_of_each_word {
                block[(error * 15 + word) * 4 + word] ^= (next(&mut random) as u8) | 1;
            }
        }
        Randomizer::Tm255.apply(&mut block);
        octets.extend([0x1A, 0xCF, 0xFC, 0x1D]);
        octets.extend(&block);
    }
    let mut shifted = Vec::with_capacity(octets.len() + 1);
    let mut before = 0;
    for octet in octets {
        shifted.push(before << (8 - BIT_OFFSET) | octet >> BIT_OFFSET);
        before = octet;
    }
    shifted.push(before << (8 - BIT_OFFSET));
    shifted
}

struct Channel {
    vcid: u8,
    count: u32,
    sequence: u16,
    pending: Vec<u8>,
}

impl Channel {
    fn new(vcid: u8) -> Self {
        Self {
            vcid,
            count: 0,
            sequence: 0,
            pending: Vec::new(),
        }
    }

    fn frame(&mut self, layout: &FrameLayout, random: &mut u64, frame: &mut Vec<u8>) {
        let room = layout.data_field_octets() - 2;
        let first = if self.pending.len() < room {
            FirstHeader::At(self.pending.len() as u16)
        } else {
            FirstHeader::NoStart
        };
        while self.pending.len() < room {
            let length = 65 + (next(random) % 1_930) as usize;
            let header = PacketHeader::telemetry(apid(800), self.sequence, length).expect("small");
            self.sequence = header.next_sequence_count();
            self.pending
                .extend(header.encode().expect("a valid header"));
            let fill = next(random) as u8;
            self.pending
                .extend((0..length).map(|index| fill.wrapping_mul(index as u8 | 1)));
        }
        let mut data = Mpdu::encode_header(first).expect("in range").to_vec();
        data.extend(self.pending.drain(..room));
        let header = AosHeader {
            virtual_channel_frame_count: self.count,
            ..AosHeader::new(
                Scid::new(159).expect("in range"),
                Vcid::new(self.vcid).expect("in range"),
            )
        };
        self.count = (self.count + 1) & 0xFF_FFFF;
        let parts = FrameParts {
            data: &data,
            ..FrameParts::default()
        };
        header
            .encode_frame(layout, &parts, frame)
            .expect("parts fit");
    }
}

fn apid(number: u16) -> Apid {
    Apid::new(number).expect("in range")
}

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
