//! The actions of FOP-1, CCSDS 232.1-B-2 5.2.

use std::time::Duration;

use space_link::cop::ControlCommand;

use super::event::Event;
use super::table::Action;
use super::types::{
    Directive, Frame, FrameType, Notification, RequestId, Response, State, Transmit,
};
use super::{Cause, Fop, Sent, SentCommand, Unit};

impl<P: Clone> Fop<P> {
    pub(super) fn act(
        &mut self,
        action: Action,
        event: Event,
        cause: &mut Cause<P>,
        now: Duration,
    ) {
        match action {
            Action::RemoveAcknowledged => {
                if let Cause::Report(n_r) = *cause {
                    self.remove_acknowledged(n_r);
                }
            }
            Action::ReleaseBc => self.sent_command = None,
            Action::StartTimer => self.start_timer(now),
            Action::CancelTimer => self.timer = None,
            Action::RetransmitAd => {
                self.begin_again(FrameType::Ad, now);
                for sent in &mut self.sent_queue {
                    sent.to_be_retransmitted = true;
                }
            }
            Action::RetransmitBc => {
                self.begin_again(FrameType::Bc, now);
                if let Some(sent) = &mut self.sent_command {
                    sent.to_be_retransmitted = true;
                }
            }
            Action::LookForDirective => self.look_for_directive(now),
            Action::LookForFdu => self.look_for_fdu(now),
            Action::AddToWaitQueue => {
                if let Cause::Transfer(unit) = cause {
                    self.wait_queue = unit.take();
                }
            }
            Action::AcceptTransfer | Action::RejectTransfer => self.answer_transfer(action, cause),
            Action::TransmitBd => {
                if let Cause::Transfer(unit) = cause
                    && let Some(Unit { request, payload }) = unit.take()
                {
                    self.bd_ready = false;
                    self.bd_request = Some(request);
                    self.transmit(Frame::Bd { request, payload });
                }
            }
            Action::AdReady => self.ad_ready = true,
            Action::BcReady => self.bc_ready = true,
            Action::BdReady => self.bd_ready = true,
            Action::RefuseBd => {
                if let Some(request) = self.bd_request.take() {
                    self.tell_transfer(request, Response::NegativeConfirm);
                }
            }
            Action::Initialise => {
                self.purge();
                self.transmission_count = 1;
                self.suspended = None;
            }
            Action::Alert(reason) => {
                self.timer = None;
                self.purge();
                if let Some(request) = self.initiating.take() {
                    self.tell_directive(request, Response::NegativeConfirm);
                }
                self.notifications.push_back(Notification::Alert {
                    reason,
                    event,
                    state: self.state,
                });
            }
            Action::Suspend => {
                self.suspended = Some(self.state);
                self.notifications
                    .push_back(Notification::Suspend { state: self.state });
            }
            Action::Resume => {
                // Only the loss of signal suspends a service that waits for nothing; a timer
                // without anything to wait for would end it.
                let initiating = self.suspended == Some(State::InitialisingWithoutBc);
                if initiating || !self.sent_queue.is_empty() {
                    self.start_timer(now);
                }
                self.suspended = None;
            }
            Action::ConfirmInitiation => {
                if let Some(request) = self.initiating.take() {
                    self.tell_directive(request, Response::PositiveConfirm);
                }
            }
            _ => {
                if let Cause::Directive(request, directive) = *cause {
                    self.act_on_directive(action, event, request, directive, now);
                }
            }
        }
    }

    /// The actions that only directives bring.
    fn act_on_directive(
        &mut self,
        action: Action,
        event: Event,
        request: RequestId,
        directive: Directive,
        now: Duration,
    ) {
        match (action, directive) {
            (Action::AcceptDirective, _) => {
                // One that was suspended in S4 can no longer succeed.
                if matches!(event, Event::E23 | Event::E24 | Event::E25 | Event::E27)
                    && let Some(before) = self.initiating.take()
                {
                    self.tell_directive(before, Response::NegativeConfirm);
                }
                self.tell_directive(request, Response::Accept);
                // Those are confirmed by a CLCW, later.
                if matches!(event, Event::E24 | Event::E25 | Event::E27) {
                    self.initiating = Some(request);
                }
            }
            (Action::RejectDirective, _) => self.tell_directive(request, Response::Reject),
            (Action::ConfirmDirective, _) => {
                self.tell_directive(request, Response::PositiveConfirm);
            }
            (Action::TransmitUnlock, _) => self.transmit_command(ControlCommand::Unlock, now),
            (Action::TakeSequenceNumber, Directive::InitiateWithSetVr(value)) => {
                self.v_s = value;
                self.nn_r = value;
            }
            (Action::TransmitSetVr, Directive::InitiateWithSetVr(value)) => {
                self.transmit_command(ControlCommand::SetVr(value), now);
            }
            (Action::SetVs, Directive::SetVs(_)) if self.suspended.is_some() => {
                self.tell_directive(request, Response::Reject);
            }
            (Action::SetVs, Directive::SetVs(value)) => {
                self.tell_directive(request, Response::Accept);
                self.v_s = value;
                self.nn_r = value;
                self.tell_directive(request, Response::PositiveConfirm);
            }
            (Action::SetWindow, Directive::SetWindow(width)) => self.settings.window = width,
            (Action::SetT1Initial, Directive::SetT1Initial(time)) => {
                self.settings.t1_initial = time;
            }
            (Action::SetTransmissionLimit, Directive::SetTransmissionLimit(limit)) => {
                self.settings.transmission_limit = limit;
            }
            (Action::SetTimeoutType, Directive::SetTimeoutType(kind)) => {
                self.settings.timeout_type = kind;
            }
            // The table gives no other action to a directive.
            _ => {}
        }
    }

    /// Accept or reject, of the request at hand; of the BD data unit when the lower procedures
    /// answer.
    fn answer_transfer(&mut self, action: Action, cause: &Cause<P>) {
        let request = match cause {
            Cause::Transfer(unit) => unit.as_ref().map(|unit| unit.request),
            _ => self.bd_request.take(),
        };
        let response = match action {
            Action::AcceptTransfer => Response::Accept,
            _ => Response::Reject,
        };
        if let Some(request) = request {
            self.tell_transfer(request, response);
        }
    }

    /// 5.2.8: everything before N(R), which lies in NN(R) to V(S).
    fn remove_acknowledged(&mut self, n_r: u8) {
        for _ in 0..n_r.wrapping_sub(self.nn_r) {
            let Some(sent) = self.sent_queue.pop_front() else {
                break;
            };
            self.tell_transfer(sent.unit.request, Response::PositiveConfirm);
            // A copy that waits to be polled is needed no longer.
            self.withdraw_kind(FrameType::Ad, Some(sent.n_s));
        }
        self.nn_r = n_r;
        self.transmission_count = 1;
    }

    /// 5.2.7: Abort, count, timer. The caller marks the frames.
    fn begin_again(&mut self, kind: FrameType, now: Duration) {
        self.withdraw_kind(kind, None);
        let abort = |transmit: &Transmit<P>| matches!(transmit, Transmit::Abort);
        if !self.transmits.iter().any(abort) {
            self.transmits.push_back(Transmit::Abort);
        }
        self.transmission_count = self.transmission_count.saturating_add(1);
        self.start_timer(now);
    }

    /// 5.2.9.
    fn look_for_directive(&mut self, now: Duration) {
        if !self.bc_ready {
            return;
        }
        if let Some(sent) = &mut self.sent_command
            && sent.to_be_retransmitted
        {
            sent.to_be_retransmitted = false;
            let command = sent.command;
            self.bc_ready = false;
            self.start_timer(now);
            self.transmit(Frame::Bc(command));
        }
    }

    /// 5.2.10: a frame to be sent again, or else a new one if the window allows.
    fn look_for_fdu(&mut self, now: Duration) {
        if !self.ad_ready {
            return;
        }
        if let Some(sent) = self
            .sent_queue
            .iter_mut()
            .find(|sent| sent.to_be_retransmitted)
        {
            sent.to_be_retransmitted = false;
            let frame = ad_frame(sent);
            self.send_ad(frame, now);
            return;
        }
        // V(S) < NN(R) + K, modulo 256.
        if self.v_s.wrapping_sub(self.nn_r) >= self.settings.window {
            return;
        }
        let Some(unit) = self.wait_queue.take() else {
            return;
        };
        self.tell_transfer(unit.request, Response::Accept);
        if self.sent_queue.is_empty() {
            self.transmission_count = 1;
        }
        let sent = Sent {
            n_s: self.v_s,
            unit,
            to_be_retransmitted: false,
        };
        self.v_s = self.v_s.wrapping_add(1);
        let frame = ad_frame(&sent);
        self.sent_queue.push_back(sent);
        self.send_ad(frame, now);
    }

    fn send_ad(&mut self, frame: Frame<P>, now: Duration) {
        self.start_timer(now);
        self.ad_ready = false;
        self.transmit(frame);
    }

    /// 5.2.5.
    fn transmit_command(&mut self, command: ControlCommand, now: Duration) {
        self.sent_command = Some(SentCommand {
            command,
            to_be_retransmitted: false,
        });
        self.transmission_count = 1;
        self.start_timer(now);
        self.bc_ready = false;
        self.transmit(Frame::Bc(command));
    }

    fn transmit(&mut self, frame: Frame<P>) {
        self.transmits.push_back(Transmit::Frame(frame));
    }

    fn start_timer(&mut self, now: Duration) {
        self.timer = Some(now.saturating_add(self.settings.t1_initial));
    }

    /// 5.2.2 and 5.2.3.
    fn purge(&mut self) {
        self.withdraw();
        for sent in std::mem::take(&mut self.sent_queue) {
            self.tell_transfer(sent.unit.request, Response::NegativeConfirm);
        }
        self.sent_command = None;
        self.nn_r = self.v_s;
        if let Some(unit) = self.wait_queue.take() {
            self.tell_transfer(unit.request, Response::Reject);
        }
    }

    /// Takes back the AD and BC frames that have not been polled.
    pub(super) fn withdraw(&mut self) {
        self.withdraw_kind(FrameType::Ad, None);
        self.withdraw_kind(FrameType::Bc, None);
    }

    /// Takes back frames of a type that have not been polled, or only the one of a number.
    fn withdraw_kind(&mut self, kind: FrameType, number: Option<u8>) {
        let before = self.transmits.len();
        self.transmits.retain(|transmit| match transmit {
            Transmit::Frame(Frame::Ad { n_s, .. }) if kind == FrameType::Ad => {
                number.is_some_and(|number| number != *n_s)
            }
            Transmit::Frame(frame) => frame.kind() != kind,
            Transmit::Abort => true,
        });
        if self.transmits.len() < before {
            match kind {
                FrameType::Ad => self.ad_ready = true,
                FrameType::Bc => self.bc_ready = true,
                FrameType::Bd => self.bd_ready = true,
            }
        }
    }

    fn tell_transfer(&mut self, request: RequestId, response: Response) {
        self.notifications
            .push_back(Notification::Transfer { request, response });
    }

    fn tell_directive(&mut self, request: RequestId, response: Response) {
        self.notifications
            .push_back(Notification::Directive { request, response });
    }
}

fn ad_frame<P: Clone>(sent: &Sent<P>) -> Frame<P> {
    Frame::Ad {
        n_s: sent.n_s,
        request: sent.unit.request,
        payload: sent.unit.payload.clone(),
    }
}
