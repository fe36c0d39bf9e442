//! A mission in words, for `passline mission check`.

use std::fmt;

use super::{
    FrameFormat, FrameParameters, Mission, RandomizerKind, SdlsMode, Service, TcCode,
    UplinkParameters,
};

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

fn uplink(f: &mut fmt::Formatter<'_>, uplink: &UplinkParameters) -> fmt::Result {
    write!(
        f,
        "uplink            TC, up to {} octets, VCID {}",
        uplink.frame_length_octets_max, uplink.vcid
    )?;
    if let Some(map_id) = uplink.map_id {
        write!(f, ", MAP {map_id}")?;
    }
    if uplink.fecf {
        write!(f, ", FECF")?;
    }
    let code = match uplink.code {
        TcCode::Bch => "BCH (63,56)",
        TcCode::Ldpc128 => "LDPC (128,64)",
        TcCode::Ldpc512 => "LDPC (512,256)",
    };
    let randomizer = if uplink.randomized {
        "randomised"
    } else {
        "not randomised"
    };
    writeln!(
        f,
        "\nuplink coding     {code}, {randomizer}, PLOP-{}",
        uplink.plop
    )?;
    let cop1 = uplink.cop1;
    writeln!(
        f,
        "uplink COP-1      window {}, T1 {} ms, {} transmissions",
        cop1.window, cop1.t1_initial_ms, cop1.transmission_limit
    )?;
    match uplink.sdls {
        Some(sdls) => {
            let mode = match sdls.mode {
                SdlsMode::AuthenticatedEncryption => "authenticated encryption",
                SdlsMode::Authentication => "authentication",
            };
            writeln!(f, "uplink security   {mode}, SPI {}", sdls.spi)
        }
        None => writeln!(f, "uplink security   none"),
    }
}
