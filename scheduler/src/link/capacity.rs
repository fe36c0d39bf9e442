//! How many octets fit between two times.

use space_link::time::UtcMicros;

/// Microseconds of a second times bits of an octet times millionths of a margin.
const DIVISOR: u128 = 1_000_000 * 8 * 1_000_000;

/// A time with one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its beginning.
    pub from: UtcMicros,
    /// Its end, later.
    pub to: UtcMicros,
    /// Bits a second, without margin.
    pub bits_per_second: u64,
}

/// The rate of a window over time, in whole numbers: what is asked twice is answered twice alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    pieces: Vec<Piece>,
    margin_ppm: u32,
}

impl Piece {
    /// None if it has no length or no rate.
    #[must_use]
    pub fn new(from: i64, to: i64, bits_per_second: u64) -> Option<Self> {
        (from < to && bits_per_second > 0).then(|| Self {
            from: UtcMicros::new(from),
            to: UtcMicros::new(to),
            bits_per_second,
        })
    }

    /// Bits times microseconds a second between two times.
    fn bits(&self, from: UtcMicros, to: UtcMicros) -> u128 {
        let (from, to) = (from.max(self.from).get(), to.min(self.to).get());
        let micros = to.saturating_sub(from).max(0) as u128;
        micros * u128::from(self.bits_per_second)
    }
}

impl Capacity {
    /// Pieces in order of time, and the part of their rates that counts, in millionths.
    #[must_use]
    pub const fn new(pieces: Vec<Piece>, margin_ppm: u32) -> Self {
        Self { pieces, margin_ppm }
    }

    /// Its pieces, in order of time.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// All octets: the integral of the rate times the margin, rounded down.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.octets_between(UtcMicros::new(i64::MIN), UtcMicros::new(i64::MAX))
    }

    /// The octets between two times, rounded down.
    #[must_use]
    pub fn octets_between(&self, from: UtcMicros, to: UtcMicros) -> u64 {
        let bits: u128 = self.pieces.iter().map(|piece| piece.bits(from, to)).sum();
        u64::try_from(bits * u128::from(self.margin_ppm) / DIVISOR).unwrap_or(u64::MAX)
    }

    /// When so many octets are through if they begin at a time; none if they do not fit.
    #[must_use]
    pub fn done_at(&self, from: UtcMicros, octets: u64) -> Option<UtcMicros> {
        if octets == 0 {
            return Some(from);
        }
        let needed = u128::from(octets) * DIVISOR;
        let margin = u128::from(self.margin_ppm);
        let mut before = 0;
        for piece in &self.pieces {
            let bits = piece.bits(from, piece.to) * margin;
            if before + bits >= needed {
                let rate = u128::from(piece.bits_per_second) * margin;
                let micros = (needed - before).div_ceil(rate);
                let begin = from.max(piece.from).get();
                return Some(UtcMicros::new(begin.saturating_add(micros as i64)));
            }
            before += bits;
        }
        None
    }

    /// When its first piece begins and its last one ends.
    #[must_use]
    pub fn ends(&self) -> Option<(UtcMicros, UtcMicros)> {
        Some((self.pieces.first()?.from, self.pieces.last()?.to))
    }
}
