//! From arguments to octets.

use space_link::crc::crc16;

use super::context::Context;
use super::error::{CommandError, Problem, nearest};
use super::shape::Leaf;
use super::value::Arguments;
use super::write::{Fault, Writer};
use super::{At, CompiledCommand, Content, PACKET_OCTETS_MAX};

impl CompiledCommand {
    /// Appends the command's packet to a buffer; nothing is appended when it fails.
    ///
    /// Without packet error control; where there is a primary header, with packet sequence count 0
    /// and the length of what was appended. See [`finish_packet`].
    ///
    /// # Errors
    /// [`CommandError`]: an argument that is missing, of the wrong kind, out of range or too large
    /// for its field, or a packet too long.
    pub fn encode(&self, arguments: &Arguments, out: &mut Vec<u8>) -> Result<(), CommandError> {
        let start = out.len();
        let encoded = self.encode_at(arguments, out, start);
        if encoded.is_err() {
            out.truncate(start);
        }
        encoded
    }

    fn encode_at(
        &self,
        arguments: &Arguments,
        out: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), CommandError> {
        out.extend_from_slice(&self.template);
        let context = Context {
            arguments: &self.arguments,
            values: &arguments.values,
        };
        let mut writer = Writer {
            context,
            out,
            start,
            at: 0,
            elements: 0,
        };
        for &index in &self.variable {
            let field = &self.fields[index];
            let Some(at) = context.position(&field.at, writer.at) else {
                return Err(self.misplaced(&field.name));
            };
            if field.when.as_ref().is_some_and(|when| !context.holds(when)) {
                if let At::Bit(_, before) = field.at {
                    writer.at = before;
                }
                continue;
            }
            writer.at = at;
            match &field.content {
                Content::Fixed(width, octets) => writer.fixed(*width, octets),
                Content::Argument(argument) => {
                    let value = context
                        .value(*argument)
                        .ok_or_else(|| self.missing(*argument))?;
                    writer
                        .shape(&self.arguments[*argument].shape, value)
                        .map_err(|fault| self.explain(*argument, *fault))?;
                }
            }
            if writer.out.len() - start > PACKET_OCTETS_MAX {
                break;
            }
        }
        let octets = out.len() - start;
        let limit = self
            .octets
            .unwrap_or(PACKET_OCTETS_MAX)
            .min(PACKET_OCTETS_MAX);
        if octets > limit {
            return Err(CommandError::TooLong {
                command: self.qualified_name.clone(),
                octets,
                limit,
            });
        }
        if let Some(octets) = self.octets {
            out.resize(start + octets, 0);
        }
        if self.has_primary_header {
            set_length(&mut out[start..]);
        }
        Ok(())
    }

    /// Arguments that are in no entry: sizes and conditions use them all the same.
    pub(super) fn check_untransmitted(&self, arguments: &Arguments) -> Result<(), CommandError> {
        let context = Context {
            arguments: &self.arguments,
            values: &arguments.values,
        };
        let mut scratch = Vec::new();
        for (index, argument) in self.arguments.iter().enumerate() {
            let value = arguments.values.get(index).and_then(Option::as_ref);
            if let (false, Some(value)) = (argument.transmitted, value) {
                let mut writer = Writer {
                    context,
                    out: &mut scratch,
                    start: 0,
                    at: 0,
                    elements: 0,
                };
                writer
                    .shape(&argument.shape, value)
                    .map_err(|fault| self.explain(index, *fault))?;
            }
        }
        Ok(())
    }

    fn missing(&self, index: usize) -> CommandError {
        let argument = &self.arguments[index];
        CommandError::Missing {
            command: self.qualified_name.clone(),
            argument: argument.name.clone(),
            expected: argument.shape.expected(),
        }
    }

    fn misplaced(&self, field: &str) -> CommandError {
        CommandError::DoesNotFit {
            command: self.qualified_name.clone(),
            argument: field.to_owned(),
            got: "misplaced".to_owned(),
            why: "the arguments give it no place inside the packet".to_owned(),
        }
    }

    /// An error that names the command and the argument.
    pub(super) fn explain(&self, index: usize, fault: Fault) -> CommandError {
        let command = self.qualified_name.clone();
        let name = self
            .arguments
            .get(index)
            .map_or("", |argument| argument.name.as_str());
        let argument = format!("{name}{}", fault.path);
        let (got, expected) = (fault.got, fault.expected);
        match fault.problem {
            Problem::WrongType => CommandError::WrongType {
                command,
                argument,
                got,
                expected,
            },
            Problem::OutOfRange => CommandError::OutOfRange {
                command,
                argument,
                got,
                expected,
            },
            Problem::DoesNotFit(why) => CommandError::DoesNotFit {
                command,
                argument,
                got,
                why,
            },
            Problem::UnknownLabel => {
                let got = got.trim_matches(['`', '"']).to_owned();
                let labels = self.arguments.get(index).and_then(|a| a.shape.leaf());
                let labels = labels.map(Leaf::labels).unwrap_or_default();
                let nearest = nearest(&got, labels);
                CommandError::UnknownLabel {
                    command,
                    argument,
                    got,
                    nearest,
                    expected,
                }
            }
        }
    }
}

/// Sets the packet sequence count (modulo 16384), appends the packet error control if wanted, and
/// sets the packet data length of the packet that begins at `start`.
///
/// The error control is the CRC of ECSS-E-ST-70-41C annex B, over all octets before it. False if
/// there is no primary header or no data: nothing is changed then.
pub fn finish_packet(
    out: &mut Vec<u8>,
    start: usize,
    sequence_count: u16,
    error_control: bool,
) -> bool {
    let Some(packet) = out.get_mut(start..).filter(|packet| packet.len() >= 6) else {
        return false;
    };
    let octets = packet.len() + if error_control { 2 } else { 0 };
    if !(7..=PACKET_OCTETS_MAX).contains(&octets) {
        return false;
    }
    let [high, low] = (sequence_count & 0x3fff).to_be_bytes();
    packet[2] = packet[2] & 0xc0 | high;
    packet[3] = low;
    if error_control {
        out.extend_from_slice(&[0, 0]);
    }
    set_length(&mut out[start..]);
    if error_control {
        let end = out.len() - 2;
        let crc = crc16(&out[start..end]).to_be_bytes();
        out[end..].copy_from_slice(&crc);
    }
    true
}

/// Packet data length: one less than the octets behind the header (CCSDS 133.0-B-2 4.1.3.5.3).
fn set_length(packet: &mut [u8]) {
    let length = u16::try_from(packet.len().saturating_sub(7)).unwrap_or(u16::MAX);
    if let Some(field) = packet.get_mut(4..6) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}
