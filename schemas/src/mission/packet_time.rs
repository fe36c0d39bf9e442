//! Where a packet carries its generation time, compiled for one look-up a packet.

use space_link::time::{CdsFormat, CucFormat, Epoch, Submillisecond, TimeScale, UtcMicros};

use super::file::{ApidEntry, CodeName, PacketTimeEntry, ScaleName};
use super::{KeyProblem, Wrong};
use crate::record::NO_TIME;

/// Reads the generation time out of packets, by APID (CCSDS 301.0-B-4 codes without P-field).
#[derive(Clone, Debug, PartialEq)]
pub struct PacketTimes {
    /// For each APID one more than the index of its field, 0 for none.
    field_of: Box<[u8; APIDS]>,
    fields: Vec<TimeField>,
}

#[derive(Clone, Debug, PartialEq)]
struct TimeField {
    offset: usize,
    code: Code,
    /// The field is there even if the header does not announce a secondary header.
    always: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Code {
    /// 16-bit day, milliseconds of day, 16-bit microseconds, in UTC: by far the most usual, read at
    /// once. Microseconds from 1970-01-01 to its epoch.
    UsualCds(i64),
    Cds(CdsFormat),
    Cuc(CucFormat),
}

impl PacketTimes {
    /// Generation time in microseconds since 1970-01-01 UTC, [`NO_TIME`] where the packet carries
    /// none or an impossible one.
    #[inline]
    pub fn time_of(&self, packet: &[u8]) -> i64 {
        let Some(&[first, second]) = packet.first_chunk::<2>() else {
            return NO_TIME;
        };
        let apid = usize::from(u16::from_be_bytes([first & 0x07, second]));
        let Some(field) = usize::from(self.field_of[apid])
            .checked_sub(1)
            .and_then(|index| self.fields.get(index))
        else {
            return NO_TIME;
        };
        if first & SECONDARY_HEADER_FLAG == 0 && !field.always {
            return NO_TIME;
        }
        let Some(octets) = packet.get(field.offset..) else {
            return NO_TIME;
        };
        field.decode(octets).unwrap_or(NO_TIME)
    }

    /// Whether packets of any APID carry a time.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub(super) fn resolve(entries: &[PacketTimeEntry]) -> Result<Self, Wrong> {
        let mut times = Self {
            field_of: Box::new([0; APIDS]),
            fields: Vec::new(),
        };
        if entries.len() > ENTRIES_MAX {
            return Err((
                "packet_time".into(),
                KeyProblem::OutOfRange {
                    got: entries.len() as u64,
                    min: 0,
                    max: ENTRIES_MAX as u64,
                },
            ));
        }
        for (index, entry) in entries.iter().enumerate() {
            let key = format!("packet_time[{index}]");
            times.fields.push(TimeField::resolve(entry, &key)?);
            let mark = times.fields.len() as u8;
            let all = [ApidEntry::Range(format!("0-{}", APIDS - 1))];
            for apids in entry.apids.as_deref().unwrap_or(&all) {
                let (first, last) = apid_range(apids).ok_or_else(|| {
                    (
                        format!("{key}.apids"),
                        KeyProblem::Apid { got: shown(apids) },
                    )
                })?;
                for slot in &mut times.field_of[first..=last] {
                    if *slot == 0 {
                        *slot = mark;
                    }
                }
            }
        }
        Ok(times)
    }
}

impl TimeField {
    #[inline]
    fn decode(&self, octets: &[u8]) -> Option<i64> {
        match &self.code {
            Code::UsualCds(epoch) => {
                let field = u64::from_be_bytes(*octets.first_chunk::<8>()?);
                let day = (field >> 48) as i64;
                let millisecond = (field >> 16) as u32;
                let microsecond = field as u16;
                if millisecond > MILLISECOND_OF_DAY_MAX || microsecond > 999 {
                    return None;
                }
                let elapsed = day * DAY + i64::from(millisecond) * 1_000 + i64::from(microsecond);
                epoch.checked_add(elapsed)
            }
            Code::Cds(format) => format.decode(octets).ok().map(UtcMicros::get),
            Code::Cuc(format) => format.decode(octets).ok().map(UtcMicros::get),
        }
    }

    fn resolve(entry: &PacketTimeEntry, key: &str) -> Result<Self, Wrong> {
        let bounded = |name: &str, got: usize, min: usize, max: usize| {
            if (min..=max).contains(&got) {
                return Ok(got);
            }
            let (got, min, max) = (got as u64, min as u64, max as u64);
            Err((
                format!("{key}.{name}"),
                KeyProblem::OutOfRange { got, min, max },
            ))
        };
        let scale = match (entry.scale, entry.code) {
            (Some(ScaleName::Utc), _) | (None, CodeName::Cds) => TimeScale::Utc,
            (Some(ScaleName::Tai), _) | (None, CodeName::Cuc) => TimeScale::Tai,
            (Some(ScaleName::Gps), _) => TimeScale::Gps,
            (Some(ScaleName::Tt), _) => TimeScale::Tt,
        };
        let epoch = parse_epoch(entry.epoch.as_deref().unwrap_or(CCSDS_EPOCH), scale)
            .map_err(|problem| (format!("{key}.epoch"), problem))?;
        let foreign =
            |name: &str, hint| Err((format!("{key}.{name}"), KeyProblem::Conflict { hint }));
        let code = match entry.code {
            CodeName::Cds => {
                if entry.coarse_octets.is_some() || entry.fine_octets.is_some() {
                    return foreign(
                        "coarse_octets",
                        "belongs to cuc; a cds has day_octets and submillisecond_octets",
                    );
                }
                let day = bounded("day_octets", entry.day_octets.unwrap_or(2), 2, 3)?;
                let below = entry.submillisecond_octets.unwrap_or(2);
                let submillisecond = match below {
                    0 => Submillisecond::None,
                    2 => Submillisecond::Micro,
                    4 => Submillisecond::Pico,
                    _ => {
                        let got = below.to_string();
                        let allowed = "0 (none), 2 (microseconds), 4 (picoseconds)";
                        return Err((
                            format!("{key}.submillisecond_octets"),
                            KeyProblem::Unknown { got, allowed },
                        ));
                    }
                };
                if (day, below, scale) == (2, 2, TimeScale::Utc) {
                    Code::UsualCds(epoch.reading())
                } else {
                    Code::Cds(
                        CdsFormat::new(epoch, day as u8, submillisecond)
                            .map_err(|_| out_of_range(key, "day_octets", day, 2, 3))?,
                    )
                }
            }
            CodeName::Cuc => {
                if entry.day_octets.is_some() || entry.submillisecond_octets.is_some() {
                    return foreign(
                        "day_octets",
                        "belongs to cds; a cuc has coarse_octets and fine_octets",
                    );
                }
                let coarse = bounded("coarse_octets", entry.coarse_octets.unwrap_or(4), 1, 7)?;
                let fine = bounded("fine_octets", entry.fine_octets.unwrap_or(0), 0, 10)?;
                Code::Cuc(
                    CucFormat::new(epoch, coarse as u8, fine as u8)
                        .map_err(|_| out_of_range(key, "coarse_octets", coarse, 1, 7))?,
                )
            }
        };
        Ok(Self {
            offset: bounded("offset_octets", entry.offset_octets, 6, PACKET_OCTETS_MAX)?,
            code,
            always: entry.ignore_secondary_header_flag,
        })
    }
}

fn out_of_range(key: &str, name: &str, got: usize, min: u64, max: u64) -> Wrong {
    (
        format!("{key}.{name}"),
        KeyProblem::OutOfRange {
            got: got as u64,
            min,
            max,
        },
    )
}

/// A date `YYYY-MM-DD` or a date and time.
fn parse_epoch(text: &str, scale: TimeScale) -> Result<Epoch, KeyProblem> {
    let whole = if text.contains('T') {
        text.to_owned()
    } else {
        format!("{text}T00:00:00")
    };
    Epoch::parse(&whole, scale).map_err(|_| KeyProblem::Date {
        got: text.escape_default().to_string(),
    })
}

fn apid_range(entry: &ApidEntry) -> Option<(usize, usize)> {
    let (first, last) = match entry {
        ApidEntry::One(apid) => (usize::try_from(*apid).ok()?, usize::try_from(*apid).ok()?),
        ApidEntry::Range(text) => {
            let (first, last) = text.split_once('-')?;
            (first.trim().parse().ok()?, last.trim().parse().ok()?)
        }
    };
    (first <= last && last < APIDS).then_some((first, last))
}

fn shown(entry: &ApidEntry) -> String {
    match entry {
        ApidEntry::One(apid) => apid.to_string(),
        ApidEntry::Range(text) => text.escape_default().to_string(),
    }
}

const APIDS: usize = 2048;
const ENTRIES_MAX: usize = 255;
const SECONDARY_HEADER_FLAG: u8 = 0x08;
const PACKET_OCTETS_MAX: usize = 65_542;
const DAY: i64 = 86_400_000_000;
/// A day that ends in a leap second has 86,401 seconds.
const MILLISECOND_OF_DAY_MAX: u32 = 86_400_999;
const CCSDS_EPOCH: &str = "1958-01-01";
