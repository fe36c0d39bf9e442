//! Commands a second on one core, from telecommand to CLTU: `cargo bench -p tc-encoder`.

#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use space_link::cltu::{CltuCode, LdpcTail};
use space_link::frame::{FrameType, MapId, Scid, Vcid};
use space_link::packet::Apid;
use space_link::pus::{PusTcHeader, PusTcLayout};
use space_link::sdls::{AuthenticationMask, Key, SecurityLayout, Service, Spi, TcSecurity};
use space_link::uplink::UplinkParameters;
use tc_encoder::sdls::{Persisted, SecuritySender};
use tc_encoder::{EncodeError, Encoder, FrameDataUnits};

const RUNS: usize = 7;
const COMMANDS: usize = 100_000;

/// Octets of application data: a command with a few arguments.
const APPLICATION_DATA: [u8; 16] = [0x5A; 16];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bch = CltuCode::Bch { randomized: true };
    let authenticated = Some(Service::Authentication);
    let encrypted = Some(Service::AuthenticatedEncryption);
    for (name, code, service) in [
        ("BCH", bch, None),
        ("BCH, SDLS authentication", bch, authenticated),
        ("BCH, SDLS authenticated encryption", bch, encrypted),
        (
            "LDPC(128,64), SDLS authenticated encryption",
            CltuCode::Ldpc128(LdpcTail::Corrected),
            encrypted,
        ),
        (
            "LDPC(512,256), SDLS authenticated encryption",
            CltuCode::Ldpc512,
            encrypted,
        ),
    ] {
        let mut best = f64::INFINITY;
        let mut octets = 0;
        for _ in 0..RUNS {
            let mut encoder = encoder(code, service)?;
            let start = Instant::now();
            octets = encode(&mut encoder)?;
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!(
            "{name:<48} {:>9.0} commands/s {:>6.2} us each {:>5} octets a CLTU",
            COMMANDS as f64 / best,
            best / COMMANDS as f64 * 1e6,
            octets / COMMANDS,
        );
    }
    Ok(())
}

fn encoder(
    code: CltuCode,
    service: Option<Service>,
) -> Result<Encoder, Box<dyn std::error::Error>> {
    let mut parameters = UplinkParameters::new(Scid::new(98)?, Vcid::new(1)?);
    parameters.code = code;
    let Some(service) = service else {
        return Ok(Encoder::new(parameters, None)?);
    };
    let spi = Spi::new(1)?;
    let security = TcSecurity {
        service,
        layout: SecurityLayout::AES_GCM,
        mask: AuthenticationMask::STRICT,
    };
    parameters.sdls = Some((spi, security));
    let mut sender = SecuritySender::new(4_096);
    sender.add(spi, security, Key::new(&mut [7; 32]), Persisted::NeverUsed)?;
    sender.activate(spi)?;
    Ok(Encoder::new(parameters, Some(sender))?)
}

/// Encodes all commands into buffers that are used again, and gives the octets of their CLTUs.
fn encode(encoder: &mut Encoder) -> Result<usize, EncodeError> {
    let apid = Apid::new(66).unwrap_or_default();
    let header = PusTcHeader::new(8, 1);
    let mut packet = Vec::new();
    let mut units = FrameDataUnits::default();
    let (mut frame, mut cltu) = (Vec::new(), Vec::new());
    let mut octets = 0;
    for count in 0..COMMANDS {
        if let Some(security) = encoder.security()
            && let Some(reservation) = security.poll_reservation()
        {
            security.handle_reserved(reservation);
        }
        packet.clear();
        encoder.packets().encode_telecommand(
            apid,
            &PusTcLayout::PUS_C,
            &header,
            black_box(&APPLICATION_DATA),
            &mut packet,
        )?;
        units.clear();
        encoder.encode_packet(FrameType::Ad, MapId::ZERO, &packet, &mut units)?;
        for unit in units.iter() {
            frame.clear();
            cltu.clear();
            encoder.encode_frame(Some(count as u8), unit, &mut frame)?;
            encoder.encode_cltu(&frame, &mut cltu);
            octets += black_box(&cltu).len();
        }
    }
    Ok(octets)
}
