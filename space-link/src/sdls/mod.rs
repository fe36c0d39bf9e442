//! Space data link security: CCSDS 355.0-B-2.
//!
//! Formats ([`SecurityHeader`], [`FrameSecurityReport`]) and pure cryptography: [`protect`] and
//! [`unprotect`] turn octets into octets. What must be remembered (sequence numbers, windows, which
//! association is active) is the sender's and the receiver's.
//!
//! ```text
//! +----------------+---------+-----+--------+-------+----------+---------+------+
//! | primary header | segment | SPI | IV     | SN    | data     | MAC     | fecf |
//! |                | header  | 16  |        |       |          |         |      |
//! +----------------+---------+-----+--------+-------+----------+---------+------+
//!                            |     security header  | secret   | trailer |
//! ```

mod header;
mod key;
mod protect;
mod report;

pub use header::{SecuredData, SecurityHeader, SecurityLayout, Spi};
pub use key::{Cipher, KEY_OCTETS, Key};
pub use protect::{AuthenticationMask, Service, TcSecurity, protect, spi_of, unprotect};
pub use report::FrameSecurityReport;

use thiserror::Error;

/// Octets of an initialisation vector of AES-GCM.
pub const IV_OCTETS: usize = 12;

/// Octets of a message authentication code of AES-GCM.
pub const MAC_OCTETS: usize = 16;

/// Why a frame cannot be protected, or is not authentic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SdlsError {
    /// An index that is reserved.
    #[error("a security parameter index is 1 to 65534, not {0}")]
    Spi(u16),
    /// Fewer octets than security header and trailer have.
    #[error("the secured data field has at least {needed} octets here, there are {got}")]
    Truncated {
        /// Octets of the shortest.
        needed: usize,
        /// Octets there are.
        got: usize,
    },
    /// A field of another size than the association has.
    #[error("the security {part} has {needed} octets here, not {got}")]
    Part {
        /// Name of the part.
        part: &'static str,
        /// Octets by the layout.
        needed: usize,
        /// Octets there are.
        got: usize,
    },
    /// The message authentication code does not agree: forged, damaged, or another key.
    #[error("the message authentication code of the frame is wrong (SPI {spi})")]
    Mac {
        /// The association by the security header.
        spi: Spi,
    },
    /// A mask that covers what is not known when the code is computed.
    #[error(
        "the authentication mask covers the frame length or sequence number, which are set later"
    )]
    Mask,
    /// A secret of another length than a key's.
    #[error("a key has 32 octets, or 64 hexadecimal digits, not {got}")]
    KeyLength {
        /// Octets or digits there are.
        got: usize,
    },
    /// Text that is not hexadecimal; which, is not said.
    #[error("a key is written in hexadecimal digits")]
    KeyDigits,
    /// More octets than AES-GCM may take; no frame is that long.
    #[error("too many octets for one message")]
    TooLong,
    /// Four octets that are no frame security report.
    #[error("the operational control field holds no frame security report (first octet {0:#04x})")]
    OtherReport(u8),
}
