//! The file link: a recording, read in chunks.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::error::StationError;

/// Octets read at once.
pub const CHUNK_OCTETS: usize = 1 << 20;

/// A recording being read.
#[derive(Debug)]
pub struct FileLink {
    file: File,
    path: PathBuf,
    length: u64,
    position: u64,
    chunk: Vec<u8>,
}

impl FileLink {
    /// Opens a recording.
    ///
    /// # Errors
    /// It cannot be opened, or is not a file.
    pub fn open(path: &Path) -> Result<Self, StationError> {
        let failed = |source| StationError::Open {
            path: path.into(),
            source,
        };
        // Asked before opening: opening a named pipe would wait for its writer.
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(StationError::NotAFile { path: path.into() });
        }
        let file = File::open(path).map_err(failed)?;
        Ok(Self {
            file,
            path: path.into(),
            length: metadata.len(),
            position: 0,
            chunk: vec![0; CHUNK_OCTETS],
        })
    }

    /// Octets of the whole recording when it was opened.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Octets read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next chunk, of [`CHUNK_OCTETS`] but for the last; empty at the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_chunk(&mut self) -> Result<&[u8], StationError> {
        let mut filled = 0;
        while filled < self.chunk.len() {
            match self.file.read(&mut self.chunk[filled..]) {
                Ok(0) => break,
                Ok(octets) => filled += octets,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(StationError::Recording {
                        path: self.path.clone(),
                        position: self.position,
                        source,
                    });
                }
            }
        }
        self.position += filled as u64;
        Ok(&self.chunk[..filled])
    }
}

/// A recording's identity: the first 16 hexadecimal digits of a BLAKE3 hash of its octets.
///
/// It names the contact, so that the same recording is the same contact wherever it lies.
///
/// # Errors
/// The file cannot be read.
pub fn recording_identity(path: &Path) -> Result<String, StationError> {
    let mut link = FileLink::open(path)?;
    let mut hasher = blake3::Hasher::new();
    loop {
        let chunk = link.next_chunk()?;
        if chunk.is_empty() {
            break;
        }
        hasher.update(chunk);
    }
    let mut identity = hasher.finalize().to_hex().to_string();
    identity.truncate(IDENTITY_DIGITS);
    Ok(identity)
}

const IDENTITY_DIGITS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_the_file_and_its_identity_is_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let octets: Vec<u8> = (0..2 * CHUNK_OCTETS + 77)
            .map(|i| (i * 31 % 251) as u8)
            .collect();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        std::fs::write(&one, &octets).unwrap();
        std::fs::write(&other, &octets).unwrap();
        let mut link = FileLink::open(&one).unwrap();
        let mut read = Vec::new();
        loop {
            let chunk = link.next_chunk().unwrap();
            if chunk.is_empty() {
                break;
            }
            read.extend_from_slice(chunk);
        }
        assert_eq!(read, octets);
        assert_eq!(link.position(), link.length());
        assert_eq!(
            recording_identity(&one).unwrap(),
            recording_identity(&other).unwrap()
        );
        std::fs::write(&other, b"else").unwrap();
        assert_ne!(
            recording_identity(&one).unwrap(),
            recording_identity(&other).unwrap()
        );
    }

    #[test]
    fn a_folder_is_not_a_recording() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            FileLink::open(folder.path()),
            Err(StationError::NotAFile { .. })
        ));
        assert!(matches!(
            FileLink::open(&folder.path().join("absent")),
            Err(StationError::Open { .. })
        ));
    }
}
