//! From the fields of packets to the octets that leave the spacecraft.

use space_link::clcw::Clcw;
use space_link::frame::{Scid, Vcid};

use crate::channel::Channel;
use crate::multiplex::{Sender, VirtualChannel};
use crate::node::Node;
use crate::packet::{APPLICATIONS, Application, VCIDS, begin, cds, move_on, seal};
use crate::pass::{Output, PassConfig, PassError};
use crate::random::Random;
use crate::sink::PacketWriter;
use crate::truth::{ApidTruth, Truth};

/// Packetiser, virtual channels and link of one spacecraft.
#[derive(Clone)]
pub(crate) struct Downlink {
    output: Output,
    idle_frames: f64,
    random: Random,
    virtual_channels: [VirtualChannel; VCIDS.len()],
    idle_channel: VirtualChannel,
    channel: Channel,
    clcw: Clcw,
    counts: [u16; APPLICATIONS.len()],
    sent: [ApidTruth; APPLICATIONS.len()],
    pub(crate) truth: Truth,
    recorded: Option<Recorded>,
    packet: Vec<u8>,
}

/// Packets that were simulated, to be sent again.
#[derive(Clone, Debug, Default)]
struct Recorded {
    octets: Vec<u8>,
    packets: Vec<RecordedPacket>,
    /// Next packet to repeat.
    next: usize,
    /// How often all packets were repeated.
    times: i64,
}

#[derive(Clone, Copy, Debug)]
struct RecordedPacket {
    application: Application,
    end: usize,
    micros: i64,
}

impl Downlink {
    pub(crate) fn new(config: &PassConfig, scid: Scid) -> Result<Self, PassError> {
        let mut sent = [ApidTruth::default(); APPLICATIONS.len()];
        for application in APPLICATIONS {
            sent[application as usize].virtual_channel = VCIDS[application.channel()];
        }
        let vcid = |index: usize| Vcid::new(VCIDS[index]).unwrap_or(Vcid::IDLE);
        Ok(Self {
            output: config.output,
            idle_frames: f64::from(config.idle_frames_per_thousand) / 1_000.0,
            random: Random::new(config.seed, 3),
            virtual_channels: std::array::from_fn(|index| VirtualChannel::new(scid, vcid(index))),
            idle_channel: VirtualChannel::new(scid, Vcid::IDLE),
            channel: Channel::new(config.faults.clone(), config.seed)?,
            clcw: Clcw {
                cop_in_effect: 1,
                ..Clcw::default()
            },
            counts: [0; APPLICATIONS.len()],
            sent,
            truth: Truth::default(),
            recorded: config.repeat_every_s.map(|_| Recorded::default()),
            packet: Vec::new(),
        })
    }

    pub(crate) fn start(&mut self, out: &mut Vec<u8>) {
        if self.output == Output::Cadu {
            self.channel.start(out);
        }
    }

    /// What the control word of the next frames says of the uplink.
    pub(crate) fn report_uplink(&mut self, node: &Node) {
        self.clcw.no_rf_available = !node.radio.locked;
        self.clcw.no_bit_lock = !node.radio.locked;
        // V(R) counts modulo 256 (232.1-B-2).
        self.clcw.report_value = (node.radio.commands_accepted % 256) as u8;
    }

    /// Makes a packet of what `fields` writes and sends it.
    pub(crate) fn submit(
        &mut self,
        application: Application,
        micros: i64,
        out: &mut Vec<u8>,
        fields: impl FnOnce(&mut PacketWriter<'_>),
    ) {
        let mut packet = std::mem::take(&mut self.packet);
        begin(&mut packet);
        fields(&mut PacketWriter::new(&mut packet));
        let count = self.next_count(application);
        seal(&mut packet, application, count, micros);
        if let Some(recorded) = &mut self.recorded {
            recorded.octets.extend_from_slice(&packet);
            recorded.packets.push(RecordedPacket {
                application,
                end: recorded.octets.len(),
                micros,
            });
        }
        self.send(&packet, application, micros, out);
        self.packet = packet;
    }

    /// Sends some of the recorded packets again, moved on by another `period`; says whether there
    /// are any before `end`.
    pub(crate) fn repeat(&mut self, period: i64, end: i64, out: &mut Vec<u8>) -> bool {
        let Some(mut recorded) = self.recorded.take() else {
            return false;
        };
        let mut packet = std::mem::take(&mut self.packet);
        let mut more = !recorded.packets.is_empty() && period > 0;
        for _ in 0..PACKETS_AT_ONCE {
            if recorded.next >= recorded.packets.len() {
                recorded.next = 0;
                recorded.times += 1;
            }
            let shift = period.saturating_mul(recorded.times.saturating_add(1));
            let begin = recorded
                .next
                .checked_sub(1)
                .map_or(0, |before| recorded.packets[before].end);
            let Some(one) = recorded.packets.get(recorded.next).copied() else {
                break;
            };
            let micros = one.micros.saturating_add(shift);
            if !more || micros >= end || cds(micros).is_none() {
                more = false;
                break;
            }
            packet.clear();
            packet.extend_from_slice(&recorded.octets[begin..one.end]);
            let count = self.next_count(one.application);
            move_on(&mut packet, count, micros);
            self.send(&packet, one.application, micros, out);
            recorded.next += 1;
        }
        self.packet = packet;
        self.recorded = Some(recorded);
        more
    }

    /// Sends what is left in unfinished frames.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.output != Output::Cadu {
            return;
        }
        let (channel, truth) = (&mut self.channel, &mut self.truth);
        let mut sender = Sender {
            channel,
            truth,
            clcw: self.clcw,
            out,
        };
        for virtual_channel in &mut self.virtual_channels {
            virtual_channel.flush(&mut sender);
        }
        self.channel.finish(out);
    }

    pub(crate) fn truth(&self) -> Truth {
        let mut truth = self.truth.clone();
        let channels = self.virtual_channels.iter().chain([&self.idle_channel]);
        truth.virtual_channels = channels
            .filter(|channel| channel.truth().frames_made > 0)
            .map(|channel| (channel.vcid(), channel.truth()))
            .collect();
        for application in APPLICATIONS {
            let mut sent = self.sent[application as usize];
            sent.packets_whole = match self.output {
                Output::Cadu => {
                    self.virtual_channels[application.channel()].whole[application as usize]
                }
                Output::Packets => sent.packets,
            };
            if sent.packets > 0 {
                truth.apids.insert(application.apid(), sent);
            }
        }
        truth
    }

    fn next_count(&mut self, application: Application) -> u16 {
        let count = &mut self.counts[application as usize];
        let this = *count;
        *count = (this + 1) % SEQUENCE_COUNT_MODULUS;
        this
    }

    fn send(&mut self, packet: &[u8], application: Application, micros: i64, out: &mut Vec<u8>) {
        let sent = &mut self.sent[application as usize];
        if sent.packets == 0 {
            sent.first_time = micros;
        }
        sent.last_time = micros;
        sent.packets += 1;
        sent.octets += packet.len() as u64;
        if self.output == Output::Packets {
            out.extend_from_slice(packet);
            return;
        }
        let (channel, truth) = (&mut self.channel, &mut self.truth);
        let mut sender = Sender {
            channel,
            truth,
            clcw: self.clcw,
            out,
        };
        let frames = self.virtual_channels[application.channel()].push(
            packet,
            Some(application),
            &mut sender,
        );
        for _ in 0..frames {
            // The radio does not stop when there is nothing to say.
            while self.idle_frames > 0.0 && self.random.happens(self.idle_frames) {
                self.idle_channel.send_idle(&mut sender);
            }
        }
    }
}

const SEQUENCE_COUNT_MODULUS: u16 = 1 << 14;
const PACKETS_AT_ONCE: usize = 256;
