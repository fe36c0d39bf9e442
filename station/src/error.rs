//! What can end a contact.

use std::path::PathBuf;

/// A contact cannot begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StationError {
    /// The recording cannot be opened.
    #[error("the recording {path} cannot be opened")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The recording cannot be read further.
    #[error("the recording {path} cannot be read at octet {position}")]
    Recording {
        /// The file.
        path: PathBuf,
        /// Octets read before.
        position: u64,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The recording is a folder or a device, not a file.
    #[error("{path} is not a file; name the recording itself")]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// The file changed between the reading of its identity and its decoding.
    #[error("{path} changed while it was being replayed; replay it again once it is whole")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Two links have the same name.
    #[error("two links are named {link}; give each a name of its own")]
    LinkTwice {
        /// The name.
        link: String,
    },
    /// A link's address cannot be listened on.
    #[error(
        "link {link}: {address} cannot be listened on; is the port in use, or the address not of this machine?"
    )]
    Listen {
        /// Which link.
        link: String,
        /// As configured.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A link's socket cannot be used any more.
    #[error("link {link}: its socket cannot be used any more")]
    Socket {
        /// Which link.
        link: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A thread for a link cannot be started.
    #[error("link {link}: its thread cannot be started")]
    Thread {
        /// Which link.
        link: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A link's thread panicked: a defect.
    #[error("link {link}: its thread panicked")]
    Panicked {
        /// Which link.
        link: String,
    },
    /// The mission does not say how to read the recording.
    #[error(transparent)]
    Downlink(#[from] tm_decoder::downlink::DownlinkError),
    /// The bus does not take a block.
    #[error(transparent)]
    Bus(#[from] bus::BusError),
    /// An event cannot be written as JSON.
    #[error("an event cannot be written as JSON")]
    Event(#[from] serde_json::Error),
    /// A block cannot be decoded: a defect, since any octets are data.
    #[error(transparent)]
    Decommutate(#[from] tm_decoder::decommutate::DecommutateError),
}
