//! The headers of a record, and what each must be.

use schemas::record::{NO_TIME, NO_VIRTUAL_CHANNEL, Quality};

use crate::error::CodecError;
use crate::names;
use crate::text::{parse_number, parse_quality, parse_time};

/// The headers that mean something here.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    pub(crate) spacecraft: Option<&'a [u8]>,
    pub(crate) station: Option<&'a [u8]>,
    pub(crate) contact: Option<&'a [u8]>,
    pub(crate) mission_version: Option<&'a [u8]>,
    pub(crate) sequence: Option<&'a [u8]>,
    pub(crate) time: Option<&'a [u8]>,
    pub(crate) received: Option<&'a [u8]>,
    pub(crate) virtual_channel: Option<&'a [u8]>,
    pub(crate) quality: Option<&'a [u8]>,
    pub(crate) frame_count: Option<&'a [u8]>,
    pub(crate) corrected_symbols: Option<&'a [u8]>,
    pub(crate) table: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    pub(crate) fn read(headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            let field = match name {
                names::SPACECRAFT => &mut fields.spacecraft,
                names::STATION => &mut fields.station,
                names::CONTACT => &mut fields.contact,
                names::MISSION_VERSION => &mut fields.mission_version,
                names::SEQUENCE => &mut fields.sequence,
                names::TIME => &mut fields.time,
                names::RECEIVED => &mut fields.received,
                names::VIRTUAL_CHANNEL => &mut fields.virtual_channel,
                names::QUALITY => &mut fields.quality,
                names::FRAME_COUNT => &mut fields.frame_count,
                names::CORRECTED_SYMBOLS => &mut fields.corrected_symbols,
                names::TABLE => &mut fields.table,
                _ => continue,
            };
            *field = value;
        }
        fields
    }
}

pub(crate) fn text<'a>(
    name: &'static str,
    field: Option<&'a [u8]>,
) -> Result<Option<&'a str>, CodecError> {
    let Some(octets) = field else {
        return Ok(None);
    };
    match std::str::from_utf8(octets) {
        Ok(text) if text.len() <= TEXT_OCTETS_MAX => Ok(Some(text)),
        _ => Err(wrong(name, octets, "UTF-8 of up to 1,024 octets")),
    }
}

fn wrong(name: &'static str, octets: &[u8], expected: &'static str) -> CodecError {
    let shown = &octets[..octets.len().min(40)];
    CodecError::Header {
        name,
        text: String::from_utf8_lossy(shown).into_owned(),
        expected,
    }
}

pub(crate) fn required_number(
    name: &'static str,
    field: Option<&[u8]>,
    max: u64,
) -> Result<u64, CodecError> {
    let octets = field.ok_or(CodecError::Header {
        name,
        text: String::new(),
        expected: "a number",
    })?;
    parse_number(octets)
        .filter(|number| *number <= max)
        .ok_or_else(|| wrong(name, octets, "a number in its range"))
}

pub(crate) fn time(name: &'static str, field: Option<&[u8]>) -> Result<i64, CodecError> {
    field.map_or(Ok(NO_TIME), |octets| {
        parse_time(octets).ok_or_else(|| wrong(name, octets, "a time as in RFC 3339"))
    })
}

pub(crate) fn virtual_channel(fields: &Fields<'_>) -> Result<Option<u8>, CodecError> {
    match fields.virtual_channel {
        None => Ok(None),
        some => {
            let max = u64::from(NO_VIRTUAL_CHANNEL) - 1;
            required_number(names::VIRTUAL_CHANNEL, some, max).map(|number| Some(number as u8))
        }
    }
}

pub(crate) fn quality(fields: &Fields<'_>) -> Result<Quality, CodecError> {
    let octets = fields.quality.ok_or(CodecError::Absent {
        what: "header quality",
    })?;
    parse_quality(octets)
        .ok_or_else(|| wrong(names::QUALITY, octets, "good, corrected, unchecked or bad"))
}

/// The longest text in a header.
const TEXT_OCTETS_MAX: usize = 1_024;
