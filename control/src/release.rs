//! A release: the gate's signed word that a packet may leave, and what a station checks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::canonical::{digest, hex};
use crate::command::{CommandId, Digest};
use crate::keys::{GateKey, PublicKey};

/// A packet that may leave, once; times are microseconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// To which spacecraft.
    pub spacecraft: String,
    /// Which command.
    pub command: CommandId,
    /// Number of the release among those of the spacecraft, from 1.
    pub sequence: u64,
    /// Not radiated before.
    pub not_before: i64,
    /// Not radiated after.
    pub not_after: i64,
    /// The packet.
    #[serde(with = "hex")]
    pub packet: Vec<u8>,
    /// SHA-256 of the packet: what the approvals saw.
    pub packet_sha256: Digest,
    /// Hash of the event before the release's: the signature covers all that led to it.
    pub previous: Digest,
    /// Ed25519 over the rest; 128 hexadecimal digits.
    #[serde(with = "hex")]
    pub signature: Vec<u8>,
}

impl Release {
    /// Signs; `packet_sha256` and `signature` are set.
    pub(crate) fn sign(mut self, key: &GateKey) -> Self {
        self.packet_sha256 = sha256(&self.packet);
        self.signature = key.sign(&self.message().0).to_vec();
        self
    }

    /// What is signed.
    fn message(&self) -> Digest {
        digest(
            "passline release/1",
            &[
                self.spacecraft.as_bytes(),
                self.command.as_str().as_bytes(),
                &self.sequence.to_be_bytes(),
                &self.not_before.to_be_bytes(),
                &self.not_after.to_be_bytes(),
                &self.packet_sha256.0,
                &self.previous.0,
            ],
        )
    }

    /// Whether the gate of this key made it as it stands.
    ///
    /// # Errors
    /// [`ReleaseError::Tampered`].
    pub fn check_signature(&self, key: &PublicKey) -> Result<(), ReleaseError> {
        let tampered = |what| ReleaseError::Tampered {
            command: self.command.clone(),
            what,
        };
        if sha256(&self.packet) != self.packet_sha256 {
            return Err(tampered("the packet is not the one that was approved"));
        }
        let Ok(signature) = <&[u8; 64]>::try_from(self.signature.as_slice()) else {
            return Err(tampered("the signature has not 64 octets"));
        };
        if !key.verifies(&self.message().0, signature) {
            return Err(tampered("the signature is not the gate's"));
        }
        Ok(())
    }
}

/// SHA-256 of a packet.
pub fn sha256(octets: &[u8]) -> Digest {
    Digest(Sha256::digest(octets).into())
}

/// Why a station does not radiate a release.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReleaseError {
    /// It is not as the gate made it, or not the gate's.
    #[error("the release of command {command} is refused: {what}")]
    Tampered {
        /// Which command it names.
        command: CommandId,
        /// What is wrong.
        what: &'static str,
    },
    /// It is for another spacecraft.
    #[error("the release of command {command} is for {its}, this link is to {ours}")]
    WrongSpacecraft {
        /// Which command.
        command: CommandId,
        /// For which it is.
        its: String,
        /// Whose link this is.
        ours: String,
    },
    /// Its window has not begun.
    #[error("the release of command {command} is good from {not_before}, it is {now}")]
    TooEarly {
        /// Which command.
        command: CommandId,
        /// When its window begins, microseconds since 1970-01-01 UTC.
        not_before: i64,
        /// The time.
        now: i64,
    },
    /// Its window is over.
    #[error("the release of command {command} was good until {not_after}, it is {now}")]
    Expired {
        /// Which command.
        command: CommandId,
        /// When its window ended, microseconds since 1970-01-01 UTC.
        not_after: i64,
        /// The time.
        now: i64,
    },
    /// Its number, or a higher one, was taken already.
    #[error("release {sequence} of command {command} was taken already: the last was {last}")]
    Replayed {
        /// Which command.
        command: CommandId,
        /// Its number.
        sequence: u64,
        /// The last number taken.
        last: u64,
    },
    /// The command was released before, under another number.
    #[error("command {command} was released before; release {sequence} is refused")]
    CommandReplayed {
        /// Which command.
        command: CommandId,
        /// The number of this release.
        sequence: u64,
    },
    /// More releases are in their windows than the guard remembers.
    #[error("{max} releases are within their windows; {command} has to wait until one has passed")]
    TooMany {
        /// Which command.
        command: CommandId,
        /// Most that are remembered.
        max: usize,
    },
}

/// Checks a release: the gate's signature, the spacecraft and the window.
///
/// This is all that can be told without memory; [`ReleaseGuard`] remembers.
///
/// # Errors
/// [`ReleaseError::Tampered`], [`ReleaseError::WrongSpacecraft`], [`ReleaseError::TooEarly`],
/// [`ReleaseError::Expired`].
pub fn verify_release(
    key: &PublicKey,
    release: &Release,
    spacecraft: &str,
    now: i64,
) -> Result<(), ReleaseError> {
    release.check_signature(key)?;
    let command = || release.command.clone();
    if release.spacecraft != spacecraft {
        return Err(ReleaseError::WrongSpacecraft {
            command: command(),
            its: release.spacecraft.clone(),
            ours: spacecraft.to_owned(),
        });
    }
    if now > release.not_after {
        return Err(ReleaseError::Expired {
            command: command(),
            not_after: release.not_after,
            now,
        });
    }
    if now < release.not_before {
        return Err(ReleaseError::TooEarly {
            command: command(),
            not_before: release.not_before,
            now,
        });
    }
    Ok(())
}

/// What a station remembers of a spacecraft's releases, so that none leaves twice.
///
/// Has to be durable before a release that it took is radiated. Commands are remembered until their
/// windows end, at most [`ReleaseGuard::MAX`]; at the bound further releases are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseGuard {
    last: u64,
    recent: BTreeMap<CommandId, i64>,
}

impl ReleaseGuard {
    /// Most commands that are remembered.
    pub const MAX: usize = 65_536;

    /// Number of the last release taken; 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Checks a release and takes it: the same one, an older one, and another one of the same
    /// command are refused from now on.
    ///
    /// # Errors
    /// Those of [`verify_release`], [`ReleaseError::Replayed`], [`ReleaseError::CommandReplayed`]
    /// and [`ReleaseError::TooMany`]; the guard is then as it was.
    pub fn take(
        &mut self,
        key: &PublicKey,
        release: &Release,
        spacecraft: &str,
        now: i64,
    ) -> Result<(), ReleaseError> {
        verify_release(key, release, spacecraft, now)?;
        if release.sequence <= self.last {
            return Err(ReleaseError::Replayed {
                command: release.command.clone(),
                sequence: release.sequence,
                last: self.last,
            });
        }
        if self.recent.contains_key(&release.command) {
            return Err(ReleaseError::CommandReplayed {
                command: release.command.clone(),
                sequence: release.sequence,
            });
        }
        let open = self.recent.values().filter(|end| **end >= now).count();
        if open >= Self::MAX {
            return Err(ReleaseError::TooMany {
                command: release.command.clone(),
                max: Self::MAX,
            });
        }
        self.last = release.sequence;
        self.recent.retain(|_, not_after| *not_after >= now);
        self.recent
            .insert(release.command.clone(), release.not_after);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
