//! Ground stations: where they stand, what they see, what they carry.

use std::collections::HashSet;
use std::f64::consts::FRAC_PI_2;

use serde::Deserialize;
use thiserror::Error;

use crate::frame::EarthState;
use crate::link::{Terminal, TerminalError};
use crate::vector::{Vector, difference, dot, norm};

/// WGS-84: the ellipsoid's equatorial radius in km, and its flattening (NIMA TR8350.2, table 3.1).
const RADIUS_KM: f64 = 6_378.137;
const FLATTENING: f64 = 1.0 / 298.257_223_563;
/// The most stations of a file.
const STATIONS_MAX: usize = 100_000;
/// At this mask and above nothing is seen for as long as a contact needs.
const MASK_USELESS_DEG: f64 = 89.999;

/// A station: a place on WGS-84 and the elevation from which it sees.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Station {
    /// Its name, unique in its file.
    pub name: String,
    /// Geodetic latitude in degrees, north positive.
    pub latitude_deg: f64,
    /// Longitude in degrees, east positive, -180 to 360.
    pub longitude_deg: f64,
    /// Height above the ellipsoid in m.
    pub height_m: f64,
    /// The elevation in degrees from which it sees: 0 to 90, or somewhat below 0 on a mountain.
    #[serde(default)]
    pub elevation_mask_deg: f64,
    /// What it carries; for passes alone it needs nothing.
    #[serde(default, rename = "terminal")]
    pub terminals: Vec<Terminal>,
}

/// Why a file of stations cannot be used.
#[derive(Debug, Error)]
pub enum StationError {
    /// Not TOML, or not these keys.
    #[error("the stations file is not TOML with [[station]] tables")]
    Toml(#[from] toml::de::Error),
    /// A number out of its range.
    #[error("station {station}: {key} is {got}, not {min} to {max}")]
    OutOfRange {
        /// Its name.
        station: String,
        /// Which key.
        key: &'static str,
        /// The value.
        got: f64,
        /// The lowest.
        min: f64,
        /// The highest.
        max: f64,
    },
    /// A name that is empty or there twice.
    #[error("two stations, or one without a name, are called {0:?}: each needs its own")]
    Name(String),
    /// No station, or too many.
    #[error("the stations file has {0} stations: 1 to {STATIONS_MAX} are read")]
    Count(usize),
    /// A terminal that cannot be.
    #[error("station {station}, terminal {terminal}")]
    Terminal {
        /// Its name.
        station: String,
        /// Which of its terminals, counted from 1.
        terminal: usize,
        /// What is wrong.
        source: TerminalError,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    station: Vec<Station>,
}

impl Station {
    /// Reads a file of `[[station]]` tables. Unknown keys are errors.
    ///
    /// # Errors
    /// [`StationError`] names the station and the key.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, StationError> {
        let File { station: stations } = toml::from_str(text)?;
        if !(1..=STATIONS_MAX).contains(&stations.len()) {
            return Err(StationError::Count(stations.len()));
        }
        let mut names = HashSet::new();
        for station in &stations {
            station.check()?;
            if station.name.is_empty() || !names.insert(station.name.as_str()) {
                return Err(StationError::Name(station.name.clone()));
            }
        }
        Ok(stations)
    }

    /// Checks each number.
    ///
    /// # Errors
    /// [`StationError::OutOfRange`], [`StationError::Terminal`].
    pub fn check(&self) -> Result<(), StationError> {
        let ranges = [
            ("latitude_deg", self.latitude_deg, -90.0, 90.0),
            ("longitude_deg", self.longitude_deg, -180.0, 360.0),
            ("height_m", self.height_m, -1_000.0, 100_000.0),
            ("elevation_mask_deg", self.elevation_mask_deg, -20.0, 90.0),
        ];
        for (key, got, min, max) in ranges {
            if !(min..=max).contains(&got) {
                return Err(StationError::OutOfRange {
                    station: self.name.clone(),
                    key,
                    got,
                    min,
                    max,
                });
            }
        }
        for (index, terminal) in self.terminals.iter().enumerate() {
            terminal.check().map_err(|source| StationError::Terminal {
                station: self.name.clone(),
                terminal: index + 1,
                source,
            })?;
        }
        Ok(())
    }

    /// Where a satellite stands in its sky.
    #[must_use]
    pub fn look(&self, state: &EarthState) -> Look {
        Site::new(self).look(&state.position_km, &state.velocity_km_s)
    }

    /// Why it will see nothing, if that is known beforehand.
    #[must_use]
    pub fn sees_nothing(&self) -> Option<String> {
        (self.elevation_mask_deg >= MASK_USELESS_DEG).then(|| {
            format!(
                "station {}: with an elevation mask of {} degrees only the zenith is above it, so there are no passes",
                self.name, self.elevation_mask_deg
            )
        })
    }
}

/// A station as a place: its position, and its east, north and up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Site {
    pub(crate) position: Vector,
    pub(crate) east: Vector,
    pub(crate) north: Vector,
    pub(crate) up: Vector,
    pub(crate) sin_mask: f64,
}

impl Site {
    pub(crate) fn new(station: &Station) -> Self {
        let latitude = station.latitude_deg.to_radians();
        let (sin_lat, cos_lat) = if station.latitude_deg.abs() == 90.0 {
            // The cosine of pi/2 as a number is not 0.
            (station.latitude_deg.signum(), 0.0)
        } else {
            latitude.sin_cos()
        };
        let (sin_lon, cos_lon) = station.longitude_deg.to_radians().sin_cos();
        let squared = FLATTENING * (2.0 - FLATTENING);
        let normal = RADIUS_KM / (1.0 - squared * sin_lat * sin_lat).sqrt();
        let height = station.height_m * 1e-3;
        Self {
            position: [
                (normal + height) * cos_lat * cos_lon,
                (normal + height) * cos_lat * sin_lon,
                (normal * (1.0 - squared) + height) * sin_lat,
            ],
            east: [-sin_lon, cos_lon, 0.0],
            north: [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
            up: [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
            sin_mask: station.elevation_mask_deg.to_radians().sin(),
        }
    }

    /// Where a satellite stands in this sky.
    pub(crate) fn look(&self, position: &Vector, velocity: &Vector) -> Look {
        let line = difference(position, &self.position);
        let range_km = norm(&line);
        let up = dot(&self.up, &line);
        let (east, north) = (dot(&self.east, &line), dot(&self.north, &line));
        let azimuth_deg = east.atan2(north).to_degrees();
        Look {
            azimuth_deg: if azimuth_deg < 0.0 {
                azimuth_deg + 360.0
            } else {
                azimuth_deg
            },
            // Of the two forms of the angle this one is precise near the zenith too.
            elevation_deg: up.atan2(east.hypot(north)).to_degrees(),
            range_km,
            range_rate_km_s: dot(&line, velocity) / range_km.max(f64::MIN_POSITIVE),
        }
    }
}

/// Where a satellite stands in a station's sky: geometric, without refraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// From north through east, 0 to 360 degrees.
    pub azimuth_deg: f64,
    /// Above the horizon of the ellipsoid, in degrees.
    pub elevation_deg: f64,
    /// Distance in km.
    pub range_km: f64,
    /// Its change in km/s, positive when it grows.
    pub range_rate_km_s: f64,
}

/// The speed of light in km/s.
const LIGHT_KM_S: f64 = 299_792.458;

impl Look {
    /// By how much a frequency in Hz is received higher than it was sent, in Hz: one way, to first
    /// order in the speed.
    #[must_use]
    pub fn doppler_hz(&self, frequency_hz: f64) -> f64 {
        -frequency_hz * self.range_rate_km_s / LIGHT_KM_S
    }
}

/// Geodetic latitude and longitude in degrees and height in km on WGS-84, of a position in the
/// Earth's frame in km.
///
/// Bowring's closed form (Survey Review 23, 1976), once repeated: within a millimetre.
#[must_use]
pub fn geodetic(position_km: [f64; 3]) -> [f64; 3] {
    let [x, y, z] = position_km;
    let squared = FLATTENING * (2.0 - FLATTENING);
    let minor = RADIUS_KM * (1.0 - FLATTENING);
    let distance = x.hypot(y);
    let mut reduced = (z * RADIUS_KM).atan2(distance * minor);
    let mut latitude = 0.0;
    for _ in 0..2 {
        let (sin, cos) = reduced.sin_cos();
        let second = squared / (1.0 - squared);
        latitude =
            (z + second * minor * sin.powi(3)).atan2(distance - squared * RADIUS_KM * cos.powi(3));
        reduced = ((1.0 - FLATTENING) * latitude.tan()).atan();
    }
    let (sin, cos) = latitude.sin_cos();
    let normal = RADIUS_KM / (1.0 - squared * sin * sin).sqrt();
    let height = if latitude.abs() < FRAC_PI_2 / 2.0 {
        distance / cos - normal
    } else {
        z / sin - normal * (1.0 - squared)
    };
    [latitude.to_degrees(), y.atan2(x).to_degrees(), height]
}
