//! What becomes of a contact: the states that ground networks use, and who may follow whom.

use serde::{Deserialize, Serialize};

/// A contact's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactState {
    /// The pass is there; nobody has asked for it.
    Available,
    /// Asked for, not confirmed.
    Scheduling,
    /// Confirmed.
    Scheduled,
    /// The antenna is being set up.
    Prepass,
    /// From acquisition to loss of signal.
    Pass,
    /// The antenna is being torn down, data are delivered.
    Postpass,
    /// Done.
    Completed,
    /// Not done, or not to its end.
    Failed,
    /// Given up before it began.
    Cancelled,
}

/// What happens to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactEvent {
    /// The plan asks for it.
    Request,
    /// The network confirms it.
    Confirm,
    /// The antenna begins to set up.
    SetUp,
    /// Acquisition of signal.
    Acquire,
    /// Loss of signal, as planned.
    Lose,
    /// The antenna is free, data are delivered.
    Release,
    /// Something broke, or the network refused.
    Fail,
    /// The plan gives it up.
    Cancel,
}

/// An event that a state does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a contact that is {state:?} takes no {event:?}")]
pub struct ContactStateError {
    /// Where the contact is.
    pub state: ContactState,
    /// What was said to have happened.
    pub event: ContactEvent,
}

impl ContactState {
    /// All states, in the order of a contact's life.
    pub const ALL: [Self; 9] = [
        Self::Available,
        Self::Scheduling,
        Self::Scheduled,
        Self::Prepass,
        Self::Pass,
        Self::Postpass,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The state after an event.
    ///
    /// # Errors
    /// An event that the state does not know; the contact stays where it is.
    pub fn after(self, event: ContactEvent) -> Result<Self, ContactStateError> {
        TRANSITIONS
            .iter()
            .find(|(from, with, _)| (*from, *with) == (self, event))
            .map(|(_, _, to)| *to)
            .ok_or(ContactStateError { state: self, event })
    }

    /// Whether nothing can happen any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether it holds, or will hold, an antenna.
    pub fn is_booked(self) -> bool {
        matches!(
            self,
            Self::Scheduling | Self::Scheduled | Self::Prepass | Self::Pass | Self::Postpass
        )
    }

    /// Its name in records and timelines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Scheduling => "scheduling",
            Self::Scheduled => "scheduled",
            Self::Prepass => "prepass",
            Self::Pass => "pass",
            Self::Postpass => "postpass",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Every row that is not here is an error.
const TRANSITIONS: &[(ContactState, ContactEvent, ContactState)] = {
    use ContactEvent as E;
    use ContactState as S;
    &[
        (S::Available, E::Request, S::Scheduling),
        (S::Scheduling, E::Confirm, S::Scheduled),
        (S::Scheduling, E::Fail, S::Failed),
        (S::Scheduling, E::Cancel, S::Cancelled),
        (S::Scheduled, E::SetUp, S::Prepass),
        (S::Scheduled, E::Fail, S::Failed),
        (S::Scheduled, E::Cancel, S::Cancelled),
        (S::Prepass, E::Acquire, S::Pass),
        (S::Prepass, E::Fail, S::Failed),
        (S::Prepass, E::Cancel, S::Cancelled),
        (S::Pass, E::Lose, S::Postpass),
        // A pass that is broken off has failed: part of its data are there.
        (S::Pass, E::Fail, S::Failed),
        (S::Postpass, E::Release, S::Completed),
        (S::Postpass, E::Fail, S::Failed),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [ContactEvent; 8] = [
        ContactEvent::Request,
        ContactEvent::Confirm,
        ContactEvent::SetUp,
        ContactEvent::Acquire,
        ContactEvent::Lose,
        ContactEvent::Release,
        ContactEvent::Fail,
        ContactEvent::Cancel,
    ];

    #[test]
    fn a_contact_goes_from_available_to_completed() {
        let mut state = ContactState::Available;
        for event in &EVENTS[..6] {
            state = state.after(*event).expect("the way of a good contact");
        }
        assert_eq!(state, ContactState::Completed);
    }

    #[test]
    fn every_row_leads_on_and_every_other_pair_is_an_error() {
        let mut rows = 0;
        for state in ContactState::ALL {
            for event in EVENTS {
                match state.after(event) {
                    Ok(next) => {
                        rows += 1;
                        assert!(next > state, "{state:?} {event:?} goes back");
                        assert!(!state.is_final());
                    }
                    Err(error) => assert_eq!(error, ContactStateError { state, event }),
                }
            }
        }
        assert_eq!(rows, TRANSITIONS.len());
    }

    #[test]
    fn whatever_holds_an_antenna_can_fail() {
        for state in ContactState::ALL {
            assert_eq!(state.is_booked(), state.after(ContactEvent::Fail).is_ok());
        }
    }

    #[test]
    fn names_are_those_of_the_records() {
        for state in ContactState::ALL {
            let json = serde_json::to_string(&state).expect("serialises");
            assert_eq!(json, format!("\"{}\"", state.name()));
        }
    }
}
