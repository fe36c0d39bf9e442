//! Checks the `[downlink]` table and resolves it.

use super::super::file::{
    BasisName, DownlinkTable, EnvelopeName, FrameName, InputName, ReedSolomonTable, ServiceName,
    SymbolOrderName,
};
use super::super::{KeyProblem, Wrong};
use super::{
    Basis, ChannelParameters, DownlinkParameters, FrameFormat, FrameParameters, Level,
    RandomizerKind, ReedSolomonParameters, Service, SymbolOrder, SynchronizationParameters,
};

pub(in crate::mission) fn resolve(table: DownlinkTable) -> Result<DownlinkParameters, Wrong> {
    let input = match table.input {
        InputName::Cadu => Level::Cadu,
        InputName::Frames => Level::Frames,
        InputName::Packets => Level::Packets,
    };
    within(
        "downlink.packet_prefix_octets",
        table.packet_prefix_octets,
        0,
        PREFIX_OCTETS_MAX,
    )?;
    let parameters = DownlinkParameters {
        input,
        packet_prefix_octets: table.packet_prefix_octets,
        packet_envelope_edds: table.packet_envelope == EnvelopeName::Edds,
        packet_version_any: table.packet_version_any,
        frame: None,
    };
    if table.frame.is_none() && input == Level::Packets {
        return Ok(parameters);
    }
    Ok(DownlinkParameters {
        frame: Some(resolve_frame(table)?),
        ..parameters
    })
}

fn resolve_frame(table: DownlinkTable) -> Result<FrameParameters, Wrong> {
    let format = match table.frame {
        Some(FrameName::Tm) => FrameFormat::Tm,
        Some(FrameName::Aos) => FrameFormat::Aos,
        Some(FrameName::Uslp) => {
            return Err(wrong(
                "frame",
                KeyProblem::Unknown {
                    got: "uslp".into(),
                    allowed: "tm, aos (uslp is not decoded yet)",
                },
            ));
        }
        None => {
            return Err(wrong(
                "frame",
                KeyProblem::Missing {
                    hint: "say \"tm\" or \"aos\", or input = \"packets\" for a packet file",
                },
            ));
        }
    };
    let Some(length_octets) = table.frame_length_octets else {
        return Err(wrong(
            "frame_length_octets",
            KeyProblem::Missing {
                hint: "give the transfer frame's length without sync marker and parity",
            },
        ));
    };
    within(
        "downlink.frame_length_octets",
        length_octets,
        8,
        FRAME_OCTETS_MAX,
    )?;
    check_format(format, &table)?;
    check_room(format, length_octets, &table)?;
    let reed_solomon = table
        .reed_solomon
        .as_ref()
        .map(|code| resolve_reed_solomon(code, length_octets))
        .transpose()?;
    let symbol_order = match table.symbol_order {
        SymbolOrderName::Interleaved => SymbolOrder::Interleaved,
        SymbolOrderName::Sequential => SymbolOrder::Sequential,
    };
    if symbol_order == SymbolOrder::Sequential && reed_solomon.is_none() {
        return Err(wrong(
            "symbol_order",
            KeyProblem::Conflict {
                hint: "an order of symbols needs reed_solomon with its interleave; give it or remove this key",
            },
        ));
    }
    Ok(FrameParameters {
        format,
        length_octets,
        insert_zone_octets: table.insert_zone_octets,
        frame_header_error_control: table.frame_header_error_control,
        ocf: table.ocf,
        fecf: table.fecf,
        secondary_header_octets: table.secondary_header_octets,
        one_packet_per_frame: table
            .one_packet_per_frame
            .as_ref()
            .map(|one| one.offset_octets),
        channels: resolve_channels(format, &table)?,
        randomizer: resolve_randomizer(&table)?,
        synchronization: resolve_synchronization(&table)?,
        reed_solomon,
        symbol_order,
    })
}

fn check_format(format: FrameFormat, table: &DownlinkTable) -> Result<(), Wrong> {
    let conflict = |key, hint| Err(wrong(key, KeyProblem::Conflict { hint }));
    match format {
        FrameFormat::Tm if table.insert_zone_octets > 0 => conflict(
            "insert_zone_octets",
            "TM frames have no insert zone; remove this key",
        ),
        FrameFormat::Tm if table.frame_header_error_control => conflict(
            "frame_header_error_control",
            "TM frame headers have no error control; remove this key",
        ),
        FrameFormat::Aos if table.secondary_header_octets > 0 => conflict(
            "secondary_header_octets",
            "AOS frames have no secondary header; use insert_zone_octets",
        ),
        FrameFormat::Tm | FrameFormat::Aos => Ok(()),
    }
}

/// The data field must have room for a packet header.
fn check_room(format: FrameFormat, length: usize, table: &DownlinkTable) -> Result<(), Wrong> {
    if table.secondary_header_octets != 0 {
        // CCSDS 132.0-B-3 4.1.3: an identification octet and 1 to 63 octets.
        within(
            "downlink.secondary_header_octets",
            table.secondary_header_octets,
            2,
            64,
        )?;
    }
    within(
        "downlink.insert_zone_octets",
        table.insert_zone_octets,
        0,
        FRAME_OCTETS_MAX,
    )?;
    let one_packet = table
        .one_packet_per_frame
        .as_ref()
        .map(|one| one.offset_octets);
    within(
        "downlink.one_packet_per_frame.offset_octets",
        one_packet.unwrap_or(0),
        0,
        FRAME_OCTETS_MAX,
    )?;
    let pointer = usize::from(format == FrameFormat::Aos && one_packet.is_none()) * 2;
    let taken = PRIMARY_HEADER_OCTETS
        + table.insert_zone_octets
        + table.secondary_header_octets
        + one_packet.unwrap_or(0)
        + pointer
        + if table.frame_header_error_control {
            2
        } else {
            0
        }
        + if table.ocf { 4 } else { 0 }
        + if table.fecf { 2 } else { 0 };
    if taken >= length {
        return Err(wrong(
            "frame_length_octets",
            KeyProblem::OutOfRange {
                got: length as u64,
                min: taken as u64 + 1,
                max: FRAME_OCTETS_MAX as u64,
            },
        ));
    }
    Ok(())
}

fn resolve_reed_solomon(
    table: &ReedSolomonTable,
    frame: usize,
) -> Result<ReedSolomonParameters, Wrong> {
    let information = match table.code.replace(' ', "").as_str() {
        "255,223" => 223,
        "255,239" => 239,
        _ => {
            return Err(wrong(
                "reed_solomon.code",
                KeyProblem::Unknown {
                    got: table.code.escape_default().to_string(),
                    allowed: "\"255,223\", \"255,239\"",
                },
            ));
        }
    };
    if ![1, 2, 3, 4, 5, 8].contains(&table.interleave) {
        return Err(wrong(
            "reed_solomon.interleave",
            KeyProblem::Unknown {
                got: table.interleave.to_string(),
                allowed: "1, 2, 3, 4, 5, 8",
            },
        ));
    }
    let block = information * table.interleave;
    let fill = table
        .virtual_fill_octets
        .unwrap_or(block.saturating_sub(frame));
    let whole_symbols = fill.is_multiple_of(table.interleave);
    if frame.checked_add(fill) != Some(block) || !whole_symbols {
        return Err(wrong(
            "reed_solomon",
            KeyProblem::CodeBlock { frame, fill, block },
        ));
    }
    Ok(ReedSolomonParameters {
        information,
        interleave: table.interleave,
        virtual_fill_octets: fill,
        basis: match table.basis {
            BasisName::Dual => Basis::Dual,
            BasisName::Conventional => Basis::Conventional,
        },
        checked: table.checked.unwrap_or(true),
    })
}

fn resolve_channels(
    format: FrameFormat,
    table: &DownlinkTable,
) -> Result<[ChannelParameters; 64], Wrong> {
    let packet = ChannelParameters {
        service: Service::Packet,
        counter_checked: true,
    };
    let mut channels = [packet; 64];
    let vcid_max = match format {
        FrameFormat::Tm => 7,
        FrameFormat::Aos => {
            // CCSDS 732.0-B-4 4.1.2.3.2: virtual channel 63 carries only idle data.
            channels[63] = ChannelParameters {
                service: Service::Idle,
                counter_checked: false,
            };
            63
        }
    };
    let mut seen = [false; 64];
    for (index, entry) in table.virtual_channel.iter().enumerate() {
        let key = format!("downlink.virtual_channel[{index}].vcid");
        within(&key, usize::from(entry.vcid), 0, vcid_max)?;
        let vcid = usize::from(entry.vcid);
        if std::mem::replace(&mut seen[vcid], true) {
            return Err((key, KeyProblem::Duplicate));
        }
        let service = match entry.service {
            ServiceName::Packet => Service::Packet,
            ServiceName::Bitstream => Service::Bitstream,
            ServiceName::Vca => Service::VirtualChannelAccess,
            ServiceName::Idle => Service::Idle,
        };
        let counter_checked = entry.counter_checked.unwrap_or(service != Service::Idle);
        channels[vcid] = ChannelParameters {
            service,
            counter_checked,
        };
    }
    Ok(channels)
}

fn resolve_randomizer(table: &DownlinkTable) -> Result<Option<RandomizerKind>, Wrong> {
    match (table.randomized, table.randomizer_bits) {
        (false, None) => Ok(None),
        (true, None | Some(255)) => Ok(Some(RandomizerKind::Bits255)),
        (true, Some(131_071)) => Ok(Some(RandomizerKind::Bits131071)),
        (true, Some(other)) => Err(wrong(
            "randomizer_bits",
            KeyProblem::Unknown {
                got: other.to_string(),
                allowed: "255, 131071",
            },
        )),
        (false, Some(_)) => Err(wrong(
            "randomizer_bits",
            KeyProblem::Conflict {
                hint: "the stream is not said to be randomised; add randomized = true or remove this key",
            },
        )),
    }
}

fn resolve_synchronization(table: &DownlinkTable) -> Result<SynchronizationParameters, Wrong> {
    let text = table.asm.as_deref().unwrap_or(DEFAULT_MARKER);
    let marker = || {
        wrong(
            "asm",
            KeyProblem::Marker {
                got: text.escape_default().to_string(),
            },
        )
    };
    if !text.is_ascii() || !matches!(text.len(), 8 | 16) {
        return Err(marker());
    }
    let asm = (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| marker()))
        .collect::<Result<Vec<u8>, _>>()?;
    let locked = table
        .asm_bit_errors_locked
        .unwrap_or(table.asm_bit_errors.max(3));
    // Beyond an eighth of its bits a marker is found in noise.
    let errors_max = asm.len();
    within(
        "downlink.asm_bit_errors",
        table.asm_bit_errors as usize,
        0,
        errors_max,
    )?;
    within(
        "downlink.asm_bit_errors_locked",
        locked as usize,
        0,
        2 * errors_max,
    )?;
    let verify = table.asm_verify.unwrap_or(1);
    let flywheel = table.asm_flywheel.unwrap_or(1);
    within("downlink.asm_verify", verify as usize, 0, LOOK_AHEAD_MAX)?;
    within(
        "downlink.asm_flywheel",
        flywheel as usize,
        0,
        LOOK_AHEAD_MAX,
    )?;
    Ok(SynchronizationParameters {
        asm,
        bit_errors_search: table.asm_bit_errors,
        bit_errors_locked: locked,
        verify,
        flywheel,
        inverted: table.inverted.unwrap_or(true),
    })
}

fn within(key: &str, got: usize, min: usize, max: usize) -> Result<(), Wrong> {
    if (min..=max).contains(&got) {
        return Ok(());
    }
    Err((
        key.into(),
        KeyProblem::OutOfRange {
            got: got as u64,
            min: min as u64,
            max: max as u64,
        },
    ))
}

fn wrong(key: &str, problem: KeyProblem) -> Wrong {
    (format!("downlink.{key}"), problem)
}

const DEFAULT_MARKER: &str = "1ACFFC1D";
const FRAME_OCTETS_MAX: usize = 65_536;
const PREFIX_OCTETS_MAX: usize = 4_096;
/// CADUs the synchroniser may have to hold back.
const LOOK_AHEAD_MAX: usize = 8;
/// Both formats have 6 octets.
const PRIMARY_HEADER_OCTETS: usize = 6;
