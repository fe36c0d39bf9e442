//! Keys, and ciphers made of them: secrets that are wiped when dropped and never printed.

use core::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use zeroize::{Zeroize, Zeroizing};

use super::{IV_OCTETS, MAC_OCTETS, SdlsError};

/// Octets of a key of AES-256.
pub const KEY_OCTETS: usize = 32;

/// A key of AES-256. Neither copied nor printed; wiped when it is dropped.
pub struct Key(Zeroizing<[u8; KEY_OCTETS]>);

impl Key {
    /// A key of 32 octets, which are wiped.
    #[must_use]
    pub fn new(octets: &mut [u8; KEY_OCTETS]) -> Self {
        let key = Self(Zeroizing::new(*octets));
        octets.zeroize();
        key
    }

    /// A key of 64 hexadecimal digits, as key files hold it; white space around them is left out.
    ///
    /// # Errors
    /// [`SdlsError::KeyLength`] or [`SdlsError::KeyDigits`]; neither says what the text is.
    pub fn from_hex(text: &str) -> Result<Self, SdlsError> {
        let digits = text.trim().as_bytes();
        if digits.len() != 2 * KEY_OCTETS {
            return Err(SdlsError::KeyLength { got: digits.len() });
        }
        let mut octets = Zeroizing::new([0; KEY_OCTETS]);
        for (octet, pair) in octets.iter_mut().zip(digits.as_chunks::<2>().0) {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            match (high, low) {
                (Some(high), Some(low)) => *octet = (high << 4 | low) as u8,
                _ => return Err(SdlsError::KeyDigits),
            }
        }
        Ok(Self(octets))
    }

    /// Whether two keys are the same, in a time that does not depend on where they differ.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let difference = self
            .0
            .iter()
            .zip(other.0.iter())
            .fold(0, |difference, (a, b)| difference | (a ^ b));
        difference == 0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}

/// AES-256-GCM with an expanded key (NIST SP 800-38D), wiped when it is dropped.
pub struct Cipher(Aes256Gcm);

impl Cipher {
    /// Expands a key.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        Self(Aes256Gcm::new((&*key.0).into()))
    }

    /// Encrypts `data` in place; the code authenticates `associated` and the result.
    ///
    /// A vector must never be used twice with one key, whatever is encrypted.
    ///
    /// # Errors
    /// [`SdlsError::TooLong`] beyond what one message may have.
    pub fn seal(
        &self,
        iv: &[u8; IV_OCTETS],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; MAC_OCTETS], SdlsError> {
        self.0
            .encrypt_inout_detached(iv.into(), associated, InOutBuf::from(data))
            .map(Into::into)
            .map_err(|_| SdlsError::TooLong)
    }

    /// Checks the code, then decrypts `data` in place; `false`, and data as they were, if it is
    /// wrong.
    #[must_use]
    pub fn open(
        &self,
        iv: &[u8; IV_OCTETS],
        associated: &[u8],
        data: &mut [u8],
        mac: &[u8; MAC_OCTETS],
    ) -> bool {
        self.0
            .decrypt_inout_detached(iv.into(), associated, InOutBuf::from(data), mac.into())
            .is_ok()
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(AES-256-GCM, secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed_and_are_wiped() {
        let mut octets = [0xAB; 32];
        let key = Key::new(&mut octets);
        assert_eq!(octets, [0; 32]);
        let printed = format!("{key:?} {:?}", Cipher::new(&key));
        assert_eq!(printed, "Key(secret) Cipher(AES-256-GCM, secret)");
        let same = Key::from_hex(&format!(" {}\n", "ab".repeat(32))).unwrap();
        assert!(key.same(&same));
        assert!(!key.same(&Key::new(&mut [0xAA; 32])));
    }

    #[test]
    fn bad_key_files_are_refused_without_saying_what_they_hold() {
        let error = Key::from_hex("0123").unwrap_err();
        assert_eq!(error, SdlsError::KeyLength { got: 4 });
        let error = Key::from_hex(&"xy".repeat(32)).unwrap_err();
        assert_eq!(error.to_string(), "a key is written in hexadecimal digits");
    }
}
