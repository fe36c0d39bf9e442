//! The packets (or elements of packets) that a program runs over.

use std::cell::OnceCell;

use super::bits::Strided;

/// A position behind everything: what follows an entry of unknown size is unknown too.
pub(super) const NOWHERE: i64 = i64::MAX / 4;

/// Rows of a program: where each begins and where its packet ends, in bits of `data`.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    pub(super) data: &'a [u8],
    count: usize,
    /// All rows have this many octets, end to end from the first octet of `data`.
    stride: Option<usize>,
    starts: OnceCell<Vec<i64>>,
    ends: OnceCell<Vec<i64>>,
    /// Bits of the shortest row.
    pub(super) shortest: i64,
    /// For each row, the row of the packets it comes from; `None`: rows are packets.
    packets: Option<Vec<u32>>,
}

impl<'a> Rows<'a> {
    /// Packets of one length, end to end.
    pub(super) fn strided(data: &'a [u8], stride: usize) -> Self {
        let stride = stride.max(1);
        let count = data.len() / stride;
        Self {
            data: &data[..count * stride],
            count,
            stride: Some(stride),
            starts: OnceCell::new(),
            ends: OnceCell::new(),
            shortest: if count == 0 { 0 } else { bits(stride) },
            packets: None,
        }
    }

    /// Packets or elements anywhere; `packets` says which packet an element belongs to.
    pub(super) fn scattered(
        data: &'a [u8],
        starts: Vec<i64>,
        ends: Vec<i64>,
        packets: Option<Vec<u32>>,
    ) -> Self {
        let lengths = starts.iter().zip(&ends).map(|(start, end)| end - start);
        Self {
            data,
            count: starts.len(),
            stride: None,
            shortest: lengths.min().unwrap_or(0),
            starts: OnceCell::from(starts),
            ends: OnceCell::from(ends),
            packets,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// All rows as equal slices, if they are.
    pub(super) fn as_strided(&self) -> Option<Strided<'a>> {
        self.stride.map(|stride| Strided {
            data: self.data,
            stride,
        })
    }

    /// First bit of each row.
    pub(super) fn starts(&self) -> &[i64] {
        self.starts.get_or_init(|| self.multiples(0))
    }

    /// Bit behind each row's packet.
    pub(super) fn ends(&self) -> &[i64] {
        self.ends.get_or_init(|| self.multiples(1))
    }

    fn multiples(&self, first: usize) -> Vec<i64> {
        let stride = self.stride.unwrap_or(0);
        (first..first + self.count)
            .map(|row| bits(row * stride))
            .collect()
    }

    /// The packet of a row.
    pub(super) fn packet(&self, row: usize) -> usize {
        match &self.packets {
            None => row,
            Some(packets) => packets.get(row).map_or(0, |&packet| packet as usize),
        }
    }
}

/// Octets to bits; slices are shorter than 2^60.
pub(super) fn bits(octets: usize) -> i64 {
    i64::try_from(octets).map_or(NOWHERE, |octets| octets.saturating_mul(8))
}
