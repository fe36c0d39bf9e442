//! OMM in XML (CCSDS 505.0-B-3).

use std::borrow::Cow;
use std::fmt::Write;

use super::{FIXED, MEAN_ELEMENTS, METADATA, Scalar, Values, written};
use crate::orbit::Elements;
use crate::orbit::file::OrbitFile;
use crate::orbit::ndm::{escape, text};

/// Reads one `omm` element, which begins at a line.
pub(in crate::orbit) fn read(message: roxmltree::Node<'_, '_>, line: usize, file: &mut OrbitFile) {
    let mut values = Values::default();
    for node in message.descendants().filter(roxmltree::Node::is_element) {
        let value = Scalar::Text(Cow::Borrowed(text(node)));
        values.set(node.tag_name().name(), value);
    }
    values.finish(Some(line), file);
}

/// Elements as OMM in XML, in one `ndm`.
#[must_use]
pub fn write(elements: &[Elements], originator: &str) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ndm>\n");
    let tag = |out: &mut String, keyword: &str, value: &str| {
        if !value.is_empty() {
            let _ = write!(out, "<{keyword}>{}</{keyword}>", escape(value));
        }
    };
    for elements in elements {
        let values = written(elements);
        out.push_str("<omm id=\"CCSDS_OMM_VERS\" version=\"3.0\"><header>");
        tag(&mut out, "CREATION_DATE", &values[METADATA].1);
        tag(&mut out, "ORIGINATOR", originator);
        out.push_str("</header><body><segment><metadata>");
        for (keyword, value) in &values[..METADATA] {
            tag(&mut out, keyword, value);
        }
        for (keyword, value) in FIXED {
            tag(&mut out, keyword, value);
        }
        out.push_str("</metadata><data><meanElements>");
        for (keyword, value) in &values[METADATA..MEAN_ELEMENTS] {
            tag(&mut out, keyword, value);
        }
        out.push_str("</meanElements><tleParameters>");
        for (keyword, value) in &values[MEAN_ELEMENTS..] {
            tag(&mut out, keyword, value);
        }
        out.push_str("</tleParameters></data></segment></body></omm>\n");
    }
    out.push_str("</ndm>\n");
    out
}
