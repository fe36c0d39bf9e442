//! Speed of the formats on one core: `cargo bench -p space-link --bench formats`.

#![allow(clippy::print_stdout)]

use std::{hint::black_box, time::Instant};

use space_link::frame::{AosFrame, FrameKind, FrameLayout, FrameOptions, Mpdu, TmFrame};
use space_link::packet::SpacePacket;
use space_link::time::{CdsFormat, CucFormat, Epoch, Submillisecond};

const RUNS: usize = 15;
const COUNT: usize = 100_000;

fn main() {
    let mut packets = Vec::new();
    for count in 0..COUNT {
        let [high, low] = ((count & 0x3FFF) as u16).to_be_bytes();
        packets.extend_from_slice(&[0x08, 0x0b, 0xC0 | high, low, 0x00, 0x40]);
        packets.extend_from_slice(&[0x5a, 0x45, 0, 0, 0, 7, 0, 0x89]);
        packets.resize(packets.len() + 57, 0x55);
    }
    best("packets: split and add up", || {
        let (mut rest, mut sum) = (packets.as_slice(), 0);
        while let Ok((packet, after)) = SpacePacket::split_first(rest) {
            let header = packet.header();
            sum += usize::from(header.sequence_count) + usize::from(header.apid.get());
            rest = after;
        }
        sum
    });

    let frames = |first: u8, kind| {
        let layout = FrameLayout::new(FrameOptions {
            ocf: true,
            ..FrameOptions::new(kind, 892)
        });
        let mut frame = vec![0x55; 892];
        frame[0] = first;
        (layout.expect("a layout"), frame)
    };
    let (layout, frame) = frames(0x6A, FrameKind::Aos);
    best("AOS frames: header, M_PDU, OCF", || {
        let mut sum = 0;
        for _ in 0..COUNT {
            let Ok(frame) = AosFrame::new_checked(black_box(&frame), &layout) else {
                continue;
            };
            let Ok(unit) = Mpdu::new_checked(frame.data_field()) else {
                continue;
            };
            sum += unit.packet_zone().len() + usize::from(frame.ocf().is_some());
            sum += frame.header().virtual_channel.index();
        }
        sum
    });
    let (layout, frame) = frames(0x0A, FrameKind::Tm);
    best("TM frames: header, data field, OCF", || {
        let mut sum = 0;
        for _ in 0..COUNT {
            let Ok(frame) = TmFrame::new_checked(black_box(&frame), &layout) else {
                continue;
            };
            sum += frame.data_field().len() + usize::from(frame.ocf().is_some());
            sum += frame.header().virtual_channel.index();
        }
        sum
    });

    let cds = |epoch| CdsFormat::new(epoch, 2, Submillisecond::Micro).expect("a format");
    let cuc = |epoch| CucFormat::new(epoch, 4, 2).expect("a format");
    let times = |name: &str, decode: &dyn Fn(&[u8]) -> i64| {
        best(name, || {
            packets
                .chunks_exact(71)
                .map(|packet| decode(&packet[6..]))
                .sum::<i64>() as usize
        });
    };
    let format = black_box(cds(Epoch::UTC_1958));
    times("CDS, 8 octets, UTC", &|octets| {
        format.decode(octets).map_or(0, |time| time.get() >> 20)
    });
    let format = black_box(cds(Epoch::TAI_1958));
    times("CDS, 8 octets, TAI", &|octets| {
        format.decode(octets).map_or(0, |time| time.get() >> 20)
    });
    let format = black_box(cuc(Epoch::UNIX));
    times("CUC, 4+2 octets, UTC", &|octets| {
        format.decode(octets).map_or(0, |time| time.get() >> 20)
    });
    let format = black_box(cuc(Epoch::GPS));
    times("CUC, 4+2 octets, GPS", &|octets| {
        format.decode(octets).map_or(0, |time| time.get() >> 20)
    });
}

/// Prints the best of some runs over `COUNT` items.
fn best(name: &str, mut run: impl FnMut() -> usize) {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        black_box(run());
        best = best.min(start.elapsed().as_secs_f64());
    }
    let each = best / COUNT as f64;
    println!("{name:40} {:8.2} ns {:10.1} M/s", each * 1e9, 1e-6 / each);
}
