//! What a satellite's contacts still carry, in one direction.

use crate::interval::Interval;
use crate::rate::RateProfile;
use crate::upload::Piece;

/// The windows of a satellite in one direction; what is taken is never given twice.
pub(crate) struct Link {
    windows: Vec<Window>,
    /// All windows before are full.
    first: usize,
}

struct Window {
    contact: u64,
    interval: Interval,
    rate: RateProfile,
    /// Octets, counted from the window's start, that nobody has; in order.
    free: Vec<(u64, u64)>,
}

impl Link {
    /// Windows that overlap are used one after the other: the later begins where the earlier ends.
    pub(crate) fn new(mut windows: Vec<(u64, Interval, RateProfile)>) -> Self {
        windows.sort_by_key(|(contact, interval, _)| (*interval, *contact));
        let mut from = i64::MIN;
        let mut link = Self {
            windows: Vec::with_capacity(windows.len()),
            first: 0,
        };
        for (contact, mut interval, rate) in windows {
            interval.start = interval.start.max(from);
            if interval.is_empty() {
                continue;
            }
            from = interval.end;
            let capacity = rate.octets(interval);
            link.windows.push(Window {
                contact,
                interval,
                rate,
                free: if capacity > 0 {
                    vec![(0, capacity)]
                } else {
                    Vec::new()
                },
            });
        }
        link
    }

    /// The earliest free pieces for so many octets between two moments, and when the last is
    /// through; or how many octets there are.
    pub(crate) fn find(&self, octets: u64, from: i64, by: i64) -> Result<(Vec<Piece>, i64), u64> {
        let (mut pieces, mut missing, mut finish) = (Vec::new(), octets, from);
        for window in &self.windows[self.first..] {
            if missing == 0 || window.interval.start >= by {
                break;
            }
            if window.interval.end <= from {
                continue;
            }
            for range in window.free_between(from, by) {
                let octets = missing.min(range.1 - range.0);
                if octets == 0 {
                    break;
                }
                let piece = window.piece(range.0, octets, from);
                finish = piece.interval.end;
                missing -= octets;
                pieces.push(piece);
            }
        }
        if missing == 0 {
            Ok((pieces, finish))
        } else {
            Err(octets - missing)
        }
    }

    /// The latest moment from which so many octets still come through by another.
    pub(crate) fn latest(&self, octets: u64, by: i64) -> Option<i64> {
        let mut missing = octets;
        if missing == 0 {
            return Some(by);
        }
        for window in self.windows[self.first..].iter().rev() {
            for range in window.free_between(i64::MIN, by).iter().rev() {
                let length = range.1 - range.0;
                if length >= missing {
                    return window.rate.moment(window.interval, range.1 - missing);
                }
                missing -= length;
            }
        }
        None
    }

    /// Takes pieces that were found; false, and nothing taken, if one is not free.
    pub(crate) fn take(&mut self, pieces: &[Piece]) -> bool {
        for (index, piece) in pieces.iter().enumerate() {
            if !self.take_one(piece) {
                for piece in &pieces[..index] {
                    self.give_back(piece);
                }
                return false;
            }
        }
        let full = self.windows[self.first..]
            .iter()
            .take_while(|w| w.free.is_empty());
        self.first += full.count();
        true
    }

    fn take_one(&mut self, piece: &Piece) -> bool {
        let (from, to) = (piece.offset, piece.offset.saturating_add(piece.octets));
        let Some(window) = self.window(piece) else {
            return false;
        };
        let found = window.free.iter().position(|(a, b)| *a <= from && to <= *b);
        let Some(place) = found else {
            return piece.octets == 0;
        };
        let (a, b) = window.free[place];
        let rest = [(a, from), (to, b)].into_iter().filter(|(a, b)| a < b);
        window.free.splice(place..=place, rest);
        true
    }

    pub(crate) fn give_back(&mut self, piece: &Piece) {
        let (from, to) = (piece.offset, piece.offset.saturating_add(piece.octets));
        if let Some(window) = self.window(piece).filter(|_| from < to) {
            let place = window.free.partition_point(|(a, _)| *a < from);
            window.free.insert(place, (from, to));
            window.free.dedup_by(|next, before| {
                let meet = before.1 == next.0;
                if meet {
                    before.1 = next.1;
                }
                meet
            });
        }
        self.first = 0;
    }

    /// A contact's opportunity may be used by two contacts: the time tells which.
    fn window(&mut self, piece: &Piece) -> Option<&mut Window> {
        self.windows.iter_mut().find(|window| {
            window.contact == piece.contact
                && window.interval.start <= piece.interval.start
                && piece.interval.end <= window.interval.end
        })
    }
}

impl Window {
    fn free_between(&self, from: i64, by: i64) -> Vec<(u64, u64)> {
        let at = |time: i64| {
            let end = time.clamp(self.interval.start, self.interval.end);
            self.rate.octets(Interval::new(self.interval.start, end))
        };
        let (low, high) = (at(from), at(by));
        self.free
            .iter()
            .map(|(a, b)| ((*a).max(low), (*b).min(high)))
            .filter(|(a, b)| a < b)
            .collect()
    }

    fn piece(&self, offset: u64, octets: u64, from: i64) -> Piece {
        let moment = |octets| {
            self.rate
                .moment(self.interval, octets)
                .unwrap_or(self.interval.end)
        };
        Piece {
            contact: self.contact,
            interval: Interval::new(moment(offset).max(from), moment(offset + octets)),
            offset,
            octets,
        }
    }
}
