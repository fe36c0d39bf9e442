//! The ground's end: FOP-1, a transmitter with a short queue, and an operator who wants every
//! command either done or known to have failed.

use std::collections::VecDeque;
use std::time::Duration;

use simulator::LinkChannel;
use space_link::clcw::Clcw;
use tc_encoder::fop::{
    Alert, Answer, Directive, Fop, Frame, FrameType, Notification, RequestId, Response, Service,
    State, Transmit,
};

use super::FrameLayer;

/// What the operator knows of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Not handed over, or rejected before anything of it was sent.
    Unsent,
    /// Handed over.
    Submitted,
    /// Accepted by FOP-1: under way.
    UnderWay,
    Confirmed,
    Failed,
}

/// What the operator is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// AD service runs.
    Commanding,
    /// AD service is being initiated.
    Initiating,
    /// Initiated, but nothing may be sent before this time.
    Pausing(Duration),
    /// Waits until nothing is on the uplink any more, then for fresh CLCWs.
    Recovering,
    /// Suspended.
    Suspended,
    /// Given up: nothing more is sent.
    GivenUp,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) alerts: u32,
    pub(crate) suspensions: u32,
    pub(crate) aborts: u32,
    pub(crate) foreign_clcws: u32,
    pub(crate) frames: u32,
}

pub(crate) struct Ground {
    pub(crate) fop: Fop<Vec<u8>>,
    pub(crate) fates: Vec<Fate>,
    pub(crate) phase: Phase,
    pub(crate) tally: Tally,
    /// Frames accepted from FOP-1, at most `depth` and one of each type.
    pub(crate) queue: VecDeque<Frame<Vec<u8>>>,
    unanswered: Vec<FrameType>,
    pub(crate) depth: usize,
    /// When the radiated frames have all arrived; CLCWs sent after it are fresh.
    quiet_at: Duration,
    /// The last CLCW that may be believed, if it is to be seen twice.
    candidate: Option<Clcw>,
    next_request: u64,
    recoveries: u32,
    /// Whether the pass plan tells FOP-1 of outages.
    pub(crate) plans_outages: bool,
    signal: bool,
    initiation: RequestId,
    /// After Set V(R): a copy of it that comes late must not come between AD frames.
    pub(crate) pause_after_initiation: Duration,
}

const RECOVERIES_MAX: u32 = 30;
const DIRECTIVES: u64 = 1 << 32;

impl Ground {
    pub(crate) fn new(
        fop: Fop<Vec<u8>>,
        commands: usize,
        depth: usize,
        plans_outages: bool,
    ) -> Self {
        Self {
            fop,
            fates: vec![Fate::Unsent; commands],
            phase: Phase::Initiating,
            tally: Tally::default(),
            queue: VecDeque::new(),
            unanswered: Vec::new(),
            depth,
            quiet_at: Duration::ZERO,
            candidate: None,
            next_request: DIRECTIVES,
            recoveries: 0,
            plans_outages,
            signal: true,
            initiation: RequestId(0),
            pause_after_initiation: Duration::ZERO,
        }
    }

    pub(crate) fn direct(&mut self, directive: Directive, now: Duration) -> RequestId {
        self.next_request += 1;
        let request = RequestId(self.next_request);
        self.fop
            .handle_directive(request, directive, now)
            .expect("notifications are read");
        request
    }

    pub(crate) fn initiate(&mut self, directive: Directive, now: Duration) {
        self.phase = Phase::Initiating;
        self.initiation = self.direct(directive, now);
    }

    /// Nothing is under way and nothing more will be sent.
    pub(crate) fn is_done(&self) -> bool {
        let over = |fate: &Fate| matches!(fate, Fate::Confirmed | Fate::Failed);
        let given_up = self.phase == Phase::GivenUp;
        self.fates
            .iter()
            .all(|fate| over(fate) || given_up && *fate == Fate::Unsent)
    }

    pub(crate) fn receive(
        &mut self,
        layer: &mut impl FrameLayer,
        unit: &[u8],
        fresh: bool,
        now: Duration,
    ) {
        let Some(clcw) = layer.decode_report(unit) else {
            return;
        };
        if self.fop.handle_clcw(&clcw, now).is_err() {
            self.tally.foreign_clcws += 1;
            return;
        }
        // A single one may be forged: two alike in a row.
        if self.phase == Phase::Recovering && fresh {
            if self.candidate == Some(clcw) {
                self.recover(&clcw, now);
            }
            self.candidate = Some(clcw);
        }
    }

    /// Initiates again from what the spacecraft says.
    fn recover(&mut self, clcw: &Clcw, now: Duration) {
        self.recoveries += 1;
        if self.recoveries > RECOVERIES_MAX {
            self.phase = Phase::GivenUp;
            self.direct(Directive::Terminate, now);
            return;
        }
        if self.fop.suspended().is_some() {
            // V(S) cannot be set while it is suspended; initiating ends that, whatever comes of it.
            self.initiate(Directive::InitiateWithoutClcw, now);
            self.direct(Directive::Terminate, now);
            return;
        }
        self.direct(Directive::SetVs(clcw.report_value), now);
        if clcw.lockout || clcw.retransmit || clcw.wait {
            self.initiate(Directive::InitiateWithUnlock, now);
        } else {
            self.initiate(Directive::InitiateWithClcw, now);
        }
    }

    /// When the spacecraft's CLCWs say how things stand: everything radiated has arrived.
    pub(crate) fn settled_at(&self, uplink: &LinkChannel) -> Option<Duration> {
        let quiet = self.queue.is_empty() && self.unanswered.is_empty();
        quiet.then(|| self.quiet_at.max(uplink.free_at()) + uplink.slowest())
    }

    /// Everything that can be done at `now`.
    pub(crate) fn work(
        &mut self,
        layer: &mut impl FrameLayer,
        uplink: &mut LinkChannel,
        now: Duration,
    ) {
        self.fop.handle_timeout(now).expect("applicable");
        let signal = uplink.has_signal(now);
        if self.plans_outages && self.signal && !signal {
            self.fop.handle_loss_of_signal(now).expect("applicable");
        }
        self.signal = signal;
        loop {
            let mut progress = self.read_notifications(now);
            progress |= self.transmit(layer, uplink, now);
            progress |= self.command(now);
            if !progress {
                return;
            }
        }
    }

    fn read_notifications(&mut self, now: Duration) -> bool {
        let mut any = false;
        while let Some(notification) = self.fop.poll_notification() {
            any = true;
            match notification {
                Notification::Transfer { request, response } => self.note(request, response),
                Notification::Directive { request, response } => {
                    if request == self.initiation && response == Response::PositiveConfirm {
                        self.phase = Phase::Pausing(now + self.pause_after_initiation);
                    }
                }
                Notification::Alert { reason, .. } => {
                    self.tally.alerts += u32::from(reason != Alert::Term);
                    if self.phase != Phase::GivenUp {
                        self.phase = Phase::Recovering;
                        self.candidate = None;
                    }
                }
                Notification::Suspend { .. } => {
                    self.tally.suspensions += 1;
                    self.phase = Phase::Suspended;
                }
            }
        }
        any
    }

    fn note(&mut self, request: RequestId, response: Response) {
        let fate = &mut self.fates[request.0 as usize];
        let next = match (*fate, response) {
            (Fate::Submitted, Response::Accept) => Fate::UnderWay,
            (Fate::Submitted, Response::Reject) => Fate::Unsent,
            (Fate::UnderWay, Response::PositiveConfirm) => Fate::Confirmed,
            (Fate::UnderWay, Response::NegativeConfirm) => Fate::Failed,
            (fate, response) => panic!("command {request:?} was {fate:?}, then {response:?}"),
        };
        *fate = next;
    }

    fn transmit(
        &mut self,
        layer: &mut impl FrameLayer,
        uplink: &mut LinkChannel,
        now: Duration,
    ) -> bool {
        let mut any = false;
        while let Some(transmit) = self.fop.poll_transmit() {
            any = true;
            match transmit {
                Transmit::Frame(frame) => {
                    self.unanswered.push(frame.kind());
                    self.queue.push_back(frame);
                }
                Transmit::Abort => {
                    self.tally.aborts += 1;
                    self.queue.retain(|frame| frame.kind() == FrameType::Bd);
                }
            }
        }
        if uplink.free_at() <= now
            && let Some(frame) = self.queue.pop_front()
        {
            any = true;
            self.tally.frames += 1;
            self.quiet_at = uplink.send(&layer.encode(&frame), now);
        }
        if self.queue.len() < self.depth {
            for kind in std::mem::take(&mut self.unanswered) {
                any = true;
                self.fop
                    .handle_answer(kind, Answer::Accept, now)
                    .expect("it was asked");
            }
        }
        any
    }

    /// Hands over the next command, resumes, ends a pause.
    fn command(&mut self, now: Duration) -> bool {
        match self.phase {
            Phase::Pausing(until) if now >= until => {
                self.phase = Phase::Commanding;
                return true;
            }
            Phase::Suspended if self.signal => {
                let limit = self.fop.settings().transmission_limit;
                let more = limit.saturating_add(20);
                let spent = self.fop.transmission_count() >= limit;
                self.phase = if spent && more == u8::MAX {
                    Phase::Recovering
                } else {
                    if spent {
                        self.direct(Directive::SetTransmissionLimit(more), now);
                    }
                    let initiating = self.fop.suspended() == Some(State::InitialisingWithoutBc);
                    self.direct(Directive::Resume, now);
                    if initiating {
                        Phase::Initiating
                    } else {
                        Phase::Commanding
                    }
                };
                return true;
            }
            _ => {}
        }
        if self.phase != Phase::Commanding || !self.fop.takes_ad() {
            return false;
        }
        let next = self.fates.iter().position(|fate| *fate == Fate::Unsent);
        let Some(next) = next else {
            return false;
        };
        self.fates[next] = Fate::Submitted;
        let mut payload = (next as u32).to_be_bytes().to_vec();
        payload.resize(16 + next % 8, 0xA5);
        let request = RequestId(next as u64);
        self.fop
            .handle_transfer(request, Service::Ad, payload, now)
            .expect("notifications are read");
        true
    }
}
