use std::path::Path;

use super::*;
use crate::record::NO_TIME;

const NOAA20: &str = r#"
name = "noaa20"
[[spacecraft]]
name = "noaa20"
scid = 159
[downlink]
frame = "aos"
frame_length_octets = 892
asm = "1ACFFC1D"
randomized = true
reed_solomon = { code = "255,223", interleave = 4, virtual_fill_octets = 0 }
fecf = false
ocf = false
[[downlink.virtual_channel]]
vcid = 16
service = "packet"
"#;

fn parse(text: &str) -> Result<Mission, MissionError> {
    Mission::parse(text, Path::new("folder"))
}

fn error_of(text: &str) -> String {
    let error = parse(text).expect_err("must be refused");
    let source = std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default();
    format!("{error} {source}")
}

#[test]
fn the_documented_mission_resolves() {
    let mission = parse(NOAA20).unwrap();
    assert_eq!(mission.version.len(), 12);
    assert_eq!(mission.spacecraft_of(159).unwrap().name.as_str(), "noaa20");
    assert!(mission.spacecraft_of(160).is_none());
    let frame = mission.downlink.frame.unwrap();
    assert_eq!(frame.code_block_octets(), 1020);
    assert_eq!(frame.randomizer, Some(RandomizerKind::Bits255));
    assert_eq!(frame.synchronization.asm, [0x1A, 0xCF, 0xFC, 0x1D]);
    assert_eq!(frame.channels[16].service, Service::Packet);
    assert_eq!(frame.channels[63].service, Service::Idle);
    assert!(frame.channels[16].counter_checked && !frame.channels[63].counter_checked);
}

#[test]
fn without_a_list_any_scid_is_the_missions_own() {
    let mission = parse("name = \"x\"\n[downlink]\ninput = \"packets\"").unwrap();
    assert_eq!(mission.spacecraft_of(7).unwrap().name.as_str(), "x");
    assert!(mission.downlink.frame.is_none());
}

#[test]
fn errors_say_file_key_and_remedy() {
    for (change, with, expected) in [
        (
            "892",
            "893",
            "downlink.reed_solomon: a frame of 893 octets and a virtual fill of 0",
        ),
        (
            "892",
            "70000",
            "downlink.frame_length_octets: 70000 is out of range, use 8 to 65536",
        ),
        (
            "interleave = 4",
            "interleave = 6",
            "downlink.reed_solomon.interleave: `6` is not known",
        ),
        (
            "1ACFFC1D",
            "1ACFFC1",
            "downlink.asm: `1ACFFC1` is not a sync marker",
        ),
        ("1ACFFC1D", "1ACFFCZZ", "downlink.asm"),
        (
            "vcid = 16",
            "vcid = 64",
            "downlink.virtual_channel[0].vcid: 64 is out of range, use 0 to 63",
        ),
        (
            "scid = 159",
            "scid = 1024",
            "spacecraft[0].scid: 1024 is out of range",
        ),
        (
            "name = \"noaa20\"\n[[",
            "name = \"a b\"\n[[",
            "name: `a b` is not a name",
        ),
        ("\"aos\"", "\"uslp\"", "downlink.frame: `uslp` is not known"),
        ("fecf = false", "fecff = false", "unknown field `fecff`"),
        (
            "frame = \"aos\"",
            "",
            "downlink.frame: missing; say \"tm\" or \"aos\"",
        ),
        (
            "frame_length_octets = 892",
            "",
            "downlink.frame_length_octets: missing",
        ),
        (
            "ocf = false",
            "ocf = false\nsecondary_header_octets = 4",
            "use insert_zone_octets",
        ),
        (
            "ocf = false",
            "ocf = false\ninsert_zone_octets = 884",
            "use 893 to 65536",
        ),
        (
            "randomized = true",
            "randomizer_bits = 255",
            "add randomized = true",
        ),
    ] {
        let message = error_of(&NOAA20.replacen(change, with, 1));
        assert!(message.contains(expected), "{with}: {message}");
        assert!(message.contains("mission.toml"), "{message}");
    }
    assert!(error_of("name = 3").contains("mission.toml"));
    assert!(
        error_of(&NOAA20.replacen("[[spacecraft]]", "xtce = [\"/etc/x\"]\n[[spacecraft]]", 1))
            .contains("xtce[0]: `/etc/x` is not a relative path")
    );
}

#[test]
fn the_version_covers_every_named_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"x\"\nxtce = [\"a.xml\"]\n[downlink]\ninput = \"packets\"";
    std::fs::write(folder.path().join("mission.toml"), text).unwrap();
    let error = Mission::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("a.xml"), "{error}");
    std::fs::write(folder.path().join("a.xml"), "one").unwrap();
    let first = Mission::load(folder.path()).unwrap().version;
    std::fs::write(folder.path().join("a.xml"), "two").unwrap();
    let second = Mission::load(folder.path()).unwrap().version;
    assert_ne!(first, second);
    assert!(Mission::load(&folder.path().join("a.xml")).is_err());
    assert!(Mission::load(Path::new("/nonexistent")).is_err());
}

fn times(entries: &str) -> PacketTimes {
    parse(&format!(
        "name = \"x\"\n[downlink]\ninput = \"packets\"\n{entries}"
    ))
    .unwrap()
    .packet_times
}

#[test]
fn a_cds_time_is_read_where_the_header_announces_it() {
    // NOAA-20's first ephemeris packet: 2021-04-09T00:00:00.007137 UTC (python: 1617926400.007137).
    let mut packet = vec![0x08, 0x0B, 0xCA, 0x2E, 0x00, 0x40];
    packet.extend([0x5A, 0x45, 0x00, 0x00, 0x00, 0x07, 0x00, 0x89, 0xFF]);
    let all = times("[[packet_time]]\ncode = \"cds\"\noffset_octets = 6");
    assert_eq!(all.time_of(&packet), 1_617_926_400_007_137);
    let other =
        times("[[packet_time]]\napids = [12, \"20-30\"]\ncode = \"cds\"\noffset_octets = 6");
    assert_eq!(other.time_of(&packet), NO_TIME);
    assert_eq!(all.time_of(&packet[..13]), NO_TIME);
    packet[0] = 0;
    assert_eq!(all.time_of(&packet), NO_TIME);
    for length in 0..7 {
        assert_eq!(all.time_of(&packet[..length]), NO_TIME);
    }
    packet[0] = 0x08;
    packet[8..12].copy_from_slice(&86_401_000_u32.to_be_bytes());
    assert_eq!(all.time_of(&packet), NO_TIME);
}

#[test]
fn a_cuc_time_counts_leap_seconds_in_tai_and_not_in_utc() {
    let mut packet = vec![0x08, 0x0B, 0, 0, 0, 5];
    packet.extend(1_530_877_278_u32.to_be_bytes());
    packet.extend([0x48, 0xB4]);
    // The vector of the yamcs CUC test: 2018-07-06T11:41:18.284 with a 1970 epoch.
    let unix = times(
        "[[packet_time]]\ncode = \"cuc\"\nscale = \"utc\"\nepoch = \"1970-01-01\"\n\
         offset_octets = 6\nfine_octets = 2",
    );
    assert_eq!(unix.time_of(&packet), 1_530_877_278_283_996);
    // TAI - UTC was 37 s on that day.
    let tai = times(
        "[[packet_time]]\ncode = \"cuc\"\nepoch = \"1970-01-01\"\noffset_octets = 6\nfine_octets = 2",
    );
    assert_eq!(tai.time_of(&packet), 1_530_877_241_283_996);
    // GPS time of 2018-07-06 is 18 s ahead of UTC.
    let gps = times(
        "[[packet_time]]\ncode = \"cuc\"\nscale = \"gps\"\nepoch = \"1970-01-01\"\n\
         offset_octets = 6\nfine_octets = 2",
    );
    assert_eq!(gps.time_of(&packet), 1_530_877_260_283_996);
}

#[test]
fn the_first_matching_entry_wins() {
    let both = times(
        "[[packet_time]]\napids = [11]\ncode = \"cuc\"\nscale = \"utc\"\nepoch = \"1970-01-01\"\noffset_octets = 6\n\
         [[packet_time]]\ncode = \"cds\"\noffset_octets = 6",
    );
    let packet = [0x08, 11, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0];
    assert_eq!(both.time_of(&packet), 1_000_000);
    let packet = [0x08, 12, 0, 0, 0, 7, 0x11, 0x1F, 0, 0, 0, 1, 0, 2];
    // Day 4383 of 1958 is 1970-01-01.
    assert_eq!(both.time_of(&packet), 1_002);
}

#[test]
fn impossible_time_entries_are_refused() {
    let refused = |entry: &str| {
        error_of(&format!(
            "name = \"x\"\n[downlink]\ninput = \"packets\"\n[[packet_time]]\n{entry}"
        ))
    };
    assert!(refused("code = \"cds\"\noffset_octets = 5").contains("packet_time[0].offset_octets"));
    assert!(
        refused("code = \"cds\"\noffset_octets = 6\nfine_octets = 1").contains("belongs to cuc")
    );
    assert!(
        refused("code = \"cuc\"\noffset_octets = 6\nday_octets = 2").contains("belongs to cds")
    );
    assert!(
        refused("code = \"cuc\"\noffset_octets = 6\nepoch = \"2021-02-29\"")
            .contains("is not a date")
    );
    assert!(
        refused("code = \"cuc\"\noffset_octets = 6\napids = [2048]").contains("is not an APID")
    );
    assert!(
        refused("code = \"cuc\"\noffset_octets = 6\napids = [\"9-3\"]").contains("is not an APID")
    );
    assert!(
        refused("code = \"cds\"\noffset_octets = 6\nsubmillisecond_octets = 3")
            .contains("use one of")
    );
}

#[test]
fn a_class_is_a_name() {
    let mission = parse(&NOAA20.replace("scid = 159", "scid = 159\nclass = \"large\"")).unwrap();
    assert_eq!(mission.spacecraft[0].class.as_deref(), Some("large"));
    let class = NOAA20.replace("scid = 159", "scid = 159\nclass = \"a b\"");
    assert!(error_of(&class).contains("spacecraft[0].class: `a b` is not a name"));
}
