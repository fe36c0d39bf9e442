//! What holds of FOP-1 whatever it is fed: any CLCWs, directives, data units, answers, times.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use space_link::clcw::Clcw;
use space_link::frame::Vcid;
use tc_encoder::fop::{
    Answer, Directive, Fop, FopError, Frame, FrameType, Notification, RequestId, Response, Service,
    Settings, State, TimeoutType, Transmit,
};

#[derive(Clone, Debug)]
enum Input {
    /// Any four octets, at our channel and COP-1 most of the time.
    Report([u8; 4], bool),
    /// A CLCW that acknowledges so much, with Retransmit and Wait.
    Acknowledge(u8, bool, bool),
    Transfer(Service),
    Direct(Directive),
    Answer(FrameType, Answer),
    Wait(u64),
    LossOfSignal,
    Poll,
}

fn directive() -> impl Strategy<Value = Directive> {
    prop_oneof![
        3 => Just(Directive::InitiateWithoutClcw),
        1 => Just(Directive::InitiateWithClcw),
        2 => Just(Directive::InitiateWithUnlock),
        2 => any::<u8>().prop_map(Directive::InitiateWithSetVr),
        1 => Just(Directive::Terminate),
        3 => Just(Directive::Resume),
        1 => any::<u8>().prop_map(Directive::SetVs),
        1 => any::<u8>().prop_map(Directive::SetWindow),
        1 => (0..3000_u64).prop_map(|ms| Directive::SetT1Initial(Duration::from_millis(ms))),
        1 => (0..6_u8).prop_map(Directive::SetTransmissionLimit),
        1 => any::<bool>().prop_map(|suspend| Directive::SetTimeoutType(if suspend {
            TimeoutType::Suspend
        } else {
            TimeoutType::Alert
        })),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let kind = prop_oneof![
        4 => Just(FrameType::Ad),
        1 => Just(FrameType::Bc),
        1 => Just(FrameType::Bd),
    ];
    let answer = prop_oneof![20 => Just(Answer::Accept), 1 => Just(Answer::Reject)];
    prop_oneof![
        1 => (any::<[u8; 4]>(), any::<bool>()).prop_map(|(word, ours)| Input::Report(word, ours)),
        8 => (0..6_u8, any::<bool>(), any::<bool>())
            .prop_map(|(count, again, wait)| Input::Acknowledge(count, again, wait && again)),
        12 => Just(Input::Transfer(Service::Ad)),
        2 => Just(Input::Transfer(Service::Bd)),
        5 => directive().prop_map(Input::Direct),
        10 => (kind, answer).prop_map(|(kind, answer)| Input::Answer(kind, answer)),
        3 => (0..4000_u64).prop_map(Input::Wait),
        1 => Just(Input::LossOfSignal),
        12 => Just(Input::Poll),
    ]
}

/// What has been said of each request, and which frames were seen.
#[derive(Default)]
struct Ledger {
    transfers: BTreeMap<RequestId, (Service, Vec<Response>)>,
    directives: BTreeMap<RequestId, Vec<Response>>,
    numbers: BTreeMap<RequestId, u8>,
}

impl Ledger {
    fn read(&mut self, fop: &mut Fop<u64>) {
        while let Some(notification) = fop.poll_notification() {
            match notification {
                Notification::Transfer { request, response } => {
                    self.transfers
                        .get_mut(&request)
                        .expect("it was asked for")
                        .1
                        .push(response);
                }
                Notification::Directive { request, response } => self
                    .directives
                    .get_mut(&request)
                    .expect("it was asked for")
                    .push(response),
                Notification::Alert { .. } | Notification::Suspend { .. } => {}
            }
        }
    }

    fn check(&self, fop: &Fop<u64>) {
        use Response::{Accept, NegativeConfirm, PositiveConfirm, Reject};
        let mut under_way = 0;
        for (request, (service, said)) in &self.transfers {
            let legal = match service {
                Service::Ad => matches!(
                    said[..],
                    [] | [Reject | Accept] | [Accept, PositiveConfirm | NegativeConfirm]
                ),
                Service::Bd => matches!(
                    said[..],
                    [Reject | Accept] | [Accept, Accept | NegativeConfirm]
                ),
            };
            assert!(legal, "{request:?} {service:?}: {said:?}");
            under_way += usize::from(*service == Service::Ad && said[..] == [Accept]);
        }
        assert_eq!(under_way, fop.outstanding());
        for (request, said) in &self.directives {
            let legal = matches!(
                said[..],
                [Reject | Accept] | [Accept, PositiveConfirm | NegativeConfirm]
            );
            assert!(legal, "{request:?}: {said:?}");
        }
        // Only an "initiate" may still be open, and only while it is under way.
        let open = self
            .directives
            .values()
            .filter(|said| said[..] == [Accept])
            .count();
        assert!(open <= 1, "{open} directives are open");
    }

    fn transmitted(&mut self, frame: &Frame<u64>) {
        if let Frame::Ad {
            n_s,
            request,
            payload,
        } = frame
        {
            assert_eq!(*payload, request.0);
            let before = self.numbers.insert(*request, *n_s);
            assert!(
                before.is_none_or(|before| before == *n_s),
                "a number is kept"
            );
            let said = &self.transfers[request].1;
            let failed = said.contains(&Response::NegativeConfirm);
            assert!(!failed, "{request:?} leaves after it was reported failed");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn every_request_is_answered_once_and_the_queues_agree_with_the_numbers(
        inputs in prop::collection::vec(input(), 1..250)
    ) {
        let vcid = Vcid::new(9).unwrap();
        let mut fop = Fop::new(vcid, Settings::default()).unwrap();
        let mut ledger = Ledger::default();
        let mut now = Duration::ZERO;
        let mut request = 0;
        for input in inputs {
            request += 1;
            let id = RequestId(request);
            let result = match input {
                Input::Report(word, ours) => {
                    let Ok(mut clcw) = Clcw::parse(word) else { continue };
                    if ours {
                        clcw.virtual_channel = vcid;
                        clcw.cop_in_effect = 1;
                        clcw.version = 0;
                    }
                    fop.handle_clcw(&clcw, now).map(Some)
                }
                Input::Acknowledge(count, retransmit, wait) => {
                    let outstanding = fop.v_s().wrapping_sub(fop.nn_r());
                    let clcw = Clcw {
                        virtual_channel: vcid,
                        cop_in_effect: 1,
                        report_value: fop.nn_r().wrapping_add(count.min(outstanding)),
                        retransmit,
                        wait,
                        ..Clcw::default()
                    };
                    fop.handle_clcw(&clcw, now).map(Some)
                }
                Input::Transfer(service) => {
                    ledger.transfers.insert(id, (service, Vec::new()));
                    fop.handle_transfer(id, service, request, now).map(Some)
                }
                Input::Direct(directive) => {
                    ledger.directives.insert(id, Vec::new());
                    fop.handle_directive(id, directive, now).map(Some)
                }
                Input::Answer(kind, answer) => fop.handle_answer(kind, answer, now).map(Some),
                Input::Wait(ms) => {
                    now += Duration::from_millis(ms);
                    fop.handle_timeout(now)
                }
                Input::LossOfSignal => fop.handle_loss_of_signal(now).map(Some),
                Input::Poll => {
                    ledger.read(&mut fop);
                    if let Some(Transmit::Frame(frame)) = fop.poll_transmit() {
                        ledger.transmitted(&frame);
                    }
                    Ok(None)
                }
            };
            prop_assert!(!matches!(result, Err(FopError::NotApplicable { .. })), "{result:?}");
            ledger.read(&mut fop);
            ledger.check(&fop);
            let between = usize::from(fop.v_s().wrapping_sub(fop.nn_r()));
            prop_assert_eq!(fop.outstanding(), between);
            prop_assert!(fop.state() == State::Initial || fop.suspended().is_none());
            if fop.state() == State::Initial {
                prop_assert_eq!(fop.poll_timeout(), None);
            }
        }
    }
}
