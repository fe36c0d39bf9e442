//! Plans for other eyes: a plain-text timeline, and the CCSDS simple schedule.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::contact::{Contact, ContactPlan};
use super::opportunity::Band;
use super::state::ContactState;
use super::utc;
use crate::interval::Interval;

/// What satellites and stations are called.
pub trait Names {
    /// A satellite's name.
    fn satellite(&self, number: u32) -> String;
    /// A station's name.
    fn station(&self, number: u32) -> String;
}

/// Names for who has none: `satellite-7`, `station-2`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers;

impl Names for Numbers {
    fn satellite(&self, number: u32) -> String {
        format!("satellite-{number}")
    }

    fn station(&self, number: u32) -> String {
        format!("station-{number}")
    }
}

/// The contacts of each antenna, a line each, in the order of time; times are UTC.
pub fn timeline(plan: &ContactPlan, names: &dyn Names) -> String {
    let mut antennas: BTreeMap<(u32, Band, u32), Vec<&Contact>> = BTreeMap::new();
    for contact in &plan.contacts {
        let key = (contact.station, contact.band, contact.antenna);
        antennas.entry(key).or_default().push(contact);
        if let Some(fallback) = &contact.fallback {
            let key = (contact.station, fallback.band, fallback.antenna);
            antennas.entry(key).or_default().push(contact);
        }
    }
    let mut text = String::new();
    for ((station, band, antenna), mut contacts) in antennas {
        contacts.sort_by_key(|contact| contact.interval);
        let name = names.station(station);
        let _ = writeln!(text, "{name} {} {antenna}", band_name(band));
        let mut day = String::new();
        for contact in contacts {
            let date = utc::date(contact.interval.start);
            if date != day {
                let _ = writeln!(text, "  {date}");
                day = date;
            }
            let spare = contact.band != band;
            let octets = match &contact.fallback {
                Some(fallback) if spare => fallback.octets,
                _ => contact.octets,
            };
            let _ = writeln!(
                text,
                "    {} - {}  {:<24} {:>12}  {}{}",
                utc::clock_text(contact.interval.start),
                utc::clock_text(contact.interval.end),
                names.satellite(contact.satellite),
                size(octets),
                contact.state.name(),
                if spare { ", fallback of a laser" } else { "" },
            );
        }
    }
    let _ = writeln!(
        text,
        "{} contacts, {:.2} % of the best at least",
        plan.contacts.len(),
        100.0 * (1.0 - plan.gap())
    );
    text
}

/// The plan in the simple schedule format, CCSDS 902.1-B-1: a package a satellite, an activity a
/// contact; a laser's fallback is an activity of its own. `organization` is who says so, and
/// `generated` when, UTC in microseconds.
pub fn simple_schedule(
    plan: &ContactPlan,
    names: &dyn Names,
    organization: &str,
    generated: i64,
) -> String {
    let mut packages: BTreeMap<u32, Vec<&Contact>> = BTreeMap::new();
    for contact in &plan.contacts {
        packages.entry(contact.satellite).or_default().push(contact);
    }
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<simpleSchedule xmlns=\"{NAMESPACE}\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         srvMgtEntityType=\"SIMPLE_SCHEDULE\">"
    );
    let _ = writeln!(
        xml,
        "  <simpleScheduleHeader originatingOrganization=\"{}\" generationTime=\"{}\" \
         status=\"OPERATIONAL\" inclusionType=\"START_INCLUSION\" version=\"1\" \
         startTime=\"{}\" endTime=\"{}\"/>",
        escape(organization),
        utc::day_of_year(generated),
        utc::day_of_year(plan.window.start),
        utc::day_of_year(plan.window.end),
    );
    for (satellite, contacts) in packages {
        let name = escape(&names.satellite(satellite));
        let _ = writeln!(
            xml,
            "  <scheduledPackage user=\"{name}\" scheduledPackageId=\"{satellite}\">"
        );
        for contact in contacts {
            activity(
                &mut xml,
                names,
                contact,
                contact.band,
                contact.antenna,
                contact.hold,
            );
            if let Some(fallback) = &contact.fallback {
                let (band, antenna) = (fallback.band, fallback.antenna);
                activity(&mut xml, names, contact, band, antenna, fallback.hold);
            }
        }
        xml.push_str("  </scheduledPackage>\n");
    }
    xml.push_str("</simpleSchedule>\n");
    xml
}

fn activity(
    xml: &mut String,
    names: &dyn Names,
    contact: &Contact,
    band: Band,
    antenna: u32,
    hold: Interval,
) {
    let station = escape(&names.station(contact.station));
    let fallback = if band == contact.band {
        ""
    } else {
        "-fallback"
    };
    let _ = writeln!(
        xml,
        "    <scheduledActivity scheduledActivityId=\"{}-{}{fallback}\" activityStatus=\"{}\" \
         siteRef=\"{station}\" apertureRef=\"{station}-{}-{antenna}\" \
         beginningOfTrack=\"{}\" endOfTrack=\"{}\" \
         beginningOfActivity=\"{}\" endOfActivity=\"{}\">",
        contact.opportunity,
        utc::day_of_year(contact.interval.start),
        status(contact.state),
        band_name(band),
        utc::day_of_year(contact.interval.start),
        utc::day_of_year(contact.interval.end),
        utc::day_of_year(hold.start),
        utc::day_of_year(hold.end),
    );
    for service in ["TELEMETRY", "TELECOMMAND"] {
        let _ = writeln!(
            xml,
            "      <serviceInfo serviceType=\"{service}\" frequencyBand=\"{}\"/>",
            frequency_band(band)
        );
    }
    xml.push_str("    </scheduledActivity>\n");
}

fn status(state: ContactState) -> &'static str {
    match state {
        ContactState::Available | ContactState::Scheduling => "TENTATIVE",
        _ => "COMMITTED",
    }
}

/// A band's name in timelines and apertures.
fn band_name(band: Band) -> &'static str {
    match band {
        Band::S => "s",
        Band::X => "x",
        Band::Ka => "ka",
        Band::Optical => "optical",
    }
}

/// Frequency bands as the standard's enumeration has them: near-Earth allocations, and lasers.
fn frequency_band(band: Band) -> &'static str {
    match band {
        Band::S => "S-NE",
        Band::X => "X-NE",
        Band::Ka => "Ka-NE",
        Band::Optical => "O1",
    }
}

fn size(octets: u64) -> String {
    match octets {
        0..1_000_000 => format!("{octets} B"),
        1_000_000..1_000_000_000 => format!("{:.1} MB", octets as f64 / 1e6),
        _ => format!("{:.2} GB", octets as f64 / 1e9),
    }
}

/// Text as an attribute's value; what XML 1.0 cannot hold becomes U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

const NAMESPACE: &str = "urn:ccsds:schema:cssm:1.0.0";

#[cfg(test)]
mod tests;
