//! What goes into FOP-1 and comes out of it. CCSDS 232.1-B-2 3.2 and 4.

use core::fmt;
use core::time::Duration;

use space_link::cop::ControlCommand;
use space_link::frame::Vcid;
use thiserror::Error;

use super::event::Event;

/// The state of FOP-1, 5.1.2; the numbers are the standard's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// S1: AD frames are sent, nothing has been refused.
    Active = 1,
    /// S2: frames are sent again.
    RetransmitWithoutWait = 2,
    /// S3: frames must be sent again, once the spacecraft has buffers.
    RetransmitWithWait = 3,
    /// S4: AD service begins with the next good CLCW.
    InitialisingWithoutBc = 4,
    /// S5: AD service begins once a CLCW shows that the control command was executed.
    InitialisingWithBc = 5,
    /// S6: no AD service, or it is suspended.
    Initial = 6,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S{}", *self as u8)
    }
}

/// Names a request in the notifications about it; the caller's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What happens when the timer expires and no transmission is left, 5.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimeoutType {
    /// Timeout_Type 0: AD service ends with an alert.
    #[default]
    Alert,
    /// Timeout_Type 1: AD service is suspended, its queues are kept.
    Suspend,
}

/// A directive from the higher procedures, table 4-1. Values out of range are event E40: rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Directive {
    /// Initiate AD service without CLCW check.
    InitiateWithoutClcw,
    /// Initiate AD service with CLCW check: the next CLCW must report N(R) = V(S). V(S) is not
    /// taken from it; set it before, with [`Directive::SetVs`].
    InitiateWithClcw,
    /// Initiate AD service with Unlock.
    InitiateWithUnlock,
    /// Initiate AD service with Set V(R) to this value, which V(S) takes as well.
    InitiateWithSetVr(u8),
    /// Terminate AD service: what is outstanding is reported failed.
    Terminate,
    /// Resume AD service that is suspended.
    Resume,
    /// Set V(S), in S6 and not suspended.
    SetVs(u8),
    /// Set FOP_Sliding_Window_Width, 1 to 255, not above FARM_Positive_Window_Width.
    SetWindow(u8),
    /// Set T1_Initial, above 0.
    SetT1Initial(Duration),
    /// Set Transmission_Limit, 1 to 255: the first transmission counts.
    SetTransmissionLimit(u8),
    /// Set Timeout_Type.
    SetTimeoutType(TimeoutType),
}

/// The service that a data unit asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Sequence-controlled: in order, once, acknowledged.
    Ad,
    /// Expedited: sent once, unacknowledged.
    Bd,
}

/// A frame for the lower procedures, its data still the caller's payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<P> {
    /// Type AD: bypass flag 0, control command flag 0.
    Ad {
        /// N(S), the frame sequence number.
        n_s: u8,
        /// The request that brought it.
        request: RequestId,
        /// Its data.
        payload: P,
    },
    /// Type BD: bypass flag 1, control command flag 0; the sequence number is 0.
    Bd {
        /// The request that brought it.
        request: RequestId,
        /// Its data.
        payload: P,
    },
    /// Type BC: bypass flag 1, control command flag 1; the sequence number is 0.
    Bc(ControlCommand),
}

impl<P> Frame<P> {
    /// Its type.
    pub fn kind(&self) -> FrameType {
        match self {
            Self::Ad { .. } => FrameType::Ad,
            Self::Bd { .. } => FrameType::Bd,
            Self::Bc(_) => FrameType::Bc,
        }
    }
}

/// The types of frame. Of each, one at a time is with the lower procedures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameType {
    /// Sequence-controlled data.
    Ad,
    /// Control command.
    Bc,
    /// Expedited data.
    Bd,
}

/// What the lower procedures are asked for, 3.2.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit<P> {
    /// Transmit Request for Frame: answer with [`Answer`], also if it is aborted meanwhile.
    Frame(Frame<P>),
    /// Abort Request: AD and BC frames not radiated yet need not be.
    Abort,
}

/// The lower procedures' answer to a Transmit Request for Frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// They took the frame, and can take another.
    Accept,
    /// They cannot take it.
    Reject,
}

/// What became of a request, tables 4-2, 4-5 and 4-6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// It is under way. An AD data unit is on the Sent_Queue. A BD data unit has this twice: its
    /// frame is made (E21), the lower procedures took it (E45).
    Accept,
    /// It was not begun. Nothing of it was sent.
    Reject,
    /// Done: the AD data unit is on board, by its CLCW; the directive was carried out.
    PositiveConfirm,
    /// Given up. An AD data unit may be on board or not.
    NegativeConfirm,
}

/// Why AD service broke off, table 4-4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alert {
    /// A frame was refused, and Transmission_Limit is 1.
    Limit,
    /// The timer expired after the last transmission.
    T1,
    /// The spacecraft reports Lockout.
    Lockout,
    /// The flags of the CLCW contradict what was sent.
    Synch,
    /// N(R) acknowledges what was not sent, or takes back an acknowledgement.
    NnR,
    /// The CLCW is not valid, or says Wait without Retransmit.
    Clcw,
    /// The lower procedures rejected a frame.
    Llif,
    /// A directive terminated it.
    Term,
}

impl Alert {
    /// The reason code as the standard writes it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::T1 => "T1",
            Self::Lockout => "lockout",
            Self::Synch => "synch",
            Self::NnR => "NN(R)",
            Self::Clcw => "CLCW",
            Self::Llif => "LLIF",
            Self::Term => "term",
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What FOP-1 tells the higher procedures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Notification {
    /// Of a request to transfer a data unit.
    Transfer {
        /// The request.
        request: RequestId,
        /// What became of it.
        response: Response,
    },
    /// Of a directive.
    Directive {
        /// The request.
        request: RequestId,
        /// What became of it.
        response: Response,
    },
    /// AD service broke off; its data units have been reported failed.
    Alert {
        /// Why.
        reason: Alert,
        /// The event that did it.
        event: Event,
        /// The state in which it happened.
        state: State,
    },
    /// AD service is suspended: the queues are kept for [`Directive::Resume`].
    Suspend {
        /// The state to which it resumes.
        state: State,
    },
}

/// Why an input changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FopError {
    /// A CLCW that reports on another virtual channel.
    #[error("the CLCW reports on virtual channel {got}, this is {expected}")]
    VirtualChannel {
        /// The virtual channel of this FOP-1.
        expected: Vcid,
        /// The one of the CLCW.
        got: Vcid,
    },
    /// A CLCW of another procedure than COP-1.
    #[error("the CLCW has COP {got} in effect, not COP-1")]
    OtherCop {
        /// The field's value.
        got: u8,
    },
    /// An answer to a request that was not made, or was answered.
    #[error("no {kind:?} frame is with the lower procedures")]
    NothingAsked {
        /// The type of frame answered about.
        kind: FrameType,
    },
    /// The caller must read notifications first.
    #[error("{waiting} notifications wait to be read, of at most {max}")]
    Unread {
        /// Notifications there are.
        waiting: usize,
        /// From which number on requests are refused.
        max: usize,
    },
    /// An event that the state table says cannot happen in this state.
    #[error("event {event} is not applicable in {state}")]
    NotApplicable {
        /// The event.
        event: Event,
        /// The state.
        state: State,
    },
}

/// A setting out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// FOP_Sliding_Window_Width of 0.
    #[error("the sliding window is 1 to 255 frames wide, not 0")]
    Window,
    /// T1_Initial of 0.
    #[error("T1_Initial is above 0: a timer that expires at once sends everything again at once")]
    T1Initial,
    /// Transmission_Limit of 0.
    #[error("the transmission limit is 1 to 255, not 0")]
    TransmissionLimit,
}

/// The managed parameters of FOP-1; directives change them later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// FOP_Sliding_Window_Width K, 1 to 255, not above FARM_Positive_Window_Width.
    pub window: u8,
    /// T1_Initial: longer than a frame's way there and its CLCW's way back.
    pub t1_initial: Duration,
    /// Transmission_Limit, 1 to 255: how often the oldest frame is sent.
    pub transmission_limit: u8,
    /// Timeout_Type.
    pub timeout_type: TimeoutType,
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        if self.window == 0 {
            return Err(SettingsError::Window);
        }
        if self.t1_initial.is_zero() {
            return Err(SettingsError::T1Initial);
        }
        if self.transmission_limit == 0 {
            return Err(SettingsError::TransmissionLimit);
        }
        Ok(())
    }
}

impl Default for Settings {
    /// A window of 10, 3 seconds, 3 transmissions, an alert after the last.
    fn default() -> Self {
        Self {
            window: 10,
            t1_initial: Duration::from_secs(3),
            transmission_limit: 3,
            timeout_type: TimeoutType::Alert,
        }
    }
}
