//! A satellite's height over a station's mask as a function of time.

use crate::station::Site;
use crate::vector::{Vector, difference, dot, norm};

/// How far in km the satellite is above the mask's cone, and the change in km/s.
///
/// The cone is where the part along the vertical is the distance times the mask's sine.
#[inline]
pub(super) fn above_mask(site: &Site, position: &Vector, velocity: &Vector) -> (f64, f64) {
    let line = difference(position, &site.position);
    let range = norm(&line).max(f64::MIN_POSITIVE);
    let value = dot(&site.up, &line) - site.sin_mask * range;
    let slope = dot(&site.up, velocity) - site.sin_mask * dot(&line, velocity) / range;
    (value, slope)
}

/// The sine of the elevation, and its change times the cube of the range.
#[inline]
pub(super) fn elevation(site: &Site, position: &Vector, velocity: &Vector) -> (f64, f64) {
    let line = difference(position, &site.position);
    let squared = dot(&line, &line).max(f64::MIN_POSITIVE);
    let up = dot(&site.up, &line);
    let slope = dot(&site.up, velocity) * squared - up * dot(&line, velocity);
    (up / squared.sqrt(), slope)
}
