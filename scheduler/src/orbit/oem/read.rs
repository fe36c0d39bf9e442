//! Reading OEM in KVN and XML.

use std::collections::HashMap;
use std::sync::Arc;

use space_link::time::{TimeScale, UtcMicros};

use crate::frame::{Celestial, EarthOrientation};
use crate::orbit::State;
use crate::orbit::ephemeris::{Ephemeris, EphemerisSegment, EphemerisState, Interpolation};
use crate::orbit::error::{RecordError, RecordFault};
use crate::orbit::file::{OrbitFile, Satellite, Source};
use crate::orbit::ndm::{self, Content};

/// Where a file says nothing: through four states with their velocities.
const DEGREE_DEFAULT: u8 = 7;

/// What is known of a segment so far.
#[derive(Default)]
struct Draft<'a> {
    line: usize,
    metadata: Vec<(&'a str, &'a str)>,
    /// The first thing that was wrong with it.
    fault: Option<RecordError>,
    states: Vec<(UtcMicros, [f64; 6])>,
}

/// A segment that can be used, and whose it is.
struct Finished<'a> {
    name: &'a str,
    object_id: &'a str,
    segment: EphemerisSegment,
}

/// Where in a message in keyword-value notation a line stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Header,
    Metadata,
    States,
    Covariance,
}

/// Reads the segments of a message; those of one object are its ephemeris.
pub(in crate::orbit) fn read_kvn(text: &str, earth: &EarthOrientation, file: &mut OrbitFile) {
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let mut place = Place::Header;
    for line in ndm::lines(text) {
        match (line.content, place, drafts.last_mut()) {
            (Content::Bare("META_START"), ..) => {
                drafts.push(Draft {
                    line: line.number,
                    ..Draft::default()
                });
                place = Place::Metadata;
            }
            (Content::Bare("META_STOP"), Place::Metadata, _) => place = Place::States,
            (Content::Value(keyword, value), Place::Metadata, Some(draft)) => {
                draft.metadata.push((keyword, value));
            }
            (Content::Bare("COVARIANCE_START"), Place::States, _) => place = Place::Covariance,
            (Content::Bare("COVARIANCE_STOP"), Place::Covariance, _) => place = Place::States,
            (Content::Bare(state), Place::States, Some(draft)) => draft.add_line(state),
            (_, Place::Header | Place::Covariance, _) => {}
            (Content::Value(got, _) | Content::Bare(got), _, Some(draft)) => {
                draft.fail(RecordError::Unexpected {
                    line: line.number,
                    got: ndm::shown(got),
                    wanted: if place == Place::Metadata {
                        "a keyword of the metadata or META_STOP"
                    } else {
                        "a state or META_START"
                    },
                });
            }
            (_, _, None) => {}
        }
    }
    finish(drafts, earth, file);
}

/// Reads one `oem` element.
pub(in crate::orbit) fn read_xml(
    message: roxmltree::Node<'_, '_>,
    lines: &mut ndm::LineCounter<'_>,
    earth: &EarthOrientation,
    file: &mut OrbitFile,
) {
    let mut drafts = Vec::new();
    let named = |node: &roxmltree::Node<'_, '_>, name| node.tag_name().name() == name;
    for segment in message.descendants().filter(|node| named(node, "segment")) {
        let mut draft = Draft {
            line: lines.line(segment.range().start),
            ..Draft::default()
        };
        for node in segment.descendants().filter(roxmltree::Node::is_element) {
            if named(&node, "stateVector") {
                draft.add(|keyword| ndm::child(node, keyword));
            } else if node
                .parent()
                .is_some_and(|parent| named(&parent, "metadata"))
            {
                draft
                    .metadata
                    .push((node.tag_name().name(), ndm::text(node)));
            }
        }
        drafts.push(draft);
    }
    finish(drafts, earth, file);
}

/// The names of a state's numbers, in the order of a line.
const COLUMNS: [&str; 7] = ["EPOCH", "X", "Y", "Z", "X_DOT", "Y_DOT", "Z_DOT"];

impl<'a> Draft<'a> {
    fn fail(&mut self, reason: RecordError) {
        self.fault.get_or_insert(reason);
    }

    /// A line of an epoch, six numbers, and perhaps three of acceleration.
    fn add_line(&mut self, line: &str) {
        let mut columns = line.split_ascii_whitespace();
        let values: [Option<&str>; 7] = std::array::from_fn(|_| columns.next());
        self.add(|keyword| {
            let column = COLUMNS.iter().position(|name| *name == keyword)?;
            values[column]
        });
    }

    fn add<'b>(&mut self, value: impl Fn(&'static str) -> Option<&'b str>) {
        let get = |keyword| value(keyword).ok_or(RecordError::Missing(keyword));
        let state = || {
            let epoch = ndm::time("EPOCH", get("EPOCH")?)?;
            let mut numbers = [0.0; 6];
            for (number, keyword) in numbers.iter_mut().zip(&COLUMNS[1..]) {
                *number = ndm::number(keyword, get(keyword)?)?;
            }
            Ok((epoch, numbers))
        };
        match state() {
            Ok(state) => self.states.push(state),
            Err(reason) => self.fail(reason),
        }
    }

    fn get(&self, keyword: &str) -> Option<&'a str> {
        let found = self
            .metadata
            .iter()
            .rev()
            .find(|(known, _)| *known == keyword);
        found
            .map(|(_, value)| *value)
            .filter(|value| !value.is_empty())
    }

    fn required(&self, keyword: &'static str) -> Result<&'a str, RecordError> {
        self.get(keyword).ok_or(RecordError::Missing(keyword))
    }

    fn finish(mut self, earth: &EarthOrientation) -> Result<Finished<'a>, RecordError> {
        if let Some(reason) = self.fault.take() {
            return Err(reason);
        }
        let name = self.required("OBJECT_NAME")?;
        let object_id = self.get("OBJECT_ID").unwrap_or_default();
        let center = self.required("CENTER_NAME")?;
        if !center.eq_ignore_ascii_case("EARTH") {
            return Err(unsupported("CENTER_NAME", center, "EARTH"));
        }
        let frame = Frame::parse(self.required("REF_FRAME")?)?;
        let scale = scale(self.required("TIME_SYSTEM")?)?;
        let utc = |keyword: &'static str, reading: UtcMicros| {
            earth
                .leap_seconds()
                .to_utc(scale, reading.get())
                .map_err(|_| RecordError::Malformed {
                    keyword,
                    got: reading.to_string(),
                    wanted: "a time that can be told in UTC",
                })
        };
        let time = |keyword: &'static str| {
            self.get(keyword)
                .map(|text| ndm::time(keyword, text).and_then(|time| utc(keyword, time)))
                .transpose()
        };
        let first = self.states.first().map(|(time, _)| *time);
        let last = self.states.last().map(|(time, _)| *time);
        let ends = (time("USEABLE_START_TIME")?, time("USEABLE_STOP_TIME")?);
        let usable = match (ends, first, last) {
            ((None, None), ..) | (_, None, _) | (_, _, None) => None,
            ((from, to), Some(first), Some(last)) => Some((
                from.map_or_else(|| utc("EPOCH", first), Ok)?,
                to.map_or_else(|| utc("EPOCH", last), Ok)?,
            )),
        };
        let interpolation = self.interpolation()?;
        let mut states = Vec::with_capacity(self.states.len());
        for (time, numbers) in &self.states {
            let time = utc("EPOCH", *time)?;
            let state = frame.teme(earth, time, numbers);
            states.push(EphemerisState { time, state });
        }
        Ok(Finished {
            name,
            object_id,
            segment: EphemerisSegment::new(states, interpolation, usable)?,
        })
    }

    fn interpolation(&self) -> Result<Interpolation, RecordError> {
        let degree = match self.get("INTERPOLATION_DEGREE") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| RecordError::Malformed {
                keyword: "INTERPOLATION_DEGREE",
                got: ndm::shown(text),
                wanted: "a number up to 15",
            })?),
        };
        let method = self.get("INTERPOLATION").unwrap_or("HERMITE");
        match (method.to_ascii_uppercase().as_str(), degree) {
            // An even degree leaves one value of the last state unused; the next odd one does not.
            ("HERMITE", degree) => {
                let degree: u8 = degree.unwrap_or(DEGREE_DEFAULT);
                Ok(Interpolation::Hermite(
                    degree.saturating_add(1 - degree % 2),
                ))
            }
            ("LAGRANGE", degree) => Ok(Interpolation::Lagrange(degree.unwrap_or(DEGREE_DEFAULT))),
            ("LINEAR", _) => Ok(Interpolation::Lagrange(1)),
            _ => Err(unsupported(
                "INTERPOLATION",
                method,
                "HERMITE, LAGRANGE or LINEAR",
            )),
        }
    }
}

/// Puts the drafts' segments together by object, and their faults where they belong.
fn finish(drafts: Vec<Draft<'_>>, earth: &EarthOrientation, file: &mut OrbitFile) {
    let mut objects: Vec<(&str, &str, usize, Vec<EphemerisSegment>)> = Vec::new();
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut fail = |name: &str, line, reason| {
        file.faults.push(RecordFault {
            satellite: ndm::shown(name),
            line: Some(line),
            reason,
        });
    };
    for draft in drafts {
        let (line, name) = (draft.line, draft.get("OBJECT_NAME").unwrap_or("a segment"));
        match draft.finish(earth) {
            Ok(Finished {
                name,
                object_id,
                segment,
            }) => {
                let next = objects.len();
                let place = *places.entry((name, object_id)).or_insert(next);
                match objects.get_mut(place) {
                    Some(object) => object.3.push(segment),
                    None => objects.push((name, object_id, line, vec![segment])),
                }
            }
            Err(reason) => fail(name, line, reason),
        }
    }
    for (name, object_id, line, segments) in objects {
        match Ephemeris::new(segments) {
            Ok(ephemeris) => file.satellites.push(Satellite {
                source: Source::Ephemeris {
                    name: name.into(),
                    object_id: object_id.into(),
                    ephemeris: Arc::new(ephemeris),
                },
            }),
            Err(reason) => fail(name, line, reason.into()),
        }
    }
}

/// A frame that states may be in (SANA registry of celestial body reference frames).
#[derive(Clone, Copy)]
enum Frame {
    Teme,
    Itrf,
    Celestial(Celestial),
}

impl Frame {
    fn parse(text: &str) -> Result<Self, RecordError> {
        let upper = text.to_ascii_uppercase();
        match upper.as_str() {
            "TEME" | "TEMEOFDATE" => Ok(Self::Teme),
            "EME2000" | "J2000" => Ok(Self::Celestial(Celestial::Eme2000)),
            "GCRF" | "ICRF" => Ok(Self::Celestial(Celestial::Gcrf)),
            _ if upper.starts_with("ITRF") => Ok(Self::Itrf),
            _ => Err(unsupported(
                "REF_FRAME",
                text,
                "TEME, ITRF, GCRF, ICRF or EME2000",
            )),
        }
    }

    fn teme(self, earth: &EarthOrientation, time: UtcMicros, numbers: &[f64; 6]) -> State {
        let [x, y, z, x_dot, y_dot, z_dot] = *numbers;
        let (position, velocity) = ([x, y, z], [x_dot, y_dot, z_dot]);
        let utc_s = time.get() as f64 * 1e-6;
        let (position_km, velocity_km_s) = match self {
            Self::Teme => (position, velocity),
            Self::Itrf => earth.earth_at(utc_s).teme(&position, &velocity),
            Self::Celestial(celestial) => {
                let rotation = celestial.to_teme(earth, utc_s);
                (rotation.apply(&position), rotation.apply(&velocity))
            }
        };
        State {
            position_km,
            velocity_km_s,
        }
    }
}

fn scale(text: &str) -> Result<TimeScale, RecordError> {
    match text.to_ascii_uppercase().as_str() {
        "UTC" => Ok(TimeScale::Utc),
        "TAI" => Ok(TimeScale::Tai),
        "GPS" => Ok(TimeScale::Gps),
        "TT" => Ok(TimeScale::Tt),
        _ => Err(unsupported("TIME_SYSTEM", text, "UTC, TAI, GPS or TT")),
    }
}

fn unsupported(keyword: &'static str, got: &str, supported: &'static str) -> RecordError {
    RecordError::Unsupported {
        keyword,
        got: ndm::shown(got),
        supported,
    }
}
