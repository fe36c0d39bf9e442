//! What goes wrong on the way down, and how it is told: one value feeds `tm.events`, logs, counters.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::{NO_TIME, SpacecraftName};

/// Something in the received data that is not as it should be; data, never a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// What it is.
    pub kind: AnomalyKind,
    /// Whose data, if that could be told.
    pub spacecraft: Option<SpacecraftName>,
    /// In which virtual channel, if that could be told.
    pub virtual_channel: Option<u8>,
    /// In packets of which APID, if that could be told.
    pub apid: Option<u16>,
    /// Octets of input before the frame or packet in which it was seen.
    pub position: u64,
    /// How much of it, in the kind's unit ([`AnomalyKind`]); at least 1.
    pub count: u64,
}

/// The kinds of anomalies; the unit of [`Anomaly::count`] is in each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// The marker was not where it should be and the search began again (occurrences).
    SyncLost,
    /// A marker was missing or damaged, the frame was taken all the same (markers).
    SyncMarkerMissed,
    /// The input ended within a CADU or frame (octets left).
    FrameTruncated,
    /// A Reed-Solomon word has more errors than the code corrects (words).
    UncorrectableCodeword,
    /// The frame error control field does not agree with the frame (frames).
    FecfMismatch,
    /// The frame header error control cannot correct the header (frames).
    HeaderErrorControlMismatch,
    /// The transfer frame version is another one (frames).
    BadFrameVersion,
    /// A header field contradicts the managed parameters or the frame's length (frames).
    BadFrameHeader,
    /// The frame is of a spacecraft that the mission does not list (frames).
    UnknownSpacecraft,
    /// Frame counts are missing (frames lost).
    FrameGap,
    /// A frame came twice in a row; the second is kept raw and not used (frames).
    FrameDuplicate,
    /// A first header pointer points beyond the data field (frames).
    FirstHeaderPointerBeyond,
    /// A packet does not end where the next one is said to begin; it is dropped (packets).
    PacketResync,
    /// A packet of another version than 0; the rest of its frame is dropped (packets).
    PacketBadVersion,
    /// A packet was cut short by lost frames or the end of the input (packets).
    PacketTruncated,
    /// An encapsulation packet (133.1-B) that is not idle; counted, not extracted (packets).
    EncapsulationPacket,
    /// The envelope around packets is damaged (occurrences).
    BadEnvelope,
    /// No container's restrictions hold, or an abstract one is the deepest (packets).
    ContainerUnknown,
    /// Two inheritors' restrictions hold (packets).
    ContainerAmbiguous,
    /// The packet ends before its container does; the missing values are null (packets).
    PacketShort,
    /// The packet goes on behind its container's last entry (packets).
    PacketSurplus,
    /// A computed size, count or place is negative, not finite, or has no value (values).
    SizeInvalid,
    /// A repeated entry has more elements than fit; those that fit are kept (values).
    ElementsTruncated,
    /// A raw value has no label; the label is null and the raw value kept (values).
    EnumerationUnknown,
    /// A text is not valid in its character set; what is not is replaced (values).
    TextInvalid,
    /// A string's terminator is missing; the text goes up to the end of its field (values).
    TextUnterminated,
    /// A time lies outside what a timestamp holds; it is null (values).
    TimeOutOfRange,
    /// A digit of a decimal is above nine; the value is null (values).
    DecimalInvalid,
    /// Overlapping texts or octets grow far beyond their packets; the value is null (values).
    OctetsExceeded,
}

impl AnomalyKind {
    /// Every kind, in the order of the data path.
    pub const ALL: [Self; 29] = [
        Self::SyncLost,
        Self::SyncMarkerMissed,
        Self::FrameTruncated,
        Self::UncorrectableCodeword,
        Self::FecfMismatch,
        Self::HeaderErrorControlMismatch,
        Self::BadFrameVersion,
        Self::BadFrameHeader,
        Self::UnknownSpacecraft,
        Self::FrameGap,
        Self::FrameDuplicate,
        Self::FirstHeaderPointerBeyond,
        Self::PacketResync,
        Self::PacketBadVersion,
        Self::PacketTruncated,
        Self::EncapsulationPacket,
        Self::BadEnvelope,
        Self::ContainerUnknown,
        Self::ContainerAmbiguous,
        Self::PacketShort,
        Self::PacketSurplus,
        Self::SizeInvalid,
        Self::ElementsTruncated,
        Self::EnumerationUnknown,
        Self::TextInvalid,
        Self::TextUnterminated,
        Self::TimeOutOfRange,
        Self::DecimalInvalid,
        Self::OctetsExceeded,
    ];

    /// The name used in events, counters and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SyncLost => "sync_lost",
            Self::SyncMarkerMissed => "sync_marker_missed",
            Self::FrameTruncated => "frame_truncated",
            Self::UncorrectableCodeword => "uncorrectable_codeword",
            Self::FecfMismatch => "fecf_mismatch",
            Self::HeaderErrorControlMismatch => "header_error_control_mismatch",
            Self::BadFrameVersion => "bad_frame_version",
            Self::BadFrameHeader => "bad_frame_header",
            Self::UnknownSpacecraft => "unknown_spacecraft",
            Self::FrameGap => "frame_gap",
            Self::FrameDuplicate => "frame_duplicate",
            Self::FirstHeaderPointerBeyond => "first_header_pointer_beyond",
            Self::PacketResync => "packet_resync",
            Self::PacketBadVersion => "packet_bad_version",
            Self::PacketTruncated => "packet_truncated",
            Self::EncapsulationPacket => "encapsulation_packet",
            Self::BadEnvelope => "bad_envelope",
            Self::ContainerUnknown => "container_unknown",
            Self::ContainerAmbiguous => "container_ambiguous",
            Self::PacketShort => "packet_short",
            Self::PacketSurplus => "packet_surplus",
            Self::SizeInvalid => "size_invalid",
            Self::ElementsTruncated => "elements_truncated",
            Self::EnumerationUnknown => "enumeration_unknown",
            Self::TextInvalid => "text_invalid",
            Self::TextUnterminated => "text_unterminated",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::DecimalInvalid => "decimal_invalid",
            Self::OctetsExceeded => "octets_exceeded",
        }
    }
}

impl AnomalyKind {
    /// Whether it is about a packet's fields rather than about frames and packets.
    pub fn is_of_fields(self) -> bool {
        self >= Self::ContainerUnknown
    }

    /// How bad one is, in XTCE's words for concern.
    pub fn severity(self) -> &'static str {
        match self {
            Self::SyncLost
            | Self::UncorrectableCodeword
            | Self::FecfMismatch
            | Self::HeaderErrorControlMismatch
            | Self::BadFrameVersion
            | Self::BadFrameHeader
            | Self::FrameGap
            | Self::FirstHeaderPointerBeyond
            | Self::PacketResync
            | Self::PacketBadVersion
            | Self::PacketTruncated
            | Self::BadEnvelope
            | Self::PacketShort
            | Self::SizeInvalid
            | Self::ElementsTruncated
            | Self::OctetsExceeded => "warning",
            Self::SyncMarkerMissed
            | Self::FrameTruncated
            | Self::FrameDuplicate
            | Self::EncapsulationPacket
            | Self::PacketSurplus => "info",
            Self::UnknownSpacecraft
            | Self::ContainerUnknown
            | Self::ContainerAmbiguous
            | Self::EnumerationUnknown
            | Self::TextInvalid
            | Self::TextUnterminated
            | Self::TimeOutOfRange
            | Self::DecimalInvalid => "watch",
        }
    }

    /// What happened, and what [`Anomaly::count`] counts.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::SyncLost => ("sync marker lost, searching again", "occurrences"),
            Self::SyncMarkerMissed => (
                "sync marker missing or damaged, frame taken all the same",
                "markers",
            ),
            Self::FrameTruncated => ("input ends within a frame", "frames"),
            Self::UncorrectableCodeword => ("Reed-Solomon word beyond correction", "words"),
            Self::FecfMismatch => (
                "frame error control field disagrees with the frame",
                "frames",
            ),
            Self::HeaderErrorControlMismatch => ("frame header beyond correction", "frames"),
            Self::BadFrameVersion => ("unexpected transfer frame version", "frames"),
            Self::BadFrameHeader => ("frame header contradicts the mission", "frames"),
            Self::UnknownSpacecraft => (
                "frame of a spacecraft that the mission does not list",
                "frames",
            ),
            Self::FrameGap => ("frames missing", "frames"),
            Self::FrameDuplicate => ("frame received twice", "frames"),
            Self::FirstHeaderPointerBeyond => {
                ("first header pointer beyond the data field", "frames")
            }
            Self::PacketResync => (
                "packet does not end where the next begins, dropped",
                "packets",
            ),
            Self::PacketBadVersion => (
                "unexpected packet version, rest of the frame dropped",
                "packets",
            ),
            Self::PacketTruncated => ("packet cut short", "packets"),
            Self::EncapsulationPacket => ("encapsulation packet, not extracted", "packets"),
            Self::BadEnvelope => ("damaged envelope around packets", "occurrences"),
            Self::ContainerUnknown => ("no container of the mission database fits", "packets"),
            Self::ContainerAmbiguous => {
                ("several containers of the mission database fit", "packets")
            }
            Self::PacketShort => (
                "packet shorter than its container, missing values are null",
                "packets",
            ),
            Self::PacketSurplus => ("packet longer than its container", "packets"),
            Self::SizeInvalid => ("a computed size, count or place is impossible", "values"),
            Self::ElementsTruncated => ("more repeated elements than fit", "values"),
            Self::EnumerationUnknown => ("raw value without a label", "values"),
            Self::TextInvalid => ("text not valid in its character set", "values"),
            Self::TextUnterminated => ("text without its terminator", "values"),
            Self::TimeOutOfRange => ("time outside what a timestamp holds", "values"),
            Self::DecimalInvalid => ("decimal digit above nine", "values"),
            Self::OctetsExceeded => ("overlapping fields grow far beyond their packet", "values"),
        }
    }
}

impl fmt::Display for AnomalyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} x {} at octet {}",
            self.kind, self.count, self.position
        )?;
        if let Some(spacecraft) = &self.spacecraft {
            write!(f, ", spacecraft {spacecraft}")?;
        }
        if let Some(virtual_channel) = self.virtual_channel {
            write!(f, ", virtual channel {virtual_channel}")?;
        }
        if let Some(apid) = self.apid {
            write!(f, ", APID {apid}")?;
        }
        Ok(())
    }
}

/// One record of `tm.events`, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, in UTC with microseconds (`2024-12-06T16:28:08.182535Z`); absent where nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Whose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spacecraft: Option<String>,
    /// What happened: `anomaly`, `link_up`, `link_down`, `contact_begin`, `contact_end`; other
    /// writers add their own.
    pub event: String,
    /// The kind of anomaly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomaly: Option<AnomalyKind>,
    /// In which virtual channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_channel: Option<u8>,
    /// In packets of which APID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apid: Option<u16>,
    /// Octets of input before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// How much, in the kind's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The event in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Event {
    /// The event of an anomaly at `time` (microseconds since 1970-01-01 UTC or [`NO_TIME`]).
    pub fn of_anomaly(anomaly: &Anomaly, time: i64) -> Self {
        let (words, unit) = anomaly.kind.words();
        Self {
            time: (time != NO_TIME).then(|| format_time(time)),
            spacecraft: anomaly.spacecraft.as_ref().map(ToString::to_string),
            event: "anomaly".into(),
            anomaly: Some(anomaly.kind),
            virtual_channel: anomaly.virtual_channel,
            apid: anomaly.apid,
            position: Some(anomaly.position),
            count: Some(anomaly.count),
            severity: Some(anomaly.kind.severity().to_owned()),
            message: Some(match anomaly.count {
                1 => format!("{words}: 1 {}", unit.trim_end_matches('s')),
                count => format!("{words}: {count} {unit}"),
            }),
        }
    }
}

impl Event {
    /// The event of an operation, as `link_up` or `contact_end`, in words, at `time` (microseconds
    /// since 1970-01-01 UTC).
    pub fn of_operation(event: &str, time: i64, severity: &str, message: String) -> Self {
        Self {
            time: Some(format_time(time)),
            spacecraft: None,
            event: event.to_owned(),
            anomaly: None,
            virtual_channel: None,
            apid: None,
            position: None,
            count: None,
            severity: Some(severity.to_owned()),
            message: Some(message),
        }
    }
}

/// A time as text, `2024-12-06T16:28:08.182535Z`, from microseconds since 1970-01-01 UTC.
pub fn format_time(time: i64) -> String {
    space_link::time::UtcMicros::new(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_snake_case_name_in_json() {
        for kind in AnomalyKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn an_anomaly_is_one_line_of_json_and_back() {
        let anomaly = Anomaly {
            kind: AnomalyKind::FrameGap,
            spacecraft: Some(SpacecraftName::new("noaa20")),
            virtual_channel: Some(16),
            apid: None,
            position: 1024,
            count: 3,
        };
        let event = Event::of_anomaly(&anomaly, 1_733_502_488_182_535);
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(
            text,
            r#"{"time":"2024-12-06T16:28:08.182535Z","spacecraft":"noaa20","event":"anomaly","anomaly":"frame_gap","virtual_channel":16,"position":1024,"count":3,"severity":"warning","message":"frames missing: 3 frames"}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
        assert_eq!(Event::of_anomaly(&anomaly, NO_TIME).time, None);
    }

    #[test]
    fn times_read_as_python_prints_them() {
        assert_eq!(format_time(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(format_time(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(
            format_time(951_782_400_000_000),
            "2000-02-29T00:00:00.000000Z"
        );
        assert_eq!(
            format_time(4_107_542_399_999_999),
            "2100-02-28T23:59:59.999999Z"
        );
    }
}
