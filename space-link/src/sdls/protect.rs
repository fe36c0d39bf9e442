//! Protecting and verifying TC transfer frames: CCSDS 355.0-B-2 section 3 and 6.

use super::{
    Cipher, IV_OCTETS, MAC_OCTETS, SdlsError, SecuredData, SecurityHeader, SecurityLayout, Spi,
};
use crate::frame::tc::HEADER_OCTETS;

/// What a security association does (355.0-B-2 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Data stay readable; nobody without the key can change or make them.
    Authentication,
    /// Data are secret too.
    AuthenticatedEncryption,
}

/// Which bits ahead of the security header the authentication code covers; the security header
/// always is, and the data. Bits that are not covered count as zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuthenticationMask {
    primary_header: [u8; HEADER_OCTETS],
    segment_header: u8,
}

impl AuthenticationMask {
    /// The virtual channel identifier and the segment header (355.0-B-2 6.2).
    pub const STANDARD: Self = Self {
        primary_header: [0, 0, 0xFC, 0, 0],
        segment_header: 0xFF,
    };

    /// All of the primary header that is known before FOP-1 gives a sequence number: also version,
    /// flags and spacecraft identifier, so that nobody turns an AD frame into a BD frame.
    pub const STRICT: Self = Self {
        primary_header: [0xFF, 0xFF, 0xFC, 0, 0],
        segment_header: 0xFF,
    };

    /// A mission's own mask.
    ///
    /// # Errors
    /// [`SdlsError::Mask`] when it covers the frame length or the sequence number, which are set
    /// after protection.
    pub const fn new(
        primary_header: [u8; HEADER_OCTETS],
        segment_header: u8,
    ) -> Result<Self, SdlsError> {
        if primary_header[2] & 0b11 != 0 || primary_header[3] != 0 || primary_header[4] != 0 {
            return Err(SdlsError::Mask);
        }
        Ok(Self {
            primary_header,
            segment_header,
        })
    }
}

/// How an association protects TC frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TcSecurity {
    /// Authentication, with encryption or without.
    pub service: Service,
    /// Fields of header and trailer; AES-GCM needs a vector of 12 octets and a code of 16.
    pub layout: SecurityLayout,
    /// What is authenticated ahead of the security header.
    pub mask: AuthenticationMask,
}

impl TcSecurity {
    fn check(&self) -> Result<(), SdlsError> {
        for (part, needed, got) in [
            ("header's IV", IV_OCTETS, self.layout.iv_octets),
            ("trailer", MAC_OCTETS, self.layout.mac_octets),
        ] {
            if needed != got {
                return Err(SdlsError::Part { part, needed, got });
            }
        }
        Ok(())
    }

    fn masked(&self, primary_header: &[u8; HEADER_OCTETS], segment_header: Option<u8>) -> Masked {
        let mut octets = [0; HEADER_OCTETS + 1];
        for (masked, (octet, mask)) in octets
            .iter_mut()
            .zip(primary_header.iter().zip(self.mask.primary_header))
        {
            *masked = octet & mask;
        }
        let mut length = HEADER_OCTETS;
        if let Some(segment_header) = segment_header {
            octets[HEADER_OCTETS] = segment_header & self.mask.segment_header;
            length += 1;
        }
        Masked { octets, length }
    }
}

struct Masked {
    octets: [u8; HEADER_OCTETS + 1],
    length: usize,
}

impl Masked {
    fn octets(&self) -> &[u8] {
        &self.octets[..self.length]
    }
}

/// Appends a frame's data field to `out`: segment header, security header, data, trailer.
///
/// Of `primary_header` only what the mask covers is looked at. Appends nothing after an error.
///
/// # Errors
/// [`SdlsError::Part`] when the header's fields are not of the layout, or the layout not for
/// AES-GCM.
pub fn protect(
    cipher: &Cipher,
    security: &TcSecurity,
    primary_header: &[u8; HEADER_OCTETS],
    segment_header: Option<u8>,
    header: &SecurityHeader<'_>,
    data: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SdlsError> {
    security.check()?;
    let start = out.len();
    let iv = to_iv(header.iv)?;
    let masked = security.masked(primary_header, segment_header);
    // What is authenticated is written where the data field will be, then moved into place.
    out.extend_from_slice(masked.octets());
    let sealed = header
        .encode(&security.layout, out)
        .and_then(|()| seal(cipher, security.service, &iv, data, start, out));
    match sealed {
        Ok(mac) => {
            out.extend_from_slice(&mac);
            let keep = masked.length - usize::from(segment_header.is_some());
            out.drain(start..start + keep);
            if let (Some(octet), Some(place)) = (segment_header, out.get_mut(start)) {
                *place = octet;
            }
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// Seals what stands in `out` from `start`, the associated data, and `data`, which it appends.
fn seal(
    cipher: &Cipher,
    service: Service,
    iv: &[u8; IV_OCTETS],
    data: &[u8],
    start: usize,
    out: &mut Vec<u8>,
) -> Result<[u8; MAC_OCTETS], SdlsError> {
    let end = out.len();
    out.extend_from_slice(data);
    let (associated, data) = out[start..].split_at_mut(match service {
        Service::AuthenticatedEncryption => end - start,
        Service::Authentication => end - start + data.len(),
    });
    cipher.seal(iv, associated, data)
}

/// Verifies a frame's data field and appends its user data to `out`, decrypted if they were
/// encrypted; gives the security header. Appends nothing after an error.
///
/// Whether the sequence number is new is for the caller to check: only after this succeeded is it
/// known to be authentic.
///
/// # Errors
/// [`SdlsError::Truncated`], [`SdlsError::Spi`], [`SdlsError::Part`], or [`SdlsError::Mac`] when the
/// frame is not authentic.
pub fn unprotect<'a>(
    cipher: &Cipher,
    security: &TcSecurity,
    primary_header: &[u8; HEADER_OCTETS],
    has_segment_header: bool,
    data_field: &'a [u8],
    out: &mut Vec<u8>,
) -> Result<SecurityHeader<'a>, SdlsError> {
    security.check()?;
    let (segment_header, secured) = split_segment_header(has_segment_header, data_field)?;
    let SecuredData {
        header,
        header_octets,
        data,
        mac,
    } = security.layout.split(secured)?;
    let iv = to_iv(header.iv)?;
    let mac = to_mac(mac)?;
    let masked = security.masked(primary_header, segment_header);
    let start = out.len();
    out.extend_from_slice(masked.octets());
    out.extend_from_slice(header_octets);
    let end = out.len();
    out.extend_from_slice(data);
    let (associated, data) = out[start..].split_at_mut(match security.service {
        Service::AuthenticatedEncryption => end - start,
        Service::Authentication => end - start + data.len(),
    });
    if !cipher.open(&iv, associated, data, &mac) {
        out.truncate(start);
        return Err(SdlsError::Mac { spi: header.spi });
    }
    out.drain(start..end);
    Ok(header)
}

/// The association that a frame's data field names.
///
/// # Errors
/// [`SdlsError::Truncated`] or [`SdlsError::Spi`].
pub fn spi_of(has_segment_header: bool, data_field: &[u8]) -> Result<Spi, SdlsError> {
    split_segment_header(has_segment_header, data_field)
        .and_then(|(_, secured)| Spi::parse(secured))
}

fn split_segment_header(present: bool, octets: &[u8]) -> Result<(Option<u8>, &[u8]), SdlsError> {
    match (present, octets) {
        (false, _) => Ok((None, octets)),
        (true, [segment_header, rest @ ..]) => Ok((Some(*segment_header), rest)),
        (true, []) => Err(SdlsError::Truncated {
            needed: 1 + Spi::OCTETS,
            got: 0,
        }),
    }
}

fn to_iv(octets: &[u8]) -> Result<[u8; IV_OCTETS], SdlsError> {
    octets.try_into().map_err(|_| SdlsError::Part {
        part: "header's IV",
        needed: IV_OCTETS,
        got: octets.len(),
    })
}

fn to_mac(octets: &[u8]) -> Result<[u8; MAC_OCTETS], SdlsError> {
    octets.try_into().map_err(|_| SdlsError::Part {
        part: "trailer",
        needed: MAC_OCTETS,
        got: octets.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdls::Key;

    const HEADER: [u8; 5] = [0x20, 0x03, 0x04, 0x25, 0x00];

    fn security(service: Service) -> TcSecurity {
        TcSecurity {
            service,
            layout: SecurityLayout::AES_GCM,
            mask: AuthenticationMask::STANDARD,
        }
    }

    fn header(iv: &[u8]) -> SecurityHeader<'_> {
        SecurityHeader {
            spi: Spi::new(9).unwrap(),
            iv,
            sequence_number: &[],
            pad_length: &[],
        }
    }

    #[test]
    fn what_is_protected_verifies_and_nothing_else_does() {
        let cipher = Cipher::new(&Key::new(&mut [7; 32]));
        for service in [Service::Authentication, Service::AuthenticatedEncryption] {
            for segment_header in [None, Some(0xC1)] {
                let security = security(service);
                let mut field = vec![0xEE];
                let secured = header(&[5; 12]);
                protect(
                    &cipher,
                    &security,
                    &HEADER,
                    segment_header,
                    &secured,
                    b"fire",
                    &mut field,
                )
                .unwrap();
                let field = field.split_off(1);
                let present = segment_header.is_some();
                assert_eq!(field.len(), usize::from(present) + 14 + 4 + 16);
                let readable = field.windows(4).any(|part| part == b"fire");
                assert_eq!(readable, service == Service::Authentication);
                let mut out = vec![1];
                let read =
                    unprotect(&cipher, &security, &HEADER, present, &field, &mut out).unwrap();
                assert_eq!(read, secured);
                assert_eq!(out, b"\x01fire");
                // FOP-1 sets the sequence number and the length later.
                let later = [0x20, 0x03, 0x07, 0xFF, 0x99];
                assert!(unprotect(&cipher, &security, &later, present, &field, &mut out).is_ok());
                out.clear();
                for bit in 0..field.len() * 8 {
                    let mut forged = field.clone();
                    forged[bit / 8] ^= 0x80 >> (bit % 8);
                    assert!(
                        unprotect(&cipher, &security, &HEADER, present, &forged, &mut out).is_err()
                    );
                    assert!(out.is_empty());
                }
                let other_channel = [0x20, 0x03, 0x08, 0x25, 0x00];
                assert_eq!(
                    unprotect(
                        &cipher,
                        &security,
                        &other_channel,
                        present,
                        &field,
                        &mut out
                    ),
                    Err(SdlsError::Mac {
                        spi: Spi::new(9).unwrap()
                    })
                );
            }
        }
    }

    #[test]
    fn layouts_that_are_not_for_aes_gcm_are_refused() {
        let cipher = Cipher::new(&Key::new(&mut [7; 32]));
        let mut security = security(Service::Authentication);
        security.layout.mac_octets = 8;
        let mut out = vec![1];
        let result = protect(
            &cipher,
            &security,
            &HEADER,
            None,
            &header(&[0; 12]),
            b"x",
            &mut out,
        );
        assert_eq!(
            result,
            Err(SdlsError::Part {
                part: "trailer",
                needed: 16,
                got: 8
            })
        );
        assert_eq!(out, [1]);
        assert_eq!(
            AuthenticationMask::new([0, 0, 0xFF, 0, 0], 0),
            Err(SdlsError::Mask)
        );
    }
}
