//! Every recording gives exactly the counts, gaps and digests of its expectation, which were
//! computed with other tools.

mod recording_files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use recording_files::{GCOMW1, Recording, recordings, shared};
use schemas::event::{Anomaly, AnomalyKind};
use schemas::mission::{Level, Service};
use schemas::record::{FrameBlock, NO_VIRTUAL_CHANNEL, PacketBlock};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tm_decoder::downlink::{Downlink, Statistics};
use tm_decoder::inspect::Inspector;

/// All that comes out of a downlink.
#[derive(Debug, PartialEq)]
struct Output {
    frames: Vec<FrameBlock>,
    packets: Vec<PacketBlock>,
    anomalies: Vec<Anomaly>,
    controls: Vec<u32>,
    statistics: Statistics,
}

#[test]
fn every_recording_gives_its_expectation() {
    let Some(shared) = shared() else { return };
    let mut wrong = Vec::new();
    for recording in recordings() {
        let path = shared
            .join("recordings/expected")
            .join(format!("{}.json", recording.expected));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let expected: Value = serde_json::from_str(&text).expect("an expectation is JSON");
        let mut check = Check {
            recording,
            expected: &expected,
            wrong: &mut wrong,
        };
        check.run(&recording.octets(&shared));
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn no_recording_and_no_expectation_is_left_out() {
    let Some(shared) = shared() else { return };
    let names = |folder: &str| -> BTreeSet<String> {
        let folder = shared.join("recordings").join(folder);
        let entries = std::fs::read_dir(&folder).expect("the recordings can be listed");
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let expected: BTreeSet<_> = recordings()
        .map(|recording| format!("{}.json", recording.expected))
        .collect();
    assert_eq!(names("expected"), expected);
    let files: BTreeSet<String> = recordings()
        .chain([&GCOMW1])
        .flat_map(|recording| recording.files)
        .map(ToString::to_string)
        .collect();
    let on_disk = ["cadu", "frames", "packets"].into_iter().flat_map(names);
    // Tables that others decoded from recordings, and packet definitions.
    let table = |name: &String| name.ends_with(".csv") || name.ends_with(".json");
    assert_eq!(
        on_disk.filter(|name| !table(name)).collect::<BTreeSet<_>>(),
        files
    );
}

#[test]
fn the_recording_without_frames_says_so() {
    let Some(shared) = shared() else { return };
    let mut inspector = Inspector::new(&GCOMW1.mission(), Level::Cadu).unwrap();
    inspector.handle_bytes(&GCOMW1.octets(&shared));
    let inspection = inspector.finish();
    let json = inspection.to_json();
    assert_eq!(json["frames"], 0);
    assert_eq!(json["virtual_channels"], json!({}));
    assert_eq!(
        json["octets"],
        json!({"total": 1_048_576, "frames": 0, "skipped": 1_048_576})
    );
    assert!(
        inspection.to_string().starts_with("no frame found: "),
        "{inspection}"
    );
}

#[test]
fn chunking_never_changes_the_output() {
    let Some(shared) = shared() else { return };
    let long = |recording: &&&Recording| recording.octets(&shared).len() > 500_000;
    let (long, short): (Vec<_>, Vec<_>) = recordings()
        .collect::<Vec<_>>()
        .into_iter()
        .partition(|recording| long(&recording));
    // A tenth of the long ones is enough to cross every kind of border.
    for (recording, octets_max) in long
        .into_iter()
        .map(|r| (r, 200_000))
        .chain(short.into_iter().map(|r| (r, usize::MAX)))
    {
        let octets = recording.octets(&shared);
        let octets = &octets[..octets.len().min(octets_max)];
        let whole = decode(recording, octets.chunks(octets.len().max(1)));
        for size in [1, 7, 1_000, 65_537] {
            let chunked = decode(recording, octets.chunks(size));
            assert!(
                whole == chunked,
                "{} in chunks of {size}",
                recording.expected
            );
        }
        let mut seed = 1_u64;
        let mut at = 0;
        let random = std::iter::from_fn(|| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let rest = octets.get(at..).filter(|rest| !rest.is_empty())?;
            let size = (seed % 5_000) as usize;
            at += size.min(rest.len());
            Some(&rest[..size.min(rest.len())])
        });
        assert!(
            whole == decode(recording, random),
            "{} in random chunks",
            recording.expected
        );
    }
}

fn decode<'a>(recording: &Recording, chunks: impl Iterator<Item = &'a [u8]>) -> Output {
    let mut downlink = Downlink::new(&recording.mission(), recording.level).unwrap();
    let mut output = Output {
        frames: Vec::new(),
        packets: Vec::new(),
        anomalies: Vec::new(),
        controls: Vec::new(),
        statistics: Statistics::default(),
    };
    for chunk in chunks {
        downlink.handle_bytes(chunk);
        drain(&mut downlink, &mut output);
    }
    downlink.handle_end();
    drain(&mut downlink, &mut output);
    output.statistics = downlink.statistics();
    output
}

fn drain(downlink: &mut Downlink, output: &mut Output) {
    output
        .frames
        .extend(std::iter::from_fn(|| downlink.poll_frames()));
    output
        .packets
        .extend(std::iter::from_fn(|| downlink.poll_packets()));
    output
        .anomalies
        .extend(std::iter::from_fn(|| downlink.poll_anomaly()));
    let controls = std::iter::from_fn(|| downlink.poll_operational_control());
    output
        .controls
        .extend(controls.map(|control| control.value));
}

/// Compares one recording with its expectation and collects what differs.
struct Check<'a> {
    recording: &'a Recording,
    expected: &'a Value,
    wrong: &'a mut Vec<String>,
}

impl Check<'_> {
    fn run(&mut self, octets: &[u8]) {
        let mission = self.recording.mission();
        let mut downlink = Downlink::new(&mission, self.recording.level).unwrap();
        let mut output = decode(self.recording, std::iter::empty());
        downlink.handle_bytes(octets);
        drain(&mut downlink, &mut output);
        downlink.handle_end();
        drain(&mut downlink, &mut output);
        output.statistics = downlink.statistics();
        let mut inspector = Inspector::new(&mission, self.recording.level).unwrap();
        inspector.handle_bytes(octets);
        let inspection = inspector.finish().to_json();
        assert_eq!(inspection["octets"]["total"], octets.len());
        match self.recording.level {
            Level::Packets if self.recording.expected.ends_with(".xml") => self.elements(&output),
            Level::Packets => self.packets(&inspection, &output),
            Level::Cadu | Level::Frames => {
                self.frames(&inspection, &output);
                self.channels(&inspection, &downlink);
            }
        }
    }

    fn equal(&mut self, what: &str, expected: &Value, got: impl Into<Value>) {
        let got = got.into();
        if *expected != got {
            self.wrong.push(format!(
                "{}: {what}: expected {expected}, got {got}",
                self.recording.expected
            ));
        }
    }

    fn frames(&mut self, inspection: &Value, output: &Output) {
        let expected = self.expected;
        self.equal(
            "frames",
            &expected["frames_total"],
            inspection["frames"].clone(),
        );
        let anomalies = &inspection["anomalies"];
        self.equal(
            "fecf",
            &expected["fecf_failures"],
            anomalies["fecf_mismatch"].clone(),
        );
        let mut rejected = 0;
        for (reason, count) in expected["frames_rejected"].as_object().unwrap() {
            assert!(reason.starts_with("version "), "unknown reason {reason}");
            rejected += count.as_u64().unwrap();
        }
        self.equal(
            "rejected",
            &json!(rejected),
            anomalies["bad_frame_version"].clone(),
        );
        let mut controls: BTreeMap<String, u64> = BTreeMap::new();
        for value in &output.controls {
            *controls.entry(format!("{value:08x}")).or_default() += 1;
        }
        self.equal("distinct ocf", &expected["ocf_distinct"], controls.len());
        for pair in expected["ocf_values_top"].as_array().unwrap() {
            let value = pair[0].as_str().unwrap();
            self.equal(value, &pair[1], controls.get(value).copied().unwrap_or(0));
        }
        let statistics = &output.statistics;
        if let Some(first) = expected.get("first_asm_bit_offset") {
            self.equal("first marker", first, statistics.first_marker_bit);
            self.equal("markers", &expected["asm_found"], statistics.markers);
        }
        if let Some(words) = expected.get("rs_codewords") {
            let all = statistics.words_clean
                + statistics.words_corrected
                + statistics.words_uncorrectable;
            self.equal("words", words, all);
            self.equal(
                "clean words",
                &expected["rs_codewords_clean"],
                statistics.words_clean,
            );
            let symbols = &expected["rs_symbols_corrected"];
            self.equal("symbols", symbols, statistics.symbols_corrected);
        }
        if let Some(cadus) = expected.get("complete_cadus") {
            self.equal("CADUs", cadus, statistics.frames);
            self.equal(
                "octets of CADUs",
                &json!(statistics.frames * 1024),
                statistics.octets_used,
            );
        }
        if let Some(digest) = expected.get("frames_sha256") {
            let frames = output.frames.iter().map(|block| &block.data[..]);
            self.equal("frames_sha256", digest, sha256(frames));
        }
        let raw: usize = output.frames.iter().map(FrameBlock::len).sum();
        self.equal("raw frames", &expected["frames_total"], raw);
        // Every frame is in a virtual channel or in an anomaly.
        let in_channels: u64 = inspection["virtual_channels"]
            .as_object()
            .unwrap()
            .values()
            .map(|channel| channel["frames"].as_u64().unwrap())
            .sum();
        let refused = [AnomalyKind::FecfMismatch, AnomalyKind::BadFrameVersion]
            .iter()
            .map(|kind| anomalies[kind.as_str()].as_u64().unwrap())
            .sum::<u64>();
        self.equal(
            "frames accounted for",
            &expected["frames_total"],
            in_channels + refused,
        );
    }

    fn channels(&mut self, inspection: &Value, downlink: &Downlink) {
        let expected = self.expected["virtual_channels"].as_object().unwrap();
        let got = inspection["virtual_channels"].as_object().unwrap();
        let keys =
            |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(expected), keys(got), "{}", self.recording.expected);
        for (_, vcid, service, counts) in downlink.virtual_channels() {
            let key = vcid.to_string();
            let (expected, got) = (&expected[&key], &got[&key]);
            let at = |what: &str| format!("virtual channel {key}: {what}");
            for what in ["frames", "idle_frames", "packets_sha256"] {
                if what == "packets_sha256" && self.expected.get("vca_packets").is_some() {
                    continue;
                }
                self.equal(&at(what), &expected[what], got[what].clone());
            }
            // The expectation counts gaps also where it says that the counter stands still.
            let still = service == Service::Idle && self.expected.get("trap").is_some();
            let expect = |what: &str| {
                if still {
                    json!(0)
                } else {
                    expected[what].clone()
                }
            };
            self.equal(&at("gaps"), &expect("vc_gaps"), got["gaps"].clone());
            self.equal(
                &at("frames_lost"),
                &expect("frames_lost"),
                got["frames_lost"].clone(),
            );
            // The expectation leaves out the cycle by which NOAA-20 extends its counts.
            let count = |count: u32| count & 0xFF_FFFF;
            self.equal(
                &at("first_vcfc"),
                &expected["first_vcfc"],
                count(counts.first_frame_count),
            );
            self.equal(
                &at("last_vcfc"),
                &expected["last_vcfc"],
                count(counts.last_frame_count),
            );
            self.equal(
                &at("duplicates"),
                &expected["duplicates"],
                counts.duplicates,
            );
            let packets = &counts.reassembly;
            self.equal(
                &at("no_start"),
                &expected["no_start_frames"],
                packets.no_start_frames,
            );
            self.equal(
                &at("bad_version"),
                &expected["bad_version"],
                packets.bad_version,
            );
            self.equal(&at("resync"), &expected["resync"], packets.resyncs);
            let pointers = packets.bad_first_header_pointers;
            self.equal(&at("bad_fhp"), &expected["bad_fhp"], pointers);
            if let Some(fields) = self.expected.get("vca_packets") {
                let field = fields
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|field| field["vcid"] == vcid);
                self.one_packet_channel(field.expect("every channel has packets"), got);
                continue;
            }
            self.equal(&at("packets"), &expected["packets"], got["packets"].clone());
            self.equal(
                &at("packet_bytes"),
                &expected["packet_bytes"],
                packets.packet_octets,
            );
            self.apids(&at(""), &expected["per_apid"], &got["apids"]);
            if let Some(times) = self.expected.get("secondary_header_times_utc") {
                self.times(&key, &times["per_vcid_apid"], &got["apids"]);
            }
        }
    }

    /// A channel whose packets the expectation lists beside it.
    fn one_packet_channel(&mut self, expected: &Value, got: &Value) {
        let apids = got["apids"].as_object().unwrap();
        assert_eq!(apids.len(), 1);
        let found = &apids[&expected["apid"].to_string()];
        self.equal("packets", &expected["packets"], found["packets"].clone());
        self.equal(
            "sequence gaps",
            &expected["seq_gaps"],
            found["sequence_gaps"].clone(),
        );
        self.equal("sha256", &expected["sha256"], found["sha256"].clone());
        self.equal("sha256", &expected["sha256"], got["packets_sha256"].clone());
    }

    fn apids(&mut self, at: &str, expected: &Value, got: &Value) {
        let (expected, got) = (expected.as_object().unwrap(), got.as_object().unwrap());
        let keys =
            |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<BTreeSet<_>>();
        self.equal(
            &format!("{at}APIDs"),
            &json!(keys(expected)),
            json!(keys(got)),
        );
        for (apid, expected) in expected {
            let Some(got) = got.get(apid) else { continue };
            for (theirs, ours) in [
                ("packets", "packets"),
                ("seq_gaps", "sequence_gaps"),
                ("sha256", "sha256"),
            ] {
                self.equal(
                    &format!("{at}APID {apid}: {theirs}"),
                    &expected[theirs],
                    got[ours].clone(),
                );
            }
        }
    }

    fn times(&mut self, vcid: &str, expected: &Value, got: &Value) {
        for (apid, found) in got.as_object().unwrap() {
            let expected = &expected[format!("{vcid}/{apid}")];
            for (theirs, ours) in [("first", "first_time"), ("last", "last_time")] {
                // Text says that the field is no such time; nothing, that there is no field.
                let time = match &expected[theirs] {
                    Value::String(time) => json!(format!("{time}Z")),
                    _ => Value::Null,
                };
                self.equal(
                    &format!("{vcid}/{apid}: {ours}"),
                    &time,
                    found[ours].clone(),
                );
            }
        }
    }

    fn packets(&mut self, inspection: &Value, output: &Output) {
        let expected = self.expected;
        let channels = inspection["virtual_channels"].as_object().unwrap();
        assert_eq!(channels.keys().collect::<Vec<_>>(), ["-"]);
        let found = &channels["-"];
        self.equal(
            "packets",
            &expected["packets_total"],
            found["packets"].clone(),
        );
        self.equal(
            "truncated",
            &expected["truncated_tail_bytes"],
            u64::from(!output.anomalies.is_empty()),
        );
        self.apids("", &expected["per_apid"], &found["apids"]);
        let lengths = |apid: u64| -> BTreeSet<usize> {
            packets(output)
                .filter(|(_, packet)| apid_of(packet) == apid)
                .map(|(_, p)| p.len())
                .collect()
        };
        for (apid, expected) in expected["per_apid"].as_object().unwrap() {
            // At most ten lengths are listed.
            let listed: BTreeSet<usize> =
                serde_json::from_value(expected["lengths"].clone()).unwrap();
            let found = lengths(apid.parse().unwrap());
            assert!(
                listed.is_subset(&found),
                "APID {apid}: {listed:?} and {found:?}"
            );
            let octets: usize = packets(output)
                .filter(|(_, packet)| apid_of(packet).to_string() == *apid)
                .map(|(_, packet)| packet.len())
                .sum();
            self.equal(&format!("APID {apid}: octets"), &expected["bytes"], octets);
        }
        if let Some(times) = expected.get("times") {
            let known: Vec<i64> = packets(output)
                .map(|(time, _)| time)
                .filter(|time| *time != i64::MIN)
                .collect();
            let text = |time: Option<&i64>| schemas::event::format_time(*time.unwrap());
            for (what, got) in [
                ("first", text(known.first())),
                ("last", text(known.last())),
                ("min", text(known.iter().min())),
                ("max", text(known.iter().max())),
            ] {
                self.equal(
                    what,
                    &json!(format!("{}Z", times[what].as_str().unwrap())),
                    got,
                );
            }
        }
    }

    /// Packets in the elements of an EDDS response.
    fn elements(&mut self, output: &Output) {
        let expected = self.expected;
        let got: Vec<Value> = packets(output)
            .map(|(_, packet)| {
                let count = u16::from_be_bytes([packet[2], packet[3]]) & 0x3FFF;
                json!({
                    "apid": apid_of(packet),
                    "seq": count,
                    "length": packet.len(),
                    "service": packet[7],
                    "subservice": packet[8],
                })
            })
            .collect();
        self.equal("elements", &expected["elements"], got.len());
        for (row, got) in expected["rows"].as_array().unwrap().iter().zip(&got) {
            for what in ["apid", "seq", "length", "service", "subservice"] {
                self.equal(what, &row[what], got[what].clone());
            }
        }
        assert_eq!(output.anomalies, []);
    }
}

fn packets(output: &Output) -> impl Iterator<Item = (i64, &[u8])> {
    output.packets.iter().flat_map(|block| {
        assert!(
            block
                .virtual_channel
                .iter()
                .all(|vcid| *vcid == NO_VIRTUAL_CHANNEL)
        );
        (0..block.len()).map(|index| (block.time[index], block.packet(index)))
    })
}

fn apid_of(packet: &[u8]) -> u64 {
    u64::from(u16::from_be_bytes([packet[0], packet[1]]) & 0x7FF)
}

fn sha256<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut digest = Sha256::new();
    parts.for_each(|part| digest.update(part));
    digest
        .finalize()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}

#[test]
fn every_mission_folder_is_used() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("missions");
    let on_disk: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let used: BTreeSet<String> = recordings()
        .chain([&GCOMW1])
        .map(|recording| recording.mission.to_owned())
        .collect();
    assert_eq!(on_disk, used);
}
