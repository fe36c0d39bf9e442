//! Terminals: antennas and telescopes, on the ground and on board.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What carries the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Medium {
    /// Radio at 26 to 40 GHz.
    Ka,
    /// A laser, which clouds stop.
    Optical,
}

/// From an elevation on, a rate.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// In degrees.
    pub elevation_deg: f64,
    /// Bits a second of user data.
    pub bits_per_second: u64,
}

/// A terminal of a station or a spacecraft.
///
/// In a station's file, a table `[[station.terminal]]` with `band = "ka"` or `"optical"`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    /// Ka-band or laser.
    #[serde(rename = "band")]
    pub medium: Medium,
    /// How many of them there are: contacts at a time.
    #[serde(default = "one")]
    pub count: u32,
    /// Rates of the downlink by elevation, in rising order; below the first there is none.
    pub downlink: Vec<Rate>,
    /// Rates of the uplink.
    #[serde(default)]
    pub uplink: Vec<Rate>,
    /// Seconds of a contact before data flow.
    #[serde(default)]
    pub setup_s: f64,
    /// Seconds of a contact after data have flowed.
    #[serde(default)]
    pub teardown_s: f64,
    /// Fewer seconds of data than these are not worth a contact.
    #[serde(default)]
    pub minimum_contact_s: f64,
    /// How likely clouds leave the way open, 0 to 1: for lasers.
    #[serde(default = "certain")]
    pub clear_sky_probability: f64,
}

/// What cannot be about a terminal.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TerminalError {
    /// A number out of its range.
    #[error("{key} is {got}, not {min} to {max}")]
    OutOfRange {
        /// Which key.
        key: &'static str,
        /// The value.
        got: f64,
        /// The lowest.
        min: f64,
        /// The highest.
        max: f64,
    },
    /// Rates that do not follow each other.
    #[error("{key}: the elevation of entry {entry} is not above that of the one before it")]
    Order {
        /// Which table.
        key: &'static str,
        /// Counted from 1.
        entry: usize,
    },
    /// No rates, or too many.
    #[error("{key} has {got} entries, not 1 to {RATES_MAX}")]
    Rates {
        /// Which table.
        key: &'static str,
        /// How many there are.
        got: usize,
    },
    /// A radio with a clear sky.
    #[error("clear_sky_probability is for optical terminals only")]
    ClearSky,
}

/// The most rates of a table.
const RATES_MAX: usize = 1_000;
/// The highest rate: an exabit a second, so that no integral overflows.
const BITS_PER_SECOND_MAX: f64 = 1e18;

fn one() -> u32 {
    1
}

fn certain() -> f64 {
    1.0
}

impl Terminal {
    /// Checks each number.
    ///
    /// # Errors
    /// [`TerminalError`] names the key.
    pub fn check(&self) -> Result<(), TerminalError> {
        for (key, got, max) in [
            ("count", f64::from(self.count), 100_000.0),
            ("setup_s", self.setup_s, 86_400.0),
            ("teardown_s", self.teardown_s, 86_400.0),
            ("minimum_contact_s", self.minimum_contact_s, 86_400.0),
            ("clear_sky_probability", self.clear_sky_probability, 1.0),
        ] {
            within(key, got, 0.0, max)?;
        }
        if self.medium == Medium::Ka && self.clear_sky_probability != 1.0 {
            return Err(TerminalError::ClearSky);
        }
        check_rates("downlink", &self.downlink, 1)?;
        check_rates("uplink", &self.uplink, 0)
    }
}

fn check_rates(key: &'static str, rates: &[Rate], least: usize) -> Result<(), TerminalError> {
    if !(least..=RATES_MAX).contains(&rates.len()) {
        let got = rates.len();
        return Err(TerminalError::Rates { key, got });
    }
    let mut before = f64::NEG_INFINITY;
    for (index, rate) in rates.iter().enumerate() {
        within("elevation_deg", rate.elevation_deg, -90.0, 90.0)?;
        let bits = rate.bits_per_second as f64;
        within("bits_per_second", bits, 0.0, BITS_PER_SECOND_MAX)?;
        if rate.elevation_deg <= before {
            let entry = index + 1;
            return Err(TerminalError::Order { key, entry });
        }
        before = rate.elevation_deg;
    }
    Ok(())
}

fn within(key: &'static str, got: f64, min: f64, max: f64) -> Result<(), TerminalError> {
    if (min..=max).contains(&got) {
        Ok(())
    } else {
        Err(TerminalError::OutOfRange { key, got, min, max })
    }
}

/// The lower of two tables at each elevation.
pub(super) fn lower(a: &[Rate], b: &[Rate]) -> Vec<Rate> {
    let at = |rates: &[Rate], elevation_deg: f64| {
        let reached = rates.partition_point(|rate| rate.elevation_deg <= elevation_deg);
        reached
            .checked_sub(1)
            .map_or(0, |index| rates[index].bits_per_second)
    };
    let mut elevations: Vec<f64> = a.iter().chain(b).map(|rate| rate.elevation_deg).collect();
    elevations.sort_by(f64::total_cmp);
    elevations.dedup();
    let rates = elevations.into_iter().map(|elevation_deg| Rate {
        elevation_deg,
        bits_per_second: at(a, elevation_deg).min(at(b, elevation_deg)),
    });
    rates.skip_while(|rate| rate.bits_per_second == 0).collect()
}
