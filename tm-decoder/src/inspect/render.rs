//! An inspection for people to read.

use std::fmt;

use schemas::event::{AnomalyKind, format_time};
use schemas::mission::{Level, Service};

use super::{ApidInspection, ChannelInspection, ChannelKey, Inspection};

impl Inspection {
    /// One line a virtual channel: the same figures as `key=value`.
    pub fn keys(&self) -> String {
        let mut text = String::new();
        for (key, channel) in &self.virtual_channels {
            let apids: Vec<String> = channel
                .apids
                .iter()
                .map(|(apid, found)| format!("{apid}:{}", found.packets))
                .collect();
            text.push_str(&format!(
                "virtual_channel={key} frames={} idle_frames={} gaps={} frames_lost={} packets={} \
                 packets_sha256={} apids={}\n",
                channel.frames,
                channel.idle_frames,
                channel.gaps,
                channel.frames_lost,
                channel.packets,
                channel.packets_sha256.as_deref().unwrap_or("-"),
                if apids.is_empty() {
                    "-".into()
                } else {
                    apids.join(",")
                },
            ));
        }
        text
    }

    /// Why nothing was found, where that is so.
    pub fn nothing_found(&self) -> Option<String> {
        let statistics = &self.statistics;
        match self.level {
            Level::Cadu if statistics.frames == 0 && statistics.markers == 0 => Some(format!(
                "no frame found: the sync marker occurs nowhere in {} octets, at any bit offset \
                 and in either polarity; is this the right mission and level?",
                grouped(statistics.octets)
            )),
            Level::Cadu if statistics.frames == 0 => {
                Some("no frame found: there are sync markers, but no whole frame".into())
            }
            Level::Frames if statistics.frames == 0 => {
                Some("no frame found: the recording is shorter than one frame".into())
            }
            Level::Packets if self.virtual_channels.is_empty() => Some(format!(
                "no packet found in {} octets",
                grouped(statistics.octets)
            )),
            Level::Cadu | Level::Frames | Level::Packets => None,
        }
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statistics = &self.statistics;
        let skipped = statistics.octets.saturating_sub(statistics.octets_used);
        if let Some(nothing) = self.nothing_found() {
            return writeln!(f, "{nothing}");
        }
        let unit = if self.level == Level::Packets {
            "packets"
        } else {
            "frames"
        };
        writeln!(
            f,
            "octets       {} in all, {} in {unit}, {} skipped",
            grouped(statistics.octets),
            grouped(statistics.octets_used),
            grouped(skipped)
        )?;
        if self.level != Level::Packets {
            writeln!(f, "frames       {}", grouped(statistics.frames))?;
        }
        let words =
            statistics.words_clean + statistics.words_corrected + statistics.words_uncorrectable;
        if words > 0 {
            writeln!(
                f,
                "code words   {} clean, {} corrected ({} symbols), {} uncorrectable",
                grouped(statistics.words_clean),
                grouped(statistics.words_corrected),
                grouped(statistics.symbols_corrected),
                grouped(statistics.words_uncorrectable)
            )?;
        }
        for (key, channel) in &self.virtual_channels {
            writeln!(f)?;
            write_channel(f, key, channel)?;
        }
        let mut seen = self
            .anomalies
            .iter()
            .filter(|(_, count)| **count > 0)
            .peekable();
        writeln!(f)?;
        if seen.peek().is_none() {
            return writeln!(f, "no anomalies");
        }
        writeln!(f, "anomalies")?;
        for (kind, count) in seen {
            let note = if *kind == AnomalyKind::FrameGap {
                " frames lost"
            } else {
                ""
            };
            writeln!(f, "  {:<30} {:>8}{note}", kind.as_str(), grouped(*count))?;
        }
        Ok(())
    }
}

fn write_channel(
    f: &mut fmt::Formatter<'_>,
    key: &ChannelKey,
    channel: &ChannelInspection,
) -> fmt::Result {
    match channel.service {
        None => writeln!(f, "packets {}", grouped(channel.packets))?,
        Some(service) => {
            let service = match service {
                Service::Packet => "packets",
                Service::Bitstream => "bit stream",
                Service::VirtualChannelAccess => "mission's own units",
                Service::Idle => "idle",
            };
            write!(
                f,
                "virtual channel {key} ({service}): {} frames",
                grouped(channel.frames)
            )?;
            if channel.idle_frames > 0 && channel.service != Some(Service::Idle) {
                write!(f, ", {} of them idle", grouped(channel.idle_frames))?;
            }
            if channel.gaps > 0 {
                let (gaps, lost) = (grouped(channel.gaps), grouped(channel.frames_lost));
                write!(f, ", {gaps} gaps with {lost} frames lost")?;
            }
            if channel.service == Some(Service::Packet) {
                write!(f, ", {} packets", grouped(channel.packets))?;
            }
            writeln!(f)?;
        }
    }
    if channel.apids.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "  {:>5} {:>9} {:>12} {:>6}  first .. last time",
        "apid", "packets", "octets", "gaps"
    )?;
    for (apid, found) in &channel.apids {
        writeln!(
            f,
            "  {apid:>5} {:>9} {:>12} {:>6}  {}",
            grouped(found.packets),
            grouped(found.octets),
            grouped(found.sequence_gaps),
            times(found)
        )?;
    }
    Ok(())
}

fn times(found: &ApidInspection) -> String {
    match (found.first_time, found.last_time) {
        (Some(first), Some(last)) => format!("{} .. {}", format_time(first), format_time(last)),
        _ => "-".into(),
    }
}

/// A number with its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
