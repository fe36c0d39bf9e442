//! OMM in keyword-value notation; several messages may follow each other.

use std::borrow::Cow;
use std::fmt::Write;

use super::{FIXED, METADATA, Scalar, Values, written};
use crate::orbit::Elements;
use crate::orbit::file::OrbitFile;
use crate::orbit::ndm::{Content, lines};

/// Reads the messages; one begins at its version, or where a keyword comes again.
pub(in crate::orbit) fn read(text: &str, file: &mut OrbitFile) {
    let mut values = Values::default();
    let mut begun = None;
    for line in lines(text) {
        let Content::Value(keyword, value) = line.content else {
            continue;
        };
        if keyword == "CCSDS_OMM_VERS" {
            if let Some(begun) = begun {
                std::mem::take(&mut values).finish(Some(begun), file);
            }
            begun = Some(line.number);
        } else {
            values.set(keyword, Scalar::Text(Cow::Borrowed(value)));
        }
    }
    if let Some(begun) = begun {
        values.finish(Some(begun), file);
    }
}

/// Elements as OMM in keyword-value notation, one message after the other.
#[must_use]
pub fn write(elements: &[Elements], originator: &str) -> String {
    let mut text = String::new();
    for elements in elements {
        let values = written(elements);
        let (metadata, data) = values.split_at(METADATA);
        let header = [
            ("CCSDS_OMM_VERS", "3.0".to_owned()),
            ("CREATION_DATE", values[METADATA].1.clone()),
            ("ORIGINATOR", originator.to_owned()),
        ];
        let fixed = FIXED.map(|(keyword, value)| (keyword, value.to_owned()));
        let all = header.iter().chain(metadata).chain(&fixed).chain(data);
        for (keyword, value) in all.filter(|(_, value)| !value.is_empty()) {
            // A value ends with its line.
            let value = value.replace(['\n', '\r'], " ");
            let _ = writeln!(text, "{keyword} = {value}");
        }
        text.push('\n');
    }
    text
}
