//! The state table of FOP-1, CCSDS 232.1-B-2 table 5-1: one row an event, one column a state.
//!
//! Where transcriptions of the table differ, and what was taken, is said at the row.

use super::event::{EVENTS, Event};
use super::types::{Alert, State};

/// An action of 5.2, or a part of one that the table names by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// 5.2.8, with the N(R) of the CLCW.
    RemoveAcknowledged,
    /// Initiating needs the BC frame no longer: it was executed.
    ReleaseBc,
    StartTimer,
    CancelTimer,
    /// 5.2.7 for AD frames.
    RetransmitAd,
    /// 5.2.7 for the BC frame.
    RetransmitBc,
    /// 5.2.9.
    LookForDirective,
    /// 5.2.10.
    LookForFdu,
    AddToWaitQueue,
    AcceptTransfer,
    RejectTransfer,
    /// 5.2.6.
    TransmitBd,
    AcceptDirective,
    RejectDirective,
    ConfirmDirective,
    /// Confirms the "initiate AD service" that waited for its CLCW.
    ConfirmInitiation,
    /// 5.2.14.
    Initialise,
    /// 5.2.5 with Unlock.
    TransmitUnlock,
    /// V(S) and NN(R) become the directive's value.
    TakeSequenceNumber,
    /// 5.2.5 with Set V(R).
    TransmitSetVr,
    /// Accepts, takes the value and confirms if SS is 0, else rejects.
    SetVs,
    SetWindow,
    SetT1Initial,
    SetTransmissionLimit,
    SetTimeoutType,
    AdReady,
    BcReady,
    BdReady,
    /// The BD data unit that the lower procedures refused, which no queue holds.
    RefuseBd,
    /// 5.2.15.
    Alert(Alert),
    /// 5.2.16: SS becomes the state.
    Suspend,
    /// 5.2.17.
    Resume,
}

/// What to do and the next state; nothing where the event cannot happen in the state.
pub(super) type Cell = Option<(&'static [Action], State)>;

/// The cell for an event in a state.
pub(super) fn cell(event: Event, state: State) -> Cell {
    TABLE[event as usize].1[state as usize - 1]
}

use Action as A;

const S1: State = State::Active;
const S2: State = State::RetransmitWithoutWait;
const S3: State = State::RetransmitWithWait;
const S4: State = State::InitialisingWithoutBc;
const S5: State = State::InitialisingWithBc;
const S6: State = State::Initial;

const NA: Cell = None;
const STATES: [State; 6] = [S1, S2, S3, S4, S5, S6];

const IGNORE: &[Action] = &[];
const SYNCH: &[Action] = &[A::Alert(Alert::Synch)];
const CLCW: &[Action] = &[A::Alert(Alert::Clcw)];
const LIMIT: &[Action] = &[A::Alert(Alert::Limit)];
const ACKNOWLEDGED_LIMIT: &[Action] = &[A::RemoveAcknowledged, A::Alert(Alert::Limit)];
const NNR: &[Action] = &[A::Alert(Alert::NnR)];
const LOCKOUT: &[Action] = &[A::Alert(Alert::Lockout)];
const T1: &[Action] = &[A::Alert(Alert::T1)];
const LLIF_BD: &[Action] = &[A::BdReady, A::RefuseBd, A::Alert(Alert::Llif)];
const LLIF_AD: &[Action] = &[A::AdReady, A::Alert(Alert::Llif)];
const LLIF_BC: &[Action] = &[A::BcReady, A::Alert(Alert::Llif)];
const TERM: &[Action] = &[
    A::AcceptDirective,
    A::Alert(Alert::Term),
    A::ConfirmDirective,
];

const ALL_ACKNOWLEDGED: &[Action] = &[A::RemoveAcknowledged, A::CancelTimer, A::LookForFdu];
const SOME_ACKNOWLEDGED: &[Action] = &[A::RemoveAcknowledged, A::LookForFdu];
const ONLY_ACKNOWLEDGED: &[Action] = &[A::RemoveAcknowledged];
const ACKNOWLEDGED_AGAIN: &[Action] = &[A::RemoveAcknowledged, A::RetransmitAd, A::LookForFdu];
const AGAIN: &[Action] = &[A::RetransmitAd, A::LookForFdu];
const AGAIN_BC: &[Action] = &[A::RetransmitBc, A::LookForDirective];
const INITIATED: &[Action] = &[A::ConfirmInitiation, A::CancelTimer];
const INITIATED_BC: &[Action] = &[A::ConfirmInitiation, A::ReleaseBc, A::CancelTimer];

const QUEUE_SEND: &[Action] = &[A::AddToWaitQueue, A::LookForFdu];
const QUEUE: &[Action] = &[A::AddToWaitQueue];
const REJECT: &[Action] = &[A::RejectTransfer];
const BYPASS: &[Action] = &[A::AcceptTransfer, A::TransmitBd];
const REFUSE: &[Action] = &[A::RejectDirective];
const RESUME: &[Action] = &[A::AcceptDirective, A::Resume, A::ConfirmDirective];
const SUSPEND: &[Action] = &[A::Suspend];
const BREAK: &[Action] = &[A::CancelTimer, A::Suspend];

/// The same in every state, which stays.
const fn stay(actions: &'static [Action]) -> [Cell; 6] {
    each(actions, STATES)
}

/// The same in every state, then S6.
const fn leave(actions: &'static [Action]) -> [Cell; 6] {
    each(actions, [S6; 6])
}

const fn each(actions: &'static [Action], next: [State; 6]) -> [Cell; 6] {
    let [a, b, c, d, e, f] = next;
    [
        Some((actions, a)),
        Some((actions, b)),
        Some((actions, c)),
        Some((actions, d)),
        Some((actions, e)),
        Some((actions, f)),
    ]
}

/// Refused in every state but S6.
const fn from_initial(actions: &'static [Action], next: State) -> [Cell; 6] {
    let [a, b, c, d, e, _] = stay(REFUSE);
    [a, b, c, d, e, Some((actions, next))]
}

const fn to(actions: &'static [Action], next: State) -> Cell {
    Some((actions, next))
}

/// In S1, S2 and S3 the same; not applicable in S4 and S5, where nothing is outstanding; ignored
/// in S6.
const fn sending(actions: &'static [Action], next: State) -> [Cell; 6] {
    let cell = to(actions, next);
    [cell, cell, cell, NA, NA, to(IGNORE, S6)]
}

/// In S1 to S4 the same, then S6; ignored in S5 and S6.
const fn fault(actions: &'static [Action]) -> [Cell; 6] {
    let cell = to(actions, S6);
    [cell, cell, cell, cell, to(IGNORE, S5), to(IGNORE, S6)]
}

/// The table. Columns: S1 Active, S2 Retransmit without Wait, S3 Retransmit with Wait,
/// S4 Initialising without BC Frame, S5 Initialising with BC Frame, S6 Initial.
#[rustfmt::skip]
pub(super) const TABLE: [(Event, [Cell; 6]); EVENTS] = [
    // CLCWs.
    (Event::E1, [to(IGNORE, S1), to(SYNCH, S6), to(SYNCH, S6), to(INITIATED, S1), to(INITIATED_BC, S1), to(IGNORE, S6)]),
    (Event::E2, sending(ALL_ACKNOWLEDGED, S1)),
    // S5: ccsds-cop 0.1.2 ignores; two others alert, as everywhere.
    (Event::E3, [to(CLCW, S6), to(CLCW, S6), to(CLCW, S6), to(CLCW, S6), to(CLCW, S6), to(IGNORE, S6)]),
    (Event::E4, fault(SYNCH)),
    (Event::E5, [to(IGNORE, S1), to(SYNCH, S6), to(SYNCH, S6), NA, NA, to(IGNORE, S6)]),
    (Event::E6, sending(SOME_ACKNOWLEDGED, S1)),
    (Event::E7, sending(CLCW, S6)),
    (Event::E101, sending(ACKNOWLEDGED_LIMIT, S6)),
    (Event::E102, sending(LIMIT, S6)),
    (Event::E8, sending(ACKNOWLEDGED_AGAIN, S2)),
    (Event::E9, sending(ONLY_ACKNOWLEDGED, S3)),
    (Event::E10, [to(AGAIN, S2), to(IGNORE, S2), to(AGAIN, S2), NA, NA, to(IGNORE, S6)]),
    (Event::E11, sending(IGNORE, S3)),
    (Event::E12, sending(IGNORE, S2)),
    (Event::E103, sending(IGNORE, S3)),
    (Event::E13, fault(NNR)),
    (Event::E14, fault(LOCKOUT)),
    (Event::E15, [to(CLCW, S6), to(CLCW, S6), to(CLCW, S6), to(CLCW, S6), to(CLCW, S6), to(IGNORE, S6)]),
    // The timer.
    (Event::E16, [to(AGAIN, S1), to(AGAIN, S2), to(IGNORE, S3), to(T1, S6), to(AGAIN_BC, S5), NA]),
    (Event::E104, [to(AGAIN, S1), to(AGAIN, S2), to(IGNORE, S3), to(SUSPEND, S6), to(AGAIN_BC, S5), NA]),
    (Event::E17, [to(T1, S6), to(T1, S6), to(T1, S6), to(T1, S6), to(T1, S6), NA]),
    // S5: SS knows no S5, so the BC frame's last timeout is an alert (table 4-4).
    (Event::E18, [to(SUSPEND, S6), to(SUSPEND, S6), to(SUSPEND, S6), to(SUSPEND, S6), to(T1, S6), NA]),
    // Requests to transfer.
    (Event::E19, [to(QUEUE_SEND, S1), to(QUEUE_SEND, S2), to(QUEUE, S3), to(REJECT, S4), to(REJECT, S5), to(REJECT, S6)]),
    (Event::E20, stay(REJECT)),
    (Event::E21, stay(BYPASS)),
    (Event::E22, stay(REJECT)),
    // Directives.
    (Event::E23, from_initial(&[A::AcceptDirective, A::Initialise, A::ConfirmDirective], S1)),
    (Event::E24, from_initial(&[A::AcceptDirective, A::Initialise, A::StartTimer], S4)),
    (Event::E25, from_initial(&[A::AcceptDirective, A::Initialise, A::TransmitUnlock], S5)),
    (Event::E26, stay(REFUSE)),
    (Event::E27, from_initial(&[A::AcceptDirective, A::Initialise, A::TakeSequenceNumber, A::TransmitSetVr], S5)),
    (Event::E28, stay(REFUSE)),
    (Event::E29, [to(TERM, S6), to(TERM, S6), to(TERM, S6), to(TERM, S6), to(TERM, S6), to(&[A::AcceptDirective, A::ConfirmDirective], S6)]),
    (Event::E30, stay(REFUSE)),
    (Event::E31, [NA, NA, NA, NA, NA, to(RESUME, S1)]),
    (Event::E32, [NA, NA, NA, NA, NA, to(RESUME, S2)]),
    (Event::E33, [NA, NA, NA, NA, NA, to(RESUME, S3)]),
    (Event::E34, [NA, NA, NA, NA, NA, to(RESUME, S4)]),
    (Event::E35, from_initial(&[A::SetVs], S6)),
    (Event::E36, stay(&[A::AcceptDirective, A::SetWindow, A::ConfirmDirective])),
    (Event::E37, stay(&[A::AcceptDirective, A::SetT1Initial, A::ConfirmDirective])),
    (Event::E38, stay(&[A::AcceptDirective, A::SetTransmissionLimit, A::ConfirmDirective])),
    (Event::E39, stay(&[A::AcceptDirective, A::SetTimeoutType, A::ConfirmDirective])),
    (Event::E40, stay(REFUSE)),
    // Responses of the lower procedures. E42 in S2 to S5: ccsds-cop 0.1.2 stays; two others go to
    // S6, as 4.3.2 has it (no second alert before AD service is initiated again). A refused frame
    // is outstanding no longer: its flag is ready again.
    (Event::E41, [to(&[A::AdReady, A::LookForFdu], S1), to(&[A::AdReady, A::LookForFdu], S2), to(&[A::AdReady], S3), to(&[A::AdReady], S4), to(&[A::AdReady], S5), to(&[A::AdReady], S6)]),
    (Event::E42, leave(LLIF_AD)),
    (Event::E43, [to(&[A::BcReady], S1), to(&[A::BcReady], S2), to(&[A::BcReady], S3), to(&[A::BcReady], S4), to(&[A::BcReady, A::LookForDirective], S5), to(&[A::BcReady], S6)]),
    (Event::E44, leave(LLIF_BC)),
    (Event::E45, stay(&[A::BdReady, A::AcceptTransfer])),
    (Event::E46, leave(LLIF_BD)),
    // Not in the standard.
    (Event::LossOfSignal, [to(BREAK, S6), to(BREAK, S6), to(BREAK, S6), to(BREAK, S6), to(T1, S6), to(IGNORE, S6)]),
];

// Each row stands where its event's number looks for it.
const _: () = {
    let mut index = 0;
    while index < EVENTS {
        assert!(TABLE[index].0 as usize == index);
        index += 1;
    }
};
