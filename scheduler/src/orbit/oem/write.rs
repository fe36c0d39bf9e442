//! Writing OEM in KVN and XML: states in TEME, UTC.

use std::fmt::Write;

use space_link::time::UtcMicros;

use crate::orbit::ephemeris::{EphemerisState, Interpolation};
use crate::orbit::ndm::escape;

/// Who writes a message, and when.
#[derive(Clone, Copy, Debug)]
pub struct OemHeader<'a> {
    /// `CREATION_DATE`.
    pub created: UtcMicros,
    /// `ORIGINATOR`.
    pub originator: &'a str,
}

/// A segment to be written; without states it is left out.
#[derive(Clone, Copy, Debug)]
pub struct OemSegment<'a> {
    /// `OBJECT_NAME`.
    pub object_name: &'a str,
    /// `OBJECT_ID`; `UNKNOWN` if empty.
    pub object_id: &'a str,
    /// `COMMENT` lines of the metadata.
    pub comments: &'a [String],
    /// How readers are to interpolate.
    pub interpolation: Interpolation,
    /// States in order of time.
    pub states: &'a [EphemerisState],
}

impl<'a> OemSegment<'a> {
    fn metadata(&self, first: UtcMicros, last: UtcMicros) -> [(&'static str, String); 9] {
        let (method, degree) = match self.interpolation {
            Interpolation::Hermite(degree) => ("HERMITE", degree),
            Interpolation::Lagrange(degree) => ("LAGRANGE", degree),
        };
        let object_id = match self.object_id {
            "" => "UNKNOWN",
            object_id => object_id,
        };
        [
            ("OBJECT_NAME", one_line(self.object_name)),
            ("OBJECT_ID", one_line(object_id)),
            ("CENTER_NAME", "EARTH".to_owned()),
            ("REF_FRAME", "TEME".to_owned()),
            ("TIME_SYSTEM", "UTC".to_owned()),
            ("START_TIME", time(first)),
            ("STOP_TIME", time(last)),
            ("INTERPOLATION", method.to_owned()),
            ("INTERPOLATION_DEGREE", degree.to_string()),
        ]
    }

    fn ends(&self) -> Option<(&'a EphemerisState, &'a EphemerisState)> {
        Some((self.states.first()?, self.states.last()?))
    }
}

/// A message in keyword-value notation.
#[must_use]
pub fn write_kvn(header: &OemHeader<'_>, segments: &[OemSegment<'_>]) -> String {
    let mut out = String::new();
    let value = |out: &mut String, keyword: &str, value: &str| {
        let _ = writeln!(out, "{keyword} = {value}");
    };
    value(&mut out, "CCSDS_OEM_VERS", "3.0");
    value(&mut out, "CREATION_DATE", &time(header.created));
    value(&mut out, "ORIGINATOR", &one_line(header.originator));
    for segment in segments {
        let Some((first, last)) = segment.ends() else {
            continue;
        };
        out.push_str("\nMETA_START\n");
        for comment in segment.comments {
            let _ = writeln!(out, "COMMENT {}", one_line(comment));
        }
        for (keyword, text) in segment.metadata(first.time, last.time) {
            value(&mut out, keyword, &text);
        }
        out.push_str("META_STOP\n");
        for state in segment.states {
            let [x, y, z] = state.state.position_km;
            let [x_dot, y_dot, z_dot] = state.state.velocity_km_s;
            let _ = writeln!(
                out,
                "{} {x:.9} {y:.9} {z:.9} {x_dot:.12} {y_dot:.12} {z_dot:.12}",
                time(state.time)
            );
        }
    }
    out
}

/// A message in XML.
#[must_use]
pub fn write_xml(header: &OemHeader<'_>, segments: &[OemSegment<'_>]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<oem id=\"CCSDS_OEM_VERS\" version=\"3.0\"><header><CREATION_DATE>{}</CREATION_DATE>\
         <ORIGINATOR>{}</ORIGINATOR></header><body>",
        time(header.created),
        escape(header.originator)
    );
    for segment in segments {
        let Some((first, last)) = segment.ends() else {
            continue;
        };
        out.push_str("<segment><metadata>");
        for comment in segment.comments {
            let _ = write!(out, "<COMMENT>{}</COMMENT>", escape(comment));
        }
        for (keyword, text) in segment.metadata(first.time, last.time) {
            let _ = write!(out, "<{keyword}>{}</{keyword}>", escape(&text));
        }
        out.push_str("</metadata><data>\n");
        for state in segment.states {
            let [x, y, z] = state.state.position_km;
            let [x_dot, y_dot, z_dot] = state.state.velocity_km_s;
            let _ = writeln!(
                out,
                "<stateVector><EPOCH>{}</EPOCH><X>{x:.9}</X><Y>{y:.9}</Y><Z>{z:.9}</Z>\
                 <X_DOT>{x_dot:.12}</X_DOT><Y_DOT>{y_dot:.12}</Y_DOT><Z_DOT>{z_dot:.12}</Z_DOT>\
                 </stateVector>",
                time(state.time)
            );
        }
        out.push_str("</data></segment>\n");
    }
    out.push_str("</body></oem>\n");
    out
}

fn time(time: UtcMicros) -> String {
    let text = time.to_string();
    text.trim_end_matches('Z').to_owned()
}

/// A value of KVN ends with its line.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
