//! A mission in words, for `passline mission check`.

use std::fmt;

use super::{FrameFormat, Mission, RandomizerKind, Service};

impl fmt::Display for Mission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "mission           {}, version {}",
            self.name, self.version
        )?;
        for spacecraft in &self.spacecraft {
            match spacecraft.scid {
                Some(scid) => writeln!(f, "spacecraft        {}, SCID {scid}", spacecraft.name)?,
                None => writeln!(f, "spacecraft        {}, any SCID", spacecraft.name)?,
            }
        }
        writeln!(f, "recordings        {}", self.downlink.input)?;
        let Some(frame) = &self.downlink.frame else {
            return Ok(());
        };
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
}
