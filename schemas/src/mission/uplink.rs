//! Checks the `[uplink]` table and resolves it: how commands become what the antenna sends.

use space_link::cltu::{CltuCode, CltuError, LdpcTail};
use space_link::frame::tc::MAX_FRAME_OCTETS;
use space_link::frame::{MapId, Scid, Vcid};
use space_link::ldpc::Ldpc;
use space_link::plop::{ACQUISITION_OCTETS_MIN, IDLE_OCTETS_MIN, Plop};
use space_link::sdls::{AuthenticationMask, SecurityLayout, Service, Spi, TcSecurity};
use space_link::uplink::UplinkParameters;

use super::file::{
    Cop1Table, MaskName, SdlsServiceName, SdlsTable, TailName, TimeoutTypeName, UplinkCodeName,
    UplinkFrameName, UplinkTable,
};
use super::{KeyProblem, Wrong};

/// The `[uplink]` table: what a command's packet needs on its way to one spacecraft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// Segments, frames, security, CLTUs and what is sent around them: what both ends agree on.
    pub parameters: UplinkParameters,
    /// Whether telecommand packets end with the packet error control of ECSS-E-ST-70-41C annex B.
    pub packet_error_control: bool,
    /// FOP-1's parameters.
    pub cop1: Cop1Parameters,
}

/// Managed parameters of FOP-1 (CCSDS 232.1-B-2 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cop1Parameters {
    /// FOP_Sliding_Window_Width, 1 to 255: frames sent and not yet acknowledged.
    pub window: u8,
    /// T1_Initial, above 0: how long an acknowledgement is waited for.
    pub t1_initial_ms: u32,
    /// Transmission_Limit, 1 to 255: how often a frame is sent; the first time counts.
    pub transmission_limit: u8,
    /// Timeout_Type: what happens when the limit is reached.
    pub timeout_type: TimeoutType,
}

/// What FOP-1 does when its timer expires and no transmission is left (CCSDS 232.1-B-2 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeoutType {
    /// Timeout_Type 0: AD service ends with an alert.
    #[default]
    Alert,
    /// Timeout_Type 1: AD service is suspended and can be resumed.
    Suspend,
}

impl Default for Cop1Parameters {
    /// Ten frames under way, 3 s, three transmissions, then an alert: for orbits near Earth.
    fn default() -> Self {
        Self {
            window: 10,
            t1_initial_ms: 3_000,
            transmission_limit: 3,
            timeout_type: TimeoutType::Alert,
        }
    }
}

/// Octets of an acquisition or idle sequence: more would keep a channel busy for seconds.
const SEQUENCE_OCTETS_MAX: usize = 65_536;

/// An hour: FOP-1 is not for links whose round trip is longer.
const T1_INITIAL_MS_MAX: u32 = 3_600_000;

/// Resolves the table for a spacecraft identifier.
pub(super) fn resolve(table: &UplinkTable, scid: u16) -> Result<Uplink, Wrong> {
    Ok(Uplink {
        parameters: resolve_parameters(table, scid)?,
        packet_error_control: table.packet_error_control,
        cop1: resolve_cop1(&table.cop1)?,
    })
}

fn resolve_parameters(table: &UplinkTable, scid: u16) -> Result<UplinkParameters, Wrong> {
    // The only frame that commands have here.
    let UplinkFrameName::Tc = table.frame;
    let scid = Scid::new(scid)
        .map_err(|_| out_of_range("spacecraft.scid", scid.into(), 0, Scid::MAX.into()))?;
    let vcid = Vcid::new(table.vcid)
        .map_err(|_| out_of_range("uplink.vcid", table.vcid.into(), 0, Vcid::MAX.into()))?;
    let map_id = table.map_id.unwrap_or(0);
    let map_id = MapId::new(map_id)
        .map_err(|_| out_of_range("uplink.map_id", map_id.into(), 0, MapId::MAX.into()))?;
    let usual = UplinkParameters::new(scid, vcid);
    let segment_header = table.segment_header.unwrap_or(usual.segment_header);
    if table.map_id.is_some() && !segment_header {
        return Err(wrong(
            "map_id",
            KeyProblem::Conflict {
                hint: "without segment_header there is no map_id; remove one of them",
            },
        ));
    }
    let parameters = UplinkParameters {
        map_id,
        segment_header,
        fecf: table.fecf.unwrap_or(usual.fecf),
        frame_length_octets_max: within(
            "frame_length_octets_max",
            table
                .frame_length_octets_max
                .unwrap_or(usual.frame_length_octets_max),
            8,
            MAX_FRAME_OCTETS,
        )?,
        code: resolve_code(table)?,
        plop: resolve_plop(table.plop)?,
        acquisition_octets: within(
            "acquisition_octets",
            table.acquisition_octets.unwrap_or(usual.acquisition_octets),
            ACQUISITION_OCTETS_MIN,
            SEQUENCE_OCTETS_MAX,
        )?,
        idle_octets: within(
            "idle_octets",
            table.idle_octets.unwrap_or(usual.idle_octets),
            IDLE_OCTETS_MIN,
            SEQUENCE_OCTETS_MAX,
        )?,
        sdls: table.sdls.as_ref().map(resolve_sdls).transpose()?,
        ..usual
    };
    let overhead = parameters.overhead_octets();
    if parameters.check().is_err() {
        return Err(out_of_range(
            "uplink.frame_length_octets_max",
            parameters.frame_length_octets_max as u64,
            overhead as u64 + 1,
            MAX_FRAME_OCTETS as u64,
        ));
    }
    Ok(parameters)
}

fn resolve_code(table: &UplinkTable) -> Result<CltuCode, Wrong> {
    let (code, usual) = match table.code {
        UplinkCodeName::Bch => (None, false),
        UplinkCodeName::Ldpc128 => (Some(Ldpc::Tc128), true),
        UplinkCodeName::Ldpc512 => (Some(Ldpc::Tc512), true),
    };
    let code = CltuCode::new(code, table.randomized.unwrap_or(usual)).map_err(
        |CltuError::NotRandomized| {
            wrong(
                "randomized",
                KeyProblem::Conflict {
                    hint: "CLTUs with LDPC are always randomized; remove this key or say true",
                },
            )
        },
    )?;
    match (code, table.ldpc_tail) {
        (_, None) => Ok(code),
        (CltuCode::Ldpc128(_), Some(tail)) => Ok(CltuCode::Ldpc128(match tail {
            TailName::Absent => LdpcTail::Absent,
            TailName::Corrected => LdpcTail::Corrected,
            TailName::Former => LdpcTail::Former,
        })),
        (CltuCode::Bch { .. } | CltuCode::Ldpc512, Some(_)) => Err(wrong(
            "ldpc_tail",
            KeyProblem::Conflict {
                hint: "only code = \"ldpc-128-64\" has a choice of tail sequences; remove this key",
            },
        )),
    }
}

fn resolve_plop(plop: Option<u8>) -> Result<Plop, Wrong> {
    match plop {
        Some(1) => Ok(Plop::Plop1),
        None | Some(2) => Ok(Plop::Plop2),
        Some(other) => Err(wrong(
            "plop",
            KeyProblem::Unknown {
                got: other.to_string(),
                allowed: "1, 2",
            },
        )),
    }
}

fn resolve_sdls(table: &SdlsTable) -> Result<(Spi, TcSecurity), Wrong> {
    let spi = Spi::new(table.spi)
        .map_err(|_| out_of_range("uplink.sdls.spi", table.spi.into(), 1, Spi::MAX.into()))?;
    let security = TcSecurity {
        service: match table.service {
            SdlsServiceName::Authentication => Service::Authentication,
            SdlsServiceName::AuthenticatedEncryption => Service::AuthenticatedEncryption,
        },
        layout: SecurityLayout {
            sequence_number_octets: within(
                "sdls.sequence_number_octets",
                table.sequence_number_octets.unwrap_or(0),
                0,
                8,
            )?,
            ..SecurityLayout::AES_GCM
        },
        mask: match table.mask {
            MaskName::Standard => AuthenticationMask::STANDARD,
            MaskName::Strict => AuthenticationMask::STRICT,
        },
    };
    Ok((spi, security))
}

fn resolve_cop1(table: &Cop1Table) -> Result<Cop1Parameters, Wrong> {
    let usual = Cop1Parameters::default();
    let t1_initial_ms = table.t1_initial_ms.unwrap_or(usual.t1_initial_ms);
    if !(1..=T1_INITIAL_MS_MAX).contains(&t1_initial_ms) {
        return Err(out_of_range(
            "uplink.cop1.t1_initial_ms",
            t1_initial_ms.into(),
            1,
            T1_INITIAL_MS_MAX.into(),
        ));
    }
    Ok(Cop1Parameters {
        window: counted("cop1.window", table.window, usual.window)?,
        t1_initial_ms,
        transmission_limit: counted(
            "cop1.transmission_limit",
            table.transmission_limit,
            usual.transmission_limit,
        )?,
        timeout_type: match table.timeout_type {
            TimeoutTypeName::Alert => TimeoutType::Alert,
            TimeoutTypeName::Suspend => TimeoutType::Suspend,
        },
    })
}

/// A count of 1 to 255.
fn counted(key: &str, got: Option<u16>, usual: u8) -> Result<u8, Wrong> {
    let got = got.unwrap_or(usual.into());
    match u8::try_from(got) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(out_of_range(
            &format!("uplink.{key}"),
            got.into(),
            1,
            u8::MAX.into(),
        )),
    }
}

fn wrong(key: &str, problem: KeyProblem) -> Wrong {
    (format!("uplink.{key}"), problem)
}

fn out_of_range(key: &str, got: u64, min: u64, max: u64) -> Wrong {
    (key.into(), KeyProblem::OutOfRange { got, min, max })
}

fn within(key: &str, got: usize, min: usize, max: usize) -> Result<usize, Wrong> {
    if (min..=max).contains(&got) {
        return Ok(got);
    }
    let key = format!("uplink.{key}");
    Err(out_of_range(&key, got as u64, min as u64, max as u64))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::mission::{Mission, MissionError};

    fn parse(uplink: &str) -> Result<Mission, MissionError> {
        let text = format!(
            "name = \"m\"\n[[spacecraft]]\nname = \"a\"\nscid = 98\n[[spacecraft]]\nname = \"b\"\nscid = 99\n\
             [downlink]\ninput = \"packets\"\n[uplink]\n{uplink}\n"
        );
        Mission::parse(&text, Path::new("."))
    }

    fn whole(uplink: &str) -> Uplink {
        let mission = parse(uplink).unwrap_or_else(|error| panic!("{uplink}: {error}"));
        mission.uplink.expect("an uplink")
    }

    fn parameters(uplink: &str) -> UplinkParameters {
        whole(uplink).parameters
    }

    #[test]
    fn the_usual_and_all_keys_are_read() {
        let usual = parameters("vcid = 1");
        let scid = Scid::new(98).unwrap();
        assert_eq!(
            usual,
            UplinkParameters {
                code: CltuCode::Bch { randomized: false },
                ..UplinkParameters::new(scid, Vcid::new(1).unwrap())
            }
        );
        let all = parameters(
            "vcid = 5\nmap_id = 3\nsegment_header = true\nfecf = false\nframe_length_octets_max = 256\n\
             code = \"ldpc-128-64\"\nldpc_tail = \"former\"\nrandomized = true\nplop = 1\n\
             acquisition_octets = 32\nidle_octets = 8\n\
             sdls = { spi = 7, service = \"authentication\", mask = \"strict\", sequence_number_octets = 4 }",
        );
        assert_eq!(
            all,
            UplinkParameters {
                scid,
                vcid: Vcid::new(5).unwrap(),
                map_id: MapId::new(3).unwrap(),
                segment_header: true,
                fecf: false,
                frame_length_octets_max: 256,
                code: CltuCode::Ldpc128(LdpcTail::Former),
                plop: Plop::Plop1,
                acquisition_octets: 32,
                idle_octets: 8,
                sdls: Some((
                    Spi::new(7).unwrap(),
                    TcSecurity {
                        service: Service::Authentication,
                        layout: SecurityLayout {
                            sequence_number_octets: 4,
                            ..SecurityLayout::AES_GCM
                        },
                        mask: AuthenticationMask::STRICT,
                    }
                )),
            }
        );
        assert_eq!(
            parameters("vcid = 0\ncode = \"ldpc-512-256\"").code,
            CltuCode::Ldpc512
        );
    }

    #[test]
    fn each_spacecraft_has_its_identifier() {
        let mission = parse("vcid = 1").unwrap();
        let of = |index: usize| mission.uplink_of(&mission.spacecraft[index]);
        let [first, second] = [of(0), of(1)].map(Option::unwrap);
        assert_eq!(first.parameters.scid.get(), 98);
        assert_eq!(second.parameters.scid.get(), 99);
        assert_eq!(mission.uplink, Some(first));
        assert_eq!(
            second,
            Uplink {
                parameters: UplinkParameters {
                    scid: second.parameters.scid,
                    ..first.parameters
                },
                ..first
            }
        );
    }

    #[test]
    fn packets_and_fop_1_have_their_parameters() {
        let usual = whole("frame = \"tc\"\nvcid = 1");
        assert!(!usual.packet_error_control);
        assert_eq!(usual.cop1, Cop1Parameters::default());
        assert_eq!(whole("vcid = 1\ncop1 = {}"), usual);
        let all = whole(
            "vcid = 1\npacket_error_control = true\n[uplink.cop1]\nwindow = 255\nt1_initial_ms = 5000\n\
             transmission_limit = 1\ntimeout_type = \"suspend\"",
        );
        assert!(all.packet_error_control);
        assert_eq!(
            all.cop1,
            Cop1Parameters {
                window: 255,
                t1_initial_ms: 5_000,
                transmission_limit: 1,
                timeout_type: TimeoutType::Suspend,
            }
        );
        assert_eq!(all.parameters, usual.parameters);
    }

    #[test]
    fn wrong_values_are_named_with_a_way_out() {
        for (uplink, says) in [
            ("vcid = 64", "uplink.vcid: 64 is out of range, use 0 to 63"),
            ("vcid = 0\nmap_id = 64", "uplink.map_id: 64"),
            (
                "vcid = 0\nmap_id = 1\nsegment_header = false",
                "without segment_header",
            ),
            (
                "vcid = 0\nframe_length_octets_max = 1025",
                "uplink.frame_length_octets_max: 1025",
            ),
            (
                "vcid = 0\nframe_length_octets_max = 38\nsdls = { spi = 1 }",
                "38 is out of range, use 39 to 1024",
            ),
            (
                "vcid = 0\ncode = \"ldpc-512-256\"\nrandomized = false",
                "always randomized",
            ),
            ("vcid = 0\nldpc_tail = \"absent\"", "uplink.ldpc_tail"),
            ("vcid = 0\nplop = 3", "uplink.plop: `3` is not known"),
            ("vcid = 0\nacquisition_octets = 15", "use 16 to 65536"),
            ("vcid = 0\nidle_octets = 0", "uplink.idle_octets: 0"),
            ("vcid = 0\nsdls = { spi = 0 }", "uplink.sdls.spi: 0"),
            (
                "vcid = 0\nsdls = { spi = 1, sequence_number_octets = 9 }",
                "uplink.sdls.sequence_number_octets: 9",
            ),
            (
                "vcid = 0\ncop1 = { window = 0 }",
                "uplink.cop1.window: 0 is out of range, use 1 to 255",
            ),
            (
                "vcid = 0\ncop1 = { window = 256 }",
                "uplink.cop1.window: 256",
            ),
            (
                "vcid = 0\ncop1 = { t1_initial_ms = 0 }",
                "uplink.cop1.t1_initial_ms: 0 is out of range, use 1 to 3600000",
            ),
            (
                "vcid = 0\ncop1 = { transmission_limit = 300 }",
                "uplink.cop1.transmission_limit: 300",
            ),
        ] {
            let error = parse(uplink).unwrap_err().to_string();
            assert!(error.contains(says), "{uplink}: {error}");
        }
        assert!(parse("").is_err(), "vcid is needed");
        for unknown in [
            "unknown = 1",
            "frame = \"uslp\"",
            "code = \"turbo\"",
            "sdls = { spi = 1, service = \"none\" }",
            "cop1 = { windows = 1 }",
        ] {
            assert!(parse(&format!("vcid = 0\n{unknown}")).is_err(), "{unknown}");
        }
    }

    #[test]
    fn an_uplink_needs_a_spacecraft_to_address() {
        let text = "name = \"m\"\n[downlink]\ninput = \"packets\"\n[uplink]\nvcid = 0\n";
        let error = Mission::parse(text, Path::new(".")).unwrap_err();
        assert!(error.to_string().contains("spacecraft: missing"), "{error}");
    }
}
