//! Open blocks of records, sealed by content alone so that chunking never shows.

use std::collections::VecDeque;

use schemas::mission::PacketTimes;
use schemas::record::{
    FrameBlock, NO_TIME, NO_VIRTUAL_CHANNEL, PacketBlock, Quality, SpacecraftName,
};
use space_link::packet::{PRIMARY_HEADER_OCTETS, PacketHeader};

/// A block is sealed with this many records.
pub const BLOCK_RECORDS: usize = 4_096;
/// A block is sealed once it holds this many octets; the record that passes the mark is in it.
pub const BLOCK_OCTETS: usize = 1 << 20;

/// Packet blocks: one open for each spacecraft, and the sealed ones in order.
#[derive(Debug)]
pub(crate) struct PacketBlocks {
    open: Vec<PacketBlock>,
    selected: usize,
    ready: VecDeque<PacketBlock>,
    received: i64,
}

/// What [`PacketBlocks::push_run`] took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) packets: u64,
    pub(crate) octets: usize,
    pub(crate) other_versions: u64,
}

impl PacketBlocks {
    pub(crate) fn new(spacecraft: &[SpacecraftName]) -> Self {
        Self {
            open: spacecraft.iter().cloned().map(PacketBlock::new).collect(),
            selected: 0,
            ready: VecDeque::new(),
            received: NO_TIME,
        }
    }

    /// Chooses whose packets are pushed next.
    pub(crate) fn select(&mut self, slot: usize) {
        self.selected = slot;
    }

    pub(crate) fn set_received(&mut self, received: i64) {
        self.received = received;
    }

    pub(crate) fn poll(&mut self) -> Option<PacketBlock> {
        self.ready.pop_front()
    }

    #[inline]
    pub(crate) fn push(&mut self, packet: &[u8], time: i64, virtual_channel: u8, quality: Quality) {
        let block = &mut self.open[self.selected];
        block.data.extend_from_slice(packet);
        block.offsets.push(block.data.len() as i32);
        block.time.push(time);
        block.received.push(self.received);
        block.virtual_channel.push(virtual_channel);
        block.quality.push(quality as u8);
        if block.time.len() >= BLOCK_RECORDS || block.data.len() >= BLOCK_OCTETS {
            self.seal(self.selected);
        }
    }

    /// Takes the whole packets of version 0 (or any) at the start of `octets`, which came through
    /// no virtual channel.
    pub(crate) fn push_run(
        &mut self,
        octets: &[u8],
        times: &PacketTimes,
        version_any: bool,
    ) -> Run {
        let mut run = Run::default();
        loop {
            let block = &mut self.open[self.selected];
            let start = run.octets;
            let base = block.data.len();
            let room = BLOCK_RECORDS - block.time.len();
            block.offsets.reserve(room);
            block.time.reserve(room);
            let mut taken = 0;
            let mut more = true;
            while taken < room && base + (run.octets - start) < BLOCK_OCTETS {
                let rest = &octets[run.octets..];
                let Some(header) = rest.first_chunk::<PRIMARY_HEADER_OCTETS>() else {
                    more = false;
                    break;
                };
                let header = PacketHeader::from_octets(header);
                let Some(packet) = rest.get(..header.packet_octets()) else {
                    more = false;
                    break;
                };
                if header.version != 0 {
                    if !version_any {
                        more = false;
                        break;
                    }
                    run.other_versions += 1;
                }
                run.octets += packet.len();
                block.time.push(times.time_of(packet));
                block.offsets.push((base + run.octets - start) as i32);
                taken += 1;
            }
            block.data.extend_from_slice(&octets[start..run.octets]);
            let records = block.time.len();
            block.received.resize(records, self.received);
            block.virtual_channel.resize(records, NO_VIRTUAL_CHANNEL);
            block.quality.resize(records, Quality::Unchecked as u8);
            run.packets += taken as u64;
            if records >= BLOCK_RECORDS || block.data.len() >= BLOCK_OCTETS {
                self.seal(self.selected);
            }
            if !more {
                return run;
            }
        }
    }

    /// Seals every block that holds a packet.
    pub(crate) fn flush(&mut self) {
        for slot in 0..self.open.len() {
            if !self.open[slot].is_empty() {
                self.seal(slot);
            }
        }
    }

    fn seal(&mut self, slot: usize) {
        let block = &mut self.open[slot];
        let mut next = PacketBlock::new(block.spacecraft.clone());
        // The next block is likely to be as large as this one.
        let records = block.time.len();
        next.data.reserve(block.data.len());
        next.offsets.reserve(records);
        next.time.reserve(records);
        next.received.reserve(records);
        next.virtual_channel.reserve(records);
        next.quality.reserve(records);
        self.ready.push_back(std::mem::replace(block, next));
    }
}

/// Frame blocks: one open for each spacecraft, and the sealed ones in order.
#[derive(Debug)]
pub(crate) struct FrameBlocks {
    open: Vec<FrameBlock>,
    ready: VecDeque<FrameBlock>,
    received: i64,
    keep: bool,
}

impl FrameBlocks {
    pub(crate) fn new(spacecraft: &[SpacecraftName]) -> Self {
        Self {
            open: spacecraft.iter().cloned().map(FrameBlock::new).collect(),
            ready: VecDeque::new(),
            received: NO_TIME,
            keep: true,
        }
    }

    pub(crate) fn set_keep(&mut self, keep: bool) {
        self.keep = keep;
    }

    pub(crate) fn set_received(&mut self, received: i64) {
        self.received = received;
    }

    pub(crate) fn poll(&mut self) -> Option<FrameBlock> {
        self.ready.pop_front()
    }

    #[inline]
    pub(crate) fn push(
        &mut self,
        slot: usize,
        frame: &[u8],
        virtual_channel: u8,
        frame_count: u32,
        quality: Quality,
        corrected_symbols: u16,
    ) {
        if !self.keep {
            return;
        }
        let block = &mut self.open[slot];
        block.data.extend_from_slice(frame);
        block.offsets.push(block.data.len() as i32);
        block.received.push(self.received);
        block.virtual_channel.push(virtual_channel);
        block.frame_count.push(frame_count);
        block.quality.push(quality as u8);
        block.corrected_symbols.push(corrected_symbols);
        if block.virtual_channel.len() >= BLOCK_RECORDS || block.data.len() >= BLOCK_OCTETS {
            self.seal(slot);
        }
    }

    /// Seals every block that holds a frame.
    pub(crate) fn flush(&mut self) {
        for slot in 0..self.open.len() {
            if !self.open[slot].is_empty() {
                self.seal(slot);
            }
        }
    }

    fn seal(&mut self, slot: usize) {
        let block = &mut self.open[slot];
        let mut next = FrameBlock::new(block.spacecraft.clone());
        next.data.reserve(block.data.len());
        self.ready.push_back(std::mem::replace(block, next));
    }
}
