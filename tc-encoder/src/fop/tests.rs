//! Every cell of the state table, twice: as it is written, and as inputs and outputs show it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use space_link::clcw::Clcw;
use space_link::cop::ControlCommand;
use space_link::frame::Vcid;

use super::event::EVENTS;
use super::table::{Action, TABLE, cell};
use super::*;

const NOW: Duration = Duration::from_secs(100);
const T1: Duration = Duration::from_secs(3);
const V_S: u8 = 1;
const NN_R: u8 = 254;
const STATES: [State; 6] = [
    State::Active,
    State::RetransmitWithoutWait,
    State::RetransmitWithWait,
    State::InitialisingWithoutBc,
    State::InitialisingWithBc,
    State::Initial,
];

/// A cell of the vectors: the actions' names and the next state's number.
type Expected = (Vec<String>, u8);

/// Cells of table 5-1 by event and state, from `tests/vectors/cop1.json`, corrected where two other
/// transcriptions and the standard's text are against its source (see `table.rs`).
fn expected() -> BTreeMap<(String, u8), Expected> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/cop1.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let document: Value = serde_json::from_str(&text).unwrap();
    let numbers = &document["fop"]["states"];
    let number = |name: &Value| -> u8 {
        let digits = numbers[name.as_str().unwrap()].as_str().unwrap();
        digits.parse().unwrap()
    };
    let mut cells: BTreeMap<(String, u8), Expected> = document["fop"]["transitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let event = row["event"].as_str().unwrap().trim_end_matches("_B");
            let actions = row["actions"].as_array().unwrap();
            let names = actions.iter().map(|name| name.as_str().unwrap().to_owned());
            let key = (event.to_owned(), number(&row["state"]));
            (key, (names.collect(), number(&row["next"])))
        })
        .collect();
    assert_eq!(cells.len(), 251);
    let mut correct = |event: &str, state: u8, old: Option<(&[&str], u8)>, new: (&[&str], u8)| {
        let owned = |cell: (&[&str], u8)| -> Expected {
            (cell.0.iter().map(|&name| name.into()).collect(), cell.1)
        };
        let before = cells.insert((event.to_owned(), state), owned(new));
        assert_eq!(before, old.map(owned), "{event} S{state} is as it was");
    };
    correct("E3", 5, Some((&[], 5)), (&["alert_CLCW"], 6));
    correct("E18", 5, Some((&["suspend"], 6)), (&["alert_T1"], 6));
    correct(
        "E104",
        5,
        None,
        (&["initiate_retransmission", "look_for_directive"], 5),
    );
    for state in 2..=5 {
        correct(
            "E42",
            state,
            Some((&["alert_LLIF"], state)),
            (&["alert_LLIF"], 6),
        );
    }
    cells
}

/// The vectors' name of an action; `None` for what the table here adds.
fn name(action: Action, event: Event) -> Option<String> {
    let refused = matches!(event, Event::E42 | Event::E44 | Event::E46);
    Some(
        match action {
            Action::RemoveAcknowledged => "remove_acknowledged_frames_from_sent_queue",
            Action::ReleaseBc => "release_copy_of_bc_frame",
            Action::StartTimer => "start_timer",
            Action::CancelTimer => "cancel_timer",
            Action::RetransmitAd | Action::RetransmitBc => "initiate_retransmission",
            Action::LookForDirective => "look_for_directive",
            Action::LookForFdu => "look_for_fdu",
            Action::AddToWaitQueue => "add_to_wait_queue",
            Action::AcceptTransfer => "accept_fdu",
            Action::RejectTransfer => "reject_fdu",
            Action::TransmitBd => "transmit_type_bd_frame",
            Action::AcceptDirective => "accept_directive",
            Action::RejectDirective => "reject_directive",
            Action::ConfirmDirective | Action::ConfirmInitiation => "confirm_directive",
            Action::Initialise => "initialize",
            Action::TransmitUnlock => "transmit_unlock_bc_frame",
            Action::TakeSequenceNumber => "set_pending_v_r",
            Action::TransmitSetVr => "transmit_set_v_r_bc_frame",
            Action::SetVs => "gated_set_v_s_",
            Action::SetWindow => "set_k",
            Action::SetT1Initial => "set_t1_initial",
            Action::SetTransmissionLimit => "set_transmission_limit",
            Action::SetTimeoutType => "set_tt",
            Action::AdReady | Action::BcReady | Action::BdReady | Action::RefuseBd if refused => {
                return None;
            }
            Action::AdReady => "ready_ad",
            Action::BcReady => "ready_bc",
            Action::BdReady => "ready_bd",
            Action::RefuseBd => return None,
            Action::Suspend => "suspend",
            Action::Resume => "resume",
            Action::Alert(Alert::NnR) => "alert_NNR",
            Action::Alert(alert) => return Some(format!("alert_{}", alert.code().to_uppercase())),
        }
        .to_owned(),
    )
}

#[test]
fn the_table_is_the_standards() {
    let expected = expected();
    let mut cells = 0;
    for (event, row) in TABLE.iter().take(EVENTS - 1) {
        for (state, ours) in (1..).zip(row) {
            let ours = ours.map(|(actions, next)| {
                let names = actions.iter().filter_map(|&action| name(action, *event));
                (names.collect::<Vec<_>>(), next as u8)
            });
            let theirs = expected.get(&(event.to_string(), state)).cloned();
            assert_eq!(ours, theirs, "{event} S{state}");
            cells += usize::from(ours.is_some());
        }
    }
    assert_eq!(cells, expected.len());
}

fn fop() -> Fop<u32> {
    let settings = Settings {
        window: 10,
        t1_initial: T1,
        transmission_limit: 3,
        timeout_type: TimeoutType::Alert,
    };
    Fop::new(Vcid::new(5).unwrap(), settings).unwrap()
}

/// A FOP-1 to which the event can happen in the state, by its inputs.
fn arranged(state: State, event: Event) -> Fop<u32> {
    let mut fop = fop();
    fop.state = state;
    fop.v_s = V_S;
    let nothing_outstanding = matches!(event, Event::E1 | Event::E31 | Event::E32)
        || matches!(
            state,
            State::InitialisingWithoutBc | State::InitialisingWithBc
        );
    fop.nn_r = V_S;
    if !nothing_outstanding {
        fop.nn_r = NN_R;
        for (index, n_s) in [254, 255, 0].into_iter().enumerate() {
            fop.sent_queue.push_back(Sent {
                n_s,
                unit: Unit {
                    request: RequestId(index as u64),
                    payload: u32::from(n_s),
                },
                to_be_retransmitted: false,
            });
        }
    }
    match state {
        State::InitialisingWithoutBc => fop.initiating = Some(RequestId(70)),
        State::InitialisingWithBc => {
            fop.initiating = Some(RequestId(70));
            fop.sent_command = Some(SentCommand {
                command: ControlCommand::SetVr(V_S),
                to_be_retransmitted: false,
            });
        }
        State::Initial if !nothing_outstanding => fop.suspended = Some(State::Active),
        _ => {}
    }
    if state != State::Initial {
        fop.timer = Some(NOW);
    }
    match event {
        // Reset to 1 by an acknowledgement.
        Event::E2 | Event::E6 | Event::E8 | Event::E9 => fop.transmission_count = 2,
        Event::E101 | Event::E102 => fop.settings.transmission_limit = 1,
        Event::E12 | Event::E103 | Event::E17 => fop.transmission_count = 3,
        Event::E104 => fop.settings.timeout_type = TimeoutType::Suspend,
        Event::E18 => {
            fop.settings.timeout_type = TimeoutType::Suspend;
            fop.transmission_count = 3;
        }
        Event::E20 => {
            fop.wait_queue = Some(Unit {
                request: RequestId(60),
                payload: 60,
            });
        }
        Event::E22 | Event::E45 | Event::E46 => {
            fop.bd_ready = false;
            fop.bd_request = Some(RequestId(50));
        }
        Event::E26 | Event::E28 | Event::E43 | Event::E44 => fop.bc_ready = false,
        Event::E41 | Event::E42 => fop.ad_ready = false,
        Event::E30 | Event::E35 => fop.suspended = None,
        Event::E31 => fop.suspended = Some(State::Active),
        Event::E32 => fop.suspended = Some(State::RetransmitWithoutWait),
        Event::E33 => fop.suspended = Some(State::RetransmitWithWait),
        Event::E34 => fop.suspended = Some(State::InitialisingWithoutBc),
        _ => {}
    }
    fop
}

/// The CLCW that is this event for an arranged FOP-1: report value and flags.
fn clcw(event: Event) -> Option<Clcw> {
    const SOME: u8 = 255;
    let (report_value, retransmit, wait) = match event {
        Event::E1 | Event::E2 => (V_S, false, false),
        Event::E3 => (V_S, false, true),
        Event::E4 => (V_S, true, false),
        Event::E5 => (NN_R, false, false),
        Event::E6 => (SOME, false, false),
        Event::E7 => (SOME, false, true),
        Event::E101 | Event::E8 => (SOME, true, false),
        Event::E9 => (SOME, true, true),
        Event::E102 | Event::E10 | Event::E12 => (NN_R, true, false),
        Event::E11 | Event::E103 => (NN_R, true, true),
        Event::E13 => (2, false, false),
        Event::E14 | Event::E15 => (V_S, false, false),
        _ => return None,
    };
    Some(Clcw {
        version: u8::from(event == Event::E15),
        lockout: event == Event::E14,
        virtual_channel: Vcid::new(5).unwrap(),
        cop_in_effect: 1,
        report_value,
        retransmit,
        wait,
        ..Clcw::default()
    })
}

const REQUEST: RequestId = RequestId(99);

/// The input that is this event.
fn happen(fop: &mut Fop<u32>, event: Event) -> Result<Event, FopError> {
    if let Some(clcw) = clcw(event) {
        return fop.handle_clcw(&clcw, NOW);
    }
    let answer = |fop: &mut Fop<u32>, kind, answer| fop.handle_answer(kind, answer, NOW);
    let directive = match event {
        Event::E16 | Event::E104 | Event::E17 | Event::E18 => {
            return fop
                .handle_timeout(NOW)
                .map(|event| event.expect("the timer ran"));
        }
        Event::E19 | Event::E20 => return fop.handle_transfer(REQUEST, Service::Ad, 99, NOW),
        Event::E21 | Event::E22 => return fop.handle_transfer(REQUEST, Service::Bd, 99, NOW),
        Event::E41 => return answer(fop, FrameType::Ad, Answer::Accept),
        Event::E42 => return answer(fop, FrameType::Ad, Answer::Reject),
        Event::E43 => return answer(fop, FrameType::Bc, Answer::Accept),
        Event::E44 => return answer(fop, FrameType::Bc, Answer::Reject),
        Event::E45 => return answer(fop, FrameType::Bd, Answer::Accept),
        Event::E46 => return answer(fop, FrameType::Bd, Answer::Reject),
        Event::LossOfSignal => return fop.handle_loss_of_signal(NOW),
        Event::E23 => Directive::InitiateWithoutClcw,
        Event::E24 => Directive::InitiateWithClcw,
        Event::E25 | Event::E26 => Directive::InitiateWithUnlock,
        Event::E27 | Event::E28 => Directive::InitiateWithSetVr(77),
        Event::E29 => Directive::Terminate,
        Event::E30 | Event::E31 | Event::E32 | Event::E33 | Event::E34 => Directive::Resume,
        Event::E35 => Directive::SetVs(77),
        Event::E36 => Directive::SetWindow(255),
        Event::E37 => Directive::SetT1Initial(Duration::from_millis(7)),
        Event::E38 => Directive::SetTransmissionLimit(255),
        Event::E39 => Directive::SetTimeoutType(TimeoutType::Suspend),
        Event::E40 => Directive::SetWindow(0),
        other => panic!("{other} has no input"),
    };
    fop.handle_directive(REQUEST, directive, NOW)
}

/// What came out: notifications, and requests to the lower procedures.
struct Outputs {
    notifications: Vec<Notification>,
    transmits: Vec<Transmit<u32>>,
}

impl Outputs {
    fn of(fop: &mut Fop<u32>) -> Self {
        Self {
            notifications: std::iter::from_fn(|| fop.poll_notification()).collect(),
            transmits: std::iter::from_fn(|| fop.poll_transmit()).collect(),
        }
    }

    fn told(&self, wanted: Notification) -> bool {
        self.notifications.contains(&wanted)
    }

    fn transfer(&self, request: RequestId, response: Response) -> bool {
        self.told(Notification::Transfer { request, response })
    }

    fn directive(&self, request: RequestId, response: Response) -> bool {
        self.told(Notification::Directive { request, response })
    }

    fn sent(&self, frame: &Frame<u32>) -> bool {
        self.transmits.contains(&Transmit::Frame(frame.clone()))
    }
}

/// Whether an action's effect can be seen from outside.
fn seen(action: &str, before: &Fop<u32>, after: &Fop<u32>, out: &Outputs) -> bool {
    let initiating = before.initiating.unwrap_or(REQUEST);
    match action {
        "remove_acknowledged_frames_from_sent_queue" => {
            out.transfer(RequestId(0), Response::PositiveConfirm) && after.nn_r() != before.nn_r()
                // Sending again counts on from there.
                && after.transmission_count() == 1 + u8::from(out.transmits.contains(&Transmit::Abort))
        }
        "release_copy_of_bc_frame" => after.sent_command.is_none(),
        "start_timer" => after.poll_timeout() == Some(NOW + T1),
        "cancel_timer" => after.poll_timeout().is_none() || after.v_s() != before.v_s(),
        "initiate_retransmission" => {
            out.transmits.first() == Some(&Transmit::Abort)
                && after.poll_timeout() == Some(NOW + T1)
                && after.transmission_count() == before.transmission_count() + 1
                    // Removing what is acknowledged set it to 1 before.
                    || after.transmission_count() == 2
        }
        "look_for_directive" => {
            let again = before.state == State::InitialisingWithBc && before.timer == Some(NOW);
            !again
                || out.sent(&Frame::Bc(ControlCommand::SetVr(V_S)))
                || !before.bc_ready && after.bc_ready
        }
        "look_for_fdu" => match &before.wait_queue {
            // Sent again, or a new one as soon as the window has room.
            _ if after.sent_queue.iter().any(|sent| sent.to_be_retransmitted) => {
                out.transmits.len() == 2 && !after.ad_ready
            }
            Some(_) => after.wait_queue.is_some() || !after.ad_ready,
            None => after.wait_queue.is_none(),
        },
        "add_to_wait_queue" => {
            after.wait_queue.is_some() || out.transfer(REQUEST, Response::Accept)
        }
        "accept_fdu" => {
            let request = before.bd_request.unwrap_or(REQUEST);
            out.transfer(request, Response::Accept)
        }
        "reject_fdu" => out.transfer(REQUEST, Response::Reject) && out.transmits.is_empty(),
        "transmit_type_bd_frame" => {
            let frame = Frame::Bd {
                request: REQUEST,
                payload: 99,
            };
            out.sent(&frame) && !after.takes_bd()
        }
        "accept_directive" => out.directive(REQUEST, Response::Accept),
        "reject_directive" => out.notifications == [rejected()],
        "confirm_directive" if out.directive(REQUEST, Response::Accept) => {
            out.directive(REQUEST, Response::PositiveConfirm)
        }
        "confirm_directive" => {
            out.directive(initiating, Response::PositiveConfirm) && after.initiating.is_none()
        }
        "initialize" => {
            after.outstanding() == 0
                && after.wait_queue.is_none()
                && after.transmission_count() == 1
                && after.suspended().is_none()
                && (before.outstanding() == 0
                    || out.transfer(RequestId(2), Response::NegativeConfirm))
        }
        "set_pending_v_r" => (after.v_s(), after.nn_r()) == (77, 77),
        "transmit_unlock_bc_frame" => out.sent(&Frame::Bc(ControlCommand::Unlock)),
        "transmit_set_v_r_bc_frame" => out.sent(&Frame::Bc(ControlCommand::SetVr(77))),
        "gated_set_v_s_" => (after.v_s(), after.nn_r()) == (77, 77),
        "set_k" => after.settings().window == 255,
        "set_t1_initial" => after.settings().t1_initial == Duration::from_millis(7),
        "set_transmission_limit" => after.settings().transmission_limit == 255,
        "set_tt" => after.settings().timeout_type == TimeoutType::Suspend,
        // Ready, or already taken by the frame that it let through.
        "ready_ad" => after.ad_ready,
        "ready_bc" => after.bc_ready,
        "ready_bd" => after.takes_bd(),
        "suspend" => {
            after.suspended() == Some(before.state)
                && after.outstanding() == before.outstanding()
                && out.told(Notification::Suspend {
                    state: before.state,
                })
        }
        "resume" => after.suspended().is_none(),
        alert => {
            let code = alert.strip_prefix("alert_").expect("an action is known");
            let raised = out.notifications.iter().any(|notification| {
                matches!(notification, Notification::Alert { reason, state, .. }
                    if reason.code().replace(['(', ')'], "").eq_ignore_ascii_case(code)
                        && *state == before.state)
            });
            let failed = out.transfer(RequestId(2), Response::NegativeConfirm);
            raised
                && after.poll_timeout().is_none()
                && after.outstanding() == 0
                && (before.outstanding() == 0 || failed)
                && before
                    .initiating
                    .is_none_or(|request| out.directive(request, Response::NegativeConfirm))
        }
    }
}

fn rejected() -> Notification {
    Notification::Directive {
        request: REQUEST,
        response: Response::Reject,
    }
}

#[test]
fn every_cell_by_its_inputs_and_outputs() {
    let expected = expected();
    let mut walked = 0;
    for (event, _) in TABLE.iter().take(EVENTS - 1) {
        for state in STATES {
            let mut fop = arranged(state, *event);
            let before = fop.clone();
            let Some((actions, next)) = expected.get(&(event.to_string(), state as u8)) else {
                assert_eq!(cell(*event, state), None);
                let error = fop.apply(*event, Cause::Nothing, NOW).unwrap_err();
                let wanted = FopError::NotApplicable {
                    event: *event,
                    state,
                };
                assert_eq!(error, wanted);
                assert_eq!(fop.state(), state);
                assert!(fop.poll_notification().is_none() && fop.poll_transmit().is_none());
                continue;
            };
            let happened = happen(&mut fop, *event);
            assert_eq!(happened, Ok(*event), "{event} {state}");
            assert_eq!(fop.state() as u8, *next, "{event} {state}");
            let after = fop.clone();
            let out = Outputs::of(&mut fop);
            for action in actions {
                assert!(
                    seen(action, &before, &after, &out),
                    "{event} {state}: {action} is not seen in {after:?}"
                );
            }
            if actions.is_empty() {
                let silent = out.notifications.is_empty() && out.transmits.is_empty();
                assert!(silent, "{event} {state} is ignored");
                assert_eq!(after.nn_r(), before.nn_r(), "{event} {state}");
                assert_eq!(after.outstanding(), before.outstanding());
            }
            walked += 1;
        }
    }
    assert_eq!(walked, expected.len());
}

fn active() -> Fop<u32> {
    let mut fop = fop();
    let directive = Directive::InitiateWithoutClcw;
    fop.handle_directive(RequestId(1000), directive, NOW)
        .unwrap();
    Outputs::of(&mut fop);
    fop
}

/// Hands over AD data units, each as the lower procedures take the one before, and returns the
/// numbers of the frames.
fn send(fop: &mut Fop<u32>, requests: std::ops::Range<u64>) -> Vec<u8> {
    let mut numbers = Vec::new();
    for request in requests {
        fop.handle_transfer(RequestId(request), Service::Ad, request as u32, NOW)
            .unwrap();
        numbers.extend(radiate(fop));
    }
    numbers
}

/// Takes every AD frame there is, until none comes.
fn radiate(fop: &mut Fop<u32>) -> Vec<u8> {
    let mut numbers = Vec::new();
    while let Some(transmit) = fop.poll_transmit() {
        if let Transmit::Frame(Frame::Ad { n_s, .. }) = transmit {
            numbers.push(n_s);
            fop.handle_answer(FrameType::Ad, Answer::Accept, NOW)
                .unwrap();
        }
    }
    numbers
}

fn report(report_value: u8, retransmit: bool) -> Clcw {
    Clcw {
        virtual_channel: Vcid::new(5).unwrap(),
        cop_in_effect: 1,
        report_value,
        retransmit,
        ..Clcw::default()
    }
}

#[test]
fn the_window_holds_back_and_wraps_around() {
    for window in [1_u8, 2, 100, 127, 255] {
        let mut fop = active();
        fop.handle_directive(REQUEST, Directive::SetWindow(window), NOW)
            .unwrap();
        let mut request = 0;
        let mut acknowledged = 0_u8;
        for _ in 0..4 {
            Outputs::of(&mut fop);
            let numbers = send(&mut fop, request..request + u64::from(window));
            let wanted: Vec<u8> = (0..window)
                .map(|index| acknowledged.wrapping_add(index))
                .collect();
            assert_eq!(numbers, wanted);
            // One more waits, and a second is rejected.
            request += u64::from(window);
            assert!(fop.takes_ad());
            assert!(send(&mut fop, request..request + 1).is_empty());
            assert!(!fop.takes_ad());
            assert_eq!(
                fop.handle_transfer(REQUEST, Service::Ad, 0, NOW),
                Ok(Event::E20)
            );
            // All acknowledged: the one that waited goes.
            acknowledged = fop.v_s();
            Outputs::of(&mut fop);
            let event = fop.handle_clcw(&report(acknowledged, false), NOW);
            assert_eq!(event, Ok(Event::E2));
            let confirmed = fop
                .notifications
                .iter()
                .filter(|n| {
                    matches!(
                        n,
                        Notification::Transfer {
                            response: Response::PositiveConfirm,
                            ..
                        }
                    )
                })
                .count();
            assert_eq!(confirmed, usize::from(window));
            assert_eq!(radiate(&mut fop), [acknowledged]);
            let v_s = fop.v_s();
            fop.handle_clcw(&report(v_s, false), NOW).unwrap();
            Outputs::of(&mut fop);
            acknowledged = v_s;
            request += 1;
        }
    }
}

#[test]
fn a_retransmission_sends_everything_again_in_order_before_anything_new() {
    let mut fop = active();
    assert_eq!(send(&mut fop, 0..10), (0..10).collect::<Vec<u8>>());
    send(&mut fop, 10..11);
    assert_eq!(fop.handle_clcw(&report(4, true), NOW), Ok(Event::E8));
    assert_eq!(fop.state(), State::RetransmitWithoutWait);
    assert_eq!(fop.transmits.front(), Some(&Transmit::Abort));
    assert_eq!(radiate(&mut fop), (4..=10).collect::<Vec<u8>>());
    // The same complaint again, still on its way when the frames went out: nothing new.
    assert_eq!(fop.handle_clcw(&report(4, true), NOW), Ok(Event::E10));
    assert!(radiate(&mut fop).is_empty());
    assert_eq!(fop.handle_clcw(&report(11, false), NOW), Ok(Event::E2));
    assert_eq!(fop.state(), State::Active);
    assert_eq!(fop.poll_timeout(), None);
}

#[test]
fn each_frame_sent_again_restarts_the_timer() {
    let mut fop = active();
    send(&mut fop, 0..3);
    fop.handle_timeout(NOW + T1).unwrap();
    let mut now = NOW + T1;
    let mut again = 0;
    while let Some(transmit) = fop.poll_transmit() {
        if matches!(transmit, Transmit::Abort) {
            continue;
        }
        again += 1;
        assert_eq!(fop.poll_timeout(), Some(now + T1));
        // Each takes the uplink most of T1.
        now += T1 / 2;
        fop.handle_answer(FrameType::Ad, Answer::Accept, now)
            .unwrap();
    }
    assert_eq!(again, 3);
}

#[test]
fn the_last_timeout_ends_the_service_and_says_what_failed() {
    let mut fop = active();
    send(&mut fop, 7..9);
    send(&mut fop, 9..10);
    let mut now = NOW;
    for event in [Event::E16, Event::E16, Event::E17] {
        now = fop.poll_timeout().unwrap();
        assert_eq!(fop.handle_timeout(now - Duration::from_nanos(1)), Ok(None));
        assert_eq!(fop.handle_timeout(now), Ok(Some(event)));
        radiate(&mut fop);
    }
    let out = Outputs::of(&mut fop);
    for request in 7..10 {
        assert!(out.transfer(RequestId(request), Response::NegativeConfirm));
    }
    assert!(out.told(Notification::Alert {
        reason: Alert::T1,
        event: Event::E17,
        state: State::Active,
    }));
    assert_eq!(fop.handle_timeout(now + T1), Ok(None));
    assert_eq!(fop.nn_r(), fop.v_s());
}

#[test]
fn what_is_reported_failed_does_not_leave_afterwards() {
    let mut fop = active();
    fop.handle_transfer(RequestId(0), Service::Ad, 0, NOW)
        .unwrap();
    fop.handle_directive(REQUEST, Directive::Terminate, NOW)
        .unwrap();
    assert_eq!(fop.poll_transmit(), None);
    // The lower procedures never saw it, so they have nothing to answer.
    let error = fop.handle_answer(FrameType::Ad, Answer::Accept, NOW);
    let kind = FrameType::Ad;
    assert_eq!(error, Err(FopError::NothingAsked { kind }));
    fop.handle_directive(REQUEST, Directive::InitiateWithoutClcw, NOW)
        .unwrap();
    assert_eq!(send(&mut fop, 1..2), [1]);
}

#[test]
fn an_unpolled_frame_cannot_be_answered() {
    let mut fop = active();
    fop.handle_transfer(RequestId(0), Service::Ad, 0, NOW)
        .unwrap();
    let kind = FrameType::Ad;
    let early = fop.handle_answer(kind, Answer::Accept, NOW);
    assert_eq!(early, Err(FopError::NothingAsked { kind }));
    assert!(fop.poll_transmit().is_some());
    assert_eq!(fop.handle_answer(kind, Answer::Accept, NOW), Ok(Event::E41));
}

#[test]
fn initiating_with_clcw_check_does_not_take_v_s_from_the_clcw() {
    let mut fop = fop();
    fop.handle_directive(REQUEST, Directive::InitiateWithClcw, NOW)
        .unwrap();
    assert_eq!(fop.handle_clcw(&report(9, false), NOW), Ok(Event::E13));
    assert_eq!((fop.state(), fop.v_s()), (State::Initial, 0));
    let out = Outputs::of(&mut fop);
    assert!(out.directive(REQUEST, Response::NegativeConfirm));

    fop.handle_directive(RequestId(1), Directive::SetVs(9), NOW)
        .unwrap();
    fop.handle_directive(RequestId(2), Directive::InitiateWithClcw, NOW)
        .unwrap();
    assert_eq!(fop.handle_clcw(&report(9, false), NOW), Ok(Event::E1));
    assert!(Outputs::of(&mut fop).directive(RequestId(2), Response::PositiveConfirm));
    assert_eq!(send(&mut fop, 0..2), [9, 10]);
}

#[test]
fn an_unlock_is_sent_until_the_clcw_shows_it() {
    let mut fop = fop();
    fop.handle_directive(REQUEST, Directive::InitiateWithUnlock, NOW)
        .unwrap();
    let locked = Clcw {
        lockout: true,
        ..report(0, false)
    };
    let unlock = Transmit::Frame(Frame::Bc(ControlCommand::Unlock));
    assert_eq!(fop.poll_transmit(), Some(unlock.clone()));
    fop.handle_answer(FrameType::Bc, Answer::Accept, NOW)
        .unwrap();
    assert_eq!(fop.handle_clcw(&locked, NOW), Ok(Event::E14));
    assert_eq!(fop.state(), State::InitialisingWithBc);
    assert_eq!(fop.handle_timeout(NOW + T1), Ok(Some(Event::E16)));
    assert_eq!(fop.poll_transmit(), Some(Transmit::Abort));
    assert_eq!(fop.poll_transmit(), Some(unlock));
    assert_eq!(fop.handle_clcw(&report(0, false), NOW), Ok(Event::E1));
    assert_eq!(fop.state(), State::Active);
    assert!(Outputs::of(&mut fop).directive(REQUEST, Response::PositiveConfirm));
}

#[test]
fn a_pass_that_ends_suspends_and_the_next_resumes() {
    let mut fop = active();
    send(&mut fop, 0..3);
    fop.handle_clcw(&report(1, true), NOW).unwrap();
    // Two to send again: the first not polled yet, the loss of signal takes it back.
    assert_eq!(fop.handle_loss_of_signal(NOW), Ok(Event::LossOfSignal));
    assert_eq!(fop.suspended(), Some(State::RetransmitWithoutWait));
    assert_eq!((fop.outstanding(), fop.poll_timeout()), (2, None));
    let out = Outputs::of(&mut fop);
    assert_eq!(out.transmits, [Transmit::Abort]);
    // No data and no other V(S) while it is suspended.
    for (event, reject) in [(Event::E19, true), (Event::E35, false)] {
        assert_eq!(happen(&mut fop, event), Ok(event));
        let out = Outputs::of(&mut fop);
        assert_eq!(out.transfer(REQUEST, Response::Reject), reject);
        assert_eq!(out.directive(REQUEST, Response::Reject), !reject);
    }
    let later = NOW + Duration::from_secs(5400);
    fop.handle_directive(REQUEST, Directive::Resume, later)
        .unwrap();
    assert_eq!(fop.state(), State::RetransmitWithoutWait);
    assert_eq!(fop.handle_timeout(later + T1), Ok(Some(Event::E16)));
    assert_eq!(radiate(&mut fop), [1, 2]);
    assert_eq!(fop.handle_clcw(&report(3, false), later), Ok(Event::E2));
    assert_eq!(fop.outstanding(), 0);
}

#[test]
fn an_idle_service_outlives_a_pass() {
    let mut fop = active();
    fop.handle_loss_of_signal(NOW).unwrap();
    fop.handle_directive(REQUEST, Directive::Resume, NOW)
        .unwrap();
    assert_eq!((fop.state(), fop.poll_timeout()), (State::Active, None));
    // Initiating cannot be suspended with a command on its way: it fails.
    let mut fop = super::tests::fop();
    fop.handle_directive(REQUEST, Directive::InitiateWithUnlock, NOW)
        .unwrap();
    fop.handle_loss_of_signal(NOW).unwrap();
    let out = Outputs::of(&mut fop);
    assert!(out.directive(REQUEST, Response::NegativeConfirm));
    assert_eq!((fop.state(), fop.suspended()), (State::Initial, None));
}

#[test]
fn clcws_for_others_are_refused_and_change_nothing() {
    let mut fop = active();
    send(&mut fop, 0..3);
    let other = Clcw {
        virtual_channel: Vcid::new(6).unwrap(),
        ..report(3, false)
    };
    let error = fop.handle_clcw(&other, NOW).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the CLCW reports on virtual channel 6, this is 5"
    );
    let other = Clcw {
        cop_in_effect: 2,
        ..report(3, false)
    };
    assert_eq!(
        fop.handle_clcw(&other, NOW),
        Err(FopError::OtherCop { got: 2 })
    );
    assert_eq!((fop.outstanding(), fop.state()), (3, State::Active));
}

#[test]
fn a_forged_acknowledgement_is_found_out_by_the_next_genuine_clcw() {
    let mut fop = active();
    send(&mut fop, 0..3);
    // COP-1 has no way to doubt this one.
    assert_eq!(fop.handle_clcw(&report(3, false), NOW), Ok(Event::E2));
    assert_eq!(fop.handle_clcw(&report(1, false), NOW), Ok(Event::E13));
    assert!(Outputs::of(&mut fop).told(Notification::Alert {
        reason: Alert::NnR,
        event: Event::E13,
        state: State::Active,
    }));
}

#[test]
fn requests_are_refused_while_notifications_pile_up() {
    let mut fop = active();
    fop.handle_directive(REQUEST, Directive::SetWindow(255), NOW)
        .unwrap();
    let mut refused = None;
    for request in 0..1000 {
        let result = fop.handle_transfer(RequestId(request), Service::Ad, 0, NOW);
        radiate(&mut fop);
        if let Err(error) = result {
            refused = Some(error);
            break;
        }
    }
    assert_eq!(
        refused,
        Some(FopError::Unread {
            waiting: NOTIFICATIONS_MAX,
            max: NOTIFICATIONS_MAX
        })
    );
    // What is under way still says what became of it.
    let v_s = fop.v_s();
    fop.handle_clcw(&report(v_s.wrapping_add(1), false), NOW)
        .unwrap();
    assert!(fop.notifications.len() <= NOTIFICATIONS_MAX + 262);
    let error = fop.handle_directive(REQUEST, Directive::Resume, NOW);
    assert!(matches!(error, Err(FopError::Unread { .. })));
}

#[test]
fn settings_out_of_range_are_refused() {
    let vcid = Vcid::new(0).unwrap();
    let good = Settings::default();
    for (settings, error) in [
        (Settings { window: 0, ..good }, SettingsError::Window),
        (
            Settings {
                t1_initial: Duration::ZERO,
                ..good
            },
            SettingsError::T1Initial,
        ),
        (
            Settings {
                transmission_limit: 0,
                ..good
            },
            SettingsError::TransmissionLimit,
        ),
    ] {
        assert_eq!(Fop::<u32>::new(vcid, settings).err(), Some(error));
    }
    for directive in [
        Directive::SetWindow(0),
        Directive::SetTransmissionLimit(0),
        Directive::SetT1Initial(Duration::ZERO),
    ] {
        let mut fop = active();
        assert_eq!(
            fop.handle_directive(REQUEST, directive, NOW),
            Ok(Event::E40)
        );
        assert_eq!(Outputs::of(&mut fop).notifications, [rejected()]);
    }
}
