//! Orbit mean-elements messages: CCSDS 502.0-B-3 section 4.

mod json;
mod kvn;
mod xml;

use std::borrow::Cow;

pub(super) use json::read as read_json;
pub use json::write as write_json;
pub(super) use kvn::read as read_kvn;
pub use kvn::write as write_kvn;
pub(super) use xml::read as read_xml;
pub use xml::write as write_xml;

use super::Elements;
use super::error::{RecordError, RecordFault};
use super::file::{OrbitFile, Satellite, Source};
use super::ndm;

/// The keywords that are read; the others of the standard say nothing to SGP4.
const KEYWORDS: [&str; 17] = [
    "OBJECT_NAME",
    "OBJECT_ID",
    "NORAD_CAT_ID",
    "CENTER_NAME",
    "REF_FRAME",
    "TIME_SYSTEM",
    "MEAN_ELEMENT_THEORY",
    "EPHEMERIS_TYPE",
    "EPOCH",
    "MEAN_MOTION",
    "ECCENTRICITY",
    "INCLINATION",
    "RA_OF_ASC_NODE",
    "ARG_OF_PERICENTER",
    "MEAN_ANOMALY",
    "BSTAR",
    "MEAN_MOTION_DOT",
];

/// A value, as text or as JSON's number.
#[derive(Clone, Debug)]
enum Scalar<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    /// What is no value: an array, an object.
    Other,
}

/// The values of a message by keyword.
#[derive(Clone, Debug, Default)]
struct Values<'a>([Option<Scalar<'a>>; KEYWORDS.len()]);

impl<'a> Values<'a> {
    /// Keeps the value of a keyword that is read; the last of several counts.
    fn set(&mut self, keyword: &str, value: Scalar<'a>) {
        if let Some(slot) = KEYWORDS.iter().position(|known| *known == keyword) {
            self.0[slot] = Some(value);
        }
    }

    fn get(&self, keyword: &'static str) -> Option<&Scalar<'a>> {
        let slot = KEYWORDS.iter().position(|known| *known == keyword)?;
        self.0[slot].as_ref()
    }

    fn text(&self, keyword: &'static str) -> Result<Option<Cow<'_, str>>, RecordError> {
        match self.get(keyword) {
            None => Ok(None),
            Some(Scalar::Text(text)) => {
                let text = text.trim();
                Ok((!text.is_empty()).then_some(Cow::Borrowed(text)))
            }
            Some(Scalar::Number(number)) => Ok(Some(Cow::Owned(number.to_string()))),
            Some(Scalar::Other) => Err(RecordError::Malformed {
                keyword,
                got: "an array or object".to_owned(),
                wanted: "a value",
            }),
        }
    }

    fn number(&self, keyword: &'static str) -> Result<Option<f64>, RecordError> {
        if let Some(Scalar::Number(number)) = self.get(keyword) {
            return Ok(Some(*number));
        }
        let text = self.text(keyword)?;
        text.map(|text| ndm::number(keyword, &text)).transpose()
    }

    fn required(&self, keyword: &'static str) -> Result<f64, RecordError> {
        self.number(keyword)?.ok_or(RecordError::Missing(keyword))
    }

    /// A keyword whose value, if it is there, must be one of some.
    fn only(
        &self,
        keyword: &'static str,
        supported: &'static str,
        allowed: &[&str],
    ) -> Result<(), RecordError> {
        let Some(text) = self.text(keyword)? else {
            return Ok(());
        };
        if allowed
            .iter()
            .any(|value| value.eq_ignore_ascii_case(&text))
        {
            return Ok(());
        }
        Err(RecordError::Unsupported {
            keyword,
            got: ndm::shown(&text),
            supported,
        })
    }

    fn catalogue_number(&self) -> Result<Option<u32>, RecordError> {
        let Some(text) = self.text("NORAD_CAT_ID")? else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| *number <= 999_999_999);
        number.map(Some).ok_or_else(|| RecordError::Malformed {
            keyword: "NORAD_CAT_ID",
            got: ndm::shown(&text),
            wanted: "a number of up to nine digits",
        })
    }

    fn elements(&self) -> Result<Elements, RecordError> {
        self.only("CENTER_NAME", "EARTH", &["EARTH"])?;
        self.only("REF_FRAME", "TEME", &["TEME"])?;
        self.only("TIME_SYSTEM", "UTC", &["UTC"])?;
        let theories = ["SGP4", "SGP/SGP4", "SDP4", "SGP4/SDP4"];
        self.only("MEAN_ELEMENT_THEORY", "SGP4", &theories)?;
        let types = ["0", "1", "2", "3"];
        self.only("EPHEMERIS_TYPE", "that of SGP4, 0 or 2,", &types)?;
        let catalogue_number = self.catalogue_number()?;
        let object_id = self.text("OBJECT_ID")?.unwrap_or_default();
        let name = match (self.text("OBJECT_NAME")?, catalogue_number) {
            (Some(name), _) => name,
            (None, Some(number)) => Cow::Owned(number.to_string()),
            (None, None) if !object_id.is_empty() => object_id.clone(),
            (None, None) => return Err(RecordError::Missing("OBJECT_NAME")),
        };
        let epoch = self.text("EPOCH")?.ok_or(RecordError::Missing("EPOCH"))?;
        let elements = Elements {
            name: name.into(),
            object_id: object_id.into(),
            catalogue_number,
            epoch: ndm::time("EPOCH", &epoch)?,
            mean_motion: self.required("MEAN_MOTION")?,
            eccentricity: self.required("ECCENTRICITY")?,
            inclination_deg: self.required("INCLINATION")?,
            ascending_node_deg: self.required("RA_OF_ASC_NODE")?,
            pericenter_deg: self.required("ARG_OF_PERICENTER")?,
            mean_anomaly_deg: self.required("MEAN_ANOMALY")?,
            bstar: self.required("BSTAR")?,
            mean_motion_dot: self.number("MEAN_MOTION_DOT")?.unwrap_or(0.0),
        };
        elements.check()?;
        Ok(elements)
    }

    /// Puts the satellite, or the reason why there is none, where it belongs.
    fn finish(&self, line: Option<usize>, file: &mut OrbitFile) {
        match self.elements() {
            Ok(elements) => file.satellites.push(Satellite {
                source: Source::Elements(elements),
            }),
            Err(reason) => {
                let name = self.text("OBJECT_NAME").ok().flatten();
                let number = || self.text("NORAD_CAT_ID").ok().flatten();
                let record = file.satellites.len() + file.faults.len() + 1;
                file.faults.push(RecordFault {
                    satellite: name
                        .or_else(number)
                        .map_or_else(|| format!("record {record}"), |name| ndm::shown(&name)),
                    line,
                    reason,
                });
            }
        }
    }
}

/// Keywords and values of elements, in the standard's order, as the three notations write them.
fn written(elements: &Elements) -> [(&'static str, String); 13] {
    let epoch = elements.epoch.to_string();
    [
        ("OBJECT_NAME", elements.name.to_string()),
        ("OBJECT_ID", elements.object_id.to_string()),
        ("EPOCH", epoch.trim_end_matches('Z').to_owned()),
        ("MEAN_MOTION", elements.mean_motion.to_string()),
        ("ECCENTRICITY", elements.eccentricity.to_string()),
        ("INCLINATION", elements.inclination_deg.to_string()),
        ("RA_OF_ASC_NODE", elements.ascending_node_deg.to_string()),
        ("ARG_OF_PERICENTER", elements.pericenter_deg.to_string()),
        ("MEAN_ANOMALY", elements.mean_anomaly_deg.to_string()),
        (
            "NORAD_CAT_ID",
            elements
                .catalogue_number
                .map_or_else(String::new, |number| number.to_string()),
        ),
        ("BSTAR", elements.bstar.to_string()),
        ("MEAN_MOTION_DOT", elements.mean_motion_dot.to_string()),
        ("MEAN_MOTION_DDOT", "0".to_owned()),
    ]
}

/// Which parts of a message the keywords of [`written`] belong to.
const METADATA: usize = 2;
const MEAN_ELEMENTS: usize = 9;

/// What every message of mean elements of SGP4 says of itself.
const FIXED: [(&str, &str); 4] = [
    ("CENTER_NAME", "EARTH"),
    ("REF_FRAME", "TEME"),
    ("TIME_SYSTEM", "UTC"),
    ("MEAN_ELEMENT_THEORY", "SGP4"),
];
