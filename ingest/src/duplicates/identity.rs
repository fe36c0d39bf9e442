//! What a row is of: which frame or packet, received when and in which contact.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::datatypes::{Int16Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use lake::DAY_COLUMN;
use schemas::record::Quality;
use schemas::tables::LEADING_COLUMNS;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128, xxh3_128_with_seed};

/// Tables whose rows can be received twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `frames`.
    Frames,
    /// `packets`.
    Packets,
    /// A telemetry table: a row a packet.
    Telemetry,
}

impl Kind {
    /// The kind of a table; `None` if its rows have no identity.
    pub(crate) fn of(table: &str, batch: &RecordBatch) -> Option<Self> {
        let has = |columns: &[&str]| columns.iter().all(|c| batch.column_by_name(c).is_some());
        let common = ["spacecraft", "contact", "quality", "virtual_channel"];
        let kind = match table {
            "frames" => has(&["received", "frame_count", "data"]).then_some(Self::Frames),
            "packets" => has(&["time", "apid", "sequence_count", "data"]).then_some(Self::Packets),
            _ => has(&["time", "apid", "sequence_count"]).then_some(Self::Telemetry),
        };
        kind.filter(|_| has(&common))
    }

    /// The column that says when.
    pub(crate) fn time_column(self) -> &'static str {
        match self {
            Self::Frames => "received",
            Self::Packets | Self::Telemetry => "time",
        }
    }

    /// How far apart in time two copies may be, in microseconds: a packet carries its time, two
    /// stations note the reception of a frame each for themselves.
    pub(crate) fn spread(self) -> i64 {
        match self {
            Self::Frames => FRAME_SPREAD,
            Self::Packets | Self::Telemetry => 0,
        }
    }
}

/// Which frame or packet a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// Number of the spacecraft's name in [`Texts`].
    pub(crate) spacecraft: u32,
    /// Number of the contact's name, and of the log's if it is another one.
    pub(crate) contact: u32,
    /// Virtual channel and frame count, or virtual channel, APID and sequence count.
    pub(crate) number: u64,
    /// Microseconds since 1970-01-01 UTC.
    pub(crate) time: i64,
    /// [`Quality`] as an octet; the lower the better.
    pub(crate) quality: u8,
    /// Hash of the octets, or of the telemetry values.
    content: u128,
    /// Telemetry: number of the mission version, without which values mean nothing.
    version: u32,
    /// The same octets may come again soon without being the same frame.
    repeats: bool,
}

impl Identity {
    /// Whether two rows with the same spacecraft and number are of the same frame or packet.
    pub(crate) fn is_copy(&self, other: &Self, kind: Kind) -> bool {
        let apart = self.time.abs_diff(other.time);
        let equal = self.content == other.content;
        match kind {
            Kind::Frames if equal && !self.repeats => apart <= FRAME_SPREAD.unsigned_abs(),
            Kind::Frames if equal => apart <= FRAME_LIGHT_TIME,
            Kind::Frames => {
                let is_bad = |quality: u8| quality >= Quality::Bad as u8;
                apart <= FRAME_LIGHT_TIME && is_bad(self.quality) != is_bad(other.quality)
            }
            Kind::Packets => apart == 0 && (equal || self.quality != other.quality),
            Kind::Telemetry => {
                let comparable = self.version == other.version;
                apart == 0 && (equal || !comparable || self.quality != other.quality)
            }
        }
    }
}

/// Texts that stand in many rows, by number.
#[derive(Default)]
pub(crate) struct Texts {
    numbers: HashMap<String, u32>,
}

impl Texts {
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        number
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }
}

/// The identity of each row; `None` for rows without a time or a number, which nobody can tell
/// apart. `log` is the name of the log that they came from, if it is another than this worker's.
pub(crate) fn identities(
    batch: &RecordBatch,
    kind: Kind,
    texts: &mut Texts,
    log: Option<&str>,
) -> Result<Vec<Option<Identity>>, ArrowError> {
    let column = |name: &str| batch.column_by_name(name).cloned();
    let shorts = |name: &str| {
        let array = column(name)?;
        array.as_primitive_opt::<Int16Type>().cloned()
    };
    let times = column(kind.time_column());
    let times = times.and_then(|t| t.as_primitive_opt::<TimestampMicrosecondType>().cloned());
    let (Some(times), Some(channels)) = (times, shorts("virtual_channel")) else {
        return Ok(vec![None; batch.num_rows()]);
    };
    let spacecraft = numbers(column("spacecraft"), texts, None);
    let contacts = numbers(column("contact"), texts, log);
    let qualities = qualities(column("quality"));
    let data = column("data").and_then(|data| data.as_binary_opt::<i32>().cloned());
    let counts = column("frame_count").and_then(|c| c.as_primitive_opt::<Int64Type>().cloned());
    let (apids, sequences) = (shorts("apid"), shorts("sequence_count"));
    let versions = match kind {
        Kind::Telemetry => numbers(column("mission_version"), texts, None),
        Kind::Frames | Kind::Packets => Vec::new(),
    };
    let contents = match (kind, &data) {
        (Kind::Telemetry, _) => value_hashes(batch)?,
        (_, Some(data)) => (0..data.len())
            .map(|row| xxh3_128(data.value(row)))
            .collect(),
        (_, None) => return Ok(vec![None; batch.num_rows()]),
    };
    let identity = |row: usize| {
        if times.is_null(row) {
            return None;
        }
        let channel = match channels.is_null(row) {
            true => u16::MAX,
            false => channels.value(row).cast_unsigned(),
        };
        let (number, repeats) = match kind {
            Kind::Frames => {
                let counts = counts.as_ref().filter(|counts| !counts.is_null(row))?;
                let repeats = counter_repeats(octets(data.as_ref()?, row))?;
                let count = counts.value(row).cast_unsigned() & FRAME_COUNT_MAX;
                (u64::from(channel & 0xff) << 56 | count, repeats)
            }
            Kind::Packets | Kind::Telemetry => {
                let apid = apids.as_ref().filter(|apids| !apids.is_null(row))?;
                let sequence = sequences.as_ref().filter(|counts| !counts.is_null(row))?;
                let apid = u64::from(apid.value(row).cast_unsigned());
                let sequence = u64::from(sequence.value(row).cast_unsigned());
                (u64::from(channel) << 32 | apid << 16 | sequence, false)
            }
        };
        Some(Identity {
            spacecraft: spacecraft.get(row).copied().unwrap_or_default(),
            contact: contacts.get(row).copied().unwrap_or_default(),
            number,
            time: times.value(row),
            quality: qualities.get(row).copied().unwrap_or(Quality::Bad as u8),
            content: contents.get(row).copied().unwrap_or_default(),
            version: versions.get(row).copied().unwrap_or_default(),
            repeats,
        })
    };
    Ok((0..batch.num_rows()).map(identity).collect())
}

fn octets(data: &BinaryArray, row: usize) -> &[u8] {
    if data.is_null(row) {
        &[]
    } else {
        data.value(row)
    }
}

/// Whether a frame's count comes again so soon that a frame without data looks the same then;
/// `None` for a frame without a count.
fn counter_repeats(frame: &[u8]) -> Option<bool> {
    let first = frame.first()?;
    match first >> 6 {
        // TM, CCSDS 132.0-B-3 4.1.2: 8 bits. Only idle data repeat: first header pointer 0x7FE.
        0 => {
            let status = u16::from_be_bytes(*frame.get(4..6)?.first_chunk()?);
            Some(status & 0x7ff == 0x7fe)
        }
        // AOS, CCSDS 732.0-B-4 4.1.2: 24 bits.
        1 => Some(false),
        // USLP, CCSDS 732.1-B-2 4.1.2: none to 7 octets; a truncated frame has none.
        _ if first >> 4 == 0b1100 && frame.get(3)? & 1 == 0 => match frame.get(6)? & 0x07 {
            0 => None,
            length => Some(length < 3),
        },
        _ => None,
    }
}

/// Numbers of a column's texts; null is the empty text.
fn numbers(column: Option<ArrayRef>, texts: &mut Texts, log: Option<&str>) -> Vec<u32> {
    let array = column
        .as_ref()
        .and_then(|column| column.as_string_opt::<i32>());
    let Some(array) = array else {
        return Vec::new();
    };
    let mut last: Option<(&str, u32)> = None;
    let mut numbers = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        let text = if array.is_null(row) {
            ""
        } else {
            array.value(row)
        };
        let number = match last {
            Some((known, number)) if known == text => number,
            _ => match log {
                Some(log) => texts.number(&format!("{text}\n{log}")),
                None => texts.number(text),
            },
        };
        last = Some((text, number));
        numbers.push(number);
    }
    numbers
}

fn qualities(column: Option<ArrayRef>) -> Vec<u8> {
    let array = column
        .as_ref()
        .and_then(|column| column.as_string_opt::<i32>());
    let all = [
        Quality::Good,
        Quality::Corrected,
        Quality::Unchecked,
        Quality::Bad,
    ];
    let octet = |word: Option<&str>| {
        let known = all
            .into_iter()
            .find(|quality| Some(quality.as_str()) == word);
        known.unwrap_or(Quality::Bad) as u8
    };
    array.map_or_else(Vec::new, |array| array.iter().map(octet).collect())
}

/// A hash of each row's telemetry values. The order of columns and columns without a value do not
/// matter: a table's files differ in both.
fn value_hashes(batch: &RecordBatch) -> Result<Vec<u128>, ArrowError> {
    let mut hashes = vec![0u128; batch.num_rows()];
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let name = field.name().as_str();
        // They say where a row is from, and not what it says.
        let leading = LEADING_COLUMNS.contains(&name) || name == DAY_COLUMN;
        if leading || array.null_count() == array.len() {
            continue;
        }
        let seed = xxh3_64(field.name().as_bytes());
        let converter = RowConverter::new(vec![SortField::new(array.data_type().clone())])?;
        let rows = converter.convert_columns(std::slice::from_ref(array))?;
        for (row, hash) in hashes.iter_mut().enumerate() {
            if !array.is_null(row) {
                let value = xxh3_128_with_seed(rows.row(row).data(), seed);
                *hash = hash.wrapping_add(value);
            }
        }
    }
    Ok(hashes)
}

/// Stations' clocks and networks differ by less.
const FRAME_SPREAD: i64 = 60_000_000;

/// Light takes so long across the Earth, in microseconds, and clocks of stations that tell
/// reception times apart are better than that.
const FRAME_LIGHT_TIME: u64 = 50_000;

/// 56 bits, the longest count that there is.
const FRAME_COUNT_MAX: u64 = (1 << 56) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(time: i64, quality: Quality, content: u128) -> Identity {
        Identity {
            spacecraft: 0,
            contact: 0,
            number: 1,
            time,
            quality: quality as u8,
            content,
            version: 0,
            repeats: false,
        }
    }

    #[test]
    fn a_packet_is_a_copy_at_the_same_time_with_the_same_octets_or_another_quality() {
        let good = identity(5, Quality::Good, 1);
        assert!(good.is_copy(&identity(5, Quality::Good, 1), Kind::Packets));
        assert!(good.is_copy(&identity(5, Quality::Bad, 2), Kind::Packets));
        assert!(!good.is_copy(&identity(5, Quality::Good, 2), Kind::Packets));
        assert!(!good.is_copy(&identity(6, Quality::Good, 1), Kind::Packets));
    }

    #[test]
    fn telemetry_of_two_mission_versions_is_of_one_packet() {
        let old = identity(5, Quality::Good, 1);
        let new = Identity {
            version: 1,
            ..identity(5, Quality::Good, 2)
        };
        assert!(old.is_copy(&new, Kind::Telemetry));
        assert!(!old.is_copy(&identity(5, Quality::Good, 2), Kind::Telemetry));
    }

    #[test]
    fn a_frame_is_a_copy_soon_after_and_idle_frames_only_at_once() {
        let frame = identity(0, Quality::Good, 1);
        assert!(frame.is_copy(&identity(30_000_000, Quality::Good, 1), Kind::Frames));
        assert!(!frame.is_copy(&identity(61_000_000, Quality::Good, 1), Kind::Frames));
        assert!(!frame.is_copy(&identity(0, Quality::Corrected, 2), Kind::Frames));
        assert!(frame.is_copy(&identity(40_000, Quality::Bad, 2), Kind::Frames));
        assert!(!frame.is_copy(&identity(60_000, Quality::Bad, 2), Kind::Frames));
        let idle = Identity {
            repeats: true,
            ..frame
        };
        assert!(idle.is_copy(&identity(40_000, Quality::Good, 1), Kind::Frames));
        assert!(!idle.is_copy(&identity(60_000, Quality::Good, 1), Kind::Frames));
    }

    #[test]
    fn counters_are_as_long_as_the_standards_say() {
        let tm = |pointer: u16| {
            let [a, b] = pointer.to_be_bytes();
            [0x02, 0x10, 7, 7, 0x18 | a, b]
        };
        assert_eq!(counter_repeats(&tm(0x7fe)), Some(true));
        assert_eq!(counter_repeats(&tm(0)), Some(false));
        assert_eq!(counter_repeats(&[0x42, 0, 0]), Some(false));
        assert_eq!(counter_repeats(&[0xc0, 0, 0, 0, 0, 0, 0x00, 0]), None);
        assert_eq!(counter_repeats(&[0xc0, 0, 0, 0, 0, 0, 0x02, 0]), Some(true));
        assert_eq!(counter_repeats(&[0xc0, 0, 0, 1]), None);
        assert_eq!(counter_repeats(&[]), None);
    }
}
