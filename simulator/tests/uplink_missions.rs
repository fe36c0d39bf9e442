//! Commands of the missions that ship, along the uplink that their `mission.toml` describes: database,
//! `tc-encoder` with FOP-1, CLTUs, FARM-1, security, packets, database.

use std::path::Path;
use std::time::Duration;

use schemas::command::{CommandDatabase, finish_packet};
use schemas::layout::compile;
use schemas::mission::{Cop1Parameters, Mission, TimeoutType, Uplink as MissionUplink};
use schemas::xtce::model::MissionDatabase;
use simulator::uplink::{Reassembler, ReceivedFrame, SecurityReceiver, Uplink};
use simulator::{Farm, FarmEvent, FarmSettings, Received};
use space_link::crc::crc16;
use space_link::frame::{self, MapId, SegmentHeader};
use space_link::sdls::Key;
use tc_encoder::fop::{
    Answer, Directive, Fop, Notification, RequestId, Response, Service, Settings, Transmit,
};
use tc_encoder::sdls::{Persisted, SecuritySender};
use tc_encoder::{Encoder, FrameDataUnits, fop};

const NOW: Duration = Duration::ZERO;
const DIRECTIVE: RequestId = RequestId(1000);

struct Ground {
    encoder: Encoder,
    fop: Fop<Vec<u8>>,
    map_id: MapId,
}

impl Ground {
    fn new(uplink: &MissionUplink, key: Key) -> Self {
        let parameters = uplink.parameters;
        let (spi, security) = parameters.sdls.expect("security");
        let mut sender = SecuritySender::new(64);
        sender
            .add(spi, security, key, Persisted::NeverUsed)
            .unwrap();
        sender.activate(spi).unwrap();
        sender.handle_reserved(sender.poll_reservation().unwrap());
        let mut fop = Fop::new(parameters.vcid, settings(&uplink.cop1)).unwrap();
        fop.handle_directive(DIRECTIVE, Directive::InitiateWithoutClcw, NOW)
            .unwrap();
        Self {
            encoder: Encoder::new(parameters, Some(sender)).unwrap(),
            fop,
            map_id: parameters.map_id,
        }
    }

    fn submit(&mut self, request: u64, packet: &[u8]) {
        let mut units = FrameDataUnits::default();
        self.encoder
            .encode_packet(frame::FrameType::Ad, self.map_id, packet, &mut units)
            .unwrap();
        let units: Vec<_> = units.iter().map(<[u8]>::to_vec).collect();
        let [unit] = units.try_into().expect("one frame");
        self.fop
            .handle_transfer(RequestId(request), Service::Ad, unit, NOW)
            .unwrap();
    }

    /// What the antenna sends.
    fn transmissions(&mut self) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        while let Some(transmit) = self.fop.poll_transmit() {
            let Transmit::Frame(request) = transmit else {
                panic!("nothing is aborted");
            };
            let (mut frame, mut octets) = (Vec::new(), Vec::new());
            self.encoder.encode_requested(&request, &mut frame).unwrap();
            self.encoder.encode_transmission(&frame, &mut octets);
            sent.push(octets);
            self.fop
                .handle_answer(fop::FrameType::Ad, Answer::Accept, NOW)
                .unwrap();
        }
        sent
    }

    fn confirmed(&mut self) -> Vec<u64> {
        let mut confirmed = Vec::new();
        while let Some(notification) = self.fop.poll_notification() {
            match notification {
                Notification::Transfer {
                    request,
                    response: Response::PositiveConfirm,
                } => confirmed.push(request.0),
                Notification::Transfer {
                    response: Response::Accept,
                    ..
                }
                | Notification::Directive {
                    response: Response::Accept | Response::PositiveConfirm,
                    ..
                } => {}
                other => panic!("{other:?}"),
            }
        }
        confirmed
    }
}

fn settings(cop1: &Cop1Parameters) -> Settings {
    Settings {
        window: cop1.window,
        t1_initial: Duration::from_millis(cop1.t1_initial_ms.into()),
        transmission_limit: cop1.transmission_limit,
        timeout_type: match cop1.timeout_type {
            TimeoutType::Alert => fop::TimeoutType::Alert,
            TimeoutType::Suspend => fop::TimeoutType::Suspend,
        },
    }
}

struct Spacecraft {
    uplink: Uplink,
    farm: Farm<ReceivedFrame>,
    security: SecurityReceiver,
    reassembler: Reassembler,
    segment_header: bool,
    events: Vec<FarmEvent>,
    packets: Vec<Vec<u8>>,
}

impl Spacecraft {
    fn new(uplink: &MissionUplink, key: &Key) -> Self {
        let parameters = uplink.parameters;
        let (spi, security) = parameters.sdls.expect("security");
        let mut receiver = SecurityReceiver::default();
        receiver.add(spi, security, key, 0, SecurityReceiver::WINDOW);
        let farm = FarmSettings {
            virtual_channel: parameters.vcid,
            window: 20,
            buffers: 1,
        };
        Self {
            uplink: Uplink::new(parameters),
            farm: Farm::new(farm).unwrap(),
            security: receiver,
            reassembler: Reassembler::default(),
            segment_header: parameters.segment_header,
            events: Vec::new(),
            packets: Vec::new(),
        }
    }

    fn receive(&mut self, octets: &[u8]) {
        let (farm, events) = (&mut self.farm, &mut self.events);
        let mut each = |frame: &frame::TcFrame<'_>| {
            events.push(farm.handle_frame(ReceivedFrame::from(frame).for_farm()));
        };
        self.uplink.handle_octets(octets, &mut each);
        // A carrier that ends: a CLTU that goes on without it is over.
        self.uplink.handle_loss_of_signal(&mut each);
        while let Some(Received::Ad(frame) | Received::Bd(frame)) = self.farm.poll_received() {
            let mut data = Vec::new();
            self.security
                .process(
                    &frame.header_octets,
                    self.segment_header,
                    &frame.data_field,
                    &mut data,
                )
                .unwrap();
            let packets = &mut self.packets;
            let header = SegmentHeader::from_octet(frame.data_field[0]);
            self.reassembler
                .handle_data(self.segment_header.then_some(header), &data, |packet| {
                    packets.push(packet.to_vec());
                })
                .unwrap();
        }
    }
}

fn key() -> Key {
    Key::new(&mut [7; 32])
}

#[test]
fn commands_of_the_shipped_missions_arrive_and_are_acknowledged() {
    for name in ["orbital-compute", "orbital-compute-small"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../schemas/missions")
            .join(name);
        let mission = Mission::load(&folder).unwrap();
        let database = MissionDatabase::load_files(&mission.xtce).unwrap();
        let commands = CommandDatabase::compile(&database, &compile(&database).unwrap());
        let [first, .., last] = &mission.spacecraft[..] else {
            panic!("{name} is a fleet");
        };
        let uplink = mission.uplink_of(last).expect("an uplink");
        let mut ground = Ground::new(&uplink, key());
        let mut spacecraft = Spacecraft::new(&uplink, &key());
        let mut neighbour = Spacecraft::new(&mission.uplink_of(first).unwrap(), &key());

        // One more than the window: the last waits for an acknowledgement.
        let count = u64::from(uplink.cop1.window) + 1;
        let mut sent = Vec::new();
        for request in 0..count {
            let command = commands.find("cancel_job").unwrap();
            let job = (request + 1).to_string();
            let arguments = command.parse([("job_id", job.as_str())]).unwrap();
            let mut packet = Vec::new();
            command.encode(&arguments, &mut packet).unwrap();
            let sequence_count = u16::try_from(request).unwrap();
            assert!(finish_packet(
                &mut packet,
                0,
                sequence_count,
                uplink.packet_error_control
            ));
            sent.push((job, packet));
        }
        let (mut confirmed, mut submitted) = (Vec::new(), 0);
        for frames in [usize::from(uplink.cop1.window), 1] {
            let mut transmissions = Vec::new();
            loop {
                // FOP-1 queues one data unit at most.
                if ground.fop.takes_ad()
                    && let Some((_, packet)) = sent.get(submitted)
                {
                    ground.submit(submitted as u64, packet);
                    submitted += 1;
                }
                let more = ground.transmissions();
                if more.is_empty() {
                    break;
                }
                transmissions.extend(more);
            }
            assert_eq!(transmissions.len(), frames, "{name}");
            for octets in transmissions {
                spacecraft.receive(&octets);
                neighbour.receive(&octets);
            }
            ground
                .fop
                .handle_clcw(&spacecraft.farm.clcw(), NOW)
                .unwrap();
            confirmed.extend(ground.confirmed());
        }
        assert!(confirmed.iter().copied().eq(0..count), "{confirmed:?}");
        assert!(
            spacecraft
                .events
                .iter()
                .all(|&event| event == FarmEvent::E1)
        );
        assert_eq!(spacecraft.uplink.counts().bad_frames, 0);
        assert_eq!(spacecraft.packets.len(), sent.len());
        for (received, (job, packet)) in spacecraft.packets.iter().zip(&sent) {
            assert_eq!(received, packet);
            assert_eq!(crc16(received), 0, "packet error control");
            let (command, arguments) = commands.identify(&received[..received.len() - 2]).unwrap();
            assert_eq!(command.name, "cancel_job");
            let at = command.arguments.iter().position(|a| a.name == "job_id");
            let value = at.and_then(|index| arguments.get(index)).unwrap();
            assert_eq!(value.to_string(), *job, "{name}");
        }
        assert!(neighbour.packets.is_empty() && neighbour.events.is_empty());
        assert_eq!(neighbour.uplink.counts().other_channels, count);
    }
}
