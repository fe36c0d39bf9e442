//! The gate's settings, and the bounds of what it holds.

use serde::Deserialize;
use thiserror::Error;

use crate::command::Significance;

/// Settings of a gate; durations in milliseconds. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The spacecraft whose commands pass this gate.
    pub spacecraft: Vec<String>,
    /// Most commands of a spacecraft that are not released yet; a request beyond is rejected.
    pub queue_max: usize,
    /// Most commands of a spacecraft that are remembered after their end so that a repeated request
    /// is recognised; while as many are younger than `request_age_ms_max`, requests are refused.
    pub remembered_max: usize,
    /// Most events that are not durable yet; inputs are refused at the bound.
    pub unappended_max: usize,
    /// Commands of this significance and above need a second person; `critical` at most.
    pub second_person_from: Significance,
    /// Commands of this significance and above need arming.
    pub arming_from: Significance,
    /// How long an approval is good.
    pub approval_ms: u64,
    /// How long arming is good.
    pub arming_ms: u64,
    /// Window of a request that names no end.
    pub window_ms: u64,
    /// Longest that a request's window may end after now.
    pub window_ms_max: u64,
    /// How long a release is good.
    pub release_ms: u64,
    /// How long after a release's end a station may say that it has radiated it.
    pub radiation_ms_max: u64,
    /// How long after radiation the CLCW may confirm frames of AD service.
    pub acceptance_ms_max: u64,
    /// How long a verifier without a window is looked for.
    pub verification_ms_max: u64,
    /// Oldest telemetry by which a transmission constraint holds.
    pub telemetry_age_ms_max: u64,
    /// By how much other clocks may be ahead.
    pub clock_ahead_ms_max: u64,
    /// Oldest request that is taken: a network may deliver one late.
    pub request_age_ms_max: u64,
    /// A request to more spacecraft than this goes to one first.
    pub canary_above: u32,
    /// A request goes to so many spacecraft at most.
    pub group_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        const MINUTE: u64 = 60_000;
        Self {
            spacecraft: Vec::new(),
            queue_max: 256,
            remembered_max: 65_536,
            unappended_max: 16_384,
            second_person_from: Significance::Critical,
            arming_from: Significance::Distress,
            approval_ms: 30 * MINUTE,
            arming_ms: 5 * MINUTE,
            window_ms: 60 * MINUTE,
            window_ms_max: 7 * 24 * 60 * MINUTE,
            release_ms: 10 * MINUTE,
            radiation_ms_max: MINUTE,
            acceptance_ms_max: 5 * MINUTE,
            verification_ms_max: 24 * 60 * MINUTE,
            telemetry_age_ms_max: MINUTE,
            clock_ahead_ms_max: 2_000,
            request_age_ms_max: 60 * MINUTE,
            canary_above: 3,
            group_max: 1_024,
        }
    }
}

/// Why settings are refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// One person could release a critical command.
    #[error("second_person_from = {got}: critical and severe commands always need a second person")]
    SecondPerson {
        /// The setting.
        got: Significance,
    },
    /// Nothing could ever pass.
    #[error("{key} = 0: nothing would pass the gate")]
    Zero {
        /// Which.
        key: &'static str,
    },
    /// A spacecraft's name.
    #[error("spacecraft {got:?}: a name has 1 to 128 octets and is there once")]
    Spacecraft {
        /// The name.
        got: String,
    },
    /// One request could not be written.
    #[error("unappended_max = {got}: a group of group_max needs {needed} events at once")]
    Unappended {
        /// The setting.
        got: usize,
        /// What a group needs.
        needed: usize,
    },
}

impl Settings {
    /// Checks that the settings agree with each other.
    ///
    /// # Errors
    /// [`SettingsError`] with the first that does not.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.second_person_from > Significance::Critical {
            return Err(SettingsError::SecondPerson {
                got: self.second_person_from,
            });
        }
        for (index, name) in self.spacecraft.iter().enumerate() {
            let again = self.spacecraft[..index].contains(name);
            if name.is_empty() || name.len() > 128 || again {
                return Err(SettingsError::Spacecraft { got: name.clone() });
            }
        }
        for (key, value) in [
            ("queue_max", self.queue_max as u64),
            ("remembered_max", self.remembered_max as u64),
            ("approval_ms", self.approval_ms),
            ("arming_ms", self.arming_ms),
            ("window_ms", self.window_ms),
            ("window_ms_max", self.window_ms_max),
            ("release_ms", self.release_ms),
            ("telemetry_age_ms_max", self.telemetry_age_ms_max),
            ("request_age_ms_max", self.request_age_ms_max),
            ("group_max", u64::from(self.group_max)),
        ] {
            if value == 0 {
                return Err(SettingsError::Zero { key });
            }
        }
        let needed = (self.group_max as usize).saturating_mul(EVENTS_PER_REQUEST);
        if self.unappended_max < needed {
            return Err(SettingsError::Unappended {
                got: self.unappended_max,
                needed,
            });
        }
        Ok(())
    }
}

/// Most events that one request writes at once.
pub(crate) const EVENTS_PER_REQUEST: usize = 4;

/// Microseconds of milliseconds.
pub(crate) fn micros(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_lets_one_person_release_a_critical_command() {
        let settings: Settings = toml::from_str("second_person_from = \"severe\"").unwrap();
        assert!(matches!(
            settings.check(),
            Err(SettingsError::SecondPerson { .. })
        ));
        let settings: Settings = toml::from_str("second_person_from = \"distress\"").unwrap();
        assert_eq!(settings.check(), Ok(()));
        assert!(toml::from_str::<Settings>("second_person = \"none\"").is_err());
    }
}
