//! A mission folder: `mission.toml`, the XTCE files and the orbit file it names.
//!
//! The file is parsed as it stands (`file.rs`) and resolved once into typed, checked values; whoever
//! holds a [`Mission`] needs no further check. Every error names the file, the key and a way out.

mod downlink;
mod error;
mod file;
mod packet_time;
mod summary;
mod uplink;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use space_link::frame::Scid;
use space_link::uplink::UplinkParameters;

pub use downlink::{
    Basis, ChannelParameters, DownlinkParameters, FrameFormat, FrameParameters, Level,
    RandomizerKind, ReedSolomonParameters, Service, SymbolOrder, SynchronizationParameters,
};
pub use error::{KeyProblem, MissionError};
pub use packet_time::PacketTimes;
pub use uplink::{Cop1Parameters, TimeoutType, Uplink};

use crate::record::SpacecraftName;

/// A mission, resolved and checked.
#[derive(Clone, Debug)]
pub struct Mission {
    /// The mission's name.
    pub name: String,
    /// The folder it was read from.
    pub folder: PathBuf,
    /// First 12 hexadecimal digits of a SHA-256 over `mission.toml` and every file it names.
    pub version: String,
    /// The spacecraft listed; one of the mission's own name where none is.
    pub spacecraft: Vec<Spacecraft>,
    /// How bytes from the antenna become packets.
    pub downlink: DownlinkParameters,
    /// How commands become what the antenna sends, addressed to the first spacecraft; see
    /// [`Mission::uplink_of`].
    pub uplink: Option<Uplink>,
    /// The mission database's files, in the order they are named.
    pub xtce: Vec<PathBuf>,
    /// The orbit file (OMM).
    pub orbits: Option<PathBuf>,
    /// How a packet's generation time is read.
    pub packet_times: PacketTimes,
}

/// One spacecraft of a mission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spacecraft {
    /// The name; key of its topics and tables.
    pub name: SpacecraftName,
    /// The spacecraft identifier in frame headers; `None` takes any.
    pub scid: Option<u16>,
    /// What kind of spacecraft it is, where a fleet has several; a name of the mission's own.
    pub class: Option<String>,
}

impl Mission {
    /// Reads and checks the mission in `folder`.
    ///
    /// `xtce` and `orbits` are relative paths; `..` is allowed, so that missions can share a
    /// database that lies outside their folders. Absolute paths are refused: a mission moves with
    /// its files.
    ///
    /// # Errors
    /// [`MissionError`] if a file cannot be read, `mission.toml` is not TOML of the documented keys,
    /// or a value is out of range or contradicts another.
    pub fn load(folder: &Path) -> Result<Self, MissionError> {
        let path = folder.join(FILE_NAME);
        let octets = read_bounded(&path, MISSION_OCTETS_MAX)?;
        let text =
            String::from_utf8(octets).map_err(|_| MissionError::NotText { path: path.clone() })?;
        let mut mission = Self::parse(&text, folder)?;
        let mut version = Sha256::new();
        version.update(text.as_bytes());
        for named in mission.xtce.iter().chain(&mission.orbits) {
            // The length keeps the boundary between two files in the digest.
            let octets = read_bounded(named, NAMED_FILE_OCTETS_MAX)?;
            version.update((octets.len() as u64).to_be_bytes());
            version.update(&octets);
        }
        mission.version = hex(&version.finalize(), VERSION_DIGITS);
        Ok(mission)
    }

    /// Resolves the text of a `mission.toml` that lies in `folder`, without reading other files.
    ///
    /// The version then covers the text alone.
    ///
    /// # Errors
    /// [`MissionError`] as for [`Mission::load`].
    pub fn parse(text: &str, folder: &Path) -> Result<Self, MissionError> {
        let path = folder.join(FILE_NAME);
        let raw: file::MissionFile =
            toml::from_str(text).map_err(|source| MissionError::Syntax {
                path: path.clone(),
                source: Box::new(source),
            })?;
        resolve(raw, text, folder).map_err(|(key, problem)| MissionError::Key {
            path,
            key,
            problem,
        })
    }

    /// The spacecraft whose frames carry `scid`, if it belongs to the mission.
    pub fn spacecraft_of(&self, scid: u16) -> Option<&Spacecraft> {
        self.spacecraft
            .iter()
            .find(|spacecraft| spacecraft.scid.is_none_or(|listed| listed == scid))
    }

    /// A spacecraft's uplink, addressed to it, if the mission has one.
    pub fn uplink_of(&self, spacecraft: &Spacecraft) -> Option<Uplink> {
        let scid = Scid::new(spacecraft.scid?).ok()?;
        let uplink = self.uplink?;
        Some(Uplink {
            parameters: UplinkParameters {
                scid,
                ..uplink.parameters
            },
            ..uplink
        })
    }

    /// Who is credited with records that name no trustworthy spacecraft: the mission's only
    /// spacecraft, or the mission itself where it has several.
    pub fn default_spacecraft(&self) -> SpacecraftName {
        match self.spacecraft.as_slice() {
            [only] => only.name.clone(),
            _ => SpacecraftName::new(&self.name),
        }
    }
}

/// A key and what is wrong with its value.
type Wrong = (String, KeyProblem);

fn resolve(raw: file::MissionFile, text: &str, folder: &Path) -> Result<Mission, Wrong> {
    check_name("name", &raw.name)?;
    let mut spacecraft = Vec::with_capacity(raw.spacecraft.len().max(1));
    for (index, entry) in raw.spacecraft.iter().enumerate() {
        let key = format!("spacecraft[{index}]");
        check_name(&format!("{key}.name"), &entry.name)?;
        if entry.scid > SCID_MAX {
            return Err((
                format!("{key}.scid"),
                KeyProblem::OutOfRange {
                    got: entry.scid.into(),
                    min: 0,
                    max: SCID_MAX.into(),
                },
            ));
        }
        if let Some(class) = &entry.class {
            check_name(&format!("{key}.class"), class)?;
        }
        let name = SpacecraftName::new(&entry.name);
        if spacecraft
            .iter()
            .any(|other: &Spacecraft| other.name == name || other.scid == Some(entry.scid))
        {
            return Err((key, KeyProblem::Duplicate));
        }
        spacecraft.push(Spacecraft {
            name,
            scid: Some(entry.scid),
            class: entry.class.clone(),
        });
    }
    if spacecraft.is_empty() {
        spacecraft.push(Spacecraft {
            name: SpacecraftName::new(&raw.name),
            scid: None,
            class: None,
        });
    }
    let xtce = raw
        .xtce
        .iter()
        .enumerate()
        .map(|(index, path)| named_file(folder, path, &format!("xtce[{index}]")))
        .collect::<Result<_, _>>()?;
    let orbits = raw
        .orbits
        .as_deref()
        .map(|path| named_file(folder, path, "orbits"))
        .transpose()?;
    let uplink = match (&raw.uplink, spacecraft.first().and_then(|first| first.scid)) {
        (Some(table), Some(scid)) => Some(uplink::resolve(table, scid)?),
        (Some(_), None) => {
            return Err((
                "spacecraft".into(),
                KeyProblem::Missing {
                    hint: "an uplink needs to know whom to address: list [[spacecraft]] with name and scid",
                },
            ));
        }
        (None, _) => None,
    };
    Ok(Mission {
        name: raw.name,
        folder: folder.to_path_buf(),
        version: hex(&Sha256::digest(text.as_bytes()), VERSION_DIGITS),
        spacecraft,
        downlink: downlink::resolve(raw.downlink)?,
        uplink,
        xtce,
        orbits,
        packet_times: PacketTimes::resolve(&raw.packet_time)?,
    })
}

/// Names become topic keys and table values: short, printable, without surprises.
fn check_name(key: &str, name: &str) -> Result<(), Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > NAME_OCTETS_MAX || !name.chars().all(allowed) {
        return Err((
            key.into(),
            KeyProblem::Name {
                got: name.escape_default().to_string(),
            },
        ));
    }
    Ok(())
}

fn named_file(folder: &Path, path: &str, key: &str) -> Result<PathBuf, Wrong> {
    if path.is_empty() || Path::new(path).is_absolute() {
        return Err((key.into(), KeyProblem::Path { got: path.into() }));
    }
    Ok(folder.join(path))
}

fn read_bounded(path: &Path, octets_max: u64) -> Result<Vec<u8>, MissionError> {
    let unreadable = |source| MissionError::Unreadable {
        path: path.into(),
        source,
    };
    // Asked before opening: opening a named pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(std::io::Error::other("it is not a file")));
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut octets = Vec::new();
    file.take(octets_max + 1)
        .read_to_end(&mut octets)
        .map_err(unreadable)?;
    if octets.len() as u64 > octets_max {
        return Err(MissionError::TooLarge {
            path: path.into(),
            octets_max,
        });
    }
    Ok(octets)
}

fn hex(octets: &[u8], digits: usize) -> String {
    let mut text: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    text.truncate(digits);
    text
}

/// Ten bits, in TM and (with two bits of the signalling field) AOS headers.
const SCID_MAX: u16 = 1023;
const FILE_NAME: &str = "mission.toml";
const NAME_OCTETS_MAX: usize = 64;
const VERSION_DIGITS: usize = 12;
const MISSION_OCTETS_MAX: u64 = 1 << 20;
/// The largest public XTCE file known is 1.7 MB.
const NAMED_FILE_OCTETS_MAX: u64 = 256 << 20;

#[cfg(test)]
mod tests;
