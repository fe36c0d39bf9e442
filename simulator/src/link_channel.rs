//! The link for whole transmission units: CLTUs up, operational control fields down, and whatever
//! goes wrong with them. Seeded; time is an argument.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::time::Duration;

use space_link::clcw::Clcw;
use space_link::frame::Vcid;
use thiserror::Error;

use crate::bit_errors::BitErrors;
use crate::random::Random;

/// What the link does to the units. The default does nothing: 8 octets a millisecond, no delay.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkFaults {
    /// Bits sent a second, above 0.
    pub bits_per_second: f64,
    /// From the end of a unit's sending to its arrival.
    pub delay: Duration,
    /// More delay, evenly from 0 to this; the order of units stays.
    pub jitter: Duration,
    /// Probability that a bit is inverted, 0 to 0.5.
    pub bit_error_rate: f64,
    /// Probability that a unit is lost by itself, 0 to 1.
    pub loss: f64,
    /// Units lost in a row.
    pub bursts: Option<BurstLoss>,
    /// Probability that a unit arrives twice, 0 to 1.
    pub duplication: f64,
    /// Probability that a unit is held back so that later ones pass it, 0 to 1.
    pub reordering: f64,
    /// How much later a copy or a unit held back arrives, evenly from 0 to this.
    pub straggling: Duration,
    /// When there is no signal. Octets sent then are lost, also those of half a unit.
    pub outages: Vec<Range<Duration>>,
    /// Units that come from somebody else.
    pub injection: Option<Injection>,
}

/// Losses in a row, as a Gilbert channel: a good state, and a bad one in which every unit is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurstLoss {
    /// Probability, a unit, that the bad state begins.
    pub begin: f64,
    /// Probability, a unit, that it ends.
    pub end: f64,
}

/// Units that somebody else puts on the link.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// Probability, for each unit sent, that one of these follows it.
    pub probability: f64,
    /// What is injected; each as likely. Bit errors and losses do not touch them.
    pub units: Vec<Vec<u8>>,
}

impl Default for LinkFaults {
    fn default() -> Self {
        Self {
            bits_per_second: 64_000.0,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            bit_error_rate: 0.0,
            loss: 0.0,
            bursts: None,
            duplication: 0.0,
            reordering: 0.0,
            straggling: Duration::ZERO,
            outages: Vec::new(),
            injection: None,
        }
    }
}

/// A fault out of range.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum LinkChannelError {
    /// Not a probability, or a bit error rate above 0.5.
    #[error("the {what} is a probability of at most {max}, not {got}")]
    Probability {
        /// The field.
        what: &'static str,
        /// The highest value.
        max: f64,
        /// Its value.
        got: f64,
    },
    /// A rate that sends nothing.
    #[error("a link sends more than 0 bits a second, not {got}")]
    Rate {
        /// The rate.
        got: f64,
    },
}

/// What became of the units so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounts {
    /// Units sent.
    pub sent: u64,
    /// Units of which nothing arrives: lost by chance, in a burst, or without signal.
    pub lost: u64,
    /// Units that arrive shorter than they were sent.
    pub truncated: u64,
    /// Units with inverted bits.
    pub corrupted: u64,
    /// Bits inverted.
    pub bits_flipped: u64,
    /// Units that arrive a second time.
    pub duplicated: u64,
    /// Units held back.
    pub held_back: u64,
    /// Units from somebody else.
    pub injected: u64,
    /// Units dropped because too many were on their way.
    pub overflowed: u64,
}

/// A unit at the other end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// When its last octet arrived.
    pub at: Duration,
    order: u64,
    /// What arrived of it.
    pub octets: Vec<u8>,
}

/// One direction of a link. Equal faults, seeds and inputs give equal arrivals.
///
/// At most 4,096 units are on their way; one more is dropped and counted.
#[derive(Clone, Debug)]
pub struct LinkChannel {
    faults: LinkFaults,
    random: Random,
    bit_errors: BitErrors,
    in_burst: bool,
    /// When the sender has sent what it was given.
    free_at: Duration,
    /// When the last unit arrives that keeps the order.
    last_arrival: Duration,
    on_the_way: BinaryHeap<Reverse<Arrival>>,
    order: u64,
    counts: LinkCounts,
}

impl LinkChannel {
    /// A link with nothing on it.
    ///
    /// # Errors
    /// [`LinkChannelError`] for a fault out of range.
    pub fn new(faults: LinkFaults, seed: u64) -> Result<Self, LinkChannelError> {
        check(&faults)?;
        let mut random = Random::new(seed, STREAM);
        let bit_errors = BitErrors::new(faults.bit_error_rate, &mut random);
        Ok(Self {
            faults,
            random,
            bit_errors,
            in_burst: false,
            free_at: Duration::ZERO,
            last_arrival: Duration::ZERO,
            on_the_way: BinaryHeap::new(),
            order: 0,
            counts: LinkCounts::default(),
        })
    }

    /// Sends a unit, after those that are being sent. Returns when its last bit has left.
    pub fn send(&mut self, unit: &[u8], now: Duration) -> Duration {
        let start = self.free_at.max(now);
        let bits = unit.len() as f64 * 8.0;
        let airtime = Duration::try_from_secs_f64(bits / self.faults.bits_per_second)
            .unwrap_or(Duration::MAX);
        let end = start.saturating_add(airtime);
        self.free_at = end;
        self.counts.sent += 1;
        if self.is_lost() {
            self.counts.lost += 1;
        } else {
            let mut octets = self.heard(unit, start, end);
            if octets.is_empty() {
                self.counts.lost += 1;
            } else {
                self.counts.truncated += u64::from(octets.len() < unit.len());
                self.corrupt(&mut octets);
                self.deliver(octets, end);
            }
        }
        self.inject(end);
        end
    }

    /// The next unit that has arrived by `now`.
    pub fn receive(&mut self, now: Duration) -> Option<Arrival> {
        if self.next_arrival()? > now {
            return None;
        }
        self.on_the_way.pop().map(|Reverse(arrival)| arrival)
    }

    /// When the next unit arrives.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Duration> {
        self.on_the_way.peek().map(|Reverse(arrival)| arrival.at)
    }

    /// When the sender has sent everything.
    #[must_use]
    pub fn free_at(&self) -> Duration {
        self.free_at
    }

    /// The longest time from a unit's sending to its last arrival.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        self.faults.delay + self.faults.jitter + self.faults.straggling
    }

    /// Whether there is a signal.
    #[must_use]
    pub fn has_signal(&self, now: Duration) -> bool {
        !self
            .faults
            .outages
            .iter()
            .any(|outage| outage.contains(&now))
    }

    /// What became of the units so far.
    #[must_use]
    pub fn counts(&self) -> LinkCounts {
        self.counts
    }

    fn is_lost(&mut self) -> bool {
        if let Some(bursts) = self.faults.bursts {
            let change = if self.in_burst {
                bursts.end
            } else {
                bursts.begin
            };
            self.in_burst ^= self.random.happens(change);
        }
        self.random.happens(self.faults.loss) || self.in_burst
    }

    /// The octets whose bits were all sent with a signal.
    fn heard(&self, unit: &[u8], start: Duration, end: Duration) -> Vec<u8> {
        let touched = |outage: &&Range<Duration>| outage.start < end && start < outage.end;
        if !self.faults.outages.iter().any(|outage| touched(&outage)) {
            return unit.to_vec();
        }
        let octet_time = 8.0 / self.faults.bits_per_second;
        let sent_at = |octet: usize| {
            let after = Duration::try_from_secs_f64(octet as f64 * octet_time);
            start.saturating_add(after.unwrap_or(Duration::MAX))
        };
        unit.iter()
            .enumerate()
            .filter(|(index, _)| {
                let (from, to) = (sent_at(*index), sent_at(index + 1));
                !self
                    .faults
                    .outages
                    .iter()
                    .any(|outage| outage.start < to && from < outage.end)
            })
            .map(|(_, &octet)| octet)
            .collect()
    }

    fn corrupt(&mut self, octets: &mut [u8]) {
        let bits = octets.len() as u64 * 8;
        let mut flipped = 0;
        self.bit_errors.pass(bits, &mut self.random, |bit| {
            octets[(bit / 8) as usize] ^= 0x80 >> (bit % 8);
            flipped += 1;
        });
        self.counts.bits_flipped += flipped;
        self.counts.corrupted += u64::from(flipped > 0);
    }

    fn deliver(&mut self, octets: Vec<u8>, end: Duration) {
        let jitter = self.faults.jitter.mul_f64(self.random.unit());
        let at = end
            .saturating_add(self.faults.delay)
            .saturating_add(jitter)
            .max(self.last_arrival);
        if self.random.happens(self.faults.duplication) {
            self.counts.duplicated += 1;
            let later = self.straggler(at);
            self.put(later, octets.clone());
        }
        if self.random.happens(self.faults.reordering) {
            self.counts.held_back += 1;
            let later = self.straggler(at);
            self.put(later, octets);
        } else {
            self.last_arrival = at;
            self.put(at, octets);
        }
    }

    fn straggler(&mut self, at: Duration) -> Duration {
        at.saturating_add(self.faults.straggling.mul_f64(self.random.unit()))
    }

    fn inject(&mut self, end: Duration) {
        let Some(injection) = &self.faults.injection else {
            return;
        };
        if !self.random.happens(injection.probability) {
            return;
        }
        let pick = self.random.unit() * injection.units.len() as f64;
        if let Some(octets) = injection.units.get(pick as usize) {
            let octets = octets.clone();
            self.counts.injected += 1;
            let at = end.saturating_add(self.faults.delay).max(self.last_arrival);
            self.put(at, octets);
        }
    }

    fn put(&mut self, at: Duration, octets: Vec<u8>) {
        if self.on_the_way.len() == ON_THE_WAY_MAX {
            self.counts.overflowed += 1;
            return;
        }
        self.order += 1;
        self.on_the_way.push(Reverse(Arrival {
            at,
            order: self.order,
            octets,
        }));
    }
}

/// Control words that somebody might forge to disturb an uplink: for other channels, of other
/// procedures and versions, another kind of report, and on the channel itself lockout, a
/// contradiction and an impossible number. None of them acknowledges anything: against that COP-1
/// has no defence, the downlink must be authenticated.
///
/// `far` is a number that no frame on its way has.
#[must_use]
pub fn forged_clcws(virtual_channel: Vcid, far: u8) -> Vec<[u8; 4]> {
    let genuine = Clcw {
        cop_in_effect: 1,
        virtual_channel,
        report_value: far,
        ..Clcw::default()
    };
    let other = u8::from(virtual_channel.get() == 0);
    let mut forged: Vec<[u8; 4]> = [
        Clcw {
            virtual_channel: Vcid::new(other).unwrap_or_default(),
            ..genuine
        },
        Clcw {
            cop_in_effect: 2,
            ..genuine
        },
        Clcw {
            version: 1,
            ..genuine
        },
        Clcw {
            lockout: true,
            ..genuine
        },
        Clcw {
            wait: true,
            ..genuine
        },
        genuine,
    ]
    .iter()
    .filter_map(|clcw| clcw.encode().ok())
    .collect();
    // A type-2 report.
    forged.push([0x80, 0, 0, far]);
    forged
}

fn check(faults: &LinkFaults) -> Result<(), LinkChannelError> {
    let bursts = faults.bursts.unwrap_or(BurstLoss {
        begin: 0.0,
        end: 0.0,
    });
    let injection = faults.injection.as_ref().map_or(0.0, |i| i.probability);
    for (what, max, got) in [
        ("bit error rate", 0.5, faults.bit_error_rate),
        ("loss", 1.0, faults.loss),
        ("begin of a burst", 1.0, bursts.begin),
        ("end of a burst", 1.0, bursts.end),
        ("duplication", 1.0, faults.duplication),
        ("reordering", 1.0, faults.reordering),
        ("injection", 1.0, injection),
    ] {
        if !(0.0..=max).contains(&got) {
            return Err(LinkChannelError::Probability { what, max, got });
        }
    }
    let rate = faults.bits_per_second;
    if rate > 0.0 && rate.is_finite() {
        Ok(())
    } else {
        Err(LinkChannelError::Rate { got: rate })
    }
}

/// Units on their way at once.
const ON_THE_WAY_MAX: usize = 4096;
/// The stream of random numbers of a link; the downlink's coder has 2.
const STREAM: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: [u8; 100] = [0x55; 100];

    fn run(faults: LinkFaults, seed: u64, units: u64) -> (Vec<Arrival>, LinkCounts) {
        let mut link = LinkChannel::new(faults, seed).unwrap();
        let mut arrivals = Vec::new();
        for number in 0..units {
            let mut unit = UNIT;
            unit[..8].copy_from_slice(&number.to_be_bytes());
            let end = link.send(&unit, Duration::ZERO);
            while let Some(arrival) = link.receive(end) {
                arrivals.push(arrival);
            }
        }
        while let Some(arrival) = link.receive(Duration::MAX) {
            arrivals.push(arrival);
        }
        (arrivals, link.counts())
    }

    fn faulty() -> LinkFaults {
        LinkFaults {
            delay: Duration::from_millis(300),
            jitter: Duration::from_millis(50),
            bit_error_rate: 1e-4,
            loss: 0.1,
            bursts: Some(BurstLoss {
                begin: 0.01,
                end: 0.25,
            }),
            duplication: 0.05,
            reordering: 0.05,
            straggling: Duration::from_millis(100),
            ..LinkFaults::default()
        }
    }

    fn number(arrival: &Arrival) -> u64 {
        u64::from_be_bytes(arrival.octets[..8].try_into().unwrap())
    }

    #[test]
    fn equal_seeds_give_equal_arrivals() {
        assert_eq!(run(faulty(), 1, 500), run(faulty(), 1, 500));
        assert_ne!(run(faulty(), 1, 500).0, run(faulty(), 2, 500).0);
    }

    #[test]
    fn without_faults_everything_arrives_in_order_when_it_should() {
        let faults = LinkFaults {
            delay: Duration::from_secs(1),
            ..LinkFaults::default()
        };
        let (arrivals, counts) = run(faults, 3, 50);
        let numbers: Vec<u64> = arrivals.iter().map(number).collect();
        assert_eq!(numbers, (0..50).collect::<Vec<_>>());
        // 800 bits at 64,000 bit/s, one after the other.
        assert_eq!(arrivals[9].at, Duration::from_millis(1000 + 125));
        let sent = LinkCounts {
            sent: 50,
            ..LinkCounts::default()
        };
        assert_eq!(counts, sent);
    }

    #[test]
    fn faults_have_their_rates() {
        let (arrivals, counts) = run(faulty(), 4, 20_000);
        // Alone 10 %; the bad state, 1 of 26 of the time, takes all.
        let lost = counts.lost as f64 / 20_000.0;
        assert!((0.12..0.15).contains(&lost), "{lost}");
        let delivered = 20_000 - counts.lost;
        assert_eq!(arrivals.len() as u64, delivered + counts.duplicated);
        let share = |count: u64| count as f64 / delivered as f64;
        assert!((0.045..0.055).contains(&share(counts.duplicated)));
        assert!((0.045..0.055).contains(&share(counts.held_back)));
        let rate = counts.bits_flipped as f64 / (delivered * 800) as f64;
        assert!((0.9e-4..1.1e-4).contains(&rate), "{rate}");
        let late = arrivals
            .windows(2)
            .filter(|pair| pair[0].at > pair[1].at)
            .count();
        assert_eq!(late, 0, "arrivals come in the order of time");
    }

    #[test]
    fn losses_come_in_bursts() {
        let faults = LinkFaults {
            bursts: Some(BurstLoss {
                begin: 0.02,
                end: 0.2,
            }),
            ..LinkFaults::default()
        };
        let (arrivals, counts) = run(faults, 5, 20_000);
        let gaps = arrivals
            .windows(2)
            .filter(|pair| number(&pair[1]) > number(&pair[0]) + 1)
            .count();
        let mean = counts.lost as f64 / gaps as f64;
        assert!((4.0..6.0).contains(&mean), "{mean} lost in a row");
    }

    #[test]
    fn a_signal_lost_in_the_middle_of_a_unit_cuts_it() {
        // A unit takes 12.5 ms. The outage takes the end of the first, the second, and the
        // beginning of the third.
        let millis = Duration::from_millis;
        let faults = LinkFaults {
            outages: vec![millis(10)..millis(30)],
            ..LinkFaults::default()
        };
        let (arrivals, counts) = run(faults, 6, 4);
        let lengths: Vec<usize> = arrivals.iter().map(|a| a.octets.len()).collect();
        assert_eq!(lengths, [80, 60, 100]);
        assert_eq!((counts.lost, counts.truncated), (1, 2));
        assert_eq!(number(&arrivals[0]), 0);
        assert_eq!(arrivals[1].octets, [0x55; 60]);
    }

    #[test]
    fn too_many_units_on_their_way_are_dropped_and_counted() {
        let faults = LinkFaults {
            delay: Duration::from_secs(1_000_000),
            ..LinkFaults::default()
        };
        let (arrivals, counts) = run(faults, 7, 5000);
        assert_eq!(arrivals.len(), ON_THE_WAY_MAX);
        assert_eq!(counts.overflowed, 5000 - ON_THE_WAY_MAX as u64);
    }

    #[test]
    fn injected_units_come_whole() {
        let forged = forged_clcws(Vcid::new(3).unwrap(), 200);
        assert_eq!(forged.len(), 7);
        let faults = LinkFaults {
            loss: 1.0,
            injection: Some(Injection {
                probability: 0.5,
                units: forged.iter().map(|word| word.to_vec()).collect(),
            }),
            ..LinkFaults::default()
        };
        let (arrivals, counts) = run(faults, 8, 2000);
        assert_eq!(arrivals.len() as u64, counts.injected);
        assert!((900..1100).contains(&counts.injected));
        for word in forged {
            assert!(arrivals.iter().any(|arrival| arrival.octets == word));
        }
    }

    #[test]
    fn faults_out_of_range_are_refused() {
        for faults in [
            LinkFaults {
                loss: 1.5,
                ..LinkFaults::default()
            },
            LinkFaults {
                bit_error_rate: f64::NAN,
                ..LinkFaults::default()
            },
            LinkFaults {
                bits_per_second: 0.0,
                ..LinkFaults::default()
            },
        ] {
            assert!(LinkChannel::new(faults, 0).is_err());
        }
    }
}
