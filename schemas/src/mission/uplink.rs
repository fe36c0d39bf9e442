//! Checks the `[uplink]` table and resolves it: how commands become what the antenna sends.

use space_link::cltu::{CltuCode, CltuError, LdpcTail};
use space_link::frame::tc::MAX_FRAME_OCTETS;
use space_link::frame::{MapId, Scid, Vcid};
use space_link::ldpc::Ldpc;
use space_link::plop::{ACQUISITION_OCTETS_MIN, IDLE_OCTETS_MIN, Plop};
use space_link::sdls::{AuthenticationMask, SecurityLayout, Service, Spi, TcSecurity};
use space_link::uplink::UplinkParameters;

use super::file::{MaskName, SdlsServiceName, SdlsTable, TailName, UplinkCodeName, UplinkTable};
use super::{KeyProblem, Wrong};

/// Octets of an acquisition or idle sequence: more would keep a channel busy for seconds.
const SEQUENCE_OCTETS_MAX: usize = 65_536;

/// Resolves the table for a spacecraft identifier.
pub(super) fn resolve(table: &UplinkTable, scid: u16) -> Result<UplinkParameters, Wrong> {
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

    fn parameters(uplink: &str) -> UplinkParameters {
        let mission = parse(uplink).unwrap_or_else(|error| panic!("{uplink}: {error}"));
        mission.uplink.expect("an uplink")
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
        assert_eq!(of(0).unwrap().scid.get(), 98);
        assert_eq!(of(1).unwrap().scid.get(), 99);
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
        ] {
            let error = parse(uplink).unwrap_err().to_string();
            assert!(error.contains(says), "{uplink}: {error}");
        }
        assert!(parse("").is_err(), "vcid is needed");
        assert!(parse("vcid = 0\nunknown = 1").is_err());
    }

    #[test]
    fn an_uplink_needs_a_spacecraft_to_address() {
        let text = "name = \"m\"\n[downlink]\ninput = \"packets\"\n[uplink]\nvcid = 0\n";
        let error = Mission::parse(text, Path::new(".")).unwrap_err();
        assert!(error.to_string().contains("spacecraft: missing"), "{error}");
    }
}
