//! A recording of packets made longer: sent again and again, each time later.

use thiserror::Error;

use crate::packet::{MICROS_1958_TO_1970, MICROS_PER_DAY, cds};

/// Why packets cannot be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RepeatError {
    /// The recording does not end with a packet.
    #[error(
        "the packet at octet {offset} needs {needed} octets, the recording has {got} from there"
    )]
    Truncated {
        /// Where the packet begins.
        offset: usize,
        /// Octets of the packet, or of a header and time code.
        needed: usize,
        /// Octets up to the end of the recording.
        got: usize,
    },
    /// Moved on, a time leaves what a CDS time code can carry.
    #[error(
        "packet {packet} moved on to {micros} us since 1970 is not between 1958-01-01 and 2137-06-06"
    )]
    Time {
        /// Number of the packet in the recording, from 0.
        packet: usize,
        /// Its time in the last repetition.
        micros: i64,
    },
    /// The shifts add up to more than 64 bits hold.
    #[error("{times} times a shift of {shift} us is out of range")]
    Shift {
        /// Repetitions.
        times: u32,
        /// Shift of each, in microseconds.
        shift: i64,
    },
}

/// Space packets, over and over: each time the CDS time code is moved on by a shift and the
/// sequence counts go on where the last repetition of their APID left them.
///
/// Packets are as they were otherwise. The time code is the one of JPSS and of
/// `schemas/missions/orbital-compute`: day, millisecond, microsecond in the 8 octets after the
/// primary header; packets without a secondary header keep what is there.
#[derive(Clone, Debug)]
pub struct RepeatedPackets<'a> {
    recording: &'a [u8],
    packets: Vec<Packet>,
    /// Packets of each APID in the recording.
    of_apid: Vec<u64>,
    times: u32,
    shift: i64,
    next: u32,
}

#[derive(Clone, Copy, Debug)]
struct Packet {
    offset: usize,
    apid: u16,
    count: u16,
    /// `None` without a secondary header.
    micros: Option<i64>,
}

impl<'a> RepeatedPackets<'a> {
    /// Repeats `recording` `times` times (the first is the recording itself), each `shift_micros`
    /// later than the one before.
    ///
    /// # Errors
    /// When the recording is cut, or the last repetition has times beyond the time code.
    pub fn new(recording: &'a [u8], times: u32, shift_micros: i64) -> Result<Self, RepeatError> {
        let mut packets = Vec::new();
        let mut of_apid = vec![0; 2_048];
        let mut offset = 0;
        while offset < recording.len() {
            let packet = read(recording, offset)?;
            of_apid[usize::from(packet.0.apid)] += 1;
            packets.push(packet.0);
            offset += packet.1;
        }
        let last = i64::from(times.saturating_sub(1))
            .checked_mul(shift_micros)
            .ok_or(RepeatError::Shift {
                times,
                shift: shift_micros,
            })?;
        for (index, packet) in packets.iter().enumerate() {
            if let Some(micros) = packet.micros {
                let micros = micros.saturating_add(last);
                cds(micros).ok_or(RepeatError::Time {
                    packet: index,
                    micros,
                })?;
            }
        }
        Ok(Self {
            recording,
            packets,
            of_apid,
            times,
            shift: shift_micros,
            next: 0,
        })
    }

    /// Packets of one repetition.
    pub fn packets(&self) -> usize {
        self.packets.len()
    }

    /// First and last time in the recording, microseconds since 1970-01-01 UTC.
    pub fn span(&self) -> Option<(i64, i64)> {
        let mut times = self.packets.iter().filter_map(|packet| packet.micros);
        let first = times.next()?;
        Some(times.fold((first, first), |(low, high), time| {
            (low.min(time), high.max(time))
        }))
    }

    /// Appends the next repetition to `out`; says whether there was one.
    pub fn next_repetition(&mut self, out: &mut Vec<u8>) -> bool {
        if self.next >= self.times {
            return false;
        }
        let base = out.len();
        out.extend_from_slice(self.recording);
        // In new, the last and largest shift was seen to fit.
        let shift = i64::from(self.next).wrapping_mul(self.shift);
        for packet in &self.packets {
            let before = self.of_apid[usize::from(packet.apid)].wrapping_mul(u64::from(self.next));
            let count = (u64::from(packet.count).wrapping_add(before) & 0x3FFF) as u16;
            let at = base + packet.offset;
            let flags = out[at + 2] & 0xC0;
            let [high, low] = count.to_be_bytes();
            out[at + 2] = flags | high;
            out[at + 3] = low;
            if let Some(code) = packet
                .micros
                .and_then(|micros| cds(micros.wrapping_add(shift)))
            {
                out[at + 6..at + 14].copy_from_slice(&code);
            }
        }
        self.next += 1;
        true
    }
}

impl Iterator for RepeatedPackets<'_> {
    type Item = Vec<u8>;

    /// One repetition.
    fn next(&mut self) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(self.recording.len());
        self.next_repetition(&mut out).then_some(out)
    }
}

/// All repetitions in one buffer; see [`RepeatedPackets`].
///
/// # Errors
/// As [`RepeatedPackets::new`].
pub fn repeat_packets(
    recording: &[u8],
    times: u32,
    shift_micros: i64,
) -> Result<Vec<u8>, RepeatError> {
    let mut repeated = RepeatedPackets::new(recording, times, shift_micros)?;
    let mut out = Vec::with_capacity(recording.len().saturating_mul(times as usize));
    while repeated.next_repetition(&mut out) {}
    Ok(out)
}

fn read(recording: &[u8], offset: usize) -> Result<(Packet, usize), RepeatError> {
    let rest = &recording[offset..];
    let truncated = |needed| RepeatError::Truncated {
        offset,
        needed,
        got: rest.len(),
    };
    let &[a, b, c, d, e, f] = rest.first_chunk::<6>().ok_or_else(|| truncated(6))?;
    let octets = usize::from(u16::from_be_bytes([e, f])) + 7;
    let packet = rest.get(..octets).ok_or_else(|| truncated(octets))?;
    let has_time = a & 0x08 != 0;
    let micros = if has_time {
        let code = packet.get(6..14).ok_or_else(|| truncated(14))?;
        Some(micros_of(code))
    } else {
        None
    };
    Ok((
        Packet {
            offset,
            apid: u16::from_be_bytes([a & 0x07, b]),
            count: u16::from_be_bytes([c & 0x3F, d]),
            micros,
        },
        octets,
    ))
}

/// Each part of the code by itself, so that impossible milliseconds only move the time.
fn micros_of(code: &[u8]) -> i64 {
    let part = |from: usize, to: usize| {
        code[from..to]
            .iter()
            .fold(0_i64, |value, &octet| value << 8 | i64::from(octet))
    };
    part(0, 2) * MICROS_PER_DAY + part(2, 6) * 1_000 + part(6, 8) - MICROS_1958_TO_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two APIDs, the second without a secondary header.
    fn recording() -> Vec<u8> {
        let mut recording = Vec::new();
        for count in [16_382_u16, 16_383] {
            recording.extend([0x08, 11]);
            recording.extend((0xC000 | count).to_be_bytes());
            recording.extend([0, 9]);
            recording.extend(cds(1_700_000_000_000_500 + i64::from(count - 16_382) * 250).unwrap());
            recording.extend([0xEE; 2]);
        }
        recording.extend([0x00, 12, 0x40, 5, 0, 0, 0x77]);
        recording
    }

    #[test]
    fn times_and_counts_go_on() {
        let recording = recording();
        let day = MICROS_PER_DAY + 1;
        let out = repeat_packets(&recording, 3, day).unwrap();
        assert_eq!(out.len(), 3 * recording.len());
        assert_eq!(&out[..recording.len()], &recording);
        let again = RepeatedPackets::new(&out, 1, 0).unwrap();
        let counts: Vec<u16> = again.packets.iter().map(|packet| packet.count).collect();
        assert_eq!(counts, [16_382, 16_383, 5, 0, 1, 6, 2, 3, 7]);
        let times: Vec<i64> = again
            .packets
            .iter()
            .filter_map(|packet| packet.micros)
            .collect();
        let first = 1_700_000_000_000_500;
        assert_eq!(
            times,
            [0, 250, day, day + 250, 2 * day, 2 * day + 250].map(|after| first + after)
        );
        assert_eq!(again.span(), Some((first, first + 2 * day + 250)));
        // Flags and everything behind the time code stay.
        assert_eq!(
            out[2 * recording.len() - 7..2 * recording.len()],
            [0x00, 12, 0x40, 6, 0, 0, 0x77]
        );
    }

    #[test]
    fn cut_recordings_and_impossible_times_are_refused() {
        let recording = recording();
        assert!(repeat_packets(&[], 5, 1).unwrap().is_empty());
        for cut in [1, 5, 6, 13, 20] {
            let error = repeat_packets(&recording[..cut], 1, 1).unwrap_err();
            assert!(matches!(error, RepeatError::Truncated { .. }), "{error}");
        }
        assert!(matches!(
            repeat_packets(&recording, 200, 365 * MICROS_PER_DAY),
            Err(RepeatError::Time { packet: 0, .. })
        ));
        assert!(matches!(
            repeat_packets(&recording, 3, i64::MAX),
            Err(RepeatError::Shift { .. })
        ));
    }
}
