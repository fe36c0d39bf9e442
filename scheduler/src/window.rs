//! The time for which something is asked.

use space_link::time::UtcMicros;
use thiserror::Error;

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;
/// 1957-01-01, before the first satellite.
pub(crate) const EARLIEST: UtcMicros = UtcMicros::new(-4_748 * DAY);
/// 2200-01-01.
pub(crate) const LATEST: UtcMicros = UtcMicros::new(84_006 * DAY);
/// The longest window.
const LENGTH_DAYS_MAX: i64 = 3_660;

/// A time with a beginning and an end: at least a microsecond, at most 3,660 days, in 1957 to 2199.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    from: UtcMicros,
    to: UtcMicros,
}

/// Why two times are no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WindowError {
    /// Begin and end are the same.
    #[error("the window from {0} has no length: its end must be later")]
    Empty(UtcMicros),
    /// The end is before the beginning.
    #[error("the window ends at {to}, before its beginning at {from}")]
    Backwards {
        /// The beginning.
        from: UtcMicros,
        /// The end.
        to: UtcMicros,
    },
    /// Longer than what is computed at once.
    #[error("the window has {days} days, {LENGTH_DAYS_MAX} are the most: ask for parts of it")]
    TooLong {
        /// Whole days there are.
        days: i64,
    },
    /// Before or after the years that the models hold for.
    #[error("{0} is not in the years 1957 to 2199")]
    OutOfRange(UtcMicros),
}

impl Window {
    /// From a time until another.
    ///
    /// # Errors
    /// [`WindowError`] when the end is not later, or far away.
    pub fn new(from: UtcMicros, to: UtcMicros) -> Result<Self, WindowError> {
        for time in [from, to] {
            if !(EARLIEST..LATEST).contains(&time) {
                return Err(WindowError::OutOfRange(time));
            }
        }
        let length = to.get() - from.get();
        if length == 0 {
            Err(WindowError::Empty(from))
        } else if length < 0 {
            Err(WindowError::Backwards { from, to })
        } else if length > LENGTH_DAYS_MAX * DAY {
            let days = length / DAY;
            Err(WindowError::TooLong { days })
        } else {
            Ok(Self { from, to })
        }
    }

    /// The beginning.
    #[must_use]
    pub const fn from(&self) -> UtcMicros {
        self.from
    }

    /// The end.
    #[must_use]
    pub const fn to(&self) -> UtcMicros {
        self.to
    }

    /// The length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        seconds_between(self.from, self.to)
    }

    /// The time so many seconds after the beginning, to the microsecond, within the window.
    #[must_use]
    pub fn at(&self, seconds: f64) -> UtcMicros {
        after(self.from, seconds).clamp(self.from, self.to)
    }

    /// What two windows have in common.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from < to).then_some(Self { from, to })
    }
}

/// Seconds from a time to another.
pub(crate) fn seconds_between(from: UtcMicros, to: UtcMicros) -> f64 {
    to.get().saturating_sub(from.get()) as f64 / SECOND as f64
}

/// A time so many seconds later, rounded to the microsecond.
pub(crate) fn after(time: UtcMicros, seconds: f64) -> UtcMicros {
    let micros = (seconds * SECOND as f64).round() as i64;
    UtcMicros::new(time.get().saturating_add(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> UtcMicros {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_no_window_says_why() {
        let noon = time("2025-03-11T12:00:00Z");
        let later = time("2025-03-11T12:00:01Z");
        assert_eq!(Window::new(noon, noon), Err(WindowError::Empty(noon)));
        assert!(matches!(
            Window::new(later, noon),
            Err(WindowError::Backwards { .. })
        ));
        assert!(matches!(
            Window::new(noon, time("2045-01-01")),
            Err(WindowError::TooLong { days: 7_235 })
        ));
        assert!(Window::new(UtcMicros::new(i64::MIN), UtcMicros::new(i64::MAX)).is_err());
        let window = Window::new(noon, later).unwrap();
        assert_eq!(window.at(0.25), time("2025-03-11T12:00:00.25Z"));
        assert_eq!(window.at(1e300), later);
        assert_eq!(window.at(f64::NAN), noon);
    }

    #[test]
    fn bounds_are_the_years_they_say() {
        assert_eq!(EARLIEST, time("1957-01-01"));
        assert_eq!(LATEST, time("2200-01-01"));
    }
}
