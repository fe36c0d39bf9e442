//! From engineering values to the bits of a packet: the inverse of what the mission database says.

/// Takes the fields of a packet in order.
pub(crate) trait Sink {
    /// A field as it lies in the packet: `bits` (at most 48) of `raw`, worth `meaning`.
    fn field(&mut self, name: &'static str, bits: u32, raw: u64, meaning: Meaning<'_>);

    /// Characters as they lie in the packet, worth `text`.
    fn characters(&mut self, name: &'static str, octets: &[u8], text: &str);

    #[inline]
    fn unsigned(&mut self, name: &'static str, bits: u32, value: u64) {
        let raw = value.min(u64::MAX >> (64 - bits));
        self.field(name, bits, raw, Meaning::Number(value as f64, 0.5));
    }

    /// A counter: only its low bits are sent.
    #[inline]
    fn counter(&mut self, name: &'static str, bits: u32, value: u64) {
        let raw = value & (u64::MAX >> (64 - bits));
        self.field(name, bits, raw, Meaning::Number(raw as f64, 0.0));
    }

    /// A signed whole number in two's complement.
    #[inline]
    fn signed(&mut self, name: &'static str, bits: u32, value: f64) {
        self.field(
            name,
            bits,
            twos_complement(value, bits),
            Meaning::Number(value, 0.5),
        );
    }

    /// A count of `slope`, unsigned; beyond the ends it stays at the end.
    #[inline]
    fn scaled(&mut self, name: &'static str, bits: u32, slope: f64, value: f64) {
        let raw = straight(value / slope, bits);
        self.field(name, bits, raw, Meaning::Number(value, slope / 2.0));
    }

    /// A count of `slope` in two's complement.
    #[inline]
    fn scaled_signed(&mut self, name: &'static str, bits: u32, slope: f64, value: f64) {
        let raw = twos_complement(value / slope, bits);
        self.field(name, bits, raw, Meaning::Number(value, slope / 2.0));
    }

    /// A sensor whose reading goes with the value as `inverse` says; `step` is its coarsest.
    #[inline]
    fn sensor(
        &mut self,
        name: &'static str,
        bits: u32,
        inverse: fn(f64) -> f64,
        step: f64,
        value: f64,
    ) {
        let raw = straight(inverse(value), bits);
        self.field(name, bits, raw, Meaning::Number(value, step / 2.0));
    }

    #[inline]
    fn label(&mut self, name: &'static str, bits: u32, raw: u64, label: &'static str) {
        self.field(name, bits, raw, Meaning::Label(label));
    }

    #[inline]
    fn flag(&mut self, name: &'static str, value: bool) {
        self.field(
            name,
            1,
            u64::from(value),
            Meaning::Label(if value { "true" } else { "false" }),
        );
    }

    #[inline]
    fn float(&mut self, name: &'static str, value: f64) {
        let narrow = value as f32;
        self.field(
            name,
            32,
            u64::from(narrow.to_bits()),
            Meaning::Number(f64::from(narrow), 0.0),
        );
    }

    /// A text of fixed room that ends in at least one zero octet; ASCII only, cut where too long.
    #[inline]
    fn text(&mut self, name: &'static str, room: usize, text: &str) {
        let mut octets = [0; TEXT_OCTETS_MAX];
        let room = room.clamp(1, TEXT_OCTETS_MAX);
        let kept = text.len().min(room - 1);
        let text = text.get(..kept).unwrap_or("");
        octets[..text.len()].copy_from_slice(text.as_bytes());
        self.characters(name, &octets[..room], text);
    }
}

/// What a field is worth after calibration, for those who check it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(not(test), allow(dead_code, reason = "packets hold raw values only"))]
pub(crate) enum Meaning<'a> {
    /// A number, and how far from it the packet may be.
    Number(f64, f64),
    /// An enumeration's label.
    Label(&'a str),
}

/// Packs fields into octets, most significant bit first.
#[derive(Debug)]
pub(crate) struct PacketWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    pending_bits: u32,
}

impl<'a> PacketWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            pending: 0,
            pending_bits: 0,
        }
    }
}

impl Sink for PacketWriter<'_> {
    #[inline]
    fn field(&mut self, _name: &'static str, bits: u32, raw: u64, _meaning: Meaning<'_>) {
        // Fewer than 8 bits are pending and at most 48 come.
        self.pending = (self.pending << bits) | raw;
        self.pending_bits += bits;
        while self.pending_bits >= 8 {
            self.pending_bits -= 8;
            self.out.push((self.pending >> self.pending_bits) as u8);
        }
    }

    #[inline]
    fn characters(&mut self, name: &'static str, octets: &[u8], _text: &str) {
        for &octet in octets {
            self.field(name, 8, u64::from(octet), Meaning::Label(""));
        }
    }
}

#[inline]
fn straight(counts: f64, bits: u32) -> u64 {
    // A float to integer cast saturates and turns NaN into 0.
    (counts.round() as u64).min(u64::MAX >> (64 - bits))
}

#[inline]
fn twos_complement(counts: f64, bits: u32) -> u64 {
    let end = 1_i64 << (bits - 1);
    let value = (counts.round() as i64).clamp(-end, end - 1);
    value as u64 & (u64::MAX >> (64 - bits))
}

const TEXT_OCTETS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_most_significant_bit_first() {
        let mut out = Vec::new();
        let mut writer = PacketWriter::new(&mut out);
        writer.unsigned("a", 3, 0b101);
        writer.flag("b", true);
        writer.signed("c", 12, -2.0);
        writer.scaled("d", 16, 0.01, 12.34);
        writer.unsigned("e", 48, 0x0102_0304_0506);
        writer.text("f", 4, "abcdef");
        assert_eq!(
            out,
            [
                0xBF, 0xFE, 0x04, 0xD2, 1, 2, 3, 4, 5, 6, b'a', b'b', b'c', 0
            ]
        );
    }

    #[test]
    fn values_beyond_the_ends_stay_at_the_ends() {
        let mut out = Vec::new();
        let mut writer = PacketWriter::new(&mut out);
        writer.scaled("a", 16, 0.01, 1e9);
        writer.scaled("b", 16, 0.01, -5.0);
        writer.scaled_signed("c", 16, 0.01, -1e9);
        writer.scaled_signed("d", 16, 0.01, f64::INFINITY);
        writer.scaled("e", 8, 1.0, f64::NAN);
        writer.unsigned("f", 8, 1_000);
        writer.counter("g", 8, 257);
        assert_eq!(out, [0xFF, 0xFF, 0, 0, 0x80, 0, 0x7F, 0xFF, 0, 0xFF, 1]);
    }
}
