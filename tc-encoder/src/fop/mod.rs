//! FOP-1, the ground's half of COP-1: it numbers AD frames, sends them again until the spacecraft's
//! CLCW acknowledges them, and says of every data unit what became of it. CCSDS 232.1-B-2 5.
//!
//! [`Fop`] has no clock and no link. Inputs are `handle_*`, with `now` as time since an epoch of
//! the caller's choice; after each of them read `poll_transmit` and `poll_notification` until they
//! are empty, and call `handle_timeout` at the time that `poll_timeout` says. The logic is in one
//! table, `table.rs`; the events are in [`Event`].
//!
//! Choices where the standard leaves one, or its transcriptions differ:
//!
//! - CLCWs of another virtual channel or COP are refused before the table (5.3.2). Event E15,
//!   "invalid CLCW", is one with a version other than 0.
//! - When the Sent_Queue is purged, NN(R) becomes V(S): NN(R) is the number of the oldest frame on
//!   that queue (5.1.8), and none is. The cells "not applicable" of S4 and S5 then cannot be met.
//! - The timer is restarted by each AD frame sent again, too (5.1.9), so that a full window on a
//!   slow uplink does not time out while it is being sent.
//! - A frame that the lower procedures reject is outstanding no longer: its Out_Flag is ready. A BD
//!   data unit among them is confirmed negatively; the table has only the alert.
//! - A purge withdraws frames not yet polled: what is reported failed does not leave afterwards.
//! - [`Fop::handle_loss_of_signal`] suspends at once, which the standard does only after the last
//!   timeout.
//! - Resuming starts the timer only if something is waited for: only the loss of signal suspends a
//!   service that is idle.
//! - In S3 the timer expires once and is not started again (E16, E104): FOP-1 waits for a CLCW.

mod actions;
mod event;
mod table;
mod types;

use std::collections::VecDeque;
use std::time::Duration;

use space_link::clcw::Clcw;
use space_link::cop::ControlCommand;
use space_link::frame::Vcid;

pub use event::Event;
pub use types::{
    Alert, Answer, Directive, FopError, Frame, FrameType, Notification, RequestId, Response,
    Service, Settings, SettingsError, State, TimeoutType, Transmit,
};

use event::Outlook;

/// FOP-1 for one virtual channel; `P` is what a frame carries, cloned at each transmission.
///
/// Its queues are bounded: the Sent_Queue by the window (255 at most), the Wait_Queue by one, frames
/// to poll by one of each type. At most 256 notifications wait before requests are refused with
/// [`FopError::Unread`]; what is under way then adds 262 at most.
#[derive(Clone, Debug)]
pub struct Fop<P> {
    virtual_channel: Vcid,
    settings: Settings,
    state: State,
    /// SS; `None` is 0.
    suspended: Option<State>,
    /// V(S).
    v_s: u8,
    /// NN(R).
    nn_r: u8,
    transmission_count: u8,
    /// When the timer expires, if it runs.
    timer: Option<Duration>,
    wait_queue: Option<Unit<P>>,
    /// The AD frames of the Sent_Queue; the first has the number NN(R).
    sent_queue: VecDeque<Sent<P>>,
    /// The BC frame of the Sent_Queue.
    sent_command: Option<SentCommand>,
    /// The Out_Flags: whether the lower procedures can take a frame.
    ad_ready: bool,
    bc_ready: bool,
    bd_ready: bool,
    /// The BD data unit that is with the lower procedures.
    bd_request: Option<RequestId>,
    /// The "initiate AD service" that waits for its CLCW.
    initiating: Option<RequestId>,
    transmits: VecDeque<Transmit<P>>,
    notifications: VecDeque<Notification>,
}

/// A data unit and its request.
#[derive(Clone, Debug)]
struct Unit<P> {
    request: RequestId,
    payload: P,
}

#[derive(Clone, Debug)]
struct Sent<P> {
    n_s: u8,
    unit: Unit<P>,
    to_be_retransmitted: bool,
}

#[derive(Clone, Copy, Debug)]
struct SentCommand {
    command: ControlCommand,
    to_be_retransmitted: bool,
}

/// What brought an event, for its actions.
enum Cause<P> {
    /// A timeout, an answer, the loss of signal.
    Nothing,
    /// A CLCW's N(R).
    Report(u8),
    Directive(RequestId, Directive),
    /// Taken by the action that queues or sends it.
    Transfer(Option<Unit<P>>),
}

impl<P: Clone> Fop<P> {
    /// In S6, V(S) = NN(R) = 0, the lower procedures ready.
    ///
    /// # Errors
    /// [`SettingsError`] for a setting out of range.
    pub fn new(virtual_channel: Vcid, settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self {
            virtual_channel,
            settings,
            state: State::Initial,
            suspended: None,
            v_s: 0,
            nn_r: 0,
            transmission_count: 1,
            timer: None,
            wait_queue: None,
            sent_queue: VecDeque::new(),
            sent_command: None,
            ad_ready: true,
            bc_ready: true,
            bd_ready: true,
            bd_request: None,
            initiating: None,
            transmits: VecDeque::new(),
            notifications: VecDeque::new(),
        })
    }

    /// A CLCW arrived. Returns the event that it was.
    ///
    /// # Errors
    /// [`FopError::VirtualChannel`] and [`FopError::OtherCop`] for CLCWs that are not for this
    /// FOP-1; nothing changes.
    pub fn handle_clcw(&mut self, clcw: &Clcw, now: Duration) -> Result<Event, FopError> {
        if clcw.virtual_channel != self.virtual_channel {
            return Err(FopError::VirtualChannel {
                expected: self.virtual_channel,
                got: clcw.virtual_channel,
            });
        }
        if clcw.cop_in_effect != COP_1 {
            return Err(FopError::OtherCop {
                got: clcw.cop_in_effect,
            });
        }
        let outlook = Outlook {
            v_s: self.v_s,
            nn_r: self.nn_r,
            transmission_count: self.transmission_count,
            transmission_limit: self.settings.transmission_limit,
        };
        self.apply(outlook.event(clcw), Cause::Report(clcw.report_value), now)
    }

    /// A data unit is to be sent. Returns the event; what becomes of it is a notification.
    ///
    /// # Errors
    /// [`FopError::Unread`] while too many notifications wait; the data unit was not looked at.
    pub fn handle_transfer(
        &mut self,
        request: RequestId,
        service: Service,
        payload: P,
        now: Duration,
    ) -> Result<Event, FopError> {
        self.check_unread()?;
        let event = match service {
            Service::Ad if self.wait_queue.is_none() => Event::E19,
            Service::Ad => Event::E20,
            Service::Bd if self.bd_ready => Event::E21,
            Service::Bd => Event::E22,
        };
        self.apply(event, Cause::Transfer(Some(Unit { request, payload })), now)
    }

    /// A directive. Returns the event; what becomes of it is a notification.
    ///
    /// # Errors
    /// [`FopError::Unread`] while too many notifications wait; the directive was not looked at.
    pub fn handle_directive(
        &mut self,
        request: RequestId,
        directive: Directive,
        now: Duration,
    ) -> Result<Event, FopError> {
        self.check_unread()?;
        let event = match directive {
            Directive::InitiateWithoutClcw => Event::E23,
            Directive::InitiateWithClcw => Event::E24,
            Directive::InitiateWithUnlock if self.bc_ready => Event::E25,
            Directive::InitiateWithUnlock => Event::E26,
            Directive::InitiateWithSetVr(_) if self.bc_ready => Event::E27,
            Directive::InitiateWithSetVr(_) => Event::E28,
            Directive::Terminate => Event::E29,
            Directive::Resume => match self.suspended {
                Some(State::Active) => Event::E31,
                Some(State::RetransmitWithoutWait) => Event::E32,
                Some(State::RetransmitWithWait) => Event::E33,
                Some(State::InitialisingWithoutBc) => Event::E34,
                // SS has no other value (5.1).
                None | Some(State::InitialisingWithBc | State::Initial) => Event::E30,
            },
            Directive::SetVs(_) => Event::E35,
            Directive::SetWindow(0) | Directive::SetTransmissionLimit(0) => Event::E40,
            Directive::SetT1Initial(time) if time.is_zero() => Event::E40,
            Directive::SetWindow(_) => Event::E36,
            Directive::SetT1Initial(_) => Event::E37,
            Directive::SetTransmissionLimit(_) => Event::E38,
            Directive::SetTimeoutType(_) => Event::E39,
        };
        self.apply(event, Cause::Directive(request, directive), now)
    }

    /// The lower procedures answer a [`Transmit::Frame`]. Returns the event.
    ///
    /// # Errors
    /// [`FopError::NothingAsked`] when no frame of this type waits for an answer.
    pub fn handle_answer(
        &mut self,
        kind: FrameType,
        answer: Answer,
        now: Duration,
    ) -> Result<Event, FopError> {
        let unpolled = |transmit: &Transmit<P>| matches!(transmit, Transmit::Frame(frame) if frame.kind() == kind);
        let ready = match kind {
            FrameType::Ad => self.ad_ready,
            FrameType::Bc => self.bc_ready,
            FrameType::Bd => self.bd_ready,
        };
        if ready || self.transmits.iter().any(unpolled) {
            return Err(FopError::NothingAsked { kind });
        }
        let event = match (kind, answer) {
            (FrameType::Ad, Answer::Accept) => Event::E41,
            (FrameType::Ad, Answer::Reject) => Event::E42,
            (FrameType::Bc, Answer::Accept) => Event::E43,
            (FrameType::Bc, Answer::Reject) => Event::E44,
            (FrameType::Bd, Answer::Accept) => Event::E45,
            (FrameType::Bd, Answer::Reject) => Event::E46,
        };
        self.apply(event, Cause::Nothing, now)
    }

    /// Time has come to `now`. Returns the event if the timer expired.
    ///
    /// # Errors
    /// None in a state that this machine reaches.
    pub fn handle_timeout(&mut self, now: Duration) -> Result<Option<Event>, FopError> {
        if self.timer.is_none_or(|expires| now < expires) {
            return Ok(None);
        }
        self.timer = None;
        let left = self.transmission_count < self.settings.transmission_limit;
        let event = match (left, self.settings.timeout_type) {
            (true, TimeoutType::Alert) => Event::E16,
            (true, TimeoutType::Suspend) => Event::E104,
            (false, TimeoutType::Alert) => Event::E17,
            (false, TimeoutType::Suspend) => Event::E18,
        };
        self.apply(event, Cause::Nothing, now).map(Some)
    }

    /// The signal was lost, or the pass ends: AD service is suspended as it stands. Frames not
    /// polled yet are withdrawn, those of the Sent_Queue go out again after [`Directive::Resume`]
    /// when the timer expires, or at once if a CLCW asks for them.
    ///
    /// # Errors
    /// None in a state that this machine reaches.
    pub fn handle_loss_of_signal(&mut self, now: Duration) -> Result<Event, FopError> {
        self.withdraw();
        self.apply(Event::LossOfSignal, Cause::Nothing, now)
    }

    /// The next request to the lower procedures.
    pub fn poll_transmit(&mut self) -> Option<Transmit<P>> {
        self.transmits.pop_front()
    }

    /// The next notification to the higher procedures.
    pub fn poll_notification(&mut self) -> Option<Notification> {
        self.notifications.pop_front()
    }

    /// When to call [`Fop::handle_timeout`], if ever.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timer
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// SS: the state to which a suspended service resumes; `None` when it is not suspended.
    #[must_use]
    pub fn suspended(&self) -> Option<State> {
        self.suspended
    }

    /// V(S): the number of the next new AD frame.
    #[must_use]
    pub fn v_s(&self) -> u8 {
        self.v_s
    }

    /// NN(R): the number of the oldest AD frame not acknowledged.
    #[must_use]
    pub fn nn_r(&self) -> u8 {
        self.nn_r
    }

    /// The managed parameters as they stand.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How often the oldest frame has been sent.
    #[must_use]
    pub fn transmission_count(&self) -> u8 {
        self.transmission_count
    }

    /// AD frames sent and not acknowledged.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.sent_queue.len()
    }

    /// Whether an AD data unit would be queued now, not rejected.
    #[must_use]
    pub fn takes_ad(&self) -> bool {
        let sends = matches!(
            self.state,
            State::Active | State::RetransmitWithoutWait | State::RetransmitWithWait
        );
        sends && self.wait_queue.is_none()
    }

    /// Whether a BD data unit would be sent now, not rejected.
    #[must_use]
    pub fn takes_bd(&self) -> bool {
        self.bd_ready
    }

    fn check_unread(&self) -> Result<(), FopError> {
        let waiting = self.notifications.len();
        if waiting >= NOTIFICATIONS_MAX {
            return Err(FopError::Unread {
                waiting,
                max: NOTIFICATIONS_MAX,
            });
        }
        Ok(())
    }

    fn apply(
        &mut self,
        event: Event,
        mut cause: Cause<P>,
        now: Duration,
    ) -> Result<Event, FopError> {
        let state = self.state;
        let Some((actions, next)) = table::cell(event, state) else {
            return Err(FopError::NotApplicable { event, state });
        };
        for &action in actions {
            self.act(action, event, &mut cause, now);
        }
        self.state = next;
        Ok(event)
    }
}

/// COP in effect: COP-1.
const COP_1: u8 = 1;

/// Notifications that wait to be read before requests are refused.
const NOTIFICATIONS_MAX: usize = 256;

#[cfg(test)]
mod tests;
