//! From passes to opportunities: what each pass could carry over the terminals of its station.

use super::opportunity::{Antennas, Band, Opportunity};
use crate::frame::EarthOrientation;
use crate::interval::Interval;
use crate::link::{Booking, Capacity, Link, LinkWindow, Medium, Rate, Terminal};
use crate::orbit::Satellite;
use crate::pass::{Pass, Track};
use crate::rate::{RateProfile, RateStep};
use crate::station::Station;
use crate::window::Window;

/// What a plan can be made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Possible {
    /// A window of a pass, and for a laser its fallback, each numbered.
    pub opportunities: Vec<Opportunity>,
    /// The stations' terminals, an entry a station and band.
    pub antennas: Vec<Antennas>,
}

/// The opportunities of passes, each given with its satellite's number, and the antennas there are.
///
/// A spacecraft is taken to have what its station has. A station without terminals has one antenna
/// in Ka-band at 100 Mbit/s. The value of an octet is 1.
#[must_use]
pub fn along(
    satellites: &[Satellite],
    stations: &[Station],
    passes: &[(usize, Pass)],
    earth: &EarthOrientation,
) -> Possible {
    let mut possible = Possible::default();
    let plain = [plain_terminal()];
    let terminals: Vec<&[Terminal]> = stations
        .iter()
        .map(|station| match station.terminals.as_slice() {
            [] => plain.as_slice(),
            own => own,
        })
        .collect();
    for (number, terminals) in (0..).zip(&terminals) {
        possible.antennas.extend(antennas(number, terminals));
    }
    let links: Vec<Vec<Link>> = terminals
        .iter()
        .map(|terminals| {
            terminals
                .iter()
                .filter_map(|one| Link::between(one, one))
                .collect()
        })
        .collect();
    // Passes come in the order of time: an orbit is made ready once.
    let orbits: Vec<_> = satellites.iter().map(|one| one.orbit().ok()).collect();
    for (satellite, pass) in passes {
        let station = pass.station as usize;
        let (Some(Some(orbit)), Some(place), Some(links)) = (
            orbits.get(*satellite),
            stations.get(station),
            links.get(station),
        ) else {
            continue;
        };
        let Ok(window) = Window::new(pass.aos.time, pass.los.time) else {
            continue;
        };
        let Ok(track) = Track::new(orbit, place, earth, window) else {
            continue;
        };
        let satellite = u32::try_from(*satellite).unwrap_or(u32::MAX);
        for booking in Booking::along(&track, links) {
            possible.add(satellite, pass.station, &booking);
        }
    }
    possible
}

impl Possible {
    fn add(&mut self, satellite: u32, station: u32, booking: &Booking) {
        let fallback = booking.fallback.as_ref().map(|window| {
            let spare = self.opportunities.iter().rev().find(|one| {
                one.satellite == satellite
                    && one.station == station
                    && one.band == Band::Ka
                    && one.window == interval(window)
            });
            spare.map(|one| one.id)
        });
        // A laser's fallback is a window of the same pass in its own right, and comes before it.
        let fallback = match (fallback, &booking.fallback) {
            (Some(None), Some(window)) => {
                self.push(satellite, station, window, None);
                self.opportunities.last().map(|one| one.id)
            }
            (found, _) => found.flatten(),
        };
        let is_there = booking.window.medium == Medium::Ka
            && self.opportunities.iter().rev().take(8).any(|one| {
                one.satellite == satellite
                    && one.station == station
                    && one.band == Band::Ka
                    && one.window == interval(&booking.window)
            });
        if !is_there {
            self.push(satellite, station, &booking.window, fallback);
        }
    }

    fn push(&mut self, satellite: u32, station: u32, window: &LinkWindow, fallback: Option<u64>) {
        self.opportunities.push(Opportunity {
            id: self.opportunities.len() as u64,
            satellite,
            station,
            band: band(window.medium),
            window: interval(window),
            rate: rate(&window.downlink),
            weight: 1.0,
            clear_sky: window.clear_sky_probability,
            fallback,
        });
    }
}

fn interval(window: &LinkWindow) -> Interval {
    Interval::new(window.from.get(), window.to.get())
}

/// The same steps, in whole octets a second.
fn rate(capacity: &Capacity) -> RateProfile {
    let mut steps = Vec::new();
    for (piece, octets_per_second) in capacity.octet_rates() {
        steps.push(RateStep {
            from: piece.from.get(),
            octets_per_second,
        });
        steps.push(RateStep {
            from: piece.to.get(),
            octets_per_second: 0,
        });
    }
    RateProfile::new(steps)
}

fn antennas(station: u32, terminals: &[Terminal]) -> Vec<Antennas> {
    let mut found: Vec<Antennas> = Vec::new();
    let micros = |seconds: f64| (seconds * 1e6).round() as i64;
    for terminal in terminals {
        let band = band(terminal.medium);
        match found.iter_mut().find(|one| one.band == band) {
            Some(one) => {
                one.count = one.count.saturating_add(terminal.count);
                one.setup = one.setup.max(micros(terminal.setup_s));
                one.teardown = one.teardown.max(micros(terminal.teardown_s));
                one.contact_min = one.contact_min.max(micros(terminal.minimum_contact_s));
            }
            None => found.push(Antennas {
                station,
                band,
                count: terminal.count,
                setup: micros(terminal.setup_s),
                teardown: micros(terminal.teardown_s),
                contact_min: micros(terminal.minimum_contact_s),
                closed: Vec::new(),
            }),
        }
    }
    found
}

const fn band(medium: Medium) -> Band {
    match medium {
        Medium::Ka => Band::Ka,
        Medium::Optical => Band::Optical,
    }
}

fn plain_terminal() -> Terminal {
    Terminal {
        medium: Medium::Ka,
        count: 1,
        downlink: vec![Rate {
            elevation_deg: -90.0,
            bits_per_second: 100_000_000,
        }],
        uplink: Vec::new(),
        setup_s: 0.0,
        teardown_s: 0.0,
        minimum_contact_s: 0.0,
        clear_sky_probability: 1.0,
    }
}
