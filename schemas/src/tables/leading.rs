//! The leading columns of telemetry tables and `packets`.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Int16Array, PrimitiveArray, StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;

use super::UTC;
use crate::record::{NO_TIME, NO_VIRTUAL_CHANNEL, PacketBlock, Quality};

/// Where records came from: the columns that are the same for a whole contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Source {
    /// Name of the spacecraft.
    pub spacecraft: String,
    /// Name of the ground station; `None` where no one knows.
    pub station: Option<String>,
    /// The contact's identity.
    pub contact: Option<String>,
    /// Version of the mission folder.
    pub mission_version: Option<String>,
}

/// Packets of a block.
#[derive(Clone, Debug)]
pub enum Selection<'a> {
    /// Neighbours.
    Range(Range<usize>),
    /// Any, by index.
    Rows(&'a [u32]),
}

impl Selection<'_> {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::Range(range) => range.len(),
            Self::Rows(rows) => rows.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The block's index of the selection's first packet.
    pub fn first(&self) -> Option<usize> {
        match self {
            Self::Range(range) => (!range.is_empty()).then_some(range.start),
            Self::Rows(rows) => rows.first().map(|&row| row as usize),
        }
    }

    /// Values of a column for these packets; `None` if one of them lies outside.
    pub fn pick<T: Copy, U>(&self, column: &[T], convert: impl Fn(T) -> U) -> Option<Vec<U>> {
        match self {
            Self::Range(range) => Some(
                column
                    .get(range.clone())?
                    .iter()
                    .map(|&value| convert(value))
                    .collect(),
            ),
            Self::Rows(rows) => {
                let mut picked = Vec::with_capacity(rows.len());
                for &row in *rows {
                    picked.push(convert(*column.get(row as usize)?));
                }
                Some(picked)
            }
        }
    }
}

/// Builds leading columns; those that are the same for a whole contact are made once.
#[derive(Debug, Default)]
pub struct LeadingColumns {
    source: Source,
    constants: Vec<Constant>,
}

impl LeadingColumns {
    /// The ten leading columns for some packets of a block.
    ///
    /// # Errors
    /// When the selection lies outside the block, the block's columns differ in length, or its
    /// offsets do not fit its octets.
    pub fn arrays(
        &mut self,
        block: &PacketBlock,
        selection: &Selection<'_>,
        source: &Source,
    ) -> Result<Vec<ArrayRef>, ArrowError> {
        if self.source != *source || self.constants.is_empty() {
            self.source = source.clone();
            self.constants = constants(source);
        }
        let length = selection.len();
        let (apid, sequence_count) = identifiers(block, selection)?;
        let pick_time = |column: &[i64]| {
            selection
                .pick(column, |time| time)
                .map(times)
                .ok_or_else(outside)
        };
        let qualities = selection
            .pick(&block.quality, |octet| octet)
            .ok_or_else(outside)?;
        let channels = selection
            .pick(&block.virtual_channel, |channel| channel)
            .ok_or_else(outside)?;
        Ok(vec![
            pick_time(&block.time)?,
            self.constant(SPACECRAFT, length),
            pick_time(&block.received)?,
            apid,
            sequence_count,
            virtual_channels(&channels),
            self.constant(STATION, length),
            self.constant(CONTACT, length),
            self.quality(&qualities),
            self.constant(MISSION_VERSION, length),
        ])
    }

    fn constant(&mut self, index: usize, length: usize) -> ArrayRef {
        self.constants[index].array(length)
    }

    fn quality(&mut self, octets: &[u8]) -> ArrayRef {
        match octets.split_first() {
            Some((first, rest)) if rest.iter().all(|octet| octet == first) => {
                self.constant(QUALITY + Quality::from_octet(*first) as usize, octets.len())
            }
            _ => quality_words(octets),
        }
    }
}

/// Indices of `LeadingColumns::constants`; the four words of quality come last.
const SPACECRAFT: usize = 0;
const STATION: usize = 1;
const CONTACT: usize = 2;
const MISSION_VERSION: usize = 3;
const QUALITY: usize = 4;

/// A column of one text, made once for the longest batch and cut for each.
#[derive(Debug)]
struct Constant {
    text: Option<String>,
    array: ArrayRef,
}

impl Constant {
    fn new(text: Option<&str>) -> Self {
        Self {
            text: text.map(str::to_owned),
            array: constant_text(text, 0),
        }
    }

    fn array(&mut self, length: usize) -> ArrayRef {
        if self.array.len() < length {
            self.array = constant_text(self.text.as_deref(), length);
        }
        self.array.slice(0, length)
    }
}

fn constants(source: &Source) -> Vec<Constant> {
    let texts = [
        Some(source.spacecraft.as_str()),
        source.station.as_deref(),
        source.contact.as_deref(),
        source.mission_version.as_deref(),
    ];
    let words = [
        Quality::Good,
        Quality::Corrected,
        Quality::Unchecked,
        Quality::Bad,
    ];
    let words = words.into_iter().map(|quality| Some(quality.as_str()));
    texts.into_iter().chain(words).map(Constant::new).collect()
}

/// APID and sequence count (CCSDS 133.0-B-2 4.1.3.3.4, 4.1.3.4.3); null in a stump of a packet.
fn identifiers(
    block: &PacketBlock,
    selection: &Selection<'_>,
) -> Result<(ArrayRef, ArrayRef), ArrowError> {
    let word = |offset: i32, at: usize| -> Option<[u8; 2]> {
        let start = usize::try_from(offset).ok()?.checked_add(at)?;
        block.data.get(start..)?.first_chunk::<2>().copied()
    };
    let read = |at: usize, mask: u16| {
        let value = |offset| {
            let octets = word(offset, at).unwrap_or_default();
            (u16::from_be_bytes(octets) & mask).cast_signed()
        };
        selection.pick(&block.offsets, value).ok_or_else(outside)
    };
    let behind = block.offsets.get(1..).unwrap_or(&[]);
    let starts = selection
        .pick(&block.offsets, |at| at)
        .ok_or_else(outside)?;
    let ends = selection.pick(behind, |at| at).ok_or_else(outside)?;
    let whole = |(start, end): (&i32, &i32)| end.saturating_sub(*start) >= 4;
    let nulls = (!starts.iter().zip(&ends).all(whole))
        .then(|| NullBuffer::from_iter(starts.iter().zip(&ends).map(whole)));
    let column = |values: Vec<i16>| -> ArrayRef {
        Arc::new(Int16Array::new(ScalarBuffer::from(values), nulls.clone()))
    };
    Ok((column(read(0, 0x07ff)?), column(read(2, 0x3fff)?)))
}

/// A timestamp column; [`NO_TIME`] is null.
pub(super) fn times(values: Vec<i64>) -> ArrayRef {
    let nulls = values
        .contains(&NO_TIME)
        .then(|| NullBuffer::from_iter(values.iter().map(|&time| time != NO_TIME)));
    Arc::new(TimestampMicrosecondArray::new(ScalarBuffer::from(values), nulls).with_timezone(UTC))
}

/// A virtual channel column; [`NO_VIRTUAL_CHANNEL`] is null.
pub(super) fn virtual_channels(channels: &[u8]) -> ArrayRef {
    let nulls = channels
        .contains(&NO_VIRTUAL_CHANNEL)
        .then(|| NullBuffer::from_iter(channels.iter().map(|&c| c != NO_VIRTUAL_CHANNEL)));
    let values: Vec<i16> = channels.iter().copied().map(i16::from).collect();
    let array: Int16Array = PrimitiveArray::new(ScalarBuffer::from(values), nulls);
    Arc::new(array)
}

/// The word of each quality octet.
pub(super) fn quality_words(octets: &[u8]) -> ArrayRef {
    let words = octets
        .iter()
        .map(|&octet| Quality::from_octet(octet).as_str());
    Arc::new(StringArray::from_iter_values(words))
}

/// A column of one text; `None` makes nulls.
pub(super) fn constant_text(text: Option<&str>, length: usize) -> ArrayRef {
    let Some(text) = text else {
        return Arc::new(StringArray::new_null(length));
    };
    let values = Buffer::from_vec(text.repeat(length).into_bytes());
    let offsets = OffsetBuffer::from_repeated_length(text.len(), length);
    // A repeated text is UTF-8 at every repetition; `new` would only say so again.
    match StringArray::try_new(offsets, values, None) {
        Ok(array) => Arc::new(array),
        Err(_) => Arc::new(StringArray::new_null(length)),
    }
}

pub(super) fn outside() -> ArrowError {
    ArrowError::InvalidArgumentError(
        "packets are selected that the block does not hold, or its columns differ in length"
            .to_owned(),
    )
}
