//! A file of orbits, whatever its format.

use std::sync::Arc;

use super::error::{FileError, OrbitError, RecordFault};
use super::{Elements, Ephemeris, Orbit, ndm, oem, omm, tle};
use crate::frame::EarthOrientation;

/// The most octets of a file; a million satellites in JSON are 0.5 GB.
const OCTETS_MAX: usize = 2 << 30;
/// The most octets of an XML document, which is held as a tree.
const XML_OCTETS_MAX: usize = 256 << 20;

/// What a file of orbits is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Orbit mean-elements messages in JSON, as catalogues publish them.
    OmmJson,
    /// Navigation data messages in XML: OMM and OEM.
    Xml,
    /// Orbit mean-elements messages in keyword-value notation.
    OmmKvn,
    /// Orbit ephemeris messages in keyword-value notation.
    OemKvn,
    /// Two-line elements, with or without names.
    Tle,
}

/// What a file of orbits holds.
#[derive(Clone, Debug)]
pub struct OrbitFile {
    /// How it is written.
    pub format: Format,
    /// The satellites, in the file's order.
    pub satellites: Vec<Satellite>,
    /// The records that could not be used, each with its reason.
    pub faults: Vec<RecordFault>,
}

/// A satellite of a file.
#[derive(Clone, Debug)]
pub struct Satellite {
    /// What is known of its orbit.
    pub source: Source,
}

/// What is known of an orbit.
#[derive(Clone, Debug)]
pub enum Source {
    /// Mean elements.
    Elements(Elements),
    /// An ephemeris.
    Ephemeris {
        /// `OBJECT_NAME`.
        name: Box<str>,
        /// `OBJECT_ID`.
        object_id: Box<str>,
        /// States.
        ephemeris: Arc<Ephemeris>,
    },
}

impl Satellite {
    /// Its name in the file; where there is none, its catalogue number.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.source {
            Source::Elements(elements) => &elements.name,
            Source::Ephemeris { name, .. } => name,
        }
    }

    /// Its orbit, ready to be propagated.
    ///
    /// # Errors
    /// [`OrbitError`] when SGP4 cannot start from its elements.
    pub fn orbit(&self) -> Result<Orbit, OrbitError> {
        match &self.source {
            Source::Elements(elements) => Orbit::from_elements(elements),
            Source::Ephemeris { ephemeris, .. } => Ok(Orbit::from_ephemeris(Arc::clone(ephemeris))),
        }
    }
}

/// Reads a file of orbits in the format that its content shows. A record that cannot be used is a
/// fault, and the others are read.
///
/// OMM in JSON, XML and KVN, OEM in XML and KVN (CCSDS 502.0-B-3, 505.0-B-3), TLE with Alpha-5.
///
/// # Errors
/// [`FileError`] when the file as a whole is not one of these.
pub fn read(octets: &[u8]) -> Result<OrbitFile, FileError> {
    read_with(octets, &EarthOrientation::builtin())
}

/// Reads a file of orbits as [`read`], with a table of the Earth's orientation for ephemerides in
/// other frames than TEME.
///
/// # Errors
/// [`FileError`] when the file as a whole is not of a known format.
pub fn read_with(octets: &[u8], earth: &EarthOrientation) -> Result<OrbitFile, FileError> {
    let size = |max, format, hint| {
        if octets.len() > max {
            let got = octets.len();
            return Err(FileError::TooLarge {
                got,
                max,
                format,
                hint,
            });
        }
        Ok(())
    };
    size(OCTETS_MAX, "any format", "")?;
    let text = str::from_utf8(octets).map_err(|error| FileError::NotText {
        at: error.valid_up_to(),
    })?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let format = detect(text)?;
    let mut file = OrbitFile {
        format,
        satellites: Vec::new(),
        faults: Vec::new(),
    };
    match format {
        Format::OmmJson => omm::read_json(text, &mut file)?,
        Format::OmmKvn => omm::read_kvn(text, &mut file),
        Format::OemKvn => oem::read_kvn(text, earth, &mut file),
        Format::Tle => tle::read(text, &mut file),
        Format::Xml => {
            size(XML_OCTETS_MAX, "XML", ", or take JSON")?;
            read_xml(text, earth, &mut file)?;
        }
    }
    Ok(file)
}

fn read_xml(text: &str, earth: &EarthOrientation, file: &mut OrbitFile) -> Result<(), FileError> {
    let document = ndm::parse_xml(text)?;
    let root = document.root_element();
    let name = root.tag_name().name();
    if !["ndm", "omm", "oem"].contains(&name) {
        let got = ndm::shown(name);
        return Err(FileError::Root { got });
    }
    let mut lines = ndm::LineCounter::new(text);
    let messages = root.children().filter(roxmltree::Node::is_element);
    for message in std::iter::once(root).chain(messages) {
        match message.tag_name().name() {
            "omm" => omm::read_xml(message, lines.line(message.range().start), file),
            "oem" => oem::read_xml(message, &mut lines, earth, file),
            _ => {}
        }
    }
    Ok(())
}

fn detect(text: &str) -> Result<Format, FileError> {
    if text.is_empty() {
        return Err(FileError::Empty);
    }
    if text.starts_with('<') {
        return Ok(Format::Xml);
    }
    if text.starts_with(['{', '[']) {
        return Ok(Format::OmmJson);
    }
    let keyword = ndm::lines(text).next().map(|line| line.content);
    match keyword {
        Some(ndm::Content::Value("CCSDS_OMM_VERS", _)) => return Ok(Format::OmmKvn),
        Some(ndm::Content::Value("CCSDS_OEM_VERS", _)) => return Ok(Format::OemKvn),
        _ => {}
    }
    if tle::is_like(text) {
        return Ok(Format::Tle);
    }
    Err(FileError::Unknown {
        begins: ndm::shown(text),
    })
}
