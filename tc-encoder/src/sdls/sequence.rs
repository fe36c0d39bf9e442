//! Sequence numbers that are never used twice with one key, whatever crashes.
//!
//! Numbers are used only out of a block whose end has been written down. After a restart they go on
//! behind that end, so that what was used of the block, known or not, is never used again.

use super::SecurityError;
use space_link::sdls::Spi;

/// The first number: a spacecraft that has received nothing expects more than 0.
const FIRST: u64 = 1;

/// What is written down of an association's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Persisted {
    /// Nothing, since the key is new and has never protected a frame.
    NeverUsed,
    /// Numbers below this one were reserved and may have been used.
    ReservedTo(u64),
}

/// A number that must be written down, durably, before more frames can be protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reservation {
    /// The association.
    pub spi: Spi,
    /// The end of the block: [`Persisted::ReservedTo`] this after a restart.
    pub end: u64,
}

/// An association's numbers.
#[derive(Clone, Debug)]
pub(super) struct SequenceNumbers {
    spi: Spi,
    /// The next number to use, and the first that is not reserved.
    next: u64,
    reserved: u64,
    block: u64,
    /// Numbers that a caller asked for in vain.
    wanted: u64,
    /// A number above ours that was seen in use: our state is an old one.
    seen: Option<u64>,
}

impl SequenceNumbers {
    pub(super) fn new(spi: Spi, persisted: Persisted, block: u64) -> Self {
        let next = match persisted {
            Persisted::NeverUsed => FIRST,
            Persisted::ReservedTo(end) => end.max(FIRST),
        };
        Self {
            spi,
            next,
            reserved: next,
            block: block.max(1),
            wanted: 0,
            seen: None,
        }
    }

    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Checks that some numbers can be used now; notes how many are wanted if not.
    pub(super) fn require(&mut self, count: u64) -> Result<(), SecurityError> {
        let spi = self.spi;
        if let Some(seen) = self.seen {
            return Err(SecurityError::OldState {
                spi,
                next: self.next,
                seen,
            });
        }
        if self.next.checked_add(count).is_none() {
            return Err(SecurityError::Exhausted { spi });
        }
        if self.reserved - self.next < count {
            self.wanted = self.wanted.max(count);
            return Err(SecurityError::NotReserved {
                spi,
                next: self.next,
                needed: count,
            });
        }
        Ok(())
    }

    /// Uses a number that [`SequenceNumbers::require`] found.
    pub(super) fn take(&mut self) -> Result<u64, SecurityError> {
        self.require(1)?;
        let number = self.next;
        self.next += 1;
        Ok(number)
    }

    /// The reservation to write down, until it is confirmed: when half a block is left, or less than
    /// is wanted.
    pub(super) fn poll_reservation(&self) -> Option<Reservation> {
        let left = self.reserved - self.next;
        if self.seen.is_some() || left > self.block / 2 && left >= self.wanted {
            return None;
        }
        let end = self
            .next
            .saturating_add(self.block.max(self.wanted).saturating_add(self.block / 2));
        (end > self.reserved).then_some(Reservation { spi: self.spi, end })
    }

    /// A reservation was written down. Confirming an old one again does nothing.
    pub(super) fn handle_reserved(&mut self, end: u64) {
        self.reserved = self.reserved.max(end);
        if self.reserved - self.next >= self.wanted {
            self.wanted = 0;
        }
    }

    /// Somebody else knows a number that was used.
    pub(super) fn handle_seen(&mut self, number: u64) {
        if number >= self.next {
            self.seen = Some(self.seen.map_or(number, |seen| seen.max(number)));
        }
    }

    /// The low eight bits of a number that the spacecraft accepted. It cannot be above the last that
    /// was used; half of the 256 numbers that it may be are taken for older ones.
    pub(super) fn handle_seen_low(&mut self, low: u8) {
        let last = self.next - 1;
        let ahead = low.wrapping_sub(last as u8);
        if (1..128).contains(&ahead) {
            self.handle_seen(last.saturating_add(u64::from(ahead)));
        }
    }

    /// Goes on above what was seen, by an operator's decision; needs a new reservation.
    pub(super) fn skip_to(&mut self, number: u64) -> Result<(), SecurityError> {
        let lowest = self.seen.map_or(self.next, |seen| seen.saturating_add(1));
        if number < lowest {
            return Err(SecurityError::SkipBack {
                spi: self.spi,
                lowest,
                got: number,
            });
        }
        self.next = number;
        self.reserved = self.reserved.max(number);
        // What was reserved above is still reserved, and nothing below is used any more.
        self.seen = None;
        Ok(())
    }
}
