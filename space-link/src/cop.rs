//! What COP-1 puts into Type-BC frames: the two control commands. CCSDS 232.0-B-4 4.1.3.3.

use thiserror::Error;

/// Octets that are no control command of COP-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{octets} octets that begin with {first:#04x} are neither Unlock (00) nor Set V(R) (82 00 V)"
)]
pub struct ControlCommandError {
    /// Octets there are.
    pub octets: usize,
    /// The first of them, 0 when there is none.
    pub first: u8,
}

/// A control command to FARM-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlCommand {
    /// Unlock: one octet, 00.
    Unlock,
    /// Set V(R): three octets, 82 00 and the value.
    SetVr(u8),
}

impl ControlCommand {
    /// Reads the data field of a Type-BC frame.
    ///
    /// # Errors
    /// [`ControlCommandError`] for anything but the two commands at their exact length.
    pub const fn parse(octets: &[u8]) -> Result<Self, ControlCommandError> {
        match *octets {
            [UNLOCK] => Ok(Self::Unlock),
            [SET_VR, 0, value] => Ok(Self::SetVr(value)),
            [first, ..] => Err(ControlCommandError {
                octets: octets.len(),
                first,
            }),
            [] => Err(ControlCommandError {
                octets: 0,
                first: 0,
            }),
        }
    }

    /// Appends the data field of a Type-BC frame.
    pub fn encode(self, out: &mut Vec<u8>) {
        match self {
            Self::Unlock => out.push(UNLOCK),
            Self::SetVr(value) => out.extend([SET_VR, 0, value]),
        }
    }
}

const UNLOCK: u8 = 0x00;
const SET_VR: u8 = 0x82;

#[cfg(test)]
mod tests {
    use super::ControlCommand;

    #[test]
    fn the_two_commands_and_nothing_else() {
        for (command, octets) in [
            (ControlCommand::Unlock, &[0x00][..]),
            (ControlCommand::SetVr(0xA5), &[0x82, 0x00, 0xA5]),
        ] {
            let mut out = Vec::new();
            command.encode(&mut out);
            assert_eq!(out, octets);
            assert_eq!(ControlCommand::parse(octets), Ok(command));
        }
        for wrong in [
            &[][..],
            &[0x01],
            &[0x00, 0x00],
            &[0x82],
            &[0x82, 0x00],
            &[0x82, 0x01, 0x00],
            &[0x82, 0x00, 0x00, 0x00],
        ] {
            assert!(ControlCommand::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
