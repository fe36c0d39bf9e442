//! A packet field by field, for dry runs.

use serde::Serialize;

use super::CompiledCommand;
use super::error::DecodeError;

/// One field of an encoded packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BreakdownField {
    /// Argument, parameter or fixed entry; members as `a.b`, elements as `a[3]`.
    pub name: String,
    /// First bit, from the packet's start.
    pub bit_offset: usize,
    /// How many bits.
    pub bit_length: usize,
    /// The bits, right-aligned.
    pub raw: Vec<u8>,
    /// The engineering value as text.
    pub value: String,
    /// Its units.
    pub units: Option<String>,
}

impl CompiledCommand {
    /// All fields of a packet of this command, in order, without its packet error control.
    ///
    /// # Errors
    /// As [`CompiledCommand::decode`].
    pub fn breakdown(&self, packet: &[u8]) -> Result<Vec<BreakdownField>, DecodeError> {
        self.decode(packet)?;
        let mut fields = Vec::new();
        self.read(packet, self.fields.iter(), Some(&mut fields))?;
        Ok(fields)
    }
}

impl BreakdownField {
    /// The bits in hexadecimal, or as zeros and ones where they are no whole octets.
    pub fn raw_text(&self) -> String {
        if self.bit_length.is_multiple_of(8) {
            return self
                .raw
                .iter()
                .map(|octet| format!("{octet:02x}"))
                .collect();
        }
        let bits: String = self
            .raw
            .iter()
            .map(|octet| format!("{octet:08b}"))
            .collect();
        let spare = bits.len().saturating_sub(self.bit_length);
        bits.get(spare..).unwrap_or_default().to_owned()
    }
}
