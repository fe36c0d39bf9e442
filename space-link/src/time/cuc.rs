//! CCSDS unsegmented time code (CUC): 301.0-B-4 3.2.

use super::{
    Epoch, LeapSeconds, PICOS_PER_MICRO, SECOND, TimeError, UtcMicros, UtcPicos, big_endian,
};

/// A count of seconds and its binary fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CucTime {
    /// Seconds since the epoch.
    pub coarse: u64,
    /// Fraction of a second in units of 2^-64 s; finer octets of a code (2^-65 s is 0.03 attoseconds)
    /// are cut off.
    pub fraction: u64,
}

/// How a mission writes CUC times: epoch and number of octets, big endian.
///
/// Most clocks that count seconds and binary fractions are this with an epoch of their own:
/// 32 bits of seconds and 8 of 1/256 s, or 48 bits of 2^-16 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CucFormat {
    epoch: Epoch,
    coarse_octets: u8,
    fine_octets: u8,
}

impl CucFormat {
    /// Seconds in 1 to 7 octets, fractions in 0 to 10.
    ///
    /// # Errors
    /// [`TimeError::Octets`] with fewer or more.
    pub const fn new(epoch: Epoch, coarse_octets: u8, fine_octets: u8) -> Result<Self, TimeError> {
        if coarse_octets < 1 || coarse_octets > 7 {
            let part = "the CUC coarse time";
            return Err(TimeError::Octets {
                part,
                min: 1,
                max: 7,
                got: coarse_octets,
            });
        }
        if fine_octets > 10 {
            let part = "the CUC fine time";
            return Err(TimeError::Octets {
                part,
                min: 0,
                max: 10,
                got: fine_octets,
            });
        }
        Ok(Self {
            epoch,
            coarse_octets,
            fine_octets,
        })
    }

    /// The epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Octets of a time, without preamble: 1 to 17.
    #[inline]
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.coarse_octets as usize + self.fine_octets as usize
    }

    /// Reads the counts at the start of `octets`.
    ///
    /// # Errors
    /// [`TimeError::Truncated`].
    #[inline]
    pub fn read(&self, octets: &[u8]) -> Result<CucTime, TimeError> {
        let (coarse_octets, fine_octets) = (
            usize::from(self.coarse_octets),
            usize::from(self.fine_octets),
        );
        let Some((coarse, fine)) = octets
            .get(..self.octets())
            .and_then(|time| time.split_at_checked(coarse_octets))
        else {
            let (needed, got) = (self.octets(), octets.len());
            return Err(TimeError::Truncated {
                code: "CUC time",
                needed,
                got,
            });
        };
        let fine = fine.first_chunk::<8>().map_or(fine, |finest| finest);
        let shift = 64 - 8 * fine_octets.min(8) as u32;
        let fraction = big_endian(fine).checked_shl(shift).unwrap_or(0);
        Ok(CucTime {
            coarse: big_endian(coarse),
            fraction,
        })
    }

    /// Appends the counts to `out`; fractions below the format's are cut off.
    ///
    /// # Errors
    /// [`TimeError::Segment`] when there are too many seconds.
    pub fn write(&self, time: &CucTime, out: &mut Vec<u8>) -> Result<(), TimeError> {
        let max = (1u64 << (8 * u32::from(self.coarse_octets))) - 1;
        if time.coarse > max {
            return Err(TimeError::Segment {
                segment: "CUC coarse time",
                max,
                got: time.coarse,
            });
        }
        let coarse = time.coarse.to_be_bytes();
        let skip = coarse.len() - usize::from(self.coarse_octets);
        out.extend_from_slice(coarse.get(skip..).unwrap_or_default());
        let fine = time.fraction.to_be_bytes();
        let kept = usize::from(self.fine_octets).min(fine.len());
        out.extend_from_slice(fine.get(..kept).unwrap_or_default());
        out.resize(out.len() + usize::from(self.fine_octets) - kept, 0);
        Ok(())
    }

    /// The time at the start of `octets`, with the leap seconds known when this was built.
    ///
    /// # Errors
    /// [`TimeError::Truncated`] or [`TimeError::OutOfRange`].
    #[inline]
    pub fn decode(&self, octets: &[u8]) -> Result<UtcMicros, TimeError> {
        self.decode_with(octets, &LeapSeconds::IERS)
    }

    /// The time at the start of `octets`; fractions of a microsecond are cut off.
    ///
    /// # Errors
    /// [`TimeError::Truncated`] or [`TimeError::OutOfRange`].
    #[inline]
    pub fn decode_with(
        &self,
        octets: &[u8],
        leap_seconds: &LeapSeconds,
    ) -> Result<UtcMicros, TimeError> {
        let time = self.read(octets)?;
        self.micros(&time, scaled(time.fraction, SECOND as u64), leap_seconds)
    }

    /// The time that the counts say; fractions of a picosecond are cut off.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] beyond 64 bits of microseconds.
    pub fn to_utc(
        &self,
        time: &CucTime,
        leap_seconds: &LeapSeconds,
    ) -> Result<UtcPicos, TimeError> {
        let picos = scaled(time.fraction, PICOS_PER_SECOND);
        let per_micro = u64::from(PICOS_PER_MICRO);
        let micros = self.micros(time, picos / per_micro, leap_seconds)?;
        Ok(UtcPicos {
            micros,
            picoseconds: (picos % per_micro) as u32,
        })
    }

    /// The counts of a time, to the next fraction that the format has, so that reading gives the
    /// same microsecond (or picosecond) again where the fractions are fine enough.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] before the epoch.
    pub fn from_utc(
        &self,
        time: UtcPicos,
        leap_seconds: &LeapSeconds,
    ) -> Result<CucTime, TimeError> {
        let reading = leap_seconds.reading(self.epoch.scale(), time.micros)?;
        let since_epoch = reading
            .checked_sub(self.epoch.reading())
            .and_then(|micros| u64::try_from(micros).ok())
            .ok_or(TimeError::OutOfRange)?;
        let second = SECOND as u64;
        let picos = u128::from(since_epoch % second) * u128::from(PICOS_PER_MICRO)
            + u128::from(time.picoseconds.min(PICOS_PER_MICRO - 1));
        let bits = 8 * u32::from(self.fine_octets).min(8);
        let ticks = (picos << bits).div_ceil(u128::from(PICOS_PER_SECOND));
        let carry = (ticks >> bits) as u64;
        Ok(CucTime {
            coarse: since_epoch / second + carry,
            fraction: (ticks << (64 - bits)) as u64,
        })
    }

    /// Appends a time to `out`.
    ///
    /// # Errors
    /// As [`CucFormat::from_utc`] and [`CucFormat::write`].
    pub fn encode(
        &self,
        time: UtcPicos,
        leap_seconds: &LeapSeconds,
        out: &mut Vec<u8>,
    ) -> Result<(), TimeError> {
        self.write(&self.from_utc(time, leap_seconds)?, out)
    }

    #[inline]
    fn micros(
        &self,
        time: &CucTime,
        micros: u64,
        leap_seconds: &LeapSeconds,
    ) -> Result<UtcMicros, TimeError> {
        let reading = i64::try_from(time.coarse)
            .ok()
            .and_then(|seconds| seconds.checked_mul(SECOND))
            .and_then(|coarse| coarse.checked_add_unsigned(micros))
            .and_then(|since_epoch| since_epoch.checked_add(self.epoch.reading()))
            .ok_or(TimeError::OutOfRange)?;
        leap_seconds.to_utc(self.epoch.scale(), reading)
    }
}

const PICOS_PER_SECOND: u64 = 1_000_000_000_000;

/// A fraction of 2^-64 s in units of which a second has `per_second`, cut off.
#[inline]
fn scaled(fraction: u64, per_second: u64) -> u64 {
    ((u128::from(fraction) * u128::from(per_second)) >> 64) as u64
}
