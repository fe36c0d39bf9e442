//! Mean elements, as OMM and TLE have them.

use space_link::time::UtcMicros;

use super::error::RecordError;
use crate::window::{EARLIEST, LATEST};

/// The mean elements of SGP4 in the units of the files.
///
/// CCSDS 502.0-B-3 table 4-3; the mean motion is Kozai's, the frame the true equator and mean
/// equinox of the epoch, which is UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct Elements {
    /// `OBJECT_NAME`; the catalogue number or the international designator where there is none.
    pub name: Box<str>,
    /// `OBJECT_ID`, the international designator, as `1998-067A`.
    pub object_id: Box<str>,
    /// `NORAD_CAT_ID`, up to nine digits.
    pub catalogue_number: Option<u32>,
    /// `EPOCH`, UTC.
    pub epoch: UtcMicros,
    /// `MEAN_MOTION` in revolutions a day.
    pub mean_motion: f64,
    /// `ECCENTRICITY`.
    pub eccentricity: f64,
    /// `INCLINATION` in degrees.
    pub inclination_deg: f64,
    /// `RA_OF_ASC_NODE` in degrees.
    pub ascending_node_deg: f64,
    /// `ARG_OF_PERICENTER` in degrees.
    pub pericenter_deg: f64,
    /// `MEAN_ANOMALY` in degrees.
    pub mean_anomaly_deg: f64,
    /// `BSTAR`, the drag term, in 1/Earth radii.
    pub bstar: f64,
    /// `MEAN_MOTION_DOT` in revolutions a day squared; SGP4 does not use it.
    pub mean_motion_dot: f64,
}

impl Elements {
    /// Checks that each number is one that SGP4 can take.
    ///
    /// # Errors
    /// [`RecordError::OutOfRange`] names the first that is not.
    pub fn check(&self) -> Result<(), RecordError> {
        let ranges = [
            ("MEAN_MOTION", self.mean_motion, 0.01, 18.0),
            ("ECCENTRICITY", self.eccentricity, 0.0, 0.999_999),
            ("INCLINATION", self.inclination_deg, 0.0, 180.0),
            ("RA_OF_ASC_NODE", self.ascending_node_deg, -360.0, 360.0),
            ("ARG_OF_PERICENTER", self.pericenter_deg, -360.0, 360.0),
            ("MEAN_ANOMALY", self.mean_anomaly_deg, -360.0, 360.0),
            ("BSTAR", self.bstar, -10.0, 10.0),
            ("MEAN_MOTION_DOT", self.mean_motion_dot, -10.0, 10.0),
        ];
        for (keyword, got, min, max) in ranges {
            if !(min..=max).contains(&got) {
                return Err(RecordError::OutOfRange {
                    keyword,
                    got,
                    min,
                    max,
                });
            }
        }
        if !(EARLIEST..LATEST).contains(&self.epoch) {
            return Err(RecordError::Malformed {
                keyword: "EPOCH",
                got: self.epoch.to_string(),
                wanted: "a time in 1957 to 2199",
            });
        }
        Ok(())
    }
}
