//! The managed parameters of an uplink: how a command's packet becomes what the antenna sends.

use super::file::{
    CodeTcName, Cop1Table, SdlsModeName, SdlsTable, TimeoutTypeName, UplinkFrameName, UplinkTable,
};
use super::{KeyProblem, Wrong};

/// Everything the encoder must be told, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UplinkParameters {
    /// Longest TC transfer frame, header and error control included (CCSDS 232.0-B-4 4.1.2.7).
    pub frame_length_octets_max: usize,
    /// Virtual channel, 0 to 63.
    pub vcid: u8,
    /// Multiplexer access point, 0 to 63, where frames have a segment header.
    pub map_id: Option<u8>,
    /// Frames end in a frame error control field.
    pub fecf: bool,
    /// Frames are randomised before they are coded (CCSDS 231.0-B-4 6).
    pub randomized: bool,
    /// The channel code.
    pub code: TcCode,
    /// Physical layer operations procedure, 1 or 2 (CCSDS 231.0-B-4 7).
    pub plop: u8,
    /// Packets end in the packet error control of ECSS-E-ST-70-41C annex B.
    pub packet_error_control: bool,
    /// FOP-1's parameters.
    pub cop1: Cop1Parameters,
    /// Space data link security, if any.
    pub sdls: Option<SdlsParameters>,
}

/// The channel codes of CCSDS 231.0-B-4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcCode {
    /// BCH(63,56), section 3.
    Bch,
    /// LDPC(128,64), section 4.
    Ldpc128,
    /// LDPC(512,256), section 4.
    Ldpc512,
}

/// Parameters of FOP-1 (CCSDS 232.1-B-2 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cop1Parameters {
    /// FOP_Sliding_Window_Width, 1 to 255: frames sent and not yet acknowledged.
    pub window: u8,
    /// T1_Initial: how long an acknowledgement is waited for.
    pub t1_initial_ms: u32,
    /// Transmission_Limit: how often a frame is sent, 1 to 255.
    pub transmission_limit: u8,
    /// Timeout_Type: what happens when the limit is reached.
    pub timeout_type: TimeoutType,
}

/// What FOP-1 does when its transmission limit is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeoutType {
    /// TT 0: an alert ends the service.
    #[default]
    Alert,
    /// TT 1: the service is suspended and can be resumed.
    Suspend,
}

/// Space data link security (CCSDS 355.0-B-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdlsParameters {
    /// Security parameter index, 1 to 65534.
    pub spi: u16,
    /// What the security association does.
    pub mode: SdlsMode,
}

/// What a security association does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdlsMode {
    /// AES-GCM: nobody reads or changes a frame.
    AuthenticatedEncryption,
    /// A code only: nobody changes a frame.
    Authentication,
}

impl UplinkParameters {
    /// Octets of a frame that are no data: primary and segment header, error control.
    pub fn overhead_octets(&self) -> usize {
        PRIMARY_HEADER_OCTETS + usize::from(self.map_id.is_some()) + if self.fecf { 2 } else { 0 }
    }
}

pub(super) fn resolve(table: &UplinkTable, has_scid: bool) -> Result<UplinkParameters, Wrong> {
    // The only frame that commands have here.
    let UplinkFrameName::Tc = table.frame;
    if !has_scid {
        return Err(wrong(
            "",
            KeyProblem::Conflict {
                hint: "commands go to a spacecraft by its identifier; list each under [[spacecraft]] with its scid",
            },
        ));
    }
    within(
        "frame_length_octets_max",
        table.frame_length_octets_max,
        8,
        FRAME_OCTETS_MAX,
    )?;
    within("vcid", u64::from(table.vcid), 0, 63)?;
    let map_id = match (table.segment_header, table.map_id) {
        (true, map_id) => {
            let map_id = map_id.unwrap_or(0);
            within("map_id", u64::from(map_id), 0, 63)?;
            Some(map_id)
        }
        (false, None) => None,
        (false, Some(_)) => {
            return Err(wrong(
                "map_id",
                KeyProblem::Conflict {
                    hint: "a MAP identifier lies in the segment header; say segment_header = true or remove map_id",
                },
            ));
        }
    };
    let plop = table.plop.unwrap_or(2);
    within("plop", u64::from(plop), 1, 2)?;
    let parameters = UplinkParameters {
        frame_length_octets_max: usize::try_from(table.frame_length_octets_max).unwrap_or(0),
        vcid: table.vcid,
        map_id,
        fecf: table.fecf,
        randomized: table.randomized,
        code: match table.code {
            CodeTcName::Bch => TcCode::Bch,
            CodeTcName::Ldpc128 => TcCode::Ldpc128,
            CodeTcName::Ldpc512 => TcCode::Ldpc512,
        },
        plop,
        packet_error_control: table.packet_error_control,
        cop1: resolve_cop1(&table.cop1)?,
        sdls: table.sdls.as_ref().map(resolve_sdls).transpose()?,
    };
    let security = parameters.sdls.map_or(0, |_| SECURITY_OCTETS);
    if parameters.overhead_octets() + security >= parameters.frame_length_octets_max {
        return Err(wrong(
            "frame_length_octets_max",
            KeyProblem::Conflict {
                hint: "headers, security and error control leave no room for data; give longer frames",
            },
        ));
    }
    Ok(parameters)
}

fn resolve_cop1(table: &Cop1Table) -> Result<Cop1Parameters, Wrong> {
    within("cop1.window", u64::from(table.window), 1, 255)?;
    within(
        "cop1.t1_initial_ms",
        u64::from(table.t1_initial_ms),
        1,
        T1_MS_MAX,
    )?;
    within(
        "cop1.transmission_limit",
        u64::from(table.transmission_limit),
        1,
        255,
    )?;
    let octet = |value: u16| u8::try_from(value).unwrap_or(u8::MAX);
    Ok(Cop1Parameters {
        window: octet(table.window),
        t1_initial_ms: table.t1_initial_ms,
        transmission_limit: octet(table.transmission_limit),
        timeout_type: match table.timeout_type {
            TimeoutTypeName::Alert => TimeoutType::Alert,
            TimeoutTypeName::Suspend => TimeoutType::Suspend,
        },
    })
}

fn resolve_sdls(table: &SdlsTable) -> Result<SdlsParameters, Wrong> {
    // 0 and 65535 are reserved (CCSDS 355.0-B-2 4.1.1.2.4).
    within("sdls.spi", u64::from(table.spi), 1, 65_534)?;
    Ok(SdlsParameters {
        spi: u16::try_from(table.spi).unwrap_or(1),
        mode: match table.mode {
            SdlsModeName::AuthenticatedEncryption => SdlsMode::AuthenticatedEncryption,
            SdlsModeName::Authentication => SdlsMode::Authentication,
        },
    })
}

fn within(key: &str, got: u64, min: u64, max: u64) -> Result<(), Wrong> {
    if (min..=max).contains(&got) {
        return Ok(());
    }
    Err(wrong(key, KeyProblem::OutOfRange { got, min, max }))
}

fn wrong(key: &str, problem: KeyProblem) -> Wrong {
    let key = if key.is_empty() {
        "uplink".to_owned()
    } else {
        format!("uplink.{key}")
    };
    (key, problem)
}

/// A TC frame's length field has ten bits (CCSDS 232.0-B-4 4.1.2.7).
const FRAME_OCTETS_MAX: u64 = 1_024;
const PRIMARY_HEADER_OCTETS: usize = 5;
/// Security header of 2 + 12 octets and a trailer of 16: the most that a mode here takes.
const SECURITY_OCTETS: usize = 30;
/// An hour: no link's round trip is longer.
const T1_MS_MAX: u64 = 3_600_000;
