//! A disk that is soon full.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skip;

/// A small file system in memory, unmounted at the end.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one with options as `size=6m`; `None`, said aloud, where nothing may be mounted.
    ///
    /// # Panics
    /// In CI where nothing may be mounted; if the folder cannot be made.
    pub fn mount(path: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir(path).expect("mount");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", size, "tmpfs"])
            .arg(path)
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path.to_owned()));
        }
        skip("no small disk can be mounted: this needs root");
        None
    }

    /// Mounts it again with other options; what is in it stays.
    ///
    /// # Panics
    /// If that fails.
    pub fn grow(&self, size: &str) {
        let size = format!("remount,{size}");
        let status = Command::new("mount")
            .args(["-o", &size])
            .arg(&self.0)
            .status()
            .expect("mount");
        assert!(status.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
