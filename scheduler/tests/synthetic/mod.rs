//! Passes as low orbits have them, from a seed: circular orbits of some 95 minutes over a turning,
//! spherical Earth. Good enough to plan with, not to point an antenna with.

use scheduler::interval::{Interval, SECOND};
use scheduler::plan::{Antennas, Band, Opportunity};
use scheduler::rate::{RateProfile, RateStep};

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, count: u64) -> u64 {
        self.next() % count.max(1)
    }
}

/// 2026-03-01T00:00:00 UTC.
pub(crate) const START: i64 = 1_772_323_200 * SECOND;

/// Latitude and longitude of Svalbard, Inuvik, Punta Arenas and Hartebeesthoek.
const STATIONS: [(f64, f64); 4] = [
    (78.23, 15.41),
    (68.32, -133.55),
    (-52.94, -70.85),
    (-25.89, 27.71),
];
const EARTH_KM: f64 = 6_371.0;
const MASK_DEG: f64 = 5.0;
const STEP: i64 = 20 * SECOND;

/// All passes of `satellites` over the four stations in `hours`.
pub(crate) fn passes(seed: u64, satellites: u32, hours: i64) -> Vec<Opportunity> {
    let mut random = Random(seed);
    let mut found = Vec::new();
    for satellite in 0..satellites {
        let orbit = Orbit::new(&mut random);
        // One in five is of a customer who pays for more.
        let weight = if random.below(5) == 0 { 3.0 } else { 1.0 };
        for station in 0..STATIONS.len() as u32 {
            orbit.passes(satellite, station, weight, hours, &mut found);
        }
    }
    for (index, opportunity) in found.iter_mut().enumerate() {
        opportunity.id = index as u64;
    }
    found
}

/// As many Ka-band antennas at each of the four stations.
pub(crate) fn antennas(count: u32) -> Vec<Antennas> {
    (0..STATIONS.len() as u32)
        .map(|station| Antennas {
            station,
            band: Band::Ka,
            count,
            setup: 60 * SECOND,
            teardown: 30 * SECOND,
            contact_min: 120 * SECOND,
            closed: Vec::new(),
        })
        .collect()
}

struct Orbit {
    radius_km: f64,
    rate: f64,
    inclination: f64,
    node: f64,
    phase: f64,
}

impl Orbit {
    fn new(random: &mut Random) -> Self {
        let radius_km = EARTH_KM + random.between(480.0, 620.0);
        let inclination: f64 = match random.below(3) {
            0 => 53.0,
            1 => 70.0,
            _ => 97.6,
        };
        Self {
            radius_km,
            rate: (398_600.44 / radius_km.powi(3)).sqrt(),
            inclination: inclination.to_radians(),
            node: random.between(0.0, std::f64::consts::TAU),
            phase: random.between(0.0, std::f64::consts::TAU),
        }
    }

    /// Elevation in degrees and slant range in km.
    fn look(&self, station: u32, at: i64) -> (f64, f64) {
        let seconds = at as f64 / 1e6;
        let along = self.phase + self.rate * seconds;
        let (sin, cos) = along.sin_cos();
        let (node_sin, node_cos) = self.node.sin_cos();
        let (tilt_sin, tilt_cos) = self.inclination.sin_cos();
        let satellite = [
            self.radius_km * (node_cos * cos - node_sin * sin * tilt_cos),
            self.radius_km * (node_sin * cos + node_cos * sin * tilt_cos),
            self.radius_km * sin * tilt_sin,
        ];
        let (latitude, longitude) = STATIONS[station as usize];
        let turned = longitude.to_radians() + 7.292_115e-5 * seconds;
        let latitude = latitude.to_radians();
        let up = [
            latitude.cos() * turned.cos(),
            latitude.cos() * turned.sin(),
            latitude.sin(),
        ];
        let delta = [0, 1, 2].map(|axis| satellite[axis] - EARTH_KM * up[axis]);
        let range = delta.iter().map(|d| d * d).sum::<f64>().sqrt();
        let height: f64 = (0..3).map(|axis| delta[axis] * up[axis]).sum();
        ((height / range).asin().to_degrees(), range)
    }

    fn passes(
        &self,
        satellite: u32,
        station: u32,
        weight: f64,
        hours: i64,
        found: &mut Vec<Opportunity>,
    ) {
        let end = hours * 3_600 * SECOND;
        let above = |at: i64| self.look(station, at).0 >= MASK_DEG;
        let edge = |mut low: i64, mut high: i64| {
            while high - low > 1_000 {
                let middle = low + (high - low) / 2;
                if above(middle) == above(low) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            high
        };
        let (mut at, mut rise) = (0, above(0).then_some(0));
        while at < end {
            let next = at + STEP;
            let (elevation, _) = self.look(station, next);
            match (rise, elevation >= MASK_DEG) {
                (None, true) => rise = Some(edge(at, next)),
                (Some(start), false) => {
                    let window = Interval::new(START + start, START + edge(at, next));
                    found.push(self.opportunity(satellite, station, weight, window));
                    rise = None;
                }
                _ => {}
            }
            // Far below the horizon nothing rises for minutes.
            at = if elevation < -30.0 {
                next + 5 * STEP
            } else {
                next
            };
        }
        if let Some(start) = rise {
            let window = Interval::new(START + start, START + end);
            found.push(self.opportunity(satellite, station, weight, window));
        }
    }

    fn opportunity(
        &self,
        satellite: u32,
        station: u32,
        weight: f64,
        window: Interval,
    ) -> Opportunity {
        let mut steps = Vec::new();
        let mut from = window.start;
        while from < window.end {
            let (_, range) = self.look(station, from + STEP / 2 - START);
            // Coding and modulation follow the range in steps of 1.5 dB.
            let decibels = (20.0 * (2_600.0 / range).log10() / 1.5).floor().max(0.0) * 1.5;
            let octets = 40e6 * (1.0 + decibels / 3.0);
            steps.push(RateStep {
                from,
                octets_per_second: octets as u64,
            });
            from += STEP;
        }
        steps.dedup_by_key(|step| step.octets_per_second);
        Opportunity {
            id: 0,
            satellite,
            station,
            band: Band::Ka,
            window,
            rate: RateProfile::new(steps),
            weight,
            clear_sky: 1.0,
            fallback: None,
        }
    }
}
