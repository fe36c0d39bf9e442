//! Links: what a pass can carry.
//!
//! A station's terminal and a spacecraft's make a [`Link`]; along a pass it gives a [`LinkWindow`]
//! whose capacity is the integral of the rate over the time, times a margin. A laser's window is
//! booked with one in Ka-band as its fallback.

mod capacity;
mod terminal;

pub use capacity::{Capacity, Piece};
pub use terminal::{Medium, Rate, Terminal, TerminalError};

use space_link::time::UtcMicros;

use crate::pass::Track;

/// What is kept of a rate when nothing else is said: 95 %, in parts per million.
pub const MARGIN_PPM: u32 = 950_000;
const ONE_PPM: u32 = 1_000_000;

/// Two terminals that can talk to each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    medium: Medium,
    /// Bits a second by elevation, in rising order.
    downlink: Vec<Rate>,
    uplink: Vec<Rate>,
    setup_us: i64,
    teardown_us: i64,
    minimum_contact_us: i64,
    clear_sky_probability: f64,
    margin_ppm: u32,
}

/// The time in which a link carries data.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkWindow {
    /// Ka-band or laser.
    pub medium: Medium,
    /// When the antenna is taken: the link is set up from here.
    pub booked_from: UtcMicros,
    /// When the antenna is free again.
    pub booked_to: UtcMicros,
    /// When data begin to flow.
    pub from: UtcMicros,
    /// When they end.
    pub to: UtcMicros,
    /// What comes down.
    pub downlink: Capacity,
    /// What goes up.
    pub uplink: Capacity,
    /// How likely the sky is clear enough; 1 for Ka-band.
    pub clear_sky_probability: f64,
}

/// A window, and what takes its place when clouds do.
#[derive(Clone, Debug, PartialEq)]
pub struct Booking {
    /// The window.
    pub window: LinkWindow,
    /// For a laser, a window in Ka-band in the same pass.
    pub fallback: Option<LinkWindow>,
}

impl Link {
    /// The link between a station's terminal and a spacecraft's; none if they do not speak the same
    /// medium. The lower rate, the longer times and the longer shortest contact count.
    #[must_use]
    pub fn between(station: &Terminal, spacecraft: &Terminal) -> Option<Self> {
        if station.medium != spacecraft.medium {
            return None;
        }
        let longer = |a: f64, b: f64| (a.max(b) * 1e6).round() as i64;
        Some(Self {
            medium: station.medium,
            downlink: terminal::lower(&station.downlink, &spacecraft.downlink),
            uplink: terminal::lower(&station.uplink, &spacecraft.uplink),
            setup_us: longer(station.setup_s, spacecraft.setup_s),
            teardown_us: longer(station.teardown_s, spacecraft.teardown_s),
            minimum_contact_us: longer(station.minimum_contact_s, spacecraft.minimum_contact_s),
            clear_sky_probability: station.clear_sky_probability * spacecraft.clear_sky_probability,
            margin_ppm: MARGIN_PPM,
        })
    }

    /// With another part of the rate that is counted on, up to 1,000,000 millionths of it.
    #[must_use]
    pub fn margin_ppm(mut self, parts: u32) -> Self {
        self.margin_ppm = parts.min(ONE_PPM);
        self
    }

    /// Ka-band or laser.
    #[must_use]
    pub const fn medium(&self) -> Medium {
        self.medium
    }

    /// What the link carries along a track; nothing where set-up and tear-down leave less than the
    /// shortest contact, or no rate is reached.
    #[must_use]
    pub fn window(&self, track: &Track) -> Option<LinkWindow> {
        let booked = track.window();
        let from = booked.from().get().saturating_add(self.setup_us);
        let to = booked.to().get().saturating_sub(self.teardown_us);
        let flows = |rates: &[Rate]| {
            let thresholds: Vec<f64> = rates.iter().map(|rate| rate.elevation_deg).collect();
            let pieces = track.bands(&thresholds).into_iter().filter_map(|band| {
                let rate = rates.get(band.reached.checked_sub(1)?)?;
                Piece::new(
                    band.from.get().max(from),
                    band.to.get().min(to),
                    rate.bits_per_second,
                )
            });
            Capacity::new(pieces.collect(), self.margin_ppm)
        };
        let (downlink, uplink) = (flows(&self.downlink), flows(&self.uplink));
        let ends = [downlink.ends(), uplink.ends()];
        let first = ends.iter().flatten().map(|(from, _)| *from).min()?;
        let last = ends.iter().flatten().map(|(_, to)| *to).max()?;
        if last.get() - first.get() < self.minimum_contact_us.max(1) {
            return None;
        }
        Some(LinkWindow {
            medium: self.medium,
            booked_from: UtcMicros::new(first.get() - self.setup_us),
            booked_to: UtcMicros::new(last.get() + self.teardown_us),
            from: first,
            to: last,
            downlink,
            uplink,
            clear_sky_probability: self.clear_sky_probability,
        })
    }
}

impl LinkWindow {
    /// The octets that come down on average, clouds counted, rounded down.
    #[must_use]
    pub fn expected_downlink_octets(&self) -> u64 {
        (self.downlink.octets() as f64 * self.clear_sky_probability) as u64
    }
}

impl Booking {
    /// The windows of a pass, by the links that the station and the spacecraft have. A laser's
    /// window has the Ka-band window with the most octets as its fallback; without one it is not
    /// booked.
    #[must_use]
    pub fn along(track: &Track, links: &[Link]) -> Vec<Self> {
        let windows: Vec<LinkWindow> = links.iter().filter_map(|link| link.window(track)).collect();
        let fallback = windows
            .iter()
            .filter(|window| window.medium == Medium::Ka)
            .max_by_key(|window| window.downlink.octets());
        windows
            .iter()
            .filter_map(|window| {
                let fallback = match window.medium {
                    Medium::Ka => None,
                    Medium::Optical => Some(fallback?.clone()),
                };
                Some(Self {
                    window: window.clone(),
                    fallback,
                })
            })
            .collect()
    }

    /// The octets that come down on average: with a clear sky by the window, else by the fallback.
    #[must_use]
    pub fn expected_downlink_octets(&self) -> u64 {
        let Some(fallback) = &self.fallback else {
            return self.window.expected_downlink_octets();
        };
        let cloudy = 1.0 - self.window.clear_sky_probability;
        let by_fallback = fallback.downlink.octets() as f64 * cloudy;
        self.window
            .expected_downlink_octets()
            .saturating_add(by_fallback as u64)
    }
}

#[cfg(test)]
mod tests;
