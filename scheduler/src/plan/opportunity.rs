//! What a contact plan is made from: opportunities, antennas and rules.

use serde::{Deserialize, Serialize};

use crate::interval::{DAY, Interval, SECOND};
use crate::rate::RateProfile;

/// What carries the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// 2 GHz.
    S,
    /// 8 GHz.
    X,
    /// 26 GHz and above.
    Ka,
    /// A laser.
    Optical,
}

/// A pass as the planner sees it: when a satellite could talk to a station in one band, and how
/// much would flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opportunity {
    /// The caller's number for it; unique in a request.
    pub id: u64,
    /// The satellite's number.
    pub satellite: u32,
    /// The station's number.
    pub station: u32,
    /// The band.
    pub band: Band,
    /// From acquisition to loss of signal, above the mask.
    pub window: Interval,
    /// Octets a second, margins taken off.
    pub rate: RateProfile,
    /// What an octet is worth: the priority. 0 or more.
    pub weight: f64,
    /// The probability that the link works, 0 to 1: of a clear sky for a laser, else 1.
    pub clear_sky: f64,
    /// The opportunity, of the same satellite and station in a radio band, that is booked with
    /// this one and used when the sky is not clear.
    pub fallback: Option<u64>,
}

/// The antennas, or optical terminals, of one station for one band.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Antennas {
    /// The station's number.
    pub station: u32,
    /// The band.
    pub band: Band,
    /// How many contacts they hold at a time.
    pub count: u32,
    /// Microseconds from pointing an antenna until the contact may start.
    pub setup: i64,
    /// Microseconds from a contact's end until the antenna is free.
    pub teardown: i64,
    /// The shortest contact in microseconds.
    pub contact_min: i64,
    /// When none of them works.
    pub closed: Vec<Interval>,
}

/// When a satellite takes no contacts, as in safe mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// The satellite's number.
    pub satellite: u32,
    /// From when to when.
    pub interval: Interval,
}

/// What is to be planned.
#[derive(Clone, Debug)]
pub struct PlanRequest<'a> {
    /// Contacts with their setup and teardown lie in it.
    pub window: Interval,
    /// The plan's granularity in microseconds; divides a day. Contacts start and end at multiples
    /// of it or at the edges of their windows, and antennas change hands at multiples of it.
    pub slot: i64,
    /// The passes.
    pub opportunities: &'a [Opportunity],
    /// The antennas, at most one entry a station and band.
    pub antennas: &'a [Antennas],
    /// When satellites take no contacts.
    pub unavailable: &'a [Unavailable],
    /// How many contacts of one satellite may start on one day of UTC.
    pub contacts_per_day_max: Option<u32>,
    /// How hard to try.
    pub effort: Effort,
}

/// How hard to try, in steps, so that the same input gives the same plan on any machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Steps on the prices.
    pub iterations: u32,
    /// Rounds of local improvement over all antennas.
    pub rounds: u32,
    /// The gap, as a part of the bound, at which to stop early.
    pub gap: f64,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            iterations: 120,
            rounds: 6,
            gap: 5e-4,
        }
    }
}

impl<'a> PlanRequest<'a> {
    /// A plan on a grid of 60 s without limits per day.
    pub fn new(
        window: Interval,
        opportunities: &'a [Opportunity],
        antennas: &'a [Antennas],
    ) -> Self {
        Self {
            window,
            slot: 60 * SECOND,
            opportunities,
            antennas,
            unavailable: &[],
            contacts_per_day_max: None,
            effort: Effort::default(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), PlanError> {
        if self.slot <= 0 || DAY % self.slot != 0 {
            return Err(PlanError::Slot { got: self.slot });
        }
        // Far from the edges of the number range, so that sums below cannot leave it.
        let far = i64::MAX / 8;
        if self.window.start < -far || self.window.end > far {
            return Err(PlanError::Window {
                start: self.window.start,
                end: self.window.end,
            });
        }
        let slots = self.window.duration() / self.slot + 2;
        if slots > SLOTS_MAX {
            return Err(PlanError::TooLong { slots });
        }
        let mut groups: Vec<(u32, Band)> = Vec::with_capacity(self.antennas.len());
        for antennas in self.antennas {
            for time in [antennas.setup, antennas.teardown, antennas.contact_min] {
                if !(0..=DAY).contains(&time) {
                    return Err(PlanError::Time {
                        station: antennas.station,
                        got: time,
                    });
                }
            }
            if antennas.count > ANTENNAS_MAX {
                return Err(PlanError::Antennas {
                    station: antennas.station,
                    got: antennas.count,
                });
            }
            groups.push((antennas.station, antennas.band));
        }
        groups.sort_unstable();
        if let Some(pair) = groups.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PlanError::Repeated {
                station: pair[0].0,
                band: pair[0].1,
            });
        }
        Ok(())
    }
}

/// A request that cannot be planned at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The slot does not divide a day.
    #[error("a slot of {got} us does not divide a day: choose 10 s, 30 s or 60 s")]
    Slot {
        /// Microseconds.
        got: i64,
    },
    /// The window lies beyond what times can hold.
    #[error("the window from {start} to {end} us lies too far from 1970")]
    Window {
        /// Its start.
        start: i64,
        /// Its end.
        end: i64,
    },
    /// The window has too many slots.
    #[error("the window has {slots} slots, at most {SLOTS_MAX}: plan less time or longer slots")]
    TooLong {
        /// How many.
        slots: i64,
    },
    /// Setup, teardown or minimum contact is negative or longer than a day.
    #[error("station {station}: a time of {got} us is not between 0 and a day")]
    Time {
        /// The station's number.
        station: u32,
        /// Microseconds.
        got: i64,
    },
    /// More antennas than the planner takes.
    #[error("station {station}: {got} antennas, at most {ANTENNAS_MAX}")]
    Antennas {
        /// The station's number.
        station: u32,
        /// How many.
        got: u32,
    },
    /// Two entries for one station and band.
    #[error("station {station} has two entries of antennas for {band:?}: join them")]
    Repeated {
        /// The station's number.
        station: u32,
        /// The band.
        band: Band,
    },
    /// More values than the grid can number.
    #[error("the opportunities have {got} slots together, at most {VALUES_MAX}: plan less time")]
    TooMany {
        /// How many.
        got: usize,
    },
}

/// Why an opportunity was not considered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Unusable {
    /// Its window is empty.
    #[error("its window has no length")]
    Empty,
    /// It lies outside the plan's window.
    #[error("it lies outside the plan's window")]
    Outside,
    /// Its station has no antenna for its band.
    #[error("the station has no antenna for the band")]
    NoAntenna,
    /// What remains of it is shorter than the shortest contact.
    #[error("{available} us remain, the shortest contact has {needed} us")]
    Short {
        /// Microseconds that remain.
        available: i64,
        /// The shortest contact.
        needed: i64,
    },
    /// The weight is negative or not a number.
    #[error("its weight {weight} is not a number of 0 or more")]
    Weight {
        /// The weight.
        weight: f64,
    },
    /// The probability is not between 0 and 1.
    #[error("its probability of a clear sky, {clear_sky}, is not between 0 and 1")]
    ClearSky {
        /// The probability.
        clear_sky: f64,
    },
    /// Nothing would flow, or it is worth nothing.
    #[error("it carries nothing of value")]
    Worthless,
    /// Another opportunity has its number.
    #[error("another opportunity has its number")]
    Repeated,
    /// The fallback is not there, or not of the same satellite and station, or a laser itself.
    #[error("its fallback {fallback} is no radio opportunity of its satellite and station")]
    Fallback {
        /// The number given.
        fallback: u64,
    },
    /// The pass has failed.
    #[error("the pass has failed")]
    Failed,
    /// Antennas are closed or the satellite unavailable throughout.
    #[error("antennas are closed or the satellite is unavailable throughout")]
    Closed,
}

/// The most slots of a plan.
pub const SLOTS_MAX: i64 = 1 << 18;
/// The most antennas of a station in one band.
pub const ANTENNAS_MAX: u32 = 4_096;
/// The most slots of all opportunities together.
pub const VALUES_MAX: usize = 1 << 30;
