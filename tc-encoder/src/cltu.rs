//! CLTUs and what is sent around them: CCSDS 231.0-B-4 sections 5 to 7.

use space_link::plop::{Plop, acquisition_sequence, idle_sequence};
use space_link::uplink::UplinkParameters;

/// The physical channel, as one of the two procedures runs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhysicalChannel {
    active: bool,
}

impl PhysicalChannel {
    /// Whether a session of PLOP-2 is going on.
    #[must_use]
    pub const fn is_active(self) -> bool {
        self.active
    }

    /// Appends what is sent for a CLTU that carries `frames`: an acquisition sequence if the channel
    /// is not active, the CLTU, and with PLOP-2 an idle sequence.
    pub fn encode(&mut self, parameters: &UplinkParameters, frames: &[u8], out: &mut Vec<u8>) {
        if !self.active {
            acquisition_sequence(parameters.acquisition_octets, out);
        }
        parameters.code.encode(frames, out);
        if parameters.plop == Plop::Plop2 {
            idle_sequence(parameters.idle_octets, out);
            self.active = true;
        }
    }

    /// Appends an idle sequence, between CLTUs of a session; nothing outside of one.
    pub fn idle(self, octets: usize, out: &mut Vec<u8>) {
        if self.active {
            idle_sequence(octets, out);
        }
    }

    /// The session ended, or the signal was lost: the next CLTU begins with an acquisition sequence.
    pub const fn handle_end_of_session(&mut self) {
        self.active = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use space_link::frame::{Scid, Vcid};

    #[test]
    fn each_procedure_sends_its_sequences() {
        let mut parameters = UplinkParameters::new(Scid::new(1).unwrap(), Vcid::new(0).unwrap());
        let cltu = parameters.code.cltu_octets(7);
        let lengths = |parameters: &UplinkParameters| {
            let mut channel = PhysicalChannel::default();
            let mut lengths = Vec::new();
            for session in 0..2 {
                for _ in 0..2 {
                    let mut out = Vec::new();
                    channel.encode(parameters, &[session; 7], &mut out);
                    lengths.push(out.len() - cltu);
                }
                channel.handle_end_of_session();
            }
            lengths
        };
        assert_eq!(lengths(&parameters), [17, 1, 17, 1]);
        parameters.plop = Plop::Plop1;
        assert_eq!(lengths(&parameters), [16; 4]);
    }
}
