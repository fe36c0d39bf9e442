//! Any octets as a control command, and as inputs to FOP-1: six octets an input.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use space_link::clcw::Clcw;
use space_link::cop::ControlCommand;
use space_link::frame::Vcid;
use tc_encoder::fop::{
    Answer, Directive, Fop, FopError, FrameType, RequestId, Service, Settings, TimeoutType,
};

fuzz_target!(|octets: &[u8]| {
    if let Ok(command) = ControlCommand::parse(octets) {
        let mut written = Vec::new();
        command.encode(&mut written);
        assert_eq!(written, octets);
    }
    let vcid = Vcid::default();
    let Ok(mut fop) = Fop::new(vcid, Settings::default()) else {
        return;
    };
    let mut now = Duration::ZERO;
    for (request, input) in (0..).zip(octets.chunks_exact(6)) {
        let (what, value, word) = (input[0], input[1], [input[2], input[3], input[4], input[5]]);
        let request = RequestId(request);
        let kind = [FrameType::Ad, FrameType::Bc, FrameType::Bd][usize::from(value % 3)];
        let result = match what % 8 {
            0 => Clcw::parse(word).map_or(Ok(None), |clcw| {
                let ours = Clcw {
                    virtual_channel: vcid,
                    cop_in_effect: 1,
                    ..clcw
                };
                let clcw = if value < 240 { ours } else { clcw };
                fop.handle_clcw(&clcw, now).map(Some)
            }),
            1 | 2 => fop
                .handle_transfer(request, Service::Ad, value, now)
                .map(Some),
            3 => fop
                .handle_transfer(request, Service::Bd, value, now)
                .map(Some),
            4 => fop
                .handle_directive(request, directive(word[0], value), now)
                .map(Some),
            5 => {
                let answer = if word[0] < 240 {
                    Answer::Accept
                } else {
                    Answer::Reject
                };
                fop.handle_answer(kind, answer, now).map(Some)
            }
            6 => {
                now += Duration::from_millis(u64::from(value) * 20);
                fop.handle_timeout(now)
            }
            _ if value < 16 => fop.handle_loss_of_signal(now).map(Some),
            _ => {
                fop.poll_transmit();
                Ok(None)
            }
        };
        assert!(!matches!(result, Err(FopError::NotApplicable { .. })));
        while value % 2 == 0 && fop.poll_notification().is_some() {}
        let between = fop.v_s().wrapping_sub(fop.nn_r());
        assert_eq!(fop.outstanding(), usize::from(between));
    }
});

fn directive(which: u8, value: u8) -> Directive {
    match which % 11 {
        0 => Directive::InitiateWithoutClcw,
        1 => Directive::InitiateWithClcw,
        2 => Directive::InitiateWithUnlock,
        3 => Directive::InitiateWithSetVr(value),
        4 => Directive::Terminate,
        5 => Directive::Resume,
        6 => Directive::SetVs(value),
        7 => Directive::SetWindow(value),
        8 => Directive::SetT1Initial(Duration::from_millis(value.into())),
        9 => Directive::SetTransmissionLimit(value),
        _ if value < 128 => Directive::SetTimeoutType(TimeoutType::Alert),
        _ => Directive::SetTimeoutType(TimeoutType::Suspend),
    }
}
