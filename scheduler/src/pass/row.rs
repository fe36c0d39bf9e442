//! A pass as a row of JSON.

use serde::Serialize;
use space_link::time::UtcMicros;

use super::Pass;

/// A pass with its names: what `pass list` prints. Times are UTC with microseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassRow<'a> {
    /// The satellite's name in the orbit file.
    pub satellite: &'a str,
    /// The station's name.
    pub station: &'a str,
    /// Acquisition of signal.
    #[serde(serialize_with = "time")]
    pub aos: UtcMicros,
    /// The highest elevation.
    #[serde(serialize_with = "time")]
    pub tca: UtcMicros,
    /// Loss of signal.
    #[serde(serialize_with = "time")]
    pub los: UtcMicros,
    /// The elevation at TCA.
    pub max_elevation_deg: f64,
    /// At AOS, TCA and LOS, from north through east.
    pub azimuth_deg: [f64; 3],
    /// At AOS, TCA and LOS.
    pub range_km: [f64; 3],
    /// Whether AOS is the window's edge.
    pub aos_clipped: bool,
    /// Whether LOS is the window's edge.
    pub los_clipped: bool,
}

impl<'a> PassRow<'a> {
    /// Names a pass. Angles and ranges are rounded to six decimals.
    #[must_use]
    pub fn new(satellite: &'a str, station: &'a str, pass: &Pass) -> Self {
        let events = [&pass.aos, &pass.tca, &pass.los];
        Self {
            satellite,
            station,
            aos: pass.aos.time,
            tca: pass.tca.time,
            los: pass.los.time,
            max_elevation_deg: rounded(pass.tca.look.elevation_deg),
            azimuth_deg: events.map(|event| rounded(event.look.azimuth_deg) % 360.0),
            range_km: events.map(|event| rounded(event.look.range_km)),
            aos_clipped: pass.aos_clipped,
            los_clipped: pass.los_clipped,
        }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// A time as text, with microseconds.
pub(crate) fn time<S: serde::Serializer>(
    time: &UtcMicros,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}
