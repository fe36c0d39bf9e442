//! FOP-1 and FARM-1 against those of the Python package ccsds-cop 0.1.2, over a link that loses
//! units. Skipped, aloud, where the peers are not installed.
//!
//! Their FARM-1 forgets to leave Wait, so its buffers are emptied after each frame (the script
//! does). Their FOP-1 compares numbers without modulo, removes the whole Sent_Queue at any
//! acknowledgement, and takes E8 for E9: over a lossy link it is run with a window of 1 and without
//! wrapping around, where none of that matters; a wider window on a clean link, a full window at a
//! time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use simulator::{Farm, FarmSettings, LinkChannel, LinkFaults, Received, UplinkFrame};
use space_link::clcw::Clcw;
use space_link::cop::ControlCommand;
use space_link::frame::Vcid;
use tc_encoder::fop::{
    Answer, Directive, Fop, Frame, Notification, RequestId, Response, Service, Settings, State,
    Transmit,
};

/// The script `tests/peers/cop_peer.py`.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start() -> Option<Self> {
        let python = tests::python()?;
        let script = tests::workspace().join("tests/peers/cop_peer.py");
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the peer starts");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Some(Self {
            child,
            input,
            output,
        })
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").expect("the peer reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the peer answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{question}: {line:?}: {error}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn vcid() -> Vcid {
    Vcid::new(5).expect("six bits")
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn octets(value: &Value) -> Vec<u8> {
    let digits = value.as_str().expect("hexadecimal text");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

fn link(loss: f64, seed: u64) -> LinkChannel {
    let faults = LinkFaults {
        bits_per_second: 1e6,
        delay: Duration::from_millis(5),
        loss,
        ..LinkFaults::default()
    };
    LinkChannel::new(faults, seed).expect("faults are in range")
}

/// The line of the script for a frame.
fn line(frame: &Frame<Vec<u8>>) -> Value {
    let mut data = Vec::new();
    let (kind, n_s) = match frame {
        Frame::Ad { n_s, payload, .. } => {
            data.extend(payload);
            ("AD", *n_s)
        }
        Frame::Bd { payload, .. } => {
            data.extend(payload);
            ("BD", 0)
        }
        Frame::Bc(command) => {
            command.encode(&mut data);
            ("BC", 0)
        }
    };
    json!({"frame": {"kind": kind, "n_s": n_s, "data": hex(&data)}})
}

/// Our FOP-1 with their FARM-1: what they accepted, and what we were told.
fn our_fop_their_farm(
    peer: &mut Peer,
    begin: Directive,
    loss: f64,
    commands: u32,
) -> (Vec<Vec<u8>>, Vec<Notification>) {
    let settings = Settings {
        window: 100,
        t1_initial: Duration::from_millis(100),
        transmission_limit: 255,
        ..Settings::default()
    };
    let mut fop = Fop::new(vcid(), settings).expect("settings are in range");
    let (mut up, mut down) = (link(loss, 11), link(loss, 12));
    let (mut accepted, mut told) = (Vec::new(), Vec::new());
    let mut now = Duration::ZERO;
    let mut word = None;
    let mut next = 0;
    fop.handle_directive(RequestId(1 << 40), begin, now)
        .expect("taken");
    while next < commands || fop.outstanding() > 0 || fop.state() != State::Active {
        now += Duration::from_millis(1);
        assert!(now < Duration::from_secs(600), "stalled in {}", fop.state());
        fop.handle_timeout(now).expect("applicable");
        if next < commands && fop.takes_ad() {
            let payload = [&next.to_be_bytes()[..], b"command"].concat();
            fop.handle_transfer(RequestId(next.into()), Service::Ad, payload, now)
                .expect("taken");
            next += 1;
        }
        if up.free_at() <= now
            && let Some(transmit) = fop.poll_transmit()
            && let Transmit::Frame(frame) = transmit
        {
            up.send(line(&frame).to_string().as_bytes(), now);
            fop.handle_answer(frame.kind(), Answer::Accept, now)
                .expect("asked");
        }
        while let Some(arrival) = up.receive(now) {
            let question = serde_json::from_slice(&arrival.octets).expect("losses only");
            let answer = peer.ask(&question);
            accepted.extend(
                answer["accepted"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(octets),
            );
            word = Some(octets(&answer["clcw"]));
        }
        // The last CLCW, again and again.
        if now.as_millis().is_multiple_of(10)
            && let Some(word) = &word
        {
            down.send(word, now);
        }
        while let Some(arrival) = down.receive(now) {
            let word = arrival.octets.try_into().expect("four octets");
            let clcw = Clcw::parse(word).expect("a CLCW");
            fop.handle_clcw(&clcw, now).expect("for us");
        }
        told.extend(std::iter::from_fn(|| fop.poll_notification()));
    }
    (accepted, told)
}

fn confirmed(told: &[Notification]) -> Vec<u64> {
    told.iter()
        .filter_map(|notification| match notification {
            Notification::Transfer {
                request,
                response: Response::PositiveConfirm,
            } => Some(request.0),
            _ => None,
        })
        .collect()
}

#[test]
fn their_farm_accepts_what_our_fop_sends() {
    let Some(mut peer) = Peer::start() else {
        return;
    };
    for (begin, loss) in [
        (Directive::InitiateWithoutClcw, 0.0),
        (Directive::InitiateWithSetVr(200), 0.3),
        (Directive::InitiateWithUnlock, 0.3),
    ] {
        peer.ask(&json!({"farm": {"window": 254}}));
        if begin == Directive::InitiateWithUnlock {
            // Far outside their window: locked out.
            let question = json!({"frame": {"kind": "AD", "n_s": 128, "data": "00"}});
            let answer = peer.ask(&question);
            let word = octets(&answer["clcw"]).try_into().expect("four octets");
            assert!(Clcw::parse(word).expect("a CLCW").lockout);
        }
        let commands = 300;
        let (accepted, told) = our_fop_their_farm(&mut peer, begin, loss, commands);
        let wanted: Vec<Vec<u8>> = (0..commands)
            .map(|number| [&number.to_be_bytes()[..], b"command"].concat())
            .collect();
        assert_eq!(accepted, wanted, "{begin:?}");
        let numbers: Vec<u64> = (0..commands.into()).collect();
        assert_eq!(confirmed(&told), numbers, "{begin:?}");
    }
}

/// Their FOP-1 with our FARM-1: what we accepted, and how often they confirmed.
fn their_fop_our_farm(
    peer: &mut Peer,
    window: u32,
    loss: f64,
    begin: Value,
    commands: u32,
) -> (Vec<Vec<u8>>, usize) {
    let mut farm = Farm::new(FarmSettings {
        virtual_channel: vcid(),
        window: 100,
        buffers: 4,
    })
    .expect("settings are in range");
    let (mut up, mut down) = (link(loss, 21), link(loss, 22));
    let (mut accepted, mut positive) = (Vec::new(), 0);
    let mut rejected = Vec::new();
    let mut now = Duration::ZERO;
    let mut timer: Option<Duration> = None;
    peer.ask(&json!({"fop": {"window": window, "limit": 200}}));
    let mut answer = peer.ask(&json!({"directive": begin}));
    let initiating = answer["requests"].as_u64().expect("a number");
    let (mut next, mut waiting) = (0, false);
    loop {
        // What they said: frames, notifications, the timer.
        for frame in answer["frames"].as_array().expect("a list") {
            up.send(frame.to_string().as_bytes(), now);
            timer = Some(now + Duration::from_millis(100));
        }
        for note in answer["notifications"].as_array().expect("a list") {
            let ours = note[0].as_u64() != Some(initiating);
            match note[1].as_str().expect("a name") {
                "ACCEPT" if ours => waiting = false,
                "ACCEPT" => {}
                "POSITIVE_CONFIRM" => positive += usize::from(ours),
                other => rejected.push(other.to_owned()),
            }
        }
        assert!(rejected.is_empty(), "{rejected:?}");
        if answer["timer"] == false {
            timer = None;
        }
        if next == commands && positive == commands as usize {
            return (accepted, positive);
        }
        assert!(now < Duration::from_secs(600), "stalled: {answer}");
        now += Duration::from_millis(1);
        while let Some(arrival) = up.receive(now) {
            farm.handle_frame(frame_of(&arrival.octets));
            while let Some(Received::Ad(data) | Received::Bd(data)) = farm.poll_received() {
                accepted.push(data);
            }
        }
        let whole_window = next.is_multiple_of(window) && up.next_arrival().is_none();
        if now.as_millis().is_multiple_of(10) && whole_window {
            down.send(&farm.clcw().encode().expect("in range"), now);
        }
        answer = if let Some(arrival) = down.receive(now) {
            peer.ask(&json!({"clcw": hex(&arrival.octets)}))
        } else if timer.is_some_and(|expires| expires <= now) {
            timer = None;
            peer.ask(&json!({"timeout": 0}))
        } else if answer["state"] == 1
            && next < commands
            && !waiting
            && (!next.is_multiple_of(window) || positive == next as usize)
        {
            waiting = true;
            next += 1;
            let data = [&(next - 1).to_be_bytes()[..], b"command"].concat();
            peer.ask(&json!({"transfer": hex(&data)}))
        } else {
            let (state, timer) = (answer["state"].clone(), timer.is_some());
            json!({"frames": [], "notifications": [], "state": state, "timer": timer})
        };
    }
}

/// A frame of the script, as FARM-1 sees it.
fn frame_of(text: &[u8]) -> UplinkFrame<Vec<u8>> {
    let frame: Value = serde_json::from_slice(text).expect("losses only");
    let data = octets(&frame["data"]);
    match frame["kind"].as_str() {
        Some("AD") => UplinkFrame::Ad {
            n_s: frame["n_s"].as_u64().expect("a number") as u8,
            payload: data,
        },
        Some("BD") => UplinkFrame::Bd(data),
        _ => ControlCommand::parse(&data).map_or(UplinkFrame::Invalid, UplinkFrame::Bc),
    }
}

#[test]
fn our_farm_accepts_what_their_fop_sends() {
    let Some(mut peer) = Peer::start() else {
        return;
    };
    for (window, loss, begin) in [
        (1, 0.3, json!(["INITIATE_AD_NO_CLCW", 0])),
        (1, 0.3, json!(["INITIATE_AD_WITH_CLCW", 0])),
        // Their BC frame is not kept for a second transmission: nothing is lost here.
        (1, 0.0, json!(["INITIATE_AD_WITH_SET_V_R", 50])),
        (10, 0.0, json!(["INITIATE_AD_NO_CLCW", 0])),
    ] {
        let commands = 200;
        let (accepted, positive) =
            their_fop_our_farm(&mut peer, window, loss, begin.clone(), commands);
        let wanted: Vec<Vec<u8>> = (0..commands)
            .map(|number| [&number.to_be_bytes()[..], b"command"].concat())
            .collect();
        assert_eq!(accepted, wanted, "{begin}");
        assert_eq!(positive, commands as usize);
    }
}
