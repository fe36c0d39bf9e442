//! A mission in words, for `passline mission check`.

use std::fmt;

use space_link::cltu::{CltuCode, LdpcTail};
use space_link::plop::Plop;
use space_link::sdls::Service as SecurityService;

use super::{FrameFormat, FrameParameters, Mission, RandomizerKind, Service, TimeoutType, Uplink};

impl fmt::Display for Mission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "mission           {}, version {}",
            self.name, self.version
        )?;
        for spacecraft in &self.spacecraft {
            match spacecraft.scid {
                Some(scid) => write!(f, "spacecraft        {}, SCID {scid}", spacecraft.name)?,
                None => write!(f, "spacecraft        {}, any SCID", spacecraft.name)?,
            }
            match &spacecraft.class {
                Some(class) => writeln!(f, ", class {class}")?,
                None => writeln!(f)?,
            }
        }
        writeln!(f, "recordings        {}", self.downlink.input)?;
        if let Some(frame) = &self.downlink.frame {
            downlink(f, frame)?;
        }
        match &self.uplink {
            Some(parameters) => uplink(f, parameters),
            None => Ok(()),
        }
    }
}

fn downlink(f: &mut fmt::Formatter<'_>, frame: &FrameParameters) -> fmt::Result {
    let format = match frame.format {
        FrameFormat::Tm => "TM",
        FrameFormat::Aos => "AOS",
    };
    write!(
        f,
        "frames            {format}, {} octets",
        frame.length_octets
    )?;
    for (present, name) in [(frame.ocf, "OCF"), (frame.fecf, "FECF")] {
        if present {
            write!(f, ", {name}")?;
        }
    }
    writeln!(f)?;
    let randomizer = match frame.randomizer {
        Some(RandomizerKind::Bits255) => "randomiser of 255 bits",
        Some(RandomizerKind::Bits131071) => "randomiser of 131071 bits",
        None => "no randomiser",
    };
    match frame.reed_solomon {
        Some(code) => writeln!(
            f,
            "coding            Reed-Solomon (255,{}) interleave {}, {randomizer}",
            code.information, code.interleave
        )?,
        None => writeln!(f, "coding            no Reed-Solomon, {randomizer}")?,
    }
    let of = |service| {
        let listed: Vec<String> = (0..64)
            .filter(|&vcid| frame.channels[vcid].service == service)
            .map(|vcid| vcid.to_string())
            .collect();
        if listed.len() > 32 {
            "all others".to_owned()
        } else {
            listed.join(" ")
        }
    };
    for (service, name) in [
        (Service::Packet, "packets"),
        (Service::Bitstream, "bit streams"),
        (Service::VirtualChannelAccess, "own units"),
        (Service::Idle, "idle data"),
    ] {
        let channels = of(service);
        if !channels.is_empty() {
            writeln!(f, "virtual channels  {name}: {channels}")?;
        }
    }
    Ok(())
}

fn uplink(f: &mut fmt::Formatter<'_>, uplink: &Uplink) -> fmt::Result {
    let parameters = &uplink.parameters;
    write!(
        f,
        "uplink            TC, up to {} octets, VCID {}",
        parameters.frame_length_octets_max, parameters.vcid
    )?;
    if parameters.segment_header {
        write!(f, ", MAP {}", parameters.map_id)?;
    }
    for (present, name) in [
        (parameters.fecf, "FECF"),
        (uplink.packet_error_control, "packet error control"),
    ] {
        if present {
            write!(f, ", {name}")?;
        }
    }
    let code = match parameters.code {
        CltuCode::Bch { randomized: true } => "BCH (63,56), randomised",
        CltuCode::Bch { randomized: false } => "BCH (63,56), not randomised",
        CltuCode::Ldpc128(LdpcTail::Corrected) => "LDPC (128,64), randomised",
        CltuCode::Ldpc128(LdpcTail::Absent) => "LDPC (128,64) without tail, randomised",
        CltuCode::Ldpc128(LdpcTail::Former) => "LDPC (128,64) with the former tail, randomised",
        CltuCode::Ldpc512 => "LDPC (512,256), randomised",
    };
    let plop = match parameters.plop {
        Plop::Plop1 => 1,
        Plop::Plop2 => 2,
    };
    writeln!(f, "\nuplink coding     {code}, PLOP-{plop}")?;
    let cop1 = uplink.cop1;
    let at_the_limit = match cop1.timeout_type {
        TimeoutType::Alert => "alert",
        TimeoutType::Suspend => "suspend",
    };
    writeln!(
        f,
        "uplink COP-1      window {}, T1 {} ms, {} transmissions, then {at_the_limit}",
        cop1.window, cop1.t1_initial_ms, cop1.transmission_limit
    )?;
    match &parameters.sdls {
        Some((spi, security)) => {
            let service = match security.service {
                SecurityService::AuthenticatedEncryption => "authenticated encryption",
                SecurityService::Authentication => "authentication",
            };
            writeln!(f, "uplink security   {service}, SPI {spi}")
        }
        None => writeln!(f, "uplink security   none"),
    }
}
