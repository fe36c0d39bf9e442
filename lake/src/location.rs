//! Locations: where the tables of `--data` lie, a folder or a bucket of an object store.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::error::LakeError;

/// Where data lie; the tables lie in `lake/` below.
///
/// A folder, `file:///folder`, or a place in an object store: `s3://bucket/prefix`,
/// `gs://bucket/prefix`, `az://container/prefix`.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    root: Root,
}

#[derive(Clone, PartialEq, Eq)]
enum Root {
    Folder(PathBuf),
    Store {
        url: Url,
        /// Settings from the credentials file; they take precedence over the environment's.
        settings: BTreeMap<String, String>,
    },
}

impl Location {
    /// A folder on this machine.
    pub fn folder(folder: &Path) -> Self {
        Self {
            root: Root::Folder(folder.to_owned()),
        }
    }

    /// What `--data` names. `credentials` is a TOML file with settings of the object store under
    /// their names in the environment (`aws_access_key_id = "..."`, any case); it must be
    /// readable by its owner alone.
    ///
    /// # Errors
    /// [`LakeError::Location`] for what is neither a folder nor a place in an object store,
    /// [`LakeError::Credentials`] for a file that cannot be used.
    pub fn parse(data: &Path, credentials: Option<&Path>) -> Result<Self, LakeError> {
        let text = data.to_string_lossy();
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(Self::folder(data));
        };
        let refused = |what: String| LakeError::Location {
            location: text.clone().into_owned(),
            what,
        };
        let url = Url::parse(&text).map_err(|error| refused(error.to_string()))?;
        if scheme.eq_ignore_ascii_case("file") {
            let folder = url.to_file_path().map_err(|()| {
                refused("a file:// location names a folder of this machine".to_owned())
            })?;
            return Ok(Self::folder(&folder));
        }
        if !SCHEMES.contains(&url.scheme()) {
            return Err(refused(format!(
                "{scheme}:// is unknown; use a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX \
                 or az://CONTAINER/PREFIX"
            )));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refused("it names no bucket".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LakeError::Location {
                location: format!("{scheme}://..."),
                what:
                    "keys do not belong into a location; use the environment or a credentials file"
                        .to_owned(),
            });
        }
        let settings = credentials.map_or_else(|| Ok(BTreeMap::new()), read_credentials)?;
        Ok(Self {
            root: Root::Store { url, settings },
        })
    }

    /// The folder, if it is one of this machine.
    pub fn as_folder(&self) -> Option<&Path> {
        match &self.root {
            Root::Folder(folder) => Some(folder),
            Root::Store { .. } => None,
        }
    }

    /// The place in an object store and its settings, if it is one.
    pub(crate) fn as_store(&self) -> Option<(&Url, &BTreeMap<String, String>)> {
        match &self.root {
            Root::Folder(_) => None,
            Root::Store { url, settings } => Some((url, settings)),
        }
    }
}

impl From<&Path> for Location {
    fn from(folder: &Path) -> Self {
        Self::folder(folder)
    }
}

impl From<&PathBuf> for Location {
    fn from(folder: &PathBuf) -> Self {
        Self::folder(folder)
    }
}

impl From<&Self> for Location {
    fn from(location: &Self) -> Self {
        location.clone()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Root::Folder(folder) => folder.display().fmt(f),
            Root::Store { url, .. } => f.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}

// Without the settings, which hold keys.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

/// Reads a credentials file; names come out in small letters.
fn read_credentials(path: &Path) -> Result<BTreeMap<String, String>, LakeError> {
    let refused = |what: String| LakeError::Credentials {
        path: path.to_owned(),
        what,
    };
    let metadata = std::fs::metadata(path).map_err(|error| refused(error.to_string()))?;
    let mode = metadata.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(refused(format!(
            "others may read it (mode {:o}); chmod 600 it",
            mode & 0o777
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    // The parser's own message would show the line, which may hold a key.
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(0, |span| {
            text.get(..span.start)
                .map_or(0, |before| before.matches('\n').count() + 1)
        });
        refused(format!("line {line} is not TOML"))
    })?;
    table
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Boolean(flag) => flag.to_string(),
                toml::Value::Integer(number) => number.to_string(),
                _ => return Err(refused(format!("{name} must be a text, number or flag"))),
            };
            Ok((name.to_ascii_lowercase(), value))
        })
        .collect()
}

/// Permissions of group and others.
const OTHERS: u32 = 0o077;

/// What the object stores are called.
const SCHEMES: [&str; 8] = ["s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss"];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Location, LakeError> {
        Location::parse(Path::new(text), None)
    }

    #[test]
    fn folders_and_buckets_are_told_apart() {
        for folder in ["passline-data", "/a/b", "./s3", "a:b"] {
            assert_eq!(parse(folder).unwrap().as_folder(), Some(Path::new(folder)));
        }
        let file = parse("file:///a/b").unwrap();
        assert_eq!(file.as_folder(), Some(Path::new("/a/b")));
        let bucket = parse("s3://bucket/some/prefix/").unwrap();
        assert_eq!(bucket.as_folder(), None);
        assert_eq!(bucket.to_string(), "s3://bucket/some/prefix");
    }

    #[test]
    fn what_is_no_location_is_refused_without_showing_keys() {
        for (text, expected) in [
            ("http://host/x", "http:// is unknown"),
            ("s3:///prefix", "names no bucket"),
            ("file://host/x", "folder of this machine"),
            ("s3://key:secret@bucket/x", "do not belong"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_credentials_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let parse = || Location::parse(Path::new("s3://bucket"), Some(&path));
        let write = |text: &str, mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        };
        assert!(parse().unwrap_err().to_string().contains("keys.toml"));
        write("AWS_ACCESS_KEY_ID = \"a\"\naws_allow_http = true", 0o640);
        let error = parse().unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        write("AWS_ACCESS_KEY_ID = \"a\"\naws_allow_http = true", 0o600);
        let location = parse().unwrap();
        let (_, settings) = location.as_store().unwrap();
        assert_eq!(settings["aws_access_key_id"], "a");
        assert_eq!(settings["aws_allow_http"], "true");
        assert!(!format!("{location:?}").contains("aws"));
        write("aws_secret = sesame", 0o600);
        let error = parse().unwrap_err().to_string();
        assert!(
            error.contains("line 1") && !error.contains("sesame"),
            "{error}"
        );
    }
}
