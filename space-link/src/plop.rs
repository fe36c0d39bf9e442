//! Physical layer operations procedures: what is sent around CLTUs. CCSDS 231.0-B-4 section 7.

/// Octets of the acquisition sequence unless a mission needs more: 128 bits (231.0-B-4 7.2.2).
pub const ACQUISITION_OCTETS_MIN: usize = 16;

/// Octets of the idle sequence between two CLTUs of PLOP-2: 8 bits or more (231.0-B-4 7.2.4).
pub const IDLE_OCTETS_MIN: usize = 1;

/// Alternating ones and zeros, beginning with 0.
const ALTERNATING: u8 = 0b0101_0101;

/// Which procedure a channel uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Plop {
    /// The channel is deactivated after each CLTU: each begins with an acquisition sequence.
    Plop1,
    /// The channel stays active in a session: one acquisition sequence, then CLTUs with idle
    /// sequences between them (231.0-B-4 7.3.3, recommended).
    #[default]
    Plop2,
}

/// Appends an acquisition sequence.
pub fn acquisition_sequence(octets: usize, out: &mut Vec<u8>) {
    alternating(octets, out);
}

/// Appends an idle sequence, which keeps the receiver's bit synchronisation.
pub fn idle_sequence(octets: usize, out: &mut Vec<u8>) {
    alternating(octets, out);
}

fn alternating(octets: usize, out: &mut Vec<u8>) {
    out.resize(out.len().saturating_add(octets), ALTERNATING);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_alternate() {
        let mut out = vec![1];
        acquisition_sequence(2, &mut out);
        idle_sequence(1, &mut out);
        assert_eq!(out, [1, 0x55, 0x55, 0x55]);
    }
}
