//! The name of an embedded log in tables that do not lie beside it.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::path::Path;

use crate::error::IngestError;

/// The name of the log in a folder, for [`crate::IngestConfig::log`]: random, made once, and kept
/// in the folder. A log that is removed and begun anew has another name, since its offsets mean
/// something else.
///
/// # Errors
/// [`IngestError::Name`] if the file cannot be read or written, or holds something else.
pub fn log_name(folder: &Path) -> Result<String, IngestError> {
    let path = folder.join(FILE);
    let failed = |source| IngestError::Name {
        path: path.clone(),
        source,
    };
    match std::fs::read_to_string(&path) {
        Ok(name) if is_name(&name) => return Ok(name),
        Ok(_) => return Err(failed(std::io::ErrorKind::InvalidData.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let name = format!("{:016x}", RandomState::new().build_hasher().finish());
    std::fs::create_dir_all(folder).map_err(failed)?;
    // Whole or not at all; of two that are made at once, one.
    let temporary = folder.join(format!("{FILE}.{name}"));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(name.as_bytes())?;
        file.sync_all()
    });
    written.map_err(failed)?;
    let linked = std::fs::hard_link(&temporary, &path);
    std::fs::remove_file(&temporary).map_err(failed)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(failed(error)),
        _ => {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(failed)?;
            std::fs::read_to_string(&path).map_err(failed)
        }
    }
}

fn is_name(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|octet| octet.is_ascii_hexdigit())
}

const FILE: &str = "name";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_its_name_and_another_has_another() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let name = |at: usize| log_name(&folders[at].path().join("bus")).unwrap();
        assert_eq!(name(0), name(0));
        assert_ne!(name(0), name(1));
        std::fs::write(folders[0].path().join("bus/name"), "../x").unwrap();
        assert!(log_name(&folders[0].path().join("bus")).is_err());
    }
}
