//! The gate's key: signs releases, seals events.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use thiserror::Error;

use crate::canonical;
use crate::command::Digest;

/// What seals are, for who derives the key.
const SEAL_DOMAIN: &[u8] = b"passline event seal/1";

/// The gate's secret: an Ed25519 key (RFC 8032), and what is derived from it.
///
/// 32 octets from a good source; where they come from is the caller's matter. Never shown.
#[derive(Clone)]
pub struct GateKey {
    signing: SigningKey,
    seal: Digest,
    /// Seals of earlier keys are still good; they sign nothing any more.
    retired: Vec<Digest>,
}

impl GateKey {
    /// The key of a secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self {
            signing: SigningKey::from_bytes(secret),
            seal: seal_key(secret),
            retired: Vec::new(),
        }
    }

    /// The same, and events that an earlier key sealed are read too.
    #[must_use]
    pub fn with_retired(mut self, secret: &[u8; 32]) -> Self {
        self.retired.push(seal_key(secret));
        self
    }

    /// What stations check releases with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.signing.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }

    pub(crate) fn seal(&self, hash: &Digest) -> Digest {
        mac(&self.seal, hash)
            .map(|mac| Digest(mac.finalize().into_bytes().into()))
            .unwrap_or_default()
    }

    pub(crate) fn is_sealed(&self, hash: &Digest, seal: &Digest) -> bool {
        std::iter::once(&self.seal)
            .chain(&self.retired)
            .any(|key| mac(key, hash).is_some_and(|mac| mac.verify_slice(&seal.0).is_ok()))
    }
}

impl fmt::Debug for GateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GateKey({})", self.public())
    }
}

fn seal_key(secret: &[u8; 32]) -> Digest {
    // A MAC of the domain under the secret: the seals tell nothing about the signing key.
    mac(
        &Digest(*secret),
        &canonical::digest("passline key", &[SEAL_DOMAIN]),
    )
    .map(|mac| Digest(mac.finalize().into_bytes().into()))
    .unwrap_or_default()
}

/// HMAC takes keys of any length, so there always is one.
fn mac(key: &Digest, message: &Digest) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).ok()?;
    mac.update(&message.0);
    Some(mac)
}

/// What releases are checked with; 64 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Octets are no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an Ed25519 public key: 64 lower-case hexadecimal digits of a point that is not weak")]
pub struct PublicKeyError;

impl PublicKey {
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

impl std::str::FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        let octets: Digest = text.parse().map_err(|_| PublicKeyError)?;
        let key = VerifyingKey::from_bytes(&octets.0).map_err(|_| PublicKeyError)?;
        if key.is_weak() {
            return Err(PublicKeyError);
        }
        Ok(Self(key))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Digest(self.0.to_bytes()), f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_rfc_8032() {
        // RFC 8032 7.1, test 2.
        let secret = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let secret: Digest = secret.parse().unwrap();
        let key = GateKey::new(&secret.0);
        assert_eq!(
            key.public().to_string(),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        let signature = key.sign(&[0x72]);
        assert_eq!(
            canonical::hex::encode(&signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert!(key.public().verifies(&[0x72], &signature));
        assert!(!key.public().verifies(&[0x73], &signature));
    }

    #[test]
    fn a_retired_key_seals_nothing_but_its_seals_are_read() {
        let (old, hash) = (GateKey::new(&[1; 32]), Digest([9; 32]));
        let new = GateKey::new(&[2; 32]);
        assert!(!new.is_sealed(&hash, &old.seal(&hash)));
        let new = new.with_retired(&[1; 32]);
        assert!(new.is_sealed(&hash, &old.seal(&hash)));
        assert_ne!(new.seal(&hash), old.seal(&hash));
    }

    #[test]
    fn the_secret_is_not_shown() {
        let secret = [0xAB; 32];
        let shown = format!("{:?}", GateKey::new(&secret));
        assert!(!shown.contains("abab"), "{shown}");
    }

    #[test]
    fn weak_points_are_no_keys() {
        let zero = "0".repeat(64);
        assert!(zero.parse::<PublicKey>().is_err());
        assert!("xyz".parse::<PublicKey>().is_err());
    }
}
