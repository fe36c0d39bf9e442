//! FARM-1, the spacecraft's half of COP-1: it takes AD frames in order, each once, and says in the
//! CLCW which it expects next. CCSDS 232.1-B-2 6.
//!
//! Frames come as values: the caller has validated them (the frame validation check of 232.0-B-4) and says of what type they
//! are. The logic is the table [`TABLE`], one row an event of table 6-1.

use std::collections::VecDeque;
use std::fmt;

use space_link::clcw::Clcw;
use space_link::cop::ControlCommand;
use space_link::frame::Vcid;
use thiserror::Error;

/// The state of FARM-1, 6.1.2; the numbers are the standard's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FarmState {
    /// S1: AD frames are accepted.
    Open = 1,
    /// S2: no buffer for more.
    Wait = 2,
    /// S3: a frame had an impossible number; only Unlock helps.
    Lockout = 3,
}

impl fmt::Display for FarmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S{}", *self as u8)
    }
}

/// An event of table 6-1, by the standard's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FarmEvent {
    /// AD frame, N(S) = V(R), a buffer is free.
    E1,
    /// AD frame, N(S) = V(R), no buffer is free.
    E2,
    /// AD frame in the positive window: frames before it are missing.
    E3,
    /// AD frame in the negative window: it came before.
    E4,
    /// AD frame outside the window.
    E5,
    /// BD frame.
    E6,
    /// BC frame: Unlock.
    E7,
    /// BC frame: Set V(R).
    E8,
    /// A frame that is not valid, or a BC frame with another command.
    E9,
    /// The higher procedures released a buffer.
    E10,
    /// It is time to report.
    E11,
}

/// A frame that passed the frame validation check, as FARM-1 sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UplinkFrame<P> {
    /// Bypass flag 0, control command flag 0.
    Ad {
        /// N(S), the frame sequence number.
        n_s: u8,
        /// Its data.
        payload: P,
    },
    /// Bypass flag 1, control command flag 0.
    Bd(P),
    /// Bypass flag 1, control command flag 1, one of COP-1's commands.
    Bc(ControlCommand),
    /// Bypass flag 0 with control command flag 1, or a command that COP-1 has not.
    Invalid,
}

/// A data unit for the higher procedures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received<P> {
    /// Of the sequence-controlled service.
    Ad(P),
    /// Of the expedited service.
    Bd(P),
}

/// Managed parameters of FARM-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FarmSettings {
    /// The virtual channel, for the CLCW.
    pub virtual_channel: Vcid,
    /// FARM_Sliding_Window_Width W, even, 2 to 254; half of it is PW, the other half NW.
    pub window: u8,
    /// AD data units that are held at most; then AD frames are refused with Wait.
    pub buffers: usize,
}

/// A setting out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FarmError {
    /// FARM_Sliding_Window_Width.
    #[error("the FARM sliding window is even and 2 to 254 wide, not {got}")]
    Window {
        /// The width asked for.
        got: u8,
    },
    /// No buffer at all.
    #[error("FARM-1 needs a buffer for at least one data unit")]
    Buffers,
}

/// FARM-1 for one virtual channel; `P` is what a frame carries.
///
/// Its buffers are bounded. For AD the bound is [`FarmSettings::buffers`]: a frame beyond it is
/// event E2, discarded and asked for again. For BD it is 16: the oldest unread is erased and counted
/// (6.2.2).
#[derive(Clone, Debug)]
pub struct Farm<P> {
    settings: FarmSettings,
    state: FarmState,
    v_r: u8,
    wait: bool,
    retransmit: bool,
    farm_b_counter: u8,
    sequenced: VecDeque<P>,
    expedited: VecDeque<P>,
    erased: u64,
}

impl<P> Farm<P> {
    /// In S1, V(R) = 0, no flag set.
    ///
    /// # Errors
    /// [`FarmError`] for a setting out of range.
    pub fn new(settings: FarmSettings) -> Result<Self, FarmError> {
        if !(2..=254).contains(&settings.window) || settings.window % 2 == 1 {
            return Err(FarmError::Window {
                got: settings.window,
            });
        }
        if settings.buffers == 0 {
            return Err(FarmError::Buffers);
        }
        Ok(Self {
            settings,
            state: FarmState::Open,
            v_r: 0,
            wait: false,
            retransmit: false,
            farm_b_counter: 0,
            sequenced: VecDeque::new(),
            expedited: VecDeque::new(),
            erased: 0,
        })
    }

    /// A valid frame arrived. Returns the event that it was.
    pub fn handle_frame(&mut self, frame: UplinkFrame<P>) -> FarmEvent {
        let (event, mut cause) = match frame {
            UplinkFrame::Ad { n_s, payload } => (self.place(n_s), Cause::Unit(payload)),
            UplinkFrame::Bd(payload) => (FarmEvent::E6, Cause::Unit(payload)),
            UplinkFrame::Bc(ControlCommand::Unlock) => (FarmEvent::E7, Cause::Nothing),
            UplinkFrame::Bc(ControlCommand::SetVr(value)) => (FarmEvent::E8, Cause::Number(value)),
            UplinkFrame::Invalid => (FarmEvent::E9, Cause::Nothing),
        };
        self.apply(event, &mut cause);
        event
    }

    /// The next data unit, expedited ones first. One taken releases its buffer (E10).
    pub fn poll_received(&mut self) -> Option<Received<P>> {
        if let Some(payload) = self.expedited.pop_front() {
            return Some(Received::Bd(payload));
        }
        let payload = self.sequenced.pop_front()?;
        self.apply(FarmEvent::E10, &mut Cause::Nothing);
        Some(Received::Ad(payload))
    }

    /// The report of the moment (E11). No RF available and No bit lock are not FARM-1's: 0.
    #[must_use]
    pub fn clcw(&self) -> Clcw {
        Clcw {
            cop_in_effect: 1,
            virtual_channel: self.settings.virtual_channel,
            lockout: self.lockout(),
            wait: self.wait,
            retransmit: self.retransmit,
            farm_b_counter: self.farm_b_counter,
            report_value: self.v_r,
            ..Clcw::default()
        }
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> FarmState {
        self.state
    }

    /// V(R): the number of the AD frame that is expected next.
    #[must_use]
    pub fn v_r(&self) -> u8 {
        self.v_r
    }

    /// Lockout_Flag: set in S3.
    #[must_use]
    pub fn lockout(&self) -> bool {
        self.state == FarmState::Lockout
    }

    /// BD data units erased unread.
    #[must_use]
    pub fn erased(&self) -> u64 {
        self.erased
    }

    /// Where N(S) lies, 6.1.8 and figure 6-1: PW numbers from V(R) on, NW before it.
    fn place(&self, n_s: u8) -> FarmEvent {
        let half = self.settings.window / 2;
        match n_s.wrapping_sub(self.v_r) {
            0 if self.sequenced.len() < self.settings.buffers => FarmEvent::E1,
            0 => FarmEvent::E2,
            ahead if ahead < half => FarmEvent::E3,
            ahead if ahead.wrapping_neg() <= half => FarmEvent::E4,
            _ => FarmEvent::E5,
        }
    }

    fn apply(&mut self, event: FarmEvent, cause: &mut Cause<P>) {
        let (actions, next) = TABLE[event as usize].1[self.state as usize - 1];
        for action in actions {
            match action {
                Act::Accept => self.accept(event, cause),
                Act::NextVr => self.v_r = self.v_r.wrapping_add(1),
                Act::SetVr => {
                    if let Cause::Number(value) = cause {
                        self.v_r = *value;
                    }
                }
                Act::Retransmit(flag) => self.retransmit = *flag,
                Act::Wait(flag) => self.wait = *flag,
                Act::CountB => self.farm_b_counter = (self.farm_b_counter + 1) % 4,
                // The frame goes with its cause; the report is read with `clcw`.
                Act::Discard | Act::Report | Act::Ignore => {}
            }
        }
        self.state = next;
    }

    fn accept(&mut self, event: FarmEvent, cause: &mut Cause<P>) {
        let Cause::Unit(payload) = std::mem::replace(cause, Cause::Nothing) else {
            return;
        };
        if event != FarmEvent::E6 {
            self.sequenced.push_back(payload);
            return;
        }
        if self.expedited.len() == EXPEDITED_MAX {
            self.expedited.pop_front();
            self.erased += 1;
        }
        self.expedited.push_back(payload);
    }
}

/// What brought an event, for its actions.
enum Cause<P> {
    Nothing,
    Unit(P),
    Number(u8),
}

/// An action of 6.2, or a variable that the table sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// 6.2.2.
    Accept,
    /// 6.2.3.
    Discard,
    /// 6.2.4.
    Report,
    /// 6.2.5.
    Ignore,
    NextVr,
    SetVr,
    Retransmit(bool),
    Wait(bool),
    CountB,
}

type Cell = (&'static [Act], FarmState);

const S1: FarmState = FarmState::Open;
const S2: FarmState = FarmState::Wait;
const S3: FarmState = FarmState::Lockout;
const DISCARD: &[Act] = &[Act::Discard];
const BYPASS: &[Act] = &[Act::Accept, Act::CountB];
const REPORT: &[Act] = &[Act::Report];

/// CCSDS 232.1-B-2 table 6-1; columns S1 Open, S2 Wait, S3 Lockout.
///
/// E1 in S2 is "not applicable": while FARM-1 waits, no buffer is free. After Unlock or Set V(R) it
/// is in S1 with its buffers still full, so E2 may follow at once.
#[rustfmt::skip]
const TABLE: [(FarmEvent, [Cell; 3]); 11] = [
    (FarmEvent::E1, [(&[Act::Accept, Act::NextVr, Act::Retransmit(false)], S1), (DISCARD, S2), (DISCARD, S3)]),
    (FarmEvent::E2, [(&[Act::Discard, Act::Retransmit(true), Act::Wait(true)], S2), (DISCARD, S2), (DISCARD, S3)]),
    (FarmEvent::E3, [(&[Act::Discard, Act::Retransmit(true)], S1), (DISCARD, S2), (DISCARD, S3)]),
    (FarmEvent::E4, [(DISCARD, S1), (DISCARD, S2), (DISCARD, S3)]),
    (FarmEvent::E5, [(DISCARD, S3), (DISCARD, S3), (DISCARD, S3)]),
    (FarmEvent::E6, [(BYPASS, S1), (BYPASS, S2), (BYPASS, S3)]),
    (FarmEvent::E7, [(&[Act::CountB, Act::Retransmit(false)], S1), (&[Act::CountB, Act::Retransmit(false), Act::Wait(false)], S1), (&[Act::CountB, Act::Retransmit(false), Act::Wait(false)], S1)]),
    (FarmEvent::E8, [(&[Act::CountB, Act::Retransmit(false), Act::SetVr], S1), (&[Act::CountB, Act::Retransmit(false), Act::Wait(false), Act::SetVr], S1), (&[Act::CountB], S3)]),
    (FarmEvent::E9, [(DISCARD, S1), (DISCARD, S2), (DISCARD, S3)]),
    (FarmEvent::E10, [(&[Act::Ignore], S1), (&[Act::Wait(false)], S1), (&[Act::Wait(false)], S3)]),
    (FarmEvent::E11, [(REPORT, S1), (REPORT, S2), (REPORT, S3)]),
];

// Each row stands where its event's number looks for it.
const _: () = {
    let mut index = 0;
    while index < TABLE.len() {
        assert!(TABLE[index].0 as usize == index);
        index += 1;
    }
};

/// BD data units held unread.
const EXPEDITED_MAX: usize = 16;

#[cfg(test)]
mod tests;
