//! Security header and trailer: CCSDS 355.0-B-2 4.1.

use core::fmt;

use super::SdlsError;

/// Security parameter index, 16 bits: which security association protects a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spi(u16);

impl Spi {
    /// Octets of the field.
    pub const OCTETS: usize = 2;
    /// The highest index; 0 and 65535 are reserved (355.0-B-2 4.1.1.2).
    pub const MAX: u16 = 65_534;

    /// An index that is not reserved.
    ///
    /// # Errors
    /// [`SdlsError::Spi`] for 0 and 65535.
    pub const fn new(value: u16) -> Result<Self, SdlsError> {
        if value == 0 || value > Self::MAX {
            return Err(SdlsError::Spi(value));
        }
        Ok(Self(value))
    }

    /// The index at the start of a security header.
    ///
    /// # Errors
    /// [`SdlsError::Truncated`] or [`SdlsError::Spi`].
    pub const fn parse(header: &[u8]) -> Result<Self, SdlsError> {
        match header.first_chunk::<{ Self::OCTETS }>() {
            Some(octets) => Self::new(u16::from_be_bytes(*octets)),
            None => Err(SdlsError::Truncated {
                needed: Self::OCTETS,
                got: header.len(),
            }),
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Spi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Sizes of the fields of a security association's header and trailer, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecurityLayout {
    /// Initialisation vector.
    pub iv_octets: usize,
    /// Sequence number, where it is not the initialisation vector.
    pub sequence_number_octets: usize,
    /// Pad length.
    pub pad_length_octets: usize,
    /// Message authentication code, the trailer.
    pub mac_octets: usize,
}

impl SecurityLayout {
    /// AES-GCM with the whole vector in the header, which is the sequence number too.
    pub const AES_GCM: Self = Self {
        iv_octets: super::IV_OCTETS,
        sequence_number_octets: 0,
        pad_length_octets: 0,
        mac_octets: super::MAC_OCTETS,
    };

    /// Octets of the security header.
    #[must_use]
    pub const fn header_octets(&self) -> usize {
        Spi::OCTETS + self.iv_octets + self.sequence_number_octets + self.pad_length_octets
    }

    /// Octets of header and trailer.
    #[must_use]
    pub const fn overhead_octets(&self) -> usize {
        self.header_octets() + self.mac_octets
    }

    /// Cuts what follows a segment header into its parts. The data may be empty.
    ///
    /// # Errors
    /// [`SdlsError::Truncated`] or [`SdlsError::Spi`].
    pub fn split<'a>(&self, secured: &'a [u8]) -> Result<SecuredData<'a>, SdlsError> {
        let truncated = SdlsError::Truncated {
            needed: self.overhead_octets(),
            got: secured.len(),
        };
        if secured.len() < self.overhead_octets() {
            return Err(truncated);
        }
        let spi = Spi::parse(secured)?;
        let (header_octets, rest) = secured.split_at(self.header_octets());
        let (data, mac) = rest.split_at(rest.len() - self.mac_octets);
        let (iv, fields) = header_octets[Spi::OCTETS..].split_at(self.iv_octets);
        let (sequence_number, pad_length) = fields.split_at(self.sequence_number_octets);
        Ok(SecuredData {
            header: SecurityHeader {
                spi,
                iv,
                sequence_number,
                pad_length,
            },
            header_octets,
            data,
            mac,
        })
    }
}

/// Security header, of the size that its association's layout gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecurityHeader<'a> {
    /// The association.
    pub spi: Spi,
    /// Initialisation vector.
    pub iv: &'a [u8],
    /// Sequence number, big endian.
    pub sequence_number: &'a [u8],
    /// Pad length, big endian.
    pub pad_length: &'a [u8],
}

impl SecurityHeader<'_> {
    /// Appends the header to `out`.
    ///
    /// # Errors
    /// [`SdlsError::Part`] when a field has another size than in the layout.
    pub fn encode(&self, layout: &SecurityLayout, out: &mut Vec<u8>) -> Result<(), SdlsError> {
        let parts = [
            ("header's IV", layout.iv_octets, self.iv),
            (
                "header's sequence number",
                layout.sequence_number_octets,
                self.sequence_number,
            ),
            (
                "header's pad length",
                layout.pad_length_octets,
                self.pad_length,
            ),
        ];
        for (part, needed, octets) in parts {
            let got = octets.len();
            if got != needed {
                return Err(SdlsError::Part { part, needed, got });
            }
        }
        out.extend_from_slice(&self.spi.get().to_be_bytes());
        out.extend_from_slice(self.iv);
        out.extend_from_slice(self.sequence_number);
        out.extend_from_slice(self.pad_length);
        Ok(())
    }
}

/// A secured data field, cut into its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecuredData<'a> {
    /// The security header.
    pub header: SecurityHeader<'a>,
    /// The header's octets.
    pub header_octets: &'a [u8],
    /// User data, encrypted or not.
    pub data: &'a [u8],
    /// Message authentication code.
    pub mac: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_must_agree() {
        let header = SecurityHeader {
            spi: Spi::new(9).unwrap(),
            iv: &[1; 12],
            sequence_number: &[2],
            pad_length: &[],
        };
        let mut out = Vec::new();
        assert_eq!(
            header.encode(&SecurityLayout::AES_GCM, &mut out),
            Err(SdlsError::Part {
                part: "header's sequence number",
                needed: 0,
                got: 1
            })
        );
        assert!(out.is_empty());
        assert_eq!(
            SecurityLayout::AES_GCM.split(&[0; 29]),
            Err(SdlsError::Truncated {
                needed: 30,
                got: 29
            })
        );
        assert_eq!(
            SecurityLayout::AES_GCM.split(&[0; 30]),
            Err(SdlsError::Spi(0))
        );
        assert_eq!(Spi::new(65_535), Err(SdlsError::Spi(65_535)));
    }
}
