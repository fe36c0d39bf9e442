//! Packets into the packet zones of AOS frames, each virtual channel for itself.

use space_link::clcw::Clcw;
use space_link::frame::aos::{AosHeader, COUNT_MODULUS};
use space_link::frame::mpdu::{FirstHeader, Mpdu};
use space_link::frame::{Scid, Vcid};

use crate::channel::{CADU_OCTETS, Channel, FRAME_OCTETS, Fate, MARKER};
use crate::packet::{APPLICATIONS, Application, idle};
use crate::truth::{Truth, VirtualChannelTruth};

/// One virtual channel and the frame that it is filling.
#[derive(Clone)]
pub(crate) struct VirtualChannel {
    header: AosHeader,
    cadu: Box<[u8; CADU_OCTETS]>,
    used: usize,
    first_header: Option<usize>,
    /// Packets that lie in this frame from first to last octet, by application.
    inside: [u32; APPLICATIONS.len()],
    /// The packet that began in an earlier frame and ended in this one, if its frames are whole.
    ended: Option<Application>,
    /// Whether the packet under way has lost a frame.
    torn: bool,
    last_whole: Option<u32>,
    truth: VirtualChannelTruth,
    /// Packets that arrive, by application.
    pub(crate) whole: [u64; APPLICATIONS.len()],
}

/// Where frames go.
pub(crate) struct Sender<'a> {
    pub(crate) channel: &'a mut Channel,
    pub(crate) truth: &'a mut Truth,
    pub(crate) clcw: Clcw,
    pub(crate) out: &'a mut Vec<u8>,
}

impl VirtualChannel {
    pub(crate) fn new(spacecraft: Scid, virtual_channel: Vcid) -> Self {
        Self {
            header: AosHeader::new(spacecraft, virtual_channel),
            cadu: Box::new([0; CADU_OCTETS]),
            used: 0,
            first_header: None,
            inside: [0; APPLICATIONS.len()],
            ended: None,
            torn: false,
            last_whole: None,
            truth: VirtualChannelTruth::default(),
            whole: [0; APPLICATIONS.len()],
        }
    }

    pub(crate) fn vcid(&self) -> u8 {
        self.header.virtual_channel.get()
    }

    pub(crate) fn truth(&self) -> VirtualChannelTruth {
        self.truth
    }

    /// Adds a packet; `application` is `None` for idle ones. Says how many frames were finished.
    pub(crate) fn push(
        &mut self,
        packet: &[u8],
        application: Option<Application>,
        sender: &mut Sender<'_>,
    ) -> u32 {
        self.first_header.get_or_insert(self.used);
        self.torn = false;
        let mut rest = packet;
        let mut frames = 0;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(ZONE_OCTETS - self.used));
            let from = ZONE_START + self.used;
            self.cadu[from..from + now.len()].copy_from_slice(now);
            self.used += now.len();
            rest = later;
            if let (true, Some(application)) = (rest.is_empty(), application) {
                if frames == 0 {
                    self.inside[application as usize] += 1;
                } else if !self.torn {
                    self.ended = Some(application);
                }
            }
            if self.used == ZONE_OCTETS {
                self.finish_frame(sender);
                frames += 1;
            }
        }
        frames
    }

    /// Fills the frame under way with an idle packet.
    pub(crate) fn flush(&mut self, sender: &mut Sender<'_>) {
        if self.used == 0 {
            return;
        }
        let room = ZONE_OCTETS - self.used;
        // An idle packet has at least 7 octets: where there is less room it fills one frame more.
        let octets = if room < IDLE_OCTETS_MIN {
            room + ZONE_OCTETS
        } else {
            room
        };
        self.truth.idle_packets += 1;
        self.push(&idle(octets), None, sender);
    }

    /// Sends a frame of idle data (732.0-B-4 4.1.4.2.2.4).
    pub(crate) fn send_idle(&mut self, sender: &mut Sender<'_>) {
        self.cadu[ZONE_START..ZONE_START + ZONE_OCTETS].fill(IDLE_DATA);
        self.send(FirstHeader::OnlyIdle, sender);
    }

    fn finish_frame(&mut self, sender: &mut Sender<'_>) {
        let first = match self.first_header.take() {
            Some(offset) => FirstHeader::At(offset as u16),
            None => FirstHeader::NoStart,
        };
        let arrives = self.send(first, sender) == Fate::Whole;
        let inside = std::mem::take(&mut self.inside);
        let ended = self.ended.take();
        if arrives {
            for (whole, inside) in self.whole.iter_mut().zip(inside) {
                *whole += u64::from(inside);
            }
            if let Some(application) = ended {
                self.whole[application as usize] += 1;
            }
        } else {
            self.torn = true;
        }
        self.used = 0;
    }

    fn send(&mut self, first: FirstHeader, sender: &mut Sender<'_>) -> Fate {
        let count = self.header.virtual_channel_frame_count;
        let fields = (
            self.header.encode(),
            Mpdu::encode_header(first),
            sender.clcw.encode(),
        );
        debug_assert!(
            matches!(fields, (Ok(_), Ok(_), Ok(_))),
            "the count is kept below 2^24"
        );
        if let (Ok(header), Ok(pointer), Ok(clcw)) = fields {
            self.cadu[MARKER.len()..ZONE_START - 2].copy_from_slice(&header);
            self.cadu[ZONE_START - 2..ZONE_START].copy_from_slice(&pointer);
            self.cadu[OCF_START..OCF_START + 4].copy_from_slice(&clcw);
        }
        let fate = sender
            .channel
            .send(&mut self.cadu, sender.out, sender.truth);
        self.header.virtual_channel_frame_count = (count + 1) % COUNT_MODULUS;
        self.truth.frames_made += 1;
        if fate == Fate::Whole {
            self.truth.frames_whole += 1;
            if let Some(last) = self.last_whole {
                let missing = count.wrapping_sub(last).wrapping_sub(1) % COUNT_MODULUS;
                self.truth.gaps += u64::from(missing > 0);
                self.truth.frames_missing += u64::from(missing);
            }
            self.last_whole = Some(count);
        }
        fate
    }
}

/// Marker, primary header, M_PDU header.
const ZONE_START: usize = MARKER.len() + 6 + 2;
const OCF_START: usize = MARKER.len() + FRAME_OCTETS - 4;
pub(crate) const ZONE_OCTETS: usize = OCF_START - ZONE_START;
const IDLE_OCTETS_MIN: usize = 7;
const IDLE_DATA: u8 = 0xAA;
